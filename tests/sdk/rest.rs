//! The published `vectorizer-sdk`, over its REST transport, against the server that users start.
//! `npm run build` makes that server.
//!
//! Where the SDK sends something that the server should not accept, the test says what and why.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use vectorizer_sdk::{
    ClientConfig, VectorizerClient,
    models::{
        BatchTextRequest, QdrantCondition, QdrantFilter, QdrantRange, RawVectorInsert,
        SimilarityMetric, UpdateVectorRequest,
    },
};

/// A server in memory, in a process that ends with this value.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(api_key: Option<&str>) -> Self {
        let command = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../bin/vectorizer-native.js"
        );
        let mut process = Command::new("node");
        process
            .args([command, "serve", "--port", "0"])
            .env_remove("VECTORIZER_API_KEY")
            .envs(api_key.map(|key| ("VECTORIZER_API_KEY", key)))
            .stdout(Stdio::piped());
        let mut process = process.spawn().expect("node should start");
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let url = line.split(' ').find(|word| word.starts_with("http://"));
        let url = url.unwrap_or_default().into();
        let server = Server { process, url };
        assert!(
            !server.url.is_empty(),
            "the server does not start: {line:?}"
        );
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn start() -> (Server, VectorizerClient) {
    let server = Server::start(None);
    let client = VectorizerClient::new_with_url(&server.url).unwrap();
    (server, client)
}

fn raw(id: &str, embedding: [f32; 4], payload: Value) -> RawVectorInsert {
    RawVectorInsert {
        id: Some(id.into()),
        embedding: embedding.into(),
        payload: Some(payload),
        metadata: None,
    }
}

/// A collection `docs` of four dimensions with five vectors, of which `e` is old.
async fn filled() -> (Server, VectorizerClient) {
    let (server, client) = start();
    let metric = Some(SimilarityMetric::Euclidean);
    client.create_collection("docs", 4, metric).await.unwrap();
    let vectors = vec![
        raw(
            "a",
            [1.0, 0.0, 0.0, 0.0],
            json!({ "topic": "news", "views": 1 }),
        ),
        raw(
            "b",
            [0.0, 1.0, 0.0, 0.0],
            json!({ "topic": "news", "views": 20 }),
        ),
        raw(
            "c",
            [0.0, 0.0, 1.0, 0.0],
            json!({ "topic": "sport", "views": 300 }),
        ),
        raw(
            "d",
            [0.0, 0.0, 0.0, 1.0],
            json!({ "topic": "sport", "views": 4000 }),
        ),
        raw("e", [1.0, 1.0, 0.0, 0.0], json!({ "topic": "old_docs" })),
    ];
    let report = client.insert_vectors("docs", vectors).await.unwrap();
    assert_eq!((report.successful, report.failed, report.total), (5, 0, 5));
    (server, client)
}

async fn ids(client: &VectorizerClient) -> Vec<String> {
    let page = client.list_vectors("docs", None, Some(100)).await.unwrap();
    assert_eq!(page.total, page.vectors.len());
    let id = |vector: &Value| vector["id"].as_str().unwrap().to_owned();
    page.vectors.iter().map(id).collect()
}

#[tokio::test]
async fn collections_are_created_described_and_deleted() {
    let (_server, client) = start();
    let created = client.create_collection("docs", 4, None).await.unwrap();
    assert_eq!((created.name.as_str(), created.dimension), ("docs", 4));
    let list = client.list_collections().await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(
        (
            list[0].name.as_str(),
            list[0].dimension,
            list[0].vector_count
        ),
        ("docs", 4, 0)
    );
    assert_eq!(list[0].metric.as_deref(), Some("cosine"));
    let info = client.get_collection_info("docs").await.unwrap();
    assert_eq!((info.metric.as_str(), info.vector_count), ("cosine", 0));
    assert!(info.updated_at >= info.created_at && !info.created_at.is_empty());

    let again = client.create_collection("docs", 4, None).await.unwrap_err();
    assert!(again.to_string().contains("already exists"), "{again}");
    client.delete_collection("docs").await.unwrap();
    assert!(client.list_collections().await.unwrap().is_empty());
    let gone = client.get_collection_info("docs").await.unwrap_err();
    assert!(gone.to_string().contains("COLLECTION_NOT_FOUND"), "{gone}");
}

#[tokio::test]
async fn vectors_are_inserted_read_and_listed() {
    let (_server, client) = filled().await;
    assert_eq!(ids(&client).await, ["a", "b", "c", "d", "e"]);
    let page = client.list_vectors("docs", Some(1), Some(2)).await.unwrap();
    assert_eq!((page.total, page.offset, page.limit), (5, 2, 2));
    assert_eq!(page.vectors[0]["id"], "c");

    let vector = client.get_vector("docs", "b").await.unwrap();
    assert_eq!(
        (vector.id.as_str(), vector.data),
        ("b", vec![0.0, 1.0, 0.0, 0.0])
    );
    assert_eq!(vector.metadata.unwrap()["views"], 20);
    let by_path = client.get_vector_by_path("docs", "b").await.unwrap();
    assert_eq!(by_path.data, [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(by_path.metadata.unwrap()["topic"], "news");
    let missing = client.get_vector("docs", "z").await.unwrap_err();
    assert!(
        missing.to_string().contains("VECTOR_NOT_FOUND"),
        "{missing}"
    );
}

#[tokio::test]
async fn texts_are_inserted_and_searched() {
    let (_server, client) = start();
    client.create_collection("notes", 256, None).await.unwrap();
    let text = |id: &str, text: &str| BatchTextRequest {
        id: id.into(),
        text: text.into(),
        metadata: Some(HashMap::from([("source".into(), "test".into())])),
    };
    let texts = vec![
        text("cat", "The cat sleeps on the sofa"),
        text("revenue", "Quarterly revenue grew by four percent"),
    ];
    let report = client.insert_texts("notes", texts).await.unwrap();
    assert!(report.success);
    assert_eq!(report.successful_operations, 2);
    let one = client
        .insert_text("notes", "dog", "A dog barks at the cat", None)
        .await
        .unwrap();
    assert_eq!(one.id, "dog");

    let found = client
        .search_vectors("notes", "a sleeping cat", Some(2), None)
        .await
        .unwrap();
    assert_eq!(found.results.len(), 2);
    assert_eq!(found.results[0].id, "cat");
    assert_eq!(
        found.results[0].metadata.as_ref().unwrap()["source"],
        "test"
    );
    let near = client
        .search_vectors("notes", "a sleeping cat", None, Some(0.99))
        .await
        .unwrap();
    assert!(near.results.is_empty());
    let embedded = client.embed_text("a sleeping cat", None).await.unwrap();
    assert_eq!((embedded.dimension, embedded.embedding.len()), (512, 512));
}

#[tokio::test]
async fn one_vector_is_deleted() {
    let (_server, client) = filled().await;
    client.delete_vector("docs", "c").await.unwrap();
    assert_eq!(ids(&client).await, ["a", "b", "d", "e"]);
    let again = client.delete_vector("docs", "c").await.unwrap_err();
    assert!(again.to_string().contains("VECTOR_NOT_FOUND"), "{again}");
}

#[tokio::test]
async fn many_vectors_are_deleted_and_each_is_reported() {
    let (_server, client) = filled().await;
    let wanted = ["a", "z", "b", "a"].map(String::from);
    let report = client.delete_vectors("docs", &wanted).await.unwrap();
    assert_eq!((report.collection.as_str(), report.count), ("docs", 4));
    assert_eq!((report.deleted, report.failed), (2, 2));
    let statuses: Vec<&str> = report
        .results
        .iter()
        .map(|row| row.status.as_str())
        .collect();
    assert_eq!(statuses, ["ok", "error", "ok", "error"]);
    assert_eq!(report.results[1].id.as_deref(), Some("z"));
    assert_eq!(report.results[3].index, Some(3));
    assert_eq!(ids(&client).await, ["c", "d", "e"]);
}

#[tokio::test]
async fn vectors_are_deleted_by_every_filter_that_the_sdk_builds_and_we_know() {
    let (_server, client) = filled().await;
    let filter = |condition| serde_json::to_value(QdrantFilter::must(vec![condition])).unwrap();
    let range = QdrantRange {
        gte: Some(20.0),
        lt: Some(4000.0),
        ..QdrantRange::default()
    };
    let report = client.delete_by_filter("docs", filter(QdrantCondition::range("views", range)));
    let report = report.await.unwrap();
    assert_eq!((report.scanned, report.matched, report.deleted), (5, 2, 2));
    assert_eq!(report.results[0], json!({ "id": "b", "status": "deleted" }));
    let topic = QdrantCondition::match_string("topic", "old_docs");
    let report = client
        .delete_by_filter("docs", filter(topic))
        .await
        .unwrap();
    assert_eq!((report.scanned, report.deleted), (3, 1));
    // We accept the plain form, which the SDK's documentation calls a mistake.
    let report = client
        .delete_by_filter("docs", json!({ "topic": "sport" }))
        .await
        .unwrap();
    assert_eq!(report.deleted, 1);
    assert_eq!(ids(&client).await, ["a"]);
}

#[tokio::test]
async fn vectors_are_updated() {
    let (_server, client) = filled().await;
    let request = UpdateVectorRequest {
        id: "a".into(),
        metadata: Some(json!({ "topic": "weather" })),
    };
    client.update_vector("docs", "a", request).await.unwrap();
    let vector = client.get_vector("docs", "a").await.unwrap();
    assert_eq!(vector.metadata.unwrap()["topic"], "weather");
    assert_eq!(vector.data, [1.0, 0.0, 0.0, 0.0]);
}

#[tokio::test]
async fn points_are_inserted_and_deleted_in_the_dialect_of_qdrant() {
    let (_server, client) = filled().await;
    let points = json!([
        { "id": "p", "vector": [1.0, 2.0, 3.0, 4.0], "payload": { "topic": "point" } },
        { "id": 7, "vector": [4.0, 3.0, 2.0, 1.0] },
    ]);
    let answer = client
        .qdrant_upsert_points("docs", &points, true)
        .await
        .unwrap();
    assert_eq!(answer["status"], "ok");
    assert_eq!(ids(&client).await, ["a", "b", "c", "d", "e", "p", "7"]);
    let wanted = [json!("p"), json!(7), json!("a"), json!("missing")];
    let answer = client
        .qdrant_delete_points("docs", &wanted, true)
        .await
        .unwrap();
    assert_eq!(answer["result"]["status"], "completed");
    assert_eq!(ids(&client).await, ["b", "c", "d", "e"]);
}

#[tokio::test]
async fn the_server_says_how_it_is() {
    let (_server, client) = filled().await;
    assert_eq!(client.health_check().await.unwrap().status, "ok");
    let stats = client.get_stats().await.unwrap();
    assert_eq!((stats.collections, stats.total_vectors), (1, 5));
}

#[tokio::test]
async fn a_key_is_sent_as_the_sdk_sends_it() {
    // A key with three parts is taken for a token and sent as a bearer token; others as
    // `X-API-Key`.
    for right in ["right", "one.two.three"] {
        let server = Server::start(Some(right));
        let list = async |key: Option<&str>| {
            let client = VectorizerClient::new(ClientConfig {
                base_url: Some(server.url.clone()),
                api_key: key.map(String::from),
                ..ClientConfig::default()
            });
            client.unwrap().list_collections().await
        };
        assert!(list(Some(right)).await.unwrap().is_empty());
        for wrong in [None, Some("wrong"), Some("righ"), Some("one.two.thre")] {
            let refused = list(wrong).await.unwrap_err().to_string();
            assert!(refused.contains("401"), "{wrong:?}: {refused}");
        }
    }
}

/// Requests of the SDK that the server rejects, and why.
mod refused {
    use super::*;

    fn is_refused<T: std::fmt::Debug>(
        answer: Result<T, vectorizer_sdk::VectorizerError>,
        why: &str,
    ) {
        let error = answer.unwrap_err().to_string();
        assert!(error.contains("400") && error.contains(why), "{error}");
    }

    /// `QdrantFilter::default()` and clauses that are all empty: a filter without a condition would
    /// delete the whole collection.
    #[tokio::test]
    async fn a_filter_without_a_condition() {
        let (_server, client) = filled().await;
        let empty = serde_json::to_value(QdrantFilter::default()).unwrap();
        is_refused(
            client.delete_by_filter("docs", empty).await,
            "at least one condition",
        );
        let none = serde_json::to_value(QdrantFilter::must(Vec::new())).unwrap();
        is_refused(client.delete_by_filter("docs", none).await, "is empty");
        is_refused(
            client.delete_by_filter("docs", Value::Null).await,
            "must be an object",
        );
        assert_eq!(ids(&client).await.len(), 5);
    }

    /// A range without bounds matches every number, which is more than anybody asked for.
    #[tokio::test]
    async fn a_range_without_bounds() {
        let (_server, client) = filled().await;
        let condition = QdrantCondition::range("views", QdrantRange::default());
        let filter = serde_json::to_value(QdrantFilter::must(vec![condition])).unwrap();
        is_refused(
            client.delete_by_filter("docs", filter).await,
            "filter.must[0].range",
        );
        assert_eq!(ids(&client).await.len(), 5);
    }

    /// Geographic conditions, which the filter grammar does not have. Ignoring them would delete
    /// vectors they were meant to protect.
    #[tokio::test]
    async fn conditions_that_are_not_known() {
        let (_server, client) = filled().await;
        let filter = json!({ "must": [
            { "type": "match", "key": "topic", "match_value": "news" },
            { "type": "geo_radius", "key": "place",
              "center": { "lat": 52.5, "lon": 13.4 }, "radius": 1000.0 },
        ] });
        is_refused(
            client.delete_by_filter("docs", filter).await,
            "filter.must[1].type",
        );
        assert_eq!(ids(&client).await.len(), 5);
    }

    /// The SDK puts ids into paths without escaping them. Anything after a `?` is then a query: if
    /// the server ignored it, deleting `a?b` would delete `a`.
    #[tokio::test]
    async fn an_id_that_is_not_escaped() {
        let (_server, client) = filled().await;
        is_refused(client.delete_vector("docs", "a?b").await, "query.b");
        assert_eq!(ids(&client).await.len(), 5);
        // The server cannot distinguish `a#b` from `a`, because anything after a `#` is never sent.
        // Users of the SDK can delete such ids in a body.
        let report = client
            .delete_vectors("docs", &["a#b".into()])
            .await
            .unwrap();
        assert_eq!((report.deleted, report.failed), (0, 1));
        assert_eq!(ids(&client).await.len(), 5);
    }

    /// The SDK calls the dot product `dotproduct`, the name of its own type in lower case. The
    /// documented name is `dot_product`; guessing a metric might rank by the wrong one.
    #[tokio::test]
    async fn a_metric_of_another_name() {
        let (_server, client) = start();
        let metric = Some(SimilarityMetric::DotProduct);
        is_refused(
            client.create_collection("docs", 4, metric).await,
            "dotproduct",
        );
    }

    /// `payload` and `metadata` are two names for the same thing: which one counts would be a
    /// guess.
    #[tokio::test]
    async fn metadata_given_twice() {
        let (_server, client) = filled().await;
        let twice = RawVectorInsert {
            metadata: Some(HashMap::from([("topic".into(), "news".into())])),
            ..raw("f", [1.0; 4], json!({ "topic": "sport" }))
        };
        is_refused(
            client.insert_vectors("docs", vec![twice]).await,
            "body.vectors[0]",
        );
        assert_eq!(ids(&client).await.len(), 5);
    }

    /// An update that changes nothing is a mistake by the caller.
    #[tokio::test]
    async fn an_update_of_nothing() {
        let (_server, client) = filled().await;
        let nothing = UpdateVectorRequest {
            id: "a".into(),
            metadata: None,
        };
        is_refused(
            client.update_vector("docs", "a", nothing).await,
            "nothing to update",
        );
    }

    /// Vectors of a different length, and values that are not numbers.
    #[tokio::test]
    async fn vectors_that_do_not_fit() {
        let (_server, client) = filled().await;
        let short = RawVectorInsert {
            embedding: vec![1.0],
            ..raw("f", [1.0; 4], json!({}))
        };
        is_refused(
            client.insert_vectors("docs", vec![short]).await,
            "vectors[0]",
        );
        // serde_json writes them as null.
        let strange = raw("f", [f32::NAN, 0.0, 0.0, 0.0], json!({}));
        is_refused(
            client.insert_vectors("docs", vec![strange]).await,
            "body.vectors[0].embedding",
        );
        assert_eq!(ids(&client).await.len(), 5);
    }
}
