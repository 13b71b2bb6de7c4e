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
    pub fn connect(&mut self, distance: impl Fn(u32, u32) -> f64) {
        // Nodes whose last link is all that leads to some island.
        let mut bridges = RoaringBitmap::new();
        for _ in 0..ROUNDS {
            let mut reached = vec![false; self.slots()];
            if self.entry != NONE {
                self.reach(self.entry, &mut reached);
            }
            let nodes = self.members.iter();
            let lost: Vec<u32> = nodes.filter(|&slot| !reached[slot as usize]).collect();
            if lost.is_empty() {
                return;
            }
            for lost in lost {
                if reached[lost as usize] {
                    continue;
                }
                // On the bottom layer only: the upper ones could lead to the island.
                let near = |slot| distance(lost, slot);
                let usable = |slot| reached[slot as usize] && !bridges.contains(slot);
                let found = self.explore(0, self.entry, &near, usable, SHORES);
                if let Some(&(_, from)) = found.iter().min() {
                    self.link(from, lost);
                    self.link(lost, from);
                    bridges.insert(from);
                    bridges.insert(lost);
                }
                self.reach(lost, &mut reached);
            }
        }
    }

    /// Puts `to` at the end of `from`'s list, in place of the last if it is full.
    fn link(&mut self, from: u32, to: u32) {
        if self.neighbours(0, from).contains(&to) {
            return;
        }
        let width = 2 * self.m;
        let list = &mut self.layer0[from as usize * width..][..width];
        let free = list.iter().position(|&n| n == NONE).unwrap_or(width - 1);
        list[free] = to;
    }

    /// Marks all that `from` leads to on the bottom layer.
    fn reach(&self, from: u32, reached: &mut [bool]) {
        let mut queue = vec![from];
        reached[from as usize] = true;
        while let Some(slot) = queue.pop() {
            for &next in self.neighbours(0, slot) {
                if !std::mem::replace(&mut reached[next as usize], true) {
                    queue.push(next);
                }
            }
        }
    }
}
