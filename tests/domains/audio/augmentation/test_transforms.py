"""What each transform says that it does, it does: levels, frequencies, times, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps_audio.augmentation import filters, levels, tempo
from genapps_audio.augmentation.rows import Rows
from genapps_audio.augmentation.steps import TRANSFORMS, Backgrounds, Step, applied, drawn, from_json, parse_transforms

RATE = 16_000
NONE = Backgrounds()


def noise(samples: int, seed: int = 0) -> Tensor:
    """(T,) white noise."""
    return torch.randn(samples, generator=torch.Generator().manual_seed(seed)) * 0.1


def tone(hertz: float, samples: int = RATE) -> Tensor:
    """(T,) of half full scale."""
    return (0.5 * torch.sin(2 * torch.pi * hertz * torch.arange(samples, dtype=torch.float64) / RATE)).float()


def rows(*waves: Tensor) -> Rows:
    """Several at once."""
    return Rows.of(list(waves), RATE)


def decibels(wave: Tensor) -> float:
    """Of mean power."""
    return 10 * math.log10(float(wave.double().square().mean()))


def pitch(wave: Tensor) -> float:
    """Hz of the strongest tone, between bins by a parabola through the logarithm of a Gaussian-windowed spectrum."""
    middle = wave[len(wave) // 5 : -len(wave) // 5].double()
    window = torch.exp(-0.5 * (torch.linspace(-4, 4, len(middle), dtype=torch.float64)) ** 2)
    size = 8 * len(middle)
    height = torch.fft.rfft(middle * window, size).abs().log()
    k = int(height[1:-1].argmax()) + 1
    a, b, c = height[k - 1 : k + 2].tolist()
    return (k + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / size


def cents(found: float, wanted: float) -> float:
    """How far apart two frequencies are."""
    return 1200 * math.log2(found / wanted)


def test_gain_polarity_and_shift_are_undone_by_their_opposites() -> None:
    two = rows(noise(1_000), noise(1_500, 1))
    louder = levels.gain(two, torch.tensor([6.0, -9.5]))
    assert [decibels(a) - decibels(b) for a, b in zip(louder.alone(), two.alone(), strict=True)] == pytest.approx(
        [6, -9.5], abs=1e-4
    )
    assert torch.allclose(levels.gain(louder, torch.tensor([-6.0, 9.5])).wave, two.wave, atol=1e-6)
    assert torch.equal(levels.polarity(levels.polarity(two)).wave, two.wave)
    later = tempo.shifted(two, torch.tensor([300, -7]))
    assert torch.equal(later.wave[0, 300:1_000], two.wave[0, :700]) and not later.wave[0, 1_000:].any()
    assert torch.equal(tempo.shifted(later, torch.tensor([-300, 7])).wave, two.wave)


@pytest.mark.parametrize("color", ["white", "pink", "brown"])
def test_noise_is_as_far_below_as_asked_and_of_its_color(color: str) -> None:
    two = rows(tone(440), tone(880, 5_000))
    asked = torch.tensor([12.0, 25.0])
    made = levels.added(two, [levels.colored(n, RATE, color, seed) for seed, n in enumerate((RATE, 5_000))], asked)
    for clean, noisy, snr in zip(two.alone(), made.alone(), asked.tolist(), strict=True):
        assert decibels(clean) - decibels(noisy - clean) == pytest.approx(snr, abs=0.05)
    power = torch.fft.rfft(levels.colored(2**17, RATE, color, 3)).abs().square()
    hertz = torch.fft.rfftfreq(2**17, 1 / RATE)
    bands = [
        10 * math.log10(float(power[(hertz >= low) & (hertz < 2 * low)].mean())) for low in (250, 500, 1_000, 2_000)
    ]
    slope = {"white": 0, "pink": -3.01, "brown": -6.02}[color]
    assert np.diff(bands).mean() == pytest.approx(slope, abs=0.2)


def test_silence_stays_silent_and_backgrounds_begin_anew() -> None:
    made = levels.added(rows(torch.zeros(100)), [noise(100)], torch.tensor([10.0]))
    assert not made.wave.any()
    piece = Backgrounds({"a": torch.arange(5.0)}).piece("a", 3, 7)
    assert piece.tolist() == [3, 4, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("semitones", [-5.0, -1.0, 0.37, 2.0, 7.0])
@pytest.mark.parametrize("hertz", [220.0, 1_333.0])
def test_pitch_moves_by_the_semitones_that_are_said(semitones: float, hertz: float) -> None:
    made = tempo.pitched(rows(tone(hertz), tone(hertz, 12_000)), torch.tensor([semitones, 0.5]))
    assert made.lengths.tolist() == [RATE, 12_000]
    assert abs(cents(pitch(made.alone()[0]), hertz * 2 ** (semitones / 12))) < 3
    assert abs(cents(pitch(made.alone()[1]), hertz * 2 ** (0.5 / 12))) < 3
    assert decibels(made.wave[0]) == pytest.approx(decibels(tone(hertz)), abs=1)


def test_stretching_changes_the_length_and_keeps_the_pitch() -> None:
    made = tempo.stretched(rows(tone(500), tone(700, 8_000)), torch.tensor([1.25, 0.8]))
    assert made.lengths.tolist() == [12_800, 10_000]
    assert [abs(cents(pitch(wave), hertz)) < 2 for wave, hertz in zip(made.alone(), (500, 700), strict=True)] == [
        True
    ] * 2
    click = torch.zeros(RATE)
    click[8_000:8_020] = 1.0
    place = int(tempo.stretched(rows(click), torch.tensor([2.0])).wave[0].abs().argmax())
    assert abs(place - 4_000) < 200


def test_a_speed_of_one_changes_nothing() -> None:
    wave = noise(6_000)
    made = tempo.stretched(rows(wave), torch.tensor([1.0])).wave[0]
    assert torch.allclose(made[600:-600], wave[600:-600], atol=1e-4)
    assert torch.allclose(tempo.warped(rows(wave), torch.tensor([1.0])).wave[0], wave, atol=1e-4)


def test_warping_moves_formants_and_not_the_pitch() -> None:
    pulses = torch.zeros(RATE)
    pulses[::133] = 1.0  # 120 Hz
    hertz = torch.fft.rfftfreq(RATE, 1 / RATE)
    formant = 1 / (1 + ((hertz - 1_500) / 100) ** 2)
    voice = torch.fft.irfft(torch.fft.rfft(pulses) * formant)

    def peaks(wave: Tensor) -> tuple[float, float]:
        power = torch.fft.rfft(wave).abs().square()
        smooth = torch.nn.functional.avg_pool1d(power[None, None], 481, 1, 240)[0, 0]
        voiced = torch.fft.irfft(power)  # the autocorrelation
        return float(hertz[smooth.argmax()]), 80.0 + int(voiced[80:250].argmax())

    centre, period = peaks(voice)
    for factor in (0.85, 1.15):
        moved, same = peaks(tempo.warped(rows(voice), torch.tensor([factor])).wave[0])
        assert moved / centre == pytest.approx(factor, abs=0.05) and same == period == 133


def test_filters_pass_what_they_say() -> None:
    low, high = tone(300), tone(5_000)
    both = low + high
    for made, kept in (
        (filters.lowpass(rows(both), torch.tensor([1_200.0])), low),
        (filters.highpass(rows(both), torch.tensor([1_200.0])), high),
        (filters.bandpass(rows(both), torch.tensor([100.0]), torch.tensor([1_500.0])), low),
        (filters.without_band(rows(both), torch.tensor([4_500.0]), torch.tensor([5_500.0])), low),
    ):
        assert decibels(made.wave[0][800:-800] - kept[800:-800]) < -38
    at = filters.lowpass(rows(tone(1_000)), torch.tensor([1_000.0])).wave[0]
    assert decibels(at[800:-800]) - decibels(tone(1_000)) == pytest.approx(-3.01, abs=0.1)


def test_equalisers_lift_as_said() -> None:
    gain = torch.tensor([[6.0, -4.0]])
    for hertz, wanted in ((250.0, 6.0), (8_000 / 2, -4.0)):
        made = filters.equalized(rows(tone(hertz)), torch.tensor([[250.0, 4_000.0]]), gain).wave[0]
        assert decibels(made[800:-800]) - decibels(tone(hertz)) == pytest.approx(wanted, abs=0.1)


def test_rooms_die_away_in_the_time_that_is_said_and_keep_the_power() -> None:
    response = filters.room(RATE, 0.4, 1)
    assert torch.equal(response, filters.room(RATE, 0.4, 1)) and response[0] == 1
    assert float(response[1:].square().sum()) == pytest.approx(1, abs=1e-4)
    parts = [decibels(part) for part in response[1:6_001].split(1_000)]
    assert np.polyfit(np.arange(6) * 1_000 / RATE, parts, 1)[0] * 0.4 == pytest.approx(-60, abs=12)
    click = torch.zeros(RATE)
    click[0] = 1.0
    made = filters.reverberant(rows(click, noise(9_000)), [0.4, 0.2], torch.tensor([0.0, -6.0]), [1, 2])
    assert torch.allclose(made.wave[0, : len(response)] / made.wave[0, 0], response, atol=1e-5)
    assert torch.allclose(made.power(), rows(click, noise(9_000)).power(), rtol=1e-4)


def test_masks_silence_their_spans_only() -> None:
    two = rows(noise(1_000), noise(500))
    made = tempo.silenced(two, [[(0.1, 0.2)], [(0.5, 0.1), (0.9, 0.5)]])
    assert not made.wave[0, 100:300].any() and torch.equal(made.wave[0, 300:], two.wave[0, 300:])
    assert not made.wave[1, 250:300].any() and not made.wave[1, 450:].any()
    assert torch.equal(made.wave[1, :250], two.wave[1, :250])


def test_clipping_and_levels() -> None:
    wave = noise(4_000)
    cut = levels.clipping(rows(wave), torch.tensor([0.4])).wave[0]
    top = wave.abs().max() * 0.4
    assert float(cut.abs().max()) == pytest.approx(float(top))
    assert torch.equal(cut[wave.abs() < top], wave[wave.abs() < top])
    coarse = levels.quantized(rows(wave, wave), [8, 256])
    assert len(coarse.wave[0].unique()) <= 8 and len(coarse.wave[1].unique()) > 100
    assert decibels(coarse.wave[1] - wave) < decibels(coarse.wave[0] - wave) - 15


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_step_does_the_same_alone_and_among_others_and_again_from_json(name: str) -> None:
    behind = Backgrounds({"hum.wav": noise(3_000, 9)})
    waves = [noise(n, n) for n in (1, 50, 3_000, 4_000)]
    steps = [drawn({name: 1.0}, np.random.default_rng(i), RATE, behind) for i in range(4)]
    together = applied(rows(*waves), steps, behind)
    for wave, own, made in zip(waves, steps, together.alone(), strict=True):
        again = from_json([step.to_json() for step in own])
        assert again == own and [step.name for step in own] == [name]
        alone = applied(rows(wave), [again], behind).alone()[0]
        assert alone.shape == made.shape and torch.isfinite(made).all()
        assert torch.allclose(alone, made, atol=2e-5)
        if len(wave) > 100:
            assert len(made) != len(wave) or not torch.equal(made, wave)


def test_seeds_repeat_and_strength_is_a_limit() -> None:
    strengths = parse_transforms("all", 1.0, False)
    first, again = (drawn(strengths, np.random.default_rng([5, 1]), RATE, NONE) for _ in range(2))
    assert first == again and first != drawn(strengths, np.random.default_rng([5, 2]), RATE, NONE)
    for strength in (0.25, 1.0):
        found = [drawn({"pitch": strength}, np.random.default_rng(i), RATE, NONE)[0].settings for i in range(50)]
        assert max(abs(one["semitones"]) for one in found) <= 0.25 + 2.25 * strength
        found = [drawn({"noise": strength}, np.random.default_rng(i), RATE, NONE)[0].settings for i in range(50)]
        assert min(one["snr_db"] for one in found) >= 30 - 20 * strength


def test_a_variant_has_one_to_three_transforms_in_their_order() -> None:
    strengths = parse_transforms("all", 1.0, False)
    order = list(TRANSFORMS)
    counts = set()
    for i in range(60):
        names = [step.name for step in drawn(strengths, np.random.default_rng(i), RATE, NONE)]
        assert names == sorted(set(names), key=order.index)
        counts.add(len(names))
    assert counts == {1, 2, 3}


def test_names_and_strengths_are_read() -> None:
    assert parse_transforms("noise=0.5, pitch", 2.0, False) == {"pitch": 2.0, "noise": 1.0}
    assert "background" in parse_transforms("all", 1.0, True) and "background" not in parse_transforms(
        "all", 1.0, False
    )
    for text, told in (("nois", "Did you mean 'noise'"), ("noise=x", "strength"), ("background", "name a folder")):
        with pytest.raises(UsageError, match=told):
            parse_transforms(text, 1.0, False)


def test_steps_of_strangers_are_refused() -> None:
    with pytest.raises(KeyError):
        from_json([{"name": "__import__"}])
    assert from_json([{"name": "gain", "gain_db": 1.0}]) == (Step("gain", {"gain_db": 1.0}),)
