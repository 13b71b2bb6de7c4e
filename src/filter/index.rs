//! Field indexes: for each field that a filter has used, which slots hold which values. Filters are
//! answered from the indexes alone, so neither a delete by filter nor a filtered search has to read
//! every row.

use hashbrown::HashMap;
use parking_lot::RwLock;
use roaring::RoaringBitmap;

use super::{
    number::Number,
    postings::Postings,
    tree::Filter,
    value::{Element, Held, Path},
};
use crate::wiped::Wiped;

/// The maximum number of fields that keep their index. A program that generates field names could
/// otherwise fill the memory; filters on further fields use a temporary index.
const MAX_FIELDS: usize = 64;
/// Reading one row costs about as much as scanning this many slots of an index ...
const SLOTS_PER_ROW: u64 = 256;
/// ... and visiting a key costs as much as this many.
const SLOTS_PER_KEY: u64 = 16;

/// The rows, as filters access them.
pub trait Source {
    /// The JSON object at a slot, if there is one.
    fn metadata(&self, slot: u32) -> Option<&str>;
    fn slot_of(&self, id: &str) -> Option<u32>;
}

/// The field indexes of one collection. A field is indexed when a filter first uses it.
#[derive(Default)]
pub struct FieldIndexes {
    /// Many filters run at once and may find a field without an index. This lock is held for as
    /// long as an index is being read, and never while one is built.
    pub(super) fields: RwLock<HashMap<Path, FieldIndex>>,
}

impl FieldIndexes {
    /// Adds a row that has just been put at `slot`.
    pub fn insert(&mut self, slot: u32, metadata: Option<&str>) {
        for (path, index) in self.fields.get_mut() {
            index.insert(slot, Held::at(path, metadata));
        }
    }

    /// Removes rows, before the source drops them: a few rows by reading their values, many by
    /// sweeping the indexes once.
    pub fn remove(&mut self, slots: &RoaringBitmap, source: &impl Source) {
        for (path, index) in self.fields.get_mut() {
            if slots.len().saturating_mul(SLOTS_PER_ROW) < index.sweeping() {
                for slot in slots {
                    index.remove(slot, Held::at(path, source.metadata(slot)));
                }
            } else {
                index.sweep(slots);
            }
        }
    }

    /// Builds the indexes that a filter needs and that do not exist yet. A caller that evaluates
    /// under an exclusive lock can call this before taking it.
    pub fn prepare(&self, filter: &Filter, alive: &RoaringBitmap, source: &impl Source) {
        for path in filter.paths() {
            self.ask(path, alive, source, |_| ());
        }
    }

    /// The fields of a filter that no row has. An existing index answers this at once; otherwise
    /// rows are read until one has the field.
    pub fn unknown<'f>(
        &self,
        filter: &'f Filter,
        alive: &RoaringBitmap,
        source: &impl Source,
    ) -> Vec<&'f Path> {
        let is_unknown = |path: &Path| {
            if let Some(index) = self.fields.read().get(path) {
                // It may have rows that are not alive any more.
                return !index.counts.has_any(alive);
            }
            let mut rows = alive.iter().map(|slot| source.metadata(slot));
            rows.all(|metadata| Held::at(path, metadata).counts.is_empty())
        };
        let mut paths = filter.paths();
        paths.retain(|path| is_unknown(path));
        paths
    }

    /// How many fields have an index.
    pub fn len(&self) -> usize {
        self.fields.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many fields' indexes contain rows that are not `alive`.
    pub fn count_beyond(&self, alive: &RoaringBitmap) -> usize {
        let fields = self.fields.read();
        fields
            .values()
            .filter(|index| !index.is_within(alive))
            .count()
    }

    /// An estimate of the memory used by the indexes.
    pub fn memory_bytes(&self) -> usize {
        let fields = self.fields.read();
        let each = |(path, index): (&Path, &FieldIndex)| {
            path.as_str().len() + size_of::<(Path, FieldIndex)>() + index.heap_bytes()
        };
        fields.iter().map(each).sum()
    }

    /// Returns the result of `answer` for a field's index. `alive` must be all live rows.
    pub(super) fn ask<A>(
        &self,
        path: &Path,
        alive: &RoaringBitmap,
        source: &impl Source,
        answer: impl Fn(&FieldIndex) -> A,
    ) -> A {
        if let Some(index) = self.fields.read().get(path) {
            return answer(index);
        }
        let mut index = FieldIndex::default();
        for slot in alive {
            index.insert(slot, Held::at(path, source.metadata(slot)));
        }
        let result = answer(&index);
        let mut fields = self.fields.write();
        if fields.len() < MAX_FIELDS {
            // If another thread has built it too, the two are the same: no row changes during a
            // filter.
            fields.entry(path.clone()).or_insert(index);
        }
        result
    }
}

/// The index of one field. A row has one entry for each of its values.
#[derive(Default)]
pub(super) struct FieldIndex {
    pub nulls: RoaringBitmap,
    /// For `false` and for `true`.
    pub bools: [RoaringBitmap; 2],
    pub numbers: Postings<Number>,
    /// Strings that are not dates.
    pub texts: Postings<Wiped<[u8]>>,
    /// Strings that are dates, ordered by instant and then by text.
    pub dates: Postings<(i128, Wiped<[u8]>)>,
    /// How many values each row has; a row without the field is absent.
    pub counts: Postings<usize>,
}

impl FieldIndex {
    fn insert(&mut self, slot: u32, held: Held) {
        for count in held.counts {
            self.counts.insert(count, slot);
        }
        for element in held.elements {
            match element {
                Element::Null => drop(self.nulls.insert(slot)),
                Element::Bool(value) => drop(self.bools[usize::from(value)].insert(slot)),
                Element::Number(number) => self.numbers.insert(number, slot),
                Element::Date(instant, text) => self.dates.insert((instant, text), slot),
                Element::Text(text) => self.texts.insert(text, slot),
            }
        }
    }

    fn remove(&mut self, slot: u32, held: Held) {
        for count in held.counts {
            self.counts.remove(count, slot);
        }
        for element in held.elements {
            match element {
                Element::Null => drop(self.nulls.remove(slot)),
                Element::Bool(value) => drop(self.bools[usize::from(value)].remove(slot)),
                Element::Number(number) => self.numbers.remove(number, slot),
                Element::Date(instant, text) => self.dates.remove((instant, text), slot),
                Element::Text(text) => self.texts.remove(text, slot),
            }
        }
    }

    fn sweep(&mut self, slots: &RoaringBitmap) {
        self.nulls -= slots;
        for set in &mut self.bools {
            *set -= slots;
        }
        self.numbers.sweep(slots);
        self.texts.sweep(slots);
        self.dates.sweep(slots);
        self.counts.sweep(slots);
    }

    /// The cost of a sweep, in slots. Every row that has the field is in `counts`.
    fn sweeping(&self) -> u64 {
        self.counts.len() + SLOTS_PER_KEY * self.keys() as u64
    }

    fn is_within(&self, alive: &RoaringBitmap) -> bool {
        let mut sets = self.bools.iter().chain([&self.nulls]);
        sets.all(|set| set.is_subset(alive))
            && self.numbers.is_within(alive)
            && self.texts.is_within(alive)
            && self.dates.is_within(alive)
            && self.counts.is_within(alive)
    }

    fn keys(&self) -> usize {
        self.numbers.map.len() + self.texts.map.len() + self.dates.map.len() + self.counts.map.len()
    }

    fn heap_bytes(&self) -> usize {
        let sets = self.bools.iter().chain([&self.nulls]);
        sets.map(RoaringBitmap::serialized_size).sum::<usize>()
            + self.numbers.heap_bytes()
            + self.texts.heap_bytes()
            + self.dates.heap_bytes()
            + self.counts.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::filter::parse_text;

    struct Rows(Vec<String>);

    impl Source for Rows {
        fn metadata(&self, slot: u32) -> Option<&str> {
            self.0.get(slot as usize).map(String::as_str)
        }

        fn slot_of(&self, _: &str) -> Option<u32> {
            None
        }
    }

    fn rows(count: u32) -> (Rows, RoaringBitmap) {
        let row = |i| {
            format!(
                r#"{{"a":[{i},"x{i}",null,true],"b":"{}","c":"2024-01-01"}}"#,
                i % 3
            )
        };
        (Rows((0..count).map(row).collect()), (0..count).collect())
    }

    #[test]
    fn fields_that_no_row_has_are_told_with_an_index_and_without() {
        let (rows, alive) = rows(10);
        let text = r#"{"z":1,"$or":[{"a":1},{"$not":{"y.x":1}}],"c":"2024-01-01"}"#;
        let filter = parse_text(text).unwrap();
        let indexes = FieldIndexes::default();
        let unknown = || {
            let unknown = indexes.unknown(&filter, &alive, &rows).into_iter();
            unknown.map(|path| path.as_str()).collect::<Vec<_>>()
        };
        let before = unknown();
        assert!(indexes.is_empty());
        indexes.prepare(&filter, &alive, &rows);
        assert_eq!(indexes.len(), 4);
        assert_eq!(unknown(), before);
        let sorted: std::collections::BTreeSet<_> = before.into_iter().collect();
        assert_eq!(sorted.into_iter().collect::<Vec<_>>(), ["y.x", "z"]);
    }

    #[test]
    fn removing_leaves_nothing_behind() {
        // Few rows, which are read, and many, which are swept.
        for step in [3, 1000] {
            let (rows, alive) = rows(1000);
            let mut indexes = FieldIndexes::default();
            for field in ["a", "b", "c"] {
                let filter = parse_text(&format!(r#"{{"{field}":1}}"#)).unwrap();
                indexes.evaluate(&filter, &alive, &rows);
            }
            let full = indexes.memory_bytes();
            let slots: Vec<u32> = alive.iter().collect();
            for some in slots.chunks(step) {
                indexes.remove(&some.iter().copied().collect(), &rows);
            }
            assert!(indexes.memory_bytes() < full / 100);
            for index in indexes.fields.get_mut().values() {
                assert_eq!(index.keys(), 0);
                let empty = FieldIndex::default();
                assert_eq!(index.heap_bytes(), empty.heap_bytes());
            }
        }
    }

    #[test]
    fn few_rows_are_read_and_many_are_swept_however_many_values_the_field_has() {
        struct Counted(Rows, Cell<u64>);

        impl Source for Counted {
            fn metadata(&self, slot: u32) -> Option<&str> {
                self.1.set(self.1.get() + 1);
                self.0.metadata(slot)
            }

            fn slot_of(&self, id: &str) -> Option<u32> {
                self.0.slot_of(id)
            }
        }

        for field in ["a", "b", "c"] {
            let (rows, alive) = rows(10_000);
            let rows = Counted(rows, Cell::default());
            let mut indexes = FieldIndexes::default();
            let filter = parse_text(&format!(r#"{{"{field}":1}}"#)).unwrap();
            indexes.evaluate(&filter, &alive, &rows);
            for (slots, reads) in [(0..1, 1), (1..11, 10), (11..9_000, 0)] {
                rows.1.set(0);
                indexes.remove(&slots.collect(), &rows);
                assert_eq!(rows.1.get(), reads, "{field}");
            }
        }
    }

    #[test]
    fn made_up_fields_do_not_pile_up() {
        let (rows, alive) = rows(2);
        let indexes = FieldIndexes::default();
        for i in 0..2 * MAX_FIELDS {
            let filter = parse_text(&format!(r#"{{"x{i}":{{"$exists":false}}}}"#)).unwrap();
            assert_eq!(indexes.evaluate(&filter, &alive, &rows), alive);
        }
        assert_eq!(indexes.fields.read().len(), MAX_FIELDS);
        let filter = parse_text(r#"{"b":"1"}"#).unwrap();
        assert_eq!(
            indexes.evaluate(&filter, &alive, &rows),
            RoaringBitmap::from_iter([1])
        );
    }

    #[test]
    fn filters_build_an_index_at_the_same_time() {
        let (rows, alive) = rows(1000);
        let indexes = FieldIndexes::default();
        let filter = parse_text(r#"{"a":{"$lt":10},"b":"1"}"#).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let matched = indexes.evaluate(&filter, &alive, &rows);
                    assert_eq!(matched, RoaringBitmap::from_iter([1, 4, 7]));
                });
            }
        });
        assert_eq!(indexes.fields.read().len(), 2);
    }
}
