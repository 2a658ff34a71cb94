"""The time of a live frame: by the sender's wall clock where that can be trusted, else by its arrival.

Invariant: arithmetic on times alone.
"""

from dataclasses import dataclass

TRUSTED_MS = 2_000
"""A sender's wall clock that differs from ours by more than this is not trusted."""
_AHEAD_MS = 30_000
"""A jump ahead by more than this is a change of the clock."""
_BACK_MS = 1_000
"""A time stamp that goes back by more than this starts the stream's time anew."""
_LATE_MS, _LATE_FOR_MS = 2_000, 10_000
"""Frames that are later than the first for the second are no delay: a clock was set."""
_DRIFT = 0.001
"""How fast (ms per ms) two clocks may drift apart: quartz differs by less."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """`time_ms`: Unix ms UTC. `by_sender`: it is of the sender's wall clock. `jumped`: a clock of the sender jumped."""

    time_ms: int
    by_sender: bool
    jumped: bool


class Stamps:
    """The stamps of one connection.

    A delay only ever adds to a time of arrival. So the frame with the least delay gives the offset between the
    stream's time stamps and the wall clock, and that offset gives the times of the others without the network's jitter.
    """

    def __init__(self) -> None:
        self._anchor_ms: float | None = None
        self._last_pts_ms = 0.0
        self._last_arrival_ms = 0
        self._late_since_ms: int | None = None
        self._sender_off_ms: int | None = None

    def stamp(self, arrival_ms: int, pts_ms: float | None, sender_ms: int | None) -> Stamp:
        """The stamp of the next frame, from its time of arrival, its time stamp in the stream and the sender's wall
        clock (ms each; None where there is none)."""
        jumped = self._sender_jumped(arrival_ms, sender_ms)
        if pts_ms is None:
            time_ms = arrival_ms
        else:
            stream_ms, stream_jumped = self._by_stream(arrival_ms, pts_ms)
            time_ms, jumped = round(stream_ms), jumped or stream_jumped
        by_sender = sender_ms is not None and abs(arrival_ms - sender_ms) <= TRUSTED_MS
        return Stamp(sender_ms if by_sender and sender_ms is not None else time_ms, by_sender, jumped)

    def _sender_jumped(self, arrival_ms: int, sender_ms: int | None) -> bool:
        if sender_ms is None:
            return False
        before, self._sender_off_ms = self._sender_off_ms, arrival_ms - sender_ms
        return before is not None and abs(self._sender_off_ms - before) > _AHEAD_MS

    def _by_stream(self, arrival_ms: int, pts_ms: float) -> tuple[float, bool]:
        offset_ms = arrival_ms - pts_ms
        if self._anchor_ms is None:
            self._anchor_ms, jumped = offset_ms, False
        else:
            back_ms = self._last_pts_ms - pts_ms
            jumped = back_ms > _BACK_MS or offset_ms < self._anchor_ms - _AHEAD_MS
            passed_ms = max(0, arrival_ms - self._last_arrival_ms)
            if back_ms > _BACK_MS or self._is_late(arrival_ms, offset_ms):
                self._anchor_ms = offset_ms
            else:
                # An anchor from a frame with an unusually small delay is given up slowly.
                self._anchor_ms = min(self._anchor_ms + _DRIFT * passed_ms, offset_ms)
        self._last_pts_ms, self._last_arrival_ms = pts_ms, arrival_ms
        return self._anchor_ms + pts_ms, jumped

    def _is_late(self, arrival_ms: int, offset_ms: float) -> bool:
        """Whether all frames have been late for so long that it is no delay: our clock, or the sender's, was set."""
        if self._anchor_ms is None or offset_ms < self._anchor_ms + _LATE_MS:
            self._late_since_ms = None
            return False
        if self._late_since_ms is None:
            self._late_since_ms = arrival_ms
        late = arrival_ms - self._late_since_ms >= _LATE_FOR_MS
        if late:
            self._late_since_ms = None
        return late
