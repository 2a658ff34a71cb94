"""The page of API keys: make, list, revoke.

Invariant: a key is shown once, to the operator who made it.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console import site_state
from passerby.console.context import ConsoleContext, Login
from passerby.console.pages.layout import cells, errors_shown, heading, table, text_element
from passerby.domain import calendar
from passerby.publish.api.keys import SCOPES, Key, Scope

_DAYS = {30: "30 days", 365: "1 year", 0: "never"}
_HEADS = ("name", "scopes", "made", "expires", "state")


async def api_keys(context: ConsoleContext, login: Login, request: Request) -> None:
    heading(
        "API keys", "Programs need a key to read releases by the API. A key is shown once, when it is made."
    )
    database = context.settings.database
    keys = await run_in_threadpool(site_state.api_keys, database)
    form = ui.element("div")
    listed = _Listed(context, login, database)
    listed.show(keys)
    if login.is_operator:
        with form:
            _form(context, login, database, listed.refresh)


class _Listed:
    """The table of keys, which is shown again after a change."""

    def __init__(self, context: ConsoleContext, login: Login, database: str) -> None:
        self._context, self._login, self._database = context, login, database
        self._holder = ui.element("div")

    async def refresh(self) -> None:
        self.show(await run_in_threadpool(site_state.api_keys, self._database))

    def show(self, keys: tuple[Key, ...]) -> None:
        self._holder.clear()
        with self._holder:
            if not keys:
                text_element("p", "There is no key yet.", "empty")
                return
            now_ms = self._context.now_ms()
            with table((*_HEADS, "")):
                for key in keys:
                    self._row(key, now_ms)

    def _row(self, key: Key, now_ms: int) -> None:
        state = key.state(now_ms)
        texts = (key.name, ", ".join(key.scopes), _day(key.created_ms), _day(key.expires_ms), state)

        async def revoke() -> None:
            with errors_shown():
                self._context.authorise(self._login, "revoked an API key", key.name)
                await run_in_threadpool(site_state.revoke_key, self._database, key.id, self._context.now_ms())
                await self.refresh()

        with ui.element("tr"):
            cells(_HEADS, texts)
            with ui.element("td"):
                if self._login.is_operator and state == "valid":
                    ui.button("Revoke", on_click=revoke).props("flat dense no-caps color=negative")


def _day(time_ms: int | None) -> str:
    return "never" if time_ms is None else f"{calendar.to_local(time_ms, UTC):%Y-%m-%d}"


def _form(
    context: ConsoleContext, login: Login, database: str, made_key: Callable[[], Awaitable[None]]
) -> None:
    """The form for a new key; `made_key` is called after one was made."""
    with ui.element("div").classes("form"):
        name = ui.input("Name of the key").props("outlined dense maxlength=80")
        scopes = ui.select(list(SCOPES), value=["releases"], multiple=True, label="Scopes").props(
            "outlined dense"
        )
        days = ui.select(_DAYS, value=365, label="Expires after").props("outlined dense")
        result = ui.element("div").classes("made").props("role=status")

        async def create() -> None:
            with errors_shown():
                now_ms = context.now_ms()
                chosen: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope in (scopes.value or []))
                expires_ms = now_ms + days.value * calendar.DAY_MS if days.value else None
                context.authorise(login, "made an API key", name.value)
                key = await run_in_threadpool(
                    site_state.new_key, database, name.value.strip(), chosen, now_ms, expires_ms
                )
                result.clear()
                with result:
                    text_element(
                        "p", "Copy the key now: it is not shown again. Send it as: Authorization: Bearer KEY"
                    )
                    text_element("code", key, "secret")
                await made_key()

        ui.button("Make a key", on_click=create).props("unelevated no-caps")
