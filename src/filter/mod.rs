//! The metadata filter: it selects the vectors that a search may return, or that a delete removes.
//!
//! A delete by filter is only as good as its filter. One that matches more than was asked for
//! destroys data, and the usual cause is leniency: an unknown operator that is skipped, an empty
//! list that is read as "no restriction", a string compared with a number. So the parser is strict:
//! anything it does not understand is an error that says where it is, and a filter without a
//! condition is rejected. Evaluation is exact: it computes the set of matching slots; there is no
//! sampling and no limit.
//!
//! ```
//! use roaring::RoaringBitmap;
//! use vectorizer_native::filter::{FieldIndexes, Source, parse_text};
//!
//! struct Rows(Vec<&'static str>);
//!
//! impl Source for Rows {
//!     fn metadata(&self, slot: u32) -> Option<&str> {
//!         self.0.get(slot as usize).copied()
//!     }
//!     fn slot_of(&self, _id: &str) -> Option<u32> {
//!         None
//!     }
//! }
//!
//! let rows = Rows(vec![
//!     r#"{"lang":"en","created_at":"2023-05-01"}"#,
//!     r#"{"lang":"en","created_at":"2024-05-01"}"#,
//!     r#"{"lang":"de"}"#,
//! ]);
//! let alive = RoaringBitmap::from_iter(0..3);
//! let indexes = FieldIndexes::default();
//!
//! let old = parse_text(r#"{"lang":"en","created_at":{"$lt":"2024-01-01"}}"#)?;
//! assert_eq!(indexes.evaluate(&old, &alive, &rows), RoaringBitmap::from_iter([0]));
//!
//! let misspelt = parse_text(r#"{"created_at":{"$lte2":"2024-01-01"}}"#).unwrap_err();
//! assert!(misspelt.to_string().starts_with("filter.created_at.$lte2: unknown operator"));
//! # Ok::<(), vectorizer_native::error::Error>(())
//! ```
//!
//! # The three forms
//!
//! A filter may be written in three forms, which are parsed to the same tree ([`Filter`]):
//!
//! - **Plain**: `{ category: 'old', lang: ['en', 'de'] }`. Every field must be equal; an array
//!   means any of its values.
//! - **Operators**: `{ size: { $gt: 5 }, $or: [{ a: 1 }, { b: { $in: [1, 2] } }] }`, with
//!   `$eq $ne $gt $gte $lt $lte $in $nin $exists` on a field and `$and $or $not` on
//!   filters. It includes the plain form, so both may be combined.
//! - **Clauses**: `{ must?, should?, must_not? }`, lists of conditions:
//!   `{ key, match: { value | any | except } }`, `{ key, range }`, `{ key, values_count }`,
//!   `{ is_empty: { key } }`, `{ is_null: { key } }`, `{ has_id: [..] }`, the tagged
//!   `{ type: 'match', key, match_value }` and `{ type: 'range', key, range }`, or a nested clause
//!   filter. All given lists must hold: every condition of `must`, at least one of `should`, none
//!   of `must_not`.
//!
//! `must`, `should` and `must_not` next to any other key are a mix of forms and an error; a field
//! with such a name can be filtered with a clause.
//!
//! # What matches
//!
//! - A field is a dotted path through nested objects; a key that contains a dot cannot be
//!   reached. If the path leads through an array of objects, every object in it is followed. The
//!   values of a field are what is found at the end, and the elements of arrays there.
//! - A condition holds if it holds for any value of the field. Each operator is evaluated
//!   separately: `{ $gt: 1, $lt: 5 }` matches `[0, 9]`. The bounds of one clause `range` must all
//!   hold for the same value, so `{ gt: 1, lt: 5 }` does not.
//! - Numbers are compared with numbers by value: integers of up to 64 bits, signed or unsigned,
//!   exactly, everything else as the nearest 64-bit float. In a filter, an integer of more bits is
//!   an error. Booleans and null equal themselves, and strings are compared with strings.
//!   Different types never match. Objects and arrays inside arrays are present, but equal nothing.
//! - Two strings that are both dates (`2024-01-31`, or an RFC 3339 date-time, whose zone may be
//!   missing and then defaults to UTC) are compared as instants, also for equality. Other strings
//!   are compared byte by byte, which is the order of their Unicode code points.
//! - `{ "$date": ".." }`, which is what a JavaScript `Date` is converted to, may be used as a
//!   value. It is an instant, and is compared only with strings that are dates.
//! - A missing field matches only `$ne`, `$nin`, `$exists: false`, `$not`, `is_empty` and
//!   `must_not`. `$ne`, `$nin`, `$not` and `must_not` are complements: they match exactly
//!   what their opposite does not.
//! - `match.except` requires a boolean, number or string that is not in the list.
//! - `is_empty`: everything found at the path is null or an empty array, or nothing is found.
//!   `is_null`: a value is null. `values_count` counts an array's elements; null counts as
//!   zero, everything else as one.
//!
//! # Elsewhere
//!
//! [`terms`] translates the same filter for an engine that stores the rows itself and supports few
//! kinds of comparisons: what to store with each row, and what to query.

mod date;
mod evaluate;
mod index;
mod number;
mod parse;
mod postings;
pub mod terms;
mod tree;
mod value;

pub use index::{FieldIndexes, Source};
pub use number::Number;
pub use parse::{parse, parse_text};
pub use tree::{Filter, Interval, Range, Scalar, StringRange, Test};
pub use value::Path;
