"""Waves as codes and back by a network that was learnt on waves of their kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from genapps.errors import InputError, UsageError
from genapps.spaces import Tokens
from genapps.training.settings import Event
from genapps_audio.codes.learning import RECIPE, learn
from genapps_audio.codes.network import CodecNet, Shape
from genapps_audio.records import Wave

DOMAIN, TASK = "audio", "codes"


@dataclass(frozen=True)
class WaveCodec:
    """A learnt codec.

    rate: samples a second of its waves. card: plain JSON: how it was learnt.
    """

    net: CodecNet
    rate: int
    card: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        waves: Sequence[Wave],
        rate: int,
        *,
        shape: Shape | None = None,
        budget: float | None = None,
        steps: int | None = None,
        seed: int = 0,
        device: str = "auto",
        progress: Callable[[Event], None] | None = None,
    ) -> WaveCodec:
        """Learn from waves (T,) of any loudness. budget: seconds; steps: instead of a time."""
        if not waves:
            raise InputError("no waves to learn a codec from")
        recipe = replace(RECIPE, budget=budget or RECIPE.budget, device=device)
        if steps is not None:
            warm = min(recipe.warmup_steps, max(1, steps // 10))
            recipe = replace(recipe, budget=None, epochs=10**9, min_steps=steps, max_steps=steps, warmup_steps=warm)
        shape = shape or Shape()
        net, taken = learn(
            [levelled(wave)[0] for wave in waves], rate, shape, recipe=recipe, seed=seed, progress=progress
        )
        return cls(net, rate, {"steps": taken, "waves": len(waves), "seed": seed})

    @property
    def shape(self) -> Shape:
        """The network's."""
        return self.net.shape

    def bit_rate(self, books: int | None = None) -> float:
        """Bits a second of so many books; of all if not given. A clip's loudness comes once on top."""
        return (books or self.shape.books) * math.log2(self.shape.size) * self.rate / self.shape.hop

    @torch.no_grad()
    def encode(self, wave: Wave) -> tuple[Tensor, float]:
        """Codes (Q, T') of a wave (T,), the last frame filled up with silence, and its loudness."""
        even, level = levelled(wave)
        rest = -len(even) % self.shape.hop
        padded = functional.pad(torch.from_numpy(even), (0, rest))[None, None]
        found: Tensor = self.net.quantizer(self.net.encoder(padded)).codes[0]
        return found, level

    @torch.no_grad()
    def decode(self, codes: Tensor, level: float = 0.1, length: int | None = None) -> Wave:
        """The wave (length,) of codes (Q', T'), of the first books only if there are fewer.

        Raises UsageError for codes that are none of this codec's.
        """
        if codes.dim() != 2 or not 1 <= len(codes) <= self.shape.books or not codes.shape[1]:
            raise UsageError(f"codes of shape {tuple(codes.shape)}; they are (1 to {self.shape.books} books, frames)")
        if int(codes.min()) < 0 or int(codes.max()) >= self.shape.size:
            raise UsageError(f"codes lie between 0 and {self.shape.size - 1}")
        wave: Wave = (self.net.decoded(codes[None])[0, 0] * level).numpy()
        return wave[:length].astype(np.float32)

    def tokens(self, frames: int) -> Tokens:
        """The space of clips of at most so many frames as texts: a frame's books one after the other, each its own."""
        return Tokens(self.shape.books * self.shape.size, frames * self.shape.books)

    def to_tokens(self, codes: Tensor) -> Tensor:
        """(Q T',) of codes (Q, T'), frame by frame; books do not share codes, so each says which it is of."""
        return (codes + torch.arange(len(codes))[:, None] * self.shape.size).T.flatten()

    def from_tokens(self, tokens: Tensor) -> Tensor:
        """Codes (Q, T') of a text, whose last frame is left out where it is not whole; what is of another book is
        taken for the code of the same number in its own."""
        whole = len(tokens) // self.shape.books * self.shape.books
        return (tokens[:whole].long() % self.shape.size).view(-1, self.shape.books).T

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        from genapps.io.artifact import write_artifact

        arrays = {name: tensor.detach().numpy() for name, tensor in self.net.state_dict().items()}
        header = {"domain": DOMAIN, "task": TASK, "rate": self.rate, "shape": self.shape.to_json()}
        write_artifact(path, arrays, {**header, "card": dict(self.card)})

    @classmethod
    def load(cls, path: str | Path) -> WaveCodec:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact

        artifact = read_artifact(path)
        header = artifact.header
        if (header.get("domain"), header.get("task")) != (DOMAIN, TASK):
            raise InputError(f"{path}: holds no codec of waves")
        try:
            shape = Shape(**{**header["shape"], "strides": tuple(header["shape"]["strides"])})
            net = CodecNet(shape, torch.Generator())
            net.load_state_dict({name: torch.from_numpy(array) for name, array in artifact.tensors.items()})
            return cls(net.eval(), int(header["rate"]), header.get("card", {}))
        except (KeyError, TypeError, ValueError, RuntimeError, UsageError) as error:
            raise InputError(f"{path}: does not hold what a codec of waves must; learn it again") from error


def levelled(wave: Wave) -> tuple[Wave, float]:
    """A wave (T,) of a loudness of one, and the loudness it had."""
    level = max(float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) if len(wave) else 0.0, 1e-4)
    return (np.asarray(wave, np.float32) / np.float32(level)), level
