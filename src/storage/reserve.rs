//! Disk space reserved for deletes.
//!
//! A delete writes a record before it destroys any key. On a full disk there would be no space for
//! the record, and no way to free any. So a store has a filler file, whose space inserts may not
//! use: it is created before the first insert, and restored to its full size before any further
//! one. When a delete finds the disk full, the file is shortened.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    file::{Files, failed, is_full},
    record::checksum,
};
use crate::error::Result;

/// The name of the file.
pub const NAME: &str = "RESERVE";
/// Enough for the records of a hundred thousand deleted vectors, or of ten thousand single deletes;
/// with a ledger, of thirty thousand vectors, or of a thousand single deletes.
pub const SIZE: u64 = 1 << 20;
/// The file is shortened by this much at a time: others may be waiting for space as well.
const STEP: u64 = 64 << 10;

/// Data that file systems neither compress nor leave out, as they may do with zeros.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let words = 0..STEP / 8;
    let noise = words.flat_map(|word| checksum(&word.to_le_bytes()).to_le_bytes());
    noise.collect()
});

pub struct Reserve {
    files: Files,
    path: PathBuf,
    /// Whether the file has its full size, so that inserts need not check it.
    whole: AtomicBool,
    changing: Mutex<()>,
}

impl Reserve {
    pub fn new(files: &Files, store: &Path) -> Self {
        Self {
            files: files.clone(),
            path: store.join(NAME),
            whole: AtomicBool::new(false),
            changing: Mutex::default(),
        }
    }

    /// Restores the file to its full size; an error means that there is no space for that. Other
    /// failures must not prevent inserts: there is then merely less space for deletes.
    pub fn refill(&self) -> Result<()> {
        if self.whole.load(Ordering::Acquire) {
            return Ok(());
        }
        let _one = self.changing.lock();
        match self.fill() {
            Err(error) if is_full(&error) => Err(failed("write to", &self.path, &error)),
            _ => {
                self.whole.store(true, Ordering::Release);
                Ok(())
            }
        }
    }

    fn fill(&self) -> io::Result<()> {
        let mut size = self.size();
        if size >= SIZE {
            return Ok(());
        }
        let file = match self.path.exists() {
            true => self.files.try_open(&self.path)?,
            false => self.files.try_create(&self.path)?,
        };
        while size < SIZE {
            let step = (SIZE - size).min(STEP);
            file.try_write_at(size, &NOISE[..step as usize])?;
            size += step;
        }
        Ok(())
    }

    /// Frees some of the space for a delete. False if there is none left.
    pub fn release(&self) -> bool {
        let _one = self.changing.lock();
        self.whole.store(false, Ordering::Release);
        let size = self.size();
        if size == 0 {
            return false;
        }
        let Ok(file) = self.files.open(&self.path) else {
            return false;
        };
        // Some file systems reuse only space that they know to be free on disk.
        let shorter = file.truncate(size.saturating_sub(STEP));
        shorter.and_then(|()| file.sync()).is_ok()
    }

    fn size(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}
