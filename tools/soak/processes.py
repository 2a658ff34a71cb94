"""What a process and all that it started take of the machine, as the kernel tells.

Invariant: reads /proc and nothing else.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """Of all processes together: how many there are, memory in MiB (what is shared is shared out), CPU seconds so far,
    those of ended children too, open files."""

    processes: int
    memory_mib: float
    cpu_s: float
    files: int


def tree(root: int) -> list[int]:
    """The process and all below it, those that are still there."""
    found, below = [], [root]
    while below:
        found += below
        below = [child for process in below for child in _children(process)]
    return found


def use(root: int) -> Use:
    processes = tree(root)
    return Use(
        processes=len(processes),
        memory_mib=sum(map(_memory_kib, processes)) / 1024,
        cpu_s=sum(_cpu_s(process) for process in processes),
        files=sum(map(_files, processes)),
    )


def _children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += [int(one) for one in task.read_text().split()]
        except OSError:
            continue
    return found


def _memory_kib(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _cpu_s(process: int) -> float:
    """Its own, and that of its children that ended."""
    try:
        after = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, after[11:15])) / _TICKS


def _files(process: int) -> int:
    try:
        return len(os.listdir(f"/proc/{process}/fd"))
    except OSError:
        return 0
