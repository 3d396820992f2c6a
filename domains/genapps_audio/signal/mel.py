"""Mel spectra, decibels, cepstra and their slopes, as librosa defines them (McFee et al. 2015), for batches."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from genapps_audio.signal.spectra import energy, stft

Norm = Literal["slaney", "none"] | None
_LINEAR = 200 / 3  # Hz a mel of Slaney's scale below 1 kHz
_KNEE = 1000 / _LINEAR  # mel at 1 kHz
_LOG = math.log(6.4) / 27  # a mel above


def to_mel(hz: Tensor, htk: bool = False) -> Tensor:
    """Frequencies as mel: Slaney's (1998) scale, linear below 1 kHz, or HTK's 2595 log10(1 + f / 700)."""
    if htk:
        return 2595 * torch.log10(1 + hz / 700)
    return torch.where(hz < 1000, hz / _LINEAR, _KNEE + torch.log(hz.clamp_min(1e-10) / 1000) / _LOG)


def to_hz(mel: Tensor, htk: bool = False) -> Tensor:
    """The inverse of `to_mel`."""
    if htk:
        return 700 * (torch.pow(10.0, mel / 2595) - 1)
    return torch.where(mel < _KNEE, mel * _LINEAR, 1000 * torch.exp(_LOG * (mel - _KNEE)))


def mel_edges(n_mels: int, low: float, high: float, htk: bool = False) -> Tensor:
    """(n_mels + 2,) float64: edges and centres of bands in Hz, evenly apart on the mel scale."""
    ends = to_mel(torch.tensor([low, high], dtype=torch.float64), htk)
    return to_hz(torch.linspace(float(ends[0]), float(ends[1]), n_mels + 2, dtype=torch.float64), htk)


@lru_cache(maxsize=64)
def mel_filters(
    rate: float,
    n_fft: int,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: Norm = "slaney",
) -> Tensor:
    """Triangles (n_mels, n_fft // 2 + 1) over the bins of a spectrum, float32; with "slaney" each has an area of one.

    fmin, fmax: Hz, up to rate / 2 if not given. The result is shared between calls: not to be written into.
    """
    edges = mel_edges(n_mels, fmin, rate / 2 if fmax is None else fmax, htk)
    bins = torch.linspace(0, rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    widths = edges.diff()
    ramps = edges[:, None] - bins[None]
    rising, falling = -ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]
    weights = torch.minimum(rising, falling).clamp_min(0)
    if norm == "slaney":
        weights = weights * (2 / (edges[2:] - edges[:-2]))[:, None]
    return weights.float()


def melspectrogram(
    wave: Tensor,
    rate: float,
    n_fft: int = 2048,
    hop: int = 512,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    *,
    window: Tensor | int | None = None,
    power: float = 2.0,
    htk: bool = False,
    norm: Norm = "slaney",
) -> Tensor:
    """Power (or magnitude, power=1) in mel bands (B, n_mels, T') of waves (B, T)."""
    found = energy(stft(wave, n_fft, hop, window))
    if power != 2:
        found = found.pow(power / 2)
    return mel_filters(rate, n_fft, n_mels, fmin, fmax, htk, norm).to(found) @ found


def power_to_db(power: Tensor, ref: float | Tensor = 1.0, amin: float = 1e-10, top_db: float | None = 80.0) -> Tensor:
    """10 log10(power / ref), none lower than `top_db` below the highest of the same clip.

    power: (B, ..., F, T') or (F, T'). ref, amin: power of 0 dB, and the least that is told from nothing. A batch
    is taken clip by clip, as if each came alone.
    """
    level = torch.as_tensor(ref, dtype=power.dtype, device=power.device).clamp_min(amin)
    decibels = 10 * torch.log10(power.clamp_min(amin)) - 10 * torch.log10(level)
    if top_db is None:
        return decibels
    return torch.maximum(decibels, decibels.amax(dim=(-2, -1), keepdim=True) - top_db)


def db_to_power(decibels: Tensor, ref: float = 1.0) -> Tensor:
    """The inverse of `power_to_db`."""
    return ref * torch.pow(10.0, decibels / 10)


@lru_cache(maxsize=64)
def cosines(n_mfcc: int, n_mels: int) -> Tensor:
    """(n_mfcc, n_mels) float32: the first rows of the orthonormal DCT-II."""
    k, n = torch.arange(n_mfcc, dtype=torch.float64)[:, None], torch.arange(n_mels, dtype=torch.float64)[None]
    rows = torch.cos(math.pi / n_mels * (n + 0.5) * k) * math.sqrt(2 / n_mels)
    rows[0] /= math.sqrt(2)
    return rows.float()


def cepstra(log_mel: Tensor, n_mfcc: int = 20) -> Tensor:
    """(B, n_mfcc, T') of log-mel spectra (B, n_mels, T')."""
    return cosines(n_mfcc, log_mel.shape[-2]).to(log_mel) @ log_mel


def mfcc(
    wave: Tensor,
    rate: float,
    n_mfcc: int = 20,
    n_fft: int = 2048,
    hop: int = 512,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    *,
    window: Tensor | int | None = None,
    htk: bool = False,
    norm: Norm = "slaney",
    top_db: float | None = 80.0,
) -> Tensor:
    """Mel cepstra (B, n_mfcc, T') of waves (B, T): DCT-II of the mel spectrum in dB."""
    mel = melspectrogram(wave, rate, n_fft, hop, n_mels, fmin, fmax, window=window, htk=htk, norm=norm)
    return cepstra(power_to_db(mel, top_db=top_db), n_mfcc)


@lru_cache(maxsize=64)
def _slope(width: int, order: int) -> Tensor:
    """(width,) float64: what values are multiplied with and summed for the order-th derivative of their polynomial."""
    places = torch.arange(width, dtype=torch.float64) - width // 2
    powers = places[:, None] ** torch.arange(order + 1, dtype=torch.float64)
    weights: Tensor = torch.linalg.pinv(powers)[order] * math.factorial(order)
    return weights


def delta(features: Tensor, width: int = 9, order: int = 1, lengths: Tensor | None = None) -> Tensor:
    """Slopes (..., T') of features (..., T') over `width` frames (odd): Savitzky and Golay's filter, as librosa has it.

    The polynomial has the degree of the derivative, which is then constant within a window; so at the ends the slope of
    the last whole window holds. A clip shorter than the width gets the widest odd window that it has room for, and
    zeros if that determines no slope. lengths (B,): frames of each clip of a batch (B, ..., T'); beyond are
    zeros. Raises ValueError for an even width, or one of no more than `order` frames.
    """
    if width % 2 == 0 or width <= order:
        raise ValueError(f"a width of {width} frames; it must be odd and greater than {order}")
    count = features.shape[-1]
    counts = torch.tensor([count]) if lengths is None else lengths
    found = torch.zeros_like(features)
    # The window that each clip has room for; all but the shortest have room for the whole of it.
    widths = torch.minimum(torch.tensor(width), counts - 1 + counts % 2)
    for fitting in torch.unique(widths[widths > order]).tolist():
        slopes = _valid(features, fitting, order)
        rows = widths == fitting
        last = torch.arange(count)[None] - fitting // 2
        place = torch.minimum(last.clamp_min(0), (counts[:, None] - fitting).clamp_min(0))
        if lengths is None:
            return slopes[..., place[0].to(features.device)]
        shape = (len(features), *(1,) * (features.ndim - 2), count)
        index = place.to(features.device).reshape(shape).expand(features.shape)
        inside = (rows[:, None] & (torch.arange(count)[None] < counts[:, None])).to(features.device).reshape(shape)
        found = torch.where(inside, slopes.gather(-1, index.clamp_max(slopes.shape[-1] - 1)), found)
    return found


def _valid(features: Tensor, width: int, order: int) -> Tensor:
    """(..., T' - width + 1): slopes of the windows that lie wholly inside."""
    weights = _slope(width, order).to(features)
    if width <= 15:  # a few shifted sums are faster than a convolution of one channel
        kept = features.shape[-1] - width + 1
        found = torch.zeros_like(features[..., :kept])
        for k, weight in enumerate(weights.tolist()):
            if weight:
                found = found.add_(features[..., k : k + kept], alpha=weight)
        return found
    inner = torch.nn.functional.conv1d(features.reshape(-1, 1, features.shape[-1]), weights[None, None])
    return inner.reshape(*features.shape[:-1], -1)


@lru_cache(maxsize=16)
def _inverse(filters: tuple[float, int, int, float, float | None, bool, Norm]) -> Tensor:
    inverse: Tensor = torch.linalg.pinv(mel_filters(*filters).double())
    return inverse.float()


def mel_to_power(
    mel: Tensor,
    rate: float,
    n_fft: int,
    fmin: float = 0.0,
    fmax: float | None = None,
    *,
    htk: bool = False,
    norm: Norm = "slaney",
) -> Tensor:
    """Spectra (B, n_fft // 2 + 1, T') of mel spectra (B, n_mels, T').

    The pseudo-inverse of the filters, clipped at zero: as good as a constrained least-squares fit, and hundreds of
    times faster. Its square root is the magnitude that `griffin_lim` takes.
    """
    inverse = _inverse((rate, n_fft, mel.shape[-2], fmin, fmax, htk, norm))
    return (inverse.to(mel) @ mel).clamp_min(0)
