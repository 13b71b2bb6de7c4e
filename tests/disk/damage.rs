//! Files that are not as they were left: changed, truncated, missing, or of another version.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use vectorizer_native::{
    client::restore_backup,
    error::Error,
    storage::{Files, Fsync, Source, checksum},
};

use crate::{script::*, support::Random};

/// A store's files by their path below it.
type Image = BTreeMap<PathBuf, Vec<u8>>;

fn read(root: &Path) -> Image {
    fn walk(root: &Path, at: &Path, image: &mut Image) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, image);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                // Its contents have no meaning.
                if name.ends_with("RESERVE") {
                    continue;
                }
                image.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut image = Image::new();
    walk(root, root, &mut image);
    image
}

fn write(root: &Path, image: &Image) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    fs::create_dir(root.join("collection-1")).unwrap();
    for (name, bytes) in image {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), bytes).unwrap();
    }
}

fn script() -> Vec<Op> {
    vec![
        Op::Create("first"),
        Op::Put("first", (0..5).map(|n| (n, n)).collect()),
        Op::Put("first", vec![(5, 5)]),
        Op::DeleteMany("first", vec![1, 2]),
        Op::Data("first", 3, 203),
        Op::Metadata("first", 4, 204),
        Op::Put("first", vec![(0, 300), (6, 306)]),
        Op::DeleteOne("first", 5),
    ]
}

/// The model after each operation, beginning with the empty one.
fn models(script: &[Op]) -> Vec<Model> {
    let mut models = vec![Model::default()];
    for op in script {
        let mut model = models[models.len() - 1].clone();
        model.apply(op);
        models.push(model);
    }
    models
}

/// The files of a store that was closed cleanly, and of one that was not.
fn images(script: &[Op]) -> (Image, Image) {
    let (store, backups) = (directory(), directory());
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    for op in script {
        session.apply(op).unwrap();
    }
    let open = read(store.path());
    session.close().unwrap();
    (read(store.path()), open)
}

/// Opens a store with these files, and reads all of it. Either it equals one of the models, or
/// opening is rejected with an error that names a file, and leaves the files unchanged, or reading is
/// rejected with such an error. True if it equals a model.
fn open(root: &Path, image: &Image, models: &[Model], what: &str) -> bool {
    write(root, image);
    let backups = root.parent().unwrap();
    match Session::open(&Files::default(), root, Fsync::No, backups) {
        Ok(session) => {
            let mut differences = Vec::new();
            for model in models.iter().rev() {
                match session.try_difference(model) {
                    Ok(None) => break,
                    Ok(difference) => differences.push(difference),
                    Err(Error::Storage(message)) => {
                        let path = root.to_string_lossy();
                        assert!(message.contains(&*path), "{what}: {message}");
                        assert!(message.contains("is damaged"), "{what}: {message}");
                        session.close().unwrap();
                        return false;
                    }
                    Err(error) => panic!("{what}: {error:?}"),
                }
            }
            assert!(
                differences.len() < models.len(),
                "{what}: opened as {:?}",
                differences[0]
            );
            session.close().unwrap();
            true
        }
        Err(Error::Storage(message)) => {
            assert!(
                message.contains(&*root.to_string_lossy()),
                "{what}: {message}"
            );
            let mut left = read(root);
            let mut before = image.clone();
            for image in [&mut left, &mut before] {
                image.remove(Path::new("LOCK"));
            }
            assert!(left == before, "{what}: refused, and changed");
            false
        }
        Err(error) => panic!("{what}: {error:?}"),
    }
}

/// A directory for stores, inside one that is removed after the test.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = directory();
    let root = directory.path().canonicalize().unwrap().join("store");
    fs::create_dir(&root).unwrap();
    (directory, root)
}

#[test]
fn a_changed_byte_anywhere_is_noticed_or_means_nothing() {
    let script = script();
    let models = models(&script);
    let (closed, unclosed) = images(&script);
    let (_directory, root) = place();
    let mut random = Random(3);
    let (mut refused, mut opened) = (0, 0);
    for name in closed.keys() {
        for at in 0..closed[name].len() {
            let mut image = closed.clone();
            let byte = &mut image.get_mut(name).unwrap()[at];
            *byte ^= 1 << random.below(8);
            let what = format!("byte {at} of {}", name.display());
            match open(&root, &image, &models[models.len() - 1..], &what) {
                true => opened += 1,
                false => refused += 1,
            }
        }
    }
    // The space between the header's blocks has no meaning; any other change is detected.
    assert!(opened > 12_000 && refused > 2_000, "{opened}, {refused}");

    // A store that was not closed cleanly may end early, but never contains anything else.
    for (name, bytes) in &unclosed {
        for at in (0..bytes.len()).filter(|at| at % 4096 < 200 || *at > 12_288) {
            let mut image = unclosed.clone();
            image.get_mut(name).unwrap()[at] ^= 1 << random.below(8);
            let what = format!("byte {at} of {}, not closed", name.display());
            open(&root, &image, &models, &what);
        }
    }
}

#[test]
fn a_file_that_is_cut_off_or_has_grown_or_is_gone_is_noticed() {
    let script = script();
    let models = models(&script);
    let last = &models[models.len() - 1..];
    let (closed, unclosed) = images(&script);
    let (_directory, root) = place();
    for (name, bytes) in &closed {
        let means_nothing = name.ends_with("LOCK");
        for len in 0..bytes.len() {
            let mut image = closed.clone();
            image.get_mut(name).unwrap().truncate(len);
            let what = format!("{} bytes of {}", len, name.display());
            let opened = open(&root, &image, last, &what);
            assert!(!opened || means_nothing, "{what}: opened");
        }
        let mut image = closed.clone();
        image.remove(name);
        let opened = open(&root, &image, last, &format!("no {}", name.display()));
        assert_eq!(opened, means_nothing, "no {}", name.display());
        for extra in [1, 63, 64, 5000] {
            for byte in [0u8, 7] {
                let mut image = closed.clone();
                let end = image.get_mut(name).unwrap();
                end.resize(end.len() + extra, byte);
                let what = format!("{extra} times {byte} behind {}", name.display());
                open(&root, &image, last, &what);
            }
        }
    }
    // A killed process may have been writing anything at the end.
    let log = unclosed
        .keys()
        .find(|name| name.ends_with("collection-1/log.1"));
    let log = log.unwrap();
    let mut lengths = 0;
    for len in 12_288..=unclosed[log].len() {
        let mut image = unclosed.clone();
        image.get_mut(log).unwrap().truncate(len);
        lengths += usize::from(open(&root, &image, &models, &format!("{len} bytes")));
    }
    assert!(lengths > 1000, "{lengths}");
}

#[test]
fn a_damaged_graph_is_built_again_and_nothing_else_is_lost() {
    let script = [
        Op::Create("first"),
        Op::Put("first", (0..1200).map(|n| (n, n)).collect()),
        Op::Optimize("first"),
    ];
    let models = models(&script);
    let last = &models[models.len() - 1..];
    let (closed, _) = images(&script);
    let (_directory, root) = place();
    let graph = Path::new("collection-1/graph");
    let len = closed[graph].len();
    let mut random = Random(4);
    for turn in 0..60 {
        let mut image = closed.clone();
        let bytes = image.get_mut(graph).unwrap();
        match turn % 3 {
            0 => bytes[random.below(len)] ^= 1 << random.below(8),
            1 => bytes.truncate(random.below(len)),
            // Another version, with a correct checksum.
            _ => {
                bytes[8] = 9;
                let sum = checksum(&bytes[..12]).to_le_bytes();
                bytes[12..20].copy_from_slice(&sum);
                let sum = checksum(&bytes[..len - 8]).to_le_bytes();
                bytes[len - 8..].copy_from_slice(&sum);
            }
        }
        assert!(open(&root, &image, last, &format!("graph, turn {turn}")));
    }
    let mut image = closed.clone();
    image.remove(graph);
    assert!(open(&root, &image, last, "no graph"));
}

#[test]
fn a_store_that_is_refused_is_left_alone_by_what_was_opened_of_it() {
    let script = [
        Op::Create("first"),
        Op::Put("first", (0..1200).map(|n| (n, n)).collect()),
        Op::Create("second"),
    ];
    let (mut closed, _) = images(&script);
    // The first collection has to rebuild its graph, and would save it.
    closed.remove(Path::new("collection-1/graph"));
    let damaged = closed.get_mut(Path::new("collection-2/log.1")).unwrap();
    damaged.truncate(13_000.min(damaged.len() - 1));
    let (_directory, root) = place();
    write(&root, &closed);
    let opened = Session::open(&Files::default(), &root, Fsync::No, root.parent().unwrap());
    assert!(matches!(opened.err(), Some(Error::Storage(_))));
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(!root.join("collection-1/graph").exists());
    assert!(!root.join("collection-1/graph.new").exists());
}

#[test]
fn files_of_another_version_are_refused_by_name() {
    let (closed, _) = images(&script());
    let (_directory, root) = place();
    let refusal = |image: &Image| {
        write(&root, image);
        let opened = Session::open(&Files::default(), &root, Fsync::No, root.parent().unwrap());
        opened.err().unwrap().to_string()
    };
    let log = Path::new("collection-1/log.1");
    let mut image = closed.clone();
    let bytes = image.get_mut(log).unwrap();
    bytes[8] = 9;
    let sum = checksum(&bytes[..12]).to_le_bytes();
    bytes[12..20].copy_from_slice(&sum);
    let message = refusal(&image);
    assert!(
        message.contains("log.1") && message.contains("version 9"),
        "{message}"
    );

    let mut image = closed.clone();
    let text = String::from_utf8(image[Path::new("STORE")].clone()).unwrap();
    image.insert("STORE".into(), text.replace('3', "12").into_bytes());
    let message = refusal(&image);
    assert!(
        message.contains("STORE") && message.contains("version 12"),
        "{message}"
    );
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_made_of_it() {
    let (store, backups) = (directory(), directory());
    let session = Session::open(&Files::default(), store.path(), Fsync::No, backups.path());
    let session = session.unwrap();
    for op in script() {
        session.apply(&op).unwrap();
    }
    session.apply(&Op::BackUp).unwrap();
    session.close().unwrap();
    let whole = fs::read(backups.path().join("0.vecbak")).unwrap();
    let (file, target) = (
        backups.path().join("damaged"),
        backups.path().join("target"),
    );
    let mut random = Random(6);
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&file, bytes).unwrap();
        match restore_backup(&file, &target, Source::default(), None, &mut |_, _| ()) {
            Err(Error::Storage(message)) => assert!(message.contains("damaged"), "{message}"),
            other => panic!("{what}: {other:?}"),
        }
        assert!(!target.exists(), "{what}");
    };
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << random.below(8);
        refused(&bytes, &format!("byte {at}"));
        refused(&whole[..at], &format!("{at} bytes"));
    }
    let mut bytes = whole.clone();
    bytes.push(0);
    refused(&bytes, "one more byte");
}

#[test]
fn the_log_before_a_damaged_one_is_kept() {
    let (closed, _) = images(&script());
    let (_directory, root) = place();
    let log = closed[Path::new("collection-1/log.1")].clone();
    let mut image = closed;
    image.insert("collection-1/log.2".into(), log[..log.len() / 2].to_vec());
    image.insert("collection-1/log.3.new".into(), log);
    assert!(!open(&root, &image, &[], "a damaged log"));
}

#[test]
fn what_a_store_did_not_make_is_left_alone() {
    let (closed, _) = images(&script());
    let (_directory, root) = place();
    let mut image = closed;
    for stranger in [
        "notes.new",
        "renew/text",
        "collection-x.new/text",
        "collection-1/a.new",
    ] {
        image.insert(stranger.into(), b"mine".to_vec());
    }
    write(&root, &image);
    let session = Session::open(&Files::default(), &root, Fsync::No, root.parent().unwrap());
    session.unwrap().close().unwrap();
    let after = read(&root);
    assert!(image.keys().all(|name| after.contains_key(name)));
}
