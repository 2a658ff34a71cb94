"""`passerby console` on the command line: errors have one line, and no other command loads its pages.

Invariant: the real command is run.
"""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

SITE = "site: {name: quay, timezone: UTC}\ncameras: {north: {}}\n"


def run(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "passerby", "console", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
    )


def test_a_site_file_with_mistakes_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE + "camera: {}\n")

    done = run("site.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "site.yaml:3: camera: found a key that is not known" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"site.yaml"}


@pytest.mark.parametrize("words", [("--host", "203.0.113.7"), ("--port", "taken"), ("--users", "site.yaml")])
def test_an_error_has_one_line(tmp_path: Path, words: tuple[str, str]) -> None:
    pytest.importorskip("nicegui", reason="NiceGUI is not installed: pip install 'passerby[console]'")
    (tmp_path / "site.yaml").write_text(SITE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        option, value = words
        value = str(taken.getsockname()[1]) if value == "taken" else value
        done = run("site.yaml", option, value, cwd=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert value in done.stderr.splitlines()[-1]


def test_no_other_command_loads_the_pages() -> None:
    program = "import sys, passerby.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"nicegui", "fastapi", "starlette", "uvicorn", "argon2"} & set(loaded.stdout.split())


def test_a_wrong_interface_is_an_error_of_one_line(tmp_path: Path) -> None:
    pytest.importorskip("nicegui", reason="NiceGUI is not installed: pip install 'passerby[console]'")
    (tmp_path / "site.yaml").write_text(SITE)

    done = run("site.yaml", "--interface", "eth0", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--interface eth0: expected an IPv4 address of this machine" in done.stderr
