//! The body of a request to one of the routes that take one: whatever it contains, the server must
//! not answer with an internal error.

use std::sync::{Arc, LazyLock};

use axum::{Router, body::Body, http::Request};
use tower::ServiceExt;
use vectorizer_native::{
    client::{Client, Options as Store},
    rest::{Options, app},
};

const ROUTES: [(&str, &str); 34] = [
    ("POST", "/collections"),
    ("POST", "/collections/c/insert"),
    ("POST", "/collections/c/batch_insert"),
    ("PUT", "/collections/c/vectors/a"),
    ("PATCH", "/collections/c/vectors/a"),
    ("POST", "/collections/c/search"),
    ("POST", "/collections/c/search/text"),
    ("POST", "/collections/c/batch_delete"),
    ("POST", "/collections/c/delete_by_filter"),
    ("POST", "/collections/c/vectors/delete_by_filter"),
    ("POST", "/collections/c/verify_erased"),
    ("POST", "/batch_delete"),
    ("POST", "/search"),
    ("POST", "/insert"),
    ("POST", "/insert_texts"),
    ("POST", "/insert_vectors"),
    ("POST", "/update"),
    ("POST", "/embed"),
    ("PUT", "/qdrant/collections/c/points"),
    ("POST", "/qdrant/collections/c/points/delete"),
    ("POST", "/collections/c/scan"),
    ("PATCH", "/collections/c/vectors/a/expiry"),
    ("POST", "/collections/c/ttl"),
    ("POST", "/collections/c/replace"),
    ("PUT", "/collections/c"),
    ("POST", "/collections/c/rename"),
    ("POST", "/collections/c/reindex"),
    ("POST", "/collections/c/batch_update"),
    ("POST", "/collections/c/vectors/bulk_update_metadata"),
    ("POST", "/collections/c/vectors/move"),
    ("POST", "/collections/c/vectors/copy"),
    ("POST", "/forget"),
    ("POST", "/collections/c/undelete"),
    ("POST", "/collections/c/purge"),
];

static APP: LazyLock<Router> = LazyLock::new(|| {
    let client = Arc::new(Client::open(Store::default()));
    let app = app(client, Options::default()).unwrap();
    // To move vectors to.
    ask(&app, ROUTES[0], br#"{"name":"b","dimension":2}"#);
    app
});

fn ask(app: &Router, (method, path): (&str, &str), body: &[u8]) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_vec()))
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let status = runtime
        .block_on(app.clone().oneshot(request))
        .unwrap()
        .status();
    assert!(!status.is_server_error(), "{method} {path}: {status}");
}

/// The first byte selects the route; the rest is the body.
pub fn run(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else {
        return;
    };
    let app = &*APP;
    // So that there is something to find, to change and to delete. It may have been renamed.
    ask(app, ROUTES[0], br#"{"name":"c","dimension":2}"#);
    ask(
        app,
        ROUTES[1],
        br#"{"id":"a","vector":[1,0],"metadata":{"k":[1,"2024-01-01"]}}"#,
    );
    // And something that waits.
    ask(app, ROUTES[1], br#"{"id":"w","vector":[0,1]}"#);
    ask(app, ROUTES[7], br#"{"ids":["w"],"undo":"24h"}"#);
    ask(app, ROUTES[usize::from(*choice) % ROUTES.len()], body);
}
