"""A family learnt from clips: what `genapps audio fit` does once the clips are read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genapps.config import resolve
from genapps.kmeans import kmeans, nearest
from genapps.models import build, family_class
from genapps.models.base import Family
from genapps.spaces import Space
from genapps.training.device import choose_device
from genapps.training.settings import Event, TrainingConfig
from genapps_audio.codec import Batch, Codec
from genapps_audio.generation.drawing import space_of, told
from genapps_audio.generation.recipes import ALONE, FEWEST_OF_A_CLASS, WHOLE, Rule, rule_for
from genapps_audio.generation.views import Basis, View
from genapps_audio.model import AudioModel

TRAINING = "training."  # what the keys of its settings begin with
_ALIKE = 24  # principal components by which clips of a class are told apart


@dataclass(frozen=True)
class Study:
    """How a family learns, beside what.

    settings: key=value over the recipe, those of the training with "training." before them. checkpoint: where a run is
    kept; resume: go on from there. notes: what a person should know is added here.
    """

    settings: tuple[str, ...] = ()
    budget: float | None = None
    seed: int = 0
    device: str = "auto"
    progress: Callable[[Event], None] | None = None
    checkpoint: Path | None = None
    resume: bool = False
    notes: list[str] = field(default_factory=list)


def fit(batch: Batch, codec: Codec, family: str, study: Study | None = None) -> AudioModel:
    """Learn from clips, with their classes where there are some.

    Families that learn no labels become models of each class, each with its share of the budget. Raises UsageError for
    an unknown family or setting.
    """
    study, began = study or Study(), time.process_time()
    labels, classes = batch.labels, tuple(batch.classes) if batch.labels is not None else ()
    counts = torch.zeros(0) if labels is None else torch.bincount(labels, minlength=len(classes))
    separate = family in ALONE and bool(classes)
    if separate and int(counts.min()) < FEWEST_OF_A_CLASS:
        study.notes.append(
            f"a class has fewer than {FEWEST_OF_A_CLASS} clips, so the {family} learns all clips without classes"
        )
        labels, classes, counts, separate = None, (), torch.zeros(0), False
    device = "cpu" if choose_device(study.device).type == "cpu" else "gpu"
    rule = rule_for(family, int(counts.min()) if separate else len(batch), device)
    together = codec.frames if rule.together == WHOLE else rule.together
    view = View.of(batch.patches, rule.coefficients, together, rule.joined)
    shown = view.shown(batch.patches)
    owners, weights, members = _voices(shown, labels if separate else None, rule, family, study.seed)
    space = space_of(family, shown.shape[1], shown.shape[2], len(classes))
    options, training = settings_of(rule, space, study)
    parts = []
    for k, rows in enumerate(members):
        run = _Run(family, study, (k, len(members)), options, training)
        parts.append(run.fit(space, told(family, shown[rows], labels), None if separate else labels))
    own = torch.zeros(len(batch)) if labels is None else labels.float()
    card = {
        "clips": len(batch),
        "counts": {name: int(n) for name, n in zip(classes, counts.tolist(), strict=True)},
        "cpu_seconds": round(time.process_time() - began, 1),
        "models": len(parts),
        "seed": study.seed,
        "options": options,
        "settings": list(study.settings),
    }
    shares = tuple((counts / counts.sum()).tolist()) if classes else ()
    heard = torch.stack([own, batch.seconds, batch.levels], 1)
    alone = family in ALONE
    return AudioModel(codec, family, tuple(parts), view, heard, owners if alone else (), weights if alone else (),
                      classes, shares, card)  # fmt: skip


def _voices(
    shown: Tensor, labels: Tensor | None, rule: Rule, family: str, seed: int
) -> tuple[tuple[int, ...], tuple[float, ...], list[Tensor]]:
    """The class, the share of its class, and the clips of each model that is to be learnt.

    Clips of a class that are alike, such as those of one speaker, are learnt together where a rule says so.
    """
    every = torch.arange(len(shown))
    if family not in ALONE:
        return (0,), (1.0,), [every]
    owners, weights, members = [], [], []
    for label in [0] if labels is None else labels.unique().tolist():
        rows = every if labels is None else (labels == label).nonzero()[:, 0]
        voices = max(1, min(rule.voices, len(rows) // rule.clips_a_voice))
        cells = torch.zeros(len(rows), dtype=torch.long)
        if voices > 1:
            flat = shown[rows].flatten(1)
            points = Basis.of(flat, _ALIKE).project(flat)
            cells, _ = nearest(points, kmeans(points, voices, torch.Generator().manual_seed(seed)))
        for cell in cells.unique().tolist():
            mine = rows[cells == cell]
            owners.append(label)
            weights.append(len(mine) / len(rows))
            members.append(mine)
    return tuple(owners), tuple(weights), members


@dataclass(frozen=True)
class _Run:
    """The fit of one part: number `place[0]` of `place[1]`."""

    family: str
    study: Study
    place: tuple[int, int]
    options: dict[str, Any]
    training: TrainingConfig

    def fit(self, space: Space, data: Tensor, labels: Tensor | None) -> Family:
        study, (number, of) = self.study, self.place
        path = None if study.checkpoint is None else Path(f"{study.checkpoint}{f'.{number}' if of > 1 else ''}")
        done = None if path is None or of == 1 else Path(f"{path}.done.genapps")
        if study.resume and done is not None and done.exists():
            return family_class(self.family).load(done)
        model = build(self.family, space, random_state=study.seed, **self.options)
        model.fit(
            data if data.dim() != 3 else list(data),
            labels=None if self.family in (*ALONE, "rbm") else labels,
            training=self.training,
            budget=None if study.budget is None else study.budget / of,
            progress=study.progress,
            checkpoint=path,
            resume=study.resume and path is not None,
        )
        if done is not None:
            model.save(done)
        return model


def settings_of(rule: Rule, space: Space, study: Study) -> tuple[dict[str, Any], TrainingConfig]:
    """Options of the family and of its training: the rule's, with what was set over them.

    Raises UsageError for an unknown key.
    """
    config: Any = family_class(rule.family).engine_class(type(space)).Config
    of_training = [text.removeprefix(TRAINING) for text in study.settings if text.startswith(TRAINING)]
    of_family = [text for text in study.settings if not text.startswith(TRAINING)]
    made = resolve(config, None, [*(f"{name}={value}" for name, value in rule.options.items()), *of_family])
    own = [f"{name}={value}" for name, value in rule.training.items()]
    training = resolve(TrainingConfig, None, [*own, f"device={study.device}", *of_training])
    return {name: getattr(made, name) for name in made.__dataclass_fields__}, training
