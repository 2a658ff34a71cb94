"""What an address cannot mean, to be told in the reader's language.

Invariant: a message is one of the catalogue's, and what a reader typed is put into it as text, cut short.
"""

from passerby.errors import InputError, UnknownNameError
from passerby.publish.pages.languages import Language

_LONGEST = 40


class MisreadError(InputError):
    """An address that cannot be meant; `message` has `values` in the places that it names in braces."""

    def __init__(self, message: str, **values: str) -> None:
        super().__init__(message.format(**values))
        self._message, self._values = message, values

    def told(self, language: Language) -> str:
        return language.say(self._message, **self._values)


class UnpublishedError(MisreadError, UnknownNameError):
    """An address of what was never published."""


class NotYetError(UnpublishedError):
    """Any address of a site of which nothing was published yet."""


def typed(text: str) -> str:
    """What was typed, in quotation marks."""
    return repr(text[:_LONGEST])
