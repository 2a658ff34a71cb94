"""A recording released under the crossings promise: counted as any other recording is, then noised.

    pay       for every bin that the recording meets, durably
    count     the ordinary count, with every optimization; nobody's class depends on the traffic around them
    draw      noise for each bin, and for each whole day, which is paid for with all that the day has left
    publish   all of it at the end

Invariant: paid before it is counted; which slots are paid for depends on the time of the recording, the site file and
the ledger, never on a count. Nothing is logged here.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import pairwise
from pathlib import Path

from passerby.chunk import tallied
from passerby.config.site import CountedLine
from passerby.domain import calendar
from passerby.domain.policy import CrossingsPolicy
from passerby.domain.release import Level, Release, Sink
from passerby.domain.timespan import Span
from passerby.errors import BudgetError, InputError
from passerby.privacy.accounts import Accounts
from passerby.privacy.charge import site_account
from passerby.privacy.crossings import CameraTable, CrossingsCharge, SiteTerms, charge_for, question_charge
from passerby.privacy.epochs import begin_site_epoch
from passerby.privacy.ledger import Ledger
from passerby.recordings.pipeline import plain_crossings
from passerby.recordings.plan import Clock, Method, Plan, plan_of
from passerby.recordings.release import Published, collected, source_of
from passerby.recordings.settings import Runtime
from passerby.video.observe import extent

_END_OF_TIME_MS = 2**62


@dataclass(frozen=True, slots=True)
class SiteRecording:
    """A recording of one camera of a site: how it is counted, the camera's lines, and the site's `account` and policy.
    Its bins are those of `zone`."""

    plan: Plan
    table: CameraTable
    account: str
    policy: CrossingsPolicy

    @property
    def zone(self) -> tzinfo:
        return self.plan.opened.zone


def site_recording(
    video: Path,
    camera: str,
    lines: Sequence[CountedLine],
    *,
    policy: CrossingsPolicy,
    site: str = "",
    detector: str = "auto",
    runtime: Runtime = Runtime(),
    clock: Clock = Clock(),
) -> SiteRecording:
    """A recording to release: `site` is the name of the site, empty without a site file: all cameras of a ledger are
    then one site.

    Raises InputError where nothing says when the recording began, SourceError, ModelError, LineError.
    """
    widths = [line.corridor for line in lines if line.corridor is not None]
    corridor = max(widths) if widths and len(widths) == len(lines) else None
    method = Method(tuple(line.line for line in lines), detector, corridor, runtime=runtime)
    plan = plan_of(video, method, replace(clock, bin_ms=policy.every_ms))
    if not plan.opened.known:
        raise InputError(f"{video}: when it began is not known, so no time can be paid for: expected --start")
    return SiteRecording(
        plan, CameraTable(camera, tuple(lines), source_of(video)), site_account(site), policy
    )


def release_crossings(recording: SiteRecording, ledger: Ledger, sink: Sink) -> Published:
    """Release every bin that the recording meets, and every day that it holds whole; bins are paid for first.

    Slots that were released before are published again as they were. Slots that the budget does not reach are left out,
    and named in `refused`. Raises LedgerError when the ledger cannot be trusted; BudgetError when nothing at all was
    released.
    """
    run = _Run(recording, Accounts(ledger), begin(recording, ledger))
    refused: dict[str, None] = {}
    again = 0
    for charge, level in run.charges():
        try:
            again += run.pay(charge, level)
        except BudgetError as error:
            refused[str(error)] = None
    run.count()
    for problem in run.draw():
        refused[problem] = None
    bins, days = collected(run.accounts, sink)
    if refused and not bins:
        raise BudgetError("\n".join(refused))
    return Published(bins, days, tuple(refused), again)


def ask_crossings(
    recording: SiteRecording, line: str, span: Span, epsilon: float, ledger: Ledger
) -> tuple[Release, ...]:
    """Answer one question of a line over `span`, at the price of `epsilon`, from the reserve of the days it meets.

    The same question again is answered as before, at no cost. Raises BudgetError when the reserve does not reach.
    """
    terms = begin(recording, ledger)
    run = _Run(recording, Accounts(ledger), terms)
    run.pay(question_charge(terms, recording.table, line, span, epsilon), "bin")
    run.count()
    run.draw()
    answer, _ = collected(run.accounts, lambda release: None)
    return answer


def begin(recording: SiteRecording, ledger: Ledger) -> SiteTerms:
    """The terms of the site's epoch. Recordings come in any order, so the first epoch holds for all time."""
    account, policy, zone = recording.account, recording.policy, recording.zone
    epoch = begin_site_epoch(ledger, account, policy, zone, 0)
    return SiteTerms(account, policy, zone, epoch.number)


@dataclass(frozen=True, slots=True)
class _Run:
    """One pass over a recording, for the bins and days that are open in `accounts`."""

    recording: SiteRecording
    accounts: Accounts
    terms: SiteTerms

    @property
    def recorded(self) -> Span:
        """When the recording was made, by its time stamps alone."""
        task = self.recording.plan.task
        return Span(task.start_ms, task.start_ms + extent(task.recording).end_ms)

    def charges(self) -> Iterator[tuple[CrossingsCharge, Level]]:
        """Those of all lines: of each bin that the recording meets, and of each day that it holds whole."""
        recorded, zone, table = self.recorded, self.terms.zone, self.recording.table
        for day in calendar.bins(recorded, calendar.DAY_MS, zone):
            whole = day.span.overlap_ms(recorded) == day.span.duration_ms
            for counted in table.lines:
                for one in calendar.bins(day.span, self.terms.policy.every_ms, zone):
                    if one.span.overlap_ms(recorded):
                        yield charge_for(self.terms, table, counted.line.name, one.span, "bin"), "bin"
                if whole:
                    yield charge_for(self.terms, table, counted.line.name, day.span, "day"), "day"

    def pay(self, charge: CrossingsCharge, level: Level) -> bool:
        """Whether it was released before, and is published again. Raises BudgetError.

        A slot that was paid for and has no value is opened again: no value of it has left the process that paid.
        """
        open_bin = self.accounts.pay(charge, level, resume=True)
        if open_bin.receipt.stored is None:
            return False
        self.accounts.replay(open_bin, open_bin.span.end_ms)
        return True

    def count(self) -> None:
        """Count the recording where anything is open, and add each crossing to the open bins and days that hold it."""
        open_bins = self.accounts.ended(_END_OF_TIME_MS)
        if not open_bins:
            return
        plan, table = self.recording.plan, self.recording.table
        done = plain_crossings(plan)
        covered = [
            Span(one.start_ms + plan.task.start_ms, one.end_ms + plan.task.start_ms)
            for one in done.reading.covered
        ]
        edges = sorted({edge for one in open_bins for edge in (one.span.start_ms, one.span.end_ms)})
        for span in itertools.starmap(Span, pairwise(edges)):
            crossed = [one for one in done.crossings if one.time_ms in span]
            covered_ms = sum(span.overlap_ms(one) for one in covered)
            for counted in table.lines:
                contribution = tallied(crossed, table.camera, counted, span)
                for open_bin in open_bins:
                    if open_bin.line == counted.line.name:
                        open_bin.add(contribution, covered_ms, None)

    def draw(self) -> list[str]:
        """Draw the noise of all that is open, and return why some could not be paid for."""
        drawn = [
            self.accounts.draw(open_bin, due_ms=open_bin.span.end_ms)
            for open_bin in self.accounts.ended(_END_OF_TIME_MS)
        ]
        return [refusal for refusal in drawn if refusal is not None]
