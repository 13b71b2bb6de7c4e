//! The one error type of the crate. Every variant has one stable code, which the
//! JavaScript side turns into the error class of the same name.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Runs `work` so that a panic in it fails this call and nothing else.
pub fn catch_panic<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Internal(text.unwrap_or_else(|| "panic".into())))
    })
}

/// Everything that can go wrong, as reported to the caller. The messages say what was wrong and
/// what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument does not have the documented form; nothing was changed.
    #[error("{0}")]
    Validation(String),
    #[error("collection '{0}' does not exist: create it first, or check the name")]
    CollectionNotFound(String),
    #[error("collection '{0}' already exists: choose another name, or delete it first")]
    CollectionExists(String),
    #[error("there is no vector '{id}' in collection '{collection}'")]
    VectorNotFound { collection: String, id: String },
    /// A vector of the wrong length; `what` names the argument.
    #[error("{what} has {got} dimensions where the collection has {expected}")]
    DimensionMismatch {
        what: String,
        expected: usize,
        got: usize,
    },
    /// The disk failed, or its contents are not as they should be.
    #[error("{0}")]
    Storage(String),
    /// A key is missing, or does not open the store or backup.
    #[error("{0}")]
    Encryption(String),
    /// Another process has the store open.
    #[error(
        "the store {path} is open in {}: close it there first, or use another path",
        owner(*.pid)
    )]
    StoreLocked { path: String, pid: Option<u32> },
    #[error("this client is closed: create a new VectorizerClient")]
    ClientClosed,
    /// The client's embedder failed, or returned something other than vectors.
    #[error("{0}")]
    Embedding(String),
    /// The HTTP server could not be started.
    #[error("{0}")]
    Server(String),
    /// An engine behind the client cannot do this, or cannot do it exactly.
    #[error("{0}")]
    Unsupported(String),
    /// The collection is busy and the caller asked not to wait. This error never reaches the user:
    /// the bindings and the server try again where waiting is allowed.
    #[error("the collection is busy")]
    WouldBlock,
    /// The call was cancelled before it had changed anything. This error never reaches the user:
    /// whoever cancels a call does not wait for its result.
    #[error("the call was cancelled")]
    Cancelled,
    /// A bug in this library, contained: the call failed and nothing else did.
    #[error("internal error, please report it: {0}")]
    Internal(String),
}

fn owner(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".into(),
    }
}

impl Error {
    /// The stable code, as in the TypeScript SDK.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Validation(_) => "VALIDATION_ERROR",
            Error::CollectionNotFound(_) => "COLLECTION_NOT_FOUND",
            Error::CollectionExists(_) => "COLLECTION_EXISTS",
            Error::VectorNotFound { .. } => "VECTOR_NOT_FOUND",
            Error::DimensionMismatch { .. } => "DIMENSION_MISMATCH",
            Error::Storage(_) => "STORAGE_ERROR",
            Error::Encryption(_) => "ENCRYPTION_ERROR",
            Error::StoreLocked { .. } => "STORE_LOCKED",
            Error::ClientClosed => "CLIENT_CLOSED",
            Error::Embedding(_) => "EMBEDDING_ERROR",
            Error::Server(_) => "SERVER_ERROR",
            Error::Unsupported(_) => "UNSUPPORTED",
            Error::WouldBlock => "WOULD_BLOCK",
            Error::Cancelled => "CANCELLED",
            Error::Internal(_) => "INTERNAL_ERROR",
        }
    }

    /// The error as a JSON object: `code`, `message` and, for a wrong dimension, `expected` and
    /// `got`; for a locked store, the owner's `pid`.
    pub fn to_json(&self) -> Value {
        let mut json = json!({ "code": self.code(), "message": self.to_string() });
        if let Error::DimensionMismatch { expected, got, .. } = self {
            json["expected"] = (*expected).into();
            json["got"] = (*got).into();
        }
        if let Error::StoreLocked { pid: Some(pid), .. } = self {
            json["pid"] = (*pid).into();
        }
        json
    }
}
