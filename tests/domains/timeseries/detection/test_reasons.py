"""Sentences that say why an event is one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genapps_timeseries.detection.kinds import KINDS
from genapps_timeseries.detection.reasons import Course, is_usual, number, sentence, span

UP = Course("temperature", np.array([70.0, 81.23, 71.0]), np.array([64.0, 65.0, 66.0]), 1.0, "15 min", swings=(7, 3))


def test_each_kind_has_its_words() -> None:
    said = {kind: sentence(kind, UP) for kind in KINDS}
    assert said["spike"] == "temperature jumped to 81.2 where 62–68 is normal"
    assert (
        said["level shift"] == "temperature was about 9.1 higher than normal for 15 min: 70–81.2 where 62–68 is normal"
    )
    assert said["trend"] == "temperature drifted up to 81.2 within 15 min where 62–68 is normal"
    assert said["frequency"] == "temperature swung faster than usual for 15 min: 7 turns where 3 are normal"
    assert said["flatline"] == "temperature stood still at 71 for 15 min"
    assert said["missing"] == "temperature had no value for 15 min"
    assert said["gap"] == "no rows came for 15 min"
    assert said["shape"] == "temperature ran an unusual course for 15 min, at worst 81.2 where 65 is normal"
    assert (
        sentence("noise", replace(UP, rougher=3e7))
        == "temperature was more than 100 times as noisy as usual for 15 min"
    )
    assert len(set(said.values())) == len(KINDS)
    down = replace(UP, values=2 * UP.usual - UP.values)
    assert sentence("spike", down).startswith("temperature dropped to 48.8 where")
    assert "lower" in sentence("level shift", down)


def test_other_channels_constants_and_switches_are_named() -> None:
    assert sentence("spike", UP, 1).endswith(", with 1 more channel")
    assert sentence("spike", UP, 3).endswith(", with 3 more channels")
    assert sentence("level shift", replace(UP, constant=5.0)).endswith("where it had always been 5")
    assert sentence("shape", replace(UP, role="binary")) == "temperature switched in an unusual way for 15 min"
    assert sentence("spike", replace(UP, name="x\n" + "y" * 90)).startswith("x yyy")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(81.234, 1.0, "81.2"), (81.234, 0.01, "81.234"), (1234.5, 30.0, "1,234"), (-0.5, 0.1, "-0.5"), (2e9, 5.0, "2B")],
)
def test_numbers_are_as_exact_as_they_need_be(value: float, unit: float, said: str) -> None:
    assert number(value, unit) == said


def test_ranges() -> None:
    assert span(np.array([1.0, np.nan, 3.0]), 0.5) == "1–3"
    assert span(np.array([-3.0, 1.0]), 0.5) == "-3 to 1"
    assert span(np.array([2.0, 2.0]), 0.5) == "2"


def test_what_is_as_usual_is_not_said_to_be_strange() -> None:
    calm = replace(UP, values=UP.usual + 0.01)
    assert is_usual(calm.values, calm.usual, calm.unit), "so it is told as a shape, neither a spike nor a trend"
    assert not is_usual(UP.values, UP.usual, UP.unit)
    assert sentence("shape", calm) == "temperature ran an unusual course for 15 min, within its usual values"
    far = replace(UP, usual=np.array([60.0, 65.0, 100.0]))  # 81 is usual, but not at that time
    assert is_usual(far.values, far.usual, far.unit)
    assert sentence("shape", far).endswith("at worst 71 where 100 is normal")
    assert "–" not in sentence("level shift", far)
