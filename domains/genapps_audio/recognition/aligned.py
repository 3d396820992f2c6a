"""The mel spectrogram of a word as a small picture, a line where each state of its model begins."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from genapps_audio.recognition.front import Front
from genapps_audio.records import Wave
from genapps_audio.signal.ragged import log_mels

_WIDTH, _HEIGHT = 360, 130  # pixels
_BELOW = 14  # of the states' numbers
_RANGE = 55.0  # dB from dark to light
_TONES = np.array([[10, 12, 28], [52, 40, 104], [140, 52, 110], [222, 96, 72], [250, 190, 90], [252, 246, 200]], float)
_LINE, _INK, _PAPER = (64, 224, 255), (90, 90, 90), (255, 255, 255)


def picture(wave: Wave, states: Sequence[int], front: Front) -> bytes:
    """A PNG file's bytes of a wave (T,) and the states (T',) of its frames."""
    values = log_mels([front.word(wave)], front.mel)[0].flip(0).double().numpy()
    strength = np.clip((values - values.max()) / _RANGE + 1, 0, 1) * (len(_TONES) - 1)
    first = np.minimum(strength.astype(int), len(_TONES) - 2)
    share = (strength - first)[:, :, None]
    cells = np.round(_TONES[first] * (1 - share) + _TONES[first + 1] * share).astype(np.uint8)
    sheet = Image.new("RGB", (_WIDTH, _HEIGHT + _BELOW), _PAPER)
    sheet.paste(Image.fromarray(cells).resize((_WIDTH, _HEIGHT), Image.Resampling.BILINEAR), (0, 0))
    draw = ImageDraw.Draw(sheet)
    begins = [0, *(t for t in range(1, len(states)) if states[t] != states[t - 1]), len(states)]
    for begin, end in pairwise(begins):
        left, right = (_WIDTH * at / len(states) for at in (begin, end))
        if begin:
            draw.line((left, 0, left, _HEIGHT), fill=_LINE)
        text = str(states[begin] + 1)
        if draw.textlength(text) < right - left:
            draw.text(((left + right - draw.textlength(text)) / 2, _HEIGHT + 2), text, fill=_INK)
    file = io.BytesIO()
    sheet.quantize(64).save(file, "PNG", optimize=True)
    return file.getvalue()
