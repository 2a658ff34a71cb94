"""The desired state of a running site: its site file, read whole, and its detectors, tried before anything starts.

Invariant: all mistakes are reported together; nothing is started, paid or written here.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import time
from typing import Any

from passerby.config import site, yaml_document
from passerby.config.site import Camera, Site
from passerby.config.site_policies import promise_of_file
from passerby.domain import calendar
from passerby.domain.policy import PromiseName
from passerby.domain.timespan import Span
from passerby.errors import PasserbyError, PolicyError, SiteError
from passerby.live.protocol import CheckDetectors, CheckedDetectors, checked_detectors, encode
from passerby.privacy import crossings, plan, standing_query

_CHECK_S = 120


@dataclass(frozen=True, slots=True)
class DesiredState:
    """A site, the text of its file, and the full name of each camera's detector."""

    site: Site
    text: str
    detectors: dict[str, str]

    @property
    def cameras(self) -> dict[str, Camera]:
        return {camera.name: camera for camera in self.site.cameras}


def read_desired_state(path: Path, model_dir: Path | None) -> DesiredState:
    """Read a site file and try its detectors. Raises SiteError with every mistake in it."""
    problems: list[str] = []
    try:
        # Where it cannot be read at all, the error says why.
        site.load(path)
    except SiteError as error:
        problems += error.problems
    try:
        text = path.read_text(encoding="utf-8-sig")
        read: Site | None = site.parse(text, path)
    except (OSError, UnicodeDecodeError, SiteError):
        problems = problems or [f"{path}: changed while it was read"]
        read = None
    if read is None:
        promise, cameras, timezone = _sound(path)
    else:
        promise, cameras, timezone = read.promise, list(read.cameras), read.timezone
        problems += _misfit_promise(read)
    for camera in cameras:
        problems += _misfits(camera, path, promise, timezone)
    named = [camera.detector for camera in cameras]
    checked = _checked(named, model_dir) if named else CheckedDetectors(named={}, problems=[])
    problems += [f"{path}: {problem}" for problem in checked.problems]
    if problems or read is None:
        raise SiteError(problems)
    return DesiredState(read, text, {camera.name: checked.named[camera.detector] for camera in cameras})


def with_detectors_tried_again(before: DesiredState, model_dir: Path | None) -> DesiredState:
    """The same site with its detectors as they are now: a model may have been replaced while the site ran.

    Raises PasserbyError where one of them cannot be used.
    """
    cameras = before.site.cameras
    checked = _checked([camera.detector for camera in cameras], model_dir)
    if checked.problems:
        raise SiteError(checked.problems)
    return replace(before, detectors={camera.name: checked.named[camera.detector] for camera in cameras})


def _sound(path: Path) -> tuple[PromiseName, list[Camera], str]:
    """The promise of a broken site file, and its cameras that have no mistake of their own, so that their misfits are
    reported too; in UTC."""
    try:
        document = yaml_document.load(
            path, SiteError, kind="a site file", expected="the keys site and cameras"
        )
    except SiteError:
        return "crossings", [], "UTC"
    return promise_of_file(document), list(_sound_cameras(document.value, path)), "UTC"


def _sound_cameras(value: Mapping[str, Any], path: Path) -> Iterator[Camera]:
    cameras = value.get("cameras")
    for name, camera in cameras.items() if isinstance(cameras, dict) else ():
        alone = {"site": {"name": "site", "timezone": "UTC"}, "cameras": {name: camera}}
        try:
            # JSON is YAML.
            yield from site.parse(json.dumps(alone, default=str), path).cameras
        except SiteError:
            continue


def _misfit_promise(read: Site) -> Iterator[str]:
    if read.privacy is not None:
        try:
            crossings.split(read.privacy)
        except PolicyError as error:
            yield f"{read.path}: privacy: {error}"


def _misfits(camera: Camera, path: Path, promise: PromiseName, timezone: str) -> Iterator[str]:
    """The reasons why a camera cannot be run though its site file has no mistake."""
    now_ms = round(time() * 1000)
    zone = calendar.zone_of(timezone)
    where = f"{path}: camera {camera.name}"
    if camera.watched is None:
        yield f"{where}: found no source, expected the address of its video"
    else:
        for name in camera.watched.missing():
            yield f"{where}: the environment variable {name} is not set"
    if not camera.lines:
        yield f"{where}: found no line, expected at least one"
    if promise == "crossings":
        return
    for line in camera.lines:
        if line.policy is None:
            yield f"{where}, line {line.line.name}: found no privacy policy, expected the key privacy"
            continue
        try:
            plan.check(line.policy)
            standing_query.check_chunk_edges(line.policy, _day(now_ms), zone)
        except PolicyError as error:
            yield f"{where}, line {line.line.name}: privacy: {error}"


def _day(now_ms: int) -> Span:
    return Span(now_ms, now_ms + calendar.DAY_MS)


def _checked(detectors: list[str], model_dir: Path | None) -> CheckedDetectors:
    """The full names of the detectors, from a process that may see."""
    order = CheckDetectors(detectors=detectors, model_dir=None if model_dir is None else str(model_dir))
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "passerby.live.worker"],
            input=encode(order),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_CHECK_S,
            check=False,
        )
        return checked_detectors(ran.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        raise PasserbyError(
            "the detectors cannot be tried: no process of a camera could be started"
        ) from None
