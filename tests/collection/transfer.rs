//! Moving, copying and forgetting, in memory and on disk, checked against plain lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vectorizer_native::{
    cancel::{self, Token},
    client::{
        Call, Client, Fate, Forgetting, Forgotten, Opening, Options, Selection, Transfer,
        Transferred, open_on_disk, open_with, restore_backup,
    },
    clock::Clock,
    collection::{
        Collection, Config, DeleteOptions, Guard, Guards, Method, Moving, OnProgress, Refusal,
        SearchOptions, Update,
    },
    error::{Error, Result},
    filter::{self, Filter},
    graph::HnswParams,
    storage::{Files, Fsync},
    vectors::Metric,
};

use crate::{
    place::{DIMENSION, LATER, Stored, contents, expiries, insert, meanwhile, stored, vector},
    support::{Random, WAIT, optimize},
};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A store with its clock.
struct World {
    client: Client,
    clock: Clock,
    directory: Option<TempDir>,
}

impl World {
    fn in_memory() -> Self {
        let clock = Clock::manual(LATER);
        let client = Client::open(Options {
            clock: clock.clone(),
            ..Options::default()
        });
        let directory = None;
        Self {
            client,
            clock,
            directory,
        }
    }

    fn on_disk() -> Self {
        let directory = Some(tempfile::tempdir().unwrap());
        Self::of(Clock::manual(LATER), directory)
    }

    fn of(clock: Clock, directory: Option<TempDir>) -> Self {
        let path = directory.as_ref().unwrap().path();
        let files = Files::default();
        let store = open_with(
            &files,
            path,
            Opening {
                fsync: Some(Fsync::No),
                clock: clock.clone(),
                ..Opening::default()
            },
        );
        Self {
            client: Client::of(store.unwrap()),
            clock,
            directory,
        }
    }

    fn both() -> [Self; 2] {
        let worlds = [Self::in_memory(), Self::on_disk()];
        for world in &worlds {
            world.create_all();
        }
        worlds
    }

    fn call(&self) -> Call {
        self.client.begin().unwrap()
    }

    fn get(&self, name: &str) -> Arc<Collection> {
        self.call().collection(name).unwrap()
    }

    fn create(&self, name: &str, dimension: usize, metric: Metric) {
        let created = self.call().create_collection(Config {
            name: name.into(),
            dimension,
            metric,
            hnsw: HnswParams::default(),
            description: None,
        });
        created.unwrap();
    }

    fn create_all(&self) {
        for name in NAMES {
            self.create(name, DIMENSION, Metric::Euclidean);
        }
    }

    fn transfer(&self, from: &str, to: &str, transfer: Transfer) -> Result<Transferred> {
        self.call().transfer(from, to, transfer)
    }

    fn forget(&self, forgetting: Forgetting) -> Result<Forgotten> {
        self.call().forget(forgetting)
    }

    /// The same after the store has been opened again, if it is on disk.
    fn opened_again(self) -> Self {
        if self.directory.is_none() {
            return self;
        }
        close(&self.client);
        Self::of(self.clock, self.directory)
    }
}

fn close(client: &Client) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(client.close()).unwrap();
}

fn of_source(source: &str) -> Filter {
    filter::parse_text(&format!("{{\"source\":\"{source}\"}}")).unwrap()
}

fn ids(ids: &[&str]) -> Selection {
    Selection::Ids(ids.iter().map(ToString::to_string).collect())
}

fn moving(selection: Selection) -> Transfer {
    Transfer {
        selection,
        moves: true,
        overwrite: false,
        dry_run: false,
        guards: Guards::default(),
        receipt: false,
        reason: None,
        on_progress: None,
    }
}

fn copying(selection: Selection) -> Transfer {
    Transfer {
        moves: false,
        ..moving(selection)
    }
}

fn forgetting(selection: Selection) -> Forgetting {
    Forgetting {
        selection,
        collections: None,
        dry_run: false,
        guards: Guards::default(),
        reason: None,
        on_progress: None,
    }
}

fn fates(transferred: &Transferred) -> Vec<(String, Fate)> {
    let results = transferred.results.iter();
    results.map(|(id, fate)| (id.to_string(), *fate)).collect()
}

fn names(all: &[Stored]) -> Vec<&str> {
    all.iter().map(|stored| &*stored.id).collect()
}

fn message<T>(result: Result<T>) -> String {
    match result {
        Err(Error::Validation(message)) => message,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it is accepted"),
    }
}

fn sha(json: &Value) -> String {
    let digest = Sha256::digest(json.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn source_of(stored: &Stored) -> String {
    let json: Value = serde_json::from_str(stored.metadata.as_deref().unwrap()).unwrap();
    json["source"].as_str().unwrap().to_owned()
}

// Against a model.

#[derive(Debug, Clone)]
enum Chosen {
    Ids(Vec<u8>),
    Source(u8),
}

impl Chosen {
    fn selection(&self) -> Selection {
        match self {
            Chosen::Ids(ids) => Selection::Ids(ids.iter().map(|id| name(*id)).collect()),
            Chosen::Source(source) => Selection::Filter(of_source(&source.to_string())),
        }
    }

    fn has(&self, stored: &Stored) -> bool {
        match self {
            Chosen::Ids(ids) => ids.iter().any(|id| name(*id) == stored.id),
            Chosen::Source(source) => source_of(stored) == source.to_string(),
        }
    }
}

fn name(id: u8) -> String {
    format!("id{id}")
}

fn chosen() -> impl Strategy<Value = Chosen> {
    prop_oneof![
        2 => prop::collection::vec(0u8..16, 0..8).prop_map(Chosen::Ids),
        1 => (0u8..3).prop_map(Chosen::Source),
    ]
}

#[derive(Debug, Clone)]
enum Op {
    Insert(usize, Vec<(u8, u8, u8)>),
    Delete(usize, u8),
    Update(usize, u8, u8),
    Transfer {
        from: usize,
        to: usize,
        chosen: Chosen,
        moves: bool,
        overwrite: bool,
        dry_run: bool,
        at_most: Option<usize>,
    },
    Forget {
        chosen: Chosen,
        collections: Option<Vec<usize>>,
        dry_run: bool,
        expect: Option<usize>,
    },
    Optimize(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let row = (0u8..16, 0u8..200, 0u8..3);
    let guard = || prop::option::weighted(0.2, 0usize..4);
    let dry = || prop::bool::weighted(0.1);
    let options = (any::<bool>(), any::<bool>(), dry(), guard());
    let transfer = (0..3usize, 1..3usize, chosen(), options).prop_map(
        |(from, further, chosen, (moves, overwrite, dry_run, at_most))| Op::Transfer {
            from,
            to: (from + further) % 3,
            chosen,
            moves,
            overwrite,
            dry_run,
            at_most,
        },
    );
    let collections = prop::option::weighted(0.3, prop::collection::vec(0..3usize, 0..4));
    let forget = (chosen(), collections, dry(), guard()).prop_map(
        |(chosen, collections, dry_run, expect)| Op::Forget {
            chosen,
            collections,
            dry_run,
            expect,
        },
    );
    let op = prop_oneof![
        4 => (0..3usize, prop::collection::vec(row, 1..8)).prop_map(|(at, rows)| {
            Op::Insert(at, rows)
        }),
        1 => (0..3usize, 0u8..16).prop_map(|(at, id)| Op::Delete(at, id)),
        1 => (0..3usize, 0u8..16, 0u8..3).prop_map(|(at, id, source)| {
            Op::Update(at, id, source)
        }),
        6 => transfer,
        2 => forget,
        1 => (0..3usize).prop_map(Op::Optimize),
    ];
    prop::collection::vec(op, 1..25)
}

type Model = BTreeMap<&'static str, Vec<Stored>>;

fn put(all: &mut Vec<Stored>, row: Stored) {
    match all.iter_mut().find(|other| other.id == row.id) {
        Some(other) => *other = row,
        None => all.push(row),
    }
}

/// What becomes of each of the chosen vectors.
fn expected(
    from: &[Stored],
    to: &[Stored],
    chosen: &Chosen,
    overwrite: bool,
) -> Vec<(String, Fate)> {
    let is_in = |all: &[Stored], id: &str| all.iter().any(|stored| stored.id == id);
    let fate = |id: &str| match !overwrite && is_in(to, id) {
        true => Fate::Taken,
        false => Fate::Done,
    };
    match chosen {
        Chosen::Source(_) => {
            let matching = from.iter().filter(|stored| chosen.has(stored));
            matching
                .map(|stored| (stored.id.clone(), fate(&stored.id)))
                .collect()
        }
        Chosen::Ids(ids) => {
            let all = ids.iter().enumerate().map(|(at, id)| {
                let first = ids.iter().position(|other| other == id).unwrap();
                let id = name(*id);
                let fate = match (is_in(from, &id), first < at) {
                    (false, _) => Fate::Missing,
                    (true, true) => Fate::Repeated(first),
                    (true, false) => fate(&id),
                };
                (id, fate)
            });
            all.collect()
        }
    }
}

/// The collections start with `base` vectors each: with more than a thousand they have graphs.
fn run(ops: Vec<Op>, mut world: World, base: usize) -> std::result::Result<(), TestCaseError> {
    world.create_all();
    let mut model = Model::new();
    for name in NAMES {
        let row = |i: usize| stored(&format!("{name}{i}"), (i % 251) as u8, &(i % 7).to_string());
        let rows: Vec<Stored> = (0..base).map(row).collect();
        insert(&world.get(name), &rows);
        model.insert(name, rows);
    }
    for op in ops {
        match op {
            Op::Insert(at, rows) => {
                let rows = rows.iter();
                let rows: Vec<Stored> = rows
                    .map(|(id, seed, source)| stored(&name(*id), *seed, &source.to_string()))
                    .collect();
                insert(&world.get(NAMES[at]), &rows);
                let all = model.get_mut(NAMES[at]).unwrap();
                for row in rows {
                    put(all, row);
                }
            }
            Op::Delete(at, id) => {
                let plain = DeleteOptions::default();
                let _ = world.get(NAMES[at]).delete_one(WAIT, &name(id), &plain);
                let all = model.get_mut(NAMES[at]).unwrap();
                all.retain(|stored| stored.id != name(id));
            }
            Op::Update(at, id, source) => {
                let metadata = format!("{{\"source\":\"{source}\"}}");
                let update = Update {
                    metadata: Some(metadata.clone().into()),
                    ..Update::default()
                };
                let _ = world.get(NAMES[at]).update(WAIT, &name(id), &update);
                let mut all = model.get_mut(NAMES[at]).unwrap().iter_mut();
                if let Some(stored) = all.find(|stored| stored.id == name(id)) {
                    stored.metadata = Some(metadata);
                }
            }
            Op::Optimize(at) => {
                optimize(&world.get(NAMES[at]));
                world = world.opened_again();
            }
            Op::Transfer {
                from,
                to,
                chosen,
                moves,
                overwrite,
                dry_run,
                at_most,
            } => {
                let (from, to) = (NAMES[from], NAMES[to]);
                let mut wanted = expected(&model[from], &model[to], &chosen, overwrite);
                let done = wanted.iter().filter(|(_, fate)| *fate == Fate::Done);
                let done: Vec<String> = done.map(|(id, _)| id.clone()).collect();
                let refused = at_most.is_some_and(|most| done.len() > most);
                let applies = !dry_run && !refused;
                let transferred = world.transfer(
                    from,
                    to,
                    Transfer {
                        moves,
                        overwrite,
                        dry_run,
                        guards: Guards {
                            at_most,
                            expect: None,
                        },
                        receipt: moves && !dry_run,
                        ..moving(chosen.selection())
                    },
                );
                let transferred = transferred.unwrap();
                if refused {
                    let kept = wanted.iter_mut().filter(|(_, fate)| *fate == Fate::Done);
                    kept.for_each(|(_, fate)| *fate = Fate::Kept);
                }
                prop_assert_eq!(fates(&transferred), wanted);
                prop_assert_eq!(transferred.applied, applies);
                let refusal = refused.then(|| Refusal {
                    count: done.len(),
                    guard: Guard::AtMost(at_most.unwrap()),
                });
                prop_assert_eq!(transferred.refusal, refusal);
                prop_assert_eq!(transferred.receipt.is_some(), moves && applies);
                if let Some(receipt) = transferred.receipt {
                    let mut sorted = done.clone();
                    sorted.sort();
                    prop_assert_eq!(receipt.deleted, done.len());
                    prop_assert_eq!(receipt.durable, world.directory.is_some());
                    let digest = sha(&json!([receipt.log_sequence, sorted]));
                    prop_assert_eq!(receipt.digest, digest);
                }
                if applies {
                    for id in &done {
                        let stored = model[from].iter().find(|stored| stored.id == *id);
                        let stored = stored.unwrap().clone();
                        put(model.get_mut(to).unwrap(), stored);
                    }
                    if moves {
                        let all = model.get_mut(from).unwrap();
                        all.retain(|stored| !done.contains(&stored.id));
                    }
                }
            }
            Op::Forget {
                chosen,
                collections,
                dry_run,
                expect,
            } => {
                let named = collections.as_ref();
                let wanted: Vec<(&str, usize, Vec<String>)> = model
                    .iter()
                    .filter(|(name, _)| {
                        named.is_none_or(|named| named.iter().any(|at| NAMES[*at] == **name))
                    })
                    .map(|(name, all)| {
                        let matching = all.iter().filter(|stored| chosen.has(stored));
                        (
                            *name,
                            all.len(),
                            matching.map(|one| one.id.clone()).collect(),
                        )
                    })
                    .collect();
                let count: usize = wanted.iter().map(|(_, _, ids)| ids.len()).sum();
                let refused = expect.is_some_and(|expected| count != expected);
                let forgotten = world.forget(Forgetting {
                    collections: named
                        .map(|named| named.iter().map(|at| NAMES[*at].to_owned()).collect()),
                    dry_run,
                    guards: Guards {
                        at_most: None,
                        expect,
                    },
                    reason: Some("asked to".into()),
                    ..forgetting(chosen.selection())
                });
                let forgotten = forgotten.unwrap();
                let applies = !dry_run && !refused;
                let found: Vec<(&str, usize, Vec<String>)> = forgotten
                    .collections
                    .iter()
                    .map(|one| {
                        let ids = one.matched.iter().map(ToString::to_string);
                        (&*one.collection, one.scanned, ids.collect())
                    })
                    .collect();
                prop_assert_eq!(&found, &wanted);
                prop_assert_eq!(forgotten.applied, applies);
                prop_assert_eq!(forgotten.refusal.is_some(), refused);
                prop_assert_eq!(forgotten.receipt.is_some(), applies);
                if let Some(receipt) = forgotten.receipt {
                    let deleted = wanted.iter().filter(|(_, _, ids)| !ids.is_empty());
                    let told: Vec<Value> = deleted
                        .clone()
                        .zip(&receipt.collections)
                        .map(|((name, _, ids), told)| {
                            let mut sorted = ids.clone();
                            sorted.sort();
                            assert_eq!((told.0.as_str(), told.1), (*name, ids.len()));
                            json!([name, told.2, sorted])
                        })
                        .collect();
                    prop_assert_eq!(receipt.collections.len(), deleted.count());
                    prop_assert_eq!(receipt.deleted, count);
                    prop_assert_eq!(receipt.digest, sha(&Value::from(told)));
                    prop_assert_eq!(receipt.reason.as_deref(), Some("asked to"));
                    prop_assert_eq!(receipt.durable, world.directory.is_some());
                }
                if applies {
                    let wanted: Vec<&str> = wanted.iter().map(|(name, ..)| *name).collect();
                    for (name, all) in &mut model {
                        if wanted.contains(name) {
                            all.retain(|stored| !chosen.has(stored));
                        }
                    }
                }
            }
        }
        for (name, all) in &model {
            prop_assert_eq!(&contents(&world.get(name)), all);
        }
    }
    let world = world.opened_again();
    for (name, all) in &model {
        let collection = world.get(name);
        prop_assert_eq!(&contents(&collection), all);
        for source in ["0", "1", "2"] {
            let matching = all.iter().filter(|stored| source_of(stored) == source);
            let found = collection.count(WAIT, Some(&of_source(source))).unwrap();
            prop_assert_eq!(found, matching.count());
        }
        for stored in all.iter().rev().take(3) {
            let exact = SearchOptions {
                method: Method::Scan,
                ..SearchOptions::default()
            };
            let found = collection.search(stored.data.clone(), &exact);
            let nearest = found.unwrap().remove(0);
            let same = all.iter().filter(|other| other.data == stored.data);
            prop_assert!(names(&same.cloned().collect::<Vec<_>>()).contains(&&*nearest.id));
        }
        let there: BTreeSet<&str> = names(all).into_iter().collect();
        let gone = (0..16).map(self::name);
        let gone: Vec<String> = gone.filter(|id| !there.contains(&**id)).collect();
        prop_assert_eq!(collection.verify_erased(&gone).unwrap(), []);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 150,
        ..Default::default()
    })]

    #[test]
    fn collections_that_exchange_vectors_are_ordered_lists(ops in ops()) {
        run(ops, World::in_memory(), 0)?;
    }

    #[test]
    fn on_disk_they_are_too_however_often_the_store_is_opened_again(ops in ops()) {
        run(ops, World::on_disk(), 0)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 6,
        ..Default::default()
    })]

    #[test]
    fn and_so_they_are_with_graphs(ops in ops(), on_disk in any::<bool>()) {
        let world = match on_disk {
            true => World::on_disk(),
            false => World::in_memory(),
        };
        run(ops, world, 1100)?;
    }
}

// Refusals.

#[test]
fn what_cannot_be_put_in_the_destination_is_refused_and_nothing_is_moved() {
    for world in World::both() {
        world.create("longer", DIMENSION + 1, Metric::Euclidean);
        world.create("directions", DIMENSION, Metric::Cosine);
        let mut rows = vec![stored("x", 1, "s"), stored("zero", 2, "s")];
        rows[1].data = vec![0.0; DIMENSION];
        let a = world.get("a");
        insert(&a, &rows);
        let same = message(world.transfer("a", "a", moving(ids(&["x"]))));
        assert!(same.contains("'a'"), "{same}");
        let Err(Error::DimensionMismatch {
            what,
            expected,
            got,
        }) = world.transfer("a", "longer", moving(ids(&[])))
        else {
            panic!("it is accepted");
        };
        assert!(what.contains("'longer'"), "{what}");
        assert_eq!((expected, got), (DIMENSION + 1, DIMENSION));
        for transfer in [moving, copying] {
            for dry_run in [true, false] {
                let whole = Transfer {
                    dry_run,
                    ..transfer(ids(&["x", "zero"]))
                };
                let why = message(world.transfer("a", "directions", whole));
                assert!(why.contains("'zero'") && why.contains("all zeros"), "{why}");
            }
        }
        for (from, to) in [("none", "a"), ("a", "none")] {
            let missing = world.transfer(from, to, moving(ids(&["x"])));
            assert_eq!(
                missing.unwrap_err(),
                Error::CollectionNotFound("none".into())
            );
        }
        let missing = world.forget(Forgetting {
            collections: Some(vec!["a".into(), "none".into()]),
            ..forgetting(ids(&["x"]))
        });
        assert_eq!(
            missing.unwrap_err(),
            Error::CollectionNotFound("none".into())
        );
        assert_eq!(contents(&a), rows);
        assert_eq!(contents(&world.get("directions")), []);
        // Without the one that has no direction, it works.
        let moved = world.transfer("a", "directions", moving(ids(&["x"])));
        assert!(moved.unwrap().applied);
        assert_eq!(contents(&world.get("directions")), rows[..1]);
        // The other way round, there is nothing to check.
        let back = world.transfer("directions", "a", moving(ids(&["x"])));
        assert!(back.unwrap().applied);
    }
}

#[test]
fn fields_that_no_vector_has_are_reported_for_each_collection() {
    for world in World::both() {
        insert(&world.get("a"), &[stored("x", 1, "s")]);
        let user = filter::parse_text(r#"{"user":"u1"}"#).unwrap();
        let forgotten = world.forget(forgetting(Selection::Filter(user))).unwrap();
        let unknown = forgotten.collections.iter().map(|one| &one.unknown[..]);
        // The others are empty.
        let expected: [&[String]; 3] = [&["user".into()], &[], &[]];
        assert_eq!(unknown.collect::<Vec<_>>(), expected);
        let receipt = forgotten.receipt.unwrap();
        assert_eq!((receipt.deleted, receipt.bytes_erased), (0, 0));
        assert_eq!(receipt.collections, []);
        assert_eq!(receipt.digest, sha(&json!([])));
    }
}

#[test]
fn a_forget_erases_the_bytes_that_its_receipt_says() {
    for world in World::both() {
        let row = |id: &str| stored(id, 3, "s");
        insert(&world.get("a"), &[row("x"), row("y")]);
        insert(&world.get("c"), &[row("x")]);
        let receipt = world.forget(forgetting(ids(&["x", "x"]))).unwrap().receipt;
        let receipt = receipt.unwrap();
        let texts = row("x").metadata.unwrap().len() + row("x").text.unwrap().len() + 1;
        let one = (4 * DIMENSION + texts) as u64;
        assert_eq!((receipt.deleted, receipt.bytes_erased), (2, 2 * one));
        for name in ["a", "c"] {
            let erased = world.get(name).info(WAIT).unwrap().erased;
            assert_eq!((erased.vectors, erased.bytes), (1, one), "{name}");
        }
    }
}

// Times.

#[test]
fn its_own_expiry_goes_along_and_a_ttl_counts_from_the_move() {
    for world in World::both() {
        let (a, b) = (world.get("a"), world.get("b"));
        insert(&a, &[stored("own", 1, "s"), stored("none", 2, "s")]);
        a.set_expiry(WAIT, "own", Some(LATER + 50_000)).unwrap();
        b.set_ttl(WAIT, Some(10)).unwrap();
        world.clock.advance(5_000);
        let moved = world.transfer("a", "b", moving(ids(&["own", "none"])));
        assert!(moved.unwrap().applied);
        assert_eq!(expiries(&b), [Some(LATER + 50_000), Some(LATER + 15_000)]);
        drop((a, b));
        let world = world.opened_again();
        let b = world.get("b");
        assert_eq!(expiries(&b), [Some(LATER + 50_000), Some(LATER + 15_000)]);
        world.clock.advance(10_000);
        assert_eq!(names(&contents(&b)), ["own"]);
    }
}

#[test]
fn what_has_expired_is_neither_moved_nor_in_the_way() {
    for world in World::both() {
        let (a, b) = (world.get("a"), world.get("b"));
        insert(&a, &[stored("x", 1, "s"), stored("y", 2, "s")]);
        insert(&b, &[stored("x", 3, "s")]);
        a.set_expiry(WAIT, "y", Some(LATER + 1_000)).unwrap();
        b.set_expiry(WAIT, "x", Some(LATER + 1_000)).unwrap();
        world.clock.advance(1_000);
        let moved = world.transfer("a", "b", moving(ids(&["x", "y"]))).unwrap();
        let expected = [("x".into(), Fate::Done), ("y".into(), Fate::Missing)];
        assert_eq!(fates(&moved), expected);
        assert_eq!(contents(&b), [stored("x", 1, "s")]);
        drop((a, b));
        let world = world.opened_again();
        assert_eq!(contents(&world.get("b")), [stored("x", 1, "s")]);
        assert_eq!(contents(&world.get("a")), []);
    }
}

/// The clock has jumped, so that nothing that has expired by it is erased.
fn forgotten_while_paused(world: &World, selection: Selection) {
    let (a, b, c) = (world.get("a"), world.get("b"), world.get("c"));
    let row = |id: &str| stored(id, 1, "s");
    insert(&a, &[row("y"), stored("other", 2, "t"), row("x")]);
    insert(&b, &[row("y")]);
    insert(&c, &[stored("z", 3, "t")]);
    for (collection, id) in [(&a, "y"), (&a, "other"), (&b, "y")] {
        let soon = Some(LATER + 1_000);
        collection.set_expiry(WAIT, id, soon).unwrap();
    }
    world.clock.set(LATER + 7 * 24 * 3600 * 1000);
    assert!(world.clock.is_paused());
    let info = |collection: &Collection| collection.info(WAIT).unwrap();
    assert_eq!((info(&a).expired, info(&b).expired), (2, 1));
    let updated_at = info(&b).updated_at;
    let (before, erased) = (info(&a).erased, info(&b).erased);
    let forgotten = world.forget(Forgetting {
        guards: Guards {
            at_most: None,
            expect: Some(1),
        },
        ..forgetting(selection)
    });
    let forgotten = forgotten.unwrap();
    assert!(forgotten.applied);
    let found = forgotten.collections.iter().map(|one| {
        let matched = one.matched.iter().map(|id| &**id);
        (one.scanned, matched.collect::<Vec<_>>())
    });
    let expected = [(1, vec!["x"]), (0, vec![]), (1, vec![])];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let receipt = forgotten.receipt.unwrap();
    let [(name, 1, sequence)] = &receipt.collections[..] else {
        panic!("{receipt:?}");
    };
    assert_eq!((&**name, receipt.deleted), ("a", 1));
    assert_eq!(receipt.digest, sha(&json!([["a", sequence, ["x"]]])));
    let one = row("x");
    let texts = one.metadata.unwrap().len() + one.text.unwrap().len() + 1;
    assert_eq!(receipt.bytes_erased, (4 * DIMENSION + texts) as u64);

    assert_eq!((info(&a).expired, info(&b).expired), (1, 0));
    assert_eq!(info(&a).erased.vectors, before.vectors + 2);
    assert_eq!(info(&b).erased.vectors, erased.vectors + 1);
    assert_eq!(info(&b).updated_at, updated_at);
    for collection in [&a, &b] {
        let gone = ["x", "y"].map(String::from);
        assert_eq!(collection.verify_erased(&gone).unwrap(), []);
    }
}

#[test]
fn what_has_expired_and_is_not_erased_yet_is_forgotten_too_and_not_counted() {
    let selections = [
        || Selection::Filter(of_source("s")),
        || Selection::Filter(filter::parse_text(r#"{"must":[{"has_id":["x","y"]}]}"#).unwrap()),
        || ids(&["y", "x", "y", "none"]),
    ];
    for selection in selections {
        for world in World::both() {
            forgotten_while_paused(&world, selection());
            let world = world.opened_again();
            assert_eq!(contents(&world.get("a")), []);
            assert_eq!(contents(&world.get("c")), [stored("z", 3, "t")]);
            // A second one finds nothing, not even for a write.
            let receipt = world.forget(forgetting(selection())).unwrap().receipt;
            assert_eq!(receipt.unwrap().collections, []);
        }
    }
}

#[test]
fn what_expires_during_a_forget_is_forgotten_as_it_was_selected() {
    for world in World::both() {
        for name in NAMES {
            insert(
                &world.get(name),
                &[stored("x", 1, "s"), stored("y", 2, "t")],
            );
        }
        for name in ["a", "c"] {
            let soon = Some(LATER + 1_000);
            world.get(name).set_expiry(WAIT, "x", soon).unwrap();
            world.get(name).set_expiry(WAIT, "y", soon).unwrap();
        }
        let clock = world.clock.clone();
        let progress: OnProgress = Box::new(move |_, progress| {
            if progress.done == 0 {
                clock.advance(1_000);
            }
        });
        let forgotten = world.forget(Forgetting {
            on_progress: Some(progress),
            ..forgetting(Selection::Filter(of_source("s")))
        });
        let receipt = forgotten.unwrap().receipt.unwrap();
        let deleted = receipt.collections.iter();
        let deleted: Vec<_> = deleted.map(|(name, count, _)| (&**name, *count)).collect();
        assert_eq!(deleted, NAMES.map(|name| (name, 1)));
        for (name, left) in [("a", &[][..]), ("b", &["y"]), ("c", &[])] {
            let collection = world.get(name);
            assert_eq!(names(&contents(&collection)), left, "{name}");
            let gone = collection.verify_erased(&["x".into()]).unwrap();
            assert_eq!(gone, [], "{name}");
        }
    }
}

#[test]
fn what_expires_while_other_writes_wait_for_a_move_is_moved_as_it_was_selected() {
    let world = World::in_memory();
    world.create_all();
    let (a, b) = (world.get("a"), world.get("b"));
    let row = |i: usize| stored(&format!("v{i}"), (i % 251) as u8, "s");
    let rows: Vec<Stored> = (0..900).map(row).collect();
    insert(&a, &rows);
    for (row, after) in rows.iter().zip(1..) {
        a.set_expiry(WAIT, &row.id, Some(LATER + after)).unwrap();
    }
    let transfer = moving(Selection::Filter(of_source("s")));
    let mut step = Moving::new(a.clone(), b.clone(), transfer).unwrap();
    assert!(step.select().unwrap().is_none());
    let is_over = AtomicBool::new(false);
    let moved = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                if world.clock.now() < LATER + 400 {
                    world.clock.advance(1);
                }
                for collection in [&a, &b] {
                    collection.count(WAIT, None).unwrap();
                }
            }
        });
        let moved = step.commit_at_last(None);
        is_over.store(true, Ordering::SeqCst);
        moved
    });
    let moved = moved.unwrap();
    assert!(moved.results.iter().all(|(_, fate)| *fate == Fate::Done));
    let expired = (world.clock.now() - LATER) as usize;
    assert!(moved.results.len() >= rows.len() - expired);
    assert_eq!(contents(&a), []);
    assert_eq!(contents(&b), rows[expired..]);
}

// While others write.

#[test]
fn what_changes_while_it_is_read_is_moved_as_it_is_then() {
    for world in World::both() {
        let (a, b) = (world.get("a"), world.get("b"));
        let rows: Vec<_> = (0..6).map(|i| stored(&format!("v{i}"), i, "s")).collect();
        insert(&a, &rows);
        let (from, to) = (a.clone(), b.clone());
        let on_progress = meanwhile("prepare", move || {
            let update = Update {
                metadata: Some(r#"{"source":"s","new":true}"#.into()),
                ..Update::default()
            };
            from.update(WAIT, "v1", &update).unwrap();
            from.set_expiry(WAIT, "v2", Some(LATER + 9_000)).unwrap();
            from.delete_one(WAIT, "v3", &DeleteOptions::default())
                .unwrap();
            insert(&from, &[stored("v4", 40, "s"), stored("v9", 9, "s")]);
            insert(&to, &[stored("v5", 50, "other")]);
        });
        let moved = world.transfer(
            "a",
            "b",
            Transfer {
                on_progress: Some(on_progress),
                ..moving(Selection::Filter(of_source("s")))
            },
        );
        let moved = moved.unwrap();
        let mut expected = [
            stored("v5", 50, "other"),
            stored("v0", 0, "s"),
            stored("v1", 1, "s"),
            stored("v2", 2, "s"),
            stored("v4", 40, "s"),
            stored("v9", 9, "s"),
        ];
        expected[2].metadata = Some(r#"{"source":"s","new":true}"#.into());
        assert_eq!(contents(&b), expected);
        assert_eq!(expiries(&b)[3], Some(LATER + 9_000));
        assert_eq!(contents(&a), [stored("v5", 5, "s")]);
        let taken = moved
            .results
            .iter()
            .filter(|(_, fate)| *fate == Fate::Taken);
        assert_eq!(taken.map(|(id, _)| &**id).collect::<Vec<_>>(), ["v5"]);
    }
}

#[test]
fn progress_is_told_in_order_and_ends_with_all() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = |told: &Arc<Mutex<Vec<String>>>| -> OnProgress {
        let told = told.clone();
        Box::new(move |phase, progress| {
            let one = format!("{phase} {}/{}", progress.done, progress.total);
            told.lock().unwrap().push(one);
        })
    };
    let seen = || std::mem::take(&mut *told.lock().unwrap());
    for world in World::both() {
        let rows: Vec<_> = (0..3).map(|i| stored(&format!("v{i}"), i, "s")).collect();
        insert(&world.get("a"), &rows);
        let transfer = |selection| Transfer {
            on_progress: Some(listener(&told)),
            ..moving(selection)
        };
        world
            .transfer("a", "b", transfer(ids(&["v0", "v1"])))
            .unwrap();
        assert_eq!(seen(), ["prepare 0/2", "prepare 2/2", "insert 2/2"]);
        world.transfer("a", "b", transfer(ids(&["v0"]))).unwrap();
        assert_eq!(seen(), ["prepare 0/0", "insert 0/0"]);
        let forgotten = world.forget(Forgetting {
            on_progress: Some(listener(&told)),
            ..forgetting(Selection::Filter(of_source("s")))
        });
        assert!(forgotten.unwrap().applied);
        assert_eq!(seen(), ["forget 0/3", "forget 1/3", "forget 3/3"]);
    }
}

#[test]
fn a_cancelled_call_has_moved_and_forgotten_nothing() {
    for world in World::both() {
        let rows = [stored("x", 1, "s"), stored("y", 2, "s")];
        insert(&world.get("a"), &rows);
        insert(&world.get("b"), &rows[..1]);
        let token = Arc::new(Token::default());
        let other = token.clone();
        let on_progress = meanwhile("prepare", move || {
            assert!(other.cancel());
        });
        let transfer = Transfer {
            on_progress: Some(on_progress),
            overwrite: true,
            ..moving(ids(&["x", "y"]))
        };
        let work = || world.transfer("a", "b", transfer);
        let moved = cancel::during(Some(token.clone()), work);
        assert_eq!(moved.unwrap_err(), Error::Cancelled);
        let work = || world.forget(forgetting(ids(&["x"])));
        let forgotten = cancel::during(Some(token), work);
        assert_eq!(forgotten.unwrap_err(), Error::Cancelled);
        let world = world.opened_again();
        assert_eq!(contents(&world.get("a")), rows);
        assert_eq!(contents(&world.get("b")), rows[..1]);
    }
}

/// Two move everything to and fro, others insert and change vectors, and one forgets some: at the
/// end each vector is in exactly one collection, as it was last written.
#[test]
fn movers_in_opposite_directions_and_writers_neither_block_each_other_nor_lose_a_vector() {
    const WRITERS: u8 = 2;
    const EACH: u8 = 60;
    for world in [World::in_memory(), World::on_disk()] {
        world.create_all();
        let barrier = Barrier::new(usize::from(WRITERS) + 3);
        let written = AtomicBool::new(false);
        let world = &world;
        thread::scope(|scope| {
            for (from, to) in [("a", "b"), ("b", "a")] {
                let (barrier, written) = (&barrier, &written);
                scope.spawn(move || {
                    barrier.wait();
                    while !written.load(Ordering::Acquire) {
                        let kept = Selection::Filter(of_source("kept"));
                        world.transfer(from, to, moving(kept)).unwrap();
                    }
                });
            }
            let barrier = &barrier;
            let forgetter = scope.spawn(move || {
                barrier.wait();
                for _ in 0..EACH {
                    let gone = Selection::Filter(of_source("gone"));
                    world.forget(forgetting(gone)).unwrap();
                }
            });
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn(move || {
                        barrier.wait();
                        let mut random = Random(u64::from(writer));
                        for i in 0..EACH {
                            let name = ["a", "b"][random.below(2)];
                            let id = format!("{writer}-{i}");
                            insert(&world.get(name), &[stored(&id, i, "kept")]);
                            let gone = format!("{id}-gone");
                            insert(&world.get("c"), &[stored(&gone, i, "gone")]);
                            insert(&world.get(name), &[stored(&gone, i, "gone")]);
                            // Wherever it is now, if it does not move under way.
                            let update = Update {
                                text: Some(format!("text {id}").into()),
                                data: Some(vector(i + 100)),
                                ..Update::default()
                            };
                            let update =
                                |name: &str| match world.get(name).update(WAIT, &id, &update) {
                                    Err(Error::VectorNotFound { .. }) => false,
                                    updated => updated.is_ok() || panic!("{updated:?}"),
                                };
                            while !update("a") && !update("b") {}
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.join().unwrap();
            }
            forgetter.join().unwrap();
            written.store(true, Ordering::Release);
        });
        world
            .forget(forgetting(Selection::Filter(of_source("gone"))))
            .unwrap();
        let mut found: Vec<Stored> = contents(&world.get("a"));
        found.extend(contents(&world.get("b")));
        found.sort_by(|one, other| one.id.cmp(&other.id));
        let mut expected: Vec<Stored> = (0..WRITERS)
            .flat_map(|writer| {
                (0..EACH).map(move |i| {
                    let id = format!("{writer}-{i}");
                    Stored {
                        text: Some(format!("text {id}")),
                        data: vector(i + 100),
                        ..stored(&id, i, "kept")
                    }
                })
            })
            .collect();
        expected.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(found, expected);
        assert_eq!(contents(&world.get("c")), []);
    }
}

#[test]
fn who_looks_in_the_source_and_then_in_the_destination_finds_what_is_moved() {
    for world in World::both() {
        let rows: Vec<_> = (0..200).map(|i| stored(&format!("v{i}"), i, "s")).collect();
        let (a, b) = (world.get("a"), world.get("b"));
        insert(&a, &rows);
        let moved = AtomicBool::new(false);
        thread::scope(|scope| {
            for reader in 0..2 {
                let (a, b, moved) = (&a, &b, &moved);
                scope.spawn(move || {
                    let mut random = Random(reader);
                    while !moved.load(Ordering::Acquire) {
                        let id = format!("v{}", random.below(200));
                        let found = a.get(WAIT, &id).is_ok() || b.get(WAIT, &id).is_ok();
                        assert!(found, "{id} is nowhere");
                    }
                });
            }
            for begin in (0..200).step_by(10) {
                let some = (begin..begin + 10).map(|i| format!("v{i}")).collect();
                world
                    .transfer("a", "b", moving(Selection::Ids(some)))
                    .unwrap();
            }
            moved.store(true, Ordering::Release);
        });
        assert_eq!(contents(&b), rows);
        assert_eq!(contents(&a), []);
    }
}

/// A copy of the source and one of the destination, made one after the other, have each vector.
#[test]
fn a_backup_has_every_vector_that_is_moved_meanwhile_exactly_once() {
    let world = World::on_disk();
    world.create_all();
    let rows: Vec<_> = (0..40).map(|i| stored(&format!("v{i}"), i, "s")).collect();
    insert(&world.get("a"), &rows);
    let backups = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..5).map(|i| backups.path().join(i.to_string())).collect();
    let made = AtomicBool::new(false);
    thread::scope(|scope| {
        let (world, made) = (&world, &made);
        scope.spawn(move || {
            while !made.load(Ordering::Acquire) {
                for (from, to) in [("a", "b"), ("b", "a")] {
                    let all = Selection::Filter(of_source("s"));
                    world.transfer(from, to, moving(all)).unwrap();
                }
            }
        });
        for file in &files {
            let call = world.call();
            call.create_backup(file, None, false, &mut |_| ()).unwrap();
        }
        made.store(true, Ordering::Release);
    });
    for file in files {
        let restored = tempfile::tempdir().unwrap();
        let path = restored.path().join("store");
        let source = Default::default();
        restore_backup(&file, &path, source, None, &mut |_, _| ()).unwrap();
        let store = open_on_disk(&Files::default(), &path, None, None);
        let client = Client::of(store.unwrap());
        let call = client.begin().unwrap();
        let all = NAMES
            .map(|name| contents(&call.collection(name).unwrap()))
            .concat();
        let mut found: Vec<&str> = names(&all);
        let mut expected = names(&rows);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        drop(call);
        close(&client);
    }
}

#[test]
fn a_backup_keeps_neither_a_forget_nor_a_copy_nor_another_backup_waiting() {
    let world = World::on_disk();
    world.create_all();
    let rows: Vec<_> = (0..4).map(|i| stored(&format!("v{i}"), i, "s")).collect();
    insert(&world.get("a"), &rows);
    let backups = tempfile::tempdir().unwrap();
    let [file, other] = ["one", "other"].map(|name| backups.path().join(name));
    let mut done = false;
    let mut during = |_| {
        if done {
            return;
        }
        done = true;
        world
            .transfer("a", "b", copying(ids(&["v0", "v1"])))
            .unwrap();
        let forgotten = world.forget(forgetting(ids(&["v1"]))).unwrap();
        assert_eq!(forgotten.receipt.unwrap().deleted, 2);
        let call = world.call();
        call.create_backup(&other, None, false, &mut |_| ())
            .unwrap();
    };
    let call = world.call();
    call.create_backup(&file, None, false, &mut during).unwrap();
    assert!(done);
}

#[test]
fn a_forget_looks_once_in_each_collection_though_their_names_are_exchanged_meanwhile() {
    let world = World::in_memory();
    world.create_all();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (world, done) = (&world, &done);
        scope.spawn(move || {
            let call = world.call();
            while !done.load(Ordering::Acquire) {
                for (old, new) in [("b", "x"), ("a", "b"), ("x", "a")] {
                    call.rename_collection(old, new).unwrap();
                }
            }
        });
        let forget = |round| {
            world.forget(Forgetting {
                collections: Some(vec!["a".into(), "b".into()]),
                dry_run: round % 2 == 0,
                ..forgetting(ids(&["nobody"]))
            })
        };
        let outcomes: Vec<_> = (0..2000).map(forget).collect();
        done.store(true, Ordering::Release);
        for outcome in outcomes {
            match outcome {
                Ok(forgotten) => assert_eq!(forgotten.collections.len(), 2),
                Err(error) => assert!(matches!(error, Error::CollectionNotFound(_))),
            }
        }
    });
}
