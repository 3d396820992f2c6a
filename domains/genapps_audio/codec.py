"""Clips as spectrograms of one size, and back: what a model of sounds learns, and waves of what it makes.

A clip becomes its loudness, its length, and a patch: the logarithm of its magnitudes, in decibels beside its loudness,
stretched to as many frames as all have. What a model makes is stretched to a length, given phases (`griffin_lim`) and a
loudness.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from genapps.errors import InputError
from genapps.wording import counted
from genapps_audio.reading.samples import CANCELLED, told_cancelled
from genapps_audio.records import Clip, Skipped, Wave
from genapps_audio.signal.phase import griffin_lim
from genapps_audio.signal.resampling import resample
from genapps_audio.signal.spectra import frames_of, stft

FLOOR = -60.0  # dB beside a clip's loudness, below which nothing is told
SILENT = 1e-4  # root mean square below which a clip holds no sound
PEAK = 0.98  # what no made sample goes over
_WINDOW = 0.032  # seconds that a spectrum is taken of
_AUDIBLE = 38.0  # dB below the loudest moment, where leading and trailing silence begins
_FADE = 0.004  # seconds over which a made clip begins and ends
_MOST_NUMBERS = 2**31  # of all patches together
_AT_ONCE = 2**22  # numbers of spectra that are given phases at once


@dataclass(frozen=True)
class Encoded:
    """A clip as a model sees it.

    patch: (W, F) dB beside its loudness. seconds: of sound, silence at its ends cut off. level: its root mean square.
    cut: seconds of silence and of sound beyond the longest that were left out.
    """

    patch: Tensor
    seconds: float
    level: float
    cut: tuple[float, float]


@dataclass(frozen=True)
class Codec:
    """One rate and one size of spectrograms for all clips.

    rate: samples a second. frames: of a patch. longest: seconds of a clip that are used at most.
    """

    rate: int
    frames: int
    longest: float

    @property
    def n_fft(self) -> int:
        """Samples of a spectrum: the power of two that is nearest to 32 ms."""
        return 1 << max(5, round(math.log2(self.rate * _WINDOW)))

    @property
    def hop(self) -> int:
        """Samples from one spectrum to the next."""
        return self.n_fft // 4

    @property
    def bins(self) -> int:
        """Frequencies of a spectrum, evenly apart."""
        return self.n_fft // 2 + 1

    def encode(self, clip: Clip) -> Encoded:
        """A clip's patch, length and level. Raises InputError where it holds no sound."""
        wave = torch.from_numpy(np.ascontiguousarray(clip.mono))
        if clip.rate != self.rate:
            wave = resample(wave, clip.rate, self.rate)
        sound = trimmed(torch.nan_to_num(wave), self.n_fft, self.hop)
        most = max(self.n_fft, round(self.longest * self.rate))
        silence, beyond = max(0, len(wave) - len(sound)), max(0, len(sound) - most)
        sound = sound[:most]
        level = float(sound.square().mean().sqrt()) if len(sound) else 0.0
        if level < SILENT:
            raise InputError("holds no sound")
        decibels = self.spectrogram(sound / level)
        patch = stretched(decibels[None], self.frames)[0]
        return Encoded(patch, len(sound) / self.rate, level, (silence / self.rate, beyond / self.rate))

    def spectrogram(self, wave: Tensor) -> Tensor:
        """(T', F) dB, none below the floor, of a wave (T,) whose loudness is 1."""
        magnitude = stft(wave, self.n_fft, self.hop).abs() / (self.n_fft / 4)
        return (20 * torch.log10(magnitude.clamp_min(1e-9))).clamp_min(FLOOR).mT

    def decode(
        self, patches: Tensor, seconds: Tensor, levels: Tensor, generator: torch.Generator, *, rounds: int = 48
    ) -> list[Wave]:
        """Waves (T,) of patches (N, W, F) with lengths (N,) in seconds and loudness (N,).

        rounds: of the search for phases. None is clipped: one that would be is made quieter.
        """
        samples = (seconds * self.rate).round().long().clamp_min(self.n_fft)
        waves: list[Wave] = []
        at_once = max(1, _AT_ONCE // (self.bins * (1 + int(samples.max()) // self.hop))) if len(samples) else 1
        for rows in torch.arange(len(patches)).split(at_once):
            waves += self._together(patches[rows], samples[rows], levels[rows], generator, rounds)
        return waves

    def _together(
        self, patches: Tensor, samples: Tensor, levels: Tensor, generator: torch.Generator, rounds: int
    ) -> list[Wave]:
        counts, longest = 1 + samples // self.hop, int(samples.max())
        magnitude = patches.new_zeros(len(patches), self.bins, 1 + longest // self.hop)
        for k, count in enumerate(counts.tolist()):
            decibels = stretched(patches[k : k + 1], count)[0].clamp(FLOOR, 80.0)
            # what lies at the floor is silence and no noise of that loudness
            magnitude[k, :, :count] = torch.where(decibels > FLOOR + 1, 10 ** (decibels / 20), 0.0).mT * self.n_fft / 4
        found = griffin_lim(magnitude, self.n_fft, self.hop, length=longest, rounds=rounds, generator=generator)
        return [
            self._finished(wave[:count], level)
            for wave, count, level in zip(found, samples.tolist(), levels.tolist(), strict=True)
        ]

    def _finished(self, wave: Tensor, level: float) -> Wave:
        """Of the loudness asked for, faded in and out, within what a file can hold."""
        ramp = max(2, round(_FADE * self.rate))
        slope = torch.linspace(0, 1, ramp)
        wave = torch.nan_to_num(wave).clone()
        wave[:ramp] *= slope
        wave[-ramp:] *= slope.flip(0)
        wave = wave * (level / float(wave.square().mean().sqrt().clamp_min(1e-9)))
        wave = wave * min(1.0, PEAK / max(float(wave.abs().max()), 1e-9))
        found: Wave = wave.numpy().astype(np.float32)
        return found

    def to_json(self) -> dict[str, Any]:
        """For a model file."""
        return asdict(self)


@dataclass(frozen=True)
class Batch:
    """Clips as one tensor.

    patches: (N, W, F) dB. seconds, levels: (N,). labels: (N,) numbers of classes, or None. names: (N,). notes: what was
    done to them. skipped: what could not be used.
    """

    patches: Tensor
    seconds: Tensor
    levels: Tensor
    labels: Tensor | None
    names: list[str]
    classes: list[str]
    skipped: list[Skipped]
    notes: list[str]

    def __len__(self) -> int:
        return len(self.patches)

    def take(self, rows: Tensor) -> Batch:
        """Those of these numbers."""
        return Batch(
            self.patches[rows],
            self.seconds[rows],
            self.levels[rows],
            None if self.labels is None else self.labels[rows],
            [self.names[i] for i in rows.tolist()],
            self.classes,
            self.skipped,
            self.notes,
        )


def gather(clips: Iterable[Clip | Skipped], codec: Codec, classes: Sequence[str] = ()) -> Batch:
    """All clips at once. Raises InputError where they would not fit in memory, or there are none.

    classes: their names by number; only those that some clip has are kept, and labels are None for fewer than two.
    """
    number = {name: k for k, name in enumerate(classes)}
    rows, labels, names, skipped, rates, cancelled = [], [], [], [], dict[int, int](), 0
    most = _MOST_NUMBERS // (codec.frames * codec.bins)
    for one in clips:
        if isinstance(one, Skipped):
            skipped.append(one)
            continue
        if number and one.label not in number:
            skipped.append(Skipped(one.name, "of no class, and the others are in folders of theirs"))
            continue
        try:
            rows.append(codec.encode(one))
        except InputError as error:
            skipped.append(Skipped(one.name, str(error)))
            continue
        rates[one.rate] = rates.get(one.rate, 0) + 1
        cancelled += CANCELLED in one.notes
        labels.append(number.get(one.label or "", 0))
        names.append(one.name)
        if len(rows) > most:
            raise InputError(f"more than {most:,} clips at {codec.rate:,} Hz; use a smaller --rate")
    if not rows:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"no clip that can be used{why}")
    kept = sorted(set(labels))
    known = [classes[k] for k in kept] if len(kept) > 1 else []
    return Batch(
        torch.stack([one.patch for one in rows]),
        torch.tensor([one.seconds for one in rows]),
        torch.tensor([one.level for one in rows]),
        torch.tensor([kept.index(label) for label in labels]) if known else None,
        names,
        known,
        skipped,
        [*_done(rows, rates, codec), *told_cancelled(cancelled)],
    )


def trimmed(wave: Tensor, least: int, moment: int) -> Tensor:
    """A wave (T,) without the silence at its ends: moments, of so many samples, 38 dB below its loudest one.

    What is shorter than `least` samples is filled up with silence.
    """
    if len(wave) > moment:
        power = 10 * torch.log10(frames_of(wave, moment, moment).square().mean(1) + 1e-12)
        heard = (power > power.max() - _AUDIBLE).nonzero()[:, 0]
        end = int(heard[-1]) + 1
        wave = wave[int(heard[0]) * moment : len(wave) if end == len(power) else end * moment]
    return functional.pad(wave, (0, max(0, least - len(wave))))


def stretched(patches: Tensor, frames: int) -> Tensor:
    """Patches (N, W, F) with another number of frames, by straight lines between theirs."""
    if patches.shape[1] == frames:
        return patches
    found: Tensor = functional.interpolate(patches.mT, size=frames, mode="linear", align_corners=True).mT
    return found


def _done(rows: Sequence[Encoded], rates: dict[int, int], codec: Codec) -> list[str]:
    """What a person should know of how clips were brought to one form."""
    said = []
    others = {rate: count for rate, count in rates.items() if rate != codec.rate}
    if others:
        told = ", ".join(f"{count:,} at {rate:,} Hz" for rate, count in sorted(others.items()))
        said.append(f"resampled to {codec.rate:,} Hz: {told}")
    cut, beyond = sum(one.cut[0] for one in rows), [one for one in rows if one.cut[1] > 0]
    if cut >= 0.1:
        said.append(f"silence at the ends is left out, {cut / len(rows):.2f} s a clip on average")
    if beyond:
        said.append(f"{counted(len(beyond), 'clip')} longer than {codec.longest:g} s: what is beyond is left out")
    return said
