"""What stands on the screen is never a false nought, and its interval holds what it should."""

from hypothesis import given
from hypothesis import strategies as st

from passerby.publish.pages.estimates import Figure
from passerby.publish.pages.languages import languages

ENGLISH = languages()["en"]
figures = st.builds(Figure, st.integers(-(10**6), 10**6), st.integers(1, 10**5))


@given(figures)
def test_a_figure_is_never_a_nought_nor_below(figure: Figure) -> None:
    assert figure.text(ENGLISH) not in ("0", "-0")
    assert not figure.text(ENGLISH).startswith("-")
    assert 0 <= figure.low <= figure.shown <= figure.high
    assert figure.high >= 1


@given(figures)
def test_the_interval_holds_all_counts_that_the_value_allows(figure: Figure) -> None:
    allowed = range(max(0, figure.value - figure.noise_95), max(0, figure.value + figure.noise_95) + 1)
    assert figure.low <= allowed[0]
    assert allowed[-1] <= figure.high


@given(figures)
def test_within_the_noise_is_told_as_fewer_than(figure: Figure) -> None:
    fewer = figure.text(ENGLISH).startswith("fewer than ")
    assert fewer == (figure.value - figure.noise_95 <= 0)
    if fewer:
        assert int(figure.text(ENGLISH).removeprefix("fewer than ").replace(",", "")) > figure.high


def test_figures_as_they_are_read() -> None:
    german = languages()["de"]
    assert Figure(1204, 44).text(ENGLISH) == "1,204"
    assert Figure(1204, 44).interval(ENGLISH) == "1,160 to 1,248"
    assert Figure(-20, 44).text(ENGLISH) == "fewer than 45"
    assert Figure(-20, 44).interval(german) == "0 bis 44"
    assert Figure(12_345, 44).text(german) == "12.345"
