"""From two folders to figures: what is compared with what, at which rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError
from genapps_audio.codec import Batch, Codec, gather
from genapps_audio.evaluation.judging import Judged, Sides, judge
from genapps_audio.evaluation.levels import Heard, Levels
from genapps_audio.generation.tasks import preset_of
from genapps_audio.reading.clips import Clips, open_clips
from genapps_audio.records import Clip, Skipped

MANIFEST = "manifest.json"  # which stands beside clips that sample made
LEAST = 12  # clips of a side, below which neighbors mean nothing
_MOST_LOOKED_THROUGH = 10_000

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Pair:
    """A made clip and its nearest learnt clip, by their names; nearness 0 is a copy, 1 is far."""

    made: str
    learnt: str
    nearness: float
    is_copy: bool


@dataclass(frozen=True)
class Evaluated:
    """What was measured, of which clips, and what could not be read."""

    real: Clips
    made: Clips
    judged: Judged
    sides: Sides
    skipped: list[Skipped] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Every figure, and what they were made of."""
        return {
            "real": self.real.where,
            "made": self.made.where,
            "clips": {
                "reference": len(self.sides.reference),
                "held_out": len(self.sides.held_out),
                "made": len(self.sides.made),
                "learnt_looked_through": len(self.sides.all_learnt),
            },
            "codec": self.sides.codec.to_json(),
            **self.judged.to_json(),
            "notes": [*self.notes, *self.judged.notes],
            "skipped": [{"name": one.name, "reason": one.reason} for one in self.skipped],
            "nearest": [vars(pair) for pair in self.nearest(10)],
        }

    def nearest(self, count: int) -> list[Pair]:
        """The made clips that come nearest to a learnt one."""
        near, limit = self.judged.copied.near, self.judged.copied.limit
        made, learnt = self.sides.made.names, self.sides.all_learnt.names
        return [
            Pair(made[i], learnt[int(near.index[i])], float(near.ratio[i]), float(near.ratio[i]) <= limit)
            for i in near.ratio.argsort()[:count].tolist()
        ]


def evaluate(
    real: str,
    made: str,
    *,
    holdout: str | None = None,
    most: int = 2000,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> Evaluated:
    """Judge made clips beside real ones.

    real, made, holdout: folders or files of clips. holdout: real clips that the model was not given; without them, as
    many as are measured are put aside from `real`. most: clips of each kind that are measured, drawn at random. Raises
    UsageError and InputError for what cannot be read, or is too little.
    """
    sources = [open_clips(path) for path in (real, made, *([holdout] if holdout else []))]
    generator = torch.Generator().manual_seed(seed)
    looked = [preset_of(one, "cpu").codec for one in sources]
    codec = Codec(min(one.rate for one in looked), looked[0].frames, max(one.longest for one in looked))
    classes = sorted(set.intersection(*(set(one.classes) for one in sources)), key=sources[0].classes.index)
    learnt = _read(sources[0], codec, _MOST_LOOKED_THROUGH, generator, progress)
    shown = _read(sources[1], codec, most, generator, progress)
    others = _read(sources[2], codec, most, generator, progress) if holdout else None
    sides, levels = _split(codec, classes, most, learnt, shown, others)
    judged = judge(sides, levels, seed=seed, progress=lambda what: progress(what, 0, None))
    parts = [one for one in (learnt, shown, others) if one is not None]
    missing = [name for name in sources[0].classes if name not in sources[1].classes] if sources[1].classes else []
    notes = [
        *(f"{one.where}: {one.note}" for one in sources if one.note),
        *(f"{source.where}: {note}" for source, part in zip(sources, parts, strict=True) for note in part.batch.notes),
        *([f"no clip was made of: {', '.join(missing[:10])}"] if missing else []),
    ]
    if not classes:
        notes.append("without classes on all sides, clips are judged by how they sound alone, not by what they teach")
    skipped = [one for part in parts for one in part.batch.skipped if one.name != MANIFEST]
    return Evaluated(sources[0], sources[1], judged, sides, skipped, tuple(notes))


@dataclass(frozen=True)
class _Read:
    """Clips of one source: as they are measured, in an order drawn at random, and how they are heard."""

    batch: Batch
    heard: list[Heard]


def _read(clips: Clips, codec: Codec, most: int, generator: torch.Generator, progress: Progress) -> _Read:
    order = torch.randperm(len(clips), generator=generator)[:most].tolist()
    heard: list[Heard] = []

    def listened() -> Any:
        for done, i in enumerate(order):
            if done % 20 == 0:
                progress(f"reading {clips.where}", done, len(order))
            one = clips.one(i)
            if isinstance(one, Clip):
                heard.append(Heard.of(one.mono))
            yield one

    batch = gather(listened(), codec, clips.classes)
    if len(batch) < LEAST:
        why = f"; {batch.skipped[0].name}: {batch.skipped[0].reason}" if batch.skipped else ""
        raise InputError(f"{clips.where}: {len(batch)} clips that can be used, at least {LEAST} are needed{why}")
    return _Read(batch, heard)


def _split(
    codec: Codec,
    classes: list[str],
    most: int,
    learnt: _Read,
    shown: _Read,
    others: _Read | None,
) -> tuple[Sides, dict[str, Levels]]:
    """Reference, held-out and made clips; and what copies are looked for in."""
    whole = _with_classes(learnt.batch, classes)
    if others is None:
        n = min(len(shown.batch), len(whole) // 2)
        if n < LEAST:
            raise InputError(f"{len(whole)} real clips: half of them are held out, which needs {2 * LEAST}")
        held, reference = whole.take(torch.arange(n)), whole.take(torch.arange(n, len(whole))[: 2 * most])
    else:
        held, reference = _with_classes(others.batch, classes), whole.take(torch.arange(len(whole))[: 2 * most])
    made = _with_classes(shown.batch, classes)
    levels = {"real": Levels.of(learnt.heard), "made": Levels.of(shown.heard)}
    return Sides(codec, reference, held, made, whole, tuple(classes)), levels


def _with_classes(batch: Batch, classes: list[str]) -> Batch:
    """The same with the numbers of these classes; without, where some clip is of another one or there are none."""
    if batch.labels is None or len(classes) < 2 or not set(batch.classes) <= set(classes):
        return replace(batch, labels=None, classes=[])
    numbers: Tensor = torch.tensor([classes.index(name) for name in batch.classes])[batch.labels]
    return replace(batch, labels=numbers, classes=list(classes))
