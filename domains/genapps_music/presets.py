"""How each family learns a corpus, and what each can do: a table, so that it can be read and argued with.

Steps are chosen so that 200 chorales take about three minutes of one CPU core; `--budget` and `--set` go over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genapps.errors import UsageError
from genapps.suggest import did_you_mean

COMPOSE, CONTINUE, HARMONIZE, INFILL, INTERPOLATE = "compose", "continue", "harmonize", "infill", "interpolate"
_ORDERED = frozenset((COMPOSE, CONTINUE, HARMONIZE, INFILL))


@dataclass(frozen=True)
class Preset:
    """A family's settings and training. can: the commands it serves. lacks: why not the others. bars: of a window."""

    can: frozenset[str]
    lacks: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    bars: int = 0
    hop: int = 0


PRESETS: dict[str, Preset] = {
    "autoregressive": Preset(
        _ORDERED,
        options={"hidden": 128, "layers": 1, "head": 64, "unshown": 0.5},
        training={"batch_size": 16, "learning_rate": 0.01, "max_steps": 700, "epochs": 60, "patience": 100},
        bars=5,
        hop=2,
    ),
    "hmm": Preset(_ORDERED, options={"n_components": 64, "max_iter": 30}, bars=0),
    "rbm": Preset(
        _ORDERED,
        options={"n_components": 128, "recurrent": 128, "sampling_steps": 15, "ais_steps": 50, "ais_chains": 4},
        training={"batch_size": 16, "max_steps": 600, "patience": 100, "check_steps": 200},
        bars=4,
    ),
    "vae": Preset(
        frozenset((COMPOSE, HARMONIZE, INFILL, INTERPOLATE)),
        "it knows two bars at a time",
        options={"latent": 32, "hidden": 64, "depth": 4, "free_bits": 0.05},
        training={"batch_size": 64, "max_steps": 500, "patience": 100},
        bars=2,
        hop=1,
    ),
    "gan": Preset(
        frozenset((COMPOSE,)),
        "it makes two bars from noise",
        options={"channels": 48},
        training={"max_steps": 400, "patience": 100},
        bars=2,
        hop=1,
    ),
    "gmm": Preset(frozenset((COMPOSE, HARMONIZE, INFILL)), "it knows no order of time", {"n_components": 64}),
}


def preset_of(family: str) -> Preset:
    """The preset of a family. Raises UsageError for a name that is none."""
    if family not in PRESETS:
        raise UsageError(f"no model family {family!r}; there are: {', '.join(PRESETS)}.{did_you_mean(family, PRESETS)}")
    return PRESETS[family]


def check_can(family: str, task: str) -> None:
    """Raise UsageError where a family cannot do what a command is for, naming those that can."""
    preset = preset_of(family)
    if task not in preset.can:
        able = ", ".join(name for name, other in PRESETS.items() if task in other.can)
        verb = f"{task} a piece" if task == CONTINUE else task
        raise UsageError(f"the family {family} cannot {verb}, as {preset.lacks}; fit one that can: {able}")
