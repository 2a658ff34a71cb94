"""Numbers with their nouns, in the lines that people read.

Invariant: standard library only; one thing is never written as several.
"""


def counted_noun(number: int, singular: str) -> str:
    """A number and its noun: `1 chunk`, `2 chunks`."""
    return f"{number:,} {singular}" if number == 1 else f"{number:,} {singular}s"
