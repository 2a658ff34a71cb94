"""The search for cameras: a real responder on loopback that speaks WS-Discovery, and false answers.

Invariant: the responder reads the probe as a camera does, and answers it.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from passerby.console.discovery import DiscoveredCamera, address_of, discover, matches

ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<SOAP-ENV:Header><wsa:MessageID>uuid:1</wsa:MessageID><wsa:RelatesTo>{relates}</wsa:RelatesTo>
<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></SOAP-ENV:Header>
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>
<wsa:EndpointReference><wsa:Address>urn:uuid:2</wsa:Address></wsa:EndpointReference>
<d:Types>dn:NetworkVideoTransmitter</d:Types>
<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Quay%20cam
 onvif://www.onvif.org/hardware/P1</d:Scopes>
<d:XAddrs>{service}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>
</d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"""
SERVICE = "http://127.0.0.1/onvif/device_service"
GOOD = ANSWER.format(relates="uuid:7", service=SERVICE).encode()


@contextmanager
def camera(*answers: str) -> Iterator[int]:
    """A responder that sends each of `answers` to a probe for video transmitters; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)

        def respond() -> None:
            probe, asker = listening.recvfrom(65536)
            message = re.search(rb"<w:MessageID>([^<]+)<", probe)
            if message is None or b":NetworkVideoTransmitter<" not in probe:
                return
            for answer in answers:
                text = answer.replace("{relates}", message[1].decode()).replace("{service}", SERVICE)
                listening.sendto(text.encode(), asker)

        thread = Thread(target=respond)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_a_camera_that_answers_is_found_once() -> None:
    with camera("rubbish", ANSWER, ANSWER) as port:
        found = discover(wait_s=1.0, group="127.0.0.1", port=port)

    assert found == (DiscoveredCamera("127.0.0.1", SERVICE, "Quay cam", "P1"),)
    assert address_of(found[0]) == "rtsp://127.0.0.1:554/"


def test_without_an_answer_no_camera_is_found() -> None:
    with camera() as port:
        assert discover(wait_s=0.1, group="127.0.0.1", port=port) == ()


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("answer", "host"),
    [
        (b"", "127.0.0.1"),
        (GOOD[:-20], "127.0.0.1"),
        (BOMB.encode(), "127.0.0.1"),
        (GOOD.replace(b"uuid:7", b"uuid:8"), "127.0.0.1"),
        (GOOD, "192.168.1.9"),
        (GOOD.replace(b"http://127", b"javascript://127"), "127.0.0.1"),
        (GOOD.replace(b"//127.0.0.1", b"//a:b@127.0.0.1"), "127.0.0.1"),
        (GOOD.replace(b"<d:Types>", b" " * 40_000 + b"<d:Types>"), "127.0.0.1"),
    ],
)
def test_false_answers_are_ignored(answer: bytes, host: str) -> None:
    assert list(matches(answer, host, "uuid:7")) == []
    assert len(list(matches(GOOD, "127.0.0.1", "uuid:7"))) == 1
