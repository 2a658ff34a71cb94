"""Test the connection to a camera, and read the size of its picture.

Invariant: a size and a reason come out; no pixel and no text of a camera does.
"""

from dataclasses import dataclass
from threading import Event
from time import monotonic

from passerby.config.camera_address import Address, Transport
from passerby.domain.link_health import Reason
from passerby.video.decode import live
from passerby.video.decode.frame import Frame


@dataclass(frozen=True, slots=True)
class CameraProbe:
    """`reason`: `live` where a picture of `width` x `height` px came, else why none did."""

    reason: Reason
    width: int = 0
    height: int = 0

    @property
    def up(self) -> bool:
        """Whether a picture came."""
        return self.reason is Reason.LIVE


def probe_camera(address: Address, *, transport: Transport = "tcp", within_s: float = 20.0) -> CameraProbe:
    """Connect to a camera once, until its first picture, its first fault, or for `within_s` seconds."""
    stop = Event()
    until_s = monotonic() + within_s
    limits = live.Limits(stall_s=within_s / 2, connect_s=within_s)
    try:
        for item in live.frames(address, stop, transport=transport, limits=limits):
            if isinstance(item, Frame):
                return CameraProbe(Reason.LIVE, item.width, item.height)
            if not item.up and item.reason is not Reason.CONNECTING:
                return CameraProbe(item.reason)
            if monotonic() > until_s:
                break
    finally:
        stop.set()
    return CameraProbe(Reason.UNREACHABLE)
