use std::{
    path::{Path, PathBuf},
    thread,
};

use vectorizer_native::{
    client::{Call, Client, Options},
    error::Result,
    storage::Fsync,
};

pub use crate::common::{Random, WAIT};

/// A directory that is removed, unless the test that uses it fails.
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
            ..Options::default()
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
