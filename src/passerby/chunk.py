"""From what crossed a line in a chunk to the counts of its cells: clipped under the footage promise, plain under the
crossings promise.

Invariant: a crossing becomes a count here, and nothing else is kept of it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from passerby.config.site import CountedLine
from passerby.counting.counts import Crossing
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Tracks
from passerby.domain.labels import Label, label_of, reported
from passerby.domain.release import Cell
from passerby.domain.timespan import Chunk, Span
from passerby.errors import PolicyError
from passerby.privacy.contribution import Contribution, clip
from passerby.privacy.standing_query import cells_of


def clipped(
    tracks: Tracks, camera: str, line: CountedLine, size_px: tuple[int, int], span: Span
) -> Contribution:
    """The clipped counts of `line` in the chunk `span`; `size_px` is (width, height) of the frame.

    Raises PolicyError for a line without a policy.
    """
    if line.policy is None:
        raise PolicyError(f"camera {camera}, line {line.line.name}: expected a privacy policy")
    crossings = find_crossings(tracks, [line.line], size_px, span)
    cells = cells_of(camera, line)
    counts = _by_cell(crossings, camera, line, cells)
    return clip(Chunk(camera, span), counts, cells, line.policy.clip)


def tallied(crossings: Iterable[Crossing], camera: str, line: CountedLine, span: Span) -> Contribution:
    """The plain counts of `line` among `crossings`, which lie in `span`."""
    cells = cells_of(camera, line)
    of_line = [one for one in crossings if one.line == line.line.name]
    counts = _by_cell(of_line, camera, line, cells)
    return Contribution(Chunk(camera, span), cells, tuple(counts.get(cell, 0) for cell in cells))


def _by_cell(
    crossings: Iterable[Crossing], camera: str, line: CountedLine, cells: Sequence[Cell]
) -> dict[Cell, int]:
    wanted = [label_of(text) for text in line.labels or ()] or list(Label)
    counts = Counter(
        Cell(camera, line.line.name, line.line.direction_name(crossing.direction), label.text)
        for crossing in crossings
        if (label := reported(crossing.label, wanted)) is not None
    )
    return {cell: number for cell, number in counts.items() if cell in cells}
