"""What is compared: each is made ready first (libraries loaded, weights opened), and only its counting is measured.

Invariant: the same weights for all, one thread for all; who counts knows lines and pixels, and never the truth.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tools.bench.recordings import Ways

from passerby.domain.geometry import DEFAULT_CORRIDOR, Line
from passerby.recordings.counter import count
from passerby.video.observe import probe
from passerby.video.scheduling.optimizations import NAMES

ROOT = Path(__file__).parents[2]
MODELS = ROOT.parent / "shared/models"
COMPARED = Path(os.environ.get("PASSERBY_COMPARED", ROOT / ".venv/compared"))
NETWORK = "yolox_nano"

Counted = tuple[int, Ways | None]
"""Frames read, and what was counted."""
Contender = Callable[[Path, Sequence[Line]], Callable[[], Counted]]

DECODE, SUPERVISION, EACH_FRAME = "plain decode", "supervision", "every frame"
PASSERBY, WITH_MOTION, MOTION = "passerby", "passerby with motion", "passerby, motion alone"
WITHOUT = tuple(f"passerby without {name}" for name in (*NAMES, "all"))


def decode(video: Path, _: Sequence[Line]) -> Callable[[], Counted]:
    import av

    def run() -> Counted:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            return sum(1 for _ in container.decode(stream)), None

    return run


def passerby(
    detector: str = NETWORK, without: Sequence[str] = (), jobs: int = 1, each_frame: bool = False
) -> Contender:
    def contender(video: Path, lines: Sequence[Line]) -> Callable[[], Counted]:
        import cv2

        from passerby.video import observe
        from passerby.video.detect.selection import choose
        from passerby.video.scheduling import incremental

        cv2.setNumThreads(1)
        choose(detector, MODELS)
        if each_frame:
            observe.TICK_MS = 1
            incremental.INPUT_SIZE = replace(incremental.INPUT_SIZE, padding_share=1.0)
        corridor = None if each_frame else DEFAULT_CORRIDOR

        def run() -> Counted:
            counts = count(
                video,
                lines,
                detector=detector,
                model_dir=MODELS,
                corridor=corridor,
                disable=without,
                jobs=jobs,
            )
            return counts.frames, Counter((c.line, c.direction) for c in counts.crossings)

        return run

    return contender


def supervision(video: Path, lines: Sequence[Line]) -> Callable[[], Counted]:
    """The same weights at their own 416 x 416 px, ByteTrack and LineZone as their documentation shows them."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
    # First, and only now: what passerby itself runs on is loaded already, and stays the same.
    sys.path.insert(0, str(COMPARED))
    import cv2
    import numpy as np
    import supervision as sv

    from passerby.video.detect import onnx, yolox

    cv2.setNumThreads(1)
    network = onnx.open_network(MODELS / f"{NETWORK}.onnx", 1, "cpu")
    recording = probe(video)
    size = np.array([recording.width, recording.height])
    zones = []
    for line in lines:
        start, end = (sv.Point(*(np.array(point) * size).tolist()) for point in (line.start, line.end))
        anchor = sv.Position.BOTTOM_CENTER if line.anchor == "bottom" else sv.Position.CENTER
        zones.append(sv.LineZone(start, end, triggering_anchors=[anchor]))
    tracker = sv.ByteTrack(frame_rate=round(recording.fps))

    def run() -> Counted:
        frames = 0
        for image in sv.get_video_frames_generator(str(video)):
            boxes = yolox.detect(network, (416, 416), image, confidence=0.25, iou=0.45)
            found = tracker.update_with_detections(
                sv.Detections(boxes.xyxy, None, boxes.confidence, boxes.class_id)
            )
            for zone in zones:
                zone.trigger(found)
            frames += 1
        ways: Ways = Counter()
        for line, zone in zip(lines, zones, strict=True):
            ways[line.name, "to_right"], ways[line.name, "to_left"] = zone.in_count, zone.out_count
        return frames, ways

    return run


CONTENDERS: dict[str, Contender] = {
    DECODE: decode,
    SUPERVISION: supervision,
    # All of the picture, with as many pixels as the weights were made for, without any other saving.
    EACH_FRAME: passerby(without=[name for name in NAMES if name != "fit"], each_frame=True),
    PASSERBY: passerby(),
    WITH_MOTION: passerby(f"{NETWORK}+motion"),
    MOTION: passerby("motion"),
    **{name: passerby(without=(name.split()[-1],)) for name in WITHOUT},
}

PROCESSES: dict[str, Contender] = {
    f"{detector}, {jobs} {'process' if jobs == 1 else 'processes'}": passerby(detector, jobs=jobs)
    for detector in ("motion", f"{NETWORK}+motion")
    for jobs in (1, 2)
}
