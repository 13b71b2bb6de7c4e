//! How a client is opened.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    storage::{Fsync, Key, UserKey},
};

/// How a client is opened.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where the store is kept on disk.
    pub path: Option<String>,
    /// When writes are made to survive a loss of power.
    pub fsync: Option<Fsync>,
    /// The name of a store in memory that clients of this process share.
    pub shared: Option<String>,
    /// The key that the files are encrypted with.
    pub encryption: Option<Encryption>,
}

/// A user's key, as faces give it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// 32 bytes in hexadecimal.
    key: Zeroizing<String>,
    /// What a key service made of it, in hexadecimal.
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

/// The path, from the working directory of now where it is relative. The directory may be
/// another one by the time that the path is used. An empty path stays one, to be refused.
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
