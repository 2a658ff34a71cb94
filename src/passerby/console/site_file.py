"""The site file, changed by the console as a careful person would: the rest stays as it was written.

Invariant: nothing is written that `site.parse` refuses, that was not shown first, or over a file that changed
meanwhile.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from passerby.config import site
from passerby.config.site import Camera, Site
from passerby.config.yaml_document import masked
from passerby.errors import InputError, SiteError
from passerby.io import files

Change = Callable[[CommentedMap], None]
"""Changes the file's mapping in place; comments hang on what is left where it is."""

_WIDTH = 4096


@dataclass(frozen=True, slots=True)
class Read:
    """The file as it was read: `text`, its `digest`, and what it says."""

    text: str
    digest: str
    site: Site


@dataclass(frozen=True, slots=True, repr=False)
class Proposal:
    """A change that could be written: the new `text`, the `digest` of the file that it is a change of, the
    difference for people, and what it changes about privacy, in words; with any, a new epoch begins."""

    text: str
    digest: str
    difference: tuple[str, ...]
    privacy: tuple[str, ...]


def read(path: Path) -> Read:
    """Raises SiteError with every mistake in the file."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SiteError([f"{path}: could not be read: {error.strerror or error}"]) from None
    # Tells what is no text, or too long, as everywhere.
    loaded = site.load(path)
    return Read(raw.decode("utf-8-sig"), _digest(raw), loaded)


def propose(path: Path, change: Change) -> Proposal:
    """What `change` would make of the file. Raises SiteError with every mistake of the result, InputError where
    nothing would change."""
    before = read(path)
    text = _changed(before.text, change, path)
    after = site.parse(text, path)
    difference = tuple(_difference(before.text, text))
    if not difference:
        raise InputError("nothing was changed")
    return Proposal(text, before.digest, difference, tuple(privacy_changes(before.site, after)))


def result(path: Path, change: Change) -> Site:
    """What the file would say after `change`. Raises SiteError with every mistake of the result."""
    return site.parse(_changed(read(path).text, change, path), path)


def write(path: Path, proposal: Proposal) -> None:
    """Write what was shown. Raises InputError where the file changed on disk since, OutputError."""
    try:
        now = _digest(path.read_bytes())
    except OSError:
        now = ""
    if now != proposal.digest:
        raise InputError(
            f"{path}: it was changed on disk meanwhile, nothing was written: open the page again"
        )
    files.write(path, proposal.text)


def privacy_changes(before: Site, after: Site) -> Iterator[str]:
    """What is promised otherwise, line by line, in words: each is a new epoch of its camera in the ledger."""
    for camera in after.cameras:
        old = next((one for one in before.cameras if one.name == camera.name), None)
        if old is None:
            continue
        yield from _line_changes(old, camera)
    for old in before.cameras:
        if old.name not in {camera.name for camera in after.cameras} and any(one.policy for one in old.lines):
            yield f"camera {old.name}: it goes, and its budget with it"


def _line_changes(old: Camera, new: Camera) -> Iterator[str]:
    lines = {line.line.name: line for line in old.lines}
    for line in new.lines:
        was = lines.pop(line.line.name, None)
        about = f"camera {new.name}, line {line.line.name}"
        if was is None:
            if line.policy is not None and old.lines:
                yield f"{about}: a new line, which is counted from now on"
            continue
        if was.policy is None and line.policy is None:
            continue
        if was.policy is None or line.policy is None:
            yield f"{about}: " + ("it has a policy now" if line.policy else "it has no policy any more")
            continue
        then, now = asdict(was.policy), asdict(line.policy)
        for key in then:
            if then[key] != now[key]:
                was_shown, becomes = _shown(key, then[key]), _shown(key, now[key])
                yield f"{about}: {key.removesuffix('_ms')} was {was_shown}, becomes {becomes}"
        if replace(was.line, names=line.line.names) != line.line:
            yield f"{about}: it lies otherwise"
        if was.line.names != line.line.names or was.labels != line.labels:
            yield f"{about}: other numbers are released"
        if was.corridor != line.corridor:
            yield f"{about}: its corridor was {_width(was.corridor)}, becomes {_width(line.corridor)}"
    for gone in lines.values():
        if gone.policy is not None:
            yield f"camera {new.name}, line {gone.line.name}: it goes"


def _shown(key: str, value: Any) -> str:
    return f"{value / 1000:g} s" if key.endswith("_ms") else f"{value:g}"


def _width(corridor: float | None) -> str:
    return "off" if corridor is None else f"{corridor:g}"


def point(x: float, y: float) -> CommentedSeq:
    """A point as a person writes it: `[0.12, 0.8]`."""
    return flow([round(x, 4), round(y, 4)])


def flow(values: list[Any]) -> CommentedSeq:
    """A list on one line."""
    one = CommentedSeq(values)
    one.fa.set_flow_style()
    return one


def mapping_at(root: CommentedMap, *keys: str) -> CommentedMap:
    """The mapping at `keys`, made where it is not there. Raises InputError where something else is."""
    here = root
    for key in keys:
        if here.get(key) is None:
            here[key] = CommentedMap()
        here = here[key]
        if not isinstance(here, CommentedMap):
            raise InputError(
                f"{'.'.join(keys)}: found no mapping, so nothing can be changed there by the console"
            )
    return here


def _changed(text: str, change: Change, path: Path) -> str:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(*_indents(text))
    try:
        root = yaml.load(text)
        change(root)
        out = io.StringIO()
        yaml.dump(root, out)
    except YAMLError:
        raise SiteError(
            [f"{path}: could not be read by the console, though it is valid: change it by hand"]
        ) from None
    made = out.getvalue()
    return made.replace("\n", "\r\n") if "\r\n" in text else made


def _indents(text: str) -> tuple[int, int, int]:
    """Of mappings, lists and their dashes, as the file has them."""
    for line in text.splitlines():
        stripped = line.lstrip(" ")
        if stripped and stripped[0] not in "#-" and len(line) > len(stripped):
            step = len(line) - len(stripped)
            return step, step + 2, step
    return 2, 4, 2


def _difference(before: str, after: str) -> Iterator[str]:
    """A unified difference without its heads and without passwords."""
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return (masked(line) for line in lines if not line.startswith(("---", "+++")))


def _digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()
