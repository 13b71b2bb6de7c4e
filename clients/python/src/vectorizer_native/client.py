"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
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


class VectorizerClient:
    """A client of a vectorizer-native server, for asyncio.

    `url` is where the server is. `api_key` is what it was started with. `timeout` is in
    seconds, for connecting and for each wait for the server; `None` waits forever.
    `transport` is httpx's, for TLS settings, proxies or tests; the client closes it.

    Nothing is connected before the first call. The client may be used from several event
    loops, one after the other or at a time. `async with` or `close()` ends its connections.

    No call is repeated. After a `ServerUnavailableError` or a `VectorizerTimeoutError` a write
    may or may not have happened.

    Besides the errors that a call names, every call raises `ValidationError`,
    `AuthenticationError`, `StorageError`, `ServerUnavailableError`, `VectorizerTimeoutError`
    and `ClientClosedError`. All are `VectorizerError`s.
    """

    def __init__(
        self,
        url: str = "http://localhost:15002",
        *,
        api_key: str | None = None,
        timeout: float | None = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server = Server(url, api_key, timeout)
        self._transport = transport
        # Connections belong to the event loop they were made in.
        self._connections: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self._closed = False

    def __repr__(self) -> str:
        return f"VectorizerClient({self._server.url!r})"

    async def __aenter__(self) -> VectorizerClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connections of this event loop. Later calls raise `ClientClosedError`."""
        self._closed = True
        connections = self._connections.pop(asyncio.get_running_loop(), None)
        if connections is not None:
            await connections.aclose()

    async def _send(self, call: Call[T]) -> T:
        if self._closed:
            raise ClientClosedError("this client is closed", "CLIENT_CLOSED")
        request = self._server.request(call)
        with self._server.failures():
            response = await self._connected().send(request)
        return self._server.result(call, response)

    def _connected(self) -> httpx.AsyncClient:
        running = asyncio.get_running_loop()
        if running not in self._connections:
            # Those of a loop that has ended cannot be closed any more, only forgotten.
            for loop in list(self._connections):
                if loop.is_closed():
                    self._connections.pop(loop, None)
            self._connections[running] = httpx.AsyncClient(transport=self._transport)
        return self._connections[running]

    async def create_collection(
        self,
        name: str,
        dimension: int,
        metric: Metric = "cosine",
        hnsw: HnswOptions | None = None,
        description: str | None = None,
    ) -> CreatedCollection:
        """Creates a collection for vectors of `dimension` values.

        `name` is 1 to 255 bytes without path separators or control characters, `dimension`
        1 to 65,535, `description` 1 to 1,024 bytes without control characters but newlines and
        tabs. Raises `CollectionExistsError`.
        """
        return await self._send(calls.create_collection(name, dimension, metric, hnsw, description))

    async def list_collections(self) -> list[Collection]:
        """Lists all collections, by name."""
        return await self._send(calls.list_collections())

    async def get_collection_info(self, name: str) -> CollectionInfo:
        """Tells a collection's settings, counts and sizes.

        Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.get_collection_info(name))

    async def update_collection(self, name: str, description: str | None) -> CollectionInfo:
        """Sets a collection's description; `None` removes it.

        It is 1 to 1,024 bytes, without control characters but newlines and tabs. Raises
        `CollectionNotFoundError`.
        """
        return await self._send(calls.update_collection(name, description))

    async def rename_collection(self, name: str, new_name: str) -> RenameReport:
        """Gives a collection another name, and keeps everything in it.

        Calls with the old name raise `CollectionNotFoundError` from then on, and nothing of it is
        left in memory or files. Raises `CollectionNotFoundError`, `CollectionExistsError`.
        """
        return await self._send(calls.rename_collection(name, new_name))

    async def reindex_collection(
        self,
        name: str,
        m: int | None = None,
        ef_construction: int | None = None,
        ef_search: int | None = None,
    ) -> ReindexReport:
        """Builds a collection's graph anew in the background, with these parameters.

        What is `None` stays. The previous graph serves searches meanwhile; `optimize` waits for the
        new one. `ef_search` alone builds nothing. Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.reindex_collection(name, m, ef_construction, ef_search))

    async def list_empty_collections(self) -> list[str]:
        """Lists the names of the collections without a vector.

        Also those of which vectors can be undeleted; `cleanup_empty_collections` keeps these.
        """
        return await self._send(calls.list_empty_collections())

    async def cleanup_empty_collections(self, dry_run: bool = False) -> CleanupReport:
        """Deletes the collections without a vector, and reports their names.

        `dry_run` deletes nothing. A collection that gets a vector meanwhile is kept, and so is one
        of which vectors can be undeleted.
        """
        return await self._send(calls.cleanup_empty_collections(dry_run))

    @overload
    async def delete_collection(
        self, name: str, receipt: bool = False, reason: str | None = None, undo: None = None
    ) -> Receipt | None: ...

    @overload
    async def delete_collection(
        self, name: str, receipt: Literal[False] = False, reason: str | None = None, *, undo: Period
    ) -> Undo: ...

    async def delete_collection(
        self,
        name: str,
        receipt: bool = False,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> Receipt | Undo | None:
        """Deletes a collection with everything in it.

        `receipt` returns a proof of what was erased. `reason`, 1 to 1,000 characters, goes into it
        and into the server's ledger, if it keeps one. With `undo`, such as `"24h"`, it is not
        erased until then, and `undelete` brings it back with the token of the `Undo` that is
        returned; not with `receipt`. Its name is free at once. Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.delete_collection(name, receipt, reason, undo))

    async def insert_text(
        self,
        collection: str,
        text: str,
        id: str | None = None,
        metadata: Metadata | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> str:
        """Inserts a text, which the server embeds, and returns its id.

        A vector of the same `id` (1 to 1,024 bytes) is replaced; without one the server makes
        a UUID. From `expires_at` on no read finds the vector. Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.insert_text(collection, text, id, metadata, expires_at))

    async def batch_insert_text(
        self,
        collection: str,
        texts: Iterable[str],
        metadatas: Iterable[Metadata | None] | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> list[str]:
        """Inserts texts, all of them or none, and returns their ids in order.

        `metadatas` are as many as the texts. From `expires_at` on no read finds any of them. Raises
        `CollectionNotFoundError`.
        """
        return await self._send(calls.batch_insert_text(collection, texts, metadatas, expires_at))

    async def insert_vector(
        self,
        collection: str,
        vector: Vector,
        id: str | None = None,
        metadata: Metadata | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> str:
        """Inserts a vector and returns its id.

        `vector` is any sequence of numbers, or an array with `tolist()`; the server keeps
        32-bit floats. A vector of the same `id` (1 to 1,024 bytes) is replaced; without one
        the server makes a UUID. From `expires_at` on no read finds the vector. Raises
        `CollectionNotFoundError`, `DimensionMismatchError`.
        """
        return await self._send(calls.insert_vector(collection, vector, id, metadata, expires_at))

    async def insert_vectors(
        self,
        collection: str,
        vectors: Iterable[NewVector],
        expires_at: ExpiresAt | None = None,
    ) -> InsertReport:
        """Inserts vectors, all of them or none: `{"id": …, "vector": …, "metadata": …}`.

        `id`, `metadata` and `expires_at` may be left out. The call's `expires_at` is for all of
        them that have none of their own. Of vectors with one id the last wins. Raises
        `CollectionNotFoundError`, `DimensionMismatchError`.
        """
        return await self._send(calls.insert_vectors(collection, vectors, expires_at))

    async def get_vector(self, collection: str, id: str) -> StoredVector:
        """Gets a vector with its values, metadata and text.

        Raises `CollectionNotFoundError`, `VectorNotFoundError`.
        """
        return await self._send(calls.get_vector(collection, id))

    async def list_vectors(
        self,
        collection: str,
        limit: int = 10,
        offset: int = 0,
        ids: Iterable[str] | None = None,
    ) -> VectorPage:
        """Lists a page of the vectors, in insertion order.

        With `ids` only these, in the order given; missing ones are left out, and `limit` and
        `offset` count among those found. An id with a comma cannot be listed, only got.
        Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.list_vectors(collection, limit, offset, ids))

    async def update_vector(
        self,
        collection: str,
        id: str,
        vector: Vector | None = None,
        text: str | None = None,
        metadata: Metadata | None = None,
        expires_at: ExpiresAt | None = None,
    ) -> StoredVector:
        """Replaces what is given of a vector, and returns the vector as it is then.

        What is `None` stays, also `expires_at`: `set_vector_expiry` lifts an expiry. `metadata` is
        replaced as a whole. A text is embedded anew, unless `vector` is given as well. Raises
        `CollectionNotFoundError`, `VectorNotFoundError`, `DimensionMismatchError`.
        """
        return await self._send(
            calls.update_vector(collection, id, vector, text, metadata, expires_at)
        )

    async def batch_update_vectors(
        self, collection: str, updates: Iterable[VectorUpdate]
    ) -> BatchUpdateReport:
        """Updates vectors, all that are there or none: `{"id": …, "metadata": …}`.

        Of each, what is given is replaced: `vector`, `text`, `metadata`, `expires_at`. A text is
        embedded anew, unless `vector` is given as well; `"expires_at": None` lifts an expiry. An id
        that is not there is a row with status `error`, and does not stop the others. An id that
        occurs twice and an update of nothing are `ValidationError`s, and change nothing. Raises
        `CollectionNotFoundError`, `DimensionMismatchError`.
        """
        return await self._send(calls.batch_update_vectors(collection, updates))

    async def bulk_update_metadata(
        self,
        collection: str,
        filter: Filter,
        patch: Metadata,
        dry_run: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
    ) -> PatchReport:
        """Patches the metadata of every vector that matches, at once.

        `patch` is a JSON merge patch: `None` removes a member, a dict is merged into the one that
        is there, and anything else takes the place of what is there. Values, text and expiry stay,
        and nothing is embedded. A vector that the patch leaves as it is, is not written.

        `dry_run` changes nothing, and reports what would be changed. A filter that is `None`, empty
        or not understood is a `ValidationError`, and changes nothing. If more vectors than
        `at_most` match, or another number than `expect`, nothing is changed, and it raises
        `TooManyMatchesError`, in a dry run too. Raises `CollectionNotFoundError`.
        """
        return await self._send(
            calls.bulk_update_metadata(collection, filter, patch, dry_run, at_most, expect)
        )

    async def set_vector_expiry(
        self, collection: str, id: str, expires_at: ExpiresAt | None
    ) -> ExpiryReport:
        """Sets when a vector expires; `None` lifts its expiry.

        From that instant on no read finds the vector, and within a second it is erased. A time that
        has passed is allowed. Without an expiry of its own the collection's TTL applies, if it has
        one. Raises `CollectionNotFoundError`, `VectorNotFoundError`.
        """
        return await self._send(calls.set_vector_expiry(collection, id, expires_at))

    async def set_collection_ttl(self, collection: str, seconds: int | None) -> TtlReport:
        """Sets after how many seconds vectors expire; `None` ends that.

        It counts from when a vector was inserted, for those that are there and those that come,
        except for those with an expiry of their own: vectors that are older expire at once. Raises
        `CollectionNotFoundError`.
        """
        return await self._send(calls.set_collection_ttl(collection, seconds))

    async def resume_expiry(self) -> None:
        """Ends the pause of erasure after a jump of the clock.

        If the server's clock jumps forward by more than a day, what has expired is hidden, but not
        erased, until this call or until an hour has passed without another jump. If nothing is
        paused, it does nothing.
        """
        return await self._send(calls.resume_expiry())

    async def search(
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
        """Finds the vectors most alike to a text or a vector, best first.

        The empty text ranks nothing: it lists what the filter matches, in insertion order, up
        to `limit`, which has no hidden cap. `filter=None` filters nothing; an empty filter is
        an error. Scores are the cosine (-1 to 1), the dot product, or
        1 / (1 + Euclidean distance); results below `similarity_threshold` are left out.
        `ef_search` is how many candidates to look at (1 to 4,096): more find more, and take
        longer. Raises `CollectionNotFoundError`, `DimensionMismatchError`.
        """
        return await self._send(
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

    async def scan(
        self,
        collection: str,
        filter: Filter | None = None,
        with_vector: bool = False,
        include_metadata: bool = True,
        batch_size: int | None = None,
    ) -> AsyncGenerator[ScannedVector, None]:
        """Iterates over all vectors, or those that match, in insertion order.

        It reads the vectors that exist when it begins and have not been deleted by the time
        they are read, each once. You may insert, update and delete in between: an updated
        vector is read as it is then, and vectors inserted meanwhile are not read.

        `filter=None` filters nothing; an empty filter is an error. `batch_size` is how many
        vectors are read at a time, by default 1,000; each batch is one call, and nothing is
        kept between them. The first call, and every error, comes when a vector is asked for.
        Raises `CollectionNotFoundError`, also if the collection is deleted in between, even if
        another one has its name by then.
        """
        call: Call[calls.Batch] | None = calls.scan(
            collection, filter, with_vector, include_metadata, batch_size
        )
        while call is not None:
            batch = await self._send(call)
            for vector in batch.vectors:
                yield vector
            call = batch.following

    @overload
    async def delete_vector(
        self,
        collection: str,
        id: str,
        receipt: bool = False,
        reason: str | None = None,
        undo: None = None,
    ) -> Receipt | None: ...

    @overload
    async def delete_vector(
        self,
        collection: str,
        id: str,
        receipt: Literal[False] = False,
        reason: str | None = None,
        *,
        undo: Period,
    ) -> Undo: ...

    async def delete_vector(
        self,
        collection: str,
        id: str,
        receipt: bool = False,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> Receipt | Undo | None:
        """Deletes a vector: its values, text, metadata and id, from memory and disk.

        `receipt` returns a proof of what was erased. `reason`, 1 to 1,000 characters, goes into it
        and into the server's ledger, if it keeps one. With `undo`, such as `"24h"`, it is not
        erased until then, and `undelete` brings it back by its id or by the token of the `Undo`
        that is returned; not with `receipt`. Raises `CollectionNotFoundError`,
        `VectorNotFoundError`.
        """
        return await self._send(calls.delete_vector(collection, id, receipt, reason, undo))

    async def batch_delete(
        self,
        collection: str,
        ids: Iterable[str],
        receipt: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
        reason: str | None = None,
        undo: Period | None = None,
    ) -> DeleteReport:
        """Deletes vectors, and reports row by row what became of each id.

        A missing id is a row with status `error`, and does not stop the others. `receipt` adds a
        proof of what was erased. `reason`, 1 to 1,000 characters, goes into it and into the
        server's ledger, if it keeps one. With `undo`, such as `"24h"`, nothing is erased until
        then, and `undelete` brings it back; not with `receipt`. If more vectors than `at_most`
        exist, or another number than `expect`, nothing is deleted, and it raises
        `TooManyMatchesError`. Raises `CollectionNotFoundError`.
        """
        return await self._send(
            calls.batch_delete(collection, ids, receipt, at_most, expect, reason, undo)
        )

    async def delete_by_filter(
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
        """Deletes every vector whose metadata match.

        `dry_run` deletes nothing, and reports what would be deleted; with `rows`, 1 to 1,000, it
        also shows so many of the vectors, with their metadata and the first 200 code points of
        their texts. `receipt` adds a proof of what was erased; not with `dry_run`. `reason`, 1 to
        1,000 characters, goes into it and into the server's ledger, if it keeps one. With `undo`,
        such as `"24h"`, nothing is erased until then, and `undelete` brings it back; not with
        `receipt`. A filter that is `None`, empty or not understood is a `ValidationError`, and
        deletes nothing. If more vectors than `at_most` match, or another number than `expect`,
        nothing is deleted, and it raises `TooManyMatchesError`, in a dry run too. Raises
        `CollectionNotFoundError`.
        """
        return await self._send(
            calls.delete_by_filter(
                collection, filter, dry_run, receipt, at_most, expect, rows, reason, undo
            )
        )

    async def replace(
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
        """Puts rows in the place of every vector whose metadata match, at once.

        Afterwards exactly these rows are there of all that the filter matches: of a document that
        has changed, its chunks as they are now. The rows are all vectors, or all texts, which the
        server embeds. A row that is there as it is, is not written and not embedded again. A row's
        `expires_at`, or else the call's, is when it expires; `None` in a row: it has no expiry of
        its own. Without either, a new row has none, and others keep theirs.

        `dry_run` changes nothing, and reports what would be changed. `receipt` adds a proof of what
        was erased; not with `dry_run`. `reason`, 1 to 1,000 characters, goes into it and, if
        something is deleted, into the server's ledger, if it keeps one. With `undo`, such as
        `"24h"`, what is deleted is not erased until then, and `undelete` brings it back; not with
        `receipt`. The former version of what is updated is erased at once. An id that occurs twice,
        a row that does not match the filter, the id of a vector that does not match it, and a
        filter that is `None`, empty or not understood are `ValidationError`s, and change nothing.
        If more vectors than `at_most` would be deleted, or another number than `expect`, nothing is
        changed, and it raises `TooManyMatchesError`, in a dry run too. Raises
        `CollectionNotFoundError`, `DimensionMismatchError`.
        """
        return await self._send(
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

    async def move_to_collection(
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
        """Moves vectors to another collection, all of them in one step.

        Give `ids`, or a `filter`. Values, metadata, text and expiry go along; for a TTL they count
        as inserted now. An id that `src` does not have, or that `dst` has already, is a row of the
        report and does not stop the others; with `overwrite` the one in `dst` is replaced.

        `dry_run` changes nothing, and reports what would be moved. `receipt` adds a proof of what
        was erased in `src`; not with `dry_run`. `reason`, 1 to 1,000 characters, goes into it and
        into the server's ledger, if it keeps one. If more vectors than `at_most` would be moved, or
        another number than `expect`, nothing is changed, and it raises `TooManyMatchesError`.
        Raises `CollectionNotFoundError`, `DimensionMismatchError`.
        """
        return await self._send(
            calls.move_to_collection(
                src, dst, ids, filter, overwrite, dry_run, receipt, at_most, expect, reason
            )
        )

    async def copy_vectors(
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
        """Copies vectors to another collection, all of them in one step.

        As `move_to_collection` does, except that they stay in `src`.
        """
        return await self._send(
            calls.copy_vectors(src, dst, ids, filter, overwrite, dry_run, at_most, expect)
        )

    async def forget(
        self,
        filter: Filter | None = None,
        ids: Iterable[str] | None = None,
        collections: Iterable[str] | None = None,
        dry_run: bool = False,
        at_most: int | None = None,
        expect: int | None = None,
        reason: str | None = None,
    ) -> ForgetReport:
        """Deletes what matches, or has one of the ids, in all collections, in one step.

        Give a `filter`, or `ids`; with `collections` only these are looked at. When it returns, all
        of it is erased, and synced to disk; the report has a receipt. What was deleted with `undo`
        is found and erased as well. `reason`, 1 to 1,000 characters, goes into the receipt and into
        the server's ledger, if it keeps one.

        `dry_run` deletes nothing, and reports what would be deleted. A filter that is empty or not
        understood is a `ValidationError`, and deletes nothing. If more vectors than `at_most` match
        in all collections together, or another number than `expect`, nothing is deleted, and it
        raises `TooManyMatchesError`, in a dry run too. Raises `CollectionNotFoundError`.
        """
        return await self._send(
            calls.forget(filter, ids, collections, dry_run, at_most, expect, reason)
        )

    async def list_deleted(
        self, collection: str | None = None, *, offset: int = 0, limit: int = 100
    ) -> DeletedList:
        """Lists what was deleted with `undo` and can be undeleted.

        Without a collection: the collections that were deleted, all of them, and no vectors. With
        one: its vectors, in the order in which they were deleted, and collections that had its
        name. `offset` and `limit`, 1 to 1,000, are for the vectors; `total` counts all of them.
        Values and texts are not shown. Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.list_deleted(collection, offset, limit))

    async def undelete(
        self,
        collection: str,
        *,
        ids: Iterable[str] | None = None,
        token: str | None = None,
    ) -> UndeleteReport:
        """Brings back what was deleted with `undo`, all of it in one step.

        Give the `ids` of vectors, or the `token` of a delete; that of `delete_collection` brings
        the collection back. Vectors come back as they were, at the end of the order of lists. An
        id that does not wait, or is in use again, is a row of the report and does not stop the
        others. A token that nothing waits for is a `ValidationError`. Raises
        `CollectionNotFoundError`, `CollectionExistsError` if the collection's name is taken.
        """
        return await self._send(calls.undelete(collection, ids, token))

    async def purge_deleted(
        self,
        collection: str,
        *,
        ids: Iterable[str] | None = None,
        token: str | None = None,
        all: bool = False,
        receipt: bool = False,
        reason: str | None = None,
    ) -> PurgeReport:
        """Erases what was deleted with `undo` before its time is over.

        Give `ids`, the `token` of a delete, or `all=True` for all vectors of the collection that
        wait. `receipt` adds a proof of what was erased. `reason`, 1 to 1,000
        characters, goes into it and into the server's ledger, if it keeps one. A token that
        nothing waits for is a `ValidationError`. Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.purge_deleted(collection, ids, token, all, receipt, reason))

    async def verify_erased(self, collection: str, ids: Iterable[str]) -> ErasureReport:
        """Looks in memory and files for anything that is left of vectors.

        Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.verify_erased(collection, ids))

    async def get_ledger(self) -> LedgerInfo | None:
        """Tells about the server's ledger of erasures; `None` if it keeps none.

        `head` is its last line: kept elsewhere, it shows whether the end is still there.
        `verify_ledger` checks the file itself.
        """
        return await self._send(calls.get_ledger())

    async def create_backup(
        self,
        collections: Iterable[str] | None = None,
        keys: Literal["within", "apart"] = "within",
    ) -> BackupReport:
        """Writes the store to a new file in the server's directory for backups.

        All collections, or those of these names. With `keys` "apart" the keys are in a file
        beside it: with the newest of `export_keys` it brings back what is not deleted by then.
        Raises `CollectionNotFoundError`, and a `VectorizerError` of the code `UNSUPPORTED`
        where the server was started without such a directory.
        """
        return await self._send(calls.create_backup(collections, keys))

    async def export_keys(self) -> BackupReport:
        """Writes the keys of all that is stored now to a new file there.

        Raises a `VectorizerError` of the code `UNSUPPORTED` where the server has no directory
        for backups.
        """
        return await self._send(calls.export_keys())

    async def rotate_keys(self) -> None:
        """Gives the store new keys, while calls go on.

        Raises `ValidationError` where the store is in memory.
        """
        return await self._send(calls.rotate_keys())

    async def optimize(self, collection: str) -> None:
        """Brings the index to its best, and waits until it is.

        Searches are right without it. On a large collection it may take longer than the
        client's timeout. Raises `CollectionNotFoundError`.
        """
        return await self._send(calls.optimize(collection))

    async def health(self) -> Health:
        """Tells whether the server is up. Needs no API key."""
        return await self._send(calls.health())

    async def stats(self) -> Stats:
        """Tells the server's counts and sizes."""
        return await self._send(calls.stats())
