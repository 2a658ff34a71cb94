"""`passerby count` up to the first frame that was looked at, where the process ends: a line of JSON.

    python -m tools.bench.start VIDEO --line ... and all other options of `passerby count`

Invariant: nothing is loaded that the command itself does not load.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from passerby.cli import main
from passerby.counting.detections import Detections
from passerby.video.decode.frame import Frame
from passerby.video.decode.regions import Region
from passerby.video.motion import background_subtraction
from passerby.video.scheduling.incremental import IncrementalDetection

take, shrink = IncrementalDetection.add, background_subtraction.shrink


def first_look(self: IncrementalDetection, frame: Frame) -> Iterator[Detections]:
    answer = list(take(self, frame))
    if self.detectors:
        end()
    return iter(answer)


def first_shrunk(frame: Frame, region: Region | None = None) -> background_subtraction.SmallPicture:
    shrink(frame, region)
    end()


def end() -> NoReturn:
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    used = resource.getrusage(resource.RUSAGE_SELF)
    answer = {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"),
    }
    print(json.dumps(answer), flush=True)
    os._exit(0)


IncrementalDetection.add = first_look  # type: ignore[method-assign]
background_subtraction.shrink = first_shrunk
sys.argv = ["passerby", "count", *sys.argv[1:]]
main()
