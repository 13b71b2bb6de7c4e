"""The server is as its OpenAPI document says, and refuses what the document does not allow.

Schemathesis makes the requests: examples, every boundary, random ones and chains of them. What
it checks is in `schemathesis.toml`: everything.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .serving import serving

KEY = "a-key-for-tests"


def test_the_server_is_as_documented(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    with serving("--api-key", KEY, "--backups", str(backups)) as url:
        outcome = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"],
            cwd=Path(__file__).parent,
            env={**os.environ, "VECTORIZER_API_KEY": KEY, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
    assert outcome.returncode == 0, outcome.stdout
