//! Searching.

use std::time::Duration;

use super::dispatch::Dispatch;
use crate::{
    client::Call,
    collection::{Access, Item, Name, SearchOptions},
    embed::embed,
    error::{Error, Result},
};

/// The most results, and values in them, that a search on the pool may return.
const POOL_RESULTS: usize = 1000;
const POOL_VALUES: usize = 256 << 10;

/// What to search for.
pub enum Wanted {
    Vector(Name, Vec<f32>),
    /// A text for the built-in embedder. The empty text ranks nothing.
    Text(String),
}

/// A search of a collection.
pub struct Search {
    pub collection: String,
    pub wanted: Wanted,
}

impl Search {
    pub fn dispatch(&self, has_filter: bool) -> Dispatch {
        match (&self.wanted, has_filter) {
            (Wanted::Vector(..), false) => Dispatch::InlineIfShort,
            (Wanted::Text(text), false) if !text.is_empty() => Dispatch::of_text(text.len()),
            // A field may not have an index yet, and a list may be long.
            _ => Dispatch::Blocking,
        }
    }

    /// Runs the search. `left` is how long it may block the caller's thread.
    pub fn run(
        &mut self,
        call: &Call,
        access: Access,
        left: Duration,
        options: &SearchOptions,
    ) -> Result<Vec<Item>> {
        let collection = call.collection(&self.collection)?;
        let dimension = collection.config().dimension;
        let values = match options.with_vector {
            true => options.limit.saturating_mul(dimension),
            false => 0,
        };
        if access == Access::Soon && (options.limit > POOL_RESULTS || values > POOL_VALUES) {
            return Err(Error::WouldBlock);
        }
        match (&mut self.wanted, access) {
            (Wanted::Vector(name, vector), Access::Now) => {
                collection.search_within(left, name, vector, options)
            }
            (Wanted::Text(_), Access::Now) => Err(Error::WouldBlock),
            (Wanted::Vector(name, vector), _) => {
                collection.search_by(access, name, vector.clone(), options)
            }
            (Wanted::Text(text), _) if text.is_empty() => collection.search_unranked(options),
            (Wanted::Text(text), _) => {
                let vector = embed(text, dimension);
                let name = Name::at("query");
                let found = collection.search_by(access, &name, vector.clone(), options);
                // So that the text is not embedded again.
                self.wanted = Wanted::Vector(name, vector);
                found
            }
        }
    }
}
