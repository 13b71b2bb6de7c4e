//! Places other than the key table where deleted data could remain.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use vectorizer_native::{
    client::Call,
    collection::{Access, DeleteOptions},
    error::Error,
    storage::{Files, Fsync, Interruption, KEY, KEYS_OFFSET, Operation, PREAMBLE, Source},
};

use crate::{script::*, support::WAIT, thief};

const COUNT: u32 = 2000;

fn bulk(from: u32) -> Op {
    Op::Put("things", (from..from + COUNT).map(|n| (n, n)).collect())
}

/// A change, reduced to what matters here.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// The end of the written range, and whether it was all zeros.
    Write(PathBuf, u64, bool),
    Truncate(PathBuf, u64),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf, bool),
    Remove(PathBuf),
}

/// Records the changes, some of which fail.
fn noted(
    fails: impl Fn(Operation<'_>) -> Option<Interruption> + Send + Sync + 'static,
) -> (Files, Arc<Mutex<Vec<Change>>>) {
    let changes: Arc<Mutex<Vec<Change>>> = Arc::default();
    let noted = changes.clone();
    let files = Files::interrupted_by(move |operation| {
        let change = match operation {
            Operation::Write(path, at, bytes) => {
                let zeros = bytes.iter().all(|&byte| byte == 0);
                Some(Change::Write(path.into(), at + bytes.len() as u64, zeros))
            }
            Operation::Truncate(path, len) => Some(Change::Truncate(path.into(), len)),
            Operation::Sync(path) => Some(Change::Sync(path.into())),
            Operation::Rename(from, to) => {
                Some(Change::Rename(from.into(), to.into(), to.exists()))
            }
            Operation::Remove(path) => Some(Change::Remove(path.into())),
            Operation::Create(_) | Operation::CreateDirectory(_) => None,
        };
        noted.lock().unwrap().extend(change);
        fails(operation)
    });
    (files, changes)
}

/// Asserts that the truncated part of each key table had been zeroed on disk before the truncation,
/// and before the log was truncated.
fn check_cuts(changes: &[Change]) {
    let mut cuts = 0;
    for (i, change) in changes.iter().enumerate() {
        let Change::Truncate(path, len) = change else {
            continue;
        };
        let before = &changes[..i];
        if is_log(path) {
            let cut = |change: &Change| matches!(change, Change::Truncate(of, _) if is_keys(of));
            assert!(before.iter().any(cut), "{changes:?}");
            continue;
        }
        let is_last_write = |change: &Change| matches!(change, Change::Write(of, end, _) if of == path && end > len);
        let Some(last) = before.iter().rposition(is_last_write) else {
            continue;
        };
        assert!(
            matches!(before[last], Change::Write(.., true)),
            "{changes:?}"
        );
        assert!(
            before[last..].contains(&Change::Sync(path.clone())),
            "{changes:?}"
        );
        cuts += 1;
    }
    assert!(cuts > 0, "{changes:?}");
}

/// Whatever path separators the system uses before it.
fn is_log(path: &Path) -> bool {
    path.ends_with("log.1")
}

fn is_keys(path: &Path) -> bool {
    path.ends_with("keys.1")
}

/// Makes writes fail while a test says so: either the zeros over keys, or all others to the log.
fn failing(
    now: &Arc<Mutex<bool>>,
    erasures: bool,
    how: Interruption,
) -> impl Fn(Operation<'_>) -> Option<Interruption> + Send + Sync + use<> {
    let now = now.clone();
    move |operation| match operation {
        Operation::Write(path, _, bytes)
            if if erasures {
                is_keys(path)
            } else {
                is_log(path)
            } =>
        {
            let zeros = bytes.iter().all(|&byte| byte == 0);
            (zeros == erasures && *now.lock().unwrap()).then_some(how)
        }
        _ => None,
    }
}

fn open(files: &Files, store: &Path, backups: &Path) -> Session {
    Session::open(files, store, Fsync::No, backups).unwrap()
}

#[test]
fn the_keys_of_what_is_cut_off_a_log_are_zeros_on_the_disk_before() {
    let (store, backups) = (directory(), directory());
    let full = Arc::new(Mutex::new(false));
    let (files, changes) = noted(failing(&full, false, Interruption::Half(28)));
    let session = open(&files, store.path(), backups.path());
    session.apply(&Op::Create("things")).unwrap();
    *full.lock().unwrap() = true;
    changes.lock().unwrap().clear();
    assert!(session.apply(&bulk(0)).is_err());
    check_cuts(&changes.lock().unwrap());
    *full.lock().unwrap() = false;
    session.apply(&bulk(0)).unwrap();
    session.close().unwrap();
}

#[test]
fn the_keys_of_the_torn_end_of_a_log_are_zeros_on_the_disk_before_it_is_cut_off() {
    let (store, backups) = (directory(), directory());
    let stopped = Arc::new(Mutex::new(None));
    let stops = stopped.clone();
    // The process stops in the middle of a record.
    let (files, _) = noted(move |operation| {
        let mut stops = stops.lock().unwrap();
        let half = matches!(operation, Operation::Write(path, ..) if path.ends_with("log.1"));
        match *stops {
            Some(false) if half => {
                *stops = Some(true);
                Some(Interruption::Half(5))
            }
            Some(true) => Some(Interruption::Before(5)),
            _ => None,
        }
    });
    let session = open(&files, store.path(), backups.path());
    session.apply(&Op::Create("things")).unwrap();
    *stopped.lock().unwrap() = Some(false);
    assert!(session.apply(&bulk(0)).is_err());
    drop(session.close());
    let torn = fs::read(store.path().join("collection-1/log.1")).unwrap();
    assert!(torn.len() > 100_000);

    let (files, changes) = noted(|_| None);
    let session = open(&files, store.path(), backups.path());
    let noted = changes.lock().unwrap().clone();
    let is_cut = |change: &Change| matches!(change, Change::Truncate(path, _) if is_log(path));
    let cut = noted.iter().position(is_cut).unwrap();
    let before = |which: &dyn Fn(&Change) -> bool| noted[..cut].iter().rposition(which);
    let zeros = |change: &Change| {
        let end = KEYS_OFFSET + u64::from(COUNT) * KEY as u64;
        matches!(change, Change::Write(of, to, true) if is_keys(of) && *to == end)
    };
    let synced = |change: &Change| matches!(change, Change::Sync(of) if is_keys(of));
    let erased = before(&zeros).unwrap();
    assert!(before(&synced).unwrap() > erased, "{noted:?}");
    session.close().unwrap();
}

#[test]
fn a_graph_s_file_is_overwritten_before_it_goes() {
    let (store, backups) = (directory(), directory());
    let (files, changes) = noted(|_| None);
    let session = open(&files, store.path(), backups.path());
    for op in [
        Op::Create("things"),
        bulk(0),
        Op::Optimize("things"),
        bulk(COUNT),
        Op::Optimize("things"),
        // Too few are left for a graph.
        Op::DeleteMany("things", (100..2 * COUNT).collect()),
        Op::Optimize("things"),
    ] {
        session.apply(&op).unwrap();
    }
    session.close().unwrap();
    let changes = changes.lock().unwrap();
    let mut removed = 0;
    for (i, change) in changes.iter().enumerate() {
        match change {
            Change::Rename(_, to, replaces) => assert!(!replaces, "{} is lost", to.display()),
            Change::Remove(path) if path.to_string_lossy().contains("graph") => {
                let of = |change: &&Change| matches!(change, Change::Write(of, ..) if of == path);
                let last = changes[..i].iter().rfind(of);
                assert!(matches!(last, Some(Change::Write(.., true))), "{changes:?}");
                removed += 1;
            }
            _ => {}
        }
    }
    assert_eq!(removed, 2);
    assert!(!store.path().join("collection-1/graph").exists());
}

/// The number of nodes in a graph file, and of those that it names.
fn nodes(store: &Path) -> (u32, u32) {
    let path = store.join("collection-1/graph");
    let bytes = thief::graph(&path, &fs::read(&path).unwrap()).unwrap();
    let nodes = u32::from_le_bytes(bytes[PREAMBLE + 4..][..4].try_into().unwrap());
    let keys = bytes[PREAMBLE + 20..].chunks_exact(8).take(nodes as usize);
    let named = keys.filter(|key| key.iter().any(|&byte| byte != 0));
    (nodes, named.count() as u32)
}

#[test]
fn the_graph_s_file_of_a_store_that_was_closed_after_a_delete_is_written_anew_at_the_opening() {
    let (store, backups) = (directory(), directory());
    let session = open(&Files::default(), store.path(), backups.path());
    for op in [Op::Create("things"), bulk(0), Op::Optimize("things")] {
        session.apply(&op).unwrap();
    }
    session
        .apply(&Op::DeleteMany("things", (0..10).collect()))
        .unwrap();
    session.close().unwrap();
    assert_eq!(nodes(store.path()), (COUNT, COUNT));
    let session = open(&Files::default(), store.path(), backups.path());
    // The deleted ones may still be there, but nothing says which vectors they were.
    assert_eq!(nodes(store.path()).1, COUNT - 10);
    let collection = session.call().collection("things").unwrap();
    assert_eq!(collection.verify_erased(&[id(0)]).unwrap(), []);
    session.apply(&Op::Optimize("things")).unwrap();
    assert_eq!(nodes(store.path()), (COUNT - 10, COUNT - 10));
    assert_eq!(collection.verify_erased(&[id(0)]).unwrap(), []);
    drop(collection);
    session.close().unwrap();
}

#[test]
fn a_number_that_stays_in_the_graph_s_file_is_a_residue() {
    let (store, backups) = (directory(), directory());
    let session = open(&Files::default(), store.path(), backups.path());
    for op in [Op::Create("things"), bulk(0), Op::Optimize("things")] {
        session.apply(&op).unwrap();
    }
    let graph = store.path().join("collection-1/graph");
    let before = fs::read(&graph).unwrap();
    for op in [
        Op::DeleteMany("things", (0..10).collect()),
        Op::Optimize("things"),
    ] {
        session.apply(&op).unwrap();
    }
    let collection = session.call().collection("things").unwrap();
    assert_eq!(collection.verify_erased(&[]).unwrap(), []);
    fs::write(&graph, before).unwrap();
    assert_eq!(collection.verify_erased(&[]).unwrap().len(), 10);
    drop(collection);
    session.close().unwrap();
}

// Windows locks the file of a backup that is being created.
#[cfg(not(windows))]
#[test]
fn a_collection_that_is_deleted_is_gone_from_a_backup_that_is_not_done() {
    for after in [1, 3] {
        let (store, backups) = (directory(), directory());
        let session = open(&Files::default(), store.path(), backups.path());
        let mut model = Model::default();
        for op in [
            Op::Create("things"),
            bulk(0),
            Op::Create("others"),
            Op::Put("others", (9000..9100).map(|n| (n, n)).collect()),
        ] {
            session.apply(&op).unwrap();
            model.apply(&op);
        }
        let target = backups.path().join("all.vecbak");
        let mut portions = 0;
        // Collections are copied in the order of their names.
        let made = session
            .call()
            .create_backup(&target, None, false, &mut |_| {
                portions += 1;
                if portions == after + 1 {
                    let op = Op::Drop("things");
                    session.apply(&op).unwrap();
                    model.apply(&op);
                    let gone = model.gone(&Model::default());
                    assert_eq!(residues(backups.path(), &gone), Vec::<String>::new());
                }
            });
        assert!(portions > after);
        assert_eq!(made.unwrap().backup.collections, 1);
        let gone = model.gone(&Model::default());
        assert_eq!(residues(backups.path(), &gone), Vec::<String>::new());
        session.close().unwrap();
    }
}

/// How many of the needles are found in files: some are in both parts of an entry.
fn found(path: &Path, needles: &[(String, Vec<u8>)]) -> usize {
    let mut found = residues(path, needles);
    found.sort_unstable();
    found.dedup();
    found.len()
}

// Windows locks the file of a backup that is being created.
#[cfg(not(windows))]
#[test]
fn a_backup_that_is_not_done_can_be_read_by_nobody_and_one_that_is_by_whoever_has_it() {
    let (store, backups) = (directory(), directory());
    let session = open(&Files::default(), store.path(), backups.path());
    let mut model = Model::default();
    for op in [Op::Create("things"), bulk(0), Op::Create("others")] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    // Everything there is, as if it had been deleted.
    let everything = Model::default().gone(&model);
    let target = backups.path().join("all.vecbak");
    let mut looked = 0;
    let progress = &mut |_| {
        if !target.exists() {
            assert_eq!(residues(backups.path(), &everything), Vec::<String>::new());
            looked += 1;
        }
    };
    session
        .call()
        .create_backup(&target, None, false, progress)
        .unwrap();
    assert!(looked > 1);
    assert_eq!(found(backups.path(), &everything), everything.len());
    session.close().unwrap();
}

#[test]
fn what_is_stored_can_be_read_by_whoever_has_all_the_files() {
    let (store, backups) = (directory(), directory());
    let session = open(&Files::default(), store.path(), backups.path());
    let mut model = Model::default();
    for op in [Op::Create("things"), bulk(0)] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    let everything = Model::default().gone(&model);
    // Checks that the thief in these tests can find what is there; otherwise it would never find
    // anything.
    assert_eq!(found(store.path(), &everything), everything.len());
    let as_they_are = |needle: &[u8]| {
        let files = ["log.1", "keys.1"].map(|name| store.path().join("collection-1").join(name));
        let bytes = files.map(|file| fs::read(file).unwrap());
        bytes
            .iter()
            .any(|bytes| memchr::memmem::find(bytes, needle).is_some())
    };
    assert!(!everything.iter().any(|(_, needle)| as_they_are(needle)));
    session.close().unwrap();
}

#[test]
fn a_key_that_cannot_be_destroyed_in_one_table_is_destroyed_in_the_other() {
    let (store, backups) = (directory(), directory());
    let path = store.path().canonicalize().unwrap();
    let broken = Arc::new(Mutex::new(false));
    let call: Arc<Mutex<Option<Call>>> = Arc::default();
    let found: Arc<Mutex<Option<Vec<String>>>> = Arc::default();
    let mut model = Model::default();
    let deleted = Op::DeleteMany("things", (0..50).collect());
    for op in [Op::Create("things"), bulk(0), deleted] {
        model.apply(&op);
    }
    let gone = model.gone(&Model::default());
    let fails = failing(&broken, true, Interruption::Before(5));
    let (inner, inside, left) = (path.clone(), call.clone(), found.clone());
    let files = Files::interrupted_by(move |operation| {
        // The moment when most of the new log has been written.
        if let Operation::Sync(file) = operation
            && file.ends_with("log.2.new")
            && let Ok(mut call) = inside.try_lock()
            && let Some(call) = call.take()
        {
            *broken.lock().unwrap() = true;
            let ids: Vec<String> = (0..50).map(id).collect();
            let collection = call.collection("things").unwrap();
            let deletion = collection.delete_many(WAIT, &ids, &DeleteOptions::default());
            assert!(matches!(deletion, Err(Error::Storage(_))));
            *broken.lock().unwrap() = false;
            *left.lock().unwrap() = Some(residues(&inner, &gone));
        }
        fails(operation)
    });
    let session = open(&files, &path, backups.path());
    for op in [
        Op::Create("things"),
        bulk(0),
        // Makes the log worth rewriting.
        Op::Put("things", (1500..COUNT).map(|n| (n, n)).collect()),
    ] {
        session.apply(&op).unwrap();
    }
    *call.lock().unwrap() = Some(session.call());
    assert!(session.apply(&Op::Optimize("things")).is_err());
    let found = found.lock().unwrap().take().unwrap();
    // They are removed at the next opening.
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|what| what.ends_with("log.1")),
        "{found:?}"
    );
    drop(session);
    let session = open(&Files::default(), &path, backups.path());
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
    let gone = model.gone(&Model::default());
    assert_eq!(residues(&path, &gone), Vec::<String>::new());
}

#[test]
fn keys_that_lie_alone_are_gone_when_the_delete_returns_however_many_they_are() {
    let (store, backups) = (directory(), directory());
    let broken = Arc::new(Mutex::new(false));
    let files = Files::interrupted_by(failing(&broken, true, Interruption::Half(5)));
    let session = open(&files, store.path(), backups.path());
    let mut model = Model::default();
    let mut apply = |op: Op| {
        let done = session.apply(&op);
        model.apply(&op);
        (done, model.gone(&Model::default()))
    };
    for op in [Op::Create("things"), bulk(0)] {
        apply(op).0.unwrap();
    }
    let third = |from: u32| (from..COUNT).step_by(3);
    let (done, gone) = apply(Op::DeleteMany("things", third(0).collect()));
    done.unwrap();
    assert_eq!(residues(store.path(), &gone), Vec::<String>::new());
    // The vectors that replace them take the old keys with them as well.
    let (done, gone) = apply(Op::Put("things", third(1).map(|n| (n, n)).collect()));
    done.unwrap();
    assert_eq!(residues(store.path(), &gone), Vec::<String>::new());

    *broken.lock().unwrap() = true;
    let (done, gone) = apply(Op::DeleteMany("things", third(2).collect()));
    assert!(matches!(done, Err(Error::Storage(_))));
    assert!(!residues(store.path(), &gone).is_empty());
    drop(session.close());
    let session = open(&Files::default(), store.path(), backups.path());
    assert_eq!(residues(store.path(), &gone), Vec::<String>::new());
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}

#[test]
fn a_receipt_is_given_when_the_erasure_is_on_the_disk() {
    for fsync in [Fsync::Always, Fsync::Everysec, Fsync::No] {
        let (store, backups) = (directory(), directory());
        let (files, changes) = noted(|_| None);
        let session = Session::open(&files, store.path(), fsync, backups.path()).unwrap();
        for op in [Op::Create("things"), bulk(0)] {
            session.apply(&op).unwrap();
        }
        let collection = session.call().collection("things").unwrap();
        let options = DeleteOptions {
            receipt: true,
            ..DeleteOptions::default()
        };
        // A thread that must not block does not wait for a disk.
        let now = collection.delete_many(Access::Now, &[id(1)], &options);
        assert_eq!(now.unwrap_err(), Error::WouldBlock);
        for numbers in [vec![1, 2, 500], vec![3], vec![999_999]] {
            let ids: Vec<String> = numbers.into_iter().map(id).collect();
            let deletion = collection.delete_many(WAIT, &ids, &options).unwrap();
            assert!(deletion.receipt.unwrap().durable);
            let changes = changes.lock().unwrap();
            let erased =
                |change: &Change| matches!(change, Change::Write(of, _, true) if is_keys(of));
            let synced = |change: &Change| matches!(change, Change::Sync(of) if is_keys(of));
            let last = changes.iter().rposition(erased).unwrap();
            assert!(changes[last..].iter().any(synced), "{fsync:?}");
        }
        drop(collection);
        session.close().unwrap();
    }
    let collection = crate::support::collection(1, vectorizer_native::vectors::Metric::Euclidean);
    let options = DeleteOptions {
        receipt: true,
        ..DeleteOptions::default()
    };
    let deletion = collection
        .delete_many(Access::Now, &[id(1)], &options)
        .unwrap();
    assert!(!deletion.receipt.unwrap().durable);
}

#[cfg(unix)]
#[test]
fn files_and_directories_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    fn check(path: &Path, made: &mut usize) {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{} is {mode:o}", path.display());
        *made += 1;
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                check(&entry.unwrap().path(), made);
            }
        }
    }

    let parent = directory();
    let (store, backups) = (parent.path().join("a/b/store"), directory());
    vectorizer_native::storage::make(&store).unwrap();
    let session = open(&Files::default(), &store, backups.path());
    for op in [
        Op::Create("things"),
        bulk(0),
        Op::Optimize("things"),
        Op::BackUp,
        Op::Flush,
    ] {
        session.apply(&op).unwrap();
    }
    let restored = parent.path().join("restored");
    let backup = backups.path().join("0.vecbak");
    vectorizer_native::client::restore_backup(
        &backup,
        &restored,
        Source::default(),
        None,
        &mut |_, _| (),
    )
    .unwrap();
    let mut made = 0;
    for path in [&parent.path().join("a"), &restored, &backup] {
        check(path, &mut made);
    }
    assert!(made > 10, "{made}");
    session.close().unwrap();
}
