"""The console as a server with its own port.

Invariant: on this machine alone by default; it writes nothing into the working folder, and contacts only the cameras
and, on request, the local network to search for them.
"""

import os
import socket
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from passerby.console.auth_routes import routes
from passerby.console.context import ConsoleContext
from passerby.console.security_middleware import LARGEST_MESSAGE, SecurityMiddleware

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_STOP_S = 3


def serve(pages: FastAPI, context: ConsoleContext, listening: socket.socket, host: str) -> None:
    """Serve the `pages` on the socket `listening`, which is bound to `host`, until Ctrl-C or SIGTERM."""
    guarded = SecurityMiddleware(pages, context, (*LOOPBACK, host, *context.settings.names))
    # No access log: its lines would contain invitations.
    config = uvicorn.Config(
        guarded,
        log_level="error",
        access_log=False,
        # Only behind a proxy: otherwise a client could claim another address for each guess of a password.
        proxy_headers=bool(context.settings.names),
        server_header=False,
        ws_max_size=LARGEST_MESSAGE,
        timeout_graceful_shutdown=_STOP_S,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def application(context: ConsoleContext) -> FastAPI:
    """All pages, without the security middleware. Raises ModuleNotFoundError without NiceGUI."""
    # NiceGUI reads this when it is imported. The folder is made when something is stored, which nothing does.
    os.environ["NICEGUI_STORAGE_PATH"] = str(context.settings.state / "storage")
    from nicegui import app as nicegui_app
    from nicegui import ui

    from passerby.console.pages.add_camera import add_camera
    from passerby.console.pages.api_keys import api_keys
    from passerby.console.pages.budget import budget
    from passerby.console.pages.camera import camera
    from passerby.console.pages.cameras import cameras
    from passerby.console.pages.journal import journal
    from passerby.console.pages.layout import add_page
    from passerby.console.pages.people import people

    for path, title, body in (
        ("/", "Cameras", cameras),
        ("/add", "Add a camera", add_camera),
        ("/camera", "Camera", camera),
        ("/budget", "Privacy budget", budget),
        ("/keys", "API keys", api_keys),
        ("/people", "People", people),
        ("/journal", "Journal", journal),
    ):
        add_page(context, path, title, body)
    nicegui_app.config.socket_io_js_transports = ["websocket"]
    nicegui_app.config.quasar_config["loadingBar"] = {"skipHijack": True}
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, routes=[*routes(context)])
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
