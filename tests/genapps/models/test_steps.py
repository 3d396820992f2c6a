"""How likely each step of a sequence is, given the steps before it: exact, and blind to what follows."""

from typing import Any

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.models import GMM, HMM, Autoregressive
from genapps.models.hmm.chain import predicted
from genapps.training import TrainingConfig

QUICK = TrainingConfig(max_steps=40, warmup_steps=5)
SMALL: dict[str, Any] = {"hidden": 16, "layers": 1}


def walks(count: int = 30) -> list[np.ndarray[Any, Any]]:
    """Sequences of one number, of 1 to 12 steps."""
    rng = np.random.default_rng(0)
    return [np.cumsum(rng.normal(size=(n, 1)), axis=0) * 5 for n in rng.integers(1, 13, count)]


def words(count: int = 30) -> list[np.ndarray[Any, Any]]:
    """Sequences of codes, of 1 to 9 steps."""
    rng = np.random.default_rng(1)
    return [(np.arange(n) + rng.integers(3)) % 3 for n in rng.integers(1, 10, count)]


@pytest.mark.parametrize("data", [walks(), words()], ids=["frames", "tokens"])
def test_steps_of_a_hidden_markov_model_are_the_gains_of_its_prefixes(data: Any) -> None:
    model = HMM(3, max_iter=10).fit(data)
    found = model.step_log_prob(data)
    for sequence, steps in zip(data, found, strict=True):
        prefixes = model.log_prob([sequence[: n + 1] for n in range(len(sequence))]).values
        np.testing.assert_allclose(steps.cumsum(0), prefixes, rtol=1e-9, atol=1e-9)


def test_a_forgotten_past_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(*asked: Any) -> tuple[torch.Tensor, torch.Tensor]:
        alpha, steps = predicted(*asked)
        return alpha, steps.flip(0)

    monkeypatch.setattr("genapps.models.hmm.engine.predicted", forgetful)
    with pytest.raises(AssertionError):
        test_steps_of_a_hidden_markov_model_are_the_gains_of_its_prefixes(walks())


@pytest.mark.parametrize("data", [walks(), words()], ids=["frames", "tokens"])
@pytest.mark.parametrize("classes", [False, True])
def test_autoregressive_steps_sum_to_the_whole_and_see_no_future(data: Any, classes: bool) -> None:
    labels = np.arange(len(data)) % 2 if classes else None
    model = Autoregressive(**SMALL).fit(data, labels=labels, training=QUICK)
    found = model.step_log_prob(data)
    assert found.lengths.tolist() == [len(sequence) + 1 for sequence in data]  # the end is a step
    sums = [float(steps.sum()) for steps in found]
    np.testing.assert_allclose(sums, model.log_prob(data).values, rtol=1e-4, atol=1e-4)
    longest = max(data, key=len)
    other = longest.copy()
    other[6:] = other[:1]
    one, two = (next(iter(model.step_log_prob([s]))) for s in (longest, other))
    np.testing.assert_allclose(one[:6], two[:6], rtol=1e-5, atol=1e-5)
    assert not np.allclose(one[6:9], two[6:9])


def test_what_has_no_steps_says_so() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(UsageError, match="hmm and autoregressive"):
        GMM(1).fit(rows).step_log_prob(rows)
    model = Autoregressive(**SMALL).fit(words(), training=QUICK)
    with pytest.raises(InputError, match="9 are the most"):
        model.step_log_prob([np.zeros(11, int)])
