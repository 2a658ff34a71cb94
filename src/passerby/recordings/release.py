"""The private path: a recording goes in, paid and noised numbers come out, and nothing else does.

    chunk     frames of its window -> boxes -> tracks -> exact counts -> clipped      contribution_of
    bin, day  paid for, counted, summed, noised, kept, published                      count_privately

Invariant: what a chunk says depends on the frames of `[start - warm-up, end)`, on its line and on configuration, and on
nothing else: not on other chunks, lines, cameras, processes, or the order of work. Nothing is logged here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path

from passerby.chunk import clipped
from passerby.config.site import CountedLine
from passerby.counting.detections import Tracks
from passerby.counting.tracker import track
from passerby.domain import calendar
from passerby.domain.policy import Policy
from passerby.domain.release import Cell, Level, Release, Sink
from passerby.domain.timespan import Span, cut
from passerby.errors import BudgetError, InputError, PolicyError
from passerby.executors.processes import Executor
from passerby.privacy import gate, plan, schedule, standing_query
from passerby.privacy.charge import Charge, Receipt, whole_chunks
from passerby.privacy.contribution import Contribution
from passerby.privacy.ledger import Ledger
from passerby.recordings import start_time
from passerby.video.detect.selection import Choice, choose
from passerby.video.observe import Recording, RecordingObservation, extent, probe, setup_for


@dataclass(frozen=True, slots=True)
class Counting:
    """One line of one recording, and how it is counted: all that a worker is told, and all of it configuration.

    `start_ms` is the Unix time (ms UTC) of the first frame; `line.policy` is what is promised.
    """

    recording: Recording
    start_ms: int
    camera: str
    line: CountedLine
    detector: str
    model_dir: Path | None = None

    @property
    def policy(self) -> Policy:
        if self.line.policy is None:
            raise PolicyError(f"camera {self.camera}, line {self.line.line.name}: expected a privacy policy")
        return self.line.policy

    @property
    def cells(self) -> tuple[Cell, ...]:
        return standing_query.cells_of(self.camera, self.line)


@dataclass(frozen=True, slots=True)
class Published:
    """What was released, in order of time; `refused` are lines for people, `again` how many slots were replayed.

    >>> published = passerby.release(
    ...     "street.mp4", passerby.load_site("site.yaml"), ledger="ledger.db", start="2026-06-01T08:00:00"
    ... )
    >>> len(published.bins) > 0, published.refused
    (True, ())
    """

    bins: tuple[Release, ...]
    days: tuple[Release, ...]
    refused: tuple[str, ...]
    again: int


def countings(
    video: Path,
    camera: str,
    lines: Sequence[CountedLine],
    *,
    detector: str = "auto",
    model_dir: Path | None = None,
    start: str | None = None,
    timezone: str | None = None,
) -> tuple[list[Counting], tzinfo]:
    """One `Counting` for each line, and the zone of its bins.

    Raises InputError where nothing tells when the recording began (two would be taken for one and the same
    time), PolicyError for a policy that cannot hold, SourceError, ModelError.
    """
    recording = probe(video)
    opened = start_time.resolve_start(
        recording.path, start=start, timezone_name=timezone, created=recording.created
    )
    if not opened.known:
        raise InputError(f"{video}: when it began is not known, so no time can be paid for: expected --start")
    named = _chosen(detector, model_dir).name
    found = [Counting(recording, opened.start_ms, camera, line, named, model_dir) for line in lines]
    for counting in found:
        plan.check(counting.policy, 1000 / recording.fps)
    return found, opened.zone


def tracks_of(counting: Counting, span: Span) -> Tracks:
    """What is seen in the window of the chunk `span`: its frames and no others exist, and the tracker is fresh."""
    recording = counting.recording
    window = Span(span.start_ms - counting.policy.warmup_ms, span.end_ms)
    looking = _chosen(counting.detector, counting.model_dir)
    setup = setup_for(recording, [counting.line.line], counting.line.corridor, looking.loaded, looking.motion)
    return track(RecordingObservation(recording, counting.start_ms, window, setup, ticks_only=True))


def contribution_of(counting: Counting, span: Span) -> Contribution:
    """What the chunk `span` says: what crossed its one line within it, clipped; zeros where it has no frame."""
    recording = counting.recording
    size = recording.width, recording.height
    return clipped(tracks_of(counting, span), counting.camera, counting.line, size, span)


@lru_cache(maxsize=4)
def _chosen(detector: str, model_dir: Path | None) -> Choice:
    """Weights, loaded once in each process: they are configuration, and remember nothing."""
    return choose(detector, model_dir)


def count_privately(
    of_camera: Sequence[Counting], zone: tzinfo, ledger: Ledger, executor: Executor, sink: Sink
) -> Published:
    """Release every bin that the recording meets, and every day that it holds whole; each is paid for first.

    What was released before is given again as it was. What the budget does not reach is left out and told in
    `refused`. Raises LedgerError when the ledger cannot be trusted; BudgetError when nothing at all was released.
    """
    recorded = recorded_span(of_camera[0])
    number = begin(of_camera, ledger)
    levels: dict[bool, dict[Span, list[Release]]] = {False: {}, True: {}}
    refused: dict[str, None] = {}
    again = 0
    for counting in of_camera:
        slots = _Slots(counting, number, ledger, recorded, zone)
        for whole_day, span, releases in slots.released(executor):
            levels[whole_day].setdefault(span, []).extend(releases)
        refused |= slots.refused
        again += slots.again
    if refused and not levels[False]:
        raise BudgetError("\n".join(refused))
    # All of it at the end: a recording's schedule has no times that its contents could move.
    prepared = sorted((*levels[False].items(), *levels[True].items()), key=lambda one: one[0].end_ms)
    schedule.publish(prepared, sink, now_ms=lambda: recorded.end_ms, wait_until=lambda _: None)
    bins, days = (
        tuple(release for _, releases in sorted(levels[level].items()) for release in releases)
        for level in (False, True)
    )
    return Published(bins, days, tuple(refused), again)


def ask_recording(
    of_camera: Sequence[Counting],
    line: str,
    span: Span,
    epsilon: float,
    ledger: Ledger,
    executor: Executor,
) -> tuple[Release, ...]:
    """Answer one question of a line over the chunks that hold `span`, at the price of `epsilon`.

    The same question again is answered as before, at no cost. Raises BudgetError when the budget does not reach.
    """
    (counting,) = (one for one in of_camera if one.line.line.name == line)
    asked = whole_chunks(span, counting.policy.chunk_ms)
    number = begin(of_camera, ledger)
    receipt = ledger.spend(
        standing_query.asked_charge(counting.policy, counting.cells, number, asked, epsilon)
    )
    recorded = recorded_span(counting)
    chunks = [] if receipt.stored else list(_chunks_of(counting, asked, recorded))
    found = executor(partial(contribution_of, counting), chunks)
    return gate.release(found, receipt, ledger, _share(asked, recorded))


def begin(of_camera: Sequence[Counting], ledger: Ledger) -> int:
    """The number of the camera's epoch: all lines of the camera are its configuration."""
    policies = [counting.policy for counting in of_camera]
    # Recordings come in any order, so the first epoch holds for all time.
    epoch = ledger.epoch(
        of_camera[0].camera,
        standing_query.configuration(of_camera[0].detector, [counting.line for counting in of_camera]),
        0,
        blackout_ms=standing_query.blackout_ms(policies),
        budget_micro=standing_query.budget_micro(policies),
    )
    return epoch.number


def recorded_span(counting: Counting) -> Span:
    """When the recording was made, by its time stamps alone. Raises SourceError."""
    found = extent(counting.recording)
    return Span(counting.start_ms, counting.start_ms + found.end_ms)


def _chunks_of(counting: Counting, span: Span, recorded: Span) -> Iterator[Span]:
    """The chunks of `span` that have any frame in their window; the others give their default, 0."""
    for chunk in cut(span, counting.policy.chunk_ms):
        window = Span(chunk.start_ms - counting.policy.warmup_ms, chunk.end_ms)
        if window.overlap_ms(recorded):
            yield chunk


def _share(span: Span, recorded: Span) -> float:
    return span.overlap_ms(recorded) / span.duration_ms


class _Slots:
    """The bins and days of one line: paid for as their chunks are handed out, released as these come back."""

    def __init__(self, counting: Counting, epoch: int, ledger: Ledger, recorded: Span, zone: tzinfo) -> None:
        self.refused: dict[str, None] = {}
        self.again = 0
        self._counting = counting
        self._epoch = epoch
        self._ledger = ledger
        self._recorded = recorded
        self._receipts: dict[tuple[bool, Span], Receipt | None] = {}
        policy = counting.policy
        self._days: dict[Span, list[Span]] = {}
        for day in calendar.bins(recorded, calendar.DAY_MS, zone):
            every = [one.span for one in calendar.bins(day.span, policy.every_ms, zone)]
            self._days[day.span] = [one for one in every if one.overlap_ms(recorded)]
            if any(edge % policy.chunk_ms for one in every for edge in (one.start_ms, one.end_ms)):
                raise PolicyError(
                    f"chunk {policy.chunk_ms} ms: in this time zone bins do not start where chunks do, "
                    "expected a chunk that divides 15 minutes"
                )
        self._home = {
            chunk.start_ms: one
            for bins in self._days.values()
            for one in bins
            for chunk in cut(one, policy.chunk_ms)
        }

    def released(self, executor: Executor) -> Iterator[tuple[bool, Span, tuple[Release, ...]]]:
        """Bins and days (True) as they are released."""
        found = executor(partial(contribution_of, self._counting), self._chunks())
        counted: dict[Span, Contribution] = {}
        for span, of_bin in groupby(found, key=lambda one: self._home[one.chunk.span.start_ms]):
            parts = list(of_bin)
            if self._owed(False, span):
                yield False, span, self._release(False, span, parts)
            counted[span] = gate.merge(parts, self._charge(False, span))
            for day, bins in self._days.items():
                if bins[-1] == span and self._owed(True, day):
                    yield (
                        True,
                        day,
                        self._release(True, day, [counted[one] for one in bins if one in counted]),
                    )
                    counted.clear()
        for (whole_day, span), receipt in self._receipts.items():
            if receipt is not None and receipt.stored is not None:
                self.again += 1
                yield whole_day, span, self._release(whole_day, span, [])

    def _chunks(self) -> Iterator[Span]:
        for day, bins in self._days.items():
            # A day that is seen in part would be paid for in whole, and never again.
            if _share(day, self._recorded) == 1:
                self._pay(True, day)
            for span in bins:
                self._pay(False, span)
                if self._owed(True, day) or self._owed(False, span):
                    yield from _chunks_of(self._counting, span, self._recorded)

    def _pay(self, whole_day: bool, span: Span) -> None:
        try:
            receipt = self._ledger.spend(self._charge(whole_day, span))
        except BudgetError as error:
            self.refused[str(error)] = None
            receipt = None
        self._receipts[whole_day, span] = receipt

    def _owed(self, whole_day: bool, span: Span) -> bool:
        """Paid for, and not released yet."""
        receipt = self._receipts.get((whole_day, span))
        return receipt is not None and receipt.stored is None

    def _charge(self, whole_day: bool, span: Span) -> Charge:
        level: Level = "day" if whole_day else "bin"
        return standing_query.standing_charge(
            self._counting.policy, self._counting.cells, self._epoch, span, level
        )

    def _release(self, whole_day: bool, span: Span, parts: Sequence[Contribution]) -> tuple[Release, ...]:
        receipt = self._receipts[whole_day, span]
        assert receipt is not None
        return gate.release(parts, receipt, self._ledger, _share(span, self._recorded))
