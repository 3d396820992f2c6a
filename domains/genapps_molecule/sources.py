"""From what a person asks for (a scaffold, pieces to link, a lead) to the source that molecules are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.alerts import Alerts
from genapps_molecule.candidates import Source
from genapps_molecule.fragments import Library
from genapps_molecule.growing import SideChains
from genapps_molecule.guided import Guided
from genapps_molecule.likeness import Likeness
from genapps_molecule.linking import Linker, Pieces
from genapps_molecule.measures import figures
from genapps_molecule.ranges import Wish
from genapps_molecule.records import Drawer
from genapps_molecule.scaffolds import Decorator, Scaffold

SEARCH_WRITTEN = 0.25  # the share of side chains that the network writes in a search: the library is much faster


@dataclass(frozen=True)
class Asked:
    """What is asked for by structure, each part parsed; all of it is to hold."""

    scaffold: Scaffold | None = None
    link: Pieces | None = None
    like: Likeness | None = None

    @classmethod
    def parse(
        cls,
        scaffold: str | None = None,
        link: tuple[str, str] | None = None,
        like: str | None = None,
        similarity: str | None = None,
    ) -> Asked:
        """From the options' texts. Raises UsageError for what is no molecule or no range, or does not go together."""
        if scaffold is not None and link is not None:
            raise UsageError("--scaffold and --link cannot both be met; give one of them")
        if similarity is not None and like is None:
            raise UsageError("--similarity to what? Name a lead with --like")
        return cls(
            None if scaffold is None else Scaffold.parse(scaffold),
            None if link is None else Pieces.parse(*link),
            None if like is None else Likeness.parse(like, *([similarity] if similarity else [])),
        )

    def source(self, drawer: Drawer | None, temperature: float = 1.0) -> Source | None:
        """What draws molecules around the scaffold or between the pieces; None where neither is asked for."""
        chains = SideChains(Library.shipped(), drawer, temperature)
        if self.scaffold is not None:
            return Decorator(self.scaffold, chains)
        return Linker(self.link, chains) if self.link is not None else None


@dataclass(frozen=True)
class Goal:
    """How far molecules are from all that is wished of them: ranges, similarity, alerts."""

    wish: Wish | None = None
    like: Likeness | None = None
    alerts: Alerts | None = None

    def __call__(self, mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        """The distance of each molecule (N,), 0 where all is met."""
        far = np.zeros(len(mols))
        if self.wish is not None:
            far += self.wish.distance(figures(mols, self.wish.names))
        if self.like is not None:
            far += self.like.distance(mols)
        if self.alerts is not None:
            far += [len(self.alerts.hits(mol)) for mol in mols]
        return far


def search(goal: Goal, source: Source | None, drawer: Drawer | None, temperature: float = 1.0) -> Guided:
    """The guided search towards a goal: it begins at the leads, if any, and at what the source draws."""
    chains = SideChains(Library.shipped(), drawer, temperature, written=SEARCH_WRITTEN)
    return Guided(goal, chains, goal.like.leads if goal.like is not None else (), source)
