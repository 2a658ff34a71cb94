"""The first page: the health, the budget and the setup of all cameras.

Invariant: health and budget are those that the running site reported; this page opens no camera and no ledger.
"""

from datetime import tzinfo

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.config.site import Camera, Site
from passerby.console import backgrounds, site_file, site_state
from passerby.console.context import ConsoleContext, Login
from passerby.console.jobs import reason_text
from passerby.console.pages.layout import background_url, camera_url, heading, problems, text_element
from passerby.console.site_state import CameraState, SiteState
from passerby.domain import calendar
from passerby.domain.link_health import Reason
from passerby.domain.policy import PromiseName


async def cameras(context: ConsoleContext, login: Login, request: Request) -> None:
    file = await run_in_threadpool(site_file.read, context.settings.site)
    site = file.site
    heading(site.name, f"{context.settings.site} · {site.timezone}")
    zone = calendar.zone_of(site.timezone)
    state = await run_in_threadpool(context.settings.run_state)
    if state is None:
        state = await run_in_threadpool(site_state.by_store, context.settings.database, context.now_ms())
    if site.warnings:
        problems(site.warnings)
    if state is not None:
        if not state.runs:
            text = f"The site is not running. Last report: {_local(state.reported_ms, zone)}."
            text_element("p", text, "warn")
        if state.problems:
            problems(state.problems)
    with ui.element("ul").classes("cards"):
        for camera in site.cameras:
            _card(context, site, camera, state)
    if login.is_operator:
        text_element("a", "Add a camera", "button").props('href="/add"')


def _card(context: ConsoleContext, site: Site, camera: Camera, state: SiteState | None) -> None:
    zone = calendar.zone_of(site.timezone)
    background = backgrounds.find(context.settings.backgrounds, camera.name)
    camera_state = None if state is None else state.cameras.get(camera.name)
    with ui.element("li").classes("card"):
        if background is not None:
            image = ui.element("img").props("loading=lazy alt=''")
            image.props["src"] = background_url(camera.name, background.digest)
        else:
            text_element("p", "no background yet", "no-background")
        with ui.element("div"):
            link = text_element("a", camera.name, "stretched")
            link.props["href"] = camera_url("/camera", camera.name)
            kind, text = _health(camera_state, state, zone)
            text_element("p", text, f"state {kind}")
            lines, zones = len(camera.lines), len(camera.zones)
            shapes = f"{lines} line{'' if lines == 1 else 's'}, {zones} zone{'' if zones == 1 else 's'}"
            text_element("p", shapes)
            text_element("p", _budget(camera, camera_state, site.promise))
            if camera_state is not None and camera_state.note:
                text_element("p", camera_state.note, "hint")


def _health(camera: CameraState | None, state: SiteState | None, zone: tzinfo) -> tuple[str, str]:
    """A style class, and the health of a camera as a text."""
    if camera is None or state is None:
        return "unknown", "not run yet"
    since = _local(camera.since_ms, zone)
    if not camera.up:
        reason = reason_text(Reason(camera.reason)) if camera.reason in list(Reason) else camera.reason
        return "unknown" if not state.runs else "down", f"down since {since}: {reason}"
    text = f"up since {since}"
    if camera.fps is not None:
        text += f", {camera.fps:.1f} frames per second"
    if camera.covered is not None:
        text += f", data coverage today {camera.covered:.0%}"
    return "up" if state.runs else "unknown", text


def _budget(camera: Camera, state: CameraState | None, promise: PromiseName) -> str:
    if state is None or state.epsilon_left is None or state.epsilon_budget is None:
        return "" if camera.policy or promise == "crossings" else "no privacy policy: nothing is released"
    # A running site reserves the whole budget of the present in advance.
    if state.epsilon_left <= 0:
        return f"Privacy budget for now: reserved (normal), epsilon {state.epsilon_budget:g}"
    return f"Privacy budget for now: epsilon {state.epsilon_left:g} of {state.epsilon_budget:g} left"


def _local(time_ms: int, zone: tzinfo) -> str:
    return f"{calendar.to_local(time_ms, zone):%d %b %H:%M}"
