"""The soak's own arithmetic: a script that can be repeated, what it implies, and limits that tell what is wrong.

Invariant: no server is started here; `make soak` does that.
"""

import math
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.soak import cameras, faultless, faults, findings, report, site
from tools.soak.compared import Played, keep, kept
from tools.soak.findings import CameraFound, Row
from tools.soak.processes import Use, tree, use

WELL = CameraFound(
    "camera-1",
    faults=2,
    implied=0.9,
    published=0.895,
    true=100,
    counted=98,
    fewer=3,
    more=1,
    released=97,
    noise_sd=2.0,
    slowest_s=4.0,
)


@given(st.integers(1, 12), st.floats(60, 7200), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_script_and_cameras_have_one_fault_at_a_time(
    cameras: int, duration_s: float, seed: int
) -> None:
    script = faults.script(cameras, duration_s, seed)

    assert script == faults.script(cameras, duration_s, seed)
    for camera in range(cameras):
        of_camera = [one for one in script if one.camera == camera]
        for before, after in pairwise(of_camera):
            assert after.at_s - (before.at_s + before.for_s) >= faults.QUIET_S - 0.2
        for one in of_camera:
            assert faults.QUIET_S - 0.2 <= one.at_s <= duration_s - faults.QUIET_S - one.for_s + 0.2


def test_a_script_of_ten_minutes_kills_and_stalls_every_camera_in_turn() -> None:
    script = faults.script(8, 600, 1)

    assert {one.camera for one in script} == set(range(8))
    assert {one.kind for one in script} == {"killed", "stalled"}
    assert script == tuple(sorted(script))


def test_an_outage_lasts_until_the_server_is_asked_to_play_again() -> None:
    missing = faults.outages([(10.0, 15.0), (40.0, 60.0)], [3.0, 17.0, 63.0, 90.0])

    assert missing == [(10.0, 17.0), (40.0, 63.0)]
    assert faults.covered((0.0, 100.0), missing) == pytest.approx(0.7)
    assert faults.covered((12.0, 62.0), missing) == pytest.approx(1 - (5 + 22) / 50)
    assert [faults.outside(time, missing) for time in (9.9, 10.0, 16.9, 17.0)] == [True, False, False, True]


def test_one_that_is_never_asked_again_is_missing_for_good() -> None:
    missing = faults.outages([(50.0, 60.0)], [3.0])

    assert faults.covered((0.0, 100.0), missing) == pytest.approx(0.5)


def test_streets_are_chosen_by_when_something_crosses_and_nothing_else() -> None:
    chosen = cameras.seeds(1000, 3)

    assert chosen == sorted(set(chosen))
    for seed in range(1000, chosen[-1] + 1):
        times = sorted(time_s for time_s, _ in cameras.crossings_s(cameras.street(seed)))
        alone = all(later - time_s >= 3 for time_s, later in pairwise(times))
        assert (seed in chosen) == (bool(times) and alone and times[0] >= 6 and times[-1] <= 84)


def row(begin: float, direction: str = "in") -> Row:
    return Row(("camera-1", direction), begin, 1, 2.0, 1.0)


def test_what_is_lost_and_what_is_doubled_is_found() -> None:
    rows = [row(0), row(60), row(60), row(0, "out")]

    found = findings.lost_and_doubled(rows, [("camera-1", "in"), ("camera-1", "out")], [0.0, 60.0])

    assert found == (1, 1)


def test_only_what_crossed_while_it_was_served_is_to_be_found() -> None:
    rows = [row(0), row(60), row(0, "out"), row(60, "out")]

    found = findings.camera_found(
        "camera-1",
        rows,
        (0.0, 120.0),
        missing=[(30.0, 42.0)],
        faults=[(30.0, 40.0)],
        crossed=[10.0, 35.0, 41.0, 90.0, 119.0],
        counted=[10.0, 28.1, 30.5, 35.0, 41.5, 46.9, 47.1, 90.0],
    )

    assert (found.true, found.released, found.noise_sd, found.slowest_s) == (3, 4, 4.0, 2.0)
    assert (found.counted, found.fewer, found.more) == (5, 2, 2)
    assert found.implied == pytest.approx(0.9)
    assert found.published == 1.0


def test_each_outage_is_told_soon_after_it_begins(tmp_path: Path) -> None:
    log = [
        "passerby: warning: no JSON",
        *(
            f'{{"event": "camera camera-1 outage {event}", "timestamp": "1970-01-01T00:00:{second:02}.5Z"}}'
            for event, second in (("begins", 10), ("ends", 20), ("begins", 41))
        ),
        '{"event": "camera camera-10 outage begins", "timestamp": "1970-01-01T00:00:07Z"}',
    ]
    (tmp_path / "run.log").write_text("\n".join(log))
    told = site.told(tmp_path, "camera-1")

    assert told == [(10.5, 20.5), (41.5, math.inf)]
    # The second begins while the first is told; the third is over before it could be.
    assert findings.noticed_s([(0.0, 15.0), (19.0, 30.0), (30.0, 50.0)], told) == [10.5, 11.5]
    assert findings.noticed_s([(21.0, 22.0), (60.0, 61.0)], told[:1]) == []
    assert findings.noticed_s([(21.0, 60.0)], told[:1]) == [math.inf]


def test_growth_is_of_the_time_after_the_warm_up() -> None:
    uses = [
        (float(second), Use(9, 400.0 if second < 60 else 600.0 + second / 10, 0.0, 70))
        for second in range(300)
    ]

    first, last, grown = findings.growth(uses, 60)

    assert first == pytest.approx(606.0)
    assert last == pytest.approx(629.9)
    assert grown == pytest.approx(last / first - 1)


def problems(**changed: object) -> list[str]:
    given = {
        "lost": 0,
        "doubled": 0,
        "cameras": [WELL],
        "grown": 0.01,
        "noticed": 11.0,
        "stop_s": 0.5,
        "ended_well": True,
        "ledger_verifies": True,
    }
    return findings.problems(**{**given, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lost": 1}, "1 numbers lost"),
        ({"doubled": 2}, "2 doubled"),
        ({"grown": 0.051}, "memory grew by 5.1%"),
        ({"noticed": 15.1}, "15 s after it began"),
        ({"stop_s": 5.1}, "5.1 s after it was told to"),
        ({"ended_well": False}, "code 0"),
        ({"ledger_verifies": False}, "ledger"),
        ({"cameras": [replace(WELL, published=0.879)]}, "coverage 87.9% published"),
        ({"cameras": [replace(WELL, published=0.921)]}, "coverage 92.1% published"),
        ({"cameras": [replace(WELL, slowest_s=61)]}, "read again 61 s"),
        ({"cameras": [replace(WELL, released=84), *[WELL] * 5]}, "camera-1: released 84, expected 98"),
        ({"cameras": [replace(WELL, released=110), *[WELL] * 5]}, "camera-1: released 110, expected 98"),
        ({"cameras": [replace(WELL, released=89)] * 4}, "all together: released 356, expected 392"),
        ({"cameras": [replace(WELL, true=116)]}, "all together: released 97, expected 116"),
    ],
)
def test_every_limit_is_told_once_it_is_passed(changed: dict[str, object], told: str) -> None:
    assert problems() == []
    (problem,) = problems(**changed)

    assert told in problem


def test_what_this_process_takes_is_read() -> None:
    found = use(os.getpid())

    assert os.getpid() in tree(os.getpid())
    assert found.processes >= 1
    assert found.memory_mib > 1
    assert found.files > 0


def test_tables_are_put_under_their_heading_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "soak.md"
    page.write_text("# Soak\n\n## One\nold\n\n## Two\nkept\n")

    report.put(page, "One", "| new |\n")

    assert page.read_text() == "# Soak\n\n## One\n| new |\n\n## Two\nkept\n"
    with pytest.raises(SystemExit, match="no heading 'Three'"):
        report.put(page, "Three", "x")


def test_what_a_soak_left_can_be_judged_again(tmp_path: Path) -> None:
    played = Played(1_000, (60.0, 120.0), (7, 9), (((70.0, 80.5),), ()), ((3.0, 81.25), (4.0,)))

    keep(tmp_path, played)

    assert kept(tmp_path) == played


@pytest.mark.slow
def test_the_same_counting_finds_what_crosses_in_every_loop(tmp_path: Path) -> None:
    (seed,) = cameras.seeds(1000, 1)
    cameras.drawn([seed], tmp_path)
    (tmp_path / site.FILE).write_text(site.text([seed], ["rtsp://127.0.0.1:9/x"]))

    for start_ms in (0, 1_795_388_877_123):
        (found,) = faultless.found(tmp_path / site.FILE, [cameras.video(tmp_path, seed)], start_ms)
        true = sorted(cameras.crossings_s(cameras.street(seed)))
        near = [
            any(way == direction and abs(at_s - time_s) < 1 for at_s, way in found)
            for time_s, direction in true
        ]
        # What counting misses is not the matter here, but that it is of this street and by its clock.
        assert sum(near) > len(true) / 2
        assert len(found) < len(true) * 1.5
