"""Every call, described once: what is sent, and how the answer is read.

Nothing here sends anything. Both clients send what these functions return.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast
from urllib.parse import quote

from . import _encode as encode
from .errors import CollectionNotFoundError, ValidationError, VectorNotFoundError
from .types import (
    BackupReport,
    BatchUpdateReport,
    CleanupReport,
    Collection,
    CollectionInfo,
    CopyReport,
    CreatedCollection,
    DeleteByFilterReport,
    DeletedList,
    DeleteReport,
    ErasureReport,
    ExpiresAt,
    ExpiryReport,
    Filter,
    ForgetReport,
    Health,
    HnswOptions,
    InsertReport,
    LedgerInfo,
    Metadata,
    Metric,
    MoveReport,
    NewVector,
    PatchReport,
    Period,
    PurgeReport,
    Receipt,
    ReindexReport,
    RenameReport,
    Replacement,
    ReplaceReport,
    ScannedVector,
    SearchResult,
    Stats,
    StoredVector,
    TtlReport,
    UndeleteReport,
    Undo,
    Vector,
    VectorPage,
    VectorUpdate,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and how to read the JSON of a successful answer."""

    method: str
    path: str
    """Percent-encoded, with the query."""
    read: Callable[[Any], T]
    body: Mapping[str, Any] | None = None


# A path segment of dots is resolved on the way, by this client's HTTP library or by a proxy,
# even if it is percent-encoded: the request would be about something else.
_DOTS = (".", "..")


def _path(*segments: str) -> str:
    return "".join(f"/{_quoted(segment)}" for segment in segments)


def _quoted(text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ValidationError("a name, id, reason or undo holds half of a surrogate pair") from None


def _of(collection: str, *segments: str) -> str:
    """A path of a collection."""
    if encode.string(collection, "collection") in ("", *_DOTS):
        raise ValidationError(f"a collection cannot be named {collection!r}")
    return _path("collections", collection, *segments)


def _id(value: str) -> str:
    # An empty segment is the path of another route.
    if not encode.string(value, "id"):
        raise ValidationError("id is empty")
    return value


# A 200 may come from something else that answers at this address. So nothing is taken for a
# result, or for done, that does not say so.


def _whole(**fields: type) -> Callable[[Any], Any]:
    """Reads an answer that is the result, and has these fields of these types."""

    def read(answer: Any) -> Any:
        for name, kind in fields.items():
            _typed(answer, name, kind)
        return answer

    return read


def _field(name: str, kind: type) -> Callable[[Any], Any]:
    """Reads an answer of which one field is the result."""
    return lambda answer: _typed(answer, name, kind)


def _typed(answer: Any, name: str, kind: type) -> Any:
    value = answer[name]
    # `True` is no count, and null neither none nor zero.
    if type(value) is not kind:
        raise TypeError(f"{name} is no {kind.__name__}")
    return value


def _done(answer: Any) -> None:
    if answer["success"] is not True:
        raise TypeError("not a success")


_INFO = _whole(name=str, dimension=int)


def create_collection(
    name: str,
    dimension: int,
    metric: Metric,
    hnsw: HnswOptions | None,
    description: str | None,
) -> Call[CreatedCollection]:
    _of(name)
    body = encode.options(name=name, dimension=dimension, metric=metric, hnsw=hnsw)
    if description is not None:
        body["description"] = encode.string(description, "description")
    return Call("POST", "/collections", _INFO, body)


def list_collections() -> Call[list[Collection]]:
    return Call("GET", "/collections", _field("collections", list))


def list_empty_collections() -> Call[list[str]]:
    # Not the route `/collections/empty`, which a collection of that name has to itself.
    def read(answer: Any) -> list[str]:
        listed = _typed(answer, "collections", list)
        return [_typed(one, "name", str) for one in listed if _typed(one, "vector_count", int) == 0]

    return Call("GET", "/collections", read)


def cleanup_empty_collections(dry_run: bool) -> Call[CleanupReport]:
    # The query is what tells it from the collection of that name.
    wanted = "true" if encode.flags(dry_run=dry_run)["dry_run"] else "false"
    read = _whole(collections=list, applied=bool)
    return Call("DELETE", f"/collections/cleanup?dry_run={wanted}", read)


def get_collection_info(name: str) -> Call[CollectionInfo]:
    def read(answer: Any) -> CollectionInfo:
        # Without a collection of that name, this is the route of those that are empty.
        if name == "empty" and "name" not in answer:
            _typed(answer, "collections", list)
            message = f"collection '{name}' does not exist: create it first, or check the name"
            raise CollectionNotFoundError(message, "COLLECTION_NOT_FOUND", 404)
        return cast("CollectionInfo", _INFO(answer))

    return Call("GET", _of(name), read)


def update_collection(name: str, description: str | None) -> Call[CollectionInfo]:
    path = _of(name)
    said = None if description is None else encode.string(description, "description")
    return Call("PUT", path, _INFO, {"description": said})


def rename_collection(name: str, new_name: str) -> Call[RenameReport]:
    path = _of(name, "rename")
    # Refused here as well: no call could name it.
    _of(new_name)
    read = _whole(old_name=str, new_name=str, status=str)
    return Call("POST", path, read, {"new_name": new_name})


def reindex_collection(
    name: str, m: int | None, ef_construction: int | None, ef_search: int | None
) -> Call[ReindexReport]:
    body = _counts(1, m=m, ef_construction=ef_construction, ef_search=ef_search)
    read = _whole(job_id=str, state=str, params=dict)
    return Call("POST", _of(name, "reindex"), read, body)


def delete_collection(
    name: str, receipt: bool, reason: str | None, undo: Period | None
) -> Call[Receipt | Undo | None]:
    return _deletion(_of(name), receipt, reason, undo)


def _deletion(
    path: str, receipt: bool, reason: str | None, undo: Period | None
) -> Call[Receipt | Undo | None]:
    wanted = encode.flags(receipt=receipt)["receipt"]
    query = ["receipt=true"] if wanted else []
    options = {**_reason(reason), **_undo(undo)}
    query += [f"{name}={_quoted(str(value))}" for name, value in options.items()]

    def read(answer: Any) -> Receipt | Undo | None:
        _done(answer)
        return _proof(answer, wanted, undo)

    return Call("DELETE", f"{path}?{'&'.join(query)}" if query else path, read)


def _reason(reason: str | None) -> dict[str, str]:
    return {} if reason is None else {"reason": encode.string(reason, "reason")}


def _undo(undo: Period | None) -> dict[str, int | str]:
    return {} if undo is None else {"undo": encode.period(undo, "undo")}


def _proof(answer: Any, receipt: bool, undo: Period | None) -> Receipt | Undo | None:
    """What is left of one thing that was deleted: what brings it back, or a receipt, or nothing."""
    if undo is not None:
        given = _typed(answer, "undo", dict)
        return cast("Undo", _whole(token=str, until=int)(given))
    return cast("Receipt", _typed(answer, "receipt", dict)) if receipt else None


def optimize(collection: str) -> Call[None]:
    return Call("POST", _of(collection, "optimize"), _done)


def insert_text(
    collection: str,
    text: str,
    id: str | None,
    metadata: Metadata | None,
    expires_at: ExpiresAt | None,
) -> Call[str]:
    item = _item("", id, metadata, expires_at, text=encode.string(text, "text"))
    return _insert(collection, item)


def insert_vector(
    collection: str,
    vector: Vector,
    id: str | None,
    metadata: Metadata | None,
    expires_at: ExpiresAt | None,
) -> Call[str]:
    item = _item("", id, metadata, expires_at, vector=encode.vector(vector))
    return _insert(collection, item)


def _insert(collection: str, item: dict[str, Any]) -> Call[str]:
    return Call("POST", _of(collection, "insert"), _field("id", str), item)


def batch_insert_text(
    collection: str,
    texts: Iterable[str],
    metadatas: Iterable[Metadata | None] | None,
    expires_at: ExpiresAt | None,
) -> Call[list[str]]:
    listed = encode.strings(texts, "texts")
    of_each = [None] * len(listed) if metadatas is None else encode.items(metadatas, "metadatas")
    if len(of_each) != len(listed):
        raise ValidationError(f"there are {len(listed)} texts, but {len(of_each)} metadatas")
    items = [
        _item(f"texts[{i}].", None, metadata, None, text=text)
        for i, (text, metadata) in enumerate(zip(listed, of_each))
    ]
    _expire(items, expires_at)
    return Call("POST", _of(collection, "batch_insert"), _field("ids", list), {"vectors": items})


def insert_vectors(
    collection: str, vectors: Iterable[NewVector], expires_at: ExpiresAt | None
) -> Call[InsertReport]:
    items = []
    for i, new in enumerate(encode.items(vectors, "vectors")):
        at = f"vectors[{i}]"
        _check_keys(new, at, "id", "vector", "metadata", "expires_at")
        values = encode.vector(new.get("vector"), f"{at}.vector")
        given = new.get("id"), new.get("metadata"), new.get("expires_at")
        items.append(_item(f"{at}.", *given, vector=values))
    _expire(items, expires_at)
    return Call(
        "POST", _of(collection, "batch_insert"), _whole(inserted=int, ids=list), {"vectors": items}
    )


def _check_keys(row: object, at: str, *keys: str) -> None:
    if not isinstance(row, Mapping):
        raise ValidationError(f"{at} must be a dict")
    unknown = [key for key in row if key not in keys]
    if unknown:
        raise ValidationError(f"{at} has the key {unknown[0]!r}: give {', '.join(keys)}")


def _item(
    at: str,
    id: str | None,
    metadata: Metadata | None,
    expires_at: ExpiresAt | None,
    **content: Any,
) -> dict[str, Any]:
    if id is not None:
        content["id"] = encode.string(id, f"{at}id")
    if metadata is not None:
        content["metadata"] = encode.metadata(metadata, f"{at}metadata")
    if expires_at is not None:
        content["expires_at"] = encode.instant(expires_at, f"{at}expires_at")
    return content


def _expire(items: list[dict[str, Any]], expires_at: ExpiresAt | None) -> None:
    """Gives an expiry to those that have none of their own."""
    if expires_at is None:
        return
    instant = encode.instant(expires_at, "expires_at")
    for item in items:
        item.setdefault("expires_at", instant)


def _own_expiry(row: Mapping[str, Any], at: str) -> dict[str, Any]:
    """The expiry of a row in which `None` says that it has none of its own."""
    if "expires_at" not in row:
        return {}
    value = row["expires_at"]
    return {"expires_at": None if value is None else encode.instant(value, f"{at}.expires_at")}


_VECTOR = _whole(id=str, vector=list)


def get_vector(collection: str, id: str) -> Call[StoredVector]:
    if _id(id) not in _DOTS:
        return Call("GET", _of(collection, "vectors", id), _VECTOR)

    def read(answer: Any) -> StoredVector:
        found: list[StoredVector] = _typed(answer, "vectors", list)
        if not found:
            raise _missing(collection, id)
        return {**found[0], "data": found[0]["vector"]}

    return Call("GET", f"{_of(collection, 'vectors')}?ids={id}", read)


def list_vectors(
    collection: str, limit: int, offset: int, ids: Iterable[str] | None
) -> Call[VectorPage]:
    try:
        query = f"?limit={operator.index(limit)}&offset={operator.index(offset)}"
    except TypeError:
        raise ValidationError("limit and offset must be whole numbers") from None
    if ids is not None:
        query += f"&ids={_joined(encode.strings(ids, 'ids'))}"
    return Call("GET", _of(collection, "vectors") + query, _whole(vectors=list, total=int))


def _joined(ids: list[str]) -> str:
    for id in map(_id, ids):
        # The server would take the parts for ids.
        if "," in id:
            raise ValidationError(f"the id {id!r} holds a comma: get_vector can get it")
    # Without an id, the ids before and after the comma: both empty, and so of no vector.
    return ",".join(_path(id)[1:] for id in ids) or ","


def update_vector(
    collection: str,
    id: str,
    vector: Vector | None,
    text: str | None,
    metadata: Metadata | None,
    expires_at: ExpiresAt | None,
) -> Call[StoredVector]:
    content: dict[str, Any] = {}
    if vector is not None:
        content["vector"] = encode.vector(vector)
    if text is not None:
        content["text"] = encode.string(text, "text")
    changes = _item("", None, metadata, expires_at, **content)
    if not changes:
        raise ValidationError("nothing to update: give a vector, a text, metadata or expires_at")
    path = _of(collection, "vectors", _id(id))
    if id in _DOTS:
        return Call("POST", "/update", _VECTOR, {"collection": collection, "id": id, **changes})
    return Call("PATCH", path, _VECTOR, changes)


def batch_update_vectors(
    collection: str, updates: Iterable[VectorUpdate]
) -> Call[BatchUpdateReport]:
    items = []
    for i, row in enumerate(encode.items(updates, "updates")):
        at = f"updates[{i}]"
        _check_keys(row, at, "id", "vector", "text", "metadata", "expires_at")
        content: dict[str, Any] = {}
        if row.get("vector") is not None:
            content["vector"] = encode.vector(row["vector"], f"{at}.vector")
        if row.get("text") is not None:
            content["text"] = encode.string(row["text"], f"{at}.text")
        changes = _item(f"{at}.", None, row.get("metadata"), None, **content)
        changes |= _own_expiry(row, at)
        id = encode.string(row.get("id"), f"{at}.id")
        if not changes:
            raise ValidationError(
                f"{at} updates nothing: give a vector, a text, metadata or expires_at"
            )
        items.append({"id": id, **changes})
    read = _whole(success=bool, results=list)
    return Call("POST", _of(collection, "batch_update"), read, {"updates": items})


def bulk_update_metadata(
    collection: str,
    filter: Filter,
    patch: Metadata,
    dry_run: bool,
    at_most: int | None,
    expect: int | None,
) -> Call[PatchReport]:
    body = {
        "filter": encode.filter_of(filter),
        "patch": encode.metadata(patch, "patch"),
        **encode.flags(dry_run=dry_run),
        **_counts(0, at_most=at_most, expect=expect),
    }
    path = _of(collection, "vectors", "bulk_update_metadata")
    return Call("POST", path, _whole(applied=bool, results=list), body)


def _selection(ids: Iterable[str] | None, filter: Filter | None) -> dict[str, Any]:
    """What a call is about: ids or a filter, and never everything by mistake."""
    if ids is not None and filter is not None:
        raise ValidationError("give ids or a filter, not both")
    if ids is not None:
        return {"ids": encode.strings(ids, "ids")}
    if filter is None:
        raise ValidationError("give ids or a filter")
    return {"filter": encode.filter_of(filter)}


def move_to_collection(
    src: str,
    dst: str,
    ids: Iterable[str] | None,
    filter: Filter | None,
    overwrite: bool,
    dry_run: bool,
    receipt: bool,
    at_most: int | None,
    expect: int | None,
    reason: str | None,
) -> Call[MoveReport]:
    body = {
        "destination": encode.string(dst, "dst"),
        **_selection(ids, filter),
        **encode.flags(overwrite=overwrite, dry_run=dry_run, receipt=receipt),
        **_counts(0, at_most=at_most, expect=expect),
        **_reason(reason),
    }
    path = _of(src, "vectors", "move")
    return Call("POST", path, _whole(applied=bool, moved=int, results=list), body)


def copy_vectors(
    src: str,
    dst: str,
    ids: Iterable[str] | None,
    filter: Filter | None,
    overwrite: bool,
    dry_run: bool,
    at_most: int | None,
    expect: int | None,
) -> Call[CopyReport]:
    body = {
        "destination": encode.string(dst, "dst"),
        **_selection(ids, filter),
        **encode.flags(overwrite=overwrite, dry_run=dry_run),
        **_counts(0, at_most=at_most, expect=expect),
    }
    path = _of(src, "vectors", "copy")
    return Call("POST", path, _whole(applied=bool, copied=int, results=list), body)


def forget(
    filter: Filter | None,
    ids: Iterable[str] | None,
    collections: Iterable[str] | None,
    dry_run: bool,
    at_most: int | None,
    expect: int | None,
    reason: str | None,
) -> Call[ForgetReport]:
    body: dict[str, Any] = {
        **_selection(ids, filter),
        **encode.flags(dry_run=dry_run),
        **_counts(0, at_most=at_most, expect=expect),
        **_reason(reason),
    }
    if collections is not None:
        body["collections"] = encode.strings(collections, "collections")
    return Call("POST", "/forget", _whole(applied=bool, deleted=int, collections=list), body)


def set_vector_expiry(collection: str, id: str, expires_at: ExpiresAt | None) -> Call[ExpiryReport]:
    instant = None if expires_at is None else encode.instant(expires_at, "expires_at")
    path = _of(collection, "vectors", _id(id), "expiry")
    if id not in _DOTS:
        read = _whole(id=str, collection=str, status=str)
        return Call("PATCH", path, read, {"expires_at": instant})

    def read_update(answer: Any) -> ExpiryReport:
        _VECTOR(answer)
        # The answer to `None` may have an expiry: that of the TTL.
        own = None if instant is None else _typed(answer, "expires_at", int)
        return {"id": id, "collection": collection, "expires_at": own, "status": "updated"}

    body = {"collection": collection, "id": id, "expires_at": instant}
    return Call("POST", "/update", read_update, body)


def set_collection_ttl(collection: str, seconds: int | None) -> Call[TtlReport]:
    path = _of(collection, "ttl")
    ttl = _counts(1, seconds=seconds).get("seconds")
    return Call("POST", path, _whole(collection=str, status=str), {"ttl_secs": ttl})


def resume_expiry() -> Call[None]:
    return Call("POST", "/expiry/resume", _done)


def search(
    collection: str,
    query: str | Vector,
    limit: int,
    filter: Filter | None,
    similarity_threshold: float | None,
    ef_search: int | None,
    with_vector: bool,
    include_metadata: bool,
) -> Call[list[SearchResult]]:
    body: dict[str, Any] = (
        {"query": query} if isinstance(query, str) else {"vector": encode.vector(query, "query")}
    )
    if filter is not None:
        body["filter"] = encode.filter_of(filter)
    body.update(
        encode.options(
            limit=limit,
            similarity_threshold=similarity_threshold,
            ef_search=ef_search,
            with_vector=with_vector,
            include_metadata=include_metadata,
        )
    )
    return Call("POST", _of(collection, "search"), _field("results", list), body)


@dataclass(frozen=True)
class Batch:
    """A batch of a scan."""

    vectors: list[ScannedVector]
    following: Call[Batch] | None
    """The call for the next batch; `None` at the end."""


def scan(
    collection: str,
    filter: Filter | None,
    with_vector: bool,
    include_metadata: bool,
    batch_size: int | None,
) -> Call[Batch]:
    body = encode.options(with_vector=with_vector, include_metadata=include_metadata)
    if filter is not None:
        body["filter"] = encode.filter_of(filter)
    if batch_size is not None:
        body["limit"] = _count(batch_size, "batch_size", 1)
    return _batch(_of(collection, "scan"), body)


def _batch(path: str, body: dict[str, Any]) -> Call[Batch]:
    def read(answer: Any) -> Batch:
        vectors = _typed(answer, "vectors", list)
        if "cursor" not in answer:
            return Batch(vectors, None)
        cursor = _typed(answer, "cursor", str)
        return Batch(vectors, _batch(path, {**body, "cursor": cursor}))

    return Call("POST", path, read, body)


def _count(value: int, at: str, least: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        raise ValidationError(f"{at} must be a whole number") from None
    # The server would call it by another name.
    if count < least:
        raise ValidationError(f"{at} is {count}; it must be at least {least}")
    return count


def delete_vector(
    collection: str, id: str, receipt: bool, reason: str | None, undo: Period | None
) -> Call[Receipt | Undo | None]:
    if _id(id) not in _DOTS:
        return _deletion(_of(collection, "vectors", id), receipt, reason, undo)
    options = {**encode.flags(receipt=receipt), **_reason(reason), **_undo(undo)}

    def read(answer: Any) -> Receipt | Undo | None:
        if _typed(answer, "deleted", int) == 0:
            raise _missing(collection, id)
        return _proof(answer, receipt, undo)

    return Call("POST", _of(collection, "batch_delete"), read, {"ids": [id], **options})


def _counts(least: int, **given: int | None) -> dict[str, int]:
    counts = {}
    for name, value in given.items():
        if isinstance(value, bool):
            raise ValidationError(f"{name} must be a whole number")
        if value is not None:
            counts[name] = _count(value, name, least)
    return counts


def batch_delete(
    collection: str,
    ids: Iterable[str],
    receipt: bool,
    at_most: int | None,
    expect: int | None,
    reason: str | None,
    undo: Period | None,
) -> Call[DeleteReport]:
    body = {
        "ids": encode.strings(ids, "ids"),
        **encode.flags(receipt=receipt),
        **_counts(0, at_most=at_most, expect=expect),
        **_reason(reason),
        **_undo(undo),
    }
    return Call("POST", _of(collection, "batch_delete"), _whole(deleted=int, results=list), body)


def delete_by_filter(
    collection: str,
    filter: Filter,
    dry_run: bool,
    receipt: bool,
    at_most: int | None,
    expect: int | None,
    rows: int | None,
    reason: str | None,
    undo: Period | None,
) -> Call[DeleteByFilterReport]:
    flags = encode.flags(dry_run=dry_run, receipt=receipt)
    counts = {**_counts(0, at_most=at_most, expect=expect), **_counts(1, rows=rows)}
    said = {**_reason(reason), **_undo(undo)}
    body = {"filter": encode.filter_of(filter), **flags, **counts, **said}
    return Call(
        "POST", _of(collection, "delete_by_filter"), _whole(deleted=int, results=list), body
    )


def replace(
    collection: str,
    filter: Filter,
    rows: Iterable[Replacement],
    dry_run: bool,
    receipt: bool,
    at_most: int | None,
    expect: int | None,
    expires_at: ExpiresAt | None,
    reason: str | None,
    undo: Period | None,
) -> Call[ReplaceReport]:
    listed: list[Any] = encode.items(rows, "rows")
    for i, row in enumerate(listed):
        _check_keys(row, f"rows[{i}]", "id", "vector", "metadata", "text", "expires_at")
    # All rows are of the same kind: the first that is not is told by what it lacks.
    are_vectors = any(row.get("vector") is not None for row in listed)
    items = []
    for i, row in enumerate(listed):
        at = f"rows[{i}]"
        content: dict[str, Any] = {}
        if are_vectors:
            content["vector"] = encode.vector(row.get("vector"), f"{at}.vector")
        if not are_vectors or row.get("text") is not None:
            content["text"] = encode.string(row.get("text"), f"{at}.text")
        id = encode.string(row.get("id"), f"{at}.id")
        item = _item(f"{at}.", id, row.get("metadata"), None, **content)
        items.append(item | _own_expiry(row, at))
    _expire(items, expires_at)
    body = {
        "filter": encode.filter_of(filter),
        "vectors" if are_vectors else "texts": items,
        **encode.flags(dry_run=dry_run, receipt=receipt),
        **_counts(0, at_most=at_most, expect=expect),
        **_reason(reason),
        **_undo(undo),
    }
    return Call("POST", _of(collection, "replace"), _whole(applied=bool, ids=dict), body)


def list_deleted(collection: str | None, offset: int, limit: int) -> Call[DeletedList]:
    page = {**_counts(0, offset=offset), **_counts(1, limit=limit)}
    read = _whole(collections=list, vectors=list, total=int)
    if collection is None:
        return Call("GET", "/deleted", read)
    query = "&".join(f"{name}={count}" for name, count in page.items())
    return Call("GET", f"{_of(collection, 'deleted')}?{query}", read)


def undelete(collection: str, ids: Iterable[str] | None, token: str | None) -> Call[UndeleteReport]:
    body = _deleted(ids, token)
    if not body:
        raise ValidationError("give ids or a token")
    return Call("POST", _of(collection, "undelete"), _whole(undeleted=int, results=list), body)


def purge_deleted(
    collection: str,
    ids: Iterable[str] | None,
    token: str | None,
    everything: bool,
    receipt: bool,
    reason: str | None,
) -> Call[PurgeReport]:
    what = {**_deleted(ids, token), **encode.flags(all=everything)}
    # A variable that has no value must not erase everything.
    if not everything:
        del what["all"]
    if len(what) != 1:
        raise ValidationError("give ids, a token or all=True, and one of them")
    body = {**what, **encode.flags(receipt=receipt), **_reason(reason)}
    return Call("POST", _of(collection, "purge"), _whole(purged=int, results=list), body)


def _deleted(ids: Iterable[str] | None, token: str | None) -> dict[str, Any]:
    """Which of what can be undeleted a call is about."""
    if ids is not None and token is not None:
        raise ValidationError("give ids or a token, not both")
    if ids is not None:
        return {"ids": encode.strings(ids, "ids")}
    return {} if token is None else {"token": encode.string(token, "token")}


def verify_erased(collection: str, ids: Iterable[str]) -> Call[ErasureReport]:
    body = {"ids": encode.strings(ids, "ids")}
    return Call(
        "POST", _of(collection, "verify_erased"), _whole(verified=bool, residues=list), body
    )


def get_ledger() -> Call[LedgerInfo | None]:
    read_info = _whole(store=str, entries=int, head=dict)

    def read(answer: Any) -> LedgerInfo | None:
        ledger = answer["ledger"]
        return None if ledger is None else cast("LedgerInfo", read_info(ledger))

    return Call("GET", "/ledger", read)


def create_backup(
    collections: Iterable[str] | None, keys: Literal["within", "apart"]
) -> Call[BackupReport]:
    names = None if collections is None else encode.strings(collections, "collections")
    body = encode.options(collections=names, keys=keys)
    return Call("POST", "/backups", _whole(file=str, vectors=int), body)


def export_keys() -> Call[BackupReport]:
    return Call("POST", "/backups/keys", _whole(file=str, vectors=int))


def rotate_keys() -> Call[None]:
    return Call("POST", "/keys/rotate", _done)


def health() -> Call[Health]:
    return Call("GET", "/health", _whole(status=str))


def stats() -> Call[Stats]:
    return Call("GET", "/stats", _whole(total_vectors=int))


def _missing(collection: str, id: str) -> VectorNotFoundError:
    message = f"there is no vector '{id}' in collection '{collection}'"
    return VectorNotFoundError(message, "VECTOR_NOT_FOUND", 404)
