"""Small images judged by one of the six families: how unlikely each is to a model of good ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models import FAMILIES, build, load
from genapps.models.base import Family
from genapps.spaces import Pixels
from genapps.suggest import did_you_mean
from genapps.training import TrainingConfig
from genapps_image.detection.judging import Judged, Link, Source, Watch, folds
from genapps_image.detection.whole import Whole

ENSEMBLE = "ensemble"
_EACH = 50  # images for each component of a mixture
_COMPONENTS = 20  # of a mixture, at most


class ByFamily:
    """The judge by a family's own score. Where an image is odd, and what it is like, its neighbors tell (`Whole`)."""

    kind: ClassVar[str] = "family"

    def __init__(self, family: str, model: Family, near: Whole) -> None:
        self.family, self.model, self.near = family, model, near

    @classmethod
    def learn(
        cls,
        good: Source,
        seed: int = 0,
        *,
        family: str,
        budget: float | None = None,
        training: TrainingConfig | None = None,
        links: Sequence[Link] = (),
        watch: Watch | None = None,
    ) -> tuple[ByFamily, Tensor]:
        """The judge of good images of one size, and the scores (n,) of the fifth that it has not learnt.

        budget: seconds to learn. Raises UsageError for another family.
        """
        check_family(family)
        images = torch.stack([good[i] for i in range(len(good))])
        fold = folds(len(images), seed, links)[0]
        held, learnt = fold.held, fold.learnt
        channels, height, width = images.shape[1:]
        few = {"n_components": max(1, min(_COMPONENTS, len(learnt) // _EACH))} if family == "gmm" else {}
        model = build(family, _space(family, (channels, height, width)), **few)
        if watch is not None:
            watch(f"learning by {family}", 0, 1)
        own = torch.Generator().manual_seed(seed)
        model.fit(_shown(family, images[learnt]), generator=own, training=training, budget=budget)
        made = cls(family, model, Whole.neighbors(images[learnt], torch.tensor(learnt)))
        return made, made.scores(images[held])

    def judge(self, image: Tensor) -> Judged:
        """The family's score, and the heat of `Whole`."""
        near = self.near.judge(image)
        return Judged(float(self.scores(image[None])[0]), near.heat, near.nearest)

    def scores(self, images: Source) -> Tensor:
        """(N,); the same for the same images, though some families draw for it."""
        stacked = images if isinstance(images, Tensor) else torch.stack([images[i] for i in range(len(images))])
        shown = _shown(self.family, stacked)
        found = [self.model.anomaly_score(one[None], generator=torch.Generator().manual_seed(0)) for one in shown]
        return torch.cat(found) if found else torch.zeros(0)

    def words(self) -> str:
        """What it looks at."""
        return f"{self.family}: how unlikely a whole image of {self.near.size[1]} x {self.near.size[2]} pixels is to it"

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """For a model file."""
        near, told = self.near.state()
        own, settings = self.model.state()
        arrays = {**{f"near/{k}": v for k, v in near.items()}, **{f"family/{k}": v for k, v in own.items()}}
        return arrays, {"family": self.family, "near": told, "settings": settings}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor], settings: dict[str, Any]) -> ByFamily:
        """The inverse of `state`. Raises InputError where something is missing."""

        def branch(name: str) -> dict[str, Tensor]:
            return {k.removeprefix(name): v for k, v in arrays.items() if k.startswith(name)}

        try:
            near = Whole.restore(branch("near/"), settings["near"])
            space = _space(settings["family"], near.size)
            model = load(settings["family"], space, branch("family/"), settings["settings"])
            return cls(settings["family"], model, near)
        except KeyError as missing:
            raise InputError(f"a model without its {missing}: save it again") from None


def _space(family: str, size: tuple[int, int, int]) -> Pixels:
    """Bytes; of an RBM, which knows bits and real numbers only, the latter."""
    return Pixels(*size, 0 if family == "rbm" else 256)


def _shown(family: str, images: Tensor) -> Tensor:
    return images.float() / 255 if family == "rbm" else images


def check_family(name: str) -> None:
    """Raises UsageError for what is no family."""
    if name not in FAMILIES:
        near = did_you_mean(name, [ENSEMBLE, *FAMILIES])
        raise UsageError(f"unknown family {name!r}; choose from {ENSEMBLE}, {', '.join(FAMILIES)}.{near}")
