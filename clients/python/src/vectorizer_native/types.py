"""The types of arguments and results. At run time, all of them are plain dicts and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypedDict, Union

Metric = Literal["cosine", "euclidean", "dot_product"]

Metadata = Mapping[str, Any]
"""A JSON object. A `datetime` or `date` in it becomes an ISO 8601 string."""

Filter = Mapping[str, Any]
"""Conditions on the metadata, such as `{"category": "news", "year": {"$gte": 2024}}`.

A `datetime` or `date` in it becomes `{"$date": …}`: an instant, which compares with dates only.
One without a time zone is in UTC. `None` is the JSON `null` and matches it, but only with an
operator: `{"field": {"$eq": None}}`. `{"field": None}` is refused, because that is also what a
variable that was never set looks like.
"""


class SupportsToList(Protocol):
    """An array, such as NumPy's or PyTorch's."""

    def tolist(self) -> Any: ...


Vector = Union[Sequence[float], SupportsToList]
"""The values of a vector: numbers, as many as the collection has dimensions."""

ExpiresAt = Union[datetime, str, int]
"""When a vector expires: a `datetime` with a time zone, an RFC 3339 string with an offset, such as
`"2026-12-01T00:00:00Z"`, or whole milliseconds since 1970, not seconds: a time in seconds
lies in January 1970, and the vector is erased.

A time that has passed is allowed: the vector has expired then. A `datetime` without a time zone is
refused, because it would be another instant on another machine.
"""


Period = Union[timedelta, str, int]
"""For how long a delete can be undone, from a second to ten years: a `timedelta`, a whole number
with its unit, `ms`, `s`, `m`, `h` or `d`, such as `"24h"`, or whole milliseconds, not seconds.

Fractions of a millisecond are cut off.
"""


class HnswOptions(TypedDict, total=False):
    """The parameters of the HNSW graph; the server has defaults for all of them."""

    m: int
    """Neighbours of a node on the upper layers; the bottom layer has twice as many."""
    ef_construction: int
    """Size of the candidate list when a node is inserted."""
    ef_search: int
    """Size of the candidate list in a search."""
    builder: Literal["own", "hnsw_rs"]
    """How a graph is built for many vectors that are in none yet."""


class _NewVector(TypedDict):
    vector: Vector


class NewVector(_NewVector, total=False):
    """A vector to insert."""

    id: str
    """1 to 1,024 bytes. By default the server generates one."""
    metadata: Metadata | None
    expires_at: ExpiresAt | None
    """When it expires. Without one, that of the call, or else the collection's TTL applies."""


class HnswSettings(TypedDict):
    m: int
    ef_construction: int
    ef_search: int
    builder: Literal["own", "hnsw_rs"]


class IndexState(TypedDict):
    """Numbers of vectors."""

    indexed: int
    pending: int
    deleted: int


class _Collection(TypedDict):
    name: str
    dimension: int
    metric: Metric
    vector_count: int
    created_at: str


class Collection(_Collection, total=False):
    description: str
    """What it is for. Absent if nobody has said."""


class CreatedCollection(Collection):
    collection: str
    """The same as `name`."""
    message: str


class _ScrubState(TypedDict):
    damaged: int
    """The number of vectors whose values or text cannot be read."""
    damaged_ids: list[str]
    """The ids of those, at most 100."""


class ScrubState(_ScrubState, total=False):
    """What has been found in a collection's files since the store was opened."""

    finished_at: str
    """When it last reached the end of the collection. Absent until then."""


class _CollectionInfo(Collection):
    updated_at: str
    size_bytes: int
    hnsw: HnswSettings
    index: IndexState
    ttl_secs: int | None
    """The seconds after which vectors expire that have no expiry of their own."""
    expired: int
    """The number of vectors that have expired and are not erased yet. No read finds them."""
    undoable: int
    """The number of vectors that were deleted with `undo` and can be undeleted."""


class CollectionInfo(_CollectionInfo, total=False):
    disk_bytes: int
    """Only for a collection on disk."""
    scrub: ScrubState
    """Only for a collection on disk."""


class RenameReport(TypedDict):
    """The result of renaming a collection."""

    old_name: str
    new_name: str
    status: Literal["renamed", "unchanged"]
    """`unchanged` if both names are the same."""


class GraphParameters(TypedDict):
    """The parameters that `reindex_collection` can change."""

    m: int
    ef_construction: int
    ef_search: int


class ReindexReport(TypedDict):
    """The state of a graph that is being built anew."""

    job_id: str
    collection: str
    state: Literal["running", "completed"]
    """`completed` where nothing has to be built: few vectors need no graph, and `ef_search` alone
    changes none."""
    progress: float
    """0 to 1."""
    params: GraphParameters


class CleanupReport(TypedDict):
    """The result of deleting the collections that are empty."""

    collections: list[str]
    """Their names, sorted."""
    applied: bool
    """`False` in a dry run: they would have been deleted."""


class _StoredVector(TypedDict):
    id: str
    vector: list[float]


class StoredVector(_StoredVector, total=False):
    data: list[float]
    """The same as `vector`. Absent in lists."""
    metadata: dict[str, Any]
    payload: dict[str, Any]
    """The same as `metadata`."""
    text: str
    """The text from which it was embedded. Absent if it was not."""
    expires_at: int
    """When it expires, in milliseconds since 1970. Absent if it does not."""


class VectorPage(TypedDict):
    vectors: list[StoredVector]
    total: int
    """The number of vectors on all pages."""
    limit: int
    offset: int


class _SearchResult(TypedDict):
    id: str
    score: float
    """Higher is more similar. 0 if nothing was ranked."""


class SearchResult(_SearchResult, total=False):
    metadata: dict[str, Any]
    text: str
    vector: list[float]
    expires_at: int
    """When it expires, in milliseconds since 1970. Absent if it does not."""


class _ScannedVector(TypedDict):
    id: str


class ScannedVector(_ScannedVector, total=False):
    metadata: dict[str, Any]
    text: str
    """The text from which it was embedded. Absent if it was not."""
    vector: list[float]
    """Present with `with_vector`."""
    expires_at: int
    """When it expires, in milliseconds since 1970. Absent if it does not."""


class InsertReport(TypedDict):
    inserted: int
    ids: list[str]
    """In order, each once."""


class ExpiryReport(TypedDict):
    """The result of setting a vector's expiry."""

    id: str
    collection: str
    expires_at: int | None
    """In milliseconds since 1970. `None` if the vector has no expiry of its own now."""
    status: Literal["updated"]


class TtlReport(TypedDict):
    """The result of setting a collection's TTL."""

    collection: str
    ttl_secs: int | None
    status: Literal["updated"]


class _CallReceipt(TypedDict):
    deleted: int
    bytesErased: int
    completedAt: str
    durable: bool
    """Whether the delete is on disk, so that no power failure can bring any of it back."""
    digest: str
    text: str
    """The receipt as a text for people, which stands alone."""


class _OptionalOfReceipt(_CallReceipt, total=False):
    requested: int
    """How many ids the call named. Absent if it named a filter or nothing."""
    filter: dict[str, Any]
    """The filter of the call. It is in the receipt alone: the server keeps it nowhere."""
    reason: str
    store: str
    """The random id of the server's ledger. Absent, like `entry`, if it keeps none."""
    entry: str
    """The line of the ledger about this erasure. Absent if nothing was erased."""


class Receipt(_OptionalOfReceipt):
    """A proof of what was erased and when, which does not contain the erased data."""

    call: Literal[
        "deleteVector",
        "batchDelete",
        "deleteByFilter",
        "deleteCollection",
        "replace",
        "moveToCollection",
        "purgeDeleted",
    ]
    """The call of the server, by its name in JavaScript."""
    collection: str
    logSequence: int


class Undo(TypedDict):
    """What a call has deleted that can be undeleted."""

    token: str
    """Names what this call has deleted."""
    until: int
    """When it is erased, in milliseconds since 1970."""


class _DeleteResult(TypedDict):
    id: str
    index: int
    status: Literal["ok", "error", "matched"]
    """`matched` only in the report of a `TooManyMatchesError`: it exists, and was not deleted."""


class DeleteResult(_DeleteResult, total=False):
    error: str


class _DeleteReport(TypedDict):
    collection: str
    count: int
    deleted: int
    failed: int
    results: list[DeleteResult]


class DeleteReport(_DeleteReport, total=False):
    """The result of a batch delete, with one row for each id in the order of the request."""

    receipt: Receipt
    undo: Undo
    """Present if something was deleted with `undo`."""


class FilterResult(TypedDict):
    id: str
    status: Literal["deleted", "matched"]


class _ShownVector(TypedDict):
    id: str


class ShownVector(_ShownVector, total=False):
    """A vector that a dry run shows."""

    metadata: dict[str, Any]
    text: str
    """The first 200 code points of its text. Absent if it has none."""
    expires_at: int
    """When it expires, in milliseconds since 1970. Absent if it does not."""


class _DeleteByFilterReport(TypedDict):
    scanned: int
    """How many live vectors were checked."""
    matched: int
    deleted: int
    results: list[FilterResult]


class DeleteByFilterReport(_DeleteByFilterReport, total=False):
    rows: list[ShownVector]
    """The first vectors that match, in insertion order. Present with `rows`."""
    unknownFields: list[str]
    """The fields of the filter that none of the checked vectors had. Absent if there are none."""
    receipt: Receipt
    undo: Undo
    """Present if something was deleted with `undo`."""


class _ReplacementVector(TypedDict):
    id: str
    vector: Vector


class ReplacementVector(_ReplacementVector, total=False):
    """A vector of those that replace what a filter matches."""

    metadata: Metadata | None
    text: str | None
    """The text from which it was made. It is stored, not embedded."""
    expires_at: ExpiresAt | None
    """When it expires; `None`: it has no expiry of its own. Left out, that of the call applies, or
    else a vector that is there keeps its own."""


class _ReplacementText(TypedDict):
    id: str
    text: str


class ReplacementText(_ReplacementText, total=False):
    """A text of those that replace what a filter matches."""

    metadata: Metadata | None
    expires_at: ExpiresAt | None
    """When it expires; `None`: it has no expiry of its own. Left out, that of the call applies, or
    else a vector that is there keeps its own."""


Replacement = Union[ReplacementVector, ReplacementText]
"""A row of those that replace what a filter matches: all are vectors, or all are texts."""


class ReplacedIds(TypedDict):
    inserted: list[str]
    """In the order of the rows."""
    updated: list[str]
    """In the order of the rows."""
    deleted: list[str]
    """In insertion order."""


class _ReplaceReport(TypedDict):
    applied: bool
    """`False` in a dry run and in the report of a `TooManyMatchesError`: nothing was changed, and
    the rest of the report says what would have been."""
    inserted: int
    updated: int
    unchanged: int
    """How many rows were there as they are. Nothing was written for them."""
    deleted: int
    """How many vectors matched and had no row."""
    ids: ReplacedIds


class ReplaceReport(_ReplaceReport, total=False):
    receipt: Receipt
    """Covers what was deleted, and what was there before of what was updated."""
    undo: Undo
    """Present if something was deleted with `undo`. What was updated cannot be undone."""


class _VectorUpdate(TypedDict):
    id: str


class VectorUpdate(_VectorUpdate, total=False):
    """What to replace of a vector. What is left out stays, and one of these is required."""

    vector: Vector | None
    text: str | None
    """It is embedded anew, unless `vector` is given as well."""
    metadata: Metadata | None
    """Replaces all of the metadata. `None` is the same as left out; `{}` empties it."""
    expires_at: ExpiresAt | None
    """When it expires; `None` lifts its expiry."""


class _UpdateResult(TypedDict):
    id: str
    index: int
    status: Literal["ok", "error"]


class UpdateResult(_UpdateResult, total=False):
    error: str


class BatchUpdateReport(TypedDict):
    """The result of a batch update, with one row for each update in the order of the request."""

    success: bool
    """Whether all of the ids were there."""
    collection: str
    operation: Literal["batch_update_vectors"]
    total_operations: int
    successful_operations: int
    failed_operations: int
    duration_ms: float
    errors: list[str]
    results: list[UpdateResult]


class PatchResult(TypedDict):
    id: str
    status: Literal["updated", "unchanged"]


class _PatchReport(TypedDict):
    applied: bool
    """`False` in a dry run and in the report of a `TooManyMatchesError`: nothing was changed, and
    the rest of the report says what would have been."""
    scanned: int
    """How many live vectors were checked."""
    matched: int
    updated: int
    unchanged: int
    """How many have the metadata already that the patch gives them."""
    results: list[PatchResult]
    """In insertion order."""


class PatchReport(_PatchReport, total=False):
    unknownFields: list[str]
    """The fields of the filter that none of the checked vectors had. Absent if there are none."""


class _TransferResult(TypedDict):
    id: str
    status: Literal["ok", "missing_in_src", "dst_insert_failed"]


class TransferResult(_TransferResult, total=False):
    error: str
    """Why, if the status is `dst_insert_failed`: the id is taken there, or was given twice."""


class _TransferReport(TypedDict):
    src: str
    dst: str
    requested: int
    """How many rows there are in `results`."""
    failed: int
    applied: bool
    """`False` in a dry run and in the report of a `TooManyMatchesError`: nothing was changed, and
    `ok` are those that would have been moved or copied."""
    results: list[TransferResult]
    """In the order of the ids; of a filter, in insertion order."""


class _MoveReport(_TransferReport):
    moved: int


class MoveReport(_MoveReport, total=False):
    """The result of moving vectors."""

    receipt: Receipt
    """Covers what was erased where the vectors were."""


class CopyReport(_TransferReport):
    """The result of copying vectors."""

    copied: int


class _ForgottenIn(TypedDict):
    collection: str
    scanned: int
    """How many live vectors were checked."""
    matched: int
    ids: list[str]
    """In insertion order."""


class ForgottenIn(_ForgottenIn, total=False):
    """What was found in one collection."""

    unknownFields: list[str]
    """The fields of the filter that none of the checked vectors had. Absent if there are none."""
    undoable: Literal[True]
    """Present if these had been deleted with `undo` already, they or their collection, and could
    have been undeleted. So a collection can have several rows."""


class ForgottenCount(TypedDict):
    collection: str
    deleted: int
    logSequence: int


class ForgetReceipt(_OptionalOfReceipt):
    """A proof of what was erased in several collections, which does not contain the erased data."""

    call: Literal["forget"]
    collections: list[ForgottenCount]
    """Those in which something was deleted, by name."""


class _ForgetReport(TypedDict):
    applied: bool
    """`False` in a dry run and in the report of a `TooManyMatchesError`: nothing was deleted."""
    matched: int
    deleted: int
    collections: list[ForgottenIn]
    """All that were looked at, by name."""


class ForgetReport(_ForgetReport, total=False):
    receipt: ForgetReceipt
    """Present if it was applied, even if nothing matched."""


RefusedReport = Union[
    DeleteReport,
    DeleteByFilterReport,
    ReplaceReport,
    PatchReport,
    MoveReport,
    CopyReport,
    ForgetReport,
]
"""What a call found that its guards have kept from changing anything."""


class DeletedCollection(TypedDict):
    """A collection that was deleted with `undo`."""

    collection: str
    """The name that it had."""
    token: str
    deleted_at: int
    """In milliseconds since 1970."""
    until: int
    """When it is erased, in milliseconds since 1970."""
    vectors: int
    """How many vectors it has."""


class _DeletedVector(TypedDict):
    id: str
    token: str
    """Names what the call has deleted that deleted this."""
    deleted_at: int
    """In milliseconds since 1970."""
    until: int
    """When it is erased, in milliseconds since 1970."""


class DeletedVector(_DeletedVector, total=False):
    """A vector that was deleted with `undo`."""

    metadata: dict[str, Any]


class DeletedList(TypedDict):
    """What can be undeleted."""

    collections: list[DeletedCollection]
    """Collections that were deleted themselves, in the order in which they were."""
    vectors: list[DeletedVector]
    """Vectors of the collection, in the order in which they were deleted. Empty without one."""
    total: int
    """How many vectors of the collection there are in all."""


class UndeleteResult(TypedDict):
    id: str
    status: Literal["undeleted", "not_found", "id_in_use", "repeated"]
    """`not_found`: nothing waits with this id. `id_in_use`: the collection has another vector with
    it, which is not overwritten."""


class UndeleteReport(TypedDict):
    """What was brought back."""

    collection: str
    undeleted: int
    """How many vectors; all of the collection, if that was deleted itself."""
    results: list[UndeleteResult]
    """One row for each vector. Empty if the collection itself was brought back."""


class PurgeResult(TypedDict):
    id: str
    status: Literal["purged", "not_found", "repeated"]


class _PurgeReport(TypedDict):
    collection: str
    purged: int
    """How many vectors were erased."""
    results: list[PurgeResult]
    """One row for each id that was given."""


class PurgeReport(_PurgeReport, total=False):
    """What was erased before its time was over."""

    receipt: Receipt


class Residue(TypedDict):
    """A trace of a deleted vector that is still present."""

    id: str
    file: str
    offset: int
    length: int
    reason: str


class ErasureReport(TypedDict):
    verified: bool
    """True if there are no residues."""
    residues: list[Residue]


class LedgerHead(TypedDict):
    """The last line of a ledger."""

    entry: int
    """Its number. The first line of the file has none: 0."""
    hash: str
    """SHA-256 of the line, in hexadecimal."""


class LedgerInfo(TypedDict):
    """The ledger of the server's store."""

    store: str
    """Its random id, a UUID."""
    entries: int
    head: LedgerHead


class LedgerProblem(TypedDict):
    line: int
    """Counted from 1."""
    problem: str


class LedgerReport(TypedDict):
    """What was found in a ledger."""

    verified: bool
    """True if there are no problems. Signatures are not checked."""
    problems: list[LedgerProblem]
    """The first hundred."""
    store: str | None
    entries: int
    erasures: int
    """Entries of erasures that have happened."""
    deleted: int
    """How many vectors these erased."""
    unfinished: int
    """Erasures that have begun, of which the ledger does not say yet whether they have happened."""
    undone: int
    """Erasures that have begun and have not happened."""
    signatures: int
    head: LedgerHead | None
    """The last whole line. `None` if there is none."""


class _BackupReport(TypedDict):
    file: str
    """The name of the file in the server's directory for backups."""
    collections: int
    vectors: int
    bytes: int
    leftovers: list[str]
    """Unfinished backups of processes that have ended, which have been removed."""


class BackupReport(_BackupReport, total=False):
    keys: str
    """The name of the file with the backup's keys, if they are apart."""


class Health(TypedDict):
    status: str
    version: str
    timestamp: str
    uptime: float
    """In seconds."""


class _Stats(TypedDict):
    collections: int
    total_vectors: int
    uptime_seconds: float
    version: str
    memory_bytes: int
    deleted_vectors: int
    erased_bytes: int


class Stats(_Stats, total=False):
    disk_bytes: int
    """Only for a server with a data directory."""
