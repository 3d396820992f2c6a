"""What happened while a model learnt: the looks of its watch, and each time it went back. Told as it goes, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genapps.training.settings import Event

_DIGITS = 4


def figures_of(event: Event) -> dict[str, float]:
    """The figures of a check, rounded, with the distance to held-out images; {} where the event is no check."""
    if not event.figures:
        return {}
    own = {} if event.validation is None else {"distance": event.validation}
    return {name: round(float(value), _DIGITS) for name, value in {**event.figures, **own}.items()}


def brief(figures: Mapping[str, float]) -> str:
    """The figures in a few words, each beside what as many real images reach."""
    return (
        f"covers {figures['coverage']:.0%} of the images (real ones {figures['real_coverage']:.0%}), "
        f"{figures['bins']:.0f} of {figures['of']:.0f} bins"
    )


def full(figures: Mapping[str, float]) -> str:
    """All of the figures on one line."""
    said = f"{brief(figures)}, spread {figures['spread']:.2f} (1)"
    if "distance" in figures:
        said += f", distance {figures['distance']:.4f} ({figures['real_distance']:.4f})"
    return said


@dataclass
class Course:
    """The course of one or several runs; hand it every event.

    checks: a step and its figures, of families that watch themselves. events: a step and what a person should know:
    a collapse or a divergence and what was done, why a run ended early.
    """

    checks: list[dict[str, float]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        figures = figures_of(event)
        if figures:
            self.checks.append({"step": event.step, **figures})
        if event.message:
            self.events.append({"step": event.step, "told": event.message})

    def to_json(self) -> dict[str, Any]:
        """Every figure, for the model's card."""
        return {"checks": self.checks, "events": self.events}


def happened(event: Event) -> str:
    """What an event says to a person, with its step; "" where it says nothing."""
    if not event.message:
        return ""
    place = "" if f"at step {event.step:d}" in event.message else f"step {event.step:,}: "
    return f"{place}{event.message}"


def summary(course: Mapping[str, Any], final: Mapping[str, float]) -> list[str]:
    """Lines on a finished fit: how varied the model is at the end, and how often it went back."""
    backs = [entry for entry in course["events"] if "went back" in entry["told"]]
    collapses = sum("mode collapse" in entry["told"] for entry in backs)
    said = []
    if final:
        seen = len(course["checks"])
        said.append(f"watched      {full(final)}; {seen} check{'s' * (seen != 1)}, {_times(collapses, 'collapse')}")
    if len(backs) > collapses:
        said.append(f"guarded      {_times(len(backs) - collapses, 'divergence')}: went back and on at half the rate")
    return said


def remedy(course: Mapping[str, Any]) -> list[str]:
    """What to do about a run that ended in a collapse."""
    ended = course["events"] and course["events"][-1]["told"].startswith("stopped")
    if not ended or "mode collapse" not in course["events"][-1]["told"]:
        return []
    return [
        "the generator collapsed again and again, so training ended early and the best weights before that are kept; "
        "try a smaller --set training.learning_rate, a larger --set penalty, or another --family"
    ]


def _times(count: int, what: str) -> str:
    return f"no {what}" if not count else f"1 {what}" if count == 1 else f"{count} {what}s"
