//! A line for each request, when it is asked for. It tells the route as the table has it,
//! never the path, the query or a body: an id in a log would outlive the vector that was
//! deleted.

use serde::Deserialize;
use tracing::Dispatch;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::fmt;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Text,
    Json,
}

/// Where the server's events go: to the standard error output, or nowhere. It is the
/// server's own and not the process's, which may have other servers, and other logs.
pub struct Log {
    pub dispatch: Dispatch,
    /// Writes what is left when it is dropped.
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
        // A reader of the log that stands still must not stop the server.
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
