"""A family learnt from clips: what `genapps audio fit` does once the clips are read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genapps.config import resolve
from genapps.errors import UsageError
from genapps.kmeans import kmeans, nearest
from genapps.models import build, family_class
from genapps.models.base import Family
from genapps.spaces import Space
from genapps.training.device import choose_device
from genapps.training.settings import Event, TrainingConfig
from genapps_audio.codec import Batch, Codec
from genapps_audio.codes.codec import restored
from genapps_audio.codes.network import Coding
from genapps_audio.generation.drawing import space_of, told
from genapps_audio.generation.recipes import ALONE, FEWEST_OF_A_CLASS, WHOLE, Rule, check_sizes, rule_for
from genapps_audio.generation.tokens import TokenView, kinds_of, moved, with_kinds
from genapps_audio.generation.views import Basis, View
from genapps_audio.model import AudioModel

TRAINING = "training."  # what the keys of its settings begin with
CODEC = "codec."  # and those of the codec whose codes are learnt
_SHARE = 0.4  # of a budget that the codec has at most, where it takes steps
_LEAST = 1.0  # seconds of it that are left for the model
_ALIKE = 24  # principal components by which clips of a class are told apart


@dataclass(frozen=True)
class Study:
    """How a family learns, beside what.

    settings: key=value over the recipe, those of the training with "training." before them, those of a codec of tokens
    "codec.". checkpoint: where a run is
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
    if rule.tokens is not None:
        return _fit_tokens(batch, codec, rule, study, began)
    view = View.of(batch.patches, rule.coefficients, together, rule.joined)
    shown = view.shown(batch.patches)
    owners, weights, members = _voices(shown, labels if separate else None, rule, family, study.seed)
    space = space_of(family, shown.shape[1], shown.shape[2], len(classes))
    options, training = settings_of(rule, space, study)
    given = frozenset(text.partition("=")[0].strip() for text in study.settings)
    check_sizes(options, given, family, min(len(rows) for rows in members), shown.shape[1])
    parts = []
    for k, rows in enumerate(members):
        run = _Run(family, study, (k, len(members)), options, training)
        parts.append(run.fit(space, told(family, shown[rows], labels), None if separate else labels))
    heard, shares, told_of = _heard(batch, labels, classes)
    card = told_of | _card(study, began, len(parts), options)
    alone = family in ALONE
    return AudioModel(codec, family, tuple(parts), view, heard, owners if alone else (), weights if alone else (),
                      classes, shares, card)  # fmt: skip


def _fit_tokens(batch: Batch, codec: Codec, rule: Rule, study: Study, began: float) -> AudioModel:
    """A codec of the clips' patches, then one model of its codes, told the class and the kind of length."""
    assert rule.tokens is not None
    labels, classes = batch.labels, tuple(batch.classes) if batch.labels is not None else ()
    own = [text.removeprefix(CODEC) for text in study.settings if text.startswith(CODEC)]
    coding = resolve(Coding, None, [*(f"{name}={value}" for name, value in rule.tokens.to_json().items()), *own])
    if codec.frames % coding.together:
        raise UsageError(
            f"codec.together is {coding.together}, which does not divide the {codec.frames} frames of clips"
        )
    since = time.monotonic()
    view = _token_view(batch.patches, coding, study)
    space = view.space(codec.frames // view.together)
    kinds = kinds_of(batch.seconds, batch.seconds)
    codes = torch.cat([with_kinds(view.shown(one), kinds) for one in moved(batch.patches, coding.moved)])
    # All clips have as many blocks: where in a clip a block is says much of it.
    placed = replace(rule, options={**rule.options, "period": space.longest})
    options, training = settings_of(placed, space, study)
    left = None if study.budget is None else max(_LEAST, study.budget - (time.monotonic() - since))
    run = _Run(rule.learner, replace(study, budget=left), (0, 1), options, training)
    part = run.fit(space, codes, None if labels is None else labels.repeat(1 + 2 * coding.moved))
    heard, shares, told_of = _heard(batch, labels, classes)
    card = told_of | _card(study, began, 1, options) | {"codec": coding.to_json()}
    return AudioModel(codec, rule.family, (part,), view, heard, (), (), classes, shares, card)


def _token_view(patches: Tensor, coding: Coding, study: Study) -> TokenView:
    """The codec, or the one that an interrupted run had learnt."""
    from genapps.io.artifact import read_artifact, write_artifact

    kept = None if study.checkpoint is None else Path(f"{study.checkpoint}.codec.genapps")
    if kept is not None and study.resume and kept.exists():
        tensors = {name: torch.from_numpy(array) for name, array in read_artifact(kept).tensors.items()}
        return TokenView(restored(coding.shape, tensors))
    budget = None if study.budget is None or coding.steps == 1 else _SHARE * study.budget
    view = TokenView.of(patches, coding, budget=budget, seed=study.seed, device=study.device, progress=study.progress)
    if kept is not None:
        write_artifact(kept, {name: tensor.numpy() for name, tensor in view.state().items()}, {"task": "codec"})
    return view


def _heard(
    batch: Batch, labels: Tensor | None, classes: tuple[str, ...]
) -> tuple[Tensor, tuple[float, ...], dict[str, Any]]:
    """Class, length and loudness of each clip (N, 3), the share of each class, and their numbers for the card."""
    counts = torch.zeros(0) if labels is None else torch.bincount(labels, minlength=len(classes))
    shares = tuple((counts / counts.sum()).tolist()) if classes else ()
    own = torch.zeros(len(batch)) if labels is None else labels.float()
    named = {name: int(n) for name, n in zip(classes, counts.tolist(), strict=True)}
    return torch.stack([own, batch.seconds, batch.levels], 1), shares, {"clips": len(batch), "counts": named}


def _card(study: Study, began: float, models: int, options: dict[str, Any]) -> dict[str, Any]:
    """What every model says of its learning."""
    return {
        "cpu_seconds": round(time.process_time() - began, 1),
        "models": models,
        "seed": study.seed,
        "options": options,
        "settings": list(study.settings),
    }


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
    within = {name: value for name, value in rule.options.items() if name == "within"}  # which decides the engine
    config: Any = build(rule.learner, None, **within).engine_for(space).Config
    of_training = [text.removeprefix(TRAINING) for text in study.settings if text.startswith(TRAINING)]
    of_family = [text for text in study.settings if not text.startswith((TRAINING, CODEC))]
    made = resolve(config, None, [*(f"{name}={value}" for name, value in rule.options.items()), *of_family])
    own = [f"{name}={value}" for name, value in rule.training.items()]
    training = resolve(TrainingConfig, None, [*own, f"device={study.device}", *of_training])
    return {name: getattr(made, name) for name in made.__dataclass_fields__}, training
