"""What axe-core finds on a page, where it is installed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(sys.prefix) / "node_modules/axe-core/axe.min.js"


def serious(page: "Page") -> list[str]:
    """What axe-core finds that is serious or critical."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: tools/install_node_packages FOLDER_OF_THE_VENV")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 10
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
