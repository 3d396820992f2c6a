"""The ranges of a model's voices: by name for a voice that is a part alone, else those of all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from genapps_music.grid import Layout, Voice
from genapps_music.judging.of_model import ranges_of


def test_ranges_are_those_that_the_model_keeps_to() -> None:
    voices = (Voice("Soprano", 50, 90), Voice("Piano", 30, 80, part=1), Voice("Piano", 30, 80, part=1))
    model: Any = SimpleNamespace(codec=SimpleNamespace(layout=Layout(4, voices), limits=((60, 81), (55, 76), (36, 60))))
    ranges = ranges_of(model)
    assert ranges.of(" soprano", 2, 3) == (60, 81)
    assert ranges.of("Piano 1", 1, 3) == (36, 81)
    assert ranges.source == "the model's voices"
