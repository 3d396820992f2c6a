"""Whether a training set held a molecule, and which known molecule is nearest to it."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps_molecule.chemistry import read_smiles
from genapps_molecule.traits.fingerprints import fingerprints, nearest

_FALSE = 0.001  # share of molecules that were not in a set and are taken for members


@dataclass(frozen=True)
class Members:
    """A set of texts as a Bloom filter (Bloom 1970): no member is missed, and few others are taken for one.

    bits: packed, little end first. probes: how many bits stand for each text. size: texts in it. false: the share of
    other texts that are taken for members.
    """

    bits: NDArray[np.uint8]
    probes: int
    size: int
    false: float

    @classmethod
    def of(cls, texts: Iterable[str], size: int, false: float = _FALSE) -> Members:
        """The filter of at most `size` texts, of the least bits that keep the share of false answers."""
        count = max(64, math.ceil(-size * math.log(false) / math.log(2) ** 2))
        probes = max(1, round(-math.log2(false)))
        bits = np.zeros(-(-count // 8), np.uint8)
        there = 0
        for block in _blocks(texts):
            there += len(block)
            places = _places(block, probes, 8 * len(bits)).ravel()
            np.bitwise_or.at(bits, places >> 3, (1 << (places & 7)).astype(np.uint8))
        return cls(bits, probes, there, false)

    def hold(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each text (N,) is a member."""
        if not texts:
            return np.zeros(0, bool)
        places = _places(texts, self.probes, 8 * len(self.bits))
        return np.asarray(((self.bits[places >> 3] >> (places & 7)) & 1).all(1), bool)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """All that `restore` needs."""
        return {"bits": self.bits}, {"probes": self.probes, "size": self.size, "false": self.false}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any] | None) -> Members | None:
        """What `state` described, or nothing."""
        if facts is None:
            return None
        return cls(
            np.asarray(arrays["bits"], np.uint8), int(facts["probes"]), int(facts["size"]), float(facts["false"])
        )


def _blocks(texts: Iterable[str], rows: int = 65_536) -> Iterable[list[str]]:
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == rows:
            yield block
            block = []
    if block:
        yield block


def _places(texts: Sequence[str], probes: int, count: int) -> NDArray[np.int64]:
    """The bits of each text (N, probes), by two hashes (Kirsch and Mitzenmacher 2006, "Less hashing")."""
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts)
    pair = np.frombuffer(digests, "<u8").reshape(-1, 2) >> np.uint64(16)  # so that the sums do not overflow
    steps = np.arange(probes, dtype=np.uint64)
    return ((pair[:, :1] + steps * pair[:, 1:]) % np.uint64(count)).astype(np.int64)


@dataclass(frozen=True)
class Training:
    """A training set that is small enough to be kept: canonical SMILES and packed fingerprints (N, 128)."""

    smiles: tuple[str, ...]
    prints: NDArray[np.uint8]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """All that `restore` needs."""
        joined = np.frombuffer("\n".join(self.smiles).encode(), np.uint8)
        return {"smiles": joined, "prints": self.prints}, {"size": len(self.smiles)}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any] | None) -> Training | None:
        """What `state` described, or nothing."""
        if facts is None:
            return None
        smiles = tuple(arrays["smiles"].tobytes().decode().split("\n"))
        if not len(smiles) == len(arrays["prints"]) == facts["size"]:
            raise ValueError("a training set and its fingerprints of different lengths")
        return cls(smiles, np.asarray(arrays["prints"], np.uint8))

    @classmethod
    def of(cls, smiles: Sequence[str], mols: Sequence[Chem.Mol]) -> Training:
        """Of canonical SMILES and their molecules."""
        return cls(tuple(smiles), fingerprints(mols))

    def nearest(self, prints: NDArray[np.uint8]) -> tuple[list[str], NDArray[np.float32]]:
        """For each fingerprint (N, 128) the SMILES most like it, and Tanimoto's coefficient (N,)."""
        index, alike = nearest(prints, self.prints)
        return [self.smiles[i] if i >= 0 else "" for i in index], alike


@dataclass(frozen=True)
class Drugs:
    """Approved drugs by name, and their packed fingerprints (N, 128)."""

    names: tuple[str, ...]
    prints: NDArray[np.uint8]

    def nearest(self, prints: NDArray[np.uint8]) -> tuple[list[str], NDArray[np.float32]]:
        """For each fingerprint (N, 128) the name of the drug most like it, and Tanimoto's coefficient (N,)."""
        index, alike = nearest(prints, self.prints)
        return [self.names[i] for i in index], alike


@cache
def known_drugs() -> Drugs:
    """The drugs that come with the package (ChEMBL's approved ones, CC BY-SA 3.0)."""
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    return Drugs(tuple(row["name"] for row in rows), fingerprints([read_smiles(row["smiles"]) for row in rows]))
