"""Counting of one camera of a site, until its orders end.

Invariant: a chunk is counted only after a message came that it was paid for; its exact counts die here.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, process_time
from typing import BinaryIO

from passerby.chunk import clipped
from passerby.config import site
from passerby.config.site import CountedLine
from passerby.counting.detections import Detections
from passerby.counting.tracker import track
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
from passerby.video.detect.selection import choose
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
    """Count the camera of `order` and send the counts of its chunks, until `orders` end.

    Raises PasserbyError for an order that cannot be obeyed.
    """
    camera = site.parse(order.site, Path(order.path)).camera(order.camera)
    if camera.watched is None:
        raise SourceError(f"camera {camera.name}: expected a source")
    choice = choose(camera.detector, _folder(order.model_dir))
    stop, paid = Event(), _PaidSpans()
    Thread(target=_listen, args=(orders, paid, stop), name="orders", daemon=True).start()
    send(Ready(detector=choice.name))

    def conclude(
        ticks: Iterable[Detections], line: CountedLine, size_px: tuple[int, int], span: Span
    ) -> Contribution:
        return clipped(track(ticks), camera.name, line, size_px, span)

    patience = Patience(order.frames_ms, order.answer_ms)
    health: Health | None = None
    totals = _Totals()
    sent_s = -_HEARTBEAT_S
    observed = ObservedCamera(camera.watched, camera.transport, camera.lines, choice)
    for item in chunk_results(observed, conclude, paid.contain, patience, stop):
        changed = False
        if item is None:
            totals.frames += 1
        elif isinstance(item, ChunkResult):
            totals.add(item)
            send(_chunk_counts(item))
        else:
            health, changed = item, item != health
        if health is not None and (changed or monotonic() - sent_s >= _HEARTBEAT_S):
            sent_s = monotonic()
            send(_heartbeat(health, totals))


@dataclass(slots=True)
class _Totals:
    """Work since the start: numbers of frames and chunks, whatever is in them."""

    frames: int = 0
    due: int = 0
    processed: int = 0
    skipped: int = 0

    def add(self, item: ChunkResult[Contribution]) -> None:
        self.due += item.due
        self.processed += item.observed
        self.skipped += item.value is None


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


def _heartbeat(health: Health, totals: _Totals) -> Heartbeat:
    return Heartbeat(
        up=health.up,
        since_ms=health.since_ms,
        reason=str(health.reason),
        sender_clock=health.sender_clock,
        frames=totals.frames,
        cpu_ms=round(process_time() * 1000),
        due=totals.due,
        processed=totals.processed,
        skipped=totals.skipped,
    )


def _folder(model_dir: str | None) -> Path | None:
    return None if model_dir is None else Path(model_dir)
