"""The settings of a fit and the events it reports; light, so that a command can show them without loading torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how carefully a model is trained."""

    budget: float | None = field(
        default=None, metadata={"help": "seconds of training; unset: as many steps as the data is worth", "above": 0}
    )
    epochs: int = field(default=22, metadata={"help": "passes over the rows, where `budget` is unset", "least": 1})
    min_steps: int = field(
        default=400, metadata={"help": "a small table is gone through more often, up to this", "least": 0}
    )
    max_steps: int = field(
        default=2500, metadata={"help": "a large table is gone through less often, down to this", "least": 1}
    )
    batch_size: int = field(
        default=256, metadata={"help": "rows a step; doubled and doubled again for large tables", "least": 1}
    )
    learning_rate: float = field(
        default=3e-3, metadata={"help": "its peak; it falls in a straight line to 1 % of it", "above": 0}
    )
    warmup_steps: int = field(
        default=50, metadata={"help": "steps over which the learning rate rises from 0", "least": 1}
    )
    weight_decay: float = field(default=1.0, metadata={"help": "AdamW's decoupled weight decay", "least": 0})
    clip: float = field(default=5.0, metadata={"help": "largest norm of a gradient", "above": 0})
    ema: float = field(
        default=0.998, metadata={"help": "decay of the average of weights that is kept", "least": 0, "most": 1}
    )
    validation_share: float = field(
        default=0.1, metadata={"help": "share of rows that only decide when to stop", "least": 0, "below": 1}
    )
    patience: int = field(
        default=6, metadata={"help": "checks without a better held-out loss before stopping", "least": 1}
    )
    checkpoint_seconds: float = field(
        default=10.0, metadata={"help": "least seconds between two checkpoints", "least": 0}
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or mps"})


@dataclass(frozen=True)
class Event:
    """One sign of life from a fit.

    `loss` is the training loss and `validation` the held-out loss in nats a row where known; `seconds` since the start;
    `message` says what a person should know ("stopped early: ...").
    """

    step: int
    total: int
    seconds: float
    loss: float | None = None
    validation: float | None = None
    message: str = ""
