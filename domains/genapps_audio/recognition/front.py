"""What the models hear of a clip: mel cepstra with their slopes, measured beside what is usual.

Shapes: T' frames of a clip, D numbers a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps_audio.records import Wave
from genapps_audio.signal.mel import cepstra, delta
from genapps_audio.signal.ragged import Bands, log_mels

SHORTEST = 12  # frames; what is shorter is given silence around it
RATES = (4_000, 192_000)
USUAL = 16_000  # samples a second at most, if nobody asks for more
SILENT = 1e-4  # root mean square below which a clip holds no sound
_PRE = 0.97  # pre-emphasis: the share of each sample that is taken from the next
_QUIET = -80.0  # dB of a band beside full scale, below which nothing is told
_LOUD = 10  # one frame of so many is loud
_MARGIN = 3  # frames of quiet that are left around a word


@dataclass(frozen=True)
class Front:
    """rate: samples a second that all clips are brought to. window, hop: seconds a frame, and from one to the next.

    bands: of the mel scale, from `low` Hz up. cepstra: how many of them. width: frames that a slope is taken over.
    silence: dB below the loudest tenth of a clip, beyond which its begin and end are cut off.
    """

    rate: int
    window: float = 0.025
    hop: float = 0.010
    bands: int = 26
    low: float = 60.0
    cepstra: int = 13
    width: int = 5
    silence: float = 30.0

    @property
    def step(self) -> int:
        """Samples from one frame to the next."""
        return max(1, round(self.hop * self.rate))

    @property
    def size(self) -> int:
        """D."""
        return 3 * self.cepstra

    @property
    def shortest(self) -> int:
        """Samples that a clip is brought to at least."""
        return SHORTEST * self.step

    @property
    def mel(self) -> Bands:
        """How a wave becomes mel spectra."""
        window = max(2, round(self.window * self.rate))
        n_fft = 2 ** max(5, (window - 1).bit_length())
        return Bands(self.rate, n_fft, self.step, self.bands, self.low, None, window, htk=True)

    def frames(self, waves: Sequence[Wave]) -> list[Tensor]:
        """(T', D) float32 of each wave (T,): cepstra, their slopes, and the slopes of these.

        The first cepstrum, which is loudness, is told beside the clip's loudest tenth.
        """
        lifted = [_lifted(self.word(wave)) for wave in waves]
        return [self._frames(mel) for mel in log_mels(lifted, self.mel, top_db=None)]

    def word(self, wave: Wave) -> Wave:
        """A wave (T,) without the silence at its ends, some put around it where it is too short."""
        values = np.asarray(wave, np.float32)
        count = len(values) // self.step
        if count >= SHORTEST:
            power = np.square(values[: count * self.step].reshape(count, -1), dtype=np.float64).mean(1)
            level = 10 * np.log10(power + 1e-10)
            loud = np.sort(level)[-max(1, count // _LOUD)]
            heard = np.flatnonzero(level > loud - self.silence)
            values = values[max(heard[0] - _MARGIN, 0) * self.step : (heard[-1] + _MARGIN + 1) * self.step]
        lacking = max(0, self.shortest - len(values))
        return np.pad(values, (lacking // 2, lacking - lacking // 2))

    def _frames(self, mel: Tensor) -> Tensor:
        nepers = mel.clamp_min(_QUIET) * (np.log(10) / 10)
        found = cepstra(nepers[None], self.cepstra)
        slopes = delta(found, self.width)
        both = torch.cat([found, slopes, delta(slopes, self.width)], 1)[0].T.contiguous()
        both[:, 0] -= both[:, 0].topk(max(1, len(both) // _LOUD)).values.mean()
        return both

    def to_json(self) -> dict[str, Any]:
        """The fields by name; `Front(**json)` is the way back."""
        return asdict(self)


def _lifted(values: Wave) -> Wave:
    """Pre-emphasised."""
    return np.concatenate([values[:1], values[1:] - np.float32(_PRE) * values[:-1]])


@dataclass(frozen=True)
class Usual:
    """What frames are usually like: their mean (D,), and their variance (D,) within a clip.

    weight: as how many frames of a clip that counts. The mean of a word of one vowel is that vowel: taking all of it
    away, as the mean of long recordings is, leaves "two" and "four" alike (maximum a posteriori, as Reynolds, Quatieri
    and Dunn 2000 adapt means).
    """

    mean: Tensor
    variance: Tensor
    weight: float

    @classmethod
    def of(cls, frames: Sequence[Tensor], weight: float) -> Usual:
        """Of clips of frames (T', D)."""
        mean = torch.cat(list(frames)).mean(0)
        variance = torch.stack([one.var(0, correction=0) for one in frames]).mean(0)
        return cls(mean, variance.clamp_min(1e-6), weight)

    def apply(self, frames: Sequence[Tensor]) -> list[Tensor]:
        """The frames (T', D) of clips, each measured beside its own clip and what is usual."""
        return [self._measured(one) for one in frames]

    def _measured(self, one: Tensor) -> Tensor:
        mean = (one.sum(0) + self.weight * self.mean) / (len(one) + self.weight)
        return (one - mean) / self.variance.sqrt()
