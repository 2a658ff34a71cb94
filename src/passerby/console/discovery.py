"""Search for cameras on the local network by an ONVIF WS-Discovery probe.

Invariant: one probe is sent; the answers are read as data, with a limit on their number and size, and an address is
kept only if it is a web address of the host that sent it.
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
"""The multicast group of WS-Discovery 1.1 (OASIS), with the addresses of the 2005 draft, as ONVIF Core 7.3 requires."""

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
class DiscoveredCamera:
    """A camera that answered: its `host`, the address of its device `service`, its name and its hardware."""

    host: str
    service: str
    name: str = ""
    hardware: str = ""


def discover(
    *, wait_s: float = 3.0, group: str = GROUP, port: int = PORT, interface: str | None = None
) -> tuple[DiscoveredCamera, ...]:
    """The cameras that answer within `wait_s`; none without a network.

    `interface` is the address of this machine on the network to search."""
    message = f"uuid:{uuid4()}"
    cameras: dict[str, DiscoveredCamera] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probing:
        probing.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack("b", 1))
        try:
            if interface is not None:
                probing.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
            probing.sendto(_PROBE.format(message=message).encode(), (group, port))
        except OSError:
            return ()
        until_s = monotonic() + wait_s
        while (left_s := until_s - monotonic()) > 0 and len(cameras) < _MOST:
            probing.settimeout(left_s)
            try:
                answer, (host, _) = probing.recvfrom(_LARGEST + 1)
            except OSError:
                break
            for camera in matches(answer, host, message):
                cameras.setdefault(camera.service, camera)
    return tuple(sorted(cameras.values()))


def matches(answer: bytes, host: str, message: str) -> Iterator[DiscoveredCamera]:
    """The cameras that an answer to `message` names, if they are at `host`; else none."""
    if len(answer) > _LARGEST:
        return
    try:
        root = fromstring(answer, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return
    relates = [(element.text or "").strip() for element in root.iter(f"{{{_ADDRESSING}}}RelatesTo")]
    if relates != [message]:
        return
    scopes = {
        kind: unquote(value)
        for element in root.iter(f"{{{_DISCOVERY}}}Scopes")
        for kind, value in _SCOPE.findall(element.text or "")
    }
    for element in root.iter(f"{{{_DISCOVERY}}}XAddrs"):
        for service in (element.text or "").split():
            if _is_at(service, host):
                name, hardware = _printable(scopes.get("name", "")), _printable(scopes.get("hardware", ""))
                yield DiscoveredCamera(host, service, name, hardware)
                return


def address_of(camera: DiscoveredCamera) -> str:
    """The start of the address of a stream; the manual of the camera gives the rest of the path."""
    return f"rtsp://{camera.host}:554/"


def _is_at(service: str, host: str) -> bool:
    try:
        parts = urlsplit(service)
        return parts.scheme in ("http", "https") and parts.hostname == host and parts.username is None
    except ValueError:
        return False


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:80].strip()
