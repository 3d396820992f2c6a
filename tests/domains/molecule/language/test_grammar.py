"""Whatever the grammar lets through is read by RDKit, and whatever RDKit writes is let through."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from genapps_molecule.language.grammar import Kind, Syntax, _count, kind_of
from genapps_molecule.language.smiles import Vocabulary

# Spiro centers (a number is not used again at its atom), bridges, charges, bonds to rings, parts, ten rings at once.
WRITTEN = [
    "C",
    "CC(C)(C)c1ccc(cc1)C(=O)N1CCOCC1",
    "C[C@H]1CCCC[C@]12NC(=O)N(C)C2=O",
    "O=C1N(CCO)C2=CCCC[C@]23c2[nH]c4ccccc4c2CCN13",
    "F/C=C/Cl",
    "C1CC=1",
    "[Na+].CC(=O)[O-]",
    "N#Cc1ccc2[nH]ccc2c1",
    "[13CH3]C",
    "C12C3C4C1C1C2C3C41",
    "C%10CCC%10",
]
VOCABULARY = Vocabulary.of(["[nH][O-]%10"] * 20)
SYNTAX = Syntax(VOCABULARY)
SIZE = len(VOCABULARY)
# How often each code is drawn below, and the end. What the grammar leaves to RDKit is left out or rare: odd atoms in
# brackets, ends of a ring with different bonds, rings between neighbors.
DRAWN = torch.tensor([*(0 if t in {*"[.-#$:/\\"} else 0.1 if t.isdigit() else 1 for t in VOCABULARY.texts), 1.0])


def walk(text: str) -> tuple[list[bool], torch.Tensor]:
    """Whether each code of a text was allowed, and the state after it."""
    state, allowed = SYNTAX.start(1), []
    for code in VOCABULARY.encode([text]).values.long():
        allowed.append(bool(SYNTAX.allowed(state, 999, False)[0, code]))
        state = SYNTAX.advance(state, code[None])
    return allowed, state


@pytest.mark.parametrize("text", WRITTEN[:-1])
def test_what_is_written_canonically_is_allowed(text: str) -> None:
    allowed, state = walk(text)
    assert all(allowed)
    assert SYNTAX.allowed(state, 999, False)[0, SIZE]


@pytest.mark.parametrize(
    "text",
    [
        "(C)",
        "C(",
        "C()",
        "C)",
        "C==C",
        "C=",
        "C1CC",
        "C11",
        "1CC1",
        "C.",
        "C(.C)",
        "C=)",
        "[nH",
        "[]",
        "C2CC2",
        "C(1CC1)",
        "C1C1",  # a second bond between two neighbors
        "CC1C=1",
        "C1[13CH2]1",
        "C1(C1)",
    ],
)
def test_what_no_molecule_is_written_as_is_refused(text: str) -> None:
    allowed, state = walk(text)
    assert not (all(allowed) and SYNTAX.allowed(state, 999, False)[0, SIZE])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("left", [1, 2, 3, 7, 25])
def test_every_text_that_was_begun_ends_in_time(left: int, exact: bool) -> None:
    """Codes drawn evenly from what is allowed: never stuck, never too long, and RDKit reads what has no odd atoms."""
    draws, rows = torch.Generator().manual_seed(left), 400
    state, texts, live = SYNTAX.start(rows), [""] * rows, torch.ones(rows, dtype=torch.bool)
    for step in range(left + 1):
        allowed = SYNTAX.allowed(state, left - step, exact)
        assert allowed[live].any(1).all()
        codes = torch.multinomial(torch.where(live[:, None], allowed, True) * DRAWN, 1, generator=draws)[:, 0]
        live &= codes < SIZE
        for row in live.nonzero()[:, 0].tolist():
            texts[row] += VOCABULARY.texts[codes[row]]
        state = torch.where(live[:, None], SYNTAX.advance(state, codes.clamp_max(SIZE - 1)), state)
    assert not live.any()
    assert all(len(VOCABULARY.encode([text]).values) == left for text in texts) or not exact
    unread = [text for text in texts if Chem.MolFromSmiles(text, sanitize=False) is None]
    assert len(unread) <= 0.02 * rows  # a ring between neighbors is a second bond: C1C1


def test_a_ring_number_is_opened_lowest_first_and_not_twice_at_an_atom() -> None:
    digits = [VOCABULARY.texts.index(digit) for digit in "123"]

    def rings(text: str) -> list[bool]:
        return SYNTAX.allowed(walk(text)[1], 99, False)[0, digits].tolist()  # type: ignore[no-any-return]

    assert rings("C") == [True, False, False]
    assert rings("C1") == [False, True, False]
    assert rings("C1CC") == [True, True, False]
    assert rings("C1CC1") == [False, True, False]  # a spiro center closes 1 and opens 2
    assert rings("C1CC1C") == [True, False, False]


@given(st.integers(0, 2**60 - 1))
def test_bits_are_counted(bits: int) -> None:
    assert int(_count(torch.tensor(bits))) == bits.bit_count()


def test_kinds() -> None:
    assert [kind_of(text) for text in ("C", "[nH]", "Cl", "%12", "7", "=", "@", "[", "H")] == [
        Kind.ATOM, Kind.ATOM, Kind.ATOM, Kind.RING, Kind.RING, Kind.BOND, Kind.INSIDE, Kind.BRACKET, Kind.INSIDE
    ]  # fmt: skip
