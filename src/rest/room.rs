//! The space for answers, all together: a client that asks for much and reads nothing must
//! not take what the others need.

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

/// Answers up to this size are not counted: the number of connections bounds them.
const SMALL: usize = 64 << 10;
/// What is handed to a connection at a time. It waits until the client has taken it, so that
/// no answer goes into the buffers of the system whole.
const CHUNK: usize = 64 << 10;

/// The space that is left.
pub struct Room {
    space: Arc<Semaphore>,
    pieces: u32,
}

/// An answer's share of it, given back when it is dropped.
#[derive(Default)]
pub struct Share {
    held: Option<OwnedSemaphorePermit>,
    /// There may be no room for what is larger than was expected: it is dropped.
    optional: bool,
}

impl Room {
    /// Space for so many bytes; there are no more than `u32::MAX` pieces of them.
    pub fn new(bytes: usize) -> Self {
        let pieces = bytes.div_ceil(PIECE) as u32;
        Self {
            space: Arc::new(Semaphore::new(pieces as usize)),
            pieces,
        }
    }

    /// A share for what reads about so many bytes: before they are read, or not at all.
    pub fn reserve(&self, bytes: usize) -> Handled<Share> {
        let mut share = Share {
            held: None,
            optional: true,
        };
        self.grow(&mut share, bytes)?;
        Ok(share)
    }

    /// Makes a share one for so many bytes. What has changed something is answered in any
    /// case.
    fn grow(&self, share: &mut Share, bytes: usize) -> Handled<()> {
        if bytes <= SMALL {
            return Ok(());
        }
        // What is larger than all there is takes all there is.
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

    /// The body of an answer, which holds its share until it is sent.
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
