"""The chain from wave to cepstra and back is librosa's; no other module of the tests loads it."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from genapps_audio.signal.mel import delta, mel_filters, melspectrogram, mfcc, power_to_db
from genapps_audio.signal.phase import griffin_lim, spectral_convergence
from genapps_audio.signal.ragged import Bands, log_mels, mfccs
from genapps_audio.signal.spectra import istft, stft

RATE = 16_000
TOLERANCE = 1e-4  # of the largest value that librosa gives


def sound(samples: int, seed: int = 0) -> np.ndarray:
    """A gliding tone in noise, which fades: all levels from loud to nearly nothing."""
    time = np.arange(samples) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.1, samples)
    return ((0.5 * np.sin(2 * np.pi * (300 + 900 * time) * time) + noise) * np.exp(-3 * time)).astype(np.float32)


def far(found: Tensor, wanted: np.ndarray) -> float:
    """The greatest difference, of the largest value wanted."""
    assert found.shape == wanted.shape
    return float(np.abs(found.numpy() - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize(("n_fft", "hop", "window"), [(512, 128, None), (512, 200, 400), (400, 160, None)])
def test_spectra_and_the_way_back(n_fft: int, hop: int, window: int | None) -> None:
    wave = sound(5_003)
    wanted = librosa.stft(wave, n_fft=n_fft, hop_length=hop, win_length=window)
    found = stft(torch.from_numpy(wave)[None], n_fft, hop, window)[0]
    assert far(found, wanted) < 1e-5
    back = librosa.istft(wanted, n_fft=n_fft, hop_length=hop, win_length=window, length=5_003)
    # Where the windows hardly reach, at the very end, both divide by almost nothing.
    assert far(istft(found[None], n_fft, hop, window, 5_003)[0, :-hop], back[:-hop]) < TOLERANCE


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("norm", ["slaney", "none"])
def test_filters(htk: bool, norm: str) -> None:
    norms = {"slaney": "slaney", "none": None}
    wanted = librosa.filters.mel(sr=22_050, n_fft=1024, n_mels=64, fmin=30, fmax=9_000, htk=htk, norm=norms[norm])
    assert far(mel_filters(22_050, 1024, 64, 30, 9_000, htk, norm), wanted) < 1e-6  # type: ignore[arg-type]


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_mel_spectra(power: float) -> None:
    wave = sound(8_000)
    wanted = librosa.feature.melspectrogram(y=wave, sr=RATE, n_fft=1024, hop_length=256, power=power)
    assert far(melspectrogram(torch.from_numpy(wave)[None], RATE, 1024, 256, power=power)[0], wanted) < TOLERANCE


@pytest.mark.parametrize("top_db", [80.0, 30.0, None])
def test_decibels(top_db: float | None) -> None:
    power = np.exp(np.random.default_rng(0).normal(-10, 10, (3, 20, 30))).astype(np.float32)
    wanted = np.stack([librosa.power_to_db(one, top_db=top_db) for one in power])
    assert far(power_to_db(torch.from_numpy(power), top_db=top_db), wanted) < 1e-6


def test_cepstra() -> None:
    waves = np.stack([sound(8_000, 1), sound(8_000, 2)])
    wanted = librosa.feature.mfcc(y=waves, sr=RATE, n_mfcc=20, n_fft=512, hop_length=160, n_mels=40)
    found = mfcc(torch.from_numpy(waves), RATE, 20, 512, 160, 40)
    assert far(found, np.asarray(wanted)) < TOLERANCE


@pytest.mark.parametrize("width", [3, 9, 21])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("frames", [21, 22, 60])
def test_slopes(width: int, order: int, frames: int) -> None:
    features = np.random.default_rng(0).normal(size=(2, 5, frames)).astype(np.float32)
    wanted = librosa.feature.delta(features, width=width, order=order)
    assert far(delta(torch.from_numpy(features), width, order), wanted) < 1e-5


@pytest.mark.filterwarnings("ignore:n_fft=")
@pytest.mark.parametrize(
    "bands", [Bands(RATE, 512, 160, 40), Bands(RATE, 2048, 512, 128), Bands(RATE, 400, 160, 26, htk=True)]
)
def test_clips_of_all_lengths_come_out_as_if_alone(bands: Bands) -> None:
    lengths = [1, 37, 700, 701, 1_200, 5_000, 5_100, 9_999, 10_000]
    waves = [sound(length, length) for length in lengths]
    for wave, log_mel, cepstra in zip(waves, log_mels(waves, bands), mfccs(waves, bands, 13, deltas=2), strict=True):
        settings = {"sr": RATE, "n_fft": bands.n_fft, "hop_length": bands.hop, "n_mels": bands.n_mels, "htk": bands.htk}
        wanted = librosa.power_to_db(librosa.feature.melspectrogram(y=wave, **settings))
        assert far(log_mel, wanted) < TOLERANCE
        coefficients = librosa.feature.mfcc(y=wave, n_mfcc=13, **settings)
        assert far(cepstra[:13], coefficients) < TOLERANCE
        if coefficients.shape[1] >= 9:
            slopes = [librosa.feature.delta(coefficients, width=9, order=order) for order in (1, 2)]
            assert far(cepstra[13:], np.concatenate(slopes)) < TOLERANCE


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_from_the_same_phases_come_the_same(momentum: float) -> None:
    magnitude = np.abs(librosa.stft(sound(12_000), n_fft=512, hop_length=128))
    settings = {"n_fft": 512, "hop_length": 128, "length": 12_000, "init": None, "momentum": momentum}
    asked = torch.from_numpy(magnitude)[None]
    start = torch.zeros_like(asked)
    for rounds in (0, 1, 5):
        wanted = librosa.griffinlim(magnitude, n_iter=rounds, **settings)
        found = griffin_lim(asked, 512, 128, length=12_000, rounds=rounds, momentum=momentum, start=start)[0]
        assert far(found[128:-128], wanted[128:-128]) < 1e-2  # rounding grows from round to round
        theirs = spectral_convergence(torch.from_numpy(wanted)[None], asked, 512, 128)
        assert float((spectral_convergence(found[None], asked, 512, 128) - theirs).abs()) < 0.05  # dB
