"""The benchmark's own judge on rows whose scores are known, and its page beside its results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "tabular"
KINDS = {"x": "numerical", "c": "categorical", "t": "datetime"}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The benchmark's modules, which import each other by their bare names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("protocol", "cart", "table", "record", "systems")
    modules = {name: __import__(name) for name in names}
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    return SimpleNamespace(**modules)


def rows(n: int, seed: int) -> pd.DataFrame:
    """Rows whose category and time follow from the number."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, n).round(3)
    c = np.where(rng.random(n) < 0.1, None, np.where(x > 0, "high", "low"))
    return pd.DataFrame({"x": x, "c": c, "t": pd.Timestamp("2020-01-01") + pd.to_timedelta((x * 99).round(), "h")})


def test_the_judge_knows_real_independent_and_copied_rows(scripts: SimpleNamespace) -> None:
    protocol, train, holdout = scripts.protocol, rows(400, 0), rows(400, 1)
    independent = pd.DataFrame({c: rows(400, i)[c] for i, c in enumerate(KINDS, 2)})
    assert abs(protocol.two_sample(holdout, rows(400, 5), KINDS) - 0.5) < 0.1
    assert protocol.two_sample(holdout, independent, KINDS) > 0.8
    split = protocol.Split(train, holdout, holdout, holdout, KINDS, "x", "regression")
    assert min(protocol.nearer(split, train)) > 0.95
    assert all(abs(share - 0.5) < 0.1 for share in protocol.nearer(split, rows(400, 6)))
    assert protocol.copies(train, pd.concat([train, independent], ignore_index=True), KINDS) >= 400
    assert protocol.copies(train, independent, KINDS) == 0
    assert protocol.usefulness(train, split) < 0.5 * protocol.usefulness(independent, split)


def test_whole_numbers_and_text_are_the_same_category(scripts: SimpleNamespace) -> None:
    frame = pd.DataFrame({"c": [1.0, None, 2.0]})
    assert scripts.protocol.conform(frame, {"c": "categorical"})["c"].tolist()[::2] == ["1", "2"]


def test_trees_give_back_training_values_and_their_relations(scripts: SimpleNamespace) -> None:
    train = rows(500, 0)
    draw = scripts.cart.fit(train, KINDS, leaf=15)
    made = draw(300, 1)
    assert set(made["x"]) <= set(train["x"])
    assert made.equals(draw(300, 1))
    known = made[made["c"].notna()]
    assert ((known["x"] > 0) == (known["c"] == "high")).mean() > 0.95


def test_the_page_is_that_of_the_committed_results(scripts: SimpleNamespace) -> None:
    table = scripts.table
    assert table.page() == table.PAGE.read_text(), "run python benchmarks/tabular/table.py"


def test_only_changed_code_makes_a_commit_dirty(
    scripts: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    files = ["benchmarks/tabular/results/adult.json", "docs/benchmarks/tabular.md", "benchmarks/tabular/run.py"]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a")
    git("init")
    git("add", ".")
    git("commit", "-m", "a")
    monkeypatch.setattr(scripts.record, "ROOT", tmp_path)
    for name, dirty in zip(files, (False, False, True), strict=True):
        (tmp_path / name).write_text("b")
        assert scripts.record.commit().endswith("-dirty") is dirty, name


def test_results_say_when_and_where(scripts: SimpleNamespace) -> None:
    found = sorted(FOLDER.glob("results/*.json"))
    assert found
    for path in found:
        result = scripts.record.read(path)
        assert {"date", "commit", "machine", "protocol"} <= set(result), path.name
        assert set(result["machine"]) == {"cores", "processor", "memory_gb", "python"}, path.name
        for name, figures in result.get("systems", {}).items():
            assert name in scripts.systems.LABELS
            assert {"date", "commit"} <= set(figures), f"{path.name}: {name}"
