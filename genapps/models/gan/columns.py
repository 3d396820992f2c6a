"""Table rows made from noise: a residual network for the generator, one for the critic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from genapps.errors import UsageError
from genapps.models.constraints import Allowances, draw, resample
from genapps.models.gan.adversary import GAME, AdversarialConfig, Adversary, Pair
from genapps.models.gan.layout import Layout
from genapps.models.gan.networks import VectorCritic, VectorGenerator
from genapps.nets.heads import draw_rows
from genapps.spaces import Columns, Constraint
from genapps.training import Recipe

_MOST_WEIGHTS = 500_000_000
POOL = 4000  # made outputs that gaps are filled from
CHUNK = 2048


@dataclass(frozen=True)
class ColumnsConfig(AdversarialConfig):
    """The networks' shapes."""

    latent: int = field(default=32, metadata={"help": "numbers of noise that a row is made from", "least": 1})
    hidden: int = field(default=128, metadata={"help": "units a layer of both networks", "least": 1})
    depth: int = field(default=1, metadata={"help": "residual blocks of both networks", "least": 0})
    waves: int = field(
        default=4,
        metadata={"help": "sines and cosines of each number, an octave apart, that the critic reads", "least": 0},
    )
    sharpness: float = field(
        default=2.0, metadata={"help": "inverse temperature of the gradient through drawn codes", "above": 0}
    )


class ColumnsGAN(Adversary):
    """A GAN of table rows: categories through straight-through Gumbel draws, numbers standardised."""

    Config: ClassVar[type] = ColumnsConfig
    greedy: ClassVar[bool] = True
    takes_unknown: ClassVar[bool] = True
    RECIPE: ClassVar[Recipe] = replace(
        GAME,
        epochs=300,
        min_steps=1500,
        max_steps=2500,
        batch_size=256,
        learning_rate=2e-3,
        warmup_steps=100,
        check_steps=250,
    )

    def __init__(self, space: Columns, config: ColumnsConfig) -> None:
        super().__init__(space, config)
        if not space.variables:
            raise UsageError("the gan family needs at least one column")
        if sum(size or 1 for size in space.sizes) * config.hidden > _MOST_WEIGHTS:
            raise UsageError("too many codes for a GAN of this size; try a smaller --set gan.hidden, or --family gmm")
        self.layout = Layout(space)

    def _prepare(self, data: Tensor) -> None:
        self.layout = Layout(self.space)
        self.layout.learn(data)

    def _move(self, device: torch.device) -> None:
        self.layout.to(device)

    def _new_pair(self, classes: int, generator: torch.Generator) -> Pair:
        c, layout = self.config, self.layout
        extra = functional.pad(layout.orders, (0, layout.width - layout.heads.logits)).T.contiguous()
        return Pair(
            VectorGenerator(c.latent, c.hidden, c.depth, layout.offset, classes, generator),
            VectorCritic(extra, layout.places, c.waves, c.hidden, c.depth, classes, generator),
        )

    def _points(self, data: Tensor) -> Tensor:
        return self.layout.point(data)

    def _shapes(self, n: int) -> Tensor:
        return torch.ones(n, self.layout.width)

    def _dressed(self, outputs: Tensor, like: Tensor, draws: torch.Generator) -> Tensor:
        made = self.layout.made(self.layout.plain(outputs), draws, self.config.sharpness)
        return self.layout.like(made, like)

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw rows (n, D): int64 codes, or floats.

        Under conditions a pool of noise is weighed by the probability that its outputs give them and drawn again
        (`genapps.nets.heads.draw_rows`). Raises UsageError when that is none of them.
        """
        temperature = max(temperature, 1e-3)  # at 0 every code would be the likeliest; so it is here
        classes = self._classes(n, labels, generator)
        network = self._fitted().generator

        def outputs(count: int) -> Tensor:
            own = classes if count == n else self._some_classes(count, generator, torch.device("cpu"))
            return self.layout.plain(network(self._noise(count, temperature, generator), own))

        rows = draw_rows(n, self.layout.heads, outputs, Allowances(given), generator, temperature)
        return self.layout.shut(rows)

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill the unknown entries of rows (N, D): the same tensor, filled; approximate.

        4,000 made outputs are weighed by how likely each makes the known part of the row (self-normalised importance
        sampling; a number counts by a Gaussian kernel whose width falls with their number), one is drawn, and its own
        distributions fill the gaps. A number that a code says has no value stays NaN. The more entries are known, the
        fewer of the 4,000 fit: below a few dozen columns this serves, beyond them prefer --family autoregressive.
        """
        network, heads, allowed = self._fitted().generator, self.layout.heads, Allowances(given)
        classes = self._some_classes(POOL, generator, torch.device("cpu"))
        outputs = self.layout.plain(network(self._noise(POOL, 1.0, generator), classes))
        if allowed.variables:
            logs = heads.log_allowance(outputs, allowed)
            outputs = outputs[resample(logs, POOL, generator)]
        parts = []
        for rows in data.split(CHUNK):
            shares = torch.softmax(self._fits(rows, outputs), 1)
            chosen = outputs[draw(shares, shares.sum(1), generator)]
            made = heads.sample(chosen, generator, 1.0, allowed)
            known = ~torch.isnan(rows) if rows.is_floating_point() else rows >= 0
            parts.append(self.layout.shut(torch.where(known, rows.to(made.dtype), made)))
        return torch.cat(parts) if parts else data

    def _fits(self, rows: Tensor, outputs: Tensor) -> Tensor:
        """The log-likelihood (B, M), softened, of what is known of rows (B, D) under each of the outputs (M, ...)."""
        layout, codes = self.layout, self.layout.heads.logits
        points = layout.heads.encode(rows)
        softened = [torch.softmax(outputs[:, layout.part(j)], 1) for j in layout.codes]
        shares = torch.cat(softened, 1) if softened else outputs[:, :0]
        logs = points[:, :codes] @ torch.log(0.999 * shares + 0.001 * layout.log_shares.exp()).T
        count = len(layout.numbers)
        if count:
            values, known = points[:, codes : codes + count], points[:, codes + count :]
            means = outputs[:, codes : codes + count]
            width = len(outputs) ** (-2 / (known.sum(1, keepdim=True) + 4))  # squared (Scott 1992, section 6.5)
            apart = (known * values.square()).sum(1, keepdim=True) - 2 * (known * values) @ means.T
            logs = logs - 0.5 * (apart + known @ means.square().T) / width
        return logs

    def _restore_statistics(self, tensors: Mapping[str, Tensor]) -> None:
        named = {name.removeprefix("layout."): t for name, t in tensors.items() if name.startswith("layout.")}
        self.layout.restore(named)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors, settings = super().state()
        return {**tensors, **{f"layout.{name}": t for name, t in self.layout.state_dict().items()}}, settings
