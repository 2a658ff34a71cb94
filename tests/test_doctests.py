"""Every public name has an example in its docstring, and every example gives what it shows.

Invariant: examples run in a folder of their own, with a recording, a truth file and a site file.
"""

import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.sample_videos import Image, write

import passerby
from passerby import testing

SITE = """\
site: {name: Town, timezone: UTC}
cameras:
  street:
    source: rtsp://192.0.2.1/live
    detector: motion
    lines:
      road: {from: [0.5, 0.0], to: [0.5, 1.0], count: [person, vehicle]}
    privacy: {rho: 2s, k: 1, epsilon: 1, chunk: 4s, warmup: 2s, clip: 2, every: 1m}
"""
TRUTH = """\
street.mp4:
  size: [160, 90]
  lines:
    road: {from: [80, 0], to: [80, 90], to_left: {car: 1}, to_right: {car: 1}}
"""
LINE = passerby.Line("road", (0.5, 0.0), (0.5, 1.0))


def there_and_back() -> Iterator[Image]:
    """A pedestrian's shape crosses to the right and comes back: (90, 160, 3) uint8, 10 a second, for 12 s."""
    for number in range(120):
        image = np.full((90, 160, 3), 160, np.uint8)
        left = round(abs(60 - number) / 60 * 190) - 20
        image[40:70, max(0, left) : max(0, left + 12)] = 30
        yield image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples")
    write(path / "street.mp4", there_and_back())
    (path / "site.yaml").write_text(SITE)
    (path / "truth.yaml").write_text(TRUTH)
    return path


def documented(name: str) -> Iterator[tuple[str, Any]]:
    """A public name, and the public methods of a class that have examples."""
    value = getattr(passerby, name)
    yield name, value
    if inspect.isclass(value):
        for key, member in vars(value).items():
            if not key.startswith("_") and ">>>" in (inspect.getdoc(member) or ""):
                yield f"{name}.{key}", member


EXAMPLES = dict(pair for name in passerby.__all__ for pair in documented(name)) | {
    "testing.check_detector": testing.check_detector
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_gives_what_it_shows(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names = {"passerby": passerby, "line": LINE, "Path": Path}
    text = inspect.getdoc(EXAMPLES[name]) or ""
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert example.examples, f"{name}: expected an example"
    lines: list[str] = []
    doctest.DocTestRunner().run(example, out=lines.append)
    assert not lines, "".join(lines)
