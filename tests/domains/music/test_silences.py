"""Where filled voices rest and sound: counted over what was learnt, kept exactly, and no reward for silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import genapps_music
from genapps_music.codec import Piece
from genapps_music.composing import tasks
from genapps_music.composing.filling import Manner
from genapps_music.composing.fitting import Study, fit
from genapps_music.composing.silences import FREE, RARE, RESTS, SOUNDS, demands, granted, sounds
from genapps_music.composing.tasks import harmonize, infill
from genapps_music.grid import FIRST, HOLD, REST, UNKNOWN, Cells, Voice, lawful, pitches
from genapps_music.model import MusicModel
from genapps_music.reading.files import read_score
from genapps_music.score import QUARTER, Note, Part, Score

BAR = 4 * QUARTER
SAMPLES = Path(genapps_music.__file__).parent / "samples"
Heard = NDArray[np.bool_]


def random_cells(seed: int, steps: int = 40, voices: int = 3) -> Cells:
    draws = np.random.default_rng(seed)
    return lawful(draws.choice([REST, HOLD, FIRST, FIRST + 3], (steps, voices), p=[0.1, 0.6, 0.2, 0.1]))


def piece(cells: Cells) -> Piece:
    return Piece("piece", cells, (0, len(cells)))


def test_what_sounds_is_what_has_a_pitch() -> None:
    for seed in range(10):
        cells = random_cells(seed)
        heard = pitches(cells, [Voice("", 60, 70)] * 3) >= 0
        assert (sounds(cells) == heard).all()
    open_ = np.array([[FIRST], [HOLD], [UNKNOWN], [HOLD], [FIRST]])
    assert sounds(open_)[:, 0].tolist() == [True, True, False, False, True]


@pytest.mark.parametrize("given", [(0,), (1,), (0, 2)])
def test_marks_are_the_shares_counted_one_by_one(given: tuple[int, ...]) -> None:
    learnt = []
    for seed in range(30):
        cells = random_cells(seed)
        cells[:6], cells[6], cells[-7], cells[-6:] = REST, FIRST, FIRST, REST  # all rest around
        if seed != 3:  # the second voice rests beside the others in one piece alone
            cells[6:-6, 1] = np.where(cells[6:-6, 1] == REST, FIRST, cells[6:-6, 1])
        learnt.append(piece(lawful(cells)))
    asked = random_cells(99)
    asked[:5, list(given)] = REST
    asked[:, [k for k in range(3) if k not in given]] = UNKNOWN
    (marks,) = demands([piece(asked)], learnt)

    def kind(heard: Heard, step: int) -> str:
        now = [any(row[k] for k in given) for row in heard.tolist()]
        return "beside" if now[step] else "between" if any(now[:step]) and any(now[step:]) else "around"

    seen: dict[tuple[str, int], list[bool]] = {}
    for one in learnt:
        heard = sounds(one.cells)
        for step, voice in np.ndindex(heard.shape):
            seen.setdefault((kind(heard, step), voice), []).append(bool(heard[step, voice]))
    for step, voice in np.ndindex(marks.shape):
        heard_there = seen.get((kind(sounds(asked), step), voice), [])
        rests = (heard_there.count(False) + 1) / (len(heard_there) + 2)
        wanted = SOUNDS if rests < RARE else RESTS if rests > 1 - RARE else FREE
        assert marks[step, voice] == (FREE if voice in given else wanted)
    assert marks[2].max() == RESTS
    if given == (0, 2):
        assert (marks == SOUNDS).any()


def test_little_evidence_and_no_given_voice_leave_all_open() -> None:
    learnt = [piece(np.full((40, 2), FIRST))]
    asked = np.full((10, 2), UNKNOWN)
    assert not demands([piece(asked)], learnt)[0].any()
    asked[:, 0] = FIRST
    assert not demands([piece(asked)], learnt)[0].any()
    assert demands([piece(asked)], learnt * 2)[0][:, 1].tolist() == [SOUNDS] * 10
    asked[4:6, 0] = REST  # nothing was learnt of what the other voice does then
    assert demands([piece(asked)], learnt * 2)[0][4:6].tolist() == [[FREE, FREE]] * 2


def test_of_other_families_the_note_before_goes_on() -> None:
    cells = np.array([[REST], [FIRST], [REST], [REST], [HOLD], [FIRST]])
    marks = np.array([[SOUNDS], [SOUNDS], [SOUNDS], [RESTS], [FREE], [RESTS]])
    assert lawful(granted(cells, marks))[:, 0].tolist() == [REST, FIRST, HOLD, REST, REST, REST]


def chorale(seed: int) -> Score:
    """Four voices in quarters, the first bar silent, the last full."""
    draws = np.random.default_rng(seed)
    parts = [
        Part(tuple(Note(BAR + k * QUARTER, QUARTER, base + int(draws.integers(-5, 6))) for k in range(12)), name)
        for name, base in zip(("Soprano", "Alto", "Tenor", "Bass"), (72, 65, 57, 48), strict=True)
    ]
    return Score(tuple(parts), f"piece {seed}")


QUICK = {
    "autoregressive": ("hidden=8", "training.max_steps=2"),
    "hmm": ("n_components=3", "max_iter=2"),
    "gmm": ("n_components=2",),
}


@pytest.fixture(scope="module")
def models() -> dict[str, MusicModel]:
    pieces = [chorale(k) for k in range(8)]
    return {family: fit(pieces, Study(family, settings, latents=False)).model for family, settings in QUICK.items()}


@pytest.mark.parametrize("family", QUICK)
def test_added_voices_sound_where_the_melody_does(models: dict[str, MusicModel], family: str) -> None:
    model, exact = models[family], family == "autoregressive"
    melody = Score(chorale(20).parts[:1], "melody")
    for seed in range(3):
        made = harmonize(model, melody, Manner(seed=seed), candidates=2)
        heard = sounds(made.cells)
        assert not heard[: model.codec.bar].any()
        later = heard[model.codec.bar :]
        assert (later if exact else later[np.maximum.accumulate(later, axis=0)]).all()
        filled = infill(model, chorale(21), Manner(seed=seed), voices="A,B", bars=(3, 4), candidates=2)
        later = sounds(filled.cells)[model.codec.bar :]
        assert later.all() if exact else later[:, [0, 2]].all()


def test_a_melody_is_harmonized_at_its_own_temperature(models: dict[str, MusicModel]) -> None:
    model, melody = models["autoregressive"], Score(chorale(22).parts[:1], "melody")
    at = [harmonize(model, melody, Manner(temperature), candidates=1).score for temperature in (None, 0.5, 0.8)]
    assert at[0] == at[1] != at[2]


def test_what_ships_adds_voices_that_end_with_the_melody_and_has_latents() -> None:
    model = MusicModel.load(SAMPLES / "composer.genapps")
    melody = read_score(SAMPLES / "melody.mid")
    made = harmonize(model, melody, Manner(temperature=0.8, seed=0))  # of these the likeliest fell silent
    assert {part.notes[-1].end for part in made.score.parts} == {melody.end}
    assert model.latents is not None


def test_a_candidate_that_falls_silent_is_not_the_likeliest_for_that(
    models: dict[str, MusicModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models["autoregressive"]
    asked = piece(np.full((16, 4), UNKNOWN))
    silent = np.full((16, 4), REST)
    silent[:4] = FIRST
    monkeypatch.setattr(tasks, "fill", lambda *_: [silent, np.full((16, 4), FIRST)])
    monkeypatch.setattr(tasks, "nats", lambda *_: [10.0, 32.0])
    made = tasks._best(model, [asked], Manner(), 2, None)
    assert made.candidates == (10 / 16, 32 / 64)
    assert made.nats == 0.5
    assert torch.equal(torch.from_numpy(made.cells), torch.full((16, 4), FIRST))
