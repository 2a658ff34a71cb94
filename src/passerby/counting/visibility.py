"""Whether bodies can be seen well enough to be counted, by line and bin; where not, the count carries a mark.

Invariant: the reason is made of numbers alone; for one's own recordings only, since a mark depends on what was seen.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from passerby.counting.counts import Crossing, Evidence, Visibility
from passerby.counting.detections import Light
from passerby.counting.parameters import VisibilityParams
from passerby.domain.calendar import Bin, ElapsedBin
from passerby.domain.labels import Label


def visibility_of(
    seen: Iterable[Crossing],
    counted: Iterable[Crossing],
    lights: Iterable[Light],
    lines: Sequence[str],
    bins: Iterable[Bin | ElapsedBin],
    params: VisibilityParams,
) -> Iterator[Visibility]:
    """A row for each bin and line. `seen` have their evidence; `counted` are the same bodies as they are counted."""
    listed = list(bins)
    begins = [each.span.start_ms for each in listed]
    evidence: dict[tuple[int, str], list[Evidence]] = defaultdict(list)
    labels: dict[tuple[int, str], list[Label]] = defaultdict(list)
    light: dict[int, list[Light]] = defaultdict(list)
    for crossing in seen:
        if crossing.evidence is not None:
            evidence[bisect_right(begins, crossing.time_ms) - 1, crossing.line].append(crossing.evidence)
    for crossing in counted:
        labels[bisect_right(begins, crossing.time_ms) - 1, crossing.line].append(crossing.label)
    for measured in lights:
        light[bisect_right(begins, measured.time_ms) - 1].append(measured)
    for index, each in enumerate(listed):
        contrast = median(m.contrast for m in light[index]) if light[index] else None
        noise = median(m.noise for m in light[index]) if light[index] else None
        for line in lines:
            here, names = evidence[index, line], labels[index, line]
            # Parts of one body are merged after they were seen.
            confirmed = min(len(names), sum(one.confirmed for one in here))
            named = sum(label is not Label.UNKNOWN for label in names)
            height = median(one.height_px for one in here) if here else None
            yield Visibility(
                start=each.start,
                end=each.end,
                line=line,
                crossings=len(names),
                named=named,
                confirmed=confirmed,
                height_px=None if height is None else round(height, 1),
                contrast=None if contrast is None else round(contrast, 3),
                noise=None if noise is None else round(noise, 2),
                mark="; ".join(_reasons(len(names), named, confirmed, height, contrast, params)),
            )


def _reasons(
    crossings: int,
    named: int,
    confirmed: int,
    height_px: float | None,
    contrast: float | None,
    params: VisibilityParams,
) -> Iterator[str]:
    """The reasons to doubt a count, worst first."""
    if crossings and crossings - named >= params.doubtful_share * crossings:
        yield f"{crossings - named} of {crossings} could not be told apart"
    if crossings and crossings - confirmed >= params.doubtful_share * crossings:
        yield f"{crossings - confirmed} of {crossings} were seen only by motion or only by a detector"
    if height_px is not None and height_px < params.min_height_px:
        yield f"bodies are {height_px:.0f} px tall, expected {params.min_height_px:.0f}"
    if contrast is not None and contrast < params.min_contrast:
        yield f"contrast is {contrast:.2f}, expected {params.min_contrast:.2f}"
