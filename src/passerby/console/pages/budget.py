"""The page of the privacy budget: the cost of all releases of each camera, from the ledger.

Invariant: this page spends no budget.
"""

from datetime import UTC

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console.context import ConsoleContext, Login
from passerby.console.pages.layout import heading, problems, text_element, text_table
from passerby.domain import calendar
from passerby.privacy.ledger_report import Account
from passerby.privacy.noise import MICRO

_HEADS = ("camera", "epoch", "since", "bins paid", "never released", "queries")


async def budget(context: ConsoleContext, login: Login, request: Request) -> None:
    heading(
        "Privacy budget",
        "The highest privacy cost of all releases so far, for a person who passed at the most costly time. A running "
        "site reserves the whole budget of the present, so 100% is normal.",
    )
    accounts = await run_in_threadpool(context.accounts)
    if isinstance(accounts, str):
        problems([accounts])
        return
    for account in accounts.values():
        _meter(account)
    rows = [
        (
            account.camera,
            str(account.epoch),
            f"{calendar.to_local(account.since_ms, UTC):%Y-%m-%d %H:%M} UTC",
            str(account.spent),
            str(account.unreleased),
            ", ".join(account.queries),
        )
        for account in accounts.values()
    ]
    text_table(_HEADS, rows, f"No budget is spent yet. The ledger is {context.settings.ledger}.")


def _meter(account: Account) -> None:
    share = account.cost_micro / max(1, account.budget_micro)
    with ui.element("section").classes("account"):
        text_element("h2", account.camera)
        bar = ui.element("meter").props('min="0" max="1"')
        bar.props["value"] = min(1.0, share)
        bar.props["aria-label"] = f"{share:.0%} spent"
        cost, whole = account.cost_micro / MICRO, account.budget_micro / MICRO
        text_element("p", f"epsilon {cost:g} of {whole:g} ({share:.0%})")
