"""Make what can be heard in the documentation: three voices that the composer which ships adds to a melody of Bach.

    python docs/listening/make.py

The melody is of a chorale that was held out; the seed is the first, not the best. Writes chorale.musicxml,
chorale.svg and chorale.ogg (by soundfile, which the audio domain brings).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import soundfile

from genapps_music import MusicModel, open_scores, write_score
from genapps_music.composing.filling import Manner
from genapps_music.composing.tasks import harmonize
from genapps_music.writing.picture import Shade, draw
from genapps_music.writing.sound import RATE, render

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "domains" / "genapps_music" / "samples"


def main() -> None:
    """Harmonize, write, draw, sound."""
    model = MusicModel.load(SAMPLES / "composer.genapps")
    melody = next(iter(open_scores([SAMPLES / "melody.mid"])))
    made = harmonize(model, melody, Manner(seed=0))
    score = replace(made.score, name="A melody of Bach's, harmonized by a model")
    write_score(HERE / "chorale.musicxml", score)
    given = [Shade(0, score.end, 0, "given")]
    (HERE / "chorale.svg").write_text(draw(score, given, "four voices, of which the first was given"), encoding="utf-8")
    soundfile.write(HERE / "chorale.ogg", render(score), RATE, format="OGG", subtype="VORBIS", compression_level=0.7)
    for name in ("chorale.musicxml", "chorale.svg", "chorale.ogg"):
        sys.stdout.write(f"{name}: {(HERE / name).stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
