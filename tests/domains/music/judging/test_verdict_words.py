"""What the verdict says of rules: for sure, perhaps, or not at all, and never good where chance does as well."""

from __future__ import annotations

from math import nan

import pytest

from genapps_music.judging.rules import Rate
from genapps_music.judging.verdict import verdict

NONE = Rate(0.0, 0.0, 0.0, 0, 1000)


def told(rule: str, made: Rate, real: Rate, floor: Rate, pieces: int = 12) -> tuple[str, str]:
    rates = {name: {"made": NONE, "reference": NONE, "real": NONE, "floor": NONE} for name in ("parallels", rule)}
    rates[rule] = {"made": made, "reference": real, "real": real, "floor": floor}
    found = verdict(rates, (), (), pieces)
    return found.level, found.text


@pytest.mark.parametrize("rule", ["parallels", "crossing", "spacing", "leap", "range"])
def test_a_rate_as_bad_as_chance_is_never_good(rule: str) -> None:
    level, text = told(rule, Rate(0.81, 0.1, 1.6, 6, 740), Rate(0.19, 0.0, 0.3, 2, 1000), Rate(0.75, 0.4, 1.1, 7, 930))
    assert level == "usable"
    assert "0.81 in 100 changes, real pieces 0.19 and independent notes 0.75" in text
    assert "12 pieces are too few to tell" in text
    assert "as well as by real" not in text


@pytest.mark.parametrize("rule", ["parallels", "crossing", "spacing", "leap", "range"])
def test_what_is_broken_far_more_often_is_not_good_though_chance_could_do_it(rule: str) -> None:
    level, text = told(
        rule, Rate(5.88, nan, nan, 2, 34), Rate(2.02, 1.18, 2.78, 40, 2000), Rate(12.0, 10, 14, 99, 990), 1
    )
    assert level == "usable"
    assert "one piece is too few to tell" in text
    assert "independent" not in text


def test_a_little_more_than_real_is_as_well_as_real() -> None:
    level, text = told(
        "crossing", Rate(1.5, 1.0, 2.0, 15, 1000), Rate(1.4, 1.1, 1.7, 14, 1000), Rate(12, 10, 14, 99, 990)
    )
    assert level == "good"
    assert "kept as well as by real pieces" in text


def test_what_chance_does_not_explain_is_said_outright() -> None:
    level, text = told("range", Rate(5.0, 4.0, 6.0, 50, 1000), Rate(0.0, 0.0, 0.0, 0, 1000), NONE)
    assert (level, "perhaps" in text) == ("poor", False)
    assert "more notes out of range 5.00" in text
