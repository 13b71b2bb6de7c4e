from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from hypothesis import settings

from vectorizer_native import SyncVectorizerClient, VectorizerClient

from .serving import serving

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True)
settings.load_profile("repeatable")


class Awaited:
    """The asyncio client with the blocking client's calls: every call is run to its end.

    Of an iterator, every step.
    """

    def __init__(self, client: VectorizerClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)
        if inspect.isasyncgenfunction(call):
            return lambda *args, **kwargs: self._steps(call(*args, **kwargs))
        return lambda *args, **kwargs: self._loop.run_until_complete(call(*args, **kwargs))

    def _steps(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(items.__anext__())
            except StopAsyncIteration:
                return


Connect = Callable[..., SyncVectorizerClient]
"""Makes a client, of either kind; takes what a client's constructor takes."""


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(params=["async", "sync"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Both clients, behind one interface: a test is written once, and run with each."""
    loop = asyncio.new_event_loop()
    made: list[SyncVectorizerClient] = []

    def connect(*args: Any, **kwargs: Any) -> SyncVectorizerClient:
        if request.param == "sync":
            made.append(SyncVectorizerClient(*args, **kwargs))
        else:
            awaited = Awaited(VectorizerClient(*args, **kwargs), loop)
            made.append(cast("SyncVectorizerClient", awaited))
        return made[-1]

    yield connect
    for client in made:
        client.close()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@pytest.fixture
def client(connect: Connect, url: str) -> SyncVectorizerClient:
    return connect(url)


@pytest.fixture
def name(url: str) -> Iterator[str]:
    """A new collection of four dimensions."""
    name = f"test-{uuid4()}"
    with SyncVectorizerClient(url) as client:
        client.create_collection(name, 4)
        yield name
        if any(collection["name"] == name for collection in client.list_collections()):
            client.delete_collection(name)


class Recorder:
    """Answers every request, and keeps it."""

    def __init__(self, answer: object = None, status: int = 200) -> None:
        self.answer = answer
        self.status = status
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._respond)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, json=self.answer)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()
