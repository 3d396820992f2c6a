"""The figures of `genapps music evaluate` under control: chorales that are made bad in known ways.

    python benchmarks/music/metrics.py

229 chorales of Bach (the training part of Boulanger-Lewandowski's split, in sixteenths) are the reference, 77 (the test
part) are held out, and 76 (the validation part) are made bad: copied, transposed, shuffled by bars, given the alto of
another piece, doubled in fifths, or drawn note by note. The levels of the verdict were chosen after a first look at
these very controls: they show that the figures tell such faults apart, and are no independent proof of the levels.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keep
import numpy as np
import sets

from genapps_music.judging.baseline import independent_notes
from genapps_music.judging.judging import judge
from genapps_music.judging.voices import bar_starts, voices_of
from genapps_music.score import Note, Part, Score

Pieces = list[Score]
KEYS = ("parallels", "crossing", "leap", "chords", "intervals", "precision", "coverage", "copied_voices", "long_voices",
        "long_melody", "distinct", "near")  # fmt: skip


def main() -> None:
    everything = sets.scores("jsb_chorales/Jsb16thSeparated.json")
    train, valid, test = ([one for one in everything if f"#{part}/" in one.name] for part in PARTS)
    generator = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for kind, make in KINDS.items():
        start = time.process_time()
        found = judge(make(valid, train, generator), train, test)
        by_key = {one.key: one for one in found.measures}
        row: dict[str, Any] = {"kind": kind, "level": found.finding.level, "text": found.finding.text}
        row |= {key: by_key[key].value for key in KEYS}
        rows.append({**row, "cpu_seconds": round(time.process_time() - start, 2)})
        print(f"{kind:16} {found.finding.level:7} {found.finding.text}", flush=True)
        if kind == "other real":
            for n, name in ((0, "held-out real"), (1, "independent notes")):
                told = {key: by_key[key].controls[n].value for key in KEYS if n < len(by_key[key].controls)}
                rows.append({"kind": name, **told})
    settings = {"reference": len(train), "held_out": len(test), "made": len(valid), "seed": 0}
    keep.write("metrics", rows, settings)


PARTS = ("train", "valid", "test")


def copies(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """Training pieces in other keys."""
    return [transposed(train[k], int(generator.integers(-5, 6))) for k in range(len(valid))]


def half_copies(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """Every other piece is a copy."""
    copied = copies(valid, train, generator)
    return [copied[k] if k % 2 else one for k, one in enumerate(valid)]


def one_piece(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """One piece over and over, in other keys."""
    return [transposed(valid[0], int(generator.integers(-5, 6))) for _ in valid]


def few_pieces(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """A tenth of the pieces, in other keys."""
    return [transposed(valid[k % 8], int(generator.integers(-5, 6))) for k in range(len(valid))]


def shuffled_bars(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """The bars of each piece in another order, notes that are held over a bar cut there."""
    return [_shuffled(one, generator) for one in valid]


def strange_alto(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """Each piece with the alto of the next."""
    return [
        replace(one, parts=(one.parts[0], valid[(k + 1) % len(valid)].parts[1], *one.parts[2:]))
        for k, one in enumerate(valid)
    ]


def doubled(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """The alto a fifth below the soprano."""
    return [
        replace(one, parts=(one.parts[0], replace(_moved(one.parts[0], -7), name="Alto"), *one.parts[2:]))
        for one in valid
    ]


def random_notes(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """Every note drawn by itself."""
    return independent_notes(valid, [voices_of(one) for one in valid], [voices_of(one) for one in train], generator)


def wrong_notes(valid: Pieces, train: Pieces, generator: np.random.Generator) -> Pieces:
    """One note in ten a semitone up or down."""

    def spoiled(part: Part) -> Part:
        shifts = np.where(generator.random(len(part.notes)) < 0.1, generator.choice([-1, 1], len(part.notes)), 0)
        moved = (replace(n, pitch=n.pitch + int(by)) for n, by in zip(part.notes, shifts, strict=True))
        return replace(part, notes=tuple(moved))

    return [replace(one, parts=tuple(map(spoiled, one.parts))) for one in valid]


KINDS: dict[str, Callable[[Pieces, Pieces, np.random.Generator], Pieces]] = {
    "other real": lambda valid, train, generator: valid,
    "shuffled bars": shuffled_bars,
    "wrong notes": wrong_notes,
    "strange alto": strange_alto,
    "doubled in fifths": doubled,
    "half copies": half_copies,
    "copies": copies,
    "few pieces": few_pieces,
    "one piece": one_piece,
    "random notes": random_notes,
}


def transposed(score: Score, by: int) -> Score:
    return replace(score, parts=tuple(_moved(part, by) for part in score.parts))


def _moved(part: Part, by: int) -> Part:
    return replace(part, notes=tuple(replace(note, pitch=note.pitch + by) for note in part.notes))


def _shuffled(score: Score, generator: np.random.Generator) -> Score:
    starts = [*bar_starts(score.meters, score.end).tolist(), score.end]
    order = generator.permutation(len(starts) - 1).tolist()
    parts = []
    for part in score.parts:
        notes: list[Note] = []
        at = 0
        for bar in order:
            begin, end = starts[bar], starts[bar + 1]
            for note in part.notes:
                first, last = max(note.onset, begin), min(note.end, end)
                if first < last:
                    notes.append(replace(note, onset=at + first - begin, duration=last - first))
            at += end - begin
        parts.append(replace(part, notes=tuple(notes)))
    return replace(score, parts=tuple(parts))


if __name__ == "__main__":
    main()
