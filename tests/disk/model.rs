//! Random operations, with the store reopened in between, checked against a plain model.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vectorizer_native::{
    clock::Clock,
    storage::{Files, Fsync},
};

use crate::{encrypted::copy, script::*};

const NAMES: [&str; 3] = ["first", "second", "third"];

#[derive(Debug, Clone)]
enum Step {
    Do(Op),
    /// Closes the store, and opens it again.
    Reopen,
    /// Lets this many milliseconds pass.
    Wait(i64),
    /// Continues with a copy of the current files, as after the process was killed.
    Crash,
}

/// Versions are drawn from a wide range, so that most of them are new.
fn version() -> impl Strategy<Value = u32> {
    0u32..1_000_000
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn ids(most: usize) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0u32..60, 1..most)
}

/// A remainder, and rows that have it. Some are there already, as they are.
fn replaced() -> impl Strategy<Value = (u32, Vec<(u32, u32)>)> {
    let version = prop_oneof![0u32..2, version()];
    let rows = prop::collection::btree_map(0u32..60, version, 0..6);
    (0u32..4, rows).prop_map(|(rest, rows)| {
        let rows = rows.into_iter();
        let rows = rows.map(|(id, version)| (id, 4 * version + rest));
        (rest, rows.collect())
    })
}

fn op() -> impl Strategy<Value = Op> {
    let rows = prop::collection::btree_map(0u32..60, version(), 1..30);
    // One that has been there already changes nothing, and 0 removes it.
    let patch = prop_oneof![2 => 0u32..3, 1 => version()];
    let updated = (prop::option::of(version()), prop::option::of(version()));
    let updates = prop::collection::btree_map(0u32..60, updated, 0..20).prop_map(|updates| {
        let updates = updates.into_iter();
        updates
            .map(|(id, (row, metadata))| (id, row, metadata))
            .collect()
    });
    prop_oneof![
        2 => name().prop_map(Op::Create),
        1 => name().prop_map(Op::Drop),
        8 => (name(), rows).prop_map(|(name, rows)| Op::Put(name, rows.into_iter().collect())),
        3 => (name(), 0u32..60, version()).prop_map(|(n, id, v)| Op::Data(n, id, v)),
        3 => (name(), 0u32..60, version()).prop_map(|(n, id, v)| Op::Metadata(n, id, v)),
        3 => (name(), 0u32..4, patch).prop_map(|(n, rest, patch)| Op::Patch(n, rest, patch)),
        3 => (name(), updates).prop_map(|(n, updates)| Op::UpdateMany(n, updates)),
        4 => (name(), 0u32..60).prop_map(|(n, id)| Op::DeleteOne(n, id)),
        3 => (name(), ids(20)).prop_map(|(n, ids)| Op::DeleteMany(n, ids)),
        1 => (name(), ids(20)).prop_map(|(n, ids)| Op::BackUpAndDelete(n, ids)),
        2 => (name(), 0u32..4).prop_map(|(n, rest)| Op::DeleteMatching(n, rest)),
        3 => (name(), replaced()).prop_map(|(n, (rest, rows))| Op::Replace(n, rest, rows)),
        3 => (name(), name(), ids(20), any::<bool>())
            .prop_map(|(from, to, ids, over)| Op::Move(from, to, ids, over)),
        1 => (name(), name(), 0u32..4).prop_map(|(from, to, n)| Op::MoveMatching(from, to, n)),
        2 => (name(), name(), ids(20), any::<bool>())
            .prop_map(|(from, to, ids, over)| Op::Copy(from, to, ids, over)),
        2 => (0u32..4).prop_map(Op::Forget),
        2 => name().prop_map(Op::Optimize),
        1 => Just(Op::BackUp),
        1 => Just(Op::Rotate),
        1 => Just(Op::Flush),
    ]
}

/// An operation with undo, or one that has to do with it.
fn undo() -> impl Strategy<Value = Op> {
    // Some of it is over soon.
    let period = || 1_000..60_000i64;
    prop_oneof![
        6 => (name(), ids(20), period()).prop_map(|(n, ids, p)| Op::DeleteForNow(n, ids, p)),
        3 => (name(), replaced(), period())
            .prop_map(|(n, (rest, rows), p)| Op::ReplaceForNow(n, rest, rows, p)),
        2 => (name(), period()).prop_map(|(n, period)| Op::DropForNow(n, period)),
        5 => (name(), ids(20)).prop_map(|(n, ids)| Op::Undelete(n, ids)),
        2 => (name(), ids(20)).prop_map(|(n, ids)| Op::Purge(n, ids)),
        3 => name().prop_map(Op::UndeleteCollection),
        1 => name().prop_map(Op::PurgeCollection),
        1 => (name(), name()).prop_map(|(from, to)| Op::Rename(from, to)),
        1 => Just(Op::CleanUp),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => op().prop_map(Step::Do),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

/// The same with undo; time passes.
fn steps_with_undo() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => op().prop_map(Step::Do),
        6 => undo().prop_map(Step::Do),
        2 => (0..30_000i64).prop_map(Step::Wait),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

fn fsync() -> impl Strategy<Value = Fsync> {
    prop::sample::select(&[Fsync::Always, Fsync::Everysec, Fsync::No][..])
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 400,
        ..Default::default()
    })]

    #[test]
    fn a_store_is_what_was_done_to_it_however_often_it_is_opened_again(
        steps in steps(), fsync in fsync(),
    ) {
        let (mut place, backups) = (directory(), directory());
        let files = Files::default();
        let open = |place: &tempfile::TempDir| {
            Session::open(&files, place.path(), fsync, backups.path()).unwrap()
        };
        let mut session = open(&place);
        let mut model = Model::default();
        for step in &steps {
            match step {
                Step::Do(op) => {
                    let done = session.apply(op);
                    prop_assert_eq!(done.is_ok(), model.allows(op), "{:?}: {:?}", op, done);
                    if done.is_ok() {
                        model.apply(op);
                    }
                }
                Step::Wait(_) => {}
                Step::Reopen => {
                    session.close().unwrap();
                    session = open(&place);
                }
                Step::Crash => {
                    let other = directory();
                    copy(place.path(), other.path());
                    session.close().unwrap();
                    place = other;
                    session = open(&place);
                }
            }
            if !matches!(step, Step::Do(_)) {
                prop_assert_eq!(session.difference(&model), None);
            }
        }
        prop_assert_eq!(session.difference(&model), None);
        session.close().unwrap();
        let left = residues(place.path(), &model.gone(&Model::default()));
        prop_assert_eq!(left, Vec::<String>::new());
    }
}

/// Of these ids, exactly those are left in a collection that are in it, or wait there.
fn check_erased(session: &Session, model: &Model) -> Result<(), TestCaseError> {
    let ids: Vec<String> = (0..60).map(id).collect();
    for collection in session.call().collections() {
        let found = collection.verify_erased(&ids).unwrap();
        let left = found.iter().map(|residue| residue.id.clone());
        let left: BTreeSet<Option<String>> = left.collect();
        let name = collection.name();
        let expected = model.numbers(&name).into_iter();
        let expected: BTreeSet<Option<String>> = expected.map(|number| Some(id(number))).collect();
        prop_assert_eq!(left, expected, "{}: {:?}", name, found);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 200,
        ..Default::default()
    })]

    #[test]
    fn whatever_was_undone_a_store_has_what_is_there_and_what_waits_and_nothing_else(
        steps in steps_with_undo(), fsync in fsync(), ledger in any::<bool>(),
    ) {
        let (mut place, backups) = (directory(), directory());
        // Later than the time of any write.
        let clock = Clock::manual(4_000_000_000_000);
        let open = |place: &tempfile::TempDir| {
            Session::open_timed(place.path(), (fsync, ledger), &clock, backups.path()).unwrap()
        };
        let mut session = open(&place);
        let mut model = Model::default();
        for name in NAMES {
            session.apply(&Op::Create(name)).unwrap();
            model.apply(&Op::Create(name));
        }
        for step in &steps {
            match step {
                Step::Do(op) => {
                    if let Op::CleanUp = op {
                        // What waited too long is erased first.
                        for collection in session.call().collections() {
                            collection.verify_erased(&[]).unwrap();
                        }
                    }
                    let done = session.apply(op);
                    prop_assert_eq!(done.is_ok(), model.allows(op), "{:?}: {:?}", op, done);
                    if done.is_ok() {
                        model.apply(op);
                    }
                }
                Step::Wait(ms) => {
                    clock.advance(*ms);
                    model.pass(*ms);
                }
                Step::Reopen => {
                    session.close().unwrap();
                    session = open(&place);
                }
                Step::Crash => {
                    let other = directory();
                    copy(place.path(), other.path());
                    session.close().unwrap();
                    place = other;
                    session = open(&place);
                }
            }
            prop_assert_eq!(session.difference(&model), None, "{:?}", step);
        }
        check_erased(&session, &model)?;
        // What waited too long is erased when the store is opened, if not before.
        session.close().unwrap();
        let session = open(&place);
        prop_assert_eq!(session.difference(&model), None);
        check_erased(&session, &model)?;
        session.close().unwrap();
        let left = residues(place.path(), &model.gone(&Model::default()));
        prop_assert_eq!(left, Vec::<String>::new());
    }
}
