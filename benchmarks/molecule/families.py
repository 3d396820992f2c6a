"""All families on the same molecules for the same time, beside n-grams and with selection: MOSES' measures at one n.

    python benchmarks/molecule/families.py [--quick] [--molecules 20000] [--seconds 60] [--n 500] [--only vae,gan]

Each is trained from scratch on one core for so many seconds of wall clock at most (a hidden Markov model until it is
done, n-grams in one pass), so this says what a family is worth in a minute, not what it can reach; the network that
ships stands in the last row. Texts are drawn until n are molecules, or until it is plain that hardly any are.
"""

from __future__ import annotations

import argparse
import random
import time
from functools import cache
from typing import Any

import torch
from keep import read as kept
from keep import write
from measuring import drawn, figures, judged, spoken
from molecules import read

from genapps.errors import InputError
from genapps.models import Autoregressive
from genapps.spaces import Tokens
from genapps.training import TrainingConfig
from genapps_molecule.evaluating.tasks import Texts
from genapps_molecule.generators.families import FAMILIES, FamilyModel, Latent, Written, fit_family
from genapps_molecule.generators.model import SHIPPED, SmilesModel
from genapps_molecule.generators.ratio import Selected
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.records import Drawer

STATES = 48
_CUT = 4_000  # molecules that are cut into fragments


def main() -> None:
    """A row a family."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2,000 molecules, ten seconds, n = 100")
    parser.add_argument("--molecules", type=int, default=20_000, help="of MOSES' training set, at random")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="families, with commas; the rows of the others stay as they were")
    settings = parser.parse_args()
    if settings.quick:
        settings.molecules, settings.seconds, settings.n = 2_000, 10.0, 100
    torch.set_num_threads(1)
    known = list(read("moses"))
    if not known:
        return
    training = Texts(frozenset(known))
    learnt = random.Random(settings.seed).sample(known, settings.molecules)
    wanted = settings.only.split(",") if settings.only else [*FAMILIES, "ngram selected", "shipped"]
    for family in wanted:
        row = measured(family, learnt, training, settings)
        print(f"{family}: {row['fit_seconds']:.0f} s, {row.get('skipped') or spoken(row['figures'])}", flush=True)
        if not settings.quick:
            others = [one for one in kept("families").get("rows", []) if one["family"] != family]
            write("families", [*others, row], {**vars(settings), "only": None})


def measured(family: str, learnt: list[str], training: Texts, settings: argparse.Namespace) -> dict[str, Any]:
    """One family learnt and judged."""
    began = time.process_time()
    drawer = learned(family, learnt, settings)
    row: dict[str, Any] = {"family": family, "molecules": len(learnt), "fit_seconds": time.process_time() - began}
    try:
        sample = drawn(drawer, settings.n, settings.seed)
    except InputError as error:
        return row | {"skipped": str(error), "figures": {}}
    return row | {"drawn": sample.rows, "figures": figures(judged(sample, training))}


def learned(family: str, learnt: list[str], settings: argparse.Namespace) -> Drawer:
    """The drawer of a family."""
    how = TrainingConfig(budget=settings.seconds, patience=1_000)
    if family == "shipped":
        return SmilesModel.load(SHIPPED)
    if family == "autoregressive":
        vocabulary = Vocabulary.of(learnt)
        data = vocabulary.encode(learnt)
        model = Autoregressive(space=Tokens(len(vocabulary), int(data.lengths.max())), hidden=256, layers=2)
        return SmilesModel(vocabulary, model.fit(data, training=how))
    if family == "hmm":
        return FamilyModel("hmm", Written.fit(learnt[:_CUT], how, settings.seed, states=STATES))
    if family == "rbm":
        return fit_family("rbm", learnt[:_CUT], training=how, seed=settings.seed)
    if family == "ngram selected":
        grams = fit_family("ngram", learnt).maker
        return Selected.fit(grams, learnt, torch.Generator().manual_seed(settings.seed), most=4_000)  # type: ignore[arg-type]
    if family in ("vae", "gmm", "gan"):
        maker = autoencoder(tuple(learnt), how, settings.seed)
        prior = "" if family == "vae" else family
        return FamilyModel(family, maker.with_prior(prior, learnt, how, settings.seed) if prior else maker)
    return fit_family(family, learnt, training=how, seed=settings.seed)


@cache
def autoencoder(learnt: tuple[str, ...], how: TrainingConfig, seed: int) -> Latent:
    """The one autoencoder whose latents three families draw in their own way."""
    return Latent.fit(learnt, how, seed)


if __name__ == "__main__":
    main()
