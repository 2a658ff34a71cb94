"""One release has one 95 % interval: the command line, the API and the public page print the same figure."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("opendp", reason="the extra `private` is not installed")
pytest.importorskip("sqlalchemy", reason="the extra `private` is not installed")
pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("vl_convert", reason="the extra `web` is not installed")

from starlette.testclient import TestClient

from passerby import synth
from passerby.cli import command
from passerby.config.site import load
from passerby.domain.noise_interval import noise_95_of_release
from passerby.privacy import answers
from passerby.privacy.database import open_ledger
from passerby.publish.api import app as api
from passerby.publish.pages import app as pages
from passerby.publish.store.database import upgrade
from passerby.publish.store.releases import open_store

pytestmark = pytest.mark.slow

STREET = synth.Street(seed=5, duration_s=6.0, width=128, height=72, fps=12.5, density="dense", parked=0)
SITE = """
site: {name: quay, timezone: UTC}
cameras:
  north:
    detector: motion
    lines:
      gate: {from: [0.5, 0], to: [0.5, 1], names: [in, out], count: [person], corridor: 0.15}
    privacy: {rho: 4s, k: 2, epsilon: 0.3, chunk: 6s, warmup: 2s, clip: 1, every: 15m}
"""


def printed(*words: str | Path) -> str:
    done = CliRunner().invoke(command, [str(word) for word in words], prog_name="passerby")
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_one_release_has_one_figure_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PASSERBY_LEDGER", "ledger.db")
    site, video, database = tmp_path / "site.yaml", tmp_path / "street.mp4", tmp_path / "releases.db"
    site.write_text(SITE)
    synth.write(STREET, video)

    released = json.loads(printed("count", video, "--private", "--site", site, "--format", "json"))[
        "releases"
    ]
    (row,) = (one for one in released if one["direction"] == "in" and one["level"] == "bin")
    figure = row["noise_95"]
    assert figure == noise_95_of_release(row["noise_scale"])

    asked = printed("ask", site, "--line", "gate", "--from", "2026-06-01T08:00", "--to", "2026-06-01T08:15")
    (answer,) = (line for line in asked.splitlines() if re.search(r" gate +in +person ", line))
    assert re.search(rf" {row['value']} +± {figure}\b", answer)

    ledger = open_ledger(tmp_path / "ledger.db")
    bins, _ = answers.released(ledger, "north", "gate")
    ledger.close()
    upgrade(database)
    store = open_store(database, "UTC")
    store.write(bins, "bin")
    store.close()

    served = api.create_app(database, public=True)
    (of_api,) = TestClient(served).get("/v1/releases", params={"direction": "in"}).json()["rows"]
    served.state.lazy_store.close()
    assert (of_api["value"], of_api["noise_95"]) == (row["value"], figure)

    public = TestClient(pages.create_app(load(site), database))
    chosen = "direction=in&label=person&from=2026-06-01&to=2026-06-01&resolution=bin&lang=en"
    page = public.get(f"/counts?{chosen}").text
    low, high = max(0, row["value"] - figure), max(0, row["value"]) + figure
    (shown,) = re.findall(r"08:00–08:15</th>.*?</tr>", page, re.DOTALL)
    assert f"{low:,} to {high:,}" in shown
