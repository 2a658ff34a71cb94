"""Errors in the URL of a page, shown in the reader's language.

Invariant: each message is in the catalogue; text from the URL is inserted as text, cut to 40 characters.
"""

from passerby.errors import InputError, UnknownNameError
from passerby.publish.pages.languages import Language

_LONGEST = 40


class UrlError(InputError):
    """A URL that is not valid. `message` is in the catalogue, with the names of `values` in braces."""

    def __init__(self, message: str, **values: str) -> None:
        super().__init__(message.format(**values))
        self._message, self._values = message, values

    def translated(self, language: Language) -> str:
        return language.translate(self._message, **self._values)


class UnpublishedNameError(UrlError, UnknownNameError):
    """A URL with a name that has no published numbers."""


class NothingPublishedError(UnpublishedNameError):
    """Any URL of a site that has no published numbers yet."""


def quoted(text: str) -> str:
    """Text from the URL in quotation marks, cut to 40 characters."""
    return repr(text[:_LONGEST])
