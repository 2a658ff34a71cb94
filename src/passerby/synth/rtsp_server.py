"""A recorded stream played in real time over RTSP, like a camera's. It runs in Debian's Python.

Invariant: imports nothing of passerby; the order, with its passwords, comes as one line of JSON on standard input.

    {"video", "codec", "start_s", "loop_s", "host", "port", "path", "user", "password", "sign_in", "exits_at_end",
     "prints_plays", "sender_clock", "frames": [[offset, size, time_s, key], ...]}

Prints its port when it listens. With `prints_plays` it prints the Unix time when it starts to play to a client. Plays
the frames again every `loop_s`, or once if that is null. Exits when standard input ends, or after the last frame with
`exits_at_end`.
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

# The stream has parameter sets before each key frame; a second copy would separate its slices.
_PAYLOAD = {
    "h264": "video/x-h264,stream-format=byte-stream,alignment=au ! h264parse ! rtph264pay name=pay0 pt=96",
    "h265": "video/x-h265,stream-format=byte-stream,alignment=au ! h265parse ! rtph265pay name=pay0 pt=96",
    "mjpeg": "image/jpeg ! jpegparse ! rtpjpegpay name=pay0 pt=26",
}


def feed(source: Any, order: dict[str, Any], begun: float) -> None:
    """Push every frame when it is due, starting with the last key frame in the past; time stamps start at 0."""
    frames, start_s, loop_s = order["frames"], order["start_s"], order["loop_s"]
    due_s = [frame[2] for frame in frames]
    passed_s = max(0.0, time.time() - start_s)
    begin_s = start_s + (passed_s // loop_s * loop_s if loop_s else 0.0)
    first = max(0, bisect_right(due_s, time.time() - begin_s) - 1)
    while first and not frames[first][3]:
        first -= 1
    with open(order["video"], "rb") as video:
        while True:
            for offset, size, shown_s, _ in frames[first:]:
                due = begin_s + shown_s
                wait_s = due - time.time()
                if wait_s > 0:
                    time.sleep(wait_s)
                video.seek(offset)
                buffer = Gst.Buffer.new_wrapped(video.read(size))
                # Frames from the past are sent at once, stamped with the time at which they were due.
                buffer.pts = buffer.dts = max(0, round((due - begun) * Gst.SECOND))
                if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
            if not loop_s:
                break
            begin_s, first = begin_s + loop_s, 0
    source.emit("end-of-stream")


def configure(_factory: Any, media: Any, order: dict[str, Any]) -> None:
    source = media.get_element().get_child_by_name("frames")
    threading.Thread(target=feed, args=(source, order, time.time()), daemon=True).start()


def print_plays(_server: Any, client: Any) -> None:
    client.connect("play-request", lambda *_: print(time.time(), flush=True))


def main() -> None:
    order = json.loads(sys.stdin.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(order["host"])
    server.set_service(str(order["port"]))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        "( appsrc name=frames is-live=true format=time do-timestamp=false caps="
        + _PAYLOAD[order["codec"]]
        + " )"
    )
    factory.set_shared(True)
    # RTCP sender reports carry the wall clock.
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
    if order["prints_plays"]:
        server.connect("client-connected", print_plays)
    server.get_mount_points().add_factory("/" + order["path"], factory)
    loop = GLib.MainLoop()
    if not server.attach(None):
        print("0", flush=True)
        return
    print(server.get_bound_port(), flush=True)

    def quit_with_input() -> None:
        while sys.stdin.read(4096):
            pass
        # Quit from inside the loop: quitting a loop that does not run yet has no effect.
        GLib.idle_add(loop.quit)

    threading.Thread(target=quit_with_input, daemon=True).start()
    if order["exits_at_end"]:
        left_s = order["start_s"] + order["frames"][-1][2] - time.time()
        GLib.timeout_add(max(0, round(left_s * 1000)) + 2000, loop.quit)
    # Removes the sessions of clients that disappeared.
    GLib.timeout_add_seconds(10, lambda: bool(server.get_session_pool().cleanup() or True))
    loop.run()


main()
