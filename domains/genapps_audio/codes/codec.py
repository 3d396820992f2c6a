"""Waves as codes and back by a network that was learnt on spectra of their kind; phases are found again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.spaces import Categorical, Frames
from genapps.training.settings import Event
from genapps_audio.codes.learning import learn, timed
from genapps_audio.codes.network import CodecNet, Shape
from genapps_audio.records import Wave
from genapps_audio.signal.phase import griffin_lim
from genapps_audio.signal.spectra import stft

DOMAIN, TASK = "audio", "codes"
ROUNDS = 48  # of the search for phases
_WINDOW = 0.032  # seconds that a spectrum is taken of
_QUIET = 1e-3  # magnitude below which differences do not count, beside a loudness of one
_LOUDEST = 80.0  # dB beside a clip's loudness that a frame can have
_MOST = 2**27  # numbers to learn from
_MOST_SIZE = 2**16  # codes, latents, channels that a file may say


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
        """Learn from waves (T,) of any loudness. budget: seconds; steps: instead of a time; 0: principal components."""
        if not waves:
            raise InputError("no waves to learn a codec from")
        shape = shape or Shape()
        rows = blocks_of((decibels(wave, rate) for wave in waves), shape.together)
        net, taken = learn(rows, shape, recipe=timed(budget, steps, device), seed=seed, progress=progress)
        return cls(net, rate, {"steps": taken, "waves": len(waves), "seed": seed})

    @property
    def shape(self) -> Shape:
        """The network's."""
        return self.net.shape

    @property
    def hop(self) -> int:
        """Samples of a frame of codes."""
        return self.shape.together * n_fft_of(self.rate) // 4

    def bit_rate(self, books: int | None = None) -> float:
        """Bits a second of so many books; of all if not given. A clip's loudness comes once on top."""
        return (books or self.shape.books) * math.log2(self.shape.size) * self.rate / self.hop

    @torch.no_grad()
    def encode(self, wave: Wave) -> tuple[Tensor, float]:
        """Codes (Q, T') of a wave (T,), the last frame filled up with silence, and its loudness."""
        blocks = blocks_of([decibels(wave, self.rate)], self.shape.together)
        return self.net.coded(blocks.T[None])[0], levelled(wave)[1]

    @torch.no_grad()
    def decode(self, codes: Tensor, level: float = 0.1, length: int | None = None, *, rounds: int = ROUNDS) -> Wave:
        """The wave (length,) of codes (Q', T'), of the first books only if there are fewer.

        rounds: of Griffin and Lim's algorithm. Raises UsageError for codes that are none of this codec's.
        """
        if codes.dim() != 2 or not 1 <= len(codes) <= self.shape.books or not codes.shape[1]:
            raise UsageError(f"codes of shape {tuple(codes.shape)}; they are (1 to {self.shape.books} books, frames)")
        if int(codes.min()) < 0 or int(codes.max()) >= self.shape.size:
            raise UsageError(f"codes lie between 0 and {self.shape.size - 1}")
        n_fft = n_fft_of(self.rate)
        frames = self.net.decoded(codes[None])[0].T.reshape(codes.shape[1] * self.shape.together, -1)
        magnitude = (10 ** (frames.clamp_max(_LOUDEST) / 20) - _QUIET).clamp_min(0).mT * (n_fft / 4)
        draws = torch.Generator().manual_seed(0)
        wanted = codes.shape[1] * self.hop if length is None else length
        found = griffin_lim(magnitude, n_fft, length=wanted, rounds=rounds, generator=draws)
        return (found * level).numpy().astype(np.float32)

    def space(self, frames: int) -> Frames:
        """The space of clips of at most so many frames, a row of codes each, one of each book."""
        return Frames((Categorical(self.shape.size),) * self.shape.books, frames)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        from genapps.io.artifact import write_artifact

        arrays = {name: tensor.detach().numpy() for name, tensor in self.net.state_dict().items()}
        header = {"domain": DOMAIN, "task": TASK, "rate": self.rate, "shape": self.shape.to_json()}
        write_artifact(path, arrays, {**header, "card": dict(self.card)})

    @classmethod
    def load(cls, path: str | Path) -> WaveCodec:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact, told_version

        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if (header.get("domain"), header.get("task")) != (DOMAIN, TASK):
            raise InputError(f"{path}: holds no codec of waves")
        try:
            rate, shape = int(header["rate"]), Shape(**header["shape"])
            tensors = {name: torch.from_numpy(array) for name, array in artifact.tensors.items()}
            net = restored(shape, tensors)
            if len(net.mean) != shape.together * (n_fft_of(rate) // 2 + 1):
                raise ValueError("rate and spectra do not go together")
            return cls(net, rate, header.get("card", {}))
        except (KeyError, TypeError, ValueError, RuntimeError, UsageError) as error:
            raise InputError(
                f"{path}: does not hold what a codec of waves must{told_version(header)}; learn it again"
            ) from error


def restored(shape: Shape, tensors: Mapping[str, Tensor]) -> CodecNet:
    """The network of a shape with what was kept of it. Raises ValueError, KeyError or RuntimeError where that is not
    a network of this shape."""
    sizes = tuple(shape.to_json().values())
    if not all(type(size) is int for size in sizes) or max(sizes) > _MOST_SIZE:
        raise ValueError("no shape of a codec")
    if tensors["quantizer.books"].shape != (shape.books, shape.size, shape.latent):
        raise ValueError("books of another shape")
    net = CodecNet(shape, len(tensors["mean"]), torch.Generator())
    net.load_state_dict(dict(tensors))
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ValueError("weights that are no numbers")
    return net.eval()


def n_fft_of(rate: int) -> int:
    """Samples of a spectrum: the power of two that is nearest to 32 ms."""
    return 1 << max(5, round(math.log2(rate * _WINDOW)))


def decibels(wave: Wave, rate: int) -> Tensor:
    """(T', F) of a wave (T,) of any loudness, beside it: none 60 dB below a loudness of one."""
    n_fft = n_fft_of(rate)
    magnitude = stft(torch.from_numpy(levelled(wave)[0]), n_fft).abs() / (n_fft / 4)
    return (20 * (magnitude + _QUIET).log10()).mT


def blocks_of(clips: Iterable[Tensor], together: int) -> Tensor:
    """(N, together F) of clips (T', F) one after the other, their last frame held on where a block is not full.

    No clip that would go over what is learnt from is looked at.
    """
    found, numbers = [], 0
    for frames in clips:
        rest = -len(frames) % together
        whole = torch.cat([frames, frames[-1:].expand(rest, -1)]) if rest else frames
        found.append(whole.reshape(-1, together * frames.shape[1]))
        numbers += whole.numel()
        if numbers > _MOST:
            break
    return torch.cat(found)


def levelled(wave: Wave) -> tuple[Wave, float]:
    """A wave (T,) of a loudness of one, and the loudness it had."""
    level = max(float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) if len(wave) else 0.0, 1e-4)
    return np.ascontiguousarray(wave, np.float32) / np.float32(level), level
