//! Random operations, with the store reopened in between, checked against a plain model.

use proptest::prelude::*;
use vectorizer_native::storage::{Files, Fsync};

use crate::{encrypted::copy, script::*};

const NAMES: [&str; 3] = ["first", "second", "third"];

#[derive(Debug, Clone)]
enum Step {
    Do(Op),
    /// Closes the store, and opens it again.
    Reopen,
    /// Continues with a copy of the current files, as after the process was killed.
    Crash,
}

/// Versions are drawn from a wide range, so that most of them are new.
fn version() -> impl Strategy<Value = u32> {
    0u32..1_000_000
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || prop::sample::select(&NAMES[..]);
    let ids = |most| prop::collection::vec(0u32..60, 1..most);
    let rows = prop::collection::btree_map(0u32..60, version(), 1..30);
    // Some are there already, as they are.
    let replaced = (
        0u32..4,
        prop::collection::btree_map(0u32..60, prop_oneof![0u32..2, version()], 0..6),
    )
        .prop_map(|(rest, rows)| {
            let rows = rows
                .into_iter()
                .map(|(id, version)| (id, 4 * version + rest));
            (rest, rows.collect())
        });
    // One that has been there already changes nothing, and 0 removes it.
    let patch = prop_oneof![2 => 0u32..3, 1 => version()];
    let updated = (prop::option::of(version()), prop::option::of(version()));
    let updates = prop::collection::btree_map(0u32..60, updated, 0..20).prop_map(|updates| {
        let updates = updates.into_iter();
        updates
            .map(|(id, (row, metadata))| (id, row, metadata))
            .collect()
    });
    let op = prop_oneof![
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
        3 => (name(), replaced).prop_map(|(n, (rest, rows))| Op::Replace(n, rest, rows)),
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
    ];
    let step = prop_oneof![
        12 => op.prop_map(Step::Do),
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
