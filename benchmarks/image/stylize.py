"""Photographs of the scikit-image package painted in the style of its micrograph: CPU seconds, style reached, structure
kept; and the pictures on the page. The network that paints at once is learnt on other photographs than it paints.
All distances are of colors, so that where the photograph's color is kept they cannot fall.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import keep
import numpy as np
import photographs
import torch
from torch import Tensor

from genapps_image.codec import Codec
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Picture
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


def main() -> None:
    """Paint, learn, paint again; write figures and pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--learning-steps", type=int, default=700)
    parser.add_argument("--quick", action="store_true", help="few steps, nothing is written")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    steps, learning = (4, 3) if asked.quick else (asked.steps, asked.learning_steps)
    style = read(STYLE, SIDE)
    rows: list[dict[str, Any]] = []
    shown: list[np.ndarray[Any, Any]] = []
    for name in PHOTOS:
        photo = read(name, SIDE)
        shown += [pixels_of(photo), pixels_of(style)]
        for look in (Look(0.4, steps=steps), Look(0.7, steps=steps), Look(0.7, keep_color=True, steps=steps)):
            if look.strength == 0.4 and name != PHOTOS[0]:
                continue
            began = time.process_time()
            made = painted(photo, [style], look, torch.Generator().manual_seed(0))
            spent = time.process_time() - began
            about = {"photo_name": name, "how": "painted", "strength": look.strength, "keep_color": look.keep_color}
            rows.append({**about, "n": 1, "cpu_s": round(spent, 1), **measured(made, photo, style)})
            print(rows[-1], flush=True)
            if look.strength == 0.7:
                shown.append(pixels_of(made))
    began = time.process_time()
    recipe = steps_only(RECIPE, learning)
    network, _ = learn([read(name, 384) for name in LEARNT_ON], [style], 0.7, recipe=recipe, seed=0)
    taught = time.process_time() - began
    model = StyleModel(network)
    for k, name in enumerate(PHOTOS):
        photo = read(name, SIDE)
        began = time.process_time()
        image = model.paint(torch.from_numpy(pixels_of(photo)).permute(2, 0, 1))
        spent = time.process_time() - began
        made = numbers(image.permute(1, 2, 0).contiguous().numpy())
        about = {"photo_name": name, "how": "learnt", "strength": 0.7, "learning_cpu_s": round(taught, 1)}
        rows.append({**about, "n": 1, "cpu_s": round(spent, 2), **measured(made, photo, style)})
        print(rows[-1], flush=True)
        shown.insert(5 * k + 4, pixels_of(made))
    if not asked.quick:
        keep.write("stylize", rows, {"side": SIDE, "style": STYLE, "steps": steps, "learning_steps": learning})
        write_image(PICTURES / "stylize.jpg", fitted(sheet(shown, columns=5), 720))


if __name__ == "__main__":
    main()
