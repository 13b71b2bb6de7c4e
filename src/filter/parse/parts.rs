//! The parts common to all forms, and their position in the filter.

use std::fmt::{self, Display};

use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    filter::{
        date,
        number::Number,
        tree::{Comparison, Filter, Interval, Range, Scalar, StringRange, Test},
        value::Path,
    },
};

/// The parser's position in the filter. It is formatted only for an error.
#[derive(Clone, Copy)]
pub(super) enum JsonPath<'a> {
    Filter,
    Key(&'a JsonPath<'a>, &'a str),
    Item(&'a JsonPath<'a>, usize),
}

impl<'a> JsonPath<'a> {
    pub fn key(&'a self, key: &'a str) -> Self {
        JsonPath::Key(self, key)
    }

    pub fn item(&'a self, index: usize) -> Self {
        JsonPath::Item(self, index)
    }
}

impl Display for JsonPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            JsonPath::Filter => f.write_str("filter"),
            JsonPath::Key(parent, key) => write!(f, "{parent}.{key}"),
            JsonPath::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

pub(super) fn refuse<T>(at: &JsonPath, why: impl Display) -> Result<T> {
    Err(Error::Validation(format!("{at}: {why}")))
}

/// A value as written in the filter.
pub(super) enum Literal<'v> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'v str),
    Date(i128),
}

impl<'v> Literal<'v> {
    pub fn read(value: &'v Value, at: &JsonPath) -> Result<Self> {
        match value {
            Value::Null => Ok(Literal::Null),
            Value::Bool(value) => Ok(Literal::Bool(*value)),
            Value::String(text) => Ok(Literal::Text(text)),
            Value::Number(number) => match Number::of(number) {
                Some(number) => Ok(Literal::Number(number)),
                None => refuse(at, "not a finite number"),
            },
            Value::Object(entries) if entries.contains_key("$date") => {
                only(entries, at, &["$date"])?;
                let text = required(entries, at, "$date")?.as_str();
                match text.and_then(|text| date::instant(text.as_bytes())) {
                    Some(instant) => Ok(Literal::Date(instant)),
                    None => refuse(&at.key("$date"), "must be an RFC 3339 date or date-time"),
                }
            }
            Value::Array(_) | Value::Object(_) => refuse(
                at,
                "must be a single value: null, a boolean, a number, a string or a Date",
            ),
        }
    }
}

pub(super) fn scalar(value: &Value, at: &JsonPath) -> Result<Scalar> {
    Ok(match Literal::read(value, at)? {
        Literal::Null => Scalar::Null,
        Literal::Bool(value) => Scalar::Bool(value),
        Literal::Number(number) => Scalar::Number(number),
        Literal::Text(text) => Scalar::of_text(text),
        Literal::Date(instant) => Scalar::Instant(instant),
    })
}

/// A non-empty list of scalars.
pub(super) fn scalars(value: &Value, at: &JsonPath) -> Result<Vec<Scalar>> {
    let values = list(value, at, "values")?.iter().enumerate();
    values
        .map(|(i, value)| scalar(value, &at.item(i)))
        .collect()
}

/// The range with an additional bound.
pub(super) fn narrowed(
    range: Option<Range>,
    comparison: Comparison,
    operand: &Value,
    at: &JsonPath,
) -> Result<Range> {
    let literal = Literal::read(operand, at)?;
    let mut range = match (range, &literal) {
        (Some(range), _) => range,
        (None, Literal::Number(_)) => Range::Numbers(Interval::default()),
        (None, _) => Range::Strings(StringRange::default()),
    };
    match (&mut range, literal) {
        (Range::Numbers(range), Literal::Number(number)) => range.narrow(comparison, number),
        (Range::Strings(range), Literal::Text(text)) => range.narrow_by_text(comparison, text),
        (Range::Strings(range), Literal::Date(date)) => range.narrow_by_date(comparison, date),
        (_, Literal::Null | Literal::Bool(_)) => {
            return refuse(at, "must be a number, a string or a Date");
        }
        _ => return refuse(at, "the bounds of one range must be of one type"),
    }
    Ok(range)
}

pub(super) fn path(text: &str, at: &JsonPath) -> Result<Path> {
    Path::new(text).map_or_else(
        || {
            refuse(
                at,
                "not the path of a field: a part between its dots is empty",
            )
        },
        Ok,
    )
}

pub(super) fn test(path: Path, test: Test) -> Filter {
    Filter::Field { path, test }
}

/// A non-empty list: an empty one says nothing, and its complement would match everything.
pub(super) fn list<'v>(value: &'v Value, at: &JsonPath, of: &str) -> Result<&'v [Value]> {
    match value.as_array().map(Vec::as_slice) {
        None => refuse(at, format_args!("must be a list of {of}")),
        Some([]) => refuse(at, format_args!("the list of {of} is empty")),
        Some(items) => Ok(items),
    }
}

/// The entries of a non-empty object.
pub(super) fn entries<'v>(
    value: &'v Value,
    at: &JsonPath,
    what: &str,
) -> Result<&'v Map<String, Value>> {
    match value.as_object() {
        None => refuse(at, format_args!("{what} must be an object")),
        Some(entries) if entries.is_empty() => refuse(
            at,
            format_args!("{what} must have at least one condition; this one is empty"),
        ),
        Some(entries) => Ok(entries),
    }
}

pub(super) fn required<'v>(
    entries: &'v Map<String, Value>,
    at: &JsonPath,
    name: &str,
) -> Result<&'v Value> {
    let value = entries.get(name);
    value.map_or_else(|| refuse(at, format_args!("{name} is missing")), Ok)
}

pub(super) fn only(entries: &Map<String, Value>, at: &JsonPath, names: &[&str]) -> Result<()> {
    match entries.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => refuse(
            &at.key(name),
            format_args!("unexpected here; expected {}", names.join(", ")),
        ),
        None => Ok(()),
    }
}
