//! A client: a handle on a store of collections.

mod backup;
mod expiry;
mod forget;
mod handle;
mod options;
mod registry;
mod settings;
mod store;
mod ticker;
mod transfer;
mod undo;

use std::{path::PathBuf, sync::Arc};

use dashmap::Entry;
use parking_lot::RwLock;
use tokio::sync::watch;

pub use backup::{Made, restore_backup};
pub use forget::{ForgetReceipt, Forgetting, Forgotten, ForgottenIn};
pub use options::{Encryption, Options, absolute};
pub use registry::{Opening, open_on_disk, open_with};
pub use settings::{ReindexOptions, Reindexing};
pub use store::Store;
pub use transfer::{Fate, Selection, Transfer, Transferred};
pub use undo::{DeletedCollection, DeletedList, Undeleted, Which};

use crate::{
    cancel,
    collection::{
        Access, Collection, Config, DELETE_COLLECTION, Dropped, Progress, Receipt, check_name,
    },
    error::{Error, Result},
    storage::{Fsync, LEDGER, Ledger, LedgerHead, UserKey},
};
use handle::{Ended, Handle, Using};
use store::Disk;

/// A handle on a store. Closing it ends this handle; the store is closed with its last handle.
pub struct Client {
    handle: RwLock<Handle>,
    /// The outcome of its use of the store, once that has ended. If the sender is gone and there is
    /// no value, the store was never open.
    ended: watch::Receiver<Ended>,
}

/// A call in progress. The client's `close` waits for it.
pub struct Call {
    using: Using,
}

impl Client {
    /// Never fails: an error is reported by the first call. A store on disk is opened in the
    /// background; a relative path is resolved against the current working directory.
    pub fn open(options: Options) -> Self {
        Self::with(|ended| Handle::open(options, ended).unwrap_or_else(Handle::Failed))
    }

    /// A client of a store that `open_on_disk` has opened for it.
    pub fn of(store: Arc<Store>) -> Self {
        Self::with(|ended| Handle::Open(Using::new(store, ended)))
    }

    fn with(handle: impl FnOnce(watch::Sender<Ended>) -> Handle) -> Self {
        let (sender, ended) = watch::channel(None);
        let handle = RwLock::new(handle(sender));
        Self { handle, ended }
    }

    /// Begins a call. Returns `WouldBlock` while the store is being opened; `begin_when_open`
    /// waits.
    pub fn begin(&self) -> Result<Call> {
        let opened = match &*self.handle.read() {
            Handle::Open(using) => {
                return Ok(Call {
                    using: using.clone(),
                });
            }
            Handle::Failed(error) => return Err(error.clone()),
            Handle::Closed => return Err(Error::ClientClosed),
            Handle::Opening(receiver) => receiver.borrow().clone().ok_or(Error::WouldBlock)?,
        };
        let mut handle = self.handle.write();
        if let Handle::Opening(_) = &*handle {
            *handle = match &opened {
                Ok(using) => Handle::Open(using.clone()),
                Err(error) => Handle::Failed(error.clone()),
            };
        }
        drop(handle);
        Ok(Call { using: opened? })
    }

    /// Begins a call once the store is open. The call is in progress from now on: a `close` that is
    /// called before the future runs waits for it.
    pub fn begin_when_open(&self) -> impl Future<Output = Result<Call>> + Send + use<> {
        let handle = self.handle.read().clone();
        async move {
            Ok(Call {
                using: handle.opened().await?,
            })
        }
    }

    /// Rejects new calls. The future completes when the calls in progress have ended and, if this
    /// was the store's last client, the store is closed. If it is called more than once, all
    /// callers wait for the same end.
    pub fn close(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let handle = std::mem::replace(&mut *self.handle.write(), Handle::Closed);
        drop(handle);
        let mut ended = self.ended.clone();
        async move {
            match ended.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
                // The store was never open.
                Err(_) => Ok(()),
            }
        }
    }
}

impl Call {
    pub fn collection(&self, name: &str) -> Result<Arc<Collection>> {
        if let Some(collection) = self.using.store.collections.named(name) {
            return Ok(collection);
        }
        check_name(name)?;
        Err(Error::CollectionNotFound(name.to_owned()))
    }

    pub fn create_collection(&self, config: Config) -> Result<Arc<Collection>> {
        config.check()?;
        let collections = &self.using.store.collections;
        let Some(disk) = &self.using.store.disk else {
            cancel::commit()?;
            return match collections.entry(config.name.clone()) {
                Entry::Occupied(_) => Err(Error::CollectionExists(config.name)),
                Entry::Vacant(entry) => {
                    let timer = self.using.store.expiry.timer();
                    Ok(entry.insert(Collection::timed(config, timer)).clone())
                }
            };
        };
        let _changing = disk.change()?;
        cancel::commit()?;
        if collections.contains_key(&config.name) {
            return Err(Error::CollectionExists(config.name));
        }
        disk.check_place()?;
        let collection = disk.create(&config, &self.using.store.expiry)?;
        collections.insert(config.name, collection.clone());
        Ok(collection)
    }

    /// All collections, sorted by name.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        let all = self.named_collections().into_iter();
        all.map(|(_, collection)| collection).collect()
    }

    /// The same with the names that they have at one moment.
    fn named_collections(&self) -> Vec<(String, Arc<Collection>)> {
        let mut all = self.using.store.collections.all();
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// Removes a collection with all its contents, and returns a receipt if requested. `reason` is for
    /// the receipt and the ledger.
    ///
    /// If the error concerns the collection's files, the collection is deleted nevertheless, and
    /// the rest of its files is removed the next time the store is opened.
    pub fn delete_collection(
        &self,
        access: Access,
        name: &str,
        receipt: bool,
        reason: Option<String>,
    ) -> Result<Option<Receipt>> {
        let drop = |collection: &Collection| {
            // In memory, it may have got another name since it was looked up.
            let dropped = collection.drop_named(name, access, receipt, reason.as_deref());
            dropped.map(Some)
        };
        let (_, receipt) = self.remove_collection(name, drop)?;
        Ok(receipt)
    }

    /// Removes a collection, unless `drop`, which drops its contents, leaves them. Returns whether it
    /// is removed, and the receipt if one was wanted.
    fn remove_collection(
        &self,
        name: &str,
        drop: impl FnOnce(&Collection) -> Result<Option<Dropped>>,
    ) -> Result<(bool, Option<Receipt>)> {
        let disk = self.using.store.disk.as_ref();
        let changing = disk.map(Disk::change).transpose()?;
        let collection = self.collection(name)?;
        if let Some(disk) = disk {
            disk.check_place()?;
        }
        let directory = collection.directory();
        let Some(dropped) = drop(&collection)? else {
            return Ok((false, None));
        };
        self.using.store.collections.take_out(name, &collection);
        if disk.is_some() {
            collection.leave_files();
        }
        dropped.leave_files();
        // If this fails, the next opening ends the erasure in the ledger.
        if let (Some(disk), Some(directory)) = (disk, directory) {
            disk.root.remove(&directory).map_err(|error| {
                Error::Storage(format!(
                    "collection '{name}' is deleted, but not all of its files could be \
                     overwritten and removed, which is tried again when the store is opened: \
                     {error}"
                ))
            })?;
        }
        if let Some(bin) = collection.bin() {
            self.using
                .store
                .collections
                .shelf
                .erase_bin(&bin, DELETE_COLLECTION)?;
        }
        // Dropping the contents takes time, so the lock is released first.
        std::mem::drop(changing);
        Ok((true, dropped.end(disk.is_some())?))
    }

    /// The ledger of the store: its file, and its end, which is on disk. `None` if it has none.
    pub fn ledger(&self) -> Result<Option<(PathBuf, LedgerHead)>> {
        let Some((disk, ledger)) = self.recorded() else {
            return Ok(None);
        };
        // Of a store that can no longer be written, the next opening may find less.
        if !disk.health.is_failed() {
            ledger.flush()?;
        }
        Ok(Some((disk.root.path().join(LEDGER), ledger.head())))
    }

    /// The store on disk and its ledger, if it has one.
    fn recorded(&self) -> Option<(&Disk, &Ledger)> {
        let disk = self.using.store.disk.as_ref()?;
        Some((disk, disk.ledger.as_deref()?))
    }

    /// Adds a signature, in base64, of an erasure's entry to the ledger. It is on disk when this
    /// returns.
    pub fn sign_entry(&self, entry: u64, signature: &str) -> Result<()> {
        let Some((disk, ledger)) = self.recorded() else {
            return Err(Error::Validation(
                "the store has no ledger: open it with a path and options.ledger".into(),
            ));
        };
        disk.health.check()?;
        disk.check_place()?;
        cancel::commit()?;
        ledger.sign(entry, signature)
    }

    /// Whether the store accepts writes; after a failed write it does not.
    pub fn check(&self) -> Result<()> {
        let disk = self.using.store.disk.as_ref();
        disk.map_or(Ok(()), |disk| disk.health.check())
    }

    /// Whether and how long a call may have to wait for a disk.
    pub fn fsync(&self) -> Option<Fsync> {
        self.using.store.disk.as_ref().map(|disk| disk.fsync)
    }

    /// Syncs everything that was acknowledged, so that it survives a power failure.
    pub fn flush(&self) -> Result<()> {
        if let Some(disk) = &self.using.store.disk {
            disk.check_place()?;
        }
        for collection in self.using.store.everything() {
            collection.flush()?;
        }
        self.recorded().map_or(Ok(()), |(_, ledger)| ledger.flush())
    }

    /// Whether nothing that has expired is erased, because the clock has jumped forward.
    pub fn expiry_paused(&self) -> bool {
        self.using.store.expiry.clock.is_paused()
    }

    /// Lets what has expired be erased again: the clock is right.
    pub fn resume_expiry(&self) {
        self.using.store.expiry.clock.resume();
    }

    /// Rotates the store's keys, and sets another user key if one is given. Copies of the previous
    /// keys open nothing that is written from here on.
    pub fn rotate_keys(
        &self,
        user: Option<UserKey>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        self.using.store.rotate_keys(user, progress)
    }
}
