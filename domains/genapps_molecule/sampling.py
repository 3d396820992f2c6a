"""Texts from a network in the grammar of SMILES, many at once; what does not parse is dropped and drawn again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from rdkit import Chem

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.training.device import products
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.records import Drawer

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
    """What became of the texts that were drawn."""

    drawn: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # why texts were dropped, and how often

    def drop(self, reason: str) -> None:
        """Count one that was dropped."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    @property
    def kept(self) -> int:
        """How many were not dropped."""
        return self.drawn - sum(self.reasons.values())


def molecules(
    drawer: Drawer, generator: torch.Generator, told: Yield, *, prompts: Sequence[str] | None = None, rows: int = ROUND
) -> Iterator[tuple[str, Chem.Mol]]:
    """Unique molecules with their canonical texts, without end; `told` counts what was drawn and dropped."""
    seen: set[str] = set()
    while True:
        for text in drawer.draw(rows, generator, prompts=prompts):
            told.drawn += 1
            try:
                mol = read_smiles(text)
            except Unreadable:
                told.drop("chemistry")
                continue
            whole = canonical(mol)
            if whole in seen:
                told.drop("repeated")
                continue
            seen.add(whole)
            yield whole, mol
