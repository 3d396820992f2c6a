"""What the figures say, in words: do made pieces keep the corpus's rules, sound like it, vary, and are they its own?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from genapps.report.measured import Finding, Measured
from genapps.report.page import Level
from genapps.report.text import percent
from genapps_music.judging.copying import LARGE, WAYS, Copies
from genapps_music.judging.rules import Rate
from genapps_music.judging.statistics import KINDS

NEAR, FAR = 0.1, 0.4  # of the way from held-out real pieces to independent notes
GOOD, POOR = 0.7, 0.5  # of what held-out real pieces reach
TELLS = 2.0  # times as far as held-out real pieces must independent notes lie, else a figure tells nothing
OFTEN = 3.0  # times as often as in real pieces
FEW_CHANGES = 8  # of what sounds, below which there is nothing to judge
FEW = 8  # made pieces below which it counts whether one is a copy, not how many
_LARGELY = 0.3  # share of pieces that copy from which they are poor
_LEVELS: tuple[Level, ...] = ("good", "usable", "poor")
_WORDS: dict[Level, str] = {"good": "Good", "usable": "Usable with care", "poor": "Poor"}
MORE = 2.0  # times as often as in real pieces, from which on it is said even where chance would explain it
_TOLD = {
    "parallels": "parallel fifths, octaves or unisons",
    "crossing": "crossed voices",
    "spacing": "upper voices far apart",
    "leap": "awkward leaps",
    "range": "notes out of range",
}

_Part = tuple[Level, str]


def verdict(
    rates: Mapping[str, Mapping[str, Rate]],
    measures: Sequence[Measured],
    copies: Sequence[Copies],
    pieces: int,
) -> Finding:
    """Level and sentences; the worst of rules, likeness, variety and copying decides the level."""
    by_key = {one.key: one for one in measures}
    subject = "The piece" if pieces == 1 else f"The {pieces:,} made pieces"
    parts = [
        *_rules(rates, pieces),
        *_likeness([by_key[kind] for kind in KINDS if kind in by_key]),
        *_variety(by_key, pieces),
        *_copying(copies),
    ]
    level: Level = max((level for level, _ in parts), key=_LEVELS.index, default="usable")
    if "reference" not in rates["parallels"]:
        counts = ", ".join(f"{_TOLD[name]} {by['made'].breaches}" for name, by in rates.items() if name in _TOLD)
        return Finding("usable", "Not judged", f"No real pieces to judge by. Places to look at: {counts}.")
    changes = rates["parallels"]["made"].changes
    if changes < FEW_CHANGES:
        return Finding("usable", "Not judged", f"{subject}: what sounds changes {changes:,} times, too few to judge.")
    return Finding(level, _WORDS[level], f"{subject}: {'; '.join(text for _, text in parts)}.")


def _rules(rates: Mapping[str, Mapping[str, Rate]], pieces: int) -> list[_Part]:
    """Each rule's rate beside the corpus's own: held-out pieces' where there are some, else the reference's."""
    broken: list[str] = []
    unsure: list[str] = []
    worst: Level = "good"
    for name in (name for name in _TOLD if name in rates):
        own = rates[name]["made"]
        real = rates[name].get("real") or rates[name].get("reference")
        if real is None:
            return []
        level, sure = _kept(own, real, rates[name].get("floor"), pieces == 1)
        worst = _worse(worst, level)
        if sure is not None:
            (broken if sure else unsure).append(_beside(name, own, real, rates[name].get("floor")))
    found: list[_Part] = []
    if broken:
        found.append((worst, f"more {', more '.join(broken)}"))
    if unsure:
        few = "one piece is" if pieces == 1 else f"{pieces:,} pieces are"
        found.append((worst, f"perhaps more {', more '.join(unsure)}, for which {few} too few to tell"))
    if not found:
        by = rates["parallels"]
        told = _beside("parallels", by["made"], by.get("real") or by["reference"], None)
        found.append(("good", f"rules are kept as well as by real pieces ({told})"))
    return found


def _kept(own: Rate, real: Rate, floor: Rate | None, single: bool) -> tuple[Level, bool | None]:
    """A rule's level, and whether it is broken more often than by real pieces: for sure, perhaps, or (None) not.

    Nothing is good that independent notes do as well, where real pieces are better than these; nor what is broken
    several times, and far more often than by real pieces, even where so few pieces could do so by chance.
    """
    if _exceeds(own, real, single):
        often = own.value > OFTEN * real.top
        return "poor" if often and not single else "usable", True
    if own.value <= real.value:
        return "good", None
    chance = floor is not None and real.top < floor.value <= own.value
    far = own.value > max(MORE * real.value, real.top)
    level: Level = "usable" if chance or (far and own.breaches > 1) else "good"
    return level, False if chance or own.value > min(MORE * real.value, real.top) else None


def _beside(name: str, own: Rate, real: Rate, floor: Rate | None) -> str:
    told = f"{_TOLD[name]} {own.value:.2f} in 100 changes, real pieces {real.value:.2f}"
    as_chance = floor is not None and real.top < floor.value <= own.value
    return f"{told} and independent notes {floor.value:.2f}" if floor is not None and as_chance else told


def _exceeds(own: Rate, real: Rate, single: bool) -> bool:
    """More often than chance explains: of several pieces by their intervals, of one by Poisson's two deviations."""
    if single:
        expected = real.top * own.changes / 100
        return own.breaches > expected + 2 * math.sqrt(expected) + 1
    return own.low > real.top


def _likeness(kinds: Sequence[Measured]) -> list[_Part]:
    """How far they are on the way from held-out real pieces to independent notes, where that is furthest."""
    ways = [(way, one) for one in kinds if (way := _way(one)) is not None]
    if not ways:
        return []
    far = float(np.mean([way for way, _ in ways]))
    way, worst = max(ways, key=lambda pair: pair[0])
    level: Level = "good" if far <= NEAR else "usable" if far <= FAR else "poor"
    said = {"good": "like real ones", "usable": "like real ones in part", "poor": "unlike real ones"}[level]
    told = f", most apart in {worst.name}" if level != "good" else ""
    place = "as near as real ones are to each other" if far <= 0.005 else f"{percent(far)} of the way to chance"
    place = "as far as chance" if far >= 1 else place
    return [(level, f"{said} in degrees, steps, lengths and chords ({place}{told})")]


def _way(measure: Measured) -> float | None:
    best, worst = (control.value for control in measure.controls)
    if best is None or worst is None or measure.value is None or worst <= TELLS * best:
        return None
    return max(0.0, (measure.value - best) / (worst - best))


def _variety(by_key: Mapping[str, Measured], pieces: int) -> list[_Part]:
    found: list[_Part] = []
    if "distinct" in by_key and (by_key["distinct"].value or 0.0) < 1.0:
        same = round((1 - (by_key["distinct"].value or 0.0)) * by_key["distinct"].n)
        level: Level = "poor" if same > 0.5 * pieces else "usable"
        found.append((level, f"{same:,} of {by_key['distinct'].n:,} are the same as another"))
    if "coverage" in by_key:
        one = by_key["coverage"]
        real = one.controls[0].value or 0.0
        share = (one.value or 0.0) / real if real else 1.0
        level = "good" if share >= GOOD else "usable" if share >= POOR else "poor"
        said = {"good": "as many", "usable": "fewer", "poor": "far fewer"}[level]
        found.append((level, f"reach {said} kinds of pieces (coverage {one.value or 0.0:.2f}, real {real:.2f})"))
    return found


def _copying(copies: Sequence[Copies]) -> list[_Part]:
    """By the share of pieces that copy longer passages than 95 % of real ones do, beyond chance."""
    found = [part for one in copies if (part := _of_few(one) if len(one.own) < FEW else _of_many(one)) is not None]
    if found or not copies:
        return found
    if all(one.unseen for one in copies):
        return [("good", f"no longer passages copied than real pieces have{_halves(copies)}")]
    return [("good", f"longest copied passage: {_longest(copies)}")]


def _of_many(copies: Copies) -> _Part | None:
    """None where there is nothing to tell, as without unseen pieces."""
    chance = copies.allowed
    if not copies.share - 2 * math.sqrt(chance * (1 - chance) / len(copies.own)) > chance:
        return None
    words = f"copy more than {copies.limit:g} in a row ({WAYS[copies.way]}), by chance {percent(chance)} would"
    return "poor" if copies.share > _LARGELY else "usable", f"{percent(copies.share)} {words}"


def _of_few(copies: Copies) -> _Part | None:
    """Shares of a few pieces say little: the longest passage alone."""
    longest = max(copies.own, key=lambda one: one.notes)
    most = max((one.notes for one in copies.unseen), default=0)
    told = f"{longest.notes} in a row are copied ({WAYS[copies.way]}"
    if longest.part >= LARGE and longest.notes > most:
        return "poor", f"{told}, {percent(longest.part)} of the piece)"
    if longest.notes > copies.limit:
        return "usable", f"{told}, 95 % of real pieces {copies.limit:g} at most)"
    return None


def _longest(copies: Sequence[Copies]) -> str:
    return ", ".join(f"{max(passage.notes for passage in one.own)} in a row ({WAYS[one.way]})" for one in copies)


def _halves(copies: Sequence[Copies]) -> str:
    """Single pieces that are copies do not show in shares."""
    whole = next((one for one in copies if one.halves), None)
    if whole is None:
        return ""
    verb = "is" if whole.halves == 1 else "are"
    real = f"{whole.usual_halves:,} of {len(whole.unseen):,}"
    return f", but {whole.halves:,} {verb} one such passage by half or more ({WAYS[whole.way]}; real ones {real})"


def _worse(one: Level, other: Level) -> Level:
    return max(one, other, key=_LEVELS.index)
