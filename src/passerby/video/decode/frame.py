"""A picture at an instant. Frames are born in `source` and die in `observe`.

Invariant: a frame refuses to be pickled, copied or printed, so that no pixel leaves the room by accident.
"""

from typing import Any, NoReturn

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

NEARLY = 1.25
"""Less than so many times as large, a plane is interpolated: what is left out of it is less than its noise."""


class Frame:
    """`time_ms` Unix ms UTC; planes of 4:2:0: `luma` (H, W) uint8 and two of ((H + 1) // 2, (W + 1) // 2)."""

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
        """The region as (bottom - top, right - left, 3) uint8 BGR: only it is converted (BT.601).

        `left` and `top` must be even; an odd size is answered by the next smaller even one. With a smaller, even
        (width, height) `size` it is made as small first, and converted then.
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
        """What lies within `bounds` (left, top, right, bottom; the whole frame where None) averaged down to
        (width, height) `size`: (height, width, 3) uint8 Y, U, V. `left` and `top` must be even."""
        left, top, right, bottom = bounds or (0, 0, self.width, self.height)
        luma = self.luma[top:bottom, left:right]
        rows, columns = slice(top // 2, (bottom + 1) // 2), slice(left // 2, (right + 1) // 2)
        planes = (luma, self._u[rows, columns], self._v[rows, columns])
        return np.asarray(cv2.merge([_smaller(plane, size, NEARLY) for plane in planes]), np.uint8)

    def __repr__(self) -> str:
        return f"<Frame {self.width}x{self.height}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Frame is not pickled: pixels stay in the room they were born in")

    def __copy__(self) -> NoReturn:
        raise TypeError("a Frame is not copied: pixels stay in the room they were born in")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError("a Frame is not copied: pixels stay in the room they were born in")


def _smaller(plane: Image, size: tuple[int, int], nearly: float = 2.0) -> Image:
    """Of (width, height) `size`: averaged two by two while that is possible, which is quick. What is then left to do is
    interpolated where it is less than `nearly` times as large, else averaged, which is slow."""
    while plane.shape[1] >= 2 * size[0] and plane.shape[0] >= 2 * size[1]:
        height, width = plane.shape[0] // 2, plane.shape[1] // 2
        plane = cv2.resize(plane[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    if plane.shape[::-1] == size:
        return plane
    factor = max(plane.shape[1] / size[0], plane.shape[0] / size[1])
    way = cv2.INTER_LINEAR if 1 <= factor < nearly else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, size, interpolation=way), np.uint8)
