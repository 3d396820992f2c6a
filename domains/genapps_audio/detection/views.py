"""What members see of a clip: a picture of it in mel bands, and numbers that sum it up in four ways.

The numbers are those by which people tell sounds like rain, engines and ticking clocks apart when each is made anew:
envelopes of bands, how they fluctuate at which pace, and which of them move together (McDermott and Simoncelli, "Sound
texture perception via statistics of the auditory periphery", Neuron 2011), beside the mean and spread of the cepstrum.
None of them depends on how loud the clip is; that is a fifth view by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from genapps_audio.signal.mel import cepstra, mel_edges, mel_filters
from genapps_audio.signal.spectra import stft

BANDS = 64
STEP = 0.032  # seconds from one frame to the next; a frame is two long
LOWEST = 50.0  # Hz
FLOOR = 60.0  # dB below the loudest cell of a clip that are told from nothing
LEAST = -50.0  # dB beside a clip's mean power, likewise
SILENT = 1e-10  # power of what is nothing
VIEWS = ("spectrum", "timbre", "modulation", "texture", "level")

_CEPSTRA = 20
_WIDE, _WIDER = 8, 4  # bands joined to as many for texture and modulation
_PACES = (0.4, 1.0, 2.0, 4.0, 8.0, 16.0)  # Hz, between which fluctuations are summed
_LAGS = (1, 2, 4, 8, 16)  # frames


@dataclass(frozen=True)
class View:
    """One clip: cells (T, 64) of the frames within it, in dB beside its mean power; each of `VIEWS` as numbers (D,)."""

    cells: Tensor
    numbers: dict[str, Tensor]


def frame_sizes(rate: int) -> tuple[int, int]:
    """Samples of a frame and from one to the next: 64 and 32 ms, in whole multiples that a transform likes."""
    hop = max(16, round(rate * STEP / 16) * 16)
    return 2 * hop, hop


def band_edges(rate: int) -> Tensor:
    """(66,) Hz: band k reaches from its k-th to its k+2-nd, with its middle between."""
    return mel_edges(BANDS, LOWEST, rate / 2, htk=True)


def view(wave: Tensor, rate: int) -> View:
    """Of a wave (T,). Frame k is about what sounds k + 1 steps after the begin."""
    n_fft, hop = frame_sizes(rate)
    power = torch.view_as_real(stft(wave[None].float(), n_fft, hop)).square().sum(-1)[0]
    if power.shape[1] > 2:
        power = power[:, 1:-1]  # the first and the last hear what is beyond the ends: nothing
    mel = (mel_filters(rate, n_fft, BANDS, LOWEST, htk=True) @ power).T.double() / n_fft
    decibels = 10 * torch.log10(mel.clamp_min(SILENT))
    loudest = decibels.max()
    peaked = (decibels - loudest).clamp_min(-FLOOR)
    level = 10 * math.log10(max(float(wave.double().square().mean()), SILENT))
    middle = 10 * torch.log10(mel.mean().clamp_min(SILENT))
    silent = float(mel.max()) <= SILENT
    cells = torch.full_like(decibels, LEAST) if silent else (decibels - middle).clamp_min(LEAST)
    numbers = {
        "spectrum": torch.cat([cells.mean(0), spread(cells)]),
        "timbre": _timbre(peaked),
        "modulation": modulation(peaked),
        "texture": texture(peaked),
        "level": torch.tensor([level], dtype=torch.float64),
    }
    return View(cells.float(), numbers)


def spread(rows: Tensor) -> Tensor:
    """(D,): deviation of each column of (N, D)."""
    return rows.std(0, correction=0)


def _timbre(cells: Tensor) -> Tensor:
    """(60,): means and spreads of the cepstra, and spreads of their steps."""
    found = cepstra(cells.T, _CEPSTRA).T
    steps = found.diff(dim=0) if len(found) > 1 else torch.zeros_like(found)
    return torch.cat([found.mean(0), spread(found), spread(steps)])


def _joined(cells: Tensor, count: int) -> Tensor:
    """(T, count): neighbouring bands as one, about their mean over time."""
    found = cells.reshape(len(cells), count, -1).mean(2)
    return found - found.mean(0)


def modulation(cells: Tensor) -> Tensor:
    """(20,): how strongly each of four wide bands fluctuates at each pace, as log10 of dB squared."""
    wide = _joined(cells, _WIDER)
    count = len(wide)
    shape = torch.hann_window(count, periodic=True, dtype=wide.dtype)
    power = torch.fft.rfft(wide * shape[:, None], dim=0).abs().square() / count
    paces = torch.fft.rfftfreq(count, STEP)
    sums = [power[(paces >= low) & (paces < high)].sum(0) for low, high in pairwise(_PACES)]
    return torch.log10(1 + torch.stack(sums)).flatten()


def texture(cells: Tensor) -> Tensor:
    """(68,): which of eight bands move together, and how alike each stays to itself after some frames."""
    wide = _joined(cells, _WIDE)
    count, size = len(wide), spread(wide) + 1.0
    together = (wide.T @ wide) / count / torch.outer(size, size)
    later = [
        (wide[lag:] * wide[:-lag]).mean(0) / size.square() if lag < count else torch.zeros_like(size) for lag in _LAGS
    ]
    above = torch.triu_indices(_WIDE, _WIDE, 1)
    return torch.cat([together[above[0], above[1]], *later])
