"""What a model makes, to see and to hear: the page of `fit` and of `sample`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from genapps.report.files import write_files
from genapps.report.measured import Control, Measured
from genapps.report.page import Facts, Figure, Figures, Level, Page, Score, Scores, Section, Terms, render
from genapps.report.text import clip
from genapps_audio.generation.delivering import Drawn
from genapps_audio.generation.judging import Reached
from genapps_audio.generation.tasks import Fitted
from genapps_audio.model import AudioModel
from genapps_audio.players import heard
from genapps_audio.records import Wave

_SHOWN = 24  # sounds on a page
_A_CLASS = 3
_LONGEST = 12.0  # seconds of one of them
_TERMS = (
    ("FD-mel", "Fréchet distance of statistics of mel bands, of spectrograms; lower is nearer."),
    ("coverage", "Share of held-out clips that some made one comes near to."),
    ("named right", "Share of held-out clips whose class is told by a classifier that learnt from made clips alone."),
    ("steady noise", "Noise with the mean spectrum of each class: what any model has to beat."),
)


@dataclass
class Shown:
    """Sounds that are put on a page: the first few of each class."""

    waves: list[Wave] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)

    def add(self, part: Drawn) -> None:
        """Keep those that there is room for."""
        labels: list[Any] = list(part.labels) if part.labels is not None else [None] * len(part.waves)
        for wave, label in zip(part.waves, labels, strict=True):
            most = _SHOWN if label is None else _A_CLASS
            if len(self.waves) < _SHOWN and self.labels.count(label) < most:
                self.waves.append(wave)
                self.labels.append(label)


def watched(parts: Iterable[Drawn]) -> tuple[Iterator[Drawn], Shown]:
    """The same parts, and what a page shows of them once they were gone through."""
    seen = Shown()

    def gone_through() -> Iterator[Drawn]:
        for part in parts:
            seen.add(part)
            yield part

    return gone_through(), seen


def write_fitted(path: str, found: Fitted, seed: int) -> None:
    """The page of a model: what it reached, and sounds of each class."""
    model = found.model
    draws = torch.Generator().manual_seed(seed)
    names = [name for name in model.classes[: _SHOWN // _A_CLASS] for _ in range(_A_CLASS)] or None
    made = model.sample(len(names) if names else _SHOWN // 2, names, generator=draws)
    seen = Shown()
    seen.add(Drawn(model.codec.decode(made.patches, made.seconds, made.levels, draws), names))
    facts = [("Family", model.family), *(("Chosen", reason) for reason in found.preset.reasons)]
    facts += [("Note", sentence) for sentence in found.notes]
    text = _page("sounds learnt", f"{model.family}: {model.card['clips']:,} clips", model, found.reached, seen, facts)
    write_files(path, text, json.dumps(found.to_json(), ensure_ascii=False, indent=1, default=str) + "\n")


def write_drawn(path: str, seen: Shown, model: AudioModel, about: Mapping[str, Any]) -> None:
    """The page of made clips."""
    reached = Reached(**about["reached"]) if about["reached"] else Reached(0)
    facts = [(name.capitalize(), str(value)) for name, value in about.items() if name != "reached"]
    text = _page("sounds made", f"{about['count']:,} clips by {about['model']}", model, reached, seen, facts)
    write_files(path, text, json.dumps(about, ensure_ascii=False, indent=1, default=str) + "\n")


def _page(
    subject: str, title: str, model: AudioModel, reached: Reached, seen: Shown, facts: list[tuple[str, str]]
) -> str:
    scores = _scores(reached)
    level: Level = "poor" if reached.nothing_learnt else "good" if reached.distance is not None else "usable"
    figures = Figures(
        tuple(
            Figure(clip(label or f"{k + 1}", 40), heard(wave[: round(_LONGEST * model.codec.rate)], model.codec.rate,
                   clip(label or f"made clip {k + 1}", 40)), below=f"{len(wave) / model.codec.rate:.2f} s")
            for k, (wave, label) in enumerate(zip(seen.waves, seen.labels, strict=True))
        )
    )  # fmt: skip
    told = Facts(tuple((name, clip(value, 300)) for name, value in facts))
    sections = [Section("sounds", "Sounds", "Drawn at random, not chosen.", (figures,))]
    if scores:
        sections.append(Section("figures", "Figures", "Each beside held-out real clips and noise.", (
            Scores("Figures", scores),)))  # fmt: skip
    sections.append(Section("about", "About", "", (told, Terms("Words", _TERMS))))
    return render(
        Page(
            title=clip(title, 100),
            subject=subject,
            level=level,
            word={"good": "Learnt", "usable": "Not judged", "poor": "Nothing learnt"}[level],
            verdict=" ".join(line.split("  ")[-1].strip() + "." for line in reached.lines()),
            facts=(f"{model.codec.rate:,} Hz", f"{len(model.classes) or 'no'} classes", f"family {model.family}"),
            headline=scores,
            sections=tuple(sections),
            footer="Pictures and sounds are inside this file; it needs no network.",
        )
    )


def _scores(reached: Reached) -> tuple[Score, ...]:
    if reached.distance is None:
        return ()
    found = []
    kinds = (("distance", "FD-mel", False), ("coverage", "coverage", True), ("useful", "named right", True))
    for key, name, higher in kinds:
        own, real, trivial = (getattr(reached, f"{side}{key}") for side in ("", "real_", "trivial_"))
        if own is not None:
            controls = (Control("ceiling", "Held-out real", real), Control("floor", "Steady noise", trivial))
            measure = Measured(key, name, "higher" if higher else "lower", own, controls, reached.drawn, "spectrograms")
            found.append(measure.score("made"))
    return tuple(found)
