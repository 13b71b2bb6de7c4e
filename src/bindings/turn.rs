//! The time that calls may take of a turn of the event loop.
//!
//! A search of a tenth of a millisecond is sooner done than handed to another thread and
//! back. But calls that are done at once let nothing else run in between, however many are
//! awaited one after the other. So they share a turn's time; when it is used up, calls go
//! to the pool, whose answer arrives in a later turn.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use crate::error::Result;

/// What calls may take of a turn, all together.
const TURN: Duration = Duration::from_millis(1);
/// What one call may be expected to take.
const CALL: Duration = Duration::from_micros(400);

/// What calls have taken since the event loop last turned for sure, in nanoseconds.
#[derive(Default)]
pub struct Turn(AtomicU64);

impl Turn {
    /// A new turn has begun.
    pub fn begin(&self) {
        self.0.store(0, Relaxed);
    }

    /// Does `work` with what it may take, and counts what it took.
    pub fn spend<T>(&self, work: impl FnOnce(Duration) -> Result<T>) -> Result<T> {
        let begin = Instant::now();
        let spent = self.0.load(Relaxed);
        let left = TURN.saturating_sub(Duration::from_nanos(spent)).min(CALL);
        let done = work(left);
        let took = begin.elapsed().as_nanos() as u64;
        self.0.store(spent.saturating_add(took), Relaxed);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_its_time_is_used_up_and_the_next_begins_anew() {
        let turn = Turn::default();
        assert_eq!(turn.spend(Ok).unwrap(), CALL);
        let long = |_| {
            let begin = Instant::now();
            while begin.elapsed() < TURN {}
            Ok(())
        };
        turn.spend(long).unwrap();
        assert_eq!(turn.spend(Ok).unwrap(), Duration::ZERO);
        turn.begin();
        assert_eq!(turn.spend(Ok).unwrap(), CALL);
    }
}
