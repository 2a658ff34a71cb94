"""The worker process of one camera: started, listened to and ended. All that sees runs there and not here.

Invariant: its messages are checked against `passerby.live.protocol`; it gets no key of the ledger, the store or the
spool.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic

from passerby.live.protocol import MOST_BYTES, FromWorker, ToWorker, encode, from_worker

_WITHHELD = ("PASSERBY_DATABASE", "PASSERBY_LEDGER", "PASSERBY_SPOOL_KEY")
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class WorkerProcess:
    """A process that was given `order`.

    `receive(worker, message)` is called for each message on a thread of its own, and with None when the process has
    ended. Raises OSError where no process can be started.
    """

    def __init__(
        self, order: ToWorker, receive: "Callable[[WorkerProcess, FromWorker | None], None]"
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in _WITHHELD}
        self.started_s = self.received_s = monotonic()
        self._turn = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "passerby.live.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, **_THREADS},
            # Ctrl-C on a terminal ends the supervisor, which ends its workers.
            start_new_session=True,
        )
        self.send(order)
        self._thread = Thread(target=self._listen, args=(receive,), name="worker", daemon=True)
        self._thread.start()

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, message: ToWorker) -> None:
        """Send a message; nothing where the process has ended."""
        stdin = self._process.stdin
        assert stdin is not None
        with self._turn, suppress(OSError, ValueError):
            stdin.write(encode(message))
            stdin.flush()

    def stop(self) -> None:
        """Ask it to end; it closes its camera, and ends within about a second."""
        stdin = self._process.stdin
        assert stdin is not None
        with self._turn, suppress(OSError, ValueError):
            stdin.close()

    def kill(self) -> None:
        """End it at once: nothing in it is needed."""
        self._process.kill()

    def wait(self, timeout_s: float) -> None:
        """Wait for its end, and end it where that takes too long."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def _listen(self, receive: "Callable[[WorkerProcess, FromWorker | None], None]") -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with suppress(ValueError, OSError), stdout:
            while line := stdout.readline(MOST_BYTES + 2):
                # A message that cannot be read ends it.
                message = from_worker(line)
                self.received_s = monotonic()
                receive(self, message)
        self.kill()
        self._process.wait()
        self.stop()
        receive(self, None)
