//! Runs when the addon is loaded: creates the threads that asynchronous calls run on.
//!
//! napi would create them itself, but aborts the process if it cannot. They are created here
//! instead, where a failure can be reported: the import fails, and the program can carry on.

use std::{sync::OnceLock, thread};

use napi::bindgen_prelude::{Object, create_custom_tokio_runtime};
use napi_derive::napi;
use tokio::runtime::{Builder, Runtime};

#[napi(module_exports)]
pub fn load(_exports: Object) -> napi::Result<()> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let made = runtime();
        let (runtime, loaded) = match made {
            Ok(runtime) => (Ok(runtime), Ok(())),
            // napi requires a runtime in any case; no work is ever given to this one.
            Err(error) => (Builder::new_current_thread().build(), Err(error)),
        };
        match runtime {
            Ok(runtime) => create_custom_tokio_runtime(runtime),
            Err(error) => return Err(error.to_string()),
        }
        loaded
    });
    let none = |error| {
        let message = format!("There are no threads to be had: {error}. Start the process anew.");
        napi::Error::from_reason(message)
    };
    loaded.clone().map_err(none)
}

fn runtime() -> Result<Runtime, String> {
    let count = thread::available_parallelism().map_or(1, usize::from);
    threads_are_there(count)?;
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(count).enable_all();
    builder.build().map_err(|error| error.to_string())
}

/// Whether this many threads can be created at once: the runtime panics if they cannot.
fn threads_are_there(count: usize) -> Result<(), String> {
    let spawn = |_| thread::Builder::new().spawn(thread::park);
    let made: Vec<_> = (0..count).map(spawn).collect();
    let mut outcome = Ok(());
    for thread in made {
        match thread {
            Ok(thread) => {
                thread.thread().unpark();
                // The thread cannot have panicked.
                let _ = thread.join();
            }
            Err(error) => outcome = Err(error.to_string()),
        }
    }
    outcome
}
