"""The commands that belong to no domain."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from genapps.cli import domains, main
from genapps.cli.doctor import examine
from genapps.io.artifact import write_artifact

HEADER = {
    "family": "gmm",
    "domain": "tabular",
    "space": {"variables": [1, 2]},
    "codec": {"columns": ["a", "b", "c"]},
    "model": {
        "config": {"n_components": 32, "structure": "tree", "prune": False, "rate": 0.00123456789},
        "random_state": None,
        "structures": [{"owner": [0]}] * 3,
        "variety": {"bins": 43.0, "of": 40},
        "curves": {"diag": [[1, 2.0]]},
    },
    "provenance": {"rows": 1234, "seed": 7, "versions": {"genapps": "0.1.0", "torch": "2.13.0"}, "seconds": 1.23456789},
    "measures": {},
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.genapps"
    write_artifact(path, {"model/weights": np.arange(3.0)}, HEADER)
    return path


def test_long_figures_of_a_card_stand_below_one_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {
        "about": "",
        "floor": 1.467118656339799,
        "frame": 1.6285684593356387,
        "kind": "exact",
        "nats": 0.4071421,
        "pieces": 40,
    }
    path = tmp_path / "m.genapps"
    write_artifact(path, {"model/weights": np.arange(3.0)}, HEADER | {"card": {"reached": figures, "seed": 1}})
    assert main(["model", "show", str(path)]) == 0
    text = capsys.readouterr().out
    assert "  reached:\n    floor              1.46712\n    frame              1.62857\n    kind" in text
    assert "about" not in text


def test_model_show(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "show", str(model)]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0] == f"{model}: a gmm model of tabular data"
    assert "  rows                 1234\n" in text
    assert "genapps 0.1.0, torch 2.13.0" in text
    assert "1.23457" in text
    assert max(map(len, text.splitlines()[1:])) <= 100
    model_lines = text[text.index("\nmodel:\n") :].splitlines()[2:11]
    assert [line.split(maxsplit=1) for line in model_lines] == [
        ["n_components", "32"],
        ["prune", "false"],
        ["rate", "0.00123457"],
        ["structure", "tree"],
        ["curves", "1 entry"],
        ["random_state", "none"],
        ["structures", "3 entries"],
        ["variety", "bins 43, of 40"],
        ["provenance:"],
    ]
    assert "codec:\n  columns              3 entries\n" in text


def test_model_show_as_json(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "show", str(model), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {key: shown[key] for key in HEADER} == HEADER


def test_model_show_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.genapps").write_bytes(b"no model at all")
    assert main(["model", "show", str(tmp_path / "m.genapps")]) == 3
    assert main(["model", "show", str(tmp_path / "absent.genapps")]) == 2
    assert main(["model", "show", str(tmp_path)]) in (2, 3)
    assert capsys.readouterr().err.count("\n") == 3


def test_model_show_of_a_tampered_file(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(model.read_bytes())
    data[-1] ^= 1  # in the weights, far from the header
    model.write_bytes(data)
    assert main(["model", "show", str(model)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"genapps: {model}: ")
    monkeypatch.setattr("genapps.cli.model.VERIFIED", 10)
    assert main(["model", "show", str(model)]) == 0
    assert "only its header is read" in capsys.readouterr().err


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "domain tabular: ready" in text
    assert "devices: cpu" in text
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["base"]["torch"]
    assert found["domains"]["tabular"] == "ready"


def test_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("genapps.cli.doctor._version", lambda name: None if name in ("sdv", "numpy") else "1.0")
    monkeypatch.setattr("genapps.cli.doctor.plugins", lambda: {"broken": ("nowhere.at.all:cli", "some-plugin")})
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "sdv missing  (pip install 'genapps[sdv]')" in out
    assert "domain broken: nowhere.at.all:cli cannot be loaded: ModuleNotFoundError" in out
    assert err.startswith("genapps: numpy is missing")


def test_doctor_survives_a_damaged_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert examine()["devices"][0].startswith("none: torch cannot be imported")


def test_config_is_a_whole_and_valid_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["config", "tabular"]) == 0
    text = capsys.readouterr().out
    assert {"family", "training", "codec"} <= tomllib.loads(text).keys()
    (tmp_path / "run.toml").write_text(text)
    assert main(["config", "tabular", "--config", str(tmp_path / "run.toml"), "--set", "seed=7"]) == 0
    again = capsys.readouterr().out
    assert tomllib.loads(again) == tomllib.loads(text) | {"seed": 7}
    lines = text.splitlines()
    unexplained = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if "=" in line and not before.startswith("#") and line[0] != "#"
    ]
    assert not unexplained, "every setting says what it means"
    assert main(["config", "tabular", "detect"]) == 0
    text = capsys.readouterr().out
    assert "# n_components = " in text and not any(tomllib.loads(text).values()), "nothing is set that was not asked"
    assert main(["config", "tabular", "detect", "--set", "rbm.n_components=64"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["rbm"] == {"n_components": 64}
    assert main(["config", "tabular", "fit"]) == 2
    assert "tabular fit has no settings of its own; see: genapps config tabular" in capsys.readouterr().err
    assert main(["config", "tabular", "--set", "sede=7"]) == 2
    assert "Did you mean 'seed'?" in capsys.readouterr().err


@pytest.fixture
def fake_domain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """A domain whose main job only notes what it was asked."""
    asked: list[Any] = []

    @click.group()
    def cli() -> None:
        pass

    @cli.command()
    @click.argument("data", type=click.Path(exists=True))
    @click.option("-o", "--output")
    def synthesize(data: str, output: str) -> None:
        asked.append((Path(data).name, output))

    entry = replace(domains.BUILT_IN["tabular"], demo=("synthesize", "{sample}", "-o", "{folder}/rows.csv"))
    monkeypatch.setitem(domains.BUILT_IN, "tabular", entry)
    monkeypatch.setattr(domains, "load", lambda _: cli)
    monkeypatch.chdir(tmp_path)
    return asked


def test_demo_runs_the_command_it_prints(fake_domain: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    assert main(["demo", "tabular", "-o", "my results"]) == 0
    assert fake_domain == [("flights.csv", "demo/rows.csv"), ("flights.csv", "my results/rows.csv")]
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("$ genapps tabular synthesize ")
    assert first.endswith("flights.csv -o demo/rows.csv")
    assert second.endswith("-o 'my results/rows.csv'")
    assert Path("demo").is_dir()


def test_demo_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "tabluar"]) == 2
    assert "Did you mean 'tabular'?" in capsys.readouterr().err
