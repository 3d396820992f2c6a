"""One small class a kind of column, all behind `ColumnCodec`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from genapps_tabular.columns.base import CodecConfig, ColumnCodec
from genapps_tabular.columns.categories import Categories
from genapps_tabular.columns.constants import Constant
from genapps_tabular.columns.dates import Dates
from genapps_tabular.columns.identifiers import Keys, Templates
from genapps_tabular.columns.number_mixed import NumberMixed
from genapps_tabular.columns.number_tokens import NumberTokens
from genapps_tabular.schema import ColumnSchema

_CLASSES = (NumberTokens, NumberMixed, Categories, Dates, Keys, Templates, Constant)
CODECS: dict[str, type[ColumnCodec]] = {c.kind: c for c in _CLASSES}
_BY_KIND: dict[str, type[ColumnCodec]] = {
    "category": Categories,
    "boolean": Categories,
    "datetime": Dates,
    "date": Dates,
    "time": Dates,
    "text": Templates,
    "constant": Constant,
}


def fit_column(
    array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator
) -> ColumnCodec:
    """The codec of a column, learnt from its values."""
    return codec_for(schema, config).fit(array, schema, config, generator)


def codec_for(schema: ColumnSchema, config: CodecConfig) -> type[ColumnCodec]:
    """The class that codes columns of this kind."""
    if schema.kind == "number":
        return NumberMixed if config.numbers == "mixed" else NumberTokens
    if schema.kind == "identifier":  # whole numbers without leading zeros say so by their decimals
        return Keys if schema.decimals == 0 else Templates
    return _BY_KIND[schema.kind]
