"""Every call, on both clients, with the real server."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import math
import time
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from vectorizer_native import (
    ClientClosedError,
    CollectionExistsError,
    CollectionNotFoundError,
    DimensionMismatchError,
    SyncVectorizerClient,
    TooManyMatchesError,
    ValidationError,
    VectorizerClient,
    VectorizerError,
    VectorNotFoundError,
    verify_ledger,
)
from vectorizer_native.types import ReplacementText, ReplacementVector

from .conftest import Connect
from .serving import serving

# Everything that has a meaning in a URL, a path or a text.
IDS = [
    "vec_001",
    "a/b",
    "a?b",
    "a#b",
    "a%2Fb",
    "%2e%2e",
    "..",
    ".",
    "...",
    "../../collections",
    "/",
    "//",
    "a b",
    " ",
    "+",
    "a&b=c",
    "a;b",
    ":",
    "@",
    "\\",
    "{id}",
    "null",
    "'\"<>",
    "é",
    "e\u0301",
    "日本語",
    "😀",
    "vectors",
    "delete_by_filter",
    "bulk_update_metadata",
    "move",
    "copy",
    "x" * 1024,
]


class Array:
    """What arrays of NumPy and others have in common."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def tolist(self) -> list[Any]:
        return self.values


# The future and the past, whenever the tests run.
LATER = datetime(2999, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc)
LATER_MS = 32_503_679_999_999
LONG_AGO = datetime(2001, 1, 1, tzinfo=timezone.utc)


def left(client: SyncVectorizerClient, name: str) -> list[str]:
    return [result["id"] for result in client.search(name, "", limit=1000)]


def test_collections(client: SyncVectorizerClient, name: str) -> None:
    created = client.create_collection(f"{name}-2", 3, "euclidean", {"m": 8})
    assert created["name"] == created["collection"] == f"{name}-2"
    listed = {collection["name"]: collection for collection in client.list_collections()}
    assert listed[f"{name}-2"]["metric"] == "euclidean"
    assert listed[name]["dimension"] == 4

    info = client.get_collection_info(f"{name}-2")
    assert info["metric"] == "euclidean"
    assert info["dimension"] == 3
    assert info["vector_count"] == 0
    assert info["hnsw"]["m"] == 8

    client.delete_collection(f"{name}-2")
    with pytest.raises(CollectionNotFoundError):
        client.get_collection_info(f"{name}-2")


def test_a_description_is_set_replaced_and_removed(client: SyncVectorizerClient, name: str) -> None:
    assert "description" not in client.get_collection_info(name)
    created = client.create_collection(f"{name}-2", 3, description="Notes\n\tof é")
    assert created["description"] == "Notes\n\tof é"
    assert client.get_collection_info(f"{name}-2")["description"] == "Notes\n\tof é"
    listed = {one["name"]: one.get("description") for one in client.list_collections()}
    assert (listed[f"{name}-2"], listed[name]) == ("Notes\n\tof é", None)
    updated = client.update_collection(f"{name}-2", "Letters")
    assert updated["description"] == "Letters"
    assert client.get_collection_info(f"{name}-2") == updated
    assert "description" not in client.update_collection(f"{name}-2", None)
    for refused in ("", "a\0b", "x" * 1025):
        with pytest.raises(ValidationError, match="description"):
            client.update_collection(f"{name}-2", refused)
    with pytest.raises(CollectionNotFoundError):
        client.update_collection(f"{name}-3", "Letters")
    client.delete_collection(f"{name}-2")


def test_a_renamed_collection_has_all_that_it_had(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vector(name, [1, 2, 3, 4], "a", {"n": 1}, LATER)
    client.update_collection(name, "Letters")
    other = f"{name} 2"
    report = client.rename_collection(name, other)
    assert report == {"old_name": name, "new_name": other, "status": "renamed"}
    assert client.rename_collection(other, other)["status"] == "unchanged"
    with pytest.raises(CollectionNotFoundError):
        client.get_vector(name, "a")
    vector = client.get_vector(other, "a")
    assert (vector["metadata"], vector["expires_at"]) == ({"n": 1}, LATER_MS)
    assert client.get_collection_info(other)["description"] == "Letters"

    client.create_collection(name, 2)
    with pytest.raises(CollectionExistsError):
        client.rename_collection(other, name)
    with pytest.raises(CollectionNotFoundError):
        client.rename_collection(f"{name}-3", f"{name}-4")
    assert left(client, other) == ["a"]
    client.delete_collection(other)


def test_a_graph_is_built_anew_with_other_parameters(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vectors(
        name, [{"id": f"v{i}", "vector": [1, i, i % 7, i % 3]} for i in range(1500)]
    )
    client.optimize(name)
    job = client.reindex_collection(name, m=8, ef_construction=40)
    assert job["collection"] == name
    assert job["job_id"]
    assert job["state"] in ("running", "completed")
    assert 0 <= job["progress"] <= 1
    assert job["params"] == {"m": 8, "ef_construction": 40, "ef_search": 80}
    assert len(client.search(name, [1, 2, 3, 4], limit=10)) == 10
    client.optimize(name)
    info = client.get_collection_info(name)
    assert (info["hnsw"]["m"], info["hnsw"]["ef_construction"]) == (8, 40)
    assert info["index"] == {"indexed": 1500, "pending": 0, "deleted": 0}

    done = client.reindex_collection(name, ef_search=200)
    assert (done["state"], done["params"]["ef_search"]) == ("completed", 200)
    assert client.get_collection_info(name)["hnsw"]["ef_search"] == 200
    with pytest.raises(ValidationError, match="m"):
        client.reindex_collection(name, m=1000)
    with pytest.raises(CollectionNotFoundError):
        client.reindex_collection(f"{name}-2")


def test_empty_collections_are_listed_and_deleted(connect: Connect) -> None:
    with serving() as url:
        client = connect(url)
        assert client.list_empty_collections() == []
        for collection in ("full", "b", "a", "emptied"):
            client.create_collection(collection, 2)
        client.insert_vector("full", [1, 2], "v")
        client.insert_vector("emptied", [1, 2], "v")
        client.delete_vector("emptied", "v")
        empty = ["a", "b", "emptied"]
        assert client.list_empty_collections() == empty
        assert client.cleanup_empty_collections(True) == {"collections": empty, "applied": False}
        assert client.list_empty_collections() == empty
        assert client.cleanup_empty_collections() == {"collections": empty, "applied": True}
        assert client.cleanup_empty_collections() == {"collections": [], "applied": True}
        assert [one["name"] for one in client.list_collections()] == ["full"]

        # These two are names like any others.
        client.create_collection("cleanup", 2)
        client.create_collection("empty", 3)
        client.insert_vector("cleanup", [1, 2])
        assert client.get_collection_info("empty")["dimension"] == 3
        assert client.list_empty_collections() == ["empty"]
        assert client.cleanup_empty_collections()["collections"] == ["empty"]
        receipt = client.delete_collection("cleanup", receipt=True)
        assert receipt is not None
        assert receipt["deleted"] == 1
        with pytest.raises(CollectionNotFoundError):
            client.get_collection_info("empty")
        client.close()


def test_texts(client: SyncVectorizerClient, name: str) -> None:
    made = client.insert_text(name, "a text about cats", metadata={"kind": "cat"})
    assert UUID(made).version == 7
    assert client.insert_text(name, "a text about dogs", "dog") == "dog"
    both = client.batch_insert_text(name, ["one", "two"], [{"n": 1}, None])
    assert left(client, name) == [made, "dog", *both]

    vector = client.get_vector(name, made)
    assert vector["text"] == "a text about cats"
    assert vector.get("metadata", {}) == {"kind": "cat"}
    assert vector["data"] == vector["vector"]
    assert client.get_vector(name, both[1]).get("metadata", {}) == {}
    best = client.search(name, "a text about cats", limit=1)
    assert [result["id"] for result in best] == [made]
    assert best[0]["score"] == pytest.approx(1)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3, 4],
        (1.0, 2.0, 3.0, 4.0),
        range(1, 5),
        array("f", [1, 2, 3, 4]),
        Array([1.0, 2, 3, 4]),
    ],
)
def test_vectors_of_any_sequence(client: SyncVectorizerClient, name: str, values: Any) -> None:
    assert client.insert_vector(name, values, "a") == "a"
    assert client.get_vector(name, "a")["vector"] == [1, 2, 3, 4]
    assert client.update_vector(name, "a", vector=values)["vector"] == [1, 2, 3, 4]
    assert client.insert_vectors(name, [{"vector": values}])["inserted"] == 1
    assert client.search(name, values, limit=1)[0]["id"] == "a"


def test_insert_vectors(client: SyncVectorizerClient, name: str) -> None:
    report = client.insert_vectors(
        name,
        [
            {"id": "a", "vector": [1, 0, 0, 0], "metadata": {"n": 1}},
            {"id": "b", "vector": [0, 1, 0, 0]},
            {"id": "a", "vector": [0, 0, 1, 0]},
        ],
    )
    assert report["inserted"] == 2
    assert client.get_vector(name, "a")["vector"] == [0, 0, 1, 0]
    assert client.insert_vectors(name, [])["inserted"] == 0


def test_pages(client: SyncVectorizerClient, name: str) -> None:
    ids = [f"v{i}" for i in range(12)]
    client.insert_vectors(name, [{"id": id, "vector": [1, 2, 3, 4]} for id in ids])
    page = client.list_vectors(name)
    assert [vector["id"] for vector in page["vectors"]] == ids[:10]
    assert page["total"] == 12
    assert (page["limit"], page["offset"]) == (10, 0)
    rest = client.list_vectors(name, limit=5, offset=10)
    assert [vector["id"] for vector in rest["vectors"]] == ids[10:]
    some = client.list_vectors(name, ids=["v3", "missing", "v1"])
    assert [vector["id"] for vector in some["vectors"]] == ["v3", "v1"]


def test_a_list_of_no_ids_is_empty(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vector(name, [1, 2, 3, 4])
    assert client.list_vectors(name, ids=[])["vectors"] == []


def test_update_replaces_only_what_is_given(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vector(name, [1, 2, 3, 4], "v", {"a": 1})
    assert client.update_vector(name, "v", metadata={"b": 2})["vector"] == [1, 2, 3, 4]
    updated = client.update_vector(name, "v", vector=[4, 3, 2, 1])
    assert updated["metadata"] == {"b": 2}
    assert updated == client.get_vector(name, "v")
    retold = client.update_vector(name, "v", text="words")
    assert retold["text"] == "words"
    assert retold["vector"] != [4, 3, 2, 1]
    assert client.update_vector(name, "v", metadata={}).get("metadata") == {}
    with pytest.raises(VectorNotFoundError):
        client.update_vector(name, "missing", metadata={})


def test_search(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(
        name,
        [
            {"id": "a", "vector": [1, 0, 0, 0], "metadata": {"n": 1}},
            {"id": "b", "vector": [1, 1, 0, 0], "metadata": {"n": 2}},
            {"id": "c", "vector": [0, 0, 0, 1], "metadata": {"n": 3}},
        ],
    )
    results = client.search(name, [1, 0, 0, 0])
    assert [r["id"] for r in results] == ["a", "b", "c"]
    assert results[1]["score"] == pytest.approx(math.sqrt(0.5))
    assert results[0]["metadata"] == {"n": 1}
    assert "vector" not in results[0]

    near = client.search(name, [1, 0, 0, 0], similarity_threshold=0.5, ef_search=50)
    assert [r["id"] for r in near] == ["a", "b"]
    one = client.search(name, [1, 0, 0, 0], 1, {"n": {"$gt": 1}}, with_vector=True)
    assert [r["id"] for r in one] == ["b"]
    assert one[0]["vector"] == [1, 1, 0, 0]
    assert "metadata" not in client.search(name, [1, 0, 0, 0], include_metadata=False)[0]


def test_a_search_for_the_empty_text_lists_what_matches(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vectors(
        name,
        [{"id": f"v{i}", "vector": [1, 2, 3, 4], "metadata": {"n": i}} for i in range(150)],
    )
    results = client.search(name, "", limit=10_000, filter={"n": {"$gte": 20}})
    assert [r["id"] for r in results] == [f"v{i}" for i in range(20, 150)]


def test_a_scan_reads_each_vector_once(client: SyncVectorizerClient, name: str) -> None:
    ids = [f"v{i}" for i in range(12)]
    client.insert_vectors(
        name,
        [{"id": id, "vector": [1, 2, 3, i], "metadata": {"n": i}} for i, id in enumerate(ids)],
    )
    for batch_size in (1, 5, 12, 1000, None):
        assert [v["id"] for v in client.scan(name, batch_size=batch_size)] == ids
        some = client.scan(name, {"n": {"$gte": 3}}, batch_size=batch_size)
        assert [v["id"] for v in some] == ids[3:]
    assert next(client.scan(name)) == {"id": "v0", "metadata": {"n": 0}}
    bare = next(client.scan(name, with_vector=True, include_metadata=False))
    assert bare == {"id": "v0", "vector": [1, 2, 3, 0]}
    client.insert_text(name, "words", "text")
    assert [v.get("text") for v in client.scan(name)][-2:] == [None, "words"]


def test_a_scan_is_not_disturbed_by_what_happens_meanwhile(
    client: SyncVectorizerClient, name: str
) -> None:
    ids = [f"v{i}" for i in range(9)]
    client.insert_vectors(
        name, [{"id": id, "vector": [1, 2, 3, 4], "metadata": {"new": False}} for id in ids]
    )
    scan = client.scan(name, batch_size=2)
    assert next(scan)["id"] == "v0"
    client.batch_delete(name, ["v0", "v4"])
    client.update_vector(name, "v5", metadata={"new": True})
    client.insert_vector(name, [1, 2, 3, 4], "later")
    rest = list(scan)
    assert [v["id"] for v in rest] == ["v1", "v2", "v3", "v5", "v6", "v7", "v8"]
    assert [v["id"] for v in rest if v["metadata"]["new"]] == ["v5"]


def test_a_scan_ends_with_the_collection(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(name, [{"vector": [1, 2, 3, 4]} for _ in range(3)])
    scan = client.scan(name, batch_size=1)
    next(scan)
    client.delete_collection(name)
    client.create_collection(name, 4)
    client.insert_vector(name, [1, 2, 3, 4])
    with pytest.raises(CollectionNotFoundError):
        next(scan)
    assert list(scan) == []


@pytest.mark.parametrize(
    "at",
    [
        LATER,
        LATER.astimezone(timezone(timedelta(hours=5, minutes=30))),
        LATER_MS,
        "2999-12-31T23:59:59.999Z",
        "3000-01-01T01:59:59.999+02:00",
    ],
)
def test_every_form_of_a_time_is_the_same_instant(
    client: SyncVectorizerClient, name: str, at: Any
) -> None:
    client.insert_vector(name, [1, 2, 3, 4], "one", expires_at=at)
    client.insert_vectors(name, [{"id": "many", "vector": [1, 2, 3, 4], "expires_at": at}])
    client.insert_text(name, "words", "text", expires_at=at)
    [batch] = client.batch_insert_text(name, ["words"], expires_at=at)
    client.insert_vector(name, [1, 2, 3, 4], "set")
    report = client.set_vector_expiry(name, "set", at)
    assert report == {
        "id": "set",
        "collection": name,
        "expires_at": LATER_MS,
        "status": "updated",
    }
    client.insert_vector(name, [1, 2, 3, 4], "updated")
    client.update_vector(name, "updated", expires_at=at)
    ids = ["one", "many", "text", batch, "set", "updated"]
    assert [client.get_vector(name, id)["expires_at"] for id in ids] == [LATER_MS] * 6


def test_every_read_has_the_expiry_of_a_vector_that_has_one(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vectors(
        name,
        [
            {"id": "a", "vector": [1, 0, 0, 0], "expires_at": LATER},
            {"id": "b", "vector": [1, 0, 0, 0], "expires_at": None},
        ],
    )
    reads: list[list[Any]] = [
        [client.get_vector(name, "a"), client.get_vector(name, "b")],
        list(client.list_vectors(name)["vectors"]),
        list(client.search(name, [1, 0, 0, 0])),
        list(client.search(name, "")),
        list(client.scan(name)),
    ]
    for read in reads:
        assert [vector["id"] for vector in read] == ["a", "b"]
        assert [vector.get("expires_at") for vector in read] == [LATER_MS, None]
        assert "expires_at" not in read[1]


def test_the_expiry_of_a_call_is_for_vectors_without_their_own(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vectors(
        name,
        [
            {"id": "a", "vector": [1, 2, 3, 4]},
            {"id": "b", "vector": [1, 2, 3, 4], "expires_at": LATER_MS + 1},
        ],
        expires_at=LATER,
    )
    assert [v.get("expires_at") for v in client.scan(name)] == [LATER_MS, LATER_MS + 1]


def test_no_read_finds_what_has_expired(client: SyncVectorizerClient, name: str) -> None:
    ids = ["born old", "becomes old", "stays"]
    client.insert_vectors(
        name, [{"id": id, "vector": [1, 2, 3, 4], "metadata": {"n": 1}} for id in ids[1:]]
    )
    client.insert_vector(name, [1, 2, 3, 4], ids[0], {"n": 1}, LONG_AGO)
    assert client.set_vector_expiry(name, ids[1], LONG_AGO)["expires_at"] == 978_307_200_000

    assert left(client, name) == ["stays"]
    assert [result["id"] for result in client.search(name, [1, 2, 3, 4])] == ["stays"]
    assert [vector["id"] for vector in client.scan(name, {"n": 1})] == ["stays"]
    page = client.list_vectors(name, ids=ids)
    assert [vector["id"] for vector in page["vectors"]] == ["stays"]
    assert client.list_vectors(name)["total"] == 1
    assert client.get_collection_info(name)["vector_count"] == 1
    assert client.delete_by_filter(name, {"n": 1}, dry_run=True)["matched"] == 1
    for gone in ids[:2]:
        with pytest.raises(VectorNotFoundError):
            client.get_vector(name, gone)
        with pytest.raises(VectorNotFoundError):
            client.update_vector(name, gone, metadata={})
        with pytest.raises(VectorNotFoundError):
            client.set_vector_expiry(name, gone, None)
        with pytest.raises(VectorNotFoundError):
            client.delete_vector(name, gone)
    report = client.batch_delete(name, ids)
    assert [row["status"] for row in report["results"]] == ["error", "error", "ok"]

    client.insert_vector(name, [4, 3, 2, 1], ids[0])
    assert client.get_vector(name, ids[0])["vector"] == [4, 3, 2, 1]
    assert left(client, name) == ids[:1]


def test_an_expiry_is_kept_replaced_and_lifted(client: SyncVectorizerClient, name: str) -> None:
    def expiry(id: str = "v") -> object:
        return client.get_vector(name, id).get("expires_at")

    client.insert_vector(name, [1, 2, 3, 4], "v", expires_at=LATER)
    client.update_vector(name, "v", metadata={"n": 1})
    assert expiry() == LATER_MS
    assert client.update_vector(name, "v", expires_at=LATER_MS + 1)["expires_at"] == LATER_MS + 1
    assert client.get_vector(name, "v")["metadata"] == {"n": 1}
    lifted = client.set_vector_expiry(name, "v", None)
    assert (lifted["expires_at"], lifted["status"]) == (None, "updated")
    assert expiry() is None
    client.set_vector_expiry(name, "v", LATER)
    client.insert_vector(name, [1, 2, 3, 4], "v")
    assert expiry() is None

    for id in ("a/b", "..", "."):
        client.insert_vector(name, [1, 2, 3, 4], id)
        assert client.set_vector_expiry(name, id, LATER_MS)["expires_at"] == LATER_MS
        assert expiry(id) == LATER_MS
        report = client.set_vector_expiry(name, id, None)
        assert (report["id"], report["collection"]) == (id, name)
        assert report["expires_at"] is None
        assert expiry(id) is None
    with pytest.raises(VectorNotFoundError):
        client.set_vector_expiry(name, "missing", LATER)


def test_a_ttl_is_for_vectors_without_an_expiry_of_their_own(
    client: SyncVectorizerClient, name: str
) -> None:
    day = 24 * 60 * 60
    assert client.get_collection_info(name)["ttl_secs"] is None
    before = int(datetime.now(timezone.utc).timestamp() * 1000)
    client.insert_vector(name, [1, 2, 3, 4], "there")
    client.insert_vector(name, [1, 2, 3, 4], "own", expires_at=LATER)
    report = client.set_collection_ttl(name, day)
    assert report == {"collection": name, "ttl_secs": day, "status": "updated"}
    client.insert_vector(name, [1, 2, 3, 4], "comes")
    after = int(datetime.now(timezone.utc).timestamp() * 1000)

    info = client.get_collection_info(name)
    assert (info["ttl_secs"], info["expired"]) == (day, 0)
    for id in ("there", "comes"):
        at = client.get_vector(name, id)["expires_at"]
        assert before <= at - day * 1000 <= after
    assert client.get_vector(name, "own")["expires_at"] == LATER_MS

    ended = client.set_collection_ttl(name, None)
    assert ended == {"collection": name, "ttl_secs": None, "status": "updated"}
    assert [v.get("expires_at") for v in client.scan(name)] == [None, LATER_MS, None]
    with pytest.raises(CollectionNotFoundError):
        client.set_collection_ttl(f"{name}-missing", day)


def test_what_has_expired_is_erased(connect: Connect, tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as url:
        client = connect(url)
        client.create_collection("c", 2)
        client.insert_vectors(
            "c",
            [
                {"id": "a", "vector": [1, 2], "expires_at": LONG_AGO},
                {"id": "b", "vector": [1, 2]},
            ],
        )
        client.resume_expiry()
        end = time.monotonic() + 60
        while client.get_collection_info("c")["expired"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert client.verify_erased("c", ["a"]) == {"verified": True, "residues": []}
        assert left(client, "c") == ["b"]
        client.close()


@pytest.mark.parametrize("at", ["soon", "", "2999-12-31", "2999-12-31T23:59:59", -1, 10**18])
def test_a_time_that_is_none_is_refused(
    client: SyncVectorizerClient, name: str, at: str | int
) -> None:
    client.insert_vector(name, [1, 2, 3, 4], "v")
    calls: list[Callable[[], object]] = [
        lambda: client.insert_vector(name, [1, 2, 3, 4], "w", expires_at=at),
        lambda: client.insert_vectors(name, [{"id": "w", "vector": [1, 2, 3, 4]}], at),
        lambda: client.update_vector(name, "v", expires_at=at),
        lambda: client.set_vector_expiry(name, "v", at),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match="expires_at"):
            call()
    assert left(client, name) == ["v"]
    assert "expires_at" not in client.get_vector(name, "v")


def test_delete_vector(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(name, [{"id": id, "vector": [1, 2, 3, 4]} for id in "ab"])
    client.delete_vector(name, "a")
    assert left(client, name) == ["b"]
    with pytest.raises(VectorNotFoundError):
        client.get_vector(name, "a")
    with pytest.raises(VectorNotFoundError):
        client.delete_vector(name, "a")


def test_batch_delete(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(name, [{"id": id, "vector": [1, 2, 3, 4]} for id in "abc"])
    report = client.batch_delete(name, (id for id in ["a", "nope", "b"]))
    assert report["collection"] == name
    assert (report["count"], report["deleted"], report["failed"]) == (3, 2, 1)
    assert [row["status"] for row in report["results"]] == ["ok", "error", "ok"]
    assert report["results"][1]["id"] == "nope"
    assert "receipt" not in report
    assert left(client, name) == ["c"]
    assert client.batch_delete(name, [])["count"] == 0


def test_delete_by_filter(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(
        name,
        [{"id": f"v{i}", "vector": [1, 2, 3, 4], "metadata": {"n": i}} for i in range(4)],
    )
    look = client.delete_by_filter(name, {"n": [1, 2]}, dry_run=True)
    assert (look["scanned"], look["matched"], look["deleted"]) == (4, 2, 0)
    assert look["results"] == [{"id": f"v{i}", "status": "matched"} for i in (1, 2)]
    assert len(left(client, name)) == 4

    done = client.delete_by_filter(name, filter={"n": [1, 2]})
    assert (done["matched"], done["deleted"]) == (2, 2)
    assert left(client, name) == ["v0", "v3"]
    assert client.delete_by_filter(name, {"n": 9})["matched"] == 0
    assert "unknownFields" not in done
    vain = client.delete_by_filter(name, {"m": 1, "n": 0}, dry_run=True)
    assert vain["unknownFields"] == ["m"]


def test_a_dry_run_shows_the_first_that_match(client: SyncVectorizerClient, name: str) -> None:
    client.insert_text(name, "words é " * 30, id="v0", metadata={"n": 2**60 + 1})
    client.insert_vectors(name, [{"id": "v1", "vector": [1, 2, 3, 4]}])
    client.insert_text(name, "short", id="v2")
    every: dict[str, Any] = {"must": [{"has_id": ["v0", "v1", "v2"]}]}
    shown = [
        {"id": "v0", "metadata": {"n": 2**60 + 1}, "text": "words é " * 25},
        {"id": "v1"},
        {"id": "v2", "text": "short"},
    ]
    assert client.delete_by_filter(name, every, dry_run=True, rows=1000)["rows"] == shown
    assert client.delete_by_filter(name, every, dry_run=True, rows=1)["rows"] == shown[:1]
    assert "rows" not in client.delete_by_filter(name, every, dry_run=True)
    with pytest.raises(TooManyMatchesError) as refused:
        client.delete_by_filter(name, every, dry_run=True, rows=2, expect=2)
    assert dict(refused.value.report)["rows"] == shown[:2]
    for dry_run, rows, said in (
        (False, 1, r"body\.rows is for a dry run only"),
        (True, 1001, r"body\.rows is 1001; it must be between 1 and 1000"),
    ):
        with pytest.raises(ValidationError, match=said):
            client.delete_by_filter(name, every, dry_run, rows=rows)
    assert len(left(client, name)) == 3


def test_guards_keep_a_delete_from_removing_another_number_of_vectors(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vectors(
        name,
        [{"id": f"v{i}", "vector": [1, 2, 3, 4], "metadata": {"n": i}} for i in range(4)],
    )
    for dry_run in (False, True):
        with pytest.raises(TooManyMatchesError, match=r"body\.at_most is 1") as by_filter:
            client.delete_by_filter(name, {"n": [1, 2]}, dry_run, at_most=1)
        assert by_filter.value.report == {
            "scanned": 4,
            "matched": 2,
            "deleted": 0,
            "results": [{"id": f"v{i}", "status": "matched"} for i in (1, 2)],
        }
    with pytest.raises(TooManyMatchesError, match=r"body\.expect is 2") as by_ids:
        client.batch_delete(name, ["v0", "missing", "v0"], receipt=True, expect=2)
    report: dict[str, Any] = dict(by_ids.value.report)
    assert report["deleted"] == 0
    assert "receipt" not in report
    assert [row["status"] for row in report["results"]] == ["matched", "error", "error"]
    assert len(left(client, name)) == 4

    assert client.batch_delete(name, ["v0", "missing", "v0"], expect=1)["deleted"] == 1
    assert client.delete_by_filter(name, {"n": [1, 2]}, at_most=2, expect=2)["deleted"] == 2
    assert client.delete_by_filter(name, {"n": 9}, at_most=0)["matched"] == 0
    assert left(client, name) == ["v3"]


def test_replace_leaves_exactly_the_rows_of_what_matches(
    client: SyncVectorizerClient, name: str
) -> None:
    source = {"source": "a.md"}
    client.insert_vectors(
        name,
        [
            {"id": "a0", "vector": [1, 0, 0, 0], "metadata": source},
            {"id": "other", "vector": [1, 2, 3, 4], "metadata": {"source": "b.md"}},
            {"id": "a1", "vector": [1, 1, 0, 0], "metadata": source},
            {"id": "a2", "vector": [1, 2, 0, 0], "metadata": source},
        ],
    )
    rows: list[ReplacementVector] = [
        {"id": "a3", "vector": [1, 3, 0, 0], "metadata": source},
        {"id": "a1", "vector": [1, 1, 0, 0], "metadata": source},
        {"id": "a0", "vector": [1, 0, 0, 1], "metadata": source, "text": "words"},
    ]
    report = {
        "inserted": 1,
        "updated": 1,
        "unchanged": 1,
        "deleted": 1,
        "ids": {"inserted": ["a3"], "updated": ["a0"], "deleted": ["a2"]},
    }
    assert client.replace(name, source, rows, dry_run=True) == {"applied": False, **report}
    with pytest.raises(TooManyMatchesError, match=r"body\.at_most is 0") as refused:
        client.replace(name, source, rows, at_most=0)
    assert refused.value.report == {"applied": False, **report}
    assert left(client, name) == ["a0", "other", "a1", "a2"]

    done = client.replace(name, source, (row for row in rows), receipt=True)
    receipt = done.pop("receipt")
    assert done == {"applied": True, **report}
    assert receipt["deleted"] == 2
    assert left(client, name) == ["a0", "other", "a1", "a3"]
    assert client.get_vector(name, "a0")["text"] == "words"
    assert client.replace(name, source, rows)["unchanged"] == 3

    texts: list[ReplacementText] = [{"id": "t", "text": "words", "metadata": source}]
    assert client.replace(name, source, texts)["deleted"] == 3
    assert client.replace(name, source, [*texts])["unchanged"] == 1
    assert client.replace(name, source, [])["ids"]["deleted"] == ["t"]
    assert left(client, name) == ["other"]


def test_a_row_that_would_take_the_place_of_another_is_refused(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vector(name, [1, 2, 3, 4], "b", {"source": "b.md"})
    source = {"source": "a.md"}
    refused: list[list[ReplacementText]] = [
        [
            {"id": "a", "text": "a", "metadata": source},
            {"id": "b", "text": "b", "metadata": source},
        ],
        [{"id": "a", "text": "a", "metadata": source}, {"id": "c", "text": "c"}],
        [
            {"id": "c", "text": "a", "metadata": source},
            {"id": "c", "text": "b", "metadata": source},
        ],
    ]
    for rows in refused:
        with pytest.raises(ValidationError, match=r"body\.texts\[1\]"):
            client.replace(name, source, rows)
    assert left(client, name) == ["b"]
    with pytest.raises(CollectionNotFoundError):
        client.replace(f"{name}-2", source, [])


def test_a_row_may_say_when_it_expires(client: SyncVectorizerClient, name: str) -> None:
    source = {"source": "a.md"}

    def row(id: str) -> ReplacementText:
        return {"id": id, "text": id, "metadata": source}

    def expiries() -> list[object]:
        return [vector.get("expires_at") for vector in client.scan(name)]

    plain = [row("a"), row("b")]
    client.replace(name, source, plain, expires_at=LATER)
    assert expiries() == [LATER_MS, LATER_MS]
    assert client.replace(name, source, plain)["unchanged"] == 2
    assert expiries() == [LATER_MS, LATER_MS]
    own: list[ReplacementText] = [
        {**row("a"), "expires_at": None},
        {**row("b"), "expires_at": LATER_MS + 1},
        row("c"),
    ]
    report = client.replace(name, source, own, expires_at=LATER_MS + 2)
    assert (report["inserted"], report["updated"]) == (1, 2)
    assert expiries() == [None, LATER_MS + 1, LATER_MS + 2]
    assert client.replace(name, source, own)["unchanged"] == 3
    with pytest.raises(ValidationError, match="expires_at"):
        client.replace(name, source, plain, expires_at="soon")


def test_a_patch_of_all_that_matches(client: SyncVectorizerClient, name: str) -> None:
    owner = {"name": "ann", "mail": "ann@example.org"}
    client.insert_vectors(
        name,
        [
            {
                "id": f"v{i}",
                "vector": [1, 2, 3, 4],
                "metadata": {"n": i, "big": 2**60 + 1, "owner": owner},
                "expires_at": LATER,
            }
            for i in range(4)
        ],
    )
    patch = {"owner": {"mail": None, "city": "Oslo"}, "tags": ["a"]}
    rows = [{"id": "v1", "status": "updated"}, {"id": "v2", "status": "updated"}]
    report = {"scanned": 4, "matched": 2, "updated": 2, "unchanged": 0, "results": rows}
    look = client.bulk_update_metadata(name, {"n": [1, 2]}, patch, dry_run=True)
    assert look == {"applied": False, **report}
    with pytest.raises(TooManyMatchesError, match=r"body\.at_most is 1") as refused:
        client.bulk_update_metadata(name, {"n": [1, 2]}, patch, at_most=1)
    assert refused.value.report == look
    assert client.get_vector(name, "v1")["metadata"]["owner"] == owner

    done = client.bulk_update_metadata(name, {"n": [1, 2]}, patch, expect=2)
    assert done == {"applied": True, **report}
    vector = client.get_vector(name, "v1")
    assert vector["metadata"] == {
        "n": 1,
        "big": 2**60 + 1,
        "owner": {"name": "ann", "city": "Oslo"},
        "tags": ["a"],
    }
    assert (vector["vector"], vector["expires_at"]) == ([1, 2, 3, 4], LATER_MS)
    assert left(client, name) == ["v0", "v1", "v2", "v3"]
    again = client.bulk_update_metadata(name, {"n": {"$gte": 1}}, {"tags": ["a"]})
    assert (again["updated"], again["unchanged"]) == (1, 2)
    assert [row["status"] for row in again["results"]] == ["unchanged", "unchanged", "updated"]
    vain = client.bulk_update_metadata(name, {"m": 1}, {"tags": None})
    assert (vain["matched"], vain["unknownFields"]) == (0, ["m"])
    with pytest.raises(CollectionNotFoundError):
        client.bulk_update_metadata(f"{name}-2", {"n": 1}, {})


def test_an_update_of_many(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(
        name,
        [
            {"id": id, "vector": [1, 2, 3, 4], "metadata": {"of": id}, "expires_at": LATER}
            for id in "abc"
        ],
    )
    report = client.batch_update_vectors(
        name,
        [
            {"id": "a", "metadata": {"n": 2}},
            {"id": "missing", "metadata": {}},
            {"id": "c", "text": "words"},
            {"id": "b", "vector": (4, 3, 2, 1), "expires_at": None},
        ],
    )
    assert (report["success"], report["collection"]) == (False, name)
    assert report["operation"] == "batch_update_vectors"
    assert (report["total_operations"], report["successful_operations"]) == (4, 3)
    assert (report["failed_operations"], len(report["errors"])) == (1, 1)
    assert [row["status"] for row in report["results"]] == ["ok", "error", "ok", "ok"]
    assert [row["index"] for row in report["results"]] == [0, 1, 2, 3]
    assert report["results"][1]["error"]

    a, b, c = (client.get_vector(name, id) for id in "abc")
    assert (a["metadata"], a["vector"], a["expires_at"]) == ({"n": 2}, [1, 2, 3, 4], LATER_MS)
    assert (b["metadata"], b["vector"]) == ({"of": "b"}, [4, 3, 2, 1])
    assert "expires_at" not in b
    assert (c["metadata"], c["text"]) == ({"of": "c"}, "words")
    assert c["vector"] != [1, 2, 3, 4]
    assert client.batch_update_vectors(name, [])["success"]

    with pytest.raises(ValidationError, match=r"body\.updates\[1\]"):
        client.batch_update_vectors(
            name, [{"id": "a", "metadata": {}}, {"id": "a", "metadata": {}}]
        )
    with pytest.raises(DimensionMismatchError):
        client.batch_update_vectors(
            name, [{"id": "a", "metadata": {}}, {"id": "b", "vector": [1, 2]}]
        )
    assert client.get_vector(name, "a")["metadata"] == {"n": 2}


def test_vectors_are_moved_and_copied(client: SyncVectorizerClient, name: str) -> None:
    other = f"{name}-2"
    client.create_collection(other, 4)
    client.insert_vectors(
        name,
        [
            {"id": id, "vector": [1, 2, 3, 4], "metadata": {"of": id}, "expires_at": LATER}
            for id in ("a", "taken", "b", "c")
        ],
    )
    client.insert_vector(other, [4, 3, 2, 1], "taken")
    ids = ["b", "missing", "taken", "b", "a"]
    statuses = ["ok", "missing_in_src", "dst_insert_failed", "dst_insert_failed", "ok"]
    look = client.move_to_collection(name, other, ids, dry_run=True)
    assert [row["status"] for row in look["results"]] == statuses
    assert (look["applied"], look["moved"], look["failed"], look["requested"]) == (False, 0, 3, 5)
    with pytest.raises(TooManyMatchesError, match=r"body\.expect is 5"):
        client.move_to_collection(name, other, ids, expect=5)
    assert left(client, other) == ["taken"]

    done = client.move_to_collection(name, other, ids, receipt=True)
    assert (done["src"], done["dst"], done["applied"], done["moved"]) == (name, other, True, 2)
    assert [row["status"] for row in done["results"]] == statuses
    assert done["results"][2]["error"] != done["results"][3]["error"]
    assert (done["receipt"]["collection"], done["receipt"]["deleted"]) == (name, 2)
    assert left(client, name) == ["taken", "c"]
    assert left(client, other) == ["taken", "b", "a"]
    moved = client.get_vector(other, "b")
    assert (moved["vector"], moved["metadata"]) == ([1, 2, 3, 4], {"of": "b"})
    assert moved["expires_at"] == LATER_MS

    every = {"of": {"$exists": True}}
    copied = client.copy_vectors(name, other, filter=every, overwrite=True)
    assert (copied["copied"], copied["failed"]) == (2, 0)
    assert [row["id"] for row in copied["results"]] == ["taken", "c"]
    assert client.get_vector(other, "taken")["metadata"] == {"of": "taken"}
    assert left(client, name) == ["taken", "c"]

    client.create_collection(f"{name}-3", 3)
    with pytest.raises(DimensionMismatchError):
        client.move_to_collection(name, f"{name}-3", ["c"])
    with pytest.raises(ValidationError):
        client.move_to_collection(name, name, ["c"])
    with pytest.raises(CollectionNotFoundError):
        client.copy_vectors(name, f"{name}-4", ["c"])
    assert left(client, name) == ["taken", "c"]
    for collection in (other, f"{name}-3"):
        client.delete_collection(collection)


def test_what_is_forgotten_is_gone_from_all_collections(connect: Connect, tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as url:
        client = connect(url)
        for collection in ("mails", "notes", "other"):
            client.create_collection(collection, 2)
            client.insert_vectors(
                collection,
                [
                    {"id": f"{user}-{i}", "vector": [1, 2], "metadata": {"user": user}}
                    for user in ("bob", "ann")
                    for i in range(2)
                ],
            )
        client.delete_by_filter("other", {"user": "ann"})
        look = client.forget({"user": "ann"}, dry_run=True)
        found = [(one["collection"], one["matched"]) for one in look["collections"]]
        assert found == [("mails", 2), ("notes", 2), ("other", 0)]
        assert look["collections"][0]["ids"] == ["ann-0", "ann-1"]
        assert (look["applied"], look["matched"], look["deleted"]) == (False, 4, 0)
        assert "receipt" not in look
        with pytest.raises(TooManyMatchesError) as refused:
            client.forget({"user": "ann"}, at_most=3)
        assert refused.value.report == look

        done = client.forget({"user": "ann"}, expect=4, reason="asked on 2 May")
        assert (done["applied"], done["matched"], done["deleted"]) == (True, 4, 4)
        receipt = done["receipt"]
        assert (receipt["deleted"], receipt["durable"]) == (4, True)
        assert receipt["reason"] == "asked on 2 May"
        assert receipt["bytesErased"] > 0
        covered = [
            [one["collection"], one["logSequence"], ["ann-0", "ann-1"]]
            for one in receipt["collections"]
        ]
        assert [name for name, *_ in covered] == ["mails", "notes"]
        text = json.dumps(covered, separators=(",", ":"))
        assert receipt["digest"] == hashlib.sha256(text.encode()).hexdigest()
        assert left(client, "mails") == left(client, "notes") == ["bob-0", "bob-1"]
        assert client.verify_erased("mails", ["ann-0"]) == {"verified": True, "residues": []}

        one = client.forget(ids=["bob-0", "nobody"], collections=["notes", "notes"])
        assert [within["collection"] for within in one["collections"]] == ["notes"]
        assert one["deleted"] == 1
        nothing = client.forget(ids=[])
        assert (nothing["applied"], nothing["deleted"]) == (True, 0)
        assert nothing["receipt"]["collections"] == []
        assert left(client, "mails") == ["bob-0", "bob-1"]
        client.close()


def test_none_equals_null_where_an_operator_says_so(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vectors(
        name,
        [
            {"id": "null", "vector": [1, 2, 3, 4], "metadata": {"a": None}},
            {"id": "other", "vector": [1, 2, 3, 4], "metadata": {"a": 1}},
            {"id": "missing", "vector": [1, 2, 3, 4], "metadata": {"b": 1}},
        ],
    )
    null = {"a": {"$eq": None}}
    assert [r["id"] for r in client.search(name, "", filter=null)] == ["null"]
    client.delete_by_filter(name, null)
    assert left(client, name) == ["other", "missing"]


def test_integers_are_what_their_digits_say(client: SyncVectorizerClient, name: str) -> None:
    edges = [2**53, 2**53 + 1, 2**53 + 2, 2**63, 2**64 - 1, -(2**63), -(2**53) - 1]
    for i, edge in enumerate(edges):
        client.insert_vector(name, [1, 0, 0, i], id=str(edge), metadata={"n": edge, "all": edges})
    for edge in edges:
        assert client.get_vector(name, str(edge))["metadata"] == {"n": edge, "all": edges}
        assert client.delete_by_filter(name, {"n": edge}, dry_run=True)["matched"] == 1
        assert client.delete_by_filter(name, {"n": {"$ne": edge}}, dry_run=True)["matched"] == 6
        above = [other for other in edges if other > edge]
        report = client.delete_by_filter(name, {"n": {"$gt": edge}}, dry_run=True)
        assert report["matched"] == len(above)
    # A float is what it is: nearest to two of them, and equal to one.
    report = client.delete_by_filter(name, {"n": float(2**53 + 1)})
    assert report["results"] == [{"id": str(2**53), "status": "deleted"}]


@pytest.mark.parametrize("value", [2**64 + 1, -(2**63) - 1, 10**30 + 1])
def test_an_integer_of_more_than_64_bits_is_refused(
    client: SyncVectorizerClient, name: str, value: int
) -> None:
    client.insert_vector(name, [1, 0, 0, 0], id="a", metadata={"n": 1})
    with pytest.raises(ValidationError, match=r"filter\.n\.\$ne: an integer of more than 64 bits"):
        client.delete_by_filter(name, {"n": {"$ne": value}})
    with pytest.raises(ValidationError, match="would be rounded"):
        client.insert_vector(name, [1, 0, 0, 0], id="b", metadata={"n": value})
    assert client.list_vectors(name)["total"] == 1


def test_dates(client: SyncVectorizerClient, name: str) -> None:
    noon = datetime(2024, 5, 1, 12)
    east = timezone(timedelta(hours=5, minutes=30))
    metadatas: dict[str, Any] = {
        "naive": noon,
        "later": noon + timedelta(seconds=1),
        "same": noon.replace(tzinfo=timezone.utc).astimezone(east),
        "day": date(2024, 5, 1),
        "text": "no date",
        "number": 1,
    }
    client.insert_vectors(
        name,
        [
            {"id": id, "vector": [1, 2, 3, 4], "metadata": {"at": at}}
            for id, at in metadatas.items()
        ],
    )
    assert client.get_vector(name, "naive")["metadata"] == {"at": "2024-05-01T12:00:00"}

    def matching(condition: object) -> set[str]:
        results = client.search(name, "", limit=100, filter={"at": condition})
        return {result["id"] for result in results}

    assert matching(noon) == {"naive", "same"}
    assert matching({"$lt": noon}) == {"day"}
    assert matching({"$lte": noon.replace(tzinfo=timezone.utc)}) == {"naive", "same", "day"}
    assert matching({"$gt": noon.astimezone(east)}) | matching({"$gt": noon}) == {"later"}
    assert matching({"$in": [date(2024, 5, 1)]}) == {"day"}
    # A date compares with dates only; a text that is none compares with it as a text.
    assert "text" in matching({"$gt": "2024-05-01 is not a date"})
    assert "text" not in matching({"$gt": date(1, 1, 1)})


def test_receipts_and_verification(connect: Connect, tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as url:
        client = connect(url)
        client.create_collection("c", 2)
        client.insert_vectors("c", [{"id": id, "vector": [1, 2]} for id in "abc"])
        assert not client.verify_erased("c", ["a"])["verified"]

        receipt = client.batch_delete("c", ["a"], receipt=True)["receipt"]
        assert receipt["collection"] == "c"
        assert receipt["deleted"] == 1
        assert receipt["bytesErased"] > 0
        assert len(receipt["digest"]) >= 32
        datetime.fromisoformat(receipt["completedAt"].replace("Z", "+00:00"))
        client.insert_vector("c", [1, 2], "d", {"x": 1})
        other = client.delete_by_filter("c", {"x": 1}, receipt=True)["receipt"]
        assert other["logSequence"] > receipt["logSequence"]

        assert client.delete_vector("c", "c") is None
        client.insert_vectors("c", [{"id": id, "vector": [1, 2]} for id in ("c", "..")])
        one = client.delete_vector("c", "c", receipt=True)
        assert one is not None
        assert (one["deleted"], one["durable"]) == (1, True)
        dots = client.delete_vector("c", "..", receipt=True)
        assert dots is not None
        assert dots["logSequence"] > one["logSequence"]

        report = client.verify_erased("c", ["a", "d"])
        assert report == {"verified": True, "residues": []}
        residues = client.verify_erased("c", ["a", "b"])["residues"]
        assert {residue["id"] for residue in residues} == {"b"}
        info = client.get_collection_info("c")
        assert "disk_bytes" in info
        assert info["scrub"]["damaged"] == 0
        assert info["scrub"]["damaged_ids"] == []
        everything = client.delete_collection("c", receipt=True)
        assert everything is not None
        assert everything["deleted"] == 1
        client.close()


def test_a_delete_with_undo_is_undone(client: SyncVectorizerClient, name: str) -> None:
    assert client.get_collection_info(name)["undoable"] == 0
    metadata = {"of": "a", "n": 1}
    client.insert_vector(name, [1, 2, 3, 4], "a", metadata, LATER)
    client.insert_text(name, "words", "b", {"of": "b"})
    client.insert_vectors(name, [{"id": id, "vector": [4, 3, 2, 1]} for id in ("..", "c", "d")])
    was = {id: client.get_vector(name, id) for id in ("a", "b", "..")}

    one = client.delete_vector(name, "a", undo=timedelta(days=2))
    dots = client.delete_vector(name, "..", undo="1h")
    by_filter = client.delete_by_filter(name, {"of": "b"}, undo=3_600_000)
    assert (by_filter["deleted"], "receipt" in by_filter) == (1, False)
    replaced = client.replace(name, {"of": {"$exists": True}}, [], undo="1h")
    assert "undo" not in replaced
    assert "undo" not in client.delete_by_filter(name, {"of": "c"}, undo="1h")
    assert "undo" not in client.batch_delete(name, ["missing"], undo="1h")
    assert left(client, name) == ["c", "d"]
    with pytest.raises(VectorNotFoundError):
        client.get_vector(name, "a")
    assert client.get_collection_info(name)["undoable"] == 3

    listed = client.list_deleted(name)
    assert (listed["total"], listed["collections"]) == (3, [])
    assert [(vector["id"], vector["token"]) for vector in listed["vectors"]] == [
        ("a", one["token"]),
        ("..", dots["token"]),
        ("b", by_filter["undo"]["token"]),
    ]
    first = listed["vectors"][0]
    assert (first["metadata"], first["until"]) == (metadata, one["until"])
    assert first["deleted_at"] == one["until"] - 2 * 86_400_000
    assert "metadata" not in listed["vectors"][1]
    page = client.list_deleted(name, offset=1, limit=1)
    assert (page["vectors"], page["total"]) == (listed["vectors"][1:2], 3)
    assert client.list_deleted()["vectors"] == []

    client.insert_vector(name, [1, 1, 1, 1], "b", {"of": "another"})
    report = client.undelete(name, ids=["a", "missing", "b", "a"])
    assert (report["collection"], report["undeleted"]) == (name, 1)
    assert report["results"] == [
        {"id": "a", "status": "undeleted"},
        {"id": "missing", "status": "not_found"},
        {"id": "b", "status": "id_in_use"},
        {"id": "a", "status": "repeated"},
    ]
    assert client.get_vector(name, "b")["metadata"] == {"of": "another"}
    client.delete_vector(name, "b")
    for undo in (dots, by_filter["undo"]):
        assert client.undelete(name, token=undo["token"])["undeleted"] == 1
        with pytest.raises(ValidationError, match="nothing that was deleted with the token"):
            client.undelete(name, token=undo["token"])
    assert left(client, name) == ["c", "d", "a", "..", "b"]
    assert {id: client.get_vector(name, id) for id in was} == was
    assert client.list_deleted(name)["total"] == 0

    replaced = client.replace(name, {"of": {"$exists": True}}, [], undo="1h")
    assert replaced["ids"]["deleted"] == ["a", "b"]
    undone = client.undelete(name, token=replaced["undo"]["token"])
    assert [row["status"] for row in undone["results"]] == ["undeleted"] * 2
    assert {id: client.get_vector(name, id) for id in was} == was


def test_a_collection_that_was_deleted_with_undo_comes_back(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vectors(name, [{"id": id, "vector": [1, 2, 3, 4]} for id in "abc"])
    client.delete_vector(name, "c", undo="1h")
    undo = client.delete_collection(name, undo="30d", reason="nobody reads it")
    with pytest.raises(CollectionNotFoundError):
        client.get_collection_info(name)

    [found] = [one for one in client.list_deleted()["collections"] if one["collection"] == name]
    assert (found["token"], found["until"], found["vectors"]) == (undo["token"], undo["until"], 2)
    assert found["deleted_at"] == undo["until"] - 30 * 86_400_000
    assert client.list_deleted(name) == {"collections": [found], "vectors": [], "total": 0}

    client.create_collection(name, 2)
    with pytest.raises(CollectionExistsError):
        client.undelete(name, token=undo["token"])
    client.delete_collection(name)
    report = client.undelete(name, token=undo["token"])
    assert report == {"collection": name, "undeleted": 2, "results": []}
    assert left(client, name) == ["a", "b"]
    assert client.get_collection_info(name)["undoable"] == 1

    again = client.delete_collection(name, undo="1h")
    purged = client.purge_deleted(name, token=again["token"], receipt=True)
    assert (purged["purged"], purged["results"]) == (2, [])
    assert purged["receipt"]["call"] == "purgeDeleted"
    assert name not in [one["collection"] for one in client.list_deleted()["collections"]]
    with pytest.raises(CollectionNotFoundError):
        client.undelete(name, token=again["token"])
    with pytest.raises(CollectionNotFoundError):
        client.list_deleted(name)


def test_what_waits_is_purged_or_forgotten(connect: Connect, tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as url:
        client = connect(url)
        for collection in ("c", "d"):
            client.create_collection(collection, 2)
            client.insert_vectors(
                collection,
                [{"id": id, "vector": [1, 2], "metadata": {"user": id}} for id in "abcde"],
            )
        client.batch_delete("c", ["a", "b"], undo="1h", reason="r")
        client.batch_delete("c", ["c"], undo="1h")
        token = client.batch_delete("c", ["d", "e"], undo="1h")["undo"]["token"]
        assert client.list_empty_collections() == ["c"]
        assert client.cleanup_empty_collections(dry_run=True)["collections"] == []
        waiting = client.verify_erased("c", ["a"])
        assert not waiting["verified"]
        assert "can be undeleted" in waiting["residues"][0]["reason"]

        one = client.purge_deleted("c", ids=["a", "x", "a"], receipt=True, reason="request 17")
        assert (one["collection"], one["purged"]) == ("c", 1)
        assert [row["status"] for row in one["results"]] == ["purged", "not_found", "repeated"]
        receipt = one["receipt"]
        assert (receipt["call"], receipt["deleted"]) == ("purgeDeleted", 1)
        assert (receipt["collection"], receipt["reason"]) == ("c", "request 17")
        assert client.verify_erased("c", ["a"])["verified"]
        of_one_call = client.purge_deleted("c", token=token)
        assert (of_one_call["purged"], "receipt" in of_one_call) == (2, False)

        client.delete_collection("d", undo="1h")
        look = client.forget({"user": "b"}, dry_run=True)
        rows = [
            (row["collection"], row["matched"], row["ids"], row.get("undoable"))
            for row in look["collections"]
        ]
        assert sorted(rows, key=str) == [
            ("c", 0, [], None),
            ("c", 1, ["b"], True),
            ("d", 1, ["b"], True),
        ]
        assert client.forget({"user": "b"})["deleted"] == 2
        assert [vector["id"] for vector in client.list_deleted("c")["vectors"]] == ["c"]
        assert client.list_deleted("d")["collections"][0]["vectors"] == 4

        assert client.purge_deleted("c", all=True)["purged"] == 1
        assert client.purge_deleted("c", all=True)["purged"] == 0
        assert client.get_collection_info("c")["undoable"] == 0
        client.close()


def test_what_is_not_undeleted_in_time_is_erased(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vector(name, [1, 2, 3, 4], "a")
    undo = client.delete_vector(name, "a", undo=timedelta(seconds=1))
    while time.time() * 1000 <= undo["until"]:
        time.sleep(0.05)
    assert client.list_deleted(name)["total"] == 0
    assert client.undelete(name, ids=["a"])["results"] == [{"id": "a", "status": "not_found"}]
    with pytest.raises(ValidationError):
        client.undelete(name, token=undo["token"])


def test_a_ledger_has_every_erasure_and_its_reason(connect: Connect, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data)) as url:
        client = connect(url)
        assert client.get_ledger() is None
        client.close()
    with serving("--data", str(data), "--ledger") as url:
        client = connect(url)
        for collection in ("c", "d"):
            client.create_collection(collection, 2)
        ids = ["a", "b", "..", "d", "e", "f", "g"]
        client.insert_vectors(
            "c", [{"id": id, "vector": [1, 2], "metadata": {"id": id}} for id in ids]
        )
        before = client.get_ledger()
        assert before is not None
        assert (before["entries"], before["head"]["entry"]) == (0, 0)

        one = client.delete_vector("c", "a", receipt=True, reason="r & 1")
        assert one is not None
        assert (one["call"], one["requested"], one["reason"]) == ("deleteVector", 1, "r & 1")
        assert one["store"] == before["store"]
        assert "r & 1" in one["text"]
        assert json.loads(one["entry"])["reason"] == "r & 1"
        client.batch_delete("c", ["b"], reason="r2")
        client.delete_vector("c", "..", reason="r3")
        by_filter = client.delete_by_filter("c", {"id": "d"}, receipt=True, reason="r4")
        assert by_filter["receipt"]["filter"] == {"id": "d"}
        assert "requested" not in by_filter["receipt"]
        client.replace("c", {"id": "e"}, [], reason="r5")
        client.move_to_collection("c", "d", ["f"], reason="r6")
        forgotten = client.forget({"id": "g"}, reason="r7")["receipt"]
        assert forgotten["call"] == "forget"
        client.delete_collection("c", reason="r8")
        assert "entry" not in client.forget(ids=["nobody"])["receipt"]

        lines = [json.loads(line) for line in (data / "LEDGER").read_text().splitlines()]
        erased = [line for line in lines if line.get("kind") == "erased"]
        reasons = ["r & 1", *(f"r{i}" for i in range(2, 9))]
        assert [line["reason"] for line in erased] == reasons
        assert "nobody" not in (data / "LEDGER").read_text()
        now = client.get_ledger()
        report = verify_ledger(data)
        assert report["verified"], report["problems"]
        assert (report["erasures"], report["deleted"], report["unfinished"]) == (8, 7, 0)
        assert now == {key: report[key] for key in ("store", "entries", "head")}
        client.close()


def test_backups_and_keys(connect: Connect, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    with serving("--data", str(tmp_path / "data"), "--backups", str(backups)) as url:
        client = connect(url)
        client.create_collection("c", 2)
        client.insert_vector("c", [1, 2], "a")
        whole = client.create_backup()
        assert (whole["vectors"], "keys" in whole) == (1, False)
        apart = client.create_backup(["c"], keys="apart")
        exported = client.export_keys()
        client.rotate_keys()
        assert client.get_vector("c", "a")["id"] == "a"
        assert {one.name for one in backups.iterdir()} == {
            whole["file"],
            apart["file"],
            apart["keys"],
            exported["file"],
        }
        with pytest.raises(CollectionNotFoundError):
            client.create_backup(["missing"])
        client.close()


def test_a_server_without_a_directory_for_backups(client: SyncVectorizerClient) -> None:
    for call in (client.create_backup, client.export_keys):
        with pytest.raises(VectorizerError) as error:
            call()
        assert error.value.code == "UNSUPPORTED"
    with pytest.raises(ValidationError):
        client.rotate_keys()


def test_optimize(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(
        name, [{"id": f"v{i}", "vector": [1, i, i % 7, i % 3]} for i in range(500)]
    )
    client.batch_delete(name, [f"v{i}" for i in range(0, 500, 2)])
    client.optimize(name)
    index = client.get_collection_info(name)["index"]
    assert index["deleted"] == 0
    assert index["indexed"] + index["pending"] == 250
    assert len(left(client, name)) == 250


def test_health_and_stats(client: SyncVectorizerClient, name: str) -> None:
    health = client.health()
    assert health["status"] == "ok"
    assert health["uptime"] >= 0
    before = client.stats()
    client.insert_vector(name, [1, 2, 3, 4])
    after = client.stats()
    assert after["version"] == health["version"]
    assert after["total_vectors"] == before["total_vectors"] + 1


def test_an_id_addresses_its_vector_and_no_other(client: SyncVectorizerClient, name: str) -> None:
    numbers = {id: [float(i), 1, 1, 1] for i, id in enumerate(IDS)}
    client.insert_vectors(name, [{"id": id, "vector": numbers[id]} for id in IDS])
    for id in IDS:
        vector = client.get_vector(name, id)
        assert (vector["id"], vector["vector"], vector["data"]) == (id, numbers[id], numbers[id])
        assert client.update_vector(name, id, metadata={"id": id})["vector"] == numbers[id]
        assert client.set_vector_expiry(name, id, LATER)["id"] == id
        assert client.list_vectors(name, ids=[id])["vectors"][0]["metadata"] == {"id": id}
    for result in client.search(name, "", limit=1000):
        assert result["metadata"] == {"id": result["id"]}

    remaining = list(IDS)
    for id in IDS:
        client.delete_vector(name, id)
        remaining.remove(id)
        assert left(client, name) == remaining
        with pytest.raises(VectorNotFoundError, match="no vector"):
            client.get_vector(name, id)
        with pytest.raises(VectorNotFoundError, match="no vector"):
            client.delete_vector(name, id)
        with pytest.raises(VectorNotFoundError, match="no vector"):
            client.update_vector(name, id, metadata={})
        with pytest.raises(VectorNotFoundError, match="no vector"):
            client.set_vector_expiry(name, id, LATER)


def test_an_id_with_a_comma_is_got(client: SyncVectorizerClient, name: str) -> None:
    client.insert_vectors(name, [{"id": id, "vector": [1, 2, 3, 4]} for id in ("a,b", "a")])
    assert client.get_vector(name, "a,b")["id"] == "a,b"
    client.delete_vector(name, "a,b")
    assert left(client, name) == ["a"]


@pytest.mark.parametrize(
    "collection",
    ["a b", "ü", "a?b", "a#b", "%2e", "日本", "empty", "cleanup", "forget", "c" * 255],
)
def test_names_of_collections(client: SyncVectorizerClient, collection: str) -> None:
    client.create_collection(collection, 2)
    client.insert_vector(collection, [1, 2], "v")
    assert client.get_collection_info(collection)["name"] == collection
    assert client.batch_delete(collection, ["v"])["deleted"] == 1
    client.delete_collection(collection)
    with pytest.raises(CollectionNotFoundError):
        client.get_collection_info(collection)


# The connections of a loop that has ended are left to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_client_without_a_context_lives_through_event_loops(url: str, name: str) -> None:
    def in_four_loops() -> tuple[list[str], list[str]]:
        client = VectorizerClient(url)

        async def insert() -> str:
            return await client.insert_text(name, "text", metadata={"n": 1})

        async def end() -> list[str]:
            found = await client.search(name, "")
            await client.close()
            return [result["id"] for result in found]

        return [asyncio.run(insert()) for _ in range(3)], asyncio.run(end())

    inserted, found = in_four_loops()
    assert inserted == found
    gc.collect()


def test_many_calls_at_a_time(url: str, name: str) -> None:
    async def insert_all() -> list[str]:
        async with VectorizerClient(url) as client:
            inserts = (client.insert_vector(name, [1, 2, 3, 4], f"v{i}") for i in range(300))
            return list(await asyncio.gather(*inserts))

    ids = asyncio.run(insert_all())
    with SyncVectorizerClient(url) as client, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda id: client.delete_vector(name, id), ids))
        assert client.get_collection_info(name)["vector_count"] == 0


def test_a_closed_client_refuses_calls(connect: Connect, url: str) -> None:
    client = connect(url)
    client.health()
    client.close()
    client.close()
    with pytest.raises(ClientClosedError) as error:
        client.health()
    assert error.value.code == "CLIENT_CLOSED"


def test_contexts_close(url: str) -> None:
    with SyncVectorizerClient(url) as client:
        client.health()
    with pytest.raises(ClientClosedError):
        client.health()

    async def in_context() -> VectorizerClient:
        async with VectorizerClient(url) as client:
            await client.health()
        with pytest.raises(ClientClosedError):
            await client.health()
        return client

    assert "localhost" not in repr(asyncio.run(in_context()))
