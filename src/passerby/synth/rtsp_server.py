"""A recorded stream played by the wall clock over RTSP, as a camera would: run by Debian's Python.

Invariant: nothing of passerby is imported; what is played comes as one line of JSON on standard input, passwords with
it.

    {"video", "codec", "start_s", "loop_s", "host", "port", "path", "user", "password", "sign_in", "quits", "tells",
     "sender_clock", "units": [[offset, size, time_s, key], ...]}

Prints the port once it listens, and where `tells` is true the time whenever it begins to play to somebody. Plays the
units again every `loop_s`, or once where it is null. Ends when standard input does, or with the last unit where `quits`
is true.
"""

# ruff: noqa: E402
# mypy: ignore-errors

import json
import sys
import threading
import time
from bisect import bisect_right
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

# Parameter sets are in the stream before each key picture; put in once more, they would part its slices.
_PAYLOAD = {
    "h264": "video/x-h264,stream-format=byte-stream,alignment=au ! h264parse ! rtph264pay name=pay0 pt=96",
    "h265": "video/x-h265,stream-format=byte-stream,alignment=au ! h265parse ! rtph265pay name=pay0 pt=96",
    "mjpeg": "image/jpeg ! jpegparse ! rtpjpegpay name=pay0 pt=26",
}


def feed(source: Any, order: dict[str, Any], begun: float) -> None:
    """Push every unit when it is due, from the last key unit that is due already; time stamps start at 0."""
    units, start_s, loop_s = order["units"], order["start_s"], order["loop_s"]
    due_s = [unit[2] for unit in units]
    passed_s = max(0.0, time.time() - start_s)
    begin_s = start_s + (passed_s // loop_s * loop_s if loop_s else 0.0)
    first = max(0, bisect_right(due_s, time.time() - begin_s) - 1)
    while first and not units[first][3]:
        first -= 1
    with open(order["video"], "rb") as video:
        while True:
            for offset, size, shown_s, _ in units[first:]:
                due = begin_s + shown_s
                wait_s = due - time.time()
                if wait_s > 0:
                    time.sleep(wait_s)
                video.seek(offset)
                buffer = Gst.Buffer.new_wrapped(video.read(size))
                # Units before now come at once, and are stamped as of when they were due.
                buffer.pts = buffer.dts = max(0, round((due - begun) * Gst.SECOND))
                if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
            if not loop_s:
                break
            begin_s, first = begin_s + loop_s, 0
    source.emit("end-of-stream")


def configure(_factory: Any, media: Any, order: dict[str, Any]) -> None:
    source = media.get_element().get_child_by_name("units")
    threading.Thread(target=feed, args=(source, order, time.time()), daemon=True).start()


def tell(_server: Any, client: Any) -> None:
    client.connect("play-request", lambda *_: print(time.time(), flush=True))


def main() -> None:
    order = json.loads(sys.stdin.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(order["host"])
    server.set_service(str(order["port"]))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        "( appsrc name=units is-live=true format=time do-timestamp=false caps="
        + _PAYLOAD[order["codec"]]
        + " )"
    )
    factory.set_shared(True)
    # Sender reports carry the wall clock.
    factory.set_enable_rtcp(order["sender_clock"])
    factory.connect("media-configure", configure, order)
    if order.get("user"):
        auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.set_supported_methods(getattr(GstRtsp.RTSPAuthMethod, order["sign_in"].upper()))
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(order["user"], order["password"]), token)
        auth.add_digest(order["user"], order["password"], token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    if order["tells"]:
        server.connect("client-connected", tell)
    server.get_mount_points().add_factory("/" + order["path"], factory)
    loop = GLib.MainLoop()
    if not server.attach(None):
        print("0", flush=True)
        return
    print(server.get_bound_port(), flush=True)

    def until_told() -> None:
        while sys.stdin.read(4096):
            pass
        # Within the loop: to quit one that does not run yet does nothing.
        GLib.idle_add(loop.quit)

    threading.Thread(target=until_told, daemon=True).start()
    if order.get("quits"):
        left_s = order["start_s"] + order["units"][-1][2] - time.time()
        GLib.timeout_add(max(0, round(left_s * 1000)) + 2000, loop.quit)
    # Sessions of clients that vanished are forgotten.
    GLib.timeout_add_seconds(10, lambda: bool(server.get_session_pool().cleanup() or True))
    loop.run()


main()
