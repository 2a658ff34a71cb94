"""Counting of one camera of a site, until its orders end.

Invariant: under the footage promise a chunk is counted only after a message came that it was paid for, and its exact
counts die here. Under the crossings promise the counts of each chunk leave, and nothing else of a crossing does.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, process_time
from typing import BinaryIO

from passerby.chunk import clipped, tallied
from passerby.config import site
from passerby.config.camera_address import Address
from passerby.config.site import Camera, CountedLine
from passerby.counting.detections import Detections
from passerby.counting.tracker import track
from passerby.domain import calendar
from passerby.domain.link_health import Health
from passerby.domain.timespan import Span
from passerby.errors import PasserbyError, SourceError
from passerby.live.protocol import (
    CameraOrder,
    CheckDetectors,
    CheckedDetectors,
    ChunkCounts,
    FromWorker,
    Heartbeat,
    PaidSpan,
    Ready,
    to_worker,
)
from passerby.privacy.contribution import Contribution
from passerby.video.camera_stream import CountedSpan, StreamedCamera, Ticks, counted_spans
from passerby.video.detect.selection import Choice, choose
from passerby.video.scheduling.optimizations import suited
from passerby.video.windows import ChunkResult, ObservedCamera, Patience, chunk_results

_HEARTBEAT_S = 1.0
_REMEMBERED_MS = 600_000
_GRACE_S = 1.0


def check_detectors(order: CheckDetectors) -> CheckedDetectors:
    """Load every detector once: its full name, or why it cannot be used."""
    named: dict[str, str] = {}
    problems: list[str] = []
    for detector in dict.fromkeys(order.detectors):
        try:
            named[detector] = choose(detector, _folder(order.model_dir)).name
        except PasserbyError as error:
            problems += str(error).splitlines()
    return CheckedDetectors(named=named, problems=problems)


def count_camera(order: CameraOrder, orders: BinaryIO, send: Callable[[FromWorker], None]) -> None:
    """Count the camera of `order` and send its counts, until `orders` end.

    Raises PasserbyError for an order that cannot be obeyed.
    """
    parsed = site.parse(order.site, Path(order.path))
    camera = parsed.camera(order.camera)
    if camera.watched is None:
        raise SourceError(f"camera {camera.name}: expected a source")
    choice = choose(camera.detector, _folder(order.model_dir))
    stop, paid = Event(), _PaidSpans()
    Thread(target=_listen, args=(orders, paid, stop), name="orders", daemon=True).start()
    send(Ready(detector=choice.name))
    counting = _Counting(camera, camera.watched, choice, stop)
    if parsed.privacy is None:
        items = counting.of_footage(paid, Patience(order.frames_ms, order.answer_ms))
    else:
        items = counting.of_crossings(parsed.privacy.every_ms, calendar.zone_of(parsed.timezone))
    health: Health | None = None
    sent_s = -_HEARTBEAT_S
    for item in items:
        changed = False
        if item is None:
            counting.frames += 1
        elif isinstance(item, ChunkCounts):
            send(item)
        else:
            health, changed = item, item != health
        if health is not None and (changed or monotonic() - sent_s >= _HEARTBEAT_S):
            sent_s = monotonic()
            send(counting.heartbeat(health))


class _Counting:
    """One camera under either promise, and numbers of its frames, ticks and chunks since the start, whatever is in
    them."""

    def __init__(self, camera: Camera, watched: Address, choice: Choice, stop: Event) -> None:
        self.frames = 0
        self._camera = camera
        self._watched = watched
        self._choice = choice
        self._stop = stop
        self._due = self._processed = self._skipped = 0

    def of_footage(self, paid: "_PaidSpans", patience: Patience) -> Iterator[Health | ChunkCounts | None]:
        """Windows of each line that are independent of each other, of the spans that are paid for."""
        camera = self._camera

        def conclude(
            ticks: Iterable[Detections], line: CountedLine, size_px: tuple[int, int], span: Span
        ) -> Contribution:
            return clipped(track(ticks), camera.name, line, size_px, span)

        observed = ObservedCamera(self._watched, camera.transport, camera.lines, self._choice)
        for item in chunk_results(observed, conclude, paid.contain, patience, self._stop):
            if isinstance(item, ChunkResult):
                self._due += item.due
                self._processed += item.observed
                self._skipped += item.value is None
                yield _chunk_counts(item)
            else:
                yield item

    def of_crossings(self, every_ms: int, zone: tzinfo) -> Iterator[Health | ChunkCounts | None]:
        """One pass for all lines, with every optimization; `every_ms` is the length of a bin."""
        camera, ticks = self._camera, Ticks()
        streamed = StreamedCamera(
            address=self._watched,
            transport=camera.transport,
            lines=tuple(counted.line for counted in camera.lines),
            corridor=camera.corridor,
            choice=self._choice,
            optimizations=suited(camera.detector),
        )

        def parts(chunk: Span) -> Iterator[Span]:
            return calendar.parted(chunk, every_ms, zone)

        for item in counted_spans(streamed, parts, self._stop, ticks):
            self._due, self._skipped = ticks.due, ticks.dropped
            self._processed = ticks.due - ticks.dropped
            if not isinstance(item, CountedSpan):
                yield item
                continue
            for counted in camera.lines:
                tally = tallied(item.crossings, camera.name, counted, item.span)
                yield ChunkCounts(
                    line=counted.line.name,
                    start_ms=item.span.start_ms,
                    end_ms=item.span.end_ms,
                    counts=list(tally.counts),
                    covered_ms=item.covered_ms,
                    sender_ms=item.sender_ms,
                )

    def heartbeat(self, health: Health) -> Heartbeat:
        return Heartbeat(
            up=health.up,
            since_ms=health.since_ms,
            reason=str(health.reason),
            sender_clock=health.sender_clock,
            frames=self.frames,
            cpu_ms=round(process_time() * 1000),
            due=self._due,
            processed=self._processed,
            skipped=self._skipped,
        )


class _PaidSpans:
    """The spans that may be counted, as of the last message."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._spans: dict[str, list[Span]] = {}

    def add(self, line: str, span: Span) -> None:
        with self._turn:
            known = self._spans.get(line, [])
            recent = [one for one in known if one.end_ms > span.start_ms - _REMEMBERED_MS and one != span]
            self._spans[line] = [*recent, span]

    def contain(self, line: str, span: Span) -> bool:
        with self._turn:
            spans = self._spans.get(line, ())
            return any(paid.start_ms <= span.start_ms and span.end_ms <= paid.end_ms for paid in spans)


def _listen(orders: BinaryIO, paid: _PaidSpans, stop: Event) -> None:
    for line in orders:
        message = to_worker(line)
        if isinstance(message, PaidSpan):
            paid.add(message.line, Span(message.start_ms, message.end_ms))
    stop.set()
    # The counting thread closes the camera first, unless it hangs.
    Event().wait(_GRACE_S)
    os._exit(0)


def _chunk_counts(item: ChunkResult[Contribution]) -> ChunkCounts:
    return ChunkCounts(
        line=item.line,
        start_ms=item.span.start_ms,
        end_ms=item.span.end_ms,
        counts=[] if item.value is None else list(item.value.counts),
        covered_ms=item.covered_ms,
        sender_ms=item.sender_ms,
    )


def _folder(model_dir: str | None) -> Path | None:
    return None if model_dir is None else Path(model_dir)
