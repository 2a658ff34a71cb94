"""What is counted, in words: classes, and the directions that have no name of their own.

Invariant: closed: a name that somebody chose is shown as it was given.
"""

from passerby.domain.geometry import DIRECTIONS
from passerby.publish.pages.languages import Language


def of_label(label: str, language: Language) -> str:
    """The plural of a class, as a heading has it."""
    say = language.say
    return {
        "person": say("People"),
        "bicycle": say("Bicycles"),
        "motorcycle": say("Motorcycles"),
        "car": say("Cars"),
        "bus": say("Buses"),
        "truck": say("Trucks"),
        "vehicle": say("Motor vehicles"),
    }.get(label, label)


def in_text(label: str, language: Language) -> str:
    """The plural of a class, as the middle of a sentence has it."""
    say = language.say
    return {
        "person": say("people"),
        "bicycle": say("bicycles"),
        "motorcycle": say("motorcycles"),
        "car": say("cars"),
        "bus": say("buses"),
        "truck": say("trucks"),
        "vehicle": say("motor vehicles"),
    }.get(label, label)


def of_direction(direction: str, language: Language) -> str:
    """`in`, `out` and the two names of a line that has none; any other is a name."""
    say = language.say
    to_right, to_left = DIRECTIONS
    return {
        to_right: say("to the right"),
        to_left: say("to the left"),
        "in": say("in"),
        "out": say("out"),
    }.get(direction, direction)
