"""The accounts of a site by a clock of the test's own: paid before, noised once, published once, whoever is killed."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from zoneinfo import ZoneInfo

import pytest
from tests.tiers import examples, not_possible

pytest.importorskip("opendp", reason="the extra `private` is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.config import site
from passerby.config.site import Camera
from passerby.domain import calendar
from passerby.domain.release import Level, Release
from passerby.domain.timespan import Span
from passerby.errors import LedgerError, OutputError
from passerby.live.supervisor.accounting import AHEAD_MS, SiteAccounts, delays_of
from passerby.live.supervisor.terms import FootageTerms
from passerby.live.supervisor.tmpfs_store import TmpfsStore, is_memory
from passerby.privacy.charge import FootageCharge, Receipt, Stored
from passerby.privacy.database import open_ledger
from passerby.privacy.ledger import Ledger
from passerby.privacy.open_bins import OpenBin

DAY_MS = calendar.DAY_MS
MIDNIGHT_MS = 20_000 * DAY_MS
NOON_MS = MIDNIGHT_MS + DAY_MS // 2
BIN_MS, CHUNK_MS, WARMUP_MS = 900_000, 9_000, 2_000
DELAYS = delays_of(60_000)
UTC = ZoneInfo("UTC")
CELLS = 2
MEMORY = Path("/dev/shm")

needs_memory = pytest.mark.skipif(not is_memory(MEMORY), reason=not_possible("/dev/shm is not in memory"))


def camera(name: str = "north", **policy: str) -> Camera:
    said = {"rho": "4s", "k": "1", "epsilon": "1000000", "chunk": "9s", "warmup": "2s", "clip": "9", **policy}
    terms = ", ".join(f"{key}: {value}" for key, value in said.items())
    text = (
        f"site: {{name: quay, timezone: UTC}}\ncameras:\n  {name}:\n    source: street.mp4\n"
        f"    lines: {{road: {{from: [0, 0.5], to: [1, 0.5], count: [car]}}}}\n    privacy: {{{terms}}}\n"
    )
    return site.parse(text, Path("site.yaml")).camera(name)


class World:
    """A ledger and a hold that outlive books, and all that books hand out."""

    def __init__(self, folder: Path, hold: Path | None = None) -> None:
        self.folder = folder
        self.hold = None if hold is None else TmpfsStore(hold)
        self.published: list[tuple[tuple[Release, ...], Level]] = []
        self.granted: list[tuple[str, str, Span]] = []
        self.full = False
        self.book = self.opened()

    def opened(self) -> SiteAccounts:
        self.ledger = open_ledger(self.folder / "ledger.db", create=True)
        return SiteAccounts(
            self.ledger, self.hold, UTC, DELAYS, self.publish, lambda *what: self.granted.append(what)
        )

    def publish(self, releases: tuple[Release, ...], level: Level) -> None:
        if self.full:
            raise OutputError("spool: no space")
        self.published.append((releases, level))

    def crash(self) -> None:
        """A new process, which knows what the ledger and the hold know."""
        self.ledger.close()
        self.book = self.opened()

    def say(
        self,
        start_ms: int,
        *counts: int,
        covered_ms: int = CHUNK_MS,
        sender_ms: int = 0,
        name: str = "north",
    ) -> None:
        span = Span(start_ms, start_ms + CHUNK_MS)
        self.book.add(name, "road", span, counts, covered_ms, sender_ms)

    def values(self, level: Level = "bin") -> dict[int, set[tuple[tuple[int, ...], float]]]:
        """Start -> all that was ever published of it: values by cell, and coverage."""
        found: dict[int, set[tuple[tuple[int, ...], float]]] = {}
        for releases, of in self.published:
            if of == level:
                values = tuple(one.value for one in releases)
                found.setdefault(releases[0].start_ms, set()).add((values, releases[0].coverage))
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.ledger.close()


@pytest.fixture
def memory() -> Iterator[Path]:
    folder = Path(mkdtemp(dir=MEMORY))
    yield folder
    rmtree(folder)


def test_a_bin_and_its_day_are_paid_before_they_may_be_looked_at(world: World) -> None:
    paid: list[int] = []
    world.book = SiteAccounts(
        world.ledger, None, UTC, DELAYS, world.publish, lambda *_: paid.append(len(world.ledger.entries()))
    )
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    # A source, an epoch, then a bin, then a day: each grant comes after its entry.
    assert paid == [3, 4]
    (spent,) = {one.span for one in world.ledger.entries() if one.query == "road bins"}
    assert spent == Span(NOON_MS, NOON_MS + BIN_MS)


def test_the_next_bin_is_paid_before_its_warm_up_begins(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.granted.clear()
    before_ms = NOON_MS + BIN_MS - WARMUP_MS - AHEAD_MS
    world.book.turn(before_ms - 1)
    assert world.granted == []
    world.book.turn(before_ms)
    assert world.granted == [("north", "road", Span(NOON_MS + BIN_MS, NOON_MS + 2 * BIN_MS))]
    world.book.turn(before_ms + 200)
    assert len(world.granted) == 1


def test_a_bin_is_drawn_and_published_at_times_known_beforehand(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.say(NOON_MS + CHUNK_MS, 2, 0, covered_ms=4_500)
    due_ms = NOON_MS + BIN_MS + DELAYS.publish_ms
    world.book.turn(due_ms - 1)
    assert world.published == []
    world.book.turn(due_ms)
    assert world.values() == {NOON_MS: {((5, 1), 0.015)}}
    world.book.turn(due_ms + 200)
    assert len(world.published) == 1


def test_what_the_senders_clock_dated_is_told_with_the_coverage(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1, sender_ms=CHUNK_MS)
    # No more than was covered; and of a chunk that was given up, nothing.
    world.say(NOON_MS + CHUNK_MS, 2, 0, covered_ms=4_500, sender_ms=9_000)
    world.say(NOON_MS + 2 * CHUNK_MS, 2, 0, sender_ms=0)
    world.say(NOON_MS + 3 * CHUNK_MS, covered_ms=0, sender_ms=CHUNK_MS)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    told = {(one.coverage, one.sender_clock) for releases, _ in world.published for one in releases}
    assert told == {(0.025, 0.015)}


def test_a_bin_without_a_frame_is_released_all_the_same(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((0, 0), 0.0)}}


def test_a_chunk_counts_once_and_a_late_one_is_its_default(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.say(NOON_MS, 3, 1)
    # Given up by who sees: it counts as none, and its frames came.
    world.say(NOON_MS + CHUNK_MS)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.draw_ms)
    # Noise is drawn: nothing is added to it.
    world.say(NOON_MS + BIN_MS - CHUNK_MS, 5, 5)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((3, 1), 0.02)}}


@pytest.mark.parametrize("counts", [(1,), (1, 2, 3), (10, 0)])
def test_what_no_chunk_can_say_is_refused(world: World, counts: tuple[int, ...]) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    with pytest.raises(ValueError, match=r"cells|caps"):
        world.say(NOON_MS, *counts)
    with pytest.raises(ValueError, match="line"):
        world.book.add("north", "none", Span(NOON_MS, NOON_MS + CHUNK_MS), (0, 0), 0, 0)
    with pytest.raises(ValueError, match="caps"):
        world.book.add("north", "road", Span(NOON_MS, NOON_MS + 2 * CHUNK_MS), (0, 0), 0, 0)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((0, 0), 0.0)}}


def test_what_is_said_of_a_camera_that_is_not_there_is_nothing(world: World) -> None:
    world.say(NOON_MS, 1, 1, name="elsewhere")
    world.book.turn(NOON_MS)
    assert world.ledger.entries() == []


def test_a_camera_that_leaves_has_its_open_bin_released_and_no_other(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.book.leave("north")
    world.say(NOON_MS + CHUNK_MS, 3, 1)
    for number in range(1, 4):
        world.book.turn(NOON_MS + number * BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((3, 1), 0.01)}}


def test_what_is_late_waits_for_whole_bins(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    due_ms = NOON_MS + BIN_MS + DELAYS.publish_ms
    world.book.turn(due_ms + 5_000)
    assert world.published == []
    world.book.turn(due_ms + BIN_MS - 1)
    assert NOON_MS not in world.values()
    world.book.turn(due_ms + BIN_MS)
    assert NOON_MS in world.values()


def test_a_full_disk_delays_and_loses_nothing(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.full = True
    with pytest.raises(OutputError):
        world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    world.full = False
    world.book.publish(NOON_MS + BIN_MS + DELAYS.publish_ms + 60_000)
    assert world.values() == {NOON_MS: {((3, 1), 0.01)}}
    assert len(world.published) == 1


def test_another_configuration_waits_and_what_was_open_is_released(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    changed = camera(clip="5")
    world.book.leave("north")
    world.book.join(FootageTerms(changed, "motion"), NOON_MS + 10_000)
    # The day was paid for whole, so a new configuration begins after it, and a blackout later.
    begins_ms = MIDNIGHT_MS + DAY_MS + 4_000 + CHUNK_MS + WARMUP_MS
    assert world.book.statuses(NOON_MS + 10_000)["north"].waits_until_ms == begins_ms
    world.say(NOON_MS + CHUNK_MS, 4, 4)
    for time_ms in range(NOON_MS, begins_ms, BIN_MS // 3):
        world.book.turn(time_ms)
    for time_ms in range(begins_ms, begins_ms + 2 * BIN_MS + 120_000, 20_000):
        world.book.turn(time_ms)
    (first,) = (start for start in world.values() if start == NOON_MS)
    assert world.values()[first] == {((3, 1), 0.01)}
    assert min(start for start in world.values() if start != NOON_MS) == MIDNIGHT_MS + DAY_MS + BIN_MS
    assert world.values("day") == {MIDNIGHT_MS: {((3, 1), round(9_000 / DAY_MS, 6))}}
    assert world.book.statuses(begins_ms + BIN_MS)["north"].waits_until_ms is None


def test_another_detector_is_another_configuration(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.book.join(FootageTerms(camera(), "yolox_nano"), NOON_MS + 10_000)
    assert world.book.statuses(NOON_MS + 10_000)["north"].waits_until_ms is not None


def test_a_process_that_starts_again_goes_on_with_what_is_open(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    told, entries = list(world.granted), len(world.ledger.entries())
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS + 20_000)
    assert world.granted == told * 2
    assert len(world.ledger.entries()) == entries
    world.say(NOON_MS + 3 * CHUNK_MS, 1, 1)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((4, 2), 0.02)}}


def test_a_clock_set_back_releases_nothing_twice(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    world.crash()
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    assert world.book.statuses(NOON_MS)["north"].refused == "released before"
    world.say(NOON_MS, 7, 7)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((3, 1), 0.01)}}


def test_a_sealed_time_is_refused_and_said(world: World) -> None:
    world.ledger.seal(NOON_MS + BIN_MS)
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    assert world.granted == []
    assert "sealed" in str(world.book.statuses(NOON_MS)["north"].refused)
    world.book.turn(NOON_MS + 2 * BIN_MS)
    assert [span.start_ms for _, _, span in world.granted] == [NOON_MS + 2 * BIN_MS]


def test_the_budget_that_is_left_is_told(world: World) -> None:
    world.book.join(FootageTerms(camera(epsilon="2"), "motion"), NOON_MS)
    standing = world.book.statuses(NOON_MS)["north"]
    assert (standing.left_micro, standing.budget_micro) == (0, 2_000_000)
    assert standing.covered is None
    world.say(NOON_MS, 1, 1)
    covered = world.book.statuses(NOON_MS + CHUNK_MS)["north"].covered
    assert covered == pytest.approx(CHUNK_MS / (NOON_MS + CHUNK_MS - MIDNIGHT_MS))


@needs_memory
def test_a_crash_goes_on_where_it_was(tmp_path: Path, memory: Path) -> None:
    world = World(tmp_path, memory / "hold")
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.crash()
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS + 20_000)
    world.say(NOON_MS, 3, 1)
    world.say(NOON_MS + 3 * CHUNK_MS, 1, 0)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((4, 1), 0.02)}}
    world.ledger.close()


@needs_memory
def test_a_run_that_was_away_releases_what_it_had_paid(tmp_path: Path, memory: Path) -> None:
    world = World(tmp_path, memory / "hold")
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.crash()
    later_ms = NOON_MS + 9 * BIN_MS + DELAYS.publish_ms
    world.book.turn(later_ms)
    world.book.turn(later_ms + BIN_MS)
    assert world.values() == {NOON_MS: {((3, 1), 0.01)}}
    world.ledger.close()


@needs_memory
def test_what_was_held_for_another_ledger_is_not_released(tmp_path: Path, memory: Path) -> None:
    world = World(tmp_path, memory / "hold")
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.ledger.close()
    for file in tmp_path.iterdir():
        file.unlink()
    world.crash()
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.published == []
    assert world.ledger.entries() == []
    world.ledger.close()


def test_without_a_hold_a_crash_loses_what_was_counted_and_never_the_bin(world: World) -> None:
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.say(NOON_MS, 3, 1)
    world.crash()
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS + 20_000)
    world.say(NOON_MS + 3 * CHUNK_MS, 2, 2)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    assert world.values() == {NOON_MS: {((2, 2), 0.01)}}


class Killed(Exception):
    """The process ends here."""


def dying(call: Callable[..., object], when: str) -> Callable[..., object]:
    def die(*arguments: object) -> object:
        if when == "after":
            call(*arguments)
        raise Killed

    return die


@needs_memory
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", ["spend", "record", "publish", "save"])
def test_killed_at_any_step_it_draws_once_and_publishes_the_same(
    tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, at: str, when: str
) -> None:
    world = World(tmp_path, memory / "hold")
    if at != "spend":
        world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
        world.say(NOON_MS, 3, 1)
    with monkeypatch.context() as patch:
        owner = {"spend": world.ledger, "record": world.ledger, "save": world.hold}.get(at)
        if owner is None:
            patch.setattr(world.book, "_publish", dying(world.publish, when))
        else:
            patch.setattr(owner, at, dying(getattr(owner, at), when))
        with pytest.raises(Killed):
            if at == "spend":
                world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
            world.book.turn(NOON_MS + BIN_MS + DELAYS.publish_ms)
    world.crash()
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS + 20_000)
    if at == "spend":
        world.say(NOON_MS + 3 * CHUNK_MS, 3, 1)
    for number in range(1, 4):
        world.book.turn(NOON_MS + number * BIN_MS + DELAYS.publish_ms)
    assert world.values()[NOON_MS] == {((3, 1), 0.01)}
    drawn = [one for one in world.ledger.entries() if one.kind == "value" and one.start_ms == NOON_MS]
    assert len(drawn) == 1
    world.ledger.close()


@pytest.mark.slow
@needs_memory
@settings(max_examples=examples(10))
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("say"), st.integers(0, 9), st.integers(0, 9)),
            st.just("crash"),
            st.just("rejoin"),
            st.just("idle"),
        ),
        max_size=40,
    )
)
def test_whatever_happens_each_bin_is_the_sum_of_its_chunks(events: list[str | tuple[str, int, int]]) -> None:
    """Bins of a minute and chunks of 10 s: one event each chunk."""
    folder, memory = Path(mkdtemp()), Path(mkdtemp(dir=MEMORY))
    world = World(folder, memory / "hold")
    try:
        now_ms, chunk_ms = NOON_MS, 10_000
        north = camera(chunk="10s", every="1m")
        expected: dict[int, list[int]] = {}
        world.book.join(FootageTerms(north, "motion"), now_ms)
        for event in events:
            span = Span(now_ms, now_ms + chunk_ms)
            now_ms = span.end_ms
            if event in ("crash", "rejoin"):
                if event == "crash":
                    world.crash()
                world.book.join(FootageTerms(north, "motion"), now_ms)
            elif isinstance(event, tuple):
                counts = event[1:]
                world.book.add("north", "road", span, counts, chunk_ms, 0)
                sums = expected.setdefault(span.start_ms // 60_000 * 60_000, [0] * CELLS)
                sums[:] = [before + count for before, count in zip(sums, counts, strict=True)]
            world.book.turn(now_ms)
        for _ in range(20):
            now_ms += 10_000
            world.book.turn(now_ms)
        for start, found in world.values().items():
            assert {values for values, _ in found} == {tuple(expected.pop(start, [0] * CELLS))}
        assert expected == {}
        starts = sorted(world.values())
        assert starts == list(range(starts[0], starts[-1] + 1, 60_000))
    finally:
        world.ledger.close()
        rmtree(folder)
        rmtree(memory)


def test_a_ledger_that_fails_changes_nothing_and_is_tried_again(world: World) -> None:
    north = camera()
    real = world.ledger.spend

    def fail(_charge: object) -> Stored:
        raise LedgerError("away")

    world.ledger.spend = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(LedgerError):
        world.book.join(FootageTerms(north, "motion"), NOON_MS)
    assert world.granted == []
    world.ledger.spend = real  # type: ignore[method-assign]
    with suppress(LedgerError):
        world.book.turn(NOON_MS + 1_000)
    assert [span.start_ms for _, _, span in world.granted] == [NOON_MS, MIDNIGHT_MS]


def test_delays_fit_before_publication() -> None:
    for publish_ms in (2_000, 60_000, 3_600_000):
        delays = delays_of(publish_ms)
        assert 0 < delays.frames_ms < delays.answer_ms < delays.draw_ms < delays.publish_ms == publish_ms


@needs_memory
def test_killed_between_paying_and_keeping_the_bin_is_still_released(
    tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, memory)
    spend = Ledger.spend

    def killed(ledger: Ledger, charge: FootageCharge) -> Receipt:
        spend(ledger, charge)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(Ledger, "spend", killed)
        with pytest.raises(SystemExit):
            world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.crash()
    # It comes back when the bin is long over, and the day goes on.
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS + 2 * BIN_MS)
    for later_ms in range(2 * BIN_MS, 5 * BIN_MS, BIN_MS // 2):
        world.book.turn(NOON_MS + later_ms)

    assert NOON_MS in world.values()


@needs_memory
def test_what_was_meant_and_is_refused_stops_no_later_start(tmp_path: Path, memory: Path) -> None:
    """The time was paid for as another slot: another zone's day, say."""
    world = World(tmp_path, memory)
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    assert world.hold is not None
    slot = next(one for one in world.hold.load() if one.level == "bin")
    assert isinstance(slot.charge, FootageCharge)
    later = replace(
        slot.charge, span=Span(slot.span.start_ms + 5 * CHUNK_MS, slot.span.end_ms + 5 * CHUNK_MS)
    )
    world.hold.save("other", [OpenBin("bin", Receipt(later, ""))])
    world.crash()
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    world.book.turn(NOON_MS + BIN_MS + DELAYS.draw_ms)
    world.book.turn(NOON_MS + 2 * BIN_MS)
    assert NOON_MS in world.values()
    assert later.span.start_ms not in world.values()


@needs_memory
def test_what_is_open_may_be_looked_at_again_after_a_crash(tmp_path: Path, memory: Path) -> None:
    world = World(tmp_path, memory / "hold")
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS)
    before = set(world.granted)
    for _ in range(2):
        world.crash()
        world.granted.clear()
        world.book.join(FootageTerms(camera(), "motion"), NOON_MS + CHUNK_MS)
        assert set(world.granted) == before
    # A process of the camera that is started again, too.
    world.granted.clear()
    world.book.join(FootageTerms(camera(), "motion"), NOON_MS + 2 * CHUNK_MS)
    assert set(world.granted) == before
    world.ledger.close()
