"""How many cameras this machine could do, from the CPU time of those it does.

Invariant: arithmetic on CPU time and on how many pictures were looked at; nothing here knows what was in them.
"""

import os
from collections.abc import Sequence

from passerby.live.protocol import Pulse

USABLE = 0.9
"""The share of all cores that cameras may use; the rest is for what pays and publishes."""


def need_of(first: Pulse, last: Pulse, seconds: float) -> float | None:
    """The cores that a camera needs, from what its process told `seconds` apart: what it used, and as much more as
    there were pictures it did not get to. None where it looked at none."""
    looked = last.looked - first.looked
    if looked <= 0 or seconds <= 0:
        return None
    used = (last.cpu_ms - first.cpu_ms) / 1000 / seconds
    return used * max(1.0, (last.due - first.due) / looked)


def could_do(needs: Sequence[float], cores: int) -> int | None:
    """How many cameras like these `cores` cores could do; None where nothing is known of any."""
    total = sum(needs)
    return int(cores * USABLE * len(needs) / total) if total > 0 else None


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))
