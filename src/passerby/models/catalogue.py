"""Weights of detectors: which are known, where they lie, and where their makers publish them.

Invariant: knows names, places and hashes; opens no file and no connection (`passerby.models.download` pulls).

Only weights under permissive licences are known here. A file can be pulled when its SHA-256 is known:
published by the maker, or, where the maker publishes none, agreed on by several projects that pinned it
independently of each other. Where neither is so, `page` says where to get the file by hand.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from passerby.errors import ModelError

SUFFIXES = (".onnx", ".xml")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a model: what it is called here, where its maker has it, its size and its SHA-256."""

    name: str
    url: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A model by name: its maker's page, its licence, other names for it, the files to pull (none where no
    hash is known) and the first line of what to know about it. The last file is the one that is loaded."""

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
    """Sizes and SHA-256 of the FP16-INT8 files as model.yml says in the zoo's own repository."""
    name = f"person-vehicle-bike-detection-{kind}"
    folder = f"{_ZOO_FILES}{release}/{name}/FP16-INT8/"
    # The graph comes last: where it lies, its weights lie beside it.
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
    Weights(
        "picodet_s_416_coco",
        "https://paddledet.bj.bcebos.com/deploy/third_engine/picodet_s_416_coco.onnx",
        "Apache-2.0",
        "classes as yolox_nano; 416x416; its maker publishes no hash, so the file is placed by hand",
        ("picodet", "picodet_s", "picodet_s_416"),
    ),
)


def model_dir() -> Path:
    """Where weights are kept: PASSERBY_MODEL_DIR, else the user's cache folder. It may not exist yet."""
    named = os.environ.get("PASSERBY_MODEL_DIR")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("passerby") / "models"


def known(name: str) -> Weights | None:
    """The weights of that name or alias, with or without suffix, `-` and `_` alike; None when unknown."""
    wanted = _plain(name)
    return next((w for w in KNOWN if wanted in {_plain(n) for n in (w.name, *w.aliases)}), None)


def find(name_or_path: str, folder: Path | None = None) -> Path:
    """The file of a detector: a path, or a name as in `known` looked for in `folder`, then in
    PASSERBY_MODEL_DIR, then in the cache. Raises ModelError when there is none."""
    path = Path(name_or_path).expanduser()
    if path.suffix in SUFFIXES and path.is_file():
        return path
    if path.name != name_or_path or path.is_file():
        raise _refused(path)
    if (found := located(name_or_path, folder)) is not None:
        return found
    looked = " and ".join(str(place) for place in _places(folder))
    weights = known(name_or_path)
    if weights is None:
        names = ", ".join(w.name for w in KNOWN)
        raise ModelError(f"{name_or_path}: no such model in {looked}; expected a path or one of {names}")
    raise ModelError(f"{weights.name}: not in {looked}; {how_to_get(weights)}")


def located(name: str, folder: Path | None) -> Path | None:
    """Where a model of that name lies, None where `find` would raise."""
    weights = known(name)
    wanted = {_plain(n) for n in (weights.name, *weights.aliases)} if weights else {_plain(name)}
    for place in _places(folder):
        # By name, FP16-INT8 comes before FP16 and FP32: the fastest is taken where several lie side by side.
        for path in sorted(place.glob("*")) if place.is_dir() else ():
            if path.suffix in SUFFIXES and path.is_file() and _plain(path.name) in wanted:
                return path
    return None


def how_to_get(weights: Weights) -> str:
    """What to do to have these weights, in words."""
    if weights.files:
        return f"get it with: passerby models pull {weights.name}"
    return f"get it at {weights.page} and put it at {model_dir() / (weights.name + '.onnx')}"


def _refused(path: Path) -> ModelError:
    if path.is_dir():
        return ModelError(f"{path}: a folder; expected a file that ends in {' or '.join(SUFFIXES)}")
    if not path.exists():
        return ModelError(f"{path}: no such file")
    if path.suffix == ".bin" and path.with_suffix(".xml").is_file():
        return ModelError(f"{path}: the weights alone; expected {path.with_suffix('.xml').name}")
    return ModelError(f"{path}: expected a file that ends in {' or '.join(SUFFIXES)}")


def _places(folder: Path | None) -> list[Path]:
    cache = platformdirs.user_cache_path("passerby") / "models"
    return list(dict.fromkeys(place for place in (folder, model_dir(), cache) if place is not None))


def _plain(name: str) -> str:
    """A name without suffix and precision, in lower case, `-` as `_`."""
    for ending in (*SUFFIXES, ".FP16-INT8", ".FP16", ".FP32"):
        name = name.removesuffix(ending)
    return name.lower().replace("-", "_")
