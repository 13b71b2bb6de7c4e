//! How a collection's writes reach its files.
//!
//! Every write to a collection is one *commit*: the entries it removes and those it puts. A
//! collection on disk has a write-ahead log: the commit is appended to it before it is applied in
//! memory. If a copy of the collection is being made at the same time, by a rewrite of the log or a
//! backup, it is notified of removed entries.
//!
//! The keys of removed entries are destroyed before the call returns: if there are many, in
//! parallel with the work in memory ([`Commit::begin`]), and otherwise after the collection's lock
//! has been released ([`Commit::finish`]).

use std::{fs, io, mem, ops::Range, sync::Arc};

use parking_lot::{ArcRwLockReadGuard, Mutex, RawRwLock, RwLock};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{
    file::{File, failed},
    keys,
    log::{EntryLocation, KeySink, Log, Summary, Writer},
    record::{Head, Kind, Lengths, Record, micros},
    seal::{KEY, Sealed},
    sync::Syncer,
};
use crate::{error::Result, workers::spawn_joinable};

/// From this many non-adjacent keys on, they are destroyed by another thread: that costs a hundred
/// times as much as waking the thread.
const MANY: usize = 256;

pub struct Journal {
    log: Option<Log>,
    copy_targets: Vec<Arc<CopyTarget>>,
    sequence: u64,
    next_key: u64,
    /// The collection's TTL in seconds; 0 for none. Every commit has it.
    ttl: u32,
    /// The time of the last commit, in microseconds since 1970: the latest, if the clock was set
    /// back.
    time: i64,
    /// Held while keys are being destroyed.
    erasing: Arc<RwLock<()>>,
}

/// A copy of the collection that is being made.
pub struct CopyTarget {
    pub copy: Mutex<Copy>,
    /// Keeps the files open while they are written.
    _files: Vec<Arc<fs::File>>,
}

pub struct Copy {
    pub writer: Writer,
    /// The numbers of entries removed since the copy began, whether or not they had been copied.
    pub dead: Vec<u64>,
}

/// A commit that has been written, with the work that remains.
#[must_use]
pub struct Commit {
    pub sequence: u64,
    pub time: OffsetDateTime,
    /// The location of its next entry.
    next: EntryLocation,
    /// The keys of its entries, and how many of them have been put.
    keys: Zeroizing<Vec<u8>>,
    count: usize,
    sync: Option<(Arc<Syncer>, u64)>,
    /// Whether it is synced before any key is destroyed, and again when it is finished, whatever
    /// the callers of the store were promised.
    pub is_synced: bool,
    erasures: Vec<Erasure>,
    /// Functions that wait for key destruction that has already begun.
    begun: Vec<Box<dyn FnOnce() -> Result<()> + Send>>,
    _erasing: Option<ArcRwLockReadGuard<RawRwLock, ()>>,
    /// Keeps the log's files open until no work remains.
    _files: Vec<Arc<fs::File>>,
}

/// The keys to destroy in one file.
struct Erasure {
    file: Arc<File>,
    key_indices: Vec<Range<u32>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            log: None,
            copy_targets: Vec::new(),
            sequence: 0,
            next_key: 1,
            ttl: 0,
            time: 0,
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
            ttl: summary.ttl,
            time: summary.time,
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

    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    pub fn time(&self) -> i64 {
        self.time
    }

    /// The key number of a new entry.
    pub fn take_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key - 1
    }

    /// Writes a commit. If this fails, nothing has happened, and the collection must not change.
    /// The entries' parts are in `sealed`.
    pub fn commit(
        &mut self,
        removed: Vec<u64>,
        entries: Vec<Head>,
        sealed: &Sealed,
    ) -> Result<Commit> {
        let time = OffsetDateTime::now_utc();
        let sequence = self.sequence + 1;
        let mut commit = Commit {
            sequence,
            time,
            next: EntryLocation::default(),
            keys: Zeroizing::default(),
            count: 0,
            sync: None,
            is_synced: false,
            erasures: Vec::new(),
            begun: Vec::new(),
            _erasing: None,
            _files: Vec::new(),
        };
        if let Some(log) = &mut self.log {
            log.sync().health().check()?;
            // If they cannot be opened, nothing has been written yet.
            commit._files = log.writer().hold()?;
            let record = Record {
                kind: Kind::Commit,
                ttl: self.ttl,
                sequence,
                next_key: self.next_key,
                time: micros(time),
                removed,
                entries,
                data: sealed.size() as u64,
            };
            let (first, written) = log.append(&record, sealed)?;
            commit.next = first;
            commit.keys = Zeroizing::new(sealed.keys().to_vec());
            commit.sync = Some((log.sync().clone(), written));
            commit._erasing = Some(self.erasing.read_arc());
        }
        self.sequence = sequence;
        self.time = self.time.max(micros(time));
        Ok(commit)
    }

    /// Writes a commit that changes nothing but the TTL. If this fails, nothing has happened.
    pub fn commit_ttl(&mut self, ttl: u32) -> Result<Commit> {
        let before = mem::replace(&mut self.ttl, ttl);
        let committed = self.commit(Vec::new(), Vec::new(), &Sealed::default());
        if committed.is_err() {
            self.ttl = before;
        }
        committed
    }

    /// Records that the commit's next entry, whose parts have these lengths, is at `slot`.
    pub fn put(&mut self, commit: &mut Commit, slot: u32, lengths: Lengths) {
        if let Some(log) = &mut self.log {
            let key = commit.keys.chunks_exact(KEY).nth(commit.count);
            let place = commit.next.advance(lengths);
            log.put(slot, place, key.unwrap_or(&[0; KEY]));
            commit.count += 1;
        }
    }

    /// Records that the entry at `slot` is removed, or about to be replaced: its key must be
    /// destroyed. `dead` is its number if it is removed.
    pub fn take(&mut self, commit: &mut Commit, slot: u32, dead: Option<u64>) {
        if let Some(log) = &mut self.log {
            commit.take(log.writer(), slot);
            log.erase_key(slot);
        }
        for target in &self.copy_targets {
            let mut copy = target.copy.lock();
            // Even if it was not copied: the key of a replaced entry is gone already, while the
            // copy still lists the entry.
            copy.dead.extend(dead);
            commit.take(&mut copy.writer, slot);
        }
    }

    /// Records that the vector at `from` has moved to `to`.
    pub fn relocate(&mut self, from: u32, to: u32) {
        if let Some(log) = &mut self.log {
            log.relocate(from, to);
        }
        for target in &self.copy_targets {
            target.copy.lock().writer.relocate(from, to);
        }
    }

    pub fn truncate(&mut self, slots: usize) {
        if let Some(log) = &mut self.log {
            log.truncate(slots);
        }
    }

    /// Attaches a copy: from now on it is notified of the collection's changes.
    pub fn attach(&mut self, writer: Writer) -> Result<Arc<CopyTarget>> {
        let target = Arc::new(CopyTarget {
            _files: writer.hold()?,
            copy: Mutex::new(Copy {
                writer,
                dead: Vec::new(),
            }),
        });
        self.copy_targets.push(target.clone());
        Ok(target)
    }

    pub fn copy_targets(&self) -> impl Iterator<Item = &Arc<CopyTarget>> {
        self.copy_targets.iter()
    }

    pub fn detach(&mut self, target: &Arc<CopyTarget>) {
        self.copy_targets
            .retain(|other| !Arc::ptr_eq(other, target));
    }

    /// Waits until no keys are being destroyed. The caller holds the collection's lock, so no new
    /// destruction begins.
    pub fn wait_for_erasures(&self) {
        drop(self.erasing.write());
    }

    /// Runs `act` while no keys are being destroyed. The caller holds the collection's lock.
    pub fn without_erasures<T>(&self, act: impl FnOnce() -> T) -> T {
        let _none = self.erasing.write();
        act()
    }

    /// Closes the files of a deleted collection for good: their directory is about to be removed.
    pub fn close_for_good(&self) {
        self.wait_for_erasures();
        for target in &self.copy_targets {
            let copy = target.copy.lock();
            if let KeySink::Table(_) = copy.writer.key_sink {
                copy.writer.close_for_good();
            }
        }
        if let Some(log) = &self.log {
            log.close_for_good();
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.log.as_ref().map_or(0, Log::memory_bytes)
    }
}

impl Commit {
    /// Schedules the destruction of the key of a writer's entry at `slot`.
    fn take(&mut self, writer: &mut Writer, slot: u32) {
        let Some(place) = writer.take(slot) else {
            return;
        };
        // If there is no table, the key is gone already.
        for file in writer.key_files() {
            let key_indices = place.key_index..place.key_index + 1;
            let known = self.erasures.iter_mut();
            match known.rev().find(|erasure| Arc::ptr_eq(&erasure.file, file)) {
                // Entries inserted together are mostly deleted together.
                Some(erasure) => match erasure.key_indices.last_mut() {
                    Some(last) if last.end == key_indices.start => last.end = key_indices.end,
                    _ => erasure.key_indices.push(key_indices),
                },
                None => self.erasures.push(Erasure {
                    file: file.clone(),
                    key_indices: vec![key_indices],
                }),
            }
        }
    }

    /// Begins to destroy the keys of the entries removed so far, if there are many. The caller may
    /// continue, and must then finish the commit.
    pub fn begin(&mut self) {
        let erasures = self.erasures.iter();
        let ranges = erasures.map(|erasure| erasure.key_indices.len());
        if let Some((sync, written)) = &self.sync
            && ranges.sum::<usize>() >= MANY
        {
            let erasures = mem::take(&mut self.erasures);
            let (sync, written, is_synced) = (sync.clone(), *written, self.is_synced);
            let destroyed = spawn_joinable(move || destroy(&sync, written, is_synced, &erasures));
            self.begun.push(Box::new(destroyed));
        }
    }

    /// Does the remaining work, without the collection's lock: makes the commit as durable as
    /// promised, and destroys the keys of the entries it removed. When it returns, none of these
    /// keys is in any file.
    pub fn finish(self) -> Result<()> {
        let Some((sync, written)) = &self.sync else {
            return Ok(());
        };
        let mut outcome = destroy(sync, *written, self.is_synced, &self.erasures);
        for end in self.begun {
            outcome = outcome.and(end());
        }
        outcome
    }
}

/// Makes what was written as durable as promised, or durable if it `is_synced`, and destroys these
/// keys.
fn destroy(sync: &Syncer, written: u64, is_synced: bool, erasures: &[Erasure]) -> Result<()> {
    let wait = |written| match is_synced {
        true => sync.make_durable(written),
        false => sync.wait_durable(written),
    };
    // The record first: if the destruction is interrupted, recovery completes it from the record.
    wait(written)?;
    let mut outcome = Ok(());
    // A failure in one file must not prevent the destruction in the others.
    for erasure in erasures {
        // Copy-on-write file systems need free space even to overwrite.
        let destroyed: io::Result<()> = erasure.key_indices.iter().try_for_each(|key_indices| {
            let destroy = || keys::destroy(&erasure.file, key_indices);
            sync.health().with_reserve(destroy)
        });
        // If the file is gone, it was wiped as a whole.
        if let Err(error) = destroyed
            && !erasure.file.is_closed_for_good()
        {
            let error = failed("write to", &erasure.file.path(), &error);
            outcome = outcome.and(Err(sync.health().fail(error)));
        }
    }
    outcome?;
    if !erasures.is_empty() {
        wait(sync.erased())?;
    }
    Ok(())
}
