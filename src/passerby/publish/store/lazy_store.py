"""A store that a service reads from: opened when it is first needed, so that start-up has no order.

Invariant: read-only; what cannot be opened now is tried again at the next request.
"""

from pathlib import Path
from threading import Lock

from passerby.publish.store.releases import Store, open_store


class OpenedStore:
    """The store at `where`, for the threads of one process."""

    def __init__(self, where: str | Path) -> None:
        self._where = where
        self._store: Store | None = None
        self._turn = Lock()

    def store(self) -> Store:
        """Raises StoreError while it cannot be opened."""
        with self._turn:
            if self._store is None or not self._store.has_timezone:
                self.close()
                self._store = open_store(self._where, read_only=True)
            return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
