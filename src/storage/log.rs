//! The log of one collection: a write-ahead log that holds its vectors and every change to them.
//!
//! A write appends one record, which is there either completely or not at all. The entries it puts
//! are sealed, each with a key of its own, and the keys are in a file next to the log (`keys.rs`).
//! A delete appends a record that lists the removed entries, and then overwrites their keys with
//! zeros. Once the record is there, the delete has happened: whatever interrupts it, recovery finds
//! the record at the next opening and destroys the remaining keys.
//!
//! When enough of `log.1`, with `keys.1`, has become unreadable, it is replaced by `log.2`, with
//! `keys.2` (`collection/copy.rs`).

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    file::{self, File, Files, failed, is_full, is_refused},
    header::{self, Checkpoint, RECORDS, damaged},
    keyring::Keyring,
    keys::{KeyReader, Keys, TableKey, full, new_name},
    record::{Damage, Head, Kind, Label, Lengths, MAX_DIMENSION, Outline, Record, Values},
    reserve,
    seal::{KEY, Key, NAME, Sealed},
    sync::{Fsync, Health, Syncer},
};
use crate::{
    chunks::Chunks,
    error::{Error, Result},
    vectors::Terms,
    wiped::Wiped,
    workers::workers,
};

/// The name of the graph file.
pub const GRAPH: &str = "graph";
/// The name of the previous graph file, until it is overwritten.
pub const GRAPH_REPLACED: &str = "graph.old";
/// The suffixes of a key table that is being replaced, and of the one that replaces it.
const OLD: &str = "old";
const NEW: &str = "new";
/// How much is read ahead at most.
const READ_AHEAD: usize = 1 << 20;
/// How much is read ahead at first, and after a gap.
const LEAST: usize = 32 << 10;
/// How many outlines are opened together, if they are not larger than what is read ahead.
const BATCH: usize = 1024;
/// How many bytes of them one thread takes at least.
const PORTION: usize = 32 << 10;

/// The location of an entry: its values in the log, and the index of its key in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EntryLocation {
    pub offset: u64,
    /// The size of both of its parts.
    pub len: u32,
    pub key_index: u32,
}

impl EntryLocation {
    /// The location of an entry with parts of these lengths, and makes this the one of the next
    /// entry of the same record.
    pub fn advance(&mut self, lengths: Lengths) -> Self {
        let here = Self {
            len: lengths.total() as u32,
            ..*self
        };
        self.offset += lengths.values;
        self.key_index += 1;
        here
    }
}

/// The values of an entry, read and opened. It can be used for one entry after the other, and is
/// overwritten at its end.
#[derive(Default)]
pub struct Stored {
    row: Zeroizing<Vec<f32>>,
    /// The part in full, and where its text is.
    part: Zeroizing<Vec<u8>>,
    text: Option<Range<usize>>,
}

impl Stored {
    pub fn row(&self) -> &[f32] {
        &self.row
    }

    pub fn text(&self) -> Option<&str> {
        let bytes = self.part.get(self.text.clone()?)?;
        std::str::from_utf8(bytes).ok()
    }
}

/// Room for a part of `len` bytes.
fn room(part: &mut Zeroizing<Vec<u8>>, len: usize) -> &mut [u8] {
    if part.capacity() < len {
        // A vector that grows would leave a copy behind.
        *part = Zeroizing::new(Vec::with_capacity(len.next_power_of_two()));
    }
    part.resize(len, 0);
    part
}

/// Where the keys of written entries go.
pub enum KeySink {
    /// To the table next to the log.
    Table(Keys),
    /// Into memory for now: a backup writes them at its end.
    Memory(Zeroizing<Vec<u8>>),
}

/// A file that records are appended to, and the locations of vectors in it, by slot.
pub struct Writer {
    pub file: Arc<File>,
    pub key_sink: KeySink,
    /// The table that will replace the other one, while that is being rewritten.
    next: Option<Keys>,
    /// A table that is not needed any more, until it has been wiped.
    left: Option<Arc<File>>,
    pub end: u64,
    /// The key index of the next entry.
    key_index: u32,
    places: Vec<EntryLocation>,
    live: u64,
    /// Present if it may use the space reserved for deletes.
    room: Option<Arc<Health>>,
}

impl Writer {
    /// Appends at `end`.
    pub fn new(file: Arc<File>, end: u64, key_sink: KeySink) -> Self {
        Self {
            file,
            key_sink,
            next: None,
            left: None,
            end,
            key_index: 0,
            places: Vec::new(),
            live: 0,
            room: None,
        }
    }

    /// The key tables: none for a backup, two during a key rotation.
    pub fn tables(&self) -> impl Iterator<Item = &Keys> {
        self.keys().into_iter().chain(&self.next)
    }

    /// The files that have keys: of the tables, and of one that is being wiped.
    pub fn key_files(&self) -> impl Iterator<Item = &Arc<File>> {
        self.tables().map(Keys::file).chain(&self.left)
    }

    /// The key table; none for a backup.
    pub fn keys(&self) -> Option<&Keys> {
        match &self.key_sink {
            KeySink::Table(keys) => Some(keys),
            KeySink::Memory(_) => None,
        }
    }

    /// Appends a record with the parts of its entries, and returns the location of the first.
    pub fn append(&mut self, record: &Record, sealed: &Sealed) -> Result<EntryLocation> {
        let appended = match self.room.clone() {
            Some(health) => health.with_reserve(|| self.try_append(record, sealed)),
            None => self.try_append(record, sealed),
        };
        appended.map_err(|e| failed("write to", &self.file.path(), &e))
    }

    /// Appends a record without entries.
    pub fn append_data(&mut self, record: &Record, data: &[u8]) -> Result<()> {
        let appended = match self.room.clone() {
            Some(health) => health.with_reserve(|| self.try_append_data(record, [data, &[]])),
            None => self.try_append_data(record, [data, &[]]),
        };
        appended.map_err(|e| failed("write to", &self.file.path(), &e))?;
        Ok(())
    }

    fn try_append(&mut self, record: &Record, sealed: &Sealed) -> io::Result<EntryLocation> {
        let count = u32::try_from(record.entries.len()).ok();
        let next = count.and_then(|count| self.key_index.checked_add(count));
        let next = next.ok_or_else(|| io::Error::other(full().to_string()))?;
        // The record is written last, because it makes the entries valid.
        if next > self.key_index {
            self.tables()
                .try_for_each(|keys| keys.write(self.key_index, sealed.keys()))?;
        }
        let [outlines, values] = sealed.parts();
        let offset = self.try_append_data(record, [outlines, values])? + outlines.len() as u64;
        if let KeySink::Memory(keys) = &mut self.key_sink {
            hold(keys, sealed.keys());
        }
        let key_index = std::mem::replace(&mut self.key_index, next);
        let len = 0;
        Ok(EntryLocation {
            offset,
            len,
            key_index,
        })
    }

    fn try_append_data(&mut self, record: &Record, data: [&[u8]; 2]) -> io::Result<u64> {
        let mut bytes = record.encode();
        let begin = self.end + bytes.len() as u64;
        let size = data[0].len() + data[1].len();
        // Combined into one write if that is cheap; a record may be as large as a whole load.
        if size <= READ_AHEAD {
            for part in data {
                bytes.extend(part);
            }
            self.file.try_write_at(self.end, &bytes)?;
        } else {
            let mut at = self.end;
            for bytes in [&bytes, data[0], data[1]] {
                self.file.try_write_at(at, bytes)?;
                at += bytes.len() as u64;
            }
        }
        self.end = begin + size as u64;
        Ok(begin)
    }

    /// Cuts off a record that failed to be written, and the keys written before it.
    fn cut(&self, end: u64) -> Result<()> {
        self.tables()
            .try_for_each(|keys| keys.cut(self.key_index))?;
        match self.file.size()? > end {
            true => self.file.truncate(end),
            false => Ok(()),
        }
    }

    pub fn place(&self, slot: u32) -> Option<EntryLocation> {
        let place = self.places.get(slot as usize).copied();
        place.filter(|place| place.len > 0)
    }

    pub fn put(&mut self, slot: u32, place: EntryLocation) {
        if self.places.len() <= slot as usize {
            self.places
                .resize(slot as usize + 1, EntryLocation::default());
        }
        self.live += u64::from(place.len);
        self.places[slot as usize] = place;
    }

    /// Removes and returns the location of a slot's entry. A key held in memory is erased.
    pub fn take(&mut self, slot: u32) -> Option<EntryLocation> {
        let place = self.forget(slot)?;
        if let KeySink::Memory(keys) = &mut self.key_sink {
            let at = place.key_index as usize * KEY;
            keys[at..at + KEY].fill(0);
        }
        Some(place)
    }

    fn forget(&mut self, slot: u32) -> Option<EntryLocation> {
        let place = self.place(slot)?;
        self.places[slot as usize] = EntryLocation::default();
        self.live -= u64::from(place.len);
        Some(place)
    }

    /// Records that the vector at `from` has moved to `to`.
    pub fn relocate(&mut self, from: u32, to: u32) {
        if let Some(place) = self.forget(from) {
            self.put(to, place);
        }
    }

    pub fn truncate(&mut self, slots: usize) {
        self.places.truncate(slots);
        self.places.shrink_to(slots);
    }

    /// The size of live parts, and the total size, without the keys.
    pub fn size(&self) -> (u64, u64) {
        (self.live, self.end)
    }

    /// The number of its entries, including dead ones.
    pub fn key_count(&self) -> u32 {
        self.key_index
    }

    pub fn memory_bytes(&self) -> usize {
        self.places.capacity() * size_of::<EntryLocation>()
    }

    /// Closes its files for good: they are about to be removed.
    pub fn close_for_good(&self) {
        for file in files_of(self) {
            file.close_for_good();
        }
    }

    /// Keeps its files open as long as the returned handles exist.
    pub fn hold(&self) -> Result<Vec<Arc<fs::File>>> {
        files_of(self).iter().map(|file| file.hold()).collect()
    }
}

/// Appends keys. Growing the buffer leaves no copy of a key behind.
fn hold(held: &mut Zeroizing<Vec<u8>>, keys: &[u8]) {
    if held.capacity() < held.len() + keys.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * held.len() + keys.len()));
        larger.extend_from_slice(held);
        *held = larger;
    }
    held.extend_from_slice(keys);
}

/// An entry as read from a log, without its values.
pub struct Entry<'a> {
    pub head: Head,
    pub outline: Outline<'a>,
    pub place: EntryLocation,
    pub key: &'a [u8],
    /// How many entries are left at most, with this one.
    pub left: usize,
}

/// A log opened only to be inspected.
pub struct LogInspection {
    pub file: File,
    pub keys: Keys,
    pub end: u64,
    pub known: Known,
}

impl LogInspection {
    pub fn index(&self, dimension: usize) -> Result<Index> {
        let index = Index::read(&self.file, RECORDS, self.end, self.known, dimension)?;
        if index.is_followed {
            let why = Damage::Corrupt("a record is of the wrong kind");
            return Err(refused(&self.file.path(), index.end, why));
        }
        Ok(index)
    }
}

/// The keys of a collection's live entries, by entry number.
pub struct LiveKeys {
    pub name: [u8; NAME],
    pub sequence: u64,
    pub keys: HashMap<u64, Key>,
}

/// What a log contains besides its entries.
#[derive(Debug, Default)]
pub struct Summary {
    pub sequence: u64,
    pub next_key: u64,
    /// The time of the last write, in microseconds since 1970.
    pub time: i64,
    /// The collection's TTL in seconds; 0 for none.
    pub ttl: u32,
}

pub struct Log {
    files: Files,
    directory: PathBuf,
    generation: u64,
    writer: Writer,
    /// The keys of the live entries, by slot: reading one from its file takes as long as reading a
    /// row.
    keys: Chunks<u8>,
    /// The key that masks the keys, and the keyring that it is sealed with.
    table: TableKey,
    store: Keyring,
    sync: Arc<Syncer>,
}

/// An index of one collection's records, built from their directories.
pub struct Index {
    pub dimension: usize,
    pub entries: Vec<Indexed>,
    pub end: u64,
    /// Whether there is a record at `end`, one that is not a commit.
    pub is_followed: bool,
    pub summary: Summary,
}

/// Where an entry is.
pub struct Indexed {
    pub place: EntryLocation,
    pub head: Head,
    /// Whether no later record removes it.
    pub live: bool,
    /// The offset of its outline.
    pub outline: u64,
    /// The offset of the record that contains it.
    record: u64,
}

/// What is known about a file before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Everything up to here was written completely.
    pub whole: u64,
    /// Whether everything beyond is there in the order in which it was written.
    pub ordered: bool,
    /// Whether nothing was written after that.
    pub clean: bool,
}

impl Known {
    /// A file that contains only complete writes.
    pub fn all(size: u64) -> Self {
        Self {
            whole: size,
            ordered: true,
            clean: true,
        }
    }
}

/// The result of reading a log.
enum Reading {
    Done {
        /// Key indices of dead entries whose keys have not been destroyed.
        unfinished: Vec<Range<u32>>,
        /// The numbers of live entries whose keys have been destroyed.
        lost: Vec<u64>,
    },
    /// The record at this offset was incomplete when the power failed.
    Torn(u64),
}

fn name(generation: u64) -> String {
    format!("log.{generation}")
}

/// The generation of a log file, from its name.
fn generation(file: &str) -> Option<u64> {
    let number = file.strip_prefix("log.")?.parse::<u32>().ok()?.into();
    (name(number) == file).then_some(number)
}

/// Whether a file is a log's key table, its replacement, or the one it replaced.
fn is_keys(file: &str) -> bool {
    let name = file.strip_suffix(".new").or(file.strip_suffix(".old"));
    let name = name.unwrap_or(file);
    let number = name.strip_prefix("keys.");
    let number = number.and_then(|number| number.parse::<u32>().ok());
    number.is_some_and(|number| Keys::name(number.into()) == name)
}

/// The path of a file that replaces this one, or that is replaced by it.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

/// A log's files: the key tables first, then the records.
fn files_of(writer: &Writer) -> Vec<Arc<File>> {
    let keys = writer.tables().map(|keys| keys.file().clone());
    keys.chain([writer.file.clone()]).collect()
}

/// Writes the beginning of a log: everything before its first commit.
fn begin(file: File, keys: Keys, room: Option<Arc<Health>>) -> Result<Writer> {
    let file = Arc::new(file);
    let mut writer = Writer::new(file.clone(), RECORDS, KeySink::Table(keys));
    // The space is allocated now, so that later writes to the beginning need none.
    let erase = || file.try_erase(0, RECORDS);
    match &room {
        Some(health) => health.with_reserve(erase),
        None => erase(),
    }
    .map_err(|e| failed("write to", &file.path(), &e))?;
    writer.room = room;
    file.write_at(0, &header::preamble(header::LOG))?;
    for turn in [0, 1] {
        let end = writer.end;
        let clean = false;
        Checkpoint { turn, end, clean }.write(&writer.file)?;
    }
    Ok(writer)
}

/// The turn of a log's key table.
fn turn(generation: u64) -> u32 {
    // The generations of logs are 32-bit numbers.
    generation as u32
}

impl Log {
    /// Creates a log in an empty directory that will be renamed later: see `moved`.
    pub fn create(
        files: &Files,
        directory: &Path,
        settings: &str,
        fsync: Fsync,
        health: &Arc<Health>,
        store: &Keyring,
    ) -> Result<Self> {
        let table = TableKey::new(new_name()?, turn(1), Key::random()?);
        let path = directory.join(Keys::name(1));
        let keys = Keys::create(files, &path, &store.key, table.clone(), settings, None)?;
        let writer = begin(files.create(&directory.join(name(1)))?, keys, None)?;
        let checkpoint = Checkpoint {
            turn: 1,
            end: writer.end,
            clean: false,
        };
        let all = files_of(&writer);
        all.iter().try_for_each(|file| file.sync())?;
        files.sync_directory(directory)?;
        // Windows does not rename a directory that contains an open file.
        for file in &all {
            file.close();
        }
        Ok(Self {
            files: files.clone(),
            directory: directory.to_owned(),
            generation: 1,
            sync: Arc::new(Syncer::new(
                fsync,
                health.clone(),
                all,
                writer.end,
                &checkpoint,
            )),
            writer,
            keys: Chunks::new(KEY),
            table,
            store: store.clone(),
        })
    }

    /// Records the new path of the log's directory.
    pub fn moved(&mut self, directory: &Path) {
        self.directory = directory.to_owned();
        for file in self.all_files() {
            if let Some(name) = file.path().file_name() {
                file.moved(&directory.join(name));
            }
            // The first write is about to come, and opens the file if this fails.
            let _ = file.hold();
        }
    }

    /// The key of the entry at `slot`.
    pub fn key(&self, slot: u32) -> Result<Key> {
        let (_, key) = self.entry(slot)?;
        Key::of(key).ok_or_else(|| Error::Internal("a key is of the wrong length".into()))
    }

    /// The location of the entry at `slot`, and its key.
    fn entry(&self, slot: u32) -> Result<(EntryLocation, &[u8])> {
        match (self.writer.place(slot), self.keys.get(slot)) {
            (Some(place), Some(key)) => Ok((place, key)),
            _ => Err(Error::Internal("a vector is not in the log".into())),
        }
    }

    /// Identifies the entry at `slot` wherever it is moved or copied, without revealing its key.
    pub fn mark(&self, slot: u32) -> Result<[u8; 32]> {
        let (_, key) = self.entry(slot)?;
        Ok(Sha256::digest(key).into())
    }

    /// Records that an entry with this key is at `slot`.
    pub fn put(&mut self, slot: u32, place: EntryLocation, key: &[u8]) {
        self.writer.put(slot, place);
        self.keys.room(slot).copy_from_slice(key);
    }

    /// Zeroes the key of the entry at `slot`, which is about to be destroyed on disk as well.
    pub fn erase_key(&mut self, slot: u32) {
        self.keys.erase(slot);
    }

    /// Whether the key of an entry at `slot` is in memory.
    pub fn holds_key(&self, slot: u32) -> bool {
        let key = self.keys.get(slot).unwrap_or_default();
        key.iter().any(|&byte| byte != 0)
    }

    /// Records that the vector at `from` has moved to `to`.
    pub fn relocate(&mut self, from: u32, to: u32) {
        self.writer.relocate(from, to);
        if self.writer.place(to).is_some() {
            self.keys.room(to);
            self.keys.copy(from, to);
            self.keys.erase(from);
        }
    }

    pub fn truncate(&mut self, slots: usize) {
        self.writer.truncate(slots);
        self.keys.truncate(slots);
    }

    /// Appends the entry at `slot`, which has this head and this outline, to `sealed`, without
    /// opening its values.
    pub fn read(
        &self,
        slot: u32,
        head: &Head,
        code: (&[i8], Terms),
        label: &Label<'_>,
        sealed: &mut Sealed,
    ) -> Result<()> {
        let (place, key) = self.entry(slot)?;
        let mut values = vec![0; head.lengths(code.0.len()).values as usize];
        self.writer.file.read_at(place.offset, &mut values)?;
        sealed.push_sealed(head, key, code, label, &values)
    }

    /// Tells the system that the values of the entry at `slot`, which have `len` bytes, are about to
    /// be read.
    pub fn will_read(&self, slot: u32, len: u64) {
        if let Some(place) = self.writer.place(slot) {
            self.writer.file.will_read(place.offset, len);
        }
    }

    /// Reads the values of the entry at `slot`, of which `head` has the lengths, into `stored`, and
    /// opens them. With `wait` false, returns `WouldBlock` unless the system has them in memory.
    pub fn open_values(
        &self,
        slot: u32,
        head: &Head,
        dimension: usize,
        wait: bool,
        stored: &mut Stored,
    ) -> Result<()> {
        let (place, key) = self.entry(slot)?;
        let file = &self.writer.file;
        let len = head.lengths(dimension).values;
        stored.text = None;
        let part = room(&mut stored.part, len as usize);
        file.read(place.offset, part, wait)?;
        if stored.row.len() != dimension {
            stored.row = Zeroizing::new(vec![0.0; dimension]);
        }
        let values = head.open_values(&self.table.name, key, part, dimension);
        let values = values.ok_or_else(|| {
            let (begin, end) = (place.offset, place.offset + len);
            let why = format!("the vector at bytes {begin} to {end} is damaged");
            damaged(&file.path(), &why)
        })?;
        for (value, read) in stored.row.iter_mut().zip(values.row()) {
            *value = read;
        }
        let row = 4 * dimension;
        stored.text = head.text.map(|text| row..row + text as usize);
        Ok(())
    }

    /// The files: the key tables first, then the records.
    pub fn all_files(&self) -> Vec<Arc<File>> {
        files_of(&self.writer)
    }

    /// Whether the files can be used without opening them. Never blocks.
    pub fn is_open(&self) -> bool {
        let tables = &mut self.writer.tables();
        self.writer.file.is_open() && tables.all(|keys| keys.file().is_open())
    }

    /// The collection's random name, which is authenticated with every part.
    pub fn name(&self) -> &[u8; NAME] {
        &self.table.name
    }

    pub fn table(&self) -> &TableKey {
        &self.table
    }

    /// Opens a key table of this collection.
    pub fn keys_in(&self, file: File) -> Result<Keys> {
        Keys::open(file, &self.store)
    }

    /// Opens the log in a directory, completes whatever was interrupted, and passes every live
    /// entry to `put`, which returns its slot. `make` creates the target of `put` from the log's
    /// settings and the key of its table, and returns it with the dimension.
    pub fn open<T: Send>(
        files: &Files,
        directory: &Path,
        fsync: Fsync,
        health: &Arc<Health>,
        store: &Keyring,
        mut make: impl FnMut(&str, &TableKey) -> Result<(T, usize)>,
        put: impl Fn(&mut T, Entry<'_>) -> Result<u32> + Sync,
    ) -> Result<(Self, Summary, T)> {
        let (generation, leftovers) = Self::find(directory)?;
        let file = Arc::new(files.open(&directory.join(name(generation)))?);
        let len = header::check_file(&file, header::LOG, RECORDS)?;
        let found = Checkpoint::read(&file)?;
        if len < found.checkpoint.end {
            return Err(damaged(
                &file.path(),
                &format!(
                    "it has {len} bytes where {} were written",
                    found.checkpoint.end
                ),
            ));
        }
        let known = Known {
            whole: found.checkpoint.end,
            ordered: found.same_boot,
            clean: found.checkpoint.clean,
        };
        let path = directory.join(Keys::name(generation));
        // If its successor has not been renamed yet, the previous file is the current one.
        let replaced = beside(&path, OLD);
        let is_replaced = !path.exists() && replaced.exists();
        let keys = files.open(if is_replaced { &replaced } else { &path })?;
        let keys = Keys::open(keys, store)?;
        let table = keys.table().clone();
        if table.turn != turn(generation) {
            return Err(damaged(&keys.file().path(), "it belongs to another log"));
        }
        let mut make = || {
            let made = make(keys.settings(), keys.table());
            made.map_err(|error| damaged(&keys.file().path(), &error.to_string()))
        };
        let mut until = len;
        let (index, target, places, slot_keys, unfinished, lost) = loop {
            let (mut target, dimension) = make()?;
            let index = Index::read(&file, RECORDS, until, known, dimension)?;
            if index.is_followed {
                let why = Damage::Corrupt("a record is of the wrong kind");
                return Err(refused(&file.path(), index.end, why));
            }
            let (mut places, mut slot_keys) = (Vec::new(), Chunks::new(KEY));
            let reading = index.read_outlines(&file, &keys, known, |entry| {
                let (place, key) = (entry.place, entry.key);
                let slot = put(&mut target, entry)
                    .map_err(|error| damaged(&file.path(), &error.to_string()))?;
                places.push((slot, place));
                slot_keys.room(slot).copy_from_slice(key);
                Ok(())
            })?;
            match reading {
                Reading::Done { unfinished, lost } => {
                    index.check_order(&file.path())?;
                    break (index, target, places, slot_keys, unfinished, lost);
                }
                Reading::Torn(at) => until = at,
            }
        };
        let mut writer = Writer::new(file.clone(), index.end, KeySink::Table(keys));
        writer.key_index = index.entries.len() as u32;
        for (slot, place) in places {
            writer.put(slot, place);
        }
        if is_replaced && let Some(keys) = writer.keys() {
            keys.file().rename(&path)?;
        }
        for path in leftovers.into_iter().filter(|path| path.exists()) {
            match path.file_name().and_then(|name| name.to_str()) {
                // Without its keys, it is noise.
                Some(name) if name.starts_with("log.") => files.discard(&path)?,
                _ => files.wipe(&path)?,
            }
        }
        writer.cut(index.end)?;
        let checkpoint = Checkpoint {
            turn: found.checkpoint.turn + 1,
            end: found.checkpoint.end.min(index.end),
            clean: false,
        };
        checkpoint.write(&file)?;
        if let Some(keys) = writer.keys() {
            unfinished
                .iter()
                .try_for_each(|key_indices| keys.destroy(key_indices))?;
        }
        let all = files_of(&writer);
        for file in &all {
            file.sync()?;
            file.make_evictable();
        }
        let syncer = Syncer::new(fsync, health.clone(), all, index.end, &checkpoint);
        let mut log = Self {
            files: files.clone(),
            directory: directory.to_owned(),
            generation,
            writer,
            keys: slot_keys,
            table,
            store: store.clone(),
            sync: Arc::new(syncer),
        };
        let mut summary = index.summary;
        if !lost.is_empty() {
            summary.sequence += 1;
            let record = Record {
                kind: Kind::Commit,
                ttl: summary.ttl,
                sequence: summary.sequence,
                next_key: summary.next_key,
                time: summary.time,
                removed: lost,
                entries: Vec::new(),
                data: 0,
            };
            log.append(&record, &Sealed::default())?;
        }
        log.sync.flush()?;
        Ok((log, summary, target))
    }

    /// Opens the log in a directory for inspection only: another process may have it open.
    pub fn open_for_inspection(
        files: &Files,
        directory: &Path,
        store: &Keyring,
    ) -> Result<LogInspection> {
        let (generation, _) = Self::find(directory)?;
        let file = files.open_to_read(&directory.join(name(generation)))?;
        let end = header::check_file(&file, header::LOG, RECORDS)?;
        let found = Checkpoint::read(&file)?;
        let path = directory.join(Keys::name(generation));
        let replaced = beside(&path, OLD);
        let path = if path.exists() { path } else { replaced };
        let keys = Keys::open(files.open_to_read(&path)?, store)?;
        Ok(LogInspection {
            file,
            keys,
            end,
            known: Known {
                whole: found.checkpoint.end,
                // Another process may be writing.
                ordered: found.checkpoint.clean,
                clean: found.checkpoint.clean,
            },
        })
    }

    /// The keys of the live entries in the log of a directory.
    pub fn live_keys(
        files: &Files,
        directory: &Path,
        store: &Keyring,
        dimension_of: impl Fn(&str) -> Result<usize>,
    ) -> Result<LiveKeys> {
        let log = Self::open_for_inspection(files, directory, store)?;
        let index = log.index(dimension_of(log.keys.settings())?)?;
        let mut live_keys = LiveKeys {
            name: log.keys.table().name,
            sequence: index.summary.sequence,
            keys: HashMap::new(),
        };
        let mut key_reader = KeyReader::new(&log.keys);
        for part in index.entries.iter().filter(|part| part.live) {
            if let Some(key) = key_reader.get(part.place.key_index)?.and_then(Key::of) {
                live_keys.keys.insert(part.head.key, key);
            }
        }
        Ok(live_keys)
    }

    /// Determines which log is current, and what an interrupted rewrite has left behind. The
    /// leftovers are removed only after the log has been read: until then they may be all there is.
    fn find(directory: &Path) -> Result<(u64, Vec<PathBuf>)> {
        let entries = file::list(directory)?;
        let generations = entries.iter().filter_map(|entry| generation(&entry.name));
        let Some(last) = generations.max() else {
            return Err(failed(
                "open the log in",
                directory,
                &io::ErrorKind::NotFound.into(),
            ));
        };
        let is_left = |entry: &file::Entry| {
            let old = generation(&entry.name).is_some_and(|number| number < last);
            let keys = is_keys(&entry.name) && entry.name != Keys::name(last);
            let unfinished = entry.name.strip_suffix(".new");
            let replaced = entry.name == GRAPH_REPLACED;
            old || keys
                || replaced
                || unfinished.is_some_and(|name| name == GRAPH || generation(name).is_some())
        };
        let mut leftovers: Vec<_> = entries.into_iter().filter(is_left).collect();
        // Key tables first: without its keys, a log is noise.
        leftovers.sort_by_key(|entry| !is_keys(&entry.name));
        Ok((
            last,
            leftovers.into_iter().map(|entry| entry.path).collect(),
        ))
    }

    /// Appends a record. If that fails, the partial record is cut off again. If the disk was full
    /// and the files are as they were, the call merely fails; otherwise nothing more is written to
    /// the store. Returns the location of the first entry, and the number of writes so far.
    ///
    /// A record that only removes entries may use the space reserved for deletes.
    pub fn append(&mut self, record: &Record, sealed: &Sealed) -> Result<(EntryLocation, u64)> {
        let health = self.sync.health().clone();
        let removes = record.entries.is_empty();
        if !removes {
            health.ensure_reserve()?;
        }
        let end = self.writer.end;
        loop {
            let error = match self.writer.try_append(record, sealed) {
                Ok(place) => return Ok((place, self.sync.appended(self.writer.end))),
                Err(error) => error,
            };
            let cut = self.writer.cut(end);
            let told = failed("write to", &self.writer.file.path(), &error);
            if !is_refused(&error) || cut.is_err() {
                return Err(health.fail(told));
            }
            if !removes || !is_full(&error) || !health.release_reserve() {
                return Err(told);
            }
        }
    }

    pub fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    pub fn size(&self) -> (u64, u64) {
        self.writer.size()
    }

    pub fn key_count(&self) -> u32 {
        self.writer.key_count()
    }

    pub fn memory_bytes(&self) -> usize {
        self.writer.memory_bytes() + self.keys.memory_bytes()
    }

    pub fn file(&self) -> &Arc<File> {
        &self.writer.file
    }

    pub fn sync(&self) -> &Arc<Syncer> {
        &self.sync
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Creates the files that may replace this log and its keys.
    ///
    /// If the rewrite frees space and needs little, they may use the space reserved for deletes.
    pub fn successor(&self) -> Result<Writer> {
        let next = self.generation + 1;
        let room = (self.writer.live < reserve::SIZE / 2).then(|| self.sync.health().clone());
        let (log, keys) = (
            self.directory.join(name(next) + ".new"),
            self.directory.join(Keys::name(next)),
        );
        let table = self.table.in_turn(turn(next));
        let settings = self.writer.keys().map_or("", Keys::settings);
        let begun = Keys::create(
            &self.files,
            &keys,
            &self.store.key,
            table,
            settings,
            room.as_deref(),
        );
        let begun = begun.and_then(|keys| begin(self.files.create(&log)?, keys, room));
        if begun.is_err() {
            // They do not contain any vectors yet, and the next attempt uses the same names.
            for path in [log, keys] {
                let _ = self.files.remove(&path);
            }
        }
        begun
    }

    /// Replaces the log by its successor, which is complete. From now on writes go to the new
    /// files. An error leaves the log as it was.
    ///
    /// If it is uncertain which of the two would be found, nothing more is written; their contents
    /// are the same.
    pub fn exchange(&mut self, successor: &mut Writer) -> Result<()> {
        self.sync.health().check()?;
        let checkpoint = Checkpoint {
            turn: 2,
            end: successor.end,
            clean: false,
        };
        checkpoint.write(&successor.file)?;
        for file in files_of(successor) {
            file.sync()?;
        }
        let directory = self.files.open_directory(&self.directory)?;
        let path = self.directory.join(name(self.generation + 1));
        if let Err(error) = successor.file.rename(&path) {
            return Err(match path.exists() {
                true => self.sync.health().fail(error),
                false => error,
            });
        }
        for file in files_of(successor) {
            file.make_evictable();
        }
        std::mem::swap(&mut self.writer, successor);
        self.generation += 1;
        self.table.turn = turn(self.generation);
        self.sync.replace(self.all_files(), &checkpoint);
        if let Err(error) = directory.sync() {
            self.sync.health().fail(error);
        }
        Ok(())
    }

    /// Creates a table with a new key, which will replace the current one once all keys have been
    /// copied to it. Until then, every change to keys is made in both. Returns how many keys must
    /// be copied.
    pub fn begin_rotation(&mut self, store: &Keyring) -> Result<u32> {
        let table = TableKey::new(self.table.name, self.table.turn, Key::random()?);
        let settings = self.writer.keys().map_or("", Keys::settings).to_owned();
        self.begin_table(store, table, &settings)
    }

    /// The same with other settings. If the saved graph stays valid, so does the table's key.
    /// Otherwise the key is a new one too: with the settings that the graph was built with, the
    /// exchange takes away what opens it, and any older file that is just being written.
    pub fn begin_settings(
        &mut self,
        store: &Keyring,
        settings: &str,
        keeps_graph: bool,
    ) -> Result<u32> {
        let table = match keeps_graph {
            true => self.table.clone(),
            false => TableKey::new(self.table.name, self.table.turn, Key::random()?),
        };
        self.begin_table(store, table, settings)
    }

    fn begin_table(&mut self, store: &Keyring, table: TableKey, settings: &str) -> Result<u32> {
        let path = self.directory.join(Keys::name(self.generation));
        let path = beside(&path, NEW);
        let next = Keys::create(&self.files, &path, &store.key, table, settings, None)?;
        self.writer.next = Some(next);
        self.store = store.clone();
        Ok(self.writer.key_index)
    }

    /// Copies the keys of `count` entries to the next table. No other thread may change keys
    /// meanwhile.
    pub fn copy_keys(&self, key_index: u32, count: u32) -> Result<()> {
        match (self.writer.keys(), &self.writer.next) {
            (Some(keys), Some(next)) => keys.copy(key_index, count, next),
            _ => Ok(()),
        }
    }

    /// The next table's file, during a key rotation.
    pub fn next_keys(&self) -> Option<Arc<File>> {
        Some(self.writer.next.as_ref()?.file().clone())
    }

    /// Replaces the current table by the next one, and returns the file of the old table, which
    /// must be wiped. Until `end_wiping`, keys are destroyed in it too. No other thread may change
    /// keys meanwhile. After an error nothing more is written: it is uncertain which of the two would
    /// be found, and both are complete.
    pub fn end_rotation(&mut self) -> Result<Option<Arc<File>>> {
        let health = self.sync.health().clone();
        health.check()?;
        let Some(next) = self.writer.next.take() else {
            return Ok(None);
        };
        let renamed = self.exchange_keys(&next);
        self.table = next.table().clone();
        self.store.previous = None;
        let last = std::mem::replace(&mut self.writer.key_sink, KeySink::Table(next));
        self.sync.exchange(self.all_files());
        renamed.map_err(|error| health.fail(error))?;
        self.writer.left = match last {
            KeySink::Table(keys) => Some(keys.file().clone()),
            KeySink::Memory(_) => None,
        };
        Ok(self.writer.left.clone())
    }

    fn exchange_keys(&self, next: &Keys) -> Result<()> {
        next.file().sync()?;
        let path = self.directory.join(Keys::name(self.generation));
        if let Some(keys) = self.writer.keys() {
            keys.file().rename(&beside(&path, OLD))?;
        }
        next.file().rename(&path)?;
        next.file().make_evictable();
        self.files.sync_directory(&self.directory)
    }

    /// Gives up the next table, and returns its file, which must be wiped. Until `end_wiping`, keys
    /// are destroyed in it too.
    pub fn give_up_rotation(&mut self) -> Option<Arc<File>> {
        let next = self.writer.next.take()?;
        self.writer.left = Some(next.file().clone());
        self.writer.left.clone()
    }

    /// The table that was not needed any more has been wiped.
    pub fn end_wiping(&mut self) {
        self.writer.left = None;
    }

    /// Marks the collection as deleted: a directory of this name is never opened. After an error,
    /// it is either as it was, or nothing more is written.
    pub fn drop_directory(&self) -> Result<()> {
        let health = self.sync.health();
        health.check()?;
        let dropped = super::root::dropped(&self.directory);
        let parent = dropped.parent().unwrap_or(&self.directory);
        let parent = self.files.open_directory(parent)?;
        // Windows does not rename a directory that contains an open file: there, a file of that
        // name has the same meaning.
        let renamed = health.with_reserve(|| {
            if cfg!(windows) {
                return self.files.try_create(&dropped).map(Some);
            }
            self.files.try_rename(&self.directory, &dropped)?;
            Ok(None)
        });
        let renamed = renamed.map_err(|e| failed("rename", &self.directory, &e));
        if renamed.is_err() && !dropped.exists() {
            return renamed.map(drop);
        }
        renamed
            .and_then(|marker| marker.map_or(Ok(()), |marker| marker.sync()))
            .and_then(|()| parent.sync())
            .map_err(|error| health.fail(error))
    }

    /// Closes the files for good: their directory is about to be removed.
    pub fn close_for_good(&self) {
        self.writer.close_for_good();
    }
}

/// Which entry is the latest with a key.
#[derive(Default)]
struct Latest {
    /// Built when a key is not larger than all before it: until then, the entries are in the order
    /// of their keys.
    by_key: Option<hashbrown::HashMap<u64, usize>>,
}

impl Latest {
    /// Records that the next entry behind these has a key, and returns the one that it replaces.
    fn insert(&mut self, key: u64, entries: &[Indexed]) -> Option<usize> {
        if self.by_key.is_none() && entries.last().is_none_or(|last| last.head.key < key) {
            return None;
        }
        let by_key = self.by_key.get_or_insert_with(|| {
            let all = (0..).zip(entries).filter(|(_, entry)| entry.live);
            all.map(|(at, entry)| (entry.head.key, at)).collect()
        });
        by_key.insert(key, entries.len())
    }

    /// Removes a key, and returns its entry, if there is one.
    fn remove(&mut self, key: u64, entries: &[Indexed]) -> Option<usize> {
        match &mut self.by_key {
            Some(by_key) => by_key.remove(&key),
            None => entries
                .binary_search_by_key(&key, |entry| entry.head.key)
                .ok(),
        }
    }
}

impl Index {
    /// Reads the directories of the records from `begin` up to `until`, or up to a record that is
    /// not a commit.
    pub fn read(
        file: &File,
        begin: u64,
        until: u64,
        known: Known,
        dimension: usize,
    ) -> Result<Self> {
        if dimension > MAX_DIMENSION {
            return Err(damaged(&file.path(), "its vectors are longer than any"));
        }
        let mut input = Input::new(file, begin);
        let mut index = Self {
            dimension,
            entries: Vec::new(),
            summary: Summary::default(),
            end: begin,
            is_followed: false,
        };
        let mut latest = Latest::default();
        while index.end < until {
            let record = match Record::read(&mut input, until - index.end, dimension) {
                Ok(record) if record.kind == Kind::Commit => record,
                Ok(_) => {
                    index.is_followed = true;
                    break;
                }
                Err(Damage::Read(error)) => return Err(failed("read", &file.path(), &error)),
                // The end of a file, which was never acknowledged as complete.
                Err(Damage::Incomplete) if index.end >= known.whole => break,
                Err(_) if index.end >= known.whole && !known.ordered => break,
                Err(why) => return Err(refused(&file.path(), index.end, why)),
            };
            for key in &record.removed {
                if let Some(part) = latest.remove(*key, &index.entries) {
                    index.entries[part].live = false;
                }
            }
            let lengths = record.entries.iter().map(|head| head.lengths(dimension));
            let mut outline = input.position;
            let mut next = EntryLocation {
                offset: outline + lengths.clone().map(|lengths| lengths.outline).sum::<u64>(),
                len: 0,
                key_index: u32::try_from(index.entries.len() + record.entries.len())
                    .map(|count| count - record.entries.len() as u32)
                    .map_err(|_| damaged(&file.path(), &full().to_string()))?,
            };
            for (head, lengths) in record.entries.iter().zip(lengths) {
                if u32::try_from(lengths.total()).is_err() {
                    let why = "an entry is larger than any that is written";
                    return Err(damaged(&file.path(), why));
                }
                // An entry with the same number replaces the previous one.
                if let Some(old) = latest.insert(head.key, &index.entries) {
                    index.entries[old].live = false;
                }
                index.entries.push(Indexed {
                    place: next.advance(lengths),
                    head: *head,
                    live: true,
                    outline,
                    record: index.end,
                });
                outline += lengths.outline;
            }
            input.skip(record.data);
            let keys = record.entries.iter().map(|head| head.key + 1);
            let summary = &mut index.summary;
            summary.next_key = keys.max().unwrap_or(0).max(summary.next_key);
            summary.sequence = summary.sequence.max(record.sequence);
            summary.next_key = summary.next_key.max(record.next_key);
            summary.time = summary.time.max(record.time);
            summary.ttl = record.ttl;
            index.end = input.position;
        }
        Ok(index)
    }

    /// Checks that no two live entries have the same place in the order of insertion.
    fn check_order(&self, path: &Path) -> Result<()> {
        let live = self.entries.iter().filter(|entry| entry.live);
        let orders = live.map(|entry| entry.head.order);
        if orders.clone().is_sorted_by(|a, b| a < b) {
            return Ok(());
        }
        let mut orders: Vec<u64> = orders.collect();
        orders.sort_unstable();
        match orders.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                let order = pair[0];
                let why = format!("two vectors have the place {order} in the order of insertion");
                Err(damaged(path, &why))
            }
            None => Ok(()),
        }
    }

    /// Reads all outlines. It passes on the live ones, and finds the keys of dead entries that have
    /// not been destroyed, and those of live entries that have.
    fn read_outlines(
        &self,
        file: &File,
        keys: &Keys,
        known: Known,
        mut put: impl FnMut(Entry<'_>) -> Result<()> + Send,
    ) -> Result<Reading> {
        // Unless the power failed, writes are found in the order in which they were made.
        let disordered = !known.clean && !known.ordered;
        let is_uncertain = |entry: &Indexed| disordered && entry.record >= known.whole;
        let (table, dimension) = (keys.table(), self.dimension);
        let mut parts = PartReader::new(file, RECORDS, &table.name, dimension);
        let mut input = Input::new(file, RECORDS);
        let mut unfinished: Vec<Range<u32>> = Vec::new();
        let mut lost = Vec::new();
        let mut left = self.entries.iter().filter(|entry| entry.live).count();
        let mut load = |batch: &Batch<'_>| -> Result<Option<Reading>> {
            for (entry, key, outline) in batch.opened(dimension) {
                let key_index = entry.place.key_index;
                let is_destroyed = key.iter().all(|&byte| byte == 0);
                if !entry.live {
                    match unfinished.last_mut() {
                        _ if is_destroyed => {}
                        Some(last) if last.end == key_index => last.end += 1,
                        _ => unfinished.push(key_index..key_index + 1),
                    }
                    continue;
                }
                let outline = outline.and_then(|part| entry.head.parse_outline(part, dimension));
                // Other values are read when they are asked for.
                let is_whole = outline.is_some()
                    && (!is_uncertain(entry) || parts.values(entry, key)?.is_some());
                if let Some(outline) = outline.filter(|_| is_whole) {
                    put(Entry {
                        head: entry.head,
                        outline,
                        place: entry.place,
                        key,
                        left,
                    })?;
                    left -= 1;
                } else if is_uncertain(entry) {
                    return Ok(Some(Reading::Torn(entry.record)));
                } else if disordered && is_destroyed {
                    // The record of its deletion was lost in the power failure, after its key had
                    // been destroyed.
                    lost.push(entry.head.key);
                } else {
                    let begin = entry.outline;
                    let end = begin + entry.head.lengths(dimension).outline;
                    let why = format!(
                        "the vector at bytes {begin} to {end}, or its key, number {key_index} of \
                         {}, is damaged",
                        keys.file().path().display()
                    );
                    return Err(damaged(&file.path(), &why));
                }
            }
            Ok(None)
        };
        let pool = workers();
        let mut read = || -> Result<Option<Reading>> {
            let (mut before, mut batch) = (Batch::default(), Batch::default());
            let mut rest = &self.entries[..];
            loop {
                // The last batch is empty: it is there to load the one before.
                let is_last = rest.is_empty();
                let (entries, later) = rest.split_at(Batch::portion(rest, dimension));
                rest = later;
                // The next ones are read and opened while those before them are loaded.
                let next = || {
                    batch.read(entries, &mut input, keys, dimension)?;
                    batch.open(table, dimension, pool.is_some())
                };
                let (opened, loaded) = match pool {
                    Some(_) => rayon::join(next, || load(&before)),
                    None => ({ next }(), load(&before)),
                };
                let torn = loaded?;
                if torn.is_some() || is_last {
                    return Ok(torn);
                }
                opened?;
                std::mem::swap(&mut before, &mut batch);
            }
        };
        let torn = match pool {
            Some(pool) => pool.install(read),
            None => read(),
        };
        Ok(torn?.unwrap_or(Reading::Done { unfinished, lost }))
    }
}

/// Entries that are read together, and opened together on all cores. Its memory is used again.
#[derive(Default)]
struct Batch<'a> {
    entries: &'a [Indexed],
    /// A key for each: zeros if it has been destroyed.
    keys: Zeroizing<Vec<u8>>,
    /// The outlines of the live ones.
    outlines: Zeroizing<Vec<u8>>,
    /// Which of the entries have been opened.
    opened: Vec<bool>,
}

impl Indexed {
    /// How many bytes of its outline are read: none if it is dead.
    fn to_read(&self, dimension: usize) -> usize {
        match self.live {
            true => self.head.lengths(dimension).outline as usize,
            false => 0,
        }
    }
}

impl<'a> Batch<'a> {
    /// How many of these a batch takes.
    fn portion(entries: &[Indexed], dimension: usize) -> usize {
        let mut bytes = 0;
        let fits = |entry: &&Indexed| {
            bytes += entry.to_read(dimension);
            bytes <= READ_AHEAD
        };
        let count = entries.iter().take(BATCH).take_while(fits).count();
        count.max(1).min(entries.len())
    }

    /// Reads entries in place of those before.
    fn read(
        &mut self,
        entries: &'a [Indexed],
        input: &mut Input<'_>,
        keys: &Keys,
        dimension: usize,
    ) -> Result<()> {
        self.entries = entries;
        self.opened.clear();
        self.opened.resize(entries.len(), false);
        if let Some(first) = entries.first() {
            let masked = room(&mut self.keys, entries.len() * KEY);
            keys.read_masked(first.place.key_index, masked)?;
        }
        let live = entries.iter().filter(|entry| entry.live);
        let len = live.clone().map(|entry| entry.to_read(dimension)).sum();
        let mut rest = room(&mut self.outlines, len);
        // Outlines that follow each other in the file are read at once.
        let mut live = live.peekable();
        while let Some(entry) = live.next() {
            let mut end = entry.outline + entry.to_read(dimension) as u64;
            while let Some(next) = live.next_if(|next| next.outline == end) {
                end += next.to_read(dimension) as u64;
            }
            let len = (end - entry.outline) as usize;
            let part = rest.split_off_mut(..len).unwrap_or_default();
            input.move_to(entry.outline);
            let read = input.read_exact(part);
            read.map_err(|e| failed("read", &input.file.path(), &e))?;
        }
        Ok(())
    }

    /// Unmasks the keys, and decrypts the outlines.
    fn open(&mut self, table: &TableKey, dimension: usize, in_parallel: bool) -> Result<()> {
        let bytes = self.outlines.len();
        let mut rest = &mut self.outlines[..];
        let keys = self.keys.chunks_exact_mut(KEY);
        let jobs = self.entries.iter().zip(&mut self.opened).zip(keys);
        let jobs = jobs.filter(|((entry, _), _)| entry.live);
        let jobs = jobs.filter_map(|((entry, is_opened), key)| {
            let part = rest.split_off_mut(..entry.to_read(dimension))?;
            Some((entry, is_opened, key, part))
        });
        let masks = table.masks()?;
        let open = |(entry, is_opened, key, part): (&Indexed, &mut bool, &mut [u8], &mut [u8])| -> Result<()> {
            masks.apply(entry.place.key_index.into(), key)?;
            *is_opened = entry.head.decrypt_outline(&table.name, key, part);
            Ok(())
        };
        if in_parallel {
            let jobs: Vec<_> = jobs.collect();
            let each = (bytes / jobs.len().max(1)).max(1);
            let least = (PORTION / each).max(1);
            jobs.into_par_iter().with_min_len(least).try_for_each(open)
        } else {
            { jobs }.try_for_each(open)
        }
    }

    /// Each entry with its key, which is masked still if the entry is dead, and its outline, if
    /// that could be decrypted.
    fn opened(
        &self,
        dimension: usize,
    ) -> impl Iterator<Item = (&'a Indexed, &[u8], Option<&[u8]>)> {
        let mut rest = &self.outlines[..];
        let keys = self.keys.chunks_exact(KEY);
        let entries = self.entries.iter().zip(&self.opened).zip(keys);
        entries.map(move |((entry, &is_opened), key)| {
            let part = rest.split_off(..entry.to_read(dimension));
            (entry, key, part.filter(|_| is_opened))
        })
    }
}

/// Reads and opens the parts of entries, in the order of an index.
pub struct PartReader<'a> {
    name: &'a [u8; NAME],
    dimension: usize,
    outlines: Input<'a>,
    values: Input<'a>,
}

impl<'a> PartReader<'a> {
    /// A reader of the file from `begin` on. The entries are sealed with the random name.
    pub fn new(file: &'a File, begin: u64, name: &'a [u8; NAME], dimension: usize) -> Self {
        Self {
            name,
            dimension,
            outlines: Input::new(file, begin),
            values: Input::new(file, begin),
        }
    }

    /// An entry's outline; `None` if the key does not open it.
    pub fn outline(&mut self, entry: &Indexed, key: &[u8]) -> Result<Option<Outline<'_>>> {
        let Indexed { head, outline, .. } = entry;
        let len = head.lengths(self.dimension).outline;
        let bytes = self.outlines.part_at(*outline, len)?;
        Ok(head.open_outline(self.name, key, bytes, self.dimension))
    }

    /// An entry's values; `None` if the key does not open them.
    pub fn values(&mut self, entry: &Indexed, key: &[u8]) -> Result<Option<Values<'_>>> {
        let Indexed { head, place, .. } = entry;
        let len = head.lengths(self.dimension).values;
        let bytes = self.values.part_at(place.offset, len)?;
        Ok(head.open_values(self.name, key, bytes, self.dimension))
    }

    /// Both of an entry's parts; `None` if the key does not open one of them.
    pub fn both(
        &mut self,
        entry: &Indexed,
        key: &[u8],
    ) -> Result<Option<(Outline<'_>, Values<'_>)>> {
        let Indexed {
            head,
            place,
            outline,
            ..
        } = entry;
        let lengths = head.lengths(self.dimension);
        let outline = self.outlines.part_at(*outline, lengths.outline)?;
        let outline = head.open_outline(self.name, key, outline, self.dimension);
        let values = self.values.part_at(place.offset, lengths.values)?;
        let values = head.open_values(self.name, key, values, self.dimension);
        Ok(outline.zip(values))
    }
}

pub fn refused(path: &Path, at: u64, why: Damage) -> Error {
    match why {
        Damage::Read(error) => failed("read", path, &error),
        Damage::Incomplete => damaged(path, &format!("the record at byte {at} is cut off")),
        Damage::Corrupt(why) => damaged(path, &format!("at byte {at}: {why}")),
    }
}

/// Reads a file from front to back. It reads ahead, further with every read, and little again after
/// a gap that it has skipped.
pub struct Input<'a> {
    file: &'a File,
    /// The offset of the next byte.
    position: u64,
    /// How much is read next.
    next: usize,
    /// How much is read at most.
    most: usize,
    ahead: Wiped<[u8]>,
    /// The part of the buffer that has not been read yet.
    unread: Range<usize>,
    part: Zeroizing<Vec<u8>>,
}

impl<'a> Input<'a> {
    pub fn new(file: &'a File, position: u64) -> Self {
        // A failure will show at the first read.
        let rest = file.size().unwrap_or(0).saturating_sub(position);
        Self {
            file,
            position,
            next: LEAST,
            most: rest.clamp(1, READ_AHEAD as u64) as usize,
            ahead: Vec::new().into_boxed_slice().into(),
            unread: 0..0,
            part: Zeroizing::default(),
        }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn skip(&mut self, len: u64) {
        let ahead = usize::try_from(len).unwrap_or(usize::MAX);
        if ahead > self.unread.len() + LEAST {
            self.next = LEAST;
        }
        self.unread.start = self.unread.start.saturating_add(ahead).min(self.unread.end);
        self.position += len;
    }

    /// Continues at `offset`.
    fn move_to(&mut self, offset: u64) {
        match offset.checked_sub(self.position) {
            Some(ahead) => self.skip(ahead),
            None => {
                (self.position, self.unread) = (offset, 0..0);
                self.next = LEAST;
            }
        }
    }

    /// The `len` bytes at `offset`, like `part`.
    fn part_at(&mut self, offset: u64, len: u64) -> Result<&mut [u8]> {
        self.move_to(offset);
        self.part(len)
    }

    /// The next `len` bytes, which the file must have. The caller may decrypt them in place.
    pub fn part(&mut self, len: u64) -> Result<&mut [u8]> {
        let mut part = std::mem::take(&mut self.part);
        if part.capacity() < len as usize {
            // Allocated in full, because growing would leave copies behind.
            part = Zeroizing::new(Vec::with_capacity(len as usize));
        }
        part.resize(len as usize, 0);
        let read = self.read_exact(&mut part);
        read.map_err(|e| failed("read", &self.file.path(), &e))?;
        self.part = part;
        Ok(&mut self.part)
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() && buffer.len() >= LEAST {
            let read = self.file.read_some(self.position, buffer)?;
            self.position += read as u64;
            return Ok(read);
        }
        if self.unread.is_empty() {
            let len = self.next.min(self.most);
            if self.ahead.len() < len {
                let room = if len > LEAST { self.most } else { len };
                self.ahead = vec![0; room].into_boxed_slice().into();
            }
            self.next = (2 * len).max(LEAST);
            self.unread = 0..self.file.read_some(self.position, &mut self.ahead[..len])?;
        }
        let read = buffer.len().min(self.unread.len());
        buffer[..read].copy_from_slice(&self.ahead[self.unread.start..][..read]);
        self.unread.start += read;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(key: u64, order: u64) -> Indexed {
        Indexed {
            place: EntryLocation::default(),
            head: Head {
                key,
                order,
                id: 1,
                metadata: None,
                text: None,
            },
            live: true,
            outline: 0,
            record: 0,
        }
    }

    proptest! {
        #[test]
        fn the_latest_entry_with_a_key_is_found_in_whatever_order_they_come(
            // Mostly in the order of their keys, as in a log.
            steps in prop::collection::vec((0..10u64, 0..8u64, any::<bool>()), 0..60),
        ) {
            let (mut latest, mut entries) = (Latest::default(), Vec::<Indexed>::new());
            let mut model = HashMap::new();
            let mut next = 0;
            for (key, back, removes) in steps {
                if removes {
                    let found = latest.remove(key, &entries);
                    // One that has been removed may be found again.
                    let found = found.filter(|&at| entries[at].live);
                    prop_assert_eq!(found, model.remove(&key));
                    if let Some(at) = found {
                        entries[at].live = false;
                    }
                } else {
                    let key = if back == 0 { key } else { next };
                    next = next.max(key) + 1;
                    let replaced = latest.insert(key, &entries);
                    prop_assert_eq!(replaced, model.insert(key, entries.len()));
                    if let Some(at) = replaced {
                        entries[at].live = false;
                    }
                    entries.push(entry(key, 0));
                }
            }
            let live: Vec<_> = (0..).zip(&entries).filter(|(_, entry)| entry.live).collect();
            prop_assert_eq!(live.len(), model.len());
            for (at, entry) in live {
                prop_assert_eq!(model.get(&entry.head.key), Some(&at));
            }
        }
    }

    #[test]
    fn two_vectors_with_one_place_in_the_order_of_insertion_are_damage() {
        let check = |orders: &[u64], dead: &[usize]| {
            let mut entries: Vec<_> = (0..).zip(orders).map(|(i, &o)| entry(i, o)).collect();
            for &at in dead {
                entries[at].live = false;
            }
            let index = Index {
                dimension: 1,
                entries,
                end: 0,
                is_followed: false,
                summary: Summary::default(),
            };
            index.check_order(Path::new("log.1"))
        };
        check(&[], &[]).unwrap();
        check(&[0, 1, 5], &[]).unwrap();
        check(&[5, 1, 0], &[]).unwrap();
        check(&[1, 2, 1], &[0]).unwrap();
        for orders in [&[1, 1][..], &[2, 1, 0, 2], &[0, 3, 3, 4]] {
            let Err(Error::Storage(why)) = check(orders, &[]) else {
                panic!("{orders:?} are accepted");
            };
            assert!(why.contains("in the order of insertion"), "{why}");
        }
    }
}
