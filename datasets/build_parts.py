"""Makes the demo pictures domains/genapps_image/samples/parts: stamped flanges that never were, some of them damaged.

    .venv/bin/python datasets/build_parts.py [FOLDER]

Grey pictures of 96 pixels laid out as MVTec AD is: train/good holds 60 sound ones, test/good 12 more, and test/scratch,
test/stain and test/chip 6 each, with what was damaged in ground_truth. Each lies a little turned and moved, in a light
that comes from another side each time. The same pixels every time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 96
FINE = 4  # drawn so many times as large, for smooth edges
SEED = 11
SOUND, UNSEEN, DAMAGED = 60, 12, 6
KINDS = ("scratch", "stain", "chip")
PARTS = Path(__file__).parent.parent / "domains" / "genapps_image" / "samples" / "parts"


@dataclass(frozen=True)
class Pose:
    """Where a flange lies and how it is lit: center in fine pixels, angle in radians, light as a slope."""

    center: tuple[float, float]
    angle: float
    light: tuple[float, float]

    @staticmethod
    def draw(rng: np.random.Generator) -> Pose:
        """A pose by chance."""
        middle = SIDE * FINE / 2
        x, y = middle + rng.normal(0, 6), middle + rng.normal(0, 6)
        angle = rng.uniform(0, np.pi / 2)
        return Pose((x, y), angle, (rng.normal(0, 9), rng.normal(0, 9)))

    def at(self, radius: float, angle: float) -> tuple[float, float]:
        """A place on the flange, in fine pixels."""
        turned = angle + self.angle
        return self.center[0] + radius * np.cos(turned), self.center[1] + radius * np.sin(turned)


def main(folder: Path) -> None:
    """Write all pictures."""
    rng = np.random.default_rng(SEED)
    for number in range(SOUND):
        write(folder / "train" / "good" / f"{number:03}.png", picture(None, rng)[0])
    for number in range(UNSEEN):
        write(folder / "test" / "good" / f"{number:03}.png", picture(None, rng)[0])
    for kind in KINDS:
        for number in range(DAMAGED):
            pixels, mask = picture(kind, rng)
            write(folder / "test" / kind / f"{number:03}.png", pixels)
            write(folder / "ground_truth" / kind / f"{number:03}_mask.png", mask)


def picture(kind: str | None, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """A flange, sound or damaged, and where it is damaged in white."""
    pose = Pose.draw(rng)
    whole = Image.new("L", (SIDE * FINE, SIDE * FINE), 60)
    flange(ImageDraw.Draw(whole), pose)
    before = np.asarray(whole).copy()
    if kind is not None:
        damage(ImageDraw.Draw(whole), kind, pose, rng)
    mask = Image.fromarray(np.where(np.asarray(whole) != before, 255, 0).astype(np.uint8))
    return lit(whole, pose, rng), small(mask).point(lambda share: 255 if share > 64 else 0)


def flange(draw: ImageDraw.ImageDraw, pose: Pose) -> None:
    """A disc with a raised ring, a bore and four holes."""
    for radius, grey in ((150, 150), (142, 172), (84, 196), (78, 172), (52, 120), (46, 42)):
        disc(draw, pose.center, radius, grey)
    for quarter in range(4):
        place = pose.at(112, quarter * np.pi / 2)
        disc(draw, place, 17, 120)
        disc(draw, place, 13, 42)


def damage(draw: ImageDraw.ImageDraw, kind: str, pose: Pose, rng: np.random.Generator) -> None:
    """A scratch, a stain or a chipped edge, somewhere."""
    angle = rng.uniform(0, 2 * np.pi)
    if kind == "chip":
        disc(draw, pose.at(150, angle), rng.uniform(14, 24), 60)
    elif kind == "stain":
        for _ in range(6):
            disc(draw, pose.at(112 + rng.normal(0, 8), angle + rng.normal(0, 0.07)), rng.uniform(6, 13), 112)
    else:
        ends = [pose.at(92, angle), pose.at(116, angle + rng.uniform(0.15, 0.3)), pose.at(140, angle + 0.35)]
        draw.line([value for end in ends for value in end], fill=236, width=6, joint="curve")


def lit(whole: Image.Image, pose: Pose, rng: np.random.Generator) -> Image.Image:
    """As a camera sees it: small, brighter to one side, a little noisy; in steps of eight greys, for a small file."""
    slope = np.linspace(-1, 1, SIDE)
    seen = np.asarray(small(whole), float) + pose.light[0] * slope[:, None] + pose.light[1] * slope
    noisy = seen + rng.normal(0, 2.5, seen.shape)
    return Image.fromarray((np.round(noisy.clip(0, 255) / 8) * 8).clip(0, 255).astype(np.uint8))


def small(image: Image.Image) -> Image.Image:
    """The mean of each pixel's fine ones."""
    return image.reduce(FINE)


def disc(draw: ImageDraw.ImageDraw, center: tuple[float, float], radius: float, grey: int) -> None:
    """A filled circle."""
    x, y = center
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=grey)


def write(path: Path, image: Image.Image) -> None:
    """One file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PARTS)
