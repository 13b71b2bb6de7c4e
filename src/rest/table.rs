//! The table of routes. Of each entry both the router and the OpenAPI document are made, by
//! the types that its handler takes and returns, so that they cannot differ.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use axum::{
    Router,
    extract::{FromRequestParts, MatchedPath, Query, RawPathParams, Request, State},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::value::MapDeserializer};
use serde_json::{Map, Value, json};

use super::{
    Api, body,
    failure::{ErrorBody, Failure, Handled},
    filter,
};
use crate::{arguments, error::Error};

/// A request, read and checked.
pub struct Asked<P, Q, B> {
    /// What its path names.
    pub at: P,
    pub query: Q,
    pub body: B,
}

/// The path of a route that names nothing.
#[derive(Deserialize, JsonSchema)]
pub struct Anywhere {}

/// The query of a route that has none. A strange parameter is an error: an id that was not
/// escaped, as in `/vectors/a?b`, must not delete `a`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoQuery {}

/// What a route reads from the body.
pub trait Content: Sized + Send {
    fn schema(schemas: &mut SchemaGenerator) -> Option<Value>;
    fn read(api: &Api, request: Request) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// No body. What is sent all the same is not read.
pub struct NoBody;

impl Content for NoBody {
    fn schema(_: &mut SchemaGenerator) -> Option<Value> {
        None
    }

    async fn read(_: &Api, _: Request) -> Result<Self, Failure> {
        Ok(NoBody)
    }
}

/// A JSON body.
pub struct Sent<T>(pub T);

/// Up to this many bytes, a body is read by the thread that serves the connection.
const SHORT: usize = 64 << 10;

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Content for Sent<T> {
    fn schema(schemas: &mut SchemaGenerator) -> Option<Value> {
        Some(schemas.subschema_for::<T>().to_value())
    }

    async fn read(api: &Api, request: Request) -> Result<Self, Failure> {
        let taken = body::take(api, request).await?;
        let length = taken.bytes().len();
        let read = move || -> Result<T, Error> {
            let text = std::str::from_utf8(taken.bytes())
                .map_err(|_| Error::Validation("body: not valid UTF-8".into()))?;
            arguments::read(text, "body")
        };
        if length <= SHORT {
            return Ok(Sent(read()?));
        }
        let read = tokio::task::spawn_blocking(read).await;
        let stopped = |_| Err(Error::Internal("reading was stopped".into()));
        Ok(Sent(read.unwrap_or_else(stopped)?))
    }
}

/// An answer, serialised where it was made.
pub struct Answer<A> {
    text: String,
    kind: std::marker::PhantomData<fn() -> A>,
}

impl<A: Serialize> Answer<A> {
    pub fn of(value: &A) -> Result<Self, Error> {
        let text = serde_json::to_string(value)
            .map_err(|error| Error::Internal(format!("an answer is no JSON: {error}")))?;
        Ok(Self {
            text,
            kind: std::marker::PhantomData,
        })
    }
}

/// What a handler returns.
pub type Answered<A> = Handled<Answer<A>>;

/// What the documentation says of a route.
pub struct About {
    /// Unique, for generated clients.
    pub id: &'static str,
    pub tag: &'static str,
    /// One line.
    pub summary: &'static str,
    /// More, where there is more to say.
    pub description: &'static str,
    pub success: StatusCode,
    /// What may go wrong beside what may go wrong everywhere.
    pub failures: &'static [StatusCode],
    /// A body, for a route that takes one.
    pub example: Option<Value>,
    /// An answer.
    pub answer: Value,
    /// Where an answer leads: what can be asked next, and with which parts of it.
    pub links: &'static [Link],
}

/// A link from an answer to another route.
pub struct Link {
    /// The other route's `id`.
    pub to: &'static str,
    /// Its parameters, as runtime expressions of OpenAPI.
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

/// The routes so far.
pub struct Table {
    router: Router<Api>,
    paths: BTreeMap<&'static str, Map<String, Value>>,
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

/// What may go wrong with any request.
const ALWAYS: [StatusCode; 4] = [
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];
/// ... and with one that has a body.
const WITH_BODY: [StatusCode; 3] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
];

impl Table {
    pub fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = "/components/schemas".into();
            })
        };
        Self {
            router: Router::new(),
            paths: BTreeMap::new(),
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }

    /// Adds a route whose answer is JSON.
    pub fn route<P, Q, B, A, F, R>(
        mut self,
        method: Method,
        path: &'static str,
        about: About,
        handler: F,
    ) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send + 'static,
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: Content + 'static,
        A: JsonSchema + 'static,
        F: Fn(Api, Asked<P, Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answered<A>> + Send + 'static,
    {
        let serve = serving(about.success, None, handler);
        let schema = self.answers.subschema_for::<A>().to_value();
        let answer = json!({ "application/json": { "schema": schema, "example": about.answer } });
        self.document::<P, Q, B>(&method, path, &about, answer);
        self.add(method, path, serve)
    }

    /// Adds a route that answers with a text of another kind.
    pub fn text<F, R>(
        mut self,
        path: &'static str,
        kind: &'static str,
        about: About,
        handler: F,
    ) -> Self
    where
        F: Fn(Api) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<String, Failure>> + Send + 'static,
    {
        let serve = move |State(api): State<Api>, request: Request| {
            let handler = handler.clone();
            async move {
                let answered = match read::<Anywhere, NoQuery, NoBody>(&api, request, None).await {
                    Ok(_) => handler(api).await,
                    Err(failure) => Err(failure),
                };
                match answered {
                    Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
                    Err(failure) => failure.into_response(),
                }
            }
        };
        let name = kind.split(';').next().unwrap_or(kind);
        let schema = match name {
            "application/json" => json!({ "type": "object" }),
            _ => json!({ "type": "string" }),
        };
        let answer = json!({ name: { "schema": schema } });
        self.document::<Anywhere, NoQuery, NoBody>(&Method::GET, path, &about, answer);
        self.add(Method::GET, path, serve)
    }

    fn add<F, R>(mut self, method: Method, path: &str, serve: F) -> Self
    where
        F: Fn(State<Api>, Request) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let route: MethodRouter<Api> = match MethodFilter::try_from(method) {
            Ok(filter) => on(filter, serve),
            // No method of the table is unknown to the router.
            Err(_) => MethodRouter::new(),
        };
        self.router = self.router.route(path, route);
        self
    }

    fn document<P: JsonSchema, Q: JsonSchema, B: Content>(
        &mut self,
        method: &Method,
        path: &'static str,
        about: &About,
        answer: Value,
    ) {
        let mut parameters = self.parameters::<P>("path");
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

    /// The properties of a structure, as parameters.
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

    /// Adds to the route of `path`, which is one of the paths that `pattern` matches, a method
    /// of the latter: the router takes the former, and a vector whose id is the word that
    /// `path` has for `{id}` would not be reached.
    pub fn beside<P, Q, B, A, F, R>(
        self,
        method: Method,
        path: &'static str,
        id: &'static str,
        handler: F,
    ) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        Q: DeserializeOwned + Send + 'static,
        B: Content + 'static,
        A: 'static,
        F: Fn(Api, Asked<P, Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answered<A>> + Send + 'static,
    {
        self.add(method, path, serving(StatusCode::OK, Some(id), handler))
    }

    /// The router, and the document of what it routes. Where there is no key, the document
    /// does not speak of one.
    pub fn finish(mut self, has_key: bool) -> (Router<Api>, Value) {
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
        (self.router, document)
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

/// Whether a route is open without the API key: whoever watches whether the server is up
/// learns nothing else.
pub fn is_open(path: &str) -> bool {
    path == "/health"
}

/// The route a request was matched to, as the table has it.
pub fn matched(parts: &axum::http::Extensions) -> &str {
    parts.get::<MatchedPath>().map_or("", MatchedPath::as_str)
}

/// What the router calls: reads a request, asks the handler, and writes its answer. `id` is
/// the one that the path has a word for in place of a parameter.
fn serving<P, Q, B, A, F, R>(
    success: StatusCode,
    id: Option<&'static str>,
    handler: F,
) -> impl Fn(State<Api>, Request) -> Pin<Box<dyn Future<Output = Response> + Send>>
+ Clone
+ Send
+ Sync
+ 'static
where
    P: DeserializeOwned + Send + 'static,
    Q: DeserializeOwned + Send + 'static,
    B: Content + 'static,
    A: 'static,
    F: Fn(Api, Asked<P, Q, B>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answered<A>> + Send + 'static,
{
    move |State(api): State<Api>, request: Request| {
        let handler = handler.clone();
        Box::pin(async move {
            let answered = match read::<P, Q, B>(&api, request, id).await {
                Ok(asked) => handler(api, asked).await,
                Err(failure) => Err(failure),
            };
            match answered {
                Ok(answer) => {
                    let json = [(header::CONTENT_TYPE, "application/json")];
                    (success, json, answer.text).into_response()
                }
                Err(failure) => failure.into_response(),
            }
        })
    }
}

async fn read<P, Q, B>(
    api: &Api,
    request: Request,
    id: Option<&'static str>,
) -> Result<Asked<P, Q, B>, Failure>
where
    P: DeserializeOwned,
    Q: DeserializeOwned,
    B: Content,
{
    let (mut parts, body) = request.into_parts();
    let at = path(&mut parts, id).await?;
    let query = query(&parts)?;
    let body = B::read(api, Request::from_parts(parts, body)).await?;
    Ok(Asked { at, query, body })
}

async fn path<P: DeserializeOwned>(
    parts: &mut Parts,
    id: Option<&'static str>,
) -> Result<P, Failure> {
    let has_parameters = matched(&parts.extensions).contains('{');
    let pairs: Vec<(String, String)> = if has_parameters {
        let raw = RawPathParams::from_request_parts(parts, &()).await;
        let raw = raw.map_err(|_| Failure::Invalid("path: not valid UTF-8".into()))?;
        let owned = raw
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        owned.collect()
    } else {
        Vec::new()
    };
    let id = id.map(|id| ("id".to_owned(), id.to_owned()));
    let pairs = pairs.into_iter().chain(id);
    let pairs = MapDeserializer::<_, serde::de::value::Error>::new(pairs);
    P::deserialize(pairs).map_err(|error| Failure::Invalid(format!("path: {error}")))
}

fn query<Q: DeserializeOwned>(parts: &Parts) -> Result<Q, Failure> {
    let Query(query) = Query::try_from_uri(&parts.uri).map_err(|refused| {
        let why = refused.body_text();
        let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why);
        Failure::Invalid(format!("query.{why}"))
    })?;
    Ok(query)
}
