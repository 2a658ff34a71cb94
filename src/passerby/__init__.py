"""Counts of pedestrians, cyclists and vehicles that cross lines, from fixed cameras: how many, never who.

    counter = passerby.Counter([line], detector="auto")
    counts = counter.count("street.mp4")               # exact, for the owner of the footage
    for crossing in counter.stream(source): ...        # as they happen
    passerby.release("street.mp4", site, ledger=...)   # with noise, for everybody

Invariant: importing this loads neither numpy nor av; a name is loaded when it is first used.
"""

from typing import TYPE_CHECKING, Any

from passerby.domain.geometry import Line
from passerby.errors import (
    BudgetError,
    ConflictError,
    InputError,
    LedgerError,
    LineError,
    ModelError,
    OutputError,
    PasserbyError,
    PolicyError,
    SiteError,
    SourceError,
    StoreError,
    TruthError,
    UnknownNameError,
)

if TYPE_CHECKING:
    from passerby.config.site import Site
    from passerby.counting.counts import (
        BinCount,
        Cost,
        Counts,
        Crossing,
        Evidence,
        Kinematics,
        LineDiagnostics,
        TotalCount,
        Visibility,
    )
    from passerby.counting.parameters import (
        ContextParams,
        CountingParams,
        CrossingParams,
        KindParams,
        TrackerParams,
        VisibilityParams,
    )
    from passerby.domain.labels import Label
    from passerby.domain.release import Cell, Release
    from passerby.evaluation.score import ClipSummary, Evaluation, Score, Summary
    from passerby.executors.processes import Executor
    from passerby.recordings.checkpoint import Checkpoint
    from passerby.recordings.counter import Counter, CountOptions, count
    from passerby.recordings.evaluate import evaluate
    from passerby.recordings.progress import Progress
    from passerby.recordings.public_release import load_site, release
    from passerby.recordings.release import Published
    from passerby.recordings.settings import Runtime
    from passerby.video.detect.interface import Boxes, Detector
    from passerby.video.scheduling.optimizations import Optimizations

__version__ = "0.1.0"
__all__ = [
    "BinCount",
    "Boxes",
    "BudgetError",
    "Cell",
    "Checkpoint",
    "ClipSummary",
    "ConflictError",
    "ContextParams",
    "Cost",
    "CountOptions",
    "Counter",
    "CountingParams",
    "Counts",
    "Crossing",
    "CrossingParams",
    "Detector",
    "Evaluation",
    "Evidence",
    "Executor",
    "InputError",
    "KindParams",
    "Kinematics",
    "Label",
    "LedgerError",
    "Line",
    "LineDiagnostics",
    "LineError",
    "ModelError",
    "Optimizations",
    "OutputError",
    "PasserbyError",
    "PolicyError",
    "Progress",
    "Published",
    "Release",
    "Runtime",
    "Score",
    "Site",
    "SiteError",
    "SourceError",
    "StoreError",
    "Summary",
    "TotalCount",
    "TrackerParams",
    "TruthError",
    "UnknownNameError",
    "Visibility",
    "VisibilityParams",
    "count",
    "evaluate",
    "load_site",
    "release",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = _load(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load(name: str) -> Any:
    """The public name from its module."""
    if name == "Site":
        from passerby.config.site import Site

        return Site
    if name in ("Label", "Cell", "Release"):
        return _load_of_domain(name)
    if name in ("ClipSummary", "Evaluation", "Score", "Summary"):
        from passerby.evaluation import score

        return getattr(score, name)
    if name.endswith("Params"):
        from passerby.counting import parameters

        return getattr(parameters, name)
    if name in (
        "BinCount",
        "Cost",
        "Counts",
        "Crossing",
        "Evidence",
        "Kinematics",
        "LineDiagnostics",
        "TotalCount",
        "Visibility",
    ):
        from passerby.counting import counts

        return getattr(counts, name)
    if name in ("Boxes", "Detector"):
        from passerby.video.detect import interface

        return getattr(interface, name)
    return _load_of_recordings(name)


def _load_of_domain(name: str) -> Any:
    if name == "Label":
        from passerby.domain.labels import Label

        return Label
    from passerby.domain import release

    return getattr(release, name)


def _load_of_recordings(name: str) -> Any:
    if name in ("Counter", "CountOptions", "count"):
        from passerby.recordings import counter

        return getattr(counter, name)
    if name == "evaluate":
        from passerby.recordings.evaluate import evaluate

        return evaluate
    if name in ("load_site", "release"):
        from passerby.recordings import public_release

        return getattr(public_release, name)
    if name == "Published":
        from passerby.recordings.release import Published

        return Published
    if name == "Checkpoint":
        from passerby.recordings.checkpoint import Checkpoint

        return Checkpoint
    if name == "Executor":
        from passerby.executors.processes import Executor

        return Executor
    if name == "Progress":
        from passerby.recordings.progress import Progress

        return Progress
    if name == "Optimizations":
        from passerby.video.scheduling.optimizations import Optimizations

        return Optimizations
    from passerby.recordings.settings import Runtime

    return Runtime
