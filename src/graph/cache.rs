//! A graph as a file: which nodes are linked, and nothing of the vectors.
//!
//! Nodes are numbered from 0 and identified by their vectors' keys, so slots may differ when the
//! file is read. The file begins with the preamble that all files have. Then follow, as
//! little-endian 32-bit numbers, `m`, the number of nodes, the entry node, the number of upper
//! layers, and 1 if distances are computed from rows or else 0; the nodes' keys of 64 bits, 0 for a
//! deleted node; each node's `2 * m` neighbours; for each upper layer the number of its nodes and,
//! for each of them, the node and its `m` neighbours; and a checksum of everything before.
//!
//! A vector that was deleted after the file was written is a node as before: searches pass through
//! it until the graph is repaired in the background.

use super::{Graph, Layer, NONE};
use crate::{
    storage::{GRAPH_FILE, PREAMBLE, check_preamble, checksum, preamble},
    vectors::Basis,
};

/// With a larger share of deleted nodes than this, rebuilding the graph is just as fast.
const DEAD: f64 = 0.75;

impl Graph {
    /// Encodes the graph as a file, with what distances are computed from. `key` returns the key of
    /// the vector at a slot, if it still exists.
    pub fn encode(&self, basis: Basis, key: impl Fn(u32) -> Option<u64>) -> Vec<u8> {
        let lists: usize = self.upper.iter().map(|layer| layer.links.len()).sum();
        let nodes: usize = self.upper.iter().map(|layer| layer.position.len()).sum();
        let numbers = 5 + self.upper.len() + nodes + lists;
        let each = 8 + 4 * self.width(0);
        let len = PREAMBLE + 4 * numbers + each * self.members.len() as usize + 8;
        let mut out = Vec::with_capacity(len);
        out.extend(preamble(GRAPH_FILE));
        let mut number = vec![NONE; self.members.max().map_or(0, |slot| slot as usize + 1)];
        for (node, slot) in self.members.iter().enumerate() {
            number[slot as usize] = node as u32;
        }
        let node = |slot: u32| number.get(slot as usize).copied().unwrap_or(NONE);
        let count = self.members.len() as u32;
        for value in [
            self.m as u32,
            count,
            node(self.entry),
            self.upper.len() as u32,
            u32::from(basis == Basis::Rows),
        ] {
            out.extend(value.to_le_bytes());
        }
        for slot in &self.members {
            out.extend(key(slot).unwrap_or(0).to_le_bytes());
        }
        let mut push = |list: &[u32], width: usize| {
            let filled = list.iter().map(|&slot| node(slot));
            for value in filled.chain(std::iter::repeat(NONE)).take(width) {
                out.extend(value.to_le_bytes());
            }
        };
        for slot in &self.members {
            push(self.neighbours(0, slot), 2 * self.m);
        }
        for (layer, lists) in self.upper.iter().enumerate() {
            // Sorted, so that the same graph always produces the same file.
            let mut slots: Vec<u32> = lists.position.keys().copied().collect();
            slots.sort_unstable();
            out.extend((slots.len() as u32).to_le_bytes());
            for slot in slots {
                let list = self.neighbours(layer + 1, slot);
                for value in std::iter::once(node(slot))
                    .chain(list.iter().map(|&slot| node(slot)))
                    .chain(std::iter::repeat(NONE))
                    .take(1 + self.m)
                {
                    out.extend(value.to_le_bytes());
                }
            }
        }
        let sum = checksum(&out);
        out.extend(sum.to_le_bytes());
        out
    }

    /// The keys of the vectors in a graph file; none if it is damaged.
    pub fn keys_in(file: &[u8]) -> impl Iterator<Item = u64> {
        let keys = file.get(PREAMBLE + 4..).and_then(|rest| {
            let mut input = Input(rest);
            let count = input.number()? as usize;
            input.bytes(12)?;
            input.bytes(count.checked_mul(8)?)
        });
        let keys = keys.unwrap_or_default().chunks_exact(8);
        keys.filter_map(|key| key.try_into().ok().map(u64::from_le_bytes))
            .filter(|&key| key != 0)
    }
}

/// A graph as read from a file.
pub struct SavedGraph {
    /// What its distances are computed from.
    pub basis: Basis,
    /// The key of each node, 0 for a deleted one.
    keys: Vec<u64>,
    /// As it was written: node numbers are used as slots.
    graph: Graph,
}

impl SavedGraph {
    /// Decodes a graph file. `None` if it is damaged, or has a different version or shape; the
    /// graph must then be rebuilt.
    pub fn read(bytes: &[u8], m: usize) -> Option<Self> {
        let Beginning {
            count,
            entry,
            layers,
            basis,
            mut input,
        } = begin(bytes, m)?;
        let (keys, rest) = input.bytes(count.checked_mul(8)?)?.as_chunks();
        if entry >= count || !rest.is_empty() {
            return None;
        }
        let known = |&node: &u32| node == NONE || (node as usize) < count;
        let mut graph = Graph {
            m,
            entry: entry as u32,
            layer0: input.numbers(count.checked_mul(2 * m)?)?,
            upper: Vec::new(),
            members: (0..count as u32).collect(),
        };
        if !graph.layer0.iter().all(known) {
            return None;
        }
        for _ in 0..layers {
            let nodes = input.number()? as usize;
            let mut layer = Layer::default();
            let numbers = input.numbers(nodes.checked_mul(1 + m)?)?;
            for list in numbers.chunks_exact(1 + m) {
                if list[0] == NONE || !list.iter().all(known) {
                    return None;
                }
                layer.push(list[0], &list[1..]);
            }
            graph.upper.push(layer);
        }
        let keys = keys.iter().map(|key| u64::from_le_bytes(*key)).collect();
        input.0.is_empty().then_some(Self { basis, keys, graph })
    }

    /// The number of vectors that it names.
    pub fn named(&self) -> usize {
        self.keys.iter().filter(|&&key| key != 0).count()
    }

    /// Returns the graph with slots as nodes. `slot` returns the slot of the vector with a key, if
    /// it still exists; the nodes of all others get the slots from `end` on, in their order. `None`
    /// if it is too old to be useful; the graph must then be rebuilt.
    pub fn place(self, slot: impl Fn(u64) -> Option<u32>, end: u32) -> Option<Graph> {
        // `NONE` is not a slot.
        let mut free = end..NONE;
        let slots = self.keys.iter().map(|&key| match key {
            0 => free.next(),
            key => slot(key).or_else(|| free.next()),
        });
        let slots: Vec<u32> = slots.collect::<Option<_>>()?;
        let live = slots.iter().filter(|&&slot| slot < end).count();
        if live == 0 || (live as f64) < (1.0 - DEAD) * slots.len() as f64 {
            return None;
        }
        // Mostly the vectors are numbered like the nodes.
        let graph = match (0..).zip(&slots).any(|(node, &slot)| slot != node) {
            true => self.graph.renumber(|node| slots[node as usize]),
            false => self.graph,
        };
        // No two nodes are the same vector.
        (graph.members.len() == slots.len() as u64).then_some(graph)
    }
}

/// The numbers that a file begins with.
struct Beginning<'a> {
    count: usize,
    entry: usize,
    layers: usize,
    basis: Basis,
    /// What follows.
    input: Input<'a>,
}

/// Reads the beginning of a file. `None` if the file is damaged, or has a different version or shape.
fn begin(bytes: &[u8], m: usize) -> Option<Beginning<'_>> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
    if checksum(body).to_le_bytes() != sum {
        return None;
    }
    let mut input = Input(body);
    let found: [u8; PREAMBLE] = input.bytes(PREAMBLE)?.try_into().ok()?;
    check_preamble(&found, GRAPH_FILE).ok()?;
    let (width, count) = (input.number()? as usize, input.number()? as usize);
    let (entry, layers) = (input.number()? as usize, input.number()? as usize);
    let basis = match input.number()? {
        0 => Basis::Codes,
        1 => Basis::Rows,
        _ => return None,
    };
    (width == m).then_some(Beginning {
        count,
        entry,
        layers,
        basis,
        input,
    })
}

/// The remaining bytes of a file.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn numbers(&mut self, count: usize) -> Option<Vec<u32>> {
        let bytes = self.bytes(count.checked_mul(4)?)?;
        let (numbers, _) = bytes.as_chunks();
        let numbers = numbers.iter().map(|four| u32::from_le_bytes(*four));
        Some(numbers.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        graph::{Geometry, Rows},
        vectors::{Codes, Metric, Vectors},
    };

    /// A graph of `count` vectors on a line.
    fn graph(count: u32) -> Graph {
        let mut vectors = Vectors::new(2, Metric::Euclidean);
        for slot in 0..count {
            let row = [slot as f32, 1.0];
            let codes = Codes::of(&row, 2);
            let (code, terms) = codes.get(0);
            vectors.put(slot, &row, code, terms);
        }
        let slots = (0..count).collect();
        let mut rows = Rows::new(2, Geometry::of(&vectors, &slots), count as usize);
        for slot in 0..count {
            rows.copy(&vectors, slot);
        }
        let mut graph = Graph::empty(4);
        graph.insert(&(0..count).collect::<Vec<_>>(), 20, &rows);
        graph.connect(|a, b| rows.distance(a, b).into());
        graph
    }

    fn links(graph: &Graph) -> Vec<(usize, u32, Vec<u32>)> {
        let lists = graph.nodes();
        let mut lists: Vec<_> = lists
            .map(|(layer, slot)| (layer, slot, graph.neighbours(layer, slot).to_vec()))
            .collect();
        lists.sort_unstable();
        lists
    }

    #[test]
    fn a_graph_is_read_with_its_dead_nodes_behind_all_slots() {
        let graph = graph(400);
        let bytes = graph.encode(Basis::Codes, |slot| Some(u64::from(slot) + 7));
        assert_eq!(bytes.len(), bytes.capacity());
        let read = |slot: &dyn Fn(u32) -> Option<u32>, end| {
            let slot = |key: u64| slot(key as u32 - 7);
            SavedGraph::read(&bytes, 4).unwrap().place(slot, end)
        };
        let same = read(&Some, 400).unwrap();
        assert_eq!(links(&same), links(&graph));
        // Every third vector is gone; the others are in the opposite order.
        let slot = |node: u32| match node % 3 {
            0 => None,
            _ => Some(265 - (node - node / 3 - 1)),
        };
        let moved = read(&slot, 266).unwrap();
        let everywhere = |node: u32| slot(node).unwrap_or(266 + node / 3);
        assert_eq!(links(&moved), links(&graph.renumber(everywhere)));
        assert_eq!(*moved.members(), (0..400).collect());
        // With too many dead nodes, or slots that cannot be counted, it is of no use.
        let few = |node: u32| (node < 90).then_some(node);
        assert!(read(&few, 90).is_none());
        assert!(read(&slot, NONE - 100).is_none());
        // Nor if two nodes are the same vector.
        assert!(read(&|node| Some(node / 2), 400).is_none());
    }
}
