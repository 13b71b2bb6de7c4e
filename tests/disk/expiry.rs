//! The process stops, or the disk fails, at every change that is made while vectors are given an
//! expiry and are erased.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use vectorizer_native::{
    clock::Clock,
    collection::{Batch, Collection, Config, StoreParts},
    error::{Error, Result},
    graph::HnswParams,
    storage::{Files, Fsync, Interruption, KEY, Key, Operation, RECORDS, StoreKeys},
    vectors::Metric,
};

use crate::{
    fault::{Fault, Faults, interruptions},
    script::directory,
    support::WAIT,
};

/// No space left on device; input/output error.
const ERRORS: [i32; 2] = [28, 5];
/// Later than the time of any write: writes have the time of the system.
const START: i64 = 4_000_000_000_000;
const SECOND: i64 = 1000;
const COUNT: usize = 9;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// Some of them expire after 10 seconds.
    Insert,
    SetExpiry(usize, Option<i64>),
    SetTtl(Option<u32>),
    Pass(i64),
    Erase,
    /// Inserts one that has expired again.
    Again(usize),
}

const STEPS: [Step; 12] = [
    Step::Insert,
    Step::SetExpiry(1, Some(START + 20 * SECOND)),
    Step::SetExpiry(0, None),
    Step::SetTtl(Some(1000)),
    Step::Pass(10),
    Step::Again(3),
    Step::Erase,
    Step::Pass(10),
    Step::SetTtl(Some(30)),
    Step::Pass(10),
    Step::Erase,
    Step::SetTtl(None),
];

/// The expiry of each vector, and when it was inserted.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    vectors: Vec<(usize, Option<i64>, i64)>,
    ttl: Option<u32>,
}

impl Model {
    fn apply(&mut self, step: Step, now: i64) {
        match step {
            Step::Insert => {
                let own = |i| (i % 3 == 0).then_some(START + 10 * SECOND);
                self.vectors = (0..COUNT).map(|i| (i, own(i), now)).collect();
            }
            Step::SetExpiry(id, own) => {
                let known = self.vectors.iter_mut().find(|known| known.0 == id);
                if let Some(known) = known {
                    known.1 = own;
                }
            }
            Step::SetTtl(ttl) => self.ttl = ttl,
            Step::Again(id) => self.vectors.push((id, None, now)),
            Step::Pass(_) | Step::Erase => {}
        }
    }

    fn instant(&self, own: Option<i64>, inserted_at: i64) -> Option<i64> {
        let by_ttl = self.ttl.map(|ttl| inserted_at + i64::from(ttl) * SECOND);
        own.or(by_ttl)
    }

    /// Removes what has expired.
    fn expire(&mut self, now: i64) {
        let this = self.clone();
        let is_due = |(_, own, at): &_| this.instant(*own, *at).is_some_and(|at| at <= now);
        self.vectors.retain(|one| !is_due(one));
    }

    /// What a list shows, and the TTL.
    fn shown(&self) -> (Vec<(String, Option<i64>)>, Option<u32>) {
        let all = self.vectors.iter();
        let all = all.map(|&(i, own, at)| (id(i), self.instant(own, at)));
        (all.collect(), self.ttl)
    }
}

fn id(number: usize) -> String {
    format!("id-{number}")
}

fn parts(clock: &Clock, fsync: Fsync) -> StoreParts {
    let keys = StoreKeys::new(Key::from([7; KEY]).into(), None);
    StoreParts {
        timer: clock.clone().into(),
        ..StoreParts::new(fsync, Arc::default(), keys)
    }
}

fn insert(collection: &Arc<Collection>, rows: &[(usize, Option<i64>)]) -> Result<()> {
    let mut prepared = collection.prepare(Batch {
        ids: rows.iter().map(|(number, _)| Some(id(*number))).collect(),
        data: vec![1.0; 2 * rows.len()],
        lengths: vec![2],
        expires_at: rows.iter().map(|(_, own)| *own).collect(),
        ..Batch::default()
    })?;
    collection.insert(WAIT, &mut prepared).map(drop)
}

fn apply(collection: &Arc<Collection>, clock: &Clock, step: Step) -> Result<()> {
    match step {
        Step::Insert => {
            let mut model = Model::default();
            model.apply(step, clock.now());
            let rows = model.vectors.iter().map(|&(id, own, _)| (id, own));
            insert(collection, &rows.collect::<Vec<_>>())
        }
        Step::SetExpiry(number, own) => collection.set_expiry(WAIT, &id(number), own),
        Step::SetTtl(ttl) => collection.set_ttl(WAIT, ttl),
        Step::Pass(seconds) => {
            clock.advance(seconds * SECOND);
            Ok(())
        }
        Step::Erase => {
            while collection.erase_expired()? {}
            Ok(())
        }
        Step::Again(number) => insert(collection, &[(number, None)]),
    }
}

/// What a list shows, and the TTL.
fn shown(collection: &Collection) -> (Vec<(String, Option<i64>)>, Option<u32>) {
    let all = collection.list(0, usize::MAX).unwrap().vectors.into_iter();
    let all = all.map(|item| (item.id.to_string(), item.expires_at));
    (all.collect(), collection.info(WAIT).unwrap().ttl)
}

fn create(path: &Path, clock: &Clock, fsync: Fsync) {
    let config = Config {
        name: "test".into(),
        dimension: 2,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
        description: None,
    };
    let files = Files::default();
    files.create_directory(path).unwrap();
    let made = Collection::create(&config, &files, path, &parts(clock, fsync)).unwrap();
    made.close().unwrap();
}

/// Runs the steps with a fault at one of the changes. Returns the number of changes.
fn run(fsync: Fsync, fault: Option<Fault>) -> usize {
    let directory = directory();
    let path = directory.path().join("one");
    let clock = Clock::manual(START);
    create(&path, &clock, fsync);
    let faults = Arc::new(Faults::default());
    let files = faults.files(fault);
    let collection = Collection::open(&files, &path, &parts(&clock, fsync)).unwrap();
    faults.arm();
    let mut model = Model::default();
    // As if the step that failed had been done.
    let mut next = None;
    for step in STEPS {
        let context = format!("{fault:?}, {fsync:?}, {step:?}");
        model.expire(clock.now());
        let mut after = model.clone();
        after.apply(step, clock.now());
        let done = apply(&collection, &clock, step);
        after.expire(clock.now());
        model.expire(clock.now());
        match done {
            Ok(()) => model = after,
            Err(error) => {
                assert!(matches!(error, Error::Storage(_)), "{context}: {error}");
                let found = shown(&collection);
                let is_either = found == model.shown() || found == after.shown();
                assert!(is_either, "{context}: {found:?}");
                next = Some(after);
                break;
            }
        }
        assert_eq!(shown(&collection), model.shown(), "{context}");
    }
    assert!(next.is_none() || fault.is_some());
    let _ = collection.close();
    drop(collection);

    let context = format!("{fault:?}, {fsync:?}, after {next:?}");
    let files = Files::default();
    let collection = Collection::open(&files, &path, &parts(&clock, fsync));
    let collection = collection.unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = shown(&collection);
    let expected = next.filter(|next| found == next.shown()).unwrap_or(model);
    assert_eq!(found, expected.shown(), "{context}");
    assert_eq!(collection.info(WAIT).unwrap().expired, 0, "{context}");
    let is_there = |number: &usize| expected.vectors.iter().any(|one| one.0 == *number);
    let gone = (0..COUNT).filter(|number| !is_there(number)).map(id);
    let gone: Vec<String> = gone.collect();
    assert_eq!(collection.verify_erased(&gone).unwrap(), [], "{context}");
    // It can be written to.
    insert(&collection, &[(99, None)]).unwrap();
    collection.close().unwrap();
    faults.changes()
}

fn every_change(fsync: Fsync, stops: bool) {
    let changes = run(fsync, None);
    assert!(changes > STEPS.len(), "{changes}");
    for at in 0..changes {
        let code = ERRORS[at % ERRORS.len()];
        for how in interruptions(code) {
            run(fsync, Some(Fault { at, how, stops }));
        }
    }
}

#[test]
fn a_process_that_stops_at_any_change_leaves_what_has_expired_gone_and_the_rest_as_it_was() {
    every_change(Fsync::No, true);
    every_change(Fsync::Always, true);
}

#[test]
fn a_change_that_fails_costs_nothing_but_the_step_that_needed_it() {
    every_change(Fsync::No, false);
    every_change(Fsync::Always, false);
}

#[test]
fn a_ttl_is_refused_where_what_has_expired_cannot_be_erased_any_more() {
    let directory = directory();
    let path = directory.path().join("one");
    let clock = Clock::manual(START);
    create(&path, &clock, Fsync::No);
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = is_broken.clone();
    let files = Files::interrupted_by(move |_| {
        let fails = broken.load(Ordering::SeqCst);
        fails.then_some(Interruption::Before(5))
    });
    let collection = Collection::open(&files, &path, &parts(&clock, Fsync::No)).unwrap();
    insert(&collection, &[(0, Some(START + 1)), (1, None)]).unwrap();
    is_broken.store(true, Ordering::SeqCst);
    insert(&collection, &[(2, None)]).unwrap_err();
    clock.advance(1);
    let refused = collection.set_ttl(WAIT, Some(60));
    assert!(matches!(refused, Err(Error::Storage(_))), "{refused:?}");
}

#[test]
fn a_store_opens_on_a_full_disk_and_what_has_expired_is_erased_when_there_is_space() {
    let directory = directory();
    let path = directory.path().join("one");
    let clock = Clock::manual(START);
    create(&path, &clock, Fsync::No);
    let open = |files: &Files| Collection::open(files, &path, &parts(&clock, Fsync::No)).unwrap();
    let collection = open(&Files::default());
    insert(&collection, &[(0, Some(START + 1)), (1, None)]).unwrap();
    collection.close().unwrap();
    drop(collection);
    clock.advance(1);
    let is_full = Arc::new(AtomicBool::new(true));
    let full = is_full.clone();
    let files = Files::interrupted_by(move |operation| {
        // A record is added at the end of the log.
        let grows = matches!(operation, Operation::Write(path, at, _)
            if path.ends_with("log.1") && at >= RECORDS);
        let fails = grows && full.load(Ordering::SeqCst);
        fails.then_some(Interruption::Before(ERRORS[0]))
    });
    let collection = open(&files);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.vectors, info.expired), (1, 1));
    assert!(collection.erase_expired().is_err());
    is_full.store(false, Ordering::SeqCst);
    assert!(!collection.erase_expired().unwrap());
    assert_eq!(collection.info(WAIT).unwrap().expired, 0);
    assert_eq!(collection.verify_erased(&[id(0)]).unwrap(), []);
    collection.close().unwrap();
}
