"""`genapps tabular` as a user runs it: what each command makes, says and leaves."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FAST = ("--family", "gmm")
QUICK = ("--set", "training.epochs=1", "--set", "training.min_steps=2", "--set", "autoregressive.hidden=8")


def write_shop(path: Path, rows: int = 300, seed: int = 0) -> Path:
    """Numbers, categories, dates and gaps; `spent` follows `age`."""
    draw = np.random.default_rng(seed)
    lines = []
    for k in range(rows):
        age = int(draw.integers(18, 80))
        city = draw.choice(["Köln", "Paris", ""], p=[0.6, 0.3, 0.1])
        spent = "" if draw.random() < 0.1 else f"{age * 2 + draw.normal():.2f}"
        rich = ">50K" if draw.random() < age / 90 else "<=50K"
        lines.append(f"c{k:05d}-{draw.integers(16**6):06x},{age},{city},{spent},2024-{1 + k % 12:02d}-1{k % 9},{rich}")
    path.write_text("\n".join(["customer,age,city,spent,day,income", *lines]) + "\n")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "shop.csv")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Just enough rows that some are kept unseen, few enough to be judged in no time."""
    return write_shop(tmp_path / "shop.csv", rows=100)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the shop, learnt once."""
    from genapps.cli import main

    folder = tmp_path_factory.mktemp("learnt")
    words = ["tabular", "fit", str(write_shop(folder / "shop.csv")), *FAST, "-o", str(folder / "shop.genapps")]
    assert main(words) == 0
    return folder / "shop.genapps"


@pytest.fixture
def model(here: Callable[..., Any], shop: Path, tmp_path: Path, learnt: Path) -> Path:
    return Path(shutil.copy(learnt, tmp_path / "shop.genapps"))


# synthesize -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [FAST, QUICK], ids=["gmm", "autoregressive"])
def test_synthesize_makes_rows_a_model_and_a_report(
    family: tuple[str, ...], here: Callable[..., Any], shop: Path, tmp_path: Path
) -> None:
    words = ("-n", 120, "-o", "rows.csv", "--model", "m.genapps", "--report", "r.html")
    done = here("tabular", "synthesize", shop, *family, *words)
    assert done.code == 0, done.err
    assert done.out == ""
    made, real = rows_of(tmp_path / "rows.csv"), rows_of(shop)
    assert len(made) == 120
    assert list(made[0]) == list(real[0])
    assert {row["customer"] for row in made}.isdisjoint({row["customer"] for row in real})
    assert {row["income"] for row in made} <= {">50K", "<=50K"}
    assert all(re.fullmatch(r"2024-\d\d-\d\d", row["day"]) for row in made)
    for place in ("rows.csv", "m.genapps", "r.html", "(120 rows)", "other real", "AUC"):
        assert place in done.err
    assert "<html" in (tmp_path / "r.html").read_text()[:200]
    assert here("tabular", "sample", "m.genapps", "-n", 3).code == 0


def test_synthesize_makes_as_many_rows_as_there_are(here: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    assert here("tabular", "synthesize", shop, *FAST, "-o", "rows.csv").code == 0
    assert len(rows_of(tmp_path / "rows.csv")) == 300


def test_the_same_seed_gives_the_same_bytes(here: Callable[..., Any], small: Path, tmp_path: Path) -> None:
    made = {}
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert here("tabular", "synthesize", small, *FAST, "--seed", seed, "-n", 50, "-o", f"{name}.csv").code == 0
        made[name] = (tmp_path / f"{name}.csv").read_bytes()
    assert made["a"] == made["b"] != made["c"]


def test_the_largest_seed_is_a_seed(here: Callable[..., Any], small: Path) -> None:
    assert here("tabular", "synthesize", small, *FAST, "--seed", 2**63 - 1, "-o", "rows.csv").code == 0


def test_rows_go_to_stdout_and_notes_do_not(here: Callable[..., Any], small: Path) -> None:
    done = here("tabular", "synthesize", small, *FAST, "-n", 7)
    assert done.code == 0
    lines = done.out.splitlines()
    assert len(lines) == 8
    assert lines[0] == "customer,age,city,spent,day,income"
    assert "other real" in done.err
    assert here("tabular", "synthesize", small, *FAST, "-n", 7, "-q").err == ""


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "csv.gz"])
def test_the_suffix_decides_the_format(suffix: str, here: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    assert here("tabular", "sample", model, "-n", 9, "-o", f"rows.{suffix}").code == 0
    from genapps.io.tables import read_table

    table = read_table(tmp_path / f"rows.{suffix}")
    assert table.num_rows == 9
    assert table.column_names == ["customer", "age", "city", "spent", "day", "income"]


def test_json_holds_every_figure(here: Callable[..., Any], shop: Path) -> None:
    done = here("tabular", "synthesize", shop, *FAST, "-o", "rows.csv", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["rows"] == "rows.csv"
    assert found["written"] == 300
    keys = {measure["key"] for measure in found["evaluation"]["measures"]}
    assert {"two_sample_auc", "share_nearer", "exact_copies"} <= keys
    assert found["evaluation"]["rows"] == {"real": 240, "synthetic": 300, "holdout": 60}
    provenance = found["evaluation"]["provenance"]
    assert provenance["rows"] == 240
    assert provenance["cpu_seconds"] > 0
    assert provenance["peak_memory_bytes"] > 10**7
    assert re.fullmatch(r"[0-9a-f]{64}", provenance["data_fingerprint"])


def test_too_few_rows_to_split_are_said_so(here: Callable[..., Any], tmp_path: Path) -> None:
    write_shop(tmp_path / "few.csv", rows=60)
    done = here("tabular", "synthesize", "few.csv", *FAST, "-o", "rows.csv")
    assert done.code == 0, done.err
    assert "all 60 rows were learnt, none kept unseen" in done.err


def test_given_holds_in_every_row(here: Callable[..., Any], small: Path, tmp_path: Path) -> None:
    words = ("--given", "age=30..40", "--given", "income=>50K", "--given", "city=Köln|Paris", "-n", 80)
    done = here("tabular", "synthesize", small, *FAST, *words, "-o", "rows.csv")
    assert done.code == 0, done.err
    made = rows_of(tmp_path / "rows.csv")
    assert len(made) == 80
    assert all(30 <= int(row["age"]) <= 40 and row["income"] == ">50K" and row["city"] for row in made)
    assert "conditions make the written rows unlike the table" in done.err


def test_auto_prints_the_leaderboard_and_keeps_the_best(here: Callable[..., Any], shop: Path) -> None:
    done = here("tabular", "synthesize", shop, "--family", "auto", *QUICK, "-o", "rows.csv", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert {trial["family"] for trial in found["leaderboard"]} == {"autoregressive", "gan", "gmm", "rbm", "vae"}
    assert found["evaluation"]["provenance"]["family"] == found["leaderboard"][0]["family"]
    done = here("tabular", "synthesize", shop, "--family", "auto", *QUICK, "-o", "rows.csv")
    assert "engine, best first" in done.err


def test_settings_are_written_beside_the_result(here: Callable[..., Any], small: Path, tmp_path: Path) -> None:
    done = here("tabular", "synthesize", small, *FAST, "--seed", 3, "--set", "codec.bins=16", "-o", "rows.csv")
    assert done.code == 0, done.err
    again = here("tabular", "synthesize", small, "--config", "rows.csv.toml", "-o", "again.csv")
    assert again.code == 0, again.err
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert "bins = 16" in (tmp_path / "rows.csv.toml").read_text()
    assert not (tmp_path / "again.csv.checkpoint").exists()


def test_a_dry_run_does_nothing(here: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    done = here("tabular", "synthesize", shop, "-n", 1000, "-o", "rows.csv", "--report", "r.html", "--dry-run")
    assert done.code == 0, done.err
    for words in ("300 rows, 6 columns", "autoregressive", "rows.csv (1,000 rows)", "r.html", "MiB"):
        assert words in done.out
    assert re.search(r"customer\s+identifier", done.out)
    assert sorted(tmp_path.iterdir()) == before


def test_a_column_without_a_value_is_called_empty(here: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,none,same\n" + "".join(f"{k},,q\n" for k in range(50)))
    done = here("tabular", "schema", "t.csv")
    assert json.loads(done.out)["columns"][1] == {"name": "none", "kind": "constant", "dtype": "string"}
    assert done.err == "1 empty column, with nothing to learn: 'none'\n"
    done = here("tabular", "fit", "t.csv", "--dry-run")
    assert re.search(r"none\s+empty\n", done.out)
    assert re.search(r"same\s+constant\n", done.out)
    planned = json.loads(here("tabular", "fit", "t.csv", "--dry-run", "--json").out)
    assert planned["columns"] == {"a": "identifier", "none": "constant", "same": "constant"}
    assert planned["empty"] == ["none"]


def test_an_edited_schema_is_obeyed(here: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    assert here("tabular", "schema", shop, "-o", "schema.json").code == 0
    schema = json.loads((tmp_path / "schema.json").read_text())
    kinds = {column["name"]: column["kind"] for column in schema["columns"]}
    assert kinds["customer"] == "identifier"
    for column in schema["columns"]:
        if column["name"] == "age":
            column["kind"] = "category"
            for key in [key for key in column if key not in ("name", "kind", "dtype", "nullable")]:
                del column[key]
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    done = here("tabular", "fit", shop, *FAST, "--schema", "schema.json", "--dry-run")
    assert done.code == 0, done.err
    assert re.search(r"age\s+category", done.out)


def test_sdv_metadata_is_written_and_read(here: Callable[..., Any], small: Path, tmp_path: Path) -> None:
    assert here("tabular", "schema", small, "--sdv", "-o", "metadata.json").code == 0
    assert "sdtype" in (tmp_path / "metadata.json").read_text()
    done = here("tabular", "synthesize", small, *FAST, "--schema", "metadata.json", "-n", 5, "-o", "rows.csv")
    assert done.code == 0, done.err


def test_a_table_comes_through_a_pipe(
    command: Callable[..., Any],
    here: Callable[..., Any],
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with small.open() as pipe:
        done = command("tabular", "synthesize", "-", *FAST, "-n", 4, "-o", "rows.csv", stdin=pipe)
    assert done.returncode == 0, done.stderr
    assert len(rows_of(tmp_path / "rows.csv")) == 4
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        empty = here("tabular", "fit", "-")
    assert empty.code == 3
    assert empty.err.startswith("genapps: stdin: the file is empty")


# fit and sample -------------------------------------------------------------------------------------------------------


def test_fit_then_sample(here: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert here("tabular", "sample", model, "-n", "1_00", "--seed", 4, "-o", f"{name}.csv").code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert len(rows_of(tmp_path / "a.csv")) == 100
    assert len({row["customer"] for row in rows_of(tmp_path / "a.csv")}) == 100
    assert here("tabular", "sample", model, "-n", 100, "--seed", 5, "-o", "c.csv").code == 0
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "c.csv").read_bytes()


def test_the_card_of_a_model_says_where_it_came_from(here: Callable[..., Any], model: Path) -> None:
    found = json.loads(here("model", "show", model, "--json").out)
    assert found["domain"] == "tabular"
    assert found["family"] == "gmm"
    assert found["provenance"]["rows"] == 300
    assert found["provenance"]["columns"] == 6
    assert set(found["provenance"]["versions"]) >= {"genapps", "torch", "numpy"}


def test_workers_do_not_show(here: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    """Three shards, made by one process or by two: the same bytes."""
    for workers in (1, 2):
        done = here("tabular", "sample", model, "-n", 140_000, "--workers", workers, "-o", f"{workers}.csv")
        assert done.code == 0, done.err
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    names = [row["customer"] for row in rows_of(tmp_path / "1.csv")]
    assert len(set(names)) == len(names) == 140_000


def test_spreadsheet_safe(here: Callable[..., Any], tmp_path: Path) -> None:
    lines = [f"{'=1+1' if k % 2 else 'plain'},{k % 5}" for k in range(100)]
    (tmp_path / "cells.csv").write_text("\n".join(["text,size", *lines]) + "\n")
    assert here("tabular", "synthesize", "cells.csv", *FAST, "-o", "raw.csv").code == 0
    assert here("tabular", "synthesize", "cells.csv", *FAST, "--spreadsheet-safe", "-o", "safe.csv").code == 0
    assert any(row["text"].startswith("=") for row in rows_of(tmp_path / "raw.csv"))
    safe = [row["text"] for row in rows_of(tmp_path / "safe.csv")]
    assert "'=1+1" in safe
    assert not any(text.startswith("=") for text in safe)


# impute ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [FAST, QUICK], ids=["gmm", "autoregressive"])
def test_impute_fills_gaps_and_keeps_every_other_byte(
    family: tuple[str, ...], here: Callable[..., Any], shop: Path, tmp_path: Path
) -> None:
    text = "\ufeff" + shop.read_text().replace("\n", "\r\n").replace("Köln", '"Köln"')
    shop.write_bytes(text.encode())
    done = here("tabular", "impute", shop, *family, "-o", "full.csv")
    assert done.code == 0, done.err
    full = (tmp_path / "full.csv").read_bytes().decode()
    before, after = text.split("\r\n"), full.split("\r\n")
    assert len(before) == len(after)
    filled = 0
    for old, new in zip(before, after, strict=True):
        for was, now in zip(old.split(","), new.split(","), strict=True):
            filled += was == ""
            assert now == was if was else now or old == ""
    assert filled - 1 == sum(line.split(",").count("") for line in before[:-1]) > 30  # the last line is empty
    assert f"{filled - 1} gaps filled in 2 columns" in done.err


def test_imputed_values_follow_their_row(here: Callable[..., Any], shop: Path, model: Path, tmp_path: Path) -> None:
    assert here("tabular", "impute", shop, "--model", model, "-o", "full.csv").code == 0
    pairs = [
        (float(full["spent"]), 2 * int(full["age"]))
        for was, full in zip(rows_of(shop), rows_of(tmp_path / "full.csv"), strict=True)
        if not was["spent"]
    ]
    errors = [abs(made - truth) for made, truth in pairs]
    spread = float(np.std([truth for _, truth in pairs]))
    assert len(pairs) > 10
    assert np.median(errors) < spread / 2


def test_impute_leaves_what_nothing_tells(here: Callable[..., Any], tmp_path: Path) -> None:
    rows = [f"{'' if k % 10 == 0 else f'{k * 7919:08x}-{k:06d}-zz'},{k % 7},{k % 3 or ''}" for k in range(300)]
    (tmp_path / "t.csv").write_text("\n".join(["code,size,kind", *rows]) + "\n")
    done = here("tabular", "impute", "t.csv", *FAST, "-o", "full.csv", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["left"] == {"code": 30}
    assert json.loads(done.out)["filled"] == {"kind": 100}


def test_impute_says_that_there_are_no_gaps(here: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\r\n" + "".join(f'{k},"x{k % 3}"\r\n' for k in range(50)))
    done = here("tabular", "impute", "t.csv", "-o", "full.csv")
    assert done.code == 0, done.err
    assert done.err.startswith("no gaps: the table is written as it is\n")
    assert (tmp_path / "full.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()
    assert json.loads(here("tabular", "impute", "t.csv", "-o", "full.csv", "--json").out)["filled"] == {}


def test_impute_to_another_format(here: Callable[..., Any], shop: Path, model: Path, tmp_path: Path) -> None:
    assert here("tabular", "impute", shop, "--model", model, "-o", "full.parquet").code == 0
    from genapps.io.tables import read_table

    table = read_table(tmp_path / "full.parquet")
    assert table.num_rows == 300
    assert table.column("spent").null_count == 0


# augment and evaluate -------------------------------------------------------------------------------------------------


def test_augment_balances_and_measures(here: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    words = ("--target", "income", "--balance", "--marker", "synthetic", "-o", "larger.csv", "--json")
    done = here("tabular", "augment", shop, *FAST, *words)
    assert done.code == 0, done.err
    found, rows = json.loads(done.out), rows_of(tmp_path / "larger.csv")
    incomes = [row["income"] for row in rows]
    assert incomes.count(">50K") == incomes.count("<=50K")
    real = [row for row in rows if row["synthetic"] == "false"]
    assert [{k: v for k, v in row.items() if k != "synthetic"} for row in real] == rows_of(shop)
    assert len(rows) == found["written"] == 300 + sum(found["added"].values())
    assert [scores["variant"] for scores in found["scores"]] == [
        "real rows",
        "real + repeated rows",
        "real + synthetic rows",
    ]
    assert all(len(values) == 3 for scores in found["scores"] for values in scores["values"].values())
    assert found["helped"] == ("helped" in found["verdict"])


def test_augment_says_when_it_did_not_help(here: Callable[..., Any], tmp_path: Path) -> None:
    """A target that nothing predicts: no rows can help."""
    draw = np.random.default_rng(1)
    lines = [f"{a:.3f},{b:.3f},{'yes' if c < 0.5 else 'no'}" for a, b, c in draw.random((300, 3))]
    (tmp_path / "noise.csv").write_text("\n".join(["a,b,coin", *lines]) + "\n")
    done = here("tabular", "augment", "noise.csv", "--target", "coin", *FAST, "-o", "larger.csv")
    assert done.code == 0, done.err
    assert re.search(r"(did not help|harmed)", done.err)
    assert "Train on the real rows alone" in " ".join(done.err.split())


def test_augment_predicts_numbers(here: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    done = here("tabular", "augment", shop, "--target", "spent", *FAST, "-n", 50, "-o", "larger.csv", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["task"] == "regression"
    assert found["scores"][0]["values"]["R2"][0] > 0.5
    assert len(rows_of(tmp_path / "larger.csv")) == 350


def test_evaluate_tells_a_copy_from_fresh_rows(here: Callable[..., Any], small: Path, tmp_path: Path) -> None:
    write_shop(tmp_path / "fresh.csv", rows=100, seed=1)
    write_shop(tmp_path / "unseen.csv", rows=100, seed=2)
    figures = {}
    for name in ("shop", "fresh"):
        done = here(
            "tabular", "evaluate", small, f"{name}.csv", "--holdout", "unseen.csv", "--json", "--report", "r.html"
        )
        assert done.code == 0, done.err
        figures[name] = {measure["key"]: measure["value"] for measure in json.loads(done.out)["measures"]}
    assert figures["shop"]["exact_copies"] == 1
    assert figures["fresh"]["exact_copies"] < 0.1
    assert (tmp_path / "r.html").exists()
    text = here("tabular", "evaluate", small, "fresh.csv")
    assert text.code == 0
    assert "Exact copies" in text.out


# the Python API -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_the_same_kind_of_table_comes_back(kind: str, small: Path) -> None:
    import genapps.io.tables
    from genapps_tabular import TabularConfig, augment, evaluate, fit, impute, sample, synthesize

    table = genapps.io.tables.read_table(small)
    if kind == "pandas":
        data: Any = table.to_pandas()
    elif kind == "polars":
        import polars

        data = polars.from_arrow(table)
    else:
        data = table
    config = TabularConfig(family="gmm")
    made = synthesize(data, 20, config=config)
    model = fit(data, config=config)
    assert type(made.rows) is type(data)
    assert type(model.sample(5)) is type(data)
    assert type(sample(model, 5)) is type(data)
    assert type(impute(data, model=model).rows) is type(data)
    assert type(augment(data, "income", config=config, splits=1).rows) is type(data)
    assert list(map(str, made.rows.columns if kind != "pyarrow" else made.rows.column_names)) == table.column_names
    assert evaluate(data, made.rows).rows["synthetic"] == 20
    assert len(model.log_prob(data).values) == 100
