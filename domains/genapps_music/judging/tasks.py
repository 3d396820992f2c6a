"""What `genapps music evaluate` does: read real and made pieces, put real ones aside, judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genapps.errors import InputError
from genapps_music.judging.judging import Judged, Progress, judge
from genapps_music.judging.likelihood import Judge
from genapps_music.judging.of_model import ranges_of
from genapps_music.reading.folder import Scores, open_scores
from genapps_music.score import Score, Skipped

if TYPE_CHECKING:
    from genapps_music.model import MusicModel


@dataclass(frozen=True)
class Evaluated:
    """What was judged, by which settings, and what could not be read."""

    judged: Judged
    facts: tuple[tuple[str, str], ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON."""
        skipped = [{"name": one.name, "reason": one.reason} for one in self.skipped]
        return {
            **dict(self.facts),
            **self.judged.to_json(),
            "skipped": skipped,
            "notes": [*self.notes, *self.judged.notes],
        }


def evaluate(
    real: str,
    made: str,
    *,
    holdout: str | None = None,
    model: str | None = None,
    most: int = 1000,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> Evaluated:
    """Judge the pieces of `made` beside those of `real`: files or folders.

    holdout: real pieces that nothing was learnt from; without them half of the real ones are taken, at random. model:
    a model that says how likely pieces are, and the ranges of voices. most: pieces of each kind. Raises as
    `open_scores` does, InputError for a single real piece and no others, and as loading a model does.
    """
    progress("reading")
    notes: list[str] = []
    places = (("real", real), ("made", made), ("holdout", holdout))
    sets = {name: _once(open_scores(path), path, notes) for name, path in places if path}
    loaded = None if model is None else _loaded(model)
    asked = None if loaded is None else _asked(loaded, str(model), notes)
    generator = np.random.default_rng(seed)
    reference, unseen = list(sets["real"]), list(sets["holdout"]) if "holdout" in sets else []
    if not unseen:
        reference, unseen = _halves(reference, real, generator)
        notes.append(
            f"{len(unseen):,} of {len(sets['real']):,} real pieces are held out; a model that learnt from them looks"
            " better than it is: --holdout names pieces that it never saw"
        )
    sides = {"real": reference, "made": list(sets["made"]), "held-out": unseen}
    taken = {name: _at_most(pieces, most, name, notes, generator) for name, pieces in sides.items()}
    judged = judge(
        taken["made"],
        taken["real"],
        taken["held-out"],
        surprise=asked,
        learnt=holdout is None,
        ranges=None if loaded is None else ranges_of(loaded),
        seed=seed,
        progress=progress,
    )
    facts = [("real", real), ("made", made), ("holdout", holdout or f"half of {real}"), ("seed", str(seed))]
    if model is not None:
        facts.append(("model", model))
    skipped = tuple(one for found in sets.values() for one in found.skipped)
    return Evaluated(judged, tuple(facts), skipped, tuple(notes))


def _once(found: Scores, place: str, notes: list[str]) -> Scores:
    """Each piece once, where a folder has it in several formats as `compose` writes it, and its sound and manifest."""
    kept: dict[str, Score] = {}
    for one in found:
        kept.setdefault(_piece(one.name), one)
    if len(kept) < len(found):
        again = len(found) - len(kept)
        notes.append(f"{place}: {again:,} files are pieces of the same name in another format, and left out")
    beside = {_piece(one.name) for one in found}
    skipped = (
        one
        for one in found.skipped
        if one.name != "manifest.json" and not (one.name.endswith(".wav") and _piece(one.name) in beside)
    )
    return Scores(tuple(kept.values()), tuple(skipped))


def _piece(name: str) -> str:
    """What files of one piece have in common: the name without its suffix, and its number in the file."""
    file, mark, number = name.partition("#")
    return f"{Path(file).with_suffix('')}{mark}{number}"


def _loaded(model: str) -> MusicModel:
    from genapps_music.model import MusicModel

    return MusicModel.load(model)


def _asked(model: MusicModel, name: str, notes: list[str]) -> Judge | None:
    from genapps_music.composing.surprise import surprise_of

    told = surprise_of(model)
    if told is None:
        notes.append(f"{name}: its family, {model.family}, does not tell how likely each bar is")
    return told


def _halves(pieces: Sequence[Score], name: str, generator: np.random.Generator) -> tuple[list[Score], list[Score]]:
    if len(pieces) < 2:
        raise InputError(f"{name}: one piece; some must be held out, so give two at least, or --holdout")
    order = generator.permutation(len(pieces)).tolist()
    middle = (len(pieces) + 1) // 2
    return [pieces[k] for k in sorted(order[:middle])], [pieces[k] for k in sorted(order[middle:])]


def _at_most(
    pieces: list[Score], most: int, name: str, notes: list[str], generator: np.random.Generator
) -> list[Score]:
    if len(pieces) <= most:
        return pieces
    notes.append(f"{most:,} of {len(pieces):,} {name} pieces are used, drawn at random; --most takes more")
    return [pieces[k] for k in sorted(generator.choice(len(pieces), most, replace=False).tolist())]
