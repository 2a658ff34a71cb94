"""The page of the journal, newest entry first.

Invariant: shows the journal, and cannot change it.
"""

from datetime import UTC

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from passerby.console.context import ConsoleContext, Login
from passerby.console.pages.layout import heading, text_table
from passerby.domain import calendar

_HEADS = ("time", "user", "action", "subject", "from address")


async def journal(context: ConsoleContext, login: Login, request: Request) -> None:
    heading("Journal", "Actions on this console, newest first. The journal file contains all of them.")
    entries = await run_in_threadpool(context.journal.last, 300)
    rows = [
        (
            f"{calendar.to_local(entry.time_ms, UTC):%Y-%m-%d %H:%M:%S} UTC",
            entry.user or "–",
            entry.action,
            entry.subject,
            entry.address,
        )
        for entry in entries
    ]
    text_table(_HEADS, rows, "There is no entry yet.")
