//! A graph as a file: who is linked to whom, and nothing of the vectors.
//!
//! Nodes are numbered from 0 and named by their vectors' keys, so that slots may differ
//! when the file is read. After the beginning that all files have come, as little-endian
//! 32-bit numbers, `m`, the count of nodes, the entry and the count of upper layers; the
//! nodes' keys of 64 bits, 0 for one that is deleted; each node's `2 * m` neighbours; for
//! each upper layer the count of its nodes and, for each, the node and its `m`
//! neighbours; and a checksum of everything before.
//!
//! A vector that was deleted after the file was written is a node without a slot. Its
//! neighbours are then linked with each other: each of them chooses again, from its own
//! neighbours and those of the deleted ones (the consolidation of Singh et al.,
//! "FreshDiskANN", arXiv 2105.09613, algorithm 4).

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::{Graph, Layer, NONE, neighbours::select};
use crate::storage::{GRAPH_FILE, PREAMBLE, check_preamble, checksum, preamble};

/// With a larger share of deleted nodes it is not worth repairing.
const DEAD: f64 = 0.25;

impl Graph {
    /// The graph's file. `key` names the vector at a slot, if there still is one.
    pub fn encode(&self, key: impl Fn(u32) -> Option<u64>) -> Vec<u8> {
        let mut out = preamble(GRAPH_FILE).to_vec();
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
            // In order, so that the same graph makes the same file.
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

    /// Reads a graph's file. `slot` tells where the vector of a key is, if there still is
    /// one; `distance` is between two slots. `None` when the file is damaged, of another
    /// version or shape, or too old to be of use: then the graph has to be built.
    pub fn decode(
        bytes: &[u8],
        m: usize,
        slot: impl Fn(u64) -> Option<u32>,
        distance: impl Fn(u32, u32) -> f32,
    ) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
        if checksum(body).to_le_bytes() != sum {
            return None;
        }
        let mut input = Input(body);
        let found: [u8; PREAMBLE] = input.bytes(PREAMBLE)?.try_into().ok()?;
        check_preamble(&found, GRAPH_FILE).ok()?;
        let (width, count) = (input.number()? as usize, input.number()? as usize);
        let (entry, layers) = (input.number()? as usize, input.number()? as usize);
        if width != m {
            return None;
        }
        let keys = input.bytes(count.checked_mul(8)?)?.chunks_exact(8);
        let slots: Vec<Option<u32>> = keys
            .map(|key| key.try_into().ok().map(u64::from_le_bytes))
            .map(|key| key.filter(|&key| key != 0).and_then(&slot))
            .collect();
        let members: RoaringBitmap = slots.iter().flatten().collect();
        if members.is_empty() || (members.len() as f64) < (1.0 - DEAD) * count as f64 {
            return None;
        }
        let mut bottom = Lists::new(input.numbers(count.checked_mul(2 * m)?)?, 2 * m, count)?;
        bottom.repair(0..count, &slots, &distance);
        let highest = members.max()? as usize;
        let mut graph = Self {
            m,
            entry: NONE,
            layer0: vec![NONE; (highest + 1) * 2 * m],
            upper: Vec::new(),
            members,
        };
        let (first, mut top) = (slots.iter().position(Option::is_some)?, None);
        for (node, slot) in slots.iter().enumerate() {
            if let Some(slot) = slot {
                let at = *slot as usize * 2 * m;
                bottom.write(node, &slots, &mut graph.layer0[at..at + 2 * m]);
            }
        }
        for _ in 0..layers {
            let nodes = input.number()? as usize;
            let numbers = input.numbers(nodes.checked_mul(1 + m)?)?;
            let mut lists = Lists::sparse(&numbers, m, count)?;
            let mut all: Vec<usize> = lists.at.keys().copied().collect();
            all.sort_unstable();
            lists.repair(all.iter().copied(), &slots, &distance);
            let mut layer = Layer::default();
            for node in all {
                if let Some(slot) = slots[node] {
                    let at = layer.links.len();
                    layer.position.insert(slot, (at / m) as u32);
                    layer.links.resize(at + m, NONE);
                    lists.write(node, &slots, &mut layer.links[at..]);
                    if top.is_none_or(|(level, _)| level < graph.upper.len()) {
                        top = Some((graph.upper.len(), node));
                    }
                }
            }
            graph.upper.push(layer);
        }
        if !input.0.is_empty() {
            return None;
        }
        // Layers whose nodes are all gone lead nowhere.
        let height = top.map_or(0, |(level, _)| level + 1);
        graph.upper.truncate(height);
        let highest = top.map_or(first, |(_, node)| node);
        let kept = slots.get(entry).copied().flatten().filter(|slot| {
            let top = graph.upper.last();
            top.is_none_or(|layer| layer.position.contains_key(slot))
        });
        graph.entry = kept.or(slots[highest])?;
        graph.connect(|a, b| f64::from(distance(a, b)));
        Some(graph)
    }
}

/// What is left of a file's bytes.
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
        let numbers = bytes.chunks_exact(4);
        numbers
            .map(|four| four.try_into().ok().map(u32::from_le_bytes))
            .collect()
    }
}

/// The neighbour lists of one layer, by node.
struct Lists {
    width: usize,
    links: Vec<u32>,
    /// Where a node's list is; on the bottom layer all nodes have one, in order.
    at: HashMap<usize, usize>,
    dense: bool,
}

impl Lists {
    fn new(links: Vec<u32>, width: usize, count: usize) -> Option<Self> {
        let known = |&node: &u32| node == NONE || (node as usize) < count;
        links.iter().all(known).then(|| Self {
            width,
            links,
            at: HashMap::new(),
            dense: true,
        })
    }

    /// Lists that each begin with their node.
    fn sparse(numbers: &[u32], width: usize, count: usize) -> Option<Self> {
        let mut lists = Self::new(Vec::new(), width, count)?;
        lists.dense = false;
        for list in numbers.chunks_exact(1 + width) {
            let known = |&node: &u32| node == NONE || (node as usize) < count;
            if list[0] == NONE || !list.iter().all(known) {
                return None;
            }
            lists.at.insert(list[0] as usize, lists.links.len());
            lists.links.extend(&list[1..]);
        }
        Some(lists)
    }

    fn list(&self, node: usize) -> &[u32] {
        let at = match self.dense {
            true => Some(node * self.width),
            false => self.at.get(&node).copied(),
        };
        let list = at.map_or(&[][..], |at| &self.links[at..at + self.width]);
        let end = list.iter().position(|&n| n == NONE).unwrap_or(list.len());
        &list[..end]
    }

    /// Lets every live node with a dead neighbour choose again.
    fn repair(
        &mut self,
        nodes: impl Iterator<Item = usize>,
        slots: &[Option<u32>],
        distance: impl Fn(u32, u32) -> f32,
    ) {
        let mut chosen: Vec<(usize, Vec<u32>)> = Vec::new();
        for node in nodes {
            let list = self.list(node);
            let Some(slot) = slots[node] else {
                continue;
            };
            if list.iter().all(|&n| slots[n as usize].is_some()) {
                continue;
            }
            let dead = list.iter().filter(|&&n| slots[n as usize].is_none());
            let through = dead.flat_map(|&n| self.list(n as usize));
            let mut candidates: Vec<(f32, u32)> = list
                .iter()
                .chain(through)
                .filter(|&&n| n as usize != node)
                .filter_map(|&n| Some((distance(slot, slots[n as usize]?), n)))
                .collect();
            candidates.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            candidates.dedup();
            let between = |a: u32, b: u32| match (slots[a as usize], slots[b as usize]) {
                (Some(a), Some(b)) => distance(a, b),
                _ => f32::MAX,
            };
            chosen.push((node, select(&candidates, self.width, between)));
        }
        for (node, list) in chosen {
            let at = match self.dense {
                true => node * self.width,
                false => self.at[&node],
            };
            self.links[at..at + self.width].fill(NONE);
            self.links[at..at + list.len()].copy_from_slice(&list);
        }
    }

    /// Writes a node's neighbours as slots.
    fn write(&self, node: usize, slots: &[Option<u32>], out: &mut [u32]) {
        let live = self.list(node).iter().filter_map(|&n| slots[n as usize]);
        for (out, slot) in out.iter_mut().zip(live) {
            *out = slot;
        }
    }
}
