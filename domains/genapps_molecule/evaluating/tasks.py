"""`evaluate`: a file judged, beside MOSES or beside a file of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genapps_molecule.evaluating.judging import Judged, Known, Progress, Sample, Yardstick, judge
from genapps_molecule.reading.files import read_molecules
from genapps_molecule.records import Molecule


def evaluate(
    file: str | Path,
    *,
    reference: str | Path | None = None,
    training: str | Path | None = None,
    column: str | None = None,
    encoding: str | None = None,
    most: int = 30_000,
    fcd: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Judged:
    """The measures of the first `most` rows of a file. `seed` chooses the half of a reference that tells its floor.

    Raises InputError where a file cannot be read or has fewer than two molecules.
    """
    sample = Sample.of(read_molecules(file, column=column, encoding=encoding), most, str(file))
    n = len(sample.mols)
    if reference is None:
        yardstick = Yardstick.moses()
    else:
        held = Sample.of(read_molecules(reference), most, str(reference))
        yardstick = Yardstick.own(Path(reference).name, held, n, fcd=fcd, seed=seed, progress=progress)
    known, what = _training(training)
    judged = judge(sample, yardstick, training=known, fcd=fcd, progress=progress)
    notes = [*judged.notes, *([f"novelty is told of {what}"] if known is not None else [])]
    if sample.rows == most:
        notes.append(f"the first {most:,} rows were judged; --most takes more")
    return replace(judged, notes=tuple(notes))


@dataclass(frozen=True)
class Texts:
    """Canonical texts that training had."""

    smiles: frozenset[str]

    def hold(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each text (N,) is among them."""
        return np.array([text in self.smiles for text in texts], np.bool_)


def _training(path: str | Path | None) -> tuple[Known | None, str]:
    """What novelty is told of, and what that is called."""
    if path is not None:
        found = frozenset(one.smiles for one in read_molecules(path) if isinstance(one, Molecule))
        return Texts(found), f"{Path(path).name} ({len(found):,} distinct molecules)"
    from genapps_molecule.generators.model import SHIPPED, SmilesModel

    if not SHIPPED.exists():
        return None, ""
    members = SmilesModel.shipped().members
    return members, "" if members is None else f"the shipped model's training set ({members.size:,} molecules)"
