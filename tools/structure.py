"""Measure how a checkout is built: its rooms, the imports between them, its longest functions and its sentences.

    python -m tools.structure                 # this checkout
    python -m tools.structure main            # a revision of it
    python -m tools.structure ../passerby     # a checkout in another folder

A room is a package at any depth, or a module that lies loose at the top of src/passerby. An arrow is a pair of rooms
of which the first imports the second, wherever in its modules the import stands. Floors are the rooms on the longest
chain of arrows, where rooms that import each other in a circle count as one.

Invariant: the source is parsed and never imported, with the standard library alone, so any revision can be measured.
"""

import argparse
import ast
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
PACKAGE = "passerby"
MOST_LINES, MOST_PARAMETERS, MOST_WORDS = 60, 8, 25

WRITTEN_BY_A_PROGRAM = "/cli.md"

Graph = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Module:
    """One file of source; `name` has dots and leaves `__init__` out."""

    name: str
    path: Path
    is_package: bool
    text: str
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    lines: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Structure:
    """What was measured of one checkout; `words` has the number of words of each sentence, by document."""

    loose: tuple[str, ...]
    rooms: Graph
    modules: Graph
    code_lines: int
    file_lines: int
    functions: tuple[Function, ...]
    words: Mapping[str, tuple[int, ...]]


def measure(root: Path) -> Structure:
    """Measure the checkout in `root`. Raises FileNotFoundError where there is no src/passerby in it."""
    top = root / "src" / PACKAGE
    if not top.is_dir():
        raise FileNotFoundError(f"{top}: no such folder, expected a checkout")
    modules = {module.name: module for module in _modules(top)}
    imports = {name: set(_imported(module, modules)) - {name} for name, module in modules.items()}
    return Structure(
        loose=tuple(sorted(path.stem for path in top.glob("*.py") if path.stem != "__init__")),
        rooms=_between_rooms(imports, modules),
        modules=imports,
        code_lines=sum(_code_lines(module) for module in modules.values()),
        file_lines=sum(len(module.text.splitlines()) for module in modules.values()),
        functions=tuple(function for module in modules.values() for function in _functions(module)),
        words={
            str(path.relative_to(root)): tuple(sentence_words(path.read_text(encoding="utf-8")))
            for path in (root / "README.md", *sorted((root / "docs").rglob("*.md")))
        },
    )


def _modules(top: Path) -> Iterator[Module]:
    for path in sorted(top.rglob("*.py")):
        parts = path.relative_to(top.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        text = path.read_text(encoding="utf-8")
        yield Module(".".join(parts[:-1] if is_package else parts), path, is_package, text, ast.parse(text))


def _imported(module: Module, modules: Collection[str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in modules:
                    yield full
                elif node.module in modules:
                    yield node.module


def _between_rooms(imports: Graph, modules: Mapping[str, Module]) -> Graph:
    def room(name: str) -> str:
        if modules[name].is_package or name.count(".") == 1:
            return name
        folder = name.rpartition(".")[0]
        while folder not in modules:  # one without `__init__` belongs to the package above it
            folder = folder.rpartition(".")[0]
        return folder

    # The package's own `__init__` names what is public and loads it late: it is the house, not a room.
    rooms: dict[str, set[str]] = {room(name): set() for name in imports if name != PACKAGE}
    for name, imported in imports.items():
        if name != PACKAGE:
            rooms[room(name)] |= {room(target) for target in imported if target != PACKAGE} - {room(name)}
    return rooms


def circles(graph: Graph) -> list[list[str]]:
    """The groups of nodes that reach each other, each sorted (Tarjan's strongly connected components)."""
    return [sorted(group) for group in _groups(graph) if len(group) > 1]


def floors(graph: Graph) -> int:
    """The number of nodes on the longest chain of a graph, a circle counted as one node."""
    group_of = {node: number for number, group in enumerate(_groups(graph)) for node in group}
    below: dict[int, set[int]] = {number: set() for number in group_of.values()}
    for node, targets in graph.items():
        below[group_of[node]] |= {group_of[target] for target in targets} - {group_of[node]}
    height: dict[int, int] = {}
    for number in TopologicalSorter(below).static_order():
        height[number] = 1 + max((height[lower] for lower in below[number]), default=0)
    return max(height.values(), default=0)


def _groups(graph: Graph) -> list[list[str]]:
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            start = stack.index(node)
            groups.append(stack[start:])
            del stack[start:]

    for node in graph:
        if node not in index:
            visit(node)
    return groups


def _code_lines(module: Module) -> int:
    """Lines that are neither empty, nor a comment alone, nor part of a docstring."""
    documentation: set[int] = set()
    for node in ast.walk(module.tree):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                documentation |= set(range(statement.lineno, (statement.end_lineno or 0) + 1))
    return sum(
        1
        for number, line in enumerate(module.text.splitlines(), 1)
        if number not in documentation and line.strip() and not line.strip().startswith("#")
    )


def _functions(module: Module) -> Iterator[Function]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            names += [argument.arg for argument in (given.vararg, given.kwarg) if argument is not None]
            yield Function(
                f"{module.name}.{node.name}",
                (node.end_lineno or node.lineno) - node.lineno + 1,
                sum(name not in ("self", "cls") for name in names),
            )


_CODE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1[^\n]*$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_INLINE_CODE = re.compile(r"(`+).+?\1")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_END = re.compile(r"(?<=[.!?])[\"')\]*_]*\s+")


def sentence_words(markdown: str) -> Iterator[int]:
    """The number of words of every sentence outside code, tables and headings; an item of a list ends a sentence."""
    text = _COMMENT.sub("", _CODE.sub("\n", markdown))
    for block in _blocks(text):
        plain = _INLINE_CODE.sub("code", _LINK.sub(r"\1", block))
        for sentence in _END.split(plain):
            if words := sum(any(sign.isalnum() for sign in word) for word in sentence.split()):
                yield words


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs and items of lists, each on one line."""
    block: list[str] = []
    for line in (*text.splitlines(), ""):
        left_out = line.lstrip().startswith(("|", "#", "<")) or (line.startswith("    ") and not block)
        if left_out or not line.strip() or _ITEM.match(line):
            if block:
                yield " ".join(block)
            block = []
        if line.strip() and not left_out:
            block.append(_ITEM.sub("", line).strip())


def report(structure: Structure) -> Iterator[str]:
    """The figures as lines of text."""
    rooms = structure.rooms
    yield f"loose modules            {len(structure.loose)}: {', '.join(structure.loose) or 'none'}"
    packages = [room for room in rooms if room.removeprefix(f"{PACKAGE}.") not in structure.loose]
    yield f"packages                 {len(packages)}: {', '.join(map(_short, sorted(packages)))}"
    yield f"rooms                    {len(rooms)} (packages and loose modules)"
    yield f"arrows between rooms     {sum(map(len, rooms.values()))}"
    between = {room: {target for target in rooms[room] if target in packages} for room in packages}
    yield f"arrows between packages  {sum(map(len, between.values()))}"
    yield f"floors                   {floors(rooms)}"
    yield f"circles of rooms         {_circles(rooms)}"
    yield f"circles of modules       {_circles(structure.modules)}"
    yield f"modules                  {len(structure.modules)}"
    yield f"lines in src             {structure.file_lines:,}, of code {structure.code_lines:,}"
    longest = max(structure.functions, key=lambda function: function.lines)
    yield f"longest function         {longest.lines} lines, {longest.name}"
    most = max(structure.functions, key=lambda function: function.parameters)
    yield f"most parameters          {most.parameters}, {most.name}"
    yield from _over(structure.functions, "lines", MOST_LINES)
    yield from _over(structure.functions, "parameters", MOST_PARAMETERS)
    top = [name for name in structure.words if name.count("/") < 2]
    yield f"README and docs/*.md     {_sentences(structure.words, top)}"
    yield f"README and all of docs   {_sentences(structure.words, structure.words)}"
    written = [name for name in structure.words if not name.endswith(WRITTEN_BY_A_PROGRAM)]
    yield f"  without the reference  {_sentences(structure.words, written)}"
    for name in structure.words:
        yield f"  {name:<46} {_sentences(structure.words, [name])}"


def _over(functions: Iterable[Function], key: str, most: int) -> Iterator[str]:
    over = sorted((function for function in functions if getattr(function, key) > most), key=lambda f: f.name)
    yield f"over {most} {key}".ljust(25) + f"{len(over)}"
    for function in sorted(over, key=lambda function: -getattr(function, key)):
        yield f"  {getattr(function, key):>4}  {_short(function.name)}"


def _circles(graph: Graph) -> str:
    return "; ".join(" <-> ".join(map(_short, group)) for group in circles(graph)) or "none"


def _short(name: str) -> str:
    return name.removeprefix(f"{PACKAGE}.")


def _sentences(words: Mapping[str, tuple[int, ...]], names: Iterable[str]) -> str:
    counts = [count for name in names for count in words[name]]
    if not counts:
        return "no sentence"
    long = sum(count > MOST_WORDS for count in counts)
    return (
        f"{sum(counts) / len(counts):.1f} words a sentence, median {median(counts):.0f}, longest {max(counts)}, "
        f"{100 * long / len(counts):.0f} % over {MOST_WORDS} ({len(counts)} sentences)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", nargs="?", default=str(ROOT), metavar="REV|PATH")
    checkout = parser.parse_args().checkout
    if Path(checkout).is_dir():
        print("\n".join(report(measure(Path(checkout)))))
        return
    archived = subprocess.run(
        ["git", "archive", "--format=tar", checkout], capture_output=True, check=False, cwd=ROOT
    )
    if archived.returncode:
        sys.exit(f"{checkout}: no folder and no revision: {archived.stderr.decode().strip()}")
    with TemporaryDirectory(prefix="passerby-structure-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
            archive.extractall(folder, filter="data")
        print("\n".join(report(measure(Path(folder)))))


if __name__ == "__main__":
    main()
