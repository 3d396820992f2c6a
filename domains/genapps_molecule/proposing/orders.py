"""What a person asks of `propose`."""

from __future__ import annotations

from dataclasses import dataclass, field

from genapps_molecule.proposing.picking import Aim
from genapps_molecule.proposing.sources import Shape
from genapps_molecule.traits.ranges import Wish


@dataclass(frozen=True)
class Order:
    """What is asked of `propose`.

    most: molecules drawn or looked at by a search at most, seconds: of drawing at most. novel_to: canonical SMILES that
    are not to be delivered, neutral where they can be (`chemistry.neutral`), so that no ion of them is either.
    """

    n: int = 1000
    seed: int = 0
    wish: Wish | None = None
    filters: tuple[str, ...] = ()
    novel_to: frozenset[str] = frozenset()
    shape: Shape = field(default_factory=Shape)
    aims: tuple[Aim, ...] = ()
    diverse: bool = False
    temperature: float = 1.0
    most: int = 1_000_000
    seconds: float | None = None
