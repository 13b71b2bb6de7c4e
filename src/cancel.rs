//! Cancelling a call.
//!
//! A call that may be cancelled has a token, and its commit and its cancelling race for it: one
//! of them wins, and the other does nothing. So a call that is cancelled has changed nothing and
//! never will, however long its work needs to notice; and one that has committed completes.
//!
//! The token belongs to the thread that works for the call. Long work asks `check` between its
//! portions; what makes a change asks `commit` at the point of no return. Where nobody has a
//! token, as in the background, both say yes.

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

/// Whether a call has committed, was cancelled, or neither.
#[derive(Debug, Default)]
pub struct Token {
    state: AtomicU8,
    cancelled: Notify,
}

impl Token {
    /// Cancels the call, unless it has committed. Whether it is cancelled.
    pub fn cancel(&self) -> bool {
        let is_cancelled = self.settle(CANCELLED);
        if is_cancelled {
            self.cancelled.notify_waiters();
        }
        is_cancelled
    }

    /// Whether the state is `wanted`, from now on or before.
    fn settle(&self, wanted: u8) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let before = self.state.compare_exchange(OPEN, wanted, success, failure);
        before.is_ok() || before == Err(wanted)
    }

    fn is_cancelled(&self) -> bool {
        self.state.load(Ordering::Acquire) == CANCELLED
    }

    /// Fails where the call was cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// The point of no return. Fails where the call was cancelled.
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

/// The token of the call that this thread works for.
pub fn current() -> Option<Arc<Token>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Makes `token` that of this thread. Returns the one before.
pub fn enter(token: Option<Arc<Token>>) -> Option<Arc<Token>> {
    CURRENT.replace(token)
}

/// Works for the call of `token`.
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

/// Fails where the call was cancelled.
pub fn check() -> Result<()> {
    CURRENT.with_borrow(|token| token.as_ref().map_or(Ok(()), |token| token.check()))
}

/// The point of no return: from here on the call cannot be cancelled. Fails where it was.
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
