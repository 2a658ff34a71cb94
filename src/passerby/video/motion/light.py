"""Measure the light of the corridors: how much contrast there is, and how much noise.

Invariant: two numbers for a picture, from which nothing in it can be told.
"""

import cv2
import numpy as np

from passerby.counting.detections import Light
from passerby.video.decode.regions import Region
from passerby.video.motion.background_subtraction import SmallPicture, outside_of

_LUMA_STEPS = 219
"""Between black and white in video (ITU-R BT.601)."""
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Zero on planes and straight edges, 6 standard deviations on noise (Immerkaer, 1996)."""


def light_of(picture: SmallPicture, corridors: Region | None) -> Light:
    """The light of a small picture within the corridors, of all of it where they are None."""
    luma = picture.yuv[..., 0]
    inside = np.ones(luma.shape, bool)
    if corridors is not None and corridors.outside is not None:
        inside = ~outside_of(corridors, (luma.shape[1], luma.shape[0]))
    if not inside.any():
        return Light(picture.time_ms, 0.0, 0.0)
    dark, bright = np.percentile(luma[inside], [2, 98])
    edges = np.abs(cv2.filter2D(luma.astype(np.float32), -1, _LAPLACIAN))[inside]
    # The median of the absolute values of normal noise is 0.6745 standard deviations.
    return Light(picture.time_ms, float(bright - dark) / _LUMA_STEPS, float(np.median(edges)) / (6 * 0.6745))
