"""The adapter to SDV: same columns, same types, a pure function of the seed, and clear words where it cannot be."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from genapps.errors import GenappsError, MissingExtra, UsageError
from genapps_tabular import peers
from genapps_tabular.schema import ColumnSchema, Schema

ROWS = 80


def column(name: str, kind: Any, values: pa.Array, **settings: Any) -> tuple[ColumnSchema, pa.Array]:
    return ColumnSchema(name, kind, str(values.type), values.null_count > 0, **settings), values


def build(*columns: tuple[ColumnSchema, pa.Array]) -> tuple[pa.Table, Schema]:
    return pa.table({c.name: a for c, a in columns}), Schema(tuple(c for c, _ in columns))


def mixed() -> tuple[pa.Table, Schema]:
    """One column of each kind that SDV is shown, typed and as text, with gaps."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, ROWS)
    gaps = rng.random(ROWS) < 0.2
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 400, ROWS)]
    start = dt.datetime(2021, 5, 1, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 9999, ROWS)]
    zones = ["Z", "+02:00"] * (ROWS // 2)
    price = [f"{p:,.2f} EUR" for p in np.exp(rng.normal(6, 2, ROWS))]
    return build(
        column("age", "number", pa.array(age)),
        column("price", "number", pa.array(price), decimals=2, least_decimals=2, thousands=",", suffix=" EUR"),
        column("weight", "number", pa.array(rng.normal(70, 9, ROWS), mask=gaps), decimals=None),
        column("Größe", "category", pa.array(np.where(gaps, None, rng.choice(["S", "M", "ł"], ROWS)), pa.string())),
        column("group", "category", pa.array(rng.choice(["a", "b"], ROWS)).dictionary_encode()),
        column("code", "category", pa.array(rng.integers(0, 3, ROWS), pa.int16())),
        column("member", "boolean", pa.array(age > 40)),
        column("joined", "date", pa.array(days)),
        column("written", "date", pa.array([d.strftime("%d.%m.%Y") for d in days]), format="%d.%m.%Y"),
        column(
            "sent",
            "datetime",
            pa.array([f"{m:%Y-%m-%dT%H:%M:%S}.25{z}" for m, z in zip(moments, zones, strict=True)]),
            format="%Y-%m-%dT%H:%M:%S.%f%z",
            decimals=2,
        ),
        column("seen", "datetime", pa.array(moments, pa.timestamp("s", "Europe/Berlin"))),
        column("wakes", "time", pa.array([m.time() for m in moments], pa.time32("s"))),
    )


def test_nothing_of_sdv_is_imported_unless_asked_for() -> None:
    code = "import sys, genapps_tabular.peers; assert not {'sdv', 'ctgan', 'copulas', 'rdt'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_sdv_names_licence_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sdv", None)
    monkeypatch.setitem(sys.modules, "sdv.single_table", None)
    with pytest.raises(MissingExtra, match=r"BUSL-1\.1.*pip install 'genapps\[sdv\]'"):
        peers.fit_sample("ctgan", *mixed(), 5, 0)


def test_unknown_name_suggests() -> None:
    with pytest.raises(UsageError, match="did you mean sdv:ctgan"):
        peers.fit_sample("ctgann", *mixed(), 5, 0)


def test_columns_go_to_pandas_and_back() -> None:
    table, schema = mixed()
    for c in schema.columns:
        peer = peers._Column(c, peers.flat(table.column(c.name)))
        assert peer.write(peer.read()).equals(table.column(c.name).combine_chunks()) or c.name == "weight"
        if c.name == "weight":
            back = peer.write(peer.read())
            assert back.null_count == table["weight"].null_count
            assert np.allclose(back.drop_null(), table["weight"].drop_null())


def test_words_beside_numbers_and_dates_are_missing() -> None:
    table, schema = build(
        column("n", "number", pa.array(["1", "N/A", "3"]), decimals=0, words=("N/A",)),
        column("d", "date", pa.array(["2020-01-02", "never", None]), format="%Y-%m-%d", words=("never",)),
    )
    read = [peers._Column(c, peers.flat(table.column(c.name))).read().isna().tolist() for c in schema.columns]
    assert read == [[False, True, False], [False, True, True]]


def test_same_columns_and_types() -> None:
    pytest.importorskip("sdv", exc_type=ImportError)
    table, schema = mixed()
    made, said = peers.fit_sample("gaussian_copula", table, schema, 30, 3, default_distribution="norm")
    assert made.schema.equals(table.schema)
    assert made.num_rows == 30
    assert said["family"] == "sdv:gaussian_copula"
    assert said["settings"] == {"default_distribution": "norm"}
    assert said["versions"]["sdv"]
    for c in ("group", "code", "Größe"):
        assert set(made[c].to_pylist()) <= set(table[c].to_pylist())
    for c in ("joined", "seen", "wakes"):
        assert pc.min(made[c]).as_py() >= pc.min(table[c]).as_py()
    assert all(text.endswith(" EUR") for text in made["price"].to_pylist())


@pytest.mark.parametrize("name", peers.SYNTHESIZERS)
def test_a_pure_function_of_the_seed(name: str) -> None:
    pytest.importorskip("sdv", exc_type=ImportError)
    rng = np.random.default_rng(1)
    table, schema = build(
        column("x", "number", pa.array(rng.normal(0, 1, ROWS))),
        column("c", "category", pa.array(rng.choice(["a", "b"], ROWS))),
    )
    options = {"default_distribution": "norm"} if name == "gaussian_copula" else {"epochs": 1}
    once, again, other = (peers.fit_sample(name, table, schema, 20, seed, **options)[0] for seed in (3, 3, 4))
    assert once.schema.equals(table.schema)
    assert once.equals(again)
    assert not once.equals(other)


def test_identifiers_and_constants_are_ours() -> None:
    pytest.importorskip("sdv", exc_type=ImportError)
    table, schema = build(
        column("id", "identifier", pa.array([f"C-{i:05d}" for i in range(ROWS)])),
        column("unit", "constant", pa.array(["kg"] * ROWS)),
        column("x", "number", pa.array(np.arange(ROWS) % 7)),
    )
    made, _ = peers.fit_sample("gaussian_copula", table, schema, 200, 0)
    assert not set(made["id"].to_pylist()) & set(table["id"].to_pylist())
    assert len(set(made["id"].to_pylist())) == 200
    assert set(made["unit"].to_pylist()) == {"kg"}
    alone = build(column("unit", "constant", pa.array(["kg"] * ROWS)))
    bare, _ = peers.fit_sample("gaussian_copula", *alone, 4, 0)
    assert bare.to_pydict() == {"unit": ["kg"] * 4}


def test_random_states_are_left_alone() -> None:
    pytest.importorskip("sdv", exc_type=ImportError)
    import torch

    table, schema = build(column("x", "number", pa.array(np.arange(ROWS) % 7)))
    states = []
    for between in (lambda: None, lambda: peers.fit_sample("tvae", table, schema, 5, 1, epochs=1)):
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)
        between()
        states.append((np.random.random(), torch.rand(()).item()))  # noqa: NPY002
    assert states[0] == states[1]


def test_wrong_setting_and_failure_are_one_line() -> None:
    pytest.importorskip("sdv", exc_type=ImportError)
    table, schema = build(column("x", "number", pa.array(np.arange(ROWS) % 7)))
    with pytest.raises(UsageError, match="nonsense"):
        peers.fit_sample("tvae", table, schema, 5, 1, nonsense=1)
    with pytest.raises(GenappsError, match=r"sdv:tvae failed: [^\n]*$"):
        peers.fit_sample("tvae", table, schema, 5, 1, epochs="many")
