"""Where proposed molecules come from: free draws, a scaffold, two pieces to link, a search towards what is wished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.growing.candidates import Made, Source, torch_generator
from genapps_molecule.growing.fragments import Library
from genapps_molecule.growing.guided import Guided
from genapps_molecule.growing.likeness import Likeness
from genapps_molecule.growing.linking import Linker, Pieces
from genapps_molecule.growing.scaffolds import Decorator, Scaffold
from genapps_molecule.growing.sidechains import SideChains
from genapps_molecule.records import Drawer
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.measures import figures
from genapps_molecule.traits.ranges import Wish
from genapps_molecule.traits.strange import unreal

_WRITTEN = 0.25  # share of a search's side chains that the network writes: the library is much faster


@dataclass(frozen=True)
class Shape:
    """What every molecule is to contain or to be like; at most one of scaffold and pieces."""

    scaffold: Scaffold | None = None
    pieces: Pieces | None = None
    likeness: Likeness | None = None

    @classmethod
    def parse(
        cls,
        scaffold: str | None = None,
        link: tuple[str, str] | None = None,
        like: str | None = None,
        similarity: str | None = None,
    ) -> Shape:
        """From what options say. Raises UsageError for what is no molecule, and for what does not go together."""
        if scaffold is not None and link is not None:
            raise UsageError("--scaffold and --link both say what to build on; give one")
        if similarity is not None and like is None:
            raise UsageError("--similarity is to a lead; name it with --like")
        return cls(
            Scaffold.parse(scaffold) if scaffold is not None else None,
            Pieces.parse(*link) if link is not None else None,
            Likeness.parse(like, *([similarity] if similarity is not None else [])) if like is not None else None,
        )


class Free:
    """Draws that nothing but the grammar binds. `dropped` takes each text whose chemistry does not hold.

    Radicals and impossible charges (`traits.strange.unreal`) are among those.
    """

    columns: tuple[str, ...] = ()

    def __init__(
        self, drawer: Drawer, temperature: float = 1.0, dropped: Callable[[str, str], None] | None = None
    ) -> None:
        self.drawer, self.temperature, self.dropped = drawer, temperature, dropped

    def draw(self, n: int, rng: np.random.Generator) -> list[Made]:
        """Those of n texts whose chemistry holds."""
        made = []
        for text in self.drawer.draw(n, torch_generator(rng), temperature=self.temperature):
            try:
                mol = read_smiles(text)
                if problems := unreal(mol):
                    raise Unreadable(min(problems))
            except Unreadable as error:
                if self.dropped is not None:
                    self.dropped(text, f"no valid chemistry: {error}")
                continue
            made.append((canonical(mol), mol))
        return made

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """Whatever there is."""
        return [""] * len(mols)

    def describe(self, mol: Chem.Mol) -> Mapping[str, str | float]:
        """Nothing more."""
        return {}

    def notes(self) -> list[str]:
        """Nothing."""
        return []


@dataclass(frozen=True)
class Near:
    """Another source, which tells of each molecule how like it is to the nearest lead, too."""

    source: Source
    likeness: Likeness

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the source, and the similarity."""
        return (*self.source.columns, "similarity")

    def draw(self, n: int, rng: np.random.Generator) -> list[Made]:
        """As the source does."""
        return self.source.draw(n, rng)

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """As the source says: a search is to see what is not like the lead yet."""
        return self.source.accepts(mols)

    def describe(self, mol: Chem.Mol) -> Mapping[str, str | float]:
        """As the source does, and the similarity."""
        return {**self.source.describe(mol), "similarity": round(float(self.likeness.similarity([mol])[0]), 3)}

    def notes(self) -> list[str]:
        """As the source says."""
        return self.source.notes()


def source_of(
    drawer: Drawer, shape: Shape, temperature: float = 1.0, dropped: Callable[[str, str], None] | None = None
) -> Source:
    """What draws molecules of a shape; how like they are to leads is told, not asked for.

    dropped takes each text that it draws and does not hand on, and why.
    """
    source: Source = Free(drawer, temperature, dropped)
    chains = SideChains(Library.shipped(), drawer, temperature)
    if shape.scaffold is not None:
        source = Decorator(shape.scaffold, chains, dropped)
    elif shape.pieces is not None:
        source = Linker(shape.pieces, chains, dropped=dropped)
    return source if shape.likeness is None else Near(source, shape.likeness)


def search(
    drawer: Drawer,
    shape: Shape,
    wish: Wish | None,
    source: Source,
    temperature: float = 1.0,
    alerts: Alerts | None = None,
) -> Guided:
    """A search for molecules of the shape that meet the wish, are as like to the leads as asked, and have no alert."""

    def distance(mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        far = np.zeros(len(mols))
        if wish is not None:
            far += wish.distance(figures(mols, wish.names))
        if shape.likeness is not None:
            far += shape.likeness.distance(mols)
        if alerts is not None:
            far += [len(alerts.hits(mol)) for mol in mols]
        return far

    chains = SideChains(Library.shipped(), drawer, temperature, written=_WRITTEN)
    return Guided(distance, chains, shape.likeness.leads if shape.likeness is not None else (), source)
