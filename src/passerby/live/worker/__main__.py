"""What `python -m passerby.live.worker` runs: an order comes in on standard input, answers go out on standard output.

Invariant: nothing but messages goes out; it ends when its input does, so it never outlives who started it.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

from passerby.live.protocol import Check, Checked, Order, Up, fault_of, line_of, read_down


def main() -> None:
    for one in (signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Libraries print, and addresses with passwords are among it.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.dup2(silence, sys.stderr.fileno())

    def say(message: Up | Checked) -> None:
        out.write(line_of(message))
        out.flush()

    code = 0
    try:
        _obey(sys.stdin.buffer, say)
    except BrokenPipeError:
        code = 1
    except Exception as error:
        code = 1
        say(fault_of(error))
    # Threads that wait for a camera's bytes are not waited for.
    os._exit(code)


def _obey(orders: BinaryIO, say: Callable[[Up | Checked], None]) -> None:
    order = read_down(orders.readline())
    # What sees is loaded after the order is read: a broken one costs nothing.
    from passerby.live.worker import camera

    if isinstance(order, Check):
        say(camera.check(order))
    elif isinstance(order, Order):
        camera.look(order, orders, say)


if __name__ == "__main__":
    main()
