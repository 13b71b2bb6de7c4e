//! A thread that does something every now and then, until it is stopped.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

pub(super) struct Ticker {
    /// The thread ends when this is dropped.
    channel: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Ticker {
    /// Calls `act` after this pause, and then after each pause that it returns.
    pub(super) fn start(
        name: &str,
        mut pause: Duration,
        mut act: impl FnMut() -> Duration + Send + 'static,
    ) -> io::Result<Self> {
        let (channel, stopped) = mpsc::channel();
        let work = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
                pause = act();
            }
        };
        let thread = thread::Builder::new().name(name.into()).spawn(work)?;
        Ok(Self { channel, thread })
    }

    /// Waits until the thread has ended.
    pub(super) fn stop(self) {
        drop(self.channel);
        // A panic in the thread must not stop the caller.
        let _ = self.thread.join();
    }
}
