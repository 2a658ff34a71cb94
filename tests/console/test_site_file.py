"""Changes of the site file by the console: comments and order stay, errors and races change nothing.

Invariant: assertions read the file, or the text that would be written.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml.comments import CommentedMap

from passerby.config import site
from passerby.console import policy_form, shapes, site_file
from passerby.console.pages.add_camera import NewCamera, change_of
from passerby.console.shapes import Shape
from passerby.console.site_file import mapping_at, point
from passerby.domain.policy import CrossingsPolicy
from passerby.errors import InputError, PolicyError, SiteError

TEXT = """\
# The quay, as agreed with the city
site: {name: quay, timezone: Europe/Copenhagen}   # one place

cameras:
  # looks north
  north:
    source: rtsp://user:secret@camera.local/stream
    detector: auto      # best
    lines:
      # the way in
      bridge: {from: [0.12, 0.80], to: [0.88, 0.74], names: [in, out], count: [person], corridor: 0.15}
      other:      # kept for the record
        from: [0.1, 0.2]
        to: [0.5, 0.20]
    zones:
      square: [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]]
    privacy: {rho: 6s, k: 2, epsilon: 1, chunk: 9s, warmup: 2s, clip: 6, every: 15m}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(TEXT)
    return path


def move(root: CommentedMap) -> None:
    mapping_at(root, "cameras", "north", "lines", "bridge")["from"] = point(0.2, 0.8)


def drawn(path: Path) -> tuple[Shape, ...]:
    return shapes.of_camera(site.load(path).camera("north"), ())


def propose(path: Path, changed: tuple[Shape, ...]) -> site_file.Proposal:
    return site_file.propose(path, shapes.change_of(site.load(path).camera("north"), changed))


def test_only_the_change_is_written(path: Path) -> None:
    proposal = site_file.propose(path, move)
    site_file.write(path, proposal)

    assert path.read_text() == TEXT.replace("from: [0.12, 0.80]", "from: [0.2, 0.8]")
    assert [line for line in proposal.difference if line.startswith(("+", "-"))] == [
        "-      bridge: {from: [0.12, 0.80], to: [0.88, 0.74], names: [in, out], count: [person], corridor: 0.15}",
        "+      bridge: {from: [0.2, 0.8], to: [0.88, 0.74], names: [in, out], count: [person], corridor: 0.15}",
    ]


def test_unchanged_shapes_change_nothing(path: Path) -> None:
    with pytest.raises(InputError, match="nothing was changed"):
        propose(path, shapes.from_browser(shapes.to_browser(drawn(path))))


def test_another_order_of_classes_is_no_change(path: Path) -> None:
    path.write_text(TEXT.replace("count: [person]", "count: [vehicle, bicycle]"))
    with pytest.raises(InputError, match="nothing was changed"):
        propose(path, shapes.from_browser(shapes.to_browser(drawn(path))))

    def reordered(root: CommentedMap) -> None:
        mapping_at(root, "cameras", "north", "lines", "bridge")["count"] = ["bicycle", "vehicle"]

    assert site_file.propose(path, reordered).privacy == ()


def test_a_line_is_renamed_in_its_place_and_keeps_its_comment(path: Path) -> None:
    bridge, second, square = drawn(path)
    renamed = Shape("line", "first", second.points, second.was)

    site_file.write(path, propose(path, (bridge, renamed, square)))

    assert path.read_text() == TEXT.replace("      other: ", "      first: ")


def test_lines_are_added_and_removed(path: Path) -> None:
    bridge, _, square = drawn(path)
    new = Shape("line", "gate: new", ((0.3, 0.3), (0.7, 0.35)), corridor=0.1, labels=("person", "car"))

    site_file.write(path, propose(path, (bridge, new, square)))

    camera = site.load(path).camera("north")
    assert [line.line.name for line in camera.lines] == ["bridge", "gate: new"]
    assert camera.lines[1].labels == ("person", "car")
    assert camera.lines[1].corridor == 0.1
    assert "# the way in" in path.read_text()


def test_changes_of_privacy_are_described(path: Path) -> None:
    def renamed_detector(root: CommentedMap) -> None:
        mapping_at(root, "cameras", "north")["detector"] = "motion"

    def longer(root: CommentedMap) -> None:
        mapping_at(root, "cameras", "north", "privacy")["rho"] = "7s"

    assert site_file.propose(path, renamed_detector).privacy == ()
    assert site_file.propose(path, longer).privacy == (
        "camera north, line bridge: rho changes from 6 s to 7 s",
        "camera north, line other: rho changes from 6 s to 7 s",
    )
    assert site_file.propose(path, move).privacy == ("camera north, line bridge: it is moved",)
    bridge, _, square = drawn(path)
    assert propose(path, (bridge, square)).privacy == ("camera north, line other: it is removed",)


def test_a_file_that_changed_meanwhile_is_not_overwritten(path: Path) -> None:
    proposal = site_file.propose(path, move)
    path.write_text(TEXT + "# by hand\n")

    with pytest.raises(InputError, match="another program changed the file"):
        site_file.write(path, proposal)

    assert path.read_text() == TEXT + "# by hand\n"


def test_an_invalid_site_is_not_proposed(path: Path) -> None:
    def wrong(root: CommentedMap) -> None:
        at = mapping_at(root, "cameras", "north", "lines", "bridge")
        at["from"] = point(1.2, 0.5)
        at["count"] = ["unicorn"]

    with pytest.raises(SiteError) as caught:
        site_file.propose(path, wrong)

    assert len(caught.value.problems) == 2
    assert "lies outside the frame" in caught.value.problems[0] + caught.value.problems[1]
    assert path.read_text() == TEXT


def test_a_difference_contains_no_password(path: Path) -> None:
    def near(root: CommentedMap) -> None:
        mapping_at(root, "cameras", "north")["detector"] = "motion"

    difference = "\n".join(site_file.propose(path, near).difference)

    assert "camera.local" in difference
    assert "secret" not in difference
    assert "user" not in difference


@pytest.mark.parametrize(
    "drawing",
    [
        None,
        {},
        [1],
        [{}],
        [{"kind": "face", "name": "x"}],
        [{**shapes.to_browser([Shape("line", "x", ((0, 0), (1, 1)))])[0], "points": [[0, 0]]}],
        [
            {
                **shapes.to_browser([Shape("line", "x", ((0, 0), (1, 1)))])[0],
                "points": [[0, 0], [float("nan"), 1]],
            }
        ],
        [{**shapes.to_browser([Shape("line", "x", ((0, 0), (1, 1)))])[0], "name": "x" * 500}],
        [{**shapes.to_browser([Shape("line", "x", ((0, 0), (1, 1)))])[0], "names": ["a"]}],
        [{**shapes.to_browser([Shape("line", "x", ((0, 0), (1, 1)))])[0], "corridor": "wide"}],
        [{}] * 1000,
    ],
)
def test_an_invalid_drawing_is_refused(drawing: object) -> None:
    with pytest.raises(InputError, match="a drawing: expected"):
        shapes.from_browser(drawing)


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (Shape("line", "", ((0.1, 0.1), (0.2, 0.2))), "the name is empty"),
        (Shape("line", "x", ((0.1, 0.1), (0.1, 0.1))), "no length"),
        (Shape("line", "x", ((0.1, 0.1), (0.2, 0.2)), names=("a", "a")), "two different names"),
        (Shape("zone", "x", ((0.1, 0.1), (0.2, 0.2))), "at least three corners"),
        (Shape("scale", "", ((0.1, 0.1), (0.2, 0.2))), "0.1 to 1000 m"),
    ],
)
def test_a_mistake_of_the_user_is_an_error(shape: Shape, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        shapes.check([shape])


@pytest.mark.slow
@given(name=st.text(max_size=30), x=st.floats(0, 1), corridor=st.one_of(st.none(), st.floats(0.01, 2)))
def test_any_line_is_refused_or_read_back_from_the_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, x: float, corridor: float | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(TEXT)
    new = Shape("line", name.strip(), ((round(x, 4), 0.0), (0.5, 1.0)), corridor=corridor)
    try:
        shapes.check([*drawn(path), new])
    except InputError:
        return

    site_file.write(path, propose(path, (*drawn(path), new)))

    line = site.load(path).camera("north").lines[-1]
    assert (line.line.name, line.line.start) == (new.name, new.points[0])
    assert line.corridor == (None if corridor is None else pytest.approx(corridor, abs=1e-4))


# The promise of a site

BARE = """\
site: {name: quay, timezone: UTC}   # one place
cameras:
  north: {lines: {gate: {from: [0, 0], to: [1, 1]}}}
"""


def bare(tmp_path: Path, text: str = BARE) -> Path:
    path = tmp_path / "bare.yaml"
    path.write_text(text)
    return path


def test_the_policy_of_a_site_is_written_once_at_the_top(tmp_path: Path) -> None:
    path, policy = bare(tmp_path), CrossingsPolicy()
    typed = {**policy_form.texts(policy), "epsilon": "0.5", "every": "1h"}
    proposal = site_file.propose(path, policy_form.change_of_site(policy, typed))

    assert proposal.text == BARE + "privacy: {epsilon: 0.5, every: 1h}\n"
    assert proposal.privacy == ("epsilon changes from 1 to 0.5", "every changes from 900 s to 3600 s")
    with pytest.raises(InputError, match="nothing was changed"):
        site_file.propose(path, policy_form.change_of_site(policy, policy_form.texts(policy)))
    with pytest.raises(PolicyError, match=r"privacy\.reserve"):
        policy_form.change_of_site(policy, {**policy_form.texts(policy), "reserve": "1"})


def test_another_promise_is_a_change_of_privacy(tmp_path: Path) -> None:
    def change(root: CommentedMap) -> None:
        root["privacy"] = {"promise": "footage"}

    assert site_file.propose(bare(tmp_path), change).privacy == (
        "the promise changes from crossings to footage",
    )


def test_under_crossings_a_moved_or_new_line_changes_nothing_of_the_promise(tmp_path: Path) -> None:
    def change(root: CommentedMap) -> None:
        lines = mapping_at(root, "cameras", "north", "lines")
        lines["gate"]["to"] = point(0.5, 0.5)
        lines["other"] = {"from": point(0.1, 0.1), "to": point(0.5, 0.5)}

    assert site_file.propose(bare(tmp_path), change).privacy == ()


@pytest.mark.parametrize(
    ("text", "has_policy"),
    [
        (BARE, False),
        (BARE + "privacy: {promise: footage}\n", False),
        (BARE.replace("}}}\n", "}}, privacy: {k: 2}}\n"), True),
    ],
)
def test_a_new_camera_gets_a_policy_of_its_own_only_where_the_others_have_theirs(
    tmp_path: Path, text: str, has_policy: bool
) -> None:
    new = NewCamera("south", "rtsp://camera.local/stream", "typed")
    path = bare(tmp_path, text)
    before = site.load(path)
    change, _ = change_of(path, new)
    after = site_file.result(path, change)

    assert after.promise == before.promise
    assert ("privacy: {rho" in site_file.propose(path, change).text) == has_policy
