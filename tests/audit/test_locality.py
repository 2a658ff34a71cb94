"""Locality of the real counting, on pairs of synthetic pictures with an actor put in or taken out."""

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from passerby.audit.locality import Pair, locality_audit, same_audit
from passerby.counting.detections import Detections
from passerby.counting.tracker import track
from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span
from passerby.privacy.charge import FootageCharge
from passerby.privacy.contribution import Contribution, clip
from passerby.synth import Actor, Kind, Street, Waypoint, frames
from passerby.video.decode.frame import Frame
from passerby.video.motion import background_subtraction
from passerby.video.observe import DetectionSetup, Observation

pytestmark = pytest.mark.slow

SECONDS, FPS, WARMUP_MS, CHUNK_MS = 24, 12.5, 2_000, 6_000
QUIET = Street(
    seed=3, duration_s=float(SECONDS), width=256, height=144, fps=FPS, density="mixed", start_ms=0, parked=0
)
Film = tuple[Frame, ...]
CELLS = tuple(Cell("north", "road", direction, "any") for direction in ("to_left", "to_right"))
CAP = 26


def paid_for(warmup_ms: int = WARMUP_MS) -> FootageCharge:
    """rho 4 s, K 2."""
    return FootageCharge(
        camera="north",
        epoch=1,
        query="all lines",
        span=Span(0, SECONDS * 1000),
        cells=CELLS,
        epsilon_micro=1_000_000,
        rho_ms=4_000,
        k=2,
        chunk_ms=CHUNK_MS,
        warmup_ms=warmup_ms,
        cap=CAP,
    )


def film(street: Street, without: Sequence[str] = ()) -> Film:
    images = frames(street, without)
    return tuple(
        Frame.from_bgr(round(street.time_s(number) * 1000), image) for number, image in enumerate(images)
    )


@lru_cache(maxsize=1)
def empty() -> Film:
    return film(QUIET)


def with_actor(starts_s: Sequence[float], length_s: float = 4.0) -> tuple[Film, tuple[Span, ...]]:
    """The street with someone on a bicycle who appears over the road at each of these times, and is gone again."""
    extra = tuple(
        Actor(
            f"actor {index}",
            Kind.CYCLIST,
            (Waypoint(start_s, -5.0, 6.0), Waypoint(start_s + length_s - 0.001, 5.0, 6.0)),
        )
        for index, start_s in enumerate(starts_s)
    )
    street = replace(QUIET, extra=extra)
    spans = tuple(Span(round(s * 1000), round((s + length_s) * 1000)) for s in starts_s)
    pictures = list(empty())
    for number, frame in enumerate(pictures):
        if any(frame.time_ms in span for span in spans):
            (image,) = frames(street, first=number, last=number + 1)
            pictures[number] = Frame.from_bgr(frame.time_ms, image)
    return tuple(pictures), spans


def fingerprint(seen: Sequence[Detections], span: Span) -> Contribution:
    """A chunk's tracks as two small counts: whatever changes in any box, id or time changes them, but for one time
    in 729. It lets nothing hide that mere crossings might."""
    tracks = track(seen)
    rows = [
        tracks.time_ms.tobytes(),
        tracks.xyxy.tobytes(),
        tracks.tracker_id.tobytes(),
        tracks.class_id.tobytes(),
    ]
    code = zlib.crc32(b"".join(rows))
    counts = dict(zip(CELLS, (code % (CAP + 1), code // (CAP + 1) % (CAP + 1)), strict=True))
    return clip(Chunk("north", span), counts, CELLS, CAP)


def chunks() -> Iterator[Span]:
    return (Span(start, start + CHUNK_MS) for start in range(0, SECONDS * 1000, CHUNK_MS))


def within(pictures: Film, span: Span) -> list[Frame]:
    window = Span(max(0, span.start_ms - WARMUP_MS), span.end_ms)
    return [frame for frame in pictures if frame.time_ms in window]


@lru_cache(maxsize=8)
def by_window(pictures: Film) -> tuple[Contribution, ...]:
    """As the private path has to: a chunk sees the frames of its window, and no others exist for it."""
    return tuple(
        fingerprint(list(Observation(within(pictures, span), DetectionSetup((), motion=True))), span)
        for span in chunks()
    )


def in_one_go(pictures: Film) -> Iterator[Contribution]:
    """As one's own recording is counted: motion looks over all of it, only the tracker is fresh in each chunk."""
    seen = list(Observation(pictures, DetectionSetup((), motion=True)))
    for span in chunks():
        window = Span(max(0, span.start_ms - WARMUP_MS), span.end_ms)
        yield fingerprint([one for one in seen if one.time_ms in window], span)


@pytest.mark.parametrize("phase_s", [0.0, 1.9, 4.4])
def test_chunks_that_see_their_window_alone_are_local(phase_s: float) -> None:
    changed, spans = with_actor((1.0 + phase_s, 13.0 + phase_s))
    (found,) = locality_audit(by_window, [Pair("cyclist", empty(), changed, spans)], paid_for())
    assert found.holds
    assert found.factor == 1
    assert found.changed > 0


def test_who_stays_longer_is_reported() -> None:
    changed, spans = with_actor((7.0,), length_s=12.0)
    (found,) = locality_audit(by_window, [Pair("loiterer", empty(), changed, spans)], paid_for())
    assert found.factor == 1.5
    assert found.holds
    assert found.changed > 0


def with_noise(span: Span) -> Film:
    """The pictures of `span` replaced by noise: neighbours may differ in any way at all."""
    chance = np.random.default_rng(5)
    return tuple(
        Frame.from_bgr(frame.time_ms, chance.integers(0, 256, (144, 256, 3), np.uint8))
        if frame.time_ms in span
        else frame
        for frame in empty()
    )


@pytest.mark.parametrize("start_ms", [8_000, 11_700])
def test_motion_remembers_no_longer_than_it_says(start_ms: int) -> None:
    """Metamorphosis: change the pictures of one second, and no answer farther than its reach may change."""
    reach_ms = background_subtraction.CELL_MS + background_subtraction.REACH_MS
    span = Span(start_ms, start_ms + 1_000)
    before, after = (
        {one.time_ms: one.xyxy.tobytes() for one in Observation(pictures, DetectionSetup((), motion=True))}
        for pictures in (empty(), with_noise(span))
    )
    differing = {time_ms for time_ms in before if before[time_ms] != after[time_ms]}
    assert differing
    assert all(span.start_ms - reach_ms < time_ms < span.end_ms + reach_ms for time_ms in differing)
    # It does remember: the rule that a chunk sees its window alone is needed.
    assert any(time_ms not in span for time_ms in differing)


def test_the_audit_sees_motion_that_looks_beyond_the_window() -> None:
    span = Span(8_000, 12_000)
    pairs = [Pair("noise", empty(), with_noise(span), (span,))]
    (leaking,) = locality_audit(in_one_go, pairs, paid_for())
    (local,) = locality_audit(by_window, pairs, paid_for())
    assert leaking.outside
    assert local.holds


def test_restarts_load_and_order_change_nothing() -> None:
    changed, _ = with_actor((7.0,))

    def afresh(pictures: Film) -> tuple[Contribution, ...]:
        return by_window.__wrapped__(pictures)

    def backwards(pictures: Film) -> list[Contribution]:
        return [
            fingerprint(list(Observation(within(pictures, span), DetectionSetup((), motion=True))), span)
            for span in reversed(list(chunks()))
        ]

    def loaded(pictures: Film) -> tuple[Contribution, ...]:
        worker = threading.Thread(target=afresh, args=(empty(),))
        worker.start()
        answer = afresh(pictures)
        worker.join()
        return answer

    variants: dict[str, Callable[[Film], Iterable[Contribution]]] = {
        "first": by_window,
        "again": afresh,
        "backwards": backwards,
        "beside another camera": loaded,
    }
    assert same_audit(variants, changed) == []
