"""How likely a model finds pieces, bar by bar: what evaluations and reports show of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from genapps.batches import Ragged
from genapps.errors import InputError
from genapps.models.autoregressive.showing import with_known
from genapps_music.codec import CONTEXT, Piece, bar_starts
from genapps_music.composing.tasks import fitted
from genapps_music.judging.likelihood import Judge, Surprise
from genapps_music.model import MusicModel
from genapps_music.score import QUARTER, Score


def surprise_of(model: MusicModel) -> Judge | None:
    """What the autoregressive family says of pieces; other families do not tell it bar by bar."""
    if model.family != "autoregressive":
        return None
    return lambda scores: [_surprise(model, score) for score in scores]


def _surprise(model: MusicModel, score: Score) -> Surprise:
    codec = model.codec
    try:
        given = fitted(score, model)
        cells = given.cells
    except InputError as error:
        return Surprise(why=str(error))
    if not len(cells):
        return Surprise(why="no notes")
    if len(cells) > codec.longest:
        return Surprise(why=f"longer than the {codec.longest:,} steps that the model knows")
    starts = bar_starts(score.meters, codec.layout, len(cells))
    frames = Ragged.of([codec.frames(Piece(score.name, cells, tuple(starts), given.shift))])
    known = [True] * CONTEXT + [False] * cells.shape[1]
    engine = model.part.engine
    steps = engine.step_log_prob(with_known(frames, known), torch.Generator().manual_seed(0)).values
    each = -steps[: len(cells)].double().numpy()
    bars = tuple(float(np.sum(each[a:b])) for a, b in pairwise(starts))
    return Surprise(bars, len(cells) * codec.layout.ticks / QUARTER)
