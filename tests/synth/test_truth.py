"""The traffic is plausible, and the truth equals that of a brute-force search."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from passerby.domain.geometry import Direction, Line, along, signed_distance
from passerby.domain.labels import Label
from passerby.errors import InputError
from passerby.synth import (
    Actor,
    Kind,
    Rates,
    Street,
    Waypoint,
    actors,
    boxes_at,
    lines,
    passing,
    standing,
    truth,
    turning_back,
)
from passerby.synth.motion import boxes, headings, positions
from passerby.synth.street import FAR_PAVEMENT, FAR_ROAD, NEAR_PAVEMENT, NEAR_ROAD, Array, view_of

EMPTY = Street(density=Rates(0, 0, 0), parked=0, duration_s=40)
BUSY = Street(seed=3, density="dense", duration_s=120)


def sampled_crossings(street: Street, line: Line, step_s: float) -> list[tuple[str, Direction, Label, float]]:
    """Crossings by a walk in small steps, box by box, with a projection written out here."""
    view = view_of(street)
    found: list[tuple[str, Direction, Label, float]] = []
    for actor in actors(street):
        times = np.arange(0, street.time_s(street.frame_count - 1), step_s)
        ground, heading = positions(actor, times), headings(actor, times)
        length, width, height = actor.size_m
        corners = []
        for u in (-length / 2, length / 2):
            for v in (-width / 2, width / 2):
                for w in (0.0, height):
                    x = ground[:, 0] + u * np.cos(heading) - v * np.sin(heading)
                    y = ground[:, 1] + u * np.sin(heading) + v * np.cos(heading)
                    away = np.stack([x, y, np.full(len(times), w)], axis=1) - view.position
                    depth = away @ view.axes[2]
                    corners.append(
                        np.stack([away @ view.axes[0] / depth, away @ view.axes[1] / depth], axis=1)
                        * view.focal_px
                    )
        seen = np.stack(corners) + np.array(view.centre)
        x = (seen[:, :, 0].min(axis=0) + seen[:, :, 0].max(axis=0)) / 2 / street.width
        y = seen[:, :, 1].max(axis=0) / street.height
        points = list(zip(x.tolist(), y.tolist(), strict=True))
        side = [signed_distance(line, point, street.aspect) > 0 for point in points]
        for k in range(1, len(points)):
            here = (
                len(actor.path) > 1 and actor.present(float(times[k])) and actor.present(float(times[k - 1]))
            )
            if here and side[k] != side[k - 1] and 0 <= along(line, points[k], street.aspect) <= 1:
                found.append((actor.name, "to_right" if side[k] else "to_left", actor.label, float(times[k])))
    return sorted(found, key=lambda one: one[3])


@pytest.mark.slow
def test_truth_equals_a_brute_force_search() -> None:
    street = replace(BUSY, duration_s=45, seed=1)
    given = lines(street)
    assert len(given) == 3
    for line in given:
        expected = sampled_crossings(street, line, 0.005)
        true = [crossing for crossing in truth(street, given) if crossing.line == line.name]
        assert len(true) > 0
        assert Counter((c.actor, c.direction, c.label) for c in true) == Counter(e[:3] for e in expected)
        for crossing in true:
            times = [e[3] for e in expected if e[0] == crossing.actor]
            assert min(abs((crossing.time_ms - street.start_ms) / 1000 - time) for time in times) < 0.007


def test_traffic_keeps_right_and_the_directions_follow_the_picture() -> None:
    crossed = truth(BUSY, lines(BUSY))
    for name, direction in (
        ("-11-", "to_right"),
        ("-12-", "to_left"),
        ("-21-", "to_right"),
        ("-22-", "to_left"),
    ):
        assert {c.direction for c in crossed if name in c.actor} <= {direction}
    assert {c.label for c in crossed if c.line != "road"} == {Label.PERSON}
    assert Label.PERSON not in {c.label for c in crossed if c.line == "road"}


@pytest.mark.slow
def test_no_actor_crosses_near_the_end_of_a_line() -> None:
    for scale in (0.3, 1.0):
        street = replace(BUSY, scale=scale)
        assert all(0.04 < crossing.along < 0.96 for crossing in truth(street, lines(street)))


@pytest.mark.slow
def test_dense_is_200_people_and_400_vehicles_in_a_quarter_of_an_hour() -> None:
    street = Street(seed=5, density="dense", duration_s=900)
    count = Counter(crossing.actor.split("-")[0] for crossing in truth(street, lines(street)))
    # Poisson: four standard deviations, and groups of people spread more.
    assert abs(count["vehicle"] - 400) < 4 * 400**0.5
    assert abs(count["person"] - 200) < 4 * (2 * 200) ** 0.5


def test_a_longer_recording_begins_with_the_same_traffic() -> None:
    short, long = (actors(replace(BUSY, duration_s=duration)) for duration in (60, 120))
    later = {actor.name: actor for actor in long}
    assert all(later[actor.name] == actor for actor in short)


def test_speeds_are_plausible() -> None:
    limits = {
        Kind.PERSON: (0.99, 1.61),
        Kind.CYCLIST: (3.99, 6.01),
        Kind.CAR: (7.99, 14.01),
        Kind.LORRY: (7.99, 14.01),
        Kind.BUS: (7.99, 14.01),
    }
    for actor in actors(BUSY):
        for a, b in zip(actor.path, actor.path[1:], strict=False):
            way = float(np.hypot(b.x_m - a.x_m, b.y_m - a.y_m))
            low, high = limits[actor.kind]
            assert way == 0 or low < way / (b.time_s - a.time_s) < high, actor


def test_sizes_in_the_picture_are_plausible() -> None:
    seen: dict[Label, list[float]] = {}
    for second in range(0, 120, 3):
        for box in boxes_at(BUSY, second):
            seen.setdefault(box.label, []).append(box.xyxy[3] - box.xyxy[1])
    assert 45 < np.median(seen[Label.PERSON]) < 200
    assert 60 < np.median(seen[Label.CAR]) < 160
    assert np.median(seen[Label.TRUCK]) > 1.5 * np.median(seen[Label.CAR])


@pytest.mark.parametrize("scale", [0.14, 0.5, 1.0, 2.0])
def test_no_actor_appears_or_disappears_in_the_picture(scale: float) -> None:
    street = replace(BUSY, scale=scale, duration_s=60)
    view = view_of(street)
    for actor in actors(street):
        if len(actor.path) == 1:
            continue
        ends: Array = np.array([actor.path[0].time_s, actor.path[-1].time_s])
        x1, y1, x2, y2 = boxes(actor, view, ends).T
        assert ((x2 < 0) | (y2 < 0) | (x1 > street.width) | (y1 > street.height)).all(), actor


def test_vehicles_of_a_lane_never_touch() -> None:
    times: Array = np.arange(0.0, BUSY.duration_s, 0.1)
    for lane in ("vehicle-11", "vehicle-12", "cyclist-21", "cyclist-22"):
        mine = [actor for actor in actors(BUSY) if actor.name.startswith(lane)]
        for one, other in combinations(mine, 2):
            both = times[[one.present(t) and other.present(t) for t in times.tolist()]]
            if len(both):
                gap = np.abs(positions(one, both)[:, 0] - positions(other, both)[:, 0])
                assert gap.min() > (one.size_m[0] + other.size_m[0]) / 2 + 1


def test_no_vehicle_touches_a_person() -> None:
    times: Array = np.arange(0.0, BUSY.duration_s, 0.1)
    wheels = [actor for actor in actors(BUSY) if actor.kind is not Kind.PERSON]
    over = [
        actor
        for actor in actors(BUSY)
        if actor.kind is Kind.PERSON and len({round(point.y_m) for point in actor.path}) > 1
    ]
    assert over
    for walker in over:
        for vehicle in wheels:
            both = times[[walker.present(t) and vehicle.present(t) for t in times.tolist()]]
            if len(both):
                away = np.abs(positions(walker, both) - positions(vehicle, both))
                length, width, _ = vehicle.size_m
                assert not ((away[:, 0] < length / 2) & (away[:, 1] < width / 2)).any()


def test_parked_cars_never_cross() -> None:
    parked = {actor.name for actor in actors(BUSY) if actor.name.startswith("parked")}
    assert len(parked) == 3
    assert not parked & {crossing.actor for crossing in truth(BUSY, lines(BUSY))}


def test_groups_are_no_larger_than_asked() -> None:
    alone = Street(seed=2, density="dense", duration_s=300, max_group=1)
    starts = sorted(actor.path[0].time_s for actor in actors(alone) if actor.kind is Kind.PERSON)
    assert len(starts) > 30
    assert len(set(starts)) == len(starts)


def test_a_loiterer_on_the_line_crosses_once() -> None:
    path = passing(EMPTY, NEAR_PAVEMENT, 0, 1.3, heading=1, stops=[(-6.0, 12.0)])
    street = replace(EMPTY, extra=(Actor("loiterer", Kind.PERSON, path),))
    assert [c.direction for c in truth(street, lines(street))] == ["to_right"]


def test_a_vehicle_that_turns_back_crosses_twice() -> None:
    path = turning_back(EMPTY, NEAR_ROAD, FAR_ROAD, 1.0, 8.0, -2.0)
    street = replace(EMPTY, extra=(Actor("back", Kind.CAR, path),))
    assert [c.direction for c in truth(street, lines(street))] == ["to_right", "to_left"]
    short = turning_back(EMPTY, NEAR_ROAD, FAR_ROAD, 1.0, 8.0, -14.0)
    street = replace(EMPTY, extra=(Actor("back", Kind.CAR, short),))
    assert truth(street, lines(street)) == ()


def test_a_queue_that_stands_on_the_line_crosses_once_each() -> None:
    queue = tuple(
        Actor(
            f"queue-{k}",
            Kind.CAR,
            passing(EMPTY, NEAR_ROAD, 2.0 * k, 10, stops=[(-3 - 6.0 * k, 15.0 - 2.0 * k)]),
        )
        for k in range(4)
    )
    street = replace(EMPTY, extra=queue)
    assert Counter(c.actor for c in truth(street, lines(street))) == {f"queue-{k}": 1 for k in range(4)}


def test_crossings_outside_the_recording_do_not_count() -> None:
    path = passing(EMPTY, FAR_PAVEMENT, 0.0, 1.3, heading=-1, at_m=-6.0)
    for shift_s, expected in ((-3.0, 0), (5.0, 1), (43.0, 0)):
        moved = tuple(Waypoint(point.time_s + shift_s, point.x_m, point.y_m) for point in path)
        street = replace(EMPTY, extra=(Actor("one", Kind.PERSON, moved),))
        assert len(truth(street, lines(street))) == expected


def test_a_standing_actor_has_its_given_heading() -> None:
    statue = Actor("statue", Kind.PERSON, standing(-6.0, 10.0), facing=1.0)
    assert headings(statue, np.array([0.0, 9.0])).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("duration_s", 0),
        ("width", 1281),
        ("fps", 0.5),
        ("density", "crowded"),
        ("density", Rates(-1, 0, 0)),
        ("start_ms", 1500),
        ("scale", 0),
        ("contrast", 0),
        ("rain", 1.1),
        ("max_group", 5),
        ("noise", -1),
        ("crf", 52),
        ("duration_s", float("nan")),
    ],
)
def test_a_wrong_setting_is_named(setting: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"^street: {setting}\S* is .*: expected "):
        replace(EMPTY, **{setting: value})  # type: ignore[arg-type]
