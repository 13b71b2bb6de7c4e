//! File handles. A process has only a limited number of them, and a store may have more collections
//! than that, so the handle of a log is *evictable*. When [`MOST`] handles are evictable, the one
//! that has been unused for longest is closed; its file is reopened when it is needed.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

/// The maximum number of evictable handles. A common limit for a process is 1,024; the smallest is
/// 256.
const MOST: usize = 128;

/// The evictable handles; the first is the next candidate for closing.
static EVICTABLE: Mutex<VecDeque<Weak<Handle>>> = Mutex::new(VecDeque::new());

/// The handle that a file is read and written with.
pub struct Handle {
    state: Mutex<State>,
    /// Whether it has been used since it was last considered for closing.
    used: AtomicBool,
    /// Whether it has been written since the last sync.
    written: AtomicBool,
    /// Whether it is in `EVICTABLE`.
    evictable: AtomicBool,
    /// The error, if syncing it when it was closed failed.
    failure: Mutex<Option<io::Error>>,
}

enum State {
    Open(Arc<fs::File>),
    Closed(Identity),
    /// The file has been removed, or is about to be.
    Gone,
}

/// Distinguishes a file from another one that has taken its name in the meantime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device_and_number: (u64, u64),
    #[cfg(not(unix))]
    created: Option<std::time::SystemTime>,
}

impl Identity {
    fn of(file: &fs::File) -> io::Result<Self> {
        Ok(Self::in_metadata(&file.metadata()?))
    }

    fn in_metadata(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let device_and_number = (metadata.dev(), metadata.ino());
            Self { device_and_number }
        }
        #[cfg(not(unix))]
        {
            let created = metadata.created().ok();
            Self { created }
        }
    }
}

impl Handle {
    pub fn new(file: fs::File) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::Open(Arc::new(file))),
            used: AtomicBool::new(true),
            written: AtomicBool::new(false),
            evictable: AtomicBool::new(false),
            failure: Mutex::new(None),
        })
    }

    /// Allows the handle to be closed while unused.
    pub fn make_evictable(self: &Arc<Self>) {
        if !self.evictable.swap(true, Ordering::AcqRel) {
            EVICTABLE.lock().push_back(Arc::downgrade(self));
        }
        while EVICTABLE.lock().len() > MOST && close_one() {}
    }

    /// The open file. It stays open as long as the returned handle exists.
    pub fn get(self: &Arc<Self>, path: impl FnOnce() -> PathBuf) -> io::Result<Arc<fs::File>> {
        let mut state = self.state.lock();
        let file = match &*state {
            State::Open(file) => {
                self.used.store(true, Ordering::Relaxed);
                return Ok(file.clone());
            }
            State::Gone => return Err(io::Error::other("the file was removed meanwhile")),
            State::Closed(identity) => Arc::new(open_again(&path(), *identity)?),
        };
        *state = State::Open(file.clone());
        self.used.store(true, Ordering::Relaxed);
        drop(state);
        self.make_evictable();
        Ok(file)
    }

    /// The open file, for writing.
    pub fn get_to_write(
        self: &Arc<Self>,
        path: impl FnOnce() -> PathBuf,
    ) -> io::Result<Arc<fs::File>> {
        let file = self.get(path)?;
        // A thread that closes the file sees either that it is in use, or this flag.
        self.written.store(true, Ordering::Release);
        Ok(file)
    }

    /// Whether it can be used without opening it. Never blocks.
    pub fn is_open(&self) -> bool {
        let state = self.state.try_lock();
        state.is_some_and(|state| matches!(*state, State::Open(_)))
    }

    /// Whether this path leads to the open file, and not to another one or to none. Also true if
    /// that cannot be found out.
    pub fn is_at(&self, path: &Path) -> bool {
        let file = match &*self.state.lock() {
            State::Open(file) => file.clone(),
            State::Closed(_) | State::Gone => return true,
        };
        let is_same = || Ok(Identity::in_metadata(&fs::metadata(path)?) == Identity::of(&file)?);
        is_same().unwrap_or_else(|error: io::Error| {
            use io::ErrorKind as Kind;
            !matches!(error.kind(), Kind::NotFound | Kind::NotADirectory)
        })
    }

    /// Returns once everything written is on disk.
    pub fn sync(&self) -> io::Result<()> {
        let file = match &*self.state.lock() {
            State::Open(file) => Some(file.clone()),
            // It was synced when it was closed.
            State::Closed(_) | State::Gone => None,
        };
        if let Some(file) = file {
            self.written.store(false, Ordering::Release);
            file.sync_data()?;
        }
        self.failure.lock().take().map_or(Ok(()), Err)
    }

    /// Closes the file until it is needed again, unless it is in use.
    pub fn close(&self) -> bool {
        let mut state = self.state.lock();
        let State::Open(file) = &*state else {
            return true;
        };
        if Arc::strong_count(file) > 1 {
            return false;
        }
        let Ok(identity) = Identity::of(file) else {
            return false;
        };
        // A failure to write must be noticed here; later there might be nobody to report it to.
        if self.written.swap(false, Ordering::AcqRel)
            && let Err(error) = file.sync_data()
        {
            *self.failure.lock() = Some(error);
        }
        *state = State::Closed(identity);
        true
    }

    /// Closes the file for good once it is unused: it has been removed, or is about to be.
    pub fn close_for_good(&self) {
        *self.state.lock() = State::Gone;
    }

    pub fn is_closed_for_good(&self) -> bool {
        matches!(*self.state.lock(), State::Gone)
    }

    /// Whether it may be closed now.
    fn is_idle(&self) -> bool {
        let Some(state) = self.state.try_lock() else {
            return false;
        };
        match &*state {
            State::Open(file) => {
                Arc::strong_count(file) == 1 && !self.used.swap(false, Ordering::Relaxed)
            }
            State::Closed(_) | State::Gone => true,
        }
    }
}

/// Closes an evictable handle. False if all of them are in use.
fn close_one() -> bool {
    let idle = {
        let mut evictable = EVICTABLE.lock();
        let mut idle = None;
        // Twice around (the clock algorithm): a handle used since its last turn gets a second
        // chance.
        for _ in 0..2 * evictable.len() {
            let Some(next) = evictable.pop_front() else {
                break;
            };
            let Some(handle) = next.upgrade() else {
                continue;
            };
            if handle.is_idle() {
                handle.evictable.store(false, Ordering::Release);
                idle = Some(handle);
                break;
            }
            evictable.push_back(next);
        }
        idle
    };
    let Some(handle) = idle else {
        return false;
    };
    let closed = handle.close();
    if !closed && !handle.evictable.swap(true, Ordering::AcqRel) {
        // Another thread was faster.
        EVICTABLE.lock().push_back(Arc::downgrade(&handle));
    }
    closed
}

/// Performs an operation that needs a handle. If the process has none left, an evictable one is
/// closed for it.
pub fn with_one<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match act() {
            Err(error) if no_handle_is_left(&error) && close_one() => {}
            done => return done,
        }
    }
}

fn open_again(path: &Path, identity: Identity) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    let file = with_one(|| options.open(path))?;
    if Identity::of(&file)? != identity {
        return Err(io::Error::other("another file has its name now"));
    }
    Ok(file)
}

/// Whether the process, or the system, has reached its limit of open files.
pub fn no_handle_is_left(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [libc::EMFILE, libc::ENFILE];
    // ERROR_TOO_MANY_OPEN_FILES, ERROR_NO_SYSTEM_RESOURCES.
    #[cfg(not(unix))]
    let codes = [4, 1450];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}
