"""What was made of a set of clips, for a person: lines, figures as JSON, and a page with sounds to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genapps.report.charts import Mark
from genapps.report.page import Block, Figure, Figures, Level, Page, Score, Section, Table, render
from genapps.report.text import clip as cut
from genapps.wording import counted
from genapps_audio.augmentation.judging import what
from genapps_audio.augmentation.steps import Step
from genapps_audio.records import Clip
from genapps_audio.showing import spectrogram

if TYPE_CHECKING:
    from genapps_audio.augmentation.tasks import Outcome


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Every figure."""
    return {
        "clips": outcome.order.clips,
        "output": outcome.order.output,
        "seed": outcome.order.seed,
        "classes": outcome.classes,
        "originals": outcome.originals,
        "variants": outcome.variants,
        "asked": outcome.asked,
        "strengths": outcome.strengths,
        "left_out": outcome.left_out,
        "trials": [vars(trial) for trial in outcome.trials],
        "gain": None if outcome.gain is None else outcome.gain.to_json(),
        "notes": outcome.notes,
        "skipped": [vars(one) for one in outcome.skipped],
    }


def lines(outcome: Outcome) -> Iterator[str]:
    """The same for a person."""
    from genapps_audio.augmentation.tasks import told_strengths

    yield f"clips       {outcome.originals:,} as they were, {counted(outcome.variants, 'variant')}"
    yield f"variants by {told_strengths(outcome)}"
    for trial in outcome.trials:
        if not trial.kept:
            yield f"labels      {trial.line()}"
    if outcome.trials:
        yield f"labels      {100 * outcome.trials[0].originals:.0f} % of held-out clips are recognised as they are"
    if outcome.gain is not None:
        yield f"gain        {outcome.gain.line()}"


def page(outcome: Outcome) -> str:
    """The page, as HTML."""
    level, word, verdict = _verdict(outcome)
    facts = (
        f"{outcome.originals:,} clips", f"{outcome.variants:,} variants", f"{len(outcome.classes):,} classes",
        f"seed {outcome.order.seed}",
    )  # fmt: skip
    title = cut(Path(outcome.order.clips).name or outcome.order.clips)
    told = Page(
        title, "A larger set of sounds", level, verdict, facts, tuple(_scores(outcome)), tuple(_sections(outcome)),
        "The page loads nothing from elsewhere.", word,
    )  # fmt: skip
    return render(told)


def _verdict(outcome: Outcome) -> tuple[Level, str, str]:
    gain = outcome.gain
    if gain is None:
        return "usable", "Not measured", " ".join(outcome.notes) or "The gain was not measured."
    levels: dict[str, tuple[Level, str]] = {
        "helps": ("good", "It helps"), "hurts": ("poor", "It hurts"), "unsure": ("usable", "No gain that is sure")
    }  # fmt: skip
    return *levels[gain.verdict], f"A small classifier: {gain.line()}."


def _scores(outcome: Outcome) -> Iterator[Score]:
    gain = outcome.gain
    if gain is not None:
        alone, both = (sum(values) / len(values) for values in (gain.alone, gain.augmented))
        marks = (Mark("synthetic", "with variants", both), Mark("floor", "clips alone", alone))
        held = f"{len(gain.alone)} splits" + (f", {gain.groups:,} groups kept apart" if gain.groups else "")
        yield Score("Held-out clips named rightly", marks, "higher", gain.held, held)


def _sections(outcome: Outcome) -> Iterator[Section]:
    rows = []
    for name, asked in outcome.asked.items():
        own = [trial for trial in outcome.trials if trial.transform == name]
        used = outcome.strengths.get(name)
        told = f"{100 * own[-1].variants:.0f} %" if own else "–"
        rows.append((name, what(name), f"{asked:g}", "left out" if used is None else f"{used:g}", told))
    head = ("Transform", "What it does", "Asked", "Used", "Variants recognised")
    lead = "Strengths, 1 being usual. What a judge of clean clips no longer recognises is turned down, or left out."
    if outcome.trials:
        lead += f" It recognises {100 * outcome.trials[0].originals:.0f} % of {outcome.trials[0].n:,} held-out clips."
    yield Section("transforms", "Transforms", lead, (Table("Transforms", head, tuple(rows), numbers=3),))
    if outcome.gain is not None:
        turns = zip(outcome.gain.alone, outcome.gain.augmented, strict=True)
        table = tuple((str(k), f"{100 * a:.1f} %", f"{100 * b:.1f} %") for k, (a, b) in enumerate(turns, 1))
        lead = f"{outcome.gain.line()}. The interval holds in 95 of 100 cases, as far as splits stand for new clips."
        columns = ("Split", "Clips alone", "With variants")
        yield Section("gain", "Gain", lead, (Table("Held-out clips named rightly", columns, table, numbers=2),))
    if outcome.shown:
        yield Section("variants", "Variants", "Clips, each before its variant.", tuple(_shown(outcome)))
    if outcome.skipped or outcome.notes:
        skipped = tuple((cut(one.name, 80), cut(one.reason, 160)) for one in outcome.skipped[:50])
        tables: list[Block] = [Table("Files skipped", ("File", "Why"), skipped)] if skipped else []
        yield Section("met", "What was met", " ".join(outcome.notes), tuple(tables))


def _shown(outcome: Outcome) -> Iterator[Block]:
    for name, clip, variant, steps in outcome.shown:
        made = Clip(name, variant.wave, clip.rate)
        yield Figures(
            (
                Figure(cut(clip.name, 60), spectrogram(clip.mono, clip.rate, f"spectrogram of {clip.name}")),
                Figure(cut(_told(steps), 120), spectrogram(made.mono, clip.rate, f"spectrogram of {name}")),
            )
        )


def _told(steps: tuple[Step, ...]) -> str:
    """Steps in a few words."""
    return ", ".join(" ".join([step.name, *_amounts(step)]) for step in steps)


def _amounts(step: Step) -> Iterator[str]:
    for key, value in step.settings.items():
        if isinstance(value, float):
            unit = next((word for end, word in _UNITS.items() if key.endswith(end)), "")
            yield f"{value:,.0f}{unit}" if abs(value) >= 100 else f"{value:.2g}{unit}"


_UNITS = {"_db": " dB", "hertz": " Hz", "seconds": " s", "semitones": " semitones"}
