"""One small class a kind of column, all behind `ColumnCodec`."""

from __future__ import annotations

from genapps_tabular.columns.base import CodecConfig, ColumnCodec
from genapps_tabular.columns.categories import Categories
from genapps_tabular.columns.constants import Constant
from genapps_tabular.columns.number_mixed import NumberMixed
from genapps_tabular.columns.number_tokens import NumberTokens
from genapps_tabular.schema import ColumnSchema

CODECS: dict[str, type[ColumnCodec]] = {c.kind: c for c in (NumberTokens, NumberMixed, Categories, Constant)}


def codec_for(schema: ColumnSchema, config: CodecConfig) -> type[ColumnCodec]:
    """The class that codes a column of this kind."""
    if schema.kind == "number":
        return NumberTokens if config.numbers == "tokens" else NumberMixed
    return {"category": Categories, "boolean": Categories, "constant": Constant}[schema.kind]
