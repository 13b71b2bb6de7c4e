//! JSON merge patches (RFC 7396): in a patch of an object, `null` removes a member, an object is
//! merged with the member that is there, and anything else replaces it.
//!
//! Texts are merged, not values: whatever the patch does not touch stays as it is written, down to
//! the last digit. As metadata and patches may be nested deeply, there is no recursion.

use hashbrown::HashMap;
use zeroize::Zeroizing;

use super::{
    nodes::{Kind, Node, entries, in_order, members, nodes},
    same::is_same,
};
use crate::wiped::Wiped;

/// The text of an object without members.
const EMPTY: &str = "{}";

/// A patch that is applied to many metadata.
pub(super) struct MergePatch<'p> {
    text: &'p str,
    nodes: Vec<Node<'p>>,
    /// The members of each of its objects that may be merged, by the index of its node.
    objects: HashMap<usize, Members<'p>>,
}

/// The members of an object in a patch.
struct Members<'p> {
    /// Keys, and the indices of their values, in the order of the keys. Each key occurs once.
    sorted: Vec<(&'p str, usize)>,
    /// Indices of the above, in the order of the text.
    written: Vec<usize>,
}

/// What a patch does to metadata.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Merged {
    Unchanged,
    Changed(Wiped<str>),
}

/// What to write next.
enum Step<'t> {
    Text(&'t str),
    /// An object in the patch, merged with the value at this place in the metadata.
    Object(Option<usize>, usize),
}

impl<'p> MergePatch<'p> {
    /// The patch with this text. `None` if it is not an object.
    pub(super) fn read(text: &'p str) -> Option<Self> {
        let nodes = nodes(text)?;
        if nodes.first()?.kind() != Kind::Object {
            return None;
        }
        let mut objects = HashMap::new();
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            let sorted = members(&nodes, at);
            let values = sorted.iter().map(|member| member.1);
            open.extend(values.filter(|&value| nodes[value].kind() == Kind::Object));
            let mut written: Vec<usize> = (0..sorted.len()).collect();
            written.sort_unstable_by_key(|&member| sorted[member].1);
            objects.insert(at, Members { sorted, written });
        }
        Some(Self {
            text,
            nodes,
            objects,
        })
    }

    /// Merges it with the metadata of a vector. `None` if they are not a JSON object.
    pub(super) fn merged(&self, metadata: Option<&str>) -> Option<Merged> {
        let old = metadata.unwrap_or(EMPTY);
        let nodes = nodes(old)?;
        if nodes.first()?.kind() != Kind::Object {
            return None;
        }
        // Growing would leave copies behind. Every part of both texts is written at most once, and
        // where two objects become one, a comma takes the place of brackets.
        let mut new = Zeroizing::new(String::with_capacity(old.len() + self.text.len()));
        let mut steps = vec![Step::Object(Some(0), 0)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Text(text) => new.push_str(text),
                Step::Object(target, patch) => {
                    let begin = steps.len();
                    self.merge(&nodes, target, patch, &mut steps);
                    steps[begin..].reverse();
                }
            }
        }
        // A vector without metadata does not get some that have no members.
        let is_same = match metadata {
            Some(old) => is_same(Some(old), Some(&new)),
            None => *new == EMPTY,
        };
        Some(match is_same {
            true => Merged::Unchanged,
            false => Merged::Changed(Wiped::from(new.as_str())),
        })
    }

    /// Adds the steps that merge two objects.
    fn merge<'t>(
        &'t self,
        nodes: &'t [Node<'t>],
        target: Option<usize>,
        patch: usize,
        steps: &mut Vec<Step<'t>>,
    ) {
        let Some(members) = self.objects.get(&patch) else {
            return;
        };
        let there: Vec<_> = target
            .into_iter()
            .flat_map(|target| entries(nodes, target))
            .map(|(key, value)| (key, value, members.position(key)))
            .collect();
        // Of members with the same key, the last one counts.
        let mut last = vec![None; members.sorted.len()];
        for &(_, value, member) in &there {
            if let Some(member) = member {
                last[member] = Some(value);
            }
        }
        let patched = |value: usize, target: Option<usize>| {
            let node = &self.nodes[value];
            match node.kind() {
                Kind::Literal(b'n') => None,
                Kind::Object => {
                    let target = target.filter(|&at| nodes[at].kind() == Kind::Object);
                    Some(Step::Object(target, value))
                }
                _ => Some(Step::Text(node.text)),
            }
        };
        steps.push(Step::Text("{"));
        let mut between = "";
        let mut add = |key: &'t str, value: Step<'t>| {
            steps.extend([Step::Text(between), Step::Text(key), Step::Text(":"), value]);
            between = ",";
        };
        for (key, value, member) in there {
            let value = match member {
                None => Some(Step::Text(nodes[value].text)),
                Some(member) if last[member] == Some(value) => {
                    patched(members.sorted[member].1, Some(value))
                }
                Some(_) => None,
            };
            if let Some(value) = value {
                add(key, value);
            }
        }
        for &member in &members.written {
            let (key, value) = members.sorted[member];
            if last[member].is_none()
                && let Some(value) = patched(value, None)
            {
                add(key, value);
            }
        }
        steps.push(Step::Text("}"));
    }
}

impl Members<'_> {
    /// The index of the member with this key.
    fn position(&self, key: &str) -> Option<usize> {
        let sorted = &self.sorted;
        sorted
            .binary_search_by(|(other, _)| in_order(other, key))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    /// The metadata after a patch, as they are written; `None` if they stay as they are.
    fn patched(metadata: Option<&str>, patch: &str) -> Option<String> {
        let merged = MergePatch::read(patch).unwrap().merged(metadata).unwrap();
        match merged {
            Merged::Unchanged => None,
            Merged::Changed(new) => {
                // Otherwise it has grown, and left copies behind.
                assert!(new.len() <= metadata.unwrap_or(EMPTY).len() + patch.len());
                Some(new.to_string())
            }
        }
    }

    /// As in RFC 7396, section 2.
    fn reference(target: Value, patch: &Value) -> Value {
        let Value::Object(patch) = patch else {
            return patch.clone();
        };
        let mut merged = match target {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        for (key, value) in patch {
            match value {
                Value::Null => drop(merged.remove(key)),
                value => {
                    let old = merged.get(key).cloned().unwrap_or_default();
                    merged.insert(key.clone(), reference(old, value));
                }
            }
        }
        Value::Object(merged)
    }

    #[test]
    fn the_examples_of_the_rfc() {
        for (original, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            // Metadata and patches are objects: what is none is a member of one.
            let (target, within) = (json!({"x":original}), json!({"x":patch}));
            let expected = match &result {
                Value::Null => json!({}),
                result => json!({"x":result}),
            };
            assert_eq!(reference(target.clone(), &within), expected);
            let new = patched(Some(&target.to_string()), &within.to_string());
            assert_eq!(new, Some(expected.to_string()));
            if original.is_object() && patch.is_object() {
                let new = patched(Some(&original.to_string()), &patch.to_string());
                assert_eq!(new, Some(result.to_string()));
            }
        }
    }

    #[test]
    fn what_a_patch_does_not_touch_stays_as_it_is_written() {
        let old = r#"{ "n" : 1.00, "big":123456789012345678901234567890,"s":"\u0041\/",
            "o": {"x":1e2 , "y" : [ 1, null ]},"last":-0.0}"#;
        let new = patched(Some(old), r#"{"o":{"z":1.50},"more":10.0,"none":null}"#).unwrap();
        assert_eq!(
            new,
            r#"{"n":1.00,"big":123456789012345678901234567890,"s":"\u0041\/","o":{"x":1e2,"#
                .to_owned()
                + r#""y":[ 1, null ],"z":1.50},"last":-0.0,"more":10.0}"#
        );
    }

    #[test]
    fn a_key_is_the_same_however_it_is_written() {
        let new = patched(Some(r#"{"\u00e9":1,"b":2}"#), r#"{"é":null,"\u0062":3}"#);
        assert_eq!(new.as_deref(), Some(r#"{"b":3}"#));
    }

    #[test]
    fn of_members_with_the_same_key_the_last_one_counts() {
        let old = Some(r#"{"a":{"x":1},"b":1,"a":{"y":2},"b":2}"#);
        let cases = [
            (r#"{"a":null}"#, r#"{"b":1,"b":2}"#),
            (r#"{"a":{"z":3}}"#, r#"{"b":1,"a":{"y":2,"z":3},"b":2}"#),
            (
                r#"{"c":1,"c":2}"#,
                r#"{"a":{"x":1},"b":1,"a":{"y":2},"b":2,"c":2}"#,
            ),
        ];
        for (patch, expected) in cases {
            assert_eq!(patched(old, patch).as_deref(), Some(expected));
        }
        assert_eq!(patched(old, r#"{"c":1,"c":null}"#), None);
    }

    #[test]
    fn what_changes_nothing_is_unchanged() {
        for (old, patch) in [
            (Some(r#"{"a":1}"#), "{}"),
            (Some(r#"{ "a" : 1 }"#), r#"{"a":1.0}"#),
            (Some(r#"{"a":{"b":"c"}}"#), r#"{"a":{"b":"\u0063"}}"#),
            (Some(r#"{"a":1}"#), r#"{"b":null}"#),
            (Some(r#"{"a":[1,2]}"#), r#"{"a":[1, 2]}"#),
            (Some("{}"), "{}"),
            (None, "{}"),
            (None, r#"{"a":null}"#),
        ] {
            assert_eq!(patched(old, patch), None, "{old:?} {patch}");
        }
        let some = patched(None, r#"{"a":{"b":null}}"#);
        assert_eq!(some.as_deref(), Some(r#"{"a":{}}"#));
    }

    #[test]
    fn what_is_not_an_object_is_neither_patched_nor_a_patch() {
        for text in ["", "1", "[]", "null", r#"{"a":1"#, r#"{"a":1}}"#] {
            assert!(MergePatch::read(text).is_none(), "{text}");
            let patch = MergePatch::read("{}").unwrap();
            assert_eq!(patch.merged(Some(text)), None, "{text}");
        }
    }

    #[test]
    fn deep_patches_are_merged_in_time_and_without_recursion() {
        let deep = |inner: &str| {
            let (open, close) = ("{\"a\":".repeat(100_000), "}".repeat(100_000));
            format!("{open}{inner}{close}")
        };
        let (old, patch) = (deep(r#"{"b":1}"#), deep(r#"{"c":2,"b":null}"#));
        assert_eq!(patched(Some(&old), &patch), Some(deep(r#"{"c":2}"#)));
        assert_eq!(patched(None, &patch), Some(deep(r#"{"c":2}"#)));
        assert_eq!(patched(Some(&old), &old), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2i64..3).prop_map(Value::from),
            "[a\"\\\\\n😀]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 16, 4, |inner| {
            prop_oneof![
                1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                4 => object(inner),
            ]
        })
    }

    fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[abc\"😀]", inner, 0..4)
            .prop_map(|all| Value::Object(Map::from_iter(all)))
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 3_000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn texts_are_merged_as_their_values_are(
            target in object(json()), patch in object(json()), pretty in any::<bool>(),
        ) {
            let write = |value: &Value| match pretty {
                true => format!("{value:#}"),
                false => value.to_string(),
            };
            let new = patched(Some(&write(&target)), &write(&patch));
            let expected = reference(target.clone(), &patch);
            prop_assert_eq!(new.is_none(), expected == target);
            if let Some(new) = new {
                let new: Value = serde_json::from_str(&new).unwrap();
                prop_assert_eq!(new, expected);
            }
            let new = patched(None, &write(&patch));
            let expected = reference(json!({}), &patch);
            let new = new.map_or(json!({}), |new| serde_json::from_str(&new).unwrap());
            prop_assert_eq!(new, expected);
        }
    }
}
