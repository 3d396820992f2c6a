"""Weights are numbers at known places of a known file: any other file, and any other place, is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from genapps.errors import InputError
from genapps_image.features.weights import read_weights

NUMBERS = torch.arange(6.0)
DATA = b"program" + (6).to_bytes(8, "little") + NUMBERS.numpy().astype("<f4").tobytes() + b"end"
START = 15
FLAT = (START, [6], [1])


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "w.pth").write_bytes(DATA)
    return tmp_path / "w.pth"


def test_numbers_come_in_their_shape(path: Path) -> None:
    found = read_weights(path, sha(DATA), {"a": (START, [2, 3], [3, 1]), "b": FLAT, "turned": (START, [3, 2], [1, 3])})
    assert torch.equal(found["a"], NUMBERS.view(2, 3))
    assert torch.equal(found["b"], NUMBERS)
    assert torch.equal(found["turned"], NUMBERS.view(2, 3).T)


def test_a_file_that_differs_by_one_bit_is_refused(path: Path) -> None:
    for place in range(len(DATA)):
        changed = bytearray(DATA)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(InputError, match=r"w\.pth: not the weights that are known"):
            read_weights(path, sha(DATA), {"a": FLAT})


def test_a_file_cut_short_anywhere_is_refused(path: Path) -> None:
    for size in range(len(DATA)):
        path.write_bytes(DATA[:size])
        with pytest.raises(InputError, match="not the weights"):
            read_weights(path, sha(DATA), {"a": FLAT})
    path.write_bytes(DATA[: START + 23])
    with pytest.raises(InputError, match="not where the layout says"):
        read_weights(path, sha(DATA[: START + 23]), {"a": FLAT})


@pytest.mark.parametrize(
    "place",
    [
        *((start, [6], [1]) for start in (-4, 0, 7, START - 1, START + 4, len(DATA), 2**40)),
        *((START, shape, [1]) for shape in ([5], [7], [0])),
        *((START, [2, 3], steps) for steps in ([3, 2], [0, 1], [-3, 1])),
    ],
    ids=str,
)
def test_another_place_is_refused(path: Path, place: tuple[int, list[int], list[int]]) -> None:
    with pytest.raises(InputError, match="a is not where the layout says"):
        read_weights(path, sha(DATA), {"a": place})
