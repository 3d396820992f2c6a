"""n-grams with a syntax mask, counted from scratch on one core, and the same after selection by density ratio.

    python benchmarks/molecule/ngram.py [--quick] [--molecules N] [--n 10000] [--selected 2500]

Seconds are this process's own. FCD/Test stands beside its floor: what as many real molecules come to. Aims: at most 3.0
with 10,000 molecules, counted and drawn in at most 120 seconds; at most 1.5 with 2,500 that were selected.
"""

from __future__ import annotations

import argparse
import random
import time

import torch
from keep import write
from measuring import drawn, fcd, figures, judged, spoken
from molecules import read

from genapps_molecule.evaluating.tasks import Texts
from genapps_molecule.generators.counting import NGrams
from genapps_molecule.generators.ratio import Selected


def main() -> None:
    """Count, draw, judge; select, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20,000 molecules, 300 drawn")
    parser.add_argument("--molecules", type=int, default=1_600_000, help="of MOSES' training set, at random")
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--selected", type=int, default=2_500)
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
    if settings.quick:
        settings.molecules, settings.n, settings.selected = 20_000, 300, 300
    torch.set_num_threads(1)
    known = list(read("moses"))
    if not known:
        return
    training = Texts(frozenset(known))
    random.Random(settings.seed).shuffle(known)
    known = known[: settings.molecules]
    began = time.process_time()
    model = NGrams.fit(known)
    counted = time.process_time() - began
    sample = drawn(model, settings.n, settings.seed)
    seconds = time.process_time() - began
    rows = [{"what": "n-grams", "FCD/Test": fcd(list(sample.smiles)), "fit_seconds": counted, "seconds": seconds}]
    valid, distinct = len(sample.mols) / sample.rows, len(set(sample.smiles)) / len(sample.smiles)
    new = 1 - training.hold(sorted(set(sample.smiles))).mean()
    rows[0] |= {
        "valid": valid,
        "distinct": distinct,
        "novelty": float(new),
        "keys": [len(t.keys) for t in model.tables],
    }
    print(f"n-grams: counted in {counted:.0f} s, with {settings.n:,} drawn {seconds:.0f} s; {rows[0]}")
    began = time.process_time()
    selected = Selected.fit(model, known, torch.Generator().manual_seed(settings.seed))
    learnt = time.process_time() - began
    chosen = drawn(selected, settings.selected, settings.seed)
    chosen_seconds = time.process_time() - began
    found = {
        "n-grams": figures(judged(drawn(model, settings.selected, settings.seed + 1), training)),
        "n-grams, selected": figures(judged(chosen, training)),
    }
    for what, measured in found.items():
        print(f"{what}: {spoken(measured)}")
        rows.append({"what": what, "figures": measured})
    rows[-1] |= {"fit_seconds": learnt, "seconds": chosen_seconds}
    if not settings.quick:
        write("ngram", rows, vars(settings) | {"trained_on": len(known)})


if __name__ == "__main__":
    main()
