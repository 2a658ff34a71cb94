"""When a release is published: known beforehand, whatever is counted and however long that takes.

Invariant: noise is drawn and kept before the wait begins, so no outsider's watch sees how long anything took.
"""

from collections.abc import Callable, Iterable

from passerby.domain.release import Release, Sink
from passerby.domain.timespan import Span

DELAY_MS = 60_000
"""After the end of a bin: room for the last chunk to be counted, and for the noise to be drawn and kept."""


def due_ms(span: Span, now_ms: int, delay_ms: int = DELAY_MS) -> int:
    """When the releases of `span` are published: `delay_ms` after its end.

    What is late (`now_ms` is past that) waits for whole spans more, so that its delay tells next to nothing.
    """
    first_ms = span.end_ms + delay_ms
    late_ms = max(0, now_ms - first_ms)
    return first_ms - (-late_ms // span.duration_ms) * span.duration_ms


def publish(
    prepared: Iterable[tuple[Span, Iterable[Release]]],
    sink: Sink,
    *,
    now_ms: Callable[[], int],
    wait_until: Callable[[int], None],
    delay_ms: int = DELAY_MS,
) -> None:
    """Hand each span's releases to `sink` when they are due, in order; `prepared` gives them once they are drawn.

    Times are Unix ms UTC; `wait_until` comes back at that time.
    """
    for span, releases in prepared:
        drawn = tuple(releases)
        wait_until(due_ms(span, now_ms(), delay_ms))
        for release in drawn:
            sink(release)
