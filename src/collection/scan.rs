//! Scans: reading all vectors, or those that match a filter, in batches and in insertion order,
//! while others write.
//!
//! A batch ends with a cursor that says where the next one begins, so that nothing is kept in
//! between. A scan reads the vectors that were there at its beginning and still are, each once and
//! as it is at that moment: an updated vector keeps its place, and later ones come after the end.

use std::fmt;

use serde::Deserialize;

use super::{Access, Collection, Item};
use crate::{
    error::{Error, Result},
    filter::Filter,
};

/// What to read of a scan.
#[derive(Debug, Default, Clone)]
pub struct ScanOptions {
    /// Where to go on; `None` begins.
    pub cursor: Option<Cursor>,
    pub limit: usize,
    pub filter: Option<Filter>,
    pub with_vector: bool,
    pub with_metadata: bool,
}

/// Where a scan goes on, as the text `created-from-end` of three hexadecimal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor {
    /// When the collection was created, in nanoseconds: there may be another one of its name by
    /// the next batch.
    created: u64,
    /// The sequence number of the next vector, or of one before it.
    from: u64,
    /// The sequence number of the first vector that was inserted after the scan began.
    end: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.created, self.from, self.end)
    }
}

impl TryFrom<String> for Cursor {
    /// Without the place of the cursor, which whoever reads it adds.
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let number = |part: &str| u64::from_str_radix(part, 16).ok();
        let numbers: Option<Vec<u64>> = text.split('-').map(number).collect();
        match numbers.as_deref() {
            Some(&[created, from, end]) => Ok(Self { created, from, end }),
            _ => Err("not the cursor of a scan: pass the one of the last batch"),
        }
    }
}

/// A batch of a scan.
#[derive(Debug)]
pub struct Batch {
    pub vectors: Vec<Item>,
    /// `None` at the end.
    pub cursor: Option<Cursor>,
}

impl Collection {
    /// Reads the next batch of a scan.
    pub fn scan(&self, options: &ScanOptions) -> Result<Batch> {
        let created = self.created_at().unix_timestamp_nanos() as u64;
        let state = self.read(Access::Wait)?;
        let cursor = options.cursor.unwrap_or(Cursor {
            created,
            from: 0,
            end: state.next_sequence,
        });
        if cursor.created != created {
            return Err(Error::CollectionNotFound(self.name()));
        }
        let matching = options.filter.as_ref().map(|filter| state.matching(filter));
        let slots = matching.as_ref().unwrap_or(state.slots.alive());
        let mut left = state
            .slots
            .starting_at(slots, cursor.from)
            .take_while(|&slot| state.slots.sequence(slot) < cursor.end);
        let (with_vector, with_metadata) = (options.with_vector, options.with_metadata);
        let item = |slot| state.item(Access::Wait, slot, None, with_vector, with_metadata);
        let vectors = left.by_ref().take(options.limit).map(item);
        let vectors = vectors.filter_map(Result::transpose);
        let vectors = vectors.collect::<Result<_>>()?;
        let next = left.next().map(|slot| Cursor {
            from: state.slots.sequence(slot),
            ..cursor
        });
        Ok(Batch {
            vectors,
            cursor: next,
        })
    }
}
