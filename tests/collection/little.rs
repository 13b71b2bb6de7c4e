//! A thread that must not block only does small amounts of work, whatever the ids refer to.

use vectorizer_native::{
    collection::{Access, Batch, Name, Update},
    error::Error,
    filter,
    vectors::Metric,
};

use crate::support::*;

const NOW: Access = Access::Now;

/// Metadata with that many values in the field `pad`, different for each vector.
fn metadata(of: usize, values: usize) -> Box<str> {
    let values: Vec<String> = (0..values).map(|i| format!("x{of}-{i}")).collect();
    serde_json::json!({ "pad": values }).to_string().into()
}

fn batch(ids: &[&str], metadata: Vec<Option<Box<str>>>) -> Batch {
    Batch {
        ids: ids.iter().map(|id| Some((*id).to_owned())).collect(),
        data: vec![1.0; 2 * ids.len()],
        lengths: vec![2],
        metadata,
        ..Batch::default()
    }
}

fn would_block<T>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::WouldBlock)));
}

#[test]
fn vectors_of_much_indexed_metadata_are_not_deleted_replaced_or_changed_at_once() {
    let collection = collection(2, Metric::Euclidean);
    let large = |of| Some(metadata(of, 20_000));
    let rows = batch(&["a", "b", "c"], vec![large(0), large(1), None]);
    let mut prepared = collection.prepare(rows).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
    let filter = filter::parse_text(r#"{"pad":"x0-7"}"#).unwrap();
    let count = || collection.count(WAIT, Some(&filter)).unwrap();
    assert_eq!(count(), 1);

    would_block(collection.delete_one(NOW, "a", &plain()));
    would_block(collection.delete_many(NOW, &["c".into(), "b".into()], &plain()));
    let mut small = collection.prepare(batch(&["a"], vec![None])).unwrap();
    would_block(collection.insert(NOW, &mut small));
    let update = Update {
        metadata: Some("{}".into()),
        ..Update::default()
    };
    would_block(collection.update(NOW, "a", &update));
    let mut new = collection.prepare(batch(&["d"], vec![large(3)])).unwrap();
    would_block(collection.insert(NOW, &mut new));
    would_block(collection.get(NOW, "a"));
    let options = vectorizer_native::collection::SearchOptions::default();
    let (time, query) = (std::time::Duration::MAX, Name::at("query"));
    would_block(collection.search_within(time, &query, &[1.0, 1.0], &options));
    // Nothing has happened.
    assert_eq!((collection.count(NOW, None).unwrap(), count()), (3, 1));

    // Small work is done, and so is any work when there is time.
    collection.get(NOW, "c").unwrap();
    collection.delete_one(NOW, "c", &plain()).unwrap();
    collection.insert(WAIT, &mut small).unwrap();
    assert_eq!(count(), 0);
    collection.delete_one(NOW, "a", &plain()).unwrap();
    collection.insert(WAIT, &mut new).unwrap();
    collection
        .delete_many(WAIT, &["b".into(), "d".into()], &plain())
        .unwrap();
    assert_eq!(collection.count(NOW, None).unwrap(), 0);
}

#[test]
fn many_small_vectors_are_deleted_at_once() {
    let collection = collection(2, Metric::Euclidean);
    let ids: Vec<String> = (0..128).map(|i| i.to_string()).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let small = (0..128).map(|of| Some(metadata(of, 5))).collect();
    let mut prepared = collection.prepare(batch(&names, small)).unwrap();
    collection.insert(NOW, &mut prepared).unwrap();
    collection.delete_many(NOW, &ids, &plain()).unwrap();
}
