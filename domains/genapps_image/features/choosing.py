"""An extractor by its name."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps_image.features.base import Extractor
from genapps_image.features.inception import Inception
from genapps_image.features.lite0 import Lite0, installed
from genapps_image.features.own import STEPS, Own
from genapps_image.features.pixels import Pixels

NAMES = ("lite0", "self", "pixels", "inception")


def extractor_of(
    name: str,
    images: Tensor | None = None,
    labels: Tensor | None = None,
    *,
    seed: int = 0,
    steps: int = STEPS,
    weights: str | Path | None = None,
) -> Extractor:
    """ "lite0", "self", "pixels" or "inception"; "auto" is lite0 where its weights are installed, else self.

    images: (N, C, H, W) bytes, which self and pixels learn from; labels: (N,) their classes, if any. steps: of learning
    self. weights: the file that inception reads. Raises UsageError for another name, or where images or weights are
    missing, InputError for a file of other weights, MissingExtra for lite0 without its own.
    """
    if (name == "inception") != (weights is not None):
        raise UsageError(
            "features inception and a file of its weights go together: --features inception --weights FILE"
        )
    if name == "inception" and weights is not None:
        return Inception(weights)
    if name == "auto":
        name = "lite0" if installed() else "self"
    if name == "lite0":
        return Lite0()
    if name not in NAMES:
        raise UsageError(f"no features are called {name!r}; there are: auto, {', '.join(NAMES)}")
    if images is None or not len(images):
        raise UsageError(f"features {name!r} are learnt: they need images")
    return Own.learn(images, labels, steps=steps, seed=seed) if name == "self" else Pixels.learn(images)


def revive(name: str, state: dict[str, Tensor]) -> Extractor:
    """The extractor of this name and `Extractor.state`. Raises InputError for another name, or where tensors miss."""
    try:
        if name == "lite0":
            return Lite0()
        if name == "self":
            return Own(state)
        if name == "pixels":
            return Pixels(state["mean"], state["directions"])
    except KeyError as missing:
        raise InputError(f"features {name!r} without their {missing}") from None
    raise InputError(f"features {name!r} are not known")
