"""Which column of a table holds the SMILES, and which the names, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean
from genapps_molecule.chemistry import Unreadable, read_smiles

SAMPLE = 50  # first rows that are looked at
_NAMES = ("name", "id", "title", "compound", "molecule_name", "compound_name", "common_name", "identifier")


def smiles_column(source: str, header: Sequence[str], rows: Sequence[Sequence[str]], wanted: str | None) -> int:
    """The position of the column: the wanted one by name or by number from 1, one called SMILES, or one that holds it.

    Raises UsageError for a wanted one that is not there, InputError where none is found.
    """
    plain = [name.strip().lower() for name in header]
    if wanted is not None:
        position = int(wanted) - 1 if wanted.isdigit() and 1 <= int(wanted) <= len(header) else None
        if position is not None and is_molecule(header[position]):  # there is no header
            return position
        if wanted in header or wanted.strip().lower() in plain:
            return list(header).index(wanted) if wanted in header else plain.index(wanted.strip().lower())
        if position is not None:
            return position
        there = ", ".join(header[:20])
        raise UsageError(f"{source}: no column {wanted!r}.{did_you_mean(wanted, header)} There are: {there}")
    called = [i for i, name in enumerate(plain) if "smiles" in name]
    if called:
        return min(called, key=lambda i: (plain[i] != "smiles", i))
    atoms = [_atoms([row[i] for row in rows if i < len(row)]) for i in range(len(header))]
    if not any(atoms):
        there = ", ".join(name[:40] for name in header[:20])
        raise InputError(f"{source}: no column holds SMILES; name it with --column. There are: {there}")
    return atoms.index(max(atoms))


def name_column(header: Sequence[str], smiles: int) -> int | None:
    """The position of the column that says what a molecule is called, if one does."""
    plain = [name.strip().lower() for name in header]
    for name in _NAMES:
        if name in plain and plain.index(name) != smiles:
            return plain.index(name)
    return next((i for i, name in enumerate(plain) if name.endswith(("_id", " id")) and i != smiles), None)


def rest_of(header: Sequence[str], smiles: int, name: int | None) -> dict[str, int]:
    """The other columns, by what they are called; that with names among them where it is called otherwise."""
    named = name if name is not None and header[name].strip().lower() == "name" else None
    return {label.strip(): i for i, label in enumerate(header) if i not in (smiles, named) and label.strip()}


def is_molecule(text: str) -> bool:
    """Whether a text is one SMILES."""
    return _atoms([text]) > 0


def _atoms(texts: Sequence[str]) -> int:
    """How many atoms the texts are together; 0 where fewer than half of them are molecules."""
    filled = [text.strip() for text in texts if text.strip()]
    found = []
    for text in filled:
        try:
            found.append(read_smiles(text).GetNumAtoms())
        except Unreadable:
            continue
    return sum(found) if 2 * len(found) >= len(filled) else 0
