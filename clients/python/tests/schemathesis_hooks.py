"""What Schemathesis is told beside the OpenAPI document. It loads this file itself."""

from __future__ import annotations

import copy
import re
from typing import Any
from urllib.parse import unquote

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import (
    EnsureResourceAvailability,
    RejectedPositiveData,
    UseAfterFree,
)

COMBINED = ("$and", "$or", "$not")
# 2100-01-01, in milliseconds and as a text, and a hundred years in seconds.
LATER = 4_102_444_800_000
LATER_TEXT = "2100-01-01T00:00:00Z"
LONG = 3_155_760_000
# The names of collections that are gone without a request to delete just that one.
GONE: set[str] = set()
# What was deleted and is there again: names of collections, and ids.
BACK: set[str] = set()


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Filters in filters, but not in these again: one level has all there is to try.

    The document's endless ones make the coverage phase take a minute for each operation.
    """
    schemas = raw_schema["components"]["schemas"]
    innermost = copy.deepcopy(schemas["FieldFilter"])
    for name in COMBINED:
        del innermost["properties"][name]
    schemas["InnermostFilter"] = innermost
    reference = {"$ref": "#/components/schemas/InnermostFilter"}
    properties = schemas["FieldFilter"]["properties"]
    properties["$and"]["items"] = properties["$or"]["items"] = properties["$not"] = reference


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """No vector expires before the tests end, as the next call would not find it.

    What the document refuses stays what it refuses, and what it allows stays allowed.
    """
    postpone(case.body)


def postpone(value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            postpone(one)
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "expires_at":
                value[key] = later(one)
            elif key == "ttl_secs" and is_whole(one) and 1 <= one < LONG:
                value[key] = LONG
            else:
                postpone(one)


def later(instant: Any) -> Any:
    if is_whole(instant) and 0 <= instant < LATER:
        return LATER
    # A schema's times begin with the year 0, and have seconds that are the 61st of a minute.
    if isinstance(instant, str) and re.match(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d", instant):
        return LATER_TEXT
    return instant


def is_whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Remembers what has another name now, what was empty, and what was undeleted."""
    if response.status_code != 200:
        return
    if case.operation.path == "/collections/{collection}/rename":
        renamed = response.json()
        if renamed["status"] == "renamed":
            GONE.add(renamed["old_name"])
    if case.operation.path == "/collections/cleanup" and case.operation.method.lower() == "delete":
        cleanup = response.json()
        if cleanup.get("applied"):
            GONE.update(cleanup["collections"])
    if case.operation.path == "/collections/{collection}/undelete":
        undeleted = response.json()
        rows = [row["id"] for row in undeleted["results"] if row["status"] == "undeleted"]
        BACK.update(rows or [undeleted["collection"]])


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: Case[Any], response: Response
) -> bool:
    """Whether a failure is one.

    A schema cannot know a collection's dimension and metric, nor tell an integer from a float of
    the same value, which has no limit, nor which texts are cursors, nor that the rows of a
    replacement have different ids and match its filter, nor that those of an update have, nor that
    nothing can be moved to where it is, nor which parameters of a query exclude each other, nor how
    many hours ten years have, nor what can be undeleted. Nor does it know that the store is in
    memory, which has no keys.
    """
    if isinstance(failure, UseAfterFree):
        return not BACK.intersection(map(unquote, failure.free.split("/")))
    if isinstance(failure, EnsureResourceAvailability):
        missed = response.json()["error"]["message"]
        return not any(f"'{name}'" in missed for name in GONE)
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    error = response.json()["error"]
    of_dimension = error["code"] == "DIMENSION_MISMATCH"
    said = error["message"] if error["code"] == "VALIDATION_ERROR" else ""
    of_metric = "is all zeros" in said
    of_integer = "an integer of more than 64 bits" in said
    of_cursor = "not the cursor of a scan" in said
    of_rows = " not match the filter" in said or ".id is the same as " in said
    of_updates = ".id is that of " in said
    of_destination = "are the same collection" in said
    of_query = any(f"query.{name}" in said for name in ("receipt", "reason", "undo"))
    of_period = "a whole number of milliseconds, or one with a unit" in said
    of_token = "nothing that was deleted with the token" in said
    of_keys = "a store in memory has no keys" in said
    of_values = of_dimension or of_metric or of_integer or of_cursor
    of_many = of_rows or of_updates or of_destination
    of_undo = of_period or of_token
    return not (of_values or of_many or of_query or of_undo or of_keys)
