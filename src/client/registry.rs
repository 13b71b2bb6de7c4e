//! The stores that this process has open: those on disk by directory, those in memory by the name
//! that clients share them under.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Weak},
};

use dashmap::DashMap;
use parking_lot::{Condvar, Mutex};

use super::store::Store;
use crate::{
    clock::Clock,
    error::{Error, Result},
    storage::{self, Files, Fsync, UserKey},
};

/// The shared stores in memory that have at least one client.
static SHARED: LazyLock<DashMap<String, Weak<Store>>> = LazyLock::new(DashMap::new);

/// The stores on disk that this process has open, by directory.
static STORES: LazyLock<Mutex<HashMap<PathBuf, Arc<StoreDirectory>>>> =
    LazyLock::new(Mutex::default);

/// A directory and the store that is open in it.
#[derive(Default)]
struct StoreDirectory {
    state: Mutex<Occupied>,
    /// Notified when the store has been opened or is gone.
    changed: Condvar,
}

#[derive(Default)]
struct Occupied {
    /// True from before the store is opened until it is gone.
    taken: bool,
    store: Weak<Store>,
}

/// A directory that is taken until this is dropped.
pub(super) struct Taken(Arc<StoreDirectory>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.state.lock().taken = false;
        self.0.changed.notify_all();
    }
}

/// The store in memory with this name.
pub(super) fn shared(name: String, clock: Clock) -> Arc<Store> {
    SHARED.retain(|_, store| store.strong_count() > 0);
    let mut known = SHARED.entry(name).or_default();
    known.upgrade().unwrap_or_else(|| {
        let store = Arc::new(Store::in_memory(clock));
        *known = Arc::downgrade(&store);
        store
    })
}

/// How a store on disk is opened.
#[derive(Default)]
pub struct Opening {
    /// When its writes are synced, by default every second. A store that is open must have been
    /// opened with the same.
    pub fsync: Option<Fsync>,
    /// The key of an encrypted store.
    pub user: Option<UserKey>,
    /// The clock for what expires, unless the store is open.
    pub clock: Clock,
    /// Whether it keeps a ledger of erasures; one that has a ledger keeps it in any case. A store
    /// that is open must have one.
    pub ledger: bool,
}

/// Opens the store in a directory, or returns it if this process already has it open.
///
/// `user` is the key of an encrypted store.
pub fn open_on_disk(
    files: &Files,
    path: &Path,
    fsync: Option<Fsync>,
    user: Option<&UserKey>,
) -> Result<Arc<Store>> {
    let opening = Opening {
        fsync,
        user: user.cloned(),
        ..Opening::default()
    };
    open_with(files, path, opening)
}

/// The same with all that there is to choose.
pub fn open_with(files: &Files, path: &Path, opening: Opening) -> Result<Arc<Store>> {
    if path.is_file() {
        return Err(Error::Storage(format!(
            "{} is a file, and a store is a directory; a backup is made a store by restoreBackup",
            path.display()
        )));
    }
    loop {
        let path = storage::make(path)?;
        let place = StoreDirectory::of(&path);
        let Some(store) = place.take() else {
            let taken = Taken(place.clone());
            if !place.is_of(&path, &STORES.lock()) {
                continue;
            }
            let store = Arc::new(Store::open(files, &path, opening, taken)?);
            place.state.lock().store = Arc::downgrade(&store);
            place.changed.notify_all();
            return Ok(store);
        };
        let Some(disk) = &store.disk else {
            return Ok(store);
        };
        if let Err(error) = disk.root.lock().check() {
            // Nothing may write under these names any more when the next store is opened.
            store.give_up(error);
            let mut stores = STORES.lock();
            if place.is_of(&path, &stores) {
                stores.remove(&path);
            }
            continue;
        }
        disk.root.check_user(opening.user.as_ref())?;
        if let Some(fsync) = opening.fsync
            && disk.fsync != fsync
        {
            return Err(Error::Validation(format!(
                "options.fsync: this process has the store open with another value, {:?}; use \
                 the same, or leave it out",
                format!("{:?}", disk.fsync).to_lowercase()
            )));
        }
        if opening.ledger && disk.ledger.is_none() {
            return Err(Error::Validation(
                "options.ledger: this process has the store open without a ledger; open it with \
                 one first, or leave it out"
                    .into(),
            ));
        }
        return Ok(store);
    }
}

impl StoreDirectory {
    fn of(path: &Path) -> Arc<Self> {
        let mut stores = STORES.lock();
        // A directory that only this map holds has no store, and no thread is about to open one in
        // it.
        stores.retain(|_, place| Arc::strong_count(place) > 1);
        stores.entry(path.to_owned()).or_default().clone()
    }

    /// Whether this is still the entry for the directory; its store may have been given up.
    fn is_of(&self, path: &Path, stores: &HashMap<PathBuf, Arc<Self>>) -> bool {
        let now = stores.get(path);
        now.is_some_and(|place| std::ptr::eq(Arc::as_ptr(place), self))
    }

    /// Returns the store that is open here. If there is none, returns `None`, and the directory is
    /// taken by the caller. Waits while a store is being opened or closed.
    fn take(&self) -> Option<Arc<Store>> {
        let mut state = self.state.lock();
        while state.taken {
            if let Some(store) = state.store.upgrade() {
                return Some(store);
            }
            self.changed.wait(&mut state);
        }
        state.taken = true;
        None
    }
}
