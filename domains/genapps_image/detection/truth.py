"""How well odd images and their odd places were found, where that is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask

_PIXELS = 20_000  # of an image that count, on a grid


def auroc(odd: Mask, scores: Any) -> float | None:
    """The share of pairs, an odd one and one that is not, whose odd one has the higher score; ties count half.

    odd, scores: (N,). None where there are not both.
    """
    values, flags = np.asarray(scores, np.float64), np.asarray(odd, bool)
    positive, negative = values[flags], np.sort(values[~flags])
    if not len(positive) or not len(negative):
        return None
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.mean() / (2 * len(negative)))


@dataclass
class Found:
    """Adds up what is known of each image that was judged."""

    kinds: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    alarms: list[bool] = field(default_factory=list)
    heats: list[NDArray[np.float32]] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    unmarked: int = 0

    def add(self, kind: str, score: float, alarm: bool, heat: Floats, mask: Mask | None) -> None:
        """One image: kind, "good" for none, and the heat and mask (H, W) of its pixels."""
        self.kinds.append(kind)
        self.scores.append(score)
        self.alarms.append(alarm)
        if mask is None:
            self.unmarked += 1
            return
        step = max(1, int(np.ceil(np.sqrt(mask.size / _PIXELS))))
        self.heats.append(np.asarray(heat[::step, ::step], np.float32).ravel())
        self.masks.append(mask[::step, ::step].ravel())

    def figures(self) -> dict[str, Any]:
        """AUROC of images, of each kind beside the good ones, and of pixels; alarms among good and odd ones."""
        kinds, scores, alarms = np.array(self.kinds), np.array(self.scores), np.array(self.alarms, bool)
        good = kinds == "good"
        by_kind = {
            str(kind): auroc(~good[good | (kinds == kind)], scores[good | (kinds == kind)])
            for kind in sorted(set(self.kinds) - {"good"})
        }
        pixels = auroc(np.concatenate(self.masks), np.concatenate(self.heats)) if self.masks else None
        return {
            "images": len(kinds),
            "odd": int((~good).sum()),
            "image_auroc": auroc(~good, scores),
            "image_auroc_by_kind": by_kind,
            "pixel_auroc": pixels,
            "images_without_mask": self.unmarked,
            "false_alarms": int(alarms[good].sum()),
            "good": int(good.sum()),
            "found": int(alarms[~good].sum()),
        }
