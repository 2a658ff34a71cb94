"""The report of a synthetic check: its figures, and that it needs no other file.

Invariant: the expected figures are computed by hand from the clicks.
"""

import re
from html.parser import HTMLParser

from passerby.verify.check_session import CheckSession
from passerby.verify.report import report


class Cells(HTMLParser):
    """The text of every table row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        self._in_cell = tag == "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False


def rows(page: str) -> list[list[str]]:
    cells = Cells()
    cells.feed(page)
    return [row for row in cells.rows if row]


def test_nothing_checked_has_no_accuracy(session: CheckSession) -> None:
    page = report(session)

    assert "Nothing is checked yet: 4 counted crossings" in page
    assert "Accuracy in the checked time" not in page
    assert ["near", "person", "2", "not checked"] in rows(page)


def test_the_figures_of_a_check(session: CheckSession) -> None:
    session.add({"verdict": "wrong", "line": 0, "mark": 1})
    for at_ms in (15_000, 16_000):
        session.add(
            {
                "verdict": "missed",
                "line": 0,
                "at_ms": at_ms,
                "along": 0.8,
                "direction": "to_left",
                "label": "person",
            }
        )
    session.add({"verdict": "checked", "line": 0, "row": 0})
    session.add({"verdict": "checked", "line": 0, "row": 1})

    page = report(session)
    found = rows(page)

    # Two counted, one of them in the 20 s that were checked, where three truly crossed.
    assert ["near", "person", "2", "1", "3", "2", "0", "-2"] in [row[:8] for row in found]
    assert ["near", "car", "1", "1", "0", "0", "1", "+1"] in [row[:8] for row in found]
    assert ["2026-05-04 14:15+02:00", "person", "2", "1", "3", "2", "0", "-2"] in [row[:8] for row in found]
    assert ["far", "bicycle", "1", "not checked"] in found
    assert ["all", "all", "4", "2", "3", "2", "1", "-1"] in [row[:8] for row in found]
    assert "0:00:20 of 0:02:00 were checked (17%" in page
    assert "2 of 4 counted crossings" in page
    assert re.search(r"Accuracy in the checked time: <strong>0\.000</strong>", page)
    assert ["near", "4", "3", "2", "3"] in found


def test_the_report_needs_no_other_file(session: CheckSession) -> None:
    page = report(session)

    assert not re.search(r"""(src|href)\s*=|url\(|https?:|@import|<script""", page)
    assert "default-src 'none'" in page


def test_names_are_shown_as_text(session: CheckSession) -> None:
    assert "&lt;b&gt;damaged" in report(session)
