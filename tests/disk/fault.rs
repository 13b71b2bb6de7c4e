//! Changes of files that fail.

use std::{
    cmp,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use vectorizer_native::storage::{Files, Interruption};

/// At which change the fault occurs, and whether everything after it fails too.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub at: usize,
    pub how: Interruption,
    pub stops: bool,
}

/// The changes that are counted, from when this is armed on.
#[derive(Default)]
pub struct Faults {
    is_armed: AtomicBool,
    changes: AtomicUsize,
}

impl Faults {
    /// One that is armed.
    pub fn armed() -> Arc<Self> {
        let faults = Arc::new(Self::default());
        faults.arm();
        faults
    }

    pub fn arm(&self) {
        self.is_armed.store(true, Ordering::SeqCst);
    }

    /// Files of which this change fails, if there is one.
    pub fn files(self: &Arc<Self>, fault: Option<Fault>) -> Files {
        let this = self.clone();
        Files::interrupted_by(move |_| {
            if !this.is_armed.load(Ordering::SeqCst) {
                return None;
            }
            let now = this.changes.fetch_add(1, Ordering::SeqCst);
            let fault = fault?;
            match now.cmp(&fault.at) {
                cmp::Ordering::Less => None,
                cmp::Ordering::Equal => Some(fault.how),
                cmp::Ordering::Greater => fault.stops.then_some(Interruption::Before(5)),
            }
        })
    }

    /// How many there have been.
    pub fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }
}

/// All ways in which a change can fail with this error number.
pub fn interruptions(code: i32) -> [Interruption; 3] {
    [
        Interruption::Before(code),
        Interruption::Half(code),
        Interruption::After(code),
    ]
}
