"""What variants of sounds are worth to who learns from them: spoken digits by speakers not heard, and surroundings.

    python benchmarks/audio/augment.py digits
    python benchmarks/audio/augment.py surroundings [all]

The judge of `genapps audio augment` learns from clips alone, and from clips and two variants of each, and names clips
held out: of one speaker of six at a time (digits: takes 0 to 9 of each), of one fold of five at a time (surroundings,
brought to 16 kHz). Sets of transforms: all that keep labels, and single ones of which much is said, at their usual
strength; one of them only where it is named. The interval is that of `genapps_audio.augmentation.judging.Gain`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np
import torch
from keep import read, write
from sets import folder

from genapps_audio.augmentation.judging import Study, measured, preserved
from genapps_audio.augmentation.making import Behind
from genapps_audio.augmentation.steps import parse_transforms
from genapps_audio.reading.clips import open_clips
from genapps_audio.records import Clip

TAKES = 10
SETS = ("all", "warp", "mask_band,mask_time", "pitch,stretch", "noise,reverb")


def digits() -> Study:
    """600 clips: ten digits of six speakers, ten takes of each."""
    clips = open_clips(folder("fsdd") / "recordings", mono=True)
    parts = [name.rpartition(".")[0].split("_") for name in clips.names]
    chosen = [i for i, part in enumerate(parts) if int(part[2]) < TAKES]
    return _study(list(clips.take(chosen)), [parts[i][0] for i in chosen], [parts[i][1] for i in chosen])


def surroundings() -> Study:
    """Clips of five classes; their folds are the groups."""
    clips = list(open_clips(folder("esc10"), rate=16_000, mono=True))
    return _study(clips, [str(clip.label) for clip in clips], [clip.name.rpartition("/")[2][0] for clip in clips])


def _study(clips: list[Clip], labels: list[str], groups: list[str]) -> Study:
    numbers = [np.unique(values, return_inverse=True)[1] for values in (labels, groups)]
    return Study(clips, numbers[0], numbers[1], clips[0].rate, 0)


def main(name: str, sets: Sequence[str]) -> None:
    torch.set_num_threads(1)
    study = {"digits": digits, "surroundings": surroundings}[name]()
    behind = Behind("")
    tell = lambda what, done, total: None  # noqa: E731
    for names in sets:
        begun = time.process_time()
        chosen, trials = parse_transforms(names, 1.0, False), []
        if names == "all":
            chosen, trials = preserved(study, chosen, behind, tell)
        gain = measured(study, chosen, behind, tell)
        print(f"{name}, {names}: {gain.line()}", flush=True)
        row = {"set": name, "transforms": names, "strengths": chosen, "cpu_seconds": time.process_time() - begun}
        row |= {**gain.to_json(), "trials": [vars(trial) for trial in trials]}
        before = [one for one in read("augment").get("rows", []) if (one["set"], one["transforms"]) != (name, names)]
        rows = sorted([*before, row], key=lambda one: (one["set"], SETS.index(one["transforms"])))
        points = {f"{one['set']}, {one['transforms']}": [one["gain"], one["low"], one["high"]] for one in rows}
        write("augment", rows, {"copies": 2, "takes": TAKES, "threads": 1}, points)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "digits", sys.argv[2:] or SETS)
