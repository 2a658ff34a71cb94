"""A recording is decoded as requested, or one line says why not; a URL is read like a file."""

from pathlib import Path

import pytest
from av.codec.hwaccel import hwdevices_available
from tests.sample_videos import walkers, write
from tests.tiers import not_possible

from passerby.errors import InputError, SourceError
from passerby.io import sources
from passerby.io.sources import Url
from passerby.video.decode import container
from passerby.video.decode.source import FrameReader, probe


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("street") / "street.mp4", walkers(3))


def pictures(video: Path | Url, decode: str = container.SOFTWARE) -> list[tuple[int, bytes]]:
    return [(one.time_ms, one.luma.tobytes()) for one in FrameReader(probe(video, decode))]


def works(video: Path, decode: str) -> bool:
    try:
        return probe(video, decode).decode == decode
    except (InputError, SourceError):
        return False


def test_auto_never_fails_and_gives_the_same_pictures(street: Path) -> None:
    assert probe(street, "auto").decode in (container.SOFTWARE, *container.HARDWARE)
    assert pictures(street, "auto") == pictures(street)


def test_auto_uses_hardware_only_where_it_decodes(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (probe(street, "auto").decode == container.SOFTWARE) == (
        not any(works(street, one) for one in container.HARDWARE)
    )
    monkeypatch.setattr(container, "hwdevices_available", list)
    assert probe(street, "auto").decode == container.SOFTWARE


@pytest.mark.parametrize("decode", container.HARDWARE)
def test_hardware_gives_the_same_pictures_or_is_refused_in_one_line(street: Path, decode: str) -> None:
    if works(street, decode):
        assert pictures(street, decode) == pictures(street)
        return
    with pytest.raises((InputError, SourceError), match=f"{decode}.*software") as told:
        probe(street, decode)
    assert "\n" not in str(told.value)


def test_missing_hardware_is_an_error_that_lists_the_available_kinds(
    street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "hwdevices_available", lambda: ["qsv", "drm"])
    with pytest.raises(InputError, match=r"decode cuda: this PyAV was built without it \(it has qsv"):
        probe(street, "cuda")


@pytest.mark.skipif(
    "cuda" not in hwdevices_available(), reason=not_possible("this PyAV was built without CUDA")
)
def test_hardware_is_tried_only_on_readable_files(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    with pytest.raises(SourceError, match=r"broken\.mp4: cannot be read as a video"):
        probe(broken, "cuda")


def test_an_unknown_way_to_decode_is_refused(street: Path) -> None:
    with pytest.raises(InputError, match="decode gpu: expected one of auto, software, cuda"):
        probe(street, "gpu")


@pytest.mark.parametrize("decode", container.HARDWARE)
def test_avi_is_decoded_in_software(tmp_path: Path, decode: str) -> None:
    """Its pictures have no time of their own, and those that come back from a device have none at all."""
    path = write(tmp_path / "street.avi", walkers(1), codec="mpeg4")
    with pytest.raises((InputError, SourceError), match=f"{decode}.*software"):
        probe(path, decode)
    assert probe(path, "auto").decode == container.SOFTWARE


# From a URL


def test_a_url_is_read_like_the_file(street: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the extra `fleet` is not installed")
    url = Url("memory://opening/street.mp4")
    fsspec.filesystem("memory").pipe("/opening/street.mp4", street.read_bytes())
    assert pictures(url) == pictures(street)
    assert probe(url).path == url


def test_a_url_that_is_not_a_video_is_refused(street: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the extra `fleet` is not installed")
    fsspec.filesystem("memory").pipe("/opening/notes.mp4", b"no video")
    with pytest.raises(SourceError, match=r"memory://opening/notes\.mp4: cannot be read as a video"):
        probe(Url("memory://opening/notes.mp4"))


@pytest.mark.parametrize("error", [RuntimeError("token expired\nsecond line"), TimeoutError("timed out")])
@pytest.mark.parametrize("times", [1, 99])
def test_a_broken_download_is_retried_and_reported(
    street: Path, error: Exception, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the extra `fleet` is not installed")
    from fsspec.implementations.memory import MemoryFile

    mkv = write(street.with_suffix(".mkv"), walkers(60))
    fsspec.filesystem("memory").pipe("/opening/long.mkv", mkv.read_bytes())
    recording = probe(Url("memory://opening/long.mkv"))
    read = MemoryFile.read

    broken = 0

    def breaks(file: MemoryFile, size: int = -1) -> bytes:
        nonlocal broken
        if file.tell() > 40_000 and broken < times:
            broken += 1
            raise error
        return bytes(read(file, size))

    monkeypatch.setattr(MemoryFile, "read", breaks)
    monkeypatch.setattr(sources, "_PAUSES_S", (0.0, 0.0))
    if times == 1:
        assert len(list(FrameReader(recording))) == 600
        return
    with pytest.raises(SourceError, match=r"long\.mkv: reading stopped early \((token expired|timed out)\)"):
        list(FrameReader(recording))
