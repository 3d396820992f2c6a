"""Every block of the page on the families runs, in its order, word for word."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from genapps.models import HMM, RBM
from genapps.training import TrainingConfig

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_the_page_runs_word_for_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 7
    monkeypatch.chdir(tmp_path)
    Path("page.py").write_text("\n".join(blocks), "utf-8")
    runpy.run_path("page.py")
    assert (tmp_path / "mixture.genapps").exists()


def test_what_the_page_says_of_small_machines_and_of_long_sequences_is_so() -> None:
    rng = np.random.default_rng(0)
    bits = (rng.random((300, 12)) < np.repeat(rng.random((300, 3)), 4, axis=1)).astype(int)
    rbm = RBM(8).fit(bits, training=TrainingConfig(epochs=1))
    assert rbm.log_partition().kind == rbm.log_prob(bits[:2]).kind == "exact"
    estimate = rbm.log_partition(steps=200, chains=50)
    assert estimate.kind == "estimate" and estimate.error > 0
    codes = rng.integers(0, 3, 300)
    scores = HMM(2).fit(codes, [100, 200]).anomaly_score(codes, [100, 200])
    assert float(scores[1]) > 1.5 * float(scores[0])
    assert "grows with the length" in PAGE and "grows with its length" in str(HMM.anomaly_score.__doc__)
