//! What happens to a collection while its log is written anew.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use vectorizer_native::{
    collection::{Batch, Collection, Config, DeleteOptions, Update},
    graph::HnswParams,
    storage::{Files, Fsync, Health, Operation},
    vectors::Metric,
};

use crate::support::{Directory, WAIT};

/// So many that most are copied before the end.
const COUNT: usize = 600;

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

/// Does something to a collection right when most of its log is written
/// anew, and opens the new log.
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
    let config = Config {
        name: "test".into(),
        dimension: 2,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
    };
    let (path, health) = (directory.join(""), Arc::<Health>::default());
    let (fsync, no_hook) = (Fsync::Everysec, Files::default());
    Collection::create(&config, &files, &path, fsync, &health).unwrap();
    let collection = Collection::open(&files, &path, fsync, &health).unwrap();
    under_way.set(collection.clone()).ok().unwrap();
    insert(&collection);
    // The second time leaves a gap.
    insert(&collection);
    let optimized = collection.optimize().unwrap();
    optimized.blocking_recv().unwrap().unwrap();
    assert!(done.load(Ordering::Acquire) && path.join("log.2").exists());
    collection.close().unwrap();
    Collection::open(&no_hook, &path, fsync, &Arc::default()).unwrap()
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

#[test]
fn a_vector_deleted_right_after_its_metadata_changed_is_not_in_the_new_log() {
    let collection = meanwhile(|collection| {
        describe(collection, r#"{"a":1}"#);
        let options = DeleteOptions::default();
        collection.delete_one(WAIT, "v1", &options).unwrap();
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
