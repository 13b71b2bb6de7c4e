//! Changing the settings of collections in memory, and deleting those that are empty.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use tokio::sync::oneshot::error::TryRecvError;
use vectorizer_native::{
    client::{Call, Client, ReindexOptions, Store},
    clock::Clock,
    collection::{Collection, Config, Progress},
    error::Error,
    graph::{GraphBuilder, HnswParams},
    vectors::Metric,
};

use crate::support::*;

const DIMENSION: usize = 16;
const COUNT: usize = 3000;

fn client() -> Client {
    Client::of(Arc::new(Store::default()))
}

fn config(name: &str, hnsw: HnswParams) -> Config {
    Config {
        name: name.into(),
        dimension: DIMENSION,
        metric: Metric::Euclidean,
        hnsw,
        description: None,
    }
}

fn create(call: &Call, name: &str) -> Arc<Collection> {
    let config = config(name, HnswParams::default());
    call.create_collection(config).unwrap()
}

fn rows(from: usize, to: usize) -> Vec<(String, Vec<f32>)> {
    let row = |i: usize| Random(i as u64 + 1).clustered(DIMENSION, 20);
    (from..to).map(|i| (i.to_string(), row(i))).collect()
}

fn names(call: &Call) -> Vec<String> {
    call.collections().iter().map(|one| one.name()).collect()
}

/// The share of the ten nearest that a walk through the graph finds.
fn recall(collection: &Collection, rows: &[(String, Vec<f32>)]) -> f64 {
    let (mut found, mut expected) = (0, 0);
    for (_, query) in rows.iter().step_by(60) {
        let pairs = rows.iter().map(|(id, row)| (id.as_str(), row.as_slice()));
        let nearest = nearest(Metric::Euclidean, pairs, query, 10);
        let results = walk(collection, query, 10);
        let hits = results.iter().filter(|item| {
            let id: &str = &item.id;
            nearest.iter().any(|near| near == id)
        });
        found += hits.count();
        expected += nearest.len();
    }
    found as f64 / expected as f64
}

#[test]
fn a_rebuilt_graph_has_its_new_parameters_and_the_previous_one_serves_searches_meanwhile() {
    for builder in [GraphBuilder::Own, GraphBuilder::HnswRs] {
        let few = HnswParams {
            m: 4,
            ef_construction: 8,
            ef_search: 10,
            builder,
        };
        let collection = with_params(DIMENSION, Metric::Euclidean, few);
        let rows = rows(0, COUNT);
        insert(&collection, &rows);
        optimize(&collection);
        let before = (recall(&collection, &rows), collection.info(WAIT).unwrap());
        let options = ReindexOptions {
            m: Some(32),
            ef_construction: Some(200),
            ef_search: Some(64),
        };
        let (config, is_complete) = collection.reindex(options).unwrap();
        assert!(!is_complete);
        let params = config.hnsw;
        assert_eq!((params.m, params.ef_construction), (32, 200));
        assert_eq!((params.ef_search, params.builder), (64, builder));
        assert_eq!(collection.config().hnsw, params);
        let mut done = collection.optimize(None).unwrap();
        let mut searches = 0;
        loop {
            match done.try_recv() {
                Err(TryRecvError::Empty) => {}
                outcome => break outcome.unwrap().unwrap(),
            }
            // No vector has to be scanned because it is in no graph.
            let info = collection.info(WAIT).unwrap();
            assert_eq!((info.indexed, info.pending), (COUNT, 0));
            let (id, row) = &rows[searches % COUNT];
            assert_eq!(walk(&collection, row, 10).len(), 10, "{id}");
            searches += 1;
        }
        assert!(searches > 0);
        let after = (recall(&collection, &rows), collection.info(WAIT).unwrap());
        assert!(after.0 > before.0.max(0.95), "{after:?} {before:?}");
        // Each node has 56 more links, except that it is in fewer upper layers.
        let grown = after.1.memory_bytes.saturating_sub(before.1.memory_bytes);
        assert!(grown > COUNT * 50 * 4, "{grown}");
        assert_eq!(after.1.updated_at, before.1.updated_at);
    }
}

#[test]
fn of_several_rebuilds_the_last_parameters_win() {
    let collection = with_params(DIMENSION, Metric::Euclidean, HnswParams::default());
    let rows = rows(0, COUNT);
    insert(&collection, &rows);
    let memory = || collection.info(WAIT).unwrap().memory_bytes;
    // The first graph is still being built.
    for m in [64, 8, 48, 4] {
        let options = ReindexOptions {
            m: Some(m),
            ..ReindexOptions::default()
        };
        collection.reindex(options).unwrap();
    }
    optimize(&collection);
    assert_eq!(collection.config().hnsw.m, 4);
    let little = memory();
    // Built anew with the parameters that it has.
    let (_, is_complete) = collection.reindex(ReindexOptions::default()).unwrap();
    assert!(!is_complete);
    optimize(&collection);
    assert!(memory().abs_diff(little) < COUNT * 8, "{little}");
    let options = ReindexOptions {
        m: Some(16),
        ..ReindexOptions::default()
    };
    collection.reindex(options).unwrap();
    optimize(&collection);
    assert!(memory() > little + COUNT * 15 * 4);
}

#[test]
fn a_graph_is_built_anew_by_its_builder_also_if_it_was_just_being_repaired() {
    let params = HnswParams {
        builder: GraphBuilder::HnswRs,
        ..HnswParams::default()
    };
    let collection = with_params(DIMENSION, Metric::Euclidean, params);
    insert(&collection, &rows(0, COUNT));
    optimize(&collection);
    // More than one portion, and too few for the background to begin at once; if it begins
    // nevertheless, more of them are inserted.
    let is_rebuilt = (0..20).any(|round| {
        let first = COUNT + 520 * round;
        insert(&collection, &rows(first, first + 520));
        let (asked, told) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let (reindexed, built) = (collection.clone(), told.clone());
        let on_progress = move |phase: &'static str, progress: Progress| {
            if phase == "build" {
                built.fetch_add(1, Ordering::SeqCst);
                return;
            }
            // The first call precedes the work.
            let is_inserting = phase == "insert" && progress.done < progress.total;
            if is_inserting && asked.fetch_add(1, Ordering::SeqCst) == 1 {
                let options = ReindexOptions {
                    m: Some(24),
                    ..ReindexOptions::default()
                };
                reindexed.reindex(options).unwrap();
            }
        };
        let done = collection.optimize(Some(Box::new(on_progress))).unwrap();
        done.blocking_recv().unwrap().unwrap();
        let is_asked = collection.config().hnsw.m == 24;
        assert_eq!(is_asked, told.load(Ordering::SeqCst) > 0);
        is_asked
    });
    assert!(is_rebuilt);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.pending, info.deleted), (0, 0));
}

#[test]
fn what_is_written_during_a_rebuild_is_found_after_it() {
    let collection = with_params(DIMENSION, Metric::Euclidean, HnswParams::default());
    insert(&collection, &rows(0, COUNT));
    optimize(&collection);
    let options = ReindexOptions {
        m: Some(24),
        ..ReindexOptions::default()
    };
    collection.reindex(options).unwrap();
    let more = rows(COUNT, COUNT + 300);
    insert(&collection, &more);
    let deleted: Vec<String> = (0..300).map(|i| i.to_string()).collect();
    collection.delete_many(WAIT, &deleted, &plain()).unwrap();
    optimize(&collection);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.indexed, info.pending, info.deleted), (COUNT, 0, 0));
    for (id, row) in &more {
        assert_eq!(&*search(&collection, row, 1)[0].id, id);
    }
    assert_eq!(collection.verify_erased(&deleted).unwrap(), []);
}

#[test]
fn nothing_is_built_for_few_vectors_or_if_only_searches_change() {
    let collection = with_params(DIMENSION, Metric::Euclidean, HnswParams::default());
    insert(&collection, &rows(0, 100));
    let options = ReindexOptions {
        m: Some(8),
        ..ReindexOptions::default()
    };
    let (config, is_complete) = collection.reindex(options).unwrap();
    assert!(is_complete);
    assert_eq!(config.hnsw.m, 8);
    insert(&collection, &rows(100, COUNT));
    optimize(&collection);
    let worked = collection.info(WAIT).unwrap().background.worked;
    let options = ReindexOptions {
        ef_search: Some(33),
        ..ReindexOptions::default()
    };
    let (config, is_complete) = collection.reindex(options).unwrap();
    assert!(is_complete);
    assert_eq!((config.hnsw.m, config.hnsw.ef_search), (8, 33));
    assert_eq!(collection.info(WAIT).unwrap().background.worked, worked);
    for wrong in [
        ReindexOptions {
            m: Some(3),
            ..ReindexOptions::default()
        },
        ReindexOptions {
            ef_construction: Some(4097),
            ..ReindexOptions::default()
        },
        ReindexOptions {
            ef_search: Some(0),
            ..ReindexOptions::default()
        },
    ] {
        let refused = collection.reindex(wrong);
        assert!(matches!(refused, Err(Error::Validation(_))));
    }
    assert_eq!(collection.config().hnsw, config.hnsw);
}

#[test]
fn a_renamed_collection_is_the_same_for_those_who_have_it_and_has_one_name_for_all_others() {
    let client = client();
    let call = client.begin().unwrap();
    let collection = create(&call, "old");
    create(&call, "other");
    insert(&collection, &rows(0, 10));
    let renamed = call.rename_collection("old", "new").unwrap();
    assert!(Arc::ptr_eq(&renamed, &collection));
    insert(&collection, &rows(10, 20));
    assert_eq!(names(&call), ["new", "other"]);
    assert_eq!(collection.name(), "new");
    let count = |name: &str| call.collection(name)?.count(WAIT, None);
    assert_eq!(count("new").unwrap(), 20);
    assert!(matches!(count("old"), Err(Error::CollectionNotFound(name)) if name == "old"));
    // The same name is no change.
    call.rename_collection("new", "new").unwrap();
    let missing = call.rename_collection("old", "third").map(drop);
    assert!(matches!(missing, Err(Error::CollectionNotFound(name)) if name == "old"));
    let taken = call.rename_collection("new", "other").map(drop);
    assert!(matches!(taken, Err(Error::CollectionExists(name)) if name == "other"));
    for wrong in ["", "a/b", ".."] {
        let refused = call.rename_collection("new", wrong).map(drop);
        assert!(matches!(refused, Err(Error::Validation(_))), "{wrong:?}");
    }
    assert_eq!(names(&call), ["new", "other"]);
    // The old name is free.
    create(&call, "old");
    assert_eq!(names(&call), ["new", "old", "other"]);
    drop(call.delete_collection(WAIT, "new", false, None).unwrap());
    assert!(matches!(
        call.rename_collection("new", "newer"),
        Err(Error::CollectionNotFound(_))
    ));
    assert_eq!(names(&call), ["old", "other"]);
}

#[test]
fn a_collection_that_is_renamed_again_and_again_is_always_listed_once() {
    let client = client();
    let call = client.begin().unwrap();
    let collection = create(&call, "a");
    create(&call, "zzz");
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let call = client.begin().unwrap();
                while !ended.load(Ordering::Acquire) {
                    let all = call.collections();
                    assert_eq!(all.len(), 2);
                    assert!(all.iter().any(|one| Arc::ptr_eq(one, &collection)));
                }
            });
        }
        scope.spawn(|| {
            for i in 0.. {
                if ended.load(Ordering::Acquire) {
                    break;
                }
                insert(&collection, &rows(i, i + 1));
            }
        });
        for i in 0..2000 {
            let name = |i: usize| ["a", "b", "c", "d", "e"][i % 5].to_owned();
            call.rename_collection(&name(i), &name(i + 1)).unwrap();
        }
        ended.store(true, Ordering::Release);
    });
    assert_eq!(names(&call), ["a", "zzz"]);
}

#[test]
fn of_renames_creations_and_deletes_at_the_same_time_none_doubles_or_loses_a_name() {
    for round in 0..300 {
        let client = client();
        let begin = || client.begin().unwrap();
        let collection = create(&begin(), "a");
        let barrier = Barrier::new(4);
        let [first, second, created, deleted] = thread::scope(|scope| {
            let run = |act: Box<dyn FnOnce(Call) -> bool + Send>| {
                let (call, barrier) = (begin(), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    act(call)
                })
            };
            let acts = [
                run(Box::new(|call| call.rename_collection("a", "b").is_ok())),
                run(Box::new(|call| call.rename_collection("a", "c").is_ok())),
                run(Box::new(|call| {
                    let config = config("b", HnswParams::default());
                    call.create_collection(config).is_ok()
                })),
                run(Box::new(move |call| {
                    round % 2 == 0 && call.delete_collection(WAIT, "a", false, None).is_ok()
                })),
            ];
            acts.map(|act| act.join().unwrap())
        });
        let call = begin();
        let mut expected = BTreeSet::new();
        // One that has another name by then is not deleted.
        assert!(u8::from(first) + u8::from(second) + u8::from(deleted) <= 1);
        assert!(!(first && created));
        if !deleted {
            expected.insert(match (first, second) {
                (true, _) => "b",
                (_, true) => "c",
                _ => "a",
            });
            assert_eq!(collection.count(WAIT, None).unwrap(), 0);
        }
        if created {
            expected.insert("b");
        }
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(
            names(&call),
            expected,
            "{first} {second} {created} {deleted}"
        );
        for name in ["a", "b", "c"] {
            let is_there = expected.contains(&name);
            assert_eq!(call.collection(name).is_ok(), is_there);
            let config = config(name, HnswParams::default());
            assert_eq!(call.create_collection(config).is_err(), is_there);
        }
    }
}

#[test]
fn a_collection_that_gets_another_name_before_it_is_deleted_or_found_empty_is_kept() {
    let client = client();
    let call = client.begin().unwrap();
    // As a delete has looked it up.
    let collection = create(&call, "old");
    call.rename_collection("old", "new").unwrap();
    let dropped = collection.drop_named("old", WAIT, false, None).map(drop);
    assert!(matches!(dropped, Err(Error::CollectionNotFound(name)) if name == "old"));
    let dropped = collection.drop_if_empty("old").map(drop);
    assert!(matches!(dropped, Err(Error::CollectionNotFound(name)) if name == "old"));
    insert(&collection, &rows(0, 3));
    assert_eq!(names(&call), ["new"]);
    assert!(collection.drop_if_empty("new").unwrap().is_none());
    drop(collection.drop_named("new", WAIT, false, None).unwrap());
    assert!(collection.count(WAIT, None).is_err());
}

#[test]
fn a_collection_whose_vectors_have_expired_is_not_dropped_as_empty_until_they_are_erased() {
    const START: i64 = 1_767_225_600_000;
    let clock = Clock::manual(START);
    let collection = Collection::timed(config("a", HnswParams::default()), clock.clone());
    let mut prepared = prepared(&collection);
    collection.insert(WAIT, &mut prepared).unwrap();
    collection.set_expiry(WAIT, "a", Some(START + 1)).unwrap();
    // So far that it is paused.
    clock.set(START + 10 * 24 * 3600 * 1000);
    assert!(clock.is_paused());
    assert!(!collection.erase_expired().unwrap());
    assert_eq!(collection.count(WAIT, None).unwrap(), 0);
    assert!(!collection.is_empty().unwrap());
    assert!(collection.drop_if_empty("a").unwrap().is_none());
    clock.resume();
    assert!(!collection.erase_expired().unwrap());
    assert!(collection.is_empty().unwrap());
    assert!(collection.drop_if_empty("a").unwrap().is_some());
}

#[test]
fn a_description_is_set_and_removed() {
    let client = client();
    let call = client.begin().unwrap();
    let longest = "ü".repeat(512);
    let described = Config {
        description: Some("of\tthe\nfirst".into()),
        ..config("a", HnswParams::default())
    };
    call.create_collection(described).unwrap();
    let description = || call.collection("a").unwrap().config().description.clone();
    assert_eq!(description().as_deref(), Some("of\tthe\nfirst"));
    call.describe_collection("a", Some(longest.clone()))
        .unwrap();
    assert_eq!(description().as_deref(), Some(&*longest));
    for wrong in [String::new(), longest.clone() + "a", "\r".into()] {
        let refused = call.describe_collection("a", Some(wrong.clone())).map(drop);
        assert!(matches!(refused, Err(Error::Validation(_))));
        let refused = Config {
            description: Some(wrong),
            ..config("b", HnswParams::default())
        };
        let refused = call.create_collection(refused).map(drop);
        assert!(matches!(refused, Err(Error::Validation(_))));
    }
    call.rename_collection("a", "b").unwrap();
    call.rename_collection("b", "a").unwrap();
    assert_eq!(description().as_deref(), Some(&*longest));
    call.describe_collection("a", None).unwrap();
    assert_eq!(description(), None);
    let missing = call.describe_collection("b", None).map(drop);
    assert!(matches!(missing, Err(Error::CollectionNotFound(_))));
}

#[test]
fn a_collection_that_gets_a_vector_is_not_deleted_as_empty() {
    for _ in 0..100 {
        let client = client();
        let call = client.begin().unwrap();
        let all: Vec<_> = (0..8).map(|i| create(&call, &i.to_string())).collect();
        let barrier = Barrier::new(2);
        let (deleted, filled) = thread::scope(|scope| {
            let filling = scope.spawn(|| {
                barrier.wait();
                let fill = |collection: &Arc<Collection>| {
                    let mut prepared = prepared(collection);
                    collection.insert(WAIT, &mut prepared).is_ok()
                };
                all.iter().rev().map(fill).collect::<Vec<_>>()
            });
            barrier.wait();
            let deleted = call.delete_empty_collections(false).unwrap();
            (deleted, filling.join().unwrap())
        });
        for (i, is_filled) in filled.into_iter().rev().enumerate() {
            let name = i.to_string();
            assert_eq!(is_filled, !deleted.contains(&name));
            assert_eq!(is_filled, call.collection(&name).is_ok());
        }
        assert!(call.empty_collections().unwrap().is_empty());
    }
}

fn prepared(collection: &Arc<Collection>) -> vectorizer_native::collection::Prepared {
    let batch = vectorizer_native::collection::Batch {
        ids: vec![Some("a".into())],
        data: vec![1.0; DIMENSION],
        lengths: vec![DIMENSION as u32],
        ..Default::default()
    };
    collection.prepare(batch).unwrap()
}
