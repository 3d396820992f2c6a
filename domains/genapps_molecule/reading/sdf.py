"""The records of an SDF, each on its own: one that is broken costs itself only.

The format is that of BIOVIA's "CTfile Formats" (V2000 and V3000).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rdkit import Chem

from genapps_molecule.chemistry import KEEP, MOST_ATOMS, Treatment, Unreadable, treated

LONGEST = 2 * 2**20  # characters of a record
_MOST_WITH_HYDROGENS = 4 * MOST_ATOMS
_END = "$$$$"
_FIELD = re.compile(r"^>[^<\n]*<([^>\n]+)>[^\n]*\n((?:(?!>)[^\n]*\S[^\n]*(?:\n|\Z))*)", re.MULTILINE)


def records_of(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each record's text with the line it begins on; of one that is too long, its beginning."""
    kept: list[str] = []
    first, size = 1, 0
    for number, line in enumerate(lines, 1):
        if line.startswith(_END):
            yield first, "\n".join(kept)
            kept, first, size = [], number + 1, 0
        elif size <= LONGEST:
            kept.append(line)
            size += len(line) + 1
    if any(line.strip() for line in kept):
        yield first, "\n".join(kept)


def read_block(text: str, treatment: Treatment = KEEP) -> Chem.Mol:
    """The molecule of a record. Raises Unreadable where it is none, or is too large."""
    if len(text) > LONGEST:
        raise Unreadable(f"more than {LONGEST:,} characters")
    if (atoms := _declared(text)) > _MOST_WITH_HYDROGENS:
        raise Unreadable(f"{atoms:,} atoms, where {MOST_ATOMS:,} beside hydrogen are the most")
    mol = _parsed(text, True) or _parsed(text, False)  # the second, so that what is wrong with it can be said
    if mol is None:
        raise Unreadable("no record of a molecule")
    return treated(mol, treatment)


def _parsed(text: str, sanitize: bool) -> Chem.Mol | None:
    try:
        return Chem.MolFromMolBlock(text, sanitize=sanitize, removeHs=False)
    except (ValueError, RuntimeError):
        return None


def title(text: str) -> str:
    """What a record calls its molecule."""
    return text.partition("\n")[0].strip()


def fields(text: str) -> dict[str, str]:
    """What a record says of its molecule, by name; several lines are joined by spaces."""
    return {name: " ".join(value.split()) for name, value in _FIELD.findall(text)}


def _declared(text: str) -> int:
    """How many atoms a record says it has."""
    counts = re.search(r"^M  V30 COUNTS +(\d+)", text[:100_000], re.MULTILINE)
    if counts:
        return int(counts[1])
    lines = text.split("\n", 4)
    number = lines[3][:3].strip() if len(lines) > 3 else ""
    return int(number) if number.isdigit() else 0
