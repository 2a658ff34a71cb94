"""Who may sign in: invitations once, passwords as hashes, the last operator stays.

Invariant: what is kept is read from the file; no password and no token stands in it.
"""

from pathlib import Path

import pytest

pytest.importorskip("argon2", reason="argon2 is not installed: pip install 'passerby[console]'")

from passerby.console.users import INVITED_MS, Users
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
    users.take_up(token, "Ada", PASSWORD, NOW)
    return users


def test_the_first_token_makes_one_operator_and_is_worth_nothing_after(path: Path) -> None:
    users = Users(path)
    token = users.first_token()
    assert token is not None
    with pytest.raises(InputError, match="12 to 128"):
        users.take_up(token, "Ada", "short", NOW)

    ada = users.take_up(token, "Ada", PASSWORD, NOW)

    assert ada.role == "operator"
    with pytest.raises(InputError, match="not valid any more"):
        users.take_up(token, "Eve", PASSWORD, NOW)
    assert users.first_token() is None
    assert Users(path).right("Ada", PASSWORD) == ada


def test_the_file_holds_no_password_and_no_token(path: Path, users: Users) -> None:
    token = users.invite("Bo", "viewer", NOW)

    text = path.read_text()

    assert PASSWORD not in text
    assert token not in text
    assert "$argon2id$" in text
    assert path.stat().st_mode & 0o077 == 0


def test_a_wrong_password_and_a_name_that_is_none_are_the_same(users: Users) -> None:
    assert users.right("Ada", PASSWORD + "r") is None
    assert users.right("Eve", PASSWORD) is None
    users.invite("Bo", "viewer", NOW)
    assert users.right("Bo", "") is None


def test_an_invitation_is_for_one_role_and_a_day(users: Users) -> None:
    token = users.invite("Bo", "viewer", NOW)
    late = users.invite("Cy", "viewer", NOW)

    assert users.take_up(token, "Mallory", PASSWORD, NOW + INVITED_MS - 1).name == "Bo"
    with pytest.raises(InputError, match="not valid any more"):
        users.take_up(late, "Cy", PASSWORD, NOW + INVITED_MS)
    with pytest.raises(InputError, match="there is one already"):
        users.invite("Bo", "operator", NOW)


def test_the_last_operator_stays(users: Users) -> None:
    users.take_up(users.invite("Bo", "viewer", NOW), "Bo", PASSWORD, NOW)
    users.invite("Cy", "operator", NOW)

    with pytest.raises(InputError, match="the last operator"):
        users.remove("Ada")

    users.remove("Bo")
    assert users.known("Bo") is None


@pytest.mark.parametrize("text", ["", "[]", '{"users": [{"name": 1}]}', '{"users": [{"x": "y"}]}'])
def test_a_file_that_is_none_is_refused(path: Path, text: str) -> None:
    path.write_text(text)

    with pytest.raises(InputError, match=r"users\.json: could not be read"):
        Users(path)


def test_another_password_is_chosen_and_kept(path: Path, users: Users) -> None:
    with pytest.raises(InputError, match="12 to 128"):
        users.choose("Ada", "short")
    users.choose("Ada", "seven sleepy herons")

    assert users.right("Ada", PASSWORD) is None
    again = Users(path).right("Ada", "seven sleepy herons")
    assert again is not None
    assert again.role == "operator"
    users.invite("Bo", "viewer", NOW)
    for name in ("Bo", "Eve"):
        with pytest.raises(InputError, match="there is none"):
            users.choose(name, PASSWORD)
