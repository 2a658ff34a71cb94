"""When a page of the newest numbers is to be loaded again by itself.

Invariant: no script, and nothing that a reader cannot stop; worked out from the newest bin that was published, and
the clock.
"""

from dataclasses import dataclass

USUAL_DELAY_MS = 65_000
"""So long after the end of a bin it is out: `passerby run` publishes 60 s after it, unless told otherwise."""
LEAST_S = 15


@dataclass(frozen=True, slots=True)
class Renewal:
    """The newest bin shown ends at `end_ms` (Unix ms UTC), and bins are `bin_ms` long."""

    end_ms: int
    bin_ms: int

    def wait_s(self, now_ms: int) -> int:
        """Seconds until the next bin is out; where it is late, a quarter of a bin."""
        longest_ms = self.bin_ms + USUAL_DELAY_MS
        left_ms = min(self.end_ms + longest_ms - now_ms, longest_ms)
        return max(LEAST_S, -(-(left_ms if left_ms > 0 else self.bin_ms // 4) // 1000))
