"""What a family is shown of spectrograms: principal components of frames, or of several frames together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genapps_audio.codec import FLOOR

_LOOKED = 200_000  # frames that principal components are learnt from


@dataclass(frozen=True)
class Basis:
    """Principal components: mean (D,) and orthonormal directions (K, D), those of the most variance first."""

    mean: Tensor
    directions: Tensor

    @classmethod
    def of(cls, rows: Tensor, most: int) -> Basis:
        """At most so many of rows (N, D), by the smaller of the two matrices of products."""
        step = -(-len(rows) // _LOOKED)
        some = rows[::step].double()
        mean = some.mean(0)
        some = some - mean
        count = min(most, some.shape[1], max(1, len(some) - 1))
        if len(some) >= some.shape[1]:
            directions = torch.linalg.eigh(some.T @ some).eigenvectors.flip(1)[:, :count].T
        else:
            values, vectors = torch.linalg.eigh(some @ some.T)
            scale = values.flip(0)[:count].clamp_min(1e-12).sqrt()
            directions = vectors.flip(1)[:, :count].T @ some / scale[:, None]
        return cls(mean.float(), directions.float().contiguous())

    def project(self, rows: Tensor) -> Tensor:
        """Coefficients (..., K) of rows (..., D)."""
        return (rows - self.mean) @ self.directions.T

    def restore(self, coefficients: Tensor) -> Tensor:
        """Rows (..., D) of coefficients (..., K)."""
        return coefficients @ self.directions + self.mean


@dataclass(frozen=True)
class View:
    """Patches (N, W, F) as coefficients (N, T, K), and back.

    frame: components of a frame. block: components of `together` frames' components, where they are taken together, so
    that T = W / together; None for each frame by itself.
    """

    frame: Basis
    block: Basis | None = None
    together: int = 1

    @classmethod
    def of(cls, patches: Tensor, coefficients: int, together: int, joined: int) -> View:
        """That of patches (N, W, F): so many components of a frame, and of a block where blocks are longer than 1."""
        frame = Basis.of(patches.flatten(0, 1), coefficients)
        if together == 1:
            return cls(frame)
        rows = frame.project(patches).reshape(-1, together * len(frame.directions))
        return cls(frame, Basis.of(rows, joined), together)

    @property
    def width(self) -> int:
        """K."""
        return len((self.block or self.frame).directions)

    def shown(self, patches: Tensor) -> Tensor:
        """Coefficients (N, T, K)."""
        frames = self.frame.project(patches)
        if self.block is None:
            return frames
        return self.block.project(frames.reshape(len(patches), -1, self.together * frames.shape[2]))

    def patched(self, coefficients: Tensor) -> Tensor:
        """Patches (N, W, F), none below the floor."""
        frames = coefficients.float()
        if self.block is not None:
            frames = self.block.restore(frames).reshape(len(frames), -1, len(self.frame.directions))
        return self.frame.restore(frames).clamp_min(FLOOR)

    def settings(self) -> dict[str, Any]:
        """What else a model file says."""
        return {"together": self.together}

    def state(self) -> dict[str, Tensor]:
        """Arrays for a model file."""
        found = {"frame.mean": self.frame.mean, "frame.directions": self.frame.directions}
        if self.block is not None:
            found |= {"block.mean": self.block.mean, "block.directions": self.block.directions}
        return found

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> View:
        """What `state` gave. Raises KeyError where something is missing."""
        frame = Basis(tensors["frame.mean"], tensors["frame.directions"])
        together = int(settings["together"])
        if together == 1:
            return cls(frame)
        return cls(frame, Basis(tensors["block.mean"], tensors["block.directions"]), together)
