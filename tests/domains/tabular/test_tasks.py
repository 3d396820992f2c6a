"""The tasks as functions: honest splits, pure shards, models that survive their file, gaps, gains and leaderboards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.errors import InputError, UsageError
from genapps.io.shards import SHARD_ROWS
from genapps.training import TrainingConfig
from genapps_tabular import TableModel, TabularConfig, augment, evaluate, fit, impute, sample, synthesize
from genapps_tabular.augmentation import Plan, level
from genapps_tabular.fitting import fingerprint
from genapps_tabular.gain import REAL, REPEATED, SYNTHETIC, Scores, gain, score, verdict
from genapps_tabular.judging import HOLDOUT_ROWS, Judge, split
from genapps_tabular.leaderboard import Trial, choose
from genapps_tabular.model import generators
from genapps_tabular.schema import detect

GMM = TabularConfig(family="gmm")
TINY = TabularConfig(training=TrainingConfig(epochs=1, min_steps=2))
BOTH = pytest.mark.parametrize("config", [GMM, TINY], ids=["gmm", "autoregressive"])


def table(rows: int = 240, seed: int = 0) -> pa.Table:
    """Two dependent numbers, a category with gaps, a rare class, an identifier."""
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 40, rows)
    kind = [None if lost else "abc"[k % 3] for k, lost in zip(x, draw.random(rows) < 0.1, strict=True)]
    return pa.table(
        {
            "id": [f"{k:05d}-{draw.integers(2**40):x}" for k in range(rows)],
            "x": x,
            "y": np.round(2 * x + draw.normal(0, 1, rows), 2),
            "kind": kind,
            "rare": np.where(draw.random(rows) < 0.15, "yes", "no"),
        }
    )


# The honest split -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0, 0.99), st.integers(0, 5))
def test_a_split_shares_out_all_rows(rows: int, holdout: float, seed: int) -> None:
    whole = pa.table({"k": np.arange(rows)})
    train, unseen = split(whole, holdout, seed)
    kept = [] if unseen is None else unseen["k"].to_pylist()
    assert sorted(train["k"].to_pylist() + kept) == list(range(rows))
    assert len(kept) == (int(rows * holdout) if rows >= 100 else 0)
    assert split(whole, holdout, seed)[0].equals(train)


def test_a_split_depends_on_the_seed_and_keeps_no_more_than_it_needs() -> None:
    whole = pa.table({"k": np.arange(80_000)})
    unseen = [split(whole, 0.2, seed)[1] for seed in (0, 1)]
    assert all(part is not None and len(part) == HOLDOUT_ROWS for part in unseen)
    assert unseen[0] != unseen[1]


def test_the_model_never_sees_the_rows_it_is_judged_on() -> None:
    """A category that only unseen rows have is never made: the codec did not see it either."""
    whole = table(200)
    _, unseen = split(whole, 0.2, 0)
    assert unseen is not None
    held = set(unseen["id"].to_pylist())
    secret = pa.array(["secret" if name in held else "plain" for name in whole["id"].to_pylist()])
    marked = whole.append_column("mark", secret)
    made = synthesize(marked, 300, config=GMM)
    assert set(made.rows["mark"].to_pylist()) == {"plain"}
    assert made.evaluation.rows == {"real": 160, "synthetic": 300, "holdout": 40}


def test_few_rows_are_all_learnt_and_the_notes_say_so() -> None:
    made = synthesize(table(90), config=GMM)
    assert "all 90 rows were learnt" in made.notes[0]
    assert made.model is not None
    assert made.model.provenance["rows"] == 90


def test_figures_of_few_written_rows_stand_on_more() -> None:
    made = synthesize(table(), 5, config=GMM)
    assert len(made.rows) == 5
    assert made.evaluation.rows["synthetic"] == Judge(*split(table(), 0.2, 0), detect(table())).size == 192
    assert "192 other rows" in made.notes[0]


# Randomness and files -------------------------------------------------------------------------------------------------


def test_generators_are_pure_functions_of_seed_and_place() -> None:
    seen = set()
    for place in [(0, 0), (0, 1), (1, 0), (0, 0, 1), (0, 0, 2), (0, 1, 2)]:
        first, again = generators(*place), generators(*place)
        assert first[0].integers(2**60) == again[0].integers(2**60)
        assert first[1].initial_seed() == again[1].initial_seed()
        seen.add(first[1].initial_seed())
    assert len(seen) == 6


@BOTH
def test_a_saved_model_makes_the_same_rows(config: TabularConfig, tmp_path: Path) -> None:
    model = fit(table(), config=config)
    model.save(tmp_path / "m.genapps")
    again = TableModel.load(tmp_path / "m.genapps")
    conditions = ["x=10..20", "rare=yes"]
    for chosen in ([], conditions):
        assert again.draw(50, seed=3, given=chosen).equals(model.draw(50, seed=3, given=chosen))
    assert not again.draw(50, seed=4).equals(model.draw(50, seed=3))
    assert again.provenance == model.provenance
    again.save(tmp_path / "again.genapps")
    assert (tmp_path / "again.genapps").read_bytes() == (tmp_path / "m.genapps").read_bytes()


@BOTH
def test_the_same_seed_learns_the_same_model(config: TabularConfig) -> None:
    rows = [fit(table(), config=config).draw(40) for _ in range(2)]
    assert rows[0].equals(rows[1])


def test_shards_are_made_in_any_order_and_join_to_the_sample() -> None:
    model = fit(table(), config=GMM)
    n = SHARD_ROWS + 7
    second, first = model.shard(1, n, seed=2), model.shard(0, n, seed=2)
    whole = model.draw(n, seed=2)
    assert (len(first), len(second)) == (SHARD_ROWS, 7)
    assert whole.equals(pa.concat_tables([first, second]))
    assert len(set(whole["id"].to_pylist())) == n  # fresh over all shards
    assert set(whole["id"].to_pylist()).isdisjoint(table()["id"].to_pylist())


def test_a_fingerprint_is_of_the_values_alone() -> None:
    whole = table(500)
    cut = pa.concat_tables([whole.slice(0, 100), whole.slice(100, 33), whole.slice(133)])
    assert fingerprint(cut) == fingerprint(whole.replace_schema_metadata({"by": "hand"}))
    changed = whole.set_column(1, "x", pa.array(whole["x"].to_numpy() + (np.arange(500) == 499)))
    renamed = whole.rename_columns(["id", "x", "z", "kind", "rare"])
    assert len({fingerprint(t) for t in (whole, changed, renamed, whole.slice(1))}) == 4


def test_sample_writes_what_it_returns(tmp_path: Path) -> None:
    model = fit(table(), config=GMM)
    from genapps.io.tables import read_table

    assert sample(model, 30, seed=1, output=tmp_path / "rows.parquet") is None
    assert read_table(tmp_path / "rows.parquet").equals(sample(model, 30, seed=1))


def test_provenance_tells_what_it_took() -> None:
    whole = table()
    facts = fit(whole, config=GMM).provenance
    assert facts["rows"] == 240
    assert facts["columns"] == 5
    assert facts["data_fingerprint"] == fingerprint(whole)
    assert facts["cpu_seconds"] > 0
    assert 2**24 < facts["peak_memory_bytes"] < 2**40


# Conditions and gaps --------------------------------------------------------------------------------------------------


@BOTH
def test_conditions_hold_in_every_row(config: TabularConfig) -> None:
    made = fit(table(), config=config).draw(200, given=["x=5..15", "kind=a|b"])
    x = made["x"].to_numpy()
    assert x.min() >= 5
    assert x.max() <= 15
    assert set(made["kind"].to_pylist()) <= {"a", "b"}


@BOTH
def test_impute_fills_gaps_and_nothing_else(config: TabularConfig) -> None:
    whole = table()
    done = impute(whole, config=config)
    kinds, filled = whole["kind"].to_pylist(), done.rows["kind"].to_pylist()
    assert done.filled == {"kind": kinds.count(None)}
    assert set(filled) <= {"a", "b", "c"}
    assert all(was in (None, now) for was, now in zip(kinds, filled, strict=True))
    assert done.rows.drop_columns("kind").equals(whole.drop_columns("kind"))
    assert impute(whole, model=done.model, config=config).rows.equals(done.rows)


def test_imputed_values_follow_their_row() -> None:
    """y is about 2 x: the values drawn for its gaps must be nearer to that than values of other rows are."""
    whole = table(600)
    lost = np.arange(600) % 5 == 0
    holes = whole.set_column(2, "y", pa.array(whole["y"].to_numpy(), mask=lost))
    done = impute(holes, config=GMM)
    error = np.abs(done.rows["y"].to_numpy() - 2 * whole["x"].to_numpy())[lost]
    assert done.filled["y"] == lost.sum()
    assert np.median(error) < 8  # values of other rows miss by 26 in the median


@pytest.mark.parametrize("lost", [[], ["id"]], ids=["no gaps", "gaps of an identifier"])
def test_nothing_is_learnt_or_drawn_where_nothing_can_be_filled(
    lost: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = table().drop_columns("kind")
    for name in lost:
        whole = whole.set_column(0, name, pa.array([None, *whole[name].to_pylist()[1:]]))
    model = fit(whole, config=GMM)
    monkeypatch.setattr("genapps_tabular.tasks.fit_table", lambda *_: pytest.fail("a model was trained"))
    monkeypatch.setattr(TableModel, "fill", lambda *_, **__: pytest.fail("values were drawn"))
    for given_model in (None, model):
        done = impute(whole, model=given_model)
        assert done.rows.equals(whole)
        assert (done.filled, done.left) == ({}, dict.fromkeys(lost, 1))
        assert (done.model is None) == (given_model is None)
    with pytest.raises(UsageError, match="'gmm'"):
        impute(whole, config=TabularConfig(family="gmn"))
    with pytest.raises(InputError, match="holds 1 row"):
        impute(whole.slice(1, 1))


def test_a_model_refuses_other_tables() -> None:
    model = fit(table(), config=GMM)
    with pytest.raises(InputError, match="'kind'"):
        impute(table().drop_columns("kind"), model=model)


# Larger training sets -------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(0, 200))
def test_level_spends_n_on_the_lowest(counts: list[int], n: int) -> None:
    added = level(np.array(counts), n)
    raised = np.array(counts) + added
    assert sum(added) == n
    assert min(added) >= 0
    poured = raised[np.array(added) > 0]  # what was raised is level, and nothing lower was left out
    assert not len(poured) or poured.max() - poured.min() <= 1
    assert not len(poured) or raised.min() >= poured.max() - 1
    assert [c + a for c, a in zip(counts, level(np.array(counts), None), strict=True)] == [max(counts)] * len(counts)


def test_augment_keeps_the_real_rows_and_balances() -> None:
    whole = table(300)
    larger = augment(whole, "rare", balance=True, config=GMM, splits=2, marker="made")
    rows = larger.rows
    real = rows.filter(pa.compute.invert(rows["made"])).drop_columns("made")
    assert real.equals(whole)
    labels = rows["rare"].to_pylist()
    assert labels.count("yes") == labels.count("no")
    assert larger.added["no"] == 0
    assert larger.written == len(rows) == 300 + sum(larger.added.values())
    assert [s.variant for s in larger.scores] == [REAL, REPEATED, SYNTHETIC]
    assert all(len(values) == 2 for s in larger.scores for values in s.values.values())


def test_repeated_rows_are_rows_of_their_class() -> None:
    whole = table(300)
    plan = Plan(detect(whole), "rare", "classification", True, None)
    wanted = plan.wanted(whole)
    rows = plan.repeated(whole, wanted, np.random.default_rng(0))
    assert rows["rare"].to_pylist().count("yes") == wanted["yes"] == len(rows)
    assert set(rows["id"].to_pylist()) <= set(whole["id"].to_pylist())


@pytest.mark.parametrize(
    ("target", "task"), [("y", "regression"), ("rare", "classification"), ("kind", "classification")]
)
def test_the_task_follows_the_target(target: str, task: str) -> None:
    larger = augment(table(300), target, n=40, config=GMM, splits=1)
    assert larger.task == task
    assert larger.written == 340
    assert larger.rows[target].slice(300).null_count <= 40
    assert not larger.helped  # one split tells nothing of the spread


def test_a_target_must_be_predictable() -> None:
    with pytest.raises(UsageError, match="identifier"):
        augment(table(), "id", config=GMM)
    with pytest.raises(UsageError, match="'rare'"):
        augment(table(), "rar", config=GMM)
    with pytest.raises(InputError, match="needs 50"):
        augment(table(49), "rare", config=GMM)


def test_scores_of_a_perfect_a_useless_and_an_absent_class() -> None:
    draw = np.random.default_rng(0)
    x = draw.random((400, 2))
    y = (x[:, 0] > 0.5).astype(float)
    none = np.zeros(2, bool)
    assert score("classification", (x, y), (x, y), none, 0) == {"AUC": 1.0, "balanced accuracy": 1.0}
    chance = score(
        "classification", (x, draw.permutation(y)), (draw.random((4000, 2)), np.tile([0.0, 1.0], 2000)), none, 0
    )
    assert abs(chance["AUC"] - 0.5) < 0.05
    one = score("classification", (x, np.zeros(400)), (x, y), none, 0)
    assert one == {"AUC": 0.5, "balanced accuracy": 0.5}
    exact = score("regression", (x, x[:, 0]), (x, x[:, 0]), none, 0)
    assert exact["R2"] > 0.99
    assert exact["RMSE"] < 0.05


@pytest.mark.parametrize(
    ("real", "repeated", "synthetic", "says"),
    [
        ((0.7, 0.71, 0.69), (0.7, 0.71, 0.69), (0.8, 0.81, 0.79), "Synthetic rows helped"),
        ((0.7, 0.71, 0.69), (0.8, 0.81, 0.79), (0.8, 0.81, 0.79), "not more than repeating"),
        ((0.7, 0.71, 0.69), (0.7, 0.71, 0.69), (0.7, 0.75, 0.65), "did not help"),
        ((0.7, 0.71, 0.69), (0.7, 0.71, 0.69), (0.5, 0.51, 0.49), "harmed"),
        ((0.7,), (0.7,), (0.9,), "One split cannot tell"),
    ],
)
def test_the_verdict_is_plain(
    real: tuple[float, ...], repeated: tuple[float, ...], synthetic: tuple[float, ...], says: str
) -> None:
    scores = [Scores(name, {"AUC": values}) for name, values in zip("rst", (real, repeated, synthetic), strict=True)]
    gains = [gain(scores[2], scores[0], "AUC"), gain(scores[2], scores[1], "AUC")]
    text = verdict("income", scores, gains)
    assert says in text
    assert ("Train on the real rows alone" in text) == (says in ("did not help", "harmed"))


def test_an_error_falls_when_it_gains() -> None:
    low, high = Scores("low", {"RMSE": (1.0, 2.0)}), Scores("high", {"RMSE": (2.0, 3.0)})
    assert gain(low, high, "RMSE").mean == 1
    assert gain(high, low, "RMSE").mean == -1


# The leaderboard ------------------------------------------------------------------------------------------------------


def test_trials_are_ranked_by_honesty_then_fidelity() -> None:
    best, near, far, memorizing, broken = (
        Trial("best", 0.52, 0.9, 0.5, 1.0),
        Trial("near", 0.45, 0.9, 0.5, 1.0),
        Trial("far", 0.9, 0.9, 0.5, 1.0),
        Trial("memorizing", 0.5, 0.9, 0.9, 1.0),
        Trial("broken", failed="it broke"),
    )
    ranked = sorted([broken, memorizing, far, near, best], key=lambda trial: trial.rank)
    assert [trial.family for trial in ranked] == ["best", "near", "far", "memorizing", "broken"]


def test_auto_keeps_the_engine_that_ranks_first() -> None:
    whole = table(300)
    chosen, trials = choose(whole, detect(whole), TINY)
    assert {trial.family for trial in trials} == {"autoregressive", "gan", "gmm", "rbm", "vae"}
    assert chosen.family == trials[0].family
    assert chosen.training == TINY.training
    assert all(trial.seconds > 0 and trial.two_sample_auc is not None for trial in trials)


def test_a_budget_is_shared_between_trials_and_the_fit() -> None:
    config = TabularConfig(training=TrainingConfig(budget=4.0))
    whole = table(150)
    chosen, trials = choose(whole, detect(whole), config)
    assert chosen.training.budget == 2.0
    assert all(trial.seconds < 10 for trial in trials)


def test_too_few_rows_to_try_anything() -> None:
    whole = table(60)
    chosen, trials = choose(whole, detect(whole), TINY)
    assert (chosen.family, trials) == ("gmm", ())


# What is refused ------------------------------------------------------------------------------------------------------


def test_what_cannot_be_learnt_is_refused_before_any_work() -> None:
    with pytest.raises(InputError, match="holds 1 row"):
        fit(table().slice(0, 1))
    with pytest.raises(InputError, match="no column to learn from"):
        fit(table().select(["id"]))
    with pytest.raises(UsageError, match="'gmm'"):
        fit(table(), config=TabularConfig(family="gmn"))
    with pytest.raises(UsageError, match="cannot be saved"):
        fit(table(), config=TabularConfig(family="sdv:ctgan"))
    with pytest.raises(UsageError, match="ask for 1 or more"):
        synthesize(table(), 0)
    with pytest.raises(UsageError, match="'rare'"):
        synthesize(table(), target="rar")
    with pytest.raises(ValueError, match="holdout"):
        TabularConfig(holdout=1.0)


def test_evaluate_wants_tables_of_the_same_columns() -> None:
    with pytest.raises(InputError, match="no column 'kind'"):
        evaluate(table(), table().drop_columns("kind"))
    with pytest.raises(InputError, match="a column 'more'"):
        evaluate(table(), table().append_column("more", table()["x"]))
    copied = evaluate(table(), table(), holdout=table(seed=1))
    fresh = evaluate(table(), table(seed=2), holdout=table(seed=1))
    assert copied["exact_copies"].value == 1
    assert fresh["exact_copies"].value is not None
    assert fresh["exact_copies"].value < 0.05


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 40), st.integers(0, 3))
def test_tiny_tables_are_learnt(rows: int, seed: int) -> None:
    made = fit(table(rows, seed), config=GMM).draw(7)
    assert len(made) == 7
    assert made.column_names == table(2).column_names
