"""The users of the console: invitations work once, passwords are hashed, the last operator stays.

Invariant: stored values are read from the file, which contains no password and no token.
"""

import json
from pathlib import Path

import pytest

pytest.importorskip("argon2", reason="argon2 is not installed: pip install 'passerby[console]'")

from argon2 import PasswordHasher

from passerby.console.users import INVITED_MS, User, Users
from passerby.errors import InputError

PASSWORD = "correct horse battery"
NOW = 1_790_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


@pytest.fixture
def users(path: Path) -> Users:
    users = Users(path)
    token = users.first_token()
    assert token is not None
    users.accept_invitation(token, "Ada", PASSWORD, NOW)
    return users


def test_the_first_token_makes_one_operator_and_is_then_invalid(path: Path) -> None:
    users = Users(path)
    token = users.first_token()
    assert token is not None
    with pytest.raises(InputError, match="12 to 128"):
        users.accept_invitation(token, "Ada", "short", NOW)

    ada = users.accept_invitation(token, "Ada", PASSWORD, NOW)

    assert ada.role == "operator"
    with pytest.raises(InputError, match="no longer valid"):
        users.accept_invitation(token, "Eve", PASSWORD, NOW)
    assert users.first_token() is None
    assert Users(path).with_password("Ada", PASSWORD) == ada


def test_the_file_holds_no_password_and_no_token(path: Path, users: Users) -> None:
    token = users.invite("Bo", "viewer", NOW)

    text = path.read_text()

    assert PASSWORD not in text
    assert token not in text
    assert "$argon2id$" in text
    assert path.stat().st_mode & 0o077 == 0


def test_a_wrong_password_and_an_unknown_name_have_the_same_result(users: Users) -> None:
    assert users.with_password("Ada", PASSWORD + "r") is None
    assert users.with_password("Eve", PASSWORD) is None
    users.invite("Bo", "viewer", NOW)
    assert users.with_password("Bo", "") is None


def test_an_invitation_is_for_one_role_and_a_day(users: Users) -> None:
    token = users.invite("Bo", "viewer", NOW)
    late = users.invite("Cy", "viewer", NOW)

    assert users.accept_invitation(token, "Mallory", PASSWORD, NOW + INVITED_MS - 1).name == "Bo"
    with pytest.raises(InputError, match="no longer valid"):
        users.accept_invitation(late, "Cy", PASSWORD, NOW + INVITED_MS)
    with pytest.raises(InputError, match="already exists"):
        users.invite("Bo", "operator", NOW)


def test_the_last_operator_stays(users: Users) -> None:
    users.accept_invitation(users.invite("Bo", "viewer", NOW), "Bo", PASSWORD, NOW)
    users.invite("Cy", "operator", NOW)

    with pytest.raises(InputError, match="is the last operator"):
        users.remove("Ada")

    users.remove("Bo")
    assert users.known("Bo") is None


@pytest.mark.parametrize("text", ["", "[]", '{"users": [{"name": 1}]}', '{"users": [{"x": "y"}]}'])
def test_an_invalid_file_is_refused(path: Path, text: str) -> None:
    path.write_text(text)

    with pytest.raises(InputError, match=r"users\.json: could not be read"):
        Users(path)


def test_a_changed_password_is_stored(path: Path, users: Users) -> None:
    with pytest.raises(InputError, match="12 to 128"):
        users.set_password("Ada", "short")
    users.set_password("Ada", "seven sleepy herons")

    assert users.with_password("Ada", PASSWORD) is None
    again = Users(path).with_password("Ada", "seven sleepy herons")
    assert again is not None
    assert again.role == "operator"
    users.invite("Bo", "viewer", NOW)
    for name in ("Bo", "Eve"):
        with pytest.raises(InputError, match="does not exist"):
            users.set_password(name, PASSWORD)


def test_users_of_an_earlier_version_can_sign_in(path: Path) -> None:
    hashed = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(PASSWORD)
    user = {"name": "Ada", "role": "operator", "hash": hashed, "invitation": "", "invited_until_ms": 0}
    path.write_text(json.dumps({"users": [user]}, indent=1) + "\n")

    users = Users(path)

    assert users.first_token() is None
    assert users.with_password("Ada", PASSWORD) == User("Ada", "operator", hashed)
