"""MOSES' protocol for one model: n texts as they are drawn, judged beside floors and published figures.

    python benchmarks/molecule/moses.py [MODEL.genapps] [--n 30000] [--quick] [--name NAME] [--selected]

The model that ships, if none is named; of any family. A row of results/moses.json is one model at one n, with its card,
so rows of checkpoints are a learning curve; a row of the same name and n is replaced. `delivered` is the share of valid
molecules among what `propose` hands on. About 15 minutes on one core for 30,000, one for 2,000 (--quick).
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from keep import read as kept
from keep import write
from measuring import figures, judged, spoken, understood
from molecules import read
from rdkit import Chem

from genapps_molecule.evaluating.judging import Sample
from genapps_molecule.evaluating.tasks import Texts
from genapps_molecule.generators.families import load_drawer
from genapps_molecule.generators.model import SHIPPED
from genapps_molecule.generators.ratio import Selected
from genapps_molecule.generators.sampling import Yield, molecules

# What this must reach with 30,000, and the published model that it should beat.
AIMS = {
    "valid": 0.975,
    "unique@10000": 0.999,
    "FCD/Test": 0.10,
    "FCD/TestSF": 0.60,
    "SNN/Test": 0.59,
    "Scaf/Test": 0.90,
    "Filters": 0.99,
    "Novelty": 0.84,
    "IntDiv": 0.855,
}
LOWER = ("FCD/Test", "FCD/TestSF")


def main() -> None:
    """Draw, judge, keep a row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=SHIPPED)
    parser.add_argument("--n", type=int, default=30_000)
    parser.add_argument("--quick", action="store_true", help="n = 2,000")
    parser.add_argument("--name", help="of the row; the file's name if not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--selected", action="store_true", help="with selection by density ratio")
    settings = parser.parse_args()
    n = 2_000 if settings.quick else settings.n
    torch.set_num_threads(1)
    known = list(read("moses"))
    if not known:
        return
    drawer: Any = load_drawer(settings.model)
    card = dict(drawer.card)
    generator = torch.Generator().manual_seed(settings.seed)
    if settings.selected:
        drawer = Selected.fit(drawer, known, generator)
    began = time.process_time()
    texts = drawer.draw(n, generator)
    seconds = time.process_time() - began
    sample = Sample.of(understood(texts))
    found = figures(judged(sample, Texts(frozenset(known)), scaffolds=True))
    name = (settings.name or settings.model.stem) + (" selected" if settings.selected else "")
    row = {
        "name": name,
        "n": n,
        "draw_seconds": round(seconds, 1),
        "delivered": delivered(drawer, settings.seed),
        "figures": found,
        "aims": aims(found),
        "card": card,
    }
    rows = [one for one in kept("moses").get("rows", []) if (one["name"], one["n"]) != (name, n)]
    write("moses", [*rows, row], {"protocol": "MOSES: n texts as drawn; all but valid over the valid ones"})
    print(f"{name}, n = {n:,}: {spoken(found, found)}")
    print("aims missed:", ", ".join(key for key, met in row["aims"].items() if not met) or "none")


def delivered(drawer: Any, seed: int, n: int = 1_000) -> float:
    """The share of valid texts among molecules that are handed on."""
    stream = molecules(drawer, torch.Generator().manual_seed(seed), Yield())
    return sum(Chem.MolFromSmiles(text) is not None for text, _ in islice(stream, n)) / n


def aims(found: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """Which aims are met."""
    return {
        key: found[key]["value"] <= aim if key in LOWER else found[key]["value"] >= aim
        for key, aim in AIMS.items()
        if key in found
    }


if __name__ == "__main__":
    main()
