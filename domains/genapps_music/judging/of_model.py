"""The page of what a model made: beside the pieces it learnt, by the ranges of its own voices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genapps_music.judging.rules import Ranges

if TYPE_CHECKING:
    from genapps_music.composing.tasks import Made
    from genapps_music.model import MusicModel

REFERENCE = 100  # pieces of the corpus that a page compares with


def ranges_of(model: MusicModel) -> Ranges:
    """The ranges that a model's voices stay in; voices of one part, which may change places, have that of the part."""
    layout, limits = model.codec.layout, model.codec.limits
    parts: dict[int, tuple[int, int]] = {}
    for voice, (low, high) in zip(layout.voices, limits, strict=True):
        lowest, highest = parts.get(voice.part, (low, high))
        parts[voice.part] = (min(low, lowest), max(high, highest))
    names = [next(voice.name for voice in layout.voices if voice.part == part) for part in parts]
    named = {
        name.casefold().strip(): parts[part]
        for name, part in zip(names, parts, strict=True)
        if names.count(name) == 1 and layout.structure[part] == 1
    }
    whole = (min(low for low, _ in limits), max(high for _, high in limits))
    return Ranges(named, {}, whole, "the model's voices")


def write_report(
    path: Path, made: Sequence[Made], model: MusicModel, *, title: str, subject: str, facts: dict[str, Any], seed: int
) -> None:
    """Write the page that shows, plays and judges the pieces beside the corpus that the model learnt."""
    from genapps_music.composing.given import given_in, given_notes
    from genapps_music.composing.surprise import surprise_of
    from genapps_music.judging.report import write_page

    write_page(
        path,
        [one.score for one in made],
        reference=model.scores(model.learnt[:REFERENCE]),
        held_out=model.scores(model.held[:REFERENCE]),
        surprise=surprise_of(model),
        title=title,
        subject=subject,
        facts=[(name, str(value)) for name, value in facts.items() if value is not None],
        notes=list(dict.fromkeys(note for one in made for note in one.notes)),
        given=[given_in(one, model.codec.layout) for one in made],
        kept=[given_notes(one, model.codec.layout) for one in made],
        ranges=ranges_of(model),
        seed=seed,
    )
