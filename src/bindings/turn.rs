//! The time that calls may take in one tick of the event loop, here called a turn.
//!
//! Work of a few microseconds takes less time than handing it to another thread and back. But calls
//! that complete synchronously let nothing else run in between, no timer and no socket, however
//! many of them are awaited in a row. So all calls of a thread share one tick's time, whichever
//! client they belong to. When it is used up, work that may take long goes to the pool, and the
//! result of work that is still done synchronously is delivered in a later tick (`face/replies.ts`
//! waits for it).
//!
//! A tick is known to have ended when something that was dispatched in it has come back: promises
//! are settled from another thread by an event, and a loop that waits for one also runs its timers
//! and its sockets. Other ticks that have begun in the meantime go unnoticed. The cost is at most
//! one such wait for each millisecond of work.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// The time that all calls together may take in one tick.
const TURN: Duration = Duration::from_millis(1);
/// The time that a single call may be expected to take.
const CALL: Duration = Duration::from_micros(400);
/// The approximate overhead of a call in JavaScript.
const AROUND: Duration = Duration::from_micros(1);
/// The approximate time JavaScript takes to parse a byte of JSON.
const PARSED: Duration = Duration::from_nanos(4);

thread_local! {
    /// The current tick of this thread's event loop.
    static NOW: Turn = const { Turn::new() };
}

/// The number of a tick, among those that this module has noticed.
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
        // Several things dispatched in that tick may come back in the same later one; only the
        // first ends it.
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

/// The current tick, to be passed to `end` when something dispatched in it comes back.
pub fn number() -> Number {
    NOW.with(|now| Number(now.number.get()))
}

/// Ends this tick, if it is still the current one.
pub fn end(number: Number) {
    NOW.with(|now| now.end(number));
}

/// The time that a call may be expected to take now.
pub fn left() -> Duration {
    NOW.with(Turn::left)
}

/// Runs `work`, and counts the time it takes.
pub fn spend<T>(work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = work();
    NOW.with(|now| now.add(begin.elapsed() + AROUND));
    done
}

/// Counts the time JavaScript will take to read this many bytes of JSON.
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
