"""A typed address gets the user and the password that are typed beside it."""

import pytest

pytest.importorskip("nicegui", reason="NiceGUI is not installed: pip install 'passerby[console]'")

from passerby.console.pages.add_camera import with_user
from passerby.errors import InputError


@pytest.mark.parametrize(
    ("address", "user", "password", "expected"),
    [
        ("rtsp://camera/s", "", "", "rtsp://camera/s"),
        ("rtsp://camera/s", "", "unused", "rtsp://camera/s"),
        ("rtsp://camera/s@1", "eye", "word", "rtsp://eye:word@camera/s@1"),
        ("rtsp://camera:554/s", "e@ye", "a/b:c@d %", "rtsp://e%40ye:a%2Fb%3Ac%40d%20%25@camera:554/s"),
        ("rtsp://camera/s", "eye", "${CAMERA}", "rtsp://eye:${CAMERA}@camera/s"),
        ("rtsp://camera/s", "eye", "${CAMERA}!", "rtsp://eye:%24%7BCAMERA%7D%21@camera/s"),
        ("no address", "eye", "word", "no address"),
    ],
)
def test_user_and_password_are_put_into_the_address(
    address: str, user: str, password: str, expected: str
) -> None:
    assert with_user(address, user, password) == expected


def test_an_address_that_contains_a_user_takes_no_other() -> None:
    with pytest.raises(InputError, match="already contains a user") as error:
        with_user("rtsp://me:secret@camera/s", "eye", "word")
    assert "secret" not in str(error.value)
