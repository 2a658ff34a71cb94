"""What the detector sees of a live camera, for who sets it up: labels at the middles of a coarse grid.

Invariant: no box, no confidence, no id and no time leaves, and nothing finer than a cell of the grid.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from threading import Event
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.counting.detections import Detections
from passerby.domain.labels import Label
from passerby.domain.link_health import Reason
from passerby.video.decode import live
from passerby.video.decode.frame import Frame
from passerby.video.detect.selection import Choice
from passerby.video.observe import DetectionSetup, Observation
from passerby.video.scheduling.regions import Region

COLUMNS, ROWS = 32, 18
"""The grid: a cell is 3 % of the picture's width, and as high where the picture is 16:9."""
EVERY_MS = 500


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something of this kind stands in this cell; `x` and `y` are the cell's middle, in fractions."""

    x: float
    y: float
    label: str


@dataclass(slots=True)
class _Link:
    """Why the camera gives no picture, and the size in px of the last one."""

    reason: Reason = Reason.CONNECTING
    size: tuple[int, int] = field(default=(0, 0))


def marks(
    address: Address, choice: Choice, stop: Event, *, seconds: float, transport: Transport = "tcp"
) -> Iterator[tuple[Mark, ...] | Reason]:
    """For at most `seconds`: the marks of an instant, about twice a second; at last why it ended, LIVE for the time."""
    link = _Link()
    frames = _frames(address, stop, monotonic() + seconds, transport, link, thin=bool(choice.loaded))
    first = next(frames, None)
    if first is not None:
        # Motion is looked at where there is no model: what it sees is late by some seconds.
        whole = (0, 0, first.width // 2 * 2, first.height // 2 * 2)
        region = Region(*whole, None, whole)
        setup = DetectionSetup(tuple((one, region) for one in choice.loaded), not choice.loaded)
        last_ms = 0
        for seen in Observation(chain([first], frames), setup):
            if seen.time_ms - last_ms >= EVERY_MS:
                last_ms = seen.time_ms
                yield quantised(seen, *link.size)
    yield link.reason


def quantised(seen: Detections, width: int, height: int) -> tuple[Mark, ...]:
    """The cells in which the feet of what was seen stand, each kind once, in order of place."""
    found = set()
    for (left, _, right, bottom), class_id in zip(seen.xyxy, seen.class_id, strict=True):
        column = min(COLUMNS - 1, max(0, int((left + right) / 2 / width * COLUMNS)))
        row = min(ROWS - 1, max(0, int(bottom / height * ROWS)))
        found.add(Mark((column + 0.5) / COLUMNS, (row + 0.5) / ROWS, Label(int(class_id)).text))
    return tuple(sorted(found))


def _frames(
    address: Address, stop: Event, until_s: float, transport: Transport, link: _Link, *, thin: bool
) -> Iterator[Frame]:
    """Frames until a fault, the end of the time, or another size; every one, or about two a second."""
    last_ms = 0
    for item in live.frames(address, stop, transport=transport):
        if monotonic() > until_s:
            return
        if not isinstance(item, Frame):
            link.reason = item.reason
            if not item.up and item.reason is not Reason.CONNECTING:
                return
            continue
        if link.size not in ((0, 0), (item.width, item.height)):
            link.reason = Reason.CHANGED
            return
        link.size = item.width, item.height
        if not thin or item.time_ms - last_ms >= EVERY_MS:
            last_ms = item.time_ms
            yield item
