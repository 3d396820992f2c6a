"""Sounds inside a page: their spectrogram as a picture, and a player."""

from __future__ import annotations

import base64
import io

import numpy as np
from markupsafe import Markup

from genapps_audio.records import Wave
from genapps_audio.showing import spectrogram


def player(wave: Wave, rate: int) -> Markup:
    """Samples (T,) as a player inside the page; nothing is fetched."""
    import soundfile

    held = io.BytesIO()
    soundfile.write(held, np.clip(wave, -1, 1), rate, "PCM_16", format="WAV")
    text = f"data:audio/wav;base64,{base64.b64encode(held.getvalue()).decode()}"
    return Markup('<audio controls preload="none" style="width:100%;height:32px" src="{0}"></audio>').format(text)


def heard(wave: Wave, rate: int, label: str) -> Markup:
    """Picture and player one above the other."""
    return Markup("{0}{1}").format(spectrogram(wave, rate, label), player(wave, rate))
