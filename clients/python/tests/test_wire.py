"""What is sent, and what is refused before anything is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorizer_native import SyncVectorizerClient, ValidationError, VectorizerError
from vectorizer_native.types import Period

from .conftest import Connect, Recorder

Call = Callable[[SyncVectorizerClient], object]

CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE


class NotATime(datetime):
    """As pandas' NaT is one."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Array:
    """An array of times, as NumPy has them."""

    class dtype:
        kind = "M"

    def tolist(self) -> int:
        return 1_704_067_200_000_000_000


def sent(recorder: Recorder) -> Any:
    return json.loads(recorder.requests[-1].content)


@given(name=st.text(min_size=1), id=st.text(min_size=1))
def test_a_name_and_an_id_are_one_segment_each(name: str, id: str) -> None:
    recorder = Recorder()
    client = SyncVectorizerClient("http://server", transport=recorder.transport)
    for call in (client.get_vector, client.delete_vector):
        recorder.requests.clear()
        try:
            call(name, id)
        except ValidationError:
            assert name in (".", "..")
            assert not recorder.requests
            continue
        except VectorizerError:
            pass
        [request] = recorder.requests
        path, _, query = request.url.raw_path.partition(b"?")
        root, collections, *segments = path.split(b"/")
        assert (root, collections) == (b"", b"collections")
        decoded = [unquote_to_bytes(segment).decode() for segment in segments]
        if id not in (".", ".."):
            assert decoded == [name, "vectors", id]
            assert not query
        elif request.method == "POST":
            assert decoded == [name, "batch_delete"]
            assert json.loads(request.content) == {"ids": [id]}
        else:
            assert decoded == [name, "vectors"]
            assert query.decode() == f"ids={id}"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Any text but halves of surrogate pairs.
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=10,
)


@given(value=st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, min_size=1))
def test_json_is_sent_as_it_is(value: dict[str, Any]) -> None:
    recorder = Recorder({"id": "a", "deleted": 0, "results": []})
    client = SyncVectorizerClient("http://server", transport=recorder.transport)
    client.insert_text("c", "text", "a", value)
    assert sent(recorder)["metadata"] == value
    client.delete_by_filter("c", {"a": {"$in": [value]}})
    assert sent(recorder)["filter"] == {"a": {"$in": [value]}}


EAST = timezone(timedelta(hours=5, minutes=30))
TIMES = [
    (datetime(2024, 5, 1, 12), "2024-05-01T12:00:00"),
    (datetime(2024, 5, 1, 12, 0, 0, 5), "2024-05-01T12:00:00.000005"),
    (datetime(2024, 5, 1, 12, tzinfo=timezone.utc), "2024-05-01T12:00:00+00:00"),
    (datetime(2024, 5, 1, 12, tzinfo=EAST), "2024-05-01T12:00:00+05:30"),
    (date(2024, 5, 1), "2024-05-01"),
    # A zone with seconds, as Amsterdam had one.
    (
        datetime(1900, 1, 1, 12, tzinfo=timezone(timedelta(minutes=19, seconds=32))),
        "1900-01-01T11:40:28+00:00",
    ),
]


@pytest.mark.parametrize(("when", "written"), TIMES)
def test_dates_are_texts_in_metadata_and_instants_in_filters(
    connect: Connect, recorder: Recorder, when: date, written: str
) -> None:
    recorder.answer = {"id": "v", "results": []}
    client = connect("http://server", transport=recorder.transport)
    client.insert_text("c", "text", "v", {"at": when, "all": [{"at": when}]})
    assert sent(recorder)["metadata"] == {"at": written, "all": [{"at": written}]}
    client.search("c", "", filter={"at": {"$lt": when}, "$or": [{"at": [when]}, {"at": when}]})
    assert sent(recorder)["filter"] == {
        "at": {"$lt": {"$date": written}},
        "$or": [{"at": [{"$date": written}]}, {"at": {"$date": written}}],
    }


@pytest.mark.parametrize(
    ("when", "written"),
    [
        (datetime(2026, 12, 1, tzinfo=timezone.utc), 1_796_083_200_000),
        (datetime(2026, 12, 1, 5, 30, tzinfo=EAST), 1_796_083_200_000),
        # Not later than it says.
        (datetime(2026, 12, 1, 0, 0, 0, 1999, tzinfo=timezone.utc), 1_796_083_200_001),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc), 253_402_300_799_999),
        (0, 0),
        ("2026-12-01T00:00:00+05:30", "2026-12-01T00:00:00+05:30"),
    ],
)
def test_an_expiry_is_an_instant_wherever_it_is_given(
    connect: Connect, recorder: Recorder, when: datetime | str | int, written: str | int
) -> None:
    recorder.answer = {"id": "v", "vector": [], "ids": [], "inserted": 1}
    client = connect("http://server", transport=recorder.transport)
    client.insert_text("c", "words", expires_at=when)
    assert sent(recorder) == {"text": "words", "expires_at": written}
    client.insert_vector("c", [1], expires_at=when)
    assert sent(recorder) == {"vector": [1], "expires_at": written}
    client.batch_insert_text("c", ["a", "b"], expires_at=when)
    texts = [{"text": text, "expires_at": written} for text in "ab"]
    assert sent(recorder) == {"vectors": texts}
    own: Any = {"vector": [1], "expires_at": 9}
    client.insert_vectors("c", [own, {"vector": [2]}, {"vector": [3], "expires_at": None}], when)
    others = [{"vector": [n], "expires_at": written} for n in (2, 3)]
    assert sent(recorder) == {"vectors": [own, *others]}
    client.update_vector("c", "v", expires_at=when)
    assert sent(recorder) == {"expires_at": written}

    recorder.answer = {"id": "v", "collection": "c", "expires_at": None, "status": "updated"}
    client.set_vector_expiry("c", "v", when)
    assert sent(recorder) == {"expires_at": written}
    client.set_vector_expiry("c", "a/b", None)
    assert sent(recorder) == {"expires_at": None}
    [*_, request] = recorder.requests
    assert (request.method, request.url.raw_path) == (
        "PATCH",
        b"/collections/c/vectors/a%2Fb/expiry",
    )


def test_a_ttl_and_the_end_of_a_pause(connect: Connect, recorder: Recorder) -> None:
    recorder.answer = {"collection": "c", "ttl_secs": 60, "status": "updated"}
    client = connect("http://server", transport=recorder.transport)
    assert client.set_collection_ttl("c", 60) == recorder.answer
    assert sent(recorder) == {"ttl_secs": 60}
    client.set_collection_ttl("c", None)
    assert sent(recorder) == {"ttl_secs": None}
    recorder.answer = {"success": True, "message": "resumed"}
    client.resume_expiry()
    assert [(one.method, one.url.path) for one in recorder.requests] == [
        ("POST", "/collections/c/ttl"),
        ("POST", "/collections/c/ttl"),
        ("POST", "/expiry/resume"),
    ]


def test_none_lifts_an_expiry_where_leaving_it_out_keeps_it(
    connect: Connect, recorder: Recorder
) -> None:
    recorder.answer = {"applied": True, "ids": {}, "success": True, "results": []}
    client = connect("http://server", transport=recorder.transport)
    client.batch_update_vectors(
        "c",
        [
            {"id": "a", "expires_at": None, "metadata": None},
            {"id": "b", "expires_at": datetime(2026, 12, 1, tzinfo=timezone.utc)},
            {"id": "c", "vector": [1, 2], "text": None},
            {"id": "d", "text": "words", "metadata": {}},
        ],
    )
    assert sent(recorder)["updates"] == [
        {"id": "a", "expires_at": None},
        {"id": "b", "expires_at": 1_796_083_200_000},
        {"id": "c", "vector": [1, 2]},
        {"id": "d", "text": "words", "metadata": {}},
    ]
    rows: Any = [
        {"id": "a", "text": "a"},
        {"id": "b", "text": "b", "expires_at": None},
        {"id": "c", "text": "c", "expires_at": 9},
    ]
    client.replace("c", {"a": 1}, rows)
    assert sent(recorder)["texts"] == rows
    client.replace("c", {"a": 1}, rows, expires_at="2026-12-01T00:00:00Z")
    first = {**rows[0], "expires_at": "2026-12-01T00:00:00Z"}
    assert sent(recorder)["texts"] == [first, *rows[1:]]


def test_the_routes_of_calls_about_many(connect: Connect, recorder: Recorder) -> None:
    recorder.answer = {
        "applied": True,
        "success": True,
        "results": [],
        "collections": [],
        "moved": 0,
        "copied": 0,
        "deleted": 0,
        "old_name": "a b",
        "new_name": "c",
        "status": "renamed",
        "job_id": "j",
        "state": "running",
        "params": {},
        "name": "a b",
        "dimension": 2,
    }
    client = connect("http://server", transport=recorder.transport)
    client.batch_update_vectors("a b", [])
    client.bulk_update_metadata("a b", {"a": 1}, {"at": date(2024, 5, 1)})
    assert sent(recorder)["patch"] == {"at": "2024-05-01"}
    client.move_to_collection("a b", "c", (id for id in "ab"), receipt=True)
    client.copy_vectors("a b", "c", filter={"a": 1}, overwrite=True)
    client.forget({"a": 1}, collections=["c"], expect=0, reason="gone")
    assert sent(recorder) == {
        "filter": {"a": 1},
        "dry_run": False,
        "expect": 0,
        "collections": ["c"],
        "reason": "gone",
    }
    client.rename_collection("a b", "c")
    assert sent(recorder) == {"new_name": "c"}
    client.update_collection("a b", "words")
    client.reindex_collection("a b", m=8, ef_construction=50)
    assert sent(recorder) == {"m": 8, "ef_construction": 50}
    client.list_empty_collections()
    client.cleanup_empty_collections()
    client.cleanup_empty_collections(dry_run=True)
    assert [(one.method, one.url.raw_path.decode()) for one in recorder.requests] == [
        ("POST", "/collections/a%20b/batch_update"),
        ("POST", "/collections/a%20b/vectors/bulk_update_metadata"),
        ("POST", "/collections/a%20b/vectors/move"),
        ("POST", "/collections/a%20b/vectors/copy"),
        ("POST", "/forget"),
        ("POST", "/collections/a%20b/rename"),
        ("PUT", "/collections/a%20b"),
        ("POST", "/collections/a%20b/reindex"),
        ("GET", "/collections"),
        ("DELETE", "/collections/cleanup?dry_run=false"),
        ("DELETE", "/collections/cleanup?dry_run=true"),
    ]


def test_what_is_not_given_is_not_sent(connect: Connect, recorder: Recorder) -> None:
    recorder.answer = {"id": "v", "vector": [], "deleted": 0, "results": []}
    client = connect("http://server/", transport=recorder.transport)
    client.search("c", "words")
    assert sent(recorder) == {
        "query": "words",
        "limit": 10,
        "with_vector": False,
        "include_metadata": True,
    }
    recorder.answer = {"vectors": []}
    assert list(client.scan("c")) == []
    assert sent(recorder) == {"with_vector": False, "include_metadata": True}
    recorder.answer = {"id": "v", "vector": [], "deleted": 0, "results": []}
    client.insert_text("c", "words")
    assert sent(recorder) == {"text": "words"}
    client.update_vector("c", "v", metadata={})
    assert sent(recorder) == {"metadata": {}}
    null = {"a": {"$eq": None}, "must_not": [{"is_null": {"key": "a"}}]}
    client.delete_by_filter("c", null, dry_run=True)
    assert sent(recorder) == {"filter": null, "dry_run": True, "receipt": False}
    client.delete_by_filter("c", null, at_most=0, expect=None)
    guarded = {"dry_run": False, "receipt": False, "at_most": 0}
    assert sent(recorder) == {"filter": null, **guarded}
    recorder.answer = {"applied": True, "ids": {}}
    client.replace("c", null, [{"id": "a", "text": "words", "metadata": None}], expect=1)
    flags = {"dry_run": False, "receipt": False}
    assert sent(recorder) == {
        "filter": null,
        "texts": [{"id": "a", "text": "words"}],
        **flags,
        "expect": 1,
    }
    client.replace("c", null, [{"id": "a", "vector": [1, 2], "text": None}])
    assert sent(recorder) == {"filter": null, "vectors": [{"id": "a", "vector": [1, 2]}], **flags}
    client.replace("c", null, [])
    assert sent(recorder) == {"filter": null, "texts": [], **flags}
    recorder.answer = {"applied": True, "results": [], "moved": 0, "copied": 0}
    client.bulk_update_metadata("c", null, {"a": None})
    assert sent(recorder) == {"filter": null, "patch": {"a": None}, "dry_run": False}
    client.move_to_collection("c", "d", ["a"])
    moved = {"destination": "d", "ids": ["a"], "overwrite": False, **flags}
    assert sent(recorder) == moved
    client.copy_vectors("c", "d", filter=null, at_most=3)
    copied = {"destination": "d", "filter": null, "overwrite": False, "dry_run": False}
    assert sent(recorder) == {**copied, "at_most": 3}
    recorder.answer = {"applied": True, "deleted": 0, "collections": []}
    client.forget(ids=[])
    assert sent(recorder) == {"ids": [], "dry_run": False}
    recorder.answer = {"job_id": "j", "state": "completed", "params": {}}
    client.reindex_collection("c")
    assert sent(recorder) == {}
    client.reindex_collection("c", ef_search=40)
    assert sent(recorder) == {"ef_search": 40}
    recorder.answer = {"name": "c", "dimension": 2}
    client.create_collection("c", 2)
    assert "description" not in sent(recorder)
    client.update_collection("c", None)
    assert sent(recorder) == {"description": None}
    recorder.answer = {"deleted": 0, "results": []}
    client.delete_by_filter("c", null, dry_run=True, rows=10)
    assert sent(recorder) == {"filter": null, "dry_run": True, "receipt": False, "rows": 10}


def test_every_delete_sends_its_reason(connect: Connect, recorder: Recorder) -> None:
    recorder.answer = {
        "success": True,
        "applied": True,
        "deleted": 1,
        "moved": 0,
        "results": [],
        "ids": {},
        "collections": [],
        "receipt": {},
    }
    client = connect("http://server", transport=recorder.transport)
    reason = "a & b? ü"
    client.delete_vector("c", "v", reason=reason)
    client.delete_vector("c", "v", receipt=True, reason=reason)
    client.delete_collection("c", reason=reason)
    query = "reason=a%20%26%20b%3F%20%C3%BC"
    assert [request.url.raw_path.decode() for request in recorder.requests] == [
        f"/collections/c/vectors/v?{query}",
        f"/collections/c/vectors/v?receipt=true&{query}",
        f"/collections/c?{query}",
    ]
    for call in (
        lambda: client.delete_vector("c", "..", reason=reason),
        lambda: client.batch_delete("c", ["a"], reason=reason),
        lambda: client.delete_by_filter("c", {"a": 1}, reason=reason),
        lambda: client.replace("c", {"a": 1}, [], reason=reason),
        lambda: client.move_to_collection("c", "d", ["a"], reason=reason),
        lambda: client.forget({"a": 1}, reason=reason),
    ):
        call()
        assert sent(recorder)["reason"] == reason


DAY = 86_400_000


@pytest.mark.parametrize(
    ("undo", "written"),
    [
        ("24h", "24h"),
        (DAY, DAY),
        (timedelta(days=1), DAY),
        # Not longer than it says.
        (timedelta(seconds=1, microseconds=1999), 1001),
        # The server says what is wrong with these.
        (timedelta(0), 0),
        (timedelta(microseconds=-1), -1),
        ("", ""),
        ("a day & more", "a day & more"),
    ],
)
def test_every_delete_sends_for_how_long_it_can_be_undone(
    connect: Connect, recorder: Recorder, undo: Period, written: str | int
) -> None:
    given: Any = {"token": "t", "until": 9}
    recorder.answer = {
        "success": True,
        "applied": True,
        "deleted": 1,
        "results": [],
        "ids": {},
        "undo": given,
    }
    client = connect("http://server", transport=recorder.transport)
    assert client.delete_vector("c", "v", undo=undo) == given
    assert client.delete_vector("c", "v", reason="r", undo=undo) == given
    assert client.delete_collection("c", undo=undo) == given
    query = f"undo={quote(str(written), safe='')}"
    assert [request.url.raw_path.decode() for request in recorder.requests] == [
        f"/collections/c/vectors/v?{query}",
        f"/collections/c/vectors/v?reason=r&{query}",
        f"/collections/c?{query}",
    ]
    assert client.delete_vector("c", "..", undo=undo) == given
    assert sent(recorder) == {"ids": [".."], "receipt": False, "undo": written}
    assert client.batch_delete("c", ["a"], undo=undo)["undo"] == given
    assert sent(recorder)["undo"] == written
    assert client.delete_by_filter("c", {"a": 1}, undo=undo)["undo"] == given
    assert sent(recorder)["undo"] == written
    assert client.replace("c", {"a": 1}, [], undo=undo)["undo"] == given
    assert sent(recorder)["undo"] == written


def test_a_delete_that_cannot_be_undone_as_asked_is_not_taken_for_one(
    connect: Connect, recorder: Recorder
) -> None:
    others: list[dict[str, Any]] = [
        {},
        {"undo": None},
        {"undo": {}},
        {"undo": {"token": "t"}},
        {"undo": {"token": 1, "until": 9}},
        {"undo": {"token": "t", "until": "9"}},
    ]
    client = connect("http://server", transport=recorder.transport)
    calls: list[Callable[[], object]] = [
        lambda: client.delete_vector("c", "v", undo="24h"),
        lambda: client.delete_vector("c", "..", undo="24h"),
        lambda: client.delete_collection("c", undo="24h"),
    ]
    for other in others:
        recorder.answer = {"success": True, "deleted": 1, **other}
        for call in calls:
            with pytest.raises(VectorizerError) as error:
                call()
            assert error.value.code == "INVALID_RESPONSE"


def test_the_routes_of_what_can_be_undeleted(connect: Connect, recorder: Recorder) -> None:
    recorder.answer = {
        "collections": [],
        "vectors": [],
        "total": 0,
        "undeleted": 0,
        "purged": 0,
        "results": [],
    }
    client = connect("http://server", transport=recorder.transport)
    client.list_deleted()
    client.list_deleted("a b")
    client.list_deleted("a b", offset=5, limit=1)
    client.undelete("a b", ids=(id for id in "ab"))
    assert sent(recorder) == {"ids": ["a", "b"]}
    client.undelete("a b", ids=[])
    assert sent(recorder) == {"ids": []}
    client.undelete("a b", token="t")
    assert sent(recorder) == {"token": "t"}
    client.purge_deleted("a b", all=True)
    assert sent(recorder) == {"all": True, "receipt": False}
    client.purge_deleted("a b", ids=[])
    assert sent(recorder) == {"ids": [], "receipt": False}
    client.purge_deleted("a b", token="t", receipt=True, reason="r")
    assert sent(recorder) == {"token": "t", "receipt": True, "reason": "r"}
    assert [(one.method, one.url.raw_path.decode()) for one in recorder.requests] == [
        ("GET", "/deleted"),
        ("GET", "/collections/a%20b/deleted?offset=0&limit=100"),
        ("GET", "/collections/a%20b/deleted?offset=5&limit=1"),
        *[("POST", "/collections/a%20b/undelete")] * 3,
        *[("POST", "/collections/a%20b/purge")] * 3,
    ]


def test_a_ledger_is_told_as_it_is_or_as_none(connect: Connect, recorder: Recorder) -> None:
    info: dict[str, Any] = {"store": "5b", "entries": 2, "head": {"entry": 2, "hash": "ab"}}
    of_another_form: list[object] = [
        {},
        {"ledger": {}},
        {"ledger": {**info, "entries": None}},
        {"ledger": "none"},
    ]
    client = connect("http://server", transport=recorder.transport)
    recorder.answer = {"ledger": info}
    assert client.get_ledger() == info
    recorder.answer = {"ledger": None}
    assert client.get_ledger() is None
    assert recorder.requests[-1].url.raw_path == b"/ledger"
    for answer in of_another_form:
        recorder.answer = answer
        with pytest.raises(VectorizerError) as error:
            client.get_ledger()
        assert error.value.code == "INVALID_RESPONSE"


def test_a_scan_sends_the_same_with_the_cursor_of_the_last_answer(connect: Connect) -> None:
    bodies: list[dict[str, Any]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/collections/c/scan")
        bodies.append(json.loads(request.content))
        cursor = {} if len(bodies) == 3 else {"cursor": f"{len(bodies)}-é"}
        vectors = [{"id": f"{len(bodies)}.{i}"} for i in range(2)]
        return httpx.Response(200, json={"vectors": vectors, **cursor})

    client = connect("http://server", transport=httpx.MockTransport(respond))
    filter = {"at": {"$lt": date(2024, 5, 1)}}
    scan = client.scan("c", filter, with_vector=True, include_metadata=False, batch_size=2)
    assert bodies == []
    assert next(scan)["id"] == "1.0"
    # What is sent is what was given when it began.
    filter.clear()
    assert next(scan)["id"] == "1.1"
    assert len(bodies) == 1
    assert [vector["id"] for vector in scan] == ["2.0", "2.1", "3.0", "3.1"]
    first = {
        "with_vector": True,
        "include_metadata": False,
        "filter": {"at": {"$lt": {"$date": "2024-05-01"}}},
        "limit": 2,
    }
    assert bodies == [first, {**first, "cursor": "1-é"}, {**first, "cursor": "2-é"}]


@pytest.mark.parametrize("answer", [{"vectors": [], "cursor": None}, {"vectors": None}, [], None])
def test_an_answer_that_is_no_batch_does_not_end_a_scan(
    connect: Connect, recorder: Recorder, answer: object
) -> None:
    recorder.answer = answer
    client = connect("http://server", transport=recorder.transport)
    with pytest.raises(VectorizerError) as error:
        list(client.scan("c"))
    assert error.value.code == "INVALID_RESPONSE"


@pytest.mark.parametrize(
    ("filter", "place"),
    [
        ({"a": None}, r"filter\.a is None"),
        ({"a": 1, "b.c": None}, r"filter\.b\.c is None"),
        ({"a": [1, None]}, r"filter\.a holds None"),
        ({"a": (None,)}, r"filter\.a holds None"),
        ({"$and": [{"a": 1}, {"a": None}]}, r"filter\.\$and\[1\]\.a is None"),
        ({"$or": [{"$not": {"a": None}}]}, r"filter\.\$or\[0\]\.\$not\.a is None"),
    ],
)
def test_none_is_no_value_of_a_field(
    connect: Connect, recorder: Recorder, filter: dict[str, Any], place: str
) -> None:
    client = connect("http://server", transport=recorder.transport)
    calls: list[Call] = [
        lambda c: c.delete_by_filter("c", filter),
        lambda c: c.delete_by_filter("c", filter, dry_run=True),
        lambda c: c.replace("c", filter, []),
        lambda c: c.bulk_update_metadata("c", filter, {}),
        lambda c: c.move_to_collection("c", "d", filter=filter),
        lambda c: c.copy_vectors("c", "d", filter=filter),
        lambda c: c.forget(filter),
        lambda c: c.search("c", "", filter=filter),
        lambda c: list(c.scan("c", filter)),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match=place):
            call(client)
    assert not recorder.requests


def test_the_key_is_sent_and_not_shown(connect: Connect, recorder: Recorder) -> None:
    recorder.answer = {"status": "ok"}
    client = connect("http://server/under", api_key="secret", transport=recorder.transport)
    client.health()
    [request] = recorder.requests
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.url == "http://server/under/health"
    assert request.headers["User-Agent"].startswith("vectorizer-native-python/")
    assert "secret" not in repr(SyncVectorizerClient(api_key="secret"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        # Never a wider delete.
        (lambda c: c.delete_by_filter("c", None), "filter must be a dict"),
        (lambda c: c.delete_by_filter("c", {}), "filter must be a dict"),
        (lambda c: c.delete_by_filter("c", "a"), "filter must be a dict"),
        (lambda c: c.delete_by_filter("c", [("a", 1)]), "filter must be a dict"),
        (lambda c: c.search("c", "", filter={}), "filter must be a dict"),
        (lambda c: list(c.scan("c", {})), "filter must be a dict"),
        (lambda c: list(c.scan("c", "a")), "filter must be a dict"),
        (lambda c: list(c.scan("c", batch_size=0)), "batch_size is 0; it must be at least 1"),
        (lambda c: list(c.scan("c", batch_size=1.5)), "batch_size must be a whole number"),
        (lambda c: list(c.scan("..")), r"cannot be named '\.\.'"),
        (lambda c: c.delete_by_filter("c", {"a": math.nan}), r"filter\.a must be a finite number"),
        (lambda c: c.delete_by_filter("c", {"a": [1, math.inf]}), r"filter\.a\[1\] must be a fin"),
        (lambda c: c.delete_by_filter("c", {"a": {1, 2}}), r"filter\.a is a set"),
        (lambda c: c.delete_by_filter("c", {1: 2}), "filter has the key 1"),
        (lambda c: c.delete_by_filter("c", {"a": {None: 2}}), r"filter\.a has the key None"),
        (lambda c: c.delete_by_filter("c", {"a": b"b"}), r"filter\.a is a bytes"),
        (lambda c: c.delete_by_filter("c", {"a": NotATime(1, 1, 1)}), r"filter\.a is not a time"),
        (lambda c: c.delete_by_filter("c", {"a": Array()}), r"filter\.a is a NumPy time"),
        (lambda c: c.delete_by_filter("c", {"a": "\ud800"}), "cannot be written as JSON"),
        (lambda c: c.delete_by_filter("c", CIRCLE), "nested too deep"),
        (
            lambda c: c.delete_by_filter("c", {"a": 1}, dry_run=None),
            "dry_run must be True or False",
        ),
        (lambda c: c.delete_by_filter("c", {"a": 1}, "dry"), "dry_run must be True or False"),
        (lambda c: c.batch_delete("c", ["a"], receipt=1), "receipt must be True or False"),
        (lambda c: c.batch_delete("c", ["a"], at_most=-1), "at_most is -1; it must be at least 0"),
        (lambda c: c.batch_delete("c", ["a"], expect=1.0), "expect must be a whole number"),
        (lambda c: c.batch_delete("c", ["a"], expect=True), "expect must be a whole number"),
        (
            lambda c: c.delete_by_filter("c", {"a": 1}, at_most="1"),
            "at_most must be a whole number",
        ),
        (
            lambda c: c.delete_by_filter("c", {"a": 1}, True, rows=0),
            "rows is 0; it must be at least 1",
        ),
        (
            lambda c: c.delete_by_filter("c", {"a": 1}, True, rows=True),
            "rows must be a whole number",
        ),
        (
            lambda c: c.delete_by_filter("c", {"a": 1}, True, rows="1"),
            "rows must be a whole number",
        ),
        (lambda c: c.replace("c", {}, []), "filter must be a dict"),
        (lambda c: c.replace("c", {"a": None}, []), r"filter\.a is None"),
        (lambda c: c.replace("c", {"a": 1}, "rows"), "rows must be a list"),
        (lambda c: c.replace("c", {"a": 1}, {"id": "a"}), "rows must be a list"),
        (lambda c: c.replace("c", {"a": 1}, ["a"]), r"rows\[0\] must be a dict"),
        (
            lambda c: c.replace("c", {"a": 1}, [{"id": "a", "data": [1]}]),
            r"rows\[0\] has the key 'data': give id, vector, metadata, text, expires_at",
        ),
        (lambda c: c.replace("c", {"a": 1}, [{"text": "a"}]), r"rows\[0\]\.id must be a string"),
        (lambda c: c.replace("c", {"a": 1}, [{"id": "a"}]), r"rows\[0\]\.text must be a string"),
        (
            lambda c: c.replace(
                "c", {"a": 1}, [{"id": "a", "vector": [1]}, {"id": "b", "text": "b"}]
            ),
            r"rows\[1\]\.vector must be a sequence",
        ),
        (
            lambda c: c.replace("c", {"a": 1}, [{"id": "a", "text": "a", "metadata": []}]),
            r"rows\[0\]\.metadata must be a dict",
        ),
        (lambda c: c.replace("c", {"a": 1}, [], dry_run=1), "dry_run must be True or False"),
        (
            lambda c: c.replace("c", {"a": 1}, [], at_most=-1),
            "at_most is -1; it must be at least 0",
        ),
        (lambda c: c.replace("..", {"a": 1}, []), r"cannot be named '\.\.'"),
        (
            lambda c: c.replace("c", {"a": 1}, [{"id": "a", "text": "a", "expires_at": 1.5}]),
            r"rows\[0\]\.expires_at must be a datetime",
        ),
        (
            lambda c: c.replace("c", {"a": 1}, [], expires_at=datetime(2026, 12, 1)),
            "expires_at has no time zone",
        ),
        # Never more than was meant.
        (lambda c: c.bulk_update_metadata("c", {}, {"a": 1}), "filter must be a dict"),
        (lambda c: c.bulk_update_metadata("c", {"a": 1}, None), "patch must be a dict"),
        (lambda c: c.bulk_update_metadata("c", {"a": 1}, [("a", 1)]), "patch must be a dict"),
        (
            lambda c: c.bulk_update_metadata("c", {"a": 1}, {"a": math.nan}),
            r"patch\.a must be a finite number",
        ),
        (
            lambda c: c.bulk_update_metadata("c", {"a": 1}, {}, dry_run=None),
            "dry_run must be True or False",
        ),
        (
            lambda c: c.bulk_update_metadata("c", {"a": 1}, {}, expect="1"),
            "expect must be a whole number",
        ),
        (lambda c: c.move_to_collection("c", "d"), "give ids or a filter"),
        (lambda c: c.move_to_collection("c", "d", ["a"], {"a": 1}), "ids or a filter, not both"),
        (lambda c: c.move_to_collection("c", "d", "a"), "ids must be a list"),
        (lambda c: c.move_to_collection("c", "d", {"a": 1}), "ids must be a list"),
        (lambda c: c.move_to_collection("c", "d", filter={}), "filter must be a dict"),
        (lambda c: c.move_to_collection("c", None, ["a"]), "dst must be a string"),
        (lambda c: c.move_to_collection("..", "d", ["a"]), r"cannot be named '\.\.'"),
        (
            lambda c: c.move_to_collection("c", "d", ["a"], overwrite=1),
            "overwrite must be True or False",
        ),
        (
            lambda c: c.move_to_collection("c", "d", ["a"], receipt=1),
            "receipt must be True or False",
        ),
        (lambda c: c.copy_vectors("c", "d"), "give ids or a filter"),
        (lambda c: c.copy_vectors("c", "d", "a"), "ids must be a list"),
        (lambda c: c.copy_vectors("c", "d", ["a"], at_most=-1), "at_most is -1"),
        (lambda c: c.forget(), "give ids or a filter"),
        (lambda c: c.forget({}), "filter must be a dict"),
        (lambda c: c.forget({"a": 1}, ["a"]), "ids or a filter, not both"),
        (lambda c: c.forget(["a"]), "filter must be a dict"),
        (lambda c: c.forget(ids="a"), "ids must be a list"),
        (lambda c: c.forget({"a": 1}, collections="c"), "collections must be a list"),
        (lambda c: c.forget({"a": 1}, dry_run=0), "dry_run must be True or False"),
        (lambda c: c.forget({"a": 1}, reason=1), "reason must be a string"),
        (lambda c: c.batch_update_vectors("c", {"id": "a"}), "updates must be a list"),
        (lambda c: c.batch_update_vectors("c", ["a"]), r"updates\[0\] must be a dict"),
        (
            lambda c: c.batch_update_vectors("c", [{"id": "a", "data": [1]}]),
            r"updates\[0\] has the key 'data': give id, vector, text, metadata, expires_at",
        ),
        (
            lambda c: c.batch_update_vectors("c", [{"text": "a"}]),
            r"updates\[0\]\.id must be a string",
        ),
        (
            lambda c: c.batch_update_vectors("c", [{"id": "a", "text": "a"}, {"id": "b"}]),
            r"updates\[1\] updates nothing",
        ),
        (
            lambda c: c.batch_update_vectors("c", [{"id": "a", "metadata": None}]),
            r"updates\[0\] updates nothing",
        ),
        (
            lambda c: c.batch_update_vectors("c", [{"id": "a", "vector": "12"}]),
            r"updates\[0\]\.vector must be a sequence",
        ),
        (
            lambda c: c.batch_update_vectors("c", [{"id": "a", "expires_at": True}]),
            r"updates\[0\]\.expires_at must be a datetime",
        ),
        (lambda c: c.create_collection("c", 2, description=1), "description must be a string"),
        (lambda c: c.update_collection("c", 1), "description must be a string"),
        (lambda c: c.update_collection("..", None), r"cannot be named '\.\.'"),
        (lambda c: c.rename_collection("..", "c"), r"cannot be named '\.\.'"),
        (lambda c: c.rename_collection("c", ".."), r"cannot be named '\.\.'"),
        (lambda c: c.rename_collection("c", None), "collection must be a string"),
        (lambda c: c.reindex_collection("c", m=0), "m is 0; it must be at least 1"),
        (lambda c: c.reindex_collection("c", ef_search=True), "ef_search must be a whole number"),
        (lambda c: c.cleanup_empty_collections("yes"), "dry_run must be True or False"),
        (lambda c: c.delete_vector("c", "a", receipt=1), "receipt must be True or False"),
        (lambda c: c.delete_vector("c", "..", receipt=1), "receipt must be True or False"),
        (lambda c: c.delete_vector("c", "a", reason=1), "reason must be a string"),
        (lambda c: c.delete_vector("c", "..", reason=1), "reason must be a string"),
        (lambda c: c.delete_vector("c", "a", reason="\ud800"), "surrogate"),
        (lambda c: c.delete_collection("c", reason=b"a"), "reason must be a string"),
        (lambda c: c.batch_delete("c", ["a"], reason=1), "reason must be a string"),
        (lambda c: c.delete_by_filter("c", {"a": 1}, reason=1), "reason must be a string"),
        (lambda c: c.replace("c", {"a": 1}, [], reason=1), "reason must be a string"),
        (lambda c: c.move_to_collection("c", "d", ["a"], reason=1), "reason must be a string"),
        (lambda c: c.delete_collection("c", receipt="yes"), "receipt must be True or False"),
        (lambda c: c.create_backup("c"), "collections must be a list"),
        # What cannot be told from a delete that is final.
        (lambda c: c.delete_vector("c", "a", undo=True), "undo must be a timedelta"),
        (lambda c: c.delete_vector("c", "..", undo=1.5e6), "undo must be a timedelta"),
        (lambda c: c.delete_vector("c", "a", undo=b"24h"), "undo must be a timedelta"),
        (lambda c: c.delete_vector("c", "a", undo="\ud800"), "surrogate"),
        (lambda c: c.delete_collection("c", undo=False), "undo must be a timedelta"),
        (
            lambda c: c.delete_collection("c", undo=datetime(2026, 12, 1)),
            "undo must be a timedelta",
        ),
        (lambda c: c.batch_delete("c", ["a"], undo=1e6), "undo must be a timedelta"),
        (lambda c: c.delete_by_filter("c", {"a": 1}, undo=[24]), "undo must be a timedelta"),
        (lambda c: c.replace("c", {"a": 1}, [], undo=Array()), "undo must be a timedelta"),
        (lambda c: c.list_deleted(""), "cannot be named ''"),
        (lambda c: c.list_deleted(".."), r"cannot be named '\.\.'"),
        (lambda c: c.list_deleted("c", offset=-1), "offset is -1; it must be at least 0"),
        (lambda c: c.list_deleted("c", limit=0), "limit is 0; it must be at least 1"),
        (lambda c: c.list_deleted(limit=True), "limit must be a whole number"),
        (lambda c: c.undelete("c"), "give ids or a token"),
        (lambda c: c.undelete("c", ids=["a"], token="t"), "ids or a token, not both"),
        (lambda c: c.undelete("c", ids="a"), "ids must be a list"),
        (lambda c: c.undelete("c", token={"token": "t"}), "token must be a string"),
        (lambda c: c.undelete("..", token="t"), r"cannot be named '\.\.'"),
        (lambda c: c.purge_deleted("c", ids=[], token="t"), "ids or a token, not both"),
        (lambda c: c.purge_deleted("c"), "ids, a token or all=True"),
        (lambda c: c.purge_deleted("c", token=None), "ids, a token or all=True"),
        (lambda c: c.purge_deleted("c", ids=[], all=True), "one of them"),
        (lambda c: c.purge_deleted("c", all=1), "all must be True or False"),
        (lambda c: c.purge_deleted("c", ids="a"), "ids must be a list"),
        (lambda c: c.purge_deleted("c", token=1), "token must be a string"),
        (lambda c: c.purge_deleted("c", all=True, receipt=1), "receipt must be True or False"),
        (lambda c: c.purge_deleted("c", all=True, reason=1), "reason must be a string"),
        # A text is no list of ids: its letters would be.
        (lambda c: c.batch_delete("c", "vec_001"), "ids must be a list"),
        (lambda c: c.batch_delete("c", b"vec_001"), "ids must be a list"),
        (lambda c: c.batch_delete("c", {"a": 1}), "ids must be a list"),
        (lambda c: c.batch_delete("c", None), "ids must be a list"),
        (lambda c: c.batch_delete("c", ["a", 1]), r"ids\[1\] must be a string"),
        (lambda c: c.verify_erased("c", "a"), "ids must be a list"),
        (lambda c: c.list_vectors("c", ids="a"), "ids must be a list"),
        (lambda c: c.list_vectors("c", ids=["a,b"]), "holds a comma"),
        (lambda c: c.list_vectors("c", ids=[""]), "id is empty"),
        (lambda c: c.list_vectors("c", limit="10"), "must be whole numbers"),
        (lambda c: c.batch_insert_text("c", "text"), "texts must be a list"),
        (lambda c: c.batch_insert_text("c", ["a"], [{}, {}]), "1 texts, but 2 metadatas"),
        # The paths of other routes.
        (lambda c: c.delete_vector("c", ""), "id is empty"),
        (lambda c: c.get_vector("c", ""), "id is empty"),
        (lambda c: c.update_vector("c", "", metadata={}), "id is empty"),
        (lambda c: c.delete_vector("c", None), "id must be a string"),
        (lambda c: c.delete_vector("c", "\ud800"), "surrogate"),
        (lambda c: c.delete_collection(""), "cannot be named ''"),
        (lambda c: c.delete_collection(".."), r"cannot be named '\.\.'"),
        (lambda c: c.delete_vector(".", "v"), r"cannot be named '\.'"),
        (lambda c: c.create_collection("..", 2), r"cannot be named '\.\.'"),
        # Vectors.
        (lambda c: c.insert_vector("c", [1, math.nan]), r"vector\[1\] must be a finite number"),
        (lambda c: c.insert_vector("c", [10**400]), r"vector\[0\] must be a finite number"),
        (lambda c: c.insert_vector("c", [1, True]), r"vector\[1\] must be a number"),
        (lambda c: c.insert_vector("c", [1, "2"]), r"vector\[1\] must be a number"),
        (lambda c: c.insert_vector("c", [[1], [2]]), r"vector\[0\] must be a number"),
        (lambda c: c.insert_vector("c", "text"), "vector must be a sequence"),
        (lambda c: c.insert_vector("c", b"12"), "vector must be a sequence"),
        (lambda c: c.insert_vector("c", {1, 2}), "vector must be a sequence"),
        (lambda c: c.insert_vectors("c", [{"id": "a"}]), r"vectors\[0\]\.vector must be a seq"),
        (lambda c: c.insert_vectors("c", [{"data": [1]}]), r"vectors\[0\] has the key 'data'"),
        (lambda c: c.insert_vectors("c", {"vector": [1]}), "vectors must be a list"),
        (lambda c: c.insert_vectors("c", ["a"]), r"vectors\[0\] must be a dict"),
        (lambda c: c.search("c", None), "query must be a sequence"),
        (lambda c: c.update_vector("c", "v"), "nothing to update"),
        # Times, which must be the same ones for the server.
        (
            lambda c: c.insert_text("c", "a", expires_at=datetime(2026, 12, 1)),
            "expires_at has no time zone",
        ),
        (
            lambda c: c.insert_vector("c", [1], expires_at=date(2026, 12, 1)),
            "expires_at must be a datetime",
        ),
        (lambda c: c.batch_insert_text("c", [], expires_at=1.5), "expires_at must be a datetime"),
        (lambda c: c.update_vector("c", "v", expires_at=True), "expires_at must be a datetime"),
        (
            lambda c: c.set_vector_expiry("c", "v", NotATime(1, 1, 1)),
            "expires_at is not a time",
        ),
        (lambda c: c.set_vector_expiry("c", "v", Array()), "expires_at must be a datetime"),
        (lambda c: c.set_vector_expiry("c", "", 0), "id is empty"),
        (
            lambda c: c.insert_vectors("c", [{"vector": [1], "expires_at": datetime(2026, 12, 1)}]),
            r"vectors\[0\]\.expires_at has no time zone",
        ),
        (lambda c: c.insert_vectors("c", [{"vector": [1]}], b"0"), "expires_at must be a datetime"),
        (lambda c: c.set_collection_ttl("c", 0), "seconds is 0; it must be at least 1"),
        (lambda c: c.set_collection_ttl("c", 1.5), "seconds must be a whole number"),
        (lambda c: c.set_collection_ttl("c", True), "seconds must be a whole number"),
        (lambda c: c.set_collection_ttl("..", 1), r"cannot be named '\.\.'"),
        (lambda c: c.insert_text("c", None), "text must be a string"),
        (lambda c: c.insert_text("c", "a", metadata=[]), "metadata must be a dict"),
        (lambda c: c.insert_text("c", "a", metadata={"a": object()}), r"metadata\.a is a object"),
    ],
)
def test_nothing_is_sent_that_cannot_be_meant(
    connect: Connect, recorder: Recorder, call: Call, message: str
) -> None:
    client = connect("http://server", transport=recorder.transport)
    with pytest.raises(ValidationError, match=message) as error:
        call(client)
    assert (error.value.code, error.value.status) == ("VALIDATION_ERROR", None)
    assert not recorder.requests


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "localhost:15002"},
        {"url": "ftp://localhost"},
        {"url": ""},
        {"url": None},
        {"url": "http://user:secret@localhost"},
        {"url": "http://localhost?a=b"},
        {"api_key": ""},
        {"api_key": "a\r\nHost: b"},
        {"api_key": "schlüssel"},
    ],
)
def test_arguments_of_a_client(connect: Connect, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        connect(**arguments)


def test_a_redirect_is_not_followed(connect: Connect) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": "http://elsewhere/"})

    client = connect("http://server", transport=httpx.MockTransport(away))
    with pytest.raises(VectorizerError) as error:
        client.delete_vector("c", "v")
    assert error.value.code == "HTTP_307"
