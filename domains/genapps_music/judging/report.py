"""The page of all music commands: a verdict with its figures, pieces to see and hear, broken rules, copied passages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genapps_music.score import Score


def write_page(
    path: str | Path,
    made: Sequence[Score],
    *,
    reference: Sequence[Score] = (),
    held_out: Sequence[Score] = (),
    title: str,
    subject: str = "music",
    facts: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """Judge made pieces and write the page `path` (.html) and, beside it, its figures as JSON.

    reference: real pieces that the model learnt from; ranges, rates and copies are told beside them. held_out: real
    pieces that it did not learn from, the control of every figure. Without either there are rules and pictures alone.
    title, subject: what stands on top, such as the file's name and "music composed". facts: names and values for the
    end of the page, such as the model, its family and the seed. notes: sentences that people must be told.
    Raises as `genapps.report.files.check_report` does; call that before the work.
    """
    raise NotImplementedError
