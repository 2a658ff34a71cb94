"""What was released beside what was to be: what truly crossed, and what the same counting finds where nothing fails.

    python -m tools.soak.compared FOLDER      # of a soak that has ended: its table of cameras, and what is wrong in it

Invariant: reads what a soak left in its folder.
"""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.soak import cameras, faultless, faults, findings, report, site
from tools.soak.faults import Interval
from tools.soak.findings import CameraFound, Row

_FILE = "played.json"


@dataclass(frozen=True, slots=True)
class Played:
    """When, in Unix seconds: `span` that is judged, and of each camera `done` to it from when to when, `served` when
    its server began to serve somebody. `start_ms` is when the streets began, `seeds` which they are."""

    start_ms: int
    span: Interval
    seeds: tuple[int, ...]
    done: tuple[tuple[Interval, ...], ...]
    served: tuple[tuple[float, ...], ...]


def keep(folder: Path, played: Played) -> None:
    (folder / _FILE).write_text(json.dumps(asdict(played)))


def kept(folder: Path) -> Played:
    plain = json.loads((folder / _FILE).read_text())
    begin, end = plain["span"]
    return Played(
        start_ms=plain["start_ms"],
        span=(begin, end),
        seeds=tuple(plain["seeds"]),
        done=tuple(tuple((since, until) for since, until in one) for one in plain["done"]),
        served=tuple(tuple(one) for one in plain["served"]),
    )


def compared(folder: Path, played: Played, rows: Sequence[Row]) -> list[CameraFound]:
    """Of each camera, from the numbers that were published of it."""
    videos = [cameras.video(folder, seed) for seed in played.seeds]
    counted = faultless.found(folder / site.FILE, videos, played.start_ms)
    return [
        findings.camera_found(
            site.name(number),
            [row for row in rows if row.cell[0] == site.name(number)],
            played.span,
            faults.outages(played.done[number], played.served[number]),
            played.done[number],
            crossed=_over_and_over(
                [time_s for time_s, _ in cameras.crossings_s(cameras.street(seed))], played
            ),
            counted=_over_and_over([time_s for time_s, _ in of_loop], played),
        )
        for number, (seed, of_loop) in enumerate(zip(played.seeds, counted, strict=True))
    ]


def _over_and_over(loop_s: Sequence[float], played: Played) -> list[float]:
    """Times in the loop as Unix seconds, of every loop that meets the span, within the span."""
    start_s = played.start_ms / 1000
    loops = range(math.ceil((played.span[1] - start_s) / cameras.LOOP_S))
    times = (start_s + loop * cameras.LOOP_S + time_s for loop in loops for time_s in loop_s)
    return [time for time in times if played.span[0] <= time < played.span[1]]


def main() -> int:
    folder = Path(sys.argv[1])
    played = kept(folder)
    rows = [row for row in site.rows(folder) if played.span[0] <= row.begin < played.span[1]]
    found = compared(folder, played, rows)
    print(report.of_cameras(found))
    problems = findings.miscounted(found)
    for problem in problems:
        print(f"problem: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
