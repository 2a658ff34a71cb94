"""A recording under the crossings promise: counted as `Counter.stream` counts it, paid for once by its site.

Invariant: noise is taken away only by a policy of a large epsilon; nothing here reaches into the counting.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `private` is not installed")

import passerby
from passerby import synth
from passerby.audit import attacks
from passerby.config import site as site_files
from passerby.config.site import CountedLine, Site
from passerby.domain.labels import label_of
from passerby.domain.policy import CrossingsPolicy
from passerby.domain.release import Cell, Release
from passerby.domain.timespan import Span
from passerby.errors import BudgetError, InputError
from passerby.privacy.charge import site_account
from passerby.privacy.database import open_ledger
from passerby.privacy.ledger import Ledger
from passerby.recordings import crossings_release
from passerby.recordings.checkpoint import Done
from passerby.recordings.crossings_release import (
    SiteRecording,
    ask_crossings,
    release_crossings,
    site_recording,
)
from passerby.recordings.pipeline import plain_crossings
from passerby.recordings.plan import Clock, Plan, plan_of
from passerby.synth import Street

pytestmark = pytest.mark.slow

STREET = Street(seed=5, duration_s=42.0, width=192, height=108, fps=12.5, density="dense", parked=0)
LABELS = ("person", "bicycle", "car")
NOISELESS = CrossingsPolicy(epsilon=4_000.0, every_ms=12_000)
"""Noise of scale 0.003: released numbers are exact but for one draw in 10^120."""
START = "2026-06-01T08:00:00"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    synth.write(STREET, path)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path / "ledger.db", create=True)
    yield opened
    opened.close()


def lines() -> list[CountedLine]:
    return [CountedLine(line, LABELS, 0.4, None) for line in synth.lines(STREET)[:2]]


def recording(
    video: Path, policy: CrossingsPolicy = NOISELESS, camera: str = "north", start: str = START
) -> SiteRecording:
    return site_recording(
        video, camera, lines(), policy=policy, site="quay", detector="motion", clock=Clock(start, "UTC")
    )


def totals(releases: tuple[Release, ...]) -> Counter[Cell]:
    summed: Counter[Cell] = Counter()
    for release in releases:
        summed[release.cell] += release.value
    return +summed


def test_the_numbers_are_those_of_the_stream_in_every_bin(video: Path, ledger: Ledger) -> None:
    counter = passerby.Counter(
        [counted.line for counted in lines()],
        "motion",
        0.4,
        labels=[label_of(text) for text in LABELS],
    )
    given = recording(video)
    start_ms = given.plan.task.start_ms
    expected: Counter[tuple[int, Cell]] = Counter()
    for crossing in counter.stream(str(video)):
        line = next(one for one in lines() if one.line.name == crossing.line)
        cell = Cell("north", crossing.line, line.line.direction_name(crossing.direction), crossing.label.text)
        # The stream does not know when the recording began.
        at_ms = start_ms + crossing.time_ms - _origin_ms(counter, video)
        expected[at_ms // 12_000 * 12_000, cell] += 1

    published = release_crossings(given, ledger, lambda release: None)
    found = {(one.start_ms, one.cell): one.value for one in published.bins}
    assert sum(expected.values()) > 3
    assert {key: value for key, value in found.items() if value} == expected
    assert {round(one.noise_scale, 9) for one in published.bins} == {round(8 / 3_000, 9)}
    assert not published.days
    assert [one.coverage for one in published.bins if one.start_ms == start_ms] == [1.0] * 12


def _origin_ms(counter: passerby.Counter, video: Path) -> int:
    return plan_of(video, counter.method).task.start_ms


def test_a_recording_is_paid_for_once_and_says_the_same_again(video: Path, ledger: Ledger) -> None:
    policy = CrossingsPolicy(every_ms=12_000)
    seen: list[Release] = []
    first = release_crossings(recording(video, policy), ledger, seen.append)
    again = release_crossings(recording(video, policy), ledger, lambda release: None)

    assert (again.bins, again.again) == (first.bins, 8)
    assert tuple(seen) == first.bins
    account = site_account("quay")
    assert {entry.camera for entry in ledger.entries()} == {account}
    assert ledger.spent_micro(account, Span(first.bins[0].start_ms, first.bins[-1].end_ms)) == 750_000


def test_every_bin_is_paid_for_before_the_recording_is_opened_to_be_counted(
    video: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noted(plan: Plan) -> Done:
        kinds = [entry.kind for entry in ledger.entries()]
        assert kinds == ["epoch", *["spend"] * 8]
        return plain_crossings(plan)

    monkeypatch.setattr(crossings_release, "plain_crossings", noted)
    assert release_crossings(recording(video), ledger, lambda release: None).bins


def test_a_release_that_was_interrupted_is_finished_once(
    video: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(plan: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(crossings_release, "plain_crossings", killed)
        with pytest.raises(KeyboardInterrupt):
            release_crossings(recording(video), ledger, lambda release: None)
    published = release_crossings(recording(video), ledger, lambda release: None)
    assert published.refused == ()
    assert totals(published.bins)
    assert [entry.kind for entry in ledger.entries()].count("spend") == 8


def test_a_whole_day_has_a_number_of_its_own(
    video: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The recording is taken for one of a day, so that no day has to be rendered.
    given = recording(video, replace(NOISELESS, every_ms=3_600_000), start="2026-06-01T00:00:00")
    start_ms = given.plan.task.start_ms
    monkeypatch.setattr(
        crossings_release._Run, "recorded", property(lambda run: Span(start_ms, start_ms + 86_400_000))
    )
    published = release_crossings(given, ledger, lambda release: None)

    assert len(published.bins) == 24 * 12
    assert totals(published.days) == totals(published.bins)
    assert {one.epsilon for one in published.days} == {1_000.0}
    levels = [entry.query.partition(" ")[0] for entry in ledger.entries() if entry.kind == "spend"]
    assert levels == ["bins"] * 48 + ["days"] * 2


def test_a_question_is_paid_from_the_reserve_and_answered_once(video: Path, ledger: Ledger) -> None:
    policy = CrossingsPolicy(every_ms=12_000, epsilon=4_000.0)
    given = recording(video, policy)
    span = Span(given.plan.task.start_ms + 1_000, given.plan.task.start_ms + 31_500)
    answer = ask_crossings(given, lines()[0].line.name, span, 400.0, ledger)

    assert ask_crossings(given, lines()[0].line.name, span, 400.0, ledger) == answer
    assert {(one.start_ms, one.end_ms) for one in answer} == {(span.start_ms, span.end_ms)}
    assert sum(one.value for one in answer) > 0
    with pytest.raises(
        BudgetError, match="the reserve of a day does not reach: epsilon 1 asked, 0 left of 400"
    ):
        ask_crossings(given, lines()[0].line.name, span, 1.0, ledger)
    # The bins are as they would have been.
    assert {one.epsilon for one in release_crossings(given, ledger, lambda release: None).bins} == {3_000.0}


def test_the_same_recording_as_another_camera_is_refused(video: Path, ledger: Ledger) -> None:
    release_crossings(recording(video), ledger, lambda release: None)

    with pytest.raises(BudgetError, match="camera north has paid for this time from the same source"):
        release_crossings(recording(video, camera="south"), ledger, lambda release: None)


def test_a_line_by_another_name_gets_no_second_number(video: Path, ledger: Ledger) -> None:
    release_crossings(recording(video), ledger, lambda release: None)
    first, second = lines()
    renamed = replace(first, line=replace(first.line, name="another"))
    given = site_recording(
        video,
        "north",
        [renamed, second],
        policy=NOISELESS,
        site="quay",
        detector="motion",
        clock=Clock(START, "UTC"),
    )
    with pytest.raises(BudgetError, match="the lines of camera north changed in this time"):
        release_crossings(given, ledger, lambda release: None)


def site(text: str = "") -> Site:
    ends = "from: [0.5, 0], to: [0.5, 1]"
    return site_files.parse(
        f"site: {{name: quay, timezone: UTC}}\ncameras:\n  north:\n    detector: motion\n    lines:\n"
        f"      gate: {{{ends}, count: [person, car]}}\n{text}",
        Path("site.yaml"),
    )


def test_the_python_interface_releases_under_the_promise_of_the_site(video: Path, tmp_path: Path) -> None:
    published = passerby.release(video, site(), ledger=tmp_path / "ledger.db", start=START)

    assert {one.cell for one in published.bins} == {
        Cell("north", "gate", direction, label)
        for direction in ("to_right", "to_left")
        for label in ("person", "car")
    }
    assert {(one.epsilon, round(one.noise_scale, 2)) for one in published.bins} == {(0.75, 10.67)}


def test_a_recording_of_an_unknown_time_is_refused(tmp_path: Path) -> None:
    video = tmp_path / "street.mp4"
    synth.write_lossless(synth.frames(attacks.QUIET, last=5), video, attacks.QUIET)
    with pytest.raises(InputError, match="when it began is not known, so no time can be paid for"):
        passerby.release(video, site(), ledger=tmp_path / "ledger.db")
