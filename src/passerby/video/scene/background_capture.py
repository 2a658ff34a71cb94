"""The empty picture of a live camera: watched until nobody is in its median, or refused.

Invariant: a median alone leaves, as a PNG, and only where a detector looked at it; live pixels never do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.domain.link_health import Reason
from passerby.errors import ModelError
from passerby.video.decode import live
from passerby.video.decode.frame import Frame
from passerby.video.detect.detector import LoadedDetector
from passerby.video.detect.selection import AUTO, choose
from passerby.video.scene import annotated_image
from passerby.video.scene.background import LEAST, Samples, empty

LONGEST_S = 180.0
"""So long a place may take to be empty in the median."""
MOST_COVERED = 0.1
"""A background of which more had to be covered, because somebody may be there, is no background."""

_FIRST_LOOK_S = 30.0
_LOOK_EVERY_S = 10.0
_SAMPLE_MS = 250


class Step(StrEnum):
    """What a capture is at."""

    CONNECTING = "connecting"
    WATCHING = "watching"
    """pictures come, too few for a median"""
    BUSY = "busy"
    """something moved, came to rest, or was taken for somebody: watched on"""


@dataclass(frozen=True, slots=True)
class Progress:
    """`share` of the longest time; `covered` of the picture where somebody may be, as last looked at; `reason` why
    no picture comes while it is connecting."""

    step: Step
    share: float
    covered: float = 1.0
    reason: Reason = Reason.LIVE


@dataclass(frozen=True, slots=True)
class Refused:
    """No background came of it: the link's `reason`, or LIVE where the place was never empty."""

    reason: Reason
    covered: float = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class EmptyPicture:
    """A background that a person may approve: `png`, of a camera of `width` x `height` px; `covered` is the share
    that is covered flat, `looked` the names of the detectors that looked for people."""

    png: bytes
    width: int
    height: int
    covered: float
    looked: tuple[str, ...]


def detectors_at_hand(model_dir: Path | None = None) -> tuple[LoadedDetector, ...]:
    """What looks for people. Raises ModelError where there is none: a background must have been looked at."""
    found = choose(AUTO, model_dir).loaded
    if not found:
        raise ModelError(
            "no detector is at hand to look for people: `passerby models pull yolox_nano` gets one"
        )
    return found


def capture(
    address: Address,
    stop: Event,
    *,
    detectors: Sequence[LoadedDetector],
    transport: Transport = "tcp",
    longest_s: float = LONGEST_S,
) -> Iterator[Progress | EmptyPicture | Refused]:
    """Watch a camera; the last item is an EmptyPicture or Refused, unless `stop` was set."""
    samples, size = Samples(), (0, 0)
    begun_s = monotonic()
    look_s, last_ms, covered = _FIRST_LOOK_S, 0, 1.0
    step, reason = Step.CONNECTING, Reason.CONNECTING
    yield Progress(step, 0.0, covered, reason)
    for item in live.frames(address, stop, transport=transport):
        past_s = monotonic() - begun_s
        share = min(1.0, past_s / longest_s)
        if past_s > longest_s:
            break
        if not isinstance(item, Frame):
            reason = item.reason
            if reason in (Reason.ADDRESS, Reason.CREDENTIALS, Reason.NOT_FOUND):
                break
            if not item.up:
                yield Progress(Step.CONNECTING, share, covered, reason)
            continue
        reason = Reason.LIVE
        if (item.width, item.height) != size:
            samples, size = Samples(), (item.width, item.height)
        if item.time_ms - last_ms < _SAMPLE_MS:
            continue
        last_ms = item.time_ms
        # One at a time: what is kept of a frame is small, and the frame itself goes.
        for _ in samples.taking([item]):
            pass
        step = Step.WATCHING if step is Step.CONNECTING else step
        if past_s >= min(look_s, longest_s - 1) and len(samples) >= LEAST:
            background = empty(samples, detectors)
            covered, step = background.covered, Step.BUSY
            look_s = monotonic() - begun_s + _LOOK_EVERY_S
            last = look_s >= longest_s
            if covered == 0 or (last and covered <= MOST_COVERED):
                names = tuple(one.name for one in detectors)
                yield EmptyPicture(annotated_image.png(background), *size, covered, names)
                return
        yield Progress(step, share, covered)
    if not stop.is_set():
        yield Refused(reason, covered)
