"""A running site: one process for each camera, the accounts, the way to the store, signals, and the status file.

Invariant: this file starts and ends things and passes messages between them; every decision is made elsewhere.

Threads: the main one supervises processes and handles signals; one keeps the accounts (ledger, noise, spool); one sends
to the store; one listens to each camera. None waits for another: a database that hangs delays only its own thread.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic, time
from typing import Any

from passerby.config.site import Camera
from passerby.domain import calendar
from passerby.domain.timespan import Span
from passerby.errors import LedgerError, OutputError, PasserbyError, SiteError
from passerby.live.protocol import CameraOrder, ChunkCounts, FromWorker, PaidSpan, Ready, fault_of
from passerby.live.supervisor import status
from passerby.live.supervisor.accounting import AccountStatus, Delays, SiteAccounts, short_delay
from passerby.live.supervisor.camera_process import CameraProcess
from passerby.live.supervisor.capacity import cameras_possible, usable_cores
from passerby.live.supervisor.desired_state import (
    DesiredState,
    read_desired_state,
    with_detectors_tried_again,
)
from passerby.live.supervisor.outages import Outages
from passerby.live.supervisor.outbox import Outbox
from passerby.live.supervisor.terms import Terms, terms_of
from passerby.live.supervisor.worker_process import WorkerProcess
from passerby.privacy.accounts import OpenBinStore
from passerby.privacy.database import open_ledger
from passerby.privacy.ledger import Ledger
from passerby.privacy.noise import MICRO
from passerby.publish.store.releases import Health
from passerby.publish.store.spool import Spool

_TURN_S = 0.2
_STATUS_S = 5.0
_END_S = 1.5
_MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Locations:
    """Where a site keeps its data: its file, the folder of its state, models, the ledger with its mark, the store."""

    site: Path
    state: Path
    models: Path | None
    ledger: str
    mark: Path | None
    store: str
    spool_key: str | None


@dataclass(frozen=True, slots=True)
class _Join:
    terms: Terms


@dataclass(frozen=True, slots=True)
class _Leave:
    name: str


@dataclass(frozen=True, slots=True)
class _Count:
    name: str
    counts: ChunkCounts


_Request = _Join | _Leave | _Count
"""A request to the thread that keeps the accounts."""


class Supervisor:
    """One site; `log(event, **details)` writes a line of the log, `warn` the same for a problem."""

    def __init__(
        self,
        locations: Locations,
        first: DesiredState,
        delays: Delays,
        open_bins: OpenBinStore | None,
        log: Callable[..., Any],
        warn: Callable[..., Any],
    ) -> None:
        self._locations = locations
        self._desired = first
        self._delays = delays
        self._open_bins = open_bins
        self._log = log
        self._outages = Outages(warn)
        self._warn = warn
        self._zone = calendar.zone_of(first.site.timezone)
        self._spool = Spool(locations.state / "spool", locations.spool_key)
        self._stop, self._reread = Event(), Event()
        self._inbox: Queue[tuple[CameraProcess, WorkerProcess, FromWorker | None]] = Queue(_MOST_WAITING)
        self._requests: Queue[_Request] = Queue(_MOST_WAITING)
        self._read: Queue[DesiredState | SiteError] = Queue()
        self._processes: dict[str, CameraProcess] = {}
        self._leaving: list[WorkerProcess] = []
        self._account_statuses: dict[str, AccountStatus] = {}
        self._refused: tuple[str, ...] = ()
        self._started_ms = round(time() * 1000)
        self._status_s = 0.0
        self._links: dict[str, tuple[bool, str]] = {}
        self._broken = False

    def run(self) -> bool:
        """Run until SIGTERM or SIGINT; within 5 s of that, every thread and process has ended or is not waited for.

        False where it ended for a fault of its own: it is to be started again, and continues where it stopped.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        signal.signal(signal.SIGHUP, lambda *_: self._reread.set())
        outbox = Outbox(
            self._spool, self._locations.store, self._desired.site.timezone, self._health, self._outages
        )
        threads = [
            Thread(target=self._guarded, args=(self._keep_accounts,), name="accounts", daemon=True),
            Thread(target=self._guarded, args=(lambda: outbox.run(self._stop),), name="outbox", daemon=True),
        ]
        for thread in threads:
            thread.start()
        self._log("site runs", site=self._desired.site.name, cameras=len(self._desired.cameras))
        self._apply(self._desired, first=True)
        while not self._stop.is_set():
            self._listen()
            for process in self._processes.values():
                process.supervise()
            self._leaving = [worker for worker in self._leaving if not worker.ended]
            self._reload()
            self._judge()
            self._write_status()
        self._end(threads)
        return not self._broken

    def _guarded(self, work: Callable[[], None]) -> None:
        """A thread that breaks ends the run: half of one is worse than none."""
        try:
            work()
        except Exception as error:
            fault = fault_of(error)
            self._warn("a part of the run broke", kind=fault.kind, place=fault.place)
            self._broken = True
            self._stop.set()

    def _listen(self) -> None:
        """Handle the messages of cameras, for one turn."""
        until_s = monotonic() + _TURN_S
        while (left_s := until_s - monotonic()) > 0 and not self._stop.is_set():
            try:
                process, worker, message = self._inbox.get(timeout=left_s)
            except Empty:
                return
            if not process.take(worker, message):
                continue
            if isinstance(message, Ready):
                self._greet(process, message)
            elif isinstance(message, ChunkCounts):
                self._request(process, _Count(process.camera.name, message))

    def _greet(self, process: CameraProcess, message: Ready) -> None:
        """A camera is counted only by the detector that was tried before it started."""
        name = process.camera.name
        detector = self._desired.detectors.get(name)
        if message.detector != detector:
            self._outages.begin(
                f"detector of camera {name}", "differs from the one that was tried: trying again"
            )
            process.crash()
            Thread(target=self._try_detectors_again, name="detectors", daemon=True).start()
            return
        self._outages.end(f"detector of camera {name}")
        self._request(process, _Join(terms_of(self._desired.site, process.camera, detector)))

    def _request(self, process: CameraProcess, request: _Request) -> None:
        try:
            self._requests.put_nowait(request)
        except Full:
            # A ledger that hangs for hours; the camera joins again when it is started again.
            process.crash()

    def _receive(self, process: CameraProcess, worker: WorkerProcess, message: FromWorker | None) -> None:
        self._inbox.put((process, worker, message))

    def _apply(self, new: DesiredState, *, first: bool = False) -> None:
        """Start cameras that are new, end those that are gone, restart changed ones, and leave the rest alone."""
        before = self._desired.cameras if not first else {}
        same_promise = _promise_of(self._desired) == _promise_of(new)
        for name in dict.fromkeys((*before, *new.cameras)):
            old, camera = before.get(name), new.cameras.get(name)
            order = None if camera is None else self._order(new, camera)
            if (
                old is not None
                and camera is not None
                and order is not None
                and same_promise
                and _counted_by(old) == _counted_by(camera)
            ):
                # Started again one day, it is to read the newest file.
                self._processes[name].camera, self._processes[name].order = camera, order
                continue
            if name in self._processes:
                worker = self._processes.pop(name).stop()
                self._outages.end(f"detector of camera {name}")
                self._leaving += [worker] if worker is not None else []
                self._log("camera ends", camera=name)
            if old is not None and (camera is None or old.lines != camera.lines or not same_promise):
                self._requests.put(_Leave(name))
            if camera is not None and order is not None:
                self._processes[name] = CameraProcess(camera, order, self._receive, self._outages)
                self._log("camera starts", camera=name)
        self._desired = new

    def _order(self, new: DesiredState, camera: Camera) -> CameraOrder:
        models = self._locations.models
        return CameraOrder(
            site=new.text,
            path=str(new.site.path),
            camera=camera.name,
            model_dir=None if models is None else str(models),
            frames_ms=self._delays.frames_ms,
            answer_ms=self._delays.answer_ms,
        )

    def _reload(self) -> None:
        if self._reread.is_set():
            self._reread.clear()
            # Detectors are tried, which takes a while.
            Thread(target=self._read_again, name="reload", daemon=True).start()
        try:
            read = self._read.get_nowait()
        except Empty:
            return
        self._status_s = 0.0
        if isinstance(read, SiteError):
            self._refused = read.problems
            for problem in read.problems:
                self._warn("site file refused", problem=problem)
            return
        self._refused = ()
        self._apply(read)
        self._log("site file read", cameras=len(read.cameras))

    def _read_again(self) -> None:
        try:
            read = read_desired_state(self._locations.site, self._locations.models)
            if read.site.timezone != self._desired.site.timezone:
                raise SiteError(
                    [
                        f"{self._locations.site}: timezone: found {read.site.timezone}, expected "
                        f"{self._desired.site.timezone} while it runs: its days and hours are the store's"
                    ]
                )
            if wanted := short_delay(read.site.promise, self._delays):
                raise SiteError([f"{self._locations.site}: --delay: {wanted}"])
            self._read.put(read)
        except SiteError as error:
            self._read.put(error)
        except PasserbyError as error:
            self._read.put(SiteError(str(error).splitlines()))
        except Exception as error:
            # Not its text, which may contain any part of the file.
            fault = fault_of(error)
            self._read.put(
                SiteError([f"{self._locations.site}: cannot be read ({fault.kind} at {fault.place})"])
            )

    def _try_detectors_again(self) -> None:
        before = self._desired
        # An error is reported when the camera's next process sends the same.
        with suppress(PasserbyError):
            after = with_detectors_tried_again(before, self._locations.models)
            if self._desired is before:
                self._desired = after

    # The accounts, on a thread of their own

    def _keep_accounts(self) -> None:
        """Raises nothing: work that cannot be done now is done later."""
        ledger: Ledger | None = None
        accounts: SiteAccounts | None = None
        waiting: list[_Request] = []
        while not self._stop.is_set():
            waiting = _newest([*waiting, *self._requested()])
            if self._outages.waiting("ledger"):
                # Spans that were paid for go on being counted.
                if accounts is not None:
                    waiting = [request for request in waiting if not self._add(accounts, request)]
                    self._publish(accounts)
                continue
            try:
                if ledger is None or accounts is None:
                    ledger = open_ledger(self._locations.ledger, self._locations.mark, create=True)
                    accounts = SiteAccounts(
                        ledger, self._open_bins, self._zone, self._delays, self._spool.put, self._grant
                    )
                while waiting:
                    self._obey(accounts, waiting[0])
                    waiting.pop(0)
                accounts.turn(_now_ms())
            except LedgerError as error:
                self._outages.begin("ledger", str(error))
            except OutputError as error:
                self._outages.begin("disk", str(error))
            else:
                self._outages.end("ledger")
                self._outages.end("disk")
            if accounts is not None:
                self._report(accounts)

    def _report(self, accounts: SiteAccounts) -> None:
        self._account_statuses = accounts.statuses(_now_ms())
        if accounts.unkept is not None:
            self._outages.begin("open bins", accounts.unkept)
        else:
            self._outages.end("open bins")

    def _publish(self, accounts: SiteAccounts) -> None:
        try:
            accounts.publish(_now_ms())
        except OutputError as error:
            self._outages.begin("disk", str(error))

    def _requested(self) -> list[_Request]:
        requests = []
        timeout_s = _TURN_S
        while True:
            try:
                requests.append(
                    self._requests.get(timeout=timeout_s) if timeout_s else self._requests.get_nowait()
                )
            except Empty:
                return requests
            timeout_s = 0

    def _obey(self, accounts: SiteAccounts, request: _Request) -> None:
        if isinstance(request, _Join):
            accounts.join(request.terms, _now_ms())
        elif isinstance(request, _Leave):
            accounts.leave(request.name)
        else:
            self._add(accounts, request)

    def _add(self, accounts: SiteAccounts, request: _Request) -> bool:
        """Whether the request was one to add counts."""
        if not isinstance(request, _Count):
            return False
        name, counted = request.name, request.counts
        try:
            span = Span(counted.start_ms, counted.end_ms)
            accounts.add(
                name, counted.line, span, tuple(counted.counts), counted.covered_ms, counted.sender_ms
            )
        except ValueError:
            # Both processes are of one version: a worker that is broken is ended and started again.
            self._warn("camera sent invalid counts", camera=name)
            if (process := self._processes.get(name)) is not None:
                process.crash()
        return True

    def _grant(self, name: str, line: str, span: Span) -> None:
        process = self._processes.get(name)
        if process is not None:
            process.grant(PaidSpan(line=line, start_ms=span.start_ms, end_ms=span.end_ms))

    # The status

    def _health(self) -> tuple[Health, ...]:
        cameras, now_ms = self._cameras(), _now_ms()
        return tuple(
            Health(one.camera, one.up, "" if one.up else one.reason.replace("-", " "), one.since_ms, now_ms)
            for one in cameras
        )

    def _cameras(self) -> list[status.CameraStatus]:
        return [
            _camera_status(process, self._account_statuses.get(name), self._zone)
            for name, process in list(self._processes.items())
        ]

    def _judge(self) -> None:
        """Whether the computer is fast enough, and how many cameras it could count."""
        processes = self._processes.values()
        if not any(process.skipped for process in processes):
            self._outages.end("machine")
            return
        needed = [cores for process in processes if (cores := process.cores_needed) is not None]
        possible = cameras_possible(needed, usable_cores())
        number = len(processes)
        # CPU time can promise more cameras than there are while the computer is busy with something else.
        could = "" if possible is None or possible >= number else f"; it could count about {possible}"
        self._outages.begin(
            "machine",
            f"computer too slow for its {number} camera{'' if number == 1 else 's'}, so segments are skipped{could}",
        )

    def _write_status(self) -> None:
        cameras = self._cameras()
        links = {one.camera: (one.up, one.reason) for one in cameras}
        if links == self._links and monotonic() - self._status_s < _STATUS_S:
            return
        self._links, self._status_s = links, monotonic()
        problems = [f"{name}: {one.problem}" for name, one in sorted(self._outages.now().items())]
        try:
            status.write(
                self._locations.state,
                status.Status(
                    site=self._desired.site.name,
                    process_id=os.getpid(),
                    started_ms=self._started_ms,
                    written_ms=_now_ms(),
                    waiting_bytes=self._spool.waiting_bytes(),
                    cameras=tuple(cameras),
                    problems=(*self._refused, *problems),
                ),
            )
        except OutputError as error:
            self._outages.begin("status", str(error))
        else:
            self._outages.end("status")

    def _end(self, threads: list[Thread]) -> None:
        """End the cameras first; then try a last time to hand over the waiting releases."""
        until_s = monotonic() + _END_S
        ending = [
            *self._leaving,
            *(worker for process in self._processes.values() if (worker := process.stop())),
        ]
        for worker in ending:
            worker.wait(max(0.0, until_s - monotonic()))
        for thread in threads:
            thread.join(max(0.0, until_s + _END_S - monotonic()))
        self._status_s = 0.0
        self._write_status()
        self._log("site ends", site=self._desired.site.name)


def _newest(requests: list[_Request]) -> list[_Request]:
    """Of a camera that started again and again only the last start."""
    last = {request.terms.camera.name: request for request in requests if isinstance(request, _Join)}
    return [
        request
        for request in requests
        if not isinstance(request, _Join) or last[request.terms.camera.name] is request
    ]


def _counted_by(camera: Camera) -> tuple[object, ...]:
    """All that its process depends on: a change of a page's text or plan is no reason to start it again."""
    return camera.watched, camera.transport, camera.detector, camera.lines


def _promise_of(desired: DesiredState) -> object:
    """All that the processes of a site's cameras depend on together."""
    return desired.site.name, desired.site.privacy


def _camera_status(
    process: CameraProcess, account: AccountStatus | None, zone: tzinfo
) -> status.CameraStatus:
    heartbeat, worker = process.heartbeat, process.worker
    return status.CameraStatus(
        camera=process.camera.name,
        up=process.up,
        reason=_reason(process),
        # A time to come, from a worker whose clock is ahead, would be no date for a page.
        since_ms=min(_now_ms(), heartbeat.since_ms if heartbeat is not None else process.down_since_ms),
        fps=round(process.fps, 1),
        covered=None if account is None or account.covered is None else round(account.covered, 4),
        epsilon_left=None if account is None else account.left_micro / MICRO,
        epsilon_budget=None if account is None else account.budget_micro / MICRO,
        clock="sender" if heartbeat is not None and heartbeat.sender_clock else "arrival",
        restarts=max(0, process.restarts),
        process_id=None if worker is None else worker.process_id,
        note=_note(heartbeat.skipped if heartbeat is not None else 0, account, zone),
    )


def _reason(process: CameraProcess) -> str:
    if process.heartbeat is None:
        return process.reason
    # The last heartbeat of a process that was stopped says that its link is up.
    return "stopped" if process.heartbeat.up and not process.up else process.heartbeat.reason


def _note(skipped: int, account: AccountStatus | None, zone: tzinfo) -> str:
    notes = []
    if account is not None and account.waits_until_ms is not None:
        # A few seconds after midnight, as a rule: shown to the minute, rounded up.
        starts = calendar.to_local(-(-account.waits_until_ms // 60_000) * 60_000, zone)
        notes.append(f"new settings start at {starts:%Y-%m-%d %H:%M}")
    if account is not None and account.refused is not None:
        notes.append(account.refused)
    if skipped:
        notes.append(f"{skipped} segment{'' if skipped == 1 else 's'} skipped: computer too slow")
    return "; ".join(notes)


def _now_ms() -> int:
    return round(time() * 1000)
