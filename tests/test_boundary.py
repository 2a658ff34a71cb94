"""Code that reads pictures cannot publish, and code that publishes cannot read pictures: the import rules hold.

Invariant: every rule has a planted violation that breaks it.

import-linter (contracts in pyproject.toml) reads import statements. Other ways are found here in the syntax tree:
imports by name, code from text, names reached through another module, files written by the rooms that see pictures.
"""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

ROOMS = tuple(
    path.parent.relative_to(SRC / "passerby").as_posix()
    for path in (SRC / "passerby").rglob("__init__.py")
    if path.parent.name not in {"passerby", "cli", "synth", "migrations"}
)
NO_CODE_FROM_TEXT = {"__import__", "eval", "exec", "compile"}
NO_IMPORT_BY_NAME = {
    "importlib",
    "importlib.util",
    "importlib.machinery",
    "runpy",
    "pkgutil",
    "imp",
    "zipimport",
}
NO_PICKLE = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
# Functions of numpy, OpenCV, Pillow and pathlib that write. The rooms that see pictures write only the approved one.
WRITES = {
    *("save", "savez", "savez_compressed", "savetxt", "tofile", "dump", "dumps", "memmap", "open_memmap"),
    *("imwrite", "imencode", "write_bytes", "write_text", "VideoWriter"),
}
MAY_WRITE_A_PICTURE = ("video/scene/annotated_image.py",)
MAY_MAKE_A_VIDEO = "synth/"
THE_CALLERS = {"pandas", "polars"}  # imported only for a caller who asks for a table of theirs
DEBIANS_OWN = "rtsp_server.py"  # run by Debian's Python with Debian's gi; imports nothing of passerby
PUBLIC_NAMES = "__init__.py"  # imports each at its first use; tests/test_public_names.py lists them
# Makes a module absent, with nothing in its place: OpenVINO's telemetry is prevented so.
MAKES_ABSENT = re.compile(r"sys\.modules\.setdefault\('[\w.]+', None\)")
# OpenCV contains these; nothing may call them.
FACES_IN_OPENCV = {"CascadeClassifier", "FaceDetectorYN", "FaceRecognizerSF", "face"}
FORBIDDEN_LIBRARIES = {
    library
    for contract in PROJECT["tool"]["importlinter"]["contracts"]
    if contract["name"].startswith("5.")
    for library in contract["forbidden_modules"]
}


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """(line, module, name bound) of every import, wherever in the file it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, alias.asname or alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}", alias.asname or alias.name


def open_mode(call: ast.Call, position: int) -> ast.expr | None:
    """The mode argument of `open`; None where it is left out, which means reading."""
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    return modes[0] if modes else call.args[position] if len(call.args) > position else None


def gives_frames(origin: str, trees: dict[str, ast.Module]) -> bool:
    """Whether `origin` is of the frame module, or a function or a class with a method that returns frames or images."""
    module, _, name = origin.rpartition(".")
    tree = trees.get(module.removeprefix("passerby.").replace(".", "/") + ".py", ast.Module([], []))
    answers = [
        ast.unparse(node.returns)
        for named in ast.walk(tree)
        if isinstance(named, ast.FunctionDef | ast.ClassDef) and named.name == name
        for node in ast.walk(named)
        if isinstance(node, ast.FunctionDef) and node.returns
    ]
    return module == "passerby.video.decode.frame" or any(
        re.search(r"\b(Frame|Image)\b", answer) for answer in answers
    )


def borrowed_names(module: ast.Module, trees: dict[str, ast.Module]) -> set[str]:
    """The names that a module imports for itself alone: it re-exports those in `__all__`, but never frames."""
    handed_on = {
        ast.literal_eval(name)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in getattr(node.value, "elts", [])
    }
    return {
        bound
        for _, origin, bound in imported_names(module)
        if bound not in handed_on or gives_frames(origin, trees)
    }


def violations(src: Path) -> list[str]:
    """Every broken rule below `src` that import statements alone do not show, as `file:line: rule`."""
    package = src / "passerby"
    trees = {
        path.relative_to(package).as_posix(): ast.parse(path.read_text()) for path in package.rglob("*.py")
    }
    modules = {
        "passerby." + name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): name
        for name in trees
    }
    borrowed = {module: borrowed_names(trees[name], trees) for module, name in modules.items()}
    found = []

    for name, tree in trees.items():

        def report(line: int, rule: str, name: str = name) -> None:
            found.append(f"{name}:{line}: {rule}")

        sees = name.startswith(("video/", "counting/"))
        if name.removesuffix("/__init__.py") in ROOMS:
            for statement in tree.body[1:]:
                report(statement.lineno, "the __init__ file of a room has its invariant and nothing else")
        bound_modules = {}
        for line, module, bound in imported_names(tree):
            parent, _, last = module.rpartition(".")
            top = module.split(".")[0]
            if bound == "passerby":
                report(line, "the package is not walked by attributes: from passerby.x import y")
            elif module in modules:
                bound_modules[bound] = module
            elif parent in modules and last in borrowed[parent]:
                report(line, f"{last} reached through {parent}, which only imports it")
            if module in NO_IMPORT_BY_NAME or parent in NO_IMPORT_BY_NAME - {"importlib"}:
                report(line, f"{module}: imports are static")
            if module == "importlib.import_module":
                report(line, f"{module}: imports are static")
            if top in NO_PICKLE:
                report(line, f"{module}: nothing is pickled by name")
            if top in FORBIDDEN_LIBRARIES:
                report(line, f"{module}: how many, never who")
            if module == "sys.modules":
                report(line, "sys.modules: imports are static")

        harmless = {
            id(node.func.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and MAKES_ABSENT.fullmatch(ast.unparse(node))
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in NO_CODE_FROM_TEXT:
                report(node.lineno, f"{node.id}: no code from text, no import by name")
            if isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                if owner in bound_modules and node.attr in borrowed[bound_modules[owner]]:
                    report(node.lineno, f"{owner}.{node.attr} reached through a module which only imports it")
                if (owner, node.attr) == ("sys", "modules") and id(node) not in harmless:
                    report(node.lineno, "sys.modules: modules are not walked")
                if node.attr == "__dict__":
                    report(node.lineno, f"{node.attr}: modules are not walked")
                if owner == "cv2" and node.attr in FACES_IN_OPENCV:
                    report(node.lineno, f"cv2.{node.attr}: how many, never who")
                if sees and node.attr in WRITES and name not in MAY_WRITE_A_PICTURE:
                    report(node.lineno, f"{node.attr}: nothing is written out of the rooms that see")
            if isinstance(node, ast.Call):
                of_av = isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "av.open"
                builtin = isinstance(node.func, ast.Name) and node.func.id == "open"
                mode = open_mode(node, 1) if of_av or builtin else None
                reads = mode is None or (isinstance(mode, ast.Constant) and mode.value in {"r", "rb"})
                if of_av and not reads and not name.startswith(MAY_MAKE_A_VIDEO):
                    report(node.lineno, "av.open to write: only the synthetic street makes a video")
                if builtin and sees and not reads:
                    report(node.lineno, "open to write: nothing is written out of the rooms that see")
                if isinstance(node.func, ast.Name) and node.func.id in {"getattr", "vars"} and node.args:
                    target = ast.unparse(node.args[0])
                    if (target in bound_modules and name != PUBLIC_NAMES) or target in {"av", "cv2", "sys"}:
                        report(node.lineno, f"{node.func.id}({target}): modules are not walked")
    return found


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on `folder/src` with `folder/pyproject.toml`."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    program = (
        "import sys; sys.path.insert(0, 'src'); from importlinter import cli; cli.lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", program, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "PATH": ""},
    )


def plant(folder: Path, name: str, code: str) -> None:
    """A copy of src in `folder` with `code` added at the end of the module `name`."""
    shutil.copytree(SRC, folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "src/passerby" / name).open("a") as module:
        module.write(f"\n{code}\n")


def test_src_breaks_no_rule_beyond_imports() -> None:
    assert violations(SRC) == []


PLANTED = [
    (
        "domain/geometry.py",
        "import importlib\nimportlib.import_module('socket')",
        "importlib: imports are static",
    ),
    ("domain/geometry.py", "from importlib import import_module", "imports are static"),
    ("domain/geometry.py", "from importlib.util import find_spec", "imports are static"),
    ("domain/geometry.py", "socket = __import__('socket')", "__import__"),
    ("domain/geometry.py", "eval('1')", "eval"),
    ("domain/geometry.py", "def f() -> None:\n    exec('import socket')", "exec"),
    ("domain/geometry.py", "import sys\nsys.modules['socket']", "modules are not walked"),
    ("domain/geometry.py", "import sys\nsys.modules.setdefault('socket', 1)", "modules are not walked"),
    ("domain/geometry.py", "import passerby.video.decode.frame", "not walked by attributes"),
    ("domain/timespan.py", "from passerby.counting.counts import Label", "only imports it"),
    ("domain/timespan.py", "from passerby.counting import counts\ncounts.Label", "only imports it"),
    ("recordings/pipeline.py", "from passerby.video.lender import Frame", "Frame reached through"),
    ("recordings/pipeline.py", "from passerby.video.lender import frames", "frames reached through"),
    (
        "recordings/pipeline.py",
        "from passerby.video.lender import FrameReader",
        "FrameReader reached through",
    ),
    (
        "domain/timespan.py",
        "from passerby.domain import geometry\ngetattr(geometry, 'hypot')",
        "modules are not walked",
    ),
    ("video/__init__.py", "from passerby.video.decode.frame import Frame", "its invariant and nothing else"),
    ("video/decode/frame.py", "import av\nav.open('out.mp4', 'w')", "only the synthetic street"),
    ("video/decode/frame.py", "import av\nav.open('out.mp4', mode='w')", "only the synthetic street"),
    ("video/decode/frame.py", "open('out.raw', 'wb')", "open to write"),
    ("video/decode/frame.py", "np.zeros(1).tofile('out.raw')", "tofile"),
    ("video/decode/frame.py", "np.save('out.npy', np.zeros(1))", "save"),
    ("video/decode/frame.py", "cv2.imwrite('out.png', np.zeros((1, 1)))", "imwrite"),
    ("video/decode/frame.py", "import pickle\npickle.dumps(1)", "nothing is pickled"),
    ("video/decode/frame.py", "cv2.CascadeClassifier('face.xml')", "how many, never who"),
    ("counting/counts.py", "from pathlib import Path\nPath('ids').write_text('1')", "write_text"),
    ("publish/__init__.py", "import face_recognition", "how many, never who"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code", "expected"), PLANTED)
def test_a_planted_violation_is_found(tmp_path: Path, name: str, code: str, expected: str) -> None:
    plant(tmp_path, name, code)
    (tmp_path / "src/passerby/video/lender.py").write_text(
        "from passerby.video.decode.frame import Frame\n"
        "from passerby.video.decode.live import frames\n"
        "from passerby.video.decode.source import FrameReader\n"
        "__all__ = ['Frame', 'FrameReader', 'frames']\n"
    )

    assert any(line.startswith(f"{name}:") and expected in line for line in violations(tmp_path / "src"))


def test_the_import_rules_hold(tmp_path: Path) -> None:
    plant(tmp_path, "domain/timespan.py", "")

    result = lint_imports(tmp_path)

    assert result.returncode == 0, result.stdout + result.stderr


PLANTED_IMPORTS = [
    ("domain/geometry.py", "import passerby.video", "1. "),
    ("helpers.py", "", "1. "),
    ("privacy/gate.py", "from passerby.publish import pages", "1. "),
    ("recordings/pipeline.py", "from passerby.video.decode.frame import Frame", "2. "),
    ("models/download.py", "from passerby.counting.counts import Counts", "3. "),
    ("recordings/release.py", "from passerby.counting.context import apply_context", "3a. "),
    ("console/canvas.py", "from passerby.counting.counts import Counts", "3b. "),
    ("console/canvas.py", "from passerby.verify import check_session", "3b. "),
    ("console/canvas.py", "from passerby.recordings import pipeline", "3b. "),
    ("domain/geometry.py", "import numpy", "1a. "),
    ("video/decode/frame.py", "import socket", "4a. "),
    ("counting/counts.py", "import sqlite3", "4a. "),
    ("counting/counts.py", "import pickle", "4a. "),
    ("counting/counts.py", "import cv2", "4b. "),
    ("publish/extra.py", "import PIL", "4b. "),
    ("publish/extra.py", "from passerby.counting import counts", "4c. "),
    ("video/decode/frame.py", "import face_recognition", "5. "),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code", "contract"), PLANTED_IMPORTS)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, name: str, code: str, contract: str) -> None:
    plant(tmp_path, name, code)

    result = lint_imports(tmp_path)

    assert result.returncode == 1, result.stdout + result.stderr
    assert re.search(rf"^{re.escape(contract)}.* BROKEN", result.stdout, re.MULTILINE), result.stdout


IMPORT_ALL = """
import pkgutil, sys, passerby.{0} as package
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    __import__(module.name)
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
IMPORT_ONE = "import sys, {0}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"


def loaded(program: str) -> set[str]:
    """The top-level names that a fresh process has imported after `program`."""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=SRC
    )
    return set(result.stdout.split())


SEEING = {"av", "cv2", "onnxruntime", "openvino", "PIL", "matplotlib"}


def test_importing_all_of_publish_loads_no_library_for_pictures() -> None:
    assert not loaded(IMPORT_ALL.format("publish")) & SEEING


def test_importing_passerby_loads_no_numpy_and_no_library_for_pictures() -> None:
    assert not loaded(IMPORT_ONE.format("passerby")) & {*SEEING, "numpy"}


def test_the_modules_that_a_fresh_process_loads_are_found() -> None:
    assert {"cv2", "numpy"} <= loaded(IMPORT_ALL.format("video"))


def normal(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared() -> set[str]:
    """The distributions that pyproject.toml names for users, not those for development."""
    groups = (PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values())
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for group in groups for requirement in group}


def undeclared(src: Path) -> dict[str, str]:
    """Import name -> one file, for every import below `src` that no declared distribution brings.

    The libraries of THE_CALLERS are left out.
    """
    distributions = {**packages_distributions(), "pydantic_core": ["pydantic"]}  # pydantic's own other half
    return {
        top: path.relative_to(src).as_posix()
        for path in src.rglob("*.py")
        if path.name != DEBIANS_OWN
        for _, module, _ in imported_names(ast.parse(path.read_text()))
        if (top := module.split(".")[0]) not in {*sys.stdlib_module_names, *THE_CALLERS, "passerby"}
        and not {normal(distribution) for distribution in distributions.get(top, [])} & declared()
    }


def test_every_import_is_of_a_declared_dependency() -> None:
    assert undeclared(SRC) == {}


@pytest.mark.parametrize("library", ["pytest", "nowhere"])
def test_an_undeclared_import_is_found(tmp_path: Path, library: str) -> None:
    plant(tmp_path, "domain/timespan.py", f"import {library}")

    assert undeclared(tmp_path / "src")[library] == "passerby/domain/timespan.py"


def recognising_people(lock: str) -> set[str]:
    """The libraries for recognising people that the text of a lock file has."""
    names = {normal(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    return names & {normal(library) for library in FORBIDDEN_LIBRARIES}


def test_the_lock_has_no_library_that_recognises_people() -> None:
    lock = (ROOT / "requirements.lock").read_text()

    assert recognising_people(lock) == set()
    assert recognising_people(f"{lock}\nface-recognition==1.3.0 \\\n") == {"face-recognition"}


def test_the_lock_names_no_index_and_no_folder() -> None:
    assert not re.findall(r"https?:|file:|--index|--find-links|@ ", (ROOT / "requirements.lock").read_text())
