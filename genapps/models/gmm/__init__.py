"""Gaussian mixtures, with categorical parts beside the Gaussian ones where a table has both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from genapps.models.base import Family
from genapps.spaces import Columns


class GMM(Family):
    """Mixture for `Columns`; exact likelihood, exact conditioning, unknown values summed over."""

    family: ClassVar[str] = "gmm"
    engines: ClassVar[Mapping[type, str]] = {Columns: "genapps.models.gmm.deep:DeepMixture"}
