"""How well odd images and their odd places were found, where that is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask
from genapps.metrics.ranking import auroc, auroc_by_kind

_PIXELS = 20_000  # of an image that count, on a grid


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
        by_kind = auroc_by_kind(self.kinds, self.scores)
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
