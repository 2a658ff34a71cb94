"""The detections of a live camera for its operator: labels at the middles of the cells of a coarse grid.

Invariant: no box, confidence, id or time leaves, and no place finer than a cell of the grid.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from threading import Event
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.counting.detections import Detections
from passerby.domain.labels import Label
from passerby.domain.link_health import Health, Reason
from passerby.video.decode import live
from passerby.video.decode.frame import Frame
from passerby.video.decode.regions import Region
from passerby.video.detect.selection import Choice
from passerby.video.observe import DetectionSetup, Observation

COLUMNS, ROWS = 32, 18
"""The grid: a cell is 3 % of the picture's width, and square where the picture is 16:9."""
EVERY_MS = 500
"""Time between two sets of marks."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """An object with this label stands in the cell with the middle `x`, `y`, in fractions of the picture."""

    x: float
    y: float
    label: str


class _CameraFrames:
    """Frames until a fault, until the time is over, or until their size changes; about two a second where `thin`.

    `reason`: why there are no more, LIVE where the time is over. `size`: width and height of the frames in px.
    """

    def __init__(self, frames: Iterator[Frame | Health], until_s: float, *, thin: bool) -> None:
        self.reason = Reason.CONNECTING
        self.size = 0, 0
        self._frames = frames
        self._until_s = until_s
        self._thin = thin

    def __iter__(self) -> Iterator[Frame]:
        last_ms = 0
        for item in self._frames:
            if monotonic() > self._until_s:
                return
            if not isinstance(item, Frame):
                self.reason = item.reason
                if not item.up and item.reason is not Reason.CONNECTING:
                    return
                continue
            if self.size not in ((0, 0), (item.width, item.height)):
                self.reason = Reason.CHANGED
                return
            self.size = item.width, item.height
            if not self._thin or item.time_ms - last_ms >= EVERY_MS:
                last_ms = item.time_ms
                yield item


def marks(
    address: Address, choice: Choice, stop: Event, *, seconds: float, transport: Transport = "tcp"
) -> Iterator[tuple[Mark, ...] | Reason]:
    """The marks of an instant, about twice a second, for at most `seconds`; at last the reason why there are no more,
    LIVE where the time is over."""
    until_s = monotonic() + seconds
    camera = _CameraFrames(live.frames(address, stop, transport=transport), until_s, thin=bool(choice.loaded))
    frames = iter(camera)
    first = next(frames, None)
    if first is not None:
        # Without a model there is motion, whose detections come some seconds late.
        whole = (0, 0, first.width // 2 * 2, first.height // 2 * 2)
        region = Region(*whole, None, whole)
        setup = DetectionSetup(tuple((detector, region) for detector in choice.loaded), not choice.loaded)
        last_ms = 0
        for tick in Observation(chain([first], frames), setup):
            if tick.time_ms - last_ms >= EVERY_MS:
                last_ms = tick.time_ms
                yield quantised(tick, *camera.size)
    yield camera.reason


def quantised(detections: Detections, width: int, height: int) -> tuple[Mark, ...]:
    """A mark for each cell and label: the cells that contain the middle of the bottom edge of a box, in order of place.
    `width` and `height` of the picture in px."""
    found = set()
    for (left, _, right, bottom), class_id in zip(detections.xyxy, detections.class_id, strict=True):
        column = min(COLUMNS - 1, max(0, int((left + right) / 2 / width * COLUMNS)))
        row = min(ROWS - 1, max(0, int(bottom / height * ROWS)))
        found.add(Mark((column + 0.5) / COLUMNS, (row + 0.5) / ROWS, Label(int(class_id)).text))
    return tuple(sorted(found))
