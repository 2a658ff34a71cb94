"""Finding weights by name and by path."""

from pathlib import Path

import pytest

from passerby.errors import ModelError
from passerby.models.catalogue import KNOWN, find, model_dir


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """`given`, `named` (by PASSERBY_MODEL_DIR) and `cache`, all empty."""
    places = {name: tmp_path / name for name in ("given", "named", "cache/models")}
    for place in places.values():
        place.mkdir(parents=True)
    monkeypatch.setenv("PASSERBY_MODEL_DIR", str(places["named"]))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")
    return {"given": places["given"], "named": places["named"], "cache": places["cache/models"]}


def put(folder: Path, name: str) -> Path:
    path = folder / name
    path.touch()
    return path


@pytest.mark.parametrize(
    "asked", ["yolox_nano", "yolox-nano", "YOLOX-Nano", "yolox_nano.onnx", "yolox-nano.onnx"]
)
def test_a_name_is_found_in_any_spelling(folders: dict[str, Path], asked: str) -> None:
    path = put(folders["given"], "yolox_nano.onnx")
    assert find(asked, folders["given"]) == path


@pytest.mark.parametrize(
    "asked", ["2002", "person-vehicle-bike-detection-2002", "person_vehicle_bike_detection_2002.xml"]
)
@pytest.mark.parametrize("precision", ["", ".FP16", ".FP16-INT8"])
def test_long_names_have_short_ones_and_need_no_precision(
    folders: dict[str, Path], asked: str, precision: str
) -> None:
    put(folders["given"], f"person-vehicle-bike-detection-2002{precision}.bin")
    path = put(folders["given"], f"person-vehicle-bike-detection-2002{precision}.xml")
    assert find(asked, folders["given"]) == path


@pytest.mark.parametrize("asked", ["0078", "crossroad-0078", "person-vehicle-bike-detection-crossroad-0078"])
def test_the_crossroad_model_is_found(folders: dict[str, Path], asked: str) -> None:
    path = put(folders["given"], "person-vehicle-bike-detection-crossroad-0078.FP32.xml")
    assert find(asked, folders["given"]) == path


def test_a_users_own_model_is_found_by_its_name(folders: dict[str, Path]) -> None:
    path = put(folders["named"], "our-street.onnx")
    assert find("our_street", folders["given"]) == path


def test_the_given_folder_comes_before_the_named_and_that_before_the_cache(folders: dict[str, Path]) -> None:
    for place in ("cache", "named", "given"):
        path = put(folders[place], "picodet_s_416_coco.onnx")
        assert find("picodet", folders["given"]) == path


def test_a_path_is_used_unchanged(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders["given"], "yolox_nano.onnx")
    path = put(tmp_path, "yolox_nano.onnx")
    assert find(str(path), folders["given"]) == path
    monkeypatch.chdir(tmp_path)
    assert find("./yolox_nano.onnx", folders["given"]).samefile(path)


def test_the_error_for_missing_weights_names_the_folders_and_how_to_get_them(
    folders: dict[str, Path],
) -> None:
    with pytest.raises(ModelError, match="get it with: passerby models pull yolox_nano") as refused:
        find("yolox-nano", folders["given"])
    assert all(str(folder) in str(refused.value) for folder in folders.values())
    with pytest.raises(ModelError, match="https://paddledet") as refused:
        find("picodet")
    assert str(folders["named"] / "picodet_s_416_coco.onnx") in str(refused.value)
    with pytest.raises(ModelError, match=r"yolov9: no such model in .* one of yolox_nano, "):
        find("yolov9")


@pytest.mark.parametrize("asked", ["absent/yolox_nano.onnx", "/absent/2002.xml", "absent/yolox_nano"])
def test_a_missing_path_is_not_searched_as_a_name(folders: dict[str, Path], asked: str) -> None:
    put(folders["named"], "yolox_nano.onnx")
    with pytest.raises(ModelError, match=f"{asked}: no such file"):
        find(asked)


def test_the_folder_is_the_named_one_or_the_cache(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model_dir() == folders["named"]
    monkeypatch.delenv("PASSERBY_MODEL_DIR")
    assert model_dir() == folders["cache"]


def test_known_weights_are_permissive_pinned_and_unambiguous() -> None:
    names = [name for weight in KNOWN for name in {weight.name, *weight.aliases}]
    assert len(names) == len(set(names))
    for weight in KNOWN:
        assert weight.licence in {"Apache-2.0", "MIT", "BSD-3-Clause"}
        assert weight.page.startswith("https://")
        for file in weight.files:
            assert file.url.startswith("https://")
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size_bytes > 0
