//! A store of collections: opening it, checking it, rotating its keys, closing it.

use std::{
    path::Path,
    sync::{Arc, OnceLock, Weak},
    time::{Duration, Instant},
};

use dashmap::DashMap;
use parking_lot::Mutex;

use super::{expiry::Expiry, registry::Taken, ticker::Ticker};
use crate::{
    cancel,
    clock::Clock,
    collection::{Access, Collection, Config, Progress, ScrubPosition, StoreParts},
    error::{Error, Result, catch_panic},
    storage::{Files, Fsync, Health, Key, Keyring, Lock, Reserve, Root, UserKey},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A scrub waits this many times as long as the last portion took, and at least a second.
const REST: u32 = 20;

pub(super) type Collections = DashMap<String, Arc<Collection>>;

/// The collections of one store, by name. Dropping it closes the store in order: afterwards,
/// nothing of it is open, locked or running.
pub struct Store {
    pub(super) collections: Arc<Collections>,
    pub(super) expiry: Arc<Expiry>,
    /// The outcome of closing it.
    pub(super) closed: Arc<OnceLock<Result<()>>>,
    pub(super) disk: Option<Disk>,
}

/// What only a store on disk has.
pub(super) struct Disk {
    /// Dropped before another store may be opened in the directory.
    pub(super) root: Root,
    pub(super) fsync: Fsync,
    pub(super) health: Arc<Health>,
    /// Held while a collection is created or removed.
    pub(super) changing: Mutex<()>,
    /// Held while keys are rotated.
    rotating: Mutex<()>,
    /// The threads that sync the store and scrub it.
    tickers: Vec<Ticker>,
    _taken: Taken,
}

impl Store {
    pub(super) fn in_memory(clock: Clock) -> Self {
        let collections: Arc<Collections> = Arc::default();
        Self {
            expiry: Expiry::new(clock, collections.clone()),
            collections,
            closed: Arc::default(),
            disk: None,
        }
    }

    pub(super) fn open(
        files: &Files,
        path: &Path,
        fsync: Fsync,
        user: Option<&UserKey>,
        (taken, clock): (Taken, Clock),
    ) -> Result<Self> {
        let root = Root::open(files, path, user.cloned())?;
        let mut store = Self::in_memory(clock);
        store.disk = Some(Disk {
            root,
            fsync,
            health: Arc::new(Health::with(Reserve::new(files, path))),
            changing: Mutex::new(()),
            rotating: Mutex::new(()),
            tickers: Vec::new(),
            _taken: taken,
        });
        store.open_collections()?;
        if let Some(disk) = &store.disk
            && disk.root.keys().keyring().previous.is_some()
        {
            // A rotation was interrupted. If it cannot be completed now, the next opening tries
            // again.
            let _ = store.rotate_keys(None, &mut |_| ());
        }
        let collections = &store.collections;
        if let Some(disk) = &mut store.disk {
            if fsync == Fsync::Everysec {
                let ticker = disk.sync_every_second(collections.clone())?;
                disk.tickers.push(ticker);
            }
            // Without a thread for it, reads find damage as well.
            let scrub = scrub_every_day(collections.clone());
            disk.tickers
                .extend(Ticker::start("vectorizer-scrub", SECOND, scrub));
        }
        Ok(store)
    }

    fn open_collections(&self) -> Result<()> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        for directory in disk.root.collections()? {
            let collection = disk.open(&directory, &self.expiry)?;
            let name = collection.name().to_owned();
            let second = self.collections.insert(name.clone(), collection);
            if let Some(first) = second {
                first.close()?;
                return Err(Error::Storage(format!(
                    "{} is a second collection with the name {name:?}: move one of them away",
                    directory.display()
                )));
            }
        }
        // By the times of the last writes to all of them, more may have expired.
        let mut all = self.all().into_iter();
        all.try_for_each(|collection| collection.erase_all_expired())
    }

    /// The store on disk, for operations that need its keys.
    pub(super) fn with_keys(&self) -> Result<&Disk> {
        self.disk.as_ref().ok_or_else(|| {
            Error::Validation("a store in memory has no keys: open one with a path".into())
        })
    }

    /// Rotates the keys of the store and of every collection's key table. `user` is the key that
    /// opens the store from here on, if it is to change.
    pub(super) fn rotate_keys(
        &self,
        user: Option<UserKey>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let disk = self.with_keys()?;
        let _one = disk.rotating.lock();
        let keys = disk.root.keys();
        let user = user.or_else(|| keys.user());
        let all = {
            let _changing = disk.changing.lock();
            disk.health.check()?;
            disk.check_place()?;
            let mut keyring = keys.keyring();
            // An interrupted rotation is continued: some tables are still under the previous key.
            if keyring.previous.is_none() {
                let last = std::mem::replace(&mut keyring.key, Key::random()?);
                keyring.previous = Some(last);
            }
            cancel::commit()?;
            disk.root.exchange(keyring, user.clone(), &disk.health)?;
            self.all()
        };
        each(&all, progress, |collection, progress| {
            collection.rotate_keys(progress)
        })?;
        let _changing = disk.changing.lock();
        disk.health.check()?;
        disk.check_place()?;
        let keyring = Keyring::from(keys.keyring().key);
        disk.root.exchange(keyring, user, &disk.health)
    }

    pub(super) fn all(&self) -> Vec<Arc<Collection>> {
        let all = self.collections.iter();
        all.map(|entry| entry.value().clone()).collect()
    }

    /// The directory now belongs to another store, so nothing may be written any more. Reads
    /// continue.
    pub(super) fn give_up(&self, error: Error) {
        if let Some(disk) = &self.disk {
            disk.health.fail(error);
        }
        let all = self.all();
        for collection in &all {
            collection.stop_upkeep();
        }
        for collection in all {
            collection.leave_files();
        }
    }

    /// Stops all background work in the store, and all writing to its files.
    fn close(&mut self) -> Result<()> {
        let all = self.all();
        self.collections.clear();
        for collection in &all {
            collection.stop_upkeep();
        }
        self.expiry.stop();
        if let Some(disk) = &mut self.disk {
            disk.tickers.drain(..).for_each(Ticker::stop);
        }
        let disk = self.disk.as_ref();
        // After a failure, every writer has already received the error.
        let in_place = match disk {
            Some(disk) if !disk.health.is_failed() => disk.root.lock().check(),
            _ => Ok(()),
        };
        let mut outcome = Ok(());
        for collection in all {
            let closed = catch_panic(|| collection.close());
            outcome = outcome.and(closed);
        }
        if let Some(disk) = disk {
            disk.health.close();
        }
        outcome.and(in_place)
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::in_memory(Clock::default())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let closed = self.close();
        let _ = self.closed.set(closed);
    }
}

impl Disk {
    /// What its collections have in common.
    fn parts(&self, expiry: &Arc<Expiry>) -> StoreParts {
        StoreParts {
            fsync: self.fsync,
            health: self.health.clone(),
            keys: self.root.keys().clone(),
            lock: Some(self.root.lock().clone()),
            timer: expiry.timer(),
        }
    }

    pub(super) fn create(&self, config: &Config, expiry: &Arc<Expiry>) -> Result<Arc<Collection>> {
        self.health.check()?;
        let (files, parts) = (self.root.files(), self.parts(expiry));
        let (directory, collection) = self.root.add(&self.health, |directory| {
            Collection::create(config, files, directory, &parts)
        })?;
        collection.moved(&directory);
        Ok(collection)
    }

    fn open(&self, directory: &Path, expiry: &Arc<Expiry>) -> Result<Arc<Collection>> {
        Collection::open(self.root.files(), directory, &self.parts(expiry))
    }

    /// Fails if the directory no longer belongs to the store; nothing is written from then on.
    pub(super) fn check_place(&self) -> Result<()> {
        let checked = self.root.lock().check();
        checked.map_err(|error| self.health.fail(error))
    }

    fn sync_every_second(&self, collections: Arc<Collections>) -> Result<Ticker> {
        let (lock, health) = (self.root.lock().clone(), self.health.clone());
        let work = move || {
            sync(&collections, &lock, &health);
            SECOND
        };
        Ticker::start("vectorizer-sync", SECOND, work).map_err(|error| {
            Error::Storage(format!("there is no thread to sync the store: {error}"))
        })
    }
}

/// Syncs everything written so far. A failure is stored, and reported to every later write.
fn sync(collections: &Collections, lock: &Lock, health: &Health) {
    if let Err(error) = lock.check() {
        health.fail(error);
        return;
    }
    let all: Vec<_> = collections.iter().map(|one| one.value().clone()).collect();
    for collection in all {
        let _ = collection.flush();
    }
}

/// Scrubs the collections one after the other, in no fixed order, a portion at each call. Those that
/// are created during a pass have their turn in the next. Returns how long to wait for the next call.
fn scrub_every_day(collections: Arc<Collections>) -> impl FnMut() -> Duration {
    let mut left: Vec<(Weak<Collection>, ScrubPosition)> = Vec::new();
    let mut first = Instant::now();
    move || {
        let begin = Instant::now();
        if left.is_empty() {
            let all = collections.iter();
            let all = all.map(|one| (Arc::downgrade(one.value()), ScrubPosition::default()));
            left = all.collect();
            first = begin;
        }
        // A store without collections may get some at any time.
        let Some((collection, position)) = left.last_mut() else {
            return SECOND;
        };
        // A collection that cannot be read now has its turn again on the next day.
        let scrubbed = catch_panic(|| {
            let collection = collection.upgrade();
            collection.map_or(Ok(true), |collection| collection.scrub(position))
        });
        if scrubbed.unwrap_or(true) {
            left.pop();
        }
        let pause = SECOND.max(begin.elapsed() * REST);
        match left.is_empty() {
            true => pause.max(DAY.saturating_sub(first.elapsed())),
            false => pause,
        }
    }
}

/// Applies `act` to each of the collections, skipping those that are deleted in the meantime, and
/// reports the progress of the whole. Returns the final total.
pub(super) fn each(
    all: &[Arc<Collection>],
    progress: &mut dyn FnMut(Progress),
    mut act: impl FnMut(&Collection, &mut dyn FnMut(Progress)) -> Result<()>,
) -> Result<u64> {
    let counts = all.iter().map(|c| c.count(Access::Wait, None).unwrap_or(0));
    let counts: Vec<u64> = counts.map(|count| count as u64).collect();
    let mut total: u64 = counts.iter().sum();
    let mut before = 0;
    for (collection, expected) in all.iter().zip(counts) {
        let mut last = 0;
        let done = act(collection, &mut |part| {
            last = part.total;
            progress(Progress {
                done: before + part.done,
                total: total + part.total - expected,
            });
        });
        match done {
            // It has been deleted since the list was taken.
            Err(Error::CollectionNotFound(_)) => last = 0,
            done => done?,
        }
        before += last;
        total = total + last - expected;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{collection::Batch, graph::HnswParams, vectors::Metric};

    /// Creates a collection whose texts take three portions to scrub.
    fn create(root: &Root) -> Arc<Collection> {
        const COUNT: usize = 9;
        let config = Config {
            name: "scrubbed".into(),
            dimension: 2,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
        };
        let health: Arc<Health> = Arc::default();
        let parts = StoreParts::new(Fsync::No, health.clone(), root.keys().clone());
        let (directory, collection) = root
            .add(&health, |directory| {
                Collection::create(&config, root.files(), directory, &parts)
            })
            .unwrap();
        collection.moved(&directory);
        let batch = Batch {
            ids: vec![None; COUNT],
            lengths: vec![2],
            data: (0..2 * COUNT).map(|i| i as f32).collect(),
            texts: vec![Some("x".repeat(400_000).into()); COUNT],
            ..Batch::default()
        };
        let mut prepared = collection.prepare(batch).unwrap();
        collection.insert(Access::Wait, &mut prepared).unwrap();
        collection
    }

    #[test]
    fn a_collection_made_anew_during_a_pass_is_scrubbed_from_its_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::open(&Files::default(), directory.path(), None).unwrap();
        let collections: Arc<Collections> = Arc::default();
        let mut scrub = scrub_every_day(collections.clone());
        let old = create(&root);
        collections.insert(old.name().to_owned(), old.clone());
        scrub();

        collections.remove(old.name());
        drop(old.drop_contents(Access::Wait, false).unwrap());
        old.leave_files();
        let kept = Arc::downgrade(&old);
        drop(old);
        assert!(kept.upgrade().is_none());
        let new = create(&root);
        collections.insert(new.name().to_owned(), new.clone());
        let found = || new.info(Access::Wait).unwrap().scrub.unwrap();
        // The first call notices that the old one is gone, the last one the end of the new one.
        for _ in 0..4 {
            scrub();
            assert_eq!(found().finished_at, None);
        }
        scrub();
        assert!(found().finished_at.is_some());
        new.close().unwrap();
    }
}
