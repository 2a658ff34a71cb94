"""The public names: what stands here is promised, and a name that comes or goes is seen in a review."""

import passerby


def test_the_public_names_are_these() -> None:
    assert sorted(passerby.__all__) == [
        "BinCount",
        "Cost",
        "Counts",
        "Crossing",
        "Label",
        "Line",
        "PasserbyError",
        "TotalCount",
        "count",
    ]


def test_every_public_name_is_there() -> None:
    assert [name for name in passerby.__all__ if getattr(passerby, name, None) is None] == []
