"""Detect a frozen picture. A working sensor has noise, so it never gives the same picture twice.

Invariant: pictures are compared for equality and nothing else; checksums are kept, and no picture.
"""

from zlib import crc32

import numpy as np

from passerby.video.decode.frame import Frame

FROZEN_S = 10.0
"""A camera is frozen when it gave no new picture for so long."""


class FreezeDetector:
    """Frozen when no picture of the last `limit_s` was new.

    A picture is new unless an equal one came within the last `limit_s`: an encoder shows a frozen picture as a short
    cycle of refinements, not as one picture.
    """

    def __init__(self, limit_s: float = FROZEN_S) -> None:
        self._limit_s = limit_s
        self._seen_s: dict[int, float] = {}
        self._new_s: float | None = None

    def frozen(self, frame: Frame, now_s: float) -> bool:
        """Whether the camera is frozen at this frame, which came at `now_s` of a monotonic clock."""
        checksum = crc32(np.ascontiguousarray(frame.luma).data)
        before_s = self._seen_s.pop(checksum, None)
        self._seen_s[checksum] = now_s
        while (oldest := next(iter(self._seen_s))) != checksum and (
            now_s - self._seen_s[oldest] > self._limit_s
        ):
            del self._seen_s[oldest]
        if self._new_s is None or before_s is None or now_s - before_s > self._limit_s:
            self._new_s = now_s
        return now_s - self._new_s >= self._limit_s
