"""How many cameras this computer can count, from the CPU time of those that it counts.

Invariant: arithmetic on CPU time and on numbers of frames; nothing here knows what was in them.
"""

import os
from collections.abc import Sequence

from passerby.live.protocol import Heartbeat

USABLE = 0.9
"""The share of all cores that cameras may use; the rest is for payment and publication."""


def cores_needed(first: Heartbeat, last: Heartbeat, seconds: float) -> float | None:
    """The cores that a camera needs, from two heartbeats `seconds` apart: those that it used, and as many more as
    there were frames that it did not get to. None where it got to none."""
    processed = last.processed - first.processed
    if processed <= 0 or seconds <= 0:
        return None
    used = (last.cpu_ms - first.cpu_ms) / 1000 / seconds
    return used * max(1.0, (last.due - first.due) / processed)


def cameras_possible(needed: Sequence[float], cores: int) -> int | None:
    """The number of cameras like these that `cores` cores can count; None where nothing is known of any."""
    total = sum(needed)
    return int(cores * USABLE * len(needed) / total) if total > 0 else None


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))
