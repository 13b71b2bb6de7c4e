//! Reading: search, lists, counts.
//!
//! A search ranks the *allowed* slots: all live ones, or those that match its filter. It either
//! scans their codes, or walks the graph and scans the few that are not in it yet, whichever is
//! expected to cost less. Both leave a few candidates, which are then ranked by their exact
//! distance.
//!
//! The scan is exact: a code's distance comes with a bound on its error, and every row that could
//! still be among the nearest is examined.

use std::{
    cell::Cell,
    collections::{BinaryHeap, VecDeque},
    time::{Duration, Instant},
};

use hashbrown::HashMap;
use ordered_float::OrderedFloat;
use roaring::RoaringBitmap;
use zeroize::Zeroizing;

use super::{Access, Collection, LITTLE_COPIED, Name, State, cost::Task, write::head_of};
use crate::{
    error::{Error, Result},
    filter::Filter,
    graph::Target,
    storage::{Stored, TELLS_CACHED},
    vectors::{Estimate, Query, Record, Vectors},
    wiped::{Id, Wiped},
};

/// The approximate time to rank one result and hand it over, with its metadata.
const RESULT: Duration = Duration::from_micros(2);
/// The bytes of JSON for a vector besides its id, metadata and text, and for each of its values.
const JSON_ROW: usize = 64;
const JSON_VALUE: usize = 12;
/// How many rows ahead a scan prefetches.
const AHEAD: usize = 16;

/// The name of a query if the caller gives it no other.
const QUERY: Name = Name::at("query");

/// How a search finds its candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Whichever of the others is expected to cost less.
    #[default]
    Cheapest,
    /// A scan of everything allowed; exact.
    Scan,
    /// The graph, if there is one and it yields enough results.
    Walk,
}

#[derive(Debug, Clone)]
pub struct SearchOptions {
    pub limit: usize,
    pub filter: Option<Filter>,
    /// The lowest score to return.
    pub threshold: Option<f64>,
    /// The number of candidates a walk keeps; `None` for the collection's setting.
    pub ef: Option<usize>,
    pub with_vector: bool,
    pub with_metadata: bool,
    pub method: Method,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            limit: 10,
            filter: None,
            threshold: None,
            ef: None,
            with_vector: false,
            with_metadata: true,
            method: Method::Cheapest,
        }
    }
}

/// A vector as a read returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub id: Id,
    pub score: Option<f64>,
    pub data: Option<Vec<f32>>,
    pub metadata: Option<Box<str>>,
    pub text: Option<Box<str>>,
    /// When it expires, in milliseconds since 1970, by itself or by the collection's TTL.
    pub expires_at: Option<i64>,
}

/// A page of the list of all vectors.
#[derive(Debug)]
pub struct Page {
    pub vectors: Vec<Item>,
    pub total: usize,
}

impl Collection {
    pub fn get(&self, access: Access, id: &str) -> Result<Item> {
        let state = self.read(access)?;
        let slot = state.slots.slot_of(id);
        state.check_copied(access, slot)?;
        let item = slot.map(|slot| state.item(access, slot, None, true, true));
        item.transpose()?
            .flatten()
            .ok_or_else(|| self.not_found(id))
    }

    /// Vectors in insertion order, from `offset` on.
    pub fn list(&self, offset: usize, limit: usize) -> Result<Page> {
        let state = self.read(Access::Wait)?;
        let page = state.slots.page(offset, limit);
        Ok(Page {
            vectors: page
                .into_iter()
                .map(|slot| state.item(Access::Wait, slot, None, true, true))
                .filter_map(Result::transpose)
                .collect::<Result<_>>()?,
            total: state.slots.len(),
        })
    }

    pub fn count(&self, access: Access, filter: Option<&Filter>) -> Result<usize> {
        let state = self.read(access)?;
        Ok(match filter {
            Some(filter) => state.matching(filter).len() as usize,
            None => state.slots.len(),
        })
    }

    /// Returns the vectors nearest to `query`, nearest first, those at equal distance in insertion
    /// order. Returns `limit` vectors whenever that many are allowed.
    pub fn search(&self, query: Vec<f32>, options: &SearchOptions) -> Result<Vec<Item>> {
        self.search_by(Access::Wait, &QUERY, query, options)
    }

    /// Like `search`, with the access to the lock and the caller's name for the query.
    pub fn search_by(
        &self,
        access: Access,
        name: &Name,
        query: Vec<f32>,
        options: &SearchOptions,
    ) -> Result<Vec<Item>> {
        self.check_row(&query, name)?;
        let query = Query::new(query);
        let state = self.read(access)?;
        let allowed = options.filter.as_ref().map(|f| state.matching(f));
        self.found(access, &state, &query, allowed.as_ref(), options)
    }

    /// The allowed vectors nearest to `query` (`None`: of all live ones).
    pub(super) fn found(
        &self,
        access: Access,
        state: &State,
        query: &Query,
        allowed: Option<&RoaringBitmap>,
        options: &SearchOptions,
    ) -> Result<Vec<Item>> {
        let (scored, read) = self.scored(access, state, query, allowed, options)?;
        state.items(access, &scored, read, options)
    }

    /// The number of candidates that a search keeps.
    fn ef(&self, options: &SearchOptions) -> usize {
        options
            .ef
            .unwrap_or_else(|| self.settings.read().hnsw.ef_search)
    }

    /// Their scores and slots, and what was read of them.
    fn scored(
        &self,
        access: Access,
        state: &State,
        query: &Query,
        allowed: Option<&RoaringBitmap>,
        options: &SearchOptions,
    ) -> Result<(Vec<(f64, u32)>, Read)> {
        let metric = self.metric;
        let ef = self.ef(options);
        let (nearest, read) = state.nearest(access, query, allowed, ef, options)?;
        let scored = nearest
            .into_iter()
            .map(|(distance, slot)| (metric.score(distance), slot));
        let is_near = |(score, _): &_| options.threshold.is_none_or(|min| *score >= min);
        Ok((scored.take_while(is_near).collect(), read))
    }

    /// `search` for a thread that must not be blocked. Returns `WouldBlock` if the lock is taken,
    /// if the search is expected to take longer than `time`, if that cannot be predicted, or if the
    /// results are large.
    pub fn search_within(
        &self,
        time: Duration,
        name: &Name,
        query: &[f32],
        options: &SearchOptions,
    ) -> Result<Vec<Item>> {
        self.check_row(query, name)?;
        let state = self.read(Access::Now)?;
        // The time for a filter or for copying values cannot be predicted.
        let untold = options.filter.is_some() || options.with_vector;
        // Nor can the time to read rows, if the system does not say what it has in memory.
        let untold = untold || !(state.vectors.holds_rows() || TELLS_CACHED);
        if untold || state.expected_time(self.ef(options), options) > time {
            return Err(Error::WouldBlock);
        }
        let access = Access::Now;
        let query = Query::new(query.to_vec());
        let (scored, read) = self.scored(access, &state, &query, None, options)?;
        state.check_copied(access, scored.iter().map(|(_, slot)| *slot))?;
        state.items(access, &scored, read, options)
    }

    /// The expected size of `limit` vectors in bytes of JSON; `None` if the collection is busy.
    pub fn expected_bytes(&self, limit: usize, with_vector: bool) -> Option<usize> {
        let state = self.read(Access::Now).ok()?;
        let count = limit.min(state.slots.len());
        let text = state.slots.text_bytes() / state.slots.len().max(1);
        let values = if with_vector { self.dimension } else { 0 };
        Some(count.saturating_mul(JSON_ROW + text + JSON_VALUE * values))
    }

    /// Returns the vectors that match the filter, unranked, in insertion order.
    pub fn search_unranked(&self, options: &SearchOptions) -> Result<Vec<Item>> {
        let state = self.read(Access::Wait)?;
        let allowed = options.filter.as_ref().map(|f| state.matching(f));
        state.listed(allowed.as_ref(), options)
    }
}

/// The query of a walk.
struct QueryTarget<'a> {
    vectors: &'a Vectors,
    query: &'a Query,
    visits: Cell<usize>,
}

impl Target for QueryTarget<'_> {
    fn distance(&self, slot: u32) -> f64 {
        self.visits.set(self.visits.get() + 1);
        self.vectors.approximate(self.query, slot).distance
    }

    fn fetch(&self, slot: u32) {
        self.vectors.fetch(slot);
    }
}

/// A slot with an estimate of its distance, by code or row.
struct Candidate {
    slot: u32,
    estimate: Estimate,
}

/// An exact distance, then the insertion order as the tie-breaker, then the slot.
type Rank = (OrderedFloat<f64>, u64, u32);

/// What is part of the answer of the values that were read to rank results, by slot.
type Read = HashMap<u32, Copied>;

/// A result's row, if it is asked for, and its text.
struct Copied {
    row: Option<Zeroizing<Vec<f32>>>,
    text: Option<Wiped<str>>,
}

impl Copied {
    fn of(row: &[f32], text: Option<&str>, with_vector: bool) -> Self {
        Self {
            row: with_vector.then(|| row.to_vec().into()),
            text: text.map(Wiped::from),
        }
    }
}

impl State {
    pub(super) fn matching(&self, filter: &Filter) -> RoaringBitmap {
        self.fields
            .evaluate(filter, self.slots.alive(), &self.slots)
    }

    /// The fields of a filter that no vector has; empty if there are no vectors, since it would be
    /// all of them.
    pub(super) fn unknown(&self, filter: &Filter) -> Vec<String> {
        let alive = self.slots.alive();
        if alive.is_empty() {
            return Vec::new();
        }
        let unknown = self.fields.unknown(filter, alive, &self.slots).into_iter();
        unknown.map(|path| path.as_str().to_owned()).collect()
    }

    /// The first of the allowed slots in insertion order (`None`: of all live ones).
    pub(super) fn listed(
        &self,
        allowed: Option<&RoaringBitmap>,
        options: &SearchOptions,
    ) -> Result<Vec<Item>> {
        let order = match allowed {
            Some(slots) => self.slots.first_in_order(slots, options.limit),
            None => self.slots.page(0, options.limit),
        };
        let order: Vec<_> = order.into_iter().map(|slot| (0.0, slot)).collect();
        self.items(Access::Wait, &order, Read::new(), options)
    }

    /// Returns `WouldBlock` if `Now` is asked to copy more than a little.
    fn check_copied(&self, access: Access, slots: impl IntoIterator<Item = u32>) -> Result<()> {
        if access != Access::Now {
            return Ok(());
        }
        let records = slots.into_iter().filter_map(|slot| self.slots.record(slot));
        let bytes: usize = records.map(Record::text_bytes).sum();
        if bytes > LITTLE_COPIED {
            return Err(Error::WouldBlock);
        }
        Ok(())
    }

    fn items(
        &self,
        access: Access,
        scored: &[(f64, u32)],
        mut read: Read,
        options: &SearchOptions,
    ) -> Result<Vec<Item>> {
        let (with_vector, with_metadata) = (options.with_vector, options.with_metadata);
        let item = |&(score, slot): &_| {
            let read = read.remove(&slot);
            self.item_of(access, slot, Some(score), read, with_vector, with_metadata)
        };
        scored
            .iter()
            .map(item)
            .filter_map(Result::transpose)
            .collect()
    }

    pub(super) fn item(
        &self,
        access: Access,
        slot: u32,
        score: Option<f64>,
        with_vector: bool,
        with_metadata: bool,
    ) -> Result<Option<Item>> {
        self.item_of(access, slot, score, None, with_vector, with_metadata)
    }

    /// The same with values that may have been read before.
    fn item_of(
        &self,
        access: Access,
        slot: u32,
        score: Option<f64>,
        read: Option<Copied>,
        with_vector: bool,
        with_metadata: bool,
    ) -> Result<Option<Item>> {
        let Some(record) = self.slots.record(slot) else {
            return Ok(None);
        };
        let mut item = Item {
            id: record.id.clone(),
            score,
            data: None,
            metadata: record
                .metadata
                .as_deref()
                .filter(|_| with_metadata)
                .map(Box::from),
            text: None,
            expires_at: self.expiries.instant(record.times),
        };
        if with_vector || record.text.is_some() {
            let copied = match read {
                Some(copied) => copied,
                None => {
                    let values = self.values(access, slot, record)?;
                    Copied::of(values.row(), values.text(), with_vector)
                }
            };
            item.data = copied.row.map(|mut row| std::mem::take(&mut *row));
            item.text = copied.text.map(Wiped::into_inner);
        }
        Ok(Some(item))
    }

    fn task(&self, slots: &RoaringBitmap, ef: usize) -> Task {
        let graph = self.graph.as_ref();
        Task {
            allowed: slots.len() as usize,
            pending: slots.intersection_len(&self.pending) as usize,
            nodes: graph.map_or(0, |graph| graph.members().len() as usize),
            ef,
        }
    }

    /// The expected time of a search without a filter, including handing over the results.
    fn expected_time(&self, ef: usize, options: &SearchOptions) -> Duration {
        let limit = options.limit.min(self.slots.len());
        let task = self.task(self.slots.alive(), ef.max(limit + limit / 2));
        let results = RESULT * limit as u32;
        self.costs.expected_time(task) + results
    }

    /// The nearest of the allowed slots (`None`: all live ones).
    fn nearest(
        &self,
        access: Access,
        query: &Query,
        allowed: Option<&RoaringBitmap>,
        ef: usize,
        options: &SearchOptions,
    ) -> Result<(Vec<(f64, u32)>, Read)> {
        let slots = allowed.unwrap_or(self.slots.alive());
        let limit = options.limit.min(slots.len() as usize);
        let candidates = match options.method {
            Method::Scan => None,
            method => self.walk(query, allowed, limit, ef, method),
        };
        if let Some(candidates) = candidates {
            return self.rank(access, query, candidates, limit, options.with_vector);
        }
        let begin = Instant::now();
        let candidates = self.scan(query, slots.iter(), limit);
        let nearest = self.rank(access, query, candidates, limit, options.with_vector)?;
        self.costs
            .scanned(slots.len() as usize, limit, begin.elapsed());
        Ok(nearest)
    }

    /// Candidates from the graph and from a scan of the pending slots. `None` if scanning
    /// everything allowed is expected to be cheaper, turns out to be cheaper, or is needed to find
    /// enough results.
    fn walk(
        &self,
        query: &Query,
        allowed: Option<&RoaringBitmap>,
        limit: usize,
        ef: usize,
        method: Method,
    ) -> Option<Vec<Candidate>> {
        let graph = self.graph.as_ref()?;
        let slots = allowed.unwrap_or(self.slots.alive());
        let ef = ef.max(limit + limit / 2);
        let task = self.task(slots, ef);
        let budget = match method {
            Method::Walk => task.nodes,
            _ => self.costs.budget(task)?,
        };
        let target = QueryTarget {
            vectors: &self.vectors,
            query,
            visits: Cell::new(0),
        };
        let begin = Instant::now();
        let found = graph.search(&target, |slot| slots.contains(slot), ef, budget);
        let gave_up = found.is_none();
        self.costs
            .walked(task, target.visits.get(), gave_up, begin.elapsed());
        let found = found?;
        let pending = match allowed {
            Some(allowed) => &(allowed & &self.pending),
            None => &self.pending,
        };
        let mut candidates = self.scan(query, pending.iter(), limit);
        let dimension = self.vectors.dimension();
        candidates.extend(found.into_iter().map(|slot| Candidate {
            slot,
            // A walk proves nothing anyway, and each row that need not be looked at is one that need
            // not be read.
            estimate: self.vectors.approximate(query, slot).likely(dimension),
        }));
        (candidates.len() >= limit).then_some(candidates)
    }

    /// All of `slots` that may be among the `limit` nearest.
    fn scan(
        &self,
        query: &Query,
        slots: impl Iterator<Item = u32>,
        limit: usize,
    ) -> Vec<Candidate> {
        if limit == 0 {
            return Vec::new();
        }
        // The `limit` smallest upper bounds so far: no slot whose lower bound exceeds the largest
        // of them can be among the nearest.
        let mut bounds: BinaryHeap<OrderedFloat<f64>> = BinaryHeap::with_capacity(limit + 1);
        let mut bound = f64::INFINITY;
        let mut candidates = Vec::new();
        let mut slots = slots;
        let mut ahead = VecDeque::with_capacity(AHEAD);
        loop {
            // After many deletes, the remaining rows are far apart in memory, so they are
            // prefetched.
            while ahead.len() < AHEAD
                && let Some(slot) = slots.next()
            {
                self.vectors.fetch(slot);
                ahead.push_back(slot);
            }
            let Some(slot) = ahead.pop_front() else {
                break;
            };
            let estimate = self.vectors.approximate(query, slot);
            if estimate.lower() > bound {
                continue;
            }
            candidates.push(Candidate { slot, estimate });
            if estimate.upper() < bound {
                bounds.push(OrderedFloat(estimate.upper()));
                if bounds.len() > limit {
                    bounds.pop();
                }
                if bounds.len() == limit {
                    bound = bounds.peek().map_or(bound, |b| b.0);
                }
            }
        }
        candidates.retain(|candidate| candidate.estimate.lower() <= bound);
        candidates
    }

    /// The `limit` nearest candidates by exact distance, nearest first, and what was read of them
    /// that is part of the answer.
    fn rank(
        &self,
        access: Access,
        query: &Query,
        mut candidates: Vec<Candidate>,
        limit: usize,
        with_vector: bool,
    ) -> Result<(Vec<(f64, u32)>, Read)> {
        candidates.sort_unstable_by_key(|c| OrderedFloat(c.estimate.lower()));
        let mut best: BinaryHeap<Rank> = BinaryHeap::with_capacity(limit + 1);
        let mut stored = Stored::default();
        let (mut has_asked, mut read) = (false, Read::new());
        for (i, candidate) in candidates.iter().enumerate() {
            if best.len() == limit
                && best
                    .peek()
                    .is_none_or(|worst| candidate.estimate.lower() > worst.0.0)
            {
                break;
            }
            let slot = candidate.slot;
            let mut is_read = false;
            let distance = match (self.vectors.row(slot), self.slots.record(slot)) {
                (Some(row), _) => self.vectors.exact(query, row),
                (None, Some(record)) => {
                    // Where the system tells what it has, the first that it does not have asks for all.
                    let first = if TELLS_CACHED { Access::Now } else { access };
                    match self.read_stored(first, slot, record, &mut stored) {
                        Err(Error::WouldBlock) if access != Access::Now => {
                            if !has_asked {
                                self.will_read(&candidates[i..], limit);
                                has_asked = true;
                            }
                            self.read_stored(access, slot, record, &mut stored)?;
                        }
                        outcome => outcome?,
                    }
                    is_read = with_vector || record.text.is_some();
                    self.vectors.exact(query, stored.row())
                }
                (None, None) => continue,
            };
            best.push((OrderedFloat(distance), self.slots.sequence(slot), slot));
            let worst = (best.len() > limit).then(|| best.pop()).flatten();
            let worst = worst.map(|(_, _, slot)| slot);
            if let Some(worst) = worst {
                read.remove(&worst);
            }
            if is_read && worst != Some(slot) {
                let copied = Copied::of(stored.row(), stored.text(), with_vector);
                read.insert(slot, copied);
            }
        }
        let sorted = best.into_sorted_vec().into_iter();
        let pairs = sorted.map(|(distance, _, slot)| (distance.0, slot));
        Ok((pairs.collect(), read))
    }

    /// Asks the system for the rows that are most likely to be ranked, all at once: waiting for one
    /// after the other would take as many times as long.
    fn will_read(&self, candidates: &[Candidate], limit: usize) {
        let Some(log) = self.journal.log() else {
            return;
        };
        for Candidate { slot, .. } in candidates.iter().take(limit.saturating_mul(2)) {
            let record = self
                .slots
                .record(*slot)
                .filter(|_| self.vectors.row(*slot).is_none());
            if let Some(Ok(head)) = record.map(head_of) {
                log.will_read(*slot, head.lengths(self.vectors.dimension()).values);
            }
        }
    }
}
