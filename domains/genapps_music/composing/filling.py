"""Cells drawn where they are unknown, by whatever family: what is known is kept, and every voice stays in its range.

A piece of more steps than the model has learnt is filled from left to right in windows that begin at bars, each with
what is there of the half before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps_music.codec import CONTEXT, Piece, part_of
from genapps_music.composing.silences import FREE, RESTS, SOUNDS, Marks, demands, granted
from genapps_music.grid import FIRST, HOLD, REST, UNKNOWN, Cells, lawful, line_of, within
from genapps_music.model import WINDOW, MusicModel

_AT_ONCE = 128  # pieces drawn together
_TEMPERED = ("autoregressive",)
BESIDE_A_MELODY = 0.5  # at 0.8 nearly half of the last chords are none (see decision 12)
USUAL = 0.8  # temperature: nearer to the rates of real pieces than 1 in crossings, leaps, parallels and chords
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Manner:
    """How cells are drawn. temperature: below 1 more usual ones, 0.8 or the task's own if None.

    top_p: only of the likeliest ones, which have that share of the chance together.
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int = 0

    def usually(self, temperature: float, family: str) -> Manner:
        """The same at that temperature if none is given and the family takes one."""
        own = self.temperature is not None or family not in _TEMPERED
        return self if own else replace(self, temperature=temperature)

    def check(self, family: str) -> None:
        """Raise UsageError where the family draws in one way only."""
        if family not in _TEMPERED and (self.temperature is not None or self.top_p is not None):
            raise UsageError(f"the family {family} takes no --temperature or --top-p; autoregressive does")


def fill(
    model: MusicModel,
    pieces: Sequence[Piece],
    manner: Manner,
    generator: torch.Generator,
    progress: Progress | None = None,
) -> list[Cells]:
    """The cells (T, V) of each piece, UNKNOWN ones drawn given the others and the bars, known ones as they are.

    A note never goes on out of a known cell into a drawn one, so that known notes end where they did. Beside given
    voices a voice rests, and sounds, only where that is not rare in what was learnt (see `silences`): exactly so in the
    autoregressive family; of others the note before goes on, if there is one.
    """
    manner.check(model.family)
    drawn, marks = [piece.cells.copy() for piece in pieces], demands(pieces, model.learnt)
    plans = [_plan(piece, model.codec.longest) for piece in pieces]
    rounds = max(map(len, plans), default=0)
    for turn in range(rounds):
        rows = [k for k, plan in enumerate(plans) if turn < len(plan)]
        parts = [part_of(replace(pieces[k], cells=drawn[k]), *plans[k][turn], model.codec.longest) for k in rows]
        for done in range(0, len(rows), _AT_ONCE):
            now = rows[done : done + _AT_ONCE]
            firsts = [pieces[k].starts[plans[k][turn][0]] for k in now]
            wanted = [marks[k][first:] for k, first in zip(now, firsts, strict=True)]
            found = _fill(model, parts[done : done + _AT_ONCE], wanted, manner, generator)
            for k, first, cells in zip(now, firsts, found, strict=True):
                open_ = drawn[k][first : first + len(cells)] == UNKNOWN
                drawn[k][first : first + len(cells)][open_] = cells[open_]
            if progress is not None:
                progress(turn * len(pieces) + done + len(found), rounds * len(pieces))
    return [_bounded(cells, own, piece, model) for cells, own, piece in zip(drawn, marks, pieces, strict=True)]


def nats(model: MusicModel, pieces: Sequence[Piece], known: Sequence[Any]) -> list[float] | None:
    """Nats of the cells of pieces that are not known (T, V), given the known ones; None for other families.

    Of families that have no exact likelihood, and of pieces longer than the model's longest, nothing is said.
    """
    if model.family not in ("autoregressive", "hmm") or max(len(p.cells) for p in pieces) > model.codec.longest:
        return None
    frames = [model.codec.frames(piece) for piece in pieces]
    if model.family == "hmm":  # sums over what is unknown
        bare = [
            np.concatenate([f[:, :CONTEXT], np.where(m, f[:, CONTEXT:], -1)], 1)
            for f, m in zip(frames, known, strict=True)
        ]
        whole, part = (model.part.log_prob(Ragged.of(one)).values.double() for one in (frames, bare))
        return [float(value) for value in part - whole]
    masks = [np.concatenate([np.ones((len(mask), CONTEXT), bool), mask], 1) for mask in known]
    found = model.part.log_prob(Ragged.of(frames), known=masks)  # type: ignore[call-arg]
    return [-float(value) for value in found.values]


def _plan(piece: Piece, longest: int) -> list[tuple[int, int]]:
    """Windows of a piece as numbers of bars, of which each begins in the middle of the one before."""
    found: list[tuple[int, int]] = []
    begin, bars = 0, len(piece.starts) - 1
    while not found or found[-1][1] < bars:
        end = begin + 1
        while end < bars and piece.starts[end + 1] - piece.starts[begin] <= longest:
            end += 1
        found.append((begin, end))
        begin = max(begin + 1, (begin + end + 1) // 2)
    return found


def _fill(
    model: MusicModel, parts: Sequence[Piece], marks: Sequence[Marks], manner: Manner, generator: torch.Generator
) -> list[Cells]:
    """Parts that are no longer than the model's longest. marks: what their cells have to do, from their first on."""
    codec = model.codec
    if model.family in ("vae", "gan"):
        return [_by_windows(model, part, generator) for part in parts]
    frames = [codec.frames(part) for part in parts]
    if model.family == "autoregressive":
        own = [one[: len(part.cells)] for one, part in zip(marks, parts, strict=True)]
        rules = Rules(frames, model, [part.shift for part in parts], own)
        drawn = model.part.sample(
            len(frames),
            known=Ragged.of(frames),  # type: ignore[call-arg]
            allowed=rules,
            temperature=USUAL if manner.temperature is None else manner.temperature,
            top_p=manner.top_p,
            generator=generator,
        )
    else:
        drawn = model.part.impute(Ragged.of(frames), generator=generator)
    return [codec.cells(one.numpy()) for one in drawn]


class Rules:
    """What may come at a cell: its voice's range, and no note that goes on after a rest or out of a known cell.

    marks: where voices have to sound or to rest (T, V), for each piece.
    """

    def __init__(
        self, frames: Sequence[Cells], model: MusicModel, shifts: Sequence[int], marks: Sequence[Marks]
    ) -> None:
        self.known, _ = Ragged.of([frame >= 0 for frame in frames]).padded()
        self.marks, _ = Ragged.of(list(marks)).padded(FREE)
        codec = model.codec
        self.fits: list[Tensor] = []  # (B, size) for each variable: the codes within the ranges of each piece's key
        for column, (voice, size) in enumerate(
            zip((None,) * CONTEXT + codec.layout.voices, codec.space.row.sizes, strict=True)
        ):
            codes = torch.arange(size).expand(len(frames), -1)
            if voice is None:
                self.fits.append(torch.ones_like(codes, dtype=torch.bool))
                continue
            ranges = torch.tensor([codec.limits_at(shift)[column - CONTEXT] for shift in shifts])
            pitches = codes - FIRST + voice.low
            self.fits.append((codes < FIRST) | ((pitches >= ranges[:, :1]) & (pitches <= ranges[:, 1:])))

    def __call__(self, past: Tensor, now: Tensor, variable: int) -> Tensor:
        """(B, size) truth values, for a variable of the frame after `past` (B, t, C + V)."""
        allowed = self.fits[variable].clone()
        t = past.shape[1]
        if not t:
            allowed[:, HOLD] = False
        else:
            before = self.known[:, min(t, self.known.shape[1]) - 1, variable]
            allowed[:, HOLD] = (past[:, -1, variable] != REST) & ~before
        if variable >= CONTEXT:
            wanted = self.marks[:, min(t, self.marks.shape[1] - 1), variable - CONTEXT]
            allowed[:, REST] &= wanted != SOUNDS
            allowed[:, REST + 1 :] &= (wanted != RESTS)[:, None]
        return allowed


def _by_windows(model: MusicModel, part: Piece, generator: torch.Generator) -> Cells:
    """Two bars at a time, which know nothing of one another; what is no such window is taken from a longer one."""
    cells, length = part.cells.copy(), WINDOW * model.codec.bar
    for begin in range(0, len(cells), length):
        window = cells[begin : begin + length]
        if not (window == UNKNOWN).any():
            continue
        whole = np.full((length, cells.shape[1]), UNKNOWN, np.int64)
        whole[: len(window)] = window
        if (window == UNKNOWN).all():
            drawn = next(iter(model.part.sample(1, generator=generator)))
        else:
            drawn = next(iter(model.part.impute(Ragged.of([whole]), generator=generator)))
        made = np.zeros_like(whole)
        made[: min(length, len(drawn))] = drawn.numpy()[:length]
        open_ = window == UNKNOWN
        window[open_] = made[: len(window)][open_]
    return cells


def _bounded(cells: Cells, marks: Marks, piece: Piece, model: MusicModel) -> Cells:
    """The cells in the voices' ranges, as `marks` have them, with holds that would prolong a known note as notes.

    A hold after a rest is a rest.
    """
    voices, known = model.codec.layout.voices, piece.cells != UNKNOWN
    fitting = within(lawful(cells), voices, model.codec.limits_at(piece.shift))
    kept = granted(np.where(known, cells, fitting), marks)
    late = np.zeros_like(known)
    late[1:] = known[:-1] & ~known[1:] & (kept[1:] == HOLD)
    for column, voice in enumerate(voices):
        if not late[:, column].any():
            continue
        for begin, end, pitch in line_of(kept[:, column], voice):
            steps = late[begin:end, column].nonzero()[0] + begin
            kept[steps, column] = FIRST + pitch - voice.low
    return lawful(kept)
