"""What changes the spectrum of a whole wave: filters without delay, equalisers, bands left out, and rooms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from genapps_audio.augmentation.rows import Rows
from genapps_audio.signal.resampling import smooth

_ORDER = 4  # of the Butterworth responses
_EDGE = 20.0  # Hz: deviation of the edges of a band that is left out, so smooth that they ring for 50 ms only


def filtered(rows: Rows, response: Tensor, tail: int = 0) -> Rows:
    """Rows whose spectra are multiplied by responses (B, F), real or complex, F = `bins(rows, tail)`."""
    size = _size(rows, tail)
    found = torch.fft.irfft(torch.fft.rfft(rows.wave, size) * response, size)
    return rows.put(found[:, : rows.wave.shape[1]])


def frequencies(rows: Rows, tail: int = 0) -> Tensor:
    """(F,) Hz of the bins of `filtered`; a tail of so many samples is kept from the beginning."""
    found: Tensor = torch.fft.rfftfreq(_size(rows, tail), 1 / rows.rate)
    return found


def _size(rows: Rows, tail: int) -> int:
    return smooth(rows.wave.shape[1] + max(tail, rows.rate // 20))


def lowpass(rows: Rows, hertz: Tensor) -> Rows:
    """Without what is above (B,) Hz: 3 dB down there, 24 dB an octave beyond."""
    return filtered(rows, _low(frequencies(rows)[None] / hertz[:, None]))


def highpass(rows: Rows, hertz: Tensor) -> Rows:
    """Without what is below (B,) Hz."""
    return filtered(rows, _low(hertz[:, None] / frequencies(rows)[None].clamp_min(1e-3)))


def bandpass(rows: Rows, low: Tensor, high: Tensor) -> Rows:
    """With what is between only."""
    return highpass(lowpass(rows, high), low)


def _low(ratio: Tensor) -> Tensor:
    return (1 + ratio.clamp_max(1e4) ** (2 * _ORDER)).rsqrt()


def equalized(rows: Rows, hertz: Tensor, decibels: Tensor) -> Rows:
    """Louder by decibels (B, K) around frequencies (B, K), over about an octave to both sides."""
    octaves = (frequencies(rows).clamp_min(1.0)[None, None] / hertz[:, :, None]).log2()
    curve = (decibels[:, :, None] * torch.exp(-0.5 * octaves.square())).sum(1)
    return filtered(rows, 10 ** (curve / 20))


def without_band(rows: Rows, low: Tensor, high: Tensor) -> Rows:
    """Without what is between (B,) and (B,) Hz."""
    hertz = frequencies(rows)[None]
    below, above = ((side / (_EDGE * 2**0.5)) for side in (low[:, None] - hertz, hertz - high[:, None]))
    return filtered(rows, 1 + 0.5 * (torch.erf(below) + torch.erf(above)))


def room(rate: int, seconds: float, seed: int) -> Tensor:
    """(T,) the response of a room made up: noise that is 60 dB down after so many seconds, high tones sooner.

    The first sample is the direct sound, of power one; so is the rest altogether.
    """
    samples = max(2, round(rate * seconds))
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(samples, dtype=torch.float64) / rate
    noise = torch.randn(samples, generator=generator, dtype=torch.float64)
    dull = torch.cat([noise[:1], 0.5 * noise[1:] + 0.5 * noise[:-1]])
    fade = (time / seconds).clamp(0, 1)
    tail = (noise * (1 - fade) + dull * fade) * torch.exp(-math.log(1000) * time / seconds)
    tail[0] = 0
    response: Tensor = tail / tail.norm().clamp_min(1e-12)
    response[0] = 1
    return response.float()


def reverberant(rows: Rows, seconds: Sequence[float], wet: Tensor, seeds: Sequence[int]) -> Rows:
    """In rooms of these times of reverberation, their sound so many dB (B,) beside the direct one; power is kept."""
    rooms = [room(rows.rate, time, seed) for time, seed in zip(seconds, seeds, strict=True)]
    longest = max(map(len, rooms))
    responses = torch.nn.utils.rnn.pad_sequence(rooms, batch_first=True)
    responses[:, 1:] *= (10 ** (wet / 20))[:, None]
    size = _size(rows, longest)
    found = filtered(rows, torch.fft.rfft(responses, size), longest)
    scale = (rows.power() / found.power().clamp_min(1e-30)).sqrt()
    return rows.put(found.wave * scale[:, None].float())
