"""What a molecule must be to be asked about at all: within ranges, and without alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genapps_molecule.alerts import Alerts
from genapps_molecule.measures import figures
from genapps_molecule.optimizing.ledger import Candidate, Scores
from genapps_molecule.ranges import Wish


@dataclass(frozen=True)
class Fence:
    """Ranges of figures and sets of alerts; without either everything is allowed. No call is spent on what is not."""

    wish: Wish | None = None
    alerts: Alerts | None = None

    @classmethod
    def of(cls, where: str | None, filters: Sequence[str] = ()) -> Fence:
        """Of what a person wrote. Raises UsageError, InputError."""
        return cls(Wish.parse(where) if where else None, Alerts.named(filters) if filters else None)

    def __bool__(self) -> bool:
        return self.wish is not None or self.alerts is not None

    def __call__(self, one: Candidate) -> bool:
        """Whether it is allowed."""
        if self.wish is not None and not bool(self.wish.meets(figures([one.mol], self.wish.names))[0]):
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
