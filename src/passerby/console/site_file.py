"""Changes of the site file by the console, which keep comments, order and formatting.

Invariant: it writes only text that `site.parse` accepts, that was shown first, and only over the file that was read.
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
from passerby.config.site import Camera, CountedLine, Site
from passerby.config.yaml_document import masked
from passerby.domain.policy import CrossingsPolicy, FootagePolicy
from passerby.errors import InputError, SiteError
from passerby.io import files

Change = Callable[[CommentedMap], None]
"""Changes the mapping of the file in place; comments stay with their keys."""

_WIDTH = 4096


@dataclass(frozen=True, slots=True)
class SiteFile:
    """The file as it was read: its `text`, the `digest` of its bytes, and its meaning as a `site`."""

    text: str
    digest: str
    site: Site


@dataclass(frozen=True, slots=True, repr=False)
class Proposal:
    """A proposed change: the new `text`, the `digest` of the file before, the `difference` as lines for the user, and
    the changes of `privacy` as texts. If there are any, a new epoch begins."""

    text: str
    digest: str
    difference: tuple[str, ...]
    privacy: tuple[str, ...]


def read(path: Path) -> SiteFile:
    """Raises SiteError with every mistake in the file."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SiteError([f"{path}: could not be read: {error.strerror or error}"]) from None
    # Reports a file that is no text or too long, as every command does.
    loaded = site.load(path)
    return SiteFile(raw.decode("utf-8-sig"), _digest(raw), loaded)


def propose(path: Path, change: Change) -> Proposal:
    """The proposal of `change`. Raises SiteError with every mistake of the result, InputError if nothing changes."""
    before = read(path)
    text = _changed(before.text, change, path)
    after = site.parse(text, path)
    difference = tuple(_difference(before.text, text))
    if not difference:
        raise InputError("nothing was changed")
    return Proposal(text, before.digest, difference, tuple(privacy_changes(before.site, after)))


def result(path: Path, change: Change) -> Site:
    """The site after `change`. Raises SiteError with every mistake of the result."""
    return site.parse(_changed(read(path).text, change, path), path)


def write(path: Path, proposal: Proposal) -> None:
    """Write a proposal. Raises InputError if the file changed on the disk since it was read, OutputError."""
    try:
        now = _digest(path.read_bytes())
    except OSError:
        now = ""
    if now != proposal.digest:
        raise InputError(
            f"{path}: another program changed the file, so nothing was written: open this page again"
        )
    files.write(path, proposal.text)


def privacy_changes(before: Site, after: Site) -> Iterator[str]:
    """The changes of what is promised or released, as texts: each starts a new epoch of its camera, or of the site
    under the crossings promise, in the ledger."""
    if before.promise != after.promise:
        yield f"the promise changes from {before.promise} to {after.promise}"
        return
    if before.privacy is not None and after.privacy is not None:
        yield from _policy_changes(before.privacy, after.privacy)
    old_cameras = {camera.name: camera for camera in before.cameras}
    for camera in after.cameras:
        old = old_cameras.pop(camera.name, None)
        if old is not None:
            yield from _camera_changes(old, camera)
    for old in old_cameras.values():
        if any(line.policy for line in old.lines):
            yield f"camera {old.name}: it is removed, and its budget with it"


def _camera_changes(old: Camera, new: Camera) -> Iterator[str]:
    old_lines = {line.line.name: line for line in old.lines}
    for line in new.lines:
        subject = f"camera {new.name}, line {line.line.name}"
        was = old_lines.pop(line.line.name, None)
        if was is None:
            if line.policy is not None and old.lines:
                yield f"{subject}: a new line"
            continue
        for change in _line_changes(was, line):
            yield f"{subject}: {change}"
    for removed in old_lines.values():
        if removed.policy is not None:
            yield f"camera {new.name}, line {removed.line.name}: it is removed"


def _line_changes(was: CountedLine, line: CountedLine) -> Iterator[str]:
    if was.policy is None and line.policy is None:
        return
    if was.policy is None or line.policy is None:
        yield "it gets a privacy policy" if line.policy else "its privacy policy is removed"
        return
    yield from _policy_changes(was.policy, line.policy)
    if replace(was.line, names=line.line.names) != line.line:
        yield "it is moved"
    if was.line.names != line.line.names or set(was.labels or ()) != set(line.labels or ()):
        yield "its directions or counted classes change"
    if was.corridor != line.corridor:
        yield f"its corridor changes from {_corridor_text(was.corridor)} to {_corridor_text(line.corridor)}"


def _policy_changes(
    was: CrossingsPolicy | FootagePolicy, policy: CrossingsPolicy | FootagePolicy
) -> Iterator[str]:
    then, now = asdict(was), asdict(policy)
    for key in then:
        if then[key] != now[key]:
            name = key.removesuffix("_ms")
            yield f"{name} changes from {_policy_text(key, then[key])} to {_policy_text(key, now[key])}"


def _policy_text(key: str, value: Any) -> str:
    return f"{value / 1000:g} s" if key.endswith("_ms") else f"{value:g}"


def _corridor_text(corridor: float | None) -> str:
    return "off" if corridor is None else f"{corridor:g}"


def point(x: float, y: float) -> CommentedSeq:
    """A point as people write it: `[0.12, 0.8]`."""
    return flow([round(x, 4), round(y, 4)])


def flow(values: list[Any]) -> CommentedSeq:
    """A list on one line."""
    sequence = CommentedSeq(values)
    sequence.fa.set_flow_style()
    return sequence


def mapping_at(root: CommentedMap, *keys: str) -> CommentedMap:
    """The mapping at `keys`, which is made if it is missing. Raises InputError for another kind of value."""
    here = root
    for key in keys:
        if here.get(key) is None:
            here[key] = CommentedMap()
        here = here[key]
        if not isinstance(here, CommentedMap):
            raise InputError(
                f"{'.'.join(keys)}: found no mapping, so the console cannot change it: change it by hand"
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
        raise SiteError([f"{path}: is valid, but the console cannot read it: change it by hand"]) from None
    result = out.getvalue()
    return result.replace("\n", "\r\n") if "\r\n" in text else result


def _indents(text: str) -> tuple[int, int, int]:
    """The indents of mappings, lists and their dashes in the file."""
    for line in text.splitlines():
        stripped = line.lstrip(" ")
        if stripped and stripped[0] not in "#-" and len(line) > len(stripped):
            step = len(line) - len(stripped)
            return step, step + 2, step
    return 2, 4, 2


def _difference(before: str, after: str) -> Iterator[str]:
    """The lines of a unified difference, without its header and without passwords."""
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return (masked(line) for line in lines if not line.startswith(("---", "+++")))


def _digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()
