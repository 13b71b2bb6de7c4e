//! A collection: its state, behind a single lock, and the operations on it.
//!
//! Every operation takes the lock once, so concurrent operations have the same outcome as running
//! them one after another in some order. Searches share the lock; writes hold it only for the time
//! it takes to copy a few values. The graph is built without holding it (`refresh.rs`).

mod backup;
mod batch;
mod bin;
mod compact;
mod config;
mod copy;
mod cost;
mod delete;
mod disk;
mod erasing;
mod expiry;
mod forget;
mod insert;
mod maintain;
mod memory;
mod merge;
mod modify;
mod name;
mod nodes;
mod precision;
mod query;
mod refresh;
mod replace;
mod rewrite;
mod rounds;
mod same;
mod scan;
mod scrub;
mod settings;
mod transfer;
mod update;
mod values;
mod work;
mod write;

use std::{sync::Arc, time::Duration};

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use roaring::RoaringBitmap;
use time::OffsetDateTime;

pub use bin::{Deleted, Purged, Undo};
pub use config::{
    Config, DeletedFor, Role, check_ef_search, check_name, check_rows, dimension_of, name_of,
};
pub use copy::{OnProgress, Progress};
pub use delete::{
    BatchDeletion, DeleteOptions, FilterDeletion, Guard, Guards, Outcome, Receipt, Refusal,
};
pub use disk::{Left, Residue, StoreParts};
pub use erasing::Dropped;
pub use expiry::{ExpiryChange, OnExpiring, Timer, check_expiry};
pub use forget::{Forget, ForgetReceipt, ForgottenFrom, ForgottenIn};
pub use insert::{Batch, Prepared};
pub use maintain::Background;
pub use modify::{Patch, Patched, UpdateOf};
pub use name::{Name, Names};
pub use query::{Item, Method, Page, SearchOptions};
pub use replace::{Origin, Places, ReplaceOptions, Replaced, Replacement, Replacing};
pub use scan::{Cursor, ScanOptions};
pub use scrub::{ScrubPosition, Scrubbed};
pub use settings::ReindexOptions;
pub use transfer::{Fate, Moving, Selection, Transfer, Transferred};
pub use update::Update;

use crate::{
    cancel,
    error::{Error, Result},
    filter::{FieldIndexes, Source},
    graph::Graph,
    storage::{Fsync, Journal, Ledger, Lock, NAME, StoreKeys},
    vectors::{Basis, Metric, Slots, Text, Vectors},
};
use cost::Costs;
use delete::Drafted;
use erasing::Cause;
use expiry::Expiries;
use maintain::Upkeep;
use memory::{Contents, discard};
use scrub::Scrub;

/// Whether a call may wait for the lock, and how much work it may do. The JavaScript thread must
/// not wait: it calls with `Now` and, if the answer is `WouldBlock`, moves the work to another
/// thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only if there is nothing to wait for and little work to do.
    Now,
    /// Only if there is nothing to wait for.
    Soon,
    Wait,
}

/// What the call that deletes a collection is called.
pub(crate) const DELETE_COLLECTION: &str = "deleteCollection";
/// How long a read waits for the exclusive lock, which it needs if something is due, before it looks
/// whether somebody else has seen to that.
const HIDING: Duration = Duration::from_millis(2);
/// The most work that `Now` may do, in bytes of metadata added to or removed from a field's index:
/// some hundred microseconds.
const LITTLE: usize = 32 << 10;
/// The most that `Now` may copy, in bytes of metadata and text.
const LITTLE_COPIED: usize = 128 << 10;
/// Copying or erasing this many bytes takes as long as indexing one byte of metadata.
const COPIED: usize = 16;

/// The cost of indexing or erasing a vector with this metadata and this many other bytes.
fn weight(metadata: Option<&str>, others: usize, fields: usize) -> usize {
    let metadata = metadata.map_or(0, str::len);
    metadata.saturating_mul(fields) + (metadata + others) / COPIED
}

pub struct Collection {
    /// Never change.
    dimension: usize,
    metric: Metric,
    settings: RwLock<Arc<Config>>,
    role: RwLock<Role>,
    /// Where vectors wait that were deleted for now, if any ever were.
    bin: Mutex<Option<Arc<Collection>>>,
    created_at: OffsetDateTime,
    state: RwLock<State>,
    upkeep: Upkeep,
    timer: Timer,
    /// For a collection on disk, when its writes are synced.
    fsync: Option<Fsync>,
    /// On disk, its random name, which authenticates everything sealed, and the store's keys.
    sealed_for: Option<[u8; NAME]>,
    keys: Option<Arc<StoreKeys>>,
    scrub: Scrub,
    /// On disk, the lock on the store's directory. It is valid only while the directory is in
    /// place.
    lock: Option<Arc<Lock>>,
    /// Where the store, if it has a ledger, notes what is erased.
    ledger: Option<Arc<Ledger>>,
    /// Held while files other than the log are written.
    writing: Mutex<()>,
    /// Held while the log or its key table is rewritten.
    rekeying: Mutex<()>,
}

/// All mutable state.
struct State {
    is_on_disk: bool,
    /// Nobody searches in it.
    is_bin: bool,
    /// On disk, its rows are in memory only if its codes are too coarse.
    vectors: Vectors,
    slots: Slots,
    fields: FieldIndexes,
    journal: Journal,
    graph: Option<Arc<Graph>>,
    /// How many times it was asked for a graph that is built anew, and which of them `graph` is: if
    /// it is not the last, it only serves until that is built.
    wanted_graph: u64,
    built_graph: u64,
    costs: Costs,
    /// Live slots that are not nodes of the graph. Searches scan them.
    pending: RoaringBitmap,
    expiries: Expiries,
    /// The nodes of the graph under construction, if there is one.
    building: Option<RoaringBitmap>,
    next_sequence: u64,
    updated_at: OffsetDateTime,
    erased: Erased,
    /// Set by `drop_all`: the collection was deleted while a call still held a reference to
    /// it.
    dropped: bool,
}

/// What deletes, updates and expiry have removed since the collection was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Vectors that were deleted, or erased when they had expired.
    pub vectors: u64,
    /// The bytes of the rows, ids, metadata and texts of vectors that were deleted or replaced.
    pub bytes: u64,
}

/// Information about a collection.
#[derive(Debug, Clone)]
pub struct Info {
    pub updated_at: OffsetDateTime,
    pub vectors: usize,
    /// Live vectors that are in the graph; the others are scanned.
    pub indexed: usize,
    pub pending: usize,
    /// Deleted vectors whose slots in the graph have not been recycled yet.
    pub deleted: usize,
    /// Vectors that have expired, so that no read finds them, and that are not erased yet.
    pub expired: usize,
    /// Vectors that were deleted for now, and can be brought back.
    pub undoable: usize,
    /// The time after which vectors without an expiry of their own expire, in seconds.
    pub ttl: Option<u32>,
    pub memory_bytes: usize,
    /// The size of its files in bytes; `None` in memory.
    pub disk_bytes: Option<u64>,
    pub erased: Erased,
    pub background: Background,
    /// `None` in memory.
    pub scrub: Option<Scrubbed>,
}

impl State {
    fn new(dimension: usize, metric: Metric) -> Self {
        Self {
            is_on_disk: false,
            is_bin: false,
            vectors: Vectors::new(dimension, metric),
            slots: Slots::new(),
            fields: FieldIndexes::default(),
            journal: Journal::default(),
            graph: None,
            wanted_graph: 0,
            built_graph: 0,
            costs: Costs::new(dimension, Basis::default()),
            pending: RoaringBitmap::new(),
            expiries: Expiries::default(),
            building: None,
            next_sequence: 0,
            updated_at: OffsetDateTime::now_utc(),
            erased: Erased::default(),
            dropped: false,
        }
    }

    /// For a collection on disk.
    fn on_disk(config: &Config, role: &Role) -> Self {
        let mut state = Self::new(config.dimension, config.metric);
        state.is_on_disk = true;
        state.is_bin = matches!(role, Role::BinOf(_));
        state.vectors.release_rows();
        state
    }

    /// Whether it has no vector, not even one that has expired and is not erased yet.
    fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.slots.expired().is_empty()
    }

    /// An estimate.
    fn memory_bytes(&self) -> usize {
        self.vectors.memory_bytes()
            + self.slots.memory_bytes()
            + self.fields.memory_bytes()
            + self.journal.memory_bytes()
            + self.expiries.memory_bytes()
            + self.graph.as_ref().map_or(0, |graph| graph.memory_bytes())
    }

    /// The cost of changing the codes of this many vectors: while a graph is built from them, each
    /// may need a copy of a whole chunk.
    fn copying(&self, vectors: usize) -> usize {
        match &self.building {
            Some(_) => vectors.saturating_mul(self.vectors.chunk_bytes() / COPIED),
            None => 0,
        }
    }

    /// Returns `WouldBlock` if `Now` is asked for more than a little work. The cost of deleting a
    /// vector depends on its contents, which the id does not reveal.
    fn check_little(&self, access: Access, slots: &RoaringBitmap, more: usize) -> Result<()> {
        if access != Access::Now {
            return Ok(());
        }
        let (fields, row) = (self.fields.len(), 4 * self.vectors.dimension());
        let mut sum = more + self.copying(slots.len() as usize);
        for record in slots.iter().filter_map(|slot| self.slots.record(slot)) {
            let text = record.text.as_ref().map_or(0, Text::bytes);
            sum += weight(record.metadata.as_deref(), row + text, fields);
            if sum > LITTLE {
                break;
            }
        }
        if sum > LITTLE {
            return Err(Error::WouldBlock);
        }
        Ok(())
    }
}

impl Collection {
    /// In memory, with the system's clock. Nobody erases what has expired but the owner.
    pub fn new(config: Config) -> Arc<Self> {
        Self::timed(config, Timer::default())
    }

    /// In memory.
    pub fn timed(config: Config, timer: impl Into<Timer>) -> Arc<Self> {
        let state = State::new(config.dimension, config.metric);
        let created = (OffsetDateTime::now_utc(), Role::Named);
        Self::with(config, created, state, None, timer.into())
    }

    /// A bin in memory of a collection with this name.
    pub fn bin_in_memory(name: String, timer: Timer) -> Arc<Self> {
        let config = Self::settings_of_bin(name);
        let mut state = State::new(config.dimension, config.metric);
        state.is_bin = true;
        let created = (OffsetDateTime::now_utc(), Role::BinOf(String::new()));
        Self::with(config, created, state, None, timer)
    }

    fn with(
        config: Config,
        (created_at, role): (OffsetDateTime, Role),
        state: State,
        store: Option<&StoreParts>,
        timer: Timer,
    ) -> Arc<Self> {
        let sealed_for = state.journal.log().map(|log| *log.name());
        Arc::new(Self {
            dimension: config.dimension,
            metric: config.metric,
            settings: RwLock::new(Arc::new(config)),
            role: RwLock::new(role),
            bin: Mutex::default(),
            created_at,
            state: RwLock::new(state),
            upkeep: Upkeep::default(),
            timer,
            fsync: store.map(|store| store.fsync),
            sealed_for,
            keys: store.map(|store| store.keys.clone()),
            scrub: Scrub::default(),
            lock: store.and_then(|store| store.lock.clone()),
            ledger: store.and_then(|store| store.ledger.clone()),
            writing: Mutex::default(),
            rekeying: Mutex::default(),
        })
    }

    /// When its writes are synced; `None` in memory.
    pub fn fsync(&self) -> Option<Fsync> {
        self.fsync
    }

    fn is_on_disk(&self) -> bool {
        self.fsync.is_some()
    }

    /// Its name at this moment.
    pub fn name(&self) -> String {
        self.settings.read().name.clone()
    }

    /// Its settings at this moment.
    pub fn config(&self) -> Arc<Config> {
        self.settings.read().clone()
    }

    /// What it is there for at this moment.
    pub fn role(&self) -> Role {
        self.role.read().clone()
    }

    pub fn created_at(&self) -> OffsetDateTime {
        self.created_at
    }

    pub fn info(&self, access: Access) -> Result<Info> {
        // Before the lock of the collection, which whoever has the bin's may be waiting for.
        let bin = self.in_bin(access)?;
        let state = self.read(access)?;
        let vectors = state.slots.len();
        let pending = state.pending.len() as usize;
        Ok(Info {
            updated_at: state.updated_at,
            vectors,
            indexed: vectors - pending,
            pending,
            deleted: state.slots.retired().len() as usize,
            expired: state.slots.expired().len() as usize,
            undoable: bin.vectors,
            ttl: state.ttl(),
            memory_bytes: state.memory_bytes() + bin.memory_bytes,
            disk_bytes: state.disk_bytes().map(|bytes| bytes + bin.disk_bytes),
            erased: state.erased,
            background: self.upkeep.background(),
            scrub: state.journal.log().map(|_| self.scrub.report(&state)),
        })
    }

    /// Empties the collection for good: calls that still hold a reference no longer find it, and
    /// the background thread stops. Returns what is to be ended, where that may take time, once the
    /// collection's files are gone. A receipt is made then if one is requested.
    pub fn drop_contents(&self, access: Access, receipt: bool) -> Result<Dropped> {
        self.check_patient(access)?;
        let cause = Cause::new(DELETE_COLLECTION, None);
        self.drop_all(self.write(access)?, receipt, cause)
    }

    /// The same if this is still its name; otherwise it is not found.
    pub fn drop_named(
        &self,
        name: &str,
        access: Access,
        receipt: bool,
        reason: Option<&str>,
    ) -> Result<Dropped> {
        self.check_patient(access)?;
        let cause = Cause::new(DELETE_COLLECTION, reason);
        self.drop_all(self.write_named(name, access)?, receipt, cause)
    }

    /// The same for another call than that which deletes a collection.
    pub fn drop_for(
        &self,
        call: &'static str,
        reason: Option<&str>,
        receipt: bool,
    ) -> Result<Dropped> {
        self.drop_all(self.write(Access::Wait)?, receipt, Cause::new(call, reason))
    }

    /// The same if the collection is empty; otherwise `None`.
    pub fn drop_if_empty(&self, name: &str) -> Result<Option<Dropped>> {
        let state = self.write_named(name, Access::Wait)?;
        if !state.is_empty() || self.has_waiting() {
            return Ok(None);
        }
        let cause = Cause::new("cleanupEmptyCollections", None);
        self.drop_all(state, false, cause).map(Some)
    }

    /// Whether nothing is in it: no live vector, none that has expired and is not erased yet, and
    /// none that can be undeleted.
    pub fn is_empty(&self) -> Result<bool> {
        let is_empty = self.read(Access::Wait)?.is_empty();
        Ok(is_empty && !self.has_waiting())
    }

    /// Takes the exclusive lock, under which the name stays, if this is the name.
    fn write_named(&self, name: &str, access: Access) -> Result<RwLockWriteGuard<'_, State>> {
        let state = self.write(access)?;
        match self.is_named(name) && self.role() == Role::Named {
            true => Ok(state),
            false => Err(Error::CollectionNotFound(name.to_owned())),
        }
    }

    fn drop_all(
        &self,
        state: RwLockWriteGuard<'_, State>,
        receipt: bool,
        cause: Cause<'_>,
    ) -> Result<Dropped> {
        cancel::commit()?;
        let (mut state, mut erasure) = self.begin_erasure_of_all(state, cause)?;
        if let Some(log) = state.journal.log() {
            let dropped = log.drop_directory();
            dropped.map_err(|error| erasure.undone(error))?;
        }
        let drafted = receipt.then(|| state.draft_of_all());
        self.upkeep.cancel();
        let contents = std::mem::replace(&mut *state, State::new(self.dimension, self.metric));
        state.dropped = true;
        Ok(Dropped {
            contents: Contents::from(contents),
            drafted,
            erasure,
            call: cause.call,
            reason: cause.reason.map(str::to_owned),
        })
    }

    /// Lets the background thread end; nobody can reach the collection any more.
    pub fn stop_upkeep(&self) {
        self.upkeep.cancel();
    }

    /// The state at this moment: nothing in it has expired by now.
    fn read(&self, access: Access) -> Result<RwLockReadGuard<'_, State>> {
        loop {
            let state = match access {
                Access::Wait => self.state.read(),
                Access::Now | Access::Soon => self.state.try_read().ok_or(Error::WouldBlock)?,
            };
            self.check(state.dropped)?;
            if !state.is_due(self.clock()) {
                return Ok(state);
            }
            drop(state);
            let state = match access {
                // Whoever excludes other writers for long lets expire what is due now and then.
                Access::Wait => self.state.try_write_for(HIDING),
                Access::Now | Access::Soon => self.state.try_write(),
            };
            if let Some(state) = state {
                self.check(state.dropped)?;
                let state = self.expired(access, state)?;
                return Ok(RwLockWriteGuard::downgrade(state));
            }
            if access != Access::Wait {
                return Err(Error::WouldBlock);
            }
        }
    }

    fn write(&self, access: Access) -> Result<RwLockWriteGuard<'_, State>> {
        if access != Access::Wait && self.fsync == Some(Fsync::Always) {
            return Err(Error::WouldBlock);
        }
        let state = self.exclusive(access)?;
        // Opening its files takes longer than writing to them.
        if access != Access::Wait && state.journal.log().is_some_and(|log| !log.is_open()) {
            return Err(Error::WouldBlock);
        }
        Ok(state)
    }

    /// Takes the exclusive lock. Nothing in the state has expired by now.
    fn exclusive(&self, access: Access) -> Result<RwLockWriteGuard<'_, State>> {
        let state = match access {
            Access::Wait => self.state.write(),
            Access::Now | Access::Soon => self.state.try_write().ok_or(Error::WouldBlock)?,
        };
        self.check(state.dropped)?;
        self.expired(access, state)
    }

    fn check(&self, dropped: bool) -> Result<()> {
        if dropped {
            return Err(Error::CollectionNotFound(self.name()));
        }
        Ok(())
    }

    fn not_found(&self, id: &str) -> Error {
        Error::VectorNotFound {
            collection: self.name(),
            id: id.to_owned(),
        }
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        let empty = State::new(self.dimension, self.metric);
        let state = std::mem::replace(self.state.get_mut(), empty);
        discard(state);
    }
}

impl Source for Slots {
    fn metadata(&self, slot: u32) -> Option<&str> {
        self.record(slot)?.metadata.as_deref()
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        Slots::slot_of(self, id)
    }
}
