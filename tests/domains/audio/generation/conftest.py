"""Short tones of two kinds, at 4 kHz: a class of low ones that fade, and a class of high ones that swell."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_audio.codec import Batch, Codec, gather
from genapps_audio.records import Clip

RATE = 4000
CODEC = Codec(RATE, 16, 0.5)


def tone(kind: str, draws: np.random.Generator, rate: int = RATE) -> Clip:
    """A tone of 0.15 to 0.3 seconds."""
    seconds = draws.uniform(0.15, 0.3)
    time = np.arange(round(seconds * rate)) / rate
    base = draws.uniform(200, 300) if kind == "low" else draws.uniform(900, 1200)
    shape = np.exp(-4 * time / seconds) if kind == "low" else time / seconds
    wave = 0.2 * shape * (np.sin(2 * np.pi * base * time) + 0.3 * np.sin(4 * np.pi * base * time))
    wave = wave + 1e-4 * draws.normal(size=len(time))
    return Clip(f"{kind}/{base:.3f}.wav", wave.astype(np.float32)[:, None], rate, kind)


def tones(count: int, seed: int = 0) -> Batch:
    """That many, in turns of either kind."""
    draws = np.random.default_rng(seed)
    return gather([tone(("low", "high")[k % 2], draws) for k in range(count)], CODEC, ["low", "high"])


@pytest.fixture(scope="session")
def batch() -> Batch:
    """Forty tones."""
    return tones(40)
