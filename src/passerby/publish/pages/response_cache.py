"""Answers that are kept while the store stands still, so that a page that many ask for is made once.

Invariant: bounded by bytes; what is kept was public when it was made, and goes as soon as the store changes.
"""

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from passerby.publish.api.negotiation import entity_tag
from passerby.publish.pages.renewal import Renewal

Header = tuple[bytes, bytes]
_PACKED = (b"text/", b"image/svg+xml", b"application/json")
_LEAST_TO_PACK = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: `packed` is its body in gzip, None where that would not help; `tag` is its ETag; `renewal` says
    when it is to be asked for again by itself, if ever."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    packed: bytes | None
    tag: str
    renewal: Renewal | None = None

    @property
    def size(self) -> int:
        return len(self.body) + len(self.packed or b"") + 1_000


def answer(status: int, headers: tuple[Header, ...], body: bytes, renewal: Renewal | None = None) -> Answer:
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    packs = len(body) >= _LEAST_TO_PACK and kind.startswith(_PACKED)
    packed = gzip.compress(body, 6, mtime=0) if packs else None
    return Answer(status, headers, body, packed, entity_tag(sha256(body).hexdigest()), renewal)


class Kept:
    """Answers by key, for one state of the store; the one that was not asked for longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._answers: OrderedDict[object, Answer] = OrderedDict()
        self._bytes = 0
        self._state: str | None = None

    def get(self, key: object, state: str) -> Answer | None:
        if state != self._state:
            self._answers.clear()
            self._bytes = 0
            self._state = state
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: object, state: str, one: Answer) -> None:
        """Keep it, where the store still stands as it was made from, and where it has room."""
        if state != self._state or key in self._answers or one.size > self._most_bytes // 4:
            return
        self._answers[key] = one
        self._bytes += one.size
        while self._bytes > self._most_bytes:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= oldest.size
