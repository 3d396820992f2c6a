"""Two processes that share the sequences learn what one does."""

import multiprocessing
import os
from pathlib import Path

import torch

from genapps.batches import Ragged
from genapps.models import load_file
from genapps.models.hmm import HMM


def sequences() -> Ragged:
    lengths = torch.tensor([30, 1, 70, 25, 55])
    generator = torch.Generator().manual_seed(0)
    place = torch.randint(3, (37,), generator=generator).repeat_interleave(5)[:181]
    return Ragged(4.0 * place[:, None] + torch.randn(181, 2, generator=generator).double(), lengths)


def work(rank: int, path: str) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{path}/meeting", rank=rank, world_size=2)
    model = HMM(3, max_iter=5).fit(sequences())
    if rank == 0:
        model.save(Path(path) / "model.genapps")
    torch.distributed.destroy_process_group()


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(rank, str(tmp_path))) for rank in range(2)]
    for worker in workers:
        worker.start()
    alone = HMM(3, max_iter=5).fit(sequences())
    for worker in workers:
        worker.join(300)
        assert worker.exitcode == 0
    together = load_file(tmp_path / "model.genapps")
    torch.testing.assert_close(together.means_, alone.means_, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(together.transmat_, alone.transmat_, rtol=1e-9, atol=1e-9)
