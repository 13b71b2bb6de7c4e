//! The clock that decides what has expired.
//!
//! It shows the system's time, with two differences, because a clock that is set wrong must neither
//! bring back what has expired nor destroy what has not:
//!
//! - It never shows less than it did before.
//! - If it jumps forward, further than the monotonic clock says that time has passed, it is
//!   *paused*: what has expired by it is not erased until somebody resumes it, or until it has not
//!   jumped again for an hour.
//!
//! A system that has slept for long also jumps where its monotonic clock sleeps with it.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;

/// The last instant there is, in milliseconds since 1970: the range of a JavaScript `Date`.
pub const LATEST: i64 = 8_640_000_000_000_000;
/// A jump forward by more than this pauses the clock.
const JUMP: i64 = 24 * 3600 * 1000;
/// How long it stays paused after the last jump.
const PAUSE: Duration = Duration::from_secs(3600);

/// When this process first looked at a clock of the system: their monotonic time counts from here.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The jumps of the system's clock, which all clocks that show its time have in common: a store that
/// is closed and opened again stays paused.
static SYSTEM: LazyLock<Mutex<Shown>> =
    LazyLock::new(|| Mutex::new(Shown::of(Source::System.read())));

/// A clock, and what it has shown. Clones are the same clock.
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

struct Shared {
    source: Source,
    shown: Mutex<Shown>,
}

/// Where a clock has its time from.
enum Source {
    System,
    /// A test.
    Manual(Mutex<Reading>),
}

/// What both clocks of a source show at a moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Milliseconds since 1970.
    wall: i64,
    monotonic: Duration,
}

struct Shown {
    /// The latest time it has shown, and the monotonic time at which it began to do so.
    latest: Reading,
    /// When it last jumped forward, in monotonic time, unless it has been resumed since.
    jumped: Option<Duration>,
}

impl Source {
    fn read(&self) -> Reading {
        match self {
            Source::System => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let wall = since.map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(LATEST)
                });
                Reading {
                    wall: wall.min(LATEST),
                    monotonic: BEGIN.elapsed(),
                }
            }
            Source::Manual(reading) => *reading.lock(),
        }
    }
}

impl Default for Clock {
    /// The system's clock.
    fn default() -> Self {
        Self::of(Source::System)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    fn of(source: Source) -> Self {
        let shown = Mutex::new(Shown::of(source.read()));
        Self(Arc::new(Shared { source, shown }))
    }

    /// A clock for tests, which stands still at this time unless it is moved.
    pub fn manual(at_ms: i64) -> Self {
        Self::of(Source::Manual(Mutex::new(Reading {
            wall: at_ms.clamp(0, LATEST),
            monotonic: Duration::ZERO,
        })))
    }

    /// Sets a clock for tests to another time. No time passes: if it is later by much, the clock has
    /// jumped.
    pub fn set(&self, ms: i64) {
        if let Source::Manual(reading) = &self.0.source {
            reading.lock().wall = ms.clamp(0, LATEST);
        }
        self.look();
    }

    /// Lets that much time pass on a clock for tests.
    pub fn advance(&self, ms: i64) {
        if let Source::Manual(reading) = &self.0.source {
            let mut reading = reading.lock();
            let ms = ms.max(0);
            reading.wall = reading.wall.saturating_add(ms).min(LATEST);
            reading.monotonic += Duration::from_millis(ms.unsigned_abs());
        }
        self.look();
    }

    /// The time in milliseconds since 1970, from 0 to `LATEST`.
    pub fn now(&self) -> i64 {
        self.look().0
    }

    /// Whether it has jumped forward, so that nothing may be erased.
    pub fn is_paused(&self) -> bool {
        self.look().1
    }

    /// Ends the pause: the time that it shows is right.
    pub fn resume(&self) {
        self.look();
        self.0.shown.lock().jumped = None;
        if let Source::System = self.0.source {
            SYSTEM.lock().jumped = None;
        }
    }

    /// Makes it show this time or a later one, which another process has shown before. If it is
    /// later by much, one of the two processes had a wrong time: that counts as a jump.
    pub(crate) fn at_least(&self, ms: i64) {
        let read = self.0.source.read();
        self.0.shown.lock().advance(Reading {
            wall: ms.min(LATEST),
            monotonic: read.monotonic,
        });
    }

    /// Looks at the source, and returns the time to show, and whether the clock is paused.
    fn look(&self) -> (i64, bool) {
        let look = |shown: &Mutex<Shown>| {
            let mut shown = shown.lock();
            // Read under the lock, so that no reading is older than the last one.
            let read = self.0.source.read();
            shown.advance(read);
            (shown.latest.wall, shown.is_paused(read.monotonic))
        };
        let (now, is_paused) = look(&self.0.shown);
        match self.0.source {
            Source::System => (now, look(&SYSTEM).1 || is_paused),
            Source::Manual(_) => (now, is_paused),
        }
    }
}

impl Shown {
    fn of(latest: Reading) -> Self {
        let jumped = None;
        Self { latest, jumped }
    }

    /// Shows this reading, if it is later than the latest.
    fn advance(&mut self, read: Reading) {
        // A clock that was set back and is right again has not jumped: what counts is the latest time
        // that it has shown.
        let ahead = read.wall - self.latest.wall;
        if ahead > 0 {
            let passed = read.monotonic.saturating_sub(self.latest.monotonic);
            let passed = i64::try_from(passed.as_millis()).unwrap_or(LATEST);
            if ahead.saturating_sub(passed) > JUMP {
                self.jumped = Some(read.monotonic);
            }
            self.latest = read;
        }
    }

    fn is_paused(&mut self, now: Duration) -> bool {
        if self
            .jumped
            .is_some_and(|at| now.saturating_sub(at) >= PAUSE)
        {
            self.jumped = None;
        }
        self.jumped.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000;
    const HOUR: i64 = 3600 * 1000;

    #[test]
    fn the_clock_of_the_system_shows_its_time_and_is_not_paused() {
        let clock = Clock::default();
        let (before, now) = (clock.now(), clock.now());
        assert!(NOW < before && before <= now && now < LATEST);
        assert!(!clock.is_paused());
        // Only a clock for tests is set.
        clock.set(0);
        clock.advance(HOUR);
        assert!((now..now + HOUR).contains(&clock.now()));
    }

    #[test]
    fn a_clock_never_shows_less_than_it_did() {
        let clock = Clock::manual(NOW);
        clock.advance(10);
        assert_eq!(clock.now(), NOW + 10);
        clock.set(NOW - HOUR);
        assert_eq!(clock.now(), NOW + 10);
        clock.advance(HOUR);
        assert_eq!(clock.now(), NOW + 10);
        clock.advance(11);
        assert_eq!(clock.now(), NOW + 11);
        clock.at_least(NOW + 20);
        assert_eq!(clock.clone().now(), NOW + 20);
        clock.at_least(NOW);
        assert_eq!(clock.now(), NOW + 20);
        assert!(!clock.is_paused());
    }

    #[test]
    fn a_clock_that_jumps_forward_by_more_than_a_day_is_paused_for_an_hour_after_the_last_jump() {
        let clock = Clock::manual(NOW);
        clock.set(NOW + JUMP);
        assert!(!clock.is_paused());
        clock.set(NOW + 2 * JUMP + 1);
        assert!(clock.is_paused());
        assert_eq!(clock.now(), NOW + 2 * JUMP + 1);
        clock.advance(HOUR - 1);
        assert!(clock.is_paused());
        clock.set(clock.now() + 2 * JUMP);
        clock.advance(HOUR - 1);
        assert!(clock.is_paused());
        clock.advance(1);
        assert!(!clock.is_paused());
    }

    #[test]
    fn a_paused_clock_is_resumed_and_paused_by_the_next_jump() {
        let clock = Clock::manual(NOW);
        clock.set(NOW + 2 * JUMP);
        clock.resume();
        assert!(!clock.is_paused());
        clock.set(NOW + 4 * JUMP);
        assert!(clock.is_paused());
    }

    #[test]
    fn time_that_passes_is_no_jump_nor_is_a_clock_that_was_set_back_and_is_right_again() {
        let clock = Clock::manual(NOW);
        clock.advance(30 * JUMP);
        assert!(!clock.is_paused());
        clock.set(NOW);
        clock.advance(2 * JUMP);
        clock.set(NOW + 32 * JUMP);
        assert!(!clock.is_paused());
        assert_eq!(clock.now(), NOW + 32 * JUMP);
        // A time that another process has shown is none either, if it is not later by much.
        clock.at_least(NOW + 33 * JUMP);
        assert!(!clock.is_paused());
        clock.set(NOW + 33 * JUMP + HOUR);
        assert!(!clock.is_paused());
        clock.at_least(NOW + 90 * JUMP);
        assert!(clock.is_paused());
        assert_eq!(clock.now(), NOW + 90 * JUMP);
    }

    #[test]
    fn impossible_times_are_the_nearest_possible_ones() {
        let clock = Clock::manual(-5);
        assert_eq!(clock.now(), 0);
        clock.set(i64::MAX);
        clock.advance(i64::MAX);
        assert_eq!(clock.now(), LATEST);
        clock.at_least(i64::MAX);
        clock.advance(-1);
        assert_eq!(clock.now(), LATEST);
    }
}
