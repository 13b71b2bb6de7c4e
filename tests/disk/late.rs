//! Files that another process has open are removed late, or not at all: on Windows, and on some
//! network file systems.
#![cfg(unix)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use vectorizer_native::storage::{Files, Fsync, Interruption, Operation};

use crate::script::*;

/// Files of which those selected by `which` are removed only at the n-th attempt.
fn removed_late(tries: usize, which: fn(&Path) -> bool) -> Files {
    let left = Arc::new(AtomicUsize::new(tries));
    Files::interrupted_by(move |operation| {
        let Operation::Remove(path) = operation else {
            return None;
        };
        let waits = which(path)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                .is_ok();
        waits.then_some(Interruption::Before(match path.is_dir() {
            true => libc::ENOTEMPTY,
            false => libc::EBUSY,
        }))
    })
}

fn put(name: &'static str, from: u32) -> Op {
    Op::Put(name, (from..from + 100).map(|n| (n, n)).collect())
}

#[test]
fn a_collection_whose_directory_is_removed_late_is_deleted_and_costs_nothing_else() {
    for tries in [3, usize::MAX] {
        let (store, backups) = (directory(), directory());
        let files = removed_late(tries, |path| path.is_dir());
        let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
        let mut model = Model::default();
        for op in [
            Op::Create("first"),
            put("first", 0),
            Op::Create("second"),
            put("second", 1000),
            Op::Drop("first"),
            put("second", 2000),
            Op::Create("first"),
            put("first", 3000),
        ] {
            session.apply(&op).unwrap();
            model.apply(&op);
        }
        let left = store.path().join("collection-1.dropped");
        assert_eq!(left.exists(), tries == usize::MAX);
        let gone = model.gone(&Model::default());
        assert_eq!(residues(store.path(), &gone), Vec::<String>::new());
        session.close().unwrap();
        let files = Files::default();
        let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
        assert!(!left.exists());
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
    }
}

#[test]
fn a_rewritten_log_that_somebody_has_open_is_noise_and_no_residue() {
    for tries in [3, usize::MAX] {
        let (store, backups) = (directory(), directory());
        let files = removed_late(tries, |path| path.ends_with("log.1"));
        let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
        let mut model = Model::default();
        for op in [
            Op::Create("first"),
            put("first", 0),
            Op::DeleteMany("first", (0..50).collect()),
            Op::Optimize("first"),
            put("first", 1000),
        ] {
            session.apply(&op).unwrap();
            model.apply(&op);
        }
        let left = store.path().join("collection-1/log.1");
        assert_eq!(left.exists(), tries == usize::MAX);
        let collection = session.call().collection("first").unwrap();
        assert_eq!(collection.verify_erased(&[id(0)]).unwrap(), []);
        assert!(!store.path().join("collection-1/keys.1").exists());
        let gone = model.gone(&Model::default());
        assert_eq!(residues(store.path(), &gone), Vec::<String>::new());
        drop(collection);
        session.close().unwrap();
        let files = Files::default();
        let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
        assert!(!left.exists());
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
    }
}
