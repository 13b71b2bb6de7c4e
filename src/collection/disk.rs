//! A collection's life on disk: made, opened, checked, closed.

use std::{io::ErrorKind, path::Path, sync::Arc};

use hashbrown::{HashMap, HashSet};
use roaring::RoaringTreemap;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{Access, Collection, Config, State};
use crate::{
    error::{Error, Result},
    graph::Graph,
    storage::{
        Entry, File, Files, Fsync, GRAPH, GRAPH_REPLACED, Health, Index, Input, Journal, KEY,
        KEYS_OFFSET, KeyReader, Keys, Known, Lock, Log, RECORDS, StoreKeys, Summary, failed, list,
        time_of,
    },
    vectors::{Codes, Record},
    wiped::Wiped,
    workers::workers,
};

/// A vector that is being deleted is looked at again.
const LOOKS: usize = 3;

/// A log with its keys.
struct Pair {
    log: File,
    keys: Keys,
}

/// The collection's log, and others that are being made or removed, with the tables of keys
/// that belong to them. A log without keys is noise.
fn logs(log: &Log) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for entry in list(log.directory())? {
        let number = entry.name.strip_prefix("log.");
        let Some(number) = number.and_then(|rest| rest.strip_suffix(".new").or(Some(rest))) else {
            continue;
        };
        // Two while keys are rotated.
        for suffix in ["", ".new", ".old"] {
            let is_log = entry.path == log.file().path() && suffix.is_empty();
            let keys = log.directory().join(format!("keys.{number}{suffix}"));
            let pair = Files::default()
                .try_open_to_read(&entry.path)
                .and_then(|log| Ok((log, Files::default().try_open_to_read(&keys)?)));
            let (file, keys) = match pair {
                Ok(pair) => pair,
                // On Windows a file that somebody still had open when it was removed keeps its
                // name, and can be opened no more.
                Err(error) if !is_log && is_removed(&error) => continue,
                Err(error) => return Err(failed("open", &entry.path, &error)),
            };
            match log.keys_in(keys) {
                Ok(keys) => pairs.push(Pair { log: file, keys }),
                // It was overwritten.
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

/// Something of a deleted vector that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Residue {
    /// The id, where it can be told.
    pub id: Option<String>,
    /// The file it is in; none in memory.
    pub file: Option<String>,
    /// Where in the file, in bytes.
    pub offset: u64,
    pub length: u64,
    pub reason: &'static str,
}

impl Collection {
    pub(super) fn settings(&self) -> String {
        self.config.settings(self.created_at)
    }

    /// Makes a collection in an empty directory, which may get another name: see `moved`.
    pub fn create(
        config: &Config,
        files: &Files,
        directory: &Path,
        fsync: Fsync,
        health: &Arc<Health>,
        keys: &Arc<StoreKeys>,
        lock: Option<Arc<Lock>>,
    ) -> Result<Arc<Self>> {
        let settings = config.settings(OffsetDateTime::now_utc());
        // As they are read back.
        let (config, created_at) = Config::read(&settings)?;
        let mut state = State::new(&config);
        let log = Log::create(files, directory, &settings, fsync, health, &keys.keyring())?;
        state.journal = Journal::new(log, &Summary::default());
        state.updated_at = created_at;
        let keys = Some(keys.clone());
        Ok(Self::with(
            config,
            created_at,
            state,
            Some(fsync),
            keys,
            lock,
        ))
    }

    /// The collection's directory has this name now.
    pub fn moved(&self, directory: &Path) {
        if let Some(log) = self.state.write().journal.log_mut() {
            log.moved(directory);
        }
    }

    /// Opens the collection in a directory, and completes what was interrupted.
    pub fn open(
        files: &Files,
        directory: &Path,
        fsync: Fsync,
        health: &Arc<Health>,
        keys: &Arc<StoreKeys>,
        lock: Option<Arc<Lock>>,
    ) -> Result<Arc<Self>> {
        let make = |settings: &str| {
            let (config, created_at) = Config::read(settings)?;
            let state = State::new(&config);
            let dimension = config.dimension;
            let row = Zeroizing::new(vec![0.0; dimension]);
            let orders = RoaringTreemap::new();
            Ok(((config, created_at, state, row, orders), dimension))
        };
        let (log, summary, (config, created_at, mut state, ..)) = Log::open(
            files,
            directory,
            fsync,
            health,
            &keys.keyring(),
            make,
            |target, entry| {
                let (_, _, state, row, orders) = target;
                if !orders.insert(entry.head.order) {
                    let order = entry.head.order;
                    return Err(Error::Storage(format!(
                        "two vectors have the place {order} in the order of insertion"
                    )));
                }
                state.load(&entry, row)
            },
        )?;
        let updated_at = time_of(summary.time).filter(|_| summary.time > 0);
        state.updated_at = updated_at.unwrap_or(created_at);
        state.journal = Journal::new(log, &summary);
        let is_stale = state.load_graph(directory, &config);
        let keys = Some(keys.clone());
        let collection = Self::with(config, created_at, state, Some(fsync), keys, lock);
        if is_stale {
            // Nobody may come to change the graph, and the file with it.
            collection.save_graph();
        }
        collection.keep_up();
        Ok(collection)
    }

    /// Makes everything written so far survive a loss of power.
    pub fn flush(&self) -> Result<()> {
        let sync = {
            let state = self.state.read();
            state.journal.log().map(|log| log.sync().clone())
        };
        sync.map_or(Ok(()), |sync| sync.flush())
    }

    /// Ends the background and all writing to the collection's files, in order. Nobody
    /// uses it any more.
    pub fn close(&self) -> Result<()> {
        self.leave_files();
        // Whoever was writing has seen the end of it, or sees it now.
        let state = self.state.write();
        match state.journal.log() {
            // Whoever wrote last was told of a failure; there is nothing to add to it.
            Some(log) => {
                let closed = match state.dropped || log.sync().health().is_failed() {
                    true => Ok(()),
                    false => log.sync().close(),
                };
                log.all_files().iter().for_each(|file| file.close());
                closed
            }
            None => Ok(()),
        }
    }

    /// Returns when the background has ended, and has no file open any more.
    pub fn leave_files(&self) {
        self.stop_upkeep();
        self.upkeep.join();
    }

    /// Fails where the store's directory is not in its place any more: then another store
    /// may be there, with files of the same names.
    pub(super) fn check_place(&self) -> Result<()> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.check())
    }

    /// The collection's directory.
    pub fn directory(&self) -> Option<std::path::PathBuf> {
        let state = self.state.read();
        Some(state.journal.log()?.directory().to_owned())
    }

    /// Saves the graph beside the log, or removes what was saved of one that is no more.
    /// It is a cache: a failure costs building it again.
    pub(super) fn save_graph(&self) {
        let ((files, directory, table), graph, keys) = {
            let state = self.state.read();
            let Some(log) = state.journal.log() else {
                return;
            };
            let key = |slot| state.slots.record(slot).map(|record| record.key);
            let graph = state.graph.clone();
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
                keys,
            )
        };
        let path = directory.join(GRAPH);
        let encoded = graph.map(|graph| graph.encode(|slot| keys.get(&slot).copied()));
        let writing = self.writing.lock();
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
            // What is only replaced stays behind in free blocks.
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

    /// What is left of vectors with these ids, and of other deleted ones: looks at the
    /// collection's memory, and reads all of its files back.
    pub fn verify_erased(&self, ids: &[String]) -> Result<Vec<Residue>> {
        let mut ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        let writing = self.writing.lock();
        let files = {
            let state = self.read(Access::Wait)?;
            ids.retain(|id| {
                let stored = state.slots.slot_of(id).is_some();
                if stored {
                    found.push(Residue {
                        id: Some((*id).to_owned()),
                        file: None,
                        offset: 0,
                        length: 0,
                        reason: "the collection has a vector with this id",
                    });
                }
                !stored
            });
            state.check_memory(&mut found);
            // While there is work for its background the file is about to be written.
            if !self.upkeep.background().working && !self.has_work(&state) {
                state.check_saved_graph(&mut found);
            }
            // While the lock is held no file gets another name.
            state.journal.log().map_or(Ok(Vec::new()), logs)?
        };
        for pair in &files {
            self.verify_log(pair, &ids, &mut found)?;
        }
        drop(writing);
        Ok(found)
    }

    fn verify_log(
        &self,
        Pair { log, keys }: &Pair,
        ids: &HashSet<&str>,
        found: &mut Vec<Residue>,
    ) -> Result<()> {
        // What is there now is written in full, and no key of what was deleted is still being
        // destroyed.
        let len = {
            let state = self.read(Access::Wait)?;
            let targets = state.journal.copy_targets();
            let copies: Vec<_> = targets.map(|target| target.copy.lock()).collect();
            state.journal.wait_for_erasures();
            drop(copies);
            log.size()?
        };
        let (table, dimension) = (keys.table(), self.config.dimension);
        let index = Index::read(log, RECORDS, len, Known::all(len), dimension)?;
        let mut input = Input::new(log, RECORDS);
        let mut key_reader = KeyReader::new(keys);
        for part in &index.parts {
            let place = part.place;
            let mut key = key_reader.get(place.key_index)?.map(Wiped::<[u8]>::from);
            for look in 1..=LOOKS {
                let Some(present) = &key else {
                    break;
                };
                input.skip(place.offset - input.position());
                let mut bytes = Wiped::from(&*input.part(place.len.into())?);
                let head = &part.head;
                let content = head.open(&table.name, present, &mut bytes, dimension);
                let id = content.map(|content| content.id.to_owned());
                let reason = match (part.live, &id) {
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
                        length: place.len.into(),
                        reason,
                    });
                    break;
                }
                // It may have been deleted since.
                self.read(Access::Wait)?.journal.wait_for_erasures();
                let read = keys.read(place.key_index, 1)?;
                let is_there = read.iter().any(|&byte| byte != 0);
                key = is_there.then(|| Wiped::from(&**read));
                input = Input::new(log, place.offset);
            }
        }
        Ok(())
    }
}

impl State {
    /// The bytes of its files; `None` in memory.
    pub(super) fn disk_bytes(&self) -> Option<u64> {
        let log = self.journal.log()?;
        let graph = std::fs::metadata(log.directory().join(GRAPH));
        let keys = KEYS_OFFSET + KEY as u64 * u64::from(log.key_count());
        Some(log.size().1 + keys + graph.map_or(0, |metadata| metadata.len()))
    }

    /// Puts an entry of the log into the collection.
    fn load(&mut self, entry: &Entry<'_>, row: &mut [f32]) -> Result<u32> {
        let content = &entry.content;
        for (value, stored) in row.iter_mut().zip(content.values()) {
            *value = stored;
        }
        // No store writes these; a checksum does not make them right.
        if content.id.is_empty() || row.iter().any(|value| !value.is_finite()) {
            return Err(Error::Storage(format!(
                "the vector at byte {} is no vector",
                entry.place.offset
            )));
        }
        self.slots.check_room(1)?;
        let record = Record {
            key: entry.head.key,
            id: content.id.into(),
            metadata: content.metadata.map(Wiped::from),
            text: content.text.map(Wiped::from),
            sequence: entry.head.order,
        };
        self.next_sequence = self.next_sequence.max(entry.head.order + 1);
        if self.slots.slot_of(content.id).is_some() {
            return Err(Error::Storage(format!(
                "it holds the id {:?} twice",
                content.id
            )));
        }
        let codes = Codes::of(row, row.len());
        Ok(self.occupy(record, row, codes.get(0)))
    }

    /// Takes the saved graph over, if it is of use. True where its file names vectors that
    /// are not there any more, or is of no use.
    fn load_graph(&mut self, directory: &Path, config: &Config) -> bool {
        let Ok(bytes) = std::fs::read(directory.join(GRAPH)) else {
            return false;
        };
        let table = self.journal.log().map(|log| log.table());
        let Some(bytes) = table.and_then(|table| table.open_file(&bytes)) else {
            return true;
        };
        let alive = self.slots.alive().iter();
        let slots: HashMap<u64, u32> = alive
            .filter_map(|slot| Some((self.slots.record(slot)?.key, slot)))
            .collect();
        let vectors = &self.vectors;
        // Somebody waits for it.
        let graph = workers().and_then(|pool| {
            pool.install(|| {
                Graph::decode(
                    &bytes,
                    config.hnsw.m,
                    |key| slots.get(&key).copied(),
                    |a, b| vectors.pairwise_distance(a, b),
                )
            })
        });
        let Some((graph, removed)) = graph else {
            return true;
        };
        self.choose_basis();
        self.put_graph(Some(Arc::new(graph)));
        removed > 0
    }

    /// Checks that the saved graph names no deleted vector but those that the graph itself is
    /// going to be rid of.
    fn check_saved_graph(&self, residues: &mut Vec<Residue>) {
        let (true, Some(log)) = (self.slots.retired().is_empty(), self.journal.log()) else {
            return;
        };
        let path = log.directory().join(GRAPH);
        let bytes = std::fs::read(&path).unwrap_or_default();
        let bytes = log.table().open_file(&bytes).unwrap_or_default();
        let alive = self.slots.alive().iter();
        let keys: HashSet<u64> = alive
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

    /// Checks that nothing of a deleted vector is left in memory.
    fn check_memory(&self, residues: &mut Vec<Residue>) {
        let row = 4 * self.vectors.dimension() as u64;
        let alive = self.slots.alive();
        let mut add = |length, reason| {
            residues.push(Residue {
                id: None,
                file: None,
                offset: 0,
                length,
                reason,
            });
        };
        for slot in (0..self.slots.table_len() as u32).filter(|&slot| !alive.contains(slot)) {
            let is_alive = |slot| alive.contains(slot);
            if self.slots.record(slot).is_some() || !self.vectors.is_erased(slot, is_alive) {
                add(row, "a deleted vector in memory");
            }
        }
        for _ in 0..self.fields.count_beyond(alive) {
            add(0, "a value of a deleted vector in the index of a field");
        }
    }
}
