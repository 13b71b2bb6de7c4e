//! Inspects the files of a store from outside. Nothing is changed or locked: another process may
//! have the store open.

use std::{path::Path, thread, time::Duration};

use serde::Serialize;
use serde_json::Value;

use super::{
    file::Files,
    header::{RECORDS, damaged},
    keyring::{self, UserKey},
    keys::KeyReader,
    ledger,
    log::{Log, LogInspection, PartReader},
    pending, root,
};
use crate::error::{Error, Result};

/// Progress is reported after this many bytes.
const PORTION: u64 = 1 << 20;

/// What an inspection found in a store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    pub path: String,
    pub encrypted: bool,
    pub collections: Vec<Inspected>,
    /// Collections and other files that could not be read at all, and why.
    pub damaged: Vec<String>,
}

/// What an inspection found in a collection.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    pub directory: String,
    pub name: String,
    /// What was deleted with `undo` and waits in it: `vectors` of the collection with this name, or
    /// the `collection` itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoable: Option<&'static str>,
    pub dimension: u64,
    pub metric: String,
    /// The entries in its log: every insert and every change adds one.
    pub entries: u64,
    /// The entries that no later one removes or replaces.
    pub live: u64,
    pub with_key: u64,
    pub without_key: u64,
    /// The size of its log and its key table in bytes.
    pub bytes: u64,
    /// The ids of all entries that can be decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    pub damaged: Vec<String>,
}

/// What an inspection includes.
#[derive(Debug, Clone, Copy, Default)]
pub struct InspectOptions {
    /// Include the ids.
    pub ids: bool,
    /// Decrypt every entry.
    pub verify: bool,
}

/// Damage is checked again this many times: another process that has the store open may just be
/// removing or renaming the file.
const RETRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Repeats `attempt` up to this many times until nothing is wrong.
pub fn retry<T>(
    mut attempt: impl FnMut() -> Result<T>,
    is_right: impl Fn(&T) -> bool,
) -> Result<T> {
    for _ in 1..RETRIES {
        match attempt() {
            Err(Error::Storage(_)) => {}
            Ok(found) if !is_right(&found) => {}
            done => return done,
        }
        thread::sleep(PAUSE);
    }
    attempt()
}

/// Inspects the files of a store.
pub fn inspect(
    files: &Files,
    store: &Path,
    user: Option<&UserKey>,
    options: InspectOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<Inspection> {
    root::check(store)?;
    let attempt = || inspect_once(files, store, user, options, &mut progress);
    let is_right = |found: &Inspection| {
        let mut collections = found.collections.iter();
        found.damaged.is_empty() && collections.all(|one| one.damaged.is_empty())
    };
    retry(attempt, is_right)
}

fn inspect_once(
    files: &Files,
    store: &Path,
    user: Option<&UserKey>,
    options: InspectOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Inspection> {
    let keyring = keyring::open(files, store, user)?;
    let mut found = Inspection {
        path: store.display().to_string(),
        encrypted: user.is_some(),
        collections: Vec::new(),
        damaged: Vec::new(),
    };
    let mut logs = Vec::new();
    for directory in root::collections(store)? {
        match Log::open_for_inspection(files, &directory, &keyring) {
            Ok(log) => logs.push((directory, log)),
            Err(error) => found.damaged.push(error.to_string()),
        }
    }
    let total = logs.iter().map(|(_, log)| log.end).sum();
    let mut before = 0;
    for (directory, log) in logs {
        let inspected = inspect_one(&directory, &log, options, &mut |done| {
            progress(before + done, total);
        });
        before += log.end;
        match inspected {
            Ok(inspected) => found.collections.push(inspected),
            Err(error) => found.damaged.push(error.to_string()),
        }
    }
    // They hold nothing of vectors, but no store opens with a damaged one.
    let others = [
        pending::read(store).err(),
        ledger::check(files, store).err(),
    ];
    let others = others.into_iter().flatten();
    found.damaged.extend(others.map(|error| error.to_string()));
    progress(total, total);
    Ok(found)
}

fn inspect_one(
    directory: &Path,
    log: &LogInspection,
    options: InspectOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Inspected> {
    let settings: Value = serde_json::from_str(log.keys.settings())
        .map_err(|_| damaged(&log.keys.file().path(), "its settings are damaged"))?;
    let dimension = settings["dimension"].as_u64().unwrap_or(0);
    let text = |name: &str| settings[name].as_str().unwrap_or_default().to_owned();
    let index = log.index(dimension as usize)?;
    let mut inspected = Inspected {
        directory: directory.display().to_string(),
        name: text("name"),
        undoable: match &settings["role"] {
            role if role.get("bin_of").is_some() => Some("vectors"),
            role if role.get("deleted").is_some() => Some("collection"),
            _ => None,
        },
        dimension,
        metric: text("metric"),
        entries: index.entries.len() as u64,
        live: 0,
        with_key: 0,
        without_key: 0,
        bytes: log.file.size()? + log.keys.file().size()?,
        ids: options.ids.then(Vec::new),
        damaged: Vec::new(),
    };
    let name = &log.keys.table().name;
    let mut reader = PartReader::new(&log.file, RECORDS, name, dimension as usize);
    let mut key_reader = KeyReader::new(&log.keys);
    let mut told = 0;
    for entry in &index.entries {
        let place = entry.place;
        let key = key_reader.get(place.key_index)?;
        inspected.live += u64::from(entry.live);
        inspected.with_key += u64::from(key.is_some());
        inspected.without_key += u64::from(key.is_none());
        let what = |at: u64, why: &str| {
            let path = log.file.path();
            format!("{}: the vector at byte {at} {why}", path.display())
        };
        let Some(key) = key else {
            // Another process may be deleting it.
            if entry.live && log.known.clean {
                let damage = what(entry.outline, "has no key");
                inspected.damaged.push(damage);
            }
            continue;
        };
        let verify = options.verify && entry.live;
        let mut damage = None;
        if options.ids || verify {
            match (reader.outline(entry, key)?, &mut inspected.ids) {
                (None, _) => damage = Some(entry.outline),
                (Some(outline), Some(ids)) => ids.push(outline.label.id.to_owned()),
                (Some(_), None) => {}
            }
        }
        if verify && damage.is_none() && reader.values(entry, key)?.is_none() {
            damage = Some(place.offset);
        }
        if let Some(at) = damage.filter(|_| entry.live) {
            let damage = what(at, "cannot be opened with its key");
            inspected.damaged.push(damage);
        }
        if place.offset >= told + PORTION {
            told = place.offset;
            progress(told);
        }
    }
    Ok(inspected)
}
