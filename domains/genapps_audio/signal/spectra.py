"""Short-time Fourier transforms of batches of waves, and back."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=64)
def hann(length: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """(length,): the periodic Hann window, rounded once from double precision as librosa has it."""
    return torch.hann_window(length, periodic=True, dtype=torch.float64).to(dtype)


def padded_window(window: Tensor | int | None, n_fft: int, like: Tensor) -> Tensor:
    """(n_fft,): a window, or Hann's of a length, in the middle of zeros; Hann's of n_fft if none is given."""
    real = torch.float64 if like.dtype in (torch.float64, torch.complex128) else torch.float32
    if not isinstance(window, Tensor):
        window = hann(n_fft if window is None else window, real)
    left = (n_fft - len(window)) // 2
    return torch.nn.functional.pad(window, (left, n_fft - len(window) - left)).to(like.device, real)


def energy(spectrum: Tensor) -> Tensor:
    """The squared magnitude of each value of a complex spectrum."""
    return spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)


def frame_count(samples: int, hop: int) -> int:
    """Frames of a centred transform of so many samples."""
    return 1 + samples // hop


def stft(wave: Tensor, n_fft: int, hop: int | None = None, window: Tensor | int | None = None) -> Tensor:
    """Complex spectra (B, F, T') of waves (B, T), F = n_fft // 2 + 1 and T' = 1 + T // hop; (F, T') of one wave (T,).

    Frames are centred at multiples of hop (n_fft // 4 if not given), with zeros beyond the ends. window: samples of
    one, or the length of Hann's; n_fft of Hann's if not given.
    """
    shape = padded_window(window, n_fft, wave)
    return torch.stft(
        wave, n_fft, hop or n_fft // 4, window=shape, center=True, pad_mode="constant", return_complex=True
    )


def istft(
    spectrum: Tensor, n_fft: int, hop: int | None = None, window: Tensor | int | None = None, length: int | None = None
) -> Tensor:
    """Waves (B, length) whose `stft` is nearest to spectra (B, F, T') in squares (Griffin and Lim 1984, equation 6).

    length: hop (T' - 1) if not given; longer ones end in zeros.
    """
    step = hop or n_fft // 4
    frames = torch.fft.irfft(spectrum.transpose(-1, -2), n_fft)
    shape = padded_window(window, n_fft, spectrum)
    total = n_fft + step * (frames.shape[-2] - 1)
    wave = overlap_add(frames * shape, step)
    weight = overlap_add((shape * shape).expand(frames.shape[-2], n_fft), step)
    half = n_fft // 2
    wanted = step * (frames.shape[-2] - 1) if length is None else length
    end = min(total, half + wanted)
    wave = wave[..., half:end] / weight[half:end].clamp_min(torch.finfo(weight.dtype).tiny)
    # Where no window reaches, numerator and weight are both nothing: that is silence.
    wave = torch.where(weight[half:end] > 1e-10, wave, torch.zeros((), dtype=wave.dtype, device=wave.device))
    return torch.nn.functional.pad(wave, (0, wanted - wave.shape[-1]))


def overlap_add(frames: Tensor, hop: int) -> Tensor:
    """Waves (..., hop (N - 1) + L) in which frames (..., N, L) begin hop samples apart and are added."""
    *lead, count, length = frames.shape
    total = length + hop * (count - 1)
    columns = frames.reshape(-1, count, length).transpose(1, 2)
    added = torch.nn.functional.fold(columns, (1, total), (1, length), stride=(1, hop))
    return added.reshape(*lead, total)


def frames_of(wave: Tensor, length: int, hop: int) -> Tensor:
    """(..., N, length): pieces of waves (..., T) that begin hop samples apart; none if T < length."""
    if wave.shape[-1] < length:
        return wave.new_zeros(*wave.shape[:-1], 0, length)
    return wave.unfold(-1, length, hop)
