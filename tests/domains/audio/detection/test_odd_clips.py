"""The judge finds what does not belong, when and where; its promise holds; it is the same after it was saved."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf

from genapps.errors import InputError, UsageError
from genapps.metrics.ranking import auroc
from genapps_audio.detection.judging import Judge, parted
from genapps_audio.detection.members import MEMBERS, Law, Near
from genapps_audio.detection.model import OddModel
from genapps_audio.detection.places import clock, place_of
from genapps_audio.detection.promising import Promise
from genapps_audio.detection.views import View, view
from genapps_audio.detection.windows import Cut

RATE = 8_000


def hum(draw: np.random.Generator, seconds: float = 1.5) -> np.ndarray:
    """A motor: five harmonics and noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 90 * k * time + draw.uniform(0, 6)) / k for k in range(1, 6))
    return (0.05 * (tones + draw.normal(0, 0.3, len(time)))).astype(np.float32)


def squeal(draw: np.random.Generator) -> np.ndarray:
    """The same with a tone of 2 kHz from 0.6 to 1 s."""
    wave = hum(draw)
    inside = slice(round(0.6 * RATE), round(1.0 * RATE))
    wave[inside] += 0.03 * np.sin(2 * np.pi * 2_000 * np.arange(round(0.4 * RATE)) / RATE).astype(np.float32)
    return wave


def seen(wave: np.ndarray) -> View:
    return view(torch.from_numpy(wave), RATE)


@pytest.fixture(scope="module")
def learnt() -> tuple[Judge, torch.Tensor]:
    draw = np.random.default_rng(0)
    return Judge.learn([seen(hum(draw)) for _ in range(16)], range(16))


def test_a_squeal_is_found_when_and_where_it_is(learnt: tuple[Judge, torch.Tensor]) -> None:
    judge, _ = learnt
    draw = np.random.default_rng(1)
    good = [judge.judge(seen(hum(draw))) for _ in range(8)]
    odd = [judge.judge(seen(squeal(draw))) for _ in range(4)]
    assert auroc(np.arange(12) >= 8, [one.score for one in (*good, *odd)]) == 1.0
    for one in odd:
        place = place_of(one, RATE, 1.5)
        assert abs(place.begin - 0.6) < 0.1 and abs(place.end - 1.0) < 0.1
        assert 1_500 < place.low < 2_000 < place.high < 2_500
        assert place.louder and "from 0." in place.words and "kHz" in place.words


def test_what_is_missing_is_softer(learnt: tuple[Judge, torch.Tensor]) -> None:
    wave = hum(np.random.default_rng(2))
    wave[round(0.5 * RATE) : round(0.9 * RATE)] *= 0.02
    place = place_of(learnt[0].judge(seen(wave)), RATE, 1.5)
    assert not place.louder and abs(place.begin - 0.5) < 0.1 and abs(place.end - 0.9) < 0.1


def test_nothing_but_level_depends_on_how_loud_a_clip_is() -> None:
    wave = hum(np.random.default_rng(3))
    one, louder = seen(wave), seen(wave * 4)
    for name, numbers in one.numbers.items():
        if name == "level":
            assert float(louder.numbers[name] - numbers) == pytest.approx(20 * np.log10(4), abs=1e-3)
        else:
            assert torch.allclose(numbers, louder.numbers[name], atol=1e-3), name
    assert torch.allclose(one.cells, louder.cells, atol=1e-3)


def test_level_counts_unless_it_is_to_be_ignored(learnt: tuple[Judge, torch.Tensor]) -> None:
    draw = np.random.default_rng(0)
    deaf, _ = Judge.learn([seen(hum(draw)) for _ in range(16)], range(16), level=False)
    wave = hum(np.random.default_rng(4))
    quiet, loud = seen(wave), seen(wave * 10)
    assert learnt[0].judge(loud).score > learnt[0].judge(quiet).score + 0.2
    assert deaf.judge(loud).score == pytest.approx(deaf.judge(quiet).score, abs=1e-2)
    assert float(deaf.judge(loud).members[MEMBERS.index("level")]) == 0


@pytest.mark.parametrize("wave", [np.zeros(12_000), np.zeros(40), np.ones(12_000), np.full(900, 1e-7)])
def test_silence_and_scraps_have_finite_numbers(learnt: tuple[Judge, torch.Tensor], wave: np.ndarray) -> None:
    one = seen(wave.astype(np.float32))
    judged = learnt[0].judge(one)
    assert all(torch.isfinite(numbers).all() for numbers in one.numbers.values())
    assert np.isfinite(judged.score) and judged.score > 1
    place = place_of(judged, RATE, len(wave) / RATE)
    assert 0 <= place.begin <= place.end <= len(wave) / RATE + 1e-9


def test_silence_alone_can_be_learnt() -> None:
    judge, scores = Judge.learn([seen(np.zeros(4_000, np.float32)) for _ in range(10)], range(10))
    assert torch.isfinite(scores).all()
    assert judge.judge(seen(hum(np.random.default_rng(0), 0.5))).score > float(scores.max()) + 1


def test_a_promised_rate_is_kept_on_clips_that_were_not_learnt() -> None:
    """Of 4 x 40 clips of machines of 19 normal clips each, 0.05 is promised: 8 are due, 20 would be four sigma."""
    alarms = 0
    for seed in range(4):
        draw = np.random.default_rng(seed)
        judge, scores = Judge.learn([seen(hum(draw, 0.4)) for _ in range(19)], range(19), seed)
        promise = Promise.of(scores.numpy(), judge.part.numpy(), 0.05)
        alarms += sum(promise.p(judge.judge(seen(hum(draw, 0.4))).scores) <= 0.05 for _ in range(40))
    assert alarms <= 20


def test_cross_conformal_p_values_are_ranks_where_there_is_one_panel() -> None:
    promise = Promise.of(np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4, int), 0.2)
    assert [promise.p([score]) for score in (0.0, 2.0, 3.5, 9.0)] == [1.0, 0.8, 0.4, 0.2]
    two = Promise.of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1]), 0.2)
    assert two.p([5.0, 2.0]) == pytest.approx(3 / 5)  # beyond both of the first panel's, below both of the second's


def test_what_few_clips_can_promise_is_said() -> None:
    few = Promise.of(np.arange(12.0), np.zeros(12, int), None)
    assert few.rate == pytest.approx(1 / 13) and few.lowered and few.possible
    asked = Promise.of(np.arange(12.0), np.zeros(12, int), 0.01)
    assert not asked.possible and "that needs 99" in asked.words and asked.threshold == np.inf
    with pytest.raises(UsageError, match=r"above 0, at most 0\.5"):
        Promise.of(np.arange(12.0), np.zeros(12, int), 3.0)


def test_parts_keep_recordings_together_and_leave_none_empty() -> None:
    draw = np.random.default_rng(0)
    for count, recordings in itertools.product((10, 11, 37, 80), (1, 2, 5, 10, 37)):
        groups = sorted(draw.integers(0, recordings, count).tolist())
        parts = parted(groups, seed=3)
        assert set(parts) == set(range(max(parts) + 1)) and 2 <= max(parts) + 1 <= 10
        if len(set(groups)) >= 5:
            assert all(len({p for p, g in zip(parts, groups, strict=True) if g == one}) == 1 for one in groups)
        if recordings == 37 and count == 80:
            assert np.bincount(parts).max() <= 2 * count / 10


def test_the_shrunk_covariance_is_scikit_learns() -> None:
    rows = np.random.default_rng(0).normal(size=(12, 30)) @ np.diag(np.linspace(0.5, 2, 30))
    new = np.random.default_rng(1).normal(size=(5, 30))
    known = np.sqrt(LedoitWolf().fit(rows).mahalanobis(new))
    found = Law.learn(torch.from_numpy(rows)).scores(torch.from_numpy(new))
    assert found.numpy() == pytest.approx(known, rel=1e-4)


def test_near_ones_are_the_nearest_two() -> None:
    law = Near.learn(torch.tensor([[0.0], [1.0], [5.0]], dtype=torch.float64))
    apart = law.distances(torch.tensor([[2.0]], dtype=torch.float64))[0]
    assert float(law.scores(torch.tensor([[2.0]], dtype=torch.float64))[0]) == pytest.approx(
        float(apart.sort().values[:2].mean())
    )


def test_a_saved_model_judges_as_before(learnt: tuple[Judge, torch.Tensor], tmp_path: Path) -> None:
    judge, scores = learnt
    names = tuple(str(k) for k in range(16))
    OddModel(judge, Cut(1.5, RATE), scores.numpy(), names).save(tmp_path / "m.genapps")
    again = OddModel.load(tmp_path / "m.genapps")
    one = seen(squeal(np.random.default_rng(5)))
    before, after = judge.judge(one), again.judge.judge(one)
    assert torch.equal(before.scores, after.scores) and torch.equal(before.heat, after.heat)
    assert again.cut == Cut(1.5, RATE) and again.names == names and np.array_equal(again.scores, scores.numpy())


def test_a_model_without_its_parts_is_refused(learnt: tuple[Judge, torch.Tensor]) -> None:
    arrays, settings = learnt[0].state()
    for name in ("panel/3/level", "moments/bank", "middle"):
        with pytest.raises(InputError, match="save it again"):
            Judge.restore({key: value for key, value in arrays.items() if key != name}, settings)


def test_a_clock_reads_as_people_read_it() -> None:
    assert [clock(at) for at in (0.5, 187.54, 3_599.99, 8_045.0)] == ["0.50 s", "3:07.5", "1:00:00.0", "2:14:05.0"]
