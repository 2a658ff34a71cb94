"""The console as a server of its own.

Law: on this machine alone unless told otherwise; nothing is written into the working folder, and nothing is asked of
the network but the cameras and, when somebody asks for it, one question to all of them.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI

from passerby.console.desk import Desk
from passerby.console.entrance import routes
from passerby.console.guard import LARGEST_MESSAGE, Guard
from passerby.errors import OutputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

Ready = Callable[[str, str | None], None]
"""Told the address, and that of the first user's invitation where there is none yet."""


def serve(desk: Desk, *, host: str = "127.0.0.1", port: int = 0, on_ready: Ready) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises OutputError when the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen()
        except (OSError, OverflowError) as error:
            raise OutputError(f"--host {host} --port {port}: {error}") from None
        # The library makes a folder for its storage, which is not used, where it is imported.
        with TemporaryDirectory(prefix="passerby-console-") as storage:
            os.environ["NICEGUI_STORAGE_PATH"] = storage
            guarded = Guard(application(desk), desk, (*LOOPBACK, host, *desk.settings.names))
            # No access log: its lines would hold invitations.
            server = uvicorn.Server(
                uvicorn.Config(
                    guarded,
                    log_level="error",
                    access_log=False,
                    # Only a proxy may say for whom it asks: else a guesser would name another address each time.
                    proxy_headers=bool(desk.settings.names),
                    server_header=False,
                    ws_max_size=LARGEST_MESSAGE,
                    timeout_graceful_shutdown=3,
                )
            )
            shown = f"[{host}]" if ":" in host else host
            address = f"http://{shown}:{listening.getsockname()[1]}"
            token = desk.users.first_token()
            on_ready(address, None if token is None else f"{address}/welcome?token={token}")
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listening])
    finally:
        desk.jobs.stop()
        listening.close()


def application(desk: Desk) -> FastAPI:
    """All pages, without what stands before them."""
    from nicegui import app as nicegui_app
    from nicegui import ui

    from passerby.console.pages.adding import adding
    from passerby.console.pages.api_keys import api_keys
    from passerby.console.pages.budget import budget
    from passerby.console.pages.camera import camera
    from passerby.console.pages.cameras import cameras
    from passerby.console.pages.journal import journal
    from passerby.console.pages.layout import add_page
    from passerby.console.pages.people import people

    for path, title, body in (
        ("/", "Cameras", cameras),
        ("/add", "Add a camera", adding),
        ("/camera", "Camera", camera),
        ("/budget", "Budget", budget),
        ("/keys", "API keys", api_keys),
        ("/people", "People", people),
        ("/journal", "Journal", journal),
    ):
        add_page(desk, path, title, body)
    nicegui_app.config.socket_io_js_transports = ["websocket"]
    nicegui_app.config.quasar_config["loadingBar"] = {"skipHijack": True}
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, routes=[*routes(desk)])
    ui.run_with(
        outer,
        title="passerby console",
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10.0,
        favicon="🚶",
    )
    return outer
