"""Who did what, newest first.

Invariant: shows what is written, and can change none of it.
"""

from datetime import UTC

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from passerby.console.context import Desk, Signed
from passerby.console.pages.layout import heading, table
from passerby.domain import calendar


async def journal(desk: Desk, signed: Signed, request: Request) -> None:
    heading(
        "Journal", "What was done on this console, newest first. The file beside the site holds all of it."
    )
    entries = await run_in_threadpool(desk.journal.last, 300)
    rows = [
        (
            f"{calendar.to_local(one.time_ms, UTC):%Y-%m-%d %H:%M:%S} UTC",
            one.who or "–",
            one.what,
            one.about,
            one.where,
        )
        for one in entries
    ]
    table(("when", "who", "did", "about", "from"), rows, "Nothing was done yet.")
