"""The synthetic streets of the curves, and how right a detector counts them.

Invariant: every street is one setting away from BASE; what is counted is what `passerby evaluate` counts.
"""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from passerby import synth
from passerby.evaluation.score import Evaluation
from passerby.recordings.evaluate import evaluate
from passerby.recordings.settings import Runtime

BASE = synth.Street(width=640, height=360, fps=12.5, duration_s=90, density="mixed")
SEEDS = (21, 22)
"""Seeds that no setting was chosen on."""
LONG_S = 900
"""A quarter of an hour: how long the street is looked at where its density is what changes."""
HD = (1280, 720)
NEAR_PERSON_PX = 54
"""How tall a person on the near pavement is in BASE, about."""
LONGEST_LENS = 2.0

SETTINGS: dict[str, tuple[float | str, ...]] = {
    "density_hd": ("light", "mixed", "dense"),
    "density": ("light", "mixed", "dense"),
    "fps": (2, 3, 5, 8, 12.5, 30),
    "height": (12, 25, 54, 100, 200),
    "contrast": (1.0, 0.5, 0.25, 0.12),
    "rain": (0.0, 0.5, 1.0),
    "shake_px": (0.0, 1.0, 3.0),
    "crf": (18, 23, 30, 38),
}
LONG = ("density_hd", "density")
"""Curves of long recordings, of the first seed alone: each has as many crossings as ten short ones."""
TITLES = {
    "density_hd": "density, 1280x720",
    "density": "density, 640x360",
    "fps": "frames a second",
    "height": "height of a person, px",
    "contrast": "contrast (1 day, 0.12 night)",
    "rain": "rain",
    "shake_px": "shake of the camera, px",
    "crf": "compression, x264 crf",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One street of one curve."""

    curve: str
    value: float | str
    seed: int

    @property
    def street(self) -> synth.Street:
        base = replace(BASE, seed=self.seed)
        if self.curve == "height":
            # A lens longer than this leaves the lines out of the picture: what is larger yet is on more pixels.
            scale = float(self.value) / NEAR_PERSON_PX
            share = 1 if scale <= LONGEST_LENS else 2
            return replace(base, scale=scale / share, width=base.width * share, height=base.height * share)
        if self.curve in LONG:
            width, height = HD if self.curve == "density_hd" else (base.width, base.height)
            return replace(base, density=str(self.value), duration_s=LONG_S, width=width, height=height)
        return replace(base, **{self.curve: self.value})  # type: ignore[arg-type]


def points() -> Iterator[Point]:
    """Every point of the first seed, and then of the next; the longest first."""
    for seed in SEEDS:
        for curve, values in SETTINGS.items():
            if curve in LONG and seed != SEEDS[0]:
                continue
            for value in values:
                yield Point(curve, value, seed)


@dataclass(frozen=True, slots=True)
class Result:
    """Sums of one street; `alike` are missed and over where a label is not asked for."""

    true: int
    missed: int
    over: int
    missed_alike: int
    over_alike: int


def measured(street: synth.Street, detector: str, models: Path | None, folder: Path) -> Result:
    """Count `street`, which is drawn into `folder` unless it is there."""
    video = folder / f"{number_of(street):x}.mp4"
    truth = video.with_suffix(".yaml")
    if not truth.exists():
        synth.write(street, video)
        synth.write_truth(street, video, truth)
    return result_of(evaluate(truth, detector=detector, runtime=Runtime(model_dir=models)))


def number_of(street: synth.Street) -> int:
    """The same in every process, unlike Python's own."""
    return zlib.crc32(repr(street).encode())


def result_of(told: Evaluation) -> Result:
    true, counted = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for row in told.rows:
        true[row.clip, row.line, row.direction] += row.true
        counted[row.clip, row.line, row.direction] += row.counted
    return Result(
        told.summary.true,
        told.summary.missed,
        told.summary.over,
        sum((true - counted).values()),
        sum((counted - true).values()),
    )
