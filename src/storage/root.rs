//! The directory of a store: which process owns it, and which collections are in it.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use same_file::Handle;

use super::{
    file::{self, Files, failed},
    header::VERSION,
    keyring::{self, Keyring, StoreKeys, UserKey},
    pending, reserve,
    seal::Key,
    sync::Health,
};
use crate::error::{Error, Result};

const MARKER: &str = "STORE";
const LOCK: &str = "LOCK";
/// The file with the owner's process id. On Windows other processes cannot read a locked file.
const OWNER: &str = if cfg!(windows) { "OWNER" } else { LOCK };
const MARKED: &str = "vectorizer-native store, format version ";
const NEW: &str = "new";
const DROPPED: &str = "dropped";

/// A store's directory, locked for this process. Dropping it releases the store.
pub struct Root {
    files: Files,
    path: PathBuf,
    lock: Arc<Lock>,
    keys: Arc<StoreKeys>,
    next: AtomicU64,
}

/// The lock file of a directory, which also shows whether it is still the same directory.
pub struct Lock {
    path: PathBuf,
    file: Handle,
}

/// The name of a deleted collection's directory until it is removed.
pub fn dropped(directory: &Path) -> PathBuf {
    directory.with_extension(DROPPED)
}

fn number(name: &str) -> Option<u64> {
    let name = name.split('.').next().unwrap_or_default();
    let number = name.strip_prefix("collection-")?.parse::<u32>();
    number.ok().map(u64::from)
}

/// Whether an entry is a collection's directory being created or removed, or a file that marks one
/// as dropped.
fn is_unfinished(entry: &file::Entry) -> bool {
    let name = &entry.name;
    let known =
        |suffix| number(name).is_some_and(|n| *name == format!("{}.{suffix}", Root::name(n)));
    known(DROPPED) || entry.is_dir && known(NEW)
}

/// The directories of a store's collections. On Windows they may include a dropped one.
pub fn collections(store: &Path) -> Result<Vec<PathBuf>> {
    let entries = file::list(store)?.into_iter();
    let collections = entries.filter(|entry| {
        let is_one = number(&entry.name).is_some_and(|n| Root::name(n) == entry.name);
        entry.is_dir && is_one && !dropped(&entry.path).exists()
    });
    Ok(collections.map(|entry| entry.path).collect())
}

/// Creates a directory and its missing parents.
pub fn make(path: &Path) -> Result<PathBuf> {
    let made = file::directory_builder().recursive(true).create(path);
    let made = made.and_then(|()| dunce::canonicalize(path));
    made.map_err(|e| failed("create the directory", path, &e))
}

impl Root {
    /// Locks a store's directory, or turns an empty directory into a store. Leftovers of
    /// interrupted work are removed.
    ///
    /// `user` is the key of a store that is encrypted, or is to be.
    pub fn open(files: &Files, path: &Path, user: Option<UserKey>) -> Result<Self> {
        check_entries(path, &file::list(path)?)?;
        let lock = Arc::new(Lock::take(path)?);
        let marker = path.join(MARKER);
        let entries = file::list(path)?;
        let keyring = match fs::read(&marker) {
            Ok(text) => {
                check_marker(&marker, &text)?;
                let keyring = keyring::open(files, path, user.as_ref())?;
                keyring::tidy(files, path)?;
                pending::tidy(files, path)?;
                keyring
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keyring = Keyring::from(Key::random()?);
                keyring::create(files, path, &keyring, user.as_ref())?;
                mark(files, path)?;
                keyring
            }
            Err(error) => return Err(failed("read", &marker, &error)),
        };
        for entry in entries.iter().filter(|entry| is_unfinished(entry)) {
            wipe_dropped(files, &entry.path)?;
        }
        let last = entries.iter().filter_map(|entry| number(&entry.name)).max();
        Ok(Self {
            files: files.clone(),
            path: path.to_owned(),
            lock,
            keys: StoreKeys::new(keyring, user),
            next: AtomicU64::new(last.unwrap_or(0) + 1),
        })
    }

    /// The name of a collection's directory.
    pub fn name(number: u64) -> String {
        format!("collection-{number}")
    }

    pub fn lock(&self) -> &Arc<Lock> {
        &self.lock
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What an interrupted step over several collections has still to do.
    pub fn pending(&self) -> Result<Option<pending::Pending>> {
        pending::read(&self.path)
    }

    pub fn keys(&self) -> &Arc<StoreKeys> {
        &self.keys
    }

    /// Fails if `user` is not the key that the store was opened with.
    pub fn check_user(&self, user: Option<&UserKey>) -> Result<()> {
        self.keys.check(&self.files, &self.path, user)
    }

    /// Replaces the store's keys, and the user's.
    pub fn exchange(&self, keyring: Keyring, user: Option<UserKey>, health: &Health) -> Result<()> {
        let (files, path) = (&self.files, &self.path);
        self.keys.exchange(files, path, keyring, user, health)
    }

    /// The collections' directories.
    pub fn collections(&self) -> Result<Vec<PathBuf>> {
        collections(&self.path)
    }

    /// Creates a collection's directory with the contents written by `fill`, either completely or
    /// not at all. Returns its path and the result of `fill`.
    pub fn add<T>(
        &self,
        health: &Health,
        fill: impl FnOnce(&Path) -> Result<T>,
    ) -> Result<(PathBuf, T)> {
        let root = self.files.open_directory(&self.path)?;
        let name = Self::name(self.next.fetch_add(1, Ordering::Relaxed));
        let path = self.path.join(name);
        let new = path.with_extension(NEW);
        let made = self.files.create_directory(&new).and_then(|()| fill(&new));
        let made = made.and_then(|made| {
            self.files.rename(&new, &path)?;
            Ok(made)
        });
        match made {
            Ok(made) => {
                root.sync().map_err(|error| health.fail(error))?;
                Ok((path, made))
            }
            Err(error) if path.exists() => Err(health.fail(error)),
            Err(error) => {
                // Anything that cannot be removed now is removed at the next opening.
                let _ = self.files.wipe_directory(&new);
                Err(error)
            }
        }
    }

    /// Wipes and removes a deleted collection's directory.
    pub fn remove(&self, directory: &Path) -> Result<()> {
        remove(&self.files, directory)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // If this fails, the lock is released when the process ends.
        let _ = self.lock.file.as_file().unlock();
    }
}

/// Wipes and removes a deleted collection's directory.
pub fn remove(files: &Files, directory: &Path) -> Result<()> {
    wipe_dropped(files, &dropped(directory))
}

/// Removes a directory that was being created or removed; or the directory that a file of this name
/// marks as dropped, and then that file.
fn wipe_dropped(files: &Files, path: &Path) -> Result<()> {
    if path.is_dir() {
        return files.wipe_directory(path);
    }
    let directory = path.with_extension("");
    if directory.exists() {
        files.wipe_directory(&directory)?;
    }
    match directory.exists() {
        // Another process has it open. While it exists, the file must mark it as dropped.
        true => Ok(()),
        false => files.remove(path),
    }
}

/// Writes the file that makes a directory a store.
pub fn mark(files: &Files, path: &Path) -> Result<()> {
    let unfinished = path.join(format!("{MARKER}.{NEW}"));
    if unfinished.exists() {
        files.remove(&unfinished)?;
    }
    let file = files.create(&unfinished)?;
    file.write_at(0, format!("{MARKED}{VERSION}\n").as_bytes())?;
    file.sync()?;
    file.rename(&path.join(MARKER))?;
    files.sync_directory(path)
}

/// Removes the parts of a store that could not be completed, as far as possible.
pub fn unmake(files: &Files, path: &Path, collections: u64) {
    let marker = [format!("{MARKER}.{NEW}"), MARKER.into()];
    for name in marker.into_iter().chain(keyring::names()) {
        let file = path.join(name);
        if file.exists() {
            let _ = files.remove(&file);
        }
    }
    for number in 1..=collections {
        let directory = path.join(Root::name(number));
        if directory.exists() {
            let _ = files.wipe_directory(&directory);
        }
    }
}

/// Whether operating systems create an entry of this name in directories, or at the root of each
/// volume.
pub fn is_of_system(entry: &file::Entry) -> bool {
    const NAMES: [&str; 14] = [
        "lost+found",
        "System Volume Information",
        "$RECYCLE.BIN",
        "RECYCLER",
        "desktop.ini",
        "Thumbs.db",
        ".DS_Store",
        ".Spotlight-V100",
        ".TemporaryItems",
        ".Trashes",
        ".DocumentRevisions-V100",
        ".fseventsd",
        ".snapshot",
        "#snapshot",
    ];
    // On Windows the case may vary.
    NAMES
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&entry.name))
}

/// Checks that a directory is a store or empty, before anything is created in it.
fn check_entries(path: &Path, entries: &[file::Entry]) -> Result<()> {
    let mut own = [LOCK, OWNER, reserve::NAME].map(String::from).to_vec();
    own.push(format!("{MARKER}.{NEW}"));
    own.extend(keyring::names());
    let stranger = entries.iter().find(|entry| {
        !entry.name.starts_with('.') && !own.contains(&entry.name) && !is_of_system(entry)
    });
    match stranger {
        Some(stranger) if entries.iter().all(|entry| entry.name != MARKER) => {
            Err(Error::Storage(format!(
                "{} is no store: it holds {} and no file {MARKER}; choose another directory, or \
                 put the file back",
                path.display(),
                stranger.name
            )))
        }
        _ => Ok(()),
    }
}

/// Checks that a directory is a store of this version.
pub fn check(path: &Path) -> Result<()> {
    let marker = path.join(MARKER);
    let text = fs::read(&marker).map_err(|e| failed("read", &marker, &e))?;
    check_marker(&marker, &text)
}

fn check_marker(marker: &Path, text: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(text);
    let version = text
        .strip_prefix(MARKED)
        .and_then(|rest| rest.strip_suffix('\n'))
        .and_then(|version| version.parse::<u32>().ok());
    match version {
        Some(VERSION) => Ok(()),
        Some(version) => Err(Error::Storage(format!(
            "{} says that the store is of format version {version}, and this version of the \
             library reads version {VERSION}: use the version that wrote it",
            marker.display()
        ))),
        None => Err(Error::Storage(format!(
            "{} is damaged: it should hold the line '{MARKED}{VERSION}'; write it again",
            marker.display()
        ))),
    }
}

impl Lock {
    /// Locks the directory for this process. The system unlocks it when the process ends, however
    /// it ends.
    fn take(path: &Path) -> Result<Self> {
        let name = path.join(LOCK);
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        file::for_the_owner_only(&mut options);
        let mut file = options.open(&name).map_err(|e| failed("open", &name, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Error::StoreLocked {
                    path: path.display().to_string(),
                    pid: owner(path),
                });
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed("lock", &name, &error)),
        }
        let pid = format!("{}\n", std::process::id());
        let written = if OWNER == LOCK {
            // Overwrites the existing contents: on a full disk there is no space for anything else.
            file.write_all(pid.as_bytes())
                .and_then(|()| file.set_len(pid.len() as u64))
        } else {
            fs::write(path.join(OWNER), pid)
        };
        written.map_err(|e| failed("write to", &path.join(OWNER), &e))?;
        let file = Handle::from_file(file).map_err(|e| failed("lock", &name, &e))?;
        Ok(Self { path: name, file })
    }

    /// Fails if the path now leads to another file, or to none: the directory has then been
    /// removed, moved or replaced, and operations by path would affect other files.
    pub fn check(&self) -> Result<()> {
        let is_gone = match Handle::from_path(&self.path) {
            Ok(now) => now != self.file,
            // In other cases nothing is known, for example if there is no file descriptor left.
            Err(error) => matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ),
        };
        if !is_gone {
            return Ok(());
        }
        Err(Error::Storage(format!(
            "{} is not the file that this process has locked: the store's directory was removed, \
             moved or replaced while the store was open, and what was written since is not in it; \
             close the store before its directory is touched",
            self.path.display()
        )))
    }
}

/// The process id in the file. The owner may be just about to write it.
fn owner(path: &Path) -> Option<u32> {
    for _ in 0..20 {
        let text = fs::read_to_string(path.join(OWNER)).ok()?;
        if let (true, Ok(pid)) = (text.ends_with('\n'), text.trim().parse()) {
            return Some(pid);
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}
