"""Which labels each model is shown, and how images are."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from genapps_image.codec import Codec
from genapps_image.labelling import learning
from genapps_image.labelling.learning import Effort, learn_judged, options_for, shown, usual_steps, view_for


def test_each_label_is_hidden_from_one_judge_and_asked_of_that_one_and_the_model_sees_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model here is the labels that it was shown; asked about an image it says its number in the list of models."""
    given: list[Tensor] = []

    def learnt(_: Tensor, labels: Tensor, *rest: Any) -> int:
        given.append(labels)
        return len(given) - 1

    def answers(model: int, images: Tensor, _: Any) -> Tensor:
        return torch.full((len(images), 3), float(model), dtype=torch.double)

    monkeypatch.setattr(learning, "learn", learnt)
    monkeypatch.setattr(learning, "class_logs", answers)
    labels = torch.tensor([0] * 7 + [1] * 6 + [2] + [-1] * 10)
    images, codec = torch.zeros(24, 1, 8, 8, dtype=torch.uint8), Codec(8, 8, 1)
    model, held = learn_judged(images, labels, codec, view_for(images), Effort(steps=30))  # type: ignore[assignment]
    assert model == 3 and torch.equal(given[3], labels) and held is not None
    assert held.rows.tolist() == list(range(13))  # the only one of its class is never held out
    hidden = torch.stack([(labels >= 0) & (one < 0) for one in given[:3]])
    assert hidden.sum(0).tolist() == [1] * 13 + [0] * 11
    assert held.logs[:, 0].long().tolist() == hidden[:, :13].long().argmax(0).tolist()
    assert all(set(one[one >= 0].tolist()) == {0, 1, 2} for one in given)

    given.clear()
    few = torch.tensor([0, 0, 1, 1, 2] + [-1] * 19)
    model, held = learn_judged(images, few, codec, view_for(images), Effort(steps=30))  # type: ignore[assignment]
    assert model == 0 and held is None and torch.equal(given[0], few)


def test_drawings_are_black_and_white_and_photographs_are_not() -> None:
    drawing = torch.randint(0, 2, (30, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8) * 250
    grey = torch.arange(30 * 64).view(30, 1, 8, 8).to(torch.uint8)
    assert view_for(drawing).levels == 2 and view_for(grey).levels == 256
    assert view_for(drawing.expand(-1, 3, -1, -1)).levels == 256
    assert torch.equal(shown(drawing, view_for(drawing)), (drawing > 0).to(torch.uint8))
    assert torch.equal(shown(grey, view_for(grey)), grey)


def test_drawings_of_mnists_size_are_learnt_as_the_benchmark_of_the_core_does() -> None:
    """So that its figures hold for the command, too."""
    drawing = torch.zeros(30, 1, 28, 28, dtype=torch.uint8)
    found = options_for(Codec(28, 28, 1), view_for(drawing))
    core = {"latent": 16, "hidden": 128, "channels": 16, "consistency": 20.0, "summed": 0.15, "binarize": True}
    assert {name: found[name] for name in core} == core and found["shift"] == 2


def test_more_images_are_worth_more_steps() -> None:
    assert usual_steps(50) <= usual_steps(5_000) < usual_steps(60_000) == usual_steps(10**6)
    assert Effort(steps=10, budget=6.0).part(1 / 3) == Effort(steps=3, budget=2.0)
