//! What is stored with each row.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    str::from_utf8,
};

use serde::Serialize;

use super::{Field, Kind, Role, Single, ordered_instant, ordered_number, ordered_text};
use crate::{
    error::{Error, Result},
    filter::{
        number::Number,
        value::{Element, Held, items, members},
    },
};

/// The maximum number of terms of a row.
pub const MAX_TERMS: usize = 4096;
/// The maximum size of a row's ranges, as JSON.
pub const MAX_RANGES_BYTES: usize = 65_536;

/// What filters can query in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowTerms {
    pub terms: BTreeSet<String>,
    pub ranges: BTreeMap<String, String>,
}

impl RowTerms {
    /// The terms and ranges of a row's metadata, which is a JSON object.
    ///
    /// # Errors
    ///
    /// `Unsupported` for more than [`MAX_TERMS`] terms or [`MAX_RANGES_BYTES`] of ranges.
    pub fn of(metadata: Option<&str>) -> Result<Self> {
        let mut row = Self::default();
        let metadata: Vec<&str> = metadata.map(str::trim_ascii_start).into_iter().collect();
        // Each level of the metadata is read again, but each has at least one term, and the number
        // of terms is limited.
        let mut left = vec![(Field::root(), metadata)];
        let mut ranges_bytes = "{}".len();
        while let Some((field, found)) = left.pop() {
            for (key, found) in below(&found) {
                let field = field.at(&key);
                ranges_bytes += row.add(&field, &Held::of(&found));
                if row.terms.len() > MAX_TERMS {
                    return Err(Error::Unsupported(format!(
                        "more than {MAX_TERMS} facts to filter by, which are four or five for \
                         each field and one for each further value: keep fewer in it"
                    )));
                }
                if ranges_bytes > MAX_RANGES_BYTES {
                    return Err(Error::Unsupported(format!(
                        "more than {MAX_RANGES_BYTES} bytes of least and greatest values to \
                         filter by: keep fewer fields in it, or shorter texts"
                    )));
                }
                left.push((field, found));
            }
        }
        Ok(row)
    }

    /// Adds the values of a field, and returns the size of its ranges in bytes.
    fn add(&mut self, field: &Field, held: &Held) -> usize {
        let mut different = BTreeSet::new();
        for element in &held.elements {
            let single = single(element);
            let equal = field.equal(&single);
            if !matches!(single, Single::Null) {
                different.insert(equal.clone());
            }
            self.terms.insert(equal);
        }
        self.add_presence(field, Kind::Value, different.len());

        let counts = held.counts.iter().map(|&count| Number::from(count as u64));
        let elements = || held.elements.iter();
        let numbers = elements().filter_map(|element| match element {
            Element::Number(number) => Some(*number),
            _ => None,
        });
        let dates = elements().filter_map(|element| match element {
            Element::Date(instant, text) => Some((*instant, &text[..])),
            _ => None,
        });
        let texts = elements().filter_map(|element| match element {
            Element::Text(text) => Some(&text[..]),
            _ => None,
        });
        let instants = dates.clone().map(|(instant, _)| instant);
        let date_texts = dates.map(|(_, text)| text);
        self.add_kind(field, Kind::Count, counts, ordered_number)
            + self.add_kind(field, Kind::Number, numbers, ordered_number)
            + self.add_kind(field, Kind::Instant, instants, ordered_instant)
            + self.add_kind(field, Kind::DateText, date_texts, ordered_text)
            + self.add_kind(field, Kind::Text, texts, ordered_text)
    }

    fn add_kind<T: Ord + Copy>(
        &mut self,
        field: &Field,
        kind: Kind,
        values: impl Iterator<Item = T> + Clone,
        ordered: impl Fn(T) -> String,
    ) -> usize {
        let (Some(min), Some(max)) = (values.clone().min(), values.max()) else {
            return 0;
        };
        // Compared as values: two texts may differ beyond the part that is stored.
        self.add_presence(field, kind, if min == max { 1 } else { 2 });
        let ends = [(Role::Least, min), (Role::Greatest, max)];
        let bytes = ends.map(|(role, value)| {
            let (key, value) = (field.name(role, kind), ordered(value));
            let bytes = key.len() + value.len() + r#""":"","#.len();
            self.ranges.insert(key, value);
            bytes
        });
        bytes.iter().sum()
    }

    fn add_presence(&mut self, field: &Field, kind: Kind, different: usize) {
        if different > 0 {
            self.terms.insert(field.name(Role::Some, kind));
        }
        if different > 1 {
            self.terms.insert(field.name(Role::Several, kind));
        }
    }
}

fn single(element: &Element) -> Single<'_> {
    match element {
        Element::Null => Single::Null,
        Element::Bool(value) => Single::Bool(*value),
        Element::Number(number) => Single::Number(*number),
        Element::Date(instant, _) => Single::Instant(*instant),
        Element::Text(text) => Single::Text(text),
    }
}

/// The values one level below those found, for each key that a path can contain.
fn below<'m>(found: &[&'m str]) -> HashMap<Cow<'m, [u8]>, Vec<&'m str>> {
    let mut below: HashMap<_, Vec<_>> = HashMap::new();
    let mut add = |json| {
        for (key, value) in members(json) {
            let reachable = !key.is_empty() && !key.contains(&b'.') && from_utf8(&key).is_ok();
            if reachable {
                below.entry(key).or_default().push(value);
            }
        }
    };
    for json in found {
        match json.as_bytes().first() {
            Some(b'{') => add(json),
            Some(b'[') => items(json).for_each(&mut add),
            _ => {}
        }
    }
    below
}
