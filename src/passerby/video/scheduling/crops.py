"""Which crops of a region to show to a detector after a part of it has changed.

Invariant: rectangles and boxes in, rectangles out, all in px of the frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from passerby.video.decode.regions import Bounds, Region, area_of, intersection, union
from passerby.video.detect.nms import Boxes


@dataclass(frozen=True, slots=True)
class CropParams:
    """How crops are cut. The values were chosen on the recordings of docs/explanation/speed.md.

    `margin`: shown around a change on each side, in widths and heights of the change; at least `margin_rows`, in
    frame heights. A wider margin helps the detector and costs pixels.
    `join`: crops are joined where the crop around both has no more than this times their pixels. A larger value makes
    fewer and larger crops.
    `whole`: share of the region's pixels from which the whole region is shown in place of crops.
    """

    margin: float = 0.15
    margin_rows: float = 0.03
    join: float = 1.15
    whole: float = 0.7


PARAMS = CropParams()


def crops_of(changed: Sequence[Bounds], before: Boxes, region: Region, rows: int) -> list[Bounds]:
    """The crops around the rectangles that have `changed`, each grown around those boxes of `before` that it touches,
    so that no object is cut; the whole region where they are most of it. `rows` is the height of the frame."""
    crops = [_with_margin(change, rows) for change in changed]
    centres = (before.xyxy[:, :2] + before.xyxy[:, 2:]) / 2
    for (left, top, right, bottom), (x, y) in zip(before.xyxy.tolist(), centres.tolist(), strict=True):
        box = int(left), int(top), ceil(right), ceil(bottom)
        around = _with_margin(box, rows)
        for index, (crop, change) in enumerate(zip(crops, changed, strict=True)):
            is_within = crop[0] <= x < crop[2] and crop[1] <= y < crop[3]
            if is_within or area_of(intersection(box, change)) > 0:
                crops[index] = union(crop, around)
    crops = [_even(intersection(crop, region.visible), region.bounds) for crop in crops]
    crops = _joined([crop for crop in crops if area_of(crop) > 0])
    if not crops or sum(map(area_of, crops)) >= PARAMS.whole * area_of(region.bounds):
        return [region.bounds]
    return crops


def _joined(crops: Sequence[Bounds]) -> list[Bounds]:
    """`crops`, with those that lie close together as one, until none do."""
    separate: list[Bounds] = []
    waiting = list(crops)
    while waiting:
        crop = waiting.pop()
        for neighbour in separate:
            both = union(crop, neighbour)
            if area_of(both) <= PARAMS.join * (area_of(crop) + area_of(neighbour)):
                separate.remove(neighbour)
                waiting.append(both)
                break
        else:
            separate.append(crop)
    return sorted(separate)


def _with_margin(box: Bounds, rows: int) -> Bounds:
    left, top, right, bottom = box
    x = round(max(PARAMS.margin * (right - left), PARAMS.margin_rows * rows))
    y = round(max(PARAMS.margin * (bottom - top), PARAMS.margin_rows * rows))
    return left - x, top - y, right + x, bottom + y


def _even(box: Bounds, within: Bounds) -> Bounds:
    """The smallest box of even coordinates around `box`, cut to `within` on the right and at the bottom."""
    left, top, right, bottom = box
    return (
        left // 2 * 2,
        top // 2 * 2,
        min(within[2], -(-right // 2) * 2),
        min(within[3], -(-bottom // 2) * 2),
    )
