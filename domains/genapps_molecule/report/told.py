"""What a page says of the run that made its molecules: counts, promises kept, and why others are not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from genapps.report.page import Block, Facts, Level, Score, Table
from genapps.report.text import clip, percent

_REASONS = 30  # that are listed; the rest is added up


@dataclass(frozen=True)
class Promise:
    """Something that is to be true of each of `of` molecules, and is of `held` of them."""

    words: str
    held: int
    of: int


@dataclass(frozen=True)
class Told:
    """The words of a page. counts: what was counted, by name; reasons: of what was dropped, with their counts.

    shown: which molecules are on the page, where it is not the first ones.
    """

    title: str
    verdict: str
    facts: tuple[str, ...] = ()
    counts: tuple[tuple[str, str], ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    notes: tuple[str, ...] = ()
    subject: str = "Molecules"
    level: Level = "good"
    word: str = "Done"
    headline: tuple[Score, ...] = ()
    reasons_title: str = "Why others were dropped"
    shown: str = ""

    def blocks(self) -> Iterator[Block]:
        """Counts, promises and reasons, where there are any."""
        notes = tuple(("Note" if k == 0 else f"Note {k + 1}", clip(note, 400)) for k, note in enumerate(self.notes))
        if self.counts or notes:
            yield Facts((*((clip(name), clip(value, 400)) for name, value in self.counts), *notes))
        if self.promises:
            rows = tuple((clip(one.words, 200), f"{one.held:,}", f"{one.of:,}") for one in self.promises)
            yield Table("What was promised", ("Of each molecule", "Held by", "Of"), rows, numbers=2)
        if self.reasons:
            yield Table(self.reasons_title, ("Reason", "Molecules", "Share"), self._rows(), numbers=2)

    def _rows(self) -> tuple[tuple[str, str, str], ...]:
        total = sum(self.reasons.values())
        ranked = sorted(self.reasons.items(), key=lambda pair: -pair[1])
        shown = [(clip(reason, 200), count) for reason, count in ranked[:_REASONS]]
        if len(ranked) > _REASONS:
            rest = ranked[_REASONS:]
            shown.append((f"{len(rest):,} other reasons", sum(count for _, count in rest)))
        return tuple((reason, f"{count:,}", percent(count / total if total else 0.0)) for reason, count in shown)
