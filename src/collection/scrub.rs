//! Reading what nobody has asked for: a collection on disk has the values and the texts of its
//! vectors in its log only, where damage would otherwise be found when it is too late for a backup
//! without it. The store's thread (`client/store.rs`) scrubs a portion at a time.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use time::OffsetDateTime;

use super::{Access, Collection, State};
use crate::{error::Result, storage::Stored, vectors::Text, wiped::Id};

/// How many bytes of values and texts are read at a time.
const PORTION: usize = 1 << 20;
/// Reading one takes as long as reading this many bytes.
const EACH: usize = 256;
/// The number of damaged vectors that are named.
const NAMED: usize = 100;

#[derive(Default)]
pub(super) struct Scrub {
    /// Held while a portion is read.
    reading: Mutex<()>,
    findings: Mutex<Findings>,
}

#[derive(Default)]
struct Findings {
    finished_at: Option<OffsetDateTime>,
    /// The vectors that could not be read: the number of each entry in the log, by slot.
    damaged: BTreeMap<u32, u64>,
    /// How many vectors have been moved to other slots.
    moves: u64,
}

/// Where a scrub goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScrubPosition {
    next: u32,
    /// Vectors moved since may be in slots that it has passed: it begins again.
    moves: u64,
}

/// What the scrub of a collection on disk has found since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// When it last reached the end of the collection.
    pub finished_at: Option<OffsetDateTime>,
    /// Live vectors whose values or texts cannot be read.
    pub damaged: usize,
    /// The ids of the first of them.
    pub damaged_ids: Vec<Id>,
}

impl Scrub {
    /// Records that the vector at `from` has moved to `to`. Nobody may read it at the same time.
    pub(super) fn moved(&self, from: u32, to: u32) {
        let mut findings = self.findings.lock();
        findings.moves += 1;
        if let Some(key) = findings.damaged.remove(&from) {
            findings.damaged.insert(to, key);
        }
    }

    /// What was found that has not been deleted or replaced, nor has expired, since.
    pub(super) fn report(&self, state: &State) -> Scrubbed {
        let mut findings = self.findings.lock();
        let is_alive = |slot| state.slots.alive().contains(slot);
        let record = |&slot: &u32| state.slots.record(slot).filter(|_| is_alive(slot));
        findings
            .damaged
            .retain(|slot, key| record(slot).is_some_and(|record| record.key == *key));
        let damaged = findings.damaged.keys();
        let named = damaged.filter_map(record).take(NAMED);
        Scrubbed {
            finished_at: findings.finished_at,
            damaged: findings.damaged.len(),
            damaged_ids: named.map(|record| record.id.clone()).collect(),
        }
    }
}

impl Collection {
    /// Reads and opens a portion of the values and texts, from `position` on, and moves it behind
    /// them. Returns true at the end of the collection. The collection's lock is taken anew for each
    /// vector.
    pub fn scrub(&self, position: &mut ScrubPosition) -> Result<bool> {
        let _one = self.scrub.reading.lock();
        let mut stored = Stored::default();
        let mut left = PORTION;
        while left > 0 {
            let state = self.read(Access::Wait)?;
            let Some(log) = state.journal.log().filter(|_| !self.upkeep.is_cancelled()) else {
                return Ok(true);
            };
            let moves = self.scrub.findings.lock().moves;
            if position.moves != moves {
                *position = ScrubPosition { next: 0, moves };
            }
            let slot = state.slots.alive().range(position.next..).next();
            let Some((slot, record)) =
                slot.and_then(|slot| Some((slot, state.slots.record(slot)?)))
            else {
                let finished_at = Some(OffsetDateTime::now_utc());
                self.scrub.findings.lock().finished_at = finished_at;
                return Ok(true);
            };
            let read = state.read_stored(Access::Wait, slot, record, &mut stored);
            if read.is_err() {
                // Another store may be in the place of this one, or no file can be opened now.
                self.check_place()?;
                log.file().hold()?;
            }
            let mut findings = self.scrub.findings.lock();
            match read {
                Ok(()) => findings.damaged.remove(&slot),
                Err(_) => findings.damaged.insert(slot, record.key),
            };
            drop(findings);
            position.next = slot + 1;
            let text = record.text.as_ref().map_or(0, Text::bytes);
            left = left.saturating_sub(EACH + 4 * state.vectors.dimension() + text);
        }
        Ok(false)
    }
}
