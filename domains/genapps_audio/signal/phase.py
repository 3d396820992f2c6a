"""Waves from magnitudes alone: phases that agree with one another, found by going to and fro."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genapps_audio.signal.spectra import istft, stft


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

    Griffin and Lim's algorithm (1984) with the momentum of Perraudin, Balazs and Søndergaard (2013), from random
    phases. generator: where those come from; a fixed seed if none is given. start: phases to begin with instead,
    (B, F, T') radians.
    """
    if start is None:
        generator = generator or torch.Generator(device=magnitude.device).manual_seed(0)
        start = torch.rand(magnitude.shape, generator=generator, device=magnitude.device, dtype=magnitude.dtype)
        start = start * (2 * math.pi)
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


def spectral_convergence(
    wave: Tensor, magnitude: Tensor, n_fft: int, hop: int | None = None, window: Tensor | int | None = None
) -> Tensor:
    """(B,) in dB: how far magnitudes of waves (B, T) are from those asked (B, F, T'); lower is nearer.

    20 log10 of the Frobenius norm of the difference over that of what was asked (Sturmel and Daudet 2011).
    """
    found = stft(wave, n_fft, hop, window).abs()[..., : magnitude.shape[-1]]
    away = torch.linalg.matrix_norm(found - magnitude[..., : found.shape[-1]]) / torch.linalg.matrix_norm(magnitude)
    return 20 * torch.log10(away)
