"""The check of a ledger, with ledgers that the tests write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorizer_native import verify_ledger

STORE = "0b6e4a7c-0c3f-4d0e-9d55-6b8f7a1c2d3e"
AT = "2026-01-31T12:00:00.000Z"

Entry = dict[str, Any]


def digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def text_of(entry: Entry) -> str:
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False)


def begin(name: str = "docs", deleted: int = 2, **more: Any) -> Entry:
    one = {"collection": name, "id": "ab" * 16, "sequence": 3, "deleted": deleted}
    erased = {**one, "numbers": "1-2", "ids": "cd" * 32}
    said = {"call": "batchDelete", "reason": "ü", "collections": [erased]}
    return {"kind": "begin", **said, "deleted": deleted, "bytes": 37, "digest": "ef" * 32, **more}


def end(number: int, begun: Entry) -> Entry:
    [one] = begun["collections"]
    counts = {name: one[name] for name in ("collection", "id", "sequence", "deleted")}
    return {**begun, "kind": "erased", "begin": number, "collections": [counts]}


def ledger(*entries: Entry) -> list[str]:
    """The lines of a ledger with these entries."""
    first = {"ledger": "vectorizer-native", "version": 1, "store": STORE, "salt": "00" * 16}
    lines = [text_of({**first, "at": AT})]
    for number, entry in enumerate(entries, 1):
        chained = {"entry": number, "previous": digest(lines[-1]), "at": AT, **entry}
        lines.append(text_of(chained))
    return lines


def written(path: Path, lines: list[str]) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


GOOD = ledger(
    begin(),
    end(1, begin()),
    {"kind": "signed", "signs": 2, "signature": "AA=="},
    begin("notes", 1),
    {"kind": "undone", "begin": 4},
    {"kind": "renamed", "collection": "docs", "to": "pages", "id": "ab" * 16},
    begin("pages", 5),
)


def problems(path: Path, lines: list[str]) -> list[tuple[int, str]]:
    report = verify_ledger(written(path, lines))
    assert report["verified"] == (not report["problems"])
    return [(one["line"], one["problem"]) for one in report["problems"]]


def test_a_ledger_as_it_is_written_verifies(tmp_path: Path) -> None:
    file = written(tmp_path / "LEDGER", GOOD)
    report = verify_ledger(file)
    assert report == {
        "verified": True,
        "problems": [],
        "store": STORE,
        "entries": 7,
        "erasures": 1,
        "deleted": 2,
        "unfinished": 1,
        "undone": 1,
        "signatures": 1,
        "head": {"entry": 7, "hash": digest(GOOD[7])},
    }
    assert verify_ledger(tmp_path) == report
    assert verify_ledger(str(file)) == report
    assert verify_ledger(written(file, GOOD[:1]))["head"] == {"entry": 0, "hash": digest(GOOD[0])}


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify_ledger(tmp_path)


@given(data=st.data())
def test_no_byte_of_a_line_before_the_last_can_change(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = tmp_path_factory.getbasetemp() / "changed"
    raw = bytearray("".join(f"{line}\n" for line in GOOD).encode())
    last = len(f"{GOOD[-1]}\n".encode())
    raw[data.draw(st.integers(0, len(raw) - last - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(raw)
    assert not verify_ledger(file)["verified"]


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (lambda lines: lines.pop(3), 4, "the number of the entry is not 3"),
        (lambda lines: lines.insert(3, lines[2]), 4, "the number of the entry is not 3"),
        (lambda lines: lines.insert(2, lines.pop(5)), 3, "the number of the entry is not 2"),
        (lambda lines: lines.pop(0), 1, "no ledger of version 1 begins here"),
        (lambda lines: lines.clear(), 1, "the ledger has no first line"),
        (lambda lines: lines.insert(4, ""), 5, "the line is not a JSON object"),
        (lambda lines: lines.insert(4, "[]"), 5, "the line is not a JSON object"),
    ],
)
def test_a_line_that_is_removed_inserted_or_moved_is_found(
    tmp_path: Path, change: Callable[[list[str]], object], line: int, problem: str
) -> None:
    lines = list(GOOD)
    change(lines)
    assert problems(tmp_path / "LEDGER", lines)[0] == (line, problem)


def test_a_changed_line_is_found_in_the_next(tmp_path: Path) -> None:
    lines = list(GOOD)
    lines[3] = lines[3].replace("AA==", "BB==")
    assert problems(tmp_path / "LEDGER", lines) == [(5, "the hash is not that of the line before")]


def test_a_cut_at_the_end_is_found_by_a_head_alone(tmp_path: Path) -> None:
    report = verify_ledger(written(tmp_path / "LEDGER", GOOD[:-1]))
    assert report["verified"]
    assert report["head"] != {"entry": 7, "hash": digest(GOOD[7])}


def test_a_last_line_that_is_not_complete_is_found(tmp_path: Path) -> None:
    file = tmp_path / "LEDGER"
    file.write_bytes(b"\n".join(line.encode() for line in GOOD))
    report = verify_ledger(file)
    assert [one["line"] for one in report["problems"]] == [8]
    assert report["head"] == {"entry": 6, "hash": digest(GOOD[6])}


CHANGED = {**end(1, begin()), "deleted": 1}
RENAMED = {**end(1, begin()), "reason": "another"}


@pytest.mark.parametrize(
    ("entries", "line", "problem"),
    [
        ([end(1, begin())], 2, "it does not end what has begun, or ends it again"),
        ([begin(), end(1, begin()), end(1, begin())], 4, "it does not end"),
        ([begin(), CHANGED], 3, "it does not end"),
        ([begin(), RENAMED], 3, "it does not end"),
        ([begin(), end(1, begin("others"))], 3, "it does not end"),
        ([begin(), {**end(1, begin()), "begin": True}], 3, "it does not end"),
        ([{"kind": "undone", "begin": 1}], 2, "it does not undo"),
        ([begin(), end(1, begin()), {"kind": "undone", "begin": 1}], 4, "it does not undo"),
        ([begin(), {"kind": "signed", "signs": 1}], 3, "it signs no erasure"),
        ([{"kind": "signed", "signs": [1]}], 2, "it signs no erasure"),
        ([{"kind": "unknown"}], 2, "it is of an unknown kind"),
        ([{"kind": ["begin"]}], 2, "it is of an unknown kind"),
    ],
)
def test_what_begins_ends_once_and_as_it_began(
    tmp_path: Path, entries: list[Entry], line: int, problem: str
) -> None:
    found = problems(tmp_path / "LEDGER", ledger(*entries))
    assert [number for number, _ in found] == [line]
    assert found[0][1].startswith(problem)


@pytest.mark.parametrize("version", [2, "1", True, None])
def test_another_version_is_refused(tmp_path: Path, version: object) -> None:
    first = {"ledger": "vectorizer-native", "version": version, "store": STORE}
    found = problems(tmp_path / "LEDGER", [text_of(first)])
    assert found == [(1, "no ledger of version 1 begins here")]


@given(st.binary())
def test_no_file_breaks_the_check(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any"
    file.write_bytes(content)
    assert not verify_ledger(file)["verified"]


def test_a_deep_line_and_many_problems_do_not_break_it(tmp_path: Path) -> None:
    report = verify_ledger(written(tmp_path / "LEDGER", ["[" * 200_000, *["{}"] * 1000]))
    assert not report["verified"]
    assert len(report["problems"]) == 100
