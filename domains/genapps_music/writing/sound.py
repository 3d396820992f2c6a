"""A small synthesizer: a piece as sound, good enough to hear what it is.

Notes are sums of partials that fade at their own rates, shaped by the family of their General MIDI instrument; drums
are bursts of noise and falling tones. Each different note is computed once.
Source: additive synthesis after J.-C. Risset and M. Mathews, Analysis of musical-instrument tones, 1969.
"""

from __future__ import annotations

import io
import wave as waves
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps_music.score import QUARTER, Note, Part, Score

Wave = NDArray[np.float32]
RATE = 22_050  # samples a second
PEAK = 0.9
LONGEST = 3600.0  # seconds
_TAIL = 0.3  # seconds of silence behind the last note
_DRUM = 0.4  # seconds of a drum


@dataclass(frozen=True)
class Timbre:
    """How an instrument sounds.

    slope: partial k has the strength k ** -slope. partials: how many. odd: only odd ones. attack, release: seconds to
    come and to go. decay: seconds in which the first partial falls to 1/e, 0 for tones that last; partial k falls
    k ** bright times as fast. vibrato: in semitones.
    """

    slope: float = 1.2
    partials: int = 10
    odd: bool = False
    attack: float = 0.005
    release: float = 0.08
    decay: float = 0.0
    bright: float = 0.7
    vibrato: float = 0.0


# One for each family of eight instruments of General MIDI.
FAMILIES = (
    Timbre(slope=1.3, decay=1.1, release=0.12),  # piano
    Timbre(slope=1.6, partials=5, odd=True, decay=0.7, bright=1.0, release=0.2),  # bells
    Timbre(slope=0.9, partials=8, attack=0.02, release=0.06),  # organ
    Timbre(slope=1.0, decay=0.6, bright=1.0, attack=0.003),  # guitar
    Timbre(slope=1.1, decay=0.8, bright=1.0, attack=0.004),  # bass
    Timbre(slope=1.1, attack=0.06, release=0.12, vibrato=0.10),  # strings
    Timbre(slope=1.5, attack=0.08, release=0.15, vibrato=0.08),  # ensemble and choir
    Timbre(slope=0.8, attack=0.03, release=0.08),  # brass
    Timbre(slope=0.9, odd=True, attack=0.03, release=0.06),  # reed
    Timbre(slope=2.0, partials=5, attack=0.04, release=0.06, vibrato=0.08),  # pipe
    Timbre(slope=1.0, attack=0.01),  # lead
    Timbre(slope=1.4, attack=0.15, release=0.25),  # pad
    Timbre(slope=1.6, attack=0.1, release=0.25, decay=2.0),  # effects
    Timbre(slope=0.9, decay=0.5, bright=1.0, attack=0.003),  # plucked of the world
    Timbre(slope=1.5, partials=5, odd=True, decay=0.25, attack=0.003),  # struck
    Timbre(slope=2.0, partials=3, decay=0.4),  # noises
)


def render(score: Score, rate: int = RATE) -> Wave:
    """The sound (T,) of a piece at `rate` samples a second, its peak 0.9; no samples beyond it, no randomness.

    Raises InputError for a piece of more than an hour.
    """
    second = score.tempo / 60 * QUARTER
    seconds = score.end / second + _TAIL
    if seconds > LONGEST:
        raise InputError(f"{score.name or 'this piece'}: lasts {seconds / 60:,.0f} minutes; sound is made of up to 60")
    longest = max([_DRUM, *(timbre.release for timbre in FAMILIES)])
    sound = np.zeros(int((seconds + longest) * rate) + 1, np.float32)
    for part in score.parts:
        for note in part.notes:
            tone = _tone(part, note, note.duration / second, rate)
            begin = int(note.onset / second * rate)
            end = min(begin + len(tone), len(sound))
            sound[begin:end] += tone[: end - begin] * np.float32((note.velocity / 127) ** 1.5)
    sound = sound[: int(np.ceil(seconds * rate))]
    peak = float(np.abs(sound).max())
    if peak == 0:
        return sound
    return _ended(sound * np.float32(PEAK / peak), rate)


def wave_bytes(sound: Wave, rate: int) -> bytes:
    """A WAV file of 16 bits of a sound (T,) in -1..1."""
    buffer = io.BytesIO()
    with waves.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _ended(sound: Wave, rate: int) -> Wave:
    """Nothing sounds on behind the end."""
    fade = min(int(0.02 * rate), len(sound))
    if fade:
        sound[-fade:] *= _rise(fade)[::-1]
    return sound


def _tone(part: Part, note: Note, seconds: float, rate: int) -> Wave:
    if part.drums:
        return _drum(note.pitch, rate)
    # Long ones are made anew each time, as many of them would take much room.
    make = _sounding if seconds < 4 else _sounding.__wrapped__
    return make(part.program // 8, note.pitch, round(seconds * rate), rate)


def _rise(samples: int) -> Wave:
    """From 0 to 1 without a corner, (samples,)."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1)), np.float32)


@lru_cache(maxsize=512)
def _sounding(family: int, pitch: int, samples: int, rate: int) -> Wave:
    """One note, (T,): `samples` and then its release."""
    timbre = FAMILIES[family]
    release = max(int(timbre.release * rate), 1)
    time = np.arange(samples + release, dtype=np.float32) / np.float32(rate)
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    phase = (2 * np.pi * frequency) * time.astype(np.float64)
    if timbre.vibrato:
        depth = frequency * (2 ** (timbre.vibrato / 12) - 1) / 5.0
        phase += depth * (1 - np.cos(2 * np.pi * 5.0 * time)) * np.minimum(time / 0.4, 1)
    step = 2 if timbre.odd else 1
    tone = np.zeros(len(time), np.float32)
    for partial in range(1, step * timbre.partials + 1, step):
        if partial * frequency * 1.02 > rate / 2:
            break
        strength = np.float32(partial**-timbre.slope)
        one = np.sin((phase * partial) % (2 * np.pi), dtype=np.float64).astype(np.float32)
        if timbre.decay:
            one *= np.exp(time * np.float32(-(partial**timbre.bright) / timbre.decay * 2 ** ((pitch - 60) / 24)))
        tone += strength * one
    attack = min(max(int(timbre.attack * rate), 8), len(tone) - release or 1)
    tone[:attack] *= _rise(attack)
    tone[-release:] *= _rise(release)[::-1]
    # What is low is heard as softer than it is.
    tone *= np.float32(0.25 * 2 ** ((60 - pitch) / 48))
    tone.setflags(write=False)
    return tone


@lru_cache(maxsize=64)
def _drum(pitch: int, rate: int) -> Wave:
    """One stroke, (T,): bass drums and toms fall in pitch, snares are noise and a tone, cymbals high noise."""
    time = np.arange(int(_DRUM * rate)) / rate
    noise = np.random.default_rng(pitch).standard_normal(len(time)) * 0.3
    high = np.diff(noise, prepend=0.0)
    if pitch in (35, 36, 41, 43, 45, 47, 48, 50):
        base = 50.0 if pitch < 37 else 60.0 + 8 * (pitch - 41)
        tone = np.sin(2 * np.pi * (base * time + base * 0.08 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.12)
    elif pitch in (37, 38, 39, 40):
        tone = 0.6 * noise * np.exp(-time / 0.08) + 0.5 * np.sin(2 * np.pi * 190 * time) * np.exp(-time / 0.06)
    else:
        open_ = pitch in (46, 49, 51, 52, 53, 55, 57, 59)
        tone = 0.5 * high * np.exp(-time / (0.15 if open_ else 0.03))
    rise, fall = max(int(0.002 * rate), 4), int(0.05 * rate)
    tone[:rise] *= _rise(rise)
    tone[-fall:] *= _rise(fall)[::-1]
    made = np.asarray(0.6 * tone, np.float32)
    made.setflags(write=False)
    return made
