"""`python -m passerby.live.worker`: an order comes in on standard input, messages go out on standard output.

Invariant: nothing but messages goes out; it ends when its input does, so it never outlives its supervisor.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

from passerby.live.protocol import (
    CameraOrder,
    CheckDetectors,
    CheckedDetectors,
    FromWorker,
    encode,
    fault_of,
    to_worker,
)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Libraries print, and what they print may contain addresses with passwords.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.dup2(silence, sys.stderr.fileno())

    def send(message: FromWorker | CheckedDetectors) -> None:
        out.write(encode(message))
        out.flush()

    code = 0
    try:
        _obey(sys.stdin.buffer, send)
    except BrokenPipeError:
        code = 1
    except Exception as error:
        code = 1
        send(fault_of(error))
    # Threads that wait for a camera's bytes are not waited for.
    os._exit(code)


def _obey(orders: BinaryIO, send: Callable[[FromWorker | CheckedDetectors], None]) -> None:
    order = to_worker(orders.readline())
    # Imported after the order is read: a broken order costs nothing.
    from passerby.live.worker import camera

    if isinstance(order, CheckDetectors):
        send(camera.check_detectors(order))
    elif isinstance(order, CameraOrder):
        camera.count_camera(order, orders, send)


if __name__ == "__main__":
    main()
