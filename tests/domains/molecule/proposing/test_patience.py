"""A search goes on while it is worth it, and its end is certain."""

from __future__ import annotations

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_molecule.proposing.patience import MORE, SPAN, Patience


def generations(missing: int, finds: list[int], nearer: float = 1.0) -> tuple[int, str]:
    """After how many it ends, where each finds as many as is listed, over and over, and how."""
    patience, distance = Patience(), 1.0
    for number in count(1):
        missing, distance = missing - finds[number % len(finds)], distance * nearer
        patience.add(finds[number % len(finds)], distance)
        if missing <= 0 or (why := patience.spent(missing)):
            return number, why if missing > 0 else ""
    raise AssertionError


def test_nothing_found_ends_it_soon_and_later_where_it_comes_nearer() -> None:
    assert generations(20, [0]) == (SPAN, f"the last {SPAN} generations of the search found nothing new")
    assert generations(20, [0], nearer=0.9)[0] == MORE
    assert generations(20, [0], nearer=0.9999)[0] == SPAN


def test_what_finds_enough_in_time_is_not_cut() -> None:
    assert generations(10, [1, 0, 0, 0, 0])[1] == ""
    assert generations(500, [40])[1] == "" and generations(12, [3, *[0] * 14])[1] == ""
    assert (
        "at the pace of its last 20 generations the search would take 980 more" in generations(200, [1, 0, 0, 0, 0])[1]
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2_000), st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_the_end_is_bounded(missing: int, finds: list[int]) -> None:
    number, why = generations(missing, finds)
    assert bool(why) or sum(finds) > 0
    assert number <= SPAN + 2 * MORE + 2 * len(finds) + MORE * (missing > 0)
