"""Cameras that answer an ONVIF WS-Discovery probe on the local network.

Invariant: one probe goes out, and what answers is read as data: at most so many, of at most such a size, and an
address is kept only where it is a web address of whoever sent it.
"""

import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from urllib.parse import unquote, urlsplit
from uuid import uuid4
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

GROUP, PORT = "239.255.255.250", 3702
"""Where WS-Discovery listens (OASIS WS-Discovery 1.1, the October 2005 addressing that ONVIF Core 7.3 asks for)."""

_PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:n="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>{message}</w:MessageID>
<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_SCOPE = re.compile(r"onvif://www\.onvif\.org/(name|hardware|location)/([^\s]+)")
_LARGEST, _MOST = 32_768, 100


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A camera that answered: its `host`, the `service` address that it named, and what it calls itself."""

    host: str
    service: str
    name: str = ""
    hardware: str = ""


def discover(
    *, wait_s: float = 3.0, group: str = GROUP, port: int = PORT, interface: str | None = None
) -> tuple[Found, ...]:
    """What answers within `wait_s`; nothing where there is no network. `interface`: an address of the one to ask on."""
    message = f"uuid:{uuid4()}"
    found: dict[str, Found] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack("b", 1))
        try:
            if interface is not None:
                asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
            asking.sendto(_PROBE.format(message=message).encode(), (group, port))
        except OSError:
            return ()
        until_s = monotonic() + wait_s
        while (left_s := until_s - monotonic()) > 0 and len(found) < _MOST:
            asking.settimeout(left_s)
            try:
                answer, (host, _) = asking.recvfrom(_LARGEST + 1)
            except OSError:
                break
            for one in matches(answer, host, message):
                found.setdefault(one.service, one)
    return tuple(sorted(found.values()))


def matches(answer: bytes, host: str, message: str) -> Iterator[Found]:
    """The cameras that an answer names, when it is one to `message` and they are at `host`; else nothing."""
    if len(answer) > _LARGEST:
        return
    try:
        said = fromstring(answer, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return
    if [(one.text or "").strip() for one in said.iter(f"{{{_ADDRESSING}}}RelatesTo")] != [message]:
        return
    scopes = {
        kind: unquote(value)
        for one in said.iter(f"{{{_DISCOVERY}}}Scopes")
        for kind, value in _SCOPE.findall(one.text or "")
    }
    for one in said.iter(f"{{{_DISCOVERY}}}XAddrs"):
        for service in (one.text or "").split():
            if _is_at(service, host):
                yield Found(host, service, _words(scopes.get("name", "")), _words(scopes.get("hardware", "")))
                return


def address_of(found: Found) -> str:
    """The beginning of the address of its stream, where the camera does not tell it: what follows is in its manual."""
    return f"rtsp://{found.host}:554/"


def _is_at(service: str, host: str) -> bool:
    try:
        parts = urlsplit(service)
        return parts.scheme in ("http", "https") and parts.hostname == host and parts.username is None
    except ValueError:
        return False


def _words(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:80].strip()
