//! Predicts the cost of a search from the cost of earlier ones, to choose between a scan and a walk
//! of the graph.
//!
//! The choice depends on three figures: how long a scan takes per row, how long a walk takes per
//! visit, and how many nodes a walk visits. They depend on the processor, on its caches and what
//! else is in them, and on the data. Each starts from a value that was measured once, on one
//! machine, and is corrected by every search.
//!
//! A wrong choice only makes a search slower, so the corrections can be rough: they are not locked,
//! and no single search, which may have been interrupted for a long time, changes them much.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use crate::vectors::Basis;

/// The furthest a figure can move from its initial value, as a factor in either direction.
const FARTHEST: f64 = 8.0;
/// A search that deviates from the average by more than this factor is clamped to it.
const OUTLIER: f64 = 2.0;
/// The weight of one search in a figure.
const WEIGHT: f64 = 1.0 / 16.0;
/// The rate at which a figure returns to its initial value if it prevents its own measurement.
const FORGETTING: f64 = 1.0 / 256.0;
/// A scan of fewer rows than this, or than this per result, says little about the time per row.
const LEAST_ROWS: usize = 512;
const LEAST_ROWS_EACH: usize = 32;

/// The running average of a figure relative to its initial value.
struct Factor(AtomicU32);

impl Factor {
    fn get(&self) -> f64 {
        f64::from(f32::from_bits(self.0.load(Relaxed)))
    }

    fn observe(&self, factor: f64, weight: f64) {
        // If two searches update it at the same time, one update may be lost.
        let average = self.get();
        let factor = factor.clamp(average / OUTLIER, average * OUTLIER);
        let average = average + (factor - average) * weight;
        let average = average.clamp(1.0 / FARTHEST, FARTHEST) as f32;
        self.0.store(average.to_bits(), Relaxed);
    }
}

impl Default for Factor {
    fn default() -> Self {
        Self(AtomicU32::new(1f32.to_bits()))
    }
}

/// The measured costs of one collection's searches.
pub(super) struct Costs {
    start: Model,
    look: Factor,
    visit: Factor,
    visits: Factor,
}

/// The parameters of a search that the choice depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    /// The number of rows it may return.
    pub allowed: usize,
    /// How many of them are not in the graph.
    pub pending: usize,
    /// The number of nodes in the graph.
    pub nodes: usize,
    /// How many candidates a walk keeps.
    pub ef: usize,
}

/// The three figures.
#[derive(Debug, Clone, Copy)]
struct Model {
    /// Nanoseconds per row of a scan.
    look: f64,
    /// Nanoseconds per visit of a walk: a cache miss, and the work on the queue.
    visit: f64,
    /// The number of visits when all nodes are allowed, relative to `usual_visits`.
    visits: f64,
}

/// How many nodes a walk visits when all are allowed. Measured on 40,000 sentence embeddings with
/// 16 neighbours per node.
fn usual_visits(ef: usize) -> f64 {
    300.0 + 11.0 * ef as f64
}

impl Model {
    /// The initial figures. At 384 dimensions a code took 10 ns in a scan and 86 ns on a walk;
    /// other cases are scaled by the number of cache lines read.
    fn new(dimension: usize, basis: Basis) -> Self {
        let bytes = match basis {
            Basis::Codes => dimension,
            Basis::Rows => dimension * size_of::<f32>(),
        };
        let lines = (bytes / 64) as f64;
        Self {
            look: 4.0 + lines,
            visit: 80.0 + lines,
            visits: 1.0,
        }
    }

    /// The expected number of visits of a walk.
    fn expected_visits(&self, task: Task) -> f64 {
        // The number of visits per result grows with the ratio of all nodes to allowed ones.
        let linked = task.allowed.saturating_sub(task.pending).max(1);
        self.visits * usual_visits(task.ef) * task.nodes as f64 / linked as f64
    }

    /// The number of visits after which a scan would have been cheaper. A walk also scans the
    /// pending rows.
    fn affordable_visits(&self, task: Task) -> f64 {
        task.allowed.saturating_sub(task.pending) as f64 * self.look / self.visit
    }

    fn walks(&self, task: Task) -> bool {
        self.expected_visits(task) < self.affordable_visits(task)
    }
}

impl Costs {
    /// The initial costs of searches by `basis`.
    pub(super) fn new(dimension: usize, basis: Basis) -> Self {
        Self {
            start: Model::new(dimension, basis),
            look: Factor::default(),
            visit: Factor::default(),
            visits: Factor::default(),
        }
    }

    fn model(&self) -> Model {
        Model {
            look: self.start.look * self.look.get(),
            visit: self.start.visit * self.visit.get(),
            visits: self.start.visits * self.visits.get(),
        }
    }

    /// The number of visits after which a walk should give up; `None` if a scan is expected to be
    /// cheaper from the start.
    pub(super) fn budget(&self, task: Task) -> Option<usize> {
        let model = self.model();
        let walks = model.walks(task);
        if walks != self.start.walks(task) {
            // A method that is never used is never measured again, so a figure distorted by a few
            // unlucky measurements must not rule it out for ever.
            let unused = match walks {
                true => &[&self.look][..],
                false => &[&self.visit, &self.visits],
            };
            for factor in unused {
                factor.observe(1.0, FORGETTING);
            }
        }
        walks.then(|| model.affordable_visits(task) as usize)
    }

    /// How long a search is expected to take.
    pub(super) fn expected_time(&self, task: Task) -> Duration {
        let model = self.model();
        let nanos = if task.nodes > 0 && model.walks(task) {
            model.expected_visits(task) * model.visit + task.pending as f64 * model.look
        } else {
            task.allowed as f64 * model.look
        };
        Duration::from_nanos(nanos as u64)
    }

    /// Records that a scan of `rows` for `limit` results took this long.
    pub(super) fn scanned(&self, rows: usize, limit: usize, took: Duration) {
        if rows >= LEAST_ROWS.max(limit.saturating_mul(LEAST_ROWS_EACH)) {
            let each = took.as_nanos() as f64 / rows as f64;
            self.look.observe(each / self.start.look, WEIGHT);
        }
    }

    /// Records that a walk made this many visits in this time; it may have given up.
    pub(super) fn walked(&self, task: Task, visits: usize, gave_up: bool, took: Duration) {
        let each = took.as_nanos() as f64 / visits.max(1) as f64;
        self.visit.observe(each / self.start.visit, WEIGHT);
        let factor = visits as f64 / self.start.expected_visits(task);
        // A walk that gave up would have visited more nodes. The visits of a filtered walk depend
        // on where its matches are, which says nothing about other walks.
        let tells = match gave_up {
            true => factor > self.visits.get(),
            false => 2 * task.allowed >= task.nodes,
        };
        if tells {
            self.visits.observe(factor, WEIGHT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs() -> Costs {
        Costs::new(384, Basis::Codes)
    }

    fn task(allowed: usize) -> Task {
        Task {
            allowed,
            pending: 0,
            nodes: 100_000,
            ef: 80,
        }
    }

    /// The smallest number of allowed rows, out of 100,000, for which the graph is walked.
    fn border(costs: &Costs) -> usize {
        let walked = |allowed: &usize| costs.model().walks(task(*allowed));
        (0..=100_000).step_by(100).find(walked).unwrap()
    }

    fn scan(costs: &Costs, nanos_each: u64, times: usize) {
        for _ in 0..times {
            let took = Duration::from_nanos(10_000 * nanos_each);
            costs.scanned(10_000, 10, took);
        }
    }

    fn walk(costs: &Costs, nanos_each: u64, visits: usize, times: usize) {
        for _ in 0..times {
            let took = Duration::from_nanos(visits as u64 * nanos_each);
            costs.walked(task(100_000), visits, false, took);
        }
    }

    #[test]
    fn many_rows_are_walked_for_and_few_are_scanned() {
        let costs = costs();
        assert_eq!(costs.budget(task(0)), None);
        assert_eq!(costs.budget(task(10_000)), None);
        // As many visits of 86 ns as fit into the time of scanning 100,000 rows at 10 ns each.
        assert_eq!(costs.budget(task(100_000)), Some(11_627));
        assert!((30_000..35_000).contains(&border(&costs)));
    }

    #[test]
    fn what_is_pending_is_scanned_either_way() {
        let costs = costs();
        let pending = Task {
            pending: 95_000,
            nodes: 5000,
            ..task(100_000)
        };
        assert_eq!(costs.budget(pending), None);
    }

    #[test]
    fn rows_cost_more_to_look_at_than_codes_above_all_in_a_scan() {
        let [codes, rows] = [Basis::Codes, Basis::Rows].map(|basis| Model::new(384, basis));
        assert_eq!((codes.look, codes.visit), (10.0, 86.0));
        assert_eq!((rows.look, rows.visit), (28.0, 104.0));
        assert!(rows.walks(task(25_000)) && !codes.walks(task(25_000)));
    }

    #[test]
    fn figures_follow_what_searches_take() {
        let costs = costs();
        let start = border(&costs);
        scan(&costs, 20, 100);
        assert!(border(&costs) < start, "slow scans");
        walk(&costs, 3 * 86, 1180, 100);
        assert!(border(&costs) > start, "walks that are slower still");
        walk(&costs, 86, 590, 100);
        assert!(border(&costs) < start, "walks that arrive early");
    }

    #[test]
    fn one_search_that_was_interrupted_changes_little_and_none_changes_all() {
        let costs = costs();
        scan(&costs, 1_000_000, 1);
        assert!(costs.look.get() < 1.1);
        scan(&costs, 1_000_000, 1000);
        walk(&costs, 0, 0, 1000);
        for factor in [&costs.look, &costs.visit, &costs.visits] {
            assert!((0.125..=8.0).contains(&factor.get()));
        }
    }

    #[test]
    fn small_scans_and_filtered_walks_tell_little() {
        let costs = costs();
        costs.scanned(100, 10, Duration::from_secs(1));
        costs.scanned(10_000, 5000, Duration::from_secs(1));
        assert_eq!(costs.look.get(), 1.0);
        let took = Duration::from_micros(86 * 50);
        costs.walked(task(40_000), 50_000, false, took);
        assert_eq!(costs.visits.get(), 1.0);
    }

    #[test]
    fn what_was_measured_as_too_slow_is_tried_again() {
        let costs = costs();
        walk(&costs, 1000, 10_000, 200);
        assert_eq!(costs.budget(task(100_000)), None);
        let tries = (0..1000).position(|_| costs.budget(task(100_000)).is_some());
        assert!(tries.is_some_and(|tries| tries > 10), "{tries:?}");
    }
}
