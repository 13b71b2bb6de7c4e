//! A store of collections: opening it, checking it, rotating its keys, closing it.

use std::{
    collections::HashSet,
    ops::Deref,
    path::Path,
    sync::{Arc, OnceLock, Weak},
    time::{Duration, Instant},
};

use dashmap::{DashMap, Entry};
use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{
    expiry::Expiry,
    registry::{Opening, Taken},
    ticker::Ticker,
    undo::{Shelf, ShelfOnDisk},
};
use crate::{
    cancel,
    clock::Clock,
    collection::{
        Access, Collection, Config, DELETE_COLLECTION, Progress, Role, ScrubPosition, StoreParts,
    },
    error::{Error, Result, catch_panic},
    hexadecimal::hexadecimal,
    storage::{
        Condition, Files, Fsync, Health, Key, Keyring, Ledger, Lock, NAME, Pending, PendingFile,
        Reserve, Root, UnfinishedIn, UserKey,
    },
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A scrub waits this many times as long as the last portion took, and at least a second.
const REST: u32 = 20;

/// How long a call that waits for others may take to notice that it was cancelled.
const PATIENCE: Duration = Duration::from_millis(50);

/// Takes a lock that others may hold for long, unless the call is cancelled.
fn patiently<T>(mut take: impl FnMut() -> Option<T>) -> Result<T> {
    loop {
        cancel::check()?;
        if let Some(lock) = take() {
            return Ok(lock);
        }
    }
}

/// The collections of a store, by name. One that is being renamed has two entries: the one with the
/// name that it has itself is valid.
#[derive(Default)]
pub(super) struct Collections {
    by_name: DashMap<String, Arc<Collection>>,
    /// Those that were deleted for now, and have no entry.
    pub(super) shelf: Shelf,
    /// Held at the moment when a collection changes its name, and shared while all are listed.
    renaming: RwLock<()>,
}

impl Deref for Collections {
    type Target = DashMap<String, Arc<Collection>>;

    fn deref(&self) -> &Self::Target {
        &self.by_name
    }
}

impl Collections {
    /// The collection with this name.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Collection>> {
        let found = self.get(name)?.clone();
        found.is_named(name).then_some(found)
    }

    /// Each of the collections once, with the names that they have at one moment.
    pub(super) fn all(&self) -> Vec<(String, Arc<Collection>)> {
        let _renaming = self.renaming.read();
        let all = self.iter();
        let all = all.filter(|one| one.value().is_named(one.key()));
        all.map(|one| (one.key().clone(), one.value().clone()))
            .collect()
    }

    /// All collections and all bins: what is open of the store.
    pub(super) fn everything(&self) -> Vec<Arc<Collection>> {
        let mut everything = Vec::new();
        for (_, collection) in self.all() {
            let bin = collection.bin();
            everything.push(collection);
            everything.extend(bin);
        }
        everything.extend(self.shelf.bins());
        everything
    }

    /// Removes a collection, under whatever names it is here.
    pub(super) fn take_out(&self, name: &str, collection: &Arc<Collection>) {
        for name in [name, &collection.name()] {
            self.remove_if(name, |_, found| Arc::ptr_eq(found, collection));
        }
    }
}

/// A name that a collection is about to get. Dropping this gives it up, unless the collection has it.
pub(super) struct ReservedName<'a> {
    collections: &'a Collections,
    collection: &'a Arc<Collection>,
    name: &'a str,
    _changing: Option<MutexGuard<'a, ()>>,
}

impl<'a> ReservedName<'a> {
    /// Fails if another collection has the name.
    fn new(
        collections: &'a Collections,
        collection: &'a Arc<Collection>,
        name: &'a str,
        changing: Option<MutexGuard<'a, ()>>,
    ) -> Result<Self> {
        match collections.entry(name.to_owned()) {
            Entry::Occupied(_) => return Err(Error::CollectionExists(name.to_owned())),
            Entry::Vacant(entry) => drop(entry.insert(collection.clone())),
        }
        Ok(Self {
            collections,
            collection,
            name,
            _changing: changing,
        })
    }

    /// Calls `apply`, which gives the collection its name, and removes it under the old one.
    pub(super) fn put(self, old: &str, apply: &dyn Fn()) {
        let _renaming = self.collections.renaming.write();
        apply();
        let old_entry = |_: &String, found: &Arc<Collection>| Arc::ptr_eq(found, self.collection);
        self.collections.remove_if(old, old_entry);
    }
}

impl Drop for ReservedName<'_> {
    fn drop(&mut self) {
        self.collections.remove_if(self.name, |_, found| {
            Arc::ptr_eq(found, self.collection) && !found.is_named(self.name)
        });
    }
}

/// The collections of one store, by name. Dropping it closes the store in order: afterwards,
/// nothing of it is open, locked or running.
pub struct Store {
    pub(super) collections: Arc<Collections>,
    pub(super) expiry: Arc<Expiry>,
    /// The outcome of closing it.
    pub(super) closed: Arc<OnceLock<Result<()>>>,
    pub(super) disk: Option<Disk>,
    /// Held during a step over several collections: nobody else holds the locks of more than one.
    stepping: Mutex<()>,
    /// Held while vectors are moved, and shared by backups: what is moved while its collections are
    /// copied, one after the other, would be in both copies or in neither.
    moving: RwLock<()>,
}

/// The turn for a step over several collections. On disk, none is created, removed or renamed
/// meanwhile.
pub(super) struct Step<'a> {
    disk: Option<&'a Disk>,
    _changing: Option<MutexGuard<'a, ()>>,
    _stepping: MutexGuard<'a, ()>,
}

/// What only a store on disk has.
pub(super) struct Disk {
    /// Dropped before another store may be opened in the directory.
    pub(super) root: Root,
    pub(super) fsync: Fsync,
    pub(super) health: Arc<Health>,
    /// Where it is noted what is erased, if the store has one.
    pub(super) ledger: Option<Arc<Ledger>>,
    /// Held while a collection is created, removed or renamed, and during a step over several.
    changing: Arc<Mutex<()>>,
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
            stepping: Mutex::default(),
            moving: RwLock::default(),
        }
    }

    pub(super) fn open(files: &Files, path: &Path, opening: Opening, taken: Taken) -> Result<Self> {
        let fsync = opening.fsync.unwrap_or_default();
        let root = Root::open(files, path, opening.user)?;
        // If it is damaged, nothing is changed.
        let pending = root.pending()?;
        let health = Arc::new(Health::with(Reserve::new(files, path)));
        let ledger = Ledger::open(files, path, opening.ledger, &health)?;
        let mut store = Self::in_memory(opening.clock);
        store.disk = Some(Disk {
            root,
            fsync,
            health,
            ledger: ledger.map(Arc::new),
            changing: Arc::default(),
            rotating: Mutex::new(()),
            tickers: Vec::new(),
            _taken: taken,
        });
        if let Some(disk) = &store.disk {
            store.collections.shelf.is_of_disk(ShelfOnDisk {
                files: files.clone(),
                parts: disk.parts(&store.expiry),
                changing: disk.changing.clone(),
            });
        }
        store.open_collections(pending.as_ref())?;
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

    fn open_collections(&self, pending: Option<&Pending>) -> Result<()> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let mut all = Vec::new();
        let opened = self.open_all(disk, &mut all).and_then(|()| {
            if let Some(pending) = pending {
                complete_step(disk, &all, pending)?;
            }
            if let Some(ledger) = &disk.ledger {
                complete_ledger(ledger, &all)?;
            }
            Ok(())
        });
        let bins: Vec<_> = all.extract_if(.., |one| one.is_bin()).collect();
        let mut left = Vec::new();
        for bin in bins {
            match bin.bin_of().and_then(|owner| named(&all, owner)) {
                Some(owner) => owner.set_bin(bin),
                None => left.push(bin),
            }
        }
        let opened = opened.and_then(|()| {
            // By the times of the last writes to all of them, more may have expired.
            let mut everything = all.iter().flat_map(|one| [Some(one.clone()), one.bin()]);
            all.iter().try_for_each(|one| {
                one.take_back_undeleted()?;
                // The process may have ended while it was renamed.
                one.name_bin()
            })?;
            everything
                .by_ref()
                .flatten()
                .try_for_each(|one| one.erase_all_expired())
        });
        // From here on, what expires in them is erased. If something has failed, they are closed.
        let mut deleted = Vec::new();
        for collection in all {
            match collection.role() {
                Role::Deleted(how) => deleted.push((collection, how)),
                _ => drop(self.collections.insert(collection.name(), collection)),
            }
        }
        if opened.is_err() {
            let bins = deleted.iter().filter_map(|(one, _)| one.bin());
            let others = bins
                .chain(left)
                .chain(deleted.iter().map(|(one, _)| one.clone()));
            others.for_each(|one| drop(one.close()));
            return opened;
        }
        let shelf = &self.collections.shelf;
        for (collection, how) in deleted {
            shelf.add(&collection, how)?;
        }
        // The collection of such a bin was deleted, and the process ended before the bin was.
        for bin in left {
            shelf.erase_bin(&bin, DELETE_COLLECTION)?;
        }
        shelf.erase_due(&self.expiry.clock)?;
        if !shelf.is_empty() {
            self.expiry.begin();
        }
        Ok(())
    }

    fn open_all(&self, disk: &Disk, all: &mut Vec<Arc<Collection>>) -> Result<()> {
        let mut names = HashSet::new();
        for directory in disk.root.collections()? {
            let collection = disk.open(&directory, &self.expiry)?;
            let name = collection.name();
            if collection.role() == Role::Named && !names.insert(name.clone()) {
                collection.close()?;
                return Err(Error::Storage(format!(
                    "{} is a second collection with the name {name:?}: move one of them away",
                    directory.display()
                )));
            }
            all.push(collection);
        }
        Ok(())
    }

    /// Waits for the turn for a step over several collections. The caller may then hold the locks
    /// of more than one.
    pub(super) fn step(&self) -> Result<Step<'_>> {
        let stepping = patiently(|| self.stepping.try_lock_for(PATIENCE))?;
        let disk = self.disk.as_ref();
        let changing = disk.map(Disk::change).transpose()?;
        Ok(Step {
            disk,
            _changing: changing,
            _stepping: stepping,
        })
    }

    /// Waits until no backup of several collections is being made; none begins before the result is
    /// dropped. Taken before the turn for a step.
    pub(super) fn without_backups(&self) -> Result<RwLockWriteGuard<'_, ()>> {
        patiently(|| self.moving.try_write_for(PATIENCE))
    }

    /// Waits until nothing is being moved; nothing is before the result is dropped.
    pub(super) fn without_moves(&self) -> Result<RwLockReadGuard<'_, ()>> {
        patiently(|| self.moving.try_read_for(PATIENCE))
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
            let _changing = disk.change()?;
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
            self.everything()
        };
        each(&all, progress, |collection, progress| {
            collection.rotate_keys(progress)
        })?;
        let _changing = disk.change()?;
        // What was undeleted meanwhile was in neither list.
        let known = |one: &Arc<Collection>| all.iter().any(|other| Arc::ptr_eq(one, other));
        for collection in self.everything().iter().filter(|one| !known(one)) {
            collection.rotate_keys(&mut |_| ())?;
        }
        self.collections.shelf.with_all(
            |_| true,
            |waiting| {
                waiting
                    .iter()
                    .try_for_each(|one| one.rotate_keys(&mut |_| ()))
            },
        )?;
        disk.health.check()?;
        disk.check_place()?;
        let keyring = Keyring::from(keys.keyring().key);
        disk.root.exchange(keyring, user, &disk.health)
    }

    /// All collections and all bins.
    pub(super) fn everything(&self) -> Vec<Arc<Collection>> {
        self.collections.everything()
    }

    /// Reserves a name for a collection. On disk, none is created or removed until the name is given
    /// up or put.
    pub(super) fn reserve<'a>(
        &'a self,
        name: &'a str,
        collection: &'a Arc<Collection>,
    ) -> Result<ReservedName<'a>> {
        let disk = self.disk.as_ref();
        let changing = disk.map(Disk::change).transpose()?;
        if let Some(disk) = disk {
            disk.check_place()?;
        }
        ReservedName::new(&self.collections, collection, name, changing)
    }

    /// The directory now belongs to another store, so nothing may be written any more. Reads
    /// continue.
    pub(super) fn give_up(&self, error: Error) {
        if let Some(disk) = &self.disk {
            disk.health.fail(error);
        }
        let all = self.everything();
        for collection in &all {
            collection.stop_upkeep();
        }
        for collection in all {
            collection.leave_files();
        }
    }

    /// Stops all background work in the store, and all writing to its files.
    fn close(&mut self) -> Result<()> {
        let all = self.everything();
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
            if let Some(ledger) = &disk.ledger
                && !disk.health.is_failed()
            {
                outcome = outcome.and(ledger.flush());
            }
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

impl Step<'_> {
    /// On disk, the file for it.
    pub(super) fn file(&self) -> Option<PendingFile<'_>> {
        self.disk
            .map(|disk| PendingFile::new(&disk.root, &disk.health))
    }
}

impl Disk {
    /// Waits until no collection is being created, removed or renamed, and no step is in progress,
    /// unless the call is cancelled. None is before the result is dropped.
    pub(super) fn change(&self) -> Result<MutexGuard<'_, ()>> {
        patiently(|| self.changing.try_lock_for(PATIENCE))
    }

    /// What its collections have in common.
    fn parts(&self, expiry: &Arc<Expiry>) -> StoreParts {
        StoreParts {
            fsync: self.fsync,
            health: self.health.clone(),
            keys: self.root.keys().clone(),
            lock: Some(self.root.lock().clone()),
            timer: expiry.timer(),
            ledger: self.ledger.clone(),
        }
    }

    pub(super) fn create(&self, config: &Config, expiry: &Arc<Expiry>) -> Result<Arc<Collection>> {
        self.create_as(config, Role::Named, expiry)
    }

    fn create_as(
        &self,
        config: &Config,
        role: Role,
        expiry: &Arc<Expiry>,
    ) -> Result<Arc<Collection>> {
        self.health.check()?;
        let (files, parts) = (self.root.files(), self.parts(expiry));
        let (directory, collection) = self.root.add(&self.health, |directory| {
            Collection::create_as(config, role, files, directory, &parts)
        })?;
        collection.moved(&directory);
        Ok(collection)
    }

    /// Creates a bin of a collection.
    pub(super) fn create_bin(
        &self,
        collection: &Collection,
        expiry: &Arc<Expiry>,
    ) -> Result<Arc<Collection>> {
        let owner = collection.sealed_for().unwrap_or_default();
        let config = Collection::settings_of_bin(collection.name());
        self.create_as(&config, Role::BinOf(hexadecimal(owner)), expiry)
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
        let ledger = self.ledger.clone();
        let work = move || {
            sync(&collections, ledger.as_deref(), &lock, &health);
            SECOND
        };
        Ticker::start("vectorizer-sync", SECOND, work).map_err(|error| {
            Error::Storage(format!("there is no thread to sync the store: {error}"))
        })
    }
}

/// Completes a step over several of these collections that was interrupted, or does nothing if it had
/// not happened yet.
fn complete_step(disk: &Disk, all: &[Arc<Collection>], pending: &Pending) -> Result<()> {
    let is_met = |condition: Condition| {
        let collection = named(all, condition.name);
        collection.is_some_and(|collection| collection.has_put(condition.number))
    };
    if pending.condition.is_none_or(is_met) {
        for removal in &pending.removals {
            if let Some(collection) = named(all, removal.name) {
                collection.remove_numbered(&removal.numbers)?;
            }
        }
    }
    PendingFile::new(&disk.root, &disk.health).remove()
}

/// Writes down whether the erasures have happened of which that is not in the ledger. What was
/// interrupted in these collections is complete by now, and nothing in them has been erased since
/// because it has expired.
fn complete_ledger(ledger: &Ledger, all: &[Arc<Collection>]) -> Result<()> {
    let unfinished = ledger.unfinished()?;
    let is_empty = unfinished.is_empty();
    let is_gone = |part: &UnfinishedIn| match (named(all, part.id), &part.numbers) {
        (None, _) => true,
        (Some(collection), Some(numbers)) => !collection.has_any(numbers),
        (Some(_), None) => false,
    };
    for (begun, parts) in unfinished {
        match parts.iter().all(is_gone) {
            true => drop(ledger.end(begun, false)?),
            false => ledger.undo(begun),
        }
    }
    match is_empty {
        true => Ok(()),
        false => ledger.flush(),
    }
}

/// The collection with this random name.
fn named(all: &[Arc<Collection>], name: [u8; NAME]) -> Option<&Arc<Collection>> {
    all.iter().find(|one| one.sealed_for() == Some(name))
}

/// Syncs everything written so far. A failure is stored, and reported to every later write.
fn sync(collections: &Collections, ledger: Option<&Ledger>, lock: &Lock, health: &Health) {
    if let Err(error) = lock.check() {
        health.fail(error);
        return;
    }
    for collection in collections.everything() {
        let _ = collection.flush();
    }
    let _ = ledger.map(Ledger::flush);
}

/// Scrubs the collections one after the other, in no fixed order, a portion at each call. Those that
/// are created during a pass have their turn in the next. Returns how long to wait for the next call.
fn scrub_every_day(collections: Arc<Collections>) -> impl FnMut() -> Duration {
    let mut left: Vec<(Weak<Collection>, ScrubPosition)> = Vec::new();
    let mut first = Instant::now();
    move || {
        let begin = Instant::now();
        if left.is_empty() {
            let all = collections.everything().into_iter();
            let all = all.map(|one| (Arc::downgrade(&one), ScrubPosition::default()));
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
            description: None,
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
        collections.insert(old.name(), old.clone());
        scrub();

        collections.remove(&old.name());
        drop(old.drop_contents(Access::Wait, false).unwrap());
        old.leave_files();
        let kept = Arc::downgrade(&old);
        drop(old);
        assert!(kept.upgrade().is_none());
        let new = create(&root);
        collections.insert(new.name(), new.clone());
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
