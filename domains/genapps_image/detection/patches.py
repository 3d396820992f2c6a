"""Larger images, textures and parts: each place beside all places of good images, wherever they were.

A bank of features of places, thinned to those that stand for the others; how far a place is from its nearest one is
how strange it is there (Roth et al., "Towards total recall in industrial anomaly detection", 2022), beside how far
good places are apart there (Breunig et al., "LOF", 2000). Images are looked at in their own scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
SMOOTH = 4.0  # pixels, of the heat
_FEWEST = 200  # places of a bank; beyond it at most a tenth of the candidates
_LEAST = 16  # places of each good image


@dataclass(frozen=True)
class Bank:
    """spread: (D,) standard deviations that make features comparable. rows: (B, D) so scaled, those that are kept.

    owners: (B,) the good image each is from. room: (B,) how far its neighbors in the bank are: where good places
    differ much, a place may differ much, too.
    """

    spread: Tensor
    rows: Tensor
    owners: Tensor
    room: Tensor

    @classmethod
    def learn(cls, rows: Tensor, owners: Tensor, seed: int, size: int = BANK) -> Bank:
        """Of features (N, D) of places of the images `owners` (N,)."""
        spread = rows.std(0).clamp(min=1e-6) if len(rows) > 1 else torch.ones(rows.shape[1])
        scaled = rows / spread
        kept = coreset(scaled, min(size, max(_FEWEST, len(rows) // 10)), torch.Generator().manual_seed(seed))
        bank = scaled[kept].contiguous()
        apart = nearest(bank, bank, AROUND + 1)[0][:, 1:]
        near = apart.mean(1) if apart.shape[1] else torch.ones(len(bank))
        return cls(spread, bank, owners[kept], near + near.median() / 2 + 1e-6)

    def distances(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """How far features (N, D) are from the nearest kept, beside its room (N,), and those places' images (N,)."""
        apart, which = nearest(rows / self.spread, self.rows)
        first = which[:, 0]
        return apart[:, 0] / self.room[first], self.owners[first]


class Patches:
    """The judge of larger images."""

    kind: ClassVar[str] = "patches"

    def __init__(self, places: Places, bank: Bank) -> None:
        self.places, self.bank = places, bank

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
        places, count = places_of(features), len(good)
        rows, owners = _candidates(good, places, seed, watch)
        held = []
        for fold in folds(count, seed, links) if count > 1 else []:
            learnt = torch.isin(owners, torch.tensor(fold.learnt))
            partial = cls(places, Bank.learn(rows[learnt], owners[learnt], seed))
            for i in fold.held:
                held.append(partial.judge(good[i]).score)
                if watch is not None:
                    watch("judging good images by others", len(held), count)
        return cls(places, Bank.learn(rows, owners, seed)), torch.tensor(held)

    def judge(self, image: Tensor) -> Judged:
        """Heat is the distance to the nearest good place, smoothed; the score is the hottest pixel's."""
        heat, owners = torch.zeros(image.shape[1:]), []
        for top, left, tile, inner in _tiles(image):
            apart, owner = self._map(tile)
            inside = apart[inner[0] : inner[1], inner[2] : inner[3]]
            heat[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
            owners.append(owner)
        values, counts = torch.cat(owners).unique(return_counts=True)
        return Judged(float(heat.max()), heat, int(values[counts.argmax()]))

    def _map(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.places(image)
        apart, owner = self.bank.distances(maps.flatten(1).T)
        coarse = apart.reshape(1, 1, *maps.shape[1:])
        heat = F.interpolate(coarse, tuple(image.shape[1:]), mode="bilinear", align_corners=False)
        return blurred(heat, SMOOTH)[0, 0], owner

    def scores(self, images: Source) -> Tensor:
        """(N,)."""
        return torch.tensor([self.judge(images[i]).score for i in range(len(images))])

    def words(self) -> str:
        """What it looks at."""
        return (
            f"places {self.places.stride} pixels apart, each beside {len(self.bank.rows):,} places of good images "
            f"({self.places.name} features)"
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """For a model file."""
        bank = self.bank
        arrays = {"spread": bank.spread, "rows": bank.rows, "owners": bank.owners, "room": bank.room}
        return arrays, {"features": self.places.name}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor], settings: dict[str, Any]) -> Patches:
        """The inverse of `state`. Raises InputError where something is missing."""
        try:
            bank = Bank(arrays["spread"], arrays["rows"], arrays["owners"], arrays["room"])
            return cls(places_of(settings["features"]), bank)
        except KeyError as missing:
            raise InputError(f"a model without its {missing}: save it again") from None


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
