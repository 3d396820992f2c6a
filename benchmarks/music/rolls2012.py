"""The piano rolls of 2012, as every benchmark of this room takes them: where they lie, and their three parts.

Data and split of Boulanger-Lewandowski, Bengio and Vincent 2012 (JSB chorales in quarter notes, Nottingham in eighths,
transposed to C, 88 keys from A0), as TCN's repository holds them (`poly_music/mdata`).
"""

from __future__ import annotations

import numpy as np
import torch
from sets import place

from genapps.batches import Ragged

NAMES = {"jsb": "JSB_Chorales", "nottingham": "Nottingham"}
LOWEST = 21  # the MIDI pitch of the first key


def rolls(name: str) -> dict[str, Ragged]:
    """The parts "train", "valid" and "test" of a set, rolls (T, 88) of 0 and 1. Ends the program where it is not."""
    from scipy.io import loadmat

    parts = loadmat(place("pianoroll_bl2012") / f"{NAMES[name]}.mat")
    return {
        part: Ragged.of([torch.from_numpy(np.asarray(roll).astype(np.int64)) for roll in parts[f"{part}data"][0]])
        for part in ("train", "valid", "test")
    }
