"""The background of a scene: the median picture over time, with every place covered that could show a person.

Invariant: a doubtful place is covered. Memory is bounded, whatever the length of the recording, and pixels leave
through `Background` alone. A cover is one flat tone on a coarse grid: a silhouette could identify a person.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import cv2
import numpy as np
from numpy.typing import NDArray

from passerby.counting.detections import Detections
from passerby.domain.labels import MOTOR_VEHICLES, Label
from passerby.video.decode.frame import Frame, Image
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.nms import Boxes

SIDE_PX = 640
"""Longest side of the background."""
MOST = 64
"""Most samples that are kept. Beyond it every other one is dropped, so that they span the whole recording."""
LEAST = 9
"""With fewer samples a median may still show people who passed, so all of the background is covered."""
GRID_PX = 12
"""Covers are made of whole squares of this side."""

_LIMIT = 14.0
"""Difference (of 255) up to which two pictures of a place are the same; colour counts twice."""
_SWAY_PX = 0.5
"""How far a swaying mast may move an edge, in px of the background."""
_AGREE = 0.6
"""Share of the samples that must agree with the median of a place; else the place is covered."""
_SHOWN = 0.6
"""A person is in the background where this share of the inner part of the box looks as in the background."""
_SHOWN_TO_DETECTORS = 9
"""Number of samples that the detectors run on, besides the background."""
_CONFIDENCE = 0.15
"""Least confidence of a box that is covered: low, to be on the safe side."""
_CONFIDENCE_LARGE = 0.4
"""The same for a box of more than a tenth of the background: a person so near is detected clearly, if there is one."""
_CONFIDENCE_VEHICLE = 0.5
"""The same for a vehicle that is so large that its driver could be recognised."""
_GLASS_PX = 94
"""From this height on, the upper half of a vehicle is covered, for its driver. A vehicle of this height has about
62 px/m, half of what it takes to recognise a known person (IEC 62676-4)."""
_BODIES = (Label.PERSON, Label.BICYCLE, Label.MOTORCYCLE)

_REST_SIDE_PX = 160
"""Longest side of the pictures in which `_Rest` compares."""
_REST_STEP_MS = 300
_REST_STEPS = 5
"""A place is still when so many pictures, so far apart in time, agree."""

Mask = NDArray[np.bool_]


class _Pixels:
    """Cannot be pickled, copied or printed, as a frame cannot."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("pixels stay in passerby.video")

    def __copy__(self) -> NoReturn:
        raise TypeError("pixels stay in passerby.video")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError("pixels stay in passerby.video")


@dataclass(slots=True, eq=False, repr=False)
class _Sample(_Pixels):
    """A small picture. `yuv` (h, w, 3) uint8; `number` of its tick; `bodies` (n, 4): boxes of people in its pixels."""

    number: int
    time_ms: int
    yuv: Image
    bodies: NDArray[np.float32]


@dataclass(slots=True, eq=False, repr=False)
class Samples(_Pixels):
    """What a background is made from: at most MOST small pictures over the whole recording, the boxes of people in
    them, and the places where something came to rest or left."""

    _kept: list[_Sample] = field(default_factory=list)
    _stride: int = 1
    _seen: int = 0
    _scale: float = 1.0
    _rest: "_Rest" = field(default_factory=lambda: _Rest())

    def taking(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames; some of them are kept as samples on the way."""
        for frame in frames:
            self._rest.add(frame)
            if self._seen % self._stride == 0:
                self._scale = min(1.0, SIDE_PX / max(frame.width, frame.height))
                size = (
                    max(1, round(frame.width * self._scale)),
                    max(1, round(frame.height * self._scale)),
                )
                none = np.empty((0, 4), np.float32)
                self._kept.append(_Sample(self._seen, frame.time_ms, frame.yuv(size), none))
                if len(self._kept) > MOST:
                    self._stride *= 2
                    self._kept = [s for s in self._kept if s.number % self._stride == 0]
            self._seen += 1
            yield frame

    def note(self, detections: Detections) -> None:
        """Remember the boxes of people, if the picture of that instant was kept."""
        # Detections come in order and some seconds late, so their sample is among the last ones.
        for sample in reversed(self._kept):
            if sample.time_ms == detections.time_ms:
                named = np.isin(detections.class_id, _BODIES) & (detections.confidence >= _CONFIDENCE)
                sample.bodies = detections.xyxy[named] * np.float32(self._scale)
            if sample.time_ms <= detections.time_ms:
                return

    def noting(self, ticks: Iterable[Detections]) -> Iterator[Detections]:
        """The same detections; `note` each on the way."""
        for tick in ticks:
            self.note(tick)
            yield tick

    def __len__(self) -> int:
        return len(self._kept)

    def median(self) -> Image:
        """(h, w, 3) uint8 Y, U, V: the median of all samples, after adjusting their light to that of a usual one."""
        usual = sorted(self._kept, key=lambda s: float(s.yuv[..., 0].mean()))[len(self._kept) // 2]
        everywhere = np.ones(usual.yuv.shape[:2], np.bool_)
        light = usual.yuv.astype(np.float32)
        for sample in self._kept:
            lit = _in_the_light_of(light, sample.yuv.astype(np.float32), everywhere)
            sample.yuv = np.asarray(np.clip(np.rint(lit), 0, 255), np.uint8)
        return _median(self._kept)

    def covered(self, background: Image, detectors: Sequence[LoadedDetector]) -> Mask:
        """(h, w) bool, True where `background` may show a person."""
        height, width = background.shape[:2]
        if len(self._kept) < LEAST:
            return np.ones((height, width), np.bool_)
        doubt = self._rest.changed((width, height))
        differs = np.zeros((height, width), np.int64)
        shown = np.linspace(0, len(self._kept) - 1, _SHOWN_TO_DETECTORS).round().astype(int)
        for index, sample in enumerate(self._kept):
            differing = _differs(sample.yuv, background)
            differs += _solid(differing)
            bodies = sample.bodies
            if index in shown:
                bodies = np.concatenate([bodies, _bodies(sample.yuv, detectors).xyxy])
            for box in bodies:
                if np.mean(~differing[_inner(box, width, height)]) >= _SHOWN:
                    doubt[_slices(box, width, height)] = True
        doubt |= differs > (1 - _AGREE) * len(self._kept)
        # An object that was left, or taken away, differs between the halves of the recording.
        half = len(self._kept) // 2
        doubt |= _solid(_differs(_median(self._kept[:half]), _median(self._kept[half:])))
        for box in _bodies(background, detectors).xyxy:
            doubt[_slices(box, width, height)] = True
        vehicles = _detected(background, detectors, MOTOR_VEHICLES)
        for (left, top, right, bottom), sure in zip(vehicles.xyxy, vehicles.confidence, strict=True):
            if bottom - top >= _GLASS_PX and sure >= _CONFIDENCE_VEHICLE:
                glass = np.array([left, top, right, (top + bottom) / 2])
                doubt[_slices(glass, width, height)] = True
        return _on_grid(doubt)


@dataclass(slots=True, eq=False, repr=False)
class _Rest(_Pixels):
    """Places where something came to rest or left: still, and later still again with another appearance.

    Slow changes of the light are followed. A passing object is never still.
    """

    _recent: deque[NDArray[np.float32]] = field(default_factory=lambda: deque(maxlen=_REST_STEPS))
    _next_ms: int | None = None
    _still: NDArray[np.float32] | None = None
    _change: Mask | None = None

    def add(self, frame: Frame) -> None:
        """Compare with an earlier picture, unless the last one that was compared is too recent."""
        if self._next_ms is not None and frame.time_ms < self._next_ms:
            return
        self._next_ms = frame.time_ms + _REST_STEP_MS
        factor = min(1.0, _REST_SIDE_PX / max(frame.width, frame.height))
        size = (max(1, round(frame.width * factor)), max(1, round(frame.height * factor)))
        self._recent.append(frame.yuv(size).astype(np.float32))
        if len(self._recent) < _REST_STEPS:
            return
        recent = np.stack(self._recent)
        now = recent.mean(axis=0)
        limit = _limit(now)
        still = np.asarray((_weighted(recent.max(axis=0) - recent.min(axis=0)) <= limit).all(axis=2))
        if self._still is None or self._change is None:
            self._still = np.where(still[..., None], now, np.nan).astype(np.float32)
            self._change = np.zeros(still.shape, np.bool_)
            return
        known = still & ~np.isnan(self._still[..., 0])
        if known.any():
            # Adjusted to the light of now, so that places that were still at different times have the same light.
            self._still = _in_the_light_of(now, self._still, known)
            self._change |= known & (_weighted(np.abs(now - self._still)) > limit).any(axis=2)
        self._still[still] = now[still]

    def changed(self, size: tuple[int, int]) -> Mask:
        """(height, width) bool for `size` (width, height), True where something came to rest or left."""
        if self._change is None:
            return np.zeros((size[1], size[0]), np.bool_)
        mask = cv2.medianBlur(self._change.astype(np.uint8), 3)
        return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.bool_)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Background(_Pixels):
    """`image` (h, w, 3) uint8 BGR without people; `covered`: the share of it that is covered, 0..1."""

    image: Image
    covered: float


def empty(samples: Samples, detectors: Sequence[LoadedDetector]) -> Background:
    """The background of a recording, from at least one sample.

    A person who sat still from the first frame to the last is found by the detectors alone: without any, check the
    background before passing it on.
    """
    background = samples.median()
    mask = samples.covered(background, detectors)
    image = _bgr(background)
    count, parts = cv2.connectedComponents(mask.astype(np.uint8))
    around = np.ones((2 * GRID_PX + 1, 2 * GRID_PX + 1), np.uint8)
    for part in range(1, count):
        inside = parts == part
        ring = cv2.dilate(inside.astype(np.uint8), around).astype(np.bool_) & ~mask
        image[inside] = np.median(image[ring], axis=0).astype(np.uint8) if ring.any() else np.uint8(114)
    return Background(image, float(mask.mean()))


def _median(samples: Sequence[_Sample]) -> Image:
    middle = len(samples) // 2
    result = np.empty_like(samples[0].yuv)
    # In strips, which keeps the copy that partition makes small.
    for top in range(0, len(result), 64):
        stack = np.stack([s.yuv[top : top + 64] for s in samples])
        result[top : top + 64] = np.partition(stack, middle, axis=0)[middle]
    return result


def _weighted(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    return difference * np.array([1, 2, 2], np.float32)


def _limit(picture: NDArray[Any]) -> NDArray[np.float32]:
    """(h, w, 3): the most by which the same place may differ; more at edges, which move when the mast sways."""
    x = np.abs(cv2.Sobel(picture, cv2.CV_32F, 1, 0, ksize=3))
    y = np.abs(cv2.Sobel(picture, cv2.CV_32F, 0, 1, ksize=3))
    return np.asarray(_LIMIT + _SWAY_PX * np.maximum(x, y).reshape(picture.shape) / 4, np.float32)


def _differs(picture: Image, background: Image) -> Mask:
    """(h, w) bool: where the pictures differ by more than noise, sway and a change of the whole light."""
    smooth, still = (
        cv2.blur(p, (3, 3)).reshape(background.shape).astype(np.float32) for p in (picture, background)
    )
    still = _in_the_light_of(smooth, still, np.ones(still.shape[:2], np.bool_))
    return np.asarray((_weighted(np.abs(smooth - still)) > _limit(background)).any(axis=2))


def _in_the_light_of(
    picture: NDArray[np.float32], adjusted: NDArray[np.float32], known: Mask
) -> NDArray[np.float32]:
    """`adjusted` with the brightness and contrast of `picture`, by a linear fit to most of the `known` (h, w) pixels.

    Clouds change a whole picture at once, and so does the gain of a camera when a large dark lorry passes.
    """
    x, y = (np.asarray(p[..., 0][known], np.float64) for p in (adjusted, picture))
    step = max(1, len(x) // 4_000)
    x, y = x[::step], y[::step]
    gain, offset = 1.0, float(np.median(y - x))
    for _ in range(4):
        agrees = np.abs(x * gain + offset - y) <= max(
            4.0, float(np.median(np.abs(x * gain + offset - y))) * 2
        )
        if agrees.sum() < 16 or np.ptp(x[agrees]) < 8:
            break
        gain, offset = np.polyfit(x[agrees], y[agrees], 1)
    if not 0.3 < gain < 3:
        gain, offset = 1.0, float(np.median(y - x))
    lit = adjusted * np.float32(gain)
    lit[..., 0] += np.float32(offset)
    lit[..., 1:] += np.float32(128 * (1 - gain))
    return lit


def _solid(mask: Mask) -> Mask:
    """Where much of the neighbourhood is set, so neither noise nor a sharp edge on a mast that sways."""
    return np.asarray(cv2.blur(mask.astype(np.float32), (9, 9)) > 0.35)


def _on_grid(doubt: Mask) -> Mask:
    """(h, w) bool: the whole squares of the grid that `doubt` comes near."""
    height, width = doubt.shape
    margin = 2 * (GRID_PX // 3) + 1
    grown = cv2.dilate(doubt.astype(np.uint8), np.ones((margin, margin), np.uint8))
    rows, columns = -(-height // GRID_PX), -(-width // GRID_PX)
    padded = np.zeros((rows * GRID_PX, columns * GRID_PX), np.uint8)
    padded[:height, :width] = grown
    squares = padded.reshape(rows, GRID_PX, columns, GRID_PX).max(axis=(1, 3))
    # A gap of one square between two covers could show a part of a person that both hide.
    ringed = np.pad(squares, 2)
    squares = cv2.morphologyEx(ringed, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))[2:-2, 2:-2]
    return np.repeat(np.repeat(squares, GRID_PX, 0), GRID_PX, 1)[:height, :width].astype(np.bool_)


def _bodies(yuv: Image, detectors: Sequence[LoadedDetector]) -> Boxes:
    return _detected(yuv, detectors, _BODIES)


def _detected(yuv: Image, detectors: Sequence[LoadedDetector], labels: Iterable[Label]) -> Boxes:
    """Boxes of `labels` in a picture, detected at its own size and at twice its size, where small people are found."""
    image = _bgr(yuv)
    found = []
    for detector in detectors:
        for scale in (1, 2):
            boxes = detector.detect(cv2.resize(image, None, fx=scale, fy=scale) if scale > 1 else image)
            found.append(Boxes(boxes.xyxy / np.float32(scale), boxes.confidence, boxes.class_id))
    if not found:
        return Boxes(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    xyxy, confidence, class_id = (np.concatenate(parts) for parts in zip(*found, strict=True))
    height, width = yuv.shape[:2]
    sides = xyxy[:, 2:] - xyxy[:, :2]
    large = sides[:, 0] * sides[:, 1] > 0.1 * width * height
    wanted = np.isin(class_id, list(labels))
    wanted &= confidence >= np.where(large, _CONFIDENCE_LARGE, _CONFIDENCE)
    return Boxes(xyxy[wanted], confidence[wanted], class_id[wanted])


def _slices(box: NDArray[Any], width: int, height: int) -> tuple[slice, slice]:
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    return slice(max(0, top), max(0, min(height, bottom))), slice(max(0, left), max(0, min(width, right)))


def _inner(box: NDArray[Any], width: int, height: int) -> tuple[slice, slice]:
    """The middle of a box, where the person is; at least one pixel."""
    rows, columns = (
        slice(min(max(0, round(low + (high - low) * 0.2)), size - 1), 0)
        for low, high, size in ((box[1], box[3], height), (box[0], box[2], width))
    )
    bottom = min(height, round(box[1] + (box[3] - box[1]) * 0.8))
    right = min(width, round(box[0] + (box[2] - box[0]) * 0.8))
    return slice(rows.start, max(rows.start + 1, bottom)), slice(columns.start, max(columns.start + 1, right))


def _bgr(yuv: Image) -> Image:
    """From Y, U, V (BT.601, 16..235) to (h, w, 3) uint8 BGR."""
    y, u, v = np.moveaxis(yuv.astype(np.float32) - np.array([16, 128, 128], np.float32), 2, 0)
    y = y * (255 / 219)
    bgr = (y + 2.017 * u, y - 0.392 * u - 0.813 * v, y + 1.596 * v)
    return np.asarray(np.clip(np.rint(np.stack(bgr, axis=2)), 0, 255), np.uint8)
