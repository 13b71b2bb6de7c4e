//! The log of one collection: the file that holds its vectors, and all that happens to
//! them.
//!
//! A write appends one record, which is there whole or not at all. A delete appends a
//! record that names the removed entries' keys, and then overwrites their parts with
//! zeros, in place. From the record on the delete has happened: whatever interrupts it,
//! the next opening finds the record and overwrites what is left.
//!
//! `log.1` is followed by `log.2` when enough of it is zeros (`collection/copy.rs`).

use std::{
    collections::HashMap,
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use zeroize::Zeroizing;

use super::{
    file::{self, File, Files, failed, is_full, is_refused},
    header::{self, Mark, RECORDS, damaged},
    record::{Content, Damage, Head, Kind, Record, text},
    reserve,
    sync::{Fsync, Health, Syncer},
};
use crate::{
    error::{Error, Result},
    wiped::Wiped,
};

/// What the graph's file is called.
pub const GRAPH: &str = "graph";
/// And the one before it, until it is overwritten.
pub const GRAPH_REPLACED: &str = "graph.old";
const READ_AHEAD: usize = 1 << 20;
/// What an update of the file system writes at a time: the smallest piece that a loss of
/// power can leave out.
const PAGE: u64 = 4096;

/// Where an entry's part is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    pub offset: u64,
    pub len: u32,
}

impl Place {
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset + u64::from(self.len)
    }
}

/// A file that records are appended to, and where in it the vectors' parts are, by slot.
pub struct Writer {
    pub file: Arc<File>,
    /// Where its first record is.
    pub begin: u64,
    pub end: u64,
    places: Vec<Place>,
    live: u64,
    /// Where it may take the room that is kept for deletes.
    room: Option<Arc<Health>>,
}

impl Writer {
    /// What is appended goes to `end`.
    pub fn new(file: Arc<File>, end: u64) -> Self {
        Self {
            file,
            begin: end,
            end,
            places: Vec::new(),
            live: 0,
            room: None,
        }
    }

    /// Appends a record with its data, and returns where the data begins.
    pub fn append(&mut self, record: &Record, data: &[u8]) -> Result<u64> {
        let appended = match self.room.clone() {
            Some(health) => health.making_room(|| self.try_append(record, data)),
            None => self.try_append(record, data),
        };
        appended.map_err(|e| failed("write to", &self.file.path(), &e))
    }

    fn try_append(&mut self, record: &Record, data: &[u8]) -> io::Result<u64> {
        let mut bytes = Zeroizing::new(record.encode());
        let begin = self.end + bytes.len() as u64;
        // One write where that costs little; a record may be as large as a load.
        if data.len() <= READ_AHEAD {
            bytes.extend_from_slice(data);
            self.file.try_write_at(self.end, &bytes)?;
        } else {
            self.file.try_write_at(self.end, &bytes)?;
            self.file.try_write_at(begin, data)?;
        }
        self.end = begin + data.len() as u64;
        Ok(begin)
    }

    pub fn place(&self, slot: u32) -> Option<Place> {
        let place = self.places.get(slot as usize).copied();
        place.filter(|place| place.len > 0)
    }

    pub fn put(&mut self, slot: u32, place: Place) {
        if self.places.len() <= slot as usize {
            self.places.resize(slot as usize + 1, Place::default());
        }
        self.live += u64::from(place.len);
        self.places[slot as usize] = place;
    }

    /// Forgets where the slot's part is, and returns it.
    pub fn take(&mut self, slot: u32) -> Option<Place> {
        let place = self.place(slot)?;
        self.places[slot as usize] = Place::default();
        self.live -= u64::from(place.len);
        Some(place)
    }

    /// The vector at `from` is at `to` now.
    pub fn relocate(&mut self, from: u32, to: u32) {
        if let Some(place) = self.take(from) {
            self.put(to, place);
        }
    }

    pub fn truncate(&mut self, slots: usize) {
        self.places.truncate(slots);
        self.places.shrink_to(slots);
    }

    /// The bytes of live parts, and all bytes.
    pub fn size(&self) -> (u64, u64) {
        (self.live, self.end)
    }

    pub fn memory_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Place>()
    }
}

/// An entry as it is read back.
pub struct Entry<'a> {
    pub head: Head,
    pub content: Content<'a>,
    pub place: Place,
}

/// What a log holds besides its entries.
#[derive(Debug, Default)]
pub struct Summary {
    pub sequence: u64,
    pub next_key: u64,
    /// When it was last written: microseconds since 1970.
    pub time: i64,
}

pub struct Log {
    files: Files,
    directory: PathBuf,
    generation: u64,
    writer: Writer,
    sync: Arc<Syncer>,
}

/// One collection's records, as their directories tell them.
pub struct Index {
    pub config: String,
    pub dimension: usize,
    pub parts: Vec<Part>,
    pub end: u64,
    /// What is at `end` is a record that is no commit.
    pub is_followed: bool,
    summary: Summary,
}

pub struct Part {
    pub place: Place,
    pub head: Head,
    /// Nothing that follows removes it.
    pub live: bool,
    /// Where the part's record begins.
    record: u64,
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// It was whole up to here.
    pub whole: u64,
    /// What is beyond is there in the order in which it was written.
    pub ordered: bool,
    /// Nothing was written after that.
    pub clean: bool,
}

impl Known {
    /// A file that has nothing but what was written in full.
    pub fn all(size: u64) -> Self {
        Self {
            whole: size,
            ordered: true,
            clean: true,
        }
    }
}

/// How a reading of a log ended.
enum Reading {
    Done {
        /// Dead parts that are not erased, and live ones that are erased in part.
        unfinished: Vec<Place>,
        /// The keys of the latter.
        lost: Vec<u64>,
    },
    /// This record was not written whole before the power was lost.
    Torn(u64),
}

fn name(generation: u64) -> String {
    format!("log.{generation}")
}

/// Which log of its collection a file is.
fn generation(file: &str) -> Option<u64> {
    let number = file.strip_prefix("log.")?.parse::<u32>().ok()?.into();
    (name(number) == file).then_some(number)
}

/// Writes the beginning of a log: everything before its first commit.
fn begin(file: File, config: &str, room: Option<Arc<Health>>) -> Result<Writer> {
    let file = Arc::new(file);
    let mut writer = Writer::new(file.clone(), RECORDS);
    // What is written later over the beginning needs no room.
    let erase = || file.try_erase(0, RECORDS);
    match &room {
        Some(health) => health.making_room(erase),
        None => erase(),
    }
    .map_err(|e| failed("write to", &file.path(), &e))?;
    writer.room = room;
    file.write_at(0, &header::preamble(header::LOG))?;
    let (record, data) = Record::of_text(Kind::Config, config);
    writer.append(&record, &data)?;
    for turn in [0, 1] {
        let end = writer.end;
        let clean = false;
        Mark { turn, end, clean }.write(&writer.file)?;
    }
    Ok(writer)
}

impl Log {
    /// Begins a log in an empty directory, which gets its name later: see `moved`.
    pub fn create(
        files: &Files,
        directory: &Path,
        config: &str,
        fsync: Fsync,
        health: &Arc<Health>,
    ) -> Result<Self> {
        let writer = begin(files.create(&directory.join(name(1)))?, config, None)?;
        writer.file.sync()?;
        files.sync_directory(directory)?;
        // Windows renames no directory in which a file is open.
        writer.file.close();
        let (file, end) = (writer.file.clone(), writer.end);
        Ok(Self {
            files: files.clone(),
            directory: directory.to_owned(),
            generation: 1,
            writer,
            sync: Arc::new(Syncer::new(fsync, health.clone(), file, end, 1)),
        })
    }

    /// The log's directory has this name now.
    pub fn moved(&mut self, directory: &Path) {
        self.directory = directory.to_owned();
        self.writer
            .file
            .moved(&directory.join(name(self.generation)));
        // The first write is about to come, and opens it if this does not.
        let _ = self.writer.file.hold();
    }

    /// Opens the log of a directory, completes what was interrupted, and hands every live
    /// entry to `put`, which returns its slot. `make` makes what they are put into, of the
    /// log's settings, and tells the dimension.
    pub fn open<T>(
        files: &Files,
        directory: &Path,
        fsync: Fsync,
        health: &Arc<Health>,
        make: impl Fn(&str) -> Result<(T, usize)>,
        put: impl Fn(&mut T, Entry<'_>) -> Result<u32>,
    ) -> Result<(Self, Summary, T)> {
        let (generation, leftovers) = Self::find(directory)?;
        let file = Arc::new(files.open(&directory.join(name(generation)))?);
        let len = header::check_file(&file, header::LOG, RECORDS)?;
        let found = Mark::read(&file)?;
        if len < found.mark.end {
            return Err(damaged(
                &file.path(),
                &format!("it has {len} bytes where {} were written", found.mark.end),
            ));
        }
        let known = Known {
            whole: found.mark.end,
            ordered: found.same_run,
            clean: found.mark.clean,
        };
        let mut until = len;
        let (index, target, writer, unfinished, lost) = loop {
            let index = Index::read(&file, RECORDS, until, known, |config| Ok(make(config)?.1))?;
            if index.is_followed {
                let why = Damage::Corrupt("a record is of the wrong kind");
                return Err(refused(&file.path(), index.end, why));
            }
            let (mut target, _) = make(&index.config)?;
            let mut writer = Writer::new(file.clone(), index.end);
            let reading = index.read_parts(&file, known, |entry| {
                let place = entry.place;
                let slot = put(&mut target, entry)
                    .map_err(|error| damaged(&file.path(), &error.to_string()))?;
                writer.put(slot, place);
                Ok(())
            })?;
            match reading {
                Reading::Done { unfinished, lost } => {
                    break (index, target, writer, unfinished, lost);
                }
                Reading::Torn(at) => until = at,
            }
        };
        for path in leftovers {
            files.wipe(&path)?;
        }
        if index.end < len {
            file.cut(index.end)?;
        }
        let mark = Mark {
            turn: found.mark.turn + 1,
            end: found.mark.end.min(index.end),
            clean: false,
        };
        mark.write(&file)?;
        for place in &unfinished {
            file.erase(place.offset, place.len.into())?;
        }
        file.sync()?;
        file.lend();
        let syncer = Syncer::new(fsync, health.clone(), file, index.end, mark.turn);
        let mut log = Self {
            files: files.clone(),
            directory: directory.to_owned(),
            generation,
            writer,
            sync: Arc::new(syncer),
        };
        let mut summary = index.summary;
        if !lost.is_empty() {
            summary.sequence += 1;
            let record = Record {
                kind: Kind::Commit,
                sequence: summary.sequence,
                next_key: summary.next_key,
                time: summary.time,
                removed: lost,
                entries: Vec::new(),
                data: 0,
            };
            log.append(&record, &[])?;
        }
        log.sync.flush()?;
        Ok((log, summary, target))
    }

    /// Which log counts, and what an interrupted rewrite has left behind. That is removed
    /// when the log was read: until then it may be all there is.
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
            let unfinished = entry.name.strip_suffix(".new");
            let replaced = entry.name == GRAPH_REPLACED;
            old || replaced
                || unfinished.is_some_and(|name| name == GRAPH || generation(name).is_some())
        };
        let leftovers = entries.into_iter().filter(is_left);
        Ok((last, leftovers.map(|entry| entry.path).collect()))
    }

    /// Appends a record. What fails is cut off again. Where there was no room, and the file
    /// is as it was, that is all; otherwise nothing more is written.
    ///
    /// A record that only removes entries may take the room that is kept for it.
    pub fn append(&mut self, record: &Record, data: &[u8]) -> Result<(u64, u64)> {
        let health = self.sync.health().clone();
        let removes = record.entries.is_empty();
        if !removes {
            health.keep_room()?;
        }
        let end = self.writer.end;
        loop {
            let error = match self.writer.try_append(record, data) {
                Ok(begin) => return Ok((begin, self.sync.appended(self.writer.end))),
                Err(error) => error,
            };
            let cut = self.writer.file.cut(end);
            let told = failed("write to", &self.writer.file.path(), &error);
            if !is_refused(&error) || cut.is_err() {
                return Err(health.fail(told));
            }
            if !removes || !is_full(&error) || !health.give_room() {
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

    pub fn memory_bytes(&self) -> usize {
        self.writer.memory_bytes()
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

    /// Begins the file that may replace this log.
    ///
    /// Where it makes room, and needs little, it may take what is kept for deletes.
    pub fn successor(&self, config: &str) -> Result<Writer> {
        let path = self.directory.join(name(self.generation + 1) + ".new");
        let room = (self.writer.live < reserve::SIZE / 2).then(|| self.sync.health().clone());
        let begun = begin(self.files.create(&path)?, config, room);
        if begun.is_err() {
            // There is no vector in it yet, and the next one gets the same name.
            let _ = self.files.remove(&path);
        }
        begun
    }

    /// Exchanges the log for its successor, which is whole. From here on writes go to the
    /// new file. An error leaves the log as it was.
    ///
    /// Where it is not known which of the two would be found, nothing more is written: what
    /// they hold is the same.
    pub fn exchange(&mut self, successor: &mut Writer) -> Result<()> {
        let mark = Mark {
            turn: 2,
            end: successor.end,
            clean: false,
        };
        mark.write(&successor.file)?;
        successor.file.sync()?;
        let directory = self.files.open_directory(&self.directory)?;
        let path = self.directory.join(name(self.generation + 1));
        if let Err(error) = successor.file.rename(&path) {
            return Err(match path.exists() {
                true => self.sync.health().fail(error),
                false => error,
            });
        }
        successor.file.lend();
        std::mem::swap(&mut self.writer, successor);
        self.generation += 1;
        self.sync
            .replace(self.writer.file.clone(), mark.end, mark.turn);
        if let Err(error) = directory.sync() {
            self.sync.health().fail(error);
        }
        Ok(())
    }

    /// The collection is deleted from here on: nobody opens a directory of this name. An
    /// error leaves it as it was, or nothing more is written.
    pub fn drop_directory(&self) -> Result<()> {
        let health = self.sync.health();
        health.check()?;
        let dropped = super::root::dropped(&self.directory);
        let parent = dropped.parent().unwrap_or(&self.directory);
        let parent = self.files.open_directory(parent)?;
        // Windows renames no directory in which a file is open: there a file of that name
        // says the same.
        let renamed = health.making_room(|| {
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

    /// Closes the file for good: its directory is about to be removed.
    pub fn leave(&self) {
        self.writer.file.leave();
    }
}

impl Index {
    /// Reads the directories of the records from `begin`, which is a collection's
    /// settings, to `until` or a record that is no commit.
    pub fn read(
        file: &File,
        begin: u64,
        until: u64,
        known: Known,
        dimension_of: impl Fn(&str) -> Result<usize>,
    ) -> Result<Self> {
        let mut input = Input::new(file, begin);
        let first = Record::read(&mut input, until.saturating_sub(begin), 0);
        let first = first.map_err(|why| refused(&file.path(), begin, why))?;
        if first.kind != Kind::Config {
            return Err(damaged(&file.path(), "it does not begin with its settings"));
        }
        let config = text(input.part(first.data)?);
        let config = config.ok_or_else(|| damaged(&file.path(), "its settings are damaged"))?;
        let config = config.to_owned();
        let dimension = dimension_of(&config);
        let dimension = dimension.map_err(|error| damaged(&file.path(), &error.to_string()))?;
        let mut index = Self {
            config,
            dimension,
            parts: Vec::new(),
            summary: Summary {
                sequence: 0,
                next_key: 0,
                time: 0,
            },
            end: input.position,
            is_followed: false,
        };
        let mut by_key: HashMap<u64, usize> = HashMap::new();
        while index.end < until {
            let record = match Record::read(&mut input, until - index.end, dimension) {
                Ok(record) if record.kind == Kind::Commit => record,
                Ok(_) => {
                    index.is_followed = true;
                    break;
                }
                Err(Damage::Read(error)) => return Err(failed("read", &file.path(), &error)),
                // The end of a file that nobody was told is whole.
                Err(Damage::Incomplete) if index.end >= known.whole => break,
                Err(_) if index.end >= known.whole && !known.ordered => break,
                Err(why) => return Err(refused(&file.path(), index.end, why)),
            };
            for key in &record.removed {
                if let Some(part) = by_key.remove(key) {
                    index.parts[part].live = false;
                }
            }
            for head in &record.entries {
                let len = u32::try_from(head.part(dimension)).map_err(|_| {
                    damaged(&file.path(), "an entry is larger than any that is written")
                })?;
                let part = Part {
                    place: Place {
                        offset: input.position,
                        len,
                    },
                    head: *head,
                    live: true,
                    record: index.end,
                };
                input.skip(len.into());
                // An entry of the same key replaces the one before.
                if let Some(old) = by_key.insert(head.key, index.parts.len()) {
                    index.parts[old].live = false;
                }
                index.parts.push(part);
            }
            let keys = record.entries.iter().map(|head| head.key + 1);
            let summary = &mut index.summary;
            summary.next_key = keys.max().unwrap_or(0).max(summary.next_key);
            summary.sequence = summary.sequence.max(record.sequence);
            summary.next_key = summary.next_key.max(record.next_key);
            summary.time = summary.time.max(record.time);
            index.end = input.position;
        }
        Ok(index)
    }

    /// Reads all parts. Besides handing the live ones over, it finds the dead ones that
    /// are not erased, and the live ones that are.
    fn read_parts(
        &self,
        file: &File,
        known: Known,
        mut put: impl FnMut(Entry<'_>) -> Result<()>,
    ) -> Result<Reading> {
        // Without a loss of power, writes are found in the order in which they were made.
        let disordered = !known.clean && !known.ordered;
        let mut input = Input::new(file, RECORDS);
        let mut unfinished = Vec::new();
        let mut lost = Vec::new();
        for part in &self.parts {
            input.skip(part.place.offset - input.position);
            let bytes = input.part(part.place.len.into())?;
            if !part.live {
                if bytes.iter().any(|&byte| byte != 0) {
                    unfinished.push(part.place);
                }
                continue;
            }
            if let Some(content) = part.head.content(bytes, self.dimension) {
                put(Entry {
                    head: part.head,
                    content,
                    place: part.place,
                })?;
            } else if disordered && part.record >= known.whole {
                return Ok(Reading::Torn(part.record));
            } else if disordered && is_partly_erased(bytes, part.place.offset) {
                // The record of its deletion was lost with the power; its bytes were not
                // there any more.
                unfinished.push(part.place);
                lost.push(part.head.key);
            } else {
                let why = format!(
                    "the vector at bytes {} to {} is damaged",
                    part.place.offset,
                    part.place.range().end
                );
                return Err(damaged(&file.path(), &why));
            }
        }
        Ok(Reading::Done { unfinished, lost })
    }
}

/// Whether a whole page of the part is zero, as an erasure leaves it of which only some
/// pages got to the disk.
fn is_partly_erased(bytes: &[u8], offset: u64) -> bool {
    let mut rest = bytes;
    let mut at = offset;
    while !rest.is_empty() {
        let page = ((PAGE - at % PAGE) as usize).min(rest.len());
        let (head, tail) = rest.split_at(page);
        if head.iter().all(|&byte| byte == 0) {
            return true;
        }
        (rest, at) = (tail, at + page as u64);
    }
    false
}

pub fn refused(path: &Path, at: u64, why: Damage) -> Error {
    match why {
        Damage::Read(error) => failed("read", path, &error),
        Damage::Incomplete => damaged(path, &format!("the record at byte {at} is cut off")),
        Damage::Corrupt(why) => damaged(path, &format!("at byte {at}: {why}")),
    }
}

/// A file read from front to back.
pub struct Input<'a> {
    file: &'a File,
    /// Where the next byte is.
    position: u64,
    ahead: Wiped<[u8]>,
    /// What of it is not read yet.
    unread: Range<usize>,
    part: Zeroizing<Vec<u8>>,
}

impl<'a> Input<'a> {
    pub fn new(file: &'a File, position: u64) -> Self {
        // A failure shows at the first read.
        let rest = file.size().unwrap_or(0).saturating_sub(position);
        let ahead = rest.clamp(1, READ_AHEAD as u64) as usize;
        Self {
            file,
            position,
            ahead: vec![0; ahead].into_boxed_slice().into(),
            unread: 0..0,
            part: Zeroizing::default(),
        }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn skip(&mut self, len: u64) {
        let ahead = usize::try_from(len).unwrap_or(usize::MAX);
        self.unread.start = self.unread.start.saturating_add(ahead).min(self.unread.end);
        self.position += len;
    }

    /// The next `len` bytes. The caller knows that the file has them.
    pub fn part(&mut self, len: u64) -> Result<&[u8]> {
        let mut part = std::mem::take(&mut self.part);
        if part.capacity() < len as usize {
            // Growing leaves copies behind.
            part = Zeroizing::new(Vec::with_capacity(len as usize));
        }
        part.resize(len as usize, 0);
        let read = self.read_exact(&mut part);
        read.map_err(|e| failed("read", &self.file.path(), &e))?;
        self.part = part;
        Ok(&self.part)
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            self.unread = 0..self.file.read_some(self.position, &mut self.ahead)?;
        }
        let read = buffer.len().min(self.unread.len());
        buffer[..read].copy_from_slice(&self.ahead[self.unread.start..][..read]);
        self.unread.start += read;
        self.position += read as u64;
        Ok(read)
    }
}
