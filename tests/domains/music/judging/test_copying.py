"""Copied passages are found in whatever key, with the bars they lie in; pieces that repeat each other are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from genapps_music.judging.copying import WAYS, Copies, Passage, Way, copied, repeats
from genapps_music.judging.voices import voices_of
from genapps_music.score import QUARTER, Note, Part, Score

BAR = 4 * QUARTER


def moved(score: Score, pitch: int = 0, ticks: int = 0) -> Score:
    parts = tuple(
        replace(one, notes=tuple(replace(n, pitch=n.pitch + pitch, onset=n.onset + ticks) for n in one.notes))
        for one in score.parts
    )
    return replace(score, parts=parts)


def spliced(into: Score, source: Score, begin: int, end: int, pitch: int) -> Score:
    """The notes of `into` with those of `source` between two ticks instead, in another key."""
    parts = []
    for own, other in zip(into.parts, source.parts, strict=True):
        kept = [n for n in own.notes if n.end <= begin or n.onset >= end]
        taken = [replace(n, pitch=n.pitch + pitch) for n in other.notes if n.onset >= begin and n.end <= end]
        parts.append(replace(own, notes=tuple(sorted(kept + taken))))
    return replace(into, parts=tuple(parts))


@pytest.mark.parametrize("way", WAYS)
def test_a_planted_passage_is_found_in_another_key(way: Way, corpus: list[Score]) -> None:
    source = corpus[7]
    made = spliced(corpus[30], source, 2 * BAR, 5 * BAR, 3)
    (found,) = copied([voices_of(made)], [voices_of(one) for one in corpus[:20]], way)
    assert found.source == 7
    assert (found.bar, found.source_bar) == (3, 3)
    assert 10 <= found.quarters <= 13
    assert found.part == pytest.approx(found.quarters / 23, abs=0.07)
    assert found.last in (5, 6)


def test_a_whole_copy_is_as_long_as_the_piece(corpus: list[Score]) -> None:
    late = moved(corpus[3], -2, 3 * BAR)
    for way in WAYS:
        (found,) = copied([voices_of(late)], [voices_of(one) for one in corpus[:5]], way)
        assert (found.source, found.bar, found.source_bar, found.part) == (3, 4, 1, 1.0)
    (found,) = copied([voices_of(late)], [voices_of(one) for one in corpus[:3]], "melody")
    assert found.part < 0.5


@pytest.mark.parametrize("way", WAYS)
def test_what_was_given_is_no_copy_and_what_follows_it_is(way: Way, corpus: list[Score]) -> None:
    source = corpus[3]
    voices, reference = [voices_of(moved(source, 2))], [voices_of(one) for one in corpus[:5]]
    notes = [{(n.onset, n.pitch + 2) for part in source.parts for n in part.notes if n.onset < bars * BAR}
             for bars in range(8)]  # fmt: skip
    found = [copied(voices, reference, way, [given])[0] for given in notes]
    whole, half, all_but_one = found[0], found[3], found[5]
    assert whole == copied(voices, reference, way)[0]
    assert (whole.part, half.part, all_but_one.part) == (1.0, 1.0, 1.0)  # of what was made
    assert [one.bar for one in (whole, half, all_but_one)] == [1, 3, 5]
    assert whole.notes > half.notes > all_but_one.notes > 1
    assert copied(voices, reference, way, [notes[7]]) == (Passage(0, given=True),)
    copies = Copies(way, (whole, Passage(0, given=True)), (Passage(1),))
    assert (copies.share, copies.halves) == (1.0, 1)


def test_a_melody_that_was_given_leaves_the_chords_over_it_to_be_judged(corpus: list[Score]) -> None:
    own = corpus[3]
    melody = {(n.onset, n.pitch) for n in own.parts[0].notes}
    voices, reference = [voices_of(own)], [voices_of(one) for one in corpus[:5]]
    assert copied(voices, reference, "melody", [melody])[0].given
    assert copied(voices, reference, "voices", [melody])[0].part == 1.0


def test_limits_and_shares() -> None:
    unseen = tuple(Passage(k) for k in range(1, 101))
    copies = Copies("melody", (Passage(96, part=0.6), Passage(97), Passage(20), Passage(0)), unseen)
    assert copies.limit == 96
    assert copies.share == 0.25
    assert copies.usual == 0.04
    assert copies.halves == 1
    alone = Copies("melody", (Passage(3),), ())
    assert alone.limit != alone.limit  # no real pieces, so no limit
    assert alone.share != alone.share


def test_repeats_are_counted_in_any_key(corpus: list[Score]) -> None:
    own = [voices_of(one) for one in corpus[:8]]
    assert repeats(own) == repeats([*own[:1], *own[1:]])
    assert (repeats(own).distinct, repeats(own).near) == (1.0, 0.0)
    doubled = repeats([*own, voices_of(moved(corpus[0], 4)), voices_of(corpus[1])])
    assert (doubled.distinct, doubled.near) == (0.8, 0.4)
    half = repeats([*own, voices_of(spliced(corpus[20], corpus[0], 0, 4 * BAR, 1))])
    assert (half.distinct, half.near) == (1.0, pytest.approx(2 / 9))


def test_pieces_of_few_notes_share_nothing_and_do_no_harm() -> None:
    empty, single = voices_of(Score(())), voices_of(Score((Part((Note(0, 480, 60),)),)))
    for way in WAYS:
        assert copied([empty, single], [single], way) == (Passage(0), Passage(0))
    assert repeats([]).distinct == 0.0


def test_every_piece_is_looked_for_by_itself(chorale: Callable[..., Score]) -> None:
    generator = np.random.default_rng(4)
    pieces = [voices_of(chorale(generator, 16)) for _ in range(6)]
    together = copied(pieces[:3], pieces[3:], "voices")
    assert together == tuple(copied([one], pieces[3:], "voices")[0] for one in pieces[:3])
