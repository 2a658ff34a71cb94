"""Streams that a camera tells: to the right password, whatever its clock says, and never to be led elsewhere."""

import base64
import hashlib
from datetime import timedelta

import pytest

pytest.importorskip("defusedxml", reason="defusedxml is not installed: pip install 'passerby[console]'")

from tests.console.onvif_camera import OnvifCamera, serving

from passerby.console.onvif import Stream, digest, streams
from passerby.errors import InputError

PASSWORD = "pass & <word>"
STREAMS = (
    ("main&amp;1", "Main", 1920, 1080, "rtsp://127.0.0.1:554/main?a=1&amp;b=2"),
    ("sub", "Sub", 640, 360, "rtsp://127.0.0.1:554/sub"),
)


def camera(**more: object) -> OnvifCamera:
    return OnvifCamera("eye", PASSWORD, STREAMS, **more)  # type: ignore[arg-type]


def test_a_digest_is_that_of_the_profile() -> None:
    # The example of ONVIF's application programmer's guide, 1.0, 6.1.1.3.
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")

    assert digest(nonce, "2010-09-16T07:50:45Z", "userpassword") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=-4_000), timedelta(hours=3)])
@pytest.mark.parametrize("digest_of_http", [False, True])
def test_streams_are_told_whatever_the_clock_of_the_camera_says(
    ahead: timedelta, digest_of_http: bool
) -> None:
    with serving(camera(ahead=ahead, digest_of_http=digest_of_http)) as one:
        found = streams(one.service, "eye", PASSWORD)

    assert found == (
        Stream("Sub", "rtsp://127.0.0.1:554/sub", 640, 360),
        Stream("Main", "rtsp://127.0.0.1:554/main?a=1&b=2", 1920, 1080),
    )


@pytest.mark.parametrize("digest_of_http", [False, True])
@pytest.mark.parametrize(("user", "password"), [("eye", "wrong-one"), ("other", PASSWORD), ("", "")])
def test_a_password_that_is_refused_is_told(digest_of_http: bool, user: str, password: str) -> None:
    with (
        serving(camera(digest_of_http=digest_of_http)) as one,
        pytest.raises(InputError, match=r"^127.0.0.1: the name or the password is refused$"),
    ):
        streams(one.service, user, password)


def test_nothing_is_sent_but_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    kept = OnvifCamera.answer

    def heard(self: OnvifCamera, path: str, message: str, authorization: str) -> tuple[int, str]:
        sent.append(message + authorization)
        return kept(self, path, message, authorization)

    monkeypatch.setattr(OnvifCamera, "answer", heard)
    with serving(camera()) as one:
        streams(one.service, "eye", PASSWORD)

    assert len(sent) == 5
    forms = (PASSWORD, "pass &amp; &lt;word&gt;", base64.b64encode(PASSWORD.encode()).decode())
    assert not [form for form in forms for text in sent if form in text]
    assert hashlib.sha1(PASSWORD.encode()).hexdigest() not in "".join(sent)


def test_an_address_elsewhere_is_taken_at_the_camera_itself() -> None:
    # Behind a router a camera knows itself by another address; one that lies leads nobody away.
    uri = "rtsp://someone:secret@203.0.113.9:8554/sub"
    one = OnvifCamera("eye", PASSWORD, (("sub", "Sub", 640, 360, uri),), media_host="203.0.113.9")
    with serving(one):
        (found,) = streams(one.service, "eye", PASSWORD)

    assert found.address == "rtsp://127.0.0.1:8554/sub"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("what", "answer", "told"),
    [
        ("GetCapabilities", (200, BOMB), "its answer cannot be read"),
        ("GetCapabilities", (200, "<a>"), "its answer cannot be read"),
        ("GetCapabilities", (200, "<a/>" * 100_000), "its answer cannot be read"),
        ("GetCapabilities", (200, "<a/>"), "it tells no stream"),
        ("GetCapabilities", (302, "<!http://203.0.113.9/"), r"a fault \(302\)"),
        ("GetCapabilities", (500, "<a/>"), r"a fault \(500\)"),
        ("GetCapabilities", (401, ""), "is refused"),
        ("GetProfiles", (200, "<a/>"), "it tells no stream"),
        ("GetStreamUri", (200, "<tt:Uri>file:///etc/passwd</tt:Uri>"), "it tells no stream"),
        ("GetStreamUri", (200, "<tt:Uri>rtsp://[</tt:Uri>"), "it tells no stream"),
    ],
)
def test_what_is_no_answer_is_told_in_a_line(what: str, answer: tuple[int, str], told: str) -> None:
    with serving(camera(answers={what: answer})) as one, pytest.raises(InputError, match=told) as error:
        streams(one.service, "eye", PASSWORD)

    assert PASSWORD not in str(error.value)
    assert error.value.__cause__ is None


def test_a_camera_that_tells_no_time_is_asked_by_ours() -> None:
    with serving(camera(answers={"GetSystemDateAndTime": (500, "<a/>")})) as one:
        assert len(streams(one.service, "eye", PASSWORD)) == 2


@pytest.mark.parametrize(
    "service", ["http://127.0.0.1:9/onvif", "ftp://127.0.0.1/", "", "http://127.0.0.1:x/"]
)
def test_where_nothing_answers_it_is_told(service: str) -> None:
    with pytest.raises(InputError):
        streams(service, "eye", PASSWORD)
