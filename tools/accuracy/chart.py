"""The curves as small multiples: an SVG that is readable on a light and on a dark page.

Invariant: numbers in, text out.
"""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tools.accuracy.report import Measured, alike, by_class, total
from tools.accuracy.streets import SETTINGS, TITLES

WIDE, HIGH = 250, 170
_COLUMNS = 3
_LEFT, _TOP, _RIGHT, _BOTTOM = 34, 24, 10, 26
_COLOURS = ("#0a7d8c", "#c2571a")
_STYLE = """
text{font:11px sans-serif;fill:#333} .title{font-weight:bold} .grid{stroke:#999;stroke-opacity:.35}
.alike{stroke-dasharray:4 3;stroke-opacity:.75} polyline{fill:none;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#ddd}}
"""


def svg(measured: Measured) -> str:
    """Accuracy 0 to 1 upwards: solid by class, with a bar from seed to seed; broken where the class is ignored."""
    rows = -(-(len(SETTINGS) + 1) // _COLUMNS)
    size = WIDE * _COLUMNS, HIGH * rows
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img">']
    parts.append("<title>Accuracy on synthetic streets</title>")
    parts.append(f"<style>{_STYLE}</style>")
    for number, curve in enumerate(SETTINGS):
        x, y = number % _COLUMNS * WIDE, number // _COLUMNS * HIGH
        parts += [f'<g transform="translate({x},{y})">', *_panel(curve, measured), "</g>"]
    parts += [f'<g transform="translate({(_COLUMNS - 1) * WIDE},{(rows - 1) * HIGH})">', *_legend(measured)]
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _panel(curve: str, measured: Measured) -> Iterator[str]:
    values = SETTINGS[curve]
    across = WIDE - _LEFT - _RIGHT

    def x(index: int) -> float:
        return _LEFT + across * (index + 0.5) / len(values)

    yield f'<text class="title" x="{_LEFT}" y="14">{escape(TITLES[curve])}</text>'
    for share in (0, 0.5, 1):
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDE - _RIGHT}" y1="{_y(share)}" y2="{_y(share)}"/>'
        yield f'<text x="{_LEFT - 6}" y="{_y(share) + 4}" text-anchor="end">{share:g}</text>'
    for index, value in enumerate(values):
        yield f'<text x="{x(index):.0f}" y="{HIGH - 8}" text-anchor="middle">{value}</text>'
    for (_, results), colour in zip(measured.items(), _COLOURS, strict=False):
        solid, broken = [], []
        for index, value in enumerate(values):
            found = [r for p, r in results.items() if p.curve == curve and p.value == value]
            if not any(r.true for r in found):
                continue
            each = [_y(by_class(r)) for r in found]
            yield f'<polyline stroke="{colour}" points="{_points([(x(index), min(each)), (x(index), max(each))])}"/>'
            solid.append((x(index), _y(by_class(total(found)))))
            broken.append((x(index), _y(alike(total(found)))))
        yield f'<polyline stroke="{colour}" points="{_points(solid)}"/>'
        yield f'<polyline class="alike" stroke="{colour}" points="{_points(broken)}"/>'


def _legend(measured: Measured) -> Iterator[str]:
    for row, (name, colour) in enumerate(zip(measured, _COLOURS, strict=False)):
        y = 40 + 44 * row
        for down, (style, told) in enumerate((("", "by class"), ("alike", "any class"))):
            ends = [(_LEFT, y + 16 * down), (_LEFT + 30, y + 16 * down)]
            yield f'<polyline class="{style}" stroke="{colour}" points="{_points(ends)}"/>'
            yield f'<text x="{_LEFT + 38}" y="{y + 4 + 16 * down}">{escape(name)}, {told}</text>'


def _y(share: float) -> float:
    return _TOP + (HIGH - _TOP - _BOTTOM) * (1 - min(1.0, max(0.0, share)))


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
