//! Failures while a backup is created or restored, and the leftovers of backups whose processes
//! have ended.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use vectorizer_native::{
    client::restore_backup,
    collection::dimension_of,
    error::Error,
    storage::{Backup, Files, Fsync, Interruption, Operation, Source, restore},
};

use crate::script::*;

fn names(path: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(path).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}

/// Files whose changes are counted, and of which one fails.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn files(&self, fails: Option<(usize, Interruption)>) -> Files {
        let count = self.0.clone();
        Files::interrupted_by(move |_| {
            let now = count.fetch_add(1, Ordering::SeqCst);
            fails.and_then(|(at, how)| (at == now).then_some(how))
        })
    }

    /// Runs `act` repeatedly, with each change failing in turn, in every possible way.
    fn each_failing(&self, mut act: impl FnMut(Files, &str)) {
        let changes = self.0.swap(0, Ordering::SeqCst);
        assert!(changes > 5);
        for at in 0..changes {
            for code in [28, 5, 24] {
                for how in [
                    Interruption::Before(code),
                    Interruption::Half(code),
                    Interruption::After(code),
                ] {
                    self.0.store(0, Ordering::SeqCst);
                    act(
                        self.files(Some((at, how))),
                        &format!("change {at}, {how:?}"),
                    );
                }
            }
        }
    }
}

fn script() -> Vec<Op> {
    let bulk = |from: u32, to: u32| (from..to).map(|n| (n, n)).collect();
    vec![
        Op::Create("first"),
        Op::Put("first", bulk(0, 24)),
        Op::Create("second"),
        Op::Put("second", bulk(100, 103)),
        Op::DeleteOne("first", 7),
    ]
}

/// A store, with an open session.
fn opened(path: &Path, backups: &Path) -> (Session, Model) {
    let session = Session::open(&Files::default(), path, Fsync::No, backups).unwrap();
    let mut model = Model::default();
    for op in script() {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    (session, model)
}

fn back_up(session: &Session, files: &Files, path: &Path) -> Result<(), Error> {
    let mut backup = Backup::create(files, path, None, false)?;
    for collection in session.call().collections() {
        collection.back_up(&mut backup, &mut |_| ())?;
    }
    backup.finish().map(drop)
}

#[test]
fn a_backup_of_which_any_change_fails_leaves_nothing() {
    let (store, backups) = (directory(), directory());
    let (session, model) = opened(store.path(), backups.path());
    let counted = Counted::default();
    let target = backups.path().join("one");
    back_up(&session, &counted.files(None), &target).unwrap();
    fs::remove_file(&target).unwrap();
    counted.each_failing(|files, what| {
        let failed = back_up(&session, &files, &target);
        assert!(matches!(failed, Err(Error::Storage(_))), "{what}");
        assert_eq!(names(backups.path()), BTreeSet::new(), "{what}");
    });
    assert_eq!(session.difference(&model), None);
    session.apply(&Op::DeleteOne("first", 8)).unwrap();
    session.close().unwrap();
}

#[test]
fn what_a_backup_is_a_copy_of_is_on_disk_before_the_backup_is_there() {
    let (store, backups) = (directory(), directory());
    let done: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = done.clone();
    let files = Files::interrupted_by(move |operation| {
        let (what, path) = match operation {
            Operation::Sync(path) => ("sync", path),
            Operation::Rename(_, path) => ("rename to", path),
            _ => return None,
        };
        let name = path.file_name()?.to_string_lossy().into_owned();
        noted.lock().unwrap().push(format!("{what} {name}"));
        None
    });
    let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
    for op in script() {
        session.apply(&op).unwrap();
    }
    done.lock().unwrap().clear();
    back_up(&session, &files, &backups.path().join("one")).unwrap();
    let done = std::mem::take(&mut *done.lock().unwrap());
    let end = done.iter().position(|one| one == "rename to one").unwrap();
    // Once for each collection, before the log itself.
    let synced = done[..end].iter().filter(|one| *one == "sync keys.1");
    assert_eq!(synced.count(), 2, "{done:?}");
    session.close().unwrap();
}

#[test]
fn a_restoration_of_which_any_change_fails_leaves_nothing() {
    let (store, backups) = (directory(), directory());
    let (session, model) = opened(store.path(), backups.path());
    let backup = backups.path().join("one");
    back_up(&session, &Files::default(), &backup).unwrap();
    session.close().unwrap();
    let targets = directory();
    let target = targets.path().join("store");
    let counted = Counted::default();
    let to = |files: Files| {
        restore(
            &files,
            &backup,
            &target,
            Source::default(),
            None,
            dimension_of,
            |_, _| (),
        )
    };
    to(counted.files(None)).unwrap();
    fs::remove_dir_all(&target).unwrap();
    counted.each_failing(|files, what| {
        assert!(matches!(to(files), Err(Error::Storage(_))), "{what}");
        assert_eq!(names(targets.path()), BTreeSet::new(), "{what}");
    });
    // An existing directory is kept.
    fs::create_dir_all(target.join("lost+found")).unwrap();
    let before = names(&target);
    counted.0.store(0, Ordering::SeqCst);
    assert!(to(counted.files(Some((9, Interruption::Before(28))))).is_err());
    assert_eq!(names(&target), before);
    to(Files::default()).unwrap();
    let session = Session::open(&Files::default(), &target, Fsync::No, backups.path()).unwrap();
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}

#[test]
fn what_ended_processes_left_of_backups_is_removed_and_nothing_else() {
    let (store, backups) = (directory(), directory());
    let (session, _) = opened(store.path(), backups.path());
    let path = backups.path();
    // A backup in progress, and a copy of it that no process is writing any more.
    let mut backup = Backup::create(&Files::default(), &path.join("living"), None, false).unwrap();
    let [living] = Vec::from_iter(names(path)).try_into().unwrap();
    for collection in session.call().collections() {
        collection.back_up(&mut backup, &mut |_| ()).unwrap();
    }
    let part = fs::read(path.join(&living)).unwrap();
    let dead = living.replace("living", "dead");
    let wiped = living.replace("living", "wiped");
    fs::write(path.join(&dead), &part).unwrap();
    fs::write(path.join(&wiped), vec![0; part.len()]).unwrap();
    let strangers = [
        "film.part".to_owned(),
        "notes.0123456789abcdef0123456789abcdef.part".to_owned(),
        living.replace(".part", ".partly"),
    ];
    for stranger in &strangers {
        fs::write(
            path.join(stranger),
            "not ours, and long enough to be a file",
        )
        .unwrap();
    }

    let mut next = Backup::create(&Files::default(), &path.join("next"), None, false).unwrap();
    for collection in session.call().collections() {
        collection.back_up(&mut next, &mut |_| ()).unwrap();
    }
    let next = next.finish().unwrap();
    assert_eq!(next.leftovers, [path.join(&dead), path.join(&wiped)]);
    assert_eq!(backup.finish().unwrap().leftovers, Vec::<&Path>::new());
    let mut expected = BTreeSet::from(strangers);
    expected.extend(["living".to_owned(), "next".to_owned()]);
    assert_eq!(names(path), expected);
    session.close().unwrap();
    for file in ["living", "next"] {
        let target = directory();
        let to = target.path().join("store");
        restore_backup(
            &path.join(file),
            &to,
            Source::default(),
            None,
            &mut |_, _| (),
        )
        .unwrap();
    }
}
