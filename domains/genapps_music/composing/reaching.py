"""What a model reaches: nats a cell of pieces that it did not learn from, beside the shares of the codes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from genapps.errors import UsageError
from genapps_music.codec import CONTEXT, Codec, Piece
from genapps_music.model import MusicModel

_MOST = 100  # pieces that it is judged on


@dataclass(frozen=True)
class Reached:
    """Nats a cell of held-out pieces, lower is better; None for a family without a likelihood.

    kind: exact, bound or estimate. floor: of the shares of the codes of each voice alone. frame: nats a step.
    """

    nats: float | None
    kind: str
    floor: float
    frame: float | None
    pieces: int
    about: str = ""

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        if self.nats is None:
            return [f"reached      no likelihood in this family; floor {self.floor:.3f} nats a cell"]
        about = f" ({self.about})" if self.about else ""
        return [
            f"reached      {self.nats:.3f} nats a cell, {self.frame:.2f} a step, {self.kind}{about}, of {self.pieces}"
            f" held-out pieces; shares of the codes alone: {self.floor:.3f}"
        ]


def floor_of(learnt: Sequence[Piece], held: Sequence[Piece], codec: Codec) -> float:
    """Nats a cell of held-out pieces under the shares of each voice's codes, with one more of each."""
    total, cells = 0.0, 0
    for column, voice in enumerate(codec.layout.voices):
        seen = np.concatenate([piece.cells[:, column] for piece in learnt])
        counts = np.bincount(seen, minlength=voice.size) + 1.0
        logs = np.log(counts / counts.sum())
        for piece in held:
            codes = piece.cells[:, column]
            total -= float(logs[np.minimum(codes, voice.size - 1)].sum())
            cells += len(codes)
    return total / max(cells, 1)


def reached(model: MusicModel, learnt: Sequence[Piece], held: Sequence[Piece], seed: int) -> Reached:
    """What a model reaches on at most 100 held-out pieces."""
    codec, held = model.codec, list(held)[:_MOST]
    floor = floor_of(learnt, held, codec)
    voices = len(codec.layout.voices)
    generator = torch.Generator().manual_seed(seed)
    try:
        total, steps, kind, about = _nats(model, held, generator)
    except UsageError:
        return Reached(None, "none", floor, None, len(held))
    if not steps:
        return Reached(None, "none", floor, None, len(held))
    return Reached(total / steps / voices, kind, floor, total / steps, len(held), about)


def _nats(model: MusicModel, held: Sequence[Piece], generator: torch.Generator) -> tuple[float, int, str, str]:
    """Nats and steps of held-out pieces, what kind of figure it is, and what it includes."""
    from genapps_music.composing.fitting import batch_of, windows
    from genapps_music.presets import PRESETS

    codec, family, part = model.codec, model.family, model.part
    bars = PRESETS[family].bars if family in ("vae", "gan") else 0
    parts = windows(held, codec, bars, bars, ragged=not bars)
    if not parts:
        return 0.0, 0, "none", ""
    batch = batch_of(parts, codec, family)
    if family == "autoregressive":
        known = [True] * CONTEXT + [False] * len(codec.layout.voices)
        found = part.log_prob(batch, known=known)  # type: ignore[call-arg]
        return -float(found.values.double().sum()), len(batch.values), found.kind, ""
    found = part.log_prob(batch, generator=generator)
    total = -float(found.values.double().sum())
    about = "" if bars else "with the places in the bar"
    if family in ("hmm", "gmm"):  # exact, too, of the context alone: what is left is of the cells given it
        bare = batch.values.clone()
        bare[:, CONTEXT:] = -1
        total += float(part.log_prob(type(batch)(bare, batch.lengths), generator=generator).values.double().sum())
        about = ""
    return total, len(batch.values), found.kind, about


__all__ = ["Reached", "floor_of", "reached"]
