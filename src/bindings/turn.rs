//! The time that calls may take of a turn of the event loop.
//!
//! What takes microseconds is sooner done than handed to another thread and back. But calls
//! that are done at once let nothing else run in between, no timer and no socket, however many
//! are awaited one after the other. So all calls of a thread share a turn's time, whichever
//! client they are of. When it is used up, what may take long goes to the pool, and what is
//! done in the call all the same is answered in a later turn (`face/replies.ts` waits for it).
//!
//! A turn is known to be over when something that was sent away in it has come back: promises
//! are settled from another thread by an event, and a loop that waits for one runs its timers
//! and its sockets too. That others have begun meanwhile is not noticed. It costs no more than
//! one such wait for each millisecond of work.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// What calls may take of a turn, all together.
const TURN: Duration = Duration::from_millis(1);
/// What one call may be expected to take.
const CALL: Duration = Duration::from_micros(400);
/// What JavaScript takes for a call besides, roughly.
const AROUND: Duration = Duration::from_micros(1);
/// What JavaScript takes to parse a byte of JSON, roughly.
const PARSED: Duration = Duration::from_nanos(4);

thread_local! {
    /// The turn of this thread's event loop.
    static NOW: Turn = const { Turn::new() };
}

/// A turn's number, of those that this module knows of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number(u64);

struct Turn {
    number: Cell<u64>,
    spent: Cell<Duration>,
}

impl Turn {
    const fn new() -> Self {
        Self {
            number: Cell::new(0),
            spent: Cell::new(Duration::ZERO),
        }
    }

    fn end(&self, Number(number): Number) {
        // What else was sent away in that turn may come back in one and the same, a later one.
        if self.number.get() == number {
            self.number.set(number + 1);
            self.spent.set(Duration::ZERO);
        }
    }

    fn left(&self) -> Duration {
        TURN.saturating_sub(self.spent.get()).min(CALL)
    }

    fn add(&self, time: Duration) {
        self.spent.set(self.spent.get().saturating_add(time));
    }
}

/// The turn that it is, to be told to `end` when what is sent away in it comes back.
pub fn number() -> Number {
    NOW.with(|now| Number(now.number.get()))
}

/// This turn is over, if it still was the one that it is.
pub fn end(number: Number) {
    NOW.with(|now| now.end(number));
}

/// What a call may be expected to take.
pub fn left() -> Duration {
    NOW.with(Turn::left)
}

/// Does `work`, and counts what it takes.
pub fn spend<T>(work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = work();
    NOW.with(|now| now.add(begin.elapsed() + AROUND));
    done
}

/// Counts what reading so many bytes of JSON will take.
pub fn read_later(bytes: usize) {
    NOW.with(|now| now.add(PARSED.saturating_mul(bytes.try_into().unwrap_or(u32::MAX))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_its_time_is_used_up_and_the_next_begins_anew() {
        let first = number();
        assert_eq!(left(), CALL);
        spend(|| {
            let begin = Instant::now();
            while begin.elapsed() < TURN {}
        });
        assert_eq!(left(), Duration::ZERO);
        end(first);
        assert_eq!(left(), CALL);
        read_later(usize::MAX);
        assert_eq!(left(), Duration::ZERO);
    }

    #[test]
    fn what_comes_back_together_ends_one_turn() {
        let first = number();
        end(first);
        let second = number();
        assert_ne!(first, second);
        read_later(usize::MAX);
        end(first);
        assert_eq!((number(), left()), (second, Duration::ZERO));
        end(second);
        assert_eq!(left(), CALL);
    }
}
