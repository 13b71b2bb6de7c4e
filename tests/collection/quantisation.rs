//! Rows that 8-bit codes represent badly: the results of searches must not depend on that.

use roaring::RoaringBitmap;
use vectorizer_native::{
    collection::{Collection, Method, SearchOptions},
    graph::{Builder, Geometry, Graph, HnswParams, Rows},
    vectors::{Basis, Codes, Metric, Probe, Query, Vectors},
};

use crate::support::*;

const DIMENSION: usize = 32;
const ROWS: usize = 3000;
const METRICS: [Metric; 3] = [Metric::Cosine, Metric::Euclidean, Metric::DotProduct];

/// How an ordinary row is transformed.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Near one of a few centres, all of similar length.
    Embeddings,
    /// Lengths from a thousandth to a thousand.
    Lengths,
    /// Every coordinate around 100.
    Offset,
    /// A few coordinates around 1000.
    OffsetOfFew,
    /// One coordinate a thousand times as wide as the others.
    OneWide,
    /// Student's t with 3 degrees of freedom.
    Student,
    /// Cauchy: Student's t with one degree of freedom.
    Cauchy,
    /// Copies of one row, with differences of a ten-thousandth.
    NearlyEqual,
}

const KINDS: [Kind; 8] = [
    Kind::Embeddings,
    Kind::Lengths,
    Kind::Offset,
    Kind::OffsetOfFew,
    Kind::OneWide,
    Kind::Student,
    Kind::Cauchy,
    Kind::NearlyEqual,
];

impl Kind {
    fn row(self, random: &mut Random) -> Vec<f32> {
        let mut row: Vec<f32> = (0..DIMENSION).map(|_| random.normal()).collect();
        match self {
            Kind::Embeddings => row = random.clustered(DIMENSION, 40),
            Kind::Lengths => {
                let length = 10f32.powf(3.0 * random.unit());
                let clustered = random.clustered(DIMENSION, 40);
                row = clustered.iter().map(|x| x * length).collect();
            }
            Kind::Offset => row.iter_mut().for_each(|x| *x += 100.0),
            Kind::OffsetOfFew => row[..3].iter_mut().for_each(|x| *x += 1000.0),
            Kind::OneWide => row[5] *= 1000.0,
            Kind::Student => row.iter_mut().for_each(|x| *x *= random.tail(3)),
            Kind::Cauchy => row.iter_mut().for_each(|x| *x *= random.tail(1)),
            Kind::NearlyEqual => {
                let base = Random(99).vector(DIMENSION);
                row.iter_mut()
                    .zip(base)
                    .for_each(|(x, base)| *x = base + 1e-4 * *x);
            }
        }
        row
    }

    /// The recall reached by a graph of rows, minus the variation between runs.
    fn bar(self, metric: Metric) -> f64 {
        match (self, metric) {
            // The longest rows are the nearest to most queries, and far from all others.
            (Kind::Student | Kind::Cauchy, Metric::DotProduct) => 0.9,
            // Rows of different lengths are hardly ever neighbours.
            (Kind::Lengths, Metric::Euclidean) => 0.93,
            // Directions with a Cauchy distribution around two poles.
            (Kind::OneWide, Metric::Cosine) => 0.7,
            _ => 0.95,
        }
    }

    fn rows(self, seed: u64, count: usize) -> Vec<(String, Vec<f32>)> {
        let mut random = Random(seed);
        (0..count)
            .map(|i| (format!("v{i}"), self.row(&mut random)))
            .collect()
    }
}

/// The fraction of the 10 nearest that a walk finds. Ties with the tenth count.
fn recall(collection: &Collection, queries: &[(String, Vec<f32>)]) -> f64 {
    let mut hits = 0;
    for (_, query) in queries {
        let options = SearchOptions {
            method: Method::Scan,
            ..SearchOptions::default()
        };
        let exact = collection.search(query.clone(), &options).unwrap();
        let found = walk(collection, query, 10);
        assert_eq!(found.len(), 10);
        let least = exact[9].score;
        hits += found.iter().filter(|item| item.score >= least).count();
    }
    hits as f64 / (10 * queries.len()) as f64
}

/// The fraction of the 10 nearest that a walk over this graph finds, with the basis of `vectors`.
fn walked(graph: &Graph, vectors: &Vectors, queries: &[(String, Vec<f32>)]) -> f64 {
    let all = graph.members();
    let mut hits = 0;
    for (_, query) in queries {
        let query = Query::new(query.clone());
        let nearest = |slots: &mut dyn Iterator<Item = u32>| {
            let mut exact: Vec<f64> = slots
                .map(|slot| vectors.exact(&query, vectors.row(slot).unwrap()))
                .collect();
            exact.sort_unstable_by(f64::total_cmp);
            exact
        };
        let farthest = nearest(&mut all.iter())[9];
        let distance = |slot| vectors.approximate(&query, slot).distance;
        let ef = HnswParams::default().ef_search;
        let found = graph.search(&distance, |_| true, ef, usize::MAX).unwrap();
        let found = nearest(&mut found.into_iter());
        hits += found[..10].iter().filter(|near| **near <= farthest).count();
    }
    hits as f64 / (10 * queries.len()) as f64
}

#[test]
fn a_walk_finds_the_nearest_whatever_the_rows_are_like() {
    for kind in KINDS {
        for metric in METRICS {
            let collection = collection(DIMENSION, metric);
            insert(&collection, &kind.rows(1, ROWS));
            optimize(&collection);
            let recall = recall(&collection, &kind.rows(2, 100));
            let bar = kind.bar(metric);
            assert!(recall >= bar, "{kind:?} {metric:?}: {recall}");
        }
    }
}

#[test]
fn codes_are_walked_by_only_where_rows_would_find_no_more() {
    for kind in KINDS {
        for metric in METRICS {
            let mut vectors = Vectors::new(DIMENSION, metric);
            let rows = kind.rows(3, ROWS);
            let rows: Vec<f32> = rows.into_iter().flat_map(|(_, row)| row).collect();
            let codes = Codes::of(&rows, DIMENSION);
            for (i, row) in rows.chunks_exact(DIMENSION).enumerate() {
                let (code, terms) = codes.get(i);
                vectors.put(i as u32, row, code, terms);
            }
            let slots: RoaringBitmap = (0..ROWS as u32).collect();
            let mut probe = Probe::new(&slots, |slot| vectors.row(slot));
            while probe.look(&vectors, &slots, |slot| vectors.row(slot)) {}
            let basis = probe.basis();
            if basis == Basis::Rows {
                continue;
            }
            let geometry = Geometry::of(&vectors, &slots);
            let mut rows = Rows::new(DIMENSION, geometry, ROWS);
            slots.iter().for_each(|slot| rows.copy(&vectors, slot));
            let mut builder = Builder::new(rows.into(), &HnswParams::default(), ROWS);
            builder.insert(&slots.iter().collect::<Vec<_>>());
            let graph = builder.flatten().unwrap();
            let queries = kind.rows(4, 100);
            let by_codes = walked(&graph, &vectors, &queries);
            vectors.set_basis(Basis::Rows);
            let by_rows = walked(&graph, &vectors, &queries);
            assert!(
                by_codes >= by_rows - 0.01,
                "{kind:?} {metric:?}: {by_codes} by codes, {by_rows} by rows"
            );
        }
    }
}

#[test]
fn what_is_left_after_deletes_is_found_by_rows_as_well() {
    for kind in [Kind::Offset, Kind::NearlyEqual] {
        let collection = collection(DIMENSION, Metric::Euclidean);
        let rows = kind.rows(5, ROWS);
        insert(&collection, &rows);
        optimize(&collection);
        let ids: Vec<String> = rows[..1500].iter().map(|(id, _)| id.clone()).collect();
        // First a fifth, then half: either the graph leads through the deleted vectors, whose rows
        // are gone, or it is rebuilt.
        for gone in [&ids[..600], &ids[600..]] {
            collection.delete_many(WAIT, gone, &plain()).unwrap();
            let recall = recall(&collection, &kind.rows(6, 50));
            assert!(recall >= 0.9, "{kind:?}: {recall}");
        }
        optimize(&collection);
        let recall = recall(&collection, &kind.rows(6, 50));
        assert!(recall >= 0.95, "{kind:?}: {recall}");
    }
}
