"""A person's check of a count: every click is on the disk before the server answers it.

Invariant: an interruption loses no click; an invalid click changes nothing.
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
from passerby.domain.geometry import DIRECTIONS, Line
from passerby.domain.labels import Label
from passerby.errors import InputError
from passerby.evaluation import truth_file
from passerby.evaluation.review import LineCheck, line_check, row_length_ms, to_truth
from passerby.evaluation.truth_file import Checking, Click
from passerby.io import files
from passerby.video.scene.time_slice import Streak, TimeSlice, streaks

_IDLE_S = 60.0
"""A longer pause counts as this long: the person was probably away."""
_NEAR_MS = 800
"""A patch of motion belongs to a counted crossing at most this far away in time."""


@dataclass(slots=True)
class CheckSession:
    """The check of `counts`: its lines and time slices, the clicks so far, and the truth file `saved_at`.

    `size_px` is (width, height) of the recording, `spent_s` the time that the person spent."""

    counts: Counts
    lines: tuple[Line, ...]
    slices: tuple[TimeSlice, ...]
    size_px: tuple[int, int]
    fps: float
    saved_at: Path
    clicks: list[Click] = field(default_factory=list)
    spent_s: float = 0.0
    _streaks: tuple[list[Streak], ...] = field(init=False)
    _active_at_s: float | None = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._streaks = tuple(streaks(time_slice) for time_slice in self.slices)

    @property
    def start_ms(self) -> int:
        return self.counts.start_ms

    @property
    def duration_ms(self) -> int:
        return round(self.counts.duration_s * 1000)

    @property
    def row_ms(self) -> int:
        return row_length_ms(self.duration_ms)

    def checks(self) -> dict[str, LineCheck]:
        """The result of the clicks for each line. Raises InputError if they belong to another count."""
        return {
            line.name: line_check(line.name, self.counts.crossings, self.start_ms, self.clicks)
            for line in self.lines
        }

    def note_activity(self) -> None:
        """Add the time since the last activity, at most a minute, to the time spent."""
        now_s = monotonic()
        if self._active_at_s is not None:
            self.spent_s += min(now_s - self._active_at_s, _IDLE_S)
        self._active_at_s = now_s

    def add(self, message: Any) -> None:
        """Add and save the click of a page's message. Raises InputError for an invalid click, OutputError."""
        with self._lock:
            click = self._click(message)
            self.note_activity()
            self._save([*self.clicks, click])

    def undo(self) -> None:
        """Remove the last click, and save. Raises OutputError."""
        with self._lock:
            self.note_activity()
            self._save(self.clicks[:-1])

    def _save(self, clicks: list[Click]) -> None:
        before, self.clicks = self.clicks, clicks
        try:
            files.write(self.saved_at, self.to_text())
        except BaseException:
            self.clicks = before
            raise

    def to_text(self) -> str:
        """The check as the text of a truth file."""
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

    def _click(self, message: Any) -> Click:
        if not isinstance(message, Mapping):
            raise InputError("a click: expected an object")
        line = self.lines[_index(message.get("line"), len(self.lines), "line")].name
        label = message.get("label")
        if label is not None and label not in [known.text for known in Label]:
            raise InputError("a click: expected a known class")
        match message.get("verdict"):
            case "right" | "wrong" | "other" as verdict:
                return self._click_on_mark(message, verdict, line, label)
            case "checked":
                rows = -(-self.duration_ms // self.row_ms)
                row = _index(message.get("row"), rows, "row")
                end_ms = min((row + 1) * self.row_ms, self.duration_ms)
                return Click("checked", line, row * self.row_ms, end_ms)
            case "missed" | "nothing" as verdict:
                return self._click_on_slice(message, verdict, line, label)
            case _:
                raise InputError("a click: expected right, wrong, other, missed, nothing or checked")

    def _click_on_mark(self, message: Mapping[str, Any], verdict: Any, line: str, label: Any) -> Click:
        """A verdict on a counted crossing."""
        of_line = [crossing for crossing in self.counts.crossings if crossing.line == line]
        crossing = of_line[_index(message.get("mark"), len(of_line), "mark")]
        if verdict == "other" and label is None:
            raise InputError("a click: expected a class")
        at_ms = crossing.time_ms - self.start_ms
        true_label = label if verdict == "other" else None
        return Click(verdict, line, at_ms, None, crossing.direction, true_label, crossing.along)

    def _click_on_slice(self, message: Mapping[str, Any], verdict: Any, line: str, label: Any) -> Click:
        """A crossing that was missed at a time and place, or the statement that nothing crossed there."""
        moment, along = _number(message.get("at_ms")), _number(message.get("along"))
        if not 0 <= moment <= self.duration_ms or not 0 <= along <= 1:
            raise InputError("a click: expected a time within the recording and a place on the line")
        at_ms, place = round(moment), round(along, 3)
        if verdict == "nothing":
            return Click("nothing", line, at_ms, None, None, None, place)
        direction = message.get("direction")
        if direction not in DIRECTIONS or label is None:
            raise InputError("a click: expected a direction and a class")
        return Click("missed", line, at_ms, None, direction, label, place)

    def state(self) -> dict[str, Any]:
        """Everything that the page shows, as values for JSON."""
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
                    self._line(line, motion, checks[line.name])
                    for line, motion in zip(self.lines, self._streaks, strict=True)
                ],
            }

    def _line(self, line: Line, motion: Sequence[Streak], check: LineCheck) -> dict[str, Any]:
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
            "streaks": self._unexplained(motion, check),
            "checked": [[span.start_ms, span.end_ms] for span in check.checked],
        }

    def _unexplained(self, motion: Sequence[Streak], check: LineCheck) -> list[dict[str, Any]]:
        """Patches of motion without a counted crossing: these may be missed crossings."""
        marks = [(c.time_ms - self.start_ms, c.along) for c in check.crossings]
        unexplained = []
        for streak in motion:
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
                unexplained.append({**self._at(middle), "along": place, **size})
        return unexplained

    def _at(self, at_ms: int) -> dict[str, Any]:
        return {"at_ms": at_ms, "time": self._time(at_ms), "offset": _offset(at_ms)}

    def _time(self, at_ms: int) -> str:
        """The local time of day at an offset in the file (elapsed time where its clock is not known), with tenths of a
        second unless they are 0."""
        moment = self.counts.time_of(at_ms)
        return moment.strftime("%H:%M:%S") + (
            f".{moment.microsecond // 100_000}" if moment.microsecond else ""
        )


def resume(session: CheckSession) -> None:
    """Load the clicks of an earlier session, if its truth file exists.

    Raises TruthError for an invalid file; InputError for a file of another check, which would be overwritten.
    """
    if not session.saved_at.exists():
        return
    name = Path(session.counts.video).name
    truth = truth_file.load(session.saved_at, look=False)
    if [clip.name for clip in truth.clips] != [name] or truth.clips[0].checking is None:
        raise InputError(
            f"{session.saved_at}: not written by verify for {name}; expected another --truth file, to keep this one"
        )
    clip = truth.clips[0]
    if not _same_lines([true.line for true in clip.lines], session.lines) or clip.size_px != session.size_px:
        raise InputError(
            f"{session.saved_at}: it has other lines; expected the same lines, or another --truth file"
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


def _index(value: Any, count: int, name: str) -> int:
    """An index below `count`. Raises InputError for another value."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < count:
        raise InputError(f"a click: expected the number of a {name}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InputError("a click: expected a number")
    return float(value)


def _offset(at_ms: int) -> str:
    """An offset in the file as players show it, such as 0:01:05.3."""
    tenths = at_ms // 100
    return f"{timedelta(seconds=tenths // 10)}.{tenths % 10}"
