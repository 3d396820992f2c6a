"""What was learnt of good images, as one object and one file: the judge, what good images score, and small pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import genapps
from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps.metrics.distributions import Floats
from genapps.spaces import Pixels
from genapps.training import TrainingConfig
from genapps_image.codec import image_of
from genapps_image.detection.families import ENSEMBLE, ByFamily, check_family
from genapps_image.detection.judging import FOLDS, Judge, Link, Watch, minded
from genapps_image.detection.overlaps import alike, overlapping
from genapps_image.detection.patches import Patches
from genapps_image.detection.sources import SMALL, Looked, Shape, Shelf, look
from genapps_image.detection.whole import Whole
from genapps_image.reading.pictures import Pictures
from genapps_image.records import Bytes
from genapps_image.writing import encoded

DOMAIN = "image anomalies"
FEWEST = 10  # good images
LEAST = 8  # pixels of a side
KINDS: dict[str, type[Patches] | type[Whole] | type[ByFamily]] = {
    "patches": Patches,
    "whole": Whole,
    "family": ByFamily,
}
SIDE = 160  # pixels of a small picture
PICTURES = 2_000  # of good images that are kept, small


@dataclass(frozen=True)
class OddModel:
    """judge: what judges. shape: how images become tensors. scores: (R,) of good images by what had not learnt them.

    why: which judge was chosen and why. names, small: of good images by number, and their pictures as files' bytes.
    """

    judge: Judge
    shape: Shape
    scores: Floats
    why: str
    names: tuple[str, ...]
    small: dict[int, bytes] = field(repr=False)
    provenance: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        arrays, settings = self.judge.state()
        tree = {f"judge/{name}": value.numpy() for name, value in arrays.items()}
        tree |= {f"small/{number}": np.frombuffer(data, np.uint8) for number, data in self.small.items()}
        size = self.shape.size or (SIDE, SIDE)
        header = {
            "family": self.judge.family if isinstance(self.judge, ByFamily) else self.judge.kind,
            "domain": DOMAIN,
            "space": Pixels(self.shape.channels, *size, 256).to_json(),
            "model": {
                "judge": self.judge.kind,
                "settings": settings,
                "channels": self.shape.channels,
                "size": self.shape.size,
                "why": self.why,
                "names": list(self.names),
            },
            "provenance": self.provenance,
            "measures": {"good_images": len(self.scores)},
        }
        write_artifact(path, {**tree, "scores": self.scores}, {"genapps_version": genapps.__version__, **header})

    @classmethod
    def load(cls, path: str | Path) -> OddModel:
        """Read a model file. Raises InputError where it is damaged, of a newer version, or of another kind."""
        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if header.get("domain") != DOMAIN:
            raise InputError(
                f"{path}: a model of {header.get('domain')!r}; give a file written by 'image detect --save'"
            )
        try:
            told = header["model"]
            judge = KINDS[told["judge"]].restore(_branch(artifact.tensors, "judge/"), told["settings"])
            small = {
                int(k.removeprefix("small/")): v.tobytes() for k, v in artifact.tensors.items() if k[:6] == "small/"
            }
            shape = Shape(int(told["channels"]), tuple(told["size"]) if told["size"] else None)
            scores = artifact.tensors["scores"]
            return cls(judge, shape, scores, told["why"], tuple(told["names"]), small, header["provenance"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not all of a model of good images ({error}); save it again") from None


def learn(
    good: Pictures,
    *,
    features: str = "auto",
    look_at: str = "auto",
    family: str = ENSEMBLE,
    seed: int = 0,
    budget: float | None = None,
    training: TrainingConfig | None = None,
    watch: Watch | None = None,
) -> tuple[OddModel, Looked]:
    """The model of good images, and what was found among their files.

    look_at: "whole", "patches", or "auto", which is whole where no image is larger than 48 pixels. features: of places,
    as `places_of` takes them. family: "ensemble", the default, or one of the six, which judges images as a whole and is
    learnt in `budget` seconds or as `training` says. Raises UsageError for a family that is none or is to judge places,
    InputError where there are fewer than 10 images.
    """
    if family != ENSEMBLE:
        check_family(family)
    found = look(good, watch)
    if len(found.usable) < FEWEST:
        why = f"; {found.skipped[0].name}: {found.skipped[0].reason}" if found.skipped else ""
        raise InputError(f"{good.where}: {len(found.usable)} good images, at least {FEWEST} are needed{why}")
    whole = found.small if look_at == "auto" else look_at == "whole"
    if family != ENSEMBLE and not whole:
        raise UsageError(f"--family {family} judges images as a whole, and {_why(found)}; --look-at whole shrinks them")
    shape = Shape.of(found, whole)
    if shape.size is not None and min(shape.size) < LEAST:
        height, width = shape.size
        raise InputError(f"{good.where}: images of {height} x {width} pixels; at least {LEAST} a side are needed")
    shelf = Shelf(good, found, shape)
    links = alike(shelf) if whole else overlapping(shelf, watch)
    common: dict[str, Any] = {"links": links, "watch": watch}
    judge: Judge
    if family != ENSEMBLE:
        judge, scores = ByFamily.learn(
            shelf, seed, family=family, budget=budget, training=training, links=links, watch=watch
        )
    elif whole:
        judge, scores = Whole.learn(shelf, seed, **common)
    else:
        judge, scores = Patches.learn(shelf, seed, features=features, **common)
    asked = "asked for" if look_at != "auto" else _why(found)
    small = _pictures(shelf)
    told = {"good_images": len(shelf), "seed": seed, "held_out_parts": FOLDS, "source": good.where}
    told |= _linked(links, len(shelf), seed)
    names = tuple(shelf.name(i) for i in range(len(shelf)))
    return OddModel(judge, shelf.shape, scores.double().numpy(), asked, names, small, told), found


def _linked(links: Sequence[Link], count: int, seed: int) -> dict[str, Any]:
    """How many good images show what others show, and what was made of it; nothing where there are none."""
    among = len({i for pair in links for i in pair})
    if not among:
        return {}
    return {"linked_images": among, "linked_apart": minded(count, seed, links)}


def _why(found: Looked) -> str:
    longest = max(max(size) for size in found.sizes)
    beyond = "no image is larger than" if found.small else f"images have up to {longest} pixels a side, more than"
    return f"{beyond} {SMALL} pixels a side"


def _pictures(shelf: Shelf) -> dict[int, bytes]:
    """Small pictures of good images, of all or evenly among them."""
    count = min(len(shelf), PICTURES)
    places = sorted({round(k * (len(shelf) - 1) / max(count - 1, 1)) for k in range(count)})
    return {i: shrunk(pixels_of(shelf[i])) for i in places}


def pixels_of(image: Tensor) -> Bytes:
    """(H, W, C) of (C, H, W)."""
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())


def shrunk(pixels: Bytes, side: int = SIDE) -> bytes:
    """A file's bytes of a picture of at most so many pixels a side: PNG where it is small, else JPEG."""
    image = image_of(pixels)
    if max(image.size) > side:
        image.thumbnail((side, side))
    kept = np.asarray(image, np.uint8)
    return encoded(kept if kept.ndim == 3 else kept[:, :, None], ".png" if max(image.size) <= SMALL else ".jpg")


def _branch(arrays: dict[str, Any], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(value) for name, value in arrays.items() if name.startswith(prefix)
    }
