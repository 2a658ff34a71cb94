"""What every camera has cost who passed by, from the ledger.

Invariant: nothing is spent by looking.
"""

from datetime import UTC

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console.context import Desk, Signed
from passerby.console.pages.layout import heading, problems, table, words
from passerby.domain import calendar
from passerby.privacy.noise import MICRO


async def budget(desk: Desk, signed: Signed, request: Request) -> None:
    heading("Budget", "What was released has cost who passed at the most costly moment, by the ledger.")
    accounts = await run_in_threadpool(desk.accounts)
    if isinstance(accounts, str):
        problems([accounts])
        return
    for account in accounts.values():
        share = account.cost_micro / max(1, account.budget_micro)
        with ui.element("section").classes("account"):
            words("h2", account.camera)
            bar = ui.element("meter").props('min="0" max="1"')
            bar.props["value"] = min(1.0, share)
            bar.props["aria-label"] = f"{share:.0%} spent"
            words(
                "p",
                f"epsilon {account.cost_micro / MICRO:g} of {account.budget_micro / MICRO:g} ({share:.0%})",
            )
    rows = [
        (
            one.camera,
            str(one.epoch),
            f"{calendar.to_local(one.since_ms, UTC):%Y-%m-%d %H:%M} UTC",
            str(one.spent),
            str(one.unreleased),
            ", ".join(one.queries),
        )
        for one in accounts.values()
    ]
    heads = ("camera", "epoch", "since", "slots spent", "never released", "queries")
    table(heads, rows, f"Nothing was spent yet. The ledger is looked for at {desk.settings.ledger}.")
