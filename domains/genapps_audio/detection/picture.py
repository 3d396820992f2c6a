"""The spectrogram of a clip as a small picture, its event framed, with seconds below and kilohertz beside it."""

from __future__ import annotations

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from genapps_audio.detection.places import Place, clock, hertz
from genapps_audio.detection.views import BANDS, STEP, band_edges

_WIDTH, _HEIGHT = 480, 192  # pixels of the spectrogram
_LEFT, _BELOW = 46, 18  # of what is beside and below it
_RANGE = 50.0  # dB from dark to light
_TONES = np.array([[10, 12, 28], [52, 40, 104], [140, 52, 110], [222, 96, 72], [250, 190, 90], [252, 246, 200]], float)
_FRAME, _INK, _PAPER = (64, 224, 255), (90, 90, 90), (255, 255, 255)


def picture(cells: Tensor, rate: int, place: Place | None = None) -> bytes:
    """A PNG file's bytes of cells (T, 64) in dB. place: the event, in seconds from the clip's begin."""
    drawn = Image.fromarray(toned(cells)).resize((_WIDTH, _HEIGHT), Image.Resampling.BILINEAR)
    sheet = Image.new("RGB", (_LEFT + _WIDTH + 4, _HEIGHT + _BELOW + 4), _PAPER)
    sheet.paste(drawn, (_LEFT, 4))
    draw = ImageDraw.Draw(sheet)
    seconds, middles = len(cells) * STEP, band_edges(rate)[1:-1]
    for share in (0.0, 0.5, 1.0):
        text = clock(share * seconds)
        draw.text((_LEFT + share * (_WIDTH - draw.textlength(text)), _HEIGHT + 6), text, fill=_INK)
    for share in (0.0, 1 / 3, 2 / 3, 1.0):
        text = hertz(float(middles[round(share * (BANDS - 1))]))
        draw.text((_LEFT - 4 - draw.textlength(text), 4 + (1 - share) * (_HEIGHT - 12)), text, fill=_INK)
    if place is not None:
        down = [_HEIGHT * (1 - _height(middles, hz)) + 4 for hz in (place.high, place.low)]
        # The middle of the first frame is one step after the begin.
        across = [_LEFT + _WIDTH * min(max(at / STEP - 0.5, 0) / len(cells), 1) for at in (place.begin, place.end)]
        box = (across[0], down[0], max(across[1] - 1, across[0] + 2), max(down[1] - 1, down[0] + 2))
        draw.rectangle(box, outline=_FRAME, width=2)
    file = io.BytesIO()
    sheet.quantize(64).save(file, "PNG", optimize=True)
    return file.getvalue()


def toned(cells: Tensor) -> NDArray[np.uint8]:
    """(64, T, 3): low bands below, from dark to light over 50 dB."""
    values = cells.T.flip(0).double().numpy()
    strength = np.clip((values - values.max()) / _RANGE + 1, 0, 1) * (len(_TONES) - 1)
    first = np.minimum(strength.astype(int), len(_TONES) - 2)
    share = (strength - first)[:, :, None]
    mixed: NDArray[np.uint8] = np.round(_TONES[first] * (1 - share) + _TONES[first + 1] * share).astype(np.uint8)
    return mixed


def _height(middles: Tensor, hz: float) -> float:
    """Where a frequency lies on the picture, 0..1 from below."""
    above = int(torch.searchsorted(middles, hz))
    return above / BANDS
