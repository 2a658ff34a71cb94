"""A camera's privacy policy as a person types it, and as it goes to the site file.

Invariant: what cannot hold is refused by its key, before anything is proposed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ruamel.yaml.comments import CommentedMap

from passerby.console.site_file import Change, mapping_at
from passerby.domain.calendar import bin_length_ms, duration_ms
from passerby.domain.policy import Policy
from passerby.errors import InputError

KEYS = {
    "rho": "the longest visit that is hidden",
    "k": "how many such visits are hidden together",
    "epsilon": "what all releases may tell: small is private",
    "chunk": "counted apart in pieces of this length",
    "warmup": "how far a piece looks back",
    "clip": "the most that one piece may say",
    "every": "the length of a bin",
}
_DURATIONS = ("rho", "chunk", "warmup", "every")


def texts(policy: Policy) -> dict[str, str]:
    """Each key as one writes it in the site file."""
    return {
        key: _duration(getattr(policy, f"{key}_ms")) if key in _DURATIONS else f"{getattr(policy, key):g}"
        for key in KEYS
    }


def parse(said: Mapping[str, str]) -> Policy:
    """Raises InputError for what is no value, PolicyError for one that cannot hold."""
    return replace(Policy(), **{_field(key): _value(key, said.get(key, "")) for key in KEYS})


def change_of(camera: str, policy: Policy | None, said: Mapping[str, str]) -> Change:
    """The change that makes `policy`, the camera's now, what is `said`: only keys that differ are written."""
    parse(said)
    before = texts(policy) if policy is not None else {}

    def change(root: CommentedMap) -> None:
        of_camera = mapping_at(root, "cameras", camera)
        if "privacy" not in of_camera:
            of_camera["privacy"] = CommentedMap()
            of_camera["privacy"].fa.set_flow_style()
        at = mapping_at(of_camera, "privacy")
        for key in KEYS:
            text = said.get(key, "").strip()
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
