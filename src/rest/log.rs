//! A log line for each request, if enabled. It contains the route pattern, never the path, the
//! query or a body: an id in a log would outlive the vector after it is deleted.

use serde::Deserialize;
use tracing::Dispatch;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::fmt;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Text,
    Json,
}

/// Where the server's events go: to standard error, or nowhere. It belongs to the server and not to
/// the process, which may have other servers and other logs.
pub struct Log {
    pub dispatch: Dispatch,
    /// Writes the remaining lines when it is dropped.
    _writer: Option<WorkerGuard>,
}

impl Log {
    pub fn new(format: Option<Format>) -> Self {
        let Some(format) = format else {
            return Self {
                dispatch: Dispatch::none(),
                _writer: None,
            };
        };
        // A log reader that stops reading must not block the server.
        let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
        let lines = fmt()
            .with_writer(writer)
            .with_ansi(false)
            .with_target(false);
        let dispatch = match format {
            Format::Text => Dispatch::new(lines.finish()),
            Format::Json => Dispatch::new(lines.json().flatten_event(true).finish()),
        };
        Self {
            dispatch,
            _writer: Some(guard),
        }
    }
}
