"""Renders a Vega-Lite specification to SVG or PNG.

Invariant: nothing is fetched; the output contains no script, no style sheet and no URL.
"""

import re
from typing import Any
from xml.etree import ElementTree

import vl_convert

_SVG = "http://www.w3.org/2000/svg"
_SIZE = re.compile(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)">')
_ROLES = re.compile(r' (?:role|aria-roledescription|aria-hidden|pointer-events)="[^"]*"')


def warm() -> None:
    """Render a small chart, because the first one takes a second (Vega starts)."""
    svg({"data": {"values": [{}]}, "mark": "point"})


def svg(spec: dict[str, Any]) -> str:
    """A whole SVG file."""
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def png(spec: dict[str, Any]) -> bytes:
    """A PNG file at twice the size, for print and high-resolution screens."""
    return bytes(vl_convert.vegalite_to_png(spec, scale=2, allowed_base_urls=[]))


def inside(spec: dict[str, Any]) -> tuple[str, float, float]:
    """The content of the svg element, its width and its height, to put into an svg element of the page."""
    whole = svg(spec)
    opening = _SIZE.match(whole)
    if opening is None:
        raise ValueError("Vega's output: expected an svg element with a viewBox")
    return (
        _ROLES.sub("", whole[opening.end() : whole.rindex("</svg>")]),
        float(opening[1]),
        float(opening[2]),
    )


def rows(spec: dict[str, Any]) -> list[str]:
    """The content of each cell of a chart that is split into rows, in order."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg(spec))
    cells = root.findall(f".//{{{_SVG}}}g[@class='mark-group role-scope cell']/{{{_SVG}}}g")
    contents = []
    for cell in cells:
        cell.attrib.pop("transform", None)
        text = ElementTree.tostring(cell, encoding="unicode").replace(f' xmlns="{_SVG}"', "")
        contents.append(f'<g fill="none">{_ROLES.sub("", text)}</g>')
    return contents
