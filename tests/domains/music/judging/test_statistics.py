"""Traits and histograms of pieces, and the distances of sets of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from genapps_music.judging.statistics import (
    Histograms,
    divergence,
    entropy,
    features,
    gaps,
    histograms,
    scale_consistency,
    traits,
)
from genapps_music.judging.voices import voices_of
from genapps_music.score import QUARTER, Meter, Note, Part, Score

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def line(pitches: tuple[int, ...], length: int = QUARTER) -> Score:
    return Score((Part(tuple(Note(k * length, length, p) for k, p in enumerate(pitches))),))


def transposed(score: Score, by: int) -> Score:
    parts = (replace(one, notes=tuple(replace(n, pitch=n.pitch + by) for n in one.notes)) for one in score.parts)
    return replace(score, parts=tuple(parts))


def test_traits_of_a_scale() -> None:
    found = traits(line(SCALE))
    assert found.pitch_class_entropy == pytest.approx(-(6 * math.log2(1 / 8) / 8 + math.log2(2 / 8) * 2 / 8))
    assert found.scale_consistency == 1.0
    assert found.groove_consistency == 1.0
    assert found.empty_beat_rate == 0.0
    assert (found.polyphony, found.notes_per_quarter, found.mean_length) == (1.0, 1.0, 1.0)


def test_a_groove_that_differs_in_one_sixteenth_and_an_empty_beat() -> None:
    notes = [Note(t * QUARTER, QUARTER, 60) for t in range(8) if t != 5]
    found = traits(Score((Part(tuple(notes)),)))
    assert found.groove_consistency == pytest.approx(1 - 1 / 16)
    assert found.empty_beat_rate == pytest.approx(1 / 8)
    assert math.isnan(traits(line((60, 62))).groove_consistency)


def test_polyphony_counts_while_anything_sounds() -> None:
    score = Score((Part((Note(0, 960, 60), Note(480, 480, 64), Note(1920, 480, 60))),))
    assert traits(score).polyphony == pytest.approx(4 / 3)


@pytest.mark.parametrize("by", range(-5, 7))
def test_keys_move_with_the_piece_and_nothing_else_does(by: int) -> None:
    score = line((*SCALE, 60, 64, 67, 60), 240)
    classes = np.bincount([n.pitch % 12 for n in score.parts[0].notes], minlength=12)
    assert scale_consistency(np.roll(classes, by)) == scale_consistency(classes)
    one, other = (features(traits(s), histograms(voices_of(s))) for s in (score, transposed(score, by)))
    assert np.allclose(one, other)


def test_histograms_count_what_occurs() -> None:
    score = Score((Part((Note(0, 480, 67), Note(480, 240, 69)), "a"), Part((Note(0, 720, 60),), "b")))
    found = histograms(voices_of(score))
    assert found.intervals[13 + 2] == found.intervals.sum() == 1
    assert found.chords[1 << 6] == 1.0  # a fifth for a quarter
    assert found.chords[1 << 8] == 0.5  # a sixth for half of one
    assert found.lengths.sum() == 3
    assert found.degrees.sum() == 3
    nothing = histograms(voices_of(Score(())))
    assert nothing == Histograms(*(pytest.approx(getattr(nothing, kind) * 0) for kind in
                                   ("degrees", "intervals", "lengths", "chords")))  # fmt: skip


def test_divergence_is_a_distance_between_0_and_1() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        p, q = generator.random(9) * (generator.random(9) < 0.6), generator.random(9)
        found = divergence(p, q)
        assert found == pytest.approx(divergence(q, p))
        assert math.isnan(found) if not p.sum() else 0 <= found <= 1
        assert divergence(q, 3 * q) == pytest.approx(0, abs=1e-12)
    assert divergence(np.array([1.0, 0.0]), np.array([0.0, 2.0])) == pytest.approx(1.0)
    assert entropy(np.ones(8)) == pytest.approx(3.0)


def test_gaps_are_those_of_scipy() -> None:
    from scipy.stats import ks_2samp

    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(30, 3)).round(1), generator.normal(0.5, 1, (20, 3)).round(1)
    a[4, 1] = np.nan
    assert gaps(a, b)[[0, 2]] == pytest.approx([ks_2samp(a[:, k], b[:, k]).statistic for k in (0, 2)])
    assert gaps(a, b)[1] == pytest.approx(ks_2samp(np.delete(a[:, 1], 4), b[:, 1]).statistic)


def test_a_piece_without_notes_has_no_traits() -> None:
    with pytest.raises(ValueError, match="without notes"):
        traits(Score((Part((Note(0, 480, 36),), drums=True),)))


def test_bars_of_different_meters_are_not_compared() -> None:
    score = replace(line((60,) * 7), meters=(Meter(0, 4, 4), Meter(4 * QUARTER, 3, 4)))
    assert math.isnan(traits(score).groove_consistency)
