"""A recognition as a table, as lines for people, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from genapps.wording import counted
from genapps_audio.recognition.tasks import Estimate, Recognized, told

_DIGITS = 4


def table(made: Recognized) -> pa.Table:
    """A row a clip; where words were cut out of recordings, a row a word with its onset and end in seconds."""
    rows = made.rows
    columns: dict[str, pa.Array] = {"file": pa.array([row.name for row in rows], pa.string())}
    if made.segmented:
        columns["onset"] = _numbers([row.onset for row in rows])
        columns["end"] = _numbers([row.end for row in rows])
    columns["word"] = pa.array([row.word or None for row in rows], pa.string())
    columns["confidence"] = _numbers([row.chance for row in rows])
    columns["runner_up"] = pa.array([row.runner or None for row in rows], pa.string())
    columns["score"] = _numbers([row.score for row in rows])
    columns["rejected"] = pa.array([row.reason or None for row in rows], pa.string())
    return pa.table(columns)


def _numbers(values: list[float | None]) -> pa.Array:
    return pa.array([None if value is None else round(value, _DIGITS) for value in values], pa.float64())


def lines(made: Recognized) -> Iterator[str]:
    """As people read it."""
    names = made.recognizer.words.names
    if made.estimate is not None:
        yield from estimate_lines(made.estimate)
    yield f"promise    {made.recognizer.promise}"
    if not made.rows:
        return
    counts = Counter(row.word for row in made.rows)
    out = counts.pop("", 0)
    what = "stretch" if made.segmented else "clip"
    total = (
        f"{len(made.rows):,} {what}{'es' if made.segmented and len(made.rows) != 1 else 's' * (len(made.rows) != 1)}"
    )
    yield f"heard      {total}, {out:,} rejected"
    shown = [f"{word} {counts[word]:,}" for word in names if counts[word]]
    if shown:
        yield f"words      {', '.join(shown[:20])}{', ...' if len(shown) > 20 else ''}"
    if made.known is not None:
        right, count = made.known
        lost = f"; {100 * (made.known_rejected or 0):.1f} % rejected"
        yield f"right      {right:,} of {counted(count, 'clip')} whose folder names their word{lost}"


def estimate_lines(found: Estimate) -> Iterator[str]:
    """How right words are, by clips that were held out, and beside what."""
    how = f"of {found.voices} voices, each held out" if found.voices else "held out, of voices that were learnt"
    yield (
        f"accuracy   {100 * found.accuracy:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f}) of "
        f"{counted(found.held_out, 'clip')} {how}; the commonest word alone {100 * found.majority:.1f} %"
    )
    if found.by_voice:
        voice, share = min(found.by_voice.items(), key=lambda one: one[1])
        yield f"worst      {100 * share:.1f} % of the voice {voice}"
    if found.rejected is not None:
        share = 100 * found.rejected
        yield f"rejected   {share:.1f} % of known words where half of the held-out clips judge the others"
    if found.unknown is not None:
        yield f"others     {100 * found.unknown:.1f} % of clips rejected as if their own word had not been learnt"


def to_json(made: Recognized) -> dict[str, Any]:
    """Every figure."""
    counts = Counter(row.word for row in made.rows)
    sure, names = made.recognizer.confidence, made.recognizer.words.names
    return {
        "words": list(names),
        "learnt": dict(made.recognizer.card),
        "estimate": None if made.estimate is None else told(made.estimate, names),
        "false_reject": None if sure is None else sure.rate,
        "promise": made.recognizer.promise,
        "threshold": sure.threshold if sure is not None and sure.possible else None,
        "clips": len({row.name for row in made.rows}),
        "heard": len(made.rows),
        "rejected": counts.pop("", 0),
        "counts": dict(sorted(counts.items())),
        "known": None
        if made.known is None
        else {"right": made.known[0], "clips": made.known[1], "rejected": made.known_rejected},
        "notes": list(made.notes),
    }
