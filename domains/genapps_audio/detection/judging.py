"""Clips judged beside normal ones, and normal ones by what had not learnt them.

As many panels learn as the normal clips have parts, each all but its own part. A normal clip is judged by the panel
that has not learnt it, a new one by each of them beside the normal clips of that panel's part: so both are strangers
alike, and no clip is spent on calibration alone (Vovk, "Cross-conformal predictors", 2015; Barber, Candès, Ramdas and
Tibshirani, "Predictive inference with the jackknife+", 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genapps.anomaly import robust_scale
from genapps.errors import InputError
from genapps_audio.detection.members import MEMBERS, WORDS, Moments, Near, Panel, stacked, strangest
from genapps_audio.detection.views import View

Watch = Callable[[str, int, int], None]  # what is done, how much of it, of how much
PARTS = 10
_USUAL = 0.999  # of the cells of normal clips, whose heat is nothing
_LEAST_SPREAD = 0.1  # of the median of a member's scores
# What two recordings of the same may differ by: half the usual deviation of levels, to which a decibel was added.
_FLOORS = torch.tensor([0.5 if name == "level" else 0.0 for name in MEMBERS], dtype=torch.float64)
_SOFT = 3  # cells along time and bands over which heat is averaged
_TOLD = 0.5  # of the strangest member's part of the score, from which another one is named too
_NAMED = ("spectrum", "modulation")  # by which the nearest normal clip is found


@dataclass(frozen=True)
class Judged:
    """One clip.

    scores: (K,) of each panel, higher is stranger. members: (M,) what each member of the judge adds. heat: (T, 64) of
    its cells, 1 is the highest that normal clips usually have. louder: (T, 64) whether a cell is louder than normal
    ones. nearest: the number of the normal clip that is most like it.
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


class Judging(Protocol):
    """What has learnt normal clips. kind: how a model file names it."""

    kind: ClassVar[str]

    @property
    def part(self) -> Tensor:
        """(N,): which panel had not learnt each of the normal clips."""
        ...

    def judge(self, one: View) -> Judged:
        """A clip that was not learnt."""
        ...

    def why(self, judged: Judged) -> str:
        """What is strange about it, in words."""
        ...

    def words(self) -> str:
        """What it looks at, in words."""
        ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON for a model file."""
        ...


@dataclass(frozen=True)
class Beside:
    """Normal clips that another one is put beside, to say where it differs and which one it is most like.

    moments: of them. every: their numbers by `_NAMED`.
    """

    moments: Moments
    every: tuple[Near, Near]

    @classmethod
    def learn(cls, views: Sequence[View], parts: Sequence[int], seed: int) -> Beside:
        """Of normal clips, each of a part."""
        rows = stacked(views)
        first, second = (Near.learn(rows[name]) for name in _NAMED)
        return cls(Moments.learn([one.cells for one in views], parts, seed), (first, second))

    def nearest(self, one: View) -> int:
        """The number of the normal clip that is most like it."""
        near = [law.distances(one.numbers[name][None])[0] for law, name in zip(self.every, _NAMED, strict=True)]
        return int(sum(near, torch.zeros(())).argmin())

    def state(self) -> dict[str, Tensor]:
        """For a model file."""
        every = {f"every/{k}/{key}": value for k, one in enumerate(self.every) for key, value in vars(one).items()}
        return {**every, **{f"moments/{key}": value for key, value in vars(self.moments).items()}}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor]) -> Beside:
        """The inverse of `state`. Raises TypeError where something is missing."""
        first, second = (Near(**under(arrays, f"every/{k}/")) for k in range(2))
        return cls(Moments(**under(arrays, "moments/")), (first, second))


@dataclass(frozen=True)
class Judge:
    """The ensemble. part: (N,) of each normal clip. middle, spread: (6,) of members' scores of normal clips.

    counted: (6,) 1 for members that count, else 0. usual: heat that normal cells seldom exceed.
    """

    kind: ClassVar[str] = "ensemble"

    panels: tuple[Panel, ...]
    beside: Beside
    part: Tensor
    middle: Tensor
    spread: Tensor
    counted: Tensor
    usual: float

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
        beside = Beside.learn(views, parts, seed)
        none = torch.zeros(len(MEMBERS), dtype=torch.float64)
        counted = torch.tensor([float(level or name != "level") for name in MEMBERS], dtype=torch.float64)
        blank = cls(tuple(panels), beside, part, none, none + 1, counted, 1.0)
        raw, heats = torch.zeros(len(views), len(MEMBERS), dtype=torch.float64), []
        for i, one in enumerate(views):
            found, heat, _ = blank._raw(one, parts[i])
            raw[i] = found[parts[i]]
            heats.append(hottest(heat))
            if watch is not None:
                watch("judging normal clips", i + 1, len(views))
        scale = robust_scale(raw.numpy())
        middle, spread = torch.from_numpy(scale.middle), torch.from_numpy(scale.spread)
        spread = (spread + _LEAST_SPREAD * middle.abs() + 1e-9).maximum(_FLOORS)
        usual = max(float(np.median(heats)), 1e-6)
        made = cls(tuple(panels), beside, part, middle, spread, counted, usual)
        return made, made._together(raw).sum(1)

    def judge(self, one: View) -> Judged:
        """A clip that was not learnt."""
        raw, heat, louder = self._raw(one)
        members = self._together(raw)
        return Judged(members.sum(1), members.mean(0), heat / self.usual, louder, self.beside.nearest(one))

    def why(self, judged: Judged) -> str:
        """The members that find a clip strangest."""
        shares = dict(zip(MEMBERS, judged.members.tolist(), strict=True))
        order = sorted(shares, key=lambda name: -shares[name])
        named = [name for name in order[:3] if shares[name] >= _TOLD * shares[order[0]] or name == order[0]]
        if len(named) < 3:
            return " and ".join(WORDS[name] for name in named)
        return f"{WORDS[named[0]]}, {WORDS[named[1]]} and {WORDS[named[2]]}"

    def _raw(self, one: View, own: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """What panels' members say (K, 6), and the heat of cells (T, 64) with its sign; own: part of a normal clip."""
        rows = stacked([one])
        novelty, apart = self.beside.moments.compare(one.cells, len(self.panels), own)
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
        own = {"part": self.part, "middle": self.middle, "spread": self.spread, "counted": self.counted}
        return {**panels, **self.beside.state(), **own}, {"panels": len(self.panels), "usual": self.usual}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor], settings: dict[str, Any]) -> Judge:
        """The inverse of `state`. Raises InputError where something is missing."""
        try:
            panels = tuple(Panel.restore(under(arrays, f"panel/{k}/")) for k in range(int(settings["panels"])))
            part, middle, spread, counted = (arrays[name] for name in ("part", "middle", "spread", "counted"))
            return cls(panels, Beside.restore(arrays), part, middle, spread, counted, float(settings["usual"]))
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


def under(arrays: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those of a branch, without its name."""
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def hottest(heat: Tensor) -> float:
    """Heat (T, 64) that all but one cell in a thousand stay below."""
    return float(heat.flatten().kthvalue(max(1, round(_USUAL * heat.numel()))).values)


def parted(groups: Sequence[int], seed: int, most: int = PARTS) -> list[int]:
    """The part (N,) of each normal clip: so many of about as many, or as many as there are clips.

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
    count = min(most, len(order) or len(groups))
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
