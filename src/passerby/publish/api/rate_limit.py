"""How often one may ask: a bucket of requests for each key or address, filled at a steady rate.

Invariant: bounded: whoever asks under ever new names takes no more memory than there is room for.
"""

from collections import OrderedDict
from math import ceil
from threading import Lock


class RateLimit:
    """At most `burst` requests at once and `per_s` a second in the long run, for each name."""

    def __init__(self, per_s: float, burst: int, most_names: int = 10_000) -> None:
        self._per_s = per_s
        self._burst = burst
        self._most_names = most_names
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._turn = Lock()

    def wait_s(self, name: str, now_s: float) -> int:
        """0 when this request may be answered (it is then counted), else whole seconds until one may."""
        with self._turn:
            left, since_s = self._left.pop(name, (float(self._burst), now_s))
            left = min(self._burst, left + max(0.0, now_s - since_s) * self._per_s)
            allowed = left >= 1
            self._left[name] = (left - 1 if allowed else left, now_s)
            # The one that has not asked for longest has its bucket full again, or nearly.
            if len(self._left) > self._most_names:
                self._left.popitem(last=False)
            return 0 if allowed else max(1, ceil((1 - left) / self._per_s))
