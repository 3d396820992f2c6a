"""Texts from a network in the grammar of SMILES, many at once; what does not parse is dropped and drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.training.device import products

if TYPE_CHECKING:
    from genapps_molecule.model import SmilesModel

ROUND = 2048  # texts that are drawn at once


def draw_texts(
    model: SmilesModel,
    n: int,
    generator: torch.Generator,
    *,
    prompts: Sequence[str] | None = None,
    temperature: float = 1.0,
) -> list[str]:
    """`SmilesModel.draw`: products of the network with bfloat16 where the processor has them."""
    given: Ragged | None = None
    if prompts is not None:
        if len(prompts) != n:
            raise UsageError(f"{len(prompts)} prompts for {n} texts: give one for each")
        given = model.vocabulary.encode(prompts)
        model = model.lengthened(int(given.lengths.max()) + 1 if n else 0)
    with products("auto", torch.device("cpu")):
        codes = model.model.sample(
            n,
            grammar=model.syntax,
            prompt=given,
            labels=model.class_of(prompts is not None),
            temperature=temperature,
            generator=generator,
        )
    return model.vocabulary.decode(codes)


@dataclass
class Yield:
    """What became of the texts that were drawn; `dropped` takes each one that was not kept, and why."""

    drawn: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # in general words, and how often
    dropped: Callable[[str, str], None] | None = None

    def drop(self, text: str, reason: str, kind: str = "") -> None:
        """Count one that was dropped, under its kind of reason where the reason is of its own."""
        self.reasons[kind or reason] = self.reasons.get(kind or reason, 0) + 1
        if self.dropped is not None:
            self.dropped(text, reason)

    @property
    def kept(self) -> int:
        """How many were not dropped."""
        return self.drawn - sum(self.reasons.values())

    @property
    def share(self) -> float:
        """The share of draws that were kept."""
        return self.kept / self.drawn if self.drawn else 1.0
