"""The facts that pages are made from: those of the server and those of one request.

Invariant: frozen facts only.
"""

from dataclasses import dataclass

from passerby.config.site import Site
from passerby.domain import calendar
from passerby.publish.pages.filters import Filters, filters_of
from passerby.publish.pages.languages import Language
from passerby.publish.pages.plan import PlanImage
from passerby.publish.pages.published_lines import PublishedLine
from passerby.publish.store.lazy_store import LazyStore
from passerby.publish.store.releases import Store


@dataclass(frozen=True, slots=True)
class ServerContext:
    """Facts that stay the same while the server runs; `plans` are the pictures by the number of their camera."""

    site: Site
    plans: dict[str, PlanImage]
    version: str
    lazy_store: LazyStore


@dataclass(frozen=True, slots=True)
class PageContext:
    """One request: the reader's language, the parameters of the URL, and the published lines; `newest_ms` is the start
    of the latest bin (Unix ms UTC)."""

    server: ServerContext
    language: Language
    parameters: tuple[tuple[str, str], ...]
    store: Store
    lines: tuple[PublishedLine, ...]
    newest_ms: int

    def filters(self) -> Filters:
        """Raises UrlError for a URL that is not valid, UnpublishedNameError for a name without numbers."""
        newest = calendar.to_local(self.newest_ms, self.store.zone).date()
        return filters_of(self.parameters, self.lines, newest)
