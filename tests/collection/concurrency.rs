//! Many threads at once: the results must be explained by some order of atomic operations.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use vectorizer_native::{error::Error, vectors::Metric};

use crate::support::*;

/// One operation on one id, with the times at which it began and ended.
#[derive(Debug, Clone, Copy)]
struct Event {
    begun: u64,
    ended: u64,
    action: Action,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Put(u8),
    /// Whether there was something to delete.
    Delete(bool),
    /// What was found.
    Get(Option<u8>),
}

/// Whether the history is linearisable: some order of the events, in which no event comes before
/// one that had ended when it began, explains every result (Wing and Gong, 1993).
fn explained(events: &mut Vec<Event>, state: Option<u8>) -> bool {
    if events.is_empty() {
        return true;
    }
    let first_end = events.iter().map(|e| e.ended).min().unwrap();
    for i in 0..events.len() {
        let event = events[i];
        if event.begun > first_end {
            continue;
        }
        let next = match event.action {
            Action::Put(value) => Some(Some(value)),
            Action::Delete(found) => (found == state.is_some()).then_some(None),
            Action::Get(value) => (value == state).then_some(state),
        };
        if let Some(next) = next {
            events.swap_remove(i);
            if explained(events, next) {
                return true;
            }
            events.push(event);
            let last = events.len() - 1;
            events.swap(i, last);
        }
    }
    false
}

#[test]
fn the_checker_accepts_an_order_and_refuses_a_contradiction() {
    let event = |begun, ended, action| Event {
        begun,
        ended,
        action,
    };
    let mut fine = vec![
        event(0, 3, Action::Put(1)),
        event(1, 2, Action::Get(None)),
        event(4, 5, Action::Delete(true)),
    ];
    assert!(explained(&mut fine, None));
    let mut wrong = vec![
        event(0, 1, Action::Put(1)),
        event(2, 3, Action::Delete(true)),
        event(4, 5, Action::Get(Some(1))),
    ];
    assert!(!explained(&mut wrong, None));
}

#[test]
fn reads_and_writes_of_one_id_from_many_threads_have_an_order() {
    for round in 0..150 {
        let collection = collection(2, Metric::Euclidean);
        let clock = AtomicU64::new(0);
        let barrier = Barrier::new(4);
        let mut events: Vec<Event> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|t| {
                    let (collection, clock, barrier) = (&collection, &clock, &barrier);
                    scope.spawn(move || {
                        let mut random = Random(round * 10 + t);
                        barrier.wait();
                        let events = (0..5).map(|_| {
                            let value = random.below(200) as u8;
                            let begun = clock.fetch_add(1, Ordering::SeqCst);
                            let action = match random.below(3) {
                                0 => {
                                    let row = vec![f32::from(value), 1.0];
                                    insert(collection, &[("one".into(), row)]);
                                    Action::Put(value)
                                }
                                1 => Action::Delete(
                                    collection.delete_one(WAIT, "one", &plain()).is_ok(),
                                ),
                                _ => {
                                    let found = collection.get(WAIT, "one").ok();
                                    Action::Get(found.map(|item| item.data.unwrap()[0] as u8))
                                }
                            };
                            let ended = clock.fetch_add(1, Ordering::SeqCst);
                            Event {
                                begun,
                                ended,
                                action,
                            }
                        });
                        events.collect::<Vec<_>>()
                    })
                })
                .collect();
            let joined = threads.into_iter().flat_map(|t| t.join().unwrap());
            joined.collect()
        });
        assert!(explained(&mut events, None), "{events:?}");
    }
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all_while_the_index_is_built() {
    let collection = collection(8, Metric::Cosine);
    let mut random = Random(1);
    // Enough that graphs are being built in the background all the time.
    let base: Vec<_> = (0..1500)
        .map(|i| (format!("base{i}"), random.vector(8)))
        .collect();
    insert(&collection, &base);
    let group: Vec<_> = (0..30)
        .map(|i| (format!("group{i}"), random.vector(8)))
        .collect();
    let ids: Vec<String> = group.iter().map(|(id, _)| id.clone()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..60 {
                insert(&collection, &group);
                collection.delete_many(WAIT, &ids, &plain()).unwrap();
                if round % 20 == 0 {
                    drop(collection.optimize(None).unwrap());
                }
            }
            done.store(true, Ordering::Release);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let page = collection.list(0, usize::MAX).unwrap();
                    let seen = page.vectors.iter();
                    let seen = seen.filter(|item| item.id.starts_with("group")).count();
                    assert!(seen == 0 || seen == 30, "{seen} of a batch of 30");
                    let found = search(&collection, &group[3].1, 1600);
                    assert!(found.len() == 1500 || found.len() == 1530);
                }
            });
        }
    });
}

#[test]
fn a_collection_that_is_dropped_under_way_is_not_found_any_more_and_answers_everyone() {
    let collection = collection(8, Metric::Cosine);
    let mut random = Random(2);
    let rows: Vec<_> = (0..3000)
        .map(|i| (format!("v{i}"), random.vector(8)))
        .collect();
    insert(&collection, &rows);
    let waiting = collection.optimize(None).unwrap();
    drop(collection.drop_contents(WAIT, false).unwrap());
    // Either it had already been done, or the caller is told.
    let answer = waiting.blocking_recv().unwrap();
    assert!(matches!(answer, Ok(()) | Err(Error::CollectionNotFound(_))));
    let gone = collection.delete_one(WAIT, "v1", &plain());
    assert!(matches!(gone, Err(Error::CollectionNotFound(_))));
    assert!(collection.optimize(None).is_err());
}
