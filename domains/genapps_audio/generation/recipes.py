"""The shape and training of each family for a collection of clips: a table, so that it can be read and argued with.

Rules are tried from the top; the first that fits is taken, and `--set` goes over it. Figures on a CPU were chosen on
takes 5 to 9 of spoken digits, learning from the takes after them (docs/benchmarks/audio.md); those of a GPU have more
of everything and have never been run on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genapps.errors import UsageError
from genapps.models import FAMILIES
from genapps.suggest import did_you_mean
from genapps_audio.codes.network import Coding

Values = Mapping[str, Any]
TOKENS = "autoregressive-tokens"  # the autoregressive family over the codes of a codec, not components
NAMES = (*FAMILIES, TOKENS)
BEST = "gmm"  # by the figures in docs/benchmarks/audio.md
ALONE = frozenset(("gmm", "hmm"))  # families that learn no labels: models of each class
FEWEST_OF_A_CLASS = 8  # clips below which a class has no model of its own
WHOLE = 0  # frames together: all of them


@dataclass(frozen=True)
class Rule:
    """How a family sees spectrograms, its options and those of its training, and for which clips.

    together: frames that are taken together, WHOLE for all. joined: components of such a block. coefficients: of a
    frame. voices: models a class at most, each of clips that are alike; one for each `clips_a_voice`. device: "cpu",
    "gpu", or "" for any. fewest: clips of a class, or of all without classes, at least. tokens: the codec of those that
    learn its codes.
    """

    family: str
    options: Values
    training: Values = field(default_factory=dict)
    together: int = 1
    joined: int = 0
    coefficients: int = 40
    voices: int = 1
    clips_a_voice: int = 40
    device: str = ""
    fewest: int = 0
    tokens: Coding | None = None

    @property
    def learner(self) -> str:
        """The one of the six families that it is for."""
        return learner_of(self.family)


_LONG = {"epochs": 100_000}
RULES = (
    Rule("gmm", {"n_components": 6, "n_factors": 12, "reg_covar": 1e-3}, fewest=120),
    Rule("gmm", {"n_components": 2, "n_factors": 8, "reg_covar": 1e-3}, fewest=40),
    Rule("gmm", {"n_components": 1, "n_factors": 6, "reg_covar": 1e-2}),
    Rule("hmm", {"n_components": 14, "topology": "left-right", "n_init": 1, "max_iter": 20, "min_covar": 1e-2},
         voices=8, fewest=0),
    # Wider networks for a GPU; none of them has been run on one yet.
    Rule("vae", {"latent": 64, "hidden": 1024, "depth": 3, "holes": 0.0},
         {**_LONG, "max_steps": 40_000, "patience": 8, "check_steps": 500}, together=WHOLE, joined=256, device="gpu",
         fewest=1000),
    Rule("vae", {"latent": 32, "hidden": 256, "holes": 0.0},
         {**_LONG, "max_steps": 2500, "batch_size": 64, "patience": 8, "check_steps": 250}, together=WHOLE, joined=128),
    Rule("gan", {"latent": 128, "channels": 192, "depth": 2}, {**_LONG, "max_steps": 40_000, "batch_size": 64},
         device="gpu"),
    Rule("gan", {"latent": 64, "channels": 64}, {**_LONG, "max_steps": 2500, "batch_size": 32},
         together=4, joined=48),
    Rule("rbm", {"n_components": 256}, {**_LONG, "max_steps": 3000}, together=WHOLE, joined=128),
    Rule("autoregressive", {"hidden": 512, "layers": 6, "heads": 8, "architecture": "transformer", "components": 16},
         {"epochs": 400, "max_steps": 40_000}, together=4, joined=64, device="gpu", fewest=1000),
    Rule("autoregressive", {"hidden": 128, "components": 8, "dropout": 0.2}, {"epochs": 60, "max_steps": 3000},
         together=4, joined=40),
    Rule(TOKENS, {"within": "ordered", "hidden": 512, "layers": 3, "head": 128, "unshown": 1.0},
         {"epochs": 400, "max_steps": 40_000}, device="gpu", fewest=1000,
         tokens=Coding(together=2, latent=128, channels=512, layers=6, books=8, size=1024, steps=20_000)),
    Rule(TOKENS, {"within": "ordered", "hidden": 128, "layers": 1, "dropout": 0.3, "unshown": 1.0},
         {**_LONG, "max_steps": 2000},
         tokens=Coding(together=4, channels=16, layers=1, books=4, size=256, steps=1, moved=2)),
)  # fmt: skip


def rule_for(family: str, count: int, device: str) -> Rule:
    """The first rule that fits. count: clips of a class, or of all without classes. device: "cpu" or "gpu".

    Raises UsageError for no such family.
    """
    if family not in NAMES:
        raise UsageError(f"no model family {family!r}; there are: {', '.join(NAMES)}.{did_you_mean(family, NAMES)}")
    return next(
        rule for rule in RULES if rule.family == family and rule.device in ("", device) and count >= rule.fewest
    )


def learner_of(family: str) -> str:
    """The one of the six families that is meant."""
    return "autoregressive" if family == TOKENS else family


# Beyond these nothing that fits on one machine is learnt in the time that anybody has.
_MOST = {
    "n_components": 10_000, "n_factors": 1_000, "n_mix": 64, "n_init": 100, "max_iter": 10_000,
    "latent": 4_096, "hidden": 8_192, "channels": 2_048, "depth": 64, "layers": 64, "heads": 64, "components": 256,
}  # fmt: skip


def check_sizes(options: Values, given: frozenset[str], family: str, clips: int, frames: int) -> None:
    """Refuse settings that no model of so few clips could have, or that would run for days.

    given: names of the settings a person gave. clips: that the smallest of the models learns. frames: of each of them.
    Raises UsageError with the most that can be.
    """
    for name in sorted(given & set(options)):
        value = options[name]
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        enough, of = {"gmm": (clips, "clips that a model learns"), "hmm": (frames, "frames of a clip")}.get(
            family if name == "n_components" else "", (value, "")
        )
        if value > enough:
            raise UsageError(f"{name}={value:,}: more than the {enough:,} {of}; set {enough} or fewer")
        if value > _MOST.get(name, value):
            raise UsageError(f"{name}={value:,}: larger than can be learnt here; set at most {_MOST[name]:,}")
