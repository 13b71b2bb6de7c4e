//! Random operations on a store in memory, with and without undo, checked against a plain model.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use vectorizer_native::{
    client::{Call, Client, Fate, Forgetting, Options, Selection, Transfer, Undeleted, Which},
    clock::Clock,
    collection::{
        Batch, Collection, Config, DeleteOptions, Guards, Origin, Outcome, Places, ReplaceOptions,
        Replacement, Replacing, Undo, Update,
    },
    error::{Error, Result},
    filter,
    graph::HnswParams,
    vectors::Metric,
};

use crate::support::*;

const DIMENSION: usize = 4;
const START: i64 = 4_000_000_000_000;
const SECOND: i64 = 1000;
const NAMES: [&str; 3] = ["x", "y", "z"];
const IDS: u8 = 10;

type Name = &'static str;
/// For how many seconds what is deleted can be brought back; `None` for a final delete.
type Period = Option<i64>;

#[derive(Debug, Clone)]
enum Op {
    Create(Name),
    /// Ids, values, and in how many seconds they expire.
    Insert(Name, Vec<(u8, u8, Option<i64>)>),
    Data(Name, u8, u8),
    Metadata(Name, u8, u8),
    SetExpiry(Name, u8, Option<i64>),
    SetTtl(Name, Option<u32>),
    DeleteOne(Name, u8, Period),
    DeleteMany(Name, Vec<u8>, Period),
    DeleteMatching(Name, u8, Period),
    /// What has this tag, by these ids and values.
    Replace(Name, u8, Vec<(u8, u8)>, Period),
    Move(Name, Name, Vec<u8>, bool),
    Forget(Vec<u8>),
    ForgetMatching(u8),
    Undelete(Name, Vec<u8>),
    Purge(Name, Option<Vec<u8>>),
    /// By one of the tokens that there have been.
    UndeleteBy(Name, usize),
    PurgeBy(Name, usize),
    /// By one that there is, of a vector or a collection.
    UndeleteAny(usize),
    PurgeAny(usize),
    Rename(Name, Name),
    DeleteCollection(Name, Period),
    CleanUp,
    Advance(i64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let name = || prop::sample::select(&NAMES[..]);
    let id = || 0..IDS;
    let ids = || prop::collection::vec(id(), 0..8);
    let period = || prop_oneof![1 => Just(None), 3 => (1..100i64).prop_map(Some)];
    let rows = prop::collection::btree_map(id(), (any::<u8>(), seconds()), 1..8);
    let replaced = prop::collection::btree_map(id(), any::<u8>(), 0..4);
    let op = prop_oneof![
        3 => name().prop_map(Op::Create),
        8 => (name(), rows).prop_map(|(name, rows)| {
            let rows = rows.into_iter().map(|(id, (value, at))| (id, value, at));
            Op::Insert(name, rows.collect())
        }),
        1 => (name(), id(), any::<u8>()).prop_map(|(n, id, value)| Op::Data(n, id, value)),
        1 => (name(), id(), any::<u8>()).prop_map(|(n, id, value)| Op::Metadata(n, id, value)),
        2 => (name(), id(), seconds()).prop_map(|(n, id, at)| Op::SetExpiry(n, id, at)),
        1 => (name(), prop::option::of(1..200u32)).prop_map(|(n, ttl)| Op::SetTtl(n, ttl)),
        3 => (name(), id(), period()).prop_map(|(n, id, period)| Op::DeleteOne(n, id, period)),
        4 => (name(), ids(), period()).prop_map(|(n, ids, p)| Op::DeleteMany(n, ids, p)),
        2 => (name(), 0..4u8, period()).prop_map(|(n, tag, p)| Op::DeleteMatching(n, tag, p)),
        2 => (name(), 0..4u8, replaced, period()).prop_map(|(name, tag, rows, period)| {
            let rows = rows.into_iter().map(|(id, value)| (id, value / 4 * 4 + tag));
            Op::Replace(name, tag, rows.collect(), period)
        }),
        2 => (name(), name(), ids(), any::<bool>())
            .prop_map(|(from, to, ids, over)| Op::Move(from, to, ids, over)),
        1 => ids().prop_map(Op::Forget),
        1 => (0..4u8).prop_map(Op::ForgetMatching),
        4 => (name(), ids()).prop_map(|(n, ids)| Op::Undelete(n, ids)),
        1 => (name(), prop::option::of(ids())).prop_map(|(n, ids)| Op::Purge(n, ids)),
        1 => (name(), any::<usize>()).prop_map(|(n, at)| Op::UndeleteBy(n, at)),
        1 => (name(), any::<usize>()).prop_map(|(n, at)| Op::PurgeBy(n, at)),
        4 => any::<usize>().prop_map(Op::UndeleteAny),
        1 => any::<usize>().prop_map(Op::PurgeAny),
        1 => (name(), name()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (name(), period()).prop_map(|(n, period)| Op::DeleteCollection(n, period)),
        1 => Just(Op::CleanUp),
        4 => (0..40 * SECOND).prop_map(Op::Advance),
    ];
    prop::collection::vec(op, 1..60)
}

fn seconds() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![2 => Just(None), 1 => (-10..120i64).prop_map(Some)]
}

fn name_of(id: u8) -> String {
    format!("id{id}")
}

fn names_of(ids: &[u8]) -> Vec<String> {
    ids.iter().copied().map(name_of).collect()
}

fn row(value: u8) -> Vec<f32> {
    Random(u64::from(value)).vector(DIMENSION)
}

fn metadata(value: u8) -> String {
    format!("{{\"tag\":{},\"value\":{value}}}", value % 4)
}

/// Not every vector has one.
fn text(value: u8) -> Option<String> {
    (!value.is_multiple_of(3)).then(|| format!("text {value}"))
}

fn tagged(tag: u8) -> filter::Filter {
    filter::parse_text(&format!("{{\"tag\":{tag}}}")).unwrap()
}

/// A vector.
#[derive(Debug, Clone)]
struct Stored {
    id: u8,
    row: u8,
    /// Of its metadata, and of its text, which is that of the metadata that it had first.
    metadata: u8,
    text: u8,
    own: Option<i64>,
    inserted_at: i64,
}

/// A vector that waits.
#[derive(Debug, Clone)]
struct Waiting {
    stored: Stored,
    token: String,
    deleted_at: i64,
    until: i64,
}

#[derive(Debug, Clone, Default)]
struct Held {
    /// In the order of lists, as the next.
    stored: Vec<Stored>,
    bin: Vec<Waiting>,
    ttl: Option<u32>,
}

/// A collection that waits.
#[derive(Debug)]
struct Deleted {
    name: Name,
    token: String,
    deleted_at: i64,
    until: i64,
    held: Held,
}

#[derive(Default)]
struct Model {
    now: i64,
    named: BTreeMap<Name, Held>,
    deleted: Vec<Deleted>,
    /// All tokens that there have been.
    tokens: Vec<String>,
}

impl Held {
    fn instant(&self, stored: &Stored) -> Option<i64> {
        let by_ttl = |ttl| stored.inserted_at + i64::from(ttl) * SECOND;
        stored.own.or(self.ttl.map(by_ttl))
    }

    fn expire(&mut self, now: i64) {
        let this = self.clone();
        self.stored
            .retain(|stored| this.instant(stored).is_none_or(|at| at > now));
        self.bin.retain(|waiting| waiting.until > now);
    }

    fn get(&mut self, id: u8) -> Option<&mut Stored> {
        self.stored.iter_mut().find(|stored| stored.id == id)
    }

    fn has(&self, id: u8) -> bool {
        self.stored.iter().any(|stored| stored.id == id)
    }

    fn put(&mut self, new: Stored) {
        match self.get(new.id) {
            Some(old) => *old = new,
            None => self.stored.push(new),
        }
    }

    /// Takes out what is meant, in order.
    fn take(&mut self, is_meant: impl Fn(&Stored) -> bool) -> Vec<Stored> {
        self.stored
            .extract_if(.., |stored| is_meant(stored))
            .collect()
    }

    /// Puts in the bin what was deleted with this token.
    fn discard(&mut self, deleted: Vec<Stored>, now: i64, undo: &Undo) {
        for stored in deleted {
            let own = self.instant(&stored).unwrap_or(i64::MAX);
            self.bin.retain(|waiting| waiting.stored.id != stored.id);
            self.bin.push(Waiting {
                stored,
                token: undo.token.clone(),
                deleted_at: now,
                until: own.min(undo.until),
            });
        }
    }

    /// What becomes of ids that are purged.
    fn outcomes(&self, ids: &[u8]) -> Vec<Outcome> {
        let outcome = |(at, id): (usize, &u8)| {
            let first = ids.iter().position(|other| other == id);
            match self.bin.iter().any(|waiting| waiting.stored.id == *id) {
                false => Outcome::Missing,
                true if first == Some(at) => Outcome::Deleted,
                true => Outcome::Repeated(first.unwrap_or(at)),
            }
        };
        ids.iter().enumerate().map(outcome).collect()
    }

    /// The ids of what was deleted with this token.
    fn deleted_by(&self, token: &str) -> Vec<u8> {
        let meant = self.bin.iter().filter(|waiting| waiting.token == token);
        meant.map(|waiting| waiting.stored.id).collect()
    }

    fn undelete(&mut self, ids: &[u8]) -> Vec<Fate> {
        let waited = self.bin.clone();
        let fate = |(at, &id): (usize, &u8)| {
            let waiting = waited.iter().find(|waiting| waiting.stored.id == id);
            let Some(waiting) = waiting else {
                return Fate::Missing;
            };
            let first = ids.iter().position(|other| *other == id).unwrap();
            if first < at {
                return Fate::Repeated(first);
            }
            if self.has(id) {
                return Fate::Taken;
            }
            self.bin.retain(|waiting| waiting.stored.id != id);
            self.stored.push(waiting.stored.clone());
            Fate::Done
        };
        ids.iter().enumerate().map(fate).collect()
    }

    /// Takes out of the collection and of its bin what is meant, and counts it.
    fn forget(&mut self, is_meant: impl Fn(&Stored) -> bool) -> usize {
        let before = self.stored.len() + self.bin.len();
        self.stored.retain(|stored| !is_meant(stored));
        self.bin.retain(|waiting| !is_meant(&waiting.stored));
        before - self.stored.len() - self.bin.len()
    }
}

impl Model {
    fn expire(&mut self) {
        let now = self.now;
        self.named.values_mut().for_each(|held| held.expire(now));
        self.deleted.retain(|deleted| deleted.until > now);
        { self.deleted.iter_mut() }.for_each(|deleted| deleted.held.expire(now));
    }

    /// The position of the collection of this name that waits with this token.
    fn position(&self, name: &str, token: &str) -> Option<usize> {
        let is_meant = |one: &Deleted| one.name == name && one.token == token;
        self.deleted.iter().position(is_meant)
    }

    fn forget(&mut self, is_meant: impl Fn(&Stored) -> bool) -> usize {
        let waiting = self.deleted.iter_mut().map(|deleted| &mut deleted.held);
        let all = self.named.values_mut().chain(waiting);
        all.map(|held| held.forget(&is_meant)).sum()
    }

    /// The names and tokens of everything that waits.
    fn waiting(&self) -> Vec<(Name, String)> {
        let vectors = self.named.iter().flat_map(|(name, held)| {
            let tokens = held.bin.iter().map(|waiting| waiting.token.clone());
            tokens.map(|token| (*name, token))
        });
        let collections = self.deleted.iter();
        let collections = collections.map(|deleted| (deleted.name, deleted.token.clone()));
        vectors.chain(collections).collect()
    }
}

struct Run {
    clock: Clock,
    client: Client,
    model: Model,
}

type Checked = std::result::Result<(), TestCaseError>;

fn is_no_collection<T>(done: &Result<T>) -> bool {
    matches!(done, Err(Error::CollectionNotFound(_)))
}

fn is_invalid<T>(done: &Result<T>) -> bool {
    matches!(done, Err(Error::Validation(_)))
}

fn options(period: Period) -> DeleteOptions {
    DeleteOptions {
        undo: period.map(|seconds| seconds * SECOND),
        ..plain()
    }
}

impl Run {
    fn new() -> Self {
        let clock = Clock::manual(START);
        let client = Client::open(Options {
            clock: clock.clone(),
            ..Options::default()
        });
        let now = START;
        let model = Model {
            now,
            ..Model::default()
        };
        Self {
            clock,
            client,
            model,
        }
    }

    fn call(&self) -> Call {
        self.client.begin().unwrap()
    }

    /// The collection, with a bin if it needs one, and what the model has of it; `None` if neither
    /// has it.
    fn both(&mut self, name: Name, period: Period) -> Option<(Arc<Collection>, &mut Held)> {
        let call = self.call();
        let found = call.collection(name);
        let held = self.model.named.get_mut(name);
        assert_eq!(found.is_ok(), held.is_some(), "{name}");
        let collection = found.ok()?;
        call.make_bin(WAIT, &collection, period).unwrap();
        Some((collection, held?))
    }

    /// Notes what was deleted, if it was deleted with undo.
    fn deleted(
        &mut self,
        name: Name,
        (deleted, period): (Vec<Stored>, Period),
        undo: Option<Undo>,
    ) -> Checked {
        let now = self.model.now;
        let expected = period.filter(|_| !deleted.is_empty());
        let expected = expected.map(|seconds| now + seconds * SECOND);
        prop_assert_eq!(undo.as_ref().map(|undo| undo.until), expected);
        if let Some(undo) = undo {
            prop_assert!(!self.model.tokens.contains(&undo.token));
            let held = self.model.named.get_mut(name);
            held.unwrap().discard(deleted, now, &undo);
            self.model.tokens.push(undo.token);
        }
        Ok(())
    }

    fn apply(&mut self, op: &Op) -> Checked {
        let (call, now) = (self.call(), self.model.now);
        let at = |seconds: Option<i64>| seconds.map(|seconds| now + seconds * SECOND);
        match op {
            Op::Create(name) => {
                let created = call.create_collection(Config {
                    name: (*name).into(),
                    dimension: DIMENSION,
                    metric: Metric::Euclidean,
                    hnsw: HnswParams::default(),
                    description: None,
                });
                prop_assert_eq!(created.is_ok(), !self.model.named.contains_key(name));
                self.model.named.entry(name).or_default();
            }
            Op::Insert(name, rows) => {
                if let Some((collection, held)) = self.both(name, None) {
                    let values = || rows.iter().map(|(_, value, _)| *value);
                    let prepared = collection.prepare(Batch {
                        ids: rows.iter().map(|(id, ..)| Some(name_of(*id))).collect(),
                        data: values().flat_map(row).collect(),
                        lengths: vec![DIMENSION as u32],
                        metadata: values().map(|value| Some(metadata(value).into())).collect(),
                        texts: values().map(|value| text(value).map(Into::into)).collect(),
                        expires_at: rows.iter().map(|(.., seconds)| at(*seconds)).collect(),
                        ..Batch::default()
                    });
                    collection.insert(WAIT, &mut prepared.unwrap()).unwrap();
                    for &(id, value, seconds) in rows {
                        held.put(Stored {
                            id,
                            row: value,
                            metadata: value,
                            text: value,
                            own: at(seconds),
                            inserted_at: now,
                        });
                    }
                }
            }
            Op::Data(name, id, value) | Op::Metadata(name, id, value) => {
                let is_data = matches!(op, Op::Data(..));
                if let Some((collection, held)) = self.both(name, None) {
                    let update = Update {
                        data: is_data.then(|| row(*value)),
                        metadata: (!is_data).then(|| metadata(*value).into()),
                        ..Update::default()
                    };
                    let updated = collection.update(WAIT, &name_of(*id), &update);
                    prop_assert_eq!(updated.is_ok(), held.has(*id));
                    match held.get(*id) {
                        Some(stored) if is_data => stored.row = *value,
                        Some(stored) => stored.metadata = *value,
                        None => {}
                    }
                }
            }
            Op::SetExpiry(name, id, seconds) => {
                if let Some((collection, held)) = self.both(name, None) {
                    let done = collection.set_expiry(WAIT, &name_of(*id), at(*seconds));
                    prop_assert_eq!(done.is_ok(), held.has(*id));
                    if let Some(stored) = held.get(*id) {
                        stored.own = at(*seconds);
                    }
                }
            }
            Op::SetTtl(name, ttl) => {
                if let Some((collection, held)) = self.both(name, None) {
                    collection.set_ttl(WAIT, *ttl).unwrap();
                    held.ttl = *ttl;
                }
            }
            Op::DeleteOne(name, id, period) => {
                if let Some((collection, held)) = self.both(name, *period) {
                    let deleted = held.take(|stored| stored.id == *id);
                    let id = name_of(*id);
                    let undo = match period {
                        Some(_) => {
                            let undo = collection.delete_one_for_now(WAIT, &id, &options(*period));
                            undo.map(Some)
                        }
                        None => { collection.delete_one(WAIT, &id, &plain()) }.map(|_| None),
                    };
                    prop_assert_eq!(undo.is_ok(), !deleted.is_empty());
                    self.deleted(name, (deleted, *period), undo.unwrap_or(None))?;
                }
            }
            Op::DeleteMany(name, ids, period) => {
                if let Some((collection, held)) = self.both(name, *period) {
                    let deleted = held.take(|stored| ids.contains(&stored.id));
                    let done = collection.delete_many(WAIT, &names_of(ids), &options(*period));
                    let done = done.unwrap();
                    let count = { done.outcomes.iter() }
                        .filter(|outcome| **outcome == Outcome::Deleted)
                        .count();
                    prop_assert_eq!(count, deleted.len());
                    self.deleted(name, (deleted, *period), done.undo)?;
                }
            }
            Op::DeleteMatching(name, tag, period) => {
                if let Some((collection, held)) = self.both(name, *period) {
                    let deleted = held.take(|stored| stored.metadata % 4 == *tag);
                    let done = collection.delete_matching(&tagged(*tag), &options(*period));
                    let done = done.unwrap();
                    let matched: Vec<&str> = done.matched.iter().map(|id| &**id).collect();
                    let ids: Vec<u8> = deleted.iter().map(|stored| stored.id).collect();
                    prop_assert_eq!(matched, names_of(&ids));
                    self.deleted(name, (deleted, *period), done.undo)?;
                }
            }
            Op::Replace(name, tag, rows, period) => self.replace(name, *tag, rows, *period)?,
            Op::Move(from, to, ids, overwrite) => {
                let moved = call.transfer(
                    from,
                    to,
                    Transfer {
                        selection: Selection::Ids(names_of(ids)),
                        moves: true,
                        overwrite: *overwrite,
                        dry_run: false,
                        guards: Guards::default(),
                        receipt: false,
                        reason: None,
                        on_progress: None,
                    },
                );
                let has = |name| self.model.named.contains_key(name);
                prop_assert_eq!(moved.is_ok(), from != to && has(from) && has(to));
                if moved.is_ok() {
                    for &id in ids {
                        let is_taken = self.model.named[to].has(id) && !overwrite;
                        let source = self.model.named.get_mut(from).unwrap();
                        let moved = source.take(|stored| stored.id == id && !is_taken);
                        for stored in moved {
                            let destination = self.model.named.get_mut(to).unwrap();
                            destination.put(Stored {
                                inserted_at: now,
                                ..stored
                            });
                        }
                    }
                }
            }
            Op::Forget(ids) => {
                let done = self.forget(Selection::Ids(names_of(ids)));
                let count = self.model.forget(|stored| ids.contains(&stored.id));
                prop_assert_eq!(done, count);
            }
            Op::ForgetMatching(tag) => {
                let done = self.forget(Selection::Filter(tagged(*tag)));
                let count = self.model.forget(|stored| stored.metadata % 4 == *tag);
                prop_assert_eq!(done, count);
            }
            Op::Undelete(name, ids) => {
                let done = call.undelete(name, Which::Ids(names_of(ids)), None);
                match self.model.named.get_mut(name) {
                    Some(held) => undeleted(done, ids, &held.undelete(ids))?,
                    None => prop_assert!(is_no_collection(&done)),
                }
            }
            Op::Purge(name, ids) => {
                let which = ids.as_ref().map(|ids| Which::Ids(names_of(ids)));
                let done = call.purge_deleted(name, which, false, None);
                match self.model.named.get_mut(name) {
                    Some(held) => {
                        let ids = ids.as_ref();
                        let outcomes = ids.map(|ids| held.outcomes(ids));
                        let before = held.bin.len();
                        held.bin.retain(|waiting| {
                            ids.is_some_and(|ids| !ids.contains(&waiting.stored.id))
                        });
                        let done = done.unwrap();
                        prop_assert_eq!(done.vectors, before - held.bin.len());
                        prop_assert_eq!(done.outcomes, outcomes.unwrap_or_default());
                    }
                    None => prop_assert!(is_no_collection(&done)),
                }
            }
            Op::UndeleteBy(name, at) => {
                if let Some(token) = { self.model.tokens.iter() }.cycle().nth(at % 97) {
                    self.undelete_by(name, &token.clone())?;
                }
            }
            Op::PurgeBy(name, at) => {
                if let Some(token) = { self.model.tokens.iter() }.cycle().nth(at % 97) {
                    self.purge_by(name, &token.clone())?;
                }
            }
            Op::UndeleteAny(at) => {
                if let Some((name, token)) = self.model.waiting().iter().cycle().nth(at % 97) {
                    self.undelete_by(name, token)?;
                }
            }
            Op::PurgeAny(at) => {
                if let Some((name, token)) = self.model.waiting().iter().cycle().nth(at % 97) {
                    self.purge_by(name, token)?;
                }
            }
            Op::Rename(from, to) => {
                let done = call.rename_collection(from, to);
                let named = &mut self.model.named;
                let expected = named.contains_key(from) && (from == to || !named.contains_key(to));
                prop_assert_eq!(done.is_ok(), expected);
                if expected && let Some(held) = named.remove(from) {
                    named.insert(to, held);
                }
            }
            Op::DeleteCollection(name, None) => {
                let done = call.delete_collection(WAIT, name, false, None);
                prop_assert_eq!(done.is_ok(), self.model.named.remove(name).is_some());
            }
            Op::DeleteCollection(name, Some(seconds)) => {
                let done = call.delete_collection_for_now(name, seconds * SECOND, None);
                let held = self.model.named.remove(name);
                prop_assert_eq!(done.is_ok(), held.is_some());
                if let (Ok(undo), Some(held)) = (done, held) {
                    prop_assert_eq!(undo.until, now + seconds * SECOND);
                    self.model.tokens.push(undo.token.clone());
                    self.model.deleted.push(Deleted {
                        name,
                        token: undo.token,
                        deleted_at: now,
                        until: undo.until,
                        held,
                    });
                }
            }
            Op::CleanUp => {
                // One whose vectors have expired is not empty before they are erased.
                for collection in call.collections() {
                    collection.verify_erased(&[]).unwrap();
                }
                let is_empty = |held: &Held| held.stored.is_empty() && held.bin.is_empty();
                let empty = self.model.named.iter().filter(|(_, held)| is_empty(held));
                let empty: Vec<Name> = empty.map(|(name, _)| *name).collect();
                prop_assert_eq!(call.delete_empty_collections(false).unwrap(), empty);
                self.model.named.retain(|_, held| !is_empty(held));
            }
            Op::Advance(ms) => {
                self.clock.advance(*ms);
                self.model.now += ms;
            }
        }
        Ok(())
    }

    fn replace(&mut self, name: Name, tag: u8, rows: &[(u8, u8)], period: Period) -> Checked {
        let now = self.model.now;
        let Some((collection, held)) = self.both(name, period) else {
            return Ok(());
        };
        let values = || rows.iter().map(|(_, value)| *value);
        let done = collection.replace(Replacement {
            filter: tagged(tag),
            ids: rows.iter().map(|(id, _)| name_of(*id)).collect(),
            metadata: values().map(|value| Some(metadata(value).into())).collect(),
            texts: values().map(|value| text(value).map(Into::into)).collect(),
            expires_at: Vec::new(),
            origin: Origin::Given,
            data: values().flat_map(row).collect(),
            lengths: vec![DIMENSION as u32],
            places: Places::default(),
            options: ReplaceOptions {
                undo: period.map(|seconds| seconds * SECOND),
                ..ReplaceOptions::default()
            },
            on_progress: None,
        });
        let is_row = |id: u8| rows.iter().any(|(other, _)| *other == id);
        let matches = |stored: &Stored| stored.metadata % 4 == tag;
        if held
            .stored
            .iter()
            .any(|one| is_row(one.id) && !matches(one))
        {
            prop_assert!(is_invalid(&done));
            return Ok(());
        }
        let Replacing::Ended(replaced) = done.unwrap() else {
            return Err(TestCaseError::fail("every row has a vector"));
        };
        let deleted = held.take(|stored| matches(stored) && !is_row(stored.id));
        for &(id, value) in rows {
            let old = held.get(id).cloned();
            let is_same = |old: &Stored| {
                let text = text(old.text) == text(value);
                (old.row, old.metadata, text) == (value, value, true)
            };
            if !old.as_ref().is_some_and(is_same) {
                held.put(Stored {
                    id,
                    row: value,
                    metadata: value,
                    text: value,
                    own: old.and_then(|old| old.own),
                    inserted_at: now,
                });
            }
        }
        self.deleted(name, (deleted, period), replaced.undo)
    }

    /// Returns how many vectors were forgotten.
    fn forget(&self, selection: Selection) -> usize {
        let done = self.call().forget(Forgetting {
            selection,
            collections: None,
            dry_run: false,
            guards: Guards::default(),
            reason: None,
            on_progress: None,
        });
        let done = done.unwrap();
        let matched = done.collections.iter().map(|one| one.matched.len());
        matched.sum()
    }

    fn undelete_by(&mut self, name: Name, token: &str) -> Checked {
        let done = self.call().undelete(name, Which::Token(token.into()), None);
        let is_taken = self.model.named.contains_key(name);
        if let Some(at) = self.model.position(name, token) {
            if is_taken {
                let exists = matches!(done, Err(Error::CollectionExists(_)));
                prop_assert!(exists);
                return Ok(());
            }
            prop_assert!(matches!(done, Ok(Undeleted::Collection(_))));
            let deleted = self.model.deleted.remove(at);
            self.model.named.insert(name, deleted.held);
            return Ok(());
        }
        let Some(held) = self.model.named.get_mut(name) else {
            prop_assert!(is_no_collection(&done));
            return Ok(());
        };
        let ids = held.deleted_by(token);
        if ids.is_empty() {
            prop_assert!(is_invalid(&done));
            return Ok(());
        }
        undeleted(done, &ids, &held.undelete(&ids))
    }

    fn purge_by(&mut self, name: Name, token: &str) -> Checked {
        let which = Some(Which::Token(token.into()));
        let done = self.call().purge_deleted(name, which, false, None);
        if let Some(at) = self.model.position(name, token) {
            let deleted = self.model.deleted.remove(at);
            prop_assert_eq!(done.unwrap().vectors, deleted.held.stored.len());
            return Ok(());
        }
        let Some(held) = self.model.named.get_mut(name) else {
            prop_assert!(is_no_collection(&done));
            return Ok(());
        };
        let ids = held.deleted_by(token);
        if ids.is_empty() {
            prop_assert!(is_invalid(&done));
            return Ok(());
        }
        held.bin.retain(|waiting| waiting.token != token);
        prop_assert_eq!(done.unwrap().vectors, ids.len());
        Ok(())
    }

    /// Everything that is read equals the model's.
    fn check(&self) -> Checked {
        let call = self.call();
        let names: Vec<String> = call.collections().iter().map(|one| one.name()).collect();
        let expected: Vec<Name> = self.model.named.keys().copied().collect();
        prop_assert_eq!(names, expected);
        for name in NAMES {
            let waiting = self.model.deleted.iter().filter(|one| one.name == name);
            let waiting: Vec<&Deleted> = waiting.collect();
            let listed = call.list_deleted(Some(name), 0, 100);
            let Some(held) = self.model.named.get(name) else {
                match listed {
                    Err(_) => prop_assert!(is_no_collection(&listed) && waiting.is_empty()),
                    Ok(listed) => {
                        prop_assert!(!waiting.is_empty() && listed.vectors.is_empty());
                        same_collections(&listed.collections, &waiting)?;
                    }
                }
                continue;
            };
            let listed = listed.unwrap();
            same_collections(&listed.collections, &waiting)?;
            prop_assert_eq!(
                (listed.total, listed.vectors.len()),
                (held.bin.len(), held.bin.len())
            );
            for (one, waiting) in listed.vectors.iter().zip(&held.bin) {
                prop_assert_eq!(&*one.id, name_of(waiting.stored.id));
                let metadata = metadata(waiting.stored.metadata);
                prop_assert_eq!(one.metadata.as_deref(), Some(&*metadata));
                prop_assert_eq!(&one.token, &waiting.token);
                let times = (waiting.deleted_at, waiting.until);
                prop_assert_eq!((one.deleted_at, one.until), times);
            }
            check_reads(&call.collection(name).unwrap(), held)?;
        }
        let listed = call.list_deleted(None, 0, 100).unwrap();
        let all: Vec<&Deleted> = self.model.deleted.iter().collect();
        same_collections(&listed.collections, &all)
    }

    /// Whatever is neither there nor waits has left nothing.
    fn check_erased(&self) -> Checked {
        let all: Vec<u8> = (0..IDS).collect();
        for (name, held) in &self.model.named {
            let collection = self.call().collection(name).unwrap();
            let left = collection.verify_erased(&names_of(&all)).unwrap();
            let mut left: Vec<_> = left.into_iter().filter_map(|residue| residue.id).collect();
            let waiting = held.bin.iter().map(|waiting| waiting.stored.id);
            let stored = held.stored.iter().map(|stored| stored.id);
            let mut expected = names_of(&stored.chain(waiting).collect::<Vec<u8>>());
            left.sort();
            expected.sort();
            prop_assert_eq!(left, expected, "{}", name);
        }
        Ok(())
    }
}

fn undeleted(done: Result<Undeleted>, ids: &[u8], fates: &[Fate]) -> Checked {
    let Ok(Undeleted::Vectors(done)) = done else {
        return Err(TestCaseError::fail("no vectors are undeleted"));
    };
    let results = done
        .results
        .iter()
        .map(|(id, fate)| (id.to_string(), *fate));
    let expected = ids
        .iter()
        .zip(fates)
        .map(|(id, fate)| (name_of(*id), *fate));
    prop_assert!(results.eq(expected), "{:?}, not {:?}", done.results, fates);
    Ok(())
}

fn same_collections(
    listed: &[vectorizer_native::client::DeletedCollection],
    expected: &[&Deleted],
) -> Checked {
    prop_assert_eq!(listed.len(), expected.len());
    for (one, expected) in listed.iter().zip(expected) {
        prop_assert_eq!((&*one.name, &one.token), (expected.name, &expected.token));
        let times = (expected.deleted_at, expected.until);
        prop_assert_eq!((one.deleted_at, one.until), times);
    }
    Ok(())
}

fn check_reads(collection: &Collection, held: &Held) -> Checked {
    let page = collection.list(0, usize::MAX).unwrap();
    prop_assert_eq!(page.total, held.stored.len());
    let ids: Vec<u8> = held.stored.iter().map(|stored| stored.id).collect();
    let listed: Vec<&str> = page.vectors.iter().map(|item| &*item.id).collect();
    prop_assert_eq!(listed, names_of(&ids));
    for (item, stored) in page.vectors.iter().zip(&held.stored) {
        prop_assert_eq!(item.data.as_ref(), Some(&row(stored.row)));
        let metadata = metadata(stored.metadata);
        prop_assert_eq!(item.metadata.as_deref(), Some(&*metadata));
        let text = text(stored.text);
        prop_assert_eq!(item.text.as_deref(), text.as_deref());
        prop_assert_eq!(item.expires_at, held.instant(stored));
    }
    for id in 0..IDS {
        let found = collection.get(WAIT, &name_of(id));
        prop_assert_eq!(found.is_ok(), held.has(id));
    }
    for tag in 0..4 {
        let count = collection.count(WAIT, Some(&tagged(tag))).unwrap();
        let tagged = held.stored.iter().filter(|one| one.metadata % 4 == tag);
        prop_assert_eq!(count, tagged.count());
    }
    let found = search(collection, &row(7), usize::from(IDS) + 1);
    prop_assert_eq!(found.len(), held.stored.len());
    let info = collection.info(WAIT).unwrap();
    prop_assert_eq!(
        (info.vectors, info.undoable),
        (held.stored.len(), held.bin.len())
    );
    prop_assert_eq!(info.ttl, held.ttl);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 200,
        ..Default::default()
    })]

    #[test]
    fn a_store_is_what_was_done_to_it_and_undone(ops in ops()) {
        let mut run = Run::new();
        for name in NAMES {
            run.apply(&Op::Create(name))?;
        }
        for op in &ops {
            run.apply(op)?;
            run.model.expire();
            run.check()?;
        }
        run.check_erased()?;
    }
}
