//! Making sure that a walk can reach every node.
//!
//! A graph whose lists are all full of near neighbours can fall apart into islands, most
//! easily where a vector has more copies than a list has places. A walk that starts on
//! one island never sees the others.

use roaring::RoaringBitmap;

use super::{Graph, NONE};

/// How many nodes near an island are considered for a link to it.
const SHORES: usize = 32;
/// A new link takes the place of an old one, which may cut something else off.
const ROUNDS: usize = 4;

impl Graph {
    /// Links what the entry does not lead to on the bottom layer.
    pub(super) fn connect(&mut self, distance: impl Fn(u32, u32) -> f64) {
        // Nodes whose last link is all that leads to some island.
        let mut bridges = RoaringBitmap::new();
        for _ in 0..ROUNDS {
            let mut reached = RoaringBitmap::new();
            self.reach(self.entry, &mut reached);
            let lost = &self.members - &reached;
            if lost.is_empty() {
                return;
            }
            for lost in lost {
                if reached.contains(lost) {
                    continue;
                }
                let from_lost = |slot| distance(lost, slot);
                let usable = |slot| reached.contains(slot) && !bridges.contains(slot);
                let nodes = self.members.len() as usize;
                let near = self.search(from_lost, usable, SHORES, nodes);
                let nearest = near.unwrap_or_default().into_iter();
                if let Some(from) = nearest.min_by(|&a, &b| from_lost(a).total_cmp(&from_lost(b))) {
                    self.link(from, lost);
                    bridges.insert(from);
                }
                self.reach(lost, &mut reached);
            }
        }
    }

    /// Puts `to` at the end of `from`'s list, in place of the last if it is full.
    fn link(&mut self, from: u32, to: u32) {
        let width = 2 * self.m;
        let list = &mut self.layer0[from as usize * width..][..width];
        let free = list.iter().position(|&n| n == NONE).unwrap_or(width - 1);
        list[free] = to;
    }

    /// Adds all that `from` leads to on the bottom layer.
    fn reach(&self, from: u32, reached: &mut RoaringBitmap) {
        let mut queue = vec![from];
        reached.insert(from);
        while let Some(slot) = queue.pop() {
            let next = self.neighbours(0, slot).iter().copied();
            queue.extend(next.filter(|&next| reached.insert(next)));
        }
    }
}
