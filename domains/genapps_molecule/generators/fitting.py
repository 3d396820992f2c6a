"""`fit`: a model of a user's own molecules, from the shipped one on or from nothing.

The network learns each molecule as RDKit writes it (class 0) and written from atoms drawn anew (class 1; Arús-Pous et
al. 2019, "Randomized SMILES strings"), so that it can go on from any prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rdkit import Chem

from genapps.batches import Ragged
from genapps.errors import InputError
from genapps.models import Autoregressive
from genapps.spaces import Tokens
from genapps.training import TrainingConfig
from genapps.training.settings import Event
from genapps_molecule.chemistry import KEEP, Treatment
from genapps_molecule.generators.model import CANONICAL, RANDOMIZED, SmilesModel
from genapps_molecule.generators.sampling import judged
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.reading.files import read_molecules
from genapps_molecule.records import Dropped, Molecule
from genapps_molecule.traits.novelty import Members, Training
from genapps_molecule.working import listing

FEWEST = 10  # molecules
LONGEST = 400  # codes of a text
KEPT = 100_000  # molecules at most whose fingerprints the model keeps, 16 MB
_SHOWN = 100_000  # rows that were dropped and are remembered
_TOLD = 1_000  # of them that --json tells
_DRAWN = 500  # texts that are drawn to see what was learnt
_HELD = 0.1  # share of molecules that decide when to stop


@dataclass(frozen=True)
class FitConfig:
    """How to learn molecules; what is not set goes by their number, and by whether a model is begun from."""

    hidden: int | None = field(default=None, metadata={"help": "width of a new network", "least": 2})
    layers: int | None = field(default=None, metadata={"help": "layers of a new network", "least": 1})
    training: TrainingConfig = field(default_factory=TrainingConfig, metadata={"help": "how long and how carefully"})

    def over(self, budget: float | None, device: str) -> FitConfig:
        """The same with a budget in seconds, where there is one, and a device, unless that is auto."""
        changed: dict[str, Any] = {} if budget is None else {"budget": budget}
        changed |= {} if device == "auto" else {"device": device}
        return replace(self, training=replace(self.training, **changed))


@dataclass(frozen=True)
class Study:
    """How to learn. begin: a model to go on from."""

    begin: SmilesModel | None = None
    config: FitConfig = field(default_factory=FitConfig)
    seed: int = 0


@dataclass(frozen=True)
class Rows:
    """Molecules to learn: canonical texts, each once, and as many written from other atoms; what was dropped, and why.

    read: rows of the input. repeated: how many of them were there before.
    """

    canonical: list[str]
    randomized: list[str]
    mols: list[Chem.Mol]
    dropped: list[Dropped]
    reasons: dict[str, int]
    read: int
    repeated: int


@dataclass(frozen=True)
class Fitted:
    """A model, and what is to be told of it."""

    model: SmilesModel
    figures: dict[str, Any]
    dropped: list[Dropped]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Every figure, and the first rows that were dropped."""
        rows = [{"row": one.row, "text": one.text, "reason": one.reason} for one in self.dropped[:_TOLD]]
        return {**self.figures, "dropped_rows": rows}

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        told, before = self.figures, self.figures.get("held_out_nats_before")
        yield f"{told['molecules']:,} molecules learnt, of {told['rows']:,} rows"
        if told["repeated"]:
            yield f"  {told['repeated']:>9,}  there before"
        for reason, count in told["dropped"].items():
            yield f"  {count:>9,}  dropped: {reason}"
        earlier = "" if before is None else f", {before:.1f} before"
        yield f"held-out nats a molecule: {told['held_out_nats']:.1f}{earlier}"
        yield f"of {told['draws']['n']:,} draws {told['draws']['valid']:.1%} are valid, {told['draws']['new']:.1%} new"


def read_rows(found: Iterable[Molecule | Dropped], seed: int) -> Rows:
    """What can be learnt of the rows of an input. Raises InputError where that are fewer than 10 molecules."""
    rng = np.random.default_rng([seed, 1])
    rows = Rows([], [], [], [], {}, 0, 0)
    seen: set[str] = set()
    count = repeated = 0
    for row in found:
        count += 1
        if isinstance(row, Molecule) and len(row.smiles) > LONGEST:
            row = Dropped(row.row, row.smiles[:200], f"{len(row.smiles):,} characters, where {LONGEST} are learnt")
        if isinstance(row, Dropped):
            kind = "too long" if "are learnt" in row.reason else row.reason
            rows.reasons[kind] = rows.reasons.get(kind, 0) + 1
            if len(rows.dropped) < _SHOWN:
                rows.dropped.append(row)
        elif row.smiles in seen:
            repeated += 1
        else:
            seen.add(row.smiles)
            rows.canonical.append(row.smiles)
            rows.randomized.append(randomized(row.mol, rng))
            if len(rows.mols) <= KEPT:
                rows.mols.append(row.mol)
    if len(rows.canonical) < FEWEST:
        first = f"; row {rows.dropped[0].row}: {rows.dropped[0].reason}" if rows.dropped else ""
        raise InputError(f"{len(rows.canonical)} molecules in {count:,} rows, where {FEWEST} are the fewest{first}")
    return replace(rows, read=count, repeated=repeated)


def randomized(mol: Chem.Mol, rng: np.random.Generator) -> str:
    """A SMILES of the molecule with its atoms in an order drawn anew, which decides where it begins and branches."""
    order = rng.permutation(mol.GetNumAtoms()).tolist()
    return str(Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False))


def fit(
    path: str | Path,
    study: Study,
    treatment: Treatment = KEEP,
    *,
    column: str | None = None,
    encoding: str | None = None,
    progress: Callable[[Event], None] | None = None,
    reading: Callable[[int, int], None] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Fitted:
    """Learn the molecules of a file; "-" is standard input.

    Raises InputError where fewer than 10 molecules are left, or a checkpoint is of other data or settings.
    """
    found = read_molecules(path, treatment, column=column, encoding=encoding, progress=reading)
    rows = read_rows(found, study.seed)
    begun = study.begin or _new(rows, study)
    data, labels = encoded(rows, begun.vocabulary)
    longest = max(int(data.lengths.max()), begun.longest)
    begun = begun.lengthened(longest) if begun.model.fitted else begun
    learnt, held = divided(len(rows.canonical), study.seed)
    validation = data.take(held)
    figures: dict[str, Any] = {"rows": rows.read, "molecules": len(rows.canonical), "repeated": rows.repeated}
    figures["dropped"] = dict(sorted(rows.reasons.items(), key=lambda pair: -pair[1]))
    if study.begin is not None:
        figures["held_out_nats_before"] = nats(begun, validation)
    both = torch.cat([learnt, learnt + len(rows.canonical)])
    begun.model.random_state = study.seed
    begun.model.fit(
        data.take(both),
        labels=labels[both],
        training=training_for(study),
        validation=validation,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
        warm_start=study.begin is not None,
    )
    model = replace(
        begun,
        treatment=treatment,
        members=Members.of(rows.canonical, len(rows.canonical)),
        training=Training.of(rows.canonical, rows.mols) if len(rows.canonical) <= KEPT else None,
    )
    figures["held_out_nats"] = nats(model, validation)
    figures["draws"] = judged(model, _DRAWN, study.seed)
    card = {"what": "a user's own molecules", "begun_from": begun.card.get("what", "nothing"), **figures}
    return Fitted(replace(model, card=card), figures, rows.dropped)


def write_dropped(path: Path, dropped: Iterable[Dropped]) -> None:
    """A CSV file of rows that were not learnt: row, text, reason."""
    with listing(path, ("row", "text", "reason")) as tell:
        for one in dropped:
            tell(one.row, one.text, one.reason)


def encoded(rows: Rows, vocabulary: Vocabulary) -> tuple[Ragged, torch.Tensor]:
    """Codes and classes of the canonical texts, then of the randomized ones."""
    both = [vocabulary.encode(rows.canonical), vocabulary.encode(rows.randomized)]
    data = Ragged(torch.cat([part.values for part in both]), torch.cat([part.lengths for part in both]))
    return data, torch.tensor([CANONICAL, RANDOMIZED]).repeat_interleave(len(rows.canonical))


def divided(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The molecules to learn, and those that are held out: a tenth, at most 1,000."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    held = min(max(1, round(_HELD * count)), 1_000)
    return order[held:], order[:held]


def nats(model: SmilesModel, data: Ragged) -> float:
    """The mean negative log-likelihood of texts as canonical ones, in nats a molecule."""
    label = model.class_of(prompted=False)
    return round(-float(model.model.log_prob(data, labels=label).values.double().mean()), 3)


def training_for(study: Study) -> TrainingConfig:
    """How long and how fast: little and gently from a model on, and what is set by hand as it is."""
    if study.begin is not None:
        own = {"epochs": 6, "learning_rate": 1e-3, "batch_size": 64, "min_steps": 60, "max_steps": 3_000, "patience": 3}
        own |= {"warmup_steps": 20, "ema": 0.99}
    else:
        own = {
            "epochs": 20,
            "learning_rate": 2e-3,
            "batch_size": 64,
            "min_steps": 600,
            "max_steps": 20_000,
            "patience": 6,
        }
    own |= {"clip": 1.0, "beta2": 0.99, "check_steps": 50}
    set_here = {name: value for name, value in vars(study.config.training).items() if value is not None}
    return TrainingConfig(**{**own, **set_here})


def _new(rows: Rows, study: Study) -> SmilesModel:
    """An untrained network, larger for many molecules, with the vocabulary of the rows."""
    texts = [*rows.canonical, *rows.randomized]
    vocabulary = Vocabulary.of(texts, least=max(2, min(20, len(rows.canonical) // 500)))
    longest = max(160, int(vocabulary.encode(texts).lengths.max()))
    large = len(rows.canonical) > 50_000
    model = Autoregressive(
        space=Tokens(len(vocabulary), longest),
        hidden=study.config.hidden or (384 if large else 192),
        layers=study.config.layers or (3 if large else 2),
        dropout=0.0 if large else 0.1,
    )
    return SmilesModel(vocabulary, model)
