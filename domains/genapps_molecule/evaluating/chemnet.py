"""ChemNet, the network whose features the Fréchet ChemNet distance is made of.

K. Preuer et al., "Fréchet ChemNet Distance", J. Chem. Inf. Model. 2018, 58, 1736. The weights are those that every
published figure was made with (datasets/README.md says whose they are); so is the way a text is cut into characters,
oddities included: any letter before r, i or l is taken with it, and a text ends at its first dot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(__file__).parents[1] / "data" / "chemnet.safetensors"
FEATURES = 512
LONGEST = 350  # positions the network reads
BATCH = 512

_CHARACTERS = (
    *("C", "N", "O", "H", "F", "Cl", "P", "B", "Br", "S", "I", "Si", "#", "(", ")", "+", "-", "1", "2", "3", "4"),
    *("5", "6", "7", "8", "=", "[", "]", "@", "c", "n", "o", "s", "X", "."),
)
_CODES = {text: code for code, text in enumerate(_CHARACTERS)}
_UNKNOWN, _END = _CODES["X"], _CODES["."]
_PARTS = re.compile(r".[ril]|.")


class ChemNet(nn.Module):
    """Two convolutions of stride 2 and two LSTMs, the first of which reads from the end."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels, 32, 4, stride=2, bias=False) for channels in (len(_CHARACTERS), 32)
        )
        self.backward_reader = nn.LSTM(32, 128, batch_first=True)
        self.reader = nn.LSTM(128, FEATURES, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, 512) of texts as one-hot characters over 35 (N, 35, 350)."""
        for convolution in self.convolutions:
            short = max(4 - (2 if x.shape[2] % 2 == 0 else 1), 0)  # as Keras pads "same"
            x = torch.selu(convolution(nn.functional.pad(x, (short // 2, short - short // 2))))
        steps, _ = self.backward_reader(x.transpose(1, 2).flip(1))
        features: Tensor = self.reader(steps.flip(1))[0][:, -1]
        return features


@cache
def network(path: Path = WEIGHTS) -> ChemNet:
    """The network with its weights."""
    found = load_file(path)
    names = {"0.": "convolutions.0.", "1.": "convolutions.1.", "2.": "backward_reader.", "3.": "reader."}
    model = ChemNet()
    model.load_state_dict({names[name[:2]] + name[2:]: tensor for name, tensor in found.items()})
    return model.eval().requires_grad_(False)


def codes(text: str) -> list[int]:
    """The characters of a SMILES as ChemNet numbers them, closed by a dot; at most 350."""
    found = [_CODES.get(part, _UNKNOWN) for part in _PARTS.findall(text[: 2 * LONGEST] + ".")]
    ends = found.index(_END) if _END in found else len(found)
    return [*found[: min(ends, LONGEST - 1)], _END]


def features(smiles: Sequence[str], *, progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
    """Features (N, 512) of canonical SMILES; `progress` is told how many are done."""
    model = network()
    out = np.empty((len(smiles), FEATURES), np.float32)
    with torch.inference_mode():
        for start in range(0, len(smiles), BATCH):
            block = [codes(text) for text in smiles[start : start + BATCH]]
            x = torch.zeros(len(block), len(_CHARACTERS), LONGEST)
            rows = torch.repeat_interleave(torch.arange(len(block)), torch.tensor([len(row) for row in block]))
            places = torch.cat([torch.arange(len(row)) for row in block])
            x[rows, torch.tensor([code for row in block for code in row]), places] = 1 / len(_CHARACTERS)
            out[start : start + len(block)] = model(x).numpy()
            if progress is not None:
                progress(start + len(block))
    return out
