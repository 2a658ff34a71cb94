"""What is named is found: files, folders, patterns and URLs; and nothing else is."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.errors import InputError, SourceError
from passerby.io import sources
from passerby.io.sources import Url, are_several, find, place_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MKV", "deep/er/c.ts", "notes.txt", ".hidden.mp4", ".cache/d.mp4", "truth.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video")
    return tmp_path


@pytest.fixture
def bucket() -> Callable[[str], str]:
    """Fills a folder of fsspec's memory, and tells its URL."""
    fsspec = pytest.importorskip("fsspec", reason="the extra `fleet` is not installed")
    system = fsspec.filesystem("memory")
    for name in ("b.mp4", "a.MKV", "deep/c.ts", "notes.txt", ".hidden.mp4"):
        system.pipe(f"/places/{name}", b"video")
    return lambda name: f"memory:///places{name}"


def test_a_folder_is_all_its_recordings_by_name(folder: Path) -> None:
    assert find([str(folder)]) == [folder / "a.MKV", folder / "b.mp4", folder / "deep/er/c.ts"]


def test_a_pattern_is_the_files_that_match_it(folder: Path) -> None:
    assert find([f"{folder}/*.mp4"]) == [folder / "b.mp4"]
    assert find([f"{folder}/**/*.ts"]) == [folder / "deep/er/c.ts"]
    assert find([f"{folder}/n*"]) == [folder / "notes.txt"]


def test_each_is_found_once_in_the_order_given(folder: Path) -> None:
    named = [str(folder / "b.mp4"), str(folder), str(folder / "b.mp4")]
    assert find(named) == [folder / "b.mp4", folder / "a.MKV", folder / "deep/er/c.ts"]


def test_a_name_with_a_bracket_in_it_is_a_file(folder: Path) -> None:
    path = folder / "b[1].mp4"
    path.write_bytes(b"video")
    assert find([str(path)]) == [path]
    assert not are_several([str(path)])


def test_a_folder_or_pattern_without_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no recording in this folder"):
        find([str(tmp_path)])
    with pytest.raises(InputError, match=r"\*\.mp4: no file of this name"):
        find([f"{tmp_path}/*.mp4"])


def test_a_file_is_a_single_recording_and_everything_else_is_several(folder: Path) -> None:
    assert not are_several([str(folder / "b.mp4")])
    assert not are_several(["no-such.mp4"])
    assert are_several([str(folder)])
    assert are_several([f"{folder}/b.mp*"])
    assert are_several([str(folder / "b.mp4"), str(folder / "a.MKV")])


def test_urls_are_found_like_files(bucket: Callable[[str], str]) -> None:
    def names(*texts: str) -> list[str]:
        return [str(one) for one in find(texts)]

    everything = [bucket("/a.MKV"), bucket("/b.mp4"), bucket("/deep/c.ts")]
    assert names(bucket("")) == names(bucket("/")) == everything
    assert names(bucket("/*.mp4")) == [bucket("/b.mp4")]
    assert names(bucket("/b.mp4")) == [bucket("/b.mp4")]
    assert are_several([bucket("")])
    assert are_several([bucket("/*.mp4")])
    assert not are_several([bucket("/b.mp4")])
    with pytest.raises((InputError, SourceError), match="no recording there"):
        find([bucket("/nothing/")])


def test_a_url_of_an_unknown_kind_is_refused() -> None:
    pytest.importorskip("fsspec", reason="the extra `fleet` is not installed")
    with pytest.raises(InputError, match=r"carrier://pigeon/a\.mp4: "):
        sources.UrlFile(Url("carrier://pigeon/a.mp4"))


def test_a_url_that_does_not_exist_is_reported() -> None:
    pytest.importorskip("fsspec", reason="the extra `fleet` is not installed")
    with pytest.raises(SourceError, match=r"memory://nowhere\.mp4: cannot be read"):
        sources.UrlFile(Url("memory://nowhere.mp4"))
    with pytest.raises(SourceError, match=r"memory://nowhere\.mp4: cannot be read"):
        sources.state_of(Url("memory://nowhere.mp4"))


def test_without_fsspec_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(InputError, match=r"URLs need fsspec.*passerby\[fleet\]"):
        sources.UrlFile(Url("memory://a.mp4"))


def test_a_url_is_shown_without_its_secrets() -> None:
    url = Url("https://anna:secret@host/2024/north_20240601_120000.mp4?token=secret")
    assert str(url) == "https://host/2024/north_20240601_120000.mp4"
    assert "secret" not in repr(url)
    assert url.name == "north_20240601_120000.mp4"


def test_paths_and_urls_are_distinguished() -> None:
    assert place_of("a.mp4") == Path("a.mp4")
    assert place_of("C:\\a.mp4") == Path("C:\\a.mp4")
    assert place_of("file:///a/b.mp4") == Path("/a/b.mp4")
    assert place_of("s3://bucket/a.mp4") == Url("s3://bucket/a.mp4")
    assert place_of("zip://a.mp4::s3://bucket/a.zip") == Url("zip://a.mp4::s3://bucket/a.zip")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_path_stays_the_same(text: str) -> None:
    assert place_of(Path(text)) == Path(text)


def test_a_changed_file_has_another_state(folder: Path) -> None:
    path = folder / "b.mp4"
    before = sources.state_of(path)
    assert sources.state_of(path) == before
    path.write_bytes(b"another video")
    assert sources.state_of(path) != before
