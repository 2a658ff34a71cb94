"""One camera: its background, and what is drawn on it.

Invariant: pixels are shown of an approved background, or of one that waits for approval; never a live one.
"""

from datetime import tzinfo
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.config.site import Camera
from passerby.console import backgrounds, site_file
from passerby.console.backgrounds import Background
from passerby.console.context import Desk, Signed
from passerby.console.pages.background import background_of
from passerby.console.pages.layout import camera_url, heading, told, words, written_url
from passerby.console.pages.line_editor import drawing
from passerby.console.pages.review import review
from passerby.domain import calendar
from passerby.errors import InputError


async def camera(desk: Desk, signed: Signed, request: Request) -> None:
    read = await run_in_threadpool(site_file.read, desk.settings.site)
    one = read.site.camera(request.query_params.get("name", ""))
    background = await run_in_threadpool(backgrounds.find, desk.settings.backgrounds, one.name)
    job = desk.jobs.capture_of(one.name)
    heading(one.name)
    if "written" in request.query_params:
        words("p", "The site file is written.", "state up").props("role=status")
    if background is None or job is not None or "background" in request.query_params:
        background_of(desk, signed, one)
        return
    await drawing(
        desk,
        signed,
        one,
        background,
        f"/background.png?camera={quote(one.name, safe='')}&v={background.digest[:12]}",
    )
    _about(desk, signed, one, background, calendar.zone_of(read.site.timezone))


def _about(desk: Desk, signed: Signed, one: Camera, background: Background, zone: tzinfo) -> None:
    when = calendar.to_local(background.approved_ms, zone)
    covered = f", {background.covered:.1%} of it covered flat" if background.covered else ""
    words("p", f"Background approved by {background.approved_by} on {when:%Y-%m-%d %H:%M}{covered}.", "about")
    if not signed.operates:
        return

    async def publish() -> None:
        with told():
            folder = desk.settings.site.parent.resolve()
            path = background.path.resolve()
            if not path.is_relative_to(folder):
                raise InputError(f"{path}: expected a background beside the site file")
            change = backgrounds.change_of(one.name, path.relative_to(folder).as_posix())
            proposal = await run_in_threadpool(site_file.propose, desk.settings.site, change)
            about = f"the public plan of camera {one.name}"
            review(desk, signed, proposal, about, lambda: ui.navigate.to(written_url(one.name)))

    with ui.element("div").classes("actions left"):
        again = camera_url("/camera", one.name) + "&background"
        ui.button("New background", on_click=lambda: ui.navigate.to(again)).props("flat no-caps")
        if one.plan is None or one.plan.resolve() != background.path.resolve():
            ui.button("Show it on the public page", on_click=publish).props("flat no-caps")
