"""The autoregressive family on pieces: drawing and scoring agree, context is known, and what goes on is named."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from genapps.batches import Ragged
from genapps.models.autoregressive.showing import with_known
from genapps_music.codec import CONTEXT, Piece, gather
from genapps_music.composing.barred import Composer, shown, sounding
from genapps_music.composing.filling import Manner, Rules
from genapps_music.composing.fitting import Study, fit
from genapps_music.composing.silences import FREE
from genapps_music.composing.tasks import compose
from genapps_music.grid import UNKNOWN
from genapps_music.model import MusicModel
from genapps_music.score import Note, Part, Score


def duet(seed: int) -> Score:
    draws = np.random.default_rng(seed)
    parts = (
        Part(tuple(Note(240 * k, 240, base + int(draws.integers(0, 3))) for k in range(16)), name)
        for name, base in (("Upper", 72), ("Lower", 60))
    )
    return Score((*parts,), f"{seed}")


@pytest.fixture(scope="module")
def model() -> MusicModel:
    settings = ("hidden=8", "head=8", "training.max_steps=5", "training.learning_rate=0.02")
    return fit([duet(k) for k in range(6)], Study(settings=settings, latents=False)).model


def test_what_goes_on_is_named_by_its_beginning() -> None:
    cells = torch.tensor([5, 1, 1, 0, 1, -1, 1, 7, 1])[None, :, None]
    assert sounding(cells, 20).flatten().tolist() == [5, 25, 25, 0, 1, -1, 1, 7, 27]


def test_drawing_takes_the_likeliest_of_what_scoring_says(model: MusicModel) -> None:
    made = compose(model, 1, 2, Manner(temperature=0.0))[0]
    codec, engine = model.codec, model.part.engine
    starts = tuple(range(0, 3 * codec.bar, codec.bar))
    shift = codec.homes[int(torch.randint(len(codec.homes), (1,), generator=torch.Generator().manual_seed(0)))]
    frames = codec.frames(Piece("", made.cells, starts))
    partly = with_known(Ragged.of([frames]), [True] * CONTEXT + [False] * 2)
    inside, _ = engine._padded(partly, torch.device("cpu"))
    logits = engine.network(inside, torch.zeros(1).long())[0, :-1, 1:].unflatten(-1, (frames.shape[1], -1))
    empty = codec.frames(Piece("", np.full_like(made.cells, UNKNOWN), starts))
    rules = Rules([empty], model, [shift], [np.full_like(made.cells, FREE)])
    past = torch.from_numpy(frames)[None]
    for step, column in itertools.product(range(len(frames)), range(CONTEXT, frames.shape[1])):
        allowed = rules(past[:, :step], past[:, step], column)[0]
        wanted = logits[step, column, : len(allowed)].masked_fill(~allowed, -torch.inf).argmax()
        assert int(wanted) == frames[step, column]


def test_probabilities_of_a_step_sum_to_one(model: MusicModel) -> None:
    codec = model.codec
    sizes = codec.space.row.sizes[CONTEXT:]
    bar = (0, codec.bar)
    every = [np.array([codes]) for codes in itertools.product(*map(range, sizes))]
    frames = [codec.frames(Piece("", cells, bar)) for cells in every]
    known = [True] * CONTEXT + [False] * 2
    total = model.part.log_prob(Ragged.of(frames), known=known).values.double().exp().sum()  # type: ignore[call-arg]
    assert float(total) == pytest.approx(1, abs=1e-4)
    given = model.part.log_prob(Ragged.of(frames[: sizes[1]]), known=[*known[:-2], True, False])  # type: ignore[call-arg]
    assert float(given.values.double().exp().sum()) == pytest.approx(1, abs=1e-4)


def test_the_context_is_always_known_and_none_of_it_is_learnt(model: MusicModel) -> None:
    corpus = gather([duet(k) for k in range(3)])
    data = Ragged.of([corpus.codec.frames(piece) for piece in corpus.pieces])
    for seed in range(20):
        partly = shown(data, 0.5, torch.Generator().manual_seed(seed))
        assert bool(partly.known[:, :CONTEXT].all())
    whole = model.part.log_prob(data, known=[True] * CONTEXT + [False] * 2).values  # type: ignore[call-arg]
    assert bool((whole < 0).all())
    assert model.part.log_prob(data, known=[True] * data.values.shape[1]).values.tolist() == [0, 0, 0]  # type: ignore[call-arg]
    assert Composer(space=corpus.codec.space, within="ordered").engine_for(corpus.codec.space).__name__ == "BarredModel"
