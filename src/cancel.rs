//! Cancellation of calls.
//!
//! A call that may be cancelled has a token, and its commit and its cancellation race for it: one
//! of them wins, and the other does nothing. So a cancelled call has changed nothing and never
//! will, however long its work takes to notice; and a call that has committed completes.
//!
//! The token is set on the thread that works for the call. Long work calls `check` between its
//! portions; work that makes a change calls `commit` at the point of no return. Without a token, as
//! in background work, both succeed.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::sync::Notify;

use crate::error::{Error, Result};

const OPEN: u8 = 0;
const COMMITTED: u8 = 1;
const CANCELLED: u8 = 2;

/// Whether a call has committed, has been cancelled, or neither.
#[derive(Debug, Default)]
pub struct Token {
    state: AtomicU8,
    cancelled: Notify,
}

impl Token {
    /// Cancels the call, unless it has committed. Returns whether it is cancelled.
    pub fn cancel(&self) -> bool {
        let is_cancelled = self.settle(CANCELLED);
        if is_cancelled {
            self.cancelled.notify_waiters();
        }
        is_cancelled
    }

    /// Sets the state to `wanted` if it is undecided. Returns whether the state is `wanted`.
    fn settle(&self, wanted: u8) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let before = self.state.compare_exchange(OPEN, wanted, success, failure);
        before.is_ok() || before == Err(wanted)
    }

    fn is_cancelled(&self) -> bool {
        self.state.load(Ordering::Acquire) == CANCELLED
    }

    /// Fails if the call has been cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// The point of no return. Fails if the call has been cancelled.
    pub fn commit(&self) -> Result<()> {
        if self.settle(COMMITTED) {
            return Ok(());
        }
        Err(Error::Cancelled)
    }

    /// Resolves when the call is cancelled.
    pub async fn cancelled(&self) {
        let cancelled = self.cancelled.notified();
        if !self.is_cancelled() {
            cancelled.await;
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Token>>> = const { RefCell::new(None) };
}

/// The token of the call that this thread is working for.
pub fn current() -> Option<Arc<Token>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Sets the token of this thread. Returns the previous one.
pub fn enter(token: Option<Arc<Token>>) -> Option<Arc<Token>> {
    CURRENT.replace(token)
}

/// Runs `work` with `token` as the token of this thread.
pub fn during<T>(token: Option<Arc<Token>>, work: impl FnOnce() -> T) -> T {
    struct Leave(Option<Arc<Token>>);
    impl Drop for Leave {
        fn drop(&mut self) {
            enter(self.0.take());
        }
    }
    let _leave = Leave(enter(token));
    work()
}

/// Fails if the current call has been cancelled.
pub fn check() -> Result<()> {
    CURRENT.with_borrow(|token| token.as_ref().map_or(Ok(()), |token| token.check()))
}

/// The point of no return: after it, the call cannot be cancelled. Fails if it already has been.
pub fn commit() -> Result<()> {
    CURRENT.with_borrow(|token| token.as_ref().map_or(Ok(()), |token| token.commit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_commit_and_a_cancelling_the_first_wins_for_good() {
        for cancels_first in [true, false] {
            let token = Arc::new(Token::default());
            let committed = during(Some(token.clone()), || {
                if cancels_first {
                    assert!(token.cancel());
                }
                let first = commit();
                assert_eq!(token.cancel(), cancels_first);
                assert_eq!(commit(), first);
                assert_eq!(check(), first);
                first
            });
            assert_eq!(committed.is_err(), cancels_first);
        }
    }

    #[test]
    fn a_token_counts_where_its_call_is_worked_for_and_nowhere_else() {
        let token = Arc::new(Token::default());
        token.cancel();
        let panicked = std::panic::catch_unwind(|| during(Some(token.clone()), || panic!()));
        assert!(panicked.is_err());
        assert_eq!((check(), commit()), (Ok(()), Ok(())));
        during(Some(token.clone()), || {
            assert_eq!(check(), Err(Error::Cancelled));
            during(None, || assert_eq!(check(), Ok(())));
            let elsewhere = std::thread::spawn(check).join();
            assert_eq!(elsewhere.ok(), Some(Ok(())));
            assert_eq!(check(), Err(Error::Cancelled));
        });
    }

    #[tokio::test]
    async fn who_waits_for_a_call_learns_that_it_is_cancelled() {
        let token = Arc::new(Token::default());
        let waiting = tokio::spawn({
            let token = token.clone();
            async move { token.cancelled().await }
        });
        tokio::task::yield_now().await;
        assert!(token.cancel());
        waiting.await.unwrap();
        token.cancelled().await;
    }
}
