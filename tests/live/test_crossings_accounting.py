"""The accounts of a site under the crossings promise: one budget for all cameras, plain counts, the day paid last."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from tests.live.test_accounting import (
    BIN_MS,
    DAY_MS,
    DELAYS,
    MEMORY,
    MIDNIGHT_MS,
    NOON_MS,
    World,
    needs_memory,
)

pytest.importorskip("opendp", reason="the extra `private` is not installed")

from passerby.config import site
from passerby.config.site import Site
from passerby.domain.timespan import Span
from passerby.live.supervisor.accounting import delays_of, short_delay
from passerby.live.supervisor.terms import FootageTerms, Terms, terms_of

CHUNK_MS = 10_000


def quay(privacy: str = "", more: str = "") -> Site:
    """Two cameras, of two lines and of one; the noise is next to none unless `privacy` says otherwise."""
    line = "{from: [0, 0.5], to: [1, 0.5], count: [car]}"
    terms = privacy or "{promise: crossings, epsilon: 1000000}"
    text = (
        f"site: {{name: quay, timezone: UTC}}\nprivacy: {terms}\ncameras:\n"
        f"  north:\n    source: rtsp://one.example/1\n    lines: {{road: {line}, path: {line}}}\n"
        f"  south:\n    source: rtsp://two.example/1\n    lines: {{road: {line}}}\n{more}"
    )
    return site.parse(text, Path("site.yaml"))


def terms(name: str, of: Site | None = None) -> Terms:
    told = of or quay()
    return terms_of(told, told.camera(name), "motion")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.ledger.close()


def say(world: World, start_ms: int, *counts: int, name: str = "north", line: str = "road") -> None:
    world.book.add(name, line, Span(start_ms, start_ms + CHUNK_MS), counts, CHUNK_MS, 0)


def published(world: World, line: str, camera: str = "north", level: str = "bin") -> dict[int, list[int]]:
    return {
        releases[0].start_ms: [one.value for one in releases]
        for releases, of in world.published
        if of == level and (releases[0].cell.camera, releases[0].cell.line) == (camera, line)
    }


def test_plain_counts_of_all_cameras_are_released_and_share_one_budget(world: World) -> None:
    for name in ("north", "south"):
        world.book.join(terms(name), NOON_MS)
    # More than any clip of the footage promise would let through.
    say(world, NOON_MS, 40, 3)
    say(world, NOON_MS + CHUNK_MS, 2, 0)
    say(world, NOON_MS, 0, 7, line="path")
    say(world, NOON_MS, 5, 5, name="south")
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert published(world, "road")[NOON_MS] == [42, 3]
    assert published(world, "path")[NOON_MS] == [0, 7]
    assert published(world, "road", "south")[NOON_MS] == [5, 5]
    # Three lines of two cameras, and bins cost what one of them does.
    told = world.book.statuses(NOON_MS)
    assert {one.left_micro for one in told.values()} == {250_000_000_000}
    assert {one.budget_micro for one in told.values()} == {1_000_000_000_000}


def test_the_noise_does_not_grow_with_the_number_of_lines(world: World) -> None:
    usual = quay("{promise: crossings}")
    for name in ("north", "south"):
        world.book.join(terms(name, usual), NOON_MS)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    scales = {one.noise_scale for releases, _ in world.published for one in releases}
    # Delta = 4 * 2, and bins have three quarters of epsilon 1.
    (scale,) = scales
    assert scale == pytest.approx(8 / 0.75)


def test_a_day_takes_what_nobody_asked_of_the_reserve(world: World) -> None:
    usual = quay("{promise: crossings}")
    world.book.join(terms("south", usual), NOON_MS)
    world.book.turn(MIDNIGHT_MS + DAY_MS + DELAYS.publish_ms)
    (day,) = [releases for releases, level in world.published if level == "day"]
    assert day[0].noise_scale == pytest.approx(8 / 0.25)
    # And the whole of epsilon is spent on that day, no more.
    assert world.ledger.spent_micro(terms("south", usual).account, Span(NOON_MS, NOON_MS + 1)) == 1_000_000


def test_another_policy_waits_for_the_next_local_day(world: World) -> None:
    world.book.join(terms("south"), NOON_MS)
    say(world, NOON_MS, 5, 5, name="south")
    other = quay("{promise: crossings, epsilon: 1000000, crossings: 2}")
    world.book.join(terms("south", other), NOON_MS + CHUNK_MS)
    assert world.book.statuses(NOON_MS)["south"].waits_until_ms == MIDNIGHT_MS + DAY_MS
    # The open bin and day are those of the old policy: they are released, and nothing is added to them.
    say(world, NOON_MS + 2 * CHUNK_MS, 9, 9, name="south")
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert published(world, "road", "south") == {NOON_MS: [5, 5]}
    world.book.turn(MIDNIGHT_MS + DAY_MS)
    assert world.granted[-1][2].start_ms == MIDNIGHT_MS + DAY_MS


def test_counts_of_one_promise_never_enter_the_bins_of_the_other(world: World) -> None:
    footage = site.parse(
        "site: {name: quay, timezone: UTC}\ncameras:\n  south:\n    source: rtsp://two.example/1\n"
        "    lines: {road: {from: [0, 0.5], to: [1, 0.5], count: [car]}}\n"
        "    privacy: {rho: 4s, k: 1, epsilon: 1000000, chunk: 9s, warmup: 2s, clip: 9, every: 15m}\n",
        Path("site.yaml"),
    )
    old = terms("south", footage)
    assert isinstance(old, FootageTerms)
    world.book.join(old, NOON_MS)
    world.book.join(terms("south"), NOON_MS + CHUNK_MS)
    waits_ms = world.book.statuses(NOON_MS)["south"].waits_until_ms
    assert waits_ms is not None
    assert waits_ms >= MIDNIGHT_MS + DAY_MS
    say(world, NOON_MS + 2 * CHUNK_MS, 50, 0, name="south")
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert published(world, "road", "south") == {NOON_MS: [0, 0]}


@needs_memory
def test_a_process_that_is_killed_loses_nothing_that_was_decided(tmp_path: Path) -> None:
    folder = Path(mkdtemp(dir=MEMORY))
    try:
        world = World(tmp_path, folder / "hold")
        world.book.join(terms("south"), NOON_MS)
        say(world, NOON_MS, 5, 1, name="south")
        world.crash()
        world.book.join(terms("south"), NOON_MS + 2 * CHUNK_MS)
        say(world, NOON_MS + 2 * CHUNK_MS, 1, 1, name="south")
        world.book.turn(MIDNIGHT_MS + DAY_MS + DELAYS.publish_ms)
        assert published(world, "road", "south")[NOON_MS] == [6, 2]
        assert list(published(world, "road", "south", "day").values()) == [[6, 2]]
        world.ledger.close()
    finally:
        rmtree(folder)


def test_a_line_that_changes_within_a_bin_waits_for_the_next(world: World) -> None:
    world.book.join(terms("south"), NOON_MS)
    told = quay().camera("south")
    named = replace(told.lines[0], labels=("person", "car"))
    changed = terms("south")
    changed = replace(changed, camera=replace(told, lines=(named,)))
    world.granted.clear()
    world.book.join(changed, NOON_MS + CHUNK_MS)
    refused = world.book.statuses(NOON_MS)["south"].refused
    assert refused is not None
    assert "waits for the next" in refused
    # A process that is started again counts other cells: they enter nothing, and nothing breaks.
    say(world, NOON_MS + CHUNK_MS, 1, 1, 1, 1, name="south")
    world.book.turn(NOON_MS + BIN_MS)
    assert ("south", "road", Span(NOON_MS + BIN_MS, NOON_MS + 2 * BIN_MS)) in world.granted
    say(world, NOON_MS + BIN_MS, 1, 2, 3, 4, name="south")
    world.book.turn(NOON_MS + 2 * BIN_MS + DELAYS.publish_ms)
    assert published(world, "road", "south") == {NOON_MS: [0, 0], NOON_MS + BIN_MS: [1, 2, 3, 4]}


def test_a_delay_has_to_leave_time_for_the_last_crossings_of_a_bin() -> None:
    assert short_delay("footage", delays_of(20_000)) is None
    assert short_delay("crossings", delays_of(40_000)) is None
    wanted = short_delay("crossings", delays_of(39_000))
    assert wanted is not None
    assert wanted.startswith("expected 40 s or more")
