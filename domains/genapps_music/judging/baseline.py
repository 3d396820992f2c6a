"""What any model has to beat: notes drawn one by one from what a corpus has, without regard to one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from genapps_music.judging.voices import Ints, Voices
from genapps_music.score import Note, Part, Score

_Pool = tuple[Ints, Ints]  # pitches and lengths


def independent_notes(
    like: Sequence[Score], voices: Sequence[Voices], corpus: Sequence[Voices], generator: np.random.Generator
) -> list[Score]:
    """For each of some pieces, whose voices are given, one as long and of as many voices.

    Every voice is filled by notes whose pitch and length are each drawn from those of the same voice (by its place
    from the top) of the corpus, or of all its voices where no piece has as many.
    """
    pools = _pools(corpus)
    made = []
    for score, piece in zip(like, voices, strict=True):
        count = len(piece.lines)
        parts = []
        for v, (name, line) in enumerate(zip(piece.names, piece.lines, strict=True)):
            pool = pools.get((v, count), pools[-1, -1])
            parts.append(Part(_filled(line[0].onset, piece.end, pool, generator), name))
        made.append(replace(score, parts=tuple(parts), name=f"independent notes for {score.name}", remarks=()))
    return made


def _filled(begin: int, end: int, pool: _Pool, generator: np.random.Generator) -> tuple[Note, ...]:
    notes: list[Note] = []
    tick = begin
    while tick < end:
        for pitch, length in _drawn(pool, generator):
            if tick >= end:
                break
            notes.append(Note(tick, min(length, end - tick), pitch))
            tick += length
    return tuple(notes)


def _drawn(pool: _Pool, generator: np.random.Generator, count: int = 64) -> Iterator[tuple[int, int]]:
    pitches, lengths = (generator.choice(one, count).tolist() for one in pool)
    return zip(pitches, lengths, strict=True)


def _pools(corpus: Sequence[Voices]) -> dict[tuple[int, int], _Pool]:
    gathered: dict[tuple[int, int], list[Note]] = {(-1, -1): []}
    for piece in corpus:
        for v, line in enumerate(piece.lines):
            for key in ((v, len(piece.lines)), (-1, -1)):
                gathered.setdefault(key, []).extend(line)
    return {
        key: (np.array([n.pitch for n in notes]), np.array([n.duration for n in notes]))
        for key, notes in gathered.items()
    }
