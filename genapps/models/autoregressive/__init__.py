"""Autoregressive models: a probability is the product of each part's, given the parts before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from genapps.models.base import Family
from genapps.spaces import Columns


class Autoregressive(Family):
    """Exact likelihood of rows in any order of their columns."""

    family: ClassVar[str] = "autoregressive"
    codec_numbers: ClassVar[Literal["tokens", "any"]] = "tokens"
    engines: ClassVar[Mapping[type, str]] = {Columns: "genapps.models.autoregressive.columns:ColumnModel"}
