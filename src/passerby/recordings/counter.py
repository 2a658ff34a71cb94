"""The public interface to counting: `Counter`, and `count` for a single call.

Invariant: nothing is counted here; every argument is checked before the long work begins.
"""

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast

from passerby.counting.counts import Counts, Crossing
from passerby.counting.parameters import CountingParams
from passerby.domain.geometry import DEFAULT_CORRIDOR, Line
from passerby.domain.labels import Label
from passerby.executors.processes import Executor
from passerby.io.sources import Place
from passerby.recordings.checkpoint import Checkpoint
from passerby.recordings.pipeline import count_plan
from passerby.recordings.plan import Clock, Method, plan_of
from passerby.recordings.progress import Progress
from passerby.recordings.settings import Runtime
from passerby.recordings.stream import stream_crossings
from passerby.video.detect.interface import Detector
from passerby.video.detect.selection import AUTO, BEST
from passerby.video.scene import annotated_image
from passerby.video.scheduling.optimizations import Optimizations, disabled
from passerby.video.streaming import TimedImage


class Counter:
    """Counts what crosses lines in recordings and streams: exact counts, for the owner of the footage.

    `lines`: at least one. `detector`: auto, best, motion, names or paths of models joined by `+`, or a `Detector`.
    `corridor`: half the width of the band around each line in which objects are detected, in frame heights; None for
    the whole frame. `labels`: the classes to report, None for all; a motor vehicle of a class that is not listed is
    reported as `VEHICLE` where that is listed. `optimizations`: None for those that suit the detector. `params`: the
    thresholds of tracking and counting.

    Raises InputError or LineError.

    >>> counter = passerby.Counter([line], detector="motion")
    >>> counts = counter.count("street.mp4")
    >>> sum(total.count for total in counts.totals)
    2
    """

    def __init__(
        self,
        lines: Sequence[Line],
        detector: str | Detector = AUTO,
        corridor: float | None = DEFAULT_CORRIDOR,
        *,
        labels: Sequence[Label] | None = None,
        runtime: Runtime = Runtime(),
        optimizations: Optimizations | None = None,
        params: CountingParams = CountingParams(),
    ) -> None:
        self.method = Method(
            tuple(lines),
            detector,
            corridor,
            tuple(labels) if labels else None,
            runtime,
            optimizations,
            params,
        )

    def count(
        self,
        video: str | Place,
        *,
        start: str | None = None,
        timezone: str | None = None,
        bin_ms: int = 900_000,
        checkpoint: Checkpoint | None = None,
        picture: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Counts:
        """Count one recording.

        `video`: a file, or a URL that fsspec reads. `start` (ISO 8601) and `timezone` (IANA name): when the recording
        began, where the file does not say, and the zone of its bins. `bin_ms`: length of a bin. `checkpoint`: where
        the state of the count is kept, so that it can be resumed. `picture`: a PNG to write, the empty scene with
        lines and counts. `progress`: called with the progress at every tick.

        Raises SourceError, ModelError, LineError, InputError or OutputError, each with one line for the user.
        """
        if picture is not None:
            annotated_image.check(picture)
        plan = plan_of(video, self.method, Clock(start, timezone, bin_ms))
        return count_plan(plan, checkpoint=checkpoint, picture=picture, progress=progress)

    def stream(self, source: str | Path | Iterable[TimedImage]) -> Iterator[Crossing]:
        """Yield each crossing within half a minute after it happened, in order of time, with bounded memory.

        `source`: a recording (a file or URL), a live camera (rtsp://, rtsps:// or /dev/video0), or an iterable of
        pairs of a time (Unix ms UTC or an aware datetime) and an image (H, W, 3) uint8 BGR. A camera that fails after
        the first frame is reconnected; the stream ends when the iterator is closed. Nobody's class depends on the
        traffic around them, as it may in `count`.

        Raises, while iterating, SourceError for a source that cannot be opened, ModelError, and InputError for images
        that are malformed or out of order.

        >>> counter = passerby.Counter([line], detector="motion")
        >>> [crossing.direction for crossing in counter.stream("street.mp4")]
        ['to_right', 'to_left']
        """
        return stream_crossings(self.method, source)


class CountOptions(TypedDict, total=False):
    """The keyword arguments of `passerby.count`: those of `Counter`, `Runtime` and `Counter.count`.

    `disable`: names of optimizations to turn off, or `all`. `without` is its former name.

    >>> options: passerby.CountOptions = {"detector": "motion", "bin_ms": 60_000}
    >>> len(passerby.count("street.mp4", [line], **options).bins) > 0
    True
    """

    detector: str | Detector
    model_dir: Path | None
    corridor: float | None
    labels: Sequence[Label] | None
    start: str | None
    timezone: str | None
    bin_ms: int
    chunk_ms: int
    decode: str
    device: str
    disable: Collection[str]
    without: Collection[str]
    jobs: int
    executor: Executor | None
    checkpoint: Checkpoint | None
    kept: Checkpoint | None
    picture: Path | None
    progress: Callable[[Progress], None] | None
    on_progress: Callable[[Progress], None] | None


_OLD_NAMES = {"without": "disable", "kept": "checkpoint", "on_progress": "progress"}
_RUNTIME = ("jobs", "executor", "decode", "device", "model_dir")
_COUNTER = ("detector", "corridor", "labels")
_COUNT = ("start", "timezone", "bin_ms", "checkpoint", "picture", "progress")


def count(video: str | Place, lines: Sequence[Line], **options: Unpack[CountOptions]) -> Counts:
    """Count what crosses `lines` in one recording, in a single call.

    The options are those of `Counter`, `Runtime` and `Counter.count`; `disable` has the names of optimizations to turn
    off, and `chunk_ms` is that of `CountingParams`. Raises as `Counter.count` does, and TypeError for an unknown
    option.

    >>> counts = passerby.count("street.mp4", [line], detector="motion")
    >>> [(total.direction, total.label, total.count) for total in counts.totals if total.count]
    [('to_right', 'car', 1), ('to_left', 'car', 1)]
    """
    given = _with_new_names(cast(dict[str, Any], options))
    runtime = Runtime(**{name: given.pop(name) for name in _RUNTIME if name in given})
    settings = {name: given.pop(name) for name in _COUNTER if name in given}
    settings["optimizations"] = optimizations_without(
        given.pop("disable", ()), settings.get("detector", AUTO)
    )
    if "chunk_ms" in given:
        settings["params"] = CountingParams(chunk_ms=given.pop("chunk_ms"))
    calls = {name: given.pop(name) for name in _COUNT if name in given}
    if given:
        raise TypeError(f"count() got an unexpected keyword argument {next(iter(given))!r}")
    return Counter(lines, runtime=runtime, **settings).count(video, **calls)


def optimizations_without(disable: Collection[str], detector: str | Detector) -> Optimizations | None:
    """The optimizations that suit `detector` but those named in `disable`; None where it names none.

    Raises InputError for an unknown name.
    """
    if not disable:
        return None
    if "all" in disable:
        return disabled(disable)
    unsuited = () if isinstance(detector, str) else ("crops", "fit")
    return disabled((*disable, *(("pace",) if detector == BEST else unsuited)))


def _with_new_names(options: dict[str, Any]) -> dict[str, Any]:
    renamed = {}
    for name, value in options.items():
        new = _OLD_NAMES.get(name, name)
        if new != name:
            warnings.warn(f"{name}= of passerby.count is now {new}=", DeprecationWarning, stacklevel=3)
        renamed[new] = value
    return renamed
