"""The demo: its files agree, its page loads nothing from elsewhere, and its errors are clear.

Invariant: no accuracy is asserted here; it is measured by `make accuracy`.
"""

import csv
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from passerby.cli.demo import _how_to_call
from passerby.errors import InputError, OutputError
from passerby.synth import demo

pytestmark = pytest.mark.slow

FILES = {"street.mp4", "truth.yaml", "counts.json", "counts.csv", "picture.png", "index.html"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[demo.Demo, Path, list[tuple[str, float]]]:
    """A short street, counted, and the calls of `on_progress`."""
    out = tmp_path_factory.mktemp("demo") / "deeper" / "demo"
    calls: list[tuple[str, float]] = []
    result = demo.run(out, duration_s=14, on_progress=lambda doing, share: calls.append((doing, share)))
    return result, out, calls


Made = tuple[demo.Demo, Path, list[tuple[str, float]]]


def test_all_files_are_there_and_no_others(made: Made) -> None:
    result, out, _ = made

    assert {path.name for path in out.iterdir()} == FILES
    assert result.page == out / "index.html"


def test_the_true_crossings_agree_with_the_truth_file(made: Made) -> None:
    result, out, _ = made
    truth = YAML(typ="safe").load((out / "truth.yaml").read_text())["street.mp4"]["lines"]
    true = {
        (line, direction, label): count
        for line, entry in truth.items()
        for direction in ("to_left", "to_right")
        for label, count in entry[direction].items()
    }

    assert sum(true.values()) > 0
    assert {row[:3]: row.true for row in result.rows if row.true} == true


def test_the_counts_agree_with_the_files(made: Made) -> None:
    result, out, _ = made
    document = json.loads((out / "counts.json").read_text())
    totals = {(t["line"], t["direction"], t["label"]): t["count"] for t in document["totals"] if t["count"]}
    rows = list(csv.DictReader(io.StringIO((out / "counts.csv").read_text())))

    assert document["detector"] == "motion"
    assert all(row["class"] == row["label"] for part in ("bins", "totals") for row in document[part])
    assert list(rows[0]) == ["start", "end", "line", "direction", "class", "count", "coverage", "mark"]
    assert {row[:3]: row.counted for row in result.rows if row.counted} == totals
    assert sum(int(row["count"]) for row in rows) == result.counted


def test_the_bars_add_up_to_the_rows(made: Made) -> None:
    result, _, _ = made
    for series in result.series:
        rows = [row for row in result.rows if (row.line, row.direction) == (series.line, series.direction)]
        assert sum(bar.true for bar in series.bars) == sum(row.true for row in rows)
        assert sum(bar.counted for bar in series.bars) == sum(row.counted for row in rows)


def test_progress_goes_up_and_reaches_its_end(made: Made) -> None:
    _, _, calls = made
    for doing in ("making the street", "counting"):
        shares = [share for step, share in calls if step == doing]
        assert shares == sorted(shares)
        assert shares[-1] > 0.9


class Links(HTMLParser):
    """The links of a page, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "poster")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_the_page_loads_nothing_and_runs_nothing(made: Made) -> None:
    _, out, _ = made
    text = (out / "index.html").read_text()
    page = Links(text)
    relative = [link for link in page.links if not link.startswith("data:image/png;base64,")]

    assert "script" not in page.tags
    assert "link" not in page.tags
    assert set(relative) == FILES - {"index.html"}
    assert len(relative) < len(page.links)
    assert "@import" not in text
    assert "url(" not in text


def test_the_page_shows_every_row(made: Made) -> None:
    result, out, _ = made
    cells = re.findall(r"<td>(\w+)</td><td class=\"n\">(\d+)</td><td class=\"n\">(\d+)</td>", page_text(out))

    assert cells[:-1] == [(row.label, str(row.true), str(row.counted)) for row in result.rows]
    assert cells[-1] == ("All", str(result.true), str(result.counted))


def page_text(out: Path) -> str:
    return (out / "index.html").read_text()


def test_the_picture_shows_the_street(made: Made) -> None:
    _, out, _ = made
    image = cv2.imdecode(np.frombuffer((out / "picture.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR)

    assert image is not None
    assert image.shape[1] == 1280
    assert image.std() > 10


ROWS = (
    demo.Row("<b>gate", "to_left", "person", 4, 1),
    demo.Row("<b>gate", "to_left", "car", 0, 2),
    demo.Row("yard", "to_right", "car", 5, 5),
)
MADE_UP = demo.Demo(
    rows=ROWS,
    series=(
        demo.Series("<b>gate", "to_left", (demo.Bar("08:00:00", 4, 3),)),
        demo.Series("yard", "to_right", (demo.Bar("08:00:00", 5, 5),)),
        demo.Series("idle", "to_left", (demo.Bar("08:00:00", 0, 0),)),
    ),
    duration_s=10,
    wall_s=4,
    page=Path("index.html"),
)


def test_errors_are_added_and_never_cancel() -> None:
    assert (MADE_UP.true, MADE_UP.counted, MADE_UP.missed, MADE_UP.over) == (9, 8, 3, 2)
    assert MADE_UP.accuracy == pytest.approx((9 - 3 - 2) / 9)
    assert MADE_UP.accuracy_any == pytest.approx((9 - 1) / 9)
    assert MADE_UP.speed == pytest.approx(2.5)


def test_a_street_that_nobody_crossed_has_no_accuracy() -> None:
    nobody = demo.Demo((), (), 1.0, 1.0, Path("index.html"))

    assert nobody.accuracy is None
    assert nobody.accuracy_any is None
    assert "–" in demo.page(nobody, "", "motion", 25, 1)


def test_names_are_shown_as_text() -> None:
    text = demo.page(MADE_UP, "", "<i>motion", 250, 1)

    assert "<b>gate" not in text
    assert "&lt;b&gt;gate" in text
    assert "<i>motion" not in text
    assert "No true and no counted crossings: idle to_left." in text


@pytest.mark.parametrize("duration_s", [0, -1, 0.5, 3_601, float("nan")])
def test_a_wrong_duration_is_an_error(tmp_path: Path, duration_s: float) -> None:
    with pytest.raises(InputError, match="expected 1 to 3600 s"):
        demo.run(tmp_path / "demo", duration_s=duration_s)

    assert not (tmp_path / "demo").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")

    with pytest.raises(OutputError, match="could not be made"):
        demo.run(tmp_path / "demo", duration_s=5)


def test_a_file_that_cannot_be_written_is_an_error_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()

    with pytest.raises(OutputError, match=r"index\.html"):
        demo.run(tmp_path, duration_s=5)

    assert not (tmp_path / "street.mp4").exists()


@pytest.mark.parametrize(
    ("on_path", "program", "expected"),
    [
        ("/usr/bin/passerby", "passerby", "next: passerby --help"),
        (
            None,
            ".venv/bin/passerby",
            "next: .venv/bin/passerby --help (to call it as passerby, run: pipx install .)",
        ),
        (None, "/src/passerby/__main__.py", f"next: {sys.executable} -m passerby --help (to call it as"),
    ],
)
def test_the_demo_says_how_to_call_the_command(
    monkeypatch: pytest.MonkeyPatch, on_path: str | None, program: str, expected: str
) -> None:
    monkeypatch.setattr(sys.modules["passerby.cli.demo"], "which", lambda name: on_path)
    monkeypatch.setattr(sys, "argv", [program, "demo"])

    assert _how_to_call().startswith(expected)
