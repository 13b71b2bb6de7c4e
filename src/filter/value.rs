//! The values that rows hold at a path, read from the JSON text of their metadata.
//!
//! Metadata is untrusted: it may be deeply nested, and contain numbers outside the range of a float
//! or strings that are not valid Unicode. Only what is on the path is read, without recursion, so
//! that such a value cannot hide its neighbours: a row that seemed to lack a field would match
//! every `must_not`.

use std::{borrow::Cow, collections::HashMap};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{date::instant, number::Number};
use crate::wiped::Wiped;

/// A field: dotted keys, none of which is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path(Box<str>);

impl Path {
    pub fn new(text: &str) -> Option<Self> {
        let complete = text.split('.').all(|key| !key.is_empty());
        complete.then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

/// A single value that conditions compare with. Strings are bytes: a JavaScript string may contain
/// half a surrogate pair, which is not valid UTF-8 but a string nonetheless.
#[derive(Debug, PartialEq)]
pub(super) enum Element {
    Null,
    Bool(bool),
    Number(Number),
    /// A string that is a date: its instant, and its text.
    Date(i128, Wiped<[u8]>),
    /// Any other string.
    Text(Wiped<[u8]>),
}

impl Element {
    /// `None` for objects, arrays and numbers outside the range of a float, which equal nothing.
    fn read(json: &str) -> Option<Self> {
        Some(match json.as_bytes().first()? {
            b'n' => Element::Null,
            b'f' => Element::Bool(false),
            b't' => Element::Bool(true),
            b'"' => {
                let Bytes(text) = serde_json::from_str(json).ok()?;
                let text = Wiped::from(text.into_owned().into_boxed_slice());
                match instant(&text) {
                    Some(instant) => Element::Date(instant, text),
                    None => Element::Text(text),
                }
            }
            b'-' | b'0'..=b'9' => Element::Number(Number::read(json)?),
            _ => return None,
        })
    }
}

/// What one row holds at a path. Everything is empty if the field is missing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Held {
    /// How many values each match of the path counts as. There may be more than one match if the
    /// path leads through an array of objects.
    pub counts: Vec<usize>,
    pub elements: Vec<Element>,
}

impl Held {
    pub fn at(path: &Path, metadata: Option<&str>) -> Self {
        let mut found: Vec<&str> = metadata.map(str::trim_ascii_start).into_iter().collect();
        for key in path.keys() {
            let mut next = Vec::new();
            for json in found {
                match json.as_bytes().first() {
                    Some(b'{') => next.extend(member(json, key)),
                    Some(b'[') => next.extend(items(json).filter_map(|item| member(item, key))),
                    _ => {}
                }
            }
            found = next;
        }
        Self::of(&found)
    }

    /// Collects the values found at a path.
    pub fn of(found: &[&str]) -> Self {
        let mut held = Self::default();
        for json in found {
            if json.starts_with('[') {
                let items = items(json);
                held.counts.push(items.len());
                held.elements.extend(items.filter_map(Element::read));
            } else {
                let element = Element::read(json);
                let is_null = element == Some(Element::Null);
                held.counts.push(usize::from(!is_null));
                held.elements.extend(element);
            }
        }
        held
    }
}

/// The elements of an array.
pub(super) fn items(json: &str) -> impl ExactSizeIterator<Item = &str> {
    let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    items.into_iter().map(RawValue::get)
}

/// The keys and values of an object; none for anything else. If a key is repeated, the last one
/// counts.
pub(super) fn members(json: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, &str)> {
    let members: HashMap<Bytes, &RawValue> = serde_json::from_str(json).unwrap_or_default();
    members
        .into_iter()
        .map(|(Bytes(key), value)| (key, value.get()))
}

/// The value of an object's key; `None` also for anything but an object.
fn member<'m>(json: &'m str, key: &str) -> Option<&'m str> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = Member(key).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    value.map(RawValue::get)
}

/// Reads the value of one key from an object. If the key is repeated, the last one counts, as in
/// JavaScript.
struct Member<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut value = None;
        while let Some(Bytes(key)) = map.next_key()? {
            if *key == *self.0.as_bytes() {
                value = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(value)
    }
}

/// A string as bytes, so that half a surrogate pair is not an error.
#[derive(PartialEq, Eq, Hash)]
struct Bytes<'de>(Cow<'de, [u8]>);

impl<'de> Deserialize<'de> for Bytes<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Bytes<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Borrowed(bytes)))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Owned(bytes.to_owned())))
            }
        }

        reader.deserialize_bytes(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(path: &str, metadata: &str) -> Held {
        Held::at(&Path::new(path).unwrap(), Some(metadata))
    }

    fn number(value: f64) -> Element {
        Element::Number(value.into())
    }

    fn text(text: &str) -> Element {
        Element::Text(text.as_bytes().into())
    }

    #[test]
    fn paths() {
        for bad in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(Path::new(bad), None, "{bad}");
        }
        assert_eq!(Path::new("a.é. ").unwrap().as_str(), "a.é. ");
    }

    #[test]
    fn what_is_at_a_path() {
        let cases = [
            ("a", "{}", vec![], vec![]),
            ("a", r#"{"b":1}"#, vec![], vec![]),
            ("a", r#" { "a" : 1 } "#, vec![1], vec![number(1.0)]),
            ("a", r#"{"a":null}"#, vec![0], vec![Element::Null]),
            ("a", r#"{"a":{"b":1}}"#, vec![1], vec![]),
            ("a", r#"{"a":[]}"#, vec![0], vec![]),
            (
                "a",
                r#"{"a":[ 1 , [2], {"a":3}, true ]}"#,
                vec![4],
                vec![number(1.0), Element::Bool(true)],
            ),
            ("a.b", r#"{"a":{"b":"x"}}"#, vec![1], vec![text("x")]),
            ("a.b", r#"{"a.b":1}"#, vec![], vec![]),
            ("a.b", r#"{"a":"b"}"#, vec![], vec![]),
            (
                "a.b",
                r#"{"a":[{"b":1},{"c":2},[{"b":3}],{"b":[4,5]},6]}"#,
                vec![1, 2],
                vec![number(1.0), number(4.0), number(5.0)],
            ),
            ("a.0", r#"{"a":[1]}"#, vec![], vec![]),
            // If a key is repeated, the last one counts.
            ("a", r#"{"a":1,"a":2}"#, vec![1], vec![number(2.0)]),
            // Escapes in keys and values.
            ("é", r#"{"\u00e9":"\u00e9\n"}"#, vec![1], vec![text("é\n")]),
            ("a", r#"{"a":-0.0}"#, vec![1], vec![number(0.0)]),
            // Outside the range of a float: present, but not a number.
            ("a", r#"{"a":1e999}"#, vec![1], vec![]),
            (
                "a",
                r#"{"a":"2024-01-01"}"#,
                vec![1],
                vec![Element::Date(
                    1_704_067_200_000_000_000,
                    b"2024-01-01"[..].into(),
                )],
            ),
            // No metadata at all.
            ("a", "", vec![], vec![]),
            ("a", r#"{"a":1"#, vec![], vec![]),
            ("a", r#"{"a":1}}"#, vec![], vec![]),
        ];
        for (path, metadata, counts, elements) in cases {
            assert_eq!(
                held(path, metadata),
                Held { counts, elements },
                "{path} of {metadata}"
            );
        }
        assert_eq!(Held::at(&Path::new("a").unwrap(), None), Held::default());
    }

    #[test]
    fn odd_neighbours_hide_nothing() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for odd in [r#""\ud800""#, "1e999", &deep] {
            for metadata in [
                format!(r#"{{"odd":{odd},"a":1}}"#),
                format!(r#"{{"a":[{odd},1]}}"#),
                format!(r#"{{"\ud800":{odd},"a":1}}"#),
            ] {
                assert!(held("a", &metadata).elements.contains(&number(1.0)));
            }
        }
        let half = held("a", r#"{"a":"\ud83dx"}"#);
        assert_eq!(half.elements, [Element::Text(b"\xed\xa0\xbdx"[..].into())]);
        let nested = r#"{"a":"#.repeat(10_000) + "7" + &"}".repeat(10_000);
        assert_eq!(held("a.a.a", &nested).counts, [1]);
    }
}
