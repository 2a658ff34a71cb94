"""The price of a release, and whether the charges so far leave room for it.

Invariant: pure arithmetic on integers; a refusal depends on charges and configuration only, never on a count.

Proof that the sum by pool and by start of segment is enough: docs/proofs/sensitivity.md, 4; for the pools of a
site: docs/proofs/crossings.md, 4.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any, Protocol

from passerby.domain.policy import PromiseName
from passerby.domain.release import Cell
from passerby.domain.timespan import Span
from passerby.errors import PolicyError
from passerby.privacy.contribution import Contribution, sensitivity, within
from passerby.privacy.noise import MICRO


def micro_epsilon(epsilon: float) -> int:
    """Epsilon in millionths, rounded up. Raises PolicyError when it is not a number above 0."""
    value = Decimal(str(epsilon))
    if not value.is_finite() or value <= 0:
        raise PolicyError(f"epsilon {epsilon}: expected a number above 0")
    return int((value * MICRO).to_integral_value(ROUND_CEILING))


def epsilon_text(epsilon_micro: int) -> str:
    """Micro-epsilons as an exact decimal number: `0.3` and not a rounded one."""
    return f"{(Decimal(epsilon_micro) / MICRO).normalize():f}"


def whole_chunks(span: Span, chunk_ms: int) -> Span:
    """The chunks that hold all of `span`: a recording is charged for whole chunks."""
    return Span(span.start_ms // chunk_ms * chunk_ms, -(-span.end_ms // chunk_ms) * chunk_ms)


_SITE = " "
"""The account of a site begins with it, which no camera's name does."""


def site_account(site: str) -> str:
    """The account of a whole site, which pays under the crossings promise: a name that no camera can have."""
    return f"{_SITE}site {site}"


def is_site(account: str) -> bool:
    return account.startswith(_SITE)


def account_text(account: str) -> str:
    """The account in words: `site quay` or `camera north`."""
    return account.strip() if is_site(account) else f"camera {account}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A part of the budget that a charge has to stay within: its `name` in words, and its micro-epsilons."""

    name: str
    micro: int


class Charge(Protocol):
    """The price of one release, and all that the ledger, the gate and the engine ask of it.

    A promise has a kind of charge of its own: how far a neighbour changes the counts (`delta`), which instants are
    charged (`covers`), and which contributions the sensitivity allows for.
    """

    @property
    def camera(self) -> str:
        """The camera whose line is counted."""

    @property
    def promise(self) -> PromiseName: ...

    @property
    def account(self) -> str:
        """The account that pays: the camera, or its site (`site_account`)."""

    @property
    def epoch(self) -> int: ...

    @property
    def query(self) -> str:
        """The name of the slots of one line and level: they are disjoint in time."""

    @property
    def pool(self) -> str:
        """The slots of a pool that cover one instant share one epsilon: all of their noise is calibrated to it and to
        one Delta. The query, or the first word of it where several queries are one pool."""

    @property
    def limit(self) -> Limit | None:
        """The part of the budget for this charge and those that `shares_limit`; None for all of it."""

    @property
    def takes_rest(self) -> bool:
        """Whether it is paid for just before its noise is drawn, with all that is left, up to `epsilon_micro`."""

    @property
    def span(self) -> Span: ...

    @property
    def cells(self) -> tuple[Cell, ...]: ...

    @property
    def epsilon_micro(self) -> int: ...

    @property
    def delta(self) -> int:
        """The L1 sensitivity that the noise is calibrated to, over all slots of the pool."""

    @property
    def covers(self) -> Span:
        """The budget of every instant in this span is charged."""

    @property
    def terms(self) -> dict[str, Any]:
        """All that the ledger writes of it beside the columns of an entry."""

    def with_epsilon(self, epsilon_micro: int) -> "Charge": ...

    def shares_limit(self, terms: Mapping[str, Any]) -> bool:
        """Whether a charge with these terms counts towards `limit` too."""

    def conflict(self, terms: Mapping[str, Any]) -> str | None:
        """Why this charge cannot stand beside one of its pool with these terms at the same time; None where it can."""

    def allows(self, contribution: Contribution) -> bool:
        """Whether a sum of chunks is one that the sensitivity allows for."""

    def allows_chunk(self, contribution: Contribution) -> bool:
        """The same of a single chunk."""


@dataclass(frozen=True, slots=True)
class FootageCharge:
    """The charge of the event-duration promise: `epsilon_micro` for `cells` of one camera over `span`.

    Durations in ms. Raises PolicyError when the terms cannot hold: nothing to release, no epsilon, an edge inside a
    chunk.
    """

    camera: str
    epoch: int
    query: str
    span: Span
    cells: tuple[Cell, ...]
    epsilon_micro: int
    rho_ms: int
    k: int
    chunk_ms: int
    warmup_ms: int
    cap: int
    lookahead_ms: int = 0
    limit: Limit | None = None

    def __post_init__(self) -> None:
        where = f"camera {self.camera}, query {self.query}"
        if not self.cells or len(set(self.cells)) != len(self.cells):
            raise PolicyError(f"{where}: expected at least one cell, each once")
        if any(cell.camera != self.camera for cell in self.cells):
            raise PolicyError(f"{where}: a cell of another camera")
        for name in ("epsilon_micro", "rho_ms", "k", "chunk_ms", "cap"):
            if getattr(self, name) <= 0:
                raise PolicyError(f"{where}: {name} {getattr(self, name)}: expected more than 0")
        if self.warmup_ms < 0 or self.lookahead_ms < 0:
            raise PolicyError(f"{where}: expected a warm-up and a look-ahead of 0 or more")
        if (
            self.span.duration_ms == 0
            or self.span.start_ms % self.chunk_ms
            or self.span.end_ms % self.chunk_ms
        ):
            raise PolicyError(f"{where}: expected a span that starts and ends where chunks do")

    @property
    def promise(self) -> PromiseName:
        return "footage"

    @property
    def account(self) -> str:
        return self.camera

    @property
    def pool(self) -> str:
        return self.query

    @property
    def takes_rest(self) -> bool:
        return False

    @property
    def delta(self) -> int:
        """Delta, the L1 sensitivity that the noise is calibrated to."""
        return sensitivity(
            rho_ms=self.rho_ms,
            k=self.k,
            chunk_ms=self.chunk_ms,
            warmup_ms=self.warmup_ms,
            cap=self.cap,
            cells=len(self.cells),
            lookahead_ms=self.lookahead_ms,
        ).delta

    @property
    def covers(self) -> Span:
        """The instants at which a segment can start that touches this release: a margin of rho + w + a."""
        return Span(self.span.start_ms - self.warmup_ms - self.rho_ms, self.span.end_ms + self.lookahead_ms)

    @property
    def terms(self) -> dict[str, Any]:
        terms = asdict(self)
        # The limit decides whether it is paid for, and nothing of what is released.
        del terms["span"], terms["limit"]
        return {**terms, "delta": self.delta}

    def with_epsilon(self, epsilon_micro: int) -> "FootageCharge":
        return replace(self, epsilon_micro=epsilon_micro)

    def shares_limit(self, terms: Mapping[str, Any]) -> bool:
        return bool(terms["cells"][0]["line"] == self.cells[0].line)

    def conflict(self, terms: Mapping[str, Any]) -> str | None:
        return None

    def allows(self, contribution: Contribution) -> bool:
        return within(contribution, self.cap, -(-contribution.chunk.span.duration_ms // self.chunk_ms))

    def allows_chunk(self, contribution: Contribution) -> bool:
        return within(contribution, self.cap) and contribution.chunk.span.duration_ms == self.chunk_ms


@dataclass(frozen=True, slots=True)
class Stored:
    """The values that were released under a receipt: a signed integer for each cell; coverage in millionths, and of
    that the part that the sender's clock dated, None where that is not known."""

    values: tuple[int, ...]
    coverage_micro: int
    sender_micro: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that `charge` is paid: `id` is the hash of its entry. `stored`: the values that it has released before."""

    charge: Charge
    id: str
    stored: Stored | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """A charge as the budget sees it: `pool` is unique within the account, its slots share `epsilon_micro`."""

    pool: str
    covers: Span
    epsilon_micro: int


def peak(charges: Iterable[Spent], over: Span) -> int:
    """The most micro-epsilons that any one segment costs that starts within `over`.

    At each start, the pools that cover it are added up, each once, however many of its slots do.
    """
    steps: list[tuple[int, int, str, int]] = []
    for charge in charges:
        start = max(charge.covers.start_ms, over.start_ms)
        end = min(charge.covers.end_ms, over.end_ms)
        if start < end:
            steps.append((start, 1, charge.pool, charge.epsilon_micro))
            steps.append((end, -1, charge.pool, charge.epsilon_micro))
    covering: dict[str, int] = {}
    cost = most = 0
    for _, change, pool, epsilon_micro in sorted(steps):
        before = covering.get(pool, 0)
        covering[pool] = before + change
        if before == 0 or covering[pool] == 0:
            cost += change * epsilon_micro
        most = max(most, cost)
    return most
