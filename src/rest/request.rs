//! A request as a handler takes it, and the answer that it returns.

use std::{future::Future, marker::PhantomData};

use axum::{
    body::Body,
    extract::{FromRequestParts, MatchedPath, Query, RawPathParams, Request},
    http::{Extensions, Method, header, request::Parts},
};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::value::MapDeserializer};
use serde_json::Value;

use super::{
    Api, body,
    failure::{Failure, Handled},
    room::{Room, Share},
};
use crate::{
    calls::arguments::{self, Object},
    error::Error,
    workers,
};

/// A request, read and checked.
pub struct ApiRequest<P, Q, B> {
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
    fn read(api: &Api, request: Request) -> impl Future<Output = Handled<Self>> + Send;
}

/// No body. What is sent all the same is not read.
///
/// A `POST` is one of the requests that a browser sends for any web page without asking first,
/// unless it is said to be JSON. Other clients than browsers name no origin, and need not say so.
pub struct NoBody;

impl Content for NoBody {
    fn schema(_: &mut SchemaGenerator) -> Option<Value> {
        None
    }

    async fn read(_: &Api, request: Request) -> Handled<Self> {
        let headers = request.headers();
        let told = [header::ORIGIN, header::CONTENT_TYPE];
        if request.method() == Method::POST
            && told.iter().any(|name| headers.contains_key(name))
            && !body::is_json(headers)
        {
            return Err(Failure::NotJson);
        }
        Ok(NoBody)
    }
}

/// A JSON body, which is an object.
pub struct JsonBody<T>(pub T);

/// Up to this many bytes, a body is read by the thread that serves the connection.
const SHORT: usize = 64 << 10;

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Content for JsonBody<T> {
    fn schema(schemas: &mut SchemaGenerator) -> Option<Value> {
        Some(schemas.subschema_for::<T>().to_value())
    }

    async fn read(api: &Api, request: Request) -> Handled<Self> {
        let taken = body::take(api, request).await?;
        let length = taken.bytes().len();
        let read = move || -> Result<T, Error> {
            let text = std::str::from_utf8(taken.bytes())
                .map_err(|_| Error::Validation("body: not valid UTF-8".into()))?;
            let Object(body) = arguments::read(text, "body")?;
            Ok(body)
        };
        if length <= SHORT {
            return Ok(JsonBody(read()?));
        }
        Ok(JsonBody(workers::run_blocking(read).await?))
    }
}

/// An answer, serialised where it was made.
pub struct Answer<A> {
    text: String,
    share: Share,
    kind: PhantomData<fn() -> A>,
}

impl<A: Serialize> Answer<A> {
    pub fn of(value: &A) -> Result<Self, Error> {
        let text = serde_json::to_string(value)
            .map_err(|error| Error::Internal(format!("an answer is no JSON: {error}")))?;
        Ok(Self {
            text,
            share: Share::default(),
            kind: PhantomData,
        })
    }
}

impl<A> Answer<A> {
    /// The same, of what was read into a share of the space for answers.
    pub fn within(self, share: Share) -> Self {
        Self { share, ..self }
    }

    /// The answer's JSON text.
    pub fn body(self, room: &Room) -> Handled<Body> {
        room.body(self.text, self.share)
    }
}

/// What a handler returns.
pub type Answered<A> = Handled<Answer<A>>;

/// The route a request was matched to, as the table has it.
pub fn matched(extensions: &Extensions) -> &str {
    extensions
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str)
}

/// Reads a request. `id` is the one that its path has a word for in place of a parameter.
pub async fn read<P, Q, B>(
    api: &Api,
    request: Request,
    id: Option<&'static str>,
) -> Handled<ApiRequest<P, Q, B>>
where
    P: DeserializeOwned,
    Q: DeserializeOwned,
    B: Content,
{
    let (mut parts, body) = request.into_parts();
    let at = path(&mut parts, id).await?;
    let query = query(&parts)?;
    let body = B::read(api, Request::from_parts(parts, body)).await?;
    Ok(ApiRequest { at, query, body })
}

async fn path<P: DeserializeOwned>(parts: &mut Parts, id: Option<&'static str>) -> Handled<P> {
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

fn query<Q: DeserializeOwned>(parts: &Parts) -> Handled<Q> {
    let Query(query) = Query::try_from_uri(&parts.uri).map_err(|refused| {
        let why = refused.body_text();
        let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why);
        Failure::Invalid(format!("query.{why}"))
    })?;
    Ok(query)
}
