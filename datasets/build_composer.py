"""Makes the composer that the music demo runs, domains/genapps_music/samples/composer.genapps: four voices of Bach.

    .venv/bin/python datasets/build_composer.py [FOLDER]

FOLDER holds Bach's chorales as MusicXML; without it those of the package music21 are taken. The music is in the public
domain. A tenth is held out; what the model reaches on it is on its card. Beside the composer, two-bar latents are
learnt, so that the file serves every command. Only some pieces go into it, so that the demo's page has something to
compare with, and weights have half precision there. Beside it lies the melody that the demo harmonizes, the first
held-out one.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from genapps.training.settings import Event
from genapps_music.composing.fitting import Study, fit
from genapps_music.reading.folder import open_scores
from genapps_music.writing.files import write_score

COMPOSER = Path(__file__).parent.parent / "domains" / "genapps_music" / "samples" / "composer.genapps"
SETTINGS = ("hidden=64", "head=48", "training.max_steps=900", "training.learning_rate=0.012", "dropout=0.15")


def main(folder: str | None) -> None:
    """Read, learn, write."""
    if folder is None:
        import music21

        folder = str(Path(music21.__file__).parent / "corpus" / "bach")
    torch.set_num_threads(1)
    files = sorted(Path(folder).glob("*.mxl"))
    made = fit(list(open_scores(files)), Study(settings=SETTINGS, progress=_tell))
    model = made.model
    for part in (model.part, model.latents):
        part.engine.network.half()  # type: ignore[union-attr]
    replace(model, learnt=model.learnt[:40], held=model.held[:12]).save(COMPOSER)
    first = model.scores(model.held[:1])[0]
    write_score(COMPOSER.with_name("melody.mid"), replace(first, name="", parts=first.parts[:1]))
    sys.stdout.write("\n".join(made.lines()) + "\n")


def _tell(what: str, event: Event) -> None:
    if event.validation is not None:
        sys.stderr.write(f"{what} {event.step:,} of {event.total:,}: {event.validation:.1f} nats a window\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
