//! The space for all responses together: a client that requests a lot and reads nothing must not
//! starve the others.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    body::PIECE,
    failure::{Failure, Handled},
};

/// Responses up to this size are not counted; the limit on connections bounds them.
const SMALL: usize = 64 << 10;
/// How much is handed to a connection at a time. The next part waits until the client has taken
/// this one, so that no response fills the system's buffers as a whole.
const CHUNK: usize = 64 << 10;

/// The remaining space.
pub struct Room {
    space: Arc<Semaphore>,
    pieces: u32,
}

/// A response's share of the space, released when it is dropped.
#[derive(Default)]
pub struct Share {
    held: Option<OwnedSemaphorePermit>,
    /// The share has been reserved before reading: if the response turns out larger and there is no
    /// space for it, it is dropped.
    optional: bool,
}

impl Room {
    /// Space for this many bytes, which must be at most `u32::MAX` pieces.
    pub fn new(bytes: usize) -> Self {
        let pieces = bytes.div_ceil(PIECE) as u32;
        Self {
            space: Arc::new(Semaphore::new(pieces as usize)),
            pieces,
        }
    }

    /// Reserves a share for a read of about this many bytes, before it begins; fails if there is no
    /// space.
    pub fn reserve(&self, bytes: usize) -> Handled<Share> {
        let mut share = Share {
            held: None,
            optional: true,
        };
        self.grow(&mut share, bytes)?;
        Ok(share)
    }

    /// Grows a share to this many bytes. The response to a change is sent in any case.
    fn grow(&self, share: &mut Share, bytes: usize) -> Handled<()> {
        if bytes <= SMALL {
            return Ok(());
        }
        // A response larger than the whole space takes all of it.
        let wanted = bytes.div_ceil(PIECE).min(self.pieces as usize);
        let held = share.held.as_ref().map_or(0, |held| held.num_permits());
        let more = wanted.saturating_sub(held) as u32;
        match self.space.clone().try_acquire_many_owned(more) {
            Ok(space) => match &mut share.held {
                Some(held) => held.merge(space),
                none => *none = Some(space),
            },
            Err(_) if share.optional => return Err(Failure::Overloaded),
            Err(_) => {}
        }
        Ok(())
    }

    /// The body of a response, which holds its share until it has been sent.
    pub fn body(&self, text: String, mut share: Share) -> Handled<Body> {
        self.grow(&mut share, text.len())?;
        if text.len() <= CHUNK {
            return Ok(Body::from(text));
        }
        let rest = Bytes::from(text);
        Ok(Body::new(Chunks {
            rest,
            _share: share,
        }))
    }

    #[cfg(test)]
    pub fn left(&self) -> usize {
        self.space.available_permits() * PIECE
    }
}

struct Chunks {
    rest: Bytes,
    _share: Share,
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.rest.len().min(CHUNK);
        let chunk = (length > 0).then(|| self.rest.split_to(length));
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
