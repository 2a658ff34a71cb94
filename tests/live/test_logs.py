"""The log: one line for each event, and no password in any of it."""

import json

import pytest

pytest.importorskip("structlog", reason="the extra `run` is not installed")

from hypothesis import given
from hypothesis import strategies as st

from passerby.live.supervisor.logs import logger

SECRET = "geheim-7391"
URL = f"rtsp://eye:{SECRET}@10.0.0.7/x"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_password_is_hidden_wherever_it_stands(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    log = logger(as_json=as_json)
    log.warning("store outage begins", problem=f"postgresql://passerby:{SECRET}@db/x cannot be used; {URL}")
    log.info(f"read {URL}", camera=URL, restarts=3)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert SECRET not in printed.err
    assert printed.err.count("\n") == 2
    assert "store outage begins" in printed.err


words = st.text(st.characters(codec="utf-8", exclude_characters=":/@"), max_size=20)


@given(before=words, user=words, after=words)
def test_a_line_is_json_whatever_is_told(before: str, user: str, after: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []

        class Err:
            def write(self, text: str) -> None:
                lines.append(text)

            def flush(self) -> None: ...

            def isatty(self) -> bool:
                return False

        patch.setattr("sys.stderr", Err())
        logger(as_json=True).warning(
            "refused", problem=f"{before} rtsp://eye:{SECRET}@host {after}", name=user
        )
    line = "".join(lines)
    assert line.count("\n") == 1
    assert json.loads(line)["event"] == "refused"
    assert SECRET not in line
