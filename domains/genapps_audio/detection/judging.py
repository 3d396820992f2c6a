"""Clips judged beside normal ones, and normal ones by what had not learnt them.

As many panels learn as the normal clips have parts, each all but its own part. A normal clip is judged by the panel
that has not learnt it, a new one by each of them beside the normal clips of that panel's part: so both are strangers
alike, and no clip is spent on calibration alone (Vovk, "Cross-conformal predictors", 2015; Barber, Candès, Ramdas and
Tibshirani, "Predictive inference with the jackknife+", 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genapps.anomaly import robust_scale
from genapps.errors import InputError
from genapps_audio.detection.members import MEMBERS, Moments, Near, Panel, stacked, strangest
from genapps_audio.detection.views import View

Watch = Callable[[str, int, int], None]  # what is done, how much of it, of how much
PARTS = 10
_USUAL = 0.999  # of the cells of normal clips, whose heat is nothing
_LEAST_SPREAD = 0.1  # of the median of a member's scores
# What two recordings of the same may differ by: half the usual deviation of levels, to which a decibel was added.
_FLOORS = torch.tensor([0.5 if name == "level" else 0.0 for name in MEMBERS], dtype=torch.float64)
_SOFT = 3  # cells along time and bands over which heat is averaged


@dataclass(frozen=True)
class Judged:
    """One clip.

    scores: (K,) of each panel, higher is stranger. members: (6,) what each of `MEMBERS` adds. heat: (T, 64) of its
    cells, 1 is the highest that normal clips usually have. louder: (T, 64) whether a cell is louder than normal ones.
    nearest: the number of the normal clip that is most like it.
    """

    scores: Tensor
    members: Tensor
    heat: Tensor
    louder: Tensor
    nearest: int

    @property
    def score(self) -> float:
        """The mean of the panels'."""
        return float(self.scores.mean())


@dataclass(frozen=True)
class Judge:
    """What learnt normal clips. part: (N,) of each of them. middle, spread: (6,) of members' scores of normal clips.

    counted: (6,) 1 for members that count, else 0. usual: heat that normal cells seldom exceed. every: all of them, to
    name the nearest.
    """

    panels: tuple[Panel, ...]
    moments: Moments
    part: Tensor
    middle: Tensor
    spread: Tensor
    counted: Tensor
    usual: float
    every: tuple[Near, Near]

    @classmethod
    def learn(
        cls,
        views: Sequence[View],
        groups: Sequence[int],
        seed: int = 0,
        *,
        level: bool = True,
        watch: Watch | None = None,
    ) -> tuple[Judge, Tensor]:
        """The judge, and the scores (N,) of normal clips by panels that had not learnt them.

        groups: (N,) the recording that each is from: those of one recording are held out together where there are
        enough recordings, else neighbours are. level: whether how loud a clip is counts.
        """
        parts = parted(groups, seed)
        count = max(parts) + 1
        part = torch.tensor(parts)
        panels = []
        for k in range(count):
            panels.append(Panel.learn([one for one, own in zip(views, parts, strict=True) if own != k]))
            if watch is not None:
                watch("learning", k + 1, count)
        rows = stacked(views)
        moments = Moments.learn([one.cells for one in views], parts, seed)
        every = Near.learn(rows["spectrum"]), Near.learn(rows["modulation"])
        none = torch.zeros(len(MEMBERS), dtype=torch.float64)
        counted = torch.tensor([float(level or name != "level") for name in MEMBERS], dtype=torch.float64)
        blank = cls(tuple(panels), moments, part, none, none + 1, counted, 1.0, every)
        raw, heats = torch.zeros(len(views), len(MEMBERS), dtype=torch.float64), []
        for i, one in enumerate(views):
            found, heat, _ = blank._raw(one, parts[i])
            raw[i] = found[parts[i]]
            heats.append(float(heat.flatten().kthvalue(max(1, round(_USUAL * heat.numel()))).values))
            if watch is not None:
                watch("judging normal clips", i + 1, len(views))
        scale = robust_scale(raw.numpy())
        middle, spread = torch.from_numpy(scale.middle), torch.from_numpy(scale.spread)
        spread = (spread + _LEAST_SPREAD * middle.abs() + 1e-9).maximum(_FLOORS)
        usual = max(float(np.median(heats)), 1e-6)
        made = cls(tuple(panels), moments, part, middle, spread, counted, usual, every)
        return made, made._together(raw).sum(1)

    def judge(self, one: View) -> Judged:
        """A clip that was not learnt."""
        raw, heat, louder = self._raw(one)
        members = self._together(raw)
        near = sum(law.distances(one.numbers[name][None])[0] for law, name in zip(self.every, _NAMED, strict=True))
        assert isinstance(near, Tensor)
        return Judged(members.sum(1), members.mean(0), heat / self.usual, louder, int(near.argmin()))

    def _raw(self, one: View, own: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """What panels' members say (K, 6), and the heat of cells (T, 64) with its sign; own: part of a normal clip."""
        rows = stacked([one])
        novelty, apart = self.moments.compare(one.cells, len(self.panels), own)
        whole = torch.cat([panel.raw(rows) for panel in self.panels])
        raw = torch.cat([whole, strangest(novelty)[:, None].double()], 1)
        return raw, softened(apart.square()), apart > 0

    def _together(self, raw: Tensor) -> Tensor:
        """What members add to the score, (..., 6) of their own: asinh keeps one from drowning the others."""
        scaled = torch.asinh((raw - self.middle) / self.spread) * self.counted / self.counted.sum()
        return scaled.round(decimals=5)  # no digits of rounding errors

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON for a model file."""
        panels = {
            f"panel/{k}/{name}": value for k, one in enumerate(self.panels) for name, value in one.state().items()
        }
        every = {f"every/{k}/{key}": value for k, one in enumerate(self.every) for key, value in vars(one).items()}
        moments = {f"moments/{key}": value for key, value in vars(self.moments).items()}
        own = {"part": self.part, "middle": self.middle, "spread": self.spread, "counted": self.counted}
        return {**panels, **every, **moments, **own}, {"panels": len(self.panels), "usual": self.usual}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor], settings: dict[str, Any]) -> Judge:
        """The inverse of `state`. Raises InputError where something is missing."""

        def under(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}

        try:
            panels = tuple(Panel.restore(under(f"panel/{k}/")) for k in range(int(settings["panels"])))
            part, middle, spread, counted = (arrays[name] for name in ("part", "middle", "spread", "counted"))
            first, second = (Near(**under(f"every/{k}/")) for k in range(2))
            usual = float(settings["usual"])
            return cls(panels, Moments(**under("moments/")), part, middle, spread, counted, usual, (first, second))
        except (KeyError, TypeError) as missing:
            raise InputError(f"a model without all of its parts ({missing}): save it again") from None

    def words(self) -> str:
        """What it looks at."""
        used = int(self.counted.sum())
        left = "" if used == len(MEMBERS) else "; how loud a clip is does not count"
        return (
            f"{used} members over spectrum, timbre, pace, texture and single moments, beside {len(self.part):,} normal "
            f"clips in {len(self.panels)} parts{left}"
        )


_NAMED = ("spectrum", "modulation")


def parted(groups: Sequence[int], seed: int) -> list[int]:
    """The part (N,) of each normal clip: ten of about as many, or as many as there are clips.

    Clips of one recording are in one part where there are five recordings or more; else parts are stretches of time.
    """
    names = sorted(set(groups))
    if len(names) >= min(5, len(groups)):
        generator = torch.Generator().manual_seed(seed)
        order = [names[k] for k in torch.randperm(len(names), generator=generator).tolist()]
        rank = {name: k for k, name in enumerate(order)}
        row = sorted(range(len(groups)), key=lambda i: (rank[groups[i]], i))
    else:
        order, row = [], list(range(len(groups)))
    count = min(PARTS, len(order) or len(groups))
    found, taken, k = [0] * len(groups), 0, 0
    for place, i in enumerate(row):
        started = place > 0 and groups[row[place - 1]] == groups[i]
        # The next part begins when this one has its share, though never within a recording that is kept together.
        if taken and k + 1 < count and place >= (k + 1) * len(groups) / count and not (order and started):
            k, taken = k + 1, 0
        found[i], taken = k, taken + 1
    return found


def softened(cells: Tensor) -> Tensor:
    """(T, B) averaged over three by three cells."""
    edge = _SOFT // 2
    return F.avg_pool2d(F.pad(cells[None, None], (edge,) * 4, mode="replicate"), _SOFT, 1)[0, 0]
