//! A request as a handler receives it, and the response that it returns.

use std::{future::Future, marker::PhantomData};

use axum::{
    body::Body,
    extract::{FromRequestParts, MatchedPath, Query, RawPathParams, Request},
    http::{Extensions, Method, StatusCode, header, request::Parts},
};
use percent_encoding::percent_decode_str;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::value::MapDeserializer};
use serde_json::Value;

use super::{
    Api, body,
    failure::{ErrorBody, Failure, Handled},
    room::{Room, Share},
};
use crate::{
    calls::arguments::{self, Object},
    error::Error,
    workers,
};

/// A request, parsed and checked.
pub struct ApiRequest<P, Q, B> {
    /// The parameters of its path.
    pub at: P,
    pub query: Q,
    pub body: B,
}

/// The path of a route without parameters.
#[derive(Deserialize, JsonSchema)]
pub struct Anywhere {}

/// The query of a route without parameters. An unknown parameter is an error: an id that was not
/// escaped, as in `/vectors/a?b`, must not delete `a`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoQuery {}

/// How a route reads its body.
pub trait Content: Sized + Send {
    fn schema(schemas: &mut SchemaGenerator) -> Option<Value>;
    fn read(api: &Api, request: Request) -> impl Future<Output = Handled<Self>> + Send;
}

/// No body. If one is sent anyway, it is not read.
///
/// A browser sends a `POST` for any web page without asking first, unless it is declared as JSON.
/// Clients other than browsers send no origin, and need not declare it.
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

/// A JSON body, which must be an object.
pub struct JsonBody<T>(pub T);

/// Up to this many bytes, a body is parsed on the thread that serves the connection.
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

/// A response, serialised where it was made.
pub struct Answer<A> {
    text: String,
    share: Share,
    /// The status, if it is not the route's own.
    status: Option<StatusCode>,
    kind: PhantomData<fn() -> A>,
}

impl<A: Serialize> Answer<A> {
    pub fn of(value: &A) -> Result<Self, Error> {
        Ok(Self::with(None, serialized(value)?))
    }
}

fn serialized(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| Error::Internal(format!("an answer is no JSON: {error}")))
}

impl<A> Answer<A> {
    /// An error with a report, which may be as large as the report of a success.
    pub fn refused(status: StatusCode, body: &ErrorBody) -> Result<Self, Error> {
        Ok(Self::with(Some(status), serialized(body)?))
    }

    fn with(status: Option<StatusCode>, text: String) -> Self {
        Self {
            text,
            share: Share::default(),
            status,
            kind: PhantomData,
        }
    }

    /// The status of the response; `success` is the route's own.
    pub fn status(&self, success: StatusCode) -> StatusCode {
        self.status.unwrap_or(success)
    }

    /// The same, with the share of the space for responses that was reserved for it.
    pub fn within(self, share: Share) -> Self {
        Self { share, ..self }
    }

    /// The response's JSON text.
    pub fn body(self, room: &Room) -> Handled<Body> {
        room.body(self.text, self.share)
    }
}

/// The result of a handler.
pub type Answered<A> = Handled<Answer<A>>;

/// The pattern of the route that a request matched.
pub fn matched(extensions: &Extensions) -> &str {
    extensions
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str)
}

/// The parameter that a path contains as a fixed segment, and its value.
pub type Fixed = Option<(&'static str, &'static str)>;

/// Reads a request.
pub async fn read<P, Q, B>(
    api: &Api,
    request: Request,
    fixed: Fixed,
) -> Handled<ApiRequest<P, Q, B>>
where
    P: DeserializeOwned,
    Q: DeserializeOwned,
    B: Content,
{
    let (mut parts, body) = request.into_parts();
    let at = path(&mut parts, fixed).await?;
    let query = query(&parts)?;
    let body = B::read(api, Request::from_parts(parts, body)).await?;
    Ok(ApiRequest { at, query, body })
}

async fn path<P: DeserializeOwned>(parts: &mut Parts, fixed: Fixed) -> Handled<P> {
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
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pairs = pairs.into_iter().chain(fixed);
    let pairs = MapDeserializer::<_, serde::de::value::Error>::new(pairs);
    P::deserialize(pairs).map_err(|error| Failure::Invalid(format!("path: {error}")))
}

fn query<Q: DeserializeOwned>(parts: &Parts) -> Handled<Q> {
    if !parts.uri.query().is_none_or(is_utf8) {
        return Err(Failure::Invalid("query: not valid UTF-8".into()));
    }
    let Query(query) = Query::try_from_uri(&parts.uri).map_err(|refused| {
        let why = refused.body_text();
        let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why);
        Failure::Invalid(format!("query.{why}"))
    })?;
    Ok(query)
}

/// Whether a query is UTF-8 once its escapes are decoded: the parser would replace what is not.
fn is_utf8(query: &str) -> bool {
    percent_decode_str(query).decode_utf8().is_ok()
}
