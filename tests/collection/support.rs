use std::sync::Arc;

use vectorizer_native::{
    collection::{Access, Batch, Collection, Config, DeleteOptions, Item, Method, SearchOptions},
    graph::HnswParams,
    vectors::Metric,
};

pub const WAIT: Access = Access::Wait;

pub fn plain() -> DeleteOptions {
    DeleteOptions::default()
}

pub fn collection(dimension: usize, metric: Metric) -> Arc<Collection> {
    with_params(dimension, metric, HnswParams::default())
}

pub fn with_params(dimension: usize, metric: Metric, hnsw: HnswParams) -> Arc<Collection> {
    Collection::new(Config {
        name: "test".into(),
        dimension,
        metric,
        hnsw,
        description: None,
    })
}

/// A random number generator that is the same in every run.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Uniform in -1 to 1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Normally distributed, with variance 1 (Box and Muller, 1958).
    pub fn normal(&mut self) -> f32 {
        let uniform = |bits: u64| ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let (radius, angle) = (uniform(self.next()), uniform(self.next()));
        ((-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()) as f32
    }

    /// A factor that turns a normally distributed number into one with Student's t distribution.
    pub fn tail(&mut self, freedom: u32) -> f32 {
        let squares: f32 = (0..freedom).map(|_| self.normal().powi(2)).sum();
        (freedom as f32 / squares).sqrt()
    }

    pub fn vector(&mut self, dimension: usize) -> Vec<f32> {
        (0..dimension).map(|_| self.unit()).collect()
    }

    /// Near one of a few centres, as embeddings are.
    pub fn clustered(&mut self, dimension: usize, clusters: u64) -> Vec<f32> {
        let centre = self.next() % clusters;
        let centre = Random(centre + 1).vector(dimension);
        centre.iter().map(|c| c + 0.4 * self.unit()).collect()
    }
}

pub fn insert(collection: &Arc<Collection>, rows: &[(String, Vec<f32>)]) {
    insert_with(collection, rows, |_| None);
}

pub fn insert_with(
    collection: &Arc<Collection>,
    rows: &[(String, Vec<f32>)],
    metadata: impl Fn(usize) -> Option<String>,
) {
    let batch = Batch {
        ids: rows.iter().map(|(id, _)| Some(id.clone())).collect(),
        data: rows.iter().flat_map(|(_, row)| row.clone()).collect(),
        lengths: rows.iter().map(|(_, row)| row.len() as u32).collect(),
        metadata: (0..rows.len())
            .map(|i| metadata(i).map(String::into_boxed_str))
            .collect(),
        ..Batch::default()
    };
    let mut prepared = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

/// A search that walks the graph, however small the collection is.
pub fn walk(collection: &Collection, query: &[f32], limit: usize) -> Vec<Item> {
    let options = SearchOptions {
        limit,
        method: Method::Walk,
        ..SearchOptions::default()
    };
    collection.search(query.to_vec(), &options).unwrap()
}

pub fn search(collection: &Collection, query: &[f32], limit: usize) -> Vec<Item> {
    let options = SearchOptions {
        limit,
        ..SearchOptions::default()
    };
    collection.search(query.to_vec(), &options).unwrap()
}

pub fn optimize(collection: &Arc<Collection>) {
    let done = collection.optimize(None).unwrap();
    done.blocking_recv().unwrap().unwrap();
}

/// The ids of the `limit` nearest rows, found by brute force.
pub fn nearest<'a>(
    metric: Metric,
    rows: impl Iterator<Item = (&'a str, &'a [f32])>,
    query: &[f32],
    limit: usize,
) -> Vec<String> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y));
        products.sum()
    };
    let mut scored: Vec<(f64, &str)> = rows
        .map(|(id, row)| {
            let distance = match metric {
                Metric::DotProduct => -dot(query, row),
                Metric::Cosine => -dot(query, row) / dot(row, row).sqrt(),
                Metric::Euclidean => {
                    let gaps: Vec<f32> = query.iter().zip(row).map(|(x, y)| x - y).collect();
                    dot(&gaps, &gaps)
                }
            };
            (distance, id)
        })
        .collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ids = scored.into_iter().take(limit);
    ids.map(|(_, id)| id.to_owned()).collect()
}
