"""What a page is made from.

Invariant: facts alone; frozen.
"""

from dataclasses import dataclass

from passerby.config.site import Site
from passerby.domain import calendar
from passerby.publish.pages.counted_lines import Place
from passerby.publish.pages.filters import Choice, choose
from passerby.publish.pages.languages import Language
from passerby.publish.pages.plan import Picture
from passerby.publish.store.lazy_store import OpenedStore
from passerby.publish.store.releases import Store


@dataclass(frozen=True, slots=True)
class Served:
    """What stays while the server runs: the site, its pictures by the camera's number, and passerby's version."""

    site: Site
    plans: dict[str, Picture]
    version: str
    opened: OpenedStore


@dataclass(frozen=True, slots=True)
class Shown:
    """What one request is about: the reader's language, what the URL asked, and what was published of which lines."""

    served: Served
    language: Language
    asked: tuple[tuple[str, str], ...]
    store: Store
    places: tuple[Place, ...]
    newest_ms: int

    def choice(self) -> Choice:
        """Raises MisreadError and UnpublishedError for an address that cannot be meant."""
        return choose(self.asked, self.places, calendar.to_local(self.newest_ms, self.store.zone).date())
