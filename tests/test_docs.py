"""What can be typed is written down, and what is written down runs.

Law: no page is trusted; each is held against the program.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from passerby import site

ROOT = Path(__file__).parent.parent


def test_every_command_and_option_is_documented() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "tools/document_cli.py"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout

    assert "passerby count" in printed
    assert (ROOT / "docs/cli.md").read_text() == printed, "docs/cli.md is stale: run make docs"


def page(name: str) -> str:
    path = ROOT / name
    if not path.is_file():
        pytest.skip(f"{name} is not written yet")
    return path.read_text()


def site_keys() -> set[str]:
    """Every key that a site file can hold, as the models of site.py name it."""
    models = [kind for kind in vars(site).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def test_every_setting_of_a_site_file_is_documented() -> None:
    text = page("docs/site.md")

    assert {"rho", "from", "lines"} <= site_keys()
    assert [key for key in sorted(site_keys()) if f"`{key}`" not in text] == []
