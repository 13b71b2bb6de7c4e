//! Filters for an engine that stores the rows itself.
//!
//! Such an engine has a filter language of its own, with different semantics: it may not know
//! dates, may compare integers and other numbers separately, or may treat a missing field as
//! neither true nor false. So as little as possible is required of it. Each row is stored with two
//! fields derived from its metadata ([`RowTerms`]), and a filter becomes a [`Plan`]: an expression
//! over them that matches exactly the rows that the filter does.
//!
//! - `terms` is a set of facts, each a short text: this value is at that path, there is a number,
//!   there are several different ones. The only query: is one of these among them?
//! - `ranges` has the least and the greatest count, number, instant and text of each path,
//!   encoded so that the texts are ordered as the values are. The only query: how does one compare
//!   with a literal? A missing one compares with nothing, so a comparison is never negated; its
//!   complement is used instead.
//!
//! This is sufficient for a condition that holds for any value of a field: some number is above 5
//! if the greatest is. Only if one value must meet two bounds are the least and the greatest not
//! enough, for rows with several different values. A plan identifies such rows by their terms
//! ([`Guard`]): the caller queries for them first, and rejects the filter if there are any.
//!
//! ```
//! use vectorizer_native::filter::{
//!     parse_text,
//!     terms::{Expression, Plan, RowTerms},
//! };
//!
//! let row = RowTerms::of(Some(r#"{"tags":["a","b"],"size":7}"#))?;
//! let Plan { expression, guards } = Plan::of(&parse_text(r#"{"tags":["b","c"]}"#)?)?;
//! let Expression::Any(terms) = expression else { panic!() };
//! assert!(terms.iter().any(|term| row.terms.contains(term)));
//! assert!(guards.is_empty());
//! # Ok::<(), vectorizer_native::error::Error>(())
//! ```
//!
//! Terms and the keys of `ranges` are digests, and the values of `ranges` are hexadecimal digits,
//! so nothing needs quoting in any language. Stored rows keep theirs: if the encoding changes, they
//! must be rewritten.

mod plan;
mod rows;

use sha2::{Digest, Sha256};

use super::{number::Number, value::Path};
use crate::hexadecimal::hexadecimal;

pub use plan::{Expression, Guard, Operator, Plan};
pub use rows::{MAX_RANGES_BYTES, MAX_TERMS, RowTerms};

/// How much of a text is stored in `ranges`. A bound must be shorter, so that it either differs
/// from a truncated text before the cut or is a prefix of it.
const TEXT_BYTES: usize = 256;
/// How much of a digest is kept: enough that collisions between terms do not occur in practice.
const NAME_BYTES: usize = 16;

/// The kinds of values that are distinguished.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Bool,
    Number,
    /// The instants of strings that are dates.
    Instant,
    /// The texts of strings that are dates.
    DateText,
    /// Strings that are not dates.
    Text,
    /// The number of values.
    Count,
    /// Booleans, numbers and strings alike.
    Value,
}

/// The role of a name for the values at a path.
#[derive(Clone, Copy)]
enum Role {
    /// A value equals this one.
    Equal,
    /// There is a value of a kind.
    Some,
    /// There are several different values of a kind.
    Several,
    /// The key of the least value of a kind.
    Least,
    /// The key of the greatest value of a kind.
    Greatest,
}

/// A value that others may equal.
enum Single<'v> {
    Null,
    Bool(bool),
    Number(Number),
    Instant(i128),
    Text(&'v [u8]),
}

/// The field at a path, from which terms and keys are derived.
#[derive(Clone)]
struct Field(Sha256);

impl Field {
    /// The row itself.
    fn root() -> Self {
        Self(Sha256::new())
    }

    fn of(path: &Path) -> Self {
        let keys = path.as_str().split('.');
        keys.fold(Self::root(), |field, key| field.at(key.as_bytes()))
    }

    /// The field at a key of this one.
    fn at(&self, key: &[u8]) -> Self {
        let sized = self
            .0
            .clone()
            .chain_update((key.len() as u64).to_le_bytes());
        Self(sized.chain_update(key))
    }

    fn name(&self, role: Role, kind: Kind) -> String {
        self.name_with(role, kind, &[])
    }

    fn equal(&self, value: &Single) -> String {
        let name = |kind, value: &[u8]| self.name_with(Role::Equal, kind, value);
        match value {
            Single::Null => name(Kind::Null, &[]),
            Single::Bool(value) => name(Kind::Bool, &[u8::from(*value)]),
            Single::Number(number) => {
                let (float, rest) = number.parts();
                let mut bytes = bits(float).to_be_bytes().to_vec();
                if rest > 0 {
                    bytes.extend(rest.to_be_bytes());
                }
                name(Kind::Number, &bytes)
            }
            Single::Instant(instant) => name(Kind::Instant, &instant.to_be_bytes()),
            Single::Text(text) => name(Kind::Text, text),
        }
    }

    fn name_with(&self, role: Role, kind: Kind, value: &[u8]) -> String {
        let role = match role {
            Role::Equal => b'=',
            Role::Some => b'+',
            Role::Several => b'*',
            Role::Least => b'<',
            Role::Greatest => b'>',
        };
        let kind = match kind {
            Kind::Null => b'z',
            Kind::Bool => b'b',
            Kind::Number => b'n',
            Kind::Instant => b'i',
            Kind::DateText => b'd',
            Kind::Text => b't',
            Kind::Count => b'c',
            Kind::Value => b'v',
        };
        // No key is that long, so this marks the end of the path.
        let named = self.0.clone().chain_update(u64::MAX.to_le_bytes());
        let digest = named.chain_update([role, kind]).chain_update(value);
        hexadecimal(&digest.finalize()[..NAME_BYTES])
    }
}

/// The bits of a float, in the order of floats.
fn bits(float: f64) -> u64 {
    let bits = float.to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

/// Digits without trailing zeros, which do not affect their order.
fn trimmed(digits: &str) -> String {
    digits.trim_end_matches('0').into()
}

fn ordered_number(number: Number) -> String {
    let (float, rest) = number.parts();
    trimmed(&format!("{:016x}{rest:04x}", bits(float)))
}

fn ordered_instant(instant: i128) -> String {
    trimmed(&format!("{:032x}", instant.cast_unsigned() ^ 1 << 127))
}

fn ordered_text(text: &[u8]) -> String {
    hexadecimal(&text[..text.len().min(TEXT_BYTES)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that each value is encoded as a smaller text than the next.
    fn rise<T: Copy + std::fmt::Debug>(values: &[T], ordered: impl Fn(T) -> String) {
        for pair in values.windows(2) {
            assert!(ordered(pair[0]) < ordered(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn texts_are_ordered_as_the_values_are() {
        let numbers = [
            f64::MIN,
            -1e250,
            -1e200,
            -256.0,
            -1.5,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            0.1,
            1.0,
            1.0 + f64::EPSILON,
            1.5,
            2.0,
            16.0,
            255.0,
            256.0,
            9_007_199_254_740_991.0,
            9_007_199_254_740_992.0,
            f64::MAX,
        ];
        rise(&numbers.map(Number::from), ordered_number);
        let integers = [
            i64::MIN,
            i64::MIN + 1,
            -9_007_199_254_740_994,
            -9_007_199_254_740_993,
            -9_007_199_254_740_992,
            -1,
            0,
            9_007_199_254_740_992,
            9_007_199_254_740_993,
            9_007_199_254_740_994,
            i64::MAX - 1,
            i64::MAX,
        ];
        rise(&integers.map(Number::from), ordered_number);
        let beyond = [1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX].map(Number::from);
        rise(&beyond, ordered_number);
        let zeros = [0.0, -0.0].map(|zero| ordered_number(Number::from(zero)));
        assert_eq!(zeros[0], zeros[1]);
        let instants = [
            i128::MIN,
            -62_167_219_200_000_000_000,
            -256,
            -1,
            0,
            1,
            16,
            255,
            256,
            1_704_067_200_000_000_000,
            i128::MAX,
        ];
        rise(&instants, ordered_instant);
        let texts = [
            "", "\0", "0", "00", "a", "a\0", "aa", "b", "é", "\u{ffff}", "😀",
        ];
        rise(&texts.map(str::as_bytes), ordered_text);
    }

    #[test]
    fn what_differs_has_another_name() {
        let single = Single::Number(Number::from(1.0));
        let fields = ["a", "b", "ab", "a.b", "b.a", "a.b.c", "ab.c", "a.bc"];
        let mut names = std::collections::BTreeSet::new();
        for path in fields {
            let field = Field::of(&Path::new(path).unwrap());
            names.insert(field.equal(&single));
            names.insert(field.equal(&Single::Text(b"1")));
            names.insert(field.equal(&Single::Text(b"")));
            names.insert(field.equal(&Single::Null));
            names.insert(field.equal(&Single::Bool(false)));
            names.insert(field.equal(&Single::Bool(true)));
            names.insert(field.equal(&Single::Instant(1)));
            for role in [Role::Some, Role::Several, Role::Least, Role::Greatest] {
                for kind in [
                    Kind::Number,
                    Kind::Instant,
                    Kind::DateText,
                    Kind::Text,
                    Kind::Count,
                ] {
                    names.insert(field.name(role, kind));
                }
            }
        }
        assert_eq!(names.len(), fields.len() * (7 + 4 * 5));
        assert!(names.iter().all(|name| name.len() == 2 * NAME_BYTES));
    }
}
