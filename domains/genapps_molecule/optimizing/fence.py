"""What a molecule must be to be asked about at all: within ranges, without alerts, and not too hard to make.

Objectives that were learnt from data are wrong about molecules unlike all that is known, and a search finds those: so
that children stay as easy to make as what they began from, unless something else is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from genapps_molecule.optimizing.ledger import Candidate, Scores
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.measures import figures
from genapps_molecule.traits.properties import PROPERTIES, table
from genapps_molecule.traits.ranges import Wish

HARD = 4.0  # the SA score that one in eight molecules of ZINC exceeds


@dataclass(frozen=True)
class Fence:
    """Ranges of figures, sets of alerts, a limit of the SA score. No call is spent on what is outside."""

    wish: Wish | None = None
    alerts: Alerts | None = None
    hardest: float = math.inf  # the highest score of synthetic accessibility

    @classmethod
    def of(cls, where: str | None, filters: Sequence[str] = ()) -> Fence:
        """Of what a person wrote. Raises UsageError, InputError."""
        return cls(Wish.parse(where) if where else None, Alerts.named(filters) if filters else None)

    @property
    def asked(self) -> bool:
        """Whether there are ranges or alerts."""
        return self.wish is not None or self.alerts is not None

    def __call__(self, one: Candidate) -> bool:
        """Whether it is allowed."""
        if self.wish is not None and not bool(self.wish.meets(figures([one.mol], self.wish.names))[0]):
            return False
        if math.isfinite(self.hardest) and PROPERTIES["sa"].of(one.mol) > self.hardest:
            return False
        return self.alerts is None or not self.alerts.hits(one.mol)

    def nearness(self, asked: Sequence[Candidate]) -> Scores:
        """How near each is to what is allowed, as scores (N,): 0 inside, less for each spread and each alert."""
        mols = [one.mol for one in asked]
        far = np.zeros(len(mols))
        if self.wish is not None:
            far += self.wish.distance(figures(mols, self.wish.names))
        if self.alerts is not None:
            far += [len(self.alerts.hits(mol)) for mol in mols]
        return Scores(-far, ("",) * len(mols))


def hardest_of(mols: Sequence[Chem.Mol]) -> float:
    """How hard to make a child may be: as nine of ten of these molecules are, but always as hard as HARD."""
    scores = table(mols, ("sa",))["sa"]
    known = scores[np.isfinite(scores)]
    return max(HARD, float(np.quantile(known, 0.9))) if len(known) else HARD
