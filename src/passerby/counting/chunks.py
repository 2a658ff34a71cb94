"""Count detections chunk by chunk, as they come.

Invariant: each chunk has a tracker of its own and sees the ticks within the margin around it, and no others; memory is
bounded by a chunk and its margins.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from passerby.counting.counts import Crossing, LineDiagnostics
from passerby.counting.crossings import find_crossings
from passerby.counting.detections import Detections
from passerby.counting.diagnostics import lost_tracks
from passerby.counting.evidence import with_motion
from passerby.counting.parameters import CountingParams
from passerby.counting.tracker import track
from passerby.domain.geometry import Line
from passerby.domain.timespan import Span

STREAM_CHUNK_MS = 10_000
"""Longest chunk of a stream: a crossing is decided at most this long and a margin after it happened."""


def crossings_of(
    ticks: Sequence[Detections],
    lines: Sequence[Line],
    size_px: tuple[int, int],
    span: Span,
    corridor: float | None,
    params: CountingParams = CountingParams(),
) -> tuple[list[Crossing], list[LineDiagnostics]]:
    """Crossings and diagnostics within `span`, by a fresh tracker over `ticks`, which may begin before the span and
    end after it."""
    tracks = track(ticks, params.tracker)
    crossings = find_crossings(tracks, lines, size_px, span, params.crossing)
    crossings = with_motion(crossings, ticks, lines, size_px, span, params)
    return crossings, lost_tracks(tracks, lines, size_px, corridor, span)


def chunks(
    ticks: Iterable[Detections], params: CountingParams = CountingParams(), start_ms: int | None = None
) -> Iterator[tuple[Span, list[Detections]]]:
    """Chunks cut at multiples of `params.chunk_ms`, each with the ticks within `params.margin_ms` of it; from the one
    that begins at `start_ms` on, None for where the ticks begin."""
    chunk_ms, margin_ms = params.chunk_ms, params.margin_ms
    near: list[Detections] = []
    for tick in ticks:
        if start_ms is None:
            start_ms = tick.time_ms // chunk_ms * chunk_ms
        if tick.time_ms < start_ms - margin_ms:
            continue
        near.append(tick)
        while tick.time_ms >= start_ms + chunk_ms + margin_ms:
            yield Span(start_ms, start_ms + chunk_ms), near[:-1]
            start_ms += chunk_ms
            near = [t for t in near if t.time_ms >= start_ms - margin_ms]
    while start_ms is not None and near and start_ms <= near[-1].time_ms:
        end_ms = start_ms + chunk_ms
        yield Span(start_ms, end_ms), [t for t in near if t.time_ms < end_ms + margin_ms]
        start_ms = end_ms
        near = [t for t in near if t.time_ms >= start_ms - margin_ms]


def of_stream(params: CountingParams) -> CountingParams:
    """`params` with chunks that are short enough for a stream."""
    return replace(params, chunk_ms=min(STREAM_CHUNK_MS, params.chunk_ms))
