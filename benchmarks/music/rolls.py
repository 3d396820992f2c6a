"""Likelihood of the piano rolls of 2012 by the autoregressive family: nats a frame of the test part.

    python benchmarks/music/rolls.py [--quick] [--set jsb|nottingham] [--steps N]

Protocol of Boulanger-Lewandowski, Bengio and Vincent 2012: the negative log-likelihood of all test frames, over their
number; each frame is given all frames before it in its piece, and the length of a piece is given, so no end is counted.
Beside it stands the same with the end of the piece: each step's "it goes on", and the end. Training and the counting of
chords take at most five CPU minutes together on one thread. Validation pieces decide when to stop and weigh network and
counts; of Nottingham's 173 the first 60, since each check costs time. The test part is looked at once.

Some test pieces are also in the training part, or nearly (chorales that Bach or the edition has twice, tunes in several
versions): `apart` is the figure of those test pieces of whose frames less than half lie in a run of eight frames that
some training piece has, too.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import keep
import torch
from rolls2012 import NAMES, rolls

from genapps.batches import Ragged
from genapps.models.autoregressive import Autoregressive
from genapps.spaces import Categorical, Frames
from genapps.training import Event, TrainingConfig

NAME = "rolls"
RUN = 8  # frames that are more than a cadence
SETTINGS: dict[str, dict[str, Any]] = {  # chosen on the validation part
    "jsb": {"dropout": 0.3, "hidden": 128, "channels": 64, "reach": 24, "counts": 4},
    "nottingham": {"dropout": 0.05, "hidden": 128, "channels": 48, "reach": 16, "counts": 6},
}
TRAINING = {
    "jsb": {"batch_size": 16, "learning_rate": 6e-3, "check_steps": 65, "ema": 0.99, "clip": 60.0},
    "nottingham": {"batch_size": 6, "learning_rate": 4e-3, "check_steps": 135, "ema": 0.99, "clip": 250.0},
}
STEPS = {"jsb": 390, "nottingham": 265}
CHECKED = 60  # pieces
PUBLISHED = {"jsb": 5.56, "nottingham": 2.31}  # RNN-NADE (HF), Boulanger-Lewandowski et al. 2012, as others cite it


def main() -> None:
    """One set after the other; cells that are not run keep their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps; nothing is written")
    parser.add_argument("--set", dest="name", choices=sorted(NAMES), help="one set")
    parser.add_argument("--steps", type=int, help="steps of training, in place of the usual number")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name in [asked.name] if asked.name else sorted(NAMES):
        row = cell(name, 4 if asked.quick else asked.steps or STEPS[name])
        print(*(f"{key} {value}" for key, value in row.items()), sep="  ", flush=True)
        if not asked.quick:
            kept = [other for other in keep.read(NAME).get("rows", []) if other["set"] != name]
            keep.write(NAME, [*kept, row], {"model": SETTINGS, "training": TRAINING, "threads": 1})


def cell(name: str, steps: int) -> dict[str, Any]:
    """A set: the model, its training time, and its figures."""
    parts = rolls(name)
    longest = int(max(part.lengths.max() for part in parts.values()))
    space = Frames((Categorical(2),) * 88, longest)
    model = Autoregressive(space=space, within="keys", **SETTINGS[name])
    training = TrainingConfig(min_steps=steps, max_steps=steps, epochs=1000, patience=100, **TRAINING[name])
    begun = time.process_time()

    def told(event: Event) -> None:
        if event.validation is not None:
            frames = parts["valid"].lengths[:CHECKED].double().mean()
            print(f"step {event.step}: {event.validation / frames:.3f} with ends, network alone", flush=True)

    checked = parts["valid"].take(torch.arange(min(CHECKED, len(parts["valid"]))))
    model.fit(parts["train"], validation=checked, training=training, progress=told)
    seconds = time.process_time() - begun
    begun = time.process_time()
    whole = model.engine.frame_log_prob(parts["test"])
    scoring = time.process_time() - begun
    ended = float(model.log_prob(parts["test"]).values.double().sum())
    frames = len(parts["test"].values)
    apart = [not found for found in known(parts["train"], parts["test"])]
    counts, model.engine.counts = model.engine.counts, None
    network = {part: nats(model.engine.frame_log_prob(parts[part])) for part in ("valid", "test")}
    model.engine.counts = counts
    return {
        "set": name,
        "model": "network of keys and counts of chords",
        "nats_a_frame": nats(whole),
        "with_ends": round(-ended / frames, 4),
        "network_alone": network["test"],
        "valid": nats(model.engine.frame_log_prob(parts["valid"])),
        "valid_network_alone": network["valid"],
        "apart": nats(whole.take(torch.tensor(apart).nonzero()[:, 0])),
        "pieces_apart": sum(apart),
        "pieces": len(apart),
        "frames": frames,
        "published": PUBLISHED[name],
        "steps": steps,
        "cpu_seconds": round(seconds, 1),
        "scoring_cpu_seconds": round(scoring, 1),
        "weights": sum(parameter.numel() for parameter in model.engine.network.parameters()),
    }


def nats(steps: Ragged) -> float:
    """Minus the log-probability of all frames, over their number."""
    return round(-float(steps.values.double().mean()), 4) if len(steps.values) else math.nan


def known(train: Ragged, test: Ragged) -> list[bool]:
    """Of which test pieces at least half of the frames lie in runs of RUN frames that are in the training part, too."""
    pieces = [[tuple(frame) for frame in piece.tolist()] for piece in train]
    there = {tuple(piece[t : t + RUN]) for piece in pieces for t in range(len(piece) - RUN + 1)}
    found = []
    for piece in test:
        frames = [tuple(frame) for frame in piece.tolist()]
        inside = [False] * len(frames)
        for t in range(len(frames) - RUN + 1):
            if tuple(frames[t : t + RUN]) in there and len(set(frames[t : t + RUN])) > 2:
                inside[t : t + RUN] = [True] * RUN
        found.append(2 * sum(inside) >= len(inside))
    return found


if __name__ == "__main__":
    main()
