//! Changing a collection's name, its description and the parameters of its graph: at any moment the
//! files hold either the old settings or the new ones, and afterwards nothing of the old ones.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use vectorizer_native::{
    cancel::{self, Token},
    client::{Call, Client, Opening, ReindexOptions, open_with, restore_backup},
    clock::Clock,
    collection::{Batch, Config, Progress},
    error::{Error, Result},
    graph::HnswParams,
    storage::{Files, Fsync, Interruption, Operation, Source},
    vectors::Metric,
};

use crate::{
    encrypted::copy,
    fault::{Fault, Faults, interruptions},
    script::*,
    support::WAIT,
};

/// Names and descriptions that occur nowhere else.
const OLD_NAME: &str = "old name 5f1c0b7e";
const NEW_NAME: &str = "new name 93ad44c2";
const OLD_TEXT: &str = "old description 7be31d90";
const NEW_TEXT: &str = "new description 1c8f62aa";
/// So few links that a graph of a thousand vectors is built at once.
const M: usize = 4;
const NEW_M: usize = 12;
/// A collection of fewer vectors has no graph.
const GRAPH: u32 = 1100;

fn needle(text: &str) -> Vec<(String, Vec<u8>)> {
    vec![(text.to_owned(), text.as_bytes().to_vec())]
}

fn bulk(from: u32, to: u32) -> Vec<(u32, u32)> {
    (from..to).map(|n| (n, n)).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Rename,
    Describe,
    RemoveDescription,
    Reindex,
}

/// What a change can change.
#[derive(Debug, Clone, PartialEq)]
struct Settings {
    name: &'static str,
    description: Option<&'static str>,
    m: usize,
}

impl Settings {
    const OLD: Self = Self {
        name: OLD_NAME,
        description: Some(OLD_TEXT),
        m: M,
    };

    fn after(change: Change) -> Self {
        let mut new = Self::OLD;
        match change {
            Change::Rename => new.name = NEW_NAME,
            Change::Describe => new.description = Some(NEW_TEXT),
            Change::RemoveDescription => new.description = None,
            Change::Reindex => new.m = NEW_M,
        }
        new
    }

    /// Whether the store has one collection, with these settings and the model's vectors.
    fn are_of(&self, session: &Session, model: &Model) -> bool {
        let mut model = model.clone();
        let stored = model.collections.remove(OLD_NAME).unwrap();
        model.collections.insert(self.name, stored);
        let Ok(collection) = session.call().collection(self.name) else {
            return false;
        };
        let config = collection.config();
        assert_eq!(config.hnsw.ef_construction, 8);
        config.description.as_deref() == self.description
            && config.hnsw.m == self.m
            && session.difference(&model).is_none()
    }

    /// What none of the files may hold if a collection has these settings.
    fn gone(&self) -> Vec<(String, Vec<u8>)> {
        let all = [OLD_NAME, NEW_NAME, OLD_TEXT, NEW_TEXT].into_iter();
        let gone = all.filter(|&text| text != self.name && Some(text) != self.description);
        gone.flat_map(needle).collect()
    }
}

fn apply(call: &Call, change: Change) -> Result<()> {
    match change {
        Change::Rename => call.rename_collection(OLD_NAME, NEW_NAME).map(drop),
        Change::Describe => call
            .describe_collection(OLD_NAME, Some(NEW_TEXT.into()))
            .map(drop),
        Change::RemoveDescription => call.describe_collection(OLD_NAME, None).map(drop),
        Change::Reindex => {
            let options = ReindexOptions {
                m: Some(NEW_M),
                ..ReindexOptions::default()
            };
            call.reindex_collection(OLD_NAME, options).map(drop)
        }
    }
}

/// A store with one collection of so many vectors.
fn template(count: u32) -> (tempfile::TempDir, Model) {
    let (store, backups) = (directory(), directory());
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    let config = Config {
        name: OLD_NAME.into(),
        dimension: DIMENSION,
        metric: Metric::Euclidean,
        hnsw: HnswParams {
            m: M,
            ef_construction: 8,
            // Finds the nearest also in such a graph.
            ef_search: 2000,
            ..HnswParams::default()
        },
        description: Some(OLD_TEXT.into()),
    };
    session.call().create_collection(config).unwrap();
    let mut model = Model::default();
    model.apply(&Op::Create(OLD_NAME));
    for op in [
        Op::Put(OLD_NAME, bulk(0, count)),
        Op::DeleteMany(OLD_NAME, vec![3, 4]),
        Op::Optimize(OLD_NAME),
    ] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    session.close().unwrap();
    (store, model)
}

/// Changes the settings of a copy of the store with a fault, and checks what is there then, and when
/// the store is opened again. Returns the number of changes to the files.
fn run(
    (template, model): &(tempfile::TempDir, Model),
    change: Change,
    fsync: Fsync,
    fault: Option<Fault>,
) -> usize {
    let (store, backups) = (directory(), directory());
    let path = store.path();
    copy(template.path(), path);
    let faults = Arc::new(Faults::default());
    let files = faults.files(fault);
    let (old, new) = (Settings::OLD, Settings::after(change));
    let context = |what: &str| format!("{change:?}, {fault:?}, {fsync:?}: {what}");
    let session = Session::open(&files, path, fsync, backups.path()).unwrap();
    faults.arm();
    let changed = apply(&session.call(), change);
    let (now, other) = match new.are_of(&session, model) {
        true => (&new, &old),
        false => (&old, &new),
    };
    assert!(now.are_of(&session, model), "{}", context("is neither"));
    if let Err(error) = &changed {
        let is_refused = matches!(error, Error::Storage(_));
        assert!(is_refused, "{}", context(&error.to_string()));
        let is_said = error.to_string().contains("the change is made, but");
        assert_eq!(is_said, now == &new, "{}", context(&error.to_string()));
    } else {
        assert!(now == &new, "{}", context("is not changed"));
        let left = residues(path, &new.gone());
        assert_eq!(left, Vec::<String>::new(), "{}", context("at once"));
    }
    let (mut model, put) = (model.clone(), Op::Put(now.name, bulk(9000, 9001)));
    let is_writable = session.apply(&put).is_ok();
    let mut next = model.clone();
    next.apply(&Op::Put(OLD_NAME, bulk(9000, 9001)));
    if is_writable {
        // A change that fails has not happened, unless nothing more is written.
        assert!(changed.is_ok() || now == &old, "{}", context("is changed"));
        model = next.clone();
    }
    let is_certain = changed.is_ok() || is_writable;
    let closed = session.close();
    assert!(fault.is_some() || closed.is_ok());

    let session = Session::open(&Files::default(), path, fsync, backups.path());
    let session = session.unwrap_or_else(|error| panic!("{}", context(&error.to_string())));
    if !model_fits(&session, &model) {
        // The write in progress may have happened.
        model = next;
    }
    let found = match now.are_of(&session, &model) {
        true => now,
        false => other,
    };
    assert!(found == now || !is_certain, "{}", context("is undone"));
    assert!(found.are_of(&session, &model), "{}", context("is neither"));
    let left = residues(path, &found.gone());
    assert_eq!(left, Vec::<String>::new(), "{}", context("after opening"));
    if change == Change::Reindex {
        session.apply(&Op::Optimize(OLD_NAME)).unwrap();
        assert!(found.are_of(&session, &model), "{}", context("is rebuilt"));
    }
    session.close().unwrap();
    if change == Change::Reindex {
        check_saved_graph(path, found.m, &context("its graph"));
    }
    faults.changes()
}

/// Whether the only collection has as many vectors as in the model.
fn model_fits(session: &Session, model: &Model) -> bool {
    let all = session.call().collections();
    let counts = all.iter().map(|one| one.count(WAIT, None).unwrap());
    counts.eq([model.collections[OLD_NAME].len()])
}

/// Checks that the saved graph has nodes with so many links.
fn check_saved_graph(path: &Path, m: usize, context: &str) {
    let size = fs::metadata(path.join("collection-1/graph")).unwrap().len();
    let links = 4 * 2 * m as u64 * u64::from(GRAPH);
    // The rest is the numbers of the vectors, and the upper layers.
    assert!(
        (links / 10 * 9..links * 2).contains(&size),
        "{context}: {size}"
    );
}

fn every_change(change: Change, count: u32, ways: &[(Fsync, bool)]) {
    let template = template(count);
    for &(fsync, stops) in ways {
        let changes = run(&template, change, fsync, None);
        assert!(changes > 4);
        for at in 0..changes {
            // No space left on device; input/output error.
            let code = [28, 5][at % 2];
            for how in interruptions(code) {
                run(&template, change, fsync, Some(Fault { at, how, stops }));
            }
        }
    }
}

const ALL_WAYS: [(Fsync, bool); 4] = [
    (Fsync::No, true),
    (Fsync::No, false),
    (Fsync::Always, true),
    (Fsync::Always, false),
];

#[test]
fn a_collection_has_its_old_name_or_its_new_one_whenever_the_process_stops() {
    every_change(Change::Rename, 30, &ALL_WAYS);
}

#[test]
fn a_collection_has_its_old_description_or_its_new_one_whenever_the_process_stops() {
    every_change(Change::Describe, 30, &ALL_WAYS);
    every_change(Change::RemoveDescription, 30, &ALL_WAYS[..1]);
}

#[test]
fn a_collection_has_its_old_graph_parameters_or_its_new_ones_whenever_the_process_stops() {
    every_change(Change::Reindex, GRAPH, &ALL_WAYS[..1]);
}

#[test]
fn a_graph_that_was_not_built_when_the_process_ended_is_built_at_the_next_opening() {
    let (template, _) = template(GRAPH);
    let (store, backups) = (directory(), directory());
    copy(template.path(), store.path());
    let graph = store.path().join("collection-1/graph");
    assert!(graph.exists());
    // It cannot be saved, as if it had never been finished.
    let files = Files::interrupted_by(|operation| {
        let is_new = matches!(operation, Operation::Create(path) if path.ends_with("graph.new"));
        is_new.then_some(Interruption::Before(5))
    });
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    // The graph would be usable: it has the same shape.
    let options = ReindexOptions {
        ef_construction: Some(64),
        ..ReindexOptions::default()
    };
    let begun = session.call().reindex_collection(OLD_NAME, options);
    let begun = begun.unwrap();
    assert!(!begun.is_complete && begun.job_id.starts_with("reindex-"));
    assert_eq!((begun.params.m, begun.params.ef_construction), (M, 64));
    assert!(!graph.exists());
    session.close().unwrap();
    assert!(!graph.exists());
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    session.apply(&Op::Optimize(OLD_NAME)).unwrap();
    let collection = session.call().collection(OLD_NAME).unwrap();
    assert_eq!(collection.config().hnsw.ef_construction, 64);
    assert_eq!(collection.info(WAIT).unwrap().pending, 0);
    drop(collection);
    session.close().unwrap();
    check_saved_graph(store.path(), M, "its graph");
}

/// Rebuilds the graph of a copy of the store with other parameters, but with nodes of the same shape,
/// kills the process at a change to the files, or lets this one fail, and opens the store again.
/// Returns the number of changes.
fn rebuilt((template, model): &(tempfile::TempDir, Model), fault: Option<Fault>) -> usize {
    const EF: usize = 64;
    let (store, backups) = (directory(), directory());
    let path = store.path();
    copy(template.path(), path);
    let count = Arc::new(AtomicUsize::new(0));
    let (armed, killed) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (counted, is_armed, is_killed) = (count.clone(), armed.clone(), killed.clone());
    let files = Files::interrupted_by(move |operation| {
        let is_new = matches!(operation, Operation::Create(path) if path.ends_with("graph.new"));
        // The new graph is not done when the process is killed.
        if is_new || is_killed.load(Ordering::SeqCst) {
            return Some(Interruption::Before(5));
        }
        if !is_armed.load(Ordering::SeqCst) {
            return None;
        }
        let now = counted.fetch_add(1, Ordering::SeqCst);
        let fault = fault?;
        match now.cmp(&fault.at) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(fault.how),
            std::cmp::Ordering::Greater => fault.stops.then_some(Interruption::Before(5)),
        }
    });
    let session = Session::open(&files, path, Fsync::No, backups.path()).unwrap();
    armed.store(true, Ordering::SeqCst);
    let options = ReindexOptions {
        ef_construction: Some(EF),
        ..ReindexOptions::default()
    };
    let begun = session.call().reindex_collection(OLD_NAME, options);
    killed.store(true, Ordering::SeqCst);
    let changes = count.load(Ordering::SeqCst);
    let _ = session.close();

    let saved = Arc::new(AtomicBool::new(false));
    let is_saved = saved.clone();
    let files = Files::interrupted_by(move |operation| {
        if matches!(operation, Operation::Create(path) if path.ends_with("graph.new")) {
            is_saved.store(true, Ordering::SeqCst);
        }
        None
    });
    let session = Session::open(&files, path, Fsync::No, backups.path()).unwrap();
    // What is in order is neither built nor saved by this.
    session.apply(&Op::Optimize(OLD_NAME)).unwrap();
    assert_eq!(session.difference(model), None, "{fault:?}");
    let collection = session.call().collection(OLD_NAME).unwrap();
    let ef = collection.config().hnsw.ef_construction;
    assert!(ef == EF || (ef == 8 && begun.is_err()), "{fault:?}: {ef}");
    assert_eq!(saved.load(Ordering::SeqCst), ef == EF, "{fault:?}: {ef}");
    assert_eq!(collection.info(WAIT).unwrap().pending, 0, "{fault:?}");
    drop(collection);
    session.close().unwrap();
    check_saved_graph(path, M, &format!("{fault:?}"));
    changes
}

#[test]
fn a_graph_is_never_taken_for_one_with_other_parameters_whenever_the_process_stops() {
    let template = template(GRAPH);
    let changes = rebuilt(&template, None);
    assert!(changes > 4);
    for at in 0..changes {
        for how in interruptions(5) {
            for stops in [true, false] {
                rebuilt(&template, Some(Fault { at, how, stops }));
            }
        }
    }
}

#[test]
fn a_graph_that_is_built_anew_as_it_is_makes_the_file_of_the_previous_one_unreadable() {
    let (template, model) = template(GRAPH);
    let (store, backups) = (directory(), directory());
    copy(template.path(), store.path());
    let graph = store.path().join("collection-1/graph");
    let before = fs::read(&graph).unwrap();
    let open = |files: &Files| Session::open(files, store.path(), Fsync::No, backups.path());
    let session = open(&Files::default()).unwrap();
    let begun = session
        .call()
        .reindex_collection(OLD_NAME, ReindexOptions::default());
    assert!(!begun.unwrap().is_complete);
    session.apply(&Op::Optimize(OLD_NAME)).unwrap();
    session.close().unwrap();
    // As if it had been written late.
    fs::write(&graph, before).unwrap();
    let saved = Arc::new(AtomicBool::new(false));
    let is_saved = saved.clone();
    let files = Files::interrupted_by(move |operation| {
        if matches!(operation, Operation::Create(path) if path.ends_with("graph.new")) {
            is_saved.store(true, Ordering::SeqCst);
        }
        None
    });
    let session = open(&files).unwrap();
    session.apply(&Op::Optimize(OLD_NAME)).unwrap();
    assert!(saved.load(Ordering::SeqCst));
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}

#[test]
fn the_longest_name_and_the_longest_description_fit_into_the_key_table() {
    let (store, backups) = (directory(), directory());
    let open = || Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    // In JSON, both are twice as long.
    let (name, description) = ("\"".repeat(255), "\n".repeat(1024));
    let session = open().unwrap();
    let call = session.call();
    session.apply(&Op::Create("things")).unwrap();
    call.describe_collection("things", Some(description.clone()))
        .unwrap();
    call.rename_collection("things", &name).unwrap();
    let parameters = ReindexOptions {
        m: Some(128),
        ef_construction: Some(4096),
        ef_search: Some(4096),
    };
    call.reindex_collection(&name, parameters).unwrap();
    for wrong in [
        String::new(),
        "a".repeat(1025),
        "\u{7f}".into(),
        "a\0".into(),
    ] {
        let refused = call.describe_collection(&name, Some(wrong));
        assert!(matches!(refused, Err(Error::Validation(_))));
    }
    drop(call);
    session.close().unwrap();
    let session = open().unwrap();
    let collection = session.call().collection(&name).unwrap();
    assert_eq!(
        collection.config().description.as_deref(),
        Some(&*description)
    );
    drop(collection);
    session.close().unwrap();
}

#[test]
fn settings_stay_over_rotations_rewrites_backups_and_restores() {
    let (template, mut model) = template(GRAPH);
    let backups = directory();
    let path = template.path();
    let open = |path: &Path| Session::open(&Files::default(), path, Fsync::No, backups.path());
    let session = open(path).unwrap();
    for change in [Change::Describe, Change::Reindex, Change::Rename] {
        apply(&session.call(), change).unwrap();
    }
    let stored = model.collections.remove(OLD_NAME).unwrap();
    model.collections.insert(NEW_NAME, stored);
    let check = |session: &Session, model: &Model, what: &str| {
        assert_eq!(session.difference(model), None, "{what}");
        let config = session.call().collection(NEW_NAME).unwrap().config();
        let found = (config.description.as_deref(), config.hnsw.m);
        assert_eq!(found, (Some(NEW_TEXT), NEW_M), "{what}");
        let old = [needle(OLD_NAME), needle(OLD_TEXT)].concat();
        assert_eq!(residues(path, &old), Vec::<String>::new(), "{what}");
    };
    for op in [
        Op::Rotate,
        Op::BackUp,
        // The log is worth rewriting.
        Op::DeleteMany(NEW_NAME, (0..800).collect()),
        Op::Optimize(NEW_NAME),
        Op::Rotate,
        Op::BackUp,
    ] {
        let what = format!("{op:?}");
        session.apply(&op).unwrap();
        model.apply(&op);
        check(&session, &model, &what);
    }
    session.close().unwrap();
    assert!(path.join("collection-1/keys.2").exists());
    let session = open(path).unwrap();
    check(&session, &model, "opened again");
    session.close().unwrap();
    let restored = backups.path().join("restored");
    let backup = backups.path().join("1.vecbak");
    restore_backup(&backup, &restored, Source::default(), None, &mut |_, _| ()).unwrap();
    let session = open(&restored).unwrap();
    check(&session, &model, "restored");
    session.close().unwrap();
}

/// The moments of a change of settings at which it does not hold the collection's lock.
fn unlocked_moment(operation: Operation<'_>) -> Option<&'static str> {
    match operation {
        Operation::Sync(path) if path.ends_with("keys.1.new") => Some("copied"),
        Operation::Write(path, 0, _) if path.ends_with("keys.1.old") => Some("wiping"),
        Operation::Remove(path) if path.ends_with("keys.1.old") => Some("wiped"),
        _ => None,
    }
}

/// Opens a copy of the store, renames its collection, and calls `act` once at a moment in between.
fn renamed_with<T: Send + 'static>(
    (template, backups): (&Path, &Path),
    moment: &'static str,
    act: impl Fn(&Call) -> T + Send + Sync + 'static,
) -> (tempfile::TempDir, Session, Result<()>, T) {
    let store = directory();
    copy(template, store.path());
    let call: Arc<Mutex<Option<Call>>> = Arc::default();
    let outcome: Arc<Mutex<Option<T>>> = Arc::default();
    let (call2, outcome2) = (call.clone(), outcome.clone());
    let files = Files::interrupted_by(move |operation| {
        if unlocked_moment(operation)? == moment {
            let call = call2.lock().unwrap().take();
            if let Some(call) = call {
                let done = act(&call);
                *outcome2.lock().unwrap() = Some(done);
            }
        }
        None
    });
    let session = Session::open(&files, store.path(), Fsync::No, backups).unwrap();
    *call.lock().unwrap() = Some(session.call());
    let renamed = apply(&session.call(), Change::Rename);
    let done = outcome.lock().unwrap().take();
    let done = done.unwrap_or_else(|| panic!("{moment} never came"));
    (store, session, renamed, done)
}

#[test]
fn what_is_written_while_a_collection_is_renamed_is_there_under_its_new_name() {
    let (template, model) = template(30);
    let backups = directory();
    for (moment, name) in [
        ("copied", OLD_NAME),
        ("wiping", NEW_NAME),
        ("wiped", NEW_NAME),
    ] {
        let other = if name == OLD_NAME { NEW_NAME } else { OLD_NAME };
        let act = move |call: &Call| {
            // At any moment, it has exactly one name.
            let missing = call.collection(other).map(drop);
            assert!(matches!(missing, Err(Error::CollectionNotFound(_))));
            assert_eq!(call.collections().len(), 1);
            let collection = call.collection(name).unwrap();
            let ids: Vec<String> = (10..20).map(id).collect();
            collection
                .delete_many(WAIT, &ids, &Default::default())
                .unwrap();
            let mut prepared = collection
                .prepare(Batch {
                    ids: vec![Some(id(7000))],
                    data: row(7000),
                    lengths: vec![DIMENSION as u32],
                    metadata: vec![Some(metadata(7000).into())],
                    texts: vec![Some(text(7000).into())],
                    ..Batch::default()
                })
                .unwrap();
            collection.insert(WAIT, &mut prepared).unwrap();
            assert_eq!(collection.verify_erased(&ids).unwrap(), []);
        };
        let paths = (template.path(), backups.path());
        let (store, session, renamed, ()) = renamed_with(paths, moment, act);
        renamed.unwrap();
        let mut model = model.clone();
        for op in [
            Op::DeleteMany(OLD_NAME, (10..20).collect()),
            Op::Put(OLD_NAME, bulk(7000, 7001)),
        ] {
            model.apply(&op);
        }
        let new = Settings::after(Change::Rename);
        assert!(new.are_of(&session, &model), "{moment}");
        session.close().unwrap();
        let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
        let session = session.unwrap();
        assert!(new.are_of(&session, &model), "{moment}");
        session.close().unwrap();
        let gone = [new.gone(), model.gone(&Model::default())].concat();
        let left = residues(store.path(), &gone);
        assert_eq!(left, Vec::<String>::new(), "{moment}");
    }
}

#[test]
fn a_collection_may_be_deleted_while_it_is_renamed() {
    let (template, _) = template(30);
    let backups = directory();
    for (moment, name) in [
        ("copied", OLD_NAME),
        ("wiping", NEW_NAME),
        ("wiped", NEW_NAME),
    ] {
        let act = move |call: &Call| drop(call.delete_collection(WAIT, name, false, None).unwrap());
        let paths = (template.path(), backups.path());
        let (store, session, renamed, ()) = renamed_with(paths, moment, act);
        let is_missing = matches!(&renamed, Err(Error::CollectionNotFound(_)));
        assert_eq!(is_missing, moment == "copied", "{moment}: {renamed:?}");
        assert!(is_missing || renamed.is_ok(), "{moment}: {renamed:?}");
        assert!(session.call().collections().is_empty(), "{moment}");
        // Both names are free.
        session.apply(&Op::Create(OLD_NAME)).unwrap();
        session.apply(&Op::Create(NEW_NAME)).unwrap();
        session.close().unwrap();
        let left = residues(store.path(), &needle(OLD_TEXT));
        assert_eq!(left, Vec::<String>::new(), "{moment}");
    }
}

#[test]
fn a_name_that_another_collection_takes_meanwhile_is_refused_and_the_old_one_stays() {
    let (template, mut model) = template(30);
    let backups = directory();
    let act = |call: &Call| {
        let config = Config {
            name: NEW_NAME.into(),
            ..Config::clone(&call.collection(OLD_NAME).unwrap().config())
        };
        drop(call.create_collection(config).unwrap());
    };
    let paths = (template.path(), backups.path());
    let (store, session, renamed, ()) = renamed_with(paths, "copied", act);
    let is_taken = matches!(&renamed, Err(Error::CollectionExists(name)) if name == NEW_NAME);
    assert!(is_taken, "{renamed:?}");
    model.apply(&Op::Create(NEW_NAME));
    assert_eq!(session.difference(&model), None);
    assert!(!store.path().join("collection-1/keys.1.new").exists());
    session.close().unwrap();
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}

#[test]
fn a_collection_that_is_renamed_while_its_log_is_rewritten_has_its_new_name() {
    let (template, mut model) = template(GRAPH);
    let (store, backups) = (directory(), directory());
    copy(template.path(), store.path());
    let call: Arc<Mutex<Option<Call>>> = Arc::default();
    let renaming: Arc<Mutex<Option<thread::JoinHandle<Result<()>>>>> = Arc::default();
    let (call2, renaming2) = (call.clone(), renaming.clone());
    let files = Files::interrupted_by(move |operation| {
        // The log's successor has the old name, and is not in place yet.
        if let Operation::Sync(path) = operation
            && path.ends_with("log.2.new")
            && let Some(call) = call2.lock().unwrap().take()
        {
            let rename = move || apply(&call, Change::Rename);
            *renaming2.lock().unwrap() = Some(thread::spawn(rename));
        }
        None
    });
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    let delete = Op::DeleteMany(OLD_NAME, (0..800).collect());
    session.apply(&delete).unwrap();
    model.apply(&delete);
    *call.lock().unwrap() = Some(session.call());
    session.apply(&Op::Optimize(OLD_NAME)).unwrap();
    let renamed = renaming.lock().unwrap().take();
    renamed.unwrap().join().unwrap().unwrap();
    let new = Settings::after(Change::Rename);
    assert!(new.are_of(&session, &model));
    session.close().unwrap();
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    assert!(new.are_of(&session, &model));
    session.close().unwrap();
    assert_eq!(residues(store.path(), &new.gone()), Vec::<String>::new());
}

#[test]
fn collections_that_swap_names_during_a_backup_are_in_it_under_their_old_names() {
    let (store, backups) = (directory(), directory());
    let open = |path: &Path| Session::open(&Files::default(), path, Fsync::No, backups.path());
    let session = open(store.path()).unwrap();
    let mut model = Model::default();
    for op in [
        Op::Create("first"),
        Op::Put("first", bulk(0, 10)),
        Op::Create("second"),
        Op::Put("second", bulk(100, 120)),
    ] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    let file = backups.path().join("swapped");
    let mut swapped = false;
    let progress = &mut |_: Progress| {
        if !std::mem::replace(&mut swapped, true) {
            for (old, new) in [("first", "other"), ("second", "first"), ("other", "second")] {
                session.call().rename_collection(old, new).unwrap();
            }
        }
    };
    session
        .call()
        .create_backup(&file, None, false, progress)
        .unwrap();
    let call = session.call();
    assert_eq!(
        call.collection("first").unwrap().count(WAIT, None).unwrap(),
        20
    );
    drop(call);
    session.close().unwrap();
    let restored = backups.path().join("restored");
    restore_backup(&file, &restored, Source::default(), None, &mut |_, _| ()).unwrap();
    let session = open(&restored).unwrap();
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
    let session = open(store.path()).unwrap();
    let first = model.collections.remove("first").unwrap();
    let second = model.collections.insert("second", first).unwrap();
    model.collections.insert("first", second);
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}

#[test]
fn empty_collections_are_deleted_with_their_files() {
    let (store, backups) = (directory(), directory());
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    let mut model = Model::default();
    for op in [
        Op::Create("full"),
        Op::Put("full", bulk(0, 3)),
        Op::Create("new"),
        Op::Create("emptied"),
        Op::Put("emptied", bulk(10, 12)),
        Op::DeleteMany("emptied", vec![10, 11]),
    ] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    let call = session.call();
    assert_eq!(call.empty_collections().unwrap(), ["emptied", "new"]);
    let found = call.delete_empty_collections(true).unwrap();
    assert_eq!(found, ["emptied", "new"]);
    assert_eq!(session.difference(&model), None);
    let deleted = call.delete_empty_collections(false).unwrap();
    assert_eq!(deleted, ["emptied", "new"]);
    assert!(call.empty_collections().unwrap().is_empty());
    drop(call);
    for name in ["new", "emptied"] {
        model.apply(&Op::Drop(name));
    }
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
    for number in [2, 3] {
        assert!(!store.path().join(format!("collection-{number}")).exists());
    }
}

#[test]
fn a_collection_whose_vectors_have_expired_is_not_empty_until_they_are_erased() {
    const START: i64 = 1_767_225_600_000;
    const YEAR: i64 = 365 * 24 * 3600 * 1000;
    let store = directory();
    let clock = Clock::manual(START);
    let opened = open_with(
        &Files::default(),
        store.path(),
        Opening {
            fsync: Some(Fsync::No),
            clock: clock.clone(),
            ..Opening::default()
        },
    );
    let client = Client::of(opened.unwrap());
    let call = client.begin().unwrap();
    let config = Config {
        name: "expiring".into(),
        dimension: DIMENSION,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
        description: None,
    };
    let collection = call.create_collection(config).unwrap();
    let mut prepared = collection
        .prepare(Batch {
            ids: vec![Some("a".into())],
            data: row(1),
            lengths: vec![DIMENSION as u32],
            expires_at: vec![Some(START + 1000)],
            ..Batch::default()
        })
        .unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
    // Nothing is erased.
    clock.set(START + YEAR);
    assert!(clock.is_paused());
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.vectors, info.expired), (0, 1));
    assert!(call.empty_collections().unwrap().is_empty());
    for dry_run in [true, false] {
        let deleted = call.delete_empty_collections(dry_run).unwrap();
        assert_eq!(deleted, Vec::<String>::new());
    }
    assert_eq!(collection.info(WAIT).unwrap().expired, 1);
    clock.resume();
    while collection.info(WAIT).unwrap().expired > 0 {
        collection.erase_expired().unwrap();
    }
    assert_eq!(call.empty_collections().unwrap(), ["expiring"]);
    assert_eq!(call.delete_empty_collections(false).unwrap(), ["expiring"]);
    assert!(call.collections().is_empty());
    drop((call, collection));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(client.close()).unwrap();
}

#[test]
fn who_waits_until_a_collection_is_created_can_be_cancelled() {
    let (template, mut model) = template(30);
    let (store, backups) = (directory(), directory());
    copy(template.path(), store.path());
    let call: Arc<Mutex<Option<Call>>> = Arc::default();
    let waited: Arc<AtomicUsize> = Arc::default();
    let (call2, waited2) = (call.clone(), waited.clone());
    // While a collection is created, others want to create and delete one.
    let files = Files::interrupted_by(move |_| {
        let call = call2.lock().unwrap().take()?;
        let config = Config {
            name: "third".into(),
            ..Config::clone(&call.collection(OLD_NAME).unwrap().config())
        };
        let acts: [&(dyn Fn() -> Result<()> + Sync); 2] = [
            &|| call.create_collection(config.clone()).map(drop),
            &|| {
                call.delete_collection(WAIT, OLD_NAME, false, None)
                    .map(drop)
            },
        ];
        for act in acts {
            let token = Arc::new(Token::default());
            let done = thread::scope(|scope| {
                let acting = scope.spawn(|| cancel::during(Some(token.clone()), act));
                thread::sleep(Duration::from_millis(20));
                assert!(token.cancel());
                acting.join().unwrap()
            });
            if matches!(done, Err(Error::Cancelled)) {
                waited2.fetch_add(1, Ordering::SeqCst);
            }
        }
        None
    });
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    *call.lock().unwrap() = Some(session.call());
    session.apply(&Op::Create("second")).unwrap();
    model.apply(&Op::Create("second"));
    assert_eq!(waited.load(Ordering::SeqCst), 2);
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}
