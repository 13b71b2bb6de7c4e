//! What somebody with access to the files can read: everything for which a key is there, whether or
//! not the records say that it has been deleted.

use std::{
    fs,
    path::{Path, PathBuf},
};

use vectorizer_native::storage::{
    Files, KEY, KEYRING, Key, Keyring, Keys, Kind, NAME, PREAMBLE, RECORDS, Record, TableKey,
};

/// The offsets of the keys in a keyring, and its size.
const KEPT: [usize; 2] = [PREAMBLE + 16, PREAMBLE + 76];
const KEYRING_END: usize = 156;

/// Everything that can be read from the files under `path`, with the file each piece comes from.
pub fn all(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        if entry.is_dir() {
            found.extend(all(&entry));
        // Larger than all others together, and the same in every store.
        } else if !entry.ends_with("RESERVE") {
            let pieces = read(&entry).into_iter();
            found.extend(pieces.map(|piece| (entry.clone(), piece)));
        }
    }
    found
}

/// Everything that can be read from a file: its bytes, and the sealed data in them. Nothing if the
/// file is gone.
pub fn read(file: &Path) -> Vec<Vec<u8>> {
    let Ok(bytes) = fs::read(file) else {
        return Vec::new();
    };
    let name = file.file_name().unwrap().to_str().unwrap();
    let mut pieces = if bytes.starts_with(b"VECBAK\r\n") && bytes.len() > KEYRING_END {
        backup(&bytes)
    } else if let Some(number) = name.strip_prefix("log.") {
        log(file, &bytes, number.trim_end_matches(".new"))
    } else if name.starts_with("graph") {
        graph(file, &bytes).into_iter().collect()
    } else {
        Vec::new()
    };
    pieces.push(bytes);
    pieces
}

/// The key tables in the same collection as a file, whose names begin with `name`.
fn tables(file: &Path, name: &str) -> Vec<Keys> {
    let directory = file.parent().unwrap();
    let mut found = Vec::new();
    for keyring in ["", ".new", ".old"] {
        let keyring = directory.with_file_name(format!("{KEYRING}{keyring}"));
        let bytes = fs::read(keyring).unwrap_or_default();
        for at in KEPT {
            let store = bytes.get(at..at + KEY).and_then(Key::of);
            let Some(store) = store.map(Keyring::from) else {
                continue;
            };
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let is_meant = path
                    .file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .starts_with(name);
                let file = Files::default().open_to_read(&path);
                if let (true, Ok(file)) = (is_meant, file) {
                    found.extend(Keys::open(file, &store));
                }
            }
        }
    }
    found
}

fn log(file: &Path, bytes: &[u8], number: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for keys in tables(file, &format!("keys.{number}")) {
        let key_bytes = keys.read(0, keys.count().unwrap() as usize).unwrap();
        let begin = bytes.len().min(RECORDS as usize);
        let settings = keys.settings();
        let given = Some((settings, key_bytes.as_slice()));
        let (opened, _) = records(&bytes[begin..], keys.table(), given);
        found.extend(opened);
        found.push(settings.as_bytes().to_vec());
    }
    found
}

/// A graph file, unsealed.
pub fn graph(file: &Path, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut tables = tables(file, "keys.").into_iter();
    tables.find_map(|keys| keys.table().open_file(bytes.to_vec()))
}

fn backup(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = KEYRING_END;
    for number in 1u32.. {
        let mut name = [0; NAME];
        name[..4].copy_from_slice(&number.to_le_bytes());
        let table = TableKey::new(name, number, Key::of(&bytes[KEPT[0]..][..KEY]).unwrap());
        let (opened, len) = records(&bytes[at..], &table, None);
        if len == 0 {
            break;
        }
        found.extend(opened);
        at += len;
    }
    found
}

fn dimension_of(settings: &str) -> usize {
    let settings: serde_json::Value = serde_json::from_str(settings).unwrap_or_default();
    settings["dimension"].as_u64().unwrap_or(0) as usize
}

/// Opens what it can of one collection's records, with the settings and keys that are given, or
/// found among the records. Also returns how many bytes the records took.
fn records(bytes: &[u8], table: &TableKey, given: Option<(&str, &[u8])>) -> (Vec<Vec<u8>>, usize) {
    let mut at = 0;
    let mut dimension = given.map_or(0, |(settings, _)| dimension_of(settings));
    let mut keys = given.map(|(_, keys)| keys.to_vec());
    let (mut parts, mut found) = (Vec::new(), Vec::new());
    while let Ok(record) = Record::read(&mut &bytes[at..], (bytes.len() - at) as u64, dimension) {
        let end = at + record.size() as usize;
        let data = &bytes[end - record.data as usize..end];
        match record.kind {
            Kind::Config if at > 0 => break,
            Kind::Done | Kind::Away | Kind::Exported => break,
            Kind::Config => {
                let text = table.open_settings(data).unwrap_or_default();
                dimension = dimension_of(&text);
                found.push(text.into_bytes());
            }
            Kind::Copied => {
                let opened = table.open(b"COPY", data);
                found.extend(opened.map(|opened| opened.to_vec()));
            }
            Kind::Keys => {
                let mut last = data.to_vec();
                table.mask(0, &mut last).unwrap();
                keys = Some(last);
            }
            Kind::Commit => {
                let lengths = record.entries.iter().map(|head| head.lengths(dimension));
                let outlines: u64 = lengths.map(|lengths| lengths.outline).sum();
                let (mut outlines, mut values) = data.split_at(outlines as usize);
                for head in record.entries {
                    let lengths = head.lengths(dimension);
                    let outline = outlines.split_off(..lengths.outline as usize).unwrap();
                    let values = values.split_off(..lengths.values as usize).unwrap();
                    parts.push((head, outline.to_vec(), values.to_vec()));
                }
            }
        }
        at = end;
        if record.kind == Kind::Keys {
            break;
        }
    }
    let keys = keys.unwrap_or_default();
    let opened = parts.into_iter().zip(keys.chunks_exact(KEY));
    for ((head, mut outline, mut values), key) in opened {
        if head
            .open_outline(&table.name, key, &mut outline, dimension)
            .is_some()
        {
            found.push(outline);
        }
        if head
            .open_values(&table.name, key, &mut values, dimension)
            .is_some()
        {
            found.push(values);
        }
    }
    (found, at)
}
