"""One person's check of one count: clicks come in, and each is on the disk before it is answered.

Invariant: an interruption loses nothing that was clicked; what cannot be meant changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import isfinite
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from passerby.counting.counts import Counts
from passerby.domain import calendar
from passerby.domain.geometry import DIRECTIONS, Line
from passerby.domain.labels import Label
from passerby.errors import InputError
from passerby.evaluation import truth_file
from passerby.evaluation.review import LineCheck, line_check, row_length_ms, to_truth
from passerby.evaluation.truth_file import Checking, Click
from passerby.io import files
from passerby.video.scene.time_slice import Streak, TimeSlice, streaks

_IDLE_S = 60.0
"""A pause longer than this is taken for one in which nobody checked; it counts as this long."""
_NEAR_MS = 800


@dataclass(slots=True)
class Session:
    """What is checked, by whom it was counted, where it is saved, and what was clicked so far."""

    counts: Counts
    lines: tuple[Line, ...]
    slices: tuple[TimeSlice, ...]
    size_px: tuple[int, int]
    fps: float
    saved_at: Path
    clicks: list[Click] = field(default_factory=list)
    spent_s: float = 0.0
    _streaks: tuple[list[Streak], ...] = field(init=False)
    _touched: float | None = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._streaks = tuple(streaks(one) for one in self.slices)

    @property
    def start_ms(self) -> int:
        return calendar.to_ms(self.counts.start)

    @property
    def duration_ms(self) -> int:
        return round(self.counts.duration_s * 1000)

    @property
    def row_ms(self) -> int:
        return row_length_ms(self.duration_ms)

    def checks(self) -> dict[str, LineCheck]:
        """What the clicks say of each line. Raises InputError when they are of another count."""
        return {
            line.name: line_check(line.name, self.counts.crossings, self.start_ms, self.clicks)
            for line in self.lines
        }

    def touch(self) -> None:
        """Somebody is at it: the time since the last time this was said is time spent."""
        now = monotonic()
        if self._touched is not None:
            self.spent_s += min(now - self._touched, _IDLE_S)
        self._touched = now

    def add(self, said: Any) -> None:
        """Add and save the click that a page sent. Raises InputError for one that cannot be meant, OutputError."""
        with self._lock:
            click = self._click(said)
            self.touch()
            self._save([*self.clicks, click])

    def undo(self) -> None:
        """Take the last click back, and save."""
        with self._lock:
            self.touch()
            self._save(self.clicks[:-1])

    def _save(self, clicks: list[Click]) -> None:
        before, self.clicks = self.clicks, clicks
        try:
            files.write(self.saved_at, self.to_text())
        except BaseException:
            self.clicks = before
            raise

    def to_text(self) -> str:
        """The truth file."""
        clip = to_truth(
            Path(self.counts.video).name,
            self.size_px,
            self.fps,
            self.duration_ms,
            self.lines,
            self.checks(),
            self.start_ms,
            Checking(self.spent_s, self.counts.detector, tuple(self.clicks)),
        )
        return truth_file.to_text([clip])

    def _click(self, said: Any) -> Click:
        if not isinstance(said, Mapping):
            raise InputError("a click: expected an object")
        verdict, at, name = said.get("verdict"), said.get("line"), said.get("label")
        if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < len(self.lines):
            raise InputError("a click: expected the number of a line")
        line = self.lines[at].name
        if name is not None and name not in [label.text for label in Label]:
            raise InputError("a click: expected a known class")
        if verdict in ("right", "wrong", "other"):
            mine = [crossing for crossing in self.counts.crossings if crossing.line == line]
            mark = said.get("mark")
            if not isinstance(mark, int) or isinstance(mark, bool) or not 0 <= mark < len(mine):
                raise InputError("a click: expected the number of a mark")
            if verdict == "other" and name is None:
                raise InputError("a click: expected a class")
            crossing = mine[mark]
            label = name if verdict == "other" else None
            at_ms = crossing.time_ms - self.start_ms
            return Click(verdict, line, at_ms, None, crossing.direction, label, crossing.along)
        if verdict == "checked":
            row = said.get("row")
            if (
                not isinstance(row, int)
                or isinstance(row, bool)
                or not 0 <= row * self.row_ms < self.duration_ms
            ):
                raise InputError("a click: expected the number of a row")
            return Click("checked", line, row * self.row_ms, min((row + 1) * self.row_ms, self.duration_ms))
        if verdict in ("missed", "nothing"):
            moment, along = _number(said.get("at_ms")), _number(said.get("along"))
            if not 0 <= moment <= self.duration_ms or not 0 <= along <= 1:
                raise InputError("a click: expected a time within the recording and a place on the line")
            when, place = round(moment), round(along, 3)
            if verdict == "nothing":
                return Click("nothing", line, when, None, None, None, place)
            direction = said.get("direction")
            if direction not in DIRECTIONS or name is None:
                raise InputError("a click: expected a direction and a class")
            return Click("missed", line, when, None, direction, name, place)
        raise InputError("a click: expected right, wrong, other, missed, nothing or checked")

    def state(self) -> dict[str, Any]:
        """All that the page shows, as JSON can hold it."""
        with self._lock:
            checks = self.checks()
            return {
                "video": Path(self.counts.video).name,
                "detector": self.counts.detector,
                "saved_at": str(self.saved_at),
                "duration_ms": self.duration_ms,
                "row_ms": self.row_ms,
                "fps": self.fps,
                "labels": [label.text for label in Label],
                "spent_s": round(self.spent_s, 1),
                "clicks": len(self.clicks),
                "rows": [self._time(row * self.row_ms) for row in range(-(-self.duration_ms // self.row_ms))],
                "lines": [
                    self._line(line, found, checks[line.name])
                    for line, found in zip(self.lines, self._streaks, strict=True)
                ],
            }

    def _line(self, line: Line, found: Sequence[Streak], check: LineCheck) -> dict[str, Any]:
        marks = [
            {
                **self._at(c.time_ms - self.start_ms),
                "direction": c.direction,
                "label": c.label.text,
                "along": min(1.0, max(0.0, c.along)),
                "share": round(c.share, 2),
                "verdict": verdict.verdict if verdict else None,
                "true_label": verdict.label if verdict else None,
            }
            for c, verdict in zip(check.crossings, check.verdicts, strict=True)
        ]
        points = [
            {
                **self._at(click.at_ms),
                "verdict": click.verdict,
                "along": click.along,
                "direction": click.direction,
                "label": click.label,
            }
            for click in sorted((*check.missed, *check.nothing), key=lambda click: click.at_ms)
        ]
        return {
            "name": line.name,
            "directions": {direction: line.direction_name(direction) for direction in DIRECTIONS},
            "marks": marks,
            "points": points,
            "streaks": self._unexplained(found, check),
            "checked": [[span.start_ms, span.end_ms] for span in check.checked],
        }

    def _unexplained(self, moved: Sequence[Streak], check: LineCheck) -> list[dict[str, Any]]:
        """Patches of motion that no counted crossing explains: where to look for what was missed."""
        marks = [(c.time_ms - self.start_ms, c.along) for c in check.crossings]
        found = []
        for streak in moved:
            start, end = streak.start_ms - self.start_ms, streak.end_ms - self.start_ms
            explained = any(
                start - _NEAR_MS <= at_ms <= end + _NEAR_MS
                and streak.first - 0.1 <= min(1.0, max(0.0, along)) <= streak.last + 0.1
                for at_ms, along in marks
            )
            if not explained:
                middle = min((start + end) // 2, self.duration_ms)
                place = round((streak.first + streak.last) / 2, 3)
                size = {"start_ms": start, "end_ms": end, "first": streak.first, "last": streak.last}
                found.append({**self._at(middle), "along": place, **size})
        return found

    def _at(self, at_ms: int) -> dict[str, Any]:
        return {"at_ms": at_ms, "time": self._time(at_ms), "offset": _offset(at_ms)}

    def _time(self, at_ms: int) -> str:
        """Time of day at an offset in the file, to a tenth of a second where it is no whole one."""
        moment = calendar.to_local(self.start_ms + at_ms, self.counts.start.tzinfo or calendar.zone_of(None))
        return moment.strftime("%H:%M:%S") + (
            f".{moment.microsecond // 100_000}" if moment.microsecond else ""
        )


def resume(session: Session) -> None:
    """Take up the clicks that an earlier session saved, where it did.

    Raises TruthError for a file that is none; InputError for one that is of something else, which would be lost.
    """
    if not session.saved_at.exists():
        return
    name = Path(session.counts.video).name
    found = truth_file.load(session.saved_at, look=False)
    if [clip.name for clip in found.clips] != [name] or found.clips[0].checking is None:
        raise InputError(
            f"{session.saved_at}: not written by verify for {name}; expected another --truth file, to keep this one"
        )
    clip = found.clips[0]
    if not _same_lines([true.line for true in clip.lines], session.lines) or clip.size_px != session.size_px:
        raise InputError(
            f"{session.saved_at}: it is of other lines; expected the same lines, or another --truth file"
        )
    session.clicks = list(clip.checking.clicks) if clip.checking else []
    session.spent_s = clip.checking.spent_s if clip.checking else 0.0
    try:
        session.checks()
    except InputError as error:
        raise InputError(f"{session.saved_at}: {error}") from None


def _same_lines(a: Sequence[Line], b: Sequence[Line]) -> bool:
    def ends(line: Line) -> tuple[object, ...]:
        return line.name, line.anchor, *(round(value, 4) for value in (*line.start, *line.end))

    return [ends(line) for line in a] == [ends(line) for line in b]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InputError("a click: expected a number")
    return float(value)


def _offset(at_ms: int) -> str:
    """Such as 0:01:05.3, as players show it."""
    tenths = at_ms // 100
    return f"{timedelta(seconds=tenths // 10)}.{tenths % 10}"
