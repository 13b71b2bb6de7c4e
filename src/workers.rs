//! Threads for work that a caller waits for: blocking or long work, and parallel work.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock, mpsc},
};

use parking_lot::Mutex;
use tokio::{sync::oneshot, task::spawn_blocking};

use crate::error::{Error, Result, catch_panic};

/// Runs long or blocking work on a thread of its own, so that short work does not queue behind it.
/// If no thread can be created, runs it on this one.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    run_blocking_by(work, |job| drop(spawn_blocking(job))).await
}

/// `spawn` panics if no thread can be created, and may keep the job and run it later.
async fn run_blocking_by<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
    spawn: impl FnOnce(Box<dyn FnOnce() + Send>),
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    let do_it = once(move || {
        // The receiver may be gone.
        let _ = sender.send(catch_panic(work));
    });
    let spawned = catch_unwind(AssertUnwindSafe(|| spawn(Box::new(do_it.clone()))));
    if spawned.is_err() {
        do_it();
    }
    drop(do_it);
    receiver.await.unwrap_or_else(|_| Err(stopped()))
}

/// Submits work to the pool while the caller does something else. The returned function runs the
/// work if no thread has started it yet, and otherwise waits for it.
pub fn spawn_joinable<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl FnOnce() -> Result<T> + Send {
    let (sender, receiver) = mpsc::channel();
    let do_it = once(move || {
        let _ = sender.send(catch_panic(work));
    });
    if let Some(pool) = workers() {
        pool.spawn(do_it.clone());
    }
    move || {
        do_it();
        receiver.recv().unwrap_or_else(|_| Err(stopped()))
    }
}

/// A job that runs only once, whichever clone is called first.
fn once(job: impl FnOnce() + Send + 'static) -> impl Fn() + Clone + Send + 'static {
    let job = Arc::new(Mutex::new(Some(job)));
    move || {
        let job = job.lock().take();
        if let Some(job) = job {
            job();
        }
    }
}

fn stopped() -> Error {
    Error::Internal("the work was stopped".into())
}

/// A thread pool with one thread per core, at normal priority. `None` if the threads cannot be
/// created: the caller's thread then does all the work.
pub fn workers() -> Option<&'static rayon::ThreadPool> {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .thread_name(|i| format!("vectorizer-work-{i}"))
            .build()
            .ok()
    })
    .as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics like tokio, but without a message.
    fn no_thread() {
        std::panic::resume_unwind(Box::new(()));
    }

    #[tokio::test]
    async fn work_is_done_once_whether_or_not_there_is_a_thread_for_it() {
        let done = run_blocking(|| Ok(std::thread::current().id()))
            .await
            .unwrap();
        assert_ne!(done, std::thread::current().id());
        let done = run_blocking_by(|| Ok(std::thread::current().id()), |_| no_thread()).await;
        assert_eq!(done.unwrap(), std::thread::current().id());

        // A queue keeps the job it could not start, and a thread runs it later.
        let times = Arc::new(Mutex::new(0));
        let queue = Arc::new(Mutex::new(Vec::new()));
        let work = {
            let times = times.clone();
            move || {
                *times.lock() += 1;
                Ok(())
            }
        };
        let queued = queue.clone();
        let keep = move |job| {
            queued.lock().push(job);
            no_thread();
        };
        run_blocking_by(work, keep).await.unwrap();
        for job in queue.lock().drain(..) {
            job();
        }
        assert_eq!(*times.lock(), 1);
    }

    #[test]
    fn work_beside_is_done_once_by_the_pool_or_by_whoever_needs_it() {
        // Whatever the pool is doing.
        let pool = workers().unwrap();
        let (begin, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        for _ in 0..pool.current_num_threads() {
            let wait = wait.clone();
            pool.spawn(move || {
                let _ = wait.lock().recv();
            });
        }
        let here = std::thread::current().id();
        let done = spawn_joinable(|| Ok(std::thread::current().id()))();
        drop(begin);
        assert_eq!(done.unwrap(), here);

        let (begun, is_begun) = mpsc::channel();
        let work = spawn_joinable(move || {
            let _ = begun.send(());
            Ok(std::thread::current().id())
        });
        is_begun.recv().unwrap();
        assert_ne!(work().unwrap(), here);
        let panicked = spawn_joinable(|| -> Result<()> { panic!("in a test") })();
        assert!(matches!(panicked, Err(Error::Internal(what)) if what == "in a test"));
    }

    #[tokio::test]
    async fn work_that_panics_or_is_dropped_fails_its_call_alone() {
        let panicked = run_blocking(|| -> Result<()> { panic!("in a test") }).await;
        assert!(matches!(panicked, Err(Error::Internal(what)) if what == "in a test"));
        let dropped = run_blocking_by(|| Ok(()), drop).await;
        assert!(matches!(dropped, Err(Error::Internal(_))));
    }
}
