"""From a call to an HTTP request, and from an HTTP response or failure to a result or error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from . import _encode as encode
from ._calls import Call
from ._version import __version__
from .errors import (
    ServerUnavailableError,
    ValidationError,
    VectorizerError,
    VectorizerTimeoutError,
    error_of,
)

T = TypeVar("T")


class Server:
    """The server that a client talks to."""

    def __init__(self, url: str, api_key: str | None, timeout: float | None) -> None:
        self.url = _checked_url(url)
        # No limit on the wait for a free connection: that one is this client's own queue.
        self.timeout = httpx.Timeout(timeout, pool=None)
        self._headers = {
            "Accept": "application/json",
            "User-Agent": f"vectorizer-native-python/{__version__}",
        }
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {_checked_key(api_key)}"

    def request(self, call: Call[Any]) -> httpx.Request:
        """The request of a call."""
        headers, content = dict(self._headers), None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            content = encode.text(call.body)
        try:
            url = httpx.URL(self.url + call.path)
        except httpx.InvalidURL as error:
            raise ValidationError(f"a name or id cannot stand in a URL: {error}") from None
        extensions = {"timeout": self.timeout.as_dict()}
        return httpx.Request(
            call.method, url, headers=headers, content=content, extensions=extensions
        )

    def result(self, call: Call[T], response: httpx.Response) -> T:
        """What the server answered to a call."""
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            answer = None  # no JSON, or nested deeper than Python reads
        if not response.is_success:
            raise error_of(response.status_code, answer)
        try:
            return call.read(answer)
        except (LookupError, TypeError):
            message = f"{self.url} did not answer as a vectorizer-native does"
            raise VectorizerError(message, "INVALID_RESPONSE", response.status_code) from None

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raises what goes wrong in the exchange as this package's errors."""
        try:
            yield
        except httpx.TimeoutException as error:
            message = f"{self.url} did not answer in time ({type(error).__name__})"
            raise VectorizerTimeoutError(message, "TIMEOUT") from error
        except httpx.TransportError as error:
            message = f"{self.url} cannot be reached: {str(error) or type(error).__name__}"
            raise ServerUnavailableError(message, "SERVER_UNAVAILABLE") from error
        except httpx.RequestError as error:
            message = f"{self.url} did not answer as a vectorizer-native does: {error}"
            raise VectorizerError(message, "INVALID_RESPONSE") from error


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValidationError(f"url is no URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValidationError(f"url must be like http://localhost:15002, not {url!r}")
    if parsed.userinfo or parsed.query or parsed.fragment:
        # A key in a URL would end up in messages and logs.
        raise ValidationError("url must have no user, query or fragment: api_key is for the key")
    return str(parsed).rstrip("/")


def _checked_key(key: str) -> str:
    # Others break the header, and with it what the server takes for the request.
    fits = isinstance(key, str) and key and key.strip() == key
    if not fits or not all(" " <= char <= "~" for char in key):
        raise ValidationError(
            "api_key must be printable ASCII characters without blanks at its ends, and not empty"
        )
    return key
