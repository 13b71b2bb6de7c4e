"""Client for the vectorizer-native server: vector collections where deleted means deleted.

>>> from vectorizer_native import SyncVectorizerClient
>>> with SyncVectorizerClient("http://localhost:15002") as client:  # doctest: +SKIP
...     client.delete_vector("my_collection", "vec_001")
"""

from ._ledger import verify_ledger
from ._version import __version__
from .client import VectorizerClient
from .errors import (
    AuthenticationError,
    ClientClosedError,
    CollectionExistsError,
    CollectionNotFoundError,
    DimensionMismatchError,
    ServerUnavailableError,
    StorageError,
    TooManyMatchesError,
    ValidationError,
    VectorizerError,
    VectorizerTimeoutError,
    VectorNotFoundError,
)
from .sync_client import SyncVectorizerClient

__all__ = [
    "AuthenticationError",
    "ClientClosedError",
    "CollectionExistsError",
    "CollectionNotFoundError",
    "DimensionMismatchError",
    "ServerUnavailableError",
    "StorageError",
    "SyncVectorizerClient",
    "TooManyMatchesError",
    "ValidationError",
    "VectorNotFoundError",
    "VectorizerClient",
    "VectorizerError",
    "VectorizerTimeoutError",
    "__version__",
    "verify_ledger",
]
