//! A collection on disk: creating, opening, checking and closing it.

use std::{cell::Cell, io::ErrorKind, path::Path, sync::Arc};

use hashbrown::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{Access, Collection, Config, Role, State, Timer, memory::discard};
use crate::{
    error::{Error, Result},
    graph::{Graph, SavedGraph},
    storage::{
        Entry, File, Files, Fsync, GRAPH, GRAPH_REPLACED, Health, Index, Journal, KEY, KEYS_OFFSET,
        KeyReader, Keys, Known, Label, Ledger, Lock, Log, PartReader, RECORDS, StoreKeys, Summary,
        Syncer, TableKey, failed, list, time_of,
    },
    vectors::{Record, Text},
    wiped::Wiped,
    workers::spawn_joinable,
};

/// How many times an entry that looks like residue is read before it is reported: it may just be
/// being deleted.
const LOOKS: usize = 3;

/// What a collection on disk has in common with the others of its store.
#[derive(Clone)]
pub struct StoreParts {
    /// When writes are synced.
    pub fsync: Fsync,
    pub health: Arc<Health>,
    pub keys: Arc<StoreKeys>,
    /// The lock on the store's directory.
    pub lock: Option<Arc<Lock>>,
    pub timer: Timer,
    /// Where it is noted what is erased, if the store has a ledger.
    pub ledger: Option<Arc<Ledger>>,
}

impl StoreParts {
    /// Of a store that nobody has locked, with the system's clock.
    pub fn new(fsync: Fsync, health: Arc<Health>, keys: Arc<StoreKeys>) -> Self {
        Self {
            fsync,
            health,
            keys,
            lock: None,
            timer: Timer::default(),
            ledger: None,
        }
    }
}

/// A log and its key table.
struct Pair {
    log: File,
    keys: Keys,
}

/// The collection's log, and any others that are being created or removed, with their key tables. A
/// log without its keys is noise.
fn logs(log: &Log) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for entry in list(log.directory())? {
        let number = entry.name.strip_prefix("log.");
        let Some(number) = number.and_then(|rest| rest.strip_suffix(".new").or(Some(rest))) else {
            continue;
        };
        // There are two during a key rotation.
        for suffix in ["", ".new", ".old"] {
            let is_log = entry.path == log.file().path() && suffix.is_empty();
            let keys = log.directory().join(format!("keys.{number}{suffix}"));
            let pair = Files::default()
                .try_open_to_read(&entry.path)
                .and_then(|log| Ok((log, Files::default().try_open_to_read(&keys)?)));
            let (file, keys) = match pair {
                Ok(pair) => pair,
                // On Windows, a removed file that another process still has open keeps its name,
                // but can no longer be opened.
                Err(error) if !is_log && is_removed(&error) => continue,
                Err(error) => return Err(failed("open", &entry.path, &error)),
            };
            match log.keys_in(keys) {
                Ok(keys) => pairs.push(Pair { log: file, keys }),
                // The key table has been overwritten.
                Err(_) if !is_log => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(pairs)
}

fn is_removed(error: &std::io::Error) -> bool {
    match error.kind() {
        ErrorKind::NotFound => true,
        ErrorKind::PermissionDenied => cfg!(windows),
        _ => false,
    }
}

/// What is found in place of a graph file.
enum FoundGraph {
    None,
    /// Damaged, or of another version or shape.
    Unusable,
    Saved(SavedGraph),
}

fn read_graph(path: &Path, table: &TableKey, m: usize) -> FoundGraph {
    let Ok(bytes) = std::fs::read(path) else {
        return FoundGraph::None;
    };
    let bytes = table.open_file(bytes);
    match bytes.and_then(|bytes| SavedGraph::read(&bytes, m)) {
        Some(saved) => FoundGraph::Saved(saved),
        None => FoundGraph::Unusable,
    }
}

/// A trace of a deleted vector that is still present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Residue {
    /// The id, if it is known.
    pub id: Option<String>,
    /// The file that contains it; none in memory.
    pub file: Option<String>,
    /// The offset in the file, in bytes.
    pub offset: u64,
    pub length: u64,
    pub reason: &'static str,
}

impl Collection {
    pub(super) fn settings(&self) -> String {
        self.config().settings(self.created_at, &self.role())
    }

    /// Creates a collection in an empty directory, which may be renamed afterwards: see `moved`.
    pub fn create(
        config: &Config,
        files: &Files,
        directory: &Path,
        store: &StoreParts,
    ) -> Result<Arc<Self>> {
        Self::create_as(config, Role::Named, files, directory, store)
    }

    /// The same with another role than that of a collection that calls find.
    pub fn create_as(
        config: &Config,
        role: Role,
        files: &Files,
        directory: &Path,
        store: &StoreParts,
    ) -> Result<Arc<Self>> {
        let settings = config.settings(OffsetDateTime::now_utc(), &role);
        // As they will be read back.
        let (config, created_at, role) = Config::read(&settings)?;
        let mut state = State::on_disk(&config, &role);
        let (health, keyring) = (&store.health, store.keys.keyring());
        let log = Log::create(files, directory, &settings, store.fsync, health, &keyring)?;
        state.journal = Journal::new(log, &Summary::default());
        state.updated_at = created_at;
        let timer = store.timer.clone();
        let created = (created_at, role);
        Ok(Self::with(config, created, state, Some(store), timer))
    }

    /// Tells the collection that its directory has been renamed.
    pub fn moved(&self, directory: &Path) {
        if let Some(log) = self.state.write().journal.log_mut() {
            log.moved(directory);
        }
    }

    /// Opens the collection in a directory, and completes interrupted operations. What has expired
    /// is erased before anybody can read it; but with a ledger, by the store: it must first be known
    /// whether what is there was to be erased by something that was interrupted.
    pub fn open(files: &Files, directory: &Path, store: &StoreParts) -> Result<Arc<Self>> {
        let mut reading = None;
        let make = |settings: &str, table: &TableKey| {
            let (config, created_at, role) = Config::read(settings)?;
            let state = State::on_disk(&config, &role);
            let dimension = config.dimension;
            let code = Zeroizing::new(Vec::with_capacity(dimension));
            // It is read beside the log.
            let (path, table, m) = (directory.join(GRAPH), table.clone(), config.hnsw.m);
            reading.get_or_insert_with(|| spawn_joinable(move || Ok(read_graph(&path, &table, m))));
            Ok(((config, (created_at, role), state, code), dimension))
        };
        let opened = Log::open(
            files,
            directory,
            store.fsync,
            &store.health,
            &store.keys.keyring(),
            make,
            |(_, _, state, code), entry| state.load(&entry, code),
        );
        // Its file is closed before this returns, also with an error.
        let graph = reading.map_or(Ok(FoundGraph::None), |read| read());
        let (log, summary, (config, created, mut state, _)) = opened?;
        let updated_at = time_of(summary.time).filter(|_| summary.time > 0);
        state.updated_at = updated_at.unwrap_or(created.0);
        state.journal = Journal::new(log, &summary);
        state.apply_ttl();
        let is_stale = state.use_graph(graph?);
        let timer = store.timer.clone();
        // Nothing that had expired by then comes back.
        timer.clock.at_least(summary.time / 1000);
        let collection = Self::with(config, created, state, Some(store), timer);
        if store.ledger.is_none() {
            collection.erase_all_expired()?;
        }
        if is_stale {
            // There may be no later change to the graph that would also save the file.
            collection.save_graph();
        }
        collection.keep_up();
        if collection.state.read().expires() {
            collection.tell_expiring();
        }
        Ok(collection)
    }

    /// Erases everything that has expired. If that fails because the disk is full, it is enough that
    /// nobody finds it: it is tried again.
    pub(crate) fn erase_all_expired(self: &Arc<Self>) -> Result<()> {
        let erased = loop {
            match self.erase_expired() {
                Ok(true) => {}
                done => break done,
            }
        };
        let Err(error) = erased else {
            return Ok(());
        };
        let health = {
            let state = self.state.read();
            state.journal.log().map(|log| log.sync().health().clone())
        };
        if health.is_none_or(|health| !health.is_failed()) {
            return Ok(());
        }
        // Nobody will use it: its thread must not go on.
        let _ = self.close();
        Err(error)
    }

    /// Syncs everything written so far, so that it survives a power failure whatever is written from
    /// then on.
    pub fn flush(&self) -> Result<()> {
        self.syncer().map_or(Ok(()), |sync| sync.flush())
    }

    /// Syncs everything written so far. What was erased by it is gone for good.
    pub(super) fn make_durable(&self) -> Result<()> {
        let sync = self.syncer();
        sync.map_or(Ok(()), |sync| sync.make_all_durable())
    }

    fn syncer(&self) -> Option<Arc<Syncer>> {
        let state = self.state.read();
        Some(state.journal.log()?.sync().clone())
    }

    /// Stops the background thread, then all writing to the collection's files. Nobody may use the
    /// collection afterwards.
    pub fn close(&self) -> Result<()> {
        self.leave_files();
        // With the lock held, no other call is writing.
        self.state.write().close_files()
    }

    /// Closes a collection on disk that was deleted for now, and frees its memory: calls that still
    /// hold a reference no longer find it. Returns what is left of it.
    pub fn put_away(&self) -> Result<Left> {
        self.leave_files();
        // Whoever changes its files has them open.
        let (_rekeying, _writing) = (self.rekeying.lock(), self.writing.lock());
        let mut state = self.state.write();
        state.journal.wait_for_erasures();
        let (left, closed) = (state.left(), state.close_files());
        let contents = std::mem::replace(&mut *state, State::new(self.dimension, self.metric));
        state.dropped = true;
        drop(state);
        discard(contents);
        closed.map(|()| left)
    }

    /// Moves the contents of a collection in memory that was deleted for now to another: calls that
    /// still hold a reference to this one no longer find it.
    pub fn move_out(&self) -> Result<Arc<Self>> {
        self.leave_files();
        let mut state = self.state.write();
        self.check(state.dropped)?;
        let mut contents = std::mem::replace(&mut *state, State::new(self.dimension, self.metric));
        state.dropped = true;
        drop(state);
        // Nobody builds its graph any more.
        contents.building = None;
        let created = (self.created_at, self.role());
        let (config, timer) = (Config::clone(&self.config()), self.timer.clone());
        let moved = Self::with(config, created, contents, None, timer);
        if let Some(bin) = self.bin() {
            moved.set_bin(bin);
        }
        Ok(moved)
    }

    /// What there is in it.
    pub fn left(&self) -> Left {
        self.state.read().left()
    }

    /// Returns when the background thread has ended and no longer has a file open.
    pub fn leave_files(&self) {
        self.stop_upkeep();
        self.upkeep.join();
    }

    /// Fails if the store's directory is no longer in place: another store with files of the same
    /// names may have taken its place.
    pub(super) fn check_place(&self) -> Result<()> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.check())
    }

    /// The collection's directory.
    pub fn directory(&self) -> Option<std::path::PathBuf> {
        let state = self.state.read();
        Some(state.journal.log()?.directory().to_owned())
    }

    /// Saves the graph next to the log, or removes a saved graph that no longer exists, or that only
    /// serves until another one is built. The file is a cache: if saving fails, the graph has to be
    /// built again.
    pub(super) fn save_graph(&self) {
        // Also while it is decided what to write: whoever comes later writes what is later.
        let writing = self.writing.lock();
        let ((files, directory, table), graph, basis, keys) = {
            let state = self.state.read();
            let Some(log) = state.journal.log() else {
                return;
            };
            let key = |slot| state.slots.record(slot).map(|record| record.key);
            let graph = state.graph.clone().filter(|_| !state.is_outdated());
            let members = graph.iter().flat_map(|graph| graph.members().iter());
            let keys: HashMap<u32, u64> = members
                .filter_map(|slot| Some((slot, key(slot)?)))
                .collect();
            (
                (
                    log.files().clone(),
                    log.directory().to_owned(),
                    log.table().clone(),
                ),
                graph,
                state.vectors.basis(),
                keys,
            )
        };
        let path = directory.join(GRAPH);
        let encoded = graph.map(|graph| graph.encode(basis, |slot| keys.get(&slot).copied()));
        if self.upkeep.is_cancelled() || self.check_place().is_err() {
            return;
        }
        let sealed = encoded.map(|bytes| table.seal_file(&bytes));
        let Some(sealed) = sealed else {
            if path.exists() {
                let _ = files.wipe(&path);
            }
            return;
        };
        let unfinished = directory.join(format!("{GRAPH}.new"));
        let replaced = directory.join(GRAPH_REPLACED);
        let saved = sealed.and_then(|bytes| {
            let file = files.create(&unfinished)?;
            file.write_at(0, &bytes)?;
            // A file that is merely replaced would leave its contents behind in free blocks.
            if path.exists() {
                files.rename(&path, &replaced)?;
            }
            file.rename(&path)
        });
        for left in [saved.is_err().then_some(unfinished), Some(replaced)] {
            if let Some(left) = left.filter(|left| left.exists()) {
                let _ = files.wipe(&left);
            }
        }
        drop(writing);
    }

    /// Finds what is left of vectors with these ids, and of other deleted vectors: checks the
    /// collection's memory and reads all of its files.
    ///
    /// What has expired is erased first, unless the clock is paused: then it is found if its id is
    /// among these.
    pub fn verify_erased(self: &Arc<Self>, all: &[String]) -> Result<Vec<Residue>> {
        // If that fails, it is as if it were paused.
        while self.erase_expired().unwrap_or(false) {}
        let mut ids: HashSet<&str> = all.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        let writing = self.writing.lock();
        let files = {
            let state = self.read(Access::Wait)?;
            ids.retain(|id| {
                let reason = match state.slots.slot_of(id) {
                    Some(_) => Some("the collection has a vector with this id"),
                    None => {
                        let expired = state.slots.expired_slot_of(id);
                        expired.map(|_| "a vector with this id has expired and is not erased yet")
                    }
                };
                found.extend(reason.map(|reason| Residue {
                    id: Some((*id).to_owned()),
                    file: None,
                    offset: 0,
                    length: 0,
                    reason,
                }));
                reason.is_none()
            });
            state.check_memory(&mut found);
            // While the background thread has work to do, the file is about to be rewritten.
            if !self.upkeep.background().working && !self.has_work(&state) {
                state.check_saved_graph(&mut found);
            }
            // No file is renamed while the lock is held.
            state.journal.log().map_or(Ok(Vec::new()), logs)?
        };
        for pair in &files {
            self.verify_log(pair, &ids, &mut found)?;
        }
        drop(writing);
        found.extend(self.verify_bin(all)?);
        Ok(found)
    }

    fn verify_log(
        &self,
        Pair { log, keys }: &Pair,
        ids: &HashSet<&str>,
        found: &mut Vec<Residue>,
    ) -> Result<()> {
        // Everything up to here has been written in full, and no keys of deleted entries are still
        // being destroyed.
        let len = {
            let state = self.read(Access::Wait)?;
            let targets = state.journal.copy_targets();
            let copies: Vec<_> = targets.map(|target| target.copy.lock()).collect();
            state.journal.wait_for_erasures();
            drop(copies);
            log.size()?
        };
        let (table, dimension) = (keys.table(), self.dimension);
        let index = Index::read(log, RECORDS, len, Known::all(len), dimension)?;
        let reader = || PartReader::new(log, RECORDS, &table.name, dimension);
        let (mut parts, mut key_reader) = (reader(), KeyReader::new(keys));
        for entry in &index.entries {
            let place = entry.place;
            let mut key = key_reader.get(place.key_index)?.map(Wiped::<[u8]>::from);
            for look in 1..=LOOKS {
                let Some(present) = &key else {
                    break;
                };
                let outline = parts.outline(entry, present)?;
                let id = outline.map(|outline| outline.label.id.to_owned());
                // Of an entry that is not live, its key alone is too much.
                let is_whole = !entry.live || parts.values(entry, present)?.is_some();
                let id = id.filter(|_| is_whole);
                let reason = match (entry.live, &id) {
                    (true, Some(id)) if ids.contains(&**id) => "a vector with this id",
                    (true, Some(_)) => break,
                    (true, None) => "a vector that its key does not open",
                    (false, _) => "the key of a deleted vector",
                };
                if look == LOOKS {
                    found.push(Residue {
                        id,
                        file: Some(log.path().display().to_string()),
                        offset: place.offset,
                        length: entry.head.lengths(dimension).values,
                        reason,
                    });
                    break;
                }
                // The entry may have been deleted in the meantime.
                self.read(Access::Wait)?.journal.wait_for_erasures();
                let read = keys.read(place.key_index, 1)?;
                let is_there = read.iter().any(|&byte| byte != 0);
                key = is_there.then(|| Wiped::from(&**read));
                parts = reader();
            }
        }
        Ok(())
    }
}

/// What is left in a collection that was put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub vectors: usize,
    /// When the first of them expires, in milliseconds since 1970; `i64::MAX` if none does.
    pub next_due: i64,
}

impl State {
    fn left(&self) -> Left {
        Left {
            vectors: self.slots.len(),
            next_due: match self.slots.expired().is_empty() {
                true => self.expiries.next_due(),
                false => 0,
            },
        }
    }

    /// Closes the files of its log. The caller keeps others from writing.
    fn close_files(&self) -> Result<()> {
        let Some(log) = self.journal.log() else {
            return Ok(());
        };
        // A write that failed has already reported its error; there is nothing to add.
        let closed = match self.dropped || log.sync().health().is_failed() {
            true => Ok(()),
            false => log.sync().close(),
        };
        log.all_files().iter().for_each(|file| file.close());
        closed
    }

    /// The size of its files in bytes; `None` in memory.
    pub(super) fn disk_bytes(&self) -> Option<u64> {
        let log = self.journal.log()?;
        let graph = std::fs::metadata(log.directory().join(GRAPH));
        let keys = KEYS_OFFSET + KEY as u64 * u64::from(log.key_count());
        Some(log.size().1 + keys + graph.map_or(0, |metadata| metadata.len()))
    }

    /// Loads an entry of the log into the collection. `code` has room for a code.
    fn load(&mut self, entry: &Entry<'_>, code: &mut Vec<i8>) -> Result<u32> {
        let outline = &entry.outline;
        let Label {
            times,
            id,
            metadata,
        } = outline.label;
        code.clear();
        code.extend(outline.code.iter().map(|&value| value as i8));
        self.slots.check_room(1)?;
        if self.slots.is_empty() {
            self.slots.reserve(entry.left);
            self.vectors.reserve(entry.left);
        }
        let record = Record {
            key: entry.head.key,
            id: id.into(),
            metadata: metadata.map(Wiped::from),
            text: entry.head.text.map(Text::OnDisk),
            times,
            sequence: entry.head.order,
        };
        self.next_sequence = self.next_sequence.max(entry.head.order + 1);
        let before = self.slots.id_count();
        // The row stays on the disk.
        let slot = self.occupy(record, &[], (code, outline.terms));
        match self.slots.id_count() > before {
            true => Ok(slot),
            false => Err(Error::Storage(format!("it holds the id {id:?} twice"))),
        }
    }

    /// Uses the saved graph if it is usable. Returns true if the file names vectors that no longer
    /// exist, or is unusable.
    ///
    /// Vectors that were deleted after the graph was saved get retired slots with the code of a
    /// neighbour, like those that are deleted from now on. The background thread removes them from
    /// the graph.
    fn use_graph(&mut self, found: FoundGraph) -> bool {
        let saved = match found {
            FoundGraph::None => return false,
            FoundGraph::Unusable => return true,
            FoundGraph::Saved(saved) => saved,
        };
        let alive = self.slots.alive().iter();
        let mut slots: Vec<(u64, u32)> = alive
            .filter_map(|slot| Some((self.slots.record(slot)?.key, slot)))
            .collect();
        slots.sort_unstable();
        // Nodes are mostly in the order of their keys.
        let next = Cell::new(0);
        let slot_of = move |key| {
            let at = next.get();
            let at = match slots.get(at) {
                Some(&(at_next, _)) if at_next == key => at,
                _ => slots.binary_search_by_key(&key, |&(key, _)| key).ok()?,
            };
            next.set(at + 1);
            Some(slots[at].1)
        };
        let (basis, named) = (saved.basis, saved.named());
        let end = self.slots.table_len() as u32;
        let Some(graph) = saved.place(slot_of, end) else {
            return true;
        };
        while !self.set_basis(basis) {}
        let dead = graph.members() - self.slots.alive();
        let live = graph.members().len() - dead.len();
        self.slots.retire_more(dead.len() as usize);
        self.vectors.grow(self.slots.table_len());
        self.put_graph(Some(Arc::new(graph)));
        for slot in dead {
            self.stand_in(slot);
        }
        named as u64 > live
    }

    /// Checks that the saved graph names no deleted vectors except those that the graph in memory
    /// still has to remove.
    fn check_saved_graph(&self, residues: &mut Vec<Residue>) {
        let (true, Some(log)) = (self.slots.retired().is_empty(), self.journal.log()) else {
            return;
        };
        let path = log.directory().join(GRAPH);
        let bytes = std::fs::read(&path).unwrap_or_default();
        let bytes = log.table().open_file(bytes).unwrap_or_default();
        let kept = self.slots.recorded();
        let keys: HashSet<u64> = kept
            .iter()
            .filter_map(|slot| Some(self.slots.record(slot)?.key))
            .collect();
        let dead = Graph::keys_in(&bytes).filter(|key| !keys.contains(key));
        residues.extend(dead.map(|_| Residue {
            id: None,
            file: Some(path.display().to_string()),
            offset: 0,
            length: 8,
            reason: "the number of a deleted vector",
        }));
    }

    /// Checks that nothing of a deleted vector is left in memory. One that has expired is not
    /// deleted until it is erased.
    fn check_memory(&self, residues: &mut Vec<Residue>) {
        let row = 4 * self.vectors.dimension() as u64;
        let kept = &self.slots.recorded();
        let mut add = |length, reason| {
            residues.push(Residue {
                id: None,
                file: None,
                offset: 0,
                length,
                reason,
            });
        };
        for slot in (0..self.slots.table_len() as u32).filter(|&slot| !kept.contains(slot)) {
            let is_kept = |slot| kept.contains(slot);
            if self.slots.record(slot).is_some() || !self.vectors.is_erased(slot, is_kept) {
                add(row, "a deleted vector in memory");
            }
            if self.journal.log().is_some_and(|log| log.holds_key(slot)) {
                add(KEY as u64, "the key of a deleted vector in memory");
            }
        }
        for _ in 0..self.fields.count_beyond(kept) {
            add(0, "a value of a deleted vector in the index of a field");
        }
    }
}
