"""Holes in images, from a mask or a box, and images with their holes filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps_image.codec import to_channels
from genapps_image.generation.drawing import FILLING
from genapps_image.model import ImageModel
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Bytes, Picture, Skipped
from genapps_image.writing import WRITTEN, write_image, write_json

Box = tuple[int, int, int, int]  # x, y of the upper left corner, width, height, in pixels of the image
_PART = 100  # images filled at once
_WHITE = 128  # from this grey on a mask says: fill


@dataclass(frozen=True)
class Filled:
    """One image that was filled: its name, and how many of the pixels were made, at the model's size."""

    name: str
    files: tuple[str, ...]
    share: float


def inpaint(
    path: str,
    model: ImageModel,
    output: str,
    *,
    mask: str | None = None,
    box: Box | None = None,
    label: str | None = None,
    draws: int = 1,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Filled], list[Skipped]]:
    """Fill the hole of every image of a folder, or of one; write PNGs at the model's size and a manifest.

    mask: an image, white where to fill, or a folder with one for each image, of the same name. draws: completions of
    each. Images that cannot be used, and those whose mask does not fit, are skipped. Raises UsageError for a family
    that cannot fill in, InputError where nothing was filled.
    """
    if model.family not in FILLING:
        raise UsageError(f"a model of the family {model.family} cannot fill in; fit one with --family autoregressive")
    pictures, hole = open_pictures(path), hole_of(mask, box)
    generator = torch.Generator().manual_seed(seed)
    alone = len(pictures) == 1 and Path(output).suffix.lower() in WRITTEN and draws == 1
    folder = Path(output)
    if not alone:
        folder.mkdir(parents=True, exist_ok=True)
    filled: list[Filled] = []
    skipped: list[Skipped] = []
    held: list[tuple[str, Tensor, Tensor]] = []

    def flush() -> None:
        filled.extend(_fill(model, held, folder, alone, label, draws, generator))
        held.clear()

    for done, one in enumerate(pictures, 1):
        ready = one if isinstance(one, Skipped) else _ready(one, model, hole)
        if isinstance(ready, Skipped):
            skipped.append(ready)
        else:
            held.append(ready)
        if len(held) >= _PART:
            flush()
        if progress is not None:
            progress(done, len(pictures))
    if held:
        flush()
    if not filled:
        raise InputError(f"{path}: nothing was filled; {skipped[0].name}: {skipped[0].reason}" if skipped else path)
    if not alone:
        rows = [{"name": one.name, "files": list(one.files), "share": round(one.share, 4)} for one in filled]
        settings: dict[str, Any] = {"family": model.family, "seed": seed, "mask": mask, "box": box, "label": label}
        write_json(folder / "manifest.json", {**settings, "images": rows})
    return filled, skipped


def hole_of(mask: str | None, box: Box | None) -> Callable[[Picture], Bytes | str]:
    """What gives the hole (H, W, 1) of a picture, 255 where to fill, or says why there is none.

    Raises UsageError unless one of the two is given, or for a mask that is none.
    """
    if (mask is None) == (box is None):
        raise UsageError("say where to fill: --box x,y,width,height, or --mask FILE (white where to fill); one of them")
    if box is not None:
        return lambda picture: _boxed(picture, box)
    masks = open_pictures(str(mask))
    by_name = {Path(name).stem: k for k, name in enumerate(masks.names)} if Path(str(mask)).is_dir() else None

    def masked(picture: Picture) -> Bytes | str:
        number = 0 if by_name is None else by_name.get(Path(picture.name).stem)
        if number is None:
            return f"no mask of that name in {mask}"
        one = masks.one(number)
        if isinstance(one, Skipped):
            return f"its mask {one.name}: {one.reason}"
        if one.pixels.shape[:2] != picture.pixels.shape[:2]:
            sizes = [f"{height} x {width}" for height, width in (one.pixels.shape[:2], picture.pixels.shape[:2])]
            return f"its mask is {sizes[0]} pixels, the image {sizes[1]}"
        return np.where(to_channels(one.pixels, 1) >= _WHITE, 255, 0).astype(np.uint8)

    return masked


def _boxed(picture: Picture, box: Box) -> Bytes | str:
    x, y, width, height = box
    rows, columns = picture.pixels.shape[:2]
    if x >= columns or y >= rows:
        return f"the box begins outside of its {columns} x {rows} pixels (width x height)"
    hole = np.zeros((rows, columns, 1), np.uint8)
    hole[y : y + height, x : x + width] = 255
    return hole


def _ready(
    picture: Picture, model: ImageModel, hole: Callable[[Picture], Bytes | str]
) -> tuple[str, Tensor, Tensor] | Skipped:
    """Name, image (C, H, W) and hole (H, W) at the model's size."""
    found = hole(picture)
    if isinstance(found, str):
        return Skipped(picture.name, found)
    grey = replace(model.codec, channels=1)
    wanted = torch.from_numpy(grey.encode(replace(picture, pixels=found)))[0] >= _WHITE
    if not bool(wanted.any()):
        return Skipped(picture.name, "nothing to fill in what is left of it at the model's size")
    return picture.name, torch.from_numpy(model.codec.encode(picture)), wanted


def _fill(
    model: ImageModel,
    held: Sequence[tuple[str, Tensor, Tensor]],
    place: Path,
    alone: bool,
    label: str | None,
    draws: int,
    generator: torch.Generator,
) -> list[Filled]:
    images, holes = torch.stack([one[1] for one in held]), torch.stack([one[2] for one in held])
    files: list[list[str]] = [[] for _ in held]
    for draw in range(draws):
        made = model.codec.decode(model.impute(images, holes, label, generator=generator))
        for k, pixels in enumerate(made):
            stem = str(Path(held[k][0]).with_suffix("")) + (f"-{draw + 1}" if draws > 1 else "")
            target = place if alone else place / f"{stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            write_image(target, pixels)
            files[k].append(target.name if alone else f"{stem}.png")
    shares = holes.float().mean((1, 2)).tolist()
    return [Filled(one[0], tuple(names), share) for one, names, share in zip(held, files, shares, strict=True)]
