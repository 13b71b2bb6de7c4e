//! A client's use of a store: it begins when the store is open; the end of the last use closes the
//! store.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use tokio::sync::watch;

use super::{
    options::{Encryption, Options, absolute},
    registry::{Opening, open_with, shared},
    store::Store,
};
use crate::{
    error::{Error, Result, catch_panic},
    storage::Files,
};

/// The outcome of a use that has ended.
pub(super) type Ended = Option<Result<()>>;

/// The state of a client's handle on its store.
#[derive(Clone)]
pub(super) enum Handle {
    /// A store on disk is opened in a separate thread.
    Opening(watch::Receiver<Opened>),
    Open(Using),
    Failed(Error),
    Closed,
}

pub(super) type Opened = Option<Result<Using>>;

/// A client's use of a store, held by the client and by each of its calls in progress. When the
/// last of them is gone, the use ends; when the last use ends, the store is closed. This holds
/// however a JavaScript environment ends and whatever drops its calls.
#[derive(Clone)]
pub(super) struct Using {
    // Declared before the user, so that dropping the user releases this use's last reference.
    pub(super) store: Arc<Store>,
    _user: Arc<User>,
}

struct User {
    store: Option<Arc<Store>>,
    ended: watch::Sender<Ended>,
}

impl Handle {
    /// Opens a handle on the store with these options. A store on disk is opened in the background.
    pub(super) fn open(options: Options, ended: watch::Sender<Ended>) -> Result<Self> {
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
            let opening = Opening {
                fsync: options.fsync,
                user,
                clock: options.clock,
                ledger: options.ledger,
            };
            return Self::open_beside(path, opening, ended);
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
        if options.ledger {
            return Err(Error::Validation(
                "options.ledger: a store in memory has no ledger: open one with a path".into(),
            ));
        }
        let Some(name) = options.shared else {
            return Ok(Handle::Open(Using::new(
                Arc::new(Store::in_memory(options.clock)),
                ended,
            )));
        };
        if name.is_empty() {
            return Err(Error::Validation("options.shared is empty".into()));
        }
        Ok(Handle::Open(Using::new(shared(name, options.clock), ended)))
    }

    fn open_beside(path: PathBuf, opening: Opening, ended: watch::Sender<Ended>) -> Result<Self> {
        let (sender, receiver) = watch::channel(None);
        let thread = thread::Builder::new().name("vectorizer-open".into());
        let open = move || {
            let open = AssertUnwindSafe(|| open_with(&Files::default(), &path, opening));
            let opened = catch_unwind(open)
                .unwrap_or_else(|_| Err(Error::Internal("opening the store failed".into())));
            // If no one is waiting any more, the use ends with the channel.
            sender.send_replace(Some(opened.map(|store| Using::new(store, ended))));
        };
        let opening = thread.spawn(open);
        opening.map_err(|error| {
            Error::Storage(format!("there is no thread to open the store: {error}"))
        })?;
        Ok(Handle::Opening(receiver))
    }

    /// Returns the store once it is open.
    pub(super) async fn opened(self) -> Result<Using> {
        match self {
            Handle::Open(using) => Ok(using),
            Handle::Opening(mut receiver) => {
                // An error means that the thread has ended and left its result in the channel.
                let _ = receiver.wait_for(Option::is_some).await;
                let none = || Err(Error::Internal("opening the store was stopped".into()));
                receiver.borrow().clone().unwrap_or_else(none)
            }
            Handle::Failed(error) => Err(error),
            Handle::Closed => Err(Error::ClientClosed),
        }
    }
}

impl Using {
    pub(super) fn new(store: Arc<Store>, ended: watch::Sender<Ended>) -> Self {
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
        let is_empty =
            store.disk.is_none() && store.collections.is_empty() && !store.expiry.is_running();
        let (ended, closed) = (self.ended.clone(), store.closed.clone());
        let outcome = move || closed.get().cloned().unwrap_or(Ok(()));
        let close = {
            let (ended, outcome) = (ended.clone(), outcome.clone());
            move || {
                let dropped = catch_panic(|| {
                    drop(store);
                    Ok(())
                });
                ended.send_replace(Some(dropped.and_then(|()| outcome())));
            }
        };
        if is_empty {
            return close();
        }
        // Closing takes time and runs in a separate thread: it must block neither the current
        // thread nor a runtime. If no thread can be created, the store is dropped, and so closed,
        // here.
        let thread = thread::Builder::new().name("vectorizer-close".into());
        if thread.spawn(close).is_err() {
            ended.send_replace(Some(outcome()));
        }
    }
}
