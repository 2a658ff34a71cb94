"""The tool that measures how a checkout is built: rooms, arrows, circles, floors, functions, sentences."""

from pathlib import Path

import pytest
from tools.structure import (
    MOST_LINES,
    MOST_PARAMETERS,
    ROOT,
    Structure,
    circles,
    floors,
    measure,
    report,
    sentence_words,
)

FILES = {
    "README.md": "# No sentence\n\nThree short words. And five words in `this code`!\n",
    "docs/a.md": "",
    "src/passerby/__init__.py": "from passerby.loose import value\n",
    "src/passerby/loose.py": '"""Text."""\n\n# Why.\nvalue = 1\n',
    "src/passerby/upper/__init__.py": "",
    "src/passerby/upper/a.py": "from passerby.upper import b\nfrom passerby.lower.deep.c import run\n",
    "src/passerby/upper/b.py": "import passerby.loose\n\n\ndef late(x, *, y):\n    from passerby.upper import a\n",
    "src/passerby/lower/__init__.py": "",
    "src/passerby/lower/deep/__init__.py": "",
    "src/passerby/lower/deep/c.py": "class C:\n    def run(self, *many):\n        pass\n",
    "src/passerby/lower/plain/d.py": "from passerby import loose\n",
}


def _checkout(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_checkout_is_measured(tmp_path: Path) -> None:
    structure = measure(_checkout(tmp_path))
    assert structure.loose == ("loose",)
    assert structure.rooms == {
        "passerby.loose": set(),
        "passerby.lower": {"passerby.loose"},
        "passerby.lower.deep": set(),
        "passerby.upper": {"passerby.loose", "passerby.lower.deep"},
    }
    assert circles(structure.rooms) == []
    assert circles(structure.modules) == [["passerby.upper.a", "passerby.upper.b"]]
    assert floors(structure.rooms) == 2
    assert {(each.name, each.lines, each.parameters) for each in structure.functions} == {
        ("passerby.upper.b.late", 2, 2),
        ("passerby.lower.deep.c.run", 2, 1),
    }
    assert structure.words == {"README.md": (3, 5), "docs/a.md": ()}
    assert "loose modules            1: loose" in list(report(structure))


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a checkout"):
        measure(tmp_path)


def test_a_circle_is_one_floor() -> None:
    graph = {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []}
    assert circles(graph) == [["b", "c"]]
    assert floors(graph) == 3


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("One two.\nThree four five? Six.", [2, 3, 1]),
        ("- one two\n- three\n  four", [2, 2]),
        ("1. one\n2. two three", [1, 2]),
        ("one two\n\n```\nnot this. Nor this.\n```\n\nthree", [2, 1]),
        ("one two\n\n    not this\n", [2]),
        ("| a | b |\n|---|---|\n| c | d |\n", []),
        ("See [the page](a/b.md) — `x = 1; y = 2`, at 1.5 times.", [7]),
        ("# Title\ntext", [1]),
    ],
)
def test_words_of_sentences_are_counted(markdown: str, expected: list[int]) -> None:
    assert list(sentence_words(markdown)) == expected


MODULES_AT_THE_TOP = {"__main__", "chunk", "errors", "testing"}


@pytest.fixture(scope="module")
def checkout() -> Structure:
    """This checkout, measured."""
    return measure(ROOT)


def test_every_function_in_src_fits_on_one_screen_and_takes_few_parameters(checkout: Structure) -> None:
    functions = checkout.functions

    assert len(functions) > 1_000
    assert [each for each in functions if each.lines > MOST_LINES] == []
    assert [each for each in functions if each.parameters > MOST_PARAMETERS] == []


def test_few_modules_lie_outside_the_rooms(checkout: Structure) -> None:
    assert set(checkout.loose) == MODULES_AT_THE_TOP
