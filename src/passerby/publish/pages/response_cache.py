"""Cached responses: a page that many readers ask for is made once while the store does not change.

Invariant: bounded by bytes; a cached response was public when it was made, and is dropped as soon as the store changes.
"""

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from passerby.publish.api.negotiation import entity_tag
from passerby.publish.pages.auto_refresh import AutoRefresh

Header = tuple[bytes, bytes]
_COMPRESSED_TYPES = (b"text/", b"image/svg+xml", b"application/json")
_LEAST_TO_COMPRESS = 500


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A whole response. `compressed` is its body in gzip, None if that would not help; `tag` is its ETag;
    `auto_refresh` is set if the browser should reload the page."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    compressed: bytes | None
    tag: str
    auto_refresh: AutoRefresh | None = None

    @property
    def size(self) -> int:
        return len(self.body) + len(self.compressed or b"") + 1_000


def response_of(
    status: int, headers: tuple[Header, ...], body: bytes, auto_refresh: AutoRefresh | None = None
) -> CachedResponse:
    """A response with its gzip body and its ETag."""
    media_type = next((value for name, value in headers if name == b"content-type"), b"")
    compresses = len(body) >= _LEAST_TO_COMPRESS and media_type.startswith(_COMPRESSED_TYPES)
    compressed = gzip.compress(body, 6, mtime=0) if compresses else None
    return CachedResponse(
        status, headers, body, compressed, entity_tag(sha256(body).hexdigest()), auto_refresh
    )


class ResponseCache:
    """Responses by key, for one state of the store; the least recently used goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._responses: OrderedDict[object, CachedResponse] = OrderedDict()
        self._bytes = 0
        self._state: str | None = None

    def get(self, key: object, state: str) -> CachedResponse | None:
        """The cached response for this state of the store. A new state empties the cache."""
        if state != self._state:
            self._responses.clear()
            self._bytes = 0
            self._state = state
        response = self._responses.get(key)
        if response is not None:
            self._responses.move_to_end(key)
        return response

    def put(self, key: object, state: str, response: CachedResponse) -> None:
        """Cache a response, unless the state has changed since or the response is too large."""
        if state != self._state or key in self._responses or response.size > self._most_bytes // 4:
            return
        self._responses[key] = response
        self._bytes += response.size
        while self._bytes > self._most_bytes:
            _, oldest = self._responses.popitem(last=False)
            self._bytes -= oldest.size
