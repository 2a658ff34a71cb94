"""The known weights of detectors: their names, their files on this machine, and their makers' addresses.

Invariant: lists names, folders and hashes; reads no file and opens no connection (`passerby.models.download` does).

Only weights under permissive licences are listed. A file can be pulled if its SHA-256 is known: the maker published
it, or several projects pinned the same hash independently. Otherwise the file is downloaded by hand from `page`.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from passerby.errors import ModelError

SUFFIXES = (".onnx", ".xml")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a model: its name on this machine, its maker's URL, its size and its SHA-256."""

    name: str
    url: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A model: its name, its maker's page, its licence, a note of one line, other names for it, and its files.

    `files` is empty if no hash is known. The last file is the one that is loaded."""

    name: str
    page: str
    licence: str
    note: str
    aliases: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()


_YOLOX_PAGE = "https://github.com/Megvii-BaseDetection/YOLOX/releases/tag/0.1.1rc0"
_ZOO_PAGE = "https://github.com/openvinotoolkit/open_model_zoo/tree/master/models/intel/"
_ZOO_FILES = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/"


def _yolox(kind: str, size_bytes: int, sha256: str, note: str) -> Weights:
    url = f"https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_{kind}.onnx"
    file = RemoteFile(f"yolox_{kind}.onnx", url, size_bytes, sha256)
    return Weights(f"yolox_{kind}", _YOLOX_PAGE, "Apache-2.0", note, files=(file,))


def _zoo(kind: str, release: str, weights: tuple[int, str], graph: tuple[int, str], note: str) -> Weights:
    """A model of Open Model Zoo; sizes and SHA-256 of its FP16-INT8 files are from the zoo's model.yml."""
    name = f"person-vehicle-bike-detection-{kind}"
    folder = f"{_ZOO_FILES}{release}/{name}/FP16-INT8/"
    # The graph comes last, because the last file is loaded; its weights are read from beside it.
    files = (
        RemoteFile(f"{name}.FP16-INT8.bin", f"{folder}{name}.bin", *weights),
        RemoteFile(f"{name}.FP16-INT8.xml", f"{folder}{name}.xml", *graph),
    )
    aliases = (kind, kind.removeprefix("crossroad-"))
    return Weights(name, _ZOO_PAGE + name, "Apache-2.0", note, aliases, files)


KNOWN = (
    _yolox(
        "nano",
        3_659_407,
        "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
        "people, cyclists and five kinds of vehicle; the fastest of its family; 416x416 as published",
    ),
    _yolox(
        "tiny",
        20_219_662,
        "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
        "as yolox_nano, better and slower; 416x416",
    ),
    _yolox(
        "s",
        35_858_002,
        "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
        "as yolox_tiny, better and slower; 640x640",
    ),
    _zoo(
        "2000",
        "2021.4/models_bin/3",
        (1_932_488, "9aada313d051475fa0e6dbfff2301d35d03ff5e510b8c78a78134383bdb81b17"),
        (454_058, "29ea3386b56112e54a636f52bf3ccd5d40430421ba9703097cc5989a4e4bfd94"),
        "for fixed cameras, sees cars from above; 256x256; needs passerby[openvino]",
    ),
    _zoo(
        "2001",
        "2021.3/models_bin/1",
        (2_149_931, "7229e8d196524e290ad66c00bb11f8d54f343dbca1f4a1f8013165ba5a001c50"),
        (406_608, "0d41ff49f19c2430ad14d504892154b5b34ad89f33951a86972ab2c2e72f2acd"),
        "as 2000, better and slower; 384x384; needs passerby[openvino]",
    ),
    _zoo(
        "2002",
        "2021.4/models_bin/3",
        (1_290_337, "cd91476962a106ca9447dcf6e61ab3d1ace0e4208d6ee90227cd476b9a5b934c"),
        (479_369, "2f37b305068e026c5a246c04f756cde4a4bce2b8beb942dbaeedb5c4b993db5a"),
        "as 2001, better and slower; 512x512; needs passerby[openvino]",
    ),
    _zoo(
        "crossroad-0078",
        "2021.2/models_bin/1",
        (1_228_707, "50c69b2139e947eb8c4cc4f4324148aff8f4f9a0e3c9af5541167efc014be0f5"),
        (1_090_287, "d3a988a7f70c64286a1724435d8ecd385c0d179b4d22c48fe447514d24ca7db2"),
        "for crossroads; 1024x1024; needs passerby[openvino]",
    ),
    *(
        Weights(
            f"person-vehicle-bike-detection-{kind}",
            f"{_ZOO_PAGE}person-vehicle-bike-detection-{kind}",
            "Apache-2.0",
            note,
            (kind, kind.removeprefix("crossroad-")),
        )
        for kind, note in (
            (
                "2004",
                "quicker than 2002; 448x256; needs passerby[openvino]",
            ),
            ("2003", "as 2004, slower; 864x480; needs passerby[openvino]"),
            ("crossroad-1016", "for crossroads; 512x512; needs passerby[openvino]"),
        )
    ),
    Weights(
        "picodet_s_416_coco",
        "https://paddledet.bj.bcebos.com/deploy/third_engine/picodet_s_416_coco.onnx",
        "Apache-2.0",
        "classes as yolox_nano; 416x416; its maker publishes no hash: download it by hand",
        ("picodet", "picodet_s", "picodet_s_416"),
    ),
)


def model_dir() -> Path:
    """The folder of the weights: PASSERBY_MODEL_DIR, else the user's cache folder. It may not exist yet."""
    folder = os.environ.get("PASSERBY_MODEL_DIR")
    return Path(folder).expanduser() if folder else platformdirs.user_cache_path("passerby") / "models"


def known(name: str) -> Weights | None:
    """The weights with this name or alias; None if unknown. The suffix is optional, and `-` equals `_`."""
    plain = _plain(name)
    return next((w for w in KNOWN if plain in {_plain(n) for n in (w.name, *w.aliases)}), None)


def find(name_or_path: str, folder: Path | None = None) -> Path:
    """The file of a detector. `name_or_path` is a path, or a name as in `known`.

    A name is searched for in `folder`, then in PASSERBY_MODEL_DIR, then in the user's cache. Raises ModelError if
    there is no such file."""
    path = Path(name_or_path).expanduser()
    if path.suffix in SUFFIXES and path.is_file():
        return path
    if path.name != name_or_path or path.is_file():
        raise _path_error(path)
    if (local := located(name_or_path, folder)) is not None:
        return local
    searched = " and ".join(str(searched) for searched in _folders(folder))
    weights = known(name_or_path)
    if weights is None:
        names = ", ".join(w.name for w in KNOWN)
        raise ModelError(f"{name_or_path}: no such model in {searched}; expected a path or one of {names}")
    raise ModelError(f"{weights.name}: not in {searched}; {how_to_get(weights)}")


def located(name: str, folder: Path | None) -> Path | None:
    """The file of the model with this name, None where `find` would raise."""
    weights = known(name)
    names = {_plain(n) for n in (weights.name, *weights.aliases)} if weights else {_plain(name)}
    for searched in _folders(folder):
        # Sorted by name, FP16-INT8 comes before FP16 and FP32: the fastest of several precisions is taken.
        for path in sorted(searched.glob("*")) if searched.is_dir() else ():
            if path.suffix in SUFFIXES and path.is_file() and _plain(path.name) in names:
                return path
    return None


def how_to_get(weights: Weights) -> str:
    """How to get these weights, as a sentence for the user."""
    if weights.files:
        return f"get it with: passerby models pull {weights.name}"
    place = model_dir() / weights.name
    if weights.page.startswith(_ZOO_PAGE):
        return f"get it at {weights.page} and put its .xml and .bin at {place}.FP16-INT8.xml and .bin"
    return f"get it at {weights.page} and put it at {place}.onnx"


def _path_error(path: Path) -> ModelError:
    if path.is_dir():
        return ModelError(f"{path}: a folder; expected a file that ends in {' or '.join(SUFFIXES)}")
    if not path.exists():
        return ModelError(f"{path}: no such file")
    if path.suffix == ".bin" and path.with_suffix(".xml").is_file():
        return ModelError(f"{path}: the weights alone; expected {path.with_suffix('.xml').name}")
    return ModelError(f"{path}: expected a file that ends in {' or '.join(SUFFIXES)}")


def _folders(folder: Path | None) -> list[Path]:
    """The folders that are searched, in their order."""
    cache = platformdirs.user_cache_path("passerby") / "models"
    return list(dict.fromkeys(path for path in (folder, model_dir(), cache) if path is not None))


def _plain(name: str) -> str:
    """A name without suffix and precision, in lower case, with `_` for `-`."""
    for ending in (*SUFFIXES, ".FP16-INT8", ".FP16", ".FP32"):
        name = name.removesuffix(ending)
    return name.lower().replace("-", "_")
