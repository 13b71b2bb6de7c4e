//! The process stops, or the disk fails, at every single change that a store makes.

use std::path::Path;

use vectorizer_native::{
    error::Error,
    storage::{Files, Fsync},
};

use crate::{
    fault::{Fault, Faults, interruptions},
    script::*,
};

/// No space left on device; input/output error.
const ERRORS: [i32; 2] = [28, 5];

fn script() -> Vec<Op> {
    let bulk = |from: u32, to: u32| (from..to).map(|n| (n, n)).collect();
    vec![
        Op::Create("first"),
        Op::Put("first", bulk(0, 24)),
        Op::Put("first", vec![(24, 24)]),
        Op::Create("second"),
        Op::Put("second", bulk(100, 103)),
        Op::Data("first", 3, 203),
        Op::Metadata("first", 4, 204),
        // Replaces some and adds some, in a single commit.
        Op::Put("first", vec![(5, 305), (26, 306), (6, 307)]),
        Op::DeleteOne("first", 7),
        Op::DeleteMany("first", vec![8, 10, 11, 12, 13, 999]),
        Op::DeleteMatching("first", 2),
        // Of 3, 6, 15, 19 and 23, one is as it was, two are updated, and two are deleted.
        Op::Replace("first", 3, vec![(3, 603), (15, 15), (19, 619), (40, 643)]),
        // Of five vectors; and of three, of which two move to other slots and one stays.
        Op::Patch("first", 1, 1),
        Op::UpdateMany(
            "first",
            vec![
                (16, Some(516), None),
                (17, None, Some(517)),
                (20, Some(520), Some(520)),
                (999, Some(1), None),
            ],
        ),
        // What the first patch has added is replaced.
        Op::Patch("first", 1, 2),
        Op::BackUp,
        Op::BackUpAndDelete("first", vec![0, 1]),
        Op::Rotate,
        Op::Optimize("first"),
        Op::Put("first", vec![(30, 330), (0, 400)]),
        Op::Rotate,
        Op::Patch("first", 1, 0),
        Op::DeleteOne("first", 9),
        Op::Flush,
        Op::Drop("second"),
        Op::Create("second"),
        Op::Put("second", bulk(500, 504)),
        Op::DeleteMany("second", vec![500, 501, 502, 503]),
        Op::Optimize("second"),
    ]
}

/// Runs the script with a fault, and checks the contents before and after the store is reopened.
/// Returns the number of changes.
fn run(fsync: Fsync, fault: Option<Fault>) -> usize {
    let (store, backups) = (directory(), directory());
    let faults = Faults::armed();
    let files = faults.files(fault);
    let mut model = Model::default();
    // The state as if the failed operation had happened.
    let mut next = None;
    let context = |what: &str| format!("{fault:?}, {fsync:?}: {what}");
    if let Ok(session) = Session::open(&files, store.path(), fsync, backups.path()) {
        for op in script() {
            // An operation on a collection that could not be created.
            if !model.allows(&op) {
                continue;
            }
            let mut after = model.clone();
            after.apply(&op);
            match session.apply(&op) {
                Ok(()) => model = after,
                Err(error) => {
                    assert!(
                        matches!(error, Error::Storage(_)),
                        "{}",
                        context(&format!("{op:?}: {error}"))
                    );
                    let lasting = session.apply(&Op::Put("first", vec![(0, 901)]));
                    let read_only = matches!(&lasting, Err(Error::Storage(_)));
                    if read_only || matches!(lasting, Err(Error::CollectionNotFound(_))) {
                        next = Some(after);
                        break;
                    }
                    // Whatever failed was not part of the store (a backup, a rewrite), or was
                    // undone. Everything is as it was; the operation did not happen.
                    lasting.unwrap();
                    let probe = Op::Put("first", vec![(0, 901)]);
                    model.apply(&probe);
                    if error.to_string().contains("is deleted") {
                        // Except for the files of a collection, which are removed at the next
                        // opening.
                        after.apply(&probe);
                        let found = session.difference(&after);
                        assert_eq!(found, None, "{}", context(&format!("after {op:?}")));
                        next = Some(after);
                        break;
                    }
                    let found = session.difference(&model);
                    assert_eq!(found, None, "{}", context(&format!("after {op:?}")));
                }
            }
        }
        let closed = session.close();
        if next.is_none() {
            assert!(fault.is_some() || closed.is_ok());
        }
    }
    check(store.path(), &model, next.as_ref(), fsync, &context);
    faults.changes()
}

fn check(
    path: &Path,
    model: &Model,
    next: Option<&Model>,
    fsync: Fsync,
    context: &impl Fn(&str) -> String,
) {
    // What was deleted and acknowledged is gone, whatever has happened since. What the operation in
    // progress removes may still be there.
    let mut acknowledged = model.gone(&Model::default());
    if let Some(next) = next {
        let later = next.gone(&Model::default());
        acknowledged.retain(|gone| later.contains(gone));
    }
    let left = residues(path, &acknowledged);
    assert!(
        left.is_empty(),
        "{}",
        context(&format!("before opening: {left:?}"))
    );

    let backups = directory();
    let session = Session::open(&Files::default(), path, fsync, backups.path());
    let session = session.unwrap_or_else(|error| panic!("{}", context(&error.to_string())));
    let mut difference = session.difference(model);
    let mut found = model;
    if let (Some(_), Some(next)) = (&difference, next) {
        let other = session.difference(next);
        if other.is_none() {
            (difference, found) = (None, next);
        }
    }
    assert_eq!(difference, None, "{}", context("after opening"));
    let gone = found.gone(next.unwrap_or(found));
    let left = residues(path, &gone);
    assert!(
        left.is_empty(),
        "{}",
        context(&format!("after opening: {left:?}"))
    );
    let op = Op::Create("after");
    session.apply(&op).unwrap();
    session.close().unwrap();
    assert_eq!(residues(path, &gone), Vec::<String>::new());
}

fn every_change(fsync: Fsync, stops: bool) {
    let changes = run(fsync, None);
    for at in 0..changes {
        let code = ERRORS[at % ERRORS.len()];
        for how in interruptions(code) {
            run(fsync, Some(Fault { at, how, stops }));
        }
    }
}

#[test]
fn a_store_whose_process_stops_at_any_change_opens_with_all_that_was_acknowledged() {
    every_change(Fsync::No, true);
}

#[test]
fn a_store_that_syncs_always_and_stops_at_any_change_opens_with_all_that_was_acknowledged() {
    every_change(Fsync::Always, true);
}

#[test]
fn a_change_that_fails_is_not_acknowledged_and_costs_nothing_else() {
    every_change(Fsync::No, false);
}

#[test]
fn a_change_that_fails_where_every_write_is_synced_costs_nothing_else() {
    every_change(Fsync::Always, false);
}
