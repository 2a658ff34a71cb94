"""The streams of a camera that speaks ONVIF, asked of the camera itself.

Invariant: one host is asked, and no answer leads to another; the password leaves as a digest alone; what answers is
read as data: of at most such a size, without a document type.
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
"""Profiles that are asked for: cameras have two to four."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One of a camera's streams: `address` holds no password; `width` and `height` in px, 0 where they are not told."""

    name: str
    address: str
    width: int
    height: int


def streams(service: str, user: str, password: str) -> tuple[Stream, ...]:
    """The streams of the camera whose device service is at `service`, the smallest picture first.

    Raises InputError, without a word of the password, for a camera that does not answer, that refuses the password, or
    that tells no stream.
    """
    # Some cameras take the token in the message, and some the digest of HTTP. No proxy of the environment is asked.
    sign_in = httpx.DigestAuth(user, password) if user else None
    with httpx.Client(auth=sign_in, timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
        camera = _Camera(client, service, user, password)
        found = sorted(camera.streams(), key=lambda one: (one.width * one.height or 10**9, one.name))
    if not found:
        raise InputError(f"{camera.host}: it tells no stream")
    return tuple(found)


def digest(nonce: bytes, created: str, password: str) -> str:
    """Password_Digest of WS-Security's UsernameToken profile 1.0: Base64(SHA-1(nonce + created + password))."""
    return base64.b64encode(sha1(nonce + created.encode() + password.encode()).digest()).decode()


class _Camera:
    """What is asked of one camera, as one user."""

    def __init__(self, client: httpx.Client, service: str, user: str, password: str) -> None:
        self.host = urlsplit(service).hostname or ""
        self._service, self._user, self._password = service, user, password
        self._ahead = timedelta()
        self._client = client

    def streams(self) -> Iterator[Stream]:
        self._ahead = self._clock()
        said = self._ask(
            self._service,
            f'<GetCapabilities xmlns="{DEVICE}"><Category>Media</Category></GetCapabilities>',
        )
        media = self._here(said.findtext(f".//{{{SCHEMA}}}Media/{{{SCHEMA}}}XAddr", ""))
        if not media:
            raise InputError(f"{self.host}: it tells no stream")
        profiles = self._ask(media, f'<GetProfiles xmlns="{MEDIA}"/>')
        for profile in list(profiles.iterfind(f".//{{{MEDIA}}}Profiles"))[:_MOST]:
            token = escape(profile.get("token", ""))
            said = self._ask(
                media,
                f'<GetStreamUri xmlns="{MEDIA}"><StreamSetup><Stream xmlns="{SCHEMA}">RTP-Unicast</Stream>'
                f'<Transport xmlns="{SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
                f"<ProfileToken>{token}</ProfileToken></GetStreamUri>",
            )
            address = self._here(said.findtext(f".//{{{SCHEMA}}}Uri", ""))
            if address.startswith(("rtsp://", "rtsps://")):
                size = profile.find(f".//{{{SCHEMA}}}Resolution")
                width, height = (_whole(size, name) for name in ("Width", "Height"))
                yield Stream(_words(profile.findtext(f"{{{SCHEMA}}}Name", "")), address, width, height)

    def _clock(self) -> timedelta:
        """How far its clock is ahead of ours: it takes no token that is older than some seconds."""
        now = datetime.now(UTC)
        try:
            said = self._ask(self._service, f'<GetSystemDateAndTime xmlns="{DEVICE}"/>', signed=False)
            told = said.find(f".//{{{SCHEMA}}}UTCDateTime")
            parts = ("Year", "Month", "Day", "Hour", "Minute", "Second")
            year, month, day, hour, minute, second = (_whole(told, one) for one in parts)
            return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) - now
        except (_RefusedError, ValueError):
            return timedelta()

    def _here(self, address: str) -> str:
        """An address as the camera tells it, at the host that is asked: it may know itself by another. "" for none."""
        try:
            parts = urlsplit(address.strip())
            port = "" if parts.port is None else f":{parts.port}"
        except ValueError:
            return ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        plain = parts._replace(netloc=f"{host}{port}", fragment="").geturl()
        return plain if parts.hostname and plain.isprintable() and " " not in plain else ""

    def _ask(self, address: str, body: str, *, signed: bool = True) -> Element:
        """Raises InputError."""
        if urlsplit(address).scheme not in ("http", "https"):
            raise InputError(f"{self.host}: it names no web address of its service")
        header = self._token() if signed and self._user else ""
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="{_SOAP}"><e:Header>{header}</e:Header>'
            f"<e:Body>{body}</e:Body></e:Envelope>"
        )
        kind = {"Content-Type": "application/soap+xml; charset=utf-8"}
        try:
            with self._client.stream("POST", address, content=text.encode(), headers=kind) as answer:
                said = b""
                for part in answer.iter_bytes():
                    said += part
                    if len(said) > _LARGEST:
                        raise InputError(f"{self.host}: its answer cannot be read")
        except (httpx.HTTPError, httpx.InvalidURL):
            raise InputError(f"{self.host}: it does not answer to ONVIF") from None
        if answer.status_code in (401, 403) or b"NotAuthorized" in said or b"FailedAuthentication" in said:
            raise _RefusedError(f"{self.host}: the name or the password is refused")
        if answer.status_code != 200:
            raise _RefusedError(f"{self.host}: it answers with a fault ({answer.status_code})")
        try:
            root: Element = fromstring(said, forbid_dtd=True)
        except (ParseError, DefusedXmlException, LookupError, ValueError):
            raise InputError(f"{self.host}: its answer cannot be read") from None
        return root

    def _token(self) -> str:
        """A UsernameToken, new for each message."""
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
    """It answered, and would not."""


def _whole(holder: Element | None, name: str) -> int:
    """A whole number of the schema; 0 where there is none."""
    text = "" if holder is None else holder.findtext(f".//{{{SCHEMA}}}{name}", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _words(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:80].strip()
