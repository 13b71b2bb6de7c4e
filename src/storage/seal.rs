//! Sealing: everything on disk about a vector can be decrypted only with that vector's key.
//!
//! Everything is sealed with AES-256-GCM (NIST SP 800-38D), by ring.
//!
//! | what | key | nonce, 12 bytes | additional authenticated data |
//! | --- | --- | --- | --- |
//! | an entry's part | the entry's own, which seals nothing else | zeros | the collection's random name (16 bytes), and the lengths of id, metadata and text as in the head |
//! | an entry's key | the table key | the table's turn (4 bytes), the key index (8) | none: it is masked, see below |
//! | a collection's settings | the table key | 4 zeros, 8 random bytes | the collection's random name (16 bytes) |
//! | a graph file | the table key | 4 zeros, 8 random bytes | the file's preamble, 20 bytes |
//! | a backup's record of keys that are apart, and exported keys | the table key | 4 zeros, 8 random bytes | `AWAY`, `EXPO` |
//! | the table key | the store key | 12 random bytes | the table's bytes before the nonce |
//! | the store key | the user's, if there is one | 12 random bytes | the keyring's bytes 0 to 24 |
//!
//! An entry's key is masked in counter mode: it is sealed, and the tag is dropped. A key is 32
//! random bytes, and whether it is the right one shows when it opens its part.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::{Zeroize, Zeroizing};

use super::record::Head;
use crate::error::{Error, Result};

/// The size of a key in bytes.
pub const KEY: usize = 32;
/// How much longer a text becomes by sealing.
pub const TAG: usize = 16;
/// The size of a nonce in bytes.
pub const NONCE: usize = NONCE_LEN;
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
    parts: Vec<u8>,
    /// `KEY` bytes for each entry.
    keys: Zeroizing<Vec<u8>>,
    count: usize,
}

impl Sealed {
    /// For at most `count` entries, with `bytes` in total, of the collection with this random name.
    pub fn new(name: [u8; NAME], count: usize, bytes: usize) -> Result<Self> {
        let mut keys = Zeroizing::new(vec![0; count * KEY]);
        random(&mut keys)?;
        Ok(Self {
            name,
            parts: Vec::with_capacity(bytes),
            keys,
            count: 0,
        })
    }

    /// Seals an entry's part. `head` contains its lengths.
    pub fn push(
        &mut self,
        head: &Head,
        row: &[f32],
        id: &str,
        metadata: Option<&str>,
        text: Option<&str>,
    ) -> Result<()> {
        let key = self.keys.get(self.count * KEY..(self.count + 1) * KEY);
        let key = key.ok_or_else(|| Error::Internal("there are more entries than keys".into()))?;
        let cipher = Cipher::new(key)?;
        // Reserved in full, because growing would leave copies of unsealed data behind.
        self.parts.reserve(head.part(row.len()) as usize);
        let begin = self.parts.len();
        let values = row.iter().flat_map(|value| value.to_le_bytes());
        self.parts.extend(values);
        for text in [Some(id), metadata, text].into_iter().flatten() {
            self.parts.extend_from_slice(text.as_bytes());
        }
        let with = head.authenticated(&self.name);
        let tag = cipher.seal([0; NONCE], &with, &mut self.parts[begin..])?;
        self.parts.extend_from_slice(&tag);
        self.count += 1;
        Ok(())
    }

    /// Appends an entry that is already sealed.
    pub fn push_sealed(&mut self, part: &[u8], key: &[u8]) -> Result<()> {
        let place = self.keys.get_mut(self.count * KEY..(self.count + 1) * KEY);
        let place =
            place.ok_or_else(|| Error::Internal("there are more entries than keys".into()))?;
        place.copy_from_slice(key);
        self.parts.extend_from_slice(part);
        self.count += 1;
        Ok(())
    }

    pub fn parts(&self) -> &[u8] {
        &self.parts
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
