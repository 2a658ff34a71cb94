"""A store that a service reads from, opened at the first request, so that services can start in any order.

Invariant: read-only; if the store cannot be opened, the next request tries again.
"""

from pathlib import Path
from threading import Lock

from passerby.publish.store.releases import Store, open_store


class LazyStore:
    """The store at `where` (a path or a URL), shared by the threads of one process."""

    def __init__(self, where: str | Path) -> None:
        self._where = where
        self._store: Store | None = None
        self._lock = Lock()

    def store(self) -> Store:
        """The open store. Raises StoreError while it cannot be opened."""
        with self._lock:
            if self._store is None or not self._store.has_timezone:
                self.close()
                self._store = open_store(self._where, read_only=True)
            return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
