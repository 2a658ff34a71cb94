"""A camera is added: found or typed, tried, and written with its password kept out of the site file.

Invariant: an address that was typed is never shown back, noted or told in an error.
"""

import re
from collections.abc import Callable
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
from passerby.console.context import Desk, Signed
from passerby.console.discovery import Found
from passerby.console.jobs import words as reason_words
from passerby.console.onvif import Stream
from passerby.console.pages.layout import heading, told, words, written_url
from passerby.console.pages.review import review
from passerby.console.site_file import Change, mapping_at
from passerby.errors import InputError
from passerby.io import files
from passerby.video.decode.probe_camera import probe_camera

_KEEP = {
    "file": "in a file of its own, which only this user of the machine may read",
    "typed": "in the site file, as typed: whoever reads that file has the password",
}
_POLICY = {"rho": "6s", "k": 2, "epsilon": 1, "chunk": "9s", "warmup": "2s", "clip": 6, "every": "15m"}


_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """A camera as it was typed; nothing of its address is shown again."""

    name: str
    address: str
    keep: str


async def adding(desk: Desk, signed: Signed, request: Request) -> None:
    heading(
        "Add a camera", "Its pictures are looked at by this machine alone. Nobody is shown them, you neither."
    )
    if not signed.operates:
        words("p", "A viewer may look, and change nothing.", "warn")
        return
    name = ui.input("Name, such as north").props("outlined dense maxlength=80").classes("wide")
    address = ui.input("Address, such as rtsp://192.168.1.20:554/stream2", password=True)
    address.props('outlined dense autocomplete="off" spellcheck="false"').classes("wide")
    with ui.element("div").classes("pair wide"):
        user = ui.input("User of the camera").props('outlined dense maxlength=80 autocomplete="off"')
        password = ui.input("Password of the camera", password=True)
        password.props('outlined dense maxlength=80 autocomplete="new-password"')
    words(
        "p",
        "Name the smaller of the camera's streams if it has two: counting needs no more than 640 pixels.",
        "hint",
    )
    buttons = ui.element("div").classes("actions left")
    found = ui.element("div").props("role=status")
    answer = ui.element("div").props("role=status")
    words("p", "Its address is kept:")
    keep = ui.radio(_KEEP, value="file").props("dense")
    words("p", "An address with ${VARIABLE} in it is kept as typed, and read from the environment.", "hint")

    def wanted() -> Wanted:
        whole = with_user(address.value.strip(), user.value.strip(), password.value)
        return Wanted(name.value.strip(), whole, keep.value)

    def streams(one: Found) -> tuple[Stream, ...]:
        return onvif.streams(one.service, user.value.strip(), password.value)

    with buttons:
        ui.button("Find cameras", on_click=lambda: _find(desk, signed, found, address, streams)).props(
            "outline no-caps"
        )
        ui.button("Does it answer?", on_click=lambda: _try(desk, signed, answer, wanted)).props(
            "outline no-caps"
        )

    async def propose() -> None:
        with told():
            one = wanted()
            check(one)
            change, secret = change_of(desk.settings.site, one)
            proposal = await run_in_threadpool(site_file.propose, desk.settings.site, change)

            def done() -> None:
                ui.navigate.to(written_url(one.name))

            before = None if secret is None else partial(_keep, secret, one.address)
            review(desk, signed, proposal, f"camera {one.name}", done, before)

    ui.button("Add it", on_click=propose).props("unelevated no-caps")


def check(wanted: Wanted) -> None:
    """Raises InputError, without a word of the address."""
    if problem := name_problem(wanted.name):
        raise InputError(f"name: {problem}")
    if "${" not in wanted.address and kind_of(wanted.address) not in ("rtsp", "http"):
        raise InputError(
            "address: expected rtsp://, rtsps://, http:// or https://; others stand in the site file"
        )
    if not wanted.address.isprintable() or len(wanted.address) > 2000 or " " in wanted.address:
        raise InputError("address: expected up to 2000 characters without a space")


def with_user(address: str, user: str, password: str) -> str:
    """The address with the name and the password in it. Raises InputError where one stands in it already."""
    scheme, separator, rest = address.partition("://")
    if not user or not separator:
        return address
    if "@" in rest.partition("/")[0]:
        raise InputError("address: it holds a user already, expected none in it or none beside it")
    parts = (one if _VARIABLE.fullmatch(one) else quote(one, safe="") for one in (user, password))
    return f"{scheme}://{':'.join(parts)}@{rest}"


def change_of(site: Path, wanted: Wanted) -> tuple[Change, Path | None]:
    """The change that adds the camera, and the file that its address is to be kept in, if in any."""
    secret = None
    if wanted.keep == "file" and "${" not in wanted.address:
        secret = site.parent / "secrets" / path_of(Path(), wanted.name).with_suffix(".address").name

    def change(root: CommentedMap) -> None:
        cameras = mapping_at(root, "cameras")
        if wanted.name in cameras:
            raise InputError(f"camera {wanted.name!r}: there is one already")
        camera = CommentedMap()
        if secret is None:
            camera["source"] = wanted.address
        else:
            camera["source"] = _flow({"file": f"secrets/{secret.name}"})
        camera["privacy"] = _flow(dict(_POLICY))
        cameras[wanted.name] = camera

    return change, secret


def _flow(values: dict[str, object]) -> CommentedMap:
    made = CommentedMap(values)
    made.fa.set_flow_style()
    return made


def _keep(secret: Path, address: str) -> None:
    secret.parent.mkdir(mode=0o700, exist_ok=True)
    secret.touch(mode=0o600)
    files.write(secret, address + "\n")


async def _find(
    desk: Desk,
    signed: Signed,
    shown: ui.element,
    address: ui.input,
    streams: Callable[[Found], tuple[Stream, ...]],
) -> None:
    with told():
        desk.act(signed, "looked for cameras on the network")
        shown.clear()
        with shown:
            words("p", "Asking…")
        found = await run_in_threadpool(discovery.discover, interface=desk.settings.interface)
        shown.clear()
        with shown:
            if not found:
                words("p", "No camera answered. Some answer only when ONVIF is switched on in them.")
            for one in found:
                words("p", f"{one.host}  {one.name} {one.hardware}", "found")
                told_streams = ui.element("div").classes("streams")
                with told_streams:
                    ui.button(
                        "Ask for its streams",
                        on_click=lambda one=one, told_streams=told_streams: _ask(
                            desk, signed, told_streams, one, address, streams
                        ),
                    ).props("flat dense no-caps")
            if found:
                words(
                    "p", "Streams are told to the camera's user and password, which you type above.", "hint"
                )


async def _ask(
    desk: Desk,
    signed: Signed,
    shown: ui.element,
    camera: Found,
    address: ui.input,
    streams: Callable[[Found], tuple[Stream, ...]],
) -> None:
    """The streams of one camera, each to be taken; where it tells none, the beginning of an address."""
    with told():
        desk.act(signed, "asked a camera for its streams", camera.host)
        problem = ""
        found: tuple[Stream, ...] = ()
        try:
            found = await run_in_threadpool(streams, camera)
        except InputError as error:
            problem = str(error)
        shown.clear()
        with shown:
            for one in found:
                size = f", {one.width} x {one.height} px" if one.width else ""
                words("span", f"{one.name or 'a stream'}{size}")
                _take("Take this stream", address, one.address)
            if problem:
                words("p", f"{problem}.", "state down")
                ui.button(
                    "Ask for its streams",
                    on_click=lambda: _ask(desk, signed, shown, camera, address, streams),
                ).props("flat dense no-caps")
                _take("Type its path by hand", address, discovery.address_of(camera))


def _take(text: str, address: ui.input, value: str) -> None:
    ui.button(text, on_click=lambda: address.set_value(value)).props("flat dense no-caps")


async def _try(desk: Desk, signed: Signed, shown: ui.element, wanted: Callable[[], Wanted]) -> None:
    with told():
        one = wanted()
        check(Wanted(one.name or "new", one.address, one.keep))
        desk.act(signed, "tried whether a camera answers", one.name)
        shown.clear()
        with shown:
            words("p", "Asking…")
        answer = await run_in_threadpool(probe_camera, Address(one.address))
        shown.clear()
        with shown:
            if answer.up:
                words("p", f"It answers: pictures of {answer.width} x {answer.height} px.", "state up")
            else:
                words("p", f"No picture: {reason_words(answer.reason)}.", "state down")
