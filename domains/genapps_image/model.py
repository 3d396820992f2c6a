"""A generator of images as it is kept: a codec, one of the six families, the names of its classes, and a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.base import Family, LogProb
from genapps.suggest import did_you_mean
from genapps_image.codec import Codec
from genapps_image.generation.drawing import draw, fill
from genapps_image.generation.views import View

DOMAIN, TASK = "image", "fit"


@dataclass(frozen=True)
class ImageModel:
    """A fitted family and all that turns what it knows into images.

    parts: one model, which knows the classes itself where there are some; or, of families that learn no labels, one a
    class. classes: their names by number, none for a model without. shares: of each class among the training images.
    card: plain JSON: what it was learnt from, how, and what it reaches.
    """

    codec: Codec
    family: str
    parts: tuple[Family, ...]
    view: View
    classes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dimensions(self) -> int:
        """Numbers in an image."""
        return self.codec.channels * self.codec.height * self.codec.width

    def labels_for(self, n: int, label: str | Sequence[str] | None, generator: torch.Generator) -> Tensor | None:
        """The class (n,) of each image to draw: the one asked for, or in the shares of the training images.

        Raises UsageError for a class that was not learnt.
        """
        if label is not None:
            names = [label] * n if isinstance(label, str) else list(label)
            if len(names) != n:
                raise UsageError(f"{len(names)} labels for {n} images; give one, or one for each")
            return torch.tensor([self._number(name) for name in names], dtype=torch.long)
        if not self.classes:
            return None
        return torch.multinomial(torch.tensor(self.shares), max(n, 1), replacement=True, generator=generator)[:n]

    @torch.no_grad()
    def sample(
        self,
        n: int = 1,
        label: str | Sequence[str] | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """New images (n, C, H, W), bytes; of one class, of one for each, or of all in their shares.

        temperature: below 1 more usual images. Raises UsageError for a class that was not learnt.
        """
        own = generator or torch.Generator().manual_seed(0)
        return self.draw(n, self.labels_for(n, label, own), temperature=temperature, generator=own)

    @torch.no_grad()
    def draw(self, n: int, labels: Tensor | None, *, temperature: float, generator: torch.Generator) -> Tensor:
        """New images (n, C, H, W), bytes, of classes (n,) by number, None where there are none."""
        images = torch.zeros(n, *self.view.space(self.codec).shape, dtype=torch.uint8)
        for part, rows in self._rows(n, labels):
            own = None if labels is None or len(self.parts) > 1 else labels[rows]
            images[rows] = self.view.pictured(draw(part, len(rows), own, temperature, generator))
        return images

    @torch.no_grad()
    def log_prob(self, images: Tensor, *, generator: torch.Generator | None = None) -> LogProb:
        """Log-probability (N,) of images (N, C, H, W) of bytes, in nats an image, whatever their class.

        Of a model of bits it is that of bits drawn from the grey values. Raises UsageError for the GAN, which has none.
        """
        own = generator or torch.Generator().manual_seed(0)
        shown = self.view.shown(images, own)
        found = [part.log_prob(shown, generator=own) for part in self.parts]
        logs = torch.stack([one.values.double() for one in found])
        if len(found) > 1:
            logs = logs + torch.tensor(self.shares, dtype=torch.double).log()[:, None]
        errors = [one.error for one in found if one.error is not None]
        kind = "bound" if found[0].kind == "exact" and not self.view.levels else found[0].kind
        values = logs.logsumexp(0) + self.view.log_unit(self.codec)
        return LogProb(values, kind, max(errors) if errors else None)

    @torch.no_grad()
    def impute(
        self,
        images: Tensor,
        holes: Tensor,
        label: str | None = None,
        *,
        generator: torch.Generator | None = None,
        candidates: int = 32,
    ) -> Tensor:
        """Images (N, C, H, W) of bytes, with what is in holes (N, H, W) or (H, W), truth values, drawn given the rest.

        candidates: how many the autoregressive family carries along for each image, to follow what is known further on.
        A GAN searches for what fits instead of drawing it. Raises UsageError for a class that was not learnt, or that
        is told to a family that guesses it.
        """
        own = generator or torch.Generator().manual_seed(0)
        wide = holes.bool().expand(len(images), *images.shape[2:])[:, None].expand_as(images)
        shown = self.view.with_holes(images, wide, own)
        number = None if label is None else self._number(label)
        drawn = self.view.pictured(fill(self, shown, number, candidates, own))
        return torch.where(wide, drawn, images)

    def bits(self, log_probs: Tensor) -> Tensor:
        """Bits a number of the image, of log-probabilities in nats an image; lower is better."""
        return -log_probs / (self.dimensions * torch.log(torch.tensor(2.0)))

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        from genapps.io.artifact import write_artifact

        arrays: dict[str, Any] = {}
        settings = []
        for k, part in enumerate(self.parts):
            tensors, how = part.state()
            arrays |= {f"part/{k}/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
            settings.append(how)
        header = {
            "domain": DOMAIN,
            "family": self.family,
            "task": TASK,
            "codec": self.codec.to_json(),
            "view": {"levels": self.view.levels, "grey": self.view.grey},
            "models": settings,
            "classes": list(self.classes),
            "shares": list(self.shares),
            "card": dict(self.card),
        }
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> ImageModel:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact
        from genapps.models import load

        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            raise InputError(f"{path}: not what `genapps image fit` writes")
        try:
            codec, view = Codec(**header["codec"]), View(**header["view"])
            parts = []
            for k, settings in enumerate(header["models"]):
                begin = f"part/{k}/"
                named = {name.removeprefix(begin): a for name, a in artifact.tensors.items() if name.startswith(begin)}
                tensors = {name: torch.from_numpy(array) for name, array in named.items()}
                parts.append(load(header["family"], view.space(codec), tensors, settings))
            classes, shares = tuple(header["classes"]), tuple(header["shares"])
        except (KeyError, TypeError, ValueError, RuntimeError, UsageError) as error:
            raise InputError(f"{path}: does not hold what a model of images must; fit it again") from error
        return cls(codec, header["family"], tuple(parts), view, classes, shares, header.get("card", {}))

    def with_card(self, **entries: Any) -> ImageModel:
        """The same with more on its card."""
        return replace(self, card={**self.card, **entries})

    def part_of(self, number: int | None) -> Family:
        """The model of a class, or the one for all."""
        return self.parts[number or 0] if len(self.parts) > 1 else self.parts[0]

    def _number(self, name: str) -> int:
        if not self.classes:
            raise UsageError(f"no class {name!r}: this model was learnt without classes; leave the label out")
        if name not in self.classes:
            there = ", ".join(self.classes[:20]) + (", ..." if len(self.classes) > 20 else "")
            raise UsageError(f"no class {name!r}; there are: {there}.{did_you_mean(name, self.classes)}")
        return self.classes.index(name)

    def _rows(self, n: int, labels: Tensor | None) -> list[tuple[Family, Tensor]]:
        """Each part and the numbers of the images that are its own."""
        if n == 0:
            return []
        if len(self.parts) == 1 or labels is None:
            return [(self.parts[0], torch.arange(n))]
        found = [(part, (labels == k).nonzero()[:, 0]) for k, part in enumerate(self.parts)]
        return [(part, rows) for part, rows in found if len(rows)]
