"""Every setting of the tabular tasks, with its default and its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field

from genapps.models.autoregressive.columns import ColumnConfig as AutoregressiveConfig
from genapps.models.gan.columns import ColumnsConfig as GANConfig
from genapps.models.gmm.deep import DeepConfig
from genapps.models.rbm.columns import RBMConfig
from genapps.models.vae.columns import ColumnConfig as VAEConfig
from genapps.training import TrainingConfig
from genapps_tabular.codec import CodecConfig


def _help(text: str, **bounds: float) -> dict[str, str | float]:
    return {"help": text, **bounds}


@dataclass(frozen=True)
class TabularConfig:
    """Settings of fit, synthesize, augment and impute; `genapps config tabular` prints them with their meaning."""

    family: str = field(
        default="autoregressive",
        metadata=_help(
            "engine: autoregressive, gmm, vae, gan, rbm, auto (try all, keep the best), or sdv:NAME (extra 'sdv')"
        ),
    )
    seed: int = field(default=0, metadata=_help("the same seed gives the same model and the same rows", least=0))
    threads: int = field(
        default=1,
        metadata=_help(
            "threads to train with; one is as fast on most tables, and the same everywhere; 0: all", least=0
        ),
    )
    holdout: float = field(
        default=0.2,
        metadata=_help(
            "share of the rows kept away from the model to judge it on (at most 10,000 rows)", least=0, below=1
        ),
    )
    codec: CodecConfig = field(default_factory=CodecConfig, metadata=_help("how columns become codes"))
    training: TrainingConfig = field(default_factory=TrainingConfig, metadata=_help("how long and how fast to learn"))
    autoregressive: AutoregressiveConfig = field(
        default_factory=AutoregressiveConfig, metadata=_help("the column-by-column network")
    )
    gmm: DeepConfig = field(default_factory=DeepConfig, metadata=_help("the mixture model"))
    vae: VAEConfig = field(default_factory=VAEConfig, metadata=_help("the variational autoencoder"))
    gan: GANConfig = field(default_factory=GANConfig, metadata=_help("the adversarial network"))
    rbm: RBMConfig = field(default_factory=RBMConfig, metadata=_help("the restricted Boltzmann machine"))

    def __post_init__(self) -> None:
        if not 0 <= self.holdout < 1:
            raise ValueError(f"holdout is a share of the rows from 0 up to 1, not {self.holdout}")
