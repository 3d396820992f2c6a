"""Two processes end where one does."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = """
import sys, torch
from torch import nn
from genapps.training import Recipe, distributed
from genapps.training.job import Job
from genapps.training.loop import Phase, train

torch.set_num_threads(1)
distributed.start()
X = torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
Y = X @ torch.tensor([[1.0], [-2.0], [0.5]], dtype=torch.double)
torch.manual_seed(3)
network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
told = []
recipe = Recipe(epochs=8, batch_size=21, min_steps=0, warmup_steps=5, learning_rate=0.03, clip=0.5)
loss = lambda rows, _: (network(X[rows]) - Y[rows]).square().mean()
held_out = lambda: float((network(X) - Y).square().mean())
train(network, [Phase("all", loss)], held_out, rows=200, recipe=recipe, job=Job(1, progress=told.append))
sums = [torch.ones(2) * (1 + distributed.rank())]
distributed.total(sums)
if distributed.rank() == 0:
    from safetensors.torch import save_file
    save_file({**network.state_dict(), "sums": sums[0], "told": torch.tensor(len(told))}, sys.argv[1])
else:
    assert not told
"""


def run(script: Path, out: Path, count: int) -> None:
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20_000 + os.getpid() % 20_000), "WORLD_SIZE": str(count)}
    workers = [
        subprocess.Popen(
            [sys.executable, str(script), str(out)],
            env={**os.environ, **address, "RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    for worker in workers:
        _, said = worker.communicate(timeout=300)
        assert worker.returncode == 0, said


def run_here(script: Path, out: Path, patch: pytest.MonkeyPatch) -> None:
    """Alone, and so in this process, whose libraries are loaded."""
    patch.setattr(sys, "argv", [str(script), str(out)])
    patch.setenv("WORLD_SIZE", "1")
    with torch.random.fork_rng():
        runpy.run_path(str(script))


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
def test_two_processes_end_with_the_weights_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file

    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    run_here(script, tmp_path / "one.safetensors", monkeypatch)
    monkeypatch.undo()
    run(script, tmp_path / "two.safetensors", 2)
    one, two = (load_file(tmp_path / f"{name}.safetensors") for name in ("one", "two"))
    assert one.pop("sums").tolist() == [1, 1] and two.pop("sums").tolist() == [3, 3]
    assert one.keys() == two.keys() and one["told"] == two["told"] > 0
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-9, atol=1e-12)
