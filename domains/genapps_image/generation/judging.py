"""What a model reached on images it did not learn from, beside independent pixels and beside real images."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genapps.metrics.reaching import reach
from genapps_image.evaluation.baseline import gaussian_pixels
from genapps_image.evaluation.distances import frechet
from genapps_image.features import extractor_of
from genapps_image.model import ImageModel

SCORED = 200  # held-out images whose probability is taken
DRAWN = 500  # images of each side that distances are taken of
FEWEST = 30  # fewer say nothing
_LEARNT = 5000  # training images that the features are learnt from
_LEAST = 1.0  # of 255: deviation below which a pixel counts as constant


@dataclass(frozen=True)
class IndependentPixels:
    """The trivial model: each number of an image normal by itself, rounded to bytes.

    mean, deviation: (C, H, W), of bytes.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, images: Tensor) -> IndependentPixels:
        """That of images (N, C, H, W)."""
        values = images.float()
        return cls(values.mean(0), values.std(0, correction=0).clamp_min(_LEAST))

    def log_prob(self, images: Tensor) -> Tensor:
        """(N,) in nats, exact: the normal's mass over each byte's interval, the outer bytes taking the tails."""
        values = (images.double() - self.mean) / self.deviation
        half = 0.5 / self.deviation.double()
        low = torch.where(images == 0, -torch.inf, values - half)
        high = torch.where(images == 255, torch.inf, values + half)
        low, high = torch.where(values > 0, -high, low), torch.where(values > 0, -low, high)  # the tail that is exact
        mass = torch.special.ndtr(high) - torch.special.ndtr(low)
        logs: Tensor = mass.clamp_min(1e-300).log().flatten(1).sum(1)
        return logs

    def bits_log_prob(self, shown: Tensor) -> Tensor:
        """(N,) in nats of bits: each white with the probability of its mean grey."""
        share = (self.mean / 255).clamp(1e-3, 1 - 1e-3).double()
        return torch.where(shown > 0, share.log(), (1 - share).log()).flatten(1).sum(1)


@dataclass(frozen=True)
class Reached:
    """Figures of held-out images, and beside them those of independent pixels and of training images.

    unit: what `score` is in, "bits a number" or, of a model of bits, "nats an image"; lower is better. kind: exact,
    bound or estimate; "" where the family has no likelihood. distance: Fréchet distance to held-out images of as many
    drawn, real: training, and trivial: independent pixels. coverage: share of held-out images that are reached. These
    are None where fewer than 30 images are held out.
    """

    unit: str
    kind: str
    score: float | None
    trivial_score: float
    scored: int
    extractor: str
    drawn: int
    held_out: bool
    distance: float | None = None
    real_distance: float | None = None
    trivial_distance: float | None = None
    coverage: float | None = None
    real_coverage: float | None = None
    trivial_coverage: float | None = None

    @property
    def nothing_learnt(self) -> bool:
        """Whether independent pixels are as good by all that is measured: likelihood and distance, where they are."""
        pairs = ((self.score, self.trivial_score), (self.distance, self.trivial_distance))
        both = [(own, trivial) for own, trivial in pairs if own is not None and trivial is not None]
        return bool(both) and all(own >= trivial for own, trivial in both)

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        where = "held-out images" if self.held_out else "the images it learnt, as there are too few to hold some out"
        said = [f"judged on    {where}, beside independent pixels"]
        if self.score is not None:
            which = {"bound": "at most ", "estimate": "about "}.get(self.kind, "")
            said.append(
                f"likelihood   {which}{self.score:.3f} {self.unit}; independent pixels {self.trivial_score:.3f}"
            )
        else:
            said.append("likelihood   this family has none")
        if self.distance is None:
            return [*said, f"distances    need at least {FEWEST} held-out images; there are {self.drawn}"]
        said.append(
            f"FD-{self.extractor:<9} {self.distance:.2f}; other real images {self.real_distance:.2f}, "
            f"independent pixels {self.trivial_distance:.2f} ({self.drawn:,} of each)"
        )
        said.append(
            f"coverage     {self.coverage:.2f}; other real images {self.real_coverage:.2f}, "
            f"independent pixels {self.trivial_coverage:.2f}"
        )
        return said


@torch.no_grad()
def judge(model: ImageModel, train: Tensor, held: Tensor | None, seed: int = 0) -> Reached:
    """Judge on held-out images (N, C, H, W); on the training images where there are none."""
    draws = torch.Generator().manual_seed(seed)
    trivial = IndependentPixels.of(train)
    judged = train if held is None else held
    some = judged[torch.randperm(len(judged), generator=draws)]
    kind, score = "", None
    bits = model.view.levels == 2
    few = some[:SCORED]
    own = torch.Generator().manual_seed(seed)
    if model.family != "gan":
        found = model.log_prob(few, generator=own)
        kind, score = found.kind, _mean(model, found.values, bits)
    shown = model.view.shown(few, torch.Generator().manual_seed(seed)) if bits else few
    least = trivial.bits_log_prob(shown) if bits else trivial.log_prob(few)
    found_so_far = Reached(
        "nats an image" if bits else "bits a number",
        kind,
        score,
        _mean(model, least, bits),
        len(few),
        "pixels",
        min(len(some), len(train), DRAWN),
        held is not None,
    )
    return _with_distances(found_so_far, model, train, some, draws)


def _with_distances(found: Reached, model: ImageModel, train: Tensor, truth: Tensor, draws: torch.Generator) -> Reached:
    """The same with the figures of drawn images beside held-out ones in random order (N, C, H, W)."""
    n = found.drawn
    if n < FEWEST:
        return found
    real = train[torch.randperm(len(train), generator=draws)]
    sides = {"": model.sample(n, generator=draws), "real_": real[:n], "trivial_": gaussian_pixels(train, n, draws)}
    truth = truth[:n]
    if model.view.levels == 2:  # bits are compared with bits
        sides["real_"], truth = _bits(sides["real_"], draws), _bits(truth, draws)
    extractor = extractor_of(found.extractor, real[-_LEARNT:])
    rows = extractor.features(truth)
    figures: dict[str, Any] = {}
    for name, images in sides.items():
        made = extractor.features(images)
        figures |= {f"{name}distance": frechet(rows, made), f"{name}coverage": reach(rows, made).coverage}
    return replace(found, **figures)


def _mean(model: ImageModel, logs: Tensor, bits: bool) -> float:
    mean = -float(logs.double().mean())
    return mean if bits else mean / (model.dimensions * math.log(2))


def _bits(images: Tensor, generator: torch.Generator) -> Tensor:
    return (torch.rand(images.shape, generator=generator) < images.float() / 255).to(torch.uint8) * 255
