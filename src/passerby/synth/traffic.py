"""The traffic of a street: random actors from the seed, none of which passes through another.

Invariant: all random traffic is made here; the result is waypoints, which do not depend on frame rate or pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from passerby.synth.motion import positions
from passerby.synth.street import (
    FAR_CYCLE_LANE,
    FAR_PAVEMENT,
    FAR_ROAD,
    LINES_X_M,
    NEAR_CYCLE_LANE,
    NEAR_PAVEMENT,
    NEAR_ROAD,
    PARKING,
    SIZES,
    ZEBRA_M,
    Actor,
    Array,
    Kind,
    Lane,
    Street,
    Waypoint,
    view_of,
)

Random = np.random.Generator

_PERSON_M_S = (1.0, 1.6)
_CYCLIST_M_S = (4.0, 6.0)
_CAR_M_S = (8.0, 14.0)
_HEAVY_M_S = (8.0, 11.0)
_GAP_S = 0.9
_GROUPS = (0.58, 0.27, 0.1, 0.05)
_MARGIN_M = 3.0
_BODY_M = 0.55


@lru_cache(maxsize=32)
def actors(street: Street) -> tuple[Actor, ...]:
    """All actors of the street, in a fixed order; equal streets have equal actors."""
    rates = street.rates
    parked = _parked(street)
    driving: list[Actor] = []
    for stream, lane in ((11, NEAR_ROAD), (12, FAR_ROAD)):
        driving += _stream(street, stream, lane, rates.vehicles / 2, _vehicle)
    for stream, lane in ((21, NEAR_CYCLE_LANE), (22, FAR_CYCLE_LANE)):
        driving += _stream(street, stream, lane, rates.cyclists / 2, _cyclist)
    people = _people(street, driving)
    return (*parked, *driving, *people, *street.extra)


def passing(
    street: Street,
    lane: Lane,
    start_s: float,
    speed_m_s: float,
    *,
    heading: int = 0,
    offset_m: float = 0.0,
    at_m: float | None = None,
    stops: Sequence[tuple[float, float]] = (),
) -> tuple[Waypoint, ...]:
    """A straight path through the picture, from outside one edge to outside the other.

    It starts at `start_s`; with `at_m` it is at that x at `start_s`. A pavement needs a `heading`: +1 goes to
    larger x. `stops` are (x in metres, length of the stop in seconds).
    """
    heading = heading or lane.heading or 1
    low, high = _reach_m(street, lane)
    begin, end = (low, high) if heading > 0 else (high, low)
    y_m = lane.middle_m + offset_m
    points = [Waypoint(0.0, begin, y_m)]
    for x_m, pause_s in sorted(stops, key=lambda stop: stop[0] * heading):
        if (x_m - begin) * heading <= 0 or (end - x_m) * heading <= 0:
            continue
        arrive = points[-1].time_s + abs(x_m - points[-1].x_m) / speed_m_s
        points += [Waypoint(arrive, x_m, y_m), Waypoint(arrive + pause_s, x_m, y_m)]
    points.append(Waypoint(points[-1].time_s + abs(end - points[-1].x_m) / speed_m_s, end, y_m))
    offset_s = start_s - (0.0 if at_m is None else abs(at_m - begin) / speed_m_s)
    return tuple(Waypoint(point.time_s + offset_s, point.x_m, point.y_m) for point in points)


def turning_back(
    street: Street, lane: Lane, back: Lane, start_s: float, speed_m_s: float, x_m: float, *, heading: int = 0
) -> tuple[Waypoint, ...]:
    """A U-turn: along `lane` to `x_m`, through a half circle, and back along the lane `back`."""
    heading = heading or lane.heading or 1
    low, high = _reach_m(street, lane)
    begin = low if heading > 0 else high
    radius = (back.middle_m - lane.middle_m) / 2
    points = [Waypoint(start_s, begin, lane.middle_m)]
    time_s = start_s + abs(x_m - begin) / speed_m_s
    arc_s = abs(radius) * np.pi / speed_m_s
    for step in range(25):
        angle = np.pi * step / 24
        points.append(
            Waypoint(
                time_s + arc_s * step / 24,
                x_m + heading * abs(radius) * float(np.sin(angle)),
                lane.middle_m + radius * (1 - float(np.cos(angle))),
            )
        )
    low, high = _reach_m(street, back)
    end = low if heading > 0 else high
    points.append(Waypoint(points[-1].time_s + abs(end - points[-1].x_m) / speed_m_s, end, back.middle_m))
    return tuple(points)


def standing(x_m: float, y_m: float) -> tuple[Waypoint, ...]:
    """A path of one point, for an actor that always exists and never moves."""
    return (Waypoint(0.0, x_m, y_m),)


def _reach_m(street: Street, lane: Lane) -> tuple[float, float]:
    """The range of x of a lane that is in the picture, plus a margin that hides a bus and its shadow."""
    view = view_of(street)
    ends = [view.reach_m(y_m) for y_m in (lane.near_m, lane.far_m)]
    beyond = _MARGIN_M + (SIZES[Kind.BUS][0] / 2 if lane in (NEAR_ROAD, FAR_ROAD) else 0.0) + 3.0
    return min(end[0] for end in ends) - beyond, max(end[1] for end in ends) + beyond


Maker = Callable[[Street, Random], tuple[Kind, float, float]]


def _vehicle(street: Street, dice: Random) -> tuple[Kind, float, float]:
    """The kind, size and preferred speed (m/s) of the next vehicle."""
    share, wish, size = dice.random(), dice.random(), dice.uniform(0.95, 1.06)
    if share < street.lorry_share:
        return Kind.LORRY, float(size), _between(_HEAVY_M_S, wish)
    if share < street.lorry_share + street.bus_share:
        return Kind.BUS, 1.0, _between(_HEAVY_M_S, wish)
    return Kind.CAR, float(size), _between(_CAR_M_S, wish)


def _cyclist(street: Street, dice: Random) -> tuple[Kind, float, float]:
    return Kind.CYCLIST, float(dice.uniform(0.95, 1.05)), _between(_CYCLIST_M_S, dice.random())


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * float(share)


def _stream(street: Street, stream: int, lane: Lane, per_hour: float, make: Maker) -> list[Actor]:
    """The traffic of a lane: arrivals are random (Poisson), and no vehicle catches up with the one in front.

    A vehicle that would catch up gets a lower speed; if that would be too low, it arrives later.
    """
    if per_hour <= 0:
        return []
    dice = np.random.default_rng([street.seed, stream])
    low, high = _reach_m(street, lane)
    slowest = _CYCLIST_M_S[0] if make is _cyclist else _CAR_M_S[0]
    arrival = -(high - low) / slowest
    free_in, free_out = -1e9, -1e9
    result: list[Actor] = []
    while arrival < street.duration_s:
        arrival += float(dice.exponential(3600 / per_hour))
        kind, size, speed = make(street, dice)
        offset = float(dice.uniform(-0.25, 0.25))
        appearance = int(dice.integers(1 << 30))
        half_s = SIZES[kind][0] * size / 2 / speed
        enter = max(arrival, free_in + half_s + _GAP_S)
        leave = max(enter + (high - low) / speed, free_out + half_s + _GAP_S)
        enter = max(enter, leave - (high - low) / slowest)
        speed = (high - low) / (leave - enter)
        half_s = SIZES[kind][0] * size / 2 / speed
        free_in, free_out = enter + half_s, leave + half_s
        path = passing(street, lane, enter, speed, offset_m=offset)
        name = f"{'cyclist' if kind is Kind.CYCLIST else 'vehicle'}-{stream}-{len(result)}"
        result.append(Actor(name, kind, path, appearance, size))
    return [
        actor for actor in result if actor.path[-1].time_s > 0 and actor.path[0].time_s < street.duration_s
    ]


def _parked(street: Street) -> list[Actor]:
    """Cars in the bays beside the counting lines, nearest first; they never move."""
    dice = np.random.default_rng([street.seed, 31])
    result = []
    for place in range(street.parked):
        step = 5.0 + 5.6 * (place // 2)
        x_m = LINES_X_M + (step if place % 2 == 0 else -step)
        appearance, size = int(dice.integers(1 << 30)), float(dice.uniform(0.96, 1.03))
        if x_m - 2.9 < ZEBRA_M[1] and x_m + 2.9 > ZEBRA_M[0]:
            continue
        result.append(
            Actor(
                f"parked-{place}",
                Kind.CAR,
                standing(x_m, PARKING.middle_m),
                appearance,
                size,
                facing=float(np.pi),
            )
        )
    return result


def _people(street: Street, driving: Sequence[Actor]) -> list[Actor]:
    """People on both pavements, alone and in groups. Some cross the street, and some stop for a while."""
    per_hour = street.rates.people
    if per_hour <= 0:
        return []
    dice = np.random.default_rng([street.seed, 41])
    shares = np.array(_GROUPS[: street.max_group])
    shares /= shares.sum()
    mean = float(shares @ np.arange(1, len(shares) + 1))
    reaches = [_reach_m(street, lane) for lane in (NEAR_PAVEMENT, FAR_PAVEMENT)]
    arrival = -max(high - low for low, high in reaches) / _PERSON_M_S[0]
    result: list[Actor] = []
    present: list[Actor] = []
    while arrival < street.duration_s:
        arrival += float(dice.exponential(3600 * mean / per_hour))
        count = int(dice.choice(len(shares), p=shares)) + 1
        crosses = bool(dice.random() < 0.12)
        appearances = dice.integers(1 << 30, size=count)
        sizes = dice.uniform(0.92, 1.09, size=count)
        present = [actor for actor in present if actor.path[-1].time_s > arrival - 1]
        group: list[Actor] = []
        for _ in range(12):
            path = _crossing_path(street, dice, arrival, driving) if crosses else None
            path = path or _pavement_path(street, dice, arrival)
            group = [
                Actor(f"person-{len(result) + k}", Kind.PERSON, member, int(appearances[k]), float(sizes[k]))
                for k, member in enumerate(_together(path, count, dice))
            ]
            if not any(_collide(a, b) for a in group for b in present):
                break
        result += group
        present += group
    return [
        actor for actor in result if actor.path[-1].time_s > 0 and actor.path[0].time_s < street.duration_s
    ]


def _pavement_path(street: Street, dice: Random, start_s: float) -> tuple[Waypoint, ...]:
    lane = NEAR_PAVEMENT if dice.random() < 0.5 else FAR_PAVEMENT
    heading = 1 if dice.random() < 0.5 else -1
    room = (lane.far_m - lane.near_m) / 2 - 0.75
    offset = float(dice.uniform(-room, room))
    speed = _between(_PERSON_M_S, dice.random())
    stops: list[tuple[float, float]] = []
    place, pause = float(dice.uniform(-18, 2)), float(dice.uniform(4, 15))
    if dice.random() < street.stop_share and abs(place - LINES_X_M) > 1.5:
        stops.append((place, pause))
    return passing(street, lane, start_s, speed, heading=heading, offset_m=offset, stops=stops)


def _crossing_path(
    street: Street, dice: Random, start_s: float, driving: Sequence[Actor]
) -> tuple[Waypoint, ...] | None:
    """A path along one pavement, over the zebra crossing when it is free, and along the other; None if never free."""
    near_first = bool(dice.random() < 0.5)
    first, second = (NEAR_PAVEMENT, FAR_PAVEMENT) if near_first else (FAR_PAVEMENT, NEAR_PAVEMENT)
    speed = _between((1.2, 1.6), dice.random())
    x_m = float(dice.uniform(ZEBRA_M[0] + 0.9, ZEBRA_M[1] - 0.9))
    heading, away = (1 if dice.random() < 0.5 else -1), (1 if dice.random() < 0.5 else -1)
    ys = [lane.middle_m + float(dice.uniform(-0.6, 0.6)) for lane in (first, second)]
    low, high = _reach_m(street, first)
    begin = low if heading > 0 else high
    low, high = _reach_m(street, second)
    end = high if away > 0 else low
    kerb = NEAR_CYCLE_LANE.near_m - 0.7 if near_first else PARKING.far_m + 0.6
    reach_s = start_s + abs(x_m - begin) / speed
    kerb_s = reach_s + abs(kerb - ys[0]) / speed
    for wait_s in np.arange(0.0, 30.0, 0.5):
        go_s = kerb_s + float(wait_s)
        over_s = go_s + abs(ys[1] - kerb) / speed
        path = (
            Waypoint(start_s, begin, ys[0]),
            Waypoint(reach_s, x_m, ys[0]),
            Waypoint(kerb_s, x_m, kerb),
            *((Waypoint(go_s, x_m, kerb),) if wait_s else ()),
            Waypoint(over_s, x_m, ys[1]),
            Waypoint(over_s + abs(end - x_m) / speed, end, ys[1]),
        )
        if _free(path, go_s, over_s, driving):
            return path
    return None


def _free(path: tuple[Waypoint, ...], from_s: float, to_s: float, driving: Sequence[Actor]) -> bool:
    """Whether a walker on this path stays a second and two metres clear of all vehicles."""
    times = np.arange(from_s, to_s, 0.1)
    walker = positions(Actor("", Kind.PERSON, path), times)
    for actor in driving:
        if actor.path[-1].time_s < from_s - 1 or actor.path[0].time_s > to_s + 1:
            continue
        length, width, _ = actor.size_m
        for shift_s in (-1.0, 0.0, 1.0):
            away = np.abs(walker - positions(actor, times + shift_s))
            if ((away[:, 0] < length / 2 + 2.0) & (away[:, 1] < width / 2 + 1.2)).any():
                return False
    return True


def _together(path: tuple[Waypoint, ...], count: int, dice: Random) -> list[tuple[Waypoint, ...]]:
    """The paths of a group: side by side on a slant, so that no member hides another from the camera for long."""
    members = []
    for place in range(count):
        rank = place - (count - 1) / 2
        along_m = 0.58 * rank + float(dice.uniform(-0.08, 0.08))
        aside_m = 0.3 * rank + float(dice.uniform(-0.08, 0.08))
        members.append(
            tuple(replace(point, x_m=point.x_m + along_m, y_m=point.y_m + aside_m) for point in path)
        )
    return members


def _collide(a: Actor, b: Actor) -> bool:
    """Whether two people come closer than the width of a body."""
    begin = max(a.path[0].time_s, b.path[0].time_s)
    end = min(a.path[-1].time_s, b.path[-1].time_s)
    if begin >= end:
        return False
    times: Array = np.arange(begin, end, 0.15)
    away = positions(a, times) - positions(b, times)
    return bool((np.hypot(away[:, 0], away[:, 1]) < _BODY_M).any())
