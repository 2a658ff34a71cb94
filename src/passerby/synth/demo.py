"""`passerby demo`: a synthetic street is counted, and a page shows the counts beside the truth.

Invariant: counts as `passerby count` does, with the detector that needs no weights; the truth is only compared.
"""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from passerby import synth
from passerby.errors import InputError, OutputError
from passerby.io import files, tables
from passerby.recordings.counter import Counter as RecordingCounter
from passerby.recordings.progress import Progress as CountProgress

DURATION_S = 90.0
BIN_MS = 10_000
"""The length of a bar on the page: the street is too short for bins of 15 minutes."""
RATES = synth.Rates(people=600, cyclists=240, vehicles=600)
"""Per hour: enough of each class to appear within a minute."""
_LONGEST_S = 3_600.0
_PAGE = Path(__file__).with_name("demo.html.jinja")
_PARTS = (
    "video",
    "start",
    "start_from",
    "duration_s",
    "frames",
    "detector",
    "bins",
    "totals",
    "cost",
    "warnings",
)

Progress = Callable[[str, float], None]
"""Called with the name of the current step and its progress, 0..1."""


class Row(NamedTuple):
    """True and counted crossings of a line, direction and label."""

    line: str
    direction: str
    label: str
    true: int
    counted: int

    @property
    def movement(self) -> str:
        return f"{self.line} {self.direction}"

    @property
    def missed(self) -> int:
        return max(0, self.true - self.counted)

    @property
    def over(self) -> int:
        return max(0, self.counted - self.true)


class Bar(NamedTuple):
    """True and counted crossings of a line and direction in a bin, all labels together; `start` such as 08:00:10."""

    start: str
    true: int
    counted: int


class Series(NamedTuple):
    line: str
    direction: str
    bars: tuple[Bar, ...]

    @property
    def movement(self) -> str:
        return f"{self.line} {self.direction}"

    @property
    def busy(self) -> bool:
        return any(bar.true or bar.counted for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Demo:
    """Counts beside the truth. `accuracy` = (true - missed - over) / true over all rows, None if nothing crossed;
    `speed` is a multiple of real time; `page` is the page to open."""

    rows: tuple[Row, ...]
    series: tuple[Series, ...]
    duration_s: float
    wall_s: float
    page: Path

    @property
    def true(self) -> int:
        return sum(row.true for row in self.rows)

    @property
    def counted(self) -> int:
        return sum(row.counted for row in self.rows)

    @property
    def missed(self) -> int:
        return sum(row.missed for row in self.rows)

    @property
    def over(self) -> int:
        return sum(row.over for row in self.rows)

    @property
    def accuracy(self) -> float | None:
        return (self.true - self.missed - self.over) / self.true if self.true else None

    @property
    def accuracy_any(self) -> float | None:
        """Accuracy by line and direction, with all labels added."""
        true, counted = Counter[str](), Counter[str]()
        for row in self.rows:
            true[row.movement] += row.true
            counted[row.movement] += row.counted
        wrong = sum(abs(true[movement] - counted[movement]) for movement in true)
        return (self.true - wrong) / self.true if self.true else None

    @property
    def speed(self) -> float:
        return self.duration_s / max(self.wall_s, 1e-6)


def run(
    out: Path, *, seed: int = 1, duration_s: float = DURATION_S, on_progress: Progress | None = None
) -> Demo:
    """Make a street of `duration_s` seconds, count it, and write its files into the folder `out`.

    The files are street.mp4, truth.yaml, counts.json, counts.csv, picture.png and index.html; existing files of these
    names are replaced. Raises InputError for a wrong seed or duration, OutputError if a file cannot be written.
    """
    if not 1 <= duration_s <= _LONGEST_S:
        raise InputError(f"duration {duration_s:g} s: expected 1 to {_LONGEST_S:g} s")
    street = synth.Street(seed=seed, duration_s=duration_s, density=RATES)
    _prepare(out)
    video, picture = out / "street.mp4", out / "picture.png"

    def on_drawn(done: int, total: int) -> None:
        if on_progress:
            on_progress("making the street", done / total)

    def on_counted(progress: CountProgress) -> None:
        if on_progress and progress.total_ms:
            on_progress("counting", min(1.0, progress.done_ms / progress.total_ms))

    crossed = synth.write(street, video, on_drawn)
    synth.write_truth(street, video, out / "truth.yaml")
    counts = RecordingCounter(synth.lines(street), "motion").count(
        video, timezone="UTC", bin_ms=BIN_MS, picture=picture, progress=on_counted
    )
    bins = [
        (row.line, row.direction, row.start, row.count)
        for row in counts.bins
        if isinstance(row.start, datetime)  # and not elapsed time: the street has a date
    ]
    series = _series(crossed, bins)
    counted = Counter({(row.line, row.direction, row.label): row.count for row in counts.totals if row.count})
    demo = Demo(
        rows=_rows(crossed, counted, [(shown.line, shown.direction) for shown in series]),
        series=series,
        duration_s=counts.duration_s,
        wall_s=counts.cost.wall_s,
        page=out / "index.html",
    )
    document = {part: getattr(counts, part) for part in _PARTS}
    for part in ("bins", "totals"):
        # `label` is the old name of `class`, kept for one version as in `passerby count`.
        document[part] = [{**tables.mapping_of(row), "class": row.label} for row in document[part]]
    files.write(out / "counts.json", tables.to_json(document))
    counts.to_csv(out / "counts.csv")
    image = base64.b64encode(picture.read_bytes()).decode()
    files.write(demo.page, page(demo, image, counts.detector, counts.frames, seed))
    return demo


def _rows(
    crossed: Sequence[synth.TrueCrossing],
    counted: Counter[tuple[str, str, str]],
    movements: Sequence[tuple[str, str]],
) -> tuple[Row, ...]:
    """True and counted crossings by (line, direction, label), in the order of `movements`."""
    true = Counter[tuple[str, str, str]]((c.line, c.direction, c.label.text) for c in crossed)
    keys = sorted({*true, *counted}, key=lambda key: (movements.index(key[:2]), key[2]))
    return tuple(Row(*key, true[key], counted[key]) for key in keys)


def _series(
    crossed: Sequence[synth.TrueCrossing], bins: Sequence[tuple[str, str, datetime, int]]
) -> tuple[Series, ...]:
    """The bars of each line and direction, from `bins` of (line, direction, start, count)."""
    true = Counter[tuple[str, str, int]]((c.line, c.direction, c.time_ms // BIN_MS) for c in crossed)
    bars: dict[tuple[str, str], dict[int, Bar]] = {}
    for line, direction, start, count in bins:
        number = round(start.timestamp() * 1000) // BIN_MS
        of_movement = bars.setdefault((line, direction), {})
        before = of_movement.get(number)
        of_movement[number] = Bar(
            f"{start:%H:%M:%S}", true[line, direction, number], count + (before.counted if before else 0)
        )
    return tuple(Series(*movement, tuple(by_bin.values())) for movement, by_bin in bars.items())


def page(demo: Demo, picture: str, detector: str, frames: int, seed: int) -> str:
    """The page as HTML; it needs no other file than the video. `picture` is a PNG in base64."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_PAGE.read_text(encoding="utf-8"))
    most = max((max(bar.true, bar.counted) for series in demo.series for bar in series.bars), default=0)
    return template.render(
        demo=demo,
        picture=picture,
        detector=detector,
        frames=frames,
        seed=seed,
        most=max(1, most),
        bin_s=BIN_MS // 1000,
    )


def _prepare(out: Path) -> None:
    """Make the folder. Raises OutputError, before the long work, if its files cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: could not be made: {error.strerror or error}") from error
    for name in ("street.mp4", "truth.yaml", "counts.json", "counts.csv", "picture.png", "index.html"):
        files.check_writable(out / name)
