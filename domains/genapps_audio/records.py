"""What goes from room to room: a clip that could be read, or the reason why it could not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]


_CANCELLED = 0.01  # of the power of the louder channel, below which the mean of channels is none of their sound


def cancels(wave: Wave) -> bool:
    """Whether the mean of channels (T, C) is silence, as where a cable with swapped wires inverts one of two."""
    if wave.shape[1] == 1 or not len(wave):
        return False
    mean = wave.mean(1, dtype=np.float32)
    return float(np.dot(mean, mean)) < _CANCELLED * max(float(np.dot(one, one)) for one in wave.T)


def downmixed(wave: Wave) -> Wave:
    """(T,): the mean of channels (T, C); the loudest of them where they cancel each other."""
    if wave.shape[1] == 1:
        return wave[:, 0]
    if not cancels(wave):
        mean: Wave = wave.mean(1, dtype=np.float32)
        return mean
    return np.ascontiguousarray(wave[:, int(np.square(wave).sum(0).argmax())])


@dataclass(frozen=True)
class Clip:
    """One recording.

    name: where it is from, the path below the folder. wave: (T, C) in -1..1, C channels. rate: samples a second.
    label: the class, where there are classes. kind: format as it was stored, such as "WAV, 24 bit". notes: what was
    done to read it.
    """

    name: str
    wave: Wave
    rate: int
    label: str | None = None
    kind: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.wave) / self.rate

    @property
    def mono(self) -> Wave:
        """(T,): its channels as one, as `downmixed` does."""
        return downmixed(self.wave)


@dataclass(frozen=True)
class Skipped:
    """A file that is no clip that could be used, and why."""

    name: str
    reason: str


class Unreadable(ValueError):
    """Why one file is no clip; its text is the reason that people are told."""
