"""The process of one camera, started, listened to and ended: what sees runs there and not here.

Invariant: what it says is held to `passerby.live.protocol`; it is given no key of the ledger, the store or the spool.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic

from passerby.live.protocol import MOST_BYTES, Down, Up, line_of, read_up

_KEPT_FROM_IT = ("PASSERBY_DATABASE", "PASSERBY_LEDGER", "PASSERBY_SPOOL_KEY")
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Child:
    """A process that was given `order`; `heard(child, message)` is called on a thread of its own for what it says,
    and with None when it has ended. Raises OSError where no process can be started."""

    def __init__(self, order: Down, heard: "Callable[[Child, Up | None], None]") -> None:
        environment = {name: value for name, value in os.environ.items() if name not in _KEPT_FROM_IT}
        self.started_s = self.heard_s = monotonic()
        self._turn = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "passerby.live.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, **_THREADS},
            # Ctrl-C on a terminal is for who started it.
            start_new_session=True,
        )
        self.tell(order)
        self._thread = Thread(target=self._listen, args=(heard,), name="child", daemon=True)
        self._thread.start()

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def tell(self, message: Down) -> None:
        """Say something to it; nothing where it has ended."""
        stdin = self._process.stdin
        assert stdin is not None
        with self._turn, suppress(OSError, ValueError):
            stdin.write(line_of(message))
            stdin.flush()

    def stop(self) -> None:
        """Ask it to end; it lets go of its camera, and ends within about a second."""
        stdin = self._process.stdin
        assert stdin is not None
        with self._turn, suppress(OSError, ValueError):
            stdin.close()

    def kill(self) -> None:
        """End it at once: it holds nothing that is needed."""
        self._process.kill()

    def wait(self, timeout_s: float) -> None:
        """Wait for its end, and end it where that takes too long."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def _listen(self, heard: "Callable[[Child, Up | None], None]") -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with suppress(ValueError, OSError), stdout:
            while line := stdout.readline(MOST_BYTES + 2):
                # What cannot be read ends it.
                message = read_up(line)
                self.heard_s = monotonic()
                heard(self, message)
        self.kill()
        self._process.wait()
        self.stop()
        heard(self, None)
