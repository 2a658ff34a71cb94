"""The page that adds a camera: search or type, test, and write it with its password outside the site file.

Invariant: a typed address is never shown again, and never in the journal or in an error.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from ruamel.yaml.comments import CommentedMap
from starlette.concurrency import run_in_threadpool

from passerby.config.camera_address import Address, kind_of
from passerby.config.line_spec import name_problem
from passerby.console import discovery, onvif, site_file
from passerby.console.backgrounds import path_of
from passerby.console.context import ConsoleContext, Login
from passerby.console.discovery import DiscoveredCamera
from passerby.console.jobs import reason_text
from passerby.console.onvif import Stream
from passerby.console.pages.layout import VIEWER, errors_shown, heading, text_element, written_url
from passerby.console.pages.review import review
from passerby.console.site_file import Change, mapping_at
from passerby.errors import InputError
from passerby.io import files
from passerby.video.setup.probe_camera import probe_camera

_KEEP = {
    "file": "in its own file, which only your user account on this computer can read",
    "typed": "in the site file, as typed: everybody who can read that file then has the password",
}
_POLICY = {"rho": "6s", "k": 2, "epsilon": 1, "chunk": "9s", "warmup": "2s", "clip": 6, "every": "15m"}
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


@dataclass(frozen=True, slots=True, repr=False)
class NewCamera:
    """A camera as typed: its name, its address with user and password, and where to keep the address."""

    name: str
    address: str
    keep: str


async def add_camera(context: ConsoleContext, login: Login, request: Request) -> None:
    heading("Add a camera", "Live video is never shown, not even to you. It stays on this computer.")
    if not login.is_operator:
        text_element("p", VIEWER, "warn")
        return
    _Form(context, login).build()


class _Form:
    """The form for a new camera."""

    def __init__(self, context: ConsoleContext, login: Login) -> None:
        self._context, self._login = context, login

    def build(self) -> None:
        self._name = ui.input("Name, such as north").props("outlined dense maxlength=80").classes("wide")
        self._address = ui.input("Address, such as rtsp://192.168.1.20:554/stream2", password=True)
        self._address.props('outlined dense autocomplete="off" spellcheck="false"').classes("wide")
        with ui.element("div").classes("pair wide"):
            self._user = ui.input("User of the camera")
            self._user.props('outlined dense maxlength=80 autocomplete="off"')
            self._password = ui.input("Password of the camera", password=True)
            self._password.props('outlined dense maxlength=80 autocomplete="new-password"')
        hint = "If the camera has two streams, use the smaller one: 640 pixels are enough for counting."
        text_element("p", hint, "hint")
        with ui.element("div").classes("actions left"):
            ui.button("Search the network", on_click=self._search).props("outline no-caps")
            ui.button("Test connection", on_click=self._test).props("outline no-caps")
        self._cameras = ui.element("div").props("role=status")
        self._result = ui.element("div").props("role=status")
        text_element("p", "Keep the address:")
        self._keep = ui.radio(_KEEP, value="file").props("dense")
        hint = "An address that contains ${VARIABLE} is kept as typed; the variable is read from the environment."
        text_element("p", hint, "hint")
        ui.button("Add camera", on_click=self._propose).props("unelevated no-caps")

    def _typed(self) -> NewCamera:
        whole = with_user(self._address.value.strip(), self._user.value.strip(), self._password.value)
        return NewCamera(self._name.value.strip(), whole, self._keep.value)

    async def _propose(self) -> None:
        with errors_shown():
            camera = self._typed()
            check(camera)
            change, secret = change_of(self._context.settings.site, camera)
            proposal = await run_in_threadpool(site_file.propose, self._context.settings.site, change)

            def done() -> None:
                ui.navigate.to(written_url(camera.name))

            before = None if secret is None else partial(_write_secret, secret, camera.address)
            review(self._context, self._login, proposal, f"camera {camera.name}", done, before)

    async def _test(self) -> None:
        with errors_shown():
            camera = self._typed()
            check(NewCamera(camera.name or "new", camera.address, camera.keep))
            self._context.authorise(self._login, "tested the connection to a camera", camera.name)
            _show_wait(self._result, "Connecting…")
            answer = await run_in_threadpool(probe_camera, Address(camera.address))
            self._result.clear()
            with self._result:
                if answer.up:
                    text = f"The connection works: pictures of {answer.width} x {answer.height} px."
                    text_element("p", text, "state up")
                else:
                    text_element("p", f"No picture: {reason_text(answer.reason)}.", "state down")

    async def _search(self) -> None:
        with errors_shown():
            self._context.authorise(self._login, "searched the network for cameras")
            _show_wait(self._cameras, "Searching…")
            interface = self._context.settings.interface
            cameras = await run_in_threadpool(discovery.discover, interface=interface)
            self._cameras.clear()
            with self._cameras:
                if not cameras:
                    text_element("p", "No camera answered. Some cameras answer only after you turn ONVIF on.")
                for camera in cameras:
                    text_element("p", f"{camera.host}  {camera.name} {camera.hardware}", "found")
                    section = ui.element("div").classes("streams")
                    with section:
                        _button("Get its streams", partial(self._get_streams, section, camera))
                if cameras:
                    hint = "A camera names its streams to its user: type user and password above first."
                    text_element("p", hint, "hint")

    async def _get_streams(self, section: ui.element, camera: DiscoveredCamera) -> None:
        """Show the streams of a camera for selection, or the error and the start of an address."""
        with errors_shown():
            self._context.authorise(self._login, "requested the streams of a camera", camera.host)
            problem = ""
            streams: tuple[Stream, ...] = ()
            user, password = self._user.value.strip(), self._password.value
            try:
                streams = await run_in_threadpool(onvif.streams, camera.service, user, password)
            except InputError as error:
                problem = str(error)
            section.clear()
            with section:
                for stream in streams:
                    size = f", {stream.width} x {stream.height} px" if stream.width else ""
                    text_element("span", f"{stream.name or 'a stream'}{size}")
                    self._address_button("Use this stream", stream.address)
                if problem:
                    text_element("p", f"{problem}.", "state down")
                    _button("Get its streams", partial(self._get_streams, section, camera))
                    self._address_button("Type its path by hand", discovery.address_of(camera))

    def _address_button(self, text: str, address: str) -> None:
        """A button that fills the address in."""
        ui.button(text, on_click=lambda: self._address.set_value(address)).props("flat dense no-caps")


def _button(text: str, on_click: Callable[[], Awaitable[None]]) -> None:
    ui.button(text, on_click=on_click).props("flat dense no-caps")


def _show_wait(section: ui.element, text: str) -> None:
    section.clear()
    with section:
        text_element("p", text)


def check(camera: NewCamera) -> None:
    """Raises InputError, without the address, for an invalid name or address."""
    if problem := name_problem(camera.name):
        raise InputError(f"name: {problem}")
    if "${" not in camera.address and kind_of(camera.address) not in ("rtsp", "http"):
        raise InputError(
            "address: expected rtsp://, rtsps://, http:// or https://; add other sources in the site file"
        )
    if not camera.address.isprintable() or len(camera.address) > 2000 or " " in camera.address:
        raise InputError("address: expected up to 2000 characters without a space")


def with_user(address: str, user: str, password: str) -> str:
    """The address with user and password in it. Raises InputError if it already contains a user."""
    scheme, separator, rest = address.partition("://")
    if not user or not separator:
        return address
    if "@" in rest.partition("/")[0]:
        raise InputError(
            "address: already contains a user; remove it there, or leave the field for the user empty"
        )
    parts = (part if _VARIABLE.fullmatch(part) else quote(part, safe="") for part in (user, password))
    return f"{scheme}://{':'.join(parts)}@{rest}"


def change_of(site: Path, new: NewCamera) -> tuple[Change, Path | None]:
    """The change of the site file that adds the camera, and the file that will hold its address, if any.

    It gets a policy of its own where the other cameras have theirs: under the crossings promise the site has one.
    Raises SiteError.
    """
    of_camera = site_file.read(site).site.promise == "footage"
    secret = None
    if new.keep == "file" and "${" not in new.address:
        secret = site.parent / "secrets" / path_of(Path(), new.name).with_suffix(".address").name

    def change(root: CommentedMap) -> None:
        cameras = mapping_at(root, "cameras")
        if new.name in cameras:
            raise InputError(f"camera {new.name!r}: already exists")
        camera = CommentedMap()
        if secret is None:
            camera["source"] = new.address
        else:
            camera["source"] = _flow({"file": f"secrets/{secret.name}"})
        if of_camera and root.get("privacy") is None:
            camera["privacy"] = _flow(dict(_POLICY))
        cameras[new.name] = camera

    return change, secret


def _flow(values: dict[str, object]) -> CommentedMap:
    """A mapping on one line."""
    mapping = CommentedMap(values)
    mapping.fa.set_flow_style()
    return mapping


def _write_secret(secret: Path, address: str) -> None:
    secret.parent.mkdir(mode=0o700, exist_ok=True)
    secret.touch(mode=0o600)
    files.write(secret, address + "\n")
