use std::{
    path::{Path, PathBuf},
    thread,
};

use vectorizer_native::{
    client::{Call, Client, Options},
    collection::Access,
    error::Result,
    storage::Fsync,
};

pub const WAIT: Access = Access::Wait;

/// A generator of numbers that are the same in every run.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

/// A directory that is removed, unless the test fails in it.
pub struct Directory(tempfile::TempDir);

impl Directory {
    pub fn new() -> Self {
        let builder = tempfile::Builder::new().prefix("vectorizer-").tempdir();
        Self(builder.unwrap())
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.disable_cleanup(true);
            eprintln!("what is on the disk is kept in {}", self.0.path().display());
        }
    }
}

/// A store that this process has open.
pub struct Open {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Open {
    pub fn new(path: &Path, fsync: Fsync) -> Result<Self> {
        let client = Client::open(Options {
            path: Some(path.to_str().unwrap().to_owned()),
            fsync: Some(fsync),
            shared: None,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.unwrap();
        runtime.block_on(client.begin_when_open())?;
        Ok(Self { client, runtime })
    }

    pub fn call(&self) -> Call {
        self.client.begin().unwrap()
    }

    pub fn close(self) -> Result<()> {
        self.runtime.block_on(self.client.close())
    }
}
