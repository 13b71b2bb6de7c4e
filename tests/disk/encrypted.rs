//! Stores and backups encrypted with the user's key, and key rotation.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use vectorizer_native::{
    client::{Call, restore_backup},
    collection::DeleteOptions,
    error::Error,
    storage::{Files, Fsync, KEY, Key, Operation, Source, UserKey},
};

use crate::{script::*, support::WAIT, thief};

fn user(number: u8) -> UserKey {
    UserKey {
        key: Key::from([number; KEY]),
        wrapped: Vec::new(),
    }
}

fn by(user: Option<&UserKey>) -> Source<'_> {
    Source {
        user,
        ..Source::default()
    }
}

/// The moments of a rotation at which it does not hold the collection's lock.
fn unlocked_moment(operation: Operation<'_>) -> Option<&'static str> {
    match operation {
        Operation::Sync(path) if path.ends_with("keys.1.new") => Some("copied"),
        Operation::Write(path, 0, _) if path.ends_with("keys.1.old") => Some("wiping"),
        Operation::Remove(path) if path.ends_with("keys.1.old") => Some("wiped"),
        _ => None,
    }
}

fn bulk(from: u32, to: u32) -> Vec<(u32, u32)> {
    (from..to).map(|n| (n, n)).collect()
}

fn open(path: &Path, backups: &Path, user: Option<&UserKey>) -> Result<Session, Error> {
    Session::open_with(&Files::default(), path, Fsync::No, backups, user)
}

/// Everything a model has ever contained, as if it had been deleted.
fn everything(model: &Model) -> Vec<(String, Vec<u8>)> {
    Model::default().gone(model)
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let target = to.join(entry.file_name().unwrap());
        match entry.is_dir() {
            true => copy(&entry, &target),
            false => drop(fs::copy(&entry, target).unwrap()),
        }
    }
}

/// The files that give access to sealed data: keyrings and key tables.
fn keys_of(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.file_name().unwrap().to_str().unwrap();
        if entry.is_dir() {
            found.extend(keys_of(&entry));
        } else if name.starts_with("KEYRING") || name.starts_with("keys.") {
            found.push(entry);
        }
    }
    found
}

fn filled(session: &Session) -> Model {
    let mut model = Model::default();
    for op in [
        Op::Create("things"),
        Op::Put("things", bulk(0, 1500)),
        Op::Optimize("things"),
        Op::Create("others"),
        Op::Put("others", bulk(5000, 5010)),
        Op::DeleteMany("things", (0..10).collect()),
    ] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    model
}

#[test]
fn of_an_encrypted_store_and_its_backups_nothing_can_be_read_without_the_key() {
    let (store, backups) = (directory(), directory());
    let session = open(store.path(), backups.path(), Some(&user(1))).unwrap();
    let model = filled(&session);
    session.apply(&Op::BackUp).unwrap();
    session
        .apply(&Op::BackUpAndDelete("things", (20..30).collect()))
        .unwrap();
    session.close().unwrap();
    let mut needles = everything(&model);
    for name in ["things", "others", "rest", "marker", "euclidean"] {
        needles.push((name.into(), name.as_bytes().to_vec()));
    }
    for path in [store.path(), backups.path()] {
        assert_eq!(residues(path, &needles), Vec::<String>::new());
    }
}

#[test]
fn a_missing_or_another_key_is_refused_and_changes_nothing() {
    let (store, backups) = (directory(), directory());
    let root = store.path().canonicalize().unwrap();
    let session = open(&root, backups.path(), Some(&user(1))).unwrap();
    let model = filled(&session);
    session.apply(&Op::BackUp).unwrap();
    // While it is open, the same holds for other clients in this process.
    for other in [None, Some(user(2))] {
        let refused = open(&root, backups.path(), other.as_ref()).err();
        assert!(matches!(refused, Some(Error::Encryption(_))), "{refused:?}");
    }
    let second = open(&root, backups.path(), Some(&user(1))).unwrap();
    assert_eq!(second.difference(&model), None);
    second.close().unwrap();
    session.close().unwrap();
    let image = |path: &Path| {
        let read =
            |(path, bytes): (PathBuf, Vec<u8>)| (!path.ends_with("LOCK")).then_some((path, bytes));
        let files = thief::all(path).into_iter().filter_map(read);
        files.collect::<BTreeMap<_, _>>()
    };
    let before = image(&root);
    let backup = backups.path().join("0.vecbak");
    let target = backups.path().join("restored");
    for other in [None, Some(user(2))] {
        let refused = open(&root, backups.path(), other.as_ref()).err();
        let Some(Error::Encryption(message)) = refused else {
            panic!("{refused:?}");
        };
        assert!(message.contains("KEYRING"), "{message}");
        assert!(image(&root) == before);
        let refused = restore_backup(&backup, &target, by(other.as_ref()), None, &mut |_, _| ());
        assert!(matches!(refused, Err(Error::Encryption(_))), "{refused:?}");
        assert!(!target.exists());
    }
    restore_backup(&backup, &target, by(Some(&user(1))), None, &mut |_, _| ()).unwrap();
    for path in [&root, &target] {
        let session = open(path, backups.path(), Some(&user(1))).unwrap();
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
    }
    // And a store that is not encrypted is reported as such.
    let plain = directory();
    open(plain.path(), backups.path(), None)
        .unwrap()
        .close()
        .unwrap();
    let refused = open(plain.path(), backups.path(), Some(&user(1))).err();
    assert!(matches!(refused, Some(Error::Encryption(_))), "{refused:?}");
}

#[test]
fn rotating_keys_gives_a_store_another_key_of_the_user_s_or_the_first() {
    let (store, backups) = (directory(), directory());
    let root = store.path().canonicalize().unwrap();
    let session = open(&root, backups.path(), None).unwrap();
    let model = filled(&session);
    let mut last = None;
    for number in [1, 2] {
        let call = session.call();
        call.rotate_keys(Some(user(number)), &mut |progress| {
            assert!(progress.done <= progress.total);
            last = Some(progress);
        })
        .unwrap();
        let last = last.take().unwrap();
        assert_eq!(last.done, last.total);
        assert_eq!(session.difference(&model), None);
    }
    session.close().unwrap();
    assert_eq!(residues(&root, &everything(&model)), Vec::<String>::new());
    for other in [None, Some(user(1))] {
        let refused = open(&root, backups.path(), other.as_ref()).err();
        assert!(matches!(refused, Some(Error::Encryption(_))), "{refused:?}");
    }
    let session = open(&root, backups.path(), Some(&user(2))).unwrap();
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}

#[test]
fn copies_of_the_keys_from_before_a_rotation_open_nothing_that_is_stored_after_it() {
    let (store, backups, old) = (directory(), directory(), directory());
    let root = store.path().canonicalize().unwrap();
    let session = open(&root, backups.path(), None).unwrap();
    let mut model = filled(&session);
    copy(&root, old.path());
    session.apply(&Op::Rotate).unwrap();
    let before = model.clone();
    for op in [
        Op::Put("things", bulk(9000, 9010)),
        Op::DeleteMany("things", (9000..9005).collect()),
    ] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    session.close().unwrap();
    // The current store, with the old keyrings and key tables.
    for file in keys_of(&root) {
        fs::remove_file(file).unwrap();
    }
    for file in keys_of(old.path()) {
        fs::copy(&file, root.join(file.strip_prefix(old.path()).unwrap())).unwrap();
    }
    let since = model
        .gone(&Model::default())
        .into_iter()
        .chain(everything(&model));
    let known = everything(&before);
    let since: Vec<_> = since.filter(|what| !known.contains(what)).collect();
    assert!(since.len() >= 40);
    assert_eq!(residues(&root, &since), Vec::<String>::new());
}

#[test]
fn what_is_deleted_or_inserted_while_keys_are_rotated_is_so_under_both_keys() {
    for fsync in [Fsync::Always, Fsync::No] {
        let (store, backups) = (directory(), directory());
        let path = store.path().canonicalize().unwrap();
        let model = Arc::new(Mutex::new(Model::default()));
        let call: Arc<Mutex<Option<Call>>> = Arc::default();
        let seen: Arc<Mutex<Vec<&'static str>>> = Arc::default();
        let (inner, model2, call2, seen2) =
            (path.clone(), model.clone(), call.clone(), seen.clone());
        let files = Files::interrupted_by(move |operation| {
            let moment = unlocked_moment(operation)?;
            if let Ok(call) = call2.try_lock()
                && let Some(call) = &*call
                && !seen2.lock().unwrap().contains(&moment)
            {
                seen2.lock().unwrap().push(moment);
                let collection = call.collection("things").unwrap();
                let from = 100 + 100 * moment.len() as u32;
                let numbers: Vec<u32> = (from..from + 20).collect();
                let ids: Vec<String> = numbers.iter().copied().map(id).collect();
                let plain = DeleteOptions::default();
                collection.delete_many(WAIT, &ids, &plain).unwrap();
                let mut model = model2.lock().unwrap();
                model.apply(&Op::DeleteMany("things", numbers));
                let left = residues(&inner, &model.gone(&Model::default()));
                assert_eq!(left, Vec::<String>::new(), "{moment}");
                assert_eq!(collection.verify_erased(&ids).unwrap(), []);
            }
            None
        });
        let session = Session::open(&files, &path, fsync, backups.path()).unwrap();
        for op in [Op::Create("things"), Op::Put("things", bulk(0, 3000))] {
            session.apply(&op).unwrap();
            model.lock().unwrap().apply(&op);
        }
        *call.lock().unwrap() = Some(session.call());
        session.apply(&Op::Rotate).unwrap();
        *call.lock().unwrap() = None;
        assert_eq!(*seen.lock().unwrap(), ["copied", "wiping", "wiped"]);
        let mut model = model.lock().unwrap().clone();
        let more = Op::Put("things", bulk(9000, 9010));
        session.apply(&more).unwrap();
        model.apply(&more);
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
        let session = Session::open(&Files::default(), &path, fsync, backups.path()).unwrap();
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
        let left = residues(&path, &model.gone(&Model::default()));
        assert_eq!(left, Vec::<String>::new());
    }
}

#[test]
fn a_collection_may_be_deleted_while_its_keys_are_rotated() {
    for moment in ["copied", "wiping", "wiped"] {
        let (store, backups) = (directory(), directory());
        let path = store.path().canonicalize().unwrap();
        let call: Arc<Mutex<Option<Call>>> = Arc::default();
        let call2 = call.clone();
        let files = Files::interrupted_by(move |operation| {
            if unlocked_moment(operation)? == moment
                && let Ok(mut call) = call2.try_lock()
                && let Some(call) = call.take()
            {
                drop(call.delete_collection(WAIT, "things", false, None).unwrap());
            }
            None
        });
        let session = Session::open(&files, &path, Fsync::No, backups.path()).unwrap();
        let mut model = Model::default();
        for op in [
            Op::Create("things"),
            Op::Put("things", bulk(0, 300)),
            Op::Create("others"),
            Op::Put("others", bulk(300, 310)),
        ] {
            session.apply(&op).unwrap();
            model.apply(&op);
        }
        *call.lock().unwrap() = Some(session.call());
        let rotated = session.apply(&Op::Rotate);
        assert!(rotated.is_ok(), "{moment}: {rotated:?}");
        assert!(call.lock().unwrap().is_none(), "{moment} never came");
        model.apply(&Op::Drop("things"));
        let more = Op::Put("others", bulk(9000, 9010));
        session.apply(&more).unwrap();
        model.apply(&more);
        assert_eq!(session.difference(&model), None, "{moment}");
        session.close().unwrap();
        let left = residues(&path, &model.gone(&Model::default()));
        assert_eq!(left, Vec::<String>::new(), "{moment}");
    }
}

#[test]
fn an_interrupted_rotation_goes_on_when_the_store_is_opened() {
    let (store, backups) = (directory(), directory());
    let path = store.path().canonicalize().unwrap();
    let stopped = Arc::new(Mutex::new(None));
    let stops = stopped.clone();
    let files = Files::interrupted_by(move |operation| {
        let mut stops = stops.lock().unwrap();
        // After the first collection.
        if let (Some(false), Operation::Create(path)) = (*stops, operation)
            && path.ends_with("collection-2/keys.1.new")
        {
            *stops = Some(true);
        }
        let is_stopped = *stops == Some(true);
        is_stopped.then_some(vectorizer_native::storage::Interruption::Before(5))
    });
    let session = Session::open(&files, &path, Fsync::No, backups.path()).unwrap();
    let model = filled(&session);
    let keyring = fs::read(path.join("KEYRING")).unwrap();
    *stopped.lock().unwrap() = Some(false);
    assert!(session.apply(&Op::Rotate).is_err());
    drop(session.close());
    // It contains two keys.
    let between = fs::read(path.join("KEYRING")).unwrap();
    assert!(between[84..144].iter().any(|&byte| byte != 0));
    let session = Session::open(&Files::default(), &path, Fsync::No, backups.path()).unwrap();
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
    let after = fs::read(path.join("KEYRING")).unwrap();
    assert!(after[84..144].iter().all(|&byte| byte == 0));
    assert!(after != keyring && after != between);
    let old = &keyring[36..36 + KEY];
    let is_old =
        |(file, bytes): (PathBuf, Vec<u8>)| memchr::memmem::find(&bytes, old).map(|_| file);
    assert_eq!(thief::all(&path).into_iter().find_map(is_old), None);
}

/// Checks that a restored store holds the model, without the vectors that have no key any more.
fn check_restored(path: &Path, model: &Model) {
    let backups = directory();
    let session = open(path, backups.path(), None).unwrap();
    assert_eq!(session.difference(model), None);
    session.close().unwrap();
}

#[test]
fn a_backup_with_its_keys_apart_brings_back_what_still_has_a_key_and_tells_how_many_have_not() {
    let (store, backups) = (directory(), directory());
    let root = store.path().canonicalize().unwrap();
    let session = open(&root, backups.path(), None).unwrap();
    let mut model = Model::default();
    for op in [
        Op::Create("things"),
        Op::Put("things", bulk(0, 1500)),
        Op::Create("others"),
        Op::Put("others", bulk(5000, 5010)),
        Op::DeleteMany("things", (0..10).collect()),
    ] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    let file = |name: &str| backups.path().join(name);
    session.call().export_keys(&file("before")).unwrap();
    session.apply(&Op::Put("things", bulk(1500, 1510))).unwrap();
    model.apply(&Op::Put("things", bulk(1500, 1510)));
    let target = file("monday");
    let made = session
        .call()
        .create_backup(&target, None, true, &mut |_| ())
        .unwrap();
    assert_eq!((made.backup.collections, made.backup.vectors), (2, 1510));
    assert_eq!(made.keys, Some(file("monday.keys")));
    // The backup alone cannot be read by anybody.
    let keys = fs::read(file("monday.keys")).unwrap();
    fs::remove_file(file("monday.keys")).unwrap();
    let left = residues(backups.path(), &everything(&model));
    assert_eq!(left, Vec::<String>::new());
    fs::write(file("monday.keys"), keys).unwrap();

    let restore = |number: usize, keys: Option<&Path>| {
        let to = file(&format!("restored-{number}"));
        let source = Source {
            keys,
            ..Source::default()
        };
        restore_backup(&target, &to, source, None, &mut |_, _| ()).map(|restored| (to, restored))
    };
    for (number, keys) in [file("monday.keys"), root.clone()].iter().enumerate() {
        let (to, restored) = restore(number, Some(keys)).unwrap();
        assert_eq!((restored.vectors, restored.erased), (1510, Some(0)));
        check_restored(&to, &model);
    }
    let of_monday = model.clone();
    for op in [
        Op::DeleteMany("things", (10..110).collect()),
        Op::Metadata("things", 200, 90_200),
        Op::Data("things", 201, 90_201),
        // None of these is in the backup.
        Op::Put("things", bulk(3000, 3010)),
        Op::Put("things", bulk(10, 12)),
        Op::Drop("others"),
        Op::Optimize("things"),
        Op::Rotate,
        Op::DeleteOne("things", 300),
    ] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    // One hundred and one were deleted, two changed, and ten were in a collection that is gone.
    let mut expected = of_monday;
    for op in [
        Op::DeleteMany("things", (10..110).chain([200, 201, 300]).collect()),
        Op::Drop("others"),
    ] {
        expected.apply(&op);
    }
    session.call().export_keys(&file("newest")).unwrap();
    for (number, keys) in [file("newest"), root.clone()].iter().enumerate() {
        let (to, restored) = restore(10 + number, Some(keys)).unwrap();
        assert_eq!((restored.vectors, restored.erased), (1397, Some(113)));
        assert_eq!(restored.collections, 1);
        check_restored(&to, &expected);
    }
    session.close().unwrap();
    // A closed store has the newest keys as well.
    check_restored(&restore(20, Some(&root)).unwrap().0, &expected);
    // Keys exported before the backup do not cover all of it.
    for keys in [None, Some(file("before"))] {
        let refused = restore(30, keys.as_deref()).err();
        assert!(matches!(refused, Some(Error::Encryption(_))), "{refused:?}");
        assert!(!file("restored-30").exists());
    }
    // The keys of another store open nothing.
    let other = directory();
    let session = open(other.path(), backups.path(), None).unwrap();
    session.apply(&Op::Create("things")).unwrap();
    session.close().unwrap();
    let (_, restored) = restore(40, Some(other.path())).unwrap();
    assert_eq!((restored.vectors, restored.erased), (0, Some(1510)));
}

#[test]
fn a_damaged_byte_of_a_backup_with_its_keys_apart_or_of_its_keys_is_noticed() {
    let (store, backups) = (directory(), directory());
    let session = open(store.path(), backups.path(), None).unwrap();
    for op in [
        Op::Create("things"),
        Op::Put("things", bulk(0, 3)),
        Op::DeleteOne("things", 1),
    ] {
        session.apply(&op).unwrap();
    }
    let file = |name: &str| backups.path().join(name);
    let call = session.call();
    call.create_backup(&file("whole"), None, true, &mut |_| ())
        .unwrap();
    let pair = ["whole", "whole.keys"].map(|name| fs::read(file(name)).unwrap());
    let restored = |pair: &[Vec<u8>; 2]| {
        fs::write(file("backup"), &pair[0]).unwrap();
        fs::write(file("keys"), &pair[1]).unwrap();
        let keys = file("keys");
        let source = Source {
            keys: Some(&keys),
            ..Source::default()
        };
        let restored = restore_backup(&file("backup"), &file("to"), source, None, &mut |_, _| ());
        let _ = fs::remove_dir_all(file("to"));
        restored
    };
    assert_eq!(restored(&pair).unwrap().vectors, 2);
    let mut random = crate::support::Random(5);
    for which in 0..2 {
        for at in 0..pair[which].len() {
            let mut changed = pair.clone();
            changed[which][at] ^= 1 << random.below(8);
            let refused = restored(&changed);
            assert!(
                matches!(refused, Err(Error::Storage(_) | Error::Encryption(_))),
                "byte {at} of {which}: {refused:?}"
            );
            let mut short = pair.clone();
            short[which].truncate(at);
            assert!(restored(&short).is_err(), "{at} bytes of {which}");
        }
    }
    drop(call);
    session.close().unwrap();
}

#[test]
fn a_backup_of_chosen_collections_has_these_and_no_others() {
    let (store, backups) = (directory(), directory());
    let session = open(store.path(), backups.path(), None).unwrap();
    let mut model = filled(&session);
    let names = ["others".to_owned(), "others".to_owned()];
    let target = backups.path().join("some");
    let call = session.call();
    let made = call.create_backup(&target, Some(&names), false, &mut |_| ());
    assert_eq!(made.unwrap().backup.collections, 1);
    let unknown = call.create_backup(&target, Some(&["none".into()]), false, &mut |_| ());
    assert!(matches!(unknown.err(), Some(Error::CollectionNotFound(_))));
    drop(call);
    session.close().unwrap();
    model.apply(&Op::Drop("things"));
    let to = backups.path().join("restored");
    restore_backup(&target, &to, Source::default(), None, &mut |_, _| ()).unwrap();
    check_restored(&to, &model);
    let keys = store.path();
    let source = Source {
        keys: Some(keys),
        ..Source::default()
    };
    let refused = restore_backup(
        &target,
        &backups.path().join("no"),
        source,
        None,
        &mut |_, _| (),
    );
    assert!(matches!(refused, Err(Error::Validation(_))), "{refused:?}");
}

#[test]
fn a_backup_from_before_the_user_s_key_has_changed_is_opened_with_the_key_of_then_and_of_now() {
    let (store, backups) = (directory(), directory());
    let root = store.path().canonicalize().unwrap();
    for (turn, first) in [None, Some(user(1))].into_iter().enumerate() {
        let root = root.join(turn.to_string());
        let session = open(&root, backups.path(), first.as_ref()).unwrap();
        let mut model = filled(&session);
        let target = backups.path().join(format!("{turn}"));
        let call = session.call();
        call.create_backup(&target, None, true, &mut |_| ())
            .unwrap();
        call.rotate_keys(Some(user(2)), &mut |_| ()).unwrap();
        drop(call);
        let op = Op::DeleteMany("things", (10..30).collect());
        session.apply(&op).unwrap();
        model.apply(&op);
        session.close().unwrap();
        let to = backups.path().join(format!("restored-{turn}"));
        let second = user(2);
        let source = Source {
            user: first.as_ref(),
            keys: Some(&root),
            keys_user: Some(&second),
        };
        let restored = restore_backup(&target, &to, source, None, &mut |_, _| ()).unwrap();
        assert_eq!(restored.erased, Some(20));
        let session = open(&to, backups.path(), Some(&second)).unwrap();
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
        if first.is_some() {
            let one = Source {
                keys_user: None,
                ..source
            };
            let refused = restore_backup(&target, &to.join("no"), one, None, &mut |_, _| ());
            assert!(matches!(refused, Err(Error::Encryption(_))), "{refused:?}");
        }
    }
}
