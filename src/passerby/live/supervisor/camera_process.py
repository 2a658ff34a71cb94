"""One camera of a running site: its worker process, supervised and started again.

Invariant: a process lives as long as valid messages come, whatever they contain; a process that ends, hangs or sends an
invalid message is started again, later each time it fails.
"""

from collections import deque
from collections.abc import Callable
from random import random
from time import monotonic, time

from passerby.config.site import Camera
from passerby.io.backoff import wait_s
from passerby.live.protocol import Fault, FromWorker, Heartbeat, PaidSpan, Ready, ToWorker
from passerby.live.supervisor.capacity import cores_needed
from passerby.live.supervisor.outages import Outages
from passerby.live.supervisor.worker_process import WorkerProcess

HANG_S = 15.0
"""A process that sends nothing for this long hangs."""
START_S = 120.0
"""The same while it starts: models are loaded, on a small computer with many of them."""
_STEADY_S = 60.0
_WELL_S = 10.0
"""A process that lives for this long is over the fault that ended it before."""
_FPS_HEARTBEATS = 10
_HEARTBEATS = 60


class CameraProcess:
    """A camera that is to be counted. `receive` is called, on any thread, with the messages of its process."""

    def __init__(
        self,
        camera: Camera,
        order: ToWorker,
        receive: Callable[["CameraProcess", WorkerProcess, FromWorker | None], None],
        outages: Outages,
    ) -> None:
        self.camera = camera
        self.order = order
        self.ready = False
        self.restarts = -1
        self.heartbeat: Heartbeat | None = None
        self.down_since_ms = round(time() * 1000)
        self.reason = "starting"
        self._receive = receive
        self._outages = outages
        self._worker: WorkerProcess | None = None
        self._failures = 0
        self._fault: str | None = None
        self._again_s = 0.0
        self._heartbeats: deque[tuple[float, Heartbeat]] = deque(maxlen=_HEARTBEATS)

    @property
    def worker(self) -> WorkerProcess | None:
        return self._worker

    @property
    def up(self) -> bool:
        return self.ready and self.heartbeat is not None and self.heartbeat.up

    @property
    def fps(self) -> float:
        """Frames a second over the last few seconds."""
        if len(self._heartbeats) < 2:
            return 0.0
        (first_s, first), (last_s, last) = (
            self._heartbeats[-min(len(self._heartbeats), _FPS_HEARTBEATS)],
            self._heartbeats[-1],
        )
        return max(0, last.frames - first.frames) / max(0.1, last_s - first_s)

    @property
    def cores_needed(self) -> float | None:
        """The cores that it needs, over the last minute; None where that is not known yet."""
        if not self._heartbeats:
            return None
        (first_s, first), (last_s, last) = self._heartbeats[0], self._heartbeats[-1]
        return cores_needed(first, last, last_s - first_s)

    @property
    def skipped(self) -> int:
        """The chunks that were skipped in the last minute."""
        if not self._heartbeats:
            return 0
        return self._heartbeats[-1][1].skipped - self._heartbeats[0][1].skipped

    def supervise(self) -> None:
        """Start it when its time has come; end it where it hangs."""
        worker = self._worker
        if worker is None:
            if monotonic() >= self._again_s:
                self._start()
        elif monotonic() - worker.received_s > (HANG_S if self.ready else START_S):
            self.reason = "hung"
            worker.kill()

    def take(self, worker: WorkerProcess, message: FromWorker | None) -> bool:
        """Note a message of its process, or None for its end; False where the message is of an earlier process."""
        if worker is not self._worker:
            return False
        if message is None:
            self._ended()
        elif isinstance(message, Ready):
            self.ready = True
        elif isinstance(message, Heartbeat):
            self._heartbeats.append((monotonic(), message))
            self.heartbeat = message
            self._note_link(message)
        elif isinstance(message, Fault):
            self.reason, self._fault = "crashed", f"{message.kind} at {message.place}"
        return True

    def grant(self, paid: PaidSpan) -> None:
        if self._worker is not None:
            self._worker.send(paid)

    def stop(self) -> WorkerProcess | None:
        """Ask its process to end; to be waited for by the caller."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
        self.ready = False
        self._outages.end(self._link)
        self._outages.end(self._process)
        return worker

    def crash(self) -> None:
        """End a process that sent an invalid message."""
        if self._worker is not None:
            self.reason = "crashed"
            self._worker.kill()

    @property
    def _link(self) -> str:
        return f"camera {self.camera.name}"

    @property
    def _process(self) -> str:
        return f"process of camera {self.camera.name}"

    def _start(self) -> None:
        self._heartbeats.clear()
        self.heartbeat, self.ready, self._fault = None, False, None
        self.restarts += 1
        try:
            self._worker = WorkerProcess(self.order, self._on_message)
        except OSError:
            self._failed()

    def _on_message(self, worker: WorkerProcess, message: FromWorker | None) -> None:
        self._receive(self, worker, message)

    def _ended(self) -> None:
        steady = self._worker is not None and monotonic() - self._worker.started_s > _STEADY_S
        self._worker, self.ready, self.heartbeat = None, False, None
        self._failures = 0 if steady else self._failures
        self.down_since_ms = round(time() * 1000)
        if self.reason not in ("crashed", "hung"):
            self.reason = "crashed"
        self._failed()

    def _failed(self) -> None:
        self._failures += 1
        self._again_s = monotonic() + wait_s(self._failures, random())
        self._outages.begin(self._process, self._fault or self.reason)

    def _note_link(self, heartbeat: Heartbeat) -> None:
        if self._worker is not None and monotonic() - self._worker.started_s > _WELL_S:
            self._outages.end(self._process)
            self.reason = "starting"
        if heartbeat.up:
            self._outages.end(self._link)
        elif heartbeat.reason != "connecting":
            self._outages.begin(self._link, heartbeat.reason)
