"""A good site file with one thing changed: it is a site still, or every line of the refusal names file, line and key.

Invariant: the good files, one of each promise, hold every key that there is; nothing here knows which values are right.
"""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_docs import site_keys
from tests.tiers import examples

from passerby.config import site
from passerby.errors import SiteError

POLICY = {"rho": "6s", "k": 2, "epsilon": 1, "chunk": "9s", "warmup": "2s", "clip": 6, "every": "15m"}
GOOD: dict[str, Any] = {
    "site": {"name": "quay", "timezone": "Europe/Copenhagen"},
    "page": {"operator": "City", "purpose": "Paths", "contact": "us", "url": "https://counts.example.org/"},
    "store": "postgresql://me:${PASSWORD}@db/counts",
    "ledger": "ledger.db",
    "mark": "ledger.mark",
    "state": "run",
    "cameras": {
        "north": {
            "source": "rtsp://camera.local/stream",
            "substream": {"file": "address"},
            "transport": "udp",
            "detector": "motion",
            "lines": {
                "bridge": {
                    "from": [0.1, 0.8],
                    "to": [0.9, 0.7],
                    "names": ["in", "out"],
                    "count": ["person", "bicycle"],
                    "anchor": "centre",
                    "arm": "Market Cross",
                    "corridor": 0.15,
                    "privacy": {"epsilon": 2},
                }
            },
            "zones": {"square": [[0, 0], [1, 0], [1, 1]]},
            "plan": "north.svg",
            "accuracy": {"share": 0.94, "day": "2026-10-01"},
            "privacy": POLICY,
        },
        "south": {},
    },
}
CROSSINGS: dict[str, Any] = {
    "site": {"name": "quay", "timezone": "UTC"},
    "privacy": {
        "promise": "crossings",
        "crossings": 4,
        "influence": 2,
        "epsilon": 1,
        "every": "15m",
        "reserve": 0.1,
    },
    "cameras": {"north": {"lines": {"bridge": {"from": [0.1, 0.8], "to": [0.9, 0.7]}}}},
}
FILES = (GOOD, CROSSINGS)
Path_ = tuple[str | int, ...]
TOLD = re.compile(r"site\.yaml:[1-9][0-9]*: (\S.*?): \S")


def paths_of(value: Any, here: Path_ = ()) -> Iterator[Path_]:
    inner: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, below in inner:
        yield (*here, key)
        yield from paths_of(below, (*here, key))


PLACES = st.sampled_from([(number, path) for number, good in enumerate(FILES) for path in paths_of(good)])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["6s", "1h", "0s", "-1s", "99999d", "9" * 5_000, "${X}", "off", "../../etc/passwd", "\0", "é\n"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.text(max_size=8) | st.sampled_from([*sorted(site_keys()), "file", "__class__", "<<", "a.b", "*"])


def mutated(data: st.DataObject) -> tuple[Any, Path_]:
    """A good file with a value changed, a key renamed, or something taken out; and where."""
    number, path = data.draw(PLACES)
    tree = copy.deepcopy(FILES[number])
    holder = tree
    for key in path[:-1]:
        holder = holder[key]  # type: ignore[index]
    last: Any = path[-1]
    what = data.draw(st.sampled_from(["value", "rename", "remove"]))
    if what == "remove" or (what == "rename" and not isinstance(holder, dict)):
        del holder[last]
    elif what == "rename":
        holder[data.draw(KEYS)] = holder.pop(last)
    else:
        holder[last] = data.draw(VALUES)
    return tree, path


def refusal(text: str) -> tuple[str, ...]:
    try:
        site.parse(text, Path("site.yaml"))
    except SiteError as refused:
        assert refused.problems  # noqa: PT017
        return refused.problems
    return ()


def test_the_good_files_are_good_and_hold_every_key() -> None:
    assert [refusal(json.dumps(good)) for good in FILES] == [(), ()]
    assert {key for good in FILES for path in paths_of(good) for key in path} >= site_keys()


@settings(max_examples=examples(60))
@given(st.data())
def test_a_single_change_is_a_site_or_an_error_with_file_line_and_key(data: st.DataObject) -> None:
    tree, path = mutated(data)

    for problem in refusal(json.dumps(tree, indent=1).replace("Infinity", ".inf").replace("NaN", ".nan")):
        assert len(problem.splitlines()) == 1
        found = TOLD.match(problem)
        assert found, problem
        # What is wrong lies in the part of the file that was changed.
        assert len(path) == 1 or found[1].split(".")[0] == path[0], problem


@settings(max_examples=examples(60))
@given(st.integers(0, len(json.dumps(GOOD))), st.binary(max_size=4), st.integers(0, 6))
def test_any_bytes_in_a_file_are_a_site_or_one_line_each(
    tmp_path_factory: Any, at: int, put: bytes, taken: int
) -> None:
    raw = json.dumps(GOOD).encode()
    file = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    file.write_bytes(raw[:at] + put + raw[at + taken :])

    try:
        site.load(file)
    except SiteError as refused:
        assert refused.problems  # noqa: PT017
        for problem in refused.problems:
            assert problem.startswith(f"{file}:")
            assert len(problem.splitlines()) == 1
