"""The check of a ledger file, with nothing but the standard library."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .types import LedgerReport

_MOST_PROBLEMS = 100
# What the end of an erasure repeats of its beginning, for the whole and for each collection.
_SAME = ("call", "reason", "deleted", "bytes", "digest")
_SAME_IN_EACH = ("collection", "id", "sequence", "deleted")


def verify_ledger(path: str | os.PathLike[str]) -> LedgerReport:
    """Checks a ledger: the file `LEDGER` of a store, a copy of it, or the store's directory.

    It checks that every line has the hash of the line before and the next number, and that every
    erasure that has ended had begun, with the same contents, and ended once. So it finds a line
    that was changed, removed, inserted or moved. It does not find that lines at the end were cut
    off, nor that the whole file was written anew: compare `head` with one that was kept elsewhere.
    It checks no signatures; `verifyLedger` in JavaScript does.

    The store may be open. Raises `OSError` if the file cannot be read.
    """
    report: LedgerReport = {
        "verified": False,
        "problems": [],
        "store": None,
        "entries": 0,
        "erasures": 0,
        "deleted": 0,
        "unfinished": 0,
        "undone": 0,
        "signatures": 0,
        "head": None,
    }
    begun: dict[int, dict[str, Any]] = {}
    erased: set[int] = set()
    file = Path(path)
    with (file / "LEDGER" if file.is_dir() else file).open("rb") as lines:
        number = -1
        for number, line in enumerate(lines):
            try:
                found = _problems(number, line, report, begun, erased)
            except RecursionError:
                found = ["the line is nested too deep"]
            report["problems"] += [{"line": number + 1, "problem": one} for one in found]
    if number < 0:
        report["problems"].append({"line": 1, "problem": "the ledger has no first line"})
    del report["problems"][_MOST_PROBLEMS:]
    report["unfinished"] = len(begun)
    report["verified"] = not report["problems"]
    return report


def _problems(
    number: int,
    line: bytes,
    report: LedgerReport,
    begun: dict[int, dict[str, Any]],
    erased: set[int],
) -> list[str]:
    """Adds a line to what is known, and tells what is wrong with it."""
    if not line.endswith(b"\n"):
        return ["the line is not complete: writing it was interrupted, or it was cut"]
    before = report["head"]
    report["head"] = {"entry": number, "hash": hashlib.sha256(line[:-1]).hexdigest()}
    report["entries"] = number
    try:
        entry = json.loads(line.decode())
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return ["the line is not a JSON object"]
    if before is None:
        store = entry.get("store")
        report["store"] = store if isinstance(store, str) else None
        is_known = entry.get("ledger") == "vectorizer-native" and _number(entry, "version") == 1
        return [] if is_known else ["no ledger of version 1 begins here"]
    problems = []
    if _number(entry, "entry") != number:
        problems.append(f"the number of the entry is not {number}")
    if entry.get("previous") != before["hash"]:
        problems.append("the hash is not that of the line before")
    kind = entry.get("kind")
    begin, signs = _number(entry, "begin"), _number(entry, "signs")
    if kind == "begin":
        begun[number] = _shared(entry)
    elif kind == "erased":
        if begun.pop(begin, None) != _shared(entry):
            problems.append("it does not end what has begun, or ends it again")
        erased.add(number)
        report["erasures"] += 1
        report["deleted"] += _number(entry, "deleted")
    elif kind == "undone":
        if begun.pop(begin, None) is None:
            problems.append("it does not undo what has begun, or undoes it again")
        report["undone"] += 1
    elif kind == "signed":
        if signs not in erased:
            problems.append("it signs no erasure")
        report["signatures"] += 1
    elif kind != "renamed":
        problems.append("it is of an unknown kind")
    return problems


def _number(entry: dict[str, Any], name: str) -> int:
    """A number of an entry. 0, which is the number of none, stands for what is no number."""
    value = entry.get(name)
    return value if type(value) is int else 0


def _shared(entry: dict[str, Any]) -> dict[str, Any]:
    """What both the beginning and the end of an erasure have, without its many ids."""
    each = entry.get("collections")
    listed = each if isinstance(each, list) else [each]
    counts = [
        {name: one.get(name) for name in _SAME_IN_EACH} if isinstance(one, dict) else one
        for one in listed
    ]
    return {**{name: entry.get(name) for name in _SAME}, "collections": counts}
