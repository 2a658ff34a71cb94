"""A background is captured, looked at by a person, and frozen.

Invariant: what is shown is a median that was found empty; it is kept when a person has said so, and forgotten
otherwise.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.config.site import Camera
from passerby.console import backgrounds
from passerby.console.backgrounds import Background
from passerby.console.context import Desk, Signed
from passerby.console.jobs import Capture
from passerby.console.jobs import words as reason_words
from passerby.console.pages.layout import camera_url, told, words
from passerby.errors import InputError
from passerby.video.scene.background_capture import EmptyPicture, Step

_STEPS = {
    Step.CONNECTING: "No picture yet: {reason}.",
    Step.WATCHING: "Watching: pictures come, and are added up until nobody is left in them.",
    Step.BUSY: "Still watching: somebody may be in {covered:.1%} of the picture.",
}


def background_of(desk: Desk, signed: Signed, camera: Camera) -> None:
    """The capture of a camera, at whatever it is."""
    words(
        "p",
        "Lines are drawn on a background: the place with nobody in it. It is added up from half a minute or more of "
        "pictures, and looked through for people by a detector; live pictures are shown to nobody.",
        "about",
    )
    if not signed.operates:
        words("p", "There is no background yet. A viewer may look, and change nothing.", "empty")
        return
    shown = ui.element("div")
    state = ""

    def show(*, anew: bool = False) -> None:
        nonlocal state
        job = desk.jobs.capture_of(camera.name)
        now = _state_of(job)
        if now == state and not anew:
            return
        state = now
        shown.clear()
        with shown:
            _show(desk, signed, camera, job)

    show(anew=True)
    ui.timer(1.0, show)


def _state_of(job: Capture | None) -> str:
    """Whatever makes the page look otherwise."""
    if job is None:
        return "none"
    if job.picture is not None or job.problem:
        return f"{job.problem} {job.picture is not None}"
    return repr(job.progress)


def _show(desk: Desk, signed: Signed, camera: Camera, job: Capture | None) -> None:
    async def begin() -> None:
        with told():
            if camera.watched is None:
                raise InputError(f"camera {camera.name}: it has no source, expected one in the site file")
            desk.act(signed, "began to capture a background", camera.name)
            desk.jobs.capture(camera.name, camera.watched, camera.transport)

    async def stop() -> None:
        with told():
            desk.act(signed, "gave up a background", camera.name)
            desk.jobs.drop(camera.name)

    if job is not None and job.picture is not None:
        _waiting(desk, signed, camera, job.picture, stop)
        return
    if job is not None and job.problem:
        words("p", job.problem, "warn")
    if job is None or job.problem:
        ui.button("Capture a background", on_click=begin).props("unelevated no-caps")
        return
    progress = job.progress
    with ui.element("div").classes("capturing").props("role=status"):
        bar = ui.element("progress").props('max="1" aria-label="Time"')
        if progress is not None:
            bar.props["value"] = progress.share
            words(
                "p",
                _STEPS[progress.step].format(covered=progress.covered, reason=reason_words(progress.reason)),
            )
        ui.button("Stop", on_click=stop).props("flat no-caps")


def _waiting(
    desk: Desk, signed: Signed, camera: Camera, picture: EmptyPicture, stop: Callable[[], Awaitable[None]]
) -> None:
    image = ui.element("img").classes("pending").props('alt="The background that waits for approval"')
    image.props["src"] = f"/pending.png?camera={quote(camera.name, safe='')}&v={id(picture)}"
    words(
        "p",
        f"From a picture of {picture.width} x {picture.height} px, looked through by {', '.join(picture.checked_by)}. "
        + (
            f"{picture.covered:.1%} of it is covered flat, where somebody may have been."
            if picture.covered
            else ""
        ),
    )
    sure = ui.checkbox("I have looked: nobody is in it")

    async def approve() -> None:
        with told():
            if not sure.value:
                raise InputError("look at the picture, and say so: nobody is in it")
            desk.act(signed, "approved a background", camera.name)
            background = Background(
                camera=camera.name,
                path=backgrounds.path_of(desk.settings.backgrounds, camera.name),
                width=picture.width,
                height=picture.height,
                covered=picture.covered,
                looked=picture.checked_by,
                approved_by=signed.user,
                approved_ms=desk.now_ms(),
                digest="",
            )
            await run_in_threadpool(backgrounds.approve, background, picture.png)
            desk.jobs.drop(camera.name)
            ui.navigate.to(camera_url("/camera", camera.name))

    with ui.element("div").classes("actions left"):
        ui.button("Approve", on_click=approve).props("unelevated no-caps")
        ui.button("Discard", on_click=stop).props("flat no-caps")
