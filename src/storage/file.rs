//! Files, and the only place where they are changed.
//!
//! Every change a store makes on disk is an [`Operation`] of a [`Files`]. Tests can interrupt it
//! right before, in the middle, or right after. Errors say which file was affected and what to do
//! about it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use uuid::Uuid;

use super::handle::{Handle, no_handle_is_left, with_one};
use crate::error::{Error, Result};

/// Zeros are written in blocks of this size.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A change on disk, as passed to an interrupt function.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    Create(&'a Path),
    CreateDirectory(&'a Path),
    /// The offset in the file, and the bytes.
    Write(&'a Path, u64, &'a [u8]),
    Truncate(&'a Path, u64),
    Sync(&'a Path),
    Rename(&'a Path, &'a Path),
    Remove(&'a Path),
}

/// When a change is interrupted. The change then fails with this operating system error number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    Before(i32),
    /// A write has written half of its bytes; any other change has not happened.
    Half(i32),
    After(i32),
}

/// Decides whether a change is interrupted.
pub type Interrupt = dyn Fn(Operation<'_>) -> Option<Interruption> + Send + Sync;

/// The file system operations of a store.
#[derive(Clone, Default)]
pub struct Files {
    interrupt: Option<Arc<Interrupt>>,
    boot_id: Option<u128>,
}

/// The maximum size of one write system call. ext4 caches the data of one call as one unit, and
/// every later change in it processes the whole unit: overwriting 1,900 bytes took 4.4 us if
/// the file had been written a megabyte at a time, and 2.2 us with this size (Linux 6.18).
const PIECE: usize = 16 << 10;

/// A file that another process has open is removed within a second, or left.
const RETRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// An open file. Reads and writes take an offset, so threads can share it.
pub struct File {
    files: Files,
    path: Mutex<PathBuf>,
    handle: Arc<Handle>,
}

/// An open directory, for syncing its entries.
pub struct Directory {
    files: Files,
    path: PathBuf,
    #[cfg(unix)]
    file: fs::File,
}

/// Converts an operating system error to one that says what it means for a store.
pub fn failed(action: &str, path: &Path, error: &io::Error) -> Error {
    use io::ErrorKind as Kind;
    let advice = match error.kind() {
        _ if no_handle_is_left(error) => "close some files, or let this process open more",
        Kind::FileTooLarge => "let this process write larger files",
        Kind::StorageFull | Kind::QuotaExceeded => "free some space",
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => "let this process read and write it",
        Kind::NotFound if action == "create" => "make its directory first",
        Kind::NotFound => "put it back, or restore a backup",
        Kind::UnexpectedEof => "it is shorter than it was: put it back, or restore a backup",
        _ => "check the disk",
    };
    Error::Storage(format!(
        "cannot {action} {}: {error}; {advice}",
        path.display()
    ))
}

/// Makes files created with these options readable and writable by their owner only, on systems
/// that have owners, whatever the process's umask allows.
pub fn for_the_owner_only(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// A builder of directories that only the owner can access.
pub fn directory_builder() -> fs::DirBuilder {
    #[allow(unused_mut)]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Whether the disk was full.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::StorageFull | Kind::QuotaExceeded)
}

/// Whether the system refused to enlarge a file, with the file itself intact.
pub fn is_refused(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    is_full(error) || matches!(error.kind(), Kind::FileTooLarge | Kind::OutOfMemory)
}

/// Whether a file is in use, probably not for long: on Windows, and on some network file systems, a
/// removed file stays until the last handle is closed.
fn is_busy(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION,
    // ERROR_DELETE_PENDING.
    let codes: &[i32] = if cfg!(windows) {
        &[5, 32, 33, 303]
    } else {
        &[]
    };
    matches!(error.kind(), Kind::DirectoryNotEmpty | Kind::ResourceBusy)
        || error
            .raw_os_error()
            .is_some_and(|code| codes.contains(&code))
}

/// Retries an operation that may have to wait until other processes have closed a file.
fn retry<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..RETRIES {
        match act() {
            Err(error) if is_busy(&error) => thread::sleep(PAUSE),
            done => return done,
        }
    }
    act()
}

impl Files {
    /// Files whose changes can be interrupted.
    pub fn interrupted_by(
        interrupt: impl Fn(Operation<'_>) -> Option<Interruption> + Send + Sync + 'static,
    ) -> Self {
        Self {
            interrupt: Some(Arc::new(interrupt)),
            boot_id: None,
        }
    }

    /// The same files, as if the system had been rebooted in the meantime.
    pub fn with_boot_id(self, boot_id: u128) -> Self {
        Self {
            boot_id: Some(boot_id),
            ..self
        }
    }

    /// Identifies the current boot of the system; zero if it cannot be determined.
    fn boot_id(&self) -> u128 {
        static BOOT_ID: OnceLock<u128> = OnceLock::new();
        self.boot_id.unwrap_or_else(|| {
            *BOOT_ID.get_or_init(|| {
                let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
                let id = id.ok().and_then(|id| Uuid::parse_str(id.trim()).ok());
                id.map_or(0, |id| id.as_u128())
            })
        })
    }

    fn change(
        &self,
        operation: Operation<'_>,
        half: impl FnOnce() -> io::Result<()>,
        change: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let interruption = self.interrupt.as_ref().and_then(|ask| ask(operation));
        let code = match interruption {
            None => return change(),
            Some(Interruption::Before(code)) => code,
            Some(Interruption::Half(code)) => {
                half()?;
                code
            }
            Some(Interruption::After(code)) => {
                change()?;
                code
            }
        };
        Err(io::Error::from_raw_os_error(code))
    }

    fn whole(
        &self,
        operation: Operation<'_>,
        change: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        self.change(operation, || Ok(()), change)
    }

    /// Creates a new file; it is an error if it exists.
    pub fn create(&self, path: &Path) -> Result<File> {
        self.try_create(path)
            .map_err(|e| failed("create", path, &e))
    }

    pub fn try_create(&self, path: &Path) -> io::Result<File> {
        let mut made = None;
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        for_the_owner_only(&mut options);
        let create = || {
            made = Some(with_one(|| options.open(path))?);
            Ok(())
        };
        self.whole(Operation::Create(path), create)?;
        let made = made.ok_or_else(|| io::Error::other("it was not created"))?;
        Ok(self.file(path, made))
    }

    pub fn open(&self, path: &Path) -> Result<File> {
        self.try_open(path).map_err(|e| failed("open", path, &e))
    }

    pub fn try_open(&self, path: &Path) -> io::Result<File> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true);
        Ok(self.file(path, with_one(|| options.open(path))?))
    }

    /// Opens a file that will not be changed.
    pub fn open_to_read(&self, path: &Path) -> Result<File> {
        self.try_open_to_read(path)
            .map_err(|e| failed("open", path, &e))
    }

    pub fn try_open_to_read(&self, path: &Path) -> io::Result<File> {
        Ok(self.file(path, with_one(|| fs::File::open(path))?))
    }

    fn file(&self, path: &Path, file: fs::File) -> File {
        File {
            files: self.clone(),
            path: Mutex::new(path.to_owned()),
            handle: Handle::new(file),
        }
    }

    /// Opens a directory, so that changes to its entries (created, renamed and removed files) can
    /// be synced.
    pub fn open_directory(&self, path: &Path) -> Result<Directory> {
        Ok(Directory {
            files: self.clone(),
            path: path.to_owned(),
            // On other systems directories cannot be opened, and need not be.
            #[cfg(unix)]
            file: fs::File::open(path).map_err(|e| failed("open the directory", path, &e))?,
        })
    }

    pub fn create_directory(&self, path: &Path) -> Result<()> {
        let make = || directory_builder().create(path);
        self.whole(Operation::CreateDirectory(path), make)
            .map_err(|e| failed("create the directory", path, &e))
    }

    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.try_rename(from, to)
            .map_err(|e| failed("rename", from, &e))
    }

    pub fn try_rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole(Operation::Rename(from, to), || fs::rename(from, to))
    }

    pub fn remove(&self, path: &Path) -> Result<()> {
        self.try_remove(path)
            .map_err(|e| failed("remove", path, &e))
    }

    pub fn try_remove(&self, path: &Path) -> io::Result<()> {
        retry(|| self.whole(Operation::Remove(path), || fs::remove_file(path)))
    }

    /// Removes a file of sealed data. If another process keeps it open, it is left for now.
    pub fn discard(&self, path: &Path) -> Result<()> {
        let remove = || self.whole(Operation::Remove(path), || fs::remove_file(path));
        match retry(remove) {
            Err(error) if !is_busy(&error) => Err(failed("remove", path, &error)),
            _ => Ok(()),
        }
    }

    /// Syncs the created, renamed and removed entries of a directory to disk.
    pub fn sync_directory(&self, path: &Path) -> Result<()> {
        self.open_directory(path)?.sync()
    }

    /// Overwrites a file with zeros and removes it, so that its contents do not remain in free
    /// blocks.
    pub fn wipe(&self, path: &Path) -> Result<()> {
        let open = || self.try_open(path);
        retry(open).map_err(|e| failed("open", path, &e))?.wipe()
    }

    /// Wipes a collection's keys, without which everything else in it is noise, and removes its
    /// directory. Files that another process has open may remain a while longer.
    pub fn wipe_directory(&self, path: &Path) -> Result<()> {
        let (keys, others): (Vec<_>, Vec<_>) = list(path)?
            .into_iter()
            .partition(|entry| !entry.is_dir && entry.name.starts_with("keys."));
        for entry in keys {
            self.wipe(&entry.path)?;
        }
        for entry in others {
            match entry.is_dir {
                true => self.wipe_directory(&entry.path)?,
                false => self.discard(&entry.path)?,
            }
        }
        let remove = || self.whole(Operation::Remove(path), || fs::remove_dir(path));
        match retry(remove) {
            Err(error) if !is_busy(&error) => Err(failed("remove the directory", path, &error)),
            _ => Ok(()),
        }
    }
}

impl Directory {
    pub fn sync(&self) -> Result<()> {
        #[cfg(unix)]
        self.files
            .whole(Operation::Sync(&self.path), || self.file.sync_all())
            .map_err(|e| failed("sync the directory", &self.path, &e))?;
        #[cfg(not(unix))]
        let _ = (&self.files, &self.path);
        Ok(())
    }
}

/// An entry of a directory.
pub struct Entry {
    pub name: String,
    pub path: PathBuf,
    pub is_dir: bool,
}

/// A directory's entries, sorted by name.
pub fn list(path: &Path) -> Result<Vec<Entry>> {
    let read = || -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in with_one(|| fs::read_dir(path))? {
            let entry = entry?;
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                path: entry.path(),
                is_dir: entry.file_type()?.is_dir(),
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    };
    read().map_err(|e| failed("read the directory", path, &e))
}

impl File {
    pub fn path(&self) -> PathBuf {
        self.path.lock().clone()
    }

    /// Identifies the current boot of the system; zero if it cannot be determined.
    pub fn boot_id(&self) -> u128 {
        self.files.boot_id()
    }

    /// Renames the file, replacing any existing file of that name.
    pub fn rename(&self, to: &Path) -> Result<()> {
        self.files.rename(&self.path(), to)?;
        *self.path.lock() = to.to_owned();
        Ok(())
    }

    /// Records the file's new path after its directory was renamed.
    pub fn moved(&self, to: &Path) {
        *self.path.lock() = to.to_owned();
    }

    /// Allows its handle to be closed while unused, and reopened when needed.
    pub fn make_evictable(&self) {
        self.handle.make_evictable();
    }

    /// Keeps it open as long as the returned handle exists.
    pub fn hold(&self) -> Result<Arc<fs::File>> {
        self.handle
            .get(|| self.path())
            .map_err(|e| failed("open", &self.path(), &e))
    }

    /// Whether it can be used without opening it. Never blocks.
    pub fn is_open(&self) -> bool {
        self.handle.is_open()
    }

    /// Whether its path leads to it, and not to another file or to none, as far as can be found out.
    pub fn is_in_place(&self) -> bool {
        self.handle.is_at(&self.path())
    }

    /// Closes it until it is needed again, unless it is being held.
    pub fn close(&self) {
        self.handle.close();
    }

    /// Closes it for good once nothing holds it: it has been removed, or is about to be.
    pub fn close_for_good(&self) {
        self.handle.close_for_good();
    }

    /// Whether `close_for_good` has been called.
    pub fn is_closed_for_good(&self) -> bool {
        self.handle.is_closed_for_good()
    }

    pub fn size(&self) -> Result<u64> {
        let size = || Ok(self.handle.get(|| self.path())?.metadata()?.len());
        size().map_err(|e: io::Error| failed("read the size of", &self.path(), &e))
    }

    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let mut read = || read_exact_at(&*self.handle.get(|| self.path())?, buffer, offset);
        read().map_err(|e| failed("read", &self.path(), &e))
    }

    /// Reads as `read_at` does. With `wait` false, returns `WouldBlock` unless the file is open, and
    /// the system has these bytes in memory and can say so.
    pub fn read(&self, offset: u64, buffer: &mut [u8], wait: bool) -> Result<()> {
        if wait {
            return self.read_at(offset, buffer);
        }
        let cached = match self.is_open() {
            true => self
                .handle
                .get(|| self.path())
                .map(|file| read_cached_at(&file, buffer, offset)),
            false => Ok(false),
        };
        match cached {
            Ok(true) => Ok(()),
            _ => Err(Error::WouldBlock),
        }
    }

    /// Tells the system that these bytes are about to be read, so that it fetches those that it does
    /// not have while the caller does something else.
    pub fn will_read(&self, offset: u64, len: u64) {
        if let Ok(file) = self.handle.get(|| self.path()) {
            fetch(&file, offset, len);
        }
    }

    /// Reads whatever is available, up to the size of the buffer.
    pub fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_some_at(&*self.handle.get(|| self.path())?, buffer, offset)
    }

    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.try_write_at(offset, bytes)
            .map_err(|e| failed("write to", &self.path(), &e))
    }

    pub fn try_write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = &*self.handle.get_to_write(|| self.path())?;
        let whole = || {
            let mut at = offset;
            bytes.chunks(PIECE).try_for_each(|piece| {
                write_all_at(file, piece, at)?;
                at += piece.len() as u64;
                Ok(())
            })
        };
        // Looking up the path would cost more than the write itself.
        match self.files.interrupt {
            None => whole(),
            Some(_) => self.files.change(
                Operation::Write(&self.path(), offset, bytes),
                || write_all_at(file, &bytes[..bytes.len() / 2], offset),
                whole,
            ),
        }
    }

    /// Overwrites `len` bytes with zeros.
    pub fn erase(&self, offset: u64, len: u64) -> Result<()> {
        self.try_erase(offset, len)
            .map_err(|e| failed("write to", &self.path(), &e))
    }

    pub fn try_erase(&self, offset: u64, len: u64) -> io::Result<()> {
        let mut done = 0;
        while done < len {
            let portion = (len - done).min(ZEROS.len() as u64);
            self.try_write_at(offset + done, &ZEROS[..portion as usize])?;
            done += portion;
        }
        Ok(())
    }

    pub fn truncate(&self, len: u64) -> Result<()> {
        let path = self.path();
        let truncate = || {
            let file = self.handle.get_to_write(|| path.clone())?;
            self.files
                .whole(Operation::Truncate(&path, len), || file.set_len(len))
        };
        truncate().map_err(|e| failed("truncate", &path, &e))
    }

    /// Truncates the file to `len`. The rest is first zeroed on disk, because it must not remain in
    /// free blocks.
    pub fn cut(&self, len: u64) -> Result<()> {
        let behind = self.size()?.saturating_sub(len);
        let erased = match behind {
            0 => Ok(()),
            _ => self.erase(len, behind).and_then(|()| self.sync()),
        };
        self.truncate(len).and(erased)
    }

    /// Returns once everything written so far would survive a power failure.
    pub fn sync(&self) -> Result<()> {
        let path = self.path();
        self.files
            .whole(Operation::Sync(&path), || self.handle.sync())
            .map_err(|e| failed("sync", &path, &e))
    }

    /// Overwrites the file with zeros and removes it. If another process has it open, it may remain
    /// a while longer, as zeros.
    pub fn wipe(&self) -> Result<()> {
        let path = self.path();
        let size = self.size()?;
        match self.try_erase(0, size) {
            // Copy-on-write file systems need free space even to overwrite.
            Err(error) if is_full(&error) => {}
            erased => {
                erased.map_err(|e| failed("write to", &path, &e))?;
                self.sync()?;
            }
        }
        self.remove()
    }

    /// Removes the file. If another process has it open, it may remain a while longer.
    pub fn remove(&self) -> Result<()> {
        self.close_for_good();
        self.files.discard(&self.path())
    }
}

#[cfg(unix)]
fn read_some_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_some_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// Whether the system can tell what it has of a file in memory.
pub const TELLS_CACHED: bool = cfg!(all(target_os = "linux", target_pointer_width = "64"));

/// Fills the buffer if that needs no access to a disk. False if it would, or if the file system
/// cannot tell.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn read_cached_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> bool {
    use std::os::fd::AsRawFd;
    let part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // The system call itself, as old versions of musl have no function for it.
    // SAFETY: the descriptor is open as long as `file` is, and the one part is a valid buffer that
    // nobody else uses. The arguments have the widths that the call reads: the number of parts, the
    // two halves of the offset, of which 64-bit systems ignore the upper one, and the flags.
    let read = unsafe {
        libc::syscall(
            libc::SYS_preadv2,
            file.as_raw_fd(),
            &raw const part,
            1usize,
            offset as usize,
            0usize,
            libc::RWF_NOWAIT,
        )
    };
    usize::try_from(read).is_ok_and(|read| read == buffer.len())
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn read_cached_at(_file: &fs::File, _buffer: &mut [u8], _offset: u64) -> bool {
    false
}

/// Begins to read part of a file into the system's memory. Only Linux is asked to.
#[cfg(target_os = "linux")]
fn fetch(file: &fs::File, offset: u64, len: u64) {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open as long as `file` is, and the call accesses no memory. Whatever
    // the numbers are, it refuses or begins to read.
    unsafe {
        libc::posix_fadvise(
            file.as_raw_fd(),
            offset as libc::off_t,
            len as libc::off_t,
            libc::POSIX_FADV_WILLNEED,
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn fetch(_file: &fs::File, _offset: u64, _len: u64) {}

#[cfg(unix)]
fn read_exact_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_all_at(file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &fs::File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_all_at(file: &fs::File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}
