"""A change of the site file, shown before it is written.

Invariant: what is written is what was shown; where privacy changes, a new epoch is asked for in words.
"""

from collections.abc import Callable

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from passerby.console import site_file
from passerby.console.context import Desk, Signed
from passerby.console.pages.layout import told, words
from passerby.console.site_file import Proposal
from passerby.errors import InputError

SENTENCE = "begin a new epoch"


def review(
    desk: Desk,
    signed: Signed,
    proposal: Proposal,
    about: str,
    done: Callable[[], None],
    before: Callable[[], None] | None = None,
) -> None:
    """Show `proposal`, and write it when the user says so, after what has to be there `before`; then call `done`."""
    typed: ui.input | None = None
    with ui.dialog() as dialog, ui.card().classes("review"):
        words("h2", f"What will be written: {about}")
        with ui.element("pre").classes("difference").props('tabindex="0" aria-label="Difference"'):
            for line in proposal.difference:
                kind = {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "same")
                words("span", line + "\n", kind)
        if proposal.privacy:
            words("p", "This changes what is promised to who passes by, or what is released:", "warn")
            with ui.element("ul"):
                for change in proposal.privacy:
                    words("li", change)
            words(
                "p",
                "A new epoch begins with a new budget, after a pause in which nothing is counted; who passes in both "
                "epochs has paid in both. What was released stays released.",
            )
            typed = ui.input(f"Type: {SENTENCE}").props("outlined dense autocomplete=off").classes("wide")

        async def write() -> None:
            with told():
                if typed is not None and typed.value.strip().lower() != SENTENCE:
                    raise InputError(f"expected the words “{SENTENCE}”, for privacy changes")
                epoch = (
                    f"; a new epoch was asked for: {'; '.join(proposal.privacy)}" if proposal.privacy else ""
                )
                desk.act(signed, "wrote the site file", f"{about}{epoch}")
                if before is not None:
                    await run_in_threadpool(before)
                await run_in_threadpool(site_file.write, desk.settings.site, proposal)
                dialog.close()
                done()

        with ui.element("div").classes("actions"):
            ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
            ui.button("Write", on_click=write).props("unelevated no-caps")
    dialog.open()
