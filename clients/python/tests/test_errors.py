"""Every failure is an error of this package, of the class that its code names."""

from __future__ import annotations

import copy
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

import vectorizer_native
from vectorizer_native import (
    AuthenticationError,
    CollectionExistsError,
    CollectionNotFoundError,
    DimensionMismatchError,
    ServerUnavailableError,
    StorageError,
    SyncVectorizerClient,
    TooManyMatchesError,
    ValidationError,
    VectorizerError,
    VectorizerTimeoutError,
    VectorNotFoundError,
)
from vectorizer_native.types import DeleteByFilterReport, FilterResult

from .conftest import Connect, Recorder
from .serving import serving

Call = Callable[[SyncVectorizerClient, str], object]


@pytest.mark.parametrize(
    ("call", "kind", "code", "status"),
    [
        (
            lambda c, name: c.create_collection(name, 4),
            CollectionExistsError,
            "COLLECTION_EXISTS",
            409,
        ),
        (
            lambda c, name: c.search("missing", ""),
            CollectionNotFoundError,
            "COLLECTION_NOT_FOUND",
            404,
        ),
        (
            lambda c, name: next(c.scan("missing")),
            CollectionNotFoundError,
            "COLLECTION_NOT_FOUND",
            404,
        ),
        (
            lambda c, name: next(c.scan(name, {"a": {"$lte2": 1}})),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
        (
            lambda c, name: c.get_vector(name, "missing"),
            VectorNotFoundError,
            "VECTOR_NOT_FOUND",
            404,
        ),
        (lambda c, name: c.get_vector(name, ".."), VectorNotFoundError, "VECTOR_NOT_FOUND", 404),
        (lambda c, name: c.delete_vector(name, "."), VectorNotFoundError, "VECTOR_NOT_FOUND", 404),
        (
            lambda c, name: c.delete_by_filter(name, {"a": {"$lte2": 1}}),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
        (
            lambda c, name: c.delete_by_filter(name, {"a": 1}, dry_run=True, receipt=True),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
        (
            lambda c, name: c.delete_by_filter(name, {"a": 1}, expect=1),
            TooManyMatchesError,
            "TOO_MANY_MATCHES",
            409,
        ),
        (
            lambda c, name: c.batch_delete(name, ["missing"], expect=1),
            TooManyMatchesError,
            "TOO_MANY_MATCHES",
            409,
        ),
        (
            lambda c, name: c.forget({"a": 1}, collections=[name], expect=1),
            TooManyMatchesError,
            "TOO_MANY_MATCHES",
            409,
        ),
        (
            lambda c, name: c.forget({"a": 1}, collections=["missing"]),
            CollectionNotFoundError,
            "COLLECTION_NOT_FOUND",
            404,
        ),
        (
            lambda c, name: c.move_to_collection(name, name, []),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
        (
            lambda c, name: c.copy_vectors(name, "missing", []),
            CollectionNotFoundError,
            "COLLECTION_NOT_FOUND",
            404,
        ),
        *[
            (call, ValidationError, "VALIDATION_ERROR", 400)
            for call in (
                lambda c, name: c.delete_vector(name, "v", undo="a day"),
                lambda c, name: c.delete_vector(name, "v", undo=""),
                lambda c, name: c.delete_collection(name, undo=999),
                lambda c, name: c.delete_collection(name, undo=-(2**70)),
                lambda c, name: c.batch_delete(name, ["v"], undo=timedelta(days=3654)),
                lambda c, name: c.delete_by_filter(name, {"a": 1}, undo=0),
                lambda c, name: c.replace(name, {"a": 1}, [], undo="1.5h"),
                lambda c, name: c.batch_delete(name, ["v"], receipt=True, undo="24h"),
                lambda c, name: c.delete_collection(name, receipt=True, undo="24h"),
                lambda c, name: c.list_deleted(name, limit=1001),
                lambda c, name: c.undelete(name, token="unknown"),
                lambda c, name: c.purge_deleted(name, token="unknown"),
                lambda c, name: c.purge_deleted(name, all=True, reason=""),
            )
        ],
        (
            lambda c, name: c.delete_vector(name, "missing", undo="24h"),
            VectorNotFoundError,
            "VECTOR_NOT_FOUND",
            404,
        ),
        (
            lambda c, name: c.delete_vector(name, "..", undo="24h"),
            VectorNotFoundError,
            "VECTOR_NOT_FOUND",
            404,
        ),
        *[
            (call, CollectionNotFoundError, "COLLECTION_NOT_FOUND", 404)
            for call in (
                lambda c, name: c.delete_collection("missing", undo="24h"),
                lambda c, name: c.list_deleted("missing"),
                lambda c, name: c.undelete("missing", ids=["v"]),
                lambda c, name: c.purge_deleted("missing", all=True),
            )
        ],
        (
            lambda c, name: c.rename_collection(name, "a/b"),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
        (
            lambda c, name: c.get_collection_info("empty"),
            CollectionNotFoundError,
            "COLLECTION_NOT_FOUND",
            404,
        ),
        (
            lambda c, name: c.delete_collection("cleanup"),
            CollectionNotFoundError,
            "COLLECTION_NOT_FOUND",
            404,
        ),
        (
            lambda c, name: c.insert_vector(name, [0, 0, 0, 0]),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
        (
            lambda c, name: c.insert_vector(name, [1, 2, 3, 4], "x" * 1025),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
        (
            lambda c, name: c.create_collection("a/b", 4),
            ValidationError,
            "VALIDATION_ERROR",
            400,
        ),
    ],
)
def test_classes(
    client: SyncVectorizerClient,
    name: str,
    call: Call,
    kind: type[VectorizerError],
    code: str,
    status: int,
) -> None:
    with pytest.raises(VectorizerError) as error:
        call(client, name)
    assert type(error.value) is kind
    assert (error.value.code, error.value.status) == (code, status)
    assert str(error.value) == error.value.message


def test_a_filter_that_is_not_understood_deletes_nothing(
    client: SyncVectorizerClient, name: str
) -> None:
    client.insert_vector(name, [1, 2, 3, 4], "v", {"a": 1})
    with pytest.raises(ValidationError, match=r"filter\.a\.\$lte2"):
        client.delete_by_filter(name, {"a": {"$lte2": 1}})
    assert client.get_collection_info(name)["vector_count"] == 1


def test_dimensions(client: SyncVectorizerClient, name: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: client.insert_vector(name, [1, 2, 3]),
        lambda: client.insert_vectors(name, [{"vector": [1, 2, 3]}]),
        lambda: client.search(name, [1, 2, 3]),
    ]
    for call in calls:
        with pytest.raises(DimensionMismatchError) as error:
            call()
        assert (error.value.expected, error.value.got) == (4, 3)


def test_keys(connect: Connect) -> None:
    with serving("--api-key", "the-key") as url:
        keyed = connect(url, api_key="the-key")
        assert keyed.list_collections() == []
        assert keyed.health()["status"] == "ok"
        for other in (connect(url), connect(url, api_key="another")):
            assert other.health()["status"] == "ok"
            with pytest.raises(AuthenticationError) as error:
                other.list_collections()
            assert (error.value.code, error.value.status) == ("UNAUTHORIZED", 401)
            other.close()
        keyed.close()


FIELDS = ["deleted", "results", "vectors", "total", "collections", "residues", "ids"]


@pytest.mark.parametrize(
    ("status", "answer", "kind", "code"),
    [
        (500, {"error": {"code": "STORAGE_ERROR", "message": "m"}}, StorageError, "STORAGE_ERROR"),
        (403, {"error": {"code": "FORBIDDEN", "message": "m"}}, AuthenticationError, "FORBIDDEN"),
        (
            503,
            {"error": {"code": "OVERLOADED", "message": "m"}},
            ServerUnavailableError,
            "OVERLOADED",
        ),
        (
            408,
            {"error": {"code": "REQUEST_TIMEOUT", "message": "m"}},
            VectorizerTimeoutError,
            "REQUEST_TIMEOUT",
        ),
        (500, {"error": {"code": "NEW", "message": "m"}}, VectorizerError, "NEW"),
        # Not from the server.
        (502, None, ServerUnavailableError, "HTTP_502"),
        (401, "no", AuthenticationError, "HTTP_401"),
        (404, {"detail": "Not Found"}, VectorizerError, "HTTP_404"),
        (404, {"error": "Not Found"}, VectorizerError, "HTTP_404"),
        (200, {"detail": "something else"}, VectorizerError, "INVALID_RESPONSE"),
        (200, None, VectorizerError, "INVALID_RESPONSE"),
        (204, [], VectorizerError, "INVALID_RESPONSE"),
        # The fields, with values that say nothing.
        (200, dict.fromkeys(FIELDS), VectorizerError, "INVALID_RESPONSE"),
        (200, dict.fromkeys(FIELDS, True), VectorizerError, "INVALID_RESPONSE"),
        (200, dict.fromkeys(FIELDS, "0"), VectorizerError, "INVALID_RESPONSE"),
    ],
)
def test_answers_of_servers_and_of_what_is_before_them(
    connect: Connect,
    recorder: Recorder,
    status: int,
    answer: object,
    kind: type[VectorizerError],
    code: str,
) -> None:
    recorder.status, recorder.answer = status, answer
    client = connect("http://server", transport=recorder.transport)
    calls: list[Callable[[], object]] = [
        lambda: client.delete_vector("c", "v"),
        lambda: client.delete_vector("c", ".."),
        lambda: client.get_vector("c", ".."),
        lambda: client.batch_delete("c", ["v"]),
        lambda: client.delete_by_filter("c", {"a": 1}),
        lambda: client.replace("c", {"a": 1}, []),
        lambda: client.bulk_update_metadata("c", {"a": 1}, {}),
        lambda: client.batch_update_vectors("c", []),
        lambda: client.move_to_collection("c", "d", []),
        lambda: client.copy_vectors("c", "d", []),
        lambda: client.forget(ids=[]),
        lambda: client.rename_collection("c", "d"),
        lambda: client.update_collection("c", None),
        lambda: client.reindex_collection("c"),
        lambda: client.list_empty_collections(),
        lambda: client.cleanup_empty_collections(),
        lambda: client.list_deleted(),
        lambda: client.list_deleted("c"),
        lambda: client.undelete("c", ids=["v"]),
        lambda: client.purge_deleted("c", all=True),
        lambda: client.verify_erased("c", ["v"]),
        lambda: client.search("c", ""),
        lambda: next(client.scan("c")),
        lambda: client.list_collections(),
        lambda: client.health(),
    ]
    for call in calls:
        with pytest.raises(VectorizerError) as error:
            call()
        assert type(error.value) is kind
        assert (error.value.code, error.value.status) == (code, status)


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """A server that gives the same answer to everything; `None`: it never does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(65536)
                if answer is None:
                    held.append(connection)
                else:
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


def test_no_server(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = connect(f"http://127.0.0.1:{port}")
    with pytest.raises(ServerUnavailableError, match="cannot be reached") as error:
        client.health()
    assert (error.value.code, error.value.status) == ("SERVER_UNAVAILABLE", None)
    assert isinstance(error.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
    ],
)
def test_broken_connections(connect: Connect, answer: bytes) -> None:
    with listening(answer) as url, pytest.raises(ServerUnavailableError):
        connect(url).delete_vector("c", "v")


def test_a_body_that_cannot_be_decoded(connect: Connect) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
    with listening(answer) as url, pytest.raises(VectorizerError) as error:
        connect(url).health()
    assert error.value.code == "INVALID_RESPONSE"


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("answer", [b"[" * 100_000, b'{"a":' * 100_000, b'{"error":' * 100_000])
def test_answers_nested_deeper_than_python_reads(
    connect: Connect, status: int, answer: bytes
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=answer))
    client = connect("http://server", transport=transport)
    with pytest.raises(VectorizerError) as error:
        client.delete_vector("c", "v")
    assert error.value.code == ("INVALID_RESPONSE" if status == 200 else "HTTP_400")


def test_timeouts(connect: Connect) -> None:
    with listening(None) as url, pytest.raises(VectorizerTimeoutError) as error:
        connect(url, timeout=0.2).delete_vector("c", "v")
    assert (error.value.code, error.value.status) == ("TIMEOUT", None)


def test_nothing_is_sent_twice(connect: Connect) -> None:
    requests: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        raise httpx.ReadError("broken")

    client = connect("http://server", transport=httpx.MockTransport(fail))
    with pytest.raises(ServerUnavailableError):
        client.batch_delete("c", ["v"])
    assert len(requests) == 1


def refused_report() -> DeleteByFilterReport:
    results: list[FilterResult] = [{"id": "v", "status": "matched"}]
    return {"scanned": 1, "matched": 1, "deleted": 0, "results": results}


def test_errors_can_be_copied_and_pickled() -> None:
    kinds: list[Any] = [
        kind
        for kind in vars(vectorizer_native).values()
        if isinstance(kind, type) and issubclass(kind, VectorizerError)
    ]
    assert len(kinds) == 12
    errors = [kind("message", "CODE", 400) for kind in kinds]
    errors.append(DimensionMismatchError("message", "DIMENSION_MISMATCH", 400, 4, 3))
    report = refused_report()
    errors.append(TooManyMatchesError("message", "TOO_MANY_MATCHES", 409, report))
    for error in errors:
        for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert type(other) is type(error)
            assert vars(other) == vars(error)
            assert str(other) == "message"
