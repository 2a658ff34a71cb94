"""Takes the pictures of docs/how-to/pages.md: the public pages of a made-up town, in docs/images/pages-*.png.

    python tools/picture_pages.py

RequiresScope Debian's chromium and playwright.
"""

import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from threading import Thread

import uvicorn
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.publish.pages import town  # noqa: E402

from passerby.config.site import parse  # noqa: E402
from passerby.publish.pages.app import create_app  # noqa: E402

PICTURES = (("pages-now", "", 980, 1120, "light"), ("pages-counts", "counts", 980, 1120, "dark"))
"""Name, page, width and height in px, and colour scheme."""
PLAN = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 900">
<rect width="1600" height="900" fill="#dfe6dd"/>
<path d="M0 520 L1600 430 L1600 640 L0 760Z" fill="#a9c8d6"/>
<path d="M0 300 L1600 210 L1600 420 L0 510Z" fill="#e9e2d2"/>
<path d="M640 0 L960 0 L1060 900 L520 900Z" fill="#efece4"/>
</svg>
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "quay.svg").write_text(PLAN)
        town.fill(folder / "releases.db", 400, 1)
        site = parse(town.site_text(1, camera="plan: quay.svg"), folder / "site.yaml")
        app = create_app(site, folder / "releases.db", version="0.1.0")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
            thread = Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                take(f"http://127.0.0.1:{listening.getsockname()[1]}/")
            finally:
                server.should_exit = True
                thread.join()


def take(address: str) -> None:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for name, page_name, width, height, colours in PICTURES:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if colours == "dark" else "light",
            )
            page.goto(address + page_name)
            path = ROOT / f"docs/images/{name}.png"
            page.screenshot(path=path)
            print(f"{path}: {path.stat().st_size // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main()
