"""Every threshold of tracking and counting, so that a sensitivity study edits no code.

Invariant: frozen numbers alone; each field's text gives its unit, its source and the effect of another value.

A field whose source is "tuned" has no better one than this: it was chosen by counting the clips and synthetic streets
that docs/accuracy.md lists as seen. The clips and streets listed there as held out had no part in the choice.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TrackerParams:
    """Thresholds of `passerby.counting.tracker`: how boxes of successive ticks are tied together.

    A box with a class comes from a detector; a box without one comes from background subtraction alone. Lengths in
    "body sizes" are measured per axis in the width and height of the body's own box.

    >>> passerby.TrackerParams(lost_ms=2_000).lost_ms
    2000
    """

    sure_confidence: float = 0.4
    """Confidence from which a box is matched first and may begin a track.
    Unit: 0..1. Source: tuned; the high threshold of ByteTrack (Zhang et al., ECCV 2022) in its role.
    Higher: faint bodies get no track. Lower: more tracks of clutter."""

    lost_ms: int = 1_000
    """A track that no box continued for longer than this ends.
    Unit: ms. Source: tuned; ByteTrack keeps 30 frames, about as long.
    Higher: bodies survive longer gaps, and a newcomer may inherit an old track. Lower: more broken tracks."""

    lost_moving_ms: int = 500
    """The same, where the continuation would be a box without a class.
    Unit: ms. Source: tuned. Higher or lower: as for `lost_ms`, for motion alone."""

    gate: float = 0.75
    """Greatest distance between a box and the place where its track expects it.
    Unit: body sizes. Source: tuned.
    Higher: fast turns are followed, and neighbours swap tracks more often. Lower: the opposite."""

    new_gate: float = 1.4
    """The same for a track of a single box, whose velocity is not known yet.
    Unit: body sizes. Source: tuned. Higher or lower: as for `gate`."""

    velocity_smoothing: float = 0.5
    """Weight of the newest measured velocity in a track's velocity.
    Unit: 0..1. Source: tuned; exponential smoothing in place of SORT's Kalman filter (Bewley et al., 2016).
    Higher: quicker to follow turns, and more disturbed by trembling boxes. Lower: the opposite."""

    size_smoothing: float = 0.5
    """Weight of the newest box in a track's size.
    Unit: 0..1. Source: tuned. Higher: quicker to follow growth. Lower: steadier against boxes drawn too large."""

    growth_cost: float = 0.5
    """Cost of a change of size in the matching, per unit of the natural logarithm of each side's ratio.
    Unit: gates. Source: tuned. Higher: boxes of another size are matched less. Lower: the opposite."""

    kind_cost: float = 0.25
    """Cost of a change between person, two-wheeler and motor vehicle in the matching.
    Unit: gates. Source: tuned. Higher: tracks keep their kind, and break where a detector wavers.
    Lower: the opposite."""

    min_box_share: float = 0.34
    """Least share of a track's ticks in which it had a box.
    Unit: 0..1. Source: tuned.
    Higher: bodies that are often hidden are lost. Lower: glimpses of two things become one path."""

    occlusion_share: float = 0.8
    """Share of a track's expected box that a box without a class must cover to hide the track.
    Unit: 0..1. Source: tuned. Higher: bodies that pass one another lose their tracks.
    Lower: more tracks are believed."""

    occlusion_max_ms: int = 1_500
    """Longest time for which a hidden track is continued.
    Unit: ms. Source: tuned. Higher: longer meetings are survived, and gone bodies still counted.
    Lower: the opposite."""

    occlusion_min_boxes: int = 4
    """Boxes that a track needs before it may be hidden.
    Unit: boxes. Source: tuned. Higher: fewer short tracks are continued. Lower: flicker is continued."""

    occlusion_min_travel: float = 1.0
    """Distance that a track must have gone before it may be hidden.
    Unit: body sizes. Source: tuned. Higher: slow bodies are not continued. Lower: leaves and ghosts are continued."""

    pace_window_ms: int = 500
    """Time over which the velocity at either end of a track is measured.
    Unit: ms. Source: tuned. Higher: one badly drawn box matters less. Lower: turns are seen sooner."""

    divergence_per_s: float = 0.5
    """Difference of velocity from which two tracks in one box are two bodies.
    Unit: sizes of the smaller body per second. Source: tuned.
    Higher: bodies in a crowd become one. Lower: parts of one body become two."""

    upright_ratio: float = 1.5
    """Height by width from which a box is a pedestrian's.
    Unit: ratio. Source: tuned. Higher: pedestrians side by side become one.
    Lower: parts of a vehicle become two bodies."""

    edge_adjustment: float = 0.25
    """Most by which a hidden body's side follows the side of the box that hides it.
    Unit: body sizes. Source: tuned. Higher: follows the visible edge. Lower: trusts the constant velocity."""

    split_share: float = 0.6
    """Share of a new box within an older one of a moment ago, from which both were one box then.
    Unit: 0..1. Source: tuned. Higher: fewer pairs of pedestrians are split. Lower: more are."""

    shared_path_ms: int = 4_000
    """Time before a split for which the two pedestrians share one path.
    Unit: ms. Source: tuned. Higher: crossings before the split count for both. Lower: only for the older track."""

    parted_iou: float = 0.5
    """Intersection over union below which the boxes of a split pair are apart.
    Unit: 0..1. Source: tuned. Higher: more splits are believed. Lower: fewer are."""

    parted_min_ticks: int = 2
    """Ticks in which both boxes of a pair were surely apart, from which the split is believed.
    Unit: ticks of 80 ms. Source: tuned. Higher: fewer splits are believed. Lower: a body seen twice is split."""

    handover_ms: int = 500
    """Longest time for which one pedestrian may have both an old track that ends and a new one.
    Unit: ms. Source: tuned. Higher: fewer splits are believed. Lower: a continuation inherits a neighbour's path."""

    relink_ms: int = 1_500
    """Longest gap over which a lost body is re-linked to a new track, once all tracks are known.
    Unit: ms. Source: tuned. Higher: longer gaps are closed, and different bodies joined. Lower: the opposite."""

    relink_gate: float = 1.5
    """Distance from its expected place within which a new box may be a lost pedestrian.
    Unit: body sizes. Source: tuned. Higher or lower: as for `relink_ms`."""

    reappear_min_boxes: int = 3
    """Boxes that both tracks need before a body is expected to reappear from behind another.
    Unit: boxes. Source: tuned. Higher: fewer re-links. Lower: velocities of less evidence are used."""

    reappear_min_pace_ratio: float = 0.35
    """Slower by faster pace, before and after the gap, that a re-link needs: a body cut by the corridor seems slower.
    Unit: ratio. Source: tuned. Higher: fewer re-links. Lower: standing and passing bodies are joined."""

    reappear_min_cosine: float = 0.9
    """Cosine of the largest turn during the gap.
    Unit: cosine. Source: tuned; 0.9 is 26 degrees. Higher: only straight paths. Lower: turns too."""

    reappear_max_growth: float = 1.6
    """Largest factor between a side of the box at the gap and the average side of either track.
    Unit: ratio. Source: tuned. Higher: more re-links, and bodies of different sizes joined. Lower: the opposite."""

    reappear_gate: float = 1.0
    """Distance from the place that its pace leads to, within which a body reappears.
    Unit: body sizes. Source: tuned. Higher or lower: as for `relink_ms`."""

    standing_ms: int = 20_000
    """Longest time for which a body of motion alone may stand, and be part of the background, before it goes on.
    Unit: ms. Source: bodies in a queue; within a chunk and its margins. Higher: longer stops are survived.
    Lower: fewer."""

    standing_lane: float = 0.7
    """Overlap of the lane in which its front went in and its rear came out, by all of both.
    Unit: 0..1. Source: tuned. Higher: fewer links. Lower: neighbours are joined."""

    standing_min_travel: float = 0.5
    """Distance that its front went in and its rear came out.
    Unit: body lengths. Source: tuned. Higher: fewer links. Lower: things that tremble are joined."""

    standing_rest: float = 0.05
    """Most by which its front moves in its last boxes before it stood, and its rear in the first ones after.
    Unit: body lengths. Source: tuned. Higher: bodies that were lost while moving are joined. Lower: fewer links."""

    standing_gap: float = 1.25
    """Longest distance between where its front was last seen and its rear first.
    Unit: body lengths. Source: the hidden part is one body long. Higher: others are joined. Lower: fewer links."""


@dataclass(frozen=True, slots=True)
class KindParams:
    """The numbers of `passerby.counting.kinds`: what each piece of evidence says of a person, of a two-wheeler and of a
    motor vehicle, always in this order.

    Measured: 925 crossings of known kind on 12 recordings and 5 synthetic streets, counted with four sets of
    detectors. Weights and thresholds were chosen with one recording left out in turn (docs/decisions/0022).

    >>> passerby.KindParams().decisive
    0.6
    """

    said: tuple[tuple[float, ...], ...] = (
        (0.970, 0.015, 0.015),
        (0.540, 0.430, 0.030),
        (0.015, 0.010, 0.975),
    )
    """For each true kind, the share of its confidence with which detectors name each kind.
    Unit: 0..1, rows add up to 1. Source: measured (0.99, 0.009, 0.001; 0.54, 0.43, 0.03; 0.002, 0.004, 0.994), with the
    rare confusions at 0.01 or more, since few crossings show them. Detectors take riders for pedestrians, hardly ever
    the reverse. Higher or lower: a kind is named more, or less, for the same boxes."""

    shape: tuple[tuple[float, ...], ...] = (
        (0.705, 0.143, 0.152),
        (0.287, 0.481, 0.232),
        (0.045, 0.175, 0.780),
    )
    """For each true kind, the share of its boxes of motion that have the shape of each kind.
    Unit: 0..1, rows add up to 1. Source: measured. Higher or lower: as for `said`."""

    pace: tuple[tuple[float, float], ...] = ((0.70, 0.42), (1.74, 0.41), (3.25, 0.60))
    """For each kind, the median of its pace and the spread of its logarithm.
    Unit: body heights per second. Source: medians measured (0.62, 1.74, 3.25), that of people raised to leave room for
    runners; 1.2 m/s, 3.0 m/s and 4.9 m/s at heights of 1.7 m, 1.75 m and 1.5 m, less than real paces because bodies
    also move towards the camera. The spreads measured were 0.25, 0.41 and 0.46; the wider ones gave the same.
    Higher or lower: another pace is usual."""

    aspect: tuple[tuple[float, float], ...] = ((0.50, 0.25), (0.87, 0.32), (1.90, 0.34))
    """For each kind, the median of length by height and the spread of its logarithm.
    Unit: ratio. Source: measured. Higher or lower: another usual proportion."""

    said_weight: float = 4.0
    """Most that all boxes of detectors together count, since boxes of one track share their errors.
    Unit: independent boxes. Source: left out; 3 and 4 gave the same, 6 four errors more.
    Higher: one confusion outweighs pace."""

    shape_weight: float = 4.0
    """The same for all boxes of motion.
    Unit: independent boxes. Source: left out; 3 gave the same, 2 three errors more. Higher or lower: as for
    `said_weight`."""

    pace_weight: float = 1.0
    """Weight of the pace.
    Unit: factor. Source: left out; 0.75 to 1 gave the same. Higher: slow vehicles are named less."""

    aspect_weight: float = 0.3
    """Weight of the proportions, most of which the shape of boxes already tells.
    Unit: factor. Source: left out; 0.5 gives four more errors. Higher: it counts twice."""

    floor: float = 0.005
    """Density that no pace or proportion falls below, so that one odd measure decides nothing.
    Unit: density of a logarithm. Source: left out; 0.005 to 0.05 gave the same. Higher: pace and proportions matter
    less."""

    decisive: float = 0.6
    """Probability from which a kind is named; below it the body is `UNKNOWN`.
    Unit: 0..1. Source: left out; 0.7 makes 6 right names and 2 wrong ones of 881 `UNKNOWN`. Higher: more `UNKNOWN`."""

    beyond_doubt: float = 0.9
    """Probability from which a body is experience for the others at its line.
    Unit: 0..1. Source: left out; 0.95 gave the same. Higher: less is learned."""

    prior_bodies: float = 0.5
    """Bodies of each kind that a line is taken to have seen before any crossed.
    Unit: bodies. Source: Jeffreys' prior. Higher: experience matters later."""

    experience_most: float = 30.0
    """Most by which experience makes one kind likelier than another.
    Unit: ratio. Source: left out; 10 gave the same. Higher: a rare kind is named less."""

    motor_share: float = 2 / 3
    """Share of a rider's votes from which the two-wheeler has a motor.
    Unit: 0..1. Source: tuned; small detectors take many bicycles for motorcycles.
    Higher: motorcycles count as bicycles. Lower: bicycles count as motorcycles."""

    min_named_share: float = 1 / 3
    """Share of a motor vehicle's votes that must name its class; with fewer it is a car, as most are.
    Unit: 0..1. Source: tuned. Higher: more cars by default. Lower: a glimpse decides."""

    glimpse: float = 0.1
    """Confidence with which car, bus or truck must be named for each box that only moved; with less it is a car.
    Unit: 0..1. Source: tuned. Higher or lower: as for `min_named_share`."""

    class_share: float = 0.55
    """Share of the votes for car, bus or truck that a class needs; a closer vote is `VEHICLE`.
    Unit: 0..1. Source: tuned. Higher: more `VEHICLE`. Lower: more errors between car, bus and truck."""


@dataclass(frozen=True, slots=True)
class CrossingParams:
    """Thresholds of `passerby.counting.line_test` and `passerby.counting.crossings`: how paths become crossings.

    >>> passerby.CrossingParams().min_boxes
    3
    """

    band_share: float = 0.1
    """Half the width of the hysteresis band around a line.
    Unit: share of the body's extent across the line. Source: tuned.
    Higher: short steps over the line are not counted. Lower: trembling boxes count twice."""

    band_min: float = 0.008
    """The same at least.
    Unit: frame heights. Source: boxes tremble by one or two pixels whatever their size; 0.008 is 3 px of 360.
    Higher or lower: as for `band_share`, for small bodies."""

    open_edge: float = 0.03
    """A line that ends this near the frame's edge goes on beyond it: a body cut by the edge still crosses.
    Unit: share of the frame's width or height. Source: tuned.
    Higher: more lines are open-ended. Lower: bodies at the frame's edge are missed."""

    min_boxes: int = 3
    """Boxes below which a track is a flicker of the detector.
    Unit: boxes. Source: tuned. Higher: short tracks are dropped. Lower: false detections count."""

    moving_min_boxes: int = 5
    """The same for a track without a class.
    Unit: boxes. Source: tuned. Higher or lower: as for `min_boxes`."""

    moving_max_elongation: float = 5
    """Longer by shorter side above which a track without a class is an edge.
    Unit: ratio. Source: tuned. Higher: more edges count. Lower: long vehicles are dropped."""

    moving_min_travel: float = 1.0
    """Distance that a track without a class must go.
    Unit: its own widths and heights. Source: tuned. Higher: short passages are dropped.
    Lower: leaves and ghosts count."""

    moving_min_straightness: float = 0.3
    """Distance gone by length of path that a track without a class must have.
    Unit: 0..1. Source: tuned. Higher: winding paths are dropped. Lower: trembling leaves count."""

    rushing_min_share: float = 0.5
    """Least by greatest step, and least by greatest height across its way, of a body with fewer boxes than that.
    Unit: ratio. Source: tuned. Higher: fewer fast bodies count. Lower: flicker counts."""

    echo_share: float = 0.25
    """Share of another track's summed confidence below which an overlapping track is its echo.
    Unit: 0..1. Source: tuned. Higher: more faint bodies are merged. Lower: more echoes count."""

    duplicate_ms: int = 700
    """Longest time between two crossings of overlapping boxes, one way, that are one body.
    Unit: ms. Source: tuned. Higher: close followers are merged. Lower: bodies seen twice count twice."""

    explained_sizes: float = 2.0
    """Distance along the line within which a counted crossing explains a crossing that motion shows.
    Unit: sizes of what moved. Source: 1 to 3 gave the same accuracy within one crossing in a hundred on 13 clips.
    Higher: bodies beside a counted one are missed. Lower: parts of a counted body count again."""

    compare_ms: int = 1_000
    """Time before and after a crossing in which its boxes are compared with those of another crossing.
    Unit: ms. Source: tuned. Higher: also compares what a path was before a swap. Lower: fewer boxes to compare."""

    max_drift: float = 0.25
    """Most by which parts of one body move steadily apart.
    Unit: sizes of the smaller part. Source: tuned. Higher: bodies that part are merged. Lower: parts count twice."""

    same_kind_iou: float = 0.6
    """Intersection over union above which two paths of one kind are one body.
    Unit: 0..1. Source: tuned. Higher: more duplicates count. Lower: pedestrians who hide one another are merged."""

    same_kind_inside: float = 0.9
    """Share of the smaller box within the larger above which two paths of one kind are one body, as a head or a hand.
    Unit: 0..1. Source: tuned. Higher or lower: as for `same_kind_iou`."""

    vehicle_iou: float = 0.5
    """The same as `same_kind_iou` for a motor vehicle and a body of another kind.
    Unit: 0..1. Source: tuned. Higher or lower: as for `same_kind_iou`, for riders in front of a car."""

    vehicle_inside: float = 0.75
    """The same as `same_kind_inside` for a motor vehicle and a body of another kind.
    Unit: 0..1. Source: tuned. Higher or lower: as for `vehicle_iou`."""

    loose_inside: float = 0.5
    """The same for all others: motion, two-wheelers, echoes, and a pedestrian with a two-wheeler.
    Unit: 0..1. Source: tuned. Higher or lower: as for `same_kind_inside`."""

    vote_ms: int = 1_500
    """Time before and after a crossing in which boxes vote on its class.
    Unit: ms. Source: tuned. Higher: more votes, also from before a swap of tracks. Lower: fewer."""

    pace_ms: int = 400
    """Time before and after a crossing over which its pace is measured.
    Unit: ms. Source: tuned. Higher: steadier, and blind to braking. Lower: noisier."""

    cut_edge: float = 0.01
    """A box that ends this near the upper or lower edge of the frame is cut by it, so that its height is not known.
    Unit: frame heights. Source: tuned. Higher: fewer heights are trusted. Lower: cut bodies seem fast."""

    kinds: KindParams = field(default_factory=KindParams)
    """The numbers that tell kinds apart. Unit: see there. Source: see there. Higher or lower: see there."""


@dataclass(frozen=True, slots=True)
class ContextParams:
    """Thresholds of `passerby.counting.context`: how a body without a class is compared with the usual traffic.

    "Usual" is the median of the bodies that cross one line in one direction. The source of each figure and what they
    bring together: docs/decisions/0017.

    >>> passerby.ContextParams().min_sample
    5
    """

    min_sample: int = 5
    """Bodies that must cross before their median is usual.
    Unit: bodies. Source: tuned. Higher: short recordings are not compared. Lower: one odd body moves the median."""

    part_height: float = 0.6
    """Height below which a moving box is a part of a vehicle, such as wheels, a roof or a bonnet.
    Unit: usual heights. Source: tuned. Higher: low cars are dropped beside others. Lower: parts count."""

    part_max_pace_difference: float = 0.2
    """Difference of pace up to which two parts are of one body (Gestalt law of common fate).
    Unit: share of the faster pace. Source: tuned. Higher: neighbours are merged. Lower: parts count twice."""

    part_max_extent: float = 1.4
    """Largest length and height of the parts of one body together.
    Unit: usual lengths and heights. Source: tuned. Higher or lower: as for `part_max_pace_difference`."""

    large_area: float = 3.0
    """Area from which a motor vehicle is a bus or a truck.
    Unit: usual areas. Source: tuned. Higher: vans and small trucks count as cars.
    Lower: large cars count as trucks."""

    large_height: float = 1.5
    """Height that it needs as well: two cars in a row are long, but not tall.
    Unit: usual heights. Source: tuned. Higher or lower: as for `large_area`."""

    bus_ratio: float = 1.1
    """Length by height, both in usual ones, from which a large vehicle is a bus.
    Unit: ratio. Source: buses have 1.2 to 1.3 (12 m by 3.1 m beside cars of 4.4 m by 1.5 m), trucks without a trailer
    0.8 to 1.0 (8 to 12 m by 3.5 to 4 m). Higher: more trucks. Lower: more buses."""

    bus_max_length: float = 3.4
    """Length above which a large vehicle is a truck with a trailer.
    Unit: usual lengths. Source: 16.5 m; a bus has 13.5 m at most (Directive 96/53/EC). Higher: more buses.
    Lower: more
    trucks."""


@dataclass(frozen=True, slots=True)
class VisibilityParams:
    """Thresholds of `passerby.counting.visibility`: when the count of a line and bin carries a mark.

    >>> passerby.VisibilityParams().doubtful_share
    0.2
    """

    doubtful_share: float = 0.2
    """Share of the crossings without a name, or seen by a detector or by motion alone, from which a count is marked.
    Unit: 0..1. Source: 13 recordings; all that were wrong by a quarter or more had 0.2 or more, or bodies too small.
    Higher: fewer marks, and some wrong counts have none. Lower: more right counts have one."""

    min_height_px: float = 40.0
    """Median height of bodies below which a count is marked.
    Unit: px. Source: docs/explanation/accuracy.md; at 25 px 0.61 of people are counted right, at 54 px 0.87.
    Higher: more marks. Lower: fewer."""

    min_contrast: float = 0.09
    """Contrast of the corridors below which a count is marked.
    Unit: 0..1. Source: synthetic streets at contrast 0.12 measure 0.06 and are counted right to 0.53; at 0.25, 0.12 and
    0.69; two real recordings with 0.12 and 0.14 are counted right. Higher: more marks. Lower: fewer."""


@dataclass(frozen=True, slots=True)
class CountingParams:
    """All thresholds of counting one's own recording, and how it is cut for that.

    >>> params = passerby.CountingParams(tracker=passerby.TrackerParams(gate=1.0))
    >>> counts = passerby.Counter([line], "motion", params=params).count("street.mp4")
    >>> sum(total.count for total in counts.totals)
    2
    """

    tracker: TrackerParams = field(default_factory=TrackerParams)
    """Thresholds that tie boxes together. Unit: see there. Source: see there. Higher or lower: see there."""

    crossing: CrossingParams = field(default_factory=CrossingParams)
    """Thresholds that make crossings of paths. Unit: see there. Source: see there. Higher or lower: see there."""

    context: ContextParams = field(default_factory=ContextParams)
    """Thresholds that compare with usual traffic. Unit: see there. Source: see there. Higher or lower: see there."""

    visibility: VisibilityParams = field(default_factory=VisibilityParams)
    """Thresholds of marks. Unit: see there. Source: see there. Higher or lower: see there."""

    chunk_ms: int = 60_000
    """Length of a chunk: each has a tracker of its own, which bounds memory.
    Unit: ms. Source: the privacy unit of a release has about this length. Higher: more memory, later results of
    `Counter.stream`. Lower: more work, as margins are tracked twice."""

    margin_ms: int = 10_000
    """Time before and after a chunk that its tracker sees too: a crossing needs the path to it and away from it.
    Unit: ms. Source: the longest of the times above, with room for a body that stops on the line.
    Higher: more work. Lower: crossings near the ends of a chunk are lost."""
