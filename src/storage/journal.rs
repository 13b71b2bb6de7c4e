//! What a collection tells its files.
//!
//! Every write of a collection is one *commit*: the entries it removes and those it puts.
//! A collection on disk has a log, to which the commit goes first; only then is it made
//! in memory. Copies that are being made of the collection meanwhile, by a rewrite of the
//! log or a backup, *follow* it: what is deleted is erased from them as well.
//!
//! The bytes of what a commit removes are overwritten after the collection's lock is
//! given back, and before the call returns ([`Commit::finish`]).

use std::{
    fs, io,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{ArcRwLockReadGuard, Mutex, RawRwLock, RwLock};
use rayon::prelude::*;
use time::OffsetDateTime;

use super::{
    file::{File, failed},
    log::{Log, Place, Summary, Writer},
    record::{Head, Kind, Record, micros},
    sync::{Health, Syncer},
};
use crate::{error::Result, workers::workers};

/// From so many ranges on they are overwritten on all cores.
const MANY: usize = 1024;

pub struct Journal {
    log: Option<Log>,
    followers: Vec<Arc<Follower>>,
    sequence: u64,
    next_key: u64,
    /// Held by whoever overwrites bytes.
    erasing: Arc<RwLock<()>>,
}

/// A copy of the collection that is being made.
pub struct Follower {
    pub copy: Mutex<Copy>,
    /// Bytes that should be gone could not be overwritten: the copy is no good.
    pub failed: AtomicBool,
    /// The store it belongs to; none for a backup.
    health: Option<Arc<Health>>,
    /// The journal's.
    erasing: Arc<RwLock<()>>,
    /// The file stays open while it is written.
    _file: Arc<fs::File>,
}

pub struct Copy {
    pub writer: Writer,
    /// The keys of entries that were removed since it began, whether copied or not.
    pub dead: Vec<u64>,
}

/// A commit that was written, with what is left to do for it.
#[must_use]
pub struct Commit {
    pub sequence: u64,
    pub time: OffsetDateTime,
    /// Where the first entry's part is.
    begin: u64,
    sync: Option<(Arc<Syncer>, u64)>,
    erasures: Vec<Erasure>,
    _erasing: Option<ArcRwLockReadGuard<RawRwLock, ()>>,
    /// The log stays open until nothing is left to do.
    _log: Option<Arc<fs::File>>,
}

struct Erasure {
    file: Arc<File>,
    ranges: Vec<Range<u64>>,
    follower: Option<Arc<Follower>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            log: None,
            followers: Vec::new(),
            sequence: 0,
            next_key: 1,
            erasing: Arc::default(),
        }
    }
}

impl Journal {
    /// The journal of a collection on disk.
    pub fn new(log: Log, summary: &Summary) -> Self {
        Self {
            log: Some(log),
            sequence: summary.sequence,
            next_key: summary.next_key.max(1),
            ..Self::default()
        }
    }

    pub fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    pub fn log_mut(&mut self) -> Option<&mut Log> {
        self.log.as_mut()
    }

    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    pub fn next_key(&self) -> u64 {
        self.next_key
    }

    /// The key of a new entry.
    pub fn take_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key - 1
    }

    /// Writes a commit. When this fails nothing has happened, and the collection must not
    /// change. The entries' parts are in `data`.
    pub fn commit(&mut self, removed: Vec<u64>, entries: Vec<Head>, data: &[u8]) -> Result<Commit> {
        let time = OffsetDateTime::now_utc();
        let sequence = self.sequence + 1;
        let mut commit = Commit {
            sequence,
            time,
            begin: 0,
            sync: None,
            erasures: Vec::new(),
            _erasing: None,
            _log: None,
        };
        if let Some(log) = &mut self.log {
            log.sync().health().check()?;
            // Where it cannot be opened nothing was written yet.
            commit._log = Some(log.file().hold()?);
            let record = Record {
                kind: Kind::Commit,
                sequence,
                next_key: self.next_key,
                time: micros(time),
                removed,
                entries,
                data: data.len() as u64,
            };
            let (begin, written) = log.append(&record, data)?;
            commit.begin = begin;
            commit.sync = Some((log.sync().clone(), written));
            commit._erasing = Some(self.erasing.read_arc());
        }
        self.sequence = sequence;
        Ok(commit)
    }

    /// Notes that a committed entry, whose part is `part` bytes in a row with the others,
    /// is at `slot`.
    pub fn put(&mut self, commit: &mut Commit, slot: u32, part: u64) {
        if let Some(log) = &mut self.log {
            let place = Place {
                offset: commit.begin,
                len: part as u32,
            };
            commit.begin += part;
            log.writer().put(slot, place);
        }
    }

    /// Notes that what was at `slot` is removed, or about to be put again: its bytes are
    /// to be overwritten. `dead` is its key where it is removed.
    pub fn take(&mut self, commit: &mut Commit, slot: u32, dead: Option<u64>) {
        if let Some(log) = &mut self.log {
            let file = log.file().clone();
            commit.erase(file, None, log.writer().take(slot));
        }
        for follower in &self.followers {
            let mut copy = follower.copy.lock();
            // Also where there is no part to erase: that of an entry that was put again is
            // erased already, while the copy still names it.
            copy.dead.extend(dead);
            if let Some(place) = copy.writer.take(slot) {
                let file = copy.writer.file.clone();
                commit.erase(file, Some(follower), Some(place));
                commit
                    ._erasing
                    .get_or_insert_with(|| self.erasing.read_arc());
            }
        }
    }

    /// The vector at `from` is at `to` now.
    pub fn relocate(&mut self, from: u32, to: u32) {
        if let Some(log) = &mut self.log {
            log.writer().relocate(from, to);
        }
        for follower in &self.followers {
            follower.copy.lock().writer.relocate(from, to);
        }
    }

    pub fn truncate(&mut self, slots: usize) {
        if let Some(log) = &mut self.log {
            log.writer().truncate(slots);
        }
    }

    /// Lets a copy follow the collection from here on.
    pub fn follow(&mut self, writer: Writer, health: Option<Arc<Health>>) -> Result<Arc<Follower>> {
        let follower = Arc::new(Follower {
            _file: writer.file.hold()?,
            copy: Mutex::new(Copy {
                writer,
                dead: Vec::new(),
            }),
            failed: AtomicBool::new(false),
            health,
            erasing: self.erasing.clone(),
        });
        self.followers.push(follower.clone());
        Ok(follower)
    }

    pub fn followers(&self) -> impl Iterator<Item = &Arc<Follower>> {
        self.followers.iter()
    }

    pub fn unfollow(&mut self, follower: &Arc<Follower>) {
        self.followers.retain(|other| !Arc::ptr_eq(other, follower));
    }

    /// Waits until no bytes are being overwritten. The caller holds the collection's lock,
    /// so no more of it begins.
    pub fn wait_for_erasures(&self) {
        drop(self.erasing.write());
    }

    /// The collection is deleted. Closes its files for good: their directory is about to be
    /// removed. What backups hold of it that are not done is overwritten.
    pub fn leave(&self) {
        self.wait_for_erasures();
        for follower in &self.followers {
            follower.leave();
        }
        if let Some(log) = &self.log {
            log.leave();
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.log.as_ref().map_or(0, Log::memory_bytes)
    }
}

impl Follower {
    /// Where in a backup the copy is, if it is one.
    pub fn section(&self) -> Option<(Arc<File>, Range<u64>)> {
        let copy = self.copy.lock();
        let range = copy.writer.begin..copy.writer.end;
        self.health
            .is_none()
            .then(|| (copy.writer.file.clone(), range))
    }

    fn leave(&self) {
        let mut copy = self.copy.lock();
        if self.health.is_some() {
            copy.writer.file.leave();
            return;
        }
        // Whoever writes the backup is told by its next look at the collection. What cannot be
        // overwritten here is with the section.
        self.failed.store(true, Ordering::Release);
        let Writer {
            file, begin, end, ..
        } = &mut copy.writer;
        if file.erase(*begin, *end - *begin).is_ok() {
            *end = *begin;
        }
    }

    /// Lets `drop_section` take away what was copied of a collection that is gone.
    pub fn give_up(&self, drop_section: impl FnOnce() -> Result<()>) -> Result<()> {
        self.settle();
        let mut copy = self.copy.lock();
        // From here on the bytes are the next section's.
        copy.writer.end = copy.writer.begin;
        drop_section()
    }

    /// Waits until what was deleted while the copy followed is erased from it too. Called
    /// when it follows no more.
    pub fn settle(&self) {
        drop(self.erasing.write());
    }
}

impl Erasure {
    fn perform(&self) -> io::Result<()> {
        let erase = |ranges: &[Range<u64>]| {
            let mut ranges = ranges.iter();
            ranges.try_for_each(|range| self.file.try_erase(range.start, range.end - range.start))
        };
        let pool = match self.ranges.len() {
            MANY.. => workers(),
            _ => None,
        };
        match pool {
            Some(pool) => pool.install(|| self.ranges.par_chunks(MANY / 4).try_for_each(erase)),
            None => erase(&self.ranges),
        }
    }
}

impl Commit {
    fn erase(&mut self, file: Arc<File>, follower: Option<&Arc<Follower>>, place: Option<Place>) {
        let Some(range) = place.map(|place| place.range()) else {
            return;
        };
        let known = self
            .erasures
            .iter_mut()
            .find(|erasure| Arc::ptr_eq(&erasure.file, &file));
        match known {
            // What was inserted together is mostly deleted together.
            Some(erasure) => match erasure.ranges.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => erasure.ranges.push(range),
            },
            None => self.erasures.push(Erasure {
                file,
                ranges: vec![range],
                follower: follower.cloned(),
            }),
        }
    }

    /// Does what is left to do, without the collection's lock: makes the commit as safe as
    /// was promised, and overwrites what it removed. Returns when nothing of it is in any
    /// file.
    pub fn finish(self) -> Result<()> {
        if let Some((sync, written)) = &self.sync {
            // First the record: it completes an erasure that is cut short.
            sync.settle(*written)?;
        }
        let mut outcome = Ok(());
        // One file's failure is no reason to leave the others as they are.
        for erasure in &self.erasures {
            // Some file systems write elsewhere what is written over something.
            let erased = match &self.sync {
                Some((sync, _)) => sync.health().making_room(|| erasure.perform()),
                None => erasure.perform(),
            };
            let Err(error) = erased else {
                continue;
            };
            if erasure.file.is_gone() {
                // It was wiped as a whole.
                continue;
            }
            let error = failed("write to", &erasure.file.path(), &error);
            if let Some(follower) = &erasure.follower {
                follower.failed.store(true, Ordering::Release);
            }
            let health = match &erasure.follower {
                Some(follower) => follower.health.as_ref(),
                None => self.sync.as_ref().map(|(sync, _)| sync.health()),
            };
            // Where there is none, a backup fails; the store is as it should be.
            if let Some(health) = health {
                outcome = outcome.and(Err(health.fail(error)));
            }
        }
        outcome?;
        if let Some((sync, _)) = &self.sync
            && !self.erasures.is_empty()
        {
            sync.settle(sync.erased())?;
        }
        Ok(())
    }
}
