"""What variants of sounds are worth to who learns from them: spoken digits by speakers not heard, and surroundings.

    python benchmarks/audio/augment.py digits
    python benchmarks/audio/augment.py surroundings

The judge of `genapps audio augment` learns from clips alone, and from clips and two variants of each, and names clips
held out: of one speaker of six at a time (digits: takes 0 to 9 of each), of one fold of five at a time (surroundings,
brought to 16 kHz). Sets of transforms: all that keep labels, and single ones of which much is said, at their usual
strength. The interval is that of `genapps_audio.augmentation.judging.Gain`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

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


def main(name: str) -> None:
    torch.set_num_threads(1)
    begun = time.process_time()
    study = {"digits": digits, "surroundings": surroundings}[name]()
    behind = Behind("")
    tell = lambda what, done, total: None  # noqa: E731
    strengths, trials = preserved(study, parse_transforms("all", 1.0, False), behind, tell)
    rows: list[dict[str, Any]] = [{"what": "trial", "set": name, **vars(trial)} for trial in trials]
    for names in SETS:
        chosen = strengths if names == "all" else parse_transforms(names, 1.0, False)
        gain = measured(study, chosen, behind, tell)
        rows.append({"what": "gain", "set": name, "transforms": names, "strengths": chosen, **gain.to_json()})
        print(f"{name}, {names}: {gain.line()}", flush=True)
    spent = time.process_time() - begun
    others = [row for row in read("augment").get("rows", []) if row["set"] != name]
    before = read("augment").get("summary", {})
    told = {row["transforms"]: f"{100 * row['gain']:+.1f} ({row['verdict']})" for row in rows if row["what"] == "gain"}
    own = {"clips": len(study.clips), "cpu_seconds": spent, "points": told, "kept": strengths}
    write("augment", others + rows, {"copies": 2, "takes": TAKES, "threads": 1}, {**before, name: own})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "digits")
