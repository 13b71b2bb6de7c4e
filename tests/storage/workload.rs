//! What is done to a store: operations determined by a seed, and what the store holds after each of
//! them.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use serde::{Deserialize, Serialize};
use vectorizer_native::{
    client::Call,
    collection::{Batch, Config, DeleteOptions, Update},
    error::Result,
    filter::{self, Filter},
    graph::HnswParams,
    vectors::Metric,
};

use crate::{
    marks::{self, Kind, Mark},
    support::{Random, WAIT},
};

/// The number of different tags in metadata.
const TAGS: u32 = 7;
/// The maximum number of times that metadata and small texts repeat their number.
const COPIES: u32 = 4;
/// The upper bits of a number identify its worker.
const WORKER: u32 = 28;

/// How much is stored.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scale {
    /// Vectors per collection; it gets somewhat more, and then loses up to half of them.
    pub vectors: usize,
    pub dimension: usize,
    /// The maximum number of times that texts repeat their number.
    pub copies: u32,
}

/// A vector, as the numbers it is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    pub id: u32,
    pub row: u32,
    pub metadata: Option<u32>,
    pub text: Option<u32>,
}

/// What one collection holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contents {
    scale: Scale,
    euclidean: bool,
    /// In insertion order.
    vectors: BTreeMap<u32, Vector>,
    orders: HashMap<u32, u32>,
}

/// What one worker has stored: collections that no other worker touches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    scale: Scale,
    /// Numbers are never reused.
    next: u32,
    collections: BTreeMap<u32, Contents>,
    /// Names of deleted collections, to be reused.
    dropped: Vec<u32>,
}

#[derive(Debug)]
pub enum Op {
    Create {
        name: u32,
        euclidean: bool,
    },
    Drop {
        name: u32,
    },
    Insert {
        name: u32,
        vectors: Vec<Vector>,
    },
    /// Parts that are not given stay as they are.
    Update {
        name: u32,
        id: u32,
        row: Option<u32>,
        metadata: Option<u32>,
        text: Option<u32>,
    },
    DeleteOne {
        name: u32,
        id: u32,
    },
    /// Some of the ids may be missing.
    DeleteMany {
        name: u32,
        ids: Vec<u32>,
    },
    /// With a backup of what is deleted.
    DeleteTagged {
        name: u32,
        tag: u32,
        backup: Option<u32>,
    },
    Optimize {
        name: u32,
        wait: bool,
    },
    Flush,
    Rotate,
    BackUp {
        number: u32,
    },
}

pub fn name(number: u32) -> String {
    marks::words(Kind::Name, number, 1)
}

pub fn id(number: u32) -> String {
    marks::words(Kind::Id, number, 1)
}

fn metadata_copies(number: u32) -> u32 {
    1 + number % COPIES
}

pub fn metadata(number: u32) -> Box<str> {
    let words = marks::words(Kind::Metadata, number, metadata_copies(number));
    let tag = number % TAGS;
    format!(r#"{{"tag":{tag},"words":"{words}"}}"#).into()
}

pub fn tagged(tag: u32) -> Filter {
    filter::parse_text(&format!(r#"{{"tag":{tag}}}"#)).unwrap()
}

/// The name of a backup's file.
pub fn backup(number: u32) -> String {
    format!("{number:08x}.vecbak")
}

impl Vector {
    fn has_tag(&self, tag: u32) -> bool {
        self.metadata.is_some_and(|number| number % TAGS == tag)
    }
}

impl Contents {
    fn new(scale: Scale, euclidean: bool) -> Self {
        Self {
            scale,
            euclidean,
            vectors: BTreeMap::new(),
            orders: HashMap::new(),
        }
    }

    /// In insertion order.
    pub fn vectors(&self) -> impl Iterator<Item = &Vector> {
        self.vectors.values()
    }

    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    pub fn holds(&self, id: u32) -> bool {
        self.orders.contains_key(&id)
    }

    pub fn tagged(&self, tag: u32) -> usize {
        let tagged = self.vectors().filter(|vector| vector.has_tag(tag));
        tagged.count()
    }

    pub fn dimension(&self) -> usize {
        self.scale.dimension
    }

    fn text_copies(&self, number: u32) -> u32 {
        1 + number % self.scale.copies
    }

    pub fn text(&self, number: u32) -> Box<str> {
        marks::words(Kind::Text, number, self.text_copies(number)).into()
    }

    /// Every mark in it, and how many times it occurs.
    fn marks(&self) -> impl Iterator<Item = (Mark, u32)> {
        let mark = |kind, number| Mark { kind, number };
        self.vectors().flat_map(move |vector| {
            let row = marks::copies_in_row(self.dimension());
            let metadata = vector.metadata.map(|number| {
                let copies = metadata_copies(number);
                (mark(Kind::Metadata, number), copies)
            });
            let text = vector
                .text
                .map(|number| (mark(Kind::Text, number), self.text_copies(number)));
            [
                Some((mark(Kind::Row, vector.row), row)),
                Some((mark(Kind::Id, vector.id), 1)),
                metadata,
                text,
            ]
            .into_iter()
            .flatten()
        })
    }

    fn put(&mut self, order: u32, vector: Vector) {
        let order = *self.orders.entry(vector.id).or_insert(order);
        self.vectors.insert(order, vector);
    }

    fn remove(&mut self, id: u32) {
        if let Some(order) = self.orders.remove(&id) {
            self.vectors.remove(&order);
        }
    }

    /// The id of some vector, if there is one.
    fn some_id(&self, random: &mut Random) -> Option<u32> {
        let (first, _) = self.vectors.first_key_value()?;
        let (last, _) = self.vectors.last_key_value()?;
        let at = first + random.below((last - first + 1) as usize) as u32;
        let (_, vector) = self.vectors.range(at..).next()?;
        Some(vector.id)
    }
}

impl Model {
    pub fn new(worker: usize, scale: Scale) -> Self {
        Self {
            scale,
            next: (worker as u32) << WORKER | 1,
            collections: BTreeMap::new(),
            dropped: Vec::new(),
        }
    }

    pub fn collections(&self) -> &BTreeMap<u32, Contents> {
        &self.collections
    }

    /// Whether the number belongs to this worker.
    pub fn owns(&self, number: u32) -> bool {
        number >> WORKER == self.next >> WORKER
    }

    /// Every mark that the store holds, and how many times.
    pub fn marks(&self) -> impl Iterator<Item = (Mark, u32)> {
        self.collections.iter().flat_map(|(&number, contents)| {
            let kind = Kind::Name;
            std::iter::once((Mark { kind, number }, 1)).chain(contents.marks())
        })
    }

    /// Continues with numbers that `other` has not used either.
    pub fn skip_numbers_of(&mut self, other: &Model) {
        self.next = self.next.max(other.next);
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn vector(&mut self, random: &mut Random, id: u32) -> Vector {
        Vector {
            id,
            row: self.number(),
            metadata: (random.below(4) != 0).then(|| self.number()),
            text: (random.below(3) != 0).then(|| self.number()),
        }
    }

    /// Vectors to insert: mostly new ones, some that replace others, some repeated.
    fn batch(&mut self, random: &mut Random, name: u32, len: usize) -> Vec<Vector> {
        let mut vectors: Vec<Vector> = Vec::with_capacity(len);
        for _ in 0..len {
            let id = match random.below(20) {
                0..=4 => self.collections[&name].some_id(random),
                5 if !vectors.is_empty() => Some(vectors[random.below(vectors.len())].id),
                _ => None,
            };
            let id = id.unwrap_or_else(|| self.number());
            let vector = self.vector(random, id);
            vectors.push(vector);
        }
        vectors
    }

    fn create(&mut self, random: &mut Random) -> Op {
        let again = !self.dropped.is_empty() && random.below(3) == 0;
        let name = match again {
            true => self.dropped.swap_remove(random.below(self.dropped.len())),
            false => self.number(),
        };
        Op::Create {
            name,
            euclidean: random.below(2) == 0,
        }
    }

    /// The next operation.
    pub fn choose(&mut self, random: &mut Random) -> Op {
        let count = self.collections.len();
        if count == 0 || (count < 3 && random.below(100) == 0) {
            return self.create(random);
        }
        let at = random.below(count);
        let (&name, contents) = self.collections.iter().nth(at).unwrap();
        let (len, wanted) = (contents.len(), self.scale.vectors);
        let Some(id) = contents.some_id(random) else {
            let vectors = self.batch(random, name, wanted * 3 / 4);
            return Op::Insert { name, vectors };
        };
        match random.below(1000) {
            0..=399 if len > wanted * 3 / 2 => {
                let count = random.below(len / 2);
                self.delete_many(random, name, count)
            }
            0..=249 => {
                let vectors = self.batch(random, name, 1);
                Op::Insert { name, vectors }
            }
            250..=399 => {
                let len = 1 + random.below(wanted / 2);
                let vectors = self.batch(random, name, len);
                Op::Insert { name, vectors }
            }
            400..=649 => {
                let what = 1 + random.below(7);
                let mut number = |bit| (what & bit != 0).then(|| self.number());
                Op::Update {
                    name,
                    id,
                    row: number(1),
                    metadata: number(2),
                    text: number(4),
                }
            }
            650..=799 => Op::DeleteOne { name, id },
            800..=879 => {
                let count = 1 + random.below(12);
                self.delete_many(random, name, count)
            }
            880..=919 => {
                let tag = random.below(TAGS as usize) as u32;
                let backup = (random.below(4) == 0).then(|| self.number());
                Op::DeleteTagged { name, tag, backup }
            }
            920..=964 => {
                let wait = random.below(4) == 0;
                Op::Optimize { name, wait }
            }
            965..=974 => Op::Flush,
            975..=979 => Op::Rotate,
            980..=989 => Op::BackUp {
                number: self.number(),
            },
            _ => Op::Drop { name },
        }
    }

    fn delete_many(&mut self, random: &mut Random, name: u32, count: usize) -> Op {
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            ids.extend(self.collections[&name].some_id(random));
        }
        ids.push(self.number());
        Op::DeleteMany { name, ids }
    }

    /// Applies an operation to the model.
    pub fn apply(&mut self, op: &Op) {
        let scale = self.scale;
        match op {
            Op::Create { name, euclidean } => {
                let contents = Contents::new(scale, *euclidean);
                self.collections.insert(*name, contents);
            }
            Op::Drop { name } => {
                self.collections.remove(name);
                self.dropped.push(*name);
            }
            Op::Insert { name, vectors } => {
                for vector in vectors {
                    let order = self.number();
                    self.contents(*name).put(order, *vector);
                }
            }
            Op::Update {
                name,
                id,
                row,
                metadata,
                text,
            } => {
                let contents = self.contents(*name);
                let order = contents.orders[id];
                let old = contents.vectors[&order];
                let new = Vector {
                    id: *id,
                    row: row.unwrap_or(old.row),
                    metadata: metadata.or(old.metadata),
                    text: text.or(old.text),
                };
                contents.vectors.insert(order, new);
            }
            Op::DeleteOne { name, id } => self.contents(*name).remove(*id),
            Op::DeleteMany { name, ids } => {
                let contents = self.contents(*name);
                for &id in ids {
                    contents.remove(id);
                }
            }
            Op::DeleteTagged { name, tag, .. } => {
                let contents = self.contents(*name);
                contents.vectors.retain(|_, vector| !vector.has_tag(*tag));
                let left: Vec<_> = contents.vectors.iter().map(|(&o, v)| (v.id, o)).collect();
                contents.orders = left.into_iter().collect();
            }
            Op::Optimize { .. } | Op::Flush | Op::Rotate | Op::BackUp { .. } => {}
        }
    }

    fn contents(&mut self, name: u32) -> &mut Contents {
        self.collections.get_mut(&name).unwrap()
    }

    /// Performs an operation on the store, which holds what this model does.
    pub fn perform(&self, op: &Op, call: &Call, backups: &Path) -> Result<()> {
        let file = |number| backups.join(backup(number));
        let collection = |number| call.collection(&name(number));
        let options = DeleteOptions::default();
        match op {
            Op::Create {
                name: number,
                euclidean,
            } => {
                call.create_collection(Config {
                    name: name(*number),
                    dimension: self.scale.dimension,
                    metric: match euclidean {
                        true => Metric::Euclidean,
                        false => Metric::Cosine,
                    },
                    hnsw: HnswParams {
                        m: 8,
                        ef_construction: 16,
                        ef_search: 60,
                        ..HnswParams::default()
                    },
                    description: None,
                })?;
            }
            Op::Drop { name: number } => {
                drop(call.delete_collection(WAIT, &name(*number), false, None)?);
            }
            Op::Insert { name, vectors } => {
                let contents = &self.collections[name];
                let dimension = contents.dimension();
                let rows = vectors.iter().map(|v| marks::row(v.row, dimension));
                let batch = Batch {
                    ids: vectors.iter().map(|v| Some(id(v.id))).collect(),
                    data: rows.flatten().collect(),
                    lengths: vec![dimension as u32],
                    metadata: vectors.iter().map(|v| v.metadata.map(metadata)).collect(),
                    texts: vectors
                        .iter()
                        .map(|v| v.text.map(|text| contents.text(text)))
                        .collect(),
                    ..Batch::default()
                };
                let collection = collection(*name)?;
                let mut prepared = collection.prepare(batch)?;
                collection.insert(WAIT, &mut prepared)?;
            }
            Op::Update {
                name,
                id: vector,
                row,
                metadata: data,
                text,
            } => {
                let contents = &self.collections[name];
                let update = Update {
                    data: row.map(|row| marks::row(row, contents.dimension())),
                    text: text.map(|text| contents.text(text)),
                    metadata: data.map(metadata),
                    ..Update::default()
                };
                collection(*name)?.update(WAIT, &id(*vector), &update)?;
            }
            Op::DeleteOne { name, id: vector } => {
                collection(*name)?.delete_one(WAIT, &id(*vector), &options)?;
            }
            Op::DeleteMany { name, ids } => {
                let ids: Vec<String> = ids.iter().map(|&number| id(number)).collect();
                collection(*name)?.delete_many(WAIT, &ids, &options)?;
            }
            Op::DeleteTagged { name, tag, backup } => {
                let options = DeleteOptions {
                    backup: backup.map(file),
                    ..options
                };
                collection(*name)?.delete_matching(&tagged(*tag), &options)?;
            }
            Op::Optimize { name, wait } => {
                let done = collection(*name)?.optimize(None)?;
                if *wait {
                    done.blocking_recv().unwrap()?;
                }
            }
            Op::Flush => call.flush()?,
            Op::Rotate => call.rotate_keys(None, &mut |_| ())?,
            Op::BackUp { number } => {
                call.create_backup(&file(*number), None, false, &mut |_| ())?;
            }
        }
        Ok(())
    }
}
