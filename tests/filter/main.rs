//! Tests the filter against a second, naive one that interprets the filter and the metadata
//! directly; against itself, with the same condition written in several forms; and against freshly
//! built indexes, after inserts and removals. `terms` tests the filter for engines that store the
//! rows themselves.

mod terms;

use std::cmp::Ordering;

use proptest::{collection::vec, prelude::*, sample::select};
use roaring::RoaringBitmap;
use serde_json::{Map, Number, Value, json};
use vectorizer_native::filter::{FieldIndexes, Filter, Range, Source, Test, parse, parse_text};

/// Strings with the instant they represent, in milliseconds from the start of 2024.
const STRINGS: [(&str, Option<i64>); 18] = [
    ("", None),
    ("0", None),
    ("1", None),
    ("2", None),
    ("2024", None),
    ("2024-01-01", Some(0)),
    ("2024-01-01T", None),
    ("2024-01-01T00:00:00", Some(0)),
    ("2024-01-01T00:00:00.000Z", Some(0)),
    ("2024-01-01 01:00:00+01:00", Some(0)),
    ("2023-12-31t23:00:00z", Some(-3_600_000)),
    ("2024-01-01T00:00:00.5Z", Some(500)),
    ("2024-01-02", Some(86_400_000)),
    ("2024-01-01T23:00:00-01:00", Some(86_400_000)),
    ("2024-13-01", None),
    ("b", None),
    ("é", None),
    ("😀", None),
];
const KEYS: [&str; 3] = ["a", "b", "c"];
const PATHS: [&str; 6] = ["a", "b", "c", "a.b", "b.c", "a.b.c"];

// ---- The naive filter. ----

/// Everything found at a path.
fn found<'m>(value: &'m Value, path: &str) -> Vec<&'m Value> {
    let (key, rest) = match path.split_once('.') {
        Some((key, rest)) => (key, Some(rest)),
        None => (path, None),
    };
    let next = value.as_object().and_then(|object| object.get(key));
    match (next, rest) {
        (None, _) => vec![],
        (Some(value), None) => vec![value],
        (Some(Value::Array(items)), Some(rest)) => {
            let objects = items.iter().filter(|item| item.is_object());
            objects.flat_map(|item| found(item, rest)).collect()
        }
        (Some(value), Some(rest)) => found(value, rest),
    }
}

fn instant(text: &str) -> Option<i64> {
    STRINGS.iter().find(|(known, _)| *known == text)?.1
}

/// How a value compares with an operand, if it does.
fn compare(value: &Value, operand: &Value) -> Option<Ordering> {
    if let Some(date) = operand.get("$date") {
        return Some(instant(value.as_str()?)?.cmp(&instant(date.as_str()?)?));
    }
    match (value, operand) {
        (Value::Number(a), Value::Number(b)) => by_value(a, b),
        (Value::String(a), Value::String(b)) => match (instant(a), instant(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(a.chars().cmp(b.chars())),
        },
        _ => None,
    }
}

/// How two numbers compare: integers exactly, and with floats by value.
fn by_value(a: &Number, b: &Number) -> Option<Ordering> {
    // The floats used here either fit 128-bit integers or lie between two of them, unless they are
    // outside the range of 64 bits.
    let whole = |number: &Number| number.as_i128();
    let floor = |number: &Number| Some(number.as_f64()?.floor() as i128);
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (None, Some(_)) => by_value(b, a).map(Ordering::reverse),
        (Some(a), None) => {
            let is_between = b.as_f64()?.fract() != 0.0;
            let behind = if is_between {
                Ordering::Less
            } else {
                Ordering::Equal
            };
            Some(a.cmp(&floor(b)?).then(behind))
        }
    }
}

fn equal(value: &Value, operand: &Value) -> bool {
    match (value, operand) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        _ => compare(value, operand) == Some(Ordering::Equal),
    }
}

fn ordered(order: Ordering, bound: &str) -> bool {
    match bound.trim_start_matches('$') {
        "gt" => order == Ordering::Greater,
        "gte" => order != Ordering::Less,
        "lt" => order == Ordering::Less,
        "lte" => order != Ordering::Greater,
        other => panic!("{other}"),
    }
}

struct Row<'r> {
    id: &'r str,
    metadata: &'r Value,
}

impl Row<'_> {
    fn any(&self, path: &str, test: impl Fn(&Value) -> bool) -> bool {
        let found = found(self.metadata, path);
        found.into_iter().any(|value| match value {
            Value::Array(items) => items.iter().any(&test),
            value => test(value),
        })
    }

    fn equals_any(&self, path: &str, operands: &Value) -> bool {
        let operands = operands.as_array().unwrap();
        self.any(path, |value| {
            operands.iter().any(|operand| equal(value, operand))
        })
    }

    fn matches(&self, filter: &Value) -> bool {
        let every = |list: &Value| list.as_array().unwrap().iter().all(|f| self.matches(f));
        let some = |list: &Value| list.as_array().unwrap().iter().any(|f| self.matches(f));
        filter
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, value)| match name.as_str() {
                "$and" => every(value),
                "$or" => some(value),
                "$not" => !self.matches(value),
                "must" => value.as_array().unwrap().iter().all(|c| self.holds(c)),
                "should" => value.as_array().unwrap().iter().any(|c| self.holds(c)),
                "must_not" => !value.as_array().unwrap().iter().any(|c| self.holds(c)),
                path => self.field(path, value),
            })
    }

    fn field(&self, path: &str, value: &Value) -> bool {
        match value {
            Value::Array(_) => self.equals_any(path, value),
            Value::Object(operators) if !operators.contains_key("$date") => {
                operators.iter().all(|(name, operand)| match name.as_str() {
                    "$eq" => self.any(path, |value| equal(value, operand)),
                    "$ne" => !self.any(path, |value| equal(value, operand)),
                    "$in" => self.equals_any(path, operand),
                    "$nin" => !self.equals_any(path, operand),
                    "$exists" => found(self.metadata, path).is_empty() != *operand,
                    bound => self.any(path, |value| {
                        compare(value, operand).is_some_and(|order| ordered(order, bound))
                    }),
                })
            }
            value => self.any(path, |held| equal(held, value)),
        }
    }

    fn holds(&self, condition: &Value) -> bool {
        let get = |name: &str| condition.get(name);
        let path = get("key").and_then(Value::as_str).unwrap_or_default();
        if let Some(value) = get("match_value") {
            self.any(path, |held| equal(held, value))
        } else if let Some(test) = get("match") {
            if let Some(value) = test.get("value") {
                self.any(path, |held| equal(held, value))
            } else if let Some(any) = test.get("any") {
                self.equals_any(path, any)
            } else {
                let except = test["except"].as_array().unwrap();
                self.any(path, |held| {
                    let compares = held.is_boolean() || held.is_number() || held.is_string();
                    compares && !except.iter().any(|other| equal(held, other))
                })
            }
        } else if let Some(range) = get("range") {
            let range = range.as_object().unwrap();
            self.any(path, |held| {
                range.iter().all(|(bound, operand)| {
                    compare(held, operand).is_some_and(|order| ordered(order, bound))
                })
            })
        } else if let Some(range) = get("values_count") {
            let range = range.as_object().unwrap();
            found(self.metadata, path).into_iter().any(|value| {
                let count = match value {
                    Value::Null => 0,
                    Value::Array(items) => items.len(),
                    _ => 1,
                };
                range.iter().all(|(bound, operand)| {
                    let order = (count as f64).partial_cmp(&operand.as_f64().unwrap());
                    ordered(order.unwrap(), bound)
                })
            })
        } else if let Some(field) = get("is_empty") {
            let found = found(self.metadata, field["key"].as_str().unwrap());
            found
                .into_iter()
                .all(|value| *value == Value::Null || *value == json!([]))
        } else if let Some(field) = get("is_null") {
            self.any(field["key"].as_str().unwrap(), Value::is_null)
        } else if let Some(ids) = get("has_id") {
            ids.as_array().unwrap().iter().any(|id| id == self.id)
        } else {
            self.matches(condition)
        }
    }
}

// ---- The rows. ----

#[derive(Default, Clone, Debug)]
struct Rows(Vec<Option<(Value, String)>>);

impl Rows {
    fn of(metadata: &[Value]) -> Self {
        let row = |value: &Value| Some((value.clone(), value.to_string()));
        Self(metadata.iter().map(row).collect())
    }

    fn alive(&self) -> RoaringBitmap {
        let slots = 0..self.0.len() as u32;
        slots
            .filter(|&slot| self.0[slot as usize].is_some())
            .collect()
    }

    /// The rows that the naive filter matches.
    fn matching(&self, filter: &Value) -> RoaringBitmap {
        let alive = self.alive().into_iter();
        let matches = |slot: &u32| match &self.0[*slot as usize] {
            Some((metadata, _)) => {
                let id = &slot.to_string();
                Row { id, metadata }.matches(filter)
            }
            None => false,
        };
        alive.filter(matches).collect()
    }

    /// The rows that the filter matches, with indexes built for it.
    fn evaluate(&self, filter: &Value) -> RoaringBitmap {
        let tree = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
        FieldIndexes::default().evaluate(&tree, &self.alive(), self)
    }
}

impl Source for Rows {
    fn metadata(&self, slot: u32) -> Option<&str> {
        // A row with empty metadata may also have none at all.
        let (_, text) = self.0.get(slot as usize)?.as_ref()?;
        (text != "{}").then_some(text)
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        id.parse()
            .ok()
            .filter(|&slot| self.0.get(slot as usize).is_some())
    }
}

// ---- Inputs. Few values and keys, so that many match. ----

fn string() -> impl Strategy<Value = Value> + Clone {
    select(&STRINGS[..]).prop_map(|(text, _)| json!(text))
}

fn number() -> impl Strategy<Value = Value> + Clone {
    let small = select(vec![
        json!(-1),
        json!(-0.0),
        json!(0),
        json!(1),
        json!(1.5),
        json!(2),
        json!(2.0),
    ]);
    prop_oneof![3 => small, 1 => select(large_numbers())]
}

/// Integers that floats cannot distinguish, and floats close to them.
fn large_numbers() -> Vec<Value> {
    vec![
        json!(i64::MIN),
        json!(i64::MIN + 1),
        json!(i64::MIN as f64),
        json!(-9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992.0),
        json!(1_234_567_890_123_456_789_i64),
        json!(1_234_567_890_123_456_790_i64),
        json!(i64::MAX),
        json!(i64::MAX as u64 + 1),
        json!(u64::MAX - 1),
        json!(u64::MAX),
        json!(u64::MAX as f64),
        json!(1e20),
    ]
}

fn date() -> impl Strategy<Value = Value> + Clone {
    let dates: Vec<&str> = STRINGS
        .iter()
        .filter(|s| s.1.is_some())
        .map(|s| s.0)
        .collect();
    select(dates).prop_map(|text| json!({ "$date": text }))
}

fn held() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        3 => string(),
        3 => number(),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn metadata() -> impl Strategy<Value = Value> {
    let value = held().prop_recursive(4, 12, 4, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 0..4).prop_map(Value::from),
            2 => object(inner),
        ]
    });
    object(value)
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec((select(&KEYS[..]), value), 0..6).prop_map(|entries| {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Object(entries.collect())
    })
}

fn rows() -> impl Strategy<Value = Vec<Value>> {
    vec(metadata(), 1..40)
}

fn path() -> impl Strategy<Value = &'static str> + Clone {
    prop_oneof![3 => select(&KEYS[..]), 1 => select(&PATHS[..])]
}

/// An operand to compare with.
fn operand() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![4 => held(), 1 => date()]
}

fn operands() -> impl Strategy<Value = Value> + Clone {
    vec(operand(), 1..4).prop_map(Value::from)
}

/// Ordered operands, all of one type.
fn bounds(prefix: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    let name = select(vec!["gt", "gte", "lt", "lte"]);
    let numbers = vec((name.clone(), number()), 1..4);
    let strings = vec((name, prop_oneof![4 => string(), 1 => date()]), 1..4);
    prop_oneof![numbers, strings].prop_map(move |bounds| {
        let bounds = bounds.into_iter();
        bounds
            .map(|(name, value)| (format!("{prefix}{name}"), value))
            .collect()
    })
}

fn one_operator() -> impl Strategy<Value = Value> {
    prop_oneof![
        (select(vec!["$eq", "$ne"]), operand()).prop_map(|(name, value)| json!({ name: value })),
        (select(vec!["$in", "$nin"]), operands())
            .prop_map(|(name, values)| json!({ name: values })),
        any::<bool>().prop_map(|exists| json!({ "$exists": exists })),
        bounds("$").prop_map(Value::Object),
    ]
}

fn operators() -> impl Strategy<Value = Value> {
    prop_oneof![3 => vec(one_operator(), 1), 1 => vec(one_operator(), 2)].prop_map(|some| {
        let entries = some
            .into_iter()
            .flat_map(|one| one.as_object().unwrap().clone());
        Value::Object(entries.collect())
    })
}

fn plain_value() -> impl Strategy<Value = Value> {
    prop_oneof![operand(), operands()]
}

fn condition() -> impl Strategy<Value = Value> {
    let value = operand().prop_filter("null is not matched", |value| !value.is_null());
    let ids = vec((0..40_u32).prop_map(|slot| slot.to_string()), 1..10);
    let count = vec(
        (
            select(vec!["gt", "gte", "lt", "lte"]),
            select(vec![0.0, 1.0, 1.5, 3.0]),
        ),
        1..3,
    );
    prop_oneof![
        (path(), value.clone()).prop_map(|(key, v)| json!({ "key": key, "match": { "value": v } })),
        (path(), operands()).prop_map(|(key, v)| json!({ "key": key, "match": { "any": v } })),
        (path(), operands()).prop_map(|(key, v)| json!({ "key": key, "match": { "except": v } })),
        (path(), value)
            .prop_map(|(key, v)| json!({ "type": "match", "key": key, "match_value": v })),
        (path(), bounds("")).prop_map(|(key, range)| json!({ "key": key, "range": range })),
        (path(), bounds(""))
            .prop_map(|(key, range)| json!({ "type": "range", "key": key, "range": range })),
        (path(), count).prop_map(|(key, count)| {
            let count: Map<_, _> = count
                .into_iter()
                .map(|(b, n)| (b.to_owned(), json!(n)))
                .collect();
            json!({ "key": key, "values_count": count })
        }),
        path().prop_map(|key| json!({ "is_empty": { "key": key } })),
        path().prop_map(|key| json!({ "is_null": { "key": key } })),
        ids.prop_map(|ids| json!({ "has_id": ids })),
    ]
}

fn clauses(condition: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    let names = select(vec!["must", "should", "must_not"]);
    let list = (names, vec(condition, 1..4)).boxed();
    let lists = prop_oneof![3 => vec(list.clone(), 1), 1 => vec(list, 2..4)];
    lists.prop_map(|lists| {
        let lists = lists.into_iter();
        Value::Object(
            lists
                .map(|(name, list)| (name.to_owned(), list.into()))
                .collect(),
        )
    })
}

fn clause_filter() -> impl Strategy<Value = Value> {
    clauses(condition().prop_recursive(2, 8, 3, |inner| clauses(inner).boxed()))
}

fn filter() -> impl Strategy<Value = Value> {
    let field = (path(), prop_oneof![1 => plain_value(), 2 => operators()]).boxed();
    let fields = prop_oneof![3 => vec(field.clone(), 1), 1 => vec(field, 2)];
    let fields = fields.prop_map(|fields| {
        let fields = fields
            .into_iter()
            .map(|(path, value)| (path.to_owned(), value));
        Value::Object(fields.collect())
    });
    prop_oneof![fields, clause_filter()].prop_recursive(3, 12, 3, |inner| {
        let lists = (select(vec!["$and", "$or"]), vec(inner.clone(), 1..3));
        let beside = (path(), operators());
        prop_oneof![
            lists.prop_map(|(name, list)| json!({ name: list })),
            inner.clone().prop_map(|inner| json!({ "$not": inner })),
            (inner, beside)
                .prop_map(|(inner, (path, value))| json!({ "$or": [inner], path: value })),
        ]
    })
}

/// One condition in every form that supports it.
fn spellings() -> impl Strategy<Value = Vec<Value>> {
    let value = operand().prop_filter("null is not matched", |value| !value.is_null());
    let bound = bounds("").prop_filter("one bound", |bounds| bounds.len() == 1);
    let one = prop_oneof![
        (path(), value).prop_map(|(key, v)| vec![
            json!({ key: v }),
            json!({ key: [v] }),
            json!({ key: { "$eq": v } }),
            json!({ key: { "$in": [v, v] } }),
            json!({ "must": [{ "key": key, "match": { "value": v } }] }),
            json!({ "should": [{ "type": "match", "key": key, "match_value": v }] }),
            json!({ "$not": { key: { "$ne": v } } }),
        ]),
        path().prop_map(|key| vec![
            json!({ key: null }),
            json!({ key: { "$eq": null } }),
            json!({ "must": [{ "is_null": { "key": key } }] }),
        ]),
        (path(), operands()).prop_map(|(key, v)| vec![
            json!({ key: v }),
            json!({ key: { "$in": v } }),
            json!({ "must": [{ "key": key, "match": { "any": v } }] }),
            json!({ "$not": { key: { "$nin": v } } }),
        ]),
        (path(), bound).prop_map(|(key, range)| {
            let operators: Map<_, _> = range
                .iter()
                .map(|(b, v)| (format!("${b}"), v.clone()))
                .collect();
            vec![
                json!({ key: operators }),
                json!({ "must": [{ "key": key, "range": range }] }),
                json!({ "should": [{ "type": "range", "key": key, "range": range }] }),
            ]
        }),
    ];
    let pair = |how: &'static str, (one, other): (Vec<Value>, Vec<Value>)| {
        // A clause filter may contain only clause filters, and is the last of its spellings.
        let clause = |spellings: &[Value]| {
            let mut clauses = spellings.iter().filter(|f| f.get("must").is_some());
            clauses.next().cloned().unwrap()
        };
        let (first, second) = (clause(&one), clause(&other));
        let clause = match how {
            "and" => json!({ "must": [first, second] }),
            "or" => json!({ "should": [first, second] }),
            _ => json!({ "must_not": [first, second] }),
        };
        let mut spellings = vec![clause];
        for first in &one {
            for second in &other {
                spellings.push(match how {
                    "and" => json!({ "$and": [first, second] }),
                    "or" => json!({ "$or": [second, first] }),
                    _ => json!({ "$not": { "$or": [first, second] } }),
                });
            }
        }
        spellings
    };
    let boxed = one.boxed();
    prop_oneof![
        boxed.clone(),
        (select(vec!["and", "or", "nor"]), (boxed.clone(), boxed))
            .prop_map(move |(how, both)| pair(how, both)),
    ]
}

/// Arbitrary JSON, made of the words that occur in filters.
fn anything() -> impl Strategy<Value = Value> {
    let word = select(vec![
        "must",
        "should",
        "must_not",
        "key",
        "match",
        "value",
        "any",
        "except",
        "range",
        "gt",
        "lte",
        "is_empty",
        "is_null",
        "has_id",
        "values_count",
        "type",
        "match_value",
        "$and",
        "$or",
        "$not",
        "$eq",
        "$ne",
        "$gt",
        "$in",
        "$nin",
        "$exists",
        "$date",
        "$x",
        "a",
        "a.b",
        "a.",
        "",
    ]);
    let leaf = prop_oneof![
        held(),
        word.clone().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((word.clone(), inner), 0..3).prop_map(|entries| {
                let entries = entries
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(entries.collect())
            }),
        ]
    })
}

/// A filter of which a part has been replaced.
fn nearly_a_filter() -> impl Strategy<Value = Value> {
    (filter(), anything(), any::<proptest::sample::Index>()).prop_map(|(mut filter, part, at)| {
        fn places(value: &Value) -> usize {
            1 + match value {
                Value::Array(items) => items.iter().map(places).sum(),
                Value::Object(entries) => entries.values().map(places).sum(),
                _ => 0,
            }
        }
        fn replace(value: &mut Value, at: &mut usize, part: &Value) {
            if *at == 0 {
                *value = part.clone();
            }
            *at = at.wrapping_sub(1);
            match value {
                Value::Array(items) => items.iter_mut().for_each(|item| replace(item, at, part)),
                Value::Object(entries) => entries.values_mut().for_each(|v| replace(v, at, part)),
                _ => {}
            }
        }
        let mut at = at.index(places(&filter));
        replace(&mut filter, &mut at, &part);
        filter
    })
}

/// Whether no list in a tree is empty, so that nothing fails to match because of one.
fn has_conditions(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            !parts.is_empty() && parts.iter().all(has_conditions)
        }
        Filter::Not(part) => has_conditions(part),
        Filter::HasId(ids) => !ids.is_empty(),
        Filter::Field { test, .. } => match test {
            Test::In(values) | Test::Except(values) => !values.is_empty(),
            Test::Range(Range::Numbers(range)) => *range != Default::default(),
            Test::Range(Range::Strings(range)) => *range != Default::default(),
            Test::Count(_) => true,
        },
    }
}

#[derive(Debug, Clone)]
enum Change {
    Put(usize, Value),
    Remove(Vec<usize>),
    /// Every slot except those with this remainder.
    RemoveMany(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let slot = 0..40_usize;
    prop_oneof![
        4 => (slot.clone(), metadata()).prop_map(|(slot, value)| Change::Put(slot, value)),
        2 => vec(slot, 1..3).prop_map(Change::Remove),
        1 => (0..4_usize).prop_map(Change::RemoveMany),
    ]
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(2024),
        ..ProptestConfig::default()
    }
}

#[test]
fn integers_beyond_floats_are_told_apart() {
    let users = [
        1_234_567_890_123_456_788_i64,
        1_234_567_890_123_456_789,
        1_234_567_890_123_456_790,
    ];
    let rows = Rows::of(&users.map(|user| json!({ "user": user })));
    let [before, one, after] = users;
    for filter in [
        json!({ "user": one }),
        json!({ "user": [one] }),
        json!({ "user": { "$nin": [before, after] } }),
        json!({ "user": { "$gt": before, "$lt": after } }),
        json!({ "must": [{ "key": "user", "match": { "value": one } }] }),
        json!({ "must": [{ "key": "user", "match": { "except": [before, after] } }] }),
        json!({ "must": [{ "key": "user", "range": { "gte": one, "lte": one } }] }),
    ] {
        assert_eq!(
            rows.evaluate(&filter),
            RoaringBitmap::from_iter([1]),
            "{filter}"
        );
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn it_matches_what_a_naive_filter_matches(rows in rows(), filters in vec(filter(), 1..20)) {
        let rows = Rows::of(&rows);
        let indexes = FieldIndexes::default();
        for filter in filters {
            let tree = parse(&filter).map_err(|e| TestCaseError::fail(format!("{filter}: {e}")))?;
            prop_assert_eq!(&tree, &parse_text(&filter.to_string()).unwrap());
            let expected = rows.matching(&filter);
            prop_assert_eq!(indexes.evaluate(&tree, &rows.alive(), &rows), expected, "{}", filter);
        }
    }

    #[test]
    fn all_forms_mean_the_same(rows in rows(), spellings in spellings()) {
        let rows = Rows::of(&rows);
        let first = rows.evaluate(&spellings[0]);
        for spelling in &spellings[1..] {
            prop_assert_eq!(rows.evaluate(spelling), first.clone(), "{} {}", spellings[0], spelling);
        }
    }

    #[test]
    fn maintained_indexes_answer_as_fresh_ones(
        start in rows(),
        changes in vec(change(), 1..20),
        filters in vec(filter(), 1..10),
    ) {
        let mut rows = Rows::of(&start);
        let mut indexes = FieldIndexes::default();
        let trees: Vec<_> = filters.iter().map(|filter| parse(filter).unwrap()).collect();
        for change in changes {
            for tree in &trees {
                indexes.evaluate(tree, &rows.alive(), &rows);
            }
            let gone: RoaringBitmap = match &change {
                Change::Put(slot, _) => [*slot as u32].into_iter().collect(),
                Change::Remove(slots) => slots.iter().map(|slot| *slot as u32).collect(),
                Change::RemoveMany(n) => (0..40).filter(|slot| *slot as usize % 4 != *n).collect(),
            };
            let gone = gone & rows.alive();
            indexes.remove(&gone, &rows);
            for slot in gone {
                rows.0[slot as usize] = None;
            }
            if let Change::Put(slot, value) = change {
                rows.0.resize(rows.0.len().max(slot + 1), None);
                rows.0[slot] = Some((value.clone(), value.to_string()));
                indexes.insert(slot as u32, rows.metadata(slot as u32));
            }
            for (filter, tree) in filters.iter().zip(&trees) {
                let matched = indexes.evaluate(tree, &rows.alive(), &rows);
                prop_assert_eq!(&matched, &rows.evaluate(filter));
                prop_assert_eq!(&matched, &rows.matching(filter));
            }
        }
        let indexes = FieldIndexes::default();
        for (filter, tree) in filters.iter().zip(&trees) {
            indexes.prepare(tree, &rows.alive(), &rows);
            prop_assert_eq!(indexes.evaluate(tree, &rows.alive(), &rows), rows.matching(filter));
        }
    }

    #[test]
    fn whatever_is_accepted_has_a_condition(
        values in vec(prop_oneof![anything(), nearly_a_filter()], 1..20),
        rows in rows(),
    ) {
        let rows = Rows::of(&rows);
        for value in values {
            match parse(&value) {
                Ok(tree) => {
                    prop_assert!(has_conditions(&tree), "{}", value);
                    let matched = FieldIndexes::default().evaluate(&tree, &rows.alive(), &rows);
                    prop_assert_eq!(matched, rows.matching(&value), "{}", value);
                }
                Err(error) => prop_assert!(error.to_string().starts_with("filter"), "{}", error),
            }
        }
    }

    #[test]
    fn no_text_panics(text in r#"[\[\]{}":,\\a-c$0-9 .\-e]{0,60}"#) {
        let _ = parse_text(&text);
    }
}

/// The properties are of little value if nothing matches, or everything does.
#[test]
fn random_filters_match_some_rows() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut some, total) = (0, 500);
    for _ in 0..total {
        let rows = rows().new_tree(&mut runner).unwrap().current();
        let filter = filter().new_tree(&mut runner).unwrap().current();
        let matched = Rows::of(&rows).matching(&filter).len() as usize;
        some += usize::from(matched > 0 && matched < rows.len());
    }
    assert!(some * 4 > total, "{some} of {total}");
}

#[test]
fn what_the_documentation_says() {
    let rows = Rows::of(&[
        json!({ "lang": "en", "created_at": "2023-05-01" }),
        json!({ "lang": "en", "created_at": "2024-01-01T00:00:00+01:00", "tags": ["x", "y"] }),
        json!({ "lang": "de", "created_at": "soon", "tags": [] }),
        json!({ "size": [0, 9], "tags": null, "created_at": 1_704_067_200_000_u64 }),
        json!({}),
    ]);
    let cases = [
        (
            json!({ "lang": "en", "created_at": { "$lt": "2024-01-01" } }),
            vec![0, 1],
        ),
        (
            json!({ "created_at": { "$date": "2023-12-31T23:00:00Z" } }),
            vec![1],
        ),
        (
            json!({ "created_at": { "$lt": { "$date": "9999-01-01" } } }),
            vec![0, 1],
        ),
        (json!({ "created_at": { "$gt": "2024" } }), vec![1, 2]),
        (json!({ "created_at": { "$gt": "2024-01-01" } }), vec![2]),
        (json!({ "lang": { "$ne": "en" } }), vec![2, 3, 4]),
        (json!({ "lang": { "$nin": ["en", "de"] } }), vec![3, 4]),
        (json!({ "lang": { "$exists": false } }), vec![3, 4]),
        (json!({ "size": "0" }), vec![]),
        (json!({ "size": { "$gt": 1, "$lt": 5 } }), vec![3]),
        (
            json!({ "must": [{ "key": "size", "range": { "gt": 1, "lt": 5 } }] }),
            vec![],
        ),
        (
            json!({ "must": [{ "is_empty": { "key": "tags" } }] }),
            vec![0, 2, 3, 4],
        ),
        (
            json!({ "must": [{ "is_null": { "key": "tags" } }] }),
            vec![3],
        ),
        (
            json!({ "must": [{ "key": "tags", "values_count": { "lt": 2 } }] }),
            vec![2, 3],
        ),
        (
            json!({ "must": [{ "key": "tags", "match": { "except": ["x"] } }] }),
            vec![1],
        ),
        (
            json!({ "must": [{ "has_id": ["1", "4", "9", "x"] }] }),
            vec![1, 4],
        ),
        (
            json!({ "must_not": [{ "key": "lang", "match": { "value": "en" } }] }),
            vec![2, 3, 4],
        ),
    ];
    for (filter, slots) in cases {
        let expected: RoaringBitmap = slots.into_iter().collect();
        assert_eq!(rows.evaluate(&filter), expected, "{filter}");
    }
}

/// A slot that is not alive matches nothing, whatever the source says about it.
#[test]
fn only_what_is_alive_matches() {
    let rows = Rows::of(&[json!({ "a": 1 }), json!({ "a": 1 }), json!({})]);
    let alive = RoaringBitmap::from_iter([1]);
    for filter in [
        json!({ "a": 1 }),
        json!({ "a": { "$ne": 2 } }),
        json!({ "must": [{ "has_id": ["0", "1", "2"] }] }),
    ] {
        let tree = parse(&filter).unwrap();
        assert_eq!(
            FieldIndexes::default().evaluate(&tree, &alive, &rows),
            alive
        );
    }
}
