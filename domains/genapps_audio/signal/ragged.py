"""Features of many clips of any lengths: those of about one length are padded and go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps_audio.signal.mel import cepstra, delta, mel_filters, power_to_db
from genapps_audio.signal.spectra import energy, frame_count, stft

_SAMPLES = 2**18  # of one batch: its spectrum stays in the processor's cache, and memory small
_WASTE = 1.1  # padded samples for one of sound

Waves = Sequence[Any]  # of (T,) float32, arrays or tensors


@dataclass(frozen=True)
class Bands:
    """How a wave becomes mel spectra. n_fft, hop: samples. fmin, fmax: Hz. window: samples of Hann's, n_fft if None."""

    rate: int
    n_fft: int = 512
    hop: int = 128
    n_mels: int = 40
    fmin: float = 0.0
    fmax: float | None = None
    window: int | None = None
    htk: bool = False

    def filters(self) -> Tensor:
        """(n_mels, n_fft // 2 + 1)."""
        return mel_filters(self.rate, self.n_fft, self.n_mels, self.fmin, self.fmax, self.htk)

    def frames(self, samples: int) -> int:
        """Frames of so many samples."""
        return frame_count(samples, self.hop)

    def to_json(self) -> dict[str, Any]:
        """The fields by name; `Bands(**json)` is the way back."""
        return dict(vars(self))


def groups(lengths: Sequence[int], most: int = _SAMPLES) -> Iterator[list[int]]:
    """Indices of clips that make one padded batch of at most `most` samples, or of one clip: shortest first."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batch: list[int] = []
    held = 0
    for i in order:
        longest = max(1, lengths[i])
        wasteful = longest * (len(batch) + 1) > _WASTE * (held + longest) + 1024
        if batch and (longest * (len(batch) + 1) > most or wasteful):
            yield batch
            batch, held = [], 0
        batch.append(i)
        held += longest
    if batch:
        yield batch


def padded(waves: Waves, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(B, T) float32 of those waves, zeros after their ends, and their lengths (B,)."""
    chosen = [np.asarray(waves[i], np.float32) for i in indices]
    lengths = torch.tensor([len(one) for one in chosen])
    batch = np.zeros((len(chosen), max(1, int(lengths.max()))), np.float32)
    for row, one in zip(batch, chosen, strict=True):
        row[: len(one)] = one
    return torch.from_numpy(batch), lengths


def log_mels(waves: Waves, bands: Bands, top_db: float | None = 80.0) -> list[Tensor]:
    """(n_mels, T') in dB of each wave, in their order, each as if it came alone."""
    return _each(waves, bands, lambda mel, _: mel, top_db)


def mfccs(
    waves: Waves, bands: Bands, n_mfcc: int = 13, deltas: int = 0, width: int = 9, top_db: float | None = 80.0
) -> list[Tensor]:
    """(n_mfcc (1 + deltas), T') of each wave: cepstra, then their first and second slopes over `width` frames."""

    def made(mel: Tensor, frames: Tensor) -> Tensor:
        found = cepstra(mel, n_mfcc)
        slopes = (delta(found, width, order, frames) for order in range(1, deltas + 1))
        return torch.cat([found, *slopes], dim=1)

    return _each(waves, bands, made, top_db)


def _each(waves: Waves, bands: Bands, made: Callable[[Tensor, Tensor], Tensor], top_db: float | None) -> list[Tensor]:
    found: dict[int, Tensor] = {}
    filters = bands.filters()
    for indices in groups([len(wave) for wave in waves]):
        batch, lengths = padded(waves, indices)
        mel = filters @ energy(stft(batch, bands.n_fft, bands.hop, bands.window))
        frames = 1 + lengths // bands.hop
        # Frames beyond a clip's end hold its tail: they must not decide how loud it is at most.
        beyond = torch.arange(mel.shape[-1])[None] >= frames[:, None]
        decibels = power_to_db(mel.masked_fill_(beyond[:, None], 0.0), top_db=top_db)
        ready = made(decibels, frames)
        for row, i, count in zip(ready, indices, frames.tolist(), strict=True):
            found[i] = row[:, :count]
    return [found[i] for i in range(len(waves))]
