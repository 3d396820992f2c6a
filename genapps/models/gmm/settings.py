"""The settings of the classical mixture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class GaussianConfig:
    """The mixture's shape and its fit; names as in scikit-learn."""

    n_components: int = field(default=1, metadata={"help": "components of the mixture", "least": 1, "most": 100_000})
    covariance_type: Literal["full", "tied", "diag", "spherical", "lowrank"] = field(
        default="full", metadata={"help": "full, tied, diag, spherical, or lowrank (factor analysers)"}
    )
    n_factors: int = field(default=4, metadata={"help": "factors of a lowrank covariance", "least": 1})
    tol: float = field(
        default=1e-6, metadata={"help": "relative gain of the log-likelihood below which EM stops", "least": 0}
    )
    reg_covar: float = field(
        default=1e-6, metadata={"help": "added to every variance, as a share of the column's own", "least": 0}
    )
    max_iter: int = field(default=200, metadata={"help": "most EM iterations", "least": 1})
    n_init: int = field(
        default=1, metadata={"help": "starts, of which the best after a few iterations goes on", "least": 1}
    )
    init_params: Literal["kmeans", "k-means++", "random_from_data"] = field(
        default="kmeans", metadata={"help": "kmeans, k-means++ (its seeds alone) or random_from_data"}
    )
    weight_prior: float = field(
        default=1.0, metadata={"help": "Dirichlet concentration of the weights; below 1 components may die", "least": 0}
    )
    covariance_prior: float = field(
        default=0.0, metadata={"help": "rows' worth of the overall covariance in each component", "least": 0}
    )
    table_prior: float = field(
        default=0.5, metadata={"help": "rows' worth of the overall shares of codes in each component", "least": 0}
    )
    prune: bool = field(
        default=False, metadata={"help": "components that their rows do not pay for die (minimum message length)"}
    )
    warm_start: bool = field(default=False, metadata={"help": "fit goes on from what was learnt before"})

    def __post_init__(self) -> None:
        if self.covariance_type not in ("full", "tied", "diag", "spherical", "lowrank"):
            raise ValueError(
                f"covariance_type {self.covariance_type!r}: there are full, tied, diag, spherical and lowrank"
            )
        if self.n_components < 1 or self.n_factors < 1 or self.max_iter < 1 or self.n_init < 1:
            raise ValueError("n_components, n_factors, max_iter and n_init must be at least 1")
