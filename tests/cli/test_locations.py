"""Where a site keeps its store, its ledger and its state: the option, else the site file, else the default.

Invariant: a ledger that an earlier version made is found again, so that nothing is paid for twice.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from passerby.cli import command
from passerby.cli.database import store_of
from passerby.cli.ledger import LedgerOptions, ledger_of
from passerby.cli.run import state_of
from passerby.config.site import Site, load

SITE = "site: {name: quay, timezone: UTC}\ncameras: {north: {}}\n"
NOTHING = LedgerOptions(None, None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a site file that names nothing, and a user's data folder without a ledger."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("PASSERBY_LEDGER", raising=False)
    monkeypatch.delenv("PASSERBY_DATABASE", raising=False)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/site.yaml").write_text(SITE)
    return tmp_path


def site(folder: Path, keys: str = "") -> Site:
    (folder / "site/site.yaml").write_text(SITE + keys)
    return load(folder / "site/site.yaml")


def users_ledger(folder: Path) -> Path:
    path = folder / "data/passerby/ledger.db"
    path.parent.mkdir(parents=True)
    return path


def test_an_option_comes_before_the_site_file_and_that_before_the_default(folder: Path) -> None:
    bare, named = site(folder), site(folder, "store: s.db\nledger: l.db\nmark: l.mark\nstate: run\n")

    assert store_of(None, None) == store_of(None, bare) == "releases.db"
    assert store_of(None, named) == str(folder / "site/s.db")
    assert store_of("other.db", named) == "other.db"
    assert state_of(bare, None) == folder / "site/site.yaml.run"
    assert state_of(named, None) == folder / "site/run"
    assert state_of(named, Path("other")) == Path("other")
    of_site = ledger_of(NOTHING, named, create=False)
    assert (of_site.where, of_site.mark) == (str(folder / "site/l.db"), folder / "site/l.mark")
    given = ledger_of(LedgerOptions("other.db", Path("other.mark")), named, create=False)
    assert (given.where, given.mark) == ("other.db", Path("other.mark"))


def test_the_ledger_lies_beside_the_site_by_default_and_without_a_site_in_the_users_folder(
    folder: Path,
) -> None:
    assert ledger_of(NOTHING, site(folder), create=True).where == str(folder / "site/ledger.db")
    assert not (folder / "data").exists()
    assert ledger_of(NOTHING, None, create=True).where == str(folder / "data/passerby/ledger.db")
    assert (folder / "data/passerby").is_dir()


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db.mark"])
def test_a_ledger_that_an_earlier_version_made_in_the_users_folder_stays_in_use_with_a_warning(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = users_ledger(folder)
    ledger.with_name(name).touch()

    assert ledger_of(NOTHING, site(folder), create=True).where == str(ledger)
    assert f"warning: the ledger is {ledger}; name it in" in capsys.readouterr().err

    (folder / "site" / name).touch()
    assert ledger_of(NOTHING, site(folder), create=True).where == str(folder / "site/ledger.db")
    assert capsys.readouterr().err == ""


def test_commands_without_a_site_file_take_one_as_an_option(folder: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")
    site(folder, "store: s.db\n")
    made = CliRunner().invoke(command, ["db", "upgrade", "--site", str(folder / "site/site.yaml")])

    assert made.exit_code == 0, made.stderr
    assert (folder / "site/s.db").is_file()
