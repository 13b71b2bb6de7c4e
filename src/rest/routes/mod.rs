//! The table of routes.

pub mod backups;
pub mod collections;
pub mod deletes;
pub mod expiry;
pub mod forget;
pub mod modify;
pub mod replace;
pub mod scan;
pub mod sdk;
pub mod search;
pub mod service;
pub mod settings;
pub mod transfer;
pub mod undo;
pub mod vectors;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rest::{
    document::{About, Link, table::Table},
    metrics,
};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

const MISSING: &[StatusCode] = &[StatusCode::NOT_FOUND];
/// For calls with guards, and those that need a name which is not taken.
const GUARDED: &[StatusCode] = &[StatusCode::NOT_FOUND, StatusCode::CONFLICT];
/// For routes that delete with guards, and may call a client's own embedder.
const REPLACES: &[StatusCode] = &[
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::BAD_GATEWAY,
];
/// For routes that may call a client's own embedder.
const EMBEDS: &[StatusCode] = &[StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY];

/// What a call with `undo` has given, in examples.
const TOKEN: &str = "019b2f10-8a4e-7c30-9d2a-6f1e0c5b7a42";

const COLLECTIONS: &str = "collections";
const VECTORS: &str = "vectors";
const DELETING: &str = "deleting";
const EXPIRING: &str = "expiring";
const SEARCH: &str = "search";
const BACKUPS: &str = "backups";
const SERVER: &str = "server";
const SDK: &str = "existing clients";

/// Links from the response to a creation to the routes for the collection.
macro_rules! to_collection {
    ($($to:literal),*) => {
        &[$(Link { to: $to, with: &[("collection", "$response.body#/name")] }),*]
    };
}

/// Links from a route for a vector to other routes for it.
macro_rules! to_vector {
    ($id:literal: $($to:literal),*) => {
        &[$(Link {
            to: $to,
            with: &[("path.collection", "$request.path.collection"), ("path.id", $id)],
        }),*]
    };
}

/// The routes of the vector whose id is also a fixed segment of another route's path. Its
/// operations are called `get`, `update`, `patch` and `delete` with the given name.
macro_rules! named_vector {
    ($table:expr, $tag:expr, $id:literal, $name:literal) => {{
        let path = concat!("/collections/{collection}/vectors/", $id);
        let fixed = Some(("id", $id));
        let replace = |id| {
            About::new(id, $tag, "Replace what is given of it", vector())
                .fails(EMBEDS)
                .takes(json!({ "metadata": { "category": "news" } }))
        };
        let get = About::new(
            concat!("get", $name),
            $tag,
            concat!("The vector whose id is `", $id, "`"),
            vector(),
        );
        let delete = About::new(
            concat!("delete", $name),
            $tag,
            "Delete it",
            done(concat!("vector '", $id, "' deleted from collection 'my_collection'")),
        );
        let (put, patch) = (concat!("update", $name), concat!("patch", $name));
        $table
            .route_of(fixed, GET, path, get.fails(MISSING), vectors::get)
            .route_of(fixed, PUT, path, replace(put), vectors::update)
            .route_of(fixed, PATCH, path, replace(patch), vectors::update)
            .route_of(fixed, DELETE, path, delete.fails(MISSING), deletes::delete)
    }};
}

fn vector() -> Value {
    json!({
        "id": "vec_001",
        "vector": [0.9, 0.1, 0.0, 0.0],
        "data": [0.9, 0.1, 0.0, 0.0],
        "metadata": { "category": "news" },
        "payload": { "category": "news" },
    })
}

fn new_vector() -> Value {
    json!({ "id": "vec_001", "vector": [0.9, 0.1, 0.0, 0.0], "metadata": { "category": "news" } })
}

fn delete_report() -> Value {
    json!({
        "collection": "my_collection",
        "count": 2,
        "deleted": 1,
        "failed": 1,
        "results": [
            { "id": "vec_001", "index": 0, "status": "ok" },
            { "id": "vec_009", "index": 1, "status": "error", "error": "vector not found" },
        ],
    })
}

fn filter_report() -> Value {
    json!({
        "scanned": 3,
        "matched": 1,
        "deleted": 1,
        "results": [{ "id": "vec_002", "status": "deleted" }],
    })
}

fn forget_receipt() -> Value {
    json!({
        "call": "forget",
        "collections": [{ "collection": "my_collection", "deleted": 1, "logSequence": 2 }],
        "deleted": 1,
        "bytesErased": 46,
        "filter": { "category": "old_docs" },
        "reason": "request of 31 January",
        "completedAt": "2026-01-31T12:00:00Z",
        "durable": false,
        "digest": "e44fb2b91d176f4e692d29bee52903c73e1fb29bdfceef7488358ae9aa2e18f1",
        "text": "Receipt for an erasure\n\n\
            Call: forget\n\
            Filter: {\"category\":\"old_docs\"}\n\
            Vectors erased: 1 (46 bytes)\n\
            Collections: 1\n  1 vector, sequence 2: my_collection\n\
            Reason: request of 31 January\n\
            Completed: 2026-01-31T12:00:00Z\n\
            Durable: no, the store is in memory\n\
            Digest of the ids (SHA-256): \
            e44fb2b91d176f4e692d29bee52903c73e1fb29bdfceef7488358ae9aa2e18f1\n",
    })
}

fn replace_report() -> Value {
    json!({
        "applied": true,
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "deleted": 1,
        "ids": { "inserted": ["vec_004"], "updated": [], "deleted": ["vec_001"] },
    })
}

fn found() -> Value {
    json!({
        "results": [{ "id": "vec_001", "score": 0.99, "metadata": { "category": "news" } }],
        "total": 1,
    })
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

fn points_done() -> Value {
    json!({ "result": { "operation_id": 0, "status": "completed" }, "status": "ok", "time": 0.0004 })
}

/// All routes.
pub fn routes() -> Table {
    let table = settings_routes(collection_routes(Table::new()));
    let table = transfer_routes(changing_routes(vector_routes(table)));
    let table = expiry_routes(deleting_routes(table));
    sdk_routes(server_routes(backup_routes(table)))
}

fn collection() -> Value {
    json!({
        "name": "my_collection",
        "dimension": 4,
        "metric": "cosine",
        "vector_count": 3,
        "created_at": "2026-01-31T12:00:00Z",
    })
}

/// An object with the fields of another.
fn with(mut all: Value, more: Value) -> Value {
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

fn collection_details(more: Value) -> Value {
    let details = json!({
        "updated_at": "2026-01-31T12:00:00Z",
        "ttl_secs": null,
        "expired": 0,
        "undoable": 0,
        "size_bytes": 4096,
        "hnsw": { "m": 16, "ef_construction": 100, "ef_search": 80, "builder": "own" },
        "index": { "indexed": 0, "pending": 3, "deleted": 0 },
    });
    with(with(collection(), details), more)
}

fn collection_routes(table: Table) -> Table {
    let created = json!({
        "message": "collection 'my_collection' created",
        "collection": "my_collection",
        "vector_count": 0,
    });
    table
        .route(
            POST,
            "/collections",
            About::new(
                "createCollection",
                COLLECTIONS,
                "Create a collection",
                with(collection(), created),
            )
            .creates()
            .fails(&[StatusCode::CONFLICT])
            .takes(json!({ "name": "my_collection", "dimension": 4, "metric": "cosine" }))
            .leads(to_collection![
                "getCollection",
                "deleteCollection",
                "insertVector",
                "batchInsert",
                "search",
                "listVectors",
                "scanVectors",
                "batchDelete",
                "deleteByFilter",
                "replace",
                "batchUpdateVectors",
                "bulkUpdateMetadata",
                "upsertPoints",
                "setCollectionTtl",
                "updateCollection",
                "reindexCollection",
                "optimize"
            ]),
            collections::create,
        )
        .route(
            GET,
            "/collections",
            About::new(
                "listCollections",
                COLLECTIONS,
                "All collections, by name",
                json!({ "collections": [collection()], "total": 1 }),
            ),
            collections::list,
        )
        .route(
            GET,
            "/collections/{collection}",
            About::new(
                "getCollection",
                COLLECTIONS,
                "A collection's settings, counts and size",
                collection_details(json!({})),
            )
            .fails(MISSING),
            collections::get,
        )
        .route(
            DELETE,
            "/collections/{collection}",
            About::new(
                "deleteCollection",
                COLLECTIONS,
                "Delete a collection with everything in it",
                done("collection 'my_collection' deleted"),
            )
            .fails(MISSING)
            .leads(&[Link {
                to: "getCollection",
                with: &[("path.collection", "$request.path.collection")],
            }]),
            collections::delete,
        )
        .route(
            POST,
            "/collections/{collection}/optimize",
            About::new(
                "optimize",
                COLLECTIONS,
                "Bring the index to its best, and wait for it",
                done("the index of 'my_collection' is at its best"),
            )
            .more("Searches are right without it; it makes them fast, and gives space back.")
            .fails(&[StatusCode::NOT_FOUND, StatusCode::UNSUPPORTED_MEDIA_TYPE]),
            collections::optimize,
        )
}

fn vector_routes(table: Table) -> Table {
    table
        .route(
            POST,
            "/collections/{collection}/insert",
            About::new(
                "insertVector",
                VECTORS,
                "Insert a vector, or a text to embed",
                json!({ "id": "vec_001", "status": "inserted" }),
            )
            .more("A vector whose id exists is replaced whole.")
            .fails(EMBEDS)
            .takes(new_vector())
            .leads(to_vector!["$response.body#/id": "getVector", "updateVector", "patchVector", "setVectorExpiry", "deleteVector"]),
            vectors::insert,
        )
        .route(
            POST,
            "/collections/{collection}/batch_insert",
            About::new(
                "batchInsert",
                VECTORS,
                "Insert vectors and texts, all of them or none",
                json!({ "inserted": 1, "ids": ["vec_001"] }),
            )
            .fails(EMBEDS)
            .takes(json!({ "vectors": [new_vector()] })),
            vectors::batch_insert,
        )
        .route(
            POST,
            "/collections/{collection}/replace",
            About::new(
                "replace",
                VECTORS,
                "Put vectors or texts in the place of every vector that matches",
                replace_report(),
            )
            .more(
                "Afterwards exactly these are there of all that the filter matches: all of it \
                 happens, or, whatever interrupts it, nothing. What is there as it is given is \
                 not written, and a text that is there is not embedded again. The filter must \
                 match every row. With `dry_run` nothing is changed. With `at_most` or `expect`, \
                 nothing is changed if another number of vectors would be deleted: that is an \
                 error with the report.",
            )
            .fails(REPLACES)
            .takes(json!({
                "filter": { "category": "news" },
                "vectors": [{
                    "id": "vec_004",
                    "vector": [0.8, 0.2, 0.0, 0.0],
                    "metadata": { "category": "news" },
                }],
            })),
            replace::replace,
        )
        .route(
            GET,
            "/collections/{collection}/vectors",
            About::new(
                "listVectors",
                VECTORS,
                "A page of the vectors, in insertion order",
                json!({
                    "vectors": [{
                        "id": "vec_001",
                        "vector": [0.9, 0.1, 0.0, 0.0],
                        "metadata": { "category": "news" },
                        "payload": { "category": "news" },
                    }],
                    "total": 3,
                    "limit": 1,
                    "offset": 0,
                }),
            )
            .fails(MISSING),
            vectors::list,
        )
        .route(
            POST,
            "/collections/{collection}/scan",
            About::new(
                "scanVectors",
                VECTORS,
                "The next vectors of all, or of those that match, in insertion order",
                json!({
                    "vectors": [{
                        "id": "vec_001",
                        "metadata": { "category": "news" },
                        "vector": [0.9, 0.1, 0.0, 0.0],
                    }],
                    "cursor": "188fcf053de38000-2-3",
                }),
            )
            .more(
                "Send the same request with the `cursor` of the answer for the next batch. \
                 Together, the batches have the vectors that were there when the scan began and \
                 have not been deleted by the time they are read, each once. An updated vector is \
                 read as it is then; vectors inserted meanwhile are not read.",
            )
            .fails(MISSING)
            .takes(json!({
                "filter": { "category": ["news", "docs"] },
                "with_vector": true,
                "limit": 1,
            })),
            scan::scan,
        )
        .route(
            GET,
            "/collections/{collection}/vectors/{id}",
            About::new("getVector", VECTORS, "One vector", vector()).fails(MISSING),
            vectors::get,
        )
        .route(
            PUT,
            "/collections/{collection}/vectors/{id}",
            About::new("updateVector", VECTORS, "Replace what is given of a vector", vector())
                .more("A text is embedded anew; what is left out stays as it is.")
                .fails(EMBEDS)
                .takes(json!({ "metadata": { "category": "news" } })),
            vectors::update,
        )
        .route(
            PATCH,
            "/collections/{collection}/vectors/{id}",
            About::new("patchVector", VECTORS, "Replace what is given of a vector", vector())
                .more("The same as `PUT`.")
                .fails(EMBEDS)
                .takes(json!({ "metadata": { "category": "news" } })),
            vectors::update,
        )
        .route(
            POST,
            "/collections/{collection}/search",
            About::new("search", SEARCH, "The vectors most alike to a vector or a text", found())
                .fails(EMBEDS)
                .takes(json!({
                    "vector": [1.0, 0.0, 0.0, 0.0],
                    "limit": 1,
                    "filter": { "category": "news" },
                })),
            search::search,
        )
        .route(
            POST,
            "/collections/{collection}/search/text",
            About::new("searchText", SEARCH, "The vectors most alike to a text", found())
                .fails(EMBEDS)
                .takes(json!({ "query": "news", "limit": 1 })),
            search::search_text,
        )
}

fn settings_routes(table: Table) -> Table {
    let described = json!({ "description": "What our customers read" });
    let describe = |id, summary| {
        About::new(
            id,
            COLLECTIONS,
            summary,
            collection_details(described.clone()),
        )
        .fails(MISSING)
        .takes(described.clone())
    };
    let (empty, cleanup) = ("/collections/empty", "/collections/cleanup");
    let (of_empty, of_cleanup) = (
        Some(("collection", "empty")),
        Some(("collection", "cleanup")),
    );
    table
        .route(
            PUT,
            "/collections/{collection}",
            describe(
                "updateCollection",
                "Set or remove a collection's description",
            ),
            settings::update,
        )
        .route(
            POST,
            "/collections/{collection}/rename",
            About::new(
                "renameCollection",
                COLLECTIONS,
                "Give a collection another name",
                json!({
                    "old_name": "my_collection",
                    "new_name": "my_documents",
                    "status": "renamed",
                }),
            )
            .more(
                "Everything in it stays as it is. When it is answered, the former name is gone, \
                 from the files as well. Requests in progress go on.",
            )
            .fails(GUARDED)
            .takes(json!({ "new_name": "my_documents" }))
            .leads(&[Link {
                to: "getCollection",
                with: &[("collection", "$response.body#/new_name")],
            }]),
            settings::rename,
        )
        .route(
            POST,
            "/collections/{collection}/reindex",
            About::new(
                "reindexCollection",
                COLLECTIONS,
                "Build a collection's graph anew, with other parameters",
                json!({
                    "job_id": "0198f0c4-7a52-7d30-9c53-5f1f5d7c2b11",
                    "collection": "my_collection",
                    "state": "running",
                    "progress": 0.0,
                    "params": { "m": 24, "ef_construction": 200, "ef_search": 80 },
                }),
            )
            .more(
                "Parameters that are left out stay as they are. The graph is built in the \
                 background, and the one that is there serves searches meanwhile; `optimize` \
                 waits for it.",
            )
            .fails(MISSING)
            .takes(json!({ "m": 24, "ef_construction": 200 })),
            settings::reindex,
        )
        .route_of(
            of_empty,
            GET,
            empty,
            About::new(
                "listEmptyCollections",
                COLLECTIONS,
                "The names of the collections without a vector",
                json!({ "collections": [] }),
            )
            .more(
                "If there is a collection named `empty`, it is answered with that collection, as \
                 `getCollection` does.",
            ),
            settings::list_empty,
        )
        .route_of(
            of_empty,
            PUT,
            empty,
            describe(
                "updateEmpty",
                "Set or remove the description of the collection `empty`",
            ),
            settings::update,
        )
        .route_of(
            of_empty,
            DELETE,
            empty,
            About::new(
                "deleteEmpty",
                COLLECTIONS,
                "Delete the collection `empty`",
                done("collection 'empty' deleted"),
            )
            .fails(MISSING),
            collections::delete,
        )
        .route_of(
            of_cleanup,
            DELETE,
            cleanup,
            About::new(
                "cleanupEmptyCollections",
                COLLECTIONS,
                "Delete the collections without a vector",
                json!({ "collections": [], "applied": false }),
            )
            .more(
                "Only with `dry_run`, which is `false` to delete them. Without it, the \
                 collection named `cleanup` is deleted, as `deleteCollection` does. A collection \
                 that is given a vector meanwhile is kept.",
            )
            .fails(MISSING),
            settings::clean_up,
        )
        .route_of(
            of_cleanup,
            GET,
            cleanup,
            About::new(
                "getCleanup",
                COLLECTIONS,
                "The collection `cleanup`",
                collection_details(json!({})),
            )
            .fails(MISSING),
            collections::get,
        )
        .route_of(
            of_cleanup,
            PUT,
            cleanup,
            describe(
                "updateCleanup",
                "Set or remove the description of the collection `cleanup`",
            ),
            settings::update,
        )
}

fn changing_routes(table: Table) -> Table {
    let table = named_vector!(table, VECTORS, "bulk_update_metadata", "BulkUpdateMetadata");
    table
        .route(
            POST,
            "/collections/{collection}/batch_update",
            About::new(
                "batchUpdateVectors",
                VECTORS,
                "Replace what is given of many vectors",
                json!({
                    "success": false,
                    "collection": "my_collection",
                    "operation": "batch_update_vectors",
                    "total_operations": 2,
                    "successful_operations": 1,
                    "failed_operations": 1,
                    "duration_ms": 0.4,
                    "errors": ["vector 'vec_009' not found in collection 'my_collection'"],
                    "results": [
                        { "id": "vec_001", "index": 0, "status": "ok" },
                        { "id": "vec_009", "index": 1, "status": "error", "error": "vector not found" },
                    ],
                }),
            )
            .more(
                "A missing id is a row with status `error`, and does not stop the others. All \
                 that exist are updated or, whatever interrupts it, none. A text is embedded \
                 anew; what is left out stays as it is.",
            )
            .fails(EMBEDS)
            .takes(json!({
                "updates": [
                    { "id": "vec_001", "metadata": { "category": "docs" } },
                    { "id": "vec_009", "metadata": { "category": "docs" } },
                ],
            })),
            modify::batch_update,
        )
        .route(
            POST,
            "/collections/{collection}/vectors/bulk_update_metadata",
            About::new(
                "bulkUpdateMetadata",
                VECTORS,
                "Change the metadata of every vector that matches",
                json!({
                    "applied": true,
                    "scanned": 3,
                    "matched": 1,
                    "updated": 1,
                    "unchanged": 0,
                    "results": [{ "id": "vec_001", "status": "updated" }],
                }),
            )
            .more(
                "By a JSON merge patch. All of them are changed or, whatever interrupts it, none; \
                 values, texts and expiries stay as they are. With `dry_run` nothing is changed. \
                 With `at_most` or `expect`, nothing is changed if another number matches: that \
                 is an error with the report.",
            )
            .fails(GUARDED)
            .takes(json!({
                "filter": { "category": "news" },
                "patch": { "reviewed": true, "draft": null },
            })),
            modify::patch_metadata,
        )
}

fn transfer_routes(table: Table) -> Table {
    let table = named_vector!(table, VECTORS, "move", "Move");
    let table = named_vector!(table, VECTORS, "copy", "Copy");
    table
        .route(
            POST,
            "/collections/{collection}/vectors/move",
            About::new(
                "moveToCollection",
                VECTORS,
                "Move vectors to another collection",
                json!({
                    "src": "my_collection",
                    "dst": "archive",
                    "requested": 2,
                    "moved": 1,
                    "failed": 1,
                    "applied": true,
                    "results": [
                        { "id": "vec_001", "status": "ok" },
                        { "id": "vec_009", "status": "missing_in_src" },
                    ],
                }),
            )
            .more(
                "Those with the ids, or those that match, with their values, metadata, text and \
                 expiry. Whatever interrupts it, they are in the one collection or in the other. \
                 What the destination has already is moved only with `overwrite`. With `dry_run` \
                 nothing is changed. With `at_most` or `expect`, nothing is changed if another \
                 number would be moved: that is an error with the report.",
            )
            .fails(GUARDED)
            .takes(json!({ "destination": "archive", "ids": ["vec_001", "vec_009"] })),
            transfer::move_vectors,
        )
        .route(
            POST,
            "/collections/{collection}/vectors/copy",
            About::new(
                "copyVectors",
                VECTORS,
                "Copy vectors to another collection",
                json!({
                    "src": "my_collection",
                    "dst": "archive",
                    "requested": 1,
                    "copied": 1,
                    "failed": 0,
                    "applied": true,
                    "results": [{ "id": "vec_001", "status": "ok" }],
                }),
            )
            .more(
                "Those with the ids, or those that match, with their values, metadata, text and \
                 expiry: all of them or, whatever interrupts it, none. What the destination has \
                 already is copied only with `overwrite`. With `dry_run` nothing is changed. With \
                 `at_most` or `expect`, nothing is changed if another number would be copied: \
                 that is an error with the report.",
            )
            .fails(GUARDED)
            .takes(json!({ "destination": "archive", "filter": { "category": "news" } })),
            transfer::copy_vectors,
        )
}

fn deleting_routes(table: Table) -> Table {
    let table = named_vector!(table, SDK, "delete_by_filter", "DeleteByFilter");
    table
        .route(
            DELETE,
            "/collections/{collection}/vectors/{id}",
            About::new(
                "deleteVector",
                DELETING,
                "Delete one vector",
                done("vector 'vec_001' deleted from collection 'my_collection'"),
            )
            .more(
                "When it is answered no read finds the vector, and its values, text, metadata \
                 and id are overwritten. With `undo` it waits instead, and can be undeleted until \
                 its time is over.",
            )
            .fails(MISSING)
            .leads(to_vector!["$request.path.id": "getVector"]),
            deletes::delete,
        )
        .route(
            POST,
            "/collections/{collection}/batch_delete",
            About::new(
                "batchDelete",
                DELETING,
                "Delete many vectors at once",
                delete_report(),
            )
            .more(
                "A missing id is a row with status `error`, and does not stop the others. All \
                     that exist are deleted or, whatever interrupts it, none. With `at_most` or \
                     `expect`, nothing is deleted if another number would be: that is an error with \
                     the report.",
            )
            .fails(GUARDED)
            .takes(json!({ "ids": ["vec_001", "vec_009"] })),
            deletes::batch_delete,
        )
        .route(
            POST,
            "/collections/{collection}/delete_by_filter",
            About::new(
                "deleteByFilter",
                DELETING,
                "Delete every vector that matches",
                filter_report(),
            )
            .more(
                "With `dry_run` nothing is deleted, and `rows` shows so many of the vectors that \
                     match. A filter that is not understood, or has no condition, deletes nothing. \
                     With `at_most` or `expect`, nothing is deleted if another number matches: that \
                     is an error with the report.",
            )
            .fails(GUARDED)
            .takes(json!({ "filter": { "category": "old_docs" } })),
            deletes::delete_by_filter,
        )
        .route(
            POST,
            "/collections/{collection}/vectors/delete_by_filter",
            About::new(
                "deleteVectorsByFilter",
                SDK,
                "Delete every vector that matches",
                filter_report(),
            )
            .fails(GUARDED)
            .takes(json!({ "filter": { "category": "old_docs" } })),
            deletes::delete_by_filter,
        )
        .route(
            POST,
            "/forget",
            About::new(
                "forget",
                DELETING,
                "Delete what matches, or has one of the ids, in all collections",
                json!({
                    "applied": true,
                    "matched": 1,
                    "deleted": 1,
                    "receipt": forget_receipt(),
                    "collections": [
                        { "collection": "my_collection", "scanned": 3, "matched": 1, "ids": ["vec_002"] },
                    ],
                }),
            )
            .more(
                "Or in those that are named. Whatever interrupts it, all of it is deleted or \
                 nothing. It is answered when all of that is synced to the disk, if the server's \
                 store is there. With `dry_run` nothing is deleted. With `at_most` or `expect`, \
                 nothing is deleted if another number matches in all the collections together: \
                 that is an error with the report.",
            )
            .fails(GUARDED)
            .takes(json!({
                "filter": { "category": "old_docs" },
                "reason": "request of 31 January",
            })),
            forget::forget,
        )
        .route(
            GET,
            "/deleted",
            About::new(
                "listDeletedCollections",
                DELETING,
                "The collections that can be undeleted",
                json!({
                    "collections": [{
                        "collection": "my_collection",
                        "token": TOKEN,
                        "deleted_at": 1_769_817_600_000_u64,
                        "until": 1_769_904_000_000_u64,
                        "vectors": 3,
                    }],
                    "vectors": [],
                    "total": 0,
                }),
            ),
            undo::list_all,
        )
        .route(
            GET,
            "/collections/{collection}/deleted",
            About::new(
                "listDeleted",
                DELETING,
                "What can be undeleted in a collection",
                json!({
                    "collections": [],
                    "vectors": [{
                        "id": "vec_001",
                        "metadata": { "category": "news" },
                        "token": TOKEN,
                        "deleted_at": 1_769_817_600_000_u64,
                        "until": 1_769_904_000_000_u64,
                    }],
                    "total": 1,
                }),
            )
            .more("Collections that had this name and were deleted with `undo` are listed as well.")
            .fails(MISSING),
            undo::list,
        )
        .route(
            POST,
            "/collections/{collection}/undelete",
            About::new(
                "undelete",
                DELETING,
                "Bring back what was deleted with `undo`",
                json!({
                    "collection": "my_collection",
                    "undeleted": 1,
                    "results": [{ "id": "vec_001", "status": "undeleted" }],
                }),
            )
            .more(
                "Vectors with these ids, all of them in one step, or, by its `token`, whatever one \
                 call has deleted: that may be the collection itself, which is an error if there is \
                 another of its name by now. An id that another vector has by now is reported, and \
                 that is not overwritten.",
            )
            .fails(GUARDED)
            .takes(json!({ "ids": ["vec_001"] })),
            undo::undelete,
        )
        .route(
            POST,
            "/collections/{collection}/purge",
            About::new(
                "purgeDeleted",
                DELETING,
                "Erase what was deleted with `undo` before its time is over",
                json!({
                    "collection": "my_collection",
                    "purged": 1,
                    "results": [{ "id": "vec_001", "status": "purged" }],
                }),
            )
            .more("With `all`, all vectors of the collection that wait.")
            .fails(MISSING)
            .takes(json!({ "ids": ["vec_001"] })),
            undo::purge,
        )
        .route(
            GET,
            "/ledger",
            About::new(
                "getLedger",
                DELETING,
                "The end of the store's ledger of erasures",
                json!({
                    "ledger": {
                        "store": "0f8f6f0e-6a3c-4b8e-9d53-51c27f1d2b11",
                        "entries": 2,
                        "head": {
                            "entry": 2,
                            "hash": "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92",
                        },
                    },
                }),
            )
            .more(
                "Null if the store keeps none. The ledger has an entry of each erasure, and each \
                 entry the hash of the one before: whoever keeps the end of it can prove later \
                 that nothing before it was changed or cut off.",
            ),
            deletes::ledger,
        )
        .route(
            POST,
            "/collections/{collection}/verify_erased",
            About::new(
                "verifyErased",
                DELETING,
                "Look for anything that is left of deleted vectors",
                json!({ "verified": true, "residues": [] }),
            )
            .more("Reads the collection's files back from the disk.")
            .fails(MISSING)
            .takes(json!({ "ids": ["vec_001"] })),
            deletes::verify_erased,
        )
}

fn expiry_routes(table: Table) -> Table {
    table
        .route(
            PATCH,
            "/collections/{collection}/vectors/{id}/expiry",
            About::new(
                "setVectorExpiry",
                EXPIRING,
                "Set when a vector expires, or that it does not",
                json!({
                    "id": "vec_001",
                    "collection": "my_collection",
                    "expires_at": 4_102_444_800_000_i64,
                    "status": "updated",
                }),
            )
            .more(
                "From that instant on no read finds the vector, and within a second it is erased \
                 as by a delete. An instant in the past is allowed. The vector's own expiry has \
                 precedence over the collection's TTL.",
            )
            .fails(MISSING)
            .takes(json!({ "expires_at": 4_102_444_800_000_i64 }))
            .leads(to_vector!["$request.path.id": "getVector"]),
            expiry::set_vector,
        )
        .route(
            POST,
            "/collections/{collection}/ttl",
            About::new(
                "setCollectionTtl",
                EXPIRING,
                "Set after how much time the vectors of a collection expire",
                json!({
                    "collection": "my_collection",
                    "ttl_secs": 2_592_000,
                    "status": "updated",
                }),
            )
            .more(
                "It holds for all vectors without an expiry of their own, those that are there \
                 and those that come. It counts from when a vector was inserted; an update does \
                 not begin it anew.",
            )
            .fails(MISSING)
            .takes(json!({ "ttl_secs": 2_592_000 })),
            expiry::set_ttl,
        )
        .route(
            POST,
            "/expiry/resume",
            About::new(
                "resumeExpiry",
                EXPIRING,
                "Erase what has expired after the clock has jumped",
                done("expiry is not paused"),
            )
            .more(
                "If the server's clock jumps forward by more than a day, what has expired is not \
                 found any more, but it is not erased until this request, or until an hour has \
                 passed without another jump, in case the clock is wrong. If nothing is paused, it \
                 does nothing.",
            )
            .fails(&[StatusCode::UNSUPPORTED_MEDIA_TYPE]),
            expiry::resume,
        )
}

fn backup_routes(table: Table) -> Table {
    let saved = |file: &str| json!({ "file": file, "collections": 1, "vectors": 3, "bytes": 5120, "leftovers": [] });
    table
        .route(
            POST,
            "/backups",
            About::new(
                "createBackup",
                BACKUPS,
                "Write the store to a new file in the server's directory for backups",
                saved("backup-20260131-120000-0f8f.vecbak"),
            )
            .more(
                "Calls go on meanwhile. A server that was started without such a directory \
                 answers 501.",
            )
            .fails(&[StatusCode::NOT_FOUND, StatusCode::NOT_IMPLEMENTED])
            .takes(json!({ "keys": "within" })),
            backups::create,
        )
        .route(
            POST,
            "/backups/keys",
            About::new(
                "exportKeys",
                BACKUPS,
                "Write the keys of all that is stored now to a new file there",
                saved("backup-20260131-130000-51c2.keys"),
            )
            .more(
                "With the newest of them, backups that have their keys apart bring back what is \
                 not deleted by then.",
            )
            .fails(&[
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                StatusCode::NOT_IMPLEMENTED,
            ]),
            backups::export_keys,
        )
        .route(
            POST,
            "/keys/rotate",
            About::new(
                "rotateKeys",
                BACKUPS,
                "Give the store new keys",
                done("the keys of the store are new"),
            )
            .more("Calls go on meanwhile. Another key of the user's is not given this way.")
            .fails(&[StatusCode::UNSUPPORTED_MEDIA_TYPE]),
            backups::rotate_keys,
        )
}

fn server_routes(table: Table) -> Table {
    table
        .route(
            GET,
            "/health",
            About::new(
                "health",
                SERVER,
                "Whether the server can be used; open without the key",
                json!({
                    "status": "ok",
                    "version": env!("CARGO_PKG_VERSION"),
                    "timestamp": "2026-01-31T12:00:00Z",
                    "uptime": 3600,
                }),
            ),
            service::health,
        )
        .route(
            GET,
            "/stats",
            About::new(
                "stats",
                SERVER,
                "All collections together",
                json!({
                    "collections": 1,
                    "total_vectors": 3,
                    "uptime_seconds": 3600,
                    "version": env!("CARGO_PKG_VERSION"),
                    "memory_bytes": 4096,
                    "deleted_vectors": 1,
                    "erased_bytes": 61,
                }),
            ),
            service::stats,
        )
        .route(
            POST,
            "/embed",
            About::new(
                "embed",
                SERVER,
                "The vector of a text",
                json!({
                    "embedding": [0.6, -0.8],
                    "model": "hashed-ngrams",
                    "text": "a text",
                    "dimension": 2,
                    "provider": "vectorizer-native",
                }),
            )
            .fails(&[StatusCode::BAD_GATEWAY])
            .takes(json!({ "text": "a text", "dimension": 2 })),
            service::embedding,
        )
        .text(
            "/metrics",
            metrics::KIND,
            About::new(
                "metrics",
                SERVER,
                "Figures for monitoring, as OpenMetrics",
                Value::Null,
            ),
            service::metrics,
        )
        .text(
            "/openapi.json",
            "application/json",
            About::new("openapi", SERVER, "This document", Value::Null),
            service::document,
        )
}

fn sdk_routes(table: Table) -> Table {
    let in_collection = |mut body: Value| {
        body["collection"] = "my_collection".into();
        body
    };
    table
        .route(
            POST,
            "/batch_delete",
            About::new(
                "batchDeleteFrom",
                SDK,
                "Delete many vectors at once",
                delete_report(),
            )
            .fails(GUARDED)
            .takes(in_collection(json!({ "ids": ["vec_001", "vec_009"] }))),
            sdk::batch_delete,
        )
        .route(
            POST,
            "/search",
            About::new(
                "searchIn",
                SDK,
                "The vectors most alike to a vector or a text",
                found(),
            )
            .fails(EMBEDS)
            .takes(in_collection(
                json!({ "vector": [1.0, 0.0, 0.0, 0.0], "limit": 1 }),
            )),
            sdk::search,
        )
        .route(
            POST,
            "/insert",
            About::new(
                "insertText",
                SDK,
                "Insert a text",
                json!({
                    "id": "doc_001",
                    "status": "inserted",
                    "message": "text inserted",
                    "collection": "my_collection",
                    "vectors_created": 1,
                    "vector_ids": ["doc_001"],
                    "chunked": false,
                }),
            )
            .fails(EMBEDS)
            .takes(in_collection(json!({ "id": "doc_001", "text": "a text" }))),
            sdk::insert,
        )
        .route(
            POST,
            "/insert_texts",
            About::new(
                "insertTexts",
                SDK,
                "Insert texts, all of them or none",
                in_collection(json!({
                    "success": true,
                    "operation": "insert_texts",
                    "total_operations": 1,
                    "successful_operations": 1,
                    "failed_operations": 0,
                    "duration_ms": 1,
                    "errors": [],
                })),
            )
            .fails(EMBEDS)
            .takes(in_collection(
                json!({ "texts": [{ "id": "doc_001", "text": "a text" }] }),
            )),
            sdk::insert_texts,
        )
        .route(
            POST,
            "/insert_vectors",
            About::new(
                "insertVectors",
                SDK,
                "Insert vectors, all of them or none",
                in_collection(
                    json!({ "inserted": 1, "failed": 0, "count": 1, "ids": ["vec_001"] }),
                ),
            )
            .fails(MISSING)
            .takes(in_collection(json!({
                "vectors": [{ "id": "vec_001", "embedding": [0.9, 0.1, 0.0, 0.0] }],
            }))),
            sdk::insert_vectors,
        )
        .route(
            POST,
            "/update",
            About::new("update", SDK, "Replace what is given of a vector", vector())
                .fails(EMBEDS)
                .takes(in_collection(
                    json!({ "id": "vec_001", "metadata": { "category": "news" } }),
                )),
            sdk::update,
        )
        .route(
            PUT,
            "/qdrant/collections/{collection}/points",
            About::new(
                "upsertPoints",
                SDK,
                "Insert or replace points",
                points_done(),
            )
            .fails(MISSING)
            .takes(json!({
                "points": [{
                    "id": "vec_001",
                    "vector": [0.9, 0.1, 0.0, 0.0],
                    "payload": { "category": "news" },
                }],
                "wait": true,
            })),
            sdk::upsert_points,
        )
        .route(
            POST,
            "/qdrant/collections/{collection}/points/delete",
            About::new(
                "deletePoints",
                SDK,
                "Delete points by id, or those that match",
                points_done(),
            )
            .more("Points that do not exist are passed over.")
            .fails(MISSING)
            .takes(json!({ "points": ["vec_001"], "wait": true })),
            sdk::delete_points,
        )
}
