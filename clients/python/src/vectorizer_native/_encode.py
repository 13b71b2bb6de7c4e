"""Arguments become JSON here, or a `ValidationError` before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta, timezone
from math import isfinite
from typing import Any, cast

from .errors import ValidationError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Their conditions name what they compare with.
_CLAUSES = ("must", "should", "must_not")


def text(value: object) -> bytes:
    """The JSON text of what the functions below return."""
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError:
        raise ValidationError("an argument is nested too deep, or in itself") from None
    except (TypeError, ValueError) as error:
        raise ValidationError(f"an argument cannot be written as JSON: {error}") from None


def metadata(value: object, at: str = "metadata") -> dict[str, Any]:
    """Any JSON object; dates become strings."""
    return _object(value, at, _iso)


def filter_of(value: object) -> dict[str, Any]:
    """A filter of at least one condition; dates become operands.

    A filter that is missing or empty is an error here too: no slip of the caller's may make
    a delete wider than it was meant. So is `None` for the value of a field, which is what a slip
    looks like: where null is meant, an operator says so. A search refuses it as well, since the
    filter that it tries may be that of the next delete.
    """
    if not isinstance(value, Mapping) or not value:
        raise ValidationError("filter must be a dict with at least one condition")
    encoded = _object(value, "filter", lambda when, at: {"$date": _iso(when, at)})
    _refuse_none(encoded, "filter")
    return encoded


def _refuse_none(conditions: Any, at: str) -> None:
    """Refuses `None` where a filter, or a list of filters, has a value without an operator."""
    if isinstance(conditions, list):
        for i, one in enumerate(conditions):
            _refuse_none(one, f"{at}[{i}]")
    if not isinstance(conditions, dict):
        return
    for key, value in conditions.items():
        if key in ("$and", "$or", "$not"):
            _refuse_none(value, f"{at}.{key}")
        elif value is None and key not in _CLAUSES:
            raise ValidationError(f'{at}.{key} is None: where null is meant, write {{"$eq": None}}')
        elif isinstance(value, list) and None in value and key not in _CLAUSES:
            raise ValidationError(f'{at}.{key} holds None: where null is meant, write {{"$in": …}}')


def vector(value: object, at: str = "vector") -> list[float]:
    """The numbers of a sequence or array."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    # A text is a sequence, and bytes even one of numbers.
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes, bytearray)):
        raise ValidationError(f"{at} must be a sequence of numbers")
    numbers = list(value)
    if not set(map(type, numbers)) <= {float, int}:
        numbers = [_number(number, f"{at}[{i}]") for i, number in enumerate(numbers)]
    try:
        finite = all(map(isfinite, numbers))
    except OverflowError:
        finite = False
    if not finite:
        i = next(i for i, number in enumerate(numbers) if not _is_finite(number))
        raise ValidationError(f"{at}[{i}] must be a finite number")
    return numbers


def instant(value: object, at: str) -> int | str:
    """A time: milliseconds since 1970, or a text that the server reads.

    Without a time zone a `datetime` says nothing about when something must be gone: it would be
    another instant here than where the server is.
    """
    if isinstance(value, datetime):
        # pandas' NaT is a datetime.
        if value != value:
            raise ValidationError(f"{at} is not a time")
        if value.utcoffset() is None:
            raise ValidationError(
                f"{at} has no time zone: give it one, as datetime.now(timezone.utc) has"
            )
        return (value - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, str):
        return value
    # `True` is no time, and a float may be one in seconds.
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError(
            f"{at} must be a datetime, an RFC 3339 string or whole milliseconds since 1970"
        )
    return value


def period(value: object, at: str) -> int | str:
    """A length of time: whole milliseconds, or a text that the server reads."""
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, str):
        return value
    # `True` is no time, and a float may be one in seconds.
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError(
            f'{at} must be a timedelta, a string such as "24h" or whole milliseconds'
        )
    return value


def strings(value: object, at: str) -> list[str]:
    """Ids or texts. A single string is none: its characters would be taken for ids."""
    return [string(item, f"{at}[{i}]") for i, item in enumerate(items(value, at))]


def items(value: object, at: str) -> list[Any]:
    """The items of any list, tuple, set or generator."""
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise ValidationError(f"{at} must be a list")
    return list(value)


def string(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"{at} must be a string")
    return value


def options(**given: object) -> dict[str, Any]:
    """The options that are given, those that are `None` left out."""
    return {name: _value(value, name, _iso) for name, value in given.items() if value is not None}


def flags(**given: object) -> dict[str, bool]:
    """Options that are `True` or `False`, and nothing that a caller may take for one of them."""
    for name, value in given.items():
        if not isinstance(value, bool):
            raise ValidationError(f"{name} must be True or False")
    return cast("dict[str, bool]", given)


def _object(value: object, at: str, when: Callable[[date, str], Any]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValidationError(f"{at} must be a dict")
    try:
        encoded: dict[str, Any] = _value(value, at, when)
    except RecursionError:
        raise ValidationError(f"{at} is nested too deep, or in itself") from None
    return encoded


def _value(value: object, at: str, when: Callable[[date, str], Any]) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not isfinite(value):
            raise ValidationError(f"{at} must be a finite number")
        return value
    if isinstance(value, date):
        return when(value, at)
    if isinstance(value, Mapping):
        for key in value:
            # `json` would write 1 as "1", and None as "null".
            if not isinstance(key, str):
                raise ValidationError(f"{at} has the key {key!r}: keys must be strings")
        return {key: _value(item, f"{at}.{key}", when) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item, f"{at}[{i}]", when) for i, item in enumerate(value)]
    if hasattr(value, "tolist"):
        # Of NumPy's times `tolist` makes plain numbers.
        if getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m"):
            raise ValidationError(f"{at} is a NumPy time: convert it to a datetime")
        return _value(value.tolist(), at, when)
    if isinstance(value, AbstractSet):
        raise ValidationError(f"{at} is a set, which JSON does not have: convert it to a list")
    raise ValidationError(f"{at} is a {type(value).__name__}, which JSON does not have")


def _iso(when: date, at: str) -> str:
    # pandas' NaT is a datetime.
    if when != when:
        raise ValidationError(f"{at} is not a time")
    if isinstance(when, datetime):
        offset = when.utcoffset()
        # RFC 3339 has no zones with seconds, as they were before 1900.
        if offset is not None and offset % timedelta(minutes=1):
            when = when.astimezone(timezone.utc)
    return when.isoformat()


def _number(value: object, at: str) -> float:
    if isinstance(value, (str, bool)) or not hasattr(value, "__float__"):
        raise ValidationError(f"{at} must be a number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValidationError(f"{at} must be a number") from None


def _is_finite(number: float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:
        return False
