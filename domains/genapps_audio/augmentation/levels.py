"""What changes samples one by one, and what is added to them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genapps_audio.augmentation.rows import Rows
from genapps_audio.signal.companding import from_mu_law, mu_law

COLORS = {"white": 0.0, "pink": 0.5, "brown": 1.0}  # powers of frequency by which amplitude falls
_LOWEST = 20.0  # Hz, below which noise does not grow further


def gain(rows: Rows, decibels: Tensor) -> Rows:
    """Louder by so many dB (B,)."""
    return rows.put(rows.wave * (10 ** (decibels / 20))[:, None])


def polarity(rows: Rows) -> Rows:
    """Turned upside down."""
    return rows.put(-rows.wave)


def clipping(rows: Rows, level: Tensor) -> Rows:
    """Cut off at a share (B,) of its highest sample."""
    top = (rows.wave.abs().amax(1) * level)[:, None]
    return rows.put(torch.minimum(torch.maximum(rows.wave, -top), top))


def quantized(rows: Rows, levels: Sequence[int]) -> Rows:
    """As so many levels of mu-law, beside its own highest sample."""
    top = rows.wave.abs().amax(1).clamp_min(1e-9)[:, None]
    coded = [from_mu_law(mu_law(wave, n), n) for wave, n in zip(rows.wave / top, levels, strict=True)]
    return rows.put(torch.stack(coded) * top)


def colored(samples: int, rate: int, color: str, seed: int) -> Tensor:
    """(samples,) of noise: white, or its power falls by 3 dB an octave (pink) or by 6 (brown)."""
    generator = torch.Generator().manual_seed(seed)
    white = torch.randn(samples, generator=generator, dtype=torch.float64)
    if color == "white":
        return white
    hertz = torch.fft.rfftfreq(samples, 1 / rate, dtype=torch.float64).clamp_min(_LOWEST)
    found: Tensor = torch.fft.irfft(torch.fft.rfft(white) * hertz ** -COLORS[color], samples)
    return found


def added(rows: Rows, others: Sequence[Tensor], snr: Tensor) -> Rows:
    """With other waves (T,) of the same lengths below them by so many dB (B,) of mean power; silence stays silent."""
    other = Rows.of([one.double() for one in others], rows.rate)
    there = other.wave.square().sum(1) / rows.lengths
    scale = (rows.power() / there.clamp_min(1e-30) * 10 ** (-snr.double() / 10)).sqrt()
    width = rows.wave.shape[1]
    padded = torch.nn.functional.pad(other.wave, (0, width - other.wave.shape[1]))
    return rows.put(rows.wave + padded * scale[:, None])
