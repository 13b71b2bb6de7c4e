//! Runs the fuzz targets on their stored corpora.

#[path = "../fuzz/src/body.rs"]
mod body;
#[allow(dead_code)]
#[path = "../fuzz/src/bytes.rs"]
mod bytes;
#[path = "../fuzz/src/filter.rs"]
mod filter;
#[path = "../fuzz/src/graph.rs"]
mod graph;
#[path = "../fuzz/src/keys.rs"]
mod keys;
#[path = "../fuzz/src/log.rs"]
mod log;

use std::{fs, path::Path};

fn replay(target: &str, run: impl Fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 20, "{count} inputs for {target}");
}

#[test]
fn the_kept_logs_and_backups_are_read_or_refused() {
    replay("log", log::run);
}

#[test]
fn the_kept_keys_open_what_was_stored_or_nothing() {
    replay("keys", keys::run);
}

#[test]
fn the_kept_graphs_are_read_or_built_again() {
    replay("graph", graph::run);
}

#[test]
fn the_kept_filters_are_understood_or_refused() {
    replay("filter", filter::run);
}

#[test]
fn the_kept_bodies_are_taken_or_refused() {
    replay("body", body::run);
}

/// A few thousand random inputs, the same every time.
#[test]
fn inputs_at_random_are_no_worse() {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    for turn in 0..2000 {
        let len = turn % 300;
        let input: Vec<u8> = (0..len).map(|_| next()).collect();
        log::run(&input);
        graph::run(&input);
        body::run(&input);
        // Each of these opens a store and creates another.
        if turn % 8 == 0 {
            keys::run(&input);
        }
        // Mostly small choices, which lead to deeper states.
        let small: Vec<u8> = input.iter().map(|byte| byte % 24).collect();
        log::run(&small);
        graph::run(&small);
    }
}
