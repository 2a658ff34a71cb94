"""The epoch of a camera under the footage promise, and of a site under the crossings promise.

Invariant: worked out from configuration alone. A changed configuration of a camera begins a new epoch after a blackout;
another policy of a site, or another promise, takes effect with the next local day.
"""

from collections.abc import Sequence
from datetime import tzinfo

from passerby.config.site import CountedLine
from passerby.domain.policy import CrossingsPolicy
from passerby.domain.timespan import Span
from passerby.privacy import crossings, standing_query
from passerby.privacy.ledger import Epoch, Ledger


def begin_epoch(
    ledger: Ledger,
    camera: str,
    detector: str,
    lines: Sequence[CountedLine],
    start_ms: int,
    *,
    source: str = "",
) -> Epoch:
    """The epoch of `camera` from `start_ms` (Unix ms UTC) or later on: see `Ledger.epoch`.

    `detector` is its full name; `lines` have policies. `start_ms` is 0 for recordings, which come in any order. Raises
    LedgerError.
    """
    policies = [line.policy for line in lines if line.policy is not None]
    blackout_ms = standing_query.blackout_ms(policies)
    taken_ms = ledger.taken_until(camera, start_ms) if start_ms else 0
    return ledger.epoch(
        camera,
        standing_query.configuration(detector, lines),
        taken_ms + blackout_ms if taken_ms > start_ms else start_ms,
        blackout_ms=blackout_ms,
        budget_micro=standing_query.budget_micro(policies),
        source=source,
    )


def begin_site_epoch(
    ledger: Ledger, account: str, policy: CrossingsPolicy, zone: tzinfo, start_ms: int
) -> Epoch:
    """The epoch of a site from `start_ms` (Unix ms UTC) on, or from the start of a later local day where that of
    `start_ms` was paid for under another policy or promise: see `Ledger.epoch`.

    `account` is made by `site_account`. `start_ms` is the start of a local day, or 0 for recordings, which come in any
    order. Cameras, lines and detectors may change within an epoch. Raises LedgerError, and PolicyError for a policy
    that cannot be shared by its levels.
    """
    crossings.split(policy)
    taken_ms = ledger.taken_until(account, start_ms) if start_ms else 0
    if taken_ms > start_ms:
        start_ms = crossings.local_days(Span(taken_ms - 1, taken_ms), zone).end_ms
    return ledger.epoch(
        account,
        crossings.configuration(policy, zone),
        start_ms,
        blackout_ms=0,
        budget_micro=standing_query.whole_micro(policy.epsilon),
    )
