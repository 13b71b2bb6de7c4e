//! Evaluates a tree to the set of slots it matches.

use std::{
    collections::BTreeSet,
    ops::{Bound, RangeBounds},
};

use roaring::RoaringBitmap;

use super::{
    index::{FieldIndex, FieldIndexes, Source},
    number::Number,
    postings::Posting,
    tree::{Filter, Range, Scalar, StringRange, Test},
};
use crate::wiped::Wiped;

impl FieldIndexes {
    /// Returns the slots that a filter matches, all of them `alive`.
    ///
    /// `alive` must be all live rows, because a field that is not indexed yet gets an index of
    /// them, and the rows must not change in the meantime: the caller holds their lock.
    pub fn evaluate(
        &self,
        filter: &Filter,
        alive: &RoaringBitmap,
        source: &impl Source,
    ) -> RoaringBitmap {
        // Recursion is bounded by the maximum depth in the parser.
        let matches = |part: &Filter| self.evaluate(part, alive, source);
        match filter {
            Filter::And(parts) => {
                // An empty list matches nothing: the absence of conditions is no reason to delete.
                let mut parts = parts.iter();
                let mut set = parts.next().map(matches).unwrap_or_default();
                for part in parts {
                    if set.is_empty() {
                        break;
                    }
                    set &= matches(part);
                }
                set
            }
            Filter::Or(parts) => {
                let mut set = RoaringBitmap::new();
                for part in parts {
                    set |= matches(part);
                }
                set
            }
            Filter::Not(part) => alive - matches(part),
            Filter::HasId(ids) => {
                let slots = ids.iter().filter_map(|id| source.slot_of(id));
                slots.filter(|&slot| alive.contains(slot)).collect()
            }
            Filter::Field { path, test } => {
                self.ask(path, alive, source, |index| index.matching(test)) & alive
            }
        }
    }
}

impl FieldIndex {
    fn matching(&self, test: &Test) -> RoaringBitmap {
        match test {
            Test::In(scalars) => {
                let mut set = RoaringBitmap::new();
                for scalar in scalars {
                    self.add_equal(scalar, &mut set);
                }
                set
            }
            Test::Except(scalars) => self.other_than(scalars),
            Test::Range(Range::Numbers(range)) => match range.bounds() {
                Some(bounds) => union(self.numbers.map.range(bounds)),
                None => RoaringBitmap::new(),
            },
            Test::Range(Range::Strings(range)) => self.strings(range),
            Test::Count(range) => {
                let counts = self.counts.map.iter();
                union(counts.filter(|(count, _)| range.contains(&Number::from(**count as u64))))
            }
        }
    }

    fn add_equal(&self, scalar: &Scalar, set: &mut RoaringBitmap) {
        let posting = match scalar {
            Scalar::Null => {
                *set |= &self.nulls;
                None
            }
            Scalar::Bool(value) => {
                *set |= &self.bools[usize::from(*value)];
                None
            }
            Scalar::Number(number) => self.numbers.map.get(number),
            Scalar::Text(text) => self.texts.map.get(text.as_bytes()),
            Scalar::Instant(instant) => {
                let dates = self.dates.map.range(keys_of(*instant, *instant));
                dates.for_each(|(_, posting)| posting.add_to(set));
                None
            }
        };
        if let Some(posting) = posting {
            posting.add_to(set);
        }
    }

    /// The rows with a boolean, number or string other than the given ones.
    fn other_than(&self, scalars: &[Scalar]) -> RoaringBitmap {
        let mut bools = [true, true];
        let mut numbers = BTreeSet::new();
        let mut texts = BTreeSet::new();
        let mut instants = BTreeSet::new();
        for scalar in scalars {
            match scalar {
                Scalar::Null => {}
                Scalar::Bool(value) => bools[usize::from(*value)] = false,
                Scalar::Number(number) => drop(numbers.insert(number)),
                Scalar::Text(text) => drop(texts.insert(text.as_bytes())),
                Scalar::Instant(instant) => drop(instants.insert(instant)),
            }
        }
        let mut set = RoaringBitmap::new();
        for (slots, wanted) in self.bools.iter().zip(bools) {
            if wanted {
                set |= slots;
            }
        }
        let others = self.numbers.map.iter();
        set |= union(others.filter(|(number, _)| !numbers.contains(number)));
        let others = self.texts.map.iter();
        set |= union(others.filter(|(text, _)| !texts.contains(&text[..])));
        let others = self.dates.map.iter();
        set | union(others.filter(|((instant, _), _)| !instants.contains(instant)))
    }

    fn strings(&self, range: &StringRange) -> RoaringBitmap {
        let mut set = RoaringBitmap::new();
        if let Some((lower, upper)) = range.instants.bounds()
            && let Some(texts) = range.dates.bounds()
        {
            // Instants are integers, so every bound can be made inclusive.
            let first = match lower {
                Bound::Included(&instant) => instant,
                Bound::Excluded(&instant) => instant.saturating_add(1),
                Bound::Unbounded => i128::MIN,
            };
            let last = match upper {
                Bound::Included(&instant) => instant,
                Bound::Excluded(&instant) => instant.saturating_sub(1),
                Bound::Unbounded => i128::MAX,
            };
            let texts = bytes(texts);
            if first <= last {
                let dates = self.dates.map.range(keys_of(first, last));
                let inside = |text: &[u8]| RangeBounds::<[u8]>::contains(&texts, text);
                set |= union(dates.filter(|((_, text), _)| inside(&text[..])));
            }
        }
        if let Some(texts) = range.texts.bounds()
            && !range.dates_only
        {
            set |= union(self.texts.map.range::<[u8], _>(bytes(texts)));
        }
        set
    }
}

/// The keys of dates from one instant to another, both inclusive.
fn keys_of(first: i128, last: i128) -> impl RangeBounds<(i128, Wiped<[u8]>)> {
    let empty = || Wiped::from(Box::default());
    (first, empty())..(last.saturating_add(1), empty())
}

type TextBounds<'t, T> = (Bound<&'t T>, Bound<&'t T>);

fn bytes<'t>((lower, upper): TextBounds<'t, Box<str>>) -> TextBounds<'t, [u8]> {
    (
        lower.map(|text| text.as_bytes()),
        upper.map(|text| text.as_bytes()),
    )
}

fn union<'p, K: 'p>(postings: impl Iterator<Item = (&'p K, &'p Posting)>) -> RoaringBitmap {
    let mut set = RoaringBitmap::new();
    for (_, posting) in postings {
        posting.add_to(&mut set);
    }
    set
}
