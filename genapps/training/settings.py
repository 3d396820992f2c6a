"""The settings of a fit and the events it reports; light, so that a command can show them without loading torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how carefully a model is trained."""

    budget: float | None = field(
        default=None, metadata={"help": "seconds of training; unset: as many steps as the data is worth"}
    )
    epochs: int = field(default=22, metadata={"help": "passes over the rows, where `budget` is unset"})
    min_steps: int = field(default=400, metadata={"help": "a small table is gone through more often, up to this"})
    max_steps: int = field(default=2500, metadata={"help": "a large table is gone through less often, down to this"})
    batch_size: int = field(default=256, metadata={"help": "rows a step; doubled and doubled again for large tables"})
    learning_rate: float = field(default=3e-3, metadata={"help": "its peak; it falls in a straight line to 1 % of it"})
    warmup_steps: int = field(default=50, metadata={"help": "steps over which the learning rate rises from 0"})
    weight_decay: float = field(default=1.0, metadata={"help": "AdamW's decoupled weight decay"})
    clip: float = field(default=5.0, metadata={"help": "largest norm of a gradient"})
    ema: float = field(default=0.998, metadata={"help": "decay of the average of weights that is kept"})
    validation_share: float = field(default=0.1, metadata={"help": "share of rows that only decide when to stop"})
    patience: int = field(default=6, metadata={"help": "checks without a better held-out loss before stopping"})
    checkpoint_seconds: float = field(default=10.0, metadata={"help": "least seconds between two checkpoints"})
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
