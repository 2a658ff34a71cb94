"""Reads a live camera as counting does, and keeps all that it received.

Invariant: limits are shortened, and no absolute time is asserted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.domain.link_health import Health, Reason
from passerby.video.decode import live
from passerby.video.decode.frame import Frame

LIMITS = live.Limits(stall_s=2, connect_s=10, wait_s=1)
PATIENCE_S = 40


class Camera:
    """Reads a camera, and keeps all that it received."""

    def __init__(self, address: str, transport: Transport = "tcp", limits: live.Limits = LIMITS) -> None:
        self.stop = Event()
        self.told: list[Health] = []
        self.sizes: list[tuple[int, int]] = []
        self.times: list[int] = []
        self._items = live.frames(Address(address), self.stop, transport=transport, limits=limits)

    def until(self, done: Callable[[], bool]) -> None:
        give_up = monotonic() + PATIENCE_S
        while not done():
            assert monotonic() < give_up, [(one.up, str(one.reason)) for one in self.told]
            item = next(self._items)
            if isinstance(item, Frame):
                self.times.append(item.time_ms)
                self.sizes.append((item.width, item.height))
            elif not self.told or item != self.told[-1]:
                self.told.append(item)

    def until_frames(self, number: int) -> None:
        enough = len(self.times) + number
        self.until(lambda: len(self.times) >= enough)

    def until_down(self, *reasons: Reason) -> None:
        self.until(lambda: bool(self.told) and not self.told[-1].up and self.told[-1].reason in reasons)

    @property
    def reasons(self) -> list[Reason]:
        return [one.reason for one in self.told]


@contextmanager
def reading(address: str, transport: Transport = "tcp", limits: live.Limits = LIMITS) -> Iterator[Camera]:
    camera = Camera(address, transport, limits)
    try:
        yield camera
    finally:
        camera.stop.set()
        assert all(later > time_ms for time_ms, later in zip(camera.times, camera.times[1:], strict=False))
