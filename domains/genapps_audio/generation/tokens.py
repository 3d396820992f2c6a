"""What a family of sequences is shown of spectrograms instead of components: the codes of a codec of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genapps.spaces import Categorical, Frames
from genapps.training.settings import Event
from genapps_audio.codec import FLOOR
from genapps_audio.codes.codec import blocks_of, restored
from genapps_audio.codes.learning import learn, timed
from genapps_audio.codes.network import CodecNet, Coding, Shape

_LOUDEST = 80.0  # dB beside a clip's loudness
LIKELY = 0.9  # share of the likeliest codes that are drawn where nothing else is asked for
LENGTHS = 8  # kinds of length that a sequence is told


@dataclass(frozen=True)
class TokenView:
    """Patches (N, W, F) as codes (N, W / together, Q) of a codec that was learnt on them, and back."""

    net: CodecNet

    @classmethod
    def of(
        cls,
        patches: Tensor,
        coding: Coding,
        *,
        budget: float | None = None,
        seed: int = 0,
        device: str = "auto",
        progress: Callable[[Event], None] | None = None,
    ) -> TokenView:
        """That of patches (N, W, F), W a multiple of the frames of a block. budget: seconds, instead of its steps."""
        recipe = timed(budget, coding.steps, device)
        net, _ = learn(blocks_of(patches, coding.together), coding.shape, recipe=recipe, seed=seed, progress=progress)
        return cls(net)

    @property
    def together(self) -> int:
        """Frames of a block."""
        return self.net.shape.together

    @property
    def width(self) -> int:
        """Q."""
        return self.net.shape.books

    def space(self, steps: int) -> Frames:
        """Of sequences of so many blocks after a first row that tells the kind of length."""
        return Frames((Categorical(max(self.net.shape.size, LENGTHS)),) * self.width, steps + 1)

    @torch.no_grad()
    def shown(self, patches: Tensor) -> Tensor:
        """Codes (N, T, Q)."""
        blocks = patches.reshape(len(patches), -1, self.together * patches.shape[2]).mT
        return torch.cat([self.net.coded(part).mT for part in blocks.split(256)])

    @torch.no_grad()
    def patched(self, codes: Tensor) -> Tensor:
        """Patches (N, W, F), none below the floor."""
        known = codes.long().clamp(0, self.net.shape.size - 1).mT
        frames = torch.cat([self.net.decoded(part).mT for part in known.split(256)])
        return frames.reshape(len(frames), codes.shape[1] * self.together, -1).clamp(FLOOR, _LOUDEST)

    def state(self) -> dict[str, Tensor]:
        """Arrays for a model file."""
        return {name: tensor.detach() for name, tensor in self.net.state_dict().items()}

    def settings(self) -> dict[str, Any]:
        """What else a model file says."""
        return {"together": self.together, "tokens": self.net.shape.to_json()}

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> TokenView:
        """What `state` and `settings` gave. Raises KeyError, ValueError or RuntimeError where these are none."""
        return cls(restored(Shape(**settings["tokens"]), tensors))


def moved(patches: Tensor, most: int) -> Iterator[Tensor]:
    """Patches (N, W, F) as they are, then moved by one frame to and fro, by two, and so on; their ends are held on.

    Blocks then begin elsewhere, so that a clip is other codes: a model of codes sees what they have in common.
    """
    yield patches
    for by in range(1, most + 1):
        ahead, back = patches[:, :1].expand(-1, by, -1), patches[:, -1:].expand(-1, by, -1)
        yield torch.cat([ahead, patches[:, :-by]], 1)
        yield torch.cat([patches[:, by:], back], 1)


def kinds_of(seconds: Tensor, heard: Tensor) -> Tensor:
    """Which eighth of the lengths that were heard (M,) each of these (N,) is in, 0 the shortest: (N,)."""
    edges = heard.quantile(torch.arange(1, LENGTHS) / LENGTHS)
    return torch.bucketize(seconds.contiguous(), edges)


def with_kinds(codes: Tensor, kinds: Tensor) -> Tensor:
    """Codes (N, T, Q) after a row that tells the kind of length (N,), the same in each book: (N, T + 1, Q)."""
    first = kinds[:, None, None].expand(-1, 1, codes.shape[2])
    return torch.cat([first.to(codes), codes], 1)
