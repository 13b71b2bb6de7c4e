//! Errors, as an HTTP client sees them.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::reports::RefusedReport;
use crate::error::Error;

/// The result of handling a request, or a part of it.
pub type Handled<T> = Result<T, Failure>;

/// Why a request failed. The codes are those of the other APIs, plus a few that exist only for
/// HTTP.
#[derive(Debug)]
pub enum Failure {
    Call(Error),
    /// The path, query or body does not have the documented form.
    Invalid(String),
    Unauthorized,
    /// The request is for a host that this server does not answer for.
    WrongHost,
    NoSuchRoute,
    MethodNotAllowed,
    /// The body did not arrive in time.
    Timeout,
    TooLarge {
        limit: usize,
    },
    NotJson,
    /// There is no space left for another body or response. Nothing was changed.
    Overloaded,
    /// A panic that was caught.
    Defect,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Call(error)
    }
}

/// The body of every error response.
#[derive(Serialize, JsonSchema)]
pub struct ErrorBody {
    pub error: ErrorDetails,
    /// The same as `error.message`.
    pub message: String,
}

impl ErrorBody {
    /// The body about a call that did not meet its guards.
    pub fn of_refusal(message: String, report: RefusedReport) -> Self {
        Self {
            error: ErrorDetails {
                code: "TOO_MANY_MATCHES".into(),
                message: message.clone(),
                expected: None,
                got: None,
                report: Some(report),
            },
            message,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct ErrorDetails {
    /// A stable code, for programs.
    pub code: String,
    /// What is wrong, and what to do about it.
    pub message: String,
    /// The dimension of the collection, if a vector has another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<usize>,
    /// The dimension of that vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<usize>,
    /// The report of a call that did not meet its guards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<RefusedReport>,
}

impl Failure {
    pub fn status(&self) -> StatusCode {
        match self {
            Failure::Call(error) => match error {
                Error::Validation(_) | Error::DimensionMismatch { .. } => StatusCode::BAD_REQUEST,
                Error::CollectionNotFound(_) | Error::VectorNotFound { .. } => {
                    StatusCode::NOT_FOUND
                }
                Error::CollectionExists(_) => StatusCode::CONFLICT,
                Error::Embedding(_) => StatusCode::BAD_GATEWAY,
                Error::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
                Error::ClientClosed | Error::WouldBlock | Error::Cancelled => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                Error::Storage(_)
                | Error::Encryption(_)
                | Error::StoreLocked { .. }
                | Error::Server(_)
                | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Failure::Invalid(_) => StatusCode::BAD_REQUEST,
            Failure::Unauthorized => StatusCode::UNAUTHORIZED,
            Failure::WrongHost => StatusCode::FORBIDDEN,
            Failure::NoSuchRoute => StatusCode::NOT_FOUND,
            Failure::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Failure::Timeout => StatusCode::REQUEST_TIMEOUT,
            Failure::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Failure::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Defect => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            Failure::Call(error) => error.code(),
            Failure::Invalid(_) => "VALIDATION_ERROR",
            Failure::Unauthorized => "UNAUTHORIZED",
            Failure::WrongHost => "FORBIDDEN",
            Failure::NoSuchRoute => "NOT_FOUND",
            Failure::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Failure::Timeout => "REQUEST_TIMEOUT",
            Failure::TooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Failure::NotJson => "UNSUPPORTED_MEDIA_TYPE",
            Failure::Overloaded => "OVERLOADED",
            Failure::Defect => "INTERNAL_ERROR",
        }
    }

    fn message(&self) -> String {
        match self {
            Failure::Call(Error::ClientClosed) => "the server is shutting down".into(),
            Failure::Call(error) => error.to_string(),
            Failure::Invalid(what) => what.clone(),
            Failure::Unauthorized => {
                "the API key is missing or wrong: send it as 'Authorization: Bearer KEY' or as \
                 'X-API-Key: KEY'"
                    .into()
            }
            Failure::WrongHost => {
                "this server does not answer for the host that the request names: without an API \
                 key it answers for this machine only; give it a key, or allow the host"
                    .into()
            }
            Failure::NoSuchRoute => "there is no such route: see /openapi.json".into(),
            Failure::MethodNotAllowed => "the route has other methods: see /openapi.json".into(),
            Failure::Timeout => "the body did not arrive in time".into(),
            Failure::TooLarge { limit } => {
                format!("the body is larger than {limit} bytes: send it in parts")
            }
            Failure::NotJson => "the body, if there is one, must be JSON: send the header \
                 'Content-Type: application/json'"
                .into(),
            Failure::Overloaded => {
                "too many large bodies or answers at the same time: try again".into()
            }
            Failure::Defect => "internal error, please report it".into(),
        }
    }
}

/// How many characters are kept at each end of a message, which may repeat what was sent.
const ENDS: usize = 300;

/// Removes the middle of a long message.
fn shortened(message: String) -> String {
    let from = message.char_indices().nth(ENDS).map(|(at, _)| at);
    let to = message.char_indices().nth_back(ENDS - 1).map(|(at, _)| at);
    match (from, to) {
        (Some(from), Some(to)) if from < to => {
            format!("{} … {}", &message[..from], &message[to..])
        }
        _ => message,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let message = shortened(self.message());
        let (expected, got) = match &self {
            Failure::Call(Error::DimensionMismatch { expected, got, .. }) => {
                (Some(*expected), Some(*got))
            }
            _ => (None, None),
        };
        let body = ErrorBody {
            error: ErrorDetails {
                code: self.code().to_owned(),
                message: message.clone(),
                expected,
                got,
                report: None,
            },
            message,
        };
        // A struct of strings and numbers always serialises.
        let text = serde_json::to_string(&body).unwrap_or_default();
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status(), json, text).into_response();
        let headers = response.headers_mut();
        match self {
            Failure::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Failure::Overloaded => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // The rest of the body is not worth waiting for.
            Failure::Timeout => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_lose_their_middle() {
        let short = "ä".repeat(2 * ENDS);
        assert_eq!(shortened(short.clone()), short);
        let long = shortened(format!("begin {} end", "ä".repeat(2 * ENDS)));
        assert!(
            long.starts_with("begin ä") && long.ends_with("ä end"),
            "{long}"
        );
        assert_eq!(long.chars().count(), 2 * ENDS + 3);
    }
}
