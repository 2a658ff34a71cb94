"""`make soak`: eight cameras for ten minutes, their servers killed and stalled by a script; exit code 1 where
anything is not as it should be.

    python -m tools.soak [--minutes 10] [--cameras 8] [--seed 1] [--promise crossings] [--folder FOLDER]

Invariant: everything listens on loopback, on free ports, and ends with this process; what is left lies in one folder.
"""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from time import monotonic, sleep, time

from tools.soak import cameras, faults, findings, report, site
from tools.soak.cameras import Camera
from tools.soak.compared import Played, compared, keep
from tools.soak.faults import Fault
from tools.soak.processes import Use, use

from passerby.synth import rtsp_camera

ROOT = Path(__file__).parents[2]
BIN_S, SAMPLE_S, START_S = 60, 5.0, 120.0


def main() -> int:
    options = _options()
    folder = options.folder or Path(mkdtemp(prefix="passerby-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not rtsp_camera.available():
        print(f"soak: expected Debian's packages {' '.join(rtsp_camera.PACKAGES)}", file=sys.stderr)
        return 2
    _say(folder, f"drawing {options.cameras} streets in {folder}")
    seeds = cameras.seeds(options.seed * 1000, options.cameras)
    start_ms = round(time() * 1000)
    watched = [Camera(drawn, start_ms) for drawn in cameras.drawn(seeds, folder)]
    try:
        with site.running(folder, watched, seeds, options.promise) as process:
            soaked = _soak(options, folder, watched, seeds, process)
    finally:
        for camera in watched:
            if camera.server is not None:
                camera.server.stop()
    told = report.text(soaked)
    (folder / "report.md").write_text(told)
    (folder / "report.json").write_text(json.dumps(asdict(soaked), indent=1))
    if options.docs:
        report.put(ROOT / "docs/explanation/soak.md", options.docs, told)
    _say(folder, told)
    for problem in soaked.problems:
        _say(folder, f"problem: {problem}")
    return 1 if soaked.problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long the script is")
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1, help="of the script and of the streets")
    parser.add_argument("--promise", choices=sorted(site.PRIVACY), default="crossings")
    parser.add_argument("--folder", type=Path, help="where everything lies; a new one by default")
    parser.add_argument(
        "--docs", metavar="HEADING", help="put the tables under this heading of docs/explanation/soak.md"
    )
    return parser.parse_args()


def _soak(
    options: argparse.Namespace,
    folder: Path,
    watched: Sequence[Camera],
    seeds: Sequence[int],
    process: "subprocess.Popen[bytes]",
) -> report.Soaked:
    give_up = monotonic() + START_S
    while not all(camera.served for camera in watched):
        if process.poll() is not None or monotonic() > give_up:
            raise SystemExit(f"soak: the site does not read its cameras: see {folder / 'run.log'}")
        sleep(0.2)
    script = faults.script(options.cameras, options.minutes * 60, options.seed)
    begin = time()
    _say(folder, f"the site reads; {len(script)} faults in {options.minutes:g} minutes")
    uses, serving = _play(folder, script, watched, process, begin, begin + options.minutes * 60)
    span = math.ceil(begin / BIN_S) * BIN_S, (begin + options.minutes * 60) // BIN_S * BIN_S
    sleep(max(0.0, span[1] + site.DELAY_S + 10 - time()))
    stop_s, ended_well = site.stopped(process)

    rows = [row for row in site.rows(folder) if span[0] <= row.begin < span[1]]
    begins = [float(one) for one in range(int(span[0]), int(span[1]), BIN_S)]
    directions = cameras.line_of(cameras.street(seeds[0])).names
    cells = [(site.name(number), direction) for number in range(options.cameras) for direction in directions]
    lost, doubled = findings.lost_and_doubled(rows, cells, begins)
    played = Played(
        start_ms=watched[0].start_ms,
        span=span,
        seeds=tuple(seeds),
        done=tuple(tuple(camera.done) for camera in watched),
        served=tuple(tuple(camera.served) for camera in watched),
    )
    keep(folder, played)
    found = compared(folder, played, rows)
    recoveries = [
        again - fault[1]
        for camera in watched
        for (_, again), fault in zip(faults.outages(camera.done, camera.served), camera.done, strict=True)
    ]
    noticed = [
        after
        for number, camera in enumerate(watched)
        for after in findings.noticed_s(camera.done, site.told(folder, site.name(number)))
    ]
    warm_s = min(180.0, options.minutes * 60 / 3)
    first, last, grown = findings.growth(uses, warm_s)
    ledger = site.passerby(folder, "ledger", "verify", "--ledger", "ledger.db", check=False)
    later = [one for time_s, one in uses if time_s >= warm_s]
    seconds = uses[-1][0] - uses[0][0]
    problems = findings.problems(
        lost=lost,
        doubled=doubled,
        cameras=found,
        grown=grown,
        noticed=max(noticed, default=0.0),
        stop_s=stop_s,
        ended_well=ended_well,
        ledger_verifies=ledger.returncode == 0,
    )
    return report.Soaked(
        seconds=time() - begin,
        seed=options.seed,
        bins=len(begins),
        numbers=len(rows),
        lost=lost,
        doubled=doubled,
        killed=sum(one.kind == "killed" for one in script),
        stalled=sum(one.kind == "stalled" for one in script),
        processes=later[-1].processes,
        site_cores=(uses[-1][1].cpu_s - uses[0][1].cpu_s) / seconds,
        server_cores=serving / seconds,
        memory_first=first,
        memory_last=last,
        grown=grown,
        files_first=later[0].files,
        files_last=later[-1].files,
        noticed_s=(median(noticed), max(noticed)) if noticed else (0.0, 0.0),
        recovery_s=(median(recoveries), max(recoveries)) if recoveries else (0.0, 0.0),
        stop_s=stop_s,
        log_lines=len((folder / "run.log").read_bytes().splitlines()),
        ledger=(ledger.stdout + ledger.stderr).strip().replace("\n", "; "),
        cameras=tuple(found),
        problems=tuple(problems),
    )


def _play(
    folder: Path,
    script: Sequence[Fault],
    watched: Sequence[Camera],
    process: "subprocess.Popen[bytes]",
    begin: float,
    end: float,
) -> tuple[list[tuple[float, Use]], float]:
    """Do what the script says. What the site used, by the seconds since `begin`; the CPU seconds of the servers."""
    todo = sorted(
        [(fault.at_s, "begin", fault) for fault in script]
        + [(fault.at_s + fault.for_s, "end", fault) for fault in script]
    )
    uses: list[tuple[float, Use]] = []
    before: dict[int, float] = {}
    serving, sample_s = 0.0, 0.0
    while (now_s := time() - begin) < end - begin:
        while todo and todo[0][0] <= now_s:
            _, part, fault = todo.pop(0)
            _do(watched[fault.camera], part, fault)
            _say(folder, f"{now_s:7.1f} s: {site.name(fault.camera)} {fault.kind}: {part}")
        if now_s >= sample_s:
            sample_s = now_s + SAMPLE_S
            uses.append((now_s, use(process.pid)))
            for camera in watched:
                assert camera.server is not None
                server = camera.server.process.pid
                cpu_s = use(server).cpu_s
                serving += max(0.0, cpu_s - before.get(server, cpu_s))
                before[server] = cpu_s
            if len(uses) % 12 == 1:
                _say(folder, f"{now_s:7.1f} s: {uses[-1][1]}")
        if process.poll() is not None:
            raise SystemExit(f"soak: the site ended by itself: see {folder / 'run.log'}")
        sleep(0.1)
    return uses, serving


def _do(camera: Camera, part: str, fault: Fault) -> None:
    if part == "begin":
        camera.done.append((time(), math.inf))
        camera.kill() if fault.kind == "killed" else camera.stall()
    else:
        camera.done[-1] = camera.done[-1][0], time()
        if fault.kind == "killed":
            camera.serve()
        else:
            camera.go_on()


def _say(folder: Path, text: str) -> None:
    line = f"{datetime.now():%H:%M:%S} {text}"
    print(line, flush=True)
    with (folder / "progress.log").open("a") as log:
        log.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
