//! The record format of logs and backups.
//!
//! Numbers are little-endian. A record consists of a header, a directory and data:
//!
//! | header bytes | |
//! | --- | --- |
//! | 0..4 | kind: `CMIT` a commit, `CONF` the settings of a backup's collection, `COPY` what it is a copy of, `KEYS` and `AWAY` the keys of a backup's collection, or where they are, `EXPO` exported keys, `DONE` the end of a file |
//! | 4..8 | number of keys it removes |
//! | 8..12 | number of entries it puts |
//! | 12..16 | in commits the collection's TTL in seconds, zero for none; else zero |
//! | 16..24 | the sequence number of the commit |
//! | 24..32 | the key that the next new entry will get |
//! | 32..40 | time: microseconds since 1970 |
//! | 40..48 | size of the data |
//! | 48..56 | checksum of the directory |
//! | 56..64 | checksum of the header up to here |
//!
//! The directory lists the removed keys (8 bytes each) and the entries' heads (28 bytes each: key,
//! insertion order, lengths of id, metadata and text; `u32::MAX` if there is none). The data is two
//! parts for each entry: first the outlines of all entries, in order, then the values of all. Each
//! is sealed, and ends with a tag of 16 bytes (`seal.rs`).
//!
//! | part | |
//! | --- | --- |
//! | outline | what a collection has in memory: norm (f64), residual (f32) and scale (f32) of the code, when it expires and when it was inserted (i64 each), the code (i8 each), the id, the metadata |
//! | values | what it need not have there: the f32 row, the text |
//!
//! The data of `CONF` is a JSON text, also sealed; of `KEYS`, the contents of a key table without
//! its beginning (`keys.rs`); of `COPY`, `AWAY` and `EXPO`, what `backup.rs` describes; of `DONE`, a
//! checksum and a JSON text.
//!
//! Sealed data is not covered by the checksums: its tag takes their place. An entry that a later
//! commit has removed or replaced no longer has a key. What remains of it is a number and four
//! lengths in the directory, and parts that are indistinguishable from noise.
//!
//! Checksums are XXH3 with 64 bits.

use std::io::{self, Read};

use time::OffsetDateTime;
use twox_hash::XxHash3_64;

use super::seal::{Cipher, NAME, OUTLINE_NONCE, TAG, VALUES_NONCE};
use crate::vectors::{Terms, Times};

pub const HEADER: usize = 64;
pub const HEAD: usize = 28;
const ABSENT: u32 = u32::MAX;
/// The sizes of a code's terms, and of a vector's times.
const TERMS: usize = 16;
const TIMES: usize = 16;
/// The largest number of values in a row.
pub const MAX_DIMENSION: usize = 65_535;
/// The code that no value has: they are as large in both directions.
const NO_CODE: u8 = i8::MIN as u8;
/// Keys, orders and sequence numbers are counted one by one, and never reach this.
const LARGEST: u64 = 1 << 62;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Commit,
    Config,
    Copied,
    Keys,
    Away,
    Exported,
    Done,
}

impl Kind {
    fn tag(self) -> &'static [u8; 4] {
        match self {
            Kind::Commit => b"CMIT",
            Kind::Config => b"CONF",
            Kind::Copied => b"COPY",
            Kind::Keys => b"KEYS",
            Kind::Away => b"AWAY",
            Kind::Exported => b"EXPO",
            Kind::Done => b"DONE",
        }
    }
}

/// The part of an entry that is not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Identifies the vector until its values change: an entry with the same number replaces the
    /// earlier one.
    pub key: u64,
    /// The vector's position in insertion order.
    pub order: u64,
    pub id: u32,
    pub metadata: Option<u32>,
    pub text: Option<u32>,
}

/// A record without its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: Kind,
    /// The collection's TTL from this commit on, in seconds; 0 for none.
    pub ttl: u32,
    pub sequence: u64,
    pub next_key: u64,
    pub time: i64,
    pub removed: Vec<u64>,
    pub entries: Vec<Head>,
    pub data: u64,
}

/// Why a record could not be read.
#[derive(Debug)]
pub enum Damage {
    /// The bytes end before the record does.
    Incomplete,
    Corrupt(&'static str),
    Read(io::Error),
}

/// The sizes of an entry's parts in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    pub outline: u64,
    pub values: u64,
}

impl Lengths {
    pub fn total(&self) -> u64 {
        self.outline + self.values
    }
}

/// The part of an entry that a collection has in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outline<'a> {
    pub terms: Terms,
    /// Signed numbers of 8 bits.
    pub code: &'a [u8],
    pub label: Label<'a>,
}

/// What an outline has besides the code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Label<'a> {
    pub times: Times,
    pub id: &'a str,
    pub metadata: Option<&'a str>,
}

/// The part of an entry that a collection need not have in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values<'a> {
    row: &'a [u8],
    pub text: Option<&'a str>,
}

impl Values<'_> {
    /// The values of the row.
    pub fn row(&self) -> impl Iterator<Item = f32> {
        self.row.chunks_exact(4).map(|bytes| {
            let mut four = [0; 4];
            four.copy_from_slice(bytes);
            f32::from_le_bytes(four)
        })
    }
}

/// Appends an outline, not sealed.
pub fn write_outline((code, terms): (&[i8], Terms), label: &Label<'_>, out: &mut Vec<u8>) {
    out.extend(terms.norm.to_le_bytes());
    out.extend(terms.residual.to_le_bytes());
    out.extend(terms.scale.to_le_bytes());
    out.extend(label.times.write().map(i64::to_le_bytes).as_flattened());
    out.extend(code.iter().map(|&value| value as u8));
    out.extend_from_slice(label.id.as_bytes());
    out.extend_from_slice(label.metadata.unwrap_or_default().as_bytes());
}

pub fn checksum(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

impl Head {
    /// The sizes of the entry's parts.
    pub fn lengths(&self, dimension: usize) -> Lengths {
        let row = dimension as u64;
        let texts = u64::from(self.id) + u64::from(self.metadata.unwrap_or(0));
        Lengths {
            outline: (TERMS + TIMES + TAG) as u64 + row + texts,
            values: 4 * row + u64::from(self.text.unwrap_or(0)) + TAG as u64,
        }
    }

    /// What is authenticated with each of the entry's parts: the collection's random name, and the lengths
    /// as they are in the directory.
    pub fn authenticated(&self, name: &[u8; NAME]) -> [u8; NAME + 12] {
        let mut out = [0; NAME + 12];
        out[..NAME].copy_from_slice(name);
        let lengths = [Some(self.id), self.metadata, self.text];
        for (out, length) in out[NAME..].chunks_exact_mut(4).zip(lengths) {
            out.copy_from_slice(&length.unwrap_or(ABSENT).to_le_bytes());
        }
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.key.to_le_bytes());
        out.extend(self.order.to_le_bytes());
        out.extend(self.id.to_le_bytes());
        out.extend(self.metadata.unwrap_or(ABSENT).to_le_bytes());
        out.extend(self.text.unwrap_or(ABSENT).to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let length = |at| Some(u32_at(bytes, at)).filter(|&len| len != ABSENT);
        Self {
            key: u64_at(bytes, 0),
            order: u64_at(bytes, 8),
            id: u32_at(bytes, 16),
            metadata: length(20),
            text: length(24),
        }
    }

    /// Decrypts the entry's outline in place, and parses it. `None` if it is damaged, or the key is
    /// not its own.
    pub fn open_outline<'a>(
        &self,
        name: &[u8; NAME],
        key: &[u8],
        part: &'a mut [u8],
        dimension: usize,
    ) -> Option<Outline<'a>> {
        self.decrypt_outline(name, key, part)
            .then(|| self.parse_outline(part, dimension))?
    }

    /// Decrypts the entry's outline in place. False as above.
    pub fn decrypt_outline(&self, name: &[u8; NAME], key: &[u8], part: &mut [u8]) -> bool {
        let with = self.authenticated(name);
        let cipher = cipher_of(key);
        cipher.is_some_and(|cipher| cipher.open(OUTLINE_NONCE, &with, part).is_some())
    }

    /// Parses an outline that has been decrypted, with the tag behind it.
    pub fn parse_outline<'a>(&self, part: &'a [u8], dimension: usize) -> Option<Outline<'a>> {
        let body = part.get(..part.len().checked_sub(TAG)?)?;
        let (norm, rest) = body.split_first_chunk()?;
        let (residual, rest) = rest.split_first_chunk()?;
        let (scale, rest) = rest.split_first_chunk()?;
        let (expires_at, rest) = rest.split_first_chunk()?;
        let (inserted_at, rest) = rest.split_first_chunk()?;
        let (code, rest) = rest.split_at_checked(dimension)?;
        let (id, metadata) = rest.split_at_checked(self.id as usize)?;
        let terms = Terms {
            norm: f64::from_le_bytes(*norm),
            residual: f32::from_le_bytes(*residual),
            scale: f32::from_le_bytes(*scale),
        };
        let (expires_at, inserted_at) = (
            i64::from_le_bytes(*expires_at),
            i64::from_le_bytes(*inserted_at),
        );
        // No store writes others; a valid tag does not make them valid.
        let times = Times::read(expires_at, inserted_at)?;
        // Without a branch, it is many times as fast.
        let others = code
            .iter()
            .fold(0, |found, &value| found | u8::from(value == NO_CODE));
        if id.is_empty() || !terms.is_possible() || others != 0 {
            return None;
        }
        Some(Outline {
            terms,
            code,
            label: Label {
                times,
                id: str::from_utf8(id).ok()?,
                metadata: self.metadata.and(Some(str::from_utf8(metadata).ok()?)),
            },
        })
    }

    /// Decrypts the entry's values in place, and parses them. `None` as above, or if no vector has
    /// such values: a valid tag does not make them valid.
    pub fn open_values<'a>(
        &self,
        name: &[u8; NAME],
        key: &[u8],
        part: &'a mut [u8],
        dimension: usize,
    ) -> Option<Values<'a>> {
        let body: &[u8] = cipher_of(key)?.open(VALUES_NONCE, &self.authenticated(name), part)?;
        let (row, text) = body.split_at_checked(4 * dimension)?;
        let values = Values {
            row,
            text: self.text.and(Some(str::from_utf8(text).ok()?)),
        };
        // All of them, rather than up to the first that is not: that is faster.
        let is_finite = values
            .row()
            .fold(true, |all, value| all & value.is_finite());
        is_finite.then_some(values)
    }
}

/// The cipher of an entry. Zeros stand for a key that has been destroyed: everybody knows them, so
/// they must not open anything.
fn cipher_of(key: &[u8]) -> Option<Cipher> {
    let is_destroyed = key.iter().all(|&byte| byte == 0);
    Cipher::new(key).ok().filter(|_| !is_destroyed)
}

/// The time of a record or a collection: microseconds since 1970.
pub fn micros(time: OffsetDateTime) -> i64 {
    (time.unix_timestamp_nanos() / 1000) as i64
}

/// The time that many microseconds after 1970, if it can be represented.
pub fn time_of(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()
}

/// The rest of `part` after its checksum, if that is correct.
fn checked(part: &[u8]) -> Option<&[u8]> {
    let (sum, body) = part.split_at_checked(8)?;
    (u64_at(sum, 0) == checksum(body)).then_some(body)
}

/// The text of a part that contains nothing else.
pub fn text(part: &[u8]) -> Option<&str> {
    std::str::from_utf8(checked(part)?).ok()
}

/// The length of a text in bytes as stored in a head; `None` if it does not fit.
pub fn length(bytes: usize) -> Option<u32> {
    u32::try_from(bytes).ok().filter(|&len| len != ABSENT)
}

impl Record {
    /// A record with a single part that contains a text, and that part.
    pub fn of_text(kind: Kind, text: &str) -> (Self, Vec<u8>) {
        let mut data = checksum(text.as_bytes()).to_le_bytes().to_vec();
        data.extend_from_slice(text.as_bytes());
        (Self::of_data(kind, data.len()), data)
    }

    /// A record with that many bytes of data, and no entries.
    pub fn of_data(kind: Kind, data: usize) -> Self {
        Self {
            kind,
            ttl: 0,
            sequence: 0,
            next_key: 0,
            time: 0,
            removed: Vec::new(),
            entries: Vec::new(),
            data: data as u64,
        }
    }

    /// Encodes the record without its data.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; HEADER];
        out.reserve(self.directory_len() as usize);
        for key in &self.removed {
            out.extend(key.to_le_bytes());
        }
        for head in &self.entries {
            head.write(&mut out);
        }
        let sum = checksum(&out[HEADER..]);
        let header = [
            (self.removed.len() as u64) | (self.entries.len() as u64) << 32,
            0,
            self.sequence,
            self.next_key,
            self.time as u64,
            self.data,
            sum,
        ];
        out[..4].copy_from_slice(self.kind.tag());
        out[4..12].copy_from_slice(&header[0].to_le_bytes());
        out[12..16].copy_from_slice(&self.ttl.to_le_bytes());
        for (i, value) in header.iter().enumerate().skip(2) {
            out[8 * i..8 * i + 8].copy_from_slice(&value.to_le_bytes());
        }
        let sum = checksum(&out[..HEADER - 8]);
        out[HEADER - 8..HEADER].copy_from_slice(&sum.to_le_bytes());
        out
    }

    fn directory_len(&self) -> u64 {
        8 * self.removed.len() as u64 + HEAD as u64 * self.entries.len() as u64
    }

    /// The total size of the record.
    pub fn size(&self) -> u64 {
        HEADER as u64 + self.directory_len() + self.data
    }

    /// Reads a record up to its data, from an input with `remaining` bytes. Whatever the bytes are,
    /// it allocates no more memory than there are bytes.
    pub fn read(input: &mut impl Read, remaining: u64, dimension: usize) -> Result<Self, Damage> {
        if remaining < HEADER as u64 {
            return Err(Damage::Incomplete);
        }
        let mut header = [0; HEADER];
        input.read_exact(&mut header).map_err(Damage::Read)?;
        if u64_at(&header, HEADER - 8) != checksum(&header[..HEADER - 8]) {
            return Err(Damage::Corrupt(
                "the checksum of a record's header is wrong",
            ));
        }
        let kinds = [
            Kind::Commit,
            Kind::Config,
            Kind::Copied,
            Kind::Keys,
            Kind::Away,
            Kind::Exported,
            Kind::Done,
        ];
        let kind = kinds
            .into_iter()
            .find(|kind| header.starts_with(kind.tag()));
        let kind = kind.ok_or(Damage::Corrupt("a record is of an unknown kind"))?;
        let ttl = u32_at(&header, 12);
        if kind != Kind::Commit && ttl != 0 {
            return Err(Damage::Corrupt("a record that is no commit has a TTL"));
        }
        let removed = u32_at(&header, 4) as usize;
        let entries = u32_at(&header, 8) as usize;
        let data = u64_at(&header, 40);
        let directory = 8 * removed as u64 + (HEAD * entries) as u64;
        let needed = directory.checked_add(data);
        if needed.is_none_or(|needed| needed > remaining - HEADER as u64) {
            return Err(Damage::Incomplete);
        }
        let mut bytes = vec![0; directory as usize];
        input.read_exact(&mut bytes).map_err(Damage::Read)?;
        if u64_at(&header, 48) != checksum(&bytes) {
            return Err(Damage::Corrupt(
                "the checksum of a record's directory is wrong",
            ));
        }
        let (keys, heads) = bytes.split_at(8 * removed);
        let record = Self {
            kind,
            ttl,
            sequence: u64_at(&header, 16),
            next_key: u64_at(&header, 24),
            time: u64_at(&header, 32) as i64,
            removed: keys.chunks_exact(8).map(|key| u64_at(key, 0)).collect(),
            entries: heads.chunks_exact(HEAD).map(Head::read).collect(),
            data,
        };
        let numbers = record
            .entries
            .iter()
            .flat_map(|head| [head.key, head.order]);
        let numbers = numbers.chain([record.sequence, record.next_key]);
        if numbers.max().is_some_and(|largest| largest > LARGEST) {
            return Err(Damage::Corrupt("a record counts further than any can"));
        }
        let heads = record.entries.iter();
        let parts = heads.map(|head| head.lengths(dimension).total());
        if kind == Kind::Commit && parts.sum::<u64>() != data {
            return Err(Damage::Corrupt(
                "a record's entries do not add up to its length",
            ));
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::seal::{KEY, Sealed},
        *,
    };
    use crate::{clock::LATEST, vectors::Codes};
    use proptest::prelude::*;

    fn head() -> impl Strategy<Value = Head> {
        let length = || proptest::option::of(0u32..50);
        (0..=LARGEST, 0..=LARGEST, 1u32..20, length(), length()).prop_map(
            |(key, order, id, metadata, text)| Head {
                key,
                order,
                id,
                metadata,
                text,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_record_is_read_as_it_was_written_and_no_changed_byte_goes_unnoticed(
            removed in proptest::collection::vec(any::<u64>(), 0..4),
            entries in proptest::collection::vec(head(), 0..4),
            ttl: u32, sequence in 0..=LARGEST, next_key in 0..=LARGEST, time: i64,
            at: prop::sample::Index, flip in 1u8..,
        ) {
            let data = entries.iter().map(|head| head.lengths(3).total()).sum();
            let record = Record { kind: Kind::Commit, ttl, sequence, next_key, time, removed, entries, data };
            let mut bytes = record.encode();
            prop_assert_eq!(record.size(), bytes.len() as u64 + data);
            let len = record.size();
            prop_assert_eq!(Record::read(&mut &bytes[..], len, 3).unwrap(), record);
            let short = Record::read(&mut &bytes[..], len - 1, 3);
            prop_assert!(matches!(short, Err(Damage::Incomplete)));
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(Record::read(&mut &bytes[..], len, 3).is_err());
        }

        #[test]
        fn parts_are_read_as_they_were_written_and_no_changed_byte_goes_unnoticed(
            row in proptest::collection::vec(-1e30f32..1e30, 1..5),
            id in ".{1,9}", metadata in proptest::option::of(".{0,9}"),
            text in proptest::option::of(".{0,9}"),
            expires_at in proptest::option::of(0..=LATEST), inserted_at in 0..=LATEST,
            at: prop::sample::Index, flip in 1u8..,
        ) {
            let head = Head {
                key: 0,
                order: 0,
                id: id.len() as u32,
                metadata: metadata.as_ref().map(|text| text.len() as u32),
                text: text.as_ref().map(|text| text.len() as u32),
            };
            let (name, dimension) = ([7; NAME], row.len());
            let codes = Codes::of(&row, dimension);
            let (code, terms) = codes.get(0);
            let mut sealed = Sealed::new(name, 1).unwrap();
            let (metadata, text) = (metadata.as_deref(), text.as_deref());
            let times = Times::new(expires_at, inserted_at);
            let label = Label { times, id: &id, metadata };
            sealed.push(&head, &row, (code, terms), &label, text).unwrap();
            let ([outline, values], key) = (sealed.parts(), sealed.keys());
            let lengths = head.lengths(dimension);
            prop_assert_eq!((lengths.outline, lengths.values), (outline.len() as u64, values.len() as u64));
            let mut opened = outline.to_vec();
            let opened = head.open_outline(&name, key, &mut opened, dimension).unwrap();
            let code: Vec<u8> = code.iter().map(|&value| value as u8).collect();
            prop_assert_eq!(opened, Outline { terms, code: &code, label });
            let mut opened = values.to_vec();
            let opened = head.open_values(&name, key, &mut opened, dimension).unwrap();
            prop_assert_eq!(opened.row().collect::<Vec<_>>(), row.clone());
            prop_assert_eq!(opened.text, text);
            let is_opened = |head: Head, name: &[u8; NAME], key: &[u8], [outline, values]: [&[u8]; 2]| {
                let (mut outline, mut values) = (outline.to_vec(), values.to_vec());
                let outline = head.open_outline(name, key, &mut outline, dimension).is_some();
                [outline, head.open_values(name, key, &mut values, dimension).is_some()]
            };
            prop_assert_eq!(is_opened(head, &name, key, [outline, values]), [true, true]);
            let changed = |part: &[u8]| {
                let mut part = part.to_vec();
                let at = at.index(part.len());
                part[at] ^= flip;
                part
            };
            // Anybody can seal with zeros, which stand for a destroyed key.
            let known = [0; KEY];
            let seal = |nonce, mut bytes: Vec<u8>| {
                let with = head.authenticated(&name);
                let tag = Cipher::new(&known).unwrap().seal(nonce, &with, &mut bytes).unwrap();
                bytes.extend(tag);
                bytes
            };
            let mut body = Vec::new();
            write_outline((codes.get(0).0, terms), &label, &mut body);
            // Nor does a valid tag make impossible times possible.
            for (at, time) in [(16, -2), (16, LATEST + 1), (24, -1), (24, LATEST + 1)] {
                let mut body = body.clone();
                body[at..at + 8].copy_from_slice(&time.to_le_bytes());
                body.extend([0; TAG]);
                prop_assert!(head.parse_outline(&body, dimension).is_none());
            }
            let forged = seal(OUTLINE_NONCE, body);
            let mut body: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
            body.extend(text.unwrap_or_default().as_bytes());
            let values_forged = seal(VALUES_NONCE, body);
            prop_assert_eq!((forged.len(), values_forged.len()), (outline.len(), values.len()));
            prop_assert_eq!(is_opened(head, &name, &known, [&forged, &values_forged]), [false, false]);
            let (one, other) = (changed(outline), changed(values));
            prop_assert_eq!(is_opened(head, &name, key, [&one, &other]), [false, false]);
            // Neither takes the place of the other.
            prop_assert_eq!(is_opened(head, &name, key, [values, outline]), [false, false]);
            let longer = Head { text: Some(head.text.map_or(0, |len| len + 1)), ..head };
            let other = changed(key);
            for (head, name, key) in [(longer, name, key), (head, [8; NAME], key), (head, name, &other)] {
                prop_assert_eq!(is_opened(head, &name, key, [outline, values]), [false, false]);
            }
        }
    }
}
