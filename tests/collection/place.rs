//! A collection in memory or on disk, and all that is in it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tempfile::TempDir;
use vectorizer_native::{
    client::{Client, open_on_disk},
    collection::{Batch, Collection, Config, Item, OnProgress},
    graph::HnswParams,
    storage::{Files, Fsync},
    vectors::Metric,
};

use crate::support::{Random, WAIT, collection};

pub const DIMENSION: usize = 8;

/// A collection, with the store that it is in if it is on disk.
pub struct Place {
    pub collection: Arc<Collection>,
    pub store: Option<(Client, TempDir)>,
}

impl Place {
    pub fn in_memory() -> Self {
        Self {
            collection: collection(DIMENSION, Metric::Euclidean),
            store: None,
        }
    }

    pub fn on_disk() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::default();
        let store = open_on_disk(&files, directory.path(), Some(Fsync::No), None).unwrap();
        let client = Client::of(store);
        let config = Config {
            name: "test".into(),
            dimension: DIMENSION,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
            description: None,
        };
        let created = client.begin().unwrap().create_collection(config);
        Self {
            collection: created.unwrap(),
            store: Some((client, directory)),
        }
    }

    pub fn both() -> [Self; 2] {
        [Self::in_memory(), Self::on_disk()]
    }

    /// The same after the store has been opened again, if there is one.
    pub fn opened_again(self) -> Self {
        let Some((client, directory)) = self.store else {
            return self;
        };
        drop(self.collection);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(client.close()).unwrap();
        let files = Files::default();
        let store = open_on_disk(&files, directory.path(), Some(Fsync::No), None).unwrap();
        let client = Client::of(store);
        let found = client.begin().unwrap().collection("test").unwrap();
        Self {
            collection: found,
            store: Some((client, directory)),
        }
    }

    pub fn disk_bytes(&self) -> Option<u64> {
        self.collection.info(WAIT).unwrap().disk_bytes
    }
}

pub fn vector(seed: u8) -> Vec<f32> {
    Random(u64::from(seed) + 1).vector(DIMENSION)
}

/// A row, or a stored vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: String,
    pub data: Vec<f32>,
    pub metadata: Option<String>,
    pub text: Option<String>,
}

pub fn stored(id: &str, seed: u8, source: &str) -> Stored {
    Stored {
        id: id.into(),
        data: vector(seed),
        metadata: Some(format!("{{\"source\":\"{source}\"}}")),
        text: Some(format!("text {seed:03}")),
    }
}

pub fn boxed(texts: impl Iterator<Item = Option<String>>) -> Vec<Option<Box<str>>> {
    texts.map(|text| text.map(String::into_boxed_str)).collect()
}

pub fn insert(collection: &Arc<Collection>, rows: &[Stored]) {
    let mut prepared = collection
        .prepare(Batch {
            ids: rows.iter().map(|row| Some(row.id.clone())).collect(),
            data: rows.iter().flat_map(|row| row.data.clone()).collect(),
            lengths: vec![DIMENSION as u32],
            metadata: boxed(rows.iter().map(|row| row.metadata.clone())),
            texts: boxed(rows.iter().map(|row| row.text.clone())),
            ..Batch::default()
        })
        .unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

pub fn contents(collection: &Collection) -> Vec<Stored> {
    let read = |item: Item| Stored {
        id: item.id.to_string(),
        data: item.data.unwrap(),
        metadata: item.metadata.map(String::from),
        text: item.text.map(String::from),
    };
    let page = collection.list(0, usize::MAX).unwrap();
    page.vectors.into_iter().map(read).collect()
}

/// Runs `act` once, when all of this phase is done: before the commit.
pub fn meanwhile(of: &'static str, act: impl Fn() + Send + Sync + 'static) -> OnProgress {
    let done = AtomicBool::new(false);
    Box::new(move |phase, progress| {
        if phase == of && progress.done == progress.total && !done.swap(true, Ordering::SeqCst) {
            act();
        }
    })
}

/// The year 2096.
pub const LATER: i64 = 4_000_000_000_000;

pub fn expiries(collection: &Collection) -> Vec<Option<i64>> {
    let page = collection.list(0, usize::MAX).unwrap();
    page.vectors.iter().map(|item| item.expires_at).collect()
}
