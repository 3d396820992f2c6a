"""Pieces between two others: two bars at a time, on the line between their latents.

Source: Roberts et al. 2018, "A hierarchical latent vector model for learning long-term structure in music", section 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.base import Family
from genapps_music.codec import Piece
from genapps_music.composing.filling import Manner
from genapps_music.composing.tasks import Made, fitted
from genapps_music.grid import FIRST, REST, UNKNOWN, Cells, lawful, within
from genapps_music.model import WINDOW, MusicModel
from genapps_music.presets import INTERPOLATE, PRESETS
from genapps_music.score import Meter, Score

_TEMPERATURE = 0.3  # the decoder's steps are independent, so at 1 they are noisy


@dataclass(frozen=True)
class Between:
    """Pieces from the first to the last, which are the given ones as far as they go together, as the grid holds them.

    to_first, to_last: the share of the steps of voices at which each sounds otherwise than they do.
    """

    made: tuple[Made, ...]
    to_first: tuple[float, ...]
    to_last: tuple[float, ...]
    notes: tuple[str, ...] = ()


def latents_of(model: MusicModel) -> Family:
    """The variational autoencoder of two bars. Raises UsageError where the model has none."""
    if INTERPOLATE in PRESETS[model.family].can:
        return model.part
    if model.latents is None:
        raise UsageError("this model has no two-bar latents; fit it again without --no-latents, or with --family vae")
    return model.latents


def interpolate(model: MusicModel, first: Score, last: Score, steps: int, manner: Manner) -> Between:
    """So many pieces from the first to the last, both among them.

    Of both the first bars are taken: as many times two bars of the model's usual meter as the shorter one has, at least
    two, filled up with rests. The last is moved into the key and tempo of the first. Raises UsageError for a model
    without latents, InputError for a piece without notes or out of range.
    """
    family = latents_of(model)
    layout, length = model.codec.layout, WINDOW * model.codec.bar
    given = [fitted(score, model) for score in (first, last)]
    ends = [one.cells for one in given]
    notes = [
        f"{score.name}: {sentence}" for score, one in zip((first, last), given, strict=True) for sentence in one.notes
    ]
    shift = given[0].shift
    usual, meter = Meter(0, *layout.meter).bar, "{}/{}".format(*layout.meter)
    others = [score.name for score in (first, last) if score.meters[0].bar != usual]
    notes += [f"{name} is cut into bars of {meter}, which is not its meter" for name in others]
    count = max(1, min(len(cells) // length for cells in ends))
    for number, score, cells in zip((1, steps), (first, last), ends, strict=True):
        bars = -(-len(cells) // model.codec.bar)
        if bars != count * WINDOW:
            notes.append(f"{number:03} has the first {count * WINDOW} bars; {score.name} has {bars}")
    notes += _moved(first, last, given[1].shift - shift, f"{steps:03}")
    ends = [_exactly(cells, count * length) for cells in ends]
    generator = torch.Generator().manual_seed(manner.seed)
    codes = [family.transform(Ragged.of(np.split(cells, count))) for cells in ends]
    pieces = [ends[0]]
    for share in torch.linspace(0, 1, steps)[1:-1].tolist():
        between = codes[0] + share * (codes[1] - codes[0])
        pieces.append(_decoded(family, between, length, len(layout.voices), manner, generator))
    pieces.append(ends[1])
    limits = model.codec.limits_at(shift)
    inside = [within(cells, layout.voices, limits) for cells in pieces]
    far = int(((inside[-1] != pieces[-1]) & (pieces[-1] >= FIRST)).sum())
    if far:
        notes.append(
            f"{far:,} notes of {steps:03} are moved by octaves or left out, as in that key they lie out of range"
        )
    pieces = inside
    starts = tuple(range(0, (count * WINDOW + 1) * model.codec.bar, model.codec.bar))
    whole = [Piece(f"{k:03}", cells, starts, shift) for k, cells in enumerate(pieces, 1)]
    nothing = np.full_like(pieces[0], UNKNOWN)
    given_cells = [pieces[0], *[nothing] * (steps - 2), pieces[-1]]
    made = tuple(
        Made(model.codec.score(one, tempo=first.tempo), one.cells, cells, shift=shift)
        for one, cells in zip(whole, given_cells, strict=True)
    )
    return Between(
        made,
        tuple(apart(one, pieces[0]) for one in pieces),
        tuple(apart(one, pieces[-1]) for one in pieces),
        tuple(notes),
    )


def apart(cells: Cells, others: Cells) -> float:
    """The share of the steps of voices at which two pieces sound otherwise: another note, or a rest in one."""
    return float((_sounding(cells) != _sounding(others)).mean())


def _moved(first: Score, last: Score, by: int, name: str) -> list[str]:
    """What became of the last piece on its way into the key and tempo of the first."""
    told = []
    if by:
        told.append(f"{name} is moved by {by:+} semitones into the key of {first.name}")
    if last.tempo != first.tempo:
        told.append(
            f"{name} has the tempo of {first.name}, {first.tempo:g} quarters a minute; its own is {last.tempo:g}"
        )
    return told


def _sounding(cells: Cells) -> Cells:
    """The code of the note (T, V) that sounds at each step, 0 for a rest."""
    found = cells.copy()
    for step in range(1, len(found)):
        held = found[step] == 1
        found[step, held] = found[step - 1, held]
    return np.where(found == 1, REST, found)


def _decoded(
    family: Family, codes: Tensor, length: int, voices: int, manner: Manner, generator: torch.Generator
) -> Cells:
    """The cells (T, V) of latents (windows, L)."""
    wanted = _TEMPERATURE if manner.temperature is None else manner.temperature
    drawn: Ragged = family.decode(codes, temperature=max(wanted, 1e-3), generator=generator)
    return lawful(np.concatenate([_exactly(one.numpy().reshape(-1, voices), length) for one in drawn]))


def _exactly(cells: Cells, length: int) -> Cells:
    """The first so many steps, rests behind the end."""
    whole = np.full((length, cells.shape[1]), REST, np.int64)
    whole[: min(length, len(cells))] = cells[:length]
    return whole


__all__ = ["Between", "apart", "interpolate", "latents_of"]
