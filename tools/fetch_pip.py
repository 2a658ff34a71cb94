"""Install one pinned pip into the Python that runs this, from the package index; standard library only.

Invariant: a file whose SHA-256 is another one is never run.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

WHEEL = "pip-26.3-py3-none-any.whl"
SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
TIMEOUT_S = 60


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        return bytes(answer.read())


def fetch(index: str) -> bytes:
    """The wheel as the index (PEP 503) serves it. Raises SystemExit with one line when it cannot be had."""
    page = f"{index.rstrip('/')}/pip/"
    try:
        link = re.search(rf'href="([^"]*/{re.escape(WHEEL)}[^"]*)"', read(page).decode())
        if link is None:
            sys.exit(f"fetch_pip: {page} offers no {WHEEL}")
        wheel = read(urllib.parse.urljoin(page, link.group(1).replace("&amp;", "&")))
    except (urllib.error.URLError, TimeoutError) as error:
        sys.exit(f"fetch_pip: {page}: {error} (another index can be named in PIP_INDEX_URL)")
    if hashlib.sha256(wheel).hexdigest() != SHA256:
        sys.exit(f"fetch_pip: {WHEEL} from {page} has not the SHA-256 {SHA256}")
    return wheel


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / WHEEL
    path.write_bytes(fetch(os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")))
    # A wheel is a zip that Python can run from: pip installs itself.
    subprocess.run([sys.executable, f"{path}/pip", "install", "--quiet", "--no-index", str(path)], check=True)
