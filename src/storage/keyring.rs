//! The keyring: the one file of a store that leads to its keys. It holds the store key,
//! under which the table key of every collection is (`keys.rs`).
//!
//! | bytes | |
//! | --- | --- |
//! | 0..20 | the beginning that all files have |
//! | 20..24 | how keys are kept: 0, as they are; 1, sealed under the user's key |
//! | 24..84 | the store key: a nonce at random (12 bytes), the key (32), the tag (16) |
//! | 84..144 | the store key before it, in the same form, while keys are being rotated |
//! | 144..148 | how many bytes follow |
//! | 148.. | what the user's key service made of the user's key |
//! | then 8 | checksum of all before |
//!
//! A key that is kept as it is has zeros for its nonce and its tag; where there is none, all
//! is zeros. Bytes 0 to 24 are authenticated with a sealed one.
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

/// What the file is called.
pub const KEYRING: &str = "KEYRING";
/// And the one before it, until it is overwritten.
const REPLACED: &str = "KEYRING.old";
const BEGINNING: usize = PREAMBLE + 4;
const KEPT: usize = NONCE + KEY + TAG;
const LENGTH: usize = BEGINNING + 2 * KEPT;
const WRAPPED: usize = LENGTH + 4;
/// What a key service may make of a key.
const MOST: u64 = 64 << 10;

/// The keys that a keyring holds.
#[derive(Clone)]
pub struct Keyring {
    pub key: Key,
    /// The one before, while keys are being rotated.
    pub previous: Option<Key>,
}

/// The key that a user keeps, which opens the keyring.
#[derive(Clone)]
pub struct UserKey {
    pub key: Key,
    /// What the user's key service made of it, if there is one.
    pub wrapped: Vec<u8>,
}

/// The keys of a store that is open.
pub struct StoreKeys(Mutex<(Keyring, Option<UserKey>)>);

impl StoreKeys {
    pub fn new(keyring: Keyring, user: Option<UserKey>) -> Arc<Self> {
        Arc::new(Self(Mutex::new((keyring, user))))
    }

    pub fn keyring(&self) -> Keyring {
        self.0.lock().0.clone()
    }

    /// The user's key, where the store is encrypted.
    pub fn user(&self) -> Option<UserKey> {
        self.0.lock().1.clone()
    }

    /// Fails where `user` is not the key that the store's keyring is opened with.
    pub fn check(&self, files: &Files, store: &Path, user: Option<&UserKey>) -> Result<()> {
        // Not while the file gets another one's name.
        let _keys = self.0.lock();
        open(files, store, user).map(drop)
    }

    /// Writes other keys to the store's keyring; from here on they are the store's.
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
        // Where it is not known which of them would be found, nothing more is written.
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

/// How many bytes a keyring has.
pub fn size(user: Option<&UserKey>) -> usize {
    WRAPPED + user.map_or(0, |user| user.wrapped.len()) + 8
}

/// The bytes of a keyring.
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

/// The keyring's bytes, as they are in a file that begins with one.
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

/// Reads the keyring that a file begins with. Returns its keys, and how long it is.
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

/// What the user's key service made of the key of a store, a backup or exported keys, where it
/// did. `None`
/// where there is no store yet.
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

/// Where the keyring is that counts: the one before where its successor has no name yet.
fn present(store: &Path) -> std::path::PathBuf {
    let (path, replaced) = (store.join(KEYRING), store.join(REPLACED));
    match !path.exists() && replaced.exists() {
        true => replaced,
        false => path,
    }
}

/// Writes a store's keyring. It is on the disk when this returns.
pub fn create(
    files: &Files,
    store: &Path,
    keyring: &Keyring,
    user: Option<&UserKey>,
) -> Result<()> {
    exchange(files, store, prepare(files, store, keyring, user)?)
}

/// Writes a keyring that has no name yet.
fn prepare(files: &Files, store: &Path, keyring: &Keyring, user: Option<&UserKey>) -> Result<File> {
    let unfinished = store.join(format!("{KEYRING}.new"));
    if unfinished.exists() {
        files.wipe(&unfinished)?;
    }
    let bytes = encode(header::KEYRING, keyring, user)?;
    let file = files.create(&unfinished)?;
    let written = file.write_at(0, &bytes).and_then(|()| file.sync());
    if written.is_err() {
        // The next one wipes it, or the next opening.
        let _ = file.wipe();
    }
    written.map(|()| file)
}

/// Lets a keyring take the place of the one there is, which is overwritten then.
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

/// Reads a store's keyring. What is left of one that was being written stays: see `tidy`.
pub fn open(files: &Files, store: &Path, user: Option<&UserKey>) -> Result<Keyring> {
    let file = files.open_to_read(&present(store))?;
    let (keyring, len) = read(&file, header::KEYRING, user)?;
    match file.size()? == len {
        true => Ok(keyring),
        false => Err(damaged(&file.path(), "it is too long")),
    }
}

/// Removes what an interrupted writing has left behind.
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

/// The names of a store's keyrings, of which all but the first are on their way.
pub fn names() -> [String; 3] {
    [KEYRING.into(), format!("{KEYRING}.new"), REPLACED.into()]
}
