"""The light of corridors: contrast and noise that were drawn are measured."""

import numpy as np
import pytest

from passerby.video.motion.background_subtraction import SmallPicture
from passerby.video.motion.light import light_of


def picture(low: int, high: int, noise: float) -> SmallPicture:
    """A ramp from `low` to `high` with normal noise."""
    ramp = np.tile(np.linspace(low, high, 320), (240, 1))
    luma = ramp + np.random.default_rng(3).normal(0, noise, ramp.shape)
    yuv = np.full((240, 320, 3), 128, np.uint8)
    yuv[..., 0] = np.clip(luma, 0, 255).astype(np.uint8)
    return SmallPicture(7, yuv, 1.0)


@pytest.mark.parametrize("noise", [3.0, 6.0, 12.0])
def test_noise_is_measured(noise: float) -> None:
    assert light_of(picture(100, 140, noise), None).noise == pytest.approx(noise, rel=0.1)


def test_contrast_is_measured() -> None:
    light = light_of(picture(16, 235, 0), None)
    assert light.time_ms == 7
    assert light.contrast == pytest.approx(0.96, abs=0.02)
    assert light_of(picture(100, 110, 0), None).contrast < 0.06
