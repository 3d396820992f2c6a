"""A user's molecules are learnt as they are treated, and a bad row is told, never the end."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from genapps.errors import InputError
from genapps.training import TrainingConfig
from genapps.training.settings import Event
from genapps_molecule.chemistry import Treatment, canonical, read_smiles
from genapps_molecule.generators.fitting import FitConfig, Study, fit, randomized, read_rows, write_dropped
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.generators.sampling import valid
from genapps_molecule.reading.files import read_molecules

BRIEF = FitConfig(hidden=16, layers=1, training=TrainingConfig(max_steps=4, min_steps=1, epochs=1))


def test_a_randomized_text_is_the_same_molecule(tiny_smiles: list[str]) -> None:
    rng = np.random.default_rng(0)
    texts = ["C[C@H](N)C(=O)O", "F/C=C/Cl", "[O-]C(=O)c1cc[nH]c1", "C%10CCCC%10", *tiny_smiles[:100:5]]
    written = {text: [randomized(read_smiles(text), rng) for _ in range(5)] for text in texts}
    for text, others in written.items():
        assert {canonical(read_smiles(one)) for one in others} == {canonical(read_smiles(text))}
    assert sum(len(set(others)) > 1 for others in written.values()) > 0.9 * len(written)


def test_rows_are_told_by_number(tmp_path: Path, tiny_smiles: list[str]) -> None:
    lines = [*tiny_smiles[:12], "nonsense", "", tiny_smiles[0], "C1CC", "CC" * 300, "C" * 9_000]
    (tmp_path / "my.smi").write_text("\n".join(lines) + "\n")
    rows = read_rows(read_molecules(tmp_path / "my.smi"), 0)
    assert (rows.read, len(rows.canonical), rows.repeated) == (18, 12, 1)
    assert [one.row for one in rows.dropped] == [13, 14, 16, 17, 18] and sum(rows.reasons.values()) == 5
    write_dropped(tmp_path / "why.csv", rows.dropped)
    with (tmp_path / "why.csv").open(newline="") as file:
        told = list(csv.DictReader(file))
    assert [one["row"] for one in told] == ["13", "14", "16", "17", "18"] and told[0]["text"] == "nonsense"
    (tmp_path / "few.smi").write_text("CC\nCO\nxyz\n")
    with pytest.raises(InputError, match=r"2 molecules in 3 rows.*row 3"):
        read_rows(read_molecules(tmp_path / "few.smi"), 0)


def test_a_new_model_knows_its_molecules(tmp_path: Path, tiny_smiles: list[str]) -> None:
    (tmp_path / "my.smi").write_text("\n".join(f"{text}.[Na+]" for text in tiny_smiles[:40]))
    found = fit(tmp_path / "my.smi", Study(config=BRIEF), Treatment(salts="strip", stereo="strip"))
    model = found.model
    learnt = {canonical(read_smiles(text, Treatment(stereo="strip"))) for text in tiny_smiles[:40]}
    assert model.members is not None and model.members.hold(sorted(learnt)).all()
    assert model.training is not None and set(model.training.smiles) == learnt
    model.save(tmp_path / "mine.genapps")
    again = SmilesModel.load(tmp_path / "mine.genapps")
    assert again.treatment == Treatment(salts="strip", stereo="strip") and again.training is not None
    assert again.card["molecules"] == len(learnt) and found.to_json()["draws"]["n"] == 500
    assert len(again.draw(5, torch.Generator().manual_seed(0), prompts=["CC"] * 5)) == 5
    assert any("molecules learnt" in line for line in found.lines())


def test_going_on_from_a_model_is_better_than_it_was(tmp_path: Path, tiny_model: SmilesModel) -> None:
    model = SmilesModel.load(_saved(tiny_model, tmp_path))
    texts = [f"O=S(=O)(Nc1ccc({tail})cc1)C{'C' * k}" for k in range(6) for tail in ("C", "CC", "F", "OC", "C#N", "Cl")]
    (tmp_path / "my.smi").write_text("\n".join(texts))
    training = TrainingConfig(max_steps=60, min_steps=60, check_steps=30, learning_rate=5e-3)
    found = fit(tmp_path / "my.smi", Study(model, FitConfig(training=training)))
    assert found.figures["held_out_nats"] < 0.7 * found.figures["held_out_nats_before"]
    drawn = valid(found.model.draw(60, torch.Generator().manual_seed(0)))
    assert sum("S(=O)(=O)" in text or "O=S(=O)" in text for text in drawn) > 0.3 * len(drawn)


def _saved(model: SmilesModel, folder: Path) -> Path:
    model.save(folder / "begin.genapps")
    return folder / "begin.genapps"


def test_a_run_that_was_stopped_goes_on_to_the_same_model(tmp_path: Path, tiny_smiles: list[str]) -> None:
    (tmp_path / "my.smi").write_text("\n".join(tiny_smiles[:60]))
    config = FitConfig(hidden=8, layers=1, training=TrainingConfig(max_steps=30, min_steps=30, check_steps=10))

    def stop(event: Event) -> None:
        if event.step >= 20:
            raise KeyboardInterrupt

    whole = fit(tmp_path / "my.smi", Study(config=config))
    place = tmp_path / "run.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "my.smi", Study(config=config), progress=stop, checkpoint=place)
    again = fit(tmp_path / "my.smi", Study(config=config), checkpoint=place, resume=True)
    for model in (whole.model, again.model):
        model.save(tmp_path / f"{id(model)}.genapps")
    assert len({(tmp_path / f"{id(model)}.genapps").read_bytes() for model in (whole.model, again.model)}) == 1
