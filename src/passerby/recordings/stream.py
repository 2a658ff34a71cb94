"""Crossings as they happen, of a recording, a live camera or images that the caller makes.

Invariant: memory is bounded by a chunk and its margins; a crossing is yielded once, and nothing is kept of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from passerby.config.camera_address import Address
from passerby.counting.chunks import chunks, crossings_of, of_stream
from passerby.counting.counts import Crossing
from passerby.domain.labels import Label, reported
from passerby.recordings.plan import Method, plan_of
from passerby.video.detect.selection import Choice
from passerby.video.streaming import (
    CameraSource,
    ImageSource,
    RecordingSource,
    Source,
    StreamObservation,
    TimedImage,
    is_live,
)


def stream_crossings(method: Method, source: str | Path | Iterable[TimedImage]) -> Iterator[Crossing]:
    """Crossings of `source` in order of time: see `Counter.stream`."""
    opened, choice = _open(method, source)
    observation = StreamObservation(
        opened, method.lines, method.corridor, choice, method.resolved_optimizations()
    )
    params = of_stream(method.params)
    wanted = method.labels or tuple(Label)
    for span, ticks in chunks(observation, params):
        crossings, _ = crossings_of(ticks, method.lines, observation.size_px, span, method.corridor, params)
        for crossing in crossings:
            label = reported(crossing.label, wanted)
            if label is not None:
                yield replace(crossing, label=label, kinematics=None, evidence=None)


def _open(method: Method, source: str | Path | Iterable[TimedImage]) -> tuple[Source, Choice]:
    if isinstance(source, str) and is_live(source):
        return CameraSource(Address(source)), method.choose()
    if isinstance(source, str | Path):
        plan = plan_of(source, method)
        return RecordingSource(plan.task.recording, plan.task.start_ms), plan.choice
    return ImageSource(source), method.choose()
