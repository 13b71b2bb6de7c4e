//! A client: a handle on a store of collections.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Weak, mpsc},
    thread,
    time::Duration,
};

use dashmap::{DashMap, Entry};
use parking_lot::{Mutex, RwLock};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use uuid::Uuid;

use crate::{
    collection::{Access, Collection, Config, Progress, check_name, dimension_of},
    error::{Error, Result},
    storage::{self, Backup, Files, Fsync, Health, Restored, Root},
};

/// The collections of one store, by name.
#[derive(Default)]
pub struct Store {
    collections: DashMap<String, Arc<Collection>>,
    disk: Option<Disk>,
}

/// What a store on disk has besides.
struct Disk {
    root: Root,
    fsync: Fsync,
    health: Arc<Health>,
    /// Held while a collection is made or removed.
    changing: Mutex<()>,
    place: Arc<Place>,
    /// Dropped to end the thread that syncs.
    _syncing: Option<mpsc::Sender<()>>,
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
}

/// A handle on a store. Closing it ends this handle; the store goes with the last one.
pub struct Client {
    handle: RwLock<Handle>,
    calls: TaskTracker,
}

#[derive(Clone)]
enum Handle {
    /// A store on disk is opened by a thread of its own.
    Opening(watch::Receiver<Opened>),
    Open(Arc<Store>),
    Failed(Error),
    Closed,
}

type Opened = Option<Result<Arc<Store>>>;

/// A call under way. The client's `close` waits for it.
pub struct Call {
    store: Arc<Store>,
    _token: TaskTrackerToken,
}

/// The shared stores in memory that some client holds.
static SHARED: LazyLock<DashMap<String, Weak<Store>>> = LazyLock::new(DashMap::new);

/// The stores on disk that this process has, by their directory.
static STORES: LazyLock<Mutex<HashMap<PathBuf, Arc<Place>>>> = LazyLock::new(Mutex::default);

/// A directory with the store that is open in it. Opening and closing it hold the lock.
#[derive(Default)]
struct Place {
    users: Mutex<Users>,
}

#[derive(Default)]
struct Users {
    store: Weak<Store>,
    count: usize,
}

/// Opens the store in a directory, or finds it where this process has it open. Each time
/// is one user more, whom `Store::release` takes away.
pub fn open_on_disk(files: &Files, path: &Path, fsync: Option<Fsync>) -> Result<Arc<Store>> {
    if path.is_file() {
        return Err(Error::Storage(format!(
            "{} is a file, and a store is a directory; a backup is made a store by restoreBackup",
            path.display()
        )));
    }
    let path = storage::make(path)?;
    let place = {
        let mut stores = STORES.lock();
        // What only this map holds has no store, and nobody is about to open one there.
        stores.retain(|_, place| Arc::strong_count(place) > 1);
        stores.entry(path.clone()).or_default().clone()
    };
    let mut users = place.users.lock();
    if users.count > 0
        && let Some(store) = users.store.upgrade()
    {
        if let (Some(disk), Some(fsync)) = (&store.disk, fsync)
            && disk.fsync != fsync
        {
            return Err(Error::Validation(format!(
                "options.fsync: this process has the store open with another value, {:?}; use \
                 the same, or leave it out",
                format!("{:?}", disk.fsync).to_lowercase()
            )));
        }
        users.count += 1;
        return Ok(store);
    }
    let store = Store::open(files, &path, fsync.unwrap_or_default(), place.clone())?;
    users.store = Arc::downgrade(&store);
    users.count = 1;
    Ok(store)
}

impl Store {
    fn open(files: &Files, path: &Path, fsync: Fsync, place: Arc<Place>) -> Result<Arc<Self>> {
        let root = Root::open(files, path)?;
        let (sender, receiver) = mpsc::channel();
        let store = Arc::new(Self {
            collections: DashMap::new(),
            disk: Some(Disk {
                root,
                fsync,
                health: Arc::default(),
                changing: Mutex::new(()),
                place,
                _syncing: (fsync == Fsync::Everysec).then_some(sender),
            }),
        });
        let opened = store.open_collections().and_then(|()| {
            if fsync != Fsync::Everysec {
                return Ok(());
            }
            let store = Arc::downgrade(&store);
            let thread = thread::Builder::new().name("vectorizer-sync".into());
            let syncing = thread.spawn(move || sync_every_second(&store, &receiver));
            syncing.map(drop).map_err(|error| {
                Error::Storage(format!("there is no thread to sync the store: {error}"))
            })
        });
        if let Err(error) = opened {
            // The background of those that were opened must not write to a store that
            // somebody else opens next.
            let _ = store.close();
            return Err(error);
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

    /// One user less. With the last one, the store is closed in order.
    pub fn release(&self) -> Result<()> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let mut users = disk.place.users.lock();
        users.count = users.count.saturating_sub(1);
        if users.count > 0 {
            return Ok(());
        }
        let closed = self.close();
        disk.root.unlock();
        closed
    }

    /// Ends all writing to the store's files.
    fn close(&self) -> Result<()> {
        let mut outcome = Ok(());
        for collection in &self.collections {
            let closed = collection.close();
            outcome = outcome.and(closed);
        }
        if let Some(disk) = &self.disk {
            disk.health.close();
        }
        outcome
    }
}

/// Runs until the store is gone.
fn sync_every_second(store: &Weak<Store>, ended: &mpsc::Receiver<()>) {
    while let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(Duration::from_secs(1)) {
        let Some(store) = store.upgrade() else {
            return;
        };
        let collections: Vec<_> = store
            .collections
            .iter()
            .map(|c| c.value().clone())
            .collect();
        drop(store);
        for collection in collections {
            // A failure is kept, and told to every write from here on.
            let _ = collection.flush();
        }
    }
}

impl Disk {
    fn create(&self, config: &Config) -> Result<Arc<Collection>> {
        self.health.check()?;
        let files = self.root.files();
        let directory = self.root.add(|directory| {
            Collection::create(config, files, directory, self.fsync, &self.health)
        });
        let opened = directory.and_then(|directory| self.open(&directory));
        opened.map_err(|error| self.health.fail(error))
    }

    fn open(&self, directory: &Path) -> Result<Arc<Collection>> {
        Collection::open(self.root.files(), directory, self.fsync, &self.health)
    }
}

impl Client {
    /// Never fails: what went wrong is told by the first call. A store on disk is opened
    /// beside the caller.
    pub fn open(options: Options) -> Self {
        let handle = match Self::open_store(options) {
            Ok(handle) => handle,
            Err(error) => Handle::Failed(error),
        };
        Self {
            handle: RwLock::new(handle),
            calls: TaskTracker::new(),
        }
    }

    /// A client of a store that `open_on_disk` has opened for it.
    pub fn of(store: Arc<Store>) -> Self {
        Self {
            handle: RwLock::new(Handle::Open(store)),
            calls: TaskTracker::new(),
        }
    }

    fn open_store(options: Options) -> Result<Handle> {
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
            return Self::open_beside(PathBuf::from(path), options.fsync);
        }
        if options.fsync.is_some() {
            return Err(Error::Validation(
                "options.fsync: a store in memory has nothing to sync; give it a path".into(),
            ));
        }
        let Some(name) = options.shared else {
            return Ok(Handle::Open(Arc::default()));
        };
        if name.is_empty() {
            return Err(Error::Validation("options.shared is empty".into()));
        }
        SHARED.retain(|_, store| store.strong_count() > 0);
        Ok(Handle::Open(match SHARED.entry(name) {
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
        }))
    }

    fn open_beside(path: PathBuf, fsync: Option<Fsync>) -> Result<Handle> {
        let (sender, receiver) = watch::channel(None);
        let thread = thread::Builder::new().name("vectorizer-open".into());
        let open = move || {
            let open = AssertUnwindSafe(|| open_on_disk(&Files::default(), &path, fsync));
            let opened = catch_unwind(open)
                .unwrap_or_else(|_| Err(Error::Internal("opening the store failed".into())));
            sender.send_replace(Some(opened));
        };
        let opening = thread.spawn(open);
        opening.map_err(|error| {
            Error::Storage(format!("there is no thread to open the store: {error}"))
        })?;
        Ok(Handle::Opening(receiver))
    }

    /// Begins a call. `WouldBlock` while the store is being opened: `begin_when_open` waits.
    pub fn begin(&self) -> Result<Call> {
        // The token first: a `close` that comes between waits for this call.
        let token = self.calls.token();
        let opened = match &*self.handle.read() {
            Handle::Open(store) => {
                return Ok(Call {
                    store: store.clone(),
                    _token: token,
                });
            }
            Handle::Failed(error) => return Err(error.clone()),
            Handle::Closed => return Err(Error::ClientClosed),
            Handle::Opening(receiver) => receiver.borrow().clone().ok_or(Error::WouldBlock)?,
        };
        let mut handle = self.handle.write();
        if let Handle::Opening(_) = &*handle {
            *handle = match &opened {
                Ok(store) => Handle::Open(store.clone()),
                Err(error) => Handle::Failed(error.clone()),
            };
        }
        drop(handle);
        Ok(Call {
            store: opened?,
            _token: token,
        })
    }

    /// Begins a call when the store is open. It is under way from now on: a `close` that
    /// comes before the future runs waits for it.
    pub fn begin_when_open(&self) -> impl Future<Output = Result<Call>> + Send + use<> {
        let token = self.calls.token();
        let handle = self.handle.read().clone();
        async move {
            Ok(Call {
                store: handle.opened().await?,
                _token: token,
            })
        }
    }

    /// Lets no new call begin. The future is done when those under way have ended, and, if
    /// this was the store's last client, the store is closed.
    pub fn close(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let handle = std::mem::replace(&mut *self.handle.write(), Handle::Closed);
        self.calls.close();
        let calls = self.calls.clone();
        async move {
            calls.wait().await;
            let Ok(store) = handle.opened().await else {
                return Ok(());
            };
            if store.disk.is_none() {
                return Ok(());
            }
            let released = tokio::task::spawn_blocking(move || store.release());
            let stopped = |_| Err(Error::Internal("closing the store was stopped".into()));
            released.await.unwrap_or_else(stopped)
        }
    }

    /// `close`, for callers without a runtime.
    pub fn close_now(self) -> Result<()> {
        let handle = std::mem::replace(&mut *self.handle.write(), Handle::Closed);
        match handle.opened_now(&self.calls) {
            Some(store) => store.release(),
            None => Ok(()),
        }
    }
}

impl Handle {
    /// The store, when it is open and no call is under way any more; nothing if it could
    /// not be opened.
    fn opened_now(self, calls: &TaskTracker) -> Option<Arc<Store>> {
        while !calls.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        match self {
            Handle::Open(store) => Some(store),
            Handle::Opening(receiver) => {
                while receiver.borrow().is_none() && receiver.has_changed().is_ok() {
                    thread::sleep(Duration::from_millis(1));
                }
                receiver.borrow().clone()?.ok()
            }
            Handle::Failed(_) | Handle::Closed => None,
        }
    }

    /// The store, once it is open.
    async fn opened(self) -> Result<Arc<Store>> {
        match self {
            Handle::Open(store) => Ok(store),
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

impl Drop for Client {
    /// A client that nobody has closed and nobody can reach any more.
    fn drop(&mut self) {
        let handle = std::mem::replace(self.handle.get_mut(), Handle::Closed);
        let on_disk = match &handle {
            Handle::Open(store) => store.disk.is_some(),
            Handle::Opening(_) => true,
            Handle::Failed(_) | Handle::Closed => false,
        };
        if !on_disk {
            return;
        }
        let calls = self.calls.clone();
        let release = move || {
            // There is nobody to be told.
            let _ = handle.opened_now(&calls).map(|store| store.release());
        };
        // Without a thread the lock goes with the process.
        let _ = thread::Builder::new()
            .name("vectorizer-close".into())
            .spawn(release);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        for collection in &self.collections {
            collection.stop_upkeep();
        }
    }
}

impl Call {
    pub fn collection(&self, name: &str) -> Result<Arc<Collection>> {
        if let Some(collection) = self.store.collections.get(name) {
            return Ok(collection.clone());
        }
        check_name(name)?;
        Err(Error::CollectionNotFound(name.to_owned()))
    }

    pub fn create_collection(&self, config: Config) -> Result<Arc<Collection>> {
        config.check()?;
        let collections = &self.store.collections;
        let Some(disk) = &self.store.disk else {
            return match collections.entry(config.name.clone()) {
                Entry::Occupied(_) => Err(Error::CollectionExists(config.name)),
                Entry::Vacant(entry) => Ok(entry.insert(Collection::new(config)).clone()),
            };
        };
        let _changing = disk.changing.lock();
        if collections.contains_key(&config.name) {
            return Err(Error::CollectionExists(config.name));
        }
        let collection = disk.create(&config)?;
        collections.insert(config.name, collection.clone());
        Ok(collection)
    }

    /// All collections, by name.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        let all = self.store.collections.iter();
        let mut all: Vec<_> = all.map(|entry| entry.value().clone()).collect();
        all.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// Removes a collection with everything in it. Returns its contents: dropping them
    /// may take a while.
    pub fn delete_collection(&self, access: Access, name: &str) -> Result<impl Send + use<>> {
        let disk = self.store.disk.as_ref();
        let _changing = disk.map(|disk| disk.changing.lock());
        let collection = self.collection(name)?;
        let directory = collection.directory();
        let contents = collection.drop_contents(access)?;
        self.store
            .collections
            .remove_if(name, |_, found| Arc::ptr_eq(found, &collection));
        if let (Some(disk), Some(directory)) = (disk, directory) {
            collection.leave_files();
            let removed = disk.root.remove(&directory);
            removed.map_err(|error| disk.health.fail(error))?;
        }
        Ok(contents)
    }

    /// Whether the store takes writes: after one that failed it does not.
    pub fn check(&self) -> Result<()> {
        let disk = self.store.disk.as_ref();
        disk.map_or(Ok(()), |disk| disk.health.check())
    }

    /// Whether a call may have to wait for a disk at any time, and how long.
    pub fn fsync(&self) -> Option<Fsync> {
        self.store.disk.as_ref().map(|disk| disk.fsync)
    }

    /// Makes everything that was acknowledged survive a loss of power.
    pub fn flush(&self) -> Result<()> {
        for collection in self.collections() {
            collection.flush()?;
        }
        Ok(())
    }

    /// Writes all collections to one file, each as it is at one moment.
    pub fn create_backup(
        &self,
        target: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Restored> {
        let path = backup_file(target)?;
        let mut backup = Backup::create(&self.files(), &path)?;
        let all = self.collections();
        let counts = all.iter().map(|c| c.count(Access::Wait, None).unwrap_or(0));
        let counts: Vec<u64> = counts.map(|count| count as u64).collect();
        let mut total: u64 = counts.iter().sum();
        let mut before = 0;
        for (collection, expected) in all.iter().zip(counts) {
            let mut last = 0;
            let done = collection.back_up(&mut backup, &mut |part| {
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
        let made = backup.finish()?;
        progress(Progress { done: total, total });
        Ok(made)
    }

    fn files(&self) -> Files {
        let disk = self.store.disk.as_ref();
        disk.map_or_else(Files::default, |disk| disk.root.files().clone())
    }
}

/// The file for a backup: the target, or a new one in it if it is a directory.
fn backup_file(target: &str) -> Result<PathBuf> {
    if target.is_empty() {
        return Err(Error::Validation("the backup's path is empty".into()));
    }
    let path = Path::new(target);
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let time = OffsetDateTime::now_utc();
    let name = format!(
        "backup-{:04}{:02}{:02}-{:02}{:02}{:02}-{}.vecbak",
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
pub fn restore_backup(
    file: &str,
    path: &str,
    progress: &mut dyn FnMut(&'static str, Progress),
) -> Result<Restored> {
    if file.is_empty() || path.is_empty() {
        return Err(Error::Validation("a path is empty".into()));
    }
    let files = Files::default();
    let (file, path) = (Path::new(file), Path::new(path));
    let verified = storage::verify(&files, file, dimension_of, |done, total| {
        progress("verify", Progress { done, total });
    })?;
    let total = verified.bytes;
    progress("verify", Progress { done: total, total });
    storage::restore(&files, file, path, dimension_of, |done, total| {
        progress("restore", Progress { done, total });
    })?;
    progress("restore", Progress { done: total, total });
    Ok(Restored {
        path: path.to_owned(),
        ..verified
    })
}
