"""Several processes, each with its share of the rows, fit the mixture that one fits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import multiprocessing

from genapps.models import GMM
from genapps.training import TrainingConfig

KINDS = ("full", "diag", "lowrank")
DEVICE = TrainingConfig(device="cpu")


def data() -> Any:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(center, 1, (101, 3)) for center in (0, 4)])
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def fit(kind: str, chunks: bool) -> GMM:
    model = GMM(3, covariance_type=kind, n_factors=1, max_iter=12, tol=0)
    if chunks:
        return model.fit_chunks(data(), chunk_rows=20, training=DEVICE)
    return model.fit(data(), sample_weight=np.linspace(0.5, 2, 202), training=DEVICE)


def work(rank: int, port: int, folder: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": "2"}
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    for kind in KINDS:
        for chunks in (False, True):
            fit(kind, chunks).save(Path(folder) / f"{kind}-{chunks}-{rank}.genapps")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    found = tmp_path_factory.mktemp("processes")
    multiprocessing.spawn(work, (port, str(found)), nprocs=2)
    return found


@pytest.mark.parametrize("chunks", [False, True], ids=["memory", "chunks"])
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_fit_what_one_fits(kind: str, chunks: bool, folder: Path) -> None:
    from genapps.models import load_file

    alone = fit(kind, chunks)
    first, second = (load_file(folder / f"{kind}-{chunks}-{rank}.genapps") for rank in (0, 1))
    for name, tensor in alone.state()[0].items():
        assert first.state()[0][name].equal(second.state()[0][name])
        torch.testing.assert_close(first.state()[0][name], tensor, rtol=1e-9, atol=1e-9)
    assert abs(first.score(data()) - alone.score(data())) < 1e-12
    np.testing.assert_allclose(first.lower_bounds_, alone.lower_bounds_, rtol=0, atol=1e-12)
