"""Features of rows: in the order of the rows, from models that have some, judged beside principal components."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.report.measured import Control, Measured
from genapps.training import TrainingConfig
from genapps_tabular import TableModel, TabularConfig, embed, fit
from genapps_tabular.embedding import feature_config, size_of
from genapps_tabular.embedding_checks import OWN, PCA, RANDOM, RAW, judge_features
from genapps_tabular.feature_model import layout

QUICK = TrainingConfig(epochs=2, min_steps=5, max_steps=20)
BOTH = pytest.mark.parametrize("family", ["vae", "rbm"])


def people(rows: int = 240, seed: int = 0) -> pa.Table:
    draw = np.random.default_rng(seed)
    kind = draw.integers(0, 3, rows)
    return pa.table(
        {
            "id": [f"p{k:04d}-{draw.integers(2**40):x}" for k in range(rows)],
            "age": pa.array(np.round(20 + 20 * kind + draw.normal(0, 3, rows), 1), mask=draw.random(rows) < 0.1),
            "spent": np.round(draw.lognormal(3 + kind, 0.3), 2),
            "city": np.array(["Paris", "Rom", "Wien"])[kind],
            "late": np.where(draw.random(rows) < 0.2 + 0.3 * kind, "yes", "no"),
        }
    )


def config(family: str = "vae") -> TabularConfig:
    return TabularConfig(family=family, training=QUICK)


@BOTH
def test_features_are_of_the_rows_in_their_order(family: str, tmp_path: Path) -> None:
    table = people()
    made = embed(table, dimensions=3, keep=["id", "late"], config=config(family), report=tmp_path / "r.html")
    assert made.rows.column_names == ["id", "late", "z1", "z2", "z3"]
    assert made.rows["id"].equals(table["id"])
    found = np.column_stack([made.rows[name] for name in made.columns])
    assert found == pytest.approx(made.model.transform(table), abs=1e-5)
    assert np.isfinite(found).all()
    assert {m.key for m in made.measures} == {"trustworthiness", "rebuilt", "auc:city", "auc:late"}
    for measure in made.measures:
        assert [control.name for control in measure.controls] == [PCA, RANDOM]
        assert measure.value is not None
    page = (tmp_path / "r.html").read_text()
    assert made.verdict.word in page
    ids = table["id"].to_pylist()
    assert not any(name in page or name in json.dumps(made.to_json()) for name in ids)


def test_the_target_is_kept_from_the_model() -> None:
    made = embed(people(), dimensions=2, target="city", config=config())
    assert "city" not in made.model.schema.names
    (told,) = [m for m in made.measures if m.key.startswith("auc:")]
    assert told.key == "auc:city"
    assert [control.name for control in told.controls] == [PCA, RANDOM, RAW]
    raw = told.controls[2].value
    assert raw is not None
    assert raw > 0.9  # age and spent tell it


def test_a_saved_model_gives_the_same_features(tmp_path: Path) -> None:
    model = fit(people(), config=config())
    model.save(tmp_path / "m.genapps")
    again = embed(people(seed=1), model=tmp_path / "m.genapps", config=config())
    assert np.column_stack([again.rows[name] for name in again.columns]) == pytest.approx(
        model.transform(people(seed=1)), abs=1e-5
    )
    with_target = embed(people(), model=tmp_path / "m.genapps", target="late", config=config())
    assert "is no test" in with_target.notes[0]


def test_a_number_can_be_the_target_and_an_identifier_cannot() -> None:
    made = embed(people(), dimensions=2, target="age", config=config())
    (told,) = [m for m in made.measures if m.key.startswith(("auc:", "r2:"))]
    assert told.key == "r2:age" and "Predicting age: R²" in made.verdict.text
    raw = told.controls[2].value
    assert raw is not None and raw > 0.8  # spent and city tell it
    untold = embed(people(), dimensions=2, target="id", config=config())
    assert any("'id' is an identifier" in note for note in untold.notes)


@BOTH
def test_saved_features_are_those_of_other_rows_too(family: str, tmp_path: Path) -> None:
    made = embed(people(), dimensions=3, config=config(family), save=tmp_path / "f.genapps")
    again = embed(people(seed=1), model=tmp_path / "f.genapps")
    found = np.column_stack([again.rows[name] for name in again.columns])
    assert found == pytest.approx(made.model.transform(people(seed=1)), abs=1e-5)
    with pytest.raises(InputError, match="no column 'age'"):
        embed(people().drop_columns(["age"]), model=made.model)
    with pytest.raises(UsageError, match="has its file already"):
        embed(people(), model=made.model, save=tmp_path / "again.genapps")


def test_latents_are_laid_out_by_what_they_tell() -> None:
    """Whatever linear map hid the points, distances between the laid-out latents are those of the points."""
    draw = np.random.default_rng(0)
    points = draw.normal(size=(500, 3)) * [5.0, 2.0, 1.0]
    hidden = points @ np.linalg.qr(draw.normal(size=(3, 3)))[0] * [7.0, 1.0, 0.1] + [1.0, 2.0, 3.0]
    middle, turn = layout(hidden, points)
    placed = (hidden - middle) @ turn
    gaps = [np.linalg.norm(x[1:] - x[:-1], axis=1) for x in (placed, points)]
    assert gaps[0] == pytest.approx(gaps[1], rel=0.05, abs=0.1)
    assert (np.diff(placed.var(axis=0)) < 0).all()
    dead = np.column_stack([hidden, np.zeros(500)])
    assert np.isfinite(layout(dead, points)[1]).all()
    noisy = np.column_stack([hidden, draw.normal(size=500)])
    assert np.linalg.matrix_rank(layout(noisy, points)[1]) == 4  # what tells nothing linearly is kept, small


def test_features_hold_what_the_model_computes_of_the_codes() -> None:
    """`TableModel.transform` hands the codes of every row to the model, whatever family it is of."""

    class Stub:
        def transform(self, codes: torch.Tensor) -> torch.Tensor:
            return codes.float()[:, :2] * 2

    table = people()
    model = fit(table, config=TabularConfig(family="gmm"))
    codes = model.codec.encode(table)[:, :2]
    stub = TableModel(model.codec, Stub(), "stub")
    assert np.array_equal(stub.transform(table), np.asarray(2 * codes, np.float64), equal_nan=True)


def test_models_without_features_and_unknown_columns_are_refused(tmp_path: Path) -> None:
    fit(people(), config=TabularConfig(family="gmm")).save(tmp_path / "g.genapps")
    with pytest.raises(UsageError, match="gmm family has no features of a row; choose vae or rbm"):
        embed(people(), model=tmp_path / "g.genapps", config=config())
    with pytest.raises(UsageError, match="autoregressive family has no features"):
        embed(people(), config=TabularConfig())
    with pytest.raises(UsageError, match=r"no column 'citty'.*Did you mean 'city'"):
        embed(people(), keep=["citty"], config=config())
    with pytest.raises(UsageError, match="no column 'lat' to predict"):
        embed(people(), target="lat", config=config())
    with pytest.raises(UsageError, match="cannot make 0 features"):
        embed(people(), dimensions=0, config=config())
    with pytest.raises(InputError, match="holds 1 row"):
        embed(people().slice(0, 1), config=config())


def test_the_number_of_features_is_asked_for_or_set_but_not_both() -> None:
    def sized(family: str, size: int) -> TabularConfig:
        return feature_config(TabularConfig(family=family), size)

    for family in ("vae", "rbm"):
        assert size_of(feature_config(TabularConfig(family=family), None))[1] == 8
        assert size_of(feature_config(sized(family, 5), None))[1] == 5
        assert size_of(feature_config(sized(family, 5), 5))[1] == 5
        with pytest.raises(UsageError, match=rf"6 dimensions contradict the setting {family}\.\w+ = 5; leave one"):
            feature_config(sized(family, 5), 6)


def test_few_rows_are_embedded_and_said_to_be_unchecked() -> None:
    made = embed(people(20), dimensions=2, config=config())
    assert len(made.rows) == 20
    assert made.verdict.word == "Unchecked"
    assert "none kept unseen" in made.notes[0]


@pytest.mark.parametrize(
    ("near", "told", "word"),
    [(0.95, 0.9, "Better than PCA"), (0.9, 0.8, "As good as PCA"), (0.8, 0.9, "Mixed"), (0.8, 0.7, "Behind PCA")],
)
def test_the_verdict_follows_the_figures(near: float, told: float, word: str) -> None:
    def measure(key: str, value: float, other: float) -> Measured:
        return Measured(key, key, "higher", value, (Control("ceiling", PCA, other), Control("floor", RANDOM, 0.5)))

    finding = judge_features((measure("trustworthiness", near, 0.9), measure("auc:x", told, 0.8)))
    assert finding.word == word
    assert OWN == "These features"
