"""A simulated ONVIF camera: it answers WS-Discovery on loopback, and gives its streams to a client with the password.

Invariant: it checks requests by the standards, with its own code; it records them for the tests.
"""

import base64
import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

GROUP, PORT = "239.255.255.250", 3702
LOOPBACK = "127.0.0.1"

_MATCH = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<SOAP-ENV:Header><wsa:MessageID>uuid:1</wsa:MessageID><wsa:RelatesTo>{relates}</wsa:RelatesTo></SOAP-ENV:Header>
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types>
<d:Scopes>onvif://www.onvif.org/name/{name}</d:Scopes><d:XAddrs>{service}</d:XAddrs>
</d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"""
_ANSWER = """<?xml version="1.0"?><E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope"
 xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"
 xmlns:tt="http://www.onvif.org/ver10/schema"><E:Body>{body}</E:Body></E:Envelope>"""
_PROFILE = """<trt:Profiles token="{token}" fixed="true"><tt:Name>{name}</tt:Name><tt:VideoEncoderConfiguration>
<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>
</tt:VideoEncoderConfiguration></trt:Profiles>"""
REFUSAL = """<E:Fault><E:Code><E:Value>E:Sender</E:Value><E:Subcode><E:Value>ter:NotAuthorized</E:Value></E:Subcode>
</E:Code></E:Fault>"""


@dataclass
class OnvifCamera:
    """A camera whose clock is `ahead` of ours. With `digest_of_http` it accepts no token in the message.

    `streams` are (token, name, width, height, address). `answers` replace its own, by the name of the request."""

    user: str
    password: str
    streams: tuple[tuple[str, str, int, int, str], ...]
    name: str = "Eye"
    ahead: timedelta = timedelta(0)
    digest_of_http: bool = False
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    media_host: str = LOOPBACK
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def service(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/onvif/device_service"

    def answer(self, path: str, message: str, authorization: str) -> tuple[int, str]:
        """Status and body of the answer to a request."""
        found = re.search(r"<e:Body><(\w+)", message)
        what = found[1] if found else ""
        self.asked.append(what)
        if what in self.answers:
            status, body = self.answers[what]
            return status, body if body.startswith("<!") else _ANSWER.format(body=body)
        if what == "GetSystemDateAndTime":
            return 200, _ANSWER.format(body=self._time())
        if self.digest_of_http and not self._knows_http(authorization, path):
            return 401, ""
        if not self.digest_of_http and not self._knows(message):
            return 400, _ANSWER.format(body=REFUSAL)
        if what == "GetCapabilities":
            media = f"http://{self.media_host}:{self.port}/onvif/media"
            body = f"<tds:Capabilities><tt:Media><tt:XAddr>{media}</tt:XAddr></tt:Media></tds:Capabilities>"
        elif what == "GetProfiles" and path == "/onvif/media":
            body = "".join(
                _PROFILE.format(token=token, name=name, width=width, height=height)
                for token, name, width, height, _ in self.streams
            )
        elif what == "GetStreamUri" and path == "/onvif/media":
            token = re.search(r"<ProfileToken>([^<]*)<", message)
            assert token is not None
            uri = next(address for one, _, _, _, address in self.streams if one == token[1])
            body = f"<trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"
        else:
            return 400, _ANSWER.format(body="<E:Fault/>")
        return 200, _ANSWER.format(body=body)

    def _time(self) -> str:
        now = datetime.now(UTC) + self.ahead
        return (
            "<tds:SystemDateAndTime><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time>"
            f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime>"
        )

    def _knows(self, message: str) -> bool:
        """WS-Security UsernameToken profile 1.0, no older than a minute by its own clock."""
        sent = {
            key: found[1] if (found := re.search(rf"<\w:{key}(?: [^>]*)?>([^<]*)<", message)) else ""
            for key in ("Username", "Password", "Nonce", "Created")
        }
        if not sent["Created"]:
            return False
        created = datetime.fromisoformat(sent["Created"].replace("Z", "+00:00"))
        fresh = abs(datetime.now(UTC) + self.ahead - created) < timedelta(minutes=1)
        text = base64.b64decode(sent["Nonce"]) + sent["Created"].encode() + self.password.encode()
        right = base64.b64encode(hashlib.sha1(text).digest()).decode() == sent["Password"]
        return fresh and right and sent["Username"] == self.user

    def _knows_http(self, authorization: str, path: str) -> bool:
        """RFC 7616 with MD5, as cameras have it."""
        sent = dict(re.findall(r'(\w+)="?([^",]+)"?', authorization))
        if sent.get("username") != self.user:
            return False
        one, other = (
            hashlib.md5(text.encode()).hexdigest()
            for text in (f"{self.user}:camera:{self.password}", f"POST:{path}")
        )
        text = f"{one}:{sent['nonce']}:{sent['nc']}:{sent['cnonce']}:auth:{other}"
        return bool(hashlib.md5(text.encode()).hexdigest() == sent["response"])


@contextmanager
def serving(camera: OnvifCamera) -> Iterator[OnvifCamera]:
    """The services of `camera` on a port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = self.rfile.read(int(self.headers["content-length"])).decode()
            status, text = camera.answer(self.path, message, self.headers.get("authorization", ""))
            body = text.encode()
            self.send_response(status)
            if status == 401:
                self.send_header(
                    "WWW-Authenticate", 'Digest realm="camera", qop="auth", nonce="abc", algorithm=MD5'
                )
            if status == 302:
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        camera.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield camera
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def found_on_loopback(camera: OnvifCamera) -> Iterator[None]:
    """`camera` answers searches on loopback, beside other cameras that do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((GROUP, PORT))
        group = socket.inet_aton(GROUP) + socket.inet_aton(LOOPBACK)
        listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        listening.settimeout(0.2)
        done = False

        def respond() -> None:
            while not done:
                try:
                    probe, asker = listening.recvfrom(65536)
                except TimeoutError:
                    continue
                message = re.search(rb"<w:MessageID>([^<]+)<", probe)
                if message is not None:
                    text = _MATCH.format(
                        relates=message[1].decode(), service=camera.service, name=camera.name
                    )
                    # From an address of loopback, where its service is.
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answering:
                        answering.bind((LOOPBACK, 0))
                        answering.sendto(text.encode(), asker)

        thread = Thread(target=respond)
        thread.start()
        try:
            yield
        finally:
            done = True
            thread.join()
