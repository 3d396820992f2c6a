"""A causal transformer, and the preallocated memory from which it goes on step by step.

Pre-norm residual blocks; queries and keys of unit size (Henry et al. 2020), so that no logit of the attention runs
away; positions as rotations (Su et al. 2021); squared rectifiers (So et al. 2021); projections back into the residual
stream begin at zero, so that an untrained network is the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.columns import dropout_mask
from genapps.nets.mlp import fresh


class Cache:
    """Keys and values of the steps so far: one tensor a layer, of the final size from the start.

    Each is (2, B, H, longest, E); the first `length` steps of it are filled. worth: as of a GRU's state; a copy of
    all steps costs more.
    """

    worth = 0.5

    def __init__(self, layers: int, rows: int, heads: int, longest: int, size: int, like: Tensor) -> None:
        shape = (2, rows, heads, longest, size)
        self.layers = [torch.zeros(shape, dtype=like.dtype, device=like.device) for _ in range(layers)]
        self.length = 0

    def take(self, rows: Tensor) -> Cache:
        """The cache of those rows (M,), in that order."""
        taken = object.__new__(Cache)
        taken.layers, taken.length = [layer[:, rows] for layer in self.layers], self.length
        return taken


class Transformer(nn.Module):
    """(B, T, C) to (B, T, C); step t sees the steps up to t.

    rotary: tell positions by rotating queries and keys; without it the input must carry them.
    """

    def __init__(
        self,
        width: int,
        layers: int,
        heads: int,
        *,
        dropout: float = 0.0,
        rotary: bool = True,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        if width % heads or self.size % 2:
            raise ValueError(f"hidden ({width}) must be a multiple of 2 x heads ({heads})")
        self.rotary = rotary
        self.blocks = nn.ModuleList(Block(width, heads, dropout, generator) for _ in range(layers))

    def cache(self, rows: int, longest: int) -> Cache:
        """An empty cache for that many rows and at most `longest` steps."""
        like = next(self.parameters())
        return Cache(len(self.blocks), rows, self.heads, longest, self.size, like)

    def forward(self, x: Tensor, cache: Cache | None = None, generator: torch.Generator | None = None) -> Tensor:
        """x: (B, T, C) inputs; with a cache they are the next T steps, and it grows by them.

        `generator` draws the dropout masks; None for none.
        """
        begin = cache.length if cache is not None else 0
        turn = rotation(begin, x.shape[1], self.size, x) if self.rotary else None
        for number, block in enumerate(self.blocks):
            x = block(x, turn, None if cache is None else (cache.layers[number], begin), generator)
        if cache is not None:
            cache.length = begin + x.shape[1]
        return functional.rms_norm(x, x.shape[-1:])


class Block(nn.Module):
    """Attention, then a small network for each step by itself, both added to the residual stream."""

    def __init__(self, width: int, heads: int, dropout: float, generator: torch.Generator) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = fresh(nn.Linear, width, 3 * width, generator=generator, bias=False)
        self.gain = nn.Parameter(torch.full((heads, 1, 1), 2.0))  # sharpness of each head's attention
        self.mixed = fresh(nn.Linear, width, width, generator=generator, gain=0.0, bias=False)
        self.wide = fresh(nn.Linear, width, 4 * width, generator=generator, bias=False)
        self.narrow = fresh(nn.Linear, 4 * width, width, generator=generator, gain=0.0, bias=False)

    def forward(
        self,
        x: Tensor,
        turn: tuple[Tensor, Tensor] | None,
        past: tuple[Tensor, int] | None,
        generator: torch.Generator | None,
    ) -> Tensor:
        """past: this layer's part of a cache (2, B, H, longest, E), and how many steps of it are filled."""
        x = x + drop(self.attend(functional.rms_norm(x, x.shape[-1:]), turn, past), self.dropout, generator)
        wide = functional.relu(self.wide(functional.rms_norm(x, x.shape[-1:]))).square()
        return x + drop(self.narrow(wide), self.dropout, generator)

    def attend(self, x: Tensor, turn: tuple[Tensor, Tensor] | None, past: tuple[Tensor, int] | None) -> Tensor:
        """Each step's mixture of the values of the steps up to it, (B, T, C)."""
        rows, steps, width = x.shape
        qkv = self.qkv(x).view(rows, steps, 3, self.heads, width // self.heads)
        pair, values = qkv[:, :, :2].permute(2, 0, 3, 1, 4), qkv[:, :, 2].transpose(1, 2)  # (2, B, H, T, E)
        pair = functional.rms_norm(pair, pair.shape[-1:])
        queries, keys = rotated(pair, turn) if turn is not None else pair
        mask = None
        if past is not None:
            memory, begin = past
            end = begin + steps
            memory[0, :, :, begin:end], memory[1, :, :, begin:end] = keys, values
            keys, values = memory[:, :, :, :end]
            mask = torch.ones(steps, end, dtype=torch.bool, device=x.device).tril(begin) if steps > 1 else None
        queries = queries * self.gain.to(queries.dtype)
        if past is None and _brief(values):
            mixed = causal_attention(queries, keys, values)
        else:
            mixed = functional.scaled_dot_product_attention(queries, keys, values, mask, is_causal=past is None)
        return self.mixed(mixed.transpose(1, 2).reshape(rows, steps, width))  # type: ignore[no-any-return]


def causal_attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """What torch's function of that purpose gives, (B, H, T, E), by way of the whole (T, T) matrix."""
    rows, heads, steps, size = queries.shape
    late = torch.full((steps, steps), -torch.inf, dtype=queries.dtype, device=queries.device).triu(1)
    scores = torch.baddbmm(late, queries.flatten(0, 1), keys.flatten(0, 1).transpose(1, 2), alpha=size**-0.5)
    shares = scores.softmax(-1).to(values.dtype)
    return torch.bmm(shares, values.flatten(0, 1)).view(rows, heads, steps, size)


def _brief(values: Tensor) -> bool:
    """Whether a processor is faster by the whole matrix: torch's backward pass took ten times longer at 49 steps."""
    most = 512 if values.dtype == torch.bfloat16 else 64
    return values.device.type == "cpu" and values.shape[2] <= most


def rotation(begin: int, steps: int, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, E / 2) of the angles of the positions begin, begin + 1, ..."""
    rates = 10_000.0 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.arange(begin, begin + steps, dtype=torch.float64)[:, None] * rates
    return angles.cos().to(like), angles.sin().to(like)


def rotated(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Each pair of entries (e, e + E / 2) of x (..., T, E) turned by its position's angle."""
    cosine, sine = turn[0].to(x.dtype), turn[1].to(x.dtype)
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


def drop(hidden: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Switch off a share of the entries; a generator of None means that nothing is being learnt."""
    if generator is None or share == 0:
        return hidden
    return hidden * dropout_mask(hidden, share, generator)


def soft_cap(logits: Tensor, cap: float) -> Tensor:
    """Logits kept within -cap..cap without an edge (Gemma 2, section 2); as they are where `cap` is 0."""
    return cap * torch.tanh(logits / cap) if cap else logits
