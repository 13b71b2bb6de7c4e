"""The same client for code without asyncio."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Literal, TypeVar, overload

import httpx

from . import _calls as calls
from ._calls import Call
from ._http import Server
from .errors import ClientClosedError
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


class SyncVectorizerClient:
    """`VectorizerClient` for code without asyncio: the same calls, which block.

    `VectorizerClient` says what arguments, results and errors there are. The client may be used
    from several threads at a time. `with` or `close()` ends its connections.
    """

    def __init__(
        self,
        url: str = "http://localhost:15002",
        *,
        api_key: str | None = None,
        timeout: float | None = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._server = Server(url, api_key, timeout)
        self._connections = httpx.Client(transport=transport)

    def __repr__(self) -> str:
        return f"SyncVectorizerClient({self._server.url!r})"

    def __enter__(self) -> SyncVectorizerClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections. Later calls raise `ClientClosedError`."""
        self._connections.close()

    def _send(self, call: Call[T]) -> T:
        if self._connections.is_closed:
            raise ClientClosedError("this client is closed", "CLIENT_CLOSED")
        request = self._server.request(call)
        with self._server.failures():
            response = self._connections.send(request)
        return self._server.result(call, response)

    def create_collection(
        self,
        name: str,
        dimension: int,
        metric: Metric = "cosine",
        hnsw: HnswOptions | None = None,
        description: str | None = None,
    ) -> CreatedCollection:
        """Creates a collection for vectors of `dimension` values."""
        return self._send(calls.create_collection(name, dimension, metric, hnsw, description))

    def list_collections(self) -> list[Collection]:
        """Lists all collections, by name."""
        return self._send(calls.list_collections())

    def get_collection_info(self, name: str) -> CollectionInfo:
        """Tells a collection's settings, counts and sizes."""
        return self._send(calls.get_collection_info(name))

    def update_collection(self, name: str, description: str | None) -> CollectionInfo:
        """Sets a collection's description; `None` removes it."""
        return self._send(calls.update_collection(name, description))

    def rename_collection(self, name: str, new_name: str) -> RenameReport:
        """Gives a collection another name, and keeps everything in it."""
        return self._send(calls.rename_collection(name, new_name))

    def reindex_collection(
        self,
        name: str,
        m: int | None = None,
        ef_construction: int | None = None,
        ef_search: int | None = None,
    ) -> ReindexReport:
        """Builds a collection's graph anew in the background, with these parameters."""
        return self._send(calls.reindex_collection(name, m, ef_construction, ef_search))

    def list_empty_collections(self) -> list[str]:
        """Lists the names of the collections without a vector."""
        return self._send(calls.list_empty_collections())

    def cleanup_empty_collections(self, dry_run: bool = False) -> CleanupReport:
        """Deletes the collections without a vector, and reports their names."""
        return self._send(calls.cleanup_empty_collections(dry_run))

    @overload
    def delete_collection(
        self, name: str, receipt: bool = False, reason: str | None = None, undo: None = None
    ) -> Receipt | None: ...

    @overload
    def delete_collection(
        self, name: str, receipt: Literal[False] = False, reason: str | None = None, *, undo: Period
    ) -> Undo: ...

    def delete_collection(
        self,
        name: str,
        receipt: bool = False,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> Receipt | Undo | None:
        """Deletes a collection with everything in it."""
        return self._send(calls.delete_collection(name, receipt, reason, undo))

    def insert_text(
        self,
        collection: str,
        text: str,
        id: str | None = None,
        metadata: Metadata | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> str:
        """Inserts a text, which the server embeds, and returns its id."""
        return self._send(calls.insert_text(collection, text, id, metadata, expires_at))

    def batch_insert_text(
        self,
        collection: str,
        texts: Iterable[str],
        metadatas: Iterable[Metadata | None] | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> list[str]:
        """Inserts texts, all of them or none, and returns their ids in order."""
        return self._send(calls.batch_insert_text(collection, texts, metadatas, expires_at))

    def insert_vector(
        self,
        collection: str,
        vector: Vector,
        id: str | None = None,
        metadata: Metadata | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> str:
        """Inserts a vector and returns its id."""
        return self._send(calls.insert_vector(collection, vector, id, metadata, expires_at))

    def insert_vectors(
        self,
        collection: str,
        vectors: Iterable[NewVector],
        expires_at: ExpiresAt | None = None,
    ) -> InsertReport:
        """Inserts vectors, all of them or none: `{"id": …, "vector": …, "metadata": …}`."""
        return self._send(calls.insert_vectors(collection, vectors, expires_at))

    def get_vector(self, collection: str, id: str) -> StoredVector:
        """Gets a vector with its values, metadata and text."""
        return self._send(calls.get_vector(collection, id))

    def list_vectors(
        self,
        collection: str,
        limit: int = 10,
        offset: int = 0,
        ids: Iterable[str] | None = None,
    ) -> VectorPage:
        """Lists a page of the vectors, in insertion order."""
        return self._send(calls.list_vectors(collection, limit, offset, ids))

    def update_vector(
        self,
        collection: str,
        id: str,
        vector: Vector | None = None,
        text: str | None = None,
        metadata: Metadata | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> StoredVector:
        """Replaces what is given of a vector, and returns the vector as it is then."""
        return self._send(calls.update_vector(collection, id, vector, text, metadata, expires_at))

    def batch_update_vectors(
        self, collection: str, updates: Iterable[VectorUpdate]
    ) -> BatchUpdateReport:
        """Updates vectors, all that are there or none: `{"id": …, "metadata": …}`."""
        return self._send(calls.batch_update_vectors(collection, updates))

    def bulk_update_metadata(
        self,
        collection: str,
        filter: Filter,
        patch: Metadata,
        dry_run: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
    ) -> PatchReport:
        """Patches the metadata of every vector that matches, at once."""
        return self._send(
            calls.bulk_update_metadata(collection, filter, patch, dry_run, at_most, expect)
        )

    def set_vector_expiry(
        self, collection: str, id: str, expires_at: ExpiresAt | None
    ) -> ExpiryReport:
        """Sets when a vector expires; `None` lifts its expiry."""
        return self._send(calls.set_vector_expiry(collection, id, expires_at))

    def set_collection_ttl(self, collection: str, seconds: int | None) -> TtlReport:
        """Sets after how many seconds vectors expire; `None` ends that."""
        return self._send(calls.set_collection_ttl(collection, seconds))

    def resume_expiry(self) -> None:
        """Ends the pause of erasure after a jump of the clock."""
        return self._send(calls.resume_expiry())

    def search(
        self,
        collection: str,
        query: str | Vector,
        limit: int = 10,
        filter: Filter | None = None,
        similarity_threshold: float | None = None,
        ef_search: int | None = None,
        with_vector: bool = False,
        include_metadata: bool = True,
    ) -> list[SearchResult]:
        """Finds the vectors most alike to a text or a vector, best first."""
        return self._send(
            calls.search(
                collection,
                query,
                limit,
                filter,
                similarity_threshold,
                ef_search,
                with_vector,
                include_metadata,
            )
        )

    def scan(
        self,
        collection: str,
        filter: Filter | None = None,
        with_vector: bool = False,
        include_metadata: bool = True,
        batch_size: int | None = None,
    ) -> Generator[ScannedVector, None, None]:
        """Iterates over all vectors, or those that match, in insertion order."""
        call: Call[calls.Batch] | None = calls.scan(
            collection, filter, with_vector, include_metadata, batch_size
        )
        while call is not None:
            batch = self._send(call)
            yield from batch.vectors
            call = batch.following

    @overload
    def delete_vector(
        self,
        collection: str,
        id: str,
        receipt: bool = False,
        reason: str | None = None,
        undo: None = None,
    ) -> Receipt | None: ...

    @overload
    def delete_vector(
        self,
        collection: str,
        id: str,
        receipt: Literal[False] = False,
        reason: str | None = None,
        *,
        undo: Period,
    ) -> Undo: ...

    def delete_vector(
        self,
        collection: str,
        id: str,
        receipt: bool = False,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> Receipt | Undo | None:
        """Deletes a vector: its values, text, metadata and id, from memory and disk."""
        return self._send(calls.delete_vector(collection, id, receipt, reason, undo))

    def batch_delete(
        self,
        collection: str,
        ids: Iterable[str],
        receipt: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> DeleteReport:
        """Deletes vectors, and reports row by row what became of each id."""
        return self._send(
            calls.batch_delete(collection, ids, receipt, at_most, expect, reason, undo)
        )

    def delete_by_filter(
        self,
        collection: str,
        filter: Filter,
        dry_run: bool = False,
        receipt: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
        rows: int | None = None,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> DeleteByFilterReport:
        """Deletes every vector whose metadata match."""
        return self._send(
            calls.delete_by_filter(
                collection, filter, dry_run, receipt, at_most, expect, rows, reason, undo
            )
        )

    def replace(
        self,
        collection: str,
        filter: Filter,
        rows: Iterable[Replacement],
        dry_run: bool = False,
        receipt: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
        expires_at: ExpiresAt | None = None,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> ReplaceReport:
        """Puts rows in the place of every vector whose metadata match, at once."""
        return self._send(
            calls.replace(
                collection,
                filter,
                rows,
                dry_run,
                receipt,
                at_most,
                expect,
                expires_at,
                reason,
                undo,
            )
        )

    def move_to_collection(
        self,
        src: str,
        dst: str,
        ids: Iterable[str] | None = None,
        filter: Filter | None = None,
        overwrite: bool = False,
        dry_run: bool = False,
        receipt: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
        reason: str | None = None,
    ) -> MoveReport:
        """Moves vectors to another collection, all of them in one step."""
        return self._send(
            calls.move_to_collection(
                src, dst, ids, filter, overwrite, dry_run, receipt, at_most, expect, reason
            )
        )

    def copy_vectors(
        self,
        src: str,
        dst: str,
        ids: Iterable[str] | None = None,
        filter: Filter | None = None,
        overwrite: bool = False,
        dry_run: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
    ) -> CopyReport:
        """Copies vectors to another collection, all of them in one step."""
        return self._send(
            calls.copy_vectors(src, dst, ids, filter, overwrite, dry_run, at_most, expect)
        )

    def forget(
        self,
        filter: Filter | None = None,
        ids: Iterable[str] | None = None,
        collections: Iterable[str] | None = None,
        dry_run: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
        reason: str | None = None,
    ) -> ForgetReport:
        """Deletes what matches, or has one of the ids, in all collections, in one step."""
        return self._send(calls.forget(filter, ids, collections, dry_run, at_most, expect, reason))

    def list_deleted(
        self, collection: str | None = None, *, offset: int = 0, limit: int = 100
    ) -> DeletedList:
        """Lists what was deleted with `undo` and can be undeleted."""
        return self._send(calls.list_deleted(collection, offset, limit))

    def undelete(
        self,
        collection: str,
        *,
        ids: Iterable[str] | None = None,
        token: str | None = None,
    ) -> UndeleteReport:
        """Brings back what was deleted with `undo`, all of it in one step."""
        return self._send(calls.undelete(collection, ids, token))

    def purge_deleted(
        self,
        collection: str,
        *,
        ids: Iterable[str] | None = None,
        token: str | None = None,
        all: bool = False,
        receipt: bool = False,
        reason: str | None = None,
    ) -> PurgeReport:
        """Erases what was deleted with `undo` before its time is over."""
        return self._send(calls.purge_deleted(collection, ids, token, all, receipt, reason))

    def verify_erased(self, collection: str, ids: Iterable[str]) -> ErasureReport:
        """Looks in memory and files for anything that is left of vectors."""
        return self._send(calls.verify_erased(collection, ids))

    def get_ledger(self) -> LedgerInfo | None:
        """Tells about the server's ledger of erasures; `None` if it keeps none."""
        return self._send(calls.get_ledger())

    def create_backup(
        self,
        collections: Iterable[str] | None = None,
        keys: Literal["within", "apart"] = "within",
    ) -> BackupReport:
        """Writes the store to a new file in the server's directory for backups."""
        return self._send(calls.create_backup(collections, keys))

    def export_keys(self) -> BackupReport:
        """Writes the keys of all that is stored now to a new file there."""
        return self._send(calls.export_keys())

    def rotate_keys(self) -> None:
        """Gives the store new keys, while calls go on."""
        return self._send(calls.rotate_keys())

    def optimize(self, collection: str) -> None:
        """Brings the index to its best, and waits until it is."""
        return self._send(calls.optimize(collection))

    def health(self) -> Health:
        """Tells whether the server is up. Needs no API key."""
        return self._send(calls.health())

    def stats(self) -> Stats:
        """Tells the server's counts and sizes."""
        return self._send(calls.stats())
