"""A made-up town and its releases: the same numbers each time, with daily and weekly patterns.

Invariant: nothing here was ever counted; noise has the distribution of real releases, from a seed.
"""

import math
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from passerby.config.site import Site, parse
from passerby.domain import calendar
from passerby.domain.release import Cell, Release
from passerby.domain.timespan import Span
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import open_store

ZONE = "Europe/Copenhagen"
LAST_DAY = date(2026, 11, 23)
"""A Monday; its numbers end at `LAST_HOUR`."""
LAST_HOUR = 15
_SCALE, _DAY_SCALE = 15.0, 60.0
_BUSY = (("bridge", 420.0), ("harbour path", 200.0), ("station square", 650.0))
_BY_HOUR = (1, 0.6, 0.4, 0.3, 0.5, 2, 6, 14, 18, 11, 9, 10, 12, 11, 11, 14, 19, 20, 14, 9, 6, 4, 3, 2)


def site_text(cameras: int = 2, *, page: str = "", camera: str = "") -> str:
    """A site file of `cameras` cameras, each with one line of the made-up town (the first has two)."""
    lines = ["site: {name: Havneby, timezone: Europe/Copenhagen}"]
    lines.append(
        page
        or "page:\n"
        "  operator: City of Havneby, Roads and Parks\n"
        "  purpose: To know where cycle paths and crossings need more room.\n"
        "  contact: counts@havneby.example\n"
        "  url: https://counts.havneby.example/"
    )
    lines.append("cameras:")
    for number in range(cameras):
        lines += [f"  {_camera(number)}:", "    source: rtsp://camera.example/stream"]
        if camera:
            lines.append(f"    {camera}")
        lines.append("    lines:")
        for name, _, _ in _lines(number):
            far = 0.74 if name == "bridge" else 0.35
            lines.append(
                f"      {name}: {{from: [0.12, {far + 0.06:g}], to: [0.88, {far:g}], names: [in, out], "
                "count: [person, bicycle], corridor: 0.15}"
            )
        lines.append("    privacy: {rho: 4s, k: 2, epsilon: 2, chunk: 5s, warmup: 1s, clip: 3, every: 15m}")
    lines.append("privacy: {promise: footage}")
    return "\n".join(lines) + "\n"


def make_site(cameras: int = 2, *, page: str = "", camera: str = "", path: Path = Path("site.yaml")) -> Site:
    return parse(site_text(cameras, page=page, camera=camera), path)


def fill(path: Path, days: int, cameras: int = 2) -> None:
    """A store at `path` of the last `days` days, the last of them until LAST_HOUR."""
    upgrade(path)
    store = open_store(path, ZONE)
    for number in range(cameras):
        for cell, busy in _cells(number):
            store.write(_bins(cell, busy, days), "bin")
            store.write(_days(cell, busy, days), "day")
    store.close()


def _camera(number: int) -> str:
    return ("quay", "market", "park", "school", "mill", "canal", "theatre", "church", "hospital", "gate")[
        number
    ]


def _lines(number: int) -> Iterator[tuple[str, float, int]]:
    yield (*_BUSY[(0, 2, 1)[number % 3]], 0)
    if number == 0:
        yield (*_BUSY[1], 1)


def _cells(number: int) -> Iterator[tuple[Cell, float]]:
    for line, busy, _ in _lines(number):
        for direction, share in (("in", 0.52), ("out", 0.48)):
            for label, part in (("person", 0.7), ("bicycle", 0.3)):
                yield Cell(_camera(number), line, direction, label), busy * share * part


def _bins(cell: Cell, busy: float, days: int) -> Iterator[Release]:
    zone = ZoneInfo(ZONE)
    first, end = LAST_DAY - timedelta(days=days - 1), _instant(LAST_DAY, LAST_HOUR)
    drawn = random.Random(f"{cell}")
    for each in calendar.bins(Span(_instant(first), end), 900_000, zone):
        mean = _mean(cell, busy, each.start)
        value = round(drawn.gauss(mean, math.sqrt(mean))) + _noise(drawn, _SCALE)
        # A camera that was away for an afternoon.
        away = (
            cell.camera == "market"
            and each.start.date() == LAST_DAY - timedelta(days=2)
            and each.start.hour > 12
        )
        coverage = 0.0 if away else 1.0
        span = each.span
        yield Release(
            cell,
            span.start_ms,
            span.end_ms,
            _noise(drawn, _SCALE) if away else value,
            _SCALE,
            1.6,
            coverage,
            "r",
        )


def _days(cell: Cell, busy: float, days: int) -> Iterator[Release]:
    zone = ZoneInfo(ZONE)
    drawn = random.Random(f"day {cell}")
    first = LAST_DAY - timedelta(days=days - 1)
    for each in calendar.bins(Span(_instant(first), _instant(LAST_DAY)), calendar.DAY_MS, zone):
        hours = [each.start + timedelta(hours=hour) for hour in range(24)]
        value = round(4 * sum(_mean(cell, busy, hour) for hour in hours)) + _noise(drawn, _DAY_SCALE)
        yield Release(cell, each.span.start_ms, each.span.end_ms, value, _DAY_SCALE, 0.4, 1.0, "r")


def _mean(cell: Cell, busy: float, when: datetime) -> float:
    """Expected crossings in a quarter of an hour."""
    weekend = 0.55 if when.weekday() > 4 else 1.0
    season = 1 + 0.25 * math.cos((when.timetuple().tm_yday - 190) / 365 * 2 * math.pi)
    tide = 1.3 if (cell.direction == "in") == (when.hour < 13) else 0.7
    return busy / 4 * _BY_HOUR[when.hour] / 10 * weekend * season * tide


def _noise(drawn: random.Random, scale: float) -> int:
    """Discrete Laplace: the difference of two geometric numbers."""
    q = math.exp(-1 / scale)
    plus, minus = (math.floor(math.log(1 - drawn.random()) / math.log(q)) for _ in range(2))
    return plus - minus


def _instant(day: date, hour: int = 0) -> int:
    return calendar.to_ms(datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(ZONE)))
