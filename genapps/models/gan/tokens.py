"""Sequences of codes made in an autoencoder's latent space, where rows are numbers that a critic can differentiate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.base import Engine, Job, LogProb
from genapps.models.gan.columns import ColumnsConfig, ColumnsGAN
from genapps.models.gan.objectives import Objective
from genapps.models.vae import VAE
from genapps.spaces import Columns, Constraint, Continuous, Tokens
from genapps.training import Recipe


@dataclass(frozen=True)
class TokensConfig:
    """The autoencoder's code, and the networks' shapes."""

    latent: int = field(default=32, metadata={"help": "numbers of the autoencoder's code, and of noise", "least": 1})
    objective: Objective = field(
        default="relativistic", metadata={"help": "relativistic (with R1 and R2) or wasserstein (with unit slopes)"}
    )
    penalty: float = field(default=1.0, metadata={"help": "weight of the critic's gradient penalty", "least": 0})
    watch: bool = field(default=True, metadata={"help": "go back where the generator collapses"})
    hidden: int = field(default=128, metadata={"help": "units a layer of all networks", "least": 1})
    depth: int = field(default=2, metadata={"help": "residual blocks of generator and critic", "least": 0})


class TokensGAN(Engine):
    """A GAN of the codes that a variational autoencoder gives sequences (after Zhao et al. 2018, "ARAE").

    The autoencoder is learnt first, then the two networks on its codes; it also writes what the generator makes.
    """

    Config: ClassVar[type] = TokensConfig
    RECIPE: ClassVar[Recipe] = ColumnsGAN.RECIPE
    takes_labels: ClassVar[bool] = True

    def __init__(self, space: Tokens, config: TokensConfig) -> None:
        super().__init__(space, config)
        self.autoencoder = VAE(space=space, latent=config.latent, hidden=config.hidden)
        self.codes = self._new_codes()

    def _new_codes(self) -> ColumnsGAN:
        own = {name: value for name, value in asdict(self.config).items() if name != "watch"}
        return ColumnsGAN(
            Columns((Continuous(),) * self.config.latent), ColumnsConfig(**own, waves=0, watch=self.config.watch)
        )

    def fit(self, data: Ragged, validation: Ragged | None, job: Job) -> None:
        """Learn from sequences; labels: classes to make sequences of. Both runs keep a checkpoint of their own."""
        self.autoencoder.fit(
            data,
            validation=validation,
            generator=torch.Generator().manual_seed(job.seed),
            training=job.training,
            progress=job.progress,
            checkpoint=_beside(job.checkpoint),
            resume=job.resume,
        )
        self.codes = self._new_codes()
        held_out = None if validation is None else self.autoencoder.transform(validation)
        self.codes.fit(self.autoencoder.transform(data), held_out, replace(job, weights=None))

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Ragged:
        """Draw n sequences; temperature: of the autoencoder's choice of each code, and of the noise."""
        if given:
            raise UsageError("a GAN of sequences takes no conditions; ask for a class with labels, or another family")
        codes = self.codes.sample(n, generator, labels=labels, temperature=temperature)
        made: Ragged = self.autoencoder.decode(codes, temperature=max(temperature, 1e-3), generator=generator)
        return made

    def log_prob(self, data: Any, generator: torch.Generator) -> LogProb:
        """A GAN has none: always raises UsageError."""
        return self.codes.log_prob(data, generator)

    def anomaly_score(self, data: Ragged, generator: torch.Generator) -> Tensor:
        """How strange each sequence's code is, (N,): as in `ColumnsGAN.anomaly_score`; 0 is usual."""
        return self.codes.anomaly_score(self.autoencoder.transform(data), generator)

    def transform(self, data: Ragged) -> Tensor:
        """The autoencoder's code (N, latent) of each sequence."""
        return self.autoencoder.transform(data)

    @property
    def variety_(self) -> dict[str, float]:
        """The watch's figures of the fitted model, in the space of the codes."""
        return self.codes.variety_

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        (codes, own), (autoencoder, its) = self.codes.state(), self.autoencoder.state()
        tensors = {f"codes.{name}": tensor for name, tensor in codes.items()}
        tensors |= {f"autoencoder.{name}": tensor for name, tensor in autoencoder.items()}
        return tensors, {"variety": self.variety_, "codes": own, "autoencoder": its}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        parts: dict[str, dict[str, Tensor]] = {"codes": {}, "autoencoder": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self.codes.restore(parts["codes"], settings["codes"])
        self.autoencoder = VAE.from_state(self.space, parts["autoencoder"], settings["autoencoder"])


def _beside(checkpoint: Path | None) -> Path | None:
    """The autoencoder's own checkpoint."""
    return None if checkpoint is None else checkpoint.with_name(checkpoint.name + ".autoencoder")
