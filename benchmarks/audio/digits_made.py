"""Spoken digits made by each family: what they teach, how near they come, whether they are copies, and what they cost.

Free Spoken Digit Dataset, its own test: takes 0 to 4 of each digit and speaker are unseen by every model, the 2,700
others are learnt, with the presets that `genapps audio fit` takes on a CPU. Each family makes 1,000 clips, waves and
all, and these are judged as `genapps audio evaluate` does beside the 300 unseen clips, which no choice was made on:
presets were chosen on takes 5 to 9, learning from those after them. Seconds are of the processor, on one thread.

    python benchmarks/audio/digits_made.py
    python benchmarks/audio/digits_made.py --families gmm hmm   # these alone; the rows of others are kept
"""

from __future__ import annotations

import argparse
import re
import time
from typing import Any

import keep
import sets
import torch

from genapps_audio.codec import Batch, Codec, gather
from genapps_audio.evaluation.judging import Judged, Sides, judge
from genapps_audio.evaluation.levels import Heard, Levels
from genapps_audio.generation.fitting import Study, fit
from genapps_audio.generation.recipes import NAMES
from genapps_audio.generation.tasks import preset_of
from genapps_audio.reading.clips import Clips, open_clips
from genapps_audio.records import Clip

NAME = "digits_made"
DIGITS = [str(digit) for digit in range(10)]
MADE = 1000
TEST_TAKES = range(5)
KEYS = ("tstr", "fd_mel", "fd_classes", "precision", "density", "recall", "coverage", "copies")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", choices=sorted(NAMES), default=sorted(NAMES))
    parser.add_argument("--set", action="append", default=[], help="a setting, for one family")
    parser.add_argument("--develop", action="store_true", help="takes 5 to 9 for the test; nothing is written")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    test = range(5, 10) if asked.develop else TEST_TAKES
    learnt = [take for take in range(50) if take not in test and (not asked.develop or take >= 5)]
    train, unseen = recordings(learnt), recordings(test)
    codec = preset_of(train, "cpu").codec
    batch, held = labelled(train, codec), labelled(unseen, codec)
    settings = {"codec": codec.to_json(), "learnt": len(batch), "unseen": len(held), "made": MADE, "threads": 1}
    for family in asked.families:
        row, judged = cell(family, batch, held, codec, train, tuple(asked.set))
        print(row, flush=True)
        if not asked.develop:
            old = [one for one in keep.read(NAME).get("rows", []) if one["family"] in NAMES]
            rows = [row, *(one for one in old if one["family"] != family)]
            controls = [beside(judged, k) for k in range(3)]
            keep.write(NAME, sorted(rows, key=lambda one: -one["tstr"]) + controls, settings)


def recordings(takes: Any) -> Clips:
    """The clips of these takes, with digits for classes: the file's name is digit, speaker and take."""
    clips = open_clips(sets.folder("fsdd") / "recordings")
    found = [re.fullmatch(r"(\d)_(\w+)_(\d+)\.wav", name) for name in clips.names]
    kept = [i for i, one in enumerate(found) if one and int(one[3]) in takes]
    chosen = clips.take(kept)
    labels = [one[1] for one in found if one and int(one[3]) in takes]
    return Clips(chosen.where, chosen.names, chosen.paths, labels)


def labelled(clips: Clips, codec: Codec) -> Batch:
    """All of them in the codec's form."""
    return gather((clips.one(i) for i in range(len(clips))), codec, DIGITS)


def cell(
    family: str, batch: Batch, held: Batch, codec: Codec, train: Clips, settings: tuple[str, ...]
) -> tuple[dict[str, Any], Judged]:
    """One family learnt, drawn and judged."""
    start = time.process_time()
    model = fit(batch, codec, family, Study(device="cpu", settings=settings))
    learning = time.process_time() - start
    draws = torch.Generator().manual_seed(1)
    start = time.process_time()
    made = model.sample(MADE, [DIGITS[k % 10] for k in range(MADE)], generator=draws)
    waves = codec.decode(made.patches, made.seconds, made.levels, draws)
    drawing = time.process_time() - start
    assert made.labels is not None
    clips = [
        Clip(f"{k:04}", wave[:, None], codec.rate, DIGITS[label])
        for k, (wave, label) in enumerate(zip(waves, made.labels.tolist(), strict=True))
    ]
    again = gather(clips, codec, DIGITS)
    heard = [Heard.of(one.mono) for one in train if isinstance(one, Clip)]
    levels = {"made": Levels.of([Heard.of(wave) for wave in waves]), "real": Levels.of(heard)}
    found = judge(Sides(codec, batch, held, again, batch, tuple(DIGITS)), levels)
    row = {
        "family": family,
        "learning_cpu_seconds": round(learning, 1),
        "clips_a_cpu_second": round(MADE / drawing, 1),
        **{key: round(found.value(key) or 0.0, 4) for key in KEYS},
        "share_of_real": round((found.value("tstr") or 0.0) / (found.measures[0].controls[0].value or 1.0), 4),
        "clipped": found.levels["made"].clipped,
        "loudness": round(found.levels["made"].loudness, 2),
        "real_loudness": round(found.levels["real"].loudness, 2),
        "options": model.card["options"],
        "verdict": found.finding.text,
    }
    return row, found


def beside(found: Judged, k: int) -> dict[str, Any]:
    """A control's figures: real clips, noise, shuffled frames."""
    name = found.measures[1].controls[k].name
    return {
        "family": name,
        **{one.key: round(one.controls[k].value or 0.0, 4) for one in found.measures},
    }


if __name__ == "__main__":
    main()
