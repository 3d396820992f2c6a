"""Learn what a normal log is like and keep it in a file, or go on learning with another log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genapps_logs.judging import RATE
from genapps_logs.learning import Asked, learn, readable_twice
from genapps_logs.learnt import LogModel
from genapps_logs.names import checked, is_new
from genapps_logs.sequences import promise_of
from genapps_logs.tasks import Progress


@dataclass(frozen=True)
class Fitted:
    """A model, the log it was learnt from, and what was met in it."""

    log: str
    lines: int
    model: LogModel
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        model = self.model
        found: dict[str, Any] = {
            "log": self.log,
            "lines": self.lines,
            "normal_lines": model.templates.lines,
            "format": model.templates.format,
            "templates": len(model.templates.templates),
            "accepted": sorted(model.accepted),
            "notes": list(self.notes),
        }
        if model.sequences is not None:
            learnt = model.sequences
            found["sequences"] = {
                "grouping": learnt.grouping.words,
                "sessions": learnt.seen,
                "family": [scorer.name for scorer in learnt.scorers],
                "promise": promise_of(learnt.held, RATE).sentence(),
            }
        if model.rates is not None:
            rates = model.rates
            found["rates"] = {"seconds": rates.width, "stretches": len(rates.held), "templates": len(rates.usual) - 1}
        found["places"] = sum(len(places) for places in model.places.values())
        return found


def fit(
    log: str | Path,
    *,
    save: str | Path | None = None,
    update: str | Path | None = None,
    accept: Collection[str] = (),
    format: str | None = None,
    session: str | None = None,
    group_by: str | None = None,
    window: float | None = None,
    family: str = "auto",
    progress: Progress | None = None,
) -> Fitted:
    """Learn templates, sessions, rates and values from a normal log; memory does not grow with its size.

    save: the model's file. update: a model to go on with, whose grouping and scorers stay. accept: findings that are
    normal; that a new template comes is not asked. The rest as in `detection.detect`. Raises as that does.
    """
    known = LogModel.load(update) if update is not None else None
    asked = Asked(format, session, group_by, window, family)
    if known is not None and known.whole:
        asked.check_beside_model()
    with readable_twice(log) as (path, called):
        learnt = learn(path, asked, known=known, called=called, progress=progress)
    model = learnt.model
    shown = known or model  # what the names that a person saw are of
    model.accepted |= checked(
        accept, [template.id for template in shown.templates.templates], filter(is_new, accept), "the model"
    )
    if save is not None:
        model.save(save)
    return Fitted(called, learnt.lines, model, learnt.notes)
