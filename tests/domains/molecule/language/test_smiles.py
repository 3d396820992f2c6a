"""Texts become codes and the same texts again, whatever is written in brackets."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genapps.errors import InputError
from genapps_molecule.language.smiles import CHARACTERS, Vocabulary

SEEN = ["C[C@@H](N)C(=O)O", "c1cc[nH]c1", "ClCBr", "C%12CC%12"] * 20
VOCABULARY = Vocabulary.of(SEEN)


def test_what_many_share_is_one_code_and_what_is_rare_is_spelled() -> None:
    codes = VOCABULARY.encode(["c1cc[nH]c1", "[13CH4]", "ClBr", "C%123CC%12CC3"])
    assert codes.lengths.tolist() == [7, 7, 2, 9]
    assert VOCABULARY.decode(codes) == ["c1cc[nH]c1", "[13CH4]", "ClBr", "C%123CC%12CC3"]


@example(["", "C", ""])
@example([""])
@example([])
@example(["[Cl-]", "[ClH2+]", "[[Br]]", "%1", "lC", "C" * 5000])
@given(st.lists(st.lists(st.sampled_from([*CHARACTERS, "Cl", "Br", "[nH]", "%12", "[C@@H]"])).map("".join), max_size=9))
def test_decoding_gives_the_text_back(texts: list[str]) -> None:
    codes = VOCABULARY.encode(texts)
    assert VOCABULARY.decode(codes) == texts
    assert (codes.values < len(VOCABULARY)).all()


@pytest.mark.parametrize("text", ["C C", "CÇ", "C\nC", "C\ue000", "q", "\x00", "C\ttail"])
def test_other_characters_are_refused_with_their_text(text: str) -> None:
    with pytest.raises(InputError, match="no character of SMILES"):
        VOCABULARY.encode(["CC", text])


def test_there_are_never_more_codes_than_a_byte_has() -> None:
    texts = [f"[{mass}CH3]" for mass in range(1, 400) for _ in range(2)]
    vocabulary = Vocabulary.of(texts, least=2)
    assert len(vocabulary) == 256 and {"Cl", "Br"} < set(vocabulary.texts)
    assert vocabulary.decode(vocabulary.encode(texts)) == texts
