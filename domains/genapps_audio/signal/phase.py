"""Waves from magnitudes alone: phases that agree with one another, found by going to and fro."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genapps_audio.signal.spectra import istft, stft

_HANN = 0.25645  # the Gaussian's width that is nearest to Hann's window, in squares of its length
_LEAST = 1e-7  # of the largest magnitude, below which slopes mean nothing


def griffin_lim(
    magnitude: Tensor,
    n_fft: int,
    hop: int | None = None,
    window: Tensor | int | None = None,
    length: int | None = None,
    *,
    rounds: int = 32,
    momentum: float = 0.99,
    generator: torch.Generator | None = None,
    start: Tensor | None = None,
) -> Tensor:
    """Waves (B, length) whose spectra have nearly the magnitudes (B, F, T'), or (length,) of (F, T').

    Griffin and Lim's algorithm (1984) with the momentum of Perraudin, Balazs and Søndergaard (2013), begun with
    `first_phases`. generator: what is random of those; a fixed seed if none is given. start: phases to begin with
    instead, (B, F, T') radians.
    """
    if start is None:
        start = first_phases(magnitude, n_fft, hop, window, generator)
    phases = torch.polar(torch.ones_like(start), start)
    before = torch.zeros_like(phases)
    inertia = momentum / (1 + momentum)
    for _ in range(rounds):
        wave = istft(magnitude * phases, n_fft, hop, window, length)
        rebuilt = stft(wave, n_fft, hop, window)[..., : magnitude.shape[-1]]
        missing = magnitude.shape[-1] - rebuilt.shape[-1]
        if missing:
            rebuilt = torch.nn.functional.pad(rebuilt, (0, missing))
        ahead = rebuilt - inertia * before
        phases = ahead / ahead.abs().clamp_min(torch.finfo(magnitude.dtype).tiny)
        before = rebuilt
    return istft(magnitude * phases, n_fft, hop, window, length)


def first_phases(
    magnitude: Tensor,
    n_fft: int,
    hop: int | None = None,
    window: Tensor | int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Phases (B, F, T') that turn from frame to frame as magnitudes (B, F, T') say; those of the first are random.

    Of a Gaussian window, and nearly of Hann's, the slope of the logarithm of the magnitude over frequency is how far a
    bin's frequency is from its middle (Průša, Balazs and Søndergaard 2017, equation 15; there phases spread from the
    loudest on, here each bin goes its way, as later rounds mend what does not agree).
    """
    generator = generator or torch.Generator(device=magnitude.device).manual_seed(0)
    step = hop or n_fft // 4
    length = n_fft if window is None else window if isinstance(window, int) else len(window)
    height = magnitude.clamp_min(_LEAST * float(magnitude.max()) + 1e-30).log()
    slope = torch.zeros_like(height)
    slope[..., 1:-1, :] = (height[..., 2:, :] - height[..., :-2, :]) / 2
    bins = torch.arange(magnitude.shape[-2], device=magnitude.device)[:, None]
    turn = (2 * math.pi * step / n_fft) * bins + slope * (step * n_fft / (_HANN * length**2))
    between = (turn[..., 1:] + turn[..., :-1]).double() / 2
    draws = torch.rand((*magnitude.shape[:-1], 1), generator=generator, device=magnitude.device, dtype=magnitude.dtype)
    first = draws * (2 * math.pi)
    after = (between.cumsum(-1) + first).remainder(2 * math.pi).to(magnitude.dtype)
    return torch.cat([first, after], dim=-1)


def spectral_convergence(
    wave: Tensor, magnitude: Tensor, n_fft: int, hop: int | None = None, window: Tensor | int | None = None
) -> Tensor:
    """(B,) in dB: how far magnitudes of waves (B, T) are from those asked (B, F, T'); lower is nearer.

    20 log10 of the Frobenius norm of the difference over that of what was asked (Sturmel and Daudet 2011).
    """
    found = stft(wave, n_fft, hop, window).abs()[..., : magnitude.shape[-1]]
    away = torch.linalg.matrix_norm(found - magnitude[..., : found.shape[-1]]) / torch.linalg.matrix_norm(magnitude)
    return 20 * torch.log10(away)
