//! The ledger of a store says exactly what was erased: by whatever call, and whatever interrupts it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;
use ring::hmac;
use serde_json::Value;
use sha2::{Digest, Sha256};
use vectorizer_native::{
    client::{Call, Client, Forgetting, Opening, Options, Selection, Store, Transfer, open_with},
    clock::Clock,
    collection::{
        Access, Batch, Collection, Config, DeleteOptions, Guards, Origin, Places, Receipt,
        ReplaceOptions, Replacement, Replacing,
    },
    error::{Error, Result},
    filter,
    graph::HnswParams,
    storage::{Files, Fsync, Interruption, LEDGER, LedgerEntry, Operation, RECORDS},
    vectors::Metric,
};

use crate::{
    encrypted::copy,
    fault::{Fault, Faults, interruptions},
    script::*,
    support::WAIT,
};

/// No space left on device; input/output error.
const ERRORS: [i32; 2] = [28, 5];

/// What one call has erased: its name and, for each collection, the ids, or how many vectors there
/// were if it was deleted as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Erased<Id: Ord> {
    call: String,
    collections: Vec<(String, Part<Id>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part<Id: Ord> {
    Ids(BTreeSet<Id>),
    All(usize),
}

/// What an operation erases, which is applied to the model.
pub fn of(op: &Op, model: &mut Model) -> Vec<Erased<u32>> {
    let before = model.clone();
    model.apply(op);
    let whole = |call: &str, name: &str, count| Erased {
        call: call.into(),
        collections: vec![(name.into(), Part::All(count))],
    };
    let call = match op {
        Op::Drop(name) => {
            let count = before.collections[name].len();
            return vec![whole("deleteCollection", name, count)];
        }
        Op::CleanUp => {
            let empty = before.collections.iter().filter(|(_, all)| all.is_empty());
            return empty
                .map(|(name, _)| whole("cleanupEmptyCollections", name, 0))
                .collect();
        }
        Op::DeleteOne(..) => "deleteVector",
        Op::DeleteMany(..) | Op::BackUpAndDelete(..) => "batchDelete",
        Op::DeleteMatching(..) => "deleteByFilter",
        Op::Replace(..) => "replace",
        Op::Move(..) | Op::MoveMatching(..) => "moveToCollection",
        Op::Forget(_) => "forget",
        _ => return Vec::new(),
    };
    let gone = before.collections.iter().map(|(name, all)| {
        let left = &model.collections[name];
        let is_left = |id: u32| left.iter().any(|stored| stored.0 == id);
        let gone = all.iter().map(|stored| stored.0).filter(|id| !is_left(*id));
        (String::from(*name), gone.collect::<BTreeSet<u32>>())
    });
    let gone = gone.filter(|(_, ids)| !ids.is_empty());
    let collections: Vec<_> = gone.map(|(name, ids)| (name, Part::Ids(ids))).collect();
    match collections.is_empty() {
        true => Vec::new(),
        false => vec![Erased {
            call: call.into(),
            collections,
        }],
    }
}

/// A ledger that has been read.
pub struct Ledger {
    salt: Vec<u8>,
    /// In the order in which they ended.
    ended: Vec<Erased<String>>,
    /// The lines of their ends.
    lines: Vec<String>,
    /// The old and the new name of each collection that was renamed.
    renamed: Vec<[String; 2]>,
    undone: usize,
}

impl Ledger {
    pub fn erased(&self) -> Vec<Erased<String>> {
        let mut all = self.ended.clone();
        all.sort();
        all
    }

    /// Whether it says that the vector with this number was erased from the collection.
    pub fn has_erased(&self, collection: &str, number: u32) -> bool {
        let digest = self.digest(&id(number));
        let mut parts = self.ended.iter().flat_map(|erased| &erased.collections);
        parts.any(|(name, part)| match part {
            Part::Ids(ids) => name == collection && ids.contains(&digest),
            Part::All(_) => name == collection,
        })
    }

    fn digest(&self, id: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.salt);
        hex(&hmac::sign(&key, id.as_bytes()).as_ref()[..16])
    }

    fn with_digests(&self, one: &Erased<u32>) -> Erased<String> {
        let part = |part: &Part<u32>| match part {
            Part::Ids(ids) => Part::Ids(ids.iter().map(|n| self.digest(&id(*n))).collect()),
            Part::All(count) => Part::All(*count),
        };
        let collections = one.collections.iter();
        Erased {
            call: one.call.clone(),
            collections: collections
                .map(|(name, ids)| (name.clone(), part(ids)))
                .collect(),
        }
    }
}

/// What was erased as a ledger has it, sorted.
pub fn sorted(ledger: &Ledger, erased: &[Erased<u32>]) -> Vec<Erased<String>> {
    let mut all: Vec<_> = erased.iter().map(|one| ledger.with_digests(one)).collect();
    all.sort();
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let at = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(at).collect()
}

/// Reads the ledger of a store, in which nothing is unfinished, and checks its chain.
pub fn read(store: &Path) -> Ledger {
    let text = fs::read_to_string(store.join(LEDGER)).unwrap();
    let mut lines = text.strip_suffix('\n').unwrap().split('\n');
    let first = lines.next().unwrap();
    let mut previous = hex(&Sha256::digest(first));
    let first: Value = serde_json::from_str(first).unwrap();
    let mut ledger = Ledger {
        salt: unhex(first["salt"].as_str().unwrap()),
        ended: Vec::new(),
        lines: Vec::new(),
        renamed: Vec::new(),
        undone: 0,
    };
    let mut open: BTreeMap<u64, Value> = BTreeMap::new();
    for (number, line) in (1u64..).zip(lines) {
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["entry"], number, "{line}");
        assert_eq!(read["previous"], previous, "{line}");
        previous = hex(&Sha256::digest(line));
        let of = |open: &mut BTreeMap<u64, Value>| {
            let begun = open.remove(&read["begin"].as_u64().unwrap());
            begun.unwrap_or_else(|| panic!("nothing has begun that ends: {line}"))
        };
        match read["kind"].as_str().unwrap() {
            "begin" => drop(open.insert(number, read)),
            "erased" => {
                let begun = of(&mut open);
                for member in ["call", "reason", "deleted", "bytes", "digest"] {
                    assert_eq!(begun.get(member), read.get(member), "{line}");
                }
                let parts = begun["collections"].as_array().unwrap();
                let told = read["collections"].as_array().unwrap();
                assert_eq!(parts.len(), told.len(), "{line}");
                for (part, told) in parts.iter().zip(told) {
                    for member in ["collection", "id", "sequence", "deleted"] {
                        assert_eq!(part[member], told[member], "{line}");
                    }
                }
                ledger.ended.push(Erased {
                    call: begun["call"].as_str().unwrap().into(),
                    collections: parts.iter().map(part).collect(),
                });
                ledger.lines.push(line.into());
            }
            "undone" => {
                of(&mut open);
                ledger.undone += 1;
            }
            "renamed" => {
                let name = |member: &str| read[member].as_str().unwrap().to_owned();
                ledger.renamed.push([name("collection"), name("to")]);
            }
            kind => panic!("{kind}"),
        }
    }
    assert!(open.is_empty(), "unfinished: {open:?}");
    ledger
}

fn part(part: &Value) -> (String, Part<String>) {
    let count = part["deleted"].as_u64().unwrap() as usize;
    let erased = match part.get("all") {
        Some(_) => Part::All(count),
        None => {
            let ids = part["ids"].as_str().unwrap();
            let ids = (0..ids.len())
                .step_by(32)
                .map(|at| ids[at..at + 32].to_owned());
            let ids: BTreeSet<_> = ids.collect();
            assert_eq!(ids.len(), count);
            Part::Ids(ids)
        }
    };
    (part["collection"].as_str().unwrap().into(), erased)
}

const NAMES: [&str; 3] = ["first", "second", "third"];

#[derive(Debug, Clone)]
enum Step {
    Do(Op),
    /// Closes the store, and opens it again; whether it is asked for a ledger.
    Reopen(bool),
    /// Continues with a copy of the current files, as after the process was killed.
    Crash,
}

fn some_steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || prop::sample::select(&NAMES[..]);
    let ids = || prop::collection::vec(0u32..40, 1..12);
    let rows = || prop::collection::btree_map(0u32..40, 0u32..1_000_000, 0..20);
    let op = prop_oneof![
        3 => name().prop_map(Op::Create),
        1 => name().prop_map(Op::Drop),
        1 => Just(Op::CleanUp),
        1 => (name(), name()).prop_map(|(name, new_name)| Op::Rename(name, new_name)),
        9 => (name(), rows()).prop_map(|(name, rows)| Op::Put(name, rows.into_iter().collect())),
        2 => (name(), 0u32..40, 0u32..1_000_000).prop_map(|(n, id, v)| Op::Data(n, id, v)),
        1 => (name(), 0u32..4, 1u32..1000).prop_map(|(n, rest, patch)| Op::Patch(n, rest, patch)),
        5 => (name(), 0u32..40).prop_map(|(n, id)| Op::DeleteOne(n, id)),
        3 => (name(), ids()).prop_map(|(n, ids)| Op::DeleteMany(n, ids)),
        1 => (name(), ids()).prop_map(|(n, ids)| Op::BackUpAndDelete(n, ids)),
        3 => (name(), 0u32..4).prop_map(|(n, rest)| Op::DeleteMatching(n, rest)),
        4 => (name(), 0u32..4, rows()).prop_map(|(name, rest, rows)| {
            let rows = rows.into_iter().take(6);
            let rows = rows.map(|(id, version)| (id, version / 4 * 4 + rest));
            Op::Replace(name, rest, rows.collect())
        }),
        3 => (name(), name(), ids(), any::<bool>())
            .prop_map(|(from, to, ids, over)| Op::Move(from, to, ids, over)),
        2 => (name(), name(), 0u32..4).prop_map(|(from, to, n)| Op::MoveMatching(from, to, n)),
        1 => (name(), name(), ids(), any::<bool>())
            .prop_map(|(from, to, ids, over)| Op::Copy(from, to, ids, over)),
        3 => (0u32..4).prop_map(Op::Forget),
        1 => name().prop_map(Op::Optimize),
        1 => Just(Op::Rotate),
        1 => Just(Op::Flush),
    ];
    let step = prop_oneof![
        14 => op.prop_map(Step::Do),
        1 => any::<bool>().prop_map(Step::Reopen),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 150,
        ..Default::default()
    })]

    #[test]
    fn the_ledger_says_what_every_call_has_erased_and_nothing_else(
        steps in some_steps(),
        fsync in prop::sample::select(&[Fsync::Always, Fsync::Everysec, Fsync::No][..]),
    ) {
        let (mut place, backups) = (directory(), directory());
        let files = Files::default();
        let open = |place: &Path, is_asked: bool| {
            match is_asked {
                true => Session::open_recorded(&files, place, fsync, backups.path()),
                false => Session::open(&files, place, fsync, backups.path()),
            }
            .unwrap()
        };
        let mut session = open(place.path(), true);
        let (mut model, mut erased, mut renamed) = (Model::default(), Vec::new(), Vec::new());
        for step in steps.iter().chain([&Step::Reopen(false)]) {
            match step {
                Step::Do(op) => {
                    let done = session.apply(op);
                    prop_assert_eq!(done.is_ok(), model.allows(op), "{:?}: {:?}", op, done);
                    if done.is_ok() {
                        erased.extend(of(op, &mut model));
                        if let Op::Rename(name, new_name) = op
                            && name != new_name
                        {
                            renamed.push([name, new_name].map(|name| String::from(*name)));
                        }
                    }
                    continue;
                }
                Step::Reopen(is_asked) => {
                    session.close().unwrap();
                    session = open(place.path(), *is_asked);
                }
                Step::Crash => {
                    let other = directory();
                    copy(place.path(), other.path());
                    session.close().unwrap();
                    place = other;
                    session = open(place.path(), false);
                }
            }
            let ledger = read(place.path());
            let expected: Vec<_> = erased.iter().map(|one| ledger.with_digests(one)).collect();
            prop_assert_eq!(&ledger.ended, &expected);
            prop_assert_eq!(&ledger.renamed, &renamed);
            prop_assert_eq!(ledger.undone, 0);
        }
        prop_assert_eq!(session.difference(&model), None);
        session.close().unwrap();
    }
}

fn setup() -> Vec<Op> {
    let same = |from: u32, to: u32| (from..to).map(|n| (n, n)).collect();
    let mut setup: Vec<_> = NAMES.map(Op::Create).to_vec();
    setup.extend([
        Op::Put("first", same(0, 30)),
        Op::Put("second", vec![(3, 103), (4, 104), (70, 170), (71, 171)]),
        Op::Flush,
    ]);
    setup
}

/// Calls that erase, for what `setup` has put in a store. All of them are durable.
pub fn steps() -> Vec<Op> {
    vec![
        Op::DeleteOne("first", 7),
        Op::DeleteMany("first", vec![8, 9, 8, 99]),
        // Of those with this remainder, two stay, of which one is updated, and one is new.
        Op::Replace("first", 2, vec![(2, 2), (6, 606), (40, 642)]),
        Op::DeleteMatching("first", 0),
        Op::Move("first", "second", vec![1, 3, 5, 99], false),
        Op::Rename("second", "fourth"),
        Op::MoveMatching("fourth", "first", 2),
        // In two collections, and then in one.
        Op::Forget(3),
        Op::Forget(2),
        Op::CleanUp,
        Op::Drop("fourth"),
        Op::DeleteOne("first", 13),
    ]
}

/// Runs the steps with a fault at one of the changes. Returns the number of changes.
fn run(fsync: Fsync, fault: Option<Fault>) -> usize {
    let (store, backups) = (directory(), directory());
    let faults = Arc::new(Faults::default());
    let files = faults.files(fault);
    let session = Session::open_recorded(&files, store.path(), fsync, backups.path()).unwrap();
    let (mut model, mut erased) = (Model::default(), Vec::new());
    for op in setup() {
        session.apply(&op).unwrap();
        erased.extend(of(&op, &mut model));
    }
    faults.arm();
    // As if the step that failed had been done.
    let mut next = None;
    for op in steps() {
        // Others may need what has failed.
        if !model.allows(&op) {
            continue;
        }
        let context = format!("{fault:?}, {fsync:?}, {op:?}");
        let (mut after, mut more) = (model.clone(), erased.clone());
        more.extend(of(&op, &mut after));
        match session.apply(&op) {
            Ok(()) => {
                (model, erased) = (after, more);
                assert_eq!(session.difference(&model), None, "{context}");
                continue;
            }
            Err(error) => assert!(matches!(error, Error::Storage(_)), "{context}: {error}"),
        }
        if session.call().check().is_err() {
            next = Some((after, more));
            break;
        }
        // It has happened, and something remains to be done, or nothing has happened.
        match session.difference(&model) {
            None => {}
            Some(_) => (model, erased) = (after, more),
        }
        assert_eq!(session.difference(&model), None, "{context}");
    }
    assert!(next.is_none() || fault.is_some());
    let _ = session.close();

    let context = format!("{fault:?}, {fsync:?}, after {next:?}");
    let session = Session::open(&Files::default(), store.path(), fsync, backups.path());
    let session = session.unwrap_or_else(|error| panic!("{context}: {error}"));
    if let Some(difference) = session.difference(&model) {
        let (after, more) = next.unwrap_or_else(|| panic!("{context}: {difference}"));
        assert_eq!(session.difference(&after), None, "{context}: {difference}");
        (model, erased) = (after, more);
    }
    let ledger = read(store.path());
    assert_eq!(ledger.erased(), sorted(&ledger, &erased), "{context}");
    let last = Op::DeleteOne("first", 17);
    if model.allows(&last) {
        session.apply(&last).unwrap();
        erased.extend(of(&last, &mut model));
    }
    session.close().unwrap();
    let ledger = read(store.path());
    assert_eq!(ledger.erased(), sorted(&ledger, &erased), "{context}");
    faults.changes()
}

fn every_change(fsync: Fsync, stops: bool) {
    let changes = run(fsync, None);
    assert!(changes > 4 * steps().len(), "{changes}");
    for at in 0..changes {
        for how in interruptions(ERRORS[at % ERRORS.len()]) {
            run(fsync, Some(Fault { at, how, stops }));
        }
    }
}

#[test]
fn whatever_change_a_process_stops_at_the_ledger_says_what_has_been_erased() {
    every_change(Fsync::No, true);
    every_change(Fsync::Always, true);
}

#[test]
fn whatever_change_fails_the_ledger_says_what_has_been_erased() {
    every_change(Fsync::No, false);
    every_change(Fsync::Always, false);
}

/// Later than the time of any write: writes have the time of the system.
const START: i64 = 4_000_000_000_000;

fn open(files: &Files, path: &Path, clock: &Clock) -> Result<(Client, Arc<Store>)> {
    let opening = Opening {
        fsync: Some(Fsync::No),
        clock: clock.clone(),
        ledger: true,
        ..Opening::default()
    };
    let store = open_with(files, path, opening)?;
    Ok((Client::of(store.clone()), store))
}

fn close(call: Call, client: &Client, store: Arc<Store>) -> Result<()> {
    drop((call, store));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(client.close())
}

fn create(call: &Call, name: &str) -> Arc<Collection> {
    let made = call.create_collection(Config {
        name: name.into(),
        dimension: 2,
        metric: Metric::Euclidean,
        hnsw: HnswParams::default(),
        description: None,
    });
    made.unwrap()
}

/// Puts vectors with these ids.
fn put(collection: &Arc<Collection>, numbers: &[u32], expires_at: Option<i64>) {
    let mut prepared = collection
        .prepare(Batch {
            ids: numbers.iter().map(|number| Some(id(*number))).collect(),
            data: vec![1.0; 2 * numbers.len()],
            lengths: vec![2],
            metadata: numbers
                .iter()
                .map(|number| Some(format!("{{\"n\":{number}}}").into()))
                .collect(),
            expires_at: vec![expires_at; numbers.len()],
            ..Batch::default()
        })
        .unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

fn erased(call: &str, parts: &[(&str, &[u32])]) -> Erased<u32> {
    Erased {
        call: call.into(),
        collections: parts
            .iter()
            .map(|(name, ids)| {
                (
                    String::from(*name),
                    Part::Ids(ids.iter().copied().collect()),
                )
            })
            .collect(),
    }
}

fn forgetting(numbers: &[u32]) -> Forgetting {
    Forgetting {
        selection: Selection::Ids(numbers.iter().copied().map(id).collect()),
        collections: None,
        dry_run: false,
        guards: Guards::default(),
        reason: Some("asked to".into()),
        on_progress: None,
    }
}

/// All ids that the ledger says have been erased because they had expired, once for each time.
fn expired(ledger: &Ledger) -> Vec<String> {
    let expired = ledger.ended.iter().filter(|one| one.call == "expiry");
    let mut all: Vec<String> = expired
        .flat_map(|one| &one.collections)
        .flat_map(|(_, part)| match part {
            Part::Ids(ids) => ids.iter().cloned(),
            Part::All(_) => panic!("a whole collection has expired"),
        })
        .collect();
    all.sort();
    all
}

#[test]
fn each_vector_that_has_expired_is_in_the_ledger_once_whatever_interrupts_its_erasure() {
    let run = |fault: Option<Fault>| {
        let context = format!("{fault:?}");
        let store = directory();
        let clock = Clock::manual(START);
        let faults = Arc::new(Faults::default());
        let (client, opened) = open(&faults.files(fault), store.path(), &clock).unwrap();
        let call = client.begin().unwrap();
        let collections = ["a", "b"].map(|name| create(&call, name));
        put(&collections[0], &[1, 2, 3], Some(START + 10));
        put(&collections[0], &[4, 5], None);
        put(&collections[1], &[1, 6], Some(START + 10));
        call.flush().unwrap();
        faults.arm();
        clock.advance(10);
        for collection in &collections {
            let _ = collection.erase_expired();
        }
        // It is not in the ledger that it has gone: there is another with its id.
        let _ = catch(|| put(&collections[0], &[2], None));
        let _ = close(call, &client, opened);
        drop(collections);

        let (client, opened) = open(&Files::default(), store.path(), &clock)
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        let call = client.begin().unwrap();
        let ledger = read(store.path());
        let mut digests: Vec<_> = [1, 2, 3, 1, 6]
            .map(|number| ledger.digest(&id(number)))
            .to_vec();
        digests.sort();
        assert_eq!(expired(&ledger), digests, "{context}");
        for (name, info) in call
            .collections()
            .iter()
            .map(|one| (one.name(), one.info(WAIT).unwrap()))
        {
            assert_eq!(info.expired, 0, "{context}: {name}");
        }
        close(call, &client, opened).unwrap();
        faults.changes()
    };
    let changes = run(None);
    assert!(changes > 8, "{changes}");
    for at in 0..changes {
        for how in interruptions(ERRORS[at % ERRORS.len()]) {
            for stops in [true, false] {
                run(Some(Fault { at, how, stops }));
            }
        }
    }
}

/// Runs what may fail because nothing can be written any more.
fn catch(act: impl FnOnce()) -> thread::Result<()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(act))
}

#[test]
fn what_expires_before_it_is_known_that_it_was_not_deleted_has_only_expired() {
    let store = directory();
    let clock = Clock::manual(START);
    let state = Arc::new(AtomicUsize::new(0));
    let now = state.clone();
    // The process stops when the delete is in the ledger and not in the log.
    let files = Files::interrupted_by(move |operation| match now.load(Ordering::SeqCst) {
        1 if is_record(&operation) => {
            now.store(2, Ordering::SeqCst);
            Some(Interruption::Before(5))
        }
        2 => Some(Interruption::Before(5)),
        _ => None,
    });
    let (client, opened) = open(&files, store.path(), &clock).unwrap();
    let call = client.begin().unwrap();
    let collection = create(&call, "a");
    put(&collection, &[1, 2], Some(START + 10));
    put(&collection, &[3], None);
    state.store(1, Ordering::SeqCst);
    let ids = [1].map(id);
    let deleted = collection.delete_many(WAIT, &ids, &DeleteOptions::default());
    assert!(matches!(deleted, Err(Error::Storage(_))), "{deleted:?}");
    assert_eq!(state.load(Ordering::SeqCst), 2);
    drop(collection);
    let _ = close(call, &client, opened);

    clock.advance(10);
    let (client, opened) = open(&Files::default(), store.path(), &clock).unwrap();
    let ledger = read(store.path());
    let expected = [erased("expiry", &[("a", &[1, 2])])];
    assert_eq!(ledger.erased(), sorted(&ledger, &expected));
    assert_eq!(ledger.undone, 1);
    close(client.begin().unwrap(), &client, opened).unwrap();
}

/// Whether an operation writes a record of a collection.
fn is_record(operation: &Operation<'_>) -> bool {
    matches!(operation, Operation::Write(path, at, _)
        if path.file_name().is_some_and(|name| name == "log.1") && *at >= RECORDS)
}

#[test]
fn what_had_expired_when_it_was_forgotten_has_an_entry_of_its_own() {
    let store = directory();
    let clock = Clock::manual(START);
    let (client, opened) = open(&Files::default(), store.path(), &clock).unwrap();
    let call = client.begin().unwrap();
    let [a, b] = ["a", "b"].map(|name| create(&call, name));
    put(&a, &[1, 2], None);
    put(&a, &[3], Some(START + 10));
    put(&b, &[1, 4], Some(START + 10));
    clock.advance(10);
    // The thread that erases what has expired may have been faster.
    let forgotten = call.forget(forgetting(&[1, 3, 9])).unwrap();
    let receipt = forgotten.receipt.unwrap();
    assert_eq!(receipt.deleted, 1);
    while a.erase_expired().unwrap() || b.erase_expired().unwrap() {}
    drop((a, b));
    close(call, &client, opened).unwrap();
    let ledger = read(store.path());
    let forgets: Vec<_> = ledger
        .ended
        .iter()
        .filter(|one| one.call == "forget")
        .collect();
    assert_eq!(
        forgets,
        [&ledger.with_digests(&erased("forget", &[("a", &[1])]))]
    );
    let mut digests = [3, 1, 4].map(|number| ledger.digest(&id(number))).to_vec();
    digests.sort();
    assert_eq!(expired(&ledger), digests);
    let entry = receipt.entry.unwrap();
    assert!(ledger.lines.contains(&entry.line));
    assert!(entry.line.contains("\"call\":\"forget\""), "{entry:?}");
}

fn with_receipt() -> DeleteOptions {
    DeleteOptions {
        receipt: true,
        reason: Some("asked to".into()),
        ..DeleteOptions::default()
    }
}

/// The receipts of all calls that give one, for five vectors in two collections.
fn receipts(call: &Call) -> Vec<Receipt> {
    let options = with_receipt();
    let [a, b] = ["a", "b"].map(|name| create(call, name));
    put(&a, &(0..20).collect::<Vec<_>>(), None);
    put(&b, &[30, 31], None);
    let mut all = vec![a.delete_one(WAIT, &id(1), &options).unwrap().unwrap()];
    let ids = [2, 3, 99].map(id);
    all.push(
        a.delete_many(WAIT, &ids, &options)
            .unwrap()
            .receipt
            .unwrap(),
    );
    let filter = filter::parse_text(r#"{"n":{"$lt":6}}"#).unwrap();
    all.push(
        a.delete_matching(&filter, &options)
            .unwrap()
            .receipt
            .unwrap(),
    );
    let replaced = a.replace(Replacement {
        filter: filter::parse_text(r#"{"n":{"$lt":10}}"#).unwrap(),
        ids: vec![id(6)],
        metadata: vec![Some(r#"{"n":7}"#.into())],
        texts: Vec::new(),
        expires_at: Vec::new(),
        origin: Origin::Given,
        data: vec![2.0; 2],
        lengths: vec![2],
        places: Places::default(),
        options: ReplaceOptions {
            receipt: true,
            reason: Some("asked to".into()),
            ..ReplaceOptions::default()
        },
        on_progress: None,
    });
    let Ok(Replacing::Ended(replaced)) = replaced else {
        panic!("it does not end");
    };
    all.push(replaced.receipt.unwrap());
    let moved = call.transfer(
        "a",
        "b",
        Transfer {
            selection: Selection::Ids([10, 11].map(id).to_vec()),
            moves: true,
            overwrite: false,
            dry_run: false,
            guards: Guards::default(),
            receipt: true,
            reason: Some("asked to".into()),
            on_progress: None,
        },
    );
    all.push(moved.unwrap().receipt.unwrap());
    let reason = Some("asked to".into());
    let deleted = call.delete_collection(WAIT, "b", true, reason).unwrap();
    all.push(deleted.unwrap());
    all
}

const CALLS: [&str; 6] = [
    "deleteVector",
    "batchDelete",
    "deleteByFilter",
    "replace",
    "moveToCollection",
    "deleteCollection",
];

#[test]
fn a_receipt_has_the_line_of_the_ledger_that_says_the_same() {
    let store = directory();
    let clock = Clock::manual(START);
    let (client, opened) = open(&Files::default(), store.path(), &clock).unwrap();
    let call = client.begin().unwrap();
    let all = receipts(&call);
    let calls: Vec<_> = all.iter().map(|receipt| receipt.call).collect();
    assert_eq!(calls, CALLS);
    let text = fs::read_to_string(store.path().join(LEDGER)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    let is_in = |LedgerEntry { store, entry, line }: &LedgerEntry| {
        assert_eq!(first["store"], *store);
        assert_eq!(lines[*entry as usize], line);
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["kind"], "erased");
        assert_eq!(line["reason"], "asked to");
        line
    };
    for receipt in &all {
        assert_eq!(receipt.reason.as_deref(), Some("asked to"));
        let line = is_in(receipt.entry.as_ref().unwrap());
        assert_eq!(line["call"], receipt.call);
        assert_eq!(line["bytes"], receipt.bytes_erased);
        assert_eq!(line["digest"], receipt.digest);
        assert_eq!(line["collections"].as_array().unwrap().len(), 1);
        assert_eq!(line["collections"][0]["sequence"], receipt.log_sequence);
        // The receipt counts the former version of what is updated, too.
        let updated = u64::from(receipt.call == "replace");
        let gone = receipt.deleted as u64 - updated;
        assert_eq!(line["deleted"], gone, "{}", receipt.call);
    }
    let forgotten = call.forget(forgetting(&[12, 13])).unwrap();
    let receipt = forgotten.receipt.unwrap();
    let text = fs::read_to_string(store.path().join(LEDGER)).unwrap();
    let entry = receipt.entry.unwrap();
    assert_eq!(text.lines().nth(entry.entry as usize), Some(&*entry.line));
    let line: Value = serde_json::from_str(&entry.line).unwrap();
    assert_eq!(
        (&line["call"], &line["deleted"]),
        (&"forget".into(), &2.into())
    );
    assert_eq!(line["digest"], receipt.digest);
    assert_eq!(line["collections"][0]["collection"], "a");

    // What erases nothing is not in it.
    let before = call.ledger().unwrap().unwrap().1.entries;
    let a = call.collection("a").unwrap();
    let nothing = a.delete_many(WAIT, &[id(99)], &with_receipt()).unwrap();
    assert_eq!(nothing.receipt.unwrap().entry, None);
    let nothing = call.forget(forgetting(&[99])).unwrap();
    assert_eq!(nothing.receipt.unwrap().entry, None);
    let (file, head) = call.ledger().unwrap().unwrap();
    assert_eq!(head.entries, before);
    assert!(file.ends_with(LEDGER) && file.is_file(), "{file:?}");
    drop(a);
    close(call, &client, opened).unwrap();
}

#[test]
fn without_a_ledger_a_receipt_says_which_call_it_is_of_and_why() {
    let store = directory();
    let on_disk = open_with(&Files::default(), store.path(), Opening::default()).unwrap();
    for client in [Client::open(Options::default()), Client::of(on_disk)] {
        let call = client.begin().unwrap();
        let all = receipts(&call);
        let calls: Vec<_> = all.iter().map(|receipt| receipt.call).collect();
        assert_eq!(calls, CALLS);
        for receipt in all {
            assert_eq!(receipt.reason.as_deref(), Some("asked to"));
            assert_eq!(receipt.entry, None);
        }
        assert_eq!(call.ledger().unwrap(), None);
        let signed = call.sign_entry(1, "AA==");
        assert!(matches!(signed, Err(Error::Validation(_))), "{signed:?}");
    }
    assert!(!store.path().join(LEDGER).exists());
}

#[test]
fn with_a_ledger_nothing_is_erased_by_a_thread_that_must_not_wait() {
    let store = directory();
    let clock = Clock::manual(START);
    let (client, opened) = open(&Files::default(), store.path(), &clock).unwrap();
    let call = client.begin().unwrap();
    let a = create(&call, "a");
    put(&a, &[1, 2], None);
    let plain = DeleteOptions::default();
    for access in [Access::Now, Access::Soon] {
        let blocked = |error: Error| assert!(matches!(error, Error::WouldBlock), "{error}");
        blocked(a.delete_one(access, &id(1), &plain).unwrap_err());
        blocked(a.delete_many(access, &[id(1)], &plain).unwrap_err());
        let dropped = call.delete_collection(access, "a", false, None);
        blocked(dropped.unwrap_err());
    }
    assert_eq!(a.count(WAIT, None).unwrap(), 2);
    assert_eq!(call.ledger().unwrap().unwrap().1.entries, 0);
    drop(a);
    close(call, &client, opened).unwrap();
}

#[test]
fn a_store_that_is_open_without_a_ledger_does_not_get_one() {
    let store = directory();
    let plain = open_with(&Files::default(), store.path(), Opening::default()).unwrap();
    let recorded = Opening {
        ledger: true,
        ..Opening::default()
    };
    let Err(Error::Validation(why)) = open_with(&Files::default(), store.path(), recorded) else {
        panic!("it is opened");
    };
    assert!(why.starts_with("options.ledger: this process has"), "{why}");
    drop(plain);
    let opening = |ledger| Opening {
        ledger,
        ..Opening::default()
    };
    let recorded = open_with(&Files::default(), store.path(), opening(true)).unwrap();
    // Whether or not it is asked for, the store has one from here on.
    for ledger in [true, false] {
        let same = open_with(&Files::default(), store.path(), opening(ledger)).unwrap();
        assert!(Arc::ptr_eq(&recorded, &same));
    }
    drop(recorded);
    let client = Client::open(Options {
        ledger: true,
        ..Options::default()
    });
    let Err(Error::Validation(why)) = client.begin().map(drop) else {
        panic!("it is opened");
    };
    let expected = "options.ledger: a store in memory has no ledger: open one with a path";
    assert_eq!(why, expected);
}

#[test]
fn readers_go_on_while_the_ledger_is_being_written() {
    let store = directory();
    let clock = Clock::manual(START);
    let collections: Arc<Mutex<Vec<Arc<Collection>>>> = Arc::default();
    let (reading, seen) = (collections.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = seen.clone();
    let files = Files::interrupted_by(move |operation| {
        let Operation::Sync(path) = operation else {
            return None;
        };
        let all = reading.lock().unwrap().clone();
        if !path.ends_with(LEDGER) || all.is_empty() {
            return None;
        }
        let (sender, read) = mpsc::channel();
        thread::spawn(move || {
            for collection in all {
                // One may have been deleted.
                let _ = collection.list(0, 10);
            }
            let _ = sender.send(());
        });
        read.recv_timeout(Duration::from_secs(60)).unwrap();
        counted.fetch_add(1, Ordering::SeqCst);
        None
    });
    let (client, opened) = open(&files, store.path(), &clock).unwrap();
    let call = client.begin().unwrap();
    let [c, d] = ["c", "d"].map(|name| create(&call, name));
    put(&c, &[1, 2], None);
    put(&d, &[2, 3], None);
    put(&d, &[4], Some(START + 10));
    let set = |all: Vec<Arc<Collection>>| *collections.lock().unwrap() = all;
    set(vec![c.clone(), d.clone()]);
    let forgotten = call.forget(forgetting(&[2])).unwrap();
    assert_eq!(forgotten.receipt.unwrap().deleted, 2);
    clock.advance(10);
    while d.erase_expired().unwrap() {}
    let before = seen.load(Ordering::SeqCst);
    assert!(before >= 2, "{before}");
    // All others; `a` and `b` are made on the way.
    let all = receipts(&call);
    assert!(seen.load(Ordering::SeqCst) >= before + all.len());
    set(vec![call.collection("a").unwrap()]);
    let a = call.collection("a").unwrap();
    let before = seen.load(Ordering::SeqCst);
    let options = with_receipt();
    a.delete_one(WAIT, &id(14), &options).unwrap();
    a.delete_many(WAIT, &[id(15)], &options).unwrap();
    let filter = filter::parse_text(r#"{"n":16}"#).unwrap();
    a.delete_matching(&filter, &options).unwrap();
    call.forget(forgetting(&[17])).unwrap();
    call.delete_collection(WAIT, "a", true, None).unwrap();
    assert!(seen.load(Ordering::SeqCst) >= before + 5);
    set(Vec::new());
    drop((a, c, d));
    close(call, &client, opened).unwrap();
}
