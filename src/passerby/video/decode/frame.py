"""A picture and its time. Frames are made in `source` and `live`, and end in `observe`.

Invariant: a frame cannot be pickled, copied or printed, so no pixel leaves this package by accident.
"""

from typing import Any, NoReturn

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

NEARLY = 1.25
"""A plane that is larger by less than this factor is scaled down by linear interpolation, which is quicker than
averaging and omits less than the noise of the sensor."""


class Frame:
    """`time_ms`: Unix ms UTC. Planes of 4:2:0: `luma` (H, W) uint8, and U and V of ((H + 1) // 2, (W + 1) // 2)."""

    __slots__ = ("_u", "_v", "luma", "time_ms")

    def __init__(self, time_ms: int, luma: Image, u: Image, v: Image) -> None:
        self.time_ms = time_ms
        self.luma = luma
        self._u = u
        self._v = v

    @classmethod
    def from_bgr(cls, time_ms: int, image: Image) -> "Frame":
        """A frame of a (H, W, 3) uint8 BGR image; odd sizes lose their last row or column."""
        height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        planes = cv2.cvtColor(np.ascontiguousarray(image[:height, :width]), cv2.COLOR_BGR2YUV_I420)
        quarter = height // 2 * (width // 2)
        chroma = planes[height:].reshape(-1)
        return cls(
            time_ms,
            planes[:height],
            chroma[:quarter].reshape(height // 2, width // 2),
            chroma[quarter : 2 * quarter].reshape(height // 2, width // 2),
        )

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    def bgr(self, left: int, top: int, right: int, bottom: int, size: tuple[int, int] | None = None) -> Image:
        """A part of the frame as (bottom - top, right - left, 3) uint8 BGR (BT.601); no other part is converted.

        `left` and `top` must be even; an odd size becomes the next smaller even one. With a smaller, even (width,
        height) `size`, the part is scaled down first, and converted then.
        """
        width, height = (right - left) // 2 * 2, (bottom - top) // 2 * 2
        rows = slice(top // 2, top // 2 + height // 2)
        columns = slice(left // 2, left // 2 + width // 2)
        luma = self.luma[top : top + height, left : left + width]
        u, v = self._u[rows, columns], self._v[rows, columns]
        if size is not None:
            width, height = size
            half = width // 2, height // 2
            luma, u, v = _smaller(luma, size), _smaller(u, half), _smaller(v, half)
        planes = np.empty((height * 3 // 2, width), np.uint8)
        planes[:height] = luma
        chroma = planes[height:].reshape(2, height // 2, width // 2)
        chroma[0], chroma[1] = u, v
        return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), np.uint8)

    def yuv(self, size: tuple[int, int], bounds: tuple[int, int, int, int] | None = None) -> Image:
        """The part within `bounds` (left, top, right, bottom; the whole frame where None) scaled down to `size`
        (width, height): (height, width, 3) uint8 Y, U, V. `left` and `top` must be even."""
        left, top, right, bottom = bounds or (0, 0, self.width, self.height)
        luma = self.luma[top:bottom, left:right]
        rows, columns = slice(top // 2, (bottom + 1) // 2), slice(left // 2, (right + 1) // 2)
        planes = (luma, self._u[rows, columns], self._v[rows, columns])
        return np.asarray(cv2.merge([_smaller(plane, size, NEARLY) for plane in planes]), np.uint8)

    def __repr__(self) -> str:
        return f"<Frame {self.width}x{self.height}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Frame cannot be pickled: pixels stay in passerby.video")

    def __copy__(self) -> NoReturn:
        raise TypeError("a Frame cannot be copied: pixels stay in passerby.video")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError("a Frame cannot be copied: pixels stay in passerby.video")


def _smaller(plane: Image, size: tuple[int, int], nearly: float = 2.0) -> Image:
    """`plane` scaled down to `size` (width, height). It is halved by averaging while that is possible, which is quick.
    The rest is interpolated where it is less than `nearly` times as large as `size`, else averaged, which is slow."""
    while plane.shape[1] >= 2 * size[0] and plane.shape[0] >= 2 * size[1]:
        height, width = plane.shape[0] // 2, plane.shape[1] // 2
        plane = cv2.resize(plane[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    if plane.shape[::-1] == size:
        return plane
    factor = max(plane.shape[1] / size[0], plane.shape[0] / size[1])
    method = cv2.INTER_LINEAR if 1 <= factor < nearly else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, size, interpolation=method), np.uint8)
