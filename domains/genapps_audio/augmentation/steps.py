"""Transforms by name: how much of each chance may ask for, and a variant as a list of steps that can be done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_audio.augmentation import filters, levels, tempo
from genapps_audio.augmentation.rows import Rows

Settings = dict[str, Any]
Chance = np.random.Generator
_SEEDS = 2**53  # seeds that JSON keeps
_MOST = 3  # transforms of one variant


@dataclass(frozen=True)
class Step:
    """One transform with its parameters, as the manifest has it."""

    name: str
    settings: Settings = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As one flat object."""
        return {"name": self.name, **self.settings}


@dataclass(frozen=True)
class Backgrounds:
    """Waves (T,) of one rate that can be heard behind others, by name."""

    waves: Mapping[str, Tensor] = field(default_factory=dict)

    def piece(self, name: str, start: int, samples: int) -> Tensor:
        """So many samples from there on, beginning anew where it ends."""
        wave = self.waves[name]
        return wave[(torch.arange(samples) + start) % len(wave)]


@dataclass(frozen=True)
class Transform:
    """draw: parameters at a strength, 1 being usual. apply: done to rows, each with its own parameters."""

    what: str
    draw: Callable[[float, Chance, int, Backgrounds], Settings]
    apply: Callable[[Rows, Sequence[Settings], Backgrounds], Rows]


def _column(rows: Sequence[Settings], key: str) -> Tensor:
    return torch.tensor([float(one[key]) for one in rows])


def _signed(low: float, high: float, chance: Chance) -> float:
    """Between low and high, on either side of zero."""
    return float(chance.uniform(low, high) * chance.choice([-1, 1]))


def _seed(chance: Chance) -> int:
    return int(chance.integers(_SEEDS))


def _noise(rows: Rows, settings: Sequence[Settings], _: Backgrounds) -> Rows:
    made = [
        levels.colored(length, rows.rate, str(one["color"]), int(one["seed"]) + int(one.get("channel", 0)))
        for one, length in zip(settings, rows.lengths.tolist(), strict=True)
    ]
    return levels.added(rows, made, _column(settings, "snr_db"))


def _background(rows: Rows, settings: Sequence[Settings], there: Backgrounds) -> Rows:
    pieces = [
        there.piece(str(one["file"]), int(one["start"]), length)
        for one, length in zip(settings, rows.lengths.tolist(), strict=True)
    ]
    return levels.added(rows, pieces, _column(settings, "snr_db"))


def _drawn_background(strength: float, chance: Chance, _: int, there: Backgrounds) -> Settings:
    name = str(chance.choice(sorted(there.waves)))
    return {"file": name, "start": int(chance.integers(len(there.waves[name]))), "snr_db": _snr(strength, chance)}


def _snr(strength: float, chance: Chance) -> float:
    return float(chance.uniform(30 - 20 * strength, 35 - 10 * strength))


def _tones(strength: float, chance: Chance, rate: int, _: Backgrounds) -> Settings:
    top = 0.45 * rate
    return {
        "hertz": [float(top * (80 / top) ** share) for share in chance.uniform(0, 1, 4)],
        "gain_db": [float(gain) for gain in chance.uniform(-8 * strength, 8 * strength, 4)],
    }


def _band(strength: float, chance: Chance, rate: int, _: Backgrounds) -> Settings:
    width = chance.uniform(0.03, 0.15 * min(strength, 4)) + 0.01
    low = chance.uniform(0, max(0.01, 0.9 - width))
    return {"low_hertz": float(low**2 * rate / 2), "high_hertz": float((low + width) ** 2 * rate / 2)}


def _spans(strength: float, chance: Chance, _: int, __: Backgrounds) -> Settings:
    return {
        "spans": [
            [float(chance.uniform(0, 0.9)), float(chance.uniform(0.02, 0.02 + 0.08 * strength))]
            for _ in range(int(chance.integers(1, 3)))
        ]
    }


# In the order in which they are done: what is recorded, the room, the air, the device, the file.
TRANSFORMS: dict[str, Transform] = {
    "stretch": Transform(
        "faster or slower at the same pitch",
        lambda s, c, _, __: {"speed": float(np.exp(_signed(0.02, 0.02 + 0.16 * s, c)))},
        lambda rows, p, _: tempo.stretched(rows, _column(p, "speed")),
    ),
    "pitch": Transform(
        "higher or lower at the same length",
        lambda s, c, _, __: {"semitones": _signed(0.25, 0.25 + 2.25 * s, c)},
        lambda rows, p, _: tempo.pitched(rows, _column(p, "semitones")),
    ),
    "warp": Transform(
        "formants moved, as of a longer or shorter vocal tract",
        lambda s, c, _, __: {"factor": float(np.exp(_signed(0.02, 0.02 + 0.12 * s, c)))},
        lambda rows, p, _: tempo.warped(rows, _column(p, "factor")),
    ),
    "shift": Transform(
        "earlier or later, the end coming back at the beginning",
        lambda s, c, _, __: {"share": _signed(0.01, 0.01 + 0.09 * s, c)},
        lambda rows, p, _: tempo.shifted(rows, (_column(p, "share") * rows.lengths).round().long()),
    ),
    "reverb": Transform(
        "in a room",
        lambda s, c, _, __: {
            "seconds": float(c.uniform(0.1, 0.1 + 0.5 * s)),
            "wet_db": float(c.uniform(-18, -18 + 14 * s)),
            "seed": _seed(c),
        },
        lambda rows, p, _: filters.reverberant(
            rows, [float(one["seconds"]) for one in p], _column(p, "wet_db"), [int(one["seed"]) for one in p]
        ),
    ),
    "background": Transform("other clips behind it", _drawn_background, _background),
    "noise": Transform(
        "white, pink or brown noise",
        lambda s, c, _, __: {
            "color": str(c.choice(["white", "pink", "brown"])), "snr_db": _snr(s, c), "seed": _seed(c)
        },
        _noise,
    ),
    "equalize": Transform(
        "some tones louder, some softer",
        _tones,
        lambda rows, p, _: filters.equalized(
            rows, torch.tensor([one["hertz"] for one in p]), torch.tensor([one["gain_db"] for one in p])
        ),
    ),
    "lowpass": Transform(
        "dull",
        lambda s, c, rate, _: {"hertz": float(rate / 2 * c.uniform(max(0.15, 0.85 - 0.4 * s), 0.9))},
        lambda rows, p, _: filters.lowpass(rows, _column(p, "hertz")),
    ),
    "highpass": Transform(
        "thin",
        lambda s, c, _, __: {"hertz": float(c.uniform(40, 60 + 240 * s))},
        lambda rows, p, _: filters.highpass(rows, _column(p, "hertz")),
    ),
    "bandpass": Transform(
        "as through a telephone",
        lambda s, c, rate, _: {
            "low_hertz": float(c.uniform(40, 60 + 240 * s)),
            "high_hertz": float(rate / 2 * c.uniform(max(0.2, 0.85 - 0.35 * s), 0.9)),
        },
        lambda rows, p, _: filters.bandpass(rows, _column(p, "low_hertz"), _column(p, "high_hertz")),
    ),
    "mask_band": Transform(
        "a band left out",
        _band,
        lambda rows, p, _: filters.without_band(rows, _column(p, "low_hertz"), _column(p, "high_hertz")),
    ),
    "mask_time": Transform(
        "moments left out",
        _spans,
        lambda rows, p, _: tempo.silenced(rows, [[(float(a), float(b)) for a, b in one["spans"]] for one in p]),
    ),
    "clip": Transform(
        "cut off at the loudest",
        lambda s, c, _, __: {"level": float(c.uniform(max(0.05, 0.9 - 0.6 * s), 0.95))},
        lambda rows, p, _: levels.clipping(rows, _column(p, "level")),
    ),
    "quantize": Transform(
        "few levels (mu-law)",
        lambda s, c, _, __: {"levels": int(2 ** c.integers(max(3, round(8 - 3 * s)), 9))},
        lambda rows, p, _: levels.quantized(rows, [int(one["levels"]) for one in p]),
    ),
    "polarity": Transform("upside down", lambda s, c, _, __: {}, lambda rows, p, _: levels.polarity(rows)),
    "gain": Transform(
        "louder or softer",
        lambda s, c, _, __: {"gain_db": _signed(1, 1 + 9 * s, c)},
        lambda rows, p, _: levels.gain(rows, _column(p, "gain_db")),
    ),
}  # fmt: skip
SETS = {"none": (), "all": tuple(name for name in TRANSFORMS if name != "background")}


def parse_transforms(text: str, strength: float, backgrounds: bool) -> dict[str, float]:
    """Strengths by name of "all", "none" or "pitch,noise=0.5"; background is among "all" where there are some.

    Raises UsageError for an unknown name or a strength that is none.
    """
    found: dict[str, float] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, _, amount = part.partition("=")
        try:
            own = float(amount) if amount else 1.0
        except ValueError:
            own = -1.0
        if not 0 < own <= 4:
            raise UsageError(f"--transforms {part}: a strength lies above 0 and is 4 at most, such as {name}=0.5")
        names = SETS.get(name, (name,))
        if name not in SETS and name not in TRANSFORMS:
            near = did_you_mean(name, [*SETS, *TRANSFORMS])
            raise UsageError(
                f"--transforms {name}: no such transform.{near} There are: {', '.join([*SETS, *TRANSFORMS])}"
            )
        found |= dict.fromkeys(names, own * strength)
        if name == "all" and backgrounds:
            found["background"] = own * strength
    if "background" in found and not backgrounds:
        raise UsageError("--transforms background: name a folder of clips to be heard behind: --background noises/")
    return {name: found[name] for name in TRANSFORMS if name in found}


def drawn(
    strengths: Mapping[str, float], chance: Chance, rate: int, backgrounds: Backgrounds, most: int = _MOST
) -> tuple[Step, ...]:
    """One to three different transforms, each as likely as any, in their order."""
    if not strengths:
        return ()
    names = list(strengths)
    count = int(chance.integers(1, min(most, len(names)) + 1))
    chosen = {names[i] for i in chance.choice(len(names), count, replace=False)}
    return tuple(
        Step(name, TRANSFORMS[name].draw(strengths[name], chance, rate, backgrounds))
        for name in names
        if name in chosen
    )


def applied(rows: Rows, steps: Sequence[Sequence[Step]], backgrounds: Backgrounds) -> Rows:
    """Rows after their steps, each transform for all rows that have it at once."""
    for name, transform in TRANSFORMS.items():
        own = [(i, step.settings) for i, one in enumerate(steps) for step in one if step.name == name]
        if not own:
            continue
        chosen = torch.tensor([i for i, _ in own])
        part = Rows(rows.wave[chosen], rows.lengths[chosen], rows.rate)
        made = transform.apply(part, [settings for _, settings in own], backgrounds)
        wave = torch.nn.functional.pad(rows.wave, (0, max(0, made.wave.shape[1] - rows.wave.shape[1])))
        wave = wave if wave is not rows.wave else wave.clone()
        wave[chosen] = torch.nn.functional.pad(made.wave, (0, wave.shape[1] - made.wave.shape[1]))
        lengths = rows.lengths.clone()
        lengths[chosen] = made.lengths
        rows = Rows(wave, lengths, rows.rate)
    return rows


def from_json(values: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Steps of a manifest's line. Raises KeyError for an unknown one."""
    found = []
    for value in values:
        settings = dict(value)
        name = str(settings.pop("name"))
        if name not in TRANSFORMS:
            raise KeyError(name)
        found.append(Step(name, settings))
    return tuple(found)
