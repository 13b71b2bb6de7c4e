//! Tests plans over the terms of rows against the filter that reads the rows.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vectorizer_native::{
    error::Error,
    filter::{
        FieldIndexes, Source, parse,
        terms::{Expression, MAX_RANGES_BYTES, MAX_TERMS, Operator, Plan, RowTerms},
    },
};

use crate::{Rows, STRINGS, config, filter, held, large_numbers, metadata, object, rows};

// ---- A small engine. ----

struct Engine(Vec<RowTerms>);

impl Engine {
    fn of(rows: &Rows) -> Self {
        let slots = 0..rows.0.len() as u32;
        Self(slots.map(|slot| terms(rows.metadata(slot))).collect())
    }

    fn matches(&self, expression: &Expression, slot: usize) -> bool {
        let RowTerms { terms, ranges } = &self.0[slot];
        let id = slot.to_string().into_boxed_str();
        match expression {
            Expression::And(parts) => parts.iter().all(|part| self.matches(part, slot)),
            Expression::Or(parts) => parts.iter().any(|part| self.matches(part, slot)),
            Expression::Any(some) => some.iter().any(|term| terms.contains(term)),
            Expression::None(some) => !some.iter().any(|term| terms.contains(term)),
            Expression::Ids(ids) => ids.contains(&id),
            Expression::NotIds(ids) => !ids.contains(&id),
            Expression::Compare(key, operator, value) => ranges.get(key).is_some_and(|range| {
                let (range, value) = (range.chars(), value.chars());
                match operator {
                    Operator::Lt => range.lt(value),
                    Operator::Lte => range.le(value),
                    Operator::Gt => range.gt(value),
                    Operator::Gte => range.ge(value),
                }
            }),
            Expression::Constant(value) => *value,
        }
    }

    fn is_guarded(&self, plan: &Plan, slot: usize) -> bool {
        let mut terms = plan.guards.iter().flat_map(|guard| &guard.terms);
        terms.any(|term| self.0[slot].terms.contains(term))
    }

    /// Checks that the filter's plan matches the same rows, among those that match none of its
    /// guards.
    fn agrees(&self, rows: &Rows, filter: &Value) -> Result<(), TestCaseError> {
        // With other words it may not be a valid filter: a range has bounds of one type.
        let Ok(tree) = parse(filter) else {
            return Ok(());
        };
        let plan = match Plan::of(&tree) {
            Ok(plan) => plan,
            Err(error) => {
                let long = |value: &Value| value.as_str().is_some_and(|text| text.len() >= 256);
                prop_assert!(has(filter, &long), "{}: {}", filter, error);
                return Ok(());
            }
        };
        let matched = FieldIndexes::default().evaluate(&tree, &rows.alive(), rows);
        for slot in rows.alive() {
            let at = slot as usize;
            prop_assert!(
                self.is_guarded(&plan, at)
                    || self.matches(&plan.expression, at) == matched.contains(slot),
                "{} of {:?} by {:?}",
                filter,
                rows.metadata(slot),
                plan
            );
        }
        Ok(())
    }
}

fn terms(metadata: Option<&str>) -> RowTerms {
    RowTerms::of(metadata).unwrap()
}

fn plan(filter: &Value) -> Plan {
    Plan::of(&parse(filter).unwrap()).unwrap()
}

// ---- Inputs: those of the other properties, with other words. ----

/// Replacements for some strings and numbers: long, large, small or odd ones.
fn words() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let long = |bytes: usize, end: &str| "é".repeat(bytes / 2) + end;
    let date = format!("2024-01-01T00:00:00.{:0<300}Z", "");
    let later = format!("2024-01-01T00:00:00.{:0<300}1Z", "");
    let numbers = [1e308, -1e308, 5e-324, -1e-7, 9_007_199_254_740_993.0];
    let others = [
        long(254, ""),
        long(254, "a"),
        long(254, "aa"),
        long(254, "aab"),
        long(254, "aac"),
        long(600, ""),
        date,
        later,
        "2024-01-01T00:00:00.000000001Z".into(),
        HALF.into(),
        HUGE.into(),
        "\0".into(),
        "a\"\\".into(),
    ];
    let others = others.into_iter().map(Value::from);
    let integers = [json!(9_007_199_254_740_993_i64), json!(u64::MAX)];
    let others = others.chain(numbers.map(Value::from)).chain(integers);
    let others = others.collect::<Vec<_>>();
    let replaced = ["0", "1", "2024", "b", "é", "😀", "2024-01-02", "-1", "1.5"];
    vec((select(replaced.to_vec()), select(others)), 0..6).prop_map(|words| {
        let words = words.into_iter();
        words.map(|(from, to)| (from.to_owned(), to)).collect()
    })
}

/// Stand for what a JSON value cannot be: half a surrogate pair, and a number beyond a float.
const HALF: &str = "~half~";
const HUGE: &str = "~huge~";
/// Stands for a repeated key.
const AGAIN: &str = "~again~";

fn in_words(value: &Value, words: &BTreeMap<String, Value>) -> Value {
    let word = |name: &str| words.get(name).unwrap_or(value).clone();
    match value {
        Value::String(text) => word(text),
        Value::Number(number) => word(&number.to_string()),
        Value::Array(items) => items.iter().map(|item| in_words(item, words)).collect(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let kept = ["has_id", "$date", "values_count", "type"].contains(&key.as_str());
                let value = if kept || key == "key" {
                    value.clone()
                } else {
                    in_words(value, words)
                };
                (key.clone(), value)
            });
            Value::Object(entries.collect())
        }
        _ => value.clone(),
    }
}

/// The text of a row's metadata, which may not be valid as a JSON value.
fn odd_text(value: &Value) -> String {
    let text = value.to_string();
    let text = text.replace(&format!("\"{HALF}\""), r#""x\ud83d""#);
    text.replace(&format!("\"{HUGE}\""), "1e999")
        .replace(AGAIN, "")
}

/// Values close to each other, and operands to compare them with.
fn values_and_bounds() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    let dates = STRINGS.iter().filter(|(_, instant)| instant.is_some());
    let dates: Vec<Value> = dates.map(|(text, _)| json!(text)).collect();
    let between = ["2024", "2024-01-01 ", "2024-01-01T", "2024-01-01T00:00:00x"];
    let between = between.map(Value::from).to_vec();
    let instants = dates.iter().map(|date| json!({ "$date": date }));
    let date_bounds = [instants.collect(), dates.clone(), between.clone()].concat();
    // Around the 256 bytes of a text that are compared.
    let ends = ["", "a", "aa", "aaa", "aab", "ab", "b", "z"];
    let texts = ends.map(|end| json!("é".repeat(127) + end)).to_vec();
    let numbers = [
        -1e308, -256.0, -1.0, -5e-324, -0.0, 0.0, 5e-324, 0.1, 1.0, 16.0, 256.0, 1e308,
    ];
    let numbers = numbers.map(Value::from).to_vec();
    select(vec![
        (dates.clone(), date_bounds),
        (dates, between),
        (texts.clone(), texts),
        (numbers.clone(), numbers),
        (large_numbers(), large_numbers()),
    ])
}

/// Metadata with keys that no path can contain, or that are repeated.
fn odd_rows() -> impl Strategy<Value = Vec<Value>> {
    let odd = select(vec![
        String::new(),
        "a.b".to_owned(),
        HALF.to_owned(),
        format!("a{AGAIN}"),
        format!("{AGAIN}b"),
    ]);
    let odd = vec((odd, object(held())), 0..2);
    let row = (object(metadata()), odd).prop_map(|(row, odd)| {
        let mut row = row.as_object().unwrap().clone();
        row.extend(odd);
        Value::Object(row)
    });
    vec(prop_oneof![2 => metadata(), 1 => row], 1..40)
}

fn has(value: &Value, test: &impl Fn(&Value) -> bool) -> bool {
    let inside = match value {
        Value::Array(items) => items.iter().any(|item| has(item, test)),
        Value::Object(entries) => entries.values().any(|value| has(value, test)),
        _ => false,
    };
    inside || test(value)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_plan_matches_what_the_filter_matches(
        rows in odd_rows(),
        filters in vec(filter(), 1..20),
        words in words(),
    ) {
        let rows = rows.iter().map(|row| in_words(row, &words));
        let rows = Rows(rows.map(|row| { let text = odd_text(&row); Some((row, text)) }).collect());
        let engine = Engine::of(&rows);
        for filter in filters {
            engine.agrees(&rows, &in_words(&filter, &words))?;
        }
    }

    #[test]
    fn a_range_is_of_one_value(
        (rows, bounds) in values_and_bounds().prop_flat_map(|(values, bounds)| {
            let name = select(vec!["gt", "gte", "lt", "lte"]);
            (vec(vec(select(values), 1..4), 1..20), vec(vec((name, select(bounds)), 2..4), 1..10))
        }),
    ) {
        let rows: Vec<Value> = rows.into_iter().map(|held| json!({ "a": held })).collect();
        let rows = Rows::of(&rows);
        let engine = Engine::of(&rows);
        for bounds in bounds {
            let range: Value = bounds.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let filter = json!({ "must": [{ "key": "a", "range": range }] });
            engine.agrees(&rows, &json!({ "$not": filter }))?;
            engine.agrees(&rows, &filter)?;
        }
    }

    #[test]
    fn no_row_of_single_values_is_guarded(rows in rows(), filter in filter()) {
        let engine = Engine::of(&Rows::of(&rows));
        let plan = plan(&filter);
        for (slot, row) in rows.iter().enumerate() {
            prop_assert!(has(row, &Value::is_array) || !engine.is_guarded(&plan, slot));
        }
    }

    #[test]
    fn no_metadata_panics(text in r#"[\[\]{}":,\\a-c0-9 .\-e]{0,60}"#) {
        let _ = RowTerms::of(Some(&text));
    }
}

/// The properties are of little value if most rows are guarded.
#[test]
fn few_rows_are_guarded_and_few_filters_refused() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut guarded, mut refused, mut all_rows, filters) = (0, 0, 0, 500);
    for _ in 0..filters {
        let rows = Rows::of(&rows().new_tree(&mut runner).unwrap().current());
        let plan = plan(&filter().new_tree(&mut runner).unwrap().current());
        let engine = Engine::of(&rows);
        let some = (0..engine.0.len()).filter(|&slot| engine.is_guarded(&plan, slot));
        let some = some.count();
        guarded += some;
        refused += usize::from(some > 0);
        all_rows += engine.0.len();
    }
    assert!(guarded * 20 < all_rows, "{guarded} of {all_rows}");
    assert!(refused * 4 < filters, "{refused} of {filters}");
}

#[test]
fn only_a_whole_condition_for_one_of_several_values_is_guarded() {
    let range = |key: &str, range: Value| json!({ "must": [{ "key": key, "range": range }] });
    let except = |values: Value| json!({ "must": [{ "key": "a", "match": { "except": values } }] });
    let count = |count: Value| json!({ "must": [{ "key": "a", "values_count": count }] });
    let day = json!({ "$date": "2024-01-01" });
    let cases = [
        (json!({ "a": [1, 2] }), 0),
        (json!({ "a": { "$gte": 1, "$lt": 5 } }), 0),
        (json!({ "a": { "$nin": [1, 2], "$exists": true } }), 0),
        (range("a", json!({ "gt": 1 })), 0),
        (range("a", json!({ "gt": 1, "gte": 0 })), 0),
        (range("a", json!({ "gt": 1, "lt": 5 })), 1),
        (range("a", json!({ "gt": 5, "lt": 1 })), 0),
        (range("a", json!({ "gt": "b", "lt": "c" })), 2),
        (range("a", json!({ "gt": day, "lt": "2024-02-01" })), 1),
        (range("a", json!({ "gt": "2024-01-01", "lte": "b" })), 2),
        (count(json!({ "gt": 1 })), 0),
        (count(json!({ "gt": 1, "lt": 3 })), 1),
        (except(json!([1])), 0),
        (except(json!([1, null, 1.0])), 0),
        (except(json!([1, 2])), 1),
        (
            json!({ "$or": [range("a", json!({ "gt": 1, "lt": 5 })), range("b", json!({ "gt": 1, "lt": 5 }))] }),
            2,
        ),
        (
            json!({ "$or": [range("a", json!({ "gt": 1, "lt": 5 })), range("a", json!({ "gt": 2, "lt": 3 }))] }),
            1,
        ),
        // An impossible condition needs no query.
        (
            json!({ "$and": [range("a", json!({ "gt": 1, "lt": 5 })), range("b", json!({ "gt": 5, "lt": 1 }))] }),
            0,
        ),
    ];
    for (filter, guards) in cases {
        for filter in [json!({ "$not": filter }), filter] {
            let plan = plan(&filter);
            assert_eq!(plan.guards.len(), guards, "{filter}");
            for guard in plan.guards {
                assert!(["a", "b"].contains(&guard.path.as_str()));
            }
        }
    }
}

#[test]
fn a_guard_is_named_by_a_term_of_rows_with_several_values() {
    let range = json!({ "must": [{ "key": "a.b", "range": { "gt": 1, "lt": 5 } }] });
    let guards = plan(&range).guards;
    let is_guarded = |metadata: &str| {
        let RowTerms { terms, .. } = terms(Some(metadata));
        guards
            .iter()
            .any(|guard| guard.terms.iter().any(|term| terms.contains(term)))
    };
    assert!(is_guarded(r#"{"a":{"b":[0,9]}}"#));
    assert!(is_guarded(r#"{"a":[{"b":0},{"b":9}]}"#));
    for single in [
        r#"{"a":{"b":[0,-0.0]}}"#,
        r#"{"a":{"b":[0,"9"]}}"#,
        r#"{"a":[0,9],"b":[0,9]}"#,
    ] {
        assert!(!is_guarded(single), "{single}");
    }
}

#[test]
fn constants_are_folded_and_lists_are_flat() {
    let never = json!({ "must": [{ "key": "a", "range": { "gt": 5, "lt": 1 } }] });
    let cases = [
        (never.clone(), false),
        (json!({ "$not": never }), true),
        (json!({ "b": 1, "$and": [never] }), false),
        (json!({ "$or": [{ "$not": never }, { "b": 1 }] }), true),
    ];
    for (filter, constant) in cases {
        assert_eq!(
            plan(&filter).expression,
            Expression::Constant(constant),
            "{filter}"
        );
    }
    let one = plan(&json!({ "b": 1 })).expression;
    assert_eq!(plan(&json!({ "$or": [never, { "b": 1 }] })).expression, one);
    let nested = json!({ "$and": [{ "$and": [{ "a": 1 }, { "b": 1 }] }, { "$not": { "$or": [{ "c": 1 }, { "d": 1 }] } }] });
    let Expression::And(parts) = plan(&nested).expression else {
        panic!("no list")
    };
    assert_eq!(parts.len(), 4);
    assert!(
        parts
            .iter()
            .all(|part| matches!(part, Expression::Any(_) | Expression::None(_)))
    );
}

#[test]
fn a_long_text_is_no_bound() {
    let filter = |bytes: usize| json!({ "a": { "$gt": "x".repeat(bytes) } });
    plan(&filter(255));
    let error = Plan::of(&parse(&filter(256)).unwrap()).unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)));
    assert!(
        error
            .to_string()
            .starts_with("filter.a: a bound is a text of 256 bytes"),
        "{error}"
    );
    // A text may have any length to be equal.
    plan(&json!({ "a": "x".repeat(1000) }));
}

#[test]
fn a_row_has_only_so_many_terms() {
    // One term for each number; and for all together: some values, several, some numbers, several,
    // a count.
    let row = |numbers: usize| json!({ "a": (0..numbers).collect::<Vec<_>>() }).to_string();
    let most = MAX_TERMS - 5;
    assert_eq!(terms(Some(&row(most))).terms.len(), MAX_TERMS);
    let deep = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    let wide: Value = (0..100_000).map(|i| (i.to_string(), Value::Null)).collect();
    for row in [row(most + 1), deep, wide.to_string()] {
        let error = RowTerms::of(Some(&row)).unwrap_err();
        assert!(matches!(error, Error::Unsupported(_)), "{error}");
    }
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    terms(Some(&format!(r#"{{"a":{nested},"b":1}}"#)));
}

#[test]
fn a_row_has_only_so_long_ranges() {
    let row = |fields: usize| {
        let fields = (0..fields).map(|i| (i.to_string(), "x".repeat(1000)));
        fields.collect::<Value>().to_string()
    };
    let bytes = |row: &str| {
        serde_json::to_string(&terms(Some(row)).ranges)
            .unwrap()
            .len()
    };
    let each = bytes(&row(2)) - bytes(&row(1));
    let most = MAX_RANGES_BYTES / each;
    assert!(bytes(&row(most)) <= MAX_RANGES_BYTES);
    let error = RowTerms::of(Some(&row(most + 1))).unwrap_err();
    assert!(error.to_string().contains("65536 bytes"), "{error}");
}

/// Stored rows are not rewritten.
#[test]
fn terms_are_what_they_were() {
    let row = r#"{"a":[null,true,-0.0,1.5,"x","2024-01-01"],"b":{"c":[{"d":"é"}]}}"#;
    let made = serde_json::to_string(&terms(Some(row))).unwrap();
    assert_eq!(
        format!("{:x}", Sha256::digest(&made)),
        "ecd87cbbeee44c814ccaacab241c42fd392e7cad69d0a54c83abffebb0b37a06",
        "{made}"
    );
}
