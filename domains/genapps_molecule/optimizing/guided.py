"""The genetic algorithm beside a generator that learns from what was found: replay on a network of SMILES.

Half of the molecules are drawn from the network, half are children of the best. After each round the network goes over
the best so far, drawn by rank and each written from another atom, as Genetic GFN does (Kim et al. 2024, section 4: a
policy and genetic steps that share one buffer) with the augmentation of Augmented Memory (Guo and Schwaller 2024). What
it learns by is plain likelihood, and a part of each batch is drawn from the network as it was, which keeps its grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem

from genapps.training import Recipe
from genapps_molecule.chemistry import Unreadable, read_smiles
from genapps_molecule.generators.fitting import randomized
from genapps_molecule.generators.model import CANONICAL, RANDOMIZED, SmilesModel
from genapps_molecule.optimizing.genetic import Breeding, Genetic, candidate, packed, parsed, unpacked
from genapps_molecule.optimizing.ledger import Candidate, Ledger
from genapps_molecule.optimizing.search import Allowed

_TRIES = 4  # draws for each molecule that is wanted from the network


@dataclass
class Guided:
    """The strategy that asks about draws of a network and about children of the best.

    drawn: the share of draws. memory: how many of the best are gone over; replayed: in a batch; updates: batches a
    round; kept: share of a batch that the network drew before it learnt.
    """

    model: SmilesModel
    breeding: Breeding = field(default_factory=Breeding)
    batch: int = 64
    drawn: float = 0.5
    memory: int = 200
    replayed: int = 48
    updates: int = 4
    kept: float = 0.15
    rate: float = 5e-4
    seen: int = 0  # calls that were learnt from
    _before: list[str] = field(default_factory=list, repr=False)
    _adam: torch.optim.Adam | None = field(default=None, repr=False)

    def propose(self, n: int, ledger: Ledger, allowed: Allowed, rng: np.random.Generator) -> list[Candidate]:
        """Up to n molecules to ask about next."""
        if len(ledger) > self.seen:
            self._learn(ledger, rng)
            self.seen = len(ledger)
        found = {one.smiles: one for one in self._draws(round(n * self.drawn), ledger, allowed, rng)}
        bred = Genetic(self.breeding).propose(n, ledger, lambda one: one.smiles not in found and allowed(one), rng)
        return [*found.values(), *bred][:n]

    def _draws(self, n: int, ledger: Ledger, allowed: Allowed, rng: np.random.Generator) -> list[Candidate]:
        found: dict[str, Candidate] = {}
        for text in self.model.draw(_TRIES * n, _torch(rng)):
            try:
                mol = read_smiles(text)
            except Unreadable:
                continue
            Chem.RemoveStereochemistry(mol)
            one = candidate(mol)
            if one is None or one.smiles in found or one.smiles in ledger or "." in one.smiles:
                continue
            if mol.GetNumAtoms() <= self.breeding.most_atoms and allowed(one):
                found[one.smiles] = one
            if len(found) >= n:
                break
        return list(found.values())

    def _learn(self, ledger: Ledger, rng: np.random.Generator) -> None:
        """Go over the best by rank."""
        best = ledger.ranked()[: self.memory]
        if not len(best):
            return
        if not self._before:
            self._before = self.model.draw(512, _torch(rng))
        # The weight of a rank as Genetic GFN has it: 1 / (k N + rank), k = 0.01.
        weights = 1 / (0.01 * len(best) + np.arange(len(best)))
        weights /= weights.sum()
        for _ in range(self.updates):
            replayed = rng.choice(best, self.replayed, p=weights)
            again = rng.integers(len(self._before), size=round(self.kept * self.replayed))
            texts = [randomized(parsed(ledger.smiles[call]), rng) for call in replayed]
            canonical = [ledger.smiles[call] for call in replayed[: self.replayed // 2]]
            self._step(texts[self.replayed // 2 :], [*canonical, *(self._before[k] for k in again)], rng)

    def _step(self, random: Sequence[str], canonical: Sequence[str], rng: np.random.Generator) -> None:
        """One step of Adam on texts of both classes; what is longer than the network reads is left out."""
        codes = self.model.vocabulary.encode([*random, *canonical])
        classes = torch.tensor([RANDOMIZED] * len(random) + [CANONICAL] * len(canonical))
        fits = (codes.lengths <= self.model.longest).nonzero()[:, 0]
        if not len(fits):
            return
        engine = self.model.model.engine
        inside = classes[fits] + 1 if len(engine.shares) > RANDOMIZED + 1 else torch.zeros(len(fits), dtype=torch.long)
        adam = self._optimizer()
        adam.zero_grad()
        engine.network.train()
        loss = engine.loss(codes.take(fits), inside, _torch(rng), Recipe(), torch.device("cpu"))
        if loss.requires_grad:  # else the groups of like length have summed it already
            loss.backward()
        torch.nn.utils.clip_grad_norm_(engine.network.parameters(), 5.0)
        adam.step()
        engine.network.eval()

    def _optimizer(self) -> torch.optim.Adam:
        if self._adam is None:
            self._adam = torch.optim.Adam(self.model.model.engine.network.parameters(), lr=self.rate)
        return self._adam

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The network, and where its optimizer is."""
        weights, _ = self.model.model.state()
        found = {f"network/{name}": tensor.detach().numpy() for name, tensor in weights.items()}
        found |= {"seen": np.array([self.seen]), "before": packed(self._before)}
        for k, state in self._optimizer().state_dict()["state"].items():
            found |= {f"adam/{k}/{name}": tensor.numpy() for name, tensor in state.items()}
        return found

    def take_tensors(self, tensors: dict[str, NDArray[Any]]) -> None:
        """Go on from them."""
        named = {name: torch.from_numpy(array) for name, array in tensors.items()}
        found = {name.removeprefix("network/"): tensor for name, tensor in named.items() if name.startswith("network/")}
        self.model.model.engine.restore(found, self.model.model.state()[1])
        self.seen = int(tensors["seen"][0])
        self._before = unpacked(tensors["before"])
        self._adam = None
        states: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in named.items():
            if name.startswith("adam/"):
                _, k, key = name.split("/")
                states.setdefault(int(k), {})[key] = tensor
        adam = self._optimizer()
        adam.load_state_dict({**adam.state_dict(), "state": states})


def _torch(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**62)))
