"""Variants of many clips at once; each depends on its clip and its steps alone, not on what it is made with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps_audio.augmentation.rows import Rows
from genapps_audio.augmentation.steps import Backgrounds, Step, applied
from genapps_audio.reading.clips import open_clips
from genapps_audio.records import Clip, Wave
from genapps_audio.signal.resampling import resample

AT_ONCE = 2**20  # samples that are transformed together
_FULL = 0.999  # of full scale, which no variant goes over
_MOST_BEHIND = 600.0  # seconds of backgrounds that are kept


@dataclass(frozen=True)
class Variant:
    """wave: (T, C). scale: what all samples were multiplied with, 1 where none went over full scale."""

    wave: Wave
    scale: float


@dataclass
class Behind:
    """Clips of a folder that are heard behind others, at whatever rate; the first ten minutes of them."""

    folder: str
    _rates: dict[int, Backgrounds] = field(default_factory=dict)

    def at(self, rate: int) -> Backgrounds:
        """At a rate. Raises InputError where the folder holds no clip with sound in it."""
        if rate not in self._rates:
            waves: dict[str, Tensor] = {}
            held = 0.0
            for clip in open_clips(self.folder, rate=rate, mono=True) if self.folder else ():
                if held < _MOST_BEHIND and np.abs(clip.wave).max() > 0:
                    waves[clip.name] = torch.from_numpy(clip.wave[:, 0].copy())
                    held += clip.seconds
            if self.folder and not waves:
                raise InputError(f"{self.folder}: no clip that could be heard behind others")
            self._rates[rate] = Backgrounds(waves)
        return self._rates[rate]


def variants(clips: Sequence[Clip], steps: Sequence[Sequence[Step]], behind: Behind) -> list[Variant]:
    """A variant of each clip by its steps; clips of one rate go together."""
    found: dict[int, Variant] = {}
    for rate in sorted({clip.rate for clip in clips}):
        same = [i for i, clip in enumerate(clips) if clip.rate == rate]
        for part in _parts(same, clips):
            rows = Rows.of(
                [torch.from_numpy(clips[i].wave[:, c].copy()) for i in part for c in _channels(clips[i])], rate
            )
            own = [_of_channel(steps[i], c) for i in part for c in _channels(clips[i])]
            made = iter(applied(rows, own, behind.at(rate)).alone())
            for i in part:
                wave = torch.stack([next(made) for _ in _channels(clips[i])], 1).numpy()
                found[i] = _limited(wave)
    return [found[i] for i in range(len(clips))]


def _channels(clip: Clip) -> range:
    return range(clip.wave.shape[1])


def _of_channel(steps: Sequence[Step], channel: int) -> list[Step]:
    """The steps of one channel: noise of its own in each, all else alike."""
    return [
        replace(one, settings={**one.settings, "channel": channel}) if one.name == "noise" else one for one in steps
    ]


def _parts(indices: Sequence[int], clips: Sequence[Clip]) -> Iterator[list[int]]:
    """Clips of about one length together, so many that memory stays small."""
    part: list[int] = []
    rows = 0
    for i in sorted(indices, key=lambda i: len(clips[i].wave)):
        if part and (rows + clips[i].wave.shape[1]) * len(clips[i].wave) > AT_ONCE:
            yield part
            part, rows = [], 0
        part.append(i)
        rows += clips[i].wave.shape[1]
    if part:
        yield part


def _limited(wave: Wave) -> Variant:
    peak = float(np.abs(wave).max()) if wave.size else 0.0
    scale = _FULL / peak if peak > _FULL else 1.0
    return Variant((wave * np.float32(scale)).astype(np.float32), scale)


def heard(clips: Iterable[Clip], rate: int) -> list[Wave]:
    """(T,) of each, one channel at one rate: what is judged."""
    found = []
    for clip in clips:
        wave = torch.from_numpy(np.ascontiguousarray(clip.mono))
        found.append((wave if clip.rate == rate else resample(wave, clip.rate, rate)).numpy())
    return found
