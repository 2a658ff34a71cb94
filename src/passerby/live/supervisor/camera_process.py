"""One camera of a running site: its process, watched over and started again.

Invariant: what a process says decides whether it lives, never what is in it; a process that ends, hangs or says what
it may not is started anew, later each time it fails.
"""

from collections import deque
from collections.abc import Callable
from random import random
from time import monotonic, time

from passerby.config.site import Camera
from passerby.io.backoff import wait_s
from passerby.live.protocol import Down, Fault, Hello, Paid, Pulse, Up
from passerby.live.supervisor.capacity import need_of
from passerby.live.supervisor.outages import Outages
from passerby.live.supervisor.worker_process import Child

HANG_S = 15.0
"""A process that says nothing for this long hangs."""
START_S = 120.0
"""The same while it starts: models are loaded, on a small box with many of them."""
_STEADY_S = 60.0
_WELL_S = 10.0
"""A process that lives for this long is over what it died of before."""
_FPS_PULSES = 10
_PULSES = 60


class Watched:
    """A camera that is to be looked at. `heard` is called, on any thread, with what its process says."""

    def __init__(
        self,
        camera: Camera,
        order: Down,
        heard: Callable[["Watched", Child, Up | None], None],
        outages: Outages,
    ) -> None:
        self.camera = camera
        self.order = order
        self.ready = False
        self.restarts = -1
        self.pulse: Pulse | None = None
        self.down_since_ms = round(time() * 1000)
        self.reason = "starting"
        self._heard = heard
        self._outages = outages
        self._child: Child | None = None
        self._failures = 0
        self._fault: str | None = None
        self._again_s = 0.0
        self._pulses: deque[tuple[float, Pulse]] = deque(maxlen=_PULSES)

    @property
    def child(self) -> Child | None:
        return self._child

    @property
    def up(self) -> bool:
        return self.ready and self.pulse is not None and self.pulse.up

    @property
    def fps(self) -> float:
        """Frames a second over the last few seconds."""
        if len(self._pulses) < 2:
            return 0.0
        (first_s, first), (last_s, last) = (
            self._pulses[-min(len(self._pulses), _FPS_PULSES)],
            self._pulses[-1],
        )
        return max(0, last.frames - first.frames) / max(0.1, last_s - first_s)

    @property
    def need(self) -> float | None:
        """The cores that it needs, over the last minute; None where that is not known yet."""
        if not self._pulses:
            return None
        (first_s, first), (last_s, last) = self._pulses[0], self._pulses[-1]
        return need_of(first, last, last_s - first_s)

    @property
    def late(self) -> int:
        """Chunks that were given up in the last minute."""
        return self._pulses[-1][1].given_up - self._pulses[0][1].given_up if self._pulses else 0

    def watch(self) -> None:
        """Start it when its time has come; end it where it hangs."""
        child = self._child
        if child is None:
            if monotonic() >= self._again_s:
                self._start()
        elif monotonic() - child.heard_s > (HANG_S if self.ready else START_S):
            self.reason = "hung"
            child.kill()

    def take(self, child: Child, message: Up | None) -> bool:
        """What its process said, or None for its end; whether it still counts."""
        if child is not self._child:
            return False
        if message is None:
            self._ended()
        elif isinstance(message, Hello):
            self.ready = True
        elif isinstance(message, Pulse):
            self._pulses.append((monotonic(), message))
            self.pulse = message
            self._tell_link(message)
        elif isinstance(message, Fault):
            self.reason, self._fault = "crashed", f"{message.kind} at {message.place}"
        return True

    def grant(self, paid: Paid) -> None:
        if self._child is not None:
            self._child.tell(paid)

    def stop(self) -> Child | None:
        """Ask its process to end; to be waited for by the caller."""
        child, self._child = self._child, None
        if child is not None:
            child.stop()
        self.ready = False
        self._outages.end(self._link)
        self._outages.end(self._process)
        return child

    def crash(self) -> None:
        """End a process that said what it may not."""
        if self._child is not None:
            self.reason = "crashed"
            self._child.kill()

    @property
    def _link(self) -> str:
        return f"camera {self.camera.name}"

    @property
    def _process(self) -> str:
        return f"process of camera {self.camera.name}"

    def _start(self) -> None:
        self._pulses.clear()
        self.pulse, self.ready, self._fault = None, False, None
        self.restarts += 1
        try:
            self._child = Child(self.order, self._said)
        except OSError:
            self._failed()

    def _said(self, child: Child, message: Up | None) -> None:
        self._heard(self, child, message)

    def _ended(self) -> None:
        steady = self._child is not None and monotonic() - self._child.started_s > _STEADY_S
        self._child, self.ready, self.pulse = None, False, None
        self._failures = 0 if steady else self._failures
        self.down_since_ms = round(time() * 1000)
        if self.reason not in ("crashed", "hung"):
            self.reason = "crashed"
        self._failed()

    def _failed(self) -> None:
        self._failures += 1
        self._again_s = monotonic() + wait_s(self._failures, random())
        self._outages.begin(self._process, self._fault or self.reason)

    def _tell_link(self, pulse: Pulse) -> None:
        if self._child is not None and monotonic() - self._child.started_s > _WELL_S:
            self._outages.end(self._process)
            self.reason = "starting"
        if pulse.up:
            self._outages.end(self._link)
        elif pulse.reason != "connecting":
            self._outages.begin(self._link, pulse.reason)
