"""`passerby check` under both promises: what it prints, and when it says no."""

from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("opendp", reason="the extra `private` is not installed")

from passerby.cli import command

LINE = "{from: [0.1, 0.5], to: [0.9, 0.5], count: [person, vehicle]}"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return written(tmp_path, "")


def written(folder: Path, privacy: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(
        f"site: {{name: quay, timezone: UTC}}\n{privacy}cameras:\n  north:\n    source: rtsp://camera.example/1\n"
        f"    lines: {{road: {LINE}, path: {LINE}}}\n"
    )
    return path


def checked(path: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["check", str(path), *options])
    return result.exit_code, result.output


def test_a_site_without_a_policy_gives_the_crossings_promise_of_the_defaults(site: Path) -> None:
    code, text = checked(site)
    assert code == 0
    assert "promise crossings" in text.splitlines()[0]
    assert "for up to 4 crossings of all lines on that day" in text
    assert "every 15m and every day, 8 numbers" in text
    assert "expect 12 ± 32" in text
    assert "expect 1,200 ± 93" in text
    assert "a day of which questions take the whole reserve: ± 14" in text
    assert "takes one crossing to change all numbers together by at most 2" in text
    assert "promise footage" not in text


def test_it_proposes_what_reaches_a_wished_error(site: Path) -> None:
    code, text = checked(site, "--expect", "800", "--error", "10%")
    assert code == 0
    assert (
        "for an error of at most 10.0% in a bin, one of:\n    every: 30m\n    crossings: 2\n    epsilon: 1.6\n"
        in text
    )


def test_a_policy_that_is_useless_for_the_traffic_ends_with_1_and_a_proposal(tmp_path: Path) -> None:
    site = written(tmp_path, "privacy: {promise: crossings, epsilon: 0.01}\n")
    code, text = checked(site, "--expect", "200")
    assert code == 1
    assert "no bin up to a day would be usable" in text
    assert "epsilon: " in text


def test_under_the_footage_promise_it_is_the_same_exit_code(tmp_path: Path) -> None:
    site = written(tmp_path, "privacy: {promise: footage, epsilon: 0.001}\n")
    code, text = checked(site, "--expect", "2")
    assert code == 1
    assert "promise footage" in text
    assert "too noisy even for a week" in text


def test_no_epsilon_is_proposed_that_hides_hardly_anybody(site: Path) -> None:
    code, text = checked(site, "--expect", "20", "--error", "10%")
    assert code == 0
    assert "epsilon: " not in text


@pytest.mark.parametrize("error", ["0%", "ten", "100%", "1", "10%%", "nan"])
def test_an_error_that_is_no_share_is_refused(site: Path, error: str) -> None:
    code, text = checked(site, "--error", error)
    assert code == 2
    assert text.splitlines()[-1].endswith(f"--error {error}: expected a share such as 10%")


def test_an_error_is_wished_of_the_crossings_promise_alone(tmp_path: Path) -> None:
    code, text = checked(written(tmp_path, "privacy: {promise: footage}\n"), "--error", "10%")
    assert code == 2
    assert "--error: expected a site of the crossings promise" in text
