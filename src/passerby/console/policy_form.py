"""A camera's privacy policy as typed texts, and its change of the site file.

Invariant: an invalid value is an error that names its key, before a change is proposed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ruamel.yaml.comments import CommentedMap

from passerby.console.site_file import Change, mapping_at
from passerby.domain.calendar import bin_length_ms, duration_ms
from passerby.domain.policy import FootagePolicy
from passerby.errors import InputError

KEYS = {
    "rho": "the longest visit that is hidden",
    "k": "how many such visits are hidden together",
    "epsilon": "total privacy budget; smaller is more private",
    "chunk": "the video is counted in pieces of this length",
    "warmup": "how much video before a piece is used",
    "clip": "the highest total of one piece",
    "every": "the length of a bin",
}
_DURATIONS = ("rho", "chunk", "warmup", "every")


def texts(policy: FootagePolicy) -> dict[str, str]:
    """The value of each key as written in the site file."""
    return {
        key: _duration(getattr(policy, f"{key}_ms")) if key in _DURATIONS else f"{getattr(policy, key):g}"
        for key in KEYS
    }


def parse(typed: Mapping[str, str]) -> FootagePolicy:
    """Raises InputError for an invalid value, PolicyError for values that cannot hold together."""
    return replace(FootagePolicy(), **{_field(key): _value(key, typed.get(key, "")) for key in KEYS})


def change_of(camera: str, policy: FootagePolicy | None, typed: Mapping[str, str]) -> Change:
    """The change of the camera's `policy` to the `typed` values: only keys that differ are written."""
    parse(typed)
    before = texts(policy) if policy is not None else {}

    def change(root: CommentedMap) -> None:
        of_camera = mapping_at(root, "cameras", camera)
        if "privacy" not in of_camera:
            of_camera["privacy"] = CommentedMap()
            of_camera["privacy"].fa.set_flow_style()
        at = mapping_at(of_camera, "privacy")
        for key in KEYS:
            text = typed.get(key, "").strip()
            if key not in before or _value(key, before[key]) != _value(key, text):
                at[key] = text if key in _DURATIONS else _value(key, text)

    return change


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
