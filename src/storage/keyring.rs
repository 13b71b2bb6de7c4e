//! The keyring: the only file of a store from which its keys can be reached. It holds the store
//! key, which encrypts the table key of every collection (`keys.rs`).
//!
//! | bytes | |
//! | --- | --- |
//! | 0..20 | the preamble that all files have |
//! | 20..24 | how keys are stored: 0, in the clear; 1, sealed with the user's key |
//! | 24..84 | the store key: a random nonce (12 bytes), the key (32), the tag (16) |
//! | 84..144 | the previous store key, in the same form, during a key rotation |
//! | 144..148 | how many bytes follow |
//! | 148.. | the user's key as wrapped by the user's key service |
//! | then 8 | checksum of everything before |
//!
//! A key stored in the clear has zeros for its nonce and its tag; if there is no key, everything is
//! zero. Bytes 0 to 24 are authenticated with a sealed key.
//!
//! A backup begins in the same way, with a key of its own.

use std::{path::Path, sync::Arc};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::{
    file::{File, Files},
    header::{self, PREAMBLE, damaged},
    record::{checksum, u32_at, u64_at},
    seal::{KEY, Key, NONCE, TAG, random},
    sync::Health,
};
use crate::error::{Error, Result};

/// The name of the file.
pub const KEYRING: &str = "KEYRING";
/// The name of the previous keyring, until it is overwritten.
const REPLACED: &str = "KEYRING.old";
const BEGINNING: usize = PREAMBLE + 4;
const KEPT: usize = NONCE + KEY + TAG;
const LENGTH: usize = BEGINNING + 2 * KEPT;
const WRAPPED: usize = LENGTH + 4;
/// The maximum size of a wrapped key.
const MOST: u64 = 64 << 10;

/// The keys in a keyring.
#[derive(Clone)]
pub struct Keyring {
    pub key: Key,
    /// The previous key, during a key rotation.
    pub previous: Option<Key>,
}

/// The key kept by the user, which opens the keyring.
#[derive(Clone)]
pub struct UserKey {
    pub key: Key,
    /// The key as wrapped by the user's key service, if there is one.
    pub wrapped: Vec<u8>,
}

/// The keys of an open store.
pub struct StoreKeys(Mutex<(Keyring, Option<UserKey>)>);

impl StoreKeys {
    pub fn new(keyring: Keyring, user: Option<UserKey>) -> Arc<Self> {
        Arc::new(Self(Mutex::new((keyring, user))))
    }

    pub fn keyring(&self) -> Keyring {
        self.0.lock().0.clone()
    }

    /// The user's key, if the store is encrypted.
    pub fn user(&self) -> Option<UserKey> {
        self.0.lock().1.clone()
    }

    /// Fails if `user` is not the key that opens the store's keyring.
    pub fn check(&self, files: &Files, store: &Path, user: Option<&UserKey>) -> Result<()> {
        // Locked, so that the file is not replaced at the same time.
        let _keys = self.0.lock();
        open(files, store, user).map(drop)
    }

    /// Replaces the keys in the store's keyring; from now on they are the store's.
    pub fn exchange(
        &self,
        files: &Files,
        store: &Path,
        keyring: Keyring,
        user: Option<UserKey>,
        health: &Health,
    ) -> Result<()> {
        let mut keys = self.0.lock();
        let file = prepare(files, store, &keyring, user.as_ref())?;
        // If it is uncertain which of them would be found, nothing more is written.
        exchange(files, store, file).map_err(|error| health.fail(error))?;
        *keys = (keyring, user);
        Ok(())
    }
}

impl From<Key> for Keyring {
    fn from(key: Key) -> Self {
        let previous = None;
        Self { key, previous }
    }
}

/// The size of a keyring in bytes.
pub fn size(user: Option<&UserKey>) -> usize {
    WRAPPED + user.map_or(0, |user| user.wrapped.len()) + 8
}

/// Encodes a keyring.
pub fn encode(
    kind: &[u8; 8],
    keyring: &Keyring,
    user: Option<&UserKey>,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; size(user)]);
    let (beginning, rest) = bytes.split_at_mut(BEGINNING);
    beginning[..PREAMBLE].copy_from_slice(&header::preamble(kind));
    beginning[PREAMBLE] = u8::from(user.is_some());
    let keys = [Some(&keyring.key), keyring.previous.as_ref()];
    for (kept, key) in rest.chunks_exact_mut(KEPT).zip(keys) {
        let Some(key) = key else {
            continue;
        };
        let (head, tag) = kept.split_at_mut(NONCE + KEY);
        head[NONCE..].copy_from_slice(key.bytes());
        if let Some(user) = user {
            let mut nonce = [0; NONCE];
            random(&mut nonce)?;
            head[..NONCE].copy_from_slice(&nonce);
            let cipher = user.key.cipher()?;
            tag.copy_from_slice(&cipher.seal(nonce, beginning, &mut head[NONCE..])?);
        }
    }
    let wrapped = user.map_or(&[][..], |user| &user.wrapped);
    bytes[LENGTH..WRAPPED].copy_from_slice(&(wrapped.len() as u32).to_le_bytes());
    let end = WRAPPED + wrapped.len();
    bytes[WRAPPED..end].copy_from_slice(wrapped);
    let sum = checksum(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// The bytes of the keyring at the beginning of a file.
fn bytes(file: &File, kind: &[u8; 8]) -> Result<Zeroizing<Vec<u8>>> {
    let size = header::check_file(file, kind, (WRAPPED + 8) as u64)?;
    let mut beginning = Zeroizing::new([0; WRAPPED]);
    file.read_at(0, &mut *beginning)?;
    let wrapped = u64::from(u32_at(&*beginning, LENGTH));
    let len = WRAPPED as u64 + wrapped + 8;
    if wrapped > MOST || len > size {
        return Err(damaged(&file.path(), "its keyring is damaged"));
    }
    let mut bytes = Zeroizing::new(vec![0; len as usize]);
    file.read_at(0, &mut bytes)?;
    let end = bytes.len() - 8;
    if u64_at(&bytes, end) != checksum(&bytes[..end]) || bytes[PREAMBLE + 1..BEGINNING] != [0; 3] {
        return Err(damaged(&file.path(), "its keyring is damaged"));
    }
    Ok(bytes)
}

/// Reads the keyring at the beginning of a file. Returns its keys and its size.
pub fn read(file: &File, kind: &[u8; 8], user: Option<&UserKey>) -> Result<(Keyring, u64)> {
    let bytes = bytes(file, kind)?;
    let path = file.path();
    let refused = |why: &str| Err(Error::Encryption(format!("{} {why}", path.display())));
    match (bytes[PREAMBLE], user) {
        (0, None) | (1, Some(_)) => {}
        (0, Some(_)) => {
            return refused(
                "is not encrypted: leave out options.encryption, or encrypt the store by rotateKeys",
            );
        }
        (1, None) => return refused("is encrypted: give its key as options.encryption"),
        _ => return Err(damaged(&path, "its keyring is damaged")),
    }
    let mut keys = [None, None];
    for (key, kept) in keys.iter_mut().zip(bytes[BEGINNING..].chunks_exact(KEPT)) {
        if kept.iter().all(|&byte| byte == 0) {
            continue;
        }
        let (nonce, sealed) = kept.split_at(NONCE);
        let mut sealed = Zeroizing::new(sealed.to_vec());
        *key = match user {
            None => Key::of(&sealed[..KEY]),
            Some(user) => {
                let mut twelve = [0; NONCE];
                twelve.copy_from_slice(nonce);
                let cipher = user.key.cipher()?;
                let opened = cipher.open(twelve, &bytes[..BEGINNING], &mut sealed);
                match opened.and_then(|key| Key::of(key)) {
                    None => return refused("cannot be opened with this key: it is another's"),
                    key => key,
                }
            }
        };
    }
    let [key, previous] = keys;
    let key = key.ok_or_else(|| damaged(&path, "its keyring has no key"))?;
    Ok((Keyring { key, previous }, bytes.len() as u64))
}

/// The wrapped user's key of a store, a backup or exported keys, if a key service wrapped it.
/// `None` if there is no store yet.
pub fn wrapped(files: &Files, path: &Path) -> Result<Option<Vec<u8>>> {
    let (path, kinds) = match path.is_dir() {
        true => (present(path), [header::KEYRING; 2]),
        false => (path.to_owned(), [header::BACKUP, header::EXPORTED]),
    };
    if !path.exists() {
        return Ok(None);
    }
    let file = files.open_to_read(&path)?;
    let bytes = bytes(&file, kinds[0]).or_else(|_| bytes(&file, kinds[1]))?;
    Ok(Some(bytes[WRAPPED..bytes.len() - 8].to_vec()))
}

/// The path of the current keyring: the previous one, if its successor has not been renamed yet.
fn present(store: &Path) -> std::path::PathBuf {
    let (path, replaced) = (store.join(KEYRING), store.join(REPLACED));
    match !path.exists() && replaced.exists() {
        true => replaced,
        false => path,
    }
}

/// Writes a store's keyring. It is on disk when this returns.
pub fn create(
    files: &Files,
    store: &Path,
    keyring: &Keyring,
    user: Option<&UserKey>,
) -> Result<()> {
    exchange(files, store, prepare(files, store, keyring, user)?)
}

/// Writes a keyring under a temporary name.
fn prepare(files: &Files, store: &Path, keyring: &Keyring, user: Option<&UserKey>) -> Result<File> {
    let unfinished = store.join(format!("{KEYRING}.new"));
    if unfinished.exists() {
        files.wipe(&unfinished)?;
    }
    let bytes = encode(header::KEYRING, keyring, user)?;
    let file = files.create(&unfinished)?;
    let written = file.write_at(0, &bytes).and_then(|()| file.sync());
    if written.is_err() {
        // It is wiped by the next attempt, or when the store is next opened.
        let _ = file.wipe();
    }
    written.map(|()| file)
}

/// Replaces the current keyring, which is then overwritten.
fn exchange(files: &Files, store: &Path, file: File) -> Result<()> {
    let (path, replaced) = (store.join(KEYRING), store.join(REPLACED));
    if path.exists() {
        files.rename(&path, &replaced)?;
    }
    file.rename(&path)?;
    files.sync_directory(store)?;
    match replaced.exists() {
        true => files.wipe(&replaced),
        false => Ok(()),
    }
}

/// Reads a store's keyring. Leftovers of an interrupted write stay: see `tidy`.
pub fn open(files: &Files, store: &Path, user: Option<&UserKey>) -> Result<Keyring> {
    let file = files.open_to_read(&present(store))?;
    let (keyring, len) = read(&file, header::KEYRING, user)?;
    match file.size()? == len {
        true => Ok(keyring),
        false => Err(damaged(&file.path(), "it is too long")),
    }
}

/// Removes the leftovers of an interrupted write.
pub fn tidy(files: &Files, store: &Path) -> Result<()> {
    let path = store.join(KEYRING);
    let present = present(store);
    if present != path {
        files.rename(&present, &path)?;
    }
    for left in [format!("{KEYRING}.new"), REPLACED.into()] {
        let left = store.join(left);
        if left.exists() {
            files.wipe(&left)?;
        }
    }
    Ok(())
}

/// The possible names of a store's keyrings, of which all but the first are temporary.
pub fn names() -> [String; 3] {
    [KEYRING.into(), format!("{KEYRING}.new"), REPLACED.into()]
}
