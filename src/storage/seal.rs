//! Sealing: everything on disk about a vector can be decrypted only with that vector's key.
//!
//! Everything is sealed with AES-256-GCM (NIST SP 800-38D), by ring.
//!
//! | what | key | nonce, 12 bytes | additional authenticated data |
//! | --- | --- | --- | --- |
//! | an entry's outline | the entry's own, which seals nothing but its two parts | zeros | the collection's random name (16 bytes), and the lengths of id, metadata and text as in the head |
//! | an entry's values | the same | 1, 11 zeros | the same |
//! | an entry's key | the table key | the table's turn (4 bytes), the key index (8) | none: it is masked, see below |
//! | a collection's settings | the table key | 4 zeros, 8 random bytes | the collection's random name (16 bytes) |
//! | a graph file | the table key | 4 zeros, 8 random bytes | the file's preamble, 20 bytes |
//! | what a backup's collection is a copy of, a backup's record of keys that are apart, and exported keys | the table key | 4 zeros, 8 random bytes | `COPY`, `AWAY`, `EXPO` |
//! | the table key | the store key | 12 random bytes | the table's bytes before the nonce |
//! | the store key | the user's, if there is one | 12 random bytes | the keyring's bytes 0 to 24 |
//!
//! An entry's key is masked in counter mode: it is sealed, and the tag is dropped. A key is 32
//! random bytes, and whether it is the right one shows when it opens its parts.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::{Zeroize, Zeroizing};

use super::record::{Head, Label, Lengths, write_outline};
use crate::{
    error::{Error, Result},
    vectors::Terms,
};

/// The size of a key in bytes.
pub const KEY: usize = 32;
/// How much longer a text becomes by sealing.
pub const TAG: usize = 16;
/// The size of a nonce in bytes.
pub const NONCE: usize = NONCE_LEN;
/// The nonces of an entry's parts.
pub const OUTLINE_NONCE: [u8; NONCE] = [0; NONCE];
pub const VALUES_NONCE: [u8; NONCE] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The size of a collection's random name in bytes.
pub const NAME: usize = 16;

/// Fills `bytes` with cryptographically secure random bytes.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| Error::Storage("the system has no random numbers for keys".into()))
}

/// A key, overwritten when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; KEY]>);

impl Key {
    pub fn random() -> Result<Self> {
        let mut key = Self::from([0; KEY]);
        random(&mut *key.0)?;
        Ok(key)
    }

    /// The key in `bytes`, if they have the right length.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::from([0; KEY]);
        if bytes.len() != KEY {
            return None;
        }
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    pub fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    pub fn cipher(&self) -> Result<Cipher> {
        Cipher::new(&*self.0)
    }
}

impl From<[u8; KEY]> for Key {
    fn from(mut bytes: [u8; KEY]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }
}

/// A key ready for use. It lives on the stack, for the length of a call.
pub struct Cipher(LessSafeKey);

impl Cipher {
    pub fn new(key: &[u8]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key);
        let key = key.map_err(|_| Error::Internal("a key is of the wrong length".into()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals `bytes` in place, and returns the tag, which must be stored after them.
    pub fn seal(&self, nonce: [u8; NONCE], with: &[u8], bytes: &mut [u8]) -> Result<[u8; TAG]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(with), bytes);
        let tag = tag.map_err(|_| Error::Internal("a text is too long to be sealed".into()))?;
        let mut out = [0; TAG];
        out.copy_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Opens sealed bytes, followed by their tag, in place. `None` if anything has been changed.
    pub fn open<'a>(
        &self,
        nonce: [u8; NONCE],
        with: &[u8],
        sealed: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(with), sealed).ok()
    }

    /// Masks `bytes` with the keystream of this nonce, or unmasks them.
    pub fn mask(&self, nonce: [u8; NONCE], bytes: &mut [u8]) -> Result<()> {
        self.seal(nonce, &[], bytes).map(drop)
    }
}

/// The concatenated parts of some entries, and their keys.
#[derive(Default)]
pub struct Sealed {
    name: [u8; NAME],
    outlines: Vec<u8>,
    values: Vec<u8>,
    /// `KEY` bytes for each entry.
    keys: Zeroizing<Vec<u8>>,
    count: usize,
}

impl Sealed {
    /// For at most `count` entries of the collection with this random name.
    pub fn new(name: [u8; NAME], count: usize) -> Result<Self> {
        let mut keys = Zeroizing::new(vec![0; count * KEY]);
        random(&mut keys)?;
        Ok(Self {
            name,
            keys,
            ..Self::default()
        })
    }

    /// Reserves memory for entries of these total lengths.
    pub fn reserve(&mut self, lengths: impl IntoIterator<Item = Lengths>) {
        let (mut outlines, mut values) = (0, 0);
        for length in lengths {
            outlines += length.outline as usize;
            values += length.values as usize;
        }
        self.outlines.reserve(outlines);
        self.values.reserve(values);
    }

    /// Seals an entry's parts. `head` contains its lengths.
    pub fn push(
        &mut self,
        head: &Head,
        row: &[f32],
        code: (&[i8], Terms),
        label: &Label<'_>,
        text: Option<&str>,
    ) -> Result<()> {
        let cipher = self.push_outline(head, code, label)?;
        // Reserved in full, because growing would leave copies of unsealed data behind.
        self.values.reserve(head.lengths(row.len()).values as usize);
        let begin = self.values.len();
        let values = row.iter().flat_map(|value| value.to_le_bytes());
        self.values.extend(values);
        self.values
            .extend_from_slice(text.unwrap_or_default().as_bytes());
        let with = head.authenticated(&self.name);
        let tag = cipher.seal(VALUES_NONCE, &with, &mut self.values[begin..])?;
        self.values.extend_from_slice(&tag);
        Ok(())
    }

    /// Appends an entry whose values are already sealed with `key`. Its outline is sealed again:
    /// what is the same becomes the same bytes.
    pub fn push_sealed(
        &mut self,
        head: &Head,
        key: &[u8],
        code: (&[i8], Terms),
        label: &Label<'_>,
        values: &[u8],
    ) -> Result<()> {
        if key.iter().all(|&byte| byte == 0) {
            return Err(Error::Internal("a destroyed key seals nothing".into()));
        }
        self.next_key()?.copy_from_slice(key);
        self.push_outline(head, code, label)?;
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// Where the key of the next entry is.
    fn next_key(&mut self) -> Result<&mut [u8]> {
        let key = self.keys.get_mut(self.count * KEY..(self.count + 1) * KEY);
        key.ok_or_else(|| Error::Internal("there are more entries than keys".into()))
    }

    fn push_outline(
        &mut self,
        head: &Head,
        code: (&[i8], Terms),
        label: &Label<'_>,
    ) -> Result<Cipher> {
        let cipher = Cipher::new(self.next_key()?)?;
        let len = head.lengths(code.0.len()).outline;
        self.outlines.reserve(len as usize);
        let begin = self.outlines.len();
        write_outline(code, label, &mut self.outlines);
        let with = head.authenticated(&self.name);
        let tag = cipher.seal(OUTLINE_NONCE, &with, &mut self.outlines[begin..])?;
        self.outlines.extend_from_slice(&tag);
        self.count += 1;
        Ok(cipher)
    }

    /// The outlines of all entries, and their values.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.outlines, &self.values]
    }

    /// The size of all parts in bytes.
    pub fn size(&self) -> usize {
        self.outlines.len() + self.values.len()
    }

    /// The keys of the entries appended so far.
    pub fn keys(&self) -> &[u8] {
        &self.keys[..self.count * KEY]
    }

    pub fn name(&self) -> &[u8; NAME] {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_with_the_same_key_nonce_and_company_alone() {
        let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
        let mut sealed = b"a text".to_vec();
        let cipher = key.cipher().unwrap();
        let tag = cipher.seal([1; NONCE], b"with", &mut sealed).unwrap();
        sealed.extend(tag);
        assert!(!sealed.starts_with(b"a text"));
        let opened = |cipher: &Cipher, nonce, with: &[u8], sealed: &[u8]| {
            let mut sealed = sealed.to_vec();
            cipher
                .open(nonce, with, &mut sealed)
                .map(|text| text.to_vec())
        };
        let text = opened(&cipher, [1; NONCE], b"with", &sealed);
        assert_eq!(text.as_deref(), Some(&b"a text"[..]));
        assert_eq!(opened(&cipher, [2; NONCE], b"with", &sealed), None);
        assert_eq!(opened(&cipher, [1; NONCE], b"wit", &sealed), None);
        assert_eq!(
            opened(&other.cipher().unwrap(), [1; NONCE], b"with", &sealed),
            None
        );
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(opened(&cipher, [1; NONCE], b"with", &changed), None, "{at}");
            assert_eq!(
                opened(&cipher, [1; NONCE], b"with", &sealed[..at]),
                None,
                "{at}"
            );
        }
    }

    #[test]
    fn a_mask_is_taken_away_by_the_same_mask_and_is_another_for_each_nonce() {
        let cipher = Key::random().unwrap().cipher().unwrap();
        let mut bytes = [0; KEY];
        cipher.mask([1; NONCE], &mut bytes).unwrap();
        let first = bytes;
        assert_ne!(first, [0; KEY]);
        cipher.mask([1; NONCE], &mut bytes).unwrap();
        assert_eq!(bytes, [0; KEY]);
        cipher.mask([2; NONCE], &mut bytes).unwrap();
        assert_ne!(bytes, first);
    }
}
