"""What calls raise. Every error is a `VectorizerError` with a stable `code`."""

from __future__ import annotations

from typing import cast

from .types import RefusedReport


class VectorizerError(Exception):
    """A call failed.

    `code` is the server's error code. `status` is the HTTP status of its answer, and `None`
    where there was no answer.
    """

    message: str
    code: str
    status: int | None

    def __init__(
        self, message: str, code: str = "INTERNAL_ERROR", status: int | None = None
    ) -> None:
        # All arguments, so that the error can be copied and pickled.
        super().__init__(message, code, status)
        self.message = message
        self.code = code
        self.status = status

    def __str__(self) -> str:
        return self.message


class ValidationError(VectorizerError):
    """An argument is not of the documented form. Nothing was changed.

    `status` is `None` if this client refused it, before anything was sent.
    """

    def __init__(
        self, message: str, code: str = "VALIDATION_ERROR", status: int | None = None
    ) -> None:
        super().__init__(message, code, status)


class DimensionMismatchError(VectorizerError):
    """A vector has `got` values where the collection has `expected` dimensions."""

    expected: int
    got: int

    def __init__(
        self,
        message: str,
        code: str = "DIMENSION_MISMATCH",
        status: int | None = None,
        expected: int = 0,
        got: int = 0,
    ) -> None:
        super().__init__(message, code, status)
        self.args = (message, code, status, expected, got)
        self.expected = expected
        self.got = got


class CollectionNotFoundError(VectorizerError):
    """There is no collection of this name."""


class CollectionExistsError(VectorizerError):
    """There is a collection of this name already."""


class VectorNotFoundError(VectorizerError):
    """There is no vector with this id in the collection."""


class TooManyMatchesError(VectorizerError):
    """A call would have changed more vectors than `at_most`, or another number than `expect`.

    Nothing was changed. `report` is that of a dry run; of `batch_delete`, which has none, it is
    what the call would have returned, except that `deleted` is 0 and the vectors that it found have
    the status `matched`. There is no receipt.
    """

    report: RefusedReport

    def __init__(
        self,
        message: str,
        code: str = "TOO_MANY_MATCHES",
        status: int | None = None,
        report: RefusedReport | None = None,
    ) -> None:
        super().__init__(message, code, status)
        self.args = (message, code, status, report)
        self.report = cast("RefusedReport", report or {})


class AuthenticationError(VectorizerError):
    """The server wants an API key, or another one, or does not answer for this host name."""


class StorageError(VectorizerError):
    """The server's disk, or what is on it, is not as it should be."""


class ServerUnavailableError(VectorizerError):
    """The server could not be reached, broke the connection, or takes no requests now.

    A write may or may not have happened if the connection broke after it was sent.
    """


class VectorizerTimeoutError(VectorizerError):
    """The server did not answer in time. A write may or may not have happened."""


class ClientClosedError(VectorizerError):
    """This client is closed. Nothing was sent."""


_BY_CODE: dict[str, type[VectorizerError]] = {
    "VALIDATION_ERROR": ValidationError,
    "DIMENSION_MISMATCH": DimensionMismatchError,
    "COLLECTION_NOT_FOUND": CollectionNotFoundError,
    "COLLECTION_EXISTS": CollectionExistsError,
    "VECTOR_NOT_FOUND": VectorNotFoundError,
    "TOO_MANY_MATCHES": TooManyMatchesError,
    "UNAUTHORIZED": AuthenticationError,
    "FORBIDDEN": AuthenticationError,
    "STORAGE_ERROR": StorageError,
    "STORE_LOCKED": StorageError,
    "REQUEST_TIMEOUT": VectorizerTimeoutError,
    "OVERLOADED": ServerUnavailableError,
    # It is the server's store that is closed: the server is ending.
    "CLIENT_CLOSED": ServerUnavailableError,
}

# For answers without a code, as proxies give them.
_BY_STATUS: dict[int, type[VectorizerError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    408: VectorizerTimeoutError,
    502: ServerUnavailableError,
    503: ServerUnavailableError,
    504: VectorizerTimeoutError,
}


def error_of(status: int, answer: object) -> VectorizerError:
    """The error that an answer with this status and JSON body tells of."""
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(code, str):
        message = f"the server answered with status {status}, and not as a vectorizer-native does"
        return _BY_STATUS.get(status, VectorizerError)(message, f"HTTP_{status}", status)
    message = str(error.get("message", code))
    expected, got = error.get("expected"), error.get("got")
    if code == "DIMENSION_MISMATCH" and isinstance(expected, int) and isinstance(got, int):
        return DimensionMismatchError(message, code, status, expected, got)
    report = error.get("report")
    if code == "TOO_MANY_MATCHES" and isinstance(report, dict):
        found = cast("RefusedReport", report)
        return TooManyMatchesError(message, code, status, found)
    return _BY_CODE.get(code, VectorizerError)(message, code, status)
