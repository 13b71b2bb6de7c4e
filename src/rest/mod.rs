//! The HTTP API of a client: a request in, one call, a response out. It makes no decisions of its
//! own.
//!
//! - `routes` has the table of routes and their handlers, one file per subject; `document` builds
//!   the router and the OpenAPI document from it; `request` reads and checks a request.
//! - `guard` controls access; `body` reads request bodies; `room` limits the space for responses;
//!   `failure` reports errors; `reports` has the reports of deletes and of changes to many vectors,
//!   which errors may contain.
//! - `metrics` and `log` inform the operator, never about the content of a request.
//! - `server` listens, and shuts down in order.

mod body;
mod document;
mod failure;
mod guard;
mod log;
mod metrics;
mod reports;
mod request;
mod room;
mod routes;
mod server;

use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    middleware,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{Any, CorsLayer},
};

pub use log::Format;
pub use server::Server;

use crate::{
    calls::{
        Dispatch, Task,
        dispatch::{Once, Repeated, Work},
    },
    client::{Call, Client},
    collection::Access,
    error::{Error, Result},
};
use failure::{Failure, Handled};

/// The default space for all bodies.
const BUFFERED: usize = 256 << 20;

/// The options of a server. Times are in milliseconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Options {
    /// A host name or an address of this machine.
    pub host: String,
    /// 0 for any free port.
    pub port: u16,
    /// The key that clients must send. Without one, the server accepts only requests to this
    /// machine.
    pub api_key: Option<String>,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// The space for all bodies that are being read or handled; large responses together get the
    /// same again. Default: 256 MiB, or the size of the largest body if that is more.
    pub max_buffered_bytes: Option<usize>,
    /// Concurrent connections; further ones wait.
    pub max_connections: usize,
    /// How long the head of a request may take, and how long a connection may be idle.
    pub header_timeout: u64,
    /// How long a body may take.
    pub body_timeout: u64,
    /// How long a client may go without reading any of its response.
    pub write_timeout: u64,
    /// How long requests may continue after the server is closed.
    pub shutdown_timeout: u64,
    /// Origins whose pages may send requests from a browser; `*` for any.
    pub cors: Vec<String>,
    /// Hosts that the server answers for besides this machine if it has no key.
    pub allowed_hosts: Vec<String>,
    /// Write a line for each request to standard error.
    pub log: Option<Format>,
    /// The directory for backups requested by clients.
    pub backups: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 15002,
            api_key: None,
            max_body_bytes: 64 << 20,
            max_buffered_bytes: None,
            max_connections: 4096,
            header_timeout: 15_000,
            body_timeout: 60_000,
            write_timeout: 30_000,
            shutdown_timeout: 10_000,
            cors: Vec::new(),
            allowed_hosts: Vec::new(),
            log: None,
            backups: None,
        }
    }
}

impl Options {
    fn check(&self) -> Result<()> {
        let buffered = self.max_buffered_bytes();
        let positive = [
            ("maxBodyBytes", self.max_body_bytes),
            ("maxBufferedBytes", buffered),
            ("maxConnections", self.max_connections),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Validation(format!(
                "options.{name} is 0; it must be at least 1"
            )));
        }
        let max = Semaphore::MAX_PERMITS.min(u32::MAX as usize);
        if buffered / body::PIECE > max || self.max_connections > max {
            return Err(Error::Validation(
                "options.maxBufferedBytes or options.maxConnections is too large".into(),
            ));
        }
        if buffered < self.max_body_bytes {
            return Err(Error::Validation(
                "options.maxBufferedBytes is less than maxBodyBytes: no such body could be read"
                    .into(),
            ));
        }
        let times = [
            ("headerTimeout", self.header_timeout),
            ("bodyTimeout", self.body_timeout),
            ("writeTimeout", self.write_timeout),
        ];
        if let Some((name, _)) = times.iter().find(|(_, time)| *time == 0) {
            return Err(Error::Validation(format!(
                "options.{name} is 0; it must be at least 1 millisecond"
            )));
        }
        if let Some(directory) = self.backups.as_deref().filter(|path| !path.is_dir()) {
            return Err(Error::Validation(format!(
                "options.backups: there is no directory {}: make it first",
                directory.display()
            )));
        }
        // Whitespace at either end is not part of a header's value.
        let fits = |key: &str| {
            let printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            printable && key.trim() == key
        };
        match self.api_key.as_deref() {
            Some("") => Err(Error::Validation(
                "options.apiKey is empty: give a key, or leave it out".into(),
            )),
            Some(key) if !fits(key) => Err(Error::Validation(
                "options.apiKey begins or ends with a blank, or holds characters beyond printable \
                 ASCII: clients cannot send it in a header"
                    .into(),
            )),
            _ => Ok(()),
        }
    }

    fn max_buffered_bytes(&self) -> usize {
        let enough = BUFFERED.max(self.max_body_bytes);
        self.max_buffered_bytes.unwrap_or(enough)
    }

    fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout)
    }
}

/// A client's own embedder: takes texts, and returns a vector for each.
pub type Embedder = Box<
    dyn Fn(Vec<Box<str>>) -> Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>>> + Send>>
        + Send
        + Sync,
>;

/// The most texts passed to an embedder at once.
const EMBEDDED_AT_ONCE: usize = 128;

/// How long a call may block the thread that serves the connection: moving shorter work to another
/// thread would take a good part of that time.
const INLINE: Duration = Duration::from_micros(500);

/// State shared by the handlers.
struct Shared {
    client: Arc<Client>,
    embedder: Option<Embedder>,
    options: Options,
    key: Option<guard::Key>,
    /// The remaining space for bodies.
    space: Arc<Semaphore>,
    /// The remaining space for responses, which is as large.
    answers: Arc<room::Room>,
    metrics: metrics::Metrics,
    log: log::Log,
    started: Instant,
    /// The OpenAPI document.
    document: String,
}

type Api = Arc<Shared>;

impl Shared {
    /// Makes a call of the client. A panic in it fails only this call.
    async fn start<W: Work>(&self, dispatch: Dispatch, work: W) -> Handled<W::Output> {
        let task = Task::begin(&self.client, dispatch, work)?;
        Ok(task.run(INLINE).await?)
    }

    /// The same for work that starts from the beginning at each attempt.
    async fn run<T: Send + 'static>(
        &self,
        dispatch: Dispatch,
        work: impl FnMut(&Call, Access) -> Result<T> + Send + 'static,
    ) -> Handled<T> {
        self.start(dispatch, Repeated(work)).await
    }

    /// The same for work that is attempted only once, on a thread of its own.
    async fn once<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Call) -> Result<T> + Send + 'static,
    ) -> Handled<T> {
        self.start(Dispatch::Blocking, Once(work)).await
    }

    /// Reserves space for a response with `limit` vectors of a collection, before they are read. If
    /// they turn out to be larger than average, the share grows when the response is made.
    fn reserve(&self, collection: &str, limit: usize, with_vector: bool) -> Handled<room::Share> {
        let call = self.client.begin().ok();
        let found = call.and_then(|call| call.collection(collection).ok());
        let bytes = found.and_then(|found| found.expected_bytes(limit, with_vector));
        self.answers.reserve(bytes.unwrap_or(0))
    }

    /// The vectors of texts for a collection from the client's own embedder; `None` if the built-in
    /// one is to be used.
    async fn embedded(
        &self,
        collection: &str,
        texts: Vec<Box<str>>,
    ) -> Handled<Option<Vec<Vec<f32>>>> {
        if self.embedder.is_none() || texts.is_empty() {
            return Ok(None);
        }
        let name = collection.to_owned();
        // Checked first, so that a model is not called in vain.
        self.run(Dispatch::Inline, move |call, _| {
            call.collection(&name).map(drop)
        })
        .await?;
        self.embed(texts).await
    }

    async fn embed(&self, texts: Vec<Box<str>>) -> Handled<Option<Vec<Vec<f32>>>> {
        let Some(embedder) = &self.embedder else {
            return Ok(None);
        };
        let mut rows = Vec::with_capacity(texts.len());
        for part in texts.chunks(EMBEDDED_AT_ONCE) {
            let made = embedder(part.to_vec()).await?;
            if made.len() != part.len() {
                return Err(Failure::Call(Error::Embedding(format!(
                    "the embedder returned {} for {} texts; return a vector for each",
                    made.len(),
                    part.len()
                ))));
            }
            rows.extend(made);
        }
        Ok(Some(rows))
    }
}

/// A router that answers requests, to be used with another server or without one.
///
/// # Errors
///
/// `Validation` for invalid options.
pub fn app(client: Arc<Client>, options: Options) -> Result<Router> {
    options.check()?;
    Ok(router(client, None, options, |router| router)?.0)
}

/// The router with all its layers.
fn router(
    client: Arc<Client>,
    embedder: Option<Embedder>,
    options: Options,
    extra: impl FnOnce(Router<Api>) -> Router<Api>,
) -> Result<(Router, Api)> {
    let (routes, document) = routes::routes().finish(options.api_key.is_some());
    let api = Arc::new(Shared {
        metrics: metrics::Metrics::new(&client),
        client,
        embedder,
        key: options.api_key.as_deref().map(guard::Key::new),
        space: Arc::new(Semaphore::new(
            options.max_buffered_bytes().div_ceil(body::PIECE),
        )),
        answers: Arc::new(room::Room::new(options.max_buffered_bytes())),
        log: log::Log::new(options.log),
        started: Instant::now(),
        document: document.to_string(),
        options,
    });
    let mut router = extra(routes)
        .fallback(async || Failure::NoSuchRoute)
        .method_not_allowed_fallback(async || Failure::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(api.clone(), guard::admit));
    if let Some(cors) = cors(&api.options.cors)? {
        router = router.layer(cors);
    }
    let router = router
        .layer(CatchPanicLayer::custom(|_| Failure::Defect.into_response()))
        .layer(middleware::from_fn(body::read_on))
        .layer(middleware::map_response(keep_nowhere))
        .layer(middleware::from_fn_with_state(
            api.clone(),
            metrics::observe,
        ))
        .with_state(api.clone());
    Ok((router, api))
}

/// Responses may contain what is deleted next, so no cache on the way may store them.
async fn keep_nowhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn cors(origins: &[String]) -> Result<Option<CorsLayer>> {
    if origins.is_empty() {
        return Ok(None);
    }
    // The headers are listed because `*` does not include `Authorization`.
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        HeaderName::from_static("x-api-key"),
    ];
    let layer = CorsLayer::new().allow_methods(Any).allow_headers(headers);
    if origins.iter().any(|origin| origin == "*") {
        return Ok(Some(layer.allow_origin(Any)));
    }
    let values = origins.iter().map(|origin| {
        HeaderValue::from_str(origin)
            .map_err(|_| Error::Validation(format!("options.cors: {origin:?} is no origin")))
    });
    let values: Result<Vec<_>> = values.collect();
    Ok(Some(layer.allow_origin(values?)))
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{Request, StatusCode},
        routing::{get, post},
    };
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::client::Options as Store;

    fn start(options: Options, extra: impl FnOnce(Router<Api>) -> Router<Api>) -> (Router, Api) {
        let client = Arc::new(Client::open(Store::default()));
        router(client, None, options, extra).unwrap()
    }

    async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, String) {
        let response: Response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        request.body(body.into()).unwrap()
    }

    #[tokio::test]
    async fn no_answer_is_kept_by_anybody_on_its_way() {
        let options = Options {
            api_key: Some("secret".into()),
            cors: vec!["*".into()],
            ..Options::default()
        };
        let (keyed, _) = start(options, |router| router);
        let (open, _) = start(Options::default(), |router| router);
        let requests = [
            (&open, "GET", "/health", 200),
            (&open, "GET", "/collections", 200),
            (&open, "GET", "/nowhere", 404),
            (&open, "PATCH", "/health", 405),
            (&open, "POST", "/collections", 400),
            (&keyed, "GET", "/collections", 401),
            (&keyed, "OPTIONS", "/collections", 200),
        ];
        for (router, method, path, status) in requests {
            let mut request = request(method, path, "");
            if method == "OPTIONS" {
                let headers = request.headers_mut();
                headers.insert("origin", HeaderValue::from_static("https://a.example"));
                headers.insert(
                    "access-control-request-method",
                    HeaderValue::from_static("GET"),
                );
            }
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{method} {path}");
            assert_eq!(
                response.headers()[header::CACHE_CONTROL],
                "no-store",
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_panic_is_the_end_of_its_request_and_of_nothing_else() {
        let (router, api) = start(Options::default(), |router| {
            let panics = async || -> Response { panic!("in a test") };
            router.route("/panics", get(panics))
        });
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        for _ in 0..3 {
            let (status, body) = ask(&router, request("GET", "/panics", "")).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(
                body.contains("INTERNAL_ERROR") && !body.contains("in a test"),
                "{body}"
            );
        }
        let contained = api.once(|_| -> Result<()> { panic!("in a call") }).await;
        std::panic::set_hook(hook);
        assert_eq!(contained.unwrap_err().code(), "INTERNAL_ERROR");
        let (status, _) = ask(&router, request("GET", "/health", "")).await;
        assert_eq!(status, StatusCode::OK);
        let metrics = api.metrics.text().unwrap();
        assert!(
            metrics.contains("vectorizer_http_requests_in_flight 0"),
            "{metrics}"
        );
    }

    #[tokio::test]
    async fn bodies_give_their_space_back_whatever_becomes_of_them() {
        let options = Options {
            max_body_bytes: 3 * body::PIECE,
            max_buffered_bytes: Some(4 * body::PIECE),
            ..Options::default()
        };
        let (router, api) = start(options, |router| {
            let hold = async |axum::extract::State(api): axum::extract::State<Api>, first| {
                let first = body::take(&api, first).await.unwrap();
                // The first one occupies three of four pieces as long as it is held.
                let second = body::take(&api, request("POST", "/", vec![b' '; 5000]));
                let second = second.await.map(drop).unwrap_err();
                drop(first);
                second.into_response()
            };
            router.route("/hold", post(hold))
        });
        for _ in 0..3 {
            let body = vec![b' '; 3 * body::PIECE];
            let (status, _) = ask(&router, request("POST", "/hold", body)).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            for (path, body, expected) in [
                (
                    "/collections",
                    "{\"name\":".to_owned(),
                    StatusCode::BAD_REQUEST,
                ),
                (
                    "/collections",
                    " ".repeat(3 * body::PIECE + 1),
                    StatusCode::PAYLOAD_TOO_LARGE,
                ),
                ("/search", "{}".to_owned(), StatusCode::BAD_REQUEST),
            ] {
                assert_eq!(ask(&router, request("POST", path, body)).await.0, expected);
            }
            assert_eq!(api.space.available_permits(), 4);
        }
    }

    #[tokio::test]
    async fn large_answers_that_nobody_reads_leave_room_for_small_ones_and_for_what_is_written() {
        let space = 256 << 10;
        let options = Options {
            max_body_bytes: space,
            max_buffered_bytes: Some(space),
            ..Options::default()
        };
        let (router, api) = start(options, |router| router);
        let post = |path: &str, body: &str| request("POST", path, body.to_owned());
        let get = |path: &str| request("GET", path, "");
        let status = async |request| router.clone().oneshot(request).await.unwrap();
        let made = post("/collections", r#"{"name":"c","dimension":1}"#);
        assert!(status(made).await.status().is_success());
        let row = |id: &str, bytes| {
            format!(
                r#"{{"id":"{id}","vector":[1],"metadata":{{"x":"{}"}}}}"#,
                "y".repeat(bytes)
            )
        };
        for (id, bytes) in [("a", 150 << 10), ("b", 10)] {
            let inserted = status(post("/collections/c/insert", &row(id, bytes))).await;
            assert!(inserted.status().is_success());
        }
        let list = "/collections/c/vectors";
        let search = |limit| {
            let body = format!(r#"{{"vector":[1],"limit":{limit}}}"#);
            request("POST", "/collections/c/search", body)
        };
        for _ in 0..3 {
            let held = status(get(list)).await;
            assert_eq!(held.status(), StatusCode::OK);
            assert!(api.answers.left() < 150 << 10);
            for large in [get(list), get("/collections/c/vectors/a"), search(2)] {
                let (refused, body) = ask(&router, large).await;
                assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
                assert!(body.contains("OVERLOADED"), "{body}");
            }
            assert_eq!(
                ask(&router, get("/collections/c/vectors/b")).await.0,
                StatusCode::OK
            );
            // A change that has been made is answered, however large the response is.
            let change = request("PUT", "/collections/c/vectors/a", r#"{"vector":[2]}"#);
            let (changed, body) = ask(&router, change).await;
            assert!(
                changed == StatusCode::OK && body.len() > 300 << 10,
                "{changed}"
            );
            // A response that is dropped half-way, or read to the end.
            let mut body = held.into_body();
            body.frame().await.unwrap().unwrap();
            assert!(api.answers.left() < space);
            drop(body);
            assert_eq!(api.answers.left(), space);
            let (read, text) = ask(&router, get(list)).await;
            assert!(read == StatusCode::OK && text.len() > 150 << 10);
            assert_eq!(api.answers.left(), space);
        }
    }

    #[tokio::test]
    async fn a_large_answer_is_handed_over_in_portions_of_a_whole() {
        let room = room::Room::new(1 << 20);
        let text: String = (0..300_000)
            .map(|i| char::from(b'a' + (i % 26) as u8))
            .collect();
        let share = room.reserve(text.len()).unwrap();
        let mut body = room.body(text.clone(), share).unwrap();
        let length = axum::body::HttpBody::size_hint(&body).exact();
        assert_eq!(length, Some(300_000));
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            assert!((1..=64 << 10).contains(&data.len()));
            read.extend_from_slice(&data);
        }
        assert_eq!(read, text.as_bytes());
        drop(body);
        // A response larger than the whole space takes all of it, alone.
        let all = room.reserve(usize::MAX).unwrap();
        assert!(room.reserve(100 << 10).is_err());
        drop(all);
        room.reserve(100 << 10).unwrap();
    }

    #[test]
    fn without_a_key_nothing_is_said_of_one() {
        let (_, with) = routes::routes().finish(true);
        let (_, without) = routes::routes().finish(false);
        assert_eq!(
            with["paths"]["/health"]["get"]["security"],
            serde_json::json!([])
        );
        assert!(with["paths"]["/stats"]["get"]["responses"]["401"].is_object());
        let text = without.to_string();
        for word in ["\"401\"", "security", "Unauthorized"] {
            assert!(!text.contains(word), "{word}");
        }
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let refused = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            let client = Arc::new(Client::open(Store::default()));
            app(client, options).unwrap_err().to_string()
        };
        assert!(refused(|o| o.max_body_bytes = 0).contains("maxBodyBytes"));
        assert!(refused(|o| o.max_buffered_bytes = Some(1)).contains("maxBufferedBytes"));
        assert!(refused(|o| o.max_connections = usize::MAX).contains("maxConnections"));
        assert!(refused(|o| o.body_timeout = 0).contains("bodyTimeout"));
        assert!(refused(|o| o.api_key = Some(String::new())).contains("apiKey is empty"));
        for key in [" key", "key ", "two\nlines", "schlüssel"] {
            let mut options = Options {
                api_key: Some(key.into()),
                ..Options::default()
            };
            assert!(options.check().is_err(), "{key:?}");
            options.api_key = Some("two words".into());
            options.check().unwrap();
        }
        assert!(refused(|o| o.cors = vec!["\n".into()]).contains("cors"));
    }
}
