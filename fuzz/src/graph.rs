//! The file of a graph: whatever it contains, it is either refused or becomes a graph that can be
//! walked and repaired.

use std::cell::Cell;

use vectorizer_native::{
    graph::{Graph, SavedGraph},
    storage::{GRAPH_FILE, checksum, preamble},
};

use super::bytes::Bytes;

const M: usize = 4;
const NONE: u32 = u32::MAX;
/// There are vectors at the slots below this; key `k` is at slot `k - 1`.
const SLOTS: u32 = 48;

pub fn run(input: &[u8]) {
    let mut bytes = Bytes(input);
    let mut file = preamble(GRAPH_FILE).to_vec();
    if bytes.byte() == 0 {
        file.extend(bytes.0);
    } else {
        structured(&mut bytes, &mut file);
    }
    let sum = checksum(&file);
    file.extend(sum.to_le_bytes());
    check(&file);
}

/// A file with a valid structure, whose numbers may lead anywhere.
fn structured(bytes: &mut Bytes<'_>, file: &mut Vec<u8>) {
    let count = bytes.below(64) as u32;
    let layers = bytes.below(5) as u32;
    let node = |bytes: &mut Bytes<'_>| match bytes.byte() {
        255 => NONE,
        254 => NONE - 1,
        253 => count,
        byte => u32::from(byte) % count.max(1),
    };
    let entry = node(bytes);
    for value in [M as u32, count, entry, layers, count % 2] {
        file.extend(value.to_le_bytes());
    }
    for i in 0..u64::from(count) {
        // Mostly the keys of an up-to-date graph; otherwise a dead, repeated or unknown one.
        let key = match bytes.byte() {
            0..128 => i + 1,
            128..192 => 0,
            _ => bytes.number(),
        };
        file.extend(key.to_le_bytes());
    }
    let list = |bytes: &mut Bytes<'_>, file: &mut Vec<u8>, width: usize| {
        for _ in 0..width {
            let value = node(bytes);
            file.extend(value.to_le_bytes());
        }
    };
    for _ in 0..count {
        list(bytes, file, 2 * M);
    }
    for _ in 0..layers {
        let nodes = bytes.below(32) as u32;
        file.extend(nodes.to_le_bytes());
        for _ in 0..nodes {
            list(bytes, file, 1 + M);
        }
    }
}

fn check(file: &[u8]) {
    let slot = |key: u64| {
        let slot = u32::try_from(key.checked_sub(1)?).ok()?;
        (slot < SLOTS).then_some(slot)
    };
    // Some vectors are equal, and one is not a number.
    let place = |slot: u32| match slot {
        7 => f32::NAN,
        slot => (slot * 37 % 32) as f32,
    };
    let Some(saved) = SavedGraph::read(file, M) else {
        return;
    };
    let basis = saved.basis;
    let Some(mut graph) = saved.place(slot, SLOTS) else {
        return;
    };
    walk(&graph, place);
    // A graph that could be read can be written, and read again.
    let written = graph.encode(basis, |slot| Some(u64::from(slot) + 1));
    let again = SavedGraph::read(&written, M).expect("what was written is read");
    assert_eq!(again.basis, basis);
    let again = again.place(slot, SLOTS).expect("it has the same vectors");
    assert_eq!(again.members(), graph.members());
    // Nodes behind all slots are dead.
    let dead = graph.members().iter().filter(|&slot| slot >= SLOTS);
    let dead = dead.collect();
    let distance = |a: u32, b: u32| {
        assert!(a < SLOTS && b < SLOTS, "there is no vector at {a} or {b}");
        (place(a) - place(b)).abs()
    };
    assert!(graph.remove(&dead, distance, |_, _| true));
    graph.connect(|a, b| distance(a, b).into());
    assert!(graph.members().max().is_some_and(|slot| slot < SLOTS));
    walk(&graph, place);
}

fn walk(graph: &Graph, place: impl Fn(u32) -> f32) {
    for target in [0, 3, 7, SLOTS - 1] {
        for allowed in [1, 3] {
            let looked = Cell::new(0);
            let near = |slot| {
                looked.set(looked.get() + 1);
                f64::from((place(target) - place(slot)).abs())
            };
            let found = graph.search(&near, |slot| slot % allowed == 0, 8, SLOTS as usize);
            for slot in found.into_iter().flatten() {
                assert!(graph.members().contains(slot) && slot % allowed == 0);
            }
            assert!(looked.get() < 100_000, "{} distances", looked.get());
        }
    }
}
