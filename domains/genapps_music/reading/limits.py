"""How much one file may claim before it is refused, and what every reader checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from genapps_music.score import QUARTER, Note, Part, Unreadable

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What one file may hold or expand to; beyond it the readers raise Unreadable."""

    max_bytes: int = 32 * MIB
    max_midi_bytes: int = 4 * MIB  # 200,000 notes are 1.6 MB
    max_text_bytes: int = 16 * MIB  # ABC and JSON, which take much more room once they are read
    max_expanded: int = 64 * MIB  # of the whole archive
    max_entries: int = 1_000
    max_notes: int = 200_000
    max_parts: int = 256
    max_quarters: int = 20_000  # three hours at 100 a minute
    max_depth: int = 64
    max_pieces: int = 20_000


DEFAULT = Limits()


def check_size(stored: int, most: int) -> None:
    """Raise Unreadable for a file that is larger than any score."""
    if stored > most:
        raise Unreadable(f"{stored / MIB:,.1f} MiB, more than the {most / MIB:,.0f} MiB that a score may have")


def check_notes(count: int, limits: Limits) -> None:
    """Raise Unreadable for more notes than one piece may have."""
    if count > limits.max_notes:
        raise Unreadable(f"more than {limits.max_notes:,} notes in one piece; cut it into several")


def check_end(ticks: float, limits: Limits) -> None:
    """Raise Unreadable for a piece whose last note ends later than any piece does."""
    if ticks > limits.max_quarters * QUARTER:
        raise Unreadable(
            f"lasts {ticks / QUARTER:,.0f} quarter notes, more than the {limits.max_quarters:,} allowed; "
            "a time in it is damaged"
        )


def check_parts(parts: Iterable[Part], limits: Limits) -> tuple[Part, ...]:
    """The parts that have notes. Raises Unreadable where there is none, too many, too many notes or too long ones."""
    sounding = tuple(part for part in parts if part.notes)
    if not sounding:
        raise Unreadable("no notes in it")
    if len(sounding) > limits.max_parts:
        raise Unreadable(f"{len(sounding):,} parts, more than the {limits.max_parts} allowed")
    check_notes(sum(len(part.notes) for part in sounding), limits)
    check_end(max(note.end for part in sounding for note in part.notes), limits)
    return sounding


def manageable(length: Fraction) -> Fraction:
    """A length in ticks that stays cheap to add up: one of an absurd denominator is rounded."""
    return length if length.denominator <= 5040 else Fraction(round(length * 5040), 5040)


def ordered(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes by onset, then pitch, as a part has them."""
    return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch, note.duration)))


def counted(number: int, what: str) -> str:
    """ "1 note", "3 notes": a number and what it counts."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def one_line(text: str, most: int = 100) -> str:
    """Text of a file as a short line of characters that can be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]


def told(said: Counter[str]) -> list[str]:
    """Remarks on what was met how often: "3 times: note without length left out"."""
    return [what if number == 1 else f"{number:,} times: {what}" for what, number in said.items()]
