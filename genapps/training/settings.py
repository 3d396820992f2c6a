"""The settings of a fit and the events it reports; light, so that a command can show them without loading torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

_OWN = "; unset: the family's own"


@dataclass(frozen=True)
class Recipe:
    """How a family is trained: every family has its own, and `TrainingConfig` overrides it."""

    budget: float | None = None
    epochs: int = 22
    min_steps: int = 400
    max_steps: int = 2500
    batch_size: int = 256
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 3e-3
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup_steps: int = 50
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    clip: float = 5.0
    skip: float = 0.0  # times the usual norm of a gradient from which on a step is left out; 0: never
    ema: float = 0.998
    validation_share: float = 0.1
    patience: int = 6
    check_steps: int = 20  # least steps between two checks: more where a check is dear
    checkpoint_seconds: float = 10.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how carefully a model is trained. What is not set is as the family's own recipe has it."""

    budget: float | None = field(
        default=None, metadata={"help": "seconds of training; unset: as many steps as the data is worth", "above": 0}
    )
    epochs: int | None = field(
        default=None, metadata={"help": f"passes over the rows, where `budget` is unset{_OWN}", "least": 1}
    )
    min_steps: int | None = field(
        default=None, metadata={"help": f"a small table is gone through more often, up to this{_OWN}", "least": 0}
    )
    max_steps: int | None = field(
        default=None, metadata={"help": f"a large table is gone through less often, down to this{_OWN}", "least": 1}
    )
    batch_size: int | None = field(
        default=None, metadata={"help": f"rows a step; doubled and doubled again for large tables{_OWN}", "least": 1}
    )
    optimizer: Literal["adamw", "sgd"] | None = field(default=None, metadata={"help": f"adamw or sgd{_OWN}"})
    learning_rate: float | None = field(default=None, metadata={"help": f"its peak{_OWN}", "above": 0})
    schedule: Literal["linear", "cosine", "constant"] | None = field(
        default=None, metadata={"help": f"how the learning rate falls after its peak{_OWN}"}
    )
    warmup_steps: int | None = field(
        default=None, metadata={"help": f"steps over which the learning rate rises from 0{_OWN}", "least": 1}
    )
    weight_decay: float | None = field(default=None, metadata={"help": f"decoupled weight decay{_OWN}", "least": 0})
    beta1: float | None = field(
        default=None, metadata={"help": f"AdamW's memory of gradients, or SGD's momentum{_OWN}", "least": 0, "below": 1}
    )
    beta2: float | None = field(
        default=None, metadata={"help": f"AdamW's memory of squared gradients{_OWN}", "least": 0, "below": 1}
    )
    clip: float | None = field(default=None, metadata={"help": f"largest norm of a gradient{_OWN}", "above": 0})
    skip: float | None = field(
        default=None,
        metadata={"help": f"a gradient so many times its usual norm is left out; 0: never{_OWN}", "least": 0},
    )
    ema: float | None = field(
        default=None, metadata={"help": f"decay of the average of weights that is kept{_OWN}", "least": 0, "most": 1}
    )
    validation_share: float | None = field(
        default=None, metadata={"help": f"share of rows that only decide when to stop{_OWN}", "least": 0, "below": 1}
    )
    patience: int | None = field(
        default=None, metadata={"help": f"checks without a better held-out loss before stopping{_OWN}", "least": 1}
    )
    check_steps: int | None = field(
        default=None, metadata={"help": f"steps between two checks, at least{_OWN}", "least": 1}
    )
    checkpoint_seconds: float | None = field(
        default=None, metadata={"help": f"least seconds between two checkpoints{_OWN}", "least": 0}
    )
    precision: Literal["auto", "float32", "bfloat16"] | None = field(
        default=None, metadata={"help": f"of products; auto: bfloat16 where the family and the device gain by it{_OWN}"}
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or mps"})

    def over(self, recipe: Recipe) -> Recipe:
        """The recipe with what is set here."""
        return replace(recipe, **{name: value for name, value in asdict(self).items() if value is not None})


@dataclass(frozen=True)
class Event:
    """One sign of life from a fit.

    `loss` is the training loss and `validation` the held-out loss in nats a row where known; `seconds` since the start;
    `message` says what a person should know ("stopped early: ..."); `figures` are what the family's watch measured.
    """

    step: int
    total: int
    seconds: float
    loss: float | None = None
    validation: float | None = None
    message: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a family's own watch saw at a check: its figures, and why the run should go back, "" where all is well.

    sound: whether a later check may go back to this one.
    """

    figures: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    sound: bool = True
