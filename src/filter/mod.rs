//! The metadata filter: which vectors a search may return, and which ones a delete takes.
//!
//! A delete by filter is only as good as its filter. One that matches more than was asked
//! destroys data, and the usual way there is leniency: an unknown operator skipped, an
//! empty list read as "no restriction", a text compared with a number. So the parser is
//! strict: what it does not understand is an error that names the place, and a filter
//! without a condition is none. Evaluation is exact: it computes the set of matching
//! slots; there is no sampling and no limit.
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
//! One filter may be written in three forms, which become one tree ([`Filter`]):
//!
//! - **Plain**: `{ category: 'old', lang: ['en', 'de'] }`. All must be equal; an array
//!   means any of.
//! - **Operators**: `{ size: { $gt: 5 }, $or: [{ a: 1 }, { b: { $in: [1, 2] } }] }`, with
//!   `$eq $ne $gt $gte $lt $lte $in $nin $exists` on a field and `$and $or $not` on
//!   filters. It contains the plain form, so both may stand side by side.
//! - **Clauses**: `{ must?, should?, must_not? }`, lists of conditions: `{ key, match:
//!   { value | any | except } }`, `{ key, range }`, `{ key, values_count }`, `{ is_empty:
//!   { key } }`, `{ is_null: { key } }`, `{ has_id: [..] }`, the tagged `{ type: 'match',
//!   key, match_value }` and `{ type: 'range', key, range }`, or a nested clause filter.
//!   All given lists hold: every one of `must`, one of `should`, none of `must_not`.
//!
//! `must`, `should` and `must_not` beside any other key are a mix of forms and an error;
//! a field of such a name is filtered with a clause.
//!
//! # What matches
//!
//! - A field is a dotted path through nested objects; a key that contains a dot cannot be
//!   reached. Where an array of objects is on the way, every object in it is followed. The
//!   values of a field are what is found at the end, and the elements of arrays there.
//! - A condition holds if it holds for any value of the field. Each operator looks for its
//!   own: `{ $gt: 1, $lt: 5 }` matches `[0, 9]`. The bounds of one clause `range` must all
//!   hold for the same value, so that `{ gt: 1, lt: 5 }` does not.
//! - Numbers compare with numbers by value: integers of up to 64 bits, signed or not, as they
//!   are, everything else as the 64-bit float that it is nearest to. In a filter an integer of
//!   more bits is an error. Booleans and null equal themselves, and strings compare with
//!   strings. Different types never match. Objects and arrays inside arrays are present, but
//!   equal nothing.
//! - Two strings that are both dates (`2024-01-31`, or an RFC 3339 date-time, whose zone may
//!   be missing and is UTC then) compare as instants, for equality too. Other strings
//!   compare as texts, byte by byte, which is the order of their Unicode code points.
//! - `{ "$date": ".." }`, what a JavaScript `Date` becomes, stands where a value may. It is
//!   an instant, and compares with nothing but strings that are dates.
//! - A missing field matches only `$ne`, `$nin`, `$exists: false`, `$not`, `is_empty` and
//!   `must_not`. `$ne`, `$nin`, `$not` and `must_not` are complements: they match exactly
//!   what their opposite does not.
//! - `match.except` wants a boolean, number or string that is none of the list.
//! - `is_empty`: everything found at the path is null or an empty array, or nothing is.
//!   `is_null`: a value is null. `values_count` counts an array's elements; null counts as
//!   none, everything else as one.
//!
//! # Elsewhere
//!
//! [`terms`] is the same filter for an engine that holds the rows itself and can compare
//! little: what to store with each row, and what to ask of that.

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
