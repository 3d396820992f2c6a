"""`genapps tabular embed` as a user runs it: what it writes, says and refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

QUICK = ("--set", "training.epochs=1", "--set", "training.min_steps=2")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    lines = [
        f"{k},{20 + k % 50 + draw.normal():.1f},{'abc'[k % 3]},{'yes' if draw.random() < k % 50 / 50 else 'no'}"
        for k in range(200)
    ]
    path = tmp_path / "shop.csv"
    path.write_text("\n".join(["row,age,kind,rich", *lines]) + "\n")
    return path


@pytest.mark.parametrize("family", ["vae", "rbm"])
def test_features_a_report_and_figures(family: str, here: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    words = ("--family", family, "--dimensions", 3, "--keep", "row", "--target", "rich", "-o", "f.csv")
    done = here("tabular", "embed", shop, *words, *QUICK, "--report", "r.html")
    assert done.code == 0, done.err
    with (tmp_path / "f.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "z1", "z2", "z3"]
    assert [row["row"] for row in rows] == [str(k) for k in range(200)]
    assert all(np.isfinite(float(row["z2"])) for row in rows)
    for said in ("principal components", "Predicting rich", "trustworthiness"):
        assert said in done.out
    assert "(200 rows)" in done.err
    assert "colored by rich" in (tmp_path / "r.html").read_text()
    assert json.loads((tmp_path / "r.json").read_text())["family"] == family


def test_the_same_seed_gives_the_same_bytes_and_stdout_takes_rows(here: Callable[..., Any], shop: Path) -> None:
    first = here("tabular", "embed", shop, "--dimensions", 2, *QUICK)
    assert first.code == 0, first.err
    assert first.out.startswith("z1,z2\n")
    assert here("tabular", "embed", shop, "--dimensions", 2, *QUICK).out == first.out


def test_json_and_a_dry_run(here: Callable[..., Any], shop: Path, tmp_path: Path) -> None:
    done = here("tabular", "embed", shop, "-o", "f.csv", "--json", *QUICK)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["columns"] == [f"z{k}" for k in range(1, 9)]
    assert found["written"] == 200
    dry = here("tabular", "embed", shop, "-o", "dry.csv", "--dry-run")
    assert dry.code == 0, dry.err
    assert "vae" in dry.out
    assert not (tmp_path / "dry.csv").exists()


def test_help_promises_no_family_that_has_no_features(here: Callable[..., Any]) -> None:
    help = " ".join(here("tabular", "embed", "--help").out.split())
    assert "Model family: vae (the default) or rbm." in help
    assert "auto tries" not in help
    assert "auto tries" in " ".join(here("tabular", "fit", "--help").out.split())


def test_settings_decide_the_number_of_features_where_no_option_does(
    here: Callable[..., Any], shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "run.toml").write_text("family = 'rbm'\n[rbm]\nn_components = 3\n[vae]\nlatent = 16\n")
    for words, count in (
        (("--set", "vae.latent=3"), 3),
        (("--set", "vae.latent=16", "--dimensions", 16), 16),
        (("--config", "run.toml"), 3),
        (("--config", "run.toml", "--family", "vae"), 16),
    ):
        done = here("tabular", "embed", shop, *words, *QUICK)
        assert done.code == 0, done.err
        assert done.out.splitlines()[0].split(",")[-1] == f"z{count}"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--family", "gmm"), "gmm family has no features of a row; choose vae or rbm"),
        (("--keep", "agee"), "Did you mean 'age'"),
        (("--color", "nothing"), "no column 'nothing'"),
        (("--target", "poor"), "no column 'poor' to predict"),
        (("--dimensions", "0"), "at least 1"),
        (("--dimensions", "3", "--set", "vae.latent=16"), "--dimensions 3 contradicts the setting vae.latent = 16"),
        (("--dimensions", "3", "--family", "rbm", "--set", "rbm.n_components=5"), "leave one of them out"),
        (("--model", "m.genapps", "--dimensions", "3"), "leave out --family, --dimensions"),
        (("--model", "m.genapps", "--family", "vae"), "leave out --family"),
        (("-o", "shop.csv"), "would overwrite"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    words: tuple[str, ...], says: str, here: Callable[..., Any], shop: Path, tmp_path: Path
) -> None:
    done = here("tabular", "embed", shop, *words)
    assert done.code == 2
    assert says in done.err.strip().splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


@pytest.mark.parametrize("name", ["empty", "ragged", "missing"])
def test_bad_tables_are_refused(name: str, bad: Callable[[str], Any], here: Callable[..., Any]) -> None:
    table = bad(name)
    done = here("tabular", "embed", table.path, "-o", "out.csv")
    assert done.code == table.exit_code
    assert table.says in done.err
