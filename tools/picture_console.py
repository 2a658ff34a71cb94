"""Take the pictures of docs/how-to/console.md: python -m tools.picture_console

Needs Debian's chromium and playwright.

Invariant: the console is the real command; its street is made by the program, so nobody is in the pictures.
"""

import io
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from tests.console.street import Served, console_of, picture_of

from passerby.console import backgrounds
from passerby.synth import Rates, Street

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1140, 1080
APPROVED_MS = 1_795_000_000_000
EMPTY = Street(seed=4, duration_s=1, width=1280, height=720, fps=8, density=Rates(0, 0, 0))
PASSWORD = "correct horse battery"  # of a console that ends with this program
SITE = """\
site: {name: Harbour Street, timezone: Europe/Copenhagen}
cameras:
  north:
    source: rtsp://camera.local/stream
    lines:
      road: {from: [0.42, 0.55], to: [0.40, 0.95], names: [east, west], count: [person, bicycle, car], corridor: 0.15}
      crossing: {from: [0.60, 0.40], to: [0.57, 0.82], names: [west, east], count: [person, bicycle], corridor: 0.15}
    privacy: {rho: 6s, k: 2, epsilon: 1, chunk: 9s, warmup: 2s, clip: 6, every: 15m}
"""


def prepare(folder: Path) -> Path:
    """A site with an approved background of the empty street."""
    site = folder / "site" / "site.yaml"
    site.parent.mkdir()
    site.write_text(SITE)
    path = backgrounds.path_of(site.parent / "backgrounds", "north")
    background = backgrounds.Background(
        "north", path, EMPTY.width, EMPTY.height, 0.0, ("motion",), "Ada", APPROVED_MS, ""
    )
    backgrounds.approve(background, picture_of(EMPTY, 0))
    return site


def sign_up(page: Page, served: Served) -> None:
    page.goto(served.first)
    page.fill("[name=name]", "Ada")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("button")
    page.wait_for_selector("text=Harbour Street")


def draw_length(page: Page) -> None:
    """A known length along a parked car."""
    page.locator(".tools").get_by_role("button", name="Known length", exact=True).click()
    page.wait_for_selector(".canvas:not([data-tool=select])")
    box = page.locator(".canvas svg").bounding_box()
    assert box is not None
    for x, y in ((0.81, 0.43), (0.975, 0.465)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    metres = page.get_by_label("Metres", exact=True)
    metres.fill("4.5")
    metres.press("Enter")


def take(page: Page, name: str) -> None:
    """A picture of the page, of 256 colours."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").quantize(256).save(ROOT / f"docs/images/{name}.png", optimize=True)


def photograph(page: Page, served: Served) -> None:
    """Draw, look at the costs, and review the difference."""
    page.goto(f"{served.address}/camera?name=north")
    page.locator(".canvas svg image").wait_for()
    draw_length(page)
    page.get_by_role("button", name="line crossing", exact=True).click()
    corridor = page.get_by_label("Corridor: frame heights to each side, empty for off", exact=True)
    corridor.fill("0.12")
    corridor.press("Enter")
    page.locator(".facts").get_by_text("Useful from").wait_for()
    take(page, "console-drawing")
    page.get_by_role("button", name="Review and write").click()
    page.wait_for_selector(".difference")
    page.get_by_label("Type: begin a new epoch").fill("begin a new epoch")
    page.locator(".q-notification").wait_for(state="detached")
    take(page, "console-review")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        site = prepare(Path(name))
        with console_of(site, Path(name) / "working", "rtsp://camera.local/stream") as served:
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            sign_up(page, served)
            photograph(page, served)
            browser.close()


if __name__ == "__main__":
    main()
