"""From figures to words: whether to trust a synthetic table, and for what, by rules with stated cut-offs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from genapps_tabular.evaluation import Measure, Verdict

Level = Literal["good", "usable", "poor"]
LEVELS: tuple[Level, ...] = ("good", "usable", "poor")
Figures = Mapping[str, Measure]

APART = (0.15, 0.35)  # distance of the two-sample AUC from 0.5: up to here good, up to here usable
LOST = (0.10, 0.30)  # share of what learning on real rows gains over guessing that learning on synthetic rows loses
GAINED = 0.05  # a gain of real rows below this says nothing about synthetic ones
NEARER = (0.55, 0.75)  # nearness: above the first a warning, above the second never to be shared
COPIES = (0.001, 0.05)  # share of exact copies beyond what other real rows have: likewise
RARE = (2.0, 0.005)  # rows with a rare category: a warning above so many times the unseen rows' share and this share
MODES = 0.8  # coverage below this share of that of other real rows: modes are lost


def judge(measures: Sequence[Measure]) -> Verdict:
    """The verdict on an evaluation's measures: the worst of likeness, usefulness and privacy decides the level.

    good: two-sample AUC within 0.15 of 0.5, at most a tenth of the gain in prediction lost, no warning. usable: AUC
    within 0.35, at most three tenths lost, or a warning (lost modes, nearness above 0.55, more copies, rare categories
    or identifiers than other real rows show). poor: anything worse, nearness above 0.75, copies 5 % beyond other real
    rows', or no rows to compare as a whole.
    """
    figures = {measure.key: measure for measure in measures}
    quality = [_likeness(figures["two_sample_auc"]), *_modes(figures), *_usefulness(figures)]
    privacy = list(_privacy(figures))
    fit, safe = (max((level for level, _ in part), key=LEVELS.index) for part in (quality, privacy))
    texts = [text for _, text in [*quality, *privacy] if text]
    return Verdict(max(fit, safe, key=LEVELS.index), " ".join([*texts, _advice(fit, safe)]))


def _likeness(measure: Measure) -> tuple[Level, str]:
    if measure.value is None:
        return "poor", f"These rows could not be compared with real ones as a whole: {measure.note}."
    level = _graded(abs(measure.value - 0.5), APART)
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
            f"Parts of the real data are missing: it covers {coverage.value:.0%} of it, "
            f"other real rows {coverage.ceiling:.0%}.",
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


def _privacy(figures: Figures) -> Iterator[tuple[Level, str]]:
    warnings = [*_memory(figures), *_leaks(figures)]
    if warnings:
        yield from warnings
    elif (nearer := figures["share_nearer"].value) is None:
        yield "good", "Without enough unseen rows, privacy was checked for copies only; none beyond chance were found."
    else:
        yield (
            "good",
            f"No sign of memorized rows (nearer to training rows: {nearer:.2f}, where 0.50 is ideal and 1 a copy).",
        )


def _memory(figures: Figures) -> Iterator[tuple[Level, str]]:
    nearer, copies = figures["share_nearer"], figures["exact_copies"]
    if nearer.value is not None and nearer.value > NEARER[0]:
        level: Level = "poor" if nearer.value > NEARER[1] else "usable"
        yield (
            level,
            f"Warning: rows lie nearer to training rows than unseen rows do ({nearer.value:.2f}, 0.50 is ideal).",
        )
    if copies.value is not None:
        beyond = copies.value - (copies.ceiling or 0.0)
        if beyond > COPIES[0]:
            others = "" if copies.ceiling is None else f", of other real rows {copies.ceiling:.1%}"
            level = "poor" if beyond > COPIES[1] and copies.ceiling is not None else "usable"
            yield level, f"Warning: {copies.value:.1%} of the rows are exact copies of training rows{others}."


def _leaks(figures: Figures) -> Iterator[tuple[Level, str]]:
    rare, identifiers = figures["rare_leaks"], figures["identifiers_copied"]
    if rare.value is not None and rare.ceiling is not None and rare.value > max(RARE[0] * rare.ceiling, RARE[1]):
        yield (
            "usable",
            f"Warning: {rare.value:.1%} of the rows carry a category that fewer than 5 training rows have "
            f"(of unseen rows {rare.ceiling:.1%}).",
        )
    if identifiers.value is not None and identifiers.value > (identifiers.ceiling or 0.0):
        yield "usable", f"Warning: {identifiers.value:.1%} of the rows repeat an identifier or text of a training row."


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
