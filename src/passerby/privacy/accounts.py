"""The engine of private releases: recordings and live sites pay, add up, draw, replay and publish through it.

    pay       for a bin or a day, durably, before anything of it is counted; a charge that takes the rest is only opened
    add       the counts of a chunk, to every open bin and day that holds it
    draw      noise, once; the ledger has the noised values before they are returned; what takes the rest is paid first
    replay    the values that were drawn before
    publish   releases that were drawn, when they are due

Invariant: paid before noise is drawn, drawn once, published once; nothing is refunded, and nothing depends on a count.

The engine takes charges, each with its sensitivity, span and cells, and does not ask how they were worked out. A charge
of the footage promise is made by `passerby.privacy.standing_query` from rho and K, one of the crossings promise by
`passerby.privacy.crossings`; both go through the same steps.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from passerby.domain.release import Cell, Level, Release
from passerby.errors import BudgetError, OutputError
from passerby.privacy import gate
from passerby.privacy.charge import Charge, Receipt
from passerby.privacy.contribution import Contribution
from passerby.privacy.ledger import Ledger
from passerby.privacy.open_bins import Key, OpenBin, key_of

Publish = Callable[[tuple[Release, ...], Level], None]

_INTENDED = ""
"""The receipt of a bin that is about to be paid for, or of a day that is paid for when it has ended."""


class OpenBinStore(Protocol):
    """Keeps open bins for the process that follows this one."""

    def save(self, camera: str, open_bins: Iterable[OpenBin]) -> None:
        """Replace all that is kept of a camera. Raises OutputError."""

    def load(self) -> list[OpenBin]: ...


class Accounts:
    """Open bins and days on one ledger.

    With `store`, counts of open bins outlive this process. Every method raises LedgerError as the ledger does.
    """

    def __init__(self, ledger: Ledger, store: OpenBinStore | None = None) -> None:
        self._ledger = ledger
        self._store = store
        self._open: dict[Key, OpenBin] = {}
        self.unkept: str | None = None
        """Why open bins could not be kept for the next process; None where they are."""
        for open_bin in store.load() if store is not None else ():
            self._restore(open_bin)

    def pay(self, charge: Charge, level: Level, *, resume: bool = False) -> OpenBin:
        """Pay for a bin or a day; on return the charge is on the disk and the bin is open.

        A slot that has released before is not opened again: its receipt carries the stored values. With `resume`, a
        slot that an earlier process paid for and did not release is opened again. A charge that takes the rest is paid
        for when its noise is drawn. Raises BudgetError where the budget does not reach, or where such a slot is not to
        be resumed.
        """
        intended = Receipt(charge, _INTENDED)
        if charge.takes_rest:
            receipt = self._ledger.regain(charge) or intended
        else:
            if self._store is not None:
                # Kept before it is paid for: killed in between, the slot would be spent and forgotten.
                self._keep(charge.camera, OpenBin(level, intended))
            receipt = (self._ledger.regain(charge) if resume else None) or self._ledger.spend(charge)
        open_bin = OpenBin(level, receipt)
        if receipt.stored is None:
            self._open[key_of(charge)] = open_bin
            self._keep(charge.camera)
        return open_bin

    def open_cells(self, charge: Charge) -> tuple[Cell, ...] | None:
        """The cells of the slot of `charge` where it is open, which are others where its line has changed since."""
        open_bin = self._open.get(key_of(charge))
        return None if open_bin is None else open_bin.charge.cells

    def open_of(self, camera: str, epoch: int | None, account: str | None = None) -> list[OpenBin]:
        """The bins and days of a camera to which chunks are added: those of this epoch of the `account` that pays, the
        camera's own where it is None."""
        paid_by = camera if account is None else account
        return [
            open_bin
            for open_bin in self._open.values()
            if (open_bin.charge.camera, open_bin.charge.account, open_bin.charge.epoch)
            == (camera, paid_by, epoch)
            and open_bin.drawn is None
        ]

    def add(
        self,
        contribution: Contribution,
        epoch: int,
        *,
        covered_ms: int,
        sender_ms: int | None = None,
        account: str | None = None,
    ) -> None:
        """Add the counts of one chunk to every open bin and day of its line that holds it, where that has the same
        cells: see `open_of`.

        `covered_ms` of the chunk there were frames, `sender_ms` frames that the sender's clock dated, None where that
        is not known. Raises ValueError for a contribution that no chunk can make.
        """
        camera, line = contribution.chunk.camera, contribution.cells[0].line
        added = [
            open_bin.add(contribution, covered_ms, sender_ms)
            for open_bin in self.open_of(camera, epoch, account)
            if open_bin.line == line and open_bin.charge.cells == contribution.cells
        ]
        if any(added):
            self._keep(camera)

    def ended(self, now_ms: int) -> list[OpenBin]:
        """The bins and days that had ended by `now_ms` and for which no noise was drawn yet, oldest first."""
        found = [one for one in self._open.values() if one.drawn is None and one.span.end_ms <= now_ms]
        return sorted(found, key=lambda one: one.span.end_ms)

    def draw(self, open_bin: OpenBin, due_ms: int) -> str | None:
        """Draw the noise of a bin that has ended: nothing is added to it any more. It is published at `due_ms`.

        A charge that takes the rest is paid for first. Returns why where the budget does not reach: then the bin is
        closed, and nothing of it is released.
        """
        if open_bin.receipt.id == _INTENDED:
            try:
                paid = self._ledger.regain(open_bin.charge) or self._ledger.spend(open_bin.charge)
            except BudgetError as error:
                self._close(open_bin)
                return str(error)
            open_bin.receipt = Receipt(paid.charge, paid.id)
            self._keep(paid.charge.camera)
        open_bin.drawn = gate.release(
            open_bin.contributions, open_bin.receipt, self._ledger, open_bin.coverage, open_bin.sender_clock
        )
        open_bin.due_ms = due_ms
        return None

    def replay(self, open_bin: OpenBin, due_ms: int) -> None:
        """Open a bin that has released before, so that its stored values are published again at `due_ms`."""
        self.draw(open_bin, due_ms)
        self._open[key_of(open_bin.charge)] = open_bin

    def publish(self, now_ms: int, publish: Publish) -> None:
        """Hand out the releases that were drawn and are due, in order; the ledger is not needed for it.

        Raises the errors of `publish`; releases that were not handed out stay.
        """
        due = [
            open_bin
            for open_bin in self._open.values()
            if open_bin.drawn is not None and open_bin.due_ms <= now_ms
        ]
        for open_bin in sorted(due, key=lambda one: (one.due_ms, one.span.end_ms)):
            assert open_bin.drawn is not None
            publish(open_bin.drawn, open_bin.level)
            self._close(open_bin)

    def _close(self, open_bin: OpenBin) -> None:
        self._open.pop(key_of(open_bin.charge), None)
        self._keep(open_bin.charge.camera)

    def _restore(self, open_bin: OpenBin) -> None:
        """Open a bin that an earlier process kept, where this ledger has paid for it or is to pay at its end."""
        try:
            paid = self._ledger.regain(open_bin.charge)
        except BudgetError:
            # It was intended, and refused: that time was paid for as another slot.
            return
        if paid is None:
            if open_bin.charge.takes_rest and open_bin.receipt.id == _INTENDED:
                self._open[key_of(open_bin.charge)] = open_bin
        # A receipt that differs is of another ledger, which was here before.
        elif open_bin.receipt.id in (_INTENDED, paid.id):
            open_bin.receipt = Receipt(paid.charge, paid.id)
            self._open[key_of(open_bin.charge)] = open_bin

    def _keep(self, camera: str, *intended: OpenBin) -> None:
        if self._store is None:
            return
        open_bins = [open_bin for open_bin in self._open.values() if open_bin.charge.camera == camera]
        try:
            self._store.save(camera, [*open_bins, *intended])
        except OutputError as error:
            # It serves only the process that follows a crash, so the work goes on.
            self.unkept = str(error)
        else:
            self.unkept = None
