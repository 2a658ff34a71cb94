"""From the tracks of one line's window to the clipped counts of its chunk.

Invariant: exact counts are made and clipped in one call, and only clipped counts are returned.
"""

from collections import Counter

from passerby.config.site import CountedLine
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
    wanted = [label_of(text) for text in line.labels or ()] or list(Label)
    counts = Counter(
        Cell(camera, line.line.name, line.line.direction_name(crossing.direction), label.text)
        for crossing in crossings
        if (label := reported(crossing.label, wanted)) is not None
    )
    cells = cells_of(camera, line)
    listed = {cell: number for cell, number in counts.items() if cell in cells}
    return clip(Chunk(camera, span), listed, cells, line.policy.clip)
