"""Rate limit: a token bucket for each key or address.

Invariant: memory is bounded, also when a client uses a new name for each request.
"""

from collections import OrderedDict
from math import ceil
from threading import Lock


class RateLimit:
    """For each name, at most `burst` requests at once and `per_s` requests per second on average."""

    def __init__(self, per_s: float, burst: int, most_names: int = 10_000) -> None:
        self._per_s = per_s
        self._burst = burst
        self._most_names = most_names
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, name: str, now_s: float) -> int:
        """0 if this request is allowed (and counted), else the whole seconds until the next request is allowed."""
        with self._lock:
            left, since_s = self._left.pop(name, (float(self._burst), now_s))
            left = min(self._burst, left + max(0.0, now_s - since_s) * self._per_s)
            allowed = left >= 1
            self._left[name] = (left - 1 if allowed else left, now_s)
            # The bucket that was not used for longest is full again, or nearly.
            if len(self._left) > self._most_names:
                self._left.popitem(last=False)
            return 0 if allowed else max(1, ceil((1 - left) / self._per_s))
