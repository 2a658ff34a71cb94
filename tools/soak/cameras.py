"""Simulated cameras: streets drawn once and served over and over, killed and stalled as the script says.

Invariant: what is served has exactly known truth; a server tells when it serves, and nothing is asked of who reads.
"""

import os
import signal
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count, islice, pairwise
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

from tools.soak.faults import Interval

from passerby.domain.geometry import Line
from passerby.synth import Rates, Street, actors, lines, rtsp_camera, truth

LOOP_S = 90.0
FPS = 5.0
LINE = "road"
PER_HOUR = 250.0
SEAM_S = 6.0
APART_S = 3.0
"""Of so few, and none so near to another or to where the loop begins anew, motion finds nearly all: what is missing was
lost by the run. How well it counts busier streets is measured elsewhere."""


@lru_cache(maxsize=1024)
def street(seed: int) -> Street:
    """Vehicles alone, none of which parks: what motion sees without weights. They are painted in a pattern, for a grey
    car on a grey road it does not see."""
    plain = Street(
        seed=seed,
        duration_s=LOOP_S,
        width=640,
        height=360,
        fps=FPS,
        density=Rates(0, 0, PER_HOUR),
        stop_share=0,
    )
    painted = tuple(replace(one, canary=True) for one in actors(plain) if len(one.path) > 1)
    return replace(plain, density=Rates(0, 0, 0), extra=painted)


def line_of(made: Street) -> Line:
    (line,) = (one for one in lines(made) if one.name == LINE)
    return line


def crossings_s(made: Street) -> list[tuple[float, str]]:
    """When in the loop something crosses the line, in seconds, and in which direction."""
    line = line_of(made)
    return [
        ((one.time_ms - made.start_ms) / 1000, line.direction_name(one.direction))
        for one in truth(made, (line,))
    ]


def seeds(first: int, number: int) -> list[int]:
    """The next so many whose street can be played over and over, and in which none hides another: what crosses just
    where the loop begins anew has no path, and cannot be counted."""
    every = (seed for seed in count(first) if _fit([time_s for time_s, _ in crossings_s(street(seed))]))
    return list(islice(every, number))


def _fit(times_s: Sequence[float]) -> bool:
    """Judged by the truth alone; a street in which nothing crosses tells nothing."""
    edges = [SEAM_S - APART_S, *sorted(times_s), LOOP_S - SEAM_S + APART_S]
    return bool(times_s) and all(later - time_s >= APART_S for time_s, later in pairwise(edges))


def video(folder: Path, seed: int) -> Path:
    """Where the street of this seed lies once it is drawn."""
    return folder / f"street-{seed}" / "street.h264"


def drawn(seeds: Iterable[int], folder: Path) -> list[rtsp_camera.CodedStreet]:
    """Streets ready to be served, on two processes; `folder` must be there."""
    folders = [video(folder, seed).parent for seed in seeds]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_draw, seeds, folders))


def _draw(seed: int, folder: Path) -> rtsp_camera.CodedStreet:
    folder.mkdir()
    return rtsp_camera.draw(street(seed), folder)


@dataclass(slots=True)
class Camera:
    """One server; `served` are the Unix times at which it began to serve somebody, `done` what was done to it, from
    when to when, as it was done."""

    drawn: rtsp_camera.CodedStreet
    start_ms: int
    served: list[float] = field(default_factory=list)
    done: list[Interval] = field(default_factory=list)
    server: rtsp_camera.Server | None = None
    port: int = 0

    def serve(self) -> str:
        """Begin, at the same port as before; its address."""
        self.server = rtsp_camera.serve(
            self.drawn,
            self.start_ms,
            rtsp_camera.Listen(port=self.port),
            rtsp_camera.Playback(loop_s=LOOP_S, prints_plays=True),
        )
        self.port = self.server.port
        Thread(target=self._listen, args=(self.server,), daemon=True).start()
        return self.server.url

    def kill(self) -> None:
        assert self.server is not None
        self.server.process.kill()
        self.server.process.wait()

    def stall(self) -> None:
        assert self.server is not None
        os.kill(self.server.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.server is not None
        os.kill(self.server.process.pid, signal.SIGCONT)

    def _listen(self, server: rtsp_camera.Server) -> None:
        assert server.process.stdout is not None
        for line in server.process.stdout:
            self.served.append(float(line))
