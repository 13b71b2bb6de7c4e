//! A client: a handle on a store of collections.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, OnceLock, Weak, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use dashmap::{DashMap, Entry};
use parking_lot::{Condvar, Mutex, RwLock};
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    cancel,
    collection::{Access, Collection, Config, Progress, Receipt, check_name, dimension_of},
    error::{Error, Result, contained},
    storage::{
        self, Backup, Exported, Files, Fsync, Health, Key, Keyring, Lock, Reserve, Restored, Root,
        Source, UserKey,
    },
};

type Collections = DashMap<String, Arc<Collection>>;

/// The collections of one store, by name. Dropping it closes the store in order: when it is
/// gone, nothing of it is open, locked or running.
#[derive(Default)]
pub struct Store {
    collections: Arc<Collections>,
    /// What closing came to.
    closed: Arc<OnceLock<Result<()>>>,
    disk: Option<Disk>,
}

/// What a store on disk has besides.
struct Disk {
    /// Gone before others may open the store.
    root: Root,
    fsync: Fsync,
    health: Arc<Health>,
    /// Held while a collection is made or removed.
    changing: Mutex<()>,
    /// Held while keys are rotated.
    rotating: Mutex<()>,
    syncing: Option<Syncing>,
    _taken: Taken,
}

/// The thread that syncs, which ends when the channel does.
struct Syncing {
    channel: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

/// How a client is opened.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where the store is kept on disk.
    pub path: Option<String>,
    /// When writes are made to survive a loss of power.
    pub fsync: Option<Fsync>,
    /// The name of a store in memory that clients of this process share.
    pub shared: Option<String>,
    /// The key that the files are encrypted with.
    pub encryption: Option<Encryption>,
}

/// A user's key, as faces give it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// 32 bytes in hexadecimal.
    key: Zeroizing<String>,
    /// What a key service made of it, in hexadecimal.
    wrapped: Option<String>,
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encryption")
    }
}

impl Encryption {
    pub fn user_key(&self) -> Result<UserKey> {
        let key = Zeroizing::new(from_hex(&self.key).unwrap_or_default());
        let wrapped = self.wrapped.as_deref().map_or(Some(Vec::new()), from_hex);
        match (Key::of(&key), wrapped) {
            (Some(key), Some(wrapped)) => Ok(UserKey { key, wrapped }),
            _ => Err(Error::Validation(
                "options.encryption.key must be 32 bytes, or the base64 text of 32 bytes".into(),
            )),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
            _ => None,
        })
        .collect()
}

/// A handle on a store. Closing it ends this handle; the store goes with the last one.
pub struct Client {
    handle: RwLock<Handle>,
    /// How its use of the store has ended. Without a value and a sender there was none.
    ended: watch::Receiver<Ended>,
}

type Ended = Option<Result<()>>;

#[derive(Clone)]
enum Handle {
    /// A store on disk is opened by a thread of its own.
    Opening(watch::Receiver<Opened>),
    Open(Using),
    Failed(Error),
    Closed,
}

type Opened = Option<Result<Using>>;

/// A client's use of a store: the client has it, and so does each call under way. With the
/// last of them the use ends, and with the last use of the store the store is closed.
/// However an environment ends, and whoever drops its calls, that comes about.
#[derive(Clone)]
struct Using {
    // Before the user: what that one drops is then the last of this use.
    store: Arc<Store>,
    _user: Arc<User>,
}

struct User {
    store: Option<Arc<Store>>,
    ended: watch::Sender<Ended>,
}

/// A call under way. The client's `close` waits for it.
pub struct Call {
    using: Using,
}

/// The shared stores in memory that some client holds.
static SHARED: LazyLock<DashMap<String, Weak<Store>>> = LazyLock::new(DashMap::new);

/// The stores on disk that this process has, by their directory.
static STORES: LazyLock<Mutex<HashMap<PathBuf, Arc<StoreDirectory>>>> =
    LazyLock::new(Mutex::default);

/// A directory with the store that is open in it.
#[derive(Default)]
struct StoreDirectory {
    state: Mutex<Occupied>,
    /// The store is open, or gone.
    changed: Condvar,
}

#[derive(Default)]
struct Occupied {
    /// From before it is opened until it is gone.
    taken: bool,
    store: Weak<Store>,
}

/// A place that is taken, until this is dropped.
struct Taken(Arc<StoreDirectory>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.state.lock().taken = false;
        self.0.changed.notify_all();
    }
}

/// Opens the store in a directory, or finds it where this process has it open.
///
/// `user` is the key of a store that is encrypted.
pub fn open_on_disk(
    files: &Files,
    path: &Path,
    fsync: Option<Fsync>,
    user: Option<&UserKey>,
) -> Result<Arc<Store>> {
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
            let fsync = fsync.unwrap_or_default();
            let store = Arc::new(Store::open(files, &path, fsync, user, taken)?);
            place.state.lock().store = Arc::downgrade(&store);
            place.changed.notify_all();
            return Ok(store);
        };
        let Some(disk) = &store.disk else {
            return Ok(store);
        };
        if let Err(error) = disk.root.lock().check() {
            // Nobody must be writing by these names when the next store is opened.
            store.give_up(error);
            let mut stores = STORES.lock();
            if place.is_of(&path, &stores) {
                stores.remove(&path);
            }
            continue;
        }
        disk.root.check_user(user)?;
        if let Some(fsync) = fsync
            && disk.fsync != fsync
        {
            return Err(Error::Validation(format!(
                "options.fsync: this process has the store open with another value, {:?}; use \
                 the same, or leave it out",
                format!("{:?}", disk.fsync).to_lowercase()
            )));
        }
        return Ok(store);
    }
}

impl StoreDirectory {
    fn of(path: &Path) -> Arc<Self> {
        let mut stores = STORES.lock();
        // What only this map holds has no store, and nobody is about to open one there.
        stores.retain(|_, place| Arc::strong_count(place) > 1);
        stores.entry(path.to_owned()).or_default().clone()
    }

    /// Whether this is still the place of the directory, whose store may have been given up.
    fn is_of(&self, path: &Path, stores: &HashMap<PathBuf, Arc<Self>>) -> bool {
        let now = stores.get(path);
        now.is_some_and(|place| std::ptr::eq(Arc::as_ptr(place), self))
    }

    /// The store that is open here, or nothing: then the place is the caller's. Waits while
    /// one is being opened or closed.
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

impl Store {
    fn open(
        files: &Files,
        path: &Path,
        fsync: Fsync,
        user: Option<&UserKey>,
        taken: Taken,
    ) -> Result<Self> {
        let root = Root::open(files, path, user.cloned())?;
        let mut store = Self {
            collections: Arc::default(),
            closed: Arc::default(),
            disk: Some(Disk {
                root,
                fsync,
                health: Arc::new(Health::with(Reserve::new(files, path))),
                changing: Mutex::new(()),
                rotating: Mutex::new(()),
                syncing: None,
                _taken: taken,
            }),
        };
        store.open_collections()?;
        if let Some(disk) = &store.disk
            && disk.root.keys().keyring().previous.is_some()
        {
            // It was interrupted. Where it cannot be done now, there is the next opening.
            let _ = store.rotate_keys(None, &mut |_| ());
        }
        if let (Fsync::Everysec, Some(disk)) = (fsync, &mut store.disk) {
            disk.syncing = Some(disk.sync_every_second(store.collections.clone())?);
        }
        Ok(store)
    }

    fn open_collections(&self) -> Result<()> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        for directory in disk.root.collections()? {
            let collection = disk.open(&directory)?;
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
        Ok(())
    }

    /// Gives everything new keys: the store, and the table of every collection. `user` is
    /// the key that opens the store from here on, if another.
    fn rotate_keys(&self, user: Option<UserKey>, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let Some(disk) = &self.disk else {
            return Err(Error::Validation(
                "a store in memory has no keys: open one with a path".into(),
            ));
        };
        let _one = disk.rotating.lock();
        let keys = disk.root.keys();
        let user = user.or_else(|| keys.user());
        let all = {
            let _changing = disk.changing.lock();
            disk.health.check()?;
            disk.check_place()?;
            let mut keyring = keys.keyring();
            // Where a rotation was interrupted it goes on: some tables are under either key.
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

    fn all(&self) -> Vec<Arc<Collection>> {
        let all = self.collections.iter();
        all.map(|entry| entry.value().clone()).collect()
    }

    /// The store's directory is another's now: nothing is written any more. Reads go on.
    fn give_up(&self, error: Error) {
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

    /// Ends everything that goes on in the store, and all writing to its files.
    fn close(&mut self) -> Result<()> {
        let all = self.all();
        self.collections.clear();
        for collection in &all {
            collection.stop_upkeep();
        }
        let syncing = self.disk.as_mut().and_then(|disk| disk.syncing.take());
        if let Some(Syncing { channel, thread }) = syncing {
            drop(channel);
            // A panic of its own is no reason to stop here.
            let _ = thread.join();
        }
        let disk = self.disk.as_ref();
        // Whoever wrote after a failure was told of it.
        let in_place = match disk {
            Some(disk) if !disk.health.is_failed() => disk.root.lock().check(),
            _ => Ok(()),
        };
        let mut outcome = Ok(());
        for collection in all {
            let closed = contained(|| collection.close());
            outcome = outcome.and(closed);
        }
        if let Some(disk) = disk {
            disk.health.close();
        }
        outcome.and(in_place)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let closed = self.close();
        let _ = self.closed.set(closed);
    }
}

impl Using {
    fn new(store: Arc<Store>, ended: watch::Sender<Ended>) -> Self {
        let user = User {
            store: Some(store.clone()),
            ended,
        };
        Self {
            store,
            _user: Arc::new(user),
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let Some(store) = self.store.take().and_then(Arc::into_inner) else {
            self.ended.send_replace(Some(Ok(())));
            return;
        };
        let is_empty = store.disk.is_none() && store.collections.is_empty();
        let (ended, closed) = (self.ended.clone(), store.closed.clone());
        let outcome = move || closed.get().cloned().unwrap_or(Ok(()));
        let close = {
            let (ended, outcome) = (ended.clone(), outcome.clone());
            move || {
                let dropped = contained(|| {
                    drop(store);
                    Ok(())
                });
                ended.send_replace(Some(dropped.and_then(|()| outcome())));
            }
        };
        if is_empty {
            return close();
        }
        // A thread of its own: closing takes its time, and neither the thread that this is
        // on nor any runtime may be there for long. Where there is none to be had, the
        // store is dropped, and so closed, here.
        let thread = thread::Builder::new().name("vectorizer-close".into());
        if thread.spawn(close).is_err() {
            ended.send_replace(Some(outcome()));
        }
    }
}

impl Disk {
    fn create(&self, config: &Config) -> Result<Arc<Collection>> {
        self.health.check()?;
        let files = self.root.files();
        let (directory, collection) = self.root.add(&self.health, |directory| {
            Collection::create(
                config,
                files,
                directory,
                self.fsync,
                &self.health,
                self.root.keys(),
                Some(self.root.lock().clone()),
            )
        })?;
        collection.moved(&directory);
        Ok(collection)
    }

    fn open(&self, directory: &Path) -> Result<Arc<Collection>> {
        let lock = self.root.lock().clone();
        Collection::open(
            self.root.files(),
            directory,
            self.fsync,
            &self.health,
            self.root.keys(),
            Some(lock),
        )
    }

    /// Rejects where the directory is not the store's any more; then nothing is written
    /// from here on.
    fn check_place(&self) -> Result<()> {
        let checked = self.root.lock().check();
        checked.map_err(|error| self.health.fail(error))
    }

    fn sync_every_second(&self, collections: Arc<Collections>) -> Result<Syncing> {
        let (channel, ended) = mpsc::channel::<()>();
        let (lock, health) = (self.root.lock().clone(), self.health.clone());
        let work = move || {
            let second = Duration::from_secs(1);
            while let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(second) {
                sync(&collections, &lock, &health);
            }
        };
        let thread = thread::Builder::new().name("vectorizer-sync".into());
        let thread = thread.spawn(work).map_err(|error| {
            Error::Storage(format!("there is no thread to sync the store: {error}"))
        })?;
        Ok(Syncing { channel, thread })
    }
}

/// Makes what was written so far last. A failure is kept, and told to every write from
/// here on.
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

impl Client {
    /// Never fails: what went wrong is told by the first call. A store on disk is opened
    /// beside the caller; a relative path is one of the working directory of now.
    pub fn open(options: Options) -> Self {
        let (sender, ended) = watch::channel(None);
        let handle = match Self::open_store(options, sender) {
            Ok(handle) => handle,
            Err(error) => Handle::Failed(error),
        };
        Self {
            handle: RwLock::new(handle),
            ended,
        }
    }

    /// A client of a store that `open_on_disk` has opened for it.
    pub fn of(store: Arc<Store>) -> Self {
        let (sender, ended) = watch::channel(None);
        Self {
            handle: RwLock::new(Handle::Open(Using::new(store, sender))),
            ended,
        }
    }

    fn open_store(options: Options, ended: watch::Sender<Ended>) -> Result<Handle> {
        if let Some(path) = options.path {
            if options.shared.is_some() {
                return Err(Error::Validation(
                    "options.shared: clients of one process share a store on disk as it is; leave \
                     out 'shared'"
                        .into(),
                ));
            }
            if path.is_empty() {
                return Err(Error::Validation("options.path is empty".into()));
            }
            let user = options.encryption.as_ref().map(Encryption::user_key);
            let (path, user) = (absolute(Path::new(&path))?, user.transpose()?);
            return Self::open_beside(path, options.fsync, user, ended);
        }
        if options.encryption.is_some() {
            return Err(Error::Validation(
                "options.encryption: a store in memory has no files to encrypt; give it a path"
                    .into(),
            ));
        }
        if options.fsync.is_some() {
            return Err(Error::Validation(
                "options.fsync: a store in memory has nothing to sync; give it a path".into(),
            ));
        }
        let Some(name) = options.shared else {
            return Ok(Handle::Open(Using::new(Arc::default(), ended)));
        };
        if name.is_empty() {
            return Err(Error::Validation("options.shared is empty".into()));
        }
        SHARED.retain(|_, store| store.strong_count() > 0);
        let store = match SHARED.entry(name) {
            Entry::Occupied(mut entry) => entry.get().upgrade().unwrap_or_else(|| {
                let store = Arc::default();
                entry.insert(Arc::downgrade(&store));
                store
            }),
            Entry::Vacant(entry) => {
                let store = Arc::default();
                entry.insert(Arc::downgrade(&store));
                store
            }
        };
        Ok(Handle::Open(Using::new(store, ended)))
    }

    fn open_beside(
        path: PathBuf,
        fsync: Option<Fsync>,
        user: Option<UserKey>,
        ended: watch::Sender<Ended>,
    ) -> Result<Handle> {
        let (sender, receiver) = watch::channel(None);
        let thread = thread::Builder::new().name("vectorizer-open".into());
        let open = move || {
            let open =
                AssertUnwindSafe(|| open_on_disk(&Files::default(), &path, fsync, user.as_ref()));
            let opened = catch_unwind(open)
                .unwrap_or_else(|_| Err(Error::Internal("opening the store failed".into())));
            // Where nobody waits any more, the use ends with the channel.
            sender.send_replace(Some(opened.map(|store| Using::new(store, ended))));
        };
        let opening = thread.spawn(open);
        opening.map_err(|error| {
            Error::Storage(format!("there is no thread to open the store: {error}"))
        })?;
        Ok(Handle::Opening(receiver))
    }

    /// Begins a call. `WouldBlock` while the store is being opened: `begin_when_open` waits.
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

    /// Begins a call when the store is open. It is under way from now on: a `close` that
    /// comes before the future runs waits for it.
    pub fn begin_when_open(&self) -> impl Future<Output = Result<Call>> + Send + use<> {
        let handle = self.handle.read().clone();
        async move {
            Ok(Call {
                using: handle.opened().await?,
            })
        }
    }

    /// Lets no new call begin. The future is done when those under way have ended, and, if
    /// this was the store's last client, the store is closed. However often it is called,
    /// there is one end, for which all wait.
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

impl Handle {
    /// The store, once it is open.
    async fn opened(self) -> Result<Using> {
        match self {
            Handle::Open(using) => Ok(using),
            Handle::Opening(mut receiver) => {
                // An error means that the thread has ended, and left its answer.
                let _ = receiver.wait_for(Option::is_some).await;
                let none = || Err(Error::Internal("opening the store was stopped".into()));
                receiver.borrow().clone().unwrap_or_else(none)
            }
            Handle::Failed(error) => Err(error),
            Handle::Closed => Err(Error::ClientClosed),
        }
    }
}

impl Call {
    pub fn collection(&self, name: &str) -> Result<Arc<Collection>> {
        if let Some(collection) = self.using.store.collections.get(name) {
            return Ok(collection.clone());
        }
        check_name(name)?;
        Err(Error::CollectionNotFound(name.to_owned()))
    }

    pub fn create_collection(&self, config: Config) -> Result<Arc<Collection>> {
        config.check()?;
        cancel::commit()?;
        let collections = &self.using.store.collections;
        let Some(disk) = &self.using.store.disk else {
            return match collections.entry(config.name.clone()) {
                Entry::Occupied(_) => Err(Error::CollectionExists(config.name)),
                Entry::Vacant(entry) => Ok(entry.insert(Collection::new(config)).clone()),
            };
        };
        let _changing = disk.changing.lock();
        if collections.contains_key(&config.name) {
            return Err(Error::CollectionExists(config.name));
        }
        disk.check_place()?;
        let collection = disk.create(&config)?;
        collections.insert(config.name, collection.clone());
        Ok(collection)
    }

    /// All collections, by name.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        let mut all = self.using.store.all();
        all.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// Removes a collection with everything in it, and proves it if that is asked for.
    ///
    /// From an error about its files on the collection is deleted all the same, and what is
    /// left of it goes at the next opening.
    pub fn delete_collection(
        &self,
        access: Access,
        name: &str,
        receipt: bool,
    ) -> Result<Option<Receipt>> {
        let disk = self.using.store.disk.as_ref();
        let changing = disk.map(|disk| disk.changing.lock());
        let collection = self.collection(name)?;
        if let Some(disk) = disk {
            disk.check_place()?;
        }
        let directory = collection.directory();
        let (contents, drafted) = collection.drop_contents(access, receipt)?;
        self.using
            .store
            .collections
            .remove_if(name, |_, found| Arc::ptr_eq(found, &collection));
        if disk.is_some() {
            collection.leave_files();
        }
        contents.leave_files();
        if let (Some(disk), Some(directory)) = (disk, directory) {
            disk.root.remove(&directory).map_err(|error| {
                Error::Storage(format!(
                    "collection '{name}' is deleted, but not all of its files could be \
                     overwritten and removed, which is tried again when the store is opened: \
                     {error}"
                ))
            })?;
        }
        // That takes time, and keeps nobody waiting.
        drop(changing);
        drop(contents);
        Ok(drafted.map(|drafted| drafted.complete(disk.is_some())))
    }

    /// Whether the store takes writes: after one that failed it does not.
    pub fn check(&self) -> Result<()> {
        let disk = self.using.store.disk.as_ref();
        disk.map_or(Ok(()), |disk| disk.health.check())
    }

    /// Whether a call may have to wait for a disk at any time, and how long.
    pub fn fsync(&self) -> Option<Fsync> {
        self.using.store.disk.as_ref().map(|disk| disk.fsync)
    }

    /// Makes everything that was acknowledged survive a loss of power.
    pub fn flush(&self) -> Result<()> {
        if let Some(disk) = &self.using.store.disk {
            disk.check_place()?;
        }
        for collection in self.collections() {
            collection.flush()?;
        }
        Ok(())
    }

    /// Gives the store new keys, and another key of the user's if there is one. Copies of the
    /// keys from before open nothing that is written from here on.
    pub fn rotate_keys(
        &self,
        user: Option<UserKey>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        self.using.store.rotate_keys(user, progress)
    }

    /// Writes collections to one file, each as it is at one moment: all, or those of these
    /// names. With `apart` the keys are in a file beside it.
    pub fn create_backup(
        &self,
        target: &Path,
        names: Option<&[String]>,
        apart: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Made> {
        let disk = self.using.store.disk.as_ref();
        if apart && disk.is_none() {
            return Err(Error::Validation(
                "a store in memory has no keys to keep apart: open one with a path".into(),
            ));
        }
        let path = backup_file(target, "vecbak")?;
        let all = match names {
            None => self.collections(),
            Some(names) => {
                let mut unique: Vec<&String> = names.iter().collect();
                unique.sort_unstable();
                unique.dedup();
                let found = unique.into_iter().map(|name| self.collection(name));
                found.collect::<Result<_>>()?
            }
        };
        let user = disk.and_then(|disk| disk.root.keys().user());
        let mut backup = Backup::create(&self.files(), &path, user, apart)?;
        let total = each(&all, progress, |collection, progress| {
            collection.back_up(&mut backup, progress)
        })?;
        cancel::commit()?;
        // Before the backup has its name: one that has it has its keys.
        let keys = match apart {
            true => Some(self.export_keys(&beside(&path))?.path),
            false => None,
        };
        let backup = backup.finish().inspect_err(|_| {
            let _ = keys.as_ref().map(|keys| self.files().wipe(keys));
        })?;
        progress(Progress { done: total, total });
        Ok(Made { backup, keys })
    }

    /// Writes the keys of all there is to a new file: with them a backup that has its keys
    /// apart brings back what is not deleted by now.
    pub fn export_keys(&self, target: &Path) -> Result<Restored> {
        let Some(disk) = &self.using.store.disk else {
            return Err(Error::Validation(
                "a store in memory has no keys: open one with a path".into(),
            ));
        };
        let path = backup_file(target, "keys")?;
        let user = disk.root.keys().user();
        let mut exported = Exported::create(&self.files(), &path, user)?;
        for collection in self.collections() {
            match collection.export_keys(&mut exported) {
                // Deleted since the list was taken.
                Err(Error::CollectionNotFound(_)) => {}
                done => done?,
            }
        }
        exported.finish()
    }

    fn files(&self) -> Files {
        let disk = self.using.store.disk.as_ref();
        disk.map_or_else(Files::default, |disk| disk.root.files().clone())
    }
}

/// Does something with each of the collections but those that are deleted meanwhile, and tells
/// how far all of it is. Returns how much there was to do.
fn each(
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
            // Deleted since the list was taken.
            Err(Error::CollectionNotFound(_)) => last = 0,
            done => done?,
        }
        before += last;
        total = total + last - expected;
    }
    Ok(total)
}

/// A backup that was made, and where its keys are if they are apart.
pub struct Made {
    pub backup: Restored,
    pub keys: Option<PathBuf>,
}

/// Where the keys of a backup are that has them apart.
fn beside(backup: &Path) -> PathBuf {
    let mut name = backup.file_name().unwrap_or_default().to_owned();
    name.push(".keys");
    backup.with_file_name(name)
}

/// The file for a backup: the target, or a new one in it if it is a directory.
fn backup_file(path: &Path, kind: &str) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::Validation("the backup's path is empty".into()));
    }
    if !path.is_dir() {
        let last = path.as_os_str().as_encoded_bytes().last();
        if last.is_some_and(|&byte| std::path::is_separator(byte.into())) {
            return Err(Error::Storage(format!(
                "there is no directory {}: make it first, or name a file",
                path.display()
            )));
        }
        return Ok(path.to_owned());
    }
    let time = OffsetDateTime::now_utc();
    let name = format!(
        "backup-{:04}{:02}{:02}-{:02}{:02}{:02}-{}.{kind}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        // Others may be made at the same moment.
        Uuid::new_v4().simple(),
    );
    Ok(path.join(name))
}

/// Makes a store of a backup in a new directory, after every byte of it was checked.
///
/// What opens the backup is the user's key of the store as well.
pub fn restore_backup(
    file: &Path,
    path: &Path,
    source: Source<'_>,
    progress: &mut dyn FnMut(&'static str, Progress),
) -> Result<Restored> {
    if file.as_os_str().is_empty() || path.as_os_str().is_empty() {
        return Err(Error::Validation("a path is empty".into()));
    }
    let files = Files::default();
    if matches!(file.try_exists(), Ok(false)) {
        return Err(Error::Storage(format!(
            "there is no file {}: check the path of the backup",
            file.display()
        )));
    }
    let verified = storage::verify(&files, file, source, dimension_of, |done, total| {
        progress("verify", Progress { done, total });
    })?;
    let total = verified.bytes;
    progress("verify", Progress { done: total, total });
    storage::restore(&files, file, path, source, dimension_of, |done, total| {
        progress("restore", Progress { done, total });
    })?;
    progress("restore", Progress { done: total, total });
    Ok(Restored {
        path: path.to_owned(),
        ..verified
    })
}

/// The path, from the working directory of now where it is relative. The directory may be
/// another one by the time that the path is used. An empty path stays one, to be refused.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Ok(PathBuf::new());
    }
    std::path::absolute(path).map_err(|error| {
        Error::Storage(format!(
            "cannot tell where {} is: the working directory is not there any more ({error}); give \
             an absolute path",
            path.display()
        ))
    })
}
