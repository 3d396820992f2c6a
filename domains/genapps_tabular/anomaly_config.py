"""Every setting of the families that judge rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genapps.config import named, resolve, to_json
from genapps.models.autoregressive.columns import ColumnConfig as AutoregressiveConfig
from genapps.models.gan.columns import ColumnsConfig as GANConfig
from genapps.models.gmm.settings import GaussianConfig
from genapps.models.rbm.columns import RBMConfig
from genapps.models.vae.columns import ColumnConfig as VAEConfig
from genapps.training import TrainingConfig


@dataclass(frozen=True)
class DetectionConfig:
    """Settings of detect: what is not set is as each judge has it, and what is set needs its line uncommented.

    `genapps config tabular detect` prints them.
    """

    training: TrainingConfig = field(
        default_factory=TrainingConfig, metadata={"help": "how long and how fast vae, gan, rbm, autoregressive learn"}
    )
    gmm: GaussianConfig = field(
        default_factory=GaussianConfig, metadata={"help": "the mixture; what is not set here follows from the rows"}
    )
    autoregressive: AutoregressiveConfig = field(
        default_factory=AutoregressiveConfig, metadata={"help": "the column-by-column network"}
    )
    vae: VAEConfig = field(default_factory=VAEConfig, metadata={"help": "the variational autoencoder"})
    gan: GANConfig = field(default_factory=GANConfig, metadata={"help": "the adversarial network"})
    rbm: RBMConfig = field(default_factory=RBMConfig, metadata={"help": "the restricted Boltzmann machine"})


def asked(file: str | Path | None = None, settings: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """What a TOML file and `key=value` settings ask for, by section, and nothing else. Raises as `resolve`."""
    texts = list(settings)
    plain = to_json(resolve(DetectionConfig, file, texts))
    found: dict[str, dict[str, Any]] = {}
    for key in sorted(named(file, texts)):
        section, _, name = key.partition(".")
        found.setdefault(section, {})[name] = plain[section][name]
    return found
