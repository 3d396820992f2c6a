"""Files of any length, a block in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genapps_audio.reading.decoding import at_rate, open_sound, read_block
from genapps_audio.reading.limits import LIMITS, AudioLimits
from genapps_audio.records import Unreadable, Wave, downmixed


@dataclass(frozen=True)
class Block:
    """A piece of a long recording: where it begins, in seconds, and its samples (T, C)."""

    start: float
    wave: Wave
    rate: int

    @property
    def mono(self) -> Wave:
        """(T,): its channels as one, as `downmixed` does."""
        return downmixed(self.wave)


def stream(
    path: str | Path,
    seconds: int = 60,
    *,
    rate: int | None = None,
    mono: bool = False,
    limits: AudioLimits = LIMITS,
) -> Iterator[Block]:
    """A file as blocks of so many whole seconds, the last as long as it is; laid end to end they are the file.

    rate: brought to so many samples a second, each block with a second of what is around it, so that no seam is heard.
    Samples that are no numbers become zero; what lies beyond full scale stays, as the peak of what comes is not known.
    A damaged file ends where it is damaged. Raises Unreadable, before the first block, as `read_clip` does.
    """
    place = Path(path)
    sound = open_sound(place, limits, whole=False)
    own, channels = int(sound.samplerate), int(sound.channels)
    if seconds < 1 or (seconds + 2) * own * channels > limits.values:
        sound.close()
        raise Unreadable(f"blocks of {seconds} s in {channels} channels at {own:,} Hz are none, or larger than is read")
    return _blocks(sound, seconds, rate or own, mono)


def _blocks(sound: Any, seconds: int, rate: int, mono: bool) -> Iterator[Block]:
    with sound:
        own, start = int(sound.samplerate), 0
        nothing = np.zeros((0, 1 if mono else sound.channels), np.float32)
        before, block = nothing, _read(sound, seconds * own, mono)
        while len(block):
            after = _read(sound, seconds * own, mono)
            if rate == own:
                wave = block
            else:
                around = np.concatenate([before, block, after[:own]])
                first, wanted = len(before) * rate // own, -(-len(block) * rate // own)
                wave = at_rate(around, own, rate)[first : first + wanted]
            yield Block(float(start), wave, rate)
            before, block, start = block[-own:], after, start + seconds


def _read(sound: Any, count: int, mono: bool) -> Wave:
    try:
        wave = read_block(sound, count)
    except (soundfile.SoundFileError, RuntimeError):
        wave = np.zeros((0, sound.channels), np.float32)
    wave = np.nan_to_num(wave, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return downmixed(wave)[:, None] if mono else wave
