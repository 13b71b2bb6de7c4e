//! Guards of deletes: how many vectors a delete may remove.

use std::{fs, sync::Arc, thread};

use vectorizer_native::{
    collection::{Access, Collection, DeleteOptions, Guard, Guards, Outcome, Refusal},
    filter::{self, Filter},
    vectors::Metric,
};

use crate::support::{WAIT, collection, insert_with, plain};

const NOW: Access = Access::Now;

/// A collection with vectors `v0` to `v9`, of which each has its number as metadata.
fn ten() -> Arc<Collection> {
    let collection = collection(2, Metric::Euclidean);
    let rows: Vec<_> = (0..10u8)
        .map(|n| (format!("v{n}"), vec![1.0, f32::from(n)]))
        .collect();
    insert_with(&collection, &rows, |n| Some(format!("{{\"n\":{n}}}")));
    collection
}

fn below(bound: usize) -> Filter {
    filter::parse_text(&format!("{{\"n\":{{\"$lt\":{bound}}}}}")).unwrap()
}

fn at_most(most: usize) -> Guards {
    Guards {
        at_most: Some(most),
        expect: None,
    }
}

fn expecting(count: usize) -> Guards {
    Guards {
        at_most: None,
        expect: Some(count),
    }
}

fn guarded(guards: Guards) -> DeleteOptions {
    DeleteOptions { guards, ..plain() }
}

fn refusal(count: usize, guard: Guard) -> Refusal {
    Refusal { count, guard }
}

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_delete_that_meets_its_guards_deletes() {
    for guards in [
        at_most(3),
        at_most(4),
        expecting(3),
        Guards {
            at_most: Some(3),
            expect: Some(3),
        },
    ] {
        let collection = ten();
        let done = collection
            .delete_matching(&below(3), &guarded(guards))
            .unwrap();
        assert_eq!((done.refusal, done.matched.len()), (None, 3));
        let named = ids(&["v3", "nobody", "v4", "v3", "v5"]);
        for access in [NOW, WAIT] {
            let collection = ten();
            let done = collection
                .delete_many(access, &named, &guarded(guards))
                .unwrap();
            assert_eq!(done.refusal, None);
            assert_eq!(collection.info(WAIT).unwrap().vectors, 7);
        }
        assert_eq!(collection.info(WAIT).unwrap().vectors, 7);
    }
}

#[test]
fn a_delete_that_does_not_meet_its_guards_reports_what_it_found_and_deletes_nothing() {
    let both = Guards {
        at_most: Some(2),
        expect: Some(2),
    };
    let collection = ten();
    for (guards, guard) in [
        (at_most(2), Guard::AtMost(2)),
        (at_most(0), Guard::AtMost(0)),
        (expecting(2), Guard::Expect(2)),
        (expecting(4), Guard::Expect(4)),
        (both, Guard::AtMost(2)),
    ] {
        for (dry_run, receipt) in [(false, false), (false, true), (true, false)] {
            let options = DeleteOptions {
                dry_run,
                receipt,
                ..guarded(guards)
            };
            let done = collection.delete_matching(&below(3), &options).unwrap();
            assert_eq!(done.refusal, Some(refusal(3, guard)));
            let matched: Vec<&str> = done.matched.iter().map(|id| &**id).collect();
            assert_eq!(matched, ["v0", "v1", "v2"]);
            assert_eq!((done.scanned, done.receipt), (10, None));
        }
        let named = ids(&["v3", "nobody", "v4", "v3", "v5"]);
        for access in [NOW, Access::Soon, WAIT] {
            let options = DeleteOptions {
                receipt: true,
                ..guarded(guards)
            };
            let done = collection.delete_many(access, &named, &options).unwrap();
            assert_eq!(done.refusal, Some(refusal(3, guard)));
            assert_eq!(
                done.outcomes,
                [
                    Outcome::Kept,
                    Outcome::Missing,
                    Outcome::Kept,
                    Outcome::Repeated(0),
                    Outcome::Kept,
                ]
            );
            assert_eq!(done.receipt, None);
        }
    }
    assert_eq!(collection.list(0, usize::MAX).unwrap().total, 10);
    assert_eq!(collection.count(WAIT, Some(&below(3))).unwrap(), 3);
}

#[test]
fn a_delete_that_does_not_meet_its_guards_writes_no_backup() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deleted.vecbak");
    let collection = ten();
    let options = |guards| DeleteOptions {
        backup: Some(file.clone()),
        ..guarded(guards)
    };
    let named = ids(&["v3", "v4"]);
    let done = collection
        .delete_many(WAIT, &named, &options(at_most(1)))
        .unwrap();
    assert_eq!(done.refusal, Some(refusal(2, Guard::AtMost(1))));
    let done = collection
        .delete_matching(&below(3), &options(expecting(1)))
        .unwrap();
    assert_eq!(done.refusal, Some(refusal(3, Guard::Expect(1))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(collection.info(WAIT).unwrap().vectors, 10);

    let done = collection
        .delete_matching(&below(3), &options(expecting(3)))
        .unwrap();
    assert_eq!(done.refusal, None);
    assert!(file.exists());
    assert_eq!(collection.info(WAIT).unwrap().vectors, 7);
}

#[test]
fn nothing_to_delete_meets_any_guard_except_an_expectation() {
    let collection = ten();
    let none = collection
        .delete_matching(&below(0), &guarded(at_most(0)))
        .unwrap();
    assert_eq!(none.refusal, None);
    let none = collection
        .delete_many(NOW, &ids(&["nobody"]), &guarded(expecting(0)))
        .unwrap();
    assert_eq!(none.refusal, None);
    let none = collection
        .delete_many(NOW, &[], &guarded(expecting(1)))
        .unwrap();
    assert_eq!(none.refusal, Some(refusal(0, Guard::Expect(1))));
}

#[test]
fn among_deletes_at_the_same_time_none_removes_more_than_its_guard_allows() {
    for _ in 0..50 {
        let collection = ten();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let done = collection.delete_matching(&below(6), &guarded(expecting(6)));
                    let done = done.unwrap();
                    let expected = match done.matched.len() {
                        6 => None,
                        count => Some(refusal(count, Guard::Expect(6))),
                    };
                    assert_eq!(done.refusal, expected);
                });
            }
            scope.spawn(|| {
                let options = guarded(at_most(1));
                let done = collection.delete_many(WAIT, &ids(&["v0", "v9"]), &options);
                let done = done.unwrap();
                let kept = done
                    .outcomes
                    .iter()
                    .filter(|&&o| o == Outcome::Kept)
                    .count();
                let deleted = done
                    .outcomes
                    .iter()
                    .filter(|&&o| o == Outcome::Deleted)
                    .count();
                assert!(matches!((kept, deleted), (2, 0) | (0, 0 | 1)));
            });
        });
    }
}
