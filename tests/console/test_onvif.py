"""The streams of a camera: with the right password, with any clock, and never from another host."""

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
def test_the_streams_of_a_camera_with_any_clock(ahead: timedelta, digest_of_http: bool) -> None:
    with serving(camera(ahead=ahead, digest_of_http=digest_of_http)) as eye:
        found = streams(eye.service, "eye", PASSWORD)

    assert found == (
        Stream("Sub", "rtsp://127.0.0.1:554/sub", 640, 360),
        Stream("Main", "rtsp://127.0.0.1:554/main?a=1&b=2", 1920, 1080),
    )


@pytest.mark.parametrize("digest_of_http", [False, True])
@pytest.mark.parametrize(("user", "password"), [("eye", "wrong-one"), ("other", PASSWORD), ("", "")])
def test_a_wrong_password_is_an_error(digest_of_http: bool, user: str, password: str) -> None:
    with (
        serving(camera(digest_of_http=digest_of_http)) as eye,
        pytest.raises(InputError, match=r"^127.0.0.1: the user name or the password is wrong$"),
    ):
        streams(eye.service, user, password)


def test_only_a_digest_of_the_password_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    kept = OnvifCamera.answer

    def heard(self: OnvifCamera, path: str, message: str, authorization: str) -> tuple[int, str]:
        sent.append(message + authorization)
        return kept(self, path, message, authorization)

    monkeypatch.setattr(OnvifCamera, "answer", heard)
    with serving(camera()) as eye:
        streams(eye.service, "eye", PASSWORD)

    assert len(sent) == 5
    forms = (PASSWORD, "pass &amp; &lt;word&gt;", base64.b64encode(PASSWORD.encode()).decode())
    assert not [form for form in forms for text in sent if form in text]
    assert hashlib.sha1(PASSWORD.encode()).hexdigest() not in "".join(sent)


def test_the_host_of_an_address_is_replaced_by_that_of_the_camera() -> None:
    # Behind a router a camera knows itself by another address; one that lies leads nobody away.
    uri = "rtsp://someone:secret@203.0.113.9:8554/sub"
    eye = OnvifCamera("eye", PASSWORD, (("sub", "Sub", 640, 360, uri),), media_host="203.0.113.9")
    with serving(eye):
        (found,) = streams(eye.service, "eye", PASSWORD)

    assert found.address == "rtsp://127.0.0.1:8554/sub"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("message", "answer", "problem"),
    [
        ("GetCapabilities", (200, BOMB), "answer is invalid"),
        ("GetCapabilities", (200, "<a>"), "answer is invalid"),
        ("GetCapabilities", (200, "<a/>" * 100_000), "answer is invalid"),
        ("GetCapabilities", (200, "<a/>"), "has no stream"),
        ("GetCapabilities", (302, "<!http://203.0.113.9/"), r"an error \(302\)"),
        ("GetCapabilities", (500, "<a/>"), r"an error \(500\)"),
        ("GetCapabilities", (401, ""), "is wrong"),
        ("GetProfiles", (200, "<a/>"), "has no stream"),
        ("GetStreamUri", (200, "<tt:Uri>file:///etc/passwd</tt:Uri>"), "has no stream"),
        ("GetStreamUri", (200, "<tt:Uri>rtsp://[</tt:Uri>"), "has no stream"),
    ],
)
def test_an_invalid_answer_is_an_error_of_one_line(
    message: str, answer: tuple[int, str], problem: str
) -> None:
    with serving(camera(answers={message: answer})) as eye, pytest.raises(InputError, match=problem) as error:
        streams(eye.service, "eye", PASSWORD)

    assert PASSWORD not in str(error.value)
    assert error.value.__cause__ is None


def test_without_the_time_of_the_camera_our_time_is_used() -> None:
    with serving(camera(answers={"GetSystemDateAndTime": (500, "<a/>")})) as eye:
        assert len(streams(eye.service, "eye", PASSWORD)) == 2


@pytest.mark.parametrize(
    "service", ["http://127.0.0.1:9/onvif", "ftp://127.0.0.1/", "", "http://127.0.0.1:x/"]
)
def test_no_answer_is_an_error(service: str) -> None:
    with pytest.raises(InputError):
        streams(service, "eye", PASSWORD)
