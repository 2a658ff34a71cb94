"""A body keeps its id while it is seen, loses it when it is gone for long, and shares it with nobody."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.counting.bodies import CAR, PERSON, TICK_MS, Box, along, mirrored, moved, seen
from tests.tiers import examples

from passerby.counting.detections import Detections, Tracks, no_detections
from passerby.counting.tracker import track
from passerby.domain.labels import Label

few = settings(max_examples=examples(20))


def ids_of(tracks: Tracks, body: Iterable[Box]) -> Counter[int]:
    """How many of the boxes of a body have which id."""
    rows = {
        (time_ms, *xyxy): number
        for time_ms, xyxy, number in zip(
            tracks.time_ms.tolist(), tracks.xyxy.tolist(), tracks.tracker_id.tolist(), strict=True
        )
    }
    keys = [(box.time_ms, *np.array(box.xyxy, np.float32).tolist()) for box in body]
    return Counter(rows[key] for key in keys if key in rows)


def partition(tracks: Tracks) -> set[frozenset[tuple[int, int]]]:
    """Rows by track, whatever the numbers are; a row is its time and its rank among the boxes of that time."""
    groups: dict[int, set[tuple[int, int]]] = {}
    rank = Counter[int]()
    order = np.lexsort((tracks.xyxy[:, 3], tracks.xyxy[:, 1], tracks.time_ms))
    for row in order.tolist():
        time_ms = int(tracks.time_ms[row])
        groups.setdefault(int(tracks.tracker_id[row]), set()).add((time_ms, rank[time_ms]))
        rank[time_ms] += 1
    return {frozenset(group) for group in groups.values()}


def test_nothing_seen_is_no_track() -> None:
    for ticks in ([], [no_detections(0), no_detections(80)]):
        tracks = track(ticks)
        assert len(tracks) == 0
        assert tracks.xyxy.shape == (0, 4)
        assert tracks.xyxy.dtype == np.float32


def test_one_body_is_one_track_with_all_its_boxes() -> None:
    body = along((0, 100, 200), (4, 500, 250), tremble_px=1)
    tracks = track(seen(body))
    assert set(tracks.tracker_id.tolist()) == {0}
    assert tracks.time_ms.tolist() == [box.time_ms for box in body]
    assert tracks.confidence == pytest.approx([box.confidence for box in body])


@pytest.mark.parametrize("missing", [1, 3, 6])
def test_a_body_that_is_missed_for_a_moment_keeps_its_id(missing: int) -> None:
    body = along((0, 100, 200), (6, 500, 200))
    hidden = body[:30] + body[30 + missing :]
    tracks = track(seen(hidden, empty_ms=[box.time_ms for box in body]))
    assert ids_of(tracks, hidden) == {0: len(hidden)}


def test_a_body_that_is_gone_for_long_gets_a_new_id() -> None:
    body = along((0, 300, 200), (20, 300, 200))
    first, second = body[:60], body[-60:]
    tracks = track(seen(first, second))
    assert set(ids_of(tracks, first)).isdisjoint(ids_of(tracks, second))


def test_a_pedestrian_who_fades_is_relinked_within_a_wider_gate() -> None:
    """Beside somebody who takes the place where they were expected."""
    ticks_ms = range(0, 6_000, TICK_MS)
    front = along((0, 100, 200), (6, 500, 200), times_ms=ticks_ms)
    behind = along((0, 70, 200), (6, 470, 200), times_ms=ticks_ms)
    # The front one stops being seen; half a size off the way, they are seen again.
    again = [moved(box, right_px=22) for box in front[44:]]
    tracks = track(seen(front[:30], again, behind))
    assert ids_of(tracks, front[:30]) == {0: 30}
    assert ids_of(tracks, again) == {0: len(again)}
    assert len(set(ids_of(tracks, behind))) == 1


@pytest.mark.parametrize(("label", "confidence"), [(Label.VEHICLE, 0.0), (Label.CAR, 0.8)])
def test_a_car_comes_out_from_behind_a_lorry_where_its_pace_leads(label: Label, confidence: float) -> None:
    car = along((0, 60, 200), (4, 580, 200), size=CAR, label=label, confidence=confidence)
    first, out = car[:20], car[36:]
    tracks = track(seen(first, out, empty_ms=[box.time_ms for box in car]))
    assert ids_of(tracks, first).keys() == ids_of(tracks, out).keys() == {0}


@pytest.mark.parametrize(
    "change",
    [
        lambda out: [mirrored(box) for box in out],  # the other way
        lambda out: [moved(box, down_px=70) for box in out],  # another lane
        lambda out: [replace(box, label=Label.PERSON) for box in out],
        lambda out: out[12:],  # too late
    ],
)
def test_a_body_that_comes_from_elsewhere_is_another(change: Callable[[list[Box]], list[Box]]) -> None:
    car = along((0, 60, 200), (4, 580, 200), size=CAR, label=Label.CAR)
    first, out = car[:20], change(car[32:])
    tracks = track(seen(first, out, empty_ms=[box.time_ms for box in car]))
    assert ids_of(tracks, first).keys().isdisjoint(ids_of(tracks, out).keys())


def test_a_body_that_never_moved_is_not_relinked() -> None:
    """A post that a detector takes for a person now and then."""
    post = along((0, 300, 200), (6, 300, 200))
    first, second = post[:20], post[36:]
    tracks = track(seen(first, second, empty_ms=[box.time_ms for box in post]))
    assert set(ids_of(tracks, first)).isdisjoint(ids_of(tracks, second))


def test_a_faint_box_continues_a_track_but_begins_none() -> None:
    body = along((0, 100, 200), (4, 500, 200))
    faint = [Box(box.time_ms, box.xyxy, box.label, 0.25) for box in body]
    assert len(track(seen(faint))) == 0
    half = body[:20] + faint[20:]
    assert ids_of(track(seen(half)), half) == {0: len(half)}


@pytest.mark.parametrize("gap_px", [30, 60, 200])
def test_two_pedestrians_side_by_side_are_two(gap_px: int) -> None:
    one, other = along((0, 100, 150), (6, 560, 150)), along((0, 100 + gap_px, 155), (6, 560 + gap_px, 155))
    tracks = track(seen(one, other))
    assert [len(ids_of(tracks, body)) for body in (one, other)] == [1, 1]
    assert set(ids_of(tracks, one)) != set(ids_of(tracks, other))


def test_two_bodies_that_meet_keep_their_ids() -> None:
    one, other = along((0, 100, 200), (6, 560, 200)), along((0, 560, 212), (6, 100, 212))
    tracks = track(seen(one, other))
    assert [len(ids_of(tracks, body)) for body in (one, other)] == [1, 1]
    assert set(ids_of(tracks, one)) != set(ids_of(tracks, other))


def test_a_car_that_the_detector_names_anew_each_time_is_one_track() -> None:
    labels = [Label.CAR, Label.TRUCK, Label.BUS, Label.CAR, Label.VEHICLE]
    car = [
        Box(box.time_ms, box.xyxy, labels[number % len(labels)])
        for number, box in enumerate(along((0, 80, 250), (4, 560, 250), size=CAR))
    ]
    assert ids_of(track(seen(car)), car) == {0: len(car)}


@st.composite
def streets(draw: st.DrawFn) -> list[list[Box]]:
    """Up to five bodies, each in a lane of its own, that come and go."""
    bodies = []
    for lane in range(draw(st.integers(1, 5))):
        begin = draw(st.integers(0, 40)) / 10
        lasts = draw(st.integers(10, 60)) / 10
        xs = draw(st.integers(20, 620)), draw(st.integers(20, 620))
        y = 66 + 70 * lane
        size = draw(st.sampled_from([PERSON, (40.0, 62.0)]))
        gone = set(draw(st.lists(st.integers(0, 100), max_size=5)))
        path = along((begin, xs[0], y), (begin + lasts, xs[1], y), size=size)
        bodies.append([box for number, box in enumerate(path) if number not in gone])
    return bodies


@few
@given(streets())
def test_no_track_is_at_two_places_at_once_and_no_box_in_two_tracks(bodies: list[list[Box]]) -> None:
    ticks = seen(*bodies)
    tracks = track(ticks)
    at = list(zip(tracks.tracker_id.tolist(), tracks.time_ms.tolist(), strict=True))
    assert len(set(at)) == len(at)
    boxes = Counter((t.time_ms, *xyxy) for t in ticks for xyxy in t.xyxy.tolist())
    rows = Counter(
        (time_ms, *xyxy) for time_ms, xyxy in zip(tracks.time_ms.tolist(), tracks.xyxy.tolist(), strict=True)
    )
    assert not rows - boxes


@few
@given(streets())
def test_the_rows_of_each_track_are_in_order_of_time(bodies: list[list[Box]]) -> None:
    tracks = track(seen(*bodies))
    for number in set(tracks.tracker_id.tolist()):
        times = tracks.time_ms[tracks.tracker_id == number]
        assert (np.diff(times) > 0).all()


@few
@given(streets(), st.integers(0, 2**32))
def test_the_order_of_boxes_within_a_tick_does_not_matter(bodies: list[list[Box]], seed: int) -> None:
    ticks = seen(*bodies)
    shuffled = [_shuffled(tick, seed + number) for number, tick in enumerate(ticks)]
    assert partition(track(ticks)) == partition(track(shuffled))


def _shuffled(tick: Detections, seed: int) -> Detections:
    order = np.random.default_rng(seed).permutation(len(tick))
    return Detections(tick.time_ms, tick.xyxy[order], tick.confidence[order], tick.class_id[order])


@few
@given(streets(), st.integers(-(10**6), 10**12))
def test_the_hour_does_not_matter(bodies: list[list[Box]], later_ms: int) -> None:
    later = [[Box(box.time_ms + later_ms, box.xyxy, box.label) for box in body] for body in bodies]
    here, there = track(seen(*bodies)), track(seen(*later))
    assert here.tracker_id.tolist() == there.tracker_id.tolist()
    assert (here.time_ms + later_ms).tolist() == there.time_ms.tolist()


@few
@given(streets(), st.sampled_from([2, 4]), st.integers(-256, 256))
def test_a_scaled_moved_and_mirrored_picture_has_the_same_tracks(
    bodies: list[list[Box]], factor: int, right: int
) -> None:
    here = partition(track(seen(*bodies)))
    large = [[moved(box, right_px=right, scale=factor) for box in body] for body in bodies]
    image = [[mirrored(box) for box in body] for body in bodies]
    assert here == partition(track(seen(*large))) == partition(track(seen(*image)))


@few
@given(streets())
def test_a_fresh_tracker_remembers_nothing(bodies: list[list[Box]]) -> None:
    ticks = seen(*bodies)
    first, again = track(ticks), track(ticks)
    assert first.tracker_id.tolist() == again.tracker_id.tolist()
    assert (first.xyxy == again.xyxy).all()


@few
@given(streets(), st.integers(0, 60_000))
def test_a_body_of_long_ago_changes_no_later_track(bodies: list[list[Box]], pause_ms: int) -> None:
    """A chunk depends on what lies within it and its margins alone."""
    ticks = seen(*bodies)
    last_ms = ticks[-1].time_ms
    later_ms = last_ms + 10_000 + pause_ms // TICK_MS * TICK_MS
    after = seen(*[[Box(box.time_ms + later_ms, box.xyxy) for box in body] for body in bodies])
    both, alone = track([*ticks, *after]), track(after)
    late = both.time_ms >= later_ms
    shift = int(both.tracker_id[late].min() - alone.tracker_id.min()) if late.any() else 0
    assert (both.tracker_id[late] - shift).tolist() == alone.tracker_id.tolist()
