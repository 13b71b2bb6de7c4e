//! Names in paths.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The schema of a collection's name.
pub struct Name;

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"^[^/\\\u0000-\u001f\u007f-\u009f]+$",
            "not": { "enum": [".", ".."] },
        })
    }
}

/// The schema of a collection's description.
pub struct Description;

impl JsonSchema for Description {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Description".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": 1024,
            "pattern": r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]+$",
        })
    }
}

/// A collection in a path.
#[derive(Deserialize, JsonSchema)]
pub struct InCollection {
    /// The collection's name.
    #[schemars(with = "Name")]
    pub collection: String,
}

/// A vector in a path.
#[derive(Deserialize, JsonSchema)]
pub struct OfVector {
    /// The collection's name.
    #[schemars(with = "Name")]
    pub collection: String,
    /// The vector's id, percent-encoded.
    #[schemars(length(min = 1))]
    pub id: String,
}
