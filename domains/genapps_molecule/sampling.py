"""Texts from a network in the grammar of SMILES, many at once; what does not parse is dropped and drawn again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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

MORE = 40  # codes that may follow a prompt, at least
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
        model = model.lengthened(int(given.lengths.max()) + MORE if n else 0)
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
        """Tell of one that was dropped, counted under its kind of reason where the reason is of its own."""
        self.count(kind or reason)
        if self.dropped is not None:
            self.dropped(text, reason)

    def count(self, reason: str, times: int = 1) -> None:
        """Count some that were dropped."""
        if times:
            self.reasons[reason] = self.reasons.get(reason, 0) + times

    @property
    def kept(self) -> int:
        """How many were not dropped."""
        return self.drawn - sum(self.reasons.values())

    @property
    def share(self) -> float:
        """The share of draws that were kept."""
        return self.kept / self.drawn if self.drawn else 1.0


def molecules(
    drawer: Drawer, generator: torch.Generator, told: Yield, *, temperature: float = 1.0, rows: int = ROUND
) -> Iterator[tuple[str, Chem.Mol]]:
    """Molecules as they are drawn, each once, with their canonical SMILES, without end; `told` counts what was not."""
    seen: set[str] = set()
    while True:
        for text in drawer.draw(rows, generator, temperature=temperature):
            told.drawn += 1
            try:
                mol = read_smiles(text)
            except Unreadable:
                told.drop(text, "no valid chemistry")
                continue
            whole = canonical(mol)
            if whole in seen:
                told.drop(whole, "drawn before")
                continue
            seen.add(whole)
            yield whole, mol


def valid(texts: Iterable[str]) -> list[str]:
    """The canonical SMILES of those texts whose chemistry holds, in their order."""
    found: list[str] = []
    for text in texts:
        try:
            found.append(canonical(read_smiles(text)))
        except Unreadable:
            continue
    return found


def judged(model: SmilesModel, n: int, seed: int = 0) -> dict[str, float]:
    """Of n draws the share that is valid, of these the share that is there once, and that the model did not learn."""
    found = valid(draw_texts(model, n, torch.Generator().manual_seed(seed)))
    shares = {"n": n, "valid": len(found) / n, "unique": len(set(found)) / max(len(found), 1)}
    if model.members is not None:
        shares["new"] = 1 - float(model.members.hold(found).mean()) if found else 0.0
    return {name: round(value, 4) for name, value in shares.items()}
