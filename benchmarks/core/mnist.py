"""MNIST under the project's one protocol for likelihoods of black-and-white images.

Training images are binarised afresh each epoch: a pixel is 1 with the probability of its grey value. The test images
are binarised once in the same way with a fixed seed, so that every model is judged on the same bits (as Salakhutdinov
and Murray 2008 did, whose own bits are another draw).
"""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import torch
from torch import Tensor

SEED = 20080705
HELD_OUT = 10_000  # the last training images: all choices are made on them, never on the test images


def folder() -> Path | None:
    """Where the four files lie, or None; what is skipped for want of them is said on stderr."""
    places = [Path(os.environ["GENAPPS_DATA"])] if os.environ.get("GENAPPS_DATA") else []
    places.append(Path(__file__).resolve().parents[3] / "shared" / "data")
    for place in places:
        if (place / "image" / "mnist" / "train-images-idx3-ubyte.gz").exists():
            return place / "image" / "mnist"
    print("skipped: no image/mnist in GENAPPS_DATA or ../shared/data", file=sys.stderr)
    return None


def train_images() -> Tensor:
    """Grey values (60000, 28, 28) uint8 in the order of the files."""
    return _read("train-images-idx3-ubyte.gz", 16).view(-1, 28, 28)


def train_labels() -> Tensor:
    """Digits (60000,)."""
    return _read("train-labels-idx1-ubyte.gz", 8).long()


def test_images() -> Tensor:
    """Grey values (10000, 28, 28) uint8."""
    return _read("t10k-images-idx3-ubyte.gz", 16).view(-1, 28, 28)


def test_labels() -> Tensor:
    """Digits (10000,)."""
    return _read("t10k-labels-idx1-ubyte.gz", 8).long()


def test_binary() -> Tensor:
    """The test images as bits (10000, 28, 28) uint8, the same for every model."""
    return binarised(test_images(), torch.Generator().manual_seed(SEED))


def binarised(grey: Tensor, generator: torch.Generator) -> Tensor:
    """Bits drawn with the probability of the grey values (N, 28, 28) uint8."""
    return (torch.rand(grey.shape, generator=generator) < grey.float() / 255).to(torch.uint8)


def _read(name: str, header: int) -> Tensor:
    place = folder()
    if place is None:
        raise SystemExit(0)
    data = gzip.decompress((place / name).read_bytes())
    return torch.frombuffer(bytearray(data[header:]), dtype=torch.uint8)
