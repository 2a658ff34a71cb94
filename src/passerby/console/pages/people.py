"""The page of users: invite, list, remove.

Invariant: an invitation is shown once, to the operator who made it; a removed user is signed out at once.
"""

from collections.abc import Callable

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console.context import ConsoleContext, Login
from passerby.console.pages.layout import cells, errors_shown, heading, table, text_element
from passerby.console.users import ROLES, User

_ROLES = {"viewer": "viewer: may only look", "operator": "operator: may change everything"}
_HEADS = ("name", "role", "state")


async def people(context: ConsoleContext, login: Login, request: Request) -> None:
    heading(
        "People",
        "These people may sign in to the console. Operators may change everything, viewers only look.",
    )
    form = ui.element("div")
    text_element("a", "Change your password").props('href="/password"')
    listed = _Listed(context, login)
    listed.show()
    if login.is_operator:
        with form:
            _form(context, login, str(request.base_url).rstrip("/"), listed.show)


class _Listed:
    """The table of users, which is shown again after a change."""

    def __init__(self, context: ConsoleContext, login: Login) -> None:
        self._context, self._login = context, login
        self._holder = ui.element("div")

    def show(self) -> None:
        self._holder.clear()
        with self._holder, table((*_HEADS, "")):
            for user in self._context.users.listed():
                self._row(user)

    def _row(self, user: User) -> None:
        async def remove() -> None:
            with errors_shown():
                self._context.authorise(self._login, "removed a user", user.name)
                await run_in_threadpool(self._context.users.remove, user.name)
                self._context.sessions.end_all(user.name)
                self.show()

        with ui.element("tr"):
            cells(_HEADS, (user.name, user.role, "invited" if user.invited else "active"))
            with ui.element("td"):
                if self._login.is_operator and user.name != self._login.user:
                    ui.button("Remove", on_click=remove).props("flat dense no-caps color=negative")


def _form(context: ConsoleContext, login: Login, base_url: str, invited: Callable[[], None]) -> None:
    """The form for an invitation; `invited` is called after one was made."""
    with ui.element("div").classes("form"):
        name = ui.input("Name").props("outlined dense maxlength=80")
        role = ui.select({key: _ROLES[key] for key in ROLES}, value="viewer", label="Role").props(
            "outlined dense"
        )
        result = ui.element("div").classes("made").props("role=status")

        async def invite() -> None:
            with errors_shown():
                context.authorise(login, f"invited a {role.value}", name.value)
                token = await run_in_threadpool(
                    context.users.invite, name.value.strip(), role.value, context.now_ms()
                )
                result.clear()
                with result:
                    text_element(
                        "p",
                        "Send this address to the person. It works once, within a day, and is not shown again:",
                    )
                    text_element("code", f"{base_url}/welcome?token={token}", "secret")
                invited()

        ui.button("Invite", on_click=invite).props("unelevated no-caps")
