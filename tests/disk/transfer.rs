//! The process stops, or the disk fails, at every change that is made while vectors are moved,
//! copied and forgotten.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use vectorizer_native::{
    client::{Call, Client, Forgetting, Opening, Selection, Store, Transfer, open_with},
    clock::Clock,
    collection::{Batch, Config, Guards, dimension_of},
    error::Error,
    filter,
    graph::HnswParams,
    storage::{
        Files, Fsync, InspectOptions, Interruption, Operation, RECORDS, Source, inspect, verify,
    },
    vectors::Metric,
};

use crate::{
    fault::{Fault, Faults, interruptions},
    script::*,
    support::WAIT,
};

/// No space left on device; input/output error.
const ERRORS: [i32; 2] = [28, 5];
const NAMES: [&str; 3] = ["first", "second", "third"];
const PENDING: &str = "PENDING";

fn setup() -> Vec<Op> {
    let same = |from: u32, to: u32| (from..to).map(|n| (n, n)).collect();
    let mut setup: Vec<_> = NAMES.map(Op::Create).to_vec();
    setup.extend([
        Op::Put("first", same(0, 14)),
        Op::Put("second", same(20, 25)),
        // These ids are in both.
        Op::Put("second", vec![(10, 110), (11, 111)]),
        Op::Put("third", same(30, 36)),
        Op::Flush,
    ]);
    setup
}

fn steps() -> Vec<Op> {
    vec![
        // One of them is taken, and one is not there.
        Op::Move("first", "second", vec![3, 1, 10, 99, 2, 3], false),
        Op::Move("first", "second", vec![10, 4], true),
        Op::Copy("second", "third", vec![1, 20, 4], false),
        Op::Copy("second", "third", vec![1, 21], true),
        Op::MoveMatching("third", "first", 2),
        // In all of them.
        Op::Forget(1),
        Op::Put("first", vec![(51, 401)]),
        // In one of them.
        Op::Forget(1),
        Op::Move("second", "first", vec![2, 20, 24, 10, 11], true),
        Op::Forget(0),
    ]
}

/// Where a collection's files are.
fn place(store: &Path, name: &str) -> PathBuf {
    let at = NAMES.iter().position(|other| *other == name).unwrap();
    store.join(format!("collection-{}", at + 1))
}

/// What is found in the files of a collection although it is not in that collection, in neither of
/// these models.
fn left(store: &Path, models: [&Model; 2]) -> Vec<String> {
    let [one, other] = models;
    let mut left = Vec::new();
    for name in NAMES {
        let mut gone = one.gone_from(name, other);
        let later = other.gone_from(name, one);
        gone.retain(|gone| later.contains(gone));
        left.extend(residues(&place(store, name), &gone));
    }
    left
}

/// The ids that are in one of two collections.
fn ids(session: &Session, names: [&str; 2]) -> Vec<String> {
    let call = session.call();
    let pages = names.map(|name| call.collection(name).unwrap().list(0, usize::MAX).unwrap());
    let items = pages.iter().flat_map(|page| &page.vectors);
    items.map(|item| item.id.to_string()).collect()
}

/// Runs the steps with a fault at one of the changes. Returns the number of changes.
fn run(fsync: Fsync, fault: Option<Fault>) -> usize {
    let (store, backups) = (directory(), directory());
    let faults = Arc::new(Faults::default());
    let files = faults.files(fault);
    let session = Session::open(&files, store.path(), fsync, backups.path()).unwrap();
    let mut model = Model::default();
    for op in setup() {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    faults.arm();
    // As if the step that failed had been done.
    let mut next = None;
    for op in steps() {
        let context = format!("{fault:?}, {fsync:?}, {op:?}");
        let mut after = model.clone();
        after.apply(&op);
        let Err(error) = session.apply(&op) else {
            model = after;
            assert_eq!(session.difference(&model), None, "{context}");
            continue;
        };
        assert!(matches!(error, Error::Storage(_)), "{context}: {error}");
        let probe = Op::Put("third", vec![(90, 900)]);
        if session.apply(&probe).is_ok() {
            // The step did not happen, and everything is as it was.
            model.apply(&probe);
            assert_eq!(session.difference(&model), None, "{context}");
            assert!(!store.path().join(PENDING).exists(), "{context}");
            continue;
        }
        if let Op::Move(from, to, ..) = op {
            let found = ids(&session, [from, to]);
            for (number, ..) in &model.collections[from] {
                assert!(found.contains(&id(*number)), "{context}: {number} is lost");
            }
        }
        next = Some(after);
        break;
    }
    assert!(next.is_none() || fault.is_some());
    let _ = session.close();

    let context = format!("{fault:?}, {fsync:?}, after {next:?}");
    let next = next.unwrap_or_else(|| model.clone());
    let found = left(store.path(), [&model, &next]);
    assert!(found.is_empty(), "{context}, before opening: {found:?}");
    let session = Session::open(&Files::default(), store.path(), fsync, backups.path());
    let session = session.unwrap_or_else(|error| panic!("{context}: {error}"));
    let (mut now, mut difference) = (&model, session.difference(&model));
    if difference.is_some() && session.difference(&next).is_none() {
        (now, difference) = (&next, None);
    }
    assert_eq!(difference, None, "{context}");
    for name in [PENDING, "PENDING.new"] {
        assert!(!store.path().join(name).exists(), "{context}: {name}");
    }
    let found = left(store.path(), [now, now]);
    assert!(found.is_empty(), "{context}, after opening: {found:?}");
    for (name, stored) in &now.collections {
        let is_there = |number: &u32| stored.iter().any(|one| one.0 == *number);
        let gone: Vec<String> = (0..60).filter(|number| !is_there(number)).map(id).collect();
        let collection = session.call().collection(name).unwrap();
        assert_eq!(collection.verify_erased(&gone).unwrap(), [], "{context}");
    }
    session
        .apply(&Op::Move("first", "third", vec![5], true))
        .unwrap();
    session.apply(&Op::Forget(3)).unwrap();
    session.close().unwrap();
    faults.changes()
}

fn every_change(fsync: Fsync, stops: bool) {
    let changes = run(fsync, None);
    assert!(changes > 4 * steps().len(), "{changes}");
    for at in 0..changes {
        let code = ERRORS[at % ERRORS.len()];
        for how in interruptions(code) {
            run(fsync, Some(Fault { at, how, stops }));
        }
    }
}

#[test]
fn a_process_that_stops_at_any_change_has_moved_and_forgotten_all_or_nothing() {
    every_change(Fsync::No, true);
    every_change(Fsync::Always, true);
}

#[test]
fn a_change_that_fails_costs_at_most_the_step_that_needed_it() {
    every_change(Fsync::No, false);
    every_change(Fsync::Always, false);
}

/// Runs the setup, and then one step that stops where `at` says.
fn stopped(
    store: &Path,
    op: &Op,
    how: Interruption,
    at: impl Fn(&Operation<'_>) -> bool + Send + Sync + 'static,
) -> Model {
    let backups = directory();
    let armed = Arc::new(AtomicUsize::new(0));
    let is_armed = armed.clone();
    let files = Files::interrupted_by(move |operation| {
        let stopped = |now: usize| now == 2 || now == 1 && at(&operation);
        match is_armed.load(Ordering::SeqCst) {
            2 => Some(Interruption::Before(5)),
            now if stopped(now) => {
                is_armed.store(2, Ordering::SeqCst);
                Some(how)
            }
            _ => None,
        }
    });
    let session = Session::open(&files, store, Fsync::No, backups.path()).unwrap();
    let mut model = Model::default();
    for op in setup() {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    armed.store(1, Ordering::SeqCst);
    let Err(Error::Storage(why)) = session.apply(op) else {
        panic!("it does not stop");
    };
    assert_eq!(armed.load(Ordering::SeqCst), 2);
    assert!(why.contains("read-only"), "{why}");
    let _ = session.close();
    model
}

/// Whether an operation writes a record of a collection.
fn writes_to(operation: &Operation<'_>, collection: &str) -> bool {
    matches!(operation, Operation::Write(path, at, _)
        if path.ends_with(format!("{collection}/log.1")) && *at >= RECORDS)
}

/// Moves vectors to a collection that has no space for them, while somebody else waits to write to
/// it. `then` is what happens at one of the changes that undo the move, and whether the process
/// stops there.
fn undone(full: Interruption, then: Option<(usize, Interruption, bool)>) {
    let context = format!("{full:?}, {then:?}");
    let (store, backups) = (directory(), directory());
    let state = Arc::new(AtomicUsize::new(0));
    let (now, changes) = (state.clone(), AtomicUsize::new(0));
    let has_written = Arc::new(AtomicBool::new(false));
    let written = has_written.clone();
    let place = store.path().to_owned();
    let undoes = move |operation: &Operation<'_>| match operation {
        Operation::Remove(path) => path.ends_with(PENDING),
        Operation::Sync(path) => *path == place,
        _ => false,
    };
    let files = Files::interrupted_by(move |operation| match now.load(Ordering::SeqCst) {
        1 if writes_to(&operation, "collection-2") => {
            now.store(2, Ordering::SeqCst);
            Some(full)
        }
        2 if undoes(&operation) => {
            // Whoever can write by now does so.
            for _ in 0..12 {
                if !written.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(5));
                }
            }
            let (at, how, stops) = then?;
            if changes.fetch_add(1, Ordering::SeqCst) != at {
                return None;
            }
            if stops {
                now.store(3, Ordering::SeqCst);
            }
            Some(how)
        }
        3 => Some(Interruption::Before(5)),
        _ => None,
    });
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    let mut model = Model::default();
    for op in setup() {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    state.store(1, Ordering::SeqCst);
    let later = Op::Put("second", vec![(70, 701)]);
    let (moved, put) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while state.load(Ordering::SeqCst) == 1 {
                thread::sleep(Duration::from_millis(1));
            }
            let put = session.apply(&later);
            has_written.store(true, Ordering::SeqCst);
            put
        });
        let moved = session.apply(&Op::Move("first", "second", vec![1, 2, 3], false));
        let _ = state.compare_exchange(1, 4, Ordering::SeqCst, Ordering::SeqCst);
        (moved, writer.join().unwrap())
    });
    let stops = then.is_some_and(|(_, _, stops)| stops);
    let Err(Error::Storage(why)) = moved else {
        panic!("{context}: {moved:?}");
    };
    assert_eq!(why.contains("read-only"), stops, "{context}: {why}");
    assert_eq!(put.is_err(), stops, "{context}: {put:?}");
    if put.is_ok() {
        model.apply(&later);
    }
    assert_eq!(session.difference(&model), None, "{context}");
    let _ = session.close();
    let session = opened(store.path()).unwrap();
    assert_eq!(session.difference(&model), None, "{context}");
    assert!(!store.path().join(PENDING).exists(), "{context}");
    session.close().unwrap();
}

#[test]
fn a_move_that_fails_is_undone_before_anybody_else_can_write_to_the_destination() {
    let all = |code| {
        [
            Interruption::Before(code),
            Interruption::Half(code),
            Interruption::After(code),
        ]
    };
    for full in all(28) {
        undone(full, None);
        // The file is removed, and then that is synced.
        for at in 0..2 {
            for how in all(5) {
                undone(full, Some((at, how, true)));
            }
        }
        // Some file systems need space for that.
        for how in all(28) {
            undone(full, Some((0, how, false)));
        }
    }
}

fn opened(store: &Path) -> Result<Session, Error> {
    Session::open(&Files::default(), store, Fsync::No, directory().path())
}

#[test]
fn what_a_step_over_several_collections_has_still_to_do_is_looked_at_by_all_commands() {
    let store = directory();
    let op = Op::Forget(1);
    let mut model = stopped(store.path(), &op, Interruption::Before(5), |operation| {
        writes_to(operation, "collection-2")
    });
    let pending = store.path().join(PENDING);
    assert!(pending.exists());
    let options = InspectOptions {
        verify: true,
        ..InspectOptions::default()
    };
    let found = |store: &Path| {
        let files = Files::default();
        inspect(&files, store, None, options, |_, _| ()).unwrap()
    };
    assert_eq!(found(store.path()).damaged, Vec::<String>::new());
    assert_eq!(found(store.path()).collections.len(), NAMES.len());

    // A damaged one is refused, and nothing is changed.
    let mut bytes = fs::read(&pending).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&pending, &bytes).unwrap();
    let damaged = found(store.path()).damaged;
    assert_eq!(damaged.len(), 1);
    let Err(Error::Storage(why)) = opened(store.path()) else {
        panic!("it opens");
    };
    assert!(why.ends_with(&damaged[0]), "{why}");
    assert!(
        why.contains(PENDING) && why.contains("nothing was changed"),
        "{why}"
    );
    assert_eq!(fs::read(&pending).unwrap(), bytes);

    // One that was not completed is nothing but a leftover.
    fs::write(store.path().join("PENDING.new"), &bytes[..20]).unwrap();
    bytes[last] ^= 1;
    fs::write(&pending, &bytes).unwrap();
    let session = opened(store.path()).unwrap();
    model.apply(&op);
    assert_eq!(session.difference(&model), None);
    let path = directory();
    let backup = path.path().join("backup");
    session
        .call()
        .create_backup(&backup, None, false, &mut |_| ())
        .unwrap();
    session.close().unwrap();
    for name in [PENDING, "PENDING.new"] {
        assert!(!store.path().join(name).exists());
    }
    let files = Files::default();
    let verified = verify(
        &files,
        &backup,
        Source::default(),
        None,
        dimension_of,
        |_, _| (),
    );
    verified.unwrap();
}

#[test]
fn a_step_is_completed_also_without_a_collection_that_is_gone() {
    let store = directory();
    let op = Op::Forget(1);
    let mut model = stopped(store.path(), &op, Interruption::Before(5), |operation| {
        writes_to(operation, "collection-1")
    });
    fs::remove_dir_all(place(store.path(), "second")).unwrap();
    let session = opened(store.path()).unwrap();
    model.apply(&op);
    model.apply(&Op::Drop("second"));
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();

    // The condition of a move cannot be met any more.
    let store = directory();
    let op = Op::Move("first", "second", vec![1, 2], false);
    let mut model = stopped(store.path(), &op, Interruption::After(5), |operation| {
        writes_to(operation, "collection-2")
    });
    fs::remove_dir_all(place(store.path(), "second")).unwrap();
    let session = opened(store.path()).unwrap();
    model.apply(&Op::Drop("second"));
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
    assert!(!store.path().join(PENDING).exists());
}

#[test]
fn a_step_that_writes_to_one_collection_needs_no_file() {
    let (store, backups) = (directory(), directory());
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let files = Files::interrupted_by(move |operation| {
        let is_pending = matches!(operation, Operation::Create(path)
            if path.ends_with("PENDING.new"));
        count.fetch_add(usize::from(is_pending), Ordering::SeqCst);
        None
    });
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    for op in setup() {
        session.apply(&op).unwrap();
    }
    let copy = Op::Copy("first", "second", vec![1, 2, 10], true);
    session.apply(&copy).unwrap();
    session.apply(&Op::Put("third", vec![(70, 1001)])).unwrap();
    let forget = |client: &Call, ids: &[u32], dry_run| {
        let forgotten = client.forget(Forgetting {
            selection: Selection::Ids(ids.iter().copied().map(id).collect()),
            collections: None,
            dry_run,
            guards: Guards::default(),
            reason: None,
            on_progress: None,
        });
        forgotten
            .unwrap()
            .collections
            .iter()
            .map(|c| c.matched.len())
            .sum::<usize>()
    };
    assert_eq!(forget(&session.call(), &[70], false), 1);
    assert_eq!(forget(&session.call(), &[1, 2, 30], true), 5);
    assert_eq!(forget(&session.call(), &[99], false), 0);
    let nothing = Op::Move("third", "first", vec![99], true);
    session.apply(&nothing).unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    assert_eq!(forget(&session.call(), &[1, 2, 30], false), 5);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    session.close().unwrap();
}

/// Later than the time of any write: writes have the time of the system.
const START: i64 = 4_000_000_000_000;

fn create(call: &Call, name: &str, ids: &[&str], expires_at: Option<i64>) {
    let made = call.create_collection(Config {
        name: name.into(),
        dimension: 2,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
        description: None,
    });
    let collection = made.unwrap();
    let mut prepared = collection
        .prepare(Batch {
            ids: ids.iter().map(|id| Some((*id).into())).collect(),
            data: vec![1.0; 2 * ids.len()],
            lengths: vec![2],
            expires_at: vec![expires_at; ids.len()],
            ..Batch::default()
        })
        .unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

fn listed(call: &Call, name: &str) -> Vec<String> {
    let page = call.collection(name).unwrap().list(0, usize::MAX).unwrap();
    page.vectors
        .iter()
        .map(|item| item.id.to_string())
        .collect()
}

fn close(call: Call, client: Client, store: Arc<Store>) {
    drop((call, store));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    // It fails if something has been left to the next opening.
    let _ = runtime.unwrap().block_on(client.close());
}

/// Opening erases what has expired in the destination, which is a write to it.
#[test]
fn a_move_has_happened_only_if_the_destination_has_it_whatever_opening_writes_there() {
    for (how, happens) in [
        (Interruption::Before(5), false),
        (Interruption::Half(5), false),
        (Interruption::After(5), true),
    ] {
        let store = directory();
        let clock = Clock::manual(START);
        let stopped = Arc::new(AtomicUsize::new(0));
        let state = stopped.clone();
        let files = Files::interrupted_by(move |operation| match state.load(Ordering::SeqCst) {
            1 if writes_to(&operation, "collection-2") => {
                state.store(2, Ordering::SeqCst);
                Some(how)
            }
            2 => Some(Interruption::Before(5)),
            _ => None,
        });
        let open = |files: &Files| {
            let store = open_with(
                files,
                store.path(),
                Opening {
                    fsync: Some(Fsync::No),
                    clock: clock.clone(),
                    ..Opening::default()
                },
            );
            let store = store.unwrap();
            (Client::of(store.clone()), store)
        };
        let (client, opened) = open(&files);
        let call = client.begin().unwrap();
        create(&call, "from", &["a", "b", "c"], None);
        create(&call, "to", &["x", "y"], Some(START + 10));
        stopped.store(1, Ordering::SeqCst);
        let moved = call.transfer(
            "from",
            "to",
            Transfer {
                selection: Selection::Filter(filter::parse_text(r#"{"none":"x"}"#).unwrap()),
                moves: true,
                overwrite: false,
                dry_run: false,
                guards: Guards::default(),
                receipt: false,
                reason: None,
                on_progress: None,
            },
        );
        // Nothing matches.
        assert!(moved.unwrap().applied);
        let ids = ["c", "a"].map(String::from).to_vec();
        let moved = call.transfer(
            "from",
            "to",
            Transfer {
                selection: Selection::Ids(ids),
                moves: true,
                overwrite: false,
                dry_run: false,
                guards: Guards::default(),
                receipt: false,
                reason: None,
                on_progress: None,
            },
        );
        assert!(matches!(moved, Err(Error::Storage(_))), "{how:?}");
        assert_eq!(stopped.load(Ordering::SeqCst), 2);
        close(call, client, opened);
        assert!(store.path().join(PENDING).exists(), "{how:?}");

        clock.advance(10);
        let (client, opened) = open(&Files::default());
        let call = client.begin().unwrap();
        let (from, to) = (listed(&call, "from"), listed(&call, "to"));
        match happens {
            true => assert_eq!((from, to), (vec!["b".into()], vec!["c".into(), "a".into()])),
            false => assert_eq!(
                (from, to),
                (["a", "b", "c"].map(String::from).to_vec(), vec![])
            ),
        }
        assert!(!store.path().join(PENDING).exists());
        close(call, client, opened);
    }
}
