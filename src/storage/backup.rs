//! A backup: collections in one file, of the same records as a log.
//!
//! A backup is, after the beginning that all files have, for each collection its settings
//! and commits that put its entries, and at the end a record that says how many there
//! are. It gets its name when it is whole and on the disk.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    file::{self, Directory, File, Files, failed},
    header::{self, PREAMBLE, damaged},
    log::{Index, Input, Known, Log, Writer, refused},
    record::{Damage, Head, Kind, Record, text},
    root::{self, Root},
    sync::{Fsync, Health},
};
use crate::error::{Error, Result};

/// Entries are copied into records of about this size.
const PORTION: u64 = 1 << 20;
/// How the name of an unfinished backup ends.
const PART: &str = ".part";

/// A backup that is being written. Dropped before it is finished, it leaves nothing.
pub struct Backup {
    files: Files,
    path: PathBuf,
    file: Arc<File>,
    directory: Directory,
    leftovers: Vec<PathBuf>,
    end: u64,
    collections: u64,
    vectors: u64,
    finished: bool,
}

/// What the end of a backup says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    collections: u64,
    vectors: u64,
}

/// What was written to, or read from, a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub path: PathBuf,
    pub collections: u64,
    pub vectors: u64,
    /// The bytes of the backup file.
    pub bytes: u64,
    /// The unfinished backups that were removed from the directory of a new one.
    pub leftovers: Vec<PathBuf>,
}

/// What the file of a backup is called while it is written.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}{PART}", Uuid::now_v7().simple()));
    path.with_file_name(name)
}

fn is_unfinished(entry: &file::Entry) -> bool {
    let name = entry.name.strip_suffix(PART);
    let id = name.and_then(|name| name.rsplit_once('.'));
    !entry.is_dir && id.is_some_and(|(_, id)| id.len() == 32 && Uuid::parse_str(id).is_ok())
}

/// Removes the unfinished backups in a directory whose processes have ended. Whoever writes
/// one holds its lock, and has it before the first byte is written.
fn remove_leftovers(files: &Files, directory: &Path) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for entry in file::list(directory)?.into_iter().filter(is_unfinished) {
        let mut remove = || -> Result<()> {
            let file = files.open(&entry.path)?;
            let mut beginning = [0; PREAMBLE];
            file.read_at(0, &mut beginning)?;
            // Zeros: somebody has begun to remove it.
            let is_ours =
                beginning == header::preamble(header::BACKUP) || beginning == [0; PREAMBLE];
            if is_ours && file.hold()?.try_lock().is_ok() {
                file.wipe()?;
                removed.push(entry.path.clone());
            }
            Ok(())
        };
        // One that cannot be removed is no reason not to make another.
        let _ = remove();
    }
    Ok(removed)
}

impl Backup {
    /// Begins a backup. A file that exists is never overwritten. What backups have left in
    /// the directory whose processes ended is removed.
    pub fn create(files: &Files, path: &Path) -> Result<Self> {
        // The process may have another directory when it is finished.
        let path = std::path::absolute(path).map_err(|e| failed("write to", path, &e))?;
        check_free(&path)?;
        let parent = path.parent().unwrap_or(&path);
        let leftovers = remove_leftovers(files, parent).unwrap_or_default();
        let part = unfinished(&path);
        let file = Arc::new(files.create(&part).inspect_err(|_| {
            // Nobody else has a file of this name.
            let _ = fs::remove_file(&part);
        })?);
        let directory = files.open_directory(parent).and_then(|directory| {
            // Where there are no locks nobody removes it.
            let _ = file.hold()?.try_lock();
            file.write_at(0, &header::preamble(header::BACKUP))?;
            Ok(directory)
        });
        match directory {
            Ok(directory) => Ok(Self {
                files: files.clone(),
                path,
                file,
                directory,
                leftovers,
                end: PREAMBLE as u64,
                collections: 0,
                vectors: 0,
                finished: false,
            }),
            Err(error) => {
                discard(files, &file);
                Err(error)
            }
        }
    }

    /// Begins a collection: its entries are appended with the writer returned.
    pub fn section(&self, config: &str) -> Result<Writer> {
        let mut writer = Writer::new(self.file.clone(), self.end);
        let (record, data) = Record::of_text(Kind::Config, config);
        writer.append(&record, &data)?;
        Ok(writer)
    }

    /// Ends the collection that the writer has written up to `end`.
    pub fn end_section(&mut self, end: u64, vectors: u64) {
        self.end = end;
        self.collections += 1;
        self.vectors += vectors;
    }

    /// Forgets what was written of a collection that has gone meanwhile.
    pub fn drop_section(&self) -> Result<()> {
        self.file.cut(self.end)
    }

    pub fn finish(mut self) -> Result<Restored> {
        let contents = Contents {
            collections: self.collections,
            vectors: self.vectors,
        };
        let contents = serde_json::to_string(&contents)
            .map_err(|_| Error::Internal("a backup's contents cannot be written".into()))?;
        let (record, data) = Record::of_text(Kind::Done, &contents);
        let mut writer = Writer::new(self.file.clone(), self.end);
        writer.append(&record, &data)?;
        self.file.sync()?;
        check_free(&self.path)?;
        let renamed = self.file.rename(&self.path);
        if renamed.is_err() && !self.file.path().exists() {
            self.file.moved(&self.path);
        }
        renamed?;
        self.directory.sync()?;
        let _ = self.file.hold()?.unlock();
        self.finished = true;
        Ok(Restored {
            path: self.path.clone(),
            collections: self.collections,
            vectors: self.vectors,
            bytes: writer.end,
            leftovers: std::mem::take(&mut self.leftovers),
        })
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if !self.finished {
            discard(&self.files, &self.file);
        }
    }
}

/// Removes the file of a backup that failed: the caller is told why it did.
fn discard(files: &Files, file: &File) {
    if file.wipe().is_err() {
        // Better not overwritten than there.
        let _ = files.remove(&file.path());
    }
}

fn check_free(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("write to", path, &error)),
        Ok(_) => Err(Error::Storage(format!(
            "{} exists, and a backup never overwrites anything: choose another name",
            path.display()
        ))),
    }
}

/// What is done with a backup that is read.
trait Visitor {
    fn collection(&mut self, index: &Index) -> Result<()>;
    fn entry(&mut self, head: &Head, part: &[u8], offset: u64) -> Result<()>;
}

/// Reads all of a backup, checking every byte of it, and hands over each collection and
/// then its entries.
fn read(
    files: &Files,
    path: &Path,
    dimension_of: impl Fn(&str) -> Result<usize>,
    visitor: &mut impl Visitor,
) -> Result<(Contents, u64)> {
    let file = files.open_to_read(path)?;
    let len = header::check_file(&file, header::BACKUP, PREAMBLE as u64)?;
    let known = Known::all(len);
    let mut found = Contents {
        collections: 0,
        vectors: 0,
    };
    let mut at = PREAMBLE as u64;
    loop {
        let mut input = Input::new(&file, at);
        let next = Record::read(&mut input, len - at, 0);
        let next = next.map_err(|why| refused(path, at, why))?;
        match next.kind {
            Kind::Done => {
                let contents = input.part(next.data)?;
                let contents = text(contents).and_then(|text| serde_json::from_str(text).ok());
                if contents != Some(found) || input.position() != len {
                    return Err(damaged(path, "it does not hold what its end says"));
                }
                return Ok((found, len));
            }
            Kind::Commit => {
                let why = Damage::Corrupt("a record is of the wrong kind");
                return Err(refused(path, at, why));
            }
            Kind::Config => {}
        }
        let index = Index::read(&file, at, len, known, &dimension_of)?;
        visitor.collection(&index)?;
        found.collections += 1;
        let mut input = Input::new(&file, at);
        for part in index.parts.iter() {
            input.skip(part.place.offset - input.position());
            let bytes = input.part(part.place.len.into())?;
            if !part.live {
                // Deleted while the backup was written.
                if bytes.iter().any(|&byte| byte != 0) {
                    return Err(damaged(path, "what was deleted is not erased"));
                }
                continue;
            }
            if part.head.content(bytes, index.dimension).is_none() {
                let why = format!("the vector at byte {} is damaged", part.place.offset);
                return Err(damaged(path, &why));
            }
            found.vectors += 1;
            visitor.entry(&part.head, bytes, part.place.offset)?;
        }
        at = index.end;
    }
}

/// Only looks.
struct Verifying<P> {
    total: u64,
    told: u64,
    progress: P,
}

impl<P: FnMut(u64, u64)> Visitor for Verifying<P> {
    fn collection(&mut self, _: &Index) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, _: &Head, _: &[u8], offset: u64) -> Result<()> {
        if offset >= self.told + PORTION {
            self.told = offset;
            (self.progress)(offset, self.total);
        }
        Ok(())
    }
}

/// Checks every byte of a backup. `progress` is told how many bytes are read, of how many.
pub fn verify(
    files: &Files,
    path: &Path,
    dimension_of: impl Fn(&str) -> Result<usize>,
    progress: impl FnMut(u64, u64),
) -> Result<Restored> {
    let mut verifying = Verifying {
        total: size(path),
        told: 0,
        progress,
    };
    let (contents, bytes) = read(files, path, dimension_of, &mut verifying)?;
    Ok(Restored {
        path: path.to_owned(),
        collections: contents.collections,
        vectors: contents.vectors,
        bytes,
        leftovers: Vec::new(),
    })
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Writes a store.
struct Restoring<'a, P> {
    files: &'a Files,
    path: &'a Path,
    health: Arc<Health>,
    collections: u64,
    /// The collection that is being written.
    log: Option<Log>,
    /// Its next record.
    heads: Vec<Head>,
    parts: Vec<u8>,
    total: u64,
    progress: P,
}

impl<P: FnMut(u64, u64)> Visitor for Restoring<'_, P> {
    fn collection(&mut self, index: &Index) -> Result<()> {
        self.end_collection()?;
        self.collections += 1;
        let directory = self.path.join(Root::name(self.collections));
        self.files.create_directory(&directory)?;
        let (files, config) = (self.files, &index.config);
        let log = Log::create(files, &directory, config, Fsync::Everysec, &self.health)?;
        self.log = Some(log);
        Ok(())
    }

    fn entry(&mut self, head: &Head, part: &[u8], offset: u64) -> Result<()> {
        self.heads.push(*head);
        self.parts.extend_from_slice(part);
        if self.parts.len() as u64 >= PORTION {
            self.write()?;
            (self.progress)(offset, self.total);
        }
        Ok(())
    }
}

impl<P> Restoring<'_, P> {
    fn write(&mut self) -> Result<()> {
        let keys = self.heads.iter().map(|head| head.key.saturating_add(1));
        let Some(next_key) = keys.max() else {
            return Ok(());
        };
        let record = Record {
            kind: Kind::Commit,
            sequence: 0,
            next_key,
            time: 0,
            removed: Vec::new(),
            entries: std::mem::take(&mut self.heads),
            data: self.parts.len() as u64,
        };
        if let Some(log) = &mut self.log {
            log.append(&record, &self.parts)?;
        }
        self.parts.clear();
        Ok(())
    }

    fn end_collection(&mut self) -> Result<()> {
        self.write()?;
        match self.log.take() {
            Some(log) => log.sync().close(),
            None => Ok(()),
        }
    }
}

/// Makes a store of a backup, in a directory that is empty or does not exist. The backup
/// was verified; what is written is on the disk when this returns.
pub fn restore(
    files: &Files,
    backup: &Path,
    path: &Path,
    dimension_of: impl Fn(&str) -> Result<usize>,
    progress: impl FnMut(u64, u64),
) -> Result<()> {
    let is_new = !path.exists();
    let path = &root::make(path)?;
    if !file::list(path)?.iter().all(root::is_of_system) {
        return Err(Error::Storage(format!(
            "{} is not empty, and restoring never overwrites anything: choose another directory",
            path.display()
        )));
    }
    let mut restoring = Restoring {
        files,
        path,
        health: Arc::default(),
        collections: 0,
        log: None,
        heads: Vec::new(),
        parts: Vec::new(),
        total: size(backup),
        progress,
    };
    let done = read(files, backup, dimension_of, &mut restoring)
        .and_then(|_| restoring.end_collection())
        // Without this file it is no store: one that is restored in part is never opened.
        .and_then(|()| root::mark(files, path));
    if done.is_err() {
        let made = restoring.collections;
        // Its file is closed before its directory is removed.
        drop(restoring);
        root::unmake(files, path, made);
        if is_new {
            let _ = fs::remove_dir(path);
        }
    }
    done
}
