"""The tool behind docs/explanation/accuracy.md: figures become tables and a picture, and none is lost."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from tools.accuracy import chart, report
from tools.accuracy.left_out import LeftOut, Sample, fitted
from tools.accuracy.streets import BASE, LONG, LONG_S, SEEDS, SETTINGS, Point, Result, points

from passerby import synth

FOUND: report.Measured = {
    "motion": {point: Result(10, 2, 1, 1, 0) for point in points()},
    "a model": {point: Result(0, 0, 3, 0, 3) for point in points()},
}


def test_every_curve_changes_one_setting_of_one_street() -> None:
    for point in points():
        street = point.street
        changed = {
            name
            for name in ("width", "height", "fps", "density", "scale", "contrast", "rain", "shake_px", "crf")
            if getattr(street, name) != getattr(BASE, name)
        }
        larger = {"height": {"scale", "width", "height"}, "density_hd": {"density", "width", "height"}}
        assert changed <= larger.get(point.curve, {point.curve})
        assert street.duration_s == (LONG_S if point.curve in LONG else BASE.duration_s)


def test_every_street_has_a_line_to_count_at() -> None:
    assert all(synth.lines(point.street) for point in points())


def test_every_street_is_drawn_from_its_own_seed() -> None:
    each = {curve: [p for p in points() if p.curve == curve] for curve in SETTINGS}
    for curve, listed in each.items():
        seeds = SEEDS[:1] if curve in LONG else SEEDS
        assert {(p.value, p.seed) for p in listed} == {(v, seed) for v in SETTINGS[curve] for seed in seeds}
        assert len(listed) == len(set(listed))


def test_errors_are_added_and_never_cancel() -> None:
    both = report.total([Result(10, 2, 0, 0, 0), Result(10, 0, 2, 0, 2)])
    assert (report.by_class(both), report.alike(both)) == pytest.approx((0.8, 0.9))


def test_tables_have_a_row_for_each_value_and_detector() -> None:
    rows = [line for line in report.streets(FOUND) if line.startswith("|") and "motion" in line]
    assert len(rows) == sum(len(values) for values in SETTINGS.values())
    once, twice = (f"| {n * 10} | {n * 2} | {n} | **0.70** | 0.70 | {n} | 0 | 0.90 |" for n in (1, 2))
    assert sum(once in row for row in rows) == sum(len(SETTINGS[curve]) for curve in LONG)
    assert all(once in row or twice in row for row in rows)


def test_a_part_that_is_not_measured_stays_as_it_was(tmp_path: Path) -> None:
    document = tmp_path / "accuracy.md"
    document.write_text(
        "a\n<!-- clips -->\nold\n<!-- /clips -->\nb\n<!-- streets -->\nkept\n<!-- /streets -->\n"
    )
    report.write("clips", ["new"], document)
    assert document.read_text() == (
        "a\n<!-- clips -->\nnew\n<!-- /clips -->\nb\n<!-- streets -->\nkept\n<!-- /streets -->\n"
    )


def test_the_picture_is_xml_and_draws_every_curve_within_its_bounds() -> None:
    told = ElementTree.fromstring(chart.svg(FOUND))
    text = " ".join(told.itertext())
    assert all(str(value) in text for values in SETTINGS.values() for value in values)
    wide, high = (float(side) for side in told.attrib["viewBox"].split()[2:])
    assert (wide, high) == (3 * chart.WIDE, 3 * chart.HIGH)


def test_a_point_is_known_by_its_curve_value_and_seed() -> None:
    assert Point("rain", 0.5, 21).street.rain == 0.5
    assert Point("height", 108, 21).street.scale == pytest.approx(2)
    assert Point("height", 216, 21).street.scale == pytest.approx(2)


def sample(kind: int, pace: float, aspect: float, says: int) -> Sample:
    votes = np.zeros(3)
    votes[says] = 4
    return Sample("clip", kind, votes, np.zeros(3), pace, aspect)


def test_tables_of_evidence_are_fitted_to_samples() -> None:
    """Medians of paces and proportions, mean shares of votes, and none of these below a hundredth."""
    samples = [
        *(sample(0, pace, 0.5, 0) for pace in (0.5, 0.6, 0.7)),
        *(sample(1, 2.0, 0.9, says) for says in (0, 1)),
        *(sample(2, 3.0, 2.0, 2) for _ in range(3)),
    ]
    params = fitted(samples)
    assert [round(median, 2) for median, _ in params.pace] == [0.68, 2.0, 3.0]
    assert [median for median, _ in params.aspect] == [0.5, 0.9, 2.0]
    assert params.said[1] == pytest.approx((0.495, 0.495, 0.0099), abs=0.001)
    assert all(sum(row) == pytest.approx(1) for row in params.said)
    assert params.shape[0] == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_left_out_scenes_are_a_row_for_each_detector() -> None:
    rows = list(report.left_out([LeftOut("motion", 0.68, 0.7, 0.86, (("a.mp4", 0.5), ("b.mp4", 0.9)))]))
    assert rows[-1] == "| motion | **0.680** | 0.700 | 0.860 | a 0.50 |"
