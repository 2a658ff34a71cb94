"""Starts a real PostgreSQL for the tests: its own folder, its own socket, never as root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def missing() -> str | None:
    """Why no server can be started here, or None."""
    if _program("initdb") is None or _program("postgres") is None:
        return "Debian's package `postgresql` is not installed"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL does not start as root, and there is no other user"
    return None


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a fresh server that listens on a socket in a folder of its own, and is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="passerby-postgresql-"))
    user = _unprivileged() if os.geteuid() == 0 else None
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        subprocess.run(
            [str(_program("initdb")), "-D", str(data), "-U", "passerby", "-A", "trust", "-E", "UTF8"],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
        )
        server = subprocess.Popen(
            [str(_program("postgres")), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            cwd=folder,
        )
        try:
            _wait(folder, server)
            yield f"postgresql+psycopg://passerby@/postgres?host={folder}"
        finally:
            # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    import psycopg

    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError("PostgreSQL stopped while it was starting")
        try:
            psycopg.connect(f"host={folder} user=passerby dbname=postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("PostgreSQL did not start within a minute")


def _program(name: str) -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: path.parts[-3])
    found = shutil.which(name)
    return installed[-1] if installed else (Path(found) if found else None)


def _unprivileged() -> str | None:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)
