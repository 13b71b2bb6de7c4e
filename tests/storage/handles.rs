//! A store with more collections than a process should have files open.

use std::{fs, path::Path, sync::Arc};

use vectorizer_native::{
    collection::{Batch, Collection, Config, DeleteOptions},
    error::Error,
    graph::HnswParams,
    storage::Fsync,
    vectors::Metric,
};

use crate::support::{Directory, Open, WAIT};

const COLLECTIONS: usize = 300;

fn name(number: usize) -> String {
    format!("c{number}")
}

fn insert(collection: &Arc<Collection>, id: &str) -> Result<(), Error> {
    let mut batch = collection.prepare(Batch {
        ids: vec![Some(id.into())],
        data: vec![1.0, 2.0],
        lengths: vec![2],
        ..Batch::default()
    })?;
    collection.insert(WAIT, &mut batch).map(drop)
}

fn fill(path: &Path, fsync: Fsync) -> Open {
    let open = Open::new(path, fsync).unwrap();
    let call = open.call();
    for number in 0..COLLECTIONS {
        let config = Config {
            name: name(number),
            dimension: 2,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
            description: None,
        };
        let collection = call.create_collection(config).unwrap();
        insert(&collection, "a").unwrap();
        insert(&collection, "b").unwrap();
    }
    drop(call);
    open
}

/// How many files below a directory this process has open.
#[cfg(target_os = "linux")]
fn open_below(path: &Path) -> usize {
    let all = fs::read_dir("/proc/self/fd").unwrap();
    let files = all.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    files.filter(|file| file.starts_with(path)).count()
}

#[cfg(not(target_os = "linux"))]
fn open_below(_: &Path) -> usize {
    0
}

#[test]
fn a_store_of_many_collections_has_few_files_open_and_all_can_be_used() {
    let directory = Directory::new();
    let path = directory.join("store");
    for fsync in [Fsync::Always, Fsync::No] {
        let open = fill(&path, fsync);
        let path = path.canonicalize().unwrap();
        assert!(open_below(&path) < 140, "{}", open_below(&path));
        open.close().unwrap();
        assert_eq!(open_below(&path), 0);

        let open = Open::new(&path, fsync).unwrap();
        assert!(open_below(&path) < 140, "{}", open_below(&path));
        let call = open.call();
        for round in ["c", "d"] {
            for number in (0..COLLECTIONS).rev() {
                let collection = call.collection(&name(number)).unwrap();
                insert(&collection, round).unwrap();
                let options = DeleteOptions::default();
                let deleted = if round == "c" { "a" } else { "b" };
                collection.delete_one(WAIT, deleted, &options).unwrap();
            }
        }
        call.flush().unwrap();
        for number in 0..COLLECTIONS {
            let collection = call.collection(&name(number)).unwrap();
            let ids = ["a".to_owned(), "b".to_owned()];
            assert_eq!(collection.verify_erased(&ids).unwrap(), []);
        }
        assert!(open_below(&path) < 140, "{}", open_below(&path));
        drop(call);
        open.close().unwrap();

        let open = Open::new(&path, fsync).unwrap();
        let call = open.call();
        for number in 0..COLLECTIONS {
            let page = call.collection(&name(number)).unwrap().list(0, 10).unwrap();
            let ids: Vec<_> = page.vectors.iter().map(|item| &*item.id).collect();
            assert_eq!(ids, ["c", "d"]);
            drop(
                call.delete_collection(WAIT, &name(number), false, None)
                    .unwrap(),
            );
        }
        drop(call);
        open.close().unwrap();
    }
}

#[test]
fn a_log_that_was_replaced_while_it_was_closed_is_refused_and_the_others_go_on() {
    let directory = Directory::new();
    let path = directory.join("store");
    let open = fill(&path, Fsync::No);
    let call = open.call();
    // It was used before so many others that it has been closed.
    let log = path.join("collection-1/log.1");
    let copy = path.join("collection-1/copy");
    fs::copy(&log, &copy).unwrap();
    fs::rename(&copy, &log).unwrap();
    let before = fs::read(&log).unwrap();
    let first = call.collection(&name(0)).unwrap();
    for _ in 0..2 {
        match insert(&first, "c") {
            Err(Error::Storage(message)) => assert!(message.contains("another file"), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fs::read(&log).unwrap(), before);
    assert_eq!(first.count(WAIT, None).unwrap(), 2);
    for number in 1..COLLECTIONS {
        insert(&call.collection(&name(number)).unwrap(), "c").unwrap();
    }
}
