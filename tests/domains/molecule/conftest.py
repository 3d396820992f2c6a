"""A small model of molecules that learns in seconds, and the molecules it learnt from."""

from __future__ import annotations

from itertools import product

import pytest

from genapps.models import Autoregressive
from genapps.spaces import Tokens
from genapps.training import TrainingConfig
from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.traits.novelty import Members

_HEADS = ("C", "CC", "CCC", "CO", "CCO", "CN", "N#C", "F", "Cl", "Br", "OC(=O)", "CC(=O)N", "[O-]C(=O)", "C1CC1")
_RINGS = ("c1ccc({})cc1", "c1ccc({})nc1", "C1CCN({})CC1", "c1cc({})c[nH]1", "C1CC1{}", "c1ccc2c(c1)cc({})[nH]2")
_TAILS = ("C", "CC", "C(F)(F)F", "C(=O)NC", "S(C)(=O)=O", "C#N", "OC", "[C@H](C)O")


@pytest.fixture(scope="session")
def tiny_smiles() -> list[str]:
    """A few hundred canonical SMILES."""
    texts = {ring.format(head[::-1] if len(head) == 1 else "C") for head in _HEADS for ring in _RINGS}
    texts |= {f"{head}{ring.format(tail)}" for head, ring, tail in product(_HEADS, _RINGS, _TAILS)}
    return sorted({canonical(read_smiles(text)) for text in texts})


@pytest.fixture(scope="session")
def tiny_model(tiny_smiles: list[str]) -> SmilesModel:
    """A network of 64 units that learnt those for a few seconds: most of what it draws is valid."""
    vocabulary = Vocabulary.of(tiny_smiles, least=5)
    model = Autoregressive(space=Tokens(len(vocabulary), 60), hidden=64, layers=1, dropout=0.0)
    training = TrainingConfig(max_steps=250, min_steps=250, batch_size=32, learning_rate=1e-2, patience=100)
    model.fit(vocabulary.encode(tiny_smiles), training=training)
    card = {"what": "a small model for tests"}
    return SmilesModel(vocabulary, model, members=Members.of(tiny_smiles, len(tiny_smiles)), card=card)
