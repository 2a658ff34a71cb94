"""The terms on which a camera's bins and days are paid for: those of the footage promise, or of the crossings promise.

Invariant: arithmetic on the site file and the calendar. Both kinds answer the same questions, and the accounts do not
ask which promise it is.
"""

from dataclasses import dataclass
from datetime import tzinfo

from passerby.config.site import Camera, CountedLine, Site
from passerby.domain import calendar
from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.domain.release import Level
from passerby.domain.timespan import Span
from passerby.errors import PolicyError, SiteError
from passerby.privacy import crossings, standing_query
from passerby.privacy.charge import Charge, site_account
from passerby.privacy.crossings import CameraTable, SiteTerms
from passerby.privacy.epochs import begin_epoch, begin_site_epoch
from passerby.privacy.ledger import Epoch, Ledger


@dataclass(frozen=True, slots=True)
class FootageTerms:
    """A camera that pays for itself; each line has a policy, and its chunks have a warm-up. `detector` is its full
    name."""

    camera: Camera
    detector: str

    @property
    def account(self) -> str:
        return self.camera.name

    @property
    def budget_micro(self) -> int:
        return standing_query.budget_micro(_policy(line) for line in self.camera.lines)

    def every_ms(self, line: CountedLine) -> int:
        return _policy(line).every_ms

    def warmup_ms(self, line: CountedLine) -> int:
        return _policy(line).warmup_ms

    def epoch(self, ledger: Ledger, today: Span) -> Epoch:
        """Raises LedgerError."""
        camera, source = self.camera, _source(self.camera)
        return begin_epoch(ledger, camera.name, self.detector, camera.lines, today.start_ms, source=source)

    def charge(self, line: CountedLine, epoch: int, span: Span, level: Level) -> Charge:
        """Raises PolicyError when the terms cannot hold."""
        cells = standing_query.cells_of(self.camera.name, line)
        return standing_query.standing_charge(_policy(line), cells, epoch, span, level)


@dataclass(frozen=True, slots=True)
class CrossingsTerms:
    """A camera of a site that pays for all of its cameras together; there is no warm-up."""

    camera: Camera
    account: str
    policy: CrossingsPolicy
    zone: tzinfo
    source: str

    @property
    def budget_micro(self) -> int:
        return standing_query.whole_micro(self.policy.epsilon)

    def every_ms(self, line: CountedLine) -> int:
        return self.policy.every_ms

    def warmup_ms(self, line: CountedLine) -> int:
        return 0

    def epoch(self, ledger: Ledger, today: Span) -> Epoch:
        """Raises LedgerError and PolicyError."""
        return begin_site_epoch(ledger, self.account, self.policy, self.zone, today.start_ms)

    def charge(self, line: CountedLine, epoch: int, span: Span, level: Level) -> Charge:
        """Raises PolicyError when the terms cannot hold."""
        site = SiteTerms(self.account, self.policy, self.zone, epoch)
        table = CameraTable(self.camera.name, self.camera.lines, self.source)
        return crossings.charge_for(site, table, line.line.name, span, level)


Terms = FootageTerms | CrossingsTerms


def terms_of(site: Site, camera: Camera, detector: str) -> Terms:
    """The terms of a camera of `site`; `detector` is its full name."""
    if site.privacy is None:
        return FootageTerms(camera, detector)
    zone = calendar.zone_of(site.timezone)
    return CrossingsTerms(camera, site_account(site.name), site.privacy, zone, _source(camera))


def _source(camera: Camera) -> str:
    """The digest of the camera's address; nothing where the address cannot be read now."""
    try:
        address = camera.watched.open_text() if camera.watched is not None else ""
    except SiteError:
        address = ""
    return crossings.source_digest(address) if address else ""


def _policy(line: CountedLine) -> FootagePolicy:
    if line.policy is None:
        raise PolicyError(f"line {line.line.name}: expected a privacy policy")
    return line.policy
