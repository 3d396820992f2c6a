"""Made clips measured: every figure beside the same of held-out real clips and of trivial baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from genapps.metrics.bins import compare
from genapps.metrics.frechet import Moments, frechet_distance
from genapps.metrics.reaching import NEIGHBORS, reach
from genapps.report.measured import Control, Finding, Measured
from genapps_audio.codec import Batch, Codec
from genapps_audio.evaluation.baseline import noise, shuffled
from genapps_audio.evaluation.copies import ALLOWED, Copies, Near, copies, nearest, outlines
from genapps_audio.evaluation.features import Extractor, accuracy, by_statistics, cepstra, learnt
from genapps_audio.evaluation.levels import Levels
from genapps_audio.evaluation.verdict import GOOD, verdict

Side = Literal["made", "real", "noise", "shuffled"]
Progress = Callable[[str], None]
_WORDS: dict[Side, str] = {"real": "Held-out real", "noise": "Noise", "shuffled": "Shuffled frames"}
_FEW = 300  # clips below which shares and distances hardly settle


@dataclass(frozen=True)
class Sides:
    """Clips in one codec's form.

    reference: what the made ones should be like, which the model may have learnt. all_learnt: those and whatever else
    it may have learnt, in which copies are looked for. made: all of them teach and are looked through for copies; in
    distances only as many take part as are held out, as figures of different numbers do not compare.
    """

    codec: Codec
    reference: Batch
    held_out: Batch
    made: Batch
    all_learnt: Batch
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassShare:
    """A class: its share of the made and of the real clips. z: of the two-proportion test, negative: too few."""

    name: str
    made: float
    real: float
    z: float


@dataclass(frozen=True)
class Judged:
    """Every figure with its controls.

    copied: which made clips are near copies. levels: loudness, clipping and silence of each side.
    """

    n: int
    measures: tuple[Measured, ...]
    classes: tuple[ClassShare, ...]
    copied: Copies
    levels: dict[str, Levels]
    features: dict[str, str]
    finding: Finding
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON."""
        return {
            "n": self.n,
            "features": self.features,
            "verdict": {"level": self.finding.level, "word": self.finding.word, "text": self.finding.text},
            "measures": [measure.to_json() for measure in self.measures],
            "classes": [asdict(one) for one in self.classes],
            "copies": {
                "share": self.copied.share,
                "unseen": self.copied.unseen,
                "certain": self.copied.certain,
                "limit": self.copied.limit,
            },
            "levels": {name: asdict(one) for name, one in self.levels.items()},
            "notes": list(self.notes),
        }

    def value(self, key: str) -> float | None:
        """The figure of that key."""
        return next((one.value for one in self.measures if one.key == key), None)


def judge(sides: Sides, levels: dict[str, Levels], *, seed: int = 0, progress: Progress = lambda _: None) -> Judged:
    """Measure made clips. Raises InputError for fewer than about ten clips of a side."""
    draws = torch.Generator().manual_seed(seed)
    n = min(len(sides.made), len(sides.held_out))
    compared: dict[Side, Batch] = {
        "made": sides.made.take(torch.randperm(len(sides.made), generator=draws)[:n]),
        "real": sides.held_out.take(torch.randperm(len(sides.held_out), generator=draws)[:n]),
        "noise": noise(sides.reference, n, draws),
        "shuffled": shuffled(sides.reference, n, draws),
    }
    progress("learning features")
    # Clips that features are learnt from lie in them as no other clip does: half of the reference is for that alone.
    order = torch.randperm(len(sides.reference), generator=draws)
    half = len(order) // 2
    taught, others = sides.reference.take(order[:half]), sides.reference.take(order[half:])
    extractors = [
        by_statistics(sides.codec),
        learnt(taught.patches, taught.seconds, taught.labels, sides.codec, seed),
    ]
    measures: list[Measured] = []
    classes: tuple[ClassShare, ...] = ()
    labels = sides.reference.labels, sides.held_out.labels, sides.made.labels
    if all(one is not None for one in labels):
        progress("training on made, testing on real")
        told, classes = _useful(sides, compared, draws)
        measures.append(told)
    for extractor in extractors:
        progress(f"distances of {extractor.name}")
        measures += _distances(extractor, others, compared, whole=extractor is extractors[-1])
    progress("copies")
    rows = outlines(sides.all_learnt.patches, sides.codec)
    sought = {**compared, "made": sides.made}
    near = {side: nearest(outlines(one.patches, sides.codec), rows) for side, one in sought.items() if side != "real"}
    held = _near_of_unseen(sides, rows)
    copied = copies(near["made"], held)
    floor = {side: copies(near[side], held).share for side in ("noise", "shuffled")}
    measures.append(
        _row(
            "copies", "near copies", "lower", {"made": copied.share, "real": copied.unseen, **floor}, n,
            f"{len(sides.made):,} made clips among {len(rows):,} learnt ones, mel outlines within two frames: nearer "
            f"to one than {1 - ALLOWED:.0%} of unseen real clips come",
        )
    )  # fmt: skip
    found = verdict(measures, copied, levels)
    return Judged(
        n, tuple(measures), classes, copied, levels, {one.name: one.told for one in extractors}, found,
        tuple(_cautions(n, len(sides.reference), measures)),
    )  # fmt: skip


def _near_of_unseen(sides: Sides, rows: Tensor) -> Near:
    """How near held-out clips come to learnt ones; where they are themselves among all that is looked through, to the
    reference alone."""
    inside = len(sides.all_learnt) > len(sides.reference)
    beside = outlines(sides.reference.patches, sides.codec) if inside else rows
    return nearest(outlines(sides.held_out.patches, sides.codec), beside)


def _useful(
    sides: Sides, compared: dict[Side, Batch], draws: torch.Generator
) -> tuple[Measured, tuple[ClassShare, ...]]:
    """Train on made clips, test on held-out real ones; beside as many real ones, and those with labels at random."""
    codec, reference, held = sides.codec, sides.reference, sides.held_out
    assert reference.labels is not None and held.labels is not None and sides.made.labels is not None
    test = cepstra(held.patches, held.seconds, codec), held.labels
    n = min(len(sides.made), len(reference))
    some = reference.take(torch.randperm(len(reference), generator=draws)[:n])
    assert some.labels is not None
    real = cepstra(some.patches, some.seconds, codec)
    teachers = {**compared, "made": sides.made}
    named: dict[str, tuple[Tensor, Tensor | None]] = {
        side: (cepstra(one.patches, one.seconds, codec), one.labels) for side, one in teachers.items()
    }
    named["real"] = real, some.labels
    named["random"] = real, some.labels[torch.randperm(n, generator=draws)]
    scores = {side: accuracy((rows, known), test) for side, (rows, known) in named.items() if known is not None}
    controls = (
        Control("ceiling", "Held-out real", scores["real"]),
        Control("floor", "Noise", scores["noise"]),
        Control("floor", "Shuffled frames", scores["shuffled"]),
        Control("floor", "Labels at random", scores["random"]),
    )
    measure = Measured(
        "tstr", "train on made, test on real", "higher", scores["made"], controls, len(held),
        f"share of {len(held):,} held-out real clips named rightly by a support vector machine of cepstra that learnt "
        f"from {len(sides.made):,} made clips; ceiling: from {n:,} real ones",
    )  # fmt: skip
    return measure, _by_class(sides)


def _by_class(sides: Sides) -> tuple[ClassShare, ...]:
    assert sides.reference.labels is not None and sides.made.labels is not None
    count = len(sides.classes)
    real, made = (torch.bincount(one, minlength=count) for one in (sides.reference.labels, sides.made.labels))
    test = compare(real.numpy(), made.numpy())
    return tuple(
        ClassShare(name, float(test.made[k]), float(test.train[k]), float(test.z[k]))
        for k, name in enumerate(sides.classes)
    )


def _distances(extractor: Extractor, reference: Batch, compared: dict[Side, Batch], whole: bool) -> list[Measured]:
    rows = extractor.of(reference.patches, reference.seconds)
    features = {side: extractor.of(one.patches, one.seconds) for side, one in compared.items()}
    n, name = len(features["made"]), extractor.name
    size = f"{n:,} clips of each kind beside {len(rows):,} real ones"
    moments = Moments.of(rows.double().numpy())
    far = {side: frechet_distance(moments, Moments.of(one.double().numpy())) for side, one in features.items()}
    found = [_row(f"fd_{name}", f"FD-{name}", "lower", far, n, f"Fréchet distance of {extractor.told}; {size}")]
    if whole:
        some = rows[:n]
        reached = {side: reach(some, one) for side, one in features.items()}
        told = (
            f"{extractor.told}, {NEIGHBORS} nearest neighbors; {n:,} clips of each kind beside {len(some):,} real ones"
        )
        found += [
            _row(key, key, "higher", {side: getattr(one, key) for side, one in reached.items()}, n, told)
            for key in ("precision", "density", "recall", "coverage")
        ]
    return found


def _row(
    key: str, name: str, better: Literal["higher", "lower"], values: dict[Any, float], n: int, protocol: str
) -> Measured:
    roles = {"real": "ceiling", "noise": "floor", "shuffled": "floor"}
    controls = tuple(Control(roles[side], word, values[side]) for side, word in _WORDS.items())  # type: ignore[arg-type]
    return Measured(key, name, better, values["made"], controls, n, protocol)


def _cautions(n: int, reference: int, measures: Sequence[Measured]) -> list[str]:
    found, least = [], min(n, reference)
    if least < _FEW:
        found.append(f"{least:,} clips: shares and distances of fewer than {_FEW} hardly settle")
    precision = next(one for one in measures if one.key == "precision")
    real, floor = (control.value or 0.0 for control in precision.controls[:2])
    if floor >= GOOD * real:
        found.append(
            "precision says nothing here: in features that tell classes apart noise lies among real clips, too"
        )
    return found
