//! The ledger of a store, whose file fails, is full, is torn, or is not there any more. What the
//! store does with it is tested elsewhere.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use serde_json::Value;
use sha2::{Digest, Sha256};
use vectorizer_native::{
    error::{Error, Result},
    storage::{
        Begun, ErasedPart, Erasing, ErasingIn, Files, Health, InspectOptions, LEDGER, Ledger,
        LedgerEntry, LedgerErasures, Operation, Reserve, Root, inspect,
    },
    wiped::Id,
};

use crate::{
    fault::{Fault, Faults, interruptions},
    room::{on_disk_of, used},
    script::directory,
};

const ID: [u8; 16] = [7; 16];

fn open(files: &Files, store: &Path, health: &Arc<Health>) -> Result<Ledger> {
    Ledger::open(files, store, true, health).map(Option::unwrap)
}

/// Begins the erasure of one vector, whose entry has this number.
fn begin(ledger: &Ledger, number: u64) -> Result<Begun> {
    let ids = [Id::from(format!("id-{number}").as_str())];
    let part = ErasingIn {
        to: None,
        collection: "things",
        id: ID,
        sequence: number,
        erased: ErasedPart::Vectors {
            ids: &ids,
            numbers: [number].into_iter().collect(),
        },
    };
    ledger.begin(&Erasing {
        call: "deleteVector",
        reason: None,
        collections: vec![part],
        bytes: 100,
        digest: "d".repeat(64),
    })
}

/// The lines of a ledger that is whole, each of which has the hash of the one before.
fn lines(store: &Path) -> Vec<Value> {
    let text = fs::read_to_string(store.join(LEDGER)).unwrap();
    assert!(text.ends_with('\n'));
    let mut previous = None;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap();
        if let Some(previous) = &previous {
            assert_eq!(value["entry"], number);
            assert_eq!(&value["previous"], previous);
        }
        let hash = Sha256::digest(line);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        previous = Some(Value::from(hash));
        lines.push(value);
    }
    lines
}

/// The numbers of the vectors that have begun to be erased, and those that were erased.
fn told(store: &Path) -> (Vec<String>, Vec<String>) {
    let lines = lines(store);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |kind: &str| -> Vec<&Value> {
        let all = lines.iter().filter(|line| line["kind"] == kind);
        all.collect()
    };
    let begun = of("begin");
    let begun = begun
        .iter()
        .map(|line| text(&line["collections"][0]["numbers"]));
    let erased = of("erased");
    let erased = erased.iter().map(|line| line.to_string());
    (begun.collect(), erased.collect())
}

/// What a process was told.
#[derive(Default)]
struct Told {
    /// The erasures that may be in the file without having been acknowledged: each is named once.
    doubtful: Vec<u64>,
    /// The vectors whose erasures have begun.
    begun: Vec<u64>,
    erased: Vec<LedgerEntry>,
    /// Those that are neither ended nor undone for sure.
    unfinished: Vec<u64>,
}

impl Told {
    /// Uses a ledger in all ways. An erasure that has begun and fails to end is unfinished.
    fn run(&mut self, ledger: &Ledger, health: &Health) {
        for number in 1..=4 {
            let Ok(begun) = begin(ledger, number) else {
                // Unless nothing more is written, it is not there.
                if health.is_failed() {
                    self.doubtful.push(number);
                }
                continue;
            };
            self.begun.push(number);
            match number {
                2 => {
                    ledger.undo(begun);
                    if health.is_failed() {
                        self.unfinished.push(number);
                    }
                    // If this fails, nothing more is written.
                    let renamed = ledger.rename(&ID, "things", "others");
                    assert!(renamed.is_ok() || health.is_failed());
                }
                4 => self.unfinished.push(number),
                _ => match ledger.end(begun, number == 1) {
                    Ok(entry) => {
                        self.erased.push(entry);
                        let last = ledger.head().unsigned.unwrap();
                        let signed = ledger.sign(last.entry, "c2ln");
                        let is_signed = ledger.head().unsigned.is_none();
                        assert!(signed.is_err() || is_signed);
                    }
                    Err(error) => {
                        assert!(health.is_failed(), "{error}");
                        assert!(error.to_string().contains("is deleted"), "{error}");
                        self.unfinished.push(number);
                    }
                },
            }
        }
        let _ = ledger.flush();
    }
}

/// Uses a ledger with a fault, and checks what is found of it. Returns the number of changes.
fn run(torn: bool, fault: Option<Fault>) -> usize {
    let store = directory();
    if torn {
        let path = store.path();
        drop(open(&Files::default(), path, &Arc::default()).unwrap());
        let mut bytes = fs::read(path.join(LEDGER)).unwrap();
        bytes.extend(b"{\"entry\":1,\"prev");
        fs::write(path.join(LEDGER), bytes).unwrap();
        fs::write(path.join("LEDGER.new"), "half").unwrap();
    }
    let faults = Faults::armed();
    let files = faults.files(fault);
    let (health, mut told) = (Arc::default(), Told::default());
    match open(&files, store.path(), &health) {
        Ok(ledger) => told.run(&ledger, &health),
        Err(error) => {
            assert!(
                fault.is_some() && matches!(error, Error::Storage(_)),
                "{error}"
            );
        }
    }
    if fault.is_none() {
        assert_eq!((told.begun.len(), told.erased.len()), (4, 2));
    }
    told.check(store.path(), &format!("{fault:?}, {torn}"));
    faults.changes()
}

impl Told {
    fn check(&self, store: &Path, context: &str) {
        let ledger = open(&Files::default(), store, &Arc::default());
        let ledger = ledger.unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(!store.join("LEDGER.new").exists(), "{context}");
        // Everything acknowledged is there, and nothing else for sure.
        let (begun, erased) = told(store);
        let expected = self.begun.iter().chain(&self.doubtful);
        let mut expected: Vec<_> = expected.map(u64::to_string).collect();
        expected.sort();
        expected.retain(|number| {
            let is_doubtful = self.doubtful.iter().any(|one| one.to_string() == *number);
            !is_doubtful || begun.contains(number)
        });
        assert_eq!(begun, expected, "{context}");
        let acknowledged = self.erased.iter().map(|entry| &entry.line);
        assert!(
            acknowledged.clone().all(|line| erased.contains(line)),
            "{context}"
        );
        assert!(
            erased.len() <= self.erased.len() + self.unfinished.len(),
            "{context}"
        );
        // What may not have been completed is, if it was not.
        for (begun, parts) in ledger.unfinished().unwrap() {
            let mut doubted = self.unfinished.iter().chain(&self.doubtful);
            let is_it = |number: &u64| parts[0].numbers.as_ref().unwrap().contains(*number);
            assert!(doubted.any(is_it), "{context}: {parts:?}");
            assert_eq!((parts.len(), parts[0].id), (1, ID));
            ledger.end(begun, true).unwrap();
        }
        if self.unfinished.contains(&4) {
            // It never ended in the first process.
            let last = lines(store).pop().unwrap();
            assert_eq!(last["kind"], "erased", "{context}");
        }
        let again = begin(&ledger, 9).unwrap();
        ledger.end(again, true).unwrap();
        let last = lines(store).pop().unwrap();
        assert!(last.get("open").is_none(), "{context}");
        let erasures = LedgerErasures::read(store).unwrap();
        let since = erasures.since("", Some((ID, 0)), 0);
        assert!(since.contains("id-9") && !since.contains("id-10"));
        for number in &self.begun {
            let found = since.contains(&format!("id-{number}"));
            // The line that undoes the second may be there without having been acknowledged.
            match *number == 2 {
                true => assert!(!found || self.unfinished.contains(number), "{context}"),
                false => assert!(found, "{context}: {number}"),
            }
        }
    }
}

#[test]
fn whatever_change_to_the_ledger_fails_it_has_all_that_was_acknowledged_and_follows_itself() {
    for torn in [false, true] {
        let changes = run(torn, None);
        for at in 0..changes {
            let code = [28, 5][at % 2];
            for how in interruptions(code) {
                for stops in [false, true] {
                    run(torn, Some(Fault { at, how, stops }));
                }
            }
        }
    }
}

#[test]
fn an_erasure_begins_on_disk_and_ends_there_if_that_is_wanted() {
    let store = directory();
    let written: Arc<Mutex<Vec<bool>>> = Arc::default();
    let noted = written.clone();
    let files = Files::interrupted_by(move |operation| {
        match operation {
            Operation::Write(..) => noted.lock().unwrap().push(false),
            Operation::Sync(_) => noted.lock().unwrap().push(true),
            _ => {}
        }
        None
    });
    let ledger = open(&files, store.path(), &Arc::default()).unwrap();
    let take = || -> Vec<bool> { std::mem::take(&mut *written.lock().unwrap()) };
    take();
    let begun = begin(&ledger, 1).unwrap();
    assert_eq!(take(), [false, true]);
    let entry = ledger.end(begun, true).unwrap();
    assert_eq!(take(), [false, true]);
    ledger.flush().unwrap();
    assert!(take().is_empty());
    ledger.sign(entry.entry, "c2ln").unwrap();
    assert_eq!(take(), [false, true]);
    ledger.rename(&ID, "things", "others").unwrap();
    assert_eq!(take(), [false]);
    ledger.flush().unwrap();
    assert_eq!(take(), [true]);
    let begun = begin(&ledger, 2).unwrap();
    take();
    ledger.end(begun, false).unwrap();
    assert_eq!(take(), [false]);
    // The next one to be synced syncs it.
    let begun = begin(&ledger, 3).unwrap();
    assert_eq!(take(), [false, true]);
    // What could not be erased must not seem to be, if it is gone later.
    ledger.undo(begun);
    assert_eq!(take(), [false, true]);
}

#[test]
fn threads_that_erase_at_the_same_time_write_one_chain() {
    let store = directory();
    let ledger = open(&Files::default(), store.path(), &Arc::default()).unwrap();
    thread::scope(|scope| {
        for first in 0..4 {
            let ledger = &ledger;
            scope.spawn(move || {
                for number in 0..25 {
                    let begun = begin(ledger, 100 * first + number).unwrap();
                    match number % 5 {
                        0 => ledger.undo(begun),
                        _ => {
                            let ended = ledger.end(begun, number % 2 == 0).unwrap();
                            ledger.sign(ended.entry, "c2ln").unwrap();
                        }
                    }
                }
            });
        }
    });
    let (begun, erased) = told(store.path());
    assert_eq!((begun.len(), erased.len()), (100, 80));
    LedgerErasures::read(store.path()).unwrap();
    drop(ledger);
    let ledger = open(&Files::default(), store.path(), &Arc::default()).unwrap();
    assert!(ledger.unfinished().unwrap().is_empty());
}

#[test]
fn on_a_full_disk_entries_use_what_is_reserved_and_then_nothing_is_erased() {
    let store = directory();
    let capacity = Arc::new(AtomicU64::new(u64::MAX));
    let files = on_disk_of(store.path(), &capacity);
    let health = Arc::new(Health::with(Reserve::new(&files, store.path())));
    health.ensure_reserve().unwrap();
    let ledger = open(&files, store.path(), &health).unwrap();
    capacity.store(used(store.path()), Ordering::SeqCst);
    let mut erased = 0;
    let refused = loop {
        match begin(&ledger, erased) {
            Ok(begun) => ledger.undo(begun),
            Err(error) => break error,
        }
        erased += 1;
    };
    assert!((900..10_000).contains(&erased), "{erased}");
    assert!(refused.to_string().contains("free some space"), "{refused}");
    capacity.store(u64::MAX, Ordering::SeqCst);
    drop(ledger);
    let ledger = open(&files, store.path(), &Arc::default()).unwrap();
    for (begun, _) in ledger.unfinished().unwrap() {
        ledger.undo(begun);
    }
    let begun = begin(&ledger, 1).unwrap();
    ledger.end(begun, true).unwrap();
    assert_eq!(told(store.path()).1.len(), 1);
    LedgerErasures::read(store.path()).unwrap();
}

#[test]
fn a_line_that_finds_no_room_is_cut_back_and_tried_again_by_the_next_erasure() {
    let store = directory();
    let capacity = Arc::new(AtomicU64::new(u64::MAX));
    let files = on_disk_of(store.path(), &capacity);
    let health = Arc::default();
    let ledger = open(&files, store.path(), &health).unwrap();
    for room in [0, 100, 300] {
        let before = fs::read(store.path().join(LEDGER)).unwrap();
        capacity.store(used(store.path()) + room, Ordering::SeqCst);
        let refused = begin(&ledger, 1).unwrap_err();
        assert!(
            matches!(&refused, Error::Storage(why) if !why.contains("read-only")),
            "{refused}"
        );
        assert_eq!(fs::read(store.path().join(LEDGER)).unwrap(), before);
        capacity.store(u64::MAX, Ordering::SeqCst);
        let begun = begin(&ledger, 2).unwrap();
        ledger.end(begun, true).unwrap();
    }
    assert_eq!(told(store.path()).1.len(), 3);
}

#[test]
fn nothing_is_erased_once_the_ledger_was_removed_or_replaced_while_it_is_open() {
    for replaced in [false, true] {
        let store = directory();
        let path = store.path().join(LEDGER);
        let health = Arc::default();
        let ledger = open(&Files::default(), store.path(), &health).unwrap();
        let begun = begin(&ledger, 1).unwrap();
        let elsewhere = store.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        if replaced {
            fs::copy(&elsewhere, &path).unwrap();
        }
        let refused = begin(&ledger, 2).unwrap_err().to_string();
        assert!(refused.contains("removed, moved or replaced"), "{refused}");
        assert!(health.is_failed());
        ledger.end(begun, true).unwrap_err();
        drop(ledger);
        fs::rename(&elsewhere, &path).unwrap();
        let ledger = open(&Files::default(), store.path(), &Arc::default()).unwrap();
        assert_eq!(ledger.unfinished().unwrap().len(), 1);
    }
}

#[test]
fn a_damaged_ledger_is_reported_by_inspect_and_a_ledger_alone_is_no_store() {
    let store = directory();
    let files = Files::default();
    drop(Root::open(&files, store.path(), None).unwrap());
    let look = || {
        inspect(
            &files,
            store.path(),
            None,
            InspectOptions::default(),
            |_, _| {},
        )
    };
    drop(open(&files, store.path(), &Arc::default()).unwrap());
    assert!(look().unwrap().damaged.is_empty());
    // Another process may be writing a line.
    let path = store.path().join(LEDGER);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"entry\":1"].concat()).unwrap();
    assert!(look().unwrap().damaged.is_empty());
    fs::write(&path, [&whole[..], b"{\"entry\":1}\n"].concat()).unwrap();
    let damaged = look().unwrap().damaged;
    assert!(
        damaged.len() == 1 && damaged[0].contains("LEDGER cannot be read"),
        "{damaged:?}"
    );

    let other = directory();
    fs::write(other.path().join(LEDGER), whole).unwrap();
    let refused = Root::open(&files, other.path(), None)
        .err()
        .unwrap()
        .to_string();
    assert!(
        refused.contains("holds LEDGER and no file STORE"),
        "{refused}"
    );
}
