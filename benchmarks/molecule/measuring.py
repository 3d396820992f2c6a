"""What the benchmarks of generators share: texts until enough are molecules, judged, as rows with n and floor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from molecules import read
from rdkit import Chem

from genapps.metrics.frechet import Moments, frechet_distance
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.evaluating import chemnet
from genapps_molecule.evaluating.floors import floor_at, moses_floors
from genapps_molecule.evaluating.judging import Judged, Known, Sample, Yardstick, judge
from genapps_molecule.evaluating.reference import moses
from genapps_molecule.records import Drawer, Dropped, Molecule
from genapps_molecule.traits.fingerprints import fingerprints


def understood(texts: Iterable[str]) -> Iterator[Molecule | Dropped]:
    """Each text as a molecule, or why it is none."""
    for row, text in enumerate(texts, 1):
        try:
            mol = read_smiles(text)
        except Unreadable as error:
            yield Dropped(row, text, str(error))
            continue
        yield Molecule(row, canonical(mol), mol, text=text)


def drawn(drawer: Drawer, n: int, seed: int, rows: int = 2_048) -> Sample:
    """Texts as they are drawn until n are molecules, the first n of them."""
    generator = torch.Generator().manual_seed(seed)
    found: list[Molecule | Dropped] = []
    there = 0
    while there < n:
        for one in understood(drawer.draw(rows, generator)):
            found.append(one)
            there += isinstance(one, Molecule)
            if there == n:
                break
        if len(found) >= 20 * rows and there < len(found) / 200:  # hardly anything is valid: what there is, is judged
            break
    return Sample.of(found)


@cache
def yardstick(scaffolds: bool = False) -> Yardstick:
    """MOSES' test sets; with `scaffolds` SNN/TestSF too, for which its molecules are read (half a minute)."""
    made = Yardstick.moses()
    texts = list(read("moses_scaffolds")) if scaffolds else []
    if not texts:
        return made
    blocks = (texts[i : i + 10_000] for i in range(0, len(texts), 10_000))
    prints = np.concatenate([fingerprints([Chem.MolFromSmiles(text) for text in block]) for block in blocks])
    references = {**made.references, "TestSF": replace(made.references["TestSF"], prints=prints)}
    return replace(made, references=references)


def judged(sample: Sample, training: Known | None, *, scaffolds: bool = False) -> Judged:
    """MOSES' measures of a sample."""
    return judge(sample, yardstick(scaffolds), training=training)


def figures(judged: Judged) -> dict[str, dict[str, Any]]:
    """Value, n, floor and the published figure of each measure, rounded."""
    return {
        one.key: {
            "value": round(one.value, 4),
            "n": one.n,
            "floor": None if one.floor is None else round(one.floor, 4),
            **({} if one.published is None else {"charrnn": one.published}),
        }
        for one in judged.figures
    }


def fcd(smiles: list[str]) -> dict[str, Any]:
    """FCD/Test alone, with n and floor."""
    reference = moses("test").moments
    assert reference is not None
    value = frechet_distance(Moments.of(chemnet.features(smiles)), reference)
    floor = floor_at(len(smiles), "FCD/Test", moses_floors())
    return {"value": round(value, 4), "n": len(smiles), "floor": None if floor is None else round(floor, 4)}


def spoken(found: dict[str, dict[str, Any]], keys: Iterable[str] = ("valid", "FCD/Test", "Novelty")) -> str:
    """A few figures on one line."""
    return ", ".join(
        f"{key} {found[key]['value']:.3f}" + (f" (floor {found[key]['floor']:.3f})" if found[key]["floor"] else "")
        for key in keys
        if key in found
    )
