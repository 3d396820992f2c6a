"""Words of a small synthesiser: sounds one after the other, each a pulse train with two formants, by several voices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps_audio.recognition.front import Front
from genapps_audio.recognition.learning import Held, Learnt, Settings, learn
from genapps_audio.recognition.words import Shape
from genapps_audio.records import Wave

RATE = 8000
# First and second formants in Hz of a word's sounds, one after the other.
WORDS = {
    "aio": ((750, 1300), (300, 2200), (450, 900)),
    "oia": ((450, 900), (300, 2200), (750, 1300)),
    "uau": ((320, 800), (750, 1300), (320, 800)),
}
OTHER = ((300, 2600), (300, 2600), (300, 3400))


def word(formants: tuple[tuple[int, int], ...], draw: np.random.Generator, pitch: float, size: float = 1.0) -> Wave:
    """(T,) about 0.35 s of a word said at a pitch in Hz; size scales the formants, as a vocal tract does."""
    parts = []
    for pair in formants:
        time = np.arange(int(RATE * draw.uniform(0.09, 0.14))) / RATE
        harmonics = np.arange(1, int(3800 / pitch)) * pitch * draw.uniform(0.97, 1.03)
        bumps = [np.exp(-0.5 * ((harmonics - size * middle) / 120) ** 2) for middle in pair]
        parts.append(((bumps[0] + 0.6 * bumps[1])[:, None] * np.sin(2 * np.pi * harmonics[:, None] * time)).sum(0))
    wave = np.concatenate(parts)
    ends = np.minimum(np.arange(len(wave)), np.arange(len(wave))[::-1])
    wave *= np.minimum(1, ends / (0.02 * RATE))
    return (0.3 * wave / np.abs(wave).max() + 0.002 * draw.normal(size=len(wave))).astype(np.float32)


def said(count: int, seed: int = 0, voices: int = 3) -> tuple[list[Wave], list[int], list[str]]:
    """Waves, labels and voices: `count` clips of each word by each voice."""
    draw = np.random.default_rng(seed)
    waves, labels, names = [], [], []
    for voice in range(voices):
        for label, formants in enumerate(WORDS.values()):
            for _ in range(count):
                waves.append(word(formants, draw, 90 + 45 * voice, 0.94 + 0.06 * voice))
                labels.append(label)
                names.append(f"v{voice}")
    return waves, labels, names


@pytest.fixture(scope="session")
def synthesiser() -> Callable[..., tuple[list[Wave], list[int], list[str]]]:
    """Makes waves, labels and voices."""
    return said


@pytest.fixture(scope="session")
def learnt() -> tuple[Learnt, Held]:
    """Three words of three voices, 6 clips each, and what held-out voices said."""
    waves, labels, voices = said(6)
    settings = Settings(Shape(states=6, rounds=4, bag=4))
    found = learn(waves, labels, tuple(WORDS), voices, Front(RATE), settings, lambda *_: None)
    assert found.held is not None
    return found, found.held


@pytest.fixture(scope="session")
def foreign() -> list[Tensor]:
    """Frames of sounds that are none of the words: another word, noise, and a chirp."""
    draw = np.random.default_rng(5)
    noise = (0.1 * draw.normal(size=3000)).astype(np.float32)
    time = np.arange(3000) / RATE
    chirp = (0.2 * np.sin(2 * np.pi * (200 + 4000 * time) * time)).astype(np.float32)
    return Front(RATE).frames([word(OTHER, draw, 120), noise, chirp])


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
