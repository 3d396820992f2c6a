"""A synthetic table judged: good, broken, copied, collapsed and degenerate ones."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import InputError, UsageError
from genapps_tabular.evaluation import Evaluation
from genapps_tabular.metrics import evaluate_tables
from genapps_tabular.schema import ColumnSchema, Schema

SCHEMA = Schema(
    (
        ColumnSchema("id", "identifier"),
        ColumnSchema("age", "number", decimals=0),
        ColumnSchema("pay", "number", decimals=2, words=("none",)),
        ColumnSchema("city", "category"),
        ColumnSchema("since", "date", format="%Y-%m-%d"),
        ColumnSchema("land", "constant"),
        ColumnSchema("member", "boolean"),
    )
)


def people(rows: int, seed: int) -> pa.Table:
    """Rows whose columns depend on one another, as a CSV reader gives them: strings, null where missing."""
    generator = np.random.default_rng(seed)
    age = generator.integers(18, 80, rows)
    city = np.minimum(generator.geometric(0.25, rows), 12) + (age > 50) * 5
    pay = age * 50.0 + 300 * (city % 4) + generator.normal(0, 100, rows)
    member = pay + generator.normal(0, 300, rows) > 2800
    days = np.datetime64("2020-01-06") + generator.integers(0, 200, rows) * 7 + (age % 5)  # never on a weekend
    none = generator.random(rows) < 0.05
    return pa.table(
        {
            "id": [f"P{seed}-{i:05}" for i in range(rows)],
            "age": [str(x) for x in age],
            "pay": ["none" if no else f"{x:.2f}" for x, no in zip(pay, none, strict=True)],
            "city": [None if c == 3 else f"town {c}" for c in city],
            "since": [str(day) for day in days],
            "land": ["here"] * rows,
            "member": ["true" if m else "false" for m in member],
        }
    )


def broken(table: pa.Table, seed: int) -> pa.Table:
    """The same columns, each in an order of its own."""
    generator = np.random.default_rng(seed)
    return pa.table({name: table[name].take(generator.permutation(len(table))) for name in table.column_names})


REAL, UNSEEN, OTHER = people(1500, 0), people(1000, 1), people(1200, 2)


def judge(synthetic: pa.Table, holdout: pa.Table | None = UNSEEN, **settings: Any) -> Evaluation:
    return evaluate_tables(REAL, synthetic, holdout, schema=SCHEMA, **settings)


def glance(synthetic: int = 120, unseen: int = 100, **settings: Any) -> Evaluation:
    """As `judge`, of a tenth of the rows: for all that a figure's precision has no part in."""
    tables = (REAL.slice(0, 150), OTHER.slice(0, synthetic), UNSEEN.slice(0, unseen))
    return evaluate_tables(*tables, schema=SCHEMA, **settings)


@pytest.fixture(scope="module")
def good() -> Evaluation:
    return judge(OTHER)


@pytest.fixture(scope="module")
def bad() -> Evaluation:
    return judge(broken(REAL, 9))


@pytest.fixture(scope="module")
def copied() -> Evaluation:
    return judge(REAL)


def test_other_real_rows_are_good_in_every_respect(good: Evaluation) -> None:
    assert good["two_sample_auc"].value == pytest.approx(0.5, abs=0.06)
    assert good["two_sample_auc"].ceiling == pytest.approx(0.5, abs=0.06)
    for key in ("column_shapes", "pair_trends", "coverage", "recall", "distinct_rows"):
        measure = good[key]
        assert measure.value is not None and measure.ceiling is not None
        assert measure.value == pytest.approx(measure.ceiling, abs=0.05), key
    tstr = good["tstr"]
    assert tstr.name == "Predicting member, learnt on synthetic rows (AUC)"
    assert tstr.value == pytest.approx(tstr.ceiling, abs=0.03)
    assert tstr.floor is not None and tstr.floor < 0.65
    assert good["share_nearer"].value == pytest.approx(0.5, abs=0.06)
    assert good["exact_copies"].value == good["identifiers_copied"].value == 0
    assert good.verdict.level == "good"
    assert "No sign of memorized rows" in good.verdict.text


def test_independent_columns_are_separable_and_poor(bad: Evaluation) -> None:
    assert (bad["two_sample_auc"].value or 0) > 0.9
    assert (bad["two_sample_auc"].floor or 0) > 0.9
    assert bad["column_shapes"].value == pytest.approx(1)
    assert (bad["pair_trends"].value or 1) < (bad["pair_trends"].ceiling or 0) - 0.05
    assert (bad["tstr"].value or 1) < 0.65
    assert (bad["coverage"].value or 1) < (bad["coverage"].ceiling or 0) - 0.1
    assert bad.verdict.level == "poor"


def test_a_copy_is_caught_by_privacy_alone(copied: Evaluation) -> None:
    assert copied["two_sample_auc"].value == pytest.approx(0.5, abs=0.06)
    assert copied["column_shapes"].value == copied["pair_trends"].value == pytest.approx(1)
    assert (copied["share_nearer"].value or 0) > 0.99
    assert copied["exact_copies"].value == copied["identifiers_copied"].value == 1
    assert copied["exact_copies"].ceiling == 0
    assert copied.verdict.level == "poor"
    assert "Do not share it" in copied.verdict.text


def test_the_copy_control_is_what_a_copy_gets(good: Evaluation, copied: Evaluation) -> None:
    for key in ("column_shapes", "pair_trends", "tstr", "share_nearer", "exact_copies", "rare_leaks"):
        assert good[key].copied == pytest.approx(copied[key].value, abs=0.03), key


def test_a_part_of_copies_raises_a_warning() -> None:
    mixed = pa.concat_tables([REAL.slice(0, 300), OTHER.slice(0, 900)])
    evaluation = judge(mixed)
    assert evaluation["exact_copies"].value == pytest.approx(0.25)
    assert evaluation["share_nearer"].value == pytest.approx(0.625, abs=0.06)
    assert "Warning" in evaluation.verdict.text
    assert evaluation.verdict.level == "poor"


def test_lost_modes_show() -> None:
    young = OTHER.filter(pa.compute.less(pa.compute.cast(OTHER["age"], pa.int64()), 30))
    repeated = pa.concat_tables([young.slice(0, 40)] * 30)
    evaluation = judge(repeated)
    assert (evaluation["coverage"].value or 1) < 0.3
    assert (evaluation["distinct_rows"].value or 1) < 0.1
    assert "Modes are missing" in evaluation.verdict.text
    assert evaluation.verdict.level == "poor"


def test_rare_categories_that_only_training_rows_have_are_told() -> None:
    odd = ["town of one" if i < 3 else c for i, c in enumerate(REAL["city"].to_pylist())]
    real = REAL.set_column(3, "city", pa.array(odd))
    leaking = ["town of one" if i % 10 == 0 else c for i, c in enumerate(OTHER["city"].to_pylist())]
    leaked = evaluate_tables(real, OTHER.set_column(3, "city", pa.array(leaking)), UNSEEN, schema=SCHEMA)
    assert (leaked["rare_leaks"].value or 0) >= 0.1
    assert (leaked["rare_leaks"].ceiling or 0) < 0.02
    assert "fewer than 5 training rows" in leaked.verdict.text


def test_a_broken_calendar_is_seen_although_the_dates_look_right() -> None:
    days = [str(np.datetime64(day) + 5) for day in OTHER["since"].to_pylist()]  # now also on weekends
    evaluation = judge(OTHER.set_column(4, "since", pa.array(days)))
    assert (evaluation["two_sample_auc"].value or 0) > 0.8
    shown = next(column for column in evaluation.columns if column.name == "since")
    assert (shown.similarity or 0) > 0.9


@pytest.mark.parametrize("order", [[6, 5, 4, 3, 2, 1, 0], [0, 2, 1, 4, 3, 6, 5]])
def test_order_of_columns_does_not_matter(good: Evaluation, order: list[int]) -> None:
    names = [SCHEMA.names[i] for i in order]
    schema = Schema(tuple(SCHEMA[name] for name in names))
    moved = evaluate_tables(REAL.select(names), OTHER, UNSEEN.select(names), schema=schema, target="member")
    for measure in good.measures:
        tolerance = 0.03 if measure.key in ("two_sample_auc", "tstr") else 1e-4
        if measure.key != "share_nearer":
            assert moved[measure.key].value == pytest.approx(measure.value, abs=tolerance), measure.key


def test_order_of_rows_matters_only_where_rows_are_drawn(good: Evaluation) -> None:
    turned = OTHER.take(np.random.default_rng(0).permutation(len(OTHER)))
    moved = judge(turned)
    for key in ("column_shapes", "pair_trends", "strong_pair_trends", "exact_copies", "rare_leaks"):
        assert moved[key].value == pytest.approx(good[key].value, abs=1e-9), key
    for key in ("two_sample_auc", "coverage", "recall", "share_nearer"):
        assert moved[key].value == pytest.approx(good[key].value, abs=0.05), key


def test_the_same_seed_gives_the_same_figures() -> None:
    first = glance()
    assert glance().to_json() == first.to_json()
    assert glance(seed=1)["two_sample_auc"].value != first["two_sample_auc"].value


def test_figures_are_plain_json_without_a_row_in_it(good: Evaluation) -> None:
    text = json.dumps(good.to_json(), allow_nan=False)
    assert not any(
        f'"{value}"' in text for name in ("id", "pay") for value in REAL[name].to_pylist() if value != "none"
    )
    assert good.rows == {"real": 1500, "synthetic": 1200, "holdout": 1000}


def test_a_number_as_target_gets_r2_and_rmse() -> None:
    evaluation = judge(OTHER, target="pay")
    assert (evaluation["tstr"].value or 0) > 0.9
    assert evaluation["tstr_rmse"].value == pytest.approx(evaluation["tstr_rmse"].ceiling, rel=0.1)
    assert (evaluation["tstr_rmse"].floor or 0) > 3 * (evaluation["tstr_rmse"].value or 1e9)


@pytest.mark.parametrize("target", ["id", "land"])
def test_a_target_that_cannot_be_predicted_gives_a_note(target: str) -> None:
    measure = glance(target=target)["tstr"]
    assert measure.value is None and target in measure.note


def test_the_default_target_is_the_last_of_few_categories_or_the_last_number() -> None:
    assert "member" in glance()["tstr"].name
    names = [name for name in SCHEMA.names if name not in ("member", "city")]
    schema = Schema(tuple(SCHEMA[name] for name in names))
    real, synthetic, unseen = (table.slice(0, 100) for table in (REAL, OTHER, UNSEEN))
    evaluation = evaluate_tables(real.select(names), synthetic, unseen, schema=schema)
    assert evaluation["tstr"].name == "Predicting pay, learnt on synthetic rows (R²)"


def test_many_classes_are_bounded() -> None:
    schema = Schema(tuple(replace(c, kind="category") if c.name == "age" else c for c in SCHEMA.columns))
    evaluation = evaluate_tables(REAL, OTHER, UNSEEN, schema=schema, target="age")
    assert (evaluation["tstr"].value or 0) > 0.6


def test_wrong_target_and_wrong_tables_are_named() -> None:
    with pytest.raises(UsageError, match="no column 'membr' to predict: did you mean 'member'"):
        judge(OTHER, target="membr")
    with pytest.raises(InputError, match="the synthetic table has no column 'pay'"):
        judge(OTHER.drop_columns(["pay"]))
    with pytest.raises(InputError, match="the synthetic table has no rows"):
        judge(OTHER.slice(0, 0))


def test_without_unseen_rows_the_training_rows_judge_and_it_is_said() -> None:
    evaluation = judge(OTHER, None)
    measure = evaluation["two_sample_auc"]
    assert measure.name == "Told apart from training rows (AUC)"
    assert measure.value == pytest.approx(0.5, abs=0.06) and measure.ceiling == pytest.approx(0.5, abs=0.08)
    assert "no unseen rows" in measure.note and "memorizes" in measure.note
    for key in ("tstr", "share_nearer"):
        assert evaluation[key].value is None and "no unseen rows" in evaluation[key].note
    assert evaluation["exact_copies"].value == 0
    assert "holdout" not in evaluation.rows


def test_too_few_rows_give_notes_and_no_figures() -> None:
    few = glance(unseen=49)
    assert "only 49 unseen rows" in few["share_nearer"].note and few["share_nearer"].value is None
    assert few["two_sample_auc"].value is not None
    tiny = glance(20)
    for key in ("two_sample_auc", "coverage", "tstr", "share_nearer"):
        assert tiny[key].value is None and "only 20 synthetic rows" in tiny[key].note, key
    assert tiny["column_shapes"].value is not None
    assert tiny.verdict.level == "poor" and "could not be compared" in tiny.verdict.text


ROWS = 60  # no fewer than the measures want


def degenerate() -> dict[str, tuple[ColumnSchema, list[Any]]]:
    rows = ROWS
    return {
        "all missing number": (ColumnSchema("x", "number"), [None] * rows),
        "all missing category": (ColumnSchema("x", "category"), [None] * rows),
        "all missing date": (ColumnSchema("x", "date", format="%Y-%m-%d"), [None] * rows),
        "one number": (ColumnSchema("x", "number"), ["7"] * rows),
        "one date": (ColumnSchema("x", "date", format="%Y-%m-%d"), ["2020-02-29"] * rows),
        "constant": (ColumnSchema("x", "constant"), ["here"] * rows),
        "one value": (ColumnSchema("x", "number"), ["7", *[None] * (rows - 1)]),
        "huge": (ColumnSchema("x", "number"), [f"{(-1) ** i * i}e300" for i in range(rows)]),
        "tiny": (ColumnSchema("x", "number"), [f"{i}e-320" for i in range(rows)]),
        "far and near": (ColumnSchema("x", "number"), [str(1e15 + i % 2) for i in range(rows)]),
        "years beyond": (ColumnSchema("x", "datetime", dtype="timestamp[s]"), [10**12 * i for i in range(rows)]),
        "all different": (ColumnSchema("x", "category"), [f"v{i}" for i in range(rows)]),
        "words alone": (ColumnSchema("x", "number", words=("a", "b")), ["a", "b"] * (rows // 2)),
        "identifiers": (ColumnSchema("x", "identifier"), [f"v{i}" for i in range(rows)]),
        "other": (ColumnSchema("x", "category"), ["other", "a"] * (rows // 2)),
    }


@pytest.mark.parametrize("name", degenerate())
@pytest.mark.parametrize("company", [0, 1])
@pytest.mark.parametrize("against", ["itself", "something else"])
def test_no_table_is_too_degenerate(name: str, company: int, against: str) -> None:
    column, values = degenerate()[name]
    kind = pa.timestamp("s") if column.dtype != "string" else pa.string()
    wide = [("y", pa.array([str(i % 10) for i in range(ROWS)]))] if company else []
    real = pa.table(dict([("x", pa.array(values, kind)), *wide]))
    schema = Schema((column, ColumnSchema("y", "number"))[: 1 + company])
    other: list[Any] = list(reversed(values)) if against == "itself" else [None] * (ROWS // 2) + values[: ROWS // 2]
    synthetic = real.set_column(0, "x", pa.array(other, kind))
    evaluation = evaluate_tables(real, synthetic, real, schema=schema)
    json.dumps(evaluation.to_json(), allow_nan=False)
    for measure in evaluation.measures:
        assert measure.value is not None or measure.note, measure.key
        for figure in (measure.value, measure.ceiling, measure.floor, measure.copied):
            assert figure is None or np.isfinite(figure), measure.key
    for view in evaluation.columns:
        for shares in (view.real, view.synthetic):
            assert not shares or sum(shares) == pytest.approx(1) or sum(shares) == 0


def test_progress_hears_what_is_measured_and_provenance_is_kept() -> None:
    heard: list[str] = []
    evaluation = glance(provenance={"family": "gmm"}, progress=heard.append)
    assert heard == ["two-sample test", "columns and pairs", "modes", "usefulness", "privacy"]
    assert evaluation.provenance == {"family": "gmm"}


@pytest.mark.slow
def test_many_columns_take_seconds() -> None:
    generator = np.random.default_rng(0)
    names = [f"c{i}" for i in range(100)]
    values = generator.normal(size=(2_500, 100)).cumsum(axis=1)
    columns = [pa.array(np.round(v)) if i % 2 else pa.array((v // 3).astype(str)) for i, v in enumerate(values.T)]
    whole = pa.table(dict(zip(names, columns, strict=True)))
    schema = Schema(tuple(ColumnSchema(n, "number" if i % 2 else "category") for i, n in enumerate(names)))
    started = time.process_time()
    evaluation = evaluate_tables(whole.slice(0, 1000), whole.slice(1000, 1000), whole.slice(2000), schema=schema)
    assert time.process_time() - started < 30
    assert "first 60 of 100" in evaluation["pair_trends"].note
    assert evaluation["two_sample_auc"].value == pytest.approx(0.5, abs=0.06)
