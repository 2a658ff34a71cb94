"""The time of publication of a release: known beforehand, whatever is counted and however long that takes.

Invariant: noise is drawn and kept before the wait begins, so nobody can learn from the clock how long anything took.
"""

from passerby.domain.timespan import Span


def due_ms(span: Span, now_ms: int, delay_ms: int) -> int:
    """The releases of `span` are published at this time (Unix ms UTC): `delay_ms` after its end.

    A release that is late (`now_ms` is past that) waits for whole spans more, so that its delay tells next to nothing.
    """
    first_ms = span.end_ms + delay_ms
    late_ms = max(0, now_ms - first_ms)
    return first_ms - (-late_ms // span.duration_ms) * span.duration_ms
