"""How far a task has come, told while it runs: training tells events of its own, everything else tells steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Progress = Callable[[Any], None]


@dataclass(frozen=True)
class Step:
    """One sign of life: what is being done (`label`), how many units of it are done, and a few words."""

    label: str
    step: int
    total: int
    unit: str = ""
    message: str = ""


def labelled(progress: Progress | None, label: str) -> Progress | None:
    """Pass a training's events on under a label of their own."""
    if progress is None:
        return None
    tell = progress

    def relabel(event: Any) -> None:
        tell(Step(label, event.step, event.total, "steps", event.message))

    return relabel
