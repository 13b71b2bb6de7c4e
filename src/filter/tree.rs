//! The tree that every form of a filter is parsed to.
//!
//! It has fewer kinds of conditions than the forms: `$ne` is a `Not`, `$exists` counts values, a
//! string that is a date is an instant. Each kind of condition is evaluated by one piece of code,
//! however it was written.

use std::{
    cmp::Ordering,
    ops::{Bound, RangeBounds},
};

use hashbrown::HashSet;

use super::{date, number::Number, value::Path};

/// A parsed filter. It has at least one condition, and no list in it is empty.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    /// The complement: every live row that the inner filter does not match.
    Not(Box<Filter>),
    HasId(Vec<Box<str>>),
    Field {
        path: Path,
        test: Test,
    },
}

/// A test on one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A value equals one of these.
    In(Vec<Scalar>),
    /// A boolean, number or string equals none of these.
    Except(Vec<Scalar>),
    /// A value lies within the range.
    Range(Range),
    /// There is something, and the number of its values lies within the interval.
    Count(Interval<Number>),
}

/// What a value may equal.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    /// A string that is not a date.
    Text(Box<str>),
    /// A `Date`, or a string that is a date: as a string it could only equal itself.
    Instant(i128),
}

/// A range that a single value must lie in.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    Numbers(Interval<Number>),
    Strings(StringRange),
}

/// A range of strings. A bound that is a date bounds dates as instants and other strings as
/// strings, so the two kinds of strings have ranges of their own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StringRange {
    /// For strings that are dates: the bounds that are dates.
    pub instants: Interval<i128>,
    /// For strings that are dates: the bounds that are not.
    pub dates: Interval<Box<str>>,
    /// For other strings.
    pub texts: Interval<Box<str>>,
    /// Whether a bound is a `Date`, which is not compared with other strings.
    pub dates_only: bool,
}

/// The values between two bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval<T> {
    pub lower: Bound<T>,
    pub upper: Bound<T>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Filter {
    pub(super) fn all(parts: Vec<Filter>) -> Self {
        Self::join(parts, Filter::And)
    }

    pub(super) fn any(parts: Vec<Filter>) -> Self {
        Self::join(parts, Filter::Or)
    }

    /// A single part needs no list.
    fn join(mut parts: Vec<Filter>, list: fn(Vec<Filter>) -> Filter) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                parts.extend(last);
                list(parts)
            }
        }
    }

    pub(super) fn negated(self) -> Self {
        Filter::Not(Box::new(self))
    }

    /// A filter that matches the rows that have a field.
    pub fn having(path: &Path) -> Self {
        Filter::Field {
            path: path.clone(),
            test: Test::Count(Interval::default()),
        }
    }

    /// The fields it refers to, without repetitions, including those it negates.
    pub fn paths(&self) -> Vec<&Path> {
        let (mut paths, mut seen) = (Vec::new(), HashSet::new());
        let mut parts = vec![self];
        while let Some(part) = parts.pop() {
            match part {
                // The last one is popped first.
                Filter::And(list) | Filter::Or(list) => parts.extend(list.iter().rev()),
                Filter::Not(part) => parts.push(part),
                Filter::HasId(_) => {}
                Filter::Field { path, .. } => {
                    if seen.insert(path) {
                        paths.push(path);
                    }
                }
            }
        }
        paths
    }
}

impl Scalar {
    pub(super) fn of_text(text: &str) -> Self {
        match date::instant(text.as_bytes()) {
            Some(instant) => Scalar::Instant(instant),
            None => Scalar::Text(text.into()),
        }
    }
}

impl StringRange {
    pub(super) fn narrow_by_text(&mut self, comparison: Comparison, text: &str) {
        match date::instant(text.as_bytes()) {
            Some(instant) => self.instants.narrow(comparison, instant),
            None => self.dates.narrow(comparison, text.into()),
        }
        self.texts.narrow(comparison, text.into());
    }

    pub(super) fn narrow_by_date(&mut self, comparison: Comparison, instant: i128) {
        self.instants.narrow(comparison, instant);
        self.dates_only = true;
    }
}

impl<T> Default for Interval<T> {
    /// Everything.
    fn default() -> Self {
        Self {
            lower: Bound::Unbounded,
            upper: Bound::Unbounded,
        }
    }
}

impl<T: Ord> Interval<T> {
    /// Keeps the stricter of the existing bound and the new one.
    pub(super) fn narrow(&mut self, comparison: Comparison, operand: T) {
        let (side, stricter) = match comparison {
            Comparison::Gt | Comparison::Gte => (&mut self.lower, Ordering::Greater),
            Comparison::Lt | Comparison::Lte => (&mut self.upper, Ordering::Less),
        };
        let exclusive = matches!(comparison, Comparison::Gt | Comparison::Lt);
        let replaces = match side {
            Bound::Unbounded => true,
            Bound::Included(old) | Bound::Excluded(old) => match operand.cmp(old) {
                Ordering::Equal => exclusive,
                order => order == stricter,
            },
        };
        if replaces {
            *side = if exclusive {
                Bound::Excluded(operand)
            } else {
                Bound::Included(operand)
            };
        }
    }

    /// The bounds, or `None` if nothing can lie between them: an ordered map panics on such a
    /// range.
    pub(super) fn bounds(&self) -> Option<(Bound<&T>, Bound<&T>)> {
        use Bound::{Excluded, Included, Unbounded};
        let possible = match (&self.lower, &self.upper) {
            (Unbounded, _) | (_, Unbounded) => true,
            (Included(lower), Included(upper)) => lower <= upper,
            (Included(lower) | Excluded(lower), Included(upper) | Excluded(upper)) => lower < upper,
        };
        possible.then_some((self.lower.as_ref(), self.upper.as_ref()))
    }

    pub(super) fn contains(&self, value: &T) -> bool {
        (self.lower.as_ref(), self.upper.as_ref()).contains(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_what_all_its_bounds_allow() {
        const COMPARISONS: [Comparison; 4] = [
            Comparison::Gt,
            Comparison::Gte,
            Comparison::Lt,
            Comparison::Lte,
        ];
        let holds = |comparison, value: i32, operand| match comparison {
            Comparison::Gt => value > operand,
            Comparison::Gte => value >= operand,
            Comparison::Lt => value < operand,
            Comparison::Lte => value <= operand,
        };
        let bounds = COMPARISONS.map(|comparison| [1, 2, 3].map(|operand| (comparison, operand)));
        let bounds = bounds.as_flattened();
        for first in bounds {
            for second in bounds {
                let mut interval = Interval::default();
                for &(comparison, operand) in [first, second] {
                    interval.narrow(comparison, operand);
                }
                for value in 0..5 {
                    let expected = [first, second].iter().all(|(c, o)| holds(*c, value, *o));
                    assert_eq!(interval.contains(&value), expected, "{interval:?} {value}");
                    assert!(!expected || interval.bounds().is_some());
                }
                // An ordered set must accept the bounds, whatever they are.
                let set = std::collections::BTreeSet::from([1, 2]);
                if let Some(bounds) = interval.bounds() {
                    set.range(bounds).count();
                }
            }
        }
    }

    #[test]
    fn the_fields_of_a_filter_are_told_once_and_in_order() {
        let filter = crate::filter::parse_text(
            r#"{"$and":[{"b.c":1},{"$not":{"a":{"$gt":1,"$lt":3}}},
                {"must_not":[{"is_empty":{"key":"d"}},{"has_id":["x"]},{"key":"b.c","range":{"lt":1}}]}]}"#,
        );
        let filter = filter.unwrap();
        let paths: Vec<_> = filter.paths().into_iter().map(Path::as_str).collect();
        assert_eq!(paths, ["b.c", "a", "d"]);
    }

    #[test]
    fn a_list_of_one_is_that_one() {
        let ids = |id: &str| Filter::HasId(vec![id.into()]);
        assert_eq!(Filter::all(vec![ids("a")]), ids("a"));
        let both = vec![ids("a"), ids("b")];
        assert_eq!(Filter::any(both.clone()), Filter::Or(both));
    }
}
