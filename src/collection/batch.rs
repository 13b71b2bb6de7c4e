//! Batches of searches, run on all cores.
//!
//! They share the lock for a few milliseconds at a time, so that writes can run in between. Each
//! query sees one state of the collection; a later query may see a later state.

use std::{
    iter,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use super::{Access, Collection, Item, Name, SearchOptions, State};
use crate::{cancel, error::Result, vectors::Query, workers::workers};

/// How long the lock is held at a time, unless a single query takes longer.
const TURN: Duration = Duration::from_millis(5);

impl Collection {
    /// Returns what `search` finds for each query, in the order of the queries. `None` is a query
    /// without ranking, as in `search_unranked`. `name` is what the caller calls each query.
    pub fn search_batch(
        &self,
        queries: Vec<Option<Vec<f32>>>,
        name: impl Fn(usize) -> Name,
        options: &SearchOptions,
    ) -> Result<Vec<Vec<Item>>> {
        for (i, query) in queries.iter().enumerate() {
            if let Some(query) = query {
                self.check_row(query, &name(i))?;
            }
        }
        let queries = queries.into_iter().map(|query| query.map(Query::new));
        let queries: Vec<_> = queries.collect();
        let pool = if queries.len() > 1 { workers() } else { None };
        let mut found: Vec<_> = iter::repeat_with(Vec::new).take(queries.len()).collect();
        let next = AtomicUsize::new(0);
        loop {
            cancel::check()?;
            let state = self.read(Access::Wait)?;
            if next.load(Ordering::Relaxed) >= queries.len() {
                return Ok(found);
            }
            let state: &State = &state;
            let allowed = options.filter.as_ref().map(|f| state.matching(f));
            // Each thread takes the next query until the time is up.
            let answer = || {
                let end = Instant::now() + TURN;
                let mut answers = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(query) = queries.get(at) else {
                        return answers;
                    };
                    let items = match query {
                        Some(query) => {
                            self.found(Access::Wait, state, query, allowed.as_ref(), options)
                        }
                        None => state.listed(allowed.as_ref(), options),
                    };
                    answers.push((at, items));
                    if Instant::now() >= end {
                        return answers;
                    }
                }
            };
            let answers = match pool {
                Some(pool) => pool.broadcast(|_| answer()),
                None => vec![answer()],
            };
            for (at, items) in answers.into_iter().flatten() {
                found[at] = items?;
            }
        }
    }
}
