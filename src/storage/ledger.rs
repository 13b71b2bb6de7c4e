//! The ledger of a store: what was erased and when, without what it was.
//!
//! The file `LEDGER` is only ever appended to, and is there to be kept longer than what it is about.
//! It is UTF-8 text. Each line is a JSON object without blanks, with its members in the order given
//! here, and ends with a line feed. The hash of a line is the SHA-256, in lower-case hexadecimal, of
//! its bytes without the line feed. The first line:
//!
//! | member | |
//! | --- | --- |
//! | `ledger` | `vectorizer-native` |
//! | `version` | 1 |
//! | `store` | the ledger's random id, a UUID |
//! | `salt` | 16 random bytes in hexadecimal, for the digests of ids |
//! | `at` | the time, as in `2026-01-31T12:00:00.000Z` |
//!
//! Every other line is an entry, and begins with these:
//!
//! | member | |
//! | --- | --- |
//! | `entry` | its number: 1, 2, 3 and so on |
//! | `previous` | the hash of the line before it |
//! | `at` | the time |
//! | `kind` | what it says: see below |
//! | `open` | the offsets in the file of those earlier `begin` lines whose erasures have neither ended nor been undone after this line; left out if there are none. So the last line tells what is unfinished |
//!
//! What follows depends on the kind:
//!
//! | kind | members | |
//! | --- | --- | --- |
//! | `begin` | `call`, `reason`, `collections`, `deleted`, `bytes`, `digest` | This is about to be erased. Nothing is erased before this line is on disk |
//! | `erased` | `begin`, and those of that `begin` | The erasure with this entry number has happened. The line that goes with a receipt |
//! | `undone` | `begin` | It has not happened |
//! | `signed` | `signs`, `signature` | A signature, in base64, of the `erased` line with this entry number, and so of all lines before it |
//! | `renamed` | `collection`, `to`, `id` | No erasure: a collection has another name |
//!
//! | member | |
//! | --- | --- |
//! | `call` | the call that erases, or `expiry` |
//! | `reason` | its reason, if one was given |
//! | `collections` | a list: see below |
//! | `deleted` | how many vectors, in all collections |
//! | `bytes` | the receipt's number of bytes |
//! | `digest` | the receipt's digest |
//!
//! | member of a collection | |
//! | --- | --- |
//! | `collection` | its name at that time |
//! | `id` | its random name, 16 bytes in hexadecimal |
//! | `sequence` | the sequence number of the delete among its writes |
//! | `deleted` | how many vectors |
//! | `numbers` | only in `begin`: the numbers of the erased entries, as in `5-7,9` |
//! | `ids` | only in `begin`: for each erased id 32 hexadecimal digits, sorted, one behind the other: the first 16 bytes of its HMAC-SHA256 (the key is the salt, the message the id in UTF-8) |
//! | `to` | only in `begin`, if the vectors were moved, deleted with `undo` or undeleted: the random name of the collection, or of the bin, that has them now |
//! | `all` | in `begin`, instead of `numbers` and `ids`: `true` if the collection is deleted as a whole |
//!
//! The salt is in the same file, so whoever has the file can find out whether a given id was erased,
//! as is intended; but not which ids were, unless they can be guessed.
//!
//! A line that is cut short by the end of a process is cut off by the next opening. After a power
//! failure, bytes that were not synced may also be zeros, which no line contains. A `begin` was on
//! disk before its `erased` was written: so what was not synced is behind the `begin` of the last
//! erasure, and the file is cut at the first line there that contains a zero.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use ring::hmac;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{
    file::{File, Files, failed},
    header::damaged,
    pending::Numbers,
    record::micros,
    seal::{NAME, random},
    sync::Health,
};
use crate::{
    error::{Error, Result},
    hexadecimal::{bytes_of, hexadecimal},
    wiped::Id,
};

/// The name of the file.
pub const LEDGER: &str = "LEDGER";
const MAGIC: &str = "vectorizer-native";
const VERSION: u32 = 1;
pub(super) const SALT: usize = 16;
/// The size of an id's digest in bytes.
pub(super) const DIGEST: usize = 16;
pub(super) type IdDigest = [u8; DIGEST];
/// The first line is shorter.
pub(super) const FIRST_MOST: u64 = 1 << 10;
/// The file is read in portions of this size.
pub(super) const PORTION: u64 = 64 << 10;
/// Opening looks back over this many bytes of lines other than `begin` for the last erasure.
const LOOK_BACK: u64 = 1 << 20;
/// The maximum length of a signature in base64. RSA with 16,384 bits takes 2,732.
const SIGNATURE_MOST: usize = 16 << 10;

/// The ledger of an open store.
pub struct Ledger {
    file: File,
    health: Arc<Health>,
    store: String,
    key: hmac::Key,
    end: Mutex<End>,
    /// Up to where the file is known to be on disk. Locked by whoever syncs it.
    synced: Mutex<u64>,
    /// What was found unfinished, until it is asked for.
    unfinished: Mutex<Vec<(Begun, Vec<UnfinishedIn>)>>,
}

/// The end of the file, where the next line will be.
struct End {
    offset: u64,
    entries: u64,
    /// The hash of the last line.
    hash: String,
    /// The entry numbers of unfinished erasures, and where their lines begin.
    open: BTreeMap<u64, u64>,
    unsigned: Option<LedgerEntry>,
}

/// An erasure that is about to happen.
#[derive(Debug)]
pub struct Erasing<'a> {
    pub call: &'static str,
    pub reason: Option<&'a str>,
    pub collections: Vec<ErasingIn<'a>>,
    /// The bytes of the rows, ids, metadata and texts.
    pub bytes: u64,
    /// The digest of its receipt.
    pub digest: String,
}

/// What is about to be erased in one collection.
#[derive(Debug)]
pub struct ErasingIn<'a> {
    /// The name of the collection at this moment.
    pub collection: &'a str,
    /// Its random name.
    pub id: [u8; NAME],
    /// The sequence number of the delete among the collection's writes.
    pub sequence: u64,
    pub erased: ErasedPart<'a>,
    /// If they are moved, the random name of the collection that has them then.
    pub to: Option<[u8; NAME]>,
}

#[derive(Debug)]
pub enum ErasedPart<'a> {
    /// These vectors.
    Vectors { ids: &'a [Id], numbers: Numbers },
    /// The collection as a whole, with this many vectors.
    All { deleted: usize },
}

/// An erasure whose beginning is in the ledger. It must be ended or undone. If it is dropped, the
/// next opening finds it unfinished.
#[must_use]
#[derive(Debug)]
pub struct Begun {
    entry: u64,
    summary: Summary,
}

/// The entry of an erasure that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The random id of the ledger's store, a UUID.
    pub store: String,
    /// Its number.
    pub entry: u64,
    /// Its line, without the line feed.
    pub line: String,
}

/// What an unfinished erasure was about, in one collection.
#[derive(Debug)]
pub struct UnfinishedIn {
    /// The random name of the collection.
    pub id: [u8; NAME],
    /// The numbers of the entries; `None` for the collection as a whole.
    pub numbers: Option<Numbers>,
}

/// The end of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerHead {
    /// The random id of the ledger's store, a UUID.
    pub store: String,
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last line, in hexadecimal.
    pub hash: String,
    /// The last erasure, unless there was none or it is signed already. Only the end of the file is
    /// searched for one by an earlier process: `LOOK_BACK`.
    pub unsigned: Option<LedgerEntry>,
}

/// What an erasure was, without what tells which vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) call: String,
    pub(super) reason: Option<String>,
    pub(super) collections: Vec<SummaryIn>,
    pub(super) deleted: u64,
    pub(super) bytes: u64,
    pub(super) digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SummaryIn {
    pub(super) collection: String,
    pub(super) id: [u8; NAME],
    pub(super) sequence: u64,
    pub(super) deleted: u64,
}

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct First {
    pub(super) ledger: String,
    pub(super) version: u32,
    pub(super) store: String,
    pub(super) salt: String,
    pub(super) at: String,
}

/// Any other line, with the members of all kinds in the order in which they are written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    pub(super) entry: u64,
    pub(super) previous: Cow<'a, str>,
    pub(super) at: Cow<'a, str>,
    pub(super) kind: Kind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) open: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) begin: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) collections: Option<Vec<Part<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) collection: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Cow<'a, str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    #[default]
    Begin,
    Erased,
    Undone,
    Signed,
    Renamed,
}

/// What a line says about one collection.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part<'a> {
    pub(super) collection: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
    pub(super) sequence: u64,
    pub(super) deleted: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) numbers: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ids: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) all: bool,
}

/// What a line says.
pub(super) enum Content<'a> {
    Begin(Summary, Vec<What<'a>>),
    Erased(u64, Summary),
    Undone(u64),
    Signed(u64),
    Renamed {
        id: [u8; NAME],
        from: String,
        to: String,
    },
}

/// What is about to be erased in a collection: all of it, or these vectors.
pub(super) enum What<'a> {
    All,
    Vectors {
        numbers: Numbers,
        ids: &'a str,
        /// The collection that has them now, if they were moved.
        to: Option<[u8; NAME]>,
    },
}

/// A line that was appended.
struct Appended {
    entry: u64,
    /// Without the line feed.
    text: String,
    /// Where it ends.
    end: u64,
}

pub(super) fn hash_of(text: &[u8]) -> String {
    hexadecimal(Sha256::digest(text))
}

pub(super) fn key_of(salt: &[u8; SALT]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, salt)
}

pub(super) fn digest_of(key: &hmac::Key, id: &str) -> IdDigest {
    let tag = hmac::sign(key, id.as_bytes());
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&tag.as_ref()[..DIGEST]);
    digest
}

/// The time to the millisecond, always with three digits for these.
pub(super) fn written(time: OffsetDateTime) -> String {
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        clock.millisecond()
    )
}

/// The microseconds since 1970 of a time as it is written.
pub(super) fn micros_of(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    (written(time) == text).then(|| micros(time))
}

/// A JSON text. Numbers and strings can always be written as one.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}

impl First {
    pub(super) fn new() -> Result<Self> {
        let mut salt = [0; SALT];
        random(&mut salt)?;
        Ok(Self {
            ledger: MAGIC.into(),
            version: VERSION,
            store: Uuid::new_v4().to_string(),
            salt: hexadecimal(salt),
            at: written(OffsetDateTime::now_utc()),
        })
    }

    /// Reads it without its line feed. The error says why it cannot be.
    pub(super) fn parse(text: &[u8]) -> std::result::Result<(Self, [u8; SALT]), String> {
        #[derive(Deserialize)]
        struct Any {
            ledger: String,
            version: u32,
        }
        let any = serde_json::from_slice::<Any>(text).ok();
        let any = any.filter(|any| any.ledger == MAGIC);
        let version = any.ok_or("its first line is not that of a ledger")?.version;
        if version != VERSION {
            return Err(format!(
                "it is a ledger of version {version}, and this version of the library reads \
                 version {VERSION}: use the version that wrote it"
            ));
        }
        let parse = || {
            let first: Self = serde_json::from_slice(text).ok()?;
            let salt = bytes_of(first.salt.as_bytes())?;
            micros_of(&first.at)?;
            Uuid::parse_str(&first.store).ok()?;
            let again = serde_json::to_vec(&first).ok()?;
            (again == text).then_some((first, salt))
        };
        parse().ok_or_else(|| "its first line is damaged".into())
    }
}

impl Summary {
    /// A line of this kind, without what tells which vectors.
    pub(super) fn line(&self, kind: Kind) -> Line<'_> {
        let part = |one: &'_ SummaryIn| Part {
            collection: Cow::Owned(one.collection.clone()),
            id: Cow::Owned(hexadecimal(one.id)),
            sequence: one.sequence,
            deleted: one.deleted,
            numbers: None,
            ids: None,
            to: None,
            all: false,
        };
        Line {
            kind,
            call: Some(Cow::Borrowed(&self.call)),
            reason: self.reason.as_deref().map(Cow::Borrowed),
            collections: Some(self.collections.iter().map(part).collect()),
            deleted: Some(self.deleted),
            bytes: Some(self.bytes),
            digest: Some(Cow::Borrowed(&self.digest)),
            ..Line::default()
        }
    }
}

impl<'a> Part<'a> {
    fn summary(&self) -> Option<SummaryIn> {
        Some(SummaryIn {
            collection: self.collection.clone().into_owned(),
            id: bytes_of(self.id.as_bytes())?,
            sequence: self.sequence,
            deleted: self.deleted,
        })
    }

    /// Whether it does not tell which vectors.
    fn is_bare(&self) -> bool {
        self.numbers.is_none() && self.ids.is_none() && self.to.is_none() && !self.all
    }

    fn what(&self) -> Option<What<'a>> {
        match (self.numbers, self.ids) {
            (None, None) if self.all && self.to.is_none() => Some(What::All),
            (Some(numbers), Some(ids)) if !self.all => {
                let is_whole = ids.len() as u64 == self.deleted.checked_mul(2 * DIGEST as u64)?;
                let numbers = Numbers::parse(numbers).filter(|_| is_whole)?;
                let to = match &self.to {
                    Some(to) => Some(bytes_of(to.as_bytes())?),
                    None => None,
                };
                Some(What::Vectors { numbers, ids, to })
            }
            _ => None,
        }
    }
}

impl<'a> Line<'a> {
    /// Reads a line without its line feed. The error says why it cannot be.
    fn parse(text: &'a [u8]) -> std::result::Result<Self, String> {
        if text.contains(&0) {
            return Err("was not written completely before a power failure".into());
        }
        let parsed = serde_json::from_slice::<Self>(text);
        let line = parsed.map_err(|error| format!("is no entry of a ledger: {error}"))?;
        // There is one way to write each entry.
        let is_written_so = serde_json::to_vec(&line).is_ok_and(|again| again == text);
        match is_written_so && micros_of(&line.at).is_some() {
            true => Ok(line),
            false => Err("is not as entries are written".into()),
        }
    }

    /// Reads a line and what it says. The error says why it cannot be.
    pub(super) fn read(text: &'a [u8]) -> std::result::Result<(Self, Content<'a>), String> {
        let mut line = Self::parse(text)?;
        let content = line.take_content();
        let content = content.ok_or("does not say what its kind says")?;
        Ok((line, content))
    }

    /// What it says; `None` if anything is missing for that, or too much.
    fn take_content(&mut self) -> Option<Content<'a>> {
        let content = match self.kind {
            Kind::Begin => {
                let parts = self.collections.as_ref()?.iter();
                let whats = parts.map(Part::what).collect::<Option<_>>()?;
                Content::Begin(self.take_summary()?, whats)
            }
            Kind::Erased => {
                let mut parts = self.collections.as_ref()?.iter();
                let is_bare = parts.all(Part::is_bare);
                let summary = self.take_summary().filter(|_| is_bare)?;
                Content::Erased(self.begin.take()?, summary)
            }
            Kind::Undone => Content::Undone(self.begin.take()?),
            Kind::Signed => {
                let signature = self.signature.take()?;
                let signs = self.signs.take()?;
                is_base64(&signature).then_some(Content::Signed(signs))?
            }
            Kind::Renamed => Content::Renamed {
                id: bytes_of(self.id.take()?.as_bytes())?,
                from: self.collection.take()?.into_owned(),
                to: self.to.take()?.into_owned(),
            },
        };
        let left = [
            self.begin.is_some(),
            self.call.is_some(),
            self.reason.is_some(),
            self.collections.is_some(),
            self.deleted.is_some(),
            self.bytes.is_some(),
            self.digest.is_some(),
            self.signs.is_some(),
            self.signature.is_some(),
            self.collection.is_some(),
            self.to.is_some(),
            self.id.is_some(),
        ];
        (!left.contains(&true)).then_some(content)
    }

    fn take_summary(&mut self) -> Option<Summary> {
        let parts = self.collections.take()?;
        let summary = Summary {
            call: self.call.take()?.into_owned(),
            reason: self.reason.take().map(Cow::into_owned),
            collections: parts.iter().map(Part::summary).collect::<Option<_>>()?,
            deleted: self.deleted.take()?,
            bytes: self.bytes.take()?,
            digest: self.digest.take()?.into_owned(),
        };
        let mut deleted = summary.collections.iter().map(|one| one.deleted);
        let sum = deleted.try_fold(0u64, u64::checked_add);
        (sum == Some(summary.deleted)).then_some(summary)
    }
}

fn is_base64(signature: &str) -> bool {
    let (text, padding) = match signature.find('=') {
        Some(at) => signature.split_at(at),
        None => (signature, ""),
    };
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    (1..=SIGNATURE_MOST).contains(&signature.len())
        && signature.len().is_multiple_of(4)
        && matches!(padding, "" | "=" | "==")
        && text.bytes().all(is_digit)
}

/// The lines of a file, from the last one to the first.
struct Backwards<'a> {
    file: &'a File,
    /// What was read of the file and not returned yet, and where that begins.
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Backwards<'a> {
    /// The lines up to this offset. A last line without a line feed is left out.
    fn new(file: &'a File, end: u64) -> Result<Self> {
        let mut lines = Self {
            file,
            start: end,
            bytes: Vec::new(),
        };
        lines.split_off(0)?;
        Ok(lines)
    }

    /// Where the next line to be returned ends.
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Takes everything behind the last line feed, of which the bytes at the end have none; they are
    /// already read.
    fn split_off(&mut self, searched: usize) -> Result<Vec<u8>> {
        let mut unsearched = self.bytes.len().saturating_sub(searched);
        loop {
            let searched = &self.bytes[..unsearched];
            if let Some(at) = searched.iter().rposition(|&byte| byte == b'\n') {
                return Ok(self.bytes.split_off(at + 1));
            }
            if self.start == 0 {
                return Ok(std::mem::take(&mut self.bytes));
            }
            // More each time, so that a long line is not moved often.
            let more = self.start.min(PORTION.max(self.bytes.len() as u64));
            let mut before = vec![0; more as usize];
            self.file.read_at(self.start - more, &mut before)?;
            unsearched = before.len();
            before.append(&mut self.bytes);
            (self.start, self.bytes) = (self.start - more, before);
        }
    }

    /// Where the line before begins, and its text without the line feed.
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        if self.end() == 0 {
            return Ok(None);
        }
        let mut text = self.split_off(1)?;
        text.pop();
        Ok(Some((self.end(), text)))
    }
}

/// What is read of a ledger when it is opened: its first line, its end, and what the last line says
/// is unfinished.
struct Found {
    store: String,
    salt: [u8; SALT],
    end: End,
    unfinished: Vec<(Begun, Vec<UnfinishedIn>)>,
}

/// The last line of a ledger.
struct Last {
    offset: u64,
    entry: u64,
    hash: String,
    open: Vec<u64>,
    /// If it is a `begin`.
    begun: Option<(Begun, Vec<UnfinishedIn>)>,
}

/// What the lines at the end of a ledger say, read backwards.
#[derive(Default)]
struct Ending {
    last: Option<Last>,
    /// The entry number of the line behind the one to be read, and the hash that it expects of that.
    behind: Option<(u64, String)>,
    /// The last erasure: its entry number and its line.
    erased: Option<(u64, String)>,
    /// The last entry that is signed.
    signed: u64,
    /// The last `begin` that is known to have been on disk before the end was written.
    proven: u64,
    /// The bytes of lines other than `begin`.
    passed: u64,
    /// What is wrong with one of the lines.
    wrong: Option<String>,
}

impl Ending {
    /// Whether what comes before need not be read.
    fn is_enough(&self, entry: u64) -> bool {
        entry <= self.proven || self.passed > LOOK_BACK
    }

    /// Takes the line before. Returns whether another one is to be read.
    fn take(&mut self, offset: u64, text: &[u8]) -> bool {
        match Line::read(text) {
            Ok((line, content)) => {
                self.take_line(offset, text, line, content);
                let entry = self.behind.as_ref().map_or(0, |(entry, _)| *entry);
                !self.is_enough(entry)
            }
            Err(why) => {
                self.passed += text.len() as u64;
                self.behind = None;
                self.wrong = Some(format!("its line at byte {offset} {why}"));
                self.passed <= LOOK_BACK
            }
        }
    }

    fn take_line(&mut self, offset: u64, text: &[u8], line: Line<'_>, content: Content<'_>) {
        let (hash, entry) = (hash_of(text), line.entry);
        self.connect(entry, &hash);
        if !matches!(content, Content::Begin(..)) {
            self.passed += text.len() as u64;
        }
        match &content {
            Content::Erased(begin, _) => {
                self.proven = self.proven.max(*begin);
                if self.erased.is_none() {
                    let text = String::from_utf8_lossy(text).into_owned();
                    self.erased = Some((entry, text));
                }
            }
            Content::Signed(signs) => self.signed = self.signed.max(*signs),
            Content::Begin(..) | Content::Undone(_) | Content::Renamed { .. } => {}
        }
        let previous = line.previous.into_owned();
        if self.last.is_none() {
            self.last = Some(Last {
                offset,
                entry,
                hash,
                open: line.open,
                begun: begun_of(entry, content),
            });
        }
        self.behind = Some((entry, previous));
    }

    /// Checks that the line behind this one was written behind it.
    fn connect(&mut self, entry: u64, hash: &str) {
        if let Some((number, previous)) = &self.behind
            && (number.checked_sub(1) != Some(entry) || previous != hash)
        {
            let why = format!("entry {number} is not behind the line that it was written behind");
            self.wrong = Some(why);
        }
    }
}

/// The erasure that a line says is about to happen, if it does.
fn begun_of(entry: u64, content: Content<'_>) -> Option<(Begun, Vec<UnfinishedIn>)> {
    let Content::Begin(summary, whats) = content else {
        return None;
    };
    let parts = summary.collections.iter().zip(whats);
    let parts = parts.map(|(one, what)| UnfinishedIn {
        id: one.id,
        numbers: match what {
            What::All => None,
            What::Vectors { numbers, .. } => Some(numbers),
        },
    });
    let parts = parts.collect();
    Some((Begun { entry, summary }, parts))
}

/// The line that begins at this offset; `None` if none does, or if it does not end before `limit`.
fn line_at(file: &File, offset: u64, limit: u64) -> Result<Option<Vec<u8>>> {
    let mut before = [0];
    if offset == 0 || offset >= limit {
        return Ok(None);
    }
    file.read_at(offset - 1, &mut before)?;
    if before != [b'\n'] {
        return Ok(None);
    }
    let mut text = Vec::new();
    loop {
        let searched = text.len();
        let more = (limit - offset - searched as u64).min(PORTION.max(searched as u64));
        if more == 0 {
            return Ok(None);
        }
        text.resize(searched + more as usize, 0);
        file.read_at(offset + searched as u64, &mut text[searched..])?;
        if let Some(at) = text[searched..].iter().position(|&byte| byte == b'\n') {
            text.truncate(searched + at);
            return Ok(Some(text));
        }
    }
}

impl Found {
    fn read(file: &File) -> Result<Self> {
        let path = file.path();
        let size = file.size()?;
        let mut beginning = vec![0; size.min(FIRST_MOST) as usize];
        file.read_at(0, &mut beginning)?;
        let first_end = beginning.iter().position(|&byte| byte == b'\n');
        let first_end = first_end.ok_or_else(|| damaged(&path, "its first line is not whole"))?;
        beginning.truncate(first_end);
        let first = First::parse(&beginning);
        let (first, salt) = first.map_err(|why| damaged(&path, &why))?;
        let first_hash = hash_of(&beginning);

        let mut lines = Backwards::new(file, size)?;
        let mut offset = lines.end();
        let mut ending = Ending::default();
        while let Some((at, text)) = lines.next()? {
            if at == 0 {
                ending.connect(0, &first_hash);
                break;
            }
            if text.contains(&0) {
                let proven = ending.proven;
                let behind = ending.behind.as_ref();
                if behind.is_some_and(|(entry, _)| *entry <= proven + 1) {
                    let why = format!("its line at byte {at} was on disk, and has zeros");
                    return Err(damaged(&path, &why));
                }
                // It was never on disk, nor was what is behind it.
                ending = Ending {
                    proven,
                    ..Ending::default()
                };
                offset = at;
            } else if !ending.take(at, &text) {
                break;
            }
        }
        if let Some(why) = ending.wrong {
            return Err(damaged(&path, &why));
        }

        let mut end = End {
            offset,
            entries: 0,
            hash: first_hash,
            open: BTreeMap::new(),
            unsigned: None,
        };
        let mut unfinished = Vec::new();
        if let Some(last) = ending.last {
            for &at in &last.open {
                let begun = open_at(file, at, &last)?;
                let is_next = end
                    .open
                    .values()
                    .next_back()
                    .is_none_or(|&other| other < at);
                let begun = begun.filter(|_| is_next).ok_or_else(|| {
                    damaged(
                        &path,
                        &format!("at byte {at} there is no unfinished erasure"),
                    )
                })?;
                end.open.insert(begun.0.entry, at);
                unfinished.push(begun);
            }
            if let Some(begun) = last.begun {
                end.open.insert(last.entry, last.offset);
                unfinished.push(begun);
            }
            (end.entries, end.hash) = (last.entry, last.hash);
        }
        let unsigned = ending.erased.filter(|(entry, _)| *entry > ending.signed);
        end.unsigned = unsigned.map(|(entry, line)| LedgerEntry {
            store: first.store.clone(),
            entry,
            line,
        });
        Ok(Self {
            store: first.store,
            salt,
            end,
            unfinished,
        })
    }
}

/// The erasure whose `begin` is the line at this offset, before the last line.
fn open_at(file: &File, at: u64, last: &Last) -> Result<Option<(Begun, Vec<UnfinishedIn>)>> {
    let Some(text) = line_at(file, at, last.offset)? else {
        return Ok(None);
    };
    let read = Line::read(&text).ok();
    let before = read.filter(|(line, _)| line.entry < last.entry);
    Ok(before.and_then(|(line, content)| begun_of(line.entry, content)))
}

fn unfinished(store: &Path) -> PathBuf {
    store.join(format!("{LEDGER}.new"))
}

/// Writes a ledger without any entries: all of it or none. It is on disk when this returns.
fn create(files: &Files, store: &Path) -> Result<File> {
    let unfinished = unfinished(store);
    let text = format!("{}\n", json(&First::new()?)?);
    let file = files.create(&unfinished)?;
    let made = file
        .write_at(0, text.as_bytes())
        .and_then(|()| file.sync())
        .and_then(|()| file.rename(&store.join(LEDGER)))
        .and_then(|()| files.sync_directory(store));
    if made.is_err() && unfinished.exists() {
        // Otherwise the next opening removes it.
        let _ = file.remove();
    }
    made.map(|()| file)
}

/// Reads what opening would read of a store's ledger, if it has one.
pub fn check(files: &Files, store: &Path) -> Result<()> {
    let path = store.join(LEDGER);
    match files.try_open_to_read(&path) {
        Ok(file) => Found::read(&file).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("open", &path, &error)),
    }
}

impl Ledger {
    /// Opens the ledger of a store. If there is none, it is created if `create` says so; otherwise
    /// `None`. Only its end is read.
    pub fn open(
        files: &Files,
        store: &Path,
        create: bool,
        health: &Arc<Health>,
    ) -> Result<Option<Self>> {
        let path = store.join(LEDGER);
        let found = match files.try_open(&path) {
            Ok(file) => Some((Found::read(&file)?, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("open", &path, &error)),
        };
        // Nothing is changed before everything is understood.
        let unfinished = unfinished(store);
        if unfinished.exists() {
            files.remove(&unfinished)?;
        }
        let (found, file) = match found {
            Some((found, file)) => {
                if file.size()? > found.end.offset {
                    file.truncate(found.end.offset)?;
                    file.sync()?;
                }
                if found.end.entries == 0 {
                    // Whoever created it may have been interrupted before its name was on disk.
                    files.sync_directory(store)?;
                }
                (found, file)
            }
            None if create => {
                health.check()?;
                let file = self::create(files, store)?;
                (Found::read(&file)?, file)
            }
            None => return Ok(None),
        };
        Ok(Some(Self {
            file,
            health: health.clone(),
            store: found.store,
            key: key_of(&found.salt),
            end: Mutex::new(found.end),
            synced: Mutex::new(0),
            unfinished: Mutex::new(found.unfinished),
        }))
    }

    /// Writes down what is going to be erased. It is on disk when this returns. If this fails,
    /// nothing may be erased.
    pub fn begin(&self, erasing: &Erasing<'_>) -> Result<Begun> {
        self.health.check()?;
        self.check_place()?;
        let parts = erasing.collections.iter();
        let (collections, whats): (Vec<_>, Vec<_>) = parts.map(|part| self.part(part)).unzip();
        let summary = Summary {
            call: erasing.call.to_owned(),
            reason: erasing.reason.map(str::to_owned),
            deleted: collections.iter().map(|one| one.deleted).sum(),
            collections,
            bytes: erasing.bytes,
            digest: erasing.digest.clone(),
        };
        let mut line = summary.line(Kind::Begin);
        let tos = erasing.collections.iter().map(|part| part.to);
        let parts = line.collections.iter_mut().flatten();
        for ((part, what), to) in parts.zip(&whats).zip(tos) {
            match what {
                None => part.all = true,
                Some((numbers, ids)) => {
                    (part.numbers, part.ids) = (Some(numbers.as_str()), Some(ids.as_str()));
                    part.to = to.map(|to| hexadecimal(to).into());
                }
            }
        }
        let Appended { entry, end, .. } = self.append(line)?;
        self.sync(end)?;
        Ok(Begun { entry, summary })
    }

    /// What is erased in one collection, and if it is not deleted as a whole, the numbers and digests
    /// as they are written.
    fn part(&self, part: &ErasingIn<'_>) -> (SummaryIn, Option<(String, String)>) {
        let (deleted, what) = match &part.erased {
            ErasedPart::All { deleted } => (*deleted, None),
            ErasedPart::Vectors { ids, numbers } => {
                let digests = ids.iter().map(|id| digest_of(&self.key, id));
                let mut digests: Vec<IdDigest> = digests.collect();
                digests.sort_unstable();
                let digests = hexadecimal(digests.as_flattened());
                (ids.len(), Some((numbers.to_string(), digests)))
            }
        };
        let summary = SummaryIn {
            collection: part.collection.to_owned(),
            id: part.id,
            sequence: part.sequence,
            deleted: deleted as u64,
        };
        (summary, what)
    }

    /// Writes down that it has happened, durably if `sync` says so. If this fails, nothing more is
    /// written to the store, and the next opening does it.
    pub fn end(&self, begun: Begun, sync: bool) -> Result<LedgerEntry> {
        let Begun { entry, summary } = begun;
        let mut line = summary.line(Kind::Erased);
        line.begin = Some(entry);
        let ended = self.append(line).and_then(|appended| {
            if sync {
                self.sync(appended.end)?;
            }
            Ok(appended)
        });
        let ended = ended.map_err(|error| {
            self.health.fail(Error::Storage(format!(
                "{error}; it is deleted, but its entry in the ledger could not be completed; the \
                 next opening completes it"
            )))
        })?;
        Ok(self.entry(ended.entry, ended.text))
    }

    fn entry(&self, entry: u64, line: String) -> LedgerEntry {
        let store = self.store.clone();
        LedgerEntry { store, entry, line }
    }

    /// Writes down that it has not happened. If the store can no longer be written, the next opening
    /// finds out.
    pub fn undo(&self, begun: Begun) {
        let undone = self.append(Line {
            kind: Kind::Undone,
            begin: Some(begun.entry),
            ..Line::default()
        });
        // On disk before anything else is written: what it was about may soon be gone otherwise.
        let undone = undone.and_then(|appended| self.sync(appended.end));
        if let Err(error) = undone {
            // The next opening must find its vectors as they are now.
            let _ = self.health.fail(error);
        }
    }

    /// The erasures of which an earlier process did not write down whether they have happened, in
    /// the order in which they began. They are returned once.
    pub fn unfinished(&self) -> Result<Vec<(Begun, Vec<UnfinishedIn>)>> {
        Ok(std::mem::take(&mut *self.unfinished.lock()))
    }

    /// Writes down that a collection has another name. It is on disk after the next sync. If this
    /// fails, nothing more is written to the store.
    pub fn rename(&self, id: &[u8; NAME], name: &str, new_name: &str) -> Result<()> {
        let renamed = self.append(Line {
            kind: Kind::Renamed,
            collection: Some(name.into()),
            to: Some(new_name.into()),
            id: Some(hexadecimal(id).into()),
            ..Line::default()
        });
        renamed.map(drop).map_err(|error| self.health.fail(error))
    }

    /// Adds a signature, in base64, of an erasure's entry, and syncs it.
    pub fn sign(&self, entry: u64, signature: &str) -> Result<()> {
        self.health.check()?;
        if !is_base64(signature) {
            return Err(Error::Validation(format!(
                "the signature is not 1 to {SIGNATURE_MOST} characters of base64"
            )));
        }
        if !self.is_erasure(entry)? {
            return Err(Error::Validation(format!(
                "entry {entry} of the ledger is not an erasure: sign the entry of a receipt"
            )));
        }
        let signed = self.append(Line {
            kind: Kind::Signed,
            signs: Some(entry),
            signature: Some(signature.into()),
            ..Line::default()
        })?;
        self.sync(signed.end)
    }

    /// Whether the entry with this number says that an erasure has happened. It is searched from the
    /// end.
    fn is_erasure(&self, entry: u64) -> Result<bool> {
        let end = {
            let end = self.end.lock();
            if end
                .unsigned
                .as_ref()
                .is_some_and(|last| last.entry == entry)
            {
                return Ok(true);
            }
            match (1..=end.entries).contains(&entry) {
                true => end.offset,
                false => return Ok(false),
            }
        };
        let mut lines = Backwards::new(&self.file, end)?;
        while let Some((offset, text)) = lines.next()? {
            if offset == 0 {
                break;
            }
            let line = Line::parse(&text).map_err(|why| {
                let why = format!("its line at byte {offset} {why}");
                damaged(&self.file.path(), &why)
            })?;
            if line.entry <= entry {
                return Ok(line.entry == entry && line.kind == Kind::Erased);
            }
        }
        Ok(false)
    }

    /// The end of the ledger. Not all of it may be on disk yet: see `flush`.
    pub fn head(&self) -> LedgerHead {
        let end = self.end.lock();
        LedgerHead {
            store: self.store.clone(),
            entries: end.entries,
            hash: end.hash.clone(),
            unsigned: end.unsigned.clone(),
        }
    }

    /// Syncs everything written so far.
    pub fn flush(&self) -> Result<()> {
        let end = self.end.lock().offset;
        self.sync(end)
    }

    /// Fails if the file was removed or replaced: nobody would find what is written to it.
    fn check_place(&self) -> Result<()> {
        if self.file.is_in_place() {
            return Ok(());
        }
        Err(self.health.fail(Error::Storage(format!(
            "{} is not the file that this process has open: it was removed, moved or replaced while \
             the store was open; put it back",
            self.file.path().display()
        ))))
    }

    /// Appends a line, of which what all lines begin with is filled in. If this fails, it is as if
    /// it had not been tried, or nothing more is written.
    fn append(&self, line: Line<'_>) -> Result<Appended> {
        let mut end = self.end.lock();
        // Whoever had the lock before may have failed.
        self.health.check()?;
        let (kind, begin, signs) = (line.kind, line.begin, line.signs);
        let entry = end.entries + 1;
        let open = end
            .open
            .iter()
            .filter(|(number, _)| Some(**number) != begin);
        let line = Line {
            entry,
            previous: Cow::Borrowed(&end.hash),
            at: written(OffsetDateTime::now_utc()).into(),
            open: open.map(|(_, &offset)| offset).collect(),
            ..line
        };
        let mut text = json(&line)?;
        let hash = hash_of(text.as_bytes());
        text.push('\n');
        self.write(end.offset, text.as_bytes())?;
        let offset = end.offset;
        end.offset += text.len() as u64;
        text.pop();
        (end.entries, end.hash) = (entry, hash);
        match kind {
            Kind::Begin => {
                end.open.insert(entry, offset);
            }
            Kind::Erased | Kind::Undone => {
                end.open.retain(|number, _| Some(*number) != begin);
            }
            Kind::Signed => {
                end.unsigned = end.unsigned.take().filter(|last| Some(last.entry) > signs);
            }
            Kind::Renamed => {}
        }
        if kind == Kind::Erased {
            end.unsigned = Some(self.entry(entry, text.clone()));
        }
        Ok(Appended {
            entry,
            text,
            end: end.offset,
        })
    }

    /// Writes a line at the end of the file, or nothing. It is there to free space, so it may use
    /// what is reserved for that.
    fn write(&self, offset: u64, text: &[u8]) -> Result<()> {
        let write = || self.file.try_write_at(offset, text);
        let written = self.health.with_reserve(write);
        written.map_err(|error| {
            let error = failed("write to", &self.file.path(), &error);
            // On disk as well: what a power failure leaves of it must not be found behind the next
            // line.
            match self.file.truncate(offset).and_then(|()| self.file.sync()) {
                Ok(()) => error,
                Err(why) => self.health.fail(why),
            }
        })
    }

    /// Returns once the file is on disk up to this offset. One thread syncs for all that have written
    /// by then: the others wait, and find it done.
    fn sync(&self, until: u64) -> Result<()> {
        let mut synced = self.synced.lock();
        if *synced >= until {
            return Ok(());
        }
        self.health.check()?;
        let end = self.end.lock().offset;
        let done = self.file.sync();
        done.map_err(|error| self.health.fail(error))?;
        *synced = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::{
        super::{erasures::LedgerErasures, record::time_of},
        *,
    };

    fn open_in(store: &Path) -> Ledger {
        let opened = Ledger::open(&Files::default(), store, true, &Arc::default());
        opened.unwrap().unwrap()
    }

    /// What the tests erase: in the collections with these random names these ids, or all.
    type Erased = Vec<(u8, Option<Vec<u8>>)>;

    fn ids_of(part: &(u8, Option<Vec<u8>>)) -> Vec<Id> {
        let ids = part.1.iter().flatten();
        ids.map(|id| Id::from(format!("id-{id}").as_str()))
            .collect()
    }

    fn numbers_of(part: &(u8, Option<Vec<u8>>)) -> Option<Numbers> {
        let ids = part.1.as_ref()?.iter();
        Some(ids.map(|&id| u64::from(id)).collect())
    }

    fn begin(ledger: &Ledger, erased: &Erased, reason: Option<&str>) -> Begun {
        let ids: Vec<Vec<Id>> = erased.iter().map(ids_of).collect();
        let parts = erased.iter().zip(&ids).map(|(part, ids)| ErasingIn {
            collection: "things",
            id: [part.0; NAME],
            sequence: 7,
            erased: match numbers_of(part) {
                Some(numbers) => ErasedPart::Vectors { ids, numbers },
                None => ErasedPart::All { deleted: 3 },
            },
            to: None,
        });
        let erasing = Erasing {
            call: "forget",
            reason,
            collections: parts.collect(),
            bytes: 300,
            digest: "d".repeat(64),
        };
        ledger.begin(&erasing).unwrap()
    }

    fn one(id: u8) -> Erased {
        vec![(1, Some(vec![id]))]
    }

    /// Checks that each line follows from the one before, without the code that wrote them. Returns
    /// the lines.
    fn verified(bytes: &[u8]) -> Vec<Value> {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.ends_with('\n'));
        let (mut offset, mut previous) = (0, String::new());
        let mut open: Vec<(u64, usize)> = Vec::new();
        let mut lines = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(value.to_string(), line);
            if i > 0 {
                assert_eq!(value["entry"], i);
                assert_eq!(value["previous"], previous.as_str());
                if let Some(begin) = value["begin"].as_u64() {
                    let at = open.iter().position(|(entry, _)| *entry == begin);
                    open.remove(at.unwrap());
                }
                let offsets: Vec<_> = open.iter().map(|(_, offset)| *offset).collect();
                match offsets.is_empty() {
                    true => assert!(value.get("open").is_none()),
                    false => assert_eq!(value["open"], serde_json::json!(offsets)),
                }
                if value["kind"] == "begin" {
                    open.push((i as u64, offset));
                }
            }
            offset += line.len() + 1;
            let hash = Sha256::digest(line);
            previous = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push(value);
        }
        lines
    }

    fn lines_in(store: &Path) -> Vec<Value> {
        verified(&fs::read(store.join(LEDGER)).unwrap())
    }

    /// A ledger with lines of all kinds. Nothing is unfinished at its end.
    fn some(store: &Path) -> Vec<u8> {
        let ledger = open_in(store);
        let first = begin(
            &ledger,
            &vec![(1, Some(vec![1, 2, 9])), (2, None)],
            Some("asked \"so\""),
        );
        let second = begin(&ledger, &one(3), None);
        ledger.undo(second);
        let ended = ledger.end(first, true).unwrap();
        ledger.rename(&[1; NAME], "things", "others").unwrap();
        ledger.sign(ended.entry, "c2lnbmVk").unwrap();
        let last = begin(&ledger, &one(4), None);
        ledger.end(last, false).unwrap();
        fs::read(store.join(LEDGER)).unwrap()
    }

    #[derive(Debug, Clone)]
    enum Op {
        Begin(Erased, Option<String>),
        End(usize, bool),
        Undo(usize),
        Sign(usize),
        Rename(u8, String),
        Flush,
        Reopen,
    }

    fn op() -> impl Strategy<Value = Op> {
        let ids = proptest::option::weighted(0.8, proptest::collection::vec(0..20u8, 0..6));
        let erased = proptest::collection::vec((0..3u8, ids), 1..4);
        let reason = proptest::option::of(".{1,8}");
        prop_oneof![
            4 => (erased, reason).prop_map(|(erased, reason)| Op::Begin(erased, reason)),
            3 => (0..4usize, any::<bool>()).prop_map(|(which, sync)| Op::End(which, sync)),
            1 => (0..4usize).prop_map(Op::Undo),
            1 => (0..4usize).prop_map(Op::Sign),
            1 => (0..3u8, ".{1,8}").prop_map(|(id, name)| Op::Rename(id, name)),
            1 => Just(Op::Flush),
            2 => Just(Op::Reopen),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..Default::default() })]

        #[test]
        fn a_ledger_has_what_was_written_however_often_it_is_opened_again(
            ops in proptest::collection::vec(op(), 0..24),
        ) {
            let store = tempfile::tempdir().unwrap();
            let mut ledger = open_in(store.path());
            let (mut kinds, mut erased) = (Vec::new(), Vec::new());
            let mut unfinished: Vec<(Begun, Erased)> = Vec::new();
            let mut unsigned = None;
            for op in ops {
                match op {
                    Op::Begin(what, reason) => {
                        let begun = begin(&ledger, &what, reason.as_deref());
                        unfinished.push((begun, what));
                        kinds.push("begin");
                    }
                    Op::End(which, sync) if which < unfinished.len() => {
                        let (begun, _) = unfinished.remove(which);
                        let ended = ledger.end(begun, sync).unwrap();
                        erased.push(ended.entry);
                        unsigned = Some(ended);
                        kinds.push("erased");
                    }
                    Op::Undo(which) if which < unfinished.len() => {
                        ledger.undo(unfinished.remove(which).0);
                        kinds.push("undone");
                    }
                    Op::Sign(which) if which < erased.len() => {
                        ledger.sign(erased[which], "c2lnbmVk").unwrap();
                        unsigned = unsigned.filter(|last: &LedgerEntry| last.entry > erased[which]);
                        kinds.push("signed");
                    }
                    Op::Rename(id, name) => {
                        ledger.rename(&[id; NAME], "things", &name).unwrap();
                        kinds.push("renamed");
                    }
                    Op::Flush => ledger.flush().unwrap(),
                    Op::Reopen => {
                        let before = ledger.head();
                        drop(ledger);
                        ledger = open_in(store.path());
                        prop_assert_eq!(ledger.head(), before);
                        let found = ledger.unfinished().unwrap();
                        prop_assert_eq!(found.len(), unfinished.len());
                        for ((begun, what), (was, found)) in unfinished.iter_mut().zip(found) {
                            prop_assert_eq!(was.entry, begun.entry);
                            prop_assert_eq!(&was.summary, &begun.summary);
                            let numbers = found.into_iter().map(|one| (one.id, one.numbers));
                            let expected = what.iter().map(|one| ([one.0; NAME], numbers_of(one)));
                            prop_assert!(numbers.eq(expected));
                            *begun = was;
                        }
                        prop_assert!(ledger.unfinished().unwrap().is_empty());
                    }
                    Op::End(..) | Op::Undo(_) | Op::Sign(_) => {}
                }
                let head = ledger.head();
                prop_assert_eq!(head.entries, kinds.len() as u64);
                prop_assert_eq!(&head.unsigned, &unsigned);
            }
            let lines = lines_in(store.path());
            let found: Vec<_> = lines[1..].iter().map(|line| line["kind"].as_str().unwrap()).collect();
            prop_assert_eq!(found, kinds);
            let last = lines.last().unwrap().to_string();
            prop_assert_eq!(ledger.head().hash, hash_of(last.as_bytes()));
            LedgerErasures::read(store.path()).unwrap();
        }

        #[test]
        fn whatever_is_read_as_a_line_is_what_it_is_written_as(
            at in 0..2000usize,
            bytes in proptest::collection::vec(any::<u8>(), 0..6),
        ) {
            let store = tempfile::tempdir().unwrap();
            for line in some(store.path()).split(|&byte| byte == b'\n') {
                let mut near = line.to_vec();
                let from = at % (near.len() + 1);
                let end = near.len().min(from + bytes.len());
                near[from..end].copy_from_slice(&bytes[..end - from]);
                if let Ok((line, _)) = Line::read(&near) {
                    prop_assert!(!line.previous.is_empty());
                    let again = Line::parse(&near).unwrap();
                    prop_assert_eq!(serde_json::to_vec(&again).unwrap(), near);
                }
            }
        }

        #[test]
        fn what_a_power_failure_leaves_of_lines_that_were_not_synced_is_cut_off(
            more in proptest::collection::vec(0..4usize, 1..8),
            lost in proptest::collection::vec((0.0..1.0f64, 1..700usize), 0..4),
        ) {
            let store = tempfile::tempdir().unwrap();
            some(store.path());
            let ledger = open_in(store.path());
            let begun = begin(&ledger, &one(5), None);
            let durable = fs::metadata(store.path().join(LEDGER)).unwrap().len() as usize;
            ledger.end(begun, false).unwrap();
            for kind in more {
                match kind {
                    0 => ledger.rename(&[1; NAME], "a", "b").unwrap(),
                    1 => ledger.undo(begin(&ledger, &one(6), None)),
                    2 => drop(begin(&ledger, &vec![(1, Some((0..90).collect()))], None)),
                    _ => ledger.sign(2, "c2ln").unwrap_or_default(),
                }
            }
            drop(ledger);
            let path = store.path().join(LEDGER);
            let mut bytes = fs::read(&path).unwrap();
            let behind = bytes.len() - durable;
            for (at, len) in lost {
                let from = durable + (at * behind as f64) as usize;
                let end = bytes.len().min(from + len);
                bytes[from..end].fill(0);
            }
            fs::write(&path, &bytes).unwrap();
            let zero = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            let end = bytes[..zero].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
            let ledger = open_in(store.path());
            prop_assert_eq!(fs::read(&path).unwrap(), &bytes[..end]);
            for (begun, _) in ledger.unfinished().unwrap() {
                ledger.end(begun, true).unwrap();
            }
            lines_in(store.path());
            LedgerErasures::read(&path).unwrap();
        }
    }

    #[test]
    fn a_file_that_ends_anywhere_is_opened_without_its_last_line_if_that_is_torn() {
        let store = tempfile::tempdir().unwrap();
        let bytes = some(store.path());
        let path = store.path().join(LEDGER);
        let first = bytes.iter().position(|&byte| byte == b'\n').unwrap();
        for at in 0..=bytes.len() {
            fs::write(&path, &bytes[..at]).unwrap();
            let opened = Ledger::open(&Files::default(), store.path(), true, &Arc::default());
            if at <= first {
                let Err(Error::Storage(why)) = opened else {
                    panic!("{at}: it is opened");
                };
                assert!(
                    why.contains("LEDGER cannot be read: its first line"),
                    "{why}"
                );
                assert_eq!(fs::read(&path).unwrap(), &bytes[..at]);
                assert!(LedgerErasures::read(&path).is_err());
                continue;
            }
            // Also what has begun is known, and what was torn is ignored by who only reads.
            LedgerErasures::read(&path).unwrap();
            let ledger = opened.unwrap().unwrap();
            let whole = bytes[..at].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
            assert_eq!(fs::read(&path).unwrap(), &bytes[..whole]);
            let open = ledger.end.lock().open.len();
            let unfinished = ledger.unfinished().unwrap();
            assert_eq!(unfinished.len(), open);
            for (begun, _) in unfinished {
                ledger.end(begun, false).unwrap();
            }
            // It is synced, which takes its time.
            if at % 8 > 0 {
                continue;
            }
            let begun = begin(&ledger, &one(7), None);
            ledger.end(begun, false).unwrap();
            assert!(lines_in(store.path()).last().unwrap().get("open").is_none());
        }
    }

    #[test]
    fn any_changed_byte_is_found_but_in_the_last_line_which_no_line_confirms() {
        let store = tempfile::tempdir().unwrap();
        let mut bytes = some(store.path());
        let path = store.path().join(LEDGER);
        let before = bytes[..bytes.len() - 1]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .unwrap();
        for at in 0..bytes.len() {
            for bits in [1, 32, 128] {
                bytes[at] ^= bits;
                fs::write(&path, &bytes).unwrap();
                let read = LedgerErasures::read(&path);
                assert!(at > before || read.is_err(), "{at}, {bits}");
                if let Err(error) = read {
                    let why = error.to_string();
                    assert!(
                        matches!(error, Error::Storage(_)) && why.ends_with("nothing was restored"),
                        "{why}"
                    );
                }
                // Whoever opens it reads only its end. What is not understood is not touched.
                let opened = Ledger::open(&Files::default(), store.path(), false, &Arc::default());
                if let Err(error) = opened {
                    assert!(error.to_string().contains("nothing was changed"), "{error}");
                    assert_eq!(fs::read(&path).unwrap(), bytes);
                }
                bytes[at] ^= bits;
            }
        }
    }

    #[test]
    fn a_line_that_is_removed_repeated_or_moved_is_found_and_named() {
        let store = tempfile::tempdir().unwrap();
        let bytes = some(store.path());
        let path = store.path().join(LEDGER);
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let refuses = |lines: &[&str], number: usize| {
            fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
            let why = LedgerErasures::read(&path).err().unwrap().to_string();
            assert!(
                why.contains(&format!("line {number} of the ledger")),
                "{why}"
            );
        };
        for at in 1..lines.len() - 1 {
            let mut changed = lines.clone();
            changed.remove(at);
            refuses(&changed, at + 1);
            let mut changed = lines.clone();
            changed.insert(at, changed[at]);
            refuses(&changed, at + 2);
            let mut changed = lines.clone();
            changed.swap(at, at + 1);
            refuses(&changed, at + 1);
        }
    }

    #[test]
    fn a_ledger_of_another_version_says_so() {
        let store = tempfile::tempdir().unwrap();
        let text = String::from_utf8(some(store.path())).unwrap();
        let path = store.path().join(LEDGER);
        let other = text.replacen("\"version\":1", "\"version\":2", 1);
        fs::write(&path, &other).unwrap();
        let opened = Ledger::open(&Files::default(), store.path(), true, &Arc::default());
        let read = LedgerErasures::read(store.path());
        for why in [
            opened.err().unwrap().to_string(),
            read.err().unwrap().to_string(),
        ] {
            assert!(why.contains("version 2, and this version"), "{why}");
        }
        for other in ["", "\n", "{}\n", "[1]\n", "noise", &"n".repeat(3000)] {
            fs::write(&path, other).unwrap();
            let opened = Ledger::open(&Files::default(), store.path(), true, &Arc::default());
            assert!(opened.is_err() && check(&Files::default(), store.path()).is_err());
            assert!(LedgerErasures::read(store.path()).is_err());
        }
    }

    #[test]
    fn without_a_ledger_none_is_made_unless_that_is_wanted() {
        let store = tempfile::tempdir().unwrap();
        let opened = Ledger::open(&Files::default(), store.path(), false, &Arc::default());
        assert!(opened.unwrap().is_none());
        assert_eq!(fs::read_dir(store.path()).unwrap().count(), 0);
        assert_eq!(check(&Files::default(), store.path()), Ok(()));
        fs::write(unfinished(store.path()), "half").unwrap();
        let made = open_in(store.path());
        assert!(!unfinished(store.path()).exists());
        let head = made.head();
        assert_eq!((head.entries, head.unsigned), (0, None));
        assert_eq!(lines_in(store.path())[0]["store"], head.store.as_str());
        // It stays what it is.
        drop(made);
        let opened = Ledger::open(&Files::default(), store.path(), false, &Arc::default());
        assert_eq!(opened.unwrap().unwrap().head().store, head.store);
    }

    #[test]
    fn only_erasures_are_signed_and_only_in_base64() {
        let store = tempfile::tempdir().unwrap();
        some(store.path());
        let ledger = open_in(store.path());
        let entries = ledger.head().entries;
        let of_kind = |kind: &str| {
            let lines = lines_in(store.path());
            let entries = lines.iter().filter(|line| line["kind"] == kind);
            entries
                .map(|line| line["entry"].as_u64().unwrap())
                .collect::<Vec<_>>()
        };
        let erased = of_kind("erased");
        for entry in (0..entries + 3).filter(|entry| !erased.contains(entry)) {
            let refused = ledger.sign(entry, "c2ln").unwrap_err();
            assert!(matches!(refused, Error::Validation(_)), "{entry}");
        }
        for wrong in [
            "",
            "c2l",
            "c2l ",
            "c=ln",
            "====",
            "c2ln\n",
            &"abcd".repeat(5000),
        ] {
            let refused = ledger.sign(erased[0], wrong).unwrap_err();
            assert!(matches!(refused, Error::Validation(_)), "{wrong}");
        }
        assert_eq!(ledger.head().entries, entries);
        for &entry in &erased {
            ledger.sign(entry, "c2lnbg==").unwrap();
        }
        assert_eq!(ledger.head().unsigned, None);
        assert_eq!(of_kind("signed").len(), 1 + erased.len());
    }

    #[test]
    fn a_long_line_is_read_as_any_other() {
        let store = tempfile::tempdir().unwrap();
        let ledger = open_in(store.path());
        // Longer than several portions.
        let ids: Vec<Id> = (0..20_000)
            .map(|n| Id::from(format!("{n}").as_str()))
            .collect();
        let begin = || {
            let part = ErasingIn {
                collection: "many",
                id: [1; NAME],
                sequence: 1,
                erased: ErasedPart::Vectors {
                    ids: &ids,
                    numbers: (0..20_000).collect(),
                },
                to: None,
            };
            let erasing = Erasing {
                call: "deleteByFilter",
                reason: None,
                collections: vec![part],
                bytes: 1,
                digest: String::new(),
            };
            ledger.begin(&erasing).unwrap()
        };
        let (first, second) = (begin(), begin());
        ledger.rename(&[1; NAME], "many", "more").unwrap();
        ledger.end(second, true).unwrap();
        drop(first);
        let _third = begin();
        let head = ledger.head();
        let again = open_in(store.path());
        assert_eq!(again.head(), head);
        assert_eq!(again.unfinished().unwrap().len(), 2);
        assert_eq!(
            lines_in(store.path())[1]["collections"][0]["numbers"],
            "0-19999"
        );
        let erasures = LedgerErasures::read(store.path()).unwrap();
        let since = erasures.since("more", None, 0);
        assert!(ids.iter().all(|id| since.contains(id)) && !since.contains("20000"));
    }

    #[test]
    fn a_digest_is_the_beginning_of_an_hmac_of_the_id() {
        // As other implementations of HMAC compute it, of which this is not one.
        let salt = std::array::from_fn(|i| i as u8);
        let digest = hexadecimal(digest_of(&key_of(&salt), "id-1"));
        assert_eq!(digest, "390742c9a4bcf67cd2aebf792afcf234");
    }

    #[test]
    fn times_are_written_to_the_millisecond_and_read_only_so() {
        let at = |micros: i64| time_of(micros).unwrap();
        assert_eq!(written(at(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            written(at(1_767_225_600_120_999)),
            "2026-01-01T00:00:00.120Z"
        );
        assert_eq!(
            micros_of("2026-01-01T00:00:00.120Z"),
            Some(1_767_225_600_120_000)
        );
        for other in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.12Z",
            "2026-01-01T01:00:00.120+01:00",
            "",
        ] {
            assert_eq!(micros_of(other), None);
        }
    }
}
