//! The options of a client.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    error::{Error, Result},
    storage::{Fsync, Key, UserKey},
};

/// The options of a client.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The directory of a store on disk.
    pub path: Option<String>,
    /// When writes are synced, so that they survive a power failure.
    pub fsync: Option<Fsync>,
    /// The name of a store in memory, shared by clients of this process.
    pub shared: Option<String>,
    /// The key that the files are encrypted with.
    pub encryption: Option<Encryption>,
    /// Whether a store on disk keeps a ledger of erasures. One that has a ledger keeps it in any
    /// case.
    #[serde(default)]
    pub ledger: bool,
    /// The clock by which vectors expire. A store that is open has the one that it was opened with.
    #[serde(skip)]
    pub clock: Clock,
}

/// A user's key, as the APIs take it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// 32 bytes in hexadecimal.
    key: Zeroizing<String>,
    /// The key as wrapped by a key management service, in hexadecimal.
    wrapped: Option<String>,
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encryption")
    }
}

impl Encryption {
    pub fn user_key(&self) -> Result<UserKey> {
        let key = Zeroizing::new(from_hex(&self.key).unwrap_or_default());
        let wrapped = self.wrapped.as_deref().map_or(Some(Vec::new()), from_hex);
        match (Key::of(&key), wrapped) {
            (Some(key), Some(wrapped)) => Ok(UserKey { key, wrapped }),
            _ => Err(Error::Validation(
                "options.encryption.key must be 32 bytes, or the base64 text of 32 bytes".into(),
            )),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
            _ => None,
        })
        .collect()
}

/// Makes a path absolute, relative to the current working directory, which may have changed by the
/// time the path is used. An empty path is left as it is, to be rejected.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Ok(PathBuf::new());
    }
    std::path::absolute(path).map_err(|error| {
        Error::Storage(format!(
            "cannot tell where {} is: the working directory is not there any more ({error}); give \
             an absolute path",
            path.display()
        ))
    })
}
