//! A client: a handle on a store of collections.

use std::sync::{Arc, LazyLock, Weak};

use dashmap::{DashMap, Entry};
use parking_lot::RwLock;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::{
    collection::{Access, Collection, Config},
    error::{Error, Result},
};

const MAX_DIMENSION: usize = 65_535;
const MAX_NAME_BYTES: usize = 255;

/// The collections of one store, by name.
#[derive(Default)]
pub struct Store {
    collections: DashMap<String, Arc<Collection>>,
}

/// How a client is opened.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where the store is kept on disk.
    pub path: Option<String>,
    /// The name of a store in memory that clients of this process share.
    pub shared: Option<String>,
}

/// A handle on a store. Closing it ends this handle; the store goes with the last one.
pub struct Client {
    handle: RwLock<Handle>,
    calls: TaskTracker,
}

enum Handle {
    Open(Arc<Store>),
    Failed(Error),
    Closed,
}

/// A call under way. The client's `close` waits for it.
pub struct Call {
    store: Arc<Store>,
    _token: TaskTrackerToken,
}

/// The shared stores in memory that some client holds.
static SHARED: LazyLock<DashMap<String, Weak<Store>>> = LazyLock::new(DashMap::new);

impl Client {
    /// Never fails: what went wrong is told by the first call.
    pub fn open(options: &Options) -> Self {
        let handle = match Self::open_store(options) {
            Ok(store) => Handle::Open(store),
            Err(error) => Handle::Failed(error),
        };
        Self {
            handle: RwLock::new(handle),
            calls: TaskTracker::new(),
        }
    }

    fn open_store(options: &Options) -> Result<Arc<Store>> {
        if options.path.is_some() {
            return Err(Error::Storage(
                "this version keeps collections in memory only: leave out 'path'".into(),
            ));
        }
        let Some(name) = &options.shared else {
            return Ok(Arc::default());
        };
        if name.is_empty() {
            return Err(Error::Validation("options.shared is empty".into()));
        }
        SHARED.retain(|_, store| store.strong_count() > 0);
        Ok(match SHARED.entry(name.clone()) {
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
        })
    }

    pub fn begin(&self) -> Result<Call> {
        // The token first: a `close` that comes between waits for this call.
        let token = self.calls.token();
        match &*self.handle.read() {
            Handle::Open(store) => Ok(Call {
                store: store.clone(),
                _token: token,
            }),
            Handle::Failed(error) => Err(error.clone()),
            Handle::Closed => Err(Error::ClientClosed),
        }
    }

    /// Lets no new call begin. The future is done when those under way have ended.
    pub fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        let store = std::mem::replace(&mut *self.handle.write(), Handle::Closed);
        self.calls.close();
        let calls = self.calls.clone();
        async move {
            calls.wait().await;
            drop(store);
        }
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
        check_name(&config.name)?;
        check_range("dimension", config.dimension, 1, MAX_DIMENSION)?;
        let hnsw = config.hnsw;
        check_range("hnsw.m", hnsw.m, 4, 128)?;
        check_range("hnsw.ef_construction", hnsw.ef_construction, 8, 4096)?;
        check_range("hnsw.ef_search", hnsw.ef_search, 1, 4096)?;
        match self.store.collections.entry(config.name.clone()) {
            Entry::Occupied(_) => Err(Error::CollectionExists(config.name)),
            Entry::Vacant(entry) => Ok(entry.insert(Collection::new(config)).clone()),
        }
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
        let collection = self.collection(name)?;
        let contents = collection.drop_contents(access)?;
        self.store
            .collections
            .remove_if(name, |_, found| Arc::ptr_eq(found, &collection));
        Ok(contents)
    }
}

/// Names become directories on disk.
fn check_name(name: &str) -> Result<()> {
    let wrong = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "is longer than 255 bytes"
    } else if name.contains(['/', '\\']) || name == "." || name == ".." {
        "is or holds a path"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(());
    };
    Err(Error::Validation(format!(
        "the collection name {name:?} {wrong}"
    )))
}

fn check_range(what: &str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::Validation(format!(
        "{what} is {value}; it must be between {least} and {most}"
    )))
}
