//! The key table of a log: one key for each entry put by the log, in the same order. A delete
//! destroys keys.
//!
//! | bytes | |
//! | --- | --- |
//! | 0..20 | the preamble that all files have |
//! | 20..36 | the collection's random name, which is authenticated with everything sealed |
//! | 36..40 | the table's turn: the generation of its log |
//! | 40..52 | the nonce of the table key |
//! | 52..100 | the table key, sealed with the store key |
//! | 100..104 | size of the settings |
//! | 104.. | the collection's settings, a JSON text: a nonce (12), the sealed text, the tag (16) |
//! | 4088..4096 | checksum of everything before |
//! | 4096.. | the keys: 32 bytes for each entry, its key masked with the table key; zeros if it has been destroyed |
//!
//! Entry number `n` of the log, counted from 0 in the order in which the records put them, has its
//! key at byte `4096 + 32 * n`: `n` is its key index. No key crosses a
//! page boundary.

use std::{io, ops::Range, path::Path, sync::Arc};

use zeroize::Zeroizing;

use super::{
    file::{File, Files, failed},
    header::{self, PREAMBLE, damaged},
    keyring::Keyring,
    record::{checksum, u32_at, u64_at},
    seal::{Cipher, KEY, Key, NAME, NONCE, TAG, random},
    sync::Health,
};
use crate::error::{Error, Result};

/// The offset of the first key.
pub const KEYS_OFFSET: u64 = 4096;
const TABLE_NONCE: usize = PREAMBLE + NAME + 4;
const TABLE_KEY: usize = TABLE_NONCE + NONCE;
const SETTINGS: usize = TABLE_KEY + KEY + TAG;
const SUM: usize = KEYS_OFFSET as usize - 8;

/// Masks keys, and seals data that belongs to the collection as a whole.
#[derive(Clone)]
pub struct TableKey {
    pub name: [u8; NAME],
    pub turn: u32,
    key: Key,
}

impl TableKey {
    pub fn new(name: [u8; NAME], turn: u32, key: Key) -> Self {
        Self { name, turn, key }
    }

    /// The same key for another log of the collection.
    pub fn in_turn(&self, turn: u32) -> Self {
        Self {
            turn,
            ..self.clone()
        }
    }

    fn nonce(&self, key_index: u64) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        nonce[..4].copy_from_slice(&self.turn.to_le_bytes());
        nonce[4..].copy_from_slice(&key_index.to_le_bytes());
        nonce
    }

    /// Masks or unmasks the keys from index `key_index` on. Zeros, which stand for destroyed
    /// keys, stay zeros.
    pub fn mask(&self, key_index: u64, keys: &mut [u8]) -> Result<()> {
        let masks = self.masks()?;
        let mut keys = (key_index..).zip(keys.chunks_exact_mut(KEY));
        keys.try_for_each(|(key_index, key)| masks.apply(key_index, key))
    }

    pub fn masks(&self) -> Result<Masks<'_>> {
        let cipher = self.key.cipher()?;
        Ok(Masks {
            table: self,
            cipher,
        })
    }

    /// A nonce that no entry has: no table has turn 0.
    fn random_nonce() -> Result<[u8; NONCE]> {
        let mut nonce = [0; NONCE];
        random(&mut nonce[4..])?;
        Ok(nonce)
    }

    /// Seals a text with a random nonce. Returns the nonce, the sealed bytes and the tag.
    pub fn seal(&self, with: &[u8], mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        let nonce = Self::random_nonce()?;
        let tag = self.key.cipher()?.seal(nonce, with, &mut bytes)?;
        bytes.splice(..0, nonce);
        bytes.extend(tag);
        Ok(bytes)
    }

    pub fn open(&self, with: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk()?;
        let mut rest = Zeroizing::new(rest.to_vec());
        let opened = self.key.cipher().ok()?.open(*nonce, with, &mut rest)?.len();
        rest.truncate(opened);
        Some(rest)
    }

    /// Seals a collection's settings.
    pub fn seal_settings(&self, settings: &str) -> Result<Vec<u8>> {
        self.seal(&self.name, settings.as_bytes().to_vec())
    }

    pub fn open_settings(&self, sealed: &[u8]) -> Option<String> {
        String::from_utf8(self.open(&self.name, sealed)?.to_vec()).ok()
    }

    /// Seals a file except for its preamble.
    pub fn seal_file(&self, file: &[u8]) -> Result<Vec<u8>> {
        let (beginning, rest) = file.split_at(PREAMBLE.min(file.len()));
        let nonce = Self::random_nonce()?;
        let mut sealed = Vec::with_capacity(file.len() + NONCE + TAG);
        for part in [beginning, &nonce, rest] {
            sealed.extend_from_slice(part);
        }
        let body = &mut sealed[beginning.len() + NONCE..];
        let tag = self.key.cipher()?.seal(nonce, beginning, body)?;
        sealed.extend(tag);
        Ok(sealed)
    }

    /// Opens a sealed file in place. `None` if it is damaged.
    pub fn open_file(&self, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let (beginning, rest) = sealed.split_at_mut_checked(PREAMBLE)?;
        let (nonce, rest) = rest.split_first_chunk_mut()?;
        let opened = self.key.cipher().ok()?.open(*nonce, beginning, rest)?.len();
        sealed.drain(PREAMBLE..PREAMBLE + NONCE);
        sealed.truncate(PREAMBLE + opened);
        Some(sealed)
    }
}

/// What masks each key of a table.
pub struct Masks<'a> {
    table: &'a TableKey,
    cipher: Cipher,
}

impl Masks<'_> {
    /// Masks or unmasks the key at an index, like `TableKey::mask`.
    pub fn apply(&self, key_index: u64, key: &mut [u8]) -> Result<()> {
        match key.iter().any(|&byte| byte != 0) {
            true => self.cipher.mask(self.table.nonce(key_index), key),
            false => Ok(()),
        }
    }
}

/// The key table of a log.
pub struct Keys {
    file: Arc<File>,
    table: TableKey,
    settings: String,
}

impl Keys {
    /// The name of a log's key table.
    pub fn name(log: u64) -> String {
        format!("keys.{log}")
    }

    /// Creates a table. It may use the space reserved for deletes if that is passed to it.
    pub fn create(
        files: &Files,
        path: &Path,
        store: &Key,
        table: TableKey,
        settings: &str,
        spare: Option<&Health>,
    ) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; KEYS_OFFSET as usize]);
        bytes[..PREAMBLE].copy_from_slice(&header::preamble(header::KEYS));
        bytes[PREAMBLE..][..NAME].copy_from_slice(&table.name);
        bytes[TABLE_NONCE - 4..TABLE_NONCE].copy_from_slice(&table.turn.to_le_bytes());
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let (beginning, rest) = bytes.split_at_mut(TABLE_NONCE);
        rest[..NONCE].copy_from_slice(&nonce);
        rest[NONCE..][..KEY].copy_from_slice(table.key.bytes());
        let tag = store
            .cipher()?
            .seal(nonce, beginning, &mut rest[NONCE..][..KEY])?;
        rest[NONCE + KEY..][..TAG].copy_from_slice(&tag);
        let sealed = table.seal_settings(settings)?;
        let room = bytes[SETTINGS + 4..SUM].get_mut(..sealed.len());
        let room = room.ok_or_else(|| {
            let room = SUM - SETTINGS - 4 - NONCE - TAG;
            let bytes = settings.len();
            Error::Validation(format!(
                "the collection's settings have {bytes} bytes; there is room for {room}"
            ))
        })?;
        room.copy_from_slice(&sealed);
        bytes[SETTINGS..][..4].copy_from_slice(&(sealed.len() as u32).to_le_bytes());
        let sum = checksum(&bytes[..SUM]);
        bytes[SUM..].copy_from_slice(&sum.to_le_bytes());
        let file = files.create(path)?;
        let write = || file.try_write_at(0, &*bytes);
        let written = match spare {
            Some(health) => health.with_reserve(write),
            None => write(),
        };
        if let Err(error) = written {
            let error = failed("write to", path, &error);
            // It does not contain a key in use yet.
            let _ = files.remove(path);
            return Err(error);
        }
        Ok(Self {
            file: Arc::new(file),
            table,
            settings: settings.to_owned(),
        })
    }

    /// Opens a table whose key is sealed with one of the store's keys.
    pub fn open(file: File, store: &Keyring) -> Result<Self> {
        let path = file.path();
        header::check_file(&file, header::KEYS, KEYS_OFFSET)?;
        let mut bytes = Zeroizing::new([0; KEYS_OFFSET as usize]);
        file.read_at(0, &mut *bytes)?;
        if u64_at(&*bytes, SUM) != checksum(&bytes[..SUM]) {
            return Err(damaged(&path, "its checksum is wrong"));
        }
        let length = u32_at(&*bytes, SETTINGS) as usize;
        let settings = bytes[SETTINGS + 4..SUM].get(..length).map(<[u8]>::to_vec);
        let (beginning, rest) = bytes.split_at_mut(TABLE_NONCE);
        let (nonce, rest) = rest.split_at_mut(NONCE);
        let mut name = [0; NAME];
        name.copy_from_slice(&beginning[PREAMBLE..][..NAME]);
        let mut turn = [0; 4];
        turn.copy_from_slice(&beginning[TABLE_NONCE - 4..]);
        let mut twelve = [0; NONCE];
        twelve.copy_from_slice(nonce);
        let mut key = None;
        for store in [Some(&store.key), store.previous.as_ref()]
            .into_iter()
            .flatten()
        {
            let mut sealed = Zeroizing::new(rest[..KEY + TAG].to_vec());
            let opened = store.cipher()?.open(twelve, beginning, &mut sealed);
            key = key.or(opened.and_then(|key| Key::of(key)));
        }
        let key = key.ok_or_else(|| damaged(&path, "the store's keyring does not open it"))?;
        let table = TableKey::new(name, u32::from_le_bytes(turn), key);
        let settings = settings.and_then(|sealed| table.open_settings(&sealed));
        Ok(Self {
            file: Arc::new(file),
            settings: settings.ok_or_else(|| damaged(&path, "its settings are damaged"))?,
            table,
        })
    }

    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub fn table(&self) -> &TableKey {
        &self.table
    }

    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// Writes keys from index `key_index` on.
    pub fn write(&self, key_index: u32, keys: &[u8]) -> io::Result<()> {
        let mut masked = keys.to_vec();
        let mask = self.table.mask(key_index.into(), &mut masked);
        mask.map_err(|error| io::Error::other(error.to_string()))?;
        self.file.try_write_at(place(key_index), &masked)
    }

    /// Destroys the keys at these indices.
    pub fn destroy(&self, key_indices: &Range<u32>) -> Result<()> {
        let destroyed = destroy(&self.file, key_indices);
        destroyed.map_err(|e| failed("write to", &self.file.path(), &e))
    }

    /// The number of keys in the file, with destroyed ones.
    pub fn count(&self) -> Result<u64> {
        Ok(self
            .file
            .size()?
            .saturating_sub(KEYS_OFFSET)
            .div_ceil(KEY as u64))
    }

    /// `count` keys from index `key_index` on: zeros if they have been destroyed, or are past the
    /// end of the file.
    pub fn read(&self, key_index: u32, count: usize) -> Result<Zeroizing<Vec<u8>>> {
        let mut keys = Zeroizing::new(vec![0; count * KEY]);
        self.read_masked(key_index, &mut keys)?;
        self.table.mask(key_index.into(), &mut keys)?;
        Ok(keys)
    }

    /// Reads as many keys as there is room for, as they are in the file, from index `key_index` on:
    /// zeros where `read` has zeros.
    pub fn read_masked(&self, key_index: u32, masked: &mut [u8]) -> Result<()> {
        let mut at = 0;
        while at < masked.len() {
            let read = self
                .file
                .read_some(place(key_index) + at as u64, &mut masked[at..])
                .map_err(|e| failed("read", &self.file.path(), &e))?;
            if read == 0 {
                break;
            }
            at += read;
        }
        masked[at..].fill(0);
        Ok(())
    }

    /// Copies `count` keys to another table of the same log.
    pub fn copy(&self, key_index: u32, count: u32, to: &Keys) -> Result<()> {
        let keys = self.read(key_index, count as usize)?;
        let written = to.write(key_index, &keys);
        written.map_err(|e| failed("write to", &to.file.path(), &e))
    }

    /// Truncates the file after `count` keys. The keys behind them are first zeroed on disk,
    /// because they must not remain in free blocks.
    pub fn cut(&self, count: u32) -> Result<()> {
        match self.count()? > u64::from(count) {
            true => self.file.cut(place(count)),
            false => Ok(()),
        }
    }
}

/// Reads the keys of a table from the first to the last.
pub struct KeyReader<'a> {
    keys: &'a Keys,
    read: Zeroizing<Vec<u8>>,
    /// The index of the first key in the buffer.
    first: u32,
}

impl<'a> KeyReader<'a> {
    const BATCH: usize = 4096;

    pub fn new(keys: &'a Keys) -> Self {
        Self {
            keys,
            read: Zeroizing::default(),
            first: 0,
        }
    }

    /// The key at an index. `None` if it has been destroyed.
    pub fn get(&mut self, key_index: u32) -> Result<Option<&[u8]>> {
        let count = (self.read.len() / KEY) as u32;
        if key_index < self.first || key_index - self.first >= count {
            self.read = self.keys.read(key_index, Self::BATCH)?;
            self.first = key_index;
        }
        let at = (key_index - self.first) as usize * KEY;
        let key = &self.read[at..at + KEY];
        Ok(key.iter().any(|&byte| byte != 0).then_some(key))
    }
}

fn place(key_index: u32) -> u64 {
    KEYS_OFFSET + u64::from(key_index) * KEY as u64
}

/// Destroys the keys at these indices of a table.
pub fn destroy(table: &File, key_indices: &Range<u32>) -> io::Result<()> {
    let len = u64::from(key_indices.end - key_indices.start) * KEY as u64;
    table.try_erase(place(key_indices.start), len)
}

/// A random name for a new collection.
pub fn new_name() -> Result<[u8; NAME]> {
    let mut name = [0; NAME];
    random(&mut name)?;
    Ok(name)
}

/// The error for too many entries in one log.
pub fn full() -> Error {
    Error::Storage("the log has as many entries as it can: optimize the collection".into())
}
