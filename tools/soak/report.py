"""A soak in words and tables, for docs/explanation/soak.md.

Invariant: says what was found, with what was expected beside it; nothing is left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.soak import findings
from tools.soak.findings import CameraFound


@dataclass(frozen=True, slots=True)
class Soaked:
    """One run: `seconds` it took, `cores` that the site, and the servers beside it, kept busy in the mean; memory in
    MiB; `noticed_s` the median and the longest time until an outage was told, `recovery_s` until a camera was read
    after its server was back."""

    seconds: float
    seed: int
    bins: int
    numbers: int
    lost: int
    doubled: int
    killed: int
    stalled: int
    processes: int
    site_cores: float
    server_cores: float
    memory_first: float
    memory_last: float
    grown: float
    files_first: int
    files_last: int
    noticed_s: tuple[float, float]
    recovery_s: tuple[float, float]
    stop_s: float
    log_lines: int
    ledger: str
    cameras: tuple[CameraFound, ...]
    problems: tuple[str, ...]


def text(soaked: Soaked) -> str:
    """Markdown: what was found of the site, and of each camera."""
    return "\n".join([*_site(soaked), "", of_cameras(soaked.cameras), ""])


def of_cameras(cameras: Sequence[CameraFound]) -> str:
    return "\n".join(_cameras(cameras))


def _site(one: Soaked) -> Iterator[str]:
    cameras = one.cameras
    every = findings.together(cameras)
    widest = max(abs(camera.published - camera.implied) for camera in cameras)
    median_s, longest_s = one.recovery_s
    yield "| what | found | expected |"
    yield "|---|---|---|"
    yield f"| duration | {one.seconds / 60:.1f} minutes, {one.bins} bins, seed {one.seed} | |"
    yield f"| faults of {len(cameras)} servers | killed {one.killed} times, stalled {one.stalled} times | |"
    yield f"| numbers published | {one.numbers}; {one.lost} lost, {one.doubled} doubled | none lost, none doubled |"
    yield (
        f"| memory of all {one.processes} processes | {one.memory_first:.0f} MiB after the warm-up, "
        f"{one.memory_last:.0f} MiB at the end: {one.grown:+.1%} | at most {findings.GROWTH:+.0%} |"
    )
    yield f"| open files | {one.files_first}, then {one.files_last} | |"
    yield f"| CPU | the site {one.site_cores:.2f} cores, the servers {one.server_cores:.2f} | |"
    yield (
        f"| coverage, largest difference from what was served | {100 * widest:.1f} points | "
        f"at most {100 * findings.COVERAGE:.0f} |"
    )
    yield (
        f"| time from the start of an outage to its report | median {one.noticed_s[0]:.1f} s, "
        f"longest {one.noticed_s[1]:.1f} s | "
        f"at most {findings.NOTICED_S:.0f} s |"
    )
    yield (
        f"| time from the return of a server to the next frame | median {median_s:.1f} s, longest {longest_s:.1f} s | "
        f"at most {findings.RECOVERY_S:.0f} s |"
    )
    yield (
        f"| released in total | {every.released} | {every.counted} counted without faults "
        f"({every.fewer} of them at the edges of outages) and {every.true} true, while served; "
        f"the standard deviation of the noise is {every.noise_sd:.1f} |"
    )
    yield f"| ledger | {one.ledger} | verifies |"
    yield f"| time from SIGTERM to the end | {one.stop_s:.1f} s | at most {findings.STOP_S:.0f} s |"
    yield f"| lines of log | {one.log_lines} | |"


def _cameras(cameras: Sequence[CameraFound]) -> Iterator[str]:
    yield (
        "| camera | faults | served | coverage published | true | counted without faults | "
        "of them at edges | released | noise sd |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for one in cameras:
        yield (
            f"| {one.camera} | {one.faults} | {one.implied:.1%} | {one.published:.1%} | {one.true} | {one.counted} | "
            f"{one.fewer} | {one.released} | {one.noise_sd:.1f} |"
        )


def put(page: Path, heading: str, under: str) -> None:
    """Replace what stands under the heading of a page, up to the next one or the end; the heading must be there."""
    before, found, after = page.read_text().partition(f"## {heading}\n")
    if not found:
        raise SystemExit(f"{page}: no heading {heading!r}")
    _, next_, rest = after.partition("\n## ")
    page.write_text(f"{before}{found}{under.rstrip()}\n{next_}{rest}")
