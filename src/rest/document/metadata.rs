//! Metadata in request bodies.

use std::{borrow::Cow, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    error::{self, Error},
    json::{Piece, is_beyond_64_bits, pieces},
};

/// Metadata as it is sent: any JSON object, whose text is kept.
pub struct Metadata(Box<str>);

impl Metadata {
    /// The length of its text.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    pub fn into_text(self) -> Box<str> {
        self.0
    }
}

/// Stored metadata, which is the text of a JSON object.
pub fn stored_metadata(metadata: Option<Box<str>>) -> error::Result<Option<Arc<RawValue>>> {
    let raw = metadata.map(|text| RawValue::from_string(text.into()));
    let raw = raw.transpose().map_err(|error| {
        Error::Internal(format!("the metadata of a vector is no JSON: {error}"))
    })?;
    Ok(raw.map(Arc::from))
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // A reader would round it silently.
        if let Some(number) = rounded(raw.get()) {
            return Err(de::Error::custom(format_args!(
                "{number:.40} is an integer of more than 64 bits, which would be rounded: \
                 give it as a string"
            )));
        }
        let object: Map<String, Value> =
            serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        Ok(Self(text(object).into()))
    }
}

/// The first integer of more than 64 bits that a float cannot represent.
fn rounded(json: &str) -> Option<&str> {
    pieces(json).find_map(|piece| match piece {
        Piece::Number(number) if is_beyond_64_bits(number) && !is_float(number) => Some(number),
        _ => None,
    })
}

/// Whether an integer is a float, either to the last digit or as JavaScript writes it.
fn is_float(integer: &str) -> bool {
    let float = integer.parse::<f64>();
    float.is_ok_and(|float| format!("{float:.0}") == integer || format!("{float}") == integer)
}

fn text(object: Map<String, Value>) -> String {
    const MINUS_ZERO: &str = "-0.0";
    let text = Value::Object(object).to_string();
    if !text.contains(MINUS_ZERO) {
        return text;
    }
    // Minus zero equals zero, and JavaScript would not write it back as it is.
    let pieces = pieces(&text).map(|piece| match piece {
        Piece::Number(MINUS_ZERO) => "0.0",
        piece => piece.text(),
    });
    pieces.collect()
}

impl JsonSchema for Metadata {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Metadata".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        Map::<String, Value>::json_schema(schemas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Result<String, serde_json::Error> {
        let Metadata(kept) = serde_json::from_str(text)?;
        Ok(kept.into())
    }

    #[test]
    fn numbers_are_kept_as_they_are() {
        let cases = [
            (
                r#"{ "a" : 1234567890123456789 }"#,
                r#"{"a":1234567890123456789}"#,
            ),
            (r#"{"a":[18446744073709551615,-9223372036854775808]}"#, ""),
            (r#"{"a":"18446744073709551617"}"#, ""),
            (
                r#"{"a":[-0.0,-0,0,-1],"-0.0":"-0.0"}"#,
                r#"{"a":[0.0,0.0,0,-1],"-0.0":"-0.0"}"#,
            ),
            // Floats, as JavaScript writes them and to their last digit.
            (r#"{"a":100000000000000000000}"#, r#"{"a":1e+20}"#),
            (
                r#"{"a":18446744073709551616}"#,
                r#"{"a":1.8446744073709552e+19}"#,
            ),
        ];
        for (sent, expected) in cases {
            let expected = if expected.is_empty() { sent } else { expected };
            assert_eq!(kept(sent).unwrap(), expected);
        }
    }

    #[test]
    fn what_would_be_rounded_is_refused_and_so_is_what_is_no_object() {
        let long = format!(r#"{{"a":{}}}"#, "1".repeat(1000));
        let refused = [
            (
                r#"{"a":[1,18446744073709551617]}"#,
                "18446744073709551617 is an integer of more",
            ),
            (
                r#"{"a":-9223372036854775809}"#,
                "-9223372036854775809 is an integer of more",
            ),
            (
                &long,
                "1111111111111111111111111111111111111111 is an integer",
            ),
            (r#"{"a":1e999}"#, "number out of range"),
            ("5", "invalid type: integer `5`, expected a map"),
            ("[]", "invalid type: sequence, expected a map"),
        ];
        for (sent, message) in refused {
            let error = kept(sent).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
