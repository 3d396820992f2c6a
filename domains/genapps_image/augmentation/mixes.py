"""Mixes of transforms, from the most careful to the boldest: data, so that they can be read, tried and argued with."""

from __future__ import annotations

from dataclasses import dataclass

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_image.augmentation.steps import Chance


@dataclass(frozen=True)
class Mix:
    """chances: what an image may get. turned: whether left may become right, which may make another letter of one."""

    name: str
    chances: tuple[Chance, ...]
    turned: bool = False
    about: str = ""


_FLIP = (Chance("flip", 0.5),)
_GENTLE = (
    Chance("shift", 1.0, 0.05),
    Chance("rotate", 1.0, 7.0),
    Chance("scale", 1.0, 0.1),
    Chance("brightness", 0.5, 0.15),
    Chance("contrast", 0.5, 0.15),
)
_BENT = (
    Chance("shift", 1.0, 0.1),
    Chance("rotate", 1.0, 15.0),
    Chance("scale", 1.0, 0.18),
    Chance("shear", 1.0, 0.15),
    Chance("elastic", 1.0, 0.06),
)
_LOOKS = (
    Chance("shift", 1.0, 0.06),
    Chance("rotate", 0.5, 7.0),
    Chance("scale", 1.0, 0.15),
    Chance("crop", 0.3, 0.2),
    Chance("brightness", 0.5, 0.3),
    Chance("contrast", 0.5, 0.3),
    Chance("gamma", 0.3, 0.4),
    Chance("saturation", 0.5, 0.4),
    Chance("noise", 0.3, 0.05),
    Chance("blur", 0.2, 0.02),
    Chance("cutout", 0.3, 0.35),
)

MIXES: dict[str, Mix] = {
    mix.name: mix
    for mix in (
        Mix("none", (), about="the images themselves, copied"),
        Mix("gentle", _GENTLE, about="moved, turned and lit a little"),
        Mix("bent", _BENT, about="moved, turned, slanted and bent, as handwriting is"),
        Mix("looks", _LOOKS, about="other light, color, noise, sharpness, cut and partly hidden"),
        Mix("gentle+flip", (*_FLIP, *_GENTLE), True, "gentle, and left may become right"),
        Mix("looks+flip", (*_FLIP, *_LOOKS), True, "looks, and left may become right"),
    )
}
SAFE = "gentle"  # where there is nothing to choose by
TRIED = ("gentle", "bent", "looks", "gentle+flip", "looks+flip")


def mix_of(name: str) -> Mix:
    """The mix of that name. Raises UsageError for an unknown one."""
    if name not in MIXES:
        raise UsageError(f"no mix is called {name!r}; there are: {', '.join(MIXES)}.{did_you_mean(name, MIXES)}")
    return MIXES[name]


# How far each transform goes where only its name is given.
AMOUNTS = {
    "flip": 0.0, "flip_vertical": 0.0, "turn": 0.0, "shift": 0.1, "rotate": 15.0, "scale": 0.15, "shear": 0.15,
    "crop": 0.2, "elastic": 0.06, "brightness": 0.3, "contrast": 0.3, "saturation": 0.4, "gamma": 0.4, "noise": 0.05,
    "blur": 0.02, "cutout": 0.35,
}  # fmt: skip
_MOST = {"shift": 1.0, "rotate": 180.0, "shear": 1.5, "crop": 0.9, "elastic": 0.3, "blur": 0.5, "cutout": 1.0}


def parse_mix(text: str) -> Mix:
    """A mix by name, or transforms one after the other: "bent", "gentle,noise", "flip:0.5,rotate=20,blur=0.01:0.3".

    After "=" how far it goes, after ":" the chance that an image gets it, 0.5 for what turns or mirrors, else 1.
    Raises UsageError for what is neither.
    """
    if text in MIXES:
        return MIXES[text]
    chances: list[Chance] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if part in MIXES:
            chances += MIXES[part].chances
            continue
        head, _, chance = part.partition(":")
        name, _, amount = head.partition("=")
        if name not in AMOUNTS:
            there = f"mixes {', '.join(MIXES)}; transforms {', '.join(AMOUNTS)}"
            raise UsageError(f"{name!r} is no mix and no transform; {there}.{did_you_mean(name, [*MIXES, *AMOUNTS])}")
        try:
            usual = 0.5 if name in ("flip", "flip_vertical", "turn") else 1.0
            often, far = float(chance) if chance else usual, float(amount) if amount else AMOUNTS[name]
        except ValueError:
            raise UsageError(f"{part!r}: write NAME=AMOUNT:CHANCE, such as rotate=15:0.5") from None
        if not 0 <= far <= _MOST.get(name, 5.0):
            raise UsageError(f"{part!r}: the amount of {name} lies between 0 and {_MOST.get(name, 5.0):g}")
        chances.append(Chance(name, often, far))
    if not chances:
        raise UsageError(f"--mix {text!r} names no transform")
    return Mix(text, tuple(chances), any(one.name in ("flip", "flip_vertical", "turn") for one in chances))
