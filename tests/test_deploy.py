"""What is installed as a service: units and the container file name commands, options, folders and extras that exist.

Invariant: nothing is started; systemd itself reads the units where it is installed.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from passerby.cli import command as passerby

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "deploy").glob("*.service"))
PROGRAM = "/opt/passerby/bin/passerby"


def settings(unit: Path) -> dict[str, list[str]]:
    """Every setting of a unit, in order, whatever its section."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def command_of(words: list[str]) -> tuple[click.Command, dict[str, object]]:
    """The command that these words of a command line run, and what they give it. Raises what click raises."""
    command: click.Command = passerby
    context = click.Context(passerby)
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    return command, command.make_context(command.name, [*words]).params


def variables(command: click.Command) -> set[str]:
    return {
        one.envvar for one in command.params if isinstance(one, click.Option) and isinstance(one.envvar, str)
    }


def test_there_is_one_unit_for_each_process() -> None:
    assert [unit.name for unit in UNITS] == [
        "passerby-api@.service",
        "passerby-page@.service",
        "passerby@.service",
    ]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_exists_in_folders_of_its_own(unit: Path) -> None:
    found = settings(unit)

    known = {"PASSERBY_PORT"}
    for line in found["ExecStart"] + found.get("ExecStartPre", []):
        program, *words = shlex.split(line.removeprefix("-"))
        assert program == PROGRAM
        command, _ = command_of([word.replace("${PASSERBY_PORT}", "8000") for word in words])
        known |= variables(command)
    folders = [f"/var/lib/{folder}" for folder in found["StateDirectory"][0].split()]
    for line in found["Environment"]:
        name, _, value = line.partition("=")
        assert name in known
        assert name == "PASSERBY_PORT" or str(Path(value).parent) in folders


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_gives_up_what_it_does_not_need(unit: Path) -> None:
    found = settings(unit)

    assert found["User"] == ["passerby"]
    assert found["CapabilityBoundingSet"] == [""]
    for name in (
        "NoNewPrivileges",
        "ProtectHome",
        "PrivateTmp",
        "RestrictNamespaces",
        "ProtectKernelModules",
    ):
        assert found[name] == ["yes"]
    assert found["ProtectSystem"] == ["strict"]
    assert int(found["TimeoutStopSec"][0]) > 5
    # Exit code 2 is a mistake that starting again does not mend.
    assert found["RestartPreventExitStatus"] == ["2"]


def test_pictures_are_written_to_no_disk_by_the_system() -> None:
    found = settings(ROOT / "deploy/passerby@.service")

    assert (found["LimitCORE"], found["MemorySwapMax"]) == (["0"], ["0"])
    assert found["RuntimeDirectoryPreserve"] == ["yes"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_a_unit_without_a_word(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    text = unit.read_text().replace(PROGRAM, sys.executable)
    (tmp_path / unit.name).write_text(text)
    instance = tmp_path / unit.name.replace("@", "@quay")
    instance.write_text(text)

    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", instance],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    told = [line for line in (ran.stdout + ran.stderr).splitlines() if "passerby" in line]
    assert (ran.returncode, told) == (0, [])


# The container


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, each with its words."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/Containerfile").read_text())
    found: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, words = line.partition(" ")
            if name == "FROM":
                found.append([])
            found[-1].append((name, words))
    return found


def test_what_the_container_is_built_from_is_there_and_let_in() -> None:
    build, _ = stages()
    ignored = (ROOT / ".containerignore").read_text().splitlines()

    copied = [word for name, words in build if name == "COPY" for word in words.split()[:-1]]
    assert set(copied) == {"requirements.lock", "pyproject.toml", "README.md", "LICENSE", "src"}
    for word in copied:
        assert (ROOT / word).exists()
        assert f"!{word}" in ignored


def test_the_container_installs_by_hash_and_extras_that_exist() -> None:
    build, _ = stages()
    commands = " ".join(words for name, words in build if name == "RUN")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert "--require-hashes" in commands
    (extras,) = re.findall(r'"\.\[(.+?)\]"', commands)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert {"run", "web", "private"} <= set(extras.split(","))


def test_the_container_runs_as_nobody_special_and_what_it_runs_exists() -> None:
    _, final = stages()
    said = {name: words for name, words in final if name != "RUN"}
    user = said["USER"].split(":")[0]

    assert user.isdigit()
    assert int(user) > 0
    assert f"--uid {user}" in " ".join(words for name, words in final if name == "RUN")
    entry, words, health = (
        json.loads(said[name].partition("CMD ")[2] or said[name])
        for name in ("ENTRYPOINT", "CMD", "HEALTHCHECK")
    )
    assert entry == ["passerby"] == health[:1]
    run, given = command_of(words)
    status, _ = command_of(health[1:])
    assert (run.name, status.name, str(given["site"])) == ("run", "status", "/etc/passerby/site.yaml")
    named = dict(pair.partition("=")[::2] for pair in said["ENV"].split())
    assert {name for name in named if name.startswith("PASSERBY_")} == variables(run)
    assert all(
        value.startswith(said["VOLUME"]) for name, value in named.items() if name.startswith("PASSERBY_")
    )


def test_the_page_names_every_unit_and_where_things_lie() -> None:
    page = (ROOT / "docs/how-to/service.md").read_text()

    for unit in UNITS:
        assert f"{unit.name.partition('@')[0]}@" in page
    assert "StateDirectory=passerby/%i" in (text := (ROOT / "deploy/passerby@.service").read_text())
    assert "RuntimeDirectory=passerby/%i" in text
    assert "`/var/lib/passerby/NAME`" in page
    assert "`/run/passerby/NAME`" in page
