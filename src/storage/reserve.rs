//! Room that is kept for deletes.
//!
//! A delete writes a record before it destroys any key, and on a disk that is full there
//! would be no room for it, and no way to make any. So a store has a file of nothing, which
//! inserts may not use: it is made before the first of them, and made whole again before
//! another. Where a delete finds no room, the file is made shorter.

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

/// What the file is called.
pub const NAME: &str = "RESERVE";
/// The records of a hundred thousand deleted vectors, or of ten thousand single deletes.
pub const SIZE: u64 = 1 << 20;
/// The file is made so much shorter at a time: others may be waiting for room as well.
const STEP: u64 = 64 << 10;

/// Nothing that a file system would compress, or leave out as it does zeros.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let words = 0..STEP / 8;
    let noise = words.flat_map(|word| checksum(&word.to_le_bytes()).to_le_bytes());
    noise.collect()
});

pub struct Reserve {
    files: Files,
    path: PathBuf,
    /// Inserts need not look at it.
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

    /// Makes the file whole; an error says that there is no room for that. What else could
    /// go wrong is no reason not to insert: there is less room for deletes then.
    pub fn keep(&self) -> Result<()> {
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

    /// Gives some of the room to whoever deletes. False when there is none left.
    pub fn give(&self) -> bool {
        let _one = self.changing.lock();
        self.whole.store(false, Ordering::Release);
        let size = self.size();
        if size == 0 {
            return false;
        }
        let Ok(file) = self.files.open(&self.path) else {
            return false;
        };
        // Some file systems give out again only what they know to be free on the disk.
        let shorter = file.truncate(size.saturating_sub(STEP));
        shorter.and_then(|()| file.sync()).is_ok()
    }

    fn size(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}
