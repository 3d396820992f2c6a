"""What `genapps music fit` does: a corpus on its grid, pieces held out, a family learnt, and what it reaches."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from genapps.batches import Ragged
from genapps.config import resolve
from genapps.errors import InputError, UsageError
from genapps.models.base import Family
from genapps.suggest import did_you_mean
from genapps.training.settings import Event, TrainingConfig
from genapps_music.codec import Codec, Corpus, Piece, gather, part_of, parted
from genapps_music.composing.keeping import keep, kept
from genapps_music.composing.reaching import Reached, reached
from genapps_music.grid import voice_names
from genapps_music.model import MusicModel, composer, space_of
from genapps_music.presets import PRESETS, Preset, preset_of
from genapps_music.score import Score, Skipped

TRAINING = "training."  # what the keys of its settings begin with
LATENTS = "latents."  # and those of the latents beside it
FEWEST = 5  # pieces, of which one is held out
_MOST_KEPT = 2_000_000  # cells of the corpus that go into the model's file
_LATENT_SHARE = 0.25  # of a budget


@dataclass(frozen=True)
class Study:
    """How a family learns, beside what.

    settings: key=value over the preset, those of the training with "training." before them, those of the latents with
    "latents." before all. budget: seconds in all.
    held: share of the pieces that is only judged on. latents: whether two-bar latents are learnt beside the family.
    checkpoint: what the names of the files begin with in which a stopped run is kept; resume: go on from there.
    """

    family: str = "autoregressive"
    settings: tuple[str, ...] = ()
    budget: float | None = None
    seed: int = 0
    device: str = "auto"
    held: float = 0.1
    latents: bool = True
    checkpoint: Path | None = None
    resume: bool = False
    progress: Callable[[str, Event], None] | None = None


@dataclass(frozen=True)
class Fitted:
    """A model, what it reached in so many CPU seconds, what could not be used, and what a person should know."""

    model: MusicModel
    reached: Reached | None
    seconds: float
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "family": self.model.family,
            "layout": self.model.codec.layout.to_json(),
            "limits": [list(pair) for pair in self.model.codec.limits],
            "longest": self.model.codec.longest,
            "seconds": self.seconds,
            "card": dict(self.model.card),
            "notes": list(self.notes),
            "skipped": [{"name": one.name, "reason": one.reason} for one in self.skipped],
        }

    def lines(self) -> list[str]:
        """For a person."""
        card, layout = self.model.card, self.model.codec.layout
        pairs = zip(voice_names(layout), self.model.codec.limits, strict=True)
        ranges = ", ".join(f"{name} {_name(low)}-{_name(high)}" for name, (low, high) in pairs)
        beats, unit = layout.meter
        return [
            f"learnt       {card['pieces']:,} pieces, {card['cells']:,} cells; {card['held']:,} held out",
            f"grid         {layout.steps} steps a quarter, mostly {beats}/{unit}, {layout.tempo:g} quarters a minute",
            f"voices       {ranges}",
            f"family       {self.model.family}, {self.seconds:.0f} CPU seconds",
            *(self.reached.lines() if self.reached is not None else ()),
        ]


def fit(scores: Sequence[Score], study: Study | None = None, skipped: Sequence[Skipped] = ()) -> Fitted:
    """Learn from pieces. Raises InputError where too few can be used, UsageError for an unknown family or setting."""
    study = study or Study()
    preset_of(study.family)
    began = time.process_time()
    corpus = gather(scores)
    if len(corpus.pieces) < 2:
        raise InputError("one piece alone is too little to learn from; give a folder of several")
    learnt, held = split(corpus.pieces, study.held, study.seed)
    with_latents = study.latents and study.family != "vae" and bool(windows(learnt, corpus.codec, 2, 1, ragged=False))
    share = _LATENT_SHARE if with_latents else 0.0
    part = _fit(study.family, learnt, held, corpus.codec, study, 1 - share, "learning")
    second = _fit("vae", learnt, held, corpus.codec, study, share, "two-bar latents") if with_latents else None
    shown = _kept(learnt)
    card = {
        "pieces": len(learnt),
        "held": len(held),
        "cells": corpus.cells,
        "seed": study.seed,
        "settings": list(study.settings),
        "budget": study.budget,
    }
    model = MusicModel(corpus.codec, study.family, part, second, shown, held, card)
    found = reached(model, learnt, held, study.seed) if held else None
    notes = [*corpus.notes]
    if not held:
        notes.append(f"fewer than {FEWEST} pieces, so none is held out, and nothing says how good the model is")
    if len(shown) < len(learnt):
        notes.append(f"the model keeps {len(shown):,} pieces to look for copies in")
    if found is not None:
        model = model.with_card(reached=found.to_json())
    seconds = round(time.process_time() - began, 1)
    return Fitted(model, found, seconds, (*skipped, *corpus.skipped), tuple(notes))


def split(pieces: Sequence[Piece], share: float, seed: int) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Pieces to learn from, and those held out; none of fewer than 5."""
    if len(pieces) < FEWEST or not share:
        return tuple(pieces), ()
    order = torch.randperm(len(pieces), generator=torch.Generator().manual_seed(seed + 1)).tolist()
    held = set(order[: max(1, round(share * len(pieces)))])
    return (
        tuple(piece for k, piece in enumerate(pieces) if k not in held),
        tuple(piece for k, piece in enumerate(pieces) if k in held),
    )


def windows(pieces: Sequence[Piece], codec: Codec, bars: int, hop: int, *, ragged: bool = True) -> list[Piece]:
    """Pieces in parts of so many bars, beginning every `hop` bars; ragged: shorter ones, too. bars 0: as they are."""
    if not bars:
        return [part for piece in pieces for part in parted(piece, codec.longest)]
    longest = bars * codec.bar
    if ragged:
        return [part for piece in pieces for part in parted(piece, min(longest, codec.longest), hop)]
    found = []
    for piece in pieces:
        begins = range(0, len(piece.starts) - bars, hop)
        even = [begin for begin in begins if piece.starts[begin + bars] - piece.starts[begin] == longest]
        found += [part_of(piece, begin, begin + bars, longest) for begin in even]
    return found


def batch_of(pieces: Sequence[Piece], codec: Codec, family: str) -> Ragged:
    """Pieces as the family sees them."""
    whole = family not in ("vae", "gan")
    return Ragged.of([codec.frames(piece) if whole else piece.cells for piece in pieces])


def _fit(
    family: str, learnt: Sequence[Piece], held: Sequence[Piece], codec: Codec, study: Study, share: float, what: str
) -> Family:
    """One family on these pieces, with that share of the budget."""
    preset = PRESETS[family]
    ragged = family not in ("vae", "gan")
    parts = windows(learnt, codec, preset.bars, preset.hop, ragged=ragged)
    judged = windows(held, codec, preset.bars, 0 if ragged else preset.bars, ragged=ragged)
    if not parts:
        raise InputError(f"no two bars of the usual meter in a row, which the family {family} learns; choose another")
    second = family != study.family
    given = [text.removeprefix(LATENTS) for text in study.settings if text.startswith(LATENTS) == second]
    options, training = settings_of(family, preset, codec, given, study.device)
    space = space_of(codec, family)
    path = None if study.checkpoint is None else Path(f"{study.checkpoint}.{'latents' if second else 'model'}")
    of = _told_of(family, [*learnt, *held], study)
    if path is not None and study.resume and (done := kept(path, family, space, of)) is not None:
        return done
    model = composer(family)(space=space, random_state=study.seed, **options)
    told = None if study.progress is None else lambda event: study.progress(what, event)  # type: ignore[misc]
    budget = None if study.budget is None or not share else study.budget * share
    validation = batch_of(judged[:_JUDGED], codec, family) if judged else None
    model.fit(
        batch_of(parts, codec, family),
        validation=validation,
        training=training,
        budget=budget,
        progress=told,
        checkpoint=path,
        resume=study.resume and path is not None,
    )
    if path is not None:
        keep(path, family, model, of)
    return model


def _told_of(family: str, pieces: Sequence[Piece], study: Study) -> dict[str, Any]:
    """What makes one run the same as another."""
    cells = hashlib.sha256(b"".join(piece.cells.tobytes() for piece in pieces)).hexdigest()
    settings = [family, study.family, *study.settings, study.seed, study.held, study.budget]
    return {"cells": cells, "settings": [str(one) for one in settings]}


_JUDGED = 60  # held-out windows that decide when to stop


def settings_of(
    family: str, preset: Preset, codec: Codec, given: Sequence[str] = (), device: str = "auto"
) -> tuple[dict[str, Any], TrainingConfig]:
    """Options of the family and of its training: the preset's, with what was set over them. Raises UsageError."""
    if family == "autoregressive":
        from genapps_music.composing.barred import BarredModel

        config: Any = BarredModel.Config
    else:
        config = composer(family).engine_class(type(codec.space)).Config
    of_training = [text.removeprefix(TRAINING) for text in given if text.startswith(TRAINING)]
    of_family = [text for text in given if not text.startswith(TRAINING)]
    _check_keys(of_family, config, "")
    _check_keys(of_training, TrainingConfig, TRAINING)
    made = resolve(config, None, [*(f"{name}={value}" for name, value in preset.options.items()), *of_family])
    base = [f"{name}={value}" for name, value in preset.training.items()]
    training = resolve(TrainingConfig, None, [*base, f"device={device}", *of_training])
    return {name: getattr(made, name) for name in made.__dataclass_fields__}, training


def _check_keys(given: Sequence[str], config: Any, before: str) -> None:
    """Raise UsageError for key=value of a key that the settings do not have, naming those that they have."""
    names = [f"{before}{name}" for name in config.__dataclass_fields__]
    for text in given:
        key = before + text.partition("=")[0].strip()
        if not any(key == name or key.startswith(f"{name}.") for name in names):
            others = "" if before else f", and those of training, such as {TRAINING}max_steps"
            meant = did_you_mean(key, names)
            raise UsageError(f"--set: unknown key {key!r}; there are: {', '.join(names)}{others}.{meant}")


def _kept(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """As many of the pieces as go into the model's file."""
    found, cells = [], 0
    for piece in pieces:
        cells += piece.cells.size
        if cells > _MOST_KEPT:
            break
        found.append(piece)
    return tuple(found)


def _name(pitch: int) -> str:
    """A pitch as musicians write it: C4 is middle C."""
    return f"{('C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B')[pitch % 12]}{pitch // 12 - 1}"


__all__ = ["Corpus", "Fitted", "Study", "batch_of", "fit", "settings_of", "split", "windows"]
