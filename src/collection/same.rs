//! Whether two metadata are the same as JSON values: the order of members, whitespace, and how
//! strings and numbers are written do not matter.
//!
//! Metadata may be nested deeply and belong to a vector that is about to be deleted. So they are
//! compared where they are, without recursion and without copying any of their strings.

use crate::{
    filter::Number,
    json::{Piece, pieces},
};

/// Whether two metadata are the same.
pub(super) fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || is_same_value(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// A value in a JSON text, or the key of a member.
struct Node<'t> {
    /// The text of a string or a number; of anything else, its first character.
    text: &'t str,
    /// The index of the first node that is not in it.
    end: usize,
}

/// What kinds of values are told apart by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    String,
    Array,
    Object,
    /// `null`, `true` or `false`, by the first letter.
    Literal(u8),
}

impl Node<'_> {
    fn kind(&self) -> Kind {
        match self.text.as_bytes().first() {
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            first => Kind::Literal(first.copied().unwrap_or_default()),
        }
    }
}

/// The nodes of a JSON text, each before those in it. `None` if it is not well-formed.
fn nodes(json: &str) -> Option<Vec<Node<'_>>> {
    let mut nodes = Vec::new();
    let mut open = Vec::new();
    for piece in pieces(json) {
        let between = match piece {
            Piece::Number(text) | Piece::String(text) => {
                let end = nodes.len() + 1;
                nodes.push(Node { text, end });
                continue;
            }
            Piece::Other(between) => between,
        };
        for (at, byte) in between.bytes().enumerate() {
            match byte {
                b'[' | b'{' => open.push(nodes.len()),
                b']' | b'}' => {
                    let (begun, end) = (open.pop()?, nodes.len());
                    nodes.get_mut(begun)?.end = end;
                    continue;
                }
                // The first letters of literals, which occur in no other place of one.
                b'n' | b't' | b'f' => {}
                _ => continue,
            }
            let (text, end) = (between.get(at..=at)?, nodes.len() + 1);
            nodes.push(Node { text, end });
        }
    }
    let whole = nodes.first().is_some_and(|first| first.end == nodes.len());
    (whole && open.is_empty()).then_some(nodes)
}

/// The indices of the values in the array at `at`, or of the keys and values in the object.
fn inside<'n>(nodes: &'n [Node], at: usize) -> impl Iterator<Item = usize> + 'n {
    let end = nodes.get(at).map_or(0, |node| node.end);
    let mut next = at + 1;
    std::iter::from_fn(move || {
        let at = next;
        next = nodes.get(at).filter(|_| at < end)?.end;
        Some(at)
    })
}

/// The members of an object by their keys, with the indices of their values. Of members with the
/// same key, the last one counts.
fn members<'n>(nodes: &'n [Node<'n>], at: usize) -> Vec<(&'n str, usize)> {
    let mut keys = inside(nodes, at);
    let mut members = Vec::new();
    while let (Some(key), Some(value)) = (keys.next(), keys.next()) {
        members.push((nodes[key].text, value));
    }
    // The last one first, as the sort keeps the order of equal keys.
    members.reverse();
    members.sort_by(|(one, _), (other, _)| Units::of(one).cmp(Units::of(other)));
    members.dedup_by(|(one, _), (other, _)| is_same_string(one, other));
    members
}

fn is_same_value(one: &str, other: &str) -> bool {
    let (Some(ones), Some(others)) = (nodes(one), nodes(other)) else {
        return false;
    };
    let mut pairs = vec![(0, 0)];
    while let Some((one, other)) = pairs.pop() {
        let (a, b) = (&ones[one], &others[other]);
        if a.kind() != b.kind() {
            return false;
        }
        let same = match a.kind() {
            Kind::Literal(_) => true,
            Kind::Number => is_same_number(a.text, b.text),
            Kind::String => is_same_string(a.text, b.text),
            Kind::Array => {
                let (mut left, mut right) = (inside(&ones, one), inside(&others, other));
                loop {
                    match (left.next(), right.next()) {
                        (Some(left), Some(right)) => pairs.push((left, right)),
                        (None, None) => break true,
                        _ => break false,
                    }
                }
            }
            Kind::Object => {
                let (left, right) = (members(&ones, one), members(&others, other));
                left.len() == right.len()
                    && left.iter().zip(&right).all(|(left, right)| {
                        pairs.push((left.1, right.1));
                        is_same_string(left.0, right.0)
                    })
            }
        };
        if !same {
            return false;
        }
    }
    true
}

fn is_same_number(one: &str, other: &str) -> bool {
    // Numbers outside the range of a float are compared as they are written.
    one == other || Number::read(one).is_some_and(|one| Some(one) == Number::read(other))
}

fn is_same_string(one: &str, other: &str) -> bool {
    one == other || Units::of(one).eq(Units::of(other))
}

/// The UTF-16 code units of a JSON string: an escape may stand for half a surrogate pair.
struct Units<'t> {
    rest: std::str::Chars<'t>,
    /// The second half of a pair.
    low: Option<u16>,
}

impl<'t> Units<'t> {
    /// Of a string with its quotes.
    fn of(string: &'t str) -> Self {
        let inner = string.strip_prefix('"').unwrap_or(string);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        Self {
            rest: inner.chars(),
            low: None,
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        })
    }
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if let Some(low) = self.low.take() {
            return Some(low);
        }
        let mut next = self.rest.next()?;
        if next == '\\' {
            let behind = self.rest.as_str();
            let digits = behind.strip_prefix('u').and_then(|digits| digits.get(..4));
            if let Some(unit) = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
                self.rest = behind[5..].chars();
                return Some(unit);
            }
            next = self.escaped()?;
        }
        let mut units = [0; 2];
        let units = next.encode_utf16(&mut units);
        self.low = units.get(1).copied();
        units.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn what_only_looks_different_is_the_same() {
        for (one, other) in [
            (
                r#"{"a":1,"b":[true,null]}"#,
                r#"{ "b" : [ true , null ] , "a" : 1 }"#,
            ),
            (r#"{"a":1}"#, r#"{"a":1.0}"#),
            (r#"{"a":-0.0}"#, r#"{"a":0}"#),
            (r#"{"a":1e2}"#, r#"{"a":100}"#),
            (r#"{"a":1e999}"#, r#"{"a":1e999}"#),
            (r#"{"é":"\u00e9\n/"}"#, r#"{"\u00E9":"é\u000a\/"}"#),
            (r#"{"a":"😀"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (r#"{"\ud800":"\ud800"}"#, r#"{"\uD800":"\uD800"}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"a":{},"b":[]}"#, r#"{"b":[],"a":{}}"#),
        ] {
            assert!(is_same(Some(one), Some(other)), "{one} {other}");
            assert!(is_same(Some(other), Some(one)), "{other} {one}");
        }
        assert!(is_same(None, None));
    }

    #[test]
    fn what_differs_is_not_the_same() {
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[1]}"#),
            (r#"{"a":[[1],2]}"#, r#"{"a":[[1,2]]}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":true}"#, r#"{"a":false}"#),
            (r#"{"a":[]}"#, r#"{"a":{}}"#),
            (r#"{"a":"b\"c"}"#, r#"{"a":"bc"}"#),
            (r#"{"a":"\\u0041"}"#, r#"{"a":"A"}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":1}"#),
            // Not JSON.
            (r#"{"a":1"#, r#"{"a":1 "#),
        ] {
            assert!(!is_same(Some(one), Some(other)), "{one} {other}");
        }
        assert!(!is_same(None, Some("{}")));
    }

    #[test]
    fn deep_metadata_are_compared_in_time_and_without_recursion() {
        let deep = |space: &str| {
            let (open, close) = ("[".repeat(200_000), "]".repeat(200_000));
            format!("{{\"a\":{open}{space}{close}}}")
        };
        assert!(is_same(Some(&deep("")), Some(&deep(" "))));
        assert!(!is_same(Some(&deep("")), Some(&deep("1"))));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2i64..3).prop_map(Value::from),
            "[a\"\\\\\n😀]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[ab\"]", inner, 0..3)
                    .prop_map(|all| Value::Object(Map::from_iter(all))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 3_000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn texts_are_the_same_if_their_values_are(one in json(), other in json()) {
            let texts = [one.to_string(), format!("{other:#}")];
            let same = is_same(Some(&texts[0]), Some(&texts[1]));
            prop_assert_eq!(same, one == other, "{:?}", texts);
            let pretty = format!("{one:#}");
            prop_assert!(is_same(Some(&texts[0]), Some(&pretty)));
        }
    }
}
