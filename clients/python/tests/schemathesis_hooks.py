"""What Schemathesis is told beside the OpenAPI document. It loads this file itself."""

from __future__ import annotations

import copy
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

COMBINED = ("$and", "$or", "$not")


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
def filter_failure(
    context: HookContext, failure: Failure, case: Case[Any], response: Response
) -> bool:
    """Whether a failure is one.

    A schema cannot know a collection's dimension and metric, nor tell an integer from a float of
    the same value, which has no limit, nor which texts are cursors. Nor does it know that the
    store is in memory, which has no keys.
    """
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    error = response.json()["error"]
    of_dimension = error["code"] == "DIMENSION_MISMATCH"
    said = error["message"] if error["code"] == "VALIDATION_ERROR" else ""
    of_metric = "is all zeros" in said
    of_integer = "an integer of more than 64 bits" in said
    of_cursor = "not the cursor of a scan" in said
    of_keys = "a store in memory has no keys" in said
    return not (of_dimension or of_metric or of_integer or of_cursor or of_keys)
