//! Deletes in the middle of a rewrite of the log, or of a backup.

use std::sync::{Arc, Mutex};

use vectorizer_native::{
    client::{Call, restore_backup},
    collection::DeleteOptions,
    storage::{Files, Fsync, Interruption, KEYS_OFFSET, Operation, Source},
};

use crate::{script::*, support::WAIT};

const COUNT: u32 = 2000;

fn bulk() -> Vec<(u32, u32)> {
    (0..COUNT).map(|n| (n, n)).collect()
}

/// Deletes some vectors, and immediately looks for them in the files.
fn delete_and_look(call: &Call, path: &std::path::Path, ids: &[u32], model: &mut Model) {
    let names: Vec<String> = ids.iter().copied().map(id).collect();
    let collection = call.collection("things").unwrap();
    collection
        .delete_many(WAIT, &names, &DeleteOptions::default())
        .unwrap();
    model.apply(&Op::DeleteMany("things", ids.to_vec()));
    let gone = model.gone(&Model::default());
    let left = residues(path, &gone);
    assert!(left.is_empty(), "{ids:?}: {left:?}");
}

#[test]
fn what_is_deleted_while_the_log_is_rewritten_is_in_neither_of_the_two() {
    for fsync in [Fsync::Always, Fsync::No] {
        let (store, backups) = (directory(), directory());
        let path = store.path().canonicalize().unwrap();
        let model = Arc::new(Mutex::new(Model::default()));
        let call: Arc<Mutex<Option<Call>>> = Arc::default();
        let seen: Arc<Mutex<Vec<&'static str>>> = Arc::default();
        let (inner, model2, call2, seen2) =
            (path.clone(), model.clone(), call.clone(), seen.clone());
        let files = Files::interrupted_by(move |operation| {
            let mut seen = seen2.lock().unwrap();
            // Moments at which the rewrite does not hold the collection's lock.
            let moment = match operation {
                Operation::Sync(path) if path.ends_with("log.2.new") => "copied",
                Operation::Write(path, at, _) if path.ends_with("keys.1") && at < KEYS_OFFSET => {
                    "wiping"
                }
                Operation::Remove(path) if path.ends_with("log.1") => "wiped",
                _ => return None,
            };
            // The changes made by the delete below arrive here as well.
            if let Ok(call) = call2.try_lock()
                && let Some(call) = &*call
                && !seen.contains(&moment)
                && inner.join("collection-1/log.2").exists() == (moment != "copied")
            {
                seen.push(moment);
                drop(seen);
                let from = 100 + 100 * moment.len() as u32;
                let ids: Vec<u32> = (from..from + 20).collect();
                delete_and_look(call, &inner, &ids, &mut model2.lock().unwrap());
            }
            None
        });
        let session = Session::open(&files, &path, fsync, backups.path()).unwrap();
        let ops = [
            Op::Create("things"),
            Op::Put("things", bulk()),
            Op::DeleteMany("things", (1500..COUNT).collect()),
        ];
        for op in &ops {
            session.apply(op).unwrap();
            model.lock().unwrap().apply(op);
        }
        *call.lock().unwrap() = Some(session.call());
        session.apply(&Op::Optimize("things")).unwrap();
        *call.lock().unwrap() = None;
        let moments = seen.lock().unwrap().clone();
        assert_eq!(moments, ["copied", "wiping", "wiped"]);
        let model = model.lock().unwrap().clone();
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
        assert!(path.join("collection-1/log.2").exists());
        assert!(!path.join("collection-1/log.1").exists());
        let session = Session::open(&Files::default(), &path, fsync, backups.path()).unwrap();
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
    }
}

#[test]
fn a_rewrite_for_which_there_was_no_room_is_done_when_there_is() {
    for failing in 0..9 {
        let (store, backups) = (directory(), directory());
        let full = Arc::new(Mutex::new(None));
        let left = full.clone();
        // From the n-th change of the new log on, the disk is full for a while.
        let files = Files::interrupted_by(move |operation| {
            let is_new =
                |path: &std::path::Path| path.ends_with("log.2.new") || path.ends_with("keys.2");
            match operation {
                // Zeros overwrite existing data.
                Operation::Write(_, _, bytes) if bytes.iter().all(|&byte| byte == 0) => {
                    return None;
                }
                Operation::Create(path) | Operation::Write(path, ..) if is_new(path) => {}
                _ => return None,
            }
            let mut left = left.lock().unwrap();
            match &mut *left {
                None => None,
                Some(0) => Some(Interruption::Half(28)),
                Some(left) => {
                    *left -= 1;
                    None
                }
            }
        });
        let session = Session::open(&files, store.path(), Fsync::No, backups.path()).unwrap();
        let mut model = Model::default();
        for op in [
            Op::Create("things"),
            Op::Put("things", bulk()),
            Op::DeleteMany("things", (500..COUNT).collect()),
        ] {
            session.apply(&op).unwrap();
            model.apply(&op);
        }
        *full.lock().unwrap() = Some(failing);
        assert!(session.apply(&Op::Optimize("things")).is_err(), "{failing}");
        *full.lock().unwrap() = None;
        session.apply(&Op::Optimize("things")).unwrap();
        assert!(store.path().join("collection-1/log.2").exists());
        assert_eq!(session.difference(&model), None);
        session.close().unwrap();
    }
}

#[test]
fn a_backup_holds_the_state_at_its_end_and_nothing_that_was_deleted_before() {
    let (store, backups) = (directory(), directory());
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    let mut model = Model::default();
    for op in [Op::Create("things"), Op::Put("things", bulk())] {
        session.apply(&op).unwrap();
        model.apply(&op);
    }
    let call = session.call();
    let target = backups.path().join("all.vecbak");
    let mut portions = 0;
    let mut last = None;
    call.create_backup(&target, None, false, &mut |progress| {
        assert!(progress.done <= progress.total);
        last = Some(progress);
        portions += 1;
        if portions == 1 {
            // Vectors already copied, vectors not copied yet, and replacements.
            let ids: Vec<u32> = (0..50).chain(COUNT - 50..COUNT).collect();
            delete_and_look(&call, store.path(), &ids, &mut model);
            for op in [
                Op::Put("things", vec![(3, 9003), (100, 9100), (COUNT + 1, 9999)]),
                Op::Metadata("things", 101, 9101),
                Op::Data("things", COUNT - 100, 9102),
            ] {
                session.apply(&op).unwrap();
                model.apply(&op);
            }
        }
    })
    .unwrap();
    let last = last.unwrap();
    assert!(portions > 1 && last.done == last.total);
    assert_eq!(session.difference(&model), None);
    let gone = model.gone(&Model::default());
    assert_eq!(residues(backups.path(), &gone), Vec::<String>::new());
    drop(call);
    session.close().unwrap();

    let restored = directory();
    let to = restored.path().join("store");
    restore_backup(&target, &to, Source::default(), None, &mut |_, _| ()).unwrap();
    let session = Session::open(&Files::default(), &to, Fsync::No, backups.path());
    let session = session.unwrap();
    assert_eq!(session.difference(&model), None);
    session.close().unwrap();
}
