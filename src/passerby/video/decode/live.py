"""The frames of a live camera, and its health whenever there are none.

Invariant: no fault of a camera raises here; after a fault, the camera is tried again until `stop` is set. The health is
that of the link, its bytes and its clock: what a picture shows never enters it, since the health is public.
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
from passerby.video.decode.connection import Connection, Picture
from passerby.video.decode.frame import Frame
from passerby.video.decode.timestamps import Stamp, Stamps

_BEAT_S = 1.0
"""The health comes at least this often where no frame comes."""
_POLL_S = 0.2
_BACK_MS = 2_000
"""A frame that is earlier than the last one by more than this is a fault of the clock."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds. `stall_s`: for a camera that has stopped sending. `connect_s`: for a camera that is being
    opened, whose first keyframe may take a while. `wait_s`: longest wait
    between two attempts to connect."""

    stall_s: float = 10.0
    connect_s: float = 20.0
    wait_s: float = LONGEST_WAIT_S


def frames(
    address: Address,
    stop: Event,
    *,
    transport: Transport = "tcp",
    limits: Limits | None = None,
    chance: Callable[[], float] = random,
) -> Iterator[Frame | Health]:
    """Frames in order of time, none twice, and `Health` whenever it changes. Where no frame comes, the health comes at
    least once a second, so that the consumer can use it as a clock. Ends soon after `stop` is set, and raises nothing.

    The address is read again at each attempt, so that a corrected password is used. `chance` returns a random number
    in 0..1, by which the waits between attempts vary.
    """
    limits = limits or Limits()
    state = _State(Health(up=False, since_ms=_now_ms(), reason=Reason.CONNECTING))
    failures = 0
    yield state.health
    while not stop.is_set():
        begun_s = monotonic()
        try:
            text = address.open_text()
        except SiteError:
            text = ""
        if text and kind_of(text):
            connection = Connection(text, transport, limits.stall_s)
            try:
                reason = yield from _Stream(connection, state, limits).read(stop)
            finally:
                connection.close()
        else:
            reason = Reason.ADDRESS
        if stop.is_set():
            return
        # The end of a long connection is no failure; that of a connection which breaks at once is one.
        failures = 1 if state.health.up and monotonic() - begun_s > limits.wait_s else failures + 1
        if state.down(reason):
            yield state.health
        yield from _waited(wait_s(failures, chance(), limits.wait_s), state, stop)


class _State:
    """The health as last reported, and the time of the last frame."""

    def __init__(self, health: Health) -> None:
        self.health = health
        self.frame_ms = 0

    def up(self, *, sender_clock: bool) -> bool:
        """The camera is up. True where this changes the health."""
        since_ms = self.health.since_ms if self.health.up else _now_ms()
        return self._changed_to(Health(True, since_ms, Reason.LIVE, sender_clock))

    def down(self, reason: Reason) -> bool:
        """The camera is down since its last frame, for the newest reason. True where this changes the health."""
        since_ms = (self.frame_ms or _now_ms()) if self.health.up else self.health.since_ms
        return self._changed_to(Health(False, since_ms, reason))

    def _changed_to(self, health: Health) -> bool:
        is_change, self.health = health != self.health, health
        return is_change


class _Stream:
    """The frames of one connection."""

    def __init__(self, connection: Connection, state: _State, limits: Limits) -> None:
        self._connection = connection
        self._state = state
        self._limits = limits
        self._stamps = Stamps()
        self._size: tuple[int, int] | None = None
        self._last_s = self._reported_s = monotonic()
        self._packets = 0

    def read(self, stop: Event) -> Generator[Frame | Health, None, Reason]:
        """Frames and health until the connection ends; returns the reason why it did."""
        while not stop.is_set():
            item = self._connection.take(_POLL_S)
            now_s = monotonic()
            if isinstance(item, Reason):
                return item
            if isinstance(item, Picture):
                self._last_s, self._packets = now_s, self._connection.packets
                yield from self._frame(item, now_s)
            elif now_s - self._last_s > self._patience_s:
                return self._silence()
            elif now_s - self._reported_s >= _BEAT_S:
                self._reported_s = now_s
                yield self._state.health
        return Reason.ENDED

    @property
    def _patience_s(self) -> float:
        return self._limits.connect_s if self._size is None else self._limits.stall_s

    def _silence(self) -> Reason:
        """Why no picture comes."""
        if self._connection.packets > self._packets:
            return Reason.UNDECODABLE
        return Reason.UNREACHABLE if self._size is None else Reason.STALLED

    def _frame(self, picture: Picture, now_s: float) -> Iterator[Frame | Health]:
        """The frame of a picture, with a change of the health before it; only the health where it has a fault."""
        state = self._state
        stamp = self._stamps.stamp(picture.arrival_ms, picture.pts_ms, picture.sender_ms)
        frame = Frame(stamp.time_ms, picture.luma, picture.u, picture.v)
        change = self._change(frame, stamp)
        if change is not None and state.down(change):
            yield state.health
        fault = self._fault(frame, now_s)
        if fault is not None:
            if state.down(fault) or now_s - self._reported_s >= _BEAT_S:
                self._reported_s = now_s
                yield state.health
            return
        if frame.time_ms <= state.frame_ms:
            return
        if state.up(sender_clock=stamp.by_sender):
            yield state.health
        state.frame_ms = frame.time_ms
        self._reported_s = now_s
        yield frame

    def _change(self, frame: Frame, stamp: Stamp) -> Reason | None:
        """A change of the camera's settings or clock, which is reported once; the frame is used."""
        before, self._size = self._size, (frame.width, frame.height)
        if before is not None and before != self._size:
            return Reason.CHANGED
        return Reason.CLOCK if stamp.jumped else None

    def _fault(self, frame: Frame, now_s: float) -> Reason | None:
        """Why the frame cannot be used; None where it can."""
        return Reason.CLOCK if frame.time_ms < self._state.frame_ms - _BACK_MS else None


def _waited(seconds: float, state: _State, stop: Event) -> Iterator[Health]:
    """The health once a second for so many seconds, or until `stop` is set."""
    until_s = monotonic() + seconds
    while (left_s := until_s - monotonic()) > 0:
        if stop.wait(min(left_s, _BEAT_S)):
            return
        yield state.health


def _now_ms() -> int:
    return round(time() * 1000)
