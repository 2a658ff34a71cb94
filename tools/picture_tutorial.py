"""Follow docs/tutorial/index.md and take its pictures: python -m tools.picture_tutorial

Needs Debian's chromium and playwright, and about twelve minutes.

Invariant: the commands and the site file are those of the page, so the page is known to work.
"""

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs/tutorial"
PORT = 8123
WIDTH = 980
PUBLISHING_S = 420
"""How long the site runs before its page is shown: five bins of a minute, and their delay."""


def commands(page: str) -> list[str]:
    """Every command of passerby on the page, in its order."""
    return re.findall(r"^    (passerby .+)$", page, re.MULTILINE)


def site_file(page: str) -> str:
    """The site file on the page."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(text)


def start(command: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start a command of the page, with the Python that runs this."""
    words = [sys.executable, "-m", *shlex.split(command)]
    return subprocess.Popen(words, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})


def finish(command: str, folder: Path) -> None:
    if start(command, folder).wait() != 0:
        raise SystemExit(f"{command}: expected exit code 0")


def follow(folder: Path) -> None:
    """Run every command; leave a picture of each result in docs/tutorial."""
    page = (TUTORIAL / "index.md").read_text()
    finish("passerby demo --out demo", folder)
    photograph((folder / "demo/index.html").as_uri(), "demo", 900)
    (folder / "site.yaml").write_text(site_file(page))
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands(page):
            if command.startswith("passerby run"):
                running.append(start(command, folder))
                time.sleep(PUBLISHING_S)
            elif command.startswith("passerby serve"):
                running.append(start(f"{command} --port {PORT}", folder))
                time.sleep(15)
                photograph(f"http://127.0.0.1:{PORT}/", "page-now", 1000)
            else:
                finish(command, folder)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            process.wait()
    for name in ("counted", "slice"):
        keep(folder / f"{name}.png", name)


def photograph(address: str, name: str, height: int) -> None:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
        page.goto(address)
        taken = page.screenshot()
        browser.close()
    keep(io.BytesIO(taken), name)


def keep(picture: Path | io.BytesIO, name: str) -> None:
    """A picture for the page: at most WIDTH wide, of 256 colours."""
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    image.thumbnail((WIDTH, image.height))
    image.quantize(256).save(TUTORIAL / f"{name}.png", optimize=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        follow(Path(name))
