//! Files that lead to keys: a store's keyring, a log's key table, exported keys, and a backup with
//! its keys apart. Whatever is changed in them, what can be opened is what was stored, or less if
//! keys are missing; everything else is refused.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use vectorizer_native::{
    client::{Client, open_on_disk, restore_backup},
    collection::{Access, Batch, Config, DeleteOptions},
    error::Error,
    graph::HnswParams,
    storage::{Files, Fsync, Source, checksum},
    vectors::Metric,
};

use super::{bytes::Bytes, log::Directory};

const KEYRING: &str = "store/KEYRING";
const TABLE: &str = "store/collection-1/keys.1";
const LOG: &str = "store/collection-1/log.1";
const BACKUP: &str = "backup";
const EXPORTED: &str = "backup.keys";
/// The files that are changed, and the offsets of the checksums of their beginnings.
const CHANGED: [(&str, usize); 4] = [
    (KEYRING, 148),
    (TABLE, 4088),
    (BACKUP, 148),
    (EXPORTED, 148),
];

/// A small store, and a backup of it with its keys apart.
fn base() -> &'static Vec<(&'static str, Vec<u8>)> {
    static BASE: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    BASE.get_or_init(|| {
        let directory = Directory::new();
        let store = open(&directory.0.join("store")).unwrap();
        let call = store.begin().unwrap();
        let config = Config {
            name: "things".into(),
            dimension: 2,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
            description: None,
        };
        let collection = call.create_collection(config).unwrap();
        let batch = Batch {
            ids: (0..5).map(|n| Some(format!("id-{n}"))).collect(),
            data: vec![1.0; 10],
            lengths: vec![2],
            ..Batch::default()
        };
        let mut batch = collection.prepare(batch).unwrap();
        collection.insert(Access::Wait, &mut batch).unwrap();
        let plain = DeleteOptions::default();
        collection.delete_one(Access::Wait, "id-3", &plain).unwrap();
        let backup = directory.0.join(BACKUP);
        call.create_backup(&backup, None, true, &mut |_| ())
            .unwrap();
        drop((collection, call));
        close(store);
        let names = [KEYRING, TABLE, LOG, BACKUP, EXPORTED, "store/STORE"];
        let read = |name| (name, fs::read(directory.0.join(name)).unwrap());
        names.map(read).into()
    })
}

fn open(path: &Path) -> Result<Client, Error> {
    Ok(Client::of(open_on_disk(
        &Files::default(),
        path,
        Some(Fsync::No),
        None,
    )?))
}

fn close(client: Client) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let _ = runtime.unwrap().block_on(client.close());
}

pub fn run(input: &[u8]) {
    let mut bytes = Bytes(input);
    let (changed, sum) = CHANGED[bytes.below(4)];
    let (is_summed, turns) = (bytes.byte() % 4 != 0, 1 + bytes.below(4));
    let mut files = base().clone();
    for (name, content) in &mut files {
        if *name != changed {
            continue;
        }
        for _ in 0..turns {
            let at = usize::from(bytes.byte()) | usize::from(bytes.byte()) << 8;
            let at = at % content.len();
            match bytes.byte() {
                0..200 => content[at] ^= bytes.byte(),
                200..220 => content.truncate(at.max(1)),
                220..240 => content.extend(bytes.take(40)),
                _ => {
                    let new = bytes.take(8);
                    let end = (at + new.len()).min(content.len());
                    content[at..end].copy_from_slice(&new[..end - at]);
                }
            }
        }
        if is_summed && let Some((before, after)) = content.split_at_mut_checked(sum) {
            let sum = checksum(before).to_le_bytes();
            let len = after.len().min(8);
            after[..len].copy_from_slice(&sum[..len]);
        }
    }
    check(&files);
}

fn check(files: &[(&str, Vec<u8>)]) {
    let directory = Directory::new();
    let place = |name: &str| -> PathBuf { directory.0.join(name) };
    fs::create_dir_all(place("store/collection-1")).unwrap();
    for (name, content) in files {
        fs::write(place(name), content).unwrap();
    }
    let keys = place(EXPORTED);
    let source = Source {
        keys: Some(&keys),
        ..Source::default()
    };
    let (backup, target) = (place(BACKUP), place("restored"));
    let restored = restore_backup(&backup, &target, source, None, &mut |_, _| ());
    match restored {
        Ok(restored) => {
            let found = contents(&place("restored")).expect("what was restored is opened");
            assert_eq!(found, restored.vectors);
        }
        Err(error) => assert!(is_expected(&error), "{error}"),
    }
    match contents(&place("store")) {
        Ok(found) => assert!(found <= 4),
        Err(error) => assert!(is_expected(&error), "{error}"),
    }
}

fn is_expected(error: &Error) -> bool {
    matches!(
        error,
        Error::Storage(_) | Error::Encryption(_) | Error::Validation(_)
    )
}

/// Opens a store, and counts its contents.
fn contents(path: &Path) -> Result<u64, Error> {
    let client = open(path)?;
    let call = client.begin()?;
    let mut count = 0;
    for collection in call.collections() {
        let page = collection.list(0, usize::MAX)?;
        for item in &page.vectors {
            assert!(["id-0", "id-1", "id-2", "id-4"].contains(&&*item.id));
            assert_eq!(item.data, Some(vec![1.0, 1.0]));
        }
        count += page.vectors.len() as u64;
    }
    drop(call);
    close(client);
    Ok(count)
}
