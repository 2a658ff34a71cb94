"""Capture of a background, and its approval by a person.

Invariant: the picture shown is a median in which no person was detected; it is stored after a person approved it, and
deleted otherwise.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.config.site import Camera
from passerby.console import backgrounds
from passerby.console.backgrounds import Background
from passerby.console.context import ConsoleContext, Login
from passerby.console.jobs import Capture, reason_text
from passerby.console.pages.layout import VIEWER, camera_url, errors_shown, text_element
from passerby.domain.link_health import Reason
from passerby.errors import InputError
from passerby.video.setup.background_capture import EmptyPicture, Progress, Step


def capture_section(context: ConsoleContext, login: Login, camera: Camera) -> None:
    """The section of a camera's page that captures a background, at its current step."""
    text_element(
        "p",
        "You draw lines on the background: a picture of the place without people. It is made from at least 30 s of "
        "video and checked for people by a detector. Live video is never shown, not even to you.",
        "about",
    )
    if not login.is_operator:
        text_element("p", f"There is no background yet. {VIEWER}", "empty")
        return
    section = ui.element("div")
    shown_state = ""

    def refresh(*, always: bool = False) -> None:
        nonlocal shown_state
        job = context.jobs.capture_of(camera.name)
        state = _state_of(job)
        if state == shown_state and not always:
            return
        shown_state = state
        section.clear()
        with section:
            _show(context, login, camera, job)

    refresh(always=True)
    ui.timer(1.0, refresh)


def _state_of(job: Capture | None) -> str:
    """A text that changes whenever the section has to be drawn again."""
    if job is None:
        return "none"
    if job.picture is not None or job.problem:
        return f"{job.problem} {job.picture is not None}"
    return repr(job.progress)


def _show(context: ConsoleContext, login: Login, camera: Camera, job: Capture | None) -> None:
    async def begin() -> None:
        with errors_shown():
            if camera.watched is None:
                raise InputError(f"camera {camera.name}: found no source, expected one in the site file")
            context.authorise(login, "started to capture a background", camera.name)
            context.jobs.capture(camera.name, camera.watched, camera.transport)

    async def stop() -> None:
        with errors_shown():
            context.authorise(login, "discarded a background", camera.name)
            context.jobs.drop(camera.name)

    if job is not None and job.picture is not None:
        _approval(context, login, camera, job.picture, stop)
        return
    if job is not None and job.problem:
        text_element("p", f"{job.problem}.", "warn")
    if job is None or job.problem:
        ui.button("Capture a background", on_click=begin).props("unelevated no-caps")
        return
    with ui.element("div").classes("capturing").props("role=status"):
        bar = ui.element("progress").props('max="1" aria-label="Time"')
        if job.progress is None:
            text_element("p", "Loading the detector.")
        else:
            bar.props["value"] = job.progress.share
            text_element("p", _progress_text(job.progress))
        ui.button("Stop", on_click=stop).props("flat no-caps")


def _progress_text(progress: Progress) -> str:
    match progress.step:
        case Step.CONNECTING:
            if progress.reason is Reason.CONNECTING:
                return "Connecting."
            return f"No picture yet: {reason_text(progress.reason)}."
        case Step.WATCHING:
            return "Collecting video for the background."
        case Step.BUSY:
            return f"Still collecting: somebody may be in {progress.covered:.1%} of the picture."


def _approval(
    context: ConsoleContext,
    login: Login,
    camera: Camera,
    picture: EmptyPicture,
    discard: Callable[[], Awaitable[None]],
) -> None:
    image = ui.element("img").classes("pending").props('alt="The background that waits for approval"')
    image.props["src"] = f"/pending.png?camera={quote(camera.name, safe='')}&v={id(picture)}"
    detectors = ", ".join(picture.checked_by)
    text = f"From video of {picture.width} x {picture.height} px, checked for people by {detectors}."
    if picture.covered:
        text += f" {picture.covered:.1%} of it is covered, because somebody may have been there."
    text_element("p", text)
    text_element("p", "Check before sharing: motionless people may be visible.", "warn")
    sure = ui.checkbox("I have checked: nobody is visible")

    async def approve() -> None:
        with errors_shown():
            if not sure.value:
                raise InputError("check the picture first, then tick that nobody is visible")
            context.authorise(login, "approved a background", camera.name)
            background = Background(
                camera=camera.name,
                path=backgrounds.path_of(context.settings.backgrounds, camera.name),
                width=picture.width,
                height=picture.height,
                covered=picture.covered,
                checked_by=picture.checked_by,
                approved_by=login.user,
                approved_ms=context.now_ms(),
                digest="",
            )
            await run_in_threadpool(backgrounds.approve, background, picture.png)
            context.jobs.drop(camera.name)
            ui.navigate.to(camera_url("/camera", camera.name))

    with ui.element("div").classes("actions left"):
        ui.button("Approve", on_click=approve).props("unelevated no-caps")
        ui.button("Discard", on_click=discard).props("flat no-caps")
