"""The Python snippets of the page "Deleting Vectors", unchanged, with the real server."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from vectorizer_native import SyncVectorizerClient, VectorizerClient

from .serving import REPOSITORY

SINGLE = """\
await client.delete_vector("my_collection", "vec_001")
"""

MULTIPLE = """\
ids_to_delete = ["vec_001", "vec_002", "vec_003"]
await client.batch_delete("my_collection", ids_to_delete)
"""

BY_FILTER = """\
await client.delete_by_filter(
    "my_collection",
    filter={"category": "old_docs"}
)
"""

# The page has spaces on the empty lines of this one.
CLEANUP = """\
async def cleanup_old_documents(collection_name, older_than_days=30):
    \"\"\"Delete documents older than specified days.\"\"\"
    cutoff_date = (datetime.now() - timedelta(days=older_than_days)).isoformat()
{blank}
    # Search for old documents
    results = await client.search(
        collection_name,
        "",
        limit=10000,
        filter={{"created_at": {{"$lt": cutoff_date}}}}
    )
{blank}
    # Delete found documents
    ids_to_delete = [r["id"] for r in results]
    if ids_to_delete:
        await client.batch_delete(collection_name, ids_to_delete)
""".format(blank=" " * 4)

BY_CATEGORY = """\
async def delete_by_category(collection_name, category):
    \"\"\"Delete all vectors in a category.\"\"\"
    await client.delete_by_filter(
        collection_name,
        filter={"category": category}
    )
"""

SNIPPETS = [SINGLE, MULTIPLE, BY_FILTER, CLEANUP, BY_CATEGORY]

Run = Callable[..., "set[str]"]


async def execute(snippet: str, names: dict[str, Any]) -> None:
    code = compile(snippet, "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(code, names)
    if code.co_flags & inspect.CO_COROUTINE:
        await outcome


@pytest.fixture
def run(url: str) -> Run:
    """Runs a snippet, then something with what it defined; returns which vectors are left."""
    day = timedelta(days=1)
    now = datetime.now()
    vectors = {
        "vec_001": {"category": "news", "created_at": (now - 40 * day).isoformat()},
        "vec_002": {"category": "old_docs", "created_at": (now - 20 * day).isoformat()},
        "vec_003": {"category": "old_docs", "created_at": (now - 31 * day).isoformat()},
        "vec_004": {"category": "news", "created_at": now.isoformat()},
        "vec_005": {"category": "news"},
    }
    with SyncVectorizerClient(url) as setup:
        setup.create_collection("my_collection", 2)
        setup.insert_vectors(
            "my_collection",
            [{"id": id, "vector": [1, 2], "metadata": data} for id, data in vectors.items()],
        )

    def run(
        snippet: str, then: Callable[[dict[str, Any]], Awaitable[object]] | None = None
    ) -> set[str]:
        async def all_of_it() -> set[str]:
            client = VectorizerClient(url)
            names = {"client": client, "datetime": datetime, "timedelta": timedelta}
            await execute(snippet, names)
            if then is not None:
                await then(names)
            left = await client.search("my_collection", "", limit=100)
            await client.delete_collection("my_collection")
            await client.close()
            return {result["id"] for result in left}

        return asyncio.run(all_of_it())

    return run


def test_delete_single_vector(run: Run) -> None:
    assert run(SINGLE) == {"vec_002", "vec_003", "vec_004", "vec_005"}


def test_delete_multiple_vectors(run: Run) -> None:
    assert run(MULTIPLE) == {"vec_004", "vec_005"}


def test_delete_by_filter(run: Run) -> None:
    assert run(BY_FILTER) == {"vec_001", "vec_004", "vec_005"}


def test_cleanup_old_documents(run: Run) -> None:
    left = run(CLEANUP, lambda names: names["cleanup_old_documents"]("my_collection"))
    assert left == {"vec_002", "vec_004", "vec_005"}


def test_cleanup_of_a_shorter_time(run: Run) -> None:
    left = run(CLEANUP, lambda names: names["cleanup_old_documents"]("my_collection", 7))
    assert left == {"vec_004", "vec_005"}


def test_cleanup_where_nothing_is_old(run: Run) -> None:
    left = run(CLEANUP, lambda names: names["cleanup_old_documents"]("my_collection", 365))
    assert left == {"vec_001", "vec_002", "vec_003", "vec_004", "vec_005"}


def test_delete_by_category(run: Run) -> None:
    left = run(BY_CATEGORY, lambda names: names["delete_by_category"]("my_collection", "news"))
    assert left == {"vec_002", "vec_003"}


def test_the_snippets_are_those_of_the_page() -> None:
    """Where the page is at hand."""
    pages = list(REPOSITORY.parent.glob("shared/seed/000_*.txt"))
    if not pages:
        pytest.skip("the page is not here")
    page = pages[0].read_text(encoding="utf-8")
    assert re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) == SNIPPETS
