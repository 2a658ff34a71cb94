"""A YAML file as plain values and their lines, so that every mistake in it can be reported at once.

Invariant: knows no key by name; a message is one line with file, line, key, found and expected, and no password.
"""

import re
import warnings
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from passerby.config.line_spec import name_problem
from passerby.errors import SiteError, TruthError

Key = tuple[str | int, ...]

_DEEPEST = 30
_TAGS = {"map", "seq", "str", "null", "bool", "int", "float", "timestamp", "value", "merge"}
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_OWN = re.compile(r".{0,5}|'<[a-z ]+>'")
"""The texts that the YAML library itself quotes: a sign, or the name of a part. They hold nothing of the file."""
_PASSWORD = re.compile(r"(?<=://)\S*(?=@)")

_Error = type[SiteError] | type[TruthError]


class Document:
    """`value`: the file's mapping, of plain values; `lines`: the line of every key path in it."""

    def __init__(self, path: Path, error: _Error, constructor: Any, most_values: int) -> None:
        self.path = path
        self.value: dict[str, Any] = {}
        self.lines: dict[Key, int] = {}
        self._error = error
        self._problems: list[tuple[int, str]] = []
        self._constructor = constructor
        self._values_left = most_values

    def add(self, key: Key, text: str, line: int | None = None) -> None:
        """Add a mistake at `key`; `raise_problems` raises them all."""
        self._problems.append((line or self.line_of(key), self.message_at(key, text, line)))

    def message_at(self, key: Key, text: str, line: int | None = None) -> str:
        """One line for people: file, line, key path and `text`."""
        # A key may be any text, a line end too, and a message is one line.
        name = ".".join(repr(part) if name_problem(str(part)) else str(part) for part in key)
        return masked(f"{self.path}:{line or self.line_of(key)}: {name or 'the file'}: {text}")

    def line_of(self, key: Key) -> int:
        """The line of `key`, or of the nearest one above it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def add_unknown(self, key: Key, known: Collection[str]) -> None:
        """Add the mistake that `key` is none of the `known` ones."""
        near = get_close_matches(str(key[-1]), known, n=1)
        expected = near[0] if near else f"one of {', '.join(known)}"
        self.add(key, f"found a key that is not known, expected {expected}")

    def raise_problems(self) -> None:
        """Raises the error of this kind of file with all mistakes, in order of lines; nothing where there are none."""
        if self._problems:
            raise self._error([text for _, text in sorted(dict.fromkeys(self._problems))])

    def _plain(self, node: Node, key: Key) -> Any:
        """The plain value of a node. Raises RecursionError when it is too deep or has too many values."""
        self._values_left -= 1
        # An alias is followed wherever it stands, so a small text can be a large tree, or an endless one.
        if len(key) > _DEEPEST or self._values_left < 0:
            raise RecursionError
        self.lines.setdefault(key, node.start_mark.line + 1)
        if str(node.tag).removeprefix("tag:yaml.org,2002:") not in _TAGS:
            # Not shown: a password that begins with ! is a tag to YAML.
            self.add(key, "found a tag (!), expected a plain value, or text in quotes")
        if isinstance(node, MappingNode):
            return self._mapping(node, key)
        if isinstance(node, SequenceNode):
            return [self._plain(item, (*key, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, key: Key) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.add(key, "found a list or mapping for a key, expected a name", line)
                continue
            here = (*key, str(key_node.value))
            if here[-1] in plain:
                self.add(here, f"found twice, first on line {self.lines[here]}, expected once", line)
                continue
            self.lines[here] = line
            plain[str(here[-1])] = self._plain(value_node, here)
        return plain

    def _scalar(self, node: Node) -> Any:
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        try:
            if kind == "null":
                return None
            if kind == "bool":
                return self._constructor.construct_yaml_bool(node)
            if kind == "int":
                return self._constructor.construct_yaml_int(node)
            if kind == "float":
                return float(self._constructor.construct_yaml_float(node))
        except (ValueError, OverflowError, KeyError, IndexError):
            pass
        return str(node.value)


def load(
    path: Path,
    error: _Error,
    *,
    kind: str,
    expected: str,
    most_bytes: int = 1_000_000,
    most_values: int = 50_000,
) -> Document:
    """Read a file; its `kind` and the content that is `expected` stand in messages. Raises `error`."""
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise error([f"{path}: larger than {most_bytes} bytes, expected {kind}"])
        text = content.decode("utf-8-sig")
    except OSError as problem:
        raise error([f"{path}: could not be read: {problem.strerror or problem}"]) from None
    except UnicodeDecodeError:
        raise error([f"{path}: no text in UTF-8, expected {kind} in YAML"]) from None
    except ValueError as problem:
        raise error([f"{path}: could not be read: {problem}"]) from None
    return parse(text, path, error, kind=kind, expected=expected, most_values=most_values)


def _unquoted(quoted: re.Match[str]) -> str:
    return quoted[0] if _OWN.fullmatch(quoted[0]) else "something"


def parse(
    text: str, path: Path, error: _Error, *, kind: str, expected: str, most_values: int = 50_000
) -> Document:
    """Read a text; `path` is its name in messages. Raises `error` when it is no YAML or no mapping."""
    yaml = YAML(typ="safe", pure=True)
    document = Document(path, error, yaml.constructor, most_values)
    try:
        node = _compose(yaml, text)
        value = None if node is None else document._plain(node, ())
    except MarkedYAMLError as problem:
        # The library's own message quotes the line, which may hold a password.
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        cause = " ".join(str(problem.problem or problem.context or "it cannot be read").split())
        if "\\t" in cause:
            cause = "found a tab, expected spaces"
        raise error([f"{path}:{line}: no valid YAML: {_QUOTED.sub(_unquoted, cause)}"]) from None
    except YAMLError:
        raise error([f"{path}:1: no valid YAML: it cannot be read as such"]) from None
    except RecursionError:
        raise error([f"{path}:1: nested too deep, expected {kind}"]) from None
    if not isinstance(value, dict):
        raise error([f"{path}:1: found {shown(value)}, expected {expected}"])
    document.value = value
    return document


def shown(value: Any) -> str:
    """A value in a message: short, and without the text between :// and @."""
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a mapping"
    text = masked(repr(value) if isinstance(value, str) else str(value).lower())
    return text if len(text) <= 60 else f"{text[:59]}…"


def masked(text: str) -> str:
    """Text without the part between :// and @, which may be a password."""
    return _PASSWORD.sub("***", text)


def _compose(yaml: YAML, text: str) -> Node | None:
    """The document's nodes, which keep their lines. Raises YAMLError, RecursionError."""
    try:
        with warnings.catch_warnings():
            # YAML allows an anchor twice, and the library's warning would quote the lines around it.
            warnings.simplefilter("ignore")
            return cast(Node | None, yaml.compose(text))
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError, NotImplementedError) as error:
        # The parser fails on some broken texts before it can name the mistake.
        raise YAMLError from error
