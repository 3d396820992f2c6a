"""Candidates: what each note would be beside the others, by intervals alone, and shares that stay with the notes."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from genapps_music.composing.candidates import _GAIN, Candidates, within_notes
from genapps_music.grid import FIRST

VOICES, MOST = 3, 9
NOTES = MOST - FIRST


@pytest.fixture(scope="module")
def net() -> Candidates:
    draws = torch.Generator().manual_seed(0)
    made = Candidates(VOICES, MOST, 5, width=6, dropout=0.1, generator=draws)
    for table in made.parameters():
        table.data.copy_(torch.randn(table.shape, generator=draws) / 4)
    return made.eval()


def drawn(rows: int, low: int = 0, high: int = NOTES) -> tuple[Tensor, ...]:
    """What is said of cells, their voices, and cells of the step, shown of it, and of the one before."""
    draws = torch.Generator().manual_seed(1)
    begun = range(FIRST + low, FIRST + high)
    codes = torch.tensor([-1, 0, *begun, *(code + MOST for code in begun)])
    cells = codes[torch.randint(len(codes), (3, rows, VOICES), generator=draws)]
    voice = torch.randint(VOICES, (rows,), generator=draws)
    return torch.randn(rows, 5, generator=draws), voice, *cells


def height(code: int) -> int | None:
    return None if code < FIRST else code - FIRST - (MOST if code >= MOST + FIRST else 0)


def test_each_candidate_is_told_its_intervals_and_what_it_would_keep(net: Candidates) -> None:
    told, voice, now, shown, before = drawn(30)
    found = net(told, voice, now, shown, before)
    table = _GAIN * net.intervals.unflatten(0, (VOICES, 3 * VOICES, 2 * NOTES))
    for row, note in itertools.product(range(30), range(NOTES)):
        v = int(voice[row])
        x = net.about(told[row]) + _GAIN * net.own[v, note]
        last = height(int(before[row, v]))
        for w in range(VOICES):
            code = -1 if w == v else int((now if w < v else shown)[row, w])
            other, had = height(code), height(int(before[row, w]))
            kind = w + VOICES * (code >= MOST + FIRST)
            x = x + table[v, kind, -1 if other is None else note - other + NOTES - 1]
            x = x + table[v, 2 * VOICES + w, -1 if had is None else note - had + NOTES - 1]
            if None not in (last, other, had) and other != had and note - last == other - had:  # type: ignore[operator]
                x = x + _GAIN * net.parallel[v, w, (last - had) % 12]  # type: ignore[operator]
        x = functional.gelu(x)
        x = x + functional.gelu(net.inner(functional.rms_norm(x, x.shape[-1:])))
        torch.testing.assert_close(found[row, note], net.score(functional.rms_norm(x, x.shape[-1:]))[0])


def test_all_moved_by_a_step_says_the_same_of_notes_a_step_higher(net: Candidates) -> None:
    net = copy.deepcopy(net)
    net.own.data.zero_()
    told, voice, *cells = drawn(40, high=NOTES - 1)
    higher = [torch.where(codes >= FIRST, codes + 1, codes) for codes in cells]
    lower, moved = net(told, voice, *cells), net(told, voice, *higher)
    torch.testing.assert_close(moved[:, 1:], lower[:, :-1])


def test_notes_share_among_themselves_what_they_had() -> None:
    draws = torch.Generator().manual_seed(2)
    logits, scores = torch.randn(8, MOST, generator=draws), torch.randn(8, NOTES, generator=draws)
    logits[:, -1] = -torch.inf
    before, after = logits.softmax(-1), within_notes(logits, scores).softmax(-1)
    torch.testing.assert_close(after[:, :FIRST], before[:, :FIRST])
    torch.testing.assert_close(after[:, FIRST:].sum(-1), before[:, FIRST:].sum(-1))
    wanted = (before[:, FIRST:-1] * scores[:, :-1].exp()).log()
    torch.testing.assert_close(
        after[:, FIRST:-1].log() - wanted, (after[:, FIRST].log() - wanted[:, 0])[:, None].expand_as(wanted)
    )
