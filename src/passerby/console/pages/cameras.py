"""All cameras at a glance: whether each is well, what it has spent, what is still to be set up.

Invariant: health and budget are what whoever runs the site told; nothing is looked at, and no ledger is opened here.
"""

from datetime import tzinfo
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.config.site import Camera
from passerby.console import backgrounds, site_file, site_state
from passerby.console.context import Desk, Signed
from passerby.console.jobs import words as reason_words
from passerby.console.pages.layout import camera_url, heading, problems, words
from passerby.console.site_state import CameraState, SiteState
from passerby.domain import calendar
from passerby.domain.link_health import Reason


async def cameras(desk: Desk, signed: Signed, request: Request) -> None:
    read = await run_in_threadpool(site_file.read, desk.settings.site)
    site = read.site
    heading(site.name, f"{desk.settings.site} · {site.timezone}")
    zone = calendar.zone_of(site.timezone)
    state = await run_in_threadpool(desk.settings.run_state)
    if state is None:
        state = await run_in_threadpool(site_state.by_store, desk.settings.database, desk.now_ms())
    if site.warnings:
        problems(site.warnings)
    if state is not None:
        if not state.runs:
            words("p", f"Nobody runs this site: what is told here is of {_at(state.told_ms, zone)}.", "warn")
        if state.problems:
            problems(state.problems)
    with ui.element("ul").classes("cards"):
        for camera in site.cameras:
            _card(desk, camera, state, zone)
    if signed.operates:
        words("a", "Add a camera", "button").props('href="/add"')


def _card(desk: Desk, camera: Camera, state: SiteState | None, zone: tzinfo) -> None:
    background = backgrounds.find(desk.settings.backgrounds, camera.name)
    one = None if state is None else state.cameras.get(camera.name)
    with ui.element("li").classes("card"):
        if background is not None:
            image = ui.element("img").props("loading=lazy alt=''")
            image.props["src"] = (
                f"/background.png?camera={quote(camera.name, safe='')}&v={background.digest[:12]}"
            )
        else:
            words("p", "no background yet", "no-background")
        with ui.element("div"):
            words("a", camera.name, "stretched").props["href"] = camera_url("/camera", camera.name)
            kind, text = _health(one, state, zone)
            words("p", text, f"state {kind}")
            lines, zones = len(camera.lines), len(camera.zones)
            words("p", f"{lines} line{'' if lines == 1 else 's'}, {zones} zone{'' if zones == 1 else 's'}")
            words("p", _budget(camera, one))
            if one is not None and one.note:
                words("p", one.note, "hint")


def _health(one: CameraState | None, state: SiteState | None, zone: tzinfo) -> tuple[str, str]:
    if one is None or state is None:
        return "unknown", "not run yet"
    since = _at(one.since_ms, zone)
    if not one.up:
        reason = reason_words(Reason(one.reason)) if one.reason in list(Reason) else one.reason
        return "unknown" if not state.runs else "down", f"down since {since}: {reason}"
    told = f"up since {since}"
    if one.fps is not None:
        told += f", {one.fps:.1f} frames a second"
    if one.covered is not None:
        told += f", {one.covered:.0%} of today"
    return "up" if state.runs else "unknown", told


def _budget(camera: Camera, one: CameraState | None) -> str:
    if one is not None and one.epsilon_left is not None and one.epsilon_budget is not None:
        return f"budget: epsilon {one.epsilon_left:g} left of {one.epsilon_budget:g} for who passes now"
    return "" if camera.policy else "no privacy policy: nothing is released"


def _at(time_ms: int, zone: tzinfo) -> str:
    return f"{calendar.to_local(time_ms, zone):%d %b %H:%M}"
