"""A site that runs: one process for each camera, the accounts, the way to the store, signals, and the status file.

Invariant: this file starts and ends things and passes words between them; what is worth a thought is done elsewhere.

Threads: this one watches processes and signals; one keeps the accounts (ledger, noise, spool); one sends to the store;
one listens to each camera. None waits for another: a database that hangs holds up only its own.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic, time
from typing import Any

from passerby.config.site import Camera
from passerby.domain import calendar
from passerby.domain.timespan import Span
from passerby.errors import LedgerError, OutputError, PasserbyError, SiteError
from passerby.live.protocol import Hello, Order, Paid, Said, Up, fault_of
from passerby.live.supervisor import status
from passerby.live.supervisor.accounting import AccountStatus, Delays, SiteAccounts
from passerby.live.supervisor.camera_process import Watched
from passerby.live.supervisor.capacity import cores, could_do
from passerby.live.supervisor.desired_state import Wanted, tried_again, wanted
from passerby.live.supervisor.outages import Outages
from passerby.live.supervisor.outbox import Outbox
from passerby.live.supervisor.tmpfs_store import TmpfsStore
from passerby.live.supervisor.worker_process import Child
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
class Places:
    """Where a site keeps things: its file, the folder of its state, models, the ledger with its mark, the store."""

    site: Path
    state: Path
    models: Path | None
    ledger: str
    mark: Path | None
    store: str
    spool_key: str | None


@dataclass(frozen=True, slots=True)
class _Join:
    camera: Camera
    detector: str


@dataclass(frozen=True, slots=True)
class _Leave:
    name: str


class Supervisor:
    """One site; `tell(event, **what)` is the log, `warn` the same for what is wrong."""

    def __init__(
        self,
        places: Places,
        first: Wanted,
        delays: Delays,
        hold: TmpfsStore | None,
        tell: Callable[..., Any],
        warn: Callable[..., Any],
    ) -> None:
        self._places = places
        self._wanted = first
        self._delays = delays
        self._hold = hold
        self._tell = tell
        self._outages = Outages(warn)
        self._warn = warn
        self._zone = calendar.zone_of(first.site.timezone)
        self._spool = Spool(places.state / "spool", places.spool_key)
        self._stop, self._reread = Event(), Event()
        self._inbox: Queue[tuple[Watched, Child, Up | None]] = Queue(_MOST_WAITING)
        self._accounts: Queue[_Join | _Leave | tuple[str, Said]] = Queue(_MOST_WAITING)
        self._read: Queue[Wanted | SiteError] = Queue()
        self._watched: dict[str, Watched] = {}
        self._leaving: list[Child] = []
        self._standings: dict[str, AccountStatus] = {}
        self._refused: tuple[str, ...] = ()
        self._started_ms = round(time() * 1000)
        self._status_s = 0.0
        self._links: dict[str, tuple[bool, str]] = {}
        self._broken = False

    def run(self) -> bool:
        """Until SIGTERM or SIGINT; every thread and process has ended, or is not waited for, within 5 s of that.

        False where it ended for a fault of its own: it is to be started again, and goes on where it was.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        signal.signal(signal.SIGHUP, lambda *_: self._reread.set())
        outbox = Outbox(
            self._spool, self._places.store, self._wanted.site.timezone, self._health, self._outages
        )
        threads = [
            Thread(target=self._do, args=(self._keep_accounts,), name="accounts", daemon=True),
            Thread(target=self._do, args=(lambda: outbox.run(self._stop),), name="outbox", daemon=True),
        ]
        for thread in threads:
            thread.start()
        self._tell("site runs", site=self._wanted.site.name, cameras=len(self._wanted.cameras))
        self._apply(self._wanted, first=True)
        while not self._stop.is_set():
            self._listen()
            for one in self._watched.values():
                one.watch()
            self._leaving = [child for child in self._leaving if not child.ended]
            self._reload()
            self._judge()
            self._write_status()
        self._end(threads)
        return not self._broken

    def _do(self, work: Callable[[], None]) -> None:
        """A part that ends by itself ends the run: half of one is worse than none."""
        try:
            work()
        except Exception as error:
            fault = fault_of(error)
            self._warn("a part of the run broke", kind=fault.kind, place=fault.place)
            self._broken = True
            self._stop.set()

    def _listen(self) -> None:
        """What cameras say, and no longer than a turn."""
        until_s = monotonic() + _TURN_S
        while (left_s := until_s - monotonic()) > 0 and not self._stop.is_set():
            try:
                one, child, message = self._inbox.get(timeout=left_s)
            except Empty:
                return
            if not one.take(child, message):
                continue
            if isinstance(message, Hello):
                self._greet(one, message)
            elif isinstance(message, Said):
                self._account(one, (one.camera.name, message))

    def _greet(self, one: Watched, message: Hello) -> None:
        """It counts by what was tried before it started, and by nothing of its own saying."""
        name = one.camera.name
        detector = self._wanted.detectors.get(name)
        if message.detector != detector:
            self._outages.begin(f"detector of camera {name}", "another than was tried: tried again")
            one.crash()
            Thread(target=self._try_again, name="detectors", daemon=True).start()
            return
        self._outages.end(f"detector of camera {name}")
        self._account(one, _Join(one.camera, detector))

    def _account(self, one: Watched, what: "_Join | tuple[str, Said]") -> None:
        try:
            self._accounts.put_nowait(what)
        except Full:
            # A ledger that hangs for hours; it joins again when it is started again.
            one.crash()

    def _heard(self, one: Watched, child: Child, message: Up | None) -> None:
        self._inbox.put((one, child, message))

    def _apply(self, new: Wanted, *, first: bool = False) -> None:
        """Start what is new, end what is gone, start anew what is different, and leave the rest alone."""
        before = self._wanted.cameras if not first else {}
        for name in dict.fromkeys((*before, *new.cameras)):
            old, camera = before.get(name), new.cameras.get(name)
            order = None if camera is None else self._order(new, camera)
            if old is not None and camera is not None and order is not None and _looks(old) == _looks(camera):
                # Started again one day, it is to read the newest file.
                self._watched[name].camera, self._watched[name].order = camera, order
                continue
            if name in self._watched:
                child = self._watched.pop(name).stop()
                self._outages.end(f"detector of camera {name}")
                self._leaving += [child] if child is not None else []
                self._tell("camera ends", camera=name)
            if old is not None and (camera is None or old.lines != camera.lines):
                self._accounts.put(_Leave(name))
            if camera is not None and order is not None:
                self._watched[name] = Watched(camera, order, self._heard, self._outages)
                self._tell("camera starts", camera=name)
        self._wanted = new

    def _order(self, new: Wanted, camera: Camera) -> Order:
        models = self._places.models
        return Order(
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
        self._tell("site file read", cameras=len(read.cameras))

    def _read_again(self) -> None:
        try:
            read = wanted(self._places.site, self._places.models)
            if read.site.timezone != self._wanted.site.timezone:
                raise SiteError(
                    [
                        f"{self._places.site}: timezone: found {read.site.timezone}, expected "
                        f"{self._wanted.site.timezone} while it runs: its days and hours are the store's"
                    ]
                )
            self._read.put(read)
        except SiteError as error:
            self._read.put(error)
        except PasserbyError as error:
            self._read.put(SiteError(str(error).splitlines()))
        except Exception as error:
            # Not its text, which may hold any part of the file.
            fault = fault_of(error)
            self._read.put(
                SiteError([f"{self._places.site}: cannot be read ({fault.kind} at {fault.place})"])
            )

    def _try_again(self) -> None:
        before = self._wanted
        # What is wrong is told when the camera's next process says the same.
        with suppress(PasserbyError):
            after = tried_again(before, self._places.models)
            if self._wanted is before:
                self._wanted = after

    # The accounts, on a thread of their own

    def _keep_accounts(self) -> None:
        """Raises nothing: what cannot be done now is done later."""
        ledger: Ledger | None = None
        book: SiteAccounts | None = None
        waiting: list[_Join | _Leave | tuple[str, Said]] = []
        while not self._stop.is_set():
            waiting = _newest([*waiting, *self._asked()])
            if self._outages.waiting("ledger"):
                # What is paid for goes on being counted.
                if book is not None:
                    waiting = [one for one in waiting if not self._added(book, one)]
                    self._publish(book)
                continue
            try:
                if ledger is None or book is None:
                    ledger = open_ledger(self._places.ledger, self._places.mark, create=True)
                    book = SiteAccounts(
                        ledger, self._hold, self._zone, self._delays, self._spool.put, self._grant
                    )
                while waiting:
                    self._enter(book, waiting[0])
                    waiting.pop(0)
                book.turn(_now_ms())
            except LedgerError as error:
                self._outages.begin("ledger", str(error))
            except OutputError as error:
                self._outages.begin("disk", str(error))
            else:
                self._outages.end("ledger")
                self._outages.end("disk")
            if book is not None:
                self._standings = book.statuses(_now_ms())
                if book.unkept is not None:
                    self._outages.begin("hold", book.unkept)
                else:
                    self._outages.end("hold")

    def _publish(self, book: SiteAccounts) -> None:
        try:
            book.publish(_now_ms())
        except OutputError as error:
            self._outages.begin("disk", str(error))

    def _asked(self) -> list[_Join | _Leave | tuple[str, Said]]:
        found = []
        timeout_s = _TURN_S
        while True:
            try:
                found.append(
                    self._accounts.get(timeout=timeout_s) if timeout_s else self._accounts.get_nowait()
                )
            except Empty:
                return found
            timeout_s = 0

    def _enter(self, book: SiteAccounts, one: "_Join | _Leave | tuple[str, Said]") -> None:
        if isinstance(one, _Join):
            book.join(one.camera, one.detector, _now_ms())
        elif isinstance(one, _Leave):
            book.leave(one.name)
        else:
            self._added(book, one)

    def _added(self, book: SiteAccounts, one: "_Join | _Leave | tuple[str, Said]") -> bool:
        if not isinstance(one, tuple):
            return False
        name, said = one
        try:
            span, counts = Span(said.start_ms, said.end_ms), tuple(said.counts)
            book.add(name, said.line, span, counts, said.covered_ms, said.sender_ms)
        except ValueError:
            # It is of this version, and held to its form: a broken one is ended and started anew.
            self._warn("camera said what it may not", camera=name)
            if (watched := self._watched.get(name)) is not None:
                watched.crash()
        return True

    def _grant(self, name: str, line: str, span: Span) -> None:
        one = self._watched.get(name)
        if one is not None:
            one.grant(Paid(line=line, start_ms=span.start_ms, end_ms=span.end_ms))

    # What is told

    def _health(self) -> tuple[Health, ...]:
        cameras, now_ms = self._cameras(), _now_ms()
        return tuple(
            Health(one.camera, one.up, "" if one.up else one.reason.replace("-", " "), one.since_ms, now_ms)
            for one in cameras
        )

    def _cameras(self) -> list[status.CameraStatus]:
        return [_camera_status(one, self._standings.get(name)) for name, one in list(self._watched.items())]

    def _judge(self) -> None:
        """Whether the machine is fast enough, and what it could do."""
        watched = self._watched.values()
        possible = could_do([need for one in watched if (need := one.need) is not None], cores())
        if any(one.late for one in watched):
            could = "" if possible is None else f"; by the CPU time they take, it could do about {possible}"
            cameras = f"{len(watched)} camera{'' if len(watched) == 1 else 's'}"
            self._outages.begin("machine", f"too slow for its {cameras}, so chunks are given up{could}")
        else:
            self._outages.end("machine")

    def _write_status(self) -> None:
        cameras = self._cameras()
        links = {one.camera: (one.up, one.reason) for one in cameras}
        if links == self._links and monotonic() - self._status_s < _STATUS_S:
            return
        self._links, self._status_s = links, monotonic()
        problems = [f"{name}: {one.problem}" for name, one in sorted(self._outages.now().items())]
        try:
            status.write(
                self._places.state,
                status.Status(
                    site=self._wanted.site.name,
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
        """Cameras first; then a last try to hand over what waits."""
        until_s = monotonic() + _END_S
        ending = [*self._leaving, *(child for one in self._watched.values() if (child := one.stop()))]
        for child in ending:
            child.wait(max(0.0, until_s - monotonic()))
        for thread in threads:
            thread.join(max(0.0, until_s + _END_S - monotonic()))
        self._status_s = 0.0
        self._write_status()
        self._tell("site ends", site=self._wanted.site.name)


def _newest(asked: "list[_Join | _Leave | tuple[str, Said]]") -> "list[_Join | _Leave | tuple[str, Said]]":
    """Of a camera that started again and again only the last start."""
    last = {one.camera.name: one for one in asked if isinstance(one, _Join)}
    return [one for one in asked if not isinstance(one, _Join) or last[one.camera.name] is one]


def _looks(camera: Camera) -> tuple[object, ...]:
    """What its process goes by: what else is told of it on pages is no reason to start it anew."""
    return camera.watched, camera.transport, camera.detector, camera.lines


def _camera_status(one: Watched, standing: AccountStatus | None) -> status.CameraStatus:
    pulse, child = one.pulse, one.child
    notes = []
    if standing is not None and standing.waits_until_ms is not None:
        notes.append("waits for its new epoch")
    if standing is not None and standing.refused is not None:
        notes.append(standing.refused)
    if pulse is not None and pulse.given_up:
        notes.append(f"{pulse.given_up} chunks were given up, for they came too late")
    return status.CameraStatus(
        camera=one.camera.name,
        up=one.up,
        reason=pulse.reason if pulse is not None else one.reason,
        # Of a time to come, as told by who sees, no page could make a date.
        since_ms=min(_now_ms(), pulse.since_ms if pulse is not None else one.down_since_ms),
        fps=round(one.fps, 1),
        covered=None if standing is None or standing.covered is None else round(standing.covered, 4),
        epsilon_left=None if standing is None else standing.left_micro / MICRO,
        epsilon_budget=None if standing is None else standing.budget_micro / MICRO,
        clock="sender" if pulse is not None and pulse.sender_clock else "arrival",
        restarts=max(0, one.restarts),
        process_id=None if child is None else child.process_id,
        note="; ".join(notes),
    )


def _now_ms() -> int:
    return round(time() * 1000)
