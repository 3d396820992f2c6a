"""Sounds inside a page: their spectrogram as a picture, and a player."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch
from markupsafe import Markup
from PIL import Image

from genapps_audio.records import Wave
from genapps_audio.signal.mel import mel_filters
from genapps_audio.signal.spectra import stft

_BANDS = 80
_RANGE = 60.0  # dB from black to white
_TALL = 160  # pixels
_WIDE = 320
# Dark to light through violet and orange, so that it reads the same in grey.
_COLORS = np.array([(6, 4, 28), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)], float)


def spectrogram_picture(wave: Wave, rate: int, label: str) -> Markup:
    """The mel spectrogram of samples (T,) as a PNG inside the page: time to the right, low tones at the bottom."""
    n_fft = 2 ** max(6, round(float(np.log2(rate * 0.032))))
    hop = max(1, len(wave) // _WIDE, n_fft // 16)
    padded = torch.from_numpy(np.pad(wave, (0, max(0, n_fft - len(wave)))))
    power = stft(padded, n_fft, hop).abs().square()
    decibels = 10 * (mel_filters(rate, n_fft, _BANDS) @ power).clamp_min(1e-10).log10()
    light = ((decibels - decibels.max() + _RANGE) / _RANGE).clamp(0, 1).flip(0).numpy()
    place = light * (len(_COLORS) - 1)
    low = np.minimum(place.astype(int), len(_COLORS) - 2)
    share = (place - low)[..., None]
    pixels = (_COLORS[low] * (1 - share) + _COLORS[low + 1] * share).round().astype(np.uint8)
    held = io.BytesIO()
    picture = Image.fromarray(pixels).resize((_WIDE, _TALL), Image.Resampling.BILINEAR).quantize(32)
    picture.save(held, "PNG", optimize=True)
    text = f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"
    return Markup('<img src="{0}" alt="{1}" style="width:100%;height:auto;border-radius:4px">').format(text, label)


def player(wave: Wave, rate: int) -> Markup:
    """Samples (T,) as a player inside the page; nothing is fetched."""
    import soundfile

    held = io.BytesIO()
    soundfile.write(held, np.clip(wave, -1, 1), rate, "PCM_16", format="WAV")
    text = f"data:audio/wav;base64,{base64.b64encode(held.getvalue()).decode()}"
    return Markup('<audio controls preload="none" style="width:100%;height:32px" src="{0}"></audio>').format(text)


def heard(wave: Wave, rate: int, label: str) -> Markup:
    """Picture and player one above the other."""
    return Markup("{0}{1}").format(spectrogram_picture(wave, rate, label), player(wave, rate))
