"""Prints the tables of docs/explanation/privacy-compared.md: python -m tests.privacy.run_compared

Both sides get the same rho, K, epsilon and window, their own best chunk and clip, and the true crossings of the
synthetic street. Privid's side is spared the warm-up, which would cost it a chunk more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from passerby.domain.geometry import DEFAULT_CORRIDOR, Corridor
from passerby.privacy.contribution import sensitivity
from passerby.privacy.noise import MICRO, add_noise
from passerby.synth import Actor, Street, TrueCrossing, actors, lines, truth
from passerby.synth.motion import boxes
from passerby.synth.street import view_of

K, EPSILON_MICRO, WARMUP_MS, DRAWS = 2, MICRO, 2_000, 1_000
STEP_S = 0.1
WINDOW_S = 900
WIDTHS = (DEFAULT_CORRIDOR, 0.1)
PUBLISHED_S = {"campus": 391 / 8, "urban": 1604 / 8, "highway": 2985 / 8}
"""Longest appearances after masking, in the analysis published with Privid: frames, at 8 a second."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """The best chunk and clip found: `error` is the mean absolute error as a share of the mean true count."""

    chunk_s: int
    clip: int
    chunks: int
    delta: int
    error: float


def longest_s(street: Street, corridor: Corridor | None, wanted: Sequence[Actor]) -> float:
    """The longest that any of `wanted` is seen without a break: anywhere, or in the corridor."""
    view = view_of(street)
    frame = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    shape = frame if corridor is None else np.array(corridor.polygon(street.aspect))
    shape = shape * (street.width, street.height)
    longest = 0.0
    for actor in wanted:
        times = np.arange(
            max(0.0, actor.path[0].time_s), min(street.duration_s, actor.path[-1].time_s), STEP_S
        )
        if len(times) == 0:
            continue
        seen = boxes(actor, view, times)
        inside = _meets(seen, shape) & _meets(seen, frame * (street.width, street.height))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
        longest = max(
            longest, *(float(b - a) * STEP_S for a, b in zip(edges[::2], edges[1::2], strict=True)), 0.0
        )
    return longest


def _meets(rectangles: Numbers, shape: Numbers) -> NDArray[np.bool_]:
    """Which of the rectangles (n, 4) meet the convex `shape` (m, 2): no axis keeps them apart."""
    x1, y1, x2, y2 = rectangles.T
    corners = np.stack(
        [np.stack([x1, y1], 1), np.stack([x2, y1], 1), np.stack([x2, y2], 1), np.stack([x1, y2], 1)], 1
    )
    sides = np.roll(shape, -1, axis=0) - shape
    meets = np.ones(len(rectangles), bool)
    for axis in (*np.stack([-sides[:, 1], sides[:, 0]], 1), np.array([1.0, 0.0]), np.array([0.0, 1.0])):
        of_shape, of_boxes = shape @ axis, corners @ axis
        meets &= (of_boxes.min(1) <= of_shape.max()) & (of_boxes.max(1) >= of_shape.min())
    return meets


def best(times_ms: NDArray[np.int64], street: Street, window_s: int, rho_s: float, warmup_ms: int) -> Setting:
    """The chunk and clip with the least expected absolute error over the windows of the street."""
    offsets = times_ms - street.start_ms
    windows = int(street.duration_s) // window_s
    true = np.bincount(offsets // (window_s * 1000), minlength=windows)[:windows]
    settings = []
    for chunk_s in (chunk for chunk in range(1, window_s + 1) if window_s % chunk == 0):
        per_chunk = np.bincount(offsets // (chunk_s * 1000), minlength=windows * window_s // chunk_s)
        per_chunk = per_chunk[: windows * window_s // chunk_s].reshape(windows, -1)
        for clip in range(1, int(per_chunk.max(initial=1)) + 1):
            cost = sensitivity(
                rho_ms=ceil(rho_s * 1000),
                k=K,
                chunk_ms=chunk_s * 1000,
                warmup_ms=warmup_ms,
                cap=clip,
                cells=1,
            )
            lost = true - np.minimum(per_chunk, clip).sum(1)
            # E|bias + Laplace of scale s| = bias + s e^(-bias / s)
            scale = cost.delta * MICRO / EPSILON_MICRO
            error = float(np.mean(lost + scale * np.exp(-lost / scale)) / true.mean())
            settings.append(Setting(chunk_s, clip, cost.chunks, cost.delta, error))
    return min(settings, key=lambda one: one.error)


def drawn_error(times_ms: NDArray[np.int64], street: Street, window_s: int, setting: Setting) -> float:
    """The mean absolute error over 1,000 draws of OpenDP's noise, as a share of the mean true count."""
    offsets = times_ms - street.start_ms
    windows = int(street.duration_s) // window_s
    true = np.bincount(offsets // (window_s * 1000), minlength=windows)[:windows]
    per_chunk = np.bincount(
        offsets // (setting.chunk_s * 1000), minlength=windows * window_s // setting.chunk_s
    )
    per_chunk = per_chunk[: windows * window_s // setting.chunk_s].reshape(windows, -1)
    clipped = [int(count) for count in np.minimum(per_chunk, setting.clip).sum(1)]
    drawn = np.array([add_noise(clipped, setting.delta, EPSILON_MICRO) for _ in range(DRAWS)])
    return float(np.abs(drawn - true).mean() / true.mean())


def asked(street: Street, line: str, label: str) -> tuple[NDArray[np.int64], list[Actor]]:
    """Times of one direction's crossings, and everybody that could cross."""
    chosen = [one for one in lines(street) if one.name == line]
    crossings: list[TrueCrossing] = [
        one
        for one in truth(street, tuple(chosen))
        if one.direction == "to_right" and (one.label.text == label or (label == "vehicle" and _motor(one)))
    ]
    names = {one.actor for one in crossings}
    return np.array([one.time_ms for one in crossings]), [one for one in actors(street) if one.name in names]


def _motor(crossing: TrueCrossing) -> bool:
    return crossing.label.text in {"car", "bus", "truck"}


def rows(density: str) -> Iterator[str]:
    street = Street(duration_s=3600.0, density=density)
    for line, label in (("near", "person"), ("road", "vehicle")):
        times_ms, wanted = asked(street, line, label)
        (chosen,) = (one for one in lines(street) if one.name == line)
        whole = longest_s(street, None, wanted)
        privid = best(times_ms, street, WINDOW_S, whole, 0)
        error = drawn_error(times_ms, street, WINDOW_S, privid)
        for half_width in WIDTHS:
            part = longest_s(street, Corridor(chosen, half_width), wanted)
            ours = best(times_ms, street, WINDOW_S, part, WARMUP_MS)
            yield (
                f"| {label}, {density} | {len(times_ms) * WINDOW_S / 3600:.0f} | {half_width:g} "
                f"| {whole:.1f} / {part:.1f} | {_setting(privid)} | {_setting(ours)} "
                f"| {error:.0%} / {drawn_error(times_ms, street, WINDOW_S, ours):.0%} "
                f"| {privid.delta / ours.delta:.1f} |"
            )


def _setting(one: Setting) -> str:
    return f"c {one.chunk_s} s, u {one.clip}, m {one.chunks}, Delta {one.delta}"


def published_rows() -> Iterator[str]:
    """Random traffic of 200 in 15 minutes, for the longest appearances that were published."""
    street = Street(duration_s=3600.0)
    chance = np.random.default_rng(1)
    times_ms = street.start_ms + np.sort(chance.integers(0, 3_600_000, 800))
    ours = best(times_ms, street, 900, 6.0, WARMUP_MS)
    for name, whole in PUBLISHED_S.items():
        privid = best(times_ms, street, 900, whole, 0)
        yield (
            f"| {name} | {whole:.0f} | {_setting(privid)} | {_setting(ours)} "
            f"| {privid.error:.0%} / {ours.error:.0%} | {privid.delta / ours.delta:.1f} |"
        )


def main() -> None:
    for density in ("light", "mixed", "dense"):
        for row in rows(density):
            print(row, flush=True)
    for row in published_rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
