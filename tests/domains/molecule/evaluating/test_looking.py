"""What there is to look at: shares that add up, in bins that both lists share, and molecules from all over the list."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from genapps_molecule.evaluating.describing import PROPERTIES
from genapps_molecule.evaluating.looking import SHOWN, Look, Spread


def test_shares_are_those_of_the_bins_and_the_ends_hold_what_lies_beyond() -> None:
    own = np.array([*np.linspace(0, 1, 400), 50.0, np.nan])
    spread = Spread.of("qed", own, np.linspace(0, 1, 300))
    assert spread is not None
    assert sum(spread.own) == pytest.approx(1) and sum(spread.reference) == pytest.approx(1)
    assert spread.edges[-1] <= 1 and np.all(np.diff(spread.edges) > 0)
    inner = [
        np.mean((own[:401] >= a) & (own[:401] < b)) for a, b in zip(spread.edges[1:-2], spread.edges[2:-1], strict=True)
    ]
    np.testing.assert_allclose(spread.own[1:-1], inner)
    assert spread.own[-1] >= 1 / 401


def test_one_value_has_a_place_and_none_has_no_spread() -> None:
    same = Spread.of("mw", np.full(5, 300.0), np.full(3, 300.0))
    assert same is not None and max(same.own) == max(same.reference) == 1
    assert Spread.of("mw", np.full(2, np.nan), np.ones(3)) is None


def test_molecules_are_from_all_over_the_list() -> None:
    n = 3 * SHOWN
    table = {name: np.arange(n, dtype=float) for name in PROPERTIES}
    reference = SimpleNamespace(properties=table)
    texts = [str(row) for row in range(n)]
    look = Look.of(texts, table, reference, np.linspace(0, 1, n, dtype=np.float32))  # type: ignore[arg-type]
    rows = [int(text) for text in look.columns["smiles"]]
    assert len(rows) == SHOWN and rows[0] == 0 and rows[-1] == n - 1 and np.ptp(np.diff(rows)) <= 1
    assert look.columns["qed"] == rows
