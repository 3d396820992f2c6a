"""One table with every kind of column, through every engine and format: what comes out is of the same kinds."""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROWS = 1200
ENGINES = {
    "gmm": ("--family", "gmm"),
    "autoregressive": (
        "--set", "training.epochs=2", "--set", "training.min_steps=20", "--set", "autoregressive.hidden=16",
    ),
}  # fmt: skip
ZONE = timezone(timedelta(hours=2))


def record(k: int, draw: np.random.Generator) -> dict[str, Any]:
    """One row; the sale's time goes to the minute, one price in ten is missing, one in ten is a word."""
    price = round(float(draw.lognormal(3, 1)), 2)
    return {
        "Kundennummer ü": str(uuid.UUID(bytes=draw.bytes(16), version=4)),
        "数量": int(draw.poisson(3)),
        "price": ["", "on request", price, price, price, price, price, price, price, price][k % 10],
        "product": f"P-{int(draw.zipf(1.3)) % 5000}",
        "paid": ["true", "false"][int(draw.random() < 0.3)],
        "sold at": (datetime(2024, 1, 1, tzinfo=ZONE) + timedelta(minutes=int(draw.integers(500_000)))).isoformat(),
        "birthday": f"{1940 + int(draw.integers(60))}-{1 + k % 12:02d}-{1 + k % 28:02d}",
        "opens": f"{int(draw.integers(6, 11)):02d}:{int(draw.integers(4)) * 15:02d}",
        "currency": "€",
        "nothing": "",
        "city, country": ["Zürich, CH", 'the "Hague", NL', "São Paulo\nBR"][int(draw.integers(3))],
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("kinds") / "shop.csv"
    rows = [record(k, draw) for k in range(ROWS)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_kind_comes_back(engine: str, shop: Path, here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("tabular", "synthesize", shop, *ENGINES[engine], "-n", 1500, "-o", "rows.csv", "--report", "r.html")
    assert done.code == 0, done.err
    real, made = rows_of(shop), rows_of(tmp_path / "rows.csv")
    assert list(made[0]) == list(real[0])
    assert len(made) == 1500

    def values(name: str) -> list[str]:
        return [row[name] for row in made]

    ids = values("Kundennummer ü")
    assert len(set(ids)) == 1500
    assert set(ids).isdisjoint(row["Kundennummer ü"] for row in real)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", name) for name in ids)
    assert all(re.fullmatch(r"\d+", text) for text in values("数量"))
    prices = values("price")
    assert 60 < prices.count("") < 300
    assert 60 < prices.count("on request") < 300
    assert all(re.fullmatch(r"\d+(\.\d{1,2})?", text) for text in prices if text not in ("", "on request"))
    assert set(values("product")) <= {row["product"] for row in real}
    assert len(set(values("product"))) > 100
    assert set(values("paid")) == {"true", "false"}
    times = [datetime.fromisoformat(text) for text in values("sold at")]
    assert all(time.utcoffset() == timedelta(hours=2) and time.year in (2024, 2025) for time in times)
    assert len(set(times)) > 1000
    assert all(datetime.strptime(text, "%Y-%m-%d") for text in values("birthday"))
    assert all(re.fullmatch(r"(0[6-9]|10):(00|15|30|45)", text) for text in values("opens"))
    assert set(values("currency")) == {"€"}
    assert set(values("nothing")) == {""}
    assert set(values("city, country")) == {row["city, country"] for row in real}


def test_typed_files_keep_their_types(shop: Path, here: Callable[..., Any], tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    typed = pa.table(
        {
            "when": pa.array(
                [datetime(2024, 3, 1, tzinfo=ZONE) + timedelta(hours=k) for k in range(400)],
                pa.timestamp("ms", "Europe/Zurich"),
            ),
            "day": pa.array([datetime(2024, 1, 1).date() + timedelta(days=k % 90) for k in range(400)]),
            "flag": pa.array([None if k % 9 == 0 else k % 2 == 0 for k in range(400)]),
            "small": pa.array([k % 50 for k in range(400)], pa.int16()),
            "real": pa.array([k / 7 for k in range(400)], pa.float32()),
            "kind": pa.array([f"k{k % 4}" for k in range(400)]).dictionary_encode(),
        }
    )
    pq.write_table(typed, tmp_path / "typed.parquet")
    for engine in ENGINES.values():
        done = here("tabular", "synthesize", "typed.parquet", *engine, "-n", 50, "-o", "rows.parquet")
        assert done.code == 0, done.err
        made = pq.read_table(tmp_path / "rows.parquet")
        assert [field.name for field in made.schema] == typed.column_names
        for name in ("when", "day", "flag", "small", "real"):
            assert made.schema.field(name).type == typed.schema.field(name).type
        assert set(made["kind"].to_pylist()) <= {"k0", "k1", "k2", "k3"}
        assert min(made["when"].to_pylist()) >= datetime(2024, 3, 1, tzinfo=ZONE)


@pytest.mark.parametrize("engine", ENGINES)
def test_conditions_reach_every_kind(engine: str, shop: Path, here: Callable[..., Any], tmp_path: Path) -> None:
    assert here("tabular", "fit", shop, *ENGINES[engine], "-o", "m.genapps").code == 0
    words = [
        "--given", "sold at=2024-05-01..2024-05-31", "--given", "数量=2..4", "--given", "paid=false",
        "--given", "city, country=Zürich, CH",
    ]  # fmt: skip
    done = here("tabular", "sample", "m.genapps", "-n", 60, *words, "-o", "rows.csv")
    assert done.code == 0, done.err
    for row in rows_of(tmp_path / "rows.csv"):
        assert row["sold at"].startswith("2024-05-")
        assert row["数量"] in "234"
        assert row["paid"] == "false"
        assert row["city, country"] == "Zürich, CH"
    done = here("tabular", "sample", "m.genapps", "-n", 40, "--given", "price=missing", "-o", "gaps.csv")
    assert done.code == 0, done.err
    assert {row["price"] for row in rows_of(tmp_path / "gaps.csv")} == {""}
    done = here("tabular", "sample", "m.genapps", "-n", 40, "--given", "price=on request", "-o", "words.csv")
    assert done.code == 0, done.err
    assert {row["price"] for row in rows_of(tmp_path / "words.csv")} == {"on request"}
