//! A full disk.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use vectorizer_native::{
    error::Error,
    storage::{Files, Fsync, Interruption, Operation},
};

use crate::script::*;

/// The total size of all files in a directory.
pub fn used(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let sizes = entries.map(|entry| match entry.path() {
        directory if directory.is_dir() => used(&directory),
        _ => entry.metadata().unwrap().len(),
    });
    sizes.sum()
}

/// Files on a disk of the given capacity.
pub fn on_disk_of(path: &Path, capacity: &Arc<AtomicU64>) -> Files {
    let (path, capacity) = (path.to_owned(), capacity.clone());
    Files::interrupted_by(move |operation| {
        let Operation::Write(file, at, bytes) = operation else {
            return None;
        };
        let size = fs::metadata(file).unwrap().len();
        let more = (at + bytes.len() as u64).saturating_sub(size);
        let fits = more == 0 || used(&path) + more <= capacity.load(Ordering::SeqCst);
        (!fits).then_some(Interruption::Half(28))
    })
}

struct Full {
    session: Session,
    model: Model,
    capacity: Arc<AtomicU64>,
    store: tempfile::TempDir,
    backups: tempfile::TempDir,
    fsync: Fsync,
}

fn put(name: &'static str, range: std::ops::Range<u32>) -> Op {
    Op::Put(name, range.map(|n| (n, n)).collect())
}

impl Full {
    /// A store of two collections on a disk that has just become full.
    fn new(fsync: Fsync) -> Self {
        let (store, backups) = (directory(), directory());
        let capacity = Arc::new(AtomicU64::new(u64::MAX));
        let files = on_disk_of(store.path(), &capacity);
        let session = Session::open(&files, store.path(), fsync, backups.path()).unwrap();
        let mut full = Self {
            session,
            model: Model::default(),
            capacity,
            store,
            backups,
            fsync,
        };
        for op in [
            Op::Create("first"),
            put("first", 0..400),
            Op::Create("second"),
            put("second", 1000..1400),
        ] {
            full.does(op);
        }
        full.leave(0);
        full
    }

    /// Leaves this much space on the disk.
    fn leave(&self, room: u64) {
        let capacity = used(self.store.path()) + room;
        self.capacity.store(capacity, Ordering::SeqCst);
    }

    fn does(&mut self, op: Op) {
        self.session
            .apply(&op)
            .unwrap_or_else(|error| panic!("{op:?}: {error}"));
        self.model.apply(&op);
    }

    /// Checks that an operation fails for lack of space, with no other consequences.
    fn refuses(&self, op: Op) {
        let log = |name| fs::read(self.store.path().join(name)).unwrap();
        let logs = ["collection-1/log.1", "collection-2/log.1"];
        let before = logs.map(log);
        match self.session.apply(&op) {
            Err(Error::Storage(message)) => assert!(
                message.contains("free some space") && !message.contains("read-only"),
                "{op:?}: {message}"
            ),
            other => panic!("{op:?}: {other:?}"),
        }
        assert!(before == logs.map(log), "{op:?}");
        assert_eq!(self.session.difference(&self.model), None, "{op:?}");
    }

    fn is_as_expected(&self) {
        assert_eq!(self.session.difference(&self.model), None);
        let gone = self.model.gone(&Model::default());
        assert_eq!(residues(self.store.path(), &gone), Vec::<String>::new());
    }

    fn reopen(self) -> Self {
        self.session.close().unwrap();
        let files = on_disk_of(self.store.path(), &self.capacity);
        let path = self.store.path();
        let session = Session::open(&files, path, self.fsync, self.backups.path()).unwrap();
        Self { session, ..self }
    }
}

const MODES: [Fsync; 2] = [Fsync::Always, Fsync::No];

#[test]
fn what_finds_no_room_leaves_the_store_as_it_was() {
    for fsync in MODES {
        let full = Full::new(fsync);
        for room in [0, 50, 100, 5000] {
            full.leave(room);
            full.refuses(put("first", 2000..2200));
            full.refuses(Op::Create("third"));
            assert_eq!(fs::read_dir(full.store.path()).unwrap().count(), 6);
        }
        full.leave(0);
        full.refuses(Op::Data("first", 3, 203));
        full.refuses(Op::Metadata("first", 4, 204));
        let mut full = full.reopen();
        full.refuses(Op::Data("first", 3, 203));
        full.leave(1 << 20);
        full.does(Op::Data("first", 3, 203));
        full.does(Op::Create("third"));
        full.is_as_expected();
    }
}

#[test]
fn on_a_disk_that_is_full_everything_can_be_deleted() {
    for fsync in MODES {
        let mut full = Full::new(fsync);
        for id in 0..200 {
            full.does(Op::DeleteOne("first", id));
        }
        full.is_as_expected();
        let mut full = full.reopen();
        full.does(Op::DeleteMany("first", (200..300).collect()));
        full.does(Op::DeleteMatching("second", 2));
        full.refuses(put("first", 2000..2001));
        full.is_as_expected();
        full.does(Op::DeleteMatching("first", 1));
        full.does(Op::Drop("second"));
        full.does(put("first", 2000..2001));
        full.does(Op::DeleteMany("first", (300..400).chain([2000]).collect()));
        full.reopen().is_as_expected();
    }
}

#[test]
fn on_a_disk_that_is_full_the_room_of_deleted_vectors_can_be_had_back() {
    let mut full = Full::new(Fsync::No);
    full.refuses(put("first", 2000..2200));
    full.does(Op::DeleteMany("first", (0..390).collect()));
    let before = used(full.store.path());
    full.does(Op::Optimize("first"));
    assert!(used(full.store.path()) < before);
    full.does(put("first", 2000..2200));
    full.reopen().is_as_expected();
}

#[test]
fn inserts_wait_until_what_deletes_have_used_is_there_again() {
    let mut full = Full::new(Fsync::No);
    let reserve = full.store.path().join("RESERVE");
    let size = || fs::metadata(&reserve).unwrap().len();
    let whole = size();
    full.does(Op::DeleteOne("first", 1));
    let used = whole - size();
    assert!(used > 0);
    for room in [0, used / 2] {
        full.leave(room);
        full.refuses(put("first", 2000..2001));
    }
    full.leave(1 << 20);
    full.does(put("first", 2000..2001));
    assert_eq!(size(), whole);
}

#[test]
fn a_store_on_a_disk_without_room_for_a_reserve_is_made_and_refuses_inserts() {
    let (store, backups) = (directory(), directory());
    let capacity = Arc::new(AtomicU64::new(100_000));
    let files = on_disk_of(store.path(), &capacity);
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    session.apply(&Op::Create("first")).unwrap();
    let refused = session.apply(&put("first", 0..1));
    assert!(matches!(refused, Err(Error::Storage(message)) if message.contains("RESERVE")));
    capacity.store(u64::MAX, Ordering::SeqCst);
    session.apply(&put("first", 0..1)).unwrap();
    session.close().unwrap();
}
