//! Reading bodies: JSON only, up to a limit, in a limited time, and all bodies together in
//! a limited space, so that no client takes what the others need.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, header},
};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;

use super::{Api, failure::Failure};

/// The space for all bodies is counted in pieces of so many bytes.
pub const PIECE: usize = 4 << 10;

/// A body, and its share of the space there is for bodies, which it gives back when it is
/// dropped.
pub struct Taken {
    bytes: Vec<u8>,
    _space: Option<OwnedSemaphorePermit>,
}

impl Taken {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let Some(kind) = value.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Takes the whole body of a request.
pub async fn take(api: &Api, request: Request) -> Result<Taken, Failure> {
    if !is_json(request.headers()) {
        return Err(Failure::NotJson);
    }
    let limit = api.options.max_body_bytes;
    let too_large = Failure::TooLarge { limit };
    let body = request.into_body();
    // What is announced too large is not even begun.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    let all = collect(api, body, limit);
    let timeout = api.options.body_timeout();
    tokio::time::timeout(timeout, all)
        .await
        .unwrap_or(Err(Failure::Timeout))
}

async fn collect(api: &Api, mut body: Body, limit: usize) -> Result<Taken, Failure> {
    let mut taken = Taken {
        bytes: Vec::new(),
        _space: None,
    };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::Invalid(format!("body: {error}")))?;
        let Ok(data): Result<Bytes, _> = frame.into_data() else {
            continue;
        };
        if taken.bytes.len() + data.len() > limit {
            return Err(Failure::TooLarge { limit });
        }
        let pieces = |bytes: usize| bytes.div_ceil(PIECE) as u32;
        let more = pieces(taken.bytes.len() + data.len()) - pieces(taken.bytes.len());
        if more > 0 {
            let space = api.space.clone().try_acquire_many_owned(more);
            let space = space.map_err(|_| Failure::Overloaded)?;
            match &mut taken._space {
                Some(held) => held.merge(space),
                none => *none = Some(space),
            }
        }
        taken.bytes.extend_from_slice(&data);
    }
    Ok(taken)
}
