"""A set of clips enlarged: transforms tried, the gain measured, one folder written that says how each file was made."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.io.atomic import check_target
from genapps.io.placing import check_folder
from genapps.wording import counted
from genapps_audio.augmentation.judging import FEWEST_HELD, Gain, Study, Tell, Trial, measured, preserved
from genapps_audio.augmentation.making import AT_ONCE, Behind, Variant, heard, variants
from genapps_audio.augmentation.steps import Step, drawn, from_json, parse_transforms
from genapps_audio.reading.clips import Clips, open_clips
from genapps_audio.records import Clip, Skipped
from genapps_audio.writing import write_clip, write_json

MANIFEST, FIGURES, CLIPS = "manifest.jsonl", "augment.json", "clips"
_MOST_JUDGED = 1_200  # clips that are judged by, of all classes together
_MOST_SECONDS = 1_200.0  # of them
_MOST_RATE = 16_000  # that they are judged at
_SHOWN = 6  # clips and variants that a report shows
_LONGEST = 160  # bytes of a clip's name that its variants keep: file systems take 255


@dataclass(frozen=True)
class Order:
    """What is asked for: `per_class` clips of each class in the end, or `copies` of each clip."""

    clips: str
    output: str
    per_class: int | None = None
    copies: int | None = None
    transforms: str = "all"
    strength: float = 1.0
    background: str | None = None
    group: str | None = None
    measured: bool = True
    suffix: str = ".wav"
    seed: int = 0


@dataclass
class Outcome:
    """What came of it. shown: (name, clip, variant, its steps) for the page."""

    order: Order
    classes: dict[str, int] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)
    strengths: dict[str, float] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    gain: Gain | None = None
    originals: int = 0
    variants: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shown: list[tuple[str, Clip, Variant, tuple[Step, ...]]] = field(default_factory=list, repr=False)

    @property
    def left_out(self) -> list[str]:
        """Transforms at which labels do not hold."""
        return [name for name in self.asked if name not in self.strengths]


@dataclass(frozen=True)
class Wanted:
    """One variant: of which clip, its file below the folder, what chance depends on, its steps where they are known."""

    number: int
    file: str
    key: tuple[int, int, int]
    steps: tuple[Step, ...] | None = None


def augment(order: Order, tell: Tell = lambda what, done, total: None) -> Outcome:
    """Enlarge a set of clips as ordered. Raises InputError for one without clips, UsageError for what cannot be."""
    if (order.per_class is None) == (order.copies is None):
        raise UsageError("say how many: --copies 2 of each clip, or --per-class 200 of each class in the end")
    strengths = parse_transforms(order.transforms, order.strength, order.background is not None)
    if not strengths:
        raise UsageError("--transforms none: no variants without a transform; name some, or all")
    check_folder(order.output, [order.clips, order.background])
    clips, behind = open_clips(order.clips), Behind(order.background or "")
    groups = None if order.group is None else groups_of(clips.names, order.group)
    outcome = Outcome(order, asked=strengths, strengths=strengths)
    study, usable = _look(clips, groups, outcome, tell)
    if order.measured and study is not None:
        outcome.strengths, outcome.trials = preserved(study, strengths, behind, tell)
        if not outcome.strengths:
            raise InputError(f"{order.clips}: no transform keeps the labels; ask for less: --strength 0.25")
        outcome.gain = measured(study, outcome.strengths, behind, tell)
    with folder(order.output) as target:
        _write(target, clips, usable, behind, outcome, tell)
    outcome.skipped = clips.skipped
    return outcome


def groups_of(names: Sequence[str], pattern: str) -> list[str]:
    """What a pattern finds in each name, or in its first brackets. Raises UsageError where it finds nothing in one."""
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group {pattern}: no regular expression ({error})") from None
    found = []
    for name in names:
        hit = wanted.search(name)
        found.append("" if hit is None else (hit.group(1) or "") if wanted.groups else hit.group())
    if not any(found):
        raise UsageError(f"--group {pattern}: found in no name, such as {names[0]}")
    return found


def _look(clips: Clips, groups: list[str] | None, outcome: Outcome, tell: Tell) -> tuple[Study | None, list[int]]:
    """Every clip read once: which can be used, and some of each class to judge by, one channel at a low rate."""
    quota = max(1, _MOST_JUDGED // max(1, len(clips.classes)))
    labels = clips.labels or [""] * len(clips)
    taken = Counter[str]()
    chosen = set()
    for i in np.random.default_rng([outcome.order.seed, 76]).permutation(len(clips)).tolist():
        taken[labels[i]] += 1
        if taken[labels[i]] <= quota:
            chosen.add(i)
    kept: list[tuple[int, Clip]] = []
    usable, counts, seconds = [], Counter[str](), 0.0
    for i in range(len(clips)):
        tell("listening", i, len(clips))
        one = clips.one(i)
        if isinstance(one, Skipped):
            continue
        usable.append(i)
        counts[one.label or ""] += 1
        if i in chosen and outcome.order.measured:
            rate = min(_MOST_RATE, one.rate)
            kept.append((i, replace(one, wave=heard([one], rate)[0][:, None], rate=rate)))
            seconds += one.seconds
    if not usable:
        why = f"; {clips.skipped[0].name}: {clips.skipped[0].reason}" if clips.skipped else ""
        raise InputError(f"{clips.where}: no clip that can be used{why}")
    outcome.classes = dict(sorted(counts.items()))
    share = min(1.0, _MOST_SECONDS / max(seconds, 1e-9))  # of each class alike, as they stand in order
    return _study([row for k, row in enumerate(kept) if int((k + 1) * share) > int(k * share)], groups, outcome), usable


def _study(rows: list[tuple[int, Clip]], groups: list[str] | None, outcome: Outcome) -> Study | None:
    if not outcome.order.measured:
        outcome.notes.append("labels were not checked and the gain was not measured, as asked")
        return None
    names = sorted(outcome.classes)
    own = None
    if groups is not None:
        known = sorted(set(groups))
        own = np.array([known.index(groups[i]) for i, _ in rows])
    rate = Counter(clip.rate for _, clip in rows).most_common(1)[0][0] if rows else _MOST_RATE
    labels = np.array([names.index(clip.label or "") for _, clip in rows])
    study = Study([clip for _, clip in rows], labels, own, rate, outcome.order.seed)
    if len(names) < 2:
        outcome.notes.append("no classes, so no label that could be lost and no gain to measure: folders are classes")
    elif not study.judgeable:
        outcome.notes.append(f"fewer than {FEWEST_HELD} clips could be held out, too few to check labels or a gain")
    else:
        return study
    return None


def plan(usable: Mapping[str, Sequence[int]], names: Sequence[str], order: Order) -> Iterator[tuple[str, int, int]]:
    """(class, clip, variants of it): as many of each clip as of any other of its class."""
    for place, (label, rows) in enumerate(usable.items()):
        more = len(rows) * order.copies if order.copies is not None else max(0, (order.per_class or 0) - len(rows))
        counts = np.full(len(rows), more // len(rows))
        counts[np.random.default_rng([order.seed, 75, place]).permutation(len(rows))[: more % len(rows)]] += 1
        yield from ((label, i, int(count)) for i, count in zip(rows, counts, strict=True))


def _write(target: Path, clips: Clips, usable: list[int], behind: Behind, outcome: Outcome, tell: Tell) -> None:
    order = outcome.order
    labels = clips.labels or [""] * len(clips)
    by_class: dict[str, list[int]] = {}
    for i in usable:
        by_class.setdefault(labels[i], []).append(i)
    planned = list(plan(by_class, clips.names, order))
    total, done = sum(1 + count for _, _, count in planned), 0
    with (target / MANIFEST).open("w", encoding="utf-8") as manifest:

        def note(row: dict[str, Any]) -> None:
            manifest.write(json.dumps(row, ensure_ascii=False) + "\n")

        batch: list[tuple[Clip, Wanted]] = []
        for label, i, count in planned:
            head = f"{CLIPS}/{label}/" if label else f"{CLIPS}/"
            path = Path(clips.paths[i])
            stem = f"{i + 1:05d}_{path.stem[:80].encode()[:_LONGEST].decode(errors='ignore')}"
            place = target / head / f"{stem}{path.suffix}"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            note({"file": f"{head}{place.name}", "kind": "original", "label": label or None, "source": clips.names[i]})
            outcome.originals += 1
            clip = clips.one(i) if count else None
            if isinstance(clip, Clip):
                wanted = (Wanted(i, f"{head}{stem}_v{k + 1}{order.suffix}", (order.seed, i, k)) for k in range(count))
                batch += [(clip, one) for one in wanted]
            if sum(clip.wave.size for clip, _ in batch) >= AT_ONCE:
                _make(target, batch, behind, outcome, note)
                batch = []
            done += 1 + count
            tell("writing", done, total)
        _make(target, batch, behind, outcome, note)
    from genapps_audio.augmentation.report import to_json

    write_json(target / FIGURES, to_json(outcome))


def _make(target: Path, batch: list[tuple[Clip, Wanted]], behind: Behind, outcome: Outcome, note: Any) -> None:
    """Variants of a batch, written and noted."""
    steps = [
        one.steps if one.steps is not None
        else drawn(outcome.strengths, np.random.default_rng(one.key), clip.rate, behind.at(clip.rate))
        for clip, one in batch
    ]  # fmt: skip
    made = variants([clip for clip, _ in batch], steps, behind)
    for (clip, one), own, variant in zip(batch, steps, made, strict=True):
        place = target / one.file
        place.parent.mkdir(parents=True, exist_ok=True)
        write_clip(place, variant.wave, clip.rate)
        note(
            {"file": one.file, "kind": "variant", "label": clip.label, "source": clip.name, "seed": list(one.key),
             "steps": [step.to_json() for step in own], "scale": variant.scale}
        )  # fmt: skip
        outcome.variants += 1
        alike = sum(shown[1].label == clip.label for shown in outcome.shown)
        if len(outcome.shown) < _SHOWN and one.key[2] == 0 and alike < max(1, _SHOWN // max(1, len(outcome.classes))):
            outcome.shown.append((one.file, clip, variant, own))


def replay(order: Order, manifest: str, tell: Tell = lambda what, done, total: None) -> int:
    """Make the variants that a manifest lists again, from the same clips, into a new folder; how many.

    Raises InputError where the manifest is none, or a clip of it is not there any more.
    """
    check_folder(order.output, [order.clips, order.background, manifest])
    clips, behind = open_clips(order.clips), Behind(order.background or "")
    numbers = {name: i for i, name in enumerate(clips.names)}
    rows = list(_rows(manifest))
    if not rows:
        raise InputError(f"{manifest}: lists no variants; give the manifest.jsonl of an earlier augment")
    outcome = Outcome(order)
    with folder(order.output) as target:
        for done, (line, row, steps) in enumerate(rows):
            source = str(row["source"])
            clip = clips.one(numbers[source]) if source in numbers else None
            if not isinstance(clip, Clip):
                raise InputError(
                    f"{manifest}: line {line}: made of {source}, which is not among the clips, or unreadable"
                )
            wanted = Wanted(numbers[source], str(row["file"]), (0, 0, 0), steps)
            try:
                _make(target, [(clip, wanted)], behind, outcome, lambda _: None)
            except (KeyError, TypeError, ValueError, IndexError, RuntimeError, ArithmeticError) as error:
                raise InputError(f"{manifest}: line {line}: a step that cannot be done ({error})") from None
            tell("writing", done + 1, len(rows))
        shutil.copyfile(manifest, target / MANIFEST)
    return outcome.variants


def _rows(manifest: str) -> Iterator[tuple[int, dict[str, Any], tuple[Step, ...]]]:
    path = Path(manifest)
    if not path.is_file():
        raise UsageError(f"{manifest}: no such manifest")
    with path.open(encoding="utf-8", errors="replace") as file:
        for line, text in enumerate(file, 1):
            try:
                row = json.loads(text)
                place = PurePosixPath(row["file"])
                if place.is_absolute() or ".." in place.parts or place.parts[0] != CLIPS:
                    raise ValueError
                if row["kind"] == "variant":
                    str(row["source"])
                    yield line, row, from_json(row["steps"])
            except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
                raise InputError(f"{manifest}: line {line}: no row of a manifest") from None


@contextmanager
def folder(output: str) -> Iterator[Path]:
    """A folder beside `output` that becomes it when all is well, and is gone when it is not."""
    target = Path(output).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    check_target(target.with_name(f".{target.name}.target"))
    partial = target.with_name(f".{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def told_strengths(outcome: Outcome) -> str:
    """Which transforms are used, and which are turned down or left out."""
    names = [name if own == outcome.asked[name] else f"{name} (turned down)" for name, own in outcome.strengths.items()]
    left = f"; left out: {', '.join(outcome.left_out)}" if outcome.left_out else ""
    return f"{counted(len(names), 'transform')}: {', '.join(names)}{left}"
