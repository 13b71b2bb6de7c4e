//! Operations on a store, a plain model of their effects, and a comparison of the two.
//!
//! All stored data is recognisable: each version of a row or of metadata, and each id, is a
//! sequence of bytes that occurs nowhere else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use vectorizer_native::{
    client::{
        Call, Client, Forgetting, Opening, Selection, Store, Transfer, Which, open_on_disk,
        open_with,
    },
    clock::Clock,
    collection::{
        Batch, Config, DeleteOptions, Guards, Origin, Patch, Places, ReplaceOptions, Replacement,
        Update, UpdateOf,
    },
    error::{Error, Result},
    filter,
    graph::HnswParams,
    storage::{Files, Fsync, UserKey},
    vectors::{Codes, Metric},
};

use crate::{
    support::{Random, WAIT},
    thief,
};

pub const DIMENSION: usize = 48;

#[derive(Debug, Clone)]
pub enum Op {
    Create(&'static str),
    Drop(&'static str),
    /// Deletes the empty collections.
    CleanUp,
    /// Gives a collection another name.
    Rename(&'static str, &'static str),
    /// Ids with the version of their row and metadata.
    Put(&'static str, Vec<(u32, u32)>),
    Data(&'static str, u32, u32),
    Metadata(&'static str, u32, u32),
    /// Patches the metadata of everything whose metadata version has this remainder modulo 4. The
    /// version of a patch; 0 removes what earlier ones have added.
    Patch(&'static str, u32, u32),
    /// Ids with the new versions of their row and of their metadata, some of which they may keep.
    UpdateMany(&'static str, Vec<(u32, Option<u32>, Option<u32>)>),
    DeleteOne(&'static str, u32),
    DeleteMany(&'static str, Vec<u32>),
    /// Everything whose metadata version has this remainder modulo 4.
    DeleteMatching(&'static str, u32),
    /// Replaces everything with this remainder by these rows, as in `Put`.
    Replace(&'static str, u32, Vec<(u32, u32)>),
    /// The same, and what is deleted can be brought back for this many milliseconds.
    DropForNow(&'static str, i64),
    DeleteForNow(&'static str, Vec<u32>, i64),
    ReplaceForNow(&'static str, u32, Vec<(u32, u32)>, i64),
    Undelete(&'static str, Vec<u32>),
    /// The last that was deleted of the collections of this name that wait.
    UndeleteCollection(&'static str),
    Purge(&'static str, Vec<u32>),
    PurgeCollection(&'static str),
    /// A delete preceded by a backup.
    BackUpAndDelete(&'static str, Vec<u32>),
    /// Moves ids from one collection to another, overwriting those that are there or not.
    Move(&'static str, &'static str, Vec<u32>, bool),
    /// Moves everything whose metadata version has this remainder modulo 4, and overwrites.
    MoveMatching(&'static str, &'static str, u32),
    Copy(&'static str, &'static str, Vec<u32>, bool),
    /// Deletes everything with this remainder from all collections.
    Forget(u32),
    Optimize(&'static str),
    BackUp,
    Rotate,
    Flush,
}

pub fn id(number: u32) -> String {
    format!(
        "id-{number}-{:08x}",
        Random(u64::from(number) + 1).next() as u32
    )
}

pub fn row(version: u32) -> Vec<f32> {
    Random(u64::from(version) + 1_000_000).vector(DIMENSION)
}

fn marker(version: u32) -> String {
    format!(
        "{version}-{:016x}",
        Random(u64::from(version) + 2_000_000).next()
    )
}

pub fn metadata(version: u32) -> String {
    format!(
        "{{\"rest\":{},\"marker\":\"m{}\"}}",
        version % 4,
        marker(version)
    )
}

pub fn text(version: u32) -> String {
    format!("text {}", marker(version))
}

fn patch_marker(version: u32) -> String {
    format!(
        "p{version}-{:016x}",
        Random(u64::from(version) + 3_000_000).next()
    )
}

/// The metadata of a version after a patch; 0 for none.
pub fn patched(version: u32, patch: u32) -> String {
    let metadata = metadata(version);
    match (patch, metadata.strip_suffix('}')) {
        (1.., Some(metadata)) => format!("{metadata},\"patch\":\"{}\"}}", patch_marker(patch)),
        _ => metadata,
    }
}

/// A vector: its id, the version of its row, that of its metadata and text, and that of the patch of
/// its metadata.
type Stored = (u32, u32, u32, u32);

/// A vector that was deleted for now, and until when it can be brought back.
type Waiting = (Stored, i64);

/// A collection that was deleted for now, with what waits in it.
#[derive(Debug, Clone, PartialEq)]
struct Deleted {
    name: &'static str,
    until: i64,
    stored: Vec<Stored>,
    bin: Vec<Waiting>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    pub collections: BTreeMap<&'static str, Vec<Stored>>,
    /// What waits in the collections.
    bins: BTreeMap<&'static str, Vec<Waiting>>,
    deleted: Vec<Deleted>,
    /// The time, in milliseconds.
    pub now: i64,
    /// The versions of all rows that ever waited.
    waited: BTreeSet<u32>,
    /// Every vector that ever existed, with all the versions that it ever had at once.
    ever: BTreeSet<Stored>,
}

impl Model {
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(name) => {
                self.collections.insert(name, Vec::new());
            }
            Op::Drop(name) => {
                self.collections.remove(name);
                self.bins.remove(name);
            }
            Op::CleanUp => {
                let bins = &self.bins;
                self.collections.retain(|name, all| {
                    !all.is_empty() || bins.get(name).is_some_and(|bin| !bin.is_empty())
                });
            }
            Op::Rename(name, new_name) => {
                if let Some(all) = self.collections.remove(name) {
                    self.collections.insert(new_name, all);
                }
                if let Some(bin) = self.bins.remove(name) {
                    self.bins.insert(new_name, bin);
                }
            }
            Op::DropForNow(name, period) => self.deleted.push(Deleted {
                name,
                until: self.now + period,
                stored: self.collections.remove(name).unwrap_or_default(),
                bin: self.bins.remove(name).unwrap_or_default(),
            }),
            Op::DeleteForNow(name, ids, period) => {
                self.discard(name, *period, |stored| ids.contains(&stored.0));
            }
            Op::ReplaceForNow(name, rest, rows, period) => {
                let is_row = |id: u32| rows.iter().any(|row| row.0 == id);
                let is_meant = |stored: &Stored| stored.2 % 4 == *rest && !is_row(stored.0);
                self.discard(name, *period, is_meant);
                self.apply(&Op::Replace(name, *rest, rows.clone()));
            }
            Op::Undelete(name, ids) => {
                let bin = self.bins.entry(name).or_default();
                let all = self.collections.entry(name).or_default();
                for id in ids {
                    let at = bin.iter().position(|waiting| waiting.0.0 == *id);
                    if let Some(at) = at.filter(|_| all.iter().all(|stored| stored.0 != *id)) {
                        all.push(bin.remove(at).0);
                    }
                }
            }
            Op::UndeleteCollection(name) => {
                if let Some(deleted) = self.take_deleted(name) {
                    self.collections.insert(name, deleted.stored);
                    self.bins.insert(name, deleted.bin);
                }
            }
            Op::Purge(name, ids) => {
                if let Some(bin) = self.bins.get_mut(name) {
                    bin.retain(|waiting| !ids.contains(&waiting.0.0));
                }
            }
            Op::PurgeCollection(name) => drop(self.take_deleted(name)),
            Op::Put(name, rows) => {
                for &(id, version) in rows {
                    self.set(name, id, |_| (version, version, 0));
                }
            }
            Op::Data(name, id, version) => self.set(name, *id, |old| (*version, old.2, old.3)),
            Op::Metadata(name, id, version) => self.set(name, *id, |old| (old.1, *version, 0)),
            Op::Patch(name, rest, patch) => {
                let all = self.collections.get(name).into_iter().flatten();
                let matching = all.filter(|stored| stored.2 % 4 == *rest);
                let ids: Vec<u32> = matching.map(|stored| stored.0).collect();
                for id in ids {
                    self.set(name, id, |old| (old.1, old.2, *patch));
                }
            }
            Op::UpdateMany(name, updates) => {
                for &(id, row, metadata) in updates {
                    let all = self.collections.get(name).into_iter().flatten();
                    if { all }.any(|stored| stored.0 == id) {
                        self.set(name, id, |old| {
                            let kept = (old.2, old.3);
                            let (metadata, patch) = metadata.map_or(kept, |version| (version, 0));
                            (row.unwrap_or(old.1), metadata, patch)
                        });
                    }
                }
            }
            Op::DeleteOne(name, id) => self.retain(name, |stored| stored.0 != *id),
            Op::DeleteMany(name, ids) | Op::BackUpAndDelete(name, ids) => {
                self.retain(name, |stored| !ids.contains(&stored.0));
            }
            Op::DeleteMatching(name, rest) => self.retain(name, |stored| stored.2 % 4 != *rest),
            Op::Move(from, to, ids, overwrites) => {
                let moved = self.transfer(from, to, ids, *overwrites);
                self.retain(from, |stored| !moved.contains(&stored.0));
            }
            Op::MoveMatching(from, to, rest) => {
                let all = self.collections.get(from).into_iter().flatten();
                let matching = all.filter(|stored| stored.2 % 4 == *rest);
                let ids: Vec<u32> = matching.map(|stored| stored.0).collect();
                self.apply(&Op::Move(from, to, ids, true));
            }
            Op::Copy(from, to, ids, overwrites) => {
                self.transfer(from, to, ids, *overwrites);
            }
            Op::Forget(rest) => {
                for one in &mut self.deleted {
                    one.stored.retain(|stored| stored.2 % 4 != *rest);
                }
                for bin in self.all_bins() {
                    bin.retain(|waiting| waiting.0.2 % 4 != *rest);
                }
                for all in self.collections.values_mut() {
                    all.retain(|stored| stored.2 % 4 != *rest);
                }
            }
            Op::Replace(name, rest, rows) => {
                let is_row = |id: u32| rows.iter().any(|row| row.0 == id);
                self.retain(name, |stored| stored.2 % 4 != *rest || is_row(stored.0));
                for &(id, version) in rows {
                    self.set(name, id, |_| (version, version, 0));
                }
            }
            Op::Optimize(_) | Op::BackUp | Op::Rotate | Op::Flush => {}
        }
    }

    /// Whether a store accepts the operation.
    pub fn allows(&self, op: &Op) -> bool {
        let stored = |name: &str, id: u32| {
            let collection = self.collections.get(name);
            collection.is_some_and(|all| all.iter().any(|stored| stored.0 == id))
        };
        match op {
            Op::Create(name) => !self.collections.contains_key(name),
            Op::Data(name, id, _) | Op::Metadata(name, id, _) | Op::DeleteOne(name, id) => {
                stored(name, *id)
            }
            Op::Replace(name, rest, rows) | Op::ReplaceForNow(name, rest, rows, _) => {
                let all = self.collections.get(name);
                all.is_some_and(|all| {
                    let is_other = |id| all.iter().any(|s| s.0 == id && s.2 % 4 != *rest);
                    let is_fine =
                        |&(id, version): &(u32, u32)| version % 4 == *rest && !is_other(id);
                    rows.iter().all(is_fine)
                })
            }
            Op::Drop(name)
            | Op::Put(name, _)
            | Op::DeleteMany(name, _)
            | Op::BackUpAndDelete(name, _)
            | Op::DeleteMatching(name, _)
            | Op::DropForNow(name, _)
            | Op::DeleteForNow(name, ..)
            | Op::Undelete(name, _)
            | Op::Purge(name, _)
            | Op::Patch(name, ..)
            | Op::UpdateMany(name, _)
            | Op::Optimize(name) => self.collections.contains_key(name),
            Op::Move(from, to, ..) | Op::MoveMatching(from, to, _) | Op::Copy(from, to, ..) => {
                let has = |name| self.collections.contains_key(name);
                from != to && has(from) && has(to)
            }
            Op::Rename(name, new_name) => {
                let has = |name| self.collections.contains_key(name);
                has(name) && (name == new_name || !has(new_name))
            }
            Op::UndeleteCollection(name) => {
                let waits = self.deleted.iter().any(|one| one.name == *name);
                waits && !self.collections.contains_key(name)
            }
            Op::PurgeCollection(name) => self.deleted.iter().any(|one| one.name == *name),
            Op::BackUp | Op::Rotate | Op::Flush | Op::Forget(_) | Op::CleanUp => true,
        }
    }

    fn set(&mut self, name: &str, id: u32, new: impl Fn(&Stored) -> (u32, u32, u32)) {
        let Some(all) = self.collections.get_mut(name) else {
            return;
        };
        let stored = match all.iter_mut().find(|stored| stored.0 == id) {
            Some(stored) => {
                let (row, metadata, patch) = new(stored);
                *stored = (id, row, metadata, patch);
                *stored
            }
            None => {
                let (row, metadata, patch) = new(&(id, 0, 0, 0));
                all.push((id, row, metadata, patch));
                (id, row, metadata, patch)
            }
        };
        self.ever.insert(stored);
    }

    /// Copies vectors to another collection, and returns the ids of those that were.
    fn transfer(&mut self, from: &str, to: &str, ids: &[u32], overwrites: bool) -> Vec<u32> {
        let mut copied = Vec::new();
        for &id in ids {
            let stored = |name: &str| {
                let all = self.collections.get(name).into_iter().flatten();
                all.copied().find(|stored| stored.0 == id)
            };
            let is_free = overwrites || stored(to).is_none();
            if let Some(stored) = stored(from).filter(|_| is_free && !copied.contains(&id)) {
                self.set(to, id, |_| (stored.1, stored.2, stored.3));
                copied.push(id);
            }
        }
        copied
    }

    fn retain(&mut self, name: &str, keep: impl Fn(&Stored) -> bool) {
        if let Some(all) = self.collections.get_mut(name) {
            all.retain(keep);
        }
    }

    /// Deletes what is meant for now.
    fn discard(&mut self, name: &'static str, period: i64, is_meant: impl Fn(&Stored) -> bool) {
        let until = self.now + period;
        let all = self.collections.entry(name).or_default();
        let bin = self.bins.entry(name).or_default();
        for stored in all.extract_if(.., |stored| is_meant(stored)) {
            bin.retain(|waiting| waiting.0.0 != stored.0);
            bin.push((stored, until));
            self.waited.insert(stored.1);
        }
    }

    fn take_deleted(&mut self, name: &str) -> Option<Deleted> {
        let at = self.deleted.iter().rposition(|one| one.name == name)?;
        Some(self.deleted.remove(at))
    }

    fn all_bins(&mut self) -> impl Iterator<Item = &mut Vec<Waiting>> {
        let bins = self.deleted.iter_mut().map(|one| &mut one.bin);
        bins.chain(self.bins.values_mut())
    }

    /// Lets that much time pass.
    pub fn pass(&mut self, ms: i64) {
        self.now += ms;
        let now = self.now;
        self.deleted.retain(|one| one.until > now);
        for bin in self.all_bins() {
            bin.retain(|waiting| waiting.1 > now);
        }
    }

    /// The numbers of what is in a collection, and of what waits in it.
    pub fn numbers(&self, name: &str) -> BTreeSet<u32> {
        let stored = self.collections.get(name).into_iter().flatten();
        let waiting = self.bins.get(name).into_iter().flatten();
        let waiting = waiting.map(|waiting| waiting.0.0);
        stored.map(|stored| stored.0).chain(waiting).collect()
    }

    /// The bytes that must not be in any file any more: everything that ever existed in `self` or
    /// in `later`, except what `self` holds, and what waits in it.
    pub fn gone(&self, later: &Model) -> Vec<(String, Vec<u8>)> {
        let deleted = self.deleted.iter().flat_map(|one| &one.stored);
        let bins = self.deleted.iter().map(|one| &one.bin);
        let bins = bins.chain(self.bins.values()).flatten();
        let stored = self.collections.values().flatten().chain(deleted);
        self.ever_but(stored, bins.map(|waiting| &waiting.0), later)
    }

    /// The same for the files of one collection: also what only others hold, or its bin.
    pub fn gone_from(&self, name: &str, later: &Model) -> Vec<(String, Vec<u8>)> {
        let now = self.collections.get(name).into_iter().flatten();
        self.ever_but(now, [].iter(), later)
    }

    fn ever_but<'a>(
        &self,
        now: impl Iterator<Item = &'a Stored>,
        waiting: impl Iterator<Item = &'a Stored>,
        later: &Model,
    ) -> Vec<(String, Vec<u8>)> {
        let mut now: Vec<Stored> = now.copied().collect();
        let rows: BTreeSet<u32> = now.iter().map(|stored| stored.1).collect();
        let waiting: Vec<Stored> = waiting.copied().collect();
        let waiting_rows: BTreeSet<u32> = waiting.iter().map(|stored| stored.1).collect();
        now.extend(waiting);
        let ids: BTreeSet<u32> = now.iter().map(|stored| stored.0).collect();
        let texts: BTreeSet<u32> = now.iter().map(|stored| stored.2).collect();
        let patches: BTreeSet<u32> = now.iter().map(|stored| stored.3).collect();
        let mut gone = Vec::new();
        // Rows that wait are written otherwise.
        for &version in self.waited.union(&later.waited) {
            if !waiting_rows.contains(&version) {
                let bytes = row(version).into_iter().flat_map(f32::to_le_bytes);
                let row = STANDARD.encode(bytes.collect::<Vec<u8>>()).into_bytes();
                let end = row[row.len() - 20..].to_vec();
                gone.push((
                    format!("beginning of waiting row {version}"),
                    row[..20].to_vec(),
                ));
                gone.push((format!("end of waiting row {version}"), end));
            }
        }
        for &(number, row_version, version, patch) in self.ever.union(&later.ever) {
            if !ids.contains(&number) {
                gone.push((format!("id {number}"), id(number).into_bytes()));
            }
            if !rows.contains(&row_version) {
                let row = row(row_version);
                let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
                let codes = Codes::of(&row, DIMENSION);
                let code: Vec<u8> = codes.get(0).0.iter().map(|&value| value as u8).collect();
                // Beginnings and ends, because half of a row is as bad as all of it.
                for (of, bytes) in [("row", bytes), ("code", code)] {
                    let end = bytes[bytes.len() - 16..].to_vec();
                    gone.push((
                        format!("beginning of {of} {row_version}"),
                        bytes[..16].to_vec(),
                    ));
                    gone.push((format!("end of {of} {row_version}"), end));
                }
            }
            if !texts.contains(&version) {
                gone.push((format!("metadata {version}"), marker(version).into_bytes()));
            }
            if patch > 0 && !patches.contains(&patch) {
                gone.push((format!("patch {patch}"), patch_marker(patch).into_bytes()));
            }
        }
        gone
    }
}

fn transfer(selection: Selection, moves: bool, overwrite: bool) -> Transfer {
    Transfer {
        selection,
        moves,
        overwrite,
        dry_run: false,
        guards: Guards::default(),
        receipt: false,
        reason: None,
        on_progress: None,
    }
}

/// Replaces everything with this remainder by these rows.
fn replacement(rest: u32, rows: &[(u32, u32)], undo: Option<i64>) -> Replacement {
    let versions = rows.iter().map(|(_, version)| *version);
    Replacement {
        filter: filter::parse_text(&format!("{{\"rest\":{rest}}}")).unwrap(),
        ids: rows.iter().map(|(number, _)| id(*number)).collect(),
        metadata: versions.clone().map(|v| Some(metadata(v).into())).collect(),
        texts: versions.clone().map(|v| Some(text(v).into())).collect(),
        expires_at: Vec::new(),
        origin: Origin::Given,
        data: versions.flat_map(row).collect(),
        lengths: vec![DIMENSION as u32],
        places: Places::default(),
        options: ReplaceOptions {
            undo,
            ..ReplaceOptions::default()
        },
        on_progress: None,
    }
}

/// The directory for the tests' stores: in memory if the system offers that, because they sync a
/// lot.
pub fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.unwrap()
}

pub struct Session {
    pub store: Arc<Store>,
    client: Client,
    backups: PathBuf,
}

impl Session {
    pub fn open(files: &Files, path: &Path, fsync: Fsync, backups: &Path) -> Result<Self> {
        Self::open_with(files, path, fsync, backups, None)
    }

    /// Opens a store that is encrypted.
    pub fn open_with(
        files: &Files,
        path: &Path,
        fsync: Fsync,
        backups: &Path,
        user: Option<&UserKey>,
    ) -> Result<Self> {
        let store = open_on_disk(files, path, Some(fsync), user)?;
        Ok(Self::of(store, backups))
    }

    /// Opens a store that keeps a ledger.
    pub fn open_recorded(files: &Files, path: &Path, fsync: Fsync, backups: &Path) -> Result<Self> {
        let opening = Opening {
            fsync: Some(fsync),
            ledger: true,
            ..Opening::default()
        };
        Ok(Self::of(open_with(files, path, opening)?, backups))
    }

    /// Opens a store that goes by this clock, and may keep a ledger.
    pub fn open_timed(
        path: &Path,
        (fsync, ledger): (Fsync, bool),
        clock: &Clock,
        backups: &Path,
    ) -> Result<Self> {
        let opening = Opening {
            fsync: Some(fsync),
            ledger,
            clock: clock.clone(),
            ..Opening::default()
        };
        let store = open_with(&Files::default(), path, opening)?;
        Ok(Self::of(store, backups))
    }

    fn of(store: Arc<Store>, backups: &Path) -> Self {
        Self {
            client: Client::of(store.clone()),
            store,
            backups: backups.to_owned(),
        }
    }

    pub fn call(&self) -> Call {
        self.client.begin().unwrap()
    }

    pub fn apply(&self, op: &Op) -> Result<()> {
        let call = self.call();
        let plain = DeleteOptions::default();
        match op {
            Op::Create(name) => {
                call.create_collection(Config {
                    name: (*name).to_owned(),
                    dimension: DIMENSION,
                    metric: Metric::Euclidean,
                    hnsw: HnswParams::default(),
                    description: None,
                })?;
            }
            Op::Drop(name) => drop(call.delete_collection(WAIT, name, false, None)?),
            Op::CleanUp => drop(call.delete_empty_collections(false)?),
            Op::Rename(name, new_name) => drop(call.rename_collection(name, new_name)?),
            Op::Put(name, rows) => {
                let collection = call.collection(name)?;
                let versions = rows.iter().map(|(_, version)| *version);
                let mut prepared = collection.prepare(Batch {
                    ids: rows.iter().map(|(number, _)| Some(id(*number))).collect(),
                    data: versions.clone().flat_map(row).collect(),
                    lengths: vec![DIMENSION as u32],
                    metadata: versions.clone().map(|v| Some(metadata(v).into())).collect(),
                    texts: versions.map(|v| Some(text(v).into())).collect(),
                    ..Batch::default()
                })?;
                collection.insert(WAIT, &mut prepared)?;
            }
            Op::Data(name, number, version) => {
                let update = Update {
                    data: Some(row(*version)),
                    ..Update::default()
                };
                call.collection(name)?.update(WAIT, &id(*number), &update)?;
            }
            Op::Metadata(name, number, version) => {
                let update = Update {
                    metadata: Some(metadata(*version).into()),
                    text: Some(text(*version).into()),
                    ..Update::default()
                };
                call.collection(name)?.update(WAIT, &id(*number), &update)?;
            }
            Op::Patch(name, rest, patch) => {
                let marker = (*patch > 0).then(|| patch_marker(*patch));
                let patched = call.collection(name)?.patch_metadata(Patch {
                    filter: filter::parse_text(&format!("{{\"rest\":{rest}}}"))?,
                    patch: serde_json::json!({ "patch": marker }).to_string().into(),
                    dry_run: false,
                    guards: Guards::default(),
                    on_progress: None,
                })?;
                assert!(patched.applied);
            }
            Op::UpdateMany(name, updates) => {
                let updates = updates.iter().map(|&(number, data, version)| UpdateOf {
                    id: id(number),
                    update: Update {
                        data: data.map(row),
                        metadata: version.map(|version| metadata(version).into()),
                        text: version.map(|version| text(version).into()),
                        ..Update::default()
                    },
                });
                call.collection(name)?
                    .update_many(updates.collect(), None)?;
            }
            Op::DeleteOne(name, number) => {
                call.collection(name)?
                    .delete_one(WAIT, &id(*number), &plain)?;
            }
            Op::DeleteMany(name, numbers) => {
                let ids: Vec<String> = numbers.iter().copied().map(id).collect();
                call.collection(name)?.delete_many(WAIT, &ids, &plain)?;
            }
            Op::BackUpAndDelete(name, numbers) => {
                let ids: Vec<String> = numbers.iter().copied().map(id).collect();
                let options = DeleteOptions {
                    backup: Some(self.new_backup()),
                    ..plain
                };
                call.collection(name)?.delete_many(WAIT, &ids, &options)?;
            }
            Op::DeleteMatching(name, rest) => {
                let filter = filter::parse_text(&format!("{{\"rest\":{rest}}}"))?;
                call.collection(name)?.delete_matching(&filter, &plain)?;
            }
            Op::Replace(name, rest, rows) => {
                let replaced = replacement(*rest, rows, None);
                call.collection(name)?.replace(replaced)?;
            }
            Op::DropForNow(name, period) => {
                call.delete_collection_for_now(name, *period, None)?;
            }
            Op::DeleteForNow(name, numbers, period) => {
                let ids: Vec<String> = numbers.iter().copied().map(id).collect();
                let collection = call.collection(name)?;
                call.make_bin(WAIT, &collection, Some(*period))?;
                let options = DeleteOptions {
                    undo: Some(*period),
                    ..plain
                };
                collection.delete_many(WAIT, &ids, &options)?;
            }
            Op::ReplaceForNow(name, rest, rows, period) => {
                let collection = call.collection(name)?;
                call.make_bin(WAIT, &collection, Some(*period))?;
                collection.replace(replacement(*rest, rows, Some(*period)))?;
            }
            Op::Undelete(name, numbers) => {
                let ids = Which::Ids(numbers.iter().copied().map(id).collect());
                call.undelete(name, ids, None)?;
            }
            Op::UndeleteCollection(name) => {
                let token = Which::Token(self.token(name)?);
                call.undelete(name, token, None)?;
            }
            Op::Purge(name, numbers) => {
                let ids = Which::Ids(numbers.iter().copied().map(id).collect());
                call.purge_deleted(name, Some(ids), false, None)?;
            }
            Op::PurgeCollection(name) => {
                let token = Which::Token(self.token(name)?);
                call.purge_deleted(name, Some(token), false, None)?;
            }
            Op::Move(from, to, numbers, overwrite) | Op::Copy(from, to, numbers, overwrite) => {
                let moves = matches!(op, Op::Move(..));
                let ids = Selection::Ids(numbers.iter().copied().map(id).collect());
                let transfer = transfer(ids, moves, *overwrite);
                assert!(call.transfer(from, to, transfer)?.applied);
            }
            Op::MoveMatching(from, to, rest) => {
                let filter = filter::parse_text(&format!("{{\"rest\":{rest}}}"))?;
                let transfer = transfer(Selection::Filter(filter), true, true);
                assert!(call.transfer(from, to, transfer)?.applied);
            }
            Op::Forget(rest) => {
                let filter = filter::parse_text(&format!("{{\"rest\":{rest}}}"))?;
                let forgotten = call.forget(Forgetting {
                    selection: Selection::Filter(filter),
                    collections: None,
                    dry_run: false,
                    guards: Guards::default(),
                    reason: None,
                    on_progress: None,
                })?;
                assert!(forgotten.applied);
            }
            Op::Optimize(name) => {
                let done = call.collection(name)?.optimize(None)?;
                done.blocking_recv().unwrap()?;
            }
            Op::BackUp => {
                let path = self.new_backup();
                call.create_backup(&path, None, false, &mut |_| ())?;
            }
            Op::Rotate => call.rotate_keys(None, &mut |_| ())?,
            Op::Flush => call.flush()?,
        }
        Ok(())
    }

    /// The token of the last that was deleted of the collections of this name that wait.
    fn token(&self, name: &str) -> Result<String> {
        let listed = self.call().list_deleted(Some(name), 0, 0)?;
        let last = listed.collections.into_iter().next_back();
        let token = last.map(|deleted| deleted.token);
        token.ok_or_else(|| Error::CollectionNotFound(name.to_owned()))
    }

    fn new_backup(&self) -> PathBuf {
        let taken = std::fs::read_dir(&self.backups).unwrap().count();
        self.backups.join(format!("{taken}.vecbak"))
    }

    /// Compares everything that can be read with the model. Returns the difference, if there is
    /// one.
    pub fn difference(&self, model: &Model) -> Option<String> {
        self.try_difference(model).unwrap()
    }

    /// The same, for files that may be damaged.
    pub fn try_difference(&self, model: &Model) -> Result<Option<String>> {
        let call = self.call();
        let names: Vec<String> = call.collections().iter().map(|c| c.name()).collect();
        let expected: Vec<&str> = model.collections.keys().copied().collect();
        if names != expected {
            return Ok(Some(format!("collections {names:?}, not {expected:?}")));
        }
        let listed = call.list_deleted(None, 0, 0)?;
        let listed = listed.collections.iter();
        let listed: Vec<(&str, usize)> = listed.map(|one| (&*one.name, one.vectors)).collect();
        let expected = model.deleted.iter().map(|one| (one.name, one.stored.len()));
        let expected: Vec<(&str, usize)> = expected.collect();
        if listed != expected {
            return Ok(Some(format!("{listed:?} wait, not {expected:?}")));
        }
        for (name, stored) in &model.collections {
            let collection = call.collection(name).unwrap();
            let (waiting, _) = collection.list_deleted(0, usize::MAX)?;
            let waiting: Vec<(&str, Option<&str>)> = { waiting.iter() }
                .map(|one| (&*one.id, one.metadata.as_deref()))
                .collect();
            let expected = model.bins.get(name).into_iter().flatten();
            let expected: Vec<(String, String)> = expected
                .map(|&((number, _, version, patch), _)| (id(number), patched(version, patch)))
                .collect();
            let expected: Vec<(&str, Option<&str>)> = { expected.iter() }
                .map(|(id, metadata)| (&**id, Some(&**metadata)))
                .collect();
            if waiting != expected {
                return Ok(Some(format!("{name}: {waiting:?} wait, not {expected:?}")));
            }
            let page = collection.list(0, usize::MAX)?;
            let ids: Vec<&str> = page.vectors.iter().map(|item| &*item.id).collect();
            let expected: Vec<String> = stored.iter().map(|stored| id(stored.0)).collect();
            if ids != expected {
                return Ok(Some(format!("{name}: ids {ids:?}, not {expected:?}")));
            }
            for (item, &(number, row_version, version, patch)) in page.vectors.iter().zip(stored) {
                let same = item.data == Some(row(row_version))
                    && item.metadata.as_deref() == Some(&*patched(version, patch))
                    && item.text.as_deref() == Some(&*text(version));
                if !same {
                    return Ok(Some(format!("{name}: {number} is {item:?}")));
                }
            }
            for &(number, row_version, ..) in stored.iter().take(3) {
                let found = collection.search(row(row_version), &Default::default())?;
                // Others may have the same row.
                let same = stored.iter().filter(|stored| stored.1 == row_version);
                if !{ same }.any(|stored| *found[0].id == *id(stored.0)) {
                    return Ok(Some(format!(
                        "{name}: a search for {number} finds {:?}",
                        found[0]
                    )));
                }
            }
        }
        Ok(None)
    }

    /// Closes it cleanly.
    pub fn close(self) -> Result<()> {
        drop(self.store);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(self.client.close())
    }
}

/// The parts of `gone` that somebody with access to the files under `path` can find.
pub fn residues(path: &Path, gone: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, bytes) in thief::all(path) {
        for (what, needle) in gone {
            if memchr::memmem::find(&bytes, needle).is_some() {
                found.push(format!("{what} in {}", file.display()));
            }
        }
    }
    found
}

/// Changes a bit of the byte at this offset, or changes it back.
pub fn flip(path: &Path, at: u64) {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 4]).unwrap();
}
