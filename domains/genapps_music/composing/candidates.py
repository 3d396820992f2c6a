"""Which note a voice begins: every note that it could is looked at alike, by what it would be beside the others.

What a note is (a fifth above the bass, a step up, of the chord that the others sound) lies in intervals, wherever the
notes are. So one small network reads, for each candidate, the intervals to what sounds and to what sounded before. No
rule is told, but "keeps the interval that both had while both move" is something that it can see and has to learn.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps.nets.transformer import drop
from genapps_music.grid import FIRST

_GAIN = 4.0  # times what is learnt of intervals: tables begin at 0 and have far to go
_CLASSES = 12


class Candidates(nn.Module):
    """Scores of the notes of a voice, from intervals to what sounds and sounded.

    voices, most: of the network of cells; told: how many numbers that network says of each cell. width: of what is
    known of a candidate.
    """

    def __init__(self, voices: int, most: int, told: int, *, width: int, dropout: float, generator: torch.Generator):
        super().__init__()
        self.voices, self.most, self.notes, self.dropout = voices, most, most - FIRST, dropout
        self.span = 2 * self.notes  # intervals between two notes, and one more number for nothing that sounds
        kinds = 3 * voices  # what another voice begins, goes on with, and had; of the voice itself what it had
        self.own = nn.Parameter(torch.zeros(voices, self.notes, width))
        self.intervals = nn.Parameter(torch.zeros(voices * kinds * self.span, width))
        self.parallel = nn.Parameter(torch.zeros(voices, voices, _CLASSES, width))
        self.about = fresh(nn.Linear, told, width, generator=generator)
        self.inner = fresh(nn.Linear, width, width, generator=generator)
        self.score = fresh(nn.Linear, width, 1, generator=generator, gain=0.0)

    def forward(
        self,
        told: Tensor,
        voice: Tensor,
        now: Tensor,
        shown: Tensor,
        before: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """(R, notes) of R cells: what is said of each (R, told), of which voice (R,), and cells (R, V).

        Cells are as `sounding` has them: those of the step, of which what is before the voice is looked at, those that
        are shown of it, and those of the step before.
        """
        rows = torch.arange(len(voice))
        others = torch.arange(self.voices)
        decided = others < voice[:, None]
        codes = torch.where(decided, now, torch.where(others == voice[:, None], -1, shown))
        (sounds, held), (had, _) = _heights(codes, self.most), _heights(before, self.most)
        last = had[rows, voice]
        seen = self._seen(voice, sounds, held, had)
        x = functional.embedding_bag(seen.flatten(0, 1), _GAIN * self.intervals, mode="sum")
        x = x.unflatten(0, seen.shape[:2]) + _GAIN * self.own[voice] + self.about(told)[:, None]
        x = x + self._kept(voice, sounds, had, last)
        x = functional.gelu(x)
        x = x + functional.gelu(self.inner(functional.rms_norm(x, x.shape[-1:])))
        x = drop(functional.rms_norm(x, x.shape[-1:]), self.dropout, generator)
        return self.score(x)[..., 0]  # type: ignore[no-any-return]

    def _seen(self, voice: Tensor, sounds: Tensor, held: Tensor, had: Tensor) -> Tensor:
        """Rows (R, notes, 2 V) of the table of intervals, of each candidate to what others sound and what all had."""
        kinds = torch.arange(self.voices) + torch.stack([self.voices * held, torch.full_like(sounds, 2 * self.voices)])
        heights = torch.stack([sounds, had])  # (2, R, V)
        notes = torch.arange(self.notes)[:, None, None, None]
        apart = torch.where(heights >= 0, notes - heights + self.notes - 1, self.span - 1)  # (notes, 2, R, V)
        first = (voice[:, None] * 3 * self.voices + kinds) * self.span
        return (first + apart).permute(2, 0, 1, 3).flatten(2)

    def _kept(self, voice: Tensor, sounds: Tensor, had: Tensor, last: Tensor) -> Tensor:
        """(R, notes, width): at the note that moves as another voice does, what the interval that both had says."""
        moved = sounds - had
        target = last[:, None] + moved  # (R, V)
        there = (sounds >= 0) & (had >= 0) & (last >= 0)[:, None] & (moved != 0)
        there = there & (target >= 0) & (target < self.notes)
        row, other = there.nonzero().unbind(1)
        own = voice[row]
        interval = (last[row] - had[row, other]) % _CLASSES
        found = torch.zeros(len(voice), self.notes, self.parallel.shape[-1])
        where = (row, target[row, other])
        return found.index_put(where, _GAIN * self.parallel[own, other, interval], accumulate=True)


def _heights(codes: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """How high above its voice's lowest each cell sounds, -1 where nothing does, and whether it goes on, 1 or 0."""
    held = codes >= most + FIRST
    return torch.where(codes >= FIRST, codes - FIRST - most * held, -1), held.long()


def within_notes(logits: Tensor, scores: Tensor) -> Tensor:
    """Logits (R, most) in which scores (R, notes) move shares among the notes, and none to or from rests and holds."""
    notes = logits[:, FIRST:]
    moved = notes + scores
    even = notes.logsumexp(-1, keepdim=True) - moved.logsumexp(-1, keepdim=True)
    return torch.cat([logits[:, :FIRST], moved + even], -1)
