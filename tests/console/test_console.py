"""The operator's console in a real browser, with the synthetic street over real RTSP.

Invariant: the tests act as a person does, and read the results from the disk.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

pytest.importorskip("nicegui", reason="NiceGUI is not installed: pip install 'passerby[console]'")

import httpx
from tests.axe import serious
from tests.console.onvif_camera import OnvifCamera, found_on_loopback
from tests.console.onvif_camera import serving as onvif_serving
from tests.console.street import EMPTY, STREET, Recorder, Served, canaries, console, picture_of
from tests.privacy.conftest import begin, charge

from passerby.config import site
from passerby.console import backgrounds
from passerby.console.sessions import FREE_TRIES
from passerby.live.supervisor import status
from passerby.privacy.database import open_ledger
from passerby.publish.store.database import upgrade
from passerby.synth import rtsp_camera

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not rtsp_camera.available(), reason="Debian's GStreamer RTSP server is not installed"),
]

PASSWORD = "correct horse battery"
SENTENCE = "begin a new epoch"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Served]:
    models = root.parent / "shared" / "models"
    with console(tmp_path_factory.mktemp("console"), models if models.is_dir() else None) as running:
        yield running


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    assert recorder.missed() == set()


@pytest.fixture(scope="module")
def cookies(browser: "Browser", served: Served, recorder: Recorder) -> Any:
    """The cookies of Ada, the first user."""
    context = browser.new_context()
    page = context.new_page()
    recorder.watch(page)
    page.goto(served.first)
    page.fill("[name=name]", "Ada")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("button")
    page.wait_for_selector("text=Harbour Street")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def visit(
    browser: "Browser", served: Served, cookies: Any, recorder: Recorder
) -> "Iterator[Callable[..., Page]]":
    """Opens a page as Ada; fails where anything was asked of elsewhere, or the page complained."""
    contexts: list[BrowserContext] = []

    def open_page(path: str, width: int = 1280, *, touch: bool = False, state: Any = None) -> "Page":
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, has_touch=touch, storage_state=state or cookies)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        recorder.watch(page)
        page.goto(served.address + path)
        page.wait_for_selector("main.page h1")
        return page

    yield open_page
    for context in contexts:
        context.close()
    host = re.escape(served.address.removeprefix("http"))
    assert [url for url in recorder.asked if not re.match(f"(http|ws){host}/|data:|blob:", url)] == []
    assert recorder.complaints == []


Visit = Callable[..., "Page"]


def entries(served: Served) -> list[tuple[str, str, str]]:
    """(user, action, subject) of every entry of the journal."""
    lines = (served.folder / "console" / "journal.jsonl").read_text().splitlines()
    return [(entry["who"], entry["what"], entry["about"]) for entry in map(json.loads, lines)]


def lines_of(served: Served, camera: str) -> dict[str, site.CountedLine]:
    return {line.line.name: line for line in site.load(served.site).camera(camera).lines}


def test_a_background_is_captured_and_approved_and_no_person_is_ever_shown(
    visit: Visit, served: Served, recorder: Recorder, shared_models: Path
) -> None:
    page = visit("/camera?name=north")
    page.get_by_role("button", name="Capture a background").click()
    page.get_by_text("Collecting video for the background.").wait_for()
    approve = page.get_by_role("button", name="Approve")
    approve.wait_for(timeout=150_000)
    approve.click()
    page.get_by_text("check the picture first").wait_for()
    page.get_by_text("I have checked").click()
    approve.click()
    page.wait_for_selector(".canvas svg image")
    # Marks of what the detector sees, while canaries ride by.
    page.get_by_role("button", name="Show what the detector sees").click()
    page.get_by_text("s left.").wait_for()
    page.wait_for_timeout(5_000)

    background = backgrounds.find(served.folder / "backgrounds", "north")
    assert background is not None
    assert (background.width, background.height, background.approved_by) == (
        STREET.width,
        STREET.height,
        "Ada",
    )
    assert ("Ada", "approved a background", "north") in entries(served)
    assert ("Ada", "showed what the detector sees, for 60 s", "north") in entries(served)
    assert not any("camera=north" in url for url in recorder.missed())
    pictures = [*recorder.pictures(), background.path.read_bytes()]
    assert len(pictures) >= 2
    assert [canaries(picture) for picture in pictures] == [0] * len(pictures)
    kept = [path for path in served.folder.rglob("*") if path.suffix in (".png", ".jpg", ".mp4")]
    assert {path.parent.name for path in kept} == {"backgrounds"}


def test_a_canary_in_a_picture_is_found() -> None:
    seen = [canaries(picture_of(STREET, number)) for number in range(0, STREET.frame_count, 8)]

    assert max(seen) > 20
    assert canaries(picture_of(EMPTY, 0)) == 0


class Hand:
    """Draws on the background of a page: with a finger, the mouse, or keys alone."""

    def __init__(self, page: "Page", way: str) -> None:
        self.page, self.way = page, way
        self.svg: Locator = page.locator(".canvas svg")
        self.svg.locator("image").wait_for()

    def tool(self, name: str) -> None:
        button = self.page.locator(".tools").get_by_role("button", name=name, exact=True)
        if self.way == "keys":
            button.focus()
            self.page.keyboard.press("Enter")
        else:
            button.click()
        self.page.wait_for_selector(".canvas:not([data-tool=select])")

    def at(self, x: float, y: float) -> tuple[float, float]:
        self.svg.scroll_into_view_if_needed()
        box = self.svg.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def line(self, tool: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.tool(tool)
        if self.way == "touch":
            self.page.touchscreen.tap(*self.at(*start))
            self.page.touchscreen.tap(*self.at(*end))
        elif self.way == "mouse":
            self.page.mouse.move(*self.at(*start))
            self.page.mouse.down()
            self.page.mouse.move(*self.at(*end), steps=3)
            self.page.mouse.up()
        else:
            self.svg.focus()
            self.page.keyboard.press("Enter")
            for handle, begun, wanted in ((0, (0.3, 0.6), start), (1, (0.7, 0.6), end)):
                self.page.locator(f"[data-handle='{handle}']").focus()
                for axis, keys in ((0, ("ArrowLeft", "ArrowRight")), (1, ("ArrowUp", "ArrowDown"))):
                    steps = round((wanted[axis] - begun[axis]) * 100)
                    for _ in range(abs(steps)):
                        self.page.keyboard.press(keys[steps > 0])
        self.page.wait_for_selector(".canvas[data-tool=select]")

    def fill(self, label: str, text: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Enter")

    def write(self) -> None:
        """Review and write, with the sentence that a new epoch needs."""
        self.page.get_by_role("button", name="Review and write").click()
        self.page.wait_for_selector(".difference")
        self.page.get_by_role("button", name="Write", exact=True).click()
        self.page.get_by_text(f"type “{SENTENCE}” to change").wait_for()
        self.page.get_by_label(f"Type: {SENTENCE}").fill(SENTENCE)
        self.page.get_by_role("button", name="Write", exact=True).click()
        self.page.get_by_text("The site file was written.").wait_for()


@pytest.mark.parametrize(("width", "way"), [(360, "touch"), (768, "mouse"), (1280, "keys")])
def test_a_line_is_drawn_and_its_preview_is_shown_before_it_is_written(
    visit: Visit, served: Served, width: int, way: str
) -> None:
    page = visit("/camera?name=drawn", width, touch=way == "touch")
    hand = Hand(page, way)
    name = f"by {way}"

    hand.line("Known length", (0.60, 0.50), (0.80, 0.50))
    hand.fill("Metres", "2")
    page.get_by_role("button", name="length 2 m", exact=True).first.wait_for()
    hand.line("Line", (0.40, 0.30), (0.44, 0.90))
    hand.fill("Name", name)
    hand.fill("Name of to_right", "in")
    hand.fill("Name of to_left", "out")
    hand.fill("Corridor: frame heights to each side, empty for off", "0.25")

    # A fifth of 320 px are 2 m; the corridor is half of 180 px, which is 2.8 m: 3.5 s at 0.8 m/s, rho 4 s.
    facts = page.locator(".facts")
    facts.get_by_text("32 px/m, overview").wait_for()
    facts.get_by_text("2.8 m wide: 2.2 s on foot, 3.5 s slowly").wait_for()
    facts.get_by_text("4 s", exact=True).wait_for()
    facts.get_by_text("4 numbers per bin").wait_for()
    facts.get_by_text("± 180").wait_for()
    page.locator("aside").get_by_text("A rho of 6 s hides a walk straight across").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    before = served.site.read_text()
    hand.write()
    page.get_by_role("button", name=f"line {name}", exact=True).wait_for()

    line = lines_of(served, "drawn")[name]
    assert line.line.start == pytest.approx((0.40, 0.30), abs=0.02)
    assert line.line.end == pytest.approx((0.44, 0.90), abs=0.02)
    assert (line.line.names, line.labels, line.corridor) == (("in", "out"), ("person", "bicycle"), 0.25)
    # Every line of the file that was there is there still, comments too.
    assert set(before.splitlines()) <= set(served.site.read_text().splitlines())
    user, action, subject = entries(served)[-1]
    assert (user, action) == ("Ada", "wrote the site file")
    assert f"line {name}: a new line" in subject


def test_steps_are_undone_and_done_again_and_a_shape_is_moved_and_deleted(visit: Visit) -> None:
    page = visit("/camera?name=drawn")
    hand = Hand(page, "mouse")
    page.get_by_role("button", name="Undo").wait_for()
    there = page.locator(".canvas .shape").count()

    hand.line("Junction arm", (0.2, 0.2), (0.2, 0.4))
    page.get_by_role("button", name="arm arm 1", exact=True).wait_for()
    # `in` goes towards the middle of the picture, which is on the right, seen from start to end.
    label = page.locator(".canvas .shape.selected").get_attribute("aria-label") or ""
    assert re.search(r"20 %, 40 % to 20 %, 20 %", label), label
    page.locator(".canvas svg").focus()
    page.keyboard.press("Control+z")
    page.wait_for_function(f"document.querySelectorAll('.canvas .shape').length === {there}")
    page.keyboard.press("Control+y")
    page.wait_for_function(f"document.querySelectorAll('.canvas .shape').length === {there + 1}")
    page.get_by_role("button", name="arm arm 1", exact=True).click()
    page.keyboard.press("Tab")
    hand.tool("Zone")
    for x, y in ((0.6, 0.6), (0.8, 0.6), (0.8, 0.8)):
        page.mouse.click(*hand.at(x, y))
    page.locator(".canvas svg").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="zone zone 1", exact=True).wait_for()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_function(f"document.querySelectorAll('.canvas .shape').length === {there + 1}")


def test_an_arm_says_its_junction_and_goes_in_and_out(visit: Visit, served: Served) -> None:
    page = visit("/camera?name=drawn")
    hand = Hand(page, "mouse")
    hand.line("Junction arm", (0.15, 0.2), (0.15, 0.4))
    hand.fill("Name", "mill road")
    page.get_by_role("button", name="arm mill road", exact=True).wait_for()
    hand.fill("Junction of this arm, empty for none", "Market Cross")
    hand.fill("Name of to_left", "west")
    page.get_by_role("button", name="Review and write").click()
    page.get_by_text("an arm of a junction, expected the directions in and out").wait_for()
    hand.fill("Name of to_left", "out")

    hand.write()

    line = lines_of(served, "drawn")["mill road"].line
    assert line.names == ("in", "out")
    # The middle of the picture is on the right hand side, where `in` ends.
    assert line.start[1] > line.end[1]
    assert site.load(served.site).camera("drawn").arms == (("mill road", "Market Cross"),)
    page = visit("/camera?name=drawn")
    page.get_by_role("button", name="arm mill road", exact=True).click()
    hand = Hand(page, "mouse")
    hand.fill("Junction of this arm, empty for none", "")
    page.get_by_role("button", name="line mill road", exact=True).wait_for()


def test_an_end_snaps_to_another_and_to_the_edge(visit: Visit) -> None:
    page = visit("/camera?name=drawn")
    hand = Hand(page, "mouse")

    hand.line("Line", (0.1, 0.5), (0.101, 0.998))
    hand.line("Line", (0.104, 0.507), (0.5, 0.2))

    first, second = (
        page.locator(".canvas .shape.line").nth(number).get_attribute("aria-label") or ""
        for number in (-2, -1)
    )
    assert re.search(r", 100 %$", first), first
    start = re.search(r", ([\d.]+ %, [\d.]+ %) to", first)
    assert start is not None
    assert f", {start[1]} to" in second


def test_a_corridor_is_widened_by_its_edge(visit: Visit) -> None:
    page = visit("/camera?name=drawn")
    hand = Hand(page, "mouse")
    hand.line("Line", (0.5, 0.2), (0.5, 0.8))
    edge = page.locator("[data-handle=corridor]")
    box = edge.locator(".dot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    # From the line at half the width to a quarter: 80 px of 180.
    page.mouse.move(*hand.at(0.25, 0.4), steps=3)
    page.mouse.up()
    page.wait_for_function("document.querySelector('[data-handle=corridor]').ariaLabel.includes('0.44')")
    edge.focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function("document.querySelector('[data-handle=corridor]').ariaLabel.includes('0.455')")
    page.wait_for_function("document.querySelector('[aria-label^=Corridor]').value === '0.455'")


def test_a_file_that_changed_meanwhile_is_refused(visit: Visit, served: Served) -> None:
    page = visit("/camera?name=drawn")
    hand = Hand(page, "mouse")
    hand.line("Line", (0.7, 0.3), (0.72, 0.9))
    page.get_by_role("button", name="Review and write").click()
    page.get_by_label(f"Type: {SENTENCE}").fill(SENTENCE)
    by_hand = served.site.read_text() + "# by hand\n"
    served.site.write_text(by_hand)

    page.get_by_role("button", name="Write", exact=True).click()

    page.get_by_text("another program changed the file").wait_for()
    assert served.site.read_text() == by_hand


def test_a_policy_is_changed_and_an_invalid_policy_is_an_error(visit: Visit, served: Served) -> None:
    page = visit("/camera?name=drawn")
    hand = Hand(page, "mouse")
    page.get_by_role("button", name="line far", exact=True).click()
    page.locator(".facts").get_by_text("rho 6 s, k 2, epsilon 1").wait_for()
    page.get_by_text("Privacy of this camera").click()
    chunk = page.get_by_label("chunk: the video is counted")
    chunk.fill("20m")
    chunk.press("Enter")
    page.locator("aside .warn").get_by_text("chunk").wait_for()
    before = served.site.read_text()
    page.get_by_role("button", name="Review and write").click()
    page.locator(".q-notification").get_by_text("chunk").first.wait_for()
    assert served.site.read_text() == before
    chunk.fill("9s")
    chunk.press("Enter")
    rho = page.get_by_label("rho: the longest visit")
    rho.fill("5s")
    rho.press("Enter")
    page.locator(".facts").get_by_text("rho 5 s, k 2, epsilon 1").wait_for()

    hand.write()

    assert served.site.read_text() == "privacy: {rho: 5s, k: 2".join(
        before.rsplit("privacy: {rho: 6s, k: 2", 1)
    )
    assert "camera drawn, line far: rho changes from 6 s to 5 s" in entries(served)[-1][2]


def test_a_background_becomes_the_public_plan_on_request(visit: Visit, served: Served) -> None:
    assert site.load(served.site).camera("drawn").plan is None
    page = visit("/camera?name=drawn")
    page.get_by_role("button", name="Show it on the public page").click()
    page.locator(".difference .added").wait_for()
    page.get_by_role("button", name="Write", exact=True).click()
    page.get_by_text("The site file was written.").wait_for()

    assert site.load(served.site).camera("drawn").plan == backgrounds.path_of(
        served.folder / "backgrounds", "drawn"
    )


EVIL = "<img src=x onerror=alert(1)>{{7*7}}"


def test_a_camera_is_added_and_its_password_and_its_name_do_no_harm(
    visit: Visit, served: Served, recorder: Recorder
) -> None:
    page = visit("/add", 768)
    secret = "hunter2-and-more"
    page.get_by_label("Name, such as north").fill(EVIL)
    address = page.get_by_label("Address, such as")
    address.fill(served.url.replace("rtsp://", f"rtsp://eve:{secret}@"))
    page.get_by_role("button", name="Test connection").click()
    page.get_by_text(f"The connection works: pictures of {STREET.width} x {STREET.height} px.").wait_for()
    page.get_by_role("button", name="Add camera").click()
    page.wait_for_selector(".difference")
    page.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_selector("text=Capture a background")

    camera = site.load(served.site).camera(EVIL)
    assert camera.source is not None
    assert secret in camera.source.open_text()
    assert secret not in served.site.read_text()
    (kept,) = (served.folder / "secrets").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    # The name is shown as text on every page that shows it, and nothing of the address on any.
    for path in ("/", "/journal"):
        page.goto(served.address + path)
        page.get_by_text(EVIL).first.wait_for()
    assert page.locator("img[src=x]").count() == 0
    sent = "".join(recorder.frames) + "".join(body.decode("latin-1") for body in recorder.answers.values())
    assert secret not in sent
    assert secret not in (served.folder / "console" / "journal.jsonl").read_text()


def test_a_camera_is_found_and_one_of_its_streams_is_added(
    visit: Visit, served: Served, recorder: Recorder
) -> None:
    password = "p@ss/word: 1"
    streams = (("main", "Main", 1920, 1080, "rtsp://127.0.0.1:9/none"), ("sub", "Sub", 320, 180, served.url))
    eye = OnvifCamera("eve", password, streams)
    with onvif_serving(eye):
        # Others may look for cameras on this machine's loopback at the same time.
        eye.name = f"Eye{eye.port}"
        with found_on_loopback(eye):
            page = visit("/add", 360)
            page.get_by_label("Name, such as north").fill("found")
            page.get_by_role("button", name="Search the network").click()
            found = page.locator(".found", has_text=eye.name)
            found.wait_for()
            streams_of_it = found.locator("+ .streams")
            streams_of_it.get_by_role("button", name="Get its streams").click()
            streams_of_it.get_by_text("the user name or the password is wrong").wait_for()
            page.get_by_label("User of the camera").fill("eve")
            page.get_by_label("Password of the camera").fill(password)
            streams_of_it.get_by_role("button", name="Get its streams").click()
            streams_of_it.get_by_text("Main, 1920 x 1080 px").wait_for()
            # The smaller one comes first.
            streams_of_it.get_by_role("button", name="Use this stream").first.click()
            page.get_by_role("button", name="Test connection").click()
            page.get_by_text(
                f"The connection works: pictures of {STREET.width} x {STREET.height} px."
            ).wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert serious(page) == []
    page.get_by_role("button", name="Add camera").click()
    page.wait_for_selector(".difference")
    page.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_selector("text=Capture a background")

    camera = site.load(served.site).camera("found")
    assert camera.source is not None
    assert camera.source.open_text() == served.url.replace("rtsp://", "rtsp://eve:p%40ss%2Fword%3A%201@")
    assert ("Ada", "requested the streams of a camera", "127.0.0.1") in entries(served)
    kept = [served.site, served.folder / "console" / "journal.jsonl"]
    sent = "".join(recorder.frames) + "".join(body.decode("latin-1") for body in recorder.answers.values())
    sent += "".join(path.read_text() for path in kept)
    assert password not in sent
    assert "p%40ss" not in sent


def test_an_address_that_does_not_answer_is_an_error(visit: Visit) -> None:
    page = visit("/add")
    page.get_by_label("Name, such as north").fill("south")
    page.get_by_label("Address, such as").fill("rtsp://127.0.0.1:9/none")
    page.get_by_role("button", name="Test connection").click()
    page.get_by_text("No picture: nothing answers at this address.").wait_for()
    page.get_by_label("Address, such as").fill("file:///etc/passwd")
    page.get_by_role("button", name="Test connection").click()
    page.get_by_text("address: expected rtsp://").wait_for()


def test_a_key_is_shown_once_listed_and_revoked(visit: Visit, served: Served) -> None:
    upgrade(str(served.folder / "releases.db"))
    page = visit("/keys", 360)
    page.get_by_label("Name of the key").fill("city hall")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator(".secret").inner_text()
    assert re.fullmatch(r"passerby_[0-9a-f]{12}_\S{43}", key)
    # The new key is in the table at once.
    page.locator("table").get_by_text("city hall").wait_for()
    page.reload()
    page.get_by_text("city hall").wait_for()
    assert key not in page.content()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("revoked").wait_for()


def test_a_viewer_changes_nothing_and_is_signed_out_when_removed(
    visit: Visit, browser: "Browser", served: Served
) -> None:
    page = visit("/people")
    page.get_by_label("Name").fill("Bo")
    page.get_by_role("button", name="Invite").click()
    invitation = page.locator(".secret").inner_text()
    page.locator("table").get_by_text("invited").wait_for()
    context = browser.new_context()
    other = context.new_page()
    other.goto(invitation)
    other.fill("[name=password]", PASSWORD)
    other.fill("[name=again]", PASSWORD)
    other.click("button")
    other.wait_for_selector("text=Bo (viewer)")
    for path in ("/", "/camera?name=drawn", "/add", "/keys", "/people"):
        other.goto(served.address + path)
        other.wait_for_selector("main.page h1")
        for name in (
            "Add a camera",
            "Review and write",
            "Add camera",
            "Make a key",
            "Invite",
            "Remove",
            "Line",
        ):
            assert other.get_by_role("button", name=name, exact=True).count() == 0
    assert other.request.get(served.address + "/pending.png?camera=drawn").status == 404

    other.goto(served.address + "/people")
    other.get_by_role("link", name="Change your password").click()
    other.fill("[name=old]", PASSWORD)
    for name in ("password", "again"):
        other.fill(f"[name={name}]", f"{PASSWORD} mark two")
    other.get_by_role("button", name="Change password").click()
    other.wait_for_url("**/sign-in")
    other.fill("[name=name]", "Bo")
    other.fill("[name=password]", f"{PASSWORD} mark two")
    other.click("button")
    other.wait_for_selector("text=Bo (viewer)")
    assert ("Bo", "changed their password", "") in entries(served)

    page.reload()
    page.get_by_role("button", name="Remove").click()
    # The open page of a removed user leaves by itself.
    other.wait_for_url("**/sign-in", timeout=20_000)
    context.close()
    assert ("Ada", "removed a user", "Bo") in entries(served)


def test_health_and_budget_are_those_of_the_running_site(visit: Visit, served: Served) -> None:
    page = visit("/")
    page.get_by_text("not run yet").first.wait_for()
    since_ms = 1_790_000_000_000
    north = status.CameraStatus(
        "north", True, "live", since_ms, 12.5, 0.98, 0.25, 1.0, "sender", 0, None, "its clock is 3 s fast"
    )
    drawn = status.CameraStatus(
        "drawn", False, "credentials", since_ms, 0.0, 0.0, 1.0, 1.0, "sender", 0, None, ""
    )
    report = status.Status("Harbour Street", 1, since_ms, since_ms, 0, (north, drawn), ())
    state = served.site.with_name("site.yaml.run")
    with status.alone(state, served.site):
        status.write(state, report)
        page.reload()
        page.get_by_text("up since 21 Sep 16:13, 12.5 frames per second, data coverage today 98%").wait_for()
        page.get_by_text("Privacy budget for now: epsilon 0.25 of 1 left").wait_for()
        page.get_by_text("its clock is 3 s fast").wait_for()
        page.get_by_text("down since 21 Sep 16:13: the user name or the password is wrong").wait_for()
    page.reload()
    page.get_by_text("The site is not running").wait_for()


def test_the_spent_budget_is_that_of_the_ledger(visit: Visit, served: Served) -> None:
    page = visit("/budget", 360)
    page.get_by_text("No budget is spent yet.").wait_for()
    with closing(open_ledger(served.folder / "ledger.db", create=True)) as ledger:
        epoch = begin(ledger, "north")
        ledger.spend(charge(1, 400_000, epoch=epoch))

    page.reload()

    page.get_by_text("epsilon 0.4 of 1 (40%)").wait_for()
    page.get_by_text("bridge bins").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_journal_is_shown(visit: Visit) -> None:
    page = visit("/journal", 360)
    page.get_by_text("became operator, by invitation").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(
    "path",
    ["/", "/camera?name=drawn", "/camera?name=north", "/add", "/budget", "/keys", "/people", "/journal"],
)
def test_pages_fit_and_axe_finds_nothing_serious(visit: Visit, path: str) -> None:
    page = visit(path)
    if "drawn" in path:
        page.get_by_role("button", name="line far", exact=True).click()
        page.locator(".facts").wait_for()
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=cast(Any, scheme))
        assert serious(page) == [], scheme


def test_a_claimed_address_gives_no_more_attempts(served: Served) -> None:
    answers = [
        httpx.post(
            served.address + "/sign-in",
            data={"name": "Ada", "password": f"wrong password {number}"},
            headers={
                "origin": served.address,
                "x-forwarded-for": f"10.0.0.{number}",
                "forwarded": f"for=10.0.0.{number}",
            },
        ).status_code
        for number in range(FREE_TRIES + 5)
    ]

    assert answers[:2] == [401, 401]
    assert set(answers[FREE_TRIES:]) == {429}


def test_nothing_is_written_into_the_working_folder(served: Served, cookies: Any) -> None:
    assert list(served.cwd.iterdir()) == []
    assert {path.name for path in served.folder.iterdir()} <= {
        *("site.yaml", "site.yaml.run", "console", "backgrounds", "secrets"),
        *(
            f"{name}{end}"
            for name in ("releases.db", "ledger.db")
            for end in ("", "-wal", "-shm", ".mark", ".mark.lock")
        ),
    }
