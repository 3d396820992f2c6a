"""Selection by density ratio brings a drawer nearer to real molecules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.generators.ratio import Ratio, Selected


class Mixed:
    """Draws what is real and what is not, half and half, and a text that is no molecule."""

    def __init__(self, real: list[str], other: list[str]) -> None:
        self.texts = [*real, *other, "C("]

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        return [self.texts[i] for i in torch.randint(len(self.texts), (min(n, 150),), generator=generator).tolist()]


@pytest.fixture(scope="module")
def parts(tiny_smiles: list[str]) -> tuple[list[str], list[str]]:
    real = [text for text in tiny_smiles if "N" in text or "n" in text]
    other = [text for text in tiny_smiles if text not in set(real)]
    return real[:300], other[:300]


def test_most_of_what_is_kept_is_real(parts: tuple[list[str], list[str]]) -> None:
    real, other = parts
    drawer = Mixed(real[:150], other[:150])
    generator = torch.Generator().manual_seed(0)
    selected = Selected.fit(drawer, real, generator)
    kept = selected.draw(200, generator)
    share = np.mean(["N" in text or "n" in text for text in kept])
    assert len(kept) == 200 and share > 0.8
    assert all(Chem.MolFromSmiles(text) is not None for text in kept)
    with pytest.raises(UsageError, match="prompt"):
        selected.draw(1, generator, prompts=["C"])


def test_a_ratio_is_kept_as_arrays(parts: tuple[list[str], list[str]]) -> None:
    real, other = ([Chem.MolFromSmiles(text) for text in some] for some in parts)
    ratio = Ratio.fit(other * 2, real)
    again = Ratio.restore(*ratio.state())
    np.testing.assert_array_equal(ratio.log_odds(real[:9]), again.log_odds(real[:9]))
    assert ratio.log_odds(real).mean() > ratio.log_odds(other).mean() + 1
    assert ratio.log_odds(real).max() <= ratio.most
    with pytest.raises(InputError, match="200"):
        Ratio.fit(other[:20], real)
