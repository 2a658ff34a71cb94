"""Who may sign in: invited, listed, removed.

Invariant: an invitation is shown once, to who made it; who is removed is signed out at once.
"""

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console.context import Desk, Signed
from passerby.console.pages.layout import heading, told, words
from passerby.console.users import ROLES, User

_ROLES = {"viewer": "viewer: may look", "operator": "operator: may change everything"}


async def people(desk: Desk, signed: Signed, request: Request) -> None:
    heading("People", "Who may sign in here. An operator may change everything, a viewer may look.")
    if signed.operates:
        _form(desk, signed, str(request.base_url).rstrip("/"))
    words("a", "Change your password").props('href="/password"')
    with ui.element("div").classes("table"), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for head in ("name", "role", "state", ""):
                words("th", head)
        with ui.element("tbody"):
            for user in desk.users.listed():
                _row(desk, signed, user)


def _row(desk: Desk, signed: Signed, user: User) -> None:
    with ui.element("tr"):
        state = "invited" if user.invited else "may sign in"
        for head, cell in (("name", user.name), ("role", user.role), ("state", state)):
            words("td", cell).props["data-head"] = head

        async def remove() -> None:
            with told():
                desk.act(signed, "removed a user", user.name)
                await run_in_threadpool(desk.users.remove, user.name)
                desk.sessions.end_all(user.name)
                ui.navigate.reload()

        with ui.element("td"):
            if signed.operates and user.name != signed.user:
                ui.button("Remove", on_click=remove).props("flat dense no-caps color=negative")


def _form(desk: Desk, signed: Signed, here: str) -> None:
    with ui.element("div").classes("form"):
        name = ui.input("Name").props("outlined dense maxlength=80")
        role = ui.select({one: _ROLES[one] for one in ROLES}, value="viewer", label="Role").props(
            "outlined dense"
        )
        made = ui.element("div").classes("made").props("role=status")

        async def invite() -> None:
            with told():
                desk.act(signed, f"invited a {role.value}", name.value)
                token = await run_in_threadpool(
                    desk.users.invite, name.value.strip(), role.value, desk.now_ms()
                )
                made.clear()
                with made:
                    words("p", "Give this address to them, for one use within a day; it is not shown again:")
                    words("code", f"{here}/welcome?token={token}", "secret")

        ui.button("Invite", on_click=invite).props("unelevated no-caps")
