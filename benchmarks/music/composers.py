"""Six composers of chorales on the same measures.

    python benchmarks/music/composers.py [--only FAMILY] [--steps N]

Each family learns the same chorales of Bach in sixteenths, the training part of Boulanger-Lewandowski's split, through
the public API as `genapps music fit --family NAME` does, but with so many steps, or rounds, that it takes at most about
100 seconds of the processor (`STEPS`, chosen by that alone), composes 64 pieces of eight bars at its usual manner, and
these are judged as `genapps music evaluate` judges them, beside the test part. The last two rows are the controls:
held-out real pieces, cut to the same length, and notes drawn one by one. Rows of families that are not run stay as they
were. One thread.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import keep
import sets
import torch

from genapps_music.composing.filling import Manner
from genapps_music.composing.fitting import Study, fit
from genapps_music.composing.tasks import compose
from genapps_music.judging.judging import Judged, judge
from genapps_music.score import Score

NAME = "composers"
PIECES, BARS = 64, 8
KEYS = ("parallels", "crossing", "leap", "chords", "intervals", "coverage", "long_voices")
STEPS = {
    "autoregressive": "training.max_steps=300",
    "hmm": "max_iter=60",
    "rbm": "training.max_steps=200",
    "vae": "training.max_steps=450",
    "gan": "training.max_steps=150",
    "gmm": "n_components=64",
}
CONTROLS = {"held-out real": 0, "independent notes": 1}


def main() -> None:
    """One family after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(STEPS), help="one family")
    parser.add_argument("--steps", help="as --set has it, instead of those of STEPS; nothing is written then")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    everything = sets.scores("jsb_chorales/Jsb16thSeparated.json")
    train, test = ([one for one in everything if f"#{part}/" in one.name] for part in ("train", "test"))
    for family in [asked.only] if asked.only else sorted(STEPS):
        row, judged = composed(family, asked.steps or STEPS[family], train, test)
        print(*(f"{key} {value}" for key, value in row.items()), sep="  ", flush=True)
        if asked.steps is None:
            others = [r for r in keep.read(NAME).get("rows", []) if r["composer"] not in (family, *CONTROLS)]
            rows = sorted([*others, row], key=lambda r: str(r["composer"]))
            settings = {"steps": STEPS, "pieces": PIECES, "bars": BARS, "reference": len(train), "held_out": len(test)}
            keep.write(NAME, [*rows, *beside(judged)], settings)


def composed(family: str, steps: str, train: list[Score], test: list[Score]) -> tuple[dict[str, Any], Judged]:
    """A family's row, and all that was found."""
    begun = time.process_time()
    model = fit(train, Study(family=family, settings=(steps,), latents=False)).model
    learnt = time.process_time()
    made = [one.score for one in compose(model, PIECES, BARS, Manner())]
    drawn = time.process_time()
    found = judge(made, train, test)
    by_key = {one.key: one.value for one in found.measures}
    seconds = {"fit_cpu_seconds": round(learnt - begun, 1), "drawing_cpu_seconds": round(drawn - learnt, 1)}
    text = {"level": found.finding.level, "text": found.finding.text}
    return {"composer": family, **{key: by_key[key] for key in KEYS}, **seconds, **text}, found


def beside(judged: Judged) -> list[dict[str, Any]]:
    """The controls of every figure."""
    controls = {one.key: one.controls for one in judged.measures}
    return [
        {"composer": name, **{key: controls[key][k].value for key in KEYS if k < len(controls[key])}}
        for name, k in CONTROLS.items()
    ]


if __name__ == "__main__":
    main()
