"""JSB chorales as piano rolls by each of the six families: nats a frame, and what drawn pieces are like.

    python benchmarks/music/families.py [--quick] [--only FAMILY]

Data and measure as in `rolls.py`: minus the log-likelihood of all test frames over their number, lengths given, exact,
a bound or an estimate as said (a GAN has none). Each family draws 77 pieces of the test pieces' lengths, or of lengths
it draws itself, and these are compared with the training part: keys a frame, the distance of the shares of the twelve
pitch classes (half the sum of the differences), and the percentage of chords, and of pairs of one chord and a different
one after it, that the training part has too. Real test pieces stand beside them, and keys drawn each by its own share.
Families that follow a gradient take a fixed number of steps, of about two CPU minutes at most (the autoregressive one
fewer than in `rolls.py`); the validation part decides when they stop. One thread. The RBM is an RNN-RBM of whose hidden
units exactly one is on, so that its likelihood is exact (`genapps.models.rbm.frames`).
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

import keep
import torch
from rolls import SETTINGS, TRAINING
from rolls2012 import LOWEST, rolls

from genapps.batches import Ragged
from genapps.models import FAMILIES, build
from genapps.models.autoregressive.keys import KeysModel
from genapps.spaces import Categorical, Frames
from genapps.training import TrainingConfig

NAME = "families"
OPTIONS: dict[str, dict[str, Any]] = {
    "autoregressive": {"within": "keys", **SETTINGS["jsb"]},
    "gan": {},
    "gmm": {"n_components": 32},
    "hmm": {"n_components": 128},
    "rbm": {
        "hidden": "choice",
        "n_components": 384,
        "recurrent": 128,
        "memory": "gru",
        "direct": True,
        "dropout": 0.4,
        "weight_decay": 0.0,
    },
    "vae": {"latent": 16},
}
GRADIENT: dict[str, dict[str, Any]] = {
    "autoregressive": {**TRAINING["jsb"], "min_steps": 150, "max_steps": 150},
    "gan": {"max_steps": 600},
    "rbm": {
        "min_steps": 600,
        "max_steps": 600,
        "learning_rate": 4e-3,
        "batch_size": 16,
        "check_steps": 50,
        "ema": 0.98,
        "schedule": "cosine",
    },
    "vae": {"min_steps": 400, "max_steps": 400, "check_steps": 50},
}


def main() -> None:
    """One family after the other; families that are not run keep their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps; nothing is written")
    parser.add_argument("--only", choices=sorted(FAMILIES), help="one family")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    parts = rolls("jsb")
    for family in [asked.only] if asked.only else sorted(FAMILIES):
        row = cell(family, parts, asked.quick)
        print(*(f"{key} {value}" for key, value in row.items()), sep="  ", flush=True)
        if not asked.quick:
            kept = [r for r in keep.read(NAME).get("rows", []) if r["family"] not in (family, *BESIDE)]
            settings = {"options": OPTIONS, "training": GRADIENT, "threads": 1}
            keep.write(NAME, [*kept, row, *beside(parts)], settings)


BESIDE = ("real", "independent keys")


def cell(family: str, parts: dict[str, Ragged], quick: bool) -> dict[str, Any]:
    """A family: its time, its likelihood, and what it draws."""
    longest = int(max(part.lengths.max() for part in parts.values()))
    model = build(family, Frames((Categorical(2),) * 88, longest), **OPTIONS[family])
    settings = {"epochs": 1000, "patience": 100, **GRADIENT.get(family, {})}
    settings |= {"max_steps": 4, "min_steps": 4} if quick else {}
    gradient = family in GRADIENT
    begun = time.process_time()
    model.fit(
        parts["train"],
        validation=parts["valid"] if gradient else None,
        training=TrainingConfig(**settings) if gradient else None,
    )
    row: dict[str, Any] = {"family": family, "cpu_seconds": round(time.process_time() - begun, 1)}
    if family != "gan":
        frames = len(parts["test"].values)
        if isinstance(model.engine, KeysModel):
            total, kind = float(model.engine.frame_log_prob(parts["test"]).values.double().sum()), "exact"
        else:
            found = model.log_prob(parts["test"])
            total, kind = float(found.values.double().sum()), found.kind
        row |= {"nats_a_frame": round(-total / frames, 4), "kind": kind}
    lengths = {"length": parts["test"].lengths} if family == "autoregressive" else {}
    begun = time.process_time()
    drawn = model.sample(len(parts["test"]), generator=torch.Generator().manual_seed(0), **lengths)
    row["drawing_cpu_seconds"] = round(time.process_time() - begun, 1)
    return {**row, **likeness(drawn, parts["train"])}


def beside(parts: dict[str, Ragged]) -> list[dict[str, Any]]:
    """Real test pieces, and keys drawn each by its own share."""
    train, test = parts["train"], parts["test"]
    shares = (train.values.double().sum(0) + 0.5) / (len(train.values) + 1)
    nats = -(test.values * shares.log() + (1 - test.values) * (1 - shares).log()).sum() / len(test.values)
    noise = torch.rand(test.values.shape, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    drawn = Ragged((noise < shares).long(), test.lengths)
    return [
        {"family": "real", **likeness(test, train)},
        {
            "family": "independent keys",
            "nats_a_frame": round(float(nats), 4),
            "kind": "exact",
            **likeness(drawn, train),
        },
    ]


def likeness(drawn: Ragged, train: Ragged) -> dict[str, float]:
    """What pieces are like, beside the training part."""
    chords, pairs = chords_of(train)
    there, follow = set(chords), set(pairs)
    own, own_pairs = chords_of(drawn)
    return {
        "keys_a_frame": round(float(drawn.values.sum(1).double().mean()), 2),
        "pitch_classes": round(float((classes(drawn) - classes(train)).abs().sum() / 2), 4),
        "chords_known": round(100 * sum(c in there for c in own) / max(len(own), 1), 1),
        "pairs_known": round(100 * sum(p in follow for p in own_pairs) / max(len(own_pairs), 1), 1),
        "frames": len(drawn.values),
    }


def classes(data: Ragged) -> torch.Tensor:
    """The share of each of the twelve pitch classes among all keys, (12,)."""
    counts = torch.zeros(12, dtype=torch.double)
    keys = data.values.double().sum(0)
    counts.index_add_(0, (torch.arange(len(keys)) + LOWEST) % 12, keys)
    return counts / counts.sum().clamp_min(1)


def chords_of(data: Ragged) -> tuple[list[tuple[int, ...]], list[tuple[tuple[int, ...], tuple[int, ...]]]]:
    """The chord of each frame, and each pair of a chord and a different one after it."""
    pieces = [[tuple(frame.nonzero()[:, 0].tolist()) for frame in piece] for piece in data]
    pairs = [(a, b) for piece in pieces for a, b in itertools.pairwise(piece) if a != b]
    return [chord for piece in pieces for chord in piece], pairs


if __name__ == "__main__":
    main()
