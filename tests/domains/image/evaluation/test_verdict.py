"""The words for figures: each sentence follows from a figure that can tell something."""

from __future__ import annotations

import pytest
import torch

from genapps.report.measured import Control, Measured
from genapps_image.evaluation.copies import Copies, Near
from genapps_image.evaluation.distances import Interval
from genapps_image.evaluation.verdict import Kernel, verdict

SAME = Kernel(Interval(0.0, -1.0, 1.0), Interval(0.0, -1.0, 1.0), "fd")


def words(
    recall: tuple[float, float], coverage: tuple[float, float] = (0.9, 0.95), trivial: float = 0.0
) -> tuple[str, str]:
    """The verdict for recall and coverage (made, held-out real) where all else is as of real images.

    trivial: what Gaussian pixels reach of each.
    """
    figures = {"precision": (0.9, 0.9), "recall": recall, "coverage": coverage, "fd": (1.0, 1.0)}
    measures = [
        Measured(
            key, key, "higher", made, (Control("ceiling", "held-out real", real), Control("floor", "none", trivial))
        )
        for key, (made, real) in figures.items()
    ]
    apart = Near(torch.arange(100), torch.ones(100))
    found = verdict(measures, SAME, [], Copies(0.01, 0.01, 100, 0.5, apart))
    return found.level, found.text


def test_a_low_recall_is_told_where_real_images_have_a_high_one() -> None:
    level, text = words((0.1, 0.9))
    assert level == "poor"
    assert "miss most kinds (recall 0.10, held-out real 0.90)" in text


@pytest.mark.parametrize("made", [0.0, 0.002])
def test_a_recall_that_real_images_have_no_more_of_accuses_nobody(made: float) -> None:
    level, text = words((made, 0.002))
    assert level == "good"
    assert "reach all kinds (coverage 0.90" in text


def test_where_no_figure_tells_nothing_is_claimed() -> None:
    level, text = words((0.0, 0.002), (0.0, 0.01))
    assert level == "usable"
    assert "cannot be judged by coverage and recall" in text


def test_where_gaussian_pixels_reach_as_much_nothing_is_claimed() -> None:
    level, text = words((0.9, 0.9), (0.9, 0.9), trivial=1.0)
    assert level == "usable"
    assert "cannot be judged by precision" in text
