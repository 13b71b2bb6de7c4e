//! Reading request bodies: JSON only, with limits on their size, on the time they take, and on the
//! space for all bodies together, so that no client starves the others.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Api,
    failure::{Failure, Handled},
};

/// The space for all bodies is counted in pieces of this many bytes.
pub const PIECE: usize = 4 << 10;

/// A body and its share of the space for all bodies, which is released when this is dropped.
pub struct Taken {
    bytes: Vec<u8>,
    space: Option<OwnedSemaphorePermit>,
}

impl Taken {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Whether a request declares its body to be JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let Some(kind) = value.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads the whole body of a request.
pub async fn take(api: &Api, request: Request) -> Handled<Taken> {
    if !is_json(request.headers()) {
        return Err(Failure::NotJson);
    }
    let limit = api.options.max_body_bytes;
    let too_large = Failure::TooLarge { limit };
    let body = request.into_body();
    // A body that is announced as too large is not read at all.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    let all = collect(api, body, limit);
    let timeout = api.options.body_timeout();
    tokio::time::timeout(timeout, all)
        .await
        .unwrap_or(Err(Failure::Timeout))
}

async fn collect(api: &Api, mut body: Body, limit: usize) -> Handled<Taken> {
    let mut taken = Taken {
        bytes: Vec::new(),
        space: None,
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
            match &mut taken.space {
                Some(held) => held.merge(space),
                none => *none = Some(space),
            }
        }
        taken.bytes.extend_from_slice(&data);
    }
    Ok(taken)
}

/// How much of an unwanted body is read, and for how long.
const UNWANTED: (u64, Duration) = (64 << 20, Duration::from_secs(5));

/// A body that is lent to a handler.
struct Lent(Arc<Mutex<SharedBody>>);

struct SharedBody {
    body: Body,
    begun: bool,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut loan = self.0.lock();
        loan.begun = true;
        Pin::new(&mut loan.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

/// Reads the rest of a body that a handler has not read to the end, and discards it. A connection
/// with unread bytes is reset when it is closed, so a client that sends its whole request before it
/// reads would never see why it was refused.
pub async fn read_on(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    // A client that sends `Expect` waits for permission before it sends the body.
    let waits = parts.headers.contains_key(header::EXPECT);
    let loan = Arc::new(Mutex::new(SharedBody { body, begun: false }));
    let lent = Body::new(Lent(loan.clone()));
    let response = next.run(Request::from_parts(parts, lent)).await;
    // The handler has returned the body, unless its work continues without the response.
    if let Some(loan) = Arc::into_inner(loan).map(Mutex::into_inner)
        && !loan.body.is_end_stream()
        && (loan.begun || !waits)
        && !response.headers().contains_key(header::CONNECTION)
    {
        let (max, time) = UNWANTED;
        tokio::spawn(tokio::time::timeout(time, drop_all(loan.body, max)));
    }
    response
}

async fn drop_all(mut body: Body, max: u64) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read > max {
            return;
        }
    }
}
