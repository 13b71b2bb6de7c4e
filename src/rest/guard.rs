//! Access control: the API key, and the hosts that the server answers for.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{Api, failure::Failure, request::matched};

/// The SHA-256 digest of the API key. Digests have a fixed length, so comparing them takes the same
/// time whatever the key and the guess are.
pub struct Key([u8; 32]);

impl Key {
    pub fn new(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    fn is(&self, guess: &[u8]) -> Choice {
        let guess: [u8; 32] = Sha256::digest(guess).into();
        self.0.ct_eq(&guess)
    }

    /// Whether the key is in either of the two headers. All values sent are compared.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut found = Choice::from(0);
        for value in headers.get_all("x-api-key") {
            found |= self.is(value.as_bytes());
        }
        for value in headers.get_all(header::AUTHORIZATION) {
            let (scheme, guess) = value.as_bytes().split_at_checked(7).unwrap_or_default();
            if scheme.eq_ignore_ascii_case(b"bearer ") {
                found |= self.is(guess.trim_ascii());
            }
        }
        found.into()
    }
}

/// Whether a `Host` header refers to this machine. A web page can make a browser send requests to a
/// server on the same machine under the page's own host name (DNS rebinding), but it cannot make
/// the browser send another `Host`.
fn is_local(host: &str) -> bool {
    let name = without_port(host);
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match address.unwrap_or(name).parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn answers_for(api: &Api, request: &Request) -> bool {
    if api.key.is_some() {
        return true;
    }
    let header = request.headers().get(header::HOST);
    let host = match (request.uri().authority(), header) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().unwrap_or_default(),
        // Browsers always send it.
        (None, None) => return true,
    };
    let allowed = &api.options.allowed_hosts;
    is_local(host)
        || allowed.iter().any(|name| {
            name.eq_ignore_ascii_case(host) || name.eq_ignore_ascii_case(without_port(host))
        })
}

/// Whether a route is open without the API key: monitoring learns only whether the server is up.
pub fn is_open(path: &str) -> bool {
    path == "/health"
}

/// Lets authorised requests through.
pub async fn admit(State(api): State<Api>, request: Request, next: Next) -> Response {
    if !answers_for(&api, &request) {
        return Failure::WrongHost.into_response();
    }
    let open = is_open(matched(request.extensions()));
    if let Some(key) = &api.key
        && !open
        && !key.is_in(request.headers())
    {
        return Failure::Unauthorized.into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_key_itself_is_the_key() {
        let key = Key::new("secret");
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
            key.is_in(&headers)
        };
        assert!(with("x-api-key", "secret"));
        assert!(with("authorization", "Bearer secret"));
        assert!(with("authorization", "bearer  secret"));
        for wrong in ["", "s", "secre", "secret2", "SECRET", "Bearer secret"] {
            assert!(!with("x-api-key", wrong), "{wrong:?}");
        }
        for wrong in [
            "secret",
            "Basic secret",
            "Bearer",
            "Bearer ",
            "Bearer secre",
        ] {
            assert!(!with("authorization", wrong), "{wrong:?}");
        }
        assert!(!key.is_in(&HeaderMap::new()));
    }

    #[test]
    fn a_wrong_header_beside_the_right_one_is_no_hindrance() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Basic b2xh"));
        headers.insert("x-api-key", HeaderValue::from_static("secret"));
        assert!(Key::new("secret").is_in(&headers));
    }

    #[test]
    fn only_this_machine_is_local() {
        for host in [
            "localhost",
            "LOCALHOST:15002",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.8.9.1",
            "[::1]",
            "[::1]:15002",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "localhost:15002.example.org",
            "127.0.0.1.example.org",
            "10.0.0.1:15002",
            "[2001:db8::1]:80",
            "0.0.0.0",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
