//! The OpenAPI document (version 3.1), built one route at a time.

pub mod filter;
pub mod metadata;
pub mod names;
pub mod numbers;
pub mod table;

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::rest::{failure::ErrorBody, guard::is_open, request::Content};

/// The documentation of a route.
pub struct About {
    /// Unique, for generated clients.
    pub id: &'static str,
    pub tag: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Further explanation; may be empty.
    pub description: &'static str,
    pub success: StatusCode,
    /// The possible failures besides those of every route.
    pub failures: &'static [StatusCode],
    /// An example of the body, for a route that takes one.
    pub example: Option<Value>,
    /// An example of the response.
    pub answer: Value,
    /// Links from the response to other routes, with the parts of it that they take as parameters.
    pub links: &'static [Link],
}

/// A link from a response to another route.
pub struct Link {
    /// The other route's `id`.
    pub to: &'static str,
    /// Its parameters, as OpenAPI runtime expressions.
    pub with: &'static [(&'static str, &'static str)],
}

impl About {
    pub fn new(id: &'static str, tag: &'static str, summary: &'static str, answer: Value) -> Self {
        Self {
            id,
            tag,
            summary,
            description: "",
            success: StatusCode::OK,
            failures: &[],
            example: None,
            answer,
            links: &[],
        }
    }

    pub fn more(self, description: &'static str) -> Self {
        Self {
            description,
            ..self
        }
    }

    pub fn creates(self) -> Self {
        Self {
            success: StatusCode::CREATED,
            ..self
        }
    }

    pub fn fails(self, failures: &'static [StatusCode]) -> Self {
        Self { failures, ..self }
    }

    pub fn takes(self, example: Value) -> Self {
        Self {
            example: Some(example),
            ..self
        }
    }

    pub fn leads(self, links: &'static [Link]) -> Self {
        Self { links, ..self }
    }
}

/// The document as built so far.
pub struct Document {
    paths: BTreeMap<&'static str, Map<String, Value>>,
    /// The schemas of requests.
    requests: SchemaGenerator,
    /// The schemas of responses.
    answers: SchemaGenerator,
}

/// The failures that are possible for every request.
const ALWAYS: [StatusCode; 4] = [
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];
/// Further failures that are possible for requests with a body.
const WITH_BODY: [StatusCode; 3] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
];

impl Document {
    pub fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = "/components/schemas".into();
            })
        };
        Self {
            paths: BTreeMap::new(),
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }

    /// The content of a JSON response.
    pub fn json<A: JsonSchema>(&mut self, example: &Value) -> Value {
        let schema = self.answers.subschema_for::<A>().to_value();
        json!({ "application/json": { "schema": schema, "example": example } })
    }

    /// Adds a route with the content of its response.
    pub fn add<P: JsonSchema, Q: JsonSchema, B: Content>(
        &mut self,
        method: &Method,
        path: &'static str,
        about: &About,
        answer: Value,
    ) {
        let mut parameters = self.parameters::<P>("path");
        // A parameter may be replaced by a fixed segment of the path.
        parameters.retain(|parameter| {
            let name = parameter["name"].as_str().unwrap_or_default();
            path.contains(&format!("{{{name}}}"))
        });
        parameters.extend(self.parameters::<Q>("query"));
        let mut operation = json!({
            "operationId": about.id,
            "tags": [about.tag],
            "summary": about.summary,
        });
        if !about.description.is_empty() {
            operation["description"] = about.description.into();
        }
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        let mut failures: Vec<StatusCode> = ALWAYS.to_vec();
        failures.extend(about.failures);
        if is_open(path) {
            operation["security"] = json!([]);
        } else {
            failures.push(StatusCode::UNAUTHORIZED);
        }
        if let Some(schema) = B::schema(&mut self.requests) {
            failures.extend(WITH_BODY);
            let mut content = json!({ "schema": schema });
            if let Some(example) = &about.example {
                content["example"] = example.clone();
            }
            operation["requestBody"] = json!({
                "required": true,
                "content": { "application/json": content },
            });
        }
        failures.sort_unstable();
        failures.dedup();
        let reason = |status: StatusCode| status.canonical_reason().unwrap_or_default();
        let mut responses = Map::new();
        let mut success = json!({ "description": reason(about.success), "content": answer });
        for link in about.links {
            let with: Map<String, Value> = link
                .with
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect();
            success["links"][link.to] = json!({ "operationId": link.to, "parameters": with });
        }
        responses.insert(about.success.as_str().to_owned(), success);
        for status in failures {
            let name = reason(status).replace(' ', "");
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            responses.insert(status.as_str().to_owned(), reference);
        }
        operation["responses"] = responses.into();
        let method = method.as_str().to_lowercase();
        self.paths
            .entry(path)
            .or_default()
            .insert(method, operation);
    }

    /// The properties of a struct, as parameters.
    fn parameters<P: JsonSchema>(&mut self, place: &str) -> Vec<Value> {
        let schema = self.requests.root_schema_for::<P>().to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let Some(properties) = schema["properties"].as_object() else {
            return Vec::new();
        };
        let parameter = |(name, schema): (&String, &Value)| {
            let mut schema = schema.clone();
            let description = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            let mut parameter = json!({
                "name": name,
                "in": place,
                "required": required.contains(&json!(name)),
                "schema": schema,
            });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            parameter
        };
        properties.iter().map(parameter).collect()
    }

    /// The finished document. Without a key, it does not mention one.
    pub fn finish(mut self, has_key: bool) -> Value {
        let error = self.answers.subschema_for::<ErrorBody>().to_value();
        let mut schemas = self.requests.take_definitions(true);
        schemas.extend(self.answers.take_definitions(true));
        schemas.extend(filter::schemas());
        let mut responses = Map::new();
        let used = self.paths.values().flat_map(Map::values);
        let statuses = used.flat_map(|operation| {
            let responses = operation["responses"].as_object();
            responses.into_iter().flat_map(Map::keys)
        });
        for status in statuses.filter_map(|status| status.parse::<StatusCode>().ok()) {
            if status.is_success() {
                continue;
            }
            let reason = status.canonical_reason().unwrap_or_default();
            let response = json!({
                "description": reason,
                "content": { "application/json": { "schema": error } },
            });
            responses.insert(reason.replace(' ', ""), response);
        }
        let mut document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "vectorizer-native",
                "version": env!("CARGO_PKG_VERSION"),
                "summary": env!("CARGO_PKG_DESCRIPTION"),
                "description": "Every error has a body of the schema `ErrorBody`. A request \
                    that is refused has changed nothing.",
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "security": [{ "bearer": [] }, { "apiKey": [] }],
            "paths": self.paths,
            "components": {
                "schemas": schemas,
                "responses": responses,
                "securitySchemes": {
                    "bearer": { "type": "http", "scheme": "bearer" },
                    "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                },
            },
        });
        if !has_key {
            forget_the_key(&mut document);
        }
        document
    }
}

fn forget_the_key(document: &mut Value) {
    let mut forget = |place: &str, name: &str| {
        let place = document.pointer_mut(place).and_then(Value::as_object_mut);
        place.and_then(|place| place.remove(name));
    };
    forget("", "security");
    forget("/components", "securitySchemes");
    forget("/components/responses", "Unauthorized");
    let paths = document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut);
    let operations = paths
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut);
    for operation in operations.filter_map(Value::as_object_mut) {
        operation.remove("security");
        let responses = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut);
        responses.and_then(|responses| responses.remove("401"));
    }
}
