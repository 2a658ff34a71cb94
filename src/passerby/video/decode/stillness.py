"""Whether a picture is frozen: a living sensor has noise and never gives the same bits twice.

Invariant: looks at whether pictures are equal and at nothing else in them; keeps checksums, no picture.
"""

from zlib import crc32

import numpy as np

from passerby.video.decode.frame import Frame

FROZEN_S = 10.0


class Stillness:
    """Of pictures as they come: frozen when none for `limit_s` was new.

    A picture is new unless its like came within the last `limit_s`: a coder shows a frozen picture as a short
    cycle of refinements, and not as one picture.
    """

    def __init__(self, limit_s: float = FROZEN_S) -> None:
        self._limit_s = limit_s
        self._seen_s: dict[int, float] = {}
        self._new_s: float | None = None

    def frozen(self, frame: Frame, now_s: float) -> bool:
        """Whether it is frozen with this frame, which came at `now_s` of a clock that never goes back."""
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
