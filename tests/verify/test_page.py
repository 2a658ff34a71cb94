"""The page in a real browser: keys and clicks, and the truth file that they write.

Invariant: the tests act as a person does, and read the file instead of the memory of the page.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.verify.conftest import Served

from passerby.evaluation import truth_file
from passerby.evaluation.truth_file import Click
from passerby.verify.check_session import CheckSession

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: "Browser", served: Served) -> "Iterator[Page]":
    """The page, opened; fails where it asked for anything elsewhere, or complained."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(served.page)
    page.wait_for_selector(".row .mark")
    yield page
    page.close()
    assert [url for url in asked if not url.startswith(served.address)] == []
    assert complaints == []


@pytest.fixture
def clicked(page: "Page", session: CheckSession) -> Callable[[int], tuple[Click, ...]]:
    """The clicks on the disk, once the page has been answered that there are so many."""

    def wait(count: int) -> tuple[Click, ...]:
        page.wait_for_selector(f"body[data-clicks='{count}']")
        checking = truth_file.load(session.saved_at, look=False).clips[0].checking
        assert checking is not None
        assert len(checking.clicks) == count
        return checking.clicks

    return wait


Clicked = Callable[[int], tuple[Click, ...]]


def test_rows_show_marks_times_and_motion(page: "Page") -> None:
    assert page.locator(".row[data-row]").count() == 6
    assert page.locator(".row .when").first.inner_text().split() == ["14:15:00", "+0:00"]
    assert page.locator(".mark").count() == 3
    assert page.locator(".streak").count() == 1
    # The pictures of the rows are there, and are as wide as the strip.
    assert (
        page.evaluate(
            "Promise.all([...document.querySelectorAll('image')].map(i => fetch(i.href.baseVal).then(r => r.ok)))"
        )
        == [True] * 6
    )


def test_a_check_with_the_keyboard(page: "Page", clicked: Clicked, session: CheckSession) -> None:
    page.keyboard.press("ArrowRight")
    assert "14:15:02 (0:00:02.0 in the file, frame 50): person, out" in page.inner_text("#question")
    page.keyboard.press("Enter")  # right, and to the next
    clicked(1)
    page.keyboard.press("6")  # a truck
    clicked(2)
    page.keyboard.press("Space")  # the row is right as it stands
    clicked(3)
    assert "something moved here" in page.inner_text("#question")
    page.keyboard.press("m")
    clicked(4)
    page.keyboard.press("d")  # it went the other way
    clicked(5)
    page.keyboard.press("2")  # and was a bicycle
    clicks = clicked(6)

    assert [(click.verdict, click.at_ms, click.label) for click in clicks[:2]] == [
        ("right", 2000, None),
        ("other", 5500, "truck"),
    ]
    assert (clicks[2].verdict, clicks[2].at_ms, clicks[2].until_ms) == ("checked", 0, 10_000)
    assert [(click.verdict, click.direction, click.label) for click in clicks[3:]] == [
        ("missed", "to_left", "person"),
        ("missed", "to_right", "person"),
        ("missed", "to_right", "bicycle"),
    ]
    for number in range(5):
        page.keyboard.press("Space")
        clicked(7 + number)
    near = truth_file.load(session.saved_at, look=False).clips[0].lines[0]
    assert near.crossed == {"to_left": {"person": 2}, "to_right": {"bicycle": 1, "truck": 1}}
    assert near.within is None


def test_wrong_and_undo(page: "Page", clicked: Clicked) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("w")
    assert clicked(1)[0].verdict == "wrong"
    assert page.locator(".mark.wrong").count() == 1
    page.keyboard.press("u")
    clicked(0)
    assert page.locator(".mark.wrong").count() == 0


def test_a_check_with_the_mouse(page: "Page", clicked: Clicked) -> None:
    page.locator(".streak").click()
    (missed,) = clicked(1)
    assert (missed.verdict, missed.label, missed.direction) == ("missed", "person", "to_left")
    assert abs(missed.at_ms - 15_000) <= 80
    page.get_by_role("button", name="14:15:05.5 car").click()
    page.get_by_role("button", name="Wrong").click()
    assert clicked(2)[1].verdict == "wrong"
    page.get_by_role("button", name="14:15:31 person").click()
    page.get_by_role("button", name="bicycle").click()
    assert (clicked(3)[2].verdict, clicked(3)[2].label) == ("other", "bicycle")
    # Where nothing was drawn, something may have been missed too.
    strip = page.locator(".row[data-row='4'] svg")
    box = strip.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + 20 + 27)
    missed = clicked(4)[3]
    assert missed.verdict == "missed"
    assert abs(missed.at_ms - 42_500) <= 30
    assert missed.along == pytest.approx(0.5, abs=0.03)
    page.keyboard.press("n")  # nothing was
    assert clicked(5)[4].verdict == "nothing"


def test_lines_are_checked_one_by_one(page: "Page", clicked: Clicked) -> None:
    page.keyboard.press("l")
    assert page.locator(".mark.bicycle").count() == 1
    page.keyboard.press("Space")
    (click,) = clicked(1)
    assert (click.verdict, click.line) == ("checked", "far")
    assert "checked 0:10 of 2:00" in page.inner_text("#progress")


def test_a_reloaded_page_shows_the_clicks(page: "Page", clicked: Clicked) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("w")
    clicked(1)
    page.reload()
    page.wait_for_selector(".row .mark")
    assert page.locator(".mark.wrong").count() == 1


def test_an_error_of_saving_is_shown(
    page: "Page", session: CheckSession, served: Served, browser: "Browser", monkeypatch: pytest.MonkeyPatch
) -> None:
    from passerby.errors import OutputError

    def full(path: Path, content: str) -> None:
        raise OutputError(f"{path}: could not be written: no space left on device")

    other = browser.new_page()  # the page of the fixture may not log errors
    other.goto(served.page)
    other.wait_for_selector(".row .mark")
    monkeypatch.setattr("passerby.io.files.write", full)
    other.keyboard.press("Space")
    other.wait_for_selector("#problem:not([hidden])")
    assert "Not saved" in other.inner_text("#problem")
    assert "no space left" in other.inner_text("#problem")
    assert session.clicks == []
    other.close()


def test_finishing_shows_the_report_and_where_the_check_is_saved(
    page: "Page", served: Served, session: CheckSession, clicked: Clicked
) -> None:
    page.keyboard.press("Space")
    clicked(1)
    page.get_by_role("button", name="Finish").click()
    page.wait_for_selector("text=You can close this page")
    assert served.finished.wait(5)
    assert str(session.saved_at) in page.inner_text("body")
    assert "0:00:10 of 0:02:00 were checked" in page.inner_text("body")
    assert page.locator("h1").evaluate("e => getComputedStyle(e).fontSize") == "22px"
