"""From figures to words: whether to trust a synthetic table, and for what, by rules with stated cut-offs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from genapps_tabular.evaluation import Measure, Verdict

Level = Literal["good", "usable", "poor"]
LEVELS: tuple[Level, ...] = ("good", "usable", "poor")
Figures = Mapping[str, Measure]

APART = (0.65, 0.85)  # two-sample AUC, or 1 - AUC: up to here good, up to here usable
LOST = (0.10, 0.30)  # share of what learning on real rows gains over guessing that learning on synthetic rows loses
GAINED = 0.05  # a gain of real rows below this says nothing about synthetic ones
NEARER = (0.55, 0.75)  # nearness: above the first a warning, above the second never to be shared
COPIES = (0.001, 0.05)  # share of exact copies beyond what other real rows have: likewise
RARE = (2.0, 0.005)  # rows with a rare category: a warning above so many times the unseen rows' share and this share
MODES = 0.8  # coverage below this share of that of other real rows: modes are lost
CHANCE = 3.0  # standard errors that a privacy figure has to be beyond its control


def judge(measures: Sequence[Measure], rows: Mapping[str, int], nearness_error: float = 0.0) -> Verdict:
    """The verdict on an evaluation's measures: the worst of likeness, usefulness and privacy decides the level.

    good: two-sample AUC within 0.15 of 0.5, at most a tenth of the gain in prediction lost, no warning. usable: AUC
    within 0.35, at most three tenths lost, or a warning (lost modes, nearness more than 0.05 beyond one half and beyond
    what independent columns show, more copies, rare categories or identifiers than other real rows show). poor:
    anything worse, nearness above 0.75, copies 5 % beyond other real
    rows', or no rows to compare as a whole. A warning of privacy has to be beyond chance: `rows` are the numbers of
    rows by table, `nearness_error` the standard error of the nearness.
    """
    figures = {measure.key: measure for measure in measures}
    quality = [_likeness(figures["two_sample_auc"]), *_modes(figures), *_usefulness(figures)]
    privacy = list(_privacy(figures, rows, nearness_error))
    fit, safe = (max((level for level, _ in part), key=LEVELS.index) for part in (quality, privacy))
    texts = [text for _, text in [*quality, *privacy] if text]
    return Verdict(max(fit, safe, key=LEVELS.index), " ".join([*texts, _advice(fit, safe)]))


def _likeness(measure: Measure) -> tuple[Level, str]:
    if measure.value is None:
        return "poor", f"These rows could not be compared with real ones as a whole: {measure.note}."
    level = _graded(max(measure.value, 1 - measure.value), APART)
    skill = {"good": "hardly tells", "usable": "often tells", "poor": "easily tells"}[level]
    against = "unseen real rows" if "unseen" in measure.name else "the training rows"
    controls = _controls(measure)
    return (
        level,
        f"A classifier {skill} these rows from {against} (AUC {measure.value:.2f}; 0.50 is perfect{controls}).",
    )


def _modes(figures: Figures) -> Iterator[tuple[Level, str]]:
    coverage = figures["coverage"]
    if coverage.value is not None and coverage.ceiling and coverage.value < MODES * coverage.ceiling:
        yield (
            "usable",
            f"Modes are missing: {coverage.value:.0%} of the real rows have a synthetic row among their neighbors "
            f"(other real rows {coverage.ceiling:.0%}).",
        )


def _usefulness(figures: Figures) -> Iterator[tuple[Level, str]]:
    measure = figures["tstr"]
    if measure.value is None or measure.ceiling is None:
        return
    guess = 0.0 if "R²" in measure.name else 0.5
    gain = measure.ceiling - guess
    if gain < GAINED:
        yield "good", "Nothing in the real rows predicts the chosen target, so usefulness says nothing here."
        return
    level = _graded((measure.ceiling - measure.value) / gain, LOST)
    words = {"good": "nearly as well as", "usable": "less well than", "poor": "much worse than"}[level]
    unit = "R²" if guess == 0.0 else "AUC"
    yield (
        level,
        (
            f"A model learnt on them predicts {words} one learnt on real rows "
            f"({unit} {measure.value:.3f} against {measure.ceiling:.3f})."
        ),
    )


def _privacy(figures: Figures, rows: Mapping[str, int], error: float) -> Iterator[tuple[Level, str]]:
    warnings = [
        *_nearness(figures["share_nearer"], error),
        *_copies(figures["exact_copies"], rows),
        *_leaks(figures, rows),
    ]
    nearer = figures["share_nearer"].value
    if warnings:
        yield from warnings
    elif nearer is None:
        yield "good", "Without enough unseen rows, privacy was checked for copies only, and hardly any were found."
    else:
        figure = f"{nearer:.2f}; 0.50 is ideal, 1 a copy"
        yield "good", f"No sign of memorized rows (nearness to training rows {figure})."


def _nearness(measure: Measure, error: float) -> Iterator[tuple[Level, str]]:
    # Independent columns remember no row: what they have beyond one half is the chance of this split, for all alike.
    chance = max((measure.floor or 0.5) - 0.5, 0.0)
    if measure.value is not None and measure.value > max(NEARER[0] + chance, 0.5 + CHANCE * error):
        text = f"Warning: rows lie nearer to training rows than unseen rows do ({measure.value:.2f}; 0.50 is ideal)."
        yield ("poor" if measure.value > NEARER[1] else "usable"), text


def _copies(measure: Measure, rows: Mapping[str, int]) -> Iterator[tuple[Level, str]]:
    if measure.value is None or not _beyond(measure, rows, COPIES[0]):
        return
    text = f"Warning: {measure.value:.1%} of the rows are exact copies of training rows"
    if measure.ceiling is None:
        yield "usable", f"{text}; only unseen rows could tell whether by chance."
        return
    level: Level = "poor" if measure.value - measure.ceiling > COPIES[1] else "usable"
    yield level, f"{text}, {measure.ceiling:.1%} of other real rows."


def _leaks(figures: Figures, rows: Mapping[str, int]) -> Iterator[tuple[Level, str]]:
    rare, identifiers = figures["rare_leaks"], figures["identifiers_copied"]
    if rare.value is not None and rare.ceiling is not None:
        least = max((RARE[0] - 1) * rare.ceiling, RARE[1])
        if _beyond(rare, rows, least):
            shares = f"{rare.value:.1%} of the rows, {rare.ceiling:.1%} of other real rows"
            yield "usable", f"Warning: {shares}, carry a category that fewer than 5 training rows have."
    if identifiers.value is not None and _beyond(identifiers, rows, 0.0):
        yield "usable", f"Warning: {identifiers.value:.1%} of the rows repeat an identifier or text of a training row."


def _beyond(measure: Measure, rows: Mapping[str, int], least: float) -> bool:
    """Whether the share exceeds that of other real rows by more than `least` and more than chance."""
    value, control = measure.value or 0.0, measure.ceiling or 0.0
    made, unseen = rows["synthetic"], rows.get("holdout", 0)
    if measure.ceiling is None or not unseen:
        return value > least
    share = (value * made + control * unseen) / (made + unseen)
    error = math.sqrt(share * (1 - share) * (1 / made + 1 / unseen))
    return value - control > max(least, CHANCE * error)


def _advice(fit: Level, safe: Level) -> str:
    use = {
        "good": "Fit for developing and testing software, for exploring and for training models; confirm figures that "
        "decisions hang on with the real rows.",
        "usable": "Fit for developing and testing software and a first look; not for figures that decisions hang on.",
        "poor": "Not to be trusted for analysis: use it for the layout of the data only.",
    }[fit]
    share = {
        "good": "",
        "usable": " Clear the warnings before sharing it.",
        "poor": " Do not share it: handle it like the real rows.",
    }[safe]
    return use + share


def _controls(measure: Measure) -> str:
    known = ((measure.ceiling, "other real rows"), (measure.floor, "independent columns"))
    return "".join(f", {name} {value:.2f}" for value, name in known if value is not None)


def _graded(value: float, cuts: tuple[float, float]) -> Level:
    return "good" if value <= cuts[0] else "usable" if value <= cuts[1] else "poor"
