"""Photographs of the scikit-image package painted in the style of its micrograph: CPU seconds, style reached, structure
kept; and the pictures on the page. The network that paints at once is learnt on other photographs than it paints.
All distances are of colors, so that where the photograph's color is kept they cannot fall.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keep
import photographs
import torch
from torch import Tensor

from genapps_image.codec import Codec
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Bytes, Picture
from genapps_image.showing import fitted
from genapps_image.stylizing.color import recolored
from genapps_image.stylizing.matching import Look, painted
from genapps_image.stylizing.model import StyleModel
from genapps_image.stylizing.objective import structure_kept, style_distance
from genapps_image.stylizing.pictures import numbers, pixels_of
from genapps_image.stylizing.training import RECIPE, learn, steps_only
from genapps_image.writing import sheet, write_image

SIDE = 256
PHOTOS = ("chelsea.png", "coffee.png")
STYLE = "ihc.png"
LEARNT_ON = ("astronaut.png", "rocket.jpg", "motorcycle_left.png", "coins.png", "camera.png")
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def read(name: str, side: int) -> Tensor:
    """The middle of a picture of the package, (1, 3, side, side)."""
    one = open_pictures(photographs.folder() / name).one(0)
    assert isinstance(one, Picture), one
    return numbers(Codec(side, side, 3).encode(one).transpose(1, 2, 0))


def measured(made: Tensor, photo: Tensor, style: Tensor) -> dict[str, float]:
    """Distances to the style, the photograph's and its recolored self's beside the result's, and what is kept."""
    colors = recolored(photo, [style], torch.Generator().manual_seed(0))
    return {
        "style": round(style_distance(made, [style]), 4),
        "photo": round(style_distance(photo, [style]), 4),
        "colors_only": round(style_distance(colors, [style]), 4),
        "halves_of_the_style": round(style_distance(style[..., : SIDE // 2], [style[..., SIDE // 2 :]]), 4),
        "structure_kept": round(structure_kept(made, photo), 3),
    }


def taught(steps: int) -> Iterator[tuple[dict[str, Any], Bytes]]:
    """A row and a picture for each photograph, by a network that is learnt on others."""
    style = read(STYLE, SIDE)
    began = time.process_time()
    recipe = steps_only(RECIPE, steps)
    network, _ = learn([read(name, 384) for name in LEARNT_ON], [style], 0.7, recipe=recipe, seed=0)
    model, spent = StyleModel(network), time.process_time() - began
    for name in PHOTOS:
        photo, began = read(name, SIDE), time.process_time()
        image = model.paint(torch.from_numpy(pixels_of(photo)).permute(2, 0, 1)).permute(1, 2, 0).contiguous().numpy()
        about = {"photo_name": name, "how": "learnt", "strength": 0.7, "learning_cpu_s": round(spent, 1)}
        about |= {"n": 1, "cpu_s": round(time.process_time() - began, 2)}
        yield {**about, **measured(numbers(image), photo, style)}, image


def by_itself(name: str, look: Look) -> tuple[dict[str, Any], Bytes]:
    """A row and a picture, painted without anything learnt."""
    photo, style, began = read(name, SIDE), read(STYLE, SIDE), time.process_time()
    made = painted(photo, [style], look, torch.Generator().manual_seed(0))
    about = {"photo_name": name, "how": "painted", "strength": look.strength, "keep_color": look.keep_color}
    about |= {"n": 1, "cpu_s": round(time.process_time() - began, 1)}
    return {**about, **measured(made, photo, style)}, pixels_of(made)


def main() -> None:
    """Learn and paint, then paint by itself; write figures, after the first part too, and pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--learning-steps", type=int, default=350)
    parser.add_argument("--quick", action="store_true", help="few steps, nothing is written")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    steps, learning = (4, 3) if asked.quick else (asked.steps, asked.learning_steps)
    rows: list[dict[str, Any]] = []

    def keep_row(found: tuple[dict[str, Any], Bytes]) -> Bytes:
        rows.append(found[0])
        print(rows[-1], flush=True)
        if not asked.quick:
            keep.write("stylize", rows, {"side": SIDE, "style": STYLE, "steps": steps, "learning_steps": learning})
        return found[1]

    learnt = [keep_row(found) for found in taught(learning)]
    shown: list[Bytes] = []
    for name, last in zip(PHOTOS, learnt, strict=True):
        own = [keep_row(by_itself(name, Look(0.7, color, steps))) for color in (False, True)]
        shown += [pixels_of(read(name, SIDE)), pixels_of(read(STYLE, SIDE)), *own, last]
    keep_row(by_itself(PHOTOS[0], Look(0.4, steps=steps)))
    if not asked.quick:
        write_image(PICTURES / "stylize.jpg", fitted(sheet(shown, columns=5), 720))


if __name__ == "__main__":
    main()
