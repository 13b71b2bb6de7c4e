//! Parses JSON to the tree. Anything that is not understood is an error that says where it is, so
//! that no part of a filter is ever dropped.

mod clauses;
mod json;
mod parts;

use std::ops::Range;

use serde_json::{Map, Value};

use super::{
    tree::{Comparison, Filter, Test},
    value::Path,
};
use crate::{
    error::Result,
    json::{Piece, is_beyond_64_bits, pieces},
};
use clauses::{clauses, is_clauses};
use json::Unique;
use parts::{JsonPath, entries, list, narrowed, path, refuse, scalar, scalars, test};

/// How deeply filters may be nested.
const MAX_DEPTH: usize = 64;
/// How deeply brackets may be nested in a filter's text. A nested filter opens two, and the
/// innermost condition a few more; well below what fits on a thread's stack.
const MAX_BRACKETS: usize = 256;

/// Parses a filter.
///
/// # Errors
///
/// `Validation` for anything but a filter of at least one condition. The message begins with the
/// position, as in `filter.must[0].match`.
pub fn parse(value: &Value) -> Result<Filter> {
    filter(value, &JsonPath::Filter, 0)
}

/// Parses a filter's JSON text, of any size and depth.
///
/// # Errors
///
/// As [`parse`], and for a text that is not JSON.
pub fn parse_text(text: &str) -> Result<Filter> {
    // Parsing and dropping a JSON value use stack space for every level.
    if brackets(text) > MAX_BRACKETS {
        return too_deep(&JsonPath::Filter);
    }
    // The JSON parser would round such an integer silently; it is replaced to cause an error there.
    let beyond = integer_beyond_64_bits(text);
    let marked = beyond.clone().map(|range| {
        let (before, behind) = (&text[..range.start], &text[range.end..]);
        format!("{before}{OUT_OF_RANGE}{behind}")
    });
    let mut reader = serde_json::Deserializer::from_str(marked.as_deref().unwrap_or(text));
    reader.disable_recursion_limit();
    let value = match serde_path_to_error::deserialize(&mut reader) {
        Ok(Unique(value)) => value,
        Err(error) => {
            let path = error.path().to_string();
            let at = match path.as_str() {
                "." => JsonPath::Filter,
                path => JsonPath::Filter.key(path),
            };
            let message = message_of(error.inner());
            if error.inner().is_data() {
                return refuse(&at, message);
            }
            if beyond.is_some() && message == "number out of range" {
                return refuse(
                    &at,
                    "an integer of more than 64 bits has no exact value here; a float, such as 1e30, has",
                );
            }
            return not_json(error.inner());
        }
    };
    match reader.end() {
        Ok(()) => parse(&value),
        Err(error) => not_json(&error),
    }
}

fn not_json<T>(error: &serde_json::Error) -> Result<T> {
    refuse(
        &JsonPath::Filter,
        format_args!("not valid JSON: {}", message_of(error)),
    )
}

/// The message of an error, without the position in a text that the caller never saw.
fn message_of(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A number outside the range of floats.
const OUT_OF_RANGE: &str = "1e999";

/// The position of the first integer of more than 64 bits in a JSON text.
fn integer_beyond_64_bits(text: &str) -> Option<Range<usize>> {
    let mut end = 0;
    let mut places = pieces(text).map(|piece| {
        let start = end;
        end += piece.text().len();
        (piece, start..end)
    });
    let found = places.find(|(piece, _)| match piece {
        Piece::Number(number) => is_beyond_64_bits(number),
        _ => false,
    });
    found.map(|(_, place)| place)
}

/// The nesting depth of a JSON text.
fn brackets(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for piece in pieces(text) {
        let Piece::Other(between) = piece else {
            continue;
        };
        for byte in between.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
    }
    deepest
}

fn too_deep<T>(at: &JsonPath) -> Result<T> {
    refuse(at, format_args!("nested deeper than {MAX_DEPTH} levels"))
}

/// A filter of any form.
fn filter(value: &Value, at: &JsonPath, depth: usize) -> Result<Filter> {
    if depth > MAX_DEPTH {
        return too_deep(at);
    }
    let entries = entries(value, at, "a filter")?;
    if is_clauses(entries) {
        clauses(entries, at, depth)
    } else {
        fields(entries, at, depth)
    }
}

/// Parses the plain and the operator form.
fn fields(entries: &Map<String, Value>, at: &JsonPath, depth: usize) -> Result<Filter> {
    let part = |(name, value): (&String, &Value)| {
        let at = at.key(name);
        match name.as_str() {
            "$and" => Ok(Filter::all(filters(value, &at, depth)?)),
            "$or" => Ok(Filter::any(filters(value, &at, depth)?)),
            "$not" => Ok(filter(value, &at, depth + 1)?.negated()),
            _ if name.starts_with('$') => refuse(
                &at,
                "unknown operator; use one of $and, $or, $not, or the name of a field",
            ),
            _ => field(path(name, &at)?, value, &at),
        }
    };
    let parts: Result<_> = entries.iter().map(part).collect();
    Ok(Filter::all(parts?))
}

/// A non-empty list of filters, one level down.
fn filters(value: &Value, at: &JsonPath, depth: usize) -> Result<Vec<Filter>> {
    let filters = list(value, at, "filters")?.iter().enumerate();
    filters
        .map(|(i, value)| filter(value, &at.item(i), depth + 1))
        .collect()
}

/// Parses the condition on one field in the plain or the operator form.
fn field(path: Path, value: &Value, at: &JsonPath) -> Result<Filter> {
    let operators = match value {
        Value::Array(_) => return Ok(test(path, Test::In(scalars(value, at)?))),
        Value::Object(entries) if !entries.contains_key("$date") => entries,
        _ => return Ok(test(path, Test::In(vec![scalar(value, at)?]))),
    };
    if operators.is_empty() {
        return refuse(at, "empty; give a value or operators");
    }
    if let Some(key) = operators.keys().find(|key| !key.starts_with('$')) {
        return refuse(
            &at.key(key),
            "neither an operator nor part of a value; name a nested field by a dotted path",
        );
    }
    let operators = operators.iter();
    let parts: Result<_> = operators
        .map(|(name, operand)| operator(path.clone(), name, operand, &at.key(name)))
        .collect();
    Ok(Filter::all(parts?))
}

fn operator(path: Path, name: &str, operand: &Value, at: &JsonPath) -> Result<Filter> {
    let equal = |operand| Ok(Test::In(vec![scalar(operand, at)?]));
    let range = |comparison| Ok(Test::Range(narrowed(None, comparison, operand, at)?));
    Ok(match name {
        "$eq" => test(path, equal(operand)?),
        "$ne" => test(path, equal(operand)?).negated(),
        "$in" => test(path, Test::In(scalars(operand, at)?)),
        "$nin" => test(path, Test::In(scalars(operand, at)?)).negated(),
        "$gt" => test(path, range(Comparison::Gt)?),
        "$gte" => test(path, range(Comparison::Gte)?),
        "$lt" => test(path, range(Comparison::Lt)?),
        "$lte" => test(path, range(Comparison::Lte)?),
        "$exists" => {
            let exists = Filter::having(&path);
            match operand {
                Value::Bool(true) => exists,
                Value::Bool(false) => exists.negated(),
                _ => return refuse(at, "must be true or false"),
            }
        }
        _ => {
            return refuse(
                at,
                "unknown operator; use one of $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists",
            );
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> String {
        match parse_text(text) {
            Ok(filter) => panic!("{text} is taken for {filter:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn errors_name_the_place() {
        let cases = [
            ("", "filter: not valid JSON: EOF while parsing a value"),
            (
                r#"{"a":1} {"b":2}"#,
                "filter: not valid JSON: trailing characters",
            ),
            (
                r#"{"a":1e999}"#,
                "filter: not valid JSON: number out of range",
            ),
            (r#"{"a":"\ud800"}"#, "filter: not valid JSON"),
            (
                r#"{"a":18446744073709551616}"#,
                "filter.a: an integer of more than 64 bits",
            ),
            (
                r#"{"$or":[{"b":1},{"a":{"$in":[1,-9223372036854775809]}}]}"#,
                "filter.$or[1].a.$in[1]: an integer of more than 64 bits",
            ),
            (
                r#"{"must":[{"key":"a","range":{"gt":100000000000000000000}}]}"#,
                "filter.must[0].range.gt: an integer of more than 64 bits",
            ),
            // One of the two would be lost.
            (r#"{"a":1,"a":2}"#, "filter: \"a\" is given twice"),
            (
                r#"{"$or":[{"a":1},{"b":{"$gt":1,"$lt":3,"$gt":2}}]}"#,
                "filter.$or[1].b: \"$gt\" is given twice",
            ),
            ("null", "filter: a filter must be an object"),
            ("[{\"a\":1}]", "filter: a filter must be an object"),
            ("{}", "filter: a filter must have at least one condition"),
            // The plain form.
            (r#"{"a":[]}"#, "filter.a: the list of values is empty"),
            (r#"{"a":[1,[2]]}"#, "filter.a[1]: must be a single value"),
            (
                r#"{"a":[{"$gt":1}]}"#,
                "filter.a[0]: must be a single value",
            ),
            (r#"{"a":{}}"#, "filter.a: empty"),
            (r#"{"a":{"b":1}}"#, "filter.a.b: neither an operator"),
            (r#"{"":1}"#, "filter.: not the path of a field"),
            (r#"{"a..b":1}"#, "filter.a..b: not the path of a field"),
            (r#"{".a":1}"#, "filter..a: not the path of a field"),
            (
                r#"{"a":{"$date":"soon"}}"#,
                "filter.a.$date: must be an RFC 3339",
            ),
            (
                r#"{"a":{"$date":0}}"#,
                "filter.a.$date: must be an RFC 3339",
            ),
            (
                r#"{"a":{"$date":"2024-01-01","$gt":1}}"#,
                "filter.a.$gt: unexpected here",
            ),
            // The operator form.
            (
                r#"{"a":{"$lte2":1}}"#,
                "filter.a.$lte2: unknown operator; use one of $eq, $ne,",
            ),
            (
                r#"{"a":{"$not":{"$gt":5}}}"#,
                "filter.a.$not: unknown operator",
            ),
            (
                r#"{"a":{"$gt":1,"b":2}}"#,
                "filter.a.b: neither an operator",
            ),
            (
                r#"{"a":{"$eq":[1]}}"#,
                "filter.a.$eq: must be a single value",
            ),
            (
                r#"{"a":{"$ne":{}}}"#,
                "filter.a.$ne: must be a single value",
            ),
            (
                r#"{"a":{"$gt":null}}"#,
                "filter.a.$gt: must be a number, a string or a Date",
            ),
            (
                r#"{"a":{"$lt":true}}"#,
                "filter.a.$lt: must be a number, a string or a Date",
            ),
            (
                r#"{"a":{"$in":1}}"#,
                "filter.a.$in: must be a list of values",
            ),
            (
                r#"{"a":{"$in":[]}}"#,
                "filter.a.$in: the list of values is empty",
            ),
            (
                r#"{"a":{"$nin":[]}}"#,
                "filter.a.$nin: the list of values is empty",
            ),
            (
                r#"{"a":{"$exists":1}}"#,
                "filter.a.$exists: must be true or false",
            ),
            (
                r#"{"$nor":[{"a":1}]}"#,
                "filter.$nor: unknown operator; use one of $and, $or, $not",
            ),
            (r#"{"$gt":1}"#, "filter.$gt: unknown operator"),
            (
                r#"{"$date":"2024-01-01"}"#,
                "filter.$date: unknown operator",
            ),
            (
                r#"{"$and":[]}"#,
                "filter.$and: the list of filters is empty",
            ),
            (
                r#"{"$or":{"a":1}}"#,
                "filter.$or: must be a list of filters",
            ),
            (
                r#"{"$or":[{"a":1},{}]}"#,
                "filter.$or[1]: a filter must have at least one",
            ),
            (
                r#"{"$not":{}}"#,
                "filter.$not: a filter must have at least one",
            ),
            (
                r#"{"$not":[{"a":1}]}"#,
                "filter.$not: a filter must be an object",
            ),
            // The clause form.
            (
                r#"{"must":[],"should":[{"has_id":["a"]}]}"#,
                "filter.must: the list of conditions is empty",
            ),
            (
                r#"{"must_not":[]}"#,
                "filter.must_not: the list of conditions is empty",
            ),
            (
                r#"{"must":{"has_id":["a"]}}"#,
                "filter.must: must be a list of conditions",
            ),
            (
                r#"{"must":[{"has_id":["a"]}],"a":1}"#,
                "filter.a: a mix of forms",
            ),
            (
                r#"{"must":[{"has_id":["a"]}],"$or":[{"a":1}]}"#,
                "filter.$or: a mix of forms",
            ),
            (
                r#"{"must":[{}]}"#,
                "filter.must[0]: a condition must have at least one",
            ),
            (
                r#"{"must":[1]}"#,
                "filter.must[0]: a condition must be an object",
            ),
            (r#"{"must":[{"a":1}]}"#, "filter.must[0].a: unknown key"),
            (r#"{"must":[{"key":"a"}]}"#, "filter.must[0]: no condition"),
            (
                r#"{"must":[{"must":[]}]}"#,
                "filter.must[0].must: the list of conditions is empty",
            ),
            (
                r#"{"must":[{"must_not":[{"has_id":["a"]}],"key":"a"}]}"#,
                "filter.must[0].key: a mix of forms",
            ),
            (
                r#"{"must":[{"match":{"value":1}}]}"#,
                "filter.must[0]: key is missing",
            ),
            (
                r#"{"must":[{"key":1,"match":{"value":1}}]}"#,
                "filter.must[0].key: must be the path",
            ),
            (
                r#"{"must":[{"key":"a.","match":{"value":1}}]}"#,
                "filter.must[0].key: not the path",
            ),
            (
                r#"{"must":[{"key":"a","match":{"value":1},"range":{"gt":1}}]}"#,
                "filter.must[0].range: unexpected here",
            ),
            (
                r#"{"must":[{"key":"a","match":{"value":1},"boost":2}]}"#,
                "filter.must[0].boost: unexpected here",
            ),
            (
                r#"{"must":[{"key":"a","match":1}]}"#,
                "filter.must[0].match: a match must be an object",
            ),
            (
                r#"{"must":[{"key":"a","match":{}}]}"#,
                "filter.must[0].match: a match must have",
            ),
            (
                r#"{"must":[{"key":"a","match":{"text":"x"}}]}"#,
                "filter.must[0].match.text: unexpected here",
            ),
            (
                r#"{"must":[{"key":"a","match":{"value":1,"any":[1]}}]}"#,
                "filter.must[0].match: must have exactly one",
            ),
            (
                r#"{"must":[{"key":"a","match":{"value":null}}]}"#,
                "filter.must[0].match.value: null is no value to match; use { is_null",
            ),
            (
                r#"{"must":[{"key":"a","match":{"value":[1]}}]}"#,
                "filter.must[0].match.value: must be a single value",
            ),
            (
                r#"{"must":[{"key":"a","match":{"any":[]}}]}"#,
                "filter.must[0].match.any: the list of values is empty",
            ),
            (
                r#"{"must":[{"key":"a","match":{"except":[]}}]}"#,
                "filter.must[0].match.except: the list of values is empty",
            ),
            (
                r#"{"must":[{"key":"a","range":{}}]}"#,
                "filter.must[0].range: a range must have",
            ),
            (
                r#"{"must":[{"key":"a","range":{"gt":1,"before":2}}]}"#,
                "filter.must[0].range.before: unknown bound",
            ),
            (
                r#"{"must":[{"key":"a","range":{"gt":1,"lt":"b"}}]}"#,
                "filter.must[0].range.lt: the bounds of one range",
            ),
            (
                r#"{"must":[{"key":"a","range":{"gt":{"$date":"2024-01-01"},"lt":5}}]}"#,
                "filter.must[0].range.lt: the bounds of one range",
            ),
            (
                r#"{"must":[{"key":"a","range":{"gt":1,"lt":null}}]}"#,
                "filter.must[0].range.lt: must be a number, a string",
            ),
            (
                r#"{"must":[{"key":"a","values_count":{}}]}"#,
                "filter.must[0].values_count: a range must have",
            ),
            (
                r#"{"must":[{"key":"a","values_count":{"gt":"1"}}]}"#,
                "filter.must[0].values_count.gt: must be a number",
            ),
            (
                r#"{"must":[{"is_empty":"a"}]}"#,
                "filter.must[0].is_empty: a field must be an object",
            ),
            (
                r#"{"must":[{"is_empty":{"key":"a","x":1}}]}"#,
                "filter.must[0].is_empty.x: unexpected here",
            ),
            (
                r#"{"must":[{"is_null":{"key":""}}]}"#,
                "filter.must[0].is_null.key: not the path",
            ),
            (
                r#"{"must":[{"is_null":{"key":"a"},"key":"a"}]}"#,
                "filter.must[0].key: unexpected here",
            ),
            (
                r#"{"should":[{"has_id":[]}]}"#,
                "filter.should[0].has_id: the list of ids is empty",
            ),
            (
                r#"{"should":[{"has_id":["a",1]}]}"#,
                "filter.should[0].has_id[1]: an id must be a string",
            ),
            (
                r#"{"must":[{"type":"match","key":"a"}]}"#,
                "filter.must[0]: match_value is missing",
            ),
            (
                r#"{"must":[{"type":"match","key":"a","match_value":null}]}"#,
                "filter.must[0].match_value: null is no value",
            ),
            (
                r#"{"must":[{"type":"match","key":"a","match_value":1,"range":{"gt":1}}]}"#,
                "filter.must[0].range: unexpected here",
            ),
            (
                r#"{"must":[{"type":"range","key":"a","range":{}}]}"#,
                "filter.must[0].range: a range must have",
            ),
            (
                r#"{"must":[{"type":"text","key":"a","match_value":"b"}]}"#,
                "filter.must[0].type: must be",
            ),
            (
                r#"{"must":[{"type":"match","match_value":"b"}]}"#,
                "filter.must[0]: key is missing",
            ),
        ];
        for (text, message) in cases {
            let refusal = refused(text);
            assert!(refusal.starts_with(message), "{text}\n{refusal}\n{message}");
        }
    }

    #[test]
    fn one_meaning_is_one_tree() {
        let cases = [
            [r#"{"a":1}"#, r#"{"a":{"$eq":1.0}}"#],
            [r#"{"a":0}"#, r#"{"a":-0.0}"#],
            [r#"{"a":1000}"#, r#"{"a":1e3}"#],
            [r#"{"a":9007199254740992}"#, r#"{"a":9007199254740992.0}"#],
            [
                r#"{"a":1}"#,
                r#"{"must":[{"key":"a","match":{"value":1}}]}"#,
            ],
            [
                r#"{"a":1}"#,
                r#"{"should":[{"type":"match","key":"a","match_value":1}]}"#,
            ],
            [r#"{"a":[1,2]}"#, r#"{"a":{"$in":[1,2]}}"#],
            [
                r#"{"a":[1,2]}"#,
                r#"{"must":[{"key":"a","match":{"any":[1,2]}}]}"#,
            ],
            [r#"{"a":null}"#, r#"{"must":[{"is_null":{"key":"a"}}]}"#],
            [
                r#"{"a":{"$ne":1}}"#,
                r#"{"must_not":[{"key":"a","match":{"value":1}}]}"#,
            ],
            [r#"{"a":{"$ne":1}}"#, r#"{"$not":{"a":1}}"#],
            [
                r#"{"a":{"$lt":"b"}}"#,
                r#"{"must":[{"type":"range","key":"a","range":{"lt":"b"}}]}"#,
            ],
            [r#"{"a":1,"b":2}"#, r#"{"$and":[{"a":1},{"b":2}]}"#],
            [
                r#"{"a":"2024-01-01"}"#,
                r#"{"a":{"$date":"2024-01-01T01:00:00+01:00"}}"#,
            ],
        ];
        for [one, other] in cases {
            assert_eq!(
                parse_text(one).unwrap(),
                parse_text(other).unwrap(),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn nesting_is_limited() {
        type Wrap = fn(Value) -> Value;
        let wraps: [Wrap; 4] = [
            |filter| json!({ "$not": filter }),
            |filter| json!({ "$and": [filter] }),
            |filter| json!({ "must": [filter] }),
            |filter| json!({ "must_not": [filter] }),
        ];
        for wrap in wraps {
            let innermost = json!({ "must": [{ "key": "a", "match": { "any": [{ "$date": "2024-01-01" }] } }] });
            let mut filter = innermost;
            for _ in 0..MAX_DEPTH {
                filter = wrap(filter);
            }
            parse_text(&filter.to_string()).unwrap();
            let error = parse_text(&wrap(filter).to_string()).unwrap_err();
            assert!(
                error.to_string().ends_with("nested deeper than 64 levels"),
                "{error}"
            );
        }
        // Far deeper than any stack.
        for (open, close) in [("[", "]"), (r#"{"$not":"#, "}"), (r#"{"must":["#, "]}")] {
            let text = open.repeat(1_000_000) + "1" + &close.repeat(1_000_000);
            assert_eq!(refused(&text), "filter: nested deeper than 64 levels");
        }
        parse_text(&json!({ "a": "[{".repeat(1000) + "\"[\\" }).to_string()).unwrap();
    }
}
