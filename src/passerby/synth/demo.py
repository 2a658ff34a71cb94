"""A made-up street of exactly known truth, counted, and a page that shows counted beside true.

Invariant: counts as `passerby count` does, with the detector that needs no weights; the truth is only compared with.
"""

import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
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
"""Length of a bar of the page: the street is too short for quarter-hours."""
RATES = synth.Rates(people=600, cyclists=240, vehicles=600)
"""Per hour: enough of each to see all of them within the minute."""
_LONGEST_S = 3_600.0
_PAGE = Path(__file__).with_name("demo.html.jinja")
_COLUMNS = ("start", "end", "line", "direction", "label", "count", "coverage")
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
"""Told what is being done, and its share in 0..1."""


class Row(NamedTuple):
    """What truly crossed one line in one direction with one label, and what was counted."""

    line: str
    direction: str
    label: str
    true: int
    counted: int

    @property
    def where(self) -> str:
        return f"{self.line} {self.direction}"

    @property
    def missed(self) -> int:
        return max(0, self.true - self.counted)

    @property
    def over(self) -> int:
        return max(0, self.counted - self.true)


class Bar(NamedTuple):
    """What crossed between two times of a line and direction, all labels together; `start` such as 08:00:10."""

    start: str
    true: int
    counted: int


class Series(NamedTuple):
    line: str
    direction: str
    bars: tuple[Bar, ...]

    @property
    def where(self) -> str:
        return f"{self.line} {self.direction}"

    @property
    def busy(self) -> bool:
        return any(bar.true or bar.counted for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Demo:
    """What was counted beside what is true. `accuracy` = (true - missed - over) / true over all rows, None
    where nothing crossed; `speed` is a multiple of real time; `page` is what to open."""

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
        """The same where only line and direction matter, and not the label."""
        true, counted = Counter[str](), Counter[str]()
        for row in self.rows:
            true[row.where] += row.true
            counted[row.where] += row.counted
        wrong = sum(abs(true[where] - counted[where]) for where in true)
        return (self.true - wrong) / self.true if self.true else None

    @property
    def speed(self) -> float:
        return self.duration_s / max(self.wall_s, 1e-6)


def run(
    out: Path, *, seed: int = 1, duration_s: float = DURATION_S, on_progress: Progress | None = None
) -> Demo:
    """Make a street of `duration_s` seconds, count it and write into the folder `out`: street.mp4, truth.yaml,
    counts.json, counts.csv, picture.png and index.html. Files of these names are replaced.

    Raises InputError for a seed or a duration that cannot be meant, OutputError where nothing can be written.
    """
    if not 1 <= duration_s <= _LONGEST_S:
        raise InputError(f"duration {duration_s:g} s: expected 1 to {_LONGEST_S:g} s")
    street = synth.Street(seed=seed, duration_s=duration_s, density=RATES)
    _prepare(out)
    video, picture = out / "street.mp4", out / "picture.png"

    def drawn(done: int, total: int) -> None:
        if on_progress:
            on_progress("making the street", done / total)

    def seen(progress: CountProgress) -> None:
        if on_progress and progress.total_ms:
            on_progress("counting", min(1.0, progress.done_ms / progress.total_ms))

    crossed = synth.write(street, video, drawn)
    synth.write_truth(street, video, out / "truth.yaml")
    counts = RecordingCounter(synth.lines(street), "motion").count(
        video, timezone="UTC", bin_ms=BIN_MS, picture=picture, progress=seen
    )
    true: Counter[tuple[str, str, str]] = Counter()
    for c in crossed:
        true[c.line, c.direction, c.label.text] += 1
    counted = Counter({(t.line, t.direction, t.label): t.count for t in counts.totals if t.count})
    true_in: Counter[tuple[str, str, int]] = Counter()
    for c in crossed:
        true_in[c.line, c.direction, c.time_ms // BIN_MS] += 1
    bars: dict[tuple[str, str], dict[int, Bar]] = {}
    for one in counts.bins:
        number = round(one.start.timestamp() * 1000) // BIN_MS
        shown = bars.setdefault((one.line, one.direction), {})
        before = shown.get(number)
        shown[number] = Bar(
            f"{one.start:%H:%M:%S}",
            true_in[one.line, one.direction, number],
            one.count + (before.counted if before else 0),
        )
    places = list(bars)
    met = sorted({*true, *counted}, key=lambda key: (places.index(key[:2]), key[2]))
    demo = Demo(
        rows=tuple(Row(*key, true[key], counted[key]) for key in met),
        series=tuple(Series(*key, tuple(shown.values())) for key, shown in bars.items()),
        duration_s=counts.duration_s,
        wall_s=counts.cost.wall_s,
        page=out / "index.html",
    )
    files.write(out / "counts.json", tables.to_json({part: getattr(counts, part) for part in _PARTS}))
    files.write(out / "counts.csv", tables.to_csv(counts.bins, _COLUMNS))
    image = base64.b64encode(picture.read_bytes()).decode()
    files.write(demo.page, page(demo, image, counts.detector, counts.frames, seed))
    return demo


def page(demo: Demo, picture: str, detector: str, frames: int, seed: int) -> str:
    """The page as HTML: needs no other file but the video; `picture` is a PNG in base64."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_PAGE.read_text(encoding="utf-8"))
    most = max((max(bar.true, bar.counted) for one in demo.series for bar in one.bars), default=0)
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
    """Make the folder, and find out before the long work whether its files can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: could not be made: {error.strerror or error}") from error
    for name in ("street.mp4", "truth.yaml", "counts.json", "counts.csv", "picture.png", "index.html"):
        files.check_writable(out / name)
