"""Labels that would be lost are noticed, and a gain is claimed only where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from genapps.errors import UsageError
from genapps_audio.augmentation.judging import Gain, Study, features, measured, preserved
from genapps_audio.augmentation.making import Behind, heard, variants
from genapps_audio.augmentation.steps import Step
from genapps_audio.augmentation.tasks import Order, groups_of, plan
from genapps_audio.records import Clip

RATE = 4_000


def clips(count: int, hertz: tuple[float, ...] = (400.0, 450.0)) -> tuple[list[Clip], np.ndarray]:
    """Tones in noise: classes less than two semitones apart."""
    generator = np.random.default_rng(0)
    found, labels = [], []
    for i in range(count):
        label = i % len(hertz)
        time = np.arange(1_500 + int(generator.integers(300))) / RATE
        wave = np.sin(2 * np.pi * hertz[label] * generator.uniform(0.98, 1.02) * time + generator.uniform(0, 6))
        wave = 0.4 * wave + generator.normal(0, 0.02, len(time))
        found.append(Clip(f"{label}/{i}.wav", wave[:, None].astype(np.float32), RATE, str(label)))
        labels.append(label)
    return found, np.array(labels)


def silent(what: str, done: int, total: int) -> None:
    """Tells nobody."""


def test_a_transform_that_makes_one_class_another_is_turned_down_or_left_out() -> None:
    made, labels = clips(120)
    study = Study(made, labels, None, RATE, 0)
    assert study.judgeable
    kept, trials = preserved(study, {"pitch": 2.0, "polarity": 1.0, "gain": 1.0}, Behind(""), silent)
    assert kept["polarity"] == kept["gain"] == 1.0 and kept.get("pitch", 0) < 2.0
    by_name = {trial.transform: trial for trial in reversed(trials)}
    assert by_name["polarity"].variants > 0.9 and by_name["pitch"].variants < 0.8
    assert all(trial.originals > 0.9 for trial in trials)


def test_no_gain_is_claimed_where_all_is_known_already() -> None:
    made, labels = clips(80, (300.0, 900.0))
    gain = measured(Study(made, labels, None, RATE, 0), {"gain": 1.0, "polarity": 1.0}, Behind(""), silent)
    assert gain.verdict == "unsure" and np.mean(gain.alone) > 0.95 and gain.held == 20 and gain.variants == 120


def test_verdicts_follow_the_interval() -> None:
    helps = Gain.of([0.5, 0.52, 0.48, 0.5], [0.7, 0.71, 0.69, 0.7], 20, 60, 120, 0)
    assert helps.verdict == "helps" and helps.low < helps.gain < helps.high
    assert helps.gain == pytest.approx(0.2)
    hurts = Gain.of([0.7, 0.71, 0.69, 0.7], [0.5, 0.52, 0.48, 0.5], 20, 60, 120, 0)
    assert hurts.verdict == "hurts" and "variants hurt: -20.0 points" in hurts.line()
    assert Gain.of([0.5, 0.9], [0.6, 0.85], 20, 60, 120, 0).verdict == "unsure"
    assert Gain.of([0.5], [0.9], 20, 60, 120, 0).verdict == "unsure"  # one split shows no spread


def test_groups_are_held_out_whole_and_each_once() -> None:
    made, labels = clips(60)
    groups = np.arange(60) // 2 % 5
    study = Study(made, labels, groups, RATE, 3)
    held = [set(groups[study.split(turn)[1]].tolist()) for turn in range(5)]
    assert sorted(next(iter(one)) for one in held) == [0, 1, 2, 3, 4]
    for turn in range(5):
        learn, out = study.split(turn)
        assert not set(groups[learn]) & set(groups[out]) and len(learn) + len(out) == 60
    one = Study(made, labels, np.zeros(60, int), RATE, 3)
    assert not one.judgeable


def test_loudness_and_polarity_do_not_show_in_features() -> None:
    made, _ = clips(4)
    steps = [(Step("gain", {"gain_db": -12.0}), Step("polarity"))] * 4
    changed = [Clip(c.name, v.wave, RATE) for c, v in zip(made, variants(made, steps, Behind("")), strict=True)]
    own, other = (features(heard(some, RATE), RATE) for some in (made, changed))
    assert own.shape == (4, 401) and np.abs(own - other).max() < 0.05


def test_channels_stay_together_and_nothing_goes_over_full_scale() -> None:
    wave = np.random.default_rng(0).uniform(-0.9, 0.9, (2_000, 2)).astype(np.float32)
    steps = (Step("noise", {"color": "white", "snr_db": 20.0, "seed": 1}), Step("gain", {"gain_db": 10.0}))
    (made,) = variants([Clip("a", wave, RATE)], [steps], Behind(""))
    assert made.wave.shape == (2_000, 2) and np.abs(made.wave).max() == pytest.approx(0.999, abs=1e-4)
    noise = made.wave / made.scale / 10 ** (10 / 20) - wave
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.1  # of its own in each channel


def test_as_many_as_asked_and_as_even_as_can_be() -> None:
    usable = {"a": [0, 1, 2], "b": [3, 4, 5, 6]}
    order = Order("in", "out", per_class=10)
    counts = {label: [n for own, _, n in plan(usable, [], order) if own == label] for label in usable}
    assert sum(counts["a"]) == 7 and sum(counts["b"]) == 6
    assert all(max(row) - min(row) <= 1 for row in counts.values())
    assert [n for *_, n in plan(usable, [], Order("in", "out", copies=3))] == [3] * 7
    assert [n for *_, n in plan(usable, [], Order("in", "out", per_class=2))] == [0] * 7


def test_groups_out_of_names() -> None:
    names = ["0/0_ann_1.wav", "1/1_bob_7.wav"]
    assert groups_of(names, r"_([a-z]+)_") == ["ann", "bob"] and groups_of(names, "[a-z]{3}_") == ["ann_", "bob_"]
    for pattern, told in (("(", "no regular expression"), ("xyz", "found in no name")):
        with pytest.raises(UsageError, match=told):
            groups_of(names, pattern)
