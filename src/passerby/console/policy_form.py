"""A privacy policy as typed texts, of a site or of a camera, and its change of the site file.

Invariant: an invalid value is an error that names its key, before a change is proposed.
"""

from collections.abc import Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap

from passerby.console.site_file import Change, mapping_at
from passerby.domain.calendar import bin_length_ms, duration_ms
from passerby.domain.policy import CrossingsPolicy, FootagePolicy, PromiseName
from passerby.errors import InputError

CROSSINGS_KEYS = {
    "crossings": "so many crossings of one person and day are hidden together",
    "influence": "so much one crossing changes all numbers together",
    "epsilon": "total privacy budget of a day; smaller is more private",
    "every": "the length of a bin",
    "reserve": "the share of epsilon that is kept for questions",
}
FOOTAGE_KEYS = {
    "rho": "the longest visit that is hidden",
    "k": "how many such visits are hidden together",
    "epsilon": "total privacy budget; smaller is more private",
    "chunk": "the video is counted in pieces of this length",
    "warmup": "how much video before a piece is used",
    "clip": "the highest total of one piece",
    "every": "the length of a bin",
}
_DURATIONS = ("rho", "chunk", "warmup", "every")


def keys_of(promise: PromiseName) -> dict[str, str]:
    """The keys of a policy of this promise, and what each means."""
    return CROSSINGS_KEYS if promise == "crossings" else FOOTAGE_KEYS


def texts(policy: CrossingsPolicy | FootagePolicy) -> dict[str, str]:
    """The value of each key as written in the site file."""
    keys = CROSSINGS_KEYS if isinstance(policy, CrossingsPolicy) else FOOTAGE_KEYS
    return {
        key: _duration(getattr(policy, f"{key}_ms")) if key in _DURATIONS else f"{getattr(policy, key):g}"
        for key in keys
    }


def parse(typed: Mapping[str, str], promise: PromiseName) -> CrossingsPolicy | FootagePolicy:
    """Raises InputError for an invalid value, PolicyError for values that cannot hold together."""
    values = {_field(key): _value(key, typed.get(key, "")) for key in keys_of(promise)}
    return CrossingsPolicy(**values) if promise == "crossings" else FootagePolicy(**values)


def change_of(camera: str, policy: FootagePolicy | None, typed: Mapping[str, str]) -> Change:
    """The change of the camera's `policy` of the footage promise to the `typed` values: only keys that differ are
    written."""
    parse(typed, "footage")
    before = texts(policy) if policy is not None else {}

    def change(root: CommentedMap) -> None:
        _write(mapping_at(root, "cameras", camera), before, typed)

    return change


def change_of_site(policy: CrossingsPolicy, typed: Mapping[str, str]) -> Change:
    """The change of the site's `policy` of the crossings promise to the `typed` values, in the same way."""
    parse(typed, "crossings")
    before = texts(policy)

    def change(root: CommentedMap) -> None:
        if any(_value(key, before[key]) != _value(key, typed.get(key, "")) for key in before):
            _write(root, before, typed)

    return change


def _write(holder: CommentedMap, before: Mapping[str, str], typed: Mapping[str, str]) -> None:
    """Write the typed values that differ from those `before` into the key `privacy` of `holder`."""
    if holder.get("privacy") is None:
        holder["privacy"] = CommentedMap()
        holder["privacy"].fa.set_flow_style()
    at = mapping_at(holder, "privacy")
    for key, text in typed.items():
        if key not in before or _value(key, before[key]) != _value(key, text):
            at[key] = text.strip() if key in _DURATIONS else _value(key, text)


def _field(key: str) -> str:
    return f"{key}_ms" if key in _DURATIONS else key


def _value(key: str, text: str) -> Any:
    text = text.strip()
    if key == "every":
        return bin_length_ms(text)
    if key == "warmup" and text in ("0", "0s"):
        return 0
    if key in _DURATIONS:
        return duration_ms(text)
    try:
        number = float(text)
        return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        raise InputError(f"{key}: found {text[:40]!r}, expected a number") from None


def _duration(length_ms: int) -> str:
    if length_ms and length_ms % 60_000 == 0:
        return f"{length_ms // 60_000}m"
    return f"{length_ms // 1000}s" if length_ms % 1000 == 0 else f"{length_ms}ms"
