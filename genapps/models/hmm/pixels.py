"""Images as sequences of rows, from top to bottom: a baseline that knows nothing of columns."""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.models.hmm.frames import FrameModel
from genapps.spaces import Categorical, Continuous, Frames, Pixels


class PixelModel(FrameModel):
    """Hidden Markov model of `Pixels`: a step is a row of all channels, its pixels independent given the state."""

    space: Pixels

    def _frames(self, space: Pixels) -> Frames:
        pixel = Categorical(space.levels, ordered=True) if space.levels else Continuous()
        return Frames((pixel,) * (space.channels * space.width), space.height)

    def _sequences(self, data: Tensor) -> Ragged:
        rows = data.permute(0, 2, 1, 3).reshape(-1, self.space.channels * self.space.width)
        return Ragged(rows, torch.full((len(data),), self.space.height))

    def _batch(self, sequences: Ragged) -> Tensor:
        channels, height, width = self.space.shape
        return sequences.values.view(len(sequences), height, channels, width).permute(0, 2, 1, 3).contiguous()
