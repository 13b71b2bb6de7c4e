//! Unintended bodies, sent to every route that accepts one: none may be answered as an internal
//! error of the server.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use vectorizer_native::{
    client::{Client, Options as Store},
    rest::{Options, app},
};

/// A server, and its directory for backups.
fn server() -> (Router, TempDir) {
    let backups = tempfile::tempdir().unwrap();
    let options = Options {
        backups: Some(backups.path().to_owned()),
        ..Options::default()
    };
    let client = Arc::new(Client::open(Store::default()));
    (app(client, options).unwrap(), backups)
}

fn create(app: &Router, name: &str, dimension: usize) {
    let new = json!({ "name": name, "dimension": dimension }).to_string();
    assert_eq!(ask(app, "POST", "/collections", new).0, StatusCode::CREATED);
}

/// Creates a collection `c` of two dimensions with a vector `a`.
fn fill(app: &Router) {
    create(app, "c", 2);
    let vector = json!({ "id": "a", "vector": [1, 0], "metadata": { "k": 1 } }).to_string();
    assert_eq!(
        ask(app, "POST", "/collections/c/insert", vector).0,
        StatusCode::OK
    );
}

/// Whether a request has given the collection that it was about another name.
fn has_renamed(path: &str, (status, answer): &(StatusCode, Value)) -> bool {
    path.ends_with("/rename") && status.is_success() && answer["status"] == "renamed"
}

/// A server with a collection `c`, an empty one `b` to move vectors to, and its routes that accept a
/// body.
fn start() -> (Router, TempDir, Vec<(String, String)>) {
    let (app, backups) = server();
    fill(&app);
    for name in ["b", "empty", "cleanup"] {
        create(&app, name, 2);
    }
    let (_, document) = ask(&app, "GET", "/openapi.json", String::new());
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation.get("requestBody").is_some() {
                let path = path.replace("{collection}", "c").replace("{id}", "a");
                routes.push((method.to_uppercase(), path));
            }
        }
    }
    assert!(routes.len() >= 40, "{routes:?}");
    (app, backups, routes)
}

fn ask(app: &Router, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    })
}

/// Keys and values that are meaningful to some route, in any position.
fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        prop::sample::select(vec![
            "",
            "a",
            "b",
            "c",
            "k",
            "$gt",
            "cosine",
            "dot_product",
            "match",
            "2024-01-01",
            "2024-01-01T00:00:00Z",
            "24h",
            "1000",
            "\0",
            "a/b",
            "..",
            "ö\u{1F600}",
        ])
        .prop_map(String::from),
        ".{0,8}",
    ];
    let number = prop_oneof![
        prop::num::f64::ANY.prop_map(|number| json!(number)),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::sample::select(vec![
            json!(0),
            json!(1),
            json!(2),
            json!(1.0),
            json!(1000),
            json!(1e39),
            json!(-0.0)
        ]),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        text.prop_map(Value::from),
        Just(json!([1.0, 0.5])),
        Just(json!([0, 0])),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn keys() -> impl Strategy<Value = String> {
    let known = vec![
        "id",
        "ids",
        "vector",
        "vectors",
        "embedding",
        "data",
        "text",
        "texts",
        "metadata",
        "payload",
        "expires_at",
        "ttl_secs",
        "filter",
        "dry_run",
        "rows",
        "receipt",
        "at_most",
        "expect",
        "undo",
        "token",
        "all",
        "patch",
        "updates",
        "destination",
        "overwrite",
        "collections",
        "reason",
        "description",
        "new_name",
        "query",
        "limit",
        "threshold",
        "cursor",
        "ef_search",
        "with_vector",
        "include_metadata",
        "name",
        "dimension",
        "metric",
        "hnsw",
        "m",
        "ef_construction",
        "collection",
        "points",
        "wait",
        "must",
        "should",
        "must_not",
        "key",
        "match",
        "any",
        "range",
        "gte",
        "$and",
        "$or",
        "$not",
        "$in",
        "$date",
        "has_id",
        "is_null",
        "k",
        "model",
    ];
    prop_oneof![
        9 => prop::sample::select(known).prop_map(String::from),
        1 => ".{0,4}",
    ]
}

/// A body that is almost what a route accepts: its keys, with any values.
fn nearly() -> impl Strategy<Value = Value> {
    let entries = prop::collection::vec((keys(), values()), 0..7);
    let always = prop::sample::subsequence(
        vec![
            ("collection", json!("c")),
            ("ids", json!(["a"])),
            ("filter", json!({ "k": 1 })),
            ("vector", json!([0.5, 0.5])),
            ("query", json!("text")),
            ("vectors", json!([{ "id": "b", "vector": [1, 1] }])),
            ("points", json!([{ "id": 1, "vector": [1, 1] }])),
            ("id", json!("a")),
            ("patch", json!({ "k": null, "j": { "i": 1 } })),
            ("updates", json!([{ "id": "a", "metadata": { "k": 1 } }])),
            ("destination", json!("b")),
            ("description", json!("text")),
            ("undo", json!("24h")),
        ],
        0..4,
    );
    (entries, always).prop_map(|(entries, always)| {
        let always = always
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Object(entries.into_iter().chain(always).collect())
    })
}

/// Checks that a response is a success, or says what was wrong with the request.
fn check((status, body): (StatusCode, Value)) -> Result<(), TestCaseError> {
    if status.is_success() {
        return Ok(());
    }
    prop_assert!(status.is_client_error(), "{status}: {body}");
    prop_assert!(body["error"]["code"].is_string(), "{body}");
    prop_assert!(
        !body["message"].as_str().unwrap_or_default().is_empty(),
        "{body}"
    );
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Sends each case to every route.
fn to_every_route(
    strategy: impl Strategy<Value = Vec<u8>>,
) -> Result<(), proptest::test_runner::TestError<Vec<u8>>> {
    let (app, _backups, routes) = start();
    proptest::test_runner::TestRunner::new_with_rng(
        config(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
    .run(&strategy, |body| {
        for (method, path) in &routes {
            let answer = ask(&app, method, path, body.clone());
            if has_renamed(path, &answer) {
                fill(&app);
            }
            check(answer)?;
        }
        Ok(())
    })
}

#[test]
fn no_bytes_are_a_defect() {
    to_every_route(prop::collection::vec(any::<u8>(), 0..64)).unwrap();
}

#[test]
fn no_json_is_a_defect() {
    to_every_route(values().prop_map(|value| value.to_string().into())).unwrap();
}

#[test]
fn nothing_that_is_nearly_right_is_a_defect() {
    to_every_route(nearly().prop_map(|value| value.to_string().into())).unwrap();
}

#[test]
fn no_cut_off_body_is_a_defect() {
    let cut = (nearly(), any::<prop::sample::Index>()).prop_map(|(value, at)| {
        let mut text = value.to_string().into_bytes();
        text.truncate(at.index(text.len() + 1));
        text
    });
    to_every_route(cut).unwrap();
}

#[test]
fn brackets_without_end_are_refused() {
    let (app, _backups, routes) = start();
    for brackets in [
        "[",
        "{\"filter\":",
        "{\"metadata\":{\"a\":",
        "{\"filter\":{\"$not\":",
    ] {
        let body = brackets.repeat(100_000);
        for (method, path) in &routes {
            let (status, answer) = ask(&app, method, path, body.clone());
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        }
    }
}

/// A route that accepts a body, as described in the OpenAPI document.
struct Documented {
    method: String,
    path: String,
    example: Value,
    /// The schema of the body.
    schema: Value,
    allows: Validator,
}

/// A server in the state that the document's examples assume, with its document and the routes that
/// accept a body.
fn exemplary() -> (Router, TempDir, Value, Vec<Documented>) {
    let (app, backups) = server();
    let (_, document) = ask(&app, "GET", "/openapi.json", "");
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let content = &operation["requestBody"]["content"]["application/json"];
            let Some(schema) = content.get("schema") else {
                continue;
            };
            let mut whole = schema.clone();
            whole["components"] = document["components"].clone();
            routes.push(Documented {
                method: method.to_uppercase(),
                path: path.clone(),
                example: content["example"].clone(),
                schema: schema.clone(),
                allows: jsonschema::draft202012::new(&whole).unwrap(),
            });
        }
    }
    assert!(routes.len() >= 40);
    for name in ["my_collection", "archive", "b", "empty", "cleanup"] {
        create(&app, name, 4);
    }
    (app, backups, document, routes)
}

impl Documented {
    fn ask(&self, app: &Router, body: &Value) -> (StatusCode, Value) {
        let vector = |id| json!({ "id": id, "vector": [1, 0, 0, 0] });
        // Those whose ids are segments of other routes' paths as well.
        let ids = [
            "vec_001",
            "delete_by_filter",
            "bulk_update_metadata",
            "move",
            "copy",
        ];
        let vectors = json!({ "vectors": ids.map(vector) });
        let insert = "/collections/my_collection/batch_insert";
        assert_eq!(
            ask(app, "POST", insert, vectors.to_string()).0,
            StatusCode::OK
        );
        let path = self.path.replace("{collection}", "my_collection");
        let answer = ask(
            app,
            &self.method,
            &path.replace("{id}", "vec_001"),
            body.to_string(),
        );
        if has_renamed(&path, &answer) {
            create(app, "my_collection", 4);
        }
        answer
    }

    /// Whether the document allows a body. Alternative field names are described only in prose.
    fn allows(&self, body: &Value) -> bool {
        let mut body = body.clone();
        let names: &[(&str, &str)] = match self.path.as_str() {
            "/collections" => &[("similarity_metric", "metric")],
            "/collections/{collection}/search" => &[
                ("threshold", "similarity_threshold"),
                ("score_threshold", "similarity_threshold"),
            ],
            "/search" | "/collections/{collection}/search/text" => &[
                ("similarity_threshold", "threshold"),
                ("score_threshold", "threshold"),
            ],
            "/update" => &[("data", "vector"), ("payload", "metadata")],
            "/insert_vectors" => &[
                ("vector", "embedding"),
                ("data", "embedding"),
                ("metadata", "payload"),
            ],
            _ => &[],
        };
        let rename = |object: &mut Value| {
            for (other, name) in names {
                let fields = object.as_object_mut();
                if let Some(fields) = fields
                    && let Some(value) = fields.remove(*other)
                {
                    fields.insert((*name).to_owned(), value);
                }
            }
        };
        match body.get_mut("vectors").and_then(Value::as_array_mut) {
            Some(vectors) if self.path == "/insert_vectors" => vectors.iter_mut().for_each(rename),
            _ => rename(&mut body),
        }
        self.allows.is_valid(&body)
    }
}

/// The object schema that a reference, or one of several, leads to, if it is one.
fn object_schema<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        return object_schema(document, document.pointer(reference.strip_prefix('#')?)?);
    }
    if let Some(schemas) = schema["anyOf"].as_array() {
        let found = schemas.iter().find_map(|one| object_schema(document, one));
        return found.or_else(|| schema.get("properties").map(|_| schema));
    }
    schema.get("properties").map(|_| schema)
}

/// An object as a list of its values, in the order of its schema.
fn by_position(schema: &Value, object: &Value) -> Value {
    let names = schema["properties"].as_object().unwrap().keys();
    names.map(|name| object[name].clone()).collect()
}

/// The variants of a body in which it, or something in it, is replaced by each of `values`, and by
/// itself as a list.
fn variants(document: &Value, schema: &Value, body: &Value, values: &[Value]) -> Vec<Value> {
    let mut all = values.to_vec();
    if let Some(items) = body.as_array() {
        for (i, item) in items.iter().enumerate() {
            for variant in variants(document, &schema["items"], item, values) {
                let mut changed = body.clone();
                changed[i] = variant;
                all.push(changed);
            }
        }
    }
    let Some(schema) = object_schema(document, schema) else {
        return all;
    };
    if body.is_object() {
        all.push(by_position(schema, body));
        for (name, of_field) in schema["properties"].as_object().unwrap() {
            for variant in variants(document, of_field, &body[name], values) {
                let mut changed = body.clone();
                changed[name] = variant;
                all.push(changed);
            }
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(name);
            all.push(without);
        }
    }
    all
}

#[test]
fn what_the_document_refuses_is_refused() {
    let (app, _backups, document, routes) = exemplary();
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e39),
        json!(8_640_000_000_000_001_i64),
        json!(""),
        json!("cosine"),
        json!([]),
        json!([null]),
        json!([16, 100, 80]),
        json!({}),
        json!({ "unknown": 1 }),
    ];
    for route in &routes {
        let (status, answer) = route.ask(&app, &route.example);
        let taken = status.is_success() || status == StatusCode::CONFLICT;
        assert!(taken && route.allows(&route.example), "{answer}");
        let mut refused = 0;
        for body in variants(&document, &route.schema, &route.example, &values) {
            if route.allows(&body) {
                continue;
            }
            refused += 1;
            let (status, answer) = route.ask(&app, &body);
            assert!(
                status.is_client_error() && status != StatusCode::CONFLICT,
                "{} {} {body}: {status} {answer}",
                route.method,
                route.path
            );
        }
        assert!(refused > values.len(), "{}", route.path);
    }
}

#[test]
fn what_is_nearly_right_is_refused_where_the_document_refuses_it() {
    let (app, _backups, _, routes) = exemplary();
    proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig {
            cases: 250,
            ..config()
        },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
    .run(&nearly(), |body| {
        let text = body.to_string().replace("\"c\"", "\"my_collection\"");
        let body: Value = serde_json::from_str(&text).unwrap();
        for route in &routes {
            let (status, _) = route.ask(&app, &body);
            prop_assert!(
                !status.is_success() || route.allows(&body),
                "{} {}",
                route.method,
                route.path
            );
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn rows_of_a_delete_are_taken_where_the_document_allows_them() {
    let (app, _backups, _, routes) = exemplary();
    let path = "/collections/{collection}/delete_by_filter";
    let route = routes.iter().find(|route| route.path == path).unwrap();
    let mut taken = 0;
    for rows in [
        json!(1),
        json!(1000.0),
        json!(0),
        json!(1001),
        json!(1.5),
        json!(null),
    ] {
        for dry_run in [json!(true), json!(false), json!(null)] {
            for receipt in [false, true] {
                let body = json!({
                    "filter": { "k": 1 },
                    "rows": rows,
                    "dry_run": dry_run,
                    "receipt": receipt,
                });
                let (status, answer) = route.ask(&app, &body);
                assert_eq!(status.is_success(), route.allows(&body), "{body}: {answer}");
                taken += usize::from(status.is_success());
            }
        }
        let (status, answer) = route.ask(&app, &json!({ "filter": { "k": 1 }, "rows": rows }));
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    }
    assert_eq!(taken, 2);
}

#[test]
fn an_expiry_is_taken_and_refused_in_the_same_way_by_every_route_that_has_one() {
    let (app, _backups, _, routes) = exemplary();
    let cases = [
        (json!(4_102_444_800_000_i64), true),
        (json!(4_102_444_800_000.0), true),
        (json!(8_640_000_000_000_000_i64), true),
        (json!(0), true),
        (json!("2100-01-01T00:00:00Z"), true),
        (json!("2100-01-01T01:00:00.1234567+01:00"), true),
        (json!(null), true),
        (json!(-1), false),
        (json!(0.5), false),
        (json!(8_640_000_000_000_001_i64), false),
        (json!("2100-01-01"), false),
        (json!("2100-01-01T00:00:00"), false),
        (json!("1969-12-31T23:59:59Z"), false),
        (json!("4102444800000"), false),
        (json!([0]), false),
    ];
    let mut having = 0;
    for route in &routes {
        let lists = ["vectors", "texts", "points", "updates"];
        let list = lists
            .into_iter()
            .find(|list| route.example[list][0].is_object());
        let of = list.map_or(String::new(), |list| format!("/{list}/0"));
        if !route.example.is_object() {
            continue;
        }
        let with = |at: &Value| {
            let mut body = route.example.clone();
            body.pointer_mut(&of).unwrap()["expires_at"] = at.clone();
            body
        };
        if !route.allows(&with(&json!(null))) {
            continue;
        }
        having += 1;
        let place = list.map_or("body.expires_at: ".into(), |list| {
            format!("body.{list}[0].expires_at: ")
        });
        for (at, is_taken) in &cases {
            let (status, answer) = route.ask(&app, &with(at));
            let message = answer["message"].as_str().unwrap_or_default();
            if *is_taken {
                assert!(status.is_success(), "{} {at}: {message}", route.path);
                assert!(route.allows(&with(at)), "{} {at}", route.path);
            } else {
                assert_eq!(status, StatusCode::BAD_REQUEST, "{} {at}", route.path);
                assert!(message.starts_with(&place), "{message}");
            }
        }
    }
    // Six routes that insert, one that replaces, twelve that update, and that of the expiry alone.
    assert_eq!(having, 20);
    let path = "/collections/{collection}/replace";
    let route = routes.iter().find(|route| route.path == path).unwrap();
    for (at, is_taken) in &cases {
        let mut body = route.example.clone();
        body["expires_at"] = at.clone();
        let (status, answer) = route.ask(&app, &body);
        assert_eq!(status.is_success(), *is_taken, "{at}: {answer}");
        assert!(route.allows(&body) || !is_taken, "{at}");
    }
}

#[test]
fn a_ttl_is_taken_where_the_document_allows_it() {
    let (app, _backups, _, routes) = exemplary();
    let path = "/collections/{collection}/ttl";
    let route = routes.iter().find(|route| route.path == path).unwrap();
    let mut taken = 0;
    for seconds in [
        json!(null),
        json!(4_294_967_295_u32),
        json!(3600.0),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(4_294_967_296_u64),
        json!("3600"),
        json!(true),
    ] {
        let body = json!({ "ttl_secs": seconds });
        let (status, answer) = route.ask(&app, &body);
        assert_eq!(status.is_success(), route.allows(&body), "{body}: {answer}");
        taken += usize::from(status.is_success());
    }
    assert_eq!(taken, 3);
    assert_eq!(route.ask(&app, &json!({})).0, StatusCode::BAD_REQUEST);
}

#[test]
fn a_text_that_is_no_json_is_refused_with_the_place_where_it_ends_to_be() {
    let (app, _backups, routes) = start();
    for (body, place) in [
        ("{\"ids\": [\"a\",]}", "at line 1 column 14"),
        (
            "{\n  \"ids\": [\"a\"]\n  \"receipt\": true }",
            "at line 3 column 3",
        ),
        ("{ \"ids\": [\"a\"]", "at line 1 column 14"),
    ] {
        let (method, path) = routes
            .iter()
            .find(|(_, path)| path == "/collections/c/batch_delete")
            .unwrap();
        let (status, answer) = ask(&app, method, path, body);
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            answer["message"].as_str().unwrap().ends_with(place),
            "{answer}"
        );
    }
    // If it is JSON, the path says where.
    let (_, answer) = ask(
        &app,
        "POST",
        "/collections/c/batch_delete",
        "{\"ids\": [1]}",
    );
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.starts_with("body.ids[0]: ") && !message.contains("line"),
        "{message}"
    );
}

/// The names in an answer.
fn names(answer: &Value) -> Vec<&str> {
    let names = answer["collections"].as_array().unwrap().iter();
    names.map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn empty_collections_are_listed_unless_a_collection_has_the_name_of_the_route() {
    let (app, _backups) = server();
    fill(&app);
    for name in ["z", "y"] {
        create(&app, name, 2);
    }
    let (status, answer) = ask(&app, "GET", "/collections/empty", "");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(names(&answer), ["y", "z"]);

    create(&app, "empty", 2);
    let (status, answer) = ask(&app, "GET", "/collections/empty", "");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["name"], "empty");
    assert_eq!(answer["dimension"], 2);
    let described = json!({ "description": "none" }).to_string();
    let (status, answer) = ask(&app, "PUT", "/collections/empty", described);
    assert_eq!((status, &answer["name"]), (StatusCode::OK, &json!("empty")));
    assert_eq!(answer["description"], "none");
    let vector = json!({ "id": "a", "vector": [1, 0] }).to_string();
    assert_eq!(
        ask(&app, "POST", "/collections/empty/insert", vector).0,
        StatusCode::OK
    );
    assert_eq!(
        ask(&app, "GET", "/collections/emptied", "").0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        ask(&app, "DELETE", "/collections/empty", "").0,
        StatusCode::OK
    );
    assert_eq!(
        names(&ask(&app, "GET", "/collections/empty", "").1),
        ["y", "z"]
    );
    assert_eq!(
        ask(&app, "DELETE", "/collections/empty", "").0,
        StatusCode::NOT_FOUND
    );
}

#[test]
fn nothing_is_cleaned_up_unless_the_request_says_whether_it_is_a_dry_run() {
    let (app, _backups) = server();
    fill(&app);
    create(&app, "z", 2);
    let cleanup = |query: &str| {
        let path = format!("/collections/cleanup{query}");
        ask(&app, "DELETE", &path, "")
    };
    assert_eq!(cleanup("").0, StatusCode::NOT_FOUND);
    for query in [
        "?dry_run=",
        "?dry_run=1",
        "?dry_run=False",
        "?dryRun=false",
        "?dry_run=false&dry_run=true",
        "?dry_run=false&receipt=true",
        "?unknown=1",
    ] {
        let (status, answer) = cleanup(query);
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {answer}");
    }
    create(&app, "cleanup", 2);
    let (status, answer) = cleanup("?dry_run=true");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["applied"], false);
    assert_eq!(names(&answer), ["cleanup", "z"]);
    assert_eq!(ask(&app, "GET", "/collections", "").1["total"], 3);

    // Without it, the collection of that name is meant.
    let (status, answer) = cleanup("?receipt=true");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["receipt"]["collection"], "cleanup");
    assert_eq!(ask(&app, "GET", "/collections", "").1["total"], 2);

    let (status, answer) = cleanup("?dry_run=false");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["applied"], true);
    assert_eq!(names(&answer), ["z"]);
    let (_, answer) = ask(&app, "GET", "/collections", "");
    assert_eq!(answer["total"], 1);
    assert_eq!(answer["collections"][0]["name"], "c");
}

#[test]
fn a_vector_whose_id_is_a_segment_of_another_routes_path_is_a_vector_like_others() {
    let (app, _backups) = server();
    create(&app, "c", 2);
    for id in ["move", "copy", "bulk_update_metadata", "delete_by_filter"] {
        let vector = json!({ "id": id, "vector": [1, 0] }).to_string();
        assert_eq!(
            ask(&app, "POST", "/collections/c/insert", vector).0,
            StatusCode::OK
        );
        let path = format!("/collections/c/vectors/{id}");
        for (method, body) in [
            ("GET", ""),
            ("PUT", "{\"metadata\":{\"k\":1}}"),
            ("PATCH", "{\"metadata\":{\"k\":2}}"),
        ] {
            let (status, answer) = ask(&app, method, &path, body);
            assert_eq!((status, &answer["id"]), (StatusCode::OK, &json!(id)));
        }
        let expiry = json!({ "expires_at": null }).to_string();
        assert_eq!(
            ask(&app, "PATCH", &format!("{path}/expiry"), expiry).0,
            StatusCode::OK
        );
        assert_eq!(ask(&app, "DELETE", &path, "").0, StatusCode::OK);
        assert_eq!(ask(&app, "GET", &path, "").0, StatusCode::NOT_FOUND);
    }
}

#[test]
fn a_call_that_does_not_meet_its_guards_is_refused_with_its_report_and_changes_nothing() {
    let (app, _backups) = server();
    fill(&app);
    create(&app, "b", 2);
    let before = ask(&app, "GET", "/collections/c/vectors", "").1;
    let filter = json!({ "k": 1 });
    let calls = [
        (
            "/collections/c/vectors/bulk_update_metadata",
            json!({ "filter": filter, "patch": { "k": 2 } }),
        ),
        (
            "/collections/c/vectors/move",
            json!({ "destination": "b", "ids": ["a"] }),
        ),
        (
            "/collections/c/vectors/copy",
            json!({ "destination": "b", "filter": filter }),
        ),
        ("/forget", json!({ "filter": filter })),
        (
            "/forget",
            json!({ "ids": ["a", "z"], "collections": ["c"] }),
        ),
    ];
    for (path, body) in calls {
        for (guard, bound) in [("at_most", 0), ("expect", 2)] {
            let mut body = body.clone();
            body[guard] = bound.into();
            let (status, answer) = ask(&app, "POST", path, body.to_string());
            assert_eq!(status, StatusCode::CONFLICT, "{path}: {answer}");
            let error = &answer["error"];
            assert_eq!(error["code"], "TOO_MANY_MATCHES");
            assert_eq!(error["report"]["applied"], false);
            let message = answer["message"].as_str().unwrap();
            assert!(
                message.contains(&format!("body.{guard} is {bound}")),
                "{message}"
            );
        }
        let mut dry_run = body;
        dry_run["dry_run"] = true.into();
        dry_run["expect"] = 1.into();
        let (status, answer) = ask(&app, "POST", path, dry_run.to_string());
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        assert_eq!(answer["applied"], false);
    }
    assert_eq!(ask(&app, "GET", "/collections/c/vectors", "").1, before);
    let (_, answer) = ask(&app, "GET", "/collections/b/vectors", "");
    assert_eq!(answer["total"], 0);
}

#[test]
fn a_collection_is_found_by_its_new_name_only() {
    let (app, _backups) = server();
    fill(&app);
    create(&app, "b", 2);
    let rename = |name: &str, new: &str| {
        let path = format!("/collections/{name}/rename");
        ask(&app, "POST", &path, json!({ "new_name": new }).to_string())
    };
    assert_eq!(rename("c", "b").0, StatusCode::CONFLICT);
    assert_eq!(rename("nowhere", "d").0, StatusCode::NOT_FOUND);
    assert_eq!(rename("c", "a/b").0, StatusCode::BAD_REQUEST);
    assert_eq!(
        rename("c", "c"),
        (
            StatusCode::OK,
            json!({ "old_name": "c", "new_name": "c", "status": "unchanged" })
        )
    );
    assert_eq!(
        rename("c", "d"),
        (
            StatusCode::OK,
            json!({ "old_name": "c", "new_name": "d", "status": "renamed" })
        )
    );
    assert_eq!(
        ask(&app, "GET", "/collections/c", "").0,
        StatusCode::NOT_FOUND
    );
    let (status, answer) = ask(&app, "GET", "/collections/d/vectors/a", "");
    assert_eq!((status, &answer["id"]), (StatusCode::OK, &json!("a")));
}

#[test]
fn a_description_is_answered_wherever_a_collection_is() {
    let (app, _backups) = server();
    let new = json!({ "name": "c", "dimension": 2, "description": "one\ntwo" }).to_string();
    let (status, answer) = ask(&app, "POST", "/collections", new);
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(answer["description"], "one\ntwo");
    let (_, listed) = ask(&app, "GET", "/collections", "");
    assert_eq!(listed["collections"][0]["description"], "one\ntwo");
    let describe = |description: Value| {
        let body = json!({ "description": description }).to_string();
        ask(&app, "PUT", "/collections/c", body)
    };
    for refused in [json!(""), json!("\0"), json!("\r"), json!("ä".repeat(513))] {
        assert_eq!(describe(refused).0, StatusCode::BAD_REQUEST);
    }
    let (status, answer) = describe(json!("ä".repeat(512)));
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(ask(&app, "GET", "/collections/c", "").1, answer);
    let (status, answer) = describe(json!(null));
    assert_eq!(status, StatusCode::OK);
    assert!(answer.get("description").is_none(), "{answer}");
}

#[test]
fn a_reason_is_taken_and_refused_in_the_same_way_by_every_route_that_has_one() {
    let (app, _backups, _, routes) = exemplary();
    let cases = [
        (json!("request of 31 January"), true),
        (json!("\n\0"), true),
        (json!("é".repeat(1000)), true),
        (json!(""), false),
        (json!("é".repeat(1001)), false),
        (json!(null), false),
        (json!(1), false),
        (json!(["r"]), false),
    ];
    let mut having = Vec::new();
    for route in &routes {
        let with = |reason: &Value| {
            let mut body = route.example.clone();
            body["reason"] = reason.clone();
            body
        };
        if !route.example.is_object() || !route.allows(&with(&cases[0].0)) {
            continue;
        }
        having.push(&route.path[..]);
        for (reason, is_taken) in &cases {
            let body = with(reason);
            let (status, answer) = route.ask(&app, &body);
            let message = answer["message"].as_str().unwrap_or_default();
            assert_eq!(route.allows(&body), *is_taken, "{} {reason}", route.path);
            if *is_taken {
                assert!(status.is_success(), "{} {reason}: {message}", route.path);
            } else {
                assert_eq!(status, StatusCode::BAD_REQUEST, "{} {reason}", route.path);
                assert!(message.starts_with("body.reason"), "{message}");
            }
        }
    }
    having.sort_unstable();
    assert_eq!(
        having,
        [
            "/batch_delete",
            "/collections/{collection}/batch_delete",
            "/collections/{collection}/delete_by_filter",
            "/collections/{collection}/purge",
            "/collections/{collection}/replace",
            "/collections/{collection}/vectors/delete_by_filter",
            "/collections/{collection}/vectors/move",
            "/forget",
        ]
    );
}

#[test]
fn the_reason_of_a_delete_of_one_thing_is_in_the_query() {
    let (app, _backups) = server();
    fill(&app);
    for name in ["empty", "cleanup"] {
        create(&app, name, 2);
    }
    let long = format!("?reason={}", "a".repeat(1001));
    let places = [
        "/collections/c/vectors/a",
        "/collections/empty",
        "/collections/cleanup",
        "/collections/c",
    ];
    for path in places {
        for query in [
            "?reason=",
            &long,
            "?reason=a&reason=b",
            "?reasons=a",
            "?reason=a%ffb",
            "?reason=%ed%a0%80",
            "?reason=%C3&receipt=true",
        ] {
            let (status, answer) = ask(&app, "DELETE", &format!("{path}{query}"), "");
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}{query}: {answer}");
            let message = answer["message"].as_str().unwrap();
            assert!(message.starts_with("query"), "{message}");
        }
        let query = "?receipt=true&reason=request%20of%0A31%20January+%C3%A9";
        let (status, answer) = ask(&app, "DELETE", &format!("{path}{query}"), "");
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        let receipt = &answer["receipt"];
        assert_eq!(receipt["reason"], "request of\n31 January é", "{path}");
        let text = receipt["text"].as_str().unwrap();
        let line = "\nReason: \"request of\\n31 January é\"\n";
        assert!(text.contains(line), "{text}");
    }
    // A reason is taken without a receipt too. What is no escape stays as it is.
    create(&app, "c", 2);
    let (status, answer) = ask(&app, "DELETE", "/collections/c?reason=50%&receipt=true", "");
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["receipt"]["reason"], "50%");
    create(&app, "c", 2);
    let (status, answer) = ask(&app, "DELETE", "/collections/c?reason=r", "");
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer.get("receipt").is_none());

    // It would not be about the collections that are empty.
    create(&app, "z", 2);
    let path = "/collections/cleanup?dry_run=false&reason=r";
    let (status, answer) = ask(&app, "DELETE", path, "");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with("query.reason is for"), "{message}");
    assert_eq!(ask(&app, "GET", "/collections", "").1["total"], 1);
}

/// Deletes in each way that there is, with a reason, from a new collection `c`, and returns the
/// receipts, and for each the call, how many ids it named, and its filter.
fn delete_in_every_way(app: &Router) -> Vec<(Value, &'static str, Value, Value)> {
    create(app, "c", 2);
    create(app, "b", 2);
    let vector = |id: &str| json!({ "id": id, "vector": [1, 0], "metadata": { "k": id } });
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let vectors = json!({ "vectors": ids.map(vector) }).to_string();
    let insert = "/collections/c/batch_insert";
    assert_eq!(ask(app, "POST", insert, vectors).0, StatusCode::OK);
    let path = "/collections/c/vectors/i?undo=24h&reason=at+first";
    assert_eq!(ask(app, "DELETE", path, "").0, StatusCode::OK);
    let (none, filter) = (Value::Null, |id: &str| json!({ "k": id }));
    let posts = [
        (
            "/collections/c/batch_delete",
            json!({ "ids": ["a", "nope"] }),
            "batchDelete",
            (json!(2), none.clone()),
        ),
        (
            "/batch_delete",
            json!({ "collection": "c", "ids": ["b"] }),
            "batchDelete",
            (json!(1), none.clone()),
        ),
        (
            "/collections/c/delete_by_filter",
            json!({ "filter": filter("c") }),
            "deleteByFilter",
            (none.clone(), filter("c")),
        ),
        (
            "/collections/c/replace",
            json!({ "filter": filter("d"), "vectors": [] }),
            "replace",
            (none.clone(), filter("d")),
        ),
        (
            "/collections/c/vectors/move",
            json!({ "destination": "b", "ids": ["e", "nope", "nope"] }),
            "moveToCollection",
            (json!(3), none.clone()),
        ),
        (
            "/collections/c/vectors/move",
            json!({ "destination": "b", "filter": filter("f") }),
            "moveToCollection",
            (none.clone(), filter("f")),
        ),
        (
            "/forget",
            json!({ "ids": ["g"] }),
            "forget",
            (json!(1), none.clone()),
        ),
        (
            "/collections/c/purge",
            json!({ "ids": ["i", "nope"] }),
            "purgeDeleted",
            (json!(2), none.clone()),
        ),
    ];
    let mut receipts = Vec::new();
    for (path, mut body, call, (requested, filter)) in posts {
        body["reason"] = "why".into();
        if path != "/forget" {
            body["receipt"] = true.into();
        }
        let (status, answer) = ask(app, "POST", path, body.to_string());
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        receipts.push((answer["receipt"].clone(), call, requested, filter));
    }
    for (path, call, requested) in [
        ("/collections/c/vectors/h", "deleteVector", json!(1)),
        ("/collections/c", "deleteCollection", none.clone()),
    ] {
        let path = format!("{path}?receipt=true&reason=why");
        let (status, answer) = ask(app, "DELETE", &path, "");
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        receipts.push((answer["receipt"].clone(), call, requested, none.clone()));
    }
    receipts
}

/// The members of a receipt, in order.
fn members(receipt: &Value) -> Vec<&str> {
    receipt
        .as_object()
        .unwrap()
        .keys()
        .map(|key| &key[..])
        .collect()
}

#[test]
fn a_receipt_says_which_call_erased_what_was_asked_for_and_why() {
    let (app, _backups) = server();
    for (receipt, call, requested, filter) in delete_in_every_way(&app) {
        assert_eq!(receipt["call"], call);
        assert_eq!(receipt["requested"], requested, "{call}");
        assert_eq!(receipt["filter"], filter, "{call}");
        assert_eq!(receipt["reason"], "why", "{call}");
        let expected = [
            "call",
            if call == "forget" {
                "collections"
            } else {
                "collection"
            },
            "deleted",
            "bytesErased",
            "requested",
            "filter",
            "reason",
            if call == "forget" { "" } else { "logSequence" },
            "completedAt",
            "durable",
            "digest",
            "text",
        ];
        let is_there = |member: &&str| !receipt[*member].is_null();
        let expected: Vec<_> = expected.into_iter().filter(is_there).collect();
        // In memory there is no ledger.
        assert_eq!(members(&receipt), expected);
        let text = receipt["text"].as_str().unwrap();
        for line in [
            format!("Call: {call}"),
            "Reason: why".into(),
            format!(
                "Digest of the ids (SHA-256): {}",
                receipt["digest"].as_str().unwrap()
            ),
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{text}");
        }
    }
    let ledger = (StatusCode::OK, json!({ "ledger": null }));
    assert_eq!(ask(&app, "GET", "/ledger", ""), ledger);
    assert_eq!(
        ask(&app, "GET", "/ledger?a=1", "").0,
        StatusCode::BAD_REQUEST
    );
}

#[test]
fn a_receipt_of_a_store_with_a_ledger_has_its_entry_and_the_end_of_the_ledger_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let client = Arc::new(Client::open(Store {
        path: Some(path.to_str().unwrap().into()),
        ledger: true,
        ..Store::default()
    }));
    let app = app(client, Options::default()).unwrap();
    let end = || {
        let (status, answer) = ask(&app, "GET", "/ledger", "");
        assert_eq!(status, StatusCode::OK, "{answer}");
        let ledger = &answer["ledger"];
        assert_eq!(members(&answer), ["ledger"]);
        assert_eq!(members(ledger), ["store", "entries", "head"]);
        assert_eq!(members(&ledger["head"]), ["entry", "hash"]);
        assert_eq!(ledger["head"]["entry"], ledger["entries"]);
        assert_eq!(ledger["head"]["hash"].as_str().unwrap().len(), 64);
        ledger.clone()
    };
    let first = end();
    assert_eq!(first["entries"], 0);
    let receipts = delete_in_every_way(&app);
    let lines = std::fs::read_to_string(path.join("LEDGER")).unwrap();
    let lines: Vec<_> = lines.lines().collect();
    for (receipt, call, ..) in &receipts {
        let line = receipt["entry"].as_str().unwrap();
        assert!(lines.contains(&line), "{line}");
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_eq!(entry["call"], *call);
        assert_eq!(entry["reason"], "why");
        assert_eq!(receipt["store"], first["store"]);
        let text = receipt["text"].as_str().unwrap();
        let of = first["store"].as_str().unwrap();
        let last = format!("\nLedger of store: {of}, entry {}\n", entry["entry"]);
        assert!(text.ends_with(&last), "{text}");
    }
    let last = end();
    assert_eq!(last["store"], first["store"]);
    assert_eq!(last["entries"], lines.len() - 1);
    // Two for each: that it begins, and that it has happened. The same for the delete with `undo`
    // before what it deleted was purged, and for the end of where that has waited.
    assert_eq!(last["entries"], 2 * (receipts.len() + 2));
    assert_ne!(last["head"], first["head"]);
}

/// Periods, whether they are taken, and whether the document allows them.
fn periods() -> Vec<(Value, bool, bool)> {
    let taken = [
        json!("24h"),
        json!("1000ms"),
        json!("1s"),
        json!("90m"),
        json!("0000000000000000000000007d"),
        json!("3653d"),
        json!("1000"),
        json!(1000),
        json!(1000.0),
        json!(3653 * 24 * 3_600_000_i64),
    ];
    let too_short_or_long = ["999", "999ms", "0d", "3654d", "99999999999999999999s"];
    let refused = [
        json!(""),
        json!("h"),
        json!("24 h"),
        json!("24H"),
        json!("1.5h"),
        json!("-1h"),
        json!("+1h"),
        json!("1h30m"),
        json!("\u{663}h"),
        json!(null),
        json!(true),
        json!(999),
        json!(1000.5),
        json!(-1000),
        json!(1e300),
        json!(3653 * 24 * 3_600_000_i64 + 1),
        json!(["24h"]),
        json!({ "hours": 24 }),
    ];
    let mut all = Vec::new();
    all.extend(taken.map(|period| (period, true, true)));
    // A pattern cannot tell how much it is.
    all.extend(too_short_or_long.map(|period| (json!(period), false, true)));
    all.extend(refused.map(|period| (period, false, false)));
    all
}

#[test]
fn an_undo_is_taken_and_refused_in_the_same_way_by_every_route_that_has_one() {
    let (app, _backups, _, routes) = exemplary();
    let mut having = Vec::new();
    for route in &routes {
        let with = |key: &str, value: &Value| {
            let mut body = route.example.clone();
            body[key] = value.clone();
            body
        };
        if !route.example.is_object() || !route.allows(&with("undo", &json!("24h"))) {
            continue;
        }
        having.push(&route.path[..]);
        for (period, is_taken, is_allowed) in periods() {
            let body = with("undo", &period);
            let (status, answer) = route.ask(&app, &body);
            let message = answer["message"].as_str().unwrap_or_default();
            assert_eq!(route.allows(&body), is_allowed, "{} {period}", route.path);
            if is_taken {
                assert!(status.is_success(), "{} {period}: {message}", route.path);
            } else {
                assert_eq!(status, StatusCode::BAD_REQUEST, "{} {period}", route.path);
                assert!(message.starts_with("body.undo: "), "{message}");
            }
        }
        for receipt in [false, true] {
            let mut body = with("undo", &json!("24h"));
            body["receipt"] = receipt.into();
            let (status, answer) = route.ask(&app, &body);
            assert_eq!(route.allows(&body), !receipt, "{}", route.path);
            assert_eq!(status.is_success(), !receipt, "{}: {answer}", route.path);
            if receipt {
                let message = answer["message"].as_str().unwrap();
                assert!(message.starts_with("body.undo "), "{message}");
            }
        }
    }
    having.sort_unstable();
    assert_eq!(
        having,
        [
            "/collections/{collection}/batch_delete",
            "/collections/{collection}/delete_by_filter",
            "/collections/{collection}/replace",
            "/collections/{collection}/vectors/delete_by_filter",
        ]
    );
}

#[test]
fn what_a_route_has_undeleted_or_purged_is_named_by_ids_or_a_token_and_not_by_both() {
    let (app, _backups, _, routes) = exemplary();
    for (path, takes_all) in [("undelete", false), ("purge", true)] {
        let path = format!("/collections/{{collection}}/{path}");
        let route = routes.iter().find(|route| route.path == path).unwrap();
        let cases = [
            (json!({}), false),
            (json!({ "all": true }), takes_all),
            (json!({ "all": false }), false),
            (json!({ "all": true, "ids": [] }), false),
            (json!({ "ids": [] }), true),
            (json!({ "ids": ["vec_001", "vec_001", ""] }), true),
            (json!({ "ids": ["vec_001"], "token": "t" }), false),
            (json!({ "ids": null }), false),
            (json!({ "token": null }), false),
            (json!({ "ids": [], "token": null }), false),
            (json!({ "ids": null, "token": "t" }), false),
            (json!({ "ids": "vec_001" }), false),
            (json!({ "ids": [1] }), false),
            (json!({ "token": ["t"] }), false),
            (json!({ "id": "vec_001" }), false),
            (json!([["vec_001"]]), false),
        ];
        for (body, is_taken) in cases {
            let (status, answer) = route.ask(&app, &body);
            assert_eq!(route.allows(&body), is_taken, "{path} {body}");
            assert_eq!(status.is_success(), is_taken, "{path} {body}: {answer}");
            if !is_taken {
                let message = answer["message"].as_str().unwrap();
                assert!(message.starts_with("body"), "{message}");
            }
        }
        // No schema knows the tokens that there are.
        let body = json!({ "token": "t" });
        let (status, answer) = route.ask(&app, &body);
        assert!(route.allows(&body));
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert_eq!(answer["error"]["code"], "VALIDATION_ERROR");
    }
}

/// The token of an answer to a delete with `undo`.
fn token(answer: &Value) -> &str {
    assert_eq!(members(&answer["undo"]), ["token", "until"]);
    assert!(answer["undo"]["until"].is_i64());
    answer["undo"]["token"].as_str().unwrap()
}

/// Asks a route of the collection `c`.
fn post(app: &Router, route: &str, body: Value) -> (StatusCode, Value) {
    ask(
        app,
        "POST",
        &format!("/collections/c/{route}"),
        body.to_string(),
    )
}

#[test]
fn the_undo_of_a_delete_of_one_thing_is_in_the_query() {
    let (app, _backups) = server();
    fill(&app);
    for name in ["empty", "cleanup"] {
        create(&app, name, 2);
    }
    let places = [
        ("/collections/c/vectors/a", "c"),
        ("/collections/empty", "empty"),
        ("/collections/cleanup", "cleanup"),
        ("/collections/c", "c"),
    ];
    for (path, name) in places {
        for query in [
            "?undo=",
            "?undo",
            "?undo=soon",
            "?undo=24+h",
            "?undo=999",
            "?undo=1000.0",
            "?undo=3654d",
            "?undo=24h&undo=24h",
            "?undo=24h&receipt=true",
            "?Undo=24h",
            "?undo=%ff24h",
        ] {
            let (status, answer) = ask(&app, "DELETE", &format!("{path}{query}"), "");
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}{query}: {answer}");
            let message = answer["message"].as_str().unwrap();
            assert!(message.starts_with("query"), "{message}");
        }
        for query in [
            "?undo=24h",
            "?undo=1000000",
            "?reason=r&undo=7d",
            "?undo=%31%64&receipt=false",
        ] {
            let (status, answer) = ask(&app, "DELETE", &format!("{path}{query}"), "");
            assert_eq!(status, StatusCode::OK, "{path}{query}: {answer}");
            assert_eq!(members(&answer), ["success", "message", "undo"]);
            let token = token(&answer);
            let gone = ask(&app, "DELETE", &format!("{path}{query}"), "");
            assert_eq!(gone.0, StatusCode::NOT_FOUND, "{}", gone.1);
            let undelete = format!("/collections/{name}/undelete");
            let body = json!({ "token": token }).to_string();
            let (status, answer) = ask(&app, "POST", &undelete, body);
            assert_eq!(status, StatusCode::OK, "{path}{query}: {answer}");
        }
    }
    // It would not be about the collections that are empty.
    let path = "/collections/cleanup?dry_run=false&undo=24h";
    let (status, answer) = ask(&app, "DELETE", path, "");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with("query.undo is for"), "{message}");
    let (_, answer) = ask(&app, "GET", "/collections", "");
    assert_eq!(answer["total"], 3);
}

#[test]
fn what_was_deleted_with_undo_is_listed_brought_back_and_purged() {
    let (app, _backups) = server();
    create(&app, "c", 2);
    let vector = |id: &str| json!({ "id": id, "vector": [1, 0], "metadata": { "k": id } });
    let ids = ["a", "b", "c", "d"];
    let vectors = json!({ "vectors": ids.map(vector) });
    assert_eq!(post(&app, "batch_insert", vectors).0, StatusCode::OK);
    let before = ask(&app, "GET", "/collections/c/vectors/b", "").1;
    let none = json!({ "collections": [], "vectors": [], "total": 0 });
    let list = |query: &str| ask(&app, "GET", &format!("/collections/c/deleted{query}"), "");
    assert_eq!(list(""), (StatusCode::OK, none.clone()));
    assert_eq!(ask(&app, "GET", "/deleted", ""), (StatusCode::OK, none));

    // What guards refuse, a dry run, and what finds nothing leave nothing to undo.
    let undo = "24h";
    let body = json!({ "ids": ["a", "b"], "undo": undo, "at_most": 1 });
    let (status, answer) = post(&app, "batch_delete", body);
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(answer["error"]["report"].get("undo").is_none(), "{answer}");
    let filter = json!({ "k": "b" });
    for body in [
        json!({ "filter": filter, "undo": undo, "dry_run": true }),
        json!({ "filter": { "k": "z" }, "undo": undo }),
    ] {
        let (status, answer) = post(&app, "delete_by_filter", body);
        assert_eq!(status, StatusCode::OK);
        assert!(answer.get("undo").is_none(), "{answer}");
    }
    assert_eq!(list("").1["total"], 0);

    let calls = [
        ("batch_delete", json!({ "ids": ["c", "z", "a"] })),
        ("delete_by_filter", json!({ "filter": filter })),
        ("replace", json!({ "filter": { "k": "d" }, "vectors": [] })),
    ];
    let mut tokens = Vec::new();
    for (route, mut body) in calls {
        body["undo"] = undo.into();
        let (status, answer) = post(&app, route, body);
        assert_eq!(status, StatusCode::OK, "{route}: {answer}");
        assert!(answer.get("receipt").is_none());
        tokens.push(token(&answer).to_owned());
    }
    let (_, info) = ask(&app, "GET", "/collections/c", "");
    assert_eq!(
        (&info["vector_count"], &info["undoable"]),
        (&json!(0), &json!(4))
    );

    let ids = |answer: &Value| -> Vec<String> {
        let vectors = answer["vectors"].as_array().unwrap().iter();
        vectors
            .map(|vector| vector["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, all) = list("");
    assert_eq!(ids(&all)[2..], ["b", "d"]);
    assert_eq!(all["total"], 4);
    let one = &all["vectors"][2];
    assert_eq!(
        members(one),
        ["id", "metadata", "token", "deleted_at", "until"]
    );
    assert_eq!(
        (&one["metadata"], &one["token"]),
        (&filter, &json!(tokens[1]))
    );
    let day = one["until"].as_i64().unwrap() - one["deleted_at"].as_i64().unwrap();
    assert_eq!(day, 24 * 3_600_000);
    let (_, page) = list("?offset=1&limit=2");
    assert_eq!(
        (ids(&page), &page["total"]),
        (ids(&all)[1..3].into(), &json!(4))
    );
    assert_eq!(ids(&list("?offset=4").1), [""; 0]);
    for query in [
        "?limit=0",
        "?limit=1001",
        "?limit=1.5",
        "?limit=",
        "?offset=-1",
        "?limit=1&limit=1",
        "?unknown=1",
    ] {
        let (status, answer) = list(query);
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {answer}");
    }
    let path = "/deleted?limit=1";
    assert_eq!(ask(&app, "GET", path, "").0, StatusCode::BAD_REQUEST);

    let (status, answer) = post(&app, "undelete", json!({ "token": tokens[1] }));
    let results = json!([{ "id": "b", "status": "undeleted" }]);
    let expected = json!({ "collection": "c", "undeleted": 1, "results": results });
    assert_eq!((status, answer), (StatusCode::OK, expected));
    let after = ask(&app, "GET", "/collections/c/vectors/b", "").1;
    assert_eq!(after, before);
    let again = post(&app, "undelete", json!({ "token": tokens[1] }));
    assert_eq!(again.0, StatusCode::BAD_REQUEST);

    assert_eq!(post(&app, "insert", vector("a")).0, StatusCode::OK);
    let body = json!({ "ids": ["a", "z", "c", "c"] });
    let (status, answer) = post(&app, "undelete", body);
    assert_eq!((status, &answer["undeleted"]), (StatusCode::OK, &json!(1)));
    let statuses: Vec<_> = (0..4)
        .map(|i| answer["results"][i]["status"].clone())
        .collect();
    assert_eq!(
        statuses,
        ["id_in_use", "not_found", "undeleted", "repeated"]
    );

    let body = json!({ "ids": ["a", "z", "a"], "reason": "r" });
    let (status, answer) = post(&app, "purge", body);
    let statuses = [("a", "purged"), ("z", "not_found"), ("a", "repeated")];
    let results = statuses.map(|(id, status)| json!({ "id": id, "status": status }));
    let expected = json!({ "collection": "c", "purged": 1, "results": results });
    assert_eq!((status, answer), (StatusCode::OK, expected));
    let (status, answer) = post(&app, "purge", json!({ "all": true, "receipt": true }));
    assert_eq!((status, &answer["purged"]), (StatusCode::OK, &json!(1)));
    let receipt = &answer["receipt"];
    assert_eq!(
        (&receipt["call"], &receipt["deleted"]),
        (&json!("purgeDeleted"), &json!(1))
    );
    assert!(receipt.get("requested").is_none(), "{receipt}");
    assert_eq!(list("").1["total"], 0);
}

#[test]
fn a_collection_that_was_deleted_with_undo_comes_back_unless_its_name_is_taken() {
    let (app, _backups) = server();
    fill(&app);
    let before = ask(&app, "GET", "/collections/c/vectors", "").1;
    let (_, answer) = ask(&app, "DELETE", "/collections/c?undo=7d&reason=r", "");
    let first = json!({ "token": token(&answer) });
    let path = "/collections/c/deleted";
    assert_eq!(
        ask(&app, "GET", "/collections/c", "").0,
        StatusCode::NOT_FOUND
    );
    let (status, listed) = ask(&app, "GET", path, "");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&listed["total"], &listed["vectors"]),
        (&json!(0), &json!([]))
    );
    let one = &listed["collections"][0];
    let expected = ["collection", "token", "deleted_at", "until", "vectors"];
    assert_eq!(members(one), expected);
    assert_eq!(
        (&one["collection"], &one["vectors"]),
        (&json!("c"), &json!(1))
    );
    assert_eq!(ask(&app, "GET", "/deleted", "").1, listed);
    // Its vectors do not wait by themselves.
    let (status, _) = post(&app, "undelete", json!({ "ids": ["a"] }));
    assert_eq!(status, StatusCode::NOT_FOUND);
    for path in ["deleted", "undelete", "purge"] {
        let method = if path == "deleted" { "GET" } else { "POST" };
        let body = match path {
            "deleted" => String::new(),
            _ => first.to_string(),
        };
        let (status, answer) = ask(&app, method, &format!("/collections/d/{path}"), body);
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {answer}");
    }

    create(&app, "c", 3);
    let (status, answer) = post(&app, "undelete", first.clone());
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(answer["error"]["code"], "COLLECTION_EXISTS");
    let (_, answer) = ask(&app, "DELETE", "/collections/c?undo=1h", "");
    let second = json!({ "token": token(&answer), "receipt": true });
    let (_, listed) = ask(&app, "GET", path, "");
    assert_eq!(listed["collections"].as_array().unwrap().len(), 2);

    let (status, answer) = post(&app, "undelete", first.clone());
    let expected = json!({ "collection": "c", "undeleted": 1, "results": [] });
    assert_eq!((status, answer), (StatusCode::OK, expected));
    assert_eq!(ask(&app, "GET", "/collections/c/vectors", "").1, before);
    let again = post(&app, "undelete", first);
    assert_eq!(again.0, StatusCode::BAD_REQUEST);

    let (status, answer) = post(&app, "purge", second);
    assert_eq!(
        (status, &answer["purged"]),
        (StatusCode::OK, &json!(0)),
        "{answer}"
    );
    assert_eq!(answer["receipt"]["call"], "purgeDeleted");
    let (_, listed) = ask(&app, "GET", "/deleted", "");
    assert_eq!(listed["collections"], json!([]));
    assert_eq!(ask(&app, "GET", "/collections/c/vectors", "").1, before);
}
