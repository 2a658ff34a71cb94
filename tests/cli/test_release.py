"""The commands of the private path as they are typed: what they print, refuse and keep."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `private` is not installed")

from passerby import synth
from passerby.cli import command
from passerby.synth import Street

STREET = Street(seed=5, duration_s=12.0, width=128, height=72, fps=12.5, density="dense", parked=0)
LINE = "gate=0.5,0:0.5,1"
POLICY = "privacy: {rho: 4s, k: 2, epsilon: 1, chunk: 6s, warmup: 2s, clip: 6, every: 12s}\n"
SITE = f"""
site: {{name: quay, timezone: UTC}}
cameras:
  north:
    detector: motion
    lines:
      gate: {{from: [0.5, 0], to: [0.5, 1], names: [in, out], count: [person], corridor: 0.15}}
    {POLICY}
"""


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], prog_name="passerby")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    synth.write(STREET, path)
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with policy.yaml and site.yaml, in which the ledger is made too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PASSERBY_LEDGER", "ledger.db")
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "site.yaml").write_text(SITE)
    return tmp_path


def private(video: Path, *words: str | Path) -> list[str | Path]:
    return ["count", video, "--private", "--detector", "motion", "--timezone", "UTC", *words]


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["releases"]
    return found


@pytest.mark.slow
def test_a_recording_is_released_once_and_in_every_form(video: Path, place: Path) -> None:
    words = private(video, "--policy", "policy.yaml", "--line", LINE, "--count", "person,car")
    first = rows(run(*words, "--format", "json"))
    assert [(row["line"], row["direction"], row["class"], row["level"]) for row in first] == [
        ("gate", direction, label, "bin")
        for direction in ("to_right", "to_left")
        for label in ("person", "car")
    ]
    assert {row["camera"] for row in first} == {"street"}
    assert {row["noise_scale"] for row in first} == {2 * 2 * 12 / 0.8}
    assert {row["coverage"] for row in first} == {1.0}
    assert "count" not in first[0]

    again = run(*words, "--format", "json")
    assert rows(again) == first
    assert "released before" in again.stderr
    for format_ in ("csv", "otanalytics", "table"):
        shown = run(*words, "--format", format_)
        assert shown.exit_code == 0
        for row in first:
            assert str(row["value"]) in shown.stdout
    for format_ in ("xlsx", "parquet"):
        run(*words, "--format", format_, "--out", f"counts.{format_}")
        assert (place / f"counts.{format_}").stat().st_size > 0


def test_a_large_epsilon_warns(video: Path, place: Path) -> None:
    (place / "policy.yaml").write_text(POLICY.replace("epsilon: 1", "epsilon: 5.1"))
    told = run(*private(video, "--policy", "policy.yaml", "--line", LINE, "--count", "person"))
    assert told.exit_code == 0
    assert "epsilon 5.1 is above 5" in told.stderr


def test_a_site_file_is_a_policy_and_names_the_camera(video: Path, place: Path) -> None:
    released = rows(run(*private(video, "--policy", "site.yaml"), "--format", "json"))
    assert [(row["camera"], row["direction"], row["class"]) for row in released] == [
        ("north", "in", "person"),
        ("north", "out", "person"),
    ]
    asked = run(
        "ask", "site.yaml", "--line", "gate", "--from", "2026-06-01T08:00", "--to", "2026-06-01T08:00:12"
    )
    assert asked.exit_code == 0, asked.stderr
    assert "at no price" in asked.stderr
    for row in released:
        assert str(row["value"]) in asked.stdout


def test_a_question_has_a_price_or_is_refused_with_the_reason(video: Path, place: Path) -> None:
    when = ["--from", "2026-06-01T08:00:00", "--to", "2026-06-01T08:00:06"]
    question: list[str | Path] = ["ask", "site.yaml", "--line", "gate", *when]
    assert "no ledger here" in run(*question).stderr
    priced: list[str | Path] = [*question, "--epsilon", "0.5", "--recording", video]
    first = run(*priced)
    assert first.exit_code == 0, first.stderr
    assert "at a price of epsilon 0.5" in first.stderr
    assert run(*priced).stdout == first.stdout
    assert "expected --epsilon and --recording" in run(*question).stderr
    refused = run(*question, "--epsilon", "0.6", "--recording", video)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "epsilon 0.6 asked, 0.5 left of 1" in refused.stderr


def test_the_ledger_is_shown_verified_and_exported(video: Path, place: Path) -> None:
    (row, *_) = rows(run(*private(video, "--policy", "site.yaml"), "--format", "json"))
    assert "camera north: epoch 1" in run("ledger", "show").stdout
    (place / "receipts").write_text(f"{row['receipt']}\n")
    assert "4 entries" in run("ledger", "verify", "--receipts", "receipts").stdout
    (place / "receipts").write_text("0" * 64)
    assert "older than the published numbers" in run("ledger", "verify", "--receipts", "receipts").stderr
    entries = [json.loads(line) for line in run("ledger", "export").stdout.splitlines()]
    assert [entry["kind"] for entry in entries] == ["source", "epoch", "spend", "value"]
    (place / "heads").write_text(run("ledger", "head").stdout)
    assert "4 entries" in run("ledger", "verify", "--heads", "heads").stdout
    (place / "heads").write_text("no head\n")
    assert (
        "--heads heads:1: no signed head, expected a line"
        in run("ledger", "verify", "--heads", "heads").stderr
    )


def test_a_ledger_that_fails_its_chain_stops_releases_and_says_how_to_recover(
    video: Path, place: Path
) -> None:
    words = private(video, "--policy", "site.yaml")
    assert run(*words).exit_code == 0
    for file in place.glob("ledger.db*"):
        if file.name != "ledger.db.mark":
            file.unlink()
    stopped = run(*words)
    assert (stopped.exit_code, stopped.stdout) == (2, "")
    assert "one was lost" in stopped.stderr
    sealed = run("ledger", "seal", "--yes")
    assert sealed.exit_code == 0, sealed.stderr
    later = run(*private(video, "--policy", "site.yaml", "--start", "2020-06-01T08:00"))
    assert "given up when the ledger was sealed" in later.stderr
    assert run("ledger", "verify").exit_code == 0


@pytest.mark.slow
def test_check_prints_the_releases_of_a_policy(video: Path, place: Path) -> None:
    told = run("check", "site.yaml", "--expect", "4000", "--verbose").stdout
    for words in ("m = 2 chunks", "D1 = 12", "Delta = K m D1 = 48", "noise scale: 60", "0.15 frame heights"):
        assert words in told
    assert "at 4000 crossings an hour" in told
    assert "clipping loses" in told
    assert "nothing that is published here becomes more than 2.8 times as likely" in told
    assert "noise scale" not in run("check", "site.yaml", "--expect", "4000").stdout
    useless = run("check", "site.yaml", "--expect", "0.5").stdout
    assert "too noisy even for a week" in useless
    (row, *_) = rows(run(*private(video, "--policy", "site.yaml"), "--format", "json"))
    assert "crossings an hour in each" in run("check", "site.yaml", "--like", row["receipt"][:16]).stdout
    assert "expected the receipt of one past release" in run("check", "site.yaml", "--like", "zz").stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--policy", "policy.yaml"], "no line to count at"),
        (["--line", LINE], "it has no privacy policy"),
        (["--line", LINE, "--policy", "policy.yaml", "--bin", "15m"], "the policy's `every`"),
        (["--line", LINE, "--policy", "policy.yaml", "--picture", "a.png"], "it shows exact counts"),
        (["--line", LINE, "--policy", "no-such.yaml"], "no-such.yaml: could not be read"),
        (["--line", LINE, "--policy", "odd.yaml"], "expected the one key privacy"),
        (["--line", LINE, "--policy", "rho.yaml"], "privacy.rho"),
        (["--line", LINE, "--policy", "k.yaml"], "privacy.k"),
        (["--line", LINE, "--policy", "epsilon.yaml"], "privacy.epsilon"),
        (["--line", LINE, "--policy", "clip.yaml"], "privacy.clip"),
        (["--line", LINE, "--policy", "chunk.yaml"], "expected at least one frame"),
        (["--line", LINE, "--policy", "policy.yaml", "--ledger", "no-such/ledger.db"], "cannot be opened"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_paid(
    words: list[str], told: str, video: Path, place: Path
) -> None:
    (place / "odd.yaml").write_text("policy: 1\n")
    for key, value in (("rho", "0s"), ("k", "0"), ("epsilon", ".inf"), ("clip", "0"), ("chunk", "20ms")):
        (place / f"{key}.yaml").write_text(f"privacy: {{{key}: {value}, every: 12s}}\n")
    result = run(*private(video, *words))
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert told in result.stderr
    if (place / "ledger.db").exists():
        assert "nothing was spent" in run("ledger", "show").stdout


CROSSINGS = "privacy: {promise: crossings, epsilon: 4000, every: 12s}\n"


@pytest.mark.slow
def test_a_site_without_a_policy_releases_under_the_crossings_promise(video: Path, place: Path) -> None:
    (place / "site.yaml").write_text(SITE.replace(POLICY, "").rstrip() + "\n" + CROSSINGS)
    found = rows(run(*private(video, "--site", "site.yaml", "--format", "json")))

    assert [(row["line"], row["direction"], row["class"], row["level"]) for row in found] == [
        ("gate", direction, "person", "bin") for direction in ("in", "out")
    ]
    assert {round(row["noise_scale"], 9) for row in found} == {round(8 / 3000, 9)}
    shown = run("ledger", "show", "--site", "site.yaml")
    assert "site quay: epoch 1" in shown.stdout
    assert "a person on the most costly day: epsilon 3000 of 4000" in shown.stdout


@pytest.mark.slow
def test_a_policy_of_the_crossings_promise_needs_no_site(video: Path, place: Path) -> None:
    (place / "policy.yaml").write_text(CROSSINGS)
    words = private(video, "--policy", "policy.yaml", "--line", LINE, "--count", "person", "--format", "json")

    assert {row["epsilon"] for row in rows(run(*words))} == {3000.0}


def test_a_policy_of_another_promise_than_the_site_gives_is_refused(video: Path, place: Path) -> None:
    (place / "policy.yaml").write_text(CROSSINGS)
    result = run(*private(video, "--policy", "policy.yaml", "--site", "site.yaml"))

    assert result.exit_code == 2
    assert "--policy: another promise than site.yaml, which gives footage: expected that one" in result.stderr


@pytest.mark.slow
def test_a_question_under_crossings_is_free_or_paid_from_the_reserve(video: Path, place: Path) -> None:
    (place / "site.yaml").write_text(SITE.replace(POLICY, "").rstrip() + "\n" + CROSSINGS)
    start = ("--start", "2026-11-23T08:00")
    ask = (
        "ask",
        "site.yaml",
        "--line",
        "gate",
        "--from",
        "2026-11-23T08:00:02",
        "--to",
        "2026-11-23T08:00:09",
    )
    refused = run(*ask)
    bought = run(*ask, "--recording", video, *start, "--detector", "motion", "--epsilon", "400")
    more = run(*ask, "--recording", video, *start, "--detector", "motion", "--epsilon", "1")
    assert (refused.exit_code, bought.exit_code, more.exit_code) == (2, 0, 2)
    assert "at a price of epsilon 400 for everyone who crossed on these days" in bought.stderr
    assert "the reserve of a day does not reach: epsilon 1 asked, 0 left of 400" in more.stderr

    run(*private(video, "--site", "site.yaml", *start))
    free = run(*ask[:-4], "--from", "2026-11-23T08:00", "--to", "2026-11-23T08:00:12")
    assert free.exit_code == 0, free.stderr
    assert "answered from past releases, at no price" in free.stderr
