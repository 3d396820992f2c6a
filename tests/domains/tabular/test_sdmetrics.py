"""Column shapes and pair trends equal those of sdmetrics' quality report; needs the extra [sdv]."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from genapps_tabular.metrics import evaluate_tables
from genapps_tabular.schema import ColumnSchema, Schema

pytest.importorskip("sdmetrics")
pytestmark = pytest.mark.filterwarnings("ignore")

KINDS = {"a": "number", "b": "number", "c": "category", "d": "category", "e": "boolean", "f": "datetime", "g": "number"}
SDTYPES = {"number": "numerical", "category": "categorical", "boolean": "boolean", "datetime": "datetime"}


def rows(count: int, seed: int, gaps: float) -> pa.Table:
    generator = np.random.default_rng(seed)
    a = generator.normal(size=count)
    b = np.round(a + seed * 0.1 * generator.normal(size=count) ** 3, 1)
    c = np.minimum(generator.geometric(0.3, count), 9 + seed)
    d = (c + generator.integers(0, 2 + seed, count)) % 6
    e = a > generator.normal(size=count)
    f = [datetime(2020, 1, 1) + timedelta(hours=int(h)) for h in 500 * np.abs(a) + generator.integers(0, 90, count)]
    g = generator.integers(0, 4, count)  # depends on nothing
    columns = {"a": a, "b": b, "c": [f"c{x}" for x in c], "d": [f"d{x}" for x in d], "e": e, "f": f, "g": g}
    table = {}
    for name, values in columns.items():
        missing = generator.random(count) < (gaps if name not in "eg" else 0)
        table[name] = pa.array(list(values), mask=missing)
    return pa.table(table)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
@pytest.mark.parametrize("seed", [1, 2])
def test_shapes_and_trends_are_those_of_the_quality_report(seed: int, gaps: float) -> None:
    from sdmetrics.reports import QualityReport

    real, synthetic = rows(700, 0, gaps), rows(500, seed, gaps)
    schema = Schema(tuple(ColumnSchema(name, kind) for name, kind in KINDS.items()))  # type: ignore[arg-type]
    found = evaluate_tables(real, synthetic, schema=schema)
    columns = {name: {"sdtype": SDTYPES[kind]} for name, kind in KINDS.items()}
    metadata = {"tables": {"t": {"columns": columns}}, "relationships": []}
    for key, threshold in (("strong_pair_trends", None), ("pair_trends", 0)):
        report = QualityReport()
        if threshold is not None:
            report.real_correlation_threshold = report.real_association_threshold = threshold
        report.generate({"t": real.to_pandas()}, {"t": synthetic.to_pandas()}, metadata, verbose=False)
        scores = report.get_properties().set_index("Property")["Score"]
        assert found["column_shapes"].value == pytest.approx(scores["Column Shapes"], abs=1e-7)
        assert found[key].value == pytest.approx(scores["Column Pair Trends"], abs=1e-7)
        details = report.get_details("Column Shapes", "t").set_index("Column")["Score"]
        for column in found.columns:
            assert column.similarity == pytest.approx(details[column.name], abs=1e-6), (
                column.name
            )  # there a share of 0 is 1e-8
