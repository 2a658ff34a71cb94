"""Releases go from the spool to the store, and the health of the links with them: tried until it works, each once.

Invariant: the store gets releases and the state of links, nothing else; releases that it does not take wait on disk.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from time import monotonic, time

from passerby.errors import InputError, OutputError, StoreError
from passerby.live.supervisor.outages import Outages
from passerby.publish.store.releases import Health, Store, open_store
from passerby.publish.store.spool import Spool

_TURN_S = 0.5
_REPORT_S = 10.0
_PRUNE_S = 3_600.0


class Outbox:
    """Runs on a thread of its own, so that a database that hangs delays nothing else."""

    def __init__(
        self,
        spool: Spool,
        where: str | Path,
        timezone: str,
        health: Callable[[], Sequence[Health]],
        outages: Outages,
    ) -> None:
        self._spool = spool
        self._where = where
        self._timezone = timezone
        self._health = health
        self._outages = outages
        self._store: Store | None = None
        self._reported_s = self._pruned_s = float("-inf")
        self._reported: dict[str, tuple[bool, str]] = {}

    def run(self, stop: Event) -> None:
        """Until `stop` is set, and then once more."""
        while not stop.wait(_TURN_S):
            if not self._outages.waiting("store"):
                self.turn()
        self.turn()

    def turn(self) -> None:
        """Send the waiting releases, and now and then the health of the links; raises nothing."""
        try:
            store = self._opened()
            if self._spool.waiting_bytes():
                drained = self._spool.drain(store)
                if drained.refused:
                    self._outages.begin("refused", "the store refuses releases: see `refused` in the spool")
            self._report(store)
            if monotonic() - self._pruned_s >= _PRUNE_S:
                store.prune(round(time() * 1000))
                self._pruned_s = monotonic()
        except (StoreError, InputError, OutputError) as error:
            self._outages.begin("store", str(error))
            self._close()
        else:
            self._outages.end("store")

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self._where, self._timezone)
        return self._store

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _report(self, store: Store) -> None:
        health = self._health()
        links = {one.camera: (one.up, one.reason) for one in health}
        if links == self._reported and monotonic() - self._reported_s < _REPORT_S:
            return
        store.report(health)
        self._reported, self._reported_s = links, monotonic()
