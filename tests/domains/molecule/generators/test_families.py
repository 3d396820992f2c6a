"""Every family learns molecules, draws texts, and comes back from its file the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps.training import TrainingConfig
from genapps_molecule.generators.families import FamilyModel, Latent, Written, fit_family, load_drawer
from genapps_molecule.generators.fitting import FitConfig
from genapps_molecule.generators.fitting_families import fit
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.proposing.tasks import Order, propose

SHORT = TrainingConfig(max_steps=8, min_steps=1, batch_size=32)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def made(family: str, smiles: list[str]) -> FamilyModel:
    if family == "hmm":
        return FamilyModel(family, Written.fit(smiles, SHORT, 0, states=4))
    return fit_family(family, smiles, training=SHORT)


@pytest.mark.parametrize("family", ["hmm", "gan", "gmm", "rbm", "ngram"])
def test_learnt_drawn_kept(family: str, tiny_smiles: list[str], tmp_path: Path) -> None:
    model = made(family, tiny_smiles[:200])
    drawn = model.draw(20, generator())
    assert len(drawn) == 20
    model.save(tmp_path / "a.genapps")
    again = load_drawer(tmp_path / "a.genapps")
    assert isinstance(again, FamilyModel) and again.family == family
    assert again.draw(20, generator()) == drawn
    if family != "ngram":
        with pytest.raises(UsageError, match="prompt"):
            model.draw(1, generator(), prompts=["C"])


def test_fragments_make_molecules(tiny_smiles: list[str]) -> None:
    drawn = [text for text in made("rbm", tiny_smiles).draw(30, generator()) if text]
    assert len(drawn) > 5
    assert all(Chem.MolFromSmiles(text) is not None and "*" not in text for text in drawn)


def test_latents_of_leads(tiny_smiles: list[str]) -> None:
    maker = made("vae", tiny_smiles[:200]).maker
    assert isinstance(maker, Latent)
    near = maker.around(tiny_smiles[0], 5, generator())
    between = maker.between(tiny_smiles[0], tiny_smiles[1], 4, generator())
    assert len(near) == 5 and len(between) == 4
    for text in (*near, *between):
        assert text.count("(") == text.count(")")  # in the grammar, however little was learnt


def test_a_network_is_loaded_as_one(tiny_model: SmilesModel, tmp_path: Path) -> None:
    tiny_model.save(tmp_path / "a.genapps")
    assert isinstance(load_drawer(tmp_path / "a.genapps"), SmilesModel)
    with pytest.raises(InputError, match="not a family"):
        FamilyModel.load(tmp_path / "a.genapps")


def test_what_cannot_be_learnt_is_said() -> None:
    with pytest.raises(UsageError, match="Did you mean"):
        fit_family("hnm", ["C"])
    with pytest.raises(InputError, match="no molecules"):
        fit_family("hmm", [])
    with pytest.raises(InputError, match="cut"):
        fit_family("rbm", ["C", "CC"])


def test_fitted_from_a_file_and_proposed_from(tiny_smiles: list[str], tmp_path: Path) -> None:
    path = tmp_path / "own.smi"
    path.write_text("\n".join([*tiny_smiles[:200], "C(", tiny_smiles[0]]) + "\n")
    found = fit(path, "ngram", FitConfig())
    assert found.figures["molecules"] == 200 and found.figures["repeated"] == 1
    assert found.figures["draws"]["valid"] > 0.5 and [one.row for one in found.dropped] == [201]
    assert "200 molecules learnt by ngram, of 202 rows" in next(found.lines())
    found.model.save(tmp_path / "own.genapps")
    again = load_drawer(tmp_path / "own.genapps")
    assert again.training is not None and len(again.training.smiles) == 200
    proposed = propose(again, Order(n=5), members=again.members, training=again.training)
    assert sum(len(mols) for mols, _ in proposed.lots()) == 5
