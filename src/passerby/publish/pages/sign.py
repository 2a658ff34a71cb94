"""The QR code of the sign, which leads to the page.

Invariant: drawn here as shapes, so nothing is fetched; the address comes from the site file, never from a request.
"""

import segno


def code_svg(url: str) -> str:
    """A QR code as an SVG element without style, script or size."""
    code = segno.make(url, error="m", micro=False)
    return str(code.svg_inline(omitsize=True, border=2, svgclass="code", lineclass="squares"))
