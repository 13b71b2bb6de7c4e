"""The two clients are one in two ways of waiting, and the README shows them as they are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectorizer_native import SyncVectorizerClient, VectorizerClient

README = Path(__file__).parents[1] / "README.md"


def calls(client: type) -> dict[str, Callable[..., Any]]:
    return {
        name: call
        for name, call in vars(client).items()
        if inspect.isfunction(call) and not name.startswith("_")
    }


def test_both_have_the_same_calls() -> None:
    both = calls(VectorizerClient), calls(SyncVectorizerClient)
    assert list(both[0]) == list(both[1])
    for awaited, blocking in zip(*(each.values() for each in both)):
        signatures = inspect.signature(awaited), inspect.signature(blocking)
        if inspect.isgeneratorfunction(blocking):
            assert inspect.isasyncgenfunction(awaited)
            assert signatures[0].parameters == signatures[1].parameters
        else:
            assert inspect.iscoroutinefunction(awaited)
            assert signatures[0] == signatures[1]


def test_both_say_the_same_of_a_call() -> None:
    for name, call in calls(VectorizerClient).items():
        if name != "close":
            summary = (inspect.getdoc(call) or "").split("\n")[0]
            assert summary
            assert inspect.getdoc(calls(SyncVectorizerClient)[name]) == summary


def test_the_readme_runs(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 2
    names: dict[str, Any] = {}
    printed = ""
    for block in blocks:
        exec(block.replace("http://localhost:15002", url), names)
        printed += capsys.readouterr().out
    expected = re.findall(r"print\(.*\) +# (.*)", "".join(blocks))
    assert [line for line in printed.splitlines() if line in expected] == expected
