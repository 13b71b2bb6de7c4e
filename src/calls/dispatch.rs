//! Where a call runs.
//!
//! Work of a few microseconds takes less time than handing it to another thread and back. But the
//! caller's thread, which runs the event loop or a connection, must neither wait nor work for long.
//! So a call that is expected to be short is attempted on that thread, and continues elsewhere if
//! it turns out to be longer, or if a lock is taken.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{
    cancel::{self, Token},
    client::{Call, Client},
    collection::Access,
    error::{Error, Result, catch_panic},
    storage::Fsync,
    workers,
};

/// Up to this many values, copying and encoding rows takes a few tens of microseconds, which is
/// less than a trip to another thread.
pub const INLINE_VALUES: usize = 16 << 10;
/// The same for the bytes of JSON in a write.
const INLINE_TEXT: usize = 4 << 10;
/// Up to this many ids, a delete may run on the caller's thread.
const INLINE_IDS: usize = 128;
/// The limits for work that always runs there, even if the tick's time is used up: some
/// microseconds.
const SHORT_VALUES: usize = 4 << 10;
const SHORT_IDS: usize = 16;
/// Texts of up to this many bytes are embedded on the caller's thread, in 0.2 ms.
pub const INLINE_EMBEDDED: usize = 1 << 10;
/// Up to this size they are embedded on the pool, in some milliseconds.
const POOL_EMBEDDED: usize = 16 << 10;

/// Where a call is attempted first. That depends on its arguments, not on the method: how long a
/// text is, how many results are requested, whether there is a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// On the caller's thread: some microseconds.
    Inline,
    /// On the caller's thread if it has time left: this may take most of a millisecond.
    InlineIfTime,
    /// On the caller's thread if the attempt finds that it is short, otherwise on the pool.
    InlineIfShort,
    /// On the pool: up to some milliseconds of work.
    Pool,
    /// On a thread of its own, so that short work does not queue behind it.
    Blocking,
}

impl Dispatch {
    /// For rows with this many values in all, and this many bytes of JSON.
    pub fn of_rows(values: usize, text: usize) -> Self {
        match (values, text) {
            (..=SHORT_VALUES, ..=INLINE_TEXT) => Dispatch::Inline,
            (..=INLINE_VALUES, ..=INLINE_TEXT) => Dispatch::InlineIfTime,
            _ => Dispatch::Blocking,
        }
    }

    /// For a vector's new values, if there are any, and this many bytes of JSON, which may contain
    /// a text to embed.
    pub fn of_update(values: Option<usize>, text: usize) -> Self {
        match (values.unwrap_or(INLINE_VALUES), text) {
            (..=SHORT_VALUES, ..=INLINE_EMBEDDED) => Dispatch::Inline,
            (..=INLINE_VALUES, ..=INLINE_TEXT) => Dispatch::InlineIfTime,
            _ => Dispatch::Blocking,
        }
    }

    /// For this many ids.
    pub fn of_ids(count: usize) -> Self {
        if count <= SHORT_IDS {
            Dispatch::Inline
        } else if count <= INLINE_IDS {
            Dispatch::InlineIfTime
        } else {
            Dispatch::Blocking
        }
    }

    /// For work that includes embedding a text of this many bytes.
    pub fn of_text(bytes: usize) -> Self {
        match bytes {
            ..=POOL_EMBEDDED => Dispatch::Pool,
            _ => Dispatch::Blocking,
        }
    }

    /// For work that may evaluate a filter: a field may not have an index yet.
    pub fn of_filter(has_filter: bool) -> Self {
        match has_filter {
            true => Dispatch::Blocking,
            false => Dispatch::Inline,
        }
    }
}

/// The outcome of an attempt.
pub enum Attempt<T, W> {
    Done(Result<T>),
    /// To be attempted again where it may wait longer.
    Busy(W),
}

/// The work of a call, which may take several attempts. The attempt with `Access::Wait` is the
/// last.
pub trait Work: Sized + Send + 'static {
    type Output: Send + 'static;

    fn attempt(self, call: &Call, access: Access) -> Attempt<Self::Output, Self>;
}

/// Work that starts from the beginning at each attempt, and returns `WouldBlock` if it cannot be
/// done yet.
pub struct Repeated<F>(pub F);

impl<T: Send + 'static, F> Work for Repeated<F>
where
    F: FnMut(&Call, Access) -> Result<T> + Send + 'static,
{
    type Output = T;

    fn attempt(mut self, call: &Call, access: Access) -> Attempt<T, Self> {
        match self.0(call, access) {
            Err(Error::WouldBlock) => Attempt::Busy(self),
            done => Attempt::Done(done),
        }
    }
}

/// Work that is attempted only once, on a thread of its own.
pub struct Once<F>(pub F);

impl<T: Send + 'static, F> Work for Once<F>
where
    F: FnOnce(&Call) -> Result<T> + Send + 'static,
{
    type Output = T;

    fn attempt(self, call: &Call, access: Access) -> Attempt<T, Self> {
        match access {
            Access::Now | Access::Soon => Attempt::Busy(self),
            Access::Wait => Attempt::Done(self.0(call)),
        }
    }
}

/// A call in progress; the client's `close` waits for it.
pub struct Task<W> {
    call: Beginning,
    dispatch: Dispatch,
    token: Option<Arc<Token>>,
    work: W,
}

enum Beginning {
    Open(Call),
    /// The store is still being opened.
    Opening(Pin<Box<dyn Future<Output = Result<Call>> + Send>>),
}

impl Beginning {
    async fn open(self) -> Result<Call> {
        match self {
            Beginning::Open(call) => Ok(call),
            Beginning::Opening(opening) => opening.await,
        }
    }
}

impl<W: Work> Task<W> {
    /// Begins a call of a client. It can be cancelled through the current thread's token.
    pub fn begin(client: &Client, dispatch: Dispatch, work: W) -> Result<Self> {
        let call = match client.begin() {
            Err(Error::WouldBlock) => Beginning::Opening(Box::pin(client.begin_when_open())),
            begun => Beginning::Open(begun?),
        };
        Ok(Self {
            call,
            dispatch,
            token: cancel::current(),
            work,
        })
    }

    /// Attempts the call on the caller's thread, if it belongs there. `left` is how long it may
    /// block that thread.
    pub fn inline(mut self, left: Duration) -> Attempt<W::Output, Self> {
        let is_inline = match self.dispatch {
            Dispatch::Inline | Dispatch::InlineIfShort => true,
            Dispatch::InlineIfTime => !left.is_zero(),
            Dispatch::Pool | Dispatch::Blocking => false,
        };
        let Beginning::Open(call) = &self.call else {
            return Attempt::Busy(self);
        };
        if !is_inline {
            return Attempt::Busy(self);
        }
        match attempt(self.work, call, Access::Now, self.token.clone()) {
            Attempt::Done(done) => Attempt::Done(done),
            Attempt::Busy(work) => {
                self.work = work;
                Attempt::Busy(self)
            }
        }
    }

    /// Runs the call on the polling thread, or on a thread of its own.
    pub async fn finish(self) -> Result<W::Output> {
        let call = self.call.open().await?;
        let is_short = matches!(self.dispatch, Dispatch::Inline | Dispatch::InlineIfShort);
        // Work that waits for a disk must not block the pool's threads.
        let belongs_here = match (call.fsync(), self.dispatch) {
            (None, dispatch) => is_short || dispatch == Dispatch::Pool,
            (Some(Fsync::Always), dispatch) => dispatch == Dispatch::InlineIfShort,
            (Some(Fsync::Everysec | Fsync::No), dispatch) => {
                matches!(dispatch, Dispatch::InlineIfShort | Dispatch::Pool)
            }
        };
        let (mut work, token) = (self.work, self.token);
        // Nor must work that waits for a lock.
        if belongs_here {
            work = match attempt(work, &call, Access::Soon, token.clone()) {
                Attempt::Done(done) => return done,
                Attempt::Busy(work) => work,
            };
        }
        last(work, call, token).await
    }

    /// Attempts the call here, then on a thread of its own: for callers on a thread that also serves
    /// others, which must not be held for several milliseconds.
    pub async fn run(self, left: Duration) -> Result<W::Output> {
        match self.inline(left) {
            Attempt::Done(done) => done,
            Attempt::Busy(task) => last(task.work, task.call.open().await?, task.token).await,
        }
    }
}

/// Makes the last attempt, on a thread of its own.
async fn last<W: Work>(work: W, call: Call, token: Option<Arc<Token>>) -> Result<W::Output> {
    let work = move || match attempt(work, &call, Access::Wait, token) {
        Attempt::Done(done) => done,
        Attempt::Busy(_) => Err(Error::Internal("a call had to wait at its end".into())),
    };
    workers::run_blocking(work).await
}

/// Makes one attempt. A panic in it fails only this call.
fn attempt<W: Work>(
    work: W,
    call: &Call,
    access: Access,
    token: Option<Arc<Token>>,
) -> Attempt<W::Output, W> {
    let attempted = catch_panic(|| {
        cancel::during(token, || {
            cancel::check()?;
            Ok(work.attempt(call, access))
        })
    });
    attempted.unwrap_or_else(|error| Attempt::Done(Err(error)))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::client::Options;

    #[tokio::test]
    async fn a_thread_that_serves_others_makes_one_short_attempt_and_no_other() {
        let client = Client::open(Options::default());
        let here = thread::current().id();
        for dispatch in [
            Dispatch::Inline,
            Dispatch::InlineIfTime,
            Dispatch::InlineIfShort,
            Dispatch::Pool,
            Dispatch::Blocking,
        ] {
            let work = Repeated(move |_: &Call, access| match access {
                Access::Now => Err(Error::WouldBlock),
                access => Ok((access, thread::current().id() == here)),
            });
            let task = Task::begin(&client, dispatch, work).unwrap();
            let done = task.run(Duration::from_millis(1)).await;
            assert_eq!(done, Ok((Access::Wait, false)), "{dispatch:?}");
        }
    }
}
