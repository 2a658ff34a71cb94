"""Keys of the API: made, listed, revoked.

Invariant: a key is shown once, to who made it.
"""

from datetime import UTC

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console import site_state
from passerby.console.context import Desk, Signed
from passerby.console.pages.layout import heading, told, words
from passerby.domain import calendar
from passerby.publish.api.keys import SCOPES, Key, Scope

_DAYS = {30: "30 days", 365: "a year", 0: "never"}


async def api_keys(desk: Desk, signed: Signed, request: Request) -> None:
    heading("API keys", "Who may ask the API for releases. A key is shown once, when it is made.")
    where = desk.settings.database
    found = await run_in_threadpool(site_state.api_keys, where)
    if signed.operates:
        _form(desk, signed, where)
    if not found:
        words("p", "There is no key yet.", "empty")
        return
    now_ms = desk.now_ms()
    with ui.element("div").classes("table"), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for head in ("name", "opens", "made", "expires", "state", ""):
                words("th", head)
        with ui.element("tbody"):
            for key in found:
                _row(desk, signed, where, key, now_ms)


def _row(desk: Desk, signed: Signed, where: str, key: Key, now_ms: int) -> None:
    def day(time_ms: int | None) -> str:
        return "never" if time_ms is None else f"{calendar.to_local(time_ms, UTC):%Y-%m-%d}"

    state = key.state(now_ms)
    cells = (key.name, ", ".join(key.scopes), day(key.created_ms), day(key.expires_ms), state)
    with ui.element("tr"):
        for head, cell in zip(("name", "opens", "made", "expires", "state"), cells, strict=True):
            words("td", cell).props["data-head"] = head

        async def revoke() -> None:
            with told():
                desk.act(signed, "revoked an API key", key.name)
                await run_in_threadpool(site_state.revoke_key, where, key.id, desk.now_ms())
                ui.navigate.reload()

        with ui.element("td"):
            if signed.operates and state == "valid":
                ui.button("Revoke", on_click=revoke).props("flat dense no-caps color=negative")


def _form(desk: Desk, signed: Signed, where: str) -> None:
    with ui.element("div").classes("form"):
        name = ui.input("Name, such as who asks").props("outlined dense maxlength=80")
        scopes = ui.select(list(SCOPES), value=["releases"], multiple=True, label="Opens").props(
            "outlined dense"
        )
        days = ui.select(_DAYS, value=365, label="Expires after").props("outlined dense")
        made = ui.element("div").classes("made").props("role=status")

        async def create() -> None:
            with told():
                now_ms = desk.now_ms()
                wanted: tuple[Scope, ...] = tuple(one for one in SCOPES if one in (scopes.value or []))
                expires_ms = now_ms + days.value * calendar.DAY_MS if days.value else None
                desk.act(signed, "made an API key", name.value)
                key = await run_in_threadpool(
                    site_state.new_key, where, name.value.strip(), wanted, now_ms, expires_ms
                )
                made.clear()
                with made:
                    words(
                        "p",
                        "Copy it now, it is not shown again. It goes into the header Authorization: Bearer KEY",
                    )
                    words("code", key, "secret")

        ui.button("Make a key", on_click=create).props("unelevated no-caps")
