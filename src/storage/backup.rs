//! A backup: collections in one file, in the same record format as a log.
//!
//! A backup begins with a keyring of its own (`keyring.rs`). Then follow, for each collection, its
//! settings; commits that put its entries, and one that removes entries deleted in the meantime; a
//! record `COPY`, which says what this is a copy of; and a key for each entry, zeros for deleted
//! ones. At the end is a record with the number of collections and vectors. Each collection has a
//! number, counted from 1, which takes the place of its random name in everything sealed (`NAME`,
//! `seal.rs`) and is also the generation of its key table.
//!
//! | `COPY` | |
//! | --- | --- |
//! | 0..16 | the random name of the store's collection; zeros if the store was in memory |
//! | 16..24 | the sequence number of its last write before the moment of which it is a copy |
//! | 24..32 | that moment: microseconds since 1970 |
//!
//! With these, a ledger tells what was erased in the collection after it was copied (`erasures.rs`),
//! and a restored store is made without it. `COPY` is for that alone: no restored store has it.
//!
//! A backup with its keys *apart* contains the entries as they are in the store's log and, in place
//! of their keys, a record `AWAY`: the collection's random name (16 bytes) and, for each entry, the
//! first 8 bytes of its key's SHA-256, zeros for deleted entries. The keys are exported to a
//! separate file, which also begins with a keyring. For each collection it has a record `EXPO`: the
//! collection's random name (16 bytes), the sequence number of its last commit (8), and for each
//! live entry its number (8) and its key (32). So a backup can be kept for ever, and restores only
//! what still has a key in the newest export, or in the store.
//!
//! `COPY`, `AWAY` and `EXPO` are sealed like settings, authenticated with their four-letter kind in
//! place of the name.
//!
//! The backup's key is written last, when everything else is complete and on disk; then the file is
//! renamed to its final name. Until then, everything in the file is noise, whatever becomes of it,
//! except for entries whose keys are apart, which can be read with those keys.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use same_file::Handle;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    erasures::ErasedSince,
    file::{self, Directory, File, Files, failed},
    header::{self, PREAMBLE, damaged},
    inspect::retry,
    keyring::{self, Keyring, UserKey},
    keys::TableKey,
    log::{Index, Input, KeySink, Known, LiveKeys, Log, PartReader, Writer, refused},
    record::{Damage, Head, Kind, Outline, Record, Values, text, u64_at},
    root::{self, Root},
    seal::{KEY, Key, NAME, Sealed},
    sync::{Fsync, Health},
};
use crate::{
    cancel,
    error::{Error, Result},
};

/// Entries are copied into records of about this size, and of at most this many entries.
const BATCH_BYTES: u64 = 1 << 20;
const ENTRIES: usize = 4096;
/// The suffix of an unfinished backup's name.
const PART: &str = ".part";

/// A backup that is being written. If it is dropped before it is finished, the file is removed.
pub struct Backup {
    files: Files,
    path: PathBuf,
    file: Arc<File>,
    directory: Directory,
    leftovers: Vec<PathBuf>,
    key: Key,
    user: Option<UserKey>,
    /// Whether its keys are in a separate file.
    apart: bool,
    /// The kind of file, at the beginning of the preamble.
    kind: &'static [u8; 8],
    end: u64,
    collections: u64,
    vectors: u64,
    finished: bool,
}

/// What the records are authenticated with.
const COPIED: &[u8] = b"COPY";
const AWAY: &[u8] = b"AWAY";
const EXPORTED: &[u8] = b"EXPO";
/// How many bytes of a key's digest identify it.
const MARK: usize = 8;

/// The digest that identifies a key; zeros if the key has been destroyed.
fn mark(key: &[u8]) -> [u8; MARK] {
    let mut mark = [0; MARK];
    if key.iter().any(|&byte| byte != 0) {
        mark.copy_from_slice(&Sha256::digest(key)[..MARK]);
    }
    mark
}

/// The key that masks the keys of a backup's n-th collection.
fn table(key: &Key, number: u64) -> TableKey {
    let mut name = [0; NAME];
    name[..8].copy_from_slice(&number.to_le_bytes());
    // A store has fewer collections than there are 32-bit numbers.
    TableKey::new(name, number as u32, key.clone())
}

/// The contents of the last record of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    collections: u64,
    vectors: u64,
}

/// What a collection in a backup is a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The random name of the store's collection; none if the store was in memory.
    pub name: Option<[u8; NAME]>,
    /// The sequence number of its last write before the copy.
    pub sequence: u64,
    /// When it was as it is in the copy, in microseconds since 1970.
    pub time: i64,
}

/// The size of a `COPY`, and where its numbers are.
const COPIED_LEN: usize = NAME + 16;
const SEQUENCE: usize = NAME;
const TIME: usize = NAME + 8;

impl Copied {
    fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(COPIED_LEN);
        out.extend(self.name.unwrap_or_default());
        out.extend(self.sequence.to_le_bytes());
        out.extend(self.time.to_le_bytes());
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let name = *bytes.first_chunk()?;
        (bytes.len() == COPIED_LEN).then(|| Self {
            name: Some(name).filter(|name| *name != [0; NAME]),
            sequence: u64_at(bytes, SEQUENCE),
            time: u64_at(bytes, TIME) as i64,
        })
    }
}

/// Finds what was erased in a collection with these settings after this copy of it was made.
pub type Since<'a> = &'a dyn Fn(&str, &Copied) -> Result<ErasedSince>;

/// Where the keys of a backup are, and the user's keys that open them.
#[derive(Clone, Copy, Default)]
pub struct Source<'a> {
    pub user: Option<&'a UserKey>,
    /// For a backup with its keys apart: exported keys, or the directory of the store.
    pub keys: Option<&'a Path>,
    /// The user's key that encrypts the keys; `None` if it is the same as the backup's.
    pub keys_user: Option<&'a UserKey>,
}

impl<'a> Source<'a> {
    /// The user's newest key.
    fn newest(&self) -> Option<&'a UserKey> {
        self.keys_user.or(self.user)
    }
}

/// The result of writing or reading a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub path: PathBuf,
    pub collections: u64,
    pub vectors: u64,
    /// For a backup with its keys apart: the number of vectors that no longer have a key.
    pub erased: Option<u64>,
    /// How many vectors were left out because a ledger says that they were erased after the backup;
    /// only if there is one.
    pub left_out: Option<u64>,
    /// The size of the backup file in bytes.
    pub bytes: u64,
    /// The unfinished backups that were removed from the target directory.
    pub leftovers: Vec<PathBuf>,
}

/// The name of a backup file while it is being written.
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

/// Removes the unfinished backups in a directory whose processes have ended. A process that writes
/// a backup holds a lock on the file, which it takes before it writes the first byte.
fn remove_leftovers(files: &Files, directory: &Path) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for entry in file::list(directory)?.into_iter().filter(is_unfinished) {
        let removal = files.open(&entry.path);
        let removal = removal.and_then(|file| remove_leftover(&file, &entry.path));
        // A file that cannot be removed must not prevent a new backup.
        if removal.unwrap_or(false) {
            removed.push(entry.path);
        }
    }
    Ok(removed)
}

/// Removes an open file that was found at `path`, if it is an unfinished backup that nobody is
/// writing.
fn remove_leftover(file: &File, path: &Path) -> Result<bool> {
    let mut beginning = [0; PREAMBLE];
    file.read_at(0, &mut beginning)?;
    // Zeros: another process has begun to remove it.
    let kinds = [header::BACKUP, header::EXPORTED].map(header::preamble);
    let is_ours = kinds.contains(&beginning) || beginning == [0; PREAMBLE];
    let open = file.hold()?;
    if !is_ours || open.try_lock().is_err() {
        return Ok(false);
    }
    // Its writer has ended, or has finished it: a finished backup has been given its name before
    // the lock was released.
    let here = || -> std::io::Result<bool> {
        Ok(Handle::from_file(open.try_clone()?)? == Handle::from_path(path)?)
    };
    if !here().unwrap_or(false) {
        return Ok(false);
    }
    // It may have been complete except for its name.
    destroy(file)?;
    file.remove()?;
    Ok(true)
}

impl Backup {
    /// Begins a backup. An existing file is never overwritten. Unfinished backups in the directory
    /// whose processes have ended are removed.
    ///
    /// `user` is the key of an encrypted store.
    pub fn create(files: &Files, path: &Path, user: Option<UserKey>, apart: bool) -> Result<Self> {
        Self::create_as(header::BACKUP, files, path, user, apart)
    }

    fn create_as(
        kind: &'static [u8; 8],
        files: &Files,
        path: &Path,
        user: Option<UserKey>,
        apart: bool,
    ) -> Result<Self> {
        // The working directory may have changed by the time the backup is finished.
        let path = std::path::absolute(path).map_err(|e| failed("write to", path, &e))?;
        check_free(&path)?;
        let parent = path.parent().unwrap_or(&path);
        let leftovers = remove_leftovers(files, parent).unwrap_or_default();
        let part = unfinished(&path);
        let file = Arc::new(files.create(&part).inspect_err(|_| {
            // The name is unique, so the file is ours.
            let _ = fs::remove_file(&part);
        })?);
        let directory = files.open_directory(parent).and_then(|directory| {
            // On a file system without locks, leftovers are not removed.
            let _ = file.hold()?.try_lock();
            let mut beginning = vec![0; keyring::size(user.as_ref())];
            beginning[..PREAMBLE].copy_from_slice(&header::preamble(kind));
            file.write_at(0, &beginning)?;
            Ok((directory, Key::random()?))
        });
        match directory {
            Ok((directory, key)) => Ok(Self {
                files: files.clone(),
                path,
                file,
                directory,
                leftovers,
                key,
                end: keyring::size(user.as_ref()) as u64,
                user,
                apart,
                kind,
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

    /// Whether its keys are in a separate file; entries are then copied as they are.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// Begins a collection. Its entries are appended with the returned writer, sealed with the
    /// returned name.
    pub fn section(&self, config: &str) -> Result<(Writer, [u8; NAME])> {
        let key_sink = KeySink::Memory(Default::default());
        let mut writer = Writer::new(self.file.clone(), self.end, key_sink);
        let table = table(&self.key, self.collections + 1);
        let settings = table.seal_settings(config)?;
        writer.append_data(&Record::of_data(Kind::Config, settings.len()), &settings)?;
        Ok((writer, table.name))
    }

    /// Ends the collection that the writer has written.
    ///
    /// `name` is the name that its entries are sealed with.
    pub fn end_section(
        &mut self,
        section: &mut Writer,
        name: &[u8; NAME],
        copied: &Copied,
        vectors: u64,
    ) -> Result<()> {
        let table = table(&self.key, self.collections + 1);
        let of = table.seal(COPIED, copied.write())?;
        section.append_data(&Record::of_data(Kind::Copied, of.len()), &of)?;
        if let KeySink::Memory(keys) = &mut section.key_sink {
            let mut keys = std::mem::take(keys);
            if self.apart {
                let marks = keys.chunks_exact(KEY).flat_map(mark);
                let away = name.iter().copied().chain(marks).collect();
                let away = table.seal(AWAY, away)?;
                section.append_data(&Record::of_data(Kind::Away, away.len()), &away)?;
            } else {
                table.mask(0, &mut keys)?;
                section.append_data(&Record::of_data(Kind::Keys, keys.len()), &keys)?;
            }
        }
        self.end = section.end;
        self.collections += 1;
        self.vectors += vectors;
        Ok(())
    }

    /// Discards what was written of a collection that has been deleted in the meantime.
    pub fn drop_section(&self) -> Result<()> {
        self.file.truncate(self.end)
    }

    pub fn finish(mut self) -> Result<Restored> {
        let contents = Contents {
            collections: self.collections,
            vectors: self.vectors,
        };
        let contents = serde_json::to_string(&contents)
            .map_err(|_| Error::Internal("a backup's contents cannot be written".into()))?;
        let (record, data) = Record::of_text(Kind::Done, &contents);
        let key_sink = KeySink::Memory(Default::default());
        let mut writer = Writer::new(self.file.clone(), self.end, key_sink);
        writer.append_data(&record, &data)?;
        self.file.sync()?;
        let keyring = Keyring::from(self.key.clone());
        let beginning = keyring::encode(self.kind, &keyring, self.user.as_ref())?;
        self.file.write_at(0, &beginning)?;
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
            erased: None,
            left_out: None,
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

/// Overwrites the key that a file may begin with; without it, the rest is noise.
fn destroy(file: &File) -> Result<()> {
    let len = file.size()?.min(keyring::size(None) as u64);
    file.erase(0, len)?;
    file.sync()
}

/// Removes the file of a backup that failed; the caller reports the reason.
fn discard(files: &Files, file: &File) {
    let _ = destroy(file);
    file.close_for_good();
    let path = file.path();
    if files.remove(&path).is_err() {
        let _ = files.remove(&path);
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

/// What to do with the contents of a backup.
trait Visitor {
    /// A collection begins, with these settings and this TTL.
    fn collection(&mut self, settings: &str, ttl: u32) -> Result<()>;
    fn entry(&mut self, head: &Head, outline: &Outline<'_>, values: &Values<'_>) -> Result<()>;
}

/// The keys of a collection in a backup, in the order of its entries.
enum Found {
    /// In the backup itself.
    Within(Zeroizing<Vec<u8>>),
    /// In a separate file, with the digests by which the backup identifies its keys.
    Apart(Option<LiveKeys>, Vec<u8>),
}

impl Found {
    /// The key of an entry. `None` if it has been destroyed or is not the key the backup was made
    /// with.
    fn key(&self, at: usize, number: u64) -> Option<&[u8]> {
        match self {
            Found::Within(keys) => {
                let key = keys.get(at * KEY..(at + 1) * KEY)?;
                key.iter().any(|&byte| byte != 0).then_some(key)
            }
            Found::Apart(live_keys, marks) => {
                let key = live_keys.as_ref()?.keys.get(&number)?.bytes();
                let mark = marks.get(at * MARK..(at + 1) * MARK)?;
                (self::mark(key) == mark).then_some(&key[..])
            }
        }
    }

    /// Whether, according to the backup, an entry existed when the backup was made.
    fn had(&self, at: usize) -> bool {
        let (bytes, len) = match self {
            Found::Within(keys) => (&keys[..], KEY),
            Found::Apart(_, marks) => (&marks[..], MARK),
        };
        let own = bytes.get(at * len..(at + 1) * len);
        own.is_some_and(|own| own.iter().any(|&byte| byte != 0))
    }
}

/// Reads all of a backup, verifying every byte of it, and passes each collection and then its
/// entries to the visitor: those that still have a key, without those that `since` finds erased.
/// `progress` is called with the number of bytes read and the total.
fn read(
    files: &Files,
    path: &Path,
    source: Source<'_>,
    since: Option<Since<'_>>,
    dimension_of: impl Fn(&str) -> Result<usize>,
    visitor: &mut impl Visitor,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored> {
    let file = files.open_to_read(path)?;
    let (Keyring { key, .. }, begin) = keyring::read(&file, header::BACKUP, source.user)?;
    let len = file.size()?;
    let known = Known::all(len);
    let live_keys_in = |keys: &Path| {
        let live_keys = || live_keys(files, keys, source.newest(), &dimension_of);
        match keys.is_dir() {
            // Another process may have the store open.
            true => retry(live_keys, |_| true),
            false => live_keys(),
        }
    };
    let mut live_keys = source.keys.map(live_keys_in).transpose()?;
    let (mut was_within, mut erased) = (false, None);
    // Collections that are not brought back, and vectors that were erased after the backup.
    let (mut gone, mut left_out) = (0, 0);
    let (mut told, mut untold) = (0, 0);
    let record_in = |input: &mut Input<'_>| {
        let at = input.position();
        let record = Record::read(input, len - at, 0);
        record.map_err(|why| refused(path, at, why))
    };
    let mut found = Contents {
        collections: 0,
        vectors: 0,
    };
    let mut at = begin;
    loop {
        let mut input = Input::new(&file, at);
        let next = record_in(&mut input)?;
        match next.kind {
            Kind::Done => {
                let contents = input.part(next.data)?;
                let contents = text(contents).and_then(|text| serde_json::from_str(text).ok());
                if contents != Some(found) || input.position() != len {
                    return Err(damaged(path, "it does not hold what its end says"));
                }
                if was_within && live_keys.is_some() {
                    return Err(Error::Validation(format!(
                        "options.keys: {} has its keys within: leave them out",
                        path.display()
                    )));
                }
                return Ok(Restored {
                    path: path.to_owned(),
                    collections: found.collections - gone,
                    vectors: found.vectors - erased.unwrap_or(0) - left_out,
                    erased,
                    left_out: since.map(|_| left_out),
                    bytes: len,
                    leftovers: Vec::new(),
                });
            }
            Kind::Commit | Kind::Copied | Kind::Keys | Kind::Away | Kind::Exported => {
                let why = Damage::Corrupt("a record is of the wrong kind");
                return Err(refused(path, at, why));
            }
            Kind::Config => {}
        }
        let table = table(&key, found.collections + 1);
        let settings = table.open_settings(input.part(next.data)?);
        let settings = settings.ok_or_else(|| damaged(path, "its settings are damaged"))?;
        let dimension = dimension_of(&settings);
        let dimension = dimension.map_err(|error| damaged(path, &error.to_string()))?;
        at = input.position();
        let index = Index::read(&file, at, len, known, dimension)?;
        let mut input = Input::new(&file, index.end);
        let copied = record_in(&mut input)?;
        if copied.kind != Kind::Copied {
            let why = Damage::Corrupt("what a collection is a copy of is not there");
            return Err(refused(path, index.end, why));
        }
        let copied = table.open(COPIED, input.part(copied.data)?);
        let copied = copied.and_then(|copied| Copied::read(&copied));
        let copied = copied.ok_or_else(|| damaged(path, "what it is a copy of is damaged"))?;
        let end = input.position();
        let last = record_in(&mut input)?;
        let (count, data) = (index.entries.len(), last.data as usize);
        let (name, keys) = match last.kind {
            Kind::Keys if data == KEY * count => {
                was_within = true;
                let mut keys = Zeroizing::new(input.part(last.data)?.to_vec());
                table.mask(0, &mut keys)?;
                (table.name, Found::Within(keys))
            }
            Kind::Away => {
                let away = table.open(AWAY, input.part(last.data)?);
                let away = away.filter(|away| away.len() == NAME + MARK * count);
                let away = away.ok_or_else(|| damaged(path, "what it says of keys is damaged"))?;
                let (name, marks) = away.split_at(NAME);
                let mut sixteen = [0; NAME];
                sixteen.copy_from_slice(name);
                let Some(live_keys) = &mut live_keys else {
                    return Err(Error::Encryption(format!(
                        "{} has its keys apart: give the newest there are as options.keys",
                        path.display()
                    )));
                };
                let live_keys = live_keys.remove(&sixteen);
                if let Some(live_keys) = &live_keys
                    && live_keys.sequence < index.summary.sequence
                {
                    return Err(Error::Encryption(format!(
                        "options.keys: these keys are older than {}: give the newest there are",
                        path.display()
                    )));
                }
                erased.get_or_insert(0);
                (sixteen, Found::Apart(live_keys, marks.to_vec()))
            }
            _ => {
                let why = Damage::Corrupt("a collection's keys are not there");
                return Err(refused(path, end, why));
            }
        };
        let end = input.position();
        let since = since.map(|since| since(&settings, &copied)).transpose()?;
        let all_erased = since.as_ref().is_some_and(ErasedSince::is_all);
        let is_left_out =
            |id: &str| all_erased || since.as_ref().is_some_and(|since| since.contains(id));
        // A collection that has been deleted since is not restored.
        match keys {
            Found::Apart(None, _) => gone += 1,
            _ if all_erased => gone += 1,
            _ => visitor.collection(&settings, index.summary.ttl)?,
        }
        found.collections += 1;
        let mut reader = PartReader::new(&file, at, &name, dimension);
        for (i, entry) in index.entries.iter().enumerate() {
            untold += 1;
            if entry.place.offset >= told + BATCH_BYTES || untold > ENTRIES {
                cancel::check()?;
                (told, untold) = (entry.place.offset, 0);
                progress(told, len);
            }
            if !entry.live {
                // Deleted while the backup was written.
                if keys.had(i) {
                    return Err(damaged(path, "it has the key of what was deleted"));
                }
                continue;
            }
            let why = || {
                let why = format!("the vector at byte {} is damaged", entry.outline);
                Err(damaged(path, &why))
            };
            if !keys.had(i) {
                return why();
            }
            found.vectors += 1;
            let Some(key) = keys.key(i, entry.head.key) else {
                erased = erased.map(|erased| erased + 1);
                continue;
            };
            match reader.both(entry, key)? {
                Some((outline, _)) if is_left_out(outline.label.id) => left_out += 1,
                Some((outline, values)) => visitor.entry(&entry.head, &outline, &values)?,
                None => return why(),
            }
        }
        at = end;
    }
}

/// The keys of live entries by collection name: from an export, or from a store.
fn live_keys(
    files: &Files,
    path: &Path,
    user: Option<&UserKey>,
    dimension_of: impl Fn(&str) -> Result<usize>,
) -> Result<HashMap<[u8; NAME], LiveKeys>> {
    let mut found = HashMap::new();
    if path.is_dir() {
        let keyring = keyring::open(files, path, user)?;
        for directory in root::collections(path)? {
            let live_keys = Log::live_keys(files, &directory, &keyring, &dimension_of)?;
            found.insert(live_keys.name, live_keys);
        }
        return Ok(found);
    }
    let file = files.open_to_read(path)?;
    let (Keyring { key, .. }, begin) = keyring::read(&file, header::EXPORTED, user)?;
    let len = file.size()?;
    let mut input = Input::new(&file, begin);
    let mut contents = Contents {
        collections: 0,
        vectors: 0,
    };
    loop {
        let at = input.position();
        let record = Record::read(&mut input, len - at, 0);
        let record = record.map_err(|why| refused(path, at, why))?;
        if record.kind == Kind::Done {
            let end = text(input.part(record.data)?);
            let end = end.and_then(|text| serde_json::from_str(text).ok());
            if end != Some(contents) || input.position() != len {
                return Err(damaged(path, "it does not hold what its end says"));
            }
            return Ok(found);
        }
        if record.kind != Kind::Exported {
            let why = Damage::Corrupt("a record is of the wrong kind");
            return Err(refused(path, at, why));
        }
        contents.collections += 1;
        let table = table(&key, contents.collections);
        let data = table.open(EXPORTED, input.part(record.data)?);
        let data = data.filter(|data| data.len() >= NAME + 8);
        let data = data.ok_or_else(|| damaged(path, "its keys are damaged"))?;
        let mut live_keys = LiveKeys {
            name: [0; NAME],
            sequence: u64_at(&data, NAME),
            keys: HashMap::new(),
        };
        live_keys.name.copy_from_slice(&data[..NAME]);
        for entry in data[NAME + 8..].chunks_exact(8 + KEY) {
            let key = Key::of(&entry[8..]);
            live_keys
                .keys
                .extend(key.map(|key| (u64_at(entry, 0), key)));
        }
        contents.vectors += live_keys.keys.len() as u64;
        found.insert(live_keys.name, live_keys);
    }
}

/// The keys of a store's live entries, being exported to a file. If it is dropped before it is
/// finished, the file is removed.
pub struct Exported(Backup);

impl Exported {
    pub fn create(files: &Files, path: &Path, user: Option<UserKey>) -> Result<Self> {
        Backup::create_as(header::EXPORTED, files, path, user, true).map(Self)
    }

    /// Appends the keys of a collection's live entries, with their numbers.
    pub fn append(&mut self, name: &[u8; NAME], sequence: u64, keys: &[(u64, Key)]) -> Result<()> {
        let backup = &mut self.0;
        let table = table(&backup.key, backup.collections + 1);
        // Allocated in full, because growing would leave copies behind.
        let mut data = Vec::with_capacity(NAME + 8 + keys.len() * (8 + KEY));
        data.extend(name);
        data.extend(sequence.to_le_bytes());
        for (number, key) in keys {
            data.extend(number.to_le_bytes());
            data.extend(key.bytes());
        }
        let data = table.seal(EXPORTED, data)?;
        let key_sink = KeySink::Memory(Default::default());
        let mut writer = Writer::new(backup.file.clone(), backup.end, key_sink);
        writer.append_data(&Record::of_data(Kind::Exported, data.len()), &data)?;
        backup.end = writer.end;
        backup.collections += 1;
        backup.vectors += keys.len() as u64;
        Ok(())
    }

    pub fn finish(self) -> Result<Restored> {
        self.0.finish()
    }
}

/// Only verifies the contents.
struct Verifying;

impl Visitor for Verifying {
    fn collection(&mut self, _: &str, _: u32) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self, _: &Head, _: &Outline<'_>, _: &Values<'_>) -> Result<()> {
        Ok(())
    }
}

/// Verifies every byte of a backup, and counts what would be restored of it: without what `since`
/// finds erased. `progress` is called with the number of bytes read and the total.
pub fn verify(
    files: &Files,
    path: &Path,
    source: Source<'_>,
    since: Option<Since<'_>>,
    dimension_of: impl Fn(&str) -> Result<usize>,
    progress: impl FnMut(u64, u64),
) -> Result<Restored> {
    let verifying = &mut Verifying;
    read(
        files,
        path,
        source,
        since,
        dimension_of,
        verifying,
        progress,
    )
}

/// Writes the contents to a new store.
struct Restoring<'a> {
    files: &'a Files,
    path: &'a Path,
    health: Arc<Health>,
    keyring: Keyring,
    collections: u64,
    /// The collection that is being written, and its TTL.
    log: Option<Log>,
    ttl: u32,
    /// The entries of its next record.
    heads: Vec<Head>,
    sealed: Sealed,
    row: Zeroizing<Vec<f32>>,
    code: Zeroizing<Vec<i8>>,
}

impl Visitor for Restoring<'_> {
    fn collection(&mut self, settings: &str, ttl: u32) -> Result<()> {
        self.end_collection()?;
        self.collections += 1;
        let directory = self.path.join(Root::name(self.collections));
        self.files.create_directory(&directory)?;
        let (files, health, keyring) = (self.files, &self.health, &self.keyring);
        let log = Log::create(
            files,
            &directory,
            settings,
            Fsync::Everysec,
            health,
            keyring,
        )?;
        self.log = Some(log);
        self.ttl = ttl;
        // Its first commit, because there may be no entries.
        match ttl {
            0 => Ok(()),
            _ => self.append(0, Vec::new()),
        }
    }

    fn entry(&mut self, head: &Head, outline: &Outline<'_>, values: &Values<'_>) -> Result<()> {
        let Some(log) = &self.log else {
            return Ok(());
        };
        if self.heads.is_empty() {
            self.sealed = Sealed::new(*log.name(), ENTRIES)?;
        }
        let dimension = outline.code.len();
        if self.row.capacity() < dimension {
            // Growing would leave copies behind.
            self.row = Zeroizing::new(Vec::with_capacity(dimension));
            self.code = Zeroizing::new(Vec::with_capacity(dimension));
        }
        self.row.clear();
        self.row.extend(values.row());
        self.code.clear();
        let code = outline.code.iter().map(|&value| value as i8);
        self.code.extend(code);
        self.sealed.push(
            head,
            &self.row,
            (&self.code, outline.terms),
            &outline.label,
            values.text,
        )?;
        self.heads.push(*head);
        if self.sealed.size() as u64 >= BATCH_BYTES || self.heads.len() == ENTRIES {
            self.write()?;
        }
        Ok(())
    }
}

impl Restoring<'_> {
    fn write(&mut self) -> Result<()> {
        let keys = self.heads.iter().map(|head| head.key.saturating_add(1));
        let Some(next_key) = keys.max() else {
            return Ok(());
        };
        let entries = std::mem::take(&mut self.heads);
        self.append(next_key, entries)
    }

    fn append(&mut self, next_key: u64, entries: Vec<Head>) -> Result<()> {
        let none = Sealed::default();
        let sealed = match entries.is_empty() {
            true => &none,
            false => &self.sealed,
        };
        let record = Record {
            kind: Kind::Commit,
            ttl: self.ttl,
            sequence: 0,
            next_key,
            time: 0,
            removed: Vec::new(),
            entries,
            data: sealed.size() as u64,
        };
        if let Some(log) = &mut self.log {
            log.append(&record, sealed)?;
        }
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

/// Restores a backup into a new store, in a directory that is empty or does not exist, without what
/// `since` finds erased: nothing of it is written. The backup must have been verified; the store is
/// on disk when this returns.
///
/// The key that opens the backup becomes the user's key of the store.
pub fn restore(
    files: &Files,
    backup: &Path,
    path: &Path,
    source: Source<'_>,
    since: Option<Since<'_>>,
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
        keyring: Key::random()?.into(),
        collections: 0,
        log: None,
        ttl: 0,
        heads: Vec::new(),
        sealed: Sealed::default(),
        row: Zeroizing::default(),
        code: Zeroizing::default(),
    };
    let done = keyring::create(files, path, &restoring.keyring, source.newest())
        .and_then(|()| {
            read(
                files,
                backup,
                source,
                since,
                dimension_of,
                &mut restoring,
                progress,
            )
        })
        .and_then(|_| restoring.end_collection())
        .and_then(|()| cancel::commit())
        // Without this file the directory is not a store: a partial restore is never opened.
        .and_then(|()| root::mark(files, path));
    if done.is_err() {
        let made = restoring.collections;
        // Its file must be closed before its directory is removed.
        drop(restoring);
        root::unmake(files, path, made);
        if is_new {
            let _ = fs::remove_dir(path);
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_copy_is_of_is_read_as_it_was_written_and_nothing_else_is() {
        for (name, sequence, time) in [
            (None, 0, 0),
            (None, 7, -1),
            (Some([1; NAME]), u64::MAX, i64::MAX),
            (Some(*b"a random name 16"), 1 << 40, i64::MIN),
        ] {
            let copied = Copied {
                name,
                sequence,
                time,
            };
            let bytes = copied.write();
            assert_eq!(Copied::read(&bytes), Some(copied));
            for len in 0..bytes.len() {
                assert_eq!(Copied::read(&bytes[..len]), None);
            }
            assert_eq!(Copied::read(&[&bytes[..], &[0]].concat()), None);
        }
    }

    #[test]
    fn a_backup_that_is_finished_while_another_begins_beside_it_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (files, path) = (Files::default(), directory.path().join("a.vecbak"));
        let backup = Backup::create(&files, &path, None, false).unwrap();
        let part = backup.file.path();
        // The other one has found it unfinished, and looks whether anybody is writing it.
        let found = files.open(&part).unwrap();
        // (On Windows it cannot even read a file that another has locked.)
        assert!(!remove_leftover(&found, &part).unwrap_or(false));
        backup.finish().unwrap();
        let whole = fs::read(&path).unwrap();
        assert!(!remove_leftover(&found, &part).unwrap());
        drop(found);
        assert_eq!(fs::read(&path).unwrap(), whole);

        // Of one whose process was killed, nothing is left.
        let backup = Backup::create(&files, &directory.path().join("b.vecbak"), None, false);
        let backup = backup.unwrap();
        let part = backup.file.path();
        backup.file.hold().unwrap().unlock().unwrap();
        let found = files.open(&part).unwrap();
        assert!(remove_leftover(&found, &part).unwrap());
        assert!(!part.exists());
        std::mem::forget(backup);
    }
}
