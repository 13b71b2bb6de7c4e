"""Runs the real server."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
COMMAND = REPOSITORY / "bin" / "vectorizer-native.js"
READY = re.compile(
    r"vectorizer-native \S+ is listening on (http://\S+) \((?:in memory|data in .+)\)"
)


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """The URL of a server that is started for the block, and ends in order after it."""
    environment = {name: value for name, value in os.environ.items() if name[:10] != "VECTORIZER"}
    server = subprocess.Popen(
        ["node", str(COMMAND), "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            ready = READY.fullmatch(line.strip())
            assert ready, f"the server does not start: {line!r}"
            yield ready[1]
        finally:
            server.terminate()
            try:
                code = server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                raise
        assert code == 0
