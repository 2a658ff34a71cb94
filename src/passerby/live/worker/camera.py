"""One camera of a site, looked at until its orders end.

Invariant: a chunk is looked at only after word came that it was paid for; its exact counts die here.
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
from passerby.live.protocol import Check, Checked, Hello, Order, Paid, Pulse, Said, Up, read_down
from passerby.privacy.contribution import Contribution
from passerby.video.detect.selection import choose
from passerby.video.windows import ChunkResult, ObservedCamera, Patience, chunk_results

_PULSE_S = 1.0
_REMEMBERED_MS = 600_000
_GRACE_S = 1.0


def check(order: Check) -> Checked:
    """Load every detector once: its full name, or why it cannot be used."""
    named: dict[str, str] = {}
    problems: list[str] = []
    for detector in dict.fromkeys(order.detectors):
        try:
            named[detector] = choose(detector, _folder(order.model_dir)).name
        except PasserbyError as error:
            problems += str(error).splitlines()
    return Checked(named=named, problems=problems)


def look(order: Order, orders: BinaryIO, say: Callable[[Up], None]) -> None:
    """Look at the camera of `order` and say what its chunks say, until `orders` end.

    Raises PasserbyError for an order that cannot be obeyed.
    """
    camera = site.parse(order.site, Path(order.path)).camera(order.camera)
    if camera.watched is None:
        raise SourceError(f"camera {camera.name}: expected a source")
    choice = choose(camera.detector, _folder(order.model_dir))
    stop, paid = Event(), _Paid()
    Thread(target=_listen, args=(orders, paid, stop), name="orders", daemon=True).start()
    say(Hello(detector=choice.name))

    def conclude(
        ticks: Iterable[Detections], line: CountedLine, size_px: tuple[int, int], span: Span
    ) -> Contribution:
        return clipped(track(ticks), camera.name, line, size_px, span)

    patience = Patience(order.frames_ms, order.answer_ms)
    health: Health | None = None
    work = _Work()
    told_s = -_PULSE_S
    observed = ObservedCamera(camera.watched, camera.transport, camera.lines, choice)
    for item in chunk_results(observed, conclude, paid.holds, patience, stop):
        news = False
        if item is None:
            work.frames += 1
        elif isinstance(item, ChunkResult):
            work.note(item)
            say(_said(item))
        else:
            health, news = item, item != health
        if health is not None and (news or monotonic() - told_s >= _PULSE_S):
            told_s = monotonic()
            say(_pulse(health, work))


@dataclass(slots=True)
class _Work:
    """What was done since the start: numbers of pictures and chunks, whatever is in them."""

    frames: int = 0
    due: int = 0
    looked: int = 0
    given_up: int = 0

    def note(self, item: ChunkResult[Contribution]) -> None:
        self.due += item.due
        self.looked += item.observed
        self.given_up += item.value is None


class _Paid:
    """What may be looked at, as of the last word of it."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._spans: dict[str, list[Span]] = {}

    def add(self, line: str, span: Span) -> None:
        with self._turn:
            known = self._spans.get(line, [])
            recent = [one for one in known if one.end_ms > span.start_ms - _REMEMBERED_MS and one != span]
            self._spans[line] = [*recent, span]

    def holds(self, line: str, span: Span) -> bool:
        with self._turn:
            spans = self._spans.get(line, ())
            return any(one.start_ms <= span.start_ms and span.end_ms <= one.end_ms for one in spans)


def _listen(orders: BinaryIO, paid: _Paid, stop: Event) -> None:
    for line in orders:
        message = read_down(line)
        if isinstance(message, Paid):
            paid.add(message.line, Span(message.start_ms, message.end_ms))
    stop.set()
    # Who looks lets go of the camera first, unless it hangs.
    Event().wait(_GRACE_S)
    os._exit(0)


def _said(item: ChunkResult[Contribution]) -> Said:
    counts = [] if item.value is None else list(item.value.counts)
    return Said(
        line=item.line,
        start_ms=item.span.start_ms,
        end_ms=item.span.end_ms,
        counts=counts,
        covered_ms=item.covered_ms,
        sender_ms=item.sender_ms,
    )


def _pulse(health: Health, work: "_Work") -> Pulse:
    return Pulse(
        up=health.up,
        since_ms=health.since_ms,
        reason=str(health.reason),
        sender_clock=health.sender_clock,
        frames=work.frames,
        cpu_ms=round(process_time() * 1000),
        due=work.due,
        looked=work.looked,
        given_up=work.given_up,
    )


def _folder(model_dir: str | None) -> Path | None:
    return None if model_dir is None else Path(model_dir)
