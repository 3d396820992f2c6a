"""A figure beside the controls that make it readable, for tasks that make no rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from genapps.report.charts import Mark, Role
from genapps.report.page import Level, Score
from genapps.report.text import clip, grid, rounded


@dataclass(frozen=True)
class Control:
    """The same figure of something known: `ceiling` what is good, `floor` what chance gives."""

    role: Role
    name: str
    value: float | None


@dataclass(frozen=True)
class Measured:
    """One figure, None where it could not be had; `note` then says why."""

    key: str
    name: str
    better: Literal["higher", "lower", "half", "real"]
    value: float | None
    controls: tuple[Control, ...] = ()
    n: int = 0
    protocol: str = ""
    note: str = ""

    def score(self, own: str) -> Score:
        """As a report shows it; `own` is what the figure's subject is called."""
        marks = (Mark("synthetic", own, self.value), *(Mark(c.role, c.name, c.value) for c in self.controls))
        return Score(clip(self.name), marks, self.better, self.n, clip(self.protocol, 400), clip(self.note, 400))

    def to_json(self) -> dict[str, Any]:
        """Every field as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """A verdict: how good (`level`), in a word or two, and in sentences."""

    level: Level
    word: str
    text: str


def measured_lines(measures: Sequence[Measured], own: str) -> Iterator[str]:
    """The figures beside their controls, as a person reads them in a terminal."""
    if not measures:
        return
    longest = max(measures, key=lambda m: len(m.controls))
    aim = {
        "higher": "higher is better",
        "lower": "lower is better",
        "half": "0.5 is ideal",
        "real": "near real is better",
    }
    head = ("", own, *(control.name.lower() for control in longest.controls))
    rows = []
    for measure in measures:
        values = [measure.value, *(control.value for control in measure.controls)]
        cells = [rounded(value) for value in values] + [""] * (len(head) - 1 - len(values))
        rows.append((f"{measure.name} ({aim[measure.better]})", *cells))
    yield from grid([head, *rows])
