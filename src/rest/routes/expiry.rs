//! Routes that decide when vectors expire.

use schemars::JsonSchema;
use serde::Deserialize;

use super::collections::Done;
use crate::calls::{
    Dispatch,
    expiry::{CollectionTtl, ExpiresAt, Ttl, VectorExpiry, required},
};
use crate::rest::{
    Api,
    document::{
        names::{InCollection, OfVector},
        numbers::Whole,
    },
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoBody, NoQuery},
};

/// When a vector expires.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = ["expires_at"]))]
pub struct NewExpiry {
    /// Milliseconds since 1970, or a time as in RFC 3339. Null: never, or as the collection's TTL
    /// says.
    #[serde(deserialize_with = "required")]
    expires_at: Option<ExpiresAt>,
}

/// When the vectors of a collection expire that have no expiry of their own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = ["ttl_secs"]))]
pub struct NewTtl {
    /// How many seconds after a vector was inserted. Null: never.
    #[serde(deserialize_with = "required")]
    #[schemars(with = "Option<Whole>", range(min = 1, max = 4_294_967_295_u32))]
    ttl_secs: Option<Ttl>,
}

pub async fn set_vector(
    api: Api,
    request: ApiRequest<OfVector, NoQuery, JsonBody<NewExpiry>>,
) -> Answered<VectorExpiry> {
    let OfVector { collection, id } = request.at;
    let at = request.body.0.expires_at.map(|ExpiresAt(at)| at);
    api.run(Dispatch::of_update(None, 0), move |call, access| {
        call.collection(&collection)?.set_expiry(access, &id, at)?;
        Answer::of(&VectorExpiry::new(&collection, &id, at))
    })
    .await
}

pub async fn set_ttl(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<NewTtl>>,
) -> Answered<CollectionTtl> {
    let name = request.at.collection;
    let ttl = request.body.0.ttl_secs.map(|Ttl(seconds)| seconds);
    // The expiry of every vector changes.
    api.run(Dispatch::Blocking, move |call, access| {
        call.collection(&name)?.set_ttl(access, ttl)?;
        Answer::of(&CollectionTtl::new(&name, ttl))
    })
    .await
}

pub async fn resume(api: Api, _: ApiRequest<Anywhere, NoQuery, NoBody>) -> Answered<Done> {
    api.run(Dispatch::Inline, |call, _| {
        call.resume_expiry();
        Done::new("expiry is not paused".into())
    })
    .await
}
