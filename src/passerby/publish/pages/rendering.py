"""A chart's specification to SVG and PNG, by Vega.

Invariant: nothing is fetched; what comes out holds no script, no style and no address.
"""

import re
from typing import Any
from xml.etree import ElementTree

import vl_convert

_SVG = "http://www.w3.org/2000/svg"
_SIZE = re.compile(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)">')
_ROLES = re.compile(r' (?:role|aria-roledescription|aria-hidden|pointer-events)="[^"]*"')


def warm() -> None:
    """Draw something small: Vega starts with the first chart, which takes it a second."""
    svg({"data": {"values": [{}]}, "mark": "point"})


def svg(spec: dict[str, Any]) -> str:
    """A whole SVG file."""
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def png(spec: dict[str, Any]) -> bytes:
    """A PNG of twice the size, for print and sharp screens."""
    return bytes(vl_convert.vegalite_to_png(spec, scale=2, allowed_base_urls=[]))


def inside(spec: dict[str, Any]) -> tuple[str, float, float]:
    """What stands within the svg element, its width and its height, for an element of the page's own."""
    whole = svg(spec)
    opening = _SIZE.match(whole)
    if opening is None:
        raise ValueError("a chart: expected an svg element with a viewBox")
    return (
        _ROLES.sub("", whole[opening.end() : whole.rindex("</svg>")]),
        float(opening[1]),
        float(opening[2]),
    )


def rows(spec: dict[str, Any]) -> list[str]:
    """What stands within each cell of a chart of rows, from the first to the last."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg(spec))
    cells = root.findall(f".//{{{_SVG}}}g[@class='mark-group role-scope cell']/{{{_SVG}}}g")
    found = []
    for cell in cells:
        cell.attrib.pop("transform", None)
        text = ElementTree.tostring(cell, encoding="unicode").replace(f' xmlns="{_SVG}"', "")
        found.append(f'<g fill="none">{_ROLES.sub("", text)}</g>')
    return found
