"""A model is kept whole, draws the same again, and goes on from what it is given."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rdkit import Chem

from genapps.errors import GenappsError, InputError, UsageError
from genapps.io.artifact import write_artifact
from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.generators.model import SHIPPED, SmilesModel
from genapps_molecule.generators.sampling import Yield, judged, molecules, valid


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_what_is_kept_draws_the_same(tiny_model: SmilesModel, tmp_path: Path) -> None:
    tiny_model.save(tmp_path / "a.genapps")
    first = SmilesModel.load(tmp_path / "a.genapps")
    first.save(tmp_path / "b.genapps")
    assert (tmp_path / "a.genapps").read_bytes() == (tmp_path / "b.genapps").read_bytes()
    again = SmilesModel.load(tmp_path / "b.genapps")
    assert first.draw(30, seeded()) == again.draw(30, seeded()) != again.draw(30, seeded(1))
    assert again.card == {"what": "a small model for tests"} and again.members is not None


def test_draws_are_mostly_valid_and_go_on_from_prompts(tiny_model: SmilesModel) -> None:
    assert judged(tiny_model, 300)["valid"] > 0.35
    prompts = ["Cc1ccc(", "CC", "N#Cc1ccc", "C[C@H](", ""] * 4
    texts = tiny_model.draw(20, seeded(), prompts=prompts)
    assert all(text.startswith(prompt) for text, prompt in zip(texts, prompts, strict=True))
    whole = [text for text in texts if Chem.MolFromSmiles(text, sanitize=False) is not None]
    assert len(whole) >= 18, set(texts) - set(whole)  # the grammar holds, but for what is spelled in brackets


def test_a_prompt_may_be_longer_than_what_was_learnt(tiny_model: SmilesModel) -> None:
    text = tiny_model.draw(1, seeded(), prompts=["C" * 100])[0]
    assert text.startswith("C" * 100)
    with pytest.raises(GenappsError):
        tiny_model.draw(2, seeded(), prompts=["C"])
    with pytest.raises(InputError):
        tiny_model.draw(1, seeded(), prompts=["C{"])
    assert tiny_model.draw(0, seeded()) == []


def test_molecules_come_once_and_canonical(tiny_model: SmilesModel) -> None:
    told = Yield()
    stream = molecules(tiny_model, seeded(), told, rows=64)
    found = [next(stream) for _ in range(40)]
    assert len({smiles for smiles, _ in found}) == 40
    assert all(canonical(read_smiles(smiles)) == smiles == canonical(mol) for smiles, mol in found)
    assert told.kept >= 40 and told.drawn == told.kept + sum(told.reasons.values())


def test_what_is_no_model_of_molecules_is_refused(tiny_model: SmilesModel, tmp_path: Path) -> None:
    tiny_model.model.save(tmp_path / "plain.genapps")
    write_artifact(tmp_path / "hollow.genapps", {}, {"domain": "molecule", "task": "propose"})
    for name in ("plain", "hollow"):
        with pytest.raises(InputError, match=name):
            SmilesModel.load(tmp_path / f"{name}.genapps")
    with pytest.raises(UsageError):
        SmilesModel.load(tmp_path / "none.genapps")


def test_the_model_that_ships_is_small_and_draws_molecules() -> None:
    assert SHIPPED.stat().st_size <= 15 * 2**20
    model = SmilesModel.shipped()
    assert {"what", "data", "rdkit"} <= set(model.card)
    found = valid(model.draw(150, seeded()))
    assert len(found) > 100 and len(set(found)) > 0.95 * len(found)
    assert model.members is not None and model.members.size > 1_000_000


def test_draws_do_not_depend_on_how_many_threads_there_are(tiny_model: SmilesModel) -> None:
    before = torch.get_num_threads()
    try:
        drawn = []
        for count in (1, 3):
            torch.set_num_threads(count)
            drawn.append(tiny_model.draw(300, seeded()))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
    assert drawn[0] == drawn[1] and len(drawn[0]) == 300
