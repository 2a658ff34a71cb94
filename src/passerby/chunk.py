"""From the tracks of one line's window to what its chunk may say.

Invariant: exact counts are made and clipped in one call, and only the clipped ones come out of it.
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
    """What crossed `line` within the chunk `span`, clipped; `size_px` is the width and height of the picture.

    Raises PolicyError for a line without a policy.
    """
    if line.policy is None:
        raise PolicyError(f"camera {camera}, line {line.line.name}: expected a privacy policy")
    found = find_crossings(tracks, [line.line], size_px, span)
    wanted = [label_of(text) for text in line.labels or ()] or list(Label)
    counts = Counter(
        Cell(camera, line.line.name, line.line.direction_name(one.direction), label.text)
        for one in found
        if (label := reported(one.label, wanted)) is not None
    )
    cells = cells_of(camera, line)
    asked = {cell: number for cell, number in counts.items() if cell in cells}
    return clip(Chunk(camera, span), asked, cells, line.policy.clip)
