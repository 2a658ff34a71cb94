"""The time after which a browser reloads the page of the latest numbers.

Invariant: needs no script and can be turned off; depends only on the latest published bin and the clock.
"""

from dataclasses import dataclass

USUAL_DELAY_MS = 65_000
"""The usual delay from the end of a bin to its publication: by default `passerby run` publishes after 60 s."""
LEAST_S = 15


@dataclass(frozen=True, slots=True)
class AutoRefresh:
    """The latest bin ends at `end_ms` (Unix ms UTC), and bins are `bin_ms` long."""

    end_ms: int
    bin_ms: int

    def wait_s(self, now_ms: int) -> int:
        """Seconds until the next bin is published; a quarter of a bin if it is late."""
        longest_ms = self.bin_ms + USUAL_DELAY_MS
        left_ms = min(self.end_ms + longest_ms - now_ms, longest_ms)
        return max(LEAST_S, -(-(left_ms if left_ms > 0 else self.bin_ms // 4) // 1000))
