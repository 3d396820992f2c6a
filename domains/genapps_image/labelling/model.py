"""A labeller as it is kept: a codec, a model that knows classes, their names, how sure they may be, and a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.base import Family
from genapps.spaces import Pixels
from genapps_image.codec import Codec
from genapps_image.generation.views import View
from genapps_image.labelling.judging import tempered
from genapps_image.labelling.learning import class_logs

DOMAIN = "image labels"


def prints(images: Tensor) -> list[int]:
    """A number for each of images (N, C, H, W) of bytes that hardly two different ones share."""
    rows = images.contiguous().numpy()
    return [int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "big", signed=True) for row in rows]


@dataclass(frozen=True)
class Labeller:
    """model: an autoencoder that knows classes. view: how it sees images. classes: their names by number.

    temperature: what its log-probabilities are divided by. card: plain JSON: what it was learnt from, and what
    held-out labels said of it. learnt: prints of the images whose label was learnt, which cannot be judged by it.
    """

    codec: Codec
    model: Family
    view: View
    classes: tuple[str, ...]
    temperature: float = 1.0
    card: Mapping[str, Any] = field(default_factory=dict)
    learnt: frozenset[int] = field(default=frozenset(), repr=False)

    def chances(self, images: Tensor) -> Tensor:
        """The probability (N, C) of each class for images (N, C, H, W) of bytes in the codec's size."""
        return tempered(class_logs(self.model, images, self.view), self.temperature)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        from genapps.io.artifact import write_artifact

        tensors, settings = self.model.state()
        arrays: dict[str, Any] = {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        arrays["learnt"] = np.array(sorted(self.learnt), np.int64)
        header = {
            "domain": DOMAIN,
            "family": "vae",
            "space": self._space(self.codec, self.view).to_json(),
            "codec": self.codec.to_json(),
            "view": {"levels": self.view.levels, "grey": self.view.grey},
            "model": settings,
            "classes": list(self.classes),
            "temperature": self.temperature,
            "card": dict(self.card),
        }
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> Labeller:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact
        from genapps.models import load

        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if header.get("domain") != DOMAIN:
            raise InputError(f"{path}: a model of {header.get('domain')!r}; give what 'image label --save' wrote")
        try:
            codec, view = Codec(**header["codec"]), View(**header["view"])
            named = {name.removeprefix("model/"): a for name, a in artifact.tensors.items() if name != "learnt"}
            tensors = {name: torch.from_numpy(array) for name, array in named.items()}
            model = load("vae", cls._space(codec, view), tensors, header["model"])
            learnt = frozenset(artifact.tensors["learnt"].tolist())
            classes, heat = tuple(str(name) for name in header["classes"]), float(header["temperature"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, UsageError) as error:
            raise InputError(f"{path}: does not hold what a labeller must; save it again") from error
        return cls(codec, model, view, classes, heat, header.get("card", {}), learnt)

    @staticmethod
    def _space(codec: Codec, view: View) -> Pixels:
        return Pixels(codec.channels, codec.height, codec.width, view.levels)
