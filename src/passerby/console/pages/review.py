"""The review of a change of the site file, before it is written.

Invariant: the written text is the one that was shown; a change of privacy must be confirmed by a typed sentence.
"""

from collections.abc import Callable

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console import site_file
from passerby.console.context import ConsoleContext, Login
from passerby.console.pages.layout import errors_shown, text_element
from passerby.console.site_file import Proposal
from passerby.errors import InputError

SENTENCE = "begin a new epoch"


def review(
    context: ConsoleContext,
    login: Login,
    proposal: Proposal,
    subject: str,
    done: Callable[[], None],
    before: Callable[[], None] | None = None,
) -> None:
    """Show `proposal`, and write it when the user confirms. `before` is called before the writing, `done` after it."""
    typed: ui.input | None = None
    with ui.dialog() as dialog, ui.card().classes("review"):
        text_element("h2", f"Review the change: {subject}")
        _difference(proposal)
        if proposal.privacy:
            typed = _privacy(proposal)

        async def write() -> None:
            with errors_shown():
                if typed is not None and typed.value.strip().lower() != SENTENCE:
                    raise InputError(f"type “{SENTENCE}” to change the privacy")
                epoch = f"; new epoch: {'; '.join(proposal.privacy)}" if proposal.privacy else ""
                context.authorise(login, "wrote the site file", f"{subject}{epoch}")
                if before is not None:
                    await run_in_threadpool(before)
                await run_in_threadpool(site_file.write, context.settings.site, proposal)
                dialog.close()
                done()

        with ui.element("div").classes("actions"):
            ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
            ui.button("Write", on_click=write).props("unelevated no-caps")
    dialog.open()


def _difference(proposal: Proposal) -> None:
    with ui.element("pre").classes("difference").props('tabindex="0" aria-label="Difference"'):
        for line in proposal.difference:
            kind = {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "same")
            text_element("span", line + "\n", kind)


def _privacy(proposal: Proposal) -> ui.input:
    """The changes of privacy, and the field for the sentence that confirms them."""
    text_element("p", "This changes the privacy promise, or the numbers that are released:", "warn")
    with ui.element("ul"):
        for change in proposal.privacy:
            text_element("li", change)
    text_element(
        "p",
        "New settings start at 00:00, in a new epoch with a new privacy budget; until then nothing is counted under "
        "them. A person who passes in both epochs uses both budgets. Released numbers stay released.",
    )
    return ui.input(f"Type: {SENTENCE}").props("outlined dense autocomplete=off").classes("wide")
