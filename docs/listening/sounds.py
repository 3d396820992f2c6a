"""Make what can be heard and seen of made sounds: a machine that a model learnt from the clips that ship.

    python docs/listening/sounds.py

Twenty-four clips of the machine are learnt by what `genapps audio fit` chooses; the seed is the first, not the best.
Writes machine-real.ogg and machine-made.ogg, three clips each, one after the other, and machine.png, their pictures:
real ones, which the model had not learnt, above, made ones below.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from genapps_audio import Study, fit_clips, open_clips, write_clip
from genapps_audio.generation.delivering import Wish, drawn
from genapps_audio.showing import pixels

HERE = Path(__file__).parent
CLIPS = HERE.parents[1] / "domains" / "genapps_audio" / "samples" / "machine"
SHOWN, GAP, EDGE = 3, 0.3, 6  # clips, seconds between them, pixels between pictures


def main() -> None:
    """Learn, draw, write."""
    model = fit_clips(str(CLIPS / "train"), Study(seed=0), labelled=False).model
    rate = model.codec.rate
    real = [clip.mono for clip in open_clips(CLIPS / "test" / "good", rate=rate, mono=True)][:SHOWN]
    made = [wave for part in drawn(model, Wish(SHOWN, seconds=2.0)) for wave in part.waves]
    gap = np.zeros(round(GAP * rate), np.float32)
    for name, waves in (("machine-real.ogg", real), ("machine-made.ogg", made)):
        write_clip(HERE / name, np.concatenate([part for wave in waves for part in (wave, gap)]), rate)
    rows = [np.concatenate([_framed(pixels(wave, rate)) for wave in waves], 1) for waves in (real, made)]
    Image.fromarray(np.concatenate(rows)).quantize(96).save(HERE / "machine.png", optimize=True)
    for name in ("machine-real.ogg", "machine-made.ogg", "machine.png"):
        sys.stdout.write(f"{name}: {(HERE / name).stat().st_size:,} bytes\n")


def _framed(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((EDGE, EDGE), (EDGE, EDGE), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()
