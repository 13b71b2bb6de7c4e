//! Whether two metadata are the same as JSON values: the order of members, whitespace, and how
//! strings and numbers are written do not matter.

use super::nodes::{Kind, inside, is_same_string, members, nodes};
use crate::filter::Number;

/// Whether two metadata are the same.
pub(super) fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || is_same_value(one, other),
        (None, None) => true,
        _ => false,
    }
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
