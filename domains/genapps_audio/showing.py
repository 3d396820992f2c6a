"""Sounds inside a page: spectrograms with their axes, and outlines of waves, drawn without a plotting library."""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np
import torch
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from genapps_audio.records import Wave
from genapps_audio.signal.mel import melspectrogram, power_to_db, to_hz, to_mel

_RANGE = 70.0  # dB below the loudest that are told apart
_BANDS = 96
_LEFT, _BELOW = 34, 16  # of the axes, in pixels


@cache
def colors(steps: int = 256) -> NDArray[np.uint8]:
    """(steps, 3): from nearly black over violet and orange to nearly white, each step as much lighter as any other.

    A line in Oklab (Ottosson 2020), whose first coordinate is the lightness that is seen, along which the hue turns.
    """
    place = np.linspace(0, 1, steps)
    hue = np.radians(290 + 170 * place)
    chroma = 0.16 * np.sin(np.pi * place) ** 0.8
    lab = np.stack([0.13 + 0.85 * place, chroma * np.cos(hue), chroma * np.sin(hue)], 1)
    cones = lab @ np.array(
        [[1, 1, 1], [0.3963377774, -0.1055613458, -0.0894841775], [0.2158037573, -0.0638541728, -1.2914855480]]
    )
    linear = cones**3 @ np.array(
        [
            [4.0767416621, -1.2684380046, -0.0041960863],
            [-3.3077115913, 2.6097574011, -0.7034186147],
            [0.2309699292, -0.3413193965, 1.7076147010],
        ]
    )
    linear = linear.clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    found: NDArray[np.uint8] = np.round(encoded * 255).astype(np.uint8)
    return found


def pixels(wave: Wave, rate: int, width: int = 300, height: int = 96) -> NDArray[np.uint8]:
    """(height, width, 3): mel bands of a wave (T,), low ones below, from silence (dark) to its loudest (light)."""
    n_fft = 2 ** int(np.ceil(np.log2(max(64, rate * 0.032))))
    hop = max(n_fft // 8, len(wave) // (2 * width), 1)
    samples = torch.from_numpy(np.ascontiguousarray(wave, np.float32))[None]
    power = melspectrogram(samples, rate, n_fft, hop, _BANDS, htk=True)[0]
    level = power_to_db(power, amin=1e-12, top_db=_RANGE).flip(0)
    share = ((level - level.max()) / _RANGE + 1).clamp(0, 1).numpy()
    small = Image.fromarray(np.round(share * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BILINEAR)
    found: NDArray[np.uint8] = colors()[np.asarray(small)]
    return found


def spectrogram(wave: Wave, rate: int, label: str, width: int = 300, height: int = 96) -> Markup:
    """An SVG of a wave (T,) over time (seconds) and frequency (kHz, evenly apart on the mel scale)."""
    held = io.BytesIO()
    Image.fromarray(pixels(wave, rate, width, height)).quantize(128).save(held, "PNG", optimize=True)
    data = base64.b64encode(held.getvalue()).decode()
    seconds = len(wave) / rate
    marks = [
        Markup('<text x="{0}" y="{1:.0f}" text-anchor="end">{2:.2g}</text>').format(
            _LEFT - 4, 8 + (height - 8) * (1 - share), hertz / 1000
        )
        for share, hertz in _ticks(rate)
    ]
    marks += [
        Markup('<text x="{0:.0f}" y="{1}" text-anchor="{2}">{3:.2f}</text>').format(
            _LEFT + width * share, height + 12, anchor, seconds * share
        )
        for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    ]
    return Markup(
        '<svg viewBox="0 0 {0} {1}" role="img" aria-label="{2}" style="width:100%;height:auto" font-size="10" '
        'fill="currentColor"><image x="{3}" width="{4}" height="{5}" href="data:image/png;base64,{6}"/>{7}</svg>'
    ).format(_LEFT + width, height + _BELOW, label, _LEFT, width, height, data, Markup("").join(marks))


def _ticks(rate: int) -> list[tuple[float, float]]:
    """Shares of the height and the frequencies there."""
    top = float(to_mel(torch.tensor(rate / 2), htk=True))
    return [(share, float(to_hz(torch.tensor(share * top), htk=True))) for share in (0.0, 0.5, 1.0)]


def outline(wave: Wave, label: str, width: int = 300, height: int = 40) -> Markup:
    """An SVG of how far a wave (T,) swings, from full scale below to full scale above."""
    columns = np.array_split(wave, min(width, max(1, len(wave)))) if len(wave) else [np.zeros(1, np.float32)]
    middle = height / 2
    tops = [middle * (1 - float(part.max())) for part in columns]
    lows = [middle * (1 - float(part.min())) for part in columns]
    step = width / len(columns)
    there = [f"{k * step:.1f},{top:.1f}" for k, top in enumerate(tops)]
    back = [f"{k * step:.1f},{low + 0.5:.1f}" for k, low in reversed(list(enumerate(lows)))]
    return Markup(
        '<svg viewBox="0 0 {0} {1}" role="img" aria-label="{2}" style="width:100%;height:auto"><polygon points="{3}" '
        'fill="currentColor" stroke="currentColor" stroke-width="0.5"/></svg>'
    ).format(width, height, label, " ".join(there + back))
