//! What a ledger says was erased, for whoever restores what is older (`ledger.rs` has the format).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use ring::hmac;
use roaring::RoaringTreemap;

use super::{
    file::{Files, failed},
    ledger::{
        Content, DIGEST, FIRST_MOST, First, IdDigest, LEDGER, Line, PORTION, Summary, What,
        digest_of, hash_of, key_of, micros_of,
    },
    seal::NAME,
};
use crate::{
    cancel,
    error::{Error, Result},
    hexadecimal::bytes_of,
};

/// What a ledger says was erased, to leave it out of what is restored.
pub struct LedgerErasures {
    key: hmac::Key,
    /// By their random names, all that any line names.
    collections: HashMap<[u8; NAME], Erasures>,
    /// The ids that were moved by the erasure that began with this entry, and erased later wherever
    /// they were.
    lost: HashSet<(IdDigest, u64)>,
}

/// What was erased in one collection.
#[derive(Default)]
struct Erasures {
    /// The names that it has had, as far as is known, and until when in microseconds since 1970.
    names: Vec<(String, i64)>,
    events: Vec<Event>,
    /// Digests of erased ids, with the index of their event.
    digests: Vec<(IdDigest, u32)>,
}

struct Event {
    /// The entry number of its beginning.
    entry: u64,
    sequence: u64,
    /// When it ended, in microseconds since 1970, if it did. Of a collection as a whole, when it
    /// began: there may be another one of the same name when it ends.
    time: i64,
    kind: EventKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventKind {
    /// The collection was deleted as a whole.
    All,
    Vectors,
    /// Vectors are in another collection now, the one with this random name: to whoever restores, they
    /// are not erased.
    Moved([u8; NAME]),
}

impl Erasures {
    /// It has this name at this time.
    fn named(&mut self, name: &str, time: i64) {
        match self.names.last_mut() {
            Some((last, _)) if last == name => return,
            Some((_, until)) => *until = time,
            None => {}
        }
        self.names.push((name.to_owned(), i64::MAX));
    }

    fn had_name(&self, name: &str, since: i64) -> bool {
        let mut names = self.names.iter();
        names.any(|(other, until)| other == name && *until >= since)
    }

    /// The digests with their events.
    fn each(&self) -> impl Iterator<Item = (&IdDigest, &Event)> {
        let digests = self.digests.iter();
        digests.filter_map(|(digest, event)| Some((digest, self.events.get(*event as usize)?)))
    }
}

/// An erasure that has begun and not ended, as read.
struct Reading {
    entry: u64,
    /// Where its line begins.
    offset: u64,
    /// When it began, in microseconds since 1970.
    time: i64,
    summary: Summary,
    /// For each collection the digests of its ids, unless it is deleted as a whole.
    digests: Vec<Option<Vec<IdDigest>>>,
    /// For each collection, where its vectors are if they were moved.
    to: Vec<Option<[u8; NAME]>>,
}

/// What became of an id in a collection.
struct Fate {
    /// The entry with which its erasure began.
    entry: u64,
    collection: [u8; NAME],
    /// The collection that it was moved to, unless it was erased.
    to: Option<[u8; NAME]>,
}

/// Reads a ledger from the beginning.
struct Reader {
    erasures: LedgerErasures,
    entries: u64,
    hash: String,
    open: BTreeMap<u64, Reading>,
    /// The entries that say that an erasure has happened.
    erased: RoaringTreemap,
}

impl Reader {
    /// Takes the line that begins at this offset. The error says what is wrong with it.
    fn take(&mut self, offset: u64, text: &[u8]) -> std::result::Result<(), String> {
        let (line, content) = Line::read(text)?;
        if line.entry != self.entries + 1 || line.previous != self.hash {
            return Err(
                "is not behind the line that it was written behind: one of the two was changed, or \
                 lines were removed, added or moved"
                    .into(),
            );
        }
        let time = micros_of(&line.at).ok_or("has no time")?;
        let ended = match &content {
            Content::Erased(begin, _) | Content::Undone(begin) => Some(*begin),
            _ => None,
        };
        let ended = match ended {
            Some(begin) => {
                let ended = self.open.remove(&begin);
                Some(ended.ok_or("ends an erasure that is not unfinished")?)
            }
            None => None,
        };
        let open = self.open.values().map(|reading| &reading.offset);
        if !open.eq(&line.open) {
            return Err("does not say which erasures are unfinished".into());
        }
        match (content, ended) {
            (Content::Begin(summary, whats), _) => {
                let digests = whats.iter().map(digests_of);
                let digests = digests.collect::<std::result::Result<_, _>>()?;
                let to = whats.iter().map(|what| match what {
                    What::Vectors { to, .. } => *to,
                    What::All => None,
                });
                for one in &summary.collections {
                    self.collection(one.id).named(&one.collection, time);
                }
                let reading = Reading {
                    entry: line.entry,
                    offset,
                    time,
                    to: to.collect(),
                    summary,
                    digests,
                };
                self.open.insert(line.entry, reading);
            }
            (Content::Erased(_, summary), Some(ended)) => {
                if ended.summary != summary {
                    return Err("is about something else than the erasure that it ends".into());
                }
                self.erased.insert(line.entry);
                self.happened(ended, time);
            }
            (Content::Signed(signs), _) if !self.erased.contains(signs) => {
                return Err("signs what is not an erasure".into());
            }
            (Content::Renamed { id, from, to }, _) => {
                let collection = self.collection(id);
                collection.named(&from, time);
                collection.named(&to, time);
            }
            _ => {}
        }
        (self.entries, self.hash) = (line.entry, hash_of(text));
        Ok(())
    }

    fn collection(&mut self, id: [u8; NAME]) -> &mut Erasures {
        self.erasures.collections.entry(id).or_default()
    }

    /// An erasure has happened, and ended at this time.
    fn happened(&mut self, erasure: Reading, ended: i64) {
        let parts = erasure.summary.collections.iter().zip(erasure.digests);
        for ((one, digests), to) in parts.zip(erasure.to) {
            let collection = self.collection(one.id);
            let event = collection.events.len() as u32;
            collection.events.push(Event {
                entry: erasure.entry,
                sequence: one.sequence,
                time: match &digests {
                    Some(_) => ended,
                    None => erasure.time,
                },
                kind: match (&digests, to) {
                    (_, Some(to)) => EventKind::Moved(to),
                    (Some(_), None) => EventKind::Vectors,
                    (None, None) => EventKind::All,
                },
            });
            let digests = digests.into_iter().flatten();
            collection
                .digests
                .extend(digests.map(|digest| (digest, event)));
        }
    }

    fn finish(mut self) -> LedgerErasures {
        // Nobody knows whether these have happened: who wanted it has wanted it.
        for (_, reading) in std::mem::take(&mut self.open) {
            self.happened(reading, i64::MAX);
        }
        let mut erasures = self.erasures;
        let each = || {
            let all = erasures.collections.iter();
            all.flat_map(|(id, one)| one.each().map(move |(digest, event)| (id, digest, event)))
        };
        let moves = each().filter_map(|(_, digest, event)| match event.kind {
            EventKind::Moved(_) => Some((*digest, Vec::new())),
            _ => None,
        });
        // Of the ids that were ever moved.
        let mut fates: HashMap<IdDigest, Vec<Fate>> = moves.collect();
        for (collection, digest, event) in each() {
            if let Some(fates) = fates.get_mut(digest) {
                fates.push(Fate {
                    entry: event.entry,
                    collection: *collection,
                    to: match event.kind {
                        EventKind::Moved(to) => Some(to),
                        EventKind::Vectors | EventKind::All => None,
                    },
                });
            }
        }
        let deleted = |collection: &[u8; NAME]| {
            let mut events = erasures.collections.get(collection)?.events.iter();
            let all = events.find(|event| event.kind == EventKind::All)?;
            Some(all.entry)
        };
        let mut lost = HashSet::new();
        for (digest, mut fates) in fates {
            // From the last one back: what happens next to the id in each collection, and whether it
            // is erased in the end.
            fates.sort_unstable_by_key(|fate| std::cmp::Reverse(fate.entry));
            let mut next: HashMap<[u8; NAME], (u64, bool)> = HashMap::new();
            for Fate {
                entry,
                collection,
                to,
            } in fates
            {
                let is_lost = to.is_none_or(|to| {
                    let there = next.get(&to);
                    let whole = deleted(&to).filter(|&whole| whole > entry);
                    match (there, whole) {
                        (Some((then, _)), Some(whole)) if whole < *then => true,
                        (Some((_, is_lost)), _) => *is_lost,
                        (None, whole) => whole.is_some(),
                    }
                });
                if is_lost && to.is_some() {
                    lost.insert((digest, entry));
                }
                next.insert(collection, (entry, is_lost));
            }
        }
        erasures.lost = lost;
        erasures
    }
}

/// The digests that a line has of a collection's ids, unless that is deleted as a whole. The error
/// says what else there is.
fn digests_of(what: &What<'_>) -> std::result::Result<Option<Vec<IdDigest>>, &'static str> {
    let What::Vectors { ids, .. } = what else {
        return Ok(None);
    };
    let digests = ids.as_bytes().chunks(2 * DIGEST).map(bytes_of);
    let digests = digests.collect::<Option<Vec<IdDigest>>>();
    let digests = digests.filter(|digests| digests.is_sorted());
    digests.map(Some).ok_or("has digests that are none")
}

impl LedgerErasures {
    /// Reads a ledger, or that of the store in a directory, and checks its chain. The error says at
    /// which line it is not what was written. A last line that is not complete is ignored: another
    /// process may be writing it.
    ///
    /// What the last line says is confirmed by no line behind it. A change of it that leaves it an
    /// entry is found only if it ends an erasure, and then says something else than that.
    pub fn read(path: &Path) -> Result<Self> {
        let path = match path.is_dir() {
            true => path.join(LEDGER),
            false => path.to_owned(),
        };
        let unreadable = |error: &io::Error| failed("read", &path, error);
        let metadata = fs::metadata(&path).map_err(|error| unreadable(&error))?;
        let refused = |line: u64, why: &str| {
            Error::Storage(format!(
                "{}: line {line} of the ledger {why}; nothing was restored",
                path.display()
            ))
        };
        let no_ledger = || {
            Error::Storage(format!(
                "{} is not the ledger of a store: nothing was restored",
                path.display()
            ))
        };
        if !metadata.is_file() {
            return Err(no_ledger());
        }
        let file = Files::default().open_to_read(&path)?.hold()?;
        let mut input = BufReader::with_capacity(PORTION as usize, &*file);
        let mut text = Vec::new();
        let first = (&mut input).take(FIRST_MOST).read_until(b'\n', &mut text);
        let mut offset = first.map_err(|error| unreadable(&error))? as u64;
        if text.pop() != Some(b'\n') {
            return Err(no_ledger());
        }
        let (_, salt) = First::parse(&text).map_err(|why| {
            let path = path.display();
            Error::Storage(format!(
                "{path} cannot be read: {why}; nothing was restored"
            ))
        })?;
        let mut reader = Reader {
            erasures: Self {
                key: key_of(&salt),
                collections: HashMap::new(),
                lost: HashSet::new(),
            },
            entries: 0,
            hash: hash_of(&text),
            open: BTreeMap::new(),
            erased: RoaringTreemap::new(),
        };
        loop {
            cancel::check()?;
            text.clear();
            let read = input.read_until(b'\n', &mut text);
            let read = read.map_err(|error| unreadable(&error))?;
            if text.pop() != Some(b'\n') {
                break;
            }
            let line = reader.entries + 2;
            let taken = reader.take(offset, &text);
            taken.map_err(|why| refused(line, &why))?;
            offset += read as u64;
        }
        Ok(reader.finish())
    }

    /// What was erased in a collection after a copy of it was made. If the ledger names its random
    /// name anywhere: what was erased in it after the write with this sequence number. Otherwise, as
    /// it is of another store or its random name is not known: what was erased from this instant on,
    /// in microseconds since 1970, in the collections that have had this name then or later.
    ///
    /// What was moved to another collection since is not erased, unless it was erased there later, or
    /// where it was moved to from there, or with such a collection.
    pub fn since(&self, name: &str, id: Option<([u8; NAME], u64)>, time: i64) -> ErasedSince {
        let mut since = ErasedSince {
            key: self.key.clone(),
            is_all: false,
            digests: Vec::new(),
        };
        let same = id.and_then(|(id, sequence)| Some((self.collections.get(&id)?, sequence)));
        match same {
            Some((same, sequence)) => since.add(self, same, |event| event.sequence > sequence),
            None => {
                let all = self.collections.values();
                for one in all.filter(|one| one.had_name(name, time)) {
                    since.add(self, one, |event| event.time >= time);
                }
            }
        }
        since.digests.sort_unstable();
        since.digests.dedup();
        since
    }
}

/// What was erased in one collection after a copy of it was made.
pub struct ErasedSince {
    key: hmac::Key,
    is_all: bool,
    /// Of the erased ids, sorted.
    digests: Vec<IdDigest>,
}

impl ErasedSince {
    fn add(&mut self, all: &LedgerErasures, one: &Erasures, counts: impl Fn(&Event) -> bool) {
        let mut events = one.events.iter();
        self.is_all |= events.any(|event| event.kind == EventKind::All && counts(event));
        let erased = one.each().filter(|(digest, event)| {
            let is_erased = match event.kind {
                EventKind::Moved(_) => all.lost.contains(&(**digest, event.entry)),
                EventKind::Vectors | EventKind::All => true,
            };
            is_erased && counts(event)
        });
        self.digests.extend(erased.map(|(digest, _)| digest));
    }

    /// Whether the collection was deleted as a whole.
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// Whether a vector with this id was erased.
    pub fn contains(&self, id: &str) -> bool {
        !self.digests.is_empty()
            && self
                .digests
                .binary_search(&digest_of(&self.key, id))
                .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            ledger::{Kind, SALT, SummaryIn, json, written},
            record::time_of,
        },
        *,
    };
    use crate::hexadecimal::hexadecimal;

    #[test]
    fn a_chain_that_is_right_with_entries_that_do_not_agree_is_refused() {
        let erased = |begin, deleted| ended(begin, 1, "a", 5, deleted);
        let begin = |deleted: u8| erasure(1, "a", 5, (0..deleted).collect());
        let signed = |signs| {
            by_hand(Line {
                kind: Kind::Signed,
                signs: Some(signs),
                signature: Some("c2ln".into()),
                ..Line::default()
            })
        };
        for (lines, why) in [
            (vec![begin(2), erased(1, 1)], "is about something else"),
            (vec![erased(1, 1)], "ends an erasure that is not unfinished"),
            (
                vec![begin(1), erased(1, 1), erased(1, 1)],
                "is not unfinished",
            ),
            (vec![begin(1), signed(1)], "signs what is not an erasure"),
            (vec![signed(9)], "signs what is not an erasure"),
        ] {
            let store = tempfile::tempdir().unwrap();
            write(store.path(), lines);
            let error = LedgerErasures::read(store.path())
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    /// A line for `write`, at this many milliseconds after 2026 began.
    #[derive(Clone)]
    struct ByHand {
        line: Vec<u8>,
        ms: i64,
    }

    const THEN: i64 = 1_767_225_600_000_000;

    fn by_hand(line: Line<'_>) -> ByHand {
        let line = serde_json::to_vec(&line).unwrap();
        ByHand { line, ms: 0 }
    }

    impl ByHand {
        fn at(self, ms: i64) -> Self {
            Self { ms, ..self }
        }
    }

    const SALTED: [u8; SALT] = [3; SALT];

    fn summary(id: u8, name: &str, sequence: u64, deleted: u64) -> Summary {
        Summary {
            call: "batchDelete".into(),
            reason: None,
            collections: vec![SummaryIn {
                collection: name.into(),
                id: [id; NAME],
                sequence,
                deleted,
            }],
            deleted,
            bytes: 10,
            digest: "d".into(),
        }
    }

    /// The `begin` of an erasure of these ids.
    fn erasure(id: u8, name: &str, sequence: u64, ids: Vec<u8>) -> ByHand {
        let mut digests: Vec<_> = ids
            .iter()
            .map(|id| digest_of(&key_of(&SALTED), &format!("id-{id}")))
            .collect();
        digests.sort_unstable();
        let digests = hexadecimal(digests.as_flattened());
        let summary = summary(id, name, sequence, ids.len() as u64);
        let mut line = summary.line(Kind::Begin);
        for part in line.collections.iter_mut().flatten() {
            (part.numbers, part.ids) = (Some("1"), Some(digests.as_str()));
        }
        by_hand(line)
    }

    fn ended(begin: u64, id: u8, name: &str, sequence: u64, deleted: u64) -> ByHand {
        let summary = summary(id, name, sequence, deleted);
        let mut line = summary.line(Kind::Erased);
        line.begin = Some(begin);
        by_hand(line)
    }

    /// A move of these ids from one collection to another: its beginning, or its end.
    fn moved_to(begin: Option<u64>, (from, to): (u8, u8), sequence: u64, ids: &[u8]) -> ByHand {
        let line = match begin {
            None => erasure(from, "a", sequence, ids.to_vec()),
            Some(begin) => ended(begin, from, "a", sequence, ids.len() as u64),
        };
        let mut moved: Line<'_> = serde_json::from_slice(&line.line).unwrap();
        moved.call = Some("moveToCollection".into());
        for part in moved.collections.iter_mut().flatten() {
            part.to = begin.is_none().then(|| hexadecimal([to; NAME]).into());
        }
        by_hand(moved)
    }

    fn renamed(id: u8, from: &str, to: &str) -> ByHand {
        by_hand(Line {
            kind: Kind::Renamed,
            collection: Some(from.into()),
            to: Some(to.into()),
            id: Some(hexadecimal([id; NAME]).into()),
            ..Line::default()
        })
    }

    /// Writes a ledger of these lines, with what all lines begin with filled in.
    fn write(store: &Path, lines: Vec<ByHand>) {
        let first = First {
            salt: hexadecimal(SALTED),
            ..First::new().unwrap()
        };
        let mut text = json(&first).unwrap();
        let mut previous = hash_of(text.as_bytes());
        text.push('\n');
        let mut open: Vec<(u64, u64)> = Vec::new();
        for (entry, ByHand { line, ms }) in (1..).zip(lines) {
            let mut line: Line<'_> = serde_json::from_slice(&line).unwrap();
            open.retain(|(begin, _)| Some(*begin) != line.begin);
            (line.entry, line.previous) = (entry, previous.into());
            line.at = written(time_of(THEN + 1000 * ms).unwrap()).into();
            line.open = open.iter().map(|(_, offset)| *offset).collect();
            if line.kind == Kind::Begin {
                open.push((entry, text.len() as u64));
            }
            let line = json(&line).unwrap();
            previous = hash_of(line.as_bytes());
            text = format!("{text}{line}\n");
        }
        fs::write(store.join(LEDGER), text).unwrap();
    }

    fn read_of(lines: Vec<ByHand>) -> LedgerErasures {
        let store = tempfile::tempdir().unwrap();
        write(store.path(), lines);
        LedgerErasures::read(store.path()).unwrap()
    }

    /// Which of the ids from 0 to 9 were erased since.
    fn found(since: &ErasedSince) -> Vec<u8> {
        let ids = 0..10u8;
        ids.filter(|id| since.contains(&format!("id-{id}")))
            .collect()
    }

    #[test]
    fn in_the_same_collection_writes_after_the_copy_count_whatever_their_time_and_the_name() {
        let erasures = read_of(vec![
            erasure(1, "a", 5, vec![1, 2]).at(10),
            ended(1, 1, "a", 5, 2).at(20),
            renamed(1, "a", "b").at(30),
            erasure(1, "b", 9, vec![3]).at(40),
            ended(4, 1, "b", 9, 1).at(50),
            // Another one under the old name.
            erasure(2, "a", 1, vec![4]).at(60),
            ended(6, 2, "a", 1, 1).at(70),
        ]);
        let since = |sequence| erasures.since("a", Some(([1; NAME], sequence)), i64::MAX);
        assert_eq!(found(&since(0)), [1, 2, 3]);
        assert_eq!(found(&since(4)), [1, 2, 3]);
        assert_eq!(found(&since(5)), [3]);
        assert!(found(&since(9)).is_empty());
        assert!(!since(0).is_all());
        // One that the ledger does not know is of another store.
        let other = erasures.since("a", Some(([7; NAME], 100)), THEN + 65_000);
        assert_eq!(found(&other), [4]);
    }

    #[test]
    fn of_a_collection_of_another_store_what_was_erased_under_its_name_since_counts() {
        let erasures = read_of(vec![
            erasure(1, "a", 5, vec![1]).at(10),
            ended(1, 1, "a", 5, 1).at(20),
            erasure(1, "a", 6, vec![2]).at(30),
            ended(3, 1, "a", 6, 1).at(40),
            renamed(1, "a", "b").at(50),
            erasure(1, "b", 7, vec![3]).at(60),
            ended(6, 1, "b", 7, 1).at(70),
            erasure(2, "c", 1, vec![4]).at(80),
            ended(8, 2, "c", 1, 1).at(90),
            renamed(2, "c", "a").at(100),
            erasure(2, "a", 2, vec![5]).at(110),
            ended(11, 2, "a", 2, 1).at(120),
        ]);
        let since = |name, ms: i64| found(&erasures.since(name, None, THEN + 1000 * ms));
        assert_eq!(since("a", 0), [1, 2, 3, 4, 5]);
        assert_eq!(since("a", 20), [1, 2, 3, 4, 5]);
        assert_eq!(since("a", 21), [2, 3, 4, 5]);
        // What was called so at that time is followed to its later name.
        assert_eq!(since("a", 50), [3, 4, 5]);
        // The first collection was called otherwise by then.
        assert_eq!(since("a", 51), [4, 5]);
        assert_eq!(since("a", 91), [5]);
        assert!(since("a", 121).is_empty());
        assert_eq!(since("b", 51), [3]);
        assert!(since("b", 71).is_empty());
        assert_eq!(since("c", 0), [4, 5]);
        assert!(since("c", 101).is_empty());
        assert!(since("d", 0).is_empty());
        // A time between two milliseconds is after what is written with the first.
        assert!(found(&erasures.since("a", None, THEN + 120_001)).is_empty());
    }

    #[test]
    fn what_was_moved_counts_only_if_it_was_erased_later_where_it_was_by_then() {
        let moved = |begin: Option<u64>, from, sequence, ids: &[u8]| {
            moved_to(begin, (from, from + 1), sequence, ids)
        };
        let erasures = read_of(vec![
            // Erased where they are moved to later is erased before.
            erasure(2, "b", 1, vec![1]),
            ended(1, 2, "b", 1, 1),
            moved(None, 1, 5, &[1, 2, 3, 4]),
            moved(Some(3), 1, 5, &[1, 2, 3, 4]),
            erasure(2, "b", 3, vec![2, 9]),
            ended(5, 2, "b", 3, 2),
            // It moves on, and is erased there.
            moved(None, 2, 4, &[3, 4]),
            moved(Some(7), 2, 4, &[3, 4]),
            erasure(3, "c", 1, vec![3]),
            ended(9, 3, "c", 1, 1),
        ]);
        let since = |id, sequence| erasures.since("", Some(([id; NAME], sequence)), 0);
        assert_eq!(found(&since(1, 4)), [2, 3]);
        assert!(found(&since(1, 5)).is_empty());
        assert_eq!(found(&since(2, 0)), [1, 2, 3, 9]);
        assert_eq!(found(&since(2, 3)), [3]);
    }

    #[test]
    fn what_was_moved_was_erased_with_the_collection_that_it_was_moved_to() {
        let moved = |begin: Option<u64>, from, to, ids: &[u8]| moved_to(begin, (from, to), 5, ids);
        let whole = |begin: Option<u64>, id| {
            let summary = summary(id, "b", 9, 3);
            let mut line = summary.line(match begin {
                None => Kind::Begin,
                Some(_) => Kind::Erased,
            });
            line.begin = begin;
            for part in line.collections.iter_mut().flatten() {
                part.all = begin.is_none();
            }
            by_hand(line)
        };
        let lines = || {
            vec![
                moved(None, 1, 2, &[1, 2, 3]),
                moved(Some(1), 1, 2, &[1, 2, 3]),
                // One of them moves on.
                moved(None, 2, 3, &[2]),
                moved(Some(3), 2, 3, &[2]),
                whole(None, 2),
                whole(Some(5), 2),
            ]
        };
        let since = |lines| found(&read_of(lines).since("", Some(([1; NAME], 4)), 0));
        assert_eq!(since(lines()), [1, 3]);
        let all = [lines(), vec![whole(None, 3), whole(Some(7), 3)]].concat();
        assert_eq!(since(all), [1, 2, 3]);
        // Another collection was deleted.
        let other = [
            lines()[..4].to_vec(),
            vec![whole(None, 4), whole(Some(5), 4)],
        ]
        .concat();
        assert!(since(other).is_empty());
    }

    #[test]
    fn moves_and_what_did_not_happen_do_not_count_and_what_is_unfinished_does() {
        let moved = |begin| moved_to(begin, (1, 2), 5, &[1]);
        let undone = by_hand(Line {
            kind: Kind::Undone,
            begin: Some(3),
            ..Line::default()
        });
        let erasures = read_of(vec![
            moved(None),
            moved(Some(1)),
            erasure(1, "a", 6, vec![2]),
            undone,
            erasure(1, "a", 7, vec![3]),
            moved(None),
        ]);
        assert_eq!(found(&erasures.since("a", Some(([1; NAME], 0)), 0)), [3]);
        assert!(found(&erasures.since("a", Some(([1; NAME], 7)), 0)).is_empty());
        // Whenever it ends.
        assert_eq!(found(&erasures.since("a", None, i64::MAX)), [3]);
    }

    #[test]
    fn a_collection_that_was_deleted_as_a_whole_is_told_from_its_vectors() {
        let whole = |kind, begin| {
            let summary = summary(1, "a", 5, 3);
            let mut line = summary.line(kind);
            line.begin = begin;
            for part in line.collections.iter_mut().flatten() {
                part.all = kind == Kind::Begin;
            }
            by_hand(line)
        };
        let erasures = read_of(vec![
            whole(Kind::Begin, None).at(10),
            whole(Kind::Erased, Some(1)).at(20),
            // One of the same name, made since.
            erasure(2, "a", 1, vec![4]).at(30),
            ended(3, 2, "a", 1, 1).at(40),
        ]);
        let is_all = |id, time| erasures.since("a", id, time).is_all();
        assert!(is_all(Some(([1; NAME], 4)), i64::MAX));
        assert!(!is_all(Some(([1; NAME], 5)), 0));
        assert!(!is_all(Some(([2; NAME], 0)), 0));
        // From the time at which it began: what has the name at its end is another one.
        assert!(is_all(None, THEN + 10_000));
        assert!(!is_all(None, THEN + 10_001));
        assert_eq!(found(&erasures.since("a", None, THEN)), [4]);
    }
}
