"""Memory taken again is the same memory, and it changes no result."""

from __future__ import annotations

import torch

from genapps.batches import Ragged
from genapps.models.hmm.chain import Chain
from genapps.models.hmm.emissions.gaussian import Gaussian
from genapps.models.hmm.learning import Parameters, chunks, expect
from genapps.models.hmm.room import Room

CPU = torch.device("cpu")


def test_what_fits_is_taken_again() -> None:
    room = Room()
    first = room.take((6, 4), torch.double, CPU)
    assert room.take((3, 2), torch.double, CPU).data_ptr() == first.data_ptr()
    assert room.take((6, 4), torch.double, CPU).data_ptr() == first.data_ptr()


def test_what_does_not_fit_is_new() -> None:
    room = Room()
    first = room.take((6, 4), torch.double, CPU)
    assert room.take((7, 4), torch.double, CPU).shape == (7, 4)
    assert room.take((6, 4), torch.float32, CPU).dtype == torch.float32
    assert first.shape == (6, 4)


def test_chunks_that_share_their_room_add_up_to_the_whole() -> None:
    data = [torch.randn(n, 2, generator=torch.Generator().manual_seed(n)).double() for n in (9, 30, 4, 17, 25, 1)]
    start = torch.full((3,), 1 / 3).double()
    chain = Chain(start, (torch.eye(3).double() + 1) / 4)
    model = Parameters(chain, Gaussian(torch.arange(6).double().view(3, 2) / 3, torch.ones(3, 2).double()))
    batch = Ragged(torch.cat(data), torch.tensor([len(part) for part in data]))
    parts = chunks(batch, steps=20)
    assert len(parts) > 2 and all(part.space is parts[0].space for part in parts)
    whole = expect(model, chunks(batch))
    for _ in range(2):  # the second time in the room of the first
        sums = expect(model, parts)
        for name, value in whole.values.items():
            torch.testing.assert_close(sums.values[name], value, rtol=1e-12, atol=1e-12)
