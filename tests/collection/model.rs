//! Random operations, checked against a plain ordered map.

use std::collections::HashMap;

use proptest::prelude::*;
use vectorizer_native::{
    collection::{DeleteOptions, Outcome, Update},
    error::Error,
    filter,
    vectors::Metric,
};

use crate::support::*;

const DIMENSION: usize = 6;

#[derive(Debug, Clone)]
enum Op {
    Insert(Vec<(u8, u8)>),
    Update(u8, u8),
    UpdateMetadata(u8, u8),
    DeleteOne(u8),
    DeleteMany(Vec<u8>),
    DeleteMatching(u8, bool),
    Optimize,
    Read,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => proptest::collection::vec(any::<(u8, u8)>(), 1..40).prop_map(Op::Insert),
        1 => any::<(u8, u8)>().prop_map(|(id, value)| Op::Update(id, value)),
        1 => any::<(u8, u8)>().prop_map(|(id, value)| Op::UpdateMetadata(id, value)),
        2 => any::<u8>().prop_map(Op::DeleteOne),
        2 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Op::DeleteMany),
        1 => (0u8..8, any::<bool>()).prop_map(|(tag, dry)| Op::DeleteMatching(tag, dry)),
        1 => Just(Op::Optimize),
        2 => Just(Op::Read),
    ];
    proptest::collection::vec(op, 1..40)
}

/// The row for a value: a vector, with a tag in the metadata.
fn row(value: u8) -> Vec<f32> {
    Random(u64::from(value)).vector(DIMENSION)
}

fn metadata(value: u8) -> String {
    format!("{{\"tag\":{}}}", value % 8)
}

/// Ids in insertion order, with the values that determine their vector and metadata.
#[derive(Default)]
struct Model {
    order: Vec<String>,
    values: HashMap<String, (u8, u8)>,
}

impl Model {
    fn put(&mut self, id: String, value: (u8, u8)) {
        if self.values.insert(id.clone(), value).is_none() {
            self.order.push(id);
        }
    }

    fn remove(&mut self, id: &str) -> bool {
        self.order.retain(|other| other != id);
        self.values.remove(id).is_some()
    }
}

/// The collection starts with `base` vectors: with more than a thousand it has a graph, and the
/// operations run while the graph is being built.
fn run(ops: Vec<Op>, base: usize, metric: Metric) -> Result<(), TestCaseError> {
    let collection = collection(DIMENSION, metric);
    let mut model = Model::default();
    let name = |id: u8| format!("id{id}");
    if base > 0 {
        let value = |i: usize| (i % 251) as u8;
        let rows: Vec<_> = (0..base)
            .map(|i| (format!("base{i}"), row(value(i))))
            .collect();
        insert_with(&collection, &rows, |i| Some(metadata(value(i))));
        for (i, (id, _)) in rows.into_iter().enumerate() {
            model.put(id, (value(i), value(i)));
        }
    }
    for op in ops {
        match op {
            Op::Insert(values) => {
                let rows: Vec<_> = values.iter().map(|&(id, v)| (name(id), row(v))).collect();
                insert_with(&collection, &rows, |i| Some(metadata(values[i].1)));
                for (id, value) in values {
                    model.put(name(id), (value, value));
                }
            }
            Op::Update(id, value) => {
                let update = Update {
                    data: Some(row(value)),
                    ..Update::default()
                };
                let done = collection.update(WAIT, &name(id), &update);
                match model.values.get_mut(&name(id)) {
                    Some(known) => {
                        known.0 = value;
                        prop_assert_eq!(done.unwrap().data, Some(row(value)));
                    }
                    None => {
                        let missing = matches!(done, Err(Error::VectorNotFound { .. }));
                        prop_assert!(missing);
                    }
                }
            }
            Op::UpdateMetadata(id, value) => {
                let update = Update {
                    metadata: Some(metadata(value).into()),
                    ..Update::default()
                };
                let done = collection.update(WAIT, &name(id), &update);
                prop_assert_eq!(done.is_ok(), model.values.contains_key(&name(id)));
                if let Some(known) = model.values.get_mut(&name(id)) {
                    known.1 = value;
                }
            }
            Op::DeleteOne(id) => {
                let deleted = collection.delete_one(WAIT, &name(id), &plain()).is_ok();
                prop_assert_eq!(deleted, model.remove(&name(id)));
            }
            Op::DeleteMany(ids) => {
                let ids: Vec<String> = ids.into_iter().map(name).collect();
                let outcomes = collection
                    .delete_many(WAIT, &ids, &plain())
                    .unwrap()
                    .outcomes;
                for (i, (id, outcome)) in ids.iter().zip(outcomes).enumerate() {
                    let first = ids.iter().position(|other| other == id).unwrap();
                    let expected = if model.remove(id) {
                        Outcome::Deleted
                    } else if let Outcome::Repeated(at) = outcome {
                        prop_assert!(at == first && at < i);
                        outcome
                    } else {
                        Outcome::Missing
                    };
                    prop_assert_eq!(outcome, expected);
                }
            }
            Op::DeleteMatching(tag, dry_run) => {
                let filter = filter::parse_text(&format!("{{\"tag\":{tag}}}")).unwrap();
                let options = DeleteOptions {
                    dry_run,
                    rows: Some(3),
                    ..plain()
                };
                let done = collection.delete_matching(&filter, &options).unwrap();
                let matches = |id: &&String| model.values[*id].1 % 8 == tag;
                let matched: Vec<String> = model.order.iter().filter(matches).cloned().collect();
                prop_assert_eq!(done.scanned, model.order.len());
                let found: Vec<String> = done.matched.iter().map(ToString::to_string).collect();
                prop_assert_eq!(&found, &matched);
                let shown = done.rows.map(|rows| {
                    rows.iter()
                        .map(|item| item.id.to_string())
                        .collect::<Vec<_>>()
                });
                let first = dry_run.then(|| matched.iter().take(3).cloned().collect::<Vec<_>>());
                prop_assert_eq!(shown, first);
                if !dry_run {
                    for id in matched {
                        model.remove(&id);
                    }
                }
            }
            Op::Optimize => optimize(&collection),
            Op::Read => check(&collection, &model, metric)?,
        }
    }
    check(&collection, &model, metric)
}

fn check(
    collection: &std::sync::Arc<vectorizer_native::collection::Collection>,
    model: &Model,
    metric: Metric,
) -> Result<(), TestCaseError> {
    let page = collection.list(0, usize::MAX).unwrap();
    prop_assert_eq!(page.total, model.order.len());
    prop_assert_eq!(page.vectors.len(), model.order.len());
    for (item, id) in page.vectors.iter().zip(&model.order) {
        let (vector, tag) = model.values[id];
        prop_assert_eq!(&*item.id, id.as_str());
        prop_assert_eq!(item.data.as_ref(), Some(&row(vector)));
        let tag = metadata(tag);
        prop_assert_eq!(item.metadata.as_deref(), Some(tag.as_str()));
    }
    let info = collection.info(WAIT).unwrap();
    prop_assert_eq!(info.indexed + info.pending, model.order.len());
    for limit in [1, 10, model.order.len() + 5] {
        let query = Random(999).vector(DIMENSION);
        let found = walk(collection, &query, limit);
        prop_assert_eq!(found.len(), limit.min(model.order.len()));
        for pair in found.windows(2) {
            prop_assert!(pair[0].score >= pair[1].score);
        }
        let rows: Vec<_> = model
            .order
            .iter()
            .map(|id| (id.as_str(), row(model.values[id].0)))
            .collect();
        let rows = rows.iter().map(|(id, row)| (*id, row.as_slice()));
        let expected = nearest(metric, rows, &query, limit);
        let hits = found
            .iter()
            .filter(|item| expected.contains(&item.id.to_string()))
            .count();
        // Without a graph searches are exact; with one they may miss a few.
        if info.indexed == 0 {
            prop_assert_eq!(hits, expected.len());
        } else {
            prop_assert!(
                hits * 10 >= expected.len() * 8,
                "{hits} of {}",
                expected.len()
            );
        }
    }
    Ok(())
}

fn metrics() -> impl Strategy<Value = Metric> {
    prop_oneof![
        Just(Metric::Cosine),
        Just(Metric::Euclidean),
        Just(Metric::DotProduct)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 150,
        ..Default::default()
    })]

    #[test]
    fn a_small_collection_is_an_ordered_map_with_exact_search(ops in ops(), metric in metrics()) {
        run(ops, 0, metric)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 12,
        ..Default::default()
    })]

    #[test]
    fn a_collection_with_a_graph_is_an_ordered_map_too(ops in ops(), metric in metrics()) {
        run(ops, 1100, metric)?;
    }
}
