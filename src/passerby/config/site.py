"""A site file, site.yaml, as frozen facts: its cameras and lines, and their privacy policies.

Invariant: configuration names things, never code; every mistake is reported at once, with file, line, key and the
value that was expected; no password is ever printed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from passerby.config import yaml_document
from passerby.config.camera_address import Address, Transport
from passerby.config.database_address import DatabaseAddress
from passerby.config.line_spec import make_line
from passerby.config.site_policies import (
    add_both_promises,
    add_misfits,
    merged,
    misfit_of_file,
    note_of_promise,
    policy_at_top,
    promise_of_file,
    warnings_of_policies,
)
from passerby.config.site_schema import (
    ARM_NAMES,
    CameraKeys,
    FileKeys,
    expected_at,
    known_keys,
)
from passerby.config.yaml_document import Document, Key, shown
from passerby.domain.geometry import Line, Zone
from passerby.domain.policy import CrossingsPolicy, FootagePolicy, PromiseName
from passerby.errors import InputError, SiteError

__all__ = [
    "ARM_NAMES",
    "Accuracy",
    "Camera",
    "CountedLine",
    "PublicPage",
    "Site",
    "load",
    "load_policy",
    "parse",
]


@dataclass(frozen=True, slots=True)
class CountedLine:
    """A line, and how it is counted.

    `labels`: None for all. `corridor`: half its width in frame heights, None for the whole picture. `policy`: that of
    the footage promise, None where the site gives the crossings promise or the line has none.
    """

    line: Line
    labels: tuple[str, ...] | None
    corridor: float | None
    policy: FootagePolicy | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The result of a check by hand on a `day`: the `share`, 0 to 1, of crossings that were counted correctly."""

    share: float
    day: date


@dataclass(frozen=True, slots=True)
class PublicPage:
    """Texts of the public page: the operator, the purpose of counting, a contact, and the address of the page."""

    operator: str | None = None
    purpose: str | None = None
    contact: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """One fixed camera.

    `detector`: a name or a path, `auto` for one installed model with motion. `substream`: a smaller stream of the same
    view. `transport`: the protocol that carries RTSP. `plan`: a picture of the view without anybody, for the public
    page. `arms`: (line, junction) of each line that lies across an arm of a junction.
    """

    name: str
    source: Address | None
    detector: str
    lines: tuple[CountedLine, ...]
    zones: tuple[Zone, ...]
    policy: FootagePolicy | None
    substream: Address | None = None
    transport: Transport = "tcp"
    plan: Path | None = None
    accuracy: Accuracy | None = None
    arms: tuple[tuple[str, str], ...] = ()

    @property
    def watched(self) -> Address | None:
        """The stream that is counted."""
        return self.substream or self.source

    @property
    def corridor(self) -> float | None:
        """The widest corridor of its lines, for one pass over all of them; None for the whole picture."""
        widths = [line.corridor for line in self.lines if line.corridor is not None]
        return max(widths) if len(widths) == len(self.lines) and widths else None


@dataclass(frozen=True, slots=True)
class Site:
    """The facts of a site file.

    `privacy`: the policy of the crossings promise, None where the site gives the footage promise; then its lines have
    their own policies.
    `warnings`: lines for people about values that are allowed but probably not meant. `store`, `ledger`, `mark` and
    `state`: where the site keeps its releases, its ledger with the high-water mark, and the state of a run; None for
    the default.

    >>> site = passerby.load_site("site.yaml")
    >>> [camera.name for camera in site.cameras], site.timezone
    (['street'], 'UTC')
    """

    path: Path
    name: str
    timezone: str
    cameras: tuple[Camera, ...]
    warnings: tuple[str, ...]
    page: PublicPage = PublicPage()
    store: DatabaseAddress | None = None
    ledger: DatabaseAddress | None = None
    mark: Path | None = None
    state: Path | None = None
    privacy: CrossingsPolicy | None = None

    @property
    def promise(self) -> PromiseName:
        """The promise that the site gives to people who pass."""
        return "footage" if self.privacy is None else "crossings"

    def camera(self, name: str | None = None) -> Camera:
        """The camera of that name, or the only one. Raises InputError."""
        names = ", ".join(camera.name for camera in self.cameras)
        if name is None:
            if len(self.cameras) == 1:
                return self.cameras[0]
            raise InputError(f"{self.path}: found several cameras, expected --camera with one of: {names}")
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise InputError(f"{self.path}: found no camera {name!r}, expected one of: {names}")


_KIND = "a site file"
_EXPECTED = "the keys site and cameras"


def load(path: Path) -> Site:
    """Read a site file. Raises SiteError with every mistake in it, a line each."""
    return _site_of(yaml_document.load(path, SiteError, kind=_KIND, expected=_EXPECTED))


def parse(text: str, path: Path) -> Site:
    """Read the text of a site file; `path` is its name in messages, and relative paths in it start in its folder.

    Raises SiteError with every mistake in it, a line each.
    """
    return _site_of(yaml_document.parse(text, path, SiteError, kind=_KIND, expected=_EXPECTED))


def load_policy(path: Path) -> CrossingsPolicy | FootagePolicy | None:
    """The policy of a file that holds the one key `privacy`; None where it is a site file.

    It is of the footage promise where it names none. Raises SiteError with every mistake in it, a line each.
    """
    document = yaml_document.load(path, SiteError, kind="a policy", expected="the key privacy")
    if "cameras" in document.value:
        return None
    if set(document.value) != {"privacy"}:
        raise SiteError([f"{path}: expected the one key privacy, or a site file"])
    return _policy_at_top(document, "footage")


def _site_of(document: Document) -> Site:
    promise = promise_of_file(document)
    top = None if document.value.get("privacy") is None else _policy_at_top(document, promise, finish=False)
    add_both_promises(document)
    if promise == "footage":
        add_misfits(document, top if isinstance(top, FootagePolicy) else FootagePolicy())
    try:
        parsed = FileKeys.model_validate(document.value)
    except ValidationError as error:
        _add_all(error.errors(include_url=False), document, promise)
    document.raise_problems()
    folder = document.path.parent
    under = top if isinstance(top, FootagePolicy) else None
    cameras = tuple(_camera(name, camera, folder, under) for name, camera in parsed.cameras.items())
    store, ledger = (
        None if text is None else DatabaseAddress(key, text, folder)
        for key, text in (("store", parsed.store), ("ledger", parsed.ledger))
    )
    return Site(
        document.path,
        parsed.site.name,
        parsed.site.timezone,
        cameras,
        (
            *_warnings(cameras, (store, ledger), document),
            *warnings_of_policies({("privacy",): top}, document),
            *note_of_promise(document),
        ),
        PublicPage(**parsed.page.model_dump()) if parsed.page else PublicPage(),
        store,
        ledger,
        None if parsed.mark is None else folder / parsed.mark,
        None if parsed.state is None else folder / parsed.state,
        (top if isinstance(top, CrossingsPolicy) else CrossingsPolicy()) if promise == "crossings" else None,
    )


def _policy_at_top(
    document: Document, default: PromiseName, *, finish: bool = True
) -> CrossingsPolicy | FootagePolicy:
    """The policy at the top; its mistakes are added. With `finish`, raises SiteError where the file has any."""
    policy = policy_at_top(document, default)
    if isinstance(policy, list):
        named = document.value["privacy"]
        promise = named.get("promise", default) if isinstance(named, dict) else default
        _add_all(policy, document, "footage" if promise == "footage" else "crossings")
        policy = FootagePolicy()
    if isinstance(policy, FootagePolicy):
        misfit_of_file(document)
    if finish:
        document.raise_problems()
    return policy


def _add_all(errors: Iterable[ErrorDetails], document: Document, promise: PromiseName) -> None:
    for error in errors:
        # A mistake in a key itself is reported at its entry.
        key = error["loc"][:-1] if error["loc"][-1:] == ("[key]",) else error["loc"]
        if error["type"] == "extra_forbidden":
            _add_unknown(key, document, promise)
        elif error["type"] == "missing":
            document.add(key, f"found nothing, expected {expected_at(key, promise)}")
        elif error["type"] == "value_error":
            document.add(key, str(error["ctx"]["error"]))
        elif error["type"] == "too_short":
            document.add(key, "found none, expected at least one camera")
        else:
            document.add(key, f"found {shown(error['input'])}, expected {expected_at(key, promise)}")


def _add_unknown(key: Key, document: Document, promise: PromiseName) -> None:
    other: PromiseName = "footage" if promise == "crossings" else "crossings"
    if key[:-1] == ("privacy",) and key[-1] in known_keys(key[:-1], other):
        document.add(
            key, f"found a key of the {other} promise, expected promise: {other} beside it, or no such key"
        )
    else:
        document.add_unknown(key, known_keys(key[:-1], promise))


def _camera(name: str, parsed: CameraKeys, folder: Path, under: FootagePolicy | None) -> Camera:
    policy = merged(under or FootagePolicy(), parsed.privacy) if parsed.privacy else under
    lines = tuple(
        CountedLine(
            make_line(line_name, line.start, line.end, names=line.names, anchor=line.anchor),
            line.count,
            line.corridor,
            merged(policy or FootagePolicy(), line.privacy) if line.privacy else policy,
        )
        for line_name, line in parsed.lines.items()
    )
    return Camera(
        name=name,
        source=_address(parsed.source, folder),
        detector=parsed.detector,
        lines=lines,
        zones=tuple(Zone(zone_name, corners) for zone_name, corners in parsed.zones.items()),
        policy=policy,
        substream=_address(parsed.substream, folder),
        transport=parsed.transport,
        plan=None if parsed.plan is None else folder / parsed.plan,
        accuracy=Accuracy(**parsed.accuracy.model_dump()) if parsed.accuracy else None,
        arms=tuple((line_name, line.arm) for line_name, line in parsed.lines.items() if line.arm is not None),
    )


def _address(given: str | dict[str, str] | None, folder: Path) -> Address | None:
    if isinstance(given, dict):
        return Address(None, folder / given["file"], folder)
    return None if given is None else Address(given, folder=folder)


def _warnings(
    cameras: Iterable[Camera], databases: Iterable[DatabaseAddress | None], document: Document
) -> Iterable[str]:
    for database in databases:
        if database is not None:
            yield from _warnings_of_address((database.key,), database, document)
    for camera in cameras:
        key: Key = ("cameras", camera.name)
        for name, address in (("source", camera.source), ("substream", camera.substream)):
            if address is not None:
                yield from _warnings_of_address((*key, name), address, document)
        if camera.zones:
            yield document.message_at((*key, "zones"), "nothing is counted in zones yet")
        policies = {(*key, "privacy"): camera.policy} | {
            (*key, "lines", line.line.name, "privacy"): line.policy for line in camera.lines
        }
        yield from warnings_of_policies(policies, document)


def _warnings_of_address(key: Key, address: Address | DatabaseAddress, document: Document) -> Iterable[str]:
    for name in address.missing():
        yield document.message_at(key, f"the environment variable {name} is not set")
    if address.in_clear:
        expected = "${VARIABLE} or {file: path}" if isinstance(address, Address) else "${VARIABLE}"
        yield document.message_at(key, f"holds a password in clear, better {expected}")
