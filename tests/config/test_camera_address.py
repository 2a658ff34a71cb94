"""Addresses: what kind each is, what a path is relative to, and that none is told.

Invariant: a secret is looked for in every text that an address gives but `open_text`.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.config import site
from passerby.config.camera_address import Address, kind_of, problem_of
from passerby.errors import SiteError


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("rtsp://camera/stream", "rtsp"),
        ("RTSPS://camera/stream", "rtsp"),
        ("http://camera/live.m3u8", "http"),
        ("https://camera/mjpeg", "http"),
        ("/dev/video0", "v4l2"),
        ("v4l2:///dev/video0", "v4l2"),
        ("street.mp4", "file"),
        ("file:///srv/street.mp4", "file"),
        ("ftp://camera/x", None),
        ("concat:/etc/passwd|x://y", None),
    ],
)
def test_the_kind_is_that_of_the_scheme(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind
    assert (problem_of(text) is None) == (kind is not None)


def test_the_value_of_a_variable_is_not_checked() -> None:
    assert problem_of("${CAMERA}") is None
    assert problem_of("${SCHEME}://camera") is None
    assert problem_of("ftp://${HOST}/") is not None


@given(st.text(max_size=30))
def test_a_mistake_in_an_address_does_not_show_it(text: str) -> None:
    problem = problem_of(f"ftp://{text}")

    assert problem == problem_of("ftp://")


def test_paths_are_relative_to_the_site_file_and_addresses_are_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO", "b.mp4")
    (tmp_path / "c.address").write_text("c.mp4\n")
    sources = ["a.mp4", "'${VIDEO}'", "{file: c.address}", "/dev/video3", "/srv/d.mp4", "rtsp://camera/e"]
    text = "site: {name: a, timezone: UTC}\ncameras:\n" + "".join(
        f"  camera{n}: {{source: {source}}}\n" for n, source in enumerate(sources)
    )

    cameras = site.parse(text, tmp_path / "site.yaml").cameras
    opened = [camera.source.open_text() for camera in cameras if camera.source is not None]

    in_folder = [str(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4")]
    assert opened == [*in_folder, "/dev/video3", "/srv/d.mp4", "rtsp://camera/e"]


def test_a_camera_is_counted_on_its_substream_where_it_has_one() -> None:
    text = (
        "site: {name: a, timezone: UTC}\n"
        "cameras:\n"
        "  two: {source: 'rtsp://camera/1', substream: 'rtsp://camera/2', transport: udp}\n"
        "  one: {source: 'rtsp://camera/1'}\n"
        "  none: {}\n"
    )

    two, one, none = site.parse(text, Path("site.yaml")).cameras

    assert (two.watched, two.transport) == (Address("rtsp://camera/2"), "udp")
    assert (one.watched, one.transport) == (Address("rtsp://camera/1"), "tcp")
    assert none.watched is None


def test_mistakes_in_the_keys_of_streams_name_the_key_and_hide_the_address() -> None:
    text = (
        "site: {name: a, timezone: UTC}\n"
        "cameras:\n"
        "  north: {source: 'gopher://eye:geheim-7391@camera/1', substream: [], transport: sctp}\n"
        "  south: {substream: 'rtsp://eye:geheim-7391@camera/2'}\n"
    )

    with pytest.raises(SiteError) as refused:
        site.parse(text, Path("site.yaml"))
    found = "\n".join(refused.value.problems)

    assert len(refused.value.problems) == 3
    assert "cameras.north.source: found an address of no known kind" in found
    assert "cameras.north.substream: found no address" in found
    assert "cameras.north.transport: found 'sctp', expected tcp or udp" in found
    assert "geheim" not in found
    (warning,) = site.parse(
        "\n".join([*text.splitlines()[:2], text.splitlines()[3]]), Path("a.yaml")
    ).warnings
    assert "cameras.south.substream: holds a password in clear" in warning
    assert "geheim" not in warning
