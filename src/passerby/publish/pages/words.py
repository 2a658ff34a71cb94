"""The names of classes, directions, lengths of time and intervals in the reader's language.

Invariant: only the program's own names are translated; a name that the operator chose is shown as it is.
"""

from passerby.domain.calendar import DAY_MS
from passerby.domain.geometry import DIRECTIONS
from passerby.publish.pages.languages import Language
from passerby.publish.store.rollup import HOUR_MS


def class_heading(label: str, language: Language) -> str:
    """The plural of a class, for a heading."""
    translate = language.translate
    return {
        "person": translate("People"),
        "bicycle": translate("Bicycles"),
        "motorcycle": translate("Motorcycles"),
        "car": translate("Cars"),
        "bus": translate("Buses"),
        "truck": translate("Trucks"),
        "vehicle": translate("Motor vehicles"),
        "unknown": translate("Not told apart"),
    }.get(label, label)


def class_in_text(label: str, language: Language) -> str:
    """The plural of a class, for the middle of a sentence."""
    translate = language.translate
    return {
        "person": translate("people"),
        "bicycle": translate("bicycles"),
        "motorcycle": translate("motorcycles"),
        "car": translate("cars"),
        "bus": translate("buses"),
        "truck": translate("trucks"),
        "vehicle": translate("motor vehicles"),
        "unknown": translate("crossings not told apart"),
    }.get(label, label)


def direction_name(direction: str, language: Language) -> str:
    """The name of a direction; `in`, `out`, `to_right` and `to_left` are translated."""
    translate = language.translate
    to_right, to_left = DIRECTIONS
    return {
        to_right: translate("to the right"),
        to_left: translate("to the left"),
        "in": translate("in"),
        "out": translate("out"),
    }.get(direction, direction)


def interval_name(language: Language) -> str:
    """The name of the interval of a published number: 95% range."""
    return language.translate("{share} range", share=language.share(0.95))


def length_text(length_ms: int, language: Language) -> str:
    """The length of a bar, such as 15 minutes or 1 day."""
    if length_ms % DAY_MS == 0:
        return language.translate_plural("{n} day", "{n} days", length_ms // DAY_MS)
    if length_ms % HOUR_MS == 0:
        return language.translate_plural("{n} hour", "{n} hours", length_ms // HOUR_MS)
    if length_ms % 60_000 == 0:
        return language.translate_plural("{n} minute", "{n} minutes", length_ms // 60_000)
    return language.translate_plural("{n} second", "{n} seconds", length_ms // 1000)
