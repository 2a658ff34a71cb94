"""Get the streams of a camera by ONVIF.

Invariant: requests go to one host only, whatever its answers say; the password is sent only as a digest; answers are
read as data, with a limit on their size and without a document type.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from secrets import token_bytes
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import httpx
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from passerby.errors import InputError

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_TOKEN_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_TIMEOUT_S = 5.0
_LARGEST = 262_144
_MOST = 8
"""The most profiles that are requested: cameras have two to four."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of a camera: `address` contains no password; `width` and `height` are in px, 0 if unknown."""

    name: str
    address: str
    width: int
    height: int


def streams(service: str, user: str, password: str) -> tuple[Stream, ...]:
    """The streams of the camera whose device service is at `service`, the smallest picture first.

    Raises InputError, without the password, if the camera does not answer, refuses the password or has no stream.
    """
    # Some cameras take the token in the message, others HTTP digest. Proxies of the environment are not used.
    sign_in = httpx.DigestAuth(user, password) if user else None
    with httpx.Client(auth=sign_in, timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
        camera = _Camera(client, service, user, password)
        result = sorted(
            camera.streams(), key=lambda stream: (stream.width * stream.height or 10**9, stream.name)
        )
    if not result:
        raise InputError(f"{camera.host}: the camera has no stream")
    return tuple(result)


def digest(nonce: bytes, created: str, password: str) -> str:
    """Password_Digest of WS-Security's UsernameToken profile 1.0: Base64(SHA-1(nonce + created + password))."""
    return base64.b64encode(sha1(nonce + created.encode() + password.encode()).digest()).decode()


class _Camera:
    """Requests to a camera, as one user."""

    def __init__(self, client: httpx.Client, service: str, user: str, password: str) -> None:
        self.host = urlsplit(service).hostname or ""
        self._service, self._user, self._password = service, user, password
        self._ahead = timedelta()
        self._client = client

    def streams(self) -> Iterator[Stream]:
        self._ahead = self._clock()
        capabilities = self._request(
            self._service,
            f'<GetCapabilities xmlns="{DEVICE}"><Category>Media</Category></GetCapabilities>',
        )
        media = self._at_host(capabilities.findtext(f".//{{{SCHEMA}}}Media/{{{SCHEMA}}}XAddr", ""))
        if not media:
            raise InputError(f"{self.host}: the camera has no stream")
        profiles = self._request(media, f'<GetProfiles xmlns="{MEDIA}"/>')
        for profile in list(profiles.iterfind(f".//{{{MEDIA}}}Profiles"))[:_MOST]:
            token = escape(profile.get("token", ""))
            answer = self._request(
                media,
                f'<GetStreamUri xmlns="{MEDIA}"><StreamSetup><Stream xmlns="{SCHEMA}">RTP-Unicast</Stream>'
                f'<Transport xmlns="{SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
                f"<ProfileToken>{token}</ProfileToken></GetStreamUri>",
            )
            address = self._at_host(answer.findtext(f".//{{{SCHEMA}}}Uri", ""))
            if address.startswith(("rtsp://", "rtsps://")):
                size = profile.find(f".//{{{SCHEMA}}}Resolution")
                width, height = (_whole(size, name) for name in ("Width", "Height"))
                yield Stream(_printable(profile.findtext(f"{{{SCHEMA}}}Name", "")), address, width, height)

    def _clock(self) -> timedelta:
        """How far the camera's clock is ahead of ours: it refuses tokens that are older than some seconds."""
        now = datetime.now(UTC)
        try:
            answer = self._request(self._service, f'<GetSystemDateAndTime xmlns="{DEVICE}"/>', signed=False)
            utc = answer.find(f".//{{{SCHEMA}}}UTCDateTime")
            parts = ("Year", "Month", "Day", "Hour", "Minute", "Second")
            year, month, day, hour, minute, second = (_whole(utc, part) for part in parts)
            return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) - now
        except (_RefusedError, ValueError):
            return timedelta()

    def _at_host(self, address: str) -> str:
        """An address from the camera, with the host that we connected to: the camera may know itself by another.

        Empty for an invalid address."""
        try:
            parts = urlsplit(address.strip())
            port = "" if parts.port is None else f":{parts.port}"
        except ValueError:
            return ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        plain = parts._replace(netloc=f"{host}{port}", fragment="").geturl()
        return plain if parts.hostname and plain.isprintable() and " " not in plain else ""

    def _request(self, address: str, body: str, *, signed: bool = True) -> Element:
        """Raises InputError."""
        if urlsplit(address).scheme not in ("http", "https"):
            raise InputError(f"{self.host}: the address of its service is no web address")
        header = self._token() if signed and self._user else ""
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="{_SOAP}"><e:Header>{header}</e:Header>'
            f"<e:Body>{body}</e:Body></e:Envelope>"
        )
        kind = {"Content-Type": "application/soap+xml; charset=utf-8"}
        try:
            with self._client.stream("POST", address, content=text.encode(), headers=kind) as answer:
                content = b""
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > _LARGEST:
                        raise InputError(f"{self.host}: the camera's answer is invalid")
        except (httpx.HTTPError, httpx.InvalidURL):
            raise InputError(f"{self.host}: no answer to ONVIF") from None
        if (
            answer.status_code in (401, 403)
            or b"NotAuthorized" in content
            or b"FailedAuthentication" in content
        ):
            raise _RefusedError(f"{self.host}: the user name or the password is wrong")
        if answer.status_code != 200:
            raise _RefusedError(f"{self.host}: the camera reports an error ({answer.status_code})")
        try:
            root: Element = fromstring(content, forbid_dtd=True)
        except (ParseError, DefusedXmlException, LookupError, ValueError):
            raise InputError(f"{self.host}: the camera's answer is invalid") from None
        return root

    def _token(self) -> str:
        """A new UsernameToken for each message."""
        nonce = token_bytes(16)
        created = (datetime.now(UTC) + self._ahead).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return (
            f'<s:Security xmlns:s="{_TOKEN_PROFILE}-wssecurity-secext-1.0.xsd" e:mustUnderstand="true">'
            f"<s:UsernameToken><s:Username>{escape(self._user)}</s:Username>"
            f'<s:Password Type="{_TOKEN_PROFILE}-username-token-profile-1.0#PasswordDigest">'
            f"{digest(nonce, created, self._password)}</s:Password>"
            f"<s:Nonce>{base64.b64encode(nonce).decode()}</s:Nonce>"
            f'<u:Created xmlns:u="{_TOKEN_PROFILE}-wssecurity-utility-1.0.xsd">{created}</u:Created>'
            "</s:UsernameToken></s:Security>"
        )


class _RefusedError(InputError):
    """The camera answered with a refusal."""


def _whole(holder: Element | None, name: str) -> int:
    """A whole number of the schema; 0 if it is missing."""
    text = "" if holder is None else holder.findtext(f".//{{{SCHEMA}}}{name}", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:80].strip()
