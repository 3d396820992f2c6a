"""Steps that are left out for a gradient far larger than usual."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from genapps.training import Recipe
from genapps.training.job import Job
from genapps.training.loop import Phase, State, train

RATE = 0.01
RECIPE = Recipe(
    epochs=10,
    batch_size=4,
    min_steps=0,
    warmup_steps=1,
    schedule="constant",
    learning_rate=RATE,
    optimizer="sgd",
    beta1=0.0,
    ema=0.0,
    clip=1e9,
    skip=5.0,
    checkpoint_seconds=0.0,
    check_steps=10,
)


def run(wild: set[int], recipe: Recipe = RECIPE, job: Job | None = None, kill_at: int = -1) -> tuple[float, State]:
    """The way that a weight goes by steps of slope 1, or 100 where they are wild."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    network.register_buffer("step", torch.zeros(()))

    def loss(rows: Tensor, draws: torch.Generator) -> Tensor:
        step = int(network.step)
        network.step += 1
        if step == kill_at:
            raise KeyboardInterrupt
        return -network.weight.sum() * (100.0 if step in wild else 1.0)

    state = train(network, [Phase("one", loss)], None, rows=4, recipe=recipe, job=job or Job())
    return float(network.weight.detach()) / RATE, state


def test_a_wild_step_is_left_out() -> None:
    assert run(set())[0] == pytest.approx(40, abs=1e-3)
    assert run({20})[0] == pytest.approx(39, abs=1e-3)
    assert run({20}, replace(RECIPE, skip=0.0))[0] == pytest.approx(139, abs=1e-2)


def test_what_lasts_becomes_usual() -> None:
    taken, state = run(set(range(10, 200)), replace(RECIPE, epochs=50))
    assert 100 * 50 < taken < 100 * 190
    assert state.usual["one"] > 20


def test_what_is_usual_is_kept_with_the_run(tmp_path: Path) -> None:
    """Begun anew in the middle it would know no usual gradient, and take the wild one for it."""
    job = Job(checkpoint=tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        run({21}, job=job, kill_at=20)
    again = run({21}, job=replace(job, resume=True))
    assert again[0] == pytest.approx(39, abs=1e-3) and again[1].usual == run({21})[1].usual
