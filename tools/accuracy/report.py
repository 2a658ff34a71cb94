"""What was measured, as the tables of docs/explanation/accuracy.md, between their markers.

Invariant: numbers in, text out; a part that was not measured stays as it was.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.accuracy.left_out import LeftOut
from tools.accuracy.streets import SETTINGS, TITLES, Point, Result

from passerby.evaluation.score import Evaluation
from passerby.io import files

DOCUMENT = Path(__file__).parents[2] / "docs/explanation/accuracy.md"
_HEADS = (
    "",
    "detector",
    "true",
    "missed",
    "over",
    "by class",
    "each seed",
    "missed, any class",
    "over, any class",
    "any class",
)
Measured = dict[str, dict[Point, Result]]
"""By detector."""


def write(part: str, lines: Iterable[str], to: Path = DOCUMENT) -> None:
    """Put `lines` between the markers of `part`."""
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->\n"
    before, _, rest = to.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    files.write(to, f"{before}{begin}" + "\n".join(lines) + f"\n{end}{after}")


def clips(told: dict[str, Evaluation]) -> Iterator[str]:
    names = [clip.clip for clip in next(iter(told.values())).clips]
    short = (name.rpartition(".")[0] or name for name in names)
    yield "| `--detector` | " + " | ".join(short) + " | missed | over | all |"
    yield "|---" * (len(names) + 4) + "|"
    for detector, one in sorted(told.items(), key=lambda item: -(item[1].accuracy or 0)):
        each = " | ".join(_share(clip.summary.accuracy) for clip in one.clips)
        summary = one.summary
        yield f"| {detector} | {each} | {summary.missed} | {summary.over} | **{summary.accuracy:.3f}** |"


def left_out(measured: Iterable[LeftOut]) -> Iterator[str]:
    yield "| `--detector` | by class, left out | by class, seen | any class | scenes below 0.8, left out |"
    yield "|---|---|---|---|---|"
    for one in measured:
        low = ", ".join(
            f"{name.rpartition('.')[0]} {accuracy:.2f}" for name, accuracy in one.scenes if accuracy < 0.8
        )
        yield (
            f"| {one.detector} | **{one.by_class:.3f}** | {one.seen:.3f} | {one.any_class:.3f} | {low or 'none'} |"
        )


def _share(accuracy: float | None) -> str:
    return "none crossed" if accuracy is None else f"{accuracy:.2f}"


def streets(measured: Measured) -> Iterator[str]:
    for curve, values in SETTINGS.items():
        yield f"\n### By {TITLES[curve]}\n"
        yield "| " + " | ".join(_HEADS) + " |"
        yield "|---" * len(_HEADS) + "|"
        for value in values:
            for detector, results in measured.items():
                found = [r for p, r in results.items() if p.curve == curve and p.value == value]
                if found:
                    yield f"| {value} | {detector} | {_row(found)} |"


def _row(found: list[Result]) -> str:
    whole = total(found)
    each = " to ".join(f"{x:.2f}" for x in sorted({round(by_class(one), 2) for one in found}))
    return " | ".join(
        (
            f"{whole.true} | {whole.missed} | {whole.over}",
            f"**{by_class(whole):.2f}** | {each}",
            f"{whole.missed_alike} | {whole.over_alike} | {alike(whole):.2f}",
        )
    )


def total(found: Iterable[Result]) -> Result:
    listed = list(found)
    return Result(
        sum(r.true for r in listed),
        sum(r.missed for r in listed),
        sum(r.over for r in listed),
        sum(r.missed_alike for r in listed),
        sum(r.over_alike for r in listed),
    )


def by_class(one: Result) -> float:
    return 1 - (one.missed + one.over) / max(1, one.true)


def alike(one: Result) -> float:
    return 1 - (one.missed_alike + one.over_alike) / max(1, one.true)
