//! Files, and the one place where they are changed.
//!
//! Every change a store makes on disk is an [`Operation`] of a [`Files`], which tests can
//! interrupt: right before it, in the middle of it, or right after it. What fails says
//! which file it was and what to do about it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::error::{Error, Result};

/// Zeros are written this many at a time.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A change on disk, as an interruption sees it.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    Create(&'a Path),
    CreateDirectory(&'a Path),
    /// The bytes, and where in the file they go.
    Write(&'a Path, u64, &'a [u8]),
    Truncate(&'a Path, u64),
    Sync(&'a Path),
    Rename(&'a Path, &'a Path),
    Remove(&'a Path),
}

/// When a change is interrupted. The change then fails with the system's error of this
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    Before(i32),
    /// A write has written half of its bytes; any other change has not happened.
    Half(i32),
    After(i32),
}

/// Says whether a change is interrupted.
pub type Interrupt = dyn Fn(Operation<'_>) -> Option<Interruption> + Send + Sync;

/// The file system as a store uses it.
#[derive(Clone, Default)]
pub struct Files {
    interrupt: Option<Arc<Interrupt>>,
    run: Option<u128>,
}

/// Bytes written by one call of the system. What ext4 takes in one call it caches in one
/// piece, and goes through all of that for every later change in it: overwriting 1,900
/// bytes took 4.4 us where the file had been written a megabyte at a time, and 2.2 us with
/// this (Linux 6.18).
const PIECE: usize = 16 << 10;

/// An open file. Reads and writes name their place, so that threads share it.
pub struct File {
    files: Files,
    path: Mutex<PathBuf>,
    file: fs::File,
}

/// What an error of the system means for a store.
pub fn failed(action: &str, path: &Path, error: &io::Error) -> Error {
    use io::ErrorKind as Kind;
    let advice = match error.kind() {
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

impl Files {
    /// Files whose changes can be interrupted.
    pub fn interrupted_by(
        interrupt: impl Fn(Operation<'_>) -> Option<Interruption> + Send + Sync + 'static,
    ) -> Self {
        Self {
            interrupt: Some(Arc::new(interrupt)),
            run: None,
        }
    }

    /// The same files, as if the system had been started again meanwhile.
    pub fn in_run(self, run: u128) -> Self {
        Self {
            run: Some(run),
            ..self
        }
    }

    /// Names the present run of the system; zero where that cannot be known.
    fn run(&self) -> u128 {
        static RUN: OnceLock<u128> = OnceLock::new();
        self.run.unwrap_or_else(|| {
            *RUN.get_or_init(|| {
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

    /// A new file; one that exists is an error.
    pub fn create(&self, path: &Path) -> Result<File> {
        let mut made = None;
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let create = || {
            made = Some(options.open(path)?);
            Ok(())
        };
        let done = self.whole(Operation::Create(path), create);
        match (done, made) {
            (Ok(()), Some(file)) => Ok(File {
                files: self.clone(),
                path: Mutex::new(path.to_owned()),
                file,
            }),
            (Err(error), _) => Err(failed("create", path, &error)),
            (Ok(()), None) => Err(Error::Internal("a file was not created".into())),
        }
    }

    pub fn open(&self, path: &Path) -> Result<File> {
        let mut options = fs::OpenOptions::new();
        let file = options.read(true).write(true).open(path);
        Ok(File {
            files: self.clone(),
            path: Mutex::new(path.to_owned()),
            file: file.map_err(|e| failed("open", path, &e))?,
        })
    }

    /// A file that is not going to be changed.
    pub fn open_to_read(&self, path: &Path) -> Result<File> {
        Ok(File {
            files: self.clone(),
            path: Mutex::new(path.to_owned()),
            file: fs::File::open(path).map_err(|e| failed("open", path, &e))?,
        })
    }

    pub fn create_directory(&self, path: &Path) -> Result<()> {
        self.whole(Operation::CreateDirectory(path), || fs::create_dir(path))
            .map_err(|e| failed("create the directory", path, &e))
    }

    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.whole(Operation::Rename(from, to), || fs::rename(from, to))
            .map_err(|e| failed("rename", from, &e))
    }

    pub fn remove(&self, path: &Path) -> Result<()> {
        self.whole(Operation::Remove(path), || fs::remove_file(path))
            .map_err(|e| failed("remove", path, &e))
    }

    /// Makes created, renamed and removed entries of a directory last.
    pub fn sync_directory(&self, path: &Path) -> Result<()> {
        // Elsewhere directories cannot be opened, and need not be.
        #[cfg(unix)]
        self.whole(Operation::Sync(path), || fs::File::open(path)?.sync_all())
            .map_err(|e| failed("sync the directory", path, &e))?;
        #[cfg(not(unix))]
        let _ = path;
        Ok(())
    }

    /// Overwrites a file with zeros and removes it, so that what was in it does not stay
    /// behind in free blocks.
    pub fn wipe(&self, path: &Path) -> Result<()> {
        let file = self.open(path)?;
        file.erase(0, file.size()?)?;
        file.sync()?;
        drop(file);
        self.remove(path)
    }

    /// Wipes every file of a directory and removes the directory.
    pub fn wipe_directory(&self, path: &Path) -> Result<()> {
        for entry in list(path)? {
            if entry.is_dir {
                self.wipe_directory(&entry.path)?;
            } else {
                self.wipe(&entry.path)?;
            }
        }
        self.whole(Operation::Remove(path), || fs::remove_dir(path))
            .map_err(|e| failed("remove the directory", path, &e))
    }
}

/// An entry of a directory.
pub struct Entry {
    pub name: String,
    pub path: PathBuf,
    pub is_dir: bool,
}

/// A directory's entries, by name.
pub fn list(path: &Path) -> Result<Vec<Entry>> {
    let read = || -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
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

    /// Names the present run of the system; zero where that cannot be known.
    pub fn run(&self) -> u128 {
        self.files.run()
    }

    /// Gives the file another name, over whatever had it.
    pub fn rename(&self, to: &Path) -> Result<()> {
        self.files.rename(&self.path(), to)?;
        *self.path.lock() = to.to_owned();
        Ok(())
    }

    /// For sequential reading.
    pub fn inner(&self) -> &fs::File {
        &self.file
    }

    pub fn size(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata
            .map_err(|e| failed("read the size of", &self.path(), &e))?
            .len())
    }

    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        read_exact_at(&self.file, buffer, offset).map_err(|e| failed("read", &self.path(), &e))
    }

    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let whole = || {
            let mut at = offset;
            bytes.chunks(PIECE).try_for_each(|piece| {
                write_all_at(&self.file, piece, at)?;
                at += piece.len() as u64;
                Ok(())
            })
        };
        // Naming the file would cost more than writing it.
        let done = match self.files.interrupt {
            None => whole(),
            Some(_) => self.files.change(
                Operation::Write(&self.path(), offset, bytes),
                || write_all_at(&self.file, &bytes[..bytes.len() / 2], offset),
                whole,
            ),
        };
        done.map_err(|e| failed("write to", &self.path(), &e))
    }

    /// Overwrites `len` bytes with zeros.
    pub fn erase(&self, offset: u64, len: u64) -> Result<()> {
        let mut done = 0;
        while done < len {
            let portion = (len - done).min(ZEROS.len() as u64);
            self.write_at(offset + done, &ZEROS[..portion as usize])?;
            done += portion;
        }
        Ok(())
    }

    pub fn truncate(&self, len: u64) -> Result<()> {
        let path = self.path();
        self.files
            .whole(Operation::Truncate(&path, len), || self.file.set_len(len))
            .map_err(|e| failed("truncate", &path, &e))
    }

    /// Returns when everything written so far would survive a loss of power.
    pub fn sync(&self) -> Result<()> {
        let path = self.path();
        self.files
            .whole(Operation::Sync(&path), || self.file.sync_data())
            .map_err(|e| failed("sync", &path, &e))
    }
}

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
