"""The page of a camera: its background, and the shapes drawn on it.

Invariant: the only pictures shown are an approved background or one that waits for approval, never live video.
"""

from datetime import tzinfo

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.config.site import Camera
from passerby.console import backgrounds, site_file
from passerby.console.backgrounds import Background
from passerby.console.context import ConsoleContext, Login
from passerby.console.pages.background import capture_section
from passerby.console.pages.layout import (
    background_url,
    camera_url,
    errors_shown,
    heading,
    text_element,
    written_url,
)
from passerby.console.pages.line_editor import line_editor
from passerby.console.pages.review import review
from passerby.domain import calendar
from passerby.errors import InputError


async def camera(context: ConsoleContext, login: Login, request: Request) -> None:
    file = await run_in_threadpool(site_file.read, context.settings.site)
    shown = file.site.camera(request.query_params.get("name", ""))
    background = await run_in_threadpool(backgrounds.find, context.settings.backgrounds, shown.name)
    job = context.jobs.capture_of(shown.name)
    heading(shown.name)
    if "written" in request.query_params:
        text_element("p", "The site file was written.", "state up").props("role=status")
        text_element("p", "A running site reads it after: systemctl reload, or kill -HUP.", "hint")
    if background is None or job is not None or "background" in request.query_params:
        capture_section(context, login, shown)
        return
    src = background_url(shown.name, background.digest)
    await line_editor(context, login, shown, background, src, file.site.privacy)
    _about(context, login, shown, background, calendar.zone_of(file.site.timezone))


def _about(
    context: ConsoleContext, login: Login, shown: Camera, background: Background, zone: tzinfo
) -> None:
    approved = calendar.to_local(background.approved_ms, zone)
    covered = f"; {background.covered:.1%} of it is covered" if background.covered else ""
    text = f"Background approved by {background.approved_by} on {approved:%Y-%m-%d %H:%M}{covered}."
    text_element("p", text, "about")
    if not login.is_operator:
        return

    async def publish() -> None:
        with errors_shown():
            folder = context.settings.site.parent.resolve()
            path = background.path.resolve()
            if not path.is_relative_to(folder):
                raise InputError(f"{path}: expected a background in the folder of the site file")
            change = backgrounds.change_of(shown.name, path.relative_to(folder).as_posix())
            proposal = await run_in_threadpool(site_file.propose, context.settings.site, change)
            subject = f"the public plan of camera {shown.name}"
            review(context, login, proposal, subject, lambda: ui.navigate.to(written_url(shown.name)))

    with ui.element("div").classes("actions left"):
        capture = camera_url("/camera", shown.name) + "&background"
        ui.button("New background", on_click=lambda: ui.navigate.to(capture)).props("flat no-caps")
        if shown.plan is None or shown.plan.resolve() != background.path.resolve():
            ui.button("Show it on the public page", on_click=publish).props("flat no-caps")
