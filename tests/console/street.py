"""A running console with a synthetic street over real RTSP, and a recorder of its answers to a browser.

Invariant: the console is the real command in its own process and working folder; every answer is recorded.
"""

import base64
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from passerby import synth
from passerby.console import backgrounds
from passerby.console.backgrounds import Background
from passerby.synth import Actor, Kind, Rates, Street, Waypoint, rtsp_camera
from passerby.synth.rtsp_camera import CodedStreet

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page, Response, WebSocket

LENGTH_S = 12.0
EMPTY = Street(seed=4, duration_s=LENGTH_S, width=320, height=180, fps=8, density=Rates(0, 0, 0), parked=0)
STREET = replace(
    EMPTY,
    extra=tuple(
        Actor(
            f"canary {number}",
            Kind.CYCLIST,
            (Waypoint(number * 1.5, -15.0, 16.0), Waypoint(number * 1.5 + 3.0, 4.0, 16.0)),
            canary=True,
        )
        for number in range(6)
    ),
)
"""Nobody but six cyclists, one after the other, each painted in a green that nothing else has."""

SITE = """\
# The street of the tests
site: {{name: Harbour Street, timezone: Europe/Copenhagen}}

cameras:
  # looks across the road
  north:
    source: {url}
    detector: auto   # the best at hand
    lines:
      old: {{from: [0.30, 0.55], to: [0.28, 0.95], names: [east, west], count: [bicycle], corridor: 0.1}}   # kept
    privacy: {{rho: 6s, k: 2, epsilon: 1, chunk: 9s, warmup: 2s, clip: 6, every: 15m}}
  drawn:
    source: {url}
    lines:
      far: {{from: [0.05, 0.25], to: [0.05, 0.45], count: [person]}}
    privacy: {{rho: 6s, k: 2, epsilon: 1, chunk: 9s, warmup: 2s, clip: 6, every: 15m}}
"""


@dataclass(frozen=True)
class Served:
    """A console at `address` for the site file in `folder`; its working folder is `cwd`, its camera at `url`;
    `first` is the invitation of the first user."""

    address: str
    first: str
    folder: Path
    cwd: Path
    url: str

    @property
    def site(self) -> Path:
        return self.folder / "site.yaml"


@dataclass
class Recorder:
    """All answers to a page, by HTTP and web sockets, all its requests, and its errors."""

    asked: list[str] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    frames: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: "Page") -> None:
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("response", self._keep)
        page.on("websocket", self._listen)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._refuse)

    def _refuse(self, dialog: "Dialog") -> None:
        self.complaints.append("a dialog")
        dialog.dismiss()

    def _keep(self, response: "Response") -> None:
        from playwright.sync_api import Error

        # A redirect has no body.
        if not 300 <= response.status < 400:
            try:
                self.answers[response.url] = response.body()
            except Error:
                # The page was left before the answer was complete; `missed` lists pictures that were never complete.
                if "png" in response.url:
                    self.unread.add(response.url)

    def _listen(self, socket: "WebSocket") -> None:
        self.asked.append(socket.url)
        socket.on(
            "framereceived",
            lambda data: self.frames.append(data if isinstance(data, str) else data.decode("latin-1")),
        )

    def _hear(self, message: object) -> None:
        text = getattr(message, "text", "")
        # Chromium's advice about forms, and the message of an intended refusal.
        if "Password field" not in text and "Failed to load resource" not in text:
            self.complaints.append(text)

    def missed(self) -> set[str]:
        """URLs of pictures that were answered and never recorded."""
        return self.unread - self.answers.keys()

    def pictures(self) -> list[bytes]:
        """Every answer and every data URL that is a picture."""
        texts = [*self.frames, *(body.decode("latin-1") for body in self.answers.values())]
        embedded = [
            base64.b64decode(data + "=" * (-len(data) % 4))
            for text in texts
            for data in re.findall(r"data:image/(?:png|jpeg|webp|gif);base64,([A-Za-z0-9+/]+)", text)
        ]
        return [body for body in [*self.answers.values(), *embedded] if is_picture(body)]


def is_picture(body: bytes) -> bool:
    try:
        Image.open(io.BytesIO(body)).verify()
    except Exception:
        return False
    return True


def canaries(picture: bytes) -> int:
    """How many pixels of a picture have the canary's green, which no street has."""
    image = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), np.int64)
    return int((image[..., 1] - image[..., 0] - image[..., 2] > 20).sum())


def picture_of(street: Street, number: int) -> bytes:
    """A frame of a street as a PNG."""
    (image,) = synth.frames(street, first=number, last=number + 1)
    out = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(out, "PNG")
    return out.getvalue()


def approved(folder: Path, camera: str) -> Background:
    """An approved background of the empty street."""
    path = backgrounds.path_of(folder, camera)
    background = Background(
        camera, path, EMPTY.width, EMPTY.height, 0.0, ("a test",), "Ada", 1_790_000_000_000, ""
    )
    return backgrounds.approve(background, picture_of(EMPTY, 0))


def endless(drawn: CodedStreet, hours: float = 1.0) -> CodedStreet:
    """The same pictures again and again."""
    times = round(hours * 3600 / LENGTH_S)
    frames = tuple(
        replace(frame, time_s=frame.time_s + number * LENGTH_S)
        for number in range(times)
        for frame in drawn.frames
    )
    return replace(drawn, frames=frames)


@contextmanager
def console(folder: Path, model_dir: Path | None) -> Iterator[Served]:
    """A street, its camera, and the console of its site, all in `folder`."""
    (folder / "drawn").mkdir()
    place = folder / "site"
    place.mkdir()
    camera = rtsp_camera.serve(
        endless(rtsp_camera.draw(STREET, folder / "drawn")), (round(time()) - 60) * 1000
    )
    (place / "site.yaml").write_text(SITE.format(url=camera.url))
    approved(place / "backgrounds", "drawn")
    try:
        with console_of(place / "site.yaml", folder / "cwd", camera.url, model_dir) as served:
            yield served
    finally:
        camera.stop()


@contextmanager
def console_of(site: Path, cwd: Path, url: str, model_dir: Path | None = None) -> Iterator[Served]:
    """The console of `site`, whose camera is at `url`, in a new working folder; ledger and store are beside the site
    file."""
    cwd.mkdir()
    home = cwd.with_name("home")
    home.mkdir()
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"), str(home))
    words = [
        sys.executable,
        "-m",
        "passerby",
        "console",
        str(site),
        "--port",
        "0",
        "--interface",
        "127.0.0.1",
    ]
    words += ["--database", str(site.with_name("releases.db")), "--ledger", str(site.with_name("ledger.db"))]
    words += ["--model-dir", str(model_dir)] if model_dir else []
    process = subprocess.Popen(
        words,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **places, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().strip()
        lines = iter(process.stderr.readline, "")
        first = next(match for line in lines if (match := re.search(r"http\S+/welcome\?token=\S+", line)))
        yield Served(address, first[0], site.parent, cwd, url)
    finally:
        process.terminate()
        out, err = process.communicate(timeout=30)
        assert "Traceback" not in err, err
        assert url not in out + err
