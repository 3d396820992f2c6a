"""`fit`: from a folder of clips to a model, and what it reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from genapps.errors import InputError
from genapps.training.device import choose_device
from genapps_audio.codec import Batch, gather, trimmed
from genapps_audio.generation.fitting import Study, fit
from genapps_audio.generation.judging import FEWEST as JUDGED
from genapps_audio.generation.judging import Reached, judge
from genapps_audio.generation.recipes import rule_for
from genapps_audio.model import AudioModel
from genapps_audio.presets import FEWEST, Preset, Seen, choose
from genapps_audio.reading.clips import Clips, open_clips
from genapps_audio.records import Clip, Skipped

_LOOKED = 300  # clips that the preset is chosen by
_HELD = 0.1  # share of the clips that is only judged on
_MOST_HELD = 500
_ENOUGH = 150  # clips from which on as many are held out as figures need
AUTO = "auto"
_WINDOW, _HOP = 0.032, 0.008  # seconds, in which silence at the ends is looked for


@dataclass(frozen=True)
class Fitted:
    """A model, what it was chosen by, what it reached, what could not be used, and what a person should know."""

    model: AudioModel
    preset: Preset
    reached: Reached
    skipped: list[Skipped]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "family": self.model.family,
            **self.model.codec.to_json(),
            "classes": list(self.model.classes),
            "card": dict(self.model.card),
            "reasons": list(self.preset.reasons),
            "reached": self.reached.to_json(),
            "notes": self.notes,
            "skipped": [{"name": one.name, "reason": one.reason} for one in self.skipped],
        }

    def lines(self) -> list[str]:
        """For a person."""
        model, codec = self.model, self.model.codec
        classes = f", {len(model.classes)} classes" if model.classes else ""
        seconds = model.heard[:, 1]
        each = f", {len(model.parts)} models" if len(model.parts) > 1 else ""
        return [
            f"learnt       {model.card['clips']:,} clips at {codec.rate:,} Hz{classes}, "
            f"{float(seconds.min()):.2f} to {float(seconds.max()):.2f} s of sound",
            f"family       {model.family}{each}, {model.card['cpu_seconds']:.0f} CPU seconds",
            *(f"             {reason}" for reason in self.preset.reasons),
            *self.reached.lines(),
        ]


def fit_clips(
    path: str,
    study: Study,
    *,
    family: str = AUTO,
    rate: int | None = None,
    seconds: float | None = None,
    labelled: bool = True,
    reading: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Learn the clips of a folder or file, a tenth of them held out to judge by.

    rate, seconds: of the codec, chosen where None. labelled: learn the classes. reading: told how many were read.
    Raises InputError and UsageError for what cannot be read, learnt or set.
    """
    wanted = None if family == AUTO else family
    if wanted is not None:
        rule_for(wanted, 0, "cpu")  # a name that is none is refused before anything is read
    clips = open_clips(path)
    device = "cpu" if choose_device(study.device).type == "cpu" else "gpu"
    preset = preset_of(clips, device, wanted, rate, seconds)
    classes = clips.classes if labelled else []
    batch = gather(_told(clips, reading), preset.codec, classes if len(classes) > 1 else [])
    learnt, held = parted(batch, study.seed)
    model = fit(learnt, preset.codec, preset.family, study)
    reached = judge(model, learnt, held, study.seed)
    notes = [*([clips.note] if clips.note else []), *batch.notes, *study.notes]
    if reached.nothing_learnt:
        notes.append("no nearer to held-out clips than steady noise: train longer, or take another --family")
    return Fitted(model.with_card(reached=reached.to_json()), preset, reached, batch.skipped, notes)


def preset_of(
    clips: Clips, device: str, family: str | None = None, rate: int | None = None, seconds: float | None = None
) -> Preset:
    """What suits some of the clips, evenly spaced. Raises InputError where none of them can be used."""
    step = max(1, len(clips) // _LOOKED)
    rates, lengths, skipped = [], [], []
    for i in range(0, len(clips), step):
        one = clips.one(i)
        if isinstance(one, Skipped):
            skipped.append(one)
            continue
        wave = torch.nan_to_num(torch.from_numpy(one.mono.copy()))
        rates.append(one.rate)
        lengths.append(len(trimmed(wave, max(2, round(_WINDOW * one.rate)), max(1, round(_HOP * one.rate)))) / one.rate)
    if not rates:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{clips.where}: no clip that can be used{why}")
    return choose(Seen(len(clips), rates, lengths, device), rate=rate, seconds=seconds, family=family)


def parted(batch: Batch, seed: int) -> tuple[Batch, Batch | None]:
    """Clips to learn from, and clips to judge by: a tenth, at most 500, none of fewer than 20."""
    count = len(batch)
    if count < FEWEST:
        return batch, None
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + 1))
    held = min(_MOST_HELD, max(JUDGED if count >= _ENOUGH else 2, int(_HELD * count)))
    return batch.take(order[held:].sort().values), batch.take(order[:held].sort().values)


def _told(clips: Clips, reading: Callable[[int, int], None] | None) -> Iterator[Clip | Skipped]:
    for i in range(len(clips)):
        yield clips.one(i)
        if reading is not None and i % 50 == 0:
            reading(i, len(clips))
