"""Which form an answer takes, and whether the asker has it already (RFC 9110).

Invariant: pure; the same request on the same state of the store has the same tag.
"""

import re
from collections.abc import Sequence
from hashlib import sha256

_QUALITY = re.compile(r"[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def choose(accept: str | None, offered: Sequence[str]) -> str | None:
    """The media type of `offered` that `accept` likes best, the first of equals; None when it takes none.

    A range that names the type counts before one with a star, as RFC 9110, 12.5.1 has it.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",")]
    liked = [(_liking(media_type, ranges), -index) for index, media_type in enumerate(offered)]
    best, index = max(liked)
    return offered[-index] if best > 0 else None


def entity_tag(*parts: str) -> str:
    """A weak ETag of what an answer depends on."""
    digest = sha256("\0".join(parts).encode(errors="backslashreplace")).hexdigest()
    return f'W/"{digest[:24]}"'


def has_already(if_none_match: str | None, tag: str) -> bool:
    if if_none_match is None:
        return False
    known = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in known or tag.removeprefix("W/") in known


def _range(text: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip() for part in text.split(";"))
    quality = next((found[1] for part in parameters if (found := _QUALITY.fullmatch(part))), "1")
    return media_range.lower(), float(quality)


def _liking(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    for wanted in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        qualities = [quality for media_range, quality in ranges if media_range == wanted]
        if qualities:
            return max(qualities)
    return 0.0
