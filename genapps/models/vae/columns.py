"""Table rows: residual networks with one likelihood a column; holes are allowed everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.constraints import Allowances
from genapps.models.vae.core import Inputs, VariationalNet
from genapps.models.vae.engine import VAEConfig, Variational
from genapps.nets.heads import Heads, draw_rows, gaussian_log_prob
from genapps.nets.mlp import MLP
from genapps.nets.scaling import Scaling
from genapps.spaces import Columns, Constraint
from genapps.training import Recipe

_CHUNK = 8192  # rows drawn at once
_PROPOSALS = 64  # latents considered for each row that is filled in
_FILLED = 128  # rows filled in at once


@dataclass(frozen=True)
class ColumnConfig(VAEConfig):
    """The network's shape, and how much of a row is held back while learning."""

    holes: float = field(
        default=0.1,
        metadata={
            "help": "share of the training rows of which a random part is held back, so that holes can be filled",
            "least": 0,
            "most": 1,
        },
    )


class ColumnNet(VariationalNet):
    """Residual networks from features to proposals and from codes to the outputs of `Heads`.

    Beside each lies a straight path, so that learning begins near factor analysis and bends it where that pays.
    """

    def __init__(self, heads: Heads, config: ColumnConfig, classes: int, generator: torch.Generator) -> None:
        super().__init__(config.latent, classes, config.hidden + heads.features, generator)
        shape: dict[str, Any] = {"hidden": config.hidden, "depth": config.depth, "dropout": config.dropout}
        self.heads = heads
        self.encoder = MLP(heads.features, config.hidden, **shape, generator=generator)
        self.decoder = MLP(config.latent + classes, heads.width, **shape, last=0.1, straight=True, generator=generator)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """The heads go where the weights go."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.heads = self.heads.to(self.step.device)
        return self

    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        features = self.heads.encode(inputs[0])
        return torch.cat([torch.nn.functional.gelu(self.encoder(features, generator)), features], 1)

    def log_likelihood(self, inputs: Inputs, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.heads.log_prob(self.decoder(codes, generator).float(), inputs[0]).sum(1)


class ColumnVAE(Variational):
    """Rows of mixed variables; unknown entries are left out of the bound (Mattei and Frellsen 2019, MIWAE)."""

    Config: ClassVar[type] = ColumnConfig
    RECIPE: ClassVar[Recipe] = Recipe(learning_rate=5e-3, epochs=60, max_steps=4000, patience=8)

    def __init__(self, space: Columns, config: ColumnConfig) -> None:
        if not space.variables:
            raise UsageError("a variational autoencoder needs at least one variable")
        super().__init__(space, config)

    def _scaled(self, data: Tensor) -> Scaling | None:
        return None if self.space.discrete else Heads.fit(self.space, data).scaling

    def _network(self, data: Tensor | None, classes: int, generator: torch.Generator) -> ColumnNet:
        heads = Heads(self.space, self.scaling)
        net = ColumnNet(heads, self.config, classes, generator)
        if data is not None:
            net.decoder.last.bias.data.copy_(heads.marginals(data))
        return net

    def _inputs(self, batch: Tensor) -> Inputs:
        return (batch,)

    def _numbers_a_row(self, batch: Tensor) -> int:
        return int(8 * self.config.hidden + 4 * sum(max(size, 2) for size in self.space.sizes))

    def _hidden(self, inputs: Inputs, generator: torch.Generator) -> Inputs:
        """Some rows lose a random share of their entries, so that the encoder learns to read rows with holes."""
        rows = inputs[0]
        if not self.config.holes:
            return inputs
        rows = rows.short() if rows.dtype == torch.uint8 else rows  # bytes have no -1
        chosen = torch.rand(len(rows), 1, generator=generator) < self.config.holes
        share = torch.rand(len(rows), 1, generator=generator)
        lost = chosen & (torch.rand(rows.shape, generator=generator) < share)
        return (rows.masked_fill(lost, torch.nan if rows.is_floating_point() else -1),)

    def _net(self) -> ColumnNet:
        net = self._fitted()
        assert isinstance(net, ColumnNet)
        return net

    def _draw(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        net = self._net()
        return net.heads.sample(net.decoder(codes), generator, temperature)

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw rows (n, D). Under conditions, latents are weighed by the probability they give them.

        Raises UsageError when the model gives the conditions no probability, or for labels never learnt.
        """
        allowed, net = Allowances(given), self._net()
        if labels is not None and allowed.variables and len(labels.unique()) > 1:
            raise UsageError("conditions go with one class at a time: give labels= as a single class")
        parts = []
        for start in range(0, max(n, 1), _CHUNK):
            own = None if labels is None else labels[start : start + _CHUNK]

            def outputs(count: int, own: Tensor | None = own) -> Tensor:
                wanted = None if own is None else (own if len(own) == count else own[:1].expand(count))
                decoded: Tensor = net.decoder(self._new_codes(count, wanted, generator, temperature))
                return decoded

            parts.append(draw_rows(min(_CHUNK, n - start), net.heads, outputs, allowed, generator, temperature))
        return torch.cat(parts)

    @torch.no_grad()
    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill the unknown entries of rows (N, D) by draws given the known ones.

        Of 64 latents for each row, half proposed by the encoder and half by the prior, one is drawn by its importance
        (sampling importance resampling, Rubin 1987, as MIWAE imputes; the prior's half keeps the weights bounded,
        Hesterberg 1995), and decoded. Exact as the number of proposals grows.
        """
        allowed = Allowances(given)
        filled = [self._filled_under(rows, allowed, generator) for rows in data.split(_FILLED)]
        return torch.cat([data[:0], *filled])

    def _filled_under(self, data: Tensor, allowed: Allowances, generator: torch.Generator) -> Tensor:
        net, k, count = self._net(), _PROPOSALS, len(data)
        unknown = data < 0 if self.space.discrete else torch.isnan(data)
        codes, weights = self._proposals(data, generator)  # (k * B, L + C), (k, B)
        outputs, rows = net.decoder(codes), data.repeat(k, 1)
        holes = unknown.repeat(k, 1)
        logs = weights + net.heads.log_prob(outputs, rows).sum(1).view(k, count)
        logs = logs + net.heads.log_allowance(outputs, allowed, unknown=holes).view(k, count)
        drawn = None
        if allowed.inexact:
            drawn = torch.where(holes, net.heads.sample(outputs, generator, given=allowed).to(data.dtype), rows)
            logs = logs + allowed.log_correction(torch.nan_to_num(drawn.double())).view(k, count)
        if not bool(torch.isfinite(logs.max(0).values).all()):
            raise UsageError("the model gives these conditions no probability in some rows; relax --given")
        chosen = torch.multinomial(torch.softmax(logs, 0).T, 1, generator=generator)[:, 0] * count
        chosen = chosen + torch.arange(count)
        if drawn is not None:
            return drawn[chosen]
        made = net.heads.sample(outputs[chosen], generator, given=allowed)
        return torch.where(unknown, made.to(data.dtype), data)

    def _proposals(self, data: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Codes (k * B, L + C), half of them from the encoder, and log prior - log proposal (k, B)."""
        net, half, count = self._net(), _PROPOSALS // 2, len(data)
        read = net.read(self._inputs(data), None)
        classes = torch.zeros(count, 0)
        if net.classes:
            which = torch.multinomial(net.class_log_prob(read).exp(), 1, generator=generator)[:, 0]
            classes = torch.eye(net.classes)[which]
        mean, log_deviation = net.proposal(read, classes)
        noise = torch.randn(half, *mean.shape, generator=generator)
        latents = mean + log_deviation.exp() * noise
        told = classes.argmax(1).repeat(half) if net.classes else None
        free = self._new_codes(half * count, told, generator, 1.0)[:, : net.latent].view(half, count, -1)
        both = torch.cat([latents, free])  # (k, B, L)
        codes = torch.cat([both, classes.expand(2 * half, -1, -1)], 2).flatten(0, 1)
        prior = net.prior_log_prob(both.flatten(0, 1), codes[:, net.latent :]).view(2 * half, count)
        proposed = gaussian_log_prob(both, mean, log_deviation).sum(2)
        weights = prior - torch.logaddexp(prior, proposed) + math.log(2)
        return codes, weights
