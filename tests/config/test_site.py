"""A site file: facts when it is right, every mistake at once when it is not, and never a password.

Invariant: each mistake is looked for in the whole message: file, line, key, and what was expected.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.config import site
from passerby.config.camera_address import Address
from passerby.config.site import CountedLine, Site
from passerby.domain.geometry import DEFAULT_CORRIDOR, Line, Zone
from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.errors import InputError, PasserbyError, PolicyError, SiteError

EXAMPLE = """\
site: {name: quay, timezone: Europe/Copenhagen}
cameras:
  north:
    source: rtsp://camera.local/stream
    detector: yolox-nano
    lines:
      bridge: {from: [0.12, 0.80], to: [0.88, 0.74], names: [in, out], count: [person, bicycle]}
    privacy: {rho: 6s, k: 2, epsilon: 1, chunk: 9s, warmup: 2s, clip: 6, every: 15m}
"""
NOTE = (
    "site.yaml:8: cameras.north.privacy: this file gives the footage promise, as before; the crossings promise "
    "(one key at the top of the file, privacy: {promise: crossings}, and none below) gives numbers with far less noise"
)
NAMED = EXAMPLE + "privacy: {promise: footage}\n"
"""The same with the name of its promise, so that there is nothing to note."""
SECRET = "hunter2:with@odd/letters"


def parse(text: str) -> Site:
    return site.parse(text, Path("site.yaml"))


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SiteError) as refused:
        parse(text)
    assert all(problem.startswith("site.yaml:") for problem in refused.value.problems)
    assert str(refused.value).splitlines() == list(refused.value.problems)
    return refused.value.problems


def test_the_example_of_the_design() -> None:
    found = parse(EXAMPLE)

    assert (found.name, found.timezone, found.warnings) == ("quay", "Europe/Copenhagen", (NOTE,))
    (camera,) = found.cameras
    policy = FootagePolicy(
        rho_ms=6_000, k=2, epsilon=1.0, clip=6, chunk_ms=9_000, warmup_ms=2_000, every_ms=900_000
    )
    assert (camera.name, camera.detector, camera.policy, camera.zones) == ("north", "yolox-nano", policy, ())
    assert camera.source is not None
    assert camera.source.open_text() == "rtsp://camera.local/stream"
    line = Line("bridge", (0.12, 0.80), (0.88, 0.74), ("in", "out"))
    assert camera.lines == (CountedLine(line, ("person", "bicycle"), DEFAULT_CORRIDOR, policy),)
    assert line.direction_name("to_right") == "in"


def test_keys_that_are_left_out_have_their_defaults() -> None:
    found = parse(
        "site: {name: a, timezone: UTC}\n"
        "cameras: {b: {lines: {c: {from: [0, 0], to: [1, 1]}}, zones: {d: [[0, 0], [1, 0], [1, 1]]}}, e: {}}"
    )

    first, second = found.cameras
    assert (first.source, first.detector, first.policy) == (None, "auto", None)
    assert first.lines == (CountedLine(Line("c", (0, 0), (1, 1)), None, DEFAULT_CORRIDOR, None),)
    assert first.zones == (Zone("d", ((0, 0), (1, 0), (1, 1))),)
    assert second.lines == ()


def test_a_line_may_have_its_own_policy_corridor_and_anchor() -> None:
    (camera,) = parse(
        EXAMPLE.replace("names: [in, out]", "corridor: off, anchor: centre, privacy: {rho: 4s, epsilon: 2}")
    ).cameras

    assert camera.policy == FootagePolicy()
    (line,) = camera.lines
    assert (line.corridor, line.line.anchor, line.policy) == (
        None,
        "centre",
        FootagePolicy(rho_ms=4_000, epsilon=2.0),
    )


def test_cameras_by_name() -> None:
    one = parse(EXAMPLE)
    two = parse(EXAMPLE + "  south: {}\n")

    assert one.camera().name == one.camera("north").name == "north"
    assert two.camera("south").name == "south"
    with pytest.raises(
        InputError, match=r"site\.yaml: found several cameras, expected --camera with one of: north, south"
    ):
        two.camera()
    with pytest.raises(InputError, match="no camera 'west', expected one of: north, south"):
        two.camera("west")


def policy_problem(privacy: str, line: str = "") -> str:
    with pytest.raises(SiteError) as refused:
        parse(
            "site: {name: quay, timezone: UTC}\ncameras:\n  north:\n    lines:\n"
            f"      bridge: {{from: [0, 0], to: [1, 1]{line}}}\n    privacy: {privacy}\n"
        )
    (problem,) = refused.value.problems
    return problem


@pytest.mark.parametrize(
    ("privacy", "line", "expected"),
    [
        (
            "{every: 1m}",
            "",
            "site.yaml:6: cameras.north.privacy.every: found 1m, which the chunk of 9s does not divide; "
            "expected such as 45s, 54s, 72s, 15m, or a chunk such as 6s, 10s",
        ),
        (
            "{every: 300s, chunk: 7s}",
            "",
            "site.yaml:6: cameras.north.privacy.every: found 300s, which the chunk of 7s does not divide; "
            "expected a chunk such as 5s, 6s",
        ),
        (
            "{chunk: 7s}",
            "",
            "site.yaml:6: cameras.north.privacy.chunk: found 7s, which does not divide every, 15m; "
            "expected such as 5s, 6s",
        ),
        (
            "{every: 15m}",
            ", privacy: {chunk: 8s}",
            "site.yaml:5: cameras.north.lines.bridge.privacy.chunk: found 8s, which does not divide every, 15m; "
            "expected such as 6s, 9s",
        ),
        (
            "{epsilon: 1}",
            ", privacy: {every: 5s}",
            "site.yaml:5: cameras.north.lines.bridge.privacy.every: found 5s, which the chunk of 9s does not divide; "
            "expected such as 9s, 18s, 27s, 15m, or a chunk such as 1s, 5s",
        ),
    ],
)
def test_a_policy_that_can_never_release_is_refused_in_the_units_of_the_file(
    privacy: str, line: str, expected: str
) -> None:
    assert policy_problem(privacy, line) == expected


def test_a_line_may_mend_what_does_not_fit_in_the_policy_of_its_camera() -> None:
    found = parse(
        "site: {name: quay, timezone: UTC}\ncameras: {north: {privacy: {every: 1m}, lines: "
        "{bridge: {from: [0, 0], to: [1, 1], privacy: {chunk: 6s}}}}}"
    )

    (line,) = found.camera().lines
    assert line.policy == FootagePolicy(every_ms=60_000, chunk_ms=6_000)


# The promise

BARE = "site: {name: quay, timezone: UTC}\ncameras:\n  north:\n    lines:\n      bridge: {from: [0, 0], to: [1, 1]}\n"


def test_a_file_without_a_promise_gives_crossings_with_the_defaults() -> None:
    found = parse(BARE)

    assert (found.promise, found.privacy) == ("crossings", CrossingsPolicy())
    assert [line.policy for line in found.camera().lines] == [None]
    assert found.warnings == ()


def test_the_crossings_promise_stands_once_for_the_whole_site() -> None:
    found = parse(
        BARE
        + "privacy: {promise: crossings, crossings: 2, influence: 3, epsilon: 0.5, every: 1h, reserve: 0}\n"
    )

    assert found.privacy == CrossingsPolicy(2, 3, 0.5, 3_600_000, 0.0)


def test_a_file_of_before_gives_footage_and_says_what_crossings_would_give() -> None:
    found = parse(EXAMPLE)

    assert (found.promise, found.privacy, found.warnings) == ("footage", None, (NOTE,))


def test_footage_at_the_top_is_the_policy_of_every_camera() -> None:
    found = parse(
        BARE.replace("1]}", "1], privacy: {epsilon: 2}}")
        + "    privacy: {k: 3}\n  south: {lines: {path: {from: [0, 0], to: [1, 1]}}}\n"
        + "privacy: {promise: footage, rho: 4s}\n"
    )

    assert (found.promise, found.privacy, found.warnings) == ("footage", None, ())
    north, south = found.cameras
    assert north.policy == FootagePolicy(rho_ms=4_000, k=3)
    assert north.lines[0].policy == FootagePolicy(rho_ms=4_000, k=3, epsilon=2)
    assert south.policy == south.lines[0].policy == FootagePolicy(rho_ms=4_000)


def test_both_promises_in_one_file_are_refused_at_each_camera_and_line() -> None:
    text = (
        BARE.replace("1]}", "1], privacy: {epsilon: 2}}") + "    privacy: {k: 3}\nprivacy: {crossings: 4}\n"
    )

    both = (
        "privacy: found both promises: crossings at the top of the file (line 7) and footage here; expected one, such "
        "as no privacy here"
    )
    assert problems(text) == (
        f"site.yaml:5: cameras.north.lines.bridge.{both}",
        f"site.yaml:6: cameras.north.{both}",
    )


@pytest.mark.parametrize(
    ("privacy", "problem"),
    [
        ("{crossings: 0}", "privacy.crossings: found 0, expected a whole number above 0"),
        ("{influence: 0}", "privacy.influence: found 0, expected a whole number above 0"),
        ("{influence: 1.5}", "privacy.influence: found 1.5, expected a whole number above 0"),
        ("{epsilon: }", "privacy.epsilon: found nothing, expected a finite number above 0, such as 1"),
        ("{epsilon: .inf}", "privacy.epsilon: found inf, expected a finite number above 0, such as 1"),
        ("{epsilon: 0}", "privacy.epsilon: found 0, expected a finite number above 0, such as 1"),
        ("{reserve: 1}", "privacy.reserve: found 1, expected a share from 0 to below 1, such as 0.1"),
        ("{reserve: -0.1}", "privacy.reserve: found -0.1, expected a share from 0 to below 1, such as 0.1"),
        (
            "{every: 7m}",
            "privacy.every: a bin of '7m': expected at least 1s and a whole number of bins in a day, such as 15m",
        ),
        ("{promise: pixels}", "privacy.promise: found 'pixels', expected crossings or footage"),
        (
            "{rho: 6s}",
            "privacy.rho: found a key of the footage promise, expected promise: footage beside it, or no such key",
        ),
        (
            "{promise: footage, reserve: 0}",
            "privacy.reserve: found a key of the crossings promise, expected promise: crossings beside it, or no such "
            "key",
        ),
        (
            "{promise: footage, chunk: 7s}",
            "privacy.chunk: found 7s, which does not divide every, 15m; expected such as 5s, 6s",
        ),
        (
            "3",
            "privacy: found 3, expected a mapping with some of promise, crossings, influence, epsilon, every, reserve",
        ),
    ],
)
def test_a_promise_that_cannot_hold_is_refused_in_one_line(privacy: str, problem: str) -> None:
    assert problems(f"{BARE}privacy: {privacy}\n") == (f"site.yaml:6: {problem}",)


@pytest.mark.parametrize(
    "given",
    [{"crossings": 0}, {"influence": 0}, {"epsilon": float("nan")}, {"every_ms": 420_000}, {"reserve": 1.0}],
)
def test_a_crossings_policy_that_cannot_hold_is_refused_when_it_is_made(given: dict[str, Any]) -> None:
    (key,) = given
    with pytest.raises(PolicyError, match=rf"^privacy\.{key.removesuffix('_ms')}: found .*, expected "):
        CrossingsPolicy(**given)


def test_a_policy_file_may_give_either_promise(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("privacy: {promise: crossings, epsilon: 2}")
    assert site.load_policy(path) == CrossingsPolicy(epsilon=2)

    path.write_text("privacy: {epsilon: 2}")
    assert site.load_policy(path) == FootagePolicy(epsilon=2)

    path.write_text("privacy: {crossings: 2}")
    with pytest.raises(
        SiteError, match=r"a key of the crossings promise, expected promise: crossings beside it"
    ):
        site.load_policy(path)


def test_zones_are_named_in_a_warning_because_nothing_counts_them() -> None:
    found = parse(
        "site: {name: quay, timezone: UTC}\ncameras:\n  north:\n    zones: {square: [[0, 0], [1, 0], [1, 1]]}\n"
    )

    assert found.warnings == ("site.yaml:4: cameras.north.zones: nothing is counted in zones yet",)


def test_a_site_names_its_store_ledger_mark_and_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    found = site.parse(
        NAMED
        + "store: 'postgresql://me:${PASSWORD}@db/counts'\nledger: data/ledger.db\nmark: l.mark\nstate: run\n",
        Path("/srv/site.yaml"),
    )

    assert found.store is not None
    assert found.ledger is not None
    assert found.store.open_text() == "postgresql://me:hunter2@db/counts"
    assert found.ledger.open_text() == "/srv/data/ledger.db"
    assert (found.mark, found.state) == (Path("/srv/l.mark"), Path("/srv/run"))
    assert "hunter2" not in repr(found)
    assert found.warnings == ()


def test_a_database_with_a_password_in_clear_or_a_variable_that_is_not_set_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    found = parse(
        NAMED + "store: postgresql://me:hunter2@db/counts\nledger: 'postgresql+psycopg://me:${NO_SUCH}@db'\n"
    )

    assert [warning.partition(": ")[2] for warning in found.warnings] == [
        "store: holds a password in clear, better ${VARIABLE}",
        "ledger: the environment variable NO_SUCH is not set",
    ]
    assert found.ledger is not None
    with pytest.raises(SiteError, match="ledger: the environment variable NO_SUCH is not set"):
        found.ledger.open_text()


def test_a_database_of_no_known_kind_is_refused_and_not_shown() -> None:
    with pytest.raises(SiteError) as refused:
        parse(EXAMPLE + "store: mysql://me:hunter2@db/counts\nledger: 3\nmark: []\nstate: ''\n")

    found = [problem.partition(": ")[2] for problem in refused.value.problems]
    assert [problem.split(": ")[0] for problem in found] == ["store", "ledger", "mark", "state"]
    assert "hunter2" not in str(refused.value)


MISTAKES = """\
site: {name: quay, timezone: Europe/Kopenhagen}
cameras:
  north:
    sorce: 3
    source: [a]
    detector: 3
    detector: motion
    lines:
      bridge: {from: [0.12], to: [0.88, 1.74], names: [in, in], count: [persn], anchor: top, corridor: -1}
      short: {from: [0.1, 0.1], to: [0.1, 0.1]}
      half: {from: [0, 0]}
      nothing:
    zones: {a: [[0, 0], [1, 1], [0.5, 0.5]], b: 3}
    privacy: {rho: 0s, k: 0, epsilon: .inf, chunk: 9, warmup: -1s, clip: true, every: 7m}
  '': {}
  south: 4
  east:
    privacy: {chunk: 20m}
kameras: {}
"""


def test_every_mistake_is_reported_at_once_with_its_line_its_key_and_the_expected_value() -> None:
    found = problems(MISTAKES)
    expected = [
        ("1: site.timezone: found 'Europe/Kopenhagen'", "IANA name"),
        ("4: cameras.north.sorce: ", "expected source"),
        ("5: cameras.north.source: ", "expected an address"),
        ("6: cameras.north.detector: found 3", "expected a name"),
        ("7: cameras.north.detector: found twice, first on line 6", "expected once"),
        ("9: cameras.north.lines.bridge.anchor: found 'top'", "expected bottom or centre"),
        ("9: cameras.north.lines.bridge.corridor: found -1", "or off"),
        ("9: cameras.north.lines.bridge.count: found the class 'persn'", "expected person"),
        ("9: cameras.north.lines.bridge.from: found a list of 1", "a point [x, y]"),
        ("9: cameras.north.lines.bridge.names: found 'in' for both", "two different names"),
        ("9: cameras.north.lines.bridge.to: found 0.88, 1.74", "fractions from 0 to 1"),
        ("10: cameras.north.lines.short: it has no length", "two different points"),
        ("11: cameras.north.lines.half.to: found nothing", "a point [x, y]"),
        ("12: cameras.north.lines.nothing: found nothing", "from, to, names"),
        ("13: cameras.north.zones.a: found corners on one line", "expected an area"),
        ("13: cameras.north.zones.b: found 3", "three points"),
        ("14: cameras.north.privacy.chunk: found 9", "such as 6s"),
        ("14: cameras.north.privacy.clip: found true", "a whole number above 0"),
        ("14: cameras.north.privacy.epsilon: found inf", "a finite number above 0"),
        ("14: cameras.north.privacy.every: ", "a whole number of bins in a day"),
        ("14: cameras.north.privacy.k: found 0", "a whole number above 0"),
        ("14: cameras.north.privacy.rho: found '0s'", "above 0"),
        ("14: cameras.north.privacy.warmup: ", "no duration"),
        ("15: cameras.'': the name is empty", "expected a name"),
        ("16: cameras.south: found 4", "expected a mapping with some of source"),
        (
            "18: cameras.east.privacy.chunk: found 20m",
            "does not divide every, 15m; expected such as 450s, 15m",
        ),
        ("19: kameras: ", "expected cameras"),
    ]

    assert len(found) == len(expected)
    for problem, (begins, holds) in zip(found, expected, strict=True):
        assert problem.startswith(f"site.yaml:{begins}")
        assert holds in problem


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", "site.yaml:1: found nothing, expected the keys site and cameras"),
        ("# only a remark\n", "site.yaml:1: found nothing"),
        ("[]", "site.yaml:1: found a list of 0, expected the keys"),
        ("quay", "site.yaml:1: found 'quay', expected the keys"),
        ("{}", "site.yaml:1: cameras: found nothing, expected a mapping"),
        ("site:\n\tname: a\n", "site.yaml:2: no valid YAML: found a tab, expected spaces"),
        ("site: [\n", "site.yaml:2: no valid YAML"),
        ("site: {a: 1", "site.yaml:1: no valid YAML: expected ',' or '}', but got '<stream end>'"),
        ("site: *name\n", "site.yaml:1: no valid YAML: found undefined alias"),
        ("a: 1\n---\nb: 2\n", "site.yaml:2: no valid YAML"),
        ("site: \x00", "site.yaml:1: no valid YAML"),
        ("a: &a [*a]", "site.yaml:1: nested too deep"),
        ("[" * 10_000, "site.yaml:1: nested too deep"),
        ("[" * 100 + "]" * 100, "site.yaml:1: nested too deep"),
        ("site: !!python/object:os.system {}\ncameras: 1", "site.yaml:1: site: found a tag"),
        ("!x {}", "site.yaml:1: the file: found a tag"),
        ("site: {name: a, timezone: UTC}\ncameras: {}\n", "site.yaml:2: cameras: found none"),
        ("? [a]\n: 1\n", "site.yaml:1: the file: found a list or mapping for a key"),
    ],
)
def test_texts_that_are_no_site_file_are_refused(text: str, begins: str) -> None:
    assert [problem for problem in problems(text) if problem.startswith(begins)]


def test_many_aliases_of_aliases_are_refused_before_they_fill_the_memory() -> None:
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))

    assert problems(f"a0: &a0 [x]\n{layers}") == ("site.yaml:1: nested too deep, expected a site file",)


def test_an_alias_is_the_value_that_it_names() -> None:
    found = parse(EXAMPLE.replace("    privacy: {", "    privacy: &p {") + "  south: {privacy: *p}\n")

    assert found.camera("south").policy == found.camera("north").policy


def test_an_anchor_used_twice_is_no_warning_that_quotes_the_file() -> None:
    found = parse(EXAMPLE.replace("privacy: {", "privacy: &p {") + "  south: {privacy: &p {k: 3}}\n")

    assert found.camera("south").policy == FootagePolicy(k=3)


def write_folder(path: Path) -> None:
    path.mkdir()


def write_latin(path: Path) -> None:
    path.write_bytes("site: {name: Århus}".encode("latin-1"))


def write_too_much(path: Path) -> None:
    path.write_bytes(b"#" * 2_000_000)


@pytest.mark.parametrize(
    ("write", "cause"),
    [
        (None, "No such file"),
        (write_folder, "Is a directory"),
        (write_latin, "no text in UTF-8"),
        (write_too_much, "larger than"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, write: Callable[[Path], None] | None, cause: str) -> None:
    path = tmp_path / "site.yaml"
    if write is not None:
        write(path)
    with pytest.raises(SiteError) as refused:
        site.load(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert cause in str(refused.value)
    assert len(refused.value.problems) == 1


def test_a_text_that_is_no_path_is_refused() -> None:
    with pytest.raises(SiteError, match="could not be read"):
        site.load(Path("a\0b"))


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.encode())

    assert site.load(path).name == "quay"


# Secrets


def test_a_password_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    text = NAMED.replace("rtsp://camera.local", "rtsp://me:${CAMERA_KEY}@camera.local")
    monkeypatch.delenv("CAMERA_KEY", raising=False)
    unset = parse(text)
    assert unset.warnings == (
        "site.yaml:4: cameras.north.source: the environment variable CAMERA_KEY is not set",
    )
    source = unset.camera().source
    assert source is not None
    with pytest.raises(SiteError, match="CAMERA_KEY is not set"):
        source.open_text()

    monkeypatch.setenv("CAMERA_KEY", SECRET)
    assert parse(text).warnings == ()
    assert source.open_text() == f"rtsp://me:{SECRET}@camera.local/stream"
    assert SECRET not in repr(source)


def test_an_address_from_a_file_beside_the_site_file(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(EXAMPLE.replace("rtsp://camera.local/stream", "{file: north.address}"))
    source = site.load(path).camera().source
    assert source is not None
    with pytest.raises(SiteError, match=r"north\.address: the address of a camera could not be read"):
        source.open_text()

    (tmp_path / "north.address").write_text(f"rtsp://me:{SECRET}@camera.local\n")
    assert source.open_text() == f"rtsp://me:{SECRET}@camera.local"
    assert SECRET not in repr(source)


def test_a_password_in_clear_is_a_warning_that_does_not_show_it() -> None:
    found = parse(NAMED.replace("rtsp://camera.local", "rtsp://me:hunter2@camera.local"))

    (warning,) = found.warnings
    assert "password in clear" in warning
    assert "hunter2" not in warning + repr(found) + str(found)
    assert found.camera().source == Address("rtsp://me:hunter2@camera.local/stream")


@pytest.mark.parametrize(
    "place",
    [
        "source: [{}]",
        "source: {{{}: 1}}",
        "source: {{file: [{}]}}",
        "source: 1\n    source: {}",
        "sorce: {}",
        "detector: [{}]",
        "detector: {}\n    lines: {}",
        "lines: {{a: {{from: '{}', to: [0, 0]}}}}",
        "lines: {{a: {{count: ['{}']}}}}",
        "lines: {{'{}': 1}}",
        "privacy: {{rho: '{}'}}",
        "privacy: {{every: '{}'}}",
        "privacy: {{epsilon: '{}'}}",
        "source: !{}",
        "? [{}]\n    : 1",
        "source: *{}",
        "source: '{}",
        'source: "{}',
        "source: {}: x: y",
        "source: |{}",
        "'{}': 1",
    ],
)
def test_no_message_shows_a_password(place: str) -> None:
    address = "rtsp://me:hunter2@camera.local/and/a/path/that/is/long/enough/to/be/cut"
    lines = place.format(*[address] * place.count("{}"))
    found = problems(
        EXAMPLE.replace(
            "    source: rtsp://camera.local/stream\n    detector: yolox-nano\n", f"    {lines}\n"
        )
    )

    assert "hunter2" not in "\n".join(found)


# Policies


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("rho_ms", value) for value in (0, -1, 1.5, True)],
        *[("k", value) for value in (0, -1, 1.0, True)],
        *[("epsilon", value) for value in (0, -1.0, float("inf"), float("nan"), True)],
        *[("clip", value) for value in (0, -1, 0.5)],
        *[("chunk_ms", value) for value in (0, -9_000, 900_001)],
        *[("warmup_ms", value) for value in (-1, 0.5)],
        *[("every_ms", value) for value in (0, 999)],
    ],
)
def test_values_that_no_policy_can_have_are_refused_with_their_key(key: str, value: Any) -> None:
    with pytest.raises(PolicyError, match=key.removesuffix("_ms")):
        FootagePolicy(**{key: value})


def test_a_large_epsilon_is_a_warning() -> None:
    assert parse(NAMED.replace("epsilon: 1", "epsilon: 5")).warnings == ()
    (warning,) = parse(NAMED.replace("epsilon: 1", "epsilon: 6")).warnings

    assert warning.startswith("site.yaml:8: cameras.north.privacy.epsilon: 6 is above 5")


def test_a_lines_own_large_epsilon_is_a_warning_of_that_line() -> None:
    (warning,) = parse(NAMED.replace("names: [in, out]", "privacy: {epsilon: 9}")).warnings

    assert warning.startswith("site.yaml:7: cameras.north.lines.bridge.privacy.epsilon: 9")


# Any text


def is_told_well(text: str) -> None:
    try:
        parse(text)
    except SiteError as refused:
        assert refused.problems  # noqa: PT017
        assert all(problem.startswith("site.yaml:") for problem in refused.problems)  # noqa: PT017
        assert all(len(problem.splitlines()) == 1 for problem in refused.problems)  # noqa: PT017


@given(st.text())
def test_any_text_is_a_site_or_a_site_error(text: str) -> None:
    is_told_well(text)


PIECES = st.sampled_from(
    [
        *" \n\t:-[]{},'\"#&*!|>%@`?~\x85\u2028\ufeff",
        *("\n  ", "\n    ", "<<: *a", "&a ", "!!int x", "!!binary =", "0o9", "1_0", "0x", ".nan", "1e999"),
        *("2001-12-14t21:59:43.10-05:00", "9" * 5_000, "---", "...", "%YAML 1.1\n"),
    ]
)


@given(st.data())
def test_the_example_with_pieces_put_in_is_a_site_or_a_site_error(data: st.DataObject) -> None:
    text = EXAMPLE
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(text)))
        last = data.draw(st.integers(first, min(len(text), first + 8)))
        text = text[:first] + data.draw(PIECES) + text[last:]
    is_told_well(text)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["6s", "off"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
PATHS = [
    *[("site",), ("site", "name"), ("site", "timezone"), ("cameras",), ("cameras", "north")],
    *[("cameras", "north", key) for key in ("source", "detector", "lines", "zones", "privacy", "other")],
    *[("cameras", "north", "zones", "z"), ("cameras", "north", "lines", "bridge")],
    *[
        ("cameras", "north", "lines", "bridge", key)
        for key in ("from", "to", "names", "count", "anchor", "corridor", "privacy")
    ],
    *[
        ("cameras", "north", "privacy", key)
        for key in ("rho", "k", "epsilon", "chunk", "warmup", "clip", "every")
    ],
]


@given(st.sampled_from(PATHS), values)
def test_any_value_anywhere_is_a_site_or_a_site_error(path: tuple[str, ...], value: Any) -> None:
    tree: dict[str, Any] = {
        "site": {"name": "quay", "timezone": "UTC"},
        "cameras": {
            "north": {
                "lines": {"bridge": {"from": [0, 0], "to": [1, 1]}},
                "zones": {},
                "privacy": {"rho": "6s"},
            }
        },
    }
    inner = tree
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value

    is_told_well(flow(tree))


def flow(value: Any) -> str:
    """YAML in its flow style; text in double quotes, as in JSON."""
    return json.dumps(value).replace("Infinity", ".inf").replace("NaN", ".nan")


def test_a_site_error_is_a_passerby_error() -> None:
    assert issubclass(SiteError, PasserbyError)
