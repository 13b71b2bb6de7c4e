//! Numbers that can be recognised wherever their bytes are.
//!
//! Every row, id, metadata, text and collection name is filled with the one number it was made
//! from. Scanning the raw bytes of a file therefore shows which of them it contains, completely or
//! in part, without any knowledge of the file's format.

use crate::support::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Row,
    Id,
    Metadata,
    Text,
    Name,
}

/// One thing that can be stored. No two of the same kind have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    pub kind: Kind,
    pub number: u32,
}

const KINDS: [(Kind, u8); 4] = [
    (Kind::Id, b'i'),
    (Kind::Metadata, b'm'),
    (Kind::Text, b't'),
    (Kind::Name, b'n'),
];
/// The size of a word: its sign, its kind, and the number in hexadecimal.
const WORD: usize = 10;
const SIGN: u8 = b'@';
/// A row repeats its number every four lanes: the lower halves of their mantissas are this magic
/// number, the number's two halves, and a checksum.
const MAGIC: [u8; 2] = [0xc9, 0xd7];
const GROUP: usize = 16;
/// These bits of their upper halves are fixed: values between 1 and 2, of either sign.
const UPPER: u32 = 0x3f80;
const UPPER_BITS: u32 = 0x7f80;

/// The mark as a text, repeated `copies` times.
pub fn words(kind: Kind, number: u32, copies: u32) -> String {
    let (_, letter) = KINDS[KINDS.iter().position(|known| known.0 == kind).unwrap()];
    format!("@{}{number:08x}", letter as char).repeat(copies as usize)
}

fn check(number: u32) -> u16 {
    ((number ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// How many times a row contains its mark.
pub fn copies_in_row(dimension: usize) -> u32 {
    (4 * dimension / GROUP) as u32
}

/// A row with a direction of its own. The dimension must be a multiple of four.
pub fn row(number: u32, dimension: usize) -> Vec<f32> {
    let mut random = Random(u64::from(number));
    let halves = [
        u16::from_le_bytes(MAGIC),
        number as u16,
        (number >> 16) as u16,
        check(number),
    ];
    let lanes = halves.into_iter().cycle().take(dimension);
    lanes
        .map(|half| {
            let upper = UPPER | (random.next() as u32 & !UPPER_BITS);
            f32::from_bits((upper & 0xffff) << 16 | u32::from(half))
        })
        .collect()
}

/// The mark at the beginning of the bytes.
fn mark_at(bytes: &[u8]) -> Option<Mark> {
    if bytes[0] == SIGN {
        let word = bytes.get(..WORD)?;
        let (kind, _) = KINDS.into_iter().find(|known| known.1 == word[1])?;
        let number = word[2..].iter().try_fold(0, |number, &digit| {
            Some(number << 4 | char::from(digit).to_digit(16)?)
        })?;
        return Some(Mark { kind, number });
    }
    let group = bytes.get(..GROUP)?;
    let half = |at: usize| u16::from_le_bytes([group[at], group[at + 1]]);
    let number = u32::from(half(4)) | u32::from(half(8)) << 16;
    let is_float = |at: usize| u32::from(half(at + 2)) & UPPER_BITS == UPPER;
    let is_row =
        group[..2] == MAGIC && half(12) == check(number) && [0, 4, 8, 12].into_iter().all(is_float);
    let kind = Kind::Row;
    is_row.then_some(Mark { kind, number })
}

/// Every mark in the bytes, with its position.
pub fn find(bytes: &[u8]) -> impl Iterator<Item = (usize, Mark)> {
    memchr::memchr2_iter(SIGN, MAGIC[0], bytes).filter_map(|at| Some((at, mark_at(&bytes[at..])?)))
}

#[test]
fn a_mark_is_found_at_any_place_and_by_any_part_of_a_row_that_holds_one() {
    for number in [1, 0x40, 0x3000_d7c9, u32::MAX] {
        let mut bytes = vec![0xc9; 3];
        for value in row(number, 12) {
            assert!(value.is_finite() && value.abs() >= 1.0);
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(words(Kind::Text, number, 2).bytes());
        bytes.extend(words(Kind::Id, number, 1).bytes());
        for len in 0..bytes.len() {
            let rest = &bytes[len..];
            let count = |kind| {
                let mark = Mark { kind, number };
                find(rest).filter(|found| found.1 == mark).count()
            };
            let left = |end: usize, each: usize| end.saturating_sub(len) / each;
            assert_eq!(count(Kind::Row), left(3 + 48, GROUP).min(3));
            assert_eq!(count(Kind::Text), left(51 + 20, WORD).min(2));
            assert_eq!(count(Kind::Id), left(81, WORD).min(1));
            let all = count(Kind::Row) + count(Kind::Text) + count(Kind::Id);
            assert_eq!(find(rest).count(), all);
        }
    }
}
