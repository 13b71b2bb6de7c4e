//! Power failures: of what was not synced, any part may or may not be on disk.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use vectorizer_native::{
    error::Result,
    storage::{Files, Fsync, Operation},
};

use crate::{erasures, script::*, support::Random};

const PAGE: usize = 4096;

/// A change, with paths relative to the store.
#[derive(Debug, Clone)]
pub enum Change {
    Create(PathBuf),
    CreateDirectory(PathBuf),
    Write(PathBuf, u64, Vec<u8>),
    Truncate(PathBuf, u64),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

pub fn record(root: &Path, operation: Operation<'_>) -> Option<Change> {
    let inside = |path: &Path| path.strip_prefix(root).ok().map(Path::to_owned);
    Some(match operation {
        Operation::Create(path) => Change::Create(inside(path)?),
        Operation::CreateDirectory(path) => Change::CreateDirectory(inside(path)?),
        Operation::Write(path, at, bytes) => Change::Write(inside(path)?, at, bytes.to_vec()),
        Operation::Truncate(path, len) => Change::Truncate(inside(path)?, len),
        Operation::Sync(path) => Change::Sync(inside(path)?),
        Operation::Rename(from, to) => Change::Rename(inside(from)?, inside(to)?),
        Operation::Remove(path) => Change::Remove(inside(path)?),
    })
}

/// A simulated disk that keeps what was synced and some of the rest.
#[derive(Default)]
struct Disk {
    contents: Vec<Vec<u8>>,
    pending: Vec<Vec<(u64, Vec<u8>)>>,
    /// Names, as they are now and as they are on disk.
    names: HashMap<PathBuf, usize>,
    directories: Vec<PathBuf>,
    /// Changes to names since the last sync of their directory.
    unsynced: Vec<Change>,
    synced_names: HashMap<PathBuf, usize>,
    synced_directories: Vec<PathBuf>,
}

impl Disk {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Write(path, at, bytes) => {
                let file = self.names[path];
                for (page, bytes) in pages(*at, bytes) {
                    self.pending[file].push((page, bytes));
                }
            }
            Change::Truncate(path, len) => {
                let file = self.names[path];
                self.settle(file);
                self.contents[file].truncate(*len as usize);
            }
            Change::Sync(path) => match self.names.get(path) {
                Some(&file) => self.settle(file),
                None => {
                    self.unsynced.clear();
                    self.synced_names.clone_from(&self.names);
                    self.synced_directories.clone_from(&self.directories);
                }
            },
            change => {
                if let Change::Create(path) = change {
                    self.names.insert(path.clone(), self.contents.len());
                    self.contents.push(Vec::new());
                    self.pending.push(Vec::new());
                }
                let file = |path: &PathBuf| self.names[path];
                let made = match change {
                    Change::Create(path) => Some(file(path)),
                    _ => None,
                };
                rename(&mut self.names, &mut self.directories, change, made);
                self.unsynced.push(change.clone());
            }
        }
    }

    fn settle(&mut self, file: usize) {
        for (at, bytes) in std::mem::take(&mut self.pending[file]) {
            put(&mut self.contents[file], at, &bytes);
        }
    }

    /// The contents of the disk if the power fails now.
    fn lose_power(&self, random: &mut Random, to: &Path) {
        let mut contents = self.contents.clone();
        for (content, pending) in contents.iter_mut().zip(&self.pending) {
            // From none to all of it, both more often than by chance.
            let share = [0, 1, 2, 3, 4][random.below(5)];
            for (at, bytes) in pending {
                if random.below(4) < share {
                    put(content, *at, bytes);
                }
            }
        }
        // File systems keep the order of changes to names.
        let mut names = self.synced_names.clone();
        let mut directories = self.synced_directories.clone();
        let kept = random.below(self.unsynced.len() + 1);
        let mut all = self.names.clone();
        for change in &self.unsynced {
            if let Change::Rename(from, to) = change
                && let Some(&file) = self.names.get(to)
            {
                all.insert(from.clone(), file);
            }
        }
        for change in &self.unsynced[..kept] {
            let made = match change {
                Change::Create(path) => all.get(path).copied(),
                _ => None,
            };
            rename(&mut names, &mut directories, change, made);
        }
        for directory in &directories {
            fs::create_dir_all(to.join(directory)).unwrap();
        }
        for (name, file) in names {
            fs::create_dir_all(to.join(&name).parent().unwrap()).unwrap();
            fs::write(to.join(name), &contents[file]).unwrap();
        }
    }
}

/// Applies a change to names; `made` is the file with a new name.
fn rename(
    names: &mut HashMap<PathBuf, usize>,
    directories: &mut Vec<PathBuf>,
    change: &Change,
    made: Option<usize>,
) {
    match change {
        Change::Create(path) => {
            if let Some(file) = made {
                names.insert(path.clone(), file);
            }
        }
        Change::CreateDirectory(path) => directories.push(path.clone()),
        Change::Remove(path) => {
            names.remove(path);
            directories.retain(|other| other != path);
        }
        Change::Rename(from, to) => {
            let moved = |path: &Path| Some(to.join(path.strip_prefix(from).ok()?));
            for directory in directories.iter_mut() {
                if let Some(moved) = moved(directory) {
                    *directory = moved.components().collect();
                }
            }
            let all: Vec<PathBuf> = names.keys().cloned().collect();
            for path in all {
                if let Some(moved) = moved(&path) {
                    let file = names.remove(&path).unwrap();
                    names.insert(moved.components().collect(), file);
                }
            }
        }
        Change::Write(..) | Change::Truncate(..) | Change::Sync(_) => {}
    }
}

fn put(content: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let end = at as usize + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at as usize..end].copy_from_slice(bytes);
}

/// The pages of a write, each of which reaches the disk independently.
fn pages(at: u64, bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut pages = Vec::new();
    let mut rest = bytes;
    let mut at = at;
    while !rest.is_empty() {
        let len = (PAGE - at as usize % PAGE).min(rest.len());
        pages.push((at, rest[..len].to_vec()));
        rest = &rest[len..];
        at += len as u64;
    }
    pages
}

/// The changes that a script makes, and how many there were after each operation.
fn recorded(fsync: Fsync, script: &[Op]) -> (Vec<Change>, Vec<usize>) {
    recorded_with(script, |files, path, backups| {
        Session::open(files, path, fsync, backups)
    })
}

fn recorded_with(
    script: &[Op],
    open: impl Fn(&Files, &Path, &Path) -> Result<Session>,
) -> (Vec<Change>, Vec<usize>) {
    let (store, backups) = (directory(), directory());
    let root = store.path().canonicalize().unwrap();
    let changes: Arc<Mutex<Vec<Change>>> = Arc::default();
    let recording = changes.clone();
    let inside = root.clone();
    let files = Files::interrupted_by(move |operation| {
        recording.lock().unwrap().extend(record(&inside, operation));
        None
    });
    let session = open(&files, &root, backups.path()).unwrap();
    let mut ends = Vec::new();
    for op in script {
        session.apply(op).unwrap();
        ends.push(changes.lock().unwrap().len());
    }
    session.close().unwrap();
    let changes = changes.lock().unwrap().clone();
    (changes, ends)
}

/// The power fails after each change from this one on, this many times. `check` is given the number of
/// changes, what to say of it, the directory as it is then, and its store.
pub fn each_failure(
    changes: &[Change],
    from: usize,
    (times, fsync): (usize, Fsync),
    random: &mut Random,
    mut check: impl FnMut(usize, &str, &Path, Session),
) {
    let mut disk = Disk::default();
    for (at, change) in changes.iter().enumerate() {
        disk.change(change);
        if at < from {
            continue;
        }
        let context = format!("{fsync:?}, change {at}, {change:?}");
        let context = &context[..context.len().min(300)];
        for _ in 0..times {
            let (image, backups) = (directory(), directory());
            disk.lose_power(random, image.path());
            let files = Files::default().with_boot_id(u128::from(random.next()));
            // A ledger is kept without asking for it.
            let session = Session::open(&files, image.path(), fsync, backups.path());
            let session = session.unwrap_or_else(|error| panic!("{context}: {error}"));
            check(at + 1, context, image.path(), session);
        }
    }
}

fn script() -> Vec<Op> {
    let bulk = |from: u32, to: u32| (from..to).map(|n| (n, n)).collect();
    let mut script = vec![
        Op::Create("first"),
        Op::Put("first", bulk(0, 60)),
        Op::Put("first", vec![(60, 60)]),
        Op::DeleteOne("first", 7),
        Op::DeleteMany("first", (10..40).collect()),
        Op::Data("first", 3, 203),
        Op::Metadata("first", 4, 204),
        Op::Put("first", vec![(5, 305), (61, 306), (6, 307)]),
        Op::Optimize("first"),
        Op::Rotate,
        Op::DeleteMatching("first", 2),
        Op::Create("second"),
        Op::Put("second", bulk(100, 103)),
        Op::Flush,
        Op::DeleteOne("first", 9),
        Op::Put("first", bulk(400, 420)),
        Op::Drop("second"),
    ];
    script.extend((400..410).map(|id| Op::DeleteOne("first", id)));
    script
}

#[test]
fn a_store_that_syncs_always_keeps_all_that_was_acknowledged_when_the_power_goes() {
    let script = script();
    let (changes, ends) = recorded(Fsync::Always, &script);
    let mut random = Random(7);
    let mut disk = Disk::default();
    for (at, change) in changes.iter().enumerate() {
        disk.change(change);
        for _ in 0..3 {
            let (image, backups) = (directory(), directory());
            disk.lose_power(&mut random, image.path());
            let acknowledged = ends.iter().filter(|&&end| end <= at + 1).count();
            let mut model = Model::default();
            for op in &script[..acknowledged] {
                model.apply(op);
            }
            let mut next = model.clone();
            if let Some(op) = script.get(acknowledged) {
                next.apply(op);
            }
            if acknowledged == 0 && !image.path().join("STORE").exists() {
                continue;
            }
            let files = Files::default().with_boot_id(u128::from(random.next()));
            let context = format!("change {at}, {change:?}, {acknowledged} acknowledged");
            let context = &context[..context.len().min(300)];
            let session = Session::open(&files, image.path(), Fsync::Always, backups.path());
            let session = session.unwrap_or_else(|error| panic!("{context}: {error}"));
            let mut found = &model;
            if let Some(difference) = session.difference(&model) {
                let other = session.difference(&next);
                assert_eq!(other, None, "{context}: and {difference}");
                found = &next;
            }
            let left = residues(image.path(), &found.gone(&next));
            assert!(left.is_empty(), "{context}: {left:?}");
            session.close().unwrap();
        }
    }
}

#[test]
fn a_store_that_does_not_sync_opens_with_whole_vectors_when_the_power_goes() {
    let script = script();
    let (changes, ends) = recorded(Fsync::No, &script);
    // Names are synced here: this tests the contents of the log.
    let flushed = script
        .iter()
        .position(|op| matches!(op, Op::Flush))
        .unwrap();
    let mut random = Random(8);
    let mut disk = Disk::default();
    for (at, change) in changes.iter().enumerate() {
        disk.change(change);
        disk.change(&Change::Sync(PathBuf::new()));
        if at < ends[flushed] || at >= ends[15] && at < ends[16] {
            continue;
        }
        for _ in 0..6 {
            let (image, backups) = (directory(), directory());
            disk.lose_power(&mut random, image.path());
            let files = Files::default().with_boot_id(u128::from(random.next()));
            let session = Session::open(&files, image.path(), Fsync::No, backups.path());
            let session = session.unwrap_or_else(|error| panic!("change {at}: {error}"));
            let mut kept = Model::default();
            for op in &script[..flushed] {
                kept.apply(op);
            }
            let deleted_since = |id: u32| id == 9 || id >= 400;
            let collection = session.call().collection("first").unwrap();
            let page = collection.list(0, usize::MAX).unwrap();
            let stored: HashMap<String, _> = page
                .vectors
                .iter()
                .map(|item| (item.id.to_string(), item))
                .collect();
            for &(number, row_version, version, _) in &kept.collections["first"] {
                let Some(item) = stored.get(&id(number)) else {
                    assert!(deleted_since(number), "change {at}: {number} is lost");
                    continue;
                };
                assert_eq!(item.data, Some(row(row_version)), "change {at}");
                assert_eq!(item.metadata.as_deref(), Some(&*metadata(version)));
            }
            for number in 400..420 {
                if let Some(item) = stored.get(&id(number)) {
                    assert_eq!(item.data, Some(row(number)), "change {at}");
                    assert_eq!(item.metadata.as_deref(), Some(&*metadata(number)));
                }
            }
            session.close().unwrap();
        }
    }
}

#[test]
fn a_step_over_several_collections_is_whole_when_the_power_goes_whatever_else_is_synced() {
    let same = |from: u32, to: u32| (from..to).map(|n| (n, n)).collect();
    let mut script = ["first", "second", "third"].map(Op::Create).to_vec();
    script.extend([
        Op::Put("first", same(0, 40)),
        Op::Put("second", vec![(3, 103), (4, 104), (70, 170), (71, 171)]),
        Op::Put("third", same(200, 220)),
        Op::Flush,
    ]);
    let flushed = script.len() - 1;
    script.extend([
        Op::Move("first", "second", (0..20).collect(), false),
        Op::Move("first", "second", vec![3, 4, 30, 31], true),
        Op::Forget(1),
        Op::MoveMatching("second", "third", 2),
        Op::Forget(2),
        // Of one collection only.
        Op::MoveMatching("second", "first", 3),
        Op::Forget(3),
    ]);
    let (changes, ends) = recorded(Fsync::No, &script);
    let (from, how) = (ends[flushed], (6, Fsync::No));
    let mut random = Random(9);
    each_failure(
        &changes,
        from,
        how,
        &mut random,
        |done, context, image, session| {
            let acknowledged = ends.iter().filter(|&&end| end <= done).count();
            let mut model = Model::default();
            for op in &script[..acknowledged] {
                model.apply(op);
            }
            let mut next = model.clone();
            if let Some(op) = script.get(acknowledged) {
                next.apply(op);
            }
            let mut found = &model;
            if let Some(difference) = session.difference(&model) {
                let other = session.difference(&next);
                assert_eq!(other, None, "{context}: and {difference}");
                found = &next;
            }
            assert!(!image.join("PENDING").exists(), "{context}");
            session.close().unwrap();
            let left = residues(image, &found.gone(found));
            assert!(left.is_empty(), "{context}: {left:?}");
        },
    );
}

#[test]
fn a_ledger_says_exactly_what_is_erased_when_the_power_goes_whatever_else_is_synced() {
    let same = |from: u32, to: u32| (from..to).map(|n| (n, n)).collect();
    let mut script = ["first", "second", "third"].map(Op::Create).to_vec();
    script.extend([
        Op::Put("first", same(0, 30)),
        Op::Put("second", vec![(3, 103), (4, 104), (70, 170), (71, 171)]),
        Op::Flush,
    ]);
    let flushed = script.len() - 1;
    script.extend(erasures::steps());
    for fsync in [Fsync::No, Fsync::Always] {
        let (changes, ends) = recorded_with(&script, |files, path, backups| {
            Session::open_recorded(files, path, fsync, backups)
        });
        let mut random = Random(10);
        let (from, how) = (ends[flushed], (4, fsync));
        each_failure(
            &changes,
            from,
            how,
            &mut random,
            |done, context, image, session| {
                let acknowledged = ends.iter().filter(|&&end| end <= done).count();
                let (mut model, mut erased) = (Model::default(), Vec::new());
                for op in &script[..acknowledged] {
                    erased.extend(erasures::of(op, &mut model));
                }
                let (mut next, mut more) = (model.clone(), erased.clone());
                if let Some(op) = script.get(acknowledged) {
                    more.extend(erasures::of(op, &mut next));
                }
                if let Some(difference) = session.difference(&model) {
                    let other = session.difference(&next);
                    assert_eq!(other, None, "{context}: and {difference}");
                    erased = more;
                }
                session.close().unwrap();
                let ledger = erasures::read(image);
                let expected = erasures::sorted(&ledger, &erased);
                assert_eq!(ledger.erased(), expected, "{context}");
            },
        );
    }
}

#[test]
fn what_is_there_because_the_power_took_its_update_is_not_erased_in_the_ledger() {
    let mut script = vec![
        Op::Create("first"),
        Op::Create("second"),
        Op::Put("first", (0..20).map(|n| (n, n)).collect()),
        Op::Flush,
    ];
    let flushed = script.len() - 1;
    // Each erases what was on disk in another version, or not at all.
    script.extend([
        Op::Put("first", vec![(3, 303), (50, 550)]),
        Op::DeleteOne("first", 3),
        Op::Put("first", vec![(4, 404), (51, 551)]),
        Op::DeleteMany("first", vec![51, 4]),
        Op::Put("first", vec![(5, 505), (6, 606)]),
        Op::Move("first", "second", vec![5, 6], false),
        Op::Put("first", vec![(7, 707), (52, 552)]),
        Op::DeleteMatching("first", 1),
        Op::Put("first", vec![(8, 808)]),
        Op::Put("second", vec![(8, 818)]),
        Op::Forget(2),
    ]);
    let (changes, ends) = recorded_with(&script, |files, path, backups| {
        Session::open_recorded(files, path, Fsync::No, backups)
    });
    let mut random = Random(11);
    let (from, how) = (ends[flushed], (6, Fsync::No));
    each_failure(
        &changes,
        from,
        how,
        &mut random,
        |_, context, image, session| {
            let ids = |name| {
                let collection = session.call().collection(name).unwrap();
                let page = collection.list(0, usize::MAX).unwrap();
                let ids = page.vectors.iter().map(|item| item.id.to_string());
                ids.collect::<Vec<String>>()
            };
            let live = ["first", "second"].map(|name| (name, ids(name)));
            session.close().unwrap();
            let ledger = erasures::read(image);
            for (name, ids) in live {
                for number in 0..60 {
                    let is_there = ids.contains(&id(number));
                    let is_erased = ledger.has_erased(name, number);
                    assert!(!(is_there && is_erased), "{context}: {name}, {number}");
                    // What was flushed is there. An update that was not synced may be lost, with what it
                    // replaced.
                    if name == "first" && number < 20 && !(3..=8).contains(&number) {
                        assert!(is_there || is_erased, "{context}: {number} of {ids:?}");
                    }
                }
            }
        },
    );
}
