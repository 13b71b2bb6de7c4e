//! A filter in a request body, and its JSON schema: the grammar of `crate::filter`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json, value::RawValue};

/// A filter's JSON text, passed on to the only parser. The parser rejects null, so null is never
/// mistaken for the absence of a filter.
pub struct FilterText(Box<RawValue>);

impl FilterText {
    pub fn text(&self) -> &str {
        self.0.get()
    }

    pub fn into_raw(self) -> Box<RawValue> {
        self.0
    }
}

impl<'de> Deserialize<'de> for FilterText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for FilterText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Filter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "$ref": "#/components/schemas/Filter" })
    }
}

/// The schemas of filters, by name.
pub fn schemas() -> Map<String, Value> {
    let schema = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let list = |items: Value| json!({ "type": "array", "minItems": 1, "items": items });
    // A dotted path that is neither an operator nor a clause.
    let field = r"^(?!(must|should|must_not)$)[^.$][^.]*(\.[^.]+)*$";
    let path = json!({ "type": "string", "pattern": r"^[^.]+(\.[^.]+)*$" });
    let date = json!({
        "type": "object",
        "description": "An instant, which compares with nothing but strings that are dates.",
        "properties": { "$date": { "anyOf": [
            { "type": "string", "format": "date" },
            { "type": "string", "format": "date-time" },
        ] } },
        "required": ["$date"],
        "additionalProperties": false,
    });
    let scalar = json!({
        "description": "Numbers compare by value. An integer has at most 64 bits, signed or not; \
            beyond them, give a float, such as 1e30.",
        "anyOf": [
            { "type": ["string", "number", "boolean", "null"] },
            schema("FilterDate"),
        ],
    });
    let some_scalar = json!({ "anyOf": [
        { "type": ["string", "number", "boolean"] },
        schema("FilterDate"),
    ] });
    let bounds = |operand: &Value, mark: &str| {
        let names = ["gt", "gte", "lt", "lte"].map(|name| format!("{mark}{name}"));
        names
            .map(|name| (name, operand.clone()))
            .into_iter()
            .collect::<Map<_, _>>()
    };
    let number = json!({ "type": "number" });
    let text = json!({ "anyOf": [{ "type": "string" }, schema("FilterDate")] });
    let range = |operand: &Value| {
        json!({
            "type": "object",
            "properties": bounds(operand, ""),
            "additionalProperties": false,
            "minProperties": 1,
        })
    };
    let ordered = json!({ "anyOf": [{ "type": ["string", "number"] }, schema("FilterDate")] });
    let mut operators = bounds(&ordered, "$");
    for name in ["$eq", "$ne"] {
        operators.insert(name.into(), schema("FilterValue"));
    }
    for name in ["$in", "$nin"] {
        operators.insert(name.into(), list(schema("FilterValue")));
    }
    operators.insert("$exists".into(), json!({ "type": "boolean" }));
    let object = |properties: Value| {
        let required: Vec<Value> = properties
            .as_object()
            .map(|properties| properties.keys().cloned().map(Value::from).collect())
            .unwrap_or_default();
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    let inner = object(json!({ "key": path }));
    let schemas = json!({
        "Filter": {
            "description": "Which vectors are meant, by their metadata. At least one condition: \
                fields with values or operators, or clauses. Nests up to 64 levels deep.",
            "anyOf": [schema("FieldFilter"), schema("ClauseFilter")],
            "examples": [
                { "category": "old_docs" },
                { "created_at": { "$lt": "2024-01-01" }, "$or": [{ "lang": "en" }, { "views": { "$gt": 5 } }] },
                { "must": [{ "key": "lang", "match": { "value": "en" } }] },
            ],
        },
        "FieldFilter": {
            "description": "Fields, by their dotted paths, with the value they equal, the values \
                they equal one of, or operators; and $and, $or, $not over further filters.",
            "type": "object",
            "minProperties": 1,
            "properties": {
                "$and": list(schema("Filter")),
                "$or": list(schema("Filter")),
                "$not": schema("Filter"),
            },
            "patternProperties": { field: { "anyOf": [
                schema("FilterValue"),
                list(schema("FilterValue")),
                schema("FieldOperators"),
            ] } },
            "additionalProperties": false,
        },
        "FieldOperators": {
            "description": "Conditions on one field, all of which must hold.",
            "type": "object",
            "minProperties": 1,
            "properties": operators,
            "additionalProperties": false,
        },
        "ClauseFilter": {
            "description": "All of must, at least one of should, none of must_not.",
            "type": "object",
            "minProperties": 1,
            "properties": {
                "must": list(schema("FilterCondition")),
                "should": list(schema("FilterCondition")),
                "must_not": list(schema("FilterCondition")),
            },
            "additionalProperties": false,
        },
        "FilterCondition": { "anyOf": [
            object(json!({ "key": path, "match": schema("FilterMatch") })),
            object(json!({ "key": path, "range": schema("FilterRange") })),
            object(json!({ "key": path, "values_count": range(&number) })),
            object(json!({ "is_empty": inner })),
            object(json!({ "is_null": inner })),
            object(json!({ "has_id": list(json!({ "type": "string" })) })),
            object(json!({ "type": { "const": "match" }, "key": path, "match_value": some_scalar })),
            object(json!({ "type": { "const": "range" }, "key": path, "range": schema("FilterRange") })),
            schema("ClauseFilter"),
        ] },
        "FilterMatch": { "anyOf": [
            object(json!({ "value": some_scalar })),
            object(json!({ "any": list(schema("FilterValue")) })),
            object(json!({ "except": list(schema("FilterValue")) })),
        ] },
        "FilterRange": {
            "description": "Bounds of one type, which must all hold for the same value.",
            "anyOf": [range(&number), range(&text)],
        },
        "FilterValue": scalar,
        "FilterDate": date,
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}
