"""Clusters: found where there are some, denied where there are none, numbered, described, kept and checked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import InputError, UsageError
from genapps_tabular import ClusterModel, TableModel, cluster
from genapps_tabular.clusters import free_names
from genapps_tabular.profiles import lines_of, traits_of


def groups(rows: int = 600, seed: int = 0, gaps: float = 0.1) -> tuple[pa.Table, np.ndarray]:
    """Three groups of 50, 30 and 20 % in two numbers, a skewed one and a category; an identifier; gaps."""
    draw = np.random.default_rng(seed)
    truth = draw.choice(3, rows, p=[0.5, 0.3, 0.2])
    lost = draw.random((rows, 3)) < gaps
    city = np.array(["Paris", "Rom", "Wien"])[np.where(draw.random(rows) < 0.9, truth, (truth + 1) % 3)]
    table = pa.table(
        {
            "id": [f"r{k:05d}-{draw.integers(2**40):x}" for k in range(rows)],
            "age": pa.array(np.round(np.array([25, 45, 70])[truth] + draw.normal(0, 3, rows), 1), mask=lost[:, 0]),
            "spent": pa.array(np.round(draw.lognormal(np.array([3, 6, 4])[truth], 0.4), 2), mask=lost[:, 1]),
            "city": pa.array(city, mask=lost[:, 2]),
        }
    )  # fmt: skip
    return table, truth


def alike(labels: object, truth: np.ndarray) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(np.asarray(labels), truth))


def test_groups_are_found_counted_and_described(tmp_path: Path) -> None:
    table, truth = groups()
    made = cluster(table, most=6, report=tmp_path / "r.html")
    assert [c.number for c in made.clusters] == [1, 2, 3]
    assert alike(made.rows["cluster"], truth) > 0.9
    assert [round(c.share, 1) for c in made.clusters] == [0.5, 0.3, 0.2]
    assert made.rows.column_names == [*table.column_names, "cluster", "cluster_probability"]
    assert made.rows.select(table.column_names).equals(table)
    sure = np.asarray(made.rows["cluster_probability"])
    assert ((sure > 1 / 3) & (sure <= 1)).all()
    assert made.verdict.word == "Clear clusters"
    figures = {m.key: (m.value, m.controls[0].value) for m in made.measures}
    for value, floor in figures.values():
        assert value is not None and floor is not None
    assert figures["stability"][0] > 0.9 > figures["stability"][1]
    assert figures["silhouette"][0] > figures["silhouette"][1] + 0.1
    assert any(trait.words.startswith("city Paris 9") for trait in made.clusters[0].traits)
    page = (tmp_path / "r.html").read_text()
    assert "Clear clusters" in page
    assert json.loads((tmp_path / "r.json").read_text())["chosen"] == 3
    ids = table["id"].to_pylist()
    assert not any(name in page or name in json.dumps(made.to_json()) for name in ids)


def test_one_component_can_explain_a_table_best() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=500)
    made = cluster(pa.table({"x": x, "y": 0.8 * x + draw.normal(size=500)}), most=4)
    assert len(made.clusters) == 1
    assert made.verdict.word == "No clusters"
    assert "One component explains the table best" in made.verdict.text
    assert set(made.rows["cluster"].to_pylist()) == {1}


def test_columns_of_odd_shape_without_relation_are_no_clusters() -> None:
    draw = np.random.default_rng(2)
    two = [np.where(draw.random(800) < 0.5, 0, 6) + draw.normal(size=800) for _ in range(2)]
    made = cluster(pa.table({"x": two[0], "y": two[1]}), clusters=4)
    assert made.verdict.word == "No clusters"
    assert "shapes of single columns" in made.verdict.text


def test_categories_alone_are_enough() -> None:
    draw = np.random.default_rng(3)
    truth = draw.integers(0, 2, 500)
    columns = {c: np.where(draw.random(500) < 0.9, np.array(["a", "b"])[truth], "c") for c in "uvwx"}
    made = cluster(pa.table(columns), most=4)
    assert alike(made.rows["cluster"], truth) > 0.9


def test_a_saved_clustering_gives_other_rows_the_same_clusters(tmp_path: Path) -> None:
    table, _ = groups()
    first = cluster(table, clusters=3, save=tmp_path / "g.genapps")
    again = cluster(table, model=tmp_path / "g.genapps")
    assert again.rows.equals(first.rows)
    other, truth = groups(seed=9)
    assert (
        alike(
            cluster(other.drop_columns(["id"]), model=ClusterModel.load(tmp_path / "g.genapps")).rows["cluster"], truth
        )
        > 0.85
    )
    one = cluster(other.slice(0, 1), model=tmp_path / "g.genapps")
    assert len(one.rows) == 1
    with pytest.raises(InputError, match="not of tables"):
        TableModel.load(tmp_path / "g.genapps")
    with pytest.raises(InputError, match="has no column 'age'"):
        cluster(other.drop_columns(["age"]), model=tmp_path / "g.genapps")
    with pytest.raises(UsageError, match="leave clusters and save out"):
        cluster(table, clusters=2, model=tmp_path / "g.genapps")


def test_what_a_saved_clustering_cannot_read_is_counted_and_kept_out_of_the_report(tmp_path: Path) -> None:
    table, _ = groups(200)
    days = pa.array([f"2024-0{1 + k % 9}-11" for k in range(200)])
    table = table.append_column("day", days)
    learnt = cluster(table, clusters=2).model
    odd = {"age": "?secret?", "spent": None, "city": "Bern", "day": "someday"}
    others = table.to_pylist()
    for row in others[:3]:
        row.update(odd)
    text = {name: [None if row[name] is None else str(row[name]) for row in others] for name in table.column_names}
    made = cluster(pa.table(text), model=learnt, report=tmp_path / "r.html")
    found = {unread.column: (unread.cells, unread.what, unread.example) for unread in made.unread}
    assert found == {
        "age": (3, "no number", "?secret?"),
        "city": (3, "a category that was never seen", "Bern"),
        "day": (3, "no date like '%Y-%m-%d'", "someday"),
    }
    assert made.to_json()["unread"] == dict.fromkeys(found, 3)
    assert not any("secret" in path.read_text() for path in tmp_path.iterdir())
    assert cluster(table, model=learnt).unread == ()


def test_the_same_seed_gives_the_same_clusters() -> None:
    table, _ = groups(300)
    assert cluster(table, clusters=3, seed=4).rows.equals(cluster(table, clusters=3, seed=4).rows)


def test_another_frame_comes_back_as_it_came() -> None:
    import pandas as pd

    frame = groups(120)[0].to_pandas()
    made = cluster(frame, clusters=2)
    assert isinstance(made.rows, pd.DataFrame)
    assert list(made.rows["cluster"].unique()) in ([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"x": [1.5]}, "holds 1 row"),
        ({"x": ["a"] * 30}, "no column to tell rows apart by"),
    ],
)
def test_tables_without_anything_to_cluster_are_refused(columns: dict[str, list[object]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        cluster(pa.table(columns))


def test_more_clusters_than_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot make 7 clusters of 6 rows"):
        cluster(pa.table({"x": [1.0, 2, 3, 4, 5, 7]}), clusters=7)


@pytest.mark.parametrize("clusters", [None, 3])
def test_hostile_tables_are_clustered_or_refused_but_never_give_nan(clusters: int | None) -> None:
    tables = [
        pa.table({"x": [1e6 + k % 2 for k in range(40)], "y": [float(k // 20) for k in range(40)]}),
        pa.table({"x": [0.1, 0.2, 5.0], "y": ["a", "b", "a"]}),
        pa.table({"x": pa.array([None, 1.5, 2.5, 1e12] * 10), "y": pa.array(["u", None, "v", "u"] * 10)}),
        pa.table({"x": [3.25] * 39 + [1e30], "y": [k * 1e-12 for k in range(40)]}),
    ]
    for table in tables:
        made = cluster(table, clusters=clusters, most=4)
        assert np.isfinite(np.asarray(made.rows["cluster_probability"])).all()


def test_taken_names_get_a_suffix() -> None:
    assert free_names(("cluster", "cluster_probability"), ["a"]) == ("cluster", "cluster_probability")
    assert free_names(("cluster", "cluster_probability"), ["cluster", "cluster_2"]) == (
        "cluster_3",
        "cluster_probability_3",
    )
    table, _ = groups(100)
    made = cluster(table.append_column("cluster", pa.array(np.arange(100) % 7)), clusters=2)
    assert made.columns == ("cluster_2", "cluster_probability_2")
    assert any("'cluster_2'" in note for note in made.notes)


def test_traits_are_the_largest_differences_and_small_groups_have_none() -> None:
    from genapps_tabular.features import Features
    from genapps_tabular.schema import detect

    table, truth = groups(gaps=0)
    features = Features.fit(table, detect(table), "t")
    lines = lines_of(features, features.read(table), truth + 1, 3)
    ages = np.asarray(table["age"])
    age = next(line for line in lines if line.name == "age")
    for k in range(3):
        assert age.inside[k] == pytest.approx(ages[truth == k].mean())
        assert age.outside[k] == pytest.approx(ages[truth != k].mean())
    strengths = [abs(trait.strength) for trait in traits_of(lines, 2, 120, 600)]
    assert strengths == sorted(strengths, reverse=True)
    assert traits_of(lines, 2, 4, 600) == ()


def test_a_value_far_out_does_not_deny_the_clusters() -> None:
    draw = np.random.default_rng(0)
    rows = np.concatenate([draw.normal(-3, 1, (150, 2)), draw.normal(3, 1, (150, 2))])
    rows[5, 0] = 1e7
    made = cluster(pa.table({"a": rows[:, 0], "b": rows[:, 1]}))
    assert made.verdict.word != "No clusters", made.verdict.text
