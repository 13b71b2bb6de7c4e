//! Deleting for now, bringing back, and erasing for good before the time is over.
//!
//! Vectors wait in the bin of their collection (`collection/bin.rs`). A collection waits as it is: its
//! settings say so, and on disk it is closed, so that nothing of it is in memory. It is opened only to
//! bring it back, to erase it, and for what must reach everything: expiry, `forget`, and the rotation
//! of keys. In memory, it stays there.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use dashmap::Entry;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Call, Fate, Selection, Transfer, Transferred};
use crate::{
    cancel,
    clock::{Clock, LATEST},
    collection::{
        Access, Collection, DeletedFor, Dropped, Guards, Moving, OnProgress, Outcome, Purged,
        Receipt, Role, StoreParts, Undo,
    },
    error::{Error, Result},
    storage::{Files, remove},
    wiped::Id,
};

/// How long it is before what could not be erased is tried again, in milliseconds.
const PAUSE: i64 = 60_000;

/// A collection that was deleted for now.
#[derive(Debug, Clone)]
pub struct DeletedCollection {
    pub name: String,
    pub token: String,
    /// In milliseconds since 1970, as the next.
    pub deleted_at: i64,
    pub until: i64,
    pub vectors: usize,
}

/// A collection that waits.
struct Waiting {
    told: DeletedCollection,
    reason: Option<String>,
    /// When the first of its vectors expires; `i64::MAX` if none does.
    next_due: i64,
    /// What was due could not be erased, and is not tried again before.
    next_try: i64,
    bin: Option<Arc<Collection>>,
    place: Place,
}

enum Place {
    Memory(Arc<Collection>),
    Disk(PathBuf),
}

/// The collections of a store that wait. On disk, none is put there, opened or removed but by who
/// keeps others from creating and removing collections.
#[derive(Default)]
pub(super) struct Shelf {
    disk: OnceLock<ShelfOnDisk>,
    all: Mutex<Vec<Waiting>>,
}

/// How what waits on disk is opened and erased.
pub(super) struct ShelfOnDisk {
    pub(super) files: Files,
    pub(super) parts: StoreParts,
    pub(super) changing: Arc<Mutex<()>>,
}

impl Waiting {
    /// Whether it can no longer be brought back, or something in it has expired.
    fn is_due(&self, now: i64) -> bool {
        now >= self.next_try && (now >= self.told.until || now >= self.next_due)
    }

    fn put_away(&mut self, collection: &Collection) -> Result<()> {
        let left = match self.place {
            Place::Memory(_) => collection.left(),
            Place::Disk(_) => collection.put_away()?,
        };
        (self.told.vectors, self.next_due) = (left.vectors, left.next_due);
        Ok(())
    }
}

impl Shelf {
    pub(super) fn is_of_disk(&self, disk: ShelfOnDisk) {
        let _ = self.disk.set(disk);
    }

    pub(super) fn bins(&self) -> Vec<Arc<Collection>> {
        let all = self.all.lock();
        all.iter().filter_map(|one| one.bin.clone()).collect()
    }

    /// Puts a collection away whose settings say that it was deleted for now. Nobody finds it by its
    /// name, or where a call still has it.
    pub(super) fn add(&self, collection: &Arc<Collection>, deleted: DeletedFor) -> Result<()> {
        Self::add_to(&mut self.all.lock(), collection, deleted)
    }

    fn add_to(
        all: &mut Vec<Waiting>,
        collection: &Arc<Collection>,
        deleted: DeletedFor,
    ) -> Result<()> {
        let bin = collection.bin();
        let (left, place) = match collection.directory() {
            Some(directory) => (collection.put_away()?, Place::Disk(directory)),
            None => {
                let moved = collection.move_out()?;
                (moved.left(), Place::Memory(moved))
            }
        };
        let DeletedFor {
            token,
            at,
            until,
            reason,
        } = deleted;
        all.push(Waiting {
            told: DeletedCollection {
                name: collection.name(),
                token,
                deleted_at: at,
                until,
                vectors: left.vectors,
            },
            reason,
            next_due: left.next_due,
            next_try: 0,
            bin,
            place,
        });
        Ok(())
    }

    /// Opens one that waits.
    fn open(&self, waiting: &Waiting) -> Result<Arc<Collection>> {
        match &waiting.place {
            Place::Memory(collection) => {
                collection.erase_all_expired()?;
                Ok(collection.clone())
            }
            Place::Disk(directory) => {
                let disk = self.disk.get();
                let disk = disk.ok_or_else(|| Error::Internal("a shelf without a disk".into()))?;
                let opened = Collection::open(&disk.files, directory, &disk.parts)?;
                if let Some(bin) = &waiting.bin {
                    opened.set_bin(bin.clone());
                }
                // With a ledger, opening leaves this to the store.
                opened.erase_all_expired()?;
                Ok(opened)
            }
        }
    }

    /// Opens each that waits and `is_meant`, calls `act` with all, and puts them away again.
    pub(super) fn with_all<T>(
        &self,
        is_meant: impl Fn(&DeletedCollection) -> bool,
        act: impl FnOnce(&[Arc<Collection>]) -> Result<T>,
    ) -> Result<T> {
        let mut all = self.all.lock();
        let mut opened = Vec::with_capacity(all.len());
        let mut meant = all.iter_mut().filter(|waiting| is_meant(&waiting.told));
        let done = meant.try_for_each(|waiting| {
            let collection = self.open(waiting)?;
            opened.push((waiting, collection));
            Ok(())
        });
        let collections: Vec<_> = opened.iter().map(|(_, one)| one.clone()).collect();
        let done = done.and_then(|()| act(&collections));
        let mut put_away = Ok(());
        for (waiting, collection) in opened {
            put_away = put_away.and(waiting.put_away(&collection));
        }
        let done = done?;
        put_away?;
        Ok(done)
    }

    /// Erases one, at this position. Returns the receipt if one was wanted.
    fn erase(
        &self,
        all: &mut Vec<Waiting>,
        at: usize,
        (call, reason): (&'static str, Option<&str>),
        receipt: bool,
    ) -> Result<(DeletedCollection, Option<Receipt>)> {
        let collection = self.open(&all[at])?;
        all[at].told.vectors = collection.left().vectors;
        let reason = reason.or(all[at].reason.as_deref());
        let dropped = match collection.drop_for(call, reason, receipt) {
            Ok(dropped) => dropped,
            Err(error) => {
                let _ = all[at].put_away(&collection);
                return Err(error);
            }
        };
        let waiting = all.swap_remove(at);
        let receipt = self.finish_dropping(&collection, &waiting.place, dropped)?;
        if let Some(bin) = waiting.bin {
            self.erase_bin(&bin, call)?;
        }
        Ok((waiting.told, receipt))
    }

    fn finish_dropping(
        &self,
        collection: &Collection,
        place: &Place,
        dropped: Dropped,
    ) -> Result<Option<Receipt>> {
        let disk = match (place, self.disk.get()) {
            (Place::Disk(directory), Some(disk)) => Some((disk, directory)),
            _ => None,
        };
        if disk.is_some() {
            collection.leave_files();
        }
        dropped.leave_files();
        if let Some((disk, directory)) = disk {
            remove(&disk.files, directory)?;
        }
        dropped.end(disk.is_some())
    }

    /// Erases the bin of a collection that is gone.
    pub(super) fn erase_bin(&self, bin: &Arc<Collection>, call: &'static str) -> Result<()> {
        let place = match bin.directory() {
            Some(directory) => Place::Disk(directory),
            None => Place::Memory(bin.clone()),
        };
        let dropped = bin.drop_for(call, None, false)?;
        self.finish_dropping(bin, &place, dropped).map(drop)
    }

    /// Erases what can no longer be brought back, and what has expired in the others.
    pub(super) fn erase_due(&self, clock: &Clock) -> Result<()> {
        let now = clock.now();
        if clock.is_paused() || !self.all.lock().iter().any(|one| one.is_due(now)) {
            return Ok(());
        }
        // Whoever creates or removes collections now has this looked at again soon.
        let disk = self.disk.get();
        let changing = disk.map(|disk| disk.changing.try_lock());
        if changing.as_ref().is_some_and(Option::is_none) {
            return Ok(());
        }
        let mut all = self.all.lock();
        let mut done = Ok(());
        for at in (0..all.len()).rev() {
            if !all[at].is_due(now) {
                continue;
            }
            all[at].next_try = now.saturating_add(PAUSE);
            let erased = match now >= all[at].told.until {
                true => self.erase(&mut all, at, ("expiry", None), false).map(drop),
                false => {
                    let opened = self.open(&all[at]);
                    opened.and_then(|collection| {
                        all[at].put_away(&collection)?;
                        all[at].next_try = 0;
                        Ok(())
                    })
                }
            };
            done = done.and(erased);
        }
        done
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.lock().is_empty()
    }

    fn list(&self, name: Option<&str>, now: i64) -> Vec<DeletedCollection> {
        let all = self.all.lock();
        let all = all.iter().map(|one| &one.told);
        let meant = all.filter(|one| one.until > now && name.is_none_or(|name| one.name == name));
        let mut list: Vec<_> = meant.cloned().collect();
        list.sort_by(|a, b| (a.deleted_at, &a.token).cmp(&(b.deleted_at, &b.token)));
        list
    }

    /// The position of the collection that had this name and was deleted with this token.
    fn position(all: &[Waiting], name: &str, token: &str, now: i64) -> Option<usize> {
        let is_meant = |one: &Waiting| {
            one.told.token == token && one.told.name == name && one.told.until > now
        };
        all.iter().position(is_meant)
    }
}

/// What waits.
#[derive(Debug)]
pub struct DeletedList {
    /// In the order in which they were deleted.
    pub collections: Vec<DeletedCollection>,
    /// The same; empty if no collection was named.
    pub vectors: Vec<crate::collection::Deleted>,
    /// How many vectors of the collection wait in all.
    pub total: usize,
}

/// What is brought back or erased for good.
#[derive(Debug, Clone)]
pub enum Which {
    Ids(Vec<String>),
    /// Whatever one call has deleted, be it vectors or the collection itself.
    Token(String),
}

/// What was brought back.
pub enum Undeleted {
    /// The collection itself.
    Collection(Arc<Collection>),
    Vectors(Box<Transferred>),
}

impl Call {
    /// What is to be deleted for now needs a bin: makes one if the collection has none. Does nothing
    /// without a period.
    pub fn make_bin(
        &self,
        access: Access,
        collection: &Arc<Collection>,
        period: Option<i64>,
    ) -> Result<()> {
        if period.is_none() || collection.bin().is_some() {
            return Ok(());
        }
        if access != Access::Wait {
            return Err(Error::WouldBlock);
        }
        let store = &self.using.store;
        let Some(disk) = &store.disk else {
            let timer = store.expiry.timer();
            collection.set_bin(Collection::bin_in_memory(collection.name(), timer));
            return Ok(());
        };
        let _changing = disk.change()?;
        if collection.bin().is_some() {
            return Ok(());
        }
        // It may have been deleted meanwhile.
        collection.is_empty()?;
        disk.check_place()?;
        collection.set_bin(disk.create_bin(collection, &store.expiry)?);
        Ok(())
    }

    /// Deletes a collection for now.
    pub fn delete_collection_for_now(
        &self,
        name: &str,
        period: i64,
        reason: Option<String>,
    ) -> Result<Undo> {
        let store = &self.using.store;
        let changing = store.disk.as_ref().map(|disk| disk.change()).transpose()?;
        let collection = self.collection(name)?;
        if let Some(disk) = &store.disk {
            disk.check_place()?;
        }
        let at = store.expiry.clock.now();
        let until = at.saturating_add(period).min(LATEST);
        let token = Uuid::now_v7().to_string();
        let deleted = DeletedFor {
            token: token.clone(),
            at,
            until,
            reason,
        };
        // It is in one of the two places for whoever looks at both.
        let shelf = &store.collections.shelf;
        let mut all = shelf.all.lock();
        collection.set_role(name, Role::Deleted(deleted.clone()))?;
        store.collections.take_out(name, &collection);
        Shelf::add_to(&mut all, &collection, deleted)?;
        drop((all, changing));
        // Somebody must erase it in time.
        store.expiry.begin();
        Ok(Undo { token, until })
    }

    /// What can be brought back: collections, all or those that had this name, and vectors of the
    /// collection that has it.
    pub fn list_deleted(
        &self,
        name: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<DeletedList> {
        let store = &self.using.store;
        let collections = store.collections.shelf.list(name, store.expiry.clock.now());
        let (vectors, total) = match name {
            None => (Vec::new(), 0),
            Some(name) => match self.collection(name) {
                // It was deleted itself.
                Err(Error::CollectionNotFound(_)) if !collections.is_empty() => (Vec::new(), 0),
                collection => collection?.list_deleted(offset, limit)?,
            },
        };
        Ok(DeletedList {
            collections,
            vectors,
            total,
        })
    }

    /// Brings back what was deleted for now. An id that is in use again, or that does not wait, is
    /// reported; a collection whose name is in use is an error.
    pub fn undelete(
        &self,
        name: &str,
        which: Which,
        on_progress: Option<OnProgress>,
    ) -> Result<Undeleted> {
        let ids = match which {
            Which::Ids(ids) => ids,
            Which::Token(token) => {
                if let Some(collection) = self.undelete_collection(name, &token)? {
                    return Ok(Undeleted::Collection(collection));
                }
                self.deleted_by(name, &token)?
            }
        };
        let collection = self.collection(name)?;
        if collection.bin().is_none() {
            let missing = ids.iter().map(|id| (Id::from(&**id), Fate::Missing));
            return Ok(Undeleted::Vectors(Box::new(Transferred {
                results: missing.collect(),
                applied: true,
                refusal: None,
                receipt: None,
            })));
        }
        let transfer = Transfer {
            selection: Selection::Ids(ids),
            moves: true,
            overwrite: false,
            dry_run: false,
            guards: Guards::default(),
            receipt: false,
            reason: None,
            on_progress,
        };
        let moving = Moving::out_of_bin(collection, transfer)?;
        let transferred = self.in_rounds(moving, true)?;
        Ok(Undeleted::Vectors(Box::new(transferred)))
    }

    /// The ids of what was deleted with this token, which must be known.
    fn deleted_by(&self, name: &str, token: &str) -> Result<Vec<String>> {
        let ids = self.collection(name)?.deleted_by(token)?;
        match ids.is_empty() {
            true => Err(Error::Validation(format!(
                "nothing that was deleted with the token {token:?} can be undeleted in '{name}': \
                 its time is over, it was undeleted or purged, or there never was any"
            ))),
            false => Ok(ids),
        }
    }

    /// `None` if no collection of this name waits that was deleted with this token.
    fn undelete_collection(&self, name: &str, token: &str) -> Result<Option<Arc<Collection>>> {
        let store = &self.using.store;
        let _changing = store.disk.as_ref().map(|disk| disk.change()).transpose()?;
        let shelf = &store.collections.shelf;
        let mut all = shelf.all.lock();
        let Some(at) = Shelf::position(&all, name, token, store.expiry.clock.now()) else {
            return Ok(None);
        };
        let taken = || Error::CollectionExists(name.to_owned());
        if store.collections.contains_key(name) {
            return Err(taken());
        }
        if let Some(disk) = &store.disk {
            disk.health.check()?;
            disk.check_place()?;
        }
        cancel::commit()?;
        let collection = shelf.open(&all[at])?;
        let before = collection.role();
        let named = collection.set_role(name, Role::Named).and_then(|()| {
            match store.collections.entry(name.to_owned()) {
                Entry::Vacant(entry) => drop(entry.insert(collection.clone())),
                // In memory, another has got the name meanwhile.
                Entry::Occupied(_) => return Err(taken()),
            }
            Ok(())
        });
        if let Err(error) = named {
            let back = collection.set_role(name, before);
            let _ = back.and_then(|()| all[at].put_away(&collection));
            return Err(error);
        }
        all.swap_remove(at);
        Ok(Some(collection))
    }

    /// Erases what waits before its time is over: all vectors of a collection, or what is selected.
    pub fn purge_deleted(
        &self,
        name: &str,
        which: Option<Which>,
        receipt: bool,
        reason: Option<&str>,
    ) -> Result<Purged> {
        let ids = match which {
            None => None,
            Some(Which::Ids(ids)) => Some(ids),
            Some(Which::Token(token)) => {
                if let Some(purged) = self.purge_collection(name, &token, receipt, reason)? {
                    return Ok(purged);
                }
                Some(self.deleted_by(name, &token)?)
            }
        };
        let collection = self.collection(name)?;
        if collection.bin().is_none() && !receipt {
            return Ok(Purged {
                vectors: 0,
                outcomes: vec![Outcome::Missing; ids.map_or(0, |ids| ids.len())],
                receipt: None,
            });
        }
        // A receipt for nothing is of a bin as well.
        self.make_bin(Access::Wait, &collection, Some(0))?;
        collection.purge(ids.as_deref(), receipt, reason)
    }

    fn purge_collection(
        &self,
        name: &str,
        token: &str,
        receipt: bool,
        reason: Option<&str>,
    ) -> Result<Option<Purged>> {
        let store = &self.using.store;
        let _changing = store.disk.as_ref().map(|disk| disk.change()).transpose()?;
        let shelf = &store.collections.shelf;
        let mut all = shelf.all.lock();
        let Some(at) = Shelf::position(&all, name, token, store.expiry.clock.now()) else {
            return Ok(None);
        };
        if let Some(disk) = &store.disk {
            disk.health.check()?;
            disk.check_place()?;
        }
        cancel::commit()?;
        let (told, receipt) = shelf.erase(&mut all, at, ("purgeDeleted", reason), receipt)?;
        Ok(Some(Purged {
            vectors: told.vectors,
            outcomes: Vec::new(),
            receipt,
        }))
    }
}
