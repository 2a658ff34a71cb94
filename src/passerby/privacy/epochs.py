"""The epoch of a camera whose lines have standing queries.

Invariant: worked out from configuration alone; a changed configuration begins a new epoch, after a blackout.
"""

from collections.abc import Sequence

from passerby.config.site import CountedLine
from passerby.privacy import standing_query
from passerby.privacy.ledger import Epoch, Ledger


def begin_epoch(
    ledger: Ledger, camera: str, detector: str, lines: Sequence[CountedLine], start_ms: int
) -> Epoch:
    """The epoch of `camera` from `start_ms` (Unix ms UTC) or later on: see `Ledger.epoch`.

    `detector` is its full name; `lines` have policies. Raises LedgerError.
    """
    policies = [line.policy for line in lines if line.policy is not None]
    return ledger.epoch(
        camera,
        standing_query.configuration(detector, lines),
        start_ms,
        blackout_ms=standing_query.blackout_ms(policies),
        budget_micro=standing_query.budget_micro(policies),
    )
