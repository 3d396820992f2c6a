"""How each family is told of coefficients and classes, and how coefficients are drawn from it."""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.models.autoregressive import Autoregressive
from genapps.models.base import Family
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Space
from genapps_audio.generation.tokens import TokenView, with_kinds
from genapps_audio.generation.trajectories import KINDS, draw_paths, paths_of_states, with_slopes

_UNEVEN = 0.15  # deviation of the logarithm of a state's length


def space_of(family: str, steps: int, width: int, classes: int) -> Space:
    """The space that coefficients (N, T, K) of so many classes have for a family."""
    numbers = (Continuous(),)
    if family == "gmm":
        return Pixels(1, steps, width)
    if family == "vae":
        return Columns(numbers * (steps * width))
    if family == "rbm":
        return Columns(numbers * (steps * width) + ((Categorical(classes),) if classes else ()))
    return Frames(numbers * (width * (KINDS if family == "hmm" else 1)), steps)


def told(family: str, coefficients: Tensor, labels: Tensor | None) -> Tensor:
    """Coefficients (N, T, K) as a family learns them."""
    if family == "gmm":
        return coefficients[:, None]
    if family == "vae":
        return coefficients.flatten(1)
    if family == "hmm":
        return with_slopes(coefficients)
    if family == "rbm":
        rows = coefficients.flatten(1)
        return rows if labels is None else torch.cat([rows, labels[:, None].to(rows)], 1)
    return coefficients


def draw_codes(
    part: Family,
    view: TokenView,
    kinds: Tensor,
    labels: Tensor | None,
    temperature: float,
    top_p: float,
    generator: torch.Generator,
) -> Tensor:
    """Codes (n, T, Q) of classes (n,) and kinds of length (n,). top_p: only the likeliest that have this share."""
    assert isinstance(part, Autoregressive)
    steps, n = part.space.longest, len(kinds)  # type: ignore[union-attr]
    begin = list(with_kinds(torch.zeros(n, 0, view.width, dtype=torch.long), kinds))
    drawn = part.sample(
        n, labels=labels, temperature=temperature, generator=generator, prompt=begin, length=steps, top_p=top_p
    )
    codes: Tensor = drawn.values.view(n, steps, view.width)[:, 1:]
    return codes


def draw(
    part: Family,
    shape: tuple[int, int],
    n: int,
    labels: Tensor | None,
    classes: int,
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """n coefficients (n, T, K) of classes (n,), which a family of one class does not need."""
    steps, width = shape
    family = part.family
    if family == "gmm":
        return _of_factors(part, n, temperature, generator).view(n, steps, width)
    if family == "hmm":
        return _of_states(part, steps, n, temperature, generator)
    if family == "vae":
        # With the decoder's noise: of components of whole spectrograms it is smooth; without it clips are too alike.
        rows: Tensor = part.sample(n, labels=labels, temperature=temperature, generator=generator)
        return rows.view(n, steps, width).float()
    if family == "rbm":
        return _of_machine(part, n, labels, classes, temperature, generator)[:, : steps * width].view(n, steps, width)
    if family == "autoregressive":
        return _in_full(part, steps, n, labels, temperature, generator)
    drawn = part.sample(n, labels=labels, temperature=temperature, generator=generator)
    values: Tensor = drawn.values
    return values.view(n, steps, width).float()


def _of_factors(part: Family, n: int, temperature: float, generator: torch.Generator) -> Tensor:
    """A component's mean moved along its factors, without the noise of single numbers, which is heard as a rustle."""
    engine = part.engine
    which = torch.multinomial(engine.weights_, n, replacement=True, generator=generator)
    factors = torch.randn(n, engine.loadings_.shape[2], generator=generator).to(engine.means_) * temperature**0.5
    rows: Tensor = engine.means_[which] + torch.einsum("ndl,nl->nd", engine.loadings_[which], factors)
    return rows.float()


def _of_states(part: Family, steps: int, n: int, temperature: float, generator: torch.Generator) -> Tensor:
    """Smooth paths through the states of a left-right chain."""
    engine = part.engine
    states = paths_of_states(engine.transmat_, n, steps, _UNEVEN * temperature**0.5, generator)
    means, variances = engine.means_.double(), engine.covars_.double()
    return draw_paths(means[states], variances[states], temperature, generator).float()


def _of_machine(
    part: Family, n: int, labels: Tensor | None, classes: int, temperature: float, generator: torch.Generator
) -> Tensor:
    """Rows of an RBM that knows the class as one of its units, held at the class that is asked for."""
    if labels is None:
        rows: Tensor = part.sample(n, temperature=temperature, generator=generator)
        return rows.float()
    given = torch.full((n, len(part.space.variables)), torch.nan)  # type: ignore[union-attr]
    given[:, -1] = labels.float()
    filled: Tensor = part.impute(given, generator=generator)
    return filled.float()


def _in_full(
    part: Family, steps: int, n: int, labels: Tensor | None, temperature: float, generator: torch.Generator
) -> Tensor:
    """Sequences of all steps; all that are learnt have as many, so that a shorter one is an accident, and held on."""
    drawn = part.sample(n, labels=labels, temperature=temperature, generator=generator)
    rows = drawn.padded()[0]
    rows = torch.nn.functional.pad(rows.float(), (0, 0, 0, steps - rows.shape[1]))
    last = drawn.lengths.clamp(1, steps) - 1
    place = torch.minimum(torch.arange(steps)[None], last[:, None])
    return rows.gather(1, place[..., None].expand(-1, -1, rows.shape[2]))
