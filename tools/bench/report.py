"""What was measured, as the tables of docs/explanation/speed.md, between their markers; goals stand beside.

Invariant: numbers in, text out; a figure that was not measured is told as such.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from tools.bench import contenders as who

from passerby.io import files

TABLES = Path(__file__).parents[2] / "docs/explanation/speed.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"
BEGIN_PROCESSES, END_PROCESSES = "<!-- processes -->\n", "<!-- /processes -->\n"
PROCESSES, CLUSTER = "one recording, processes", "many recordings, Ray"

Runs = dict[str, list[dict[str, Any]]]
"""By contender (or detector): what each of its runs answered."""
Rows = dict[str, Runs]
"""By recording."""


def write(rows: Rows, starts: Runs, to: Path = TABLES) -> None:
    _put(to, BEGIN, END, [*goals(rows, starts), *tables(rows), *_starts(starts)])


def write_processes(rows: Rows, to: Path = TABLES) -> None:
    _put(to, BEGIN_PROCESSES, END_PROCESSES, processes(rows))


def _put(to: Path, begin: str, end: str, lines: Iterable[str]) -> None:
    before, _, rest = to.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    told = "\n".join(lines)
    files.write(to, f"{before}{begin}{told}\n{end}{after}")


def goals(rows: Rows, starts: Runs) -> Iterator[str]:
    yield "### Goals\n"
    yield "| | goal | measured |"
    yield "|---|---|---|"
    for traffic, goal in (("quiet", "0.9"), ("mixed", "1.0"), ("dense", "1.3")):
        both = _against(rows, f"street-{traffic}-1080", who.DECODE)
        yield f"| 1080p, {traffic}: CPU relative to plain decode | {goal} | {both} |"
    both = _against(rows, "street-mixed-1080", who.SUPERVISION, fewer=True)
    yield f"| 1080p, mixed: times less CPU than supervision | 6 | {both} |"
    both = _against(rows, "street-mixed-360", who.DECODE)
    yield f"| 640x360, mixed: CPU relative to plain decode | 2 | {both} |"
    both = _against(rows, "street-mixed-360", who.EACH_FRAME, fewer=True)
    yield f"| 640x360, mixed: times less CPU than every frame | 20 | {both} |"
    waits = [
        f"{name} {median(r['cpu_s'] for r in runs):.1f} s of CPU ({median(r['wall_s'] for r in runs):.1f} s)"
        for name, runs in starts.items()
    ]
    told = ", ".join(waits) or "not measured"
    yield f"| start of `passerby count` to the first frame analysed | 1.0 s | {told} |"
    yield ""


def tables(rows: Rows) -> Iterator[str]:
    for recording, of in rows.items():
        yield f"### {recording}\n"
        yield (
            "| | frames per CPU-second | CPU relative to plain decode | "
            "times less CPU than supervision | than every frame | wrong | peak MB |"
        )
        yield "|---|---|---|---|---|---|---|"
        for name in sorted(of, key=list(who.CONTENDERS).index):
            yield _row(name, of)
        yield ""


def processes(rows: Rows) -> Iterator[str]:
    """Two against one: by the clock, and what the CPU time that they took allows at most, on cores that are free."""
    yield "| | goal | speed-up by wall time | limit by CPU time | load |"
    yield "|---|---|---|---|---|"
    for what, goal in ((PROCESSES, "1.9"), (CLUSTER, "1.8")):
        of = rows.get(what, {})
        for one, two in zip(list(of)[::2], list(of)[1::2], strict=True):
            clock = _median(of[one], "wall_s") / _median(of[two], "wall_s")
            most = 2 * _median(of[one], "cpu_s") / _median(of[two], "cpu_s")
            loads = [run["load"] for run in (*of[one], *of[two])]
            load = f"{min(loads):.1f} to {max(loads):.1f}"
            yield f"| {what}: {two} against {one} | {goal} | {clock:.2f} | {most:.2f} | {load} |"
        if not of:
            yield f"| {what} | {goal} | not measured | | |"
    yield ""
    yield "| | CPU s | wall s | peak MB of a worker |"
    yield "|---|---|---|---|"
    for what in (PROCESSES, CLUSTER):
        for name, runs in rows.get(what, {}).items():
            worker_mb = max(run.get("worker_mb", 0) for run in runs)
            told = f"{worker_mb:.0f}" if worker_mb else ""
            yield f"| {what}: {name} | {_median(runs, 'cpu_s'):.0f} | {_median(runs, 'wall_s'):.0f} | {told} |"
    yield ""


def _median(runs: list[dict[str, Any]], key: str) -> float:
    return float(median(run[key] for run in runs))


def _row(name: str, of: Runs) -> str:
    runs = of[name]
    cost_s = _cost_s(of, name)
    assert cost_s is not None
    decode_s = _cost_s(of, who.DECODE)
    cells = [f"{runs[0]['frames'] / cost_s:.0f}", "" if decode_s is None else f"{cost_s / decode_s:.2f}"]
    for other in (who.SUPERVISION, who.EACH_FRAME):
        other_s = _cost_s(of, other)
        cells.append("" if other_s is None or name == who.DECODE else f"{other_s / cost_s:.1f}")
    cells.append("" if runs[0]["wrong"] is None else f"{runs[0]['wrong']} of {runs[0]['of']}")
    cells.append(f"{median(run['peak_mb'] for run in runs):.0f}")
    return f"| {name} | {' | '.join(cells)} |"


def _starts(starts: Runs) -> Iterator[str]:
    if not starts:
        return
    yield "### From the start of `passerby count` to the first frame analysed\n"
    yield "| detector | CPU s | wall s |"
    yield "|---|---|---|"
    for name, runs in starts.items():
        cells = [f"{median(run[key] for run in runs):.2f}" for key in ("cpu_s", "wall_s")]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _against(rows: Rows, recording: str, other: str, *, fewer: bool = False) -> str:
    """Of the network alone, and of the network with motion; the other's CPU is divided by theirs where `fewer`."""
    of = rows.get(recording, {})
    base_s = _cost_s(of, other)
    told = []
    for name in (who.PASSERBY, who.WITH_MOTION):
        cost_s = _cost_s(of, name)
        if base_s is not None and cost_s is not None:
            ratio = base_s / cost_s if fewer else cost_s / base_s
            told.append(f"{ratio:.1f}" if fewer else f"{ratio:.2f}")
    return ", with motion ".join(told) if len(told) == 2 else "".join(told) or "not measured"


def _cost_s(of: Runs, name: str) -> float | None:
    return median(run["cpu_s"] for run in of[name]) if name in of else None
