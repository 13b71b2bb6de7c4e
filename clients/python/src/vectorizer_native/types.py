"""The shapes of arguments and results. At run time all of them are plain dicts and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict, Union

Metric = Literal["cosine", "euclidean", "dot_product"]

Metadata = Mapping[str, Any]
"""A JSON object. A `datetime` or `date` in it becomes an ISO 8601 string."""

Filter = Mapping[str, Any]
"""Conditions on the metadata, such as `{"category": "news", "year": {"$gte": 2024}}`.

A `datetime` or `date` in it becomes `{"$date": …}`: an instant, which compares with dates only.
One without a zone is in UTC. `None` is the JSON `null` and equals it, but only where an operator
says so: `{"field": {"$eq": None}}`. `{"field": None}` is refused, since it is what a variable that
was never set looks like.
"""


class SupportsToList(Protocol):
    """An array, such as NumPy's or PyTorch's."""

    def tolist(self) -> Any: ...


Vector = Union[Sequence[float], SupportsToList]
"""The values of a vector: numbers, as many as the collection has dimensions."""


class HnswOptions(TypedDict, total=False):
    """Settings of the HNSW graph; what is left out is the server's default."""

    m: int
    """Neighbours of a vector in the graph."""
    ef_construction: int
    """Candidates that an insert looks at."""
    ef_search: int
    """Candidates that a search looks at."""
    builder: Literal["own", "hnsw_rs"]
    """How to build a graph of many vectors from nothing."""


class _NewVector(TypedDict):
    vector: Vector


class NewVector(_NewVector, total=False):
    """A vector to insert."""

    id: str
    """1 to 1,024 bytes. The server makes one where it is left out."""
    metadata: Metadata | None


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


class Collection(TypedDict):
    name: str
    dimension: int
    metric: Metric
    vector_count: int
    created_at: str


class CreatedCollection(Collection):
    collection: str
    """The same as `name`."""
    message: str


class _CollectionInfo(Collection):
    updated_at: str
    size_bytes: int
    hnsw: HnswSettings
    index: IndexState


class CollectionInfo(_CollectionInfo, total=False):
    disk_bytes: int
    """Only for a collection on disk."""


class _StoredVector(TypedDict):
    id: str
    vector: list[float]


class StoredVector(_StoredVector, total=False):
    data: list[float]
    """The same as `vector`. Not in lists."""
    metadata: dict[str, Any]
    payload: dict[str, Any]
    """The same as `metadata`."""
    text: str
    """The text it was embedded from, where it was."""


class VectorPage(TypedDict):
    vectors: list[StoredVector]
    total: int
    """How many there are on all pages."""
    limit: int
    offset: int


class _SearchResult(TypedDict):
    id: str
    score: float
    """Higher is more alike. 0 where nothing was ranked."""


class SearchResult(_SearchResult, total=False):
    metadata: dict[str, Any]
    text: str
    vector: list[float]


class InsertReport(TypedDict):
    inserted: int
    ids: list[str]
    """In order. An id that was given twice is there once."""


class Receipt(TypedDict):
    """A proof of what was erased."""

    collection: str
    deleted: int
    bytesErased: int
    logSequence: int
    completedAt: str
    durable: bool
    """Whether it is on the disk: no loss of power brings anything of it back."""
    digest: str


class _DeleteResult(TypedDict):
    id: str
    index: int
    status: Literal["ok", "error"]


class DeleteResult(_DeleteResult, total=False):
    error: str


class _DeleteReport(TypedDict):
    collection: str
    count: int
    deleted: int
    failed: int
    results: list[DeleteResult]


class DeleteReport(_DeleteReport, total=False):
    """What became of each id, in the order they were given."""

    receipt: Receipt


class FilterResult(TypedDict):
    id: str
    status: Literal["deleted", "matched"]


class _DeleteByFilterReport(TypedDict):
    scanned: int
    """The live vectors that were considered."""
    matched: int
    deleted: int
    results: list[FilterResult]


class DeleteByFilterReport(_DeleteByFilterReport, total=False):
    unknownFields: list[str]
    """The fields of the filter that none of the considered vectors has, where there are some."""
    receipt: Receipt


class Residue(TypedDict):
    """A place where something of a vector still is."""

    id: str
    file: str
    offset: int
    length: int
    reason: str


class ErasureReport(TypedDict):
    verified: bool
    """There is no residue."""
    residues: list[Residue]


class _BackupReport(TypedDict):
    file: str
    """The file's name, in the server's directory for backups."""
    collections: int
    vectors: int
    bytes: int
    leftovers: list[str]
    """Unfinished backups of processes that have ended, which were removed."""


class BackupReport(_BackupReport, total=False):
    keys: str
    """The name of the file with its keys, where they are apart."""


class Health(TypedDict):
    status: str
    version: str
    timestamp: str
    uptime: float
    """Seconds."""


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
