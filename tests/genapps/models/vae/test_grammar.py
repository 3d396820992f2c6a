"""Sequences decoded within a grammar keep it, whatever the network would rather write."""

from __future__ import annotations

import pytest
import torch

from genapps.errors import UsageError
from genapps.models import VAE
from genapps.models.autoregressive.grammar import Automaton
from genapps.spaces import Tokens
from genapps.training import TrainingConfig

# 0 and 1 in turn, beginning with 0, ending behind a 1.
TURNS = Automaton(torch.tensor([[1, -1, -1], [-1, 0, -1]]), torch.tensor([True, False]))


@pytest.fixture(scope="module")
def model() -> VAE:
    data = [torch.tensor([2] * n) for n in (3, 4, 5)] * 10  # never what the grammar asks for
    made = VAE(space=Tokens(3, 8), latent=2, hidden=8, prior="normal")
    return made.fit(data, training=TrainingConfig(max_steps=20))


def test_every_sequence_keeps_the_grammar(model: VAE) -> None:
    latents = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    drawn = list(model.decode(latents, grammar=TURNS, generator=torch.Generator().manual_seed(0)))
    assert len(drawn) == 50
    for sequence in drawn:
        assert sequence.tolist() == [0, 1] * (len(sequence) // 2)
    free = list(model.decode(latents, generator=torch.Generator().manual_seed(0)))
    assert any(2 in sequence.tolist() for sequence in free)  # what it learnt, without the grammar


def test_a_grammar_is_for_codes_only(model: VAE) -> None:
    with pytest.raises(UsageError, match="grammar"):
        model.decode(torch.zeros(1, 2), grammar=TURNS, labels=[0])
