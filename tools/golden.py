"""Show that counting has not changed: count known recordings again and compare every crossing with a golden file.

    python -m tools.golden                    # check: count all again, report every difference, exit with 1 if any
    python -m tools.golden --write            # write tests/golden/crossings.jsonl anew (needs ../shared)
    python -m tools.golden --only pavement --detector motion --detector auto --jobs 2

The golden file has a summary line for each recording and detector, then a line for each crossing, in the order in
which they are counted. Times are ms since the start of the recording, and numbers are written in full, so two
counts are equal exactly when their lines are.

Invariant: only public names are used (`passerby.count`, `passerby.Line`, `passerby.synth`), so the same script checks
a checkout whose modules have moved.
"""

import argparse
import hashlib
import json
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from passerby import Line, PasserbyError, count, synth

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "crossings.jsonl"
SHARED = ROOT.parent / "shared"
CLIPS, MODELS = SHARED / "clips", SHARED / "models"

DETECTORS = ("auto", "best", "motion", "person-vehicle-bike-detection-2002")
STREETS: Mapping[str, synth.Street] = {
    "street-short": synth.Street(seed=71, duration_s=20, width=320, height=180, fps=12.5, density="dense"),
    "street-light-day": synth.Street(
        seed=72, duration_s=60, width=640, height=360, fps=12.5, density="light"
    ),
    "street-mixed": synth.Street(seed=73, duration_s=50, width=640, height=360, fps=12.5, density="mixed"),
    "street-dense": synth.Street(seed=74, duration_s=40, width=640, height=360, fps=12.5, density="dense"),
    "street-night-rain": synth.Street(
        seed=75, duration_s=45, width=640, height=360, fps=12.5, contrast=0.3, rain=0.5, noise=6.0
    ),
}
"""The first is short enough for a test that has no model."""

MOST_SHIFTED_MS = 1000
"""Up to this far apart, two crossings of a line in one direction are reported as one crossing that changed."""

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """A video file, the lines to count at, and the SHA-256 of the file's bytes."""

    name: str
    path: Path
    lines: tuple[Line, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Section:
    """What the golden file has of one recording and one detector: its summary and its crossings, a line each."""

    summary: Entry
    crossings: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return f"{self.summary['recording']}, {self.summary['detector']}"

    def to_text(self) -> str:
        return "".join(f"{_json(entry)}\n" for entry in (self.summary, *self.crossings))


def drawn(name: str, folder: Path) -> Recording:
    """Draw a synthetic street into `folder`."""
    street, path = STREETS[name], folder / f"{name}.mp4"
    synth.write(street, path)
    return Recording(name, path, tuple(synth.lines(street)), _sha256(path.read_bytes()))


def clips(folder: Path) -> tuple[Recording, ...]:
    """The clips of `folder` with the lines of its truth file; none where there is no such file."""
    if not (folder / "truth.yaml").is_file():
        return ()
    listed = YAML(typ="safe").load((folder / "truth.yaml").read_text(encoding="utf-8"))
    return tuple(_clip(folder / name, entry) for name, entry in listed.items())


def _clip(path: Path, entry: Entry) -> Recording:
    width, height = entry["size"]
    lines = tuple(
        Line(
            name=name,
            start=(line["from"][0] / width, line["from"][1] / height),
            end=(line["to"][0] / width, line["to"][1] / height),
            anchor=line.get("anchor", "bottom"),
        )
        for name, line in entry["lines"].items()
    )
    return Recording(path.name, path, lines, _sha256(path.read_bytes()))


def counted(recording: Recording, detector: str, models: Path = MODELS) -> Section:
    """Count one recording with one detector."""
    counts = count(recording.path, recording.lines, detector=detector, model_dir=models)
    # A recording without a date begins at a made-up instant, which says nothing about counting.
    start_ms = counts.start_ms
    entries = tuple(
        {
            "time_ms": crossing.time_ms - start_ms,
            "line": crossing.line,
            "direction": crossing.direction,
            "label": crossing.label.name.lower(),
            "along": float(crossing.along),
            "share": float(crossing.share),
        }
        for crossing in counts.crossings
    )
    summary = {
        "recording": recording.name,
        "detector": detector,
        "crossings": len(entries),
        "sha256": _sha256("".join(f"{_json(entry)}\n" for entry in entries).encode()),
        "video_sha256": recording.sha256,
    }
    return Section(summary, entries)


def read(path: Path = GOLDEN) -> tuple[Section, ...]:
    """The sections of a golden file. Raises ValueError for a file in which a section is not complete."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    sections = []
    for summary in lines:
        entries = tuple(entry for _, entry in zip(range(summary["crossings"]), lines, strict=False))
        text = "".join(f"{_json(entry)}\n" for entry in entries)
        if _sha256(text.encode()) != summary["sha256"]:
            raise ValueError(
                f"{path}: {summary['recording']}, {summary['detector']}: the crossings do not match their sha256"
            )
        sections.append(Section(summary, entries))
    return tuple(sections)


def differences(expected: Section, actual: Section) -> Iterator[str]:
    """Every crossing that is gone, new or changed, a line each; nothing where the two are equal."""
    if expected == actual:
        return
    if expected.summary["video_sha256"] != actual.summary["video_sha256"]:
        yield f"{expected.name}: the video file has other bytes than when the golden file was written"
    gone, new = list(expected.crossings), []
    for crossing in actual.crossings:
        if crossing in gone:
            gone.remove(crossing)
        else:
            new.append(crossing)
    if not gone and not new and expected.crossings != actual.crossings:
        yield f"{expected.name}: the same crossings are in another order"
    for crossing in gone:
        if (nearest := _nearest(crossing, new)) is None:
            yield f"{expected.name}: gone: {_shown(crossing)}"
        else:
            new.remove(nearest)
            changes = (
                f"{key} {crossing[key]!r} -> {nearest[key]!r}"
                for key in crossing
                if crossing[key] != nearest[key]
            )
            yield f"{expected.name}: changed: {_shown(crossing)}: {', '.join(changes)}"
    for crossing in new:
        yield f"{expected.name}: new: {_shown(crossing)}"


def _nearest(crossing: Entry, candidates: Iterable[Entry]) -> Entry | None:
    def distance(candidate: Entry) -> tuple[bool, int]:
        return candidate["label"] != crossing["label"], abs(candidate["time_ms"] - crossing["time_ms"])

    near = [
        candidate
        for candidate in candidates
        if (candidate["line"], candidate["direction"]) == (crossing["line"], crossing["direction"])
        and abs(candidate["time_ms"] - crossing["time_ms"]) <= MOST_SHIFTED_MS
    ]
    return min(near, key=distance, default=None)


def _shown(crossing: Entry) -> str:
    return (
        f"{crossing['time_ms'] / 1000:.3f} s {crossing['line']} {crossing['direction']} {crossing['label']}"
    )


def _json(entry: Entry) -> str:
    return json.dumps(entry, sort_keys=True, allow_nan=False)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare with the golden file (the default)")
    action.add_argument("--write", action="store_true", help="write the golden file anew")
    parser.add_argument("--only", metavar="TEXT", default="", help="only recordings whose name contains TEXT")
    parser.add_argument(
        "--detector", action="append", choices=DETECTORS, help="only this detector; may be repeated"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="count on N processes")
    parser.add_argument("--clips", type=Path, default=CLIPS, metavar="FOLDER")
    parser.add_argument("--models", type=Path, default=MODELS, metavar="FOLDER")
    parser.add_argument("--golden", type=Path, default=GOLDEN, metavar="FILE", help="the golden file")
    parser.add_argument("--folder", type=Path, help="keep the synthetic streets in this folder")
    options = parser.parse_args()
    if options.write and options.golden == GOLDEN and (options.only or options.detector):
        parser.error(
            "--write with --only or --detector would drop the rest: expected --golden FILE with them"
        )
    with TemporaryDirectory(prefix="passerby-golden-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            sys.exit(_run(options, folder))
        except PasserbyError as error:
            sys.exit(f"golden: {error}")


def _run(options: argparse.Namespace, folder: Path) -> int:
    finish = _write if options.write else _check
    if options.jobs == 1:
        return finish(options, _counted(options, folder, map))
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as executor:
        return finish(options, _counted(options, folder, executor.map))


def _counted(
    options: argparse.Namespace, folder: Path, each: Callable[..., Iterable[Any]]
) -> Iterator[Section]:
    names = [name for name in STREETS if options.only in name]
    recordings = [clip for clip in clips(options.clips) if options.only in clip.name]
    recordings += each(partial(drawn, folder=folder), names)
    pairs = [(recording, detector) for recording in recordings for detector in _detectors(options)]
    if pairs:
        yield from each(partial(counted, models=options.models), *zip(*pairs, strict=True))


def _detectors(options: argparse.Namespace) -> Sequence[str]:
    return options.detector or DETECTORS


def _write(options: argparse.Namespace, sections: Iterable[Section]) -> int:
    texts = []
    for section in sections:
        print(f"{section.name}: {section.summary['crossings']} crossings", flush=True)
        texts.append(section.to_text())
    options.golden.write_text("".join(texts), encoding="utf-8")
    return 0


def _check(options: argparse.Namespace, sections: Iterable[Section]) -> int:
    golden = {
        section.name: section
        for section in read(options.golden)
        if options.only in section.summary["recording"] and section.summary["detector"] in _detectors(options)
    }
    compared = different = 0
    for section in sections:
        compared += 1
        expected = golden.pop(section.name, None)
        if expected is None:
            problems = [f"{section.name}: not in {options.golden}"]
        else:
            problems = list(differences(expected, section))
        different += bool(problems)
        print(
            "\n".join(problems) or f"{section.name}: {section.summary['crossings']} crossings, equal",
            flush=True,
        )
    for name in golden:
        print(f"{name}: not counted, the recording is not there")
    print(f"{compared} counts compared, {different} different, {len(golden)} not counted")
    return 1 if different or golden or not compared else 0


if __name__ == "__main__":
    main()
