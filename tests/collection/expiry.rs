//! From its instant on, no read finds a vector; afterwards it is erased.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use proptest::prelude::*;
use vectorizer_native::{
    client::{Client, Opening, Options, open_with, restore_backup},
    clock::{Clock, LATEST},
    collection::{
        Access, Batch, Collection, Config, DeleteOptions, ExpiryChange, Item, Method, Outcome,
        ScanOptions, SearchOptions, StoreParts, Update,
    },
    error::Error,
    filter,
    graph::HnswParams,
    storage::{Files, Fsync, KEY, KEYS_OFFSET, Key, StoreKeys},
    vectors::Metric,
};

use crate::support::*;

const DIMENSION: usize = 4;
/// Later than the time of any write of these tests: writes have the time of the system.
const START: i64 = 4_000_000_000_000;
const SECOND: i64 = 1000;
const DAY: i64 = 24 * 3600 * SECOND;

fn config() -> Config {
    Config {
        name: "test".into(),
        dimension: DIMENSION,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
        description: None,
    }
}

fn in_memory(clock: &Clock) -> Arc<Collection> {
    Collection::timed(config(), clock.clone())
}

fn parts(clock: &Clock) -> StoreParts {
    let keys = StoreKeys::new(Key::from([7; KEY]).into(), None);
    StoreParts {
        timer: clock.clone().into(),
        ..StoreParts::new(Fsync::No, Arc::default(), keys)
    }
}

fn create(path: &Path, clock: &Clock) -> Arc<Collection> {
    let files = Files::default();
    files.create_directory(path).unwrap();
    Collection::create(&config(), &files, path, &parts(clock)).unwrap();
    open(path, clock)
}

fn open(path: &Path, clock: &Clock) -> Arc<Collection> {
    Collection::open(&Files::default(), path, &parts(clock)).unwrap()
}

fn row(value: u8) -> Vec<f32> {
    Random(u64::from(value)).vector(DIMENSION)
}

fn metadata(value: u8) -> String {
    format!("{{\"tag\":{}}}", value % 4)
}

fn put(collection: &Arc<Collection>, rows: &[(&str, u8, Option<i64>)]) {
    try_put(collection, WAIT, rows).unwrap();
}

fn try_put(
    collection: &Arc<Collection>,
    access: Access,
    rows: &[(&str, u8, Option<i64>)],
) -> Result<(), Error> {
    let mut prepared = collection.prepare(Batch {
        ids: rows.iter().map(|(id, ..)| Some((*id).into())).collect(),
        data: rows.iter().flat_map(|(_, value, _)| row(*value)).collect(),
        lengths: vec![DIMENSION as u32],
        metadata: rows
            .iter()
            .map(|(_, value, _)| Some(metadata(*value).into()))
            .collect(),
        expires_at: rows.iter().map(|(.., at)| *at).collect(),
        ..Batch::default()
    })?;
    collection.insert(access, &mut prepared).map(drop)
}

fn erase(collection: &Arc<Collection>) {
    while collection.erase_expired().unwrap() {}
}

fn ids(collection: &Collection) -> Vec<String> {
    let all = collection.list(0, usize::MAX).unwrap().vectors.into_iter();
    all.map(|item| item.id.to_string()).collect()
}

fn expired(collection: &Collection) -> usize {
    collection.info(WAIT).unwrap().expired
}

fn expiry_of(collection: &Collection, id: &str) -> Option<i64> {
    collection.get(WAIT, id).unwrap().expires_at
}

fn is_missing<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::VectorNotFound { .. }))
}

/// A vector as the model has it.
#[derive(Debug, Clone)]
struct Stored {
    id: String,
    row: u8,
    metadata: u8,
    own: Option<i64>,
    inserted_at: i64,
}

#[derive(Debug, Clone, Default)]
struct Model {
    /// In insertion order.
    stored: Vec<Stored>,
    ttl: Option<u32>,
    ever: BTreeSet<String>,
}

impl Model {
    fn instant(&self, stored: &Stored) -> Option<i64> {
        let by_ttl = self
            .ttl
            .map(|ttl| stored.inserted_at + i64::from(ttl) * SECOND);
        stored.own.or(by_ttl)
    }

    /// Removes what has expired.
    fn expire(&mut self, now: i64) {
        let this = self.clone();
        self.stored
            .retain(|stored| this.instant(stored).is_none_or(|at| at > now));
    }

    fn get(&mut self, id: &str) -> Option<&mut Stored> {
        self.stored.iter_mut().find(|stored| stored.id == id)
    }

    fn put(&mut self, new: Stored) {
        self.ever.insert(new.id.clone());
        match self.get(&new.id) {
            Some(old) => *old = new,
            None => self.stored.push(new),
        }
    }

    fn ids(&self, keep: impl Fn(&Stored) -> bool) -> Vec<String> {
        let kept = self.stored.iter().filter(|stored| keep(stored));
        kept.map(|stored| stored.id.clone()).collect()
    }
}

#[derive(Debug, Clone)]
enum Op {
    /// Ids, values, and in how many seconds they expire.
    Insert(Vec<(u8, u8, Option<i64>)>),
    Data(u8, u8),
    Metadata(u8, u8),
    /// An update of nothing but the expiry.
    Expiry(u8, Option<i64>),
    SetExpiry(u8, Option<i64>),
    SetTtl(Option<u32>),
    DeleteOne(u8),
    DeleteMany(Vec<u8>),
    DeleteMatching(u8),
    Advance(i64),
    /// Sets the clock back.
    Back(i64),
    Erase,
    Optimize,
    Reopen,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let id = || 0..24u8;
    let seconds = || proptest::option::of(-20..120i64);
    let row = move || (id(), any::<u8>(), seconds());
    let op = prop_oneof![
        6 => proptest::collection::vec(row(), 1..12).prop_map(Op::Insert),
        1 => (id(), any::<u8>()).prop_map(|(id, value)| Op::Data(id, value)),
        1 => (id(), any::<u8>()).prop_map(|(id, value)| Op::Metadata(id, value)),
        1 => (id(), seconds()).prop_map(|(id, at)| Op::Expiry(id, at)),
        2 => (id(), seconds()).prop_map(|(id, at)| Op::SetExpiry(id, at)),
        1 => proptest::option::of(1..200u32).prop_map(Op::SetTtl),
        1 => id().prop_map(Op::DeleteOne),
        1 => proptest::collection::vec(id(), 0..12).prop_map(Op::DeleteMany),
        1 => (0..4u8).prop_map(Op::DeleteMatching),
        6 => (0..60i64).prop_map(Op::Advance),
        1 => (0..100i64).prop_map(Op::Back),
        2 => Just(Op::Erase),
        1 => Just(Op::Optimize),
        1 => Just(Op::Reopen),
    ];
    proptest::collection::vec(op, 1..50)
}

/// Everything that is read equals the model's.
fn check(collection: &Arc<Collection>, model: &Model) -> Result<(), TestCaseError> {
    let all = model.ids(|_| true);
    let page = collection.list(0, usize::MAX).unwrap();
    prop_assert_eq!(page.total, all.len());
    let listed: Vec<Item> = page.vectors;
    prop_assert_eq!(listed.len(), all.len());
    for (item, stored) in listed.iter().zip(&model.stored) {
        prop_assert_eq!(&*item.id, stored.id.as_str());
        prop_assert_eq!(item.data.as_ref(), Some(&row(stored.row)));
        let metadata = metadata(stored.metadata);
        prop_assert_eq!(item.metadata.as_deref(), Some(metadata.as_str()));
        prop_assert_eq!(item.expires_at, model.instant(stored));
    }
    for id in &model.ever {
        let stored = all.contains(id);
        let got = collection.get(WAIT, id);
        prop_assert_eq!(got.is_ok(), stored, "{}", id);
        prop_assert_eq!(is_missing(&got), !stored, "{}", id);
        let updated = collection.update(WAIT, id, &Update::default());
        prop_assert_eq!(updated.is_ok(), stored, "{}", id);
    }
    prop_assert_eq!(collection.count(WAIT, None).unwrap(), all.len());
    for tag in 0..4 {
        let is_tagged = |stored: &Stored| stored.metadata % 4 == tag;
        let filters = [
            (format!("{{\"tag\":{tag}}}"), model.ids(is_tagged)),
            (
                format!("{{\"$not\":{{\"tag\":{tag}}}}}"),
                model.ids(|stored| !is_tagged(stored)),
            ),
        ];
        for (text, expected) in filters {
            let filter = filter::parse_text(&text).unwrap();
            let count = collection.count(WAIT, Some(&filter)).unwrap();
            prop_assert_eq!(count, expected.len());
            let options = DeleteOptions {
                dry_run: true,
                ..plain()
            };
            let found = collection.delete_matching(&filter, &options).unwrap();
            prop_assert_eq!(found.scanned, all.len());
            let matched: Vec<String> = found.matched.iter().map(ToString::to_string).collect();
            prop_assert_eq!(matched, expected);
            prop_assert_eq!(found.unknown, Vec::<String>::new());
            let options = ScanOptions {
                limit: 3,
                filter: Some(filter),
                ..ScanOptions::default()
            };
            let (mut scanned, mut cursor) = (0, None);
            loop {
                let options = ScanOptions {
                    cursor,
                    ..options.clone()
                };
                let batch = collection.scan(&options).unwrap();
                scanned += batch.vectors.len();
                cursor = batch.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            prop_assert_eq!(scanned, count);
        }
    }
    for method in [Method::Cheapest, Method::Scan, Method::Walk] {
        for limit in [3, all.len() + 5] {
            let options = SearchOptions {
                limit,
                method,
                ..SearchOptions::default()
            };
            let found = collection.search(row(7), &options).unwrap();
            prop_assert_eq!(found.len(), limit.min(all.len()));
            let found: BTreeSet<String> = found.iter().map(|item| item.id.to_string()).collect();
            prop_assert!(found.iter().all(|id| all.contains(id)));
        }
    }
    let unranked = collection.search_unranked(&SearchOptions {
        limit: usize::MAX,
        ..SearchOptions::default()
    });
    prop_assert_eq!(unranked.unwrap().len(), all.len());
    let info = collection.info(WAIT).unwrap();
    prop_assert_eq!(
        (info.vectors, info.indexed + info.pending, info.ttl),
        (all.len(), all.len(), model.ttl)
    );
    Ok(())
}

/// Runs the operations on a collection, which begins with `base` vectors; on disk if there is a path.
fn run(ops: Vec<Op>, base: usize, path: Option<&Path>) -> Result<(), TestCaseError> {
    let clock = Clock::manual(START);
    let mut collection = match path {
        Some(path) => create(path, &clock),
        None => in_memory(&clock),
    };
    let mut model = Model::default();
    let name = |id: u8| format!("id{id}");
    let stored = |id: String, value: u8, own| Stored {
        id,
        row: value,
        metadata: value,
        own,
        inserted_at: clock.now(),
    };
    for i in 0..base {
        // Half of them expire on the way.
        let own = (i % 2 == 0).then(|| START + 1 + (i % 300) as i64 * SECOND);
        model.put(stored(format!("base{i}"), (i % 251) as u8, own));
    }
    let all = model.stored.iter();
    let all: Vec<_> = all.map(|one| (one.id.as_str(), one.row, one.own)).collect();
    put(&collection, &all);
    if base > 0 {
        optimize(&collection);
    }
    for op in ops {
        let at = |seconds: Option<i64>| seconds.map(|after| clock.now() + after * SECOND);
        model.expire(clock.now());
        match op {
            Op::Insert(rows) => {
                let rows = rows.into_iter();
                let rows: Vec<_> = rows
                    .map(|(id, value, own)| (name(id), value, at(own)))
                    .collect();
                let given: Vec<_> = rows.iter().map(|(id, v, own)| (&**id, *v, *own)).collect();
                put(&collection, &given);
                for (id, value, own) in rows {
                    model.put(stored(id, value, own));
                }
            }
            Op::Data(id, value) => {
                let update = Update {
                    data: Some(row(value)),
                    ..Update::default()
                };
                let done = collection.update(WAIT, &name(id), &update);
                let known = model.get(&name(id));
                prop_assert_eq!(done.is_ok(), known.is_some());
                if let Some(known) = known {
                    known.row = value;
                }
            }
            Op::Metadata(id, value) => {
                let update = Update {
                    metadata: Some(metadata(value).into()),
                    ..Update::default()
                };
                let done = collection.update(WAIT, &name(id), &update);
                let known = model.get(&name(id));
                prop_assert_eq!(done.is_ok(), known.is_some());
                if let Some(known) = known {
                    known.metadata = value;
                }
            }
            Op::Expiry(id, seconds) => {
                let own = at(seconds);
                let update = Update {
                    expires_at: own.into(),
                    ..Update::default()
                };
                let done = collection.update(WAIT, &name(id), &update);
                let known = model.get(&name(id));
                prop_assert_eq!(done.is_ok(), known.is_some());
                if let Some(known) = known {
                    known.own = own;
                }
            }
            Op::SetExpiry(id, seconds) => {
                let own = at(seconds);
                let done = collection.set_expiry(WAIT, &name(id), own);
                let known = model.get(&name(id));
                prop_assert_eq!(done.is_ok(), known.is_some());
                if let Some(known) = known {
                    known.own = own;
                }
            }
            Op::SetTtl(ttl) => {
                collection.set_ttl(WAIT, ttl).unwrap();
                model.ttl = ttl;
            }
            Op::DeleteOne(id) => {
                let done = collection.delete_one(WAIT, &name(id), &plain());
                prop_assert_eq!(done.is_ok(), model.get(&name(id)).is_some());
                model.stored.retain(|stored| stored.id != name(id));
            }
            Op::DeleteMany(ids) => {
                let ids: Vec<String> = ids.into_iter().map(name).collect();
                let done = collection.delete_many(WAIT, &ids, &plain()).unwrap();
                for (id, outcome) in ids.iter().zip(done.outcomes) {
                    let known = model.get(id).is_some();
                    prop_assert_eq!(outcome == Outcome::Missing, !known);
                }
                model.stored.retain(|stored| !ids.contains(&stored.id));
            }
            Op::DeleteMatching(tag) => {
                let filter = filter::parse_text(&format!("{{\"tag\":{tag}}}")).unwrap();
                collection.delete_matching(&filter, &plain()).unwrap();
                model.stored.retain(|stored| stored.metadata % 4 != tag);
            }
            Op::Advance(seconds) => clock.advance(seconds * SECOND),
            Op::Back(seconds) => clock.set(clock.now() - seconds * SECOND),
            Op::Erase => {
                erase(&collection);
                prop_assert_eq!(expired(&collection), 0);
            }
            Op::Optimize => optimize(&collection),
            Op::Reopen => {
                if let Some(path) = path {
                    collection.close().unwrap();
                    collection = open(path, &clock);
                    prop_assert_eq!(expired(&collection), 0);
                }
            }
        }
        model.expire(clock.now());
        check(&collection, &model)?;
    }
    let mut gone: Vec<String> = model.ever.iter().cloned().collect();
    gone.retain(|id| model.get(id).is_none());
    prop_assert_eq!(collection.verify_erased(&gone).unwrap(), []);
    prop_assert_eq!(expired(&collection), 0);
    collection.close().unwrap();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 150,
        ..Default::default()
    })]

    #[test]
    fn at_every_instant_all_reads_find_what_has_not_expired(ops in ops()) {
        run(ops, 0, None)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 60,
        ..Default::default()
    })]

    #[test]
    fn they_do_on_disk_and_after_reopening(ops in ops()) {
        let directory = tempfile::tempdir().unwrap();
        run(ops, 0, Some(&directory.path().join("one")))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 8,
        ..Default::default()
    })]

    #[test]
    fn they_do_with_a_graph(mut ops in ops()) {
        // Each operation is checked by many calls.
        ops.truncate(20);
        run(ops, 1200, None)?;
    }
}

#[test]
fn an_expired_vector_is_at_once_like_one_that_does_not_exist() {
    let clock = Clock::manual(START);
    let collection = in_memory(&clock);
    put(&collection, &[("a", 1, Some(START + 10)), ("b", 2, None)]);
    assert_eq!(expiry_of(&collection, "a"), Some(START + 10));
    assert_eq!(expiry_of(&collection, "b"), None);
    clock.advance(9);
    assert_eq!(ids(&collection), ["a", "b"]);
    clock.advance(1);
    assert!(is_missing(&collection.get(WAIT, "a")));
    assert_eq!(ids(&collection), ["b"]);
    assert!(is_missing(&collection.delete_one(WAIT, "a", &plain())));
    assert!(is_missing(&collection.set_expiry(WAIT, "a", None)));
    assert!(is_missing(&collection.update(
        WAIT,
        "a",
        &Update::default()
    )));
    let many = ["a".to_owned(), "b".to_owned()];
    let deleted = collection.delete_many(WAIT, &many, &plain()).unwrap();
    assert_eq!(deleted.outcomes, [Outcome::Missing, Outcome::Deleted]);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.vectors, info.expired), (0, 1));
    assert!(!collection.erase_expired().unwrap());
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.expired, info.erased.vectors), (0, 2));
    assert_eq!(collection.verify_erased(&many).unwrap(), []);
}

#[test]
fn the_first_read_after_the_instant_does_not_find_it_whichever_it_is() {
    type Read = fn(&Arc<Collection>) -> usize;
    fn filter() -> filter::Filter {
        filter::parse_text(r#"{"tag":1}"#).unwrap()
    }
    let reads: [Read; 10] = [
        |c| usize::from(c.get(WAIT, "a").is_ok()),
        |c| c.list(0, 9).unwrap().total,
        |c| c.count(WAIT, None).unwrap(),
        |c| c.count(WAIT, Some(&filter())).unwrap(),
        |c| search(c, &row(1), 9).len(),
        |c| {
            let options = SearchOptions::default();
            let queries = vec![Some(row(1)), None];
            let found = c.search_batch(queries, |_| Default::default(), &options);
            found.unwrap().iter().map(Vec::len).sum()
        },
        |c| c.search_unranked(&SearchOptions::default()).unwrap().len(),
        |c| {
            let options = ScanOptions {
                limit: 9,
                ..ScanOptions::default()
            };
            c.scan(&options).unwrap().vectors.len()
        },
        |c| {
            let options = DeleteOptions {
                dry_run: true,
                ..plain()
            };
            let found = c.delete_matching(&filter(), &options).unwrap();
            assert!(found.unknown.is_empty());
            found.matched.len() + found.scanned
        },
        |c| c.info(WAIT).unwrap().vectors,
    ];
    for (i, read) in reads.into_iter().enumerate() {
        let clock = Clock::manual(START);
        let collection = in_memory(&clock);
        put(&collection, &[("a", 1, Some(START + 10))]);
        assert!(read(&collection) > 0, "{i}");
        clock.advance(10);
        assert_eq!(read(&collection), 0, "{i}");
    }
}

#[test]
fn a_field_that_only_expired_vectors_have_is_unknown() {
    let clock = Clock::manual(START);
    let collection = in_memory(&clock);
    let rows = [("a".to_owned(), row(1)), ("b".to_owned(), row(2))];
    insert_with(&collection, &rows, |i| {
        (i == 0).then(|| r#"{"x":1}"#.into())
    });
    let filter = filter::parse_text(r#"{"x":1}"#).unwrap();
    let unknown = || {
        let options = DeleteOptions {
            dry_run: true,
            ..plain()
        };
        collection
            .delete_matching(&filter, &options)
            .unwrap()
            .unknown
    };
    assert_eq!(unknown(), Vec::<String>::new());
    collection.set_expiry(WAIT, "a", Some(0)).unwrap();
    assert_eq!(unknown(), ["x"]);
    erase(&collection);
    assert_eq!(unknown(), ["x"]);
    assert_eq!(collection.verify_erased(&[]).unwrap(), []);
}

#[test]
fn a_vectors_own_expiry_wins_over_the_ttl_whether_it_is_earlier_or_later() {
    let clock = Clock::manual(START);
    let collection = in_memory(&clock);
    let [early, late] = [START + 5 * SECOND, START + 20 * SECOND];
    put(
        &collection,
        &[
            ("early", 1, Some(early)),
            ("late", 2, Some(late)),
            ("by ttl", 3, None),
        ],
    );
    collection.set_ttl(WAIT, Some(10)).unwrap();
    assert_eq!(collection.info(WAIT).unwrap().ttl, Some(10));
    assert_eq!(expiry_of(&collection, "by ttl"), Some(START + 10 * SECOND));
    assert_eq!(expiry_of(&collection, "late"), Some(late));
    clock.advance(5 * SECOND);
    assert_eq!(ids(&collection), ["late", "by ttl"]);
    clock.advance(5 * SECOND);
    assert_eq!(ids(&collection), ["late"]);
    // Without its own, the TTL applies.
    collection.set_expiry(WAIT, "late", None).unwrap();
    assert_eq!(ids(&collection), Vec::<String>::new());
}

#[test]
fn a_ttl_is_for_those_that_are_there_and_those_that_come_and_can_be_taken_away() {
    let clock = Clock::manual(START);
    let collection = in_memory(&clock);
    put(&collection, &[("a", 1, None)]);
    clock.advance(8 * SECOND);
    collection.set_ttl(WAIT, Some(10)).unwrap();
    put(&collection, &[("b", 2, None)]);
    clock.advance(2 * SECOND);
    assert_eq!(ids(&collection), ["b"]);
    collection.set_ttl(WAIT, Some(11)).unwrap();
    // What has expired does not come back.
    assert_eq!(ids(&collection), ["b"]);
    collection.set_ttl(WAIT, None).unwrap();
    clock.advance(DAY);
    assert_eq!(ids(&collection), ["b"]);
    collection.set_ttl(WAIT, Some(1)).unwrap();
    assert_eq!(ids(&collection), Vec::<String>::new());
    let zero = collection.set_ttl(WAIT, Some(0));
    assert!(matches!(zero, Err(Error::Validation(_))));
}

#[test]
fn what_is_replaced_counts_anew_and_what_is_updated_does_not() {
    let clock = Clock::manual(START);
    let collection = in_memory(&clock);
    collection.set_ttl(WAIT, Some(10)).unwrap();
    put(
        &collection,
        &[
            ("a", 1, None),
            ("b", 2, None),
            ("c", 3, None),
            ("d", 4, Some(START + 99 * SECOND)),
        ],
    );
    clock.advance(5 * SECOND);
    // With its expiry, like everything else.
    put(&collection, &[("a", 1, None), ("d", 4, None)]);
    let data = Update {
        data: Some(row(9)),
        ..Update::default()
    };
    let updated = collection.update(WAIT, "b", &data).unwrap();
    assert_eq!(updated.expires_at, Some(START + 10 * SECOND));
    let described = Update {
        metadata: Some("{}".into()),
        ..Update::default()
    };
    collection.update(WAIT, "c", &described).unwrap();
    assert_eq!(expiry_of(&collection, "a"), Some(START + 15 * SECOND));
    assert_eq!(expiry_of(&collection, "d"), Some(START + 15 * SECOND));
    clock.advance(5 * SECOND);
    assert_eq!(ids(&collection), ["a", "d"]);
}

#[test]
fn an_update_keeps_sets_or_removes_the_expiry_and_may_make_it_expire_at_once() {
    let clock = Clock::manual(START);
    let collection = in_memory(&clock);
    put(&collection, &[("a", 1, Some(START + 10))]);
    let change = |expires_at, data: Option<Vec<f32>>| {
        let update = Update {
            expires_at,
            data,
            ..Update::default()
        };
        collection.update(WAIT, "a", &update)
    };
    for data in [None, Some(row(5))] {
        let kept = change(ExpiryChange::Keep, data.clone()).unwrap();
        assert_eq!(kept.expires_at, Some(START + 10));
        let set = change(ExpiryChange::At(START + 20), data.clone()).unwrap();
        assert_eq!(set.expires_at, Some(START + 20));
        let never = change(ExpiryChange::Never, data.clone()).unwrap();
        assert_eq!(never.expires_at, None);
        change(ExpiryChange::At(START + 10), data).unwrap();
    }
    for at in [-1, LATEST + 1] {
        let wrong = change(ExpiryChange::At(at), None);
        assert!(matches!(wrong, Err(Error::Validation(_))));
        let wrong = collection.set_expiry(WAIT, "a", Some(at));
        assert!(matches!(wrong, Err(Error::Validation(_))));
        let wrong = try_put(&collection, WAIT, &[("x", 1, None), ("y", 1, Some(at))]);
        let Err(Error::Validation(why)) = wrong else {
            panic!("{at} is accepted");
        };
        assert!(why.starts_with("vectors[1].expires_at is "), "{why}");
    }
    let past = change(ExpiryChange::At(0), None).unwrap();
    assert_eq!(past.expires_at, Some(0));
    assert!(is_missing(&change(ExpiryChange::Keep, None)));
    // One that is inserted with an expiry in the past has expired already.
    put(&collection, &[("b", 2, Some(START))]);
    assert_eq!(ids(&collection), Vec::<String>::new());
    assert_eq!(expired(&collection), 2);
}

#[test]
fn a_clock_that_jumps_forward_hides_what_is_due_and_keeps_it_until_it_is_resumed_or_an_hour_later()
{
    for resumes in [true, false] {
        let clock = Clock::manual(START);
        let collection = in_memory(&clock);
        put(&collection, &[("a", 1, Some(START + DAY)), ("b", 2, None)]);
        clock.set(START + 2 * DAY);
        assert_eq!(ids(&collection), ["b"]);
        assert!(!collection.erase_expired().unwrap());
        assert_eq!(expired(&collection), 1);
        let residues = collection.verify_erased(&["a".into()]).unwrap();
        assert_eq!(residues.len(), 1);
        assert!(residues[0].reason.contains("not erased yet"));
        assert_eq!(collection.verify_erased(&[]).unwrap(), []);
        match resumes {
            true => clock.resume(),
            false => clock.advance(3600 * SECOND),
        }
        erase(&collection);
        assert_eq!(expired(&collection), 0);
        assert_eq!(collection.verify_erased(&["a".into()]).unwrap(), []);
    }
}

#[test]
fn a_clock_that_jumps_back_brings_nothing_back_not_even_at_the_next_opening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one");
    let clock = Clock::manual(START);
    let collection = create(&path, &clock);
    put(&collection, &[("a", 1, Some(START + DAY)), ("b", 2, None)]);
    // Nothing is erased.
    clock.set(START + 2 * DAY);
    assert_eq!(ids(&collection), ["b"]);
    clock.set(START);
    assert_eq!(ids(&collection), ["b"]);
    collection.close().unwrap();
    drop(collection);
    let collection = open(&path, &clock);
    assert_eq!(ids(&collection), ["b"]);
    assert_eq!(expired(&collection), 1);
    collection.close().unwrap();
    drop(collection);
    // Another process' clock shows no less than the time of the last write, which is the system's.
    let late = Clock::manual(0);
    let collection = open(&path, &late);
    assert!(late.now() > 1_700_000_000_000);
    // One of the two had a wrong time.
    assert!(late.is_paused());
    assert_eq!(ids(&collection), ["a", "b"]);
    collection.close().unwrap();
}

#[test]
fn an_opening_erases_what_has_expired_before_it_returns_and_their_keys_are_gone() {
    const COUNT: usize = 3000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one");
    let clock = Clock::manual(START);
    let collection = create(&path, &clock);
    let names: Vec<String> = (0..COUNT).map(|i| i.to_string()).collect();
    let rows = names.iter().map(|id| (&**id, 1, Some(START + 10)));
    put(&collection, &rows.collect::<Vec<_>>());
    assert_eq!(collection.count(WAIT, None).unwrap(), COUNT);
    collection.close().unwrap();
    drop(collection);
    clock.advance(10);
    let collection = open(&path, &clock);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.vectors, info.expired), (0, 0));
    assert_eq!(info.erased.vectors, COUNT as u64);
    let keys = std::fs::read(path.join("keys.1")).unwrap();
    assert!(keys[KEYS_OFFSET as usize..].iter().all(|&byte| byte == 0));
    assert_eq!(collection.verify_erased(&names).unwrap(), []);
    collection.close().unwrap();
}

#[test]
fn an_id_that_is_inserted_again_before_its_predecessor_is_erased_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one");
    let clock = Clock::manual(START);
    let collection = create(&path, &clock);
    put(&collection, &[("a", 1, Some(START + 10)), ("b", 2, None)]);
    clock.advance(10);
    assert_eq!(expired(&collection), 1);
    put(&collection, &[("a", 3, None)]);
    assert_eq!(expired(&collection), 0);
    // It is a new vector.
    assert_eq!(ids(&collection), ["b", "a"]);
    assert_eq!(collection.verify_erased(&[]).unwrap(), []);
    collection.close().unwrap();
    drop(collection);
    let collection = open(&path, &clock);
    assert_eq!(ids(&collection), ["b", "a"]);
    assert_eq!(collection.get(WAIT, "a").unwrap().data, Some(row(3)));
    collection.close().unwrap();
}

#[test]
fn a_rewrite_of_the_log_while_some_wait_keeps_them_their_expiry_and_the_ttl() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one");
    let clock = Clock::manual(START);
    let collection = create(&path, &clock);
    collection.set_ttl(WAIT, Some(1000)).unwrap();
    let filler: Vec<String> = (0..100).map(|i| format!("f{i}")).collect();
    put(
        &collection,
        &filler.iter().map(|id| (&**id, 1, None)).collect::<Vec<_>>(),
    );
    let later = START + 9 * DAY;
    put(
        &collection,
        &[
            ("a", 1, Some(START + DAY)),
            ("b", 2, Some(later)),
            ("c", 3, Some(START + DAY)),
        ],
    );
    collection.delete_many(WAIT, &filler, &plain()).unwrap();
    clock.set(START + 2 * DAY);
    assert!(clock.is_paused());
    put(&collection, &[("d", 4, None)]);
    optimize(&collection);
    assert!(path.join("log.2").exists() && !path.join("log.1").exists());
    let check = |collection: &Arc<Collection>| {
        assert_eq!(ids(collection), ["b", "d"]);
        assert_eq!(expired(collection), 2);
        assert_eq!(collection.info(WAIT).unwrap().ttl, Some(1000));
        assert_eq!(expiry_of(collection, "b"), Some(later));
        let by_ttl = START + 2 * DAY + 1000 * SECOND;
        assert_eq!(expiry_of(collection, "d"), Some(by_ttl));
        assert_eq!(collection.verify_erased(&[]).unwrap(), []);
    };
    check(&collection);
    collection.close().unwrap();
    drop(collection);
    let collection = open(&path, &clock);
    check(&collection);
    clock.resume();
    erase(&collection);
    assert_eq!(expired(&collection), 0);
    let gone = ["a".to_owned(), "c".to_owned()];
    assert_eq!(collection.verify_erased(&gone).unwrap(), []);
    assert_eq!(ids(&collection), ["b", "d"]);
    collection.close().unwrap();
}

#[test]
fn a_backup_leaves_out_what_has_expired_and_what_is_restored_expires_when_it_would_have() {
    let directory = tempfile::tempdir().unwrap();
    for path in [None, Some(directory.path().join("store"))] {
        let clock = Clock::manual(START);
        let client = match &path {
            None => Client::open(Options {
                clock: clock.clone(),
                ..Options::default()
            }),
            Some(path) => Client::of(
                open_with(
                    &Files::default(),
                    path,
                    Opening {
                        clock: clock.clone(),
                        ..Opening::default()
                    },
                )
                .unwrap(),
            ),
        };
        let call = client.begin().unwrap();
        let collection = call.create_collection(config()).unwrap();
        collection.set_ttl(WAIT, Some(1000)).unwrap();
        let empty = Config {
            name: "empty".into(),
            ..config()
        };
        let other = call.create_collection(empty).unwrap();
        other.set_ttl(WAIT, Some(7)).unwrap();
        let later = START + 9 * DAY;
        put(
            &collection,
            &[
                ("a", 1, Some(START + DAY)),
                ("b", 2, Some(later)),
                ("c", 3, Some(LATEST)),
            ],
        );
        // Paused, so that the store's thread erases nothing.
        clock.set(START + 2 * DAY);
        assert!(call.expiry_paused());
        put(&collection, &[("d", 4, None)]);
        let name = format!("{}.vecbak", path.is_some());
        let backup = directory.path().join(&name);
        let made = call
            .create_backup(&backup, None, false, &mut |_| ())
            .unwrap();
        assert_eq!(made.backup.vectors, 3);
        let restored = directory.path().join(format!("{name}.store"));
        restore_backup(&backup, &restored, Default::default(), None, &mut |_, _| ()).unwrap();
        let store = open_with(
            &Files::default(),
            &restored,
            Opening {
                clock: clock.clone(),
                ..Opening::default()
            },
        );
        let again = Client::of(store.unwrap());
        let again = again.begin().unwrap();
        let found = again.collection("test").unwrap();
        assert_eq!(ids(&found), ["b", "c", "d"]);
        assert_eq!(expiry_of(&found, "b"), Some(later));
        assert_eq!(expiry_of(&found, "c"), Some(LATEST));
        let by_ttl = START + 2 * DAY + 1000 * SECOND;
        assert_eq!(expiry_of(&found, "d"), Some(by_ttl));
        let other = again.collection("empty").unwrap();
        assert_eq!(other.info(WAIT).unwrap().ttl, Some(7));
        call.resume_expiry();
        assert!(!call.expiry_paused());
    }
}

#[test]
fn a_backup_can_be_restored_if_what_it_has_copied_is_changed_and_expires_before_it_is_complete() {
    const COUNT: usize = 5000;
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let client = Client::open(Options {
        clock: clock.clone(),
        ..Options::default()
    });
    let call = client.begin().unwrap();
    let collection = call.create_collection(config()).unwrap();
    let names: Vec<String> = (0..COUNT).map(|i| i.to_string()).collect();
    let rows = names.iter().map(|id| (&**id, 1, None));
    put(&collection, &rows.collect::<Vec<_>>());
    // Paused, so that the store's thread erases nothing.
    clock.set(START + 2 * DAY);
    let backup = directory.path().join("changing.vecbak");
    let mut told = 0;
    let made = call.create_backup(&backup, None, false, &mut |_| {
        if told == 0 {
            collection.set_expiry(WAIT, "0", Some(0)).unwrap();
        }
        told += 1;
    });
    assert!(told > 0);
    assert_eq!(expired(&collection), 1);
    assert_eq!(made.unwrap().backup.vectors, COUNT as u64 - 1);
    let restored = directory.path().join("restored");
    restore_backup(&backup, &restored, Default::default(), None, &mut |_, _| ()).unwrap();
    let store = open_with(
        &Files::default(),
        &restored,
        Opening {
            clock: clock.clone(),
            ..Opening::default()
        },
    );
    let again = Client::of(store.unwrap());
    let found = again.begin().unwrap().collection("test").unwrap();
    assert_eq!(ids(&found), names[1..]);
}

#[test]
fn what_has_expired_by_a_ttl_does_not_come_back_with_a_longer_one_nor_without() {
    let directory = tempfile::tempdir().unwrap();
    for (i, ttl) in [None, Some(3600)].into_iter().enumerate() {
        let path = directory.path().join(i.to_string());
        let clock = Clock::manual(START);
        let collection = create(&path, &clock);
        collection.set_ttl(WAIT, Some(10)).unwrap();
        put(&collection, &[("a", 1, None)]);
        clock.advance(10 * SECOND);
        put(&collection, &[("b", 2, None)]);
        collection.set_ttl(WAIT, ttl).unwrap();
        assert_eq!(ids(&collection), ["b"]);
        collection.close().unwrap();
        drop(collection);
        let collection = open(&path, &clock);
        assert_eq!(ids(&collection), ["b"]);
        assert_eq!(collection.info(WAIT).unwrap().ttl, ttl);
        assert_eq!(collection.verify_erased(&["a".into()]).unwrap(), []);
        collection.close().unwrap();
    }
}

#[test]
fn a_thread_that_must_not_wait_lets_few_expire_and_leaves_many_to_others() {
    let clock = Clock::manual(START);
    let collection = in_memory(&clock);
    collection.stop_upkeep();
    let names: Vec<String> = (0..5000).map(|i| i.to_string()).collect();
    let rows = names.iter().map(|id| (&**id, 1, Some(START + 20)));
    put(&collection, &rows.collect::<Vec<_>>());
    put(
        &collection,
        &[("few", 1, Some(START + 10)), ("none", 1, None)],
    );
    clock.advance(10);
    assert!(is_missing(&collection.get(Access::Now, "few")));
    assert_eq!(collection.count(Access::Now, None).unwrap(), 5001);
    clock.advance(10);
    for access in [Access::Now, Access::Soon] {
        assert_eq!(collection.count(access, None), Err(Error::WouldBlock));
    }
    for access in [WAIT, Access::Now, Access::Soon] {
        assert_eq!(collection.count(access, None), Ok(1));
    }
    // A portion at a time.
    let mut portions = 1;
    while collection.erase_expired().unwrap() {
        portions += 1;
    }
    assert_eq!(portions, 5);
    assert_eq!(collection.verify_erased(&names).unwrap(), []);
}

#[test]
fn the_thread_of_a_store_erases_what_expires() {
    let directory = tempfile::tempdir().unwrap();
    for path in [None, Some(directory.path().join("store"))] {
        let clock = Clock::manual(START);
        let client = match &path {
            None => Client::open(Options {
                clock: clock.clone(),
                ..Options::default()
            }),
            Some(path) => Client::of(
                open_with(
                    &Files::default(),
                    path,
                    Opening {
                        clock: clock.clone(),
                        ..Opening::default()
                    },
                )
                .unwrap(),
            ),
        };
        let call = client.begin().unwrap();
        let collection = call.create_collection(config()).unwrap();
        put(&collection, &[("a", 1, Some(START + 10)), ("b", 2, None)]);
        clock.advance(10);
        let begin = std::time::Instant::now();
        while collection.info(WAIT).unwrap().erased.vectors == 0 {
            assert!(begin.elapsed().as_secs() < 60);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(collection.verify_erased(&["a".into()]).unwrap(), []);
        assert_eq!(ids(&collection), ["b"]);
    }
}
