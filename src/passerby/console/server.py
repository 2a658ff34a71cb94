"""The console as a server of its own.

Invariant: on this machine alone unless told otherwise; nothing is written into the working folder, and nothing is
asked of the network but the cameras and, when somebody asks for it, one question to all of them.
"""

import os
import socket
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from passerby.console.auth_routes import routes
from passerby.console.context import Desk
from passerby.console.security_middleware import LARGEST_MESSAGE, Guard

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_STOP_S = 3


def serve(pages: FastAPI, desk: Desk, listening: socket.socket, host: str) -> None:
    """Serve the `pages` of `desk` on `listening`, which is at `host`, until Ctrl-C or SIGTERM."""
    guarded = Guard(pages, desk, (*LOOPBACK, host, *desk.settings.names))
    # No access log: its lines would hold invitations.
    config = uvicorn.Config(
        guarded,
        log_level="error",
        access_log=False,
        # Only a proxy may say for whom it asks: else a guesser would name another address each time.
        proxy_headers=bool(desk.settings.names),
        server_header=False,
        ws_max_size=LARGEST_MESSAGE,
        timeout_graceful_shutdown=_STOP_S,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def application(desk: Desk) -> FastAPI:
    """All pages, without what stands before them. Raises ModuleNotFoundError without NiceGUI."""
    # Read where the library is imported: a folder that it makes when something is stored, which nothing is.
    os.environ["NICEGUI_STORAGE_PATH"] = str(desk.settings.state / "storage")
    from nicegui import app as nicegui_app
    from nicegui import ui

    from passerby.console.pages.add_camera import adding
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
