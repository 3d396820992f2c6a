"""SMILES as codes: one an atom, bond, ring number or branch, and any other text character by character.

A bracket atom that many molecules share ([nH], [C@@H], [N+]) is one code; a rare one ([13CH3], [Fe+2]) is spelled, so
that whatever can be written can be encoded, and decoding gives the same text back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from genapps.batches import Ragged
from genapps.errors import InputError

# What a SMILES may consist of (OpenSMILES, section 3), character by character.
CHARACTERS = "#$%()*+-./0123456789:=@ABCDEFGHIKLMNOPRSTUVWXYZ[\\]abcdefghiklmnoprstuvy~"
_PARTS = re.compile(r"\[[^\[\]]*\]|Br|Cl|%\d\d")  # texts of several characters that may be one code
_BREAK = ord("\n")
_MOST = 256  # codes, so that each is a byte
_FIRST = 0xE000  # where Unicode's private characters begin: each stands for a text of several characters


@dataclass(frozen=True)
class Vocabulary:
    """Which text each code stands for: every single character of SMILES, and longer texts that many molecules share."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, smiles: Iterable[str], least: int = 20) -> Vocabulary:
        """All characters, and the texts of several that occur at least that often, most frequent first; 256 at most."""
        counts = Counter(part for text in smiles for part in _PARTS.findall(text))
        counts.update(dict.fromkeys(("Cl", "Br"), counts.total() + least))  # codes of their own, however rare
        longer = [text for text, count in counts.most_common(_MOST - len(CHARACTERS)) if count >= least]
        return cls((*CHARACTERS, *longer))

    def __len__(self) -> int:
        return len(self.texts)

    def encode(self, smiles: Sequence[str]) -> Ragged:
        """Codes of each text, uint8. Raises InputError naming the first text with a character that SMILES has not."""
        joined = "\n".join(smiles)
        if not joined.isascii() or joined.count("\n") > max(len(smiles) - 1, 0):
            raise self._foreign(smiles)
        for text, character in self._shorter:
            joined = joined.replace(text, character)
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        codes = self._codes[points]
        if (codes < 0).any():
            raise self._foreign(smiles)
        breaks = np.flatnonzero(points == _BREAK)
        lengths = np.diff(breaks, prepend=-1, append=len(points)) - 1 if smiles else np.zeros(0, np.int64)
        return Ragged(torch.from_numpy(codes[points != _BREAK].astype(np.uint8)), torch.from_numpy(lengths))

    def _foreign(self, smiles: Sequence[str]) -> InputError:
        known = set(CHARACTERS)
        text, character = next((text, c) for text in smiles for c in text if c not in known)
        return InputError(f"{character!r} in {text[:80]!r} is no character of SMILES")

    def decode(self, codes: Ragged) -> list[str]:
        """The texts of codes."""
        texts = np.array(self.texts, object)[codes.values.numpy()]
        ends = codes.lengths.cumsum(0).tolist()
        return ["".join(texts[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    @cached_property
    def _shorter(self) -> list[tuple[str, str]]:
        """Each longer text and the character that stands for it, bracket atoms first: they may hold the others."""
        longer = [(text, chr(_FIRST + code)) for code, text in enumerate(self.texts) if len(text) > 1]
        return sorted(longer, key=lambda pair: (pair[0][0] != "[", -len(pair[0])))

    @cached_property
    def _codes(self) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        """The code of each character, the private ones too; -1 where it has none, 0 for the end of a line."""
        codes = np.full(_FIRST + len(self.texts), -1, np.int16)
        for code, text in enumerate(self.texts):
            codes[ord(text) if len(text) == 1 else _FIRST + code] = code
        codes[_BREAK] = 0
        return codes
