"""Made pieces beside real ones: every figure with the same of held-out real pieces and of notes drawn one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.metrics.reaching import reach
from genapps.report.measured import Control, Finding, Measured
from genapps_music.judging.baseline import independent_notes
from genapps_music.judging.copying import ALLOWED, WAYS, Copies, Notes, Repeats, Way, copied, repeats
from genapps_music.judging.likelihood import Judge, Surprise, mean_per_quarter
from genapps_music.judging.rules import RULES, Checked, Ranges, Rate, Rule, check, learn_ranges, rate
from genapps_music.judging.statistics import (
    KINDS,
    Floats,
    Histograms,
    Traits,
    divergences,
    features,
    gaps,
    histograms,
    scaled,
    traits,
)
from genapps_music.judging.verdict import verdict
from genapps_music.judging.voices import Voices, cut, voices_of
from genapps_music.score import QUARTER, Score

Side = Literal["made", "real", "floor"]
SIDES: dict[Side, str] = {"made": "made", "real": "Held-out real", "floor": "Independent notes"}
PARALLELS: tuple[Rule, ...] = ("fifths", "octaves", "unisons")
FEWEST = 8  # pieces of a side below which sets of pieces are not compared
ASKED = 100  # pieces of a side that a model is asked about
_NEIGHBORS = 5
_SHORTER = 0.9  # of the length of real pieces: made ones that are shorter are compared with beginnings
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Looked:
    """One piece and what was found in it."""

    score: Score
    voices: Voices
    checked: Checked
    traits: Traits
    histograms: Histograms


@dataclass(frozen=True)
class Judged:
    """All that was found.

    made, real, floor: the pieces of each side, looked at one by one; real ones are held out, both they and the floor
    are none where no reference is given. sources: real pieces that copies were looked for in. rates: of each rule and
    of all parallels together ("parallels"). quarters: the length that real pieces were cut to, None for whole ones.
    compared: pieces of each side in figures of sets. numbers: which of the pieces that were to be judged the made ones
    are; given: pieces that were given whole, such as the ends of an interpolation, which are in no figure.
    """

    made: tuple[Looked, ...]
    real: tuple[Looked, ...]
    floor: tuple[Looked, ...]
    reference: tuple[Score, ...]
    sources: tuple[Score, ...]
    ranges: Ranges | None
    rates: dict[str, dict[str, Rate]]
    measures: tuple[Measured, ...]
    copies: tuple[Copies, ...]
    repeats: dict[Side, Repeats]
    surprises: dict[Side, tuple[Surprise, ...]]
    finding: Finding
    quarters: float | None = None
    compared: int = 0
    numbers: tuple[int, ...] = ()
    given: tuple[Looked, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def side(self, side: Side) -> tuple[Looked, ...]:
        """The pieces of a side."""
        return {"made": self.made, "real": self.real, "floor": self.floor}[side]

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON; what could not be had is null."""
        told: dict[str, Any] = finite(self._told())
        return told

    def _told(self) -> dict[str, Any]:
        return {
            "verdict": {"level": self.finding.level, "word": self.finding.word, "text": self.finding.text},
            "pieces": {"made": len(self.made), "held_out": len(self.real), "reference": len(self.reference)},
            "compared": self.compared,
            "held_out_cut_to_quarters": self.quarters,
            "measures": [one.to_json() for one in self.measures],
            "rates": {rule: {side: asdict(one) for side, one in by.items()} for rule, by in self.rates.items()},
            "traits": {
                side: dict(zip(Traits.names(), _means(self.side(side)), strict=True))
                for side in SIDES
                if self.side(side)
            },
            "made": [self._piece(k) for k in range(len(self.made))],
            "notes": list(self.notes),
        }

    def _piece(self, k: int) -> dict[str, Any]:
        one = self.made[k]
        told: dict[str, Any] = {
            "name": one.score.name,
            "changes": one.checked.changes,
            "breaches": [asdict(breach) for breach in one.checked.breaches],
            "copied": {
                copies.way: asdict(copies.made[k]) | {"source": self.source(copies.made[k].source)}
                for copies in self.copies
            },
        }
        if k < len(self.surprises.get("made", ())):
            surprise = self.surprises["made"][k]
            told["nats"] = {"quarter": surprise.per_quarter, "bars": list(surprise.bars), "why": surprise.why}
        return told

    def source(self, number: int) -> str:
        """The name of a real piece by its number in a passage; nothing for none."""
        return self.sources[number].name if number >= 0 else ""


def finite(value: Any) -> Any:
    """Plain values with null for what is no number, as JSON has no word for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, (list, tuple)) else value


def look(score: Score, ranges: Ranges | None = None) -> Looked:
    """One piece. Raises ValueError for one without notes."""
    voices = voices_of(score)
    return Looked(score, voices, check(voices, ranges), traits(score), histograms(voices))


def judge(
    made: Sequence[Score],
    reference: Sequence[Score] = (),
    held_out: Sequence[Score] = (),
    *,
    surprise: Judge | None = None,
    learnt: bool = False,
    given: Sequence[Notes] = (),
    ranges: Ranges | None = None,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> Judged:
    """Judge made pieces beside the reference (what was learnt from) and held-out real pieces (what was not).

    learnt: held-out pieces may have been learnt from, too, so that copies are looked for in them as well. given: of
    each made piece the notes (onset, pitch) that were not made, such as a melody that was to be harmonized: they are no
    copies. A piece that was given whole is put aside, unless all were. ranges: of the voices, such as a model's; else
    those of the reference. Pieces without pitched notes are left out, which is said. Where made pieces are shorter than
    real ones, these are cut to the median length of the made ones for every comparison, as longer ones have more of
    everything. Raises InputError where no made piece has notes.
    """
    notes: list[str] = []
    numbers, ends = _parted(made, given)
    given = [given[k] for k in numbers if k < len(given)]
    whole = tuple(look(made[k]) for k in ends)
    _with_notes(made, notes)
    made = [made[k] for k in numbers]
    reference, held_out = (_with_notes(side, notes) for side in (reference, held_out))
    if not made:
        raise InputError("none of the made pieces has a note")
    if whole:
        notes.append(f"{len(whole):,} pieces were given whole and are in no figure")
    sources = [*reference, *held_out] if learnt else reference
    held_out, quarters = _as_long(made, held_out, notes)
    progress("voices and rules")
    corpus = [voices_of(one) for one in reference]
    if ranges is None and corpus:
        ranges = learn_ranges(corpus)
    if ranges is not None:
        notes.append(f"ranges of the voices are those of {ranges.source}")
    generator = np.random.default_rng(seed)
    real = [look(one, ranges) for one in held_out]
    floor: list[Looked] = []
    if corpus and real:
        drawn = independent_notes(held_out, [one.voices for one in real], corpus, generator)
        floor = [look(one, ranges) for one in drawn]
    sides: dict[Side, list[Looked]] = {"made": [look(one, ranges) for one in made], "real": real, "floor": floor}
    rates = _rates(sides, [check(one, ranges) for one in corpus], ranges is not None, generator)
    progress("copies")
    copies = _copies(sides, corpus, [*corpus, *map(voices_of, sources[len(corpus) :])], given)
    if any(given):
        notes.append("what was given is not looked at for copies")
    n = min(len(sides["made"]), len(real))
    same = {side: _some(pieces, n, generator) for side, pieces in sides.items()}
    measures = _rule_measures(rates, sides)
    if n >= FEWEST and len(corpus) >= FEWEST:
        progress("statistics")
        told = [look(one) for one in reference]
        measures += _set_measures(same, told, n)
    elif corpus:
        some = "1 piece" if n == 1 else f"{n} pieces"
        notes.append(f"{some} of a side: sets of pieces are compared from {FEWEST} on, so that is left out")
    repeated = {side: repeats([one.voices for one in pieces]) for side, pieces in same.items() if pieces}
    measures += [*_copy_measures(copies, len(sources)), *_repeat_measures(repeated)]
    surprises: dict[Side, tuple[Surprise, ...]] = {}
    if surprise is not None:
        progress("likelihood")
        asked = {side: [one.score for one in sides[side][:ASKED]] for side in sides if sides[side]}
        surprises = {side: tuple(surprise(pieces)) for side, pieces in asked.items()}
        measures += _surprise_measures(surprises)
    return Judged(
        made=tuple(sides["made"]),
        real=tuple(real),
        floor=tuple(floor),
        reference=tuple(reference),
        sources=tuple(sources),
        ranges=ranges,
        rates=rates,
        measures=tuple(measures),
        copies=copies,
        repeats=repeated,
        surprises=surprises,
        finding=verdict(rates, measures, copies, len(made)),
        quarters=quarters,
        compared=n,
        numbers=tuple(numbers),
        given=whole,
        notes=tuple(notes),
    )


def _parted(made: Sequence[Score], given: Sequence[Notes]) -> tuple[list[int], list[int]]:
    """The numbers of pieces with notes: of those that were made, at least in part, and of those that were given whole.

    Where all were given, they count as made.
    """
    sounding = [k for k, one in enumerate(made) if _sounds(one)]
    whole = [k for k in sounding if k < len(given) and _all_of(made[k], given[k])]
    own = [k for k in sounding if k not in whole]
    return (own, whole) if own else (sounding, [])


def _all_of(score: Score, given: Notes) -> bool:
    return all((note.onset, note.pitch) in given for part in score.parts if not part.drums for note in part.notes)


def _sounds(score: Score) -> bool:
    return any(part.notes for part in score.parts if not part.drums)


def _with_notes(scores: Sequence[Score], notes: list[str]) -> list[Score]:
    kept = [one for one in scores if _sounds(one)]
    if len(kept) < len(scores):
        first = next(one.name for one in scores if one not in kept)
        notes.append(f"{len(scores) - len(kept):,} pieces without a pitched note are left out, such as {first}")
    return kept


def _as_long(made: Sequence[Score], real: Sequence[Score], notes: list[str]) -> tuple[list[Score], float | None]:
    if not real:
        return [], None
    usual, theirs = (float(np.median([one.end for one in side])) for side in (made, real))
    if usual >= _SHORTER * theirs:
        if usual > theirs / _SHORTER:
            notes.append("made pieces are longer than held-out real ones and so may have longer copied passages")
        return list(real), None
    end = int(usual)
    shorter = [cut(one, end) for one in real]
    notes.append(f"held-out real pieces are cut to {end / QUARTER:g} quarters, the median length of the made ones")
    return _with_notes(shorter, notes), end / QUARTER


def _rates(
    sides: dict[Side, list[Looked]], corpus: Sequence[Checked], ranged: bool, generator: np.random.Generator
) -> dict[str, dict[str, Rate]]:
    checked: dict[str, Sequence[Checked]] = {
        side: [one.checked for one in pieces] for side, pieces in sides.items() if pieces
    }
    if corpus:
        checked["reference"] = corpus
    groups: dict[str, tuple[Rule, ...]] = {"parallels": PARALLELS, **{rule: (rule,) for rule in RULES}}
    return {
        name: {side: rate(pieces, *rules, generator=generator) for side, pieces in checked.items()}
        for name, rules in groups.items()
        if name != "range" or ranged
    }


def _copies(
    sides: dict[Side, list[Looked]], corpus: Sequence[Voices], sources: Sequence[Voices], given: Sequence[Notes]
) -> tuple[Copies, ...]:
    """In both ways, but for one in which everything was given."""
    if not corpus:
        return ()
    several = max(len(one.voices.names) for one in sides["made"]) > 1
    ways: list[Way] = ["voices", "melody"] if several else ["melody"]
    voices = {side: [one.voices for one in sides[side]] for side in sides}
    allowed = ALLOWED * len(sources) / len(corpus)  # as many chances more
    found = (
        Copies(way, copied(voices["made"], sources, way, given), copied(voices["real"], corpus, way), allowed)
        for way in ways
    )
    return tuple(one for one in found if one.own)


def _some(pieces: Sequence[Looked], n: int, generator: np.random.Generator) -> list[Looked]:
    """Of each side as many, at random, as histograms of fewer pieces lie further from any other."""
    if not 0 < n < len(pieces):
        return list(pieces)
    return [pieces[k] for k in sorted(generator.choice(len(pieces), n, replace=False).tolist())]


def _measured(
    key: str,
    name: str,
    better: Literal["higher", "lower", "half", "real"],
    values: Mapping[Side, float | None],
    n: int,
    protocol: str,
) -> Measured:
    roles: dict[Side, Literal["ceiling", "floor"]] = {"real": "ceiling", "floor": "floor"}
    controls = tuple(Control(role, SIDES[side], values[side]) for side, role in roles.items() if side in values)
    return Measured(key, name, better, values["made"], controls, n, protocol)


def _rule_measures(rates: dict[str, dict[str, Rate]], sides: dict[Side, list[Looked]]) -> list[Measured]:
    found = []
    for name, by in rates.items():
        spans = ", ".join(f"{side} {one.span}" for side, one in by.items() if one.span)
        words = "parallel fifths, octaves and unisons" if name == "parallels" else RULES[name]  # type: ignore[index]
        values = {side: by[side].value for side in SIDES if side in by}
        protocol = (
            f"in 100 changes of what sounds, {by['made'].changes:,} of made pieces{'; 95 %: ' if spans else ''}{spans}"
        )
        found.append(_measured(name, words, "lower", values, len(sides["made"]), protocol))
    return found


def _set_measures(sides: dict[Side, list[Looked]], told: Sequence[Looked], n: int) -> list[Measured]:
    size = f"{n:,} pieces of each kind beside {len(told):,} reference pieces"
    apart = {side: divergences(_histograms(pieces), _histograms(told)) for side, pieces in sides.items()}
    found = [
        _measured(kind, words, "lower", {side: apart[side][kind] for side in apart}, n, f"Jensen-Shannon, bits, {size}")
        for kind, words in KINDS.items()
    ]
    rows = {side: _rows(pieces) for side, pieces in sides.items()}
    known = _rows(told)
    width = len(Traits.names())
    wide = {side: float(np.nanmean(gaps(one[:, :width], known[:, :width]))) for side, one in rows.items()}
    found.append(_measured("traits", "traits of pieces", "lower", wide, n, f"mean Kolmogorov-Smirnov distance, {size}"))
    near = {side: reach(_tensor(known, known), _tensor(one, known), k=_NEIGHBORS) for side, one in rows.items()}
    how = f"traits and histograms of a piece, {_NEIGHBORS} nearest neighbors, {size}"
    for key, words in (("precision", "lie among real pieces"), ("coverage", "real pieces reached")):
        values = {side: float(getattr(one, key)) for side, one in near.items()}
        found.append(_measured(key, words, "higher", values, n, how))
    return found


def _copy_measures(copies: Sequence[Copies], size: int) -> list[Measured]:
    found = []
    for one in copies:
        unit = "notes of the melody" if one.way == "melody" else "chords"
        lengths: dict[Side, float | None] = {"made": float(np.median([passage.notes for passage in one.own]))}
        if one.unseen:
            lengths["real"] = float(np.median([passage.notes for passage in one.unseen]))
        how = f"longest passage that is in any of {size:,} real pieces, in any key, median in {unit}"
        name = f"copied, {WAYS[one.way]}"
        found.append(_measured(f"copied_{one.way}", name, "lower", lengths, len(one.own), how))
        if one.unseen:
            shares: dict[Side, float | None] = {"made": one.share, "real": one.usual}
            how = (
                f"share of pieces with a copied passage of more than {one.limit:g} {unit}, which 5 % of real ones have"
            )
            name = f"copied at length, {WAYS[one.way]}"
            found.append(_measured(f"long_{one.way}", name, "lower", shares, len(one.own), how))
    return found


def _repeat_measures(repeated: dict[Side, Repeats]) -> list[Measured]:
    n = repeated["made"].pieces
    if n < 2:
        return []
    distinct: dict[Side, float | None] = {side: one.distinct for side, one in repeated.items()}
    near: dict[Side, float | None] = {side: one.near for side, one in repeated.items()}
    return [
        _measured("distinct", "distinct pieces", "higher", distinct, n, f"share of {n:,} pieces, in whatever key"),
        _measured("near", "nearly the same", "lower", near, n, f"share of {n:,} pieces that are half in another one"),
    ]


def _surprise_measures(surprises: dict[Side, tuple[Surprise, ...]]) -> list[Measured]:
    values: dict[Side, float | None] = {side: mean_per_quarter(surprises[side]) for side in SIDES if side in surprises}
    kinds = sorted({one.kind for pieces in surprises.values() for one in pieces if not one.why})
    told = {side: sum(not one.why for one in surprises[side]) for side in values}
    how = f"{' and '.join(kinds)} negative log-likelihood under the model; pieces that it can express: " + ", ".join(
        f"{SIDES[side].lower()} {told[side]:,} of {len(surprises[side]):,}" for side in values
    )
    found = _measured("nats", "nats a quarter", "real", values, told["made"], how)
    return [replace(found, note="far more than real pieces have: strange to the model; far fewer: too usual")]


def _histograms(pieces: Sequence[Looked]) -> list[Histograms]:
    return [one.histograms for one in pieces]


def _rows(pieces: Sequence[Looked]) -> Floats:
    return np.array([features(one.traits, one.histograms) for one in pieces])


def _tensor(rows: Floats, known: Floats) -> Tensor:
    return torch.from_numpy(scaled(rows, known)).float()


def _means(pieces: Sequence[Looked]) -> list[float]:
    rows = np.array([one.traits.row() for one in pieces])
    return [
        float(column[np.isfinite(column)].mean()) if np.isfinite(column).any() else float("nan") for column in rows.T
    ]
