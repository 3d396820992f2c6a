"""Pieces by any family: what is given is kept, what is drawn stays in range, the same seed gives the same piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genapps.errors import InputError, UsageError
from genapps_music.codec import gather, transposed
from genapps_music.composing.between import interpolate
from genapps_music.composing.filling import Manner
from genapps_music.composing.fitting import Study, fit, settings_of, split
from genapps_music.composing.reaching import floor_of
from genapps_music.composing.surprise import surprise_of
from genapps_music.composing.tasks import compose, continue_, harmonize, infill, voices_of
from genapps_music.model import MusicModel
from genapps_music.presets import PRESETS
from genapps_music.score import QUARTER, Meter, Note, Part, Score
from genapps_music.tonality import home_of

NAMES = ("Soprano", "Alto", "Tenor", "Bass")
QUICK = {
    "autoregressive": ("hidden=8", "latents.hidden=4", "training.max_steps=2", "latents.training.max_steps=2"),
    "hmm": ("n_components=3", "max_iter=2"),
    "rbm": ("n_components=4", "recurrent=4", "training.max_steps=2", "sampling_steps=2"),
    "vae": ("hidden=8", "latent=2", "training.max_steps=2"),
    "gan": ("channels=2", "training.max_steps=2"),
    "gmm": ("n_components=2",),
}


def chorale(seed: int, bars: int = 6) -> Score:
    """Four voices that walk by steps, in eighths and quarters."""
    draws = np.random.default_rng(seed)
    parts = []
    for name, base in zip(NAMES, (72, 65, 57, 48), strict=True):
        notes, now = [], 0
        while now < 4 * bars * QUARTER:
            length = int(draws.choice([240, 480]))
            length = min(length, 4 * bars * QUARTER - now)
            notes.append(Note(now, length, base + int(draws.integers(-5, 6))))
            now += length
        parts.append(Part(tuple(notes), name))
    return Score(tuple(parts), f"piece {seed}", tempo=90.0)


@pytest.fixture(scope="module")
def models() -> dict[str, MusicModel]:
    pieces = [chorale(k, 4) for k in range(6)]
    return {
        family: fit(pieces, Study(family, settings, latents=family == "autoregressive")).model
        for family, settings in QUICK.items()
    }


def in_range(score: Score, model: MusicModel) -> bool:
    pairs = zip(score.parts, model.codec.limits, strict=True)
    return all(low <= note.pitch <= high for part, (low, high) in pairs for note in part.notes)


@pytest.mark.parametrize("family", QUICK)
def test_every_family_composes_within_the_ranges_and_the_bars(models: dict[str, MusicModel], family: str) -> None:
    model = models[family]
    made = compose(model, 4, 3, Manner(seed=1))
    again = compose(model, 4, 3, Manner(seed=1))
    assert [one.score for one in made] == [one.score for one in again]
    assert compose(model, 4, 3, Manner(seed=2))[0].score != made[0].score
    for one in made:
        assert one.cells.shape == (3 * model.codec.bar, 4)
        assert in_range(one.score, model)
        assert one.score.end <= 3 * 4 * QUARTER


@pytest.mark.parametrize("family", [name for name, preset in PRESETS.items() if "continue" in preset.can])
def test_a_seed_is_kept_note_by_note(models: dict[str, MusicModel], family: str) -> None:
    seed = chorale(50)
    made = continue_(models[family], seed, 2, Manner(seed=3)).score
    for own, given in zip(made.parts, seed.parts, strict=True):
        assert own.notes[: len(given.notes)] == given.notes
    assert (made.meters, made.tempo, made.name) == (seed.meters, 90.0, seed.name)
    assert in_range(made, models[family])


@pytest.mark.parametrize("family", [name for name, preset in PRESETS.items() if "harmonize" in preset.can])
def test_a_melody_is_kept_and_the_rest_is_drawn(models: dict[str, MusicModel], family: str) -> None:
    melody = Score(chorale(51).parts[:1], "melody", (Meter(0, 3, 4),))
    made = harmonize(models[family], melody, Manner(), candidates=2)
    assert made.score.parts[0].notes == melody.parts[0].notes
    assert made.score.meters == melody.meters
    assert in_range(made.score, models[family])
    assert not (made.cells < 0).any()
    assert (made.nats is not None) == (family in ("autoregressive", "hmm"))
    assert made.nats is None or made.nats == min(made.candidates)


@pytest.mark.parametrize("family", [name for name, preset in PRESETS.items() if "infill" in preset.can])
def test_all_but_what_is_drawn_anew_is_kept(models: dict[str, MusicModel], family: str) -> None:
    piece, bar = chorale(52), 4 * QUARTER
    made = infill(models[family], piece, Manner(), voices="A,t", bars=(2, 3), candidates=2).score
    assert made.parts[0].notes == piece.parts[0].notes
    assert made.parts[3].notes == piece.parts[3].notes
    for column in (1, 2):
        kept = [note for note in piece.parts[column].notes if note.end <= bar or note.onset >= 3 * bar]
        assert set(kept) <= set(made.parts[column].notes)
    whole = infill(models[family], piece, Manner(), voices="2", candidates=1).score
    assert [whole.parts[k].notes == piece.parts[k].notes for k in range(4)] == [True, False, True, True]


def test_what_a_family_cannot_do_is_said_with_those_that_can(models: dict[str, MusicModel]) -> None:
    with pytest.raises(UsageError, match=r"gmm cannot continue a piece, as it knows no order of time.*hmm, rbm"):
        continue_(models["gmm"], chorale(1), 2, Manner())
    with pytest.raises(UsageError, match="gan cannot harmonize"):
        harmonize(models["gan"], chorale(1), Manner())
    with pytest.raises(UsageError, match="no two-bar latents"):
        interpolate(replace(models["hmm"], latents=None), chorale(1), chorale(2), 3, Manner())
    with pytest.raises(UsageError, match="takes no --temperature"):
        compose(models["hmm"], 1, 2, Manner(temperature=0.5))


def test_what_is_out_of_range_moves_by_octaves_or_is_refused(models: dict[str, MusicModel]) -> None:
    model = models["autoregressive"]
    low = transposed(Score(chorale(3).parts[:1], "low"), -24)
    made = harmonize(model, low, Manner(), candidates=1)
    assert "the melody is moved 2 octaves up to the range of the voice" in made.notes
    with pytest.raises(InputError, match="fits in no octave into Soprano"):
        wide = Score((Part((Note(0, 480, 30), Note(480, 480, 100))),), "wide")
        harmonize(model, wide, Manner())
    with pytest.raises(InputError, match="transpose it"):
        continue_(model, Score((Part((Note(0, 480, 10), Note(480, 480, 120))),), "wide"), 2, Manner())
    with pytest.raises(InputError, match="drums"):
        continue_(model, Score((Part((Note(0, 480, 36),), drums=True),), "drums"), 2, Manner())
    assert voices_of(model.codec.layout, "bass,1") == [3, 0]
    with pytest.raises(UsageError, match="no single voice 'x'"):
        voices_of(model.codec.layout, "x")


def test_pieces_longer_than_the_longest_are_made_in_windows(models: dict[str, MusicModel]) -> None:
    model = models["autoregressive"]
    short = replace(model, codec=replace(model.codec, longest=2 * model.codec.bar))
    part = type(model.part).from_state(short.codec.space, *model.part.state())
    made = compose(replace(short, part=part), 2, 7, Manner())
    assert all(len(one.cells) == 7 * model.codec.bar and not (one.cells < 0).any() for one in made)


def test_a_path_of_latents_begins_and_ends_with_what_is_given(models: dict[str, MusicModel]) -> None:
    first, last = chorale(4), chorale(5)
    for family in ("autoregressive", "vae"):
        found = interpolate(models[family], first, last, 5, Manner())
        assert found.made[0].score.parts == first.parts
        assert (found.to_first[0], found.to_last[-1]) == (0.0, 0.0)
        assert len(found.made) == 5
        assert all(in_range(one.score, models[family]) for one in found.made)


def test_what_the_ends_of_a_path_are_is_said(models: dict[str, MusicModel]) -> None:
    first, last = chorale(4, bars=7), replace(chorale(5, bars=4), name="last", tempo=120.0)
    found = interpolate(models["vae"], first, last, 3, Manner())
    assert "001 has the first 4 bars; piece 4 has 7" in found.notes
    assert not any("last has" in note for note in found.notes)
    assert "003 has the tempo of piece 4, 90 quarters a minute; its own is 120" in found.notes
    by = found.made[2].shift - home_of(last)
    assert (f"003 is moved by {-by:+} semitones into the key of piece 4" in found.notes) == bool(by)
    kept = [(note.onset, note.pitch - by) for part in last.parts for note in part.notes]
    made = [(note.onset, note.pitch) for part in found.made[2].score.parts for note in part.notes]
    far = next((int(note.split()[0]) for note in found.notes if "octaves or left out" in note), 0)
    assert len(set(kept) - set(made)) == far


def test_a_model_is_the_same_after_it_was_kept(models: dict[str, MusicModel], tmp_path: Path) -> None:
    for family in ("autoregressive", "rbm"):
        model = models[family]
        model.save(tmp_path / "one.genapps")
        again = MusicModel.load(tmp_path / "one.genapps")
        assert again.codec == model.codec
        assert compose(again, 1, 2, Manner())[0].score == compose(model, 1, 2, Manner())[0].score
        assert again.scores(again.held) == model.scores(model.held)
        again.save(tmp_path / "two.genapps")
        assert (tmp_path / "one.genapps").read_bytes() == (tmp_path / "two.genapps").read_bytes()


def test_figures_are_of_pieces_held_out_and_exact(models: dict[str, MusicModel]) -> None:
    reached = models["autoregressive"].card["reached"]
    assert reached["kind"] == "exact"
    assert reached["pieces"] == 1
    assert reached["frame"] == pytest.approx(4 * reached["nats"])
    told = surprise_of(models["autoregressive"])
    assert told is not None
    model = models["autoregressive"]
    (found,) = told(model.scores(model.held))
    assert found.nats == pytest.approx(reached["frame"] * len(model.held[0].cells), rel=1e-4)
    assert surprise_of(models["gan"]) is None
    assert models["gan"].card["reached"]["nats"] is None


def test_a_setting_that_is_none_is_answered_with_those_there_are(models: dict[str, MusicModel]) -> None:
    codec = models["vae"].codec
    with pytest.raises(UsageError, match=r"unknown key 'nope'; there are: n_components, .*, and those of training"):
        settings_of("gmm", PRESETS["gmm"], codec, ["nope=3"])
    with pytest.raises(UsageError, match=r"unknown key 'training.max_step'.*Did you mean 'training.max_steps'"):
        settings_of("vae", PRESETS["vae"], codec, ["training.max_step=3"])


def test_the_floor_is_the_entropy_of_the_shares() -> None:
    corpus = gather([chorale(k) for k in range(5)])
    floor = floor_of(corpus.pieces, corpus.pieces, corpus.codec)
    total = 0.0
    for column in range(4):
        shares = np.unique(np.concatenate([p.cells[:, column] for p in corpus.pieces]), return_counts=True)[1]
        shares = shares / shares.sum()
        total -= float((shares * np.log(shares)).sum()) / 4
    assert floor == pytest.approx(total, abs=0.1)
    assert floor >= total
    learnt, held = split(corpus.pieces, 0.2, 0)
    assert (len(learnt), len(held)) == (4, 1)
    assert split(corpus.pieces[:4], 0.2, 0)[1] == ()
