"""Larger images, textures and parts: each place beside all places of good images, wherever they were.

A bank of features of places, thinned to those that stand for the others; how far a place is from its nearest one is
how strange it is there (Roth et al., "Towards total recall in industrial anomaly detection", 2022), beside how far
good places are apart there (Breunig et al., "LOF", 2000). Features are made uncorrelated first, so that what usually
goes together counts once, and what never does stands out (Defard et al., "PaDiM", 2021, measure so, too). Images are
looked at in their own scale. Where several kinds of features look, their heats are added on the scale of good images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps.errors import InputError
from genapps_image.detection.judging import MOST_PIXELS, Judged, Link, Source, Watch, folds
from genapps_image.detection.neighbors import coreset, nearest
from genapps_image.detection.places import Places, blurred, places_of

CANDIDATES = 40_000  # places of good images that the bank is chosen from
BANK = 2_000
AROUND = 5  # places of the bank that tell how far good places are apart there
SMOOTH = 3.0  # pixels, of the heat
HOT = 0.01  # of an image's pixels, the hottest, whose mean heat is its score
_HOT_MOST = 256  # of them: what is odd does not grow with the image
_FEWEST = 200  # places of a bank; beyond it at most a tenth of the candidates
_LEAST = 16  # places of each good image
_SCALED = 50  # good images that tell the scale of a member's heat
_STEADY = 1e-3  # standard deviation below which a feature counts as constant
_RARE = 1e-4  # of the variance of an uncorrelated feature, below which a direction is rounding errors


@dataclass(frozen=True)
class Bank:
    """center: (D,) and apart: (D, D) make features of mean 0 and variance 1 that are uncorrelated among good places.

    rows: (B, D) so made, those that are kept. owners: (B,) the good image each is from. room: (B,) how far its
    neighbors in the bank are: where good places differ much, a place may differ much, too.
    """

    center: Tensor
    apart: Tensor
    rows: Tensor
    owners: Tensor
    room: Tensor

    @classmethod
    def learn(cls, rows: Tensor, owners: Tensor, seed: int, size: int = BANK) -> Bank:
        """Of features (N, D) of places of the images `owners` (N,)."""
        center, apart = _uncorrelated(rows)
        made = (rows - center) @ apart
        kept = coreset(made, min(size, max(_FEWEST, len(rows) // 10)), torch.Generator().manual_seed(seed))
        bank = made[kept].contiguous()
        away = nearest(bank, bank, AROUND + 1)[0][:, 1:]
        near = away.mean(1) if away.shape[1] else torch.ones(len(bank))
        return cls(center, apart, bank, owners[kept], near + near.median() / 2 + 1e-6)

    def distances(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """How far features (N, D) are from the nearest kept, beside its room (N,), and which these are (N,)."""
        away, which = nearest((rows - self.center) @ self.apart, self.rows)
        return away[:, 0] / self.room[which[:, 0]], which[:, 0]


def _uncorrelated(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (D,) of rows (N, D), and what makes them uncorrelated and of variance 1 (D, D)."""
    wide = rows.double()
    center = wide.mean(0)
    spread = wide.std(0, correction=0).clamp(min=_STEADY)
    unit = (wide - center) / spread
    values, vectors = torch.linalg.eigh(unit.T @ unit / len(rows))
    return center.float(), (vectors / values.clamp(min=_RARE).sqrt() / spread[:, None]).float()


@dataclass(frozen=True)
class Member:
    """One kind of features of places, its bank, and the unit of its heat: from what is usual to the hottest places of a
    good image.
    """

    places: Places
    bank: Bank
    unit: float = 1.0

    def heat(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(H, W) of an image (C, H, W), and the good images that its places are most like, one each place that is kept:
        a thousand plain places of an image speak for another one once.
        """
        maps = self.places(image)
        away, which = self.bank.distances(maps.flatten(1).T)
        coarse = away.reshape(1, 1, *maps.shape[1:])
        heat = F.interpolate(coarse, tuple(image.shape[1:]), mode="bilinear", align_corners=False)
        return blurred(heat, SMOOTH)[0, 0] / self.unit, self.bank.owners[which.unique()]

    def unit_of(self, images: Sequence[Tensor]) -> float:
        """The unit by good images, one or more, that it has not learnt."""
        heats = [self.heat(image)[0] * self.unit for image in images]
        usual = torch.stack([heat.median() for heat in heats]).median()
        top = torch.tensor([hottest(heat) for heat in heats]).median()
        return max(float(top - usual), _STEADY)


class Patches:
    """The judge of larger images."""

    kind: ClassVar[str] = "patches"

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)

    @classmethod
    def learn(
        cls,
        good: Source,
        seed: int = 0,
        *,
        features: str = "auto",
        links: Sequence[Link] = (),
        watch: Watch | None = None,
    ) -> tuple[Patches, Tensor]:
        """The judge of good images, and the scores (n,) of those judged by what had not learnt them.

        links: pairs of images that are never learnt and judged beside one another.
        """
        kinds, count = places_of(features), len(good)
        drawn = [_candidates(good, places, seed, watch) for places in kinds]
        units, held = [1.0] * len(kinds), []
        for k, fold in enumerate(folds(count, seed, links) if count > 1 else []):
            partial = []
            for places, (rows, owners) in zip(kinds, drawn, strict=True):
                learnt = torch.isin(owners, torch.tensor(fold.learnt))
                partial.append(Member(places, Bank.learn(rows[learnt], owners[learnt], seed)))
            if k == 0:
                units = [member.unit_of([good[i] for i in fold.held[:_SCALED]]) for member in partial]
            judge = cls(_scaled(partial, units))
            for i in fold.held:
                held.append(judge.judge(good[i]).score)
                if watch is not None:
                    watch("judging good images by others", len(held), count)
        whole = [Member(places, Bank.learn(*found, seed)) for places, found in zip(kinds, drawn, strict=True)]
        return cls(_scaled(whole, units)), torch.tensor(held)

    def judge(self, image: Tensor) -> Judged:
        """Heat is the mean of the members', smoothed distances to the nearest good place; the score is the mean of the
        hottest hundredth of it.
        """
        heat, owners = torch.zeros(image.shape[1:]), []
        for top, left, tile, inner in _tiles(image):
            for member in self.members:
                found, owner = member.heat(tile)
                inside = found[inner[0] : inner[1], inner[2] : inner[3]] / len(self.members)
                heat[top : top + inside.shape[0], left : left + inside.shape[1]] += inside
                owners.append(owner)
        values, counts = torch.cat(owners).unique(return_counts=True)
        return Judged(hottest(heat), heat, int(values[counts.argmax()]))

    def scores(self, images: Source) -> Tensor:
        """(N,)."""
        return torch.tensor([self.judge(images[i]).score for i in range(len(images))])

    def words(self) -> str:
        """What it looks at."""
        each = (
            f"{one.places.name} features of places {one.places.stride} pixels apart, each beside "
            f"{len(one.bank.rows):,} places of good images"
            for one in self.members
        )
        return "; ".join(each)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """For a model file."""
        arrays: dict[str, Tensor] = {}
        told: list[dict[str, Any]] = []
        for k, member in enumerate(self.members):
            arrays |= {f"{k}/{name}": getattr(member.bank, name) for name in _STATE}
            told.append({"features": member.places.name, "unit": member.unit})
        return arrays, {"members": told}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor], settings: dict[str, Any]) -> Patches:
        """The inverse of `state`. Raises InputError where something is missing."""
        try:
            members = []
            for k, told in enumerate(settings["members"]):
                (places,) = places_of(told["features"])
                bank = Bank(**{name: arrays[f"{k}/{name}"] for name in _STATE})
                members.append(Member(places, bank, float(told["unit"])))
            return cls(members)
        except KeyError as missing:
            raise InputError(f"a model without its {missing}: save it again") from None


_STATE = ("center", "apart", "rows", "owners", "room")


def hottest(heat: Tensor) -> float:
    """The mean of the hottest hundredth of heat (H, W), of 256 pixels at most: steadier than the hottest pixel."""
    count = min(max(1, round(HOT * heat.numel())), _HOT_MOST)
    return float(heat.flatten().topk(count).values.mean())


def _scaled(members: Sequence[Member], units: Sequence[float]) -> list[Member]:
    return [replace(one, unit=unit) for one, unit in zip(members, units, strict=True)]


def _candidates(good: Source, places: Places, seed: int, watch: Watch | None) -> tuple[Tensor, Tensor]:
    """Features (N, D) of places of all good images, as many of each, and the images (N,) they are from."""
    generator = torch.Generator().manual_seed(seed)
    each = max(_LEAST, CANDIDATES // len(good))
    rows, owners = [], []
    for i in range(len(good)):
        image = good[i]
        tiles = list(_tiles(image))
        found = torch.cat([places(tile).flatten(1).T for _, _, tile, _ in tiles])
        kept = found[torch.randperm(len(found), generator=generator)[:each]]
        rows.append(kept)
        owners.append(torch.full((len(kept),), i))
        if watch is not None:
            watch("learning good images", i + 1, len(good))
    return torch.cat(rows), torch.cat(owners)


def _tiles(
    image: Tensor, side: int = 1024, margin: int = 64
) -> list[tuple[int, int, Tensor, tuple[int, int, int, int]]]:
    """An image (C, H, W) in parts that are looked at one at a time: where each begins, it with what is around it, and
    which of its rows and columns are its own. One part where the image is small.
    """
    _, height, width = image.shape
    if height * width <= MOST_PIXELS:
        return [(0, 0, image, (0, height, 0, width))]
    found = []
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            above, before = max(top - margin, 0), max(left - margin, 0)
            part = image[:, above : min(bottom + margin, height), before : min(right + margin, width)]
            found.append((top, left, part, (top - above, bottom - above, left - before, right - before)))
    return found
