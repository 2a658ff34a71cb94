"""Attacks on the promise: pairs of synthetic recordings go through the private path itself, and its noise is audited.

Invariant: the code that runs here is the code that releases; nothing of it is copied, and no check is switched off.

A pair differs only in the frames of one event. Its recordings are written without loss, each picture by itself: the
theorem is about decoded frames, and an encoder could change other frames too.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from passerby.audit import noise_audit
from passerby.audit.locality import Locality, Pair, locality_audit
from passerby.config.site import CountedLine
from passerby.domain.geometry import DEFAULT_CORRIDOR
from passerby.domain.policy import FootagePolicy
from passerby.domain.release import LEVELS, Cell
from passerby.domain.timespan import Chunk, Span, cut
from passerby.privacy import standing_query
from passerby.privacy.charge import FootageCharge
from passerby.privacy.contribution import Contribution, clip
from passerby.recordings import release
from passerby.recordings.release import Counting, Part
from passerby.synth.draw import frames
from passerby.synth.street import Actor, Kind, Street, Waypoint
from passerby.synth.truth import lines
from passerby.synth.video import write_lossless
from passerby.video.observe import probe

Image = NDArray[np.uint8]
Contributions = Callable[[Path], Iterator[Contribution]]

CAMERA = "street"
POLICY = FootagePolicy(rho_ms=4_000, k=2, chunk_ms=6_000, warmup_ms=2_000, clip=26, every_ms=60_000)
"""The policy of the pairs: short chunks, so that there are many edges; a clip that hides nothing."""
QUIET = Street(
    seed=3, duration_s=24.0, width=256, height=144, fps=12.5, density="mixed", start_ms=0, parked=0
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The street of the pairs, and the detector that counts it."""

    street: Street = QUIET
    detector: str = "motion"
    model_dir: Path | None = None

    @property
    def line(self) -> CountedLine:
        (road, *_) = lines(self.street)
        return CountedLine(road, ("person", "bicycle", "car"), DEFAULT_CORRIDOR, POLICY)

    def counting(self, video: Path) -> Counting:
        return Counting(probe(video), self.street.start_ms, CAMERA, self.line, self.detector, self.model_dir)

    def part(self, video: Path, chunks: Iterable[Span] | None = None) -> Part:
        """Chunks of the street, all of them by default, counted in one pass."""
        known = self.chunks() if chunks is None else chunks
        return Part((self.counting(video),), tuple((0, chunk) for chunk in known))

    def chunks(self) -> Iterator[Span]:
        """Every chunk of the street, and one more, whose warm-up contains the last frames of the street."""
        end_ms = self.street.start_ms + round(self.street.duration_s * 1000) + POLICY.chunk_ms
        return cut(Span(self.street.start_ms, end_ms), POLICY.chunk_ms)

    def charge(self) -> FootageCharge:
        chunks = list(self.chunks())
        span = Span(chunks[0].start_ms, chunks[-1].end_ms)
        return standing_query.standing_charge(
            POLICY, standing_query.cells_of(CAMERA, self.line), 1, span, "bin"
        )

    def counts(self, video: Path) -> Iterator[Contribution]:
        """The clipped counts of each chunk, from the private path."""
        return iter(release.contributions_of(self.part(video)))

    def fingerprints(self, video: Path) -> Iterator[Contribution]:
        """A checksum of all tracks of each chunk, as two counts.

        Any change of a box, an id or a time changes them, but for one time in 729: so a change shows even where no
        crossing changes.
        """
        return iter(release.tracked(self.part(video), fingerprint))


def fingerprint(tracks: Any, counting: Counting, span: Span) -> Contribution:
    """The checksum of `Stage.fingerprints`, of the tracks of one chunk."""
    columns = (tracks.time_ms, tracks.xyxy, tracks.tracker_id, tracks.class_id, tracks.confidence)
    code = zlib.crc32(b"".join(column.tobytes() for column in columns))
    most = counting.policy.clip
    two: list[Cell] = list(counting.cells[:2])
    counts = dict(zip(two, (code % (most + 1), code // (most + 1) % (most + 1)), strict=True))
    return clip(Chunk(counting.camera, span), counts, counting.cells, 2 * most)


class Films:
    """Recordings of one street, each with one event, written to `folder`. The street is drawn once."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self._folder = folder
        self._stage = stage
        self._pictures: list[Image] = list(frames(stage.street))
        self.empty = self._write("empty", self._pictures)

    def with_actor(self, starts_s: Sequence[float], length_s: float, appearance: int = 0) -> Pair[Path]:
        """A pair with a cyclist who appears over the road at each of these times for `length_s` seconds."""
        extra = tuple(
            Actor(
                f"actor {index}",
                Kind.CYCLIST,
                (Waypoint(start_s, -9.0, 16.0), Waypoint(start_s + length_s - 0.001, -2.0, 16.0)),
                appearance=appearance,
            )
            for index, start_s in enumerate(starts_s)
        )
        street = replace(self._stage.street, extra=extra)
        spans = self._spans([(start_s, start_s + length_s) for start_s in starts_s])
        shown = list(self._pictures)
        for number in self._within(spans):
            (shown[number],) = frames(street, first=number, last=number + 1)
        name = f"cyclist for {length_s:g} s at {', '.join(f'{one:g}' for one in starts_s)} s, appearance {appearance}"
        return Pair(name, self.empty, self._write(name.replace(" ", "-"), shown), spans)

    def with_noise(self, start_s: float, length_s: float) -> Pair[Path]:
        """A pair in which all pictures of `length_s` seconds are noise: neighbours may differ in any way at all."""
        chance = np.random.default_rng(5)
        spans = self._spans([(start_s, start_s + length_s)])
        shown = list(self._pictures)
        for number in self._within(spans):
            shown[number] = chance.integers(0, 256, shown[number].shape, np.uint8)
        name = f"noise for {length_s:g} s at {start_s:g} s"
        return Pair(name, self.empty, self._write(name.replace(" ", "-"), shown), spans)

    def _spans(self, seconds: Sequence[tuple[float, float]]) -> tuple[Span, ...]:
        begin_ms = self._stage.street.start_ms
        return tuple(Span(begin_ms + round(a * 1000), begin_ms + round(b * 1000)) for a, b in seconds)

    def _within(self, spans: Sequence[Span]) -> list[int]:
        street = self._stage.street
        times = (street.start_ms + round(street.time_s(n) * 1000) for n in range(len(self._pictures)))
        return [n for n, time_ms in enumerate(times) if any(time_ms in span for span in spans)]

    def _write(self, name: str, pictures: Sequence[Image]) -> Path:
        path = self._folder / f"{name}.mp4"
        write_lossless(pictures, path, self._stage.street)
        return path


def pairs(films: Films, *, phases: int) -> Iterator[Pair[Path]]:
    """K appearances of rho at each of `phases` phases of the chunk, each with another appearance; noise; a loiterer."""
    for number in range(phases):
        start_s = 1.0 + number * POLICY.chunk_ms / 1000 / phases
        yield films.with_actor((start_s, start_s + 12.0), POLICY.rho_ms / 1000, appearance=number)
    yield films.with_noise(8.0, POLICY.rho_ms / 1000)
    yield films.with_actor((7.0,), 3 * POLICY.rho_ms / 1000)


def locality(folder: Path, stage: Stage, *, phases: int) -> Iterator[tuple[str, Locality]]:
    """The result of each pair, by counts and by checksums of tracks; recordings are written to `folder`."""
    films = Films(folder, stage)
    charge = stage.charge()
    # A checksum may change by as much as its two cells can contain.
    wide = replace(charge, cap=2 * charge.cap)
    for pair in pairs(films, phases=phases):
        for measure, contributions, paid in (
            ("counts", stage.counts, charge),
            ("tracks", stage.fingerprints, wide),
        ):
            for found in locality_audit(contributions, [pair], paid):
                yield measure, found


def report(
    folder: Path,
    policy: FootagePolicy,
    cells: Sequence[Cell],
    stage: Stage,
    *,
    draws: int,
    per_bin: float,
    phases: int,
) -> Iterator[str]:
    """All audits, as lines of plain text: of the noise of `policy` for a line of `cells`, and of locality."""
    day = Span(0, policy.every_ms)
    for level in LEVELS:
        charge = standing_query.standing_charge(policy, cells, 1, day, level)
        for line in noise_audit.report(charge, draws=draws, per_bin=per_bin):
            yield f"{level}s: {line}"
    for measure, found in locality(folder, stage, phases=phases):
        yield (
            f"locality, {stage.detector}, {measure}: {found.name}: {found.changed} of {found.allowed} chunks changed, "
            f"the most by {found.largest} of {found.change}, outside {len(found.outside)}"
            + (f", beyond the promise: {found.factor:g} times epsilon" if found.factor > 1 else "")
            + f": {'holds' if found.holds else 'BROKEN'}"
        )
