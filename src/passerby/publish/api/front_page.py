"""The first page of the API: its purpose, its routes, and a link to the OpenAPI description.

Invariant: static text; needs no key, no script and no other host.
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Passerby API</title>
</head>
<body>
<h1>Passerby API</h1>
<p>Private counts of people, cyclists and vehicles that cross lines: how many, never who. Every number has noise that
hides each single person. The API is read-only.</p>
<dl>
<dt><a href="openapi.json">openapi.json</a></dt>
<dd>The full description of all routes, parameters and fields (OpenAPI)</dd>
<dt><a href="v1/releases?limit=10">v1/releases</a></dt>
<dd>The published numbers, as JSON, CSV or Parquet</dd>
<dt><a href="v1/cells">v1/cells</a></dt>
<dd>The cameras, lines, directions and classes that have published numbers</dd>
<dt><a href="v1/cameras">v1/cameras</a></dt>
<dd>The state of each camera's link: up or down, since when, and why</dd>
<dt><a href="metrics">metrics</a></dt>
<dd>Health and the latest numbers, for Prometheus</dd>
</dl>
<p>{access}</p>
</body>
</html>
"""
_PUBLIC = "No key is needed."
_KEY = (
    "Requests need a key, in the header <code>Authorization: Bearer KEY</code>. "
    "Ask the operator of this server for a key."
)


def front_page(*, public: bool) -> str:
    """The page as HTML. `public`: numbers can be read without a key."""
    return _PAGE.format(access=_PUBLIC if public else _KEY)
