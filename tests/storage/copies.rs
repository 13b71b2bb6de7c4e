//! What happens to a collection while it is being copied, to a rewritten log or to a backup.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use vectorizer_native::{
    collection::{
        Batch, Collection, Config, DeleteOptions, Item, StoreParts, Update, dimension_of,
    },
    graph::HnswParams,
    storage::{Backup, Files, Fsync, KEY, Key, Operation, Source, StoreKeys, verify},
    vectors::Metric,
};

use crate::{
    common,
    support::{Directory, Random, WAIT},
};

/// Enough that most are copied before the end.
const COUNT: usize = 600;

fn key() -> Arc<StoreKeys> {
    StoreKeys::new(Key::from([7; KEY]).into(), None)
}

/// The store of a collection that is alone in it.
fn parts(fsync: Fsync) -> StoreParts {
    StoreParts::new(fsync, Arc::default(), key())
}

fn id(number: usize) -> String {
    format!("v{number}")
}

fn insert(collection: &Arc<Collection>) {
    let batch = Batch {
        ids: (0..COUNT).map(|number| Some(id(number))).collect(),
        data: vec![1.0; 2 * COUNT],
        lengths: vec![2],
        ..Batch::default()
    };
    let mut batch = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut batch).unwrap();
}

/// Creates a collection in a directory.
fn make(files: &Files, path: &Path, fsync: Fsync) -> Arc<Collection> {
    let config = Config {
        name: "test".into(),
        dimension: 2,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
        description: None,
    };
    let store = parts(fsync);
    files.create_directory(path).unwrap();
    Collection::create(&config, files, path, &store).unwrap();
    Collection::open(files, path, &store).unwrap()
}

/// Runs `act` on a collection when most of its log has been rewritten, and opens the new log.
fn meanwhile(act: impl Fn(&Arc<Collection>) + Send + Sync + 'static) -> Arc<Collection> {
    let directory = Directory::new();
    let under_way: Arc<OnceLock<Arc<Collection>>> = Arc::default();
    let done = Arc::new(AtomicBool::new(false));
    let (known, acted) = (under_way.clone(), done.clone());
    let files = Files::interrupted_by(move |operation| {
        if let Operation::Sync(path) = operation
            && path.ends_with("log.2.new")
            && !acted.swap(true, Ordering::AcqRel)
        {
            act(known.get().unwrap());
        }
        None
    });
    let collection = make(&files, &directory.join("one"), Fsync::Everysec);
    let path = directory.join("one");
    under_way.set(collection.clone()).ok().unwrap();
    insert(&collection);
    // The second insert leaves a gap.
    insert(&collection);
    let optimized = collection.optimize(None).unwrap();
    optimized.blocking_recv().unwrap().unwrap();
    assert!(done.load(Ordering::Acquire) && path.join("log.2").exists());
    collection.close().unwrap();
    let files = Files::default();
    Collection::open(&files, &path, &parts(Fsync::Everysec)).unwrap()
}

fn ids(collection: &Collection) -> Vec<String> {
    let all = collection.list(0, usize::MAX).unwrap().vectors.into_iter();
    all.map(|item| item.id.to_string()).collect()
}

fn describe(collection: &Arc<Collection>, metadata: &str) {
    let update = Update {
        metadata: Some(metadata.into()),
        ..Update::default()
    };
    collection.update(WAIT, "v1", &update).unwrap();
}

fn delete(collection: &Arc<Collection>) {
    let options = DeleteOptions::default();
    collection.delete_one(WAIT, "v1", &options).unwrap();
}

#[test]
fn a_vector_deleted_right_after_its_metadata_changed_is_not_in_the_new_log() {
    let collection = meanwhile(|collection| {
        describe(collection, r#"{"a":1}"#);
        delete(collection);
    });
    let others = (0..COUNT).filter(|&number| number != 1).map(id);
    assert!(others.eq(ids(&collection)));
}

#[test]
fn a_vector_whose_metadata_and_then_data_changed_is_in_the_new_log_once() {
    let collection = meanwhile(|collection| {
        describe(collection, r#"{"a":1}"#);
        let update = Update {
            data: Some(vec![2.0, 3.0]),
            ..Update::default()
        };
        collection.update(WAIT, "v1", &update).unwrap();
    });
    assert!((0..COUNT).map(id).eq(ids(&collection)));
    let item = collection.get(WAIT, "v1").unwrap();
    assert_eq!(item.data, Some(vec![2.0, 3.0]));
    assert_eq!(item.metadata.as_deref(), Some(r#"{"a":1}"#));
}

/// Creates a backup of two collections. While the first is being copied, a delete in it gets as far
/// as waiting for the disk, and stays there until the backup is complete or waits for it. Then
/// `act` runs. Returns whether the backup is complete, at once and later.
fn backup_beside_a_delete(act: impl Fn(&Arc<Collection>) + Send + Sync + 'static) -> [bool; 2] {
    let directory = Directory::new();
    let (log_is_synced, delete_waits) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let first: Arc<OnceLock<Arc<Collection>>> = Arc::default();
    let (known, begun) = (first.clone(), AtomicBool::new(false));
    let (deleting, delete_waits) = (Arc::new(Mutex::new(None)), Mutex::new(delete_waits));
    let deleter = deleting.clone();
    let files = Files::interrupted_by(move |operation| {
        let (Operation::Sync(path), Some(collection)) = (operation, known.get()) else {
            return None;
        };
        if path.ends_with("first/log.1") {
            log_is_synced.send(()).unwrap();
            // A backup that waits for the delete is not complete before it.
            let _ = released
                .lock()
                .unwrap()
                .recv_timeout(Duration::from_millis(300));
        } else if path.extension().is_some_and(|name| name == "part")
            && !begun.swap(true, Ordering::AcqRel)
        {
            let other = collection.clone();
            *deleter.lock().unwrap() = Some(thread::spawn(move || delete(&other)));
            delete_waits.lock().unwrap().recv().unwrap();
            act(collection);
        }
        None
    });
    let collections = ["first", "second"].map(|name| {
        let collection = make(&files, &directory.join(name), Fsync::Always);
        insert(&collection);
        collection
    });
    first.set(collections[0].clone()).ok().unwrap();
    let path = directory.join("backup");
    let mut backup = Backup::create(&files, &path, None, false).unwrap();
    for collection in &collections {
        let done = collection.back_up(&mut backup, &mut |_| ());
        assert!(done.is_ok() || collection.count(WAIT, None).is_err());
    }
    backup.finish().unwrap();
    let is_whole = || {
        verify(
            &Files::default(),
            &path,
            Source::default(),
            None,
            dimension_of,
            |_, _| (),
        )
        .is_ok()
    };
    let at_once = is_whole();
    // The delete may have given up waiting.
    let _ = release.send(());
    let deleting = deleting.lock().unwrap().take();
    deleting.unwrap().join().unwrap();
    [at_once, is_whole()]
}

#[test]
fn a_backup_is_whole_when_it_returns_while_a_delete_is_still_under_way() {
    assert_eq!(backup_beside_a_delete(|_| ()), [true, true]);
}

#[test]
fn a_delete_in_a_collection_that_is_gone_changes_nothing_in_the_rest_of_a_backup() {
    let gone = |collection: &Arc<Collection>| drop(collection.drop_contents(WAIT, false).unwrap());
    assert_eq!(backup_beside_a_delete(gone), [true, true]);
}

#[test]
fn a_graph_from_a_file_is_walked_by_rows_where_codes_are_too_coarse() {
    let directory = Directory::new();
    let (files, path) = (Files::default(), directory.join("collection"));
    let mut random = Random(3);
    let mut around = || 100.0 + random.unit();
    let rows: Vec<_> = (0..2000)
        .map(|number| (id(number), vec![around(), around()]))
        .collect();
    let collection = make(&files, &path, Fsync::No);
    common::insert(&collection, &rows);
    common::optimize(&collection);
    drop(collection);
    let collection = Collection::open(&files, &path, &parts(Fsync::No)).unwrap();
    assert_eq!(collection.info(WAIT).unwrap().indexed, 2000);
    let mut hits = 0;
    for _ in 0..50 {
        let query = [around(), around()];
        let all = rows.iter().map(|(id, row)| (id.as_str(), row.as_slice()));
        let nearest = common::nearest(Metric::Euclidean, all, &query, 10);
        let found = common::walk(&collection, &query, 10);
        let hit = |item: &&Item| nearest.contains(&item.id.to_string());
        hits += found.iter().filter(hit).count();
    }
    assert!(hits >= 490, "{hits} of 500");
}
