//! What is deleted with undo is gone from every read, and can be brought back until its time is over.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use vectorizer_native::{
    client::{
        Call, Client, DeletedList, Fate, Forgetting, Forgotten, Options, Selection, Transfer,
        Undeleted, Which,
    },
    clock::{Clock, LATEST},
    collection::{
        Batch, Collection, Config, DeleteOptions, Guard, Guards, Item, Origin, Outcome, Places,
        Purged, ReplaceOptions, Replaced, Replacement, Replacing, ScanOptions, Undo, Update,
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
const HOUR: i64 = 3600 * SECOND;

/// A store in memory, and the clock by which it goes.
struct Place {
    clock: Clock,
    client: Client,
}

impl Place {
    /// With these collections.
    fn new(names: &[&str]) -> Self {
        let clock = Clock::manual(START);
        let client = Client::open(Options {
            clock: clock.clone(),
            ..Options::default()
        });
        let place = Self { clock, client };
        for name in names {
            place.create(name);
        }
        place
    }

    fn call(&self) -> Call {
        self.client.begin().unwrap()
    }

    fn create(&self, name: &str) -> Arc<Collection> {
        self.try_create(name).unwrap()
    }

    fn try_create(&self, name: &str) -> Result<Arc<Collection>> {
        self.call().create_collection(Config {
            name: name.into(),
            dimension: DIMENSION,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
            description: None,
        })
    }

    fn at(&self, name: &str) -> Arc<Collection> {
        self.call().collection(name).unwrap()
    }

    /// The collection, which has a bin.
    fn binned(&self, name: &str) -> Arc<Collection> {
        let collection = self.at(name);
        self.call().make_bin(WAIT, &collection, Some(0)).unwrap();
        collection
    }

    fn put(&self, name: &str, ids: &[&str]) {
        for id in ids {
            put(&self.at(name), &[(id, value(id), None)]);
        }
    }

    fn try_delete(&self, name: &str, ids: &[&str], period: i64) -> Result<Option<Undo>> {
        let options = with_undo(period);
        let done = self.binned(name).delete_many(WAIT, &owned(ids), &options)?;
        Ok(done.undo)
    }

    fn delete(&self, name: &str, ids: &[&str], period: i64) -> Undo {
        self.try_delete(name, ids, period).unwrap().unwrap()
    }

    fn delete_collection(&self, name: &str, period: i64) -> Undo {
        let call = self.call();
        call.delete_collection_for_now(name, period, None).unwrap()
    }

    fn listed(&self, name: &str) -> DeletedList {
        self.call().list_deleted(Some(name), 0, 1000).unwrap()
    }

    /// The ids that wait, in the order in which they are listed.
    fn waiting(&self, name: &str) -> Vec<String> {
        let listed = self.listed(name);
        assert_eq!(listed.total, listed.vectors.len());
        let info = self.at(name).info(WAIT).unwrap();
        assert_eq!(info.undoable, listed.total);
        let ids = listed.vectors.iter().map(|deleted| deleted.id.to_string());
        ids.collect()
    }

    fn undelete(&self, name: &str, which: Which) -> Result<Undeleted> {
        self.call().undelete(name, which, None)
    }

    fn undelete_ids(&self, name: &str, ids: &[&str]) -> Vec<(String, Fate)> {
        fates(self.undelete(name, Which::Ids(owned(ids))).unwrap())
    }

    fn undelete_by(&self, name: &str, token: &str) -> Vec<(String, Fate)> {
        fates(self.undelete(name, by(token)).unwrap())
    }

    fn undelete_collection(&self, name: &str, token: &str) -> Arc<Collection> {
        match self.undelete(name, by(token)).unwrap() {
            Undeleted::Collection(collection) => collection,
            Undeleted::Vectors(_) => panic!("'{name}' is not a collection that waits"),
        }
    }

    fn purge(&self, name: &str, which: Option<Which>) -> Result<Purged> {
        self.call().purge_deleted(name, which, false, None)
    }

    /// How many vectors were purged, and what became of the ids.
    fn purge_vectors(&self, name: &str, which: Option<Which>) -> (usize, Vec<Outcome>) {
        let purged = self.purge(name, which).unwrap();
        assert_eq!(purged.receipt, None);
        (purged.vectors, purged.outcomes)
    }

    fn forget(&self, selection: Selection, dry_run: bool) -> Result<Forgotten> {
        self.call().forget(Forgetting {
            selection,
            collections: None,
            dry_run,
            guards: Guards::default(),
            reason: None,
            on_progress: None,
        })
    }

    fn names(&self) -> Vec<String> {
        let all = self.call().collections();
        all.iter().map(|one| one.name()).collect()
    }

    /// The names of the collections that wait.
    fn names_waiting(&self) -> Vec<String> {
        let listed = self.call().list_deleted(None, 0, 1000).unwrap();
        assert!(listed.vectors.is_empty() && listed.total == 0);
        listed.collections.into_iter().map(|one| one.name).collect()
    }
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

fn by(token: &str) -> Which {
    Which::Token(token.to_owned())
}

fn with_undo(period: i64) -> DeleteOptions {
    DeleteOptions {
        undo: Some(period),
        ..plain()
    }
}

fn fates(undeleted: Undeleted) -> Vec<(String, Fate)> {
    let Undeleted::Vectors(undeleted) = undeleted else {
        panic!("a collection was undeleted");
    };
    assert!(undeleted.applied);
    let results = undeleted.results.into_iter();
    results.map(|(id, fate)| (id.to_string(), fate)).collect()
}

fn fated(all: &[(&str, Fate)]) -> Vec<(String, Fate)> {
    let all = all.iter();
    all.map(|&(id, fate)| (id.to_owned(), fate)).collect()
}

/// The value of a vector that needs none in particular.
fn value(id: &str) -> u8 {
    id.bytes().fold(0, u8::wrapping_add)
}

fn row(value: u8) -> Vec<f32> {
    Random(u64::from(value)).vector(DIMENSION)
}

fn metadata(value: u8) -> String {
    format!("{{\"tag\":{},\"value\":{value}}}", value % 4)
}

fn text(value: u8) -> String {
    format!("text {value}")
}

/// Puts vectors with these values and expiries.
fn put(collection: &Arc<Collection>, rows: &[(&str, u8, Option<i64>)]) {
    let prepared = collection.prepare(Batch {
        ids: rows.iter().map(|(id, ..)| Some((*id).into())).collect(),
        data: rows.iter().flat_map(|(_, value, _)| row(*value)).collect(),
        lengths: vec![DIMENSION as u32],
        metadata: { rows.iter() }
            .map(|(_, value, _)| Some(metadata(*value).into()))
            .collect(),
        texts: { rows.iter() }
            .map(|(_, value, _)| Some(text(*value).into()))
            .collect(),
        expires_at: rows.iter().map(|(.., at)| *at).collect(),
        ..Batch::default()
    });
    collection.insert(WAIT, &mut prepared.unwrap()).unwrap();
}

fn items(collection: &Collection) -> Vec<Item> {
    collection.list(0, usize::MAX).unwrap().vectors
}

fn ids(collection: &Collection) -> Vec<String> {
    let all = items(collection).into_iter();
    all.map(|item| item.id.to_string()).collect()
}

fn tagged(tag: u8) -> filter::Filter {
    filter::parse_text(&format!("{{\"tag\":{tag}}}")).unwrap()
}

fn is_missing<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::VectorNotFound { .. }))
}

fn is_unknown<T>(outcome: Result<T>) -> bool {
    matches!(outcome, Err(Error::Validation(why)) if why.contains("with the token"))
}

fn is_no_collection<T>(outcome: Result<T>) -> bool {
    matches!(outcome, Err(Error::CollectionNotFound(_)))
}

fn replacement(tag: u8, rows: &[(&str, u8)], options: ReplaceOptions) -> Replacement {
    Replacement {
        filter: tagged(tag),
        ids: rows.iter().map(|(id, _)| (*id).into()).collect(),
        metadata: { rows.iter() }
            .map(|(_, value)| Some(metadata(*value).into()))
            .collect(),
        texts: { rows.iter() }
            .map(|(_, value)| Some(text(*value).into()))
            .collect(),
        expires_at: Vec::new(),
        origin: Origin::Given,
        data: rows.iter().flat_map(|(_, value)| row(*value)).collect(),
        lengths: vec![DIMENSION as u32],
        places: Places::default(),
        options,
        on_progress: None,
    }
}

fn replace(
    collection: &Arc<Collection>,
    (tag, rows): (u8, &[(&str, u8)]),
    options: ReplaceOptions,
) -> Replaced {
    match collection.replace(replacement(tag, rows, options)).unwrap() {
        Replacing::Ended(replaced) => *replaced,
        Replacing::Needs(_) => panic!("every row has a vector"),
    }
}

/// Deletes the vectors with tag 1, which are `b` and `c`, for an hour.
type Delete = fn(&Arc<Collection>) -> Undo;

const DELETES: [Delete; 3] = [
    |collection| {
        let done = collection.delete_many(WAIT, &owned(&["c", "b"]), &with_undo(HOUR));
        done.unwrap().undo.unwrap()
    },
    |collection| {
        let done = collection.delete_matching(&tagged(1), &with_undo(HOUR));
        done.unwrap().undo.unwrap()
    },
    |collection| {
        let options = ReplaceOptions {
            undo: Some(HOUR),
            ..ReplaceOptions::default()
        };
        replace(collection, (1, &[]), options).undo.unwrap()
    },
];

/// `a` to `d`, of which `b` and `c` have tag 1.
fn four(place: &Place) -> Arc<Collection> {
    let collection = place.binned("x");
    let rows = [
        ("a", 4, None),
        ("b", 5, Some(START + 9 * HOUR)),
        ("c", 9, None),
        ("d", 6, None),
    ];
    put(&collection, &rows);
    collection
}

#[test]
fn what_is_deleted_with_undo_is_in_no_read_and_comes_back_as_it_was() {
    for delete in DELETES {
        let place = Place::new(&["x"]);
        let collection = four(&place);
        let before = items(&collection);
        place.clock.advance(7);
        let undo = delete(&collection);
        assert_eq!(undo.until, START + 7 + HOUR);
        assert_eq!(ids(&collection), ["a", "d"]);
        for id in ["b", "c"] {
            assert!(is_missing(&collection.get(WAIT, id)));
            let updated = collection.update(WAIT, id, &Update::default());
            assert!(is_missing(&updated));
            assert!(is_missing(&collection.delete_one(WAIT, id, &plain())));
        }
        assert_eq!(collection.count(WAIT, None).unwrap(), 2);
        assert_eq!(collection.count(WAIT, Some(&tagged(1))).unwrap(), 0);
        assert_eq!(search(&collection, &row(5), 10).len(), 2);
        assert_eq!(walk(&collection, &row(5), 10).len(), 2);
        let scanned = collection.scan(&ScanOptions {
            cursor: None,
            limit: 10,
            filter: None,
            with_vector: false,
            with_metadata: false,
        });
        assert_eq!(scanned.unwrap().vectors.len(), 2);
        let info = collection.info(WAIT).unwrap();
        assert_eq!((info.vectors, info.undoable), (2, 2));

        let listed = place.listed("x");
        assert!(listed.collections.is_empty());
        assert_eq!(listed.total, 2);
        for (deleted, item) in listed.vectors.iter().zip(&before[1..3]) {
            assert_eq!(deleted.id, item.id);
            assert_eq!(deleted.metadata.as_deref(), item.metadata.as_deref());
            assert_eq!(deleted.token, undo.token);
            assert_eq!((deleted.deleted_at, deleted.until), (START + 7, undo.until));
        }

        place.clock.advance(HOUR - 1);
        let undeleted = place.undelete_by("x", &undo.token);
        assert_eq!(undeleted, fated(&[("b", Fate::Done), ("c", Fate::Done)]));
        let order = [&before[0], &before[3], &before[1], &before[2]];
        assert_eq!(items(&collection), order.map(Clone::clone));
        assert_eq!(collection.count(WAIT, Some(&tagged(1))).unwrap(), 2);
        assert_eq!(search(&collection, &row(5), 1)[0].id, before[1].id);
        assert_eq!(place.waiting("x"), [""; 0]);
        assert!(is_unknown(place.undelete("x", by(&undo.token))));
    }
}

#[test]
fn one_vector_is_deleted_with_undo() {
    let place = Place::new(&["x"]);
    let collection = four(&place);
    let undo = collection.delete_one_for_now(WAIT, "b", &with_undo(SECOND));
    assert_eq!(undo.as_ref().unwrap().until, START + SECOND);
    assert_eq!(place.waiting("x"), ["b"]);
    let again = collection.delete_one_for_now(WAIT, "b", &with_undo(SECOND));
    assert!(is_missing(&again));
    assert_eq!(place.waiting("x"), ["b"]);
    place.undelete_by("x", &undo.unwrap().token);
    assert_eq!(ids(&collection), ["a", "c", "d", "b"]);
}

#[test]
fn values_metadata_and_texts_come_back_bit_for_bit() {
    let place = Place::new(&[]);
    for metric in [Metric::Euclidean, Metric::Cosine, Metric::DotProduct] {
        for dimension in [1, 2, 3, 300] {
            let name = format!("{}-{dimension}", metric.name());
            let collection = place.call().create_collection(Config {
                name: name.clone(),
                dimension,
                metric,
                hnsw: HnswParams::default(),
                description: None,
            });
            let collection = collection.unwrap();
            let odd = [-0.0, f32::MIN_POSITIVE / 8.0, 1e30, -1.0, 0.1];
            let all = (0..dimension).map(|i| odd[(i + 1) % odd.len()]);
            let long = format!("{{\"a\":\"{}\"}}", "0,1,2\\n\u{1f600}".repeat(500));
            let cases: [(Option<&str>, Option<&str>); 6] = [
                (None, None),
                (Some("{}"), Some("")),
                (None, Some("\n\n5,6\nAAAA")),
                (Some("{\"a\":\n\"\u{0}\u{e9}\"}"), None),
                (Some(&long), Some(&long)),
                (Some("{ \"b\" : 1e2 }"), Some("\u{1f600}")),
            ];
            let cases = cases.map(|(metadata, text)| {
                // What is not the text of a JSON object is no metadata.
                (metadata.filter(|text| !text.contains('\u{0}')), text)
            });
            let prepared = collection.prepare(Batch {
                ids: (0..cases.len()).map(|n| Some(n.to_string())).collect(),
                data: cases.iter().flat_map(|_| all.clone()).collect(),
                lengths: vec![dimension as u32],
                metadata: cases.iter().map(|one| one.0.map(Box::from)).collect(),
                texts: cases.iter().map(|one| one.1.map(Box::from)).collect(),
                ..Batch::default()
            });
            collection.insert(WAIT, &mut prepared.unwrap()).unwrap();
            let before = items(&collection);
            let all = before.iter().map(|item| item.id.to_string());
            let all: Vec<String> = all.collect();
            place.call().make_bin(WAIT, &collection, Some(0)).unwrap();
            let done = collection.delete_many(WAIT, &all, &with_undo(HOUR));
            place.undelete_by(&name, &done.unwrap().undo.unwrap().token);
            let bits = |items: &[Item]| {
                let values = items.iter().flat_map(|item| item.data.clone().unwrap());
                values.map(f32::to_bits).collect::<Vec<_>>()
            };
            let after = items(&collection);
            assert_eq!(bits(&after), bits(&before));
            assert_eq!(after, before);
        }
    }
}

#[test]
fn a_delete_without_undo_is_final() {
    let place = Place::new(&["x"]);
    let collection = four(&place);
    let done = collection.delete_many(WAIT, &owned(&["a"]), &plain());
    assert_eq!(done.unwrap().undo, None);
    let done = collection.delete_matching(&tagged(1), &plain());
    assert_eq!(done.unwrap().undo, None);
    let replaced = replace(&collection, (2, &[]), ReplaceOptions::default());
    assert_eq!((replaced.deleted.len(), replaced.undo), (1, None));
    assert_eq!(place.waiting("x"), [""; 0]);
    let missing = ["a", "b", "c", "d"].map(|id| (id, Fate::Missing));
    assert_eq!(
        place.undelete_ids("x", &["a", "b", "c", "d"]),
        fated(&missing)
    );
    let call = place.call();
    call.delete_collection(WAIT, "x", false, None).unwrap();
    assert_eq!(place.names_waiting(), [""; 0]);
}

#[test]
fn what_a_guard_prevents_or_a_dry_run_shows_does_not_wait() {
    let place = Place::new(&["x"]);
    let collection = four(&place);
    let guards = Guards {
        at_most: Some(1),
        expect: None,
    };
    let options = DeleteOptions {
        guards,
        ..with_undo(HOUR)
    };
    let done = collection.delete_many(WAIT, &owned(&["b", "c"]), &options);
    let done = done.unwrap();
    assert_eq!(done.refusal.unwrap().guard, Guard::AtMost(1));
    assert_eq!(done.undo, None);
    let done = collection.delete_matching(&tagged(1), &options).unwrap();
    assert!(done.refusal.is_some() && done.undo.is_none());
    let dry_run = DeleteOptions {
        dry_run: true,
        ..with_undo(HOUR)
    };
    let done = collection.delete_matching(&tagged(1), &dry_run).unwrap();
    assert_eq!((done.matched.len(), done.undo), (2, None));
    for (guards, dry_run) in [(guards, false), (Guards::default(), true)] {
        let options = ReplaceOptions {
            undo: Some(HOUR),
            dry_run,
            guards,
            ..ReplaceOptions::default()
        };
        let replaced = replace(&collection, (1, &[]), options);
        assert_eq!((replaced.applied, replaced.undo), (false, None));
    }
    assert_eq!(place.waiting("x"), [""; 0]);
    assert_eq!(ids(&collection), ["a", "b", "c", "d"]);
    // Nor does what is not there.
    let done = collection.delete_many(WAIT, &owned(&["e", "f"]), &with_undo(HOUR));
    assert_eq!(done.unwrap().undo, None);
    let done = collection.delete_matching(&tagged(3), &with_undo(HOUR));
    assert_eq!(done.unwrap().undo, None);
    assert_eq!(place.waiting("x"), [""; 0]);
    // What a guard lets pass does.
    let options = DeleteOptions {
        guards: Guards {
            at_most: Some(2),
            expect: Some(2),
        },
        ..with_undo(HOUR)
    };
    let done = collection.delete_matching(&tagged(1), &options).unwrap();
    assert!(done.refusal.is_none() && done.undo.is_some());
    assert_eq!(place.waiting("x"), ["b", "c"]);
}

#[test]
fn of_a_batch_each_id_that_is_there_waits_once() {
    let place = Place::new(&["x"]);
    let collection = four(&place);
    let named = owned(&["d", "nobody", "a", "d"]);
    let done = collection.delete_many(WAIT, &named, &with_undo(HOUR));
    let expected = [
        Outcome::Deleted,
        Outcome::Missing,
        Outcome::Deleted,
        Outcome::Repeated(0),
    ];
    assert_eq!(done.unwrap().outcomes, expected);
    assert_eq!(place.waiting("x"), ["a", "d"]);
}

#[test]
fn of_a_replacement_what_is_deleted_waits_and_not_what_is_updated() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    put(
        &collection,
        &[
            ("a", 1, None),
            ("b", 5, None),
            ("c", 9, None),
            ("d", 13, None),
        ],
    );
    let options = || ReplaceOptions {
        undo: Some(HOUR),
        ..ReplaceOptions::default()
    };
    let rows = [("a", 1), ("b", 17), ("e", 21)];
    let replaced = replace(&collection, (1, &rows), options());
    assert_eq!((replaced.unchanged, replaced.updated.len()), (1, 1));
    assert_eq!(ids(&collection), ["a", "b", "e"]);
    assert_eq!(place.waiting("x"), ["c", "d"]);
    let token = replaced.undo.unwrap().token;
    let listed = place.listed("x").vectors;
    assert!(listed.iter().all(|deleted| deleted.token == token));
    // Without anything to delete, there is nothing to undo.
    assert_eq!(replace(&collection, (1, &rows), options()).undo, None);
    place.undelete_by("x", &token);
    assert_eq!(ids(&collection), ["a", "b", "e", "c", "d"]);
    assert_eq!(collection.get(WAIT, "b").unwrap().data, Some(row(17)));
}

#[test]
fn an_id_waits_once_deleting_it_again_with_undo_erases_the_copy_that_waited() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    put(&collection, &[("a", 1, None), ("b", 2, None)]);
    let first = place.delete("x", &["a"], 9 * HOUR);
    place.clock.advance(1);
    let both = place.delete("x", &["b"], HOUR);
    assert_eq!(place.waiting("x"), ["a", "b"]);
    put(&collection, &[("a", 3, None)]);
    place.clock.advance(1);
    let second = place.delete("x", &["a"], HOUR);
    // It was deleted last.
    assert_eq!(place.waiting("x"), ["b", "a"]);
    assert_eq!(place.listed("x").vectors[1].until, START + 2 + HOUR);
    assert!(is_unknown(place.undelete("x", by(&first.token))));
    assert_eq!(place.waiting("x"), ["b", "a"]);
    let undeleted = place.undelete_by("x", &second.token);
    assert_eq!(undeleted, fated(&[("a", Fate::Done)]));
    assert_eq!(collection.get(WAIT, "a").unwrap().data, Some(row(3)));
    place.undelete_by("x", &both.token);
    assert_eq!(ids(&collection), ["a", "b"]);
}

#[test]
fn of_what_one_call_has_deleted_some_may_be_deleted_again_or_brought_back_alone() {
    let place = Place::new(&["x"]);
    place.put("x", &["a", "b", "c", "d"]);
    let first = place.delete("x", &["a", "b", "c", "d"], HOUR);
    place.put("x", &["c"]);
    let second = place.delete("x", &["c"], HOUR);
    let undeleted = place.undelete_ids("x", &["a"]);
    assert_eq!(undeleted, fated(&[("a", Fate::Done)]));
    let undeleted = place.undelete_by("x", &first.token);
    assert_eq!(undeleted, fated(&[("b", Fate::Done), ("d", Fate::Done)]));
    assert_eq!(ids(&place.at("x")), ["a", "b", "d"]);
    assert_eq!(place.waiting("x"), ["c"]);
    let purged = place.purge_vectors("x", Some(by(&second.token)));
    assert_eq!(purged, (1, vec![Outcome::Deleted]));
}

#[test]
fn an_id_in_use_again_is_not_overwritten_and_waits_on() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    put(&collection, &[("a", 1, None), ("b", 2, None)]);
    let undo = place.delete("x", &["a", "b"], HOUR);
    put(&collection, &[("b", 3, None)]);
    let undeleted = place.undelete_by("x", &undo.token);
    assert_eq!(undeleted, fated(&[("a", Fate::Done), ("b", Fate::Taken)]));
    assert_eq!(ids(&collection), ["b", "a"]);
    assert_eq!(collection.get(WAIT, "b").unwrap().data, Some(row(3)));
    assert_eq!(place.waiting("x"), ["b"]);
    // It is free when the other one is deleted for good.
    collection.delete_one(WAIT, "b", &plain()).unwrap();
    assert_eq!(place.waiting("x"), ["b"]);
    let undeleted = place.undelete_by("x", &undo.token);
    assert_eq!(undeleted, fated(&[("b", Fate::Done)]));
    assert_eq!(collection.get(WAIT, "b").unwrap().data, Some(row(2)));
}

#[test]
fn each_id_of_an_undelete_is_answered_in_its_place() {
    let place = Place::new(&["x"]);
    place.put("x", &["a", "b", "c", "d"]);
    place.delete("x", &["a", "b", "c"], HOUR);
    place.put("x", &["b"]);
    let asked = ["c", "nobody", "b", "c", "d", "a", "b"];
    let expected = [
        Fate::Done,
        Fate::Missing,
        Fate::Taken,
        Fate::Repeated(0),
        Fate::Missing,
        Fate::Done,
        Fate::Repeated(2),
    ];
    let expected: Vec<_> = asked.into_iter().zip(expected).collect();
    assert_eq!(place.undelete_ids("x", &asked), fated(&expected));
    assert_eq!(ids(&place.at("x")), ["d", "b", "c", "a"]);
    assert_eq!(place.undelete_ids("x", &[]), []);
}

#[test]
fn a_token_is_of_one_call_and_one_collection() {
    let place = Place::new(&["x", "y"]);
    for name in ["x", "y"] {
        place.put(name, &["a", "b"]);
    }
    let [a, b] = [["a"], ["b"]].map(|ids| place.delete("x", &ids, HOUR));
    assert_ne!(a.token, b.token);
    let of_y = place.delete("y", &["a", "b"], HOUR);
    for (name, token) in [
        ("x", &*of_y.token),
        ("x", "nothing"),
        ("x", ""),
        ("y", &a.token),
        ("y", &of_y.token.to_uppercase()),
    ] {
        assert!(is_unknown(place.undelete(name, by(token))), "{token}");
        assert!(is_unknown(place.purge(name, Some(by(token)))), "{token}");
    }
    for token in [&a.token, "nothing"] {
        assert!(is_no_collection(place.undelete("z", by(token))));
        assert!(is_no_collection(place.purge("z", Some(by(token)))));
    }
    assert!(is_no_collection(
        place.undelete("z", Which::Ids(owned(&["a"])))
    ));
    assert!(is_no_collection(place.purge("z", None)));
    assert!(is_no_collection(place.call().list_deleted(
        Some("z"),
        0,
        10
    )));
    assert_eq!(place.waiting("x"), ["a", "b"]);
    place.undelete_by("x", &b.token);
    assert_eq!(place.waiting("x"), ["a"]);
    assert_eq!(place.waiting("y"), ["a", "b"]);
}

#[test]
fn a_collection_that_never_had_anything_deleted_with_undo_has_nothing_that_waits() {
    let place = Place::new(&["x"]);
    place.put("x", &["a"]);
    assert_eq!(place.waiting("x"), [""; 0]);
    let undeleted = place.undelete_ids("x", &["a", "b", "a"]);
    let missing = undeleted.iter().all(|(_, fate)| *fate == Fate::Missing);
    assert!(missing && undeleted.len() == 3, "{undeleted:?}");
    assert_eq!(place.purge_vectors("x", None), (0, Vec::new()));
    let some = Some(Which::Ids(owned(&["a", "b"])));
    assert_eq!(
        place.purge_vectors("x", some),
        (0, vec![Outcome::Missing; 2])
    );
    assert!(is_unknown(place.undelete("x", by("nothing"))));
    assert!(is_unknown(place.purge("x", Some(by("nothing")))));
    assert_eq!(place.names_waiting(), [""; 0]);
    assert_eq!(ids(&place.at("x")), ["a"]);
}

#[test]
fn what_waits_is_listed_in_pages_in_the_order_in_which_it_was_deleted() {
    let place = Place::new(&["x"]);
    let all: Vec<String> = (0..30).map(|n| format!("v{n:02}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    place.put("x", &all);
    let mut expected = Vec::new();
    for (n, ids) in all.chunks(7).rev().enumerate() {
        place.delete("x", ids, (n as i64 + 1) * HOUR);
        // Several at one moment, too.
        place.clock.advance(SECOND * (n as i64 % 2));
        expected.extend(owned(ids));
    }
    assert_eq!(place.waiting("x"), expected);
    let page = |offset, limit| {
        let listed = place.call().list_deleted(Some("x"), offset, limit);
        let listed = listed.unwrap();
        assert_eq!(listed.total, 30);
        let ids = listed.vectors.iter().map(|deleted| deleted.id.to_string());
        ids.collect::<Vec<_>>()
    };
    for limit in [1, 4, 30, 1000] {
        let pages = (0..30).step_by(limit).flat_map(|at| page(at, limit));
        assert_eq!(pages.collect::<Vec<_>>(), expected);
    }
    for (offset, limit) in [(30, 1), (1000, 1000), (usize::MAX, 5), (0, 0)] {
        assert_eq!(page(offset, limit), [""; 0]);
    }
    assert_eq!(page(29, usize::MAX), expected[29..]);
    // What is brought back and deleted again is the last.
    place.undelete_ids("x", &[&expected[3].clone()]);
    place.delete("x", &[&expected[3].clone()], HOUR);
    let moved = expected.remove(3);
    expected.push(moved);
    assert_eq!(place.waiting("x"), expected);
}

#[test]
fn a_vector_is_listed_with_the_metadata_that_it_had_or_with_none() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    insert(
        &collection,
        &[("plain".into(), row(1)), ("first".into(), row(2))],
    );
    put(&collection, &[("tagged", 3, None)]);
    let update = Update {
        metadata: Some("{\"new\":true}".into()),
        ..Update::default()
    };
    collection.update(WAIT, "first", &update).unwrap();
    place.delete("x", &["plain", "first", "tagged"], HOUR);
    let listed = place.listed("x").vectors;
    let listed: Vec<_> = listed.iter().map(|one| one.metadata.as_deref()).collect();
    let metadata = metadata(3);
    let expected = [None, Some("{\"new\":true}"), Some(metadata.as_str())];
    assert_eq!(listed, expected);
}

#[test]
fn when_the_time_is_over_nothing_can_be_brought_back_and_all_is_erased() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    place.put("x", &["a", "b", "c"]);
    let first = place.delete("x", &["a"], HOUR);
    let second = place.delete("x", &["b"], 2 * HOUR);
    let residues = collection.verify_erased(&owned(&["a", "c"])).unwrap();
    let reasons = residues.iter().map(|residue| residue.reason);
    let reasons: Vec<&str> = reasons.collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[1].contains("can be undeleted"), "{reasons:?}");
    place.clock.advance(HOUR - 1);
    assert_eq!(place.waiting("x"), ["a", "b"]);
    place.clock.advance(1);
    assert_eq!(place.waiting("x"), ["b"]);
    assert!(is_unknown(place.undelete("x", by(&first.token))));
    assert!(is_unknown(place.purge("x", Some(by(&first.token)))));
    let undeleted = place.undelete_ids("x", &["a", "b"]);
    assert_eq!(undeleted, fated(&[("a", Fate::Missing), ("b", Fate::Done)]));
    let residues = collection.verify_erased(&owned(&["a"])).unwrap();
    assert_eq!(residues, []);
    assert!(is_unknown(place.undelete("x", by(&second.token))));
    // The id is as good as any other.
    place.put("x", &["a"]);
    assert_eq!(ids(&collection), ["c", "b", "a"]);
    place.delete("x", &["a"], HOUR);
    assert_eq!(place.waiting("x"), ["a"]);
}

#[test]
fn what_expires_sooner_by_itself_waits_no_longer_than_that() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    let sooner = START + HOUR / 2;
    put(
        &collection,
        &[
            ("sooner", 1, Some(sooner)),
            ("later", 2, Some(START + 9 * HOUR)),
            ("never", 3, None),
        ],
    );
    let undo = place.delete("x", &["sooner", "later", "never"], HOUR);
    assert_eq!(undo.until, START + HOUR);
    let until = |place: &Place| {
        let listed = place.listed("x").vectors;
        listed.iter().map(|one| one.until).collect::<Vec<_>>()
    };
    assert_eq!(until(&place), [sooner, undo.until, undo.until]);
    place.clock.advance(HOUR / 2 - 1);
    assert_eq!(until(&place).len(), 3);
    place.clock.advance(1);
    assert_eq!(until(&place), [undo.until; 2]);
    let undeleted = place.undelete_by("x", &undo.token);
    let expected = [("later", Fate::Done), ("never", Fate::Done)];
    assert_eq!(undeleted, fated(&expected));
    let expiries = items(&collection).into_iter().map(|item| item.expires_at);
    let expiries: Vec<_> = expiries.collect();
    assert_eq!(expiries, [Some(START + 9 * HOUR), None]);
    place.clock.advance(9 * HOUR);
    assert_eq!(ids(&collection), ["never"]);
}

#[test]
fn a_ttl_counts_from_the_insertion_whatever_happened_in_between() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    collection.set_ttl(WAIT, Some(3600)).unwrap();
    place.put("x", &["a", "b"]);
    place.clock.advance(HOUR / 4);
    place.delete("x", &["a"], HOUR / 2);
    place.delete("x", &["b"], 9 * HOUR);
    let listed = place.listed("x").vectors;
    let until: Vec<i64> = listed.iter().map(|one| one.until).collect();
    assert_eq!(until, [START + 3 * HOUR / 4, START + HOUR]);
    place.clock.advance(HOUR / 4);
    place.undelete_ids("x", &["a"]);
    let back = collection.get(WAIT, "a").unwrap();
    assert_eq!(back.expires_at, Some(START + HOUR));
    place.clock.advance(HOUR / 2);
    assert_eq!(ids(&collection), [""; 0]);
    assert_eq!(place.waiting("x"), [""; 0]);
}

#[test]
fn what_has_expired_by_the_ttl_in_the_meantime_is_not_found_when_it_is_back() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    place.put("x", &["a", "b"]);
    place.delete("x", &["a"], 9 * HOUR);
    collection.set_ttl(WAIT, Some(3600)).unwrap();
    place.clock.advance(2 * HOUR);
    assert_eq!(place.waiting("x"), ["a"]);
    assert_eq!(place.undelete_ids("x", &["a"]), fated(&[("a", Fate::Done)]));
    assert_eq!(ids(&collection), [""; 0]);
    assert_eq!(place.waiting("x"), [""; 0]);
    assert_eq!(collection.verify_erased(&owned(&["a"])).unwrap(), []);
}

#[test]
fn a_period_ends_at_the_last_instant_there_is_at_the_latest() {
    let place = Place::new(&["x", "y"]);
    place.put("x", &["a"]);
    let undo = place.delete("x", &["a"], i64::MAX);
    assert_eq!(undo.until, LATEST);
    assert_eq!(place.delete_collection("y", i64::MAX).until, LATEST);
    assert_eq!(place.waiting("x"), ["a"]);
    assert_eq!(place.names_waiting(), ["y"]);
}

#[test]
fn purging_erases_what_waits_and_nothing_else() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    place.put("x", &["a", "b", "c", "d", "e", "f"]);
    place.delete("x", &["a", "b"], HOUR);
    let undo = place.delete("x", &["c", "d"], HOUR);
    place.put("x", &["a"]);
    let asked = owned(&["nobody", "b", "e", "a", "b"]);
    let purged = place.purge_vectors("x", Some(Which::Ids(asked)));
    let expected = vec![
        Outcome::Missing,
        Outcome::Deleted,
        Outcome::Missing,
        Outcome::Deleted,
        Outcome::Repeated(1),
    ];
    assert_eq!(purged, (2, expected));
    assert_eq!(place.waiting("x"), ["c", "d"]);
    assert_eq!(ids(&collection), ["e", "f", "a"]);
    assert_eq!(collection.verify_erased(&owned(&["b"])).unwrap(), []);
    let purged = place.purge_vectors("x", Some(by(&undo.token)));
    assert_eq!(purged, (2, vec![Outcome::Deleted; 2]));
    place.delete("x", &["e", "f"], HOUR);
    assert_eq!(place.purge_vectors("x", Some(Which::Ids(Vec::new()))).0, 0);
    assert_eq!(place.purge_vectors("x", None), (2, Vec::new()));
    assert_eq!(place.purge_vectors("x", None), (0, Vec::new()));
    assert_eq!(place.waiting("x"), [""; 0]);
    assert_eq!(ids(&collection), ["a"]);
    let missing = place.undelete_ids("x", &["b", "c", "e"]);
    assert!(missing.iter().all(|(_, fate)| *fate == Fate::Missing));
}

#[test]
fn a_receipt_of_a_purge_covers_what_was_purged() {
    let place = Place::new(&["x", "y"]);
    place.put("x", &["a", "b", "c"]);
    place.delete("x", &["a", "b", "c"], HOUR);
    let purge = |name: &str, which| {
        let call = place.call();
        let purged = call.purge_deleted(name, which, true, Some("ticket 7"));
        purged.unwrap().receipt.unwrap()
    };
    let receipt = purge("x", Some(Which::Ids(owned(&["a", "b", "nobody"]))));
    assert_eq!((receipt.call, receipt.deleted), ("purgeDeleted", 2));
    assert_eq!(receipt.reason.as_deref(), Some("ticket 7"));
    assert!(!receipt.durable && receipt.bytes_erased > 0);
    assert_eq!(purge("x", None).deleted, 1);
    assert_eq!(purge("x", None).deleted, 0);
    // Also where nothing was ever deleted with undo.
    assert_eq!(purge("y", None).deleted, 0);
    place.put("y", &["a", "b"]);
    let undo = place.delete_collection("y", HOUR);
    let receipt = purge("y", Some(by(&undo.token)));
    assert_eq!((receipt.call, receipt.deleted), ("purgeDeleted", 2));
    assert_eq!(receipt.reason.as_deref(), Some("ticket 7"));
}

#[test]
fn a_purge_of_a_collection_has_the_reason_of_the_delete_unless_it_gives_one() {
    let place = Place::new(&["x"]);
    for (given, expected) in [(None, "of the delete"), (Some("another"), "another")] {
        let call = place.call();
        let reason = Some("of the delete".to_owned());
        let undo = call.delete_collection_for_now("x", HOUR, reason).unwrap();
        let purged = call.purge_deleted("x", Some(by(&undo.token)), true, given);
        let receipt = purged.unwrap().receipt.unwrap();
        assert_eq!(receipt.deleted, 0);
        assert_eq!(receipt.reason.as_deref(), Some(expected));
        place.create("x");
    }
}

#[test]
fn a_purge_of_a_collection_counts_what_is_left_in_it() {
    let place = Place::new(&["x"]);
    let rows = [("a", 1, Some(START + HOUR)), ("b", 2, None)];
    put(&place.at("x"), &rows);
    let undo = place.delete_collection("x", 2 * HOUR);
    place.clock.advance(HOUR);
    let call = place.call();
    let purged = call.purge_deleted("x", Some(by(&undo.token)), true, None);
    let purged = purged.unwrap();
    assert_eq!((purged.vectors, purged.receipt.unwrap().deleted), (1, 1));
}

#[test]
fn infos_count_what_waits_apart_from_what_is_there() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    place.put("x", &["a", "b", "c", "d"]);
    let counts = || {
        let info = collection.info(WAIT).unwrap();
        (info.vectors, info.undoable)
    };
    assert_eq!(counts(), (4, 0));
    let empty = collection.info(WAIT).unwrap().memory_bytes;
    place.delete("x", &["a", "b"], HOUR);
    place.delete("x", &["c"], 2 * HOUR);
    assert_eq!(counts(), (1, 3));
    assert!(collection.info(WAIT).unwrap().memory_bytes > empty);
    place.undelete_ids("x", &["a"]);
    assert_eq!(counts(), (2, 2));
    place.clock.advance(HOUR);
    assert_eq!(counts(), (2, 1));
    place.purge_vectors("x", None);
    assert_eq!(counts(), (2, 0));
}

#[test]
fn a_collection_is_not_empty_as_long_as_something_of_it_waits() {
    let place = Place::new(&["x", "y"]);
    place.put("x", &["a"]);
    place.delete("x", &["a"], HOUR);
    let call = place.call();
    assert_eq!(call.empty_collections().unwrap(), ["y"]);
    assert_eq!(call.delete_empty_collections(true).unwrap(), ["y"]);
    assert_eq!(call.delete_empty_collections(false).unwrap(), ["y"]);
    assert_eq!(place.waiting("x"), ["a"]);
    place.purge_vectors("x", None);
    assert_eq!(call.delete_empty_collections(false).unwrap(), ["x"]);
    assert_eq!(place.names(), [""; 0]);
    // One that waits is in no list of empty ones.
    place.create("z");
    place.delete_collection("z", HOUR);
    assert_eq!(call.delete_empty_collections(false).unwrap(), [""; 0]);
    assert_eq!(place.names_waiting(), ["z"]);
}

#[test]
fn a_collection_that_is_deleted_with_undo_is_not_found_and_comes_back_as_it_was() {
    let place = Place::new(&["x", "y"]);
    let call = place.call();
    let collection = place.binned("x");
    let description = Some("of all kinds".to_owned());
    call.describe_collection("x", description.clone()).unwrap();
    collection.set_ttl(WAIT, Some(9 * 3600)).unwrap();
    put(
        &collection,
        &[
            ("a", 1, None),
            ("b", 2, Some(START + 2 * HOUR)),
            ("c", 3, None),
        ],
    );
    let of_vector = place.delete("x", &["c"], 3 * HOUR);
    let before = items(&collection);
    drop(collection);
    let undo = place.delete_collection("x", HOUR);
    assert_eq!(undo.until, START + HOUR);
    assert!(is_no_collection(call.collection("x")));
    assert!(is_no_collection(call.rename_collection("x", "z")));
    assert!(is_no_collection(
        call.delete_collection(WAIT, "x", false, None)
    ));
    assert!(is_no_collection(
        call.delete_collection_for_now("x", HOUR, None)
    ));
    assert!(is_no_collection(
        place.undelete("x", Which::Ids(owned(&["c"])))
    ));
    assert!(is_no_collection(place.purge("x", None)));
    assert_eq!(place.names(), ["y"]);

    for name in [None, Some("x")] {
        let listed = call.list_deleted(name, 0, 10).unwrap();
        assert!(listed.vectors.is_empty() && listed.total == 0);
        let [one] = &*listed.collections else {
            panic!("{listed:?}");
        };
        assert_eq!((&*one.name, &one.token), ("x", &undo.token));
        assert_eq!((one.deleted_at, one.until), (START, undo.until));
        assert_eq!(one.vectors, 2);
    }
    assert!(place.listed("y").collections.is_empty());

    place.clock.advance(HOUR - 1);
    let back = place.undelete_collection("x", &undo.token);
    assert_eq!(back.name(), "x");
    assert_eq!(back.config().description, description);
    assert_eq!(back.info(WAIT).unwrap().ttl, Some(9 * 3600));
    assert_eq!(items(&back), before);
    assert_eq!(place.names(), ["x", "y"]);
    assert_eq!(place.names_waiting(), [""; 0]);
    assert!(is_unknown(place.undelete("x", by(&undo.token))));
    // What waited in it waits again.
    assert_eq!(place.waiting("x"), ["c"]);
    place.undelete_by("x", &of_vector.token);
    assert_eq!(ids(&place.at("x")), ["a", "b", "c"]);
    place.put("x", &["d"]);
    assert_eq!(search(&back, &row(value("d")), 1)[0].id.to_string(), "d");
}

#[test]
fn vectors_expire_while_their_collection_waits() {
    let place = Place::new(&["x"]);
    let collection = place.binned("x");
    put(
        &collection,
        &[("a", 1, Some(START + HOUR)), ("b", 2, None), ("c", 3, None)],
    );
    place.delete("x", &["c"], HOUR);
    let undo = place.delete_collection("x", 2 * HOUR);
    place.clock.advance(HOUR);
    let back = place.undelete_collection("x", &undo.token);
    assert_eq!(ids(&back), ["b"]);
    assert_eq!(place.waiting("x"), [""; 0]);
    let left = back.verify_erased(&owned(&["a", "c"])).unwrap();
    assert_eq!(left, []);
}

#[test]
fn when_the_time_of_a_collection_is_over_it_cannot_be_brought_back() {
    let place = Place::new(&["x", "y"]);
    let [x, y] = [("x", HOUR), ("y", 2 * HOUR)].map(|(name, period)| {
        place.put(name, &["a"]);
        place.delete_collection(name, period)
    });
    assert_eq!(place.names_waiting(), ["x", "y"]);
    place.clock.advance(HOUR);
    assert_eq!(place.names_waiting(), ["y"]);
    assert!(is_no_collection(place.call().list_deleted(
        Some("x"),
        0,
        10
    )));
    assert!(is_no_collection(place.undelete("x", by(&x.token))));
    place.create("x");
    assert!(is_unknown(place.undelete("x", by(&x.token))));
    assert!(is_unknown(place.purge("x", Some(by(&x.token)))));
    assert_eq!(ids(&place.undelete_collection("y", &y.token)), ["a"]);
}

#[test]
fn the_name_of_a_collection_that_waits_is_free() {
    let place = Place::new(&[]);
    let mut undone = Vec::new();
    for id in ["a", "b", "c"] {
        place.create("x");
        place.put("x", &[id]);
        undone.push(place.delete_collection("x", HOUR));
        place.clock.advance(1);
    }
    place.create("x");
    place.put("x", &["d", "e"]);
    place.delete("x", &["e"], HOUR);
    let listed = place.listed("x");
    let tokens: Vec<_> = listed.collections.iter().map(|one| &one.token).collect();
    let expected: Vec<_> = undone.iter().map(|undo| &undo.token).collect();
    assert_eq!(tokens, expected);
    assert_eq!(place.waiting("x"), ["e"]);
    let taken = place.undelete("x", by(&undone[1].token));
    assert!(matches!(taken, Err(Error::CollectionExists(name)) if name == "x"));
    assert_eq!(place.names_waiting(), ["x", "x", "x"]);
    // It is free again when the other one has another name.
    place.call().rename_collection("x", "y").unwrap();
    let back = place.undelete_collection("x", &undone[1].token);
    assert_eq!(ids(&back), ["b"]);
    assert_eq!(place.waiting("y"), ["e"]);
    assert_eq!(ids(&place.at("y")), ["d"]);
    // Or when it is deleted itself.
    let again = place.delete_collection("x", HOUR);
    let back = place.undelete_collection("x", &undone[2].token);
    assert_eq!(ids(&back), ["c"]);
    let call = place.call();
    call.delete_collection(WAIT, "x", false, None).unwrap();
    let back = place.undelete_collection("x", &again.token);
    assert_eq!(ids(&back), ["b"]);
    let purged = place.purge("x", Some(by(&undone[0].token))).unwrap();
    assert_eq!((purged.vectors, purged.outcomes), (1, Vec::new()));
    assert_eq!(place.names_waiting(), [""; 0]);
    assert_eq!(ids(&place.at("x")), ["b"]);
}

#[test]
fn the_final_delete_of_a_collection_erases_what_waits_in_it() {
    let place = Place::new(&["x"]);
    place.put("x", &["a", "b"]);
    let undo = place.delete("x", &["a"], HOUR);
    let (old, call) = (place.at("x"), place.call());
    call.delete_collection(WAIT, "x", false, None).unwrap();
    assert!(is_no_collection(call.list_deleted(Some("x"), 0, 10)));
    assert!(is_no_collection(old.list_deleted(0, 10)));
    assert!(is_no_collection(place.undelete("x", by(&undo.token))));
    place.create("x");
    assert_eq!(place.waiting("x"), [""; 0]);
    assert!(is_unknown(place.undelete("x", by(&undo.token))));
}

#[test]
fn what_waits_stays_with_a_collection_that_gets_another_name() {
    let place = Place::new(&["x"]);
    place.put("x", &["a", "b"]);
    let undo = place.delete("x", &["a"], HOUR);
    place.call().rename_collection("x", "y").unwrap();
    assert!(is_no_collection(place.undelete("x", by(&undo.token))));
    place.create("x");
    assert_eq!(place.waiting("x"), [""; 0]);
    assert!(is_unknown(place.undelete("x", by(&undo.token))));
    assert_eq!(place.waiting("y"), ["a"]);
    place.undelete_by("y", &undo.token);
    assert_eq!(ids(&place.at("y")), ["b", "a"]);
    // A collection that waits has the name that it had.
    place.call().rename_collection("y", "z").unwrap();
    let undo = place.delete_collection("z", HOUR);
    assert_eq!(place.names_waiting(), ["z"]);
    assert!(is_unknown(place.undelete("x", by(&undo.token))));
    assert!(is_no_collection(place.undelete("y", by(&undo.token))));
    place.undelete_collection("z", &undo.token);
}

/// The rows of a report that say something of a collection.
fn forgotten(report: &Forgotten) -> Vec<(&str, bool, Vec<&str>)> {
    let rows = report.collections.iter().map(|one| {
        let matched = one.matched.iter().map(|id| &**id).collect::<Vec<_>>();
        (&*one.collection, one.undoable, matched)
    });
    rows.filter(|(.., matched)| !matched.is_empty()).collect()
}

#[test]
fn forgetting_reaches_what_waits_and_collections_that_wait() {
    let selections: [fn() -> Selection; 2] = [
        || Selection::Filter(tagged(1)),
        || Selection::Ids(owned(&["a", "c", "e", "nobody"])),
    ];
    for selection in selections {
        let place = Place::new(&["x", "y"]);
        let x = place.binned("x");
        let rows = [("a", 1, None), ("b", 2, None), ("c", 5, None)];
        put(&x, &rows);
        place.delete("x", &["b", "c"], HOUR);
        let y = place.binned("y");
        put(&y, &rows);
        put(&y, &[("d", 6, None), ("e", 9, None)]);
        place.delete("y", &["d", "e"], HOUR);
        let undo = place.delete_collection("y", HOUR);
        let expected = vec![
            ("x", false, vec!["a"]),
            ("x", true, vec!["c"]),
            ("y", true, vec!["a", "c"]),
            ("y", true, vec!["e"]),
        ];
        let report = place.forget(selection(), true).unwrap();
        assert_eq!(forgotten(&report), expected);
        assert!(!report.applied);
        let report = place.forget(selection(), false).unwrap();
        assert_eq!(forgotten(&report), expected);
        assert_eq!(report.receipt.unwrap().deleted, 5);
        assert_eq!(ids(&x), [""; 0]);
        assert_eq!(place.waiting("x"), ["b"]);
        assert_eq!(place.names_waiting(), ["y"]);
        assert_eq!(place.listed("y").collections[0].vectors, 1);
        let y = place.undelete_collection("y", &undo.token);
        assert_eq!(ids(&y), ["b"]);
        assert_eq!(place.waiting("y"), ["d"]);
        assert_eq!(x.verify_erased(&owned(&["a", "c"])).unwrap(), []);
        assert_eq!(y.verify_erased(&owned(&["a", "c", "e"])).unwrap(), []);
    }
}

#[test]
fn forgetting_in_some_collections_reaches_what_waits_in_these() {
    let place = Place::new(&["x", "y", "z"]);
    for name in ["x", "y", "z"] {
        place.put(name, &["a", "b"]);
        place.delete(name, &["b"], HOUR);
    }
    place.delete_collection("z", HOUR);
    let report = place.call().forget(Forgetting {
        selection: Selection::Ids(owned(&["a", "b"])),
        collections: Some(owned(&["z", "x"])),
        dry_run: false,
        guards: Guards {
            at_most: None,
            expect: Some(4),
        },
        reason: None,
        on_progress: None,
    });
    let report = report.unwrap();
    let expected = [
        ("x", false, vec!["a"]),
        ("x", true, vec!["b"]),
        ("z", true, vec!["a"]),
        ("z", true, vec!["b"]),
    ];
    assert_eq!(forgotten(&report), expected);
    assert_eq!(ids(&place.at("y")), ["a"]);
    assert_eq!(place.waiting("y"), ["b"]);
}

#[test]
fn forgetting_does_not_count_a_collection_whose_time_is_over() {
    let place = Place::new(&["x", "y"]);
    for name in ["x", "y"] {
        place.put(name, &["a", "b"]);
    }
    place.delete("y", &["a"], HOUR);
    place.delete_collection("x", HOUR);
    place.clock.advance(HOUR);
    for dry_run in [true, false] {
        let report = place.forget(Selection::Ids(owned(&["a", "b"])), dry_run);
        let report = report.unwrap();
        assert_eq!(forgotten(&report), [("y", false, vec!["b"])]);
    }
    assert_eq!(place.names_waiting(), [""; 0]);
}

#[test]
fn many_vectors_wait_and_come_back_all_in_one_step() {
    const COUNT: usize = 3000;
    let collection_of = |place: &Place| {
        let collection = place.binned("x");
        let rows: Vec<_> = (0..COUNT)
            .map(|n| (n.to_string(), Random(n as u64 + 1).clustered(DIMENSION, 20)))
            .collect();
        insert_with(&collection, &rows, |n| {
            Some(format!("{{\"tag\":{}}}", n % 2))
        });
        optimize(&collection);
        collection
    };
    let place = Place::new(&["x"]);
    let collection = collection_of(&place);
    let done = collection.delete_matching(&tagged(1), &with_undo(HOUR));
    let undo = done.unwrap().undo.unwrap();
    let (at, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            // None of them before the last.
            while !over.load(Ordering::Acquire) {
                let count = collection.count(WAIT, Some(&tagged(1))).unwrap();
                assert!(count == 0 || count == COUNT / 2, "{count}");
                at.fetch_add(1, Ordering::Relaxed);
            }
        });
        let undeleted = place.undelete_by("x", &undo.token);
        assert_eq!(undeleted.len(), COUNT / 2);
        over.store(true, Ordering::Release);
    });
    let even = (0..COUNT).step_by(2);
    let order = even.chain((1..COUNT).step_by(2)).map(|n| n.to_string());
    assert_eq!(ids(&collection), order.collect::<Vec<_>>());
    optimize(&collection);
    let found = walk(&collection, &Random(8).clustered(DIMENSION, 20), 1);
    assert_eq!(&*found[0].id, "7");
}

#[test]
fn many_threads_delete_and_undelete_the_same_vectors_and_lose_none() {
    const IDS: usize = 12;
    let place = Place::new(&["x", "y"]);
    let all: Vec<String> = (0..IDS).map(|n| format!("v{n}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    for name in ["x", "y"] {
        place.put(name, &all);
    }
    let barrier = Barrier::new(6);
    thread::scope(|scope| {
        for seed in 0..6 {
            let (place, all, barrier) = (&place, &all, &barrier);
            scope.spawn(move || {
                let mut random = Random(seed + 1);
                barrier.wait();
                for _ in 0..150 {
                    let name = ["x", "y"][random.below(2)];
                    let (one, other) = (all[random.below(IDS)], all[random.below(IDS)]);
                    match random.below(8) {
                        0 | 1 => drop(place.try_delete(name, &[one, other], HOUR).unwrap()),
                        2 => {
                            let filter = tagged(random.below(4) as u8);
                            let collection = place.binned(name);
                            let done = collection.delete_matching(&filter, &with_undo(HOUR));
                            drop(done.unwrap());
                        }
                        3 => {
                            let undeleted = place.undelete_ids(name, &[other, one]);
                            assert!(!{ undeleted.iter() }.any(|(_, fate)| *fate == Fate::Kept));
                        }
                        4 => {
                            let waiting = place.listed(name).vectors;
                            if let Some(first) = waiting.first() {
                                // Somebody else may have been faster.
                                let _ = place.undelete(name, by(&first.token));
                            }
                        }
                        5 => {
                            let info = place.at(name).info(WAIT).unwrap();
                            assert!(info.vectors + info.undoable <= 2 * IDS);
                        }
                        6 => {
                            // An empty one deletes whatever matches.
                            let collection = place.binned(name);
                            let options = ReplaceOptions {
                                undo: Some(HOUR),
                                ..ReplaceOptions::default()
                            };
                            replace(&collection, (random.below(4) as u8, &[]), options);
                        }
                        _ => {
                            let selection = Selection::Ids(owned(&["nobody"]));
                            let report = place.forget(selection, random.below(2) == 0);
                            assert!(forgotten(&report.unwrap()).is_empty());
                        }
                    }
                }
            });
        }
    });
    for name in ["x", "y"] {
        let collection = place.at(name);
        let mut found = ids(&collection);
        found.extend(place.waiting(name));
        found.sort();
        let mut expected = owned(&all);
        expected.sort();
        assert_eq!(found, expected);
        place.undelete_ids(name, &all);
        for id in &all {
            let item = collection.get(WAIT, id).unwrap();
            assert_eq!(item.data, Some(row(value(id))));
            assert_eq!(item.text.as_deref(), Some(&*text(value(id))));
        }
    }
}

#[test]
fn whatever_many_threads_do_to_the_same_collections_each_gets_its_answer() {
    const NAMES: [&str; 3] = ["x", "y", "z"];
    let place = Place::new(&NAMES);
    let barrier = Barrier::new(6);
    thread::scope(|scope| {
        for seed in 0..6 {
            let (place, barrier) = (&place, &barrier);
            scope.spawn(move || {
                let mut random = Random(seed + 100);
                barrier.wait();
                for _ in 0..200 {
                    act(place, &NAMES, &mut random);
                }
            });
        }
    });
    // Nothing is left half done: each that waits can be brought back, or erased.
    for name in place.names() {
        assert!(!place.at(&name).is_bin());
        place.purge_vectors(&name, None);
        let call = place.call();
        call.delete_collection(WAIT, &name, false, None).unwrap();
    }
    let listed = place.call().list_deleted(None, 0, 10).unwrap();
    for one in listed.collections {
        let back = place.undelete_collection(&one.name, &one.token);
        assert_eq!(back.info(WAIT).unwrap().vectors, ids(&back).len());
        let undo = place.delete_collection(&one.name, HOUR);
        place.purge(&one.name, Some(by(&undo.token))).unwrap();
    }
    assert_eq!(place.names(), [""; 0]);
    assert_eq!(place.names_waiting(), [""; 0]);
}

/// Does something at random, which may fail for the reasons that others give it.
fn act(place: &Place, names: &[&str], random: &mut Random) {
    let (name, other) = (
        names[random.below(names.len())],
        names[random.below(names.len())],
    );
    let call = place.call();
    let some = |random: &mut Random| {
        let some = (0..=random.below(4)).map(|_| format!("v{}", random.below(12)));
        some.collect::<Vec<String>>()
    };
    let waiting = |name: Option<&str>| call.list_deleted(name, 0, 100).ok();
    let done: Result<()> = match random.below(14) {
        0 => {
            let _ = place.try_create(name);
            call.collection(name).and_then(|collection| {
                let some = some(random);
                let rows = some.iter().flat_map(|id| row(value(id)));
                let mut prepared = collection.prepare(Batch {
                    ids: some.iter().cloned().map(Some).collect(),
                    data: rows.collect(),
                    lengths: vec![DIMENSION as u32],
                    ..Batch::default()
                })?;
                collection.insert(WAIT, &mut prepared).map(drop)
            })
        }
        1..=3 => call.collection(name).and_then(|collection| {
            let period = [HOUR, SECOND][random.below(2)];
            call.make_bin(WAIT, &collection, Some(period))?;
            let done = collection.delete_many(WAIT, &some(random), &with_undo(period));
            done.map(drop)
        }),
        4 | 5 => place.undelete(name, Which::Ids(some(random))).map(drop),
        6 => place.purge(name, Some(Which::Ids(some(random)))).map(drop),
        7 => place.purge(name, None).map(drop),
        8 => {
            let selection = Selection::Ids(some(random));
            place.forget(selection, random.below(3) == 0).map(drop)
        }
        9 => call
            .collection(name)
            .and_then(|one| one.info(WAIT))
            .map(drop),
        10 => call
            .delete_collection_for_now(name, HOUR, None)
            .and_then(|_| place.try_create(name))
            .map(drop),
        11 => {
            let listed = waiting(None).map(|listed| listed.collections);
            let Some(one) = listed.and_then(|mut all| all.pop()) else {
                return;
            };
            match random.below(3) {
                0 => place.purge(&one.name, Some(by(&one.token))).map(drop),
                _ => place.undelete(&one.name, by(&one.token)).map(drop),
            }
        }
        12 => match random.below(3) {
            0 => call.delete_empty_collections(false).map(drop),
            1 => call.rename_collection(name, other).map(drop),
            _ => call.delete_collection(WAIT, name, false, None).map(drop),
        },
        _ => {
            place.clock.advance(SECOND / 2);
            let transfer = Transfer {
                selection: Selection::Ids(some(random)),
                moves: true,
                overwrite: random.below(2) == 0,
                dry_run: false,
                guards: Guards::default(),
                receipt: false,
                reason: None,
                on_progress: None,
            };
            call.transfer(name, other, transfer).map(drop)
        }
    };
    match done {
        Ok(())
        | Err(Error::CollectionNotFound(_) | Error::CollectionExists(_) | Error::Validation(_)) => {
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// Runs both at once, many times. Returns what came of them.
fn at_once<A: Send, B: Send>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let one = scope.spawn(|| {
            barrier.wait();
            one()
        });
        barrier.wait();
        let other = other();
        (one.join().unwrap(), other)
    })
}

#[test]
fn of_two_deletes_of_a_collection_at_once_one_does_it() {
    for round in 0..300 {
        let place = Place::new(&["x"]);
        place.put("x", &["a"]);
        let for_now = || {
            let call = place.call();
            call.delete_collection_for_now("x", HOUR, None).map(Some)
        };
        let for_good = || {
            let call = place.call();
            let done = call.delete_collection(WAIT, "x", false, None);
            done.map(|_| None)
        };
        let (one, other) = match round % 2 {
            0 => at_once(for_now, for_now),
            _ => at_once(for_now, for_good),
        };
        let done = match (one, other) {
            (Ok(done), Err(Error::CollectionNotFound(_)))
            | (Err(Error::CollectionNotFound(_)), Ok(done)) => done,
            both => panic!("{both:?}"),
        };
        assert_eq!(place.names(), [""; 0]);
        let waiting = usize::from(done.is_some());
        assert_eq!(place.names_waiting().len(), waiting);
        let nobody = || Selection::Ids(owned(&["nobody"]));
        place.forget(nobody(), false).unwrap();
        if let Some(undo) = done {
            assert_eq!(ids(&place.undelete_collection("x", &undo.token)), ["a"]);
            assert_eq!(place.names_waiting(), [""; 0]);
        }
    }
}

#[test]
fn a_name_goes_to_one_of_those_who_want_it_at_once() {
    for round in 0..300 {
        let place = Place::new(&["x"]);
        place.put("x", &["old"]);
        let undo = place.delete_collection("x", HOUR);
        place.create("y");
        let undelete = || place.undelete("x", by(&undo.token)).map(drop);
        let take = || match round % 2 {
            0 => place.try_create("x").map(drop),
            _ => place.call().rename_collection("y", "x").map(drop),
        };
        match at_once(undelete, take) {
            (Ok(()), Err(Error::CollectionExists(_))) => {
                assert_eq!(ids(&place.at("x")), ["old"]);
                assert_eq!(place.names_waiting(), [""; 0]);
            }
            (Err(Error::CollectionExists(_)), Ok(())) => {
                assert_eq!(ids(&place.at("x")), [""; 0]);
                assert_eq!(place.names_waiting(), ["x"]);
            }
            both => panic!("{both:?}"),
        }
    }
}

#[test]
fn what_is_forgotten_while_its_collection_is_deleted_does_not_come_back() {
    for _ in 0..300 {
        let place = Place::new(&["x", "y"]);
        place.put("x", &["a", "b"]);
        let (undo, report) = at_once(
            || place.delete_collection("x", HOUR),
            || place.forget(Selection::Ids(owned(&["a"])), false).unwrap(),
        );
        assert!(report.applied);
        assert_eq!(ids(&place.undelete_collection("x", &undo.token)), ["b"]);
    }
}

#[test]
fn a_vector_that_two_bring_back_at_once_is_brought_back_once() {
    for _ in 0..200 {
        let place = Place::new(&["x"]);
        place.put("x", &["a"]);
        let undo = place.delete("x", &["a"], HOUR);
        let by_id = || place.undelete_ids("x", &["a"]);
        let by_token = || place.undelete("x", by(&undo.token)).map(fates);
        let (one, other) = at_once(by_id, by_token);
        let done = |fates: &[(String, Fate)]| fates.iter().any(|(_, fate)| *fate == Fate::Done);
        let both = [done(&one), other.is_ok_and(|other| done(&other))];
        assert!(both[0] != both[1], "{both:?}");
        assert_eq!(ids(&place.at("x")), ["a"]);
        assert_eq!(place.waiting("x"), [""; 0]);
    }
}

#[test]
fn what_becomes_due_in_the_bin_while_others_hold_it_stops_nobody() {
    let place = Place::new(&["x"]);
    put(&place.at("x"), &[("d", 4, Some(START + 2 * HOUR))]);
    place.put("x", &["a", "b", "c"]);
    place.delete("x", &["b"], HOUR);
    place.delete("x", &["c"], 2 * HOUR);
    let (collection, clock) = (place.at("x"), place.clock.clone());
    let (sender, threads) = std::sync::mpsc::channel();
    let is_first = AtomicBool::new(true);
    let report = place.call().forget(Forgetting {
        selection: Selection::Ids(owned(&["a", "c"])),
        collections: None,
        dry_run: false,
        guards: Guards::default(),
        reason: None,
        on_progress: Some(Box::new(move |_, _| {
            if !is_first.swap(false, Ordering::Relaxed) {
                return;
            }
            // Both the collection and its bin are held for writing now.
            clock.advance(HOUR);
            let collection = collection.clone();
            let info = thread::spawn(move || collection.info(WAIT).unwrap().undoable);
            sender.send(info).unwrap();
            // It has most probably begun when the collection has something due as well.
            thread::sleep(Duration::from_millis(30));
            clock.advance(HOUR);
        })),
    });
    assert!(report.unwrap().applied);
    for info in threads {
        assert!(info.join().unwrap() <= 1);
    }
    assert_eq!(place.waiting("x"), [""; 0]);
}
