"""The code on a sign that leads to the page.

Invariant: drawn here, as shapes: nothing is fetched, and the address is the site file's, never a request's.
"""

import segno


def code_svg(url: str) -> str:
    """A QR code as an svg element without style, script or size of its own."""
    code = segno.make(url, error="m", micro=False)
    return str(code.svg_inline(omitsize=True, border=2, svgclass="code", lineclass="squares"))
