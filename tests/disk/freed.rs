//! Freed memory contains nothing of what was deleted: the allocator of these tests inspects it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    mem, slice,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use vectorizer_native::{
    collection::{
        Batch, Collection, Config, DeleteOptions, Guards, Origin, Patch, Places, ReplaceOptions,
        Replacement, Replacing, Update, UpdateOf,
    },
    filter,
    graph::HnswParams,
    storage::{Files, Fsync},
    vectors::{Codes, Metric},
};

use crate::{
    script::{Session, directory},
    support::{Random, WAIT, plain},
};

/// Contained in every id, metadata and text that is deleted, and nowhere else.
const TEXT: &[u8] = b"wiped-4f1c9a";
/// The pattern repeated in rows that are deleted, and in their codes.
const PERIOD: [f32; 4] = [0.987_654_3, -0.488_888_9, 0.246_913_6, 0.740_740_7];
const CODES: [i8; 4] = [127, -63, 32, 95];
const DIMENSION: usize = 32;

struct Watching;

static WATCHES: AtomicBool = AtomicBool::new(false);
static FOUND: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

// The patterns are never on the stack: moving a value from there also copies the padding between
// its fields.
static ROW: [u8; 16] = {
    let mut bytes = [0; 16];
    let mut i = 0;
    while i < 16 {
        bytes[i] = PERIOD[i / 4].to_ne_bytes()[i % 4];
        i += 1;
    }
    bytes
};
static CODE: [u8; 12] = {
    let mut bytes = [0; 12];
    let mut i = 0;
    while i < 12 {
        bytes[i] = CODES[i % 4] as u8;
        i += 1;
    }
    bytes
};
static PATTERNS: [&[u8]; 3] = [TEXT, &ROW, &CODE];

fn count(bytes: &[u8]) {
    for (pattern, found) in PATTERNS.into_iter().zip(&FOUND) {
        if memchr::memmem::find(bytes, pattern).is_some() {
            found.fetch_add(1, SeqCst);
        }
    }
}

// SAFETY: it passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that all of the freed memory may be read.
        // SAFETY: the caller's layout is passed on unchanged.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if WATCHES.load(SeqCst) {
            // SAFETY: it is a whole, initialised allocation that is not used any more.
            count(unsafe { slice::from_raw_parts(pointer, layout.size()) });
        }
        // SAFETY: whatever the caller frees comes from `alloc` above, and so from the system's
        // allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Allows one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `act`, and counts freed allocations that contain texts, rows or codes of vectors deleted in
/// it.
fn freed(act: impl FnOnce()) -> [usize; 3] {
    for found in &FOUND {
        found.store(0, SeqCst);
    }
    WATCHES.store(true, SeqCst);
    act();
    WATCHES.store(false, SeqCst);
    FOUND.each_ref().map(|found| found.load(SeqCst))
}

fn marked(number: usize) -> String {
    format!("{number}-{}", String::from_utf8_lossy(TEXT))
}

/// The ids of the vectors that are deleted, out of `count`.
fn ids(count: usize) -> Vec<String> {
    (0..count).step_by(4).map(marked).collect()
}

fn metadata(number: usize, mark: &str) -> Box<str> {
    format!(r#"{{"number":{number},"who":"{mark}","list":["{mark}",{number}]}}"#).into()
}

/// A batch of vectors, some of which are going to be deleted.
fn batch(from: usize, count: usize) -> Batch {
    let mut random = Random(from as u64 + 1);
    let mut batch = Batch {
        lengths: vec![DIMENSION as u32],
        ..Batch::default()
    };
    for number in from..from + count {
        let deleted = number % 4 == 0;
        let mark = match deleted {
            true => marked(number),
            false => format!("kept-{number}"),
        };
        let scale = 1.0 + random.unit().abs();
        batch.data.extend((0..DIMENSION).map(|i| match deleted {
            true => PERIOD[i % 4],
            false => scale * (PERIOD[i % 4] + 0.3 * random.unit()),
        }));
        batch.ids.push(Some(mark.clone()));
        batch.metadata.push(Some(metadata(number, &mark)));
        batch.texts.push(Some(format!("text of {mark}").into()));
    }
    batch
}

fn fill(collection: &Arc<Collection>, count: usize) {
    let mut prepared = collection.prepare(batch(0, count)).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
    optimize(collection);
    // Creates the indexes of the fields.
    for text in [r#"{"number":1}"#, r#"{"who":"x"}"#, r#"{"list":"x"}"#] {
        let filter = filter::parse_text(text).unwrap();
        collection.count(WAIT, Some(&filter)).unwrap();
    }
}

fn optimize(collection: &Arc<Collection>) {
    collection
        .optimize(None)
        .unwrap()
        .blocking_recv()
        .unwrap()
        .unwrap();
}

/// Deletes all marked vectors, in every possible way.
fn delete(collection: &Arc<Collection>, ids: &[String]) {
    let (some, rest) = ids.split_at(20);
    for id in &some[..5] {
        collection.delete_one(WAIT, id, &plain()).unwrap();
    }
    collection.delete_many(WAIT, &some[5..], &plain()).unwrap();
    let (updated, rest) = rest.split_at(10);
    for (i, id) in updated.iter().enumerate() {
        let update = Update {
            data: (i % 2 == 0).then(|| vec![0.5; DIMENSION]),
            text: Some("other".into()),
            metadata: Some(metadata(i, "other")),
            ..Update::default()
        };
        // The result of a call belongs to its caller.
        mem::forget(collection.update(WAIT, id, &update).unwrap());
    }
    collection.delete_many(WAIT, updated, &plain()).unwrap();
    // A few, which are removed from indexes one by one, and many, for which the indexes are swept.
    let (few, _) = rest.split_at(8);
    collection.delete_many(WAIT, few, &plain()).unwrap();
    let options = DeleteOptions {
        receipt: true,
        ..plain()
    };
    let all: Vec<String> = (0..ids.len()).map(|n| (4 * n).to_string()).collect();
    let numbers = all.join(",");
    let filter = filter::parse_text(&format!(r#"{{"number":{{"$in":[{numbers}]}}}}"#)).unwrap();
    let deletion = collection.delete_matching(&filter, &options).unwrap();
    assert_eq!(deletion.matched.len(), rest.len() - few.len());
    assert_eq!(collection.verify_erased(ids).unwrap(), []);
}

/// Fills a collection with vectors of two groups, whose metadata are marked, and in the first also
/// the texts and half of the rows.
fn fill_groups(collection: &Arc<Collection>, count: usize) {
    let mut batch = batch(0, count);
    for number in 0..count {
        let (group, mark) = (number % 2, marked(number));
        let metadata = format!(r#"{{"group":{group},"who":"{mark}","\u0061":["{mark}\n"]}}"#);
        batch.ids[number] = Some(format!("r{number}"));
        batch.metadata[number] = Some(metadata.into());
        batch.texts[number] = Some(match group {
            0 => format!("text of {mark}").into(),
            _ => format!("text {number}").into(),
        });
    }
    let mut prepared = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
    optimize(collection);
    for text in [r#"{"group":1}"#, r#"{"who":"x"}"#] {
        let filter = filter::parse_text(text).unwrap();
        collection.count(WAIT, Some(&filter)).unwrap();
    }
}

/// Replaces both groups, by rows for half of each: the first by vectors, the other by texts, which
/// keep their vectors.
fn replace_groups(collection: &Arc<Collection>, count: usize) {
    for (group, origin) in [(0, Origin::Given), (1, Origin::BuiltIn)] {
        let numbers: Vec<usize> = (group..count).step_by(4).collect();
        let mut random = Random(7);
        let given = match origin {
            Origin::Given => numbers.len(),
            _ => 0,
        };
        let replacement = Replacement {
            filter: filter::parse_text(&format!(r#"{{"group":{group}}}"#)).unwrap(),
            ids: numbers.iter().map(|number| format!("r{number}")).collect(),
            metadata: numbers
                .iter()
                .map(|number| Some(format!(r#"{{"group":{group},"n":{number}}}"#).into()))
                .collect(),
            texts: numbers
                .iter()
                .map(|number| Some(format!("text {number}").into()))
                .collect(),
            expires_at: Vec::new(),
            origin,
            data: random.vector(given * DIMENSION),
            lengths: vec![DIMENSION as u32],
            places: Places::default(),
            options: ReplaceOptions {
                receipt: true,
                ..ReplaceOptions::default()
            },
            on_progress: None,
        };
        let Replacing::Ended(replaced) = collection.replace(replacement).unwrap() else {
            panic!("no vector is needed");
        };
        assert_eq!(replaced.updated.len(), numbers.len());
        assert_eq!(replaced.deleted.len(), count / 2 - numbers.len());
    }
    assert_eq!(collection.verify_erased(&[]).unwrap(), []);
}

/// Patches the metadata of the first group twice, so that the marks of some members are copied first
/// and then of none is left, and updates both groups.
fn modify_groups(collection: &Arc<Collection>, count: usize) {
    for patch in [r#"{"n":1.5,"who":null}"#, r#"{"a":null,"o":{"x":null}}"#] {
        let patched = collection.patch_metadata(Patch {
            filter: filter::parse_text(r#"{"group":0}"#).unwrap(),
            patch: patch.into(),
            dry_run: false,
            guards: Guards::default(),
            on_progress: None,
        });
        assert_eq!(patched.unwrap().matched.len(), count / 2);
    }
    let mut random = Random(7);
    for group in [0, 1] {
        let updates = (group..count).step_by(2).map(|number| UpdateOf {
            id: format!("r{number}"),
            update: Update {
                data: (group == 0).then(|| random.vector(DIMENSION)),
                text: (group == 0).then(|| format!("text {number}").into()),
                metadata: (group == 1).then(|| format!(r#"{{"group":1,"n":{number}}}"#).into()),
                ..Update::default()
            },
        });
        let found = collection.update_many(updates.collect(), None).unwrap();
        assert_eq!(found, vec![true; count / 2]);
    }
    assert_eq!(collection.verify_erased(&[]).unwrap(), []);
}

fn config() -> Config {
    Config {
        name: "docs".into(),
        dimension: DIMENSION,
        metric: Metric::Cosine,
        hnsw: HnswParams::default(),
        description: None,
    }
}

#[test]
fn what_is_freed_is_looked_at() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let batch = batch(0, 1);
    let codes = Codes::of(&batch.data, DIMENSION);
    let code = codes.get(0).0.to_vec();
    let text = batch.ids[0].clone();
    assert_eq!(freed(|| drop(text)), [1, 0, 0]);
    assert_eq!(freed(|| drop(batch.data)), [0, 1, 0]);
    assert_eq!(freed(|| drop(code)), [0, 0, 1]);
    assert_eq!(freed(|| drop(codes)), [0; 3]);
}

#[test]
fn what_is_deleted_in_memory_is_in_nothing_that_is_freed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let collection = Collection::new(config());
    fill(&collection, 4000);
    let ids = ids(4000);
    let found = freed(|| {
        delete(&collection, &ids);
        optimize(&collection);
    });
    assert_eq!(found, [0; 3]);
}

#[test]
fn what_is_dropped_with_its_collection_is_in_nothing_that_is_freed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for count in [40, 4000] {
        let collection = Collection::new(config());
        fill(&collection, count);
        let found = freed(|| drop(collection.drop_contents(WAIT, false).unwrap()));
        assert_eq!(found, [0; 3]);
    }
}

#[test]
fn what_is_deleted_on_disk_is_in_nothing_that_is_freed_by_copies_and_checks() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (store, backups) = (directory(), directory());
    let files = Files::default();
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    let collection = session.call().create_collection(config()).unwrap();
    fill(&collection, 4000);
    let ids = ids(4000);
    let found = freed(|| {
        let path = backups.path().join("all");
        session
            .call()
            .create_backup(&path, None, false, &mut |_| ())
            .unwrap();
        delete(&collection, &ids);
        optimize(&collection);
    });
    assert_eq!(found, [0; 3]);
    drop(collection);
    session.close().unwrap();
}

#[test]
fn what_is_replaced_is_in_nothing_that_is_freed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let collection = Collection::new(config());
    fill_groups(&collection, 2000);
    let found = freed(|| {
        replace_groups(&collection, 2000);
        optimize(&collection);
    });
    assert_eq!(found, [0; 3]);
}

#[test]
fn what_is_replaced_on_disk_is_in_nothing_that_is_freed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let store = directory();
    let files = Files::default();
    let session = Session::open(&files, store.path(), Fsync::No, store.path()).unwrap();
    let collection = session.call().create_collection(config()).unwrap();
    fill_groups(&collection, 2000);
    let found = freed(|| replace_groups(&collection, 2000));
    assert_eq!(found, [0; 3]);
    drop(collection);
    session.close().unwrap();
}

#[test]
fn what_patches_and_updates_replace_is_in_nothing_that_is_freed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let collection = Collection::new(config());
    fill_groups(&collection, 2000);
    let found = freed(|| {
        modify_groups(&collection, 2000);
        optimize(&collection);
    });
    assert_eq!(found, [0; 3]);
}

#[test]
fn what_patches_and_updates_replace_on_disk_is_in_nothing_that_is_freed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let store = directory();
    let files = Files::default();
    let session = Session::open(&files, store.path(), Fsync::No, store.path()).unwrap();
    let collection = session.call().create_collection(config()).unwrap();
    fill_groups(&collection, 2000);
    let found = freed(|| modify_groups(&collection, 2000));
    assert_eq!(found, [0; 3]);
    drop(collection);
    session.close().unwrap();
}

#[test]
fn what_an_opening_reads_is_in_nothing_that_is_freed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (store, backups) = (directory(), directory());
    let files = Files::default();
    let open = || Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    let session = open();
    // The last vector read is one of them.
    fill(&session.call().create_collection(config()).unwrap(), 401);
    session.close().unwrap();
    let found = freed(|| open().close().unwrap());
    assert_eq!(found, [0; 3]);
}
