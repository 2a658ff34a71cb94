"""The keys of the site file for the public page: the operator, a plan, a check by hand."""

import re
from datetime import date
from pathlib import Path

import pytest

from passerby.config.site import Accuracy, PublicPage, parse
from passerby.errors import SiteError

TEXT = """\
site: {name: quay, timezone: Europe/Copenhagen}
page:
  operator: City of Havneby
  purpose: >
    To know where paths
    need more room.
  contact: counts@havneby.example
  url: https://counts.havneby.example/quay/
cameras:
  north:
    plan: plans/north.svg
    accuracy: {share: 0.943, day: 2026-10-01}
    lines:
      bridge: {from: [0.1, 0.5], to: [0.9, 0.5]}
"""
PATH = Path("sites/quay.yaml")


def test_all_keys_are_read() -> None:
    site = parse(TEXT, PATH)

    assert site.page == PublicPage(
        "City of Havneby",
        "To know where paths need more room.",
        "counts@havneby.example",
        "https://counts.havneby.example/quay/",
    )
    assert site.cameras[0].plan == Path("sites/plans/north.svg")
    assert site.cameras[0].accuracy == Accuracy(0.943, date(2026, 10, 1))


def test_no_key_is_required() -> None:
    site = parse("site: {name: quay, timezone: Europe/Copenhagen}\ncameras:\n  north: {}\n", PATH)

    assert site.page == PublicPage()
    assert (site.cameras[0].plan, site.cameras[0].accuracy) == (None, None)


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ("https://", "javascript:", "quay.yaml:8: page.url: found 'javascript:counts"),
        ("https://", "https://me@", "expected a web address such as https://counts.example.org/"),
        ("  operator: City of Havneby", "  operator: 7", "page.operator: found 7, expected a text"),
        ("  operator: City of Havneby", f"  operator: {'x' * 501}", "found 501 characters, expected at most 500"),
        ("  operator: City of Havneby", "  operater: x", "operater: found a key that is not known, expected operator"),
        ("north.svg", "north.jpg", "north.plan: found 'plans/north.jpg', expected the name of a PNG or SVG file"),
        ("0.943", "94.3", "accuracy.share: found 94.3, expected a share from 0 to 1"),
        ("0.943", "yes", "accuracy.share: found"),
        ("2026-10-01", "last week", "accuracy.day: found 'last week', expected a date such as 2026-11-23"),
        ("2026-10-01", "2026-10-01T10:00:00", "expected a date such as 2026-11-23"),
        (", day: 2026-10-01", "", "accuracy.day: found nothing, expected a date"),
        ("{share: 0.943, day: 2026-10-01}", "94 %", "cameras.north.accuracy: found '94 %', expected a mapping"),
        ("page:\n  operator: City of Havneby\n", "page: City\nx:\n", "page: found 'City', expected a mapping"),
    ],
)  # fmt: skip
def test_an_error_names_the_key(found: str, instead: str, message: str) -> None:
    assert found in TEXT
    with pytest.raises(SiteError) as refused:
        parse(TEXT.replace(found, instead), PATH)
    assert any(message in problem for problem in refused.value.problems), refused.value.problems


ARM = """\
site: {name: quay, timezone: Europe/Copenhagen}
cameras:
  north:
    lines:
      mill road: {from: [0.1, 0.5], to: [0.9, 0.5], names: [out, in], arm: Market Cross}
      path: {from: [0.1, 0.6], to: [0.9, 0.6]}
"""


def test_a_line_may_be_an_arm_of_a_junction() -> None:
    assert parse(ARM, PATH).cameras[0].arms == (("mill road", "Market Cross"),)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "arm: Market Cross",
            "lines.mill road: an arm of the junction 'Market Cross', expected its names to be",
        ),
        ("names: [in, west], arm: Market Cross", "expected its names to be [in, out] or [out, in]"),
        ("names: [in, out], arm: ''", "lines.mill road.arm: the name is empty"),
        ("names: [in, out], arm: [a]", "lines.mill road.arm: found"),
    ],
)
def test_an_invalid_arm_is_an_error(keys: str, message: str) -> None:
    with pytest.raises(SiteError, match=re.escape(message)):
        parse(ARM.replace("names: [out, in], arm: Market Cross", keys), PATH)


def test_naming_the_junction_of_a_line_begins_no_new_epoch() -> None:
    named, unnamed = (parse(text, PATH).cameras[0] for text in (ARM, ARM.replace(", arm: Market Cross", "")))

    assert named != unnamed
    assert named.lines == unnamed.lines
