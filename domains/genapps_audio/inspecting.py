"""What is in a collection of clips: classes, lengths, rates, loudness, copies, and what is wrong with it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

from genapps.wording import counted, duration
from genapps_audio.reading.clips import Clips
from genapps_audio.reading.samples import CANCELLED, clipped
from genapps_audio.records import Clip, Skipped, Wave

SILENCE = -60.0  # dB of full scale, below which a moment is silent
_MOMENT = 0.02  # seconds
_SHORT = 0.05  # seconds of a clip in which little can be heard
_FEW, _UNEVEN = 10, 10  # clips of a class; times that one class has more than another
_APART = 12.0  # dB between the usual loudness of two classes, by which alone they could be told
_FAULTS = {
    "clipped": "clipped",
    "silent": "silent",
    "constant": "of one value only",
    "off zero": "not around zero",
    CANCELLED: "whose channels cancel each other (the louder one is taken)",
}
_REPAIRED = {"not finite": "that are no numbers", "brought to full scale": "beyond full scale"}


@dataclass(frozen=True)
class Seen:
    """One clip in figures. level: root mean square in dB of full scale. silence: share of its moments."""

    name: str
    label: str
    seconds: float
    rate: int
    channels: int
    kind: str
    level: float
    silence: float
    clipped: float
    notes: tuple[str, ...]
    key: bytes


def seen(clip: Clip) -> Seen:
    """Figures of a clip."""
    wave = clip.wave
    moments = _levels(wave, max(1, round(_MOMENT * clip.rate)))
    key = hashlib.blake2b(wave.tobytes() + bytes(str(wave.shape), "ascii"), digest_size=16).digest()
    return Seen(
        clip.name, clip.label or "", clip.seconds, clip.rate, wave.shape[1], clip.kind, _decibels(_square(wave)),
        float(np.mean(moments < SILENCE)), clipped(wave), clip.notes, key,
    )  # fmt: skip


def _square(wave: Wave) -> float:
    return float(np.mean(np.square(wave), dtype=np.float64))


def _decibels(power: float) -> float:
    return 10 * math.log10(max(power, 1e-12))


def _levels(wave: Wave, length: int) -> np.ndarray:
    """(N,) dB of each moment of so many samples, all channels together."""
    count = max(1, len(wave) // length)
    moments = wave[: count * length].reshape(count, -1) if len(wave) >= length else wave.reshape(1, -1)
    power = np.mean(np.square(moments), axis=1, dtype=np.float64)
    return 10 * np.log10(np.maximum(power, 1e-12))


@dataclass
class Found:
    """A collection, clip by clip: memory does not grow with their samples."""

    where: str
    clips: list[Seen] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    note: str = ""

    @property
    def seconds(self) -> float:
        """Of all clips together."""
        return sum(one.seconds for one in self.clips)

    @property
    def classes(self) -> dict[str, list[Seen]]:
        """Clips by class, where there are classes."""
        found: dict[str, list[Seen]] = {}
        for one in self.clips:
            if one.label:
                found.setdefault(one.label, []).append(one)
        return dict(sorted(found.items()))

    def copies(self) -> list[tuple[str, str]]:
        """Clips that are another's copy to the sample: the first of each, and a later one."""
        return [(first.name, later.name) for first, later in self._pairs()]

    def _pairs(self) -> Iterator[tuple[Seen, Seen]]:
        firsts: dict[bytes, Seen] = {}
        for one in self.clips:
            if one.silence < 1 and (first := firsts.setdefault(one.key, one)) is not one:
                yield first, one

    def problems(self) -> list[str]:
        """What would spoil learning from them, each in a sentence."""
        found = []
        for note, words in _FAULTS.items():
            if names := [one.name for one in self.clips if note in one.notes]:
                found.append(f"{counted(len(names), 'clip')} {words}, such as {names[0]}")
        for note, words in _REPAIRED.items():
            if names := [one.name for one in self.clips if any(note in said for said in one.notes)]:
                found.append(f"{counted(len(names), 'clip')} with samples {words}, such as {names[0]}")
        if names := [one.name for one in self.clips if any("cut short" in note for note in one.notes)]:
            found.append(f"{counted(len(names), 'file')} cut short or damaged, such as {names[0]}")
        if names := [one.name for one in self.clips if one.seconds < _SHORT]:
            found.append(f"{counted(len(names), 'clip')} shorter than {duration(_SHORT)}, such as {names[0]}")
        pairs = list(self._pairs())
        if torn := [(a, b) for a, b in pairs if a.label != b.label]:
            first, later = torn[0]
            found.append(f"one sound in two classes: {first.name} and {later.name}; {len(torn):,} such in all")
        if pairs:
            found.append(f"{counted(len(pairs), 'copy').replace('copys', 'copies')}: held-out parts would leak")
        return found + list(self._of_classes())

    def _of_classes(self) -> Iterator[str]:
        """What is wrong between classes: sizes, and what tells them apart without being heard."""
        classes = self.classes
        if len(classes) < 2:
            return
        sizes = sorted((len(rows), name) for name, rows in classes.items())
        if sizes[0][0] < _FEW:
            yield f"class {sizes[0][1]} has {counted(sizes[0][0], 'clip')} only"
        if sizes[-1][0] > _UNEVEN * sizes[0][0]:
            yield f"class {sizes[-1][1]} has {sizes[-1][0] / sizes[0][0]:.0f} times as many clips as {sizes[0][1]}"
        for what in ("rate", "channels", "kind"):
            usual = {
                name: Counter(getattr(one, what) for one in rows).most_common(1)[0] for name, rows in classes.items()
            }
            sure = all(count == len(classes[name]) for name, (_, count) in usual.items())
            if sure and len({value for value, _ in usual.values()}) > 1:
                yield f"classes can be told by their {what} alone; bring all clips to one"
        levels = sorted((median(one.level for one in rows), name) for name, rows in classes.items())
        if levels[-1][0] - levels[0][0] > _APART:
            yield (
                f"class {levels[-1][1]} is usually {levels[-1][0] - levels[0][0]:.0f} dB louder than {levels[0][1]}, "
                "which alone may tell them apart"
            )


def inspect(clips: Clips, *, progress: Callable[[int, int], None] | None = None) -> Found:
    """Listen to every clip once."""
    found = Found(clips.where, note=clips.note)
    for done in range(len(clips)):
        one = clips.one(done)
        if isinstance(one, Skipped):
            found.skipped.append(one)
        else:
            found.clips.append(seen(one))
        if progress is not None and done % 20 == 0:
            progress(done, len(clips))
    return found


def to_json(found: Found) -> dict[str, Any]:
    """Every figure."""
    return {
        "where": found.where,
        "clips": len(found.clips),
        "seconds": found.seconds,
        "classes": {
            name: {"clips": len(rows), "seconds": sum(one.seconds for one in rows)}
            for name, rows in found.classes.items()
        },
        "lengths": _spread([one.seconds for one in found.clips]),
        "levels": _spread([one.level for one in found.clips]),
        "silence": _spread([one.silence for one in found.clips]),
        **{f"{what}s": _counts(found, what) for what in ("rate", "kind")},
        "channels": _counts(found, "channels"),
        "clipped": {one.name: one.clipped for one in found.clips if one.clipped},
        "silent": [one.name for one in found.clips if "silent" in one.notes],
        "copies": [list(pair) for pair in found.copies()[:1000]],
        "notes": dict(Counter(note for one in found.clips for note in one.notes).most_common(100)),
        "problems": found.problems(),
        "skipped": [vars(one) for one in found.skipped],
    }


def _counts(found: Found, what: str) -> dict[str, int]:
    return {str(value): n for value, n in Counter(getattr(one, what) for one in found.clips).most_common()}


def _spread(values: list[float]) -> dict[str, float] | None:
    return {"least": min(values), "median": median(values), "most": max(values)} if values else None


def lines(found: Found) -> Iterator[str]:
    """The same for a person."""
    yield f"clips       {len(found.clips):,}, {duration(found.seconds)} in all"
    if found.clips:
        lengths, levels = ([getattr(one, what) for one in found.clips] for what in ("seconds", "level"))
        yield f"lengths     {min(lengths):.2f} to {max(lengths):.2f} s, half of them below {median(lengths):.2f} s"
        yield f"rates       {_listed(_counts(found, 'rate'), ' Hz')}"
        yield f"channels    {_listed(_counts(found, 'channels'))}"
        yield f"kinds       {_listed(_counts(found, 'kind'))}"
        spread = f"{min(levels):.0f} to {max(levels):.0f} dB of full scale"
        yield f"loudness    {spread}, half of them below {median(levels):.0f}"
        silence = sum(one.silence * one.seconds for one in found.clips) / max(found.seconds, 1e-9)
        yield f"silence     {silence:.0%} of the time is below {SILENCE:.0f} dB"
    if classes := found.classes:
        yield f"classes     {len(classes):,}: {_listed({name: len(rows) for name, rows in classes.items()}, most=12)}"
    for problem in found.problems():
        yield f"problem     {problem}"
    if found.skipped:
        yield f"skipped     {len(found.skipped):,}"


def _listed(counts: dict[str, int], unit: str = "", most: int = 6) -> str:
    told = ", ".join(f"{name}{unit} ({n:,})" for name, n in list(counts.items())[:most])
    return told + (f" and {len(counts) - most:,} more" if len(counts) > most else "")
