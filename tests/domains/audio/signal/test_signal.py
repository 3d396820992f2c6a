"""What holds of spectra, slopes, rates and levels, whoever computes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from genapps_audio.signal.companding import from_mu_law, mu_law
from genapps_audio.signal.mel import (
    db_to_power,
    delta,
    mel_filters,
    mel_to_power,
    melspectrogram,
    power_to_db,
    to_hz,
    to_mel,
)
from genapps_audio.signal.phase import first_phases, griffin_lim, spectral_convergence
from genapps_audio.signal.ragged import Bands, groups, log_mels
from genapps_audio.signal.resampling import resample, smooth
from genapps_audio.signal.spectra import frames_of, istft, overlap_add, stft


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Samples of white noise."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def tone(hertz: float, rate: int, seconds: float = 1.0) -> Tensor:
    """A pure tone that fades in and out."""
    count = round(rate * seconds)
    time = torch.arange(count, dtype=torch.float64) / rate
    return (torch.sin(2 * torch.pi * hertz * time) * torch.hann_window(count, dtype=torch.float64)).float()


@pytest.mark.parametrize(("n_fft", "hop"), [(256, 64), (256, 128), (400, 100)])
@pytest.mark.parametrize("samples", [1, 100, 4_001])
def test_what_is_transformed_comes_back(n_fft: int, hop: int, samples: int) -> None:
    wave = noise(3, samples)
    back = istft(stft(wave, n_fft, hop), n_fft, hop, length=samples)
    assert torch.allclose(back, wave, atol=1e-5)


def test_a_longer_length_ends_in_silence() -> None:
    wave = noise(1, 1_000)
    back = istft(stft(wave, 256, 64), 256, 64, length=3_000)
    assert back.shape == (1, 3_000) and not back[:, 1_300:].any()
    assert torch.allclose(back[:, :900], wave[:, :900], atol=1e-5)


def test_frames_added_again_with_their_window_are_the_wave() -> None:
    wave = noise(2, 64 * 20)
    frames = frames_of(wave, 128, 64)
    assert frames.shape == (2, 19, 128)
    whole = overlap_add(frames * torch.hann_window(128), 64)
    assert torch.allclose(whole[:, 64:-64], wave[:, 64:-64], atol=1e-6)
    assert frames_of(wave[:, :100], 128, 64).shape == (2, 0, 128)


def test_every_band_of_slaney_has_an_area_of_one_and_both_scales_turn_back() -> None:
    filters = mel_filters(44_100, 8192, 40, 100, 15_000)
    assert torch.allclose(filters.sum(1) * 44_100 / 8192, torch.ones(40), atol=0.02)
    hertz = torch.linspace(0, 20_000, 500, dtype=torch.float64)
    for htk in (False, True):
        assert torch.allclose(to_hz(to_mel(hertz, htk), htk), hertz, atol=1e-6)


def test_decibels_turn_back_and_each_clip_has_its_own_loudest() -> None:
    power = noise(2, 10, 20).square() + 1e-4
    power[1] *= 1e6
    assert torch.allclose(db_to_power(power_to_db(power, top_db=None)), power, rtol=1e-4)
    together = power_to_db(power, top_db=20.0)
    alone = torch.stack([power_to_db(one, top_db=20.0) for one in power])
    assert torch.equal(together, alone)


@given(st.integers(1, 30), st.sampled_from([3, 5, 9]), st.floats(-5, 5))
def test_a_line_has_its_slope_everywhere(frames: int, width: int, slope: float) -> None:
    line = (torch.arange(frames) * slope)[None, None]
    wanted = slope if frames >= 3 else 0.0  # a shorter one determines none
    assert torch.allclose(delta(line, width), torch.full((1, 1, frames), wanted), atol=1e-4)


def test_slopes_of_padded_clips_are_those_of_each_alone() -> None:
    lengths = torch.tensor([1, 2, 4, 8, 9, 10, 25])
    batch = noise(7, 6, 25)
    for order in (1, 2):
        together = delta(batch, 9, order, lengths)
        for row, one, count in zip(together, batch, lengths.tolist(), strict=True):
            assert torch.allclose(row[:, :count], delta(one[:, :count], 9, order), atol=1e-6)
            assert not row[:, count:].any()


@pytest.mark.parametrize("width", [1, 2, 8])
def test_widths_that_determine_no_slope_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match="must be odd"):
        delta(noise(1, 5, 20), width)


def test_the_pseudo_inverse_gives_back_the_bands() -> None:
    mel = melspectrogram(noise(2, 8_000) + tone(900, 8_000)[None], 8_000, 512, 128, 64)
    power = mel_to_power(mel, 8_000, 512)
    again = mel_filters(8_000, 512, 64) @ power
    assert float((again - mel).norm() / mel.norm()) < 0.2 and float(power.min()) >= 0


def test_first_phases_turn_as_tones_do() -> None:
    wave = torch.stack([tone(f, 8_000) for f in (440.0, 1_234.5)])
    spectrum = stft(wave, 512, 128)
    guessed = first_phases(spectrum.abs(), 512, 128)
    loud = spectrum.abs() > 0.7 * spectrum.abs().amax((1, 2), keepdim=True)
    error = (guessed.diff(dim=2) - spectrum.angle().diff(dim=2) + torch.pi).remainder(2 * torch.pi) - torch.pi
    assert float(error[loud[..., 1:] & loud[..., :-1]].abs().max()) < 0.2
    random = torch.rand(spectrum.shape, generator=torch.Generator().manual_seed(0)) * 2 * torch.pi
    for rounds, better in ((0, 2), (8, 2)):  # dB
        found = [
            spectral_convergence(
                griffin_lim(spectrum.abs(), 512, 128, length=8_000, rounds=rounds, start=start),
                spectrum.abs(),
                512,
                128,
            )
            for start in (guessed, random)
        ]
        assert bool((found[0] < found[1] - better).all())


def test_phases_are_seeded_and_momentum_helps() -> None:
    wave = noise(2, 6_000) * 0.1 + tone(500, 8_000, 0.75)[None]
    magnitude = stft(wave, 256, 64).abs()
    first, again = (griffin_lim(magnitude, 256, 64, length=6_000, rounds=8) for _ in range(2))
    assert torch.equal(first, again)
    start = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0)) * 2 * torch.pi
    reached, plain, none = (
        spectral_convergence(
            griffin_lim(magnitude, 256, 64, length=6_000, rounds=rounds, momentum=momentum, start=start),
            magnitude,
            256,
            64,
        )
        for rounds, momentum in ((8, 0.99), (8, 0.0), (0, 0.99))
    )
    assert bool((reached < none - 5).all()) and bool((reached < plain).all())
    alone = griffin_lim(magnitude[0], 256, 64, length=6_000, rounds=4)
    assert alone.shape == (6_000,)


RATES = [(44_100, 16_000), (8_000, 16_000), (44_100, 48_000), (22_050, 8_001), (192_000, 8_000), (8_000, 44_100)]


@pytest.mark.parametrize(("rate", "new_rate"), RATES)
def test_a_tone_is_the_same_tone_at_another_rate(rate: int, new_rate: int) -> None:
    hertz = 0.9 * min(rate, new_rate) / 2
    found = resample(torch.stack([tone(hertz, rate), tone(hertz / 3, rate)]), rate, new_rate)
    assert found.shape == (2, new_rate)
    time = torch.arange(new_rate, dtype=torch.float64) / new_rate
    fade = (0.5 - 0.5 * torch.cos(2 * torch.pi * time)).float()  # the window of `tone`, between its samples
    wanted = torch.stack([(torch.sin(2 * torch.pi * f * time)).float() * fade for f in (hertz, hertz / 3)])
    assert torch.allclose(found, wanted, atol=5e-6)


def test_what_the_lower_rate_cannot_hold_is_gone_and_the_ends_do_not_ring_over() -> None:
    assert float(resample(tone(9_000, 44_100), 44_100, 16_000).abs().max()) < 1e-6
    click = torch.zeros(8_000)
    click[-1] = 1.0
    assert float(resample(click, 8_000, 11_025)[:4_000].abs().max()) < 1e-5


@given(st.integers(1, 400), st.sampled_from(RATES))
def test_as_many_samples_as_the_time_asks(samples: int, rates: tuple[int, int]) -> None:
    rate, new_rate = rates
    assert resample(noise(samples), rate, new_rate).shape == (-(-samples * new_rate // rate),)


def test_rates_that_are_none_are_refused_and_the_same_rate_changes_nothing() -> None:
    wave = noise(10)
    assert resample(wave, 8_000, 8_000) is wave
    with pytest.raises(ValueError, match="must be positive"):
        resample(wave, 0, 8_000)


@given(st.integers(1, 20_000))
def test_smooth_numbers_are_the_next(least: int) -> None:
    def only_small(number: int) -> bool:
        for prime in (2, 3, 5):
            while number % prime == 0:
                number //= prime
        return number == 1

    found = smooth(least)
    assert found >= least and only_small(found)
    assert not any(only_small(number) for number in range(least, found))


@pytest.mark.parametrize("levels", [16, 256])
def test_codes_come_back_as_themselves_and_quiet_samples_finer(levels: int) -> None:
    codes = torch.arange(levels)
    assert torch.equal(mu_law(from_mu_law(codes, levels), levels), codes)
    wave = torch.linspace(-1, 1, 2_001)
    error = (from_mu_law(mu_law(wave, levels), levels) - wave).abs()
    assert float(error[990:1011].max()) < float(error.max()) / 5
    assert mu_law(torch.tensor([-7.0, 7.0]), levels).tolist() == [0, levels - 1]


@given(st.lists(st.integers(0, 5_000), max_size=60))
def test_every_clip_is_in_one_batch_and_little_is_padded(lengths: list[int]) -> None:
    batches = list(groups(lengths, 20_000))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        size = max(1, *(lengths[i] for i in batch), 0) * len(batch)
        assert len(batch) == 1 or size <= 20_000
        assert size <= 1.1 * sum(max(1, lengths[i]) for i in batch) + 1_024


def test_loudest_is_what_lies_within_a_clip() -> None:
    bands = Bands(8_000, 256, 80, 20)
    quiet = np.zeros(805, np.float32)
    quiet[-5:] = 1.0  # heard best by a frame that lies beyond the end
    both = log_mels([quiet, np.zeros(900, np.float32) + 0.1], bands)
    assert torch.allclose(both[0], log_mels([quiet], bands)[0], atol=1e-4)
