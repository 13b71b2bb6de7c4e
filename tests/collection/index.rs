//! The graph while vectors are deleted: what is found, and what never is.

use std::collections::HashSet;

use vectorizer_native::{
    collection::{Batch, Collection, Method, Progress, SearchOptions},
    error::Error,
    filter,
    graph::{GraphBuilder, HnswParams},
    vectors::Metric,
};

use crate::support::*;

const DIMENSION: usize = 24;
const ROWS: usize = 4000;

fn rows(seed: u64) -> Vec<(String, Vec<f32>)> {
    let mut random = Random(seed);
    (0..ROWS)
        .map(|i| (format!("v{i}"), random.clustered(DIMENSION, 40)))
        .collect()
}

/// Recall at 10 over a few queries. Asserts that results are live, complete and in order.
fn recall(collection: &Collection, metric: Metric, live: &[(String, Vec<f32>)]) -> f64 {
    let ids: HashSet<&str> = live.iter().map(|(id, _)| id.as_str()).collect();
    let mut random = Random(77);
    let (mut hits, mut wanted) = (0, 0);
    for _ in 0..40 {
        let query = random.clustered(DIMENSION, 40);
        let found = walk(collection, &query, 10);
        assert_eq!(found.len(), live.len().min(10));
        assert!(found.iter().all(|item| ids.contains(&*item.id)));
        let all = live.iter().map(|(id, row)| (id.as_str(), row.as_slice()));
        let expected = nearest(metric, all, &query, 10);
        wanted += expected.len();
        hits += found
            .iter()
            .filter(|item| expected.contains(&item.id.to_string()))
            .count();
    }
    if wanted == 0 {
        1.0
    } else {
        hits as f64 / wanted as f64
    }
}

#[test]
fn searches_find_what_is_live_while_more_and_more_is_deleted() {
    let builders = [GraphBuilder::Own, GraphBuilder::HnswRs];
    let metrics = [Metric::Cosine, Metric::Euclidean, Metric::DotProduct];
    for (metric, builder) in metrics.iter().flat_map(|m| builders.map(|b| (*m, b))) {
        let params = HnswParams {
            builder,
            ..HnswParams::default()
        };
        let collection = with_params(DIMENSION, metric, params);
        let mut live = rows(1);
        insert(&collection, &live);
        optimize(&collection);
        assert_eq!(collection.info(WAIT).unwrap().indexed, ROWS);
        let fresh = recall(&collection, metric, &live);
        assert!(fresh >= 0.95, "{metric:?}: {fresh}");
        let mut random = Random(5);
        for left in [3000, 2000, 400, 40, 3, 0] {
            let mut ids = Vec::new();
            while live.len() > left {
                let (id, _) = live.swap_remove(random.below(live.len()));
                ids.push(id);
            }
            collection.delete_many(WAIT, &ids, &plain()).unwrap();
            let recall = recall(&collection, metric, &live);
            assert!(recall >= 0.95, "{metric:?}: {recall} with {left} left");
        }
    }
}

/// Waits until no deleted vector is in the graph, and no live one is waiting to be inserted.
fn wait_until_clean(collection: &Collection, seconds: usize) {
    for _ in 0..100 * seconds {
        let info = collection.info(WAIT).unwrap();
        if (info.deleted, info.pending) == (0, 0) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it was not cleaned up");
}

#[test]
fn what_is_left_over_is_cleaned_up_when_it_is_quiet() {
    let collection = collection(DIMENSION, Metric::Cosine);
    insert(&collection, &rows(3));
    optimize(&collection);
    // Too few to be worth repairing at once.
    collection
        .delete_many(WAIT, &["v1".into(), "v2".into()], &plain())
        .unwrap();
    insert(&collection, &[("new".into(), vec![1.0; DIMENSION])]);
    wait_until_clean(&collection, 300);
    assert_eq!(collection.info(WAIT).unwrap().indexed, ROWS - 1);
}

#[test]
fn what_is_left_over_does_not_wait_longer_because_the_graph_took_long_to_build() {
    let collection = collection(DIMENSION, Metric::Cosine);
    insert(&collection, &rows(3));
    let other = collection.clone();
    // The background work takes seconds; a pause of twenty times that would be too long to wait
    // for. Its last report finds that something has been deleted.
    let on_progress = move |_: &str, progress: Progress| {
        if progress.done == progress.total && other.delete_one(WAIT, "v1", &plain()).is_ok() {
            std::thread::sleep(std::time::Duration::from_secs(5));
        }
    };
    let done = collection.optimize(Some(Box::new(on_progress))).unwrap();
    done.blocking_recv().unwrap().unwrap();
    wait_until_clean(&collection, 60);
    assert_eq!(collection.info(WAIT).unwrap().indexed, ROWS - 1);
}

#[test]
fn every_live_vector_finds_itself_while_deletes_and_inserts_go_on() {
    let collection = collection(DIMENSION, Metric::Euclidean);
    let all = rows(11);
    insert(&collection, &all);
    optimize(&collection);
    let mut random = Random(12);
    let mut live = all.clone();
    for round in 0..4 {
        for _ in 0..live.len() / 2 {
            let (id, _) = live.swap_remove(random.below(live.len()));
            collection.delete_one(WAIT, &id, &plain()).unwrap();
        }
        // At random times before and after the background work has repaired the graph.
        if round % 2 == 0 {
            optimize(&collection);
        }
        let new: Vec<_> = (0..500)
            .map(|i| (format!("{round}/{i}"), random.clustered(DIMENSION, 40)))
            .collect();
        insert(&collection, &new);
        live.extend(new);
        for (id, row) in &live {
            let found = walk(&collection, row, 1);
            assert!(*found[0].id == **id || found[0].score == Some(1.0), "{id}");
        }
    }
}

#[test]
fn searches_are_full_when_everything_around_the_query_was_deleted() {
    let collection = collection(DIMENSION, Metric::Euclidean);
    let mut live = rows(2);
    insert(&collection, &live);
    optimize(&collection);
    let centre = live[17].1.clone();
    let all = live.iter().map(|(id, row)| (id.as_str(), row.as_slice()));
    let around = nearest(Metric::Euclidean, all, &centre, 1500);
    let queries: Vec<_> = live
        .iter()
        .filter(|(id, _)| around[..40].contains(id))
        .map(|(_, row)| row.clone())
        .collect();
    collection.delete_many(WAIT, &around, &plain()).unwrap();
    live.retain(|(id, _)| !around.contains(id));
    let check = || {
        let mut hits = 0;
        for query in &queries {
            let found = walk(&collection, query, 10);
            let all = live.iter().map(|(id, row)| (id.as_str(), row.as_slice()));
            let expected = nearest(Metric::Euclidean, all, query, 10);
            hits += found
                .iter()
                .filter(|item| expected.contains(&item.id.to_string()))
                .count();
            assert_eq!(found.len(), 10);
        }
        // The background work may repair the graph at any time: a search may miss a few either way.
        assert!(hits >= 380, "{hits} of 400");
    };
    check();
    wait_until_clean(&collection, 60);
    check();
}

#[test]
fn a_graph_that_has_lost_most_of_its_nodes_is_replaced_and_its_slots_are_given_back() {
    let collection = collection(DIMENSION, Metric::Cosine);
    let live = rows(3);
    insert(&collection, &live);
    optimize(&collection);
    let ids: Vec<String> = live[..2500].iter().map(|(id, _)| id.clone()).collect();
    collection.delete_many(WAIT, &ids, &plain()).unwrap();
    optimize(&collection);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.indexed, info.pending, info.deleted), (1500, 0, 0));
    // The freed slots are reused for the next vectors: memory does not grow.
    let before = info.memory_bytes;
    insert(&collection, &rows(4)[..2000]);
    optimize(&collection);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.indexed, info.deleted), (3500, 0));
    assert!(info.memory_bytes <= before + before / 2);
}

#[test]
fn copies_of_one_vector_do_not_cut_the_graph_into_islands() {
    for (distinct, copies) in [(20, 150), (400, 8), (3, 1500)] {
        let collection = collection(DIMENSION, Metric::Cosine);
        let mut random = Random(8);
        let vectors: Vec<_> = (0..distinct).map(|_| random.vector(DIMENSION)).collect();
        let rows: Vec<_> = (0..distinct * copies)
            .map(|i| {
                (
                    format!("{}/{i}", i % distinct),
                    vectors[i % distinct].clone(),
                )
            })
            .collect();
        insert(&collection, &rows);
        optimize(&collection);
        for (i, vector) in vectors.iter().enumerate() {
            let found = walk(&collection, vector, 5);
            let own = format!("{i}/");
            let hits = found
                .iter()
                .filter(|item| item.id.starts_with(&own))
                .count();
            assert_eq!(hits, 5, "vector {i} of {distinct} with {copies} copies");
        }
    }
}

#[test]
fn an_emptied_collection_gives_its_memory_back_and_can_be_filled_again() {
    let collection = collection(512, Metric::Cosine);
    let mut random = Random(6);
    let rows: Vec<_> = (0..6000)
        .map(|i| (format!("v{i}"), random.clustered(512, 5)))
        .collect();
    insert(&collection, &rows[..900]);
    let small = collection.info(WAIT).unwrap().memory_bytes;
    insert(&collection, &rows);
    let ids: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
    collection.delete_many(WAIT, &ids, &plain()).unwrap();
    optimize(&collection);
    let info = collection.info(WAIT).unwrap();
    assert_eq!((info.vectors, info.deleted), (0, 0));
    assert!(info.memory_bytes < small, "{} bytes", info.memory_bytes);
    insert(&collection, &rows[..50]);
    assert_eq!(search(&collection, &rows[7].1, 3)[0].id.as_ref(), "v7");
}

#[test]
fn vectors_that_come_and_go_faster_than_they_are_indexed_do_not_pile_up() {
    let collection = collection(32, Metric::Cosine);
    let mut random = Random(10);
    let rows: Vec<_> = (0..3000)
        .map(|i| (format!("v{i}"), random.vector(32)))
        .collect();
    let ids: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
    for round in 0..80 {
        insert(&collection, &rows);
        assert_eq!(search(&collection, &rows[9].1, 2)[0].id.as_ref(), "v9");
        collection.delete_many(WAIT, &ids, &plain()).unwrap();
        assert!(search(&collection, &rows[9].1, 2).is_empty());
        let retired = collection.info(WAIT).unwrap().deleted;
        assert!(retired <= 20_000, "{retired} in round {round}");
    }
    optimize(&collection);
    assert_eq!(collection.info(WAIT).unwrap().deleted, 0);
}

#[test]
fn what_is_left_of_a_large_collection_takes_the_memory_of_a_small_one() {
    for left in [2000, 300] {
        let collection = collection(512, Metric::Cosine);
        let mut random = Random(9);
        let rows: Vec<_> = (0..9000)
            .map(|i| (format!("v{i}"), random.clustered(512, 5)))
            .collect();
        insert_with(&collection, &rows, |i| {
            Some(format!("{{\"odd\":{}}}", i % 2))
        });
        let odd = filter::parse_text(r#"{"odd":1}"#).unwrap();
        collection.count(WAIT, Some(&odd)).unwrap();
        optimize(&collection);
        let full = collection.info(WAIT).unwrap().memory_bytes;
        // The remaining ones are spread evenly, so that no range of slots is free.
        let stays = |i: usize| i % (9000 / left) == 1;
        let (live, gone): (Vec<_>, Vec<_>) = (0..9000).partition(|&i| stays(i));
        let ids: Vec<String> = gone.into_iter().map(|i| format!("v{i}")).collect();
        collection.delete_many(WAIT, &ids, &plain()).unwrap();
        optimize(&collection);
        let info = collection.info(WAIT).unwrap();
        assert!(
            info.memory_bytes * 5 < full * 2,
            "{} of {full}",
            info.memory_bytes
        );
        let listed = collection.list(0, usize::MAX).unwrap().vectors;
        assert_eq!(listed.len(), live.len());
        for (item, &i) in listed.iter().zip(&live) {
            assert_eq!(*item.id, *rows[i].0);
            assert_eq!(item.data.as_ref(), Some(&rows[i].1));
        }
        let odd_left = live.iter().filter(|&&i| i % 2 == 1).count();
        assert_eq!(collection.count(WAIT, Some(&odd)).unwrap(), odd_left);
        let found = search(&collection, &rows[live[7]].1, 3);
        assert_eq!(*found[0].id, *rows[live[7]].0);
    }
}

#[test]
fn a_filter_that_few_or_many_match_never_shortens_a_search() {
    let collection = collection(DIMENSION, Metric::Cosine);
    let live = rows(7);
    insert_with(&collection, &live, |i| Some(format!("{{\"n\":{i}}}")));
    optimize(&collection);
    for share in [1, 5, 200, 1500, 3900] {
        let filter = filter::parse_text(&format!("{{\"n\":{{\"$lt\":{share}}}}}")).unwrap();
        let options = SearchOptions {
            filter: Some(filter),
            method: Method::Walk,
            ..Default::default()
        };
        let found = collection.search(live[3999].1.clone(), &options).unwrap();
        let all = live[..share].iter();
        let all = all.map(|(id, row)| (id.as_str(), row.as_slice()));
        let expected = nearest(Metric::Cosine, all, &live[3999].1, 10);
        let hits = found
            .iter()
            .filter(|item| expected.contains(&item.id.to_string()))
            .count();
        assert_eq!(found.len(), share.min(10));
        assert!(hits + 1 >= expected.len(), "{hits} of {}", expected.len());
    }
}

#[test]
fn a_batch_checked_for_another_collection_is_refused_and_nothing_is_inserted() {
    let (wide, narrow) = (
        collection(16, Metric::Cosine),
        collection(4, Metric::Cosine),
    );
    let batch = Batch {
        ids: vec![Some("a".into())],
        data: vec![1.0; 16],
        lengths: vec![16],
        ..Batch::default()
    };
    let mut prepared = wide.prepare(batch).unwrap();
    let refused = narrow.insert(WAIT, &mut prepared);
    assert!(matches!(refused, Err(Error::DimensionMismatch { .. })));
    assert_eq!(narrow.count(WAIT, None).unwrap(), 0);
    assert_eq!(wide.insert(WAIT, &mut prepared).unwrap().len(), 1);
}
