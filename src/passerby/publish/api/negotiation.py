"""Content negotiation and conditional requests (RFC 9110).

Invariant: pure; the same request for the same state of the store has the same ETag.
"""

import re
from collections.abc import Sequence
from hashlib import sha256

_QVALUE = re.compile(r"[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def preferred_type(accept: str | None, offered: Sequence[str]) -> str | None:
    """The media type of `offered` that the header `Accept` prefers; the first of equals; None if it accepts none.

    The more specific range decides (RFC 9110, section 12.5.1).
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",")]
    qualities = [(_quality(media_type, ranges), -index) for index, media_type in enumerate(offered)]
    best, index = max(qualities)
    return offered[-index] if best > 0 else None


def entity_tag(*parts: str) -> str:
    """A weak ETag of everything that a response depends on."""
    digest = sha256("\0".join(parts).encode(errors="backslashreplace")).hexdigest()
    return f'W/"{digest[:24]}"'


def is_not_modified(if_none_match: str | None, tag: str) -> bool:
    """True if the header `If-None-Match` contains the tag: the client has this response already."""
    if if_none_match is None:
        return False
    cached = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return "*" in cached or tag.removeprefix("W/") in cached


def _range(text: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip() for part in text.split(";"))
    quality = next((match[1] for part in parameters if (match := _QVALUE.fullmatch(part))), "1")
    return media_range.lower(), float(quality)


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    for pattern in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        qualities = [quality for media_range, quality in ranges if media_range == pattern]
        if qualities:
            return max(qualities)
    return 0.0
