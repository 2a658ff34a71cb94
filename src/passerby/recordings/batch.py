"""Many recordings as one count: a folder, or what lies in a bucket.

Invariant: each recording is counted as if it were alone; one that cannot be read is told once, and holds up no other.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from time import perf_counter

from passerby.counting.counts import Counts, TotalCount
from passerby.domain.labels import Label, label_of
from passerby.errors import SourceError
from passerby.executors.processes import Executor, Failed, executor_of, raised, running, tried
from passerby.io.sources import Place
from passerby.recordings.checkpoint import Done, Kept
from passerby.recordings.pipeline import Plan, Progress, counted, keeping, met
from passerby.video.segments import JoinedParts, Part, detect_part

_PROBING = 8
"""So many recordings are asked at once what they are: on a server, that is mostly waiting."""


@dataclass(frozen=True, slots=True)
class Several:
    """`counts` of all recordings that could be read, without their crossings; a line of `problems` for each other."""

    counts: tuple[Counts, ...]
    problems: tuple[str, ...]
    wall_s: float


def count_several(
    places: Sequence[Place],
    plan_of: Callable[[Place], Plan],
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    kept: Kept | None = None,
    on_problem: Callable[[str], None] = lambda _: None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Several:
    """Count what crosses in each of `places`, by the plan that `plan_of` makes of it; the rest as for
    `pipeline.count`. `on_problem` is told of a recording that cannot be read when that is found.

    Raises SourceError, with all problems, where none can be read; ModelError and InputError as for one.
    """
    began = perf_counter()
    counts: list[Counts] = []
    problems: list[str] = []

    def tell(error: SourceError) -> None:
        problems.append(str(error))
        on_problem(str(error))

    plans: list[tuple[Plan, Done, list[Part]]] = []
    for plan in _planned(places, plan_of):
        if isinstance(plan, SourceError):
            tell(plan)
            continue
        done = Done() if kept is None else kept.of(plan.key)
        plans.append((plan, done, plan.parts(1, done, bounded=True)))
    are_all = all(plan.labels is None for plan, _, _ in plans)
    total_ms = sum(plan.task.recording.duration_ms for plan, _, _ in plans)
    done_ms = 0

    def report(progress: Progress) -> None:
        if on_progress:
            on_progress(Progress(done_ms + progress.done_ms, total_ms, perf_counter() - began))

    every_part = chain.from_iterable(parts for _, _, parts in plans)
    with running(executor or executor_of(jobs), partial(tried, detect_part), every_part) as answers:
        for plan, done, parts in plans:
            mine = islice(answers, len(parts))
            observed = JoinedParts(parts, raised(mine), done.reading, keeping(plan, done, kept))
            try:
                one = counted(replace(plan, labels=plan.labels or tuple(Label)), observed, done, kept, report)
                # A thousand hours hold a million crossings, and their bins are what is asked for.
                counts.append(replace(one, crossings=()))
            except SourceError as error:
                tell(error)
            for _ in mine:  # of a recording that broke off, or that was read from its start
                pass
            done.crossings.clear()
            done_ms += plan.task.recording.duration_ms
    if problems and not counts:
        raise SourceError("\n".join(problems))
    found = _without_what_never_crossed(counts) if are_all else counts
    return Several(tuple(found), tuple(problems), perf_counter() - began)


def totals_of(counts: Sequence[Counts]) -> tuple[TotalCount, ...]:
    """The totals of all recordings together, in the order of the first."""
    together: Counter[tuple[str, str, str]] = Counter()
    for one in counts:
        for row in one.totals:
            together[row.line, row.direction, row.label] += row.count
    return tuple(TotalCount(*key, number) for key, number in together.items())


def _planned(places: Sequence[Place], plan_of: Callable[[Place], Plan]) -> Iterator[Plan | SourceError]:
    """In their order; the first alone, so that weights are loaded once."""
    with ThreadPoolExecutor(_PROBING) as threads:
        first, rest = places[:1], places[1:]
        for plan in chain(map(partial(tried, plan_of), first), threads.map(partial(tried, plan_of), rest)):
            if not isinstance(plan, Failed):
                yield plan
            elif isinstance(plan.error, SourceError):
                yield plan.error
            else:
                raise plan.error


def _without_what_never_crossed(counts: Sequence[Counts]) -> Iterator[Counts]:
    """All with the same labels: those that crossed in any."""
    crossed = (label_of(row.label) for one in counts for row in one.totals if row.count)
    shown = {label.text for label in met(crossed)}
    for one in counts:
        bins = tuple(row for row in one.bins if row.label in shown)
        yield replace(one, bins=bins, totals=tuple(row for row in one.totals if row.label in shown))
