"""Another number of samples a second, for batches of waves, by way of their whole spectrum."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_PASS = 0.94  # of half the lower rate: kept as it is; above, a cosine leads down to nothing at the half itself
_MARGIN = 0.05  # seconds of zeros at both ends, so that the end does not ring into the beginning


def resample(wave: Tensor, rate: int, new_rate: int) -> Tensor:
    """Waves (..., ceil(T new_rate / rate)) at the new rate of waves (..., T).

    The spectrum of the whole wave is cut, or filled up with zeros, and what is left of it transformed back: a filter
    without aliases, flat to 94 % of half the lower rate. Raises ValueError for rates that are not positive.
    """
    if rate <= 0 or new_rate <= 0:
        raise ValueError(f"from {rate} to {new_rate} samples a second; both must be positive")
    samples = wave.shape[-1]
    if rate == new_rate or not samples:
        return wave
    shared = math.gcd(rate, new_rate)
    old, new = rate // shared, new_rate // shared
    wanted = -(-samples * new // old)
    # A whole number of periods at both rates, and of those a number that a fast transform likes.
    margin = -(-int(_MARGIN * rate) // old)
    periods = smooth(margin * 2 + -(-samples // old))
    spectrum = torch.fft.rfft(torch.nn.functional.pad(wave, (margin * old, (periods - margin) * old - samples)))
    kept = periods * min(old, new) // 2 + 1
    gain = _response(kept, wave)
    spectrum = spectrum[..., :kept] * gain
    target = periods * new
    spectrum = torch.nn.functional.pad(spectrum, (0, target // 2 + 1 - kept)) if new > old else spectrum
    found: Tensor = torch.fft.irfft(spectrum, target)[..., margin * new : margin * new + wanted]
    return found * (new / old)


def resample_by(wave: Tensor, ratio: float, wanted: int) -> Tensor:
    """Samples (wanted,) of a wave (T,) read at another pace: about T ratio of them sound, the rest is silent.

    For ratios that no whole rates have; exact to half a sample of the whole.
    """
    margin = smooth(len(wave) // 20 + 64)
    size = smooth(len(wave) + 2 * margin)
    target = max(2, round(size * ratio))
    spectrum = torch.fft.rfft(torch.nn.functional.pad(wave, (0, size - len(wave))))
    kept = min(size, target) // 2 + 1
    spectrum = spectrum[:kept] * _response(kept, wave)
    found = torch.fft.irfft(spectrum, target)[:wanted] * (target / size)
    return torch.nn.functional.pad(found, (0, wanted - len(found)))


def _response(bins: int, like: Tensor) -> Tensor:
    place = torch.linspace(0, 1, bins, dtype=torch.float64, device=like.device)
    fall: Tensor = ((place - _PASS) / (1 - _PASS)).clamp(0, 1)
    return (0.5 + 0.5 * torch.cos(math.pi * fall)).to(like.dtype)


def smooth(least: int) -> int:
    """The smallest number not below it that has no prime factor above 5."""
    best = 1 << (least - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            best = min(best, three << (-(-least // three) - 1).bit_length())
            three *= 3
        five *= 5
    return best
