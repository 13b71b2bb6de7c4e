//! A step over several collections that is not complete yet: which entries it still has to remove.
//!
//! A collection's log makes one write to it whole. A step that writes to several collections needs
//! more: before it removes anything it writes down, in one file of the store, what it is going to
//! remove. Whatever interrupts it from then on, the next opening completes it. A step that first
//! puts something in another collection names it as its condition: until that is in the other
//! collection's log, nothing has happened, and the next opening only removes the file.
//!
//! | bytes | |
//! | --- | --- |
//! | 0..20 | the preamble that all files have |
//! | 20..24 | 1 if the step has a condition, else 0 |
//! | 24..40 | the random name of the collection that it is about; zeros if there is none |
//! | 40..48 | the number of the first entry that the step puts there; 0 if there is none |
//! | 48..52 | how many collections follow |
//! | for each | its random name (16 bytes), how many ranges follow (4), and for each of these the first number (8) and how many there are (8) |
//! | then 8 | checksum of everything before |
//!
//! The numbers identify entries without saying anything about them, and are never used again.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{
    file::{Files, failed},
    header::{self, PREAMBLE, damaged},
    record::{checksum, u32_at, u64_at},
    root::Root,
    seal::NAME,
    sync::Health,
};
use crate::error::{Error, Result};

/// The name of the file.
pub const PENDING: &str = "PENDING";
const BEGINNING: usize = PREAMBLE + 4 + NAME + 8 + 4;
const COLLECTION: usize = NAME + 4;
const RANGE: usize = 16;
const SUM: usize = 8;
/// No entry has a larger number.
const MOST: u64 = 1 << 62;

/// What a step has still to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Without one, it has happened.
    pub condition: Option<Condition>,
    pub removals: Vec<Removal>,
}

/// What makes a step happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// The random name of a collection.
    pub name: [u8; NAME],
    /// The number of the first entry that the step puts there. Only once it is in the log does the
    /// log say that the next number is larger, whatever else opening has written to it.
    pub number: u64,
}

/// The entries to remove from a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The collection's random name.
    pub name: [u8; NAME],
    pub numbers: Numbers,
}

/// A set of entries' numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The first number of each range and how many it has, ascending and not adjacent.
    ranges: Vec<(u64, u64)>,
}

impl Numbers {
    pub fn contains(&self, number: u64) -> bool {
        let behind = self.ranges.partition_point(|&(first, _)| first <= number);
        let last = behind.checked_sub(1).and_then(|at| self.ranges.get(at));
        last.is_some_and(|&(first, count)| number - first < count)
    }

    /// Adds a range behind all others; `None` if it is no such range.
    fn push(&mut self, first: u64, count: u64) -> Option<()> {
        let end = first.checked_add(count).filter(|&end| end <= MOST)?;
        let last = self.ranges.last();
        let is_behind = last.is_none_or(|&(last, count)| first > last + count);
        (end > first && is_behind).then(|| self.ranges.push((first, count)))
    }

    /// Reads what is written as text; `None` if it is written otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = Self::default();
        for range in text.split(',').filter(|_| !text.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
            let count = last.checked_sub(first)?.checked_add(1)?;
            numbers.push(first, count)?;
        }
        // There is one way to write each set.
        (numbers.to_string() == text).then_some(numbers)
    }
}

/// Single numbers and ranges, ascending, as in `5-7,9`.
impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, count)) in self.ranges.iter().enumerate() {
            f.write_str(if i > 0 { "," } else { "" })?;
            match count {
                1 => write!(f, "{first}")?,
                _ => write!(f, "{first}-{}", first + (count - 1))?,
            }
        }
        Ok(())
    }
}

impl FromIterator<u64> for Numbers {
    fn from_iter<T: IntoIterator<Item = u64>>(numbers: T) -> Self {
        let mut sorted: Vec<u64> = numbers.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for number in sorted {
            match ranges.last_mut() {
                Some((first, count)) if *first + *count == number => *count += 1,
                _ => ranges.push((number, 1)),
            }
        }
        Self { ranges }
    }
}

impl Pending {
    fn encode(&self) -> Vec<u8> {
        let condition = self.condition;
        let (name, number) = condition.map_or(([0; NAME], 0), |one| (one.name, one.number));
        let mut bytes = header::preamble(header::PENDING).to_vec();
        bytes.extend(u32::from(condition.is_some()).to_le_bytes());
        bytes.extend(name);
        bytes.extend(number.to_le_bytes());
        bytes.extend((self.removals.len() as u32).to_le_bytes());
        for Removal { name, numbers } in &self.removals {
            bytes.extend(name);
            bytes.extend((numbers.ranges.len() as u32).to_le_bytes());
            for (first, count) in &numbers.ranges {
                bytes.extend(first.to_le_bytes());
                bytes.extend(count.to_le_bytes());
            }
        }
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// Reads what was encoded; the error says why it cannot be.
    fn decode(bytes: &[u8]) -> std::result::Result<Self, String> {
        let too_short = || String::from("it is too short");
        let beginning = bytes.first_chunk().ok_or_else(too_short)?;
        header::check_preamble(beginning, header::PENDING)?;
        if bytes.len() < BEGINNING + SUM {
            return Err(too_short());
        }
        let (body, sum) = bytes.split_at(bytes.len() - SUM);
        if checksum(body) != u64_at(sum, 0) {
            return Err("it is not what was written".into());
        }
        let contents = Self::decode_body(body);
        contents.ok_or_else(|| "it does not say what a step does".into())
    }

    fn decode_body(body: &[u8]) -> Option<Self> {
        let (beginning, mut rest) = body.split_at_checked(BEGINNING)?;
        let (name, number) = (name_at(beginning, PREAMBLE + 4)?, PREAMBLE + 4 + NAME);
        let number = u64_at(beginning, number);
        let condition = match u32_at(beginning, PREAMBLE) {
            0 if name == [0; NAME] && number == 0 => None,
            1 if number <= MOST => Some(Condition { name, number }),
            _ => return None,
        };
        let mut removals = Vec::new();
        for _ in 0..u32_at(beginning, BEGINNING - 4) {
            let (head, behind) = rest.split_at_checked(COLLECTION)?;
            let len = (u32_at(head, NAME) as usize).checked_mul(RANGE)?;
            let (ranges, behind) = behind.split_at_checked(len)?;
            rest = behind;
            let mut numbers = Numbers::default();
            for range in ranges.chunks_exact(RANGE) {
                numbers.push(u64_at(range, 0), u64_at(range, 8))?;
            }
            let name = name_at(head, 0)?;
            removals.push(Removal { name, numbers });
        }
        rest.is_empty().then_some(Self {
            condition,
            removals,
        })
    }
}

fn name_at(bytes: &[u8], at: usize) -> Option<[u8; NAME]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn unfinished(store: &Path) -> PathBuf {
    store.join(format!("{PENDING}.new"))
}

/// What an interrupted step has still to do; `None` if there was none.
pub fn read(store: &Path) -> Result<Option<Pending>> {
    let path = store.join(PENDING);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", &path, &error)),
    };
    let pending = Pending::decode(&bytes).map_err(|why| damaged(&path, &why))?;
    Ok(Some(pending))
}

/// Removes a file that was not completed, so that its step has not begun.
pub fn tidy(files: &Files, store: &Path) -> Result<()> {
    let unfinished = unfinished(store);
    match unfinished.exists() {
        true => files.remove(&unfinished),
        false => Ok(()),
    }
}

/// The file in an open store. There is one step at a time.
#[derive(Clone, Copy)]
pub struct PendingFile<'a> {
    root: &'a Root,
    health: &'a Health,
}

impl<'a> PendingFile<'a> {
    pub fn new(root: &'a Root, health: &'a Health) -> Self {
        Self { root, health }
    }

    /// Whether the store can still be written.
    pub fn is_failed(&self) -> bool {
        self.health.is_failed()
    }

    /// Writes down what a step is going to do. It is on disk when this returns. If this fails,
    /// nothing has happened, or nothing more is written and the next opening decides, as for `undo`.
    pub fn begin(&self, pending: &Pending) -> Result<()> {
        self.health.check()?;
        let place = self.root.lock().check();
        place.map_err(|error| self.health.fail(error))?;
        let written = self.write(pending);
        written.map_err(|error| self.undo(pending.condition, error))
    }

    fn write(&self, pending: &Pending) -> Result<()> {
        let (files, store) = (self.root.files(), self.root.path());
        let (bytes, unfinished) = (pending.encode(), unfinished(store));
        self.discard(&unfinished)?;
        // It is there to free space, so it may use what is reserved for that.
        let create = || files.try_create(&unfinished);
        let created = self.health.with_reserve(create);
        let file = created.map_err(|e| failed("create", &unfinished, &e))?;
        let write = || file.try_write_at(0, &bytes);
        let written = self.health.with_reserve(write);
        written.map_err(|e| failed("write to", &unfinished, &e))?;
        file.sync()?;
        file.rename(&store.join(PENDING))?;
        files.sync_directory(store)
    }

    /// Removes the file of a step that has not happened because of an error, and must not happen
    /// any more. Returns the error to report. The caller keeps others from writing to the collection
    /// that the condition is about: they would meet it.
    ///
    /// If the file cannot be removed, nothing more is written. The next opening then finds out that
    /// the condition is not met, so that nothing has happened. Without a condition, it carries out
    /// the step if it finds the file.
    pub fn undo(&self, condition: Option<Condition>, error: Error) -> Error {
        let undone = self.discard(&unfinished(self.root.path()));
        match (undone.and_then(|()| self.remove()), condition) {
            (Ok(()), _) => error,
            (Err(why), Some(_)) => self.health.fail(why),
            (Err(why), None) => self.interrupted(&why),
        }
    }

    /// Removes the file of a step that is complete, and on disk. If that fails, there is a file
    /// that removes what is gone.
    pub fn end(&self) {
        let _ = self.remove();
    }

    /// Removes the file for good: a power failure does not bring it back.
    pub fn remove(&self) -> Result<()> {
        let (files, store) = (self.root.files(), self.root.path());
        self.discard(&store.join(PENDING))?;
        files.sync_directory(store)
    }

    /// Removes a file, if it is there. On some file systems, that needs space.
    fn discard(&self, path: &Path) -> Result<()> {
        let remove = || match path.exists() {
            true => self.root.files().try_remove(path),
            false => Ok(()),
        };
        let removed = self.health.with_reserve(remove);
        removed.map_err(|e| failed("remove", path, &e))
    }

    /// The failure of a step that has begun: the rest of it is left to the next opening.
    pub fn interrupted(&self, error: &Error) -> Error {
        self.health.fail(Error::Storage(format!(
            "{error}; the next opening of the store completes what was begun, or undoes it"
        )))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pending() -> impl Strategy<Value = Pending> {
        let condition = proptest::option::of((any::<[u8; NAME]>(), 0..=MOST));
        // Some are adjacent, and some far from each other.
        let number = prop_oneof![3 => 1..40u64, 1 => 1..MOST];
        let numbers = proptest::collection::vec(number, 0..12);
        let removal = (any::<[u8; NAME]>(), numbers);
        let removals = proptest::collection::vec(removal, 0..4);
        (condition, removals).prop_map(|(condition, removals)| Pending {
            condition: condition.map(|(name, number)| Condition { name, number }),
            removals: removals
                .into_iter()
                .map(|(name, numbers)| Removal {
                    name,
                    numbers: numbers.into_iter().collect(),
                })
                .collect(),
        })
    }

    fn some() -> Pending {
        Pending {
            condition: Some(Condition {
                name: [7; NAME],
                number: 300,
            }),
            removals: vec![
                Removal {
                    name: [1; NAME],
                    numbers: [5, 6, 7, 9, 1 << 40].into_iter().collect(),
                },
                Removal {
                    name: [2; NAME],
                    numbers: [1].into_iter().collect(),
                },
            ],
        }
    }

    /// Bytes with this checksum, so that only what they say is wrong.
    fn summed(mut body: Vec<u8>) -> Vec<u8> {
        let sum = checksum(&body);
        body.extend(sum.to_le_bytes());
        body
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_was_written_is_read(pending in pending()) {
            prop_assert_eq!(Pending::decode(&pending.encode()), Ok(pending));
        }

        #[test]
        fn a_set_of_numbers_has_those_it_was_made_of(
            numbers in proptest::collection::vec(0..60u64, 0..30),
        ) {
            let set: Numbers = numbers.iter().copied().collect();
            for number in 0..62 {
                prop_assert_eq!(set.contains(number), numbers.contains(&number));
            }
        }

        #[test]
        fn a_set_of_numbers_is_read_as_it_is_written(
            numbers in proptest::collection::vec(prop_oneof![3 => 0..40u64, 1 => 0..MOST], 0..12),
            text in "[0-9,+-]{0,12}",
        ) {
            let set: Numbers = numbers.into_iter().collect();
            prop_assert_eq!(Numbers::parse(&set.to_string()), Some(set));
            if let Some(read) = Numbers::parse(&text) {
                prop_assert_eq!(read.to_string(), text);
            }
        }

        #[test]
        fn whatever_bytes_are_read_as_a_step_are_what_that_step_is_written_as(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            at in 0..200usize,
        ) {
            let mut bytes = header::preamble(header::PENDING).to_vec();
            bytes.extend(&body);
            // Also such as are nearly right.
            let mut near = some().encode();
            near.truncate(near.len() - SUM);
            let from = at.min(near.len());
            let end = near.len().min(from + body.len().min(8));
            near[from..end].copy_from_slice(&body[..end - from]);
            for bytes in [body, summed(bytes), summed(near)] {
                if let Ok(read) = Pending::decode(&bytes) {
                    prop_assert_eq!(read.encode(), bytes);
                }
            }
        }
    }

    #[test]
    fn a_file_with_any_byte_changed_or_cut_off_is_refused() {
        let bytes = some().encode();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                Pending::decode(&changed).unwrap_err();
            }
            Pending::decode(&bytes[..at]).unwrap_err();
        }
        let longer = [&bytes[..], &[0]].concat();
        Pending::decode(&longer).unwrap_err();
    }

    #[test]
    fn ranges_that_are_empty_adjacent_out_of_order_or_too_far_are_refused() {
        for ranges in [
            vec![(3, 0)],
            vec![(3, 2), (5, 1)],
            vec![(3, 2), (4, 1)],
            vec![(9, 1), (3, 1)],
            vec![(MOST, 1)],
            vec![(5, u64::MAX - 3)],
            vec![(u64::MAX, 1)],
        ] {
            let mut pending = some();
            pending.removals[0].numbers = Numbers { ranges };
            let why = Pending::decode(&pending.encode()).unwrap_err();
            assert_eq!(why, "it does not say what a step does");
        }
    }

    #[test]
    fn a_set_of_numbers_is_written_in_one_way_only() {
        let text = |numbers: &[u64]| numbers.iter().copied().collect::<Numbers>().to_string();
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[9, 6, 5, 7]), "5-7,9");
        assert_eq!(text(&[0, 1, 3]), "0-1,3");
        for wrong in [
            "5-6,7",
            "7,5",
            "5-5",
            "05",
            "+5",
            "5,",
            ",5",
            "5-",
            "-5",
            "7-5",
            "5,5",
            "5 ",
            "a",
            "18446744073709551615",
            "0-18446744073709551615",
            "99999999999999999999999",
        ] {
            assert_eq!(Numbers::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_damaged_file_is_reported_by_its_name_and_none_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()), Ok(None));
        let path = directory.path().join(PENDING);
        fs::write(&path, some().encode()).unwrap();
        assert_eq!(read(directory.path()), Ok(Some(some())));
        fs::write(&path, [0; 60]).unwrap();
        let Err(Error::Storage(why)) = read(directory.path()) else {
            panic!("it is read");
        };
        let (name, end) = (
            path.display().to_string(),
            "nothing was changed: restore a backup",
        );
        assert!(why.starts_with(&name) && why.ends_with(end), "{why}");
        let mut other = header::preamble(header::PENDING);
        other[8] = 9;
        let sum = checksum(&other[..12]).to_le_bytes();
        other[12..].copy_from_slice(&sum);
        fs::write(&path, other).unwrap();
        let why = read(directory.path()).unwrap_err().to_string();
        assert!(why.contains("format version 9"), "{why}");
    }
}
