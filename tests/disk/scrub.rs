//! The background's reading of values and texts that nobody has asked for.

use std::{path::Path, sync::Arc, thread, time::Duration};

use vectorizer_native::{
    collection::{Batch, Collection, Config, ScrubPosition, Scrubbed},
    graph::HnswParams,
    storage::{Files, Fsync, RECORDS},
    vectors::Metric,
};

use crate::{
    script::*,
    support::{Random, WAIT, insert, optimize, plain},
};

fn open(path: &Path) -> Session {
    Session::open(&Files::default(), path, Fsync::No, path).unwrap()
}

fn create(session: &Session, name: &str) -> Arc<Collection> {
    create_of(session, name, DIMENSION)
}

fn create_of(session: &Session, name: &str, dimension: usize) -> Arc<Collection> {
    let config = Config {
        name: name.into(),
        dimension,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
        description: None,
    };
    session.call().create_collection(config).unwrap()
}

/// Inserts `v0`, `v1` and so on, with a text of this length each, and returns their rows.
fn insert_texts(collection: &Arc<Collection>, count: usize, text: usize) -> Vec<Vec<f32>> {
    let dimension = collection.config().dimension;
    let data = Random(1).vector(dimension * count);
    let batch = Batch {
        ids: (0..count).map(|i| Some(format!("v{i}"))).collect(),
        lengths: vec![dimension as u32],
        texts: vec![Some("x".repeat(text).into()); count],
        data: data.clone(),
        ..Batch::default()
    };
    let mut prepared = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
    data.chunks(dimension).map(<[f32]>::to_vec).collect()
}

/// Scrubs to the end, and returns the number of portions. The store may do the same meanwhile.
fn scrub(collection: &Collection) -> usize {
    let (mut position, mut portions) = (ScrubPosition::default(), 1);
    while !collection.scrub(&mut position).unwrap() {
        portions += 1;
    }
    portions
}

fn found(collection: &Collection) -> Scrubbed {
    collection.info(WAIT).unwrap().scrub.unwrap()
}

fn damaged(collection: &Collection) -> Vec<String> {
    let found = found(collection);
    assert_eq!(found.damaged, found.damaged_ids.len());
    found.damaged_ids.iter().map(|id| id.to_string()).collect()
}

#[test]
fn a_scrub_notices_every_changed_byte_of_a_value_or_a_text_and_names_its_vector() {
    const COUNT: usize = 3;
    const TEXT: usize = 40;
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, "scrubbed");
    insert_texts(&collection, COUNT, TEXT);
    let path = collection.directory().unwrap().join("log.1");
    let mut failures = [0; COUNT];
    for at in RECORDS..path.metadata().unwrap().len() {
        flip(&path, at);
        scrub(&collection);
        let named = damaged(&collection);
        assert!(named.len() <= 1, "byte {at}: {named:?}");
        for id in named {
            let unreadable = collection.get(WAIT, &id).is_err();
            assert!(unreadable, "byte {at}: {id} can be read");
            failures[id[1..].parse::<usize>().unwrap()] += 1;
        }
        flip(&path, at);
    }
    // Each byte of a row, a text and their tag, and nothing else.
    assert_eq!(failures, [4 * DIMENSION + TEXT + 16; COUNT]);
    // A fault that is gone is no longer reported.
    scrub(&collection);
    assert!(damaged(&collection).is_empty());
    session.close().unwrap();
}

#[test]
fn what_is_damaged_is_named_until_it_is_deleted_or_replaced() {
    const COUNT: usize = 200;
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, "scrubbed");
    let rows = insert_texts(&collection, COUNT, 1);
    let path = collection.directory().unwrap().join("log.1");
    // The values are behind one another at the end of the file.
    let part = (4 * DIMENSION + 1 + 16) as u64;
    let end = path.metadata().unwrap().len();
    let value_of = |number: u64| end - (COUNT as u64 - number) * part;
    for number in [3, 50, 199] {
        flip(&path, value_of(number));
    }
    scrub(&collection);
    assert_eq!(damaged(&collection), ["v3", "v50", "v199"]);
    collection.delete_one(WAIT, "v50", &plain()).unwrap();
    assert_eq!(damaged(&collection), ["v3", "v199"]);
    insert(&collection, &[("v3".into(), rows[3].clone())]);
    assert_eq!(damaged(&collection), ["v199"]);
    scrub(&collection);
    assert_eq!(damaged(&collection), ["v199"]);

    // All are counted, and the first hundred are named.
    for number in (0..199).filter(|number| ![3, 50].contains(number)) {
        flip(&path, value_of(number));
    }
    scrub(&collection);
    let found = found(&collection);
    assert_eq!((found.damaged, found.damaged_ids.len()), (COUNT - 2, 100));
    session.close().unwrap();
}

#[test]
fn what_is_damaged_is_named_and_read_wherever_its_vector_moves() {
    // So many that deleting most of them moves the others to lower slots.
    const COUNT: usize = 9000;
    let directory = directory();
    let session = open(directory.path());
    let collection = create_of(&session, "scrubbed", 1024);
    insert_texts(&collection, COUNT, 1);
    let path = collection.directory().unwrap().join("log.1");
    flip(&path, path.metadata().unwrap().len() - 1);
    let mut position = ScrubPosition::default();
    assert!(!collection.scrub(&mut position).unwrap());
    scrub(&collection);
    let last = format!("v{}", COUNT - 1);
    assert_eq!(damaged(&collection), [&*last]);
    let ids: Vec<String> = (0..COUNT - 100).map(|i| format!("v{i}")).collect();
    collection.delete_many(WAIT, &ids, &plain()).unwrap();
    optimize(&collection);
    assert!(collection.info(WAIT).unwrap().memory_bytes < 2_000_000);
    assert_eq!(damaged(&collection), [&*last]);
    // A scrub that had passed the slots which they are in now begins again.
    while !collection.scrub(&mut position).unwrap() {}
    assert_eq!(damaged(&collection), [&*last]);
    collection.delete_one(WAIT, &last, &plain()).unwrap();
    assert!(damaged(&collection).is_empty());
    session.close().unwrap();
}

#[test]
fn a_scrub_reads_in_portions_which_deletes_do_not_disturb() {
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, "scrubbed");
    // Three of these have more than a megabyte; the call after the last portion notices the end.
    insert_texts(&collection, 9, 400_000);
    assert_eq!(scrub(&collection), 4);
    let first = found(&collection).finished_at;
    assert!(first.is_some());
    let mut position = ScrubPosition::default();
    assert!(!collection.scrub(&mut position).unwrap());
    for id in ["v0", "v3", "v4", "v8"] {
        collection.delete_one(WAIT, id, &plain()).unwrap();
    }
    assert!(!collection.scrub(&mut position).unwrap());
    assert!(collection.scrub(&mut position).unwrap());
    assert!(found(&collection).finished_at > first);

    session
        .call()
        .delete_collection(WAIT, "scrubbed", false, None)
        .unwrap();
    assert!(collection.scrub(&mut ScrubPosition::default()).is_err());
    assert_eq!(scrub(&create(&session, "empty")), 1);
    session.close().unwrap();
    assert_eq!(scrub(&crate::support::collection(2, Metric::Cosine)), 1);
}

#[test]
fn a_store_is_scrubbed_without_being_asked() {
    let directory = directory();
    let session = open(directory.path());
    for name in ["whole", "broken"] {
        insert_texts(&create(&session, name), 3, 10);
    }
    let broken = session.call().collection("broken").unwrap();
    let path = broken.directory().unwrap().join("log.1");
    drop(broken);
    session.close().unwrap();
    flip(&path, path.metadata().unwrap().len() - 1);

    let session = open(directory.path());
    for (name, expected) in [("whole", &[][..]), ("broken", &["v2"])] {
        let collection = session.call().collection(name).unwrap();
        while found(&collection).finished_at.is_none() {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(damaged(&collection), expected, "{name}");
    }
    session.close().unwrap();
}
