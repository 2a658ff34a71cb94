"""The private path of the footage promise: a recording goes in, paid and noised numbers come out, nothing else does.

    chunk     frames of its window -> boxes -> tracks -> exact counts -> clipped      contributions_of
    bin, day  paid for, counted, added up, noised, kept, published                    count_privately

Invariant: the counts of a chunk depend on the frames of `[start - warm-up, end)`, on its line and on configuration, and
on nothing else: not on other chunks, lines, cameras, processes, or the order of work. Nothing is logged here.

A recording is decoded once, whatever the number of its lines: in parts of a few minutes, so that a crash loses only the
bins of a part, and so that several processes can count.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from hashlib import sha256
from heapq import merge
from pathlib import Path
from typing import TypeVar

from passerby.chunk import clipped
from passerby.config.site import CountedLine
from passerby.counting.detections import Detections, Tracks
from passerby.counting.tracker import track
from passerby.domain import calendar
from passerby.domain.policy import FootagePolicy
from passerby.domain.release import Cell, Level, Release, Sink
from passerby.domain.timespan import Span, cut
from passerby.errors import BudgetError, InputError, PolicyError
from passerby.executors.processes import Executor
from passerby.io.sources import Place
from passerby.privacy import plan, standing_query
from passerby.privacy.accounts import Accounts
from passerby.privacy.charge import whole_chunks
from passerby.privacy.contribution import Contribution
from passerby.privacy.epochs import begin_epoch
from passerby.privacy.ledger import Ledger
from passerby.recordings import start_time
from passerby.video.detect.selection import Choice, choose
from passerby.video.observe import DetectionSetup, Recording, extent, probe, setup_for
from passerby.video.recorded_windows import Window, concluded

T = TypeVar("T")

PART_MS, SHARED_PART_MS, SHORTEST_PART_MS = 240_000, 60_000, 30_000
"""A recording is decoded in parts of PART_MS, or of at most SHARED_PART_MS where several processes count."""
_END_OF_TIME_MS = 2**62
_GAP_MS = 30_000
"""Where so much need not be counted, it is not decoded either."""


@dataclass(frozen=True, slots=True)
class Counting:
    """One line of one recording, and how it is counted: configuration alone, small enough to send to a worker.

    `start_ms` is the Unix time (ms UTC) of the first frame; `line.policy` is the promise.
    """

    recording: Recording
    start_ms: int
    camera: str
    line: CountedLine
    detector: str
    model_dir: Path | None = None

    @property
    def policy(self) -> FootagePolicy:
        if self.line.policy is None:
            raise PolicyError(f"camera {self.camera}, line {self.line.line.name}: expected a privacy policy")
        return self.line.policy

    @property
    def cells(self) -> tuple[Cell, ...]:
        return standing_query.cells_of(self.camera, self.line)


@dataclass(frozen=True, slots=True)
class Part:
    """Chunks of one recording that are counted in one pass: (number of the line in `countings`, chunk)."""

    countings: tuple[Counting, ...]
    chunks: tuple[tuple[int, Span], ...]


@dataclass(frozen=True, slots=True)
class Published:
    """The releases, in order of time; `refused` are lines for people; `again`: so many slots were replayed.

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

    Raises InputError where nothing says when the recording began (two recordings would be taken for one time),
    PolicyError for a policy that cannot hold, SourceError, ModelError.
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


def window_of(counting: Counting, chunk: Span) -> Span:
    """The frames that the counts of a chunk may depend on: those of the chunk and of its warm-up."""
    return Span(chunk.start_ms - counting.policy.warmup_ms, chunk.end_ms)


def tracked(part: Part, conclude: Callable[[Tracks, Counting, Span], T]) -> list[T]:
    """An answer for each chunk of `part`, in its order, from the tracks of the chunk's window, with a fresh tracker."""

    def window(number: int, chunk: Span) -> Window[T]:
        counting = part.countings[number]

        def answer(ticks: Iterable[Detections]) -> T:
            return conclude(track(ticks), counting, chunk)

        return Window(window_of(counting, chunk), setups[number], answer)

    setups = [_setup(counting) for counting in part.countings]
    first = part.countings[0]
    return concluded(
        first.recording, first.start_ms, [window(number, chunk) for number, chunk in part.chunks]
    )


def contributions_of(part: Part) -> list[Contribution]:
    """The clipped counts of each chunk of `part`, in its order; zeros for a chunk that has no frame."""
    return tracked(part, _clipped)


def _clipped(tracks: Tracks, counting: Counting, chunk: Span) -> Contribution:
    size = counting.recording.width, counting.recording.height
    return clipped(tracks, counting.camera, counting.line, size, chunk)


def _setup(counting: Counting) -> DetectionSetup:
    chosen = _chosen(counting.detector, counting.model_dir)
    return setup_for(
        counting.recording, [counting.line.line], counting.line.corridor, chosen.loaded, chosen.motion
    )


@lru_cache(maxsize=4)
def _chosen(detector: str, model_dir: Path | None) -> Choice:
    """Weights, loaded once in each process: they are configuration, and remember nothing."""
    return choose(detector, model_dir)


def count_privately(
    of_camera: Sequence[Counting],
    zone: tzinfo,
    ledger: Ledger,
    executor: Executor,
    sink: Sink,
    jobs: int = 1,
) -> Published:
    """Release every bin that the recording meets, and every day that it holds whole; each is paid for first.

    `jobs` is the number of processes of `executor`. Slots that were released before are published again as they were.
    Slots that the budget does not reach are left out, and named in `refused`. Raises LedgerError when the ledger cannot
    be trusted; BudgetError when nothing at all was released; PolicyError where bins cut chunks.
    """
    recorded = recorded_span(of_camera[0])
    for counting in of_camera:
        standing_query.check_chunk_edges(counting.policy, recorded, zone)
    run = _Run(tuple(of_camera), Accounts(ledger), begin(of_camera, ledger), recorded)
    lines = (run.chunks_of(number, zone) for number in range(len(of_camera)))
    chunks = merge(*lines, key=lambda one: one[1].start_ms)
    for chunk_ms in run.count(chunks, executor, jobs):
        # Chunks come in order of their start, so no chunk of a bin that ended before is missing.
        run.draw_ended(chunk_ms)
    run.draw_ended(_END_OF_TIME_MS)
    bins, days = collected(run.accounts, sink)
    if run.refused and not bins:
        raise BudgetError("\n".join(run.refused))
    return Published(bins, days, tuple(run.refused), run.again)


def collected(accounts: Accounts, sink: Sink) -> tuple[tuple[Release, ...], tuple[Release, ...]]:
    """Publish all that was drawn to `sink`, and return the bins and the days of it, each in order of time.

    All of it at the end: a recording's schedule has no times that its contents could move.
    """
    levels: dict[Level, dict[Span, list[Release]]] = {"bin": {}, "day": {}}

    def publish(releases: tuple[Release, ...], level: Level) -> None:
        levels[level].setdefault(Span(releases[0].start_ms, releases[0].end_ms), []).extend(releases)
        for release in releases:
            sink(release)

    accounts.publish(_END_OF_TIME_MS, publish)
    bins, days = (
        tuple(release for _, releases in sorted(levels[level].items()) for release in releases)
        for level in levels
    )
    return bins, days


def ask_recording(
    of_camera: Sequence[Counting],
    line: str,
    span: Span,
    epsilon: float,
    ledger: Ledger,
    executor: Executor,
    jobs: int = 1,
) -> tuple[Release, ...]:
    """Answer one question of a line over the chunks that hold `span`, at the price of `epsilon`.

    The same question again is answered as before, at no cost. Raises BudgetError when the budget does not reach.
    """
    (counting,) = (known for known in of_camera if known.line.line.name == line)
    asked = whole_chunks(span, counting.policy.chunk_ms)
    recorded = recorded_span(counting)
    run = _Run((counting,), Accounts(ledger), begin(of_camera, ledger), recorded)
    charge = standing_query.ad_hoc_charge(counting.policy, counting.cells, run.epoch, asked, epsilon)
    open_bin = run.accounts.pay(charge, "bin")
    if open_bin.receipt.stored is not None:
        run.accounts.replay(open_bin, open_bin.span.end_ms)
    else:
        chunks = ((0, chunk) for chunk in _chunks_with_frames(counting, asked, recorded))
        for _ in run.count(chunks, executor, jobs):
            pass
    run.draw_ended(_END_OF_TIME_MS)
    answer, _ = collected(run.accounts, lambda release: None)
    return answer


def begin(of_camera: Sequence[Counting], ledger: Ledger) -> int:
    """The number of the camera's epoch: all lines of the camera are its configuration."""
    first = of_camera[0]
    # Recordings come in any order, so the first epoch holds for all time.
    source = source_of(first.recording.path)
    lines = [counting.line for counting in of_camera]
    return begin_epoch(ledger, first.camera, first.detector, lines, 0, source=source).number


def source_of(recording: Place) -> str:
    """A short name of the place of a recording, for the ledger: no digest of its content, which would be a trace of
    it."""
    place = str(recording.resolve()) if isinstance(recording, Path) else str(recording)
    return sha256(place.encode(errors="surrogatepass")).hexdigest()[:16]


def recorded_span(counting: Counting) -> Span:
    """When the recording was made, by its time stamps alone. Raises SourceError."""
    found = extent(counting.recording)
    return Span(counting.start_ms, counting.start_ms + found.end_ms)


def _chunks_with_frames(counting: Counting, span: Span, recorded: Span) -> Iterator[Span]:
    """The chunks of `span` that have any frame in their window; the others give their default, 0."""
    for chunk in cut(span, counting.policy.chunk_ms):
        if window_of(counting, chunk).overlap_ms(recorded):
            yield chunk


@dataclass(slots=True)
class _Run:
    """One pass over a recording: bins and days of its lines are paid for as their chunks are handed out."""

    countings: tuple[Counting, ...]
    accounts: Accounts
    epoch: int
    recorded: Span
    refused: dict[str, None] = field(default_factory=dict)
    again: int = 0

    def chunks_of(self, number: int, zone: tzinfo) -> Iterator[tuple[int, Span]]:
        """The chunks of a line that have to be counted, in order of time; their bins and days are paid for first."""
        counting = self.countings[number]
        for day in calendar.bins(self.recorded, calendar.DAY_MS, zone):
            # A day that is recorded in part would be paid for in whole, and never again.
            whole = day.span.overlap_ms(self.recorded) == day.span.duration_ms
            owed = whole and self._pay(counting, day.span, "day")
            for one in calendar.bins(day.span, counting.policy.every_ms, zone):
                if not one.span.overlap_ms(self.recorded):
                    continue
                if self._pay(counting, one.span, "bin") or owed:
                    for chunk in _chunks_with_frames(counting, one.span, self.recorded):
                        yield number, chunk

    def count(self, chunks: Iterator[tuple[int, Span]], executor: Executor, jobs: int) -> Iterator[int]:
        """Add the counts of `chunks`, which come in order of their start; after each part, the start of its last."""
        for counted in executor(contributions_of, self._parts(chunks, jobs)):
            for contribution in counted:
                covered_ms = contribution.chunk.span.overlap_ms(self.recorded)
                self.accounts.add(contribution, self.epoch, covered_ms=covered_ms)
            yield counted[-1].chunk.span.start_ms

    def draw_ended(self, now_ms: int) -> None:
        for open_bin in self.accounts.ended(now_ms):
            self.accounts.draw(open_bin, due_ms=open_bin.span.end_ms)

    def _parts(self, chunks: Iterator[tuple[int, Span]], jobs: int) -> Iterator[Part]:
        longest_ms = PART_MS
        if jobs > 1:
            longest_ms = max(SHORTEST_PART_MS, min(SHARED_PART_MS, self.recorded.duration_ms // (2 * jobs)))
        part: list[tuple[int, Span]] = []
        for number, chunk in chunks:
            # Chunks that start together stay together: see `count_privately`.
            if part and chunk.start_ms > part[-1][1].start_ms:
                long = chunk.start_ms - part[0][1].start_ms >= longest_ms
                if long or chunk.start_ms - part[-1][1].end_ms > _GAP_MS:
                    yield Part(self.countings, tuple(part))
                    part = []
            part.append((number, chunk))
        if part:
            yield Part(self.countings, tuple(part))

    def _pay(self, counting: Counting, span: Span, level: Level) -> bool:
        """Whether its chunks are to be counted: it is paid for, and not released yet."""
        try:
            open_bin = self.accounts.pay(
                standing_query.standing_charge(counting.policy, counting.cells, self.epoch, span, level),
                level,
            )
        except BudgetError as error:
            self.refused[str(error)] = None
            return False
        if open_bin.receipt.stored is None:
            return True
        self.accounts.replay(open_bin, open_bin.span.end_ms)
        self.again += 1
        return False
