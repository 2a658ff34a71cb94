"""A live camera as frames, and as health whenever there are none.

Invariant: nothing that a camera does raises here; after any fault it is tried again until told to stop.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from random import random
from threading import Event
from time import monotonic, time

from passerby.config.camera_address import Address, Transport, kind_of
from passerby.domain.link_health import Health, Reason
from passerby.errors import SiteError
from passerby.io.backoff import LONGEST_WAIT_S, wait_s
from passerby.video.decode.connection import Link
from passerby.video.decode.frame import Frame
from passerby.video.decode.stillness import FROZEN_S, Stillness
from passerby.video.decode.timestamps import Stamps

_BEAT_S = 1.0
_POLL_S = 0.2
_BACK_MS = 2_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a silent camera is waited for (`stall_s`), one that is being opened (`connect_s`; a first key
    picture may be a while), a picture without change (`frozen_s`), and between two tries at most (`wait_s`)."""

    stall_s: float = 10.0
    connect_s: float = 20.0
    frozen_s: float = FROZEN_S
    wait_s: float = LONGEST_WAIT_S


def frames(
    address: Address,
    stop: Event,
    *,
    transport: Transport = "tcp",
    limits: Limits | None = None,
    chance: Callable[[], float] = random,
) -> Iterator[Frame | Health]:
    """Frames in order of time, none twice, and `Health` whenever it changes; where no frame comes, the health as it
    is, at least once a second, so that who counts has a clock. Ends soon after `stop` is set, and raises nothing.

    The address is read anew at each try: a password that was corrected is taken up.
    """
    limits = limits or Limits()
    state = _State(Health(up=False, since_ms=_now_ms(), reason=Reason.CONNECTING))
    still = Stillness(limits.frozen_s)
    failures = 0
    yield state.health
    while not stop.is_set():
        begun_s = monotonic()
        try:
            text = address.open_text()
        except SiteError:
            text = ""
        if text and kind_of(text):
            link = Link(text, transport, limits.stall_s)
            try:
                reason = yield from _connected(link, text, state, still, stop, limits)
            finally:
                link.close()
        else:
            reason = Reason.ADDRESS
        if stop.is_set():
            return
        # A link that held for long was no failure; one that breaks at once is, though it came up.
        failures = 1 if state.health.up and monotonic() - begun_s > limits.wait_s else failures + 1
        if state.down(reason):
            yield state.health
        yield from _waited(wait_s(failures, chance(), limits.wait_s), state, stop)


class _State:
    """The health as told last, and the time of the last frame."""

    def __init__(self, health: Health) -> None:
        self.health = health
        self.frame_ms = 0

    def up(self, *, sender_clock: bool) -> bool:
        """Whether this is news."""
        since_ms = self.health.since_ms if self.health.up else _now_ms()
        return self._told(Health(True, since_ms, Reason.LIVE, sender_clock))

    def down(self, reason: Reason) -> bool:
        """Whether this is news: down since the last frame, for the newest reason."""
        since_ms = (self.frame_ms or _now_ms()) if self.health.up else self.health.since_ms
        return self._told(Health(False, since_ms, reason))

    def _told(self, health: Health) -> bool:
        news, self.health = health != self.health, health
        return news


def _connected(
    link: Link, text: str, state: _State, still: Stillness, stop: Event, limits: Limits
) -> Generator[Frame | Health, None, Reason]:
    """Frames of one link until it ends; answers why."""
    stamps = Stamps()
    recorded = kind_of(text) == "file"
    size: tuple[int, int] | None = None
    last_s = told_s = monotonic()
    packets = 0
    while not stop.is_set():
        item = link.take(_POLL_S)
        now_s = monotonic()
        if isinstance(item, Reason):
            return item
        if item is None:
            if now_s - last_s > (limits.connect_s if size is None else limits.stall_s):
                return _silence(link.packets > packets, size is None)
            if now_s - told_s >= _BEAT_S:
                told_s = now_s
                yield state.health
            continue
        last_s, packets = now_s, link.packets
        stamp = stamps.stamp(item.arrival_ms, item.pts_ms, item.sender_ms)
        frame = Frame(stamp.time_ms, item.luma, item.u, item.v)
        came = frame.width, frame.height
        fault = None
        if size is not None and came != size:
            fault = Reason.CHANGED
        elif stamp.jumped:
            fault = Reason.CLOCK
        size = came
        if fault is not None and state.down(fault):
            yield state.health
        if not recorded and still.frozen(frame, now_s):
            fault = Reason.FROZEN
        elif frame.time_ms < state.frame_ms - _BACK_MS:
            fault = Reason.CLOCK
        else:
            fault = None
        if fault is not None:
            if state.down(fault) or now_s - told_s >= _BEAT_S:
                told_s = now_s
                yield state.health
            continue
        if frame.time_ms <= state.frame_ms:
            continue
        if state.up(sender_clock=stamp.by_sender):
            yield state.health
        state.frame_ms = frame.time_ms
        told_s = now_s
        yield frame
    return Reason.ENDED


def _silence(bytes_came: bool, connecting: bool) -> Reason:
    if bytes_came:
        return Reason.UNDECODABLE
    return Reason.UNREACHABLE if connecting else Reason.STALLED


def _waited(seconds: float, state: _State, stop: Event) -> Iterator[Health]:
    until_s = monotonic() + seconds
    while (left_s := until_s - monotonic()) > 0:
        if stop.wait(min(left_s, _BEAT_S)):
            return
        yield state.health


def _now_ms() -> int:
    return round(time() * 1000)
