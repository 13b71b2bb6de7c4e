//! The clause form.

use serde_json::{Map, Value};

use super::{
    filter,
    parts::{
        JsonPath, Literal, entries, list, narrowed, only, path, refuse, required, scalar, scalars,
        test,
    },
};
use crate::{
    error::Result,
    filter::{
        number::Number,
        tree::{Comparison, Filter, Interval, Range, Scalar, Test},
        value::Path,
    },
};

const CLAUSES: [&str; 3] = ["must", "should", "must_not"];
const CONDITIONS: &str = "{ key, match }, { key, range }, { key, values_count }, \
    { is_empty }, { is_null }, { has_id }, { type, key, match_value }, { type, key, range }, \
    or a nested { must, should, must_not }";

/// Whether a filter is meant to be in this form, valid or not.
pub(super) fn is_clauses(entries: &Map<String, Value>) -> bool {
    CLAUSES.iter().any(|name| entries.contains_key(*name))
}

pub(super) fn clauses(entries: &Map<String, Value>, at: &JsonPath, depth: usize) -> Result<Filter> {
    let mut parts = Vec::new();
    for (name, value) in entries {
        let at = at.key(name);
        if !CLAUSES.contains(&name.as_str()) {
            return refuse(
                &at,
                "a mix of forms; beside must, should and must_not nothing else may stand",
            );
        }
        let conditions = list(value, &at, "conditions")?.iter().enumerate();
        let conditions: Result<_> = conditions
            .map(|(i, value)| condition(value, &at.item(i), depth))
            .collect();
        parts.push(match name.as_str() {
            "must" => Filter::all(conditions?),
            "should" => Filter::any(conditions?),
            _ => Filter::any(conditions?).negated(),
        });
    }
    Ok(Filter::all(parts))
}

fn condition(value: &Value, at: &JsonPath, depth: usize) -> Result<Filter> {
    let entries = entries(value, at, "a condition")?;
    if is_clauses(entries) {
        return filter(value, at, depth + 1);
    }
    if entries.contains_key("type") {
        return tagged(entries, at);
    }
    const KINDS: [&str; 6] = [
        "match",
        "range",
        "values_count",
        "is_empty",
        "is_null",
        "has_id",
    ];
    let Some(kind) = KINDS.into_iter().find(|kind| entries.contains_key(*kind)) else {
        let unknown = entries.keys().find(|name| *name != "key");
        let why = format_args!("a condition is one of {CONDITIONS}");
        return match unknown {
            Some(name) => refuse(&at.key(name), format_args!("unknown key; {why}")),
            None => refuse(at, format_args!("no condition; {why}")),
        };
    };
    let operand = required(entries, at, kind)?;
    let within = at.key(kind);
    match kind {
        "has_id" => {
            only(entries, at, &["has_id"])?;
            Ok(Filter::HasId(ids(operand, &within)?))
        }
        "is_empty" | "is_null" => {
            only(entries, at, &[kind])?;
            let inner = self::entries(operand, &within, "a field")?;
            only(inner, &within, &["key"])?;
            let path = key(inner, &within)?;
            Ok(if kind == "is_null" {
                test(path, Test::In(vec![Scalar::Null]))
            } else {
                let mut some = Interval::default();
                some.narrow(Comparison::Gt, Number::from(0_u64));
                test(path, Test::Count(some)).negated()
            })
        }
        _ => {
            only(entries, at, &["key", kind])?;
            let path = key(entries, at)?;
            Ok(test(
                path,
                match kind {
                    "match" => matching(operand, &within)?,
                    "range" => Test::Range(range(operand, &within)?),
                    _ => Test::Count(count(operand, &within)?),
                },
            ))
        }
    }
}

/// `{ type: 'match', key, match_value }` and `{ type: 'range', key, range }`.
fn tagged(entries: &Map<String, Value>, at: &JsonPath) -> Result<Filter> {
    match required(entries, at, "type")?.as_str() {
        Some("match") => {
            only(entries, at, &["type", "key", "match_value"])?;
            let value = required(entries, at, "match_value")?;
            let value = scalar_but_null(value, &at.key("match_value"))?;
            Ok(test(key(entries, at)?, Test::In(vec![value])))
        }
        Some("range") => {
            only(entries, at, &["type", "key", "range"])?;
            let range = range(required(entries, at, "range")?, &at.key("range"))?;
            Ok(test(key(entries, at)?, Test::Range(range)))
        }
        _ => refuse(&at.key("type"), "must be 'match' or 'range'"),
    }
}

/// `{ value }`, `{ any }` or `{ except }`.
fn matching(value: &Value, at: &JsonPath) -> Result<Test> {
    let entries = entries(value, at, "a match")?;
    only(entries, at, &["value", "any", "except"])?;
    let mut entries = entries.iter();
    let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
        return refuse(at, "must have exactly one of value, any, except");
    };
    let at = at.key(name);
    Ok(match name.as_str() {
        "value" => Test::In(vec![scalar_but_null(operand, &at)?]),
        "any" => Test::In(scalars(operand, &at)?),
        _ => Test::Except(scalars(operand, &at)?),
    })
}

fn range(value: &Value, at: &JsonPath) -> Result<Range> {
    let mut range = None;
    for (name, operand) in entries(value, at, "a range")? {
        let at = at.key(name);
        range = Some(narrowed(range, bound(name, &at)?, operand, &at)?);
    }
    range.map_or_else(|| refuse(at, "empty; give gt, gte, lt or lte"), Ok)
}

fn count(value: &Value, at: &JsonPath) -> Result<Interval<Number>> {
    let mut interval = Interval::default();
    for (name, operand) in entries(value, at, "a range")? {
        let at = at.key(name);
        let comparison = bound(name, &at)?;
        match Literal::read(operand, &at)? {
            Literal::Number(number) => interval.narrow(comparison, number),
            _ => return refuse(&at, "must be a number"),
        }
    }
    Ok(interval)
}

fn bound(name: &str, at: &JsonPath) -> Result<Comparison> {
    match name {
        "gt" => Ok(Comparison::Gt),
        "gte" => Ok(Comparison::Gte),
        "lt" => Ok(Comparison::Lt),
        "lte" => Ok(Comparison::Lte),
        _ => refuse(at, "unknown bound; use gt, gte, lt, lte"),
    }
}

fn scalar_but_null(value: &Value, at: &JsonPath) -> Result<Scalar> {
    match scalar(value, at)? {
        Scalar::Null => refuse(at, "null is no value to match; use { is_null: { key } }"),
        scalar => Ok(scalar),
    }
}

fn ids(value: &Value, at: &JsonPath) -> Result<Vec<Box<str>>> {
    let id = |(i, value): (usize, &Value)| match value.as_str() {
        Some(id) => Ok(id.into()),
        None => refuse(&at.item(i), "an id must be a string"),
    };
    list(value, at, "ids")?.iter().enumerate().map(id).collect()
}

fn key(entries: &Map<String, Value>, at: &JsonPath) -> Result<Path> {
    let place = at.key("key");
    match required(entries, at, "key")?.as_str() {
        Some(key) => path(key, &place),
        None => refuse(&place, "must be the path of a field, as a string"),
    }
}
