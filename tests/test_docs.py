"""What can be typed is written down, and what is written down runs.

Invariant: no page is trusted; each is held against the program.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import av
import numpy as np
import pytest
from pydantic import BaseModel
from tools import docs_site

import passerby
from passerby.config import site, site_schema

ROOT = Path(__file__).parent.parent


@pytest.mark.process
def test_every_command_and_option_is_documented() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "tools/document_cli.py"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout

    assert "passerby count" in printed
    assert (ROOT / "docs/reference/cli.md").read_text() == printed, (
        "docs/reference/cli.md is stale: run make docs"
    )


def page(name: str) -> str:
    path = ROOT / name
    if not path.is_file():
        pytest.skip(f"{name} is not written yet")
    return path.read_text()


def site_keys() -> set[str]:
    """Every key that a site file can hold, as its models name it."""
    models = [
        kind for kind in vars(site_schema).values() if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def test_every_setting_of_a_site_file_is_documented() -> None:
    text = page("docs/reference/site.md")

    assert {"rho", "from", "lines"} <= site_keys()
    assert [key for key in sorted(site_keys()) if f"`{key}`" not in text] == []


def glossary_order(term: str) -> str:
    """What terms are sorted by: their letters and digits."""
    return re.sub(r"[^a-z0-9]", "", term.casefold())


def test_the_glossary_has_one_entry_for_each_term_in_alphabetical_order() -> None:
    terms = re.findall(r"^### (.+)$", page("docs/reference/glossary.md"), re.MULTILINE)

    assert len(terms) > 100
    assert len(set(terms)) == len(terms)
    assert [glossary_order(term) for term in terms] == sorted(glossary_order(term) for term in terms)


def test_every_public_name_is_in_the_glossary() -> None:
    text = page("docs/reference/glossary.md")

    assert [n for n in passerby.__all__ if f"`{n}`" not in text and f"`passerby.{n}`" not in text] == []


def test_every_public_name_has_a_docstring_and_an_entry_in_the_python_reference() -> None:
    assert list(docs_site.undocumented_names(page(f"docs/{docs_site.PYTHON_PAGE}"))) == []


def test_every_key_of_a_site_file_is_in_the_glossary() -> None:
    text = page("docs/reference/glossary.md")

    assert [key for key in sorted(site_keys()) if f"`{key}`" not in text] == []


def test_no_page_has_a_dead_link_to_a_file() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    assert len(pages) > 30
    assert [
        mistake
        for path in pages
        for mistake in docs_site.dead_links(
            path, ROOT / "docs" if "docs" in path.relative_to(ROOT).parts else ROOT
        )
    ] == []


def test_every_page_of_the_documentation_is_in_its_navigation() -> None:
    nav = tomllib.loads(page("zensical.toml"))["project"]["nav"]

    assert list(docs_site.navigation_mistakes(ROOT / "docs", nav)) == []


RETIRED = re.compile(r"passerby simulate(?!-)|--without|(?<!number )\bplates?\b|\bsavings\b", re.IGNORECASE)
"""Names that earlier versions used; a line may mention one beside the word "earlier"."""


def test_pages_use_no_retired_name() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    assert RETIRED.findall("a plate, number plates, --without x, passerby simulate-camera") == [
        "plate",
        "--without",
    ]
    assert [
        f"{path.relative_to(ROOT)}: {line}"
        for path in pages
        for line in path.read_text().splitlines()
        if RETIRED.search(line) and "earlier" not in line.casefold() and path.name != "cli.md"
    ] == []


def test_pages_name_only_files_that_exist() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in pages
        for name in re.findall(r"`((?:src/)?(?:passerby|tests|tools|deploy)/[\w/.-]*)`", path.read_text())
    }

    assert len(named) > 20
    assert [
        f"{path}: {name}"
        for path, name in sorted(named)
        if not (ROOT / name).exists() and not (ROOT / "src" / name).exists()
    ] == []


def yaml_blocks() -> list[tuple[str, str]]:
    """Every site file on a page, beside the name of the page."""
    return [
        (page.relative_to(ROOT).as_posix(), block)
        for page in sorted((ROOT / "docs").rglob("*.md"))
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        if "cameras:" in block
    ]


@pytest.mark.parametrize("block", [pytest.param(block, id=name) for name, block in yaml_blocks()])
def test_site_files_on_pages_have_no_mistake(block: str, tmp_path: Path) -> None:
    assert site.parse(block, tmp_path / "site.yaml").cameras


def test_the_tutorial_and_the_site_file_page_show_a_site_file() -> None:
    assert {"docs/tutorial/index.md", "docs/reference/site.md"} <= {name for name, _ in yaml_blocks()}


def make_recording(path: Path) -> None:
    """Three seconds in which something dark goes from left to right."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(30):
            image = np.full((180, 320, 3), 160, np.uint8)
            image[80:140, number * 10 : number * 10 + 24] = 30
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def python_blocks() -> dict[str, list[str]]:
    """Every Python snippet on a page, by the name of the page."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    blocks = {
        path.relative_to(ROOT).as_posix(): re.findall(
            r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL
        )
        for path in pages
    }
    return {name: found for name, found in blocks.items() if found}


@pytest.mark.process
@pytest.mark.parametrize("name", python_blocks())
def test_python_on_a_page_runs(name: str, tmp_path: Path) -> None:
    snippets = python_blocks()[name]

    for recording in set(re.findall(r'"([\w-]+\.mp4)"', "".join(snippets))):
        make_recording(tmp_path / recording)
    for snippet in snippets:
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", snippet],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr


def test_the_readme_and_the_python_reference_show_python() -> None:
    assert {"README.md", "docs/reference/python.md"} <= set(python_blocks())
