"""Clips judged by one of the six families: how unlikely their stretches are to a model of normal ones.

Settings were chosen on folds 1 to 3 of ESC-10 and on machines of seeds 1000 and up (benchmarks/audio/detect.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from genapps.anomaly import robust_scale
from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models import FAMILIES, build, load
from genapps.models.base import Family
from genapps.spaces import Columns, Continuous, Frames, Space
from genapps.suggest import did_you_mean
from genapps.training import TrainingConfig
from genapps_audio.detection.judging import Beside, Judged, Watch, hottest, parted, softened, under
from genapps_audio.detection.stretches import Axes, numbers, over_frames
from genapps_audio.detection.views import View

ENSEMBLE = "ensemble"
PARTS = 5  # fewer than the ensemble has, since each of them is a fit
ORDERED = ("hmm", "autoregressive")  # which learn the order of stretches
_EACH = 50  # stretches for each component of a mixture
_LEAST_SPREAD = 0.1  # of the median of the scores of normal clips
_FAR = 1e6  # as strange as anything may be
_LONGEST = 2_500  # stretches of a clip: ten minutes

_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "gmm": {"covariance_type": "lowrank", "reg_covar": 3e-2, "n_factors": 4, "max_iter": 60},
    "hmm": {"n_components": 4, "n_init": 1, "max_iter": 20, "min_covar": 1e-2},
    "vae": {"latent": 8, "hidden": 64, "depth": 1},
    "gan": {"latent": 8, "hidden": 64},
    "rbm": {"n_components": 16},
    "autoregressive": {"hidden": 32, "layers": 1, "components": 4, "dropout": 0.0},
}
_STEPS = {"vae": 200, "gan": 100, "rbm": 300, "autoregressive": 100}


@dataclass(frozen=True)
class Expert:
    """A family that learnt the stretches of some normal clips. usual: minus the log-density that these usually have."""

    axes: Axes
    model: Family
    usual: float

    @classmethod
    def learn(cls, family: str, rows: Sequence[Tensor], seed: int) -> Expert:
        """Of the numbers (S, 216) of each clip."""
        axes = Axes.learn(rows)
        shown = [axes(one).float() for one in rows]
        count, width = sum(map(len, shown)), shown[0].shape[1]
        few = {"n_components": max(1, min(4, count // _EACH)), "n_factors": min(4, width - 1)}
        options = {**_OPTIONS[family], **(few if family == "gmm" else {})}
        model = build(family, _space(family, width), **options)
        steps = _STEPS.get(family, 1)
        training = TrainingConfig(min_steps=steps, max_steps=steps, batch_size=64, validation_share=0.0)
        data = _together(family, shown)
        model.fit(data, generator=torch.Generator().manual_seed(seed), training=training)
        made = cls(axes, model, 0.0)
        return cls(axes, model, float(torch.cat([made._nats(one) for one in rows]).median()))

    def surprise(self, rows: Tensor) -> Tensor:
        """(S,) of the numbers (S, 216) of one clip: how far beyond the usual each stretch is, in about deviations."""
        beyond = (self._nats(rows) - self.usual).nan_to_num(nan=_FAR, posinf=_FAR, neginf=-_FAR)
        return beyond.sign() * (2 * beyond.abs()).sqrt()

    def _nats(self, rows: Tensor) -> Tensor:
        shown, own = self.axes(rows).float(), torch.Generator().manual_seed(0)
        if self.model.family in ORDERED:
            return self.model.step_log_prob(_together(self.model.family, [shown])).values[: len(rows)].neg().double()
        return self.model.anomaly_score(shown, generator=own).double()


@dataclass(frozen=True)
class ByFamily:
    """The judge by one family. part: (N,) of each normal clip. middle, spread: of the scores of normal clips.

    usual: heat that normal cells seldom exceed. When a clip is odd is what the family says; in which band is told by
    the normal moments nearest to that.
    """

    kind: ClassVar[str] = "family"

    family: str
    panels: tuple[Expert, ...]
    beside: Beside
    part: Tensor
    middle: float
    spread: float
    usual: float

    @classmethod
    def learn(
        cls, views: Sequence[View], groups: Sequence[int], seed: int = 0, *, family: str, watch: Watch | None = None
    ) -> tuple[ByFamily, Tensor]:
        """The judge, and the scores (N,) of normal clips by panels that had not learnt them, as `Judge.learn`."""
        check_family(family)
        parts = parted(groups, seed, PARTS)
        rows, count = [numbers(one.cells) for one in views], max(parts) + 1
        panels = []
        for k in range(count):
            panels.append(Expert.learn(family, [one for one, own in zip(rows, parts, strict=True) if own != k], seed))
            if watch is not None:
                watch(f"learning by {family}", k + 1, count)
        beside = Beside.learn(views, parts, seed)
        blank = cls(family, tuple(panels), beside, torch.tensor(parts), 0.0, 1.0, 1.0)
        said = [panels[own].surprise(one) for one, own in zip(rows, parts, strict=True)]
        raw = torch.stack([one.mean() for one in said])
        heats = [hottest(blank._heat(view, one, own)[0]) for view, one, own in zip(views, said, parts, strict=True)]
        scale = robust_scale(raw[:, None].numpy())
        middle, spread = float(scale.middle[0]), float(scale.spread[0])
        spread += _LEAST_SPREAD * abs(middle) + 1e-9
        usual = max(float(np.median(heats)), 1e-6)
        made = cls(family, tuple(panels), beside, blank.part, middle, spread, usual)
        return made, made._scaled(raw)

    def judge(self, one: View) -> Judged:
        """A clip that was not learnt."""
        rows = numbers(one.cells)
        said = torch.stack([panel.surprise(rows) for panel in self.panels])
        scores = self._scaled(said.mean(1))
        heat, louder = self._heat(one, said.mean(0))
        return Judged(scores, scores.mean()[None], heat / self.usual, louder, self.beside.nearest(one))

    def _heat(self, one: View, said: Tensor, own: int | None = None) -> tuple[Tensor, Tensor]:
        """(T, 64) of cells, and which are louder: surprise (S,) of stretches, where moments differ from near ones."""
        _, apart = self.beside.moments.compare(one.cells, len(self.panels), own)
        when = over_frames(said, len(one.cells)).clamp_min(0.1).float()
        return softened(apart.square()) * when[:, None], apart > 0

    def _scaled(self, raw: Tensor) -> Tensor:
        return torch.asinh((raw - self.middle) / self.spread).round(decimals=4)  # no digits of rounding errors

    def why(self, judged: Judged) -> str:
        """Always the same."""
        return f"what the {self.family} finds unlikely"

    def words(self) -> str:
        """What it looks at."""
        ordered = ", and their order" if self.family in ORDERED else ""
        return (
            f"{self.family}: how unlikely stretches of a second are{ordered}, beside {len(self.part):,} normal clips "
            f"in {len(self.panels)} parts; how loud a clip is does not count"
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON for a model file."""
        arrays, told = {"part": self.part, **self.beside.state()}, []
        for k, one in enumerate(self.panels):
            tensors, settings = one.model.state()
            arrays |= {f"panel/{k}/axes/{name}": value for name, value in vars(one.axes).items()}
            arrays |= {f"panel/{k}/model/{name}": value.detach().cpu() for name, value in tensors.items()}
            told.append({"usual": one.usual, "model": settings})
        own = {"family": self.family, "middle": self.middle, "spread": self.spread, "usual": self.usual}
        return arrays, {**own, "panels": told}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor], settings: dict[str, Any]) -> ByFamily:
        """The inverse of `state`. Raises InputError where something is missing."""
        try:
            family, panels = settings["family"], []
            for k, told in enumerate(settings["panels"]):
                axes = Axes(**under(arrays, f"panel/{k}/axes/"))
                space = _space(family, axes.axes.shape[1] + 1)
                model = load(family, space, under(arrays, f"panel/{k}/model/"), told["model"])
                panels.append(Expert(axes, model, float(told["usual"])))
            middle, spread, usual = (float(settings[name]) for name in ("middle", "spread", "usual"))
            return cls(family, tuple(panels), Beside.restore(arrays), arrays["part"], middle, spread, usual)
        except (KeyError, TypeError) as missing:
            raise InputError(f"a model without all of its parts ({missing}): save it again") from None


def check_family(name: str) -> None:
    """Raises UsageError for what is no family."""
    if name not in FAMILIES:
        near = did_you_mean(name, [ENSEMBLE, *FAMILIES])
        raise UsageError(f"unknown family {name!r}; choose from {ENSEMBLE}, {', '.join(FAMILIES)}.{near}")


def _space(family: str, width: int) -> Space:
    variables = (Continuous(),) * width
    return Frames(variables, _LONGEST) if family in ORDERED else Columns(variables)


def _together(family: str, clips: Sequence[Tensor]) -> Any:
    if family not in ORDERED:
        return torch.cat(list(clips))
    return Ragged(torch.cat(list(clips)), torch.tensor([len(one) for one in clips]))
