"""One recording and how to count it: everything is checked here, and nothing is counted yet.

Invariant: a plan is configuration; equal plans of an equal file give equal crossings.
"""

import os
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time

from passerby.config.line_spec import check_names
from passerby.counting.parameters import CountingParams
from passerby.domain.geometry import DEFAULT_CORRIDOR, Line
from passerby.domain.labels import Label
from passerby.errors import InputError
from passerby.executors.processes import Executor
from passerby.io.sources import Place, Url, state_of
from passerby.recordings import start_time
from passerby.recordings.checkpoint import Done, key_of
from passerby.recordings.settings import Runtime
from passerby.video.detect.custom import custom
from passerby.video.detect.fingerprint import made_with
from passerby.video.detect.interface import Detector
from passerby.video.detect.selection import AUTO, Choice, choose
from passerby.video.observe import probe, unfiltered
from passerby.video.scheduling.optimizations import Optimizations, suited
from passerby.video.segments import Part, Task, parts_of


@dataclass(frozen=True, slots=True)
class Method:
    """How to count any recording: lines, detectors and settings; `corridor` is half its width in frame heights, None
    for the whole frame; `labels` None for all; `optimizations` None for those that suit the detector.

    Raises InputError or LineError.
    """

    lines: tuple[Line, ...]
    detector: str | Detector = AUTO
    corridor: float | None = DEFAULT_CORRIDOR
    labels: tuple[Label, ...] | None = None
    runtime: Runtime = field(default_factory=Runtime)
    optimizations: Optimizations | None = None
    params: CountingParams = field(default_factory=CountingParams)

    def __post_init__(self) -> None:
        if not self.lines:
            raise InputError("no line to count: expected at least one")
        check_names(self.lines)

    def choose(self) -> Choice:
        """Load the detectors. Raises ModelError or InputError."""
        if isinstance(self.detector, str):
            return choose(self.detector, self.runtime.model_dir, self.runtime.device)
        return custom(self.detector)

    def resolved_optimizations(self) -> Optimizations:
        """The optimizations to use with this detector."""
        if self.optimizations is not None:
            return self.optimizations
        if not isinstance(self.detector, str):
            # A function of the user's sees whole corridors in their own resolution.
            return Optimizations(crops=False, fit=False)
        return suited(self.detector)


@dataclass(frozen=True, slots=True)
class Clock:
    """When a recording began and how long a bin is: `start` and `timezone` as the user gave them, None to look in the
    file, in its name, and at the machine's own time zone."""

    start: str | None = None
    timezone: str | None = None
    bin_ms: int = 900_000


@dataclass(frozen=True, slots=True)
class CpuClock:
    """The wall clock and the CPU time of this process, and of those that it started and that ended, in seconds."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> "CpuClock":
        """As they are now."""
        children = os.times()
        return cls(perf_counter(), process_time() + children.children_user + children.children_system)


@dataclass(frozen=True, slots=True)
class Plan:
    """One recording and how to count it. `began`: the clock when planning began."""

    video: str
    task: Task
    method: Method
    choice: Choice
    opened: start_time.Start
    bin_ms: int
    began: CpuClock

    @property
    def key(self) -> str:
        """Identifies the file, its state and all settings on which its crossings depend.

        Raises SourceError when the file is gone.
        """
        path = self.task.recording.path
        return key_of((str(path), state_of(path), self.task, self.method.params))

    @property
    def is_portable(self) -> bool:
        """Whether another process can count a part of it: the name of a detector can be sent, a function cannot."""
        return isinstance(self.method.detector, str)

    def with_workers(self, jobs: int, executor: Executor | None) -> "Plan":
        """The same plan for so many jobs, or for an executor."""
        runtime = replace(self.method.runtime, jobs=jobs, executor=executor)
        return replace(self, method=replace(self.method, runtime=runtime))

    def parts(self, jobs: int, done: Done, *, bounded: bool) -> list[Part]:
        """The parts of the recording that are still to be read, for `jobs` processes."""
        if done.complete:
            return []
        margin_ms = self.method.params.margin_ms
        wanted_ms = None if done.counted_ms is None else done.counted_ms - margin_ms
        return parts_of(self.task, jobs, bounded=bounded, read_ms=done.read_ms, wanted_ms=wanted_ms)


def plan_of(video: str | Place, method: Method, clock: Clock = Clock()) -> Plan:
    """How `video`, a file or a URL that fsspec reads, is counted by `method`.

    Raises SourceError, ModelError, LineError or InputError.
    """
    began = CpuClock.now()
    runtime, optimizations = method.runtime, method.resolved_optimizations()
    recording = probe(video, runtime.decode)
    if optimizations.filter:
        recording = unfiltered(recording)
    opened = start_time.resolve_start(
        recording.path, start=clock.start, timezone_name=clock.timezone, created=recording.created
    )
    choice = method.choose()
    task = Task(
        recording=recording,
        start_ms=opened.start_ms,
        lines=method.lines,
        corridor=method.corridor,
        detector=choice.name,
        model_dir=runtime.model_dir,
        device=runtime.device,
        made_with=made_with(choice.loaded) if isinstance(method.detector, str) else (),
        optimizations=optimizations,
    )
    name = str(recording.path) if isinstance(recording.path, Url) else str(video)
    return Plan(name, task, method, choice, opened, clock.bin_ms, began)
