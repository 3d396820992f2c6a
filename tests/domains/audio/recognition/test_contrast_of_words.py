"""What tells a word from others sees what its model alone cannot, and survives its file."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genapps.batches import Ragged
from genapps_audio.recognition.contrast import Contrast, learn_contrasts, passage_size, passages, verdicts
from genapps_audio.recognition.learning import Held, Learnt


def test_passages_are_the_means_and_counts_of_each_state(learnt: tuple[Learnt, Held]) -> None:
    model = learnt[0].words.models[0]
    draw = torch.Generator().manual_seed(0)
    frames = [torch.randn(count, 39, generator=draw) for count in (14, 30)]
    found = passages(model, Ragged.of(frames))
    assert found.shape == (2, passage_size(model, 39))
    for row, one in zip(found, frames, strict=True):
        path = torch.tensor(model.predict([one]).values.tolist())  # type: ignore[union-attr]
        for state, cell in enumerate(row.reshape(-1, 40)):
            own = one[path == state].double()
            mean = own.mean(0) if len(own) else torch.zeros(39, dtype=torch.double)
            assert torch.allclose(cell[:39], mean, atol=1e-6)
            assert float(cell[39].expm1()) == pytest.approx(len(own))


def test_a_contrast_is_ridge_regression_with_both_sides_as_heavy(learnt: tuple[Learnt, Held]) -> None:
    """As scikit-learn's Ridge finds it on standardized passages; of two words it is one question."""
    from sklearn.linear_model import Ridge

    model = learnt[0].words.models[0]
    draw = torch.Generator().manual_seed(1)
    labels = [0] * 9 + [1] * 21
    frames = [torch.randn(20, 39, generator=draw) + 0.3 * label for label in labels]
    contrasts = learn_contrasts([model, model], frames, labels)
    fresh = Ragged.of([torch.randn(25, 39, generator=draw) for _ in range(7)])
    said = verdicts(contrasts, [model, model], fresh)
    known, rows = (passages(model, one).numpy() for one in (Ragged.of(frames), fresh))
    centre, scale = known.mean(0), np.maximum(known.std(0), 1e-3)
    heavy = np.where(np.array(labels) == 0, 1 / 9, 1 / 21) / 2
    target = np.where(np.array(labels) == 0, 1.0, -1.0)
    ridge = Ridge(alpha=1.0).fit((known - centre) / scale, target, sample_weight=heavy)
    assert said[:, 0].numpy() == pytest.approx(ridge.predict((rows - centre) / scale), abs=1e-6)
    assert said[:, 1].numpy() == pytest.approx(-said[:, 0].numpy(), abs=1e-6)


def test_a_contrast_survives_its_tensors_and_tells_what_does_not_fit(learnt: tuple[Learnt, Held]) -> None:
    one = learnt[0].words.contrasts[0]
    again = Contrast.of_tensors(one.tensors())
    assert again.size == one.size == passage_size(learnt[0].words.models[0], 39)
    rows = torch.randn(3, one.size, dtype=torch.double)
    assert torch.equal(one.verdict(rows), again.verdict(rows))
    for name, value in (("mean", one.mean[:-1]), ("weights", one.weights * float("nan"))):
        with pytest.raises(ValueError, match="do not fit"):
            _ = Contrast.of_tensors({**one.tensors(), name: value}).size
