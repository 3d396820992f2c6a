"""What may come next in a SMILES: branches close, rings close, a bond leads to an atom.

The rules of OpenSMILES (section 3.9, "Grammar") as far as they concern the text alone, read along with many texts at
once. Ring numbers are opened lowest first, as every canonical writer does. A text that was begun can always be ended in
the codes that are left: nothing is opened that could not be closed.
"""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor

from genapps_molecule.language.smiles import CHARACTERS, Vocabulary

MOST_RINGS = 60  # ring numbers that are kept apart, as bits of an integer
MOST_SPELLED = 12  # characters of a bracket atom that is spelled


class Kind(IntEnum):
    """What a code is to the grammar, and what the code before was."""

    START = 0  # before the first code, or after a dot
    ATOM = 1
    BOND = 2
    OPEN = 3
    CLOSE = 4
    RING = 5
    DOT = 6
    BRACKET = 7  # begins an atom that is spelled
    INSIDE = 8  # a character that stands only in a spelled atom
    UNBRACKET = 9
    NEVER = 10


_ATOMS = {*"BCNOPSFIbcnops*", "Cl", "Br"}
_BONDS = frozenset("-=#$:/\\")
_SPELLS = frozenset(c for c in CHARACTERS if c.isalnum() or c in "@+-:*")
_SIMPLE = {"(": Kind.OPEN, ")": Kind.CLOSE, ".": Kind.DOT, "[": Kind.BRACKET, "]": Kind.UNBRACKET}

# What may follow what, outside of spelled atoms and but for what depths and open rings say.
_FOLLOWS = {
    Kind.START: {Kind.ATOM, Kind.BRACKET},
    Kind.ATOM: {Kind.ATOM, Kind.BRACKET, Kind.BOND, Kind.OPEN, Kind.CLOSE, Kind.RING, Kind.DOT},
    Kind.BOND: {Kind.ATOM, Kind.BRACKET, Kind.RING},
    Kind.OPEN: {Kind.ATOM, Kind.BRACKET, Kind.BOND},
    Kind.CLOSE: {Kind.ATOM, Kind.BRACKET, Kind.BOND, Kind.OPEN, Kind.CLOSE, Kind.DOT},
    Kind.RING: {Kind.ATOM, Kind.BRACKET, Kind.BOND, Kind.OPEN, Kind.CLOSE, Kind.RING, Kind.DOT},
}


def kind_of(text: str) -> Kind:
    """What a text of the vocabulary is outside of a spelled atom."""
    if text in _ATOMS or (text.startswith("[") and len(text) > 1):
        return Kind.ATOM
    if text in _BONDS:
        return Kind.BOND
    if text in _SIMPLE:
        return _SIMPLE[text]
    if text.isdigit() or (text.startswith("%") and text[1:].isdigit()):
        return Kind.RING
    return Kind.INSIDE


class Syntax:
    """The grammar of a vocabulary, as the `Grammar` of an autoregressive model.

    A state (B, 6) holds for each text the kind of its last code, the depth of its branches, which rings are open, which
    of them the last atom has opened or closed, how many characters of a spelled atom were read (0: not inside one), and
    which rings the atom before has opened or closed (-1 between a branch and the next atom: that one is not known).
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        kinds = [kind_of(text) for text in vocabulary.texts]
        self.kinds = torch.tensor(kinds)
        numbers = [
            int(text.lstrip("%")) if kind is Kind.RING else -1
            for text, kind in zip(vocabulary.texts, kinds, strict=True)
        ]
        self.rings = torch.tensor([number if number < MOST_RINGS else -1 for number in numbers])
        self.spells = torch.tensor(
            [(len(text) == 1 and text.isalnum()) or text in "@+-:*" for text in vocabulary.texts]
        )
        follows = torch.zeros(len(Kind), len(Kind), dtype=torch.bool)
        for before, after in _FOLLOWS.items():
            follows[before, list(after)] = True
        self.follows = follows[:, self.kinds]  # (kinds before, codes)
        self.follows[:, (self.kinds == Kind.RING) & (self.rings < 0)] = False

    def start(self, n: int) -> Tensor:
        """The states of n empty texts."""
        return torch.zeros(n, 6, dtype=torch.long)

    def advance(self, state: Tensor, codes: Tensor) -> Tensor:
        """The states after codes (B,), whether or not the grammar allows them: a prompt is read as it is."""
        _, depth, rings, fresh, spelled, near = state.unbind(1)
        kind, inside = self.kinds[codes], spelled > 0
        ends = inside & (kind == Kind.UNBRACKET)
        kind = torch.where(inside, torch.where(ends, Kind.ATOM, Kind.INSIDE), kind)
        depth = (depth + (kind == Kind.OPEN).long() - (kind == Kind.CLOSE).long()).clamp_min(0)
        bit = torch.where(kind == Kind.RING, 1 << self.rings[codes].clamp_min(0), 0)
        begins = kind == Kind.BRACKET
        moves = begins | ((kind == Kind.ATOM) & ~ends)  # on to an atom that is bonded to the one before
        near = torch.where(moves, torch.where(near < 0, 0, fresh), torch.where(kind == Kind.CLOSE, -1, near))
        fresh = torch.where(kind == Kind.ATOM, 0, fresh) | bit
        spelled = torch.where(begins, 1, torch.where(inside & ~ends, spelled + 1, 0))
        last = torch.where(kind == Kind.DOT, Kind.START, kind)
        return torch.stack([last, depth, rings ^ bit, torch.where(begins, 0, fresh), spelled, near], 1)

    def allowed(self, state: Tensor, left: int, exact: bool) -> Tensor:
        """Which codes may follow (B, size + 1), the last one for the end; `left` codes are left."""
        last, depth, rings, fresh, spelled, near = (column[:, None] for column in state.unbind(1))
        kinds, bits = self.kinds, 1 << self.rings.clamp_min(0)
        ring, known = kinds == Kind.RING, (rings & bits) != 0
        taken = rings | fresh | 1  # a number is not used twice at an atom, and 0 is only closed
        may = self.follows[last[:, 0].clamp_max(Kind.RING)]
        still = depth + _count(rings)
        # A ring closed next to where it was opened is a second bond; where there is room an atom comes first.
        bonded = fresh | torch.where(still <= left - 1, near, 0)
        may = may & (~ring | torch.where(known, (bonded & bits) == 0, bits == ~taken & (taken + 1)))
        may &= (kinds != Kind.CLOSE) | (depth > 0)
        may &= (kinds != Kind.DOT) | ((depth == 0) & (rings == 0))
        may &= still + self._more(rings, fresh, known, bits) <= left - 1
        ends_atom = kinds == Kind.UNBRACKET
        within = torch.where(ends_atom, spelled > 1, self.spells & (spelled <= MOST_SPELLED))
        within &= still + (~ends_atom).long() <= left - 1
        may = torch.where(spelled > 0, within, may)
        whole = (last == Kind.ATOM) | (last == Kind.CLOSE) | (last == Kind.RING)
        ends = whole & (depth == 0) & (rings == 0) & (not exact or left == 0)
        return torch.cat([may, ends], 1)

    def _more(self, rings: Tensor, fresh: Tensor, known: Tensor, bits: Tensor) -> Tensor:
        """How many more codes each code (B, size) asks for than were needed to end before it."""
        kinds = self.kinds
        ring = kinds == Kind.RING
        opened = torch.where(ring, rings ^ bits, rings)
        # An atom must come after a bond, an opening or a dot, before a ring closes that was opened at this same atom,
        # and before one closes after a branch.
        waits = (kinds == Kind.BOND) | (kinds == Kind.OPEN) | (kinds == Kind.DOT)
        waits = waits | ((kinds == Kind.CLOSE) & (rings != 0)) | (ring & (((fresh | bits) & opened) != 0))
        change = torch.where(ring, torch.where(known, -1, 1), 0)
        change = (
            change + (kinds == Kind.OPEN).long() - (kinds == Kind.CLOSE).long() + 2 * (kinds == Kind.BRACKET).long()
        )
        return change + waits.long()


def _count(bits: Tensor) -> Tensor:
    """How many bits are set in each integer below 2 ** MOST_RINGS: sums of neighbors, twice as wide each time."""
    pairs = bits - ((bits >> 1) & 0x5555555555555555)
    fours = (pairs & 0x3333333333333333) + ((pairs >> 2) & 0x3333333333333333)
    eights = (fours + (fours >> 4)) & 0x0F0F0F0F0F0F0F0F
    sums = eights + (eights >> 8)
    sums = sums + (sums >> 16)
    return (sums + (sums >> 32)) & 0x7F
