"""What kind of column each one is, found from its name and values alone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from genapps_tabular.columns import numerals
from genapps_tabular.columns.base import flat
from genapps_tabular.schema import ColumnSchema


def detect_column(name: str, column: Any) -> ColumnSchema:
    """The schema of one column."""
    array, dtype, nullable = flat(column), str(column.type), column.null_count > 0
    valid = array.drop_null()
    distinct = pc.unique(valid)
    if len(distinct) == 0 or (len(distinct) == 1 and not nullable):
        return ColumnSchema(name, "constant", dtype, nullable)
    if pa.types.is_string(distinct.type):
        number = pc.all(pc.match_substring_regex(distinct, numerals.PLAIN)).as_py()
        zeros = pc.any(pc.match_substring_regex(distinct, r"^[+-]?0\d")).as_py()
        if number and not zeros:
            digits = pc.subtract(pc.subtract(pc.binary_length(distinct), pc.find_substring(distinct, ".")), 1)
            digits = pc.if_else(pc.match_substring(distinct, "."), digits, 0)
            free = pc.any(pc.match_substring_regex(distinct, "[eE]")).as_py()
            least, most = pc.min(digits).as_py(), pc.max(digits).as_py()
            return ColumnSchema(name, "number", dtype, nullable, None if free else most, 0 if free else least)
        return ColumnSchema(name, "category", dtype, nullable)
    if pa.types.is_integer(array.type):
        return ColumnSchema(name, "number", dtype, nullable, 0)
    if pa.types.is_floating(array.type):
        values = numerals.read(distinct, ColumnSchema(name, "number", dtype))
        return ColumnSchema(name, "number", dtype, nullable, numerals.decimals_of(values))
    return ColumnSchema(name, "boolean" if pa.types.is_boolean(array.type) else "category", dtype, nullable)
